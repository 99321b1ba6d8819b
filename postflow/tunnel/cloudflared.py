"""Running the user's cloudflared before the public face, and starting it again when it dies.

Knows nothing of Frame.io: whoever runs it is told the address, and its loss.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import structlog

from postflow.clock import pause
from postflow.settings.sections import WebhookSettings
from postflow.tunnel.output import find_address, read_message

OnChange = Callable[[str | None, str | None], None]
"""Told the tunnel's base address, or None and the sentence that says why there is none."""

_KEEPER = Path(__file__).with_name("keeper.py")
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=1)
_LIVES = 60.0
"""Seconds after which a tunnel counts as having worked: its next death is a new one."""
_STOP_SECONDS = 3.0
_LONGEST_LINE = 1024 * 1024
_log = structlog.get_logger("postflow.tunnel")


class Tunnel:
    """One tunnel to one address of this machine."""

    def __init__(self, settings: WebhookSettings, *, origin: str, on_change: OnChange) -> None:
        self._settings = settings
        self._origin = origin
        self._on_change = on_change
        self._last_words = ""

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the tunnel up until `stop` is set or this is cancelled; leaves no process behind."""
        wait, missing = _FIRST_PAUSE, False
        while not stop.is_set():
            program = shutil.which(self._settings.tunnel_command)
            if program is None:
                if not missing:
                    self._tell_missing()
                missing, wait = True, _LONGEST_PAUSE
            else:
                missing, began = False, time.monotonic()
                await self._run_once(program, stop)
                if stop.is_set():
                    return
                wait = _FIRST_PAUSE if time.monotonic() - began > _LIVES else wait
                self._tell_death(wait)
            await pause(wait, stop)
            wait = min(wait * 2, _LONGEST_PAUSE)

    async def _run_once(self, program: str, stop: asyncio.Event) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_KEEPER), program, *self._arguments()),
            stdin=PIPE,  # closes with this process, and the keeper notices
            stdout=PIPE,
            stderr=STDOUT,
            limit=_LONGEST_LINE,
            start_new_session=True,
        )
        reading = asyncio.create_task(self._read(process))
        stopping = asyncio.create_task(stop.wait())
        try:
            if self._settings.tunnel_name:
                self._on_change(self._settings.public_url, None)
            await asyncio.wait([reading, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await _end(process)
            await reading

    async def _read(self, process: Process) -> None:
        """Read what the program prints until it ends."""
        assert process.stdout is not None  # noqa: S101 - it was started with a pipe
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # a line beyond all measure; what follows it is read again
                continue
            if not line:
                return
            self._take(line.decode(errors="replace"))

    def _take(self, line: str) -> None:
        message = read_message(line)
        if message:
            self._last_words = message
            _log.debug("cloudflared says", line=message)
        address = None if self._settings.tunnel_name else find_address(line)
        if address is not None:
            _log.info("the tunnel is up", address=address)
            self._on_change(address, None)

    def _arguments(self) -> list[str]:
        more = self._settings.tunnel_arguments
        tunnel = ["tunnel", "--no-autoupdate", "--url", self._origin]
        if self._settings.tunnel_name:
            return [*tunnel, *more, "run", self._settings.tunnel_name]
        # A config file of the user's would send the quick tunnel elsewhere, so none is read.
        return [*tunnel, "--config", os.devnull, *more]

    def _tell_missing(self) -> None:
        sentence = missing_sentence(self._settings.tunnel_command)
        _log.warning(sentence)
        self._on_change(None, sentence)

    def _tell_death(self, wait: timedelta) -> None:
        sentence = (
            f"The tunnel ended ({self._last_words or 'it said nothing'}); it is started again."
        )
        _log.warning(
            "the tunnel ended, starting it again",
            said=self._last_words,
            in_seconds=wait.total_seconds(),
        )
        self._on_change(None, sentence)


def missing_sentence(command: str) -> str:
    """Return what to do where the program is not there."""
    return (
        f"There is no {command!r} on this machine, so there is no tunnel and PostFlow polls; install "
        "it (`brew install cloudflared`, or a package from "
        "https://github.com/cloudflare/cloudflared/releases), and it is started within a minute."
    )


async def _end(process: Process) -> None:
    """End the keeper and all that it started: politely first, unless there is no time for it."""
    if process.returncode is not None:
        _signal(process, signal.SIGKILL)  # whatever a keeper has left that was killed itself
        return
    _signal(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        _signal(process, signal.SIGKILL)
        await process.wait()
    except asyncio.CancelledError:
        _signal(process, signal.SIGKILL)
        raise


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
