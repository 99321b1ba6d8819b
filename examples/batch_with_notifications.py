"""The guide's first use case: upload a series, tell the team, wait until all are approved.

    python examples/batch_with_notifications.py intro.mp4 scene1.mp4 --timeout 3600

Exit code 0 when every video was approved in time, else 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from postflow import init_postflow, upload_and_track, wait_approval, wait_upload_ready
from postflow.errors import PostFlowError


def send_notification(text: str) -> None:
    """Tell the team; put your mail, chat or ticket system here."""
    print(f"🔔 {text}", flush=True)


def submit(videos: Sequence[Path], *, timeout: float) -> dict[str, Path]:
    """Upload the videos one after the other and announce each; return them by upload id."""
    uploads = {}
    for video in videos:
        upload_id = upload_and_track(video)
        uploads[upload_id] = video
        if wait_upload_ready(upload_id, timeout=timeout):
            send_notification(f"{video.name} is ready for review")
        else:
            send_notification(f"{video.name} cannot be watched yet; look at it on Frame.io")
    return uploads


def wait_for_all(uploads: dict[str, Path], *, timeout: float) -> int:
    """Return how many videos were approved before the time was over."""
    approved = 0
    deadline = time.monotonic() + timeout
    for upload_id, video in uploads.items():
        if wait_approval(upload_id, timeout=max(0.0, deadline - time.monotonic())):
            approved += 1
            send_notification(f"{video.name} is approved ({approved} of {len(uploads)})")
    return approved


def main() -> int:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(description="Upload a series and wait for its approvals.")
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--timeout", type=float, default=3600, help="seconds per waiting phase")
    arguments = parser.parse_args()
    init_postflow().start_tracking()
    uploads = submit(arguments.videos, timeout=arguments.timeout)
    approved = wait_for_all(uploads, timeout=arguments.timeout)
    if approved == len(uploads):
        send_notification("🎉 all videos are approved")
        return 0
    send_notification(f"{len(uploads) - approved} of {len(uploads)} are not approved yet")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PostFlowError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
