"""A fixed share of the histories of who is who that `make chaos` plays, and the shortest parts of those that broke.

HISTORIES=300 in the environment plays as many, HISTORIES_FROM=5000 others.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.histories import Step
from tests.chaos.identity import history, play
from tests.chaos.invariants import BrokenError
from tests.chaos.shares import MACHINES, shortest
from tests.chaos.stage import Stage

FIRST = int(os.environ.get("HISTORIES_FROM", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("HISTORIES", "60")))
SHARES = [range(SEEDS.start + n, SEEDS.stop, 4) for n in range(4)]

BROKE = {
    "a lead that became another is gone, and was alike to a third": (
        Step("world", 39, 45, 32), Step("new", 45, 77, 57), Step("new", 53, 77, 85), Step("new", 34, 37, 69),
        Step("sync", 92, 2, 25), Step("trash", 26, 63, 91), Step("convert", 89, 0, 7),
    ),
    "whom a person keeps apart is of a stream that is not listed, and one with whom they are alike": (
        Step("world", 13, 40, 1), Step("new", 46, 92, 44), Step("new", 56, 13, 12), Step("new", 90, 60, 42),
        Step("sync", 55, 38, 1), Step("part", 44, 24, 31), Step("sync", 65, 68, 64), Step("part", 24, 74, 49),
        Step("list", 60, 7, 76), Step("erase", 0, 22, 30),
    ),
    "who held two together is unlinked": (
        Step("world", 59, 47, 58), Step("new", 76, 80, 82), Step("new", 9, 56, 17), Step("new", 29, 57, 76),
        Step("sync", 22, 6, 97), Step("new", 56, 35, 24), Step("trash", 80, 11, 24), Step("convert", 89, 36, 55),
    ),
    "a rule is refused for the sake of somebody whom likeness parts from them in the same run": (
        Step("world", 18, 49, 85), Step("new", 71, 0, 48), Step("new", 9, 86, 91), Step("new", 18, 94, 28),
        Step("sync", 63, 56, 62), Step("new", 62, 89, 14), Step("new", 74, 25, 17), Step("sync", 97, 13, 32),
        Step("mail", 13, 58, 74), Step("part", 47, 29, 43),
    ),
    "two share an address with a third, who came first and is kept apart from both": (
        Step("new", 11, 91, 7), Step("new", 35, 49, 15), Step("new", 51, 93, 19), Step("sync", 40, 52, 26),
        Step("new", 22, 36, 35), Step("new", 76, 96, 62), Step("merge", 23, 21, 39), Step("new", 91, 17, 32),
        Step("new", 15, 30, 20), Step("sync", 18, 57, 80), Step("part", 77, 97, 89), Step("unite", 89, 32, 90),
    ),
    "who is alike to two is one with either of two of a stream that is not listed, whom a person keeps apart": (
        Step("world", 57, 46, 52), Step("new", 47, 74, 11), Step("new", 43, 93, 91), Step("new", 91, 26, 92),
        Step("sync", 69, 5, 44), Step("list", 25, 2, 22), Step("new", 26, 58, 69), Step("part", 54, 38, 24),
        Step("sync", 15, 88, 79),
    ),
}  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path).lit() as stage:
        yield stage


@pytest.mark.parametrize("seeds", SHARES, ids=lambda seeds: f"every-fourth-from-{seeds.start}")
def test_who_is_who_is_what_matching_anew_comes_to(seeds: range, stage: Stage) -> None:
    for seed in seeds:
        try:
            play(stage.world(), history(seed))
        except BrokenError as broken:
            pytest.fail(f"history {seed}: {broken}\nstill broken by{shortest(stage, MACHINES['identity'], seed)}")


@pytest.mark.parametrize("what", BROKE)
def test_the_shortest_parts_of_histories_that_broke_once(what: str, stage: Stage) -> None:
    play(stage.world(), BROKE[what])
