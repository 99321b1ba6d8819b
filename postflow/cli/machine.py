"""Everything PostFlow needs on one machine, as child processes: Prefect, runner, service."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import httpx

from postflow.cli.one_start import only_start
from postflow.cli.processes import Child, Children, wait_for_http
from postflow.errors import ConfigurationError, PostFlowError, PrefectUnavailableError
from postflow.settings import Settings
from postflow.settings.load import child_environment
from postflow.settings.prefect_url import prefect_api_url
from postflow.store.database import open_store

Say = Callable[[str], None]

_PREFECT_PATIENCE = 10.0
_SERVER_PATIENCE = 120.0  # a first start of Prefect also makes its database
_DEPLOYMENTS = ("process-video/local", "process-batch/local")


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Where a person finds things; None where that part is not run from here."""

    prefect: str
    dashboard: str
    webhook: str | None


class Machine:
    """The programs of `postflow start`; use it as a context so that nothing is left running."""

    def __init__(self, settings: Settings, *, logs: Path, folder: Path, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._logs = logs
        self._alone = ExitStack()
        self._embedded = not (settings.prefect.api_url or os.environ.get("PREFECT_API_URL"))
        self.children = Children(
            environment={
                **child_environment(settings),
                "PREFECT_API_URL": prefect_api_url(settings),
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                "PREFECT_RUNNER_POLL_FREQUENCY": os.environ.get(
                    "PREFECT_RUNNER_POLL_FREQUENCY", "1"
                ),
                "POSTFLOW_LOGS__TO_FILE": "false",  # what they print is caught here
                **({"PREFECT_HOME": str(settings.prefect.home)} if self._embedded else {}),
            },
            folder=folder,
            logs=logs,
        )

    def __enter__(self) -> Machine:
        """Hold the machine; nothing is started yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop everything that was started."""
        try:
            if kind is KeyboardInterrupt:
                self._say("Stopping everything that was started…")
        finally:  # also where nobody reads what is said any more
            self.children.stop()
            self._alone.close()

    def start(self) -> Addresses:
        """Bring everything up in order and return its addresses; raises PostFlowError."""
        settings = self._settings
        self._alone.enter_context(only_start(self._logs, self.dashboard_url))
        self._check_ports()
        if not self._embedded:
            self._check_prefect()
        open_store(
            settings.database.url, create=True, busy_timeout=settings.database.busy_timeout
        ).close()
        server = self._start_prefect() if self._embedded else None
        service = self.children.start_module("service", "postflow", "serve")
        if server is not None:
            wait_for_http(server, f"{prefect_api_url(settings)}/health", seconds=_SERVER_PATIENCE)
        runner = self.children.start_module("runner", "flows.serving")
        wait_for_http(service, f"{self.dashboard_url}/ready", seconds=30)
        self._wait_for_deployments(runner)
        return Addresses(
            prefect=prefect_api_url(settings).removesuffix("/api"),
            dashboard=self.dashboard_url,
            webhook=self.public_url if settings.webhook.enabled else None,
        )

    def watch(self) -> None:
        """Keep everything up until interrupted."""
        while True:
            time.sleep(1)
            self.children.restart_dead(self._say)
            self.children.rotate_logs(self._settings.logs)

    @property
    def dashboard_url(self) -> str:
        """The private face, as a browser on this machine reaches it."""
        return f"http://{_local(self._settings.dashboard.host)}:{self._settings.dashboard.port}"

    @property
    def public_url(self) -> str:
        """The public face's own address; what Frame.io calls may be a tunnel before it."""
        return f"http://{_local(self._settings.webhook.host)}:{self._settings.webhook.port}"

    def _start_prefect(self) -> Child:
        prefect = self._settings.prefect
        try:
            prefect.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"The folder {prefect.home} for Prefect's server cannot be made "
                f"({error.strerror}); set prefect.home to one that can."
            ) from error
        return self.children.start_module(
            "prefect",
            *("postflow.cli.prefect_server", "--host", prefect.host, "--port", str(prefect.port)),
        )

    def _check_ports(self) -> None:
        wanted = [
            ("dashboard", self._settings.dashboard.host, self._settings.dashboard.port),
        ]
        if self._settings.webhook.enabled:
            wanted.append(("webhook", self._settings.webhook.host, self._settings.webhook.port))
        if self._embedded:
            wanted.append(("prefect", self._settings.prefect.host, self._settings.prefect.port))
        for section, host, port in wanted:
            if not is_port_free(host, port):
                raise ConfigurationError(
                    f"Port {port} on {host} is taken, perhaps by another `postflow start` or `serve`; "
                    f"stop that one, or set {section}.port to a free port."
                )

    def _check_prefect(self) -> None:
        """Ask a server that is not ours before anything is started for it."""
        url = prefect_api_url(self._settings)
        try:
            httpx.get(f"{url}/health", timeout=_PREFECT_PATIENCE).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PrefectUnavailableError(
                f"Prefect's server at {url} does not answer ({type(error).__name__}); start it, or "
                "remove prefect.api_url and PREFECT_API_URL, and `postflow start` runs its own."
            ) from error

    def _wait_for_deployments(self, runner: Child) -> None:
        """Return once the runner has told Prefect what it serves."""
        from postflow.cli.prefect_side import has_deployments  # noqa: PLC0415 - imports Prefect

        until = time.monotonic() + 60
        while not has_deployments(prefect_api_url(self._settings), _DEPLOYMENTS):
            if not runner.is_alive or time.monotonic() > until:
                raise PostFlowError(
                    f"The runner did not come up: {runner.last_words()} (see {runner.log})."
                )
            time.sleep(0.2)


def is_port_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def find_free_ports(count: int) -> list[int]:
    """Return ports that are free at this moment, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _local(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared, not bound
