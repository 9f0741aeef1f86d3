"""A fixed share of the histories over the real connectors and the simulated vendors.

HISTORIES=300 in the environment plays as many, HISTORIES_FROM=5000 others.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.histories import Step
from tests.chaos.inside import answered_by
from tests.chaos.invariants import BrokenError
from tests.chaos.shares import MACHINES, shortest
from tests.chaos.stage import Stage
from tests.chaos.vendors import VendorPlay, VendorWorld, history, play

FIRST = int(os.environ.get("HISTORIES_FROM", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("HISTORIES", "12")))
SHARES = [range(SEEDS.start + n, SEEDS.stop, 4) for n in range(4)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path, kind=VendorWorld).lit() as stage:
        yield stage


@pytest.mark.parametrize("seeds", SHARES, ids=lambda seeds: f"every-fourth-from-{seeds.start}")
def test_nothing_is_lost_doubled_or_left_by_the_real_connectors(seeds: range, stage: Stage) -> None:
    for seed in seeds:
        try:
            play(stage.world(), history(seed))
        except BrokenError as broken:
            pytest.fail(f"history {seed}: {broken}\nstill broken by{shortest(stage, MACHINES['vendors'], seed)}")


def test_a_write_that_was_answered_and_shows_late_stands_in_the_journal(stage: Stage) -> None:
    """The shortest part of a history that broke I5: it was done, and taken for one that had not arrived."""
    made = VendorPlay(stage.world())
    made.vendors.fault("late_commit", vendor="salesforce", seconds=25, method="PATCH", path="composite", count=1)

    with answered_by(made.vendors.answer):
        made.do_sync(Step("sync", 0, 0, 0))
        made.finish()

    with made.world.store() as database, database.read() as connection:
        ops = [row[0] for row in database.run(connection, "SELECT op FROM journal").fetchall()]
    assert "unsure" in ops
