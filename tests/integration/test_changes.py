from __future__ import annotations

import threading
import time

from postflow.clock import utc_now
from postflow.integration.changes import LOOK_AT_LEAST_EVERY, StoreChanges
from postflow.store.database import Store
from postflow.store.uploads import register_upload
from tests.integration.conftest import wait_until


def test_commit_is_noticed_on_each_database(store: Store) -> None:
    """A wait looks again after a commit, long before it would look by itself."""
    changes = StoreChanges(store)
    looks: list[float] = []
    over = threading.Event()

    def look() -> bool | None:
        looks.append(time.monotonic())
        return True if over.is_set() else None

    waiting = threading.Thread(target=lambda: changes.wait_until(look, timeout=30))
    waiting.start()
    wait_until(lambda: len(looks) >= 3)  # one at once, one as the watch begins, one by itself
    threading.Event().wait(0.1)
    over.set()
    with store.writing() as session:
        register_upload(session, upload_id="clip", filename="clip.mp4", now=utc_now())
    committed = time.monotonic()
    waiting.join(timeout=20)

    assert not waiting.is_alive()
    assert looks[-1] - committed < LOOK_AT_LEAST_EVERY / 2
