"""Renew a token once for all processes.

Compare-and-swap on the generation: one claims the renewal, asks the vendor without holding any lock, stores
what it got, and only then uses it. The others wait for the next generation to appear in the store. The
rotated refresh token is thus persisted before the first call with the new access token, so a crash between
the two costs a call, not the grant.
"""

import threading
from contextlib import suppress
from datetime import timedelta

from connectors.sdk.auth import Exchange, Flow, Signature, TokenRequest
from connectors.sdk.contract import Grant, Tools
from connectors.sdk.errors import LaterError

# Longer than a token request with its time-out may take: a claim that lapses too early sends one refresh token twice.
_CLAIM_SECONDS = 90.0
_LOOK_SECONDS = 0.25


class TokenKeeper:
    """An Authorizer whose token lives in the store. One per connection and process, used by all its threads."""

    def __init__(
        self,
        flow: Flow,
        tools: Tools,
        *,
        margin: timedelta = timedelta(seconds=60),
        header: str = "Authorization",
        scheme: str = "Bearer",
        base_url_from: str | None = None,
    ) -> None:
        """`margin`: renewed that long before it runs out. `base_url_from`: key of the grant's extra, if any."""
        self._flow = flow
        self._tools = tools
        self._margin = margin
        self._header = header
        self._scheme = scheme
        self._base_url_from = base_url_from
        self._lock = threading.Lock()
        self._held: Grant | None = None

    def signature(self, exchange: Exchange) -> Signature:
        held = self._held
        if held is not None and self._good(held):
            return self._sign(held)
        with self._lock:
            return self._sign(self._renew(exchange, refused=None))

    def renewed(self, refused: Signature, exchange: Exchange) -> Signature | None:
        with self._lock:
            return self._sign(self._renew(exchange, refused=refused.generation))

    def _good(self, grant: Grant) -> bool:
        if not self._flow.fits(grant):
            return False
        return grant.expires_at is None or self._tools.clock() + self._margin < grant.expires_at

    def _sign(self, grant: Grant) -> Signature:
        base = None if self._base_url_from is None else grant.extra.get(self._base_url_from)
        return Signature({self._header: f"{self._scheme} {grant.access_token}".strip()}, grant.generation, base)

    def _renew(self, exchange: Exchange, *, refused: int | None) -> Grant:
        connection = self._tools.connection
        waited = 0.0
        while waited <= _CLAIM_SECONDS:
            held = self._tools.tokens.read(connection)
            if held is not None and held.generation != refused and self._good(held):
                self._held = held
                return held
            generation = 0 if held is None else held.generation
            request = self._flow.request(held)  # before the claim: there may be nothing to ask
            if self._tools.tokens.claim(connection, generation=generation, seconds=_CLAIM_SECONDS):
                grant = self._ask(exchange, request, held, generation)
                if self._tools.tokens.replace(connection, grant, generation=generation):
                    self._held = grant
                    return grant
                continue  # our claim had lapsed and another was quicker: take what it stored
            self._tools.sleep(_LOOK_SECONDS)
            waited += _LOOK_SECONDS
        raise LaterError(
            f"{connection}: another process has been renewing the token for {_CLAIM_SECONDS:.0f} s",
            hint="tried again with the next run",
            code="CW302",
        )

    def _ask(self, exchange: Exchange, request: TokenRequest, held: Grant | None, generation: int) -> Grant:
        try:
            return self._flow.grant(exchange(request), held=held, now=self._tools.clock())
        except BaseException:
            with suppress(Exception):  # it lapses by itself, and what ended the renewal matters more
                self._tools.tokens.release(self._tools.connection, generation=generation)
            raise
