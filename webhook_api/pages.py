"""Rendering the templates; everything that is put into them is escaped, whoever wrote it."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_page(name: str, **content: object) -> str:
    """Return the template filled in."""
    return _environment().get_template(name).render(**content)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("webhook_api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
