"""`python -m tools.drill`: PostFlow's promises under kills, faults and outages."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from pathlib import Path

from postflow.cli.serving import stop_on_terminate
from postflow.errors import PostFlowError
from tools.drill.databases import SqliteDatabase
from tools.drill.drilling import drill
from tools.drill.plan import make_plan


def main() -> int:
    """Drill as the arguments say; 0 when nothing was missed, 1 otherwise, 130 after Ctrl-C."""
    arguments = _read_arguments()
    stop_on_terminate()
    try:
        return _drill(arguments)
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.")
        return 130
    except PostFlowError as error:
        print(error, file=sys.stderr)
        return 1


def _drill(arguments: argparse.Namespace) -> int:
    seed = arguments.seed or str(secrets.randbelow(1_000_000))
    began = time.monotonic()
    plan = make_plan(seed, uploads=arguments.uploads, kills=arguments.kills, calm=arguments.calm)
    folder = arguments.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    database = SqliteDatabase(folder)
    try:
        outcome = drill(plan, database, folder=folder, say=_say)
    finally:
        database.end()
    _say(", ".join(f"{name} {count}" for name, count in outcome.counts.items()))
    for miss in outcome.misses:
        print(f"✘ {miss}")
    result = f"{len(outcome.misses)} misses" if outcome.misses else "nothing was missed"
    print(f"{result}; SEED={seed}, {time.monotonic() - began:.0f} s")
    return 1 if outcome.misses else 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.drill", description=__doc__)
    parser.add_argument("--uploads", type=int, default=30)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", help="repeats the plan of an earlier drill")
    parser.add_argument("--folder", type=Path, default=Path(".drill"))
    parser.add_argument("--calm", action="store_true", help="no faults, kills and outages")
    return parser.parse_args()


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
