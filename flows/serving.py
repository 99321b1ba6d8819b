"""The runner of a single machine: serves both flows as `…/local`; `postflow start` runs it.

Never under the name of a deployment made by `prefect deploy`: serving one of those takes its work
pool away (measured).
"""

from __future__ import annotations

from prefect import serve
from prefect.types.entrypoint import EntrypointType

from flows.process_batch import process_batch
from flows.process_video import process_video

LOCAL = "local"


def main() -> None:
    """Serve until the process is told to end."""
    tags = ["postflow"]
    serve(
        process_video.to_deployment(  # type: ignore[arg-type]  # sync here, a coroutine elsewhere
            LOCAL, tags=tags, entrypoint_type=EntrypointType.MODULE_PATH
        ),
        process_batch.to_deployment(  # type: ignore[arg-type]  # the same
            LOCAL, tags=tags, entrypoint_type=EntrypointType.MODULE_PATH
        ),
        pause_on_shutdown=False,
        print_starting_message=False,
    )


if __name__ == "__main__":
    main()
