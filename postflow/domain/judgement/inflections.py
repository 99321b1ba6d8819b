"""Forms of regular verbs, so that the lexicon names each verb once. All without accents."""

from __future__ import annotations

from typing import NamedTuple

CONDITIONAL = ("erais", "erait", "erions", "eriez", "eraient")
"""Endings of "je couperais": as polite as it is clear."""
_VOWELS = "aeiou"
_NOT_DOUBLED = "wxy"


class Forms(NamedTuple):
    """Forms of a verb by what they say: do it, it is done, it goes on."""

    asking: tuple[str, ...]
    done: tuple[str, ...]
    going: tuple[str, ...]


def french_forms(infinitive: str) -> Forms:
    """List the forms of a regular -er verb; other infinitives stand alone."""
    if not infinitive.endswith("er"):
        return Forms((infinitive,), (), ())
    stem = infinitive[:-2]
    soft = f"{stem}e" if stem.endswith("g") else stem
    return Forms(
        (
            infinitive,
            f"{stem}e",
            f"{stem}es",
            f"{stem}ez",
            f"{soft}ons",
            *(stem + ending for ending in CONDITIONAL),
        ),
        (f"{stem}e", f"{stem}ee", f"{stem}es", f"{stem}ees"),
        (f"{soft}ant", f"{stem}ent", f"{stem}era", f"{stem}erait", f"{stem}eront"),
    )


def english_forms(verb: str) -> Forms:
    """List the forms of a regular verb; a last consonant is read doubled and not."""
    if verb.endswith("e"):
        return Forms((verb,), (f"{verb}d",), (f"{verb[:-1]}ing",))
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return Forms((verb,), (f"{verb[:-1]}ied",), (f"{verb}ing",))
    last = verb[-1]
    if last in _VOWELS or last in _NOT_DOUBLED or verb[-2] not in _VOWELS:
        return Forms((verb,), (f"{verb}ed",), (f"{verb}ing",))
    return Forms((verb,), (f"{verb}ed", f"{verb}{last}ed"), (f"{verb}ing", f"{verb}{last}ing"))
