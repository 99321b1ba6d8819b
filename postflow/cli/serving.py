"""Commands that keep running: start, serve, simulator."""

from __future__ import annotations

import importlib
import signal
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from postflow.cli.machine import Addresses, Machine
from postflow.cli.output import console, say
from postflow.logs import configure_logs
from postflow.public_address import await_public_base, load_tunnel
from postflow.settings import Settings, load_settings
from postflow.settings.advice import list_warnings


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(start)
    app.command()(serve)
    app.command()(simulator)


def start() -> None:
    """Run all of PostFlow on this machine: Prefect server, runner, service.

    Uses the Prefect server of PREFECT_API_URL where that is set. Ctrl-C stops everything.

    Example: postflow start
    """
    settings = load_settings()
    for warning in list_warnings(settings):
        say(warning)
    stop_on_terminate()
    with Machine(settings, logs=settings.logs.folder, folder=Path.cwd(), say=say) as machine:
        with console.status("Starting Prefect, the runner and the service…"):
            addresses = machine.start()
        show_addresses(addresses)
        _say_tunnel(settings)
        say(f"Logs: {settings.logs.folder}. Ctrl-C stops everything.")
        machine.watch()


def serve() -> None:
    """Run the service: both faces, tracker and resumer; without Prefect and runner.

    Starts without a Frame.io token or Prefect too: it stores, warns, and catches up later.

    Example: postflow serve
    """
    settings = load_settings()
    configure_logs(settings.logs, program="service")
    # By name: the web service and the command line never import each other.
    importlib.import_module("webhook_api.serving").run(settings, on_listening=_say_where)


def simulator(
    *,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8090,
    scenario: Annotated[
        Path | None, typer.Option(help="A YAML file of reviewers who act by themselves.")
    ] = None,
    transcode_seconds: Annotated[
        float, typer.Option(min=0, help="How long a transcode takes.")
    ] = 2.0,
    time_scale: Annotated[
        float, typer.Option(min=0.001, help="How much faster its own waits pass.")
    ] = 1.0,
    data: Annotated[
        Path | None, typer.Option(help="Where uploaded bytes go; else a temporary folder.")
    ] = None,
) -> None:
    """Run a simulated Frame.io, for trying things out without an account.

    Example: postflow simulator --port 8090 --scenario examples/reviewers.yaml
    """
    from postflow.simulator.config import SimulatorConfig  # noqa: PLC0415 - loads FastAPI
    from postflow.simulator.scenario import load_scenario  # noqa: PLC0415 - the same
    from postflow.simulator.serving import serve_simulator  # noqa: PLC0415 - the same

    config = SimulatorConfig(
        data_dir=data,
        transcode_delay=timedelta(seconds=transcode_seconds),
        time_scale=time_scale,
        scenario=load_scenario(scenario) if scenario else None,
    )
    serve_simulator(host, port, config)


def show_addresses(addresses: Addresses) -> None:
    """Print where a person finds things."""
    say(f"Prefect UI         {addresses.prefect}")
    say(f"PostFlow           {addresses.dashboard}")
    if addresses.webhook:
        say(f"Frame.io webhook   {addresses.webhook}")


def _say_tunnel(settings: Settings) -> None:
    """Print the tunnel's address, or why there is none, once the service knows it."""
    if settings.webhook.tunnel is None or not settings.webhook.enabled:
        return
    base, state = await_public_base(settings), load_tunnel(settings)
    problem = state.problem if state else None
    say(f"Tunnel             {base or problem or 'not up yet; the log of the service tells it'}")


def _say_where(public: str, private: str) -> None:
    say(f"PostFlow           {private}")
    if public:
        say(f"Frame.io webhook   {public}")


def stop_on_terminate() -> None:
    """Let SIGTERM end this program as Ctrl-C does, so that its children are stopped too."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
