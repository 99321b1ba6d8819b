"""Files with secrets: readable by their owner only, and whole or not there at all."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path


def replace_private_json(path: Path, content: object) -> None:
    """Replace the file at once, readable by its owner only; a crash leaves old or new.

    Folders on the way are made. Raises OSError.
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        unfinished.unlink()
    owner_only = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(owner_only, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
