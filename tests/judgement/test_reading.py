"""The parts of reading: tokens, spellings, clauses, negation."""

from __future__ import annotations

import pytest

from postflow.domain.judgement.analysis import lay_out_tokens, tokens_of
from postflow.domain.judgement.findings import Signal
from postflow.domain.judgement.text import clean, fold
from postflow.domain.judgement.tokens import tokenise


def signals_of(text: str) -> list[Signal]:
    """Give what is found in a text, in order."""
    return [finding.signal for finding in lay_out_tokens(tokens_of(clean(text))).findings]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("J'approuve", ["j'", "approuve"]),
        ("It isn't", ["it", "is", "not"]),
        ("can't", ["can", "not"]),
        ("à 0:32", ["a", "<tc>"]),
        ("01:02:03:12", ["<tc>"]),
        ("v5", ["<v>"]),
        ("sous-titres", ["sous", "titres"]),
        ("10/10", ["<full>"]),
        ("@lea merci", ["<at>", "merci"]),
        ("ok 👍🏽", ["ok", "👍"]),
    ],
)
def test_words_are_cut_as_they_are_said(text: str, words: list[str]) -> None:
    """Elisions, contractions, timecodes, versions and mentions are told apart."""
    assert [token.word for token in tokenise(clean(text).text)] == words


@pytest.mark.parametrize(
    ("written", "meant"),
    [("aprvd", "approved"), ("parfaiiiit", "parfait"), ("impecable", "impeccable"), ("stp", "stp")],
)
def test_hurried_spellings_are_understood(written: str, meant: str) -> None:
    """Abbreviations, stretched letters and single slips read as what they mean."""
    assert [token.word for token in tokens_of(clean(written))] == [meant]


@pytest.mark.parametrize("word", ["recette", "later", "monet", "improved", "solide"])
def test_other_words_are_left_alone(word: str) -> None:
    """A real word is not taken for a misspelt cue."""
    assert [token.word for token in tokens_of(clean(word))] == [word]


def test_folding_removes_accents_only() -> None:
    """Letters stay, accents and capitals go."""
    assert fold("ÉTÉ Œuvre straße") == "ete oeuvre strasse"


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("n'est pas validé", Signal.NEGATED_SIGN_OFF),
        ("not approved", Signal.NEGATED_SIGN_OFF),
        ("aucun défaut", Signal.NO_FAULT),
        ("no typos", Signal.NO_FAULT),
        ("coupez la fin", Signal.REQUEST),
        ("could you trim the end", Signal.REQUEST),
        ("je retire mon accord", Signal.RETRACTION),
        ("le logo a disparu", Signal.FAULT),
        ('il dit "validé"', Signal.QUOTED_SIGN_OFF),
    ],
)
def test_cues_are_seen_with_their_negation(text: str, signal: Signal) -> None:
    """Each cue is found as what it means where it stands."""
    assert signal in signals_of(text)


def test_a_clause_keeps_its_own_negation() -> None:
    """A negation before "mais" does not reach behind it."""
    found = signals_of("rien à redire sur le son, mais le logo est flou")
    assert found[0] == Signal.NO_FAULT
    assert Signal.FAULT in found


def test_positions_point_into_the_text() -> None:
    """A finding's place gives back the words as they were written."""
    text = "Franchement, c'est VALIDÉ !"
    finding = lay_out_tokens(tokens_of(clean(text))).findings[0]
    assert text[finding.start : finding.end].endswith("VALIDÉ")
