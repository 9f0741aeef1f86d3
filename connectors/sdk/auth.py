"""Who we are, as flows without I/O: they compute headers and token requests, the transport performs them.

ApiToken       one header with a fixed token
Bearer         a ready access token
OAuth          a token that is renewed, kept by `tokens.TokenKeeper`:
                   RefreshToken        from a first refresh token that the operator has
                   ClientCredentials   by the app itself
                   JwtBearer           by an assertion that we sign
                   AuthorizationCode   from what a person granted in a browser (`crosswalk auth`)
"""

import hashlib
import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple, Protocol, Self, TypeAlias, runtime_checkable
from urllib.parse import urlencode, urlsplit

from connectors.sdk.contract import Grant
from connectors.sdk.errors import GrantError, LaterError, SetupError, ShapeError

# Refusals that time mends, whatever their status.
_BUSY: Final = frozenset({"temporarily_unavailable", "server_error", "rate_limit_exceeded", "slow_down"})
# Refusals of the client itself (RFC 6749, section 5.2, and the vendors' own words): no other grant would help.
_CLIENT_REFUSED: Final = frozenset(
    {"invalid_client", "unauthorized_client", "invalid_client_id", "invalid_client_secret"}
)
_OF_THE_CLIENT: Final = "correct client_id and client_secret, or what they refer to, and run `crosswalk check`"
_PAUSED: Final = "the connection is paused, others go on"
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

    def request(self, held: Grant | None) -> TokenRequest:
        """What to ask for. Raises GrantError where there is nothing to ask before a person has granted access."""
        ...

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

    @property
    def _remedy(self) -> str:
        """What a person does about a refusal of the grant."""
        return "make a new one and run `crosswalk check`"

    @property
    def _scope(self) -> Mapping[str, str]:
        """What goes along with a token request."""
        return {} if self.scope is None else {"scope": self.scope}

    def _request(self, form: Mapping[str, str]) -> TokenRequest:
        if not self.in_header:
            client = {"client_id": self.client_id}
            if self.client_secret:
                client["client_secret"] = self.client_secret
            return TokenRequest(self.token_url, {**form, **client, **self._scope}, {})
        basic = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        return TokenRequest(self.token_url, {**form, **self._scope}, {"Authorization": f"Basic {basic}"})

    def grant(self, answer: TokenAnswer, *, held: Grant | None, now: datetime) -> Grant:
        body = answer.body
        # Some vendors answer a refusal with 200 and an error in the body.
        error = body.get("error")
        if answer.status == 429 or answer.status >= 500 or error in _BUSY:
            raise LaterError(f"{self.vendor} gives out no tokens now: {answer.status}", code="CW302")
        said = (error, body.get("error_description"))
        unnamed = not _is_code(error) and not any(isinstance(one, str) and self._known(one) for one in said)
        if unnamed and (error is not None or 400 <= answer.status < 500):
            # A refusal names its reason (RFC 6749, section 5.2). What names none, or says a sentence, may be a
            # gateway's word, which passes: to take the grant for lost would stop the connection until a person comes.
            raise LaterError(
                f"{self.vendor}: the token request is refused ({answer.status}, no reason given)",
                hint=f"nothing: the next run asks again; if it stays, {self._remedy}",
                code="CW302",
            )
        if error is not None:
            raise GrantError(
                f"{self.vendor}: {self._refusal(error, body.get('error_description'), answer.status, held=held)}",
                hint=f"{_OF_THE_CLIENT if error in _CLIENT_REFUSED else self._remedy}; {_PAUSED}",
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

    def _refusal(self, error: object, description: object, status: int, *, held: Grant | None) -> str:
        for said in (description, error):
            if isinstance(said, str) and (known := self._known(said)) is not None:
                return known
        if error == "invalid_grant":
            return "the refresh token is revoked or of another data center"
        if error in ("invalid_client", "unauthorized_client"):
            return "client_id or client_secret is refused"
        return f"the token request is refused ({status}, {error})"

    def _known(self, said: str) -> str | None:
        """What a vendor means by these words of its own."""
        return self.refusals.get(said.strip().casefold())

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

    def _refusal(self, error: object, description: object, status: int, *, held: Grant | None) -> str:
        if error == "invalid_grant" and str(description).strip().casefold() not in self.refusals:
            return "the assertion is refused: another user, audience or certificate, or our clock is wrong"
        return super(JwtBearer, self)._refusal(error, description, status, held=held)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """One question to a person at the vendor's, and what its answer must fit. For one use."""

    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)  # RFC 7636: who asked, and nobody else, can redeem the code

    @classmethod
    def make(cls, redirect_uri: str) -> Self:
        return cls(redirect_uri=redirect_uri, state=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        return _base64url(hashlib.sha256(self.verifier.encode()).digest())

    def is_answered_by(self, answer: Mapping[str, str]) -> bool:
        """Is this what the vendor says to this question? `answer`: the query of the redirect."""
        state = answer.get("state")
        if state is None:
            return "error" in answer  # not every vendor sends the state along with a refusal
        return secrets.compare_digest(state.encode(), self.state.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode(_Client):
    """The authorization_code grant: a person grants it in a browser, and from then on it lives in the store alone.

    `crosswalk auth` opens `address`, takes the `code` out of the redirect, and has it redeemed (`redeem`). After that
    it is renewed like any other grant that has a refresh token.
    """

    connection: str  # whose grant it is: for what is said to people
    authorize_url: str
    parameters: Mapping[str, str] = field(default_factory=dict)  # further ones of that address
    pkce: bool = True

    @property
    def _remedy(self) -> str:
        return f"run `crosswalk auth {self.connection}`"

    def address(self, asked: AuthorizationRequest) -> str:
        """Where the person's browser is sent. It holds no secret."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": asked.redirect_uri,
            "state": asked.state,
            **({} if self.scope is None else {"scope": self.scope}),
            **({"code_challenge": asked.challenge, "code_challenge_method": "S256"} if self.pkce else {}),
            **self.parameters,
        }
        return f"{self.authorize_url}{'&' if urlsplit(self.authorize_url).query else '?'}{urlencode(query)}"

    def code(self, asked: AuthorizationRequest, answer: Mapping[str, str]) -> str:
        """The code in the query of the redirect. Raises GrantError where it is a refusal, or answers another question.

        A vendor that says more in it (which of its data centers the account lives in) extends this.
        """
        if not asked.is_answered_by(answer):
            raise GrantError(
                f"{self.vendor}: the answer is not to the question that was asked",
                hint=f"open the address of this run of `crosswalk auth {self.connection}`, in one browser",
                code="CW205",
            )
        if "error" in answer:
            said = answer["error"] if _is_code(answer["error"]) else "no reason given"
            raise GrantError(
                f"{self.vendor} grants no access ({said})",
                hint=f"run `crosswalk auth {self.connection}` again, as a user who may, and allow it",
                code="CW205",
            )
        if not answer.get("code"):
            raise GrantError(
                f"{self.vendor}: there is no code in the answer",
                hint="take the whole address that the browser ended at",
                code="CW205",
            )
        return answer["code"]

    def redeem(self, asked: AuthorizationRequest, code: str) -> TokenRequest:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri}
        return self._request({**form, "code_verifier": asked.verifier} if self.pkce else form)

    def request(self, held: Grant | None) -> TokenRequest:
        if held is None or not self.fits(held):
            what = "nobody has granted access yet" if held is None else "access was granted to another app"
            raise GrantError(f"{self.vendor}: {what}", hint=f"run `crosswalk auth {self.connection}`", code="CW205")
        if held.refresh_token is None:
            raise GrantError(
                f"{self.vendor}: the grant has run out and cannot be renewed",
                hint=f"run `crosswalk auth {self.connection}`",
                code="CW201",
            )
        return self._request({"grant_type": "refresh_token", "refresh_token": held.refresh_token})

    @property
    def _scope(self) -> Mapping[str, str]:
        return {}  # it is asked for in the browser

    def _refusal(self, error: object, description: object, status: int, *, held: Grant | None) -> str:
        if held is None and error == "invalid_grant":
            return "the code is refused: it was used before, or it took too long"
        return super(AuthorizationCode, self)._refusal(error, description, status, held=held)

    def _refresh_token(self, held: Grant | None) -> str | None:
        return None if held is None else held.refresh_token


@runtime_checkable
class AuthorizedInBrowser(Protocol):
    """A connector whose vendor can be asked for access in a browser. Optional: others have none of this.

    `registration`: what to click at the vendor to have an app, a step each, read before there are any settings;
    `{redirect_uri}` stands for the address to be registered.
    """

    registration: ClassVar[Sequence[str]]

    @property
    def authorization(self) -> AuthorizationCode | None:
        """The flow of this connection; None where its `auth` is of another kind."""
        ...


def _part(claims: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(claims, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _is_code(error: object) -> bool:
    """Is it a code, as those of RFC 6749 are? A sentence may quote what was sent."""
    return isinstance(error, str) and error.isidentifier() and len(error) <= 40
