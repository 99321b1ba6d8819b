"""`postflow test`: what would come of a review under the user's own settings and words."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from postflow.cli.demo.casting import cast_reviewers
from postflow.cli.demo.rehearsal import Ending, play
from postflow.cli.demo.stories import STORIES, assign_stories
from postflow.cli.demo.videos import make_videos
from postflow.cli.output import AsJson, console, print_json, say, say_worth
from postflow.domain.house import judge_comment
from postflow.domain.standing import ReviewStatus
from postflow.logs import configure_logs
from postflow.messages import translate, translate_reason
from postflow.settings import Settings, load_settings
from postflow.settings.sections import LogSettings
from postflow.submitting import find_videos

_MARKS = {ReviewStatus.APPROVED: "✔", ReviewStatus.REJECTED: "✘", ReviewStatus.PENDING: "…"}


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("test")(rehearse)


def rehearse(
    *,
    scenario: Annotated[
        Path | None, typer.Option(help="Reviewers of your own, as for `postflow simulator`.")
    ] = None,
    videos: Annotated[
        Path | None, typer.Option(help="A folder of your own videos instead of test pictures.")
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="Use what `projects` says for this Frame.io project.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play a review under your own settings and words on a simulated Frame.io.

    Touches neither your account nor your store, and tells for every video what reviewers said,
    how it was read, and what would have happened. Exit 1 when an approved video could not be
    delivered with your post_processing settings.

    Example: postflow test --scenario examples/reviewers.yaml
    """
    settings = load_settings().for_project(project)
    configure_logs(LogSettings(level="ERROR"))  # what the tracker does is told at the end
    given = find_videos([videos]) if videos else None
    with tempfile.TemporaryDirectory(prefix="postflow-test-") as name:
        folder = Path(name)
        with console.status("Playing a review on a simulated Frame.io…"):
            made = given or make_videos(folder / "videos", [story.name for story in STORIES])
            endings = play(settings, folder, assign_stories(made), scenario)
    if as_json:
        print_json(endings)
    else:
        _show(settings, endings, is_own_scenario=scenario is not None)
    if any(ending["failure"] for ending in endings):
        raise typer.Exit(1)


def _show(settings: Settings, endings: Sequence[Ending], *, is_own_scenario: bool) -> None:
    if not is_own_scenario:
        for reviewer, approver in cast_reviewers(settings).played.items():
            say(f"{reviewer} plays your approver {approver}.")
    for ending in endings:
        _show_ending(settings, ending)
    for kind, words in settings.analysis.keywords.items():
        for word in words:
            say(
                f"Your {kind} word {word!r} alone: {judge_comment(word, settings.analysis.house).reason}"
            )
    say("Nothing of this touched your Frame.io account, your store or your deliveries.")


def _show_ending(settings: Settings, ending: Ending) -> None:
    found = ending["explanation"]
    mark = _MARKS[ReviewStatus(found["review_status"])]
    title = f" ({translate(ending['title'])})" if ending["title"] else ""
    say(f"\n{mark} {ending['video']}{title}{translate(':')} {translate(found['review_status'])}")
    for each in found["standings"]:
        said = f" {each['text']!r}" if each["text"] else ""
        read = f"{translate_reason(each['reason'])}{translate(';')} {say_worth(each['worth'])}"
        say(f"    {each['who']}{said}{translate(':')} {read}")
    for change in found["changes"]:
        where = f" at {change['where']}" if change["where"] else ""
        say(f"    to change{where}: {change['text']}")
    say(f"    {translate(_say_consequence(settings, ending))}")


def _say_consequence(settings: Settings, ending: Ending) -> str:
    found = ending["explanation"]
    if ending["failure"]:
        return f"would not be delivered: {ending['failure']}"
    if ending["delivery"]:
        return f"would be delivered as {settings.post_processing.output_dir / ending['delivery']}"
    if found["held"]:
        return f"would be held until somebody releases it: {found['held']['reason']}"
    if found["quiet_until"]:
        quiet = settings.review.quiet_period.total_seconds()
        return f"would be approved once nobody has commented for {quiet:.0f} s"
    if found["review_status"] == ReviewStatus.REJECTED:
        return f"would not be delivered (review.on_rejected: {settings.review.on_rejected})"
    return "would go on waiting"
