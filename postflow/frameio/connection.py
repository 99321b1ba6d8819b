"""The part that owns a socket: sends calls, in turn, with a token, again where that is safe.

What a call means is not its business. It never repeats a create whose effect is unknown, and it
never ends a list early.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

import httpx

from postflow.errors import ConfigurationError, RateLimitedError
from postflow.frameio import requests
from postflow.frameio.failures import FOREIGN_ERRORS, Answer, failure_of
from postflow.frameio.protocol import Call, P, check_answer, read_object, read_page
from postflow.frameio.ratelimits import RateLimits
from postflow.frameio.redaction import hide_signed_addresses
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.tokens import TokenSource
from postflow.frameio.wire import BASE_URL, Account

T = TypeVar("T")

# No wait for a free connection in the pool: whoever waits there has not failed.
TIMEOUT = httpx.Timeout(60, connect=15, pool=None)


class Connection:
    """An authorised way to Frame.io's API; `http` belongs to the caller, who closes it.

    `storage` makes the clients for parts, which are sent from threads; each upload closes its own.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        token: TokenSource,
        base_url: str = BASE_URL,
        account_id: str | None = None,
        retries: RetryPolicy | None = None,
        limits: RateLimits | None = None,
        storage: Callable[[], httpx.Client] = httpx.Client,
    ) -> None:
        hide_signed_addresses()
        self.http = http
        self.storage = storage
        self.retries = retries or RetryPolicy()
        self._token = token
        self._base_url = base_url.rstrip("/")
        self._account_id = account_id
        self._limits = limits or RateLimits()

    async def account_id(self) -> str:
        """Return the configured account, or the only one there is."""
        if self._account_id is None:
            accounts = await self.send_for_all(requests.list_accounts())
            self._account_id = only_account(accounts)
        return self._account_id

    async def send(self, call: Call[P]) -> P:
        """Send one call and return the object it answers."""
        return await self._send(call, partial(read_object, call))

    async def send_for_nothing(self, call: Call[P]) -> None:
        """Send one call that answers nothing worth reading."""
        await self._send(call, partial(check_answer, call))

    async def each(self, call: Call[P]) -> AsyncIterator[P]:
        """Yield every object of a list, page by page; an error on any page is raised."""
        asked: Call[P] | None = call
        while asked is not None:
            page = await self._send(asked, partial(read_page, asked))
            for item in page.items:
                yield item
            asked = page.next_call

    async def send_for_all(self, call: Call[P]) -> list[P]:
        """Return every object of a list, or raise; never a part of it."""
        return [item async for item in self.each(call)]

    async def _send(self, call: Call[P], read: Callable[[Answer], T]) -> T:
        async def once() -> T:
            try:
                return read(await self._exchange(call))
            except RateLimitedError as error:
                if self.retries.heeds_told_waits:
                    self._limits.hold(call, error.retry_after)
                raise

        return await self.retries.run(once, repeatable=call.is_repeatable)

    async def _exchange(self, call: Call[P]) -> Answer:
        """Send once; a token that is refused is renewed and the call sent once more."""
        token = await self._token.current()
        answer = await self._request(call, token)
        if answer.status == httpx.codes.UNAUTHORIZED:
            # Nothing was done, so even a create may be sent again.
            fresh = await self._token.renewed(refused=token)
            if fresh is not None:
                answer = await self._request(call, fresh)
        return answer

    async def _request(self, call: Call[P], token: str) -> Answer:
        await self._limits.wait_for_turn(call)
        try:
            response = await self.http.request(
                call.method,
                self._base_url + call.path,
                params=dict(call.params),
                json=None if call.data is None else {"data": dict(call.data)},
                headers={**call.headers, "authorization": f"Bearer {token}"},
                timeout=TIMEOUT,
                follow_redirects=False,
            )
        except FOREIGN_ERRORS as error:
            raise failure_of(call.doing, error) from error
        return Answer(status=response.status_code, headers=response.headers, body=response.content)


def only_account(accounts: list[Account]) -> str:
    """Return the id of the only account; ConfigurationError where there is a choice to make."""
    if len(accounts) == 1:
        return accounts[0].id
    if not accounts:
        raise ConfigurationError(
            "The Frame.io token sees no account; use a token of a user who belongs to one."
        )
    choices = ", ".join(f"{each.display_name} ({each.id})" for each in accounts)
    raise ConfigurationError(
        f"The Frame.io token sees several accounts; set `frameio.account_id` to one of: {choices}."
    )
