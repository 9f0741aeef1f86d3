"""How a request to Typeform proves who we are, and where it goes. Vendor facts: README.md, Access."""

from collections.abc import Sequence
from typing import Final, TypedDict
from urllib.parse import urljoin

from connectors.sdk import (
    AuthorizationCode,
    AuthorizationCodeAuth,
    Authorizer,
    Bearer,
    RefreshToken,
    RefreshTokenAuth,
    TokenKeeper,
    Tools,
)
from connectors.typeform.settings import TokenAuth, TypeformSettings

HOSTS: Final = {"us": "https://api.typeform.com", "eu": "https://api.typeform.eu"}
SCOPE: Final = "accounts:read forms:read responses:read offline"  # offline: with a refresh token
REGISTRATION: Final[Sequence[str]] = (
    "log in to Typeform, open the menu of your organization (upper left), and there Developer apps",
    "Register a new app: any name and website, and as Redirect URI  {redirect_uri}",
    "copy the Client secret at once (it is shown this time alone) and the Client ID to where the file's client_secret "
    "and client_id refer to",
)


class _Client(TypedDict):
    vendor: str
    token_url: str
    client_id: str
    client_secret: str
    kept: tuple[str, ...]


def base_url(settings: TypeformSettings) -> str:
    return settings.base_url or HOSTS[settings.data_center]


def authorizer(settings: TypeformSettings, tools: Tools) -> Authorizer:
    auth = settings.auth
    if isinstance(auth, TokenAuth):
        return Bearer(auth.token.get_secret_value())
    flow = (
        RefreshToken(**_client(settings, auth), refresh_token=auth.refresh_token.get_secret_value())
        if isinstance(auth, RefreshTokenAuth)
        else _in_browser(settings, auth, tools)
    )
    return TokenKeeper(flow, tools)


def authorization(settings: TypeformSettings, tools: Tools) -> AuthorizationCode | None:
    auth = settings.auth
    return _in_browser(settings, auth, tools) if isinstance(auth, AuthorizationCodeAuth) else None


def _in_browser(settings: TypeformSettings, auth: AuthorizationCodeAuth, tools: Tools) -> AuthorizationCode:
    client = _client(settings, auth)
    return AuthorizationCode(
        **client,
        connection=tools.connection,
        authorize_url=urljoin(client["token_url"], "authorize"),
        scope=SCOPE,
        pkce=False,  # not documented
    )


def _client(settings: TypeformSettings, auth: RefreshTokenAuth | AuthorizationCodeAuth) -> _Client:
    return {
        "vendor": "Typeform",
        "token_url": settings.token_url or f"{base_url(settings).rstrip('/')}/oauth/token",
        "client_id": auth.client_id,
        "client_secret": auth.client_secret.get_secret_value(),
        "kept": ("scope",),
    }
