"""The guide's third use case: a folder of videos from upload to delivery, nobody at the keyboard.

    python examples/full_automation.py videos/ --timeout 3600

All are uploaded first, so that they can be reviewed at the same time. Exit code 0 when every video
was delivered, else 1. Started again, it goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from postflow import (
    get_postflow,
    init_postflow,
    trigger_post_processing,
    upload_and_track,
    wait_approval,
    wait_upload_ready,
)
from postflow.errors import PostFlowError


def log_error(text: str) -> None:
    """Say what went wrong; put your logging here."""
    print(f"✘ {text}", file=sys.stderr, flush=True)


def review_and_deliver(upload_id: str, *, timeout: float) -> bool:
    """Wait for one video's review and deliver it; say so where that does not come about."""
    if wait_upload_ready(upload_id, timeout=timeout) and wait_approval(upload_id, timeout=timeout):
        path = trigger_post_processing(upload_id)
        print(f"✔ {upload_id} → {path or 'your own post-processing'}", flush=True)
        return True
    found = get_postflow().get_upload_status(upload_id)
    if found is not None:
        verdict = found["verdict"]
        why = found["failure"] or (verdict["reason"] if verdict else "nobody has decided")
        log_error(f"{found['filename']} is {found['review_status']}: {why}")
    return False


def deliver_folder(folder: Path, *, timeout: float) -> bool:
    """Take every MP4 of the folder to its delivery; whether all of them got there."""
    uploads = [upload_and_track(video) for video in sorted(folder.glob("*.mp4"))]
    if not uploads:
        log_error(f"{folder} holds no MP4 file")
        return False
    ends = [review_and_deliver(upload_id, timeout=timeout) for upload_id in uploads]
    return all(ends)


def main() -> int:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(description="Deliver the videos of a folder once approved.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--timeout", type=float, default=3600, help="seconds per wait")
    arguments = parser.parse_args()
    init_postflow().start_tracking()
    return 0 if deliver_folder(arguments.folder, timeout=arguments.timeout) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PostFlowError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
