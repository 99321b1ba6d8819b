"""As whom PostFlow is signed in, for every process: that user's words never decide anything.

The service learns it from Frame.io. The command line and the flows decide without asking Frame.io;
they know it from here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from postflow.domain.people import ReviewRules
from postflow.settings.review import ReviewSettings
from postflow.store.tables import OwnUserRow

_FOUND = "own_user"
"""Under which a session keeps what it has found, for its one transaction."""


def remember_own_user(session: Session, user_id: str, *, now: datetime) -> None:
    """Say as whom PostFlow is signed in now; who it was before is an ordinary person again."""
    row = session.get(OwnUserRow, user_id)
    if row is None:
        session.add(OwnUserRow(user_id=user_id, seen_at=now))
    else:
        row.seen_at = now
    session.flush()
    session.info.pop(_FOUND, None)


def find_own_user(session: Session) -> str | None:
    """Return as whom PostFlow was signed in last, if it ever was."""
    if _FOUND not in session.info:  # every decision asks more than once
        session.info[_FOUND] = session.exec(_select_newest()).first()
    found: str | None = session.info[_FOUND]
    return found


@cache  # made once, see uploads.py
def _select_newest() -> SelectOfScalar[str]:
    return select(OwnUserRow.user_id).order_by(col(OwnUserRow.seen_at).desc()).limit(1)


def load_rules(session: Session, review: ReviewSettings) -> ReviewRules:
    """Return the rules of these settings, with PostFlow's own user among the editors."""
    rules = review.rules
    own = find_own_user(session)
    return rules if own is None else replace(rules, editors=rules.editors | {own.lower()})
