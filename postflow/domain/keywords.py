"""The words a team adds to, or silences in, the way its reviewers are read.

The guide's own lists are here as data; how they are weighed is `judgement`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postflow.domain.judgement.lexicon import words_of

APPROVAL_KEYWORDS = (
    "approuvé",
    "approved",
    "ok",
    "good",
    "parfait",
    "excellent",
    "bravo",
    "valide",
    "confirmed",
    "👍",
    "✅",
)
REJECTION_KEYWORDS = (
    "non",
    "no",
    "refusé",
    "rejected",
    "problème",
    "issue",
    "erreur",
    "error",
    "à revoir",
    "needs work",
    "👎",
    "❌",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Keywords:
    """A team's own words, each as the sequence of words it is read as."""

    approval: tuple[tuple[str, ...], ...] = ()
    rejection: tuple[tuple[str, ...], ...] = ()
    ignored: tuple[tuple[str, ...], ...] = ()


def parse_keywords(lists: Mapping[str, Iterable[str]] | None) -> Keywords:
    """Read `{"approval": […], "rejection": […], "ignored": […]}`; every list may be missing."""
    if not lists:
        return Keywords()
    return Keywords(
        approval=_phrases(lists.get("approval", ())),
        rejection=_phrases(lists.get("rejection", ())),
        ignored=_phrases(lists.get("ignored", ())),
    )


def _phrases(entries: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    phrases = {words_of(entry.strip().lower()) for entry in entries}
    return tuple(sorted(phrases - {()}, key=lambda phrase: (-len(phrase), phrase)))
