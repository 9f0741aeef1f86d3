"""Who may call: an API token that never expires, or OAuth access tokens that do."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Final

from sandbox.consent import Consent
from sandbox.web import Answer, Call, dump

ACCESS_LIVES: Final = timedelta(seconds=3599)
REFRESH_LIVES: Final = timedelta(days=60)
SCOPES: Final = "base,deals:full,contacts:full,leads:full,activities:full,users:read,recents:read,search:read,admin"


class Grants:
    """The token door of one account. A refresh hands the same refresh token back and resets its 60 days."""

    def __init__(self, rng: Random) -> None:
        def secret(digits: int) -> str:
            return f"{rng.getrandbits(4 * digits):0{digits}x}"

        self.api_token = secret(40)
        self.client_id = secret(16)
        self.client_secret = secret(40)
        self.refresh_token = f"1:1:{secret(40)}"
        self.code = f"1.{secret(40)}"  # what a person's consent would have brought
        self.consent = Consent(rng, vendor="Pipedrive", client_id=self.client_id, denied="user_denied")
        self._rng = rng
        self._refreshed: datetime | None = None
        self._access: dict[str, datetime] = {}  # token -> when it expires

    def credentials(self) -> Mapping[str, str]:
        return {
            "api_token": self.api_token,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "code": self.code,
        }

    def holder(self, call: Call) -> tuple[str, bool] | None:
        """(token, by OAuth) of a caller who is let in; None: refused. The query form is only v1's."""
        token = call.headers.get("x-api-token")
        if token is None and not call.path.startswith("/api/v2/"):
            token = call.query.get("api_token")
        if token is not None:
            return (token, False) if token == self.api_token else None
        scheme, _, bearer = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and call.now < self._access.get(bearer, call.now):
            return bearer, True
        return None

    def expire(self) -> None:
        self._access.clear()

    def grant(self, call: Call) -> Answer:
        """`POST /oauth/token`."""
        form = call.form()
        if call.basic() != (self.client_id, self.client_secret):
            return _refusal(401, "invalid_client", "Client authentication failed")
        kind = form.get("grant_type")
        if kind == "refresh_token":
            last = self._refreshed or call.now
            if form.get("refresh_token") != self.refresh_token or call.now - last >= REFRESH_LIVES:
                return _refusal(400, "invalid_grant", "Invalid grant: refresh token is invalid")
        elif kind == "authorization_code":
            if not (form.get("code") == self.code and form.get("redirect_uri")) and not self.consent.redeem(call):
                return _refusal(400, "invalid_grant", "Invalid grant: authorization code is invalid")
        else:
            return _refusal(400, "unsupported_grant_type", "Unsupported grant type")
        self._refreshed = call.now
        token = "v1u:" + f"{self._rng.getrandbits(320):080x}"
        self._access[token] = call.now + ACCESS_LIVES
        return Answer(
            200,
            dump(
                {
                    "access_token": token,
                    "token_type": "Bearer",
                    "refresh_token": self.refresh_token,
                    "scope": SCOPES,
                    "expires_in": int(ACCESS_LIVES.total_seconds()),
                    "api_domain": call.base,
                }
            ),
        )

    def revoke(self, call: Call) -> Answer:
        """`POST /oauth/revoke`: the token, and with a refresh token all that came of it."""
        if call.form().get("token") == self.refresh_token:
            self.throw_out()
        self._access.pop(call.form().get("token", ""), None)
        return Answer(200, b"{}")

    def throw_out(self) -> None:
        """What the app was granted is good no more; the next one who allows it grants anew."""
        self.refresh_token = f"1:1:{self._rng.getrandbits(160):040x}"
        self._access.clear()


def _refusal(status: int, error: str, message: str) -> Answer:
    return Answer(status, dump({"success": False, "message": message, "error": error}))
