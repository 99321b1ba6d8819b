"""A flow of your own that starts when a video is approved; `prefect.yaml` holds its trigger.

It knows nothing of PostFlow but the event: replace its body by a message, a ticket, a render.
"""

from __future__ import annotations

import os
from pathlib import Path

from prefect import flow, get_run_logger, runtime


def _name_run() -> str:
    """Return the name of the video, as PostFlow's own runs are named."""
    return f"approved: {runtime.flow_run.parameters.get('filename', 'a video')}"


@flow(name="note-approval", flow_run_name=_name_run)
def note_approval(upload_id: str, version: int, filename: str, who: str, reason: str) -> str:
    """Add one line about the approval to `$APPROVALS_FILE` (`approvals.log`).

    Prefect may deliver an event twice; a line that is there already is not written again.
    """
    line = f"{upload_id} version {version}: {filename} approved by {who} ({reason})"
    log = Path(os.environ.get("APPROVALS_FILE", Path.home() / "approvals.log"))
    known = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    if line not in known:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    get_run_logger().info("%s", line)
    return line
