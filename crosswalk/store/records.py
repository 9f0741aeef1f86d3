"""Records as they were last seen: landing pages, reading them back, what is new about them."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from msgspec import Struct, field

from crosswalk.store import letters, removals
from crosswalk.store.codec import Base, digest, dump, load, load_row, millis, record_hash
from crosswalk.store.connections import Connection
from crosswalk.store.dialect import Database
from crosswalk.store.erasures import Gate
from crosswalk.store.errors import StoreDamagedError
from crosswalk.store.leases import fence
from mapping.surveys import standing
from mapping.values import ABSENT, Value
from scheduler.leases import Lease

# State of a record at its vendor.
_IDS: Final = 5000  # of records, which a first load takes at once
_FEW: Final = 100  # an identifier that more carry tells nothing under any limit that makes sense

LIVE: Final = 0
ARCHIVED: Final = 1
DELETED: Final = 2
MERGED: Final = 3
CONVERTED: Final = 4
HIDDEN: Final = 5  # out of the scope of its stream's `where`
OUTDATED: Final = 0  # the form of a profile
FORGOTTEN: Final = b"{}"  # in place of what a record showed that was removed long ago
STATES: Final = ("live", "archived", "deleted", "merged", "converted", "hidden")
CODES: Final = {name: code for code, name in enumerate(STATES)}

# Stages of the work table.
SETTLE: Final = 1  # a record
MERGE: Final = 2  # an entity
DERIVE: Final = 3  # an entity
CREATE: Final = 4  # an entity that may be missing somewhere
REACH: Final = 5  # an entity that shows what is said of another one
UNDO: Final = 6  # an action that took a write back: golden is to follow
PARTED: Final = 7  # an entity that came of parting another one, which may be named by others

RECORD_COLUMNS: Final = (
    "id", "stream", "rkey", "version", "modified", "read_no", "hash", "mapping", "state", "hub_id",
)  # fmt: skip


class Read(Protocol):
    """One record as a connector gives it (connectors' RemoteRecord and RawRecord; a RawRecord also has its `raw`)."""

    @property
    def key(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def modified(self) -> datetime | None: ...
    @property
    def values(self) -> Any: ...


class Mapped(Protocol):
    """What landing needs of a compiled mapping."""

    fields: tuple[str, ...]

    @property
    def has_aliases(self) -> bool: ...
    @property
    def converts(self) -> bool: ...

    def read(self, values: Any) -> tuple[list[Value], Sequence[Any]]: ...
    def read_raw(self, raw: bytes, *, sound: bool) -> tuple[list[Value], Sequence[Any], str] | None: ...
    def state(self, values: Any) -> str: ...
    def accepts(self, values: Any) -> bool: ...
    def survivor(self, values: Any) -> str | None: ...
    def aliases(self, values: Any) -> tuple[str, ...]: ...
    def conversions(self, values: Any) -> tuple[str, ...]: ...


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """A row as it came, its JSON (parsed or not) and the hash of that. A structure: it is made in a fifth of the time
    that a tuple with names takes."""

    record: Read
    raw: bytes  # a msgspec.Raw where it is the vendor's own, which nobody has looked at
    hash: bytes


class Understood(msgspec.Struct, frozen=True, gc=False):
    """A row as it was read, with what its mapping makes of it."""

    record: Read
    raw: bytes
    hash: bytes
    observed: bytes  # the row in the common form, as it is stored
    faults: Sequence[Any]
    state: int
    idents: Sequence[tuple[int, int]]
    aliases: tuple[str, ...] = ()  # further keys by which it is named
    conversions: tuple[str, ...] = ()  # keys of what it was converted to, or came of

    @property
    def row(self) -> list[Value]:
        """As it is read back from the store: made anew each time."""
        return load_row(self.observed)


class Seen(NamedTuple):
    """A stored record without its body."""

    id: int
    rkey: str
    version: str | None
    modified: int | None
    read_no: int
    hash: bytes | None
    mapping: int
    state: int


class Landed(Struct):
    """What a page brought."""

    read: int = 0
    new: int = 0
    changed: int = 0  # of them, records of which a mapped field or the state differs
    touched: int = 0  # read anew, nothing mapped differs
    stale: int = 0  # older than what is held
    erased: int = 0  # of people who were erased: not stored
    records: list[int] = field(default_factory=list)  # new or changed
    faults: list[tuple[str, Any]] = field(default_factory=list)  # (key, ValueFault)

    def add(self, other: "Landed") -> None:
        self.read += other.read
        self.new += other.new
        self.changed += other.changed
        self.touched += other.touched
        self.stale += other.stale
        self.erased += other.erased


class Landing(Struct):
    """Lands pages of one stream. Under the lease of that stream: nobody else writes its records meanwhile."""

    database: Database
    stream: int
    mapping_id: int
    mapped: Mapped
    identifiers: Callable[[Sequence[Value]], Sequence[tuple[int, int]]]  # (kind, hashed value) of a row
    limit: Callable[[int], int]  # how many may hold an identifier of a kind
    bulk: bool = False  # the first load: nothing is there yet, and the indexes of `ident` are built afterwards
    gate: Gate | None = None  # of streams that hold people
    fixed: bool = False  # what was read of a version stands: see `StreamSpec`
    _ids: deque[int] = field(default_factory=deque)

    def prepare(self, page: Collection[str], seen: Collection[str]) -> None:
        """Take ids for the keys of a page that are not held, before the transaction begins.

        As many as there are, but for a first load: what is taken and not used is gone, and whoever keeps something by
        number has a place for it.
        """
        count = len(page) if self.bulk else sum(key not in seen for key in page)
        if (missing := count - len(self._ids)) > 0:
            self._ids.extend(self.database.take_ids("record", max(missing, _IDS) if self.bulk else missing))

    def prefetch(self, connection: Connection, keys: Sequence[str]) -> dict[str, Seen]:
        rows = self.database.select(
            connection,
            "SELECT id, rkey, version, modified, read_no, hash, mapping, state FROM record WHERE stream = ? AND",
            "rkey",
            keys,
            first=(self.stream,),
        )
        return {
            row[1]: Seen(
                row[0], row[1], row[2], row[3], row[4], None if row[5] is None else bytes(row[5]), row[6], row[7]
            )
            for row in rows
        }

    def digests(self, records: Iterable[Read]) -> dict[str, Arrived]:
        """Of each key its last row in the page, with its raw JSON and hash."""
        page: dict[str, Arrived] = {}
        for record in records:
            raw = getattr(record, "raw", None)
            if raw is None:
                raw = dump(record.values)  # in the vendor's own order: another order is read again, and changes nothing
            page[record.key] = Arrived(record, raw, record_hash(raw))
        return page

    def news(
        self, connection: Connection, records: Iterable[Read], *, whole: bool = True, again: bool = False
    ) -> tuple[dict[str, Arrived], dict[str, Seen]]:
        """The rows of a page that differ from what is held, and what is held of these.

        `again`: somebody asked for them by themselves, so of a stream that is `fixed` they are read anew, too.
        """
        page = self.digests(records)
        differ = []
        for key, held, mapping in self.database.select(
            connection,
            "SELECT rkey, hash, mapping FROM record WHERE stream = ? AND",
            "rkey",
            list(page),
            first=(self.stream,),
        ):
            arrived = page[key]
            if whole and mapping == self.mapping_id and (arrived.hash == held or _says(arrived, held)):
                del page[key]
            else:
                differ.append(key)
        seen = self.prefetch(connection, differ)
        if self.fixed and not again:
            for key in self._standing(connection, page, seen):
                del page[key], seen[key]
        return page, seen

    def _standing(
        self, connection: Connection, page: Mapping[str, Arrived], seen: Mapping[str, Seen]
    ) -> frozenset[str]:
        """Of these the records that are held as they were first read, and understood."""
        same = [
            key
            for key, old in seen.items()
            if old.hash is not None and old.state <= ARCHIVED and old.mapping == self.mapping_id
            and old.version is not None and old.version == page[key].record.version
        ]  # fmt: skip
        return frozenset(same).difference(letters.unread(self.database, connection, self.stream, same))

    def understand(self, page: dict[str, Arrived]) -> dict[str, Understood]:
        """Map what is news. Before the write transaction begins: it is the longest part, and may number a new kind.

        A record is parsed, mapped and made ready for the store before the next one is looked at: what it consists of
        is in the processor's cache all the while, and gone before the next needs the room (10 µs less, 28 fields).
        """
        read_raw, identifiers = self.mapped.read_raw, self.identifiers
        aliases = self.mapped.aliases if self.mapped.has_aliases else _no_keys
        conversions = self.mapped.conversions if self.mapped.converts else _no_keys
        understood = {}
        for key, arrived in page.items():
            record, whole = arrived.record, bytes(arrived.raw)
            told = read_raw(whole, sound=whole is arrived.raw) if hasattr(record, "raw") else None
            others: tuple[str, ...] = ()
            ends: tuple[str, ...] = ()
            if told is not None:
                row, faults, word = told
                state = CODES[word]
                if state == CONVERTED:
                    ends = conversions(_parsed(arrived)[0])
            else:
                values, whole = _parsed(arrived)
                row, faults = self.mapped.read(values)
                state, others, ends = self.state_of(values), aliases(values), conversions(values)
            understood[key] = Understood(
                record, whole, arrived.hash, dump(row), faults, state, identifiers(row), others, ends
            )
        return understood

    def leave_unasked(
        self,
        connection: Connection,
        page: dict[str, Understood],
        seen: Mapping[str, Seen],
        asked: Collection[str] | None,
    ) -> None:
        """Answers to what the survey of these responses no longer asks stand as they are held, see `Page`.

        `asked`: None where it is no survey.
        """
        if asked is None:
            return
        keys = {seen[key].id: key for key in page if key in seen}
        for number, held in self.database.select(
            connection, "SELECT record, raw FROM body WHERE", "record", list(keys)
        ):
            new = page[keys[number]]
            values = standing(load(bytes(held)), load(new.raw), asked)
            if values is not None:
                row, faults = self.mapped.read(values)
                page[keys[number]] = msgspec.structs.replace(
                    new, raw=dump(values), observed=dump(row), faults=faults, idents=self.identifiers(row)
                )

    def land(
        self,
        connection: Connection,
        page: dict[str, Understood],
        seen: dict[str, Seen],
        *,
        read_no: int,
        whole: bool = True,
        hub_ids: dict[str, str] | None = None,
        ours: Collection[str] = (),
    ) -> Landed:
        """Store what differs, inside the caller's transaction. `whole`: each row carries every field of its record.

        `ours`: keys of what the hub itself has written, for somebody who is there: they are let in, whoever was erased.
        """
        landed = Landed(read=len(page))
        page = self._without_erased(connection, page, seen, landed, ours)
        fresh = [row for key, row in page.items() if key not in seen] if seen else list(page.values())
        self._insert(connection, fresh, read_no, whole, hub_ids or {}, landed)
        known = [(row, seen[key]) for key, row in page.items() if key in seen] if seen else []
        if known:
            self._update(connection, known, read_no, whole, landed)
        return landed

    def let_in(
        self, page: dict[str, Understood], seen: Collection[str], erased: frozenset[int], ours: Collection[str] = ()
    ) -> dict[str, Understood]:
        """Without what is sent of people who were erased, known by these hashes.

        `seen`: keys of others, which are held; `ours`: of what the hub has written. What somebody comes to carry is
        theirs.
        """
        if self.gate is None or not erased:
            return page
        return {
            key: row
            for key, row in page.items()
            if key in ours
            or (
                self.gate.hashed(key) not in erased
                and (key in seen or not any(value in erased for _, value in row.idents))
            )
        }

    def _without_erased(
        self,
        connection: Connection,
        page: dict[str, Understood],
        seen: Collection[str],
        landed: Landed,
        ours: Collection[str],
    ) -> dict[str, Understood]:
        gate = self.gate
        if gate is None or not (erased := gate.suppressed.held(connection)):
            return page
        let_in = self.let_in(page, seen, erased, ours)
        landed.erased = len(page) - len(let_in)
        gate.learn(
            connection,
            {key: [value for _, value in row.idents] for key, row in page.items() if key not in let_in},
        )
        carried = {value for row in let_in.values() for _, value in row.idents}
        gate.give_up(connection, (carried | {gate.hashed(key) for key in ours}) & erased)
        return let_in

    def state_of(self, values: Any) -> int:
        return CODES[self.mapped.state(values)] if self.mapped.accepts(values) else HIDDEN

    def _note_survivors(self, connection: Connection, rows: Iterable[tuple[int, Understood]]) -> None:
        named = [
            (number, key)
            for number, new in rows
            if new.state == MERGED and (key := self.mapped.survivor(new.record.values)) is not None
        ]
        self.database.upsert(connection, "survivor", ("record",), ("record", "rkey"), named)

    def note_keys(
        self, connection: Connection, rows: Iterable[tuple[int, Sequence[str], Sequence[str]]]
    ) -> Sequence[int]:
        """Keep what else these records are called, and the keys of what they were converted to, or came of.

        Answers those that tell of another conversion than before: whatever else they show, they are to be settled.
        """
        if not (self.mapped.has_aliases or self.mapped.converts):
            return ()
        told = list(rows)
        if self.mapped.has_aliases:
            self._note_aliases(connection, [(number, aliases) for number, aliases, _ in told])
        if not self.mapped.converts:
            return ()
        return self._note_conversions(connection, {number: frozenset(conversions) for number, _, conversions in told})

    def _note_conversions(self, connection: Connection, told: Mapping[int, frozenset[str]]) -> Sequence[int]:
        held: dict[int, set[str]] = {}
        for number, key in self.database.select(
            connection, "SELECT record, rkey FROM became WHERE", "record", list(told)
        ):
            held.setdefault(number, set()).add(key)
        changed = [number for number, keys in told.items() if keys != held.get(number, set())]
        self.database.delete(connection, "became", "record", changed)
        self.database.insert(
            connection,
            "became",
            ("record", "rkey"),
            [(number, key) for number in changed for key in sorted(told[number])],
        )
        return changed

    def _note_aliases(self, connection: Connection, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Who waits for one under such a key is to be settled."""
        database = self.database
        told = [(number, key) for number, keys in rows for key in keys]
        database.delete(connection, "known_as", "record", [number for number, _ in rows])
        database.upsert(connection, "known_as", ("record", "rkey"), ("record", "rkey"), told)
        if not self.bulk:
            waiting = database.select(
                connection,
                "SELECT w.record FROM waiting w JOIN stream s ON s.id = w.stream "
                "JOIN stream mine ON mine.connection = s.connection WHERE mine.id = ? AND",
                "w.rkey",
                [key for _, key in told],
                first=(self.stream,),
            )
            add_work(database, connection, SETTLE, [row[0] for row in waiting])

    def _insert(
        self,
        connection: Connection,
        rows: Sequence[Understood],
        read_no: int,
        whole: bool,
        hub_ids: dict[str, str],
        landed: Landed,
    ) -> None:
        numbers = [self._ids.popleft() for _ in rows]  # upwards: a tree that is filled from its end has full pages
        stream, mapping = self.stream, self.mapping_id
        news = list(zip(numbers, rows, strict=True))
        records: list[tuple[Any, ...]] = [
            (
                number, stream, new.record.key, new.record.version, millis(new.record.modified), read_no,
                new.hash if whole else None, mapping, new.state,
            )
            for number, new in news
        ]  # fmt: skip
        bodies = [(number, new.raw, new.observed) for number, new in news]
        idents = [(kind, value, number) for number, new in news if new.state <= ARCHIVED for kind, value in new.idents]
        landed.faults.extend((new.record.key, fault) for new in rows for fault in new.faults)
        landed.records += numbers
        landed.new += len(numbers)
        database = self.database
        self._note_survivors(connection, news)
        self.note_keys(connection, ((number, new.aliases, new.conversions) for number, new in news))
        if hub_ids:  # of what the hub made itself: a first load has none
            records = [(*record, hub_ids.get(new.record.key)) for record, (_, new) in zip(records, news, strict=True)]
        database.insert(connection, "record", RECORD_COLUMNS if hub_ids else RECORD_COLUMNS[:-1], records)
        database.insert(connection, "body", ("record", "raw", "observed"), bodies)
        database.insert(connection, "ident", ("kind", "value", "record"), idents)
        if not self.bulk:
            database.insert(connection, "todo", ("stage", "id"), [(SETTLE, number) for number in numbers])
            arrived = [
                (SETTLE, row[0])
                for row in database.select(
                    connection,
                    "SELECT record FROM waiting WHERE stream = ? AND",
                    "rkey",
                    [row[2] for row in records],
                    first=(self.stream,),
                )
            ]
            database.upsert(connection, "todo", ("stage", "id"), ("stage", "id"), arrived)

    def _update(
        self,
        connection: Connection,
        rows: Sequence[tuple[Understood, Seen]],
        read_no: int,
        whole: bool,
        landed: Landed,
    ) -> None:
        database = self.database
        current = [(new, old) for new, old in rows if not _stale(new.record, old, read_no)]
        landed.stale += len(rows) - len(current)
        ids = [old.id for _, old in current]
        database.hold(connection, "record", ids)  # settling writes bases of the same records
        bodies = {
            row[0]: (bytes(row[1]), bytes(row[2]))
            for row in database.select(connection, "SELECT record, raw, observed FROM body WHERE", "record", ids)
        }
        bases = load_bases(database, connection, ids)
        records, new_bodies, new_bases, todo, without, gone, back = [], [], [], [], [], [], []
        stirred = []  # nothing mapped differs, but somebody was there
        idents: list[tuple[int, int, int]] = []
        given_up: Counter[tuple[int, int]] = Counter()
        for new, old in current:
            record, raw, faults, state, row = new.record, new.raw, new.faults, new.state, new.row
            old_raw, old_observed = bodies[old.id]
            if not whole:
                values = {**load(old_raw), **record.values}
                raw = dump(values)
                row, faults = self.mapped.read(values)
                state = self.state_of(values)
            if faults:
                landed.faults.extend((record.key, fault) for fault in faults)
            before = load_row(old_observed)
            # Absent is never a change: what this read did not carry stays as it was last seen.
            row = [was if now is ABSENT else now for was, now in zip(before, row, strict=True)]
            records.append((
                old.id, self.stream, record.key, record.version, millis(record.modified), read_no,
                new.hash if whole else None, self.mapping_id, state,
            ))  # fmt: skip
            new_bodies.append((old.id, raw, dump(row)))
            differ = [n for n, (was, now) in enumerate(zip(before, row, strict=True)) if was != now]
            if not differ and state == old.state:
                landed.touched += 1
                if millis(record.modified) != old.modified:
                    stirred.append(old.id)
                continue
            landed.changed += 1
            landed.records.append(old.id)
            todo.append((SETTLE, old.id))
            if old_raw == FORGOTTEN:  # it is back: a first contact
                bases[old.id] = Base(hub=dict.fromkeys(self.mapped.fields))
                new_bases.append(old.id)
            elif differ:
                base = bases.setdefault(old.id, Base())
                shown = load(old_raw)
                for n in differ:
                    base.side_moved(self.mapped.fields[n], before[n], row[n], shown)
                new_bases.append(old.id)
            if old.state <= ARCHIVED and state == DELETED:
                gone.append(old.id)
            elif old.state == DELETED and state <= ARCHIVED:
                back.append(old.id)
            held = set(self.identifiers(before)) if old.state <= ARCHIVED else set()
            carried = set(self.identifiers(row)) if state <= ARCHIVED else set()
            if held != carried:
                without.append(old.id)
                idents.extend((kind, value, old.id) for kind, value in carried)
                given_up.update(held - carried)
        numbered = [(old.id, new) for new, old in current]
        self._note_survivors(connection, numbered)
        if whole:
            converted = self.note_keys(connection, ((number, new.aliases, new.conversions) for number, new in numbered))
            todo += [(SETTLE, number) for number in converted]
        database.upsert(connection, "record", ("id",), RECORD_COLUMNS[:-1], records)
        database.upsert(connection, "body", ("record",), ("record", "raw", "observed"), new_bodies)
        save_bases(database, connection, {number: bases[number] for number in new_bases})
        removals.note(database, connection, gone, since=None, there_until=None)
        removals.withdraw(database, connection, back)
        database.delete(connection, "ident", "record", without)
        database.insert(connection, "ident", ("kind", "value", "record"), idents)
        outdate_profiles(database, connection, [number for _, number in todo])
        todo += [(SETTLE, number) for number in self._with_a_twin(connection, stirred)]
        todo += [(SETTLE, number) for number in left_with(database, connection, given_up, self.limit)]
        database.upsert(connection, "todo", ("stage", "id"), ("stage", "id"), todo)

    def _with_a_twin(self, connection: Connection, records: Sequence[int]) -> list[int]:
        """Those whose entity has another record in this connection: the newest activity says which represents it."""
        rows = self.database.select(
            connection,
            "SELECT DISTINCT m.record FROM member m JOIN member o ON o.entity = m.entity AND o.record <> m.record "
            "JOIN record r ON r.id = o.record JOIN stream s ON s.id = r.stream "
            "JOIN stream mine ON mine.connection = s.connection WHERE mine.id = ? AND",
            "m.record",
            records,
            first=(self.stream,),
        )
        return [row[0] for row in rows]


def _says(arrived: Arrived, held: bytes | None) -> bool:
    """Does a row say what is held under another hash? That may be the hash of an earlier program, which took `digest`;
    and what came by another way, as an answer to a write, may have its blanks in other places."""
    if held is None:
        return False
    if digest(arrived.raw) == held:
        return True
    if not isinstance(arrived.raw, msgspec.Raw):
        return False
    plain = dump(_parsed(arrived)[0])
    return held in (record_hash(plain), digest(plain))


def _parsed(arrived: Arrived) -> tuple[Any, bytes]:
    """The values of a row, and its JSON as it can be stored: whole, even where the vendor's was broken."""
    if not isinstance(arrived.raw, msgspec.Raw):
        return arrived.record.values, arrived.raw
    try:
        return load(arrived.raw), bytes(arrived.raw)
    except StoreDamagedError:
        values = arrived.record.values
        return values, dump(values)


def _stale(new: Read, old: Seen, read_no: int) -> bool:
    """An older read never replaces a newer one: by the vendor's stamp, else by the number of our read."""
    stamp = millis(new.modified)
    if stamp is not None and old.modified is not None and stamp != old.modified:
        return stamp < old.modified
    return read_no < old.read_no


def some_rows(database: Database, connection: Connection, stream: int, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Key and raw values of a few live records of a stream."""
    rows = database.run(
        connection,
        "SELECT r.rkey, b.raw FROM record r JOIN body b ON b.record = r.id "
        "WHERE r.stream = ? AND r.state = ? ORDER BY r.rkey LIMIT ?",
        (stream, LIVE, count),
    ).fetchall()
    return [(row[0], load(bytes(row[1]))) for row in rows if bytes(row[1]) != FORGOTTEN]


def load_bases(database: Database, connection: Connection, records: Sequence[int]) -> dict[int, Base]:
    return {
        row[0]: Base.load(bytes(row[1]), bytes(row[2]), bytes(row[3]))
        for row in database.select(connection, "SELECT record, side, hub, raws FROM base WHERE", "record", records)
    }


def save_bases(database: Database, connection: Connection, bases: dict[int, Base]) -> None:
    """A row only while something is not at rest."""
    database.delete(connection, "base", "record", [number for number, base in bases.items() if base.empty])
    database.upsert(
        connection,
        "base",
        ("record",),
        ("record", "side", "hub", "raws"),
        [base.stored(number) for number, base in bases.items() if not base.empty],
    )


def mark_state(
    database: Database, connection: Connection, records: Sequence[int], state: int, *, limit: Callable[[int], int]
) -> None:
    """Records of which the vendor says, with proof, that they are no longer live."""
    database.hold(connection, "record", records)
    database.run_many(
        connection, "UPDATE record SET state = ?, hash = NULL WHERE id = ?", [(state, n) for n in records]
    )
    rows = database.select(connection, "SELECT kind, value FROM ident WHERE", "record", records)
    given_up = Counter((row[0], row[1]) for row in rows)
    database.delete(connection, "ident", "record", records)
    outdate_profiles(database, connection, records)
    add_work(database, connection, SETTLE, {*records, *left_with(database, connection, given_up, limit)})


def forget(database: Database, connection: Connection, records: Mapping[int, int]) -> None:
    """Take from removed records, each with the number of fields of its mapping, what they showed."""
    shown = [(FORGOTTEN, dump([ABSENT] * width), number) for number, width in records.items()]
    database.run_many(connection, "UPDATE body SET raw = ?, observed = ? WHERE record = ?", shown)
    database.run_many(connection, "UPDATE record SET hash = NULL WHERE id = ?", [(number,) for number in records])
    for table in ("base", "profile"):
        database.delete(connection, table, "record", list(records))


def outdate_profiles(database: Database, connection: Connection, records: Sequence[int]) -> None:
    """What was compared of these is not what they show any more: until they are settled, it tells what they are found
    by."""
    database.change(connection, f"UPDATE profile SET form = {OUTDATED} WHERE", "record", records)


def claiming(database: Database, connection: Connection, idents: Iterable[tuple[int, int]]) -> set[int]:
    """Responses of nobody that claim what somebody carries no more: of two whom they may mean, one may be left."""
    found: set[int] = set()
    for kind, value in sorted(idents):
        rows = database.run(
            connection,
            "SELECT i.record FROM ident i WHERE i.kind = ? AND i.value = ? "
            "AND NOT EXISTS (SELECT 1 FROM member m WHERE m.record = i.record)",
            (kind, value),
        ).fetchall()
        found.update(row[0] for row in rows)
    return found


def left_with(
    database: Database, connection: Connection, given_up: Mapping[tuple[int, int], int], limit: Callable[[int], int]
) -> set[int]:
    """Records for which it counts that so many carry these no more.

    Responses as in `claiming`. And whoever carries one: of so many that it told nothing, few enough may be left. Those
    of more than are ever few, and one who is left alone, are left alone.
    """
    some = sorted(given_up)
    found = claiming(database, connection, some)
    for kind, value in some:
        told = limit(kind) - given_up[kind, value]  # of so many that are left, and fewer, it told something before
        if told >= _FEW:
            continue
        carriers = database.run(
            connection,
            "SELECT i.record FROM ident i WHERE i.kind = ? AND i.value = ? "
            "AND NOT EXISTS (SELECT 1 FROM response a WHERE a.record = i.record) LIMIT ?",
            (kind, value, _FEW + 1),
        ).fetchall()
        if max(told, 1) < len(carriers) <= _FEW:
            found.update(row[0] for row in carriers)
    return found


def add_work(database: Database, connection: Connection, stage: int, ids: Iterable[int]) -> None:
    database.upsert(connection, "todo", ("stage", "id"), ("stage", "id"), [(stage, number) for number in set(ids)])


def take_work(database: Database, connection: Connection, stage: int, count: int) -> list[int]:
    rows = database.run(connection, "SELECT id FROM todo WHERE stage = ? ORDER BY id LIMIT ?", (stage, count))
    return [row[0] for row in rows.fetchall()]


def done_work(database: Database, connection: Connection, stage: int, ids: Sequence[int]) -> None:
    """Take work off the list. In the transaction that does it, before it reads its inputs: who brings the same
    work anew meanwhile waits for the end of that transaction, and then it stands on the list again."""
    database.run_many(connection, "DELETE FROM todo WHERE stage = ? AND id = ?", [(stage, number) for number in ids])


def work_off(
    database: Database, lease: Lease, stage: int, do: Callable[[Connection, list[int]], None], *, at_once: int
) -> None:
    """Have all work of a stage done, so much in one transaction. Under the lease of whoever may do it."""
    while True:
        with database.read() as connection:
            ids = take_work(database, connection, stage, at_once)
        if not ids:
            return
        with database.write() as connection:
            fence(database, connection, lease)
            done_work(database, connection, stage, ids)
            do(connection, ids)


def put_up_unmatched(database: Database, connection: Connection, streams: Sequence[int]) -> None:
    """Everything of these streams that belongs to nobody is to be settled."""
    database.run_many(
        connection,
        "INSERT INTO todo (stage, id) SELECT ?, r.id FROM record r LEFT JOIN member m ON m.record = r.id "
        "WHERE r.stream = ? AND m.record IS NULL ON CONFLICT DO NOTHING",
        [(SETTLE, stream) for stream in streams],
    )


def _no_keys(_values: Any) -> tuple[str, ...]:
    return ()


# Of a first load: built once afterwards they cost a third of what keeping them up to date does.
class Index(NamedTuple):
    name: str
    of: str
    unique: bool = False


IDENT_INDEXES: Final = (
    Index("ix_ident_value", "ident (kind, value, record)"),
    Index("ix_ident_record", "ident (record)"),
)
ENTITY_INDEXES: Final = (
    Index("uq_entity_public", "entity (public)", unique=True),
    Index("ix_member_entity", "member (entity)"),
)


def drop_indexes(database: Database, indexes: Sequence[Index]) -> None:
    with database.write() as connection:
        for index in indexes:
            database.run(connection, f"DROP INDEX IF EXISTS {index.name}")


def make_indexes(database: Database, indexes: Sequence[Index]) -> None:
    with database.write() as connection, database.passing(connection):
        for index in indexes:
            unique = "UNIQUE " if index.unique else ""
            database.run(connection, f"CREATE {unique}INDEX IF NOT EXISTS {index.name} ON {index.of}")
