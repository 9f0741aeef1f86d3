"""Plan: golden against what each side shows, one action per target record.

The work list is `base`: a record has a row there only while something of it is not at rest. Creates come from the
entities that settling put up. A plan is made anew each run; what an older one wanted and nobody has begun is dropped.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from msgspec import Struct

from crosswalk.engine.guards import hold_back
from crosswalk.engine.loops import Frozen, Loops
from crosswalk.engine.model import House, Stream
from crosswalk.engine.overview import OPEN_PAIRS
from crosswalk.engine.references import References
from crosswalk.engine.removed import follow_removals
from crosswalk.engine.settle import EntityMerger, Group, Member, load_groups
from crosswalk.engine.spoken import FIRST, STORM
from crosswalk.store import awaited, conflicts, letters, outbox, storms
from crosswalk.store.codec import digest, dump_sorted, mark, unmark
from crosswalk.store.dialect import batches
from crosswalk.store.goldens import Golden, load_goldens
from crosswalk.store.leases import fence
from crosswalk.store.letters import letter_key
from crosswalk.store.outbox import Action, Plan
from crosswalk.store.records import CREATE, LIVE, add_work, done_work, load_bases, save_bases
from crosswalk.store.runs import applied_now
from mapping.merge import NEVER, Side
from mapping.merge import Base as Agreed
from mapping.merge.policy import moved
from mapping.values import ABSENT, Value
from scheduler.leases import Lease

HOLDS: Final = timedelta(hours=24)
# What an operation is to the guards and to whoever reads a plan.
CLASS_OF: Final[Mapping[str, str]] = {
    "create": "create",
    "update": "update",
    "archive": "delete",
    "restore": "update",
}
_BATCH: Final = 500


class Planned(Struct):
    """What a plan came to; the open plan before it where that says the very same, and then stays.

    `asked`: questions that came up for a person.
    """

    plan: Plan
    actions: int = 0
    ready: int = 0
    asked: int = 0
    frozen: Sequence[Frozen] = ()  # fields that a vendor rewrites whenever they are written


def make_plan(
    house: House, lease: Lease, *, run: int, detail: Mapping[str, Any] | None = None, force: bool = False
) -> Planned:
    """Plan everything that is not at rest, under the lease of settling: golden stands still meanwhile.

    What another process sends just now, since a person let it, is left to it.
    """
    database = house.database
    planner = _Planner(house, run)
    streams = [stream.id for stream in house.streams.values()]
    with database.write() as connection:
        fence(database, connection, lease)
        planner.look_around(connection)
        early = outbox.early_creates(database, connection, streams, but=planner.kept)
        add_work(database, connection, CREATE, early)
        add_work(database, connection, CREATE, _refused_creates(house, connection, streams))
    following, asked = follow_removals(house, lease, run=run)
    actions = planner.following(lease, following)
    for stream in sorted(house.streams.values(), key=lambda stream: (stream.level, stream.id)):
        if "update" in stream.writes:
            for batch in _unrest(house, stream):
                actions += planner.updates(lease, stream, batch)
        if "create" in stream.writes:
            actions += planner.creates(lease, stream)
    planner.close_letters(lease)
    actions = planner.without_paused(actions)
    tripped = hold_back(house, actions)
    sign = digest(dump_sorted([[a.stream, a.record, a.entity, a.op, a.held_by, a.fields] for a in actions])).hex()
    ready = sum(action.state == "planned" for action in actions)
    known = None if force else _same_as_before(house, sign)
    if known is not None:
        planner.forget_creates(lease)
        return Planned(known, len(actions), ready, asked, planner.frozen)
    now = house.now()
    plan = Plan(
        id=database.take_ids("plan", 1)[0] if actions else 0,
        state="open",
        created_at=now,
        expires_at=now + int(HOLDS.total_seconds() * 1000),
        hash=sign,
        settings=house.settings_print,
        run=run,
        detail={**(detail or {}), "guards": [one.told() for one in tripped]},
    )
    numbers = database.take_ids("action", len(actions)) if actions else range(0)
    for action, number in zip(actions, numbers, strict=True):
        action.id, action.plan = number, plan.id
    with database.write() as connection:
        fence(database, connection, lease)
        planner.look_around(connection)
        outbox.drop_early(database, connection, streams, but=planner.kept)
        outbox.close_plans(database, connection, but=(plan.id, *planner.kept))
        if actions:
            outbox.add_plan(database, connection, plan)
        actions = planner.still_free(connection, actions)
        for some in batches(actions, _BATCH):
            outbox.add(database, connection, some)
    planner.forget_creates(lease)  # only now: what was not planned after all must not be forgotten by a crash
    return Planned(plan, len(actions), ready, asked, planner.frozen)


def _refused_creates(house: House, connection: Any, streams: Sequence[int]) -> set[int]:
    """Entities of which a create was refused: whether it is still wanted is seen anew each time."""
    new = letter_key("")
    publics = [
        key.removeprefix(new)
        for _, _, key in letters.refused(house.database, connection, streams)
        if key.startswith(new)
    ]
    return {row[0] for row in house.database.select(connection, "SELECT id FROM entity WHERE", "public", publics)}


def _same_as_before(house: House, sign: str) -> Plan | None:
    """The open plan, where it says the very same and still holds: people may be looking at it."""
    with house.database.read() as connection:
        plan = outbox.open_plan(house.database, connection)
        if plan is None or plan.hash != sign or plan.settings != house.settings_print:
            return None
        if plan.expires_at <= house.now() or outbox.begun(house.database, connection, plan.id):
            return None
    return plan


def _unrest(house: House, stream: Stream) -> Iterator[list[int]]:
    """Entities of this stream's records that are not at rest, in batches."""
    after = 0
    while True:
        with house.database.read() as connection:
            rows = house.database.run(
                connection,
                "SELECT b.record, m.entity FROM base b JOIN record r ON r.id = b.record "
                "JOIN member m ON m.record = b.record WHERE r.stream = ? AND b.record > ? ORDER BY b.record LIMIT ?",
                (stream.id, after, _BATCH),
            ).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [row[1] for row in rows]


class _Planner:
    """Turns entities into actions."""

    def __init__(self, house: House, run: int) -> None:
        self._house = house
        self._database = house.database
        self._run = run
        self.frozen: list[Frozen] = []
        self.kept: tuple[int, ...] = ()  # plans that other processes apply
        self._considered: set[int] = set()  # entities of the create list that were answered
        self._postponed: set[int] = set()
        self._origins: dict[int, int] = {}  # record -> stream
        self._coming: set[tuple[str, str]] = set()  # connection and entity of creates in this very plan
        self._planned: set[int] = set()  # records; one of two records of an entity brings the other along
        self._due: set[tuple[int, str]] = set()  # stream and key of what is still to be written, blocked or not
        self._stopped: Mapping[int, int] = {}  # streams of which most writes were refused
        self._put_off: set[int] = set()  # streams of which no create could be thought of yet
        self._unread: set[str] = set()  # streams for which those wait
        self._awaited: dict[str, set[tuple[int, int]]] = {}  # by stream the creates that wait until it is read again

    def look_around(self, connection: Any) -> None:
        """What has changed since the house was opened: plans that others apply, mappings that a person let through."""
        house = self._house
        self.kept = applied_now(self._database, connection, but=self._run, now=house.now())
        self._stopped = storms.stopped(self._database, connection)
        rows = self._database.run(connection, "SELECT id FROM mapping WHERE approved_at IS NOT NULL").fetchall()
        approved = {row[0] for row in rows}
        for stream in house.streams.values():
            stream.approved = stream.mapping_id in approved

    # -- what follows a delete elsewhere ---------------------------------------------------------------------

    def following(self, lease: Lease, actions: Sequence[Action]) -> list[Action]:
        """Those that nothing stands in the way of. A record that is to be put away is not written to as well."""
        database = self._database
        kept: list[Action] = []
        for stream in self._house.streams.values():
            mine = [action for action in actions if action.stream == stream.id]
            if not mine:
                continue
            records = [action.record or 0 for action in mine]
            with database.write() as connection:
                fence(database, connection, lease)
                under_way = outbox.busy(database, connection, records, but=self.kept)
                keys = dict(database.select(connection, "SELECT id, rkey FROM record WHERE", "id", records))
                blocked = letters.blocking(database, connection, stream.id, list(keys.values()))
                self._due.update((stream.id, key) for key in keys.values())
                refused = {key for key, by_field in blocked.items() if by_field.get("", (0, b""))[1] in _NO_FIELDS}
                free = [one for one in mine if one.record not in under_way and keys[one.record or 0] not in refused]
                self._note_causes(connection, stream, free)
            self._planned.update(records)
            kept += free
        return kept

    # -- updates ---------------------------------------------------------------------------------------------

    def updates(self, lease: Lease, stream: Stream, entities: Sequence[int]) -> list[Action]:
        """Actions for the records of these entities in one stream. What turns out to be at rest is noted as that."""
        database = self._database
        layout = stream.layout
        actions: list[Action] = []
        with database.write() as connection:
            fence(database, connection, lease)
            groups = load_groups(self._house, connection, entities, reading=True)
            goldens = load_goldens(database, connection, entities, len(layout.fields))
            contested = conflicts.open_fields(database, connection, entities)
            mine = [
                (group, member)
                for group in groups
                for member in group.members
                if member.stream is stream and member.had_base and group.entity in goldens
            ]
            under_way = outbox.busy(database, connection, [member.id for _, member in mine], but=self.kept)
            blocked = letters.blocking(database, connection, stream.id, [member.rkey for _, member in mine])
            merger = EntityMerger(self._house, connection, layout, {})
            merger.expect(member.id for _, member in mine)
            loops = Loops(self._house, connection, [member.id for _, member in mine])
            rested: dict[int, dict[str, Any]] = {}
            for group, member in mine:
                if member.id in under_way | self._planned:
                    self._due.add((stream.id, member.rkey))
                if member.state != LIVE or not member.represents or member.id in under_way | self._planned:
                    continue
                self._planned.add(member.id)
                golden = goldens[group.entity]
                fields = self._fields(stream, member, golden, merger, contested.get(group.entity, set()), rested)
                if fields:
                    self._due.add((stream.id, member.rkey))
                fields = [one for one in fields if not _is_blocked(one, fields, blocked.get(member.rkey, {}))]
                fields = [one for one in fields if not self._freezes(loops, group, member, one, golden)]
                if fields:
                    actions.append(Action(0, stream.id, member.id, group.entity, "update", fields))
            self._rest(connection, rested)
            merger.save_waiting()
            self._note_causes(connection, stream, actions)
        return actions

    def _freezes(self, loops: Loops, group: Group, member: Member, one: Mapping[str, Any], golden: Golden) -> bool:
        """Does a vendor rewrite whatever is written there? Then the field waits for a person."""
        changes = loops.changes(member.id, one["field"], one["before"])
        if changes:
            value = golden.values[member.stream.layout.position[one["field"]]]
            self.frozen.append(loops.freeze(group, member.id, one["field"], value, changes=changes, run=self._run))
        return bool(changes)

    def _fields(
        self,
        stream: Stream,
        member: Member,
        golden: Golden,
        merger: EntityMerger,
        contested: set[str],
        rested: dict[int, dict[str, Any]],
    ) -> list[dict[str, Any]]:
        fields = []
        for name, entry in list(member.base.hub.items()):
            at = stream.at.get(name)
            if at is None or entry is None or name in member.base.side or name in contested or not stream.may_write(at):
                continue
            place = stream.place[at]
            value = golden.values[place]
            observed = member.row[place]
            if value is not ABSENT and not _is_due(observed, entry, value):
                rested.setdefault(member.id, {})[name] = entry
                continue
            if value is ABSENT:
                continue
            if at in stream.mapping.once and observed not in (ABSENT, None):
                continue
            if at in member.unread:
                continue  # somebody's word, which can be weighed only once what it names has been read
            shown = merger.shown(member, at, value)
            nothing = shown in (ABSENT, None) and observed is ABSENT and entry in ([""], [None])
            if shown == observed or nothing or (observed is ABSENT and shown is ABSENT):
                rested.setdefault(member.id, {})[name] = entry
                continue
            fields.append({**self._field(stream, at, observed, shown, value, golden, place), "agreed": entry})
        return fields

    def _rest(self, connection: Any, rested: Mapping[int, Mapping[str, Any]]) -> None:
        """Note what turned out to be at rest, unless something has been landed there since it was read."""
        self._database.hold(connection, "record", sorted(rested))
        bases = load_bases(self._database, connection, list(rested))
        for record, base in bases.items():
            for name, entry in rested[record].items():
                if name not in base.side and base.hub.get(name, False) == entry:
                    del base.hub[name]
        save_bases(self._database, connection, bases)

    def _field(
        self, stream: Stream, at: int, observed: Value, shown: Value, value: Value, golden: Golden, place: int
    ) -> dict[str, Any]:
        source = stream.mapping.source(at)
        return {
            "field": stream.mapping.fields[at],
            "label": stream.mapping.label(at),
            "before": mark(observed),
            "after": mark(shown),
            "hub": mark(value),
            "reason": golden.rules[place],
            "origin": golden.winners[place],
            "source": None if source is None else f"{source.file}:{source.line}:{source.column}",
        }

    def _note_causes(self, connection: Any, stream: Stream, actions: Sequence[Action]) -> None:
        """The first plan of a mapping waits for a person: that of the target, or that of where a value comes from."""
        origins = {one["origin"] for action in actions for one in action.fields if one["origin"] is not None}
        origins |= {action.origin for action in actions if action.origin is not None}
        unknown = [record for record in origins if record not in self._origins]
        self._origins.update(
            dict(self._database.select(connection, "SELECT id, stream FROM record WHERE", "id", unknown))
        )
        unapproved = {one.id for one in self._house.streams.values() if not one.approved}
        for action in actions:
            causes = {self._origins.get(one["origin"]) for one in action.fields} | {stream.id}
            if action.origin is not None:
                causes.add(self._origins.get(action.origin))
            held = [FIRST] if causes & unapproved else []
            held += [STORM] if stream.id in self._stopped else []
            if held:
                action.state, action.held_by = "held", ",".join(held)
            action.classes = {CLASS_OF[action.op]}
            if any(one["after"] is None for one in action.fields):
                action.classes.add("clear")

    # -- creates ---------------------------------------------------------------------------------------------

    def creates(self, lease: Lease, stream: Stream) -> list[Action]:
        """Entities without a record in this stream's system, as far as the operator lets them be made there."""
        house, database = self._house, self._database
        actions: list[Action] = []
        unread = [other.address for other in house.of_kind(stream.kind) if not other.complete]
        if unread:
            up = self._up(stream)
            self._postponed.update(up)
            self._put_off.add(stream.id)
            self._unread.update(unread if up else ())
            return []
        for entities in batches(self._up(stream), _BATCH):
            with database.write() as connection:
                fence(database, connection, lease)
                groups = load_groups(house, connection, entities, reading=True)
                goldens = load_goldens(database, connection, entities, len(stream.layout.fields))
                under_way = outbox.creating(database, connection, stream.id, entities, but=self.kept)
                minted = outbox.minted(database, connection, stream.id, entities)
                doubtful = _in_review(house, connection, entities)
                contested = conflicts.open_fields(database, connection, entities)
                publics = dict(database.select(connection, "SELECT id, public FROM entity WHERE", "id", entities))
                blocked = letters.blocking(
                    database, connection, stream.id, [letter_key(publics[one]) for one in publics]
                )
                references = References(house, connection)
                origins = origins_of(house, connection)
                made = []
                for group in groups:
                    key = letter_key(publics[group.entity])
                    if group.entity in under_way:
                        self._postponed.add(group.entity)  # it may come to nothing yet
                        self._due.add((stream.id, key))
                        continue
                    self._considered.add(group.entity)
                    golden = goldens.get(group.entity)
                    if golden is None or not self._wanted(stream, group):
                        continue
                    origin = origin_awaited(group.members, origins)
                    if origin is not None:
                        self._awaited.setdefault(origin.address, set()).add((stream.id, group.entity))
                    if group.entity in doubtful or origin is not None:
                        self._postponed.add(group.entity)
                        self._due.add((stream.id, key))
                        continue
                    fields = self._create_fields(stream, golden, references, contested.get(group.entity, set()))
                    if fields:
                        self._due.add((stream.id, key))
                    if not fields or _is_blocked(fields[0], fields, blocked.get(key, {})):
                        continue
                    made.append(
                        Action(
                            0, stream.id, None, group.entity, "create", fields,
                            hub_id=minted.get(group.entity) or str(uuid4()),
                        )
                    )  # fmt: skip
                self._note_causes(connection, stream, made)
                self._coming.update((stream.connection, f"{stream.kind}/{publics[one.entity]}") for one in made)
            actions += made
        return actions

    def still_free(self, connection: Any, actions: Sequence[Action]) -> list[Action]:
        """Those of which nobody else has begun a write, or made the record, since they were thought out."""
        database = self._database
        records = [one.record for one in actions if one.record is not None]
        busy = outbox.busy(database, connection, records, but=self.kept)
        free = [one for one in actions if one.op == "create" or one.record not in busy]
        for stream in self._house.streams.values():
            creates = [one.entity for one in free if one.op == "create" and one.stream == stream.id]
            if creates:
                begun = outbox.creating(database, connection, stream.id, creates, but=self.kept)
                begun |= inhabited(self._house, connection, stream, creates)
                free = [one for one in free if one.op != "create" or one.stream != stream.id or one.entity not in begun]
        return free

    def _up(self, stream: Stream) -> list[int]:
        with self._database.read() as connection:
            rows = self._database.run(
                connection,
                "SELECT t.id FROM todo t JOIN entity e ON e.id = t.id WHERE t.stage = ? AND e.kind = ? ORDER BY t.id",
                (CREATE, stream.kind),
            ).fetchall()
        return [row[0] for row in rows]

    def _wanted(self, stream: Stream, group: Group) -> bool:
        """It lives in a system whose people may be made here, and no record of it has ever been here."""
        if any(member.stream.connection == stream.connection for member in group.members):
            return False  # a deleted one too: its tombstone speaks against making it again
        return any(member.state == LIVE and member.stream.connection in stream.create_from for member in group.members)

    def _create_fields(
        self, stream: Stream, golden: Golden, references: References, contested: set[str]
    ) -> list[dict[str, Any]]:
        mapping = stream.mapping
        fields = []
        for at, name in enumerate(mapping.fields):
            place = stream.place[at]
            value = golden.values[place]
            if not mapping.writable[at] or value in (ABSENT, None) or name in contested:
                continue
            if at in stream.refs:
                known = references.can_show(stream, value)
                if not known and not self._is_coming(stream, value):
                    continue  # written when its own record is there
                shown: Value = value
            else:
                shown = mapping.shown(at, value, over=None)
            if shown in (ABSENT, None):
                continue
            fields.append(self._field(stream, at, ABSENT, shown, value, golden, place))
        there = {stream.at[one["field"]] for one in fields}
        return fields if there.issuperset(mapping.create_needs) else []

    def _is_coming(self, stream: Stream, value: Value) -> bool:
        """Will what it refers to be made before it, by this plan? Parents are sent first."""
        return all((stream.connection, str(element["entity"])) in self._coming for element in value)

    def close_letters(self, lease: Lease) -> None:
        """Refusals of writes that nobody needs any more: nothing is left to write."""
        database = self._database
        looked_at = {stream.id: stream for stream in self._house.streams.values() if stream.writes}
        with database.write() as connection:
            fence(database, connection, lease)
            for number, stream, key in letters.refused(database, connection, list(looked_at)):
                create = key.startswith(letter_key(""))
                right = "create" if create else "update"
                if right not in looked_at[stream].writes or (create and stream in self._put_off):
                    continue
                if (stream, key) not in self._due:
                    letters.close(database, connection, number, note="nothing left to write")

    def without_paused(self, actions: Sequence[Action]) -> list[Action]:
        """What paused streams lack is planned when they go on: it stays on the lists of work."""
        paused = {stream.id for stream in self._house.streams.values() if self._house.pause_of(stream) is not None}
        self._postponed.update(one.entity for one in actions if one.op == "create" and one.stream in paused)
        return [one for one in actions if one.stream not in paused]

    def forget_creates(self, lease: Lease) -> None:
        """What was answered is off the list; what has to wait for something else stays, and is told of where that is
        a stream."""
        counts = {address: len(creates) for address, creates in self._awaited.items()}
        awaited.note(self._database, {**counts, **dict.fromkeys(self._unread)}, at=self._house.now())
        answered = sorted(self._considered - self._postponed)
        for some in batches(answered, _BATCH):
            with self._database.write() as connection:
                fence(self._database, connection, lease)
                done_work(self._database, connection, CREATE, some)


def origins_of(house: House, connection: Any) -> list[tuple[Stream, int]]:
    """Streams whose records may become those of others, and up to which of the vendor's moments they have been read.

    Paused ones are left out: nobody waits for them.
    """
    streams = [one for one in house.streams.values() if one.mapping.becomes_others and house.pause_of(one) is None]
    read: dict[int, int] = {}
    for stream, at in house.database.select(
        connection,
        "SELECT stream, covered_to FROM part WHERE position IS NULL AND covered_to IS NOT NULL AND",
        "stream",
        [stream.id for stream in streams],
    ):
        read[stream] = max(at, read.get(stream, at))
    return [(stream, read[stream.id]) for stream in streams if stream.id in read]


def origin_awaited(members: Iterable[Member], origins: Iterable[tuple[Stream, int]]) -> Stream | None:
    """The stream that is to be read before it is known whether somebody is new: a contact that is newer than the last
    look at the leads may have been made of one of them."""
    for stream, read_to in origins:
        for member in members:
            beside = member.stream.connection == stream.connection and member.stream.kind == stream.kind
            if beside and member.stream.id != stream.id and member.state == LIVE and read_to <= (member.modified or 0):
                return stream
    return None


def inhabited(house: House, connection: Any, stream: Stream, entities: Sequence[int]) -> set[int]:
    """Entities that have a record in this stream's system, one that is gone too."""
    alike = {one.id for one in house.of_kind(stream.kind) if one.connection == stream.connection}
    return {
        row[0]
        for row in house.database.select(
            connection,
            "SELECT m.entity, r.stream FROM member m JOIN record r ON r.id = m.record WHERE",
            "m.entity",
            entities,
        )
        if row[1] in alike
    }


def inputs_of(fields: Iterable[Mapping[str, Any]]) -> bytes:
    """What a refusal is about: while these stay the same it is not tried again."""
    return digest(dump_sorted([[one["field"], one["after"]] for one in fields]))


# Of a dead letter: that nobody asks again, and what a refused action of no field was about.
_NO_FIELDS: Final = (None, inputs_of([]))


def _is_blocked(
    one: Mapping[str, Any], fields: Sequence[Mapping[str, Any]], blocked: Mapping[str, tuple[int, bytes | None]]
) -> bool:
    whole, own = blocked.get(""), blocked.get(one["field"])
    if own is not None and own[1] in (None, inputs_of([one])):
        return True
    return whole is not None and whole[1] in (None, inputs_of(fields))


def _is_due(observed: Value, entry: Sequence[Any], value: Value) -> bool:
    """Does the hub hold something else than when it last agreed with this record?"""
    held: Any = unmark(entry[0]) if entry else NEVER
    return moved(Side(record=0, system="", observed=observed, base=Agreed(observed, held)), value)


def _in_review(house: House, connection: Any, entities: Sequence[int]) -> set[int]:
    """Entities of which a person is still to say whether they are somebody else: nothing is made of them yet."""
    return {
        row[0]
        for mine in ("a", "b")
        for row in house.database.select(
            connection,
            f"SELECT {mine}.entity {OPEN_PAIRS} AND",
            f"{mine}.entity",
            entities,
        )
    }
