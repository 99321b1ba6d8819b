"""Asking a second opinion about comments that decide nothing, after their decision is committed.

It may turn pending into rejected, or leave a suggestion for people; it never approves. Nothing
waits for it: it has a loop and a time limit of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlmodel import Session

from postflow.second_opinion import Ask, Opinion
from postflow.settings import Settings
from postflow.settings.review import SecondOpinionSettings
from postflow.store.change_lists import author_of, said_at
from postflow.store.database import Store
from postflow.store.deliveries import load_delivery
from postflow.store.opinions import (
    apply_opinion,
    find_opinion,
    list_to_ask,
    record_answer,
    record_silence,
)
from postflow.store.tables import CommentRow, UploadRow
from postflow.store.uploads import load_upload, load_version
from postflow.tracker.deciding import redecide
from postflow.tracker.ports import Clock

_AT_ONCE = 4
_MOST_ATTEMPTS = 3
_ASK_AGAIN = timedelta(minutes=1)
_log = structlog.get_logger("postflow.tracker")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    comment_id: str
    upload_id: str
    text: str
    model: SecondOpinionSettings


def wants_second_opinion(settings: Settings) -> bool:
    """Whether any project has a model to ask."""
    return any(
        settings.for_project(project_id).analysis.second_opinion is not None
        for project_id in (None, *settings.projects)
    )


class SecondOpinions:
    """Asks a few comments at a time, each text once."""

    def __init__(
        self, *, store: Store, settings: Callable[[], Settings], ask: Ask, clock: Clock
    ) -> None:
        self._store = store
        self._settings = settings
        self._ask = ask
        self._clock = clock

    async def run_once(self) -> int:
        """Ask about what is due; return how many answers could be read."""
        questions = await asyncio.to_thread(self._plan)
        opinions = await asyncio.gather(*(self._ask(each.text, each.model) for each in questions))
        for question, opinion in zip(questions, opinions, strict=True):
            await asyncio.to_thread(self._apply, question, opinion)
        return sum(opinion.error is None for opinion in opinions)

    def _plan(self) -> list[_Question]:
        """Return the next questions; what is not to be asked is dropped from the list for good."""
        now = self._clock()
        with self._store.reading() as session:
            if not list_to_ask(session, now=now, limit=1):
                return []
        with self._store.writing() as session:
            questions = []
            for comment, upload in list_to_ask(session, now=now, limit=_AT_ONCE, lock=True):
                question = self._question(session, comment, upload)
                # Another replica asks about others meanwhile; a killed one's are asked again.
                comment.ask_at = None if question is None else now + _ASK_AGAIN
                questions += [question] if question is not None else []
            return questions

    def _question(
        self, session: Session, comment: CommentRow, upload: UploadRow
    ) -> _Question | None:
        own = self._settings().for_project(upload.project_id)
        model, rules, author = own.analysis.second_opinion, own.review.rules, author_of(comment)
        uploader_id = load_version(session, upload).uploader_id
        if model is None or not comment.text.strip():
            return None
        delivery = load_delivery(session, comment.upload_id, comment.version)
        delivered_at = delivery.delivered_at if delivery else None
        if delivered_at is not None and said_at(comment) <= delivered_at:
            return None  # what was delivered is not judged again
        if rules.is_editor(author, uploader_id=uploader_id) or not rules.counts(author):
            return None
        return _Question(
            comment_id=comment.comment_id,
            upload_id=comment.upload_id,
            text=comment.text,
            model=model,
        )

    def _apply(self, question: _Question, opinion: Opinion) -> None:
        """Keep the answer, and what follows from it, in one transaction."""
        now = self._clock()
        with self._store.writing() as session:
            upload = load_upload(session, question.upload_id, lock=True)
            comment = session.get_one(CommentRow, question.comment_id)
            if comment.text != question.text or comment.deleted_at is not None:
                return  # edited meanwhile: the new text is asked about by itself
            if opinion.error is not None:
                self._note_silence(session, comment, opinion)
                return
            row = record_answer(
                session,
                comment,
                model=opinion.model,
                verdict=opinion.said,
                sentence=opinion.sentence,
                now=now,
            )
            is_open = upload.cancelled_at is None and comment.version == upload.version
            if is_open and apply_opinion(session, comment, row, now=now):
                redecide(session, upload, settings=self._settings(), now=now)

    def _note_silence(self, session: Session, comment: CommentRow, opinion: Opinion) -> None:
        now = self._clock()
        before = find_opinion(session, comment.comment_id, comment.text)
        attempts = (before.attempts if before else 0) + 1
        try_at = now + _ASK_AGAIN * attempts if attempts < _MOST_ATTEMPTS else None
        record_silence(
            session,
            comment,
            model=opinion.model,
            error=opinion.error or "",
            now=now,
            try_at=try_at,
        )
        _log.warning("no second opinion", comment_id=comment.comment_id, error=opinion.error)
