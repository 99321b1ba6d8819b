"""Who plays whom in a rehearsal, and settings that decide as the user's but touch nothing of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from postflow.cli.demo.stories import REVIEWERS
from postflow.settings import Settings
from postflow.settings.sections import NoticeSettings

EDITOR = "editor@rehearsal.example"
NOWHERE = "http://127.0.0.1:9/api"
"""No Prefect listens on the discard port: nothing of a rehearsal reaches anybody's automations."""
_PARTS = ("julie", "tom")
"""The reviewers of the stories whose word is to count; the others are colleagues and editors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """The reviewers of the stories, of whom some play the user's own approvers."""

    reviewers: Mapping[str, Mapping[str, object]]
    approvers: tuple[str, ...]
    """The user's approvers, as the simulated Frame.io knows them."""
    played: Mapping[str, str]
    """Which approver of the user's a reviewer plays, by the reviewer's name."""


def cast_reviewers(settings: Settings) -> Cast:
    """Let the stories' reviewers play the user's approvers, where there are any.

    Approvers that are known by id only, or by their domain, get an invented address: the
    simulated Frame.io has nobody of that id.
    """
    named = settings.review.approvers
    addresses = [_address(entry, number) for number, entry in enumerate(named, start=1)]
    reviewers = {key: dict(person) for key, person in REVIEWERS.items()}
    played = {}
    for number, part in enumerate(_PARTS if named else ()):
        chosen = min(number, len(named) - 1)
        reviewers[part]["email"] = addresses[chosen]
        played[str(reviewers[part]["name"])] = named[chosen]
    return Cast(
        reviewers=reviewers,
        approvers=tuple(
            entry if entry.startswith("@") else address
            for entry, address in zip(named, addresses, strict=True)
        ),
        played=played,
    )


def rehearsal_settings(
    settings: Settings,
    cast: Cast,
    *,
    folder: Path,
    frameio: str,
    public_port: int,
    private_port: int,
) -> Settings:
    """Return the user's settings turned towards a simulated Frame.io and a folder of no value.

    Nobody is notified, no second opinion is asked, and no Prefect hears of anything.
    """
    changes: dict[str, dict[str, object]] = {
        "webhook": {
            "enabled": True,
            "host": "127.0.0.1",
            "port": public_port,
            "secrets": (),
            "secrets_file": folder / "webhook-secrets.json",
            "public_url": f"http://127.0.0.1:{public_port}",
        },
        "dashboard": {"host": "127.0.0.1", "port": private_port, "token": None},
        "database": {"url": f"sqlite:///{folder / 'rehearsal.db'}"},
        "analysis": {"second_opinion": None},
        "review": {"approvers": cast.approvers},
        "post_processing": {"output_dir": folder / "delivered", "deployment": None},
        "prefect": {"api_url": NOWHERE},
        "logs": {"to_file": False},
    }
    update: dict[str, object] = {
        name: getattr(settings, name).model_copy(update=values) for name, values in changes.items()
    }
    update["frameio"] = type(settings.frameio)(
        base_url=frameio,
        token=SecretStr(EDITOR),
        login_file=folder / "login.json",
        auto_version=False,  # every video has a story of its own
        respect_rate_limits=False,
    )
    update["notices"] = NoticeSettings()
    update["projects"] = {}
    return settings.model_copy(update=update)


def _address(approver: str, number: int) -> str:
    if approver.startswith("@"):
        return f"approver{approver}"
    return approver if "@" in approver else f"approver-{number}@client.example"
