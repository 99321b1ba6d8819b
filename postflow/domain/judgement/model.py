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
SCALE = 64.0
"""Weights are stored as whole numbers of 1/64; train.py rounds to the same grid."""


class Probabilities(NamedTuple):
    """How likely each verdict is; the three add up to one."""

    approved: float
    rejected: float
    pending: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """Weights by feature, in the order approved, rejected, pending."""

    weights: dict[str, tuple[int, int, int]]
    words: frozenset[str]

    def weigh(self, features: Iterable[str]) -> Probabilities:
        """Add up the weights of the features and turn the sums into probabilities."""
        approved = rejected = pending = 0
        get = self.weights.get
        for feature in features:
            weight = get(feature)
            if weight is not None:
                approved += weight[0]
                rejected += weight[1]
                pending += weight[2]
        return softmax(approved / SCALE, rejected / SCALE, pending / SCALE)


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
    """Read lines of a feature and its three weights, between tabs."""
    weights: dict[str, tuple[int, int, int]] = {}
    for line in content.splitlines():
        if line and not line.startswith("#"):
            feature, approved, rejected, pending = line.rsplit("\t", 3)
            weights[feature] = (int(approved), int(rejected), int(pending))
    words = frozenset(feature[2:] for feature in weights if feature.startswith("w:"))
    return Model(weights=weights, words=words)
