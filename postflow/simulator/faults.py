"""What can be made to go wrong, for how many times, and from which call or delivery on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from postflow.simulator.state import fresh_id


class FaultKind(StrEnum):
    """Everything that can be switched on."""

    ANSWER = "answer"  # a call is answered with `status`, after its effect if `after_effect`
    SLOW = "slow"  # a call is answered `seconds` later
    RESET = "reset"  # the connection breaks, after `after_bytes` of the request's body
    LOST_PART = "lost_part"  # a part is answered with 200 and thrown away
    DUPLICATE = "duplicate"  # a delivery is sent `copies` times more
    REORDER = "reorder"  # a delivery is held until a later one was sent
    DROP = "drop"  # a delivery is never sent
    DELAY = "delay"  # a delivery is sent `seconds` later
    TAMPER = "tamper"  # the body is changed after signing, on the first attempt
    WRONG_SIGNATURE = "wrong_signature"  # another secret signs the first attempt
    TIMESTAMP = "timestamp"  # the first attempt is signed as of `seconds` from now (or ago: < 0)
    EARLY_WEBHOOK = "early_webhook"  # deliveries caused by a call go out before its answer
    NEVER_READY = "never_ready"  # the transcode of a file fails: it stays uploaded for ever
    SLOW_TRANSCODE = "slow_transcode"  # the transcode of a file takes `seconds`
    VANISH = "vanish"  # the file is deleted when it would have become ready


class Fault(BaseModel):
    """One thing to go wrong. Patterns are shell patterns; what is left out matches all.

    Of the matching calls, deliveries or files, those from number `at` on are hit, `times` times
    (null: always).
    """

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    id: str = Field(default_factory=fresh_id)
    method: str | None = None
    path: str | None = None  # matched against path?query, without the host
    page: int | None = Field(default=None, ge=1)  # of a list; 2 is the first that has `after`
    event: str | None = None
    file: str | None = None  # its name
    at: int = Field(default=1, ge=1)
    times: int | None = Field(default=1, ge=1)
    status: int = Field(default=500, ge=400, le=599)
    after_effect: bool = False
    seconds: float = 0.0
    after_bytes: int = Field(default=0, ge=0)
    copies: int = Field(default=1, ge=1)
    body: str | None = None  # instead of the error shape
    headers: dict[str, str] = Field(default_factory=dict)  # beside the usual ones
    _matched: int = PrivateAttr(default=0)
    _hits: int = PrivateAttr(default=0)

    @property
    def span(self) -> timedelta:
        """The seconds as a duration."""
        return timedelta(seconds=self.seconds)

    @property
    def matched(self) -> int:
        """How many calls, deliveries or files matched so far."""
        return self._matched

    @property
    def hits(self) -> int:
        """How many of them were hit."""
        return self._hits

    def take(self) -> bool:
        """Count one match and say whether it is hit."""
        self._matched += 1
        if self._matched < self.at or (self.times is not None and self._hits >= self.times):
            return False
        self._hits += 1
        return True


CALL_FAULTS = frozenset({FaultKind.ANSWER, FaultKind.SLOW, FaultKind.RESET})
DELIVERY_FAULTS = frozenset(
    {
        FaultKind.DUPLICATE,
        FaultKind.REORDER,
        FaultKind.DROP,
        FaultKind.DELAY,
        FaultKind.TAMPER,
        FaultKind.WRONG_SIGNATURE,
        FaultKind.TIMESTAMP,
    }
)
FILE_FAULTS = frozenset({FaultKind.NEVER_READY, FaultKind.SLOW_TRANSCODE, FaultKind.VANISH})


class Faults:
    """The faults that are switched on."""

    def __init__(self) -> None:
        self._active: list[Fault] = []

    def switch_on(self, fault: Fault) -> None:
        """Add a fault; several may hit the same call."""
        self._active.append(fault)

    def switch_off(self, fault_id: str | None = None) -> None:
        """Remove one fault, or all."""
        self._active = [each for each in self._active if fault_id not in (None, each.id)]

    def listed(self) -> list[dict[str, object]]:
        """List the faults with how often they matched and hit."""
        return [
            each.model_dump(mode="json") | {"matched": each.matched, "hits": each.hits}
            for each in self._active
        ]

    def for_call(
        self, *, method: str, target: str, page: int, kinds: frozenset[FaultKind] = CALL_FAULTS
    ) -> list[Fault]:
        """Take the faults that hit one call."""
        return self._taken(
            kinds,
            lambda fault: (
                (fault.method is None or fault.method.upper() == method)
                and (fault.page is None or fault.page == page)
                and (fault.path is None or fnmatchcase(target, fault.path))
            ),
        )

    def for_delivery(self, event: str) -> list[Fault]:
        """Take the faults that hit one delivery."""
        return self._taken(
            DELIVERY_FAULTS, lambda fault: fault.event is None or fnmatchcase(event, fault.event)
        )

    def for_file(self, name: str, kinds: frozenset[FaultKind] = FILE_FAULTS) -> list[Fault]:
        """Take the faults that hit one file."""
        return self._taken(kinds, lambda fault: fault.file is None or fnmatchcase(name, fault.file))

    def _taken(self, kinds: frozenset[FaultKind], fits: Callable[[Fault], bool]) -> list[Fault]:
        return [each for each in self._active if each.kind in kinds and fits(each) and each.take()]
