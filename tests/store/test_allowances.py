"""Rates that several processes share: every turn is given once."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from itertools import pairwise

from postflow.clock import utc_now
from postflow.store.allowances import take_turn
from postflow.store.database import Store

EVERY = timedelta(milliseconds=10)
TURNS, PROCESSES = 25, 3
TAKE_TURNS = f"""
import sys
from datetime import timedelta
from postflow.clock import utc_now
from postflow.store.allowances import take_turn
from postflow.store.database import open_store

store = open_store(sys.argv[1], busy_timeout=timedelta(seconds=30))
for _ in range({TURNS}):
    with store.writing() as session:
        now = utc_now()
        wait = take_turn(session, "create", every=timedelta(milliseconds=10), now=now)
    print((now + wait).timestamp())
store.close()
"""


def take(store: Store, name: str = "create", *, now_after: timedelta = timedelta(0)) -> timedelta:
    """Take one turn."""
    with store.writing() as session:
        return take_turn(session, name, every=timedelta(seconds=60), now=utc_now() + now_after)


def test_turns_queue_up(store: Store) -> None:
    """The first goes at once, each next one a step later."""
    waits = [take(store).total_seconds() for _ in range(3)]
    assert [round(each / 60) for each in waits] == [0, 1, 2]


def test_names_do_not_share_turns(store: Store) -> None:
    """Two accounts have two rates."""
    take(store, "one account")
    assert take(store, "another account") == timedelta(0)


def test_turns_do_not_pile_up(sqlite_store: Store) -> None:
    """A quiet hour does not allow a burst."""
    take(sqlite_store)
    assert take(sqlite_store, now_after=timedelta(hours=1)) == timedelta(0)
    assert take(sqlite_store, now_after=timedelta(hours=1)) > timedelta(seconds=55)


def test_clock_set_back_stops_nobody(sqlite_store: Store) -> None:
    """A turn far in the future was written by a wrong clock, and is not waited for."""
    take(sqlite_store, now_after=timedelta(days=1))
    assert take(sqlite_store) == timedelta(0)


def test_processes_share_one_rate(sqlite_url: str) -> None:
    """Turns taken by several processes at once are all different, and a step apart."""
    processes = [
        subprocess.Popen(  # noqa: S603 -- our own interpreter and code
            [sys.executable, "-c", TAKE_TURNS, sqlite_url], stdout=subprocess.PIPE, text=True
        )
        for _ in range(PROCESSES)
    ]
    turns = sorted(
        float(line) for each in processes for line in each.communicate(timeout=60)[0].split()
    )
    steps = [later - earlier for earlier, later in pairwise(turns)]
    assert len(turns) == TURNS * PROCESSES
    assert min(steps) > EVERY.total_seconds() * 0.99
