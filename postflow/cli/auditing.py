"""Commands about the record itself: `audit verify`; they change nothing."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from postflow.auditing import Audit, verify
from postflow.cli.output import AsJson, open_configured_store, print_json, say

audit_app = typer.Typer(help="Check that nobody has changed the record.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(audit_app, name="audit")


@audit_app.command("verify")
def verify_record(
    upload_id: Annotated[str | None, typer.Argument(help="One upload; all when left out.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Check every decision's hash and place, and every manifest against the decision it names.

    Exits with 1 and names the first broken link if one does not hold.

    Example: postflow audit verify
    """
    settings, store = open_configured_store()
    with closing(store), store.reading() as session:
        audit = verify(session, settings.post_processing.output_dir, upload_id=upload_id)
    if as_json:
        print_json(_view(audit))
    else:
        _show(audit)
    if audit.broken:
        raise typer.Exit(1)


def _view(audit: Audit) -> dict[str, object]:
    return {
        "holds": not audit.broken,
        "uploads": audit.uploads,
        "decisions": audit.decisions,
        "manifests": audit.manifests,
        "moved": audit.moved,
        "broken": [
            {"upload_id": upload_id, "decision_id": link.decision_id, "sentence": link.sentence}
            for upload_id, link in audit.broken
        ],
    }


def _show(audit: Audit) -> None:
    if audit.broken:
        say(audit.broken[0][1].sentence)
        more = len(audit.broken) - 1
        if more:
            say(f"{more} more do not hold; `postflow audit verify --json` lists them.")
        return
    say(
        f"The record holds (uploads: {audit.uploads}, decisions: {audit.decisions}, manifests "
        f"compared: {audit.manifests})."
    )
    for path in audit.moved:
        say(f"Not compared, because it is not where it was delivered: {path}")
