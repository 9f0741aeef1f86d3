"""How a request to Qualtrics proves who we are, and where it goes. Vendor facts: README.md, Access."""

from connectors.qualtrics.settings import AccessTokenAuth, ApiTokenAuth, QualtricsSettings
from connectors.sdk import ApiToken, Authorizer, Bearer, ClientCredentials, TokenKeeper, Tools


def base_url(settings: QualtricsSettings) -> str:
    """The server, without the path of the API."""
    return settings.base_url or f"https://{settings.data_center}.qualtrics.com"


def authorizer(settings: QualtricsSettings, tools: Tools) -> Authorizer:
    auth = settings.auth
    if isinstance(auth, ApiTokenAuth):
        return ApiToken("X-API-TOKEN", auth.api_token.get_secret_value())
    if isinstance(auth, AccessTokenAuth):
        return Bearer(auth.access_token.get_secret_value())
    flow = ClientCredentials(
        vendor="Qualtrics",
        token_url=settings.token_url or f"{base_url(settings).rstrip('/')}/oauth2/token",
        client_id=auth.client_id,
        client_secret=auth.client_secret.get_secret_value(),
        scope=" ".join(auth.scopes),
        in_header=True,
        kept=("scope",),
    )
    return TokenKeeper(flow, tools)
