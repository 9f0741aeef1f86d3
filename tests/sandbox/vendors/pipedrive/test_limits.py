import pytest

from sandbox.vendors.pipedrive.app import Pipedrive
from sandbox.vendors.pipedrive.limits import Plan
from sandbox.world import World
from tests.sandbox.calls import Caller


def hurried(world: World, plan: Plan, *, seats: int = 1) -> Caller:
    account = Pipedrive(world, plan=plan, seats=seats)
    return Caller(account, {"x-api-token": account.credentials["api_token"]})


@pytest.mark.parametrize(("plan", "burst"), [("lite", 20), ("growth", 40), ("premium", 100), ("ultimate", 120)])
def test_more_calls_than_the_plan_allows_in_two_seconds_are_refused(world: World, plan: Plan, burst: int) -> None:
    caller = hurried(world, plan)
    allowed = [caller("GET", "/api/v2/persons/101") for _ in range(burst)]

    refused = caller("GET", "/api/v2/persons/101")
    caller.later(seconds=2)

    assert {reply.status for reply in allowed} == {200}
    assert (refused.status, refused.json) == (429, {"success": False, "error": "request over limit", "errorCode": 429})
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert 1 <= int(refused.headers["x-ratelimit-reset"]) <= 2
    assert "retry-after" not in refused.headers
    assert caller("GET", "/api/v2/persons/101").status == 200


def test_headers_count_down(world: World) -> None:
    caller = hurried(world, "lite")

    remaining = [caller("GET", "/api/v2/persons/101").headers["x-ratelimit-remaining"] for _ in range(3)]

    assert remaining == ["19", "18", "17"]


def test_ten_searches_in_two_seconds_are_enough_whatever_the_plan(world: World) -> None:
    caller = hurried(world, "ultimate")

    statuses = [caller("GET", "/api/v2/persons/search?term=mara").status for _ in range(11)]

    assert statuses == [200] * 10 + [429]
    assert caller("GET", "/api/v2/persons/101").status == 200


def test_the_days_tokens_run_out_and_come_back_at_midnight(world: World) -> None:
    caller = hurried(world, "lite")
    spent = 0
    while caller("GET", "/v1/users").status == 200:
        spent += 20
        caller.later(seconds=0.3)

    assert spent == 30_000
    caller.later(hours=12)
    assert caller("GET", "/v1/users").status == 200


def test_who_goes_on_hammering_meets_the_network_in_front(world: World) -> None:
    caller = hurried(world, "lite")

    last = [caller("GET", "/api/v2/persons/101") for _ in range(100)][-1]

    assert last.status == 403
    assert last.body.startswith(b"<!DOCTYPE html>")


def test_where_limits_are_lifted_calls_are_counted_and_none_is_refused(pipedrive: Caller, account: Pipedrive) -> None:
    statuses = {pipedrive("GET", "/api/v2/persons/101").status for _ in range(300)}

    assert statuses == {200}
    assert account.limits.spent == 300
