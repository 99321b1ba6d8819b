"""The learned half: a linear model over features, read once from a packaged file.

`tools/judgement/train.py` writes the file; only additions happen here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import NamedTuple

from postflow.domain.judgement.packaged import packaged_text

MODEL_FILE = "model.tsv"
SCALE = 8.0
"""Weights are stored as whole numbers of 1/8; train.py rounds to the same grid."""
BOLDNESS = 2.8
"""How much too sure the sums are, for each square root of a word; measured on files held back.

Words of one comment say much the same, and the weights were learnt with most of them hidden.
"""


class Probabilities(NamedTuple):
    """How likely each verdict is; the three add up to one."""

    approved: float
    rejected: float
    pending: float


class Weighing(NamedTuple):
    """What the model makes of a comment.

    `lead` is how far approval is ahead of the next verdict, in the logarithm of the odds.
    """

    chances: Probabilities
    lead: float


_FIELD = 24
"""Bits of each of the three sums in one packed number; more than any comment can add up to."""
_HALF = 1 << (_FIELD - 1)
_MASK = (1 << _FIELD) - 1


def pack(approved: int, rejected: int, pending: int) -> int:
    """Put three weights into one number, so that one addition adds all three."""
    return (((approved << _FIELD) + rejected) << _FIELD) + pending


def unpack(packed: int) -> tuple[int, int, int]:
    """Take the three sums out of a sum of packed weights."""
    pending = ((packed + _HALF) & _MASK) - _HALF
    rest = (packed - pending) >> _FIELD
    rejected = ((rest + _HALF) & _MASK) - _HALF
    return (rest - rejected) >> _FIELD, rejected, pending


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """Packed weights by feature."""

    weights: dict[str, int]

    def weigh(self, features: Iterable[str], *, words: int = 1) -> Weighing:
        """Add up the weights of the features and turn the sums into probabilities."""
        packed = sum(map(self.weights.get, features, repeat(0)))
        approved, rejected, pending = unpack(packed)
        size = SCALE * BOLDNESS * math.sqrt(max(words, 1))
        chances = softmax(approved / size, rejected / size, pending / size)
        return Weighing(chances, (approved - max(rejected, pending)) / size)

    def knows(self, features: Iterable[str]) -> bool:
        """Tell whether any whole word was met before: parts of words alone prove nothing."""
        return any(feature in self.weights for feature in features if feature.startswith("w:"))


def softmax(approved: float, rejected: float, pending: float) -> Probabilities:
    """Turn three sums into probabilities without overflow."""
    top = max(approved, rejected, pending)
    shares = (math.exp(approved - top), math.exp(rejected - top), math.exp(pending - top))
    total = sum(shares)
    return Probabilities(shares[0] / total, shares[1] / total, shares[2] / total)


@cache
def load_model() -> Model:
    """Read the packaged weights; the first call costs some milliseconds."""
    return parse_model(packaged_text(MODEL_FILE))


def parse_model(content: str) -> Model:
    """Read lines of three weights and the features that have them, between tabs.

    Features of equal weights share a line: tens of thousands are read in some milliseconds.
    """
    weights: dict[str, int] = {}
    for line in content.splitlines():
        if line and not line.startswith("#"):
            approved, rejected, pending, *features = line.split("\t")
            packed = pack(int(approved), int(rejected), int(pending))
            weights.update(dict.fromkeys(features, packed))
    return Model(weights=weights)
