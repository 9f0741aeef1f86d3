"""I11: a fixed share of the undone histories that `make chaos` plays.

HISTORIES=300 in the environment plays as many, HISTORIES_FROM=5000 others.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crosswalk.engine.undo import _Undoer
from tests.chaos.defects import takes_back_all_but_one_field
from tests.chaos.histories import Play
from tests.chaos.invariants import BrokenError
from tests.chaos.stage import Stage
from tests.chaos.undoing import undo_and_look

FIRST = int(os.environ.get("HISTORIES_FROM", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("HISTORIES", "60")))
SHARES = [range(SEEDS.start + n, SEEDS.stop, 6) for n in range(6)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path).lit() as stage:
        yield stage


@pytest.mark.parametrize("seeds", SHARES, ids=lambda seeds: f"every-sixth-from-{seeds.start}")
def test_an_undo_restores_every_untouched_field(seeds: range, stage: Stage) -> None:
    taken_back = 0
    for seed in seeds:
        try:
            taken_back += undo_and_look(Play(stage.world()), Random(seed))
        except BrokenError as broken:
            pytest.fail(f"history {seed}: {broken}")
    assert taken_back > len(seeds) // 4, "there is too little to take back for this to hold anything"


def forget_that_it_is_agreed(patch: pytest.MonkeyPatch) -> None:
    """The difference is no agreement: the mapping writes it again."""
    field = _Undoer._field

    def without(*args: Any) -> dict[str, Any] | None:
        found = field(*args)
        return found and {name: value for name, value in found.items() if name not in ("held", "golden")}

    patch.setattr("crosswalk.engine.undo._Undoer._field", without)


def look_at_all(stage: Stage, seeds: range) -> None:
    for seed in seeds:
        undo_and_look(Play(stage.world()), Random(seed))


@pytest.mark.parametrize("broken", [forget_that_it_is_agreed, takes_back_all_but_one_field])
def test_it_bites(broken: Callable[[pytest.MonkeyPatch], None], stage: Stage) -> None:
    with pytest.MonkeyPatch.context() as patch:
        broken(patch)
        with pytest.raises(BrokenError, match="I11:"):
            look_at_all(stage, range(100))
