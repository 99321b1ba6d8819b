"""The labelled comments that the model learns from and is measured on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
LEARNT = (
    "comments-train.jsonl",
    "comments-extra.jsonl",
    "comments-second.jsonl",
    "comments-more.jsonl",
    "comments-plain.jsonl",
    "comments-idioms.jsonl",
)
"""Files the model may learn from; `comments-unseen.jsonl` is only ever measured."""
UNSEEN = "comments-unseen.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One comment and what a producer would read in it."""

    text: str
    label: str
    category: str
    lang: str


def read_examples(path: Path) -> list[Example]:
    """Read one file of labelled comments."""
    examples = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            row = json.loads(line)
            examples.append(
                Example(
                    text=row["text"],
                    label=row["label"],
                    category=row.get("category", ""),
                    lang=row.get("lang", ""),
                )
            )
    return examples


def learnt_examples() -> list[Example]:
    """Read everything the model learns from, in a fixed order."""
    paths = [DATA / name for name in LEARNT]
    return [example for path in paths if path.exists() for example in read_examples(path)]
