"""What flows make of a Prefect server that is away: an end of the process, not of the run."""

from __future__ import annotations

import httpx
import pytest
from prefect.exceptions import Abort, PrefectHTTPStatusError

from flows.prefect_away import outliving_prefect, showing
from flows.working import Desk, holding_lease
from postflow.errors import FlowRunError, PrefectUnavailableError
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.flow_runs import load_run
from tests.factories import make_upload

REQUEST = httpx.Request("POST", "http://127.0.0.1:4200/api")
AWAY = [
    httpx.ConnectError("refused"),
    httpx.ReadError("cut"),
    PrefectUnavailableError("away"),
    PrefectHTTPStatusError("busy", request=REQUEST, response=httpx.Response(503)),
]
REFUSED = [
    FlowRunError("refused"),
    PrefectHTTPStatusError("refused", request=REQUEST, response=httpx.Response(409)),
]


@pytest.mark.parametrize("error", AWAY, ids=repr)
def test_prefect_away_leaves_the_run_open(store: Store, error: Exception) -> None:
    """The lease stays, to run out: then the tracker brings the run back."""
    with store.writing() as session:
        make_upload(session, "clip")
    desk = Desk(settings=Settings(), store=store, flow_run_id="a-run")
    with pytest.raises(Abort), holding_lease(desk, "clip"), outliving_prefect():
        raise error
    with store.reading() as session:
        run = load_run(session, "a-run")
    assert run is not None
    assert run.lease_until is not None
    assert run.finished_at is None


@pytest.mark.parametrize("error", REFUSED, ids=repr)
def test_refusal_of_prefect_is_an_error(error: Exception) -> None:
    """What Prefect says no to is no outage."""
    with pytest.raises(type(error)), outliving_prefect():
        raise error
    with pytest.raises(type(error)), showing("link"):
        raise error


@pytest.mark.parametrize("error", AWAY, ids=repr)
def test_prefect_away_costs_what_is_shown(error: Exception) -> None:
    """An upload goes on without its progress."""
    with showing("progress"):
        raise error
