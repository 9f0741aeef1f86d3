import base64

import pytest

from sandbox.vendors.pipedrive.app import Pipedrive
from tests.sandbox.calls import Caller, Reply

UNAUTHORIZED = {
    "success": False,
    "error": "unauthorized access",
    "errorCode": 401,
    "error_info": "Please check developers.pipedrive.com",
}


@pytest.fixture
def stranger(account: Pipedrive) -> Caller:
    return Caller(account, {})


def refresh(caller: Caller, account: Pipedrive, *, token: str | None = None, secret: str | None = None) -> Reply:
    known = account.credentials
    basic = base64.b64encode(f"{known['client_id']}:{secret or known['client_secret']}".encode()).decode()
    return caller.form(
        "/oauth/token", {"authorization": f"Basic {basic}"},
        grant_type="refresh_token", refresh_token=token or known["refresh_token"],
    )  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"x-api-token": "0" * 40}, id="wrong-token"),
        pytest.param({"authorization": "Bearer v1u:unknown"}, id="unknown-bearer"),
    ],
)
def test_who_brings_no_good_token_is_refused_in_the_vendors_words(stranger: Caller, headers: dict[str, str]) -> None:
    reply = stranger("GET", "/api/v2/persons", headers=headers)

    assert (reply.status, reply.json) == (401, UNAUTHORIZED)


def test_the_token_in_the_query_opens_v1_alone(stranger: Caller, account: Pipedrive) -> None:
    token = account.credentials["api_token"]

    assert stranger("GET", f"/v1/users/me?api_token={token}").status == 200
    assert stranger("GET", f"/api/v2/persons?api_token={token}").status == 401


def test_a_refresh_brings_an_hour_and_the_same_refresh_token(stranger: Caller, account: Pipedrive) -> None:
    granted = refresh(stranger, account).json
    bearer = {"authorization": f"Bearer {granted['access_token']}"}

    assert granted["refresh_token"] == account.credentials["refresh_token"]
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3599)
    assert stranger("GET", "/api/v2/persons", headers=bearer).status == 200
    stranger.later(seconds=3599)
    assert stranger("GET", "/api/v2/persons", headers=bearer).status == 401


def test_a_refresh_token_unused_for_sixty_days_is_dead(stranger: Caller, account: Pipedrive) -> None:
    assert refresh(stranger, account).status == 200
    stranger.later(days=59)
    assert refresh(stranger, account).status == 200  # which starts the sixty days again
    stranger.later(days=59)
    assert refresh(stranger, account).status == 200
    stranger.later(days=60)

    reply = refresh(stranger, account)

    assert (reply.status, reply.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("token", "secret", "status", "error"),
    [("1:1:wrong", None, 400, "invalid_grant"), (None, "wrong", 401, "invalid_client")],
)
def test_a_wrong_grant_is_refused(
    stranger: Caller, account: Pipedrive, token: str | None, secret: str | None, status: int, error: str
) -> None:
    reply = refresh(stranger, account, token=token, secret=secret)

    assert (reply.status, reply.json["success"], reply.json["error"]) == (status, False, error)


def test_a_code_is_exchanged_for_tokens(stranger: Caller, account: Pipedrive) -> None:
    known = account.credentials
    basic = base64.b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode()

    reply = stranger.form(
        "/oauth/token", {"authorization": f"Basic {basic}"},
        grant_type="authorization_code", code=known["code"], redirect_uri="https://hub.test/",
    )  # fmt: skip

    assert reply.json["api_domain"] == "http://vendor.test"


def test_revoking_the_refresh_token_ends_every_access(stranger: Caller, account: Pipedrive) -> None:
    bearer = {"authorization": f"Bearer {refresh(stranger, account).json['access_token']}"}
    old = account.credentials["refresh_token"]

    stranger.form("/oauth/revoke", token=old, token_type_hint="refresh_token")

    assert stranger("GET", "/api/v2/persons", headers=bearer).status == 401
    assert refresh(stranger, account, token=old).status == 400


def test_unknown_paths_and_methods_are_told_apart(pipedrive: Caller) -> None:
    assert pipedrive("GET", "/api/v2/unicorns").status == 404
    assert pipedrive("GET", "/api/v2/leads").status == 404  # v1 only
    assert pipedrive("PUT", "/api/v2/persons/101", {"name": "X"}).status == 405  # PATCH in v2
