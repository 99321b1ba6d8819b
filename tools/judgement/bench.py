"""Measure the shipped judgement: `python -m tools.judgement.bench [FILE…] [--errors FILE]`.

Prints accuracy, macro-F1, false approvals (not approved, read as approved) and missed approvals
for the learnt and the unseen comments and for any file given; then speed and start-up.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run by path: make the project importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from postflow.domain.comments import ANALYSER_VERSION, analyze_comment, render_reasons
from tools.judgement.corpus import DATA, LEARNT, UNSEEN, Example, learnt_examples, read_examples
from tools.judgement.figures import HEADER, Figures, measure

_STARTUP = """
import time
begun = time.process_time()
from postflow.domain.comments import analyze_comment
analyze_comment("ok")
print(time.process_time() - begun)
"""


def measure_file(path: Path) -> tuple[Figures, list[str]]:
    """Judge every comment of a file: the figures, and a line for each one misread.

    Unseen comments that also happen to be learnt ("✅") would flatter, so they are left out.
    """
    examples = read_examples(path)
    if path.name == UNSEEN:
        learnt = {example.text.casefold() for example in learnt_examples()}
        examples = [e for e in examples if e.text.casefold() not in learnt]
    analyses = [analyze_comment(example.text) for example in examples]
    errors = [
        f"{example.label}\t{example.category}\t{example.text}\t{render_reasons(analysis)}"
        for example, analysis in zip(examples, analyses, strict=True)
        if analysis.verdict != example.label
    ]
    figures = measure([e.label for e in examples], [str(a.verdict) for a in analyses])
    return figures, errors


def comments_per_second(examples: Sequence[Example]) -> float:
    """Time one pass over the comments, as re-reading a store would be."""
    begun = time.perf_counter()
    for example in examples:
        analyze_comment(example.text)
    return len(examples) / (time.perf_counter() - begun)


def compare_with_vader(examples: Sequence[Example], rate: float) -> str:
    """Say how our rate compares with VADER's on the same texts, if it is installed."""
    try:
        vader = importlib.import_module(
            "vaderSentiment.vaderSentiment"
        ).SentimentIntensityAnalyzer()
    except ImportError:
        return "VADER is not installed, so its rate was not compared."
    begun = time.perf_counter()
    for example in examples:
        vader.polarity_scores(example.text)
    theirs = len(examples) / (time.perf_counter() - begun)
    return f"VADER reads {theirs:,.0f} a second here: {theirs / rate:.1f} times our rate."


def startup_seconds() -> float:
    """Time import and first analysis in a fresh process: its own work, however busy the machine."""
    answer = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", _STARTUP],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    return float(answer.stdout)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; errors go to a file or, with "-", to the terminal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="more labelled comments to measure")
    parser.add_argument("--errors", help='file for the misread comments, "-" for the terminal')
    options = parser.parse_args(arguments)
    paths = [DATA / name for name in (*LEARNT, UNSEEN)] + list(options.files)
    errors: list[str] = []
    print(f"analyser version {ANALYSER_VERSION}\n{HEADER}")
    for path in paths:
        if path.exists():
            figures, misread = measure_file(path)
            print(figures.row(path.stem))
            if path.name != UNSEEN:
                errors += misread
    _report_speed()
    if options.errors == "-":
        print("\n".join(errors))
    elif options.errors:
        Path(options.errors).write_text("\n".join(errors) + "\n", encoding="utf-8")
    return 0


def _report_speed() -> None:
    examples = read_examples(DATA / LEARNT[0])
    rate = comments_per_second(examples)
    print(f"\n{rate:,.0f} comments a second; {compare_with_vader(examples, rate)}")
    print(f"Import and first comment: {startup_seconds() * 1000:.0f} ms.")


if __name__ == "__main__":
    sys.exit(main())
