"""Reach: what golden shows of the owner or the company that it refers to, as `owner.name`, `company.segment`.

Such a field is the hub's own: it goes one step over a reference of golden to a field of the other golden record, and
is only ever written. It follows both: who is referred to, and what is said of them. Who refers to whom stands in
`association`, so that an owner's new name finds the people that are theirs.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from crosswalk.engine.model import House
from crosswalk.engine.moves import note_moves
from crosswalk.store import meta
from crosswalk.store.codec import dump, load
from crosswalk.store.goldens import Golden, GoldenWrites, Layout, load_goldens
from crosswalk.store.leases import fence
from crosswalk.store.records import REACH, add_work, work_off
from mapping.schema import target
from mapping.values import ABSENT, Value
from scheduler.leases import Lease

_BATCH: Final = 500
_DONE: Final = "reached"  # the fields that have been looked up for everybody


class Reached(NamedTuple):
    """A field of a kind that is one of another kind, which `reference` leads to."""

    name: str
    reference: str
    field: str


def reached(house: House) -> dict[str, list[Reached]]:
    """By kind, what the mappings of today ask for."""
    found: dict[str, list[Reached]] = {}
    for stream in house.streams.values():
        for name in stream.mapping.fields:
            if (one := _reached(stream.kind, name)) is not None and one not in found.setdefault(stream.kind, []):
                found[stream.kind].append(one)
    return {kind: some for kind, some in found.items() if some}


def _reached(kind: str, name: str) -> Reached | None:
    if "." not in name:
        return None
    told = target(kind, name)
    if told.through is None or told.field.merge != "derived":
        return None
    return Reached(name, told.through, name.partition(".")[2])


def is_reached(kind: str, name: str) -> bool:
    """Is this field of the kind one of another kind, one step away?"""
    return _reached(kind, name) is not None


def put_up(house: House, connection: Any, kind: str, moved: Mapping[int, Sequence[str] | None]) -> None:
    """These golden records were made anew; by entity, the fields that moved (None: all of them).

    They are looked up again, and where something moved that others show, so are the others.
    """
    asked = reached(house)
    if not asked:
        return
    database = house.database
    if kind in asked:
        add_work(database, connection, REACH, moved)
    shown = {one.field for fields in asked.values() for one in fields}
    told = [entity for entity, names in moved.items() if names is None or not shown.isdisjoint(names)]
    rows = database.select(connection, "SELECT entity, field FROM association WHERE", "target", told)
    references = {one.reference for fields in asked.values() for one in fields}
    add_work(database, connection, REACH, {row[0] for row in rows if row[1] in references})


def reach_entities(house: House, lease: Lease, *, run: int) -> None:
    """Look up what is up; where a mapping asks for something new, of everybody."""
    asked = reached(house)
    if not asked:
        return
    known = meta.get(house.database, _DONE)
    before = [] if known is None else load(known)
    names = sorted(f"{kind}.{one.name}" for kind, fields in asked.items() for one in fields)
    if not set(names) <= set(before):
        for kind in asked:
            _reach_all(house, lease, kind, asked[kind], run=run)
        with house.database.write() as connection:
            fence(house.database, connection, lease)
            meta.put(house.database, connection, _DONE, dump(names))

    def work(connection: Any, some: list[int]) -> None:
        kinds = dict(house.database.select(connection, "SELECT id, kind FROM entity WHERE", "id", some))
        for kind, fields in asked.items():
            _reach(house, connection, kind, fields, [one for one in some if kinds.get(one) == kind], run=run)

    work_off(house.database, lease, REACH, work, at_once=_BATCH)


def _reach_all(house: House, lease: Lease, kind: str, fields: Sequence[Reached], *, run: int) -> None:
    database = house.database
    after = 0
    while True:
        with database.read() as connection:
            rows = database.run(
                connection, "SELECT id FROM entity WHERE kind = ? AND id > ? ORDER BY id LIMIT ?", (kind, after, _BATCH)
            ).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        with database.write() as connection:
            fence(database, connection, lease)
            _reach(house, connection, kind, fields, [row[0] for row in rows], run=run)


def _reach(
    house: House, connection: Any, kind: str, fields: Sequence[Reached], entities: Sequence[int], *, run: int
) -> None:
    """Look these up: note whom they refer to, and write what is said there into their golden records."""
    database = house.database
    layout = house.layouts.get(kind)
    if layout is None or not entities:
        return
    goldens = load_goldens(database, connection, entities, len(layout.fields))
    referred = _referred(house, connection, layout, {one.reference for one in fields}, goldens)
    _associate(house, connection, list(goldens), referred)
    others = _others(house, connection, {ids[0] for by in referred.values() for ids in by.values() if ids})
    writes = GoldenWrites(run=run, at=house.now())
    moves: dict[int, list[tuple[str, Value]]] = {}
    for entity, before in goldens.items():
        after = Golden(list(before.values), list(before.winners), list(before.rules))
        for one in fields:
            at = layout.position[one.name]
            ids = referred[one.reference].get(entity)
            value, winner = _said(others.get(ids[0]) if ids else None, one.field)
            if value == before.values[at] or (value is None and before.values[at] is ABSENT):
                continue
            after.values[at], after.winners[at] = value, winner
            after.rules[at] = f"of its {one.name.partition('.')[0]}"
            moves.setdefault(entity, []).append((one.name, before.values[at]))
        if entity in moves:
            writes.add(entity, before, after, layout.fields)
    writes.save(database, connection)
    note_moves(house, connection, moves)


def _said(other: tuple[Layout, Golden] | None, field: str) -> tuple[Value, int | None]:
    """What the other golden record says, and the record that it has it from."""
    if other is None or field not in other[0].position:
        return None, None
    at = other[0].position[field]
    value = other[1].values[at]
    return (None, None) if value is ABSENT else (value, other[1].winners[at])


def _referred(
    house: House, connection: Any, layout: Layout, references: Iterable[str], goldens: Mapping[int, Golden]
) -> dict[str, dict[int, list[int]]]:
    """By reference and entity whom golden refers to, the primary one first."""
    named: dict[str, dict[int, list[str]]] = {}
    for reference in references:
        at = layout.position.get(reference)
        named[reference] = {
            entity: [str(element["entity"]).partition("/")[2] for element in _ranked(golden.values[at])]
            for entity, golden in goldens.items()
            if at is not None
        }
    ids = _ids(house, connection, {public for by in named.values() for some in by.values() for public in some})
    return {
        reference: {entity: [ids[public] for public in some if public in ids] for entity, some in by.items()}
        for reference, by in named.items()
    }


def _ranked(value: Value) -> list[dict[str, Any]]:
    elements = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    return sorted(elements, key=lambda one: not (one.get("primary") or one.get("role") == "primary"))


def _ids(house: House, connection: Any, publics: Iterable[str]) -> dict[str, int]:
    """Entities by their public id, also by one that they had before they were joined."""
    wanted = sorted(publics)
    former = house.database.select(connection, "SELECT public, entity FROM alias WHERE", "public", wanted)
    found: dict[str, int] = {row[0]: row[1] for row in former}
    found.update(dict(house.database.select(connection, "SELECT public, id FROM entity WHERE", "public", wanted)))
    return found


def _associate(
    house: House, connection: Any, entities: Sequence[int], referred: Mapping[str, Mapping[int, Sequence[int]]]
) -> None:
    database = house.database
    for reference, by in referred.items():
        database.run_many(
            connection, "DELETE FROM association WHERE entity = ? AND field = ?", [(one, reference) for one in entities]
        )
        rows = [(entity, reference, other) for entity, ids in by.items() for other in dict.fromkeys(ids)]
        columns = ("entity", "field", "target")
        database.upsert(connection, "association", columns, columns, rows)


def _others(house: House, connection: Any, entities: Iterable[int]) -> dict[int, tuple[Layout, Golden]]:
    """The golden records of these, each with its layout."""
    by_kind: dict[str, list[int]] = {}
    for entity, kind in house.database.select(connection, "SELECT id, kind FROM entity WHERE", "id", sorted(entities)):
        by_kind.setdefault(kind, []).append(entity)
    found: dict[int, tuple[Layout, Golden]] = {}
    for kind, some in by_kind.items():
        layout = house.layouts.get(kind)
        if layout is not None:
            for entity, golden in load_goldens(house.database, connection, some, len(layout.fields)).items():
                found[entity] = (layout, golden)
    return found
