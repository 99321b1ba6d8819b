"""What the model sees of a comment: words, parts of words, kinds of words, signals, rules.

Parts of words make it read a word it never met by what it looks like: another form, another
language, a slip of the finger.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from postflow.domain.judgement import tags
from postflow.domain.judgement.findings import Signal
from postflow.domain.judgement.scene import (
    Scene,
    condition_mask,
    foreign_words,
    is_about_a_part,
    is_under_a_heading,
)
from postflow.domain.judgement.text import word_set
from postflow.domain.judgement.verdicts import Opinion

_KINDS = (
    "injection retract except proposal nothing_wrong no_trouble optional refuse approve editor defect_phrase fault "
    "naming must want wait unsure condition fixed wip_praise dislike report other third change changed "
    "changing more_less deliver ask mention neg nothing no_word okay praise ack contrast "
    "question_word past time whole part"
)
_KIND_BITS = tuple((tags.BIT[name], name.upper()) for name in _KINDS.split())
_SMALL_WORDS = word_set(
    "i we you he she they it this that je j' tu il elle on nous vous ils c' ce ca ne n' is are was "
    "be to a the le la les l' un une des du de d' pour for of by and et est sont en par with avec "
    "my our mon notre ma your votre vos se s' m' me us moi qu' que si do does did have has had "
    "will would can could as at in sur dans"
)
_PRESENT = (
    "approve okay praise refuse fault except change must want ask deliver part whole other third neg "
    "nothing nothing_wrong contrast condition optional wait unsure fixed editor ack wip_praise "
    "report naming past mention time dislike"
)
_PRESENT_BITS = tuple((tags.BIT[name], name) for name in _PRESENT.split())
_LONGEST = 12
_LONGEST_WORD = 30
"""Letters of a word that are cut into parts: longer ones are no words."""
_PART_SIZES = (3, 4, 5)
_JUDGED = (Signal.SIGN_OFF, Signal.YES, Signal.PRAISE, Signal.NO_FAULT)


def extract_features(words: list[str], scene: Scene, opinion: Opinion) -> set[str]:
    """Collect the features of one comment; each counts once."""
    found: set[str] = set()
    found.update(*map(_spelling, words))
    _add_rows(found, ["<s>", *words, "</s>"])
    _add_kinds(found, scene)
    _add_signals(found, scene)
    _add_facts(found, scene)
    _add_presence(found, scene)
    verdict = str(opinion.verdict)
    size = min(len(scene.reading.units), _LONGEST)
    found.update(
        (
            f"r:{verdict}",
            f"r:{verdict}|{opinion.rule}",
            f"n:{size}",
            f"n:{verdict}|{size}",
            f"nc:{min(len(scene.reading.clauses), 5)}",
        )
    )
    return found


@lru_cache(maxsize=50_000)
def kind_of(text: str, mask: int) -> str:
    """Name the most telling kind of a unit; small words stand for themselves."""
    if text in _SMALL_WORDS and not mask & (tags.APPROVE | tags.REFUSE):
        return text
    for bit, name in _KIND_BITS:
        if mask & bit:
            return name
    return text if text.startswith("<") or not text.isalpha() else "_"


@lru_cache(maxsize=20_000)
def _spelling(word: str) -> tuple[str, ...]:
    """List a word and its parts of three to five letters, its ends marked."""
    marked = f"^{word[:_LONGEST_WORD]}$"
    parts = [
        f"c:{marked[start : start + size]}"
        for size in _PART_SIZES
        for start in range(len(marked) - size + 1)
    ]
    return (f"w:{word}", *parts)


def _add_rows(found: set[str], words: list[str]) -> None:
    """Add words in a row: two, three, and two with any word between."""
    found.update(_pairs("b", words))
    for first, between, last in zip(words, words[1:], words[2:], strict=False):
        found.add(f"t:{first}|{between}|{last}")
        found.add(f"g:{first}|{last}")


def _pairs(prefix: str, items: list[str]) -> list[str]:
    return [f"{prefix}:{a}|{b}" for a, b in pairwise(items)]


def _add_kinds(found: set[str], scene: Scene) -> None:
    kinds = ["<s>"]
    for clause in scene.reading.clauses:
        row = [kind_of(unit.text, unit.tags) for unit in clause.units]
        row.append("?" if clause.asked else ".")
        kinds += row
        found.add(f"k0:{row[0]}")
        found.add(f"k0:{row[0]}|{row[1]}")
    found.update(f"k1:{kind}" for kind in kinds)
    found.update(_pairs("k2", kinds))
    found.update(f"k3:{a}|{b}|{c}" for a, b, c in zip(kinds, kinds[1:], kinds[2:], strict=False))
    found.update(f"kk:{a}|{c}" for a, c in zip(kinds, kinds[2:], strict=False))


def _add_signals(found: set[str], scene: Scene) -> None:
    order = [str(finding.signal) for finding in scene.findings]
    if not order:
        found.add("s:none")
        return
    unique = sorted(set(order))
    found.update(f"s:{name}" for name in unique)
    found.update(f"ss:{a}&{b}" for index, a in enumerate(unique) for b in unique[index + 1 :])
    found.add("S:" + "|".join(unique))
    found.update((f"s<:{order[0]}", f"s>:{order[-1]}", f"s<>:{order[0]}|{order[-1]}"))
    last = len(scene.reading.clauses) - 1
    for finding in scene.findings:
        if finding.clause == last:
            found.add(f"sl:{finding.signal}")
        if finding.clause == 0:
            found.add(f"sf:{finding.signal}")
        if scene.clause(finding).asked:
            found.add(f"sa:{finding.signal}")


def _add_facts(found: set[str], scene: Scene) -> None:
    """Add what the rules know beyond words: how clean a sign-off is, what a condition wants."""
    for finding in scene.found(*_JUDGED):
        clause = scene.clause(finding)
        kind = finding.signal
        found.add(f"f:{kind}:foreign:{min(foreign_words(clause), 5)}")
        partial = is_about_a_part(clause, finding) or is_under_a_heading(scene, finding)
        found.add(f"f:{kind}:part:{partial}")
        found.add(f"f:{kind}:size:{min(len(clause.units), 8)}")
        found.add(f"f:{kind}:first:{clause.units[0].start >= finding.start}")
    wanted = condition_mask(scene)
    if wanted is not None:
        found.add("f:if")
        found.update(f"f:if:{name}" for bit, name in _PRESENT_BITS if wanted & bit)
    live = scene.objections()
    found.update(f"f:live:{finding.signal}" for finding in live)
    found.add(f"f:live:{min(len(live), 3)}")


def _add_presence(found: set[str], scene: Scene) -> None:
    names = [name for bit, name in _PRESENT_BITS if scene.everywhere & bit]
    if any(clause.asked for clause in scene.reading.clauses):
        names.append("asked")
    found.update(f"p:{name}" for name in names)
    found.update(f"pp:{a}&{b}" for index, a in enumerate(names) for b in names[index + 1 :])
