"""The first load, matched whole from nothing: limits go by final counts, and any order of arrival gives the same.

Records with an equal identifier are put together in one array (a few bytes a record); only groups that would bring
together what must stay apart are looked at one by one. Everything else goes to the store as it is found. What an
interrupted attempt left is thrown away first.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, combinations
from typing import Any, Final, NamedTuple, TypeAlias

from crosswalk.engine.bulkscored import Scored, Weighed, weigh_all, weigh_few
from crosswalk.engine.entities import (
    CLAIMED,
    CONVERTED_THERE,
    EDGE_COLUMNS,
    MERGED_THERE,
    PAIR_COLUMNS,
    SCORED,
    SCORED_COLUMNS,
    Matched,
)
from crosswalk.engine.identify import Matcher, certain_ids
from crosswalk.engine.likeness import Likeness, likeness_of, scored_kinds
from crosswalk.engine.matching import JOINS, IdentRule
from crosswalk.engine.model import House, Stream
from crosswalk.store.codec import load_row
from crosswalk.store.dialect import Database, Row
from crosswalk.store.records import ARCHIVED, ENTITY_INDEXES, LIVE, MERGED, drop_indexes, make_indexes
from mapping.match.cluster import Edge, Forest, Member, cluster, contradictions
from mapping.match.groups import ordered
from mapping.match.rules import persons

_BATCH: Final = 2000
_STORED: Final = 5000  # records a transaction
_WRITTEN: Final = 10_000  # rows a transaction: PostgreSQL makes a table for each in which some may be there
_MADE_BY_SETTLING: Final = (
    "member", "entity", "alias", "edge", "golden", "golden_history", "base", "association", "response", "waiting",
    "pair", "conflict", "block", "frequency", "profile",
)  # fmt: skip
NO_RECORD: Final = 255  # in place of a state

Numbers: TypeAlias = "array[int]"  # by record: a list would take 36 bytes each


def zeros(width: str, count: int) -> Numbers:
    """`width`: as of an array. Made in place: from bytes it would be there twice for a moment."""
    return array(width, [0]) * count


def nobody_yet(database: Database, connection: Any) -> tuple[Numbers, bytearray]:
    """Room for the stream and the state of each record, by its number; a hub of less than 256 streams takes a byte."""
    last, streams = database.run(
        connection, "SELECT (SELECT max(id) FROM record), (SELECT max(id) FROM stream)"
    ).fetchone()
    size = (last or 0) + 1
    return zeros("B" if (streams or 0) < 256 else "i", size), bytearray([NO_RECORD]) * size


class Found(NamedTuple):
    """What there is and who it is, by number of record: a few bytes each, kept for the merge that follows."""

    streams: Numbers
    states: bytearray  # NO_RECORD: there is none of this number
    outdated: frozenset[int]  # records that another mapping has read
    homes: Numbers  # of records that are one entity the smallest; the merge makes of it what it needs
    entities: Numbers  # of homes, and of the first record of each entity


class BulkMatcher:
    """Matches everything that has been landed."""

    def __init__(self, matcher: Matcher, house: House, *, run: int) -> None:
        self._matcher = matcher
        self._house = house
        self._database = house.database
        self._run = run
        self._at = house.now()
        self._streams = {stream.id: stream for stream in house.streams.values()}
        self._answers = frozenset(stream.id for stream in house.streams.values() if stream.kind in JOINS)
        self._stream_of: Numbers = array("i")
        self._states = bytearray()
        self._outdated: set[int] = set()
        self._alarms: dict[int, str] = {}

    def match(self) -> tuple[Matched, Found]:
        self._database.rest()
        with self._database.write() as connection:
            for table in _MADE_BY_SETTLING:
                self._database.run(connection, f'DELETE FROM "{table}"')
        self._database.vacuum("ident")
        self._look()
        crowded = self._crowded()
        homes = self._homes(crowded)
        doubtful = self._score(homes)
        entities = zeros("i", len(homes))  # of each home; as dense as the ids of records
        matched = Matched(joined=sum(1 for number, home in enumerate(homes) if home != number), alarms=self._alarms)
        drop_indexes(self._database, ENTITY_INDEXES)
        matched.records = self._store(homes, entities)
        make_indexes(self._database, ENTITY_INDEXES)
        self._place_answers(homes, entities, crowded)
        matched.pairs = self._propose(homes, crowded, doubtful)
        return matched, Found(self._stream_of, self._states, frozenset(self._outdated), homes, entities)

    # -- what is there -----------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Stream and state of each record by its number."""
        with self._database.read() as connection:
            self._stream_of, self._states = nobody_yet(self._database, connection)
            mappings = {stream.id: stream.mapping_id for stream in self._streams.values()}
            for number, stream, state, mapping in self._database.stream(
                connection, "SELECT id, stream, state, mapping FROM record"
            ):
                self._stream_of[number], self._states[number] = stream, state
                if mappings.get(stream, mapping) != mapping:
                    self._outdated.add(number)

    def _shared(self, kinds: Iterable[int], *, by_more_than: int = 1) -> Iterator[tuple[int, int, list[int]]]:
        """Identifiers that several records carry, with the records in order: (kind, value, records).

        In the order of the index: to have the database find the groups costs as much, and it sorts them in memory.
        """
        wanted = ", ".join(str(int(kind)) for kind in kinds) or "NULL"
        statement = f"SELECT kind, value, record FROM ident WHERE kind IN ({wanted}) ORDER BY kind, value, record"
        at = (0, 0)
        group: list[int] = []
        with self._database.read() as connection:
            for kind, value, number in self._database.stream(connection, statement):
                if (kind, value) != at:
                    if len(group) > by_more_than:
                        yield *at, group
                    at, group = (kind, value), []
                group.append(number)
            if len(group) > by_more_than:
                yield *at, group

    def _rules(self, wanted: Callable[[IdentRule], bool]) -> dict[int, IdentRule]:
        found = {number: self._matcher.rule(number) for number, _ in self._house.ident_kinds.names()}
        return {number: rule for number, rule in found.items() if rule is not None and wanted(rule)}

    def _crowded(self) -> dict[int, set[int]]:
        """Of each kind that others are judged by: the parts of hashes that more people hold than its limit allows."""
        judged = self._rules(lambda rule: rule.counted is not None).values()
        limits = {rule.counted: rule.limit for rule in judged if rule.counted is not None}
        crowded: dict[int, set[int]] = {kind: set() for kind in limits}
        for kind, value, group in self._shared(limits, by_more_than=min(limits.values(), default=0)):
            if persons(self._stream_of[number] for number in self._carriers(group)) > limits[kind]:
                crowded[kind].add(value >> 32)
        return crowded

    def _carriers(self, group: Sequence[int]) -> list[int]:
        """Live records; responses claim an identifier, they do not carry it."""
        return [n for n in group if self._states[n] <= ARCHIVED and self._stream_of[n] not in self._answers]

    def _identified(
        self, rules: dict[int, IdentRule], crowded: dict[int, set[int]]
    ) -> Iterator[tuple[str, IdentRule, list[int], list[int]]]:
        """Identifiers of these kinds that identify: source, rule, the records that carry it, all that have it."""
        for kind, value, group in self._shared(rules):
            rule, own = rules[kind], self._carriers(group)
            if rule.counted is None:
                identifies = persons(self._stream_of[number] for number in own) <= rule.limit
            else:
                identifies = value >> 32 not in crowded[rule.counted]
            if own and identifies:
                yield f"{kind}:{value}", rule, own, group

    # -- who is who --------------------------------------------------------------------------------------------

    def _homes(self, crowded: dict[int, set[int]]) -> Numbers:
        """The group of each record, by the smallest record of it."""
        forest = Forest(len(self._stream_of))
        with _Rows(self._database, "edge", EDGE_COLUMNS) as edges:
            self._join_merged(forest, edges)
            self._join_converted(forest, edges)
            self._join_equal(forest, edges, crowded)
        parted = self._part(forest)
        homes = forest.homes()
        for number, home in parted.items():
            homes[number] = home
        return homes

    def _join_merged(self, forest: Forest, edges: "_Rows") -> None:
        """Records that were merged at the vendor, with the record that they live on in."""
        by_stream: dict[int, list[int]] = defaultdict(list)
        number = self._states.find(MERGED)
        while number >= 0:
            by_stream[self._stream_of[number]].append(number)
            number = self._states.find(MERGED, number + 1)
        for stream in self._streams.values():
            if stream.id not in by_stream:
                continue
            with self._database.read() as connection:
                found = self._matcher.survivors(connection, stream, by_stream[stream.id])
            for number, survivor in found.items():
                forest.join(number, survivor)
                edges.add((min(number, survivor), max(number, survivor), *MERGED_THERE, self._at, self._run))

    def _join_converted(self, forest: Forest, edges: "_Rows") -> None:
        """Records that one became the other at the vendor."""
        after = (0, "")
        while True:
            with self._database.read() as connection:
                rows = self._database.run(
                    connection,
                    "SELECT b.record, r.stream, b.rkey FROM became b JOIN record r ON r.id = b.record "
                    "WHERE b.record > ? OR (b.record = ? AND b.rkey > ?) ORDER BY b.record, b.rkey LIMIT ?",
                    (after[0], after[0], after[1], _BATCH),
                ).fetchall()
                if not rows:
                    return
                found = self._matcher.converted(connection, [(row[0], row[1], row[2]) for row in rows])
            after = (rows[-1][0], rows[-1][2])
            for one, other in sorted(set(found)):
                if forest.join(one, other):  # either may tell of the other
                    edges.add((min(one, other), max(one, other), *CONVERTED_THERE, self._at, self._run))

    def _join_equal(self, forest: Forest, edges: "_Rows", crowded: dict[int, set[int]]) -> None:
        joining = self._rules(lambda rule: rule.verdict == "same")
        for source, rule, own, _ in self._identified(joining, crowded):
            first = own[0]
            for number in own[1:]:
                if forest.join(first, number):
                    edges.add((first, number, source, "same", rule.name, None, None, self._at, self._run))

    # -- who is not --------------------------------------------------------------------------------------------

    def _part(self, forest: Forest) -> dict[int, int]:
        """Groups that join records which certain ids tell apart are made again, strongest evidence first.

        Answers the home of each record of such a group; their edges in the store are replaced.
        """
        inside = self._inside(forest, self._suspects(forest))
        members = {root: self._members(numbers) for root, numbers in inside.items()}
        bad = contradictions(forest, (member for some in members.values() for member in some))
        parted: dict[int, int] = {}
        for root in bad:
            numbers = inside[root]
            links = self._links(numbers)
            for group in cluster(members[root], [edge for edge, _, _ in links]).groups:
                parted.update(dict.fromkeys(group, min(group)))
            kept = [link for link in links if parted[link[0].left] == parted[link[0].right]]
            with self._database.write() as connection:
                self._database.delete(connection, "edge", '"left"', numbers)
                self._database.insert(connection, "edge", EDGE_COLUMNS, _spanning(kept, at=self._at, run=self._run))
        return parted

    def _suspects(self, forest: Forest) -> set[int]:
        """Roots of groups in which live records of one stream carry more than one certain id of a kind."""
        suspects: set[int] = set()
        for kind in self._house.rules.certain():
            met: dict[int, bytearray] = defaultdict(lambda: bytearray(len(forest)))  # by stream, of each group
            several = 0
            for stream, root, _ in self._certain(kind, forest):
                several += met[stream][root]
                met[stream][root] = 1 + (met[stream][root] > 0)
            first: dict[tuple[int, int], int] = {}
            for stream, root, value in self._certain(kind, forest) if several else ():
                if met[stream][root] > 1 and first.setdefault((stream, root), value) != value:
                    suspects.add(root)
        return suspects

    def _certain(self, kind: int, forest: Forest) -> Iterator[tuple[int, int, int]]:
        """The certain ids of a kind that live records carry: stream, root, value."""
        statement = "SELECT record, value FROM ident WHERE kind = ?"
        with self._database.read() as connection:
            for number, value in self._database.stream(connection, statement, (kind,)):
                if self._states[number] == LIVE:
                    yield self._stream_of[number], forest.find(number), value

    def _inside(self, forest: Forest, roots: set[int]) -> dict[int, list[int]]:
        """The listed records of these groups, without responses."""
        inside: dict[int, list[int]] = defaultdict(list)
        if roots:
            for number, state in enumerate(self._states):
                stream = self._stream_of[number]
                if state != NO_RECORD and stream in self._streams and stream not in self._answers:
                    root = forest.find(number)
                    if root in roots:
                        inside[root].append(number)
        return inside

    def _members(self, numbers: Sequence[int]) -> list[Member]:
        """Records with what `cluster` asks of them."""
        with self._database.read() as connection:
            certain = certain_ids(self._house, connection, numbers)
            keys = dict(self._database.select(connection, "SELECT id, rkey FROM record WHERE", "id", numbers))
        members = []
        for number in numbers:
            stream = self._streams[self._stream_of[number]]
            members.append(
                Member(
                    number,
                    self._house.rules.births(stream.connection, stream.name)(keys[number]),
                    str(stream.id),
                    self._states[number] == LIVE,
                    certain.get(number, {}),
                )
            )
        return members

    def _links(self, numbers: Sequence[int]) -> list[tuple[Edge, str, str]]:
        """Every pair of these records that an identifier joins, with its source and the name of the rule."""
        by_value: dict[tuple[int, int], list[int]] = defaultdict(list)
        links = []
        with self._database.read() as connection:
            for kind, value, number in self._database.select(
                connection, "SELECT kind, value, record FROM ident WHERE", "record", numbers
            ):
                by_value[kind, value].append(number)
            for (kind, value), sharing in by_value.items():
                rule = self._matcher.rule(kind)
                if rule is None or rule.verdict != "same" or len(sharing) < 2:
                    continue
                if self._matcher.holders(connection, kind, value, rule) > rule.limit:
                    continue
                for left, right in combinations(sorted(sharing), 2):
                    links.append((Edge(left, right, -rule.strength), f"{kind}:{value}", rule.name))
        return links

    # -- who is like whom --------------------------------------------------------------------------------------

    def _score(self, homes: Numbers) -> list[Scored]:
        """Join what scored matching finds, on top of what the rules did; answers what it would have a person decide."""
        doubtful: list[Scored] = []
        for kind in scored_kinds(self._house):
            likeness = likeness_of(self._house, kind)
            found = self._weighed(likeness, homes)
            if found.first:
                forest = Forest(len(homes))
                ends = [(homes[record], homes[first]) for record, first in found.first.items()]
                for end, other in ends:
                    forest.join(end, other)
                smallest: dict[int, int] = {}
                for end in chain.from_iterable(ends):
                    root = forest.find(end)
                    smallest[root] = min(smallest.get(root, root), end)
                for number, home in enumerate(homes):
                    root = forest.find(home)
                    homes[number] = smallest.get(root, root)
            with _Rows(self._database, "edge", SCORED_COLUMNS) as edges:
                for left, right, bits, shown, why in found.joined:
                    edges.add((left, right, SCORED, "same", why, bits, self._at, self._run, shown))
            doubtful += found.review
            self._alarms |= found.alarms
        return doubtful

    def _weighed(self, likeness: Likeness, homes: Numbers) -> Weighed:
        with self._database.read() as connection:
            few = likeness.small(connection)
            known = likeness.known(connection, few or ())
        apart = CertainIds(self._house, self._stream_of, self._states)
        if few is not None:
            return weigh_few(likeness, known, home=homes.__getitem__, apart=apart.differ)
        return weigh_all(likeness, home=homes.__getitem__, apart=apart.differ)

    # -- entities ----------------------------------------------------------------------------------------------

    def _store(self, homes: Numbers, entities: Numbers) -> int:
        """Give every home its entity, and every record to it; how many records there are."""
        database = self._database
        births = {
            stream.id: (stream.kind, self._house.rules.births(stream.connection, stream.name))
            for stream in self._streams.values()
            if stream.id not in self._answers
        }
        count = after = 0
        ids: Iterator[int] = iter(())
        left = 0
        while True:
            with database.read() as connection:
                rows = database.select_all(
                    connection, "SELECT id, stream, rkey FROM record WHERE id > ? ORDER BY id LIMIT ?", (after, _STORED)
                )
            if not rows:
                return count
            after = rows[-1][0]
            if left < len(rows):
                left = 4 * _STORED
                ids = iter(database.take_ids("entity", left))
            members, new = [], []
            later: dict[int, str] = {}  # of entities that are there already, the smallest of the births that join them
            for number, stream, rkey in rows:
                if stream not in births:
                    continue
                kind, birth = births[stream]
                entity = entities[homes[number]]
                if entity:
                    born = birth(rkey)
                    later[entity] = min(later.get(entity, born), born)
                else:
                    entity = entities[number] = entities[homes[number]] = next(ids)
                    new.append((entity, kind, birth(rkey)))
                members.append((number, entity))
            left -= len(new)
            with database.write() as connection, database.passing(connection):
                database.insert(connection, "member", ("record", "entity"), members)
                database.insert(connection, "entity", ("id", "kind", "public"), new)
                self._rename(connection, later)
            count += len(members)

    def _rename(self, connection: Any, births: dict[int, str]) -> None:
        """An entity goes by the smallest birth id of its records."""
        there = self._database.select(connection, "SELECT id, kind, public FROM entity WHERE", "id", sorted(births))
        smaller = [(entity, kind, births[entity]) for entity, kind, public in there if births[entity] < public]
        self._database.upsert(connection, "entity", ("id",), ("id", "kind", "public"), smaller)

    # -- what answers name -------------------------------------------------------------------------------------

    def _place_answers(self, homes: Numbers, entities: Numbers, crowded: dict[int, set[int]]) -> None:
        """A response goes to the person that its strongest claims name, if they name just one."""
        if not self._answers:
            return
        claims = _Claims(homes)
        naming = self._rules(lambda rule: rule.names)
        for _, rule, own, group in self._identified(naming, crowded):
            for number in group if len(own) < len(group) else ():
                if self._stream_of[number] in self._answers:
                    claims.add(number, rule.strength, own)
        self._claim_by_reference(claims)
        with (
            _Rows(self._database, "member", ("record", "entity")) as members,
            _Rows(self._database, "edge", EDGE_COLUMNS) as edges,
        ):
            for number, record in claims.placed():
                entity = entities[homes[record]]
                if entity and self._states[number] <= ARCHIVED:
                    left, right = min(record, number), max(record, number)
                    members.add((number, entity))
                    edges.add((left, right, *CLAIMED, self._at, self._run))

    def _claim_by_reference(self, claims: "_Claims") -> None:
        """A hidden field that carries the id of a record is certain, whatever the e-mail says."""
        for stream in self._streams.values():
            if stream.id not in self._answers:
                continue
            for rows in self._bodies(stream):
                with self._database.read() as connection:
                    named = self._matcher.referred(connection, stream, rows)
                if len(named) < len(rows):
                    with self._database.write() as connection:
                        self._matcher.await_referred(connection, stream, rows, named)
                for number, record in named.items():
                    claims.add(number, _BY_REFERENCE, [record])

    def _bodies(self, stream: Stream) -> Iterator[list[tuple[int, list[Any]]]]:
        after = 0
        while True:
            with self._database.read() as connection:
                rows = self._database.run(
                    connection,
                    "SELECT r.id, b.observed FROM record r JOIN body b ON b.record = r.id "
                    "WHERE r.stream = ? AND r.state <= ? AND r.id > ? ORDER BY r.id LIMIT ?",
                    (stream.id, ARCHIVED, after, _BATCH),
                ).fetchall()
            if not rows:
                return
            after = rows[-1][0]
            yield [(row[0], load_row(bytes(row[1]))) for row in rows]

    # -- what a person is asked --------------------------------------------------------------------------------

    def _propose(self, homes: Numbers, crowded: dict[int, set[int]], doubtful: Sequence[Scored]) -> int:
        """Pairs of records for a person to decide; how many. Of two entities that are alike the pair that is most."""
        asking = self._rules(lambda rule: rule.verdict == "review")
        with _Rows(self._database, "pair", PAIR_COLUMNS, once_by=("left", "right")) as pairs:
            asked: set[tuple[int, int]] = set()
            for left, right, bits in sorted(doubtful, key=lambda pair: -float(pair[2])):  # equal ones in order
                ends = ordered(homes[left], homes[right])
                if ends[0] != ends[1] and ends not in asked:
                    asked.add(ends)
                    pairs.add((left, right, SCORED, "open", self._at, bits))
            for _, rule, own, _ in self._identified(asking, crowded):
                for number in own[1:]:
                    if homes[number] != homes[own[0]]:
                        pairs.add((own[0], number, rule.name, "open", self._at, None))
        with self._database.read() as connection:
            return int(self._database.run(connection, "SELECT count(*) FROM pair").scalar() or 0)


class CertainIds:
    """Certain ids of live records: two of one stream that have different ones are told apart."""

    def __init__(self, house: House, stream_of: Numbers, states: bytearray) -> None:
        self._stream_of, self._states = stream_of, states
        self._first: dict[int, Numbers] = {}  # by kind and record
        self._more: dict[tuple[int, int], set[int]] = {}  # of records that carry several
        for kind in house.rules.certain():
            first = self._first[kind] = zeros("q", len(stream_of))
            with house.database.read() as connection:
                for number, value in house.database.stream(
                    connection, "SELECT record, value FROM ident WHERE kind = ?", (kind,)
                ):
                    if not first[number]:
                        first[number] = value
                    elif first[number] != value:
                        self._more.setdefault((kind, number), {first[number]}).add(value)

    def differ(self, one: int, other: int) -> bool:
        if self._stream_of[one] != self._stream_of[other] or self._states[one] != LIVE or self._states[other] != LIVE:
            return False
        return any(
            first[one]
            and first[other]
            and first[one] != first[other]
            and self._carried(kind, one).isdisjoint(self._carried(kind, other))
            for kind, first in self._first.items()
        )

    def _carried(self, kind: int, number: int) -> set[int]:
        return self._more.get((kind, number)) or {self._first[kind][number]}


_BY_REFERENCE: Final = -2  # stronger than every rule


class _Claims:
    """Whom each response names by its strongest claims. `strength` as in IdentRule, smaller is stronger."""

    def __init__(self, homes: Numbers) -> None:
        self._homes = homes
        self._strength: Numbers = zeros("h", len(homes))
        self._record: Numbers = zeros("i", len(homes))  # the first that carries what it claims; 0: none
        self._several = bytearray(len(homes))  # its claims name more than one

    def add(self, number: int, strength: int, records: Sequence[int]) -> None:
        """`records`, in order, carry what this response claims."""
        first, known = records[0], self._record[number]
        if known and strength > self._strength[number]:
            return
        several = len({self._homes[record] for record in records}) > 1
        if known and strength == self._strength[number]:
            several = several or bool(self._several[number]) or self._homes[known] != self._homes[first]
            first = min(first, known)
        self._strength[number], self._record[number], self._several[number] = strength, first, several

    def placed(self) -> Iterator[tuple[int, int]]:
        """Responses that name one person: (response, a record of the person)."""
        for number, record in enumerate(self._record):
            if record and not self._several[number]:
                yield number, record


class _Rows:
    """Rows on their way into a table: a batch at a time, each in a transaction of its own; the rest at the end.

    `once_by`: of several rows with these columns equal the first stays.
    """

    def __init__(
        self, database: Database, table: str, columns: Sequence[str], *, once_by: Sequence[str] | None = None
    ) -> None:
        self._database, self._table, self._columns, self._once_by = database, table, columns, once_by
        self._rows: list[Row] = []

    def __enter__(self) -> "_Rows":
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is None:
            self._write()

    def add(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) == _WRITTEN:
            self._write()

    def _write(self) -> None:
        with self._database.write() as connection:
            if self._once_by is None:
                self._database.insert(connection, self._table, self._columns, self._rows)
            else:
                self._database.upsert(connection, self._table, self._once_by, self._columns, self._rows, replace=False)
        self._rows = []


def _spanning(links: Iterable[tuple[Edge, str, str]], *, at: int, run: int) -> list[tuple[Any, ...]]:
    """As many edges as hold a group together, strongest first."""
    above: dict[int, int] = {}

    def top(number: int) -> int:
        while above.setdefault(number, number) != number:
            number = above[number]
        return number

    rows = []
    for edge, source, name in sorted(links, key=lambda link: (-link[0].strength, link[1], link[0].left)):
        left, right = top(edge.left), top(edge.right)
        if left != right:
            above[max(left, right)] = min(left, right)
            rows.append((edge.left, edge.right, source, "same", name, None, None, at, run))
    return rows
