"""Signing in at Frame.io as a person: login."""

from __future__ import annotations

import asyncio
import time
import webbrowser
from datetime import timedelta
from typing import Annotated

import typer
from rich.text import Text

from postflow.cli.output import console, say
from postflow.frameio.login import log_in
from postflow.frameio.opening import oauth_app, open_frameio, sign_in_of
from postflow.frameio.tokens import login_from, save_login
from postflow.frameio.wire import Profile
from postflow.settings import Settings, load_settings
from postflow.settings.sections import SignIn

DEFAULT_PORT = 8923


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(login)


def login(
    port: Annotated[
        int, typer.Option(help="The port the browser comes back to.", min=0, max=65535)
    ] = DEFAULT_PORT,
    *,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the browser, or only print.")
    ] = True,
    minutes: Annotated[float, typer.Option(help="How long to wait for you.", min=0.01)] = 5,
) -> None:
    """Sign in at Frame.io with your browser; PostFlow then works in your name.

    Needs frameio.client_id, of a credential in Adobe's developer console
    whose redirect address is http://127.0.0.1:8923/callback. Where there is
    no browser, forward the port: ssh -L 8923:127.0.0.1:8923 THAT-MACHINE

    Example: postflow login
    """
    settings = load_settings()
    app = oauth_app(settings.frameio)
    issued = asyncio.run(
        log_in(
            app,
            port=port,
            open_browser=webbrowser.open if browser else lambda _: False,
            show=_show,
            patience=timedelta(minutes=minutes),
        )
    )
    save_login(settings.frameio.login_file, login_from(issued, now=time.time()))
    say(f"The login is kept in {settings.frameio.login_file}, which only you can read.")
    _tell_who(settings)


def _show(address: str) -> None:
    say("Sign in with your browser at this address:")
    console.print(Text(address), soft_wrap=True)  # wrapped, it could not be copied


def _tell_who(settings: Settings) -> None:
    if sign_in_of(settings.frameio) is not SignIn.LOGIN:
        say("It is not used: frameio.token or frameio.sign_in says otherwise.")
        return
    profile = asyncio.run(_fetch_me(settings))
    say(f"PostFlow now works as {profile.name} ({profile.email}).")


async def _fetch_me(settings: Settings) -> Profile:
    async with open_frameio(settings.frameio) as frameio:
        return await frameio.fetch_me()
