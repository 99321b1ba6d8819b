"""Posting to a program on this machine for as little processor time as possible.

What sends the load shares the processors with what is measured; httpx takes several times as much
for a request as this, which knows no more of HTTP than a fixed answer length.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit


class Poster:
    """Posts to one program, over as many connections as there are posts at one time."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Return the body of the answer; ends the program where it is no success."""
        reader, writer = await self._connect()
        own = {"Host": f"{self._host}:{self._port}", "Content-Length": str(len(body))}
        told = {**own, **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        _, _, rest = answer.lower().partition(b"content-length:")
        content = await reader.readexactly(int(rest.partition(b"\r\n")[0] or 0))
        if answer.split(b" ", 2)[1][:1] != b"2":
            raise SystemExit(f"{path} was answered {answer.splitlines()[0]!r}: {content[:300]!r}")
        self._idle.append((reader, writer))
        return content

    async def close(self) -> None:
        """Give the connections back."""
        for _, writer in self._idle:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():  # else the program has closed what was idle for long
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port)
