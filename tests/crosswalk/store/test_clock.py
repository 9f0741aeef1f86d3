"""Machines whose clocks differ, and one store."""

from datetime import UTC, datetime, timedelta

import pytest

from crosswalk import clock as real_clock
from crosswalk.store.clock import in_step
from crosswalk.store.dialect import Database
from crosswalk.store.leases import Leases

FAR: list[timedelta] = [timedelta(minutes=5), timedelta(minutes=-5)]


@pytest.fixture(params=FAR, ids=["ahead", "behind"])
def off(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> timedelta:
    """How far the clock of this machine is off."""
    by: timedelta = request.param
    monkeypatch.setattr(real_clock, "now", lambda: datetime.now(UTC) + by)
    return by


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_clock_goes_with_that_of_the_server(database: Database, off: timedelta) -> None:
    clock = in_step(database, real_clock.now)

    for _ in range(2):
        assert abs(clock() - datetime.now(UTC)) < timedelta(seconds=30)
    assert abs(real_clock.now() - datetime.now(UTC)) > timedelta(minutes=4)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_who_is_ahead_takes_no_lease_that_has_not_run_out(database: Database, off: timedelta) -> None:
    here = Leases(database, in_step(database, real_clock.now))
    there = Leases(database, lambda: datetime.now(UTC))  # a machine whose clock is right

    mine = here.acquire("pipedrive/persons", holder="here", seconds=60)
    theirs = there.acquire("typeform/responses", holder="there", seconds=60)

    assert mine is not None
    assert theirs is not None
    assert there.acquire("pipedrive/persons", holder="there", seconds=60) is None
    assert here.acquire("typeform/responses", holder="here", seconds=60) is None
    assert (there.holder("pipedrive/persons"), here.holder("typeform/responses")) == ("here", "there")


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_what_differs_by_less_than_asking_takes_is_left_as_it_is(database: Database) -> None:
    stands_still = datetime(2026, 11, 24, 8, tzinfo=UTC)

    assert in_step(database, lambda: stands_still)() == stands_still


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_file_is_one_machines_own(database: Database) -> None:
    assert in_step(database, real_clock.now) is real_clock.now
