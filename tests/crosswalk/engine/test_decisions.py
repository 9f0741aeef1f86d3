"""What people have decided, and what happens to it when the world goes on: it holds for what it was about."""

from pathlib import Path

import pytest

from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    """One person whom both systems know."""
    made = two(tmp_path, database_url)
    for name in ("alpha", "beta"):
        made.remote(name).put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer", phone="+49895550177")
    settle_down(made)
    return made


def titles(world: World) -> tuple[str, str]:
    alpha, beta = (world.remote(name).of("people", "1")["title"] for name in ("alpha", "beta"))
    return alpha, beta


def test_who_was_split_is_not_written_what_a_plan_before_that_had_of_the_other(world: World) -> None:
    world.remote("alpha").put("people", "1", title="COO")
    with world.open() as hub:
        plan = hub.plan(force=True)["plan"]["id"]
        hub.part(["beta/people/1"])

    with world.open() as hub:
        done = hub.apply(plan)

    assert done["totals"]["written"] == 0
    settle_down(world)
    assert titles(world) == ("COO", "Buyer")
