"""How a request to Zoho proves who we are. Vendor facts: README.md, Access."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypedDict

from connectors.sdk import (
    ApiToken,
    AuthorizationCode,
    AuthorizationCodeAuth,
    AuthorizationRequest,
    Authorizer,
    Grant,
    GrantError,
    LaterError,
    RefreshToken,
    RefreshTokenAuth,
    TokenKeeper,
    Tools,
)
from connectors.sdk.auth import TokenAnswer
from connectors.zoho.settings import HOSTS, AccessTokenAuth, ZohoSettings

TOKEN_PATH: Final = "/oauth/v2/token"
SCHEME: Final = "Zoho-oauthtoken"
# With commas between them, which is Zoho's way.
SCOPE: Final = ",".join(
    (
        "ZohoCRM.modules.ALL",
        "ZohoCRM.settings.fields.READ",
        "ZohoCRM.users.READ",
        "ZohoCRM.org.READ",
        "ZohoSearch.securesearch.READ",
    )
)
REGISTRATION: Final[Sequence[str]] = (
    "log in to Zoho CRM as a user who sees and edits everything that is to be synced",
    "open the API console of your data center (https://api-console.zoho.com, .eu, .in, ...), Add Client, "
    "Server-based Applications",
    "any name and homepage, and as Authorized Redirect URI  {redirect_uri}  ; Create",
    "copy Client ID and Client Secret to where the file's client_id and client_secret refer to",
)

# Whoever asks for an eleventh token in ten minutes is refused until they are over (README, Access).
_BLOCKED: Final = timedelta(minutes=10)
_HURRIED: Final = "Access Denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZohoRefreshToken(RefreshToken):
    """From a refresh token that the operator has, of a self client or of an app."""

    connection: str

    @property
    def _remedy(self) -> str:
        return f"make a new one in the API console, then  crosswalk check {self.connection}"

    def grant(self, answer: TokenAnswer, *, held: Grant | None, now: datetime) -> Grant:
        _not_too_fast(answer, now)
        return RefreshToken.grant(self, answer, held=held, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZohoAuthorizationCode(AuthorizationCode):
    """From what a person granted in a browser. `data_center`: where the file says that the organization lives."""

    data_center: str

    def code(self, asked: AuthorizationRequest, answer: Mapping[str, str]) -> str:
        """Zoho's redirect also says where the person's organization lives: its code is good there alone."""
        found = AuthorizationCode.code(self, asked, answer)
        lives = answer.get("location")
        if lives in HOSTS and lives != self.data_center:
            raise GrantError(
                f"Zoho: that organization lives in data center {lives}, not {self.data_center}",
                hint=f"write `data_center: {lives}`, with an app of that data center, and run "
                f"`crosswalk auth {self.connection}` again",
                code="CW205",
            )
        return found

    def grant(self, answer: TokenAnswer, *, held: Grant | None, now: datetime) -> Grant:
        _not_too_fast(answer, now)
        return AuthorizationCode.grant(self, answer, held=held, now=now)

    def _refusal(self, error: object, description: object, status: int, *, held: Grant | None) -> str:
        if held is None and error == "invalid_code":
            return "the code is refused: it was used before, or it took too long"
        return AuthorizationCode._refusal(self, error, description, status, held=held)


def _not_too_fast(answer: TokenAnswer, now: datetime) -> None:
    """What Zoho says to whoever is in a hurry looks like a refusal, and time mends it."""
    if answer.body.get("error") == _HURRIED:
        raise LaterError(
            "Zoho gives out no more tokens for now: it was asked for more than ten in ten minutes",
            hint="nothing: tried again then; if it stays, something else uses the same refresh token",
            code="CW302",
            earliest=now + _BLOCKED,
        )


class _Client(TypedDict):
    vendor: str
    token_url: str
    client_id: str
    client_secret: str
    kept: tuple[str, ...]
    lifetime: timedelta
    refusals: Mapping[str, str]
    connection: str


def authorizer(settings: ZohoSettings, tools: Tools) -> Authorizer:
    auth = settings.auth
    if isinstance(auth, AccessTokenAuth):
        return ApiToken("Authorization", f"{SCHEME} {auth.access_token.get_secret_value()}")
    flow = (
        ZohoRefreshToken(**_client(settings, auth, tools), refresh_token=auth.refresh_token.get_secret_value())
        if isinstance(auth, RefreshTokenAuth)
        else _in_browser(settings, auth, tools)
    )
    # The grant names the organization's own host (a sandbox has another); an address in the file beats it.
    return TokenKeeper(flow, tools, scheme=SCHEME, base_url_from=None if settings.base_url else "api_domain")


def authorization(settings: ZohoSettings, tools: Tools) -> AuthorizationCode | None:
    auth = settings.auth
    return _in_browser(settings, auth, tools) if isinstance(auth, AuthorizationCodeAuth) else None


def _in_browser(settings: ZohoSettings, auth: AuthorizationCodeAuth, tools: Tools) -> ZohoAuthorizationCode:
    client = _client(settings, auth, tools)
    return ZohoAuthorizationCode(
        **client,
        authorize_url=client["token_url"].removesuffix("token") + "auth",
        scope=SCOPE,
        # Without the first there is no refresh token; without the second only the first time.
        parameters={"access_type": "offline", "prompt": "consent"},
        pkce=False,  # not documented
        data_center=settings.data_center,
    )


def _client(settings: ZohoSettings, auth: RefreshTokenAuth | AuthorizationCodeAuth, tools: Tools) -> _Client:
    elsewhere = f"of another data center than {settings.data_center}"
    return {
        "vendor": "Zoho",
        "token_url": settings.token_url or HOSTS[settings.data_center].accounts + TOKEN_PATH,
        "client_id": auth.client_id,
        "client_secret": auth.client_secret.get_secret_value(),
        "kept": ("api_domain", "scope"),
        "lifetime": timedelta(hours=1),
        "refusals": {
            "invalid_code": f"the refresh token is revoked or {elsewhere}",
            "invalid_client": f"client_id is unknown or {elsewhere}",
            "invalid_client_secret": "client_secret does not belong to client_id",
        },
        "connection": tools.connection,
    }
