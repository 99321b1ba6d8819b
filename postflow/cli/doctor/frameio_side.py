"""Checks of Frame.io: the sign-in and its rights, the project, the clock, the webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from postflow.cli.doctor.findings import Finding, Group, Report, failed, ok, unchecked, warning
from postflow.clock import utc_now
from postflow.frameio.client import FrameioClient
from postflow.frameio.locate import locate
from postflow.frameio.opening import open_frameio
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.wire import Profile, Webhook
from postflow.settings import Settings
from postflow.settings.advice import list_own_user_warnings
from postflow.webhook_registration import fetch_own_webhooks, webhook_address
from postflow.webhook_secrets import load_webhook_secrets
from postflow.webhook_upkeep import describe_changes, list_changes, plan_upkeep

_REGISTER = "run `postflow webhook register`"
_ADMINS = {"admin", "owner"}
_NOTICEABLE = timedelta(seconds=30)
_ONCE = RetryPolicy(attempts=1)
_SECONDS = 10.0


def look_at_frameio(settings: Settings, report: Report) -> None:
    """See whether PostFlow may do at Frame.io what it has to do, and what Frame.io would call."""
    asyncio.run(_look(settings, report))


async def _look(settings: Settings, report: Report) -> None:
    async with open_frameio(settings.frameio, retries=_ONCE) as frameio:
        me = await frameio.fetch_me()
        report(_judge_own_user(me, settings))
        place = await locate(
            frameio,
            workspace_id=settings.frameio.workspace_id,
            project_id=settings.frameio.project_id,
        )
        report(ok("project", f"{place.project_name} ({place.project_id})"))
        if not settings.webhook.enabled:
            for check in ("webhook rights", "webhook"):
                report(ok(check, "webhooks are off (webhook.enabled), PostFlow polls"))
            return
        report(await _judge_rights(frameio, place.account_id))
        report(await _judge_webhook(frameio, place.workspace_id, settings))


def _judge_own_user(me: Profile, settings: Settings) -> Finding:
    says = f"signed in as {me.name} <{me.email}>"
    powerless = list_own_user_warnings(settings, user_id=me.id, email=me.email)
    if powerless:
        remedy = "name a reviewer in review.approvers"
        return failed("Frame.io", f"{says}; {' '.join(powerless)}", remedy)
    return ok("Frame.io", says)


async def _judge_rights(frameio: FrameioClient, account_id: str) -> Finding:
    accounts = await frameio.fetch_accounts()
    roles = {role for each in accounts if each.id == account_id for role in each.roles}
    if roles & _ADMINS:
        return ok(
            "webhook rights", f"may create webhooks ({' and '.join(sorted(roles & _ADMINS))})"
        )
    says = f"only an admin of the account may create webhooks, and this user is {_or(roles)}"
    return warning("webhook rights", says, "sign in as an admin for `postflow webhook register`")


async def _judge_webhook(frameio: FrameioClient, workspace: str, settings: Settings) -> Finding:
    address = webhook_address(settings)
    if address is None:
        return unchecked("webhook", "there is no public address")
    plan = plan_upkeep(
        await fetch_own_webhooks(frameio, workspace),
        load_webhook_secrets(settings.webhook.secrets_file),
        address=address,
        trusts_others=bool(settings.webhook.secrets),
    )
    if not plan.keep:
        lost = any(each.url == address for each in plan.delete)
        says = f"the secret of the one to {address} is lost" if lost else f"none calls {address}"
        return failed("webhook", says, _REGISTER)
    wrong = describe_changes(list_changes(plan.keep[0], address=address))
    if wrong:
        return failed("webhook", f"{_name(plan.keep[0])} has wrong: {wrong}", _REGISTER)
    if plan.delete:
        others = ", ".join(_name(each) for each in plan.delete)
        return warning("webhook", f"{address} is called, and left over are {others}", _REGISTER)
    return ok("webhook", f"Frame.io calls {address}")


def look_at_clock(settings: Settings, report: Report) -> None:
    """Compare our clock with Frame.io's: signatures are good for some minutes only."""
    try:
        began = utc_now()
        answer = httpx.get(settings.frameio.base_url, timeout=_SECONDS)
        told = parsedate_to_datetime(answer.headers["date"])
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        report(
            unchecked(
                "clock", f"{settings.frameio.base_url} does not answer ({type(error).__name__})"
            )
        )
        return
    except (KeyError, ValueError):
        report(unchecked("clock", "Frame.io's answer has no readable time"))
        return
    report(_judge_skew(began + (utc_now() - began) / 2 - _aware(told), settings))


def _judge_skew(skew: timedelta, settings: Settings) -> Finding:
    off = abs(skew)
    says = (
        f"{off.total_seconds():.0f} s {'ahead of' if skew > timedelta(0) else 'behind'} Frame.io's"
    )
    remedy = "let this machine set its clock by the network (NTP)"
    if off >= timedelta(seconds=settings.webhook.tolerance_seconds):
        return failed("clock", f"{says}: every signature is refused", remedy)
    if off >= _NOTICEABLE:
        return warning("clock", says, remedy)
    return ok("clock", "agrees with Frame.io's")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _name(webhook: Webhook) -> str:
    return f"{webhook.id} (to {webhook.url})"


def _or(roles: Collection[str]) -> str:
    return " and ".join(sorted(roles)) or "nothing there"


GROUPS = (
    Group(
        checks=("Frame.io", "project", "webhook rights", "webhook"),
        look=look_at_frameio,
        seconds=25,
    ),
    Group(checks=("clock",), look=look_at_clock),
)
