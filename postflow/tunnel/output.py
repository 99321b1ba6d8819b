"""Reading what cloudflared prints; pure.

A quick tunnel's address stands in a box of its log:

    2026-03-02T09:00:00Z INF |  https://some-random-words.trycloudflare.com      |

https://github.com/cloudflare/cloudflared/blob/master/cmd/cloudflared/tunnel/quick_tunnel.go
"""

from __future__ import annotations

import re

# In the box and nowhere else: errors quote addresses of Cloudflare's own service.
_ADDRESS = re.compile(r"\|\s+(https?://[^\s|]+)\s+\|")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\S+ (?:DBG|INF|WRN|ERR|FTL) ")


def find_address(line: str) -> str | None:
    """Return the address that a quick tunnel tells in this line."""
    found = _ADDRESS.search(line)
    return found.group(1).rstrip("/") if found else None


def read_message(line: str) -> str:
    """Return what the line says, without its time and level."""
    return _STAMP.sub("", line.strip())
