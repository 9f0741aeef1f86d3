"""What an operator writes under `auth`: one model a flow, chosen by `flow`, which may be left out where the other keys
leave no doubt.

    Auth: TypeAlias = Annotated[
        Annotated[ApiTokenAuth | RefreshTokenAuth, Field(discriminator="flow")],
        flow_by_keys(ApiTokenAuth, RefreshTokenAuth),
    ]
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, BeforeValidator, SecretStr


class AuthFlow(BaseModel):
    """The keys of one flow. A subclass has `flow: Literal["..."] = "..."`, and its secrets as SecretStr."""

    model_config = {"extra": "forbid", "hide_input_in_errors": True, "frozen": True}


class RefreshTokenAuth(AuthFlow):
    """An app's grant that the operator has. What each use of `refresh_token` brings instead is kept in the store."""

    flow: Literal["refresh_token"] = "refresh_token"
    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr


class AuthorizationCodeAuth(AuthFlow):
    """An app's grant that is given in a browser: `crosswalk auth`. It lives in the store alone."""

    flow: Literal["authorization_code"] = "authorization_code"
    client_id: str
    client_secret: SecretStr


def flow_by_keys(*flows: type[AuthFlow]) -> BeforeValidator:
    """Names the flow of what was written without one, where its keys are those of just one of these."""

    def name(written: Any) -> Any:
        if not isinstance(written, Mapping) or "flow" in written:
            return written
        fitting = [model for model in flows if set(written) & (set(model.model_fields) - {"flow"})]
        if len(fitting) > 1:  # client credentials are a part of what a refresh token needs
            fitting = [model for model in fitting if _required(model) <= set(written) <= set(model.model_fields)]
        if len(fitting) != 1:
            return written
        return {**written, "flow": fitting[0].model_fields["flow"].default}

    return BeforeValidator(name)


def _required(model: type[AuthFlow]) -> set[str]:
    return {name for name, field in model.model_fields.items() if field.is_required()}
