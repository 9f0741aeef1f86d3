"""Settle: match what was landed, merge it into golden records, note what each side is still to be shown.

One lane under one lease, fed by the work table. A batch of entities is one transaction: golden records,
history, bases, conflicts and the work that was done are committed together or not at all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from crosswalk.engine.anew import asked_for, count_anew, resolve_asked_for, withdraw
from crosswalk.engine.derive import derive_entities, follow, note_scores
from crosswalk.engine.emptied import Emptied, Left
from crosswalk.engine.entities import Matched
from crosswalk.engine.identify import Matcher, pending_work
from crosswalk.engine.matching import JOINS
from crosswalk.engine.model import House, Stream
from crosswalk.engine.reach import put_up, reach_entities
from crosswalk.engine.references import References, show_arrived
from crosswalk.engine.undone import take_back_goldens
from crosswalk.store import conflicts, meta, unsettled
from crosswalk.store.codec import Base as StoredBase
from crosswalk.store.codec import digest, dump, dump_sorted, iso, load, load_row, mark, unmark
from crosswalk.store.goldens import Golden, GoldenWrites, Layout, load_goldens, lone_lineage, trimmed
from crosswalk.store.leases import fence
from crosswalk.store.records import (
    ARCHIVED,
    CREATE,
    IDENT_INDEXES,
    LIVE,
    MERGE,
    SETTLE,
    add_work,
    done_work,
    load_bases,
    make_indexes,
    put_up_unmatched,
    save_bases,
    work_off,
)
from crosswalk.store.runs import is_running
from mapping.merge import NEVER, RULES, Base, Decision, FieldPolicy, Side, merge, survive
from mapping.merge.rows import NOBODY, RowSide
from mapping.values import ABSENT, Value
from scheduler.leases import Lease

_BATCH = 500
SETTLED_ONCE = "settled_once"  # the first load was matched and merged to its end
_BULK: Final = "bulk:"  # and the number of a run that has landed without a list of work
_NO_BASE: Any = None  # in `StoredBase.hub`: nothing at all was agreed with this side, see `side`


class Settled(Struct):
    """What settling changed."""

    records: int = 0
    entities: int = 0
    joined: int = 0
    parted: int = 0
    pairs: int = 0
    conflicts: int = 0  # new ones
    alarms: dict[int, str] = field(default_factory=dict)  # by record what looks wrong about its group

    def add(self, other: "Settled") -> None:
        self.records += other.records
        self.entities += other.entities
        self.joined += other.joined
        self.parted += other.parted
        self.pairs += other.pairs
        self.conflicts += other.conflicts
        self.alarms |= other.alarms


class Member(Struct):
    """One record of an entity while it is merged. `row`: by position of the layout, references as entities."""

    id: int
    stream: Stream
    rkey: str
    state: int
    modified: int | None
    observed: list[Value]  # by position of the mapping, as the remote shows it
    row: list[Value]
    fresh: bool
    base: StoredBase
    had_base: bool
    represents: bool = True
    resolved: bool = False  # a record that it refers to has arrived
    unread: frozenset[int] = frozenset()  # positions of the mapping that name a record which nobody has read
    wrote: dict[str, Value] = field(default_factory=dict)  # what the hub wrote there last, by field
    _raw: Any = None

    def raw(self, load_raw: Callable[[int], Any]) -> Any:
        if self._raw is None:
            self._raw = load_raw(self.id)
        return self._raw


class Group(Struct):
    """One entity on its way to a golden record."""

    entity: int
    kind: str
    members: list[Member] = field(default_factory=list)


def is_first_load(house: House) -> bool:
    """Nothing has been matched and merged to its end yet."""
    return meta.get(house.database, SETTLED_ONCE) is None


def note_bulk(house: House, *, run: int) -> None:
    """This run lands what it reads without a list of work: nothing has been settled yet, so all of it will be."""
    with house.database.write() as connection:
        meta.put(house.database, connection, f"{_BULK}{run}", b"1")


def _put_up_bulk(house: House, lease: Lease) -> None:
    """Another process may have settled the first load while this was landed, and whoever landed it may be gone."""
    database = house.database
    with database.read() as connection:
        rows = database.run(connection, "SELECT name FROM meta WHERE name LIKE ?", (f"{_BULK}%",)).fetchall()
    if not rows:
        return
    make_indexes(database, IDENT_INDEXES)
    with database.write() as connection:
        fence(database, connection, lease)
        for (name,) in rows:
            if not is_running(database, connection, int(name.removeprefix(_BULK))):
                meta.drop(database, connection, name)
        put_up_unmatched(database, connection, [stream.id for stream in house.streams.values()])


def settle(house: House, lease: Lease, settled: Settled, *, run: int, first: bool = False) -> None:
    """Work off what landing left, and add to `settled` what that changed. `first`: nothing has been matched yet, so
    everything is, at once."""
    from crosswalk.engine.parted import follow_parted  # it builds on this module

    matcher = Matcher(house, run=run)
    if first:
        from crosswalk.engine.newcomers import merge_newcomers  # it builds on this module

        wanted = asked_for(house)  # a first load is all of that
        matched, found = matcher.match_all()
        settled.add(Settled(matched.records, joined=matched.joined, pairs=matched.pairs, alarms=matched.alarms))
        merge_newcomers(house, lease, found, settled, run=run)
        note_scores(house, lease)
        derive_entities(house, lease, run=run)
        reach_entities(house, lease, run=run)
        with house.database.write() as connection:
            fence(house.database, connection, lease)
            house.database.run(connection, "DELETE FROM todo WHERE stage IN (?, ?)", (SETTLE, MERGE))
            put_up_unmatched(house.database, connection, _left_out(house, connection))
            for kind in wanted:
                withdraw(house, connection, kind)
            meta.put(house.database, connection, SETTLED_ONCE, b"1")
            meta.drop(house.database, connection, f"{_BULK}{run}")  # what this run has landed was all of that, too
        return
    take_back_goldens(house, lease, run=run)
    _put_up_bulk(house, lease)
    for kinds in (*ORDER, ()):
        _pick_up(house, lease)
        _settle_kinds(house, lease, matcher, settled, kinds, run=run)
    _match_anew(house, lease, matcher, settled, run=run)
    follow_parted(house, lease, run=run)
    _merge_waiting(house, lease, settled, run=run)
    derive_entities(house, lease, run=run)
    reach_entities(house, lease, run=run)


def _left_out(house: House, connection: Any) -> list[int]:
    """Streams that are not listed, of which something may have been read before: it waits until they are."""
    listed = {stream.id for stream in house.streams.values()}
    rows = house.database.run(connection, "SELECT id FROM stream").fetchall()
    return [number for (number,) in rows if number not in listed]


def _pick_up(house: House, lease: Lease) -> None:
    """What waited for others to arrive, and work that two transactions side by side could both leave to the other."""
    database = house.database
    with database.write() as connection:
        fence(database, connection, lease)
        arrived = database.run(
            connection,
            "SELECT DISTINCT w.record, me.stream FROM waiting w JOIN record r ON r.stream = w.stream "
            "AND r.rkey = w.rkey JOIN member m ON m.record = r.id JOIN record me ON me.id = w.record",
        ).fetchall()
        referring = {stream.id for stream in house.streams.values() if stream.refs and stream.kind not in JOINS}
        add_work(database, connection, SETTLE, [row[0] for row in arrived if row[1] in referring])
        show_arrived(house, connection)
        decided = database.run(
            connection, f"SELECT DISTINCT entity FROM conflict WHERE {unsettled.CONFLICT} AND state = 'decided'"
        ).fetchall()
        add_work(database, connection, MERGE, [row[0] for row in decided])


# What others refer to comes first, so that a reference finds its entity; then whatever is left.
ORDER = (("owner", "company", "survey", "campaign"), ("person",))


def _settle_kinds(
    house: House, lease: Lease, matcher: Matcher, settled: Settled, kinds: tuple[str, ...], *, run: int
) -> None:
    database = house.database
    # Records of streams that are not listed wait until they are.
    streams = [stream.id for stream in house.streams.values() if not kinds or stream.kind in kinds]
    for number, batch in enumerate(pending_work(house, streams)):
        if number == 0:  # a run in which nothing changed asks for nothing
            count_anew(house, lease)
        some = Settled(len(batch))
        with database.write() as connection:
            fence(database, connection, lease)
            database.hold(connection, "record", batch)  # first the records, as landing does: else they wait in a ring
            done_work(database, connection, SETTLE, batch)
            matched = matcher.match_some(connection, batch)
            merge_entities(house, connection, matched, some, run=run)
            note_scores(house, lease, connection=connection, records=batch)
        settled.add(some)
        settled.add(Settled(joined=matched.joined, parted=matched.parted, pairs=matched.pairs, alarms=matched.alarms))
        house.progress.advance("settle", changed=len(batch))


def _match_anew(house: House, lease: Lease, matcher: Matcher, settled: Settled, *, run: int) -> None:
    """Kinds that are to be matched as if all of them came today, and whoever answered one of those that were parted."""

    def merge(connection: Any, matched: Matched) -> None:
        merge_entities(house, connection, matched, settled, run=run)

    became = resolve_asked_for(house, lease, matcher, merge, run=run)
    settled.joined += became.joined
    settled.parted += became.parted
    settled.pairs += became.pairs
    settled.alarms |= became.alarms
    if became.parted:
        _settle_kinds(house, lease, matcher, settled, (), run=run)


def _merge_waiting(house: House, lease: Lease, settled: Settled, *, run: int) -> None:
    """Entities that are up again without a changed record: a conflict was decided, a policy changed."""

    def work(connection: Any, entities: list[int]) -> None:
        merge_entities(house, connection, Matched(touched=set(entities)), settled, run=run)

    work_off(house.database, lease, MERGE, work, at_once=_BATCH)


def merge_entities(house: House, connection: Any, matched: Matched, settled: Settled, *, run: int) -> None:
    groups = load_groups(house, connection, matched.touched, fresh=matched.fresh)
    by_kind: dict[str, list[Group]] = {}
    for group in groups:
        by_kind.setdefault(group.kind, []).append(group)
    for kind, some in by_kind.items():
        if kind in house.layouts:
            merge_kind(house, connection, kind, some, settled, run=run)
    settled.entities += len(groups)


def load_groups(
    house: House,
    connection: Any,
    entities: Iterable[int],
    *,
    fresh: Iterable[int] = (),
    reading: bool = False,
) -> list[Group]:
    """Entities with their records, as merging and planning see them. `reading`: nothing is noted or held."""
    database = house.database
    wanted = sorted(entities)
    kinds = dict(database.select(connection, "SELECT id, kind FROM entity WHERE", "id", wanted))
    groups = {entity: Group(entity, kinds[entity]) for entity in wanted if entity in kinds}
    homes = dict(database.select(connection, "SELECT record, entity FROM member WHERE", "entity", wanted))
    if not reading:
        database.hold(connection, "record", sorted(homes))
    return assembled(house, connection, groups, homes, fresh=set(fresh), reading=reading)


def _member_rows(
    house: House, connection: Any, groups: Mapping[int, Group], homes: Mapping[int, int]
) -> Iterator[tuple[Any, ...]]:
    """Record, stream, key, state, time and what it shows, of those of these records that stand for their entity.

    Table by table: PostgreSQL knows nothing of tables that have just been filled, and joined them by reading them
    whole, which took a server 36 ms for a hundred entities of 100,000.
    """
    streams = {stream.id: stream for stream in house.streams.values()}
    select, records = house.database.select, sorted(homes)
    bodies = dict(select(connection, "SELECT record, observed FROM body WHERE", "record", records))
    for number, of, rkey, state, modified, mapping in select(
        connection, "SELECT id, stream, rkey, state, modified, mapping FROM record WHERE", "id", records
    ):
        stream, group = streams.get(of), groups.get(homes[number])
        if stream is None or group is None or number not in bodies:
            continue
        if stream.kind == group.kind and stream.mapping_id == mapping:
            yield number, stream, rkey, state, modified, bodies[number]


def assembled(
    house: House,
    connection: Any,
    groups: Mapping[int, Group],
    homes: Mapping[int, int],
    *,
    fresh: set[int] | None,
    reading: bool = False,
) -> list[Group]:
    """The groups with their members. `homes`: by record its entity; `fresh` None: a first load, everybody is."""
    first = fresh is None
    rows = sorted(_member_rows(house, connection, groups, homes), key=itemgetter(0))
    bases = {} if first else load_bases(house.database, connection, [row[0] for row in rows])
    references = References(house, connection)
    refers: list[int] = []
    for number, stream, rkey, state, modified, shown in rows:
        observed = load_row(bytes(shown))
        base = bases.get(number)
        member = Member(
            id=number, stream=stream, rkey=rkey, state=state, modified=modified, observed=observed, row=[],
            fresh=fresh is None or number in fresh, base=base or StoredBase(), had_base=base is not None,
        )  # fmt: skip
        if stream.refs:
            references.want(number, stream, observed)
            refers.append(number)
        groups[homes[number]].members.append(member)
    waited = set() if first or reading else _waiters(house, connection, refers)
    references.resolve(note_waiting=not reading)
    arrived = _arrived(house, connection, references, waited)
    everybody = [member for group in groups.values() for member in group.members]
    for member in everybody:
        member.row = aligned(member.stream, references.seen(member.stream, member.observed))
        member.resolved = member.id in arrived
        member.unread = frozenset(
            at for at in member.stream.refs if references.is_unread(member.stream, member.observed[at])
        )
    for group in groups.values():
        _rank(group.members)
    newcomers = [member for member in everybody if member.fresh and not first]
    if newcomers and not reading:
        _load_written(house, connection, newcomers)
    return list(groups.values())


def _waiters(house: House, connection: Any, records: Sequence[int]) -> set[tuple[int, int, str]]:
    return {
        (row[0], row[1], row[2])
        for row in house.database.select(
            connection, "SELECT record, stream, rkey FROM waiting WHERE", "record", records
        )
    }


def _arrived(house: House, connection: Any, references: References, waited: set[tuple[int, int, str]]) -> set[int]:
    """Records of which a reference has found its entity since; they wait no longer."""
    database = house.database
    found: set[int] = set()
    for record, stream, key in waited:
        there = (
            references.leads(stream, key)
            or database.run(
                connection,
                "SELECT 1 FROM record r JOIN member m ON m.record = r.id WHERE r.stream = ? AND r.rkey = ?",
                (stream, key),
            ).fetchone()
        )
        if there:
            database.run(
                connection,
                "DELETE FROM waiting WHERE stream = ? AND rkey = ? AND record = ?",
                (stream, key, record),
            )
            found.add(record)
    return found


def _load_written(house: House, connection: Any, members: Sequence[Member]) -> None:
    """A value that the hub itself wrote there speaks for the record it came from, not for this one."""
    by_id = {member.id: member for member in members}
    for record, fields in house.database.select(
        connection, "SELECT record, fields FROM journal WHERE", "record", list(by_id), "ORDER BY id"
    ):
        for entry in load(bytes(fields)):
            by_id[record].wrote[entry["field"]] = unmark(entry["after"])


def aligned(stream: Stream, row: Sequence[Value]) -> list[Value]:
    """A row of a mapping in the order of the kind's layout."""
    wide = stream.layout.blank
    if stream.straight:
        wide[: len(row)] = row
        return wide
    for place, value in zip(stream.place, row, strict=True):
        wide[place] = value
    return wide


def _rank(members: list[Member]) -> None:
    """Per connection one record represents: contact before lead, live before archived, then newest activity."""
    if len(members) < 2:
        return
    best: dict[str, tuple[tuple[int, int, int, int], Member]] = {}
    for member in members:
        lead = "lead" in member.stream.name.lower()
        key = (member.state, int(lead), -(member.modified or 0), member.id)
        holder = best.get(member.stream.connection)
        if holder is None or key < holder[0]:
            best[member.stream.connection] = (key, member)
    for member in members:
        member.represents = best[member.stream.connection][1] is member


def merge_kind(
    house: House,
    connection: Any,
    kind: str,
    groups: Sequence[Group],
    settled: Settled,
    *,
    run: int,
    first: GoldenWrites | None = None,
) -> None:
    """Merge these entities of one kind. `first`: of a first load, what is to be written of others along with them."""
    database = house.database
    layout = house.layouts[kind]
    width = len(layout.fields)
    entities = [group.entity for group in groups]
    goldens = {} if first else load_goldens(database, connection, entities, width)
    decided = {} if first else conflicts.decisions(database, connection, entities)
    _rename_references(house, connection, layout, goldens.values())
    writes = first or GoldenWrites(run=run, at=house.now())
    contested = {} if first else conflicts.open_fields(database, connection, entities)
    if contested:
        living = {group.entity: [one.id for one in group.members if one.state <= ARCHIVED] for group in groups}
        conflicts.thaw(database, connection, {entity: living[entity] for entity in contested})
    frozen = conflicts.frozen_fields(database, connection, list(contested)) if contested else {}
    meeting = [] if first else [group.entity for group in groups if _meet_anew(group)]
    kept = conflicts.kept(database, connection, meeting) if meeting else {}
    merger = EntityMerger(house, connection, layout, decided, contested, frozen, kept)
    merger.expect(member.id for group in groups if _are_compared(group) for member in group.members)
    creating = any("create" in stream.writes for stream in house.of_kind(kind))
    moved: dict[int, list[int]] = {}
    afters: dict[int, Sequence[Value]] = {}
    for group in groups:
        before = goldens.get(group.entity)
        only = merger.only(group) if before is None else None
        if only is not None:
            lone = house.policies.lone(layout, record=only.id, system=only.stream.connection, row=only.row)
            afters[group.entity] = lone.values
            if lone.plain:
                writes.new.append((group.entity, dump(trimmed(list(lone.values))), lone_lineage(only.id), run))
                continue
            after = Golden(lone.values, lone.winners, lone.rules)
        else:
            after = merger.merge(group, before)
        moved[group.entity] = writes.add(group.entity, before, after, layout.fields)
        afters[group.entity] = after.values
    writes.save(database, connection)
    save_bases(database, connection, merger.bases)
    merger.save_waiting()
    settled.conflicts += conflicts.save(database, connection, merger.conflicts, at=house.now(), run=run)
    if creating:
        add_work(database, connection, CREATE, entities)
    follow(house, connection, layout, afters, {} if first else moved, first=first is not None)
    if not first:  # of a first load everybody is looked up at its end
        names = {entity: [layout.fields[at] for at in some] for entity, some in moved.items()}
        put_up(house, connection, kind, {entity: names.get(entity) for entity in afters})


def _rename_references(house: House, connection: Any, layout: Layout, goldens: Iterable[Golden]) -> None:
    """Entities that were joined have one id now: golden names them by it, so that texts compare."""
    places = [place for stream in house.of_kind(layout.kind) for at in stream.refs for place in (stream.place[at],)]
    if not places:
        return
    named: dict[str, list[dict[str, Any]]] = {}
    for golden in goldens:
        for place in set(places):
            value = golden.values[place]
            if isinstance(value, list):
                for element in value:
                    named.setdefault(str(element["entity"]).partition("/")[2], []).append(element)
    for old, kind, public in house.database.select(
        connection,
        "SELECT a.public, e.kind, e.public FROM alias a JOIN entity e ON e.id = a.entity WHERE",
        "a.public",
        list(named),
    ):
        for element in named[old]:
            element["entity"] = f"{kind}/{public}"


class EntityMerger:
    """Merges one entity after another of one kind, and collects what has to be stored beside golden."""

    def __init__(
        self,
        house: House,
        connection: Any,
        layout: Layout,
        decided: dict[int, dict[str, Any]],
        contested: Mapping[int, set[str]] | None = None,
        frozen: Mapping[int, set[str]] | None = None,
        kept: Mapping[int, Mapping[str, conflicts.Kept]] | None = None,
    ) -> None:
        """`contested`: fields with an open conflict, by entity; they are decided anew with whatever else is, but for
        those that are `frozen`. `kept`: of which a person said that each side keeps its own."""
        self._frozen = frozen or {}
        self._kept = kept or {}
        self._house = house
        self._contested = contested or {}
        self._connection = connection
        self._layout = layout
        self._decided = decided
        self._policies: list[FieldPolicy] = house.policies.of_kind(layout)
        self._references = References(house, connection)
        self._emptied = Emptied(house, connection)
        self._raws: dict[int, bytes] = {}
        self._expected: list[int] = []
        self.bases: dict[int, StoredBase] = {}
        self.conflicts: list[conflicts.Found] = []

    def expect(self, records: Iterable[int]) -> None:
        """Once one of these is asked for what it showed, that is read of all of them in one go."""
        self._expected = list(records)

    def only(self, group: Group) -> Member | None:
        """The record of an entity that has just one, where nothing of it was ever agreed.

        One that is gone counts too: when it comes back it is to be shown what golden is without it (`_note_gone`).
        """
        if len(group.members) != 1:
            return None
        (member,) = group.members
        return member if member.state <= ARCHIVED and not member.had_base and not member.wrote else None

    def merge(self, group: Group, before: Golden | None) -> Golden:
        """Golden of an entity; what each record is still to be shown is noted in `bases`."""
        after = self._merge(group, before)
        self._note_gone(group, before, after)
        return after

    def _note_gone(self, group: Group, before: Golden | None, after: Golden) -> None:
        """A record that is gone may come back: what golden has become since is then still to be shown there."""
        for member in group.members:
            if member.state <= ARCHIVED:
                continue
            noted = False
            for at, name in enumerate(member.stream.mapping.fields):
                place = member.stream.place[at]
                if before is None or member.fresh:
                    if member.fresh and (name in member.base.side or name in member.base.hub):
                        member.base.settled(name)  # it was agreed with the entity that it has left
                        noted = True
                    if after.values[place] != member.row[place] and name not in member.base.hub:
                        member.base.hub[name] = _NO_BASE
                        noted = True
                elif before.values[place] != after.values[place] and member.base.hub.get(name, False) is not _NO_BASE:
                    member.base.hub_moved(name, before.values[place], after.values[place])
                    noted = True
            if noted:
                self.bases[member.id] = member.base

    def _merge(self, group: Group, before: Golden | None) -> Golden:
        members = [member for member in group.members if member.state <= ARCHIVED]
        width = len(self._layout.fields)
        if before is None:
            return self._first(group, members) if members else Golden.blank(width)
        self._hand_on(members)
        names = {*self._decided.get(group.entity, ()), *self._contested.get(group.entity, ())}
        for member in members:
            if member.fresh:
                names.update(member.stream.mapping.fields)
            if member.resolved:
                names.update(member.stream.mapping.fields[at] for at in member.stream.refs)
            names.update(member.base.side)
            names.update(name for name, entry in member.base.hub.items() if entry is _NO_BASE)
        names -= self._frozen.get(group.entity, set()) - set(self._decided.get(group.entity, ()))
        positions = sorted(self._layout.position[name] for name in names if name in self._layout.position)
        return self._decide(group, members, before, positions) if positions else before

    def _hand_on(self, members: Sequence[Member]) -> None:
        """What a record was still to be shown when another one came to represent its system, that one is to be shown.

        Else nobody there would ever show it, and what somebody edits in the first one later would meet it as an edit.
        """
        heirs = {member.stream.connection: member for member in members if member.represents}
        for member in members:
            heir = heirs.get(member.stream.connection)
            if heir is None or heir is member or heir.fresh or not (heir.state == member.state == LIVE):
                continue
            for name, held in list(member.base.hub.items()):
                if held and held is not _NO_BASE and name in heir.stream.at:
                    del member.base.hub[name]
                    heir.base.hub.setdefault(name, held)
                    self.bases |= {member.id: member.base, heir.id: heir.base}

    def _first(self, group: Group, members: Sequence[Member]) -> Golden:
        """First contact. Whole rows at once; only where a record is to be shown something, or nobody knows better,
        the field is decided side by side, which gives bases and conflicts too."""
        width = len(self._layout.fields)
        said = group.entity in self._decided or group.entity in self._kept
        if said or any(member.had_base or member.wrote for member in members):
            return self._decide(group, members, Golden.blank(width), range(width))
        found = self._house.policies.newcomers(self._layout, [self._row_side(member, members) for member in members])
        winners = [None if n == NOBODY else members[n].id for n in found.winners]
        reasons = [
            _reason(rule, None if n == NOBODY else members[n])
            for rule, n in zip(found.rules, found.winners, strict=True)
        ]
        golden = Golden(found.values, winners, reasons)
        open_ = set(found.contested)
        for member in members:
            if member.represents and member.state == LIVE:
                open_.update(
                    place
                    for at, place in enumerate(member.stream.place)
                    if member.stream.may_write(at)
                    and found.values[place] is not ABSENT
                    and member.row[place] != found.values[place]
                )
        if open_:
            side_by_side = self._decide(group, members, Golden.blank(width), sorted(open_))
            for place in open_:
                golden.values[place] = side_by_side.values[place]
                golden.winners[place] = side_by_side.winners[place]
                golden.rules[place] = side_by_side.rules[place]
        return golden

    def _row_side(self, member: Member, members: Sequence[Member]) -> RowSide:
        stream, fields = member.stream, self._layout.fields
        alike = [other for other in members if other.stream is stream and other is not member]
        return RowSide(
            record=member.id,
            system=stream.connection,
            row=member.row,
            live=member.state == LIVE,
            represents=member.represents,
            modified=iso(member.modified),
            trusted=member.modified is not None,
            shown=lambda place, value: self._cut(member, alike, fields[place], place, value),
        )

    def _cut(self, member: Member, alike: Sequence[Member], name: str, place: int, value: Value) -> Value:
        """`shown`, asked only where what the record shows may be a part of the value.

        What a record of the same stream shows, this one would show as whole (`alike`: those of its entity). To ask
        takes 50 µs a value, and of two records of one person in one system a dozen differ.
        """
        at = member.stream.at.get(name)
        mine = member.row[place]
        if at is None or any(other.row[place] == value for other in alike):
            return value
        if (
            isinstance(value, str)
            and isinstance(mine, str)
            and member.stream.mapping.schema[at].type == "text"
            and not value.startswith(mine.rstrip("…"))
        ):
            return value
        return self.shown(member, at, value)

    def _decide(self, group: Group, members: Sequence[Member], before: Golden, positions: Iterable[int]) -> Golden:
        after = Golden(list(before.values), list(before.winners), list(before.rules))
        taken = self._decided.get(group.entity, {})
        for position in positions:
            name = self._layout.fields[position]
            golden = before.values[position]
            left_over = golden is ABSENT and self._was_computed(name, position, members)
            if left_over:
                golden = None  # computed for an entity that was parted since; whose it is will be computed again
            kept = self._still_kept(group.entity, name, position, members)
            if kept is not None and golden is ABSENT:
                golden = kept.value
            sides = [
                (member, at, self.side(member, at, position, name, golden, kept=kept))
                for member in members
                if (at := member.stream.at.get(name)) is not None
            ]
            if not sides:
                self.conflicts.append(conflicts.Found(group.entity, name, b"", None))
                continue
            if name in taken and (_shows_otherwise(sides, taken[name]["about"]) or _are_parted(sides, taken[name])):
                conflicts.give_up(self._house.database, self._connection, group.entity, name)
                taken = {other: said for other, said in taken.items() if other != name}
            keeps = name in taken and taken[name]["take"] == "keep"
            if name in taken:
                decision = by_person([side for _, _, side in sides], taken[name])
                shown = None
                if keeps:
                    shown = {side.record: mark(side.observed) for _, _, side in sides if side.observed is not ABSENT}
                conflicts.use(self._house.database, self._connection, group.entity, name, shown=shown)
            else:
                decision = by_policy([side for _, _, side in sides], golden, self._policies[position])
                if kept is not None and decision.rule == "hub":
                    decision = replace(decision, reason=f"decided by {kept.who}")
            if decision.rule == "keep" or keeps or kept is not None:
                self._references.may_differ([member.id for member, _, _ in sides])
            self._store(group, after, position, name, sides, decision, golden)
            if left_over:
                for member, _, side in sides:
                    if side.written_by_hub and side.observed is not None:
                        member.base.hub[name] = []
                        self.bases[member.id] = member.base
        return after

    def _was_computed(self, name: str, position: int, members: Sequence[Member]) -> bool:
        return self._policies[position].code == "derived" and any(name in member.wrote for member in members)

    def _still_kept(self, entity: int, name: str, position: int, members: Sequence[Member]) -> conflicts.Kept | None:
        """The word that each side keeps its own, for those of whom it was said, who are here still and show what they
        showed; None: they do not disagree any more. The hub does not go on holding what came of somebody else."""
        said = self._kept.get(entity, {}).get(name)
        if said is None:
            return None
        shows = {member.id: mark(member.row[position]) for member in members}
        still = {record: value for record, value in said.shown.items() if shows.get(record, ABSENT) == value}
        theirs = [value for record, value in said.shown.items() if record not in shows]
        if all(value == next(iter(still.values())) for value in still.values()):
            return None
        held = ABSENT if said.value in theirs and said.value not in shows.values() else unmark(said.value)
        return conflicts.Kept(still, held, said.who)

    def side(
        self, member: Member, at: int, position: int, name: str, golden: Value, *, kept: conflicts.Kept | None = None
    ) -> Side:
        """One record as the merge of one field sees it; `golden`: what the hub holds by now. `kept`: who agreed to
        differ from that, whatever of it was noted."""
        observed = member.row[position]
        stored = member.base
        base: Base | None
        hub: Any = stored.hub.get(name, False)
        late = member.resolved and at in member.stream.refs
        if member.fresh or hub is _NO_BASE or late:
            base = Base(observed, golden) if kept is not None and member.id in kept.shown else None
        else:
            side = stored.side.get(name)
            shown, gone = observed, False
            if side is not None:
                left = self._left(member, at, side, golden)
                shown, gone = self._seen(member, at, left.value), left.gone
                observed = ABSENT if left.doubtful else observed
            held: Any = golden if hub is False else (unmark(hub[0]) if hub else NEVER)
            if gone and observed is None and self._stands_for_it(member, at, golden):
                held = NEVER
            takes_place = self._takes_place(member, at, observed, shown, held, gone=gone)
            base = Base(held, held) if takes_place else Base(shown, held)
        return Side(
            record=member.id,
            system=member.stream.connection,
            observed=observed,
            base=base,
            modified=iso(member.modified),
            trusted=member.modified is not None,
            live=member.state == LIVE,
            represents=member.represents,
            writable=member.stream.may_write(at),
            written_by_hub=name in member.wrote and member.wrote[name] == observed,
            shown=lambda value: self._shown_since(member, at, value, base),
        )

    def _left(self, member: Member, at: int, side: Sequence[Any], golden: Value) -> Left:
        """What of a stored base is not gone by now; whether that cannot be told yet."""
        was, there = unmark(side[0]), side[2] if len(side) > 2 else ()
        if at not in member.stream.refs or was is ABSENT or was is None:
            return Left(was, gone=False, doubtful=False)
        left = self._emptied.left(member.id, member.stream, was, member.observed[at], there=there)
        if left.gone and member.stream.may_write(at):
            self._references.cannot_show(member.id, member.stream, golden)  # until it is there again
        return left

    def _seen(self, member: Member, at: int, value: Value) -> Value:
        """A stored base of a reference, as the entity it meant."""
        if at not in member.stream.refs or value is ABSENT or value is None:
            return value
        return self._references.seen_once(member.stream, at, value)

    def shown(self, member: Member, at: int, value: Value) -> Value:
        """What this record could show of a golden value."""
        if value is ABSENT:
            return ABSENT
        mapping = member.stream.mapping
        if at in member.stream.refs:
            theirs = self._references.as_remote(member.stream, value)
            if theirs is ABSENT or not self._references.can_show(member.stream, value):
                self._references.cannot_show(member.id, member.stream, value)
                return member.row[member.stream.place[at]]  # it has no record of it: what it shows is all it can
            shown = mapping.shown(at, theirs, over=member.raw(self._load_raw))
            return self._references.seen_once(member.stream, at, shown)
        shown = mapping.shown(at, value, over=member.raw(self._load_raw))
        # Nobody could make sense of it there, an amount without its currency for one: then what it shows is all it can.
        return member.row[member.stream.place[at]] if shown is ABSENT else shown

    def _stands_for_it(self, member: Member, at: int, golden: Value) -> bool:
        """Is there another record of what the hub holds, to be shown where one of it is gone?"""
        if golden is ABSENT or golden is None or not member.stream.may_write(at):
            return False
        return self._references.can_show(member.stream, golden)

    def _takes_place(self, member: Member, at: int, observed: Value, shown: Value, held: Value, *, gone: bool) -> bool:
        """Has somebody named another one where the hub holds what nothing there can stand for, or in place of what is
        gone, though another record may stand for it by now? That one is meant to take its place, whatever stood there
        meanwhile; beside it would be a second one."""
        if at not in member.stream.refs or observed == shown or held is NEVER or not (slot := _slot(observed)):
            return False
        return _slot(held) == slot and (gone or not self._references.can_show(member.stream, held))

    def _shown_since(self, member: Member, at: int, value: Value, base: Base | None) -> Value:
        """`shown`, as an edit is told by: of a reference that nothing there can stand for, what was agreed to stand in
        its place. What somebody has put there since is their word, and not all that the record can show."""
        shown = self.shown(member, at, value)
        if base is None or at not in member.stream.refs or value is ABSENT or value is None:
            return shown
        if member.row[member.stream.place[at]] is ABSENT or self._references.can_show(member.stream, value):
            return shown
        return None if base.side is ABSENT else base.side

    def save_waiting(self) -> None:
        """Note which records wait for others to be there, and which others are to be asked for."""
        self._references.save_waiting()
        self._emptied.save()

    def _load_raw(self, record: int) -> Any:
        if self._expected:
            rows = self._house.database.select(
                self._connection, "SELECT record, raw FROM body WHERE", "record", self._expected
            )
            self._raws = {number: bytes(raw) for number, raw in rows}
            self._expected = []
        if record in self._raws:
            return load(self._raws.pop(record))
        row = self._house.database.run(self._connection, "SELECT raw FROM body WHERE record = ?", (record,)).fetchone()
        return load(bytes(row[0]))

    def _store(
        self,
        group: Group,
        after: Golden,
        position: int,
        name: str,
        sides: Sequence[tuple[Member, int, Side]],
        decision: Decision,
        before: Value,
    ) -> None:
        golden = decision.golden
        after.values[position] = golden
        if decision.winner is not None or golden != before or golden in (ABSENT, None):
            after.winners[position] = decision.winner
        if decision.rule != "nobody" or golden != before:
            after.rules[position] = decision.reason
        for (member, at, side), base in zip(sides, decision.bases, strict=True):
            self._store_base(member, at, name, side, base, golden)
        if decision.verdict == "conflict":
            inputs = digest(dump_sorted([mark(before), [[side.record, mark(side.observed)] for _, _, side in sides]]))
            found = conflicts.Found(group.entity, name, inputs, _detail(sides, decision, before))
        else:
            found = conflicts.Found(group.entity, name, b"", None)
        self.conflicts.append(found)

    def _store_base(self, member: Member, at: int, name: str, side: Side, base: Base | None, golden: Value) -> None:
        """`base.side` is kept as the record shows it (ids of its own system), `base.hub` as the hub holds it."""
        stored = member.base
        held_side, held_hub = stored.side.get(name), stored.hub.get(name, False)
        if base is None:
            stored.side.pop(name, None)
            nothing = golden in (ABSENT, None) and side.observed in (ABSENT, None)
            if nothing or (side.observed is ABSENT and not side.writable):
                stored.hub.pop(name, None)
            else:
                stored.hub[name] = _NO_BASE
        else:
            nothing = base.side is ABSENT and side.observed is None and golden in (ABSENT, None)
            if base.side == side.observed or nothing:
                stored.side.pop(name, None)
            elif held_side is None:
                stored.side[name] = [mark(self._as_observed(member, at, base.side)), None]
            if base.hub is NEVER:
                stored.hub[name] = []
            elif base.hub == golden:
                stored.hub.pop(name, None)
            else:
                stored.hub[name] = [mark(base.hub)]
        if member.had_base or stored.side.get(name) != held_side or stored.hub.get(name, False) != held_hub:
            self.bases[member.id] = stored

    def _as_observed(self, member: Member, at: int, value: Value) -> Value:
        if at not in member.stream.refs or value is ABSENT or value is None:
            return value
        theirs = self._references.as_remote(member.stream, value)
        return None if theirs is ABSENT else theirs


def _slot(value: Value) -> dict[str, Any]:
    """Of a single reference, the slot in which there is one alone (the primary one); nothing where there may be
    several."""
    if not isinstance(value, list) or len(value) != 1:
        return {}
    return {name: part for name, part in value[0].items() if name != "entity"}


def _meet_anew(group: Group) -> bool:
    """Is there a record of which nothing was agreed with the others, or nothing of some field?"""
    return any(member.fresh or _NO_BASE in member.base.hub.values() for member in group.members)


def _are_compared(group: Group) -> bool:
    """May a member be asked what it could show? Records of one stream that is not written are not: see `_cut`."""
    streams = {member.stream.id: member.stream for member in group.members}
    return len(streams) > 1 or any(len(group.members) > 1 and stream.writes for stream in streams.values())


def _reason(rule: int, winner: Member | None) -> str:
    """Why a field of records that met for the first time is what it is."""
    system = "" if winner is None else winner.stream.connection
    told = RULES[rule]
    return {
        "masters": f"{system} is master",
        "only value": f"only {system} has it",
        "agreed": "all say the same",
        "union": "what each of them has",
        "nobody": "nobody says anything",
    }.get(told, told)


def by_policy(sides: Sequence[Side], golden: Value, policy: FieldPolicy) -> Decision:
    """The table of DESIGN: three-way where every side has a base, survivorship where some side has none."""
    if any(side.base is None for side in sides):
        return survive(sides, policy=policy, golden=golden)
    return merge(sides, golden=golden, policy=policy)


def _shows_otherwise(sides: Sequence[tuple[Member, int, Side]], about: Mapping[int, Any]) -> bool:
    """Does a record show something else than when a person decided? Not asked of references: the entities that they
    mean change their names."""
    return any(
        at not in member.stream.refs and side.record in about and mark(side.observed) != about[side.record]
        for member, at, side in sides
    )


def _are_parted(sides: Sequence[tuple[Member, int, Side]], taken: Mapping[str, Any]) -> bool:
    """Were several to stay as they are, of whom one at most is left here?"""
    here = {side.record for _, _, side in sides}
    return taken["take"] == "keep" and len(taken["about"]) > 1 and sum(one in here for one in taken["about"]) < 2


def by_person(sides: Sequence[Side], taken: dict[str, Any]) -> Decision:
    """A person decided a conflict: one value for all, or each side keeps its own."""
    value = unmark(taken["value"])
    keep = taken["take"] == "keep"
    stands: list[Any] = []
    bases: list[Base | None] = []
    for side in sides:
        same = side.observed == value or side.observed == side.shown(value)
        if keep or same or not (side.writable and side.represents and side.live):
            stands.append("rest")
            bases.append(Base(side.observed, value))
        else:
            stands.append("write")
            bases.append(Base(side.observed, NEVER))
    return Decision(
        golden=value,
        verdict="agreed" if keep else "taken",
        winner=taken.get("record"),
        reason=f"decided by {taken['who']}",
        rule="review",
        losers=[],
        stands=stands,
        bases=bases,
    )


def _detail(sides: Sequence[tuple[Member, int, Side]], decision: Decision, before: Value) -> dict[str, Any]:
    return {
        "base": mark(before),
        "why": decision.reason,
        "sides": [
            {
                "record": side.record,
                "connection": side.system,
                "value": mark(side.observed),
                "changed_at": side.modified,
            }
            for _, _, side in sides
            if side.observed is not ABSENT
        ],
    }
