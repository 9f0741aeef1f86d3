"""References: a remote's ids on one side, entities on the other.

A record keeps the ids that its vendor shows; they are compared, merged and shown by entity, so that two systems
which name the same company by different ids agree. A reference to a record that has not been seen yet says
nothing until it has: it waits in the store and puts its record up again when the other one arrives. Until then it is
not written over, either: nobody knows what would be lost. A record waits as well that is to be shown a reference to an
entity of which its own system has no record yet, or to an owner who has left there and so may own nothing new.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from crosswalk.engine.model import House, Stream
from crosswalk.store.codec import Base, load_row
from crosswalk.store.records import ARCHIVED, load_bases, save_bases
from mapping.values import ABSENT, Value

_OWNER: Final = "owner"


class References:
    """Resolves references inside one transaction; what it has looked up once it remembers."""

    def __init__(self, house: House, connection: Any) -> None:
        self._house = house
        self._connection = connection
        self._wanted: dict[tuple[int, str], set[int]] = {}  # (stream, key) -> records that name it
        self._found: dict[tuple[int, str], str] = {}
        self._there: dict[tuple[str, str], dict[str, str] | None] = {}
        self._left: set[tuple[str, str]] = set()  # of these owners who are there, and may not sign in any more
        self._unshown: set[tuple[int, str, int]] = set()

    def want(self, record: int, stream: Stream, row: Sequence[Value]) -> None:
        """Note what a row refers to."""
        for at in stream.refs:
            self.want_value([record], stream, row[at])

    def want_value(self, records: Iterable[int], stream: Stream, value: Value) -> None:
        """Note what one field of these records refers to."""
        for element in elements_of(value):
            target = self._target(stream, element)
            if target is not None and target not in self._found:
                self._wanted.setdefault(target, set()).update(records)

    def resolve(self, *, note_waiting: bool = True) -> None:
        """Look the entities up, and note which records wait for one."""
        database = self._house.database
        by_stream: dict[int, list[str]] = {}
        for stream, key in self._wanted:
            by_stream.setdefault(stream, []).append(key)
        for stream, keys in by_stream.items():
            for rkey, kind, public in database.select(
                self._connection,
                "SELECT r.rkey, e.kind, e.public FROM record r JOIN member m ON m.record = r.id "
                "JOIN entity e ON e.id = m.entity WHERE r.stream = ? AND",
                "r.rkey",
                keys,
                first=(stream,),
            ):
                self._found[stream, rkey] = f"{kind}/{public}"
        self._resolve_aliases()
        if note_waiting:
            rows = [
                (stream, key, record)
                for (stream, key), records in self._wanted.items()
                if (stream, key) not in self._found
                for record in records
            ]
            columns = ("stream", "rkey", "record")
            database.upsert(self._connection, "waiting", columns, columns, rows)
        self._wanted.clear()

    def look_up(self, stream: Stream, rows: Iterable[Sequence[Value]]) -> None:
        """Look up all that these rows refer to, in one go: each of them is then asked for without the store."""
        if stream.refs:
            for row in rows:
                self.want(0, stream, row)
            self.resolve(note_waiting=False)

    def look_for(self, stream: Stream, values: Iterable[Value]) -> None:
        """The same of entities that are to be shown there: what `as_remote` answers of these values."""
        publics = {str(one["entity"]).partition("/")[2] for value in values for one in elements_of(value)}
        connection = stream.connection
        wanted = [public for public in publics if (connection, public) not in self._there]
        rows = self._house.database.select(
            self._connection,
            "SELECT r.state, r.id, e.public, r.stream, r.rkey FROM entity e JOIN member m ON m.entity = e.id "
            "JOIN record r ON r.id = m.record JOIN stream s ON s.id = r.stream "
            "WHERE s.connection = ? AND r.state <= ? AND",
            "e.public",
            wanted,
            first=(connection, ARCHIVED),
        )
        by_public: dict[str, list[tuple[int, int, int, str]]] = {}
        for state, record, public, number, rkey in rows:
            by_public.setdefault(public, []).append((state, record, number, rkey))
        for public, some in by_public.items():
            self._there[connection, public] = self._best((connection, public), sorted(some))

    def _best(self, key: tuple[str, str], rows: Sequence[tuple[int, int, int, str]]) -> dict[str, str] | None:
        """The record that stands for an entity in a system; `rows`: state, record, stream and key, the best first."""
        there = next((row for row in rows if not self._has_left(row[1], row[2])), None)
        if there is None:
            self._left.add(key)
            there = rows[0]
        return self._named(there[2], there[3])

    def _has_left(self, record: int, number: int) -> bool:
        """Is it an owner of whom their system says that they may not sign in?"""
        stream = self._house.by_id(number)
        at = stream.at.get("active") if stream is not None and stream.kind == _OWNER else None
        if at is None:
            return False
        row = self._house.database.run(
            self._connection, "SELECT observed FROM body WHERE record = ?", (record,)
        ).fetchone()
        return row is not None and load_row(bytes(row[0]))[at] is False

    def _named(self, number: int, rkey: str) -> dict[str, str] | None:
        """A record of this stream as its own system names it."""
        stream = self._house.by_id(number)
        return None if stream is None else {"stream": stream.name, "id": rkey}

    def _resolve_aliases(self) -> None:
        """Records of another stream of the same system may answer to what is not found: see `known_as`."""
        streams = self._house.streams.values()
        known = {one.connection for one in streams if one.mapping.has_aliases}
        if not known:
            return
        connections = {one.id: one.connection for one in streams if one.connection in known}
        called: dict[str, list[tuple[int, str]]] = {}
        for target in self._wanted.keys() - self._found.keys():
            if target[0] in connections:
                called.setdefault(connections[target[0]], []).append(target)
        for connection, wanted in called.items():
            found = {
                rkey: f"{kind}/{public}"
                for rkey, kind, public in self._house.database.select(
                    self._connection,
                    "SELECT k.rkey, e.kind, e.public FROM known_as k JOIN record r ON r.id = k.record "
                    "JOIN stream s ON s.id = r.stream JOIN member m ON m.record = r.id "
                    "JOIN entity e ON e.id = m.entity WHERE s.connection = ? AND",
                    "k.rkey",
                    [key for _, key in wanted],
                    first=(connection,),
                )
            }
            self._found |= {(stream, key): found[key] for stream, key in wanted if key in found}

    def leads(self, stream: int, key: str) -> bool:
        """Has what was resolved found an entity under this key?"""
        return (stream, key) in self._found

    def seen(self, stream: Stream, row: Sequence[Value]) -> Sequence[Value]:
        """The row with entities for the ids that are known; a reference of which none is known says nothing."""
        if not stream.refs:
            return row
        copy = list(row)
        for at in stream.refs:
            copy[at] = self.seen_value(stream, copy[at])
        return copy

    def seen_value(self, stream: Stream, value: Value) -> Value:
        """One field's value as `seen` shows it."""
        if value is ABSENT or value is None:
            return value
        known = [self._as_entity(stream, element) for element in elements_of(value)]
        elements = [element for element in known if element is not None]
        elements.sort(key=lambda element: (element["entity"], str(element.get("role", ""))))
        return elements or ABSENT

    def is_unread(self, stream: Stream, value: Value) -> bool:
        """Does this field name a record that nobody has read? Asked once that was looked up, as `seen_value` is."""
        return any(self._as_entity(stream, element) is None for element in elements_of(value))

    def seen_once(self, stream: Stream, at: int, value: Value) -> Value:
        """The value of this field as `seen` would show it, looked up at once."""
        if at in stream.refs:
            self.want_value([0], stream, value)
            self.resolve(note_waiting=False)
            return self.seen_value(stream, value)
        return value

    def _as_entity(self, stream: Stream, element: dict[str, Any]) -> dict[str, Any] | None:
        target = self._target(stream, element)
        entity = None if target is None else self._found.get(target)
        if entity is None:
            return None
        return {**{k: v for k, v in element.items() if k not in ("stream", "id")}, "entity": entity}

    def _target(self, stream: Stream, element: dict[str, Any]) -> tuple[int, str] | None:
        other = self._house.streams.get(f"{stream.connection}/{element.get('stream')}")
        return None if other is None else (other.id, str(element.get("id")))

    def as_remote(self, stream: Stream, value: Value) -> Value:
        """Entities as ids of this stream's system; ABSENT where it has no record of one of them."""
        if value is None:
            return None
        elements = []
        for element in elements_of(value):
            record = self._record_there(stream.connection, public_of(element))
            if record is None:
                return ABSENT
            elements.append({**{k: v for k, v in element.items() if k != "entity"}, **record})
        elements.sort(key=lambda element: (element["stream"], element["id"]))
        return elements or None

    def can_show(self, stream: Stream, value: Value) -> bool:
        """Has this stream's system a record of each of these entities, and are they who may own something there?"""
        return all(self.may_be_named(stream, public_of(element)) for element in elements_of(value))

    def may_be_named(self, stream: Stream, public: str) -> bool:
        """The same of one entity."""
        there = (stream.connection, public)
        return self._record_there(*there) is not None and there not in self._left

    def cannot_show(self, record: int, stream: Stream, value: Value) -> None:
        """Note that a record waits until its system has a record of what this value names, or lets them own again."""
        kinds = {other.kind for other in self._house.streams.values() if other.connection == stream.connection}
        for element in elements_of(value):
            kind, _, public = str(element["entity"]).partition("/")
            if kind in kinds and not self.may_be_named(stream, public):
                self._unshown.add((-stream.id, public, record))

    def may_differ(self, records: Sequence[int]) -> None:
        """These records keep what they show: they wait for nothing."""
        self._unshown = {one for one in self._unshown if one[2] not in set(records)}

    def save_waiting(self) -> None:
        """Store what `cannot_show` noted. Such a row has the record's own stream, negative, and a public id."""
        columns = ("stream", "rkey", "record")
        self._house.database.upsert(self._connection, "waiting", columns, columns, sorted(self._unshown))
        self._unshown.clear()

    def same_there(self, stream: Stream, observed: Value, value: Value) -> bool:
        """Does a record that shows these ids of its system mean just these entities?"""
        theirs = None if value is ABSENT else self.as_remote(stream, value)
        if theirs is ABSENT:
            return False
        return {(one["stream"], str(one["id"])) for one in elements_of(observed)} == {
            (one["stream"], str(one["id"])) for one in elements_of(theirs)
        }

    def _record_there(self, connection: str, public: str) -> dict[str, str] | None:
        key = (connection, public)
        if key not in self._there:
            self._there[key] = self._look(connection, public)
        return self._there[key]

    def _look(self, connection: str, public: str) -> dict[str, str] | None:
        rows = self._house.database.run(
            self._connection,
            "SELECT r.state, r.id, r.stream, r.rkey FROM entity e JOIN member m ON m.entity = e.id "
            "JOIN record r ON r.id = m.record JOIN stream s ON s.id = r.stream "
            "WHERE e.public = ? AND s.connection = ? AND r.state <= ? ORDER BY r.state, r.id",
            (public, connection, ARCHIVED),
        ).fetchall()
        if not rows:
            alias = self._house.database.run(
                self._connection,
                "SELECT e.public FROM alias a JOIN entity e ON e.id = a.entity WHERE a.public = ?",
                (public,),
            ).fetchone()
            there = None if alias is None else self._look(connection, alias[0])
            if alias is not None and (connection, alias[0]) in self._left:
                self._left.add((connection, public))
            return there
        return self._best((connection, public), [tuple(row) for row in rows])


def show_arrived(house: House, connection: Any) -> None:
    """Records whose system has a record by now of what they could not be shown: golden is due there again."""
    database = house.database
    found = {
        (row[0], row[1], row[2])
        for named in (
            "entity e ON e.public = w.rkey",
            "alias a ON a.public = w.rkey JOIN entity e ON e.id = a.entity",
        )
        for row in database.run(
            connection,
            f"SELECT DISTINCT w.stream, w.rkey, w.record FROM waiting w JOIN {named} JOIN member m ON m.entity = e.id "
            "JOIN record r ON r.id = m.record JOIN stream s ON s.id = r.stream "
            "JOIN stream mine ON mine.id = -w.stream AND mine.connection = s.connection "
            f"WHERE w.stream < 0 AND r.state <= {ARCHIVED}",
        ).fetchall()
    }
    references = References(house, connection)
    streams = {negative: house.by_id(-negative) for negative, _, _ in found}
    found = {one for one in found if (mine := streams[one[0]]) is None or references.may_be_named(mine, one[1])}
    records = sorted({record for _, _, record in found})
    database.hold(connection, "record", records)
    bases = load_bases(database, connection, records)
    for negative, _, record in found:
        stream = streams[negative]
        base = bases.setdefault(record, Base())
        names = [] if stream is None else [stream.mapping.fields[at] for at in stream.refs]
        for name in names:
            base.hub.setdefault(name, [])  # planning sees whether it shows it already
    save_bases(database, connection, bases)
    database.run_many(connection, "DELETE FROM waiting WHERE stream = ? AND rkey = ? AND record = ?", sorted(found))


def elements_of(value: Value) -> list[dict[str, Any]]:
    if value is ABSENT or value is None:
        return []
    if isinstance(value, dict):
        return [value]
    return [element for element in value if isinstance(element, dict)]


def public_of(element: Mapping[str, Any]) -> str:
    """The public id of the entity that an element names."""
    return str(element["entity"]).partition("/")[2]
