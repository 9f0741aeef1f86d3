"""Settle: match what was landed, merge it into golden records, note what each side is still to be shown.

One lane under one lease, fed by the work table. A batch of entities is one transaction: golden records,
history, bases, conflicts and the work that was done are committed together or not at all.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from crosswalk.engine.derive import derive_entities, note_scores
from crosswalk.engine.identify import Matched, Matcher, entity_kind, finish_work, pending_work
from crosswalk.engine.model import House, Stream
from crosswalk.engine.references import References
from crosswalk.store import conflicts
from crosswalk.store.codec import Base as StoredBase
from crosswalk.store.codec import dump_sorted, digest, iso, load, load_row, mark, unmark
from crosswalk.store.goldens import Golden, GoldenWrites, Layout, load_goldens
from crosswalk.store.leases import fence
from crosswalk.store.records import (
    ARCHIVED,
    CREATE,
    LIVE,
    MERGE,
    add_work,
    done_work,
    load_bases,
    save_bases,
    take_work,
)
from mapping.merge import NEVER, Base, Decision, FieldPolicy, Side, merge, survive
from mapping.values import ABSENT, Value
from scheduler.leases import Lease

_BATCH = 500


@dataclass
class Settled:
    """What settling changed."""

    records: int = 0
    entities: int = 0
    joined: int = 0
    pairs: int = 0
    conflicts: int = 0  # new ones


@dataclass(slots=True)
class Member:
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
    _raw: Any = None

    def raw(self, load_raw: Callable[[int], Any]) -> Any:
        if self._raw is None:
            self._raw = load_raw(self.id)
        return self._raw


@dataclass
class Group:
    """One entity on its way to a golden record."""

    entity: int
    kind: str
    members: list[Member] = field(default_factory=list)


def settle(house: House, lease: Lease, *, run: int, first: bool = False) -> Settled:
    """Work off what landing left. `first`: nothing has been matched yet, so everything is, at once."""
    matcher = Matcher(house, run=run)
    settled = Settled()
    if first:
        matched = matcher.match_all()
        settled.records, settled.joined = matched.records, matched.joined
        _merge_all(house, lease, settled, run=run)
        note_scores(house, lease)
        derive_entities(house, lease, run=run)
        return settled
    for kinds in _ORDER:
        _settle_kinds(house, lease, matcher, settled, kinds, run=run)
    _merge_waiting(house, lease, settled, run=run)
    derive_entities(house, lease, run=run)
    return settled


# What others refer to comes first, so that a reference finds its entity.
_ORDER = (("owner", "company", "survey", "campaign"), ("person",), ())


def _settle_kinds(
    house: House, lease: Lease, matcher: Matcher, settled: Settled, kinds: tuple[str, ...], *, run: int
) -> None:
    streams = {stream.id for stream in house.streams.values() if not kinds or stream.kind in kinds}
    known = {stream.id for stream in house.streams.values()}
    skipped: set[int] = set()
    for batch in pending_work(house, among=streams if kinds else None, skipped=skipped):
        with house.database.write() as connection:
            fence(house.database, connection, lease)
            matched = matcher.match_some(connection, batch)
            _merge_entities(house, connection, matched, settled, run=run)
            finish_work(house, connection, batch)
        settled.records += len(batch)
        settled.joined += matched.joined
        settled.pairs += matched.pairs
    del known


def _merge_all(house: House, lease: Lease, settled: Settled, *, run: int) -> None:
    """Merge every entity, those first that others refer to."""
    kinds = [kind for some in _ORDER for kind in some]
    rest = sorted({entity_kind(stream) for stream in house.streams.values()} - set(kinds))
    for kind in [*kinds, *rest]:
        after = 0
        while True:
            with house.database.read() as connection:
                entities = [
                    row[0]
                    for row in house.database.run(
                        connection,
                        "SELECT id FROM entity WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
                        (kind, after, 4 * _BATCH),
                    ).fetchall()
                ]
            if not entities:
                break
            after = entities[-1]
            with house.database.write() as connection:
                fence(house.database, connection, lease)
                _merge_entities(house, connection, Matched(touched=set(entities)), settled, run=run, first=True)


def _merge_waiting(house: House, lease: Lease, settled: Settled, *, run: int) -> None:
    """Entities that are up again without a changed record: a conflict was decided, a policy changed."""
    while True:
        with house.database.read() as connection:
            entities = take_work(house.database, connection, MERGE, _BATCH)
        if not entities:
            return
        with house.database.write() as connection:
            fence(house.database, connection, lease)
            _merge_entities(house, connection, Matched(touched=set(entities)), settled, run=run)
            done_work(house.database, connection, MERGE, entities)


def _merge_entities(
    house: House, connection: Connection, matched: Matched, settled: Settled, *, run: int, first: bool = False
) -> None:
    groups = _load_groups(house, connection, matched, first=first)
    by_kind: dict[str, list[Group]] = {}
    for group in groups:
        by_kind.setdefault(group.kind, []).append(group)
    for kind, some in by_kind.items():
        if kind in house.layouts:
            _merge_kind(house, connection, kind, some, settled, run=run, first=first)
    settled.entities += len(groups)
    from crosswalk.engine.derive import touch

    touch(house, connection, [group.entity for group in groups], first=first)


def _load_groups(house: House, connection: Connection, matched: Matched, *, first: bool) -> list[Group]:
    database = house.database
    entities = sorted(matched.touched)
    kinds = dict(database.select(connection, "SELECT id, kind FROM entity WHERE", "id", entities))
    groups = {entity: Group(entity, kinds[entity]) for entity in entities if entity in kinds}
    streams = {stream.id: stream for stream in house.streams.values()}
    rows = [
        row
        for row in database.select(
            connection,
            "SELECT m.entity, m.record, r.stream, r.rkey, r.state, r.modified, b.observed FROM member m "
            "JOIN record r ON r.id = m.record JOIN body b ON b.record = m.record WHERE",
            "m.entity",
            entities,
        )
        if row[2] in streams and streams[row[2]].kind == kinds.get(row[0])
    ]
    bases = {} if first else load_bases(database, connection, [row[1] for row in rows])
    references = References(house, connection, assume_current=first)
    for row in rows:
        stream = streams[row[2]]
        observed = load_row(bytes(row[6]))
        member = Member(
            id=row[1], stream=stream, rkey=row[3], state=row[4], modified=row[5], observed=observed,
            row=[], fresh=first or row[1] in matched.fresh,
            base=bases.get(row[1]) or StoredBase(), had_base=row[1] in bases,
        )  # fmt: skip
        if stream.refs:
            references.want(member.id, stream, observed)
        groups[row[0]].members.append(member)
    references.resolve()
    for group in groups.values():
        for member in group.members:
            member.row = aligned(member.stream, references.seen(member.id, member.stream, member.observed))
        _rank(group.members)
    return list(groups.values())


def aligned(stream: Stream, row: Sequence[Value]) -> list[Value]:
    """A row of a mapping in the order of the kind's layout."""
    wide = stream.layout.blank
    for place, value in zip(stream.place, row, strict=True):
        wide[place] = value
    return wide


def _rank(members: list[Member]) -> None:
    """Per connection one record represents: contact before lead, live before archived, then newest activity."""
    if len(members) < 2:
        return
    order = {"contacts": 0, "persons": 0}
    best: dict[str, Member] = {}
    for member in members:
        key = (member.state, order.get(member.stream.name.lower(), 1), -(member.modified or 0), member.id)
        system = member.stream.connection
        holder = best.get(system)
        if holder is None or key < (
            holder.state, order.get(holder.stream.name.lower(), 1), -(holder.modified or 0), holder.id,
        ):  # fmt: skip
            best[system] = member
    for member in members:
        member.represents = best[member.stream.connection] is member


def _merge_kind(
    house: House,
    connection: Connection,
    kind: str,
    groups: Sequence[Group],
    settled: Settled,
    *,
    run: int,
    first: bool,
) -> None:
    database = house.database
    layout = house.layouts[kind]
    width = len(layout.fields)
    goldens = {} if first else load_goldens(database, connection, [group.entity for group in groups], width)
    writes = GoldenWrites(run=run, at=house.now())
    merger = EntityMerger(house, connection, layout, run=run)
    missing: list[int] = []
    wants_creates = _creating(house, kind)
    for group in groups:
        before = goldens.get(group.entity)
        after = merger.merge(group, before)
        writes.add(group.entity, before, after, layout.fields)
        if wants_creates:
            missing.append(group.entity)
    writes.save(database, connection)
    save_bases(database, connection, merger.bases)
    settled.conflicts += conflicts.save(database, connection, merger.conflicts, at=house.now(), run=run)
    add_work(database, connection, CREATE, missing)


def _creating(house: House, kind: str) -> bool:
    return any(stream.kind == kind and "create" in stream.writes for stream in house.streams.values())


class EntityMerger:
    """Merges one entity after another of one kind, and collects what has to be stored beside golden."""

    def __init__(self, house: House, connection: Connection, layout: Layout, *, run: int) -> None:
        self._house = house
        self._connection = connection
        self._layout = layout
        self._run = run
        self._policies: list[FieldPolicy] = house.policies.of_kind(layout)
        self._rows = house.policies.rows(layout)
        self.bases: dict[int, StoredBase] = {}
        self.conflicts: list[conflicts.Found] = []

    def merge(self, group: Group, before: Golden | None) -> Golden:
        members = [member for member in group.members if member.state <= ARCHIVED]
        if before is None:
            return self._first(group, members)
        return self._again(group, members, before)

    # -- first contact: nothing of this entity has been merged yet -------------------------------------------

    def _first(self, group: Group, members: Sequence[Member]) -> Golden:
        width = len(self._layout.fields)
        if not members:
            return Golden.blank(width)
        if len(members) == 1 and not members[0].had_base:
            only = members[0]
            winners, rules = self._rows.single(only.id, only.row, only.stream.connection)
            golden = Golden(list(winners[0]), winners[1], rules)
            self._note_first(only, golden)
            return golden
        decided = self._decide(group, members, Golden.blank(width), range(width))
        return decided

    def _note_first(self, member: Member, golden: Golden) -> None:
        """What the hub computed is still to be shown; a lone record shows the rest by itself."""
        if not self._may_write(member):
            return
        pending = [
            name
            for name in self._write_only(member.stream)
            if golden.values[self._layout.position[name]] not in (ABSENT, None)
        ]
        if pending:
            base = member.base
            for name in pending:
                base.hub[name] = []
            self.bases[member.id] = base

    def _write_only(self, stream: Stream) -> list[str]:
        mapping = stream.mapping
        return [
            name for n, name in enumerate(mapping.fields) if mapping.writable[n] and not mapping.readable[n]
        ]

    # -- afterwards ------------------------------------------------------------------------------------------

    def _again(self, group: Group, members: Sequence[Member], before: Golden) -> Golden:
        layout = self._layout
        names: set[str] = set()
        for member in members:
            if member.fresh:
                names.update(member.stream.mapping.fields)
            names.update(member.base.side)
            names.update(name for name, entry in member.base.hub.items() if entry is None)
        names.update(self._decided(group.entity))
        positions = sorted(layout.position[name] for name in names if name in layout.position)
        if not positions:
            return before
        return self._decide(group, members, before, positions)

    def _decided(self, entity: int) -> dict[str, Any]:
        return conflicts.decisions(self._house.database, self._connection, entity)

    def _decide(
        self, group: Group, members: Sequence[Member], before: Golden, positions: Iterable[int]
    ) -> Golden:
        layout = self._layout
        after = Golden(list(before.values), list(before.winners), list(before.rules))
        taken = self._decided(group.entity) if group.entity else {}
        for position in positions:
            name = layout.fields[position]
            policy = self._policies[position]
            sides: list[tuple[Member, int, Side]] = []
            for member in members:
                at = self._index(member.stream, name)
                if at is not None:
                    sides.append((member, at, self._side(member, at, position, name, before.values[position])))
            if not sides:
                continue
            if name in taken:
                decision = self._by_person(sides, taken[name], before.values[position])
                conflicts.use(self._house.database, self._connection, group.entity, name)
            else:
                decision = self._by_policy([side for _, _, side in sides], before.values[position], policy)
            self._store(group, after, position, name, sides, decision, before.values[position])
        return after

    def _by_policy(self, sides: Sequence[Side], golden: Value, policy: FieldPolicy) -> Decision:
        if any(side.base is None for side in sides):
            return survive(sides, policy=policy, golden=golden)
        return merge(sides, golden=golden, policy=policy)

    def _by_person(
        self, sides: Sequence[tuple[Member, int, Side]], taken: dict[str, Any], golden: Value
    ) -> Decision:
        """A person decided a conflict: one value for all, or each side keeps its own."""
        del golden
        value = unmark(taken["value"])
        keep = taken["take"] == "keep"
        stands: list[Any] = []
        bases: list[Base | None] = []
        for _, _, side in sides:
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

    def _index(self, stream: Stream, name: str) -> int | None:
        return self._house.policies.index(stream, name)

    def _may_write(self, member: Member) -> bool:
        return member.represents and member.state == LIVE and "update" in member.stream.writes

    def _side(self, member: Member, at: int, position: int, name: str, golden: Value) -> Side:
        mapping = member.stream.mapping
        observed = member.row[position]
        stored = member.base
        base: Base | None
        hub = stored.hub.get(name, False)
        if member.fresh or hub is None:
            base = None
        else:
            side = stored.side.get(name)
            shown = observed if side is None else self._seen(member, at, unmark(side[0]))
            held: Any = golden if hub is False else (NEVER if not hub else unmark(hub[0]))
            base = Base(shown, held)
        return Side(
            record=member.id,
            system=member.stream.connection,
            observed=observed,
            base=base,
            modified=iso(member.modified),
            trusted=member.modified is not None,
            live=member.state == LIVE,
            represents=member.represents,
            writable=bool(mapping.writable[at]) and "update" in member.stream.writes,
            written_by_hub=False,
            shown=lambda value: self._shown(member, at, value),
        )

    def _seen(self, member: Member, at: int, value: Value) -> Value:
        """A stored base of a reference, as the entity it meant."""
        if at not in member.stream.refs or value in (ABSENT, None):
            return value
        references = References(self._house, self._connection)
        row: list[Value] = [ABSENT] * len(member.stream.mapping.fields)
        row[at] = value
        references.want(member.id, member.stream, row)
        references.resolve(note_waiting=False)
        return references.seen(member.id, member.stream, row)[at]

    def _shown(self, member: Member, at: int, value: Value) -> Value:
        """What this record could show of a golden value."""
        mapping = member.stream.mapping
        if value is ABSENT:
            return ABSENT
        if at in member.stream.refs:
            references = References(self._house, self._connection)
            theirs = references.as_remote(member.stream, at, value)
            if theirs is ABSENT:
                return member.observed[at] if value is not None else None
            return value if mapping.shown(at, theirs, over=None) == theirs else ABSENT
        return mapping.shown(at, value, over=member.raw(self._load_raw))

    def _load_raw(self, record: int) -> Any:
        row = self._house.database.run(
            self._connection, "SELECT raw FROM body WHERE record = ?", (record,)
        ).fetchone()
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
            inputs = digest(
                dump_sorted([mark(before), [[side.record, mark(side.observed)] for _, _, side in sides]])
            )
            self.conflicts.append(
                conflicts.Found(group.entity, name, inputs, _conflict_detail(sides, decision, before))
            )
        else:
            self.conflicts.append(conflicts.Found(group.entity, name, b"", None))

    def _store_base(self, member: Member, at: int, name: str, side: Side, base: Base | None, golden: Value) -> None:
        stored = member.base
        held_side, held_hub = stored.side.get(name), stored.hub.get(name, False)
        if base is None:
            stored.side.pop(name, None)
            if golden is ABSENT and side.observed in (ABSENT, None):
                stored.hub.pop(name, None)
            else:
                stored.hub[name] = None  # type: ignore[assignment]  # no base at all: see codec.Base
        else:
            if base.side == side.observed:
                stored.side.pop(name, None)
            elif held_side is None:
                stored.side[name] = [mark(base.side), None]
            if base.hub is NEVER:
                stored.hub[name] = []
            elif base.hub == golden:
                stored.hub.pop(name, None)
            else:
                stored.hub[name] = [mark(base.hub)]
        moved = stored.side.get(name) != held_side or stored.hub.get(name, False) != held_hub
        if moved or member.had_base:
            self.bases[member.id] = stored


def _conflict_detail(
    sides: Sequence[tuple[Member, int, Side]], decision: Decision, before: Value
) -> dict[str, Any]:
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
            if side.observed not in (ABSENT,)
        ],
    }
