"""Settings around a review: limits that keep doubt on the safe side, and projects of their own."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postflow.errors import ConfigurationError
from postflow.settings import Settings, load_settings
from postflow.settings.advice import list_own_user_warnings, list_warnings


def load(tmp_path: Path, **sections: Any) -> Settings:
    """Return the settings of a config file with these sections."""
    path = tmp_path / "pipeline_config.json"
    path.write_text(json.dumps(sections))
    return load_settings(path)


def refusal(tmp_path: Path, **sections: Any) -> str:
    """Return the sentence by which these sections are refused."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, **sections)
    return str(caught.value)


def test_project_overrides_what_it_names(tmp_path: Path) -> None:
    """A project has its own values; what it leaves out is as everywhere, nested keys too."""
    settings = load(
        tmp_path,
        review={"quorum": 2, "status_names": {"field": "Etat", "approved": ["OK"]}},
        analysis={"approval_keywords": ["in the box"]},
        projects={"p-1": {"review": {"quiet_period": 60, "status_names": {"approved": ["Bon"]}}}},
    )
    own = settings.for_project("p-1")
    assert (own.review.quorum, own.review.quiet_period) == (2, timedelta(minutes=1))
    assert (own.review.status_names.field, own.review.status_names.approved) == ("Etat", ("Bon",))
    assert own.analysis.approval_keywords == ("in the box",)
    assert settings.for_project("p-2").review.quiet_period == timedelta(0)
    assert settings.for_project(None) is settings


def test_misspelt_project_key_is_named(tmp_path: Path) -> None:
    """An unknown key inside a project is refused with the nearest known one."""
    sentence = refusal(tmp_path, projects={"p-1": {"review": {"approver": []}}})
    assert "projects.p-1.review.approver" in sentence
    assert "'approvers'" in sentence
    assert "'review'" in refusal(tmp_path, projects={"p-1": {"reveiw": {}}})


def test_project_that_never_approves_is_refused(tmp_path: Path) -> None:
    """A quorum that only a project's approvers cannot reach is refused, naming the project."""
    sentence = refusal(
        tmp_path, review={"quorum": 2}, projects={"p-1": {"review": {"approvers": ["a@x.example"]}}}
    )
    assert "p-1" in sentence
    assert "never be reached" in sentence


@pytest.mark.parametrize("editors", [["A@x.example"], ["@x.example"]])
def test_approvers_who_edit_are_refused(tmp_path: Path, editors: list[str]) -> None:
    """Where every approver is an editor too, nobody could ever approve."""
    sentence = refusal(tmp_path, review={"approvers": ["a@x.example"], "editors": editors})
    assert "editors never decide" in sentence


def test_editors_do_not_count_for_the_quorum(tmp_path: Path) -> None:
    """Two approvers of whom one edits can never give two approvals."""
    people = {"approvers": ["a@x.example", "b@y.example"], "editors": ["@y.example"]}
    assert "quorum of 2" in refusal(tmp_path, review=people | {"quorum": 2})
    domain = {"approvers": ["@client.example"], "quorum": 2}
    assert load(tmp_path, review=domain).review.quorum == 2


@pytest.mark.parametrize(
    "analysis",
    [
        {"approve_above": 0.4},
        {"approve_above": 1.0},
        {"reject_below": -0.6},
        {"reject_below": 0.1},
        {"second_opinion": {"url": "localhost:11434", "model": "m"}},
        {"second_opinion": {"url": "http://127.0.0.1:1/v1"}},
    ],
    ids=json.dumps,
)
def test_dangerous_analysis_is_refused(tmp_path: Path, analysis: dict[str, Any]) -> None:
    """Thresholds cannot make approving easier, and a second opinion needs address and model."""
    assert "analysis." in refusal(tmp_path, analysis=analysis)


def test_misspelt_opinion_key_is_named(tmp_path: Path) -> None:
    """A key misspelt two levels down still names the nearest one of its own section."""
    opinion = {"url": "http://127.0.0.1:1/v1", "model": "m", "timeout_second": 1}
    assert "'timeout_seconds'" in refusal(tmp_path, analysis={"second_opinion": opinion})


def test_shown_config_masks_the_key(tmp_path: Path) -> None:
    """The key of a second opinion is never printed."""
    opinion = {"url": "http://127.0.0.1:1/v1", "model": "m", "api_key": "s3cret"}
    settings = load(tmp_path, analysis={"second_opinion": opinion})
    assert "s3cret" not in json.dumps(settings.model_dump(mode="json"))


def test_open_review_is_warned_about(tmp_path: Path) -> None:
    """Without approvers and editors one sentence says that anybody's word counts."""
    (sentence,) = list_warnings(load(tmp_path))
    assert "anybody's “validé” counts" in sentence
    assert list_warnings(load(tmp_path, review={"editors": ["@studio.example"]})) == []


def test_open_project_is_warned_about(tmp_path: Path) -> None:
    """A project that takes the approvers away again is named."""
    projects: Any = {"p-1": {"review": {"approvers": []}}}
    settings = load(tmp_path, review={"approvers": ["a@x.example"]}, projects=projects)
    (sentence,) = list_warnings(settings)
    assert "p-1" in sentence


def told(settings: Settings) -> list[str]:
    """Return what is said about PostFlow's own user."""
    return list_own_user_warnings(settings, user_id="postflow", email="bot@studio.example")


@pytest.mark.parametrize("named", ["postflow", "Bot@studio.example"], ids=["id", "address"])
def test_own_user_as_only_approver_is_told(tmp_path: Path, named: str) -> None:
    """Where only PostFlow itself could approve, one sentence says so, and nothing else breaks."""
    settings = load(tmp_path, projects={"p-1": {"review": {"approvers": [named]}}})
    (sentence,) = told(settings)
    assert sentence.startswith("In the project p-1, without PostFlow's own user (bot@studio")
    own = settings.with_editor("postflow").for_project("p-1")
    assert own.review.editors == ("postflow",)
    assert own.review.approvers == (named,)


def test_own_user_among_approvers_needs_the_others(tmp_path: Path) -> None:
    """PostFlow's own user counts for nothing in a quorum; with enough others nothing is said."""
    two = {"approvers": ["postflow", "cleo@client.example"]}
    assert told(load(tmp_path, review=two)) == []
    (sentence,) = told(load(tmp_path, review={**two, "quorum": 2}))
    assert "too few people" in sentence


def test_own_user_is_an_editor_in_each_project(tmp_path: Path) -> None:
    """A project with editors of its own does not make PostFlow's user a reviewer."""
    settings = load(
        tmp_path,
        review={"editors": ["ed@studio.example"]},
        projects={"p-1": {"review": {"editors": ["eva@studio.example"]}}, "p-2": {}},
    ).with_editor("postflow")
    assert settings.for_project("p-1").review.editors == ("eva@studio.example", "postflow")
    assert settings.for_project("p-2").review.editors == ("ed@studio.example", "postflow")
    assert settings.for_project(None).review.editors == ("ed@studio.example", "postflow")
