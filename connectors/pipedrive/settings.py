"""What an operator writes under a Pipedrive connection."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field, SecretStr

from connectors.sdk import Settings, StreamSettings


class _Auth(BaseModel):
    model_config = {"extra": "forbid", "hide_input_in_errors": True, "frozen": True}


class ApiTokenAuth(_Auth):
    """The personal token of one user, with all of that user's permissions."""

    flow: Literal["api_token"] = "api_token"
    api_token: SecretStr


class OAuth(_Auth):
    """An app that a user of the account has installed; `refresh_token` is the first one, from that installation."""

    flow: Literal["oauth"] = "oauth"
    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr


class AccessTokenAuth(_Auth):
    """A ready access token, good for an hour: for trials."""

    flow: Literal["access_token"] = "access_token"
    access_token: SecretStr


_FLOWS: Final[tuple[type[_Auth], ...]] = (ApiTokenAuth, OAuth, AccessTokenAuth)


def name_flow(written: Any) -> Any:
    """The same with its `flow`, where it was left out and the other keys leave no doubt."""
    if not isinstance(written, Mapping) or "flow" in written:
        return written
    fitting = [model for model in _FLOWS if set(written) & (set(model.model_fields) - {"flow"})]
    if len(fitting) != 1:
        return written
    return {**written, "flow": fitting[0].model_fields["flow"].default}


Auth: TypeAlias = Annotated[
    Annotated[ApiTokenAuth | OAuth | AccessTokenAuth, Field(discriminator="flow")], BeforeValidator(name_flow)
]


class PipedriveSettings(Settings):
    auth: Auth


class PipedriveStream(StreamSettings):
    """`include_fields`: figures that the vendor sends only when asked ("open_deals_count")."""

    include_fields: tuple[Annotated[str, Field(pattern=r"^[a-z_]+$")], ...] = ()
