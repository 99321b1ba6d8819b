from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest

from postflow import PostFlowIntegration
from postflow.clock import utc_now
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.errors import PostFlowError, PostProcessingError, UnknownUploadError
from postflow.store.database import Store, open_store
from postflow.store.uploads import fail_upload, load_upload, move_status
from postflow.tracker.deciding import cancel_upload, decide_by_hand
from tests.integration.conftest import Integrate, wait_until

OUT_OF_PROCESS = """
import sys
from postflow.clock import utc_now
from postflow.domain.uploads import UploadStatus
from postflow.store.database import open_store
from postflow.store.uploads import load_upload, move_status
store = open_store(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
with store.writing() as session:
    move_status(load_upload(session, "clip"), UploadStatus.READY, now=utc_now())
print("committed", flush=True)
"""


@pytest.fixture
def postflow(integrate: Integrate) -> PostFlowIntegration:
    """Give an integration that follows one upload, and tracks nothing."""
    made = integrate()
    made.register_upload("clip", "clip.mp4", "file-1")
    return made


@pytest.fixture
def store(postflow: PostFlowIntegration) -> Iterator[Store]:
    """Give the same store as somebody else opens it."""
    opened = open_store(postflow.settings.database.url)
    yield opened
    opened.close()


def _make_ready(store: Store) -> float:
    """Let the upload be ready; the moment after the commit."""
    with store.writing() as session:
        move_status(load_upload(session, "clip"), UploadStatus.READY, now=utc_now())
    return time.monotonic()


def _decide(store: Store, postflow: PostFlowIntegration, verdict: ReviewStatus) -> float:
    with store.writing() as session:
        decide_by_hand(
            session,
            "clip",
            verdict=verdict,
            by="julie",
            reason="by hand",
            settings=postflow.settings,
            now=utc_now(),
        )
    return time.monotonic()


class _Waiting:
    """A wait in a thread: what came of it, and when."""

    def __init__(self) -> None:
        self.answer: bool | BaseException | None = None
        self.ended = 0.0


@contextmanager
def _waiting(postflow: PostFlowIntegration, *, approval: bool = False) -> Iterator[_Waiting]:
    """Wait in a thread without an end; the block begins once it really waits."""
    kept = _Waiting()

    def work() -> None:
        wait = postflow.wait_for_approval if approval else postflow.wait_for_upload_ready
        try:
            kept.answer = wait("clip", timeout=None)
        except PostFlowError as error:
            kept.answer = error
        kept.ended = time.monotonic()

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: postflow.is_awaited)
    try:
        yield kept
    finally:
        thread.join(timeout=20)
        assert not thread.is_alive(), "the wait does not end"


def test_wait_wakes_right_after_the_commit(postflow: PostFlowIntegration, store: Store) -> None:
    """A wait ends on the event; at least once of three times well within 100 ms."""
    delays = []
    for _ in range(3):
        with store.writing() as session:
            load_upload(session, "clip").status = UploadStatus.UPLOADED
        with _waiting(postflow) as waiting:
            threading.Event().wait(0.2)  # the first moments of a wait are not what is measured
            committed = _make_ready(store)
        delays.append(waiting.ended - committed)
        assert waiting.answer is True

    assert min(delays) < 0.1, delays
    assert max(delays) < 1, delays


def test_commit_of_another_process_wakes(postflow: PostFlowIntegration) -> None:
    """Whoever commits, the wait ends within a second."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", OUT_OF_PROCESS, postflow.settings.database.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with _waiting(postflow) as waiting:
            other.stdin.write("go\n")
            other.stdin.flush()
            assert other.stdout.readline() == "committed\n"
            committed = time.monotonic()

    assert waiting.answer is True
    assert waiting.ended - committed < 1


def test_wait_ends_without_an_answer(postflow: PostFlowIntegration) -> None:
    """When the time is over the answer is no."""
    began = time.monotonic()

    assert postflow.wait_for_upload_ready("clip", timeout=0.3) is False
    assert postflow.wait_for_approval("clip", 0.3) is False
    assert 0.6 <= time.monotonic() - began < 3


def test_wait_of_no_time_asks_once(postflow: PostFlowIntegration, store: Store) -> None:
    """A timeout of zero is a question, not a wait."""
    assert postflow.wait_for_upload_ready("clip", timeout=0) is False

    _make_ready(store)

    assert postflow.wait_for_upload_ready("clip", timeout=0) is True


def test_waiting_costs_next_to_nothing(postflow: PostFlowIntegration) -> None:
    """Twenty waits of a second together leave the processor alone."""
    with ThreadPoolExecutor(max_workers=20) as pool:
        before = time.process_time()
        waits = [pool.submit(postflow.wait_for_upload_ready, "clip", 1) for _ in range(20)]
        assert not any(wait.result() for wait in waits)

    assert time.process_time() - before < 0.5


def test_wait_for_an_unknown_upload_is_refused(postflow: PostFlowIntegration) -> None:
    """Nobody waits for ever for an id that was never registered."""
    with pytest.raises(UnknownUploadError, match="nobody"):
        postflow.wait_for_approval("nobody")


def test_failed_upload_ends_both_waits(postflow: PostFlowIntegration, store: Store) -> None:
    """What failed is neither ready nor approved, however long one waits."""
    with (
        _waiting(postflow) as ready,
        _waiting(postflow, approval=True) as approval,
        store.writing() as session,
    ):
        fail_upload(load_upload(session, "clip"), reason="It is gone.", now=utc_now())

    assert ready.answer is False
    assert approval.answer is False


def test_cancelled_upload_ends_the_wait(postflow: PostFlowIntegration, store: Store) -> None:
    """What was given up is not waited for."""
    with _waiting(postflow, approval=True) as waiting, store.writing() as session:
        cancel_upload(session, "clip", settings=postflow.settings, now=utc_now())

    assert waiting.answer is False


def test_rejection_is_not_the_last_word(postflow: PostFlowIntegration, store: Store) -> None:
    """By default a rejected version may still be approved, so the wait goes on."""
    _decide(store, postflow, ReviewStatus.REJECTED)
    assert postflow.wait_for_approval("clip", timeout=0.2) is False

    with _waiting(postflow, approval=True) as waiting:
        _decide(store, postflow, ReviewStatus.APPROVED)

    assert waiting.answer is True


def test_held_approval_is_not_one_yet(postflow: PostFlowIntegration, store: Store) -> None:
    """While an approval is held for a person to look at, it approves nothing."""
    _decide(store, postflow, ReviewStatus.APPROVED)
    with store.writing() as session:
        load_upload(session, "clip").held_since = utc_now()

    assert postflow.is_upload_approved("clip") is False
    assert postflow.wait_for_approval("clip", timeout=0.2) is False


def test_undoable_approval_is_not_one_yet(postflow: PostFlowIntegration, store: Store) -> None:
    """While an approval can be undone it approves nothing; after that it does, by the clock."""
    _decide(store, postflow, ReviewStatus.APPROVED)
    with store.writing() as session:
        load_upload(session, "clip").undo_until = utc_now() + timedelta(hours=1)
    assert postflow.wait_for_approval("clip", timeout=0.2) is False
    with pytest.raises(PostProcessingError, match="can be undone until"):
        postflow.trigger_post_processing("clip")

    with store.writing() as session:
        load_upload(session, "clip").undo_until = utc_now()
    assert postflow.is_upload_approved("clip") is True


def test_rejection_ends_the_wait_on_demand(integrate: Integrate) -> None:
    """With `on_rejected: finish` a rejection is the answer."""
    postflow = integrate(review={"on_rejected": "finish"})
    postflow.register_upload("clip", "clip.mp4", "file-1")
    store = open_store(postflow.settings.database.url)

    with _waiting(postflow, approval=True) as waiting:
        _decide(store, postflow, ReviewStatus.REJECTED)
    store.close()

    assert waiting.answer is False


def test_wait_survives_a_locked_store(postflow: PostFlowIntegration, store: Store) -> None:
    """Somebody who writes for long does not disturb those who wait."""
    with _waiting(postflow) as waiting, store.writing() as session:
        row = load_upload(session, "clip", lock=True)
        threading.Event().wait(0.5)
        move_status(row, UploadStatus.READY, now=utc_now())

    assert waiting.answer is True


def test_waiting_works_beside_an_event_loop(postflow: PostFlowIntegration, store: Store) -> None:
    """A notebook's running event loop is no obstacle, and needs no `await`."""

    async def cell() -> bool:
        _make_ready(store)
        return postflow.wait_for_upload_ready("clip", timeout=5)

    assert asyncio.run(cell()) is True


def test_new_waits_find_the_old_watch_gone(postflow: PostFlowIntegration, store: Store) -> None:
    """Waits one after the other all wake; between them nothing runs."""
    postflow.wait_for_upload_ready("clip", timeout=0.01)
    wait_until(lambda: "postflow-changes" not in {t.name for t in threading.enumerate()})

    with _waiting(postflow) as waiting:
        _make_ready(store)

    assert waiting.answer is True
