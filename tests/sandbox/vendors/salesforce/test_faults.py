"""The faults that every vendor can have, over real HTTP, and the one that is Salesforce's own."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.server import Sandbox
from tests.sandbox.vendors.salesforce.calls import DATA

MANY = f"{DATA}/composite/sobjects"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(("salesforce", "typeform"), seed=7, size=60, limits="lifted") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.forget_log()
    yield running
    running.clear_faults()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.vendor("salesforce").base_url) as client:
        renew(sandbox, client)
        yield client


def renew(sandbox: Sandbox, client: httpx.Client) -> None:
    vendor = sandbox.vendor("salesforce")
    known = {name: vendor.credentials[name] for name in ("client_id", "client_secret")}
    granted = httpx.post(vendor.token_url, data={"grant_type": "client_credentials", **known}).json()
    client.headers["authorization"] = f"Bearer {granted['access_token']}"


def contacts(*names: str) -> Any:
    return {"records": [{"attributes": {"type": "Contact"}, "LastName": name} for name in names]}


def test_every_so_manieth_row_of_a_call_is_locked(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.fault("locked_rows", vendor="salesforce", every=2, count=1)

    first = client.post(MANY, json=contacts("A", "B", "C")).json()
    second = client.post(MANY, json=contacts("B")).json()

    assert [row["success"] for row in first] == [True, False, True]
    assert first[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert second[0]["success"] is True
    assert [effect["fields"] for effect in sandbox.log()["effects"]] == [{"LastName": name} for name in "ACB"]


@pytest.mark.parametrize("vendor", [None, "typeform"])
def test_where_no_rows_are_locked_the_fault_is_refused(sandbox: Sandbox, vendor: str | None) -> None:
    with pytest.raises(ValueError, match="locks rows"):
        sandbox.fault("locked_rows", vendor=vendor)


def test_a_storm_is_a_403_that_does_not_say_how_long(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.fault("storm", count=1)

    reply = client.get(f"{DATA}/sobjects")

    assert (reply.status_code, reply.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "retry-after" not in reply.headers


def test_a_dead_session_is_renewed_and_the_walk_goes_on(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.fault("expired_token", count=1)

    reply = client.get(f"{DATA}/limits")
    renew(sandbox, client)

    assert (reply.status_code, reply.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert client.get(f"{DATA}/limits").status_code == 200


def test_a_lost_response_has_made_the_record(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.fault("lost_response", method="POST", path="sobjects", count=1)

    with pytest.raises(httpx.RemoteProtocolError):
        client.post(MANY, json=contacts("Lost"))

    found = client.get(f"{DATA}/query", params={"q": "SELECT COUNT() FROM Contact WHERE LastName = 'Lost'"}).json()
    assert found["totalSize"] == 1


def test_a_late_commit_is_seen_later(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.fault("late_commit", seconds=3600, count=1)
    client.post(MANY, json=contacts("Late"))
    query = {"q": "SELECT COUNT() FROM Contact WHERE LastName = 'Late'"}

    before = client.get(f"{DATA}/query", params=query).json()["totalSize"]
    httpx.post(f"{sandbox.control_url}/clock", json={"offset_seconds": 4000})
    renew(sandbox, client)
    after = client.get(f"{DATA}/query", params=query).json()["totalSize"]
    httpx.post(f"{sandbox.control_url}/clock", json={"offset_seconds": 0})

    assert (before, after) == (0, 1)


def test_calls_are_counted_by_their_template(sandbox: Sandbox, client: httpx.Client) -> None:
    client.get(f"{DATA}/sobjects/Contact/describe")
    client.get(f"{DATA}/sobjects/Account/describe")

    counted = {row["call"]: (row["count"], row["cost"]) for row in sandbox.log()["calls"]}
    assert counted[f"GET {DATA}/sobjects/{{object}}/describe"] == (2, 2)
