"""Who may call: a user's token that never runs out, or the tokens of a client that has proved itself."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from sandbox.ids import token
from sandbox.vendors.qualtrics.answers import refusal, refused
from sandbox.web import Answer, Call, dump

ACCESS_LIVES: Final = timedelta(hours=1)
EVERYTHING: Final = "manage:all"
SCOPES: Final = frozenset(
    {
        EVERYTHING, "read:users", "read:surveys", "manage:surveys", "read:survey_responses", "manage:survey_responses",
        "read:directories", "read:directory_contacts", "manage:directory_contacts", "read:mailing_lists",
        "manage:mailing_lists", "read:mailing_list_contacts", "manage:mailing_list_contacts", "read:distributions",
        "manage:distributions",
    }
)  # fmt: skip


class _Grant(NamedTuple):
    until: datetime
    scopes: frozenset[str]


class Grants:
    """The doors of one brand. There is no refresh token: a client asks again."""

    def __init__(self, rng: Random, directory: str) -> None:
        self._rng = rng
        self._directory = directory
        self.api_token = token(40, rng.random(), "api token")
        self.client_id = f"{rng.getrandbits(128):032x}"
        self.client_secret = token(64, rng.random(), "client secret")[:40]
        self._access: dict[str, _Grant] = {}

    def credentials(self) -> Mapping[str, str]:
        return {
            "api_token": self.api_token,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "directory": self._directory,
        }

    def expire(self) -> None:
        self._access.clear()

    def admit(self, call: Call, scope: str) -> None:
        """Let the caller in who may do what goes by this scope; who may manage may read."""
        if "x-api-token" in call.headers:
            if call.headers["x-api-token"] != self.api_token:
                raise refused(401, "AUTH_6.0", "Unrecognized X-API-TOKEN.")
            return
        scheme, _, bearer = call.headers.get("authorization", "").partition(" ")
        held = self._access.get(bearer) if scheme.lower() == "bearer" else None
        if held is None or call.now >= held.until:
            raise refused(401, "AUTH_8.1", "The access token is missing, invalid or has expired.")
        managing = scope.replace("read:", "manage:")
        if scope and held.scopes.isdisjoint({EVERYTHING, scope, managing}):
            raise refused(403, "AUTH_3.1", f"The access token does not carry the scope {scope}")

    def grant(self, call: Call) -> Answer:
        """`POST /oauth2/token`."""
        form = call.form()
        if call.basic() != (self.client_id, self.client_secret):
            return Answer(401, dump({"error": "invalid_client", "error_description": "Client authentication failed"}))
        if form.get("grant_type") != "client_credentials":
            return Answer(400, dump({"error": "unsupported_grant_type", "error_description": "Not supported"}))
        scopes = frozenset(form.get("scope", "").split())
        if not scopes or not scopes <= SCOPES:
            return Answer(400, dump({"error": "invalid_scope", "error_description": "Unknown or missing scope"}))
        bearer = f"{self._rng.getrandbits(128):032x}"
        self._access[bearer] = _Grant(call.now + ACCESS_LIVES, scopes)
        return Answer(
            200,
            dump(
                {
                    "access_token": bearer,
                    "token_type": "Bearer",
                    "expires_in": int(ACCESS_LIVES.total_seconds()),
                    "scope": " ".join(sorted(scopes)),
                }
            ),
        )


def unauthorized() -> Answer:
    return refusal(401, "AUTH_8.1", "The access token is missing, invalid or has expired.")
