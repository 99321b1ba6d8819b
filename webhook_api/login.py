"""The page that asks for the dashboard's token; the only one shown to people without it."""

from __future__ import annotations

from webhook_api.pages import render_page

LOGIN_PATH = "/login"


def render_login(*, failed: bool = False) -> str:
    """Return the page as HTML."""
    return render_page("login.html", failed=failed)
