"""Whatever is wrong, a command says it in one sentence with the remedy, and shows no traceback."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from postflow.cli.one_start import only_start
from tests.cli.conftest import Postflow


def test_missing_file_is_named(postflow: Postflow, store_url: str) -> None:
    """A path that does not exist is named before anything is started."""
    ran = postflow("run", "nowhere/shot.mp4")
    assert ran.code == 1
    assert "nowhere/shot.mp4 does not exist" in ran.err
    assert "Traceback" not in ran.err


def test_empty_file_is_refused_by_name(postflow: Postflow, store_url: str) -> None:
    """An empty file is refused before it is registered."""
    Path("empty.mp4").touch()
    ran = postflow("run", "empty.mp4")
    assert ran.code == 1
    assert "empty.mp4 is empty" in ran.err


def test_unknown_extension_is_refused(postflow: Postflow, store_url: str) -> None:
    """A file that is no video by its name is refused, and the known endings are listed."""
    Path("notes.txt").write_text("no video")
    ran = postflow("run", "notes.txt")
    assert ran.code == 1
    assert "notes.txt is no video by its name" in ran.err
    assert ".mp4" in ran.err


def test_folder_without_video_is_refused(postflow: Postflow, store_url: str) -> None:
    """A folder that holds no video is an error, not an empty batch."""
    Path("shots").mkdir()
    ran = postflow("run", "shots")
    assert ran.code == 1
    assert "shots holds no video" in ran.err


def test_unreachable_prefect_is_said(
    postflow: Postflow, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a Prefect server the sentence says how to start one."""
    monkeypatch.setenv("POSTFLOW_PREFECT__API_URL", "http://127.0.0.1:9/api")
    Path("shot.mp4").write_bytes(b"bytes")
    ran = postflow("run", "shot.mp4")
    assert ran.code == 1
    assert "http://127.0.0.1:9/api does not answer" in ran.err
    assert "postflow start" in ran.err


def test_start_asks_a_given_prefect_first(
    postflow: Postflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`start` with a Prefect server that is away says so before it starts anything."""
    monkeypatch.setenv("POSTFLOW_PREFECT__API_URL", "http://127.0.0.1:9/api")
    ran = postflow("start")
    assert ran.code == 1
    assert "http://127.0.0.1:9/api does not answer" in ran.err
    assert "prefect.api_url" in ran.err
    assert not list(Path("logs").glob("*.log"))


def test_missing_store_is_never_created_by_reading(postflow: Postflow) -> None:
    """A command that only reads says how to make the store, and makes none."""
    ran = postflow("status")
    assert ran.code == 1
    assert "There is no store at" in ran.err
    assert "postflow migrate" in ran.err
    assert not Path("postflow.db").exists()


def test_misspelt_key_names_the_nearest(postflow: Postflow) -> None:
    """A key that PostFlow does not know is an error that names the one it knows."""
    Path("pipeline_config.json").write_text(json.dumps({"webhook": {"prot": 8080}}))
    ran = postflow("migrate")
    assert ran.code == 1
    assert "webhook.prot" in ran.err
    assert "'port'" in ran.err


def test_taken_port_names_its_setting(postflow: Postflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """`start` on a port that somebody has says which setting to change, and starts nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("POSTFLOW_DASHBOARD__PORT", str(taken.getsockname()[1]))
        ran = postflow("start")
    assert ran.code == 1
    assert "is taken" in ran.err
    assert "dashboard.port" in ran.err


def test_second_start_names_the_first_and_leaves_it_alone(postflow: Postflow) -> None:
    """Beside a `start` that is coming up, before any port is taken, another one starts nothing."""
    with only_start(Path("logs"), "http://127.0.0.1:8081"):
        ran = postflow("start")
        left = [path.name for path in Path("logs").iterdir()]
    assert ran.code == 1
    expected = f"PostFlow already runs here (pid {os.getpid()}, http://127.0.0.1:8081);"
    assert expected in ran.err
    assert left == ["postflow_start.lock"]
    with only_start(Path("logs"), "http://127.0.0.1:8081"):
        pass  # whoever ended is in nobody's way


def test_unwritable_database_is_one_sentence(
    postflow: Postflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store in a place that cannot be is refused with the setting's name."""
    Path("file").touch()
    monkeypatch.setenv("POSTFLOW_DATABASE__URL", "sqlite:///file/postflow.db")
    ran = postflow("migrate")
    assert ran.code == 1
    assert "database.url" in ran.err
    assert "Traceback" not in ran.err


def test_unknown_upload_is_said(postflow: Postflow, store_url: str) -> None:
    """An id that nobody tracks is answered with where to find those that exist."""
    for command in ("status", "explain", "approve", "cancel"):
        ran = postflow(command, "ghost")
        assert ran.code == 1
        assert "'ghost'" in ran.err


def test_wrong_usage_exits_with_two(postflow: Postflow) -> None:
    """An option that does not exist is wrong usage, not a failure."""
    assert postflow("status", "--nonsense").code == 2


def test_second_demo_in_a_folder_waits(postflow: Postflow) -> None:
    """A demo never clears the folder of another one that runs."""
    Path(".demo").mkdir()
    Path(".demo/demo.pid").write_text("1")
    ran = postflow("demo")
    assert ran.code == 1
    assert "Another demo (process 1)" in ran.err


def test_demo_refuses_a_folder_without_video(postflow: Postflow) -> None:
    """The demo checks the given folder before it touches its own."""
    Path("empty").mkdir()
    ran = postflow("demo", "--videos", "empty")
    assert ran.code == 1
    assert "holds no video" in ran.err
    assert not Path(".demo").exists()
