"""A team's own words: put into a comment as what they mean, or taken out of it.

They match as whole words and phrases, never inside other words, and stay under the rules:
a taught approval word that is negated or asked about does not approve.
"""

from __future__ import annotations

from collections.abc import Sequence

from postflow.domain.judgement.tokens import Token

APPROVING = "approved"
REFUSING = "rejected"
IGNORED = "<ignored>"

Phrases = Sequence[tuple[str, ...]]


def teach(tokens: list[Token], phrases: Phrases, meaning: str) -> tuple[list[Token], bool]:
    """Replace every occurrence of a phrase by one token that reads as its meaning."""
    if not phrases:
        return tokens, False
    starts = {phrase[0] for phrase in phrases}
    result: list[Token] = []
    position = 0
    found = False
    while position < len(tokens):
        token = tokens[position]
        length = _match(tokens, position, phrases) if token.word in starts else 0
        if length:
            last = tokens[position + length - 1]
            result.append(Token(meaning, meaning, token.start, last.end, "word"))
            position += length
            found = True
        else:
            result.append(token)
            position += 1
    return result, found


def _match(tokens: list[Token], position: int, phrases: Phrases) -> int:
    """Give the length of the longest phrase that starts here; phrases come longest first."""
    for phrase in phrases:
        end = position + len(phrase)
        if end <= len(tokens) and all(
            tokens[position + offset].word == word for offset, word in enumerate(phrase)
        ):
            return len(phrase)
    return 0
