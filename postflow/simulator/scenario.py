"""Scenarios: reviewers that react to files by themselves, read from a YAML file.

    transcode_delay: 1s
    reviewers:
      julie: {name: Julie Martin, email: julie@client.com}
      visitor: {name: Someone, email: someone@web.com, guest: true}
    stories:
      - when: {file: "intro*", event: file.ready}
        steps:
          - {after: 1s, as: julie, comment: "Le logo est trop petit", timestamp: 120}
          - {after: 2s, as: julie, edit: "Actually it is fine. Approved!"}

Every file that fits starts the story once for itself; steps follow one another.
"""

from __future__ import annotations

import re
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from postflow.errors import ConfigurationError
from postflow.simulator.faults import Fault

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
FILE_EVENTS = ("file.created", "file.upload.completed", "file.ready", "file.versioned")


def read_duration(value: object) -> object:
    """Read `1.5`, `500ms`, `2s`, `3m` or `1h`."""
    if isinstance(value, timedelta | bool):
        return value
    found = _DURATION.fullmatch(str(value).strip())
    if found is None:
        raise ValueError("a duration is a number with ms, s, m or h")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2] or "s"])


Duration = Annotated[timedelta, BeforeValidator(read_duration)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Reviewer(_Part):
    """Somebody who acts in stories; a guest has no Frame.io account."""

    name: str | None = None
    email: str | None = None
    guest: bool = False


class Trigger(_Part):
    """Which files start a story, and when; `round` is the how-manieth that fits (none: every)."""

    file: str = "*"
    event: str = "file.ready"
    round: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _event_exists(self) -> Trigger:
        if self.event not in FILE_EVENTS:
            raise ValueError(f"event must be one of {', '.join(FILE_EVENTS)}")
        return self

    def fits(self, *, event: str, file_name: str) -> bool:
        """Say whether this happening is one that starts the story."""
        return event == self.event and fnmatchcase(file_name.lower(), self.file.lower())


ACTIONS = ("comment", "reply", "edit", "delete", "complete", "status", "version", "remove_file")


class Step(_Part):
    """One thing that one person does, `after` the step before it.

    `edit`, `delete`, `complete` and `reply` are about the comment with the label `of`, else
    about the person's own last one (`reply`: about the last one of anybody).
    """

    who: str = Field(alias="as", default="reviewer")
    after: Duration = timedelta(0)
    label: str | None = None
    of: str | None = None
    timestamp: int | str | None = None
    comment: str | None = None
    reply: str | None = None
    edit: str | None = None
    delete: bool = False
    complete: bool = False
    status: str | None = None
    version: str | None = None  # the name of a new version with other bytes
    remove_file: bool = False

    @property
    def actions(self) -> list[str]:
        """What the step does, as the names of its keys."""
        return [name for name in ACTIONS if getattr(self, name) not in (None, False)]

    @model_validator(mode="after")
    def _one_action(self) -> Step:
        if len(self.actions) != 1:
            raise ValueError(f"a step does exactly one of {', '.join(ACTIONS)}")
        return self


class Story(_Part):
    """What happens to each file that fits."""

    when: Trigger
    steps: list[Step] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _read_short_form(cls, value: Any) -> Any:
        """Take a story of one step without `steps`."""
        if isinstance(value, dict) and "steps" not in value:
            step = {key: each for key, each in value.items() if key != "when"}
            return {"when": value.get("when", {}), "steps": [step]}
        return value


class Scenario(_Part):
    """Reviewers, stories, and what goes wrong meanwhile."""

    transcode_delay: Duration | None = None
    reviewers: dict[str, Reviewer] = Field(default_factory=dict)
    stories: list[Story] = Field(default_factory=list)
    faults: list[Fault] = Field(default_factory=list)


def load_scenario(path: Path | str) -> Scenario:
    """Read a scenario file; ConfigurationError says which part of it is wrong."""
    source = Path(path)
    try:
        found = yaml.safe_load(source.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigurationError(
            f"The scenario {source} cannot be read ({problem.strerror})."
        ) from problem
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ConfigurationError(
            f"The scenario {source} is not YAML: see line {line}, column {column}."
        ) from problem
    except UnicodeDecodeError as problem:
        raise ConfigurationError(
            f"The scenario {source} is not text in UTF-8; save it as UTF-8."
        ) from problem
    except (yaml.YAMLError, ValueError) as problem:  # a forbidden character; no such day
        raise ConfigurationError(
            f"The scenario {source} holds a character or a date that YAML does not allow."
        ) from problem
    try:
        return Scenario.model_validate(found or {})
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(
            f"The scenario {source} is wrong at {place or 'its top'}: {message}; correct it."
        ) from problem
