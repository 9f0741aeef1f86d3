"""How a request to Pipedrive proves who we are. Vendor facts: README.md, Access."""

from typing import Final

from connectors.pipedrive.settings import AccessTokenAuth, ApiTokenAuth, PipedriveSettings
from connectors.sdk import ApiToken, Authorizer, Bearer, RefreshToken, TokenKeeper, Tools

TOKEN_URL: Final = "https://oauth.pipedrive.com/oauth/token"


def authorizer(settings: PipedriveSettings, tools: Tools) -> Authorizer:
    auth = settings.auth
    if isinstance(auth, ApiTokenAuth):
        return ApiToken("x-api-token", auth.api_token.get_secret_value())
    if isinstance(auth, AccessTokenAuth):
        return Bearer(auth.access_token.get_secret_value())
    flow = RefreshToken(
        vendor="Pipedrive",
        token_url=settings.token_url or TOKEN_URL,
        client_id=auth.client_id,
        client_secret=auth.client_secret.get_secret_value(),
        refresh_token=auth.refresh_token.get_secret_value(),
        in_header=True,
        kept=("api_domain", "scope"),
    )
    # The grant names the account's own host, which answers faster; an address in the file beats it.
    return TokenKeeper(flow, tools, base_url_from=None if settings.base_url else "api_domain")
