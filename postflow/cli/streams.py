"""The terminal as it really is: an encoding without accents, a pipe that ends, a full disk."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import unicodedata

_HANDLER = "postflow.plain"
_PLAIN = str.maketrans(
    {
        "«": '"',
        "»": '"',
        "“": '"',
        "”": '"',
        "’": "'",
        "–": "-",
        "—": "-",
        "→": "->",
        "✔": "+",
        "✘": "x",
        "×": "x",
        "·": "-",
        "●": "*",
        "█": "#",
        "░": ".",
    }
)
_UPRIGHT = "│┃║╎╏┆┇┊┋"


def prepare_streams() -> None:
    """Let everything be printed; a character that the terminal does not know is made plain."""
    codecs.register_error(_HANDLER, _make_plain)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us, as in `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - for the rest of the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def is_unicode(stream: object) -> bool:
    """Whether every character can be written there as it is."""
    return str(getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def finish_output() -> str | None:
    """Write out what is left; return None, or why that was impossible ("" where nobody reads on).

    What could not be written is dropped, so that the interpreter does not try again at its end.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return ""
    except OSError as error:
        _drop_output()
        return say_full(error)
    return None


def is_full(error: OSError) -> bool:
    """Whether this is a disk, or what stands for one, that took no more of what was printed."""
    no_room = {errno.ENOSPC, errno.EDQUOT}
    return error.errno in no_room and error.filename is None


def say_full(error: OSError) -> str:
    """Return the sentence about output that cannot be written."""
    return f"The output cannot be written ({error.strerror}); make room, or send it elsewhere."


def _drop_output() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _make_plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    if unicodedata.name(character, "").startswith("BOX DRAWINGS"):
        return "|" if character in _UPRIGHT else "-"
    letters = unicodedata.normalize("NFKD", character.translate(_PLAIN))
    kept = letters.encode("ascii", "ignore").decode("ascii")
    return kept or character.encode("ascii", "backslashreplace").decode("ascii")
