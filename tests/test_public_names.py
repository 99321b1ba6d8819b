"""What `postflow` promises to scripts: the names, their types, and what importing it costs."""

from __future__ import annotations

import importlib.resources
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import assert_type

import pytest

import postflow
from postflow import (
    PostFlowIntegration,
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
from postflow.store.view_types import TrackingStats, UploadStatusView

NAMES = {
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
}
REGISTERED = ["upload_id", "filename", "file_id", "project_id", "workspace_id"]
HEAVY = ("prefect", "fastapi", "sqlalchemy", "pydantic_settings", "httpx", "apprise")


def test_public_names_are_these() -> None:
    """Other people's scripts use these names and no others."""
    assert set(postflow.__all__) == NAMES
    assert set(dir(postflow)) >= NAMES


def test_unknown_name_is_no_attribute() -> None:
    """A misspelt name is an ordinary AttributeError, and no public name."""
    with pytest.raises(AttributeError, match="init_postflo"):
        getattr(postflow, "init_postflo")  # noqa: B009 - the checker knows that it does not exist


def test_importing_the_package_is_light() -> None:
    """`import postflow`, and even looking at its names, loads no library that takes long."""
    code = f"import sys, postflow; dir(postflow); print(*(set({HEAVY!r}) & sys.modules.keys()))"

    ran = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert ran.stdout.split() == []


def test_first_use_loads_neither_prefect_nor_fastapi() -> None:
    """A script that only registers and asks does not wait for a web server's import."""
    code = (
        "import sys; from postflow import init_postflow, track_upload;"
        "print(*({'prefect', 'fastapi', 'apprise'} & sys.modules.keys()))"
    )

    ran = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert ran.stdout.split() == []


@pytest.mark.parametrize(
    ("call", "parameters"),
    [
        (init_postflow, ["config_path"]),
        (track_upload, REGISTERED),
        (check_upload_ready, ["upload_id"]),
        (is_video_approved, ["upload_id"]),
        (wait_upload_ready, ["upload_id", "timeout"]),
        (wait_approval, ["upload_id", "timeout"]),
        (upload_and_track, ["path", "project_id"]),
        (trigger_post_processing, ["upload_id"]),
        (PostFlowIntegration, ["config_path"]),
        (PostFlowIntegration.register_upload, ["self", *REGISTERED]),
        (PostFlowIntegration.wait_for_upload_ready, ["self", "upload_id", "timeout"]),
        (PostFlowIntegration.wait_for_approval, ["self", "upload_id", "timeout"]),
    ],
)
def test_parameters_keep_their_names(call: Callable[..., object], parameters: list[str]) -> None:
    """Scripts pass these by position and by name."""
    found = inspect.signature(call).parameters.values()

    assert [each.name for each in found] == parameters
    assert all(each.kind is each.POSITIONAL_OR_KEYWORD for each in found)


@pytest.mark.parametrize("call", [wait_upload_ready, PostFlowIntegration.wait_for_upload_ready])
def test_waiting_for_ready_ends_after_ten_minutes(call: Callable[..., object]) -> None:
    """The guide's timeout is the default."""
    assert inspect.signature(call).parameters["timeout"].default == 600


def test_types_are_shipped() -> None:
    """Type checkers of scripts read our types."""
    assert importlib.resources.files("postflow").joinpath("py.typed").is_file()


def _check_types(integration: PostFlowIntegration) -> None:
    """Hold what type checkers must find; never called."""
    assert_type(init_postflow(), PostFlowIntegration)
    assert_type(get_postflow(), PostFlowIntegration)
    assert_type(track_upload("id", "cut.mp4"), str)
    assert_type(check_upload_ready("id"), bool)
    assert_type(is_video_approved("id"), bool)
    assert_type(wait_upload_ready("id"), bool)
    assert_type(wait_approval("id", timeout=1.5), bool)
    assert_type(upload_and_track(Path("cut.mp4")), str)
    assert_type(trigger_post_processing("id"), Path | None)
    assert_type(integration.get_upload_status("id"), UploadStatusView | None)
    assert_type(integration.get_tracking_stats(), TrackingStats)
    assert_type(integration.get_webhook_url(), str | None)
