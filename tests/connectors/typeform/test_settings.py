"""What an operator may write under a Typeform connection, and how it proves itself."""

from typing import Any

import httpx
import pytest
import respx
from pydantic import ValidationError

from connectors.sdk import AuthorizationCodeAuth, RefreshTokenAuth
from connectors.sdk.errors import GrantError
from connectors.sdk.fakes import Bench
from connectors.typeform.settings import TokenAuth, TypeformSettings, TypeformStream
from tests.connectors.typeform.api import BASE, EVERYTHING, RESPONSES, answer, connect, listed

APP = {"client_id": "app", "client_secret": "s"}
OAUTH = {**APP, "refresh_token": "r-1"}


@pytest.mark.parametrize(
    ("written", "flow"),
    [
        pytest.param({"token": "tfp_1"}, TokenAuth, id="a-token"),
        pytest.param({"flow": "token", "token": "tfp_1"}, TokenAuth, id="a-token-by-name"),
        pytest.param(OAUTH, RefreshTokenAuth, id="an-app"),
        pytest.param(APP, AuthorizationCodeAuth, id="an-app-granted-in-a-browser"),
    ],
)
def test_the_flow_may_be_left_out_where_its_keys_leave_no_doubt(written: Any, flow: type) -> None:
    assert isinstance(TypeformSettings.model_validate({"auth": written}).auth, flow)


@pytest.mark.parametrize("written", [{}, {"token": "t", "client_id": "a"}, {"tokn": "t"}, {"flow": "password"}])
def test_a_flow_that_cannot_be_told_is_a_fault(written: Any) -> None:
    with pytest.raises(ValidationError):
        TypeformSettings.model_validate({"auth": written})


def test_a_stream_knows_its_parts_and_kinds_and_nothing_else() -> None:
    own = TypeformStream.model_validate({"parts": ["Xk7pQ2wE"]})

    assert (own.parts, own.response_types) == (("Xk7pQ2wE",), ("completed",))
    faults: list[dict[str, Any]] = [{"response_types": []}, {"response_types": ["all"]}, {"forms": []}]
    for wrong in faults:
        with pytest.raises(ValidationError):
            TypeformStream.model_validate(wrong)


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        pytest.param({}, "api.typeform.com", id="american"),
        pytest.param({"data_center": "eu"}, "api.typeform.eu", id="european"),
    ],
)
@respx.mock
def test_the_data_center_decides_the_host(settings: dict[str, Any], host: str) -> None:
    route = respx.get(f"https://{host}/me").mock(return_value=answer({"alias": "Acme", "email": "a@acme.test"}))

    account = connect(base_url=None, **settings).account()

    assert route.calls.last.request.headers["authorization"] == "Bearer tfp_1"
    assert (account.name, account.identity) == ("Acme", "a@acme.test")


@respx.mock
def test_a_rotated_refresh_token_is_kept_before_it_is_used() -> None:
    tokens = respx.post(f"{BASE}/oauth/token").mock(
        side_effect=[
            httpx.Response(200, json={"access_token": "one", "refresh_token": "r-2", "expires_in": 604800}),
            httpx.Response(200, json={"access_token": "two", "refresh_token": "r-3", "expires_in": 604800}),
        ]
    )
    unauthorized = answer({"code": "AUTHENTICATION_FAILED", "description": "x"}, status=401)
    pages = respx.get(RESPONSES).mock(side_effect=[unauthorized, listed()])
    bench = Bench()

    list(connect(bench, auth=OAUTH).pull("responses", EVERYTHING))

    assert [grant.refresh_token for grant in bench.tokens.history] == ["r-2", "r-3"]
    assert b"refresh_token=r-2" in tokens.calls[1].request.content
    assert [call.request.headers["authorization"] for call in pages.calls] == ["Bearer one", "Bearer two"]


@respx.mock
def test_a_token_without_the_scope_says_which_ones_it_needs() -> None:
    respx.get(RESPONSES).mock(return_value=answer({"code": "FORBIDDEN", "description": "x"}, status=403))

    with pytest.raises(GrantError) as caught:
        list(connect().pull("responses", EVERYTHING))

    assert caught.value.code == "CW204"
    assert "responses:read" in caught.value.hint
