"""Apply: send what was planned, learn what became of it, and never send the same thing twice.

Per stream, under its lease. A chunk of actions is read again first, since what moved there since is planned anew.
What is about to be sent is marked so before it leaves; an answer is landed like any read, and the base of the fields
that were sent moves in the same transaction that writes the journal. Between the mark and that transaction the
outcome is unknown: `resolve` finds out, by looking.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from connectors.sdk.contract import Outcome, RemoteRecord, Write
from connectors.sdk.errors import ConnectorError, GrantError, LaterError, RecordError, UnknownOutcomeError
from crosswalk.engine.identify import carriers, propose
from crosswalk.engine.model import House, Link, Stream
from crosswalk.engine.plan import inhabited, inputs_of, letter_key
from crosswalk.engine.pull import catch_up, fetch_records, remove
from crosswalk.engine.references import References
from crosswalk.store import letters, outbox
from crosswalk.store.codec import Base, dump, load, load_row, mark, unmark
from crosswalk.store.dialect import Database, batches
from crosswalk.store.leases import fence
from crosswalk.store.outbox import Action
from crosswalk.store.records import CREATE, LIVE, SETTLE, add_work, load_bases, save_bases
from mapping.values import ABSENT, Value
from scheduler.leases import Lease

LOOK_EVERY: Final = 20  # creates between two looks for what others have made meanwhile
CHUNK: Final = 50  # actions that are read again in one go
_STORM: Final = 20  # refusals from which the share of them counts
_STORM_SHARE: Final = 0.5


@dataclass
class Applied:
    """What became of the actions of one stream."""

    written: int = 0
    moved: int = 0
    aside: int = 0
    later: int = 0
    unknown: int = 0
    stormy: bool = False
    created: int = 0
    problem: ConnectorError | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The record of an action as the store has it."""

    id: int
    rkey: str
    version: str | None
    observed: list[Value]
    raw: Any


def apply_stream(house: House, stream: Stream, lease: Lease, actions: Sequence[Action], *, run: int) -> Applied:
    """Send these actions of one stream; parents were sent before. Stops early where the vendor cannot take more."""
    applied = Applied()
    sender = _Sender(house, stream, lease, run, applied)
    creates = [action for action in actions if action.op == "create"]
    updates = [action for action in actions if action.op != "create"]
    try:
        for chunk in batches(updates, CHUNK):
            if house.stop.is_set() or applied.stormy:
                break
            sender.updates(chunk)
        for chunk in batches(creates, LOOK_EVERY):
            if house.stop.is_set() or applied.stormy:
                break
            sender.creates(chunk)
    except (LaterError, GrantError) as error:
        applied.problem = error
    return applied


class _Sender:
    """One stream's way out."""

    def __init__(self, house: House, stream: Stream, lease: Lease, run: int, applied: Applied) -> None:
        self._house = house
        self._database = house.database
        self._stream = stream
        self._link: Link = house.links[stream.connection]
        self._lease = lease
        self._run = run
        self._applied = applied

    # -- updates ---------------------------------------------------------------------------------------------

    def updates(self, actions: Sequence[Action]) -> None:
        stream = self._stream
        before = self._targets(actions)
        keys = [before[action.record].rkey for action in actions if action.record in before]
        if stream.spec.precondition == "none":
            _, missing = fetch_records(self._house, stream, keys, self._lease, run=self._run)
            if missing:
                remove(self._house, stream, missing, self._lease)
        targets = self._targets(actions)
        still: list[Action] = []
        gone: list[Action] = []
        with self._database.read() as connection:
            bases = load_bases(self._database, connection, list(targets))
            for action in actions:
                target, base = targets.get(action.record or 0), bases.get(action.record or 0)
                # What somebody has edited since is in `side`, until it is settled.
                edited = base is not None and any(one["field"] in base.side for one in action.fields)
                fits = target is not None and not edited
                fits = fits and stands(self._house, connection, stream, action, target.observed if target else ())
                (still if fits else gone).append(action)
        if gone:
            with self._database.write() as connection:
                fence(self._database, connection, self._lease)
                outbox.move(self._database, connection, gone, "moved", reason="changed there since it was planned")
                add_work(self._database, connection, SETTLE, [action.record for action in gone if action.record])
            self._applied.moved += len(gone)
        for batch in batches(still, max(1, stream.spec.batch)):
            if self._house.stop.is_set():
                return
            writes = self._writes(batch, targets)
            self._send(batch, writes, {action.id: targets[action.record or 0].rkey for action in batch})

    def _targets(self, actions: Sequence[Action]) -> dict[int, Target]:
        with self._database.read() as connection:
            return targets_of(self._house, connection, [action.record for action in actions if action.record])

    def _writes(self, actions: Sequence[Action], targets: Mapping[int, Target]) -> list[Write]:
        writes = []
        with self._database.read() as connection:
            references = References(self._house, connection)
            for action in actions:
                target = targets[action.record or 0]
                wanted = wanted_of(self._stream, action, references)
                values = self._stream.mapping.write(wanted, over=target.raw)
                expects = target.version if self._stream.spec.precondition != "none" else None
                writes.append(Write(str(action.id), "update", target.rkey, action.hub_id, values, expects))
        return writes

    # -- creates ---------------------------------------------------------------------------------------------

    def creates(self, actions: Sequence[Action]) -> None:
        """Look first where the vendor has no unique key. One read of what changed there serves many creates, and shows
        more than a search does, whose index lags; where nothing can be read by time each is searched for."""
        stream = self._stream
        unique = stream.hub_id is not None and stream.spec.hub_id_unique
        by_time = stream.spec.cursor == "modified"
        if not unique and by_time:
            catch_up(self._house, stream, self._lease, run=self._run)
        for action in actions:
            if self._house.stop.is_set() or self._applied.stormy:
                return
            if not self._is_wanted(action) or (not unique and by_time and self._is_there(action)):
                continue
            self._create(action, search=not unique and not by_time)

    def _is_wanted(self, action: Action) -> bool:
        """Since it was planned its entity may have become one with another that has a record here."""
        with self._database.write() as connection:
            fence(self._database, connection, self._lease)
            there = self._database.run(connection, "SELECT 1 FROM entity WHERE id = ?", (action.entity,)).fetchone()
            if there is not None and not inhabited(self._house, connection, self._stream, [action.entity]):
                return True
            close(self._database, connection, action, "moved", "its entity has a record there by now")
        self._applied.moved += 1
        return False

    def _is_there(self, action: Action) -> bool:
        """A record that would be joined with it has come: matching joins them, or a person is asked."""
        with self._database.write() as connection:
            fence(self._database, connection, self._lease)
            row = row_of(self._stream, action)
            found = carriers(self._house, connection, self._stream, row, entity=action.entity)
            if not found:
                return False
            close(self._database, connection, action, "moved", "a record with its identifiers is there")
            origin = next((one["origin"] for one in action.fields if one["origin"]), None)
            settled = self._database.run(
                connection, "SELECT 1 FROM todo WHERE stage = ? AND id = ?", (SETTLE, found[0])
            ).fetchone()
            if settled is None and origin is not None:
                propose(self._house, connection, origin, found[0], "a create found it there")
        self._applied.moved += 1
        return True

    def _create(self, action: Action, *, search: bool) -> None:
        self._leave_out(action)
        write = create_write(self._house, self._stream, action)
        if search:
            twin = twin_of(self._house, self._stream, action, write)
            if twin is not None:
                self._found_instead(action, twin)
                return
        self._send([action], [write], {action.id: self._letter_key(action)})

    def _leave_out(self, action: Action) -> None:
        """A reference to what should have been made before, and was not, is written once it is there."""
        if not self._stream.refs:
            return
        with self._database.read() as connection:
            wanted = wanted_of(self._stream, action, References(self._house, connection))
        fields = [one for one in action.fields if self._stream.at.get(one["field"]) in wanted]
        if len(fields) < len(action.fields):
            action.fields = fields
            with self._database.write() as connection:
                fence(self._database, connection, self._lease)
                outbox.set_fields(self._database, connection, action)

    def _letter_key(self, action: Action) -> str:
        with self._database.read() as connection:
            public = self._database.run(connection, "SELECT public FROM entity WHERE id = ?", (action.entity,)).scalar()
        return letter_key(str(public))

    def _found_instead(self, action: Action, twin: RemoteRecord) -> None:
        """Somebody made it meanwhile, or it was there all along: it is read, and matching joins it."""
        fetch_records(self._house, self._stream, [twin.key], self._lease, run=self._run)
        with self._database.write() as connection:
            fence(self._database, connection, self._lease)
            close(self._database, connection, action, "moved", "a record with its identifiers is there")
        self._applied.moved += 1

    # -- sending ---------------------------------------------------------------------------------------------

    def _send(self, actions: Sequence[Action], writes: Sequence[Write], keys: Mapping[int, str]) -> None:
        database = self._database
        with database.write() as connection:
            fence(database, connection, self._lease)
            taken = outbox.mark_sent(database, connection, actions, at=self._house.now(), run=self._run)
        by_id = {str(action.id): action for action in taken}
        writes = [write for write in writes if write.action in by_id]
        if not writes:
            return
        answered: dict[str, Outcome] = {}
        failure: ConnectorError | None = None
        try:
            for outcome in self._link.connector.send(self._stream.name, writes):
                answered[outcome.action] = outcome
        except RecordError as error:
            if len(writes) != 1:
                raise
            answered[writes[0].action] = Outcome(writes[0].action, "rejected", reason=error.text)
        except UnknownOutcomeError as error:
            failure = error
        except (LaterError, GrantError) as error:
            # Raised before anything of the rest was sent; what has no outcome yet was not sent either.
            failure = error
            for write in writes:
                answered.setdefault(write.action, Outcome(write.action, "later", reason=error.text))
        for name, action in by_id.items():
            outcome = answered.get(name) or Outcome(name, "unknown", reason="no answer came")
            self._take(action, outcome, keys[action.id])
        if failure is not None:
            raise failure

    def _take(self, action: Action, outcome: Outcome, key: str) -> None:
        match outcome.status:
            case "done":
                self._done(action, outcome, key)
            case "rejected":
                self._reject(action, outcome, key)
            case "moved":
                self._close(action, "moved", outcome.reason)
                self._applied.moved += 1
            case "later":
                self._close(action, "later", outcome.reason)
                self._applied.later += 1
            case _:
                self._look_later(action, outcome.reason)

    def _close(self, action: Action, state: str, reason: str) -> None:
        with self._database.write() as connection:
            fence(self._database, connection, self._lease)
            close(self._database, connection, action, state, reason)

    def _look_later(self, action: Action, reason: str) -> None:
        """What became of it is to be found out, once the vendor shows what it did."""
        due = self._house.now() + int(self._stream.spec.visibility_lag.total_seconds() * 1000)
        with self._database.write() as connection:
            fence(self._database, connection, self._lease)
            outbox.move(self._database, connection, [action], "unknown", reason=reason, due=due)
        self._applied.unknown += 1

    def _done(self, action: Action, outcome: Outcome, key: str) -> None:
        remote = outcome.key or key
        if outcome.values is not None:
            record = RemoteRecord(remote, outcome.version, self._modified(outcome), outcome.values)
            acknowledge(self._house, self._stream, self._lease, action, record, run=self._run, atomic=True)
        else:
            record_read = read_one(self._house, self._stream, remote)
            if record_read is None or self._is_stale(action, record_read):
                self._look_later(action, "not to be seen yet")
                return
            acknowledge(self._house, self._stream, self._lease, action, record_read, run=self._run, atomic=False)
        self._applied.written += 1
        self._applied.created += action.op == "create"
        self._house.progress.advance(self._stream.address, written=1)

    def _is_stale(self, action: Action, record: RemoteRecord) -> bool:
        """It shows what stood before the write: taken for an answer, that would be an edit which undoes it."""
        if action.op == "create":
            return False
        row, _ = self._stream.mapping.read(record.values)
        with self._database.read() as connection:
            return any(
                _stands(self._house, connection, self._stream, one, row)
                and not _arrived(self._house, connection, self._stream, one, row)
                for one in action.fields
            )

    def _modified(self, outcome: Outcome) -> datetime | None:
        text = self._stream.mapping.modified(outcome.values or {})
        return None if text is None else datetime.fromisoformat(text).astimezone(UTC)

    def _reject(self, action: Action, outcome: Outcome, key: str) -> None:
        database = self._database
        reason = outcome.reason or "refused"
        letter = letters.Letter(
            self._stream.id, key, "write", "", "CW403", reason, dump(action.fields), inputs_of(action.fields)
        )
        with database.write() as connection:
            fence(database, connection, self._lease)
            outbox.move(database, connection, [action], "rejected", reason=reason)
            letters.post(database, connection, [letter], at=self._house.now(), run=self._run)
        applied = self._applied
        applied.aside += 1
        tried = applied.aside + applied.written
        applied.stormy = applied.aside >= _STORM and applied.aside > tried * _STORM_SHARE


def close(database: Database, connection: Any, action: Action, state: str, reason: str) -> None:
    """Nothing was written: what the action was for is up again."""
    outbox.move(database, connection, [action], state, reason=reason)
    if action.op == "create":
        add_work(database, connection, CREATE, [action.entity])
    elif action.record:
        add_work(database, connection, SETTLE, [action.record])


# -- what an answer means ----------------------------------------------------------------------------------------


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


def stands(house: House, connection: Any, stream: Stream, action: Action, observed: Sequence[Value]) -> bool:
    """Does the record still show what the plan was made for, in the fields that are to be written?"""
    return all(_stands(house, connection, stream, one, observed) for one in action.fields)


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
    return bool(mark(observed[at]) == one["after"])


def read_one(house: House, stream: Stream, key: str) -> RemoteRecord | None:
    """The record as the vendor shows it now."""
    for page in house.links[stream.connection].connector.fetch(stream.name, [key]):
        for record in page.records:
            if record.key == key:
                return record
    return None


def acknowledge(
    house: House, stream: Stream, lease: Lease, action: Action, record: RemoteRecord, *, run: int, atomic: bool
) -> None:
    """Land the answer, move the base of the fields that were sent, write the journal, close the action: at once.

    `atomic`: the record is the answer to the write itself. Read back later, somebody may have edited it in between:
    then what the vendor was to show is the base, so that the edit is seen as one.
    """
    database = house.database
    landing = stream.landing(database)
    landing.prepare(1)
    read_no = database.take_ids("read", 1)[0]
    with database.read() as connection:
        seen = landing.prefetch(connection, [record.key])
    understood = landing.understand(landing.digests([record]))
    # A write's answer is newer than any read: it is landed whatever its stamp says, vendors stamp to the second.
    known = seen.get(record.key)
    if known is not None:
        seen = {record.key: known._replace(modified=None)}
    with database.write() as connection:
        fence(database, connection, lease)
        hub_ids = {record.key: action.hub_id} if action.op == "create" and action.hub_id and known is None else None
        landing.land(connection, understood, seen, read_no=read_no, hub_ids=hub_ids)
        number = int(
            database.run(
                connection, "SELECT id FROM record WHERE stream = ? AND rkey = ?", (stream.id, record.key)
            ).scalar()
        )
        if action.op == "create":
            _belong(house, connection, stream, action, number, run=run)
        _agree(house, connection, stream, action, number, atomic=atomic)
        outbox.journal(database, connection, action, run=run, record=number, at=house.now())
        outbox.move(database, connection, [action], "acked")
        database.run(connection, "UPDATE action SET record = ? WHERE id = ?", (number, action.id))
        letters.close_write(database, connection, stream.id, record.key)
        if action.op == "create":
            public = database.run(connection, "SELECT public FROM entity WHERE id = ?", (action.entity,)).scalar()
            letters.close_write(database, connection, stream.id, letter_key(str(public)))


def _belong(house: House, connection: Any, stream: Stream, action: Action, number: int, *, run: int) -> None:
    """The new record is one of the entity that it was made for; the edge says so for good."""
    database = house.database
    # Settling may have joined it with another since: it is held until this answer is written down.
    entity = database.run(connection, "SELECT entity FROM action WHERE id = ?", (action.id,)).scalar()
    action.entity = action.entity if entity is None else int(entity)
    database.hold(connection, "entity", [action.entity])
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
                    min(origin, number), max(origin, number), "created", "same", "created by the hub", None, None,
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
        if atomic or _arrived(house, connection, stream, one, observed):
            base.side.pop(name, None)
        elif at in stream.refs:
            base.side[name] = [mark(references.as_remote(stream, unmark(one["hub"]))), None]
        else:
            base.side[name] = [one["after"], None]
        holds = one["hub"]
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


def twin_of(house: House, stream: Stream, action: Action, write: Write) -> RemoteRecord | None:
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
