"""`postflow replay`: which events are settled again, and what it says about them."""

from __future__ import annotations

import json

import pytest

from postflow.store.database import open_store
from postflow.store.inbox import give_back_events, record_deliveries, settle_events
from tests.cli.conftest import Postflow
from tests.factories import NOW, after, make_delivery


@pytest.fixture(autouse=True)
def _inbox(store_url: str) -> None:
    """Fill the inbox: 1 and 2 settled, an hour apart, 3 set aside."""
    store = open_store(store_url)
    with store.writing() as session:
        record_deliveries(session, [make_delivery(at=after(3600 * n)) for n in range(3)])
        settle_events(session, [1, 2], now=after(7200))
        give_back_events(
            session,
            [3],
            error="no such file",
            now=NOW,
            try_again_at=NOW,
            max_attempts=0,
        )
    store.close()


@pytest.mark.parametrize(
    ("arguments", "replayed"),
    [
        (["1"], 1),
        (["1", "3"], 2),
        (["--failed"], 1),
        (["--since", "2026-03-02T10:00"], 2),
        (["--since", "2026-03-02T11:00:00+01:00"], 2),
        (["--since", "2026-03-02T10:00", "--failed"], 1),
        (["--since", "2027-01-01"], 0),
    ],
    ids=str,
)
def test_replay_says_how_many(postflow: Postflow, arguments: list[str], replayed: int) -> None:
    """Programs get the number; the events are open again, and no others are."""
    ran = postflow("replay", *arguments, "--json")
    assert (ran.code, json.loads(ran.out)) == (0, {"replayed": replayed})
    events = json.loads(postflow("events", "--json").out)
    assert sum(not (each["settled_at"] or each["set_aside_at"]) for each in events) == replayed


def test_failed_events_are_listed_until_replayed(postflow: Postflow) -> None:
    """What was set aside is listed with its error; a replay takes it off the list."""
    (failed,) = json.loads(postflow("events", "--failed", "--json").out)
    assert (failed["id"], failed["error"]) == (3, "no such file")
    assert postflow("replay", "--failed").out.startswith("1 event is to be settled again")
    assert json.loads(postflow("events", "--failed", "--json").out) == []
    assert postflow("replay", "--failed").out == "There is no such event to replay.\n"


def test_unknown_ids_are_refused(postflow: Postflow) -> None:
    """An id that does not exist replays nothing, and is named."""
    ran = postflow("replay", "1", "77", str(2**63 - 1))
    assert ran.code == 1
    assert "There is no event 77, 9223372036854775807, so none is replayed" in ran.err
    events = json.loads(postflow("events", "--json").out)
    assert all(each["settled_at"] or each["set_aside_at"] for each in events)


@pytest.mark.parametrize(
    "arguments",
    [[], ["1", "--failed"], ["1", "--since", "2026-03-02"], ["one"], ["0"], ["--since", "soon"]],
    ids=" ".join,
)
def test_unclear_replay_is_wrong_usage(postflow: Postflow, arguments: list[str]) -> None:
    """Nothing, or ids beside another choice, is no order."""
    assert postflow("replay", *arguments).code == 2
