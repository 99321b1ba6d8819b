"""Commands speak French to whoever asks for it, and English to every program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from postflow.clock import utc_now
from postflow.store.database import open_store
from postflow.store.uploads import register_upload
from tests.cli.conftest import Postflow


@pytest.fixture
def french(postflow: Postflow, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Postflow:
    """Run commands for a French reader, on a store with one upload."""
    store = open_store(store_url)
    with store.writing() as session:
        register_upload(session, upload_id="intro", filename="intro.mp4", now=utc_now())
    store.close()
    monkeypatch.setenv("POSTFLOW_LANG", "fr")
    return postflow


def test_tables_and_totals_are_french(french: Postflow) -> None:
    """Headings and statuses are translated, names are not."""
    ran = french("status")
    assert "relecture" in ran.out
    assert "enregistré" in ran.out
    assert "intro.mp4" in ran.out
    assert "1 suivies, 1 actives, 0 livrées, 0 en attente" in ran.out


def test_json_stays_english(french: Postflow) -> None:
    """Programs get the same words whatever the language of the person."""
    (upload,) = json.loads(french("status", "--json").out)
    assert upload["status"] == "registered"
    assert json.loads(french("explain", "--text", "Validé !", "--json").out)[
        "explanation"
    ].startswith("approved: ")


def test_errors_are_french(french: Postflow) -> None:
    """An error says in French what happened and what to do."""
    ran = french("status", "ghost")
    assert ran.code == 1
    assert ran.err.replace("\N{NO-BREAK SPACE}", " ").strip() == (
        "Il n'y a pas d'envoi « ghost » ; `postflow status` donne la liste de ceux qui existent."
    )


def test_usage_errors_are_french(french: Postflow) -> None:
    """Typer's own complaints are translated, and the exit code stays."""
    ran = french("approve")
    assert ran.code == 2
    assert "Utilisation" in ran.err
    assert "Il manque l'argument 'upload_id'." in ran.err


def test_help_is_french_and_commands_english(french: Postflow) -> None:
    """Help explains in French; what is typed stays as it is."""
    ran = french("explain", "--help")
    assert ran.code == 0
    assert "Dit pourquoi un envoi est approuvé ou non" in ran.out
    assert "Affiche ce message" in ran.out
    assert "Exemple\N{NO-BREAK SPACE}: postflow explain --text" in ran.out


def test_french_ends_with_the_command(french: Postflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """A French run leaves nothing French behind in the same process."""
    french("--help")
    monkeypatch.setenv("POSTFLOW_LANG", "en")
    ran = french("status", "--help")
    assert "Show every upload" in ran.out
    assert "Arguments" in ran.out
    assert "Affiche" not in ran.out


def test_stored_verdicts_are_told_in_french(french: Postflow) -> None:
    """What was decided and stored in English is explained in French, people's words untouched."""
    assert french("approve", "intro", "--reason", "delivered to them").code == 0
    out = french("explain", "intro").out.replace("\N{NO-BREAK SPACE}", " ")
    assert "intro.mp4, version 1, est approuvé : " in out
    assert " a décidé à la main : delivered to them." in out
    assert "delivered to them" in french("status").out
    assert "Règle : une décision à la main remplace tout ce qui a été dit avant elle." in out


def test_wrong_settings_are_told_in_french(
    french: Postflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting that cannot be used is named in French, with where it comes from."""
    monkeypatch.setenv("POSTFLOW_DATABASE__BUSY_TIMEOUT", "nonsense")
    ran = french("status")
    assert ran.code == 1
    assert ran.err.startswith("Le réglage database.busy_timeout est inutilisable")
    assert "par la variable d'environnement POSTFLOW_DATABASE__BUSY_TIMEOUT" in ran.err


def test_misspelt_key_is_told_in_french(french: Postflow) -> None:
    """The nearest key, found by the settings, stands in the French sentence too."""
    Path("pipeline_config.json").write_text('{"webhook": {"prot": 8080}}')
    said = french("status").err.replace("\N{NO-BREAK SPACE}", " ")
    assert said.startswith("Le réglage webhook.prot n'existe pas ; vouliez-vous dire « port » ? (")


def test_broken_configuration_names_its_place(french: Postflow) -> None:
    """Where the file stops being JSON is told by line and column, not by the parser's English."""
    Path("pipeline_config.json").write_text('{"webhook": {}\n "review": {}}')
    said = french("status").err.replace("\N{NO-BREAK SPACE}", " ")
    assert "n'est pas du JSON valable : voyez ligne 2, colonne 2." in said


def test_system_says_why_in_french(french: Postflow) -> None:
    """What the operating system answers about a file is translated as well."""
    said = french("test", "--scenario", "nowhere.yaml").err
    assert "nowhere.yaml ne peut pas être lu (aucun fichier ni dossier de ce nom)" in said


def test_cancelled_upload_is_shown_so(french: Postflow) -> None:
    """An upload that was given up does not look as if it still waited for reviewers."""
    french("cancel", "intro")
    assert "annulé" in french("status").out


def test_second_cancel_says_when_it_was(french: Postflow) -> None:
    """To give up what was given up is no news, and told so."""
    assert "intro est annulé" in french("cancel", "intro").out
    again = french("cancel", "intro").out
    assert re.search(r"intro était déjà annulé, \d\d/\d\d \d\d:\d\d:\d\d", again)


def test_origin_of_a_setting_is_french(french: Postflow) -> None:
    """Whoever looks for a setting reads where it comes from, programs as before."""
    assert "valeur par défaut" in french("config", "show").out
    origins = {each["origin"] for each in json.loads(french("config", "show", "--json").out)}
    assert origins == {"default", "POSTFLOW_DATABASE__URL"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"caf\xe9: 1", "n'est pas un texte en UTF-8"),
        (b"stories: \x01", "contient un caractère ou une date que YAML n'admet pas"),
        (b"at: 2026-13-45", "contient un caractère ou une date que YAML n'admet pas"),
        (b"stories: [{steps: 3}]", "est faux à stories.0.when : cette clé manque"),
        (b"transcode_delay: soon", "à transcode_delay : une durée est un nombre suivi de ms"),
        (b"stories: [{when: {}, steps: []}]", "à stories.0.steps : il faut au moins 1 élément"),
    ],
    ids=["encoding", "character", "date", "missing", "duration", "empty"],
)
def test_broken_scenario_is_told_in_french(french: Postflow, content: bytes, told: str) -> None:
    """What is wrong with a scenario is no parser's English."""
    Path("broken.yaml").write_bytes(content)
    ran = french("test", "--scenario", "broken.yaml")
    assert ran.code == 1
    assert told in ran.err.replace("\N{NO-BREAK SPACE}", " ")


def test_unwritable_store_is_told_in_french(
    french: Postflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What SQLite says of a store that it cannot open is translated as well."""
    monkeypatch.setenv("POSTFLOW_DATABASE__URL", "sqlite:////proc/postflow.db")
    assert "(impossible d'ouvrir le fichier de la base)" in french("migrate").err
