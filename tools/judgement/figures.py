"""The four figures by which the judgement is measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

LABELS = ("approved", "rejected", "pending")


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """How well a set of comments was read; the last two are the costly and the annoying error."""

    count: int
    accuracy: float
    macro_f1: float
    false_approvals: float
    missed_approvals: float

    def row(self, name: str) -> str:
        """Render one line of the table."""
        return (
            f"{name:<26} {self.count:>6} {self.accuracy:>9.3f} {self.macro_f1:>9.3f}"
            f" {self.false_approvals:>10.2%} {self.missed_approvals:>10.2%}"
        )


HEADER = f"{'':<26} {'count':>6} {'accuracy':>9} {'macro-F1':>9} {'false app.':>10} {'missed':>10}"


def measure(expected: Sequence[str], found: Sequence[str]) -> Figures:
    """Compare verdicts with labels; false approvals are a share of what is not approved."""
    pairs = Counter(zip(expected, found, strict=True))
    right = sum(count for (wanted, got), count in pairs.items() if wanted == got)
    approved = sum(wanted == "approved" for wanted in expected)
    falsely = sum(
        count
        for (wanted, got), count in pairs.items()
        if got == "approved" and wanted != "approved"
    )
    missed = approved - pairs["approved", "approved"]
    return Figures(
        count=len(expected),
        accuracy=right / max(1, len(expected)),
        macro_f1=sum(_f1(pairs, label) for label in LABELS) / len(LABELS),
        false_approvals=falsely / max(1, len(expected) - approved),
        missed_approvals=missed / max(1, approved),
    )


def _f1(pairs: Counter[tuple[str, str]], label: str) -> float:
    hits = pairs[label, label]
    claimed = sum(count for (_, got), count in pairs.items() if got == label)
    real = sum(count for (wanted, _), count in pairs.items() if wanted == label)
    return 2 * hits / max(1, claimed + real)
