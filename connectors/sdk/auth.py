"""Who we are, as flows without I/O: they compute headers and token requests, the transport performs them.

ApiToken       one header with a fixed token
Bearer         a ready access token
OAuth          a token that is renewed: RefreshToken or ClientCredentials, kept by `tokens.TokenKeeper`
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeAlias

from connectors.sdk.contract import Grant
from connectors.sdk.errors import GrantError, LaterError, ShapeError


class TokenRequest(NamedTuple):
    """A form to be posted to a token address."""

    url: str
    form: Mapping[str, str]
    headers: Mapping[str, str]


class TokenAnswer(NamedTuple):
    """What a token address said. `body` is {} where it was no JSON object."""

    status: int
    body: Mapping[str, Any]


Exchange: TypeAlias = Callable[[TokenRequest], TokenAnswer]


class Signature(NamedTuple):
    """What authorises a request. `generation` names the token, so that a refusal is held against that one alone."""

    headers: Mapping[str, str]
    generation: int = 0
    base_url: str | None = None  # where the grant says which server is ours


class Authorizer(Protocol):
    """Puts a token on requests. Called from several threads."""

    def signature(self, exchange: Exchange) -> Signature:
        """The headers of the token that is good now; it is renewed beforehand where it has run out."""
        ...

    def renewed(self, refused: Signature, exchange: Exchange) -> Signature | None:
        """Another one after a 401; None where there is nothing to renew."""
        ...


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A fixed token in a header of the vendor's choice."""

    header: str
    token: str = field(repr=False)

    def signature(self, exchange: Exchange) -> Signature:
        return Signature({self.header: self.token})

    def renewed(self, refused: Signature, exchange: Exchange) -> Signature | None:
        return None


@dataclass(frozen=True, slots=True)
class Bearer:
    """A ready access token. When it runs out a person makes another."""

    token: str = field(repr=False)

    def signature(self, exchange: Exchange) -> Signature:
        return Signature({"Authorization": f"Bearer {self.token}"})

    def renewed(self, refused: Signature, exchange: Exchange) -> Signature | None:
        return None


class Flow(Protocol):
    """How a grant is made from what the operator wrote and what was granted before."""

    def fits(self, held: Grant) -> bool:
        """Was it made from the credentials that are configured now?"""
        ...

    def request(self, held: Grant | None) -> TokenRequest: ...
    def grant(self, answer: TokenAnswer, *, held: Grant | None, now: datetime) -> Grant:
        """Raises GrantError where a person must act, LaterError where time will mend it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Client:
    """What both flows have in common: an address and a client that proves itself there."""

    vendor: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    in_header: bool = False  # HTTP Basic instead of the form
    kept: tuple[str, ...] = ()  # further keys of the answer to keep ("api_domain")
    lifetime: timedelta | None = None  # where the answer has no expires_in

    @property
    def _seed(self) -> str:
        return self.client_id

    @property
    def _mark(self) -> str:
        return hashlib.sha256(f"{self.token_url}\n{self._seed}".encode()).hexdigest()[:16]

    def fits(self, held: Grant) -> bool:
        # New credentials in the file beat whatever an older one left in the store.
        return held.extra.get("_seed") == self._mark

    def _request(self, form: Mapping[str, str]) -> TokenRequest:
        scope = {} if self.scope is None else {"scope": self.scope}
        if not self.in_header:
            client = {"client_id": self.client_id, "client_secret": self.client_secret}
            return TokenRequest(self.token_url, {**form, **client, **scope}, {})
        basic = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        return TokenRequest(self.token_url, {**form, **scope}, {"Authorization": f"Basic {basic}"})

    def grant(self, answer: TokenAnswer, *, held: Grant | None, now: datetime) -> Grant:
        body = answer.body
        # Some vendors answer a refusal with 200 and an error in the body.
        error = body.get("error")
        if answer.status == 429 or answer.status >= 500:
            raise LaterError(f"{self.vendor} gives out no tokens now: {answer.status}", code="CW302")
        if error is not None or 400 <= answer.status < 500:
            raise GrantError(
                f"{self.vendor}: {_refusal(error, answer.status)}",
                hint="make a new one and run `crosswalk check`; the connection is paused, others go on",
                code="CW201",
            )
        token = body.get("access_token")
        if not isinstance(token, str) or not token:
            raise ShapeError(
                f"{self.vendor} answered a token request in a form the connector does not know", code="CW307"
            )
        refresh = body.get("refresh_token")
        return Grant(
            access_token=token,
            # A vendor that does not rotate leaves it out: the old one goes on.
            refresh_token=refresh if isinstance(refresh, str) and refresh else self._refresh_token(held),
            expires_at=self._expiry(body.get("expires_in"), now),
            generation=(0 if held is None else held.generation) + 1,
            extra={"_seed": self._mark, **{key: str(body[key]) for key in self.kept if body.get(key)}},
        )

    def _refresh_token(self, held: Grant | None) -> str | None:
        return None

    def _expiry(self, seconds: object, now: datetime) -> datetime | None:
        try:
            return now + timedelta(seconds=float(str(seconds)))
        except (ValueError, OverflowError):
            return None if self.lifetime is None else now + self.lifetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken(_Client):
    """The refresh_token grant, rotating or not. `refresh_token` is the first one; later ones stand in the store."""

    refresh_token: str = field(repr=False)

    @property
    def _seed(self) -> str:
        return f"{self.client_id}\n{self.refresh_token}"

    def request(self, held: Grant | None) -> TokenRequest:
        return self._request({"grant_type": "refresh_token", "refresh_token": self._refresh_token(held)})

    def _refresh_token(self, held: Grant | None) -> str:
        if held is not None and held.refresh_token and self.fits(held):
            return held.refresh_token
        return self.refresh_token


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials(_Client):
    """The client_credentials grant: every renewal begins anew."""

    @property
    def _seed(self) -> str:
        return f"{self.client_id}\n{self.client_secret}\n{self.scope}"

    def request(self, held: Grant | None) -> TokenRequest:
        return self._request({"grant_type": "client_credentials"})


def _refusal(error: object, status: int) -> str:
    if error == "invalid_grant":
        return "the refresh token is revoked or of another data center"
    if error in ("invalid_client", "unauthorized_client"):
        return "client_id or client_secret is refused"
    # Codes of RFC 6749 are words; anything longer may quote what was sent.
    known = error if isinstance(error, str) and error.isidentifier() and len(error) <= 40 else "no reason given"
    return f"the token request is refused ({status}, {known})"
