"""The commented starter, the schema that editors use, and where each setting comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from postflow.errors import ConfigurationError
from postflow.settings import load_settings
from postflow.settings.origins import list_settings
from postflow.settings.schema import config_schema
from postflow.settings.starter import starter_config
from tests.settings.test_load import no_settings_around, write

__all__ = ["no_settings_around"]  # no setting of whoever runs the tests counts here either


def _uncommented(part: Any) -> Any:
    """Take the slashes away, as the starter tells people to."""
    if not isinstance(part, dict):
        return part
    return {key.removeprefix("//"): _uncommented(v) for key, v in part.items() if key != "//"}


def test_starter_is_accepted_as_it_stands(tmp_path: Path) -> None:
    """What `config init` writes works before anybody has edited it."""
    settings = load_settings(write(tmp_path / "c.json", **starter_config()))
    assert settings.frameio.token is None
    assert settings.frameio.folder == "PostFlow"


def test_every_comment_of_the_starter_is_a_setting(tmp_path: Path) -> None:
    """Taking the slashes away from any key gives a setting that exists, with a good value."""
    settings = load_settings(write(tmp_path / "c.json", **_uncommented(starter_config())))
    assert settings.review.approvers == ("client@brand.example",)
    assert settings.webhook.public_url == "https://review.studio.example"


def test_comments_do_not_hide_misspelt_keys(tmp_path: Path) -> None:
    """Only keys that begin with two slashes are comments."""
    path = write(tmp_path / "c.json", webhook={"//": "a comment", "/port": 1})
    with pytest.raises(ConfigurationError, match=r"webhook\./port"):
        load_settings(path)


def test_projects_may_have_comments(tmp_path: Path) -> None:
    """Comments are allowed on any level."""
    path = write(
        tmp_path / "c.json", projects={"p": {"//": "x", "review": {"//": "y", "quorum": 2}}}
    )
    assert load_settings(path).for_project("p").review.quorum == 2


@pytest.mark.parametrize(
    "config",
    [
        starter_config(),
        _uncommented(starter_config()),
        {"review": {"timeout": 60}, "render_farm": {"nodes": 3}},
        {"review": {"timeout": "PT2H"}, "projects": {"p": {"analysis": {"approve_above": 0.9}}}},
    ],
    ids=["starter", "uncommented", "foreign-section", "durations"],
)
def test_schema_accepts_what_we_accept(config: dict[str, Any], tmp_path: Path) -> None:
    """An editor marks nothing as wrong that PostFlow takes."""
    jsonschema.validate(config, config_schema())
    load_settings(write(tmp_path / "c.json", **config))


@pytest.mark.parametrize(
    "config",
    [{"webhook": {"prot": 1}}, {"webhook": {"port": "many"}}, {"review": {"timeout": True}}],
    ids=["misspelt", "wrong-type", "no-duration"],
)
def test_schema_marks_what_we_refuse(config: dict[str, Any], tmp_path: Path) -> None:
    """What PostFlow refuses is marked while it is typed."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(config, config_schema())
    with pytest.raises(ConfigurationError):
        load_settings(write(tmp_path / "c.json", **config))


def test_origins_name_file_variable_or_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each setting says who set it: a variable, else the file, else nobody."""
    path = write(tmp_path / "pipeline_config.json", webhook={"port": 1, "host": "::1"})
    (tmp_path / "token").write_text("hidden")
    monkeypatch.setenv("POSTFLOW_WEBHOOK__PORT", "2")
    monkeypatch.setenv("POSTFLOW_FRAMEIO__TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("POSTFLOW_REVIEW__STATUS_NAMES__FIELD", "Etat")
    found = {setting.name: (setting.value, setting.origin) for setting in list_settings()}
    assert found["webhook.port"] == (2, "POSTFLOW_WEBHOOK__PORT")
    assert found["webhook.host"] == ("::1", str(path))
    assert found["webhook.enabled"] == (True, "default")
    assert found["frameio.token"] == ("**********", "POSTFLOW_FRAMEIO__TOKEN_FILE")
    assert found["review.status_names"][1] == "POSTFLOW_REVIEW__STATUS_NAMES__FIELD"


def test_database_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password inside an address is a secret like any other."""
    monkeypatch.setenv("POSTFLOW_DATABASE__URL", "postgresql+psycopg://u:s3cret@h/d")
    assert "s3cret" not in json.dumps([setting.value for setting in list_settings()])
