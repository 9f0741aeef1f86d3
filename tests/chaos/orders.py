"""The same records in several orders of arrival come to the same entities under the same ids (I10)."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import permutations
from random import Random
from typing import Any, Final, NamedTuple

from tests.chaos.invariants import BrokenError
from tests.hub import World

TEXT: Final = """
connections:
{connections}
match:
  person:
    rules: [{{same: [emails]}}, {{same: [phones, name.family]}}]
    limits: {{emails: 2, phones: 2}}
"""
LINE: Final = "  {name}: {{connector: memory, account: {account}, streams: {{people: }}}}\n"
SYSTEMS: Final = ("alpha", "beta", "gamma")


class Known(NamedTuple):
    """A record of somebody."""

    system: str
    key: str
    values: dict[str, Any]


def people(seed: int) -> list[Known]:
    """Records that share addresses and numbers, some of them with more than the limits let pass."""
    random = Random(seed)
    found = []
    for n in range(random.randrange(6, 12)):
        values: dict[str, Any] = {"name": f"Ann {random.choice(('Lind', 'Berg'))}"}
        if random.random() < 0.8:
            values["email"] = f"p{random.randrange(4)}@a.test"
        if random.random() < 0.6:
            values["phone"] = f"+4989555{1000 + random.randrange(3)}"
        found.append(Known(random.choice(SYSTEMS), f"k{n}", values))
    return found


def partition(world: World, waves: Sequence[Sequence[Known]]) -> set[tuple[str, tuple[str, ...]]]:
    """Public id and records of each entity, after these records have come in this order, a run after each wave."""
    for wave in waves:
        for name, key, values in wave:
            world.remote(name).put("people", key, **values)
        world.sync()
    with world.store() as database, database.read() as connection:
        rows = database.run(
            connection,
            "SELECT e.public, s.connection, r.rkey FROM entity e JOIN member m ON m.entity = e.id "
            "JOIN record r ON r.id = m.record JOIN stream s ON s.id = r.stream ORDER BY s.connection, r.rkey",
        ).fetchall()
    found: dict[str, list[str]] = {}
    for public, system, key in rows:
        found.setdefault(public, []).append(f"{system}/{key}")
    return {(public, tuple(keys)) for public, keys in found.items()}


def hold_in_any_order(make: Callable[[], World], seed: int) -> Counter[str]:
    """Raises BrokenError where an order of systems and records, or a way to cut it into runs, makes a difference."""
    everybody = people(seed)
    random = Random(seed)
    first: set[tuple[str, tuple[str, ...]]] | None = None
    held: Counter[str] = Counter()
    for names in list(permutations(SYSTEMS))[:3]:
        for cuts in ((0,), (0, 3, 4)):
            world = make()
            world.key = str(seed)
            lines = "".join(LINE.format(name=name, account=world.account(name)) for name in names)
            world.write(TEXT.format(connections=lines))
            shuffled = random.sample(everybody, len(everybody))
            ends = (*cuts[1:], len(shuffled))
            found = partition(world, [shuffled[start:end] for start, end in zip(cuts, ends, strict=True)])
            held["I10"] += 1
            if first is not None and found != first:
                raise BrokenError("I10", f"{sorted(first)} became {sorted(found)} in another order")
            first = found
    return held
