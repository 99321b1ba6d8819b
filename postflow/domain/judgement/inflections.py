"""Forms of regular verbs, so that the lexicon names each verb once."""

from __future__ import annotations

BASE = "base"
DONE = "done"
DOING = "doing"

_FRENCH_BASE = ("er", "e", "es", "ez", "ons")
_FRENCH_DONE = ("é", "ée", "és", "ées")
_FRENCH_DOING = ("ant", "ent", "era", "erait", "eront")
_VOWELS = "aeiou"


def french_forms(infinitive: str) -> dict[str, list[str]]:
    """Forms of a regular -er verb: what asks, what is done, what goes on."""
    if not infinitive.endswith("er"):
        return {BASE: [infinitive], DONE: [], DOING: []}
    stem = infinitive[:-2]
    softened = _soften(stem)
    return {
        BASE: [stem + ending for ending in _FRENCH_BASE[:-1]] + [f"{softened}ons"],
        DONE: [stem + ending for ending in _FRENCH_DONE],
        DOING: [f"{softened}ant", *(stem + ending for ending in _FRENCH_DOING[1:])],
    }


def english_forms(verb: str) -> dict[str, list[str]]:
    """Forms of a regular English verb; doubling consonants are read both ways."""
    if verb.endswith("e"):
        return {BASE: [verb], DONE: [f"{verb}d"], DOING: [f"{verb[:-1]}ing"]}
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return {BASE: [verb], DONE: [f"{verb[:-1]}ied"], DOING: [f"{verb}ing"]}
    done, doing = [f"{verb}ed"], [f"{verb}ing"]
    if verb[-1] not in "wxy" and verb[-1] not in _VOWELS and verb[-2] in _VOWELS:
        done.append(f"{verb}{verb[-1]}ed")
        doing.append(f"{verb}{verb[-1]}ing")
    return {BASE: [verb], DONE: done, DOING: doing}


def _soften(stem: str) -> str:
    if stem.endswith("g"):
        return f"{stem}e"
    return f"{stem[:-1]}ç" if stem.endswith("c") else stem
