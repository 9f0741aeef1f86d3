"""For every invariant a broken variant of the engine that the machine finds, and a sound engine it finds nothing in."""

from pathlib import Path

import pytest

from tests.chaos.defects import DEFECTS
from tests.chaos.invariants import INVARIANTS
from tests.chaos.stage import Stage


@pytest.mark.parametrize("name", DEFECTS)
def test_the_machine_finds_an_engine_that(name: str, tmp_path: Path) -> None:
    with Stage(tmp_path).lit() as stage:
        DEFECTS[name].found(stage.world)


def test_there_is_one_for_every_invariant() -> None:
    assert {defect.invariant for defect in DEFECTS.values()} == set(INVARIANTS)
