"""How a request to Salesforce proves who we are. Vendor facts: README.md, Access."""

from collections.abc import Mapping, Sequence
from typing import Final, TypedDict
from urllib.parse import urljoin

from connectors.salesforce.settings import AccessTokenAuth, JwtAuth, SalesforceSettings
from connectors.sdk import (
    AuthorizationCode,
    AuthorizationCodeAuth,
    Authorizer,
    Bearer,
    ClientCredentials,
    JwtBearer,
    RefreshToken,
    RefreshTokenAuth,
    TokenKeeper,
    Tools,
)

TOKEN_PATH: Final = "/services/oauth2/token"
LOGIN: Final = "https://login.salesforce.com"
SANDBOX_LOGIN: Final = "https://test.salesforce.com"

REGISTRATION: Final[Sequence[str]] = (
    "in the org: Setup, External Client App Manager, New External Client App; any name and your e-mail address",
    "API (Enable OAuth Settings): mark Enable OAuth",
    "Callback URL:  {redirect_uri}",
    "Selected OAuth Scopes: api, id, refresh_token; mark Require PKCE; Create",
    "Policies: OAuth Policies, Refresh Token Policy: valid until revoked, or long enough for a hub that rests",
    "Settings, Consumer Key and Secret: copy both to where the file's client_id and client_secret refer to",
)

# What is kept of a grant: the org's own address, who we are there, what was granted.
_KEPT: Final = ("instance_url", "id", "scope")

# `error_description` or `error` of a token answer -> what a person has to see to.
REFUSALS: Final[Mapping[str, str]] = {
    "authentication failure": "the user or the app is refused",
    "user hasn't approved this consumer": "the user is not pre-authorized for the app",
    "audience is invalid": "the assertion's audience is another than the login host expects",
    "invalid assertion": "the assertion does not fit the certificate of the app",
    "expired access/refresh token": "the refresh token has expired or is revoked",
    "inactive user": "the user is deactivated",
    "inactive organization": "the org is locked",
    "ip restricted": "the user may not sign in from this address",
    "client identifier invalid": "client_id is of no app of this org",
    "invalid client credentials": "client_secret is refused",
    "no client credentials user enabled": "the app names no user to run as",
    "request not supported on this domain": "`account` is not the org's My Domain name",
    "invalid_client_id": "client_id is of no app of this org",
    "unsupported_grant_type": "the app does not allow this flow",
    "inactive_user": "the user is deactivated",
    "inactive_org": "the org is locked",
    "invalid_app_access": "the user is not pre-authorized for the app",
}


class _Client(TypedDict):
    vendor: str
    token_url: str
    client_id: str
    client_secret: str
    kept: tuple[str, ...]
    refusals: Mapping[str, str]


def authorizer(settings: SalesforceSettings, tools: Tools) -> Authorizer:
    auth = settings.auth
    if isinstance(auth, AccessTokenAuth):
        return Bearer(auth.access_token.get_secret_value())
    flow: ClientCredentials | JwtBearer | RefreshToken | AuthorizationCode
    if isinstance(auth, JwtAuth):
        flow = JwtBearer(
            **_client(settings, auth.client_id, ""),
            subject=auth.username,
            audience=auth.audience or (SANDBOX_LOGIN if settings.is_sandbox else LOGIN),
            private_key=auth.private_key.get_secret_value(),
            clock=tools.clock,
        )
    elif isinstance(auth, AuthorizationCodeAuth):
        flow = _in_browser(settings, auth, tools)
    else:
        client = _client(settings, auth.client_id, auth.client_secret.get_secret_value())
        flow = (
            RefreshToken(**client, refresh_token=auth.refresh_token.get_secret_value())
            if isinstance(auth, RefreshTokenAuth)
            else ClientCredentials(**client)
        )
    # The grant names the address that serves the org; one in the file beats it.
    return TokenKeeper(flow, tools, base_url_from=None if settings.base_url else "instance_url")


def authorization(settings: SalesforceSettings, tools: Tools) -> AuthorizationCode | None:
    auth = settings.auth
    return _in_browser(settings, auth, tools) if isinstance(auth, AuthorizationCodeAuth) else None


def _in_browser(settings: SalesforceSettings, auth: AuthorizationCodeAuth, tools: Tools) -> AuthorizationCode:
    client = _client(settings, auth.client_id, auth.client_secret.get_secret_value())
    return AuthorizationCode(
        **client,
        connection=tools.connection,
        authorize_url=urljoin(client["token_url"], "authorize"),
        scope="api id refresh_token",
    )


def _client(settings: SalesforceSettings, client_id: str, client_secret: str) -> _Client:
    return {
        "vendor": "Salesforce",
        "token_url": settings.token_url or f"{settings.host}{TOKEN_PATH}",
        "client_id": client_id,
        "client_secret": client_secret,
        "kept": _KEPT,
        "refusals": REFUSALS,
    }
