"""The demo's stories: what reviewers do, and how each video must end."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postflow.domain.standing import DecisionSource, ReviewStatus
from postflow.settings.sections import OnRejected
from postflow.store.views import UploadStatusView

REVIEWERS: dict[str, dict[str, object]] = {
    "julie": {"name": "Julie Martin", "email": "julie@client.example"},
    "tom": {"name": "Tom Baker", "email": "tom@client.example"},
    "sam": {"name": "Sam Ortiz", "email": "sam@agency.example"},
    "ed": {"name": "Ed Lang", "email": "ed@studio.example"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """What happens to a video under review, and the decision that must come of it."""

    name: str
    title: str
    steps: Sequence[Mapping[str, object]]
    ends: ReviewStatus
    source: DecisionSource = DecisionSource.COMMENTS
    decided_by: str | None = None
    """The text of the comment that must have decided."""
    on_rejected: OnRejected = OnRejected.WAIT
    next_version: Sequence[Mapping[str, object]] = ()
    """What happens to the version that the editor stacks on the first one, if he does."""

    @property
    def rounds(self) -> int:
        """How many versions it takes."""
        return 2 if self.next_version else 1

    def misses(self, view: UploadStatusView) -> str | None:
        """Return in which way the video did not end as written, or None."""
        verdict, delivery = view["verdict"], view["delivery"]
        is_delivered = delivery is not None and delivery["delivered_at"] is not None
        if view["review_status"] != self.ends:
            return f"must end {self.ends}, is {view['review_status']}"
        if is_delivered != (self.ends is ReviewStatus.APPROVED):
            return "was delivered" if is_delivered else "was not delivered"
        if view["version"] != self.rounds:
            return f"must end with version {self.rounds}, is at {view['version']}"
        if verdict is None or verdict["source"] != self.source:
            return f"must be decided by {self.source}"
        if self.decided_by is not None and verdict["comment_text"] != self.decided_by:
            return f"must be decided by {self.decided_by!r}, not {verdict['comment_text']!r}"
        return None


STORIES = (
    Story(
        name="approved-in-french",
        title="approved in French",
        steps=({"after": "2s", "as": "julie", "comment": "Validé, bon pour diffusion !"},),
        ends=ReviewStatus.APPROVED,
    ),
    Story(
        name="refusal-edited",
        title="a refusal, edited into an approval",
        steps=(
            {"after": "2s", "as": "tom", "comment": "Not approved: the logo is the old one."},
            {"after": "6s", "as": "tom", "edit": "I see it now, that is the new logo. Approved!"},
        ),
        ends=ReviewStatus.APPROVED,
        decided_by="I see it now, that is the new logo. Approved!",
    ),
    Story(
        name="two-remarks",
        title="rejected with two remarks",
        steps=(
            {
                "after": "2s",
                "as": "julie",
                "comment": "Il y a une faute dans le titre, à corriger.",
                "timestamp": 24,
            },
            {
                "after": "1s",
                "as": "julie",
                "comment": "La musique couvre la voix, il faut la baisser.",
                "timestamp": 60,
            },
        ),
        ends=ReviewStatus.REJECTED,
        on_rejected=OnRejected.FINISH,
    ),
    Story(
        name="a-question-first",
        title="a colleague's question, then the client's yes",
        steps=(
            {"after": "2s", "as": "sam", "comment": "ok for you?"},
            {"after": "4s", "as": "julie", "comment": "pas de problème, c'est bon pour moi"},
        ),
        ends=ReviewStatus.APPROVED,
        decided_by="pas de problème, c'est bon pour moi",
    ),
    Story(
        name="status-field",
        title="Status set to Approved, no comment",
        steps=({"after": "3s", "as": "julie", "status": "Approved"},),
        ends=ReviewStatus.APPROVED,
        source=DecisionSource.STATUS_FIELD,
    ),
    Story(
        name="a-new-version",
        title="rejected, a new version stacked, approved",
        steps=(
            {
                "after": "2s",
                "as": "tom",
                "comment": "Please fix the end title, it is cut off.",
                "timestamp": 80,
            },
        ),
        next_version=(
            {"after": "2s", "as": "tom", "comment": "That's it, approved. Thank you Ed!"},
        ),
        ends=ReviewStatus.APPROVED,
        decided_by="That's it, approved. Thank you Ed!",
    ),
)


def assign_stories(videos: Sequence[Path]) -> dict[Path, Story]:
    """Give each video its story, in turn."""
    return {video: STORIES[i % len(STORIES)] for i, video in enumerate(videos)}


def write_scenario(
    stories: Mapping[Path, Story], *, reviewers: Mapping[str, Mapping[str, object]] = REVIEWERS
) -> dict[str, Any]:
    """Return the simulator's scenario in which these stories happen to these videos."""
    return {
        "reviewers": {key: dict(person) for key, person in reviewers.items()},
        "stories": [
            scene for video, story in stories.items() for scene in _write_scenes(video.name, story)
        ],
    }


def _write_scenes(video: str, story: Story) -> list[dict[str, Any]]:
    """Return what happens to the first version of a video, and to the second if there is one."""
    steps = [dict(step) for step in story.steps]
    if story.next_version:
        steps.append({"after": "5s", "as": "ed", "version": video})
    file: dict[str, Any] = {"file": glob.escape(video), "event": "file.ready"}
    scenes: list[dict[str, Any]] = [{"when": {**file, "round": 1}, "steps": steps}]
    if story.next_version:
        again = [dict(step) for step in story.next_version]
        scenes.append({"when": {**file, "round": 2}, "steps": again})
    return scenes
