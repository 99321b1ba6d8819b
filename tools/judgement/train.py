"""Learn the model file from the labelled comments: `python -m tools.judgement.train`.

Plain Python, one process, a fixed seed: the same corpus and lexicon give the same file, byte for
byte. `--check` compares instead of writing, `--folds` cross-validates.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from postflow.domain.judgement.analysis import read_comment, tokens_of
from postflow.domain.judgement.model import MODEL_FILE, SCALE, parse_model, softmax
from postflow.domain.judgement.text import clean
from tools.judgement.corpus import ROOT, Example, learnt_examples

SEED = 20_240_611
LEARNERS = 3
"""Learners that see the comments in other orders; their weights are averaged."""
EPOCHS = 12
FIRST_RATE = 0.12
LAST_RATE = 0.004
STRENGTH = 0.5
"""Weight of the squared weights against the summed loss (1/C of a logistic regression)."""
HIDDEN = 0.7
"""Share of the features that is hidden at each step."""
MIN_COUNT = 2
FAINTEST = 2
"""Weights below 2/8 in all three directions are left out of the file."""
LABELS = ("approved", "rejected", "pending")
MODEL_PATH = ROOT / "postflow" / "domain" / "judgement" / MODEL_FILE


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Feature numbers of one comment and the number of its label."""

    features: tuple[int, ...]
    label: int


@dataclass(kw_only=True, slots=True)
class Learner:
    """Multinomial logistic regression by stochastic gradient descent."""

    names: list[str]
    counts: list[int]
    weights: list[list[float]] = field(init=False)

    def __post_init__(self) -> None:
        """Start from nothing known."""
        self.weights = [[0.0, 0.0, 0.0] for _ in self.names]

    def learn(self, samples: Sequence[Sample], *, seed: int) -> None:
        """Go over the samples in a shuffled but fixed order, with a falling rate.

        Each time a random part of the features is hidden, so that none of them, above all not
        the rules' own verdict, is relied upon alone.
        """
        order = list(range(len(samples)))
        chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
        steps = EPOCHS * len(order)
        step = 0
        for _ in range(EPOCHS):
            chance.shuffle(order)
            for index in order:
                rate = FIRST_RATE * (LAST_RATE / FIRST_RATE) ** (step / steps)
                sample = samples[index]
                shown = [f for f in sample.features if chance.random() >= HIDDEN]
                self._step(shown, sample.label, rate)
                step += 1

    def _step(self, shown: Sequence[int], label: int, rate: float) -> None:
        rows = [self.weights[number] for number in shown]
        scale = 1.0 / (1.0 - HIDDEN)
        approved = rejected = pending = 0.0
        for row in rows:
            approved += row[0]
            rejected += row[1]
            pending += row[2]
        errors = list(softmax(scale * approved, scale * rejected, scale * pending))
        errors[label] -= 1.0
        first, second, third = (rate * scale * error for error in errors)
        fading = rate * STRENGTH * scale
        for number, row in zip(shown, rows, strict=True):
            shrink = 1.0 - min(0.5, fading / self.counts[number])
            row[0] = row[0] * shrink - first
            row[1] = row[1] * shrink - second
            row[2] = row[2] * shrink - third


def features_of(examples: Sequence[Example]) -> list[list[str]]:
    """Read every example once; sorted, so that nothing depends on the order of sets."""
    return [sorted(read_comment(tokens_of(clean(e.text))).features) for e in examples]


def fit(rows: Sequence[Sequence[str]], labels: Sequence[str]) -> Learner:
    """Learn from features and labels: the average of several learners, steadier than each."""
    seen = Counter(feature for row in rows for feature in row)
    names = sorted(name for name, count in seen.items() if count >= MIN_COUNT)
    number = {name: index for index, name in enumerate(names)}
    counts = [seen[name] for name in names]
    samples = [
        Sample(
            features=tuple(number[name] for name in row if name in number),
            label=LABELS.index(label),
        )
        for row, label in zip(rows, labels, strict=True)
    ]
    learners = [Learner(names=names, counts=counts) for _ in range(LEARNERS)]
    for turn, learner in enumerate(learners):
        learner.learn(samples, seed=SEED + turn)
    mean = learners[0]
    for index, row in enumerate(mean.weights):
        for place in range(len(row)):
            row[place] = math.fsum(each.weights[index][place] for each in learners) / LEARNERS
    return mean


def render_model(learner: Learner) -> str:
    """Write the weights on a coarse grid, features of equal weights in one line.

    Features too faint to matter are left out.
    """
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, row in zip(learner.names, learner.weights, strict=True):
        mean = math.fsum(row) / 3
        grid = tuple(round((weight - mean) * SCALE) for weight in row)
        if max(map(abs, grid)) >= FAINTEST:
            groups.setdefault(grid, []).append(name)
    lines = ["# approved, rejected, pending, features: written by tools/judgement/train.py"]
    lines += ["\t".join([*map(str, grid), *groups[grid]]) for grid in sorted(groups)]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and write, or compare with what is shipped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the shipped file")
    parser.add_argument("--output", type=Path, default=MODEL_PATH)
    options = parser.parse_args(arguments)
    examples = learnt_examples()
    learner = fit(features_of(examples), [example.label for example in examples])
    content = render_model(learner)
    if options.check:
        same = options.output.read_text(encoding="utf-8") == content
        print("same file" if same else "another file: run tools.judgement.train")
        return 0 if same else 1
    options.output.write_text(content, encoding="utf-8")
    size = len(parse_model(content).weights)
    print(f"{len(examples)} comments, {size} features: {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
