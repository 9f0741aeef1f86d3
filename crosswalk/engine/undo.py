"""Undo: the plan that takes back what a run wrote, field by field, where its records still hold it.

What somebody has edited since, what a later run wrote again and what the hub has moved on from is left, each with its
reason. The plan is proposed: nothing stands in its way or waits for it until a person applies it. Golden follows once
a write has been taken back (engine.undone), and an undo is a run like any other, so it can be undone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from crosswalk.engine.answers import Standing, standing
from crosswalk.engine.model import House, Stream
from crosswalk.engine.plan import HOLDS, Planned
from crosswalk.engine.settle import EntityMerger, Member, load_groups
from crosswalk.engine.spoken import AskError, spoken
from crosswalk.engine.standstill import refuse_paused
from crosswalk.store import erasures, outbox
from crosswalk.store.codec import digest, dump_sorted, load, load_row, mark, unmark
from crosswalk.store.dialect import batches
from crosswalk.store.goldens import Golden, load_goldens
from crosswalk.store.leases import fence
from crosswalk.store.outbox import Action, Plan
from crosswalk.store.records import ARCHIVED, DELETED, LIVE, STATES
from crosswalk.store.runs import applied_now
from mapping.values import ABSENT, Value
from scheduler.leases import Lease

LEAVE, CANNOT = "leave", "cannot"
_BATCH: Final = 500


class Left(Struct, frozen=True, kw_only=True):
    """Something that is not taken back. `field`: "" for the whole record."""

    record: int
    field: str
    kind: str
    reason: str


class _Field(Struct):
    """What a run did to one field of one record, from its first write to its last."""

    label: str
    before: Any
    after: Any  # what the record showed once it was written
    hub: Any  # what golden held once it was written
    agreed: Sequence[Any] | None  # what golden had held when it last agreed with this record; empty: never


class _Wrote(Struct):
    """What a run did to one record."""

    record: int
    entity: int
    ops: list[str] = field(default_factory=list)
    fields: dict[str, _Field] = field(default_factory=dict)
    action: int = 0  # the last one
    journal: int = 0  # its row


def wrote(house: House, run: int) -> dict[int, _Wrote]:
    """By record, what a run wrote. Raises AskError where there is no such run, or it wrote nothing."""
    database, name = house.database, spoken("run", run)
    with database.read() as connection:
        if database.run(connection, "SELECT 1 FROM run WHERE id = ?", (run,)).fetchone() is None:
            raise AskError(f"there is no run {name}", hint="crosswalk runs lists them")
        rows = database.run(
            connection,
            "SELECT id, action, record, entity, op, fields FROM journal WHERE run = ? ORDER BY id",
            (run,),
        ).fetchall()
    if not rows:
        raise AskError(
            f"{name} wrote nothing: there is nothing to take back", hint="crosswalk runs lists what each wrote"
        )
    found: dict[int, _Wrote] = {}
    for number, action, record, entity, op, fields in rows:
        one = found.setdefault(record, _Wrote(record, entity))
        one.ops.append(op)
        one.action, one.journal = action, number
        for told in load(bytes(fields)):
            known = one.fields.get(told["field"])
            before = told["before"] if known is None else known.before
            agreed = told.get("agreed") if known is None else known.agreed
            one.fields[told["field"]] = _Field(
                told["label"], before, told.get("shows", told["after"]), _held_after(told), agreed
            )
    return found


def _held_after(told: Mapping[str, Any]) -> Any:
    """What the hub held once a field had been written: of an undo that need not be what was sent."""
    if told.get("golden") is not None:
        return told["golden"][0]
    return told.get("held", told["hub"])


def streams_of(house: House, run: int) -> list[Stream]:
    """The listed streams that are to be read again: those that a run wrote to, and those whose records may refer to
    what it made. Raises AskError as `wrote` does, and where one that it wrote to is paused."""
    done = wrote(house, run)
    with house.database.read() as connection:
        numbers = {
            row[0] for row in house.database.select(connection, "SELECT stream FROM record WHERE", "id", list(done))
        }
    found = [stream for stream in house.streams.values() if stream.id in numbers]
    for stream in found:
        refuse_paused(house, stream)
    made = any("create" in one.ops or "restore" in one.ops for one in done.values())
    systems = {stream.connection for stream in found} if made else set()
    others = [one for one in house.streams.values() if one.refs and one.connection in systems and one not in found]
    return found + [stream for stream in others if house.pause_of(stream) is None]


def streams_of_plan(house: House, plan: Plan) -> list[Stream]:
    """The streams that a proposal would write to."""
    with house.database.read() as connection:
        actions = outbox.of_plan(house.database, connection, plan.id, states=["proposed"])
    numbers = {action.stream for action in actions}
    return [stream for stream in house.streams.values() if stream.id in numbers]


def plan_undo(house: House, lease: Lease, *, undoes: int, run: int) -> Planned:
    """Propose what takes a run back, under the lease of settling. `run`: the one that asks.

    The records were read just now; `apply` reads each of them once more before it writes.
    """
    database = house.database
    done = wrote(house, undoes)
    undoer = _Undoer(house, undoes)
    actions: list[Action] = []
    for some in batches(list(done.values()), _BATCH):
        with database.read() as connection:
            actions += undoer.actions(connection, some, but=applied_now(database, connection, but=run, now=house.now()))
    actions = undoer.unreferenced(actions)
    now = house.now()
    kept = {action.record for action in actions}
    worst: dict[int, str] = {}
    for one in undoer.left:
        worst[one.record] = CANNOT if CANNOT in (one.kind, worst.get(one.record)) else LEAVE
    plan = Plan(
        id=database.take_ids("plan", 1)[0] if actions else 0,
        state="proposed",
        created_at=now,
        expires_at=now + int(HOLDS.total_seconds() * 1000),
        hash=digest(dump_sorted([[a.stream, a.record, a.op, a.fields] for a in actions])).hex(),
        settings=house.settings_print,
        run=run,
        detail={
            "command": "undo",
            "undoes": undoes,
            "written": len(done),
            "restore": sum(record in kept and record not in worst for record in done),
            LEAVE: sum(kind == LEAVE for kind in worst.values()),
            CANNOT: sum(kind == CANNOT for kind in worst.values()),
            "left": [[one.record, one.field, one.kind, one.reason] for one in undoer.left],
        },
    )
    for action, number in zip(actions, database.take_ids("action", len(actions)) if actions else (), strict=True):
        action.id, action.plan, action.state = number, plan.id, "proposed"
    with database.write() as connection:
        fence(database, connection, lease)
        if actions:
            outbox.add_plan(database, connection, plan)
            for some_actions in batches(actions, _BATCH):
                outbox.add(database, connection, some_actions)
    return Planned(plan, len(actions), 0)


class _Undoer:
    """Turns what a run wrote into what takes it back, and says why the rest is left."""

    def __init__(self, house: House, undoes: int) -> None:
        self._house = house
        self._database = house.database
        self._undoes = undoes
        self._reason = f"as it stood before {spoken('run', undoes)}"
        self.left: list[Left] = []

    def actions(self, connection: Any, some: Sequence[_Wrote], *, but: Sequence[int]) -> list[Action]:
        """Of these records. `but`: plans that other processes apply just now."""
        database = self._database
        records = [one.record for one in some]
        homes = dict(database.select(connection, "SELECT record, entity FROM member WHERE", "record", records))
        for one in some:
            one.entity = homes.get(one.record, one.entity)
        entities = sorted({one.entity for one in some})
        erased = {one.entity for one in erasures.listed(database, connection, entities)}
        groups = load_groups(self._house, connection, entities, reading=True)
        members = {member.id: member for group in groups for member in group.members}
        look = _Look(
            house=self._house,
            connection=connection,
            members=members,
            goldens=_goldens(self._house, connection, entities),
            history=_history(self._house, connection, entities),
            later=self._later(connection, some),
            standing=standing(database, connection, records),
            busy=outbox.busy(database, connection, records, but=but),
            versions=dict(
                database.select(connection, "SELECT id, expects FROM action WHERE", "id", [one.action for one in some])
            ),
        )
        streams = dict(database.select(connection, "SELECT id, stream FROM record WHERE", "id", records))
        made: list[Action] = []
        for one in some:
            stream = self._house.by_id(streams.get(one.record, 0))
            if one.entity in erased:
                self._leave(one, "", CANNOT, "they have been erased since: nothing of them is kept")
            elif stream is None:
                self._leave(one, "", CANNOT, "its stream is not listed any more")
            elif one.record in look.busy:
                self._leave(one, "", LEAVE, "a write to it is under way: nobody knows yet what it shows")
            elif "create" in one.ops or one.ops[-1] == "restore":
                made += self._put_away(stream, one, look)
            elif one.ops[-1] == "archive":
                made += self._bring_back(stream, one, look)
            else:
                made += self._restore(stream, one, look)
        return made

    def _later(self, connection: Any, some: Sequence[_Wrote]) -> dict[int, dict[str, int]]:
        """Of each record the fields that later runs wrote ("" for any write), with the run."""
        last = {one.record: one.journal for one in some}
        found: dict[int, dict[str, int]] = {}
        for number, record, run, fields in self._database.select(
            connection, "SELECT id, record, run, fields FROM journal WHERE", "record", list(last)
        ):
            if number > last[record] and run != self._undoes:
                names = {"", *(told["field"] for told in load(bytes(fields)))}
                for name in names:
                    found.setdefault(record, {})[name] = max(run, found.get(record, {}).get(name, 0))
        return found

    def _leave(self, one: _Wrote, name: str, kind: str, reason: str) -> None:
        self.left.append(Left(record=one.record, field=name, kind=kind, reason=reason))

    # -- fields ----------------------------------------------------------------------------------------------

    def _restore(self, stream: Stream, one: _Wrote, look: "_Look") -> Iterator[Action]:
        member, stood = look.members.get(one.record), look.standing[one.record]
        if member is None or stood.state != LIVE:
            self._leave(one, "", CANNOT, f"the record is {STATES[stood.state]} there since")
            return
        if "unsure" in one.ops:
            self._leave(one, "", CANNOT, "it was never known whether the write arrived")
            return
        fields = []
        for name, told in one.fields.items():
            found = self._field(stream, member, one, name, told, look)
            if found is not None:
                fields.append(found)
        if fields:
            yield Action(0, stream.id, one.record, one.entity, "update", fields)

    def _field(
        self, stream: Stream, member: Member, one: _Wrote, name: str, told: _Field, look: "_Look"
    ) -> dict[str, Any] | None:
        """What takes one field back; None: it is left, and noted why."""
        at = stream.at.get(name)
        cannot = self._cannot(stream, at, told)
        if at is None or cannot:
            self._leave(one, name, CANNOT, cannot)
            return None
        if at in member.unread:  # what the hub wrote there named records that it had read
            self._leave(one, name, LEAVE, "it names a record there that has not been read")
            return None
        place = stream.place[at]
        observed = member.row[place]
        leave = self._moved(member, name, told, observed, look)
        golden = look.goldens.get(one.entity)
        held = ABSENT if golden is None else golden.values[place]
        stood = before_of(look.history.get(one.entity, ()), name, held=mark(held), wrote=told.hub, run=self._undoes)
        taken_back = stood is not None and mark(held) == stood[0] != told.hub
        if not leave and mark(held) != told.hub and not taken_back:
            leave = "the hub holds another value since"
        if leave:
            self._leave(one, name, LEAVE, leave)
            return None
        value = unmark(told.before)
        shown = look.merger(stream).shown(member, at, value)
        if shown != value and not (shown in (ABSENT, None) and value is None):
            self._leave(one, name, CANNOT, "this side can no longer show what stood there")
            return None
        back = None if taken_back else self._golden(stream, member, at, name, told, stood, look)
        return {
            "field": name,
            "label": told.label,
            "before": mark(observed),
            "after": told.before,
            "hub": told.before,
            "held": mark(held),
            "golden": back,
            "reason": self._reason,
            "origin": None,
            "source": None,
        }

    def _cannot(self, stream: Stream, at: int | None, told: _Field) -> str:
        """Why it cannot be taken back, whatever is there now; "" where it can."""
        if at is None:
            return "it is not mapped any more"
        if not stream.may_write(at):
            return f"{stream.address} may not be written any more"
        if told.before == "":
            return "what stood there was never read"
        if self._house.policies.policy(stream.kind, stream.mapping.fields[at]).code == "strict":
            return "a consent is not loosened by an undo: the person's own word is needed"
        return ""

    def _moved(self, member: Member, name: str, told: _Field, observed: Value, look: "_Look") -> str:
        """What has happened to it since; "" where it still holds what the run wrote."""
        if mark(observed) == told.after:
            return ""
        later = look.later.get(member.id, {}).get(name)
        if later is not None:
            return f"written again by {spoken('run', later)}"
        if mark(observed) == told.before:
            return "it shows again what stood there before"
        return "edited there since, by people"

    def _golden(
        self,
        stream: Stream,
        member: Member,
        at: int,
        name: str,
        told: _Field,
        stood: Sequence[Any] | None,
        look: "_Look",
    ) -> Sequence[Any] | None:
        """What golden held before, where the write was due to its move; None: golden stays.

        A record that met the others only then was never shown what golden had held long before.
        """
        if stood is None or self._house.policies.policy(stream.kind, name).code == "derived":
            return None
        due = told.agreed and told.agreed[0] == stood[0]
        if (
            due
            or told.before == stood[0]
            or mark(look.merger(stream).shown(member, at, unmark(stood[0]))) == told.before
        ):
            return stood
        return None

    # -- records ---------------------------------------------------------------------------------------------

    def _put_away(self, stream: Stream, one: _Wrote, look: "_Look") -> Iterator[Action]:
        """A record that the run made, or brought back."""
        stood = look.standing[one.record]
        label = self._house.links[stream.connection].connector.label
        if one.ops[-1] == "archive":
            self._leave(one, "", LEAVE, "made and put away by the same run")
        elif stood.state != LIVE:
            self._leave(one, "", LEAVE, f"{STATES[stood.state]} there already")
        elif "archive" not in stream.spec.writes:
            self._leave(one, "", CANNOT, f"{label} has no archive or bin for {stream.name} that the hub can reach")
        elif touched := self._touched(stream, one, stood, look):
            self._leave(one, "", LEAVE, touched)
        else:
            yield Action(0, stream.id, one.record, one.entity, "archive", [], expects=stood.version)

    def _touched(self, stream: Stream, one: _Wrote, stood: Standing, look: "_Look") -> str:
        """Who has worked with it since; "" for nobody."""
        later = look.later.get(one.record, {}).get("")
        if later is not None:
            return f"written to by {spoken('run', later)} since"
        left_as = look.versions.get(one.action)
        member = look.members.get(one.record)
        if left_as is not None and left_as != stood.version:
            return "edited there since it was made"
        if left_as is None and member is not None:
            for name, told in one.fields.items():
                at = stream.at.get(name)
                if at is not None and mark(member.row[stream.place[at]]) != told.after:
                    return "edited there since it was made"
        return ""

    def _bring_back(self, stream: Stream, one: _Wrote, look: "_Look") -> Iterator[Action]:
        """A record that the run put away."""
        stood = look.standing[one.record]
        label = self._house.links[stream.connection].connector.label
        if stood.state == LIVE:
            self._leave(one, "", LEAVE, "brought back there already")
        elif stood.state not in (ARCHIVED, DELETED):
            self._leave(one, "", CANNOT, f"the record is {STATES[stood.state]} there since")
        elif "restore" not in stream.spec.writes:
            self._leave(one, "", CANNOT, f"{label}'s API brings no {stream.name} back: a person does it there")
        else:
            yield Action(0, stream.id, one.record, one.entity, "restore", [])

    def unreferenced(self, actions: Sequence[Action]) -> list[Action]:
        """Without those that would put a record away to which others of its system still refer."""
        away = [action for action in actions if action.op == "archive"]
        if not away:
            return list(actions)
        with self._database.read() as connection:
            hangs = _referring(self._house, connection, {action.record or 0 for action in away})
        kept = []
        for action in actions:
            if action.op == "archive" and action.record in hangs:
                reason = f"created in {hangs[action.record][0]}; {hangs[action.record][1]} hang on them since"
                self.left.append(Left(record=action.record, field="", kind=CANNOT, reason=reason))
            else:
                kept.append(action)
        return kept


class _Look(Struct, frozen=True, kw_only=True):
    """Everything about some records as it is now."""

    house: House
    connection: Any
    members: Mapping[int, Member]
    goldens: Mapping[int, Golden]
    history: Mapping[int, Sequence[tuple[int, Mapping[str, Any]]]]
    later: Mapping[int, Mapping[str, int]]
    standing: Mapping[int, Standing]
    busy: set[int]
    versions: Mapping[int, str | None]
    mergers: dict[str, EntityMerger] = field(default_factory=dict)

    def merger(self, stream: Stream) -> EntityMerger:
        if stream.kind not in self.mergers:
            made = self.mergers[stream.kind] = EntityMerger(self.house, self.connection, stream.layout, {})
            made.expect(number for number, member in self.members.items() if member.stream.kind == stream.kind)
        return self.mergers[stream.kind]


def before_of(
    history: Sequence[tuple[int, Mapping[str, Any]]], name: str, *, held: Any, wrote: Any, run: int
) -> Sequence[Any] | None:
    """What golden held (value, winner, rule) before it came to what a run wrote; None: nothing is known of that.

    `history`: what stood before each run's changes, oldest first. `held`: what golden holds now.
    """
    rows = [(number, stood[name]) for number, stood in history if name in stood]
    afters = [stood[0] for _, stood in rows[1:]] + [held]
    found = [stood for (number, stood), after in zip(rows, afters, strict=False) if number <= run and after == wrote]
    return found[-1] if found else None


def _goldens(house: House, connection: Any, entities: Sequence[int]) -> dict[int, Golden]:
    kinds = dict(house.database.select(connection, "SELECT id, kind FROM entity WHERE", "id", entities))
    found: dict[int, Golden] = {}
    for kind in set(kinds.values()) & set(house.layouts):
        some = [entity for entity in entities if kinds.get(entity) == kind]
        found |= load_goldens(house.database, connection, some, len(house.layouts[kind].fields))
    return found


def _history(house: House, connection: Any, entities: Sequence[int]) -> dict[int, list[tuple[int, Mapping[str, Any]]]]:
    found: dict[int, list[tuple[int, Mapping[str, Any]]]] = {}
    for entity, run, before in house.database.select(
        connection, "SELECT entity, run, before FROM golden_history WHERE", "entity", entities, "ORDER BY run"
    ):
        found.setdefault(entity, []).append((run, load(bytes(before))))
    return found


def _referring(house: House, connection: Any, away: set[int]) -> dict[int, tuple[str, str]]:
    """Of records that are to be put away and that others refer to: their system, and the streams of those others."""
    database = house.database
    names = {
        (row[1], row[2], row[3]): row[0]
        for row in database.select(
            connection,
            "SELECT r.id, s.connection, s.name, r.rkey FROM record r JOIN stream s ON s.id = r.stream WHERE",
            "r.id",
            sorted(away),
        )
    }
    systems = {system for system, _, _ in names}
    found: dict[int, set[str]] = {}
    for stream in house.streams.values():
        if not stream.refs or stream.connection not in systems:
            continue
        for record, observed in database.stream(
            connection,
            "SELECT r.id, b.observed FROM record r JOIN body b ON b.record = r.id WHERE r.stream = ? AND r.state <= ?",
            (stream.id, ARCHIVED),
        ):
            if record in away:
                continue
            row = load_row(observed)
            for at in stream.refs:
                for element in row[at] if isinstance(row[at], list) else ():
                    target = names.get((stream.connection, str(element.get("stream")), str(element.get("id"))))
                    if target is not None:
                        found.setdefault(target, set()).add(stream.name)
    homes = {record: system for (system, _, _), record in names.items()}
    return {record: (homes[record], " and ".join(sorted(streams))) for record, streams in found.items()}


# -- applying ------------------------------------------------------------------------------------------------------


def take_up(house: House, lease: Lease, plan: Plan, *, run: int) -> None:
    """A person applies a proposal: its writes take the place of whatever was planned for their records."""
    database = house.database
    with database.write(durable=True) as connection:
        fence(database, connection, lease)
        actions = outbox.of_plan(database, connection, plan.id, states=["proposed"])
        records = [action.record for action in actions if action.record is not None]
        kept = applied_now(database, connection, but=run, now=house.now())
        busy = outbox.busy(database, connection, records, but=kept)
        outbox.drop_of_records(database, connection, [record for record in records if record not in busy])
        free = [action for action in actions if action.record not in busy]
        outbox.move(database, connection, free, "planned")
        homes = database.select(connection, "SELECT entity, record FROM member WHERE", "record", records)
        ids = {action.record: action.id for action in free}
        moved = [(entity, ids[record]) for entity, record in homes if record in ids]
        database.run_many(connection, "UPDATE action SET entity = ? WHERE id = ?", moved)


def put_down(house: House, plan: Plan) -> None:
    """What of a proposal was not sent is one again; where nothing is left of it, it has been applied."""
    database = house.database
    with database.write() as connection:
        left = outbox.of_plan(database, connection, plan.id, states=["planned", "later"])
        outbox.move(database, connection, left, "proposed")
        if not left:
            outbox.settle_plan(database, connection, plan.id)
