"""A whole store matched anew: what came bit by bit becomes what one load of all would say."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bench.worlds import people
from crosswalk.engine import anew, likeness
from crosswalk.engine.entities import Matched
from tests.crosswalk.engine.test_scored import Groups, groups, parts, three
from tests.hub import World

SYSTEMS = {"crm": "alpha", "survey": "beta", "shop": "gamma"}
Arrival = tuple[str, str, dict[str, Any]]


@pytest.fixture(autouse=True)
def one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are those of one store."""
    monkeypatch.setattr(secrets, "token_bytes", lambda size: b"\x07" * size)


def arrivals(count: int) -> list[Arrival]:
    return [
        (
            SYSTEMS[source],
            f"{number}",
            {
                "name": row.get("full_name") or " ".join(filter(None, map(row.get, ("given_name", "family_name")))),
                "email": row.get("email") or None,
                "phone": row.get("phone") or None,
            },
        )
        for number, (source, _, row) in enumerate(people(count, seed=5))
    ]


def bring(world: World, some: Sequence[Arrival]) -> None:
    for system, key, values in some:
        world.remote(system).put("people", key, **values)
    world.sync()


def loaded_at_once(folder: Path, some: Sequence[Arrival]) -> Groups:
    folder.mkdir()
    world = three(folder, f"sqlite:///{folder}/crosswalk.db")
    bring(world, some)
    return groups(world)


@pytest.fixture
def counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is looked up by blocks, and counted when the first records have come and never again."""
    monkeypatch.setattr(likeness, "SMALL", 50)
    monkeypatch.setattr(likeness, "GROWN", 100)


MANY = 400  # records of which those who came bit by bit are not grouped as those who came at once, before


def bit_by_bit(world: World, some: Sequence[Arrival]) -> None:
    for start, end in ((0, 90), (90, 180), (180, 270), (270, len(some))):
        bring(world, some[start:end])


@pytest.mark.usefixtures("counted_once")
def test_what_came_bit_by_bit_becomes_what_one_load_of_all_says(tmp_path: Path, database_url: str) -> None:
    everybody = shuffled(MANY)
    once = loaded_at_once(tmp_path / f"{tmp_path.name}-once", everybody)
    world = three(tmp_path, database_url)
    bit_by_bit(world, everybody)
    assert groups(world) != once  # names were rarer when the first of them came

    with world.open() as hub:
        (would,) = hub.would_match_anew("person")["kinds"]
        told = hub.match_anew("person")

    assert groups(world) == once
    assert (told["joined"], told["parted"], told["asked"]) == (would["join"], would["part"], would["ask"])
    with world.open() as hub:
        (again,) = hub.would_match_anew("person")["kinds"]
    assert (again["join"], again["part"], again["ask"]) == (0, 0, 0)


@pytest.mark.usefixtures("counted_once")
def test_what_is_asked_about_becomes_what_one_load_of_all_asks(tmp_path: Path, database_url: str) -> None:
    everybody = shuffled(300)
    once = three(tmp_path / f"{tmp_path.name}-once", f"sqlite:///{tmp_path}/once.db")
    bring(once, everybody)
    world = three(tmp_path, database_url)
    bit_by_bit(world, everybody)
    assert asked(world) != asked(once)

    with world.open() as hub:
        hub.match_anew()

    assert asked(world) == asked(once)


def test_a_store_that_is_small_is_as_it_should_be(tmp_path: Path, database_url: str) -> None:
    everybody = shuffled(120)
    world = three(tmp_path, database_url)
    bit_by_bit(world, everybody)

    with world.open() as hub:
        told = hub.match_anew("person")

    assert (told["joined"], told["parted"], told["asked"]) == (0, 0, 0)
    assert groups(world) == loaded_at_once(tmp_path / f"{tmp_path.name}-once", everybody)


@pytest.mark.usefixtures("counted_once")
def test_a_store_that_has_grown_is_matched_anew_by_itself(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = shuffled(300)
    world = three(tmp_path, database_url)
    bit_by_bit(world, everybody[:270])
    monkeypatch.setattr(likeness, "GROWN", 1.25)

    bring(world, everybody[270:])

    assert groups(world) == loaded_at_once(tmp_path / f"{tmp_path.name}-once", everybody)


@pytest.mark.usefixtures("counted_once")
def test_the_next_run_goes_on_with_what_was_interrupted(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = shuffled(MANY)
    world = three(tmp_path, database_url)
    bit_by_bit(world, everybody)
    monkeypatch.setattr(anew, "_AT_ONCE", 1)
    put, calls = anew._Making.put, []

    def interrupted(self: Any, *args: Any) -> Matched:
        calls.append(args)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return put(self, *args)

    monkeypatch.setattr(anew._Making, "put", interrupted)
    with world.open() as hub, pytest.raises(KeyboardInterrupt):
        hub.match_anew("person")
    once = loaded_at_once(tmp_path / f"{tmp_path.name}-once", everybody)
    assert groups(world) != once

    world.clock.forward(seconds=300)  # the lease of the dead process runs out
    world.sync()

    assert groups(world) == once
    assert len(calls) > 1


@pytest.mark.usefixtures("counted_once")
def test_what_people_said_outlives_it(tmp_path: Path, database_url: str) -> None:
    everybody = shuffled(300)
    world = three(tmp_path, database_url)
    bit_by_bit(world, everybody)
    (two, *_) = sorted((sorted(one) for one in parts(world) if len(one) == 2), key=str)
    alone = sorted(next(iter(one)) for one in parts(world) if len(one) == 1)[:2]
    with world.open() as hub:
        hub.part([address(two[0])], why="father and son")
        hub.unite(*map(address, alone), why="she married")
    world.sync()

    with world.open() as hub:
        hub.match_anew("person")

    assert all(not set(two) <= one for one in parts(world))
    assert any(set(alone) <= one for one in parts(world))


def shuffled(count: int) -> list[Arrival]:
    some = arrivals(count)
    Random(0).shuffle(some)
    return some


def asked(world: World) -> set[tuple[str, ...]]:
    with world.store() as store, store.read() as connection:
        rows = store.run(
            connection,
            'SELECT a.rkey, b.rkey, p.score FROM pair p JOIN record a ON a.id = p."left" '
            "JOIN record b ON b.id = p.\"right\" WHERE p.state = 'open'",
        ).fetchall()
    return {(*sorted((row[0], row[1])), row[2]) for row in rows}


def address(record: str) -> str:
    return record.replace("/", "/people/")
