"""What is paused is neither read nor written, says so, survives everything, and catches up afterwards."""

from pathlib import Path

import pytest

from crosswalk.engine.words import AskError
from tests.crosswalk.engine.test_rounds import two
from tests.hub import World


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    made = two(tmp_path, database_url)
    for name in ("alpha", "beta"):
        made.remote(name).put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    made.sync()
    made.sync()
    return made


def pause(world: World, address: str) -> None:
    with world.open() as hub:
        hub.pause(address)


def resume(world: World, address: str) -> None:
    with world.open() as hub:
        hub.resume(address)


@pytest.mark.parametrize("address", ["beta", "beta/people"])
def test_what_is_paused_is_not_written_and_catches_up(world: World, address: str) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    pause(world, address)
    asked = [call for call in beta.calls if "people" in call]
    alpha.put("people", "1", title="COO")

    first, second = world.sync(), world.sync()

    assert beta.of("people", "1")["title"] == "Buyer"
    assert [call for call in beta.calls if "people" in call] == asked
    assert (first["totals"]["written"], second["totals"]["waiting"]) == (0, 0)
    assert [one["address"] for one in first["paused"]] == [address]
    assert (first["paused"][0]["who"], first["exit_code"]) == ("tester", 0)

    resume(world, address)
    world.sync()
    assert beta.of("people", "1")["title"] == "COO"


def test_what_is_paused_is_not_read_and_catches_up(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    pause(world, "beta")
    beta.put("people", "1", phone="+49895550177")
    world.sync()
    assert "phone" not in alpha.of("people", "1")

    resume(world, "beta")
    world.sync()

    assert alpha.of("people", "1")["phone"] == "+49895550177"


def test_a_create_that_a_pause_held_up_is_made_afterwards_and_once(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    pause(world, "alpha/people")
    beta.put("people", "9", name="Rahim Uddin", email="rahim@b.test")
    world.sync()
    world.sync()
    assert alpha.writes("create") == []

    resume(world, "alpha/people")
    world.sync()
    world.sync()

    assert [one[:2] for one in alpha.writes("create")] == [("create", "people")]


def test_a_plan_leaves_out_what_is_paused_and_says_so(world: World) -> None:
    world.remote("alpha").put("people", "1", title="COO")
    with world.open() as hub:
        before = hub.plan()
        hub.pause("beta")

    with world.open() as hub:
        after = hub.plan()

    assert (before["total"], after["total"]) == (1, 0)
    assert (before["paused"], [one["address"] for one in after["paused"]]) == ([], ["beta"])


def test_a_plan_made_before_the_pause_is_not_sent_during_it(world: World) -> None:
    world.remote("alpha").put("people", "1", title="COO")
    with world.open() as hub:
        plan = hub.plan()["plan"]["id"]
    pause(world, "beta")

    with world.open() as hub:
        done = hub.apply(plan)

    assert done["totals"]["written"] == 0
    assert world.remote("beta").of("people", "1")["title"] == "Buyer"


def test_a_single_record_of_what_is_paused_is_not_read_either(world: World) -> None:
    pause(world, "beta")

    with world.open() as hub, pytest.raises(AskError, match="beta is paused") as refused:
        hub.resync("beta/people/1")

    assert refused.value.hint == "crosswalk resume beta"


def test_resuming_a_connection_names_the_stream_that_stays_paused(world: World) -> None:
    pause(world, "beta/people")
    pause(world, "beta")

    with world.open() as hub:
        told = hub.resume("beta")
        again = hub.resume("beta")

    assert (told["changed"], [one["address"] for one in told["paused"]]) == (True, ["beta/people"])
    assert again["changed"] is False


def test_who_paused_it_first_stays_named(world: World) -> None:
    pause(world, "beta")

    with world.open() as hub:
        again = hub.pause("beta")

    assert (again["changed"], again["paused"][0]["who"]) == (False, "tester")


def test_what_is_not_there_cannot_be_paused(world: World) -> None:
    with world.open() as hub, pytest.raises(AskError, match="no connection or stream 'gamma'"):
        hub.pause("gamma")
