"""Commands about how reviewers are read: explain, calibrate, overrides; none of them writes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from postflow.cli.output import (
    AsJson,
    console,
    open_configured_store,
    parse_moment,
    print_json,
    print_table,
    say,
)
from postflow.domain.house import HouseRules, judge_comment
from postflow.errors import ConfigurationError
from postflow.messages import say_moment, translate
from postflow.settings import load_settings
from postflow.settings.config_file import read_json
from postflow.store.timeline import is_our_word
from postflow.store.upload_detail import upload_detail
from postflow.store.view_types import TimelineEntry
from postflow.tracker.calibrating import Calibration, Trial, calibrate
from postflow.tracker.explaining import ExplanationView, explain_upload
from postflow.tracker.overrides import list_overrides

_LISTS = ("approval", "rejection", "ignored")


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(explain)
    app.command("calibrate")(try_rules)
    app.command()(overrides)


def explain(
    upload_id: Annotated[str | None, typer.Argument(help="Which upload.")] = None,
    *,
    text: Annotated[str | None, typer.Option(help="A comment to judge instead.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_moment,
            metavar="TIME",
            help="As it was known at this moment (UTC if no zone).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say why an upload is approved or not, or what PostFlow makes of a text.

    Example: postflow explain --text "ok pour moi, mais baissez la musique"
    """
    if (upload_id is None) == (text is None):
        raise typer.BadParameter("give an upload id, or --text with a comment")
    if text is not None:
        if at is not None:
            raise typer.BadParameter("--at is about an upload, not about --text")
        _explain_text(text, as_json=as_json)
        return
    settings, store = open_configured_store()
    with store.reading() as session:
        explanation = explain_upload(session, str(upload_id), settings, at=at)
        upload = upload_detail(session, str(upload_id), settings)
    if as_json:
        print_json({**explanation, "upload": upload})
        return
    _show_explanation(explanation)


def try_rules(
    *,
    keywords: Annotated[
        Path | None,
        typer.Option(help="A JSON file with the lists approval, rejection and ignored."),
    ] = None,
    approve_above: Annotated[
        float | None, typer.Option(min=0.5, max=1, help="Another analysis.approve_above.")
    ] = None,
    reject_below: Annotated[
        float | None, typer.Option(min=-0.5, max=0, help="Another analysis.reject_below.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_moment, metavar="DATE", help="Judge only comments written since then."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try other words or thresholds on all stored comments, and list what would flip.

    Nothing is changed. Exits with 1 when an approval would be lost or invented.

    Example: postflow calibrate --keywords words.json --since 2026-01-01
    """
    settings, store = open_configured_store()
    trial = Trial(
        keywords=read_keywords(keywords) if keywords else None,
        approve_above=approve_above,
        reject_below=reject_below,
        since=since,
    )
    with store.reading() as session:
        found = calibrate(session, settings, trial)
    if as_json:
        print_json(found)
    else:
        _show_calibration(found)
    if found["approvals_lost"] or found["approvals_invented"]:
        raise typer.Exit(1)


def overrides(*, as_json: AsJson = False) -> None:
    """List decisions by hand that contradicted the inferred one, by the rule that erred.

    Example: postflow overrides --json
    """
    settings, store = open_configured_store()
    with store.reading() as session:
        groups = list_overrides(session, settings)
    if as_json:
        print_json(groups)
        return
    print_table(
        [
            {**each, "rule": group["rule"], "count": group["count"]}
            for group in groups
            for each in group["overrides"]
        ],
        {
            "rule": "rule",
            "count": "times",
            "upload_id": "upload",
            "inferred": "PostFlow said",
            "decided": "decided",
            "by": "by",
            "reason": "because",
            "comment_text": "comment",
        },
        empty="No decision by hand has contradicted an inferred one.",
    )


def read_keywords(path: Path) -> HouseRules:
    """Return the lists of a keyword file; its keys may be those of the settings too.

    Raises ConfigurationError with what is wrong in which file.
    """
    content = read_json(path)
    content = content.get("analysis", content) if isinstance(content, dict) else None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} must hold one JSON object with lists of keywords.")
    lists = {key.removesuffix("_keywords"): words for key, words in content.items()}
    for key, words in lists.items():
        if key not in _LISTS:
            raise ConfigurationError(f"{path} has a list {key!r}; known are {', '.join(_LISTS)}.")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ConfigurationError(f"{key} in {path} must be a list of texts.")
    approval, rejection, ignored = (tuple(lists.get(key, ())) for key in _LISTS)
    return HouseRules(approval=approval, rejection=rejection, ignored=ignored)


def _explain_text(text: str, *, as_json: bool) -> None:
    judgement = judge_comment(text, load_settings().analysis.house)
    if as_json:
        print_json(
            {
                "verdict": judgement.verdict,
                "score": judgement.score,
                "explanation": judgement.reason,
                "rule": judgement.rule,
                "analyser_version": judgement.version,
            }
        )
    else:
        say(judgement.reason)


def _show_explanation(found: ExplanationView) -> None:
    console.rule(found["upload_id"])
    say(found["sentence"])
    say(f"Rule: {found['rule']}.")
    print_table(
        [{**each, "text": each["text"] or each["reason"]} for each in found["standings"]],
        {
            "at": "at",
            "who": "who",
            "said": "said",
            "worth": "what it is worth",
            "text": "words",
            "suggestion": "second opinion",
        },
        empty="Nobody has said anything.",
    )
    # Outside the table, which would fold what people copy.
    for said in (each for each in found["standings"] if each["comment_id"]):
        at = say_moment(datetime.fromisoformat(said["at"]))
        say(f"Comment of {said['who']}, {at}: {said['comment_id']}")
    for title, changes in (
        (f"Left open by version {found['version'] - 1}", found["left_open"]),
        ("To change", found["changes"]),
        ("Remarks", found["remarks"]),
    ):
        for each in changes:
            where = translate(f" at {each['where']}") if each["where"] else ""
            done = translate(" (done)") if each["done"] else ""
            told = f"{each['author']}{translate(':')} {each['text']} [{each['comment_id']}]"
            say(f"{translate(title)}{where}, {told}{done}")
    print_table(
        [_retell(entry) for entry in found["timeline"]],
        {"at": "at", "kind": "what", "who": "who", "text": "text", "reason": "reason"},
        empty="Nothing has happened yet.",
    )


def _retell(entry: TimelineEntry) -> TimelineEntry:
    """Return the entry with what PostFlow says of it in the reader's language."""
    if not is_our_word(entry):
        return entry
    return {**entry, "text": translate(entry["text"]), "reason": translate(entry["reason"])}


def _show_calibration(found: Calibration) -> None:
    flips = {"before": "now", "before_reason": "because", "after": "then", "after_reason": "why"}
    if found["comments"]:
        print_table(
            found["comments"],
            {"upload_id": "upload", "who": "who", "text": "comment", **flips},
            empty="",
        )
    if found["versions"]:
        print_table(
            found["versions"],
            {"upload_id": "upload", "version": "version", **flips, "approval": "approval"},
            empty="",
        )
    say(
        f"{found['comments_read']} comments on {found['versions_read']} versions judged anew: "
        f"{len(found['comments'])} comments and {len(found['versions'])} videos would flip, "
        f"{found['approvals_lost']} approvals lost, {found['approvals_invented']} invented."
    )
