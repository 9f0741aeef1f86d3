import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sandbox.server import Sandbox
from sandbox.vendors.zoho.app import Zoho
from sandbox.web import Call
from sandbox.world import World
from tests.sandbox.calls import NOW, Caller
from tests.sandbox.vendors.zoho.signing import refreshing, signed_in


@pytest.fixture
def poor(world: World) -> Caller:
    """A client of the free edition: 5,000 credits a day."""
    return signed_in(Zoho(world, edition="free"))


def test_what_remains_is_told_from_the_half_on_and_the_end_is_a_429(poor: Caller) -> None:
    crm = poor.vendor
    assert isinstance(crm, Zoho)

    def org() -> Any:
        return poor("GET", "/crm/v8/org")

    assert "x-api-credits-remaining" not in org().headers
    crm.limits.spent = 2499
    assert org().headers["x-api-credits-remaining"] == "2500"
    crm.limits.spent = 5000
    refused = org()
    assert (refused.status, refused.json["code"]) == (429, "TOO_MANY_REQUESTS")
    assert "retry-after" not in refused.headers


def test_credits_come_back_a_day_after_their_use(world: World) -> None:
    crm = Zoho(world)
    for hours, spent in ((0, 1), (23, 2), (24, 2), (47, 2)):
        signed_in(crm, now=NOW + timedelta(hours=hours))("GET", "/crm/v8/org")

        assert crm.limits.spent == spent


@pytest.mark.parametrize(("rows", "cost"), [(1, 1), (10, 1), (11, 2), (100, 10)])
def test_ten_records_written_cost_a_credit(zoho: Caller, crm: Zoho, rows: int, cost: int) -> None:
    zoho("POST", "/crm/v8/Contacts", {"data": [{"Last_Name": "X"}] * rows})

    assert crm.limits.spent == cost


def test_a_call_beyond_those_at_once_is_refused(world: World) -> None:
    crm = Zoho(world)
    client = signed_in(crm)

    def org(concurrent: int) -> int:
        call = Call(
            method="GET", path="/crm/v8/org", query={}, headers=client.headers, body=b"", now=client.now, base="",
            concurrent=concurrent,
        )  # fmt: skip
        return crm.answer(call).status

    assert (org(20), org(21)) == (200, 429)


def test_the_door_counts_the_calls_that_wait_for_their_answer() -> None:
    async def rush(url: str, headers: dict[str, str]) -> list[int]:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            replies = await asyncio.gather(*(client.get("/crm/v8/org") for _ in range(30)))
        return [reply.status_code for reply in replies]

    with Sandbox.start(("zoho",), size=3) as sandbox:
        vendor = sandbox.vendor("zoho")
        token = httpx.post(vendor.token_url, data=refreshing(vendor.credentials)).json()["access_token"]
        sandbox.fault("slow", vendor="zoho", delay_ms=1500)
        statuses = asyncio.run(rush(vendor.base_url, {"authorization": f"Zoho-oauthtoken {token}"}))

    assert sorted(set(statuses)) == [200, 429]
    assert statuses.count(200) >= 20
