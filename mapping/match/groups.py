"""Pairs into groups that hold together as groups: a weak pair does not weld two that are strong by themselves.

Two groups become one where their records fit one another on the average, not where one pair of them does.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Edge: TypeAlias = tuple[int, int, float]  # two records, the smaller first, and the bits that speak for their being one
Weigh: TypeAlias = Callable[[Sequence[tuple[int, int]]], Mapping[tuple[int, int], float]]

# A pair counts no more than this in an average, either way: neither the rarest of names nor one wrong field decides
# for all the others.
_MOST: Final = 14.0
_LEAST: Final = -6.0
_STEP: Final = 2.0


@dataclass(slots=True)
class Groups:
    """`of`: by record the smallest record of its group."""

    of: NDArray[np.int32]
    alarms: list[str] = field(default_factory=list)


def held_together(
    size: int, components: Iterable[Sequence[Edge]], weigh: Weigh, *, same: float, limits: Mapping[str, int]
) -> Groups:
    """`components`: the pairs that are the same, each list joined in itself. `weigh` scores pairs that were not met."""
    groups = Groups(np.arange(size, dtype=np.int32))
    larger: list[tuple[list[int], dict[tuple[int, int], float]]] = []
    for edges in components:
        if len(edges) == 1:
            one, other, _ = edges[0]
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
        for group in _agglomerated(records, known, told, same):
            groups.of[group] = group[0]
            _look(group, known, groups, limits["diameter"])
    return groups


def _small_enough(edges: Sequence[Edge], limit: int, same: float, groups: Groups) -> list[Sequence[Edge]]:
    """Parts of a component that can be looked at whole: the weakest pairs go until they are."""
    waiting: list[tuple[Sequence[Edge], float]] = [(edges, same)]
    done: list[Sequence[Edge]] = []
    while waiting:
        part, bar = waiting.pop()
        records = {record for edge in part for record in edge[:2]}
        if len(records) <= limit:
            done.append(part)
            continue
        bar = max(bar, min(edge[2] for edge in part)) + _STEP
        groups.alarms.append(f"{len(records)} records hang together; taken apart at {bar:.0f} bits")
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
    records: Sequence[int], known: Mapping[tuple[int, int], float], told: Mapping[tuple[int, int], float], same: float
) -> list[list[int]]:
    """The best average first; equal ones by their records."""
    groups = [[record] for record in records]
    sums: dict[tuple[int, int], float] = {}
    votes: dict[tuple[int, int], int] = {}  # pairs that say that both are one
    for at, one in enumerate(records):
        for to in range(at + 1, len(records)):
            bits = _bits(one, records[to], known, told)
            sums[at, to] = max(_LEAST, min(_MOST, bits))
            votes[at, to] = int(bits >= same)
    alive = list(range(len(records)))
    while len(alive) > 1:
        best, pair = 0.0, None
        for place, at in enumerate(alive):
            for to in alive[place + 1 :]:
                pairs = len(groups[at]) * len(groups[to])
                average = sums[at, to] / pairs
                # Where most pairs speak for it, what speaks against a few of them weighs less.
                bar = 0.0 if votes[at, to] * 2 > pairs else same
                if average >= bar and (pair is None or average > best):
                    best, pair = average, (at, to)
        if pair is None:
            break
        at, to = pair
        groups[at] += groups[to]
        alive.remove(to)
        for other in alive:
            if other != at:
                sums[_ordered(at, other)] += sums[_ordered(to, other)]
                votes[_ordered(at, other)] += votes[_ordered(to, other)]
    return [sorted(groups[at]) for at in alive]


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _bits(one: int, other: int, known: Mapping[tuple[int, int], float], told: Mapping[tuple[int, int], float]) -> float:
    found = known.get((one, other))
    return told[one, other] if found is None else found


def _look(group: Sequence[int], known: Mapping[tuple[int, int], float], groups: Groups, limit: int) -> None:
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
        groups.alarms.append(f"a group of {len(group)} records is {steps} steps long")
