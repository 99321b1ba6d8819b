"""Each operation knows its documented limit, and reads of reviews stay in one process."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from postflow.frameio import requests, review_requests
from postflow.frameio.protocol import Call
from postflow.simulator.limits import find_rate

ROOT = Path(__file__).parent.parent.parent
OPERATIONS: dict[str, Callable[..., Call[Any]]] = {
    name: function
    for module in (requests, review_requests)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and name != "including"
}
EXAMPLES: dict[str, object] = {
    "str": "a1b2",
    "int": 1,
    "bool": True,
    "int | None": 1,
    "Iterable[str]": ("owner",),
    "Sequence[str]": ("a1b2",),
    "Mapping[str, JsonValue]": {},
    "Mapping[str, str]": {},
}
READS_OF_REVIEWS = {"fetch_comments", "fetch_comment", "fetch_metadata"}
READERS = ("postflow/tracker", "postflow/frameio")


def example_of(function: Callable[..., Call[Any]]) -> Call[Any]:
    """Build the request with some arguments that fit."""
    wanted = inspect.signature(function).parameters.values()
    positional = [EXAMPLES[p.annotation] for p in wanted if p.kind is p.POSITIONAL_OR_KEYWORD]
    named = {p.name: EXAMPLES[p.annotation] for p in wanted if p.kind is p.KEYWORD_ONLY}
    return function(*positional, **named)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_knows_its_documented_limit(name: str) -> None:
    """The client holds back exactly where the simulated Frame.io, from its own table, refuses."""
    call = example_of(OPERATIONS[name])
    documented = find_rate(call.method, call.path)
    assert call.rate.calls == documented.limit
    assert call.rate.seconds * 1000 == documented.window_ms


def test_only_the_tracker_reads_reviews() -> None:
    """One process owns the rate of comments and metadata: nobody else calls for them."""
    readers = set()
    for folder in ("postflow", "flows", "webhook_api"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in READS_OF_REVIEWS:
                    readers.add(path.relative_to(ROOT).as_posix())
    assert [each for each in sorted(readers) if not each.startswith(READERS)] == []
