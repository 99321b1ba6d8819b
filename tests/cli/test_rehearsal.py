"""`postflow test` plays a review under the user's settings and touches nothing of theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postflow.cli.demo.casting import NOWHERE, cast_reviewers, rehearsal_settings
from postflow.cli.demo.videos import make_videos
from postflow.settings import load_settings
from postflow.settings.prefect_url import prefect_api_url
from tests.cli.conftest import Postflow

SCENARIO = """
transcode_delay: 200ms
reviewers:
  boss: {name: The Boss, email: boss@client.example}
  pal: {name: A Pal, email: pal@client.example}
stories:
  - when: {file: "01*"}
    steps:
      - {after: 100ms, as: pal, comment: "Approved!"}
      - {after: 100ms, as: boss, comment: "Vu et bon pour antenne"}
  - when: {file: "02*"}
    steps:
      - {after: 100ms, as: pal, comment: "Approved!"}
"""


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    """Give a folder with the settings of a studio, two videos, and a script for the reviewers."""
    config = {
        "review": {"approvers": ["boss@client.example"], "editors": ["@studio.example"]},
        "analysis": {"approval_keywords": ["bon pour antenne"]},
        "post_processing": {"profile": ["-c:v", "libx264", "-preset", "ultrafast"]},
        "frameio": {"token": "must-not-be-used", "project_id": "a real one"},
    }
    (tmp_path / "pipeline_config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    make_videos(tmp_path / "shots", ["one", "two"])
    return tmp_path


def test_own_settings_decide(postflow: Postflow, studio: Path) -> None:
    """The user's approvers and words decide, and nothing of the user's is touched."""
    before = {path for path in studio.rglob("*") if "shots" not in path.parts}

    ran = postflow("test", "--scenario", "scenario.yaml", "--videos", "shots", "--json")

    assert ran.code == 0, ran.err
    first, second = json.loads(ran.out)
    assert first["explanation"]["review_status"] == "approved"
    assert first["explanation"]["standings"][-1]["who"] == "The Boss"
    assert first["delivery"] == "01-one.mp4"
    assert second["explanation"]["review_status"] == "pending"
    assert second["delivery"] is None
    assert {path for path in studio.rglob("*") if "shots" not in path.parts} == before


def test_broken_profile_is_found(postflow: Postflow, studio: Path) -> None:
    """A profile that ffmpeg refuses shows before a client has approved anything."""
    config = json.loads((studio / "pipeline_config.json").read_text(encoding="utf-8"))
    config["post_processing"]["profile"] = ["-c:v", "no-such-codec"]
    (studio / "pipeline_config.json").write_text(json.dumps(config), encoding="utf-8")

    ran = postflow("test", "--scenario", "scenario.yaml", "--videos", "shots")

    assert ran.code == 1
    assert "would not be delivered" in ran.out
    assert "Traceback" not in ran.out + ran.err
    assert "'bon pour antenne' alone: approved" in ran.out


def test_missing_scenario_is_named(postflow: Postflow, studio: Path) -> None:
    """A scenario that is not there is one sentence."""
    ran = postflow("test", "--scenario", "nowhere.yaml", "--videos", "shots")
    assert ran.code == 1
    assert "nowhere.yaml cannot be read" in ran.err


def test_reviewers_play_the_users_approvers(studio: Path) -> None:
    """Approvers named by id or domain, whom no simulator knows, are played under an address."""
    review = {"approvers": ["4711", "@brand.example"], "quorum": 2}
    cast = cast_reviewers(load_settings(overrides={"review": review}))
    assert cast.reviewers["julie"]["email"] == "approver-1@client.example"
    assert cast.reviewers["tom"]["email"] == "approver@brand.example"
    assert cast.approvers == ("approver-1@client.example", "@brand.example")
    assert cast.played == {"Julie Martin": "4711", "Tom Baker": "@brand.example"}


def test_rehearsal_reaches_nobody(studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No address, store, server or receiver of the user's is left in a rehearsal's settings."""
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example/api")
    own = load_settings(
        overrides={
            "notices": {"urls": ["json://notices.example"]},
            "webhook": {"secrets": ["real"], "public_url": "https://real.example"},
            "database": {"url": "postgresql+psycopg://real@db.example/postflow"},
        }
    )
    settings = rehearsal_settings(
        own,
        cast_reviewers(own),
        folder=studio / "thrown-away",
        frameio="http://127.0.0.1:1",
        public_port=1,
        private_port=2,
    )
    assert settings.notices.urls == ()
    assert settings.webhook.secrets == ()
    assert settings.webhook.public_url == "http://127.0.0.1:1"
    assert settings.database.url.startswith(f"sqlite:///{studio}/thrown-away")
    assert prefect_api_url(settings) == NOWHERE
    assert settings.frameio.project_id is None
