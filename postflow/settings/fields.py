"""What every section is made of: strict objects, durations, names and secrets."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


def _seconds(value: object) -> object:
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return timedelta(seconds=float(value))
    if isinstance(value, bool):
        raise ValueError('a duration is a number of seconds, or ISO 8601 as in "PT2H"')  # noqa: TRY004 - pydantic catches ValueError only
    return timedelta(seconds=value) if isinstance(value, int | float) else value


def _none_if_blank(value: object) -> object:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return None if isinstance(text, str) and not text.strip() else value


def drop_blank(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Return the secrets without the empty ones, by which anybody could sign."""
    return tuple(secret for secret in secrets if secret.get_secret_value().strip())


def _refuse_blank(names: tuple[str, ...]) -> tuple[str, ...]:
    if any(not name.strip() for name in names):
        raise ValueError("an empty entry names nobody; remove it")
    return names


Seconds = Annotated[timedelta, BeforeValidator(_seconds, json_schema_input_type=float | str)]
"""A duration: a number means seconds, a text is ISO 8601 ("PT2H")."""
Patience = Annotated[Seconds, Field(ge=timedelta(0))]
Positive = Annotated[Seconds, Field(gt=timedelta(0))]
Secret = Annotated[SecretStr | None, BeforeValidator(_none_if_blank)]
"""A secret that is empty protects nothing, so it counts as none."""
Names = Annotated[tuple[str, ...], AfterValidator(_refuse_blank)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """A section refuses keys it does not know: a misspelt setting must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


AnySection = TypeVar("AnySection", bound=Section)


def merge_section(section: AnySection, own: Section) -> AnySection:
    """Return `section` with all that was set in `own`; raises ValidationError where both clash."""
    return type(section).model_validate(_merge(section, own))


def _merge(section: BaseModel, own: BaseModel) -> dict[str, object]:
    merged = {name: getattr(section, name) for name in section.model_fields_set}
    for name in own.model_fields_set:
        old, new = getattr(section, name), getattr(own, name)
        both = isinstance(old, BaseModel) and isinstance(new, BaseModel)
        merged[name] = _merge(old, new) if both else new
    return merged
