"""Hypothesis chooses what people, vendors and faults do; and finds a planted defect that way too.

MACHINE=500 in the environment plays as many examples, new ones each time.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.defects import writes_over_edits
from tests.chaos.invariants import BrokenError
from tests.chaos.machine import machine_in
from tests.chaos.stage import Stage

ASKED = os.environ.get("MACHINE")
AS_ALWAYS = settings(
    max_examples=int(ASKED or 20), stateful_step_count=25, derandomize=ASKED is None, database=None, deadline=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path).lit() as stage:
        yield stage


def test_nothing_is_lost_doubled_or_left_whatever_is_chosen(stage: Stage) -> None:
    run_state_machine_as_test(machine_in(stage.world), settings=AS_ALWAYS)


def test_a_planted_defect_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    writes_over_edits(monkeypatch)

    with pytest.raises(BrokenError):
        run_state_machine_as_test(
            machine_in(stage.world), settings=settings(AS_ALWAYS, max_examples=200, phases=[Phase.generate])
        )
