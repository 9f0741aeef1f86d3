"""What an operator writes under a Typeform connection."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field, SecretStr

from connectors.sdk import Settings, StreamSettings


class _Auth(BaseModel):
    model_config = {"extra": "forbid", "hide_input_in_errors": True, "frozen": True}


class TokenAuth(_Auth):
    """A personal token (`tfp_...`). It does not expire."""

    flow: Literal["token"] = "token"
    token: SecretStr


class OAuth(_Auth):
    """An app's grant. `refresh_token` is the first one: each use brings another, which is kept in the store."""

    flow: Literal["oauth"] = "oauth"
    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr


_FLOWS: Final[tuple[type[_Auth], ...]] = (TokenAuth, OAuth)


def name_flow(written: Any) -> Any:
    """The same with its `flow`, where it was left out and the other keys leave no doubt."""
    if not isinstance(written, Mapping) or "flow" in written:
        return written
    fitting = [model for model in _FLOWS if set(written) & (set(model.model_fields) - {"flow"})]
    if len(fitting) != 1:
        return written
    return {**written, "flow": fitting[0].model_fields["flow"].default}


Auth: TypeAlias = Annotated[Annotated[TokenAuth | OAuth, Field(discriminator="flow")], BeforeValidator(name_flow)]


class TypeformSettings(Settings):
    """`data_center`: where the account lives; accounts of the European Union's have a server of their own."""

    auth: Auth
    data_center: Literal["us", "eu"] = "us"


ResponseType: TypeAlias = Literal["completed", "partial", "started"]


class TypeformStream(StreamSettings):
    """`response_types`: what counts as a response. Each kind besides completed ones costs a call more per form."""

    response_types: Annotated[tuple[ResponseType, ...], Field(min_length=1)] = ("completed",)
