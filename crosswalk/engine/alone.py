"""Golden of records that nobody shares an entity with, made of the bytes that they are stored in.

Most records of a first load are alone. Such a record's row is golden, but for references, which name entities there,
and for fields in which its system is not believed. So a row is cut into its fields, what differs is put in its place
(worked out once for each value that is met), and the rest goes on as the bytes that it was. Measured on the contacts
of `make bench`: 5 µs a record, where to decode the row, decide its fields and encode it took 14.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from crosswalk.engine.model import House, Stream
from crosswalk.engine.references import References
from crosswalk.store.codec import Raw, dump, load, load_fields, mark, unmark
from crosswalk.store.goldens import Layout
from mapping.values import ABSENT, Value

_ABSENT: Final = Raw(b'""')
_KEPT: Final = 10_000


class Alone(NamedTuple):
    """Golden of one record by field. `plain`: every field comes from it; else it is to be decided as a row."""

    fields: list[Raw]
    plain: bool

    def value(self, place: int) -> Value:
        """Of one field, by its position in the layout; a mapping may know fewer than that has."""
        return unmark(load(self.fields[place])) if place < len(self.fields) else ABSENT

    def stored(self) -> bytes:
        """As `golden.vals` has it: without the absent fields at the end."""
        end = len(self.fields)
        while end and self.fields[end - 1] == _ABSENT:
            end -= 1
        return dump(self.fields[:end])


class LoneRows:
    """Rows of one stream on their way to golden."""

    def __init__(self, house: House, layout: Layout, stream: Stream) -> None:
        self._house, self._layout, self._stream = house, layout, stream
        apart = house.policies.not_as_shown(layout, stream.connection)
        # By field that golden may hold otherwise than the record: what it makes of each value that was met.
        self._decided: list[tuple[int, int, dict[bytes, Raw | None]]] = [
            (at, place, {}) for at, place in enumerate(stream.place) if place in apart
        ]
        # A reference that can be followed holds the name of a stream that is listed.
        listed = [dump(other.name) for other in house.streams.values() if other.connection == stream.connection]
        self._may_lead = re.compile(b"|".join(re.escape(name) for name in listed)).search

    def golden(self, references: References, records: Sequence[int], rows: Sequence[bytes]) -> list[Alone]:
        """Of each of these records, in their order. Notes which of them wait for one that they refer to."""
        cut = [load_fields(row) for row in rows]
        for at in self._stream.refs:
            self._follow(references, records, cut, at)
        apart: set[int] = set()
        for at, place, known in self._decided:
            self._decide_all(cut, at, place, known, apart)
        return [Alone(self._wide(fields), plain=n not in apart) for n, fields in enumerate(cut)]

    def _follow(self, references: References, records: Sequence[int], rows: Sequence[list[Raw]], at: int) -> None:
        """Put entities in place of the ids that a field of the rows refers to."""
        named: dict[bytes, list[int]] = {}  # rows by what they show
        may_lead = self._may_lead
        for n, fields in enumerate(rows):
            value = bytes(fields[at])
            if may_lead(value):
                named.setdefault(value, []).append(n)
            elif value != b"null":
                fields[at] = _ABSENT
        told = {value: load(value) for value in named}
        for value, some in named.items():
            references.want_value([records[n] for n in some], self._stream, told[value])
        references.resolve()
        for value, some in named.items():
            seen = Raw(dump(mark(references.seen_value(self._stream, told[value]))))
            for n in some:
                rows[n][at] = seen

    def _decide_all(
        self, rows: Sequence[list[Raw]], at: int, place: int, known: dict[bytes, Raw | None], apart: set[int]
    ) -> None:
        """Put in place what golden makes of a field; rows that are to be decided whole go to `apart`."""
        for n, fields in enumerate(rows):
            value = bytes(fields[at])
            if value not in known:
                if len(known) >= _KEPT:
                    known.clear()
                known[value] = self._decide(place, value)
            told = known[value]
            if told is None:
                apart.add(n)
            else:
                fields[at] = told

    def _wide(self, fields: list[Raw]) -> list[Raw]:
        """In the order of the kind's layout."""
        if self._stream.straight:
            return fields
        wide = [_ABSENT] * len(self._layout.fields)
        for place, one in zip(self._stream.place, fields, strict=True):
            wide[place] = one
        return wide

    def _decide(self, place: int, value: bytes) -> Raw | None:
        """What golden makes of one field; None where it does not come from the record, whose row then is to be seen."""
        row = self._layout.blank
        row[place] = unmark(load(value))
        found = self._house.policies.lone(self._layout, record=0, system=self._stream.connection, row=row)
        return Raw(dump(mark(found.values[place]))) if found.plain else None
