"""Apply: send what was planned, learn what became of it, and never send the same thing twice.

Per stream, under its lease. A chunk of actions is read again first, since what moved there since is planned anew.
What is about to be sent is marked so before it leaves; an answer is landed like any read, and the base of the fields
that were sent moves in the same transaction that writes the journal. Between the mark and that transaction the
outcome is unknown: `resolve` finds out, by looking.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    all_wanted,
    close,
    create_writes,
    fits_move,
    move_of,
    not_shown_yet,
    read_back,
    row_of,
    standing,
    stands,
    targets_of,
    twin_of,
)
from crosswalk.engine.entities import propose
from crosswalk.engine.identify import carriers
from crosswalk.engine.model import House, Link, Stream
from crosswalk.engine.plan import inhabited, inputs_of
from crosswalk.engine.pull import catch_up, fetch_records, remove
from crosswalk.engine.references import References
from crosswalk.store import letters, outbox
from crosswalk.store.codec import dump
from crosswalk.store.dialect import batches
from crosswalk.store.goldens import load_goldens
from crosswalk.store.leases import fence
from crosswalk.store.letters import letter_key
from crosswalk.store.outbox import Action
from crosswalk.store.records import SETTLE, load_bases
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
            references = References(self._house, connection)
            references.look_up(stream, [target.observed for target in targets.values()])
            for action in actions:
                target, base = targets.get(action.record or 0), bases.get(action.record or 0)
                # What somebody has edited since is in `side`, until it is settled.
                edited = base is not None and any(one["field"] in base.side for one in action.fields)
                fits = (
                    target is not None
                    and not edited
                    and stands(references, stream, action, target.observed, unread=unread.get(target.rkey, ()))
                )
                (still if fits else gone).append(action)
        self._give_up(gone, "changed there since it was planned")
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
        for action, wanted in zip(actions, all_wanted(self._house, self._stream, actions), strict=True):
            target = targets[action.record or 0]
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
        gone: list[Action] = []
        for action in actions:
            now = stood.get(action.record or 0)
            (still if now is not None and fits_move(action, now) else gone).append(action)
        self._give_up(gone, "changed there since it was planned")
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
        ready = self._still_wanted(actions)
        if not unique and by_time:
            ready = self._missing(ready)
        elif not unique:
            ready = [action for action in ready if not self._house.stop.is_set() and not self._found_by_search(action)]
        for batch in batches(ready, max(1, stream.spec.batch)):
            if self._house.stop.is_set() or self._applied.stormy:
                return
            self._leave_out(batch)
            self._send(batch, create_writes(self._house, stream, batch), self._letter_keys(batch))

    def _still_wanted(self, actions: Sequence[Action]) -> list[Action]:
        """Those that still are: since it was planned an entity may have become one with another that has a record
        here."""
        entities = [action.entity for action in actions]
        with self._database.read() as connection:
            there = {row[0] for row in self._database.select(connection, "SELECT id FROM entity WHERE", "id", entities)}
            there -= inhabited(self._house, connection, self._stream, entities)
        self._give_up(
            [action for action in actions if action.entity not in there], "its entity has a record there by now"
        )
        return [action for action in actions if action.entity in there]

    def _missing(self, actions: Sequence[Action]) -> list[Action]:
        """Without those of which a record has come that would be joined with it: matching joins them, or a person is
        asked."""
        rows = [(action.entity, row_of(self._stream, action)) for action in actions]
        with self._database.write() as connection:
            fence(self._database, connection, self._lease)
            found = carriers(self._house, connection, self._stream, rows)
            there = [(action, some[0]) for action, some in zip(actions, found, strict=True) if some]
            if not there:
                return list(actions)
            close(
                self._database, connection, [action for action, _ in there], "moved",
                "a record with its identifiers is there",
            )  # fmt: skip
            unsettled = {
                row[0]
                for row in self._database.select(
                    connection,
                    "SELECT id FROM todo WHERE stage = ? AND",
                    "id",
                    [record for _, record in there],
                    first=(SETTLE,),
                )
            }
            for action, record in there:
                origin = next((one["origin"] for one in action.fields if one["origin"]), None)
                if origin is not None and record not in unsettled:
                    propose(self._house, connection, origin, record, "a create found it there")
        self._applied.moved += len(there)
        known = {action.id for action, _ in there}
        return [action for action in actions if action.id not in known]

    def _found_by_search(self, action: Action) -> bool:
        """Somebody made it meanwhile, or it was there all along: it is read, and matching joins it."""
        twin = twin_of(self._house, self._stream, action, *create_writes(self._house, self._stream, [action]))
        if twin is None:
            return False
        fetch_records(self._house, self._stream, [twin.key], self._lease, run=self._run)
        self._give_up([action], "a record with its identifiers is there")
        return True

    def _leave_out(self, actions: Sequence[Action]) -> None:
        """A reference to what should have been made before, and was not, is written once it is there."""
        if not self._stream.refs:
            return
        fewer = []
        for action, wanted in zip(actions, all_wanted(self._house, self._stream, actions), strict=True):
            fields = [one for one in action.fields if self._stream.at.get(one["field"]) in wanted]
            if len(fields) < len(action.fields):
                action.fields = fields
                fewer.append(action)
        if fewer:
            with self._database.write() as connection:
                fence(self._database, connection, self._lease)
                outbox.set_fields(self._database, connection, fewer)

    def _letter_keys(self, actions: Sequence[Action]) -> dict[int, str]:
        """What the dead letters of creates would stand under."""
        with self._database.read() as connection:
            publics = dict(
                self._database.select(
                    connection, "SELECT id, public FROM entity WHERE", "id", [action.entity for action in actions]
                )
            )
        return {action.id: letter_key(str(publics.get(action.entity))) for action in actions}

    # -- sending ---------------------------------------------------------------------------------------------

    def _send(self, actions: Sequence[Action], writes: Sequence[Write], keys: Mapping[int, str]) -> None:
        """One batch. `keys`: what its dead letter would stand under, per action."""
        with self._database.write(durable=True) as connection:
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
        found: dict[str, list[tuple[Action, Outcome]]] = defaultdict(list)
        for action, outcome in outcomes:
            found[outcome.status].append((action, outcome))
        self._reject(found["rejected"], keys)
        for reason, some in _by_reason(found["moved"]):
            self._give_up(some, reason)
        for reason, some in _by_reason(found["later"]):
            self._close(some, "later", reason)
            self._applied.later += len(some)
        for reason, some in _by_reason(found["unknown"]):
            self._look_later(some, reason)
        # Last: reading them back may fail, which must not keep the others from being noted.
        self._done(found["done"], keys)

    def _give_up(self, actions: Sequence[Action], reason: str) -> None:
        """Something has moved there: what these were for is planned anew."""
        self._close(actions, "moved", reason)
        self._applied.moved += len(actions)

    def _close(self, actions: Sequence[Action], state: str, reason: str) -> None:
        if actions:
            with self._database.write() as connection:
                fence(self._database, connection, self._lease)
                close(self._database, connection, actions, state, reason)

    def _look_later(self, actions: Sequence[Action], reason: str) -> None:
        """What became of them is to be found out, once the vendor shows what it did."""
        if not actions:
            return
        due = self._house.now() + int(self._stream.spec.visibility_lag.total_seconds() * 1000)
        with self._database.write() as connection:
            fence(self._database, connection, self._lease)
            outbox.move(self._database, connection, actions, "unknown", reason=reason, due=due)
        self._applied.unknown += len(actions)

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
        if not untold:
            return
        shown = self._read_back([key for _, key in untold])
        there = [(action, shown[key]) for action, key in untold if key in shown]
        missing = [action for action, key in untold if key not in shown]
        before = not_shown_yet(self._house, self._stream, there)
        self._note_gone([action for action in missing if action.op == "archive"])
        self._look_later(
            [action for action in missing if action.op != "archive"]
            + [action for action, _ in there if action.id in before],
            UNSEEN,
        )
        self._note([(action, record) for action, record in there if action.id not in before], atomic=False)

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

    def _note_gone(self, actions: Sequence[Action]) -> None:
        """They were put where reads do not show them any more."""
        if actions:
            acknowledge_gone(self._house, self._lease, actions, run=self._run)
            self._applied.written += len(actions)
            self._house.progress.advance(self._stream.address, written=len(actions))

    def _modified(self, outcome: Outcome) -> datetime | None:
        text = self._stream.mapping.modified(outcome.values or {})
        return None if text is None else datetime.fromisoformat(text).astimezone(UTC)

    def _reject(self, outcomes: Sequence[tuple[Action, Outcome]], keys: Mapping[int, str]) -> None:
        if not outcomes:
            return
        database = self._database
        refused = [
            letters.Letter(
                self._stream.id, keys[action.id], "write", "", "CW403", outcome.reason or "refused",
                dump(action.fields), inputs_of(action.fields),
            )
            for action, outcome in outcomes
        ]  # fmt: skip
        with database.write() as connection:
            fence(database, connection, self._lease)
            for reason, some in _by_reason(outcomes):
                outbox.move(database, connection, some, "rejected", reason=reason or "refused")
            letters.post(database, connection, refused, at=self._house.now(), run=self._run)
        applied = self._applied
        applied.aside += len(outcomes)
        tried = applied.aside + applied.written
        applied.stormy = applied.aside >= _STORM and applied.aside > tried * _STORM_SHARE


def _by_reason(outcomes: Iterable[tuple[Action, Outcome]]) -> Iterable[tuple[str, list[Action]]]:
    found: dict[str, list[Action]] = defaultdict(list)
    for action, outcome in outcomes:
        found[outcome.reason].append(action)
    return found.items()


def _is_of(reference: Mapping[str, Any], kind: str) -> bool:
    return str(reference.get("entity", "")).startswith(f"{kind}/")
