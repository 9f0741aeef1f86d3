from base64 import b64encode

import pytest

from sandbox.vendors.qualtrics.app import PER_MINUTE, Qualtrics
from sandbox.world import World
from tests.sandbox.calls import Caller, Reply


def basic(brand: Qualtrics) -> dict[str, str]:
    known = brand.credentials
    return {"authorization": "Basic " + b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode()}


def granted(caller: Caller, brand: Qualtrics, scope: str) -> Reply:
    return caller.form("/oauth2/token", basic(brand), grant_type="client_credentials", scope=scope)


def test_whoami_tells_whose_token_it_is(qualtrics: Caller) -> None:
    reply = qualtrics("GET", "/API/v3/whoami")

    assert reply.json["meta"]["httpStatus"] == "200 - OK"
    assert {"brandId", "userId", "userName", "datacenter", "email"} <= reply.json["result"].keys()


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-token": "wrong"}, {"authorization": "Bearer wrong"}], ids=["none", "token", "bearer"]
)
def test_who_brings_no_good_token_is_refused(qualtrics: Caller, headers: dict[str, str]) -> None:
    reply = qualtrics("GET", "/API/v3/surveys", headers=headers)

    assert reply.status == 401
    assert reply.json["meta"]["httpStatus"] == "401 - Unauthorized"
    assert reply.json["meta"]["error"]["errorCode"].startswith("AUTH_")


def test_a_client_proves_itself_and_gets_a_token_for_an_hour(qualtrics: Caller, brand: Qualtrics) -> None:
    body = granted(qualtrics, brand, "read:surveys").json
    bearer = {"authorization": f"Bearer {body['access_token']}"}

    assert (body["token_type"], body["expires_in"], "refresh_token" in body) == ("Bearer", 3600, False)
    assert qualtrics("GET", "/API/v3/surveys", headers=bearer).status == 200
    qualtrics.later(hours=1)
    assert qualtrics("GET", "/API/v3/surveys", headers=bearer).status == 401


def test_a_token_may_do_what_its_scopes_name_and_who_may_manage_may_read(qualtrics: Caller, brand: Qualtrics) -> None:
    def status(scope: str, path: str) -> int:
        bearer = {"authorization": f"Bearer {granted(qualtrics, brand, scope).json['access_token']}"}
        return qualtrics("GET", path, headers=bearer).status

    contacts = f"/API/v3/directories/{brand.directory.id}/contacts"
    assert status("read:surveys", contacts) == 403
    assert status("manage:directory_contacts", contacts) == 200
    assert status("manage:all", contacts) == 200


def test_a_client_that_is_none_and_a_scope_that_is_none_are_refused(qualtrics: Caller, brand: Qualtrics) -> None:
    wrong = qualtrics.form("/oauth2/token", grant_type="client_credentials", scope="read:surveys")
    scope = granted(qualtrics, brand, "read:everything")
    grant = qualtrics.form("/oauth2/token", basic(brand), grant_type="refresh_token", refresh_token="x")

    assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")
    assert (scope.status, scope.json["error"]) == (400, "invalid_scope")
    assert (grant.status, grant.json["error"]) == (400, "unsupported_grant_type")


def test_more_calls_a_minute_than_the_brand_has_are_refused(world: World) -> None:
    brand = Qualtrics(world)
    caller = Caller(brand, {"x-api-token": brand.credentials["api_token"]})

    replies = [caller("GET", "/API/v3/whoami") for _ in range(PER_MINUTE + 1)]

    assert [reply.status for reply in replies[-2:]] == [200, 429]
    assert "retry-after" not in replies[-1].headers
    caller.later(minutes=1)
    assert caller("GET", "/API/v3/whoami").status == 200


@pytest.mark.parametrize("path", ["mailinglists", "mailinglists/CG_1/contacts", "nothing"])
def test_what_was_taken_away_in_june_2026_is_not_there(qualtrics: Caller, path: str) -> None:
    assert qualtrics("GET", f"/API/v3/{path}").status == 404
