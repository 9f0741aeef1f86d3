"""Match: which records are the same person, company, deal. Edges in the store, decided in `mapping.match`.

An entity is a function of its edges. The first load is matched whole (`match_all`): limits are judged by final
counts, so the order of arrival does not matter. Afterwards a changed record is matched against what shares an
identifier with it (`match_some`); what an entity holds already stays together, and an identifier whose count
crosses its limit puts its whole group up again.

A response is joined to a person by what its respondent claimed; it never joins two persons.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from crosswalk.engine.entities import (
    CAME_BACK,
    CLAIMED,
    CONVERTED_THERE,
    EDGE_COLUMNS,
    MERGED_THERE,
    SCORED,
    UNLINKED,
    Connection,
    Entities,
    Matched,
    told_by,
)
from crosswalk.engine.likeness import scored_kinds
from crosswalk.engine.matching import JOINS, IdentRule, part_of
from crosswalk.engine.model import House, Stream
from crosswalk.store.codec import load_row
from crosswalk.store.records import ARCHIVED, MERGED, SETTLE, add_work
from mapping.match.rules import persons

if TYPE_CHECKING:
    from crosswalk.engine.bulk import Found
    from crosswalk.engine.scored import ScoredMatcher

# Hidden fields by which our own links name the CRM's record; see the page of each survey tool's connector.
_OF_THE_CRM = ("contact_id", "person_id")
# Of a record r: did another one, that is gone, live on in one of its key? Did anything become it, or it anything?
_AWAITED: Final = "EXISTS (SELECT 1 FROM survivor s WHERE s.rkey = r.rkey)"
_CONVERTED: Final = (
    "EXISTS (SELECT 1 FROM became b WHERE b.record = r.id) OR EXISTS (SELECT 1 FROM became b WHERE b.rkey = r.rkey)"
)
Numbers: TypeAlias = "array[int]"  # 8 bytes a record, where a list would take 36
Ident: TypeAlias = tuple[int, int]  # kind and value


def entity_kind(stream: Stream) -> str:
    return JOINS.get(stream.kind, stream.kind)


class Matcher:
    """Matching over one store."""

    def __init__(self, house: House, *, run: int) -> None:
        self._house = house
        self._database = house.database
        self._run = run
        self._streams = {stream.id: stream for stream in house.streams.values()}
        self._rules: dict[int, IdentRule | None] = {}
        self._again: set[int] = set()  # records that this run has looked at once more
        self.entities = Entities(house, run=run)
        self._scored = self._scoring()

    def _scoring(self) -> "ScoredMatcher | None":
        if not scored_kinds(self._house):
            return None
        from crosswalk.engine.scored import ScoredMatcher  # it builds on this class

        return ScoredMatcher(self, self._house, run=self._run)

    def rule(self, kind: int) -> IdentRule | None:
        """How an identifier of this kind counts; None: it joins nobody by itself."""
        if kind not in self._rules:
            self._rules[kind] = self._house.rules.rule(self._house.ident_kinds.name(kind))
        return self._rules[kind]

    def match_all(self) -> "tuple[Matched, Found]":
        """Match everything from nothing: the first load. What was found is for its merge."""
        from crosswalk.engine.bulk import BulkMatcher  # it builds on this class

        return BulkMatcher(self, self._house, run=self._run).match()

    def survivors(self, connection: Connection, stream: Stream, records: Sequence[int]) -> dict[int, int]:
        """Of merged records the one that they live on in, where the vendor names it and it has been seen."""
        named: dict[str, list[int]] = defaultdict(list)
        for record, key in self._database.select(
            connection, "SELECT record, rkey FROM survivor WHERE", "record", records
        ):
            named[key].append(record)
        return {
            record: there
            for there, key in self._database.select(
                connection, "SELECT id, rkey FROM record WHERE stream = ? AND", "rkey", list(named), first=(stream.id,)
            )
            for record in named[key]
            if record != there
        }

    def converted(self, connection: Connection, told: Iterable[tuple[int, int, str]]) -> list[tuple[int, int]]:
        """Pairs of records of which one became the other, of those that have been seen. `told`: a record, its stream
        and the key of what it was converted to, or came of.

        A key does not say of which stream it is: it means a record of another stream of the same system and kind, and
        nothing where several streams have one of that key. Streams that are not listed any more are as good as others.
        """
        streams = self.entities.sources(connection)
        named: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        for record, number, key in told:
            if (stream := streams.get(number)) is not None:
                named[stream.system][key].append((record, number))
        pairs = []
        for system, by_key in named.items():
            there: dict[str, list[tuple[int, int]]] = defaultdict(list)
            for other in [number for number, stream in streams.items() if stream.system == system]:
                what = "SELECT id, rkey FROM record WHERE stream = ? AND"
                for found, key in self._database.select(connection, what, "rkey", list(by_key), first=(other,)):
                    there[key].append((other, found))
            for key, askers in by_key.items():
                for record, number in askers:
                    ends = [(other, found) for other, found in there[key] if other != number]
                    if len(ends) == 1 and streams[ends[0][0]].kind == streams[number].kind:
                        pairs.append((record, ends[0][1]))
        return pairs

    def await_referred(
        self, connection: Connection, stream: Stream, rows: Sequence[tuple[int, list[Any]]], named: dict[int, int]
    ) -> None:
        """Responses whose reference names a record that has not been seen are settled again when it has."""
        if "respondent" not in stream.at:
            return
        waiting = [
            (other.id, str(ref["value"]), number)
            for number, row in rows
            if number not in named and isinstance(row[stream.at["respondent"]], dict)
            for ref in row[stream.at["respondent"]].get("refs") or ()
            for other in self._meant_by(str(ref["namespace"]))
        ]
        columns = ("stream", "rkey", "record")
        self._database.upsert(connection, "waiting", columns, columns, waiting)

    def _meant_by(self, namespace: str) -> list[Stream]:
        """The streams of people that a namespace means: see `_in_namespace`."""
        return [
            other
            for other in self._streams.values()
            if other.kind == "person" and self._in_namespace([(other, 0)], namespace)
        ]

    def referred(self, connection: Connection, stream: Stream, rows: Sequence[tuple[int, list[Any]]]) -> dict[int, int]:
        """Of responses, the person record that a reference of the respondent names, where exactly one does."""
        if "respondent" not in stream.mapping.fields:
            return {}
        place = stream.mapping.fields.index("respondent")
        asked: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for number, row in rows:
            claims = row[place]
            for ref in (claims.get("refs") or []) if isinstance(claims, dict) else []:
                asked[str(ref["value"])].append((number, str(ref["namespace"])))
        persons = [other for other in self._streams.values() if other.kind == "person"]
        hits: dict[str, list[tuple[Stream, int]]] = defaultdict(list)
        for other in persons:
            for record, rkey in self._database.select(
                connection, "SELECT id, rkey FROM record WHERE stream = ? AND", "rkey", list(asked), first=(other.id,)
            ):
                hits[rkey].append((other, record))
            if other.mapping.has_aliases:
                for record, rkey in self._database.select(
                    connection,
                    "SELECT r.id, k.rkey FROM known_as k JOIN record r ON r.id = k.record WHERE r.stream = ? AND",
                    "k.rkey",
                    list(asked),
                    first=(other.id,),
                ):
                    hits[rkey].append((other, record))
        named: dict[int, int] = {}
        for value, askers in asked.items():
            for number, namespace in askers:
                records = self._in_namespace(hits[value], namespace)
                if len(records) == 1:
                    named[number] = records[0]
        return named

    def _in_namespace(self, hits: Sequence[tuple[Stream, int]], namespace: str) -> list[int]:
        """A namespace that names a connection or a stream means that one, `contact_id` means the CRM.

        Any other is an id of the operator's world: no key of a record, even where the texts are equal.
        """
        links = self._house.links
        if namespace in links:
            return [record for stream, record in hits if stream.connection == namespace]
        if "/" in namespace:
            return [record for stream, record in hits if stream.address == namespace]
        if namespace in _OF_THE_CRM:
            return [record for stream, record in hits if links[stream.connection].role == "crm"]
        return []

    # -- afterwards ----------------------------------------------------------------------------------------

    def match_some(self, connection: Connection, records: Sequence[int]) -> Matched:
        """Match changed records inside the caller's transaction (which holds the settle lease)."""
        matched = Matched(records=len(records))
        rows = {
            row[0]: row
            for row in self._database.select(
                connection,
                f"SELECT r.id, r.stream, r.rkey, r.state, m.entity, {_AWAITED}, {_CONVERTED} FROM record r "
                "LEFT JOIN member m ON m.record = r.id WHERE",
                "r.id",
                records,
            )
        }
        homes = {number: row[4] for number, row in rows.items() if row[4] is not None}
        responses = [n for n, row in rows.items() if self.entities.kind_of(connection, row[1]) in JOINS]
        others = [n for n, row in rows.items() if row[1] in self._streams and n not in set(responses)]
        carried = self._carried(connection, others)
        reopened = self._crossed(connection, carried)
        if reopened:
            self._open_again(connection, reopened, matched)
            homes = self.entities.homes(connection, list(rows))
        for number in others:
            self._match_one(connection, number, rows[number], carried[number], homes, matched)
        self._follow_survivors(connection, [rows[number] for number in others], homes, matched)
        self._follow_conversions(connection, [rows[number] for number in others], homes, matched)
        said = self.entities.said(connection, others)
        self._follow_returned(connection, [rows[number] for number in others], said, homes, matched)
        self._follow_people(connection, said, homes, matched)
        if self._scored is not None:
            self._scored.match(connection, others, matched)
            # What kept it from joining may have gone. Once a run: whatever comes of it, a run comes to its end.
            add_work(self._database, connection, SETTLE, matched.apart - self._again)
            self._again |= matched.apart
        self._match_responses(connection, [rows[n] for n in responses], homes, matched)
        add_work(self._database, connection, SETTLE, self._claimants(connection, others))
        gone = [number for number in others if rows[number][3] > ARCHIVED]
        add_work(self._database, connection, SETTLE, self._left_behind(connection, gone))
        if matched.joined or matched.parted:
            self.entities.referring_again(connection)
        return matched

    def _claimants(self, connection: Connection, records: Sequence[int]) -> list[int]:
        """Responses of nobody whose claims these records carry: their person may have come."""
        answers = [str(stream.id) for stream in self._streams.values() if stream.kind in JOINS]
        if not answers or not records:
            return []
        rows = self._database.select(
            connection,
            "SELECT DISTINCT r.id FROM ident mine JOIN ident theirs ON theirs.kind = mine.kind "
            "AND theirs.value = mine.value JOIN record r ON r.id = theirs.record "
            "LEFT JOIN member m ON m.record = r.id "
            f"WHERE m.record IS NULL AND r.stream IN ({', '.join(answers)}) AND",
            "mine.record",
            records,
        )
        return [row[0] for row in rows]

    def _left_behind(self, connection: Connection, gone: Sequence[int]) -> list[int]:
        """The live records of entities of which one is gone: what it kept them from joining, it keeps no more.

        Not responses: they stay with whom they came to.
        """
        rows = self._database.select(
            connection,
            "SELECT DISTINCT r.id, r.stream FROM member mine JOIN member theirs ON theirs.entity = mine.entity "
            f"JOIN record r ON r.id = theirs.record WHERE r.state <= {ARCHIVED} AND",
            "mine.record",
            gone,
        )
        return [row[0] for row in rows if self.entities.kind_of(connection, row[1]) not in JOINS]

    def _carried(self, connection: Connection, records: Sequence[int], but: str = "") -> dict[int, list[Ident]]:
        """By record its identifiers. `but`: numbers of kinds that are left out."""
        found: dict[int, list[Ident]] = {number: [] for number in records}
        only = f"kind NOT IN ({but}) AND" if but else ""
        for number, kind, value in self._database.select(
            connection, f"SELECT record, kind, value FROM ident WHERE {only}", "record", records
        ):
            found[number].append((kind, value))
        return found

    def deciding(self, connection: Connection, records: Sequence[int]) -> dict[int, list[Ident]]:
        """By record the identifiers that make one of whoever has them, or keep apart whoever has others."""
        certain = set(self._house.rules.certain())
        # Of some kinds nobody has an identifier, and to ask that of each record takes long. Other processes may know of
        # more kinds. In an order, so that no database looks for the first one by reading the whole table.
        carried = dict(
            self._database.select_all(
                connection,
                "SELECT k.id, (SELECT 1 FROM ident i WHERE i.kind = k.id ORDER BY i.value LIMIT 1) FROM ident_kind k "
                "WHERE k.id > 0",
            )
        )
        decide = {
            kind
            for kind in carried
            if kind in certain or ((rule := self.rule(kind)) is not None and rule.verdict == "same")
        }
        if not any(carried[kind] for kind in decide):
            return {number: [] for number in records}
        return self._carried(connection, records, ", ".join(map(str, sorted(carried.keys() - decide))))

    def _match_one(
        self, connection: Connection, number: int, row: Any, carried: Sequence[Ident], homes: dict[int, int],
        matched: Matched,
    ) -> None:  # fmt: skip
        """Give a record its entity: what it is in already, what its identifiers name, else a new one."""
        stream = self._streams[row[1]]
        home = homes.get(number)
        found: list[tuple[int, int, str, IdentRule]] = []  # strength, other record, source, rule
        if row[3] <= ARCHIVED:
            found = self._neighbours(connection, number, [one for one in carried if self._decides(one[0])])
        targets: dict[int, tuple[int, str, IdentRule]] = {}
        for _, other, source, rule in sorted(found, key=lambda item: item[:2]):
            there = self.entities.homes(connection, [other]).get(other)
            if there is not None and there != home and there not in targets:
                targets[there] = (other, source, rule)
        joins: list[int] = []
        for there, (other, source, rule) in targets.items():
            if self.entities.told_apart(connection, number, home, there):
                continue
            if rule.verdict != "same":
                matched.pairs += self.entities.propose(connection, [(other, number, rule.name)])
                continue
            if self._forbidden(connection, number, there):
                continue
            if home is not None and self.entities.both_in_one_stream(connection, home, there):
                # An edit gave it an identifier of somebody else whom the same system keeps as another record:
                # a moved mailbox as well as a duplicate. A person decides, whichever of them is looked at first.
                matched.pairs += self.entities.propose(connection, [(other, number, rule.name)])
                continue
            self.entities.note_edge(connection, other, number, (source, "same", rule.name, None, None))
            joins.append(there)
        if home is None:
            born = not joins  # under the id that its birth gives it
            home = self.entities.born(connection, stream, row[2]) if born else joins.pop(0)
            homes[number] = home
            self._database.insert(connection, "member", ("record", "entity"), [(number, home)])
            if not born:
                self.entities.note_birth(connection, home, stream, row[2])
            matched.fresh.add(number)
        for there in joins:
            if self.entities.told_apart(connection, number, home, there):
                continue  # it belongs to both by what it carries, and a person said that they are two
            home = self.entities.join(connection, home, there, matched)
            for record, entity in list(homes.items()):
                if entity == there:
                    homes[record] = home
            homes[number] = home
        matched.touched.add(home)

    def _follow_survivors(
        self, connection: Connection, rows: Sequence[Any], homes: dict[int, int], matched: Matched
    ) -> None:
        """What was merged at the vendor is one entity here, whatever its identifiers say; a person may say never."""
        lost = self._lost_in(connection, {(row[1], row[2]) for row in rows if row[5]})
        for stream_id in {row[1] for row in rows}:
            merged = [row[0] for row in rows if row[1] == stream_id and row[3] == MERGED]
            merged += [number for number, of in lost if of == stream_id]
            for number, survivor in self.survivors(connection, self._streams[stream_id], merged).items():
                self._made_one_there(connection, number, survivor, MERGED_THERE, homes, matched)

    def _follow_conversions(
        self, connection: Connection, rows: Sequence[Any], homes: dict[int, int], matched: Matched
    ) -> None:
        """A lead is one with the contact that it became, a deal with the lead that it came of, whoever comes first."""
        rows = [row for row in rows if row[6]]
        if not rows:
            return
        select = self._database.select
        streams = {row[0]: row[1] for row in rows}
        told = [
            (record, streams[record], key)
            for record, key in select(connection, "SELECT record, rkey FROM became WHERE", "record", list(streams))
        ]
        told += select(
            connection,
            "SELECT b.record, r.stream, b.rkey FROM became b JOIN record r ON r.id = b.record WHERE",
            "b.rkey",
            sorted({row[2] for row in rows}),
        )
        for one, other in sorted(set(self.converted(connection, told))):
            self._made_one_there(connection, one, other, CONVERTED_THERE, homes, matched)

    def note_unlinked(self, connection: Connection, record: int) -> None:
        """Keep whom a record that was deleted is parted from: it may come back."""
        others = self.entities.came_to(connection, [record])
        rows = [
            (min(record, other), max(record, other), UNLINKED, UNLINKED, "deleted there", None, None, self._house.now(),
             self._run, str(record))
            for other in others.values()
        ]  # fmt: skip
        columns = (*EDGE_COLUMNS, "shown")
        self._database.upsert(connection, "edge", ["left", "right", "source"], columns, rows)

    def _follow_returned(
        self, connection: Connection, rows: Sequence[Any], said: Sequence[tuple[int, int, str, str]],
        homes: dict[int, int], matched: Matched,
    ) -> None:  # fmt: skip
        """A record that was unlinked when it was deleted, and is back, is who it was. Where it has been made again
        meanwhile there are two of it, and a person is asked.

        It is not back as long as one of the two is gone, whichever it was.
        """
        changed = {row[0] for row in rows}
        unlinked = sorted(edge[:2] for edge in said if edge[2] == UNLINKED and not changed.isdisjoint(edge[:2]))
        there = self.entities.systems(connection, {end for pair in unlinked for end in pair})
        for left, right in unlinked:
            if left not in there or right not in there:
                continue
            self._database.run(
                connection, 'DELETE FROM edge WHERE "left" = ? AND "right" = ? AND source = ?', (left, right, UNLINKED)
            )
            ends = self.entities.homes(connection, [left, right])
            if len(set(ends.values())) < 2:
                continue
            twins = [
                (twin, number)
                for number, other in ((right, left), (left, right))
                for twin in self.entities.of_system(connection, ends[other], there[number])
            ]
            if twins:
                matched.pairs += self.entities.propose(connection, [(*twins[0], "came back")])
            else:
                self._made_one_there(connection, left, right, CAME_BACK, homes, matched)

    def _made_one_there(
        self, connection: Connection, one: int, other: int, why: tuple[Any, ...], homes: dict[int, int],
        matched: Matched,
    ) -> None:  # fmt: skip
        """Join two records of which their vendor says that they are one; a person may say never."""
        # It is looked at again with every edit of either: what was known stays, with its time.
        self.entities.note_edge(connection, one, other, why, replace=False)
        self._bring_together(connection, one, other, homes, matched)

    def _bring_together(
        self, connection: Connection, one: int, other: int, homes: dict[int, int], matched: Matched
    ) -> None:
        """Join the entities of two records of which something says that they are one.

        Where a person keeps some of both apart, those go that less holds there; unless that is one of the two.
        """
        ends = self.entities.homes(connection, [one, other])
        if len(set(ends.values())) < 2:
            return
        groups: list[list[int]] = []
        if self.entities.told_apart(connection, one, ends[one], ends[other]):
            members = [number for entity in ends.values() for number in self.entities.members(connection, entity)]
            groups = self._grouped(connection, sorted(members)).groups
            if not any(one in group and other in group for group in groups):
                return
        home = self.entities.join(connection, ends[one], ends[other], matched)
        if groups:
            self.entities.part(connection, home, groups, matched)
        homes.update(self.entities.homes(connection, [*homes, one]))

    def _lost_in(self, connection: Connection, keys: set[tuple[int, str]]) -> list[tuple[int, int]]:
        """Records, each with its stream, of which was told earlier that they live on in these, which have arrived only
        now. `keys`: stream and key."""
        select = self._database.select
        rkeys = sorted({rkey for _, rkey in keys})
        lost = dict(select(connection, "SELECT record, rkey FROM survivor WHERE", "rkey", rkeys))
        rows = select(connection, "SELECT id, stream FROM record WHERE", "id", list(lost))
        return [(number, stream) for number, stream in rows if (stream, lost[number]) in keys]

    def _follow_people(
        self, connection: Connection, said: Sequence[tuple[int, int, str, str]], homes: dict[int, int],
        matched: Matched,
    ) -> None:  # fmt: skip
        """What a person decided of two records holds against every rule."""
        together: set[int] = set()  # entities of which somebody may have been told apart
        told = sorted(told_by("person", said))
        now = self.entities.homes(connection, _ends(told))
        for left, right, verdict in told:
            ends = {one: now[one] for one in (left, right) if one in now}
            if verdict == "never" and len(set(ends.values())) == 1:
                together.update(ends.values())
            if verdict != "same" or len(set(ends.values())) < 2:
                continue
            home = self.entities.join(connection, ends[left], ends[right], matched)
            homes.update({record: home for record, entity in homes.items() if entity in ends.values()})
            now = self.entities.homes(connection, list(now))
            together.add(home)
        for home in sorted(together):
            members = set(self.entities.members(connection, home))
            decided = self.entities.decided(connection, sorted(members))
            if any(verdict == "never" and left in members and right in members for left, right, verdict in decided):
                self.regroup(connection, home, matched)
                homes.update(self.entities.homes(connection, list(homes)))
        # What the hub made for an entity belongs to it, also where it was seen first as somebody new.
        made = sorted(told_by("created", said))
        now = self.entities.homes(connection, _ends(made))
        for left, right, _ in made:
            if left in now and right in now:
                self._bring_together(connection, left, right, homes, matched)

    def _decides(self, kind: int) -> bool:
        """Is who shares an identifier of this kind one, or asked about, by that alone?"""
        rule = self.rule(kind)
        return rule is not None and rule.verdict != "scored"

    def _neighbours(
        self, connection: Connection, number: int, carried: Sequence[Ident]
    ) -> list[tuple[int, int, str, IdentRule]]:
        found = []
        for kind, value in carried:
            rule = self.rule(kind)
            if rule is None:
                continue
            sharing = self.sharing(connection, kind, value)
            if self.holders(connection, kind, value, rule) > rule.limit:
                continue
            for other, _ in sharing:
                if other != number:
                    found.append((rule.strength, other, f"{kind}:{value}", rule))
        return found

    def holders(self, connection: Connection, kind: int, value: int, rule: IdentRule) -> int:
        """How many people hold it, or the part of it that is counted."""
        if rule.counted is None:
            return _count(self.sharing(connection, kind, value))
        low, high = part_of(value)
        rows = self._database.select_all(
            connection,
            "SELECT i.record, r.stream FROM ident i JOIN record r ON r.id = i.record "
            "WHERE i.kind = ? AND i.value BETWEEN ? AND ? AND r.state <= ? LIMIT 1000",
            (rule.counted, low, high, ARCHIVED),
        )
        return _count([(row[0], row[1]) for row in rows if self.entities.kind_of(connection, row[1]) not in JOINS])

    def sharing(self, connection: Connection, kind: int, value: int) -> list[tuple[int, int]]:
        """Live records that carry an identifier, with their stream; responses claim it, they do not carry it."""
        rows = self._database.select_all(
            connection,
            "SELECT i.record, r.stream FROM ident i JOIN record r ON r.id = i.record "
            "WHERE i.kind = ? AND i.value = ? AND r.state <= ? ORDER BY i.record LIMIT 1000",
            (kind, value, ARCHIVED),
        )
        return [(row[0], row[1]) for row in rows if self.entities.kind_of(connection, row[1]) not in JOINS]

    def carried_in(self, connection: Connection, stream: Stream, idents: Iterable[Ident]) -> dict[Ident, list[int]]:
        """Of these identifiers those that name somebody and that live records of a stream carry, with these records."""
        by_kind: dict[int, list[int]] = defaultdict(list)
        for kind, value in idents:
            if (rule := self.rule(kind)) is not None and rule.names:
                by_kind[kind].append(value)
        found: dict[Ident, list[int]] = defaultdict(list)
        for kind, values in by_kind.items():
            for value, record in self._database.select(
                connection,
                "SELECT i.value, i.record FROM ident i JOIN record r ON r.id = i.record "
                "WHERE r.stream = ? AND r.state <= ? AND i.kind = ? AND",
                "i.value",
                sorted(values),
                first=(stream.id, ARCHIVED, kind),
            ):
                found[kind, value].append(record)
        return {
            one: records
            for one, records in found.items()
            if (rule := self.rule(one[0])) is not None and self.holders(connection, *one, rule) <= rule.limit
        }

    def _forbidden(self, connection: Connection, number: int, there: int) -> bool:
        """Certain ids of one stream differ."""
        for kind in self._house.rules.certain():
            row = self._database.run(
                connection,
                "SELECT 1 FROM ident mine JOIN record me ON me.id = mine.record "
                "JOIN ident theirs ON theirs.kind = mine.kind AND theirs.value <> mine.value "
                "JOIN record they ON they.id = theirs.record AND they.stream = me.stream AND they.state = 0 "
                "JOIN member m ON m.record = theirs.record "
                "WHERE mine.record = ? AND mine.kind = ? AND m.entity = ? LIMIT 1",
                (number, kind, there),
            ).fetchone()
            if row is not None:
                return True
        return False

    def _crossed(self, connection: Connection, carried: Mapping[int, Sequence[Ident]]) -> set[Ident]:
        """Identifiers of these records that joined others and are now shared by more than their limit."""
        sources = {f"{kind}:{value}": (kind, value) for some in carried.values() for kind, value in some}
        used = self._database.select(connection, "SELECT DISTINCT source FROM edge WHERE", "source", sorted(sources))
        crossed = {
            (kind, value)
            for kind, value in (sources[row[0]] for row in used)
            if (rule := self.rule(kind)) is not None and self.holders(connection, kind, value, rule) > rule.limit
        }
        return crossed | self._crossed_by_part(connection, set(sources.values()))

    def _crossed_by_part(self, connection: Connection, idents: Iterable[Ident]) -> set[Ident]:
        """A number that too many hold now: what it joined together with something else, whoever holds that."""
        counted: dict[int, list[tuple[int, IdentRule]]] = defaultdict(list)
        for number, _ in self._house.ident_kinds.names():
            rule = self.rule(number)
            if rule is not None and rule.counted is not None and rule.verdict != "scored":
                counted[rule.counted].append((number, rule))
        crossed: set[Ident] = set()
        for kind, value in idents:
            for number, rule in counted.get(kind, ()):
                if self.holders(connection, number, value, rule) <= rule.limit:
                    continue
                rows = self._database.select_all(
                    connection,
                    "SELECT DISTINCT value FROM ident WHERE kind = ? AND value BETWEEN ? AND ?",
                    (number, *part_of(value)),
                )
                crossed.update((number, row[0]) for row in rows)
        return crossed

    def _open_again(self, connection: Connection, crossed: set[tuple[int, int]], matched: Matched) -> None:
        """Withdraw what these identifiers joined, and put the records of those entities apart by what is left."""
        database = self._database
        affected: set[int] = set()
        sources = sorted(f"{kind}:{value}" for kind, value in crossed)
        rows = list(database.select(connection, 'SELECT "left", "right", source FROM edge WHERE', "source", sources))
        ends = sorted({end for row in rows for end in row[:2]})
        affected.update(self.entities.homes(connection, ends).values())
        database.delete(connection, "edge", "source", sorted({row[2] for row in rows}))
        for entity in affected:
            self.regroup(connection, entity, matched)

    def regroup(self, connection: Connection, entity: int, matched: Matched) -> None:
        """Split an entity into the groups that its edges still hold together. The group of the smallest id keeps it."""
        self._database.hold(connection, "entity", [entity])
        found = self._grouped(connection, self.entities.members(connection, entity))
        for first, number, why in found.noted:
            self.entities.note_edge(connection, first, number, why)
        self.entities.part(connection, entity, found.groups, matched)

    def _grouped(self, connection: Connection, members: Sequence[int]) -> "_Grouped":
        """These records by what holds them together, strongest first, and never against what a person keeps apart.

        What a person said comes first, then what vendors did, then rules. Whoever came first has no part in it. An
        answer goes with whom it came to, and holds nobody together.
        """
        place = {number: n for n, number in enumerate(members)}
        parents = array("q", range(len(members)))
        never = [
            (place[left], place[right])
            for left, right, verdict in self.entities.decided(connection, members)
            if verdict == "never" and left in place and right in place
        ]
        same = self._database.select(
            connection, 'SELECT "left", "right", source FROM edge WHERE verdict = \'same\' AND', '"left"', members
        )
        answers = self._answers_of(connection, members)
        found: list[tuple[tuple[int, int], int, int, tuple[Any, ...] | None]] = []
        claims: dict[int, tuple[int, int]] = {}
        for left, right, source in same:
            if right in place and (left in answers or right in answers):
                claims.setdefault(left if left in answers else right, (left, right))
            elif right in place:
                found.append((self._strength(source), left, right, None))
        # An identifier that was redundant while a withdrawn one held may hold the group on its own.
        own = [number for number in members if number not in answers]
        for kind, value, rule, sharing in self.exactly_alike(connection, self.deciding(connection, own)):
            told = (f"{kind}:{value}", "same", rule.name, None, None)
            pairs = combinations(sharing, 2)  # of two that may not meet a third each may meet the other
            found += [((_BY_RULE, rule.strength), left, right, told) for left, right in pairs]
        births = self.entities.births(connection, members) if never else {}
        found.sort(key=lambda one: (one[0], sorted(births[end] for end in one[1:3]) if births else one[1:3]))
        noted = []
        for _, left, right, why in found:
            if _unite(parents, place[left], place[right], never) and why is not None:
                noted.append((left, right, why))
        for left, right in claims.values():
            _unite(parents, place[left], place[right], never)
        groups: dict[int, list[int]] = defaultdict(list)
        for number in members:
            groups[_root(parents, place[number])].append(number)
        return _Grouped(list(groups.values()), noted)

    def _answers_of(self, connection: Connection, records: Sequence[int]) -> set[int]:
        rows = self._database.select(connection, "SELECT id, stream FROM record WHERE", "id", records)
        return {number for number, stream in rows if self.entities.kind_of(connection, stream) in JOINS}

    def _strength(self, source: str) -> tuple[int, int]:
        """How an edge of this source ranks, smaller is stronger."""
        kind, _, value = source.partition(":")
        if not value:
            return (_BY_PERSON if source == "person" else _BY_RULE + 1 if source == SCORED else _BY_VENDOR), 0
        rule = self.rule(int(kind)) if kind.isdigit() else None
        return _BY_RULE, 0 if rule is None else rule.strength

    def exactly_alike(
        self, connection: Connection, carried: Mapping[int, Sequence[Ident]]
    ) -> Iterator[tuple[int, int, IdentRule, list[int]]]:
        """Identifiers that make one of whoever has them, by their rule and its limit: kind, value, rule, and which of
        these records have it (two at least). `carried`: by record its identifiers."""
        by_value: dict[Ident, list[int]] = defaultdict(list)
        for number, idents in carried.items():
            for ident in idents:
                by_value[ident].append(number)
        for (kind, value), sharing in sorted(by_value.items()):
            rule = self.rule(kind)
            if rule is None or rule.verdict != "same" or len(sharing) < 2:
                continue
            if self.holders(connection, kind, value, rule) <= rule.limit:
                yield kind, value, rule, sorted(sharing)

    def _match_responses(
        self, connection: Connection, rows: Sequence[Any], homes: dict[int, int], matched: Matched
    ) -> None:
        """A response goes to the person whom its strongest claim names, if it names just one."""
        for stream_id in {row[1] for row in rows}:
            stream = self._streams[stream_id]
            mine = [row[0] for row in rows if row[1] == stream_id and row[3] <= ARCHIVED]
            bodies = [
                (row[0], load_row(bytes(row[1])))
                for row in self._database.select(connection, "SELECT record, observed FROM body WHERE", "record", mine)
            ]
            named = self.referred(connection, stream, bodies)
            self.await_referred(connection, stream, bodies, named)
            for number in mine:
                record = named.get(number) or self._best_claim(connection, number)
                there = None if record is None else self.entities.homes(connection, [record]).get(record)
                before = homes.get(number)
                if there is None or there == before:
                    if before is not None:
                        matched.touched.add(before)
                    continue
                self._database.upsert(connection, "member", ["record"], ["record", "entity"], [(number, there)])
                self.entities.note_edge(connection, record or 0, number, CLAIMED)
                matched.touched.update({there} if before is None else {there, before})

    def _best_claim(self, connection: Connection, number: int) -> int | None:
        carried = self._carried(connection, [number])[number]
        named_by = [one for one in carried if (rule := self.rule(one[0])) is not None and rule.names]
        found = self._neighbours(connection, number, named_by)
        if not found:
            return None
        best = min(item[0] for item in found)
        named = sorted(item[1] for item in found if item[0] == best)
        entities = set(self.entities.homes(connection, named).values())
        return named[0] if len(entities) == 1 else None


class _Grouped(NamedTuple):
    """Records in groups, and what identifiers hold there of which no edge tells yet: two records, and why."""

    groups: list[list[int]]
    noted: list[tuple[int, int, tuple[Any, ...]]]


_BY_PERSON, _BY_VENDOR, _BY_RULE = 0, 1, 2  # what holds two together, the strongest first


def carriers(
    house: House, connection: Connection, stream: Stream, rows: Sequence[tuple[int, Sequence[Any]]]
) -> list[list[int]]:
    """Of each row, with the entity that it is of: live records of a stream that may be what it tells of, since they
    carry an identifier that it carries. What a person keeps apart from that entity is left out."""
    matcher = Matcher(house, run=0)
    told = [(entity, stream.identifiers(row)) for entity, row in rows]
    there = matcher.carried_in(connection, stream, {one for _, some in told for one in some})
    return [
        matcher.entities.not_kept_apart(connection, entity, {record for one in some for record in there.get(one, ())})
        for entity, some in told
    ]


def certain_ids(house: House, connection: Connection, records: Sequence[int]) -> dict[int, dict[str, frozenset[str]]]:
    """By record its certain ids, by kind: two live records of one stream that differ in one are kept apart."""
    carried: dict[int, list[Ident]] = defaultdict(list)
    for number, kind, value in house.database.select(
        connection, "SELECT record, kind, value FROM ident WHERE", "record", records
    ):
        carried[number].append((kind, value))
    return certain_of(house, carried)


def certain_of(house: House, carried: Mapping[int, Sequence[Ident]]) -> dict[int, dict[str, frozenset[str]]]:
    """The same of identifiers by record."""
    kinds = frozenset(house.rules.certain())
    found: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for number, idents in carried.items():
        for kind, value in idents:
            if kind in kinds:
                found[number][str(kind)].add(str(value))
    return {number: {kind: frozenset(some) for kind, some in ids.items()} for number, ids in found.items()}


def pending_work(house: House, among: Sequence[int] | None) -> Iterator[list[int]]:
    """Batches of records that wait to be settled; `among`: of these streams. Whoever asks takes them off the list."""
    database = house.database
    only = "" if among is None else f"AND r.stream IN ({', '.join(str(int(n)) for n in among) or 'NULL'}) "
    while True:
        with database.read() as connection:
            rows = database.run(
                connection,
                f"SELECT t.id FROM todo t JOIN record r ON r.id = t.id WHERE t.stage = ? {only}ORDER BY t.id LIMIT 500",
                (SETTLE,),
            ).fetchall()
        if not rows:
            return
        yield [row[0] for row in rows]


def _ends(pairs: Iterable[tuple[int, int, str]]) -> list[int]:
    return sorted({end for left, right, _ in pairs for end in (left, right)})


def _count(sharing: Sequence[tuple[int, int]]) -> int:
    return persons(stream for _, stream in sharing)


def _root(parents: Numbers, number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


def _unite(parents: Numbers, one: int, other: int, never: Sequence[tuple[int, int]]) -> bool:
    """Join two groups, unless a person keeps one of each apart; were they two, and are they one now?"""
    low, high = sorted((_root(parents, one), _root(parents, other)))
    if low == high or any({_root(parents, left), _root(parents, right)} == {low, high} for left, right in never):
        return False
    parents[high] = low
    return True
