"""The screens over the table: one upload's story, and the question before a decision."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Footer, Input, Label, Static

from postflow.dashboard.model import UploadStory
from postflow.dashboard.terminal.cells import STYLES, render_story
from postflow.dashboard.terminal.keys import translate_keys
from postflow.domain.standing import ReviewStatus
from postflow.messages import translate

VERBS = {
    ReviewStatus.APPROVED: "Approve",
    ReviewStatus.REJECTED: "Reject",
    ReviewStatus.PENDING: "Reopen",
}


class StoryScreen(Screen[None]):
    """Why one upload stands as it does, and all that happened to it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back", key_display="esc")
    ]

    def __init__(self, story: UploadStory) -> None:
        super().__init__()
        translate_keys(self)
        self._story = story
        self.upload_id = story.upload["upload_id"]

    def compose(self) -> ComposeResult:
        """Lay out title, text and keys."""
        upload = self._story.upload
        yield Static(
            Text.assemble(
                (upload["filename"], "bold"),
                f"  version {upload['version']}  ",
                (translate(upload["review_status"]), STYLES.get(upload["review_status"], "")),
                (f"  {upload['upload_id']}", "dim"),
            ),
            classes="totals",
        )
        with VerticalScroll():
            yield Static(render_story(self._story), id="story")
        yield Footer()


class DecisionScreen(ModalScreen[str | None]):
    """Asks for the reason of a decision; gives it back, or None when the person thinks again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "leave it")]

    def __init__(self, verb: str, verdict: ReviewStatus, filename: str, version: int) -> None:
        super().__init__()
        translate_keys(self)
        self._is_answered = False
        self._verb = Text(translate(verb), f"bold {STYLES[verdict]}")
        self._subject = f"{filename}, version {version}"

    def compose(self) -> ComposeResult:
        """Lay out the question and a line for the reason."""
        with Vertical(id="question"):
            yield Label(Text.assemble(self._verb, f" {self._subject}{translate('?')}"))
            yield Input(placeholder=translate("why; it is kept with the decision"), id="reason")
            yield Label(Text(translate("Enter decides, Escape leaves it as it is."), "dim"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the reason back."""
        self._answer(event.value.strip())

    def action_cancel(self) -> None:
        """Give nothing back."""
        self._answer(None)

    def _answer(self, reason: str | None) -> None:
        """Answer once: a second key may come before the question is gone."""
        if not self._is_answered:
            self._is_answered = True
            self.dismiss(reason)
