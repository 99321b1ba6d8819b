"""What the tracker needs of the outside world, in its own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from postflow.clock import Clock, utc_now
from postflow.domain.runs import ResumeAnswer, RunArtifact, RunState
from postflow.frameio.locate import Places
from postflow.frameio.wire import AuditLog, Comment, File, Folder, Profile, VersionStack

__all__ = ["Clock", "FlowRuns", "FrameioReader", "utc_now"]


class FrameioReader(Places, Protocol):
    """The reads by which the tracker learns the truth; raises FrameioError."""

    async def fetch_file(self, file_id: str, *, include: Iterable[str] = ()) -> File:
        """Return the file; raises NotFoundError."""
        ...

    async def fetch_version_stack(self, stack_id: str) -> VersionStack:
        """Return the stack with its newest file; raises FrameioRefusedError where it is none."""
        ...

    async def fetch_stack_files(self, stack_id: str, *, include: Iterable[str] = ()) -> list[File]:
        """Return the files of a stack; raises FrameioRefusedError where it is none."""
        ...

    async def fetch_folders(self, folder_id: str) -> list[Folder]:
        """Return the folders directly inside a folder."""
        ...

    async def fetch_files(self, folder_id: str, *, include: Iterable[str] = ()) -> list[File]:
        """Return the files directly inside a folder, without those in stacks."""
        ...

    async def fetch_version_stacks(self, folder_id: str) -> list[VersionStack]:
        """Return the stacks directly inside a folder, with their newest files."""
        ...

    async def fetch_comments(self, file_id: str) -> list[Comment]:
        """Return every comment of the file, with owners and replies, or raise."""
        ...

    async def fetch_comment(self, comment_id: str) -> Comment:
        """Return one comment with its owner; raises NotFoundError."""
        ...

    async def fetch_me(self) -> Profile:
        """Return the user as whom PostFlow is signed in."""
        ...

    async def fetch_audit_logs(
        self, *, filters: Mapping[str, str] | None = None
    ) -> list[AuditLog] | None:
        """Return what the filters leave of the audit log, or None where there is none."""
        ...


class FlowRuns(Protocol):
    """Prefect, as far as the tracker needs it; raises PrefectUnavailableError."""

    async def fetch_states(self, flow_run_ids: Sequence[str]) -> dict[str, RunState]:
        """Return each run's state at this moment."""
        ...

    async def resume(self, flow_run_id: str) -> ResumeAnswer:
        """Ask for a suspended run to be started again; harmless when repeated."""
        ...

    async def end(self, flow_run_id: str, end: str) -> None:
        """Say how a run ended whose process died before it could: `Name: sentence`."""
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

    async def publish(self, artifact: RunArtifact) -> None:
        """Attach an artifact to a flow run, which may be suspended or over."""
        ...
