"""What one comment means: the contract of analyze_comment, by examples."""

from __future__ import annotations

import dataclasses

import pytest

from postflow.domain.comments import (
    ANALYSER_VERSION,
    Rule,
    Verdict,
    analyze_comment,
    render_reasons,
)
from postflow.domain.keywords import APPROVAL_KEYWORDS, REJECTION_KEYWORDS

APPROVED = [
    "Bon pour diffusion.",
    "Signed off, thanks everyone.",
    "RAS, vous pouvez livrer.",
    "Impeccable !",
    "Aucune remarque, c'est validé.",
    "No issues, looks good!",
    "Couldn't find a single mistake. Approved.",
    "valide, merci",
    "APPROVED, SHIP IT",
    "Aprobado, gracias.",
    "Freigegeben.",
    "Approvato, pubblicate pure.",
    "👍✅",
    "Le logo est corrigé, donc validé.",
    "Approved. One optional thought for the next video: less text.",
    "Validé, envoyez le master à la chaîne.",
]
REJECTED = [
    "Pas approuvé.",
    "Invalide.",
    "Approved once the logo is fixed.",
    "Ok si vous coupez le dernier plan.",
    "Remonter la musique à 0:32",
    "Can we lose the last shot?",
    "Il manque le nom du réalisateur au générique.",
    "There's a typo in the title at 0:12.",
    "Rien à redire sur le son, mais le logo est faux.",
    "Everything is good except the end card.",
    "Je retire mon accord, le prix a changé.",
    "La chaîne a refusé le montage.",
    "We can't publish this.",
    "Lovely film, sadly my mother is missing.",
    "❌",
    "Falta el logo al final.",
]
PENDING = [
    "Ok for you?",
    "C'est validé ?",
    "Merci, je regarde ce soir.",
    "Here's v3, music replaced.",
    "J'adore le plan d'ouverture.",
    "L'intro est validée.",
    "Le devis est validé.",
    "Je crois que le client a aimé.",
    "If the client says no, we'll use the short version.",
    "Validé pour moi, sous réserve de l'accord de la marque.",
    "Le titre de l'épisode est « Parfait ».",
    "Still waiting for the brand's approval.",
    "Peux-tu m'envoyer le lien de téléchargement ?",
    "Ça prend forme, continuez.",
]


@pytest.mark.parametrize("text", APPROVED)
def test_sign_offs_of_the_whole_approve(text: str) -> None:
    """A sign-off of the whole video approves, however it is worded."""
    assert analyze_comment(text).verdict == Verdict.APPROVED


@pytest.mark.parametrize("text", REJECTED)
def test_refusals_requests_and_faults_reject(text: str) -> None:
    """A refusal, a request or a fault rejects, even beside a yes."""
    assert analyze_comment(text).verdict == Verdict.REJECTED


@pytest.mark.parametrize("text", PENDING)
def test_everything_undecided_stays_pending(text: str) -> None:
    """Questions, news, thanks, parts, other objects and doubt decide nothing."""
    assert analyze_comment(text).verdict == Verdict.PENDING


@pytest.mark.parametrize("text", APPROVED + REJECTED + PENDING)
def test_score_and_verdict_always_agree(text: str) -> None:
    """Above 0.5 is approved, below -0.5 is rejected, between is pending."""
    analysis = analyze_comment(text)
    assert -1 <= analysis.score <= 1
    assert (analysis.score > 0.5) == (analysis.verdict == Verdict.APPROVED)
    assert (analysis.score < -0.5) == (analysis.verdict == Verdict.REJECTED)


@pytest.mark.parametrize(
    ("careful", "hurried"),
    [
        ("C'est validé, vous pouvez publier.", "C EST VALIDE VOUS POUVEZ PUBLIER"),
        ("Il manque le logo à la fin.", "il manque le logo a la fin"),
        ("Approved, thanks!", "aproved thanks"),
        ("Don't publish this.", "dont publish this"),
    ],
)
def test_spelling_never_changes_the_verdict(careful: str, hurried: str) -> None:
    """Accents, capitals, apostrophes and common typos do not matter."""
    assert analyze_comment(careful).verdict == analyze_comment(hurried).verdict


def test_the_same_text_gives_the_same_analysis() -> None:
    """An analysis is a pure function of the text."""
    assert analyze_comment("Ok, mais baissez la musique") == analyze_comment(
        "Ok, mais baissez la musique"
    )


def test_analyses_are_frozen_and_carry_the_version() -> None:
    """A stored analysis cannot change and says which analyser made it."""
    analysis = analyze_comment("Validé")
    assert analysis.version == ANALYSER_VERSION
    with pytest.raises(dataclasses.FrozenInstanceError):
        analysis.score = 0.0  # type: ignore[misc]


def test_reasons_name_words_rule_and_weight() -> None:
    """The decisive reason comes first, with the words as they were written."""
    first = analyze_comment("Bon pour diffusion").reasons[0]
    assert (first.words, first.rule) == ("Bon pour diffusion", Rule.SIGN_OFF)
    assert (first.direction, first.weight) == (Verdict.APPROVED, 1.0)


def test_an_approval_renders_as_one_sentence() -> None:
    """The sentence quotes the words and how much they weigh."""
    assert render_reasons(analyze_comment("bon pour diffusion")) == (
        "approved: 'bon pour diffusion' (+1.0)"
    )


def test_a_question_renders_in_both_languages() -> None:
    """A pending verdict says why nothing was decided, in English or French."""
    analysis = analyze_comment("C'est bon pour vous ?")
    assert render_reasons(analysis) == "pending: asks a question"
    assert render_reasons(analysis, "fr") == "en attente: pose une question"


def test_a_rejection_names_what_is_wrong() -> None:
    """A rejected comment is told with its rule and its words."""
    assert render_reasons(analyze_comment("Il manque le logo.")) == (
        "rejected: points at a fault, 'Il manque' (-0.8)"
    )


@pytest.mark.parametrize("keyword", APPROVAL_KEYWORDS)
def test_guide_approval_words_approve(keyword: str) -> None:
    """Each of the user guide's approval words, alone, approves."""
    assert analyze_comment(keyword).verdict == Verdict.APPROVED


@pytest.mark.parametrize("keyword", REJECTION_KEYWORDS)
def test_guide_rejection_words_reject(keyword: str) -> None:
    """Each of the user guide's rejection words, alone, rejects."""
    assert analyze_comment(keyword).verdict == Verdict.REJECTED
