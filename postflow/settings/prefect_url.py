"""Which Prefect API is meant: the setting, else Prefect's own variable, else the embedded server."""

from __future__ import annotations

import os

from postflow.settings.sections import Settings


def prefect_api_url(settings: Settings) -> str:
    """Return the address of Prefect's API, for example `http://127.0.0.1:4200/api`."""
    return (
        settings.prefect.api_url
        or os.environ.get("PREFECT_API_URL")
        or f"http://{settings.prefect.host}:{settings.prefect.port}/api"
    )
