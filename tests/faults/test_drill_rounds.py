"""Long drills go in rounds, and go on where they were interrupted."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from tools.drill.rounds import Progress, load_progress, plan_rounds

ROOT = Path(__file__).parent.parent.parent
BOTH = ["sqlite", "postgresql"]


def test_rounds_share_uploads_and_kills() -> None:
    """Two hundred uploads and thirty kills are shared out, with none lost, on each database."""
    rounds = plan_rounds("5", 200, 30, BOTH)
    assert [r.database for r in rounds] == ["sqlite"] * 7 + ["postgresql"] * 7
    assert sum(r.uploads for r in rounds[:7]) == 200
    assert sum(r.kills for r in rounds[:7]) == 30
    assert max(r.uploads for r in rounds) <= 30
    assert len({r.seed for r in rounds}) == 7


def test_failed_round_repeats_alone() -> None:
    """A drill of one round's size and seed is that very round."""
    long = plan_rounds("5", 200, 30, ["sqlite"])[2]
    (alone,) = plan_rounds(long.seed, long.uploads, long.kills, ["sqlite"])
    assert (alone.seed, alone.uploads, alone.kills) == (long.seed, long.uploads, long.kills)


def test_progress_goes_on_after_interruption(tmp_path: Path) -> None:
    """What was done is found again, and the next round is the first that is left."""
    progress = Progress(seed="5", uploads=60, kills=4, databases=BOTH, done=[{"misses": []}])
    progress.save(tmp_path / "progress.json")
    found = load_progress(tmp_path / "progress.json")
    assert found == progress
    assert [r.number for r in found.left] == [2, 1, 2]


def test_other_sizes_are_another_drill() -> None:
    """An interrupted drill goes on only for the same question; leaving out the seed is the same."""
    progress = Progress(seed="5", uploads=60, kills=4, databases=BOTH, done=[])
    assert progress.is_of(seed=None, uploads=60, kills=4, databases=BOTH)
    assert progress.is_of(seed="5", uploads=60, kills=4, databases=BOTH)
    assert not progress.is_of(seed="6", uploads=60, kills=4, databases=BOTH)
    assert not progress.is_of(seed=None, uploads=61, kills=4, databases=BOTH)


def test_unreadable_progress_starts_anew(tmp_path: Path) -> None:
    """Half a file, or somebody else's, is no drill to go on with."""
    path = tmp_path / "progress.json"
    assert load_progress(path) is None
    for text in ("{", "{}", "[1]"):
        path.write_text(text)
        assert load_progress(path) is None


def test_second_drill_in_folder_is_refused(tmp_path: Path) -> None:
    """Two drills in one folder would kill each other's programs."""
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        drill = [sys.executable, "-m", "tools.drill", "--folder", str(tmp_path)]
        ran = subprocess.run(drill, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603 - our own module
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"Another drill runs in {tmp_path}")
