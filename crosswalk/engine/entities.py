"""Entities in the store: which records each holds, the id that it goes by, how two become one and one becomes several.

What is noted of two records stands here too: edges, which say whether they are one and by whom, and pairs, which a
person is asked about. Who belongs together is decided elsewhere (`identify`, `scored`).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, field

from crosswalk.engine.matching import JOINS
from crosswalk.engine.model import House, Stream
from crosswalk.store import conflicts, letters, outbox
from crosswalk.store.dialect import Database, batches
from crosswalk.store.records import ARCHIVED, MERGE, PARTED, SETTLE, add_work

Connection = Any  # the store's; this room does not know what is behind it

# source, verdict, rule, score, who of an edge that the vendor itself drew
MERGED_THERE = ("merged_into", "same", "merged there", None, None)
CAME_BACK = ("came back", "same", "came back", None, None)
CONVERTED_THERE = ("converted_to", "same", "converted there", None, None)

CLAIM = "claim"  # the source of an edge between an answer and whom it came to; of those that it came to before as well
CLAIMED = (CLAIM, "same", "claimed by the respondent", None, None)
UNLINKED = "unlinked"  # source and verdict of an edge that says only what two records were: see `on_delete`
SCORED = "scored"  # the source of an edge, the rule of a pair, that scored matching found
WERE_TWO = "were two"  # the rule of a pair that an edit made the same: two records of one system, in two entities
ALIKE_BY = "alike by"  # how the rule of an edge begins that a first load has noted
PAIR_COLUMNS = ("left", "right", "rule", "state", "at", "score")

SCORED_COLUMNS = ("left", "right", "source", "verdict", "rule", "score", "at", "run", "shown")
EDGE_COLUMNS = ("left", "right", "source", "verdict", "rule", "score", "who", "at", "run")


class Matched(Struct):
    """What matching changed."""

    records: int = 0
    joined: int = 0
    pairs: int = 0
    parted: int = 0
    touched: set[int] = field(default_factory=set)  # entities whose records changed
    fresh: set[int] = field(default_factory=set)  # records that are new in their entity
    apart: set[int] = field(default_factory=set)  # records of entities that likeness has parted
    alarms: dict[int, str] = field(default_factory=dict)  # by record what looks wrong about its group


class Source(NamedTuple):
    """What records of a stream are of."""

    system: str
    kind: str


class Entities:
    """Of one store. `run`: the number of the run that changes them."""

    def __init__(self, house: House, *, run: int) -> None:
        self._house, self._database, self._run = house, house.database, run
        self._streams = {stream.id: stream for stream in house.streams.values()}
        self._sources: dict[int, Source] | None = None

    def kind_of(self, connection: Connection, stream: int) -> str:
        """Of the records of a stream, also of one that is not listed any more: they stay what they are."""
        listed = self._streams.get(stream)
        if listed is not None:
            return listed.kind
        known = self.sources(connection).get(stream)
        return "" if known is None else known.kind

    def sources(self, connection: Connection) -> "dict[int, Source]":
        """By its number every stream of which there are records, listed or not."""
        if self._sources is None:
            rows = self._database.run(
                connection,
                "SELECT s.id, s.connection, (SELECT min(m.kind) FROM mapping m WHERE m.stream = s.id) FROM stream s "
                "WHERE s.id > 0",
            ).fetchall()
            self._sources = {number: Source(system, kind) for number, system, kind in rows if kind is not None} | {
                stream.id: Source(stream.connection, stream.kind) for stream in self._streams.values()
            }
        return self._sources

    def homes(self, connection: Connection, records: Sequence[int]) -> dict[int, int]:
        return dict(self._database.select(connection, "SELECT record, entity FROM member WHERE", "record", records))

    def members(self, connection: Connection, entity: int) -> list[int]:
        rows = self._database.select_all(
            connection, "SELECT record FROM member WHERE entity = ? ORDER BY record", (entity,)
        )
        return [row[0] for row in rows]

    def births(self, connection: Connection, records: Sequence[int]) -> dict[int, str]:
        """By record the id that it would give an entity of its own, also of a stream that is not listed any more."""
        rows = self._database.select(
            connection,
            "SELECT r.id, r.rkey, s.connection, s.name FROM record r JOIN stream s ON s.id = r.stream WHERE",
            "r.id",
            records,
        )
        return {number: self._house.rules.births(system, stream)(rkey) for number, rkey, system, stream in rows}

    def came_to(self, connection: Connection, records: Sequence[int]) -> dict[int, int]:
        """By record one that it was joined with."""
        found: dict[int, int] = {}
        for column, mine in (('"left"', 0), ('"right"', 1)):
            for row in self._database.select(
                connection, 'SELECT "left", "right" FROM edge WHERE verdict = \'same\' AND', column, list(records)
            ):
                found.setdefault(row[mine], row[1 - mine])
        return found

    def said(self, connection: Connection, records: Sequence[int]) -> list[tuple[int, int, str, str]]:
        """Edges at these records: left, right, source, verdict. Whose they are is looked at afterwards: asked for by
        its source, a database may read all that this one said."""
        what = 'SELECT "left", "right", source, verdict FROM edge WHERE'
        return [tuple(row) for row in at_either_end(self._database, connection, what, records)]

    def decided(self, connection: Connection, records: Sequence[int]) -> set[tuple[int, int, str]]:
        """Pairs of which a person has said whether they are the same."""
        return told_by("person", self.said(connection, records))

    def told_apart(self, connection: Connection, number: int, home: int | None, there: int) -> bool:
        """A person said of one of this record's entity and one of the other that they are never the same."""
        mine = {number}
        if home is not None:
            mine.update(self.members(connection, home))
        theirs = set(self.members(connection, there))
        return any(
            verdict == "never" and bool({left, right} & mine) and bool({left, right} & theirs)
            for left, right, verdict in self.decided(connection, sorted(mine))
        )

    def not_kept_apart(self, connection: Connection, entity: int, records: set[int]) -> list[int]:
        """These records, without what a person keeps apart from an entity."""
        if not records:
            return []
        mine = self.members(connection, entity)
        apart = {end for left, right, verdict in self.decided(connection, mine) if verdict == "never"
                 for end in (left, right)} - set(mine)  # fmt: skip
        homes = self.homes(connection, sorted(apart))
        strange = {record for home in set(homes.values()) for record in self.members(connection, home)} | apart
        return sorted(records - strange)

    def both_in_one_stream(self, connection: Connection, one: int, other: int) -> bool:
        """Does a stream keep a live record of each of these entities?"""
        row = self._database.run(
            connection,
            "SELECT 1 FROM member m JOIN record r ON r.id = m.record AND r.state = 0 "
            "JOIN record s ON s.stream = r.stream AND s.state = 0 JOIN member o ON o.record = s.id "
            "WHERE m.entity = ? AND o.entity = ? LIMIT 1",
            (one, other),
        ).fetchone()
        return row is not None

    def systems(self, connection: Connection, records: Iterable[int]) -> dict[int, str]:
        """By record, of those that are there, its system."""
        rows = self._database.select(
            connection,
            f"SELECT r.id, s.connection FROM record r JOIN stream s ON s.id = r.stream WHERE r.state <= {ARCHIVED} AND",
            "r.id",
            sorted(records),
        )
        return dict(rows)

    def of_system(self, connection: Connection, entity: int, system: str) -> list[int]:
        """The live records that an entity has in a system."""
        rows = self._database.run(
            connection,
            "SELECT r.id FROM member m JOIN record r ON r.id = m.record JOIN stream s ON s.id = r.stream "
            "WHERE m.entity = ? AND s.connection = ? AND r.state <= ? ORDER BY r.id",
            (entity, system, ARCHIVED),
        ).fetchall()
        return [row[0] for row in rows]

    def birth(self, stream: Stream, rkey: str) -> str:
        return self._house.rules.births(stream.connection, stream.name)(rkey)

    def born(self, connection: Connection, stream: Stream, rkey: str) -> int:
        """A new one of one record, under the id that its birth gives it."""
        return self.make(connection, stream.kind, self.birth(stream, rkey))

    def make(self, connection: Connection, kind: str, public: str) -> int:
        number = _next_entity(self._database, connection)
        self._database.run(connection, "DELETE FROM alias WHERE public = ?", (public,))
        self._database.insert(connection, "entity", ("id", "kind", "public"), [(number, kind, public)])
        return number

    def note_birth(self, connection: Connection, home: int, stream: Stream, rkey: str) -> None:
        """A record has come to an entity, whose public id is the smallest birth id of its records."""
        birth = self.birth(stream, rkey)
        public = self._database.run(connection, "SELECT public FROM entity WHERE id = ?", (home,)).scalar()
        if public is not None and birth < public:
            self._go_by(connection, home, public, birth)

    def _go_by(self, connection: Connection, entity: int, before: str, public: str) -> None:
        """From now on an entity goes by another id than before, which goes on resolving."""
        self._database.run(connection, "DELETE FROM alias WHERE public = ?", (public,))
        self._database.run(connection, "UPDATE entity SET public = ? WHERE id = ?", (public, entity))
        self._lead_on(connection, entity, before, public)

    def _lead_on(self, connection: Connection, entity: int, before: str, public: str) -> None:
        """A former id leads to an entity, and what was refused of its creates stands under the new one."""
        self._database.upsert(connection, "alias", ["public"], ["public", "entity"], [(before, entity)])
        creating = [stream.id for stream in self._streams.values() if "create" in stream.writes]
        letters.follow(self._database, connection, creating, before, public)

    def join(self, connection: Connection, one: int, other: int, matched: Matched) -> int:
        """Two entities become one: the older number stays, all records of both are merged afresh."""
        stays, goes = min(one, other), max(one, other)
        database = self._database
        database.hold(connection, "entity", [stays, goes])  # against an answer that brings one of them a new record
        moved = [
            row[0] for row in database.run(connection, "SELECT record FROM member WHERE entity = ?", (goes,)).fetchall()
        ]
        database.run(connection, "UPDATE member SET entity = ? WHERE entity = ?", (stays, goes))
        publics = [
            row[0]
            for row in database.run(
                connection, "SELECT public FROM entity WHERE id IN (?, ?) ORDER BY public", (stays, goes)
            ).fetchall()
        ]
        database.run(connection, "DELETE FROM entity WHERE id = ?", (goes,))
        database.run(connection, "UPDATE alias SET entity = ? WHERE entity = ?", (stays, goes))
        if len(publics) == 2:
            database.run(connection, "UPDATE entity SET public = ? WHERE id = ?", (publics[0], stays))
            self._lead_on(connection, stays, publics[1], publics[0])
        self._hand_over(connection, stays, goes)
        database.run(connection, "DELETE FROM golden WHERE entity = ?", (goes,))
        database.run(connection, "UPDATE response SET person = ? WHERE person = ?", (stays, goes))
        database.run(connection, "UPDATE response SET company = ? WHERE company = ?", (stays, goes))
        matched.touched.discard(goes)
        matched.touched.add(stays)
        matched.fresh.update(moved)
        matched.joined += 1
        return stays

    def _hand_over(self, connection: Connection, stays: int, goes: int) -> None:
        """What hangs on an entity that goes on as another: decisions, creates under way, who belongs to it."""
        run = self._database.run
        run(connection, "UPDATE conflict SET state = 'gone' WHERE entity = ? AND state = 'open'", (goes,))
        run(
            connection,
            "UPDATE conflict SET entity = ? WHERE entity = ? AND state IN ('decided', 'used')",
            (stays, goes),
        )
        outbox.hand_over(self._database, connection, stays, goes, [stream.id for stream in self._streams.values()])
        run(connection, "DELETE FROM association WHERE entity = ?", (goes,))
        run(
            connection,
            "DELETE FROM association WHERE target = ? AND EXISTS (SELECT 1 FROM association o WHERE o.target = ? "
            "AND o.entity = association.entity AND o.field = association.field)",
            (goes, stays),
        )
        run(connection, "UPDATE association SET target = ? WHERE target = ?", (stays, goes))

    def part(self, connection: Connection, entity: int, groups: Sequence[Sequence[int]], matched: Matched) -> None:
        """Put the records of an entity apart in these groups; the first of them keeps it."""
        database = self._database
        database.run(connection, "DELETE FROM association WHERE entity = ?", (entity,))
        if len(groups) > 1:  # a plan that is open says of each what came of the others
            outbox.drop_of_entity(database, connection, entity, [number for group in groups for number in group])
        matched.parted += len(groups) > 1
        n, parts = -1, [entity]
        for group in groups:
            matched.fresh.update(group)
            rows = list(
                database.select(
                    connection,
                    "SELECT r.id, r.stream, r.rkey, s.connection, s.name "
                    "FROM record r JOIN stream s ON s.id = r.stream WHERE",
                    "r.id",
                    group,
                )
            )
            owners = [row for row in rows if self.kind_of(connection, row[1]) not in JOINS]
            # Whose answer it is may be told otherwise now.
            add_work(database, connection, SETTLE, {row[0] for row in rows} - {row[0] for row in owners})
            if not owners:
                database.delete(connection, "member", "record", group)
                continue
            n += 1
            birth = min(self._house.rules.births(row[3], row[4])(row[2]) for row in owners)
            if n == 0:
                public = database.run(connection, "SELECT public FROM entity WHERE id = ?", (entity,)).scalar()
                if public != birth:
                    self._go_by(connection, entity, public, birth)
                database.run(connection, "DELETE FROM golden WHERE entity = ?", (entity,))
                matched.touched.add(entity)
                continue
            fresh = self.make(connection, self.kind_of(connection, owners[0][1]), birth)
            database.run_many(connection, "UPDATE member SET entity = ? WHERE record = ?", [(fresh, m) for m in group])
            conflicts.hand_on(database, connection, entity, fresh, group)
            matched.touched.add(fresh)
            parts.append(fresh)
        if len(parts) > 1 and any(stream.refs for stream in self._streams.values()):
            add_work(database, connection, PARTED, parts)  # others may name it

    def referring_again(self, connection: Connection) -> None:
        """Entities were joined or parted: fields that disagree on which one they mean are decided anew."""
        names = {stream.mapping.fields[at] for stream in self._streams.values() for at in stream.refs}
        rows = self._database.select(
            connection, "SELECT entity FROM conflict WHERE state = 'open' AND", "field", sorted(names)
        )
        add_work(self._database, connection, MERGE, [row[0] for row in rows])

    def note_edge(
        self, connection: Connection, one: int, other: int, why: tuple[Any, ...], *, replace: bool = True
    ) -> None:
        """Note that two records are one. `why`: source, verdict, rule, score and who."""
        left, right = min(one, other), max(one, other)
        self._database.upsert(
            connection,
            "edge",
            ["left", "right", "source"],
            EDGE_COLUMNS,
            [(left, right, *why, self._house.now(), self._run)],
            replace=replace,
        )

    def propose(self, connection: Connection, pairs: Iterable[tuple[int, int, str]]) -> int:
        """Pairs of records for a person to decide, by which rule; how many nobody had been asked about or spoken of."""
        return self.propose_scored(connection, ((one, other, rule, None) for one, other, rule in pairs))

    def propose_scored(self, connection: Connection, pairs: Iterable[tuple[int, int, str, str | None]]) -> int:
        """The same with the bits that speak for them."""
        wanted: dict[tuple[int, int], tuple[str, str | None]] = {}
        for one, other, rule, bits in pairs:
            wanted.setdefault((min(one, other), max(one, other)), (rule, bits))
        known = self._database.select(
            connection, 'SELECT "left", "right" FROM pair WHERE', '"left"', list({left for left, _ in wanted})
        )
        asked = {(row[0], row[1]) for row in known}
        fresh = [pair for pair in wanted if pair not in asked]
        homes = self.homes(connection, sorted({end for pair in fresh for end in pair}))
        at = self._house.now()
        new = [
            (left, right, wanted[left, right][0], "open", at, wanted[left, right][1])
            for left, right in fresh
            # Whoever splits an entity has answered what nobody had asked.
            if right not in homes or not self.told_apart(connection, left, homes.get(left), homes[right])
        ]
        self._database.insert(connection, "pair", PAIR_COLUMNS, new)
        return len(new)


def members_of(house: House, connection: Connection, entity: int) -> list[int]:
    """The records of an entity, in order."""
    return Entities(house, run=0).members(connection, entity)


def propose(house: House, connection: Connection, one: int, other: int, rule: str) -> None:
    """Ask a person whether two records are the same, unless somebody has been asked before."""
    Entities(house, run=0).propose(connection, [(one, other, rule)])


def at_either_end(database: Database, connection: Connection, what: str, records: Sequence[int]) -> Iterator[Any]:
    """Rows of edges or pairs at these records; some twice. `what`: up to and including WHERE."""
    for some in batches(records):
        left, values = database.among('"left"', some)
        right, _ = database.among('"right"', some)
        yield from database.select_all(connection, f"{what} {left} UNION ALL {what} {right}", (*values, *values))


def told_by(source: str, edges: Iterable[tuple[int, int, str, str]]) -> set[tuple[int, int, str]]:
    return {(left, right, verdict) for left, right, who, verdict in edges if who == source}


def _next_entity(database: Any, connection: Connection) -> int:
    row = database.run(
        connection,
        "INSERT INTO sequence (name, next) VALUES ('entity', 2) "
        "ON CONFLICT (name) DO UPDATE SET next = sequence.next + 1 RETURNING next",
    ).fetchone()
    return int(row[0]) - 1
