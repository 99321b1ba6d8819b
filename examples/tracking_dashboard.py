"""The guide's second use case: the totals on the terminal, again and again.

    python examples/tracking_dashboard.py --every 30

It only reads the store, so it runs beside `postflow serve` or a script that tracks.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time

from postflow import PostFlowIntegration, init_postflow
from postflow.errors import PostFlowError


def print_dashboard(postflow: PostFlowIntegration) -> None:
    """Print the totals as they are now."""
    stats = postflow.get_tracking_stats()
    reviews = stats["review_status_distribution"]
    print("📊 POSTFLOW")
    print("=" * 40)
    print(f"📈 Active:    {stats['active_tracks']} of {stats['total_tracked']}")
    print(f"✅ Approved:  {reviews['approved']}")
    print(f"❌ Rejected:  {reviews['rejected']}")
    print(f"⏳ Pending:   {reviews['pending']}")
    print(f"📦 Delivered: {stats['delivered']}", flush=True)


def main() -> int:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(description="Show the totals of all tracked uploads.")
    parser.add_argument("--every", type=float, default=30, help="seconds between two looks")
    parser.add_argument("--rounds", type=int, help="how many looks; without it until Ctrl-C")
    arguments = parser.parse_args()
    postflow = init_postflow()
    rounds = itertools.count() if arguments.rounds is None else range(arguments.rounds)
    for each in rounds:
        if each:
            time.sleep(arguments.every)
        print_dashboard(postflow)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PostFlowError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
