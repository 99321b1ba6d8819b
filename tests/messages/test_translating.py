"""How a finished English sentence becomes French, and what is never touched."""

from __future__ import annotations

import pytest

from postflow.domain.comments import analyze_comment, render_reasons
from postflow.messages import chosen_language, translate, translate_reason
from postflow.messages.catalogue import Catalogue, Line

LINES = [
    Line("{path} is empty; wait.", "{path} est vide ; attendez."),
    Line("The store {state}.", "La base {state!t}."),
    Line("has no tables", "n'a pas de tables"),
    Line("approved", "approuvé"),
    Line("{who} said {word!r} about {what}", "de {what}, {who} a dit {word!r}"),
    Line("{a} is {b}", "{a} est {b}"),
    Line("{a} is not {b}", "{a} n'est pas {b}"),
]


@pytest.fixture
def catalogue() -> Catalogue:
    """Give a small catalogue."""
    return Catalogue(LINES)


def test_values_move_and_stay_as_they_are(catalogue: Catalogue) -> None:
    """A value keeps its text, even where it is a word of ours; only its place changes."""
    assert catalogue.translate("Ann said 'x' about approved") == (
        "de approved, Ann a dit «\N{NO-BREAK SPACE}x\N{NO-BREAK SPACE}»"
    )


def test_marked_values_are_translated_too(catalogue: Catalogue) -> None:
    """A sentence inside a sentence is translated where the line says so."""
    assert catalogue.translate("The store has no tables.") == "La base n'a pas de tables."


def test_most_literal_line_wins(catalogue: Catalogue) -> None:
    """Of two lines that fit, the one with more words of its own is meant."""
    assert catalogue.translate("this is not that") == "this n'est pas that"


def test_lines_of_values_count_as_well() -> None:
    """Of two lines that fit, the one that explains more together with its values is meant."""
    catalogue = Catalogue(
        [
            Line("run {name}; {tries}", "run {name} ; {tries!t}"),
            Line("{count} tries to wake it", "{count} essais de réveil"),
        ]
    )
    assert catalogue.translate("run x; 5 tries to wake it") == (
        "run x\N{NO-BREAK SPACE}; 5 essais de réveil"
    )


def test_unknown_sentences_stay_english(catalogue: Catalogue) -> None:
    """Without a line nothing is changed, blanks around it neither."""
    assert catalogue.translate("  Nobody knows this one.\n") == "  Nobody knows this one.\n"


def test_blanks_and_lines_are_kept(catalogue: Catalogue) -> None:
    """Indents stay, and lines that stand together are translated one by one."""
    assert catalogue.translate("\n  approved\nhas no tables") == "\n  approuvé\nn'a pas de tables"


def test_french_signs_never_begin_a_line(catalogue: Catalogue) -> None:
    """The blank before a semicolon cannot be broken."""
    assert catalogue.translate("a.mp4 is empty; wait.") == (
        "a.mp4 est vide\N{NO-BREAK SPACE}; attendez."
    )


def test_quotes_of_values_must_be_there(catalogue: Catalogue) -> None:
    """A line whose value is quoted does not fit a sentence without quotes."""
    assert catalogue.translate("Ann said x about y") == "Ann said x about y"


@pytest.mark.parametrize(
    "comment",
    [
        "Validé, bon pour diffusion !",
        "Approved: go",
        "À quelle heure passe la pub ?",
        "Le logo est faux, à revoir",
        "Ok pour moi, mais baissez la musique",
        "👍",
    ],
)
def test_stored_verdicts_read_as_the_analyser_says(
    comment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reason that was stored in English reads as if it had been said in French."""
    monkeypatch.setenv("POSTFLOW_LANG", "fr")
    analysis = analyze_comment(comment)
    told = translate(render_reasons(analysis)).replace("\N{NO-BREAK SPACE}:", ":")
    assert told == render_reasons(analysis, "fr")


def test_explanation_reads_in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence with a sentence in it, and other people's words in that, becomes French whole."""
    monkeypatch.setenv("POSTFLOW_LANG", "fr")
    english = (
        "a: b.mp4, version 2, is rejected: Julie ('ok: approved; but'): "
        "asks for a change, 'but' (-1.0); by the Status."
    )
    assert translate(english).replace("\N{NO-BREAK SPACE}", " ") == (
        "a: b.mp4, version 2, est refusé : Julie (« ok: approved; but ») : "
        "demande une modification, 'but' (-1.0) ; par le champ Status."
    )


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "fr_CA"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "POSTFLOW_LANG": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "POSTFLOW_LANG": "fr"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "POSTFLOW_LANG": ""}, "fr"),
        ({"LANG": "fy_NL.UTF-8"}, "en"),
        ({"LANG": "frp"}, "en"),
    ],
)
def test_language_comes_from_the_environment(environment: dict[str, str], language: str) -> None:
    """`POSTFLOW_LANG` beats the locale, and the locale's variables count in their own order."""
    assert chosen_language(environment) == language


@pytest.mark.parametrize(
    "reason",
    ["delivered to the client", "from the call", "an hour ago", "waits for Bob", "it is fine"],
)
def test_reasons_of_people_stay(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person gave as a reason is left alone, even where it looks like a line of ours."""
    monkeypatch.setenv("POSTFLOW_LANG", "fr")
    assert translate_reason(reason) == reason
    decided = translate(f"a.mp4, version 1, is approved: Bob decided by hand: {reason}.")
    assert decided.endswith(f"{reason}.")


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("approved by hand", "approuvé à la main"),
        ("Status set to 'Approved'", "Status mis à « Approved »"),
        ("1 of 2 approvals", "1 approbations sur 2"),
        ("pending: asks a question", "en attente : pose une question"),
    ],
)
def test_stored_reasons_are_translated(
    stored: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reason that PostFlow stored is told in French."""
    monkeypatch.setenv("POSTFLOW_LANG", "fr")
    assert translate_reason(stored).replace("\N{NO-BREAK SPACE}", " ") == told


def test_english_readers_get_the_very_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where French is not asked for, nothing happens to a sentence."""
    monkeypatch.setenv("POSTFLOW_LANG", "en")
    assert translate("approved") == "approved"
