from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sandbox.vendors.zoho.app import Zoho
from sandbox.vendors.zoho.auth import covers
from sandbox.world import World
from tests.sandbox.calls import Caller, Reply
from tests.sandbox.vendors.zoho.signing import refreshing

TOKEN = "/oauth/v2/token"
LOOPBACK = "http://127.0.0.1:4711/back"


@pytest.fixture
def client(crm: Zoho) -> Caller:
    """One that has no token yet."""
    return Caller(crm, {})


def ask(client: Caller, crm: Zoho, **fields: str) -> Any:
    return client.form(TOKEN, None, **{**refreshing(crm.credentials), **fields}).json


def listed(client: Caller, token: str, word: str = "Zoho-oauthtoken") -> Reply:
    return client("GET", "/crm/v8/Contacts", headers={"authorization": f"{word} {token}"}, fields="Last_Name")


def test_a_refresh_brings_an_access_token_the_domain_and_no_new_refresh_token(client: Caller, crm: Zoho) -> None:
    granted = ask(client, crm)

    assert granted.keys() == {"access_token", "scope", "api_domain", "token_type", "expires_in"}
    assert (granted["expires_in"], granted["api_domain"]) == (3600, "http://vendor.test")
    assert listed(client, granted["access_token"]).status == 200
    assert listed(client, granted["access_token"], "Bearer").status == 200


def test_the_parameters_may_stand_in_the_query(client: Caller, crm: Zoho) -> None:
    assert client("POST", TOKEN, b"", **refreshing(crm.credentials)).json["token_type"] == "Bearer"


def test_the_parameters_may_be_parts_of_a_form(client: Caller, crm: Zoho) -> None:
    parts = "".join(
        f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in refreshing(crm.credentials).items()
    )
    headers = {"content-type": "multipart/form-data; boundary=cut"}

    reply = client("POST", TOKEN, f"{parts}--cut--\r\n".encode(), headers=headers)

    assert reply.json["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"client_id": "x"}, "invalid_client"), ({"client_secret": "x"}, "invalid_client_secret"),
        ({"refresh_token": "x"}, "invalid_code"), ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_http_200(client: Caller, crm: Zoho, wrong: dict[str, str], error: str) -> None:
    reply = client.form(TOKEN, None, **{**refreshing(crm.credentials), **wrong})

    assert (reply.status, reply.json) == (200, {"error": error})


def test_an_access_token_lives_an_hour(client: Caller, crm: Zoho) -> None:
    token = ask(client, crm)["access_token"]

    client.later(minutes=59)
    assert listed(client, token).status == 200
    client.later(minutes=1)
    refused = listed(client, token)
    assert (refused.status, refused.json["code"]) == (401, "INVALID_TOKEN")
    assert client("GET", "/crm/v8/org").json["code"] == "AUTHENTICATION_FAILURE"


def test_a_code_is_good_for_one_exchange(client: Caller, crm: Zoho) -> None:
    code = crm.credentials["code"]

    granted = ask(client, crm, grant_type="authorization_code", code=code)

    assert listed(client, granted["access_token"]).status == 200
    assert ask(client, crm, refresh_token=granted["refresh_token"])["token_type"] == "Bearer"
    assert ask(client, crm, grant_type="authorization_code", code=code) == {"error": "invalid_code"}


def consent(client: Caller, crm: Zoho, **more: str) -> Reply:
    asked: dict[str, Any] = {
        "response_type": "code", "client_id": crm.credentials["client_id"], "redirect_uri": LOOPBACK,
        "scope": "ZohoCRM.modules.contacts.READ,ZohoCRM.org.READ", "access_type": "offline", **more,
    }  # fmt: skip
    return client("GET", "/oauth/v2/auth", **asked)


def test_who_asks_is_sent_back_at_once_with_a_code_for_the_scopes_it_asked_for(client: Caller, crm: Zoho) -> None:
    sent = consent(client, crm, state="s")

    assert sent.status == 302
    told = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    assert sent.headers["location"].startswith(LOOPBACK + "?")
    assert (told["location"], told["accounts-server"], told["state"]) == ("eu", "http://vendor.test", "s")
    exchange = {"grant_type": "authorization_code", "code": told["code"]}
    assert ask(client, crm, **exchange, redirect_uri="http://elsewhere.test") == {"error": "invalid_redirect_uri"}
    again = dict(parse_qsl(urlsplit(consent(client, crm).headers["location"]).query))["code"]
    granted = ask(client, crm, grant_type="authorization_code", code=again, redirect_uri=LOOPBACK)
    assert listed(client, granted["access_token"]).status == 200
    header = {"authorization": f"Zoho-oauthtoken {granted['access_token']}"}
    refused = client("DELETE", "/crm/v8/Contacts", headers=header, ids="1")
    assert (refused.status, refused.json["code"]) == (401, "OAUTH_SCOPE_MISMATCH")
    assert client("GET", "/crm/v8/org", headers=header).status == 200


def test_a_grant_that_is_not_offline_has_no_refresh_token_and_codes_grow_old(client: Caller, crm: Zoho) -> None:
    def code() -> str:
        return dict(parse_qsl(urlsplit(consent(client, crm, access_type="online").headers["location"]).query))["code"]

    exchange = {"grant_type": "authorization_code", "redirect_uri": LOOPBACK}
    assert "refresh_token" not in ask(client, crm, **exchange, code=code())
    old = code()
    client.later(minutes=5)
    assert ask(client, crm, **exchange, code=old) == {"error": "invalid_code"}


@pytest.mark.parametrize("wrong", [{"client_id": "x"}, {"redirect_uri": "nowhere"}, {"response_type": "token"}])
def test_a_wrong_question_of_a_browser_gets_a_page(client: Caller, crm: Zoho, wrong: dict[str, str]) -> None:
    reply = consent(client, crm, **wrong)

    assert reply.status == 400
    assert b"<!doctype html>" in reply.body


def test_a_person_at_a_browser_is_asked_and_may_cancel(client: Caller, crm: Zoho) -> None:
    browser = Caller(crm, {"accept": "text/html"})

    assert b"decision=cancel" in consent(browser, crm).body
    told = dict(parse_qsl(urlsplit(consent(browser, crm, decision="cancel", state="s").headers["location"]).query))
    assert told == {"error": "access_denied", "state": "s"}


def test_the_organisation_itself_may_be_let_in(client: Caller, crm: Zoho) -> None:
    told = {"grant_type": "client_credentials", "scope": "ZohoCRM.modules.ALL"}

    granted = ask(client, crm, **told, soid=f"ZohoCRM.{crm.credentials['org_id']}")

    assert listed(client, granted["access_token"]).status == 200
    assert ask(client, crm, **told, soid="ZohoCRM.1") == {"error": "invalid_soid"}


def test_a_client_in_a_hurry_is_refused_for_the_rest_of_ten_minutes(world: World) -> None:
    crm = Zoho(world)
    client = Caller(crm, {})

    def grant() -> Reply:
        return client.form(TOKEN, None, **refreshing(crm.credentials))

    assert {grant().status for _ in range(10)} == {200}
    refused = grant()
    assert (refused.status, refused.json["error"]) == (400, "Access Denied")
    client.later(minutes=10)
    assert grant().json["token_type"] == "Bearer"


def test_the_thirty_first_access_token_kills_the_first(client: Caller, crm: Zoho) -> None:
    tokens = [ask(client, crm)["access_token"] for _ in range(31)]

    assert listed(client, tokens[0]).status == 401
    assert listed(client, tokens[1]).status == 200


def test_a_revoked_refresh_token_takes_its_access_tokens_along(client: Caller, crm: Zoho) -> None:
    token = ask(client, crm)["access_token"]

    assert client("POST", TOKEN + "/revoke", b"", token=crm.credentials["refresh_token"]).status == 200

    assert listed(client, token).status == 401
    assert ask(client, crm) == {"error": "invalid_code"}


@pytest.mark.parametrize(
    ("granted", "needed", "covered"),
    [
        ("ZohoCRM.modules.ALL", "ZohoCRM.modules.contacts.READ", True),
        ("ZohoCRM.modules.READ", "ZohoCRM.modules.contacts.READ", True),
        ("ZohoCRM.modules.contacts.ALL", "ZohoCRM.modules.contacts.DELETE", True),
        ("ZohoCRM.modules.contacts.WRITE", "ZohoCRM.modules.contacts.UPDATE", True),
        ("ZohoCRM.modules.contacts.WRITE", "ZohoCRM.modules.contacts.DELETE", False),
        ("ZohoCRM.modules.leads.ALL", "ZohoCRM.modules.contacts.READ", False),
        ("ZohoCRM.settings.fields.READ", "ZohoCRM.settings.modules.READ", False),
        ("ZohoCRM.users.ALL", "ZohoCRM.users.READ", True),
    ],
)
def test_a_scope_covers_what_lies_in_it(granted: str, needed: str, covered: bool) -> None:
    assert covers([granted], needed) is covered
