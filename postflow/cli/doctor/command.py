"""The command `postflow doctor`: all checks, one line each, and an exit code for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.text import Text

from postflow.cli.doctor import frameio_side, machine, prefect_server, reach
from postflow.cli.doctor.findings import Finding, Group, Mark, examine, failed, ok, unchecked
from postflow.cli.output import AsJson, console, print_json, say
from postflow.errors import ConfigurationError
from postflow.messages import translate
from postflow.settings import Settings, load_settings
from postflow.settings.config_file import find_config

_SIGNS = {Mark.OK: ("✔", "green"), Mark.WARNING: ("!", "yellow"), Mark.FAILED: ("✘", "red")}
_NEED_SETTINGS = (
    *machine.WITH_SETTINGS,
    *frameio_side.GROUPS,
    *reach.GROUPS,
    *prefect_server.GROUPS,
)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(doctor)


def doctor(*, as_json: AsJson = False) -> None:
    """Check everything that PostFlow depends on, and say what to do; exit 1 if something fails.

    Nothing is changed, except that a delivery of its own is sent through the public address.

    Example: postflow doctor
    """
    with console.status("Looking at everything…"):
        findings = list_findings()
    if as_json:
        print_json([{**asdict(each), "mark": each.mark.value} for each in findings])
    else:
        _show(findings)
    if any(each.mark is Mark.FAILED for each in findings):
        raise typer.Exit(1)


def list_findings() -> list[Finding]:
    """Make every check and return what was found, the settings first."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        broken = failed("settings", str(error))
        rest = [unchecked(check, "the settings come first") for check in _names(_NEED_SETTINGS)]
        return [broken, *examine(machine.WITHOUT_SETTINGS, Settings()), *rest]
    found = find_config()
    where = f"from {found}" if found else "no pipeline_config.json: the environment and defaults"
    return [
        ok("settings", where),
        *examine((*machine.WITHOUT_SETTINGS, *_NEED_SETTINGS), settings),
    ]


def _names(groups: Sequence[Group]) -> list[str]:
    return [check for group in groups for check in group.checks]


def _show(findings: Sequence[Finding]) -> None:
    widest = max(len(translate(each.check)) for each in findings)
    for each in findings:
        sign, colour = _SIGNS[each.mark]
        line = Text(f"{sign} ", colour)
        line.append(f"{translate(each.check):<{widest}}  ", "bold")
        says, remedy = translate(each.says), translate(each.remedy)
        line.append(f"{says.rstrip('.')}{translate(';')} {remedy}" if remedy else says, "default")
        console.print(line, soft_wrap=True)
    bad = sum(each.mark is Mark.FAILED for each in findings)
    doubtful = sum(each.mark is Mark.WARNING for each in findings)
    say(f"{len(findings)} checks: {bad} failed, {doubtful} to be looked at.")
