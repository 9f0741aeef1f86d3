"""Match a whole store anew: who would be one if all of it were loaded today.

A store grows by arrivals, and each is decided by what was known then: how common a name is, from how many bits on two
are one. Here all records of a kind are weighed again at once, and entities are parted and joined until they are the
groups that a first load of the same records gives. Rules, people and vendors come first, as ever, and what was edited
or written to since it was joined stays together (`scored.Held`).

It is asked for by a mark in the store, which goes when all is done: whoever settles next goes on with what was
interrupted. Where it stood need not be known for that, since what is as it should be is left alone.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct, field

from crosswalk.engine.bulk import CertainIds, nobody_yet, zeros
from crosswalk.engine.bulkscored import Everybody, everybody, learn, resolve_all, within_limits
from crosswalk.engine.entities import SCORED, WERE_TWO, Matched
from crosswalk.engine.identify import Matcher
from crosswalk.engine.likeness import Known, Likeness, bits_told, likeness_of, scored_kinds
from crosswalk.engine.model import House
from crosswalk.engine.scored import Held, Regrouping, told_of
from crosswalk.store import meta
from crosswalk.store.dialect import batches
from crosswalk.store.leases import fence
from mapping.match.cluster import Forest
from mapping.match.groups import Pair, ordered
from scheduler.leases import Lease

if TYPE_CHECKING:
    from mapping.match.profile import Profile
    from mapping.match.score import Scorer

_AT_ONCE: Final = 300  # records whose entities are made anew in one transaction
_HELD_AT_ONCE: Final = 1000
_MARK: Final = "anew"
Connection = Any
Numbers: TypeAlias = "array[int]"
Merge: TypeAlias = Callable[[Connection, Matched], None]


# -- to be done -------------------------------------------------------------------------------------------------


def ask_for(house: House, connection: Connection, kind: str) -> None:
    """Have a kind matched anew by whoever settles next."""
    meta.put(house.database, connection, f"{_MARK}:{kind}", b"1")


def withdraw(house: House, connection: Connection, kind: str) -> None:
    meta.drop(house.database, connection, f"{_MARK}:{kind}")


def asked_for(house: House) -> list[str]:
    return [kind for kind in scored_kinds(house) if meta.get(house.database, f"{_MARK}:{kind}") is not None]


def count_anew(house: House, lease: Lease) -> None:
    """Count the kinds of which the store holds many more than were counted (`Likeness.has_grown`), and ask for them.

    Before arrivals are decided, so that they are decided by the new count; what was decided by the old one follows.
    """
    for kind in scored_kinds(house):
        likeness = likeness_of(house, kind)
        if not likeness.has_grown():
            continue
        with house.database.write() as connection:
            fence(house.database, connection, lease)
            ask_for(house, connection, kind)
        told = everybody(likeness)
        learn(likeness, told, resolve_all(likeness, within_limits(told.table, likeness)))


# -- what would be one -----------------------------------------------------------------------------------------


class Weighed(Struct):
    """All records of a kind that are in an entity, by place in the order of their birth ids."""

    records: Numbers
    streams: Sequence[int]
    homes: Numbers  # their entities now
    groups: Sequence[int]  # by place one that stands for its group
    joined: Sequence[Pair]
    review: Mapping[Pair, float]  # with the bits
    scorer: "Scorer"
    profile: Callable[[int], "Profile"]
    alarms: Mapping[int, str] = field(default_factory=dict)  # by record
    keep: Callable[[], None] = lambda: None  # put what was counted in place of what is known

    def differing(self) -> list[list[int]]:
        """Places that hang together by an entity or a group, where the entities are not the groups."""
        groups_of: dict[int, set[int]] = defaultdict(set)
        homes_of: dict[int, set[int]] = defaultdict(set)
        for home, group in zip(self.homes, self.groups, strict=True):
            groups_of[home].add(group)
            homes_of[group].add(home)
        places = [
            at
            for at, (home, group) in enumerate(zip(self.homes, self.groups, strict=True))
            if len(groups_of[home]) > 1 or len(homes_of[group]) > 1
        ]
        forest = Forest(len(places))
        first: dict[tuple[bool, int], int] = {}
        for number, at in enumerate(places):
            for told in ((True, self.homes[at]), (False, self.groups[at])):
                forest.join(first.setdefault(told, number), number)
        found: dict[int, list[int]] = defaultdict(list)
        for number, at in enumerate(places):
            found[forest.find(number)].append(at)
        return list(found.values())


class Would(Struct):
    """What matching a kind anew would change."""

    kind: str
    records: int = 0
    entities: int = 0
    join: int = 0  # entities that go on as another
    part: int = 0  # entities that are put apart
    ask: int = 0  # pairs that nobody has been asked about

    def json(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "records": self.records, "entities": self.entities, "join": self.join,
            "part": self.part, "ask": self.ask,
        }  # fmt: skip


def would(house: House, kind: str) -> Would:
    """Look and change nothing."""
    matcher = Matcher(house, run=0)
    likeness = likeness_of(house, kind)
    found = weigh(likeness, matcher)
    told = Would(kind, len(found.records), len(set(found.homes)))
    for component in found.differing():
        homes: dict[int, set[int]] = defaultdict(set)
        groups: dict[int, set[int]] = defaultdict(set)
        for at in component:
            homes[found.groups[at]].add(found.homes[at])
            groups[found.homes[at]].add(found.groups[at])
        told.join += sum(len(some) - 1 for some in homes.values())
        told.part += sum(len(some) > 1 for some in groups.values())
    told.ask = len(_Asking(likeness, found, found.groups.__getitem__).new)
    return told


def weigh(likeness: Likeness, matcher: Matcher) -> Weighed:
    """A store that is small is looked at as each time; another by arrays, as a first load."""
    with likeness.house.database.read() as connection:
        few = likeness.small(connection)
        if few is not None:
            return _weigh_few(likeness, matcher, connection, few)
    return _weigh_all(likeness, matcher)


def _weigh_few(likeness: Likeness, matcher: Matcher, connection: Connection, few: Sequence[int]) -> Weighed:
    from mapping.match.few import meeting, resolve

    homes = matcher.entities.homes(connection, few)
    known = likeness.known(connection, list(homes))
    scorer, profiles = likeness.weighing_all(known)
    held = Held(matcher, likeness, connection, known, told_of(likeness.house.database, connection, list(homes)))
    streams = [one.stream for one in known]
    pairs = meeting([scorer.keys(profile) for profile in profiles], scorer.model.limits["block"])
    found = resolve(scorer, profiles, streams, pairs, together=held.together, apart=held)
    group_of = {at: group[0] for group in found.groups for at in group}
    return Weighed(
        array("q", (one.record for one in known)),
        streams,
        array("q", (homes[one.record] for one in known)),
        [group_of[at] for at in range(len(known))],
        list(found.joined),
        {pair: scored.bits for pair, scored in found.review.items()},
        scorer,
        profiles.__getitem__,
        {known[at].record: words for at, words in found.alarmed},
    )


def _weigh_all(likeness: Likeness, matcher: Matcher) -> Weighed:
    from mapping.match.score import Scorer

    home_of = _homes(likeness)
    all_of = everybody(likeness, only=lambda record: record < len(home_of) and home_of[record] > 0)
    homes = array("q", (home_of[record] for record in all_of.records))
    table = within_limits(all_of.table, likeness)
    found = resolve_all(
        likeness,
        table,
        together=_together(likeness, matcher, all_of, homes),
        apart=_Apart(likeness, all_of.records),
    )
    pairs = zip(found.review.left.tolist(), found.review.right.tolist(), found.review.bits.tolist(), strict=True)
    return Weighed(
        all_of.records,
        all_of.streams,
        homes,
        found.group.tolist(),
        list(zip(found.joined.left.tolist(), found.joined.right.tolist(), strict=True)),
        {(one, other): bits for one, other, bits in pairs},
        Scorer(found.model, found.frequencies),
        table.profile,
        {all_of.records[at]: words for at, words in found.alarmed},
        lambda: learn(likeness, all_of, found),
    )


def _homes(likeness: Likeness) -> Numbers:
    """By record its entity; 0: it has none, or is of another kind."""
    database = likeness.house.database
    with database.read() as connection:
        last = database.run(connection, "SELECT max(record) FROM member").scalar() or 0
        homes = zeros("q", last + 1)
        for record, entity in database.stream(connection, "SELECT record, entity FROM member"):
            homes[record] = entity
    return homes


def _together(likeness: Likeness, matcher: Matcher, all_of: Everybody, homes: Numbers) -> list[Pair]:
    """Pairs of places that something else than their likeness holds together. Each within an entity."""
    found: list[Pair] = []
    database = likeness.house.database
    for places in _of_several(homes):
        known = [
            Known(all_of.records[at], all_of.streams[at], all_of.table.keys[at], all_of.table.profile(at))
            for at in places
        ]
        with database.read() as connection:
            told = told_of(database, connection, [all_of.records[at] for at in places])
            held = Held(matcher, likeness, connection, known, told)
        found += [ordered(places[one], places[other]) for one, other in held.together]
    return found


def _of_several(homes: Numbers) -> Iterator[list[int]]:
    """Places of entities of more than one record, some entities at a time, each whole; in order."""
    order = sorted(range(len(homes)), key=homes.__getitem__)
    some: list[int] = []
    start = 0
    for end in range(1, len(order) + 1):
        if end < len(order) and homes[order[end]] == homes[order[start]]:
            continue
        if end - start > 1:
            some += order[start:end]
        start = end
        if len(some) >= _HELD_AT_ONCE:
            yield sorted(some)
            some = []
    if some:
        yield sorted(some)


class _Apart:
    """Contains the pairs of places that a person, or a certain id, keeps apart."""

    def __init__(self, likeness: Likeness, records: Numbers) -> None:
        database = likeness.house.database
        self._records = records
        with database.read() as connection:
            rows = database.select_all(
                connection, "SELECT \"left\", \"right\" FROM edge WHERE source = 'person' AND verdict = 'never'"
            )
        self._never = {(row[0], row[1]) for row in rows}
        self._certain = _certain_ids(likeness) if likeness.house.rules.certain() else None

    def __contains__(self, pair: object) -> bool:
        if not isinstance(pair, tuple):
            return False
        one, other = self._records[pair[0]], self._records[pair[1]]
        return ordered(one, other) in self._never or (self._certain is not None and self._certain.differ(one, other))


def _certain_ids(likeness: Likeness) -> CertainIds:
    database = likeness.house.database
    with database.read() as connection:
        streams, states = nobody_yet(database, connection)
        for number, stream, state in database.stream(connection, "SELECT id, stream, state FROM record"):
            streams[number], states[number] = stream, state
    return CertainIds(likeness.house, streams, states)


# -- making it so ----------------------------------------------------------------------------------------------


class Became(Struct):
    joined: int = 0
    parted: int = 0
    pairs: int = 0
    alarms: dict[int, str] = field(default_factory=dict)


def resolve_asked_for(house: House, lease: Lease, matcher: Matcher, merge: Merge, *, run: int) -> Became:
    """Match anew the kinds that are asked for. `merge`: what is done with entities whose records have changed."""
    became = Became()
    for kind in asked_for(house):
        house.progress.stage("resolve")
        likeness = likeness_of(house, kind)
        found = weigh(likeness, matcher)
        with house.database.write() as connection:
            fence(house.database, connection, lease)
        found.keep()
        making = _Making(likeness, matcher, found, run=run)
        for some in _packed(found.differing()):
            with house.database.write() as connection:
                fence(house.database, connection, lease)
                matched = making.put(connection, some)
                merge(connection, matched)
            became.joined += matched.joined
            became.alarms |= matched.alarms
            became.parted += matched.parted
            house.progress.advance("resolve", changed=sum(len(component) for component in some))
        became.pairs += making.ask(lease)
        became.alarms |= found.alarms
        with house.database.write() as connection:
            fence(house.database, connection, lease)
            withdraw(house, connection, kind)
    return became


def _packed(components: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    some: list[list[int]] = []
    for component in components:
        some.append(component)
        if sum(len(one) for one in some) >= _AT_ONCE:
            yield some
            some = []
    if some:
        yield some


class _Making:
    """Entities on their way to be the groups that were found."""

    def __init__(self, likeness: Likeness, matcher: Matcher, found: Weighed, *, run: int) -> None:
        self._likeness, self._matcher, self._found, self._run = likeness, matcher, found, run
        self._database = likeness.house.database
        differing = {at for component in found.differing() for at in component}
        self._joined: dict[int, list[int]] = defaultdict(list)  # by place, only where something is to be made
        for one, other in found.joined:
            if one in differing:
                self._joined[one].append(other)

    def put(self, connection: Connection, components: Sequence[Sequence[int]]) -> Matched:
        """What is no longer as it was when it was weighed is left: what changed is settled by itself."""
        found, matched = self._found, Matched()
        wanted = sorted(at for component in components for at in component)
        self._database.hold(connection, "record", sorted(found.records[at] for at in wanted))
        records = [found.records[at] for at in wanted]
        known = {one.record: one for one in self._likeness.known(connection, records)}
        homes = self._matcher.entities.homes(connection, records)
        still = {at for at in wanted if found.records[at] in known and homes.get(found.records[at]) == found.homes[at]}
        places = sorted(at for component in components if still.issuperset(component) for at in component)
        if not places:
            return matched
        regrouping = Regrouping(
            self._matcher, self._likeness, connection, [known[found.records[at]] for at in places],
            [found.profile(at) for at in places], told_of(self._database, connection, records), (),
            run=self._run,
        )  # fmt: skip
        regrouping.become(self._few(places), matched)
        return matched

    def _few(self, places: Sequence[int]) -> Any:
        from mapping.match.few import Few

        found = self._found
        number = {at: n for n, at in enumerate(places)}
        groups: dict[int, list[int]] = defaultdict(list)
        for at in places:
            groups[found.groups[at]].append(number[at])
        joined = {
            (number[one], number[other]): found.scorer.score(
                found.profile(one), found.profile(other), same_system=found.streams[one] == found.streams[other]
            )
            for one in places
            for other in self._joined.get(one, ())
        }
        return Few(list(groups.values()), joined, {}, [])

    def ask(self, lease: Lease) -> int:
        """Ask about what is doubtful as a first load would, and withdraw what has answered itself; how many are new."""
        home_of = _homes(self._likeness)
        asking = _Asking(self._likeness, self._found, lambda at: home_of[self._found.records[at]])
        database, count = self._database, 0
        for some in batches(asking.gone):
            with database.write() as connection:
                fence(database, connection, lease)
                database.run_many(connection, 'DELETE FROM pair WHERE "left" = ? AND "right" = ?', some)
        for moved in batches(asking.moved):
            with database.write() as connection:
                fence(database, connection, lease)
                database.run_many(connection, 'UPDATE pair SET score = ? WHERE "left" = ? AND "right" = ?', moved)
        for new in batches(asking.new):
            with database.write() as connection:
                fence(database, connection, lease)
                count += self._matcher.entities.propose_scored(connection, new)
        return count


_LAST: Final[tuple[float, Pair]] = (inf, (0, 0))


class _Asking:
    """Pairs of records to ask about, once for two entities, the likeliest; and what there is of them."""

    def __init__(self, likeness: Likeness, found: Weighed, home: Callable[[int], int]) -> None:
        best: dict[Pair, tuple[float, Pair]] = {}  # by two entities: bits, negative, and places; so no arrival decides
        for one, other in (*found.review, *found.joined):
            ends = ordered(home(one), home(other))
            if ends[0] != ends[1]:
                bits = found.review.get((one, other))
                told = bits_told(_bits(found, one, other) if bits is None else bits)
                best[ends] = min(best.get(ends, _LAST), (-float(told), (one, other)))
        wanted = {
            ordered(found.records[one], found.records[other]): bits_told(-bits) for bits, (one, other) in best.values()
        }
        place = {record: at for at, record in enumerate(found.records)}
        known = _pairs_of(likeness, place)
        open_ones = {pair: score for pair, (state, score, _) in known.items() if state == "open" and score is not None}

        def ends_of(pair: Pair) -> Pair:
            return ordered(home(place[pair[0]]), home(place[pair[1]]))

        decided = {ends_of(pair) for pair, (state, *_) in known.items() if state != "open"}
        rules = {ends_of(pair): rule for pair, (*_, rule) in known.items() if rule == WERE_TWO and pair in open_ones}
        self.gone = [pair for pair in open_ones if pair not in wanted]
        self.moved = [(bits, *pair) for pair, bits in wanted.items() if pair in open_ones and open_ones[pair] != bits]
        self.new = [
            (*pair, rules.get(ends_of(pair), SCORED), bits)
            for pair, bits in sorted(wanted.items())
            if pair not in known and ends_of(pair) not in decided
        ]


def _pairs_of(likeness: Likeness, records: Collection[int]) -> dict[Pair, tuple[str, str | None, str]]:
    """Pairs of these records that there are: state, bits and rule."""
    database = likeness.house.database
    with database.read() as connection:
        rows = database.stream(connection, 'SELECT "left", "right", state, score, rule FROM pair')
        return {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows if row[0] in records and row[1] in records}


def _bits(found: Weighed, one: int, other: int) -> float:
    same_system = found.streams[one] == found.streams[other]
    return found.scorer.score(found.profile(one), found.profile(other), same_system=same_system).bits
