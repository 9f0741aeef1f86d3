"""Who may call."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Final

from sandbox.consent import Consent
from sandbox.vendors.typeform.answers import refused
from sandbox.web import Answer, Call, dump

ACCESS_LIVES: Final = timedelta(days=7)


class Grants:
    """A personal token that never expires, and OAuth tokens whose refresh token changes with every use."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.personal = f"tfp_{rng.getrandbits(200):050x}"
        self.client_id = f"{rng.getrandbits(128):032x}"
        self.client_secret = f"{rng.getrandbits(160):040x}"
        self.refresh_token = f"{rng.getrandbits(160):040x}"
        self.code = f"{rng.getrandbits(100):025x}"
        self.consent = Consent(rng, vendor="Typeform", client_id=self.client_id)
        self._access: dict[str, datetime] = {}

    def credentials(self) -> Mapping[str, str]:
        return {
            "token": self.personal,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "code": self.code,
        }

    def expire(self) -> None:
        self._access.clear()

    def throw_out(self) -> None:
        """What the app was granted is good no more; the next one who allows it grants anew."""
        self.refresh_token = f"{self._rng.getrandbits(160):040x}"
        self._access.clear()

    def admit(self, call: Call) -> None:
        header = call.headers.get("authorization")
        if header is None:
            raise refused(401, "AUTHENTICATION_FAILED", "Authentication credentials not found on the Request Headers")
        scheme, _, bearer = header.partition(" ")
        if scheme.lower() == "bearer" and (bearer == self.personal or call.now < self._access.get(bearer, call.now)):
            return
        raise refused(401, "AUTHENTICATION_FAILED", "Invalid access token")

    def grant(self, call: Call) -> Answer:
        form = call.form()
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return Answer(401, dump({"error": "invalid_client"}))
        kind = form.get("grant_type")
        if kind == "refresh_token":
            fits = form.get("refresh_token") == self.refresh_token
        elif kind == "authorization_code":
            fits = bool((form.get("code") == self.code and form.get("redirect_uri")) or self.consent.redeem(call))
        else:
            return Answer(400, dump({"error": "unsupported_grant_type"}))
        if not fits:
            return Answer(400, dump({"error": "invalid_grant"}))
        # The old refresh token dies with this answer.
        self.refresh_token = f"{self._rng.getrandbits(160):040x}"
        access = f"{self._rng.getrandbits(256):064x}"
        self._access[access] = call.now + ACCESS_LIVES
        return Answer(
            200,
            dump(
                {
                    "access_token": access,
                    "token_type": "bearer",
                    "expires_in": int(ACCESS_LIVES.total_seconds()),
                    "scope": "forms:read responses:read accounts:read workspaces:read offline",
                    "refresh_token": self.refresh_token,
                }
            ),
        )
