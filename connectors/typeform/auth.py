"""How a request to Typeform proves who we are, and where it goes. Vendor facts: README.md, Access."""

from typing import Final

from connectors.sdk import Authorizer, Bearer, RefreshToken, TokenKeeper, Tools
from connectors.typeform.settings import TokenAuth, TypeformSettings

HOSTS: Final = {"us": "https://api.typeform.com", "eu": "https://api.typeform.eu"}


def base_url(settings: TypeformSettings) -> str:
    return settings.base_url or HOSTS[settings.data_center]


def authorizer(settings: TypeformSettings, tools: Tools) -> Authorizer:
    auth = settings.auth
    if isinstance(auth, TokenAuth):
        return Bearer(auth.token.get_secret_value())
    flow = RefreshToken(
        vendor="Typeform",
        token_url=settings.token_url or f"{base_url(settings).rstrip('/')}/oauth/token",
        client_id=auth.client_id,
        client_secret=auth.client_secret.get_secret_value(),
        refresh_token=auth.refresh_token.get_secret_value(),
        kept=("scope",),
    )
    return TokenKeeper(flow, tools)
