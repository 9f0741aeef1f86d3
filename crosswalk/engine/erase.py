"""Erase: a person of whom nothing is kept, and of whom nothing that is sent again is stored.

What goes: what their records, answers, activities and invitations showed, golden and its history, what was written and
what stood before, questions, dead letters and waiting writes. What stays: that there was somebody, when the hub wrote
to them, and hashes by which they are known (`store.erasures`). Their records count as removed, and nobody else's is
removed for that. At the vendors nothing is erased: whoever asks is told where they still stand.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from crosswalk.engine.model import ABOUT_PEOPLE, House
from crosswalk.engine.parting import meant
from crosswalk.engine.spoken import AskError, number_of, spoken
from crosswalk.engine.words import entity_names, title_of
from crosswalk.store import erasures, removals
from crosswalk.store.codec import dump, iso, load, load_row
from crosswalk.store.connections import DatabaseError
from crosswalk.store.erasures import Erasure
from crosswalk.store.goldens import load_goldens
from crosswalk.store.leases import fence
from crosswalk.store.records import (
    ARCHIVED,
    CREATE,
    DELETED,
    DERIVE,
    MERGE,
    PARTED,
    REACH,
    SETTLE,
    add_work,
    claiming,
    forget,
    left_with,
)
from mapping.normalise import email
from mapping.values import ABSENT
from scheduler.leases import Lease

# Identifiers that are one person's own: what a family or a company shares says nothing of who is sent again.
_OWN: Final = frozenset({"email", "linkedin", "tool_contact", "hub_id"})
_UNDER_WAY: Final = ("leased", "sent", "unknown")
_MAIL: Final = re.compile(r"[^\s@<>\"',;:()\[\]{}]+@[^\s@<>\"',;:()\[\]{}]+")
_PERSON: Final = re.compile(rb'"person/([0-9a-z]+)"')
_NOTHING: Final = dump([])
_NO_LINEAGE: Final = dump([[], [], [], []])

Connection = Any


class _Record(NamedTuple):
    number: int
    entity: int  # 0: nobody's
    stream: int
    connection: str
    name: str  # of its stream
    rkey: str
    state: int
    fields: int  # of its mapping

    @property
    def address(self) -> str:
        return f"{self.connection}/{self.name}/{self.rkey}"

    @property
    def emptied(self) -> str:
        """Its key afterwards."""
        return f"erased-{self.number}"


class Theirs(NamedTuple):
    """What there is of a person. `entities`: they themselves, then activities and invitations of nobody else.

    `values`: the hashes by which they are known, `mails` their e-mail addresses among these. `shared`: how many of
    their addresses others carry, too.
    """

    entities: tuple[int, ...]
    records: tuple[_Record, ...]
    values: frozenset[int]
    mails: frozenset[str]
    shared: int
    letters: tuple[int, ...]


# -- what there is -------------------------------------------------------------------------------------------


def foreseen(house: House, what: str) -> dict[str, Any]:
    """What erasing whoever is named would take. Raises AskError where nobody, several or no person was named."""
    with house.database.read() as connection:
        theirs = _theirs(house, connection, _person(house, connection, what))
        return _told(house, connection, theirs)


def _person(house: House, connection: Connection, what: str) -> int:
    end = meant(house, connection, what)
    if end.kind != "person":
        raise AskError(f"'{what}' is a {end.kind}", hint="people are erased; name one of their records or addresses")
    known = erasures.listed(house.database, connection, [end.entity])
    if known and known[0].lifted_at is None:
        raise AskError(f"'{what}' has been erased already ({spoken('erasure', known[0].id)})")
    return end.entity


def _theirs(house: House, connection: Connection, entity: int) -> Theirs:
    entities = (entity, *_about(house, connection, entity))
    members = list(
        house.database.select(
            connection, "SELECT record, entity FROM member WHERE", "entity", list(entities), "ORDER BY record"
        )
    )
    homes: dict[int, int] = {row[0]: row[1] for row in members}
    own = _identifiers(house, connection, list(homes))
    # Answers that are nobody's, since it was not clear whose.
    homes |= dict.fromkeys(claiming(house.database, connection, own), 0)
    records = _records(house, connection, homes)
    alone = {value for kind, value in own if _carriers(house, connection, kind, value) <= homes.keys()}
    hashed = house.ident_kinds.hashed
    addresses = {hashed(one.address) for one in records}
    called = house.database.select(connection, "SELECT record, rkey FROM known_as WHERE", "record", sorted(homes))
    keys = [(one.number, one.rkey) for one in records]
    of = {one.number: one.connection for one in records}
    referred = {hashed(f"{of[number]}/{key}") for number, key in (*keys, *called)}  # as answers name them
    known = frozenset(alone | addresses | referred)
    shared = len({value for _, value in own} - alone)
    mails = _mails(house, connection, sorted(homes), alone)
    return Theirs(entities, records, known, mails, shared, _letters(house, connection, records, known))


def _mails(house: House, connection: Connection, records: Sequence[int], alone: Collection[int]) -> frozenset[str]:
    """The e-mail addresses in these records that one of these hashes stands for, as they are kept and as they came."""
    found = set()
    for observed, raw in house.database.select(connection, "SELECT observed, raw FROM body WHERE", "record", records):
        text = (bytes(observed) + b" " + bytes(raw)).decode("utf-8", "replace")
        for told in _MAIL.findall(text):
            plain = _addresses_in(told)
            if any(house.ident_kinds.hashed(one) in alone for one in plain):
                found |= {told, *plain}
    return frozenset(found)


def _records(house: House, connection: Connection, homes: Mapping[int, int]) -> tuple[_Record, ...]:
    rows = house.database.select(
        connection,
        "SELECT r.id, r.stream, s.connection, s.name, r.rkey, r.state, g.fields FROM record r "
        "JOIN stream s ON s.id = r.stream JOIN mapping g ON g.id = r.mapping WHERE",
        "r.id",
        sorted(homes),
    )
    return tuple(
        _Record(row[0], homes[row[0]], row[1], row[2], row[3], row[4], row[5], len(load(bytes(row[6])))) for row in rows
    )


def _identifiers(house: House, connection: Connection, records: Sequence[int]) -> set[tuple[int, int]]:
    """What these records carry, or carried when they were last seen, that is one person's own."""
    own: set[tuple[int, int]] = set()
    for number, observed in house.database.select(
        connection,
        "SELECT r.stream, b.observed FROM body b JOIN record r ON r.id = b.record WHERE",
        "b.record",
        records,
    ):
        if (stream := house.by_id(number)) is None:
            continue
        row = load_row(bytes(observed))
        row += [ABSENT] * (len(stream.mapping.fields) - len(row))
        own |= {one for one in stream.identifiers(row) if house.ident_kinds.name(one[0]).partition("/")[2] in _OWN}
    return own


def _carriers(house: House, connection: Connection, kind: int, value: int) -> set[int]:
    rows = house.database.run(connection, "SELECT record FROM ident WHERE kind = ? AND value = ?", (kind, value))
    return {row[0] for row in rows.fetchall()}


def _about(house: House, connection: Connection, entity: int) -> list[int]:
    """Activities and invitations that name this person and no other one."""
    database = house.database
    publics = {
        str(row[0]).encode()
        for statement in ("SELECT public FROM entity WHERE id = ?", "SELECT public FROM alias WHERE entity = ?")
        for row in database.run(connection, statement, (entity,)).fetchall()
    }
    rows = database.stream(
        connection,
        "SELECT g.entity, g.vals FROM golden g JOIN entity e ON e.id = g.entity "
        f"WHERE e.kind IN ({', '.join('?' * len(ABOUT_PEOPLE))})",
        ABOUT_PEOPLE,
    )
    found = []
    for number, vals in rows:
        named = set(_PERSON.findall(bytes(vals)))
        if named and named <= publics:
            found.append(number)
    return found


def _letters(
    house: House, connection: Connection, records: Sequence[_Record], known: frozenset[int]
) -> tuple[int, ...]:
    """Dead letters about their records, and about rows that could not be read and hold one of their addresses."""
    mine = {(one.stream, one.rkey) for one in records}
    rows = house.database.run(connection, "SELECT id, stream, rkey, payload FROM dead_letter").fetchall()
    return tuple(
        number
        for number, stream, rkey, payload in rows
        if (stream, rkey) in mine or (payload is not None and names(house, known, bytes(payload)))
    )


def names(house: House, values: frozenset[int], raw: bytes) -> bool:
    """Does what cannot be read as a record hold an e-mail address that one of these hashes stands for?"""
    return bool(values) and any(
        house.ident_kinds.hashed(one) in values for one in _addresses_in(raw.decode("utf-8", "replace"))
    )


def _addresses_in(text: str) -> set[str]:
    """E-mail addresses in a text, as they identify people."""
    found = set()
    for one in _MAIL.findall(text):
        try:
            found.add(email.normalise(one) or "")
        except ValueError:
            continue
    return found - {""}


def _told(house: House, connection: Connection, theirs: Theirs) -> dict[str, Any]:
    database, entity = house.database, theirs.entities[0]
    numbers = [one.number for one in theirs.records]
    streams = {one.stream: house.by_id(one.stream) for one in theirs.records}
    kinds: dict[str, int] = defaultdict(int)
    for one in theirs.records:
        stream = streams[one.stream]
        kinds["record" if stream is None or stream.kind == "person" else stream.kind] += 1

    def count(table: str, column: str, ids: Sequence[int]) -> int:
        return sum(
            row[0] for row in database.select(connection, f"SELECT count(*) FROM {table} WHERE", column, list(ids))
        )

    return {
        "entity": entity_names(house, connection, [entity])[entity],
        "title": _title(house, connection, entity),
        "records": dict(kinds),
        "history": count("golden_history", "entity", theirs.entities),
        "writes": count("journal", "record", numbers),
        "conflicts": count("conflict", "entity", theirs.entities),
        "dead_letters": len(theirs.letters),
        "shared": theirs.shared,
        "still_at": [one.address for one in theirs.records if one.state <= ARCHIVED],
    }


def _title(house: House, connection: Connection, entity: int) -> str | None:
    layout = house.layouts["person"]
    golden = load_goldens(house.database, connection, [entity], len(layout.fields)).get(entity)
    return None if golden is None else title_of("person", dict(zip(layout.fields, golden.values, strict=True)))


# -- erasing -------------------------------------------------------------------------------------------------


def erase(house: House, lease: Lease, what: str, *, run: int, who: str, reason: str) -> dict[str, Any]:
    """Erase whoever is named, in one transaction, under the lease of settling: what waits to be written waits for it.

    Raises AskError as `foreseen` does, and while something is being written to them.
    """
    database = house.database
    with database.read() as connection:  # new kinds of identifiers are numbered by transactions of their own
        entity = _person(house, connection, what)
        theirs = _theirs(house, connection, entity)
        told = _told(house, connection, theirs)
    with database.write(durable=True) as connection:
        fence(database, connection, lease)
        erasures.begin(database, connection)
        database.hold(connection, "record", sorted(one.number for one in theirs.records))
        if _moved(house, connection, theirs):
            raise AskError(f"something of {what} has changed a moment ago", hint="try again")
        _take_writes(house, connection, theirs)
        followers = _companies(house, connection, theirs)
        _take_all(house, connection, theirs)
        add_work(database, connection, DERIVE, followers)
        erasure = erasures.add(
            database, connection, theirs.values, entity=entity, run=run, at=house.now(), who=who, reason=reason,
            records=len(theirs.records),
        )  # fmt: skip
    return {**told, "erasure": spoken("erasure", erasure.id), "scrubbed": scrub(house)}


def _moved(house: House, connection: Connection, theirs: Theirs) -> bool:
    rows = house.database.select(connection, "SELECT record FROM member WHERE", "entity", list(theirs.entities))
    return {row[0] for row in rows} != {one.number for one in theirs.records if one.entity}


def _take_writes(house: House, connection: Connection, theirs: Theirs) -> None:
    """Writes that wait go; of those that are over nothing but that they were stays. Raises AskError for others."""
    database = house.database
    numbers = {
        row[0]
        for column, ids in (("record", [one.number for one in theirs.records]), ("entity", list(theirs.entities)))
        for row in database.select(connection, "SELECT id FROM action WHERE", column, ids)
    }
    database.hold(connection, "action", sorted(numbers))
    states: Mapping[int, str] = dict(
        database.select(connection, "SELECT id, state FROM action WHERE", "id", sorted(numbers))
    )
    if any(state in _UNDER_WAY for state in states.values()):
        raise AskError(
            "something is being written to one of their records just now, or what became of it is not known yet",
            hint="the next sync finds out; then try again",
        )
    over = [number for number, state in states.items() if state in ("acked", "moved", "rejected", "dropped")]
    database.delete(connection, "action", "id", sorted(states.keys() - set(over)))
    database.run_many(
        connection, "UPDATE action SET fields = ?, reason = NULL WHERE id = ?", [(_NOTHING, number) for number in over]
    )
    rows = [(_NOTHING, one.number) for one in theirs.records]
    database.run_many(connection, "UPDATE journal SET fields = ? WHERE record = ?", rows)


def _companies(house: House, connection: Connection, theirs: Theirs) -> set[int]:
    """Whose figures their answers were counted in."""
    database = house.database
    numbers = [one.number for one in theirs.records]
    answered = database.select(connection, "SELECT company FROM response WHERE", "record", numbers)
    worked = database.select(connection, "SELECT target FROM association WHERE", "entity", list(theirs.entities))
    return {row[0] for row in (*answered, *worked) if row[0] is not None}


def _take_all(house: House, connection: Connection, theirs: Theirs) -> None:
    database = house.database
    numbers, entities = [one.number for one in theirs.records], list(theirs.entities)
    forget(database, connection, {one.number: one.fields for one in theirs.records})
    database.run_many(
        connection,
        "UPDATE record SET rkey = ?, version = NULL, modified = NULL, hub_id = NULL, state = ? WHERE id = ?",
        [(one.emptied, DELETED, one.number) for one in theirs.records],
    )
    _rename(house, connection, theirs)
    removals.note(database, connection, numbers, since=house.now(), there_until=house.now(), state=removals.CLOSED)
    rows = database.select(connection, "SELECT kind, value FROM ident WHERE", "record", numbers)
    given_up = Counter((kind, value) for kind, value in rows)
    for table in ("ident", "block", "response", "waiting", "doubt", "survivor", "known_as", "became"):
        database.delete(connection, table, "record", numbers)
    for table in ("edge", "pair"):
        for column in ("left", "right"):
            database.delete(connection, table, f'"{column}"', numbers)
    for table in ("golden_history", "conflict", "association"):
        database.delete(connection, table, "entity", entities)
    database.run_many(
        connection,
        "UPDATE golden SET vals = ?, lineage = ? WHERE entity = ?",
        [(_NOTHING, _NO_LINEAGE, entity) for entity in entities],
    )
    database.delete(connection, "dead_letter", "id", theirs.letters)
    _take_mentions(house, connection, theirs)
    add_work(database, connection, SETTLE, left_with(database, connection, given_up, house.rules.limit))
    done = [(SETTLE, number) for number in numbers]
    done += [(stage, entity) for stage in (MERGE, DERIVE, CREATE, REACH, PARTED) for entity in entities]
    database.run_many(connection, "DELETE FROM todo WHERE stage = ? AND id = ?", done)


def _take_mentions(house: House, connection: Connection, theirs: Theirs) -> None:
    """Take what came from their records, and their addresses, out of the past of others: those whom they were once
    taken for, or were two with before."""
    database = house.database
    mails = [mail.encode() for mail in theirs.mails]
    numbers = {one.number for one in theirs.records}

    def mentions(raw: bytes) -> bool:
        return any(mail in raw for mail in mails)

    past = database.select_all(connection, "SELECT entity, run, before FROM golden_history")
    left = []
    for entity, run, before in past:
        stood = load(bytes(before))
        kept = {name: one for name, one in stood.items() if one[1] not in numbers and not mentions(dump(one))}
        if len(kept) < len(stood):
            left.append((dump(kept), entity, run))
    database.run_many(connection, "UPDATE golden_history SET before = ? WHERE entity = ? AND run = ?", left)
    for table in ("journal", "action"):
        told = [
            (dump([one for one in load(bytes(fields)) if not mentions(dump(one))]), number)
            for number, fields in database.select_all(connection, f"SELECT id, fields FROM {table}")
            if mentions(bytes(fields))
        ]
        database.run_many(connection, f"UPDATE {table} SET fields = ? WHERE id = ?", told)
    over = database.select_all(connection, "SELECT id, inputs, detail, decision FROM conflict WHERE state <> 'open'")
    settled = [row[0] for row in over if any(one is not None and mentions(bytes(one)) for one in row[1:])]
    database.delete(connection, "conflict", "id", settled)


def _rename(house: House, connection: Connection, theirs: Theirs) -> None:
    """Give their ids up: who comes back, once the erasure is lifted, is somebody new under the same one."""
    births: dict[int, list[str]] = defaultdict(list)
    for one in theirs.records:
        if one.entity:
            births[one.entity].append(house.rules.births(one.connection, one.name)(one.emptied))
    house.database.run_many(
        connection, "UPDATE entity SET public = ? WHERE id = ?", [(min(some), one) for one, some in births.items()]
    )
    house.database.delete(connection, "alias", "entity", list(theirs.entities))


def scrub(house: House) -> bool:
    """Leave nothing of what was erased in free places of the store's files; False: others kept it busy."""
    try:
        with house.database.lent() as connection:
            house.database.run(connection, "VACUUM")
            if house.database.dialect == "sqlite":
                house.database.run(connection, "PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except DatabaseError:
        return False
    return True


# -- afterwards ----------------------------------------------------------------------------------------------


def listing(house: House) -> dict[str, Any]:
    with house.database.read() as connection:
        return {"erasures": [_shown(one) for one in erasures.listed(house.database, connection)]}


def lift(house: House, what: str) -> dict[str, Any]:
    """Store again what is sent of somebody who was erased: they have come back, or it was a mistake.

    Raises AskError where there is no such erasure, or it has been lifted.
    """
    number = number_of("erasure", what)
    database = house.database
    with database.write(durable=True) as connection:
        known = erasures.of(database, connection, number)
        if known is None:
            raise AskError(f"there is no {spoken('erasure', number)}", hint="crosswalk erase --list")
        if known.lifted_at is not None:
            raise AskError(f"{spoken('erasure', number)} has been lifted already")
        erasures.lift(database, connection, number, at=house.now())
        # Whole streams are read again by their keys: no window would bring what was not stored.
        database.run(connection, "UPDATE stream SET swept_at = NULL")
        return _shown(known._replace(lifted_at=house.now()))


def _shown(one: Erasure) -> dict[str, Any]:
    return {
        "id": spoken("erasure", one.id), "at": iso(one.at), "who": one.who, "reason": one.reason,
        "records": one.records, "lifted_at": None if one.lifted_at is None else iso(one.lifted_at),
    }  # fmt: skip
