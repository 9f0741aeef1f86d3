"""Who may call: OAuth in four flows, and the sessions that come of them.

Source: Salesforce Help, "OAuth Authorization Flows" and "OAuth Error Codes"; read 2026-11-23.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from sandbox.consent import Consent
from sandbox.state import Record
from sandbox.vendors.salesforce.answers import MEDIA_TYPE
from sandbox.vendors.salesforce.key import private_key, private_pem
from sandbox.web import Answer, Call, dump, parse

# A session dies of idleness; this is what a new org is set to.
IDLE: Final = timedelta(hours=2)
ASSERTION_LIVES: Final = timedelta(minutes=3, seconds=30)  # three minutes, and a client's clock may be off
LOGIN_HOSTS: Final = ("https://login.salesforce.com", "https://test.salesforce.com")
SCOPES: Final = "refresh_token api id"
_JWT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class _NotGrantedError(Exception):
    """A token request is refused."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.answer = Answer(status, dump({"error": error, "error_description": description}), media_type=MEDIA_TYPE)


class Grants:
    """The doors of one org. `rotates`: a refresh brings a new refresh token, and the old one is dead from then on."""

    def __init__(self, rng: Random, *, org_id: str, user: Record, rotates: bool = True) -> None:
        self._rng, self._org_id, self._user, self._rotates = rng, org_id, user, rotates
        self.client_id = f"3MVG9{self._secret(40)}"
        self.client_secret = self._secret(64).upper()
        self.refresh_token = f"5Aep861{self._secret(40)}"
        self.password = self._secret(12)
        self.security_token = self._secret(24)
        self._sessions: dict[str, datetime] = {}  # session id -> when it was last used
        self.consent = Consent(rng, vendor="Salesforce", client_id=self.client_id)

    def _secret(self, digits: int) -> str:
        return f"{self._rng.getrandbits(4 * digits):0{digits}x}"

    def credentials(self) -> Mapping[str, str]:
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "username": self._user["Username"],
            "password": self.password,
            "security_token": self.security_token,
            "private_key": private_pem(),
        }

    def admits(self, session: str, now: datetime) -> bool:
        """Whether the session lives; if so, it does for another while."""
        used = self._sessions.get(session)
        if used is None or now - used >= IDLE:
            return False
        self._sessions[session] = max(now, used)
        return True

    def knows(self, username: str, password: str) -> bool:
        """Whether a user may log in by name. The security token stands right behind the password."""
        whole = self.password + self.security_token
        return (username.lower(), password) == (str(self._user["Username"]).lower(), whole)

    def expire(self) -> None:
        self._sessions.clear()

    def throw_out(self) -> None:
        """What the app was granted is good no more; the next one who allows it grants anew."""
        self.refresh_token = f"5Aep861{self._secret(40)}"
        self._sessions.clear()

    def open(self, now: datetime) -> str:
        session = f"{self._org_id[:15]}!AQ{self._secret(90)}"
        self._sessions[session] = now
        return session

    # doors

    def token(self, call: Call) -> Answer:
        """`POST /services/oauth2/token`."""
        form = call.form()
        flows = {
            "client_credentials": self._by_client,
            "refresh_token": self._by_refresh,
            "authorization_code": self._by_code,
            _JWT: self._by_assertion,
        }
        flow = flows.get(form.get("grant_type", ""))
        try:
            if flow is None:
                raise _NotGrantedError("unsupported_grant_type", "grant type not supported")
            refresh = flow(call, form)
        except _NotGrantedError as exc:
            return exc.answer
        return self._granted(call, refresh)

    def revoke(self, call: Call) -> Answer:
        """`/services/oauth2/revoke`: a session, or with a refresh token all that came of it."""
        token = call.form().get("token") or call.query.get("token", "")
        if token == self.refresh_token:
            self.throw_out()
        elif self._sessions.pop(token, None) is None:
            return _NotGrantedError("unsupported_token_type", "this token type is not supported").answer
        return Answer(200, b"")

    def introspect(self, call: Call) -> Answer:
        """`POST /services/oauth2/introspect`."""
        form = call.form()
        try:
            self._by_client(call, form)
        except _NotGrantedError as exc:
            return exc.answer
        used = self._sessions.get(form.get("token", ""))
        if used is None or call.now - used >= IDLE:
            return _json({"active": False})
        return _json(
            {
                "active": True, "scope": SCOPES, "client_id": self.client_id, "username": self._user["Username"],
                "sub": self._identity(call), "token_type": "access_token", "iat": int(used.timestamp()),
                "nbf": int(used.timestamp()), "exp": int((used + IDLE).timestamp()),
            }
        )  # fmt: skip

    def userinfo(self, call: Call) -> Answer:
        """`/services/oauth2/userinfo`, and `/id/...` with the older names."""
        user = self._user
        here = f"{call.base}/services/data/v{{version}}"
        return _json(
            {
                "sub": self._identity(call), "id": self._identity(call), "user_id": user["Id"],
                "organization_id": self._org_id, "preferred_username": user["Username"], "username": user["Username"],
                "nickname": user["Alias"], "name": user["Name"], "display_name": user["Name"], "email": user["Email"],
                "email_verified": True, "given_name": user["FirstName"], "family_name": user["LastName"],
                "zoneinfo": user["TimeZoneSidKey"], "user_type": "STANDARD", "active": user["IsActive"],
                "language": user["LanguageLocaleKey"], "locale": user["LocaleSidKey"], "is_app_installed": True,
                "urls": {
                    "rest": f"{here}/", "sobjects": f"{here}/sobjects/", "query": f"{here}/query/",
                    "custom_domain": call.base,
                },
            }
        )  # fmt: skip

    # flows: each gives the refresh token that goes with the session, if any

    def _by_client(self, call: Call, form: Mapping[str, str]) -> str | None:
        given = call.basic() or (form.get("client_id"), form.get("client_secret"))
        if given[0] != self.client_id:
            raise _NotGrantedError("invalid_client_id", "client identifier invalid")
        if given[1] != self.client_secret:
            raise _NotGrantedError("invalid_client", "invalid client credentials")
        return None

    def _by_refresh(self, call: Call, form: Mapping[str, str]) -> str | None:
        self._by_client(call, form)
        if form.get("refresh_token") != self.refresh_token:
            raise _NotGrantedError("invalid_grant", "expired access/refresh token")
        if not self._rotates:
            return None
        self.refresh_token = f"5Aep861{self._secret(40)}"
        return self.refresh_token

    def _by_code(self, call: Call, form: Mapping[str, str]) -> str | None:
        if form.get("client_id") != self.client_id:
            raise _NotGrantedError("invalid_client_id", "client identifier invalid")
        # A client that keeps no secret proves itself by the verifier.
        if "client_secret" in form or "code_verifier" not in form:
            self._by_client(call, form)
        if not self.consent.redeem(call):
            raise _NotGrantedError("invalid_grant", "expired authorization code")
        return self.refresh_token

    def _by_assertion(self, call: Call, form: Mapping[str, str]) -> str | None:
        claims = _claims(form.get("assertion", ""))
        if claims.get("iss") != self.client_id:
            raise _NotGrantedError("invalid_client_id", "client identifier invalid")
        if claims.get("aud") not in (*LOGIN_HOSTS, call.base):
            raise _NotGrantedError("invalid_grant", "audience is invalid")
        try:
            left = float(claims.get("exp", 0)) - call.now.timestamp()
        except (TypeError, ValueError):
            left = -1.0
        if not 0 < left <= ASSERTION_LIVES.total_seconds():
            raise _NotGrantedError("invalid_grant", "expired authorization code")
        if claims.get("sub") != self._user["Username"]:
            raise _NotGrantedError("invalid_grant", "user hasn't approved this consumer")
        return None

    def _granted(self, call: Call, refresh: str | None) -> Answer:
        session = self.open(call.now)
        issued = str(int(call.now.timestamp() * 1000))
        body: Record = {
            "access_token": session,
            "signature": base64.b64encode(hashlib.sha256(f"{self._identity(call)}{issued}".encode()).digest()).decode(),
            "scope": SCOPES,
            "instance_url": call.base,
            "id": self._identity(call),
            "token_type": "Bearer",
            "issued_at": issued,
        }
        if refresh is not None:
            body["refresh_token"] = refresh
        return _json(body)

    def _identity(self, call: Call) -> str:
        return f"{call.base}/id/{self._org_id}/{self._user['Id']}"


def _claims(assertion: str) -> Mapping[str, Any]:  # a JWT may claim anything
    """What a signed assertion claims; refused where the signature is not that of the known key."""
    head, _, rest = assertion.partition(".")
    body, _, signature = rest.partition(".")
    try:
        header, claims = parse(_decoded(head)), parse(_decoded(body))
        signed = _decoded(signature)
        if header.get("alg") != "RS256" or not isinstance(claims, dict):
            raise ValueError("no RS256")
        private_key().public_key().verify(signed, f"{head}.{body}".encode(), PKCS1v15(), SHA256())
    except (ValueError, AttributeError, InvalidSignature):
        raise _NotGrantedError("invalid_grant", "invalid assertion") from None
    return claims


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _json(body: Record) -> Answer:
    return Answer(200, dump(body), media_type=MEDIA_TYPE)
