"""Scored matching of a few records: a changed one with all that may be the same, or a store that is small.

What `mapping.match.batch` does over arrays, record by record and with frequencies that are given; the same records
come to the same groups.
"""

from collections import defaultdict
from collections.abc import Collection, Container, Hashable, Iterable, Mapping, Sequence

from msgspec import Struct

from mapping.match.cluster import Forest
from mapping.match.groups import CERTAIN, Alarm, Edge, Pair, held_together, inside
from mapping.match.profile import Profile
from mapping.match.score import Scored, Scorer


class Few(Struct):
    """`groups`: places, the smallest first. `joined` and `review`: pairs that are the same, and those to ask about."""

    groups: list[list[int]]
    joined: dict[Pair, Scored]
    review: dict[Pair, Scored]
    alarmed: list[Alarm]


def resolve(
    scorer: Scorer,
    profiles: Sequence[Profile],
    systems: Sequence[Hashable],
    pairs: Iterable[Pair],
    *,
    together: Collection[Pair] = (),
    apart: Container[Pair] = frozenset(),
) -> Few:
    """Who is who. `profiles` in an order that the order of arrival has no part in; `pairs`: what is worth a comparison.

    Two records of one system are kept apart by it.
    """

    def scored(one: int, other: int) -> Scored:
        return scorer.score(profiles[one], profiles[other], same_system=systems[one] == systems[other])

    told = {pair: scored(*pair) for pair in sorted(set(pairs))}
    joining = {pair: one for pair, one in told.items() if one.outcome == "same" and not one.conflict}
    certain = set(together)
    edges: list[Edge] = [(*pair, one.bits) for pair, one in joining.items() if pair not in certain]
    edges += [(*pair, CERTAIN) for pair in sorted(certain)]

    def weighed(missing: Sequence[Pair]) -> Mapping[Pair, float]:
        found = {}
        for pair in missing:
            one = told.get(pair) or scored(*pair)
            found[pair] = inside(one.bits, conflict=bool(one.conflict), prior=scorer.prior)
        return found

    found = held_together(
        _components(len(profiles), edges),
        weighed,
        same=scorer.model.same,
        limits=scorer.model.limits,
        apart=apart,
        rivals=scorer.model.rivals,
    )
    groups: dict[int, list[int]] = defaultdict(list)
    for place in range(len(profiles)):
        groups[found.of.get(place, place)].append(place)
    home = {place: first for first, group in groups.items() for place in group}
    return Few(
        list(groups.values()),
        {pair: one for pair, one in joining.items() if home[pair[0]] == home[pair[1]]},
        {pair: one for pair, one in told.items() if one.outcome != "different" and home[pair[0]] != home[pair[1]]},
        found.alarmed,
    )


def _components(size: int, edges: Sequence[Edge]) -> list[list[Edge]]:
    forest = Forest(size)
    for one, other, _ in edges:
        forest.join(one, other)
    components: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        components[forest.find(edge[0])].append(edge)
    return list(components.values())


def meeting(keys: Sequence[Iterable[Hashable]], limit: int) -> set[Pair]:
    """Pairs of places that share a key which no more than `limit` have. `keys`: by place."""
    blocks: dict[Hashable, list[int]] = defaultdict(list)
    for place, some in enumerate(keys):
        for key in some:
            blocks[key].append(place)
    return {
        (one, other)
        for places in blocks.values()
        if 1 < len(places) <= limit
        for at, one in enumerate(places)
        for other in places[at + 1 :]
    }
