"""What the full-screen view is given: things to look at, and two things to do.

The view itself opens nothing and knows no store; whoever runs it hands these in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from postflow.dashboard.model import Dashboard, UploadStory
from postflow.domain.standing import ReviewStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """How one part of the whole is; `is_well` is None where that cannot be known."""

    name: str
    is_well: bool | None
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The first page, and how much of each upload in flight has arrived (0 to 1)."""

    dashboard: Dashboard
    progress: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Blocking calls, made from threads; each may raise PostFlowError with a sentence to show."""

    load: Callable[[ReviewStatus | None], Snapshot]
    load_story: Callable[[str], UploadStory | None]
    decide: Callable[[str, int, ReviewStatus, str], None]
    """Decide about this version of this upload, with a reason."""
    undo: Callable[[str, int, str], None]
    """Take the approval of this version back, with a reason."""
    check_health: Callable[[], Sequence[Health]]
