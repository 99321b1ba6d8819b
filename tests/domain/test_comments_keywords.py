"""A team's own words extend what is known, or silence it."""

from __future__ import annotations

import pytest

from postflow.domain.comments import Verdict, analyze_comment


def test_a_taught_word_approves() -> None:
    """A word that meant nothing approves once it is listed."""
    keywords = {"approval": ["zinzin"]}
    assert analyze_comment("Zinzin !").verdict == Verdict.PENDING
    assert analyze_comment("Zinzin !", keywords=keywords).verdict == Verdict.APPROVED


def test_a_taught_phrase_approves() -> None:
    """Several words together are one keyword."""
    keywords = {"approval": ["tope là"]}
    assert analyze_comment("Allez, tope là", keywords=keywords).verdict == Verdict.APPROVED


def test_a_taught_word_rejects() -> None:
    """A listed rejection word rejects."""
    keywords = {"rejection": ["zut"]}
    assert analyze_comment("Zut.", keywords=keywords).verdict == Verdict.REJECTED


def test_a_taught_emoji_counts() -> None:
    """Keywords may be emoji."""
    assert analyze_comment("🦄", keywords={"approval": ["🦄"]}).verdict == Verdict.APPROVED


@pytest.mark.parametrize("text", ["zutique", "azut", "dezut"])
def test_keywords_are_never_substrings(text: str) -> None:
    """A keyword inside a longer word is another word."""
    assert analyze_comment(text, keywords={"rejection": ["zut"]}).verdict == Verdict.PENDING


@pytest.mark.parametrize(
    "text",
    ["pas zinzin", "zinzin ?", "zinzin si vous coupez la fin", "zinzin mais il manque le logo"],
)
def test_taught_words_obey_negation_and_context(text: str) -> None:
    """A taught approval word that is negated, asked or conditioned does not approve."""
    assert analyze_comment(text, keywords={"approval": ["zinzin"]}).verdict != Verdict.APPROVED


@pytest.mark.parametrize(("text", "word"), [("LGTM", "lgtm"), ("Validé.", "validé"), ("👍", "👍")])
def test_an_ignored_word_says_nothing(text: str, word: str) -> None:
    """A silenced built-in word no longer decides."""
    assert analyze_comment(text).verdict == Verdict.APPROVED
    assert analyze_comment(text, keywords={"ignored": [word]}).verdict == Verdict.PENDING


def test_accents_and_case_of_keywords_are_free() -> None:
    """A keyword matches however it is spelled."""
    keywords = {"approval": ["TOPÉ"]}
    assert analyze_comment("tope", keywords=keywords).verdict == Verdict.APPROVED


def test_empty_lists_change_nothing() -> None:
    """Missing and empty lists are the same as none."""
    plain = analyze_comment("Validé")
    assert analyze_comment("Validé", keywords={}) == plain
    assert analyze_comment("Validé", keywords={"approval": ["", " "]}) == plain
