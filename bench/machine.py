"""What is measured on, and what else kept it busy meanwhile."""

from __future__ import annotations

import os
import platform

import psutil

_BEGAN = psutil.cpu_times()
_LONG_ENOUGH = 1.0  # seconds of processor time


def describe_machine() -> str:
    """Return the machine in words, with the load that is on it."""
    return (
        f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}; "
        f"{describe_load()}"
    )


def describe_load() -> str:
    """Return the load, and what a virtual machine's host gave to others since the program began.

    What is taken away shows in no load and in no process, but in every duration.
    """
    load = f"load of the last minute {os.getloadavg()[0]:.1f}"
    now = psutil.cpu_times()
    total = sum(now) - sum(_BEGAN)
    if total < _LONG_ENOUGH or not hasattr(now, "steal"):
        return load
    share = (now.steal - _BEGAN.steal) / total
    return f"{load}, {share:.0%} of the processors' time taken by other machines"
