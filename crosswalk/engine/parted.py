"""References to what was parted: to which of its parts each of them goes on.

A company's records may be parted: one was deleted and is unlinked, an edit or a person tells them apart. Golden records
of people go on naming whichever part has kept the id, and what their records name may be another part by now, though
nobody has edited a thing. So a reference goes on to a part that lives, of several to the one that is named where golden
has it from; and whoever shows another part, or waited for one that will not come, is to be shown golden anew.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from crosswalk.engine.derive import follow
from crosswalk.engine.model import House
from crosswalk.engine.reach import put_up
from crosswalk.engine.references import elements_of, public_of
from crosswalk.engine.settle import Group, Member, load_groups
from crosswalk.store.codec import mark, unmark
from crosswalk.store.goldens import Golden, GoldenWrites, load_goldens
from crosswalk.store.leases import fence
from crosswalk.store.records import ARCHIVED, PARTED, done_work, save_bases, take_work
from mapping.merge.sets import as_set, keyed
from mapping.values import Value
from scheduler.leases import Lease

_AT_ONCE: Final = 5000
_BATCH: Final = 500
_NAMED: Final = re.compile(rb'"entity":"[a-z_]+/([^"]+)"')


class Parts(NamedTuple):
    """Entities that came of parting others."""

    ids: Mapping[str, int]  # by public id, former ones too
    names: Mapping[int, str]  # kind and public id, as a reference has it
    alive: set[int]  # that have a record which is still there


def follow_parted(house: House, lease: Lease, *, run: int) -> None:
    """Lead on all references to what was parted since this was asked last."""
    database = house.database
    with database.read() as connection:
        numbers = take_work(database, connection, PARTED, _AT_ONCE)
        parts = _parts(house, connection, numbers) if numbers else None
    if parts is None:
        return
    for kind in sorted({stream.kind for stream in house.streams.values() if stream.refs}):
        for entities in _referring(house, kind, parts.ids.keys()):
            with database.write() as connection:
                fence(database, connection, lease)
                _lead_on(house, connection, kind, entities, parts, run=run)
    with database.write() as connection:
        fence(database, connection, lease)
        done_work(database, connection, PARTED, numbers)


def _parts(house: House, connection: Any, numbers: Sequence[int]) -> Parts:
    database = house.database
    rows = list(database.select(connection, "SELECT id, kind, public FROM entity WHERE", "id", numbers))
    former = database.select(connection, "SELECT public, entity FROM alias WHERE", "entity", numbers)
    alive = database.select(
        connection,
        "SELECT m.entity FROM member m JOIN record r ON r.id = m.record WHERE r.state <= ? AND",
        "m.entity",
        numbers,
        first=(ARCHIVED,),
    )
    return Parts(
        {row[0]: row[1] for row in former} | {public: number for number, _, public in rows},
        {number: f"{kind}/{public}" for number, kind, public in rows},
        {row[0] for row in alive},
    )


def _referring(house: House, kind: str, publics: Iterable[str]) -> Iterator[list[int]]:
    """Entities of a kind whose golden record names one of these. Nothing tells who names whom, so all are looked at."""
    wanted = {public.encode() for public in publics}
    after, found = 0, []
    while True:
        with house.database.read() as connection:
            rows = house.database.run(
                connection,
                "SELECT g.entity, g.vals FROM golden g JOIN entity e ON e.id = g.entity "
                "WHERE e.kind = ? AND g.entity > ? ORDER BY g.entity LIMIT ?",
                (kind, after, _AT_ONCE),
            ).fetchall()
        if not rows:
            break
        after = rows[-1][0]
        found += [entity for entity, vals in rows if not wanted.isdisjoint(_NAMED.findall(bytes(vals)))]
        while len(found) >= _BATCH:
            yield found[:_BATCH]
            del found[:_BATCH]
    if found:
        yield found


def _lead_on(house: House, connection: Any, kind: str, entities: Sequence[int], parts: Parts, *, run: int) -> None:
    database, layout = house.database, house.layouts[kind]
    names = {stream.mapping.fields[at] for stream in house.of_kind(kind) for at in stream.refs}
    goldens = load_goldens(database, connection, entities, len(layout.fields))
    groups = [group for group in load_groups(house, connection, entities, reading=True) if group.entity in goldens]
    records = [member.id for group in groups for member in group.members]
    database.hold(connection, "record", records)
    waiting = _waiting(house, connection, records, parts)
    writes = GoldenWrites(run=run, at=house.now())
    moved: dict[int, list[int]] = {}
    afters: dict[int, Sequence[Value]] = {}
    bases = {}
    for group in groups:
        before = goldens[group.entity]
        after = Golden(list(before.values), list(before.winners), list(before.rules))
        for name in names:
            place = layout.position[name]
            became = _became(group, before, name, place, parts)
            if not became:
                continue
            key = house.policies.policy(kind, name).key
            after.values[place] = _renamed(before.values[place], became, key)
            for member in group.members:
                shows = member.row[place]
                stands_for_another = shows != after.values[place] and bool(member.id in waiting or _among(shows, parts))
                if _renames_base(member, name, became, key) or (stands_for_another and _is_to_be_shown(member, name)):
                    bases[member.id] = member.base
        moved[group.entity] = writes.add(group.entity, before, after, layout.fields)
        afters[group.entity] = after.values
    writes.save(database, connection)
    save_bases(database, connection, bases)
    follow(house, connection, layout, afters, moved, first=False)
    put_up(house, connection, kind, {entity: [layout.fields[at] for at in some] for entity, some in moved.items()})


def _waiting(house: House, connection: Any, records: Sequence[int], parts: Parts) -> set[int]:
    """Those of these records that are to be shown one of the parts once their system has it."""
    rows = house.database.select(
        connection, "SELECT record, rkey FROM waiting WHERE stream < 0 AND", "record", list(records)
    )
    return {record for record, public in rows if public in parts.ids}


def _became(group: Group, golden: Golden, name: str, place: int, parts: Parts) -> dict[str, str]:
    """What golden names of the parts, and which of them that is to be."""
    named: dict[int, set[int]] = {}  # by record
    for member in group.members:
        if member.state <= ARCHIVED and name in member.stream.at:
            named[member.id] = _among(member.row[place], parts)
    by_anybody = {one for some in named.values() for one in some}
    by_winner = named.get(golden.winners[place] or 0, set())
    became = {}
    for element in elements_of(golden.values[place]):
        held = parts.ids.get(public_of(element))
        if held is not None:
            became[str(element["entity"])] = parts.names[min(
                by_anybody | {held},
                key=lambda one: (one not in parts.alive, one not in by_winner, one not in by_anybody, one != held, one),
            )]  # fmt: skip
    return became


def _among(value: Value, parts: Parts) -> set[int]:
    """The parts that a value names."""
    found = {parts.ids.get(public_of(element)) for element in elements_of(value)}
    return {one for one in found if one is not None}


def _renamed(value: Value, became: Mapping[str, str], key: tuple[str, ...]) -> Value:
    elements = [
        {**element, "entity": became.get(str(element["entity"]), element["entity"])} for element in elements_of(value)
    ]
    return as_set(keyed(elements, key)) if isinstance(value, list) else elements[0]


def _renames_base(member: Member, name: str, became: Mapping[str, str], key: tuple[str, ...]) -> bool:
    """What was agreed with a record goes by the new names; whether there was any of them."""
    entry = member.base.hub.get(name)
    held = unmark(entry[0]) if entry else None
    if not any(str(element["entity"]) in became for element in elements_of(held)):
        return False
    member.base.hub[name] = [mark(_renamed(held, became, key))]
    return True


def _is_to_be_shown(member: Member, name: str) -> bool:
    """Golden is due where nothing else of it was noted; whether it is new there."""
    if name not in member.stream.at or name in member.base.hub:
        return False
    member.base.hub[name] = []
    return True
