"""Apply: send what was planned, learn what became of it, and never send the same thing twice.

Per stream, under its lease. A chunk of actions is read again first, since what moved there since is planned anew.
What is about to be sent is marked so before it leaves; an answer is landed like any read, and the base of the fields
that were sent moves in the same transaction that writes the journal. Between the mark and that transaction the
outcome is unknown: `resolve` finds out, by looking.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from connectors.sdk.budget import in_lane
from connectors.sdk.contract import Outcome, Page, Record, RemoteRecord, StreamSpec, Write
from connectors.sdk.errors import ConnectorError, GrantError, LaterError, RecordError, UnknownOutcomeError
from crosswalk.engine.answers import (
    MOVES,
    UNSEEN,
    Target,
    acknowledge,
    acknowledge_gone,
    close,
    create_write,
    fits_move,
    move_of,
    read_back,
    row_of,
    shows_before,
    standing,
    stands,
    targets_of,
    twin_of,
    wanted_of,
)
from crosswalk.engine.identify import carriers, propose
from crosswalk.engine.model import House, Link, Stream
from crosswalk.engine.plan import inhabited, inputs_of, letter_key
from crosswalk.engine.pull import catch_up, fetch_records, remove
from crosswalk.engine.references import References
from crosswalk.store import letters, outbox
from crosswalk.store.codec import dump
from crosswalk.store.dialect import batches
from crosswalk.store.goldens import load_goldens
from crosswalk.store.leases import fence
from crosswalk.store.outbox import Action
from crosswalk.store.records import SETTLE, add_work, load_bases
from mapping.merge.consent import DENIED, severity
from mapping.schema.consent import CONSENT
from scheduler.leases import Lease

_LOOK_EVERY: Final = 20  # creates between two looks for what others have made meanwhile
_READ_AGAIN: Final = 50  # updates whose records are read again in one go
_STORM: Final = 20  # refusals from which the share of them counts
_STORM_SHARE: Final = 0.5


class Applied(Struct):
    """What became of the actions of one stream."""

    written: int = 0
    moved: int = 0
    aside: int = 0
    later: int = 0
    unknown: int = 0
    stormy: bool = False
    created: int = 0
    problem: ConnectorError | None = None


def chunk_of_updates(spec: StreamSpec) -> int:
    """How many are read again in one go: a whole batch where one takes more."""
    return max(_READ_AGAIN, spec.batch)


def looks_ahead(spec: StreamSpec) -> bool:
    """Does the call that reads one batch back take the records of the next one too, which are to be read again?"""
    return (
        spec.precondition == "none"
        and not spec.answers_with_values
        and spec.fetch_batch >= spec.batch + chunk_of_updates(spec)
    )


def chunk_of_creates(spec: StreamSpec) -> int:
    """How many are sent between two looks for what others have made: a whole batch where one takes more."""
    return max(_LOOK_EVERY, spec.batch)


def apply_stream(house: House, stream: Stream, lease: Lease, actions: Sequence[Action], *, run: int) -> Applied:
    """Send these actions of one stream; parents were sent before. Stops early where the vendor cannot take more."""
    applied = Applied()
    sender = _Sender(house, stream, lease, run, applied)
    creates = [action for action in actions if action.op == "create"]
    updates = [action for action in actions if action.op == "update"]
    moves = [action for action in actions if action.op in MOVES]
    denials = [action for action in updates if says_no(action)]
    denied = {action.id for action in denials}

    def in_turn(some: Sequence[Action], size: int, send: Callable[[Sequence[Action], Sequence[Action]], None]) -> None:
        chunks = list(batches(sender.by_parent(some), size))
        for at, chunk in enumerate(chunks, start=1):
            if house.stop.is_set() or applied.stormy:
                return
            send(chunk, chunks[at] if at < len(chunks) else ())

    many = chunk_of_updates(stream.spec)
    try:
        with in_lane("optout"):  # somebody has said no: that goes out first, and whatever else the day's budget went to
            in_turn(denials, many, sender.updates)
        in_turn([action for action in updates if action.id not in denied], many, sender.updates)
        in_turn(creates, chunk_of_creates(stream.spec), sender.creates)
        in_turn(moves, many, sender.moves)
    except (LaterError, GrantError) as error:
        applied.problem = error
    return applied


def says_no(action: Action) -> bool:
    """Does it write a consent that was denied or withdrawn?"""
    return any(
        severity(element) >= DENIED
        for one in action.fields
        if one["field"] == CONSENT.name and isinstance(one["hub"], list)
        for element in one["hub"]
    )


class _Answers(Struct):
    """What a batch brought: an outcome for each write. `together`: refused as one, whichever of them was the cause."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    together: set[str] = field(default_factory=set)
    failure: ConnectorError | None = None


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
        self._following: Sequence[Action] = ()  # updates that come behind the batch that is being sent
        self._looked: set[int] = set()  # those of them whose records have been read again since the last batch was sent

    def by_parent(self, actions: Sequence[Action]) -> Sequence[Action]:
        """Those of one parent side by side: a vendor that locks it refuses two batches which write below it at once."""
        stream = self._stream
        parent = self._house.streams.get(f"{stream.connection}/{stream.spec.parent}")
        if stream.spec.parent is None or parent is None:
            return actions
        entities = [action.entity for action in actions]
        with self._database.read() as connection:
            goldens = load_goldens(self._database, connection, entities, len(stream.layout.fields))
        places = [stream.place[at] for at in stream.refs]

        def above(action: Action) -> str:
            golden = goldens.get(action.entity)
            named = [element for place in places if golden is not None for element in golden.values[place] or ()]
            return min((str(one["entity"]) for one in named if _is_of(one, parent.kind)), default="")

        return sorted(actions, key=lambda action: (above(action), action.id))

    # -- updates ---------------------------------------------------------------------------------------------

    def updates(self, actions: Sequence[Action], following: Sequence[Action]) -> None:
        stream = self._stream
        self._following = ()
        if stream.spec.precondition == "none":
            self._look_again(self._keys([action for action in actions if action.id not in self._looked]))
        targets = self._targets(actions)
        still: list[Action] = []
        gone: list[Action] = []
        with self._database.read() as connection:
            bases = load_bases(self._database, connection, list(targets))
            unread = letters.unread(self._database, connection, stream.id, [one.rkey for one in targets.values()])
            for action in actions:
                target, base = targets.get(action.record or 0), bases.get(action.record or 0)
                # What somebody has edited since is in `side`, until it is settled.
                edited = base is not None and any(one["field"] in base.side for one in action.fields)
                fits = (
                    target is not None
                    and not edited
                    and stands(
                        self._house, connection, stream, action, target.observed, unread=unread.get(target.rkey, ())
                    )
                )
                (still if fits else gone).append(action)
        if gone:
            with self._database.write() as connection:
                fence(self._database, connection, self._lease)
                outbox.move(self._database, connection, gone, "moved", reason="changed there since it was planned")
                add_work(self._database, connection, SETTLE, [action.record for action in gone if action.record])
            self._applied.moved += len(gone)
        left = len(still)
        for batch in batches(still, max(1, stream.spec.batch)):
            if self._house.stop.is_set() or self._applied.stormy:
                return
            left -= len(batch)
            self._following = following if left == 0 and looks_ahead(stream.spec) else ()
            writes = self._writes(batch, targets)
            self._send(batch, writes, {action.id: targets[action.record or 0].rkey for action in batch})

    def _keys(self, actions: Sequence[Action]) -> list[str]:
        targets = self._targets(actions)
        return [targets[action.record].rkey for action in actions if action.record in targets]

    def _look_again(self, keys: Sequence[str], pages: Iterator[Page] | None = None) -> None:
        """Land these records as they are now; `pages`: what shows them."""
        if not keys:
            return
        _, missing = fetch_records(self._house, self._stream, keys, self._lease, run=self._run, pages=pages)
        if missing:
            remove(self._house, self._stream, missing, self._lease)

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
                action.expects = target.version  # by that it is known later whether anybody touched it since
                expects = target.version if self._stream.spec.precondition != "none" else None
                writes.append(Write(str(action.id), "update", target.rkey, action.hub_id, values, expects))
        return writes

    # -- archiving and restoring -------------------------------------------------------------------------------

    def moves(self, actions: Sequence[Action], _following: Sequence[Action]) -> None:
        """Put records away, or bring them back. One to be put away must be as it was when that was planned."""
        stream = self._stream
        with self._database.read() as connection:
            stood = standing(self._database, connection, [action.record or 0 for action in actions])
        self._look_again([stood[action.record or 0].rkey for action in actions if action.record in stood])
        with self._database.read() as connection:
            stood = standing(self._database, connection, [action.record or 0 for action in actions])
        still: list[Action] = []
        for action in actions:
            now = stood.get(action.record or 0)
            if now is not None and fits_move(action, now):
                still.append(action)
            else:
                self._close(action, "moved", "changed there since it was planned")
                self._applied.moved += 1
        for batch in batches(still, max(1, stream.spec.batch)):
            if self._house.stop.is_set() or self._applied.stormy:
                return
            found = {action.id: stood[action.record or 0] for action in batch}
            guarded = stream.spec.precondition != "none"
            writes = [
                Write(
                    str(action.id), move_of(action), found[action.id].rkey, action.hub_id, {},
                    found[action.id].version if guarded else None,
                )
                for action in batch
            ]  # fmt: skip
            self._send(batch, writes, {action.id: found[action.id].rkey for action in batch})

    # -- creates ---------------------------------------------------------------------------------------------

    def creates(self, actions: Sequence[Action], _following: Sequence[Action]) -> None:
        """Look first where the vendor has no unique key. One read of what changed there serves many creates, and shows
        more than a search does, whose index lags; where nothing can be read by time each is searched for."""
        stream = self._stream
        unique = stream.unique_hub_id
        by_time = stream.spec.cursor == "modified"
        if not unique and by_time:
            catch_up(self._house, stream, self._lease, run=self._run)
        ready: list[Action] = []
        for action in actions:
            if self._house.stop.is_set():
                return
            if not self._is_wanted(action) or (not unique and by_time and self._is_there(action)):
                continue
            if unique or by_time or not self._found_by_search(action):
                ready.append(action)
        for batch in batches(ready, max(1, stream.spec.batch)):
            if self._house.stop.is_set() or self._applied.stormy:
                return
            writes = [self._create_write(action) for action in batch]
            self._send(batch, writes, {action.id: self._letter_key(action) for action in batch})

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

    def _create_write(self, action: Action) -> Write:
        self._leave_out(action)
        return create_write(self._house, self._stream, action)

    def _found_by_search(self, action: Action) -> bool:
        """Somebody made it meanwhile, or it was there all along: it is read, and matching joins it."""
        twin = twin_of(self._house, self._stream, action, create_write(self._house, self._stream, action))
        if twin is None:
            return False
        fetch_records(self._house, self._stream, [twin.key], self._lease, run=self._run)
        self._close(action, "moved", "a record with its identifiers is there")
        self._applied.moved += 1
        return True

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

    # -- sending ---------------------------------------------------------------------------------------------

    def _send(self, actions: Sequence[Action], writes: Sequence[Write], keys: Mapping[int, str]) -> None:
        """One batch. `keys`: what its dead letter would stand under, per action."""
        with self._database.write() as connection:
            fence(self._database, connection, self._lease)
            taken = outbox.mark_sent(self._database, connection, actions, at=self._house.now(), run=self._run)
        by_id = {str(action.id): action for action in taken}
        writes = [write for write in writes if write.action in by_id]
        if not writes:
            return
        answers = self._ask(writes)
        alone = [write for write in writes if write.action not in answers.together]
        self._take([(by_id[write.action], answers.outcomes[write.action]) for write in alone], keys)
        if answers.failure is not None:
            raise answers.failure
        if answers.together:
            self._send_halves([write for write in writes if write.action in answers.together], by_id, keys)

    def _ask(self, writes: Sequence[Write]) -> _Answers:
        """Send, and have an outcome for each, whatever happens in between."""
        self._looked.clear()
        answers = _Answers()
        refused: RecordError | None = None
        try:
            for outcome in self._link.connector.send(self._stream.name, writes):
                answers.outcomes[outcome.action] = outcome
        except RecordError as error:
            refused = error
        except UnknownOutcomeError as error:
            answers.failure = error
        except (LaterError, GrantError) as error:
            # Raised before anything of the rest was sent; what has no outcome yet was not sent either.
            answers.failure = error
            for write in writes:
                answers.outcomes.setdefault(write.action, Outcome(write.action, "later", reason=error.text))
        left = {write.action for write in writes} - set(answers.outcomes)
        for name in left:
            status: Literal["rejected", "unknown"] = "unknown" if refused is None else "rejected"
            reason = "no answer came" if refused is None else refused.text
            answers.outcomes[name] = Outcome(name, status, reason=reason)
        together = left if refused is not None else set()
        if self._stream.spec.batch_failure != "per_record":
            together |= {name for name, outcome in answers.outcomes.items() if outcome.status == "rejected"}
        if len(together) > 1:
            answers.together = together
        return answers

    def _send_halves(self, writes: Sequence[Write], by_id: Mapping[str, Action], keys: Mapping[int, str]) -> None:
        """A batch that was refused whole for the sake of some: smaller ones show which. Nothing of it was written."""
        half = (len(writes) + 1) // 2
        for some in (writes[:half], writes[half:]):
            actions = [by_id[write.action] for write in some]
            with self._database.write() as connection:
                fence(self._database, connection, self._lease)
                outbox.move(self._database, connection, actions, "planned")
        for some in (writes[:half], writes[half:]):
            if self._house.stop.is_set() or self._applied.stormy:
                return
            self._send([by_id[write.action] for write in some], some, keys)

    def _take(self, outcomes: Sequence[tuple[Action, Outcome]], keys: Mapping[int, str]) -> None:
        for action, outcome in outcomes:
            match outcome.status:
                case "done":
                    continue  # below: reading them back may fail, which must not keep the others from being noted
                case "rejected":
                    self._reject(action, outcome, keys[action.id])
                case "moved":
                    self._close(action, "moved", outcome.reason)
                    self._applied.moved += 1
                case "later":
                    self._close(action, "later", outcome.reason)
                    self._applied.later += 1
                case _:
                    self._look_later(action, outcome.reason)
        self._done([(action, outcome) for action, outcome in outcomes if outcome.status == "done"], keys)

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

    def _done(self, outcomes: Sequence[tuple[Action, Outcome]], keys: Mapping[int, str]) -> None:
        """What carries its record is noted at once; the others are read back, all in one go."""
        told: list[tuple[Action, Record]] = []
        untold: list[tuple[Action, str]] = []
        for action, outcome in outcomes:
            key = outcome.key or keys[action.id]
            if outcome.values is None:
                untold.append((action, key))
            else:
                told.append((action, RemoteRecord(key, outcome.version, self._modified(outcome), outcome.values)))
        self._note(told, atomic=True)
        shown = self._read_back([key for _, key in untold])
        seen: list[tuple[Action, Record]] = []
        for action, key in untold:
            record = shown.get(key)
            if record is None and action.op == "archive":
                self._note_gone(action)
            elif record is None or shows_before(self._house, self._stream, action, record):
                self._look_later(action, UNSEEN)
            else:
                seen.append((action, record))
        self._note(seen, atomic=False)

    def _read_back(self, keys: Sequence[str]) -> Mapping[str, Record]:
        """What was sent, as it stands now. Where one call takes more, what comes next is read again in the same one:
        no earlier than it would be by itself, since nothing but the notes on these stands between."""
        mine = set(keys)
        ahead = [key for key in self._keys(self._following) if key not in mine] if keys else []
        if not ahead:
            return read_back(self._house, self._stream, keys)
        shown: dict[str, Record] = {}

        def pages() -> Iterator[Page]:
            for page in self._link.connector.fetch(self._stream.name, [*keys, *ahead]):
                shown.update((record.key, record) for record in page.records if record.key in mine)
                yield replace(
                    page,
                    records=[record for record in page.records if record.key not in mine],
                    faults=[fault for fault in page.faults if fault.key not in mine],
                )

        self._look_again(ahead, pages())
        self._looked = {action.id for action in self._following}
        return shown

    def _note(self, answered: Sequence[tuple[Action, Record]], *, atomic: bool) -> None:
        acknowledge(self._house, self._stream, self._lease, answered, run=self._run, atomic=atomic)
        self._applied.written += len(answered)
        self._applied.created += sum(action.op == "create" for action, _ in answered)
        if answered:
            self._house.progress.advance(self._stream.address, written=len(answered))

    def _note_gone(self, action: Action) -> None:
        """It was put where reads do not show it any more."""
        acknowledge_gone(self._house, self._lease, action, run=self._run)
        self._applied.written += 1
        self._house.progress.advance(self._stream.address, written=1)

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


def _is_of(reference: Mapping[str, Any], kind: str) -> bool:
    return str(reference.get("entity", "")).startswith(f"{kind}/")
