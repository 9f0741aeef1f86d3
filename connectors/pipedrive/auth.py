"""How a request to Pipedrive proves who we are. Vendor facts: README.md, Access."""

from collections.abc import Sequence
from typing import Final, TypedDict
from urllib.parse import urljoin

from connectors.pipedrive.settings import AccessTokenAuth, ApiTokenAuth, PipedriveSettings
from connectors.sdk import (
    ApiToken,
    AuthorizationCode,
    AuthorizationCodeAuth,
    Authorizer,
    Bearer,
    RefreshToken,
    RefreshTokenAuth,
    TokenKeeper,
    Tools,
)

TOKEN_URL: Final = "https://oauth.pipedrive.com/oauth/token"
REGISTRATION: Final[Sequence[str]] = (
    "log in to a developer sandbox account (developers.pipedrive.com gives out free ones): only those have apps",
    "open https://app.pipedrive.com/developer-hub, Create an app, Create private app",
    "Basic info: any name, and as Callback URL  {redirect_uri}  (there can be one alone); Save",
    "OAuth & access scopes: mark the scopes that the streams need; Save",
    "copy Client ID and Client secret to where the file's client_id and client_secret refer to",
)


class _Client(TypedDict):
    vendor: str
    token_url: str
    client_id: str
    client_secret: str
    in_header: bool
    kept: tuple[str, ...]


def authorizer(settings: PipedriveSettings, tools: Tools) -> Authorizer:
    auth = settings.auth
    if isinstance(auth, ApiTokenAuth):
        return ApiToken("x-api-token", auth.api_token.get_secret_value())
    if isinstance(auth, AccessTokenAuth):
        return Bearer(auth.access_token.get_secret_value())
    flow = (
        RefreshToken(**_client(settings, auth), refresh_token=auth.refresh_token.get_secret_value())
        if isinstance(auth, RefreshTokenAuth)
        else _in_browser(settings, auth, tools)
    )
    # The grant names the account's own host, which answers faster; an address in the file beats it.
    return TokenKeeper(flow, tools, base_url_from=None if settings.base_url else "api_domain")


def authorization(settings: PipedriveSettings, tools: Tools) -> AuthorizationCode | None:
    auth = settings.auth
    return _in_browser(settings, auth, tools) if isinstance(auth, AuthorizationCodeAuth) else None


def _in_browser(settings: PipedriveSettings, auth: AuthorizationCodeAuth, tools: Tools) -> AuthorizationCode:
    client = _client(settings, auth)
    return AuthorizationCode(
        **client,
        connection=tools.connection,
        authorize_url=urljoin(client["token_url"], "authorize"),
        pkce=False,  # not documented; the scopes are those that the app has
    )


def _client(settings: PipedriveSettings, auth: RefreshTokenAuth | AuthorizationCodeAuth) -> _Client:
    return {
        "vendor": "Pipedrive",
        "token_url": settings.token_url or TOKEN_URL,
        "client_id": auth.client_id,
        "client_secret": auth.client_secret.get_secret_value(),
        "in_header": True,
        "kept": ("api_domain", "scope"),
    }
