"""The tracker's loops: settle, look, reconcile, wake, announce, notify, write recalls.

Each goes on whatever happens to the others. Loops catch their errors here and nowhere else: one log
line, the rows stay for another try.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from time import monotonic

import structlog

from postflow.clock import pause
from postflow.errors import PostFlowError
from postflow.notices import Receiver
from postflow.second_opinion import Ask, open_opinions
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.leadership import Duty, Leadership
from postflow.tracker.announcer import Announcer
from postflow.tracker.arrivals import Arrivals
from postflow.tracker.foreign import ForeignSettler
from postflow.tracker.notifier import Notifier
from postflow.tracker.outbox import Due
from postflow.tracker.ports import Clock, FlowRuns, FrameioReader, utc_now
from postflow.tracker.prefect_presence import PrefectPresence
from postflow.tracker.reconciler import Reconciler
from postflow.tracker.resumer import Resumer
from postflow.tracker.second_opinion import SecondOpinions, wants_second_opinion
from postflow.tracker.settling import Settler

_INBOX_LOOK = timedelta(milliseconds=500)
"""How long a row may lie that another process wrote; rows of this process wake the loop."""
_SHORTEST_REST = timedelta(milliseconds=10)
_LONGEST_REST = timedelta(milliseconds=100)
_UNKNOWN_TOGETHER = timedelta(milliseconds=100)
"""How long events of projects that never brought us anything may wait for each other."""
_FOREIGN_TOGETHER = timedelta(milliseconds=300)
"""How long foreign events may gather: one statement settles them all."""
_DUE_LOOK = timedelta(seconds=1)
_RECONCILE_LOOK = timedelta(seconds=5)
_RECALL_LOOK = timedelta(seconds=5)
_AFTER_A_FAILURE = timedelta(seconds=5)
_log = structlog.get_logger("postflow.tracker")


class Tracker:
    """Everything that happens after a delivery is in the inbox.

    Without `frameio` (no token yet) events are kept unsettled until a start with one.
    """

    def __init__(
        self,
        *,
        store: Store,
        frameio: FrameioReader | None,
        flow_runs: FlowRuns,
        settings: Settings,
        receivers: Sequence[Receiver] = (),
        write_recalls: Callable[[], int] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._inbox_has_news = asyncio.Event()
        self._inbox_has_foreign_news = asyncio.Event()
        self._outbox_has_news = asyncio.Event()
        self._waking: asyncio.TimerHandle | None = None
        self.prefect = PrefectPresence()
        self.resumer = Resumer(
            store=store,
            flow_runs=flow_runs,
            settings=settings,
            clock=clock,
            prefect=self.prefect,
        )
        self.announcer = Announcer(
            store=store,
            flow_runs=flow_runs,
            clock=clock,
            notices=settings.notices,
            receivers=receivers,
            prefect=self.prefect,
        )
        self.notifier = Notifier(
            store=store, settings=settings.notices, receivers=receivers, clock=clock
        )
        self.settler = (
            Settler(
                store=store,
                frameio=frameio,
                settings=settings,
                clock=clock,
                # At once: a verdict does not wait for the looks behind it.
                on_due=self._hand_over,
            )
            if frameio is not None
            else None
        )
        self._leadership = Leadership(store, Duty.RECONCILE)
        self.reconciler = (
            Reconciler(
                store=store,
                settings=settings,
                arrivals=Arrivals(store=store, frameio=frameio, settings=settings, clock=clock),
                leadership=self._leadership,
                clock=clock,
            )
            if frameio is not None
            else None
        )
        self._store, self._settings, self._clock = store, settings, clock
        self._write_recalls = write_recalls
        self._resume_every = settings.tracker.resume_every
        self.foreign = ForeignSettler(store=store, clock=clock)

    def wake(self, projects: Collection[str | None] = (None,)) -> None:
        """Say that the inbox has news, and of which projects; call it in the loop's own thread.

        Events of projects that have brought us something before are taken at once. The others are
        most likely foreign, so they are looked through together, a moment later.
        """
        self._inbox_has_foreign_news.set()
        if self.settler is not None and self.settler.projects.isdisjoint(projects):
            if self._waking is None:
                loop = asyncio.get_running_loop()
                self._waking = loop.call_later(_UNKNOWN_TOGETHER.total_seconds(), self._wake_now)
        else:
            self._inbox_has_news.set()

    def _wake_now(self) -> None:
        self._waking = None
        self._inbox_has_news.set()

    def _hand_over(self, due: Sequence[Due]) -> None:
        self.resumer.hand_over(due)
        self.wake_resumer()

    def wake_resumer(self) -> None:
        """Say that somebody may have decided; call it in the loop's own thread."""
        self._outbox_has_news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Run all loops until `stop` is set; finishes what it is doing first."""
        async with asyncio.TaskGroup() as beside:
            await self._run(stop, beside)

    async def _run(self, stop: asyncio.Event, beside: asyncio.TaskGroup) -> None:
        loops = [
            self._repeat(
                "resume",
                partial(self.resumer.wake_beside, beside),
                self._resume_every,
                stop,
                news=self._outbox_has_news,
            ),
            self._repeat("look after flow runs", self._look_after, self._resume_every, stop),
            self._repeat("announce", self.announcer.run_once, _DUE_LOOK, stop),
            self._repeat("notify", self.notifier.run_once, _DUE_LOOK, stop),
        ]
        if self.settler is None:
            _log.warning(
                "no Frame.io token: events are kept, and settled after a start with a token"
            )
        else:
            loops += [
                self._repeat(
                    "settle",
                    partial(self.settler.settle_beside, beside),
                    _INBOX_LOOK,
                    stop,
                    news=self._inbox_has_news,
                    rest=_rest_after_nothing,
                ),
                self._repeat(
                    "settle foreign events",
                    self.foreign.run_once,
                    _INBOX_LOOK,
                    stop,
                    news=self._inbox_has_foreign_news,
                    rest=lambda _, __: _FOREIGN_TOGETHER,
                ),
                self._repeat("look", self.settler.look_at_due, _DUE_LOOK, stop),
            ]
        if self._write_recalls is not None:
            write = partial(asyncio.to_thread, self._write_recalls)
            loops.append(self._repeat("write recalls", write, _RECALL_LOOK, stop))
        if self.reconciler is not None:
            loops.append(self._repeat("reconcile", self.reconciler.run_once, _RECONCILE_LOOK, stop))
        async with AsyncExitStack() as stack:
            stack.callback(self._leadership.close)
            if wants_second_opinion(self._settings):
                opinions = self._make_opinions(await stack.enter_async_context(open_opinions()))
                loops.append(self._repeat("second opinion", opinions, _DUE_LOOK, stop))
            await asyncio.gather(*loops)

    def _make_opinions(self, ask: Ask) -> Callable[[], Awaitable[int]]:
        settler = self.settler
        opinions = SecondOpinions(
            store=self._store,
            settings=lambda: settler.settings if settler else self._settings,
            ask=ask,
            clock=self._clock,
        )

        async def run_once() -> int:
            count = await opinions.run_once()
            if count:
                self._outbox_has_news.set()
            return count

        return run_once

    async def _look_after(self) -> int:
        count = await self.resumer.look_after()
        if count:
            self._outbox_has_news.set()
        return count

    async def _repeat(
        self,
        name: str,
        once: Callable[[], Awaitable[int]],
        every: timedelta,
        stop: asyncio.Event,
        *,
        news: asyncio.Event | None = None,
        rest: Callable[[int, timedelta], timedelta] = lambda _, __: timedelta(0),
    ) -> None:
        while not stop.is_set():
            length, count, began = every, 0, monotonic()
            try:
                count = await once()
            except PostFlowError as error:
                _log.warning(f"{name} failed, will go on", error=str(error))
                length = _AFTER_A_FAILURE
            except Exception:  # noqa: BLE001 - the one place that keeps a loop alive; it logs
                _log.exception(f"{name} failed unexpectedly, will go on")
                length = _AFTER_A_FAILURE
            took = timedelta(seconds=monotonic() - began)
            await _sleep(rest(count, took), stop, None)
            await _sleep(length, stop, news)


def _rest_after_nothing(count: int, took: timedelta) -> timedelta:
    """Return how long to leave the inbox alone after it had nothing of ours.

    While its news are foreign events, asking for ours takes a third of the time at most.
    """
    return timedelta(0) if count else min(max(2 * took, _SHORTEST_REST), _LONGEST_REST)


async def _sleep(length: timedelta, stop: asyncio.Event, news: asyncio.Event | None) -> None:
    """Wait for the pause to pass, for news, or for the end, whatever comes first."""
    if not length:
        return
    if news is None:
        await pause(length, stop)
        return
    await pause(length, stop, news)
    news.clear()
