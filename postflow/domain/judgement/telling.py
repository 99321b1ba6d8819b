"""Finds the words that spoke loudest for a verdict which only the model gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from postflow.domain.judgement.model import Model, unpack
from postflow.domain.judgement.tokens import Token
from postflow.domain.judgement.verdicts import Verdict

_PLACES = {Verdict.APPROVED: 0, Verdict.REJECTED: 1, Verdict.PENDING: 2}


class Span(NamedTuple):
    """Where words stand in the cleaned text."""

    start: int
    end: int


def find_telling_words(model: Model, tokens: Sequence[Token], verdict: Verdict) -> Span | None:
    """Return the two neighbouring words, or the one, that pull most towards the verdict."""
    place = _PLACES[verdict]
    words = [token for token in tokens if token.kind == "word"]
    alone = [_pull(model, [f"w:{token.word}"], place) for token in words]
    loudest, best = 0.0, None
    for index, token in enumerate(words):
        if alone[index] > loudest:
            loudest, best = alone[index], Span(token.start, token.end)
        if index:
            before = words[index - 1]
            together = _pull(model, [f"b:{before.word}|{token.word}"], place)
            together += alone[index - 1] + alone[index]
            if together > loudest:
                loudest, best = together, Span(before.start, token.end)
    return best


def _pull(model: Model, features: Sequence[str], place: int) -> float:
    total = 0.0
    for feature in features:
        sums = list(unpack(model.weights.get(feature, 0)))
        own = sums.pop(place)
        total += own - max(sums)
    return total
