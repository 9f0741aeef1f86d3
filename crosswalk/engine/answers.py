"""What the answer to a write means: whether it has arrived, and what is agreed and noted once it has.

An acknowledgement lands the answer, moves the base of the fields that were sent and of no other, writes the journal and
closes the action, all in one transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

from connectors.sdk.contract import Record, Write
from crosswalk.engine.model import House, Stream
from crosswalk.engine.plan import letter_key
from crosswalk.engine.references import References
from crosswalk.store import letters, outbox
from crosswalk.store.codec import Base, load, load_row, mark, unmark
from crosswalk.store.dialect import Database
from crosswalk.store.leases import fence
from crosswalk.store.outbox import Action
from crosswalk.store.records import (
    ARCHIVED,
    CREATE,
    DELETED,
    LIVE,
    SETTLE,
    UNDO,
    Seen,
    add_work,
    load_bases,
    mark_state,
    save_bases,
)
from mapping.values import ABSENT, Value
from scheduler.leases import Lease


class Target(Struct, frozen=True):
    """The record of an action as the store has it."""

    id: int
    rkey: str
    version: str | None
    observed: list[Value]
    raw: Any


def close(database: Database, connection: Any, action: Action, state: str, reason: str) -> None:
    """Nothing was written: what the action was for is up again."""
    outbox.move(database, connection, [action], state, reason=reason)
    if action.op == "create":
        add_work(database, connection, CREATE, [action.entity])
    elif action.record:
        add_work(database, connection, SETTLE, [action.record])


def targets_of(house: House, connection: Any, records: Sequence[int]) -> dict[int, Target]:
    return {
        row[0]: Target(row[0], row[1], row[2], load_row(bytes(row[3])), load(bytes(row[4])))
        for row in house.database.select(
            connection,
            "SELECT r.id, r.rkey, r.version, b.observed, b.raw FROM record r JOIN body b ON b.record = r.id "
            f"WHERE r.state = {LIVE} AND",
            "r.id",
            records,
        )
    }


UNSEEN: Final = "answered, and not to be seen yet"  # the reason of a write that the vendor says it has done
MADE: Final = "created by the hub"
FOUND: Final = "found as its create went unanswered"
MOVES: Final = ("archive", "restore")  # operations that change no field


def move_of(action: Action) -> Literal["archive", "restore"]:
    return "archive" if action.op == "archive" else "restore"


class Standing(NamedTuple):
    """Where a record stands, whatever its state."""

    rkey: str
    state: int
    version: str | None


def standing(database: Database, connection: Any, records: Sequence[int]) -> dict[int, Standing]:
    rows = database.select(connection, "SELECT id, rkey, state, version FROM record WHERE", "id", records)
    return {row[0]: Standing(row[1], row[2], row[3]) for row in rows}


def fits_move(action: Action, now: Standing) -> bool:
    """May it still be put away, or brought back? `expects`: the version that it was seen with when that was planned."""
    if action.op == "archive":
        return now.state == LIVE and action.expects in (None, now.version)
    return now.state in (ARCHIVED, DELETED)


def has_moved(house: House, stream: Stream, action: Action, record: Record | None) -> bool:
    """Does the vendor show a record (None: it does not) where it was to go?"""
    lives = record is not None and stream.landing(house.database).state_of(record.values) == LIVE
    return lives is (action.op == "restore")


def wanted_of(stream: Stream, action: Action, references: References) -> dict[int, Value]:
    """What the mapping is to write, by position; a reference that its system does not know is left out."""
    wanted: dict[int, Value] = {}
    for one in action.fields:
        at = stream.at.get(one["field"])
        if at is None:
            continue  # no longer mapped
        value = unmark(one["hub"])
        if at in stream.refs:
            value = references.as_remote(stream, value)
        if value is not ABSENT:
            wanted[at] = value
    return wanted


def create_write(house: House, stream: Stream, action: Action) -> Write:
    """A create as it is sent, with its hub id where the stream has a field for it."""
    with house.database.read() as connection:
        wanted = wanted_of(stream, action, References(house, connection))
    values = stream.mapping.write(wanted, over=None, create=True)
    if stream.hub_id is not None:
        put(values, stream.hub_id.path, action.hub_id)
    return Write(str(action.id), "create", None, action.hub_id, values, None)


def stands(
    house: House, connection: Any, stream: Stream, action: Action, observed: Sequence[Value], *,
    unread: Collection[str] = (),
) -> bool:  # fmt: skip
    """Does the record still show what the plan was made for, in the fields that are to be written?

    `unread`: fields that show something which cannot be understood. Plans are made for none of these.
    """
    return all(
        one["field"] not in unread and _stands(house, connection, stream, one, observed) for one in action.fields
    )


def _stands(house: House, connection: Any, stream: Stream, one: Mapping[str, Any], observed: Sequence[Value]) -> bool:
    at = stream.at.get(one["field"])
    if at is None:
        return False
    if at in stream.refs:
        return bool(mark(References(house, connection).seen_once(stream, at, observed[at])) == one["before"])
    return bool(mark(observed[at]) == one["before"])


def arrived(house: House, connection: Any, stream: Stream, action: Action, observed: Sequence[Value]) -> bool:
    """Does the record show all that was sent, as far as it is still mapped?"""
    fields = [one for one in action.fields if one["field"] in stream.at]
    return bool(fields) and all(_arrived(house, connection, stream, one, observed) for one in fields)


def _arrived(house: House, connection: Any, stream: Stream, one: Mapping[str, Any], observed: Sequence[Value]) -> bool:
    at = stream.at[one["field"]]
    if at in stream.refs:
        return References(house, connection).same_there(stream, observed[at], unmark(one["hub"]))
    return _carries(mark(observed[at]), one["after"])


def _carries(shown: Any, sent: Any) -> bool:
    """Is all that was sent shown? A vendor may tell more than it was told: the parts of a name, which one is first."""
    if isinstance(shown, dict) and isinstance(sent, dict):
        return all(name in shown and _carries(shown[name], part) for name, part in sent.items())
    if isinstance(shown, list) and isinstance(sent, list):
        return len(shown) == len(sent) and all(map(_carries, shown, sent))
    return bool(shown == sent)


def shows_before(house: House, stream: Stream, action: Action, record: Record) -> bool:
    """It shows what stood before the write: taken for an answer, that would be an edit which undoes it."""
    if action.op == "create":
        return False
    if action.op in MOVES:
        return not has_moved(house, stream, action, record)
    row, faults = stream.mapping.read(record.values)
    unread = {fault.field for fault in faults}
    with house.database.read() as connection:
        return any(
            _stands(house, connection, stream, one, row) and not _arrived(house, connection, stream, one, row)
            for one in action.fields
            if one["field"] not in unread
        )


def read_back(house: House, stream: Stream, keys: Sequence[str]) -> dict[str, Record]:
    """The records as the vendor shows them now, by key; what it does not show is left out."""
    if not keys:
        return {}
    wanted = set(keys)
    return {
        record.key: record
        for page in house.links[stream.connection].connector.fetch(stream.name, keys)
        for record in page.records
        if record.key in wanted
    }


def acknowledge(
    house: House,
    stream: Stream,
    lease: Lease,
    answered: Sequence[tuple[Action, Record]],
    *,
    run: int,
    atomic: bool,
    unsure: bool = False,
) -> None:
    """Take note of writes that arrived; those of one record one after the other.

    `atomic`: the record is the answer to the write itself. Read back later, somebody may have edited it in between:
    then what the vendor was to show is the base, so that the edit is seen as one. `unsure`: it shows what was sent,
    and somebody else may have written that: it is journaled as such, and an undo leaves it alone.
    """
    while answered:
        now: dict[str, tuple[Action, Record]] = {}
        again: list[tuple[Action, Record]] = []
        for action, record in answered:
            if record.key in now:
                again.append((action, record))
            else:
                now[record.key] = action, record
        _acknowledge(house, stream, lease, list(now.values()), run=run, atomic=atomic, unsure=unsure)
        answered = again


def _acknowledge(
    house: House,
    stream: Stream,
    lease: Lease,
    answered: Sequence[tuple[Action, Record]],
    *,
    run: int,
    atomic: bool,
    unsure: bool,
) -> None:
    database = house.database
    landing = stream.landing(database)
    landing.prepare(len(answered))
    read_no = database.take_ids("read", 1)[0]
    with database.read() as connection:
        seen = landing.prefetch(connection, [record.key for _, record in answered])
    understood = landing.understand(landing.digests(record for _, record in answered))
    # A write's answer is newer than any read: it is landed whatever its stamp says, vendors stamp to the second.
    seen = {key: known._replace(modified=None) for key, known in seen.items()}
    with database.write() as connection:
        fence(database, connection, lease)
        landing.land(connection, understood, seen, read_no=read_no, hub_ids=_new_hub_ids(answered, seen))
        numbers = {
            row[0]: row[1]
            for row in database.select(
                connection, "SELECT rkey, id FROM record WHERE stream = ? AND", "rkey", list(understood),
                first=(stream.id,),
            )
        }  # fmt: skip
        _hold_entities(database, connection, [action for action, _ in answered if action.op == "create"])
        for action, record in answered:
            number = int(numbers[record.key])
            if action.op == "create":
                _belong(house, connection, stream, action, number, run=run, rule=FOUND if unsure else MADE)
            _agree(house, connection, stream, action, number, atomic=atomic)
            op = "unsure" if unsure else None
            outbox.journal(database, connection, action, run=run, record=number, at=house.now(), op=op)
            outbox.move(database, connection, [action], "acked")
            # What it was left as: whether somebody has touched it since is seen by that.
            database.run(
                connection,
                "UPDATE action SET record = ?, expects = ? WHERE id = ?",
                (number, record.version, action.id),
            )
            letters.close_write(database, connection, stream.id, record.key)
            if any(one.get("golden") for one in action.fields):
                add_work(database, connection, UNDO, [action.id])
            if action.op == "create":
                public = database.run(connection, "SELECT public FROM entity WHERE id = ?", (action.entity,)).scalar()
                letters.close_write(database, connection, stream.id, letter_key(str(public)))


def acknowledge_gone(house: House, lease: Lease, action: Action, *, run: int) -> None:
    """Take note that a record was put away where its vendor does not show it."""
    database, record = house.database, action.record or 0
    with database.write() as connection:
        fence(database, connection, lease)
        mark_state(database, connection, [record], DELETED)
        outbox.journal(database, connection, action, run=run, record=record, at=house.now())
        outbox.move(database, connection, [action], "acked")


def _new_hub_ids(answered: Sequence[tuple[Action, Record]], seen: Mapping[str, Seen]) -> dict[str, str]:
    """Of records that the hub has made, by their key."""
    return {
        record.key: action.hub_id
        for action, record in answered
        if action.op == "create" and action.hub_id and record.key not in seen
    }


def _hold_entities(database: Database, connection: Any, creates: Sequence[Action]) -> None:
    """Settling may have joined them with others since: they stay as they are until the answers are written down."""
    for action in creates:
        entity = database.run(connection, "SELECT entity FROM action WHERE id = ?", (action.id,)).scalar()
        action.entity = action.entity if entity is None else int(entity)
    database.hold(connection, "entity", sorted({action.entity for action in creates}))


def _belong(house: House, connection: Any, stream: Stream, action: Action, number: int, *, run: int, rule: str) -> None:
    """The new record is one of the entity that it was made for; the edge says so for good."""
    database = house.database
    there = database.run(connection, "SELECT 1 FROM entity WHERE id = ?", (action.entity,)).fetchone()
    home = database.run(connection, "SELECT entity FROM member WHERE record = ?", (number,)).scalar()
    if home is None and there is not None:
        database.insert(connection, "member", ("record", "entity"), [(number, action.entity)])
    origin = next((one["origin"] for one in action.fields if one["origin"]), None)
    if origin is None:
        origin = database.run(
            connection, "SELECT min(record) FROM member WHERE entity = ? AND record <> ?", (action.entity, number)
        ).scalar()
    if origin is not None and origin != number:
        database.upsert(
            connection,
            "edge",
            ("left", "right", "source"),
            ("left", "right", "source", "verdict", "rule", "score", "who", "at", "run"),
            [
                (
                    min(origin, number), max(origin, number), "created", "same", rule, None, None,
                    house.now(), run,
                )
            ],
        )  # fmt: skip


def _agree(house: House, connection: Any, stream: Stream, action: Action, number: int, *, atomic: bool) -> None:
    database = house.database
    base = load_bases(database, connection, [number]).get(number) or Base()
    golden = _golden_now(house, connection, stream, action.entity)
    observed = load_row(
        bytes(database.run(connection, "SELECT observed FROM body WHERE record = ?", (number,)).scalar())
    )
    sent = set()
    references = References(house, connection)
    for one in action.fields:
        name = one["field"]
        at = stream.at.get(name)
        if at is None:
            continue  # no longer mapped
        sent.add(name)
        if atomic and observed[at] is not ABSENT:
            # Vendors have forms of their own: whether somebody edits it later is seen against what was answered.
            shows = mark(references.seen_once(stream, at, observed[at]) if at in stream.refs else observed[at])
            if shows != one["after"]:
                one["shows"] = shows
        if atomic or _arrived(house, connection, stream, one, observed):
            base.side.pop(name, None)
        elif at in stream.refs:
            base.side[name] = [mark(references.as_remote(stream, unmark(one["hub"]))), None]
        else:
            base.side[name] = [one["after"], None]
        holds = one.get("held", one["hub"])  # of a write that is taken back the hub holds something else than was sent
        if mark(golden.get(name, ABSENT)) == holds:
            base.hub.pop(name, None)
        else:
            base.hub[name] = [holds]
    if action.op == "create":
        seen = references.seen_once if stream.refs else None
        for at, name in enumerate(stream.mapping.fields):
            shows, holds = observed[at], golden.get(name, ABSENT)
            if name in sent:
                continue
            if shows is ABSENT or shows is None:
                if holds is not ABSENT and holds is not None:
                    base.hub[name] = []  # a gap, to be filled once it can be
                continue
            if seen is not None and at in stream.refs:
                shows = seen(stream, at, shows)
            if shows != holds:
                base.hub[name] = None  # nothing of it was ever agreed: see engine.settle
    save_bases(database, connection, {number: base})
    add_work(database, connection, SETTLE, [number])


def _golden_now(house: House, connection: Any, stream: Stream, entity: int) -> dict[str, Value]:
    row = house.database.run(connection, "SELECT vals FROM golden WHERE entity = ?", (entity,)).fetchone()
    if row is None:
        return {}
    return dict(zip(stream.layout.fields, load_row(bytes(row[0])), strict=False))


def put(values: dict[str, Any], path: str, value: Any) -> None:
    """Set a nested key of a vendor's shape by its path ("custom_fields.ab12")."""
    *above, last = path.split(".")
    inner = values
    for name in above:
        inner = inner.setdefault(name, {})
    inner[last] = value


def at_path(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def twin_of(house: House, stream: Stream, action: Action, write: Write) -> Record | None:
    """A record at the vendor that is the one of this create: by its hub id, else by an identifier that both carry.

    One that the store knows is none: what there was before a create is read before the create is sent.
    """
    found = house.links[stream.connection].connector.find(stream.name, write)
    if not found:
        return None
    if stream.hub_id is not None:
        for record in found:
            if at_path(record.values, stream.hub_id.path) == action.hub_id:
                return record
    mine = set(stream.identifiers(row_of(stream, action)))
    with house.database.read() as connection:
        known = {
            row[0]
            for row in house.database.select(
                connection, "SELECT rkey FROM record WHERE stream = ? AND", "rkey", [one.key for one in found],
                first=(stream.id,),
            )
        }  # fmt: skip
    for record in found:
        if record.key in known:
            continue
        row, _ = stream.mapping.read(record.values)
        if mine & set(stream.identifiers(row)):
            return record
    return None


def row_of(stream: Stream, action: Action) -> list[Value]:
    """What an action wants, as a row of its stream's mapping."""
    row: list[Value] = [ABSENT] * len(stream.mapping.fields)
    for one in action.fields:
        at = stream.at.get(one["field"])
        if at is not None:
            row[at] = unmark(one["hub"])
    return row
