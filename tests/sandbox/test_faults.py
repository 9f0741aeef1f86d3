import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.server import Sandbox

PERSONS = "/api/v2/persons"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(seed=7, size=60, limits="lifted") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.forget_log()
    yield running
    running.clear_faults()
    httpx.post(f"{running.control_url}/clock", json={"offset_seconds": 0})


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    vendor = sandbox.vendor("pipedrive")
    with httpx.Client(base_url=vendor.base_url, headers={"x-api-token": vendor.credentials["api_token"]}) as client:
        yield client


def set_fault(sandbox: Sandbox, **fault: Any) -> None:
    reply = httpx.post(sandbox.vendor("pipedrive").faults_url, json=fault)
    assert reply.status_code == 201, reply.text


def written(sandbox: Sandbox) -> list[str]:
    return [effect["method"] for effect in sandbox.log()["effects"]]


def test_a_lost_response_has_taken_effect(sandbox: Sandbox, client: httpx.Client) -> None:
    set_fault(sandbox, kind="lost_response", method="POST", count=1)

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post(PERSONS, json={"name": "Lost"})

    assert written(sandbox) == ["POST"]
    assert client.post(PERSONS, json={"name": "Next"}).status_code == 200


@pytest.mark.parametrize(("retry_after", "told"), [(7, "7"), (None, None)])
def test_a_storm_refuses_with_or_without_saying_how_long(
    sandbox: Sandbox, client: httpx.Client, retry_after: int | None, told: str | None
) -> None:
    set_fault(sandbox, kind="storm", retry_after=retry_after, count=2)

    replies = [client.post(PERSONS, json={"name": "X"}) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [429, 429, 200]
    assert replies[0].headers.get("retry-after") == told
    assert replies[0].json()["error"] == "request over limit"
    assert written(sandbox) == ["POST"]


@pytest.mark.parametrize(("when", "effects"), [("before", []), ("after", ["POST"])])
@pytest.mark.parametrize("html", [False, True])
def test_the_server_fails_before_or_after_the_effect(
    sandbox: Sandbox, client: httpx.Client, when: str, effects: list[str], html: bool
) -> None:
    set_fault(sandbox, kind="error", status=503, when=when, html=html, count=1)

    reply = client.post(PERSONS, json={"name": "X"})

    assert reply.status_code == 503
    assert reply.headers["content-type"].startswith("text/html" if html else "application/json")
    assert written(sandbox) == effects


def test_a_token_expires_in_the_middle_of_a_walk(sandbox: Sandbox) -> None:
    vendor = sandbox.vendor("pipedrive")
    known = vendor.credentials
    form = {"grant_type": "refresh_token", "refresh_token": known["refresh_token"]}

    def bearer() -> dict[str, str]:
        granted = httpx.post(vendor.token_url, data=form, auth=(known["client_id"], known["client_secret"])).json()
        return {"authorization": f"Bearer {granted['access_token']}"}

    set_fault(sandbox, kind="expired_token", path="cursor=", skip=1, count=1)
    headers, statuses, seen = bearer(), [], 0
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "20", **({"cursor": cursor} if cursor else {})}
        reply = httpx.get(vendor.base_url + PERSONS, params=query, headers=headers)
        statuses.append(reply.status_code)
        if reply.status_code == 401:
            assert httpx.get(vendor.base_url + PERSONS, headers=headers).status_code == 401  # it stays dead
            headers = bearer()
            continue
        seen += len(reply.json()["data"])
        cursor = reply.json()["additional_data"]["next_cursor"]

    assert statuses[:4] == [200, 200, 401, 200]
    assert seen == len(httpx.get(vendor.base_url + PERSONS, params={"limit": 500}, headers=headers).json()["data"])


@pytest.mark.parametrize("name", ["pipedrive", "typeform"])
def test_an_app_is_thrown_out_until_a_user_lets_it_in_again(sandbox: Sandbox, name: str) -> None:
    vendor = sandbox.vendor(name)
    known = vendor.credentials
    client = {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    old = dict(sandbox.vendor(name).credentials)["refresh_token"]
    set_fault(sandbox, kind="revoked_grant", vendor=name, path="/me", count=1)

    def renew(**form: str) -> int:
        basic = (client["client_id"], client["client_secret"])
        return httpx.post(vendor.token_url, data={**form, **client}, auth=basic).status_code

    refused = httpx.get(vendor.base_url + ("/v1/users/me" if name == "pipedrive" else "/me"))
    redirect = "http://localhost:8910/callback"
    asked = {"client_id": client["client_id"], "redirect_uri": redirect}
    answer = httpx.get(vendor.token_url.replace("/token", "/authorize"), params=asked)
    code = httpx.URL(answer.headers["location"]).params["code"]

    assert refused.status_code == 401
    assert renew(grant_type="refresh_token", refresh_token=old) == 400
    assert renew(grant_type="authorization_code", code=code, redirect_uri=redirect) == 200


def test_a_permission_is_missing(sandbox: Sandbox, client: httpx.Client) -> None:
    set_fault(sandbox, kind="forbidden", method="POST,PATCH,DELETE", path="/persons")

    assert client.post(PERSONS, json={"name": "X"}).status_code == 403
    assert client.get(PERSONS).status_code == 200
    assert client.post("/api/v2/organizations", json={"name": "X"}).status_code == 200


def test_a_slow_page_is_slower_than_the_client_waits(sandbox: Sandbox, client: httpx.Client) -> None:
    set_fault(sandbox, kind="slow", delay_ms=400, count=1)

    with pytest.raises(httpx.ReadTimeout):
        client.get(PERSONS, timeout=0.1)

    assert client.get(PERSONS, timeout=2).status_code == 200


def test_a_late_commit_shows_later_under_its_older_stamp(sandbox: Sandbox, client: httpx.Client) -> None:
    set_fault(sandbox, kind="late_commit", seconds=120, method="POST", count=1)
    made = client.post(PERSONS, json={"name": "Slow coach"}).json()["data"]
    other = client.post(PERSONS, json={"name": "Swift"}).json()["data"]

    def listed() -> list[int]:
        since = {"updated_since": made["update_time"], "sort_by": "update_time"}
        return [record["id"] for record in client.get(PERSONS, params=since).json()["data"]]

    assert other["id"] in listed()
    assert made["id"] not in listed()
    assert client.get(f"{PERSONS}/{made['id']}").status_code == 404
    httpx.post(f"{sandbox.control_url}/clock", json={"offset_seconds": 121})
    assert made["id"] in listed()
    assert client.get(f"{PERSONS}/{made['id']}").json()["data"]["update_time"] == made["update_time"]


def test_an_edit_may_be_seen_later_too(sandbox: Sandbox, client: httpx.Client) -> None:
    before = client.get(f"{PERSONS}/104").json()["data"]
    sandbox.edit("pipedrive", "persons", "104", {"name": "Edited Late"}, visible_after=60)

    assert client.get(f"{PERSONS}/104").json()["data"] == before
    httpx.post(f"{sandbox.control_url}/clock", json={"offset_seconds": 61})
    assert client.get(f"{PERSONS}/104").json()["data"]["name"] == "Edited Late"


def test_a_late_commit_leaves_alone_what_was_written_meanwhile(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.edit("pipedrive", "persons", "106", {"NPS score": 1, "visible_to": 3})
    sandbox.edit("pipedrive", "persons", "106", {"name": "Late Name", "NPS score": 2}, visible_after=60)
    sandbox.edit("pipedrive", "persons", "106", {"visible_to": 7, "Crosswalk ID": "swift"})

    httpx.post(f"{sandbox.control_url}/clock", json={"offset_seconds": 61})

    shown = client.get(f"{PERSONS}/106").json()["data"]
    assert (shown["name"], shown["visible_to"]) == ("Late Name", 7)
    assert {2, "swift"} <= set(shown["custom_fields"].values())


def test_a_body_breaks_off_with_a_length_that_fits_or_with_the_connection(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    set_fault(sandbox, kind="truncated", count=1)
    with pytest.raises(json.JSONDecodeError):
        client.get(PERSONS).json()

    set_fault(sandbox, kind="truncated", honest=False, count=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.get(PERSONS)

    assert client.get(PERSONS).json()["success"] is True


def test_a_page_comes_twice(sandbox: Sandbox, client: httpx.Client) -> None:
    set_fault(sandbox, kind="duplicate_page", path="cursor=", count=1)
    first = client.get(PERSONS, params={"limit": 10}).json()
    query = {"limit": 10, "cursor": first["additional_data"]["next_cursor"]}

    again, second = client.get(PERSONS, params=query).json(), client.get(PERSONS, params=query).json()

    assert again == first
    assert second["data"][0]["id"] > first["data"][-1]["id"]


@pytest.mark.parametrize(
    ("field", "to"), [("NPS score", None), ("NPS score", "Score"), ("job_title", None), ("job_title", "position")]
)
def test_a_field_is_removed_or_renamed_until_the_fault_is_cleared(
    sandbox: Sandbox, client: httpx.Client, field: str, to: str | None
) -> None:
    def seen() -> tuple[Any, list[str]]:
        fields = client.get("/api/v2/personFields", params={"limit": 500}).json()["data"]
        return client.get(f"{PERSONS}/107").json()["data"], [found["field_name"] for found in fields]

    def names(record: Any, labels: list[str]) -> set[str]:
        return {*record, *labels}

    before = seen()
    set_fault(sandbox, kind="schema", stream="persons", field=field, to=to)
    during = seen()
    httpx.delete(sandbox.faults_url)

    assert field in names(*before)
    assert field not in names(*during)
    assert (to is None) == (to not in names(*during))
    assert len(before[0]["custom_fields"]) - len(during[0]["custom_fields"]) == (field == "NPS score" and to is None)
    assert seen() == before


def test_a_removed_field_can_no_longer_be_written(sandbox: Sandbox, client: httpx.Client) -> None:
    fields = client.get("/api/v2/personFields", params={"limit": 500}).json()["data"]
    code = next(field["field_code"] for field in fields if field["field_name"] == "NPS score")
    body = {"custom_fields": {code: 9}}
    assert client.patch(f"{PERSONS}/107", json=body).status_code == 200

    set_fault(sandbox, kind="schema", stream="persons", field="NPS score")

    assert client.patch(f"{PERSONS}/107", json=body).status_code == 400


def test_search_lags(sandbox: Sandbox, client: httpx.Client) -> None:
    set_fault(sandbox, kind="search_lag", seconds=30)
    client.get(f"{PERSONS}/search", params={"term": "whoever"})  # the index stands before the write
    client.post(PERSONS, json={"name": "Hide And Seek"})

    def found() -> int:
        return len(client.get(f"{PERSONS}/search", params={"term": "Hide And Seek"}).json()["data"]["items"])

    assert found() == 0
    httpx.post(f"{sandbox.control_url}/clock", json={"offset_seconds": 31})
    assert found() == 1


def test_the_same_seed_strikes_the_same_calls(sandbox: Sandbox, client: httpx.Client) -> None:
    def struck(seed: int) -> list[int]:
        set_fault(sandbox, kind="storm", probability=0.4, seed=seed)
        statuses = [client.get(f"{PERSONS}/101").status_code for _ in range(30)]
        sandbox.clear_faults()
        return statuses

    first = struck(5)

    assert struck(5) == first
    assert struck(6) != first
    assert 5 < first.count(429) < 25


def test_faults_of_one_vendor_leave_the_other_alone(sandbox: Sandbox, client: httpx.Client) -> None:
    set_fault(sandbox, kind="storm")
    typeform = sandbox.vendor("typeform")
    headers = {"authorization": f"Bearer {typeform.credentials['token']}"}

    assert client.get(PERSONS).status_code == 429
    assert httpx.get(f"{typeform.base_url}/forms", headers=headers).status_code == 200
    assert httpx.get(typeform.faults_url).json() == {"faults": []}


def test_what_is_set_and_what_fired_can_be_read(sandbox: Sandbox, client: httpx.Client) -> None:
    set_fault(sandbox, kind="storm", path="persons/", skip=1, count=5, retry_after=1)
    for _ in range(3):
        client.get(f"{PERSONS}/101")

    shown = httpx.get(sandbox.faults_url).json()["faults"]

    assert [(f["kind"], f["vendor"], f["matched"], f["fired"], f["retry_after"]) for f in shown] == [
        ("storm", "pipedrive", 3, 2, 1)
    ]
    assert httpx.delete(sandbox.faults_url).json() == {"cleared": 1}
    assert client.get(f"{PERSONS}/101").status_code == 200


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "earthquake"}, "earthquake"),
        ({}, "expected one of"),
        ({"kind": "storm", "delay_ms": 3}, "storm knows no delay_ms"),
        ({"kind": "storm", "path": "("}, "regular expression"),
        ({"kind": "storm", "vendor": "acme"}, "acme"),
        ({"kind": "schema", "stream": "persons", "field": "Shoe size"}, "Shoe size"),
        ({"kind": "storm", "count": "many"}, "many"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(sandbox: Sandbox, fault: Any, words: str) -> None:
    reply = httpx.post(sandbox.vendor("pipedrive").faults_url, json=fault)

    assert reply.status_code == 400
    assert words in reply.json()["error"]
    assert httpx.get(sandbox.faults_url).json() == {"faults": []}
