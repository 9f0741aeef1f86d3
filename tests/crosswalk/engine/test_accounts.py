"""A connection is one account, and one account is one connection."""

from pathlib import Path
from typing import Any

import pytest

from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World

HOUR = 3700


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    world = two(tmp_path, database_url)
    for name in ("alpha", "beta"):
        world.remote(name).put("people", "1", name="Ada Byron", email="ada@a.test", title="Countess")
    settle_down(world)
    world.clock.forward(seconds=HOUR)
    return world


def point(world: World, name: str, account: str) -> None:
    """The credentials of a connection lead to another account."""
    file = world.folder / "crosswalk.yaml"
    file.write_text(file.read_text().replace(f"account: {world.account(name)}\n", f"account: {account}\n"))


def states(world: World) -> dict[str, tuple[str, Any]]:
    with world.open() as hub:
        return {one["name"]: (one["state"], one["code"]) for one in hub.status()["connections"]}


def live(world: World) -> int:
    with world.open() as hub:
        house = hub.offline
        with house.database.read() as connection:
            return int(house.database.run(connection, "SELECT count(*) FROM record WHERE state = 0").scalar())


def test_another_account_is_told_at_once_however_lately_the_known_one_was_asked(world: World) -> None:
    settle_down(world)  # asks it
    point(world, "beta", f"{world.folder.name}-test-org")
    world.remote("test-org").put("people", "7", name="Test Test", email="test@t.test")

    answer = world.sync()

    assert [one["code"] for one in answer["problems"] if one["severity"] == "error"] == ["CW207"]
    assert live(world) == 2

    point_back = world.folder / "crosswalk.yaml"
    point_back.write_text(point_back.read_text().replace(f"{world.folder.name}-test-org", world.account("beta")))
    settle_down(world)
    assert states(world) == {"alpha": ("ok", None), "beta": ("ok", None)}


def test_another_account_under_a_known_name_is_not_read(world: World) -> None:
    point(world, "beta", f"{world.folder.name}-test-org")
    world.remote("test-org").put("people", "7", name="Test Test", email="test@t.test")
    world.remote("alpha").put("people", "2", name="Ito Sho", email="ito@a.test")

    answer = world.sync()

    assert answer["exit_code"] == 1
    assert [one["code"] for one in answer["problems"] if one["severity"] == "error"] == ["CW207"]
    assert states(world) == {"alpha": ("ok", None), "beta": ("paused", "CW207")}
    assert live(world) == 3  # two of Ada, and Ito, whom the other connection brought
    assert not world.remote("test-org").log

    point_back = world.account("beta")
    file = world.folder / "crosswalk.yaml"
    file.write_text(file.read_text().replace(f"{world.folder.name}-test-org", point_back))
    with world.open() as hub:
        assert not [one for one in hub.check(["beta"])["problems"] if one["severity"] == "error"]
    settle_down(world)


def test_check_does_not_take_another_account_for_good(world: World) -> None:
    point(world, "beta", f"{world.folder.name}-test-org")

    with world.open() as hub:
        told = hub.check(["beta"])
        again = hub.check(["beta"])

    for answer in (told, again):
        assert "CW207" in [one["code"] for one in answer["problems"]]
    assert states(world)["beta"] == ("paused", "CW207")


def test_of_one_account_under_two_names_neither_is_worked_with(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    point(world, "beta", world.account("alpha"))
    world.remote("alpha").put("people", "1", name="Ada Byron", email="ada@a.test")

    answer = world.sync()

    assert {one["code"] for one in answer["problems"] if one["severity"] == "error"} == {"CW104"}
    assert states(world) == {"alpha": ("paused", "CW104"), "beta": ("paused", "CW104")}
    assert not world.remote("alpha").log


def test_a_stream_that_may_not_be_read_stops_no_other_of_its_connection(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    world.remote("beta").forbidden = {"firms"}
    for name in ("alpha", "beta"):
        world.remote(name).put("people", "1", name="Ada Byron", email="ada@a.test")
    world.remote("alpha").put("people", "1", title="Countess")

    answer = world.sync()

    refused = [(one["code"], one["stream"]) for one in answer["problems"] if one["severity"] == "error"]
    assert (answer["exit_code"], refused) == (1, [("CW204", "beta/firms")])
    assert world.remote("beta").of("people", "1")["title"] == "Countess"

    world.remote("beta").forbidden.clear()
    settle_down(world)
