"""The words by which a team steers how its reviewers are read.

The lists of the user guide are here as data; every one of them is also in the lexicon, where it
is read with its negations and its context. A team's own lists extend or silence them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from postflow.domain.judgement.clauses import respelt
from postflow.domain.judgement.text import clean
from postflow.domain.judgement.tokens import tokenise

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
    """A team's own words, each as the words it is read as, the longest first."""

    approval: tuple[tuple[str, ...], ...] = ()
    rejection: tuple[tuple[str, ...], ...] = ()
    ignored: tuple[tuple[str, ...], ...] = ()


def parse_keywords(lists: Mapping[str, Iterable[str]] | None) -> Keywords:
    """Read `{"approval": […], "rejection": […], "ignored": […]}`; each list may be missing."""
    if not lists:
        return Keywords()
    return Keywords(
        approval=_phrases(tuple(lists.get("approval") or ())),
        rejection=_phrases(tuple(lists.get("rejection") or ())),
        ignored=_phrases(tuple(lists.get("ignored") or ())),
    )


@lru_cache(maxsize=64)  # the same few lists for every comment; reading fifty words takes longer
def _phrases(entries: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    phrases = {
        tuple(token.word for token in respelt(tokenise(clean(entry.strip()).text)))
        for entry in entries
    }
    return tuple(sorted(phrases - {()}, key=lambda phrase: (-len(phrase), phrase)))
