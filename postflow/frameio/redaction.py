"""Keeps signed addresses out of the log.

httpx writes the full address of each request at INFO. Part and download addresses carry their
signature in the query: whoever reads the log could use them.
"""

from __future__ import annotations

import logging

import httpx


class WithoutQueries(logging.Filter):
    """Cuts the query from every address in a record; never drops a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the addresses among the record's arguments."""
        if isinstance(record.args, tuple):
            record.args = tuple(_without_query(each) for each in record.args)
        return True


def hide_signed_addresses() -> None:
    """Make httpx's own log lines safe to keep; calling it again changes nothing."""
    log = logging.getLogger("httpx")
    if not any(isinstance(each, WithoutQueries) for each in log.filters):
        log.addFilter(WithoutQueries())


def _without_query(value: object) -> object:
    return value.copy_with(query=None) if isinstance(value, httpx.URL) else value
