"""Which flow is meant, where the operator does not say."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from connectors.sdk import AuthFlow, RefreshTokenAuth, flow_by_keys


class Secret(AuthFlow):
    flow: Literal["client_credentials"] = "client_credentials"
    client_id: str
    client_secret: str
    scope: str = ""


class Account(BaseModel):
    auth: Annotated[
        Annotated[Secret | RefreshTokenAuth, Field(discriminator="flow")], flow_by_keys(Secret, RefreshTokenAuth)
    ]


@pytest.mark.parametrize(
    ("written", "flow"),
    [
        pytest.param({"client_id": "c", "client_secret": "s"}, Secret, id="all-of-the-smaller"),
        pytest.param({"client_id": "c", "client_secret": "s", "scope": "api"}, Secret, id="with-what-may-be-left-out"),
        pytest.param(
            {"client_id": "c", "client_secret": "s", "refresh_token": "r"}, RefreshTokenAuth, id="all-of-the-larger"
        ),
    ],
)
def test_of_flows_that_share_keys_the_one_that_takes_just_these_is_meant(written: Any, flow: type) -> None:
    assert isinstance(Account.model_validate({"auth": written}).auth, flow)


def test_where_none_takes_just_these_the_flow_is_to_be_named() -> None:
    with pytest.raises(ValidationError, match="flow"):
        Account.model_validate({"auth": {"client_id": "c", "refresh_token": "r"}})
