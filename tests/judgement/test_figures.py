"""The judgement must not get worse: the figures on the shipped comments have floors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postflow.domain.comments import ANALYSER_VERSION
from tools.judgement.bench import comments_per_second, measure_file
from tools.judgement.corpus import DATA, LEARNT, UNSEEN, read_examples

FILES = (*LEARNT, UNSEEN)


def test_learnt_comments_are_read_well() -> None:
    """What was learnt is known, above all what must not be approved."""
    for name in LEARNT:
        figures, _ = measure_file(DATA / name)
        assert figures.accuracy >= 0.95
        assert figures.false_approvals <= 0.003


def test_unseen_comments_are_read_well() -> None:
    """The figures on comments nobody tuned for do not drop."""
    figures, _ = measure_file(DATA / UNSEEN)
    assert figures.accuracy >= UNSEEN_ACCURACY
    assert figures.false_approvals <= UNSEEN_FALSE_APPROVALS
    assert figures.missed_approvals <= UNSEEN_MISSED


UNSEEN_ACCURACY = 0.895
UNSEEN_FALSE_APPROVALS = 0.01
UNSEEN_MISSED = 0.15


def test_the_corpus_is_large_and_distinct() -> None:
    """At least two thousand distinct comments are learnt from, and ids are unique."""
    texts = [e.text.casefold() for name in LEARNT for e in read_examples(DATA / name)]
    assert len(set(texts)) >= 2_000
    for name in FILES:
        lines = (DATA / name).read_text(encoding="utf-8").splitlines()
        ids = [json.loads(line)["id"] for line in lines]
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", FILES)
def test_labels_are_one_of_three(name: str) -> None:
    """A misspelt label would be measured as an error for ever."""
    labels = {example.label for example in read_examples(DATA / name)}
    assert labels == {"approved", "rejected", "pending"}


def test_reading_is_fast_enough() -> None:
    """A hundred thousand stored comments are read again in a few minutes at worst."""
    assert comments_per_second(read_examples(DATA / LEARNT[0])) > 600


def test_documentation_names_this_version() -> None:
    """The measured figures in the documentation are those of this analyser."""
    page = Path(__file__).resolve().parents[2] / "docs" / "judgement.md"
    assert f"version {ANALYSER_VERSION}" in page.read_text(encoding="utf-8")
