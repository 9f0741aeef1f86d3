"""Pairs into groups that hold together as groups: a weak pair does not weld two that are strong by themselves.

Two groups become one where their records fit one another on the average, not where one pair of them does. What is
certain comes first: pairs that count `CERTAIN` are together whatever else is said, and pairs that are `apart` never
are. (No pair is both, through whatever chain: whoever asks sees to that.)
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from math import inf
from typing import Final, TypeAlias

from msgspec import Struct, field

Pair: TypeAlias = tuple[int, int]  # two records, the smaller first
Edge: TypeAlias = tuple[int, int, float]  # two records, the smaller first, and the bits that speak for their being one
Alarm: TypeAlias = tuple[int, str]  # a record of a group, and what looks wrong about that
Weigh: TypeAlias = Callable[[Sequence[Pair]], Mapping[Pair, float]]

CERTAIN: Final = inf  # bits of a pair that something else than its likeness has decided

# A pair counts no more than this in an average, either way: neither the rarest of names nor one wrong field decides
# for all the others.
_MOST: Final = 14.0
_LEAST: Final = -6.0
_STEP: Final = 2.0
_WELDED: Final = 2.0  # bits over the threshold that it takes to join two groups of several records each
_AS_WELL: Final = 2.0  # bits within which a record fits two groups alike
_KEPT_APART: Final = -99.0


class Groups(Struct):
    """`of`: of a record that is not the smallest of its group, that smallest."""

    of: dict[int, int] = field(default_factory=dict)
    alarmed: list[Alarm] = field(default_factory=list)

    @property
    def alarms(self) -> list[str]:
        return [words for _, words in self.alarmed]


def inside(bits: float, *, conflict: bool, prior: float) -> float:
    """What a pair counts in a group that other pairs made. `prior`: as in `score.Weigher`.

    Records of one person that share nothing, since each has something else, do not speak against each other.
    """
    if conflict:
        return _KEPT_APART
    return bits if bits >= 0 else min(bits + prior, 0.0)


def held_together(
    components: Iterable[Sequence[Edge]],
    weigh: Weigh,
    *,
    same: float,
    limits: Mapping[str, int],
    apart: Container[Pair] = frozenset(),
    rivals: bool = False,
) -> Groups:
    """`components`: the pairs that are the same, each list joined in itself. `weigh` scores pairs that were not met.

    `rivals`: records in conflict are two, so one that fits both of them about as well is joined to neither.
    """
    groups = Groups()
    larger: list[tuple[list[int], dict[Pair, float]]] = []
    for edges in components:
        if len(edges) == 1:
            one, other, _ = edges[0]
            if (one, other) not in apart:
                groups.of[other] = one
            continue
        for part in _small_enough(edges, limits["cluster"], same, groups):
            larger.append((sorted({record for edge in part for record in edge[:2]}), {e[:2]: e[2] for e in part}))
    missing = [
        (one, other)
        for records, known in larger
        for at, one in enumerate(records)
        for other in records[at + 1 :]
        if (one, other) not in known
    ]
    told = weigh(missing)
    for records, known in larger:
        for group in _agglomerated(records, known, told, same, apart, rivals=rivals):
            groups.of.update(dict.fromkeys(group[1:], group[0]))
            _look(group, known, groups, limits["diameter"])
    return groups


def _small_enough(edges: Sequence[Edge], limit: int, same: float, groups: Groups) -> list[Sequence[Edge]]:
    """Parts of a component that can be looked at whole: the weakest pairs go until they are."""
    waiting: list[tuple[Sequence[Edge], float]] = [(edges, same)]
    done: list[Sequence[Edge]] = []
    while waiting:
        part, bar = waiting.pop()
        records = {record for edge in part for record in edge[:2]}
        weakest = min(edge[2] for edge in part)
        if len(records) <= limit or weakest == CERTAIN:
            done.append(part)
            continue
        bar = max(bar, weakest) + _STEP
        groups.alarmed.append((min(records), f"{len(records)} records hang together; taken apart at {bar:.0f} bits"))
        waiting += [(one, bar) for one in _components([edge for edge in part if edge[2] >= bar])]
    return done


def _components(edges: Sequence[Edge]) -> list[list[Edge]]:
    above: dict[int, int] = {}

    def top(record: int) -> int:
        while (up := above.setdefault(record, record)) != record:
            above[record] = record = above[up]
        return record

    for one, other, _ in edges:
        left, right = top(one), top(other)
        if left != right:
            above[max(left, right)] = min(left, right)
    found: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[top(edge[0])].append(edge)
    return list(found.values())


def _agglomerated(
    records: Sequence[int],
    known: Mapping[Pair, float],
    told: Mapping[Pair, float],
    same: float,
    apart: Container[Pair],
    *,
    rivals: bool,
) -> list[list[int]]:
    """The best average first; equal ones by their records."""
    groups = _certain(records, known)
    least = -_MOST if rivals else _LEAST
    sums: dict[Pair, float] = {}
    whole: dict[Pair, float] = {}  # the same, whatever a pair counts
    votes: dict[Pair, int] = {}  # pairs that say that both are one
    never: set[Pair] = set()
    conflicts: set[Pair] = set()
    for at, ours in enumerate(groups):
        for to in range(at + 1, len(groups)):
            pairs = [ordered(one, other) for one in ours for other in groups[to]]
            bits = [known[pair] if pair in known else told[pair] for pair in pairs]
            sums[at, to] = sum(max(least if one == _KEPT_APART else _LEAST, min(_MOST, one)) for one in bits)
            whole[at, to] = sum(bits)
            votes[at, to] = sum(one >= same for one in bits)
            if any(pair in apart for pair in pairs):
                never.add((at, to))
            if rivals and _KEPT_APART in bits:
                conflicts.add((at, to))
    alive = list(range(len(groups)))
    while len(alive) > 1:
        best, pair = 0.0, None
        for place, at in enumerate(alive):
            for to in alive[place + 1 :]:
                if (at, to) in never:
                    continue
                size = len(groups[at]) * len(groups[to])
                average = sums[at, to] / size
                if min(len(groups[at]), len(groups[to])) > 1:
                    bar = same + _WELDED
                else:
                    # Where most pairs speak for it, what speaks against a few of them weighs less.
                    bar = 0.0 if votes[at, to] * 2 > size else same
                if average >= bar and (pair is None or average > best):
                    best, pair = average, (at, to)
        if pair is None:
            break
        at, to = pair

        def fits(one: int, other: int) -> float:
            return whole[ordered(one, other)] / (len(groups[one]) * len(groups[other]))

        # Somebody else than `other` whom `one` fits as well.
        if doubtful := [
            ordered(one, third)
            for one, other in ((at, to), (to, at))
            for third in alive
            if third != one and ordered(other, third) in conflicts and fits(one, third) > fits(at, to) - _AS_WELL
        ]:
            never.update([pair, *doubtful])
            continue
        groups[at] += groups[to]
        alive.remove(to)
        for other in alive:
            if other != at:
                sums[ordered(at, other)] += sums[ordered(to, other)]
                whole[ordered(at, other)] += whole[ordered(to, other)]
                votes[ordered(at, other)] += votes[ordered(to, other)]
                for some in (never, conflicts):
                    if ordered(to, other) in some:
                        some.add(ordered(at, other))
    return [sorted(groups[at]) for at in alive]


def _certain(records: Sequence[int], known: Mapping[Pair, float]) -> list[list[int]]:
    """What is together whatever else is said, in the order of their first records."""
    together = {record: [record] for record in records}
    for (one, other), bits in known.items():
        if bits == CERTAIN and together[one] is not together[other]:
            joined = together[one] + together[other]
            together.update(dict.fromkeys(joined, joined))
    groups = {id(group): group for group in together.values()}
    return sorted((sorted(group) for group in groups.values()), key=lambda group: group[0])


def ordered(one: int, other: int) -> Pair:
    """The smaller first."""
    return (one, other) if one < other else (other, one)


def _look(group: Sequence[int], known: Mapping[Pair, float], groups: Groups, limit: int) -> None:
    """Tell of a group that is long: records of it that only others hold together."""
    if len(group) <= limit + 1:
        return
    beside: dict[int, list[int]] = defaultdict(list)
    members = set(group)
    for one, other in known:
        if one in members and other in members:
            beside[one].append(other)
            beside[other].append(one)
    seen, edge, steps = {group[0]}, [group[0]], 0
    while edge:
        edge = [other for one in edge for other in beside[one] if other not in seen and not seen.add(other)]  # type: ignore[func-returns-value] # marks as it filters
        steps += bool(edge)
    if steps > limit:
        groups.alarmed.append((group[0], f"a group of {len(group)} records is {steps} steps long"))
