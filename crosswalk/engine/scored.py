"""Scored matching of changed records, inside the transaction that settles them.

A changed record is weighed against what shares a block with it; it and everything that hangs together with it are put
into groups anew (`mapping.match.few`), by what the records show now and not by the order in which they came.

Two things hold whatever the scores say. Rules, people and vendors come first: what they put together is together, what
they keep apart is apart. And what was joined stays so when one of it is edited, or when the hub has written to it: the
records of one customer come to differ for a while, and to part them then would make new ones. So groups are a function
of what is there only as long as nobody touches it; afterwards a person parts them, and is asked where an edit makes
two customers alike that were not. The question remembers that an edit asked it, and stays until it is answered.
"""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from crosswalk.engine.entities import CLAIM, SCORED, SCORED_COLUMNS, WERE_TWO, Matched, at_either_end
from crosswalk.engine.identify import Ident, Matcher, certain_of
from crosswalk.engine.likeness import (
    Counted,
    Known,
    Likeness,
    bits_told,
    in_short,
    likeness_of,
    scored_kinds,
    shown_by,
    without,
)
from crosswalk.engine.matching import JOINS
from crosswalk.engine.model import House
from crosswalk.store.dialect import Database
from crosswalk.store.records import ARCHIVED, LIVE, MERGED
from mapping.match.cluster import Edge, Member, cluster, contradict
from mapping.match.groups import Pair, ordered

if TYPE_CHECKING:
    from crosswalk.engine.remembered import Remembering
    from mapping.match.few import Few
    from mapping.match.model import Model
    from mapping.match.profile import Profile
    from mapping.match.score import Scored, Scorer

_MOST: Final = 400  # records that are looked at because of those that are alike to the changed ones
# Strength of what a person said, of what a vendor did, and of what stays together since it was edited or written to.
_SAID, _DONE_THERE, _KEPT = 9, 8, 7
Connection = Any


class ScoredMatcher:
    """Scored matching over one store."""

    def __init__(self, matcher: Matcher, house: House, *, run: int) -> None:
        self._matcher, self._house, self._run = matcher, house, run
        self._kinds: list[_OfKind] | None = None

    def match(self, connection: Connection, changed: Sequence[int], matched: Matched) -> None:
        """Weigh changed records, each of which is in an entity by now."""
        if not changed:
            return
        if self._kinds is None:
            self._kinds = [
                _OfKind(self._matcher, likeness_of(self._house, kind), run=self._run)
                for kind in scored_kinds(self._house)
            ]
        for kind in self._kinds:
            kind.match(connection, changed, matched)


class _OfKind:
    """One kind of entity."""

    def __init__(self, matcher: Matcher, likeness: Likeness, *, run: int) -> None:
        self._matcher, self._likeness, self._run = matcher, likeness, run
        self._database = likeness.house.database
        self._by_count: tuple[Remembering, Counted] | None = None
        self._large = False  # what was too many to be all looked at stays so for this run

    def match(self, connection: Connection, changed: Sequence[int], matched: Matched) -> None:
        few = None if self._large else self._likeness.small(connection, beside=changed[0])
        self._large = few is None
        if few is None and self._weighing(connection) is None:
            # It has become larger since this run looked whether to count.
            few = self._likeness.live(connection, at_most=1 << 62)
        if few is None:
            self._match_by_blocks(connection, changed, matched)
        elif not set(changed).isdisjoint(few):
            self._match_all(connection, few, changed, matched)

    def _weighing(self, connection: Connection) -> tuple["Remembering", Counted] | None:
        """Once a run: what it has asked for of values is kept."""
        if self._by_count is None and (weighing := self._likeness.weighing(connection)) is not None:
            from crosswalk.engine.remembered import Remembering  # it builds on what costs time to import

            scorer, counted = weighing
            self._by_count = Remembering(scorer.model, counted), counted
        return self._by_count

    # -- a store that is small -----------------------------------------------------------------------------

    def _match_all(
        self, connection: Connection, records: Sequence[int], changed: Sequence[int], matched: Matched
    ) -> None:
        from mapping.match.few import meeting

        # What has been landed since this batch was taken is settled by the next.
        homes = self._matcher.entities.homes(connection, records)
        known = self._likeness.known(connection, list(homes))
        scorer, profiles = self._likeness.weighing_all(known)
        pairs = meeting([scorer.keys(profile) for profile in profiles], scorer.model.limits["block"])
        told = told_of(self._database, connection, [one.record for one in known])
        self._regrouping(connection, known, profiles, changed, told).settle(scorer, pairs, matched)

    def _regrouping(
        self, connection: Connection, known: Sequence[Known], profiles: Sequence["Profile"], changed: Sequence[int],
        told: "Told",
    ) -> "Regrouping":  # fmt: skip
        return Regrouping(self._matcher, self._likeness, connection, known, profiles, told, changed, run=self._run)

    # -- a store that is not ---------------------------------------------------------------------------------

    def _match_by_blocks(self, connection: Connection, changed: Sequence[int], matched: Matched) -> None:
        likeness, weighing = self._likeness, self._weighing(connection)
        if weighing is None:
            raise AssertionError("records are looked up by blocks before they were counted")
        scorer, counted = weighing
        scorer.begin()
        mine = likeness.known(connection, changed)
        keys = {one.record: likeness.hashes(scorer.keys(one.profile)) for one in mine}
        likeness.take_out(connection, mine, sorted(set(changed) - keys.keys()), scorer, keys)
        likeness.profiles.write(connection, mine)
        blocks = likeness.sharing(connection, (value for values in keys.values() for value in values))
        likeness.put_in(connection, keys, blocks)
        beside = _beside(keys, blocks, scorer.model.limits["block"])
        known = {one.record: one for one in mine}
        self._learn(connection, known, (other for others in beside.values() for other in others))
        near = self._near(connection, scorer, counted, known, beside)
        told = self._hanging_together(connection, {number for pair in near for number in pair} | set(keys))
        self._learn(connection, known, sorted(told.homes))
        some = [one for one in sorted(known.values(), key=lambda one: one.birth) if one.record in told.homes]
        holders = likeness.holders(connection, some, lambda records: self._learn(connection, known, records), blocks)
        scorer.held_by(holders.names)
        everybody = {one.record: one for one in [*some, *holders.known]}.values()
        crowded = likeness.crowded((one.stream, one.profile) for one in everybody)
        profiles = [without(one.profile, crowded) for one in some]
        regrouping = self._regrouping(connection, some, profiles, changed, told)
        place = regrouping.place
        pairs = {
            ordered(place[one], place[other]) for one, other in near | told.weighed
            if one in place and other in place
        }  # fmt: skip
        regrouping.settle(scorer, pairs, matched, counted)

    def _learn(self, connection: Connection, known: dict[int, Known], records: Iterable[int]) -> list[Known]:
        """These records, as far as they are live; those that were not known yet are read."""
        wanted = sorted(set(records))
        missing = [number for number in wanted if number not in known]
        known.update((one.record, one) for one in self._likeness.kept(connection, missing))
        return [known[number] for number in wanted if number in known]

    def _near(
        self,
        connection: Connection,
        scorer: "Remembering",
        counted: Counted,
        known: Mapping[int, Known],
        beside: Mapping[int, set[int]],
    ) -> set[Pair]:
        """Pairs that may be one, or that share an identifier, which more names may hold now than before."""
        identifiers = scorer.model.identifiers
        # In the order in which they are weighed later, for the scorer to remember them.
        waiting = {
            (number, other) if known[number].birth < known[other].birth else (other, number)
            for number, others in beside.items()
            for other in others
            if other in known
        }
        scorer.foresee([(known[number].profile, known[other].profile) for number, other in waiting])
        counted.fetch(connection)
        near: set[Pair] = set()
        while waiting:
            guessed = set()
            for number, other in waiting:
                one, two = known[number], known[other]
                counted.guessed = False
                if scorer.are_two(one.profile, two.profile) and not counted.guessed:
                    continue  # as most of them are
                counted.guessed = False
                scored = scorer.score(one.profile, two.profile, same_system=one.stream == two.stream)
                if scored.outcome == "different" and not _share_one_of(identifiers, scored):
                    if counted.guessed and scorer.may_turn_out(scored, one.profile, two.profile):
                        guessed.add((number, other))
                elif counted.guessed:
                    guessed.add((number, other))
                else:
                    near.add(ordered(number, other))
            counted.fetch(connection)
            waiting = guessed
        return near

    def _hanging_together(self, connection: Connection, records: set[int]) -> "Told":
        """The records of these entities, and of those that would have been joined with them."""
        homes, asked, edge = dict[int, int](), set[Asked](), records
        most = len(records) + _MOST
        while edge and len(homes) < most:
            members = homes_beside(self._database, connection, sorted(edge))
            fresh = asked_about(self._database, connection, sorted(members.keys() - homes.keys()))
            homes |= members
            asked |= fresh
            edge = {
                end
                for left, right, _, score, _ in fresh
                if score is not None and float(score) >= self._likeness.model.same
                for end in (left, right)
            } - homes.keys()
        return Told(homes, edges_of(self._database, connection, homes), asked)


def _share_one_of(identifiers: Container[str], scored: "Scored") -> bool:
    return any(told.level == "same" and told.field in identifiers for told in scored.evidence)


Said: TypeAlias = tuple[int, int, str, str, str | None, str | None]  # left, right, source, verdict, score, shown
Asked: TypeAlias = tuple[int, int, str, str | None, str]  # left, right, state, score, rule


class Told(NamedTuple):
    """What the store says of some records: their entities, and what was decided or asked of two of them.

    Read once: nobody but who regroups them changes it in the same transaction.
    """

    homes: Mapping[int, int]
    edges: Sequence[Said]
    asked: Collection[Asked]

    @property
    def weighed(self) -> set[Pair]:
        """Pairs that were scored before, as far as anything came of it."""
        found = {(left, right) for left, right, source, *_ in self.edges if source == SCORED}
        return found | {(left, right) for left, right, _, score, _ in self.asked if score is not None}


def told_of(database: Database, connection: Connection, records: Sequence[int]) -> Told:
    """Of all records of the entities of these."""
    homes = homes_beside(database, connection, records)
    return Told(homes, edges_of(database, connection, homes), asked_about(database, connection, sorted(homes)))


def homes_beside(database: Database, connection: Connection, records: Sequence[int]) -> dict[int, int]:
    """By record the entity of all that are in one with these."""
    return dict(
        database.select(
            connection,
            "SELECT o.record, o.entity FROM member m JOIN member o ON o.entity = m.entity WHERE",
            "m.record",
            records,
        )
    )


def edges_of(database: Database, connection: Connection, records: Collection[int]) -> list[Said]:
    """Among these records. What is wanted of them is picked afterwards: asked for by its source, a database may read
    all that this one said."""
    rows = database.select(
        connection, 'SELECT "left", "right", source, verdict, score, shown FROM edge WHERE', '"left"', list(records)
    )
    return [tuple(row) for row in rows if row[1] in records]


def asked_about(database: Database, connection: Connection, records: Sequence[int]) -> set[Asked]:
    """Of what a person is, or was, asked about one of these records."""
    what = 'SELECT "left", "right", state, score, rule FROM pair WHERE'
    return {tuple(row) for row in at_either_end(database, connection, what, records)}


class Regrouping:
    """Some records, put into entities anew. They are all records of their entities that are live.

    `profiles`: as what they are weighed. `told`: of all records of their entities, whatever others it tells of.
    """

    def __init__(
        self, matcher: Matcher, likeness: Likeness, connection: Connection, known: Sequence[Known],
        profiles: Sequence["Profile"], told: Told, changed: Iterable[int], *, run: int,
    ) -> None:  # fmt: skip
        self._matcher, self._likeness, self._connection, self._run = matcher, likeness, connection, run
        self._changed = set(changed)
        self._house, self._database = likeness.house, likeness.house.database
        self.known, self.profiles = known, profiles
        self.place = {one.record: at for at, one in enumerate(known)}
        self._told = told
        self._homes = {record: told.homes[record] for record in self.place}
        self._moved = False  # into other entities than they were told to be in
        self._were_two: set[Pair] = set()  # records that are the same, and that a person decides about

    def settle(self, scorer: "Scorer", pairs: Iterable[Pair], matched: Matched, counted: Counted | None = None) -> None:
        """`pairs`: places. `counted`: what has to be asked for values that were not met before."""
        from mapping.match.few import resolve

        held = Held(self._matcher, self._likeness, self._connection, self.known, self._told)
        streams = [one.stream for one in self.known]
        some = list(pairs)
        while True:
            found = resolve(scorer, self.profiles, streams, some, together=held.together, apart=held)
            if counted is None or not counted.fetch(self._connection):
                break
        self._become(found, held, matched)
        matched.pairs += self._ask(found)

    def become(self, found: "Few", matched: Matched) -> None:
        """Put them into groups that were found before; what is doubtful is left to whoever found them."""
        held = Held(self._matcher, self._likeness, self._connection, self.known, self._told)
        self._become(found, held, matched)

    def _become(self, found: "Few", held: "Held", matched: Matched) -> None:
        groups = self._as_asked(found, held, matched)
        self._put(groups, held, matched)
        self._note(found, held)
        told = {self.known[at].record: words for at, words in found.alarmed}
        matched.alarms |= told | too_large(groups, self._likeness.model)

    def _as_asked(self, found: "Few", held: "Held", matched: Matched) -> list[list[int]]:
        """The groups by record. Two that were there before are not joined over two records of one system."""
        groups = []
        for places in found.groups:
            parts = self._kept_apart(places, held, matched)
            groups += [[self.known[at].record for at in part] for part in parts]
            if len(parts) > 1:
                home = {at: number for number, part in enumerate(parts) for at in part}
                for pair in [one for one in found.joined if one[0] in home and home[one[0]] != home[one[1]]]:
                    found.review[pair] = found.joined.pop(pair)
                    self._were_two.add(ordered(self.known[pair[0]].record, self.known[pair[1]].record))
        return groups

    def _kept_apart(self, places: Sequence[int], held: "Held", matched: Matched) -> list[list[int]]:
        """Entities that were there before, and that one system keeps two records of: a person decides, unless
        people or vendors have.

        An edit gave one of them what the other shows: a moved mailbox as well as a duplicate.
        """
        by_home: dict[int, list[int]] = defaultdict(list)
        for at in places:
            by_home[held.one_with(self._homes[self.known[at].record])].append(at)
        if len(by_home) < 2 or not (by_home.keys() & held.written or self._were_edited(places, matched)):
            return [list(places)]
        parts: list[list[int]] = []
        for _, some in sorted(by_home.items(), key=lambda one: (one[0] not in held.written, one[0])):
            old = any(self.known[at].record not in matched.fresh for at in some)
            into = next((part for part in parts if not (old and self._share_a_stream(part, some, held))), None)
            if into is None:
                parts.append(list(some))
            else:
                into += some
        return [sorted(part) for part in parts]

    def _were_edited(self, places: Sequence[int], matched: Matched) -> bool:
        """By this run, or by one before that asked a person, who has not answered."""
        records = {self.known[at].record for at in places}
        if not records.isdisjoint(self._changed - matched.fresh):
            return True
        return any(left in records and right in records for left, right in self._asked_before)

    @cached_property
    def _asked_before(self) -> list[Pair]:
        return [pair for pair, (state, _, rule) in self._asked.items() if (state, rule) == ("open", WERE_TWO)]

    @cached_property
    def _asked(self) -> dict[Pair, tuple[str, str | None, str]]:
        """What a person is, or was, asked about two of these: state, score, rule."""
        place = self.place
        return {(one[0], one[1]): one[2:] for one in self._told.asked if one[0] in place and one[1] in place}

    def _share_a_stream(self, one: Sequence[int], other: Sequence[int], held: "Held") -> bool:
        streams = {self.known[at].stream for at in one if held.is_live(at)}
        return any(self.known[at].stream in streams for at in other if held.is_live(at))

    def _put(self, groups: Sequence[Sequence[int]], held: "Held", matched: Matched) -> None:
        """Part and join entities until they are these groups."""
        group_of = {record: number for number, group in enumerate(groups) for record in group}
        by_home: dict[int, set[int]] = defaultdict(set)
        for record, home in self._homes.items():
            by_home[home].add(group_of[record])
        for number, alone in self._to_be_parted(groups, group_of, held).items():
            group_of[number] = alone
            by_home[held.home(number)].add(alone)
        for home, wanted in sorted(by_home.items()):
            if len(wanted) > 1:
                self._part(home, group_of, held, matched)
                self._moved = True
        homes = self._homes_now()
        for group in groups:
            there = sorted({homes[record] for record in group})
            for other in there[1:]:
                self._matcher.entities.join(self._connection, there[0], other, matched)
                self._moved = True

    def _to_be_parted(
        self, groups: Sequence[Sequence[int]], group_of: Mapping[int, int], held: "Held"
    ) -> dict[int, int]:
        """Who is gone and holds to nobody who is there, but would come to somebody from whom a person keeps them apart.

        By number a group of their own. Such a record goes where those of its entity go who can be weighed.
        """
        if not held.strays:
            return {}
        comes_to: dict[int, int] = {}
        for one in self.known:
            comes_to.setdefault(self._homes[one.record], group_of[one.record])
        company: dict[int, set[int]] = defaultdict(set)
        for record, number in (*group_of.items(), *((one, group_of[to]) for one, to in held.beside.items())):
            company[number].add(record)
        for number in held.strays:
            company[comes_to[held.home(number)]].add(number)
        parted: dict[int, int] = {}
        for number, with_whom in sorted(held.strays.items()):
            there = company[comes_to[held.home(number)]]
            if held.is_kept_apart(number, there):
                there.discard(number)
                parted[number] = len(groups) + with_whom
        return parted

    def _homes_now(self) -> Mapping[int, int]:
        return self._matcher.entities.homes(self._connection, list(self.place)) if self._moved else self._homes

    def _part(self, home: int, group_of: Mapping[int, int], held: "Held", matched: Matched) -> None:
        """Records that are not weighed (answers, what is gone) stay with the one that they came to; of what is gone
        that is who is most surely the same."""
        members = self._matcher.entities.members(self._connection, home)
        first = next(one.record for one in self.known if self._homes[one.record] == home)
        groups: dict[int, list[int]] = defaultdict(list)
        others = [number for number in members if number not in group_of]
        came_to = self._matcher.entities.came_to(self._connection, others)
        came_to |= {number: to for number in others if (to := held.beside.get(number)) in group_of and to in members}
        for number in members:
            to = number if number in group_of else came_to.get(number, number)
            groups[group_of.get(to, group_of[first])].append(number)
        wanted = sorted(groups, key=lambda number: (number != group_of[first], min(groups[number])))
        self._matcher.entities.part(self._connection, home, [groups[number] for number in wanted], matched)
        matched.apart.update(number for number in members if number in self.place)

    def _note(self, found: "Few", held: "Held") -> None:
        """Every pair that is the same, with its bits. What holds since before stays as it was noted then."""
        wanted = {
            ordered(self.known[one].record, self.known[other].record): scored
            for (one, other), scored in found.joined.items()
        }
        told = {pair: bits_told(scored.bits) for pair, scored in wanted.items()}
        there = {
            (left, right): score
            for left, right, source, _, score, _ in self._told.edges
            if source == SCORED and left in self.place and right in self.place
        }
        gone = [(*pair, SCORED) for pair in there if pair not in wanted and not held.holds(pair)]
        self._database.run_many(
            self._connection, 'DELETE FROM edge WHERE "left" = ? AND "right" = ? AND source = ?', gone
        )
        profiles = {one.record: one.profile for one in self.known}
        rows = [
            (
                *pair, SCORED, "same", in_short(scored), told[pair], self._house.now(), self._run,
                shown_by(profiles[pair[0]], profiles[pair[1]]),
            )
            for pair, scored in sorted(wanted.items(), key=lambda one: one[0])
            if pair not in there
        ]  # fmt: skip
        self._database.insert(self._connection, "edge", SCORED_COLUMNS, rows)
        self._database.run_many(
            self._connection,
            'UPDATE edge SET score = ? WHERE "left" = ? AND "right" = ? AND source = ?',
            [(bits, *pair, SCORED) for pair, bits in told.items() if pair in there and there[pair] != bits],
        )

    def _ask(self, found: "Few") -> int:
        """Ask about what is doubtful, once for two entities; withdraw what has answered itself."""
        homes = self._homes_now()
        best: dict[Pair, tuple[str, Pair]] = {}
        for (one, other), scored in sorted(found.review.items()):
            left, right = self.known[one].record, self.known[other].record
            ends, bits = ordered(homes[left], homes[right]), bits_told(scored.bits)
            if ends[0] != ends[1] and (ends not in best or float(bits) > float(best[ends][0])):
                best[ends] = (bits, ordered(left, right))
        wanted = {pair: bits for bits, pair in best.values()}
        known = self._asked
        asked = {ordered(homes[left], homes[right]) for (left, right), (state, *_) in known.items() if state != "open"}
        were_two = {ordered(homes[left], homes[right]) for left, right in (*self._were_two, *self._asked_before)}
        rule = {pair: WERE_TWO if ends in were_two else SCORED for ends, (_, pair) in best.items()}
        gone = [
            pair
            for pair, (state, score, _) in known.items()
            if state == "open" and score is not None and pair not in wanted
        ]
        self._database.run_many(self._connection, 'DELETE FROM pair WHERE "left" = ? AND "right" = ?', gone)
        self._database.run_many(
            self._connection,
            'UPDATE pair SET score = ?, rule = ? WHERE "left" = ? AND "right" = ?',
            [
                (bits, rule[pair], *pair)
                for pair, bits in wanted.items()
                if pair in known and known[pair][1:] != (bits, rule[pair])
            ],
        )
        new = [
            (*pair, rule[pair], bits) for pair, bits in wanted.items()
            if pair not in known and ordered(homes[pair[0]], homes[pair[1]]) not in asked
        ]  # fmt: skip
        return self._matcher.entities.propose_scored(self._connection, new)


def too_large(groups: Iterable[Sequence[int]], model: "Model") -> dict[int, str]:
    """Groups of more records than are compared with one another, by their first."""
    return {group[0]: f"{len(group)} records are one" for group in groups if len(group) > model.limits["cluster"]}


class Held:
    """What is together, and apart, whatever is scored, by places of some records. Contains the pairs that are apart."""

    def __init__(
        self, matcher: Matcher, likeness: Likeness, connection: Connection, known: Sequence[Known], told: Told
    ) -> None:
        self._known, self._homes = known, told.homes
        self._place = {one.record: at for at, one in enumerate(known)}
        self._kept_pairs: set[Pair] = set()
        carried = matcher.deciding(connection, list(self._place))
        entities = {told.homes[record] for record in self._place}
        members = sorted(record for record, home in told.homes.items() if home in entities)
        live, gone, self._away, written = _states(matcher, likeness, connection, members, listed=self._place)
        self.written = {told.homes[record] for record in written if record in self._place}  # entities
        certain = certain_of(likeness.house, carried)
        self._members = [
            Member(one.record, one.birth, str(one.stream), one.record in live, certain.get(one.record, {}))
            for one in known
        ]
        some = {*self._place, *gone}
        never = {
            (left, right)
            for left, right, source, verdict, *_ in told.edges
            if source == "person" and verdict == "never" and left in some and right in some
        }
        edges = [
            *self._edges(matcher, told.edges, gone),
            *self._exactly_alike(matcher, connection, carried),
            *self._kept(known),
        ]
        groups = cluster([*self._members, *gone.values()], edges, apart=never).groups
        places = self._places(groups)
        self.beside: dict[int, int] = {}  # who is there of those that are one with somebody who is gone
        self.strays: dict[int, int] = {}  # those who are gone and one with nobody who is there, by their group
        for at, (group, there) in enumerate(zip(groups, places, strict=True)):
            away = [number for number in group if number in gone]
            if there:
                self.beside |= dict.fromkeys(away, known[there[0]].record)
            else:
                self.strays |= dict.fromkeys(away, at)
        self._said_never = never
        self._one_with = self._made_one(groups, [edge for edge in edges if edge.strength >= _DONE_THERE])
        self._never = _apart(groups, places, never)
        self.together = [ordered(group[0], other) for group in places for other in group[1:]]

    def __contains__(self, pair: object) -> bool:
        if not isinstance(pair, tuple):
            return False
        return pair in self._never or contradict(self._members[pair[0]], self._members[pair[1]])

    def _made_one(self, groups: Iterable[Sequence[int]], edges: Iterable[Edge]) -> dict[int, int]:
        """Entities that people and vendors have made one, by one that stands for them: written to, where one is."""
        group_of = {record: number for number, group in enumerate(groups) for record in group}
        one_with: dict[int, int] = {}
        for edge in edges:
            ends = {one_with.get(home, home) for home in (self._homes[edge.left], self._homes[edge.right])}
            if group_of[edge.left] != group_of[edge.right] or len(ends) < 2:
                continue
            first = min(ends, key=lambda home: (home not in self.written, home))
            one_with |= dict.fromkeys((*ends, *(home for home, to in one_with.items() if to in ends)), first)
        return one_with

    def home(self, record: int) -> int:
        return self._homes[record]

    def is_kept_apart(self, record: int, others: Iterable[int]) -> bool:
        """Does a person say that it is never the same as one of them?"""
        return any(ordered(record, other) in self._said_never for other in others)

    def one_with(self, home: int) -> int:
        """An entity that stands for all that people and vendors have made one with this."""
        return self._one_with.get(home, home)

    def _places(self, groups: Iterable[Sequence[int]]) -> list[list[int]]:
        return [[self._place[record] for record in group if record in self._place] for group in groups]

    def is_live(self, at: int) -> bool:
        return self._members[at].live

    def holds(self, pair: Pair) -> bool:
        """A pair of records that was joined, and stays so whatever they come to."""
        return pair in self._kept_pairs or self._homes[pair[0]] in self.written

    def _edges(self, matcher: Matcher, said: Iterable[Said], gone: Mapping[int, Member]) -> Iterable[Edge]:
        some = {*self._place, *gone}
        for left, right, source, verdict, _, shown in said:
            if verdict != "same" or source == CLAIM or left not in some or right not in some:
                continue
            if left in gone or right in gone:  # nobody can weigh it any more
                if source != SCORED or left in self._away or right in self._away:
                    yield Edge(left, right, _strength(source), by_person=True)
                continue
            if source == SCORED:
                if shown != shown_by(self._known[self._place[left]].profile, self._known[self._place[right]].profile):
                    self._kept_pairs.add((left, right))
                    yield Edge(left, right, _KEPT, by_person=True)
                continue
            kind, _, value = source.partition(":")
            if not value:
                yield Edge(left, right, _strength(source), by_person=True)
                continue
            rule = matcher.rule(int(kind)) if kind.isdigit() else None
            if rule is not None and rule.verdict == "same":
                yield Edge(left, right, -rule.strength)
            elif rule is not None and rule.verdict == "scored":  # joined by a rule that was in force before
                yield Edge(left, right, _KEPT, by_person=True)

    def _exactly_alike(
        self, matcher: Matcher, connection: Connection, carried: Mapping[int, Sequence[Ident]]
    ) -> Iterable[Edge]:
        """What a rule says of records of one entity: no edge tells of those that were one already by something else."""
        for _, _, rule, sharing in matcher.exactly_alike(connection, carried):
            for one, other in combinations(sharing, 2):
                if self._homes[one] == self._homes[other]:
                    yield Edge(one, other, -rule.strength)

    def _kept(self, known: Sequence[Known]) -> Iterable[Edge]:
        """What the hub has written to stays together."""
        first: dict[int, int] = {}
        for one in known:
            home = self._homes[one.record]
            if home in self.written and first.setdefault(home, one.record) != one.record:
                yield Edge(first[home], one.record, _KEPT, by_person=True)


def _strength(source: str) -> int:
    """Of an edge that holds whatever is scored."""
    if source == "person":
        return _SAID
    return _KEPT if source == SCORED or ":" in source else _DONE_THERE


def _apart(groups: Sequence[Sequence[int]], places: Sequence[Sequence[int]], never: Iterable[Pair]) -> set[Pair]:
    """Places that are never one: what people say of a record holds for all that it is together with, also once it is
    gone. `places`: what is there of each group."""
    group_of = {record: number for number, group in enumerate(groups) for record in group}
    ends = {(group_of[left], group_of[right]) for left, right in never if group_of[left] != group_of[right]}
    return {ordered(one, other) for left, right in ends for one in places[left] for other in places[right]}


def _states(
    matcher: Matcher, likeness: Likeness, connection: Connection, records: Sequence[int], *, listed: Container[int]
) -> tuple[set[int], dict[int, Member], set[int], set[int]]:
    """Of these records who is live, who is gone, which of those their vendor has merged into others, or are of a
    stream that is not listed any more: they are gone as far as weighing goes (answers are none of them); and to which
    the hub has written.

    Those who are gone still say who came to be one: by what a person or a rule said of them, and those last ones by
    their likeness.
    """
    house, select = likeness.house, likeness.house.database.select
    written = "EXISTS (SELECT 1 FROM journal j WHERE j.record = r.id)"
    rows = list(
        select(connection, f"SELECT r.id, r.stream, r.rkey, r.state, {written} FROM record r WHERE", "r.id", records)
    )
    away = [
        row for row in rows
        if (row[3] > ARCHIVED or row[0] not in listed) and matcher.entities.kind_of(connection, row[1]) not in JOINS
    ]  # fmt: skip
    streams = {row[1] for row in away}
    told = {
        number: (system, name)
        for number, system, name in select(
            connection, "SELECT id, connection, name FROM stream WHERE", "id", sorted(streams)
        )
    }
    gone: dict[int, Member] = {}
    for number, stream, rkey, *_ in away:
        birth = house.rules.births(*told[stream])(rkey)
        gone[number] = Member(number, birth, "/".join(told[stream]), live=False)
    live = {row[0] for row in rows if row[3] == LIVE}
    merged = {row[0] for row in away if row[3] == MERGED or row[3] <= ARCHIVED}
    return live, gone, merged, {row[0] for row in rows if row[4]}


def _beside(keys: Mapping[int, Sequence[int]], blocks: Mapping[int, Sequence[int]], limit: int) -> dict[int, set[int]]:
    """By record what shares a block with it, of blocks that are not too large to tell anything."""
    return {
        number: {
            other
            for value in values
            if len(blocks.get(value, ())) <= limit
            for other in blocks.get(value, ())
            if other != number
        }
        for number, values in keys.items()
    }
