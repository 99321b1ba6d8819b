"""Connections that a pool keeps: none is used again that was ended while nobody used it."""

from __future__ import annotations

import selectors
from functools import partial
from selectors import EVENT_READ
from time import monotonic
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

_ASKED_AFTER = 30.0
"""Seconds; a connection that nobody used for longer is asked whether it lives."""
_RETURNED = "returned"
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)
"""Takes any descriptor, and needs none of its own; Windows has only the other one."""


def refuse_ended_connections(engine: Engine) -> None:
    """Let no transaction of a server's engine begin on a connection that was ended meanwhile.

    A server that ends one says so, and nothing else comes unasked: that there is something to read
    is known without asking. Networks forget connections without a word, but not so soon: only one
    that lay idle for long is asked, as `pool_pre_ping` would before each transaction.
    """
    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", partial(_refuse_ended, engine.dialect))


def _note_return(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_RETURNED] = monotonic()


def _refuse_ended(
    dialect: Dialect, connection: Any, record: ConnectionPoolEntry, _proxy: object
) -> None:
    returned = record.info.get(_RETURNED)
    if returned is None:  # it was made just now
        return
    is_doubtful = monotonic() - returned > _ASKED_AFTER
    if _has_word(connection) or (is_doubtful and not _answers(dialect, connection)):
        raise InvalidatePoolError


def _answers(dialect: Dialect, connection: Any) -> bool:
    try:
        return dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error:
        return False


def _has_word(connection: Any) -> bool:
    with _Selector() as selector:
        selector.register(connection.fileno(), EVENT_READ)
        return bool(selector.select(timeout=0))
