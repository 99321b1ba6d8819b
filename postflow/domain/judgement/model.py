"""The learned half: a linear model over features, read once from a packaged file.

`tools/judgement/train.py` writes the file; only additions happen here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from postflow.domain.judgement.packaged import packaged_text

MODEL_FILE = "model.tsv"
SCALE = 192.0
"""Weights are stored as whole numbers of 1/192; train.py rounds to the same grid."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """Weights by feature, in the order approved, rejected, pending."""

    weights: dict[str, tuple[int, int, int]]

    def weigh(self, features: Iterable[str]) -> Weighing:
        """Add up the weights of the features and turn the sums into probabilities."""
        approved = rejected = pending = 0
        get = self.weights.get
        for feature in features:
            weight = get(feature)
            if weight is not None:
                approved += weight[0]
                rejected += weight[1]
                pending += weight[2]
        chances = softmax(approved / SCALE, rejected / SCALE, pending / SCALE)
        return Weighing(chances, (approved - max(rejected, pending)) / SCALE)

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
    weights: dict[str, tuple[int, int, int]] = {}
    for line in content.splitlines():
        if line and not line.startswith("#"):
            approved, rejected, pending, *features = line.split("\t")
            weights.update(dict.fromkeys(features, (int(approved), int(rejected), int(pending))))
    return Model(weights=weights)
