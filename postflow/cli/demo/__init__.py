"""Stories on a simulated Frame.io: all real programs (`demo`), or the user's settings (`test`)."""

import typer

from postflow.cli.demo import command, rehearsing

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    command.register(app)
    rehearsing.register(app)
