"""The purse: what is taken before a call, how calls are spaced, and what the vendor's figures change."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from connectors.sdk.budget import Burst, Limits, Purse
from connectors.sdk.errors import LaterError
from connectors.sdk.fakes import START, Bench, MemoryBudget


@pytest.fixture
def bench() -> Bench:
    return Bench()


def purse(bench: Bench, limits: Limits | None = None) -> Purse:
    return Purse("acme", limits or Limits(), bench.tools(), vendor="Acme")


def test_reads_take_from_the_store_in_chunks_and_writes_one_by_one(bench: Bench) -> None:
    bench.budget = MemoryBudget(allowance=1000)
    one = purse(bench, Limits(chunk=20))

    for _ in range(21):
        one.take(1, lane="read")
    for _ in range(3):
        one.take(1, lane="write")

    assert bench.budget.taken == {"read": 40, "write": 3}


def test_a_call_dearer_than_a_chunk_is_paid_whole(bench: Bench) -> None:
    one = purse(bench, Limits(chunk=20))

    one.take(50, lane="read")

    assert bench.budget.taken == {"read": 50}


def test_what_the_store_cannot_give_is_not_spent(bench: Bench) -> None:
    bench.budget = MemoryBudget(allowance=7)
    one = purse(bench)

    one.take(5, lane="write")
    with pytest.raises(LaterError) as caught:
        one.take(5, lane="write")
    one.take(2, lane="write")

    assert caught.value.code == "CW303"
    assert bench.budget.left == 0


def test_lanes_do_not_spend_each_others(bench: Bench) -> None:
    bench.budget = MemoryBudget(allowance=20)
    one = purse(bench, Limits(chunk=20))
    one.take(1, lane="read")

    with pytest.raises(LaterError):
        one.take(1, lane="write")


@pytest.mark.parametrize("count", [1, 3, 10, 31])
def test_no_window_ever_holds_more_than_the_burst(bench: Bench, count: int) -> None:
    bursts = (Burst(3, 2.0), Burst(10, 10.0))
    one = purse(bench, Limits(bursts=bursts))
    calls: list[datetime] = []

    for _ in range(count):
        one.take(1, lane="read")
        calls.append(bench.clock.now)

    for burst in bursts:
        for start in calls:
            within = [call for call in calls if start <= call < start + timedelta(seconds=burst.seconds)]
            assert len(within) <= burst.calls


def test_calls_of_many_threads_share_the_burst() -> None:
    """Nobody sleeps really: what is asked of `sleep` tells when each call would go out."""
    bench = Bench()
    pauses: list[float] = []
    tools = bench.tools()
    tools = type(tools)(
        connection=tools.connection, clock=tools.clock, sleep=pauses.append, tokens=tools.tokens, budget=tools.budget
    )
    one = Purse("acme", Limits(bursts=(Burst(5, 1.0),)), tools, vendor="Acme")
    threads = [threading.Thread(target=one.take, args=(1,), kwargs={"lane": "read"}) for _ in range(20)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(pauses) == [1.0] * 5 + [2.0] * 5 + [3.0] * 5


def test_a_burst_window_that_the_vendor_calls_closed_is_waited_for(bench: Bench) -> None:
    one = purse(bench, Limits(burst_remaining="X-Left", burst_resets="X-Resets"))

    one.hear({"X-Left": "0", "X-Resets": "4"})
    one.take(1, lane="read")
    one.take(1, lane="read")

    assert bench.clock.slept == [4.0]


def test_a_closed_window_without_an_end_is_a_second(bench: Bench) -> None:
    one = purse(bench, Limits(burst_remaining="X-Left"))

    one.hear({"X-Left": "0"})
    one.take(1, lane="read")

    assert bench.clock.slept == [1.0]


@pytest.mark.parametrize(
    ("resets_in", "said"), [("seconds", "3600"), ("epoch", str(int((START + timedelta(hours=1)).timestamp())))]
)
def test_the_vendors_figures_go_to_the_store(bench: Bench, resets_in: str, said: str) -> None:
    limits = Limits(remaining="X-Left", resets="X-Resets", resets_in=resets_in)  # type: ignore[arg-type]  # a case

    purse(bench, limits).hear({"X-Left": "39000", "X-Resets": said})

    assert bench.budget.reports == [(39000, START + timedelta(hours=1))]


def test_only_figures_that_tell_something_go_to_the_store(bench: Bench) -> None:
    one = purse(bench, Limits(remaining="X-Left", chunk=10))

    for left in ("100", "99", "95", "90", "89", "200", "x", "0"):
        one.hear({"X-Left": left})
    one.hear({})

    assert [left for left, _ in bench.budget.reports] == [100, 90, 200, 0]


def test_a_vendor_that_says_the_day_is_over_is_believed(bench: Bench) -> None:
    one = purse(bench, Limits(chunk=20))
    one.take(1, lane="read")  # 19 are in the purse

    error = one.exhausted(timedelta(hours=2))

    assert (error.code, error.earliest) == ("CW303", START + timedelta(hours=2))
    assert "10:00 UTC" in error.text
    assert bench.budget.reports == [(0, START + timedelta(hours=2))]
    bench.budget.left = 0
    with pytest.raises(LaterError):
        one.take(1, lane="read")


def test_what_is_left_may_stand_in_a_header_of_the_vendors_own_form(bench: Bench) -> None:
    one = purse(bench, Limits(left=lambda headers: 5000 - int(headers["X-Used"]) if "X-Used" in headers else None))

    one.hear({"X-Used": "18"})
    one.hear({})

    assert bench.budget.reports == [(4982, None)]


@pytest.mark.parametrize("said", ["", "soon", "-1", "1e20", "nan", "inf"])
def test_a_reset_that_makes_no_sense_is_none(bench: Bench, said: str) -> None:
    purse(bench, Limits(remaining="X-Left", resets="X-Resets", resets_in="epoch")).hear(
        {"X-Left": "5", "X-Resets": said}
    )

    assert bench.budget.reports == [(5, None)]


@pytest.mark.parametrize("said", ["nan", "inf", "-inf"])
def test_a_figure_that_is_no_number_is_none(bench: Bench, said: str) -> None:
    one = purse(bench, Limits(remaining="X-Left", burst_remaining="X-Burst"))

    one.hear({"X-Left": said, "X-Burst": said})

    assert bench.budget.reports == []


def test_moments_are_aware(bench: Bench) -> None:
    assert START.tzinfo is UTC
