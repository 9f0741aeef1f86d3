"""The first load, matched whole from nothing: limits go by final counts, and any order of arrival gives the same.

Records with an equal identifier are put together in one array (8 bytes a record); only groups that would bring
together what must stay apart are looked at one by one. What an interrupted attempt left is thrown away first.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any, Final, NamedTuple, TypeAlias

from crosswalk.engine.identify import EDGE_COLUMNS, MERGED_THERE, Matched, Matcher
from crosswalk.engine.matching import JOINS
from crosswalk.engine.model import House, Stream
from crosswalk.store.codec import load_row
from crosswalk.store.records import ARCHIVED, LIVE, MERGED
from mapping.match.cluster import Edge, Forest, Member, cluster, contradictions
from mapping.match.rules import persons

_BATCH: Final = 2000
_MADE_BY_SETTLING: Final = (
    "member", "entity", "alias", "edge", "golden", "golden_history", "base", "association", "response", "waiting",
    "pair", "conflict",
)  # fmt: skip
_ROW: Final = 5000

Numbers: TypeAlias = "array[int]"


class _Claim(NamedTuple):
    """Whom a response names: `strength` as in IdentRule, smaller is stronger; `records` carry what it claims."""

    strength: int
    records: tuple[int, ...]


class BulkMatcher:
    """Matches everything that has been landed."""

    def __init__(self, matcher: Matcher, house: House, *, run: int) -> None:
        self._matcher = matcher
        self._house = house
        self._database = house.database
        self._run = run
        self._streams = {stream.id: stream for stream in house.streams.values()}
        self._answers = frozenset(stream.id for stream in house.streams.values() if stream.kind in JOINS)

    def match(self) -> Matched:
        database = self._database
        with database.write() as connection:
            for table in _MADE_BY_SETTLING:
                database.run(connection, f'DELETE FROM "{table}"')
        streams, states = self._records()
        forest = Forest(len(streams))
        edges: list[tuple[Any, ...]] = []
        claims: dict[int, _Claim] = {}
        review: list[tuple[int, int, str]] = []
        self._join_merged(streams, states, forest, edges)
        self._join_equal(streams, states, forest, edges, claims, review)
        apart = self._part(streams, states, forest, edges)
        self._claim_by_reference(claims)
        homes = _Homes(forest, apart)
        matched = self._store(streams, states, homes, claims)
        with database.write() as connection:
            database.insert(connection, "edge", EDGE_COLUMNS, edges)
            pairs = [pair for pair in review if homes.of(pair[0]) != homes.of(pair[1])]
            matched.pairs = self._matcher.propose(connection, pairs)
        return matched

    # -- what is there -----------------------------------------------------------------------------------------

    def _records(self) -> tuple[Numbers, bytearray]:
        """Stream and state of each record by its number."""
        with self._database.read() as connection:
            last = self._database.run(connection, "SELECT max(id) FROM record").scalar() or 0
            streams, states = array("i", bytes(4 * (last + 1))), bytearray(b"\xff" * (last + 1))
            for number, stream, state in self._rows(connection, "SELECT id, stream, state FROM record"):
                streams[number], states[number] = stream, state
        return streams, states

    def _rows(self, connection: Any, statement: str) -> Iterator[Any]:
        """Rows without holding them all: a server-side cursor on PostgreSQL."""
        options = {"stream_results": True, "max_row_buffer": _ROW} if self._database.dialect == "postgresql" else {}
        result = connection.execution_options(**options).exec_driver_sql(statement)
        while rows := result.fetchmany(_ROW):
            yield from rows

    def _shared(self, *, only: Sequence[int] | None = None) -> Iterator[tuple[int, int, list[int]]]:
        """Identifiers that more than one record carries, with the records in order: (kind, value, records)."""
        kinds = "" if only is None else f" WHERE kind IN ({', '.join(str(int(kind)) for kind in only) or 'NULL'})"
        statement = (
            "SELECT i.kind, i.value, i.record FROM ident i JOIN "
            f"(SELECT kind, value FROM ident{kinds} GROUP BY kind, value HAVING count(*) > 1) s "
            "ON s.kind = i.kind AND s.value = i.value ORDER BY i.kind, i.value, i.record"
        )
        with self._database.read() as connection:
            current: tuple[int, int] | None = None
            group: list[int] = []
            for kind, value, number in self._rows(connection, statement):
                if (kind, value) != current:
                    if current is not None:
                        yield *current, group
                    current, group = (kind, value), []
                group.append(number)
            if current is not None:
                yield *current, group

    # -- who is who --------------------------------------------------------------------------------------------

    def _join_merged(self, streams: Numbers, states: bytearray, forest: Forest, edges: list[tuple[Any, ...]]) -> None:
        """Records that were merged at the vendor, with the record that they live on in."""
        at = self._house.now()
        for stream in self._streams.values():
            merged = [n for n in range(len(states)) if states[n] == MERGED and streams[n] == stream.id]
            if not merged:
                continue
            with self._database.read() as connection:
                found = self._matcher.survivors(connection, stream, merged)
            for number, survivor in found.items():
                forest.join(number, survivor)
                edges.append((min(number, survivor), max(number, survivor), *MERGED_THERE, at, self._run))

    def _join_equal(
        self,
        streams: Numbers,
        states: bytearray,
        forest: Forest,
        edges: list[tuple[Any, ...]],
        claims: dict[int, _Claim],
        review: list[tuple[int, int, str]],
    ) -> None:
        crowded = self._crowded(streams, states)
        at = self._house.now()
        for kind, value, group in self._shared():
            rule = self._matcher.rule(kind)
            if rule is None:
                continue
            own = [n for n in group if streams[n] not in self._answers and states[n] <= ARCHIVED]
            if not own:
                continue
            if rule.counted is None:
                if persons(streams[n] for n in own) > rule.limit:
                    continue
            elif value >> 32 in crowded.get(rule.counted, ()):
                continue
            first = own[0]
            if rule.verdict == "same":
                for number in own[1:]:
                    if forest.join(first, number):
                        edges.append((first, number, f"{kind}:{value}", "same", rule.name, None, None, at, self._run))
            else:
                review += [(first, number, rule.name) for number in own[1:]]
            if rule.verdict == "same" and len(own) < len(group):
                claim = _Claim(rule.strength, tuple(own))
                for number in group:
                    if streams[number] in self._answers:
                        known = claims.get(number)
                        if known is None or claim < known:
                            claims[number] = claim

    def _crowded(self, streams: Numbers, states: bytearray) -> dict[int, set[int]]:
        """Of each kind that others are judged by: the parts of hashes that more people hold than its limit allows."""
        rules = [self._matcher.rule(number) for number, _ in self._house.ident_kinds.names()]
        limits = {rule.counted: rule.limit for rule in rules if rule is not None and rule.counted is not None}
        crowded: dict[int, set[int]] = {kind: set() for kind in limits}
        for kind, value, group in self._shared(only=list(limits)) if limits else ():
            own = [n for n in group if streams[n] not in self._answers and states[n] <= ARCHIVED]
            if persons(streams[n] for n in own) > limits[kind]:
                crowded[kind].add(value >> 32)
        return crowded

    # -- who is not --------------------------------------------------------------------------------------------

    def _part(
        self, streams: Numbers, states: bytearray, forest: Forest, edges: list[tuple[Any, ...]]
    ) -> dict[int, int]:
        """Groups that join records which certain ids tell apart are made again, strongest evidence first.

        Answers the root of each record of such a group; their edges in `edges` are replaced.
        """
        carriers = self._carriers(streams)
        bad = contradictions(forest, carriers.values())
        if not bad:
            return {}
        inside: dict[int, list[int]] = defaultdict(list)
        for number in range(1, len(streams)):
            if states[number] != 255 and streams[number] not in self._answers and forest.find(number) in bad:
                inside[forest.find(number)].append(number)
        roots: dict[int, int] = {}
        for root, numbers in inside.items():
            members = [self._member(number, streams, states, carriers) for number in numbers]
            mine = set(numbers)
            links = self._links(numbers)
            partition = cluster(members, [edge for edge, _, _ in links])
            for group in partition.groups:
                smallest = min(group)
                roots.update(dict.fromkeys(group, smallest))
            kept = [(edge, source, name) for edge, source, name in links if roots[edge.left] == roots[edge.right]]
            edges[:] = [edge for edge in edges if edge[0] not in mine]
            edges += _spanning(kept, at=self._house.now(), run=self._run)
            del root
        return roots

    def _carriers(self, streams: Numbers) -> dict[int, Member]:
        """Live records with certain identifiers."""
        certain: dict[int, dict[str, set[str]]] = {}
        with self._database.read() as connection:
            for kind in self._house.rules.certain():
                rows = self._database.run(
                    connection,
                    "SELECT i.record, i.value FROM ident i JOIN record r ON r.id = i.record "
                    "WHERE i.kind = ? AND r.state = ?",
                    (kind, LIVE),
                ).fetchall()
                for number, value in rows:
                    certain.setdefault(number, {}).setdefault(str(kind), set()).add(str(value))
        return {
            number: Member(
                number, "", str(streams[number]), certain={kind: frozenset(some) for kind, some in held.items()}
            )
            for number, held in certain.items()
        }

    def _member(self, number: int, streams: Numbers, states: bytearray, carriers: dict[int, Member]) -> Member:
        known = carriers.get(number)
        with self._database.read() as connection:
            rkey = self._database.run(connection, "SELECT rkey FROM record WHERE id = ?", (number,)).scalar()
        stream = self._streams[streams[number]]
        return Member(
            number,
            self._house.rules.birth(stream.connection, stream.name, str(rkey)),
            str(stream.id),
            states[number] == LIVE,
            {} if known is None else known.certain,
        )

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

    # -- what answers name -------------------------------------------------------------------------------------

    def _claim_by_reference(self, claims: dict[int, _Claim]) -> None:
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
                    claims[number] = _Claim(-2, (record,))

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

    # -- entities ----------------------------------------------------------------------------------------------

    def _store(self, streams: Numbers, states: bytearray, homes: "_Homes", claims: dict[int, _Claim]) -> Matched:
        matched = Matched()
        database = self._database
        company = homes.company(len(streams))
        entities = array("q", bytes(8 * len(streams)))  # of each root
        births: dict[int, str] = {}  # smallest birth id of each root that has company
        birth = self._house.rules.birth
        after = 0
        while True:
            with database.read() as connection:
                rows = database.run(
                    connection,
                    "SELECT id, stream, rkey FROM record WHERE id > ? ORDER BY id LIMIT ?",
                    (after, _BATCH),
                ).fetchall()
            if not rows:
                break
            after = rows[-1][0]
            ids = iter(database.take_ids("entity", len(rows)))
            members, new = [], []
            for number, stream_id, rkey in rows:
                stream = self._streams.get(stream_id)
                if stream is None or stream_id in self._answers:
                    continue
                root = homes.of(number)
                born = birth(stream.connection, stream.name, rkey)
                entity = entities[root]
                if not entity:
                    entity = entities[root] = next(ids)
                    if root not in company:
                        new.append((entity, stream.kind, born))
                if root in company:
                    births[root] = min(births.get(root, born), born)
                members.append((number, entity))
            with database.write() as connection:
                database.insert(connection, "member", ("record", "entity"), members)
                database.insert(connection, "entity", ("id", "kind", "public"), new)
            matched.records += len(members)
        with database.write() as connection:
            grouped = [(entities[root], self._streams[streams[root]].kind, born) for root, born in births.items()]
            database.insert(connection, "entity", ("id", "kind", "public"), grouped)
            self._place_answers(connection, states, homes, claims, entities)
        matched.joined = sum(1 for number in range(1, len(streams)) if homes.of(number) != number)
        return matched

    def _place_answers(
        self, connection: Any, states: bytearray, homes: "_Homes", claims: dict[int, _Claim], entities: Numbers
    ) -> None:
        """A response goes to the person that its strongest claim names, if it names just one."""
        placed = [
            (number, claim.records[0])
            for number, claim in claims.items()
            if states[number] <= ARCHIVED and len({homes.of(record) for record in claim.records}) == 1
        ]
        database, at = self._database, self._house.now()
        database.insert(
            connection,
            "member",
            ("record", "entity"),
            [(number, entities[homes.of(record)]) for number, record in placed],
        )
        database.insert(
            connection,
            "edge",
            EDGE_COLUMNS,
            [
                (min(record, number), max(record, number), "claim", "same", _CLAIMED, None, None, at, self._run)
                for number, record in placed
            ],
        )


_CLAIMED: Final = "claimed by the respondent"


class _Homes:
    """The group of each record, by a record of it that stands for all."""

    def __init__(self, forest: Forest, parted: dict[int, int]) -> None:
        self._forest = forest
        self._parted = parted

    def of(self, number: int) -> int:
        if self._parted:
            known = self._parted.get(number)
            if known is not None:
                return known
        return self._forest.find(number)

    def company(self, count: int) -> set[int]:
        """Those that stand for more than one record."""
        return {home for number in range(1, count) if (home := self.of(number)) != number}


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
