"""Where settings come from, which one wins, and what is said when one cannot be used."""

from __future__ import annotations

import json
import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postflow.errors import ConfigurationError
from postflow.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def no_settings_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder without any variable or config file of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("POSTFLOW_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)


def write(path: Path, **sections: Any) -> Path:
    """Write a config file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sections), encoding="utf-8")
    return path


def refusal(path: Path | None = None, **overrides: Any) -> str:
    """Return the sentence by which the settings are refused."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, overrides=overrides)
    return str(caught.value)


def test_defaults_need_no_file() -> None:
    """Without any file or variable the defaults hold."""
    assert load_settings().webhook.port == 8080


def test_environment_beats_file_and_overrides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment wins over the caller, the caller over the file."""
    path = write(tmp_path / "c.json", webhook={"port": 1, "host": "a"}, dashboard={"port": 4})
    monkeypatch.setenv("POSTFLOW_WEBHOOK__PORT", "3")
    found = load_settings(path, overrides={"webhook": {"port": 2}, "dashboard": {"port": 5}})
    assert (found.webhook.port, found.webhook.host, found.dashboard.port) == (3, "a", 5)


@pytest.mark.parametrize("place", ["pipeline_config.json", "config/pipeline_config.json"])
def test_config_file_is_found(tmp_path: Path, place: str) -> None:
    """The file is looked for here and in `config/`."""
    write(tmp_path / place, webhook={"port": 99})
    assert load_settings().webhook.port == 99


def test_named_config_file_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is asked for by name and missing is an error, not the defaults."""
    monkeypatch.setenv("POSTFLOW_CONFIG", "nowhere.json")
    assert "POSTFLOW_CONFIG names nowhere.json" in refusal()


def test_value_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`…_FILE` reads a value from the file it names, as container secrets are given."""
    (tmp_path / "token").write_text("s3cret\n")
    monkeypatch.setenv("POSTFLOW_FRAMEIO__TOKEN_FILE", str(tmp_path / "token"))
    token = load_settings(overrides={"frameio": {"token": "other"}}).frameio.token
    assert token is not None
    assert token.get_secret_value() == "s3cret"


def test_value_files_may_hold_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value file may hold JSON where the setting is a list."""
    (tmp_path / "names").write_text('["a@x", "b@x"]')
    monkeypatch.setenv("POSTFLOW_REVIEW__APPROVERS_FILE", str(tmp_path / "names"))
    assert load_settings().review.approvers == ("a@x", "b@x")


def test_missing_value_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that is not there is said with its variable and its path."""
    monkeypatch.setenv("POSTFLOW_FRAMEIO__TOKEN_FILE", "/nowhere/token")
    sentence = refusal()
    assert "POSTFLOW_FRAMEIO__TOKEN_FILE" in sentence
    assert "/nowhere/token" in sentence


@pytest.mark.parametrize("text", ["[not json", b"\xff\xfe"], ids=["broken-json", "not-text"])
def test_unreadable_value_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes
) -> None:
    """A value file that cannot be understood is an error of ours with its variable."""
    (tmp_path / "names").write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setenv("POSTFLOW_REVIEW__APPROVERS_FILE", str(tmp_path / "names"))
    assert "POSTFLOW_REVIEW__APPROVERS_FILE" in refusal()


def test_secrets_are_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several webhook secrets are given as a JSON list in one variable."""
    monkeypatch.setenv("POSTFLOW_WEBHOOK__SECRETS", '["one", "two"]')
    secrets = [secret.get_secret_value() for secret in load_settings().webhook.secrets]
    assert secrets == ["one", "two"]


def test_broken_json_in_a_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that is no JSON is refused with the variable's name, not with a traceback."""
    monkeypatch.setenv("POSTFLOW_WEBHOOK__SECRETS", "one,two")
    assert "secrets" in refusal().lower()


@pytest.mark.parametrize("value", ['[""]', '["  "]', "[]"])
def test_empty_secret_counts_as_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty secret would let anybody sign; it is as good as none."""
    monkeypatch.setenv("POSTFLOW_WEBHOOK__SECRETS", value)
    assert load_settings().webhook.secrets == ()


def test_empty_tokens_count_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty token protects nothing, so it must not look like one."""
    monkeypatch.setenv("POSTFLOW_DASHBOARD__TOKEN", "")
    monkeypatch.setenv("POSTFLOW_FRAMEIO__TOKEN", " ")
    found = load_settings()
    assert (found.dashboard.token, found.frameio.token) == (None, None)


@pytest.mark.parametrize(
    ("sections", "key", "nearest"),
    [
        ({"webhook": {"prot": 1}}, "webhook.prot", "'port'"),
        ({"review": {"approver": []}}, "review.approver", "'approvers'"),
        ({"review": {"status_names": {"aproved": []}}}, "aproved", "'approved'"),
    ],
)
def test_misspelt_key_names_the_nearest(
    tmp_path: Path, sections: dict[str, Any], key: str, nearest: str
) -> None:
    """A misspelt key is refused with the key that was probably meant, and its file."""
    path = write(tmp_path / "c.json", **sections)
    sentence = refusal(path)
    assert key in sentence
    assert nearest in sentence
    assert str(path) in sentence


def test_misspelt_variable_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt key in the environment is refused as in the file."""
    monkeypatch.setenv("POSTFLOW_WEBHOOK__PROT", "1")
    sentence = refusal()
    assert "POSTFLOW_WEBHOOK__PROT" in sentence
    assert "'port'" in sentence


def test_misspelt_section_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable for a section that does not exist names the section that was meant."""
    monkeypatch.setenv("POSTFLOW_WEBHOK__PORT", "1")
    assert "'webhook'" in refusal()


def test_foreign_sections_are_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The file is the team's: sections of others are left alone, with one log line."""
    path = write(tmp_path / "c.json", render={"farm": "a"}, nuke={"x": 1}, webhook={"port": 5})
    with caplog.at_level(logging.INFO, logger="postflow.settings"):
        assert load_settings(path).webhook.port == 5
    assert [record.getMessage() for record in caplog.records] == [
        "sections of c.json that are not PostFlow's: nuke, render"
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "not valid JSON"), ("[]", "one JSON object"), ('{"webhook": 5}', "must be an object")],
)
def test_broken_config_file_is_explained(tmp_path: Path, content: str, words: str) -> None:
    """A file that is no config is refused with its name and what is wrong."""
    path = tmp_path / "c.json"
    path.write_text(content)
    sentence = refusal(path)
    assert words in sentence
    assert str(path) in sentence


def test_missing_given_file_is_explained(tmp_path: Path) -> None:
    """A path that leads nowhere is said, not ignored."""
    assert "cannot be read" in refusal(tmp_path / "gone.json")


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    """What is relative in a config file is relative to that file, wherever we are."""
    path = write(
        tmp_path / "team" / "c.json",
        database={"url": "sqlite:///data/p.db"},
        post_processing={"output_dir": "out"},
    )
    found = load_settings(path)
    assert found.database.url == f"sqlite:///{tmp_path}/team/data/p.db"
    assert found.post_processing.output_dir == tmp_path / "team" / "out"


def test_relative_paths_start_here_otherwise(tmp_path: Path) -> None:
    """Without a config file relative paths start at the working directory."""
    assert load_settings().database.url == f"sqlite:///{tmp_path}/postflow.db"


@pytest.mark.parametrize("name", ["postgres", "postgresql", "postgresql+psycopg"])
def test_server_addresses_stay_as_they_are(name: str) -> None:
    """The address of a server is no path, and its password survives."""
    url = f"{name}://me:pw@db/postflow"
    assert load_settings(overrides={"database": {"url": url}}).database.url == url


def test_quorum_beyond_the_approvers_is_refused() -> None:
    """A quorum that can never be reached would keep every video waiting."""
    sentence = refusal(review={"approvers": ["a@x", "A@X"], "quorum": 2})
    assert "a quorum of 2 can never be reached by 1" in sentence


@pytest.mark.parametrize("key", ["approvers", "editors"])
def test_blank_names_are_refused(key: str) -> None:
    """An empty entry would name nobody, and a list of nobody lets everybody approve."""
    assert f"review.{key}" in refusal(review={key: [" "]})


@pytest.mark.parametrize(
    ("value", "expected"),
    [(90, 90), (1.5, 1.5), ("90", 90), ("PT2H", 7200)],
    ids=["number", "fraction", "text", "iso"],
)
def test_durations_are_seconds_or_iso(value: object, expected: float) -> None:
    """A number means seconds; a text may be ISO 8601."""
    found = load_settings(overrides={"review": {"timeout": value}}).review.timeout
    assert found == timedelta(seconds=expected)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("review", "timeout", -1),
        ("review", "ready_timeout", 0),
        ("tracker", "resume_every", 0),
        ("tracker", "lease", "soon"),
        ("webhook", "port", 70000),
    ],
)
def test_impossible_values_are_refused(section: str, key: str, value: object) -> None:
    """A value that cannot work is refused at the start, by its name."""
    assert f"{section}.{key}" in refusal(None, **{section: {key: value}})


def test_guests_only_reject_beside_approvers() -> None:
    """Naming approvers takes the approval from guests, unless they are allowed by name."""
    named = {"approvers": ["a@x"]}
    assert Settings().review.rules.guests == "count"
    assert load_settings(overrides={"review": named}).review.rules.guests == "reject_only"
    allowed = load_settings(overrides={"review": named | {"guests": "count"}})
    assert allowed.review.rules.guests == "count"
