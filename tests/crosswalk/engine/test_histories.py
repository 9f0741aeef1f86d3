"""Random histories hold the invariants. A broken one is told by its seed and by the shortest part that still breaks.

A fixed share runs with the suite; HISTORIES=300 in the environment plays as many more, HISTORIES_FROM=5000 others.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count, permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crosswalk.store import meta
from crosswalk.store.dialect import Database
from tests.crosswalk.engine.histories import BrokenError, history, play, shrink
from tests.databases import Makers
from tests.hub import World
from tests.memory.connector import REMOTES

FIRST = int(os.environ.get("HISTORIES_FROM", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("HISTORIES", "24")))

Make = Callable[[], World]


@pytest.fixture
def make(tmp_path: Path, databases: Makers) -> Iterator[Make]:
    """Worlds on SQLite, one after the other."""
    numbers = count()
    with ExitStack() as stack:

        def made() -> World:
            folder = tmp_path / f"{tmp_path.name}-{next(numbers)}"
            folder.mkdir()
            return World(folder, stack.enter_context(databases.url("sqlite")), "")

        yield made
        for account in [name for name in REMOTES if name.startswith(tmp_path.name)]:
            del REMOTES[account]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_or_left_whatever_happens(seed: int, make: Make) -> None:
    steps = history(seed)
    try:
        play(make(), steps)
    except BrokenError as broken:
        shortest = shrink(make, steps)
        lines = "\n".join(f"    {step}," for step in shortest)
        pytest.fail(f"seed {seed}: {broken}\nstill broken by\n{lines}")


@pytest.mark.parametrize("seed", [100_003, 100_019])
def test_nothing_is_lost_doubled_or_left_on_either_database(seed: int, tmp_path: Path, database_url: str) -> None:
    play(World(tmp_path, database_url, ""), history(seed))


ORDERS = """
connections:
{connections}
match:
  person:
    rules: [{{same: [emails]}}, {{same: [phones, name.family]}}]
    limits: {{emails: 2, phones: 2}}
"""


LINE = "  {name}: {{connector: memory, account: {account}, streams: {{people: }}}}\n"


def _people(seed: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Records that share addresses and numbers, some of them with more than the limits let pass."""
    random = Random(seed)
    found = []
    for n in range(random.randrange(6, 12)):
        values: dict[str, Any] = {"name": f"Ann {random.choice(('Lind', 'Berg'))}"}
        if random.random() < 0.8:
            values["email"] = f"p{random.randrange(4)}@a.test"
        if random.random() < 0.6:
            values["phone"] = f"+4989555{1000 + random.randrange(3)}"
        found.append((random.choice(("alpha", "beta", "gamma")), f"k{n}", values))
    return found


def _partition(world: World, waves: list[list[tuple[str, str, dict[str, Any]]]]) -> set[tuple[str, tuple[str, ...]]]:
    """Public id and records of each entity, after these records have come in this order, a run after each wave."""
    database = Database(world.url)
    with database.write() as connection:  # ids are hashes that this is the key of
        meta.put(database, connection, "secret", b"the same for all of them, 32 byte")
    database.close()
    for wave in waves:
        for name, key, values in wave:
            world.remote(name).put("people", key, **values)
        world.sync()
    with world.open() as hub:
        database = hub.house.database
        with database.read() as connection:
            rows = database.run(
                connection,
                "SELECT e.public, s.connection, r.rkey FROM entity e JOIN member m ON m.entity = e.id "
                "JOIN record r ON r.id = m.record JOIN stream s ON s.id = r.stream ORDER BY s.connection, r.rkey",
            ).fetchall()
    found: dict[str, list[str]] = {}
    for public, system, key in rows:
        found.setdefault(public, []).append(f"{system}/{key}")
    return {(public, tuple(keys)) for public, keys in found.items()}


@pytest.mark.parametrize("seed", range(4))
def test_entities_and_their_ids_do_not_depend_on_the_order_of_arrival(seed: int, make: Make) -> None:
    people = _people(seed)
    random = Random(seed)
    found = []
    for names in list(permutations(("alpha", "beta", "gamma")))[:3]:
        world = make()
        world.write(ORDERS.format(connections="".join(LINE.format(name=n, account=world.account(n)) for n in names)))
        shuffled = random.sample(people, len(people))
        found.append(_partition(world, [shuffled]))
        shuffled = random.sample(people, len(people))
        world = make()
        world.write(ORDERS.format(connections="".join(LINE.format(name=n, account=world.account(n)) for n in names)))
        found.append(_partition(world, [shuffled[:3], shuffled[3:4], shuffled[4:]]))

    assert found[1:] == found[:-1]
