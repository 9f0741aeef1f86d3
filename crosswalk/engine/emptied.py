"""References that a record shows no more: somebody took them away, or what they named is gone.

Some vendors empty what referred to a record that is deleted. Nobody has edited that: it is no clear, and nothing
follows from it elsewhere. That the record is gone may be read later than that it is named no more, a day later where
only a sweep tells. So while it is held as being there it is asked for, and until then the field is as if it had not
been read.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from crosswalk.engine.model import House, Stream
from crosswalk.store.records import DELETED, MERGED
from mapping.values import Value


class Left(NamedTuple):
    """What a record may be taken to have shown. `gone`: less something that is no longer there; `doubtful`: what it
    shows no more may be gone, and nobody has asked yet."""

    value: Value
    gone: bool
    doubtful: bool


class Emptied:
    """Judges inside one transaction what is shown no more; `save` notes what is to be asked for."""

    def __init__(self, house: House, connection: Any) -> None:
        self._house = house
        self._connection = connection
        self._asked: set[tuple[int, str, int]] = set()

    def left(self, record: int, stream: Stream, before: Value, now: Value, *, there: Collection[str] = ()) -> Left:
        """Of what a field of a record showed before, what is not gone. Both as ids of its own system.

        `there`: what was asked for since, and found.
        """
        held, shown = targets(before), targets(now)
        lost = [target for target in held if target not in shown]
        if not lost:
            return Left(before, gone=False, doubtful=False)
        others = shown.keys() - held.keys()  # somebody has named something else: nothing is asked for
        gone, unasked = set(), []
        for name, key in lost:
            other = self._house.streams.get(f"{stream.connection}/{name}")
            state = None if other is None else self._state(other.id, key)
            if state in (DELETED, MERGED):
                gone.add((name, key))
            elif other is not None and state is not None and not others and f"{name}/{key}" not in there:
                unasked.append((other.id, key, record))
        if unasked:
            self._asked.update(unasked)
            return Left(before, gone=bool(gone), doubtful=True)
        return Left([held[one] for one in held if one not in gone] or None, gone=bool(gone), doubtful=False)

    def save(self) -> None:
        columns = ("stream", "rkey", "record")
        self._house.database.upsert(self._connection, "doubt", columns, columns, sorted(self._asked))
        self._asked.clear()

    def _state(self, stream: int, key: str) -> int | None:
        row = self._house.database.run(
            self._connection, "SELECT state FROM record WHERE stream = ? AND rkey = ?", (stream, key)
        ).fetchone()
        return None if row is None else int(row[0])


def targets(value: Value) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The elements of a reference by stream and key of what they name."""
    elements: Sequence[Any] = value if isinstance(value, list) else [value]
    return {(str(one["stream"]), str(one["id"])): one for one in elements if isinstance(one, dict) and "id" in one}
