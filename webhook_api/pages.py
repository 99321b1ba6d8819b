"""Rendering the templates; everything that is put into them is escaped, whoever wrote it."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from postflow.dashboard.model import say_age, say_stage

# Only our own files: a file name that is a script stays a file name, even if escaping had a hole.
PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def render_page(name: str, **content: object) -> str:
    """Return the template filled in."""
    return _environment().get_template(name).render(**content)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("webhook_api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "age": say_age,
        "breakable": _breakable,
        "clock": _clock,
        "link": _link,
        "segment": _segment,
        "stage": say_stage,
    }
    return environment


def _breakable(name: str) -> Markup:
    """Return a file name, escaped, that a narrow column may break where a person would."""
    return Markup("<wbr>").join(re.split(r"(?<=[_.\-])(?=.)", name))


def _clock(moment: str | None) -> str:
    """Return an ISO 8601 moment without its fractions, as a person reads it."""
    return moment[:19].replace("T", " ") + " UTC" if moment else ""


def _link(address: str | None) -> str:
    """Return the address if a link may lead there: what Frame.io says may be anything."""
    return address if address and urlsplit(address).scheme in ("http", "https") else ""


def _segment(upload_id: str) -> str:
    """Return an id as one segment of a path."""
    return quote(upload_id, safe="")
