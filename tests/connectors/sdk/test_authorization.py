"""A grant that a person gives in a browser: what is asked, what counts as the answer, and how it lives on."""

from base64 import b64decode
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.pipedrive.connector import PipedriveConnector
from connectors.pipedrive.settings import PipedriveSettings
from connectors.sdk import (
    AuthorizationCode,
    AuthorizationRequest,
    AuthorizedInBrowser,
    GrantError,
    TokenKeeper,
)
from connectors.sdk.auth import TokenAnswer, TokenRequest
from connectors.sdk.contract import Grant
from connectors.sdk.fakes import START, Bench
from connectors.typeform.connector import TypeformConnector
from connectors.typeform.settings import TypeformSettings
from tests.connectors.sdk.acme import AcmeConnector

REDIRECT = "http://localhost:8910/callback"
FLOW = AuthorizationCode(
    vendor="Acme",
    connection="acme",
    token_url="https://auth.acme.test/token",
    authorize_url="https://auth.acme.test/authorize",
    client_id="app",
    client_secret="s3cr3t",
    scope="read offline",
    parameters={"access_type": "offline"},
)
# Appendix B of RFC 7636.
RFC = AuthorizationRequest(redirect_uri=REDIRECT, state="st-1", verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


# What is asked.


def test_the_address_names_the_app_the_redirect_and_what_proves_the_answer() -> None:
    address = FLOW.address(RFC)

    assert address.startswith("https://auth.acme.test/authorize?")
    assert query(address) == {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": REDIRECT,
        "state": "st-1",
        "scope": "read offline",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "access_type": "offline",
    }
    assert "s3cr3t" not in address
    assert RFC.verifier not in address


def test_a_vendor_without_pkce_is_sent_none() -> None:
    plain = replace(FLOW, pkce=False)

    assert "code_challenge" not in query(plain.address(RFC))
    assert "code_verifier" not in plain.redeem(RFC, "c-1").form


def test_no_two_questions_are_alike() -> None:
    asked = [AuthorizationRequest.make(REDIRECT) for _ in range(20)]

    assert len({one.state for one in asked} | {one.verifier for one in asked}) == 40
    assert all(43 <= len(one.verifier) <= 128 for one in asked)
    assert asked[0].state not in repr(asked[0])
    assert asked[0].verifier not in repr(asked[0])


# What counts as the answer.


def test_the_code_is_redeemed_by_who_asked_for_it() -> None:
    code = FLOW.code(RFC, {"code": "c-1", "state": "st-1"})

    assert FLOW.redeem(RFC, code) == TokenRequest(
        "https://auth.acme.test/token",
        {
            "grant_type": "authorization_code",
            "code": "c-1",
            "redirect_uri": REDIRECT,
            "code_verifier": RFC.verifier,
            "client_id": "app",
            "client_secret": "s3cr3t",
        },
        {},
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param({"code": "c-1", "state": "another"}, "not to the question", id="another-state"),
        pytest.param({"code": "c-1"}, "not to the question", id="no-state"),
        pytest.param({"error": "access_denied", "state": "another"}, "not to the question", id="refusal-of-another"),
        pytest.param({"error": "access_denied", "state": "st-1"}, r"\(access_denied\)", id="denied"),
        pytest.param({"error": "access_denied"}, r"\(access_denied\)", id="denied-without-state"),
        pytest.param({"error": "no such c-1 of ours", "state": "st-1"}, r"\(no reason given\)", id="a-sentence"),
        pytest.param({"state": "st-1"}, "no code", id="nothing"),
        pytest.param({"state": "st-1", "code": ""}, "no code", id="an-empty-code"),
    ],
)
def test_any_other_answer_is_no_grant(answer: dict[str, str], said: str) -> None:
    with pytest.raises(GrantError, match=said) as caught:
        FLOW.code(RFC, answer)

    assert caught.value.code == "CW205"
    assert "c-1" not in f"{caught.value} {caught.value.hint}"


# How it lives on.


def granted(flow: AuthorizationCode = FLOW, **body: Any) -> Grant:
    return flow.grant(TokenAnswer(200, {"access_token": "a-1", **body}), held=None, now=START)


def unasked(request: TokenRequest) -> TokenAnswer:
    raise AssertionError("nothing is to be asked")


def test_before_anybody_granted_it_nobody_is_asked_and_no_claim_is_left() -> None:
    bench = Bench()

    with pytest.raises(GrantError, match="nobody has granted access yet") as caught:
        TokenKeeper(FLOW, bench.tools()).signature(unasked)

    assert (caught.value.code, caught.value.hint) == ("CW205", "run `crosswalk auth acme`")
    assert bench.tokens.claim("acme", generation=0, seconds=60)


def test_a_grant_is_used_and_renewed_from_the_store_alone() -> None:
    bench = Bench()
    asked: list[TokenRequest] = []
    bench.tokens.replace("acme", granted(refresh_token="r-1", expires_in=3600), generation=0)

    def renew(request: TokenRequest) -> TokenAnswer:
        asked.append(request)
        return TokenAnswer(200, {"access_token": "a-2"})

    keeper = TokenKeeper(FLOW, bench.tools())
    first = keeper.signature(unasked)
    second = keeper.renewed(first, renew)

    assert first.headers == {"Authorization": "Bearer a-1"}
    assert second is not None
    assert second.headers == {"Authorization": "Bearer a-2"}
    assert asked[0].form == {
        "grant_type": "refresh_token",
        "refresh_token": "r-1",
        "client_id": "app",
        "client_secret": "s3cr3t",
    }
    held = bench.tokens.read("acme")
    assert held is not None
    assert held.refresh_token == "r-1"  # a vendor that does not rotate leaves it out


def test_a_grant_to_another_app_is_not_used() -> None:
    bench = Bench()
    bench.tokens.replace("acme", granted(refresh_token="r-1", expires_in=3600), generation=0)

    with pytest.raises(GrantError, match="granted to another app"):
        TokenKeeper(replace(FLOW, client_id="new-app"), bench.tools()).signature(unasked)


def test_a_new_secret_of_the_same_app_leaves_the_grant_in_force() -> None:
    bench = Bench()
    bench.tokens.replace("acme", granted(refresh_token="r-1", expires_in=3600), generation=0)

    signature = TokenKeeper(replace(FLOW, client_secret="renewed"), bench.tools()).signature(unasked)

    assert signature.headers == {"Authorization": "Bearer a-1"}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        pytest.param(None, "the code is refused", id="of-a-code"),
        pytest.param(granted(refresh_token="r-1"), "the refresh token is revoked", id="of-a-refresh-token"),
    ],
)
def test_a_refusal_says_what_was_refused_and_how_to_grant_anew(held: Grant | None, said: str) -> None:
    with pytest.raises(GrantError, match=said) as caught:
        FLOW.grant(TokenAnswer(400, {"error": "invalid_grant"}), held=held, now=START)

    assert "crosswalk auth acme" in caught.value.hint


def test_a_grant_without_a_refresh_token_ends_with_its_access_token() -> None:
    bench = Bench()
    bench.tokens.replace("acme", granted(expires_in=30), generation=0)

    with pytest.raises(GrantError, match="cannot be renewed") as caught:
        TokenKeeper(FLOW, bench.tools()).signature(unasked)

    assert caught.value.code == "CW201"


def test_the_flow_shows_no_secret() -> None:
    assert "s3cr3t" not in repr(FLOW)


# The connectors that have it.


def test_pipedrive_is_asked_beside_its_token_address_and_proves_itself_in_the_header() -> None:
    settings = PipedriveSettings.model_validate({"auth": {"client_id": "app", "client_secret": "s"}})
    flow = PipedriveConnector.connect(settings, Bench().tools("crm")).authorization

    assert flow is not None
    assert flow.address(RFC).partition("?")[0] == "https://oauth.pipedrive.com/oauth/authorize"
    assert flow.connection == "crm"
    request = flow.redeem(RFC, "c-1")
    assert request.form == {"grant_type": "authorization_code", "code": "c-1", "redirect_uri": REDIRECT}
    assert b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"app:s"


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://api.typeform.com/oauth/authorize"),
        ({"data_center": "eu"}, "https://api.typeform.eu/oauth/authorize"),
        ({"token_url": "http://127.0.0.1:8701/oauth/token"}, "http://127.0.0.1:8701/oauth/authorize"),
    ],
)
def test_typeform_is_asked_where_the_account_lives_for_a_grant_that_lasts(settings: Any, address: str) -> None:
    written = {"auth": {"client_id": "app", "client_secret": "s"}, **settings}
    flow = TypeformConnector.connect(TypeformSettings.model_validate(written), Bench().tools()).authorization

    assert flow is not None
    assert flow.address(RFC).partition("?")[0] == address
    assert "offline" in query(flow.address(RFC))["scope"].split()


def test_a_connection_by_token_has_no_such_flow() -> None:
    settings = TypeformSettings.model_validate({"auth": {"token": "tfp_1"}})

    assert TypeformConnector.connect(settings, Bench().tools()).authorization is None


@pytest.mark.parametrize("connector", [PipedriveConnector, TypeformConnector])
def test_who_has_no_app_yet_is_told_where_the_redirect_is_registered(connector: type[AuthorizedInBrowser]) -> None:
    assert sum("{redirect_uri}" in step for step in connector.registration) == 1


def test_a_connector_need_not_have_any_of_this() -> None:
    assert not isinstance(AcmeConnector, AuthorizedInBrowser)
