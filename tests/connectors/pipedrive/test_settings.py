"""What an operator may write under a Pipedrive connection."""

from typing import Any

import httpx
import pytest
import respx
from pydantic import ValidationError

from connectors.pipedrive.settings import AccessTokenAuth, ApiTokenAuth, PipedriveSettings
from connectors.sdk import AuthorizationCodeAuth, RefreshTokenAuth
from connectors.sdk.errors import GrantError
from connectors.sdk.fakes import Bench
from tests.connectors.pipedrive.api import BASE, EVERYTHING, PERSONS, connect, listed, one, person, refused

APP = {"client_id": "app", "client_secret": "s"}
OAUTH = {**APP, "refresh_token": "r-1"}
TOKEN_URL = "https://tokens.test/oauth/token"


@pytest.mark.parametrize(
    ("written", "flow"),
    [
        pytest.param({"api_token": "t"}, ApiTokenAuth, id="a-token"),
        pytest.param({"flow": "api_token", "api_token": "t"}, ApiTokenAuth, id="a-token-by-name"),
        pytest.param(OAUTH, RefreshTokenAuth, id="an-app"),
        pytest.param(APP, AuthorizationCodeAuth, id="an-app-granted-in-a-browser"),
        pytest.param({"flow": "authorization_code", **APP}, AuthorizationCodeAuth, id="in-a-browser-by-name"),
        pytest.param({"flow": "refresh_token", **OAUTH}, RefreshTokenAuth, id="an-app-by-name"),
        pytest.param({"access_token": "t"}, AccessTokenAuth, id="a-ready-token"),
    ],
)
def test_the_flow_may_be_left_out_where_its_keys_leave_no_doubt(written: Any, flow: type) -> None:
    assert isinstance(PipedriveSettings.model_validate({"auth": written}).auth, flow)


@pytest.mark.parametrize(
    ("written", "names"),
    [
        pytest.param({"client_id": "app", "refresh_token": "r"}, "flow", id="a-key-is-missing"),
        pytest.param({"api_token": "t", "access_token": "t"}, "flow", id="two-flows-fit"),
        pytest.param({"flow": "password"}, "api_token", id="no-such-flow"),
        pytest.param({"api_token": "t", "tokn": "x"}, "tokn", id="a-key-too-many"),
        pytest.param({}, "flow", id="nothing-written"),
    ],
)
def test_a_fault_names_the_key_or_the_flows(written: Any, names: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PipedriveSettings.model_validate({"auth": written})

    assert names in str(caught.value)


def test_a_misplaced_secret_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        PipedriveSettings.model_validate({"auth": {"flow": "api_token", "token": "top-secret"}})

    assert "top-secret" not in str(caught.value)


@respx.mock
def test_the_api_token_goes_in_its_own_header() -> None:
    route = respx.get(PERSONS).mock(return_value=listed())

    list(connect().pull("persons", EVERYTHING))

    assert route.calls.last.request.headers["x-api-token"] == "token-1"
    assert "authorization" not in route.calls.last.request.headers


@respx.mock
def test_a_ready_token_goes_as_a_bearer() -> None:
    route = respx.get(PERSONS).mock(return_value=listed())

    list(connect(auth={"access_token": "ready"}).pull("persons", EVERYTHING))

    assert route.calls.last.request.headers["authorization"] == "Bearer ready"


@respx.mock
def test_a_refused_api_token_pauses_the_connection() -> None:
    respx.get(PERSONS).mock(return_value=refused(401, "unauthorized access", errorCode=401))

    with pytest.raises(GrantError) as caught:
        list(connect().pull("persons", EVERYTHING))

    assert caught.value.code == "CW202"


@respx.mock
def test_an_app_whose_token_ran_out_in_mid_page_renews_it_and_goes_on() -> None:
    tokens = respx.post(TOKEN_URL).mock(
        side_effect=[
            httpx.Response(200, json=_granted("one")),
            httpx.Response(200, json=_granted("two", refresh_token="r-2")),
        ]
    )
    pages = respx.get(PERSONS).mock(
        side_effect=[listed(person(1), cursor="c2"), refused(401, "unauthorized access"), listed(person(2))]
    )
    bench = Bench()
    connector = connect(bench, auth=OAUTH, token_url=TOKEN_URL)

    keys = [record.key for page in connector.pull("persons", EVERYTHING) for record in page.records]

    assert keys == ["1", "2"]
    assert [call.request.headers["authorization"] for call in pages.calls] == ["Bearer one", "Bearer one", "Bearer two"]
    assert tokens.calls[0].request.headers["authorization"].startswith("Basic ")
    assert [grant.refresh_token for grant in bench.tokens.history] == ["r-1", "r-2"]


@respx.mock
def test_an_app_speaks_to_the_host_that_its_grant_names_unless_the_file_names_one() -> None:
    respx.post("https://oauth.pipedrive.com/oauth/token").mock(return_value=httpx.Response(200, json=_granted("one")))
    own = respx.get("https://acme.pipedrive.test/api/v2/persons").mock(return_value=listed())
    named = respx.get(PERSONS).mock(return_value=listed())

    list(connect(auth=OAUTH, base_url=None).pull("persons", EVERYTHING))
    list(connect(auth=OAUTH).pull("persons", EVERYTHING))

    assert (own.call_count, named.call_count) == (1, 1)


@respx.mock
def test_the_account_says_who_we_are_and_which_scopes_are_missing() -> None:
    respx.post(TOKEN_URL).mock(return_value=httpx.Response(200, json=_granted("one", scope="base,contacts:full")))
    me = {
        "id": 11, "name": "Hub", "email": "hub@acme.test", "company_id": 4711, "company_name": "Acme",
        "company_country": "DE", "default_currency": "EUR", "timezone_name": "Europe/Berlin",
    }  # fmt: skip
    respx.get(f"{BASE}/v1/users/me").mock(return_value=one(me))

    account = connect(auth=OAUTH, token_url=TOKEN_URL).account()

    assert (account.id, account.name, account.identity) == ("4711", "Acme", "hub@acme.test")
    assert (account.time_zone, account.currency, account.country) == ("Europe/Berlin", "EUR", "DE")
    assert account.missing == {
        "deals": ("deals:read",),
        "leads": ("leads:read",),
        "activities": ("activities:read",),
        "users": ("users:read",),
    }


def _granted(token: str, *, refresh_token: str = "r-1", scope: str = "base") -> dict[str, Any]:
    return {
        "access_token": token, "token_type": "Bearer", "refresh_token": refresh_token, "scope": scope,
        "expires_in": 3599, "api_domain": "https://acme.pipedrive.test",
    }  # fmt: skip
