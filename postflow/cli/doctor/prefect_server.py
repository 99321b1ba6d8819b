"""Checks of Prefect: its server, our deployments, and whether anybody would run them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from postflow.cli.doctor.findings import Finding, Group, Report, failed, ok, warning
from postflow.clock import utc_now
from postflow.settings import Settings
from postflow.settings.prefect_url import prefect_api_url

_START = "run `postflow start`, or `prefect worker start` for a work pool of your own"


def look_at_prefect(settings: Settings, report: Report) -> None:
    """See whether the server answers, knows our deployments, and somebody polls for them."""
    asyncio.run(_look(settings, report))


async def _look(settings: Settings, report: Report) -> None:
    from postflow.flow_runs import PrefectFlowRuns  # noqa: PLC0415 - importing Prefect takes over a second

    prefect = PrefectFlowRuns(prefect_api_url(settings))
    report(_judge_version(prefect.api_url, await prefect.fetch_versions()))
    names = (settings.prefect.deployment, settings.prefect.batch_deployment)
    served = {name: await prefect.fetch_service(name) for name in names}
    report(ok("deployments", ", ".join(names)))
    asleep = [name for name, each in served.items() if not each.is_polled]
    if not asleep:
        report(ok("runner", "somebody polls for both deployments"))
        return
    last = max((each.last_polled for each in served.values() if each.last_polled), default=None)
    report(failed("runner", _say_asleep(", ".join(asleep), last), _START))


def _say_asleep(names: str, last: datetime | None) -> str:
    if last is None:
        return f"nobody polls for {names}, and nobody ever has"
    quiet = timedelta(seconds=int((utc_now() - last).total_seconds()))
    return f"nobody polls for {names}, not for {quiet} now"


def _judge_version(address: str, versions: tuple[str, str]) -> Finding:
    server, own = versions
    says = f"version {server} answers at {address}"
    if server.split(".")[:2] == own.split(".")[:2]:
        return ok("Prefect", says)
    told = f"{says}, and this program has {own}"
    return warning("Prefect", told, "install the same version on both sides")


GROUPS = (Group(checks=("Prefect", "deployments", "runner"), look=look_at_prefect, seconds=25),)
