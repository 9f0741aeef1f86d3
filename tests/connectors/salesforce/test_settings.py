"""What an operator may write under a Salesforce connection, and what becomes of each way in."""

import json
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import (
    AccessTokenAuth,
    JwtAuth,
    SalesforceSettings,
    SalesforceStream,
)
from connectors.sdk import GrantError, LaterError, RefreshTokenAuth, SetupError, Window
from connectors.sdk.fakes import START, Bench
from tests.connectors.salesforce.api import HEADERS, contact, described, listed, refused

HOST = "https://nordlicht.my.salesforce.com"
POD = "https://nordlicht--pod.my.salesforce.com"
CLIENT = {"client_id": "app", "client_secret": "s3cr3t"}
PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
JWT = {"client_id": "app", "username": "svc@nordlicht.test", "private_key": PEM}
REFRESH = {**CLIENT, "refresh_token": "first"}


def settings(auth: Any, **more: Any) -> SalesforceSettings:
    return SalesforceSettings.model_validate({"account": "nordlicht", "auth": auth, **more})


def connect(auth: Any, bench: Bench, **more: Any) -> SalesforceConnector:
    return SalesforceConnector.connect(settings(auth, **more), bench.tools())


def granted(token: str, **more: Any) -> httpx.Response:
    told = {"access_token": token, "instance_url": POD, "id": f"{HOST}/id/00D1/0051", "token_type": "Bearer"}
    return httpx.Response(200, json={**told, "scope": "api", **more})


# What may be written.


@pytest.mark.parametrize(
    ("written", "flow"),
    [
        pytest.param(JWT, JwtAuth, id="a-certificate"),
        pytest.param({**JWT, "audience": "https://x"}, JwtAuth, id="a-certificate-for-another-host"),
        pytest.param(REFRESH, RefreshTokenAuth, id="a-grant"),
        pytest.param({"access_token": "t"}, AccessTokenAuth, id="a-ready-token"),
    ],
)
def test_the_flow_may_be_left_out_where_its_keys_leave_no_doubt(written: Any, flow: type) -> None:
    assert isinstance(settings(written).auth, flow)


def test_of_two_flows_with_the_same_keys_one_is_to_be_named() -> None:
    with pytest.raises(ValidationError, match="flow"):
        settings(CLIENT)

    assert settings({"flow": "client_credentials", **CLIENT}).auth.flow == "client_credentials"
    assert settings({"flow": "authorization_code", **CLIENT}).auth.flow == "authorization_code"


@pytest.mark.parametrize(
    ("written", "host"),
    [
        pytest.param({"account": "nordlicht"}, HOST, id="an-org"),
        pytest.param({"account": "nordlicht--uat"}, "https://nordlicht--uat.sandbox.my.salesforce.com", id="a-sandbox"),
        pytest.param({"base_url": "https://acme.test/"}, "https://acme.test", id="an-address"),
        pytest.param({"account": "nordlicht", "base_url": "https://acme.test"}, "https://acme.test", id="both"),
    ],
)
def test_the_org_is_found_by_its_name(written: Any, host: str) -> None:
    assert SalesforceSettings.model_validate({"auth": {"access_token": "t"}, **written}).host == host


@pytest.mark.parametrize(
    ("written", "names"),
    [
        pytest.param({}, "account", id="no-org"),
        pytest.param({"account": "https://x.my.salesforce.com"}, "account", id="an-address-for-a-name"),
        pytest.param({"account": "x", "api_version": 20}, "api_version", id="retired-long-ago"),
        pytest.param({"account": "x", "currency": "Euro"}, "currency", id="no-code"),
        pytest.param({"account": "x", "duplicates": "allow"}, "duplicates", id="no-such-word"),
        pytest.param({"account": "x", "calculated_every_hours": 0}, "calculated_every_hours", id="never-is-no-number"),
    ],
)
def test_a_fault_names_its_key(written: Any, names: str) -> None:
    with pytest.raises(ValidationError, match=names):
        SalesforceSettings.model_validate({"auth": {"access_token": "t"}, **written})


def test_a_field_that_is_left_out_goes_by_its_api_name() -> None:
    with pytest.raises(ValidationError, match="leave_out"):
        SalesforceStream.model_validate({"leave_out": ["Account Name"]})


# Ways in.


def queried(bench: Bench, auth: Any, **more: Any) -> None:
    connector = connect(auth, bench, **more)
    list(connector.pull("contacts", Window("", START)))


def org(base: str) -> respx.Route:
    """An org at this address that is empty."""
    for name in ("Contact", "Account"):
        respx.get(f"{base}/services/data/v66.0/sobjects/{name}/describe").mock(return_value=described(name))
    return respx.get(url__startswith=f"{base}/services/data/v66.0/query").mock(return_value=listed())


@respx.mock
def test_the_address_that_a_grant_names_is_the_one_that_is_asked() -> None:
    route = respx.post(f"{HOST}/services/oauth2/token").mock(return_value=granted("t-1"))
    query = org(POD)

    queried(Bench(), {"flow": "client_credentials", **CLIENT})

    assert parse_qs(route.calls.last.request.content.decode()) == {
        "grant_type": ["client_credentials"], "client_id": ["app"], "client_secret": ["s3cr3t"],
    }  # fmt: skip
    assert query.calls.last.request.headers["Authorization"] == "Bearer t-1"


@respx.mock
def test_an_address_in_the_file_beats_it() -> None:
    respx.post("https://proxy.test/services/oauth2/token").mock(return_value=granted("t-1"))
    query = org("https://proxy.test")

    queried(Bench(), {"flow": "client_credentials", **CLIENT}, base_url="https://proxy.test")

    assert query.call_count == 1


@pytest.mark.parametrize(
    ("account", "audience"),
    [("nordlicht", "https://login.salesforce.com"), ("nordlicht--uat", "https://test.salesforce.com")],
)
@respx.mock
def test_an_assertion_is_made_for_the_host_that_expects_it(account: str, audience: str) -> None:
    host = settings(JWT, account=account).host
    route = respx.post(f"{host}/services/oauth2/token").mock(return_value=granted("t-1"))
    org(POD)

    queried(Bench(), JWT, account=account)

    form = parse_qs(route.calls.last.request.content.decode())
    claims = form["assertion"][0].split(".")[1]
    told = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert (told["aud"], told["iss"], told["sub"]) == (audience, "app", "svc@nordlicht.test")


@respx.mock
def test_a_session_that_ended_is_renewed_and_a_rotated_token_kept() -> None:
    route = respx.post(f"{HOST}/services/oauth2/token").mock(
        side_effect=[granted("t-1", refresh_token="second"), granted("t-2", refresh_token="third")]
    )
    query = org(POD)
    query.side_effect = [refused(401, "INVALID_SESSION_ID", "Session expired or invalid"), listed(contact(1))]
    bench = Bench()

    queried(bench, REFRESH)

    assert [parse_qs(call.request.content.decode())["refresh_token"] for call in route.calls] == [["first"], ["second"]]
    assert [grant.refresh_token for grant in bench.tokens.history] == ["second", "third"]
    assert query.calls.last.request.headers["Authorization"] == "Bearer t-2"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param({"error": "invalid_grant", "error_description": "user hasn't approved this consumer"},
                     "not pre-authorized", id="not-approved"),
        pytest.param({"error": "invalid_client", "error_description": "invalid client credentials"},
                     "client_secret is refused", id="a-wrong-secret"),
        pytest.param({"error": "invalid_grant", "error_description": "expired access/refresh token"},
                     "expired or is revoked", id="revoked"),
        pytest.param({"error": "invalid_grant", "error_description": "request not supported on this domain"},
                     "My Domain", id="another-host"),
    ],
)  # fmt: skip
@respx.mock
def test_a_refusal_says_what_a_person_has_to_see_to(answer: dict[str, str], said: str) -> None:
    respx.post(f"{HOST}/services/oauth2/token").respond(400, json=answer)

    with pytest.raises(GrantError, match=said):
        queried(Bench(), REFRESH)


@respx.mock
def test_too_many_logins_are_waited_for() -> None:
    answer = {"error": "rate_limit_exceeded", "error_description": "login rate exceeded"}
    respx.post(f"{HOST}/services/oauth2/token").respond(400, json=answer)

    with pytest.raises(LaterError):
        queried(Bench(), REFRESH)


def test_a_grant_is_given_in_a_browser_of_the_org() -> None:
    connector = connect({"flow": "authorization_code", **CLIENT}, Bench())

    flow = connector.authorization
    assert flow is not None
    assert flow.authorize_url == f"{HOST}/services/oauth2/authorize"
    assert flow.scope == "api id refresh_token"
    assert connect(REFRESH, Bench()).authorization is None
    assert any("{redirect_uri}" in step for step in SalesforceConnector.registration)


# Who we are.


def known(**org: Any) -> None:
    """An org and its user, as they are shown to anybody who may look."""
    root = f"{POD}/services/data/v66.0"
    respx.post(f"{HOST}/services/oauth2/token").mock(return_value=granted("t-1"))
    respx.get(url__startswith=f"{root}/query").mock(return_value=listed({"Id": "00D1"}))
    told = {"Id": "00D1", "Name": "Nordlicht", "TimeZoneSidKey": "Europe/Berlin", "Country": "DE", **org}
    respx.get(f"{root}/sobjects/Organization/00D1").respond(json=told, headers=HEADERS)
    objects = [{"name": name, "queryable": name != "Lead"} for name in ("Contact", "Account", "Lead")]
    respx.get(f"{root}/sobjects").respond(json={"sobjects": objects}, headers=HEADERS)


@respx.mock
def test_the_account_is_the_org_and_the_user_of_the_token() -> None:
    known()
    respx.get(f"{POD}/services/data/v66.0/sobjects/User/0051").respond(
        json={"Id": "0051", "Username": "svc@nordlicht.test", "DefaultCurrencyIsoCode": "EUR"}, headers=HEADERS
    )

    account = connect(REFRESH, Bench()).account()

    assert (account.id, account.name, account.identity) == ("00D1", "Nordlicht", "svc@nordlicht.test")
    assert (account.time_zone, account.country, account.currency) == ("Europe/Berlin", "DE", "EUR")
    assert (account.allowance, account.left) == (15000, 14982)
    assert account.missing["leads"] == ("Read on Lead",)
    assert account.missing["cases"] == ("Read on Case",)
    assert "contacts" not in account.missing
    assert "person_accounts" not in account.missing


@respx.mock
def test_an_org_with_one_currency_has_the_operators() -> None:
    known(Country="Deutschland")
    respx.get(f"{POD}/services/data/v66.0/sobjects/User/0051").respond(404)

    account = connect(REFRESH, Bench(), currency="EUR").account()

    assert (account.currency, account.country) == ("EUR", None)
    assert account.identity


@respx.mock
def test_a_ready_token_tells_its_user_itself() -> None:
    root = f"{HOST}/services/data/v66.0"
    respx.get(url__startswith=f"{root}/query").mock(return_value=listed({"Id": "00D1"}))
    respx.get(f"{root}/sobjects/Organization/00D1").respond(json={"Id": "00D1", "Name": "Nordlicht"})
    respx.get(f"{root}/sobjects").respond(json={"sobjects": []})
    respx.get(f"{HOST}/services/oauth2/userinfo").respond(json={"preferred_username": "me@nordlicht.test"})

    assert connect({"access_token": "t"}, Bench()).account().identity == "me@nordlicht.test"


@respx.mock
def test_an_org_that_may_not_be_seen_is_a_permission() -> None:
    respx.get(url__startswith=f"{HOST}/services/data/v66.0/query").mock(return_value=listed())

    with pytest.raises(GrantError, match="Organization"):
        connect({"access_token": "t"}, Bench()).account()


@respx.mock
def test_a_retired_version_is_for_the_operator() -> None:
    respx.get(url__startswith=f"{HOST}/services/data/v31.0").mock(return_value=refused(410, "UNSUPPORTED_API_VERSION"))

    with pytest.raises(SetupError) as caught:
        connect({"access_token": "t"}, Bench(), api_version=31).account()

    assert "api_version" in caught.value.hint
