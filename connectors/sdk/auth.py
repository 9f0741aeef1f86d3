"""Who we are, as flows without I/O: they compute headers and token requests, the transport performs them.

ApiToken       one header with a fixed token
Bearer         a ready access token
OAuth          a token that is renewed: RefreshToken, ClientCredentials or JwtBearer, kept by `tokens.TokenKeeper`
"""

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from connectors.sdk.contract import Grant
from connectors.sdk.errors import GrantError, LaterError, SetupError, ShapeError

# Refusals that time mends, whatever their status.
_BUSY: Final = frozenset({"temporarily_unavailable", "server_error", "rate_limit_exceeded", "slow_down"})
# How long an assertion may be used; vendors take three minutes at most.
_ASSERTED: Final = timedelta(minutes=2)


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
    """What all flows have in common: an address and a client that proves itself there.

    `refusals`: what the vendor's codes and descriptions mean to an operator; other words of an answer are not shown.
    """

    vendor: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False, default="")
    scope: str | None = None
    in_header: bool = False  # HTTP Basic instead of the form
    kept: tuple[str, ...] = ()  # further keys of the answer to keep ("api_domain")
    lifetime: timedelta | None = None  # where the answer has no expires_in
    refusals: Mapping[str, str] = field(default_factory=dict)

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
            client = {"client_id": self.client_id}
            if self.client_secret:
                client["client_secret"] = self.client_secret
            return TokenRequest(self.token_url, {**form, **client, **scope}, {})
        basic = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        return TokenRequest(self.token_url, {**form, **scope}, {"Authorization": f"Basic {basic}"})

    def grant(self, answer: TokenAnswer, *, held: Grant | None, now: datetime) -> Grant:
        body = answer.body
        # Some vendors answer a refusal with 200 and an error in the body.
        error = body.get("error")
        if answer.status == 429 or answer.status >= 500 or error in _BUSY:
            raise LaterError(f"{self.vendor} gives out no tokens now: {answer.status}", code="CW302")
        if error is not None or 400 <= answer.status < 500:
            raise GrantError(
                f"{self.vendor}: {self._refusal(error, body.get('error_description'), answer.status)}",
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

    def _refusal(self, error: object, description: object, status: int) -> str:
        for said in (description, error):
            if isinstance(said, str) and (known := self.refusals.get(said.strip().casefold())) is not None:
                return known
        if error == "invalid_grant":
            return "the refresh token is revoked or of another data center"
        if error in ("invalid_client", "unauthorized_client"):
            return "client_id or client_secret is refused"
        # Codes of RFC 6749 are words; anything longer may quote what was sent.
        known = error if isinstance(error, str) and error.isidentifier() and len(error) <= 40 else "no reason given"
        return f"the token request is refused ({status}, {known})"

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


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtBearer(_Client):
    """An assertion that we sign ourselves (RFC 7523, RS256): every renewal begins anew, and no secret travels.

    `private_key`: in PEM. `clock` tells when an assertion ends; vendors compare it with their own.
    """

    subject: str  # whom the app acts for
    audience: str
    private_key: str = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)

    @property
    def _seed(self) -> str:
        return f"{self.client_id}\n{self.subject}\n{self.private_key}"

    def request(self, held: Grant | None) -> TokenRequest:
        grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return TokenRequest(self.token_url, {"grant_type": grant_type, "assertion": self._assertion()}, {})

    def _assertion(self) -> str:
        claims = {
            "iss": self.client_id,
            "sub": self.subject,
            "aud": self.audience,
            "exp": int((self.clock() + _ASSERTED).timestamp()),
        }
        signed = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
        return f"{signed}.{_base64url(self._signature(signed.encode()))}"

    def _signature(self, signed: bytes) -> bytes:
        # Imported when first asked for: no other flow needs it.
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        try:
            key = serialization.load_pem_private_key(self.private_key.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, rsa.RSAPrivateKey):
            raise SetupError(
                f"{self.vendor}: private_key is no RSA key without a passphrase",
                hint="write file:PATH to its PEM file, which begins with -----BEGIN PRIVATE KEY-----",
                code="CW102",
            )
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def _part(claims: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(claims, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
