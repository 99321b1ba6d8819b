"""PostFlow: durable review workflows for Frame.io.

    from postflow import init_postflow, track_upload

Importing the package loads nothing heavy: the first use of a name does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postflow.integration.current import (
        check_upload_ready,
        get_postflow,
        init_postflow,
        is_video_approved,
        track_upload,
        trigger_post_processing,
        upload_and_track,
        wait_approval,
        wait_upload_ready,
    )
    from postflow.integration.interface import PostFlowIntegration

__all__ = [
    "PostFlowIntegration",
    "check_upload_ready",
    "get_postflow",
    "init_postflow",
    "is_video_approved",
    "track_upload",
    "trigger_post_processing",
    "upload_and_track",
    "wait_approval",
    "wait_upload_ready",
]

if not TYPE_CHECKING:  # or type checkers would believe that every name exists

    def __getattr__(name: str) -> object:
        """Import the public name on its first use."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = "interface" if name == "PostFlowIntegration" else "current"
        found = getattr(import_module(f"postflow.integration.{home}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
