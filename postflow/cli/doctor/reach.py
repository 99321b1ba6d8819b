"""Checks of the way from outside: the tunnel, the public address, and a delivery of our own."""

from __future__ import annotations

import asyncio
import shutil
from http import HTTPStatus

import httpx

from postflow.cli.doctor.findings import Finding, Group, Report, failed, ok, unchecked, warning
from postflow.public_address import load_tunnel
from postflow.settings import Settings
from postflow.store.database import open_store
from postflow.tunnel.cloudflared import missing_sentence
from postflow.webhook_registration import WEBHOOK_PATH, webhook_address
from postflow.webhook_self_test import SelfTest, SelfTestOutcome, find_secret, run_self_test

_REGISTER = "run `postflow webhook register`"
_OFF = "webhooks are off (webhook.enabled), PostFlow polls"
_SECONDS = 10.0


def look_at_reach(settings: Settings, report: Report) -> None:
    """See whether what Frame.io sends would come into our store."""
    if not settings.webhook.enabled:
        for check in ("tunnel", "public address", "webhook secret"):
            report(ok(check, _OFF))
        return
    report(_judge_tunnel(settings))
    address = webhook_address(settings)
    if address is None:
        report(_judge_no_address(settings))
        report(unchecked("webhook secret", "there is no public address"))
        return
    report(_judge_public_address(address.removesuffix(WEBHOOK_PATH)))
    report(_judge_secret(settings, address))


def _judge_tunnel(settings: Settings) -> Finding:
    if settings.webhook.tunnel is None:
        return ok("tunnel", "none is configured (webhook.tunnel)")
    if shutil.which(settings.webhook.tunnel_command) is None:
        return failed("tunnel", missing_sentence(settings.webhook.tunnel_command))
    state = load_tunnel(settings)
    if state is None:
        return failed("tunnel", "the service that runs it is not running", "run `postflow start`")
    if state.problem:
        return failed("tunnel", state.problem, "look into the log of the service")
    if state.url is None:
        return warning("tunnel", "it is coming up", "try again in a moment")
    return ok("tunnel", state.url)


def _judge_no_address(settings: Settings) -> Finding:
    if settings.webhook.tunnel is not None:
        return failed("public address", "the tunnel has none", "see the line of the tunnel")
    says = "there is none, so Frame.io calls nobody and PostFlow polls"
    remedy = f"set webhook.tunnel or webhook.public_url, then {_REGISTER}"
    return warning("public address", says, remedy)


def _judge_public_address(base: str) -> Finding:
    lead = "let it lead to webhook.port, and see that the service runs"
    try:
        answer = httpx.get(f"{base}/health", timeout=_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        told = f"{base} cannot be reached ({type(error).__name__}: {error})"
        return failed("public address", told, lead)
    if answer.status_code != HTTPStatus.OK or b'"ok"' not in answer.content:
        told = f"{base}/health answers {answer.status_code}, not as PostFlow's public face does"
        return failed("public address", told, lead)
    return ok("public address", f"{base} leads to a public face")


def _judge_secret(settings: Settings, address: str) -> Finding:
    secret = find_secret(settings, address)
    if secret is None:
        says = "there is none, so every delivery is answered 503"
        return failed("webhook secret", says, _REGISTER)
    test = asyncio.run(_test(settings, address, secret))
    if test.outcome is SelfTestOutcome.ARRIVED:
        return ok("webhook secret", test.says)
    remedies = {
        SelfTestOutcome.ELSEWHERE: "give both the same database.url",
        SelfTestOutcome.REFUSED: f"let the service read {settings.webhook.secrets_file}, or {_REGISTER}",
    }
    return failed("webhook secret", test.says, remedies.get(test.outcome, ""))


async def _test(settings: Settings, address: str, secret: str) -> SelfTest:
    store = open_store(settings.database.url, busy_timeout=settings.database.busy_timeout)
    try:
        return await run_self_test(store, address=address, secret=secret)
    finally:
        store.close()


GROUPS = (
    Group(checks=("tunnel", "public address", "webhook secret"), look=look_at_reach, seconds=25),
)
