"""The `postflow` program: its commands, and the one place that turns errors into sentences."""

from __future__ import annotations

import os
import sys

import typer
import typer.main

from postflow.cli import (
    auditing,
    configuring,
    dashboards,
    deciding,
    demo,
    doctor,
    judging,
    looking,
    notices,
    reconciling,
    replaying,
    running,
    serving,
    setting_up,
    signing_in,
    watching,
    webhooks,
)
from postflow.cli.help_texts import in_readers_language
from postflow.cli.output import complain
from postflow.cli.streams import finish_output, is_full, prepare_streams, say_full
from postflow.errors import PostFlowError
from postflow.logs import configure_logs

_INTERRUPTED = 130

app = typer.Typer(
    name="postflow",
    help="Upload videos to Frame.io, wait for the verdict, deliver what was approved.",
    epilog="Any command takes --debug: it shows where an error came from.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
for family in (
    demo,
    serving,
    running,
    looking,
    dashboards,
    notices,
    reconciling,
    judging,
    auditing,
    replaying,
    deciding,
    setting_up,
    doctor,
    configuring,
    signing_in,
    watching,
    webhooks,
):
    family.register(app)


def main(arguments: list[str] | None = None) -> None:
    """Run the program and exit: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted."""
    os.environ.setdefault("DO_NOT_TRACK", "1")  # Prefect's client would count us, and say so
    prepare_streams()
    configure_logs()
    code = run_program(sys.argv[1:] if arguments is None else arguments)
    trouble = finish_output()
    if trouble:
        complain(trouble)
    sys.exit(code if trouble is None else code or 1)


def run_program(arguments: list[str]) -> int:
    """Run the program and return its exit code; prints whatever there is to say."""
    debug = "--debug" in arguments or bool(os.environ.get("POSTFLOW_DEBUG"))
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        program = typer.main.get_command(app)
        with in_readers_language(program):
            program(args=arguments, prog_name="postflow")
    except SystemExit as end:  # how Typer ends: 0, 2 for wrong usage, 130 for Ctrl-C
        return end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except PostFlowError as error:
        if debug:
            raise
        complain(str(error))
        return 1
    except Exception as error:
        if debug:
            raise
        complain(_explain(error))
        return 1
    return 0


def _explain(error: Exception) -> str:
    if isinstance(error, OSError) and is_full(error):
        return say_full(error)
    return (
        f"PostFlow met an error it did not expect ({type(error).__name__}: {error}); the same "
        "command with --debug shows where."
    )


if __name__ == "__main__":
    main()
