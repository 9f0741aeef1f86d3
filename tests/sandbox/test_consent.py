"""The page at which a user lets an app in, at every vendor that has one."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.vendors.pipedrive.app import Pipedrive
from sandbox.vendors.typeform.app import Typeform
from sandbox.web import Vendor
from tests.sandbox.calls import Caller, Reply

REDIRECT = "http://localhost:8910/callback"
VERIFIER = "a-verifier-of-at-least-forty-three-characters"


@pytest.fixture(params=["pipedrive", "typeform"])
def stranger(request: pytest.FixtureRequest, account: Pipedrive, workspace: Typeform) -> Caller:
    vendors: dict[str, Vendor] = {"pipedrive": account, "typeform": workspace}
    return Caller(vendors[request.param], {})


def ask(stranger: Caller, *, accept: str = "*/*", **more: str) -> Reply:
    query = {"client_id": stranger.vendor.credentials["client_id"], "redirect_uri": REDIRECT, "state": "st", **more}
    return stranger("GET", "/oauth/authorize", headers={"accept": accept}, response_type="code", **query)


def back(reply: Reply) -> dict[str, str]:
    """The query that the browser brings to the app."""
    assert (reply.status, reply.headers["location"].partition("?")[0]) == (302, REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["location"]).query).items()}


def redeem(stranger: Caller, code: str, **more: str) -> Reply:
    known = stranger.vendor.credentials
    client = {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    basic = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, **client, **more}
    return stranger.form("/oauth/token", {"authorization": f"Basic {basic}"}, **form)


def test_a_code_comes_back_with_the_state_and_is_good_once(stranger: Caller) -> None:
    answer = back(ask(stranger))

    first, second = redeem(stranger, answer["code"]), redeem(stranger, answer["code"])

    assert answer["state"] == "st"
    assert first.status == 200
    assert {"access_token", "refresh_token"} <= first.json.keys()
    assert (second.status, second.json["error"]) == (400, "invalid_grant")


def test_a_code_is_good_for_five_minutes_and_for_its_own_redirect(stranger: Caller) -> None:
    late, elsewhere = back(ask(stranger))["code"], back(ask(stranger))["code"]

    assert redeem(stranger, elsewhere, redirect_uri="http://localhost:1/callback").status == 400
    stranger.later(minutes=5)
    assert redeem(stranger, late).status == 400


@pytest.mark.parametrize(("verifier", "status"), [(VERIFIER, 200), ("another", 400), ("", 400)])
def test_who_sent_a_challenge_brings_what_it_was_made_of(stranger: Caller, verifier: str, status: int) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    code = back(ask(stranger, code_challenge=challenge, code_challenge_method="S256"))["code"]

    assert redeem(stranger, code, code_verifier=verifier).status == status


def test_a_browser_is_shown_the_question(stranger: Caller) -> None:
    reply = ask(stranger, accept="text/html,*/*", scope="<read>")

    assert reply.status == 200
    assert b"decision=allow" in reply.body
    assert b"decision=cancel" in reply.body
    assert b"&lt;read&gt;" in reply.body
    assert "code" in back(ask(stranger, accept="text/html", decision="allow"))


def test_a_user_may_cancel(stranger: Caller) -> None:
    answer = back(ask(stranger, accept="text/html", decision="cancel"))

    assert answer["state"] == "st"
    assert answer["error"] in ("access_denied", "user_denied")
    assert "code" not in answer


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "another"},
        {"redirect_uri": "http://attacker.test/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": ""},
    ],
)
def test_nobody_is_sent_where_the_app_is_not(stranger: Caller, wrong: dict[str, str]) -> None:
    reply = ask(stranger, **wrong)

    assert reply.status == 400
    assert "location" not in reply.headers
