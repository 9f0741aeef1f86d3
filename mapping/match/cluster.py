"""Edges into groups. The same edges give the same groups, in whatever order they come."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, field


class Forest:
    """Union-find in two arrays, 5 bytes a record: for a first load of hundreds of thousands."""

    __slots__ = ("_parent", "_rank")

    def __init__(self, size: int) -> None:
        self._parent = array("i", range(size))
        self._rank = bytearray(size)

    def __len__(self) -> int:
        return len(self._parent)

    def grow(self, size: int) -> None:
        """Room for more records, each alone."""
        start = len(self._parent)
        if size > start:
            self._parent.extend(range(start, size))
            self._rank.extend(bytes(size - start))

    def find(self, record: int) -> int:
        parent = self._parent
        while (up := parent[record]) != record:
            parent[record] = record = parent[up]
        return record

    def homes(self) -> "array[int]":
        """Of each record the smallest of its group. For the end: it is the forest's own array."""
        parent = self._parent
        for record in range(len(parent)):
            root = self.find(record)
            if root > record:  # the first of its group that is met
                parent[root] = root = record
            parent[record] = root
        return parent

    def join(self, left: int, right: int) -> bool:
        """Put two groups together; False where they were one already."""
        parent, rank = self._parent, self._rank
        while (up := parent[left]) != left:
            parent[left] = left = parent[up]
        while (up := parent[right]) != right:
            parent[right] = right = parent[up]
        if left == right:
            return False
        if rank[left] < rank[right]:
            left, right = right, left
        elif rank[left] == rank[right]:
            rank[left] += 1
        parent[right] = left
        return True

    def smallest(self, births: Sequence[str]) -> dict[int, str]:
        """The public id of each group, by its root."""
        found: dict[int, str] = {}
        for record, birth in enumerate(births):
            root = self.find(record)
            known = found.get(root)
            if known is None or birth < known:
                found[root] = birth
        return found


class Member(Struct, frozen=True):
    """A record that is to be grouped. `certain`: its certain identifiers, by kind."""

    record: int
    birth: str
    stream: str = ""
    live: bool = True
    certain: Mapping[str, frozenset[str]] = field(default_factory=dict)


class Edge(NamedTuple):
    """A decision that two records are the same. `strength` as in rules.strength; `order`: of the rule."""

    left: int
    right: int
    strength: int
    order: int = 0
    by_person: bool = False


class Partition(NamedTuple):
    groups: tuple[tuple[int, ...], ...]  # records by birth id, groups by the smallest birth id
    refused: tuple[Edge, ...]  # edges that a cannot-link kept from joining: for a person to see


def contradict(one: Member, other: Member) -> bool:
    """Two live records of one stream, told apart by different certain ids of one kind."""
    if one.stream != other.stream or not (one.live and other.live):
        return False
    return any(
        bool(values) and values.isdisjoint(other.certain[kind])
        for kind, values in one.certain.items()
        if other.certain.get(kind)
    )


def cluster(members: Sequence[Member], edges: Iterable[Edge], *, apart: Iterable[tuple[int, int]] = ()) -> Partition:
    """The groups of a small closure.

    A person's decisions first, then edges by strength, rule and birth ids; an edge that would bring together what
    is `apart` (by a person) or contradicts is refused. A person's "same" outweighs a contradiction of ids, not a
    person's "different".
    """
    by_record = {member.record: member for member in members}
    ordered = sorted(
        (edge for edge in edges if edge.left in by_record and edge.right in by_record),
        key=lambda edge: (
            not edge.by_person,
            -edge.strength,
            edge.order,
            *sorted((by_record[edge.left].birth, by_record[edge.right].birth)),
        ),
    )
    group: dict[int, int] = {record: record for record in by_record}
    inside: dict[int, list[Member]] = {member.record: [member] for member in members}
    never: dict[int, set[int]] = {record: set() for record in by_record}
    for left, right in apart:
        if left in never and right in never:
            never[left].add(right)
            never[right].add(left)
    refused: list[Edge] = []
    for edge in ordered:
        left, right = group[edge.left], group[edge.right]
        if left == right:
            continue
        ours, theirs = inside[left], inside[right]
        records = {member.record for member in theirs}
        if any(not never[member.record].isdisjoint(records) for member in ours) or (
            not edge.by_person and any(contradict(one, other) for one in ours for other in theirs)
        ):
            refused.append(edge)
            continue
        if len(ours) < len(theirs):
            left, right, ours, theirs = right, left, theirs, ours
        ours += theirs
        for member in theirs:
            group[member.record] = left
        del inside[right]
    groups = [sorted(found, key=lambda member: member.birth) for found in inside.values()]
    groups.sort(key=lambda found: found[0].birth)
    return Partition(tuple(tuple(member.record for member in found) for found in groups), tuple(refused))


def contradictions(forest: Forest, members: Iterable[Member]) -> set[int]:
    """Roots of the groups of a bulk load that join what must stay apart: to be done again by `cluster`.

    `members` need only be the records that carry certain ids; joining is order-free wherever nothing contradicts.
    """
    seen: dict[tuple[int, str], list[Member]] = {}
    found: set[int] = set()
    for member in members:
        root = forest.find(member.record)
        beside = seen.setdefault((root, member.stream), [])
        if root not in found and any(contradict(member, other) for other in beside):
            found.add(root)
        beside.append(member)
    return found
