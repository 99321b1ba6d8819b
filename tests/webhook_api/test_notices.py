"""Notices go out through apprise, and never give away where to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postflow.errors import ConfigurationError, NoticeError
from postflow.notices import make_receivers
from postflow.settings.sections import NoticeSettings
from tests.receivers import NoticeReceiver, receiving_notices

# apprise imports a module of Python's own that will go away; it has a replacement by then.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    """Give a receiver of JSON notices."""
    with receiving_notices() as receiver:
        yield receiver


def settings(**urls: list[str]) -> NoticeSettings:
    """Return settings with these addresses."""
    return NoticeSettings.model_validate(urls)


def test_notice_reaches_its_receiver(receiver: NoticeReceiver) -> None:
    """Title and text arrive where the address says."""
    (each,) = make_receivers(settings(urls=[receiver.address]))
    each.send("clip.mp4: changes requested", "Cleo: too dark")

    assert [(each["title"], each["message"]) for each in receiver.received] == [
        ("clip.mp4: changes requested", "Cleo: too dark")
    ]


def test_no_address_means_no_receivers() -> None:
    """Nobody is told where nobody is to be told; an empty entry names nobody."""
    assert make_receivers(settings(urls=[""])) == ()


def test_receivers_are_told_apart_by_use(receiver: NoticeReceiver) -> None:
    """Whoever hears of escalations is marked so, and has a key of its own."""
    team, boss = make_receivers(
        settings(urls=[receiver.address], escalation_urls=[receiver.address])
    )
    assert (team.is_for_escalation, boss.is_for_escalation) == (False, True)
    assert team.key != boss.key
    assert team.key == make_receivers(settings(urls=[receiver.address]))[0].key


@pytest.mark.parametrize("name", ["urls", "escalation_urls"])
@pytest.mark.parametrize("address", ["nonsense://my-secret@host", "my-secret"])
def test_unknown_address_is_not_repeated(
    address: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An address that apprise cannot read is an error that does not show it, nor does a log."""
    with pytest.raises(ConfigurationError, match=rf"notices\.{name}") as raised:
        make_receivers(settings(**{name: [address]}))
    assert "my-secret" not in str(raised.value) + caplog.text


def test_refusal_is_raised_without_address(caplog: pytest.LogCaptureFixture) -> None:
    """A notice that cannot be sent is our error, and nothing names where it was to go."""
    (each,) = make_receivers(settings(urls=["json://user:my-secret@127.0.0.1:9/"]))
    with pytest.raises(NoticeError) as raised:
        each.send("clip.mp4: failed", "text")
    assert "my-secret" not in f"{raised.value} {caplog.text} {each.label} {each.key} {each!r}"


def test_receivers_refusal_is_noticed(receiver: NoticeReceiver) -> None:
    """What a receiver answers with 500 has not been told."""
    receiver.answer = 500
    (each,) = make_receivers(settings(urls=[receiver.address]))
    with pytest.raises(NoticeError, match="refused"):
        each.send("clip.mp4: failed", "text")
