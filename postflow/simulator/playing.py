"""Plays a scenario: starts stories when files fit, and acts their steps in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from postflow.frameio.wire import User
from postflow.simulator.records import Happening, StoredComment, StoredFile
from postflow.simulator.refusals import Refusal
from postflow.simulator.reviews import (
    add_comment,
    add_version,
    complete_comment,
    delete_comment,
    edit_comment,
    folder_of,
    set_status,
)
from postflow.simulator.routes.comments import read_timestamp
from postflow.simulator.scenario import Scenario, Step, Story
from postflow.simulator.uploads import remove_file, store_whole_file
from postflow.simulator.world import World


@dataclass(slots=True, kw_only=True)
class Performance:
    """One story on one file, and what its steps left behind."""

    story: Story
    file: StoredFile
    labelled: dict[str, StoredComment] = field(default_factory=dict)
    last_of: dict[str, StoredComment] = field(default_factory=dict)
    last: StoredComment | None = None


class Player:
    """Listens to what happens and plays the stories that fit."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self._world = world
        self._scenario = scenario
        self._rounds: Counter[int] = Counter()
        self._started: set[tuple[int, str]] = set()

    def attach(self) -> None:
        """Start listening, and switch on what the scenario sets."""
        if self._scenario.transcode_delay is not None:
            self._world.configure(transcode_delay=self._scenario.transcode_delay)
        for fault in self._scenario.faults:
            self._world.faults.switch_on(fault.model_copy(deep=True))
        self._world.listeners.append(self._hear)

    def _hear(self, happening: Happening) -> None:
        file = self._world.state.assets.get(happening.file_id or "")
        if not isinstance(file, StoredFile):
            return
        for number, story in enumerate(self._scenario.stories):
            if not story.when.fits(event=happening.type, file_name=file.name):
                continue
            if (number, file.id) in self._started:
                continue
            self._started.add((number, file.id))
            self._rounds[number] += 1
            if story.when.round in (None, self._rounds[number]):
                self._world.stories_playing += 1
                self._go_on(Performance(story=story, file=file), 0)

    def _go_on(self, performance: Performance, number: int) -> None:
        if number >= len(performance.story.steps):
            self._world.stories_playing -= 1
            return
        step = performance.story.steps[number]

        def act() -> None:
            if performance.file.id not in self._world.state.assets:
                self._world.stories_playing -= 1
                return
            try:
                self._act(performance, step)
            except Refusal as refused:
                self._world.complain(
                    f"{performance.file.name}, step {number + 1}: {refused.detail}"
                )
            self._go_on(performance, number + 1)

        self._world.clock.after(step.after, self._world.later(act))

    def _act(self, performance: Performance, step: Step) -> None:
        user = self._person(step.who)
        acts: dict[str, Callable[[], None]] = {
            "comment": lambda: self._comment(performance, step, user),
            "reply": lambda: self._comment(performance, step, user),
            "edit": lambda: edit_comment(
                self._world, _meant(performance, step), text=step.edit or "", user=user
            ),
            "delete": lambda: delete_comment(self._world, _meant(performance, step), user=user),
            "complete": lambda: complete_comment(
                self._world, _meant(performance, step), completed=True, user=user
            ),
            "status": lambda: set_status(
                self._world, performance.file, step.status or None, user=user
            ),
            "version": lambda: self._new_version(performance.file, step, user),
            "remove_file": lambda: remove_file(self._world, performance.file, user=user),
        }
        acts[step.actions[0]]()

    def _comment(self, performance: Performance, step: Step, user: User) -> None:
        above = None
        if step.reply is not None:
            above = performance.labelled.get(step.of or "") or performance.last
        comment = add_comment(
            self._world,
            performance.file,
            text=step.comment or step.reply or "",
            owner=user,
            frame=read_timestamp(step.timestamp, fps=self._world.config.frames_per_second),
            reply_to=above,
        )
        performance.last = performance.last_of[step.who] = comment
        if step.label:
            performance.labelled[step.label] = comment

    def _new_version(self, old: StoredFile, step: Step, user: User) -> None:
        new = store_whole_file(
            self._world,
            folder_of(self._world, old),
            name=step.version or old.name,
            content=old.original or b"another version",
            tail=step.version.encode() if step.version else b"2",
            creator=user,
        )
        add_version(self._world, old, new, user=user)

    def _person(self, nickname: str) -> User:
        reviewer = self._scenario.reviewers.get(nickname)
        if reviewer is None:
            return self._world.people.named(nickname)
        if reviewer.guest:
            email = reviewer.email or f"{nickname}@guest.example.com"
            return self._world.people.guest(name=reviewer.name, email=email)
        return self._world.people.named(reviewer.email or nickname, display_name=reviewer.name)


def _meant(performance: Performance, step: Step) -> StoredComment:
    if step.of is not None:
        found = performance.labelled.get(step.of)
    else:
        found = performance.last_of.get(step.who)
    if found is None:
        raise Refusal(404, f"{step.who} has no comment to {step.actions[0]} here")
    return found
