"""What the tracker needs of the outside world, in its own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from postflow.frameio.wire import Comment, File


def utc_now() -> datetime:
    """Return the present moment, aware and in UTC; the clock that production code is given."""
    return datetime.now(UTC)


class Clock(Protocol):
    """Tells the time; tests bring their own."""

    def __call__(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class FrameioReader(Protocol):
    """The reads by which the tracker learns the truth; raises FrameioError."""

    async def fetch_file(self, file_id: str, *, include: Iterable[str] = ()) -> File:
        """Return the file; raises NotFoundError."""
        ...

    async def fetch_comments(self, file_id: str) -> list[Comment]:
        """Return every comment of the file, with owners and replies, or raise."""
        ...

    async def fetch_comment(self, comment_id: str) -> Comment:
        """Return one comment with its owner; raises NotFoundError."""
        ...


class RunState(StrEnum):
    """The state of a flow run, as far as waking it is concerned."""

    WAITING = "waiting"
    """Suspended: a resume wakes it."""
    STARTING = "starting"
    """Scheduled or pending: a process is on its way."""
    RUNNING = "running"
    """A process works on it, or Prefect believes so."""
    CRASHED = "crashed"
    """Its process died; Prefect restarts nothing by itself."""
    CANCELLED = "cancelled"
    """A person ended it."""
    FINISHED = "finished"
    """Completed or failed."""
    MISSING = "missing"
    """Prefect does not know it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeAnswer:
    """What Prefect said to a resume; `said` is its own sentence."""

    accepted: bool
    said: str


class FlowRuns(Protocol):
    """Prefect, as far as the tracker needs it; raises PrefectUnavailableError."""

    async def fetch_states(self, flow_run_ids: Sequence[str]) -> dict[str, RunState]:
        """Return each run's state at this moment."""
        ...

    async def resume(self, flow_run_id: str) -> ResumeAnswer:
        """Ask for a suspended run to be started again; harmless when repeated."""
        ...

    async def restart(self, flow_run_id: str) -> None:
        """Force the run back to Scheduled, whatever Prefect believes of it."""
        ...

    async def emit(
        self,
        *,
        event_id: str,
        name: str,
        upload_id: str,
        payload: Mapping[str, object],
        occurred: datetime,
        flow_run_id: str | None,
    ) -> None:
        """Emit a Prefect event; the same id again is the same event."""
        ...
