"""Whether Prefect answers, said once by whoever notices it first: many do without it for good."""

from __future__ import annotations

import structlog

_log = structlog.get_logger("postflow.prefect")


class PrefectPresence:
    """What the parts of one service have last seen of Prefect."""

    def __init__(self) -> None:
        self._is_away = False

    def note_away(self, why: str) -> None:
        """Say that it is away, unless that has been said."""
        if not self._is_away:
            self._is_away = True
            _log.warning("working without Prefect: flow runs and events wait for it", why=why)

    def note_back(self) -> None:
        """Say that it is back, if it was away."""
        if self._is_away:
            self._is_away = False
            _log.info("Prefect answers again")
