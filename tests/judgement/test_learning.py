"""The model file is what the script makes of the corpus, and loads quickly."""

from __future__ import annotations

import subprocess
import sys

import pytest

from postflow.domain.judgement.model import BOLDNESS, pack, parse_model, softmax, unpack
from postflow.domain.judgement.telling import find_telling_words
from postflow.domain.judgement.tokens import tokenise
from postflow.domain.judgement.verdicts import Verdict
from tools.judgement.bench import startup_seconds
from tools.judgement.corpus import ROOT
from tools.judgement.figures import measure
from tools.judgement.train import fit, main, render_model


def test_training_reproduces_the_shipped_model() -> None:
    """The same corpus, lexicon and seed give the shipped file, byte for byte."""
    assert main(["--check"]) == 0


def test_learning_twice_gives_the_same_file() -> None:
    """Nothing in learning depends on chance or on the order of sets."""
    rows = [["w:a", "w:b"], ["w:b"], ["w:a", "w:c"], ["w:c"]] * 3
    labels = ["approved", "rejected", "pending", "pending"] * 3
    assert render_model(fit(rows, labels)) == render_model(fit(rows, labels))


def test_a_learnt_word_pulls_its_way() -> None:
    """A word seen only in approvals makes approval likelier."""
    rows = [["w:yes"], ["w:no"], ["w:hm"]] * 60
    model = parse_model(render_model(fit(rows, ["approved", "rejected", "pending"] * 60)))
    yes, no = model.weigh(["w:yes"]).chances, model.weigh(["w:no"]).chances
    assert yes.approved == max(yes)
    assert no.rejected == max(no)


def test_unknown_features_decide_nothing() -> None:
    """Words the model never saw leave all three verdicts equally likely."""
    assert parse_model("").weigh(["w:never"]) == (softmax(0.0, 0.0, 0.0), 0.0)


def test_lead_is_that_over_the_next_verdict() -> None:
    """Approval leads by its distance from whichever other verdict is nearer."""
    model = parse_model("16\t-8\t0\tw:yes\tw:done\n")
    assert model.weigh(["w:yes", "w:done"]).lead == 4.0 / BOLDNESS


@pytest.mark.parametrize("three", [(0, 0, 0), (5, -3, 2), (-9, -8, -7), (-1, 99_999, -100_000)])
def test_packed_weights_add_up(three: tuple[int, int, int]) -> None:
    """Three numbers in one come out as they went in, and so do their sums."""
    assert unpack(pack(*three)) == three
    assert unpack(pack(*three) + pack(1, -1, 40)) == (three[0] + 1, three[1] - 1, three[2] + 40)


def test_many_words_make_it_less_sure() -> None:
    """The same sum of weights means less in a long comment than in a short one."""
    model = parse_model("16\t-8\t0\tw:yes\n")
    short, long = model.weigh(["w:yes"], words=1), model.weigh(["w:yes"], words=16)
    assert short.lead == 4 * long.lead
    assert short.chances.approved > long.chances.approved > 1 / 3


def test_loudest_words_are_found_in_place() -> None:
    """Where only the model decides, the two words that pulled most are named."""
    model = parse_model("8\t0\t0\tw:out\tw:goes\n16\t0\t0\tb:it|goes\n")
    span = find_telling_words(model, tokenise("Lovely, out it goes!"), Verdict.APPROVED)
    assert span is not None
    assert "Lovely, out it goes!"[span.start : span.end] == "it goes"
    assert find_telling_words(model, tokenise("Hm."), Verdict.APPROVED) is None


def test_figures_count_costly_errors_apart() -> None:
    """False approvals are a share of what is not approved, missed ones of what is."""
    figures = measure(
        ["approved", "approved", "rejected", "pending"],
        ["approved", "pending", "approved", "pending"],
    )
    assert (figures.accuracy, figures.false_approvals, figures.missed_approvals) == (0.5, 0.5, 0.5)


def test_the_domain_loads_nothing_foreign() -> None:
    """Judging needs the standard library alone."""
    loaded = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout.split()
    assert loaded == ["postflow"]


_LOADED = """
import sys
before = set(sys.modules)
from postflow.domain.comments import analyze_comment
analyze_comment("ok")
names = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(names - set(sys.stdlib_module_names)))
"""


def test_start_up_is_short() -> None:
    """Import and the first comment take a blink; the bench prints the exact figure."""
    assert min(startup_seconds() for _ in range(3)) < 0.2
