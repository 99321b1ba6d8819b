"""The functions that scripts import: they speak to the one integration of the process."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from postflow.errors import ConfigurationError
from postflow.integration.interface import READY_TIMEOUT, PostFlowIntegration


@dataclass(kw_only=True, slots=True)
class _Current:
    """The one integration, once there is one."""

    integration: PostFlowIntegration | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_current = _Current()


def init_postflow(config_path: str | Path | None = None) -> PostFlowIntegration:
    """Read the configuration and return the process's one integration.

    Again with the same settings, it is the same one; with others, a new one takes its place and
    the old one stops tracking. Starts tracking where `webhook.auto_start` says so. Raises
    ConfigurationError where a setting is misspelt, or a port is taken.
    """
    with _current.lock:
        fresh, known = PostFlowIntegration(config_path), _current.integration
        if known is not None and known.settings != fresh.settings:
            _current.integration = None
            known.stop_tracking()
            known = None
        chosen = known or fresh
        if chosen.settings.webhook.auto_start:
            chosen.start_tracking()
        _current.integration = chosen
        return chosen


def get_postflow() -> PostFlowIntegration:
    """Return the integration that `init_postflow` made; raises ConfigurationError before it did."""
    if _current.integration is None:
        raise ConfigurationError(
            "PostFlow is not set up in this program; call init_postflow() first."
        )
    return _current.integration


def track_upload(
    upload_id: str,
    filename: str,
    file_id: str | None = None,
    project_id: str | None = None,
    workspace_id: str | None = None,
) -> str:
    """Make PostFlow follow a video; see `PostFlowIntegration.register_upload`."""
    return get_postflow().register_upload(upload_id, filename, file_id, project_id, workspace_id)


def check_upload_ready(upload_id: str) -> bool:
    """Whether reviewers can watch it."""
    return get_postflow().is_upload_ready(upload_id)


def is_video_approved(upload_id: str) -> bool:
    """Whether its current version is approved."""
    return get_postflow().is_upload_approved(upload_id)


def wait_upload_ready(upload_id: str, timeout: float | None = READY_TIMEOUT) -> bool:
    """Wait until reviewers can watch it; see `PostFlowIntegration.wait_for_upload_ready`."""
    return get_postflow().wait_for_upload_ready(upload_id, timeout)


def wait_approval(upload_id: str, timeout: float | None = None) -> bool:
    """Wait until it is approved; see `PostFlowIntegration.wait_for_approval`."""
    return get_postflow().wait_for_approval(upload_id, timeout)


def upload_and_track(path: str | Path, project_id: str | None = None) -> str:
    """Upload a local file and follow it; see `PostFlowIntegration.upload_and_track`."""
    return get_postflow().upload_and_track(path, project_id)


def trigger_post_processing(upload_id: str) -> Path | None:
    """Deliver an approved video; see `PostFlowIntegration.trigger_post_processing`."""
    return get_postflow().trigger_post_processing(upload_id)
