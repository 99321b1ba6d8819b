"""Lists in pages: opaque cursors, and a next link that keeps only `after`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from fastapi import Request

from postflow.simulator.refusals import Refusal, invalid

DEFAULT_SIZE = 50
MOST, MOST_ASSETS = 100, 500


class Listed(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> str | None:
        """Its id."""


ItemT = TypeVar("ItemT", bound=Listed)


def render_page(
    request: Request,
    items: Sequence[ItemT],
    render: Callable[[ItemT], dict[str, Any]],
    *,
    most: int = MOST,
) -> dict[str, Any]:
    """Write the page that the query asks for."""
    query = request.query_params
    size = _read_size(query.get("page_size"), most=most)
    start, number = 0, 1
    if "after" in query:
        last_id, position, number = _read_cursor(query["after"])
        start = next((n for n, item in enumerate(items, 1) if item.id == last_id), position)
    shown = items[start : start + size]
    more = start + size < len(items)
    cursor = _write_cursor(shown[-1].id, start + size, number + 1) if more else None
    page: dict[str, Any] = {
        "data": [render(item) for item in shown],
        "links": {"next": f"{request.url.path}?after={cursor}" if cursor else None},
    }
    if query.get("include_total_count", "").lower() == "true":
        page["total_count"] = len(items)
    return page


def page_number(after: str | None) -> int:
    """Tell which page a cursor leads to; 1 without a cursor."""
    if after is None:
        return 1
    try:
        return _read_cursor(after)[2]
    except Refusal:
        return 1


def sort_items(
    request: Request,
    items: Sequence[ItemT],
    keys: dict[str, Callable[[ItemT], Any]],
) -> list[ItemT]:
    """Sort by `sort=<key>_asc|_desc`, refusing what this list does not offer."""
    asked = request.query_params.get("sort")
    if asked is None:
        return list(items)
    name, _, direction = asked.rpartition("_")
    if name not in keys or direction not in ("asc", "desc"):
        raise invalid(f"Invalid value for enum: {asked}", pointer="/sort")
    return sorted(items, key=keys[name], reverse=direction == "desc")


def _read_size(asked: str | None, *, most: int) -> int:
    if asked is None:
        return DEFAULT_SIZE
    if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked[:9]) <= most:
        raise invalid(f"Must be a whole number from 1 to {most}", pointer="/page_size")
    return int(asked)


def _write_cursor(last_id: str | None, position: int, number: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([last_id, position, number]).encode()).decode()


def _read_cursor(cursor: str) -> tuple[str, int, int]:
    try:
        last_id, position, number = json.loads(base64.urlsafe_b64decode(cursor))
        return str(last_id), int(position), int(number)
    except (ValueError, TypeError):
        raise invalid("Invalid cursor", pointer="/after") from None
