"""The full-screen view: what it shows in 80×24, what its keys do, and how little it draws again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session
from textual.pilot import Pilot
from textual.widgets import DataTable, Static
from textual.worker import WorkerCancelled

from postflow.dashboard.model import UploadStory, load_dashboard, load_story
from postflow.dashboard.terminal.app import DashboardApp
from postflow.dashboard.terminal.screens import DecisionScreen, StoryScreen
from postflow.dashboard.terminal.source import Health, Snapshot, Source
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind
from postflow.errors import StoreUnavailableError
from postflow.store.database import Store, open_store
from postflow.store.tables import UploadRow
from postflow.store.uploads import register_upload
from postflow.store.waits import open_wait
from tests.factories import NOW, after, make_settings

Play = Callable[[Pilot[None], DashboardApp], Awaitable[None]]


@dataclass
class Desk:
    """A source on a real store; decisions are only written down."""

    store: Store
    decided: list[tuple[str, int, ReviewStatus, str]] = field(default_factory=list)
    undone: list[tuple[str, int, str]] = field(default_factory=list)
    trouble: str | None = None

    def load(self, review_status: ReviewStatus | None) -> Snapshot:
        """Read the first page, or fail as a locked store does."""
        if self.trouble:
            raise StoreUnavailableError(self.trouble)
        with self.store.reading() as session:
            page = load_dashboard(session, now=after(600), review_status=review_status, uploads=200)
        return Snapshot(dashboard=page, progress={"shot-00": 0.5})

    def load_story(self, upload_id: str) -> UploadStory | None:
        """Read one story."""
        with self.store.reading() as session:
            return load_story(session, upload_id, settings=make_settings(), now=after(600))

    def decide(self, upload_id: str, version: int, verdict: ReviewStatus, reason: str) -> None:
        """Write the decision down."""
        self.decided.append((upload_id, version, verdict, reason))

    def undo(self, upload_id: str, version: int, reason: str) -> None:
        """Write down what is taken back."""
        self.undone.append((upload_id, version, reason))

    def play(self, story: Play, *, size: tuple[int, int] = (80, 24)) -> None:
        """Run the view in a terminal of this size while the story happens."""
        app = DashboardApp(
            Source(
                load=self.load,
                load_story=self.load_story,
                decide=self.decide,
                undo=self.undo,
                check_health=lambda: [Health(name="Prefect", is_well=False, text="down")],
            )
        )

        async def run() -> None:
            async with app.run_test(size=size) as pilot:
                await settle(pilot, app)
                await story(pilot, app)

        asyncio.run(run())


async def settle(pilot: Pilot[None], app: DashboardApp) -> None:
    """Wait until all that was asked for has been read and drawn."""
    await pilot.pause()
    for _ in range(20):
        with suppress(WorkerCancelled):  # a look that takes long is overtaken by the next one
            await app.workers.wait_for_complete()
            break
    else:
        raise AssertionError("looks overtake each other for ever")
    await pilot.pause()


def line(app: DashboardApp, place: str) -> str:
    """Return what stands in a line of the first screen."""
    return str(app.screen_stack[0].query_one(place, Static).visual)


def cells(app: DashboardApp) -> list[list[str]]:
    """Return the table as texts."""
    table = app.screen_stack[0].query_one(DataTable)
    return [[str(cell) for cell in table.get_row_at(row)] for row in range(table.row_count)]


def add_upload(session: Session, number: int) -> None:
    """Add a video that waits for its approval; the first is still in flight."""
    upload = register_upload(
        session,
        upload_id=f"shot-{number:02}",
        filename=f"shot_{number:02}[bold].mp4",
        now=NOW - timedelta(seconds=number),
    )
    upload.status = UploadStatus.UPLOADING if number == 0 else UploadStatus.READY
    if number:
        open_wait(
            session,
            upload=upload,
            kind=WaitKind.APPROVAL,
            flow_run_id=f"00000000-0000-0000-0000-{number:012}",
            now=NOW,
            timeout=timedelta(minutes=5 if number == 1 else 70),
        )


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    """Give sixty uploads to look at."""
    store = open_store(sqlite_url)
    with store.writing() as session:
        for number in range(60):
            add_upload(session, number)
    yield Desk(store=store)
    store.close()


def test_sixty_uploads_fit_a_small_terminal(desk: Desk) -> None:
    """In 80×24 there are totals, health, bars, ages and deadlines, and names are no markup."""

    async def story(_pilot: Pilot[None], app: DashboardApp) -> None:
        rows = cells(app)
        assert len(rows) == 60
        assert rows[0][1:3] == ["shot_00[bold].mp4", "████░░░░  50%"]
        assert rows[1][1:] == ["shot_01[bold].mp4", "waits for reviewers", "10 min", "overdue"]
        assert rows[2][4] == "1 h"
        assert "60 videos" in line(app, "#totals")
        assert "Prefect down" in line(app, "#health")
        assert "shot_00[bold].mp4" in line(app, "#detail")

    desk.play(story)


def test_enter_opens_the_timeline(desk: Desk) -> None:
    """Enter shows why the upload under the cursor stands as it does; Escape leads back."""

    async def story(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("down", "enter")
        await settle(pilot, app)
        assert isinstance(app.screen, StoryScreen)
        text = str(app.screen.query_one("#story", Static).visual)
        assert "registered as shot_01[bold].mp4" in text
        await pilot.press("escape")
        assert not isinstance(app.screen, StoryScreen)

    desk.play(story)


@pytest.mark.parametrize(
    ("key", "verdict"),
    [
        ("a", ReviewStatus.APPROVED),
        ("r", ReviewStatus.REJECTED),
        ("o", ReviewStatus.PENDING),
    ],
    ids=["approve", "reject", "reopen"],
)
def test_decision_is_made_after_its_reason(desk: Desk, key: str, verdict: ReviewStatus) -> None:
    """A key only asks; the decision is about the version on the screen and carries the reason."""

    async def story(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("down", key)
        assert isinstance(app.screen, DecisionScreen)
        assert desk.decided == []
        await pilot.press(*"client called", "enter")
        await settle(pilot, app)
        assert desk.decided == [("shot-01", 1, verdict, "client called")]

    desk.play(story)


def test_escape_decides_nothing(desk: Desk) -> None:
    """Who thinks again leaves everything as it was, also from a timeline."""

    async def story(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("enter")
        await settle(pilot, app)
        await pilot.press("a", *"why not", "escape")
        await settle(pilot, app)
        assert desk.decided == []
        assert isinstance(app.screen, StoryScreen)

    desk.play(story)


def test_undo_is_offered_while_it_is_possible(desk: Desk) -> None:
    """Only where an approval can still be taken back there is a key for it, which asks first."""
    with desk.store.writing() as session:
        for upload_id, seconds in (("shot-01", 900), ("shot-02", 300)):
            upload = session.get_one(UploadRow, upload_id)
            upload.review_status, upload.undo_until = ReviewStatus.APPROVED, after(seconds)

    def is_offered(app: DashboardApp) -> bool:
        return "u" in app.screen.active_bindings

    async def story(pilot: Pilot[None], app: DashboardApp) -> None:
        assert not is_offered(app)
        await pilot.press("u")
        assert not isinstance(app.screen, DecisionScreen)
        await pilot.press("down")
        assert is_offered(app)
        assert "delivered at 09:15 UTC unless undone" in line(app, "#detail")
        await pilot.press("enter")
        await settle(pilot, app)
        assert is_offered(app)
        await pilot.press("u", *"oh no", "escape", "escape", "u", *"wrong file", "enter")
        await settle(pilot, app)
        assert desk.undone == [("shot-01", 1, "wrong file")]
        assert desk.decided == []
        await pilot.press("down")
        assert not is_offered(app)  # its time is over

    desk.play(story)


def test_filter_shows_one_status(desk: Desk) -> None:
    """The filter goes through the review statuses and back to all."""

    async def story(pilot: Pilot[None], app: DashboardApp) -> None:
        counts = []
        for _ in range(4):
            await pilot.press("f")
            await settle(pilot, app)
            counts.append(len(cells(app)))
        assert counts == [60, 0, 0, 60]

    desk.play(story)


def test_nothing_new_draws_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking again at an unchanged store changes no cell and no line, so nothing flickers."""
    drawn: list[str] = []

    def watch(widget: object, name: str) -> None:
        real = getattr(widget, name)

        def noted(*arguments: Any, **named: Any) -> Any:
            drawn.append(name)
            return real(*arguments, **named)

        monkeypatch.setattr(widget, name, noted)

    async def story(pilot: Pilot[None], app: DashboardApp) -> None:
        watch(app.query_one(DataTable), "update_cell")
        watch(app.query_one(DataTable), "clear")
        for place in ("#totals", "#health", "#detail", "#events"):
            watch(app.query_one(place), "update")
        app._look()
        await settle(pilot, app)
        assert drawn == []
        with desk.store.writing() as session:
            session.get_one(UploadRow, "shot-05").status = UploadStatus.UPLOADED
        app._look()
        await settle(pilot, app)
        assert drawn == ["update_cell"]

    desk.play(story)


def test_unreadable_store_is_said_and_outlived(desk: Desk) -> None:
    """While the store cannot be read the view says so, and goes on by itself afterwards."""

    async def story(pilot: Pilot[None], app: DashboardApp) -> None:
        desk.trouble = "The store is locked."
        app._look()
        await settle(pilot, app)
        assert line(app, "#totals") == "The store is locked."
        desk.trouble = None
        app._look()
        await settle(pilot, app)
        assert "60 videos" in line(app, "#totals")

    desk.play(story)


def test_wide_terminal_has_reasons(desk: Desk) -> None:
    """From 110 characters on there is a column for the reasons, also after a resize."""

    async def story(pilot: Pilot[None], app: DashboardApp) -> None:
        assert len(cells(app)[0]) == 6
        await pilot.resize_terminal(80, 24)
        await settle(pilot, app)
        assert len(cells(app)[0]) == 5

    desk.play(story, size=(140, 40))


def test_dashboard_needs_a_terminal(tmp_path: Path) -> None:
    """Without a terminal the command says which commands print the same."""
    from postflow.cli.main import run_program  # noqa: PLC0415 - the only test that needs it

    assert run_program(["dashboard"]) == 1


def test_view_speaks_french(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headings, stages, totals, health and keys are French for a French reader; names are not."""
    monkeypatch.setenv("POSTFLOW_LANG", "fr")

    async def story(_pilot: Pilot[None], app: DashboardApp) -> None:
        table = app.screen.query_one(DataTable)
        assert [str(column.label) for column in table.ordered_columns][1:4] == [
            "vidéo",
            "étape",
            "attend",
        ]
        assert cells(app)[1][1:] == [
            "shot_01[bold].mp4",
            "attend les relecteurs",
            "10 min",
            "dépassé",
        ]
        assert "60 vidéos" in line(app, "#totals")
        assert "Prefect ne répond pas" in line(app, "#health")
        keys = {bound.binding.description for bound in app.screen.active_bindings.values()}
        assert {"approuver", "refuser", "rouvrir", "filtrer", "quitter", "histoire"} <= keys

    desk.play(story)
