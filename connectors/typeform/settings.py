"""What an operator writes under a Typeform connection."""

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


class TokenAuth(AuthFlow):
    """A personal token (`tfp_...`), which does not expire; a ready access token of an app works too."""

    flow: Literal["token"] = "token"
    token: SecretStr


Auth: TypeAlias = Annotated[
    Annotated[TokenAuth | AuthorizationCodeAuth | RefreshTokenAuth, Field(discriminator="flow")],
    flow_by_keys(TokenAuth, AuthorizationCodeAuth, RefreshTokenAuth),
]


class TypeformSettings(Settings):
    """`data_center`: where the account lives; accounts of the European Union's have a server of their own."""

    auth: Auth
    data_center: Literal["us", "eu"] = "us"


ResponseType: TypeAlias = Literal["completed", "partial", "started"]


class TypeformStream(StreamSettings):
    """`response_types`: what counts as a response. Each kind besides completed ones costs a call more per form."""

    response_types: Annotated[tuple[ResponseType, ...], Field(min_length=1)] = ("completed",)
