"""How the simulated Frame.io says no: always `{"errors": [{"detail": …}]}`."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

STANDARD_DETAILS = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    422: "Unprocessable content",
    429: "Too many requests",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
}


class Refusal(HTTPException):
    """An answer of 400 or above, with the part of the request it is about."""

    def __init__(self, status_code: int, detail: str = "", *, pointer: str | None = None) -> None:
        super().__init__(status_code, detail or STANDARD_DETAILS.get(status_code, "Error"))
        self.pointer = pointer


def invalid(detail: str, *, pointer: str) -> Refusal:
    """Refuse one value of a request."""
    return Refusal(422, detail, pointer=pointer)


def render_refusal(status_code: int, detail: str = "", pointer: str | None = None) -> JSONResponse:
    """Write the one error shape."""
    error: dict[str, object] = {"detail": detail or STANDARD_DETAILS.get(status_code, "Error")}
    if pointer is not None:
        error |= {"title": "Invalid value", "source": {"pointer": pointer}}
    return JSONResponse({"errors": [error]}, status_code)


def install_refusals(app: FastAPI) -> None:
    """Make every error of the app come out in Frame.io's shape."""
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_invalid_request)


async def _answer_http_exception(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)  # noqa: S101 - Starlette's signature is wider than its use
    pointer = exc.pointer if isinstance(exc, Refusal) else None
    detail = exc.detail if isinstance(exc, Refusal) else ""
    return render_refusal(exc.status_code, detail, pointer)


async def _answer_invalid_request(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - the same
    found = exc.errors()
    if any(error["type"] == "json_invalid" for error in found):
        return render_refusal(400)
    errors = []
    for error in found:
        place = [str(step) for step in error["loc"][1:]]
        errors.append(
            {
                "title": "Invalid value",
                "detail": _sentence(error["type"], error["msg"], place[-1] if place else "body"),
                "source": {"pointer": "/" + "/".join(place)},
            }
        )
    return JSONResponse({"errors": errors}, 422)


def _sentence(kind: str, message: str, field: str) -> str:
    match kind:
        case "extra_forbidden":
            return f"Unexpected field: {field}"
        case "missing":
            return f"Missing field: {field}"
        case _:
            return message
