from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from postflow.cli.main import app
from postflow.settings import load_settings
from tests.integration.test_examples import ROOT, Studio, studio, videos

__all__ = ["studio", "videos"]  # the fixtures of the examples serve the guides too

GUIDES = ("guide.md", "guide.fr.md")
PAGES = (*GUIDES, "migrating.md")

# What a guide leaves to its reader: a way to upload, to tell people, to log, and a project.
PREAMBLE = """
import json, os, urllib.request

def _ask(path, body=None):
    request = urllib.request.Request(
        os.environ["POSTFLOW_FRAMEIO__BASE_URL"] + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)

def frame_io_upload(filename, project_id):
    return _ask("/_sim/files", {"file_name": filename, "as": "editor@studio.example"})["id"]

def send_notification(text):
    print("NOTIFIED", text)

def log_error(text):
    print("ERROR", text)

project_id = _ask("/_sim/state")["projects"][0]["id"]
"""


def blocks(guide: str, language: str) -> list[str]:
    """Return the guide's blocks of this language, in order."""
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("guide", GUIDES)
def test_python_of_the_guide_runs(guide: str, studio: Studio, videos: dict[str, Path]) -> None:
    """All blocks, one after the other as a reader would type them, do what the text says."""
    (studio.folder / "videos").mkdir()
    for name in ("intro", "scene1"):
        for folder in (studio.folder, studio.folder / "videos"):
            (folder / f"{name}.mp4").write_bytes(videos[name].read_bytes())
    script = studio.folder / "guide.py"
    script.write_text("\n".join([PREAMBLE, *blocks(guide, "python")]), encoding="utf-8")

    ran = studio.run(str(script))

    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "ERROR" not in ran.stdout
    assert ran.stdout.count("NOTIFIED") == 3
    delivered = {path.name for path in (studio.folder / "delivered").glob("*.mp4")}
    assert delivered == {"intro.mp4", "scene1.mp4"}


def test_migrated_script_runs(studio: Studio) -> None:
    """A script of the old system, with its import line changed, sees its upload approved."""
    script = studio.folder / "migrated.py"
    faster = "import time\n_sleep = time.sleep\ntime.sleep = lambda _: _sleep(0.1)\n"
    script.write_text("\n".join([PREAMBLE, faster, *blocks("migrating.md", "python")]))

    ran = studio.run(str(script))

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["1", "1", "approved"]


@pytest.mark.parametrize("guide", PAGES)
def test_settings_of_the_guide_are_accepted(guide: str, tmp_path: Path) -> None:
    """Each piece of configuration can be copied as it stands."""
    settings = blocks(guide, "json")
    assert settings
    for number, block in enumerate(settings):
        path = tmp_path / f"{number}.json"
        path.write_text(block, encoding="utf-8")
        assert load_settings(path).model_dump().keys() >= json.loads(block).keys()


@pytest.mark.parametrize("guide", GUIDES)
def test_commands_of_the_guide_are_understood(guide: str) -> None:
    """Each `postflow …` line is a command with arguments that it takes."""
    lines = [line for block in blocks(guide, "bash") for line in block.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("postflow ")]
    assert len(commands) > 5
    for arguments in commands:
        _parse(arguments)


def _parse(arguments: list[str]) -> None:
    """Read a command line as the program would, without doing it; wrong ones raise."""
    command, name = typer.main.get_command(app), "postflow"
    while True:
        context = command.make_context(name, list(arguments))
        if not isinstance(command, TyperGroup):
            return
        found, inner, arguments = command.resolve_command(context, list(arguments))
        assert inner is not None, f"there is no command {found}"
        command, name = inner, inner.name or ""


def test_guides_say_the_same() -> None:
    """The English and the French guide have the same chapters, blocks and settings."""
    english, french = ((ROOT / "docs" / guide).read_text(encoding="utf-8") for guide in GUIDES)

    def outline(text: str) -> list[str]:
        return re.findall(r"^(#+|```\w+)", text, flags=re.MULTILINE)

    assert outline(english) == outline(french)
    assert blocks("guide.md", "json") != []
