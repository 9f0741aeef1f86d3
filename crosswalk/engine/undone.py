"""What follows from a write that was taken back: golden goes back with it, and nobody is written to for that.

The write's own record agrees unequally from then on (what it shows, what the hub holds), and so do the others: whoever
still shows what is taken back keeps it, until it is edited there or the hub moves.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from crosswalk.engine.derive import follow
from crosswalk.engine.model import House
from crosswalk.engine.reach import put_up
from crosswalk.store.codec import Base, load, mark, unmark
from crosswalk.store.goldens import Golden, GoldenWrites, load_goldens
from crosswalk.store.records import MERGE, UNDO, add_work, load_bases, save_bases, work_off
from scheduler.leases import Lease

_BATCH: Final = 500


class Back(NamedTuple):
    """One field of golden: what it holds while it may still be taken back, and what stood there before."""

    held: Any
    stood: Sequence[Any]  # value, winner, rule


def take_back_goldens(house: House, lease: Lease, *, run: int) -> None:
    """Work off the writes that were taken back since; a golden field that has moved on stays where it is."""
    database = house.database

    def work(connection: Any, actions: list[int]) -> None:
        wanted = _wanted(house, connection, actions)
        kinds = dict(database.select(connection, "SELECT id, kind FROM entity WHERE", "id", list(wanted)))
        for kind in sorted(set(kinds.values())):
            some = {entity: fields for entity, fields in wanted.items() if kinds.get(entity) == kind}
            if kind in house.layouts:
                _take_back(house, connection, kind, some, run=run)

    work_off(database, lease, UNDO, work, at_once=_BATCH)


def _wanted(house: House, connection: Any, actions: Sequence[int]) -> dict[int, dict[str, Back]]:
    """By entity and field. The record may have come to another entity since its write was planned."""
    database = house.database
    rows = list(database.select(connection, "SELECT record, fields, entity FROM action WHERE", "id", actions))
    homes = dict(
        database.select(connection, "SELECT record, entity FROM member WHERE", "record", [row[0] for row in rows])
    )
    wanted: dict[int, dict[str, Back]] = {}
    for record, fields, entity in rows:
        for one in load(bytes(fields)):
            if one.get("golden") is not None:
                wanted.setdefault(homes.get(record, entity), {})[one["field"]] = Back(one["held"], one["golden"])
    return wanted


def _take_back(house: House, connection: Any, kind: str, wanted: Mapping[int, Mapping[str, Back]], *, run: int) -> None:
    database, layout = house.database, house.layouts[kind]
    members: dict[int, list[int]] = {}
    for record, entity in database.select(
        connection, "SELECT record, entity FROM member WHERE", "entity", list(wanted)
    ):
        members.setdefault(entity, []).append(record)
    database.hold(connection, "record", sorted(record for some in members.values() for record in some))
    goldens = load_goldens(database, connection, list(wanted), len(layout.fields))
    writes = GoldenWrites(run=run, at=house.now())
    gone: dict[int, dict[str, Back]] = {}
    afters, moved = {}, {}
    for entity, before in goldens.items():
        after = Golden(list(before.values), list(before.winners), list(before.rules))
        for name, back in wanted[entity].items():
            at = layout.position.get(name)
            if at is None or mark(before.values[at]) != back.held:
                continue
            after.values[at], after.winners[at] = unmark(back.stood[0]), back.stood[1]
            after.rules[at] = "taken back"
            gone.setdefault(entity, {})[name] = back
        moved[entity] = writes.add(entity, before, after, layout.fields)
        afters[entity] = after.values
    writes.save(database, connection)
    _rest(house, connection, {record: gone[entity] for entity in gone for record in members.get(entity, ())})
    follow(house, connection, layout, afters, moved, first=False)
    put_up(house, connection, kind, {entity: [layout.fields[at] for at in some] for entity, some in moved.items()})
    add_work(database, connection, MERGE, gone)


def _rest(house: House, connection: Any, gone: Mapping[int, Mapping[str, Back]]) -> None:
    """Who was at rest stays at rest with what golden holds now; who was not is still to be settled."""
    bases: dict[int, Base] = load_bases(house.database, connection, list(gone))
    for record, base in bases.items():
        for name, back in gone[record].items():
            if name in base.hub or name in base.side:
                base.hub_moved(name, unmark(back.held), unmark(back.stood[0]))
    save_bases(house.database, connection, bases)
