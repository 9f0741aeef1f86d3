"""A small fixed share of what `make kills` does; and that its judgement bites."""

from pathlib import Path

import pytest

from tests.kills import rounds
from tests.kills.house import House
from tests.kills.steps import STEPS


def test_a_daemon_that_is_killed_leaves_what_one_leaves_that_is_not(tmp_path: Path) -> None:
    came = rounds.play(tmp_path, kills=5, seed=3)

    assert came.faults == []
    assert sum(came.kills.values()) == 5


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_two_daemons_of_which_one_is_killed_and_one_stands_still_leave_the_same(
    tmp_path: Path, database_url: str
) -> None:
    came = rounds.play(tmp_path, kills=4, seed=8, store=database_url)

    assert came.faults == []
    assert sum(came.kills.values()) == 4
    assert came.still > 0


def test_the_steps_are_there() -> None:
    for call in STEPS.values():
        owner, name = call.owner()
        assert callable(getattr(owner, name))


def test_a_record_that_is_there_twice_is_told() -> None:
    once, twice = [("a@kills.test", "Ada", "Buyer")], [("a@kills.test", "Ada", "Buyer")] * 2

    assert rounds._differences("zoho", twice, once) == [
        "zoho: ('a@kills.test', 'Ada', 'Buyer') is there 1 times too often"
    ]


def test_a_log_that_names_a_customer_is_told(tmp_path: Path) -> None:
    house = House.__new__(House)
    house.folder, house.members, house.secrets = tmp_path, {"m1": ("Ada Lind", "Buyer")}, {"TOKEN": "s3cret"}
    house.log.write_text("run.done\nAda Lind was written\nwith s3cret\n")

    assert house.leaks() == ["Ada Lind was written", "with s3cret"]
