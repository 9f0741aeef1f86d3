"""What a person says of who is who outside of the questions of review: two are one (`unite`), or one is two (`part`).

Parting gives back: what the hub wrote to a record because of one that it is parted from is taken back where it still
stands, by the plan that follows and under its guards, as any other write.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final, NamedTuple

from msgspec import Struct, field

from crosswalk.engine.entities import Entities, Matched
from crosswalk.engine.identify import Matcher
from crosswalk.engine.lookup import Found, find
from crosswalk.engine.matching import JOINS
from crosswalk.engine.model import House
from crosswalk.engine.said import say
from crosswalk.engine.settle import Settled, merge_entities
from crosswalk.engine.spoken import number_of
from crosswalk.engine.words import AskError, entity_names, record_addresses, shown
from crosswalk.store.codec import digest, dump, load, load_row, mark, unmark
from crosswalk.store.leases import fence
from crosswalk.store.records import ARCHIVED, CREATE, add_work
from mapping.values import ABSENT, Value
from scheduler.leases import Lease

_UNREAD: Final = ""  # what stood there was never read
Connection = Any


# -- two are one ---------------------------------------------------------------------------------------------


def unite(house: House, one: str, other: str, *, who: str, why: str) -> dict[str, Any]:
    """Two that were named (records, or entities by one of their records) are the same; the next run joins them.

    Raises AskError where one of them is nobody or several, or both are one already, or of different kinds.
    """
    with house.database.write(durable=True) as connection:
        ends = [meant(house, connection, what) for what in (one, other)]
        if ends[0].entity == ends[1].entity:
            raise AskError(f"{one} and {other} are one already", hint=f"crosswalk explain {one}")
        if ends[0].kind != ends[1].kind:
            raise AskError(
                f"{one} is a {ends[0].kind}, {other} a {ends[1].kind}", hint="only two of one kind can be one"
            )
        say(house, connection, [(ends[0].records[0], ends[1].records[0])], "same", who=who, why=why)
        names = entity_names(house, connection, [end.entity for end in ends])
        addresses = record_addresses(house, connection, [end.records[0] for end in ends])
    return {
        "decided": 1,
        "same": True,
        "entities": [names[end.entity] for end in ends],
        "records": [addresses[end.records[0]] for end in ends],
    }


class End(NamedTuple):
    """An entity that was named. `records`: the one by which it was, or all of its own."""

    entity: int
    records: list[int]
    kind: str


def meant(house: House, connection: Connection, what: str) -> End:
    """Raises AskError where nobody, or several, were named."""
    found = find(house, connection, what)
    entity = _entity(house, connection, what, found)
    kind = house.database.run(connection, "SELECT kind FROM entity WHERE id = ?", (entity,)).scalar()
    records = [found.asked] if found.asked is not None else _own(house, connection, entity)
    return End(entity, records, str(kind))


def _entity(house: House, connection: Connection, what: str, found: Found) -> int:
    if len(found.entities) == 1:
        return found.entities[0]
    if not found.entities:
        raise AskError(f"'{what}' belongs to nobody yet", hint="the next run matches it")
    names = sorted(entity_names(house, connection, found.entities).values())
    raise AskError(f"'{what}' is carried by {len(names)}: {', '.join(names[:8])}", hint="name one of their records")


def _own(house: House, connection: Connection, entity: int) -> list[int]:
    """The records of an entity, answers left out."""
    members = Entities(house, run=0).members(connection, entity)
    answers = [stream.id for stream in house.streams.values() if stream.kind in JOINS]
    streams = dict(house.database.select(connection, "SELECT id, stream FROM record WHERE", "id", members))
    return [number for number in members if streams[number] not in answers]


# -- one is two ----------------------------------------------------------------------------------------------


class Parting(NamedTuple):
    """An entity, the records that leave it together, and those that stay."""

    entity: int
    leaving: tuple[int, ...]
    staying: tuple[int, ...]


def to_part(house: House, records: Sequence[str]) -> Parting:
    """What is meant by splitting these records from whatever they are one with. Raises AskError."""
    with house.database.read() as connection:
        found = [find(house, connection, what) for what in records]
        homes = {_entity(house, connection, what, one) for what, one in zip(records, found, strict=True)}
        if len(homes) > 1:
            names = sorted(entity_names(house, connection, sorted(homes)).values())
            raise AskError(f"they are not one: {', '.join(names)}", hint="name records of one entity")
        (entity,) = homes
        own = _own(house, connection, entity)
        if any(one.asked is None for one in found):
            if len(own) != 2 or len(found) > 1:
                addresses = record_addresses(house, connection, own)
                raise AskError(
                    f"{records[0]} has {len(own)} records: which of them is somebody else?",
                    hint=f"crosswalk match split {addresses[own[-1]]}",
                )
            leaving: tuple[int, ...] = (own[-1],)
        else:
            leaving = tuple(sorted({one.asked for one in found if one.asked is not None}))
        staying = tuple(number for number in own if number not in leaving)
        if not staying:
            raise AskError("nothing would be left of it", hint="name only the records that are somebody else")
    return Parting(entity, leaving, staying)


def to_part_pair(house: House, pair: str) -> Parting | None:
    """What is meant by `never` of two that somebody called the same, and that are one by now; None: they are not one.

    Raises AskError where others are one with them: who of those goes with whom, only a person knows.
    """
    with house.database.read() as connection:
        row = house.database.run(
            connection, 'SELECT "left", "right" FROM pair WHERE id = ?', (number_of("pair", pair),)
        ).fetchone()
        if row is None:
            return None
        left, right = row
        homes = Entities(house, run=0).homes(connection, [left, right])
        if len(homes) < 2 or homes[left] != homes[right]:
            return None
        own = _own(house, connection, homes[left])
        if len(own) > 2:
            addresses = record_addresses(house, connection, own)
            raise AskError(
                f"{addresses[left]} and {addresses[right]} are one by now, with {len(own) - 2} more: which of them is "
                "somebody else?",
                hint=f"crosswalk match split {addresses[right]}, with all that go with it",
            )
    return Parting(homes[left], (right,), (left,))


def part(house: House, lease: Lease, parting: Parting, *, run: int, who: str, why: str) -> dict[str, Any]:
    """Part an entity, under the lease of settling: both are merged afresh, each without what came of the other."""
    database, matcher, matched = house.database, Matcher(house, run=run), Matched()
    with database.write(durable=True) as connection:
        fence(database, connection, lease)
        if not set(parting.leaving + parting.staying) <= set(matcher.entities.members(connection, parting.entity)):
            raise AskError("its records are not those of a moment ago", hint="look again: crosswalk explain")
        given_back = _given_back(house, connection, parting)
        groups = _with_answers(house, connection, matcher, parting)
        say(house, connection, product(parting.leaving, parting.staying), "never", who=who, why=why)
        database.hold(connection, "entity", [parting.entity])
        matcher.entities.part(connection, parting.entity, groups, matched)
        homes = matcher.entities.homes(connection, [*parting.leaving, *parting.staying])
        _take(house, connection, homes, given_back, who=who)
        merge_entities(house, connection, matched, Settled(), run=run)
        add_work(database, connection, CREATE, sorted(set(homes.values())))
        names = entity_names(house, connection, sorted(set(homes.values())))
        addresses = record_addresses(house, connection, list(homes))
    return {
        "decided": len(parting.leaving) * len(parting.staying),
        "entities": [
            {
                "entity": names[home],
                "records": sorted(addresses[number] for number in numbers if homes[number] == home),
            }
            for numbers in (parting.staying, parting.leaving)
            for home in [homes[numbers[0]]]
        ],
        "given_back": [
            {"record": addresses[one.record], "field": one.field, "value": shown(one.value), "held": shown(one.held)}
            for one in sorted(given_back, key=lambda one: (addresses[one.record], one.field))
        ],
    }


def _with_answers(house: House, connection: Connection, matcher: Matcher, parting: Parting) -> list[list[int]]:
    """Answers go with the record that they came to."""
    leaving, staying = list(parting.leaving), list(parting.staying)
    others = [
        number for number in matcher.entities.members(connection, parting.entity) if number not in {*leaving, *staying}
    ]
    came_to = matcher.entities.came_to(connection, others)
    for number in others:
        (leaving if came_to.get(number) in parting.leaving else staying).append(number)
    return [staying, leaving]


class _Back(NamedTuple):
    """A field of a record to which the hub wrote what came of one that it is parted from. `value`: without that."""

    record: int
    field: str
    held: Value
    value: Value


class _Written(Struct):
    """What the hub made of one field of one record since both were one."""

    before: Any
    after: Any = None
    strange: bool = False  # the last write came of the other part
    added: list[Any] = field(default_factory=list)  # to a list


def _given_back(house: House, connection: Connection, parting: Parting) -> list[_Back]:
    """Fields that still show what the hub wrote there because of the other part, with what they are to show.

    Of a list only what was added goes, and only what none of its own side shows by itself.
    """
    side = dict.fromkeys(parting.staying, 0) | dict.fromkeys(parting.leaving, 1)
    written = _written_since(house, connection, side, since=_joined_at(house, connection, parting))
    shows = _shows(house, connection, list(side))
    found = []
    for (record, name), one in written.items():
        held = shows.get((record, name), ABSENT)
        if held is ABSENT:
            continue
        if isinstance(held, list):
            own = [
                element
                for other, told in ((other, shows.get((other, name))) for other in side if other != record)
                if side[other] == side[record] and isinstance(told, list)
                for element in told
                if element not in written.get((other, name), _Written(None)).added
            ]
            kept = [element for element in held if element not in one.added or element in own]
            if kept != held:
                found.append(_Back(record, name, held, kept or None))
        elif one.strange and one.before != _UNREAD and mark(held) == one.after:
            found.append(_Back(record, name, held, unmark(one.before)))
    return found


def _joined_at(house: House, connection: Connection, parting: Parting) -> int:
    """When the two became one, in milliseconds; 0 where nothing says so any more."""
    rows = house.database.select(
        connection, "SELECT \"left\", \"right\", at FROM edge WHERE verdict = 'same' AND", '"left"',
        [*parting.leaving, *parting.staying],
    )  # fmt: skip
    across = [at for left, right, at in rows if (left in parting.leaving) != (right in parting.leaving)]
    return min(across, default=0)


def _written_since(
    house: House, connection: Connection, side: Mapping[int, int], *, since: int
) -> dict[tuple[int, str], _Written]:
    found: dict[tuple[int, str], _Written] = {}
    rows = house.database.select(
        connection,
        "SELECT j.record, coalesce(a.op, j.op), j.at, j.fields "
        "FROM journal j LEFT JOIN action a ON a.id = j.action WHERE",
        "j.record",
        list(side),
        "ORDER BY j.id",
    )
    for record, op, at, fields in rows:
        if at < since or op == "create":
            continue
        for told in load(bytes(fields)):
            one = found.setdefault((record, str(told["field"])), _Written(told["before"]))
            one.after = told.get("shows", told["after"])
            one.strange = side.get(told.get("origin")) == 1 - side[record]
            before, after = unmark(told["before"]), unmark(one.after)
            if isinstance(after, list):
                stood = before if isinstance(before, list) else []
                one.added += [element for element in after if element not in stood]
    return found


def _shows(house: House, connection: Connection, records: Sequence[int]) -> dict[tuple[int, str], Value]:
    """What live records show now, by field; references as they stand there."""
    select = house.database.select
    streams = {
        number: house.by_id(stream)
        for number, stream, state in select(connection, "SELECT id, stream, state FROM record WHERE", "id", records)
        if state <= ARCHIVED
    }
    found: dict[tuple[int, str], Value] = {}
    for number, observed in select(connection, "SELECT record, observed FROM body WHERE", "record", records):
        stream = streams.get(number)
        if stream is None:
            continue
        for at, value in enumerate(load_row(bytes(observed))):
            if at not in stream.refs and at < len(stream.mapping.fields):
                found[number, stream.mapping.fields[at]] = value
    return found


def _take(house: House, connection: Connection, homes: Mapping[int, int], back: Sequence[_Back], *, who: str) -> None:
    """What each part is to hold: what its own records say, else what stood there before."""
    database, now = house.database, house.now()
    shows = _shows(house, connection, list(homes))
    given = {(one.record, one.field) for one in back}
    wanted: dict[tuple[int, str], list[Value]] = defaultdict(list)
    for one in back:
        wanted[homes[one.record], one.field].append(one.value)
    for (entity, name), values in wanted.items():
        own = [
            shows[number, name]
            for number, home in homes.items()
            if home == entity and (number, name) in shows and (number, name) not in given
        ]
        told = [one for one in [*own, *values] if one is not None and one is not ABSENT]
        value = told[0] if told else None
        if isinstance(value, list):
            value = []
            for element in (element for one in told for element in one):
                if element not in value:
                    value.append(element)
        decision = {"take": "value", "value": mark(value), "record": None, "who": who}
        database.run(
            connection, "UPDATE conflict SET state = 'gone' WHERE entity = ? AND field = ? AND state = 'open'",
            (entity, name),
        )  # fmt: skip
        database.insert(
            connection, "conflict", ("entity", "field", "state", "inputs", "detail", "decision", "who", "at"),
            [(entity, name, "decided", digest(b""), dump({"why": "parted", "sides": []}), dump(decision), who, now)],
        )  # fmt: skip
