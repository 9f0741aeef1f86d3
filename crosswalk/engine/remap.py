"""A changed mapping: what is stored is read again from raw, observed and base together, without a call.

A change of form alone (the reading of a field changes, its values do not) leaves everything at rest. A field whose
value reads differently now has no base any more: survivorship decides what it means for golden, and the plan shows
it before anything is written. The same holds for fields that may be written now and could not be before, and for
fields with a changed policy.

A field that a vendor hides or closes for a while keeps its base: nothing of it means anything else by that. Once it
may be written again it is shown what golden has become since.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from crosswalk.engine.model import House, Stream
from crosswalk.store import letters, meta
from crosswalk.store.codec import Base, digest, dump, load, load_row, mark, unmark
from crosswalk.store.leases import fence
from crosswalk.store.records import (
    ARCHIVED,
    CREATE,
    DELETED,
    MERGE,
    MERGED,
    SETTLE,
    add_work,
    load_bases,
    outdate_profiles,
    save_bases,
)
from mapping.values import ABSENT, Value
from scheduler.leases import Lease

_BATCH: Final = 500


def needs_remap(house: House) -> bool:
    """Is something stored that another mapping has read?"""
    with house.database.read() as connection:
        return any(
            house.database.run(
                connection,
                "SELECT 1 FROM record WHERE stream = ? AND mapping <> ? LIMIT 1",
                (stream.id, stream.mapping_id),
            ).fetchone()
            is not None
            for stream in house.streams.values()
        )


def remap(house: House, lease: Lease, *, run: int) -> int:
    """Bring everything stored to the mappings and policies of today; how many records were read again."""
    _note_absent(house, lease)
    count = 0
    for stream in house.streams.values():
        count += _reread(house, lease, stream, run=run)
        _forget_renewed(house, lease, stream)
        _reconsider(house, lease, stream)
    return count


def _reread(house: House, lease: Lease, stream: Stream, *, run: int) -> int:
    database = house.database
    count = after = 0
    former: dict[int, tuple[list[str], list[str]]] = {}
    while True:
        with database.read() as connection:
            rows = database.run(
                connection,
                "SELECT r.id, r.mapping, r.read_no, r.state, r.hash, b.raw, b.observed, r.rkey FROM record r "
                "JOIN body b ON b.record = r.id "
                "WHERE r.stream = ? AND r.mapping <> ? AND r.id > ? ORDER BY r.id LIMIT ?",
                (stream.id, stream.mapping_id, after, _BATCH),
            ).fetchall()
            for number in {row[1] for row in rows} - former.keys():
                former[number] = _former(house, connection, number)
            mending = bool(rows) and letters.any_open(database, connection, stream.id, "read")
        if not rows:
            return count
        after = rows[-1][0]
        news = []
        keys = {row[0]: str(row[7]) for row in rows}
        faults: dict[int, Sequence[Any]] = {}
        removed = {row[0]: row[3] for row in rows if row[3] in (DELETED, MERGED) and row[4] is None}
        for record, mapping, _, _, _, raw, observed, _ in rows:
            values = load(bytes(raw))
            row, faults[record] = stream.mapping.read(values)
            fields, signs = former[mapping]
            before = dict(zip(fields, load_row(bytes(observed)), strict=True))
            prints = dict(zip(fields, signs, strict=True))
            for at, name in enumerate(stream.mapping.fields):
                # Absent is never a change: what was seen earlier than this raw record still stands.
                if row[at] is ABSENT and prints.get(name) == stream.mapping.prints[at].hex():
                    row[at] = before[name]
            news.append((record, values, row, before, dict(zip(fields, signs, strict=True))))
        idents = {record: stream.identifiers(row) for record, _, row, _, _ in news}
        with database.write() as connection:
            fence(database, connection, lease)
            database.hold(connection, "record", [row[0] for row in rows])
            unmoved = {
                (row[0], row[1], row[2])
                for row in database.select(
                    connection, "SELECT id, mapping, read_no FROM record WHERE", "id", [row[0] for row in rows]
                )
            }
            still = {row[0] for row in rows if (row[0], row[1], row[2]) in unmoved}
            news = [one for one in news if one[0] in still]  # the others have been landed anew in between
            bases = load_bases(database, connection, [row[0] for row in rows])
            changed: dict[int, Base] = {}
            states = []
            for record, values, row, before, prints in news:
                base = bases.get(record, Base())
                _carry_over(stream, base, row, before, prints)
                changed[record] = base
                # A vendor that took a record off its lists said so; what was read of it before cannot know.
                state = removed.get(record)
                state = _state(house, stream, values) if state is None else state
                states.append((state, stream.mapping_id, record))
            database.run_many(connection, "UPDATE record SET state = ?, mapping = ? WHERE id = ?", states)
            database.run_many(
                connection,
                "UPDATE body SET observed = ? WHERE record = ?",
                [(dump(row), record) for record, _, row, _, _ in news],
            )
            save_bases(database, connection, changed)
            there = {keys[record]: faults[record] for record in changed if record not in removed}
            if mending or any(there.values()):
                _set_aside(house, connection, stream, there, run=run)
            outdate_profiles(database, connection, list(changed))
            database.delete(connection, "ident", "record", list(changed))
            alive = {record for state, _, record in states if state <= ARCHIVED}
            database.insert(
                connection,
                "ident",
                ("kind", "value", "record"),
                [(kind, value, record) for record in alive for kind, value in idents[record]],
            )
            mapping = stream.mapping
            told = ((one[0], mapping.aliases(one[1]), mapping.conversions(one[1])) for one in news)
            stream.landing(database).note_keys(connection, told)
            add_work(database, connection, SETTLE, list(changed))
        count += len(rows)


def _set_aside(house: House, connection: Any, stream: Stream, faults: Mapping[str, Sequence[Any]], *, run: int) -> None:
    """Fields that this mapping cannot understand; what an earlier one could not, and this one can, is closed."""
    keep = {key: {"", *(fault.field for fault in some)} for key, some in faults.items()}
    letters.close_read(house.database, connection, stream.id, keep)
    posts = [letters.of_field(stream.id, key, fault) for key, some in faults.items() for fault in some]
    letters.post(house.database, connection, posts, at=house.now(), run=run)


def _state(house: House, stream: Stream, values: Any) -> int:
    return stream.landing(house.database).state_of(values)


def _former(house: House, connection: Any, number: int) -> tuple[list[str], list[str]]:
    row = house.database.run(connection, "SELECT fields, prints FROM mapping WHERE id = ?", (number,)).fetchone()
    return load(bytes(row[0])), load(bytes(row[1]))


def _carry_over(
    stream: Stream, base: Base, row: Sequence[Value], before: dict[str, Value], prints: dict[str, str]
) -> None:
    """Bases of a record under another mapping: kept where the field still reads what it read."""
    for at, name in enumerate(stream.mapping.fields):
        same = prints.get(name) == stream.mapping.prints[at].hex()
        if same:
            continue
        known = name in before
        side = base.side.get(name)
        if known and side is not None and side[1] is not None:
            reread, _ = stream.mapping.read(base.raws[side[1]])
            side[0] = mark(reread[at])
            if unmark(side[0]) == row[at]:
                del base.side[name]
        elif known and before[name] == row[at]:
            continue
        else:
            base.side.pop(name, None)
            if row[at] is not ABSENT or not known:
                base.hub[name] = None  # nothing is agreed of it: see engine.settle
    for name in list(base.side):
        if name not in stream.at:
            del base.side[name]
    for name in list(base.hub):
        if name not in stream.at:
            del base.hub[name]


def _reconsider(house: House, lease: Lease, stream: Stream) -> None:
    """Fields of which the policy or the right to write has changed since the last run start without a base."""
    database = house.database
    now = {name: _sign(house, stream, name, stream.may_write(at)) for at, name in enumerate(stream.mapping.fields)}
    creates = f"{'create' in stream.writes} {sorted(stream.create_from)}"
    key = f"rights:{stream.id}"
    told = meta.get(database, key)
    then: dict[str, Any] = {} if told is None else load(told)
    known = then.get("fields", {})
    changed = [name for name, sign in now.items() if name in known and known[name] != sign]
    if then.get("absent"):
        changed = list(now)  # it was not listed for a while: what golden has become since has passed it by
    closed: dict[str, int] = {name: at for name, at in then.get("closed", {}).items() if name not in changed}
    opened: dict[str, int] = {}
    if "update" in stream.writes and not then.get("absent"):
        for name in changed:
            may = stream.may_write(stream.at[name])
            if known[name] != _sign(house, stream, name, not may):
                continue
            if not may:
                closed[name] = house.now()
            elif name in then.get("closed", {}):
                opened[name] = then["closed"][name]
    today = {"fields": now, "creates": creates, **({"closed": closed} if closed else {})}
    if then == today:
        return
    changed = [name for name in changed if name not in closed and name not in opened]
    if changed or opened:
        for records in _all_records(house, stream):
            with database.write() as connection:
                fence(database, connection, lease)
                database.hold(connection, "record", records)
                bases = load_bases(database, connection, records)
                for record in records:
                    base = bases.setdefault(record, Base())
                    for name in changed:
                        base.hub[name] = None  # see above
                for record, name, held in _missed(house, connection, records, opened):
                    if bases[record].hub.get(name, False) is False:  # else it has none, or waits for a write anyway
                        bases[record].hub[name] = [held]
                save_bases(database, connection, bases)
                _up(house, connection, MERGE, records)
    if creates != then.get("creates") or then.get("absent"):  # who was there before it may be made there
        with database.write() as connection:
            fence(database, connection, lease)
            rows = database.run(connection, "SELECT id FROM entity WHERE kind = ?", (stream.kind,)).fetchall()
            add_work(database, connection, CREATE, [row[0] for row in rows])
    with database.write() as connection:
        fence(database, connection, lease)
        meta.put(database, connection, key, dump(today))


def _forget_renewed(house: House, lease: Lease, stream: Stream) -> None:
    """Fields that a vendor has made anew under the name of others: what those showed says nothing of them.

    So nobody has cleared them, empty as they are: nothing is agreed of them, and the stream is read from its beginning.
    """
    database = house.database
    key = f"marks:{stream.id}"
    told = meta.get(database, key)
    known: dict[str, str] = {} if told is None else load(told)
    marks = {one.name: one.mark for one in stream.catalogue if one.mark is not None and not one.paused}
    if known == {**known, **marks}:
        return
    renewed = {name for name, mark in marks.items() if known.get(name, mark) != mark}
    lines = [line.field for line in stream.mapping.describe() if not renewed.isdisjoint(line.vendor_fields)]
    names = [name for name in dict.fromkeys(lines) if name in stream.at]
    paths = [one.path.split(".") for one in stream.catalogue if one.name in renewed]
    for records in _all_records(house, stream) if names else ():
        with database.write() as connection:
            fence(database, connection, lease)
            database.hold(connection, "record", records)
            _forget_shown(house, connection, stream, records, names, paths)
            _up(house, connection, MERGE, records)
    with database.write() as connection:
        fence(database, connection, lease)
        if names:
            database.run(
                connection,
                "UPDATE part SET watermark = NULL, position = NULL, since = NULL "
                "WHERE stream = ? AND substr(name, 1, 1) <> '~'",
                (stream.id,),
            )
        meta.put(database, connection, key, dump({**known, **marks}))


def _forget_shown(
    house: House, connection: Any, stream: Stream, records: Sequence[int], names: Sequence[str],
    paths: Sequence[Sequence[str]],
) -> None:  # fmt: skip
    """Take from these records what they showed in these fields, which stood at these places: it is not known."""
    database = house.database
    bases = load_bases(database, connection, records)
    bodies = []
    for record, raw, observed in database.select(
        connection, "SELECT record, raw, observed FROM body WHERE", "record", records
    ):
        values, row = load(bytes(raw)), load_row(bytes(observed))
        for path in paths:
            _take_out(values, path)
        base = bases.setdefault(record, Base())
        for name in names:
            row[stream.at[name]] = ABSENT
            base.side.pop(name, None)
            base.hub[name] = None
        bodies.append((dump(values), dump(row), record))
    save_bases(database, connection, bases)
    database.run_many(connection, "UPDATE body SET raw = ?, observed = ? WHERE record = ?", bodies)
    outdate_profiles(database, connection, records)
    alive = [(record, ARCHIVED) for record in records]
    database.run_many(connection, "UPDATE record SET hash = NULL WHERE id = ? AND state <= ?", alive)


def _take_out(values: Any, path: Sequence[str]) -> None:
    for step in path[:-1]:
        values = values.get(step) if isinstance(values, dict) else None
    if isinstance(values, dict):
        values.pop(path[-1], None)


def _sign(house: House, stream: Stream, name: str, may_write: bool) -> str:
    return digest(f"{house.policies.print_of(stream.kind, name)} {may_write}".encode()).hex()


def _missed(
    house: House, connection: Any, records: Sequence[int], opened: Mapping[str, int]
) -> Iterator[tuple[int, str, Any]]:
    """What golden held, by record and field, when the field was closed (`opened`: when that was), where it is something
    else by now."""
    if not opened:
        return
    database = house.database
    of = dict(database.select(connection, "SELECT record, entity FROM member WHERE", "record", records))
    held: dict[tuple[int, str], Any] = {}
    for entity, at, before in database.select(
        connection,
        "SELECT entity, at, before FROM golden_history WHERE at >= ? AND",
        "entity",
        sorted(set(of.values())),
        tail="ORDER BY run",
        first=(min(opened.values()),),
    ):
        for name, stood in load(bytes(before)).items():
            if name in opened and at >= opened[name]:
                held.setdefault((entity, name), stood[0])
    for record, entity in of.items():
        for name in opened:
            if (entity, name) in held:
                yield record, name, held[entity, name]


def _note_absent(house: House, lease: Lease) -> None:
    """Streams that are no longer listed take no part, and begin without a base when they come back."""
    database = house.database
    listed = {f"rights:{stream.id}" for stream in house.streams.values()}
    with database.read() as connection:
        rows = database.run(connection, "SELECT name, value FROM meta WHERE substr(name, 1, 7) = 'rights:'").fetchall()
    told = {row[0]: load(bytes(row[1])) for row in rows}
    left = {name: value for name, value in told.items() if name not in listed and not value.get("absent")}
    if left:
        with database.write() as connection:
            fence(database, connection, lease)
            for name, value in left.items():
                meta.put(database, connection, name, dump({**value, "absent": True}))


def _all_records(house: House, stream: Stream) -> Iterable[list[int]]:
    """Those that are gone too: they may come back."""
    after = 0
    while True:
        with house.database.read() as connection:
            rows = house.database.run(
                connection,
                "SELECT id FROM record WHERE stream = ? AND id > ? ORDER BY id LIMIT ?",
                (stream.id, after, _BATCH),
            ).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [row[0] for row in rows]


def _up(house: House, connection: Any, stage: int, records: Sequence[int]) -> None:
    entities = {
        row[0] for row in house.database.select(connection, "SELECT entity FROM member WHERE", "record", records)
    }
    add_work(house.database, connection, stage, entities)
