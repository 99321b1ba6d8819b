"""When a file that is being copied may be taken."""

from __future__ import annotations

from pathlib import Path

from postflow.domain.arrivals import Arrivals, FileState

CUT = Path("cut.mp4")


def state(size: int = 7, modified: int = 1) -> FileState:
    """Return what is to be seen of a file."""
    return FileState(size=size, modified_ns=modified)


def test_growing_file_is_left_alone() -> None:
    """The time counts anew with every change of size or of the moment of change."""
    arrivals = Arrivals(settle=10)
    assert arrivals.look({CUT: state(1)}, now=0) == []
    assert arrivals.look({CUT: state(2)}, now=9) == []
    assert arrivals.look({CUT: state(2, modified=2)}, now=18) == []
    assert arrivals.look({CUT: state(2, modified=2)}, now=27) == []
    assert arrivals.look({CUT: state(2, modified=2)}, now=28) == [CUT]


def test_taken_file_does_not_come_again() -> None:
    """Until it changes; then it is a new arrival."""
    arrivals = Arrivals(settle=0)
    assert arrivals.look({CUT: state()}, now=0) == [CUT]
    arrivals.take(CUT)
    assert arrivals.is_quiet
    assert arrivals.look({CUT: state()}, now=1) == []
    assert arrivals.look({CUT: state(8)}, now=2) == [CUT]


def test_empty_file_is_never_taken() -> None:
    """A file without a byte is not there yet, however long it lies."""
    arrivals = Arrivals(settle=1)
    for now in range(5):
        assert arrivals.look({CUT: state(0)}, now=now) == []
    assert not arrivals.is_quiet


def test_file_that_went_away_is_forgotten() -> None:
    """A file that comes back is as new as any other."""
    arrivals = Arrivals(settle=0)
    arrivals.look({CUT: state()}, now=0)
    arrivals.take(CUT)
    assert arrivals.look({}, now=1) == []
    assert arrivals.look({CUT: state()}, now=2) == [CUT]


def test_refused_file_comes_after_growing_pauses() -> None:
    """Each refusal doubles the pause, a change of the file ends it."""
    arrivals = Arrivals(settle=0)
    due = []
    for now in range(100):
        if arrivals.look({CUT: state()}, now=now):
            due.append(now)
            arrivals.refuse(CUT, now=now)
    assert due == [0, 15, 45]
    assert arrivals.look({CUT: state(8)}, now=100) == [CUT]
