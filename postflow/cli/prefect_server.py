"""Prefect's server as `postflow start` runs it: without pauses for what it keeps to its end.

It loads some hundred thousand objects at its start. Python looks at all of them in each full
collection: a quarter of a second, several times a minute, in which Prefect answers nobody
(docs/performance.md).
"""

from __future__ import annotations

import gc
import runpy
import sys
import threading
import time

_LOADED_AFTER = (15.0, 60.0)
"""Seconds after its start; the second time is for machines that were still loading at the first."""


def main() -> None:
    """Do what `prefect server start` with these arguments does, to its end."""
    threading.Thread(target=_keep_out_of_collections, daemon=True).start()
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


def _keep_out_of_collections() -> None:
    began = time.monotonic()
    for moment in _LOADED_AFTER:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        gc.collect()
        gc.freeze()


if __name__ == "__main__":
    main()
