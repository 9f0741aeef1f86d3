"""The accounts server: codes for refresh tokens, refresh tokens for access tokens that live an hour.

It says what is wrong with HTTP 200 and `{"error": ...}`, but for a client in a hurry, who gets a 400.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from random import Random
from typing import Final

from sandbox.consent import Consent, page
from sandbox.web import Answer, Call, dump

ACCESS_LIVES: Final = timedelta(hours=1)
# Of one refresh token: access tokens that live at a time, and that are granted in a window.
MOST_ACCESS: Final = 30
MOST_GRANTS: Final = 10
GRANT_WINDOW: Final = timedelta(minutes=10)
# Of one user and client; one more, and the oldest dies.
MOST_REFRESH: Final = 20
LOCATION: Final = "eu"
SCOPES: Final = (
    "ZohoCRM.modules.ALL",
    "ZohoCRM.settings.ALL",
    "ZohoCRM.users.READ",
    "ZohoCRM.org.READ",
    "ZohoCRM.coql.READ",
    "ZohoSearch.securesearch.READ",
)


@dataclass(slots=True)
class _Access:
    scopes: Sequence[str]
    expires: datetime
    parent: str


@dataclass(slots=True)
class _Refresh:
    scopes: Sequence[str]
    grants: deque[datetime] = field(default_factory=deque)


class Grants:
    """`hurry_refused`: whether too many grants in a window are refused."""

    def __init__(self, rng: Random, org_id: str, *, hurry_refused: bool) -> None:
        self._rng, self._org_id, self._hurry_refused = rng, org_id, hurry_refused
        self.client_id = f"1000.{self._secret(30).upper()}"
        self.client_secret = self._secret(42)
        self.refresh_token = self._token()
        self.code = self._token()
        self.consent = Consent(rng, vendor="Zoho CRM", client_id=self.client_id)
        self._refresh = {self.refresh_token: _Refresh(SCOPES)}
        self._access: dict[str, _Access] = {}

    def _secret(self, digits: int) -> str:
        return f"{self._rng.getrandbits(4 * digits):0{digits}x}"

    def _token(self) -> str:
        return f"1000.{self._secret(32)}.{self._secret(32)}"

    def credentials(self) -> Mapping[str, str]:
        """`code`: a grant of the self client, good for one exchange."""
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "code": self.code,
            "org_id": self._org_id,
        }

    def scopes(self, call: Call) -> Sequence[str] | None:
        """What the caller may do; None: the token is none that is let in. `Bearer` passes for Zoho's own word."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        found = self._access.get(token)
        if scheme.lower() not in {"zoho-oauthtoken", "bearer"} or found is None or call.now >= found.expires:
            return None
        return found.scopes

    def expire(self) -> None:
        self._access.clear()

    def ask(self, call: Call) -> Answer:
        """`GET /oauth/v2/auth`."""
        if call.query.get("response_type") != "code" or not call.query.get("scope"):
            return page(400, "<p>It wants response_type=code and a scope.</p>")
        return self.consent.ask(call, told={"location": LOCATION, "accounts-server": call.base})

    def grant(self, call: Call) -> Answer:
        """`POST /oauth/v2/token`."""
        asked = _sent(call)
        if asked.get("client_id") != self.client_id:
            return _error("invalid_client")
        if asked.get("client_secret") != self.client_secret:
            return _error("invalid_client_secret")
        kind = asked.get("grant_type")
        if kind == "refresh_token":
            return self._refreshed(call, asked.get("refresh_token", ""))
        if kind == "authorization_code":
            return self._exchanged(call, asked)
        if kind == "client_credentials":
            if asked.get("soid") != f"ZohoCRM.{self._org_id}" or not asked.get("scope"):
                return _error("invalid_soid")
            return self._granted(call, tuple(asked["scope"].split(",")), parent="")
        return _error("unsupported_grant_type")

    def _refreshed(self, call: Call, token: str) -> Answer:
        known = self._refresh.get(token)
        if known is None:
            return _error("invalid_code")
        while known.grants and known.grants[0] <= call.now - GRANT_WINDOW:
            known.grants.popleft()
        if self._hurry_refused and len(known.grants) >= MOST_GRANTS:
            text = "You have made too many requests continuously. Please try again after some time."
            return Answer(400, dump({"error_description": text, "error": "Access Denied", "status": "failure"}))
        known.grants.append(call.now)
        return self._granted(call, known.scopes, parent=token)

    def _exchanged(self, call: Call, asked: Mapping[str, str]) -> Answer:
        code = asked.get("code", "")
        scopes: Sequence[str] = SCOPES
        offline = True
        if code and code == self.code:
            self.code = ""
        else:
            redirect = self.consent.redirect_of(code)
            if redirect is not None and redirect != asked.get("redirect_uri"):
                return _error("invalid_redirect_uri")
            wanted = self.consent.redeem(call, asked)
            if wanted is None:
                return _error("invalid_code")
            scopes = [scope.strip() for scope in wanted["scope"].split(",") if scope.strip()]
            offline = wanted.get("access_type") == "offline"
        if not offline:
            return self._granted(call, scopes, parent="")
        token = self._token()
        self._refresh[token] = _Refresh(scopes)
        while len(self._refresh) > MOST_REFRESH:
            self._forget(next(iter(self._refresh)))
        return self._granted(call, scopes, parent=token, refresh_token=token)

    def _granted(self, call: Call, scopes: Sequence[str], *, parent: str, **more: str) -> Answer:
        siblings = [token for token, access in self._access.items() if access.parent == parent]
        for token in siblings[: max(0, len(siblings) + 1 - MOST_ACCESS)]:
            del self._access[token]
        token = self._token()
        self._access[token] = _Access(scopes, call.now + ACCESS_LIVES, parent)
        body = {
            "access_token": token,
            **more,
            "scope": " ".join(scopes),
            "api_domain": call.base,
            "token_type": "Bearer",
            "expires_in": int(ACCESS_LIVES.total_seconds()),
        }
        return Answer(200, dump(body))

    def revoke(self, call: Call) -> Answer:
        """`POST /oauth/v2/token/revoke`: a refresh token goes with all that came of it."""
        token = _sent(call).get("token", "")
        if token not in self._refresh and token not in self._access:
            return _error("invalid_token")
        self._access.pop(token, None)
        self._forget(token)
        return Answer(200, dump({"status": "success"}))

    def throw_out(self) -> None:
        """What the app was granted is good no more; the next one who allows it grants anew."""
        for token in list(self._refresh):
            self._forget(token)

    def _forget(self, refresh_token: str) -> None:
        if self._refresh.pop(refresh_token, None) is not None:
            self._access = {token: kept for token, kept in self._access.items() if kept.parent != refresh_token}


def covers(granted: Sequence[str], needed: str) -> bool:
    """Whether scopes allow what is needed: `ZohoCRM.modules.contacts.READ` is in `ZohoCRM.modules.ALL`, for one."""
    *place, operation = needed.split(".")
    operations = {operation, "ALL"} | ({"WRITE"} if operation in {"CREATE", "UPDATE"} else set())
    places = [".".join(place[:depth]) for depth in range(2, len(place) + 1)]
    held = {scope.lower() for scope in granted}
    return any(f"{at}.{word}".lower() in held for at in places for word in operations)


def _sent(call: Call) -> Mapping[str, str]:
    """Parameters in the query or in a form, which may be one of several parts: Zoho's SDK for Node sends those."""
    kind = call.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return {**call.query, **call.form()}
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + call.body)
    sent = dict(call.query)
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            sent[name] = value.decode("utf-8", "replace")
    return sent


def _error(word: str) -> Answer:
    return Answer(200, dump({"error": word}))
