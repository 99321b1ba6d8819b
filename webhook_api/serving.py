"""`serve`: both faces and the tracker in one event loop, from settings to a clean end."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, ParamSpec

import structlog
from uvicorn.loops.auto import auto_loop_factory

from postflow.clock import utc_now
from postflow.delivery.recalling import RecallWriter
from postflow.frameio.client import FrameioClient
from postflow.frameio.opening import has_token, open_frameio
from postflow.frameio.retries import RetryPolicy
from postflow.notices import make_receivers
from postflow.settings import Settings
from postflow.settings.advice import list_warnings
from postflow.settings.prefect_url import prefect_api_url
from postflow.store.database import Store, open_store
from postflow.tracker.prefect_presence import PrefectPresence
from postflow.tracker.service import Tracker
from postflow.tracker.turns import share_turns
from postflow.webhook_secrets import LiveSecrets
from webhook_api.app import create_private_app, create_public_app
from webhook_api.guards import refuse_open_door
from webhook_api.intake import Intake
from webhook_api.listening import Server, address_of, listen, port_of
from webhook_api.metrics import AnswerCounts
from webhook_api.one_service import only_service
from webhook_api.public_face import WEBHOOK_PATH
from webhook_api.reaching import staying_reachable
from webhook_api.readiness import Readiness
from webhook_api.whole_requests import whole_requests_class

if TYPE_CHECKING:
    from postflow.flow_runs import PrefectFlowRuns

P = ParamSpec("P")
OnListening = Callable[[str, str], None]
"""Told the addresses of the public face ("" without one) and of the private face."""

# The tracker itself tries again later; a request that lingers would hold up all the others.
_READER_RETRIES = RetryPolicy(
    attempts=3,
    deadline=timedelta(seconds=20),
    after_failure=timedelta(seconds=2),
    longest_wait=timedelta(seconds=10),
)
_INBOX_WAIT = timedelta(seconds=3)
"""The longest wait for a lock that still leaves time to answer before Frame.io gives up."""
_STOP_SECONDS = 5.0
_log = structlog.get_logger("postflow.serve")


def run(settings: Settings, *, on_listening: OnListening | None = None) -> None:
    """Serve until SIGINT or SIGTERM; raises ConfigurationError or StoreError if it cannot start."""

    def settle_down(public: str, private: str) -> None:
        # What was loaded stays to the end. Looking at all of it in each full collection takes a
        # fifth of a second, in which no delivery is answered (docs/performance.md).
        gc.collect()
        gc.freeze()
        if on_listening is not None:
            on_listening(public, private)

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(serve(settings, on_listening=settle_down))


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event | None = None,
    on_listening: OnListening | None = None,
) -> None:
    """Serve until `stop` is set; without one, until SIGINT or SIGTERM.

    Needs neither Prefect nor a Frame.io token to start: it stores, warns and catches up later.
    """
    refuse_open_door(settings.dashboard)
    async with AsyncExitStack() as stack:
        stop = stop or stack.enter_context(_stopped_by_signals())
        private = stack.enter_context(_listen_private(settings))
        public = stack.enter_context(_listen_public(settings)) if settings.webhook.enabled else None
        secrets = LiveSecrets(settings)
        store = await asyncio.to_thread(_open_store, settings)
        stack.callback(store.close)
        await stack.enter_async_context(only_service(store))
        flow_runs = await asyncio.to_thread(_make_flow_runs, settings)
        await stack.enter_async_context(flow_runs.kept_open())
        frameio = await stack.enter_async_context(_opening_frameio(settings, store))
        tracker = Tracker(
            store=store,
            frameio=frameio,
            flow_runs=flow_runs,
            settings=settings,
            receivers=make_receivers(settings.notices),
            write_recalls=RecallWriter(store).run_once,
        )
        service = _Service(settings, store=store, tracker=tracker, stop=stop)
        service.add_private(private)
        if public is not None:
            # Its own connections: no number of busy readers may keep a delivery from its commit.
            inbox = await asyncio.to_thread(_open_store, settings, longest_wait=_INBOX_WAIT)
            stack.callback(inbox.close)
            stack.callback(service.add_public(public, secrets, inbox).close)
            reach = staying_reachable(
                settings, origin=address_of(public), store=store, frameio=frameio, stop=stop
            )
            await stack.enter_async_context(reach)
        _warn(settings, has_secret=bool(secrets.current()))
        async with _in_background(_look_for_prefect(flow_runs, tracker.prefect)):
            await service.run(
                lambda: on_listening and on_listening(_shown(public), address_of(private))
            )


class _Service:
    """What runs at the same time: the tracker and one server per face."""

    def __init__(
        self, settings: Settings, *, store: Store, tracker: Tracker, stop: asyncio.Event
    ) -> None:
        self._settings = settings
        self._store = store
        self._tracker = tracker
        self._stop = stop
        self._tracking = asyncio.create_task(tracker.run(stop), name="tracker")
        self._servers: list[tuple[Server, socket.socket]] = []
        self._answers = AnswerCounts()

    def add_private(self, listener: socket.socket) -> None:
        """Serve the team on this socket."""
        app = create_private_app(
            settings=self._settings,
            store=self._store,
            port=port_of(listener),
            readiness=Readiness(self._store, is_tracking=lambda: not self._tracking.done()),
            answers=self._answers,
            on_decision=_from_any_thread(self._tracker.wake_resumer),
        )
        self._servers.append((Server(app), listener))

    def add_public(self, listener: socket.socket, secrets: LiveSecrets, inbox: Store) -> Intake:
        """Serve Frame.io on this socket; return the started intake, which is to be closed."""
        intake = Intake(inbox, on_commit=_from_any_thread(self._tracker.wake))
        intake.start()
        app = create_public_app(
            settings=self._settings,
            intake=intake,
            secrets=secrets.current,
            answers=self._answers,
        )
        connection = whole_requests_class(WEBHOOK_PATH, app.take_whole)
        self._servers.append((Server(app, connection=connection), listener))
        return intake

    async def run(self, on_listening: Callable[[], object]) -> None:
        """Run until told to stop, or until a part ends by itself, which is an error."""
        serving = [
            asyncio.create_task(server.serve(sockets=[listener]))
            for server, listener in self._servers
        ]
        parts = [self._tracking, *serving]
        ending = asyncio.create_task(self._stop.wait())
        listening = asyncio.create_task(self._wait_until_listening())
        try:
            await asyncio.wait([listening, *parts], return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                on_listening()
                await asyncio.wait([ending, *parts], return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
            ending.cancel()
            await self._end(parts)
        for part in parts:
            if not part.cancelled():
                part.result()

    async def _wait_until_listening(self) -> None:
        for server, _ in self._servers:
            await server.listening.wait()

    async def _end(self, parts: Sequence[asyncio.Task[None]]) -> None:
        """Stop everything; what does not end within some seconds is cancelled."""
        self._stop.set()
        for server, _ in self._servers:
            server.should_exit = True
        _, late = await asyncio.wait(parts, timeout=_STOP_SECONDS)
        for part in late:
            part.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _listen_private(settings: Settings) -> socket.socket:
    return listen(settings.dashboard.host, settings.dashboard.port, section="dashboard")


def _listen_public(settings: Settings) -> socket.socket:
    return listen(settings.webhook.host, settings.webhook.port, section="webhook")


def _shown(listener: socket.socket | None) -> str:
    return address_of(listener) if listener else ""


def _open_store(settings: Settings, *, longest_wait: timedelta = timedelta.max) -> Store:
    database = settings.database
    patience = min(database.busy_timeout, longest_wait)
    return open_store(database.url, create=True, busy_timeout=patience)


def _make_flow_runs(settings: Settings) -> PrefectFlowRuns:
    from postflow.flow_runs import PrefectFlowRuns  # noqa: PLC0415 - importing Prefect takes over a second

    return PrefectFlowRuns(prefect_api_url(settings), longest_start=settings.tracker.longest_start)


@asynccontextmanager
async def _opening_frameio(settings: Settings, store: Store) -> AsyncIterator[FrameioClient | None]:
    """Give a client, or None if nobody can sign in: events are then only stored."""
    if not has_token(settings.frameio):
        yield None
        return
    turns = share_turns(store, utc_now)
    async with open_frameio(settings.frameio, retries=_READER_RETRIES, take_turn=turns) as frameio:
        yield frameio


def _from_any_thread(call: Callable[P, None]) -> Callable[P, None]:
    """Return `call` as something that any thread may call: it runs in this event loop."""
    loop = asyncio.get_running_loop()

    def hand_over(*args: P.args, **kwargs: P.kwargs) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(partial(call, *args, **kwargs))

    return hand_over


@contextmanager
def _stopped_by_signals() -> Iterator[asyncio.Event]:
    """Give an event that SIGINT and SIGTERM set, where this thread may listen to signals."""
    stop = asyncio.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for each in signals:
        loop.add_signal_handler(each, stop.set)
    try:
        yield stop
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


@asynccontextmanager
async def _in_background(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()


def _warn(settings: Settings, *, has_secret: bool) -> None:
    """Say what this service will not do as it is configured."""
    if settings.webhook.enabled and not has_secret:
        _log.warning(
            "no webhook secret: every delivery is answered 503",
            remedy="postflow webhook register, or webhook.secrets",
        )
    for warning in list_warnings(settings):
        _log.warning(warning)


async def _look_for_prefect(flow_runs: PrefectFlowRuns, presence: PrefectPresence) -> None:
    if not await flow_runs.is_reachable():
        presence.note_away(f"Prefect's server at {flow_runs.api_url} does not answer")
