"""The shape of every request to Frame.io, and how answers are read; no I/O.

A `Call` says everything the sender needs: where, what, how often and whether it may be repeated.
Lists are read strictly: a page that cannot be read is an error, never a shorter list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Generic, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import JsonValue, ValidationError

from postflow.frameio.failures import Answer, failure_of, unreadable
from postflow.frameio.wire import API_PREFIX, Data, Page, Payload

P = TypeVar("P", bound=Payload)

# POST is missing: a create that is repeated makes two of everything.
REPEATABLE_METHODS = frozenset({"GET", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many calls Frame.io takes from one user, per endpoint, in so many seconds."""

    calls: int
    seconds: float


# https://developer.adobe.com/frameio/api/current/ names one of these for each operation.
TEN_A_SECOND = Rate(calls=10, seconds=1)
FIVE_A_SECOND = Rate(calls=5, seconds=1)
THREE_A_SECOND = Rate(calls=3, seconds=1)
HUNDRED_A_MINUTE = Rate(calls=100, seconds=60)
SIXTY_A_MINUTE = Rate(calls=60, seconds=60)
TEN_A_MINUTE = Rate(calls=10, seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[P]):
    """One request, ready to be sent; `model` is what one object of the answer must be."""

    operation: str
    about: str = ""
    method: str = "GET"
    path: str
    model: type[P]
    params: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, JsonValue] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    rate: Rate = HUNDRED_A_MINUTE

    @property
    def doing(self) -> str:
        """The words for this call in a message."""
        return f"{self.operation} {self.about}".rstrip()

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice leaves the same as sending it once."""
        return self.method in REPEATABLE_METHODS


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOf(Generic[P]):
    """Some objects of a list, and the call for the next ones."""

    items: tuple[P, ...]
    next_call: Call[P] | None


def path_of(*segments: str) -> str:
    """Join ids and words into a path below the API's root; an id cannot climb out of it."""
    return "/".join((API_PREFIX, *(quote(segment, safe=":") for segment in segments)))


def check_answer(call: Call[P], answer: Answer) -> None:
    """Raise what an answer of failure means."""
    if not 200 <= answer.status < 300:  # noqa: PLR2004 -- the family of success
        raise failure_of(call.doing, answer)


def read_object(call: Call[P], answer: Answer) -> P:
    """Take the one object out of its envelope."""
    check_answer(call, answer)
    try:
        envelope: Data[P] = _envelope_of(call.model).model_validate_json(answer.body)
    except ValidationError as error:
        # Not chained: its text quotes the answer, which may hold signed addresses.
        raise unreadable(call.doing, _reasons(error)) from None
    return envelope.data


def read_page(call: Call[P], answer: Answer) -> PageOf[P]:
    """Take the objects of one page out of their envelope, with the call for the next page."""
    check_answer(call, answer)
    try:
        page: Page[P] = _page_of(call.model).model_validate_json(answer.body)
    except ValidationError as error:
        # Not chained, for the same reason.
        raise unreadable(call.doing, _reasons(error)) from None
    return PageOf(items=tuple(page.data), next_call=_next_call(call, page.links.next))


@cache
def _envelope_of(model: type[P]) -> type[Data[P]]:
    return Data[model]  # type: ignore[valid-type]


@cache
def _page_of(model: type[P]) -> type[Page[P]]:
    return Page[model]  # type: ignore[valid-type]


def _next_call(call: Call[P], link: str | None) -> Call[P] | None:
    """Follow the cursor of `link` and ask again for all that the first page was asked for.

    Only the query of the link is used: its path is ours already, and the token must not
    follow a link to another host. Frame.io drops `include`, `sort` and `page_size` from it.
    """
    if link is None:
        return None
    params = {**call.params, **dict(parse_qsl(urlsplit(link).query))}
    if params == call.params:
        raise unreadable(call.doing, "a page names itself as the next page")
    return replace(call, params=params)


def _reasons(error: ValidationError) -> str:
    """Which fields were wrong, without their values."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['type']}" for fault in faults]
    return ", ".join(told[:3])
