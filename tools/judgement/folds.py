"""Cross-validate the judgement: `python -m tools.judgement.folds [--errors FILE]`.

Three ways to hold a part back: at random, by neighbouring rows (one production, one hand), and by
category (a kind of comment the model has never seen). Only the learnt files are used.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from postflow.domain.judgement.analysis import decide_by, read_comment, tokens_of
from postflow.domain.judgement.model import Model, parse_model
from postflow.domain.judgement.text import clean
from tools.judgement.corpus import Example, learnt_examples
from tools.judgement.figures import HEADER, measure
from tools.judgement.train import features_of, fit, render_model

FOLDS = 5
NEIGHBOURS = 40


def by_chance(examples: Sequence[Example]) -> list[int]:
    """Give every example a fold at random."""
    folds = [index % FOLDS for index in range(len(examples))]
    random.Random(1).shuffle(folds)  # noqa: S311 - reproducible, not secret
    return folds


def by_neighbours(examples: Sequence[Example]) -> list[int]:
    """Keep rows that were written together in one fold."""
    return [index // NEIGHBOURS % FOLDS for index in range(len(examples))]


def by_category(examples: Sequence[Example]) -> list[int]:
    """Keep a whole category in one fold."""
    names = sorted({example.category for example in examples})
    random.Random(1).shuffle(names)  # noqa: S311 - reproducible, not secret
    place = {name: index % (2 * FOLDS) for index, name in enumerate(names)}
    return [place[example.category] for example in examples]


WAYS: dict[str, Callable[[Sequence[Example]], list[int]]] = {
    "at random": by_chance,
    "by neighbours": by_neighbours,
    "by category": by_category,
}


def held_out_verdicts(
    examples: Sequence[Example], folds: Sequence[int]
) -> list[tuple[str, float, str]]:
    """Judge every example with a model that has not seen its fold: verdict, chance, rule."""
    cleaned = [clean(example.text) for example in examples]
    readings = [read_comment(tokens_of(text)) for text in cleaned]
    rows = features_of(examples)
    answers: list[tuple[str, float, str]] = [("", 0.0, "")] * len(examples)
    for fold in sorted(set(folds)):
        learnt = [index for index, own in enumerate(folds) if own != fold]
        model = _model([rows[i] for i in learnt], [examples[i].label for i in learnt])
        for index, own in enumerate(folds):
            if own == fold:
                judgement = decide_by(model, cleaned[index], readings[index], taught=False)
                answers[index] = (
                    str(judgement.verdict),
                    judgement.probabilities.approved,
                    str(readings[index].opinion.rule),
                )
    return answers


def _model(rows: Sequence[Sequence[str]], labels: Sequence[str]) -> Model:
    return parse_model(render_model(fit(rows, labels)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, one line per way of holding back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", type=Path, help="write what was misread by neighbours")
    options = parser.parse_args(arguments)
    examples = learnt_examples()
    print(HEADER)
    for name, way in WAYS.items():
        answers = held_out_verdicts(examples, way(examples))
        print(measure([e.label for e in examples], [a[0] for a in answers]).row(name), flush=True)
        if options.errors and name == "by neighbours":
            _write_errors(options.errors, examples, answers)
    return 0


def _write_errors(
    path: Path, examples: Sequence[Example], answers: Sequence[tuple[str, float, str]]
) -> None:
    lines = [
        f"{example.label} read as {verdict} ({chance:.2f}, {rule}) {example.category}: {example.text}"
        for example, (verdict, chance, rule) in zip(examples, answers, strict=True)
        if example.label != verdict
    ]
    path.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
