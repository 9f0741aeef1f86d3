"""What an operator may write under a Zoho connection, and how it gets in with that."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
from pydantic import ValidationError

from connectors.sdk import AuthorizationCodeAuth, AuthorizationRequest, GrantError, LaterError, RefreshTokenAuth
from connectors.sdk.fakes import Bench
from connectors.zoho.settings import HOSTS, AccessTokenAuth, ZohoSettings
from tests.connectors.zoho.api import CONTACTS, DATE, EVERYTHING, FIELDS, V8, catalogue, connect, nothing, refused

APP = {"client_id": "1000.APP", "client_secret": "s", "refresh_token": "1000.r"}
IN_BROWSER = {"client_id": "1000.APP", "client_secret": "s"}
TOKEN_URL = "https://accounts.zoho.eu/oauth/v2/token"
ORG = {
    "zgid": "20068510377", "company_name": "Nordlicht", "time_zone": "Europe/Berlin", "iso_code": "EUR",
    "country_code": "DE", "primary_email": "office@nordlicht.test",
    "license_details": {"paid_type": "enterprise", "users_license_purchased": 10},
}  # fmt: skip


@pytest.mark.parametrize(
    ("written", "flow"),
    [
        pytest.param(APP, RefreshTokenAuth, id="an-app"),
        pytest.param(IN_BROWSER, AuthorizationCodeAuth, id="in-a-browser"),
        pytest.param({"flow": "refresh_token", **APP}, RefreshTokenAuth, id="an-app-by-name"),
        pytest.param({"access_token": "t"}, AccessTokenAuth, id="a-ready-token"),
    ],
)
def test_the_flow_may_be_left_out_where_its_keys_leave_no_doubt(written: Any, flow: type) -> None:
    assert isinstance(ZohoSettings.model_validate({"data_center": "eu", "auth": written}).auth, flow)


@pytest.mark.parametrize(
    ("written", "names"),
    [
        pytest.param({"auth": APP}, "data_center", id="no-data-center"),
        pytest.param({"auth": APP, "data_center": "com"}, "'eu'", id="no-such-data-center"),
        pytest.param(
            {"auth": {"flow": "refresh_token", **IN_BROWSER}, "data_center": "eu"}, "refresh_token", id="a-key"
        ),
        pytest.param({"auth": APP, "data_center": "eu", "trigger": ["workflows"]}, "workflow", id="no-such-trigger"),
        pytest.param({"auth": APP, "data_center": "eu", "concurrent_calls": 0}, "concurrent_calls", id="no-calls"),
    ],
)
def test_a_fault_names_the_key_and_what_is_allowed(written: Any, names: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ZohoSettings.model_validate(written)

    assert names in str(caught.value)


@respx.mock
def test_a_ready_token_goes_in_zohos_own_words() -> None:
    respx.get(FIELDS).mock(return_value=catalogue())
    route = respx.get(CONTACTS).mock(return_value=nothing())

    list(connect().pull("contacts", EVERYTHING))

    assert route.calls.last.request.headers["authorization"] == "Zoho-oauthtoken token-1"


@pytest.mark.parametrize("data_center", HOSTS)
@respx.mock
def test_a_data_center_gives_out_the_tokens_and_the_grant_says_where_the_api_is(data_center: Any) -> None:
    tokens = respx.post(f"{HOSTS[data_center].accounts}/oauth/v2/token").mock(return_value=granted("one"))
    own = respx.get("https://sandbox.zoho.test/crm/v8/users").mock(return_value=nothing())

    list(connect(auth=APP, data_center=data_center, base_url=None).pull("users", EVERYTHING))

    assert tokens.calls.last.request.content == (
        b"grant_type=refresh_token&refresh_token=1000.r&client_id=1000.APP&client_secret=s"
    )
    assert own.calls.last.request.headers["authorization"] == "Zoho-oauthtoken one"


@pytest.mark.parametrize("data_center", HOSTS)
@respx.mock
def test_a_ready_token_is_used_in_its_data_center(data_center: Any) -> None:
    route = respx.get(f"{HOSTS[data_center].api}/crm/v8/users").mock(return_value=nothing())

    list(connect(data_center=data_center, base_url=None).pull("users", EVERYTHING))

    assert route.called


@respx.mock
def test_an_address_in_the_file_beats_the_one_of_the_grant() -> None:
    respx.post(TOKEN_URL).mock(return_value=granted("one"))
    named = respx.get(f"{V8}/users").mock(return_value=nothing())

    list(connect(auth=APP).pull("users", EVERYTHING))

    assert named.called


@respx.mock
def test_a_token_that_ran_out_in_the_middle_is_renewed_once() -> None:
    tokens = respx.post(TOKEN_URL).mock(side_effect=[granted("one"), granted("two")])
    route = respx.get(f"{V8}/users").mock(side_effect=[refused(401, "INVALID_TOKEN"), nothing()])
    bench = Bench()

    list(connect(bench, auth=APP).pull("users", EVERYTHING))

    assert [call.request.headers["authorization"] for call in route.calls] == [
        "Zoho-oauthtoken one",
        "Zoho-oauthtoken two",
    ]
    # The refresh token does not change, and stays.
    assert [grant.refresh_token for grant in bench.tokens.history] == ["1000.r", "1000.r"]
    assert tokens.call_count == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param("invalid_code", "Zoho: the refresh token is revoked or of another data center than eu", id="code"),
        pytest.param("invalid_client", "Zoho: client_id is unknown or of another data center than eu", id="client"),
        pytest.param("invalid_client_secret", "Zoho: client_secret does not belong to client_id", id="secret"),
        pytest.param("general_error", "Zoho: the token request is refused (200, general_error)", id="another"),
    ],
)
@respx.mock
def test_a_refusal_that_comes_with_200_is_one(error: str, told: str) -> None:
    respx.post(TOKEN_URL).mock(return_value=httpx.Response(200, json={"error": error}))

    with pytest.raises(GrantError) as caught:
        connect(auth=APP).account()

    assert (caught.value.text, caught.value.code) == (told, "CW201")
    assert "crosswalk check" in caught.value.hint


@respx.mock
def test_who_asks_for_too_many_tokens_waits_and_is_not_locked_out() -> None:
    body = {"error_description": "You have made too many requests continuously.", "error": "Access Denied"}
    tokens = respx.post(TOKEN_URL).mock(return_value=httpx.Response(400, json=body))
    bench = Bench()

    with pytest.raises(LaterError) as caught:
        connect(bench, auth=APP).account()

    assert caught.value.earliest == bench.clock.now + timedelta(minutes=10)
    assert tokens.call_count == 1, "asking again makes it worse"


def test_a_person_is_sent_to_the_accounts_server_of_the_data_center() -> None:
    flow = connect(auth=IN_BROWSER, data_center="in").authorization
    assert flow is not None
    asked = AuthorizationRequest.make("http://localhost:8910/callback")

    address = httpx.URL(flow.address(asked))

    assert str(address).startswith("https://accounts.zoho.in/oauth/v2/auth?")
    query = dict(address.params)
    assert (query["access_type"], query["prompt"], query["state"]) == ("offline", "consent", asked.state)
    assert "ZohoCRM.modules.ALL,ZohoCRM.settings.fields.READ" in query["scope"]
    assert connect(auth=APP).authorization is None


@respx.mock
def test_what_was_granted_in_a_browser_is_kept_and_renewed() -> None:
    bench = Bench()
    flow = connect(bench, auth=IN_BROWSER).authorization
    assert flow is not None
    first = httpx.Response(200, json={**granted("one").json(), "refresh_token": "1000.new"})
    tokens = respx.post(TOKEN_URL).mock(side_effect=[first, granted("two")])
    asked = AuthorizationRequest.make("http://localhost:8910/callback")
    zoho = connect(bench, auth=IN_BROWSER)
    users = respx.get(f"{V8}/users").mock(side_effect=[refused(401, "INVALID_TOKEN"), nothing()])

    answer = zoho._transport.exchange(flow.redeem(asked, flow.code(asked, {"code": "c", "state": asked.state})))
    bench.tokens.replace("acme", flow.grant(answer, held=None, now=bench.clock.now), generation=0)
    list(zoho.pull("users", EVERYTHING))

    assert users.calls.last.request.headers["authorization"] == "Zoho-oauthtoken two"
    assert b"refresh_token=1000.new" in tokens.calls.last.request.content


def test_a_code_of_another_data_center_is_told_before_it_is_refused() -> None:
    flow = connect(auth=IN_BROWSER).authorization
    assert flow is not None
    asked = AuthorizationRequest.make("http://localhost:8910/callback")
    answer = {"code": "c", "state": asked.state, "location": "us", "accounts-server": "https://accounts.zoho.com"}

    with pytest.raises(GrantError, match="data center us, not eu") as caught:
        flow.code(asked, answer)

    assert "data_center: us" in caught.value.hint


@respx.mock
def test_a_code_that_was_used_before_is_not_called_a_refresh_token() -> None:
    bench = Bench()
    flow = connect(bench, auth=IN_BROWSER).authorization
    assert flow is not None
    respx.post(TOKEN_URL).mock(return_value=httpx.Response(200, json={"error": "invalid_code"}))
    asked = AuthorizationRequest.make("http://localhost:8910/callback")
    answer = connect(bench, auth=IN_BROWSER)._transport.exchange(flow.redeem(asked, "c"))

    with pytest.raises(GrantError, match="the code is refused"):
        flow.grant(answer, held=None, now=bench.clock.now)


@respx.mock
def test_the_account_says_who_we_are_what_is_allowed_and_which_scopes_are_missing() -> None:
    scope = "ZohoCRM.modules.contacts.READ ZohoCRM.modules.leads.ALL ZohoCRM.settings.fields.READ ZohoCRM.org.READ"
    respx.post(TOKEN_URL).mock(return_value=granted("one", scope=scope))
    headers = {"Date": DATE, "X-API-CREDITS-REMAINING": "28000"}
    respx.get(f"{V8}/org").mock(return_value=httpx.Response(200, json={"org": [ORG]}, headers=headers))
    me = {"id": "1", "email": "hub@nordlicht.test", "full_name": "Hub"}
    respx.get(f"{V8}/users", params={"type": "CurrentUser"}).mock(
        return_value=httpx.Response(200, json={"users": [me]})
    )

    account = connect(auth=APP).account()

    assert (account.id, account.name, account.identity) == ("20068510377", "Nordlicht", "hub@nordlicht.test")
    assert (account.time_zone, account.currency, account.country) == ("Europe/Berlin", "EUR", "DE")
    assert (account.allowance, account.left) == (60_000, 28_000)
    assert account.missing["accounts"] == ("ZohoCRM.modules.accounts.READ",)
    assert account.missing["users"] == ("ZohoCRM.users.READ",)
    assert not {"contacts", "leads"} & set(account.missing)


@respx.mock
def test_an_account_whose_token_may_not_look_up_its_user_is_an_account() -> None:
    respx.get(f"{V8}/org").mock(return_value=httpx.Response(200, json={"org": [ORG]}))
    respx.get(f"{V8}/users").mock(return_value=refused(401, "OAUTH_SCOPE_MISMATCH"))

    account = connect().account()

    assert (account.identity, account.left, account.missing) == ("office@nordlicht.test", None, {})


@pytest.mark.parametrize(
    ("licence", "allowance"),
    [
        pytest.param({"paid_type": "free", "users_license_purchased": 3}, 5_000, id="free"),
        pytest.param({"paid_type": "Standard", "users_license_purchased": 400}, 100_000, id="up-to-the-most"),
        pytest.param({"paid_type": "ultimate", "users_license_purchased": 10}, 70_000, id="ultimate"),
        pytest.param({"paid_type": "crmplus_2031", "users_license_purchased": 10}, None, id="unknown"),
        pytest.param({}, None, id="not-told"),
    ],
)
@respx.mock
def test_the_days_credits_follow_from_the_edition(licence: Any, allowance: int | None) -> None:
    org = {**ORG, "license_details": licence}
    respx.get(f"{V8}/org").mock(return_value=httpx.Response(200, json={"org": [org]}))
    respx.get(f"{V8}/users").mock(return_value=nothing())

    assert connect().account().allowance == allowance


def test_automation_fires_only_where_the_file_says_so() -> None:
    quiet, loud = connect().streams, connect(trigger=["workflow"]).streams

    assert not any(spec.fires_automation_on_create for spec in quiet.values())
    assert {name for name, spec in loud.items() if not spec.fires_automation_on_create} == {"users"}


def granted(token: str, *, scope: str = "ZohoCRM.modules.ALL") -> httpx.Response:
    body = {
        "access_token": token, "scope": scope, "api_domain": "https://sandbox.zoho.test", "token_type": "Bearer",
        "expires_in": 3600,
    }  # fmt: skip
    return httpx.Response(200, json=body)
