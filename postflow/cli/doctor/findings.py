"""What a check finds, and running checks side by side with a limit of time for each group.

A check that fails, hangs or breaks costs its own lines and no others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from postflow.errors import PostFlowError
from postflow.settings import Settings


class Mark(StrEnum):
    """How a check came out."""

    OK = "ok"
    """All is as it should be, or switched off on purpose."""
    WARNING = "warning"
    """It works, but probably not as meant; or it could not be looked at."""
    FAILED = "failed"
    """It does not work; the remedy says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the report."""

    check: str
    mark: Mark
    says: str
    remedy: str = ""


Report = Callable[[Finding], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Checks that are made one after the other; `look` reports a finding for each of the names."""

    checks: Sequence[str]
    look: Callable[[Settings, Report], None]
    seconds: float = 15.0


def ok(check: str, says: str) -> Finding:
    """Return a good finding."""
    return Finding(check=check, mark=Mark.OK, says=says)


def warning(check: str, says: str, remedy: str = "") -> Finding:
    """Return a finding that people should read."""
    return Finding(check=check, mark=Mark.WARNING, says=says, remedy=remedy)


def failed(check: str, says: str, remedy: str = "") -> Finding:
    """Return a finding that has to be dealt with."""
    return Finding(check=check, mark=Mark.FAILED, says=says, remedy=remedy)


def unchecked(check: str, why: str) -> Finding:
    """Return the finding of a check that another trouble made impossible."""
    return Finding(check=check, mark=Mark.WARNING, says=f"not checked: {why}")


def examine(groups: Sequence[Group], settings: Settings) -> list[Finding]:
    """Make all checks and return a finding for each, in the order of their names."""
    running = [_Running(group, settings) for group in groups]
    return [finding for each in running for finding in each.finish()]


class _Running:
    """A group at work in a thread of its own, which is left behind if it takes too long."""

    def __init__(self, group: Group, settings: Settings) -> None:
        self._group = group
        self._settings = settings
        self._found: dict[str, Finding] = {}
        self._trouble: Finding | None = None
        self._until = time.monotonic() + group.seconds
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def finish(self) -> list[Finding]:
        """Return a finding for each check, once all are made or the time is over."""
        self._thread.join(max(self._until - time.monotonic(), 0))
        found, missing = dict(self._found), [c for c in self._group.checks if c not in self._found]
        for number, check in enumerate(missing):
            found[check] = (
                self._explain(check)
                if number == 0
                else unchecked(check, f"“{missing[0]}” comes first")
            )
        return [found[check] for check in self._group.checks]

    def _look(self) -> None:
        try:
            self._group.look(self._settings, self._note)
        except PostFlowError as error:
            self._trouble = failed("", str(error))
        except Exception as error:  # noqa: BLE001 - no check may end the others; it is told
            told = f"the check itself failed ({type(error).__name__}: {error})"
            self._trouble = failed("", told, "please report it")

    def _note(self, finding: Finding) -> None:
        self._found[finding.check] = finding

    def _explain(self, check: str) -> Finding:
        trouble = self._trouble
        if trouble is None:
            return failed(check, f"no answer within {self._group.seconds:.0f} s", "try again")
        return failed(check, trouble.says, trouble.remedy)
