"""What reviewers do to a video: a deck of short stories, told with random words and pauses.

Pure. Every story ends in one way only, whatever PostFlow reads late or not at all: at most one
person sets the Status of a version, because Frame.io says neither who set it nor when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

Step = Mapping[str, object]
Tell = Callable[["Told"], None]

REVIEWERS: dict[str, dict[str, object]] = {
    "julie": {"name": "Julie Martin", "email": "julie@client.example"},
    "tom": {"name": "Tom Baker", "email": "tom@client.example"},
    "sam": {"name": "Sam Ortiz", "email": "sam@agency.example"},
    "visitor": {"name": "A Visitor", "email": "visitor@web.example", "guest": True},
    "ed": {"name": "Ed Lang", "email": "ed@studio.example"},
}
EDITORS = frozenset({"ed@studio.example", "editor@studio.example"})
YES = (
    *("Validé, bon pour diffusion !", "C'est validé pour moi, parfait !", "Approved, thank you!"),
    *("Looks great, approved.", "Bon pour moi, on peut livrer.", "You have our full approval."),
)
NO = (
    *("Please fix the logo, it is the old one.", "Il y a une faute dans le titre, à corriger."),
    *("Not approved: the end title is cut off.", "La musique couvre la voix, il faut la baisser."),
)
QUESTION = ("ok for you?", "What do you think, Julie?", "C'est la dernière version ?")


@dataclass(kw_only=True, slots=True)
class Told:
    """A story while it is told: the steps of the first version and of the second, if any."""

    random: Random
    slowest: float
    first: list[Step]
    second: list[Step]
    is_removed: bool = False

    def add(self, who: str, *, again: bool = False, **action: object) -> None:
        """Let somebody do something after a random pause; `again` is on the second version."""
        pause = round(self.random.uniform(0.2, self.slowest), 1)
        step = {"after": pause, "as": who, **action}
        (self.second if again else self.first).append(step)

    def somebody(self, *others: str) -> str:
        """Choose a reviewer, none of `others`."""
        return self.random.choice([name for name in ("julie", "tom", "sam") if name not in others])

    def yes(self) -> str:
        """Choose words of approval."""
        return self.random.choice(YES)

    def no(self) -> str:
        """Choose words that ask for a change."""
        return self.random.choice(NO)


def _approve(told: Told) -> None:
    told.add(told.somebody(), comment=told.yes())


def _reject(told: Told) -> None:
    told.add(told.somebody(), comment=told.no(), timestamp=told.random.randint(1, 200))


def _edit_refusal(told: Told) -> None:
    who = told.somebody()
    told.add(who, comment=told.no())
    told.add(who, edit=told.yes())


def _edit_approval(told: Told) -> None:
    who = told.somebody()
    told.add(who, comment=told.yes())
    told.add(who, edit=told.no())


def _withdraw(told: Told) -> None:
    who = told.somebody()
    told.add(who, comment=told.yes())
    told.add(who, delete=True)


def _delete_refusal(told: Told) -> None:
    who = told.somebody()
    told.add(who, comment=told.no())
    told.add(told.somebody(who), comment=told.yes())
    told.add(who, delete=True)


def _disagree(told: Told) -> None:
    who = told.somebody()
    told.add(who, comment=told.no())
    told.add(told.somebody(who), comment=told.yes())


def _ask_first(told: Told) -> None:
    told.add("sam", comment=told.random.choice(QUESTION))
    told.add(told.somebody("sam"), comment=told.yes())


def _set_status(told: Told) -> None:
    told.add(told.somebody(), status=told.random.choice(("Approved", "Approved", "Rejected")))


def _status_after_refusal(told: Told) -> None:
    told.add("julie", comment=told.no())
    told.add("tom", status="Approved")


def _guest(told: Told) -> None:
    told.add("visitor", comment=told.random.choice((told.yes(), told.no())))


def _editor_only(told: Told) -> None:
    told.add("ed", comment=told.yes())


def _stay_silent(told: Told) -> None:
    told.add("ed", comment="Here is the new cut.")


def _remove(told: Told) -> None:
    told.is_removed = True
    told.add("ed", remove_file=True)


def _next_version(told: Told) -> None:
    told.add(told.somebody(), comment=told.no())
    told.add("ed", version="")
    last = told.random.choice((_approve, _approve, _edit_refusal, _reject, None))
    if last is not None:
        first, told.first = told.first, []
        last(told)
        told.first, told.second = first, told.first


STORIES: Mapping[str, Tell] = {
    "approved": _approve,
    "rejected": _reject,
    "refusal-edited": _edit_refusal,
    "approval-edited": _edit_approval,
    "withdrawn": _withdraw,
    "refusal-deleted": _delete_refusal,
    "disagreement": _disagree,
    "question-first": _ask_first,
    "status": _set_status,
    "status-over-refusal": _status_after_refusal,
    "guest": _guest,
    "editor-only": _editor_only,
    "silent": _stay_silent,
    "removed": _remove,
    "next-version": _next_version,
}
_WEIGHTS = (4, 2, 2, 2, 2, 1, 1, 1, 3, 1, 1, 1, 1, 1, 4)


def tell_stories(random: Random, *, count: int, slowest: float) -> list[tuple[str, Told]]:
    """Return `count` stories with their names; pauses last up to `slowest` seconds."""
    names = random.choices(list(STORIES), weights=_WEIGHTS, k=count)
    told = []
    for name in names:
        story = Told(random=random, slowest=slowest, first=[], second=[])
        STORIES[name](story)
        told.append((name, story))
    return told
