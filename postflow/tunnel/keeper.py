"""A small program that runs another one, and ends it once whoever started it is gone.

Run as a file, by itself and with the standard library only: it has to be there at once. Its input
is a pipe that closes with its parent, even when that is killed; what the program prints, it prints.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

_GRACE = 5.0  # seconds between the polite and the last signal
_SIGNAL_ON_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG, https://man7.org/linux/man-pages/man2/prctl.2.html


def main(command: list[str]) -> int:
    """Run the command until it ends or our input does; return its exit code."""
    # Nothing else runs in this process yet, so preparing the fork is safe.
    child = subprocess.Popen(  # noqa: S603 - what the settings name, and no shell
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no thread yet
    )
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for our parent, who then ends us
    threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    return child.wait()


def _die_with_parent() -> None:
    """Let the kernel end the program when this one is killed."""
    ctypes.CDLL(None).prctl(_SIGNAL_ON_PARENTS_DEATH, signal.SIGTERM)


def _end_with_input(child: subprocess.Popen[bytes]) -> None:
    while os.read(
        sys.stdin.fileno(), 1024
    ):  # not through a buffer, whose lock Python wants at its end
        pass
    child.terminate()
    try:
        child.wait(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
