"""Places in the video, as reviewers write them."""

from __future__ import annotations

import pytest

from postflow.domain.changes import find_timecodes, say_place


@pytest.mark.parametrize(
    ("text", "written", "seconds"),
    [
        ("Remonter la musique à 0:32", "0:32", 32),
        ("01:02:03:12 the logo is missing", "01:02:03:12", 3723),
        ("le logo à 32 s svp", "32 s", 32),
        ("son coupé a 32s.", "32s", 32),
        ("at 1m20 please cut", "1m20", 80),
        ("à 1 min 20 il manque le titre", "1 min 20", 80),
        ("à 1'20\" le son saute", "1'20\"", 80),
        ("vers 2 min c'est long", "2 min", 120),
        ("(0:45)", "0:45", 45),
        ("TC 00:01:02;05.", "00:01:02;05", 62),
        ("bei 0:32 fehlt der Ton", "0:32", 32),
        ("at 45 seconds the colour jumps", "45 seconds", 45),
    ],
)
def test_places_are_read_as_written(text: str, written: str, seconds: float) -> None:
    """Clock times, timecodes and spelt out seconds name a place in the video."""
    (found,) = find_timecodes(text)
    assert (found.text, found.seconds) == (written, seconds)


def test_frames_of_a_timecode_are_kept() -> None:
    """The fourth part of a timecode counts frames."""
    assert find_timecodes("see 10:00:12:04")[0].frames == 4


def test_both_ends_of_a_span_are_places() -> None:
    """A span names its beginning and its end."""
    assert [each.text for each in find_timecodes("from 0:32-0:40")] == ["0:32", "0:40"]


@pytest.mark.parametrize(
    "text",
    [
        "call me at 2:30pm",
        "format 9:16",
        'a 30" spot',
        "20 seconds too long",
        "2 min trop long",
        "http://x:80/a",
        "rendez-vous à 10:30 h",
    ],
)
def test_other_numbers_are_no_places(text: str) -> None:
    """Times of day, formats and lengths are not taken for a place."""
    assert find_timecodes(text) == ()


def test_place_shows_frame_and_text() -> None:
    """Frame.io's frame stays a frame, its timecode a timecode; the text's places follow."""
    assert say_place("812", "cut at 0:32") == "frame 812, 0:32"
    assert say_place("00:00:32:10", "cut") == "00:00:32:10"
    assert say_place(None, "cut") == ""


@pytest.mark.parametrize("piece", ["1:", "1 ", "à 1", "1'", "0:32"])
def test_long_rubbish_takes_no_time(piece: str) -> None:
    """A megabyte of almost-timecodes is read in passing."""
    assert len(find_timecodes(piece * 300_000)) < 10_000
