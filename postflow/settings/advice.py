"""What is allowed but probably not meant: sentences for whoever starts PostFlow."""

from __future__ import annotations

from postflow.settings.sections import Settings

_OPEN = (
    "review.approvers nor review.editors is set: anybody's “validé” counts, except the uploader's."
)


def list_warnings(settings: Settings) -> list[str]:
    """Return one sentence for each such setting; nothing where all is well."""
    open_to_all = [
        project_id
        for project_id in (None, *settings.projects)
        if _is_open_to_all(settings.for_project(project_id))
    ]
    if None in open_to_all:
        return [f"Neither {_OPEN}"]
    return [f"In the project {project_id} neither {_OPEN}" for project_id in open_to_all]


def _is_open_to_all(settings: Settings) -> bool:
    return not settings.review.approvers and not settings.review.editors
