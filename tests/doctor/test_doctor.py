"""Doctor tells good from bad in every half-broken state, and never falls over itself."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from postflow.cli.doctor.findings import Group, Mark, examine, ok
from postflow.cli.doctor.findings import Report as Tell
from postflow.cli.main import run_program
from postflow.domain.announcements import Announcement
from postflow.errors import UploadError
from postflow.settings import Settings
from postflow.simulator.serving import RunningSimulator
from postflow.store.database import open_store
from postflow.store.notices import claim_notice, gather_notice, note_notice_refused
from tests.doctor.conftest import CHECKS, Doctor
from tests.factories import NOW, make_upload


def test_empty_machine_is_told_everything(doctor: Doctor) -> None:
    """Without config, store, token, Prefect and service every check still has its line."""
    report = doctor()

    assert report.code == 1
    assert list(report.findings) == CHECKS
    failed = {check for check in CHECKS if report.mark(check) == "failed"}
    assert failed == {"store", "service", "Frame.io", "Prefect"}
    assert "postflow migrate" in report.line("store")
    assert "postflow start" in report.line("service")
    assert "postflow login" in report.line("Frame.io")
    assert "webhook.tunnel" in report.line("public address")


def test_people_read_one_line_each(doctor: Doctor, capsys: pytest.CaptureFixture[str]) -> None:
    """Each check is one line with its sign, and the last line counts."""
    assert run_program(["doctor"]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert [line[2:].split("  ")[0] for line in lines[:-1]] == CHECKS
    assert {line[0] for line in lines[:-1]} == {"✔", "!", "✘"}
    assert lines[-1].startswith(f"{len(CHECKS)} checks: 4 failed")


@pytest.mark.parametrize(
    ("content", "said"),
    [('{"webhook": {"prot": 1}}', "did you mean 'port'"), ("{", "not valid JSON")],
    ids=["misspelt", "no JSON"],
)
def test_broken_config_stops_only_what_needs_it(
    doctor: Doctor, tmp_path: Path, content: str, said: str
) -> None:
    """With a config that cannot be read, that is told, and what needs no settings is checked."""
    (tmp_path / "pipeline_config.json").write_text(content)
    report = doctor()

    assert report.code == 1
    assert sorted(report.findings) == sorted(CHECKS)
    assert said in report.line("settings")
    assert report.mark("ffmpeg") == "ok"
    assert report.line("store").startswith("not checked: the settings come first")


def test_missing_config_file_is_told(doctor: Doctor) -> None:
    """A POSTFLOW_CONFIG that names no file is a finding, and no traceback."""
    assert "nowhere.json" in doctor(config="nowhere.json").line("settings")


def test_refused_token_fails(doctor: Doctor, simulator: RunningSimulator, sqlite_url: str) -> None:
    """A token that Frame.io refuses is told; what has nothing to do with it is fine."""
    report = doctor(
        frameio__base_url=simulator.base_url, frameio__token="invalid", database__url=sqlite_url
    )

    assert report.mark("Frame.io") == "failed"
    assert "not checked" in report.line("webhook")
    assert {report.mark(check) for check in ("store", "notices", "disk", "clock")} == {"ok"}


def test_unknown_project_is_told(doctor: Doctor, simulator: RunningSimulator) -> None:
    """A project that does not exist is told with its setting, after a sign-in that works."""
    report = doctor(
        frameio__base_url=simulator.base_url,
        frameio__token="postflow",
        frameio__project_id="6f70f1bd-7e89-4a7e-b4d3-7e576585a181",
    )

    assert report.mark("Frame.io") == "ok"
    assert report.mark("project") == "failed"
    assert "frameio.project_id" in report.line("project")


def test_locked_store_fails(doctor: Doctor, sqlite_url: str) -> None:
    """A store that another program keeps locked cannot be written, and is not called good."""
    engine = create_engine(sqlite_url, isolation_level=None)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        report = doctor(database__url=sqlite_url, database__busy_timeout=0.1)
    engine.dispose()

    assert report.mark("store") == "failed"
    assert "locked" in report.line("store")


def test_unreachable_database_fails(doctor: Doctor) -> None:
    """A database server that does not answer is told without its password."""
    report = doctor(database__url="postgresql+psycopg://user:hidden@127.0.0.1:9/postflow")

    assert report.mark("store") == "failed"
    assert "hidden" not in str(report.findings)


def test_lost_notices_are_shown(doctor: Doctor, sqlite_url: str) -> None:
    """A notice that its receiver refused for good is counted, with the command that lists it."""
    store = open_store(sqlite_url)
    with store.writing() as session:
        gather_notice(
            session,
            {"upload_id": "clip", "version": 1},
            receiver="one",
            label="slack",
            kind=Announcement.FAILED,
            batch_id=None,
            now=NOW,
            gather_for=timedelta(0),
        )
        notice = claim_notice(session, now=NOW)
        assert notice is not None
        assert notice.id is not None
        note_notice_refused(session, notice.id, error="gone", send_at=None, now=NOW)
    store.close()
    report = doctor(database__url=sqlite_url)

    assert report.mark("notices") == "warning"
    assert "1 were refused; see `postflow notices --problems`" in report.line("notices")


def test_long_polling_is_shown(doctor: Doctor, sqlite_url: str) -> None:
    """How long reading all open reviews takes is told, and warned of where it is too long."""
    store = open_store(sqlite_url)
    with store.writing() as session:
        for number in range(30):
            upload = make_upload(session, f"clip-{number}", file_id=f"file-{number}")
            upload.look_at = NOW
    store.close()
    calm = doctor(database__url=sqlite_url)
    hurried = doctor(tracker__poll_every=1)

    assert calm.mark("polling") == "ok"
    assert "all 30 open reviews" in calm.line("polling")
    assert hurried.mark("polling") == "warning"


def test_foreign_program_on_the_port_is_told(doctor: Doctor) -> None:
    """Where another program has the dashboard's port, its setting is named."""
    with _answering(b"hello") as port:
        report = doctor(dashboard__port=port)

    assert report.mark("service") == "failed"
    assert "dashboard.port" in report.line("service")


def test_taken_webhook_port_is_told(doctor: Doctor, free_port: int) -> None:
    """Before a start, a webhook port that another program has is told."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        report = doctor(dashboard__port=free_port, webhook__port=port)

    assert f"another program has port {port}" in report.line("service")


@pytest.mark.parametrize(
    ("date", "mark"),
    [
        ("Mon, 02 Mar 2026 09:00:00 GMT", "failed"),
        ("Thu, 02 Mar 2090 09:00:00 GMT", "failed"),
        ("the day before yesterday", "warning"),
        ("", "warning"),
    ],
    ids=["past", "future", "unreadable", "missing"],
)
def test_clock_is_compared_with_frameio(doctor: Doctor, date: str, mark: str) -> None:
    """A clock that is too far off refuses every signature; one that cannot be compared is no ✘."""
    with _answering(b"{}", date=date) as port:
        report = doctor(frameio__base_url=f"http://127.0.0.1:{port}", frameio__token="postflow")

    assert report.mark("clock") == mark
    assert ("NTP" in report.line("clock")) == (mark == "failed")


def test_named_approvers_are_enough(doctor: Doctor) -> None:
    """Only while neither approvers nor editors are named people are warned."""
    assert doctor().mark("who decides") == "warning"
    assert doctor(review__approvers=["cleo@client.example"]).mark("who decides") == "ok"


def test_slow_and_broken_checks_cost_only_themselves() -> None:
    """A check that hangs, one that breaks and one that refuses leave all others as they are."""
    never = threading.Event()

    def hang(_settings: Settings, tell: Tell) -> None:
        tell(ok("first", "was quick"))
        never.wait()

    def break_(_settings: Settings, _tell: Tell) -> None:
        raise ZeroDivisionError("by accident")

    def refuse(_settings: Settings, _tell: Tell) -> None:
        raise UploadError("Do this and that.")

    groups = [
        Group(checks=("first", "second", "third"), look=hang, seconds=0.2),
        Group(checks=("broken",), look=break_),
        Group(checks=("refused",), look=refuse),
        Group(checks=("good",), look=lambda _, tell: tell(ok("good", "fine"))),
    ]
    found = {each.check: each for each in examine(groups, Settings())}
    never.set()

    assert found["first"].mark is Mark.OK
    assert (found["second"].mark, found["third"].mark) == (Mark.FAILED, Mark.WARNING)
    assert "no answer within" in found["second"].says
    assert "ZeroDivisionError" in found["broken"].says
    assert found["refused"].says == "Do this and that."
    assert found["good"].mark is Mark.OK


@contextmanager
def _answering(body: bytes, *, date: str | None = None) -> Iterator[int]:
    """Answer every call on a port with this body, and with this date if one is given."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(timestamp) if date is None else date

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_address[1]
        server.shutdown()
