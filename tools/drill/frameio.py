"""The simulated Frame.io as the drill sees it: its control routes, and what they tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

JsonObject = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What Frame.io held at one moment: files, all that happened, all that was sent."""

    files: Mapping[str, Sequence[JsonObject]]
    """The files of each name, oldest first."""
    history: Sequence[JsonObject]
    deliveries: Sequence[JsonObject]


class Frameio:
    """A client of the control routes."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=f"{base_url}/_sim", timeout=20)

    def prepare(self, *, part_size: int) -> None:
        """Cut files into several parts, and let the Status say no as well."""
        self._call("PATCH", "/settings", {"part_size": part_size})
        options = ["Needs Review", "In Progress", "Approved", "Rejected"]
        self._call("PATCH", "/status_field", {"options": options})

    def see(self) -> Seen:
        """Read everything."""
        files: dict[str, list[JsonObject]] = {}
        for file in self._call("GET", "/state")["files"]:
            files.setdefault(file["name"], []).append(file)
        return Seen(
            files={
                name: sorted(each, key=lambda file: file["created_at"])
                for name, each in files.items()
            },
            history=self._call("GET", "/history")["history"],
            deliveries=self._call("GET", "/deliveries")["deliveries"],
        )

    def end_faults(self) -> None:
        """Let every further delivery through, and those that were held back."""
        self._call("DELETE", "/faults")

    def count_waiting(self) -> int:
        """Count what the simulated reviewers and deliveries still have before them."""
        return int(self._call("GET", "/clock")["actions_waiting"])

    def count_unsettled(self) -> int:
        """Count the deliveries that may still be sent."""
        return int(self._call("GET", "/deliveries")["unsettled"])

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def is_hurt(delivery: JsonObject) -> bool:
    """Whether a fault hit this delivery."""
    return bool(delivery["faults"]) and delivery["copy_of"] is None
