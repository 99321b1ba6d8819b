"""What people read: in English or French, about one video or several of a batch."""

from __future__ import annotations

from typing import Any

import pytest

from postflow.domain.announcements import OF_SERVICE, Announcement, Language
from postflow.domain.webhook_silence import SilenceCause
from postflow.tracker.notice_texts import render_notice
from postflow.tracker.notice_words import WORDS

ITEM: dict[str, Any] = {"upload_id": "clip", "version": 2, "filename": "clip.mp4"}
EN, FR = Language


def say(
    kind: Announcement, *items: dict[str, Any], language: Language = EN, batch: str | None = None
) -> tuple[str, str]:
    """Return title and text of a notice about these items."""
    found = [ITEM | item for item in items]
    return render_notice(kind, found, batch_id=batch, language=language)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", [kind for kind in Announcement if kind not in OF_SERVICE])
def test_every_kind_has_its_words(kind: Announcement, language: Language) -> None:
    """Whatever `notices.events` names can be told, of one video and of several."""
    words = WORDS[language]
    one, _ = say(kind, {}, language=language, batch="b")
    many, _ = say(kind, {}, {}, language=language, batch="b")
    assert one == words.one[kind].format(name="clip.mp4", batch="b")
    assert many == words.many[kind].format(count=2, batch="b")


@pytest.mark.parametrize(
    ("kind", "item", "english", "french"),
    [
        pytest.param(
            Announcement.REJECTED,
            {"who": "Cleo", "comment": "Trop sombre", "reason": "rejected: x"},
            "Cleo: “Trop sombre”",
            "Cleo : « Trop sombre »",
            id="a reviewer's words",
        ),
        pytest.param(
            Announcement.REJECTED,
            {"who": "Pat", "reason": "wrong logo"},
            "Pat: wrong logo",
            "Pat : wrong logo",
            id="a decision by hand",
        ),
        pytest.param(
            Announcement.REMINDER,
            {"waited_seconds": 172_800, "deadline": "2026-03-07T09:00:00+00:00"},
            "for 2 days now, until 2026-03-07 09:00 UTC",
            "depuis 2 jours, jusqu’au 2026-03-07 09:00 UTC",
            id="a reminder with its deadline",
        ),
        pytest.param(
            Announcement.TIMED_OUT,
            {"policy": "approve", "waited_seconds": 60},
            "it counts as approved and is delivered",
            "la vidéo compte comme validée et est livrée",
            id="the end of a deadline",
        ),
        pytest.param(
            Announcement.FAILED,
            {"cause": "not-ready", "minutes": 120, "reason": "x"},
            "not ready on Frame.io after 120 minutes; look at it there, and run it again",
            "pas prête sur Frame.io après 120 minutes ; regardez-la là-bas, puis relancez-la",
            id="a failure of a known cause",
        ),
        pytest.param(
            Announcement.FAILED, {"reason": "no room"}, "no room", "no room", id="another failure"
        ),
        pytest.param(
            Announcement.HELD,
            {"setter": "Cleo", "gap_seconds": 90, "reason": "x"},
            "Cleo set the Status to approved 90 s after asking for a change; approve it by hand to "
            "release it, or reject it",
            "Cleo a mis le Status sur validé 90 s après avoir demandé une modification ; validez à "
            "la main pour livrer, ou refusez",
            id="a hold",
        ),
    ],
)
def test_details_are_told_in_both_languages(
    kind: Announcement, item: dict[str, Any], english: str, french: str
) -> None:
    """Beyond the title people learn who, why and until when, and which upload it is."""
    assert say(kind, item)[1] == f"{english} (upload clip, version 2)"
    assert say(kind, item, language=FR)[1] == f"{french} (upload clip, version 2)"


def test_several_videos_are_listed() -> None:
    """A message about a batch names it and each of its videos; a long list is cut."""
    items = [{"upload_id": f"u{n}", "filename": f"{n}.mp4"} for n in range(23)]
    title, text = say(Announcement.READY, *items, batch="Week 47")
    assert title == "23 videos ready for review"
    lines = text.splitlines()
    assert lines[:2] == ["Batch Week 47", "• 0.mp4 (upload u0, version 2)"]
    assert lines[-1] == "and 3 more"


def test_decided_batch_tells_its_outcomes() -> None:
    """Whoever waits for a batch learns how it ended."""
    outcome = {"outcomes": {"approved": 11, "rejected": 1}}
    title, text = say(Announcement.BATCH_DECIDED, outcome, batch="b")
    assert title == "Batch b: every video has its outcome"
    assert text == "approved: 11, rejected: 1. `postflow status` lists them."


def test_long_comment_is_cut() -> None:
    """A page of comment stays readable in a chat."""
    _, text = say(Announcement.REJECTED, {"who": "Cleo", "comment": "x" * 1000})
    assert len(text) < 400


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("cause", SilenceCause)
def test_silence_is_told_with_what_was_found(cause: SilenceCause, language: Language) -> None:
    """A notice about PostFlow itself names no video, but how long and why."""
    item = {"silent_seconds": 86_400.0 * 2, "cause": cause.value, "reason": "The way is blocked."}
    title, text = say(Announcement.WEBHOOK_SILENT, item, language=language)

    assert title == WORDS[language].one[Announcement.WEBHOOK_SILENT]
    assert ("2 days" if language is EN else "2 jours") in text
    assert ("The way is blocked." in text) == (cause is not SilenceCause.WORKS)
    assert "clip" not in title + text


@pytest.mark.parametrize("language", Language)
def test_end_of_silence_is_told(language: Language) -> None:
    """People who were told of a silence are told how long it lasted."""
    _, text = say(Announcement.WEBHOOK_BACK, {"silent_seconds": 7200.0}, language=language)

    assert ("2 hours" if language is EN else "2 heures") in text
