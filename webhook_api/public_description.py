"""The public face in OpenAPI's words, for tests and for whoever writes a sender; never served."""

from __future__ import annotations

from http import HTTPStatus

from postflow.frameio.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER

_DELIVERY_ANSWERS = {
    HTTPStatus.ACCEPTED: "Stored on disk.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is longer than 1 MiB.",
    HTTPStatus.REQUEST_TIMEOUT: "The body did not arrive in time.",
    HTTPStatus.UNAUTHORIZED: "The signature is missing, wrong, or not of now.",
    HTTPStatus.BAD_REQUEST: "The body is not a JSON object.",
    HTTPStatus.SERVICE_UNAVAILABLE: "No secret is configured, or the store cannot be written.",
}


def describe_public_face() -> dict[str, object]:
    """Return the OpenAPI document of the two public routes."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "PostFlow, public face", "version": "1"},
        "paths": {
            "/webhooks/frameio": {
                "post": {
                    "operationId": "take_delivery",
                    "parameters": [_header(TIMESTAMP_HEADER), _header(SIGNATURE_HEADER)],
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    },
                    "responses": _answers(_DELIVERY_ANSWERS),
                }
            },
            "/health": {
                "get": {
                    "operationId": "read_health",
                    "responses": _answers({HTTPStatus.OK: "Somebody is at home."}),
                }
            },
        },
    }


def _header(name: str) -> dict[str, object]:
    return {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}


def _answers(meanings: dict[HTTPStatus, str]) -> dict[str, object]:
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    return {
        str(status.value): {
            "description": meaning,
            "content": {"application/json": {"schema": schema}},
        }
        for status, meaning in meanings.items()
    }
