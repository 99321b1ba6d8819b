"""Whether somebody whose lease has run out is dead, or only could not say that he lives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from postflow.domain.runs import RunState
from postflow.tracker.ports import Clock


class SilenceWatch:
    """Watches silent processes for a while before it calls them dead.

    After the store or this machine was away every lease has run out; those who live renew theirs
    first, and a second process beside a living one would do its work twice.
    """

    def __init__(self, *, patience: timedelta, clock: Clock) -> None:
        self._patience = patience
        self._clock = clock
        self._since: dict[str, tuple[datetime | None, datetime]] = {}

    def keep(self, leases: Mapping[str, datetime | None]) -> None:
        """Watch exactly those who are silent now; each is given with the end of its lease."""
        now = self._clock()
        self._since = {who: self._since.get(who, (until, now)) for who, until in leases.items()}

    def is_dead(self, who: str, state: RunState, *, lease_until: datetime | None) -> bool:
        """Whether a flow run's process is dead, who is silent and of whom Prefect says this.

        Where Prefect believes that it lives, the same lease must have been over for as long as this
        process has had patience.
        """
        if state is not RunState.RUNNING:
            return state is RunState.CRASHED
        known, since = self._since[who]
        if known != lease_until:
            self._since[who] = (lease_until, self._clock())
            return False
        return self._clock() - since >= self._patience
