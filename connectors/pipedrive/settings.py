"""What an operator writes under a Pipedrive connection."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, SecretStr

from connectors.sdk import (
    AuthFlow,
    AuthorizationCodeAuth,
    RefreshTokenAuth,
    Settings,
    StreamSettings,
    flow_by_keys,
)


class ApiTokenAuth(AuthFlow):
    """The personal token of one user, with all of that user's permissions."""

    flow: Literal["api_token"] = "api_token"
    api_token: SecretStr


class AccessTokenAuth(AuthFlow):
    """A ready access token, good for an hour: for trials."""

    flow: Literal["access_token"] = "access_token"
    access_token: SecretStr


Auth: TypeAlias = Annotated[
    Annotated[ApiTokenAuth | AuthorizationCodeAuth | RefreshTokenAuth | AccessTokenAuth, Field(discriminator="flow")],
    flow_by_keys(ApiTokenAuth, AuthorizationCodeAuth, RefreshTokenAuth, AccessTokenAuth),
]


class PipedriveSettings(Settings):
    """`auth` by `authorization_code` or `refresh_token` is an app that a user of the account has installed."""

    auth: Auth
    currency: Annotated[
        str | None,
        Field(pattern=r"^[A-Z]{3}$", description="Of amounts that have none of their own; the user's, unless said."),
    ] = None


class PipedriveStream(StreamSettings):
    """`include_fields`: figures that the vendor sends only when asked ("open_deals_count")."""

    include_fields: tuple[Annotated[str, Field(pattern=r"^[a-z_]+$")], ...] = ()
