"""The Status field of a file: that it changed, when, and who may have changed it.

Frame.io's file says neither who set it nor when. Its audit log says both, where the plan has one;
webhooks say who changed some field. The setter is known only if one person alone comes into
question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from postflow.domain.people import ReviewRules
from postflow.domain.review import read_status_value
from postflow.domain.standing import DecisionSource, ReviewStatus
from postflow.store.columns import storable
from postflow.store.decisions import load_rulings
from postflow.store.tables import RulingRow, VersionRow

_AROUND = timedelta(seconds=15)
"""How far a webhook may be from the reading that found the change, and still be about it."""
_CLOCKS_DIFFER = timedelta(seconds=2)
_SEVERAL = "one of several people"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusHint:
    """Word that some metadata of the file changed: when, and by whom."""

    user_id: str | None
    at: datetime
    email: str | None = None
    """Only the audit log knows it."""
    name: str = ""


def apply_status_field(
    session: Session,
    version: VersionRow,
    value: str | None,
    *,
    hints: Sequence[StatusHint],
    log: Sequence[StatusHint],
    rules: ReviewRules,
    now: datetime,
) -> bool:
    """Add a ruling when the Status changed, or name the setter of the last change after all.

    `hints` come from webhooks, `log` from the audit log, which is believed before them. A value
    that neither approves nor rejects and stands there at the first reading is no change. Returns
    whether it changed.
    """
    value = None if value is None else storable(value)
    if value == version.status_value and not hints:
        return False
    last = _last_ruling(session, version)
    if value == version.status_value:
        if last is not None:
            _reconsider_setter(last, hints)
            session.flush()
        return False
    evidence = _pick_evidence(version, last, hints=hints, log=log)
    said = read_status_value(
        value or "", approved=rules.approved_names, rejected=rules.rejected_names
    )
    version.status_value = value
    if version.read_at is None and said is ReviewStatus.PENDING and not evidence:
        return False
    ruling = RulingRow(
        upload_id=version.upload_id,
        version=version.version,
        source=DecisionSource.STATUS_FIELD,
        value=value or "",
        known=False,
        reason=f"Status set to {value!r}" if value else "Status cleared",
        at=_date(said, evidence, unless=now),
        seen_at=now,
    )
    _name_setter(ruling, evidence)
    session.add(ruling)
    session.flush()
    return True


def _pick_evidence(
    version: VersionRow,
    last: RulingRow | None,
    *,
    hints: Sequence[StatusHint],
    log: Sequence[StatusHint],
) -> list[StatusHint]:
    """Return who changed anything since the last reading, which did not see this value yet."""
    since = version.read_at - _CLOCKS_DIFFER if version.read_at else _LONG_AGO
    if version.read_at is not None:
        log = [each for each in log if each.at >= since and (last is None or each.at > last.at)]
        hints = [each for each in hints if each.at >= since]
    return list(log or hints)


def _date(said: ReviewStatus, evidence: Sequence[StatusHint], *, unless: datetime) -> datetime:
    """Return when it was set; of several moments the one that makes the least of an approval."""
    moments = [each.at for each in evidence]
    if said is ReviewStatus.APPROVED:
        return min(moments, default=unless)
    return max(moments, default=unless)


def _last_ruling(session: Session, version: VersionRow) -> RulingRow | None:
    rulings = [
        ruling
        for ruling in load_rulings(session, version.upload_id, version.version)
        if ruling.source == DecisionSource.STATUS_FIELD
    ]
    return max(rulings, key=lambda ruling: ruling.id or 0, default=None)


def _name_setter(ruling: RulingRow, evidence: Sequence[StatusHint]) -> None:
    users = {each.user_id for each in evidence}
    if len(users) == 1:
        setter = evidence[-1]
        ruling.person_id, ruling.known = setter.user_id, setter.user_id is not None
        ruling.person_email, ruling.person_name = setter.email, storable(setter.name)
    elif users:
        _doubt(ruling)


def _doubt(ruling: RulingRow) -> None:
    ruling.person_id, ruling.person_email, ruling.known = None, None, False
    ruling.person_name = _SEVERAL


def _reconsider_setter(last: RulingRow, hints: Sequence[StatusHint]) -> None:
    """Hear the webhooks that came just after the value was read: they may be about its change."""
    if last.person_name == _SEVERAL or last.person_email is not None:
        return
    near = [hint for hint in hints if abs(hint.at - last.seen_at) <= _AROUND]
    if not last.known:
        _name_setter(last, near)
    elif any(hint.user_id != last.person_id for hint in near):
        _doubt(last)
