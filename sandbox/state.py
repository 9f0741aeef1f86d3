"""What a simulated vendor remembers: tables in memory with ordered walks and prepared bytes, and a journal of effects.

Not locked: the door lets one call in at a time.
"""

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any, Final, Generic, TypeAlias, TypeVar

from sandbox.web import Effect, Json, dump

# Prepared pages kept of one table; the largest have some 400 kB.
MOST_PAGES: Final = 64

Key = TypeVar("Key", int, str)
# One record in the vendor's own shape. Never changed in place: a change makes a new one.
Record: TypeAlias = dict[str, Json]
View: TypeAlias = Callable[[Record], Json]


class Table(Generic[Key]):
    """The records of one object of a vendor.

    `orders`: by name, what a walk may be sorted by; ties go by key. Values of an order must compare with each other.
    """

    def __init__(self, orders: Mapping[str, Callable[[Record], Any]]) -> None:
        self._orders = orders
        self._rows: dict[Key, Record] = {}
        self._sorted: dict[str, list[tuple[Any, Key]]] = {}
        self._bytes: dict[str, dict[Key, bytes]] = {}
        self._pages: dict[str, bytes] = {}
        self._later: list[tuple[datetime, int, Callable[[], None]]] = []
        self._ticket = count()
        self.version = 0
        self.listeners: list[Callable[[Key, Record | None], None]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._rows.values())

    def get(self, key: Key) -> Record | None:
        return self._rows.get(key)

    def put(self, key: Key, record: Record) -> None:
        self._unlist(key)
        self._rows[key] = record
        for order, listed in self._sorted.items():
            insort(listed, (self._orders[order](record), key))
        self._moved(key, record)

    def drop(self, key: Key) -> None:
        self._unlist(key)
        del self._rows[key]
        self._moved(key, None)

    def _unlist(self, key: Key) -> None:
        old = self._rows.get(key)
        if old is not None:
            for order, listed in self._sorted.items():
                del listed[bisect_left(listed, (self._orders[order](old), key))]

    def _moved(self, key: Key, record: Record | None) -> None:
        self.version += 1
        self._pages.clear()
        for prepared in self._bytes.values():
            prepared.pop(key, None)
        for listener in self.listeners:
            listener(key, record)

    def put_later(self, at: datetime, change: Callable[[], None]) -> None:
        """A transaction that commits late: `change` runs at the first `settle` at or after `at`."""
        heapq.heappush(self._later, (at, next(self._ticket), change))

    def settle(self, now: datetime) -> None:
        """Let what was to commit by now commit."""
        while self._later and self._later[0][0] <= now:
            heapq.heappop(self._later)[2]()

    def forget_bytes(self) -> None:
        """The form of the records has changed: prepared bytes are worth nothing any more."""
        self._bytes.clear()
        self._pages.clear()

    def walk(self, order: str, *, after: tuple[Any, Key] | None = None, descending: bool = False) -> Iterator[Record]:
        """Every record in order, from the place (value of the order, key) on, which is left out."""
        listed = self._listed(order)
        if descending:
            at = len(listed) if after is None else bisect_left(listed, after)
            return (self._rows[listed[n][1]] for n in range(at - 1, -1, -1))
        at = 0 if after is None else bisect_right(listed, after)
        return (self._rows[listed[n][1]] for n in range(at, len(listed)))

    def from_value(self, order: str, value: Any) -> Iterator[Record]:
        """Every record whose value of the order is at least this, ascending."""
        listed = self._listed(order)
        at = bisect_left(listed, value, key=lambda entry: entry[0])
        return (self._rows[listed[n][1]] for n in range(at, len(listed)))

    def _listed(self, order: str) -> list[tuple[Any, Key]]:
        if order not in self._sorted:
            value = self._orders[order]
            self._sorted[order] = sorted((value(record), key) for key, record in self._rows.items())
        return self._sorted[order]

    def prepared(self, name: str, key: Key, view: View) -> bytes:
        """The record as bytes of JSON in the view of that name, made once until the record changes."""
        prepared = self._bytes.setdefault(name, {})
        found = prepared.get(key)
        if found is None:
            found = prepared[key] = dump(view(self._rows[key]))
        return found

    def page(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A whole page as bytes, made once until anything changes."""
        found = self._pages.get(name)
        if found is None:
            if len(self._pages) >= MOST_PAGES:
                self._pages.clear()
            found = self._pages[name] = make()
        return found


class Journal:
    """Every effect, in order."""

    def __init__(self, vendor: str) -> None:
        self._vendor = vendor
        self._effects: list[Effect] = []

    def note(
        self, *, at: datetime, method: str, path: str, stream: str, record: str, fields: Mapping[str, Json]
    ) -> None:
        self._effects.append(
            Effect(
                at=at, vendor=self._vendor, method=method, path=path, stream=stream, record=record, fields=dict(fields)
            )
        )

    def read(self) -> Sequence[Effect]:
        return tuple(self._effects)

    def cut(self, length: int) -> None:
        """Forget all but the oldest: the transaction that made the others was rolled back."""
        del self._effects[length:]

    def clear(self) -> None:
        self._effects.clear()
