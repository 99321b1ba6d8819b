"""Reads the files that are packaged beside this module: the lexicon and the model.

With plain `open`: importing pathlib would cost a tenth of the start-up the judgement may take.
"""

from __future__ import annotations

import os.path

_FOLDER = os.path.dirname(__file__)  # noqa: PTH120 - see above


def packaged_text(*path: str) -> str:
    """Read one packaged text file."""
    with open(os.path.join(_FOLDER, *path), encoding="utf-8") as file:  # noqa: PTH118, PTH123 - see above
        return file.read()
