from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from postflow.cli.demo.videos import make_videos

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
QUICK = '["-c:v", "libx264", "-preset", "ultrafast"]'


def free_ports(count: int) -> list[int]:
    """Return ports that are free at this moment, one or two."""
    with closing(socket.socket()) as one, closing(socket.socket()) as two:
        for probe in (one, two)[:count]:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in (one, two)[:count]]


@dataclass(frozen=True, kw_only=True)
class Studio:
    """A folder to work in, with the settings of the examples' README in the environment."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of Python's to its end."""
        return subprocess.run(  # noqa: S603 - our own interpreter and programs
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )

    def run_example(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run an example to its end."""
        return self.run(str(EXAMPLES / f"{name}.py"), *arguments)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give real videos by name; the reviewers like `intro` and `scene`, but not `refused`."""
    names = ["intro", "scene1", "refused"]
    made = make_videos(tmp_path_factory.mktemp("videos"), names)
    return {
        name: path.rename(path.with_name(f"{name}.mp4"))
        for name, path in zip(names, made, strict=True)
    }


@contextmanager
def open_studio(folder: Path) -> Iterator[Studio]:
    """Follow the examples' README up to the scripts, on free ports."""
    public, private = free_ports(2)
    command = ["-m", "postflow", "simulator", "--port", "0", "--data", str(folder / "frameio")]
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *command, "--scenario", str(EXAMPLES / "reviewers.yaml")],
        stdout=subprocess.PIPE,
        text=True,
    ) as simulator:
        try:
            assert simulator.stdout is not None
            address = simulator.stdout.readline().split()[-1]
            studio = Studio(
                folder=folder,
                environment={
                    **{n: v for n, v in os.environ.items() if not n.startswith("POSTFLOW_")},
                    "POSTFLOW_FRAMEIO__BASE_URL": address,
                    "POSTFLOW_FRAMEIO__TOKEN": "editor@studio.example",
                    "POSTFLOW_WEBHOOK__PORT": str(public),
                    "POSTFLOW_DASHBOARD__PORT": str(private),
                    "POSTFLOW_PREFECT__API_URL": "http://127.0.0.1:9/api",
                    "POSTFLOW_POST_PROCESSING__PROFILE": QUICK,
                    "LOG_LEVEL": "ERROR",
                },
            )
            registered = studio.run(
                *("-m", "postflow", "webhook", "register"),
                *("--url", f"http://127.0.0.1:{public}"),
            )
            assert registered.returncode == 0, registered.stderr
            yield studio
        finally:
            simulator.terminate()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """Give a studio of this test's own."""
    with open_studio(tmp_path) as opened:
        yield opened


def test_batch_is_announced_and_approved(studio: Studio, videos: dict[str, Path]) -> None:
    """Each video is announced when it is ready and when it is approved, and so is the end."""
    files = [str(videos["intro"]), str(videos["scene1"])]

    ran = studio.run_example("batch_with_notifications", *files, "--timeout", "60")

    assert ran.returncode == 0, ran.stderr
    for video in ("intro.mp4", "scene1.mp4"):
        assert f"{video} is ready for review" in ran.stdout
        assert f"{video} is approved" in ran.stdout
    assert "all videos are approved" in ran.stdout


def test_folder_is_delivered_as_far_as_approved(studio: Studio, videos: dict[str, Path]) -> None:
    """What is approved is delivered, what is refused is told with its reason; the totals agree."""
    folder = videos["intro"].parent

    ran = studio.run_example("full_automation", str(folder), "--timeout", "8")

    assert ran.returncode == 1
    delivered = {path.name for path in (studio.folder / "delivered").glob("*.mp4")}
    assert delivered == {"intro.mp4", "scene1.mp4"}
    assert "refused.mp4 is rejected" in ran.stderr
    assert "Traceback" not in ran.stderr

    shown = studio.run_example("tracking_dashboard", "--rounds", "2", "--every", "0.1")

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("POSTFLOW") == 2
    assert "Approved:  2" in shown.stdout
    assert "Rejected:  1" in shown.stdout
    assert "Delivered: 2" in shown.stdout


def test_missing_file_is_told_in_a_sentence(studio: Studio) -> None:
    """A script that is called wrongly ends with a sentence, not with a traceback."""
    ran = studio.run_example("batch_with_notifications", "nowhere.mp4")

    assert ran.returncode == 1
    assert "does not exist" in ran.stderr
    assert "Traceback" not in ran.stderr
