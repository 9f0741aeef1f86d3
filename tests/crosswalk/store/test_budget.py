"""Budgets on both databases: never more than the day's share, the reserve for opt-outs alone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crosswalk.store.budget import HEADROOM, Budgets
from crosswalk.store.dialect import Database
from tests.clocks import SetClock

START = datetime(2026, 11, 24, 8, tzinfo=UTC)
LANES = tuple(HEADROOM)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(START)


@pytest.fixture
def budgets(database: Database, clock: SetClock) -> Budgets:
    budgets = Budgets(database, clock)
    budgets.declare("acme", allowance=1000, reserve=200)
    return budgets


def remaining(budgets: Budgets) -> int:
    balance = budgets.balance("acme")
    assert balance is not None
    return balance.remaining


def test_what_is_there_is_granted(budgets: Budgets) -> None:
    assert budgets.take("acme", lane="read", calls=20) == 20
    assert remaining(budgets) == 980


@pytest.mark.parametrize(
    ("lane", "most"),
    [("read", 700), ("write", 780), ("alert", 800), ("optout", 1000)],
)
def test_each_lane_leaves_something_to_the_more_urgent(budgets: Budgets, lane: str, most: int) -> None:
    assert budgets.take("acme", lane=lane, calls=5000) == most
    assert budgets.take("acme", lane=lane, calls=1) == 0


def test_only_opt_outs_spend_the_reserve(budgets: Budgets) -> None:
    budgets.take("acme", lane="alert", calls=800)

    assert [budgets.take("acme", lane=lane, calls=1) for lane in ("alert", "write", "read")] == [0, 0, 0]
    assert budgets.take("acme", lane="optout", calls=1) == 1


def test_a_lane_nobody_knows_is_a_fault(budgets: Budgets) -> None:
    with pytest.raises(KeyError):
        budgets.take("acme", lane="reed", calls=1)


def test_an_undeclared_account_is_not_limited(budgets: Budgets) -> None:
    assert budgets.take("other", lane="read", calls=7) == 7
    assert budgets.balance("other") is None


def test_the_day_turns(budgets: Budgets, clock: SetClock) -> None:
    budgets.take("acme", lane="optout", calls=1000)
    clock.now = datetime(2026, 11, 25, tzinfo=UTC)

    assert remaining(budgets) == 1000
    assert budgets.take("acme", lane="read", calls=50) == 50
    assert budgets.take("acme", lane="read", calls=50) == 50
    assert remaining(budgets) == 900


def test_the_vendors_word_lowers_what_is_left(budgets: Budgets) -> None:
    budgets.report("acme", remaining=250, resets=None)

    assert budgets.take("acme", lane="alert", calls=100) == 50


def test_the_vendors_word_does_not_give_back_what_was_granted(budgets: Budgets) -> None:
    """A chunk was taken and only part of it called when the vendor counted."""
    budgets.take("acme", lane="write", calls=100)

    budgets.report("acme", remaining=990, resets=None)

    assert remaining(budgets) == 900


def test_a_new_day_at_the_vendor_counts(budgets: Budgets, clock: SetClock) -> None:
    resets = START + timedelta(minutes=10)
    budgets.report("acme", remaining=30, resets=resets)
    clock.forward(seconds=300)

    budgets.report("acme", remaining=995, resets=resets + timedelta(days=1))

    assert remaining(budgets) == 995


def test_the_vendors_reset_is_when_the_day_turns(budgets: Budgets, clock: SetClock) -> None:
    budgets.report("acme", remaining=0, resets=START + timedelta(minutes=10))
    assert budgets.take("acme", lane="optout", calls=1) == 0

    clock.forward(seconds=600)

    assert budgets.take("acme", lane="optout", calls=1) == 1


def test_a_reset_in_the_past_does_not_refill_for_ever(budgets: Budgets) -> None:
    budgets.report("acme", remaining=5, resets=START - timedelta(seconds=1))

    assert budgets.take("acme", lane="optout", calls=10) == 5
    assert budgets.take("acme", lane="optout", calls=10) == 0


def test_declaring_again_keeps_what_was_spent(budgets: Budgets) -> None:
    budgets.take("acme", lane="read", calls=100)

    budgets.declare("acme", allowance=1000, reserve=200)
    assert remaining(budgets) == 900
    budgets.declare("acme", allowance=1500, reserve=200)
    assert remaining(budgets) == 1400
    budgets.declare("acme", allowance=50, reserve=0)
    assert remaining(budgets) == 0


def test_declaring_hears_the_vendor(budgets: Budgets) -> None:
    budgets.declare("acme", allowance=1000, reserve=200, remaining=300)

    assert remaining(budgets) == 300


def test_declaring_on_the_next_day_starts_it(budgets: Budgets, clock: SetClock) -> None:
    budgets.take("acme", lane="optout", calls=1000)
    clock.now = datetime(2026, 11, 25, 8, tzinfo=UTC)

    budgets.declare("acme", allowance=1000, reserve=200, remaining=940)

    assert remaining(budgets) == 940
    assert budgets.take("acme", lane="optout", calls=1000) == 940


def test_two_never_take_the_same_unit(database: Database, clock: SetClock) -> None:
    Budgets(database, clock).declare("acme", allowance=100, reserve=0)

    def spend(_worker: int) -> int:
        own = Budgets(database, clock)
        return sum(own.take("acme", lane="optout", calls=7) for _ in range(10))

    with ThreadPoolExecutor(4) as pool:
        granted = sum(pool.map(spend, range(4)))

    assert granted == 100


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    allowance=st.integers(0, 300),
    reserve=st.integers(0, 100),
    takes=st.lists(st.tuples(st.sampled_from(LANES), st.integers(1, 60)), max_size=12),
)
def test_the_share_is_kept_whatever_is_asked(
    database: Database, allowance: int, reserve: int, takes: list[tuple[str, int]]
) -> None:
    with database.write() as connection:
        database.run(connection, "DELETE FROM budget")
    budgets = Budgets(database, lambda: START)
    budgets.declare("acme", allowance=allowance, reserve=reserve)

    granted = [(lane, calls, budgets.take("acme", lane=lane, calls=calls)) for lane, calls in takes]

    assert all(0 <= got <= calls for _, calls, got in granted)
    assert sum(got for *_, got in granted) + remaining(budgets) == allowance
    assert sum(got for lane, _, got in granted if lane != "optout") <= max(0, allowance - reserve)
