"""Bytes: parts come in, media goes out, both by presigned address and without a token."""

from __future__ import annotations

import base64
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.requests import ClientDisconnect

from postflow.frameio.wire import FileStatus
from postflow.simulator.calling import WorldDep
from postflow.simulator.faults import FaultKind
from postflow.simulator.links import LinkRefusedError, check_presigned
from postflow.simulator.records import StoredFile
from postflow.simulator.uploads import receive_part
from postflow.simulator.world import World

router = APIRouter()

_PART_LOST = frozenset({FaultKind.LOST_PART})
_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@router.put("/parts/{file_id}/part_{number}")
async def put_part(request: Request, world: WorldDep, file_id: str, number: int) -> Response:
    """Take one part, if address and headers are as they were signed."""
    refused = _refusal(request, world)
    if refused is not None:
        return refused
    file = world.state.assets.get(file_id)
    if not isinstance(file, StoredFile):
        return _s3_error(404, "NoSuchUpload", "The specified upload does not exist.")
    part = next((part for part in file.parts if part.number == number), None)
    if part is None:
        return Response(status_code=200)  # the upload is complete; S3 would take it as well
    try:
        if world.faults.for_call(method="PUT", target=request.url.path, page=1, kinds=_PART_LOST):
            async for _ in request.stream():
                pass
            return Response(status_code=200)
        digest = await receive_part(world, file, part, request.stream())
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    return Response(status_code=200, headers={"etag": f'"{digest[:32]}"'})


@router.get("/media/{file_id}/{rendition}")
async def get_media(request: Request, world: WorldDep, file_id: str, rendition: str) -> Response:
    """Give the original bytes; every moving rendition is the original too."""
    refused = _refusal(request, world)
    if refused is not None:
        return refused
    file = world.state.assets.get(file_id)
    ready = isinstance(file, StoredFile) and file.status is FileStatus.TRANSCODED
    if not isinstance(file, StoredFile) or file.original is None or not ready:
        return _s3_error(404, "NoSuchKey", "The specified key does not exist.")
    if "thumbnail" in rendition or rendition == "scrub_sheet":
        return Response(_PIXEL, media_type="image/png")
    return FileResponse(file.original, media_type=file.media_type, filename=file.name)


def _refusal(request: Request, world: World) -> Response | None:
    try:
        check_presigned(
            request.url.path,
            request.query_params,
            request.headers,
            key=world.signing_key,
            now=world.clock.now(),
        )
    except LinkRefusedError as refused:
        return _s3_error(403, refused.code, str(refused))
    return None


def _s3_error(status: int, code: str, message: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    )
    return Response(body, status, media_type="application/xml")
