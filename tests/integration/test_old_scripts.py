"""The scripts of a team that followed the old guide, changed as migrating.md says, and run."""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from postflow.domain.house import judge_comment
from postflow.settings import load_settings
from tests.integration.conftest import wait_until
from tests.integration.test_examples import ROOT, Studio, open_studio, videos
from tests.integration.test_guides import PREAMBLE

__all__ = ["videos"]  # the fixture of the examples serves these tests too

OLD_SCRIPTS = ROOT / "tests" / "data" / "old_scripts"

# Beside the guides' preamble, what the old guide leaves to its reader, and its waits made short.
OLD_PREAMBLE = """
import glob, os, time

upload_ids = []

_sleep = time.sleep
time.sleep = lambda seconds: _sleep(seconds / 300)
"""

CUTS = {
    "11_look_at_logs.sh": ("tail -f", "tail"),
    "14_board.py": ("while True:", "for _ in range(2):"),
    "15_automation.py": ("max_wait=3600", "max_wait=8"),
}
"""All that is changed beside what migrating.md says: what would run for an hour or for ever."""


def _replacements() -> list[tuple[str, str]]:
    """Return what migrating.md replaces by what, of the lines that stand in scripts."""
    page = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)`", page, flags=re.MULTILINE)
    found = [(old.removesuffix("…"), new.removesuffix("…")) for old, new in rows]
    return [(old, new) for old, new in found if old.startswith(("from tools.", "python tools/"))]


def migrated(name: str) -> str:
    """Return an old script as its team runs it today."""
    text = (OLD_SCRIPTS / name).read_text(encoding="utf-8")
    for old, new in _replacements():
        text = text.replace(old, new)
    if name in CUTS:
        old, new = CUTS[name]
        assert text.count(old) == 1
        text = text.replace(old, new)
    assert "tools" not in text
    return text


@dataclass(frozen=True, kw_only=True)
class Team:
    """A studio where the old scripts' service runs, as PostFlow."""

    studio: Studio
    trial: subprocess.Popen[str]
    """The trial run, which takes a while and needs nobody."""

    def run(self, name: str) -> str:
        """Run an old script to its end and return what it printed."""
        folder = self.studio.folder
        if name.endswith(".py"):
            script = folder / name
            script.write_text("\n".join([PREAMBLE, OLD_PREAMBLE, migrated(name)]), encoding="utf-8")
            ran = self.studio.run(str(script))
        else:
            ran = self.run_in_shell(migrated(name))
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert ran.stderr == ""
        return ran.stdout

    def run_in_shell(self, commands: str) -> subprocess.CompletedProcess[str]:
        """Run lines of shell as somebody types them in the studio's folder."""
        return subprocess.run(  # noqa: S603 - the scripts of this repository
            ["/bin/bash", "-c", commands],
            cwd=self.studio.folder,
            env=self.studio.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def ask_postflow(self, path: str) -> Any:
        """Return what the service that runs says, on its private face."""
        port = self.studio.environment["POSTFLOW_DASHBOARD__PORT"]
        return httpx.get(f"http://127.0.0.1:{port}/api/{path}").raise_for_status().json()

    def order_frameio(self, path: str, **body: str) -> Any:
        """Let somebody do something in the simulated Frame.io."""
        base = self.studio.environment["POSTFLOW_FRAMEIO__BASE_URL"]
        return httpx.post(f"{base}/_sim/{path}", json=body).raise_for_status().json()


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, videos: dict[str, Path]) -> Iterator[Team]:
    """Start the service with the old config and the old command, and track the first upload."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "night").mkdir()
    for name in ("intro", "scene1", "scene2", "night/refused", "night/intro_late"):
        known = name.removeprefix("night/").replace("scene2", "scene1").removesuffix("_late")
        # Other bytes each time: the same bytes are the same video.
        (folder / f"{name}.mp4").write_bytes(videos[known].read_bytes() + name.encode())
    (folder / "pipeline_config.json").write_text(migrated("01_pipeline_config.json"))
    with open_studio(folder) as plain:
        environment = {
            **plain.environment,
            "LOG_LEVEL": "INFO",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        with (
            _in_shell(migrated("02_start_service.sh"), folder, environment) as service,
            _in_shell(migrated("03_try_it_out.sh"), folder, environment) as trial,
        ):
            assert service.stdout is not None
            assert service.stdout.readline().startswith("PostFlow  ")
            yield Team(studio=replace(plain, environment=environment), trial=trial)
    assert service.returncode in (0, 130)


@contextmanager
def _in_shell(
    commands: str, folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Run lines of shell beside the tests; Ctrl-C ends what still runs at their end."""
    with subprocess.Popen(  # noqa: S603 - the same
        ["/bin/bash", "-c", commands],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGINT)
                program.communicate(timeout=60)


def _numbers(printed: str) -> dict[str, int]:
    """Return what was printed as a word and its number."""
    return {
        word: int(number)
        for word, number in re.findall(r"(\w+) (\d+)$", printed, flags=re.MULTILINE)
    }


def test_each_block_of_the_old_guide_is_here() -> None:
    """Sixteen blocks, one of them in two languages; every cut is of a script that exists."""
    names = {path.name for path in OLD_SCRIPTS.iterdir() if path.name != "README.md"}
    assert len({name[:2] for name in names}) == 16
    assert set(CUTS) <= names
    assert len(_replacements()) == 3


def test_first_upload_is_followed_by_its_name(team: Team) -> None:
    """Tracked without a file id, it is found, read and told with every key of the old guide."""
    team.run("04_first_upload.py")
    made = team.order_frameio("files", file_name="ma_video.mp4", **{"as": "editor@studio.example"})
    wait_until(lambda: team.ask_postflow("uploads/upload_001")["status"] == "ready")
    text = {"as": "julie@client.example", "text": "C'est approuvé, bravo !"}
    team.order_frameio(f"files/{made['id']}/comments", **text)
    wait_until(lambda: team.ask_postflow("uploads/upload_001")["review_status"] == "approved")

    printed = team.run("08_one_upload.py").splitlines()

    assert printed[:4] == ["status ready", "review approved", "comments 1", f"file {made['id']}"]
    assert re.fullmatch(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*", printed[4])
    assert {"event file.ready", "event comment.created"} <= set(printed[5:])


def test_functions_upload_and_wait(team: Team) -> None:
    """A script of global functions sees its video transcoded, then approved."""
    printed = team.run("05_functions.py").splitlines()
    sent = printed[-1].removeprefix("approved ")
    assert printed[:3] == ["ready before False", "transcoded True", "ready after True"]
    assert team.ask_postflow(f"uploads/{sent}")["review_status"] == "approved"


def test_class_follows_a_video_to_its_approval(team: Team) -> None:
    """A workflow class with its own loop sees a video refused first and approved after."""
    printed = team.run("06_workflow_class.py").splitlines()
    assert printed[:2] == ["scene7.mp4 can be watched", "scene7.mp4 is approved"]
    known = team.ask_postflow(f"uploads/{printed[2].removeprefix('done ')}")
    assert (known["filename"], known["review_status"]) == ("scene7.mp4", "approved")


def test_upload_by_hand_is_kept_and_counted(team: Team) -> None:
    """An unknown file id is kept; the old keys of the totals are there, with the right numbers."""
    assert "'upload_id': 'test'" in team.run("12_register_by_hand.py")
    known = team.ask_postflow("uploads/test")
    assert (known["filename"], known["file_id"]) == ("test.mp4", "frame_io_id")

    totals = _numbers(team.run("07_totals.py"))
    board = team.run("14_board.py")

    truth = team.ask_postflow("stats")
    assert totals["total"] == truth["total_tracked"] > 0
    assert totals["comments"] == truth["comments_analyzed"]
    assert totals.items() >= truth["status_distribution"].items()
    assert {"active", "events"} <= totals.keys()
    assert board.count("OUR BOARD\n" + "=" * 40) == 2
    reviews = truth["review_status_distribution"]
    expected = {name: reviews[name] for name in ("approved", "rejected", "pending")}
    assert _numbers(board) == {"active": truth["active_tracks"], **expected}


def test_own_words_decide_from_the_config(tmp_path: Path) -> None:
    """The lists of the old module, moved into the config, approve and reject."""
    words = runpy.run_path(str(OLD_SCRIPTS / "09_own_words.py"))
    approval, rejection = words["APPROVAL_KEYWORDS"], words["REJECTION_KEYWORDS"]
    config = {"analysis": {"approval_keywords": approval, "rejection_keywords": rejection}}
    (tmp_path / "pipeline_config.json").write_text(json.dumps(config), encoding="utf-8")
    house = load_settings(tmp_path / "pipeline_config.json").analysis.house

    assert {judge_comment(word, house).verdict for word in approval} == {"approved"}
    assert {judge_comment(word, house).verdict for word in rejection} == {"rejected"}


def test_address_and_config_are_told(team: Team) -> None:
    """The address for Frame.io is the one that is listened on; the config has the old keys."""
    port = team.studio.environment["POSTFLOW_WEBHOOK__PORT"]
    address = f"http://127.0.0.1:{port}/webhooks/frameio"
    assert team.run("10_webhook_address.py") == f"to enter in Frame.io: {address}\n"
    assert httpx.post(address, content=b"{}").status_code == 401  # it listens, and checks
    assert team.run("11_look_at_config.py") == "webhook on: True\n"


def test_logs_are_where_they_were(team: Team) -> None:
    """The pattern that people's terminals know finds lines of the service."""
    assert team.run("11_look_at_logs.sh").strip()


def test_production_announces_and_ends_with_all_approved(team: Team) -> None:
    """A day's videos are uploaded, announced one by one and approved."""
    printed = team.run("13_production.py").splitlines()
    day = ("intro.mp4", "scene1.mp4", "scene2.mp4")
    assert printed[:3] == [f"NOTIFIED {name} waits for its review" for name in day]
    ids = printed[3].removeprefix("approved ").split()
    known = [team.ask_postflow(f"uploads/{each}") for each in ids]
    assert [each["filename"] for each in known] == list(day)
    assert {each["review_status"] for each in known} == {"approved"}


def test_automation_delivers_what_is_approved(team: Team) -> None:
    """A folder is delivered as far as it is approved; the rest is logged once its time is over."""
    assert team.run("15_automation.py") == "ERROR not through: night/refused.mp4\n"
    assert (team.studio.folder / "delivered" / "intro_late.mp4").exists()
    assert not list((team.studio.folder / "delivered").glob("refused*"))


def test_trial_and_cheat_sheet_run(team: Team) -> None:
    """The trial run plays a review to its end; of the cheat sheet it is the second command."""
    told, _ = team.trial.communicate(timeout=120)
    assert team.trial.returncode == 0
    assert told.count("✔") == 5
    assert "Nothing of this touched your Frame.io account" in told
    start, trial, own_code = (
        line
        for line in migrated("16_cheat_sheet.sh").splitlines()
        if line.strip() and not line.startswith("#")
    )
    assert start == migrated("02_start_service.sh").strip()
    assert trial == migrated("03_try_it_out.sh").strip()
    assert team.run_in_shell(own_code).returncode == 0
