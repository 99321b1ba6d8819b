"""The pages say what the program does: charts, commands and settings are compared with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
from pydantic import BaseModel

from postflow.cli.main import app
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.settings import Settings
from postflow.store.announcements import Announcement

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _settings() -> set[str]:
    return {
        f"{section}.{key}"
        for section, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for key in field.annotation.model_fields
    }


def _commands() -> set[str]:
    program = typer.main.get_command(app)
    return set(program.commands)  # type: ignore[attr-defined]  # the program is a group


def test_every_setting_has_its_line() -> None:
    """The settings page names each setting that exists and none that does not."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    sections = "|".join(Settings.model_fields)
    named = set(re.findall(rf"`((?:{sections})\.[a-z_]+)`", page))
    assert named == _settings()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_only_commands_that_exist(page: Path) -> None:
    """Every `postflow …` on a page is a command of the program."""
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|bin/|^ {4})postflow ([a-z][a-z-]+)", text, flags=re.MULTILINE))
    assert named <= _commands()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A link to another page of this repository leads to a file that exists."""
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_charts_show_every_status() -> None:
    """The architecture page's charts have exactly the statuses of the code."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    uploads = page.partition("## An upload")[2].partition("## ")[0]
    reviews = page.partition("## A review")[2].partition("## ")[0]
    assert set(re.findall(r"[a-z]{5,}", uploads)) == set(UploadStatus)
    assert set(ReviewStatus) <= set(re.findall(r"[a-z]+", reviews))


def test_operating_page_names_every_event() -> None:
    """Whoever writes an automation finds every Prefect event there is."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    missing = [kind for kind in Announcement if f".{kind}`" not in page]
    assert missing == []
