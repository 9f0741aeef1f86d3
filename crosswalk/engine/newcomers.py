"""The merge of a first load: every entity for the first time, in the order of its first record.

What the match found is still in memory (`Found`), so nothing is looked up by entity: bodies are read by ranges of
records, which no index has to find one by one. On PostgreSQL that matters most, since of tables that have just been
filled it knows nothing and read them whole for each batch (30 µs a record on the server, now 10).

Most entities are one record, which shows by itself what golden holds: nothing is noted of it but golden (see
`alone`). The others are merged as ever.
"""

from collections.abc import Container, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from crosswalk.engine.alone import LoneRows
from crosswalk.engine.bulk import NO_RECORD, Found
from crosswalk.engine.derive import associate, works_at
from crosswalk.engine.matching import JOINS
from crosswalk.engine.model import House
from crosswalk.engine.references import References
from crosswalk.engine.settle import ORDER, Group, Settled, assembled, merge_kind
from crosswalk.store.goldens import GoldenWrites, lone_lineage
from crosswalk.store.leases import fence
from crosswalk.store.records import ARCHIVED, CREATE, add_work
from mapping.values import Value
from scheduler.leases import Lease

_BATCH: Final = 2000  # entities a transaction
_ALONE, _FIRST, _LATER = range(3)  # among the records of its entity
_GAP: Final = 100  # numbers between two records that are read in one go all the same


def merge_newcomers(house: House, lease: Lease, found: Found, settled: Settled, *, run: int) -> None:
    """Merge every entity, those first that others refer to."""
    house.database.rest()
    groups = _Groups(house, found)
    for kind in groups.kinds():
        newcomers = _Newcomers(house, kind, found, groups, run=run)
        for numbers in groups.batches(kind):
            with house.database.write() as connection:
                fence(house.database, connection, lease)
                merged = newcomers.merge(connection, numbers, settled)
            settled.entities += merged
            house.progress.advance("settle", changed=merged)


class _Groups:
    """Which records are one entity, by number: a byte each, and the array of their homes, which becomes the chain."""

    def __init__(self, house: House, found: Found) -> None:
        self._kinds = {stream.id: stream.kind for stream in house.streams.values() if stream.kind not in JOINS}
        self._found = found
        self._place = bytearray(len(found.homes))
        self._next = found.homes  # of the same entity; 0: it is the last
        self._link()

    def _link(self) -> None:
        """From the last record to the first: a home is the smallest of its group, and says meanwhile who was met last.

        Until somebody was it names itself. It may be none of the records that are merged here.
        """
        place, chain = self._place, self._next
        for number in self._of_streams(self._kinds, backwards=True):
            home = min(chain[number], number)
            later = chain[home] if chain[home] > home else 0
            chain[home] = number
            chain[number] = later
            place[number] = _FIRST if later else _ALONE
            if later:
                place[later] = _LATER

    def _of_streams(self, streams: Container[int], *, backwards: bool = False) -> Iterator[int]:
        states, of = self._found.states, self._found.streams
        numbers = range(len(of))
        for number in reversed(numbers) if backwards else numbers:
            if of[number] in streams and states[number] != NO_RECORD:
                yield number

    def kinds(self) -> list[str]:
        """Those first that others refer to."""
        there = set(self._kinds.values())
        first = [kind for some in ORDER for kind in some]
        return [kind for kind in [*first, *sorted(there - set(first))] if kind in there]

    def batches(self, kind: str) -> Iterator[list[int]]:
        """The first record of every entity of a kind, in order."""
        place = self._place
        numbers = self._of_streams({stream for stream, of in self._kinds.items() if of == kind})
        firsts = (number for number in numbers if place[number] != _LATER)
        while batch := list(islice(firsts, _BATCH)):
            yield batch

    def is_alone(self, number: int) -> bool:
        return self._place[number] == _ALONE

    def together(self, number: int) -> Iterator[int]:
        """A first record, and the others of its entity."""
        while number:
            yield number
            number = self._next[number]


class _Newcomers:
    """Merges the entities of one kind."""

    def __init__(self, house: House, kind: str, found: Found, groups: _Groups, *, run: int) -> None:
        self._house, self._database, self._run = house, house.database, run
        self._kind, self._layout = kind, house.layouts[kind]
        self._found, self._groups = found, groups
        streams = house.of_kind(kind)
        self._lone = {stream.id: LoneRows(house, self._layout, stream) for stream in streams}
        self._creating = any("create" in stream.writes for stream in streams)
        self._works_at = works_at(house, self._layout)

    def merge(self, connection: Any, numbers: Sequence[int], settled: Settled) -> int:
        """Golden of the entities that begin with these records; how many they are."""
        writes = GoldenWrites(run=self._run, at=self._house.now())
        met = self._merge_alone(connection, numbers, writes)
        groups = self._assembled(connection, met)
        merge_kind(self._house, connection, self._kind, groups, settled, run=self._run, first=writes)
        return len(numbers)

    def _entity(self, number: int) -> int:
        """Of the first record of one."""
        return self._found.entities[number]

    def _merge_alone(self, connection: Any, numbers: Sequence[int], writes: GoldenWrites) -> list[int]:
        """Golden of those that are one record; answers the others, and those that are not just what they show."""
        found = self._found
        lone = {
            number
            for number in numbers
            if self._groups.is_alone(number) and found.states[number] <= ARCHIVED and number not in found.outdated
        }
        met = []
        alone: dict[int, tuple[list[int], list[bytes]]] = {stream: ([], []) for stream in self._lone}
        bodies = self._bodies(connection, sorted(lone))
        for number in numbers:
            if number in lone and number in bodies:
                some, rows = alone[found.streams[number]]
                some.append(number)
                rows.append(bodies[number])
            else:
                met.append(number)
        references = References(self._house, connection)
        companies: dict[int, Value] = {}
        for stream, (some, rows) in alone.items():
            for number, golden in zip(some, self._lone[stream].golden(references, some, rows), strict=True):
                entity = self._entity(number)
                if not golden.plain:
                    met.append(number)
                    continue
                writes.new.append((entity, golden.stored(), lone_lineage(number), self._run))
                if self._works_at is not None:
                    companies[entity] = golden.value(self._works_at)
        if self._creating:
            add_work(self._database, connection, CREATE, [row[0] for row in writes.new])
        if companies:
            associate(self._house, connection, companies)
        return met

    def _bodies(self, connection: Any, numbers: Sequence[int]) -> dict[int, bytes]:
        """What these records show, as it is stored; a few others may be among them."""
        bodies: dict[int, bytes] = {}
        for first, last in _stretches(numbers):
            bodies.update(
                self._database.select_all(
                    connection, "SELECT record, observed FROM body WHERE record BETWEEN ? AND ?", (first, last)
                )
            )
        return bodies

    def _assembled(self, connection: Any, numbers: Sequence[int]) -> list[Group]:
        """The entities that begin with these records."""
        groups = {entity: Group(entity, self._kind) for entity in map(self._entity, sorted(numbers))}
        homes = {one: self._entity(number) for number in numbers for one in self._groups.together(number)}
        return assembled(self._house, connection, groups, homes, fresh=None)


def _stretches(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of the stretches that these numbers make, without wide gaps."""
    if not numbers:
        return
    first = last = numbers[0]
    for number in numbers:
        if number > last + _GAP:
            yield first, last
            first = number
        last = number
    yield first, last
