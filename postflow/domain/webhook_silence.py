"""When it is strange that no webhook comes: nothing for so long, though reviews are open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class SilenceStep(StrEnum):
    """What is to be done about the webhooks' silence now."""

    NOTHING = "nothing"
    """Something came lately, nobody is awaited, or people know already."""
    BEGUN = "begun"
    """Nothing came for too long; it is looked into and told."""
    OVER = "over"
    """People were told of a silence, and something has come since."""


class SilenceCause(StrEnum):
    """What looking into a silence has found."""

    WORKS = "works"
    """All is as it should be; probably nobody has said anything."""
    REPAIRED = "repaired"
    """Something was wrong with the webhook, and it has been put right."""
    BROKEN = "broken"
    """Something is wrong that needs a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookSilence:
    """What is known of deliveries and reviews; None is never, or nobody."""

    heard_at: datetime | None
    """When Frame.io's newest delivery came."""
    open_since: datetime | None
    """Since when the oldest open review is tracked."""
    told_at: datetime | None
    """When people were told of a silence whose end they were not told."""

    @property
    def since(self) -> datetime | None:
        """Since when something could have come and has not; None while nobody is awaited."""
        if self.open_since is None:
            return None
        return max(self.open_since, self.heard_at or self.open_since)

    def plan_step(self, *, after: timedelta, now: datetime) -> SilenceStep:
        """Return what to do now; people are told once of each silence, and once of its end."""
        if self.told_at is not None:
            is_over = self.heard_at is not None and self.heard_at > self.told_at
            return SilenceStep.OVER if is_over else SilenceStep.NOTHING
        if self.since is None or now - self.since < after:
            return SilenceStep.NOTHING
        return SilenceStep.BEGUN
