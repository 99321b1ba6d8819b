"""The delivery file and its poster frame, made by the ffmpeg that imageio-ffmpeg ships."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from postflow.errors import PostProcessingError


def encode(master: Path, target: Path, *, profile: Sequence[str]) -> None:
    """Encode the first picture stream and all sound of `master` by ffmpeg's `profile` arguments.

    Raises PostProcessingError with ffmpeg's own last words.
    """
    streams = ("-map", "0:v:0", "-map", "0:a?")
    _run_ffmpeg(master, target, (*streams, *profile), doing="encoded")


def extract_poster(master: Path, target: Path) -> None:
    """Write one telling frame from the first seconds of `master` as a JPEG."""
    arguments = ("-t", "10", "-map", "0:v:0", "-vf", "thumbnail=50", "-frames:v", "1", "-q:v", "2")
    _run_ffmpeg(master, target, arguments, doing="turned into a poster frame")


def find_ffmpeg() -> str:
    """Return the path of the ffmpeg program; raises PostProcessingError when there is none."""
    import imageio_ffmpeg  # type: ignore[import-untyped]  # noqa: PLC0415 - only post-processing needs it

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise PostProcessingError(
            "No ffmpeg was found; install the package imageio-ffmpeg, or set IMAGEIO_FFMPEG_EXE."
        ) from error


def _run_ffmpeg(master: Path, target: Path, arguments: Sequence[str], *, doing: str) -> None:
    command = [
        *(find_ffmpeg(), "-nostdin", "-hide_banner", "-loglevel", "error", "-y"),
        *("-i", str(master), *arguments, str(target)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603 - our own ffmpeg, and no shell
    if done.returncode != 0 or not target.is_file() or target.stat().st_size == 0:
        words = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise PostProcessingError(
            f"{master.name} could not be {doing} ({words[-1]}); check that it is a video, and "
            "post_processing.profile."
        )
