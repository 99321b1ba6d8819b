"""What is allowed but probably not meant: sentences for whoever starts PostFlow."""

from __future__ import annotations

from collections.abc import Callable

from postflow.settings.sections import Settings, TimeoutPolicy

_OPEN = (
    "review.approvers nor review.editors is set: anybody's “validé” counts, except the uploader's. "
    "Set one of them."
)
_SILENT = (
    "what nobody has objected to in time is delivered, whether anybody has looked at it or not."
)
_UNHEARD = (
    "Reminders or escalations are configured, but notices.urls names nobody who would hear them."
)


def list_warnings(settings: Settings) -> list[str]:
    """Return one sentence for each such setting; nothing where all is well."""
    warnings = [
        f"In the project {project_id} neither {_OPEN}" if project_id else f"Neither {_OPEN}"
        for project_id in _find(settings, _is_open_to_all)
    ]
    for project_id in _find(settings, _approves_on_silence):
        where = f" in the project {project_id}" if project_id else ""
        warnings.append(f"review.on_timeout is approve{where}: {_SILENT}")
    if not settings.notices.urls and _find(settings, _speaks_of_silence):
        warnings.append(_UNHEARD)
    return warnings


def _find(settings: Settings, holds: Callable[[Settings], bool]) -> list[str | None]:
    """Return the projects where it holds; only None, which is everywhere, if it holds there."""
    found = [each for each in (None, *settings.projects) if holds(settings.for_project(each))]
    return [None] if None in found else found


def _speaks_of_silence(settings: Settings) -> bool:
    has_escalation = settings.review.escalate_after and not settings.notices.escalation_urls
    return bool(settings.review.remind_after or has_escalation)


def _approves_on_silence(settings: Settings) -> bool:
    review = settings.review
    return review.timeout is not None and review.on_timeout is TimeoutPolicy.APPROVE


def list_own_user_warnings(settings: Settings, *, user_id: str, email: str | None) -> list[str]:
    """Return one sentence for each place where, PostFlow's own user apart, nobody could approve."""
    name = email or user_id
    powerless = [
        project_id
        for project_id in (None, *settings.projects)
        if not settings.for_project(project_id).review.can_approve_without(user_id, name)
    ]
    if None in powerless:
        return [
            f"Without PostFlow's own user ({name}), who never decides, review.approvers names too few people to approve anything."
        ]
    return [
        f"In the project {project_id}, without PostFlow's own user ({name}), who never decides, review.approvers names too few people to approve anything."
        for project_id in powerless
    ]


def _is_open_to_all(settings: Settings) -> bool:
    return not settings.review.approvers and not settings.review.editors
