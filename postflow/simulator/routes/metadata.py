"""Metadata: the fields of the account and their values on files; Status is one of them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from postflow.frameio.wire import EXPERIMENTAL_HEADER
from postflow.simulator.bodies import (
    Body,
    BulkMetadataParams,
    FieldValueParams,
    FileMetadataParams,
)
from postflow.simulator.calling import Call, CallDep
from postflow.simulator.fields import check_value, render_field
from postflow.simulator.paging import render_page, sort_items
from postflow.simulator.records import StoredField, StoredFile
from postflow.simulator.refusals import Refusal, invalid
from postflow.simulator.reviews import set_value

router = APIRouter(prefix="/v4/accounts/{account_id}")

_SORTS = {"name": lambda each: each.name, "created_at": lambda each: each.created_at}


@router.get("/metadata/field_definitions")
async def list_fields(call: CallDep) -> dict[str, Any]:
    """List the fields of the account."""
    fields = list(call.state.fields.values())
    if call.flag("filters[exclude_immutable]"):
        fields = [field for field in fields if field.mutable]
    creator = "creator" in call.includes({"creator"}).include
    return render_page(
        call.request,
        sort_items(call.request, fields, _SORTS),
        lambda field: render_field(field, creator=creator),
    )


@router.get("/files/{file_id}/metadata")
async def show_metadata(call: CallDep, file_id: str) -> dict[str, Any]:
    """Show the fields of a file."""
    return _shown(call, call.state.file(file_id))


@router.patch("/files/{file_id}/metadata")
async def update_metadata(
    call: CallDep, file_id: str, body: Body[FileMetadataParams]
) -> dict[str, Any]:
    """Set fields of one file: experimental, so it needs the header that says so."""
    name, value = EXPERIMENTAL_HEADER
    if call.request.headers.get(name) != value:
        raise Refusal(404)
    file = call.state.file(file_id)
    _set_values(call, [file], body.data.values)
    return _shown(call, file)


@router.patch("/projects/{project_id}/metadata/values", status_code=204)
async def update_values(call: CallDep, project_id: str, body: Body[BulkMetadataParams]) -> Response:
    """Set fields on many files; one that does not fit and nothing is set."""
    project = call.state.project(project_id)
    files = [call.state.file(file_id) for file_id in body.data.file_ids]
    if any(file.project_id != project.id for file in files):
        raise Refusal(404)
    _set_values(call, files, body.data.values)
    return Response(status_code=204)


def _set_values(call: Call, files: list[StoredFile], values: list[FieldValueParams]) -> None:
    for number, each in enumerate(values):
        pointer = f"/data/values/{number}"
        check_value(_field(call, each, pointer), each.value, pointer=f"{pointer}/value")
    for file in files:
        for each in values:
            field = call.state.fields[each.field_definition_id]
            set_value(call.world, file, field, each.value, user=call.user)


def _field(call: Call, each: FieldValueParams, pointer: str) -> StoredField:
    field = call.state.fields.get(each.field_definition_id)
    if field is None:
        raise invalid("No such field", pointer=f"{pointer}/field_definition_id")
    return field


def _shown(call: Call, file: StoredFile) -> dict[str, Any]:
    rendering = call.includes(frozenset())
    metadata = rendering.metadata(file, show_null=call.flag("show_null"))
    return {"data": {"file_id": file.id, "metadata": metadata}}
