"""The runner of a single machine: serves both flows as `…/local`; `postflow start` runs it.

Never under the name of a deployment made by `prefect deploy`: serving one of those takes its work
pool away (measured).
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import psutil
from prefect.runner import Runner
from prefect.types.entrypoint import EntrypointType

from flows.process_batch import process_batch
from flows.process_video import process_video

LOCAL = "local"
_GRACE = 10  # seconds that flow processes get to end


class LocalRunner(Runner):
    """Prefect's runner, except for how it ends.

    Prefect's own cancels every run when it is told to end. A machine that is switched off is no
    decision about a video: here the processes end, and the tracker brings their runs back.
    """

    def handle_sigterm(self, *_args: Any, **_kwargs: Any) -> None:
        """End every flow process, and then this one."""
        flows = psutil.Process().children(recursive=True)
        for process in flows:
            _end(process)
        _, alive = psutil.wait_procs(flows, timeout=_GRACE)
        for process in alive:
            _end(process, kill=True)
        sys.exit(0)


async def serve_flows() -> None:
    """Serve both flows until the process is told to end."""
    runner = LocalRunner(pause_on_shutdown=False)
    for flow in (process_video, process_batch):
        deployment = await flow.ato_deployment(
            LOCAL, tags=["postflow"], entrypoint_type=EntrypointType.MODULE_PATH
        )
        await runner.aadd_deployment(deployment)
    await runner.start()


def _end(process: psutil.Process, *, kill: bool = False) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return


def main() -> None:
    """Serve until the process is told to end."""
    asyncio.run(serve_flows())


if __name__ == "__main__":
    main()
