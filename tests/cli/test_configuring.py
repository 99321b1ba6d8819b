"""`postflow config`: a starter, what is in effect, and the schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Postflow


def test_init_writes_a_config_that_works(postflow: Postflow) -> None:
    """The starter is there with the schema that it names, and the next command reads it."""
    assert postflow("config", "init").code == 0
    config = json.loads(Path("pipeline_config.json").read_text(encoding="utf-8"))
    assert Path(config["$schema"]).is_file()
    shown = {row["setting"]: row for row in json.loads(postflow("config", "show", "--json").out)}
    assert shown["frameio.folder"]["origin"].endswith("pipeline_config.json")


def test_init_replaces_nothing_unasked(postflow: Postflow) -> None:
    """A config that is there already stays as it is, unless somebody insists."""
    Path("pipeline_config.json").write_text("{}", encoding="utf-8")
    ran = postflow("config", "init")
    assert ran.code == 1
    assert "pipeline_config.json exists" in ran.err
    assert Path("pipeline_config.json").read_text(encoding="utf-8") == "{}"
    assert postflow("config", "init", "--force").code == 0


def test_shown_config_hides_secrets(postflow: Postflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets are masked wherever they come from, in both forms."""
    monkeypatch.setenv("POSTFLOW_FRAMEIO__TOKEN", "very-secret-token")
    monkeypatch.setenv("POSTFLOW_WEBHOOK__SECRETS", '["very-secret-word"]')
    for arguments in (("config", "show"), ("config", "show", "--json")):
        ran = postflow(*arguments)
        assert ran.code == 0
        assert "very-secret" not in ran.out
        assert "POSTFLOW_FRAMEIO__TOKEN" in ran.out


def test_schema_is_json(postflow: Postflow) -> None:
    """The printed schema can be saved as it is."""
    assert "webhook" in json.loads(postflow("config", "schema").out)["properties"]
