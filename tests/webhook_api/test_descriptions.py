"""Both OpenAPI documents under schemathesis: no 500, and every answer is one that is documented."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from tests.factories import make_upload
from tests.webhook_api.conftest import Service
from tests.webhook_api.signing import signed
from webhook_api.app import create_private_routes
from webhook_api.public_description import describe_public_face

PUBLIC = schemathesis.openapi.from_dict(describe_public_face())
PRIVATE = schemathesis.openapi.from_dict(create_private_routes(None).openapi())  # type: ignore[arg-type]  # never called
# The same examples each time: a failure must be there again when somebody looks.
bounded = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def reviewed(service: Service) -> Service:
    """Give a running service that knows one upload."""
    with service.store.writing() as session:
        make_upload(session)
    return service


def _sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
    body = request.body or b""
    assert isinstance(body, (bytes, str))
    request.headers.update(signed(body if isinstance(body, bytes) else body.encode()))
    return request


@PUBLIC.parametrize()
@bounded
def test_strangers_get_documented_answers(case: schemathesis.Case[Any], service: Service) -> None:
    """Whatever a stranger sends to the public face, the answer is one of those described."""
    case.call_and_validate(base_url=service.public_url)


@PUBLIC.parametrize()
@bounded
def test_signed_bodies_get_documented_answers(
    case: schemathesis.Case[Any], service: Service
) -> None:
    """Whatever Frame.io itself would send and sign, the answer is one of those described."""
    case.call_and_validate(base_url=service.public_url, auth=_sign)


@PRIVATE.parametrize()
@bounded
def test_private_routes_keep_their_word(case: schemathesis.Case[Any], reviewed: Service) -> None:
    """Every private route answers as described, whatever it is asked."""
    case.call_and_validate(base_url=reviewed.private_url)


@PRIVATE.include(path_regex=r"\{upload_id\}").parametrize()
@bounded
def test_known_upload_keeps_its_word(case: schemathesis.Case[Any], reviewed: Service) -> None:
    """The same holds for an upload that exists, whatever is decided about it."""
    case.path_parameters["upload_id"] = "clip"
    case.call_and_validate(base_url=reviewed.private_url)
