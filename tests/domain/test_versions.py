"""What a file name says of its version."""

from __future__ import annotations

import pytest

from postflow.domain.versions import VersionedName, parse_versioned_name


@pytest.mark.parametrize(
    ("name", "stem", "number"),
    [
        ("shot_010_v002.mp4", "shot_010", 2),
        ("shot_v1_v12.mov", "shot_v1", 12),
        ("Été final_V3.mp4", "Été final", 3),
    ],
)
def test_number_stands_at_the_end(name: str, stem: str, number: int) -> None:
    """The last `_v` and its digits are the number, the rest is the stem."""
    assert parse_versioned_name(name) == VersionedName(stem=stem, number=number)


@pytest.mark.parametrize("name", ["shot.mp4", "_v2.mp4", "shot_v2_final.mp4", "shotv2.mp4", ""])
def test_other_names_say_nothing(name: str) -> None:
    """No `_v` number at the end of a stem, no version."""
    assert parse_versioned_name(name) is None


def test_only_higher_numbers_of_a_stem_follow() -> None:
    """Case does not matter, equality is not higher, and nothing follows a name without number."""
    second = VersionedName(stem="shot", number=2)
    assert second.follows(VersionedName(stem="SHOT", number=1))
    assert not second.follows(second)
    assert not second.follows(VersionedName(stem="other", number=1))
    assert not second.follows(None)
