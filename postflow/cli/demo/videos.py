"""Short real videos: ffmpeg's test pictures, each with a tone of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from postflow.delivery.encoding import find_ffmpeg
from postflow.errors import PostFlowError

_PICTURES = ("testsrc2", "smptehdbars", "testsrc", "rgbtestsrc", "pal75bars", "smptebars")
_SECONDS = 4


def make_videos(folder: Path, names: Sequence[str]) -> list[Path]:
    """Make one video per name; raises PostFlowError with ffmpeg's last words."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, name in enumerate(names):
        path = folder / f"{number + 1:02d}-{name}.mp4"
        picture = f"{_PICTURES[number % len(_PICTURES)]}=size=640x360:rate=25:duration={_SECONDS}"
        tone = f"sine=frequency={220 * (number + 2)}:duration={_SECONDS}"
        command = [
            *(find_ffmpeg(), "-nostdin", "-loglevel", "error", "-y"),
            *("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
            *("-c:a", "aac", "-shortest", str(path)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own ffmpeg, and no shell
        if done.returncode != 0:
            raise PostFlowError(f"The test video {path} could not be made: {done.stderr.strip()}")
        made.append(path)
    return made
