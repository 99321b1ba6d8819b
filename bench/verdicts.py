"""How long it is from a delivery that brings a verdict until Prefect has accepted the resume.

`make bench-ingest` runs it after the other one. Real programs: Prefect's server and PostFlow's
service, each on its own PostgreSQL database, and a simulated Frame.io without rate limits. Uploads
are under review, their flow runs suspended; no runner works, so what is measured ends with
Prefect's yes. What the figures mean is in docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import httpx
import psutil
from sqlalchemy.engine import make_url
from sqlmodel import col, func, select

from bench.deliveries import SECRET, make_body
from bench.ingest import say, verdict
from bench.machine import describe_machine
from bench.meters import Meter, backends_of, metering, with_children
from bench.posting import Poster
from bench.programs import Served, postgres_database, running, serving_postflow, serving_simulator
from postflow.cli.machine import find_free_ports
from postflow.clock import utc_now
from postflow.domain.uploads import UploadStatus, WaitKind
from postflow.frameio.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign_delivery
from postflow.store.database import Store, open_store
from postflow.store.review_deadlines import list_due_deadlines
from postflow.store.tables import DecisionRow, EventRow, WaitRow
from postflow.store.uploads import load_version, register_upload
from postflow.store.waits import open_wait

GOALS = (50, 250)
"""Milliseconds: p50 and p99."""
_ONE_IN = 10
_WARM_UP = 3  # seconds
_AT_ONCE = 20
_PATIENCE = timedelta(seconds=120)
_SUSPENDED = {
    "type": "PAUSED",
    "name": "Suspended",
    # As `suspend_flow_run` says it; else a resume would call the run Running, which nobody runs.
    "state_details": {"pause_reschedule": True},
}


class Review(NamedTuple):
    """An upload under review: its file at Frame.io and its suspended flow run."""

    upload_id: str
    file_id: str
    project_id: str
    flow_run_id: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the programs listen, and their store."""

    frameio: str
    prefect: str
    postflow: Served
    store: Store
    meter: Meter


@contextmanager
def serving_prefect(folder: Path, database: str) -> Iterator[Served]:
    """Run a Prefect server as `postflow start` does."""
    (port,) = find_free_ports(1)
    url = make_url(database).set(drivername="postgresql+asyncpg")
    variables = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": url.render_as_string(hide_password=False),
    }
    command = ["postflow.cli.prefect_server", "--port", str(port)]
    address = f"http://127.0.0.1:{port}/api"
    with running(command, folder=folder, ready=f"{address}/health", variables=variables) as process:
        yield Served(address, psutil.Process(process.pid))


@contextmanager
def prepared(folder: Path) -> Iterator[Place | None]:
    """Start everything; None where no PostgreSQL server answers."""
    with ExitStack() as stack:
        databases = [stack.enter_context(postgres_database()) for _ in range(2)]
        ours, prefects = databases
        if ours is None or prefects is None:
            yield None
            return
        frameio = stack.enter_context(serving_simulator(folder))
        prefect = stack.enter_context(serving_prefect(folder, prefects))
        postflow = stack.enter_context(
            serving_postflow(
                folder,
                database=ours,
                secret=SECRET,
                frameio=frameio.address,
                prefect=prefect.address,
            )
        )
        store = open_store(ours)
        stack.callback(store.close)
        programs = {
            "PostFlow": with_children(postflow.process),
            "PostFlow's PostgreSQL": backends_of(ours),
            "Prefect's server": with_children(prefect.process),
            "Prefect's PostgreSQL": backends_of(prefects),
            "simulated Frame.io": with_children(frameio.process),
            "this program": lambda: [psutil.Process()],
        }
        yield Place(
            frameio=frameio.address,
            prefect=prefect.address,
            postflow=postflow,
            store=store,
            meter=stack.enter_context(metering(programs)),
        )


async def begin_reviews(place: Place, count: int) -> list[Review]:
    """Put files at Frame.io, suspended flow runs at Prefect, and both on record."""
    turns = asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(timeout=60) as http:
        state = (await http.get(f"{place.frameio}/_sim/state")).json()
        project_id = state["projects"][0]["id"]
        flow = await _post(http, f"{place.prefect}/flows/", {"name": "process-video"})
        deployment = await _post(
            http, f"{place.prefect}/deployments/", {"name": "bench", "flow_id": flow["id"]}
        )

        async def begin(number: int) -> Review:
            async with turns:
                file = {"file_name": f"shot_{number:04}.mp4", "as": "postflow"}
                run = {"state": _SUSPENDED}
                created = await _post(http, f"{place.frameio}/_sim/files", file)
                made = await _post(
                    http, f"{place.prefect}/deployments/{deployment['id']}/create_flow_run", run
                )
                return Review(f"shot-{number}", created["id"], project_id, made["id"])

        reviews = await asyncio.gather(*map(begin, range(count)))
    await asyncio.to_thread(_record, place.store, reviews)
    await asyncio.to_thread(_wait_until_planned, place.store)
    return reviews


async def send(
    place: Place, reviews: Sequence[Review], *, rate: float, seconds: int, others: str
) -> dict[str, datetime]:
    """Send deliveries at this rate; return when the verdict of each upload was sent.

    Those of the first seconds are left out: the programs have just been started.
    """
    sent: dict[str, datetime] = {}
    unmeasured: dict[str, datetime] = {}
    frameio, postflow = Poster(place.frameio), Poster(place.postflow.address)
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        half = len(reviews) // 2
        for number in range(int(rate * (_WARM_UP + seconds))):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            review = reviews[number // _ONE_IN if number % _ONE_IN == 0 else half + number % half]
            if number % _ONE_IN == 0:
                found = sent if number >= rate * _WARM_UP else unmeasured
                tasks.create_task(_approve(frameio, postflow, review, found))
            elif others == "tracked":
                body = make_body("file.updated", review.file_id, project_id=review.project_id)
                tasks.create_task(_deliver(postflow, body))
            else:
                body = make_body("comment.created", str(uuid4()), project_id=str(uuid4()))
                tasks.create_task(_deliver(postflow, body))
    await frameio.close()
    await postflow.close()
    return sent


async def _approve(
    frameio: Poster, postflow: Poster, review: Review, sent: dict[str, datetime]
) -> None:
    # Each in words of its own: what was read before would not be read again.
    said = f"Approved. http://client.example/{review.upload_id}"
    remark = json.dumps({"text": said, "as": "client@client.example"}).encode()
    path = f"/_sim/files/{review.file_id}/comments"
    written = json.loads(await frameio.post(path, remark, {"Content-Type": "application/json"}))
    body = make_body("comment.created", written["id"], project_id=review.project_id)
    sent[review.upload_id] = utc_now()
    await _deliver(postflow, body)


async def _deliver(postflow: Poster, body: bytes) -> None:
    timestamp = int(time.time())
    signature = sign_delivery(secret=SECRET, timestamp=timestamp, body=body)
    headers = {TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: signature}
    await postflow.post("/webhooks/frameio", body, headers)


async def _post(http: httpx.AsyncClient, address: str, body: object) -> dict[str, str]:
    answer = await http.post(address, json=body)
    if not answer.is_success:
        raise SystemExit(f"{address} answered {answer.status_code}: {answer.text[:300]}")
    found: dict[str, str] = answer.json()
    return found


def _record(store: Store, reviews: Sequence[Review]) -> None:
    now = utc_now()
    with store.writing() as session:
        for review in reviews:
            upload = register_upload(
                session,
                upload_id=review.upload_id,
                filename=f"{review.upload_id}.mp4",
                file_id=review.file_id,
                project_id=review.project_id,
                now=now,
            )
            # They have been under review for a while, and were read before.
            upload.status = UploadStatus.READY
            upload.look_at = now + timedelta(hours=1)
            version = load_version(session, upload)
            version.uploaded_at = version.ready_at = version.read_at = now
            open_wait(
                session,
                upload=upload,
                kind=WaitKind.APPROVAL,
                flow_run_id=review.flow_run_id,
                now=now,
                timeout=None,
            )


def _wait_until_planned(store: Store) -> None:
    """Wait until the tracker knows when to remind of each upload: they have waited for a while."""
    ends_at = utc_now() + _PATIENCE
    is_planned = False
    while not is_planned and utc_now() < ends_at:
        time.sleep(0.5)
        with store.reading() as session:
            is_planned = not list_due_deadlines(session, now=utc_now(), limit=1)


def wait_for_resumes(store: Store, sent: dict[str, datetime]) -> dict[str, datetime]:
    """Return when Prefect had accepted each upload's resume; those that are late are missing."""
    ends_at = utc_now() + _PATIENCE
    while True:
        with store.reading() as session:
            rows = session.exec(
                select(WaitRow.upload_id, WaitRow.accepted_at).where(
                    col(WaitRow.accepted_at).is_not(None)
                )
            )
            accepted = {upload_id: at for upload_id, at in rows if at is not None}
        if sent.keys() <= accepted.keys() or utc_now() > ends_at:
            return {upload_id: accepted[upload_id] for upload_id in sent if upload_id in accepted}
        time.sleep(0.5)


def print_figures(store: Store, sent: dict[str, datetime], *, rate: float, others: str) -> None:
    """Print how long it took, and what is missing."""
    accepted = wait_for_resumes(store, sent)
    with store.reading() as session:
        decided = dict(session.exec(select(DecisionRow.upload_id, DecisionRow.decided_at)).all())
        settled = session.exec(
            select(func.count()).select_from(EventRow).where(col(EventRow.settled_at).is_not(None))
        ).one()
        began, ended = session.exec(
            select(func.min(EventRow.received_at), func.max(EventRow.settled_at))
        ).one()
    say(f"{rate:.0f} deliveries/s, one in {_ONE_IN} with a verdict, the others {others}:")
    waits = [_milliseconds(sent[each], accepted[each]) for each in accepted]
    decisions = [_milliseconds(sent[each], decided[each]) for each in sent if each in decided]
    for name, found in (("decided", decisions), ("resume accepted", waits)):
        p50, p99 = statistics.median(found), statistics.quantiles(found, n=100)[98]
        say(f"  {name:16} p50 {p50:6.0f} ms   p99 {p99:6.0f} ms   of {len(found)}")
    if began and ended:
        say(f"  settled          {settled / (ended - began).total_seconds():6.0f} events/s")
    reached = p50 <= GOALS[0] and p99 <= GOALS[1] and len(accepted) == len(sent)
    say(f"  goal: p50 {GOALS[0]} ms, p99 {GOALS[1]} ms, none lost: {verdict(reached)}")


def _milliseconds(since: datetime, until: datetime) -> float:
    return (until - since) / timedelta(milliseconds=1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--others", choices=["foreign", "tracked"], default="foreign")
    wanted = parser.parse_args()
    if wanted.rate * (_WARM_UP + wanted.seconds) / _ONE_IN > wanted.uploads / 2:
        sys.exit("There are too few uploads for so many verdicts.")
    say(describe_machine())
    with (
        tempfile.TemporaryDirectory(prefix="postflow-bench-") as folder,
        prepared(Path(folder)) as place,
    ):
        if place is None:
            say("The verdict benchmark is skipped: no PostgreSQL server answers.")
            return
        reviews = asyncio.run(begin_reviews(place, wanted.uploads))
        say(f"{len(reviews)} uploads are under review; {describe_machine()}")
        before = place.meter.read()
        sent = asyncio.run(
            send(place, reviews, rate=wanted.rate, seconds=wanted.seconds, others=wanted.others)
        )
        wait_for_resumes(place.store, sent)
        taken = place.meter.read().since(before)
        verdicts = wanted.rate * (_WARM_UP + wanted.seconds) / _ONE_IN
        print_figures(place.store, sent, rate=wanted.rate, others=wanted.others)
        say(f"  processor time for a verdict and the {_ONE_IN - 1} others, ms:")
        for name, seconds in taken.items():
            say(f"    {name:20} {seconds / verdicts * 1000:6.1f}")
    say(describe_machine())


if __name__ == "__main__":
    main()
