"""Flow runs as the tracker sees them; the words for Prefect's states that matter to a wake-up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


class ArtifactKind(StrEnum):
    """How Prefect shows an artifact."""

    MARKDOWN = "markdown"
    """A text."""
    TABLE = "table"
    """Rows as JSON: a list of objects with the same keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunArtifact:
    """Something to read on a flow run's Artifacts tab; the same key again is its newer edition."""

    flow_run_id: str
    key: str
    kind: ArtifactKind
    description: str
    data: str
