"""The form that all of Frame.io's payloads share: envelopes, pages, errors, times.

Use them through `postflow.frameio.wire`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer


def render_time(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and `Z`, the only form Frame.io writes."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Moment = Annotated[
    AwareDatetime,
    AfterValidator(lambda moment: moment.astimezone(UTC)),  # as the store gives it back
    PlainSerializer(render_time, when_used="json"),
]


class Payload(BaseModel):
    """One JSON object of Frame.io; what it holds beyond our fields is kept as it came.

    Neither its errors nor its `repr` show what nobody looked at: it may be a signed address.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show our own fields, without those that are secret."""
        fields = type(self).model_fields
        return ((name, value) for name, value in super().__repr_args__() if name in fields)


PayloadT = TypeVar("PayloadT")


class Data(Payload, Generic[PayloadT]):
    """The envelope of a single object."""

    data: PayloadT


class Links(Payload):
    """Where the next page is; `next` is relative and keeps only the `after` parameter."""

    next: str | None


class Page(Payload, Generic[PayloadT]):
    """The envelope of a list; `total_count` comes only with `include_total_count=true`."""

    data: list[PayloadT]
    links: Links
    total_count: int | None = None


class ErrorSource(Payload):
    """The part of the request that was refused."""

    pointer: str | None = None


class ErrorDetail(Payload):
    """One reason why a request was refused."""

    detail: str
    title: str | None = None
    source: ErrorSource | None = None


class Errors(Payload):
    """The body of every answer of 400 and above."""

    errors: list[ErrorDetail]
