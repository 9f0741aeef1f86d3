"""What has happened is forgotten after a while, except for what still decides something."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crosswalk.store import retention
from crosswalk.store.records import DELETED
from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World

YEAR = timedelta(days=400)


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    """Ada was made in alpha, and her title was changed there twice, a day apart."""
    world = two(tmp_path, database_url)
    world.remote("beta").put("people", "1", name="Ada Byron", email="ada@a.test", title="Countess")
    settle_down(world)
    for title in ("Analyst", "Programmer"):
        world.clock.forward(seconds=24 * 3600)
        world.remote("beta").put("people", "1", title=title)
        world.sync()
    return world


def count(world: World, table: str, clause: str = "1 = 1") -> int:
    return int(asked(world, f"SELECT count(*) FROM {table} WHERE {clause}")[0][0])


def asked(world: World, statement: str) -> list[Any]:
    with world.open() as hub:
        database = hub.offline.database
        with database.read() as connection:
            return list(database.run(connection, statement).fetchall())


def test_what_is_young_stays(world: World) -> None:
    rows = count(world, "journal"), count(world, "golden_history")

    world.clock.forward(seconds=24 * 3600)
    world.sync()

    assert rows == (count(world, "journal"), count(world, "golden_history")) == (3, 2)


def test_what_is_old_goes_but_for_creates_and_the_last_write_of_a_field(world: World) -> None:
    world.clock.forward(seconds=YEAR.total_seconds() + 24 * 3600)
    world.sync()

    assert count(world, "golden_history") == 0
    assert count(world, "journal", "op = 'create'") == 1
    assert count(world, "journal", "op = 'update'") == 1
    assert count(world, "action") == 0
    settle_down(world)
    assert world.remote("alpha").rows["people"]


def test_the_file_says_for_how_long(world: World) -> None:
    file = world.folder / "crosswalk.yaml"
    url = file.read_text().splitlines()[1]
    file.write_text(file.read_text().replace(url, url.replace("}", ", keep_history: 2d, keep_journal: 3000d}")))

    world.clock.forward(seconds=3 * 24 * 3600)
    world.sync()

    assert (count(world, "golden_history"), count(world, "journal")) == (0, 3)


def test_what_a_removed_record_showed_goes_and_that_it_was_there_stays(world: World) -> None:
    alpha = world.remote("alpha")
    (key,) = alpha.rows["people"]
    alpha.drop("people", key)
    for days in (2, 399):
        world.clock.forward(seconds=days * 24 * 3600)
        world.sync()
    assert "Byron" in bodies(world)[key]

    world.clock.forward(seconds=2 * 24 * 3600)
    world.sync()

    shown = bodies(world)
    assert ("Byron" in shown[key], "Byron" in shown["1"]) == (False, True)
    settle_down(world)
    assert alpha.rows["people"] == {}  # it is not made again


def test_a_record_that_comes_back_after_all_is_met_for_the_first_time(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    (key,) = alpha.rows["people"]
    alpha.drop("people", key)
    for days in (2, 401):
        world.clock.forward(seconds=days * 24 * 3600)
        world.sync()
    beta.put("people", "1", title="Engineer")
    world.sync()

    alpha.now = beta.now = world.clock()
    alpha.put("people", key, name="Ada Byron", email="ada@a.test", title="Countess", phone="+49895550177")
    world.clock.forward(seconds=2 * 24 * 3600)
    world.sync()

    # As at any first contact the higher master's word stands where both have one.
    assert (beta.of("people", "1")["title"], beta.of("people", "1")["phone"]) == ("Countess", "+49895550177")
    settle_down(world)


def bodies(world: World) -> dict[str, str]:
    found = asked(world, "SELECT r.rkey, b.raw, b.observed FROM record r JOIN body b ON b.record = r.id")
    return {key: f"{bytes(raw)!r} {bytes(observed)!r}" for key, raw, observed in found}


def test_a_changed_mapping_leaves_what_was_forgotten_forgotten(world: World) -> None:
    alpha = world.remote("alpha")
    (key,) = alpha.rows["people"]
    alpha.drop("people", key)
    for days in (2, 401):
        world.clock.forward(seconds=days * 24 * 3600)
        world.sync()
    file = world.folder / "crosswalk.yaml"
    file.write_text(
        file.read_text().replace("people: {write: [create", "people: {mapping: {tags: null}, write: [create")
    )

    settle_down(world)

    assert asked(world, f"SELECT state FROM record WHERE rkey = '{key}'")[0][0] == DELETED
    assert alpha.rows["people"] == {}


def test_it_is_looked_at_once_a_day(world: World) -> None:
    with world.open() as hub:
        database, now = hub.offline.database, hub.offline.now()
    lengths = {"history": timedelta(seconds=1), "journal": timedelta(seconds=1), "removed": YEAR}
    with world.open() as hub:
        database = hub.offline.database
        day = 24 * 3600 * 1000
        first = retention.forget(database, now=now + day, **lengths)
        again = retention.forget(database, now=now + day + 1000, **lengths)

    assert first > 0
    assert again == 0
