"""The journal of an upload in our store, as Frame.io's uploader wants one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlmodel import Session

from postflow.clock import Clock, utc_now
from postflow.frameio.chunks import Placeholder, parse_placeholder, render_placeholder
from postflow.frameio.journal import AskedFor
from postflow.frameio.uploader import UploadedFile
from postflow.store import claims
from postflow.store.database import Store
from postflow.store.journal import (
    complete_upload,
    discard_placeholder,
    load_placeholder,
    record_part,
    record_placeholder,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreJournal:
    """Frame.io's upload journal, kept in our store so that any later process can go on.

    Writes only while `holder` has the claim on the upload: a process that was stopped for long
    must not write over the one that took its place.
    """

    store: Store
    upload_id: str
    holder: str
    clock: Clock = utc_now

    def load(self) -> Placeholder | None:
        """Return the recorded placeholder with its finished parts."""
        with self.store.reading() as session:
            found = load_placeholder(session, self.upload_id)
        if found is None:
            return None
        text, finished = found
        return parse_placeholder(text).with_finished(*finished)

    def asking(self, asked: AskedFor) -> None:
        """Record that Frame.io is asked for a placeholder from now on."""
        with self._writing() as session:
            claims.record_asking(session, self.upload_id, holder=self.holder, asked=_kept(asked))

    def answer_lost(self) -> None:
        """Record that it cannot be known whether the placeholder exists."""
        with self._writing() as session:
            claims.record_lost_answer(session, self.upload_id, holder=self.holder)

    def answered(self) -> None:
        """Record that nothing is open any more."""
        with self._writing() as session:
            claims.record_answered(session, self.upload_id, holder=self.holder)

    def unanswered(self) -> AskedFor | None:
        """Return what was asked for and may have left a placeholder behind."""
        with self.store.reading() as session:
            kept = claims.load_unanswered(session, self.upload_id)
        if kept is None:
            return None
        return AskedFor(folder_id=kept.folder_id, name=kept.name, size=kept.size, since=kept.since)

    def orphans_among(self, file_ids: frozenset[str], asked: AskedFor) -> frozenset[str] | None:
        """Return those that no upload has on record; None while another one asks for the same."""
        with self.store.reading() as session:
            return claims.find_orphans(
                session, self.upload_id, file_ids, asked=_kept(asked), now=self.clock()
            )

    def placeholder_created(self, placeholder: Placeholder) -> None:
        """Record a new placeholder, in place of any before."""
        with self._writing() as session:
            record_placeholder(
                session,
                self.upload_id,
                file_id=placeholder.file_id,
                placeholder=render_placeholder(placeholder),
                now=self.clock(),
            )
            claims.record_answered(session, self.upload_id, holder=self.holder)

    def part_finished(self, number: int) -> None:
        """Record that Frame.io holds this part."""
        with self._writing() as session:
            record_part(session, self.upload_id, number)

    def discarded(self) -> None:
        """Forget the placeholder."""
        with self._writing() as session:
            discard_placeholder(session, self.upload_id)

    def completed(self, uploaded: UploadedFile) -> None:
        """Record that every byte has arrived."""
        with self._writing() as session:
            complete_upload(
                session,
                self.upload_id,
                file_id=uploaded.file_id,
                sha256=uploaded.sha256,
                size=uploaded.size,
                view_url=uploaded.view_url,
                media_type=uploaded.media_type,
                now=self.clock(),
            )

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self.store.writing() as session:
            claims.check_claim(session, self.upload_id, holder=self.holder)
            yield session


def _kept(asked: AskedFor) -> claims.AskedFor:
    """Say the same in the store's own type."""
    return claims.AskedFor(
        folder_id=asked.folder_id, name=asked.name, size=asked.size, since=asked.since
    )
