"""`python -m tools.drill`: PostFlow's promises under kills, faults and outages."""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postflow.cli.serving import stop_on_terminate
from postflow.errors import ConfigurationError, PostFlowError
from tools.drill.databases import SqliteDatabase
from tools.drill.drilling import Outcome, drill
from tools.drill.plan import make_plan
from tools.drill.postgres import SERVER_VARIABLE, open_postgres
from tools.drill.rounds import Progress, Round, load_progress

DATABASES = ("sqlite", "postgresql")
MISSED, NOT_RUN, INTERRUPTED = 1, 3, 130
_STATE = "progress.json"


def main() -> int:
    """Drill as the arguments say; 0 when nothing was missed, 3 when a database could not be had."""
    arguments = _read_arguments()
    stop_on_terminate()
    folder = arguments.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _alone_in(folder):
            return _drill_all(_begin(arguments, folder), folder, calm=arguments.calm)
    except KeyboardInterrupt:
        print("Stopped, and nothing is left running; the same command goes on with this round.")
        return INTERRUPTED
    except PostFlowError as error:
        print(error, file=sys.stderr)
        return MISSED


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder for this drill; another one would kill its programs."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"Another drill runs in {folder}; wait for it, or name another --folder."
            ) from error
        yield


def _begin(arguments: argparse.Namespace, folder: Path) -> Progress:
    """Return the drill that was interrupted, if this is the same one, else a new one."""
    databases = [arguments.database] if arguments.database else list(DATABASES)
    size = {"uploads": arguments.uploads, "kills": arguments.kills, "databases": databases}
    known = load_progress(folder / _STATE)
    is_unfinished = known is not None and known.left and not arguments.new
    if known is not None and is_unfinished and known.is_of(seed=arguments.seed, **size):
        _say(
            f"Going on with the drill SEED={known.seed} that was interrupted: {len(known.done)} of "
            f"{len(known.rounds)} rounds are done; NEW=1 starts anew."
        )
        return known
    seed = arguments.seed or str(secrets.randbelow(1_000_000))
    return Progress(seed=seed, done=[], **size)


def _drill_all(progress: Progress, folder: Path, *, calm: bool) -> int:
    began = time.monotonic()
    server = os.environ.get(SERVER_VARIABLE)  # read now: a drill forgets such variables
    while progress.left:
        progress.save(folder / _STATE)
        a_round = progress.left[0]
        _say(
            f"{a_round.database}, round {a_round.number}: {a_round.uploads} uploads, "
            f"{a_round.kills} kills, SEED={a_round.seed}"
        )
        outcome = _drill_once(a_round, folder / a_round.database, server=server, calm=calm)
        progress.done.append(_describe(a_round, outcome))
    progress.save(folder / _STATE)
    return _tell_result(progress, seconds=time.monotonic() - began)


def _drill_once(a_round: Round, folder: Path, *, server: str | None, calm: bool) -> Outcome | None:
    """Do one round in a new folder; None when its database cannot be had here."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sqlite = a_round.database == "sqlite"
    database = SqliteDatabase(folder) if sqlite else open_postgres(server)
    if database is None:
        _say(
            "Not run on PostgreSQL: neither initdb and pg_ctl nor a server were found; install "
            f"PostgreSQL, or name a server in {SERVER_VARIABLE}."
        )
        return None
    if not database.can_be_filled:
        _say(
            "The database's space will not run out here: on PostgreSQL that needs a cluster of the "
            "drill's own and the right to mount a tmpfs."
        )
    plan = make_plan(a_round.seed, uploads=a_round.uploads, kills=a_round.kills, calm=calm)
    began = time.monotonic()
    try:
        outcome = drill(plan, database, folder=folder, say=_say)
    finally:
        database.end()
    outcome.counts["seconds"] = round(time.monotonic() - began)
    _say(", ".join(f"{name} {count}" for name, count in outcome.counts.items()))
    for miss in outcome.misses:
        print(f"✘ {miss}")
    return outcome


def _describe(a_round: Round, outcome: Outcome | None) -> dict[str, object]:
    return {
        "database": a_round.database,
        "round": a_round.number,
        "seed": a_round.seed,
        "uploads": a_round.uploads,
        "kills": a_round.kills,
        "was_run": outcome is not None,
        "misses": outcome.misses if outcome else [],
        "counts": outcome.counts if outcome else {},
    }


def _tell_result(progress: Progress, *, seconds: float) -> int:
    """Print how all rounds ended, and how to repeat those that missed something."""
    missed = [each for each in progress.done if each["misses"]]
    for each in missed:
        _say(
            f"✘ {each['database']}, round {each['round']}: {len(each['misses'])} misses; repeat it "
            f"with make drill DATABASE={each['database']} N={each['uploads']} "
            f"KILLS={each['kills']} SEED={each['seed']}"
        )
    was_run = [each for each in progress.done if each["was_run"]]
    result = f"{len(missed)} rounds missed something" if missed else "nothing was missed"
    _say(f"{len(was_run)} rounds: {result}; SEED={progress.seed}, {seconds:.0f} s")
    if missed:
        return MISSED
    return 0 if len(was_run) == len(progress.done) else NOT_RUN


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.drill", description=__doc__)
    parser.add_argument("--uploads", type=_count, default=30)
    parser.add_argument("--kills", type=_count, default=10)
    parser.add_argument("--database", choices=DATABASES, help="only this one, else both")
    parser.add_argument("--seed", help="repeats the plan of an earlier drill")
    parser.add_argument("--new", action="store_true", help="forget a drill that was interrupted")
    parser.add_argument("--calm", action="store_true", help="no faults, kills and outages")
    parser.add_argument("--folder", type=Path, default=Path(".drill"))
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
