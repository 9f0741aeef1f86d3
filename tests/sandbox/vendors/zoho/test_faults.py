"""Faults over HTTP, as a client of Zoho meets them; `tests/sandbox/test_faults.py` has how they are set."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox.server import Sandbox
from tests.sandbox.vendors.zoho.signing import refreshing

CONTACTS = "/crm/v8/Contacts"
PAGE = {"fields": "Last_Name", "per_page": "10", "sort_order": "asc"}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(("zoho",), seed=7, size=60, limits="lifted") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.clear_faults()
    running.forget_log()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    vendor = sandbox.vendor("zoho")
    with httpx.Client(base_url=vendor.base_url, headers=header(sandbox), timeout=30) as client:
        yield client


def header(sandbox: Sandbox) -> dict[str, str]:
    vendor = sandbox.vendor("zoho")
    granted = httpx.post(vendor.token_url, data=refreshing(vendor.credentials)).json()
    return {"authorization": f"Zoho-oauthtoken {granted['access_token']}"}


def test_a_token_that_dies_in_mid_walk_is_refused_and_a_new_one_goes_on(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.fault("expired_token", path="Contacts", skip=1, count=1)
    first = client.get(CONTACTS, params=PAGE).json()
    following = {**PAGE, "page_token": first["info"]["next_page_token"]}

    refused = client.get(CONTACTS, params=following)
    second = client.get(CONTACTS, params=following, headers=header(sandbox))

    assert (refused.status_code, refused.json()["code"]) == (401, "INVALID_TOKEN")
    assert second.json()["data"][0]["id"] > first["data"][-1]["id"]


def test_an_app_is_thrown_out_until_a_user_lets_it_in_again() -> None:
    with Sandbox.start(("zoho",), seed=7, size=3, limits="lifted") as sandbox:
        vendor = sandbox.vendor("zoho")
        old, client_id = refreshing(vendor.credentials), vendor.credentials["client_id"]
        headers = header(sandbox)
        sandbox.fault("revoked_grant", path="Contacts", count=1)
        redirect = "http://localhost:8910/callback"
        asked = {
            "response_type": "code", "client_id": client_id, "redirect_uri": redirect, "access_type": "offline",
            "scope": "ZohoCRM.modules.ALL",
        }  # fmt: skip

        refused = [httpx.get(vendor.base_url + CONTACTS, params=PAGE, headers=headers).status_code for _ in range(2)]
        answer = httpx.get(vendor.token_url.removesuffix("token") + "auth", params=asked)
        code = httpx.URL(answer.headers["location"]).params["code"]
        redeemed = {**old, "grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        redeemed.pop("refresh_token")

        assert refused == [401, 401]
        assert httpx.post(vendor.token_url, data=old).json() == {"error": "invalid_code"}
        assert "refresh_token" in httpx.post(vendor.token_url, data=redeemed).json()


def test_a_lost_response_has_taken_effect(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.fault("lost_response", method="POST", path="upsert", count=1)
    body = {"data": [{"Last_Name": "X", "Crosswalk_Id": "lost"}], "duplicate_check_fields": ["Crosswalk_Id"]}

    with pytest.raises(httpx.RemoteProtocolError):
        client.post(f"{CONTACTS}/upsert", json=body)

    again = client.post(f"{CONTACTS}/upsert", json=body).json()["data"][0]
    assert again["action"] == "update"
    assert len(sandbox.log()["effects"]) == 2


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("storm", 429, "TOO_MANY_REQUESTS"), ("forbidden", 403, "NO_PERMISSION"), ("error", 502, "INTERNAL_ERROR")],
)
def test_a_refusal_looks_like_the_vendors(
    sandbox: Sandbox, client: httpx.Client, kind: str, status: int, code: str
) -> None:
    sandbox.fault(kind, count=1)

    reply = client.get(CONTACTS, params=PAGE)

    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert client.get(CONTACTS, params=PAGE).status_code == 200


def test_a_storm_may_say_how_long(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.fault("storm", retry_after=7, count=1)

    assert client.get(CONTACTS, params=PAGE).headers["retry-after"] == "7"


def test_a_page_may_come_once_more(sandbox: Sandbox, client: httpx.Client) -> None:
    first = client.get(CONTACTS, params=PAGE).json()
    sandbox.fault("duplicate_page", count=1)
    following = {**PAGE, "page_token": first["info"]["next_page_token"]}

    assert client.get(CONTACTS, params=following).json() == first
    assert client.get(CONTACTS, params=following).json()["data"][0]["id"] > first["data"][-1]["id"]


def test_what_commits_late_is_not_seen_at_first(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.fault("late_commit", seconds=600, method="POST", count=1)

    made = client.post(CONTACTS, json={"data": [{"Last_Name": "Late"}]}).json()["data"][0]

    assert made["code"] == "SUCCESS"
    assert client.get(CONTACTS, params={**PAGE, "ids": made["details"]["id"]}).status_code == 204


def test_a_field_may_vanish_and_come_back(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.fault("schema", vendor="zoho", stream="Contacts", field="Last_Name")

    assert client.get(CONTACTS, params=PAGE).json()["data"][0].keys() == {"id"}
    sandbox.clear_faults()
    assert client.get(CONTACTS, params=PAGE).json()["data"][0].keys() == {"id", "Last_Name"}


def test_nothing_new_comes_without_a_body_and_a_browser_is_sent_on(sandbox: Sandbox, client: httpx.Client) -> None:
    unchanged = client.get(CONTACTS, params=PAGE, headers={"if-modified-since": "2099-01-01T00:00:00+00:00"})
    asked = {
        "response_type": "code", "client_id": sandbox.vendor("zoho").credentials["client_id"],
        "scope": "ZohoCRM.org.READ", "redirect_uri": "http://127.0.0.1:9/back", "access_type": "offline",
    }  # fmt: skip
    sent = client.get("/oauth/v2/auth", params=asked)

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert "content-type" not in unchanged.headers
    assert sent.status_code == 302
    assert sent.headers["location"].startswith("http://127.0.0.1:9/back?code=")
