from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import postflow.integration.current as home
from postflow import (
    check_upload_ready,
    get_postflow,
    init_postflow,
    is_video_approved,
    track_upload,
    wait_approval,
    wait_upload_ready,
)
from postflow.errors import ConfigurationError, PostProcessingError, UploadConflictError
from postflow.integration.current import trigger_post_processing, upload_and_track
from tests.integration.conftest import WriteConfig


@pytest.fixture(autouse=True)
def forget_the_current_one() -> Iterator[None]:
    """Leave no integration of this test to the next one."""
    yield
    if home._current.integration is not None:
        home._current.integration.stop_tracking()
        home._current.integration = None


def test_functions_speak_to_the_one_integration(write_config: WriteConfig) -> None:
    """After `init_postflow` the functions need nothing else."""
    postflow = init_postflow(write_config())

    track_upload("upload_001", "ma_video.mp4")

    assert get_postflow() is postflow
    assert postflow.get_upload_status("upload_001") is not None
    assert check_upload_ready("upload_001") is False
    assert is_video_approved("upload_001") is False
    assert wait_upload_ready("upload_001", timeout=0) is False
    assert wait_approval("upload_001", 0) is False


def test_functions_before_init_say_what_to_do() -> None:
    """A script that forgot the first line is told which one."""
    with pytest.raises(ConfigurationError, match=r"call init_postflow\(\) first"):
        track_upload("upload_001", "ma_video.mp4")


def test_same_settings_are_the_same_one(write_config: WriteConfig) -> None:
    """Calling it again, as a notebook's cell does, changes nothing."""
    config = write_config()

    assert init_postflow(config) is init_postflow(str(config))


def test_other_settings_take_its_place(write_config: WriteConfig, tmp_path: Path) -> None:
    """After an edit of the config file the next call works with what it says now."""
    before = init_postflow(write_config())
    before.start_tracking()

    after = init_postflow(write_config(database={"url": f"sqlite:///{tmp_path}/other.db"}))

    assert after is not before
    assert get_postflow() is after


def test_auto_start_tracks_at_once(write_config: WriteConfig) -> None:
    """With `webhook.auto_start` the first line of a script is enough."""
    postflow = init_postflow(write_config(webhook={"auto_start": True, "port": 0}))

    assert postflow.get_webhook_url() != "http://127.0.0.1:0/webhooks/frameio"


def test_config_is_found_in_the_working_directory(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a path the file of the working directory counts."""
    config = write_config(webhook={"public_url": "https://hook.example"})
    monkeypatch.chdir(config.parent)

    assert init_postflow().get_webhook_url() == "https://hook.example/webhooks/frameio"


def test_upload_without_a_token_says_so(write_config: WriteConfig, tmp_path: Path) -> None:
    """Uploading is the one thing that needs a way to sign in."""
    init_postflow(write_config())
    video = tmp_path / "cut.mp4"
    video.write_bytes(b"video")

    with pytest.raises(ConfigurationError, match="sign in"):
        upload_and_track(video)


def test_undecided_video_is_not_delivered(write_config: WriteConfig) -> None:
    """Post-processing refuses what nobody approved, in one sentence."""
    init_postflow(write_config())
    track_upload("clip", "clip.mp4", "file-1")

    with pytest.raises(PostProcessingError, match=r"clip\.mp4 is pending, not approved"):
        trigger_post_processing("clip")


def test_conflict_names_the_id(write_config: WriteConfig) -> None:
    """The functions refuse as the class does."""
    init_postflow(write_config())
    track_upload("clip", "clip.mp4")

    with pytest.raises(UploadConflictError, match="clip"):
        track_upload("clip", "other.mp4")


SCRIPTS = {
    "falls off its end": "",
    "fails": "raise SystemExit(3)",
    "leaves a thread behind": """
import threading
threading.Thread(target=lambda: print(wait_upload_ready('clip', timeout=1.5))).start()
""",
    "leaves a pool behind": """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor()
pool.submit(lambda: print(wait_upload_ready('clip', timeout=1.5)))
""",
    "leaves a daemon waiting": """
import threading
threading.Thread(target=wait_upload_ready, args=('clip', None), daemon=True).start()
""",
}


@pytest.mark.parametrize("ending", SCRIPTS)
def test_program_ends_cleanly_while_tracking(write_config: WriteConfig, ending: str) -> None:
    """However a script ends, the service ends with it: in time, silent, after its threads."""
    code = (
        "import sys; from postflow import *; init_postflow(sys.argv[1]).start_tracking();"
        f"track_upload('clip', 'clip.mp4')\n{SCRIPTS[ending]}"
    )

    ran = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code, str(write_config())],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"LOG_LEVEL": "ERROR"},
    )

    assert ran.stderr == ""
    assert ran.returncode == (3 if ending == "fails" else 0)
    assert ran.stdout == ("False\n" if "behind" in ending else "")
