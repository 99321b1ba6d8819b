"""Log lines go to the terminal and to a rotating file, and touch nobody else's logging."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from postflow.logs import configure_logs, log_path, rotate_in_place
from postflow.settings.sections import LogSettings


@pytest.fixture(autouse=True)
def _logs_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the logging of this process as it was."""
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    before = structlog.get_config()
    ours = logging.getLogger("postflow")
    level, propagate = ours.level, ours.propagate
    yield
    configure_logs()
    for logger in (ours, logging.getLogger("stamina")):
        logger.handlers.clear()
        logger.propagate = True
    ours.setLevel(level)
    ours.propagate = propagate
    structlog.configure(**before)


def test_lines_go_to_terminal_and_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of a named program is on the terminal's error side and in its file."""
    settings = LogSettings(folder=tmp_path / "logs")
    configure_logs(settings, program="service")
    structlog.get_logger("postflow.tracker").warning("look failed", upload_id="intro")
    written = log_path(settings, "service").read_text(encoding="utf-8")
    printed = capsys.readouterr()
    assert "upload_id=intro" in written
    assert "look failed" in printed.err
    assert printed.out == ""


def test_retries_are_lines_like_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stamina says of a call that is tried again can be read, and is in the file too."""
    settings = LogSettings(folder=tmp_path / "logs")
    configure_logs(settings, program="service")
    structlog.get_logger("stamina").warning("stamina.retry_scheduled", retry_num=1)
    assert "retry_num=1" in log_path(settings, "service").read_text(encoding="utf-8")
    assert "{" not in capsys.readouterr().err


def test_json_lines_can_be_parsed(tmp_path: Path) -> None:
    """With `logs.format: json` each line is one object, an exception included."""
    settings = LogSettings(folder=tmp_path, format="json")
    configure_logs(settings, program="service")
    error = ValueError("broken")
    structlog.get_logger("postflow.tracker").error(
        "settle failed", upload_id="intro", exc_info=error
    )
    (line,) = log_path(settings, "service").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["upload_id"] == "intro"
    assert "ValueError: broken" in json.loads(line)["exception"]


def test_level_of_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`LOG_LEVEL` decides what is written, whatever the settings say."""
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    settings = LogSettings(folder=tmp_path, level="DEBUG")
    configure_logs(settings, program="service")
    structlog.get_logger("postflow.tracker").warning("not so bad")
    logging.getLogger("postflow.settings").error("bad")
    written = log_path(settings, "service").read_text(encoding="utf-8")
    assert "not so bad" not in written
    assert "bad" in written


def test_files_are_rotated(tmp_path: Path) -> None:
    """A file that gets too long is kept beside a new one, and old ones go."""
    settings = LogSettings(folder=tmp_path, max_bytes=10_000, keep=2)
    configure_logs(settings, program="service")
    for number in range(600):
        structlog.get_logger("postflow.tracker").info("a line to fill the file", number=number)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"postflow_service.log", "postflow_service.log.1", "postflow_service.log.2"}
    assert all(path.stat().st_size <= 10_000 for path in tmp_path.iterdir())


def test_unwritable_folder_costs_only_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A place where no folder can be is said once, and the terminal still gets every line."""
    (tmp_path / "file").touch()
    configure_logs(LogSettings(folder=tmp_path / "file" / "logs"), program="service")
    structlog.get_logger("postflow.tracker").warning("look failed")
    printed = capsys.readouterr().err
    assert "logs.folder" in printed
    assert "look failed" in printed


def test_logging_of_others_is_left_alone(tmp_path: Path) -> None:
    """The root logger and Prefect's have the handlers that they had."""
    before = [logging.getLogger(name).handlers[:] for name in ("", "prefect")]
    configure_logs(LogSettings(folder=tmp_path), program="service")
    assert [logging.getLogger(name).handlers[:] for name in ("", "prefect")] == before


def test_caught_output_is_rotated_under_a_writer(tmp_path: Path) -> None:
    """What a running program goes on printing lands in the emptied file."""
    settings = LogSettings(folder=tmp_path, max_bytes=10_000, keep=2)
    path = tmp_path / "postflow_runner.log"
    with path.open("ab", buffering=0) as program:
        for fill in (b"1", b"2", b"3"):
            program.write(fill * 10_000)
            rotate_in_place(path, settings)
        program.write(b"new")
        rotate_in_place(path, settings)
    assert path.read_bytes() == b"new"
    assert path.with_name("postflow_runner.log.1").read_bytes() == b"3" * 10_000
    assert path.with_name("postflow_runner.log.2").read_bytes() == b"2" * 10_000
    assert not path.with_name("postflow_runner.log.3").exists()
