from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from postflow.errors import FrameioError
from postflow.frameio.chunks import (
    Fingerprint,
    Placeholder,
    earliest_expiry,
    parse_placeholder,
    plan_upload,
    render_placeholder,
)
from postflow.frameio.wire import File

MOMENT = datetime(2026, 1, 5, 10, tzinfo=UTC)
URL = "https://storage.test/part?X-Amz-Date=20260105T100000Z&X-Amz-Expires={}&X-Amz-Signature=s"


def created(*sizes: int) -> File:
    """Write Frame.io's answer to a create call."""
    return File.model_validate(
        {
            "id": "f", "name": "cut.mp4", "type": "file", "project_id": "p", "parent_id": "d",
            "created_at": MOMENT, "updated_at": MOMENT, "view_url": "v", "status": "created",
            "media_type": "video/mp4", "file_size": sum(sizes),
            "upload_urls": [{"size": size, "url": URL.format(86400)} for size in sizes],
        }
    )  # fmt: skip


def source(size: int) -> Fingerprint:
    """Describe a file of this size."""
    return Fingerprint(size=size, mtime_ns=1, inode=2)


@pytest.fixture
def placeholder() -> Placeholder:
    """Plan three uneven parts."""
    return plan_upload(created(10, 10, 5), folder_id="d", source=source(25))


@pytest.mark.parametrize("sizes", [(25,), (10, 10, 5), (3, 2, 2, 2), (1, 24)])
def test_parts_follow_the_named_sizes(sizes: tuple[int, ...]) -> None:
    """Each address gets as many bytes as it names, in order; nothing is cut our own way."""
    plan = plan_upload(created(*sizes), folder_id="d", source=source(sum(sizes)))
    assert [part.size for part in plan.parts] == list(sizes)
    assert [part.offset for part in plan.parts] == [sum(sizes[:n]) for n in range(len(sizes))]
    assert [part.number for part in plan.parts] == list(range(1, len(sizes) + 1))


@pytest.mark.parametrize("sizes", [(), (10, 10), (10, 20), (30, -5)])
def test_parts_of_another_size_are_refused(sizes: tuple[int, ...]) -> None:
    """Addresses that do not add up to the file are not used."""
    with pytest.raises(FrameioError, match=r"cut\.mp4"):
        plan_upload(created(*sizes), folder_id="d", source=source(25))


def test_missing_parts_are_those_not_finished(placeholder: Placeholder) -> None:
    """What is finished is not sent again."""
    assert [part.number for part in placeholder.with_finished(2).missing] == [1, 3]
    assert placeholder.with_finished(1, 2, 3).missing == ()


def test_first_address_to_run_out_counts() -> None:
    """The placeholder is as good as its earliest address."""
    urls = [URL.format(3600), URL.format(60), "https://storage.test/unsigned"]
    assert earliest_expiry(urls) == MOMENT + timedelta(seconds=60)


@pytest.mark.parametrize(
    "url",
    ["https://storage.test/part", URL.format("soon"), URL.format(10**30), "?X-Amz-Date=yesterday"],
)
def test_unknown_end_is_no_end(url: str) -> None:
    """Addresses that do not say when they end are tried; a 403 will tell."""
    assert earliest_expiry([url]) is None


@pytest.mark.parametrize(
    ("after", "expired"), [(0, False), (86_000, False), (86_399, True), (90_000, True)]
)
def test_nearly_ended_address_counts_as_ended(
    placeholder: Placeholder, after: int, expired: bool
) -> None:
    """A part is not begun when its address could end in the middle of it."""
    assert placeholder.is_expired(now=MOMENT + timedelta(seconds=after)) is expired


def test_placeholder_survives_as_text(placeholder: Placeholder) -> None:
    """A journal can keep a placeholder as JSON and get the same one back."""
    kept = placeholder.with_finished(1, 3)
    assert parse_placeholder(render_placeholder(kept)) == kept
    endless = replace(kept, expires_at=None)
    assert parse_placeholder(render_placeholder(endless)) == endless


def test_spoiled_placeholder_shows_no_address(placeholder: Placeholder) -> None:
    """Text that cannot be read back is not quoted: it holds signed addresses."""
    text = render_placeholder(placeholder).replace('"file_id"', '"filed"')
    with pytest.raises(ValidationError) as caught:
        parse_placeholder(text)
    assert "X-Amz-Signature" not in str(caught.value)


def test_placeholder_hides_its_addresses(placeholder: Placeholder) -> None:
    """Whoever prints a placeholder does not print signatures."""
    assert "X-Amz-Signature" not in repr(placeholder)
