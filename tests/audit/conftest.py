"""Records to check, and what somebody with the database's password can do to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import WaitKind
from postflow.store.comments import apply_comments
from postflow.store.database import Store
from postflow.store.decisions import append_decision
from postflow.store.uploads import load_upload
from postflow.store.waits import open_wait
from postflow.store.wake_ups import note_attempt
from tests.cli.conftest import Postflow, postflow
from tests.delivery.conftest import Room
from tests.factories import after, make_review, make_seen, make_upload
from tests.flows.videos import Videos

__all__ = ["Postflow", "Room", "Tamper", "decide", "postflow"]

Tamper = Callable[[str], None]
_TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


@pytest.fixture
def room(store: Store, tmp_path: Path) -> Room:
    """Give a place to deliver to, on each database."""
    return Room(store=store, videos=Videos(tmp_path / "masters"), folder=tmp_path / "delivered")


@pytest.fixture
def tamper(store: Store) -> Tamper:
    """Give a way past the triggers, as whoever owns the database has it."""

    def change(statement: str) -> None:
        if store.engine.dialect.name == "sqlite":
            with closing(sqlite3.connect(str(store.engine.url.database))) as connection:
                for name in _list_triggers(connection):
                    connection.execute(f"DROP TRIGGER {name}")
                connection.execute(statement)
                connection.commit()
            return
        with store.engine.begin() as session:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            session.execute(text(statement))

    return change


def _list_triggers(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute(_TRIGGERS)]


def decide(store: Store, *verdicts: ReviewStatus, upload_id: str = "clip") -> None:
    """Track an upload with one comment, and decide about it once per verdict."""
    with store.writing() as session:
        make_upload(session, upload_id, file_id=f"file-of-{upload_id}")
    with store.writing() as session:
        upload = load_upload(session, upload_id, lock=True)
        file_id, comment = f"file-of-{upload_id}", f"comment-of-{upload_id}"
        for t, verdict in enumerate(verdicts):
            seen = make_seen(comment, text=f"words {t}", edited=t)
            apply_comments(
                session, [seen], upload_id=upload_id, version=1, file_id=file_id, now=after(t)
            )
            review = make_review(verdict, t=t)
            append_decision(session, upload, review, analyser_version="1", now=after(t))
            wait = open_wait(
                session,
                upload=upload,
                kind=WaitKind.APPROVAL,
                flow_run_id="a-run",
                now=after(t),
                timeout=None,
            )
            note_attempt(session, wait.id or 0, answer="no", try_at=after(t + 2), now=after(t))
