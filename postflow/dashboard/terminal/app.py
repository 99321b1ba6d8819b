"""The live full-screen view: totals, health, uploads, last events; keys to look and to decide.

Only cells that changed are drawn again, so that it stays calm over a slow line. It reads in threads
and never blocks on the store or the network.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import DataTable, Footer, Static

from postflow.clock import utc_now
from postflow.dashboard.model import UploadStory, can_undo
from postflow.dashboard.terminal.cells import (
    render_detail,
    render_events,
    render_health,
    render_totals,
    render_upload,
)
from postflow.dashboard.terminal.keys import keep_escape, translate_keys
from postflow.dashboard.terminal.screens import VERBS, DecisionScreen, StoryScreen
from postflow.dashboard.terminal.source import Health, Snapshot, Source
from postflow.domain.standing import ReviewStatus
from postflow.errors import PostFlowError
from postflow.messages import translate
from postflow.store.view_types import UploadStatusView

_REFRESH = 1.0
_HEALTH = 5.0
_EVENTS = 4
_COLUMNS = ("", "video", "stage", "waits", "left", "why")
_FIXED = {"": 1, "stage": 23, "waits": 6, "left": 7}
_PADDING = 2  # characters beside every cell
_WIDE = 110  # from this width on there is room for the reasons
_FILTERS: tuple[ReviewStatus | None, ...] = (None, *ReviewStatus)


class _Uploads(DataTable[Text]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select_cursor", "timeline")]


class DashboardApp(App[None]):
    """Watches a source until its user quits; decides only what the user confirms."""

    TITLE = "PostFlow"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    .totals { height: auto; max-height: 2; background: $primary-background; padding: 0 1; text-overflow: ellipsis; }
    #health { height: auto; max-height: 2; padding: 0 1; text-overflow: ellipsis; }
    DataTable { height: 1fr; }
    #detail { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #events { height: 5; border-top: solid $primary; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #story { padding: 0 1; height: auto; }
    DecisionScreen { align: center middle; }
    #question { width: 70; max-width: 95%; height: auto; border: round $primary; padding: 1 2; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide('approved')", "approve"),
        Binding("r", "decide('rejected')", "reject"),
        Binding("o", "decide('pending')", "reopen"),
        Binding("u", "undo", "undo"),
        Binding("f", "filter", "filter"),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, source: Source) -> None:
        super().__init__()
        translate_keys(self)
        keep_escape()
        self._source = source
        self._filter: ReviewStatus | None = None
        self._uploads: dict[str, UploadStatusView] = {}
        self._cells: dict[str, tuple[Text, ...]] = {}
        self._columns: tuple[str, ...] = ()
        self._lines: dict[str, Text] = {}
        self._at = utc_now()
        self._undoable: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        yield Static("…", id="totals", classes="totals")
        yield Static("", id="health")
        uploads = _Uploads(cursor_type="row", zebra_stripes=True)
        translate_keys(uploads)
        yield uploads
        yield Static("", id="detail")
        yield Static("", id="events")
        yield Footer()

    def on_mount(self) -> None:
        """Look at once, then again and again."""
        self._lay_out_columns(self.size.width)
        self._look()
        self._check_health()
        self.set_interval(_REFRESH, self._look)
        self.set_interval(_HEALTH, self._check_health)

    def on_resize(self, event: Resize) -> None:
        """Give the columns the new width."""
        self._lay_out_columns(event.size.width)

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Enter on a row tells its story."""
        upload = self._subject()
        if upload is not None:
            self._fetch_story(upload["upload_id"])

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """Say why the upload under the cursor stands as it does."""
        self._show_detail()

    def action_filter(self) -> None:
        """Show the next kind of review status only, or all again."""
        self._filter = _FILTERS[(_FILTERS.index(self._filter) + 1) % len(_FILTERS)]
        self._look()
        self.notify(translate(f"Showing {self._filter or 'all'}"), timeout=2)

    def action_decide(self, verdict: str) -> None:
        """Ask for a reason, and decide about the version that is shown."""
        status = ReviewStatus(verdict)

        def decide(upload_id: str, version: int, reason: str) -> None:
            self._source.decide(upload_id, version, status, reason)

        self._ask(VERBS[status], status, decide)

    def action_undo(self) -> None:
        """Ask for a reason, and take the approval of the version that is shown back."""
        self._ask("Undo the approval of", ReviewStatus.PENDING, self._source.undo)

    def _ask(self, verb: str, verdict: ReviewStatus, act: Callable[[str, int, str], None]) -> None:
        upload = self._subject()
        if upload is None:
            return
        upload_id, version = upload["upload_id"], upload["version"]
        question = DecisionScreen(verb, verdict, upload["filename"], version)
        self.push_screen(
            question, partial(self._on_answer, upload_id, partial(act, upload_id, version))
        )

    def _on_answer(self, upload_id: str, act: Callable[[str], None], reason: str | None) -> None:
        if reason is not None:
            self._act(upload_id, partial(act, reason))

    @work(thread=True, group="decide")
    def _act(self, upload_id: str, act: Callable[[], None]) -> None:
        try:
            act()
        except PostFlowError as error:
            self.call_from_thread(self._complain, str(error))
            return
        self.call_from_thread(self._show_decided, upload_id)

    @work(thread=True, exclusive=True, group="story")
    def _fetch_story(self, upload_id: str) -> None:
        try:
            story = self._source.load_story(upload_id)
        except PostFlowError as error:
            self.call_from_thread(self._complain, str(error))
            return
        if story is not None:
            self.call_from_thread(self._show_story, story)

    @work(thread=True, exclusive=True, group="look")
    def _look(self) -> None:
        try:
            snapshot = self._source.load(self._filter)
        except PostFlowError as error:
            self.call_from_thread(self._show_trouble, str(error))
            return
        self.call_from_thread(self._show, snapshot)

    @work(thread=True, exclusive=True, group="health")
    def _check_health(self) -> None:
        parts = self._source.check_health()
        self.call_from_thread(self._show_health, parts)

    def _show(self, snapshot: Snapshot) -> None:
        page = snapshot.dashboard
        self._at = page.at
        self._uploads = {upload["upload_id"]: upload for upload in page.uploads}
        self._set("#totals", render_totals(page.stats))
        self._set("#events", render_events(page.events, page, count=_EVENTS))
        self._fill(
            {
                upload_id: render_upload(upload, snapshot.progress.get(upload_id), now=page.at)
                for upload_id, upload in self._uploads.items()
            }
        )

        self._show_detail()

    def _show_detail(self) -> None:
        upload = self._under_cursor()
        self._set("#detail", render_detail(upload) if upload else Text(""))
        subject = self._subject()
        undoable = subject["upload_id"] if subject and can_undo(subject, self._at) else None
        if undoable != self._undoable:  # the keys at the foot are drawn again only then
            self._undoable = undoable
            self.refresh_bindings()

    def _show_trouble(self, sentence: str) -> None:
        self._set("#totals", Text(translate(sentence), "bold red"))

    def _show_health(self, parts: list[Health]) -> None:
        self._set("#health", render_health(parts))

    def _show_story(self, story: UploadStory) -> None:
        self.push_screen(StoryScreen(story))

    def _show_decided(self, upload_id: str) -> None:
        self._look()
        if isinstance(self.screen, StoryScreen):
            self.pop_screen()
            self._fetch_story(upload_id)

    def _complain(self, sentence: str) -> None:
        self.notify(translate(sentence), severity="error", markup=False)

    def _set(self, place: str, text: Text) -> None:
        if self._lines.get(place) == text:
            return  # nothing is drawn again that has not changed
        self._lines[place] = text
        # The first screen's, whatever lies over it now.
        self.screen_stack[0].query_one(place, Static).update(text)

    @property
    def _table(self) -> DataTable[Text]:
        return self.screen_stack[0].query_one(_Uploads)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer a key only where it does something."""
        top = self.screen_stack[-1]
        if action == "filter":
            return top is self.screen_stack[0]
        if action == "undo":
            subject = None if isinstance(top, DecisionScreen) else self._subject()
            return subject is not None and can_undo(subject, self._at)
        return not isinstance(top, DecisionScreen)

    def _subject(self) -> UploadStatusView | None:
        """Return the upload that a key is about: whose story is open, else the one under the cursor."""
        top = self.screen_stack[-1]
        if isinstance(top, StoryScreen):
            return self._uploads.get(top.upload_id)
        return self._under_cursor()

    def _under_cursor(self) -> UploadStatusView | None:
        if not self._cells:
            return None
        row = self._table.coordinate_to_cell_key(self._table.cursor_coordinate).row_key
        return self._uploads.get(row.value or "")

    def _lay_out_columns(self, width: int) -> None:
        """Make the columns as wide as the terminal allows; the names and reasons share the rest."""
        table = self._table
        is_wide = width >= _WIDE
        self._columns = _COLUMNS if is_wide else _COLUMNS[:-1]
        rest = width - sum(_FIXED.values()) - _PADDING * (len(self._columns) + 1)
        video = rest * 2 // 5 if is_wide else rest
        widths = {**_FIXED, "video": video, "why": rest - video}
        table.clear(columns=True)
        self._cells, shown = {}, self._cells
        for name in self._columns:
            table.add_column(translate(name), width=max(widths[name], 1), key=name)
        self._fill(shown)

    def _fill(self, cells: dict[str, tuple[Text, ...]]) -> None:
        """Bring the table up to these rows; where they are the same ones, only what changed."""
        table = self._table
        if list(cells) != list(self._cells):
            row = table.cursor_row
            table.clear()
            for upload_id, texts in cells.items():
                table.add_row(*texts[: len(self._columns)], key=upload_id)
            if cells:
                table.move_cursor(row=min(row, len(cells) - 1))
        else:
            for upload_id, texts in cells.items():
                old = self._cells[upload_id]
                for number, name in enumerate(self._columns):
                    if texts[number] != old[number]:
                        table.update_cell(upload_id, name, texts[number])
        self._cells = cells
