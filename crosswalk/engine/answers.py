"""What the answer to a write means: whether it has arrived, and what is agreed and noted once it has.

An acknowledgement lands the answer, moves the base of the fields that were sent and of no other, writes the journal and
closes the action, all in one transaction.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import eq
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

from connectors.sdk.contract import Record, Write
from crosswalk.engine.entities import EDGE_COLUMNS
from crosswalk.engine.kept import is_form
from crosswalk.engine.model import House, Stream
from crosswalk.engine.references import References
from crosswalk.store import letters, outbox
from crosswalk.store.codec import Base, load, load_row, mark, unmark
from crosswalk.store.dialect import Database, once_more
from crosswalk.store.goldens import load_goldens
from crosswalk.store.leases import fence
from crosswalk.store.letters import letter_key
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


def close(database: Database, connection: Any, actions: Sequence[Action], state: str, reason: str) -> None:
    """Nothing was written: what these were for is up again."""
    outbox.move(database, connection, actions, state, reason=reason)
    add_work(database, connection, CREATE, [action.entity for action in actions if action.op == "create"])
    add_work(
        database, connection, SETTLE, [action.record for action in actions if action.op != "create" and action.record]
    )


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


_ERASED: Final = "what shows it there is of somebody who was erased"
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


def all_wanted(house: House, stream: Stream, actions: Sequence[Action]) -> list[dict[int, Value]]:
    """What is to be written for each of these, in their order."""
    with house.database.read() as connection:
        references = References(house, connection)
        references.look_for(stream, named(stream, actions))
        return [wanted_of(stream, action, references) for action in actions]


def named(stream: Stream, actions: Iterable[Action]) -> Iterator[Value]:
    """The references that these actions are to show."""
    for action in actions:
        for one in action.fields:
            if stream.at.get(one["field"]) in stream.refs:
                yield unmark(one["hub"])


def create_writes(house: House, stream: Stream, actions: Sequence[Action]) -> list[Write]:
    """Creates as they are sent, with their hub ids where the stream has a field for them."""
    writes = []
    for action, wanted in zip(actions, all_wanted(house, stream, actions), strict=True):
        values = stream.mapping.write(wanted, over=None, create=True)
        if stream.hub_id is not None:
            put(values, stream.hub_id.path, action.hub_id)
        writes.append(Write(str(action.id), "create", None, action.hub_id, values, None))
    return writes


def stands(
    references: References, stream: Stream, action: Action, observed: Sequence[Value], *, unread: Collection[str] = ()
) -> bool:
    """Does the record still show what the plan was made for, in the fields that are to be written?

    `unread`: fields that show something which cannot be understood. Plans are made for none of these.
    """
    return all(one["field"] not in unread and _stands(references, stream, one, observed) for one in action.fields)


def _stands(references: References, stream: Stream, one: Mapping[str, Any], observed: Sequence[Value]) -> bool:
    at = stream.at.get(one["field"])
    if at is None:
        return False
    seen = references.seen_once(stream, at, observed[at])
    unread = at in stream.refs and references.is_unread(stream, observed[at])
    return not unread and bool(mark(seen) == one["before"])


def arrived(
    references: References, stream: Stream, action: Action, observed: Sequence[Value], *, formed: bool = False
) -> bool:
    """Does the record show all that was sent, as far as it is still mapped? `formed`: in the vendor's form, too."""
    same = is_form if formed else eq
    fields = [one for one in action.fields if one["field"] in stream.at]
    return bool(fields) and all(_arrived(references, stream, one, observed, same) for one in fields)


def _arrived(
    references: References,
    stream: Stream,
    one: Mapping[str, Any],
    observed: Sequence[Value],
    same: Callable[[Any, Any], bool] = eq,
) -> bool:
    at = stream.at[one["field"]]
    if at in stream.refs:
        return references.same_there(stream, observed[at], unmark(one["hub"]))
    return _carries(mark(observed[at]), one["after"], same)


def _carries(shown: Any, sent: Any, same: Callable[[Any, Any], bool] = eq) -> bool:
    """Is all that was sent shown? A vendor may tell more than it was told: the parts of a name, which one is first; and
    texts of a list in an order of its own.
    """
    if isinstance(shown, dict) and isinstance(sent, dict):
        return all(name in shown and _carries(shown[name], part, same) for name, part in sent.items())
    if isinstance(shown, list) and isinstance(sent, list):
        pairs = zip(_in_order(shown), _in_order(sent), strict=True) if len(shown) == len(sent) else None
        return pairs is not None and all(_carries(*both, same) for both in pairs)
    return same(shown, sent)


def _in_order(values: list[Any]) -> list[Any]:
    return sorted(values, key=str.casefold) if all(isinstance(one, str) for one in values) else values


def not_shown_yet(house: House, stream: Stream, answered: Sequence[tuple[Action, Record]]) -> set[int]:
    """Actions whose record shows what stood before the write: taken for an answer, that would be an edit which undoes
    it."""
    moves = [(action, record) for action, record in answered if action.op in MOVES]
    back = {action.id for action, record in moves if not has_moved(house, stream, action, record)}
    updates = [(action, *stream.mapping.read(record.values)) for action, record in answered if action.op == "update"]
    with house.database.read() as connection:
        references = References(house, connection)
        references.look_up(stream, [row for _, row, _ in updates])
        references.look_for(stream, named(stream, [action for action, _, _ in updates]))
        for action, row, faults in updates:
            unread = {fault.field for fault in faults}
            if any(
                _stands(references, stream, one, row) and not _arrived(references, stream, one, row)
                for one in action.fields
                if one["field"] not in unread
            ):
                back.add(action.id)
    return back


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
    then what the vendor was to show is the base, so that the edit is seen as one, unless it is but the vendor's form.
    `unsure`: it shows what was sent, and somebody else may have written that: it is journaled as such, and an undo
    leaves it alone.
    """
    while answered:
        now: dict[str, tuple[Action, Record]] = {}
        again: list[tuple[Action, Record]] = []
        for action, record in answered:
            if record.key in now:
                again.append((action, record))
            else:
                now[record.key] = action, record
        mine = list(now.values())
        once_more(partial(_acknowledge, house, stream, lease, mine, run=run, atomic=atomic, unsure=unsure))
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
    read_no = database.take_ids("read", 1)[0]
    with database.read() as connection:
        seen = landing.prefetch(connection, [record.key for _, record in answered])
    landing.prepare([record.key for _, record in answered], seen)
    understood = landing.understand(landing.digests(record for _, record in answered))
    # A write's answer is newer than any read: it is landed whatever its stamp says, vendors stamp to the second.
    seen = {key: known._replace(modified=None) for key, known in seen.items()}
    with database.write() as connection:
        fence(database, connection, lease)
        ours = () if unsure else list(understood)
        landing.land(connection, understood, seen, read_no=read_no, hub_ids=_new_hub_ids(answered, seen), ours=ours)
        numbers = {
            row[0]: row[1]
            for row in database.select(
                connection, "SELECT rkey, id FROM record WHERE stream = ? AND", "rkey", list(understood),
                first=(stream.id,),
            )
        }  # fmt: skip
        if kept_out := [action for action, record in answered if record.key not in numbers]:
            close(database, connection, kept_out, "moved", _ERASED)
            answered = [(action, record) for action, record in answered if record.key in numbers]
        written = [(action, int(numbers[record.key])) for action, record in answered]
        created = [(action, number) for action, number in written if action.op == "create"]
        publics = _hold_entities(database, connection, [action for action, _ in created])
        _belong(house, connection, created, publics, run=run, rule=FOUND if unsure else MADE)
        _agree(house, connection, stream, written, atomic=atomic)
        op = "unsure" if unsure else None
        outbox.journal(database, connection, written, run=run, at=house.now(), op=op)
        outbox.acknowledge(
            database, connection, [(action, numbers[record.key], record.version) for action, record in answered]
        )
        keys = [record.key for _, record in answered]
        letters.close_write(database, connection, stream.id, [*keys, *map(letter_key, publics.values())])
        undone = [action.id for action, _ in answered if any(one.get("golden") for one in action.fields)]
        add_work(database, connection, UNDO, undone)


def acknowledge_gone(house: House, lease: Lease, actions: Sequence[Action], *, run: int) -> None:
    """Take note that the records of these were put away where their vendor does not show them."""
    database = house.database
    written = [(action, action.record or 0) for action in actions]
    with database.write() as connection:
        fence(database, connection, lease)
        mark_state(database, connection, [record for _, record in written], DELETED, limit=house.rules.limit)
        outbox.journal(database, connection, written, run=run, at=house.now())
        outbox.move(database, connection, actions, "acked")


def _new_hub_ids(answered: Sequence[tuple[Action, Record]], seen: Mapping[str, Seen]) -> dict[str, str]:
    """Of records that the hub has made, by their key."""
    return {
        record.key: action.hub_id
        for action, record in answered
        if action.op == "create" and action.hub_id and record.key not in seen
    }


def _hold_entities(database: Database, connection: Any, creates: Sequence[Action]) -> dict[int, str]:
    """Settling may have joined them with others since: they stay as they are until the answers are written down.

    Answers those that are there, with their public ids.
    """
    now = dict(
        database.select(connection, "SELECT id, entity FROM action WHERE", "id", [action.id for action in creates])
    )
    for action in creates:
        action.entity = int(now.get(action.id, action.entity))
    entities = sorted({action.entity for action in creates})
    database.hold(connection, "entity", entities)
    return dict(database.select(connection, "SELECT id, public FROM entity WHERE", "id", entities))


def _belong(
    house: House,
    connection: Any,
    created: Sequence[tuple[Action, int]],
    there: Collection[int],
    *,
    run: int,
    rule: str,
) -> None:
    """Each new record is one of the entity that it was made for, if that is `there`; an edge says so for good."""
    database, at = house.database, house.now()
    members: dict[int, set[int]] = defaultdict(set)
    for record, entity in database.select(
        connection, "SELECT record, entity FROM member WHERE", "entity", sorted(there)
    ):
        members[entity].add(record)
    numbers = [number for _, number in created]
    at_home = {row[0] for row in database.select(connection, "SELECT record FROM member WHERE", "record", numbers)}
    settled, edges = [], []
    for action, number in created:
        if number not in at_home and action.entity in there:
            settled.append((number, action.entity))
            members[action.entity].add(number)
        origin = next((one["origin"] for one in action.fields if one["origin"]), None)
        if origin is None:
            origin = min(members[action.entity] - {number}, default=None)
        if origin is not None and origin != number:
            ends = min(origin, number), max(origin, number)
            edges.append((*ends, "created", "same", rule, None, None, at, run))
    database.insert(connection, "member", ("record", "entity"), settled)
    database.upsert(connection, "edge", ("left", "right", "source"), EDGE_COLUMNS, edges)


def _agree(
    house: House, connection: Any, stream: Stream, written: Sequence[tuple[Action, int]], *, atomic: bool
) -> None:
    """Move the bases of these records, as they have been landed."""
    database = house.database
    numbers = [number for _, number in written]
    bases = load_bases(database, connection, numbers)
    shown = {
        record: load_row(bytes(observed))
        for record, observed in database.select(
            connection, "SELECT record, observed FROM body WHERE", "record", numbers
        )
    }
    fields = stream.layout.fields
    goldens = load_goldens(database, connection, [action.entity for action, _ in written], len(fields))
    references = References(house, connection)
    references.look_up(stream, list(shown.values()))
    references.look_for(stream, named(stream, [action for action, _ in written]))
    for action, number in written:
        golden = goldens.get(action.entity)
        held = {} if golden is None else dict(zip(fields, golden.values, strict=False))
        base = bases.setdefault(number, Base())
        _agree_on_sent(references, stream, action, base, shown[number], held, atomic=atomic)
        if action.op == "create":
            _compare_rest(references, stream, action, base, shown[number], held)
    save_bases(database, connection, bases)
    add_work(database, connection, SETTLE, numbers)


def _agree_on_sent(
    references: References,
    stream: Stream,
    action: Action,
    base: Base,
    observed: Sequence[Value],
    golden: Mapping[str, Value],
    *,
    atomic: bool,
) -> None:
    """Of the fields that were sent."""
    for one in action.fields:
        name = one["field"]
        at = stream.at.get(name)
        if at is None:
            continue  # no longer mapped
        told = atomic or (at not in stream.refs and _carries(mark(observed[at]), one["after"], is_form))
        if told and observed[at] is not ABSENT:
            # Vendors have forms of their own: whether somebody edits it later is seen against what was answered.
            shows = mark(references.seen_once(stream, at, observed[at]))
            if shows != one["after"]:
                one["shows"] = shows
        if told or _arrived(references, stream, one, observed):
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


def _compare_rest(
    references: References,
    stream: Stream,
    action: Action,
    base: Base,
    observed: Sequence[Value],
    golden: Mapping[str, Value],
) -> None:
    """Of the fields of a new record that were not sent."""
    sent = {one["field"] for one in action.fields}
    for at, name in enumerate(stream.mapping.fields):
        shows, holds = observed[at], golden.get(name, ABSENT)
        if name in sent:
            continue
        if shows is ABSENT or shows is None:
            if holds is not ABSENT and holds is not None:
                base.hub[name] = []  # a gap, to be filled once it can be
        elif references.seen_once(stream, at, shows) != holds:
            base.hub[name] = None  # nothing of it was ever agreed: see engine.settle


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
