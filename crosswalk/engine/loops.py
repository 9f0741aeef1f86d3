"""The loop breaker: a field that the hub and an automation at a vendor write over and over is frozen.

The journal is the counter. When the hub is about to write a field of a record whose last writes were each rewritten
there within a short time, the next one would be rewritten too: the field waits as a conflict instead, and nothing of
it moves until a person decides.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from crosswalk.engine.model import House
from crosswalk.engine.settle import Group
from crosswalk.store import conflicts
from crosswalk.store.codec import digest, dump_sorted, iso, load, mark
from crosswalk.store.records import ARCHIVED
from mapping.values import ABSENT, Value

WRITES: Final = 3  # of the hub, each of them rewritten there
WITHIN: Final = timedelta(hours=2)


class Frozen(Struct, frozen=True, kw_only=True):
    """A field that was frozen by a plan."""

    conflict: int
    entity: int
    field: str
    connection: str
    changes: int


class Loops:
    """What was written lately to some records."""

    def __init__(self, house: House, connection: Any, records: Sequence[int]) -> None:
        self._house = house
        self._connection = connection
        self._writes: dict[tuple[int, str], list[tuple[Any, Any]]] = {}
        since = house.now() - int(WITHIN.total_seconds() * 1000)
        for record, fields in house.database.select(
            connection,
            "SELECT record, fields FROM journal WHERE op = 'update' AND at >= ? AND",
            "record",
            list(records),
            "ORDER BY id",
            first=(since,),
        ):
            for one in load(bytes(fields)):
                # A vendor may show what it was sent in a form of its own: that is no rewriting.
                left_as = one.get("shows", one["after"])
                self._writes.setdefault((record, one["field"]), []).append((one["before"], left_as))

    def changes(self, record: int, name: str, observed: Any) -> int:
        """How often it has changed to and fro; 0 where it has not, or not often enough to call it a loop."""
        last = self._writes.get((record, name), [])[-WRITES:]
        if len(last) < WRITES:
            return 0
        found_later = [before for before, _ in last[1:]] + [observed]
        rewritten = all(left_as != found for (_, left_as), found in zip(last, found_later, strict=True))
        return 2 * len(last) if rewritten else 0

    def freeze(self, group: Group, record: int, name: str, golden: Value, *, changes: int, run: int) -> Frozen:
        """Open the conflict that keeps it as it is."""
        member = next(one for one in group.members if one.id == record)
        sides = [
            {
                "record": one.id,
                "connection": one.stream.connection,
                "value": mark(one.row[one.stream.place[at]]),
                "changed_at": iso(one.modified),
            }
            for one in group.members
            if one.state <= ARCHIVED
            and (at := one.stream.at.get(name)) is not None
            and one.row[one.stream.place[at]] is not ABSENT
        ]
        hours = int(WITHIN.total_seconds() // 3600)
        why = (
            f"changed {changes} times in {hours} h between the hub and {member.stream.connection}: "
            "a workflow there rewrites it"
        )
        detail: Mapping[str, Any] = {"base": mark(golden), "why": why, "sides": sides, "frozen": True}
        inputs = digest(dump_sorted([mark(golden), [[one["record"], one["value"]] for one in sides]]))
        found = conflicts.Found(group.entity, name, inputs, dict(detail))
        database = self._house.database
        conflicts.save(database, self._connection, [found], at=self._house.now(), run=run)
        number = database.run(
            self._connection,
            "SELECT id FROM conflict WHERE entity = ? AND field = ? AND state = 'open'",
            (group.entity, name),
        ).scalar()
        return Frozen(
            conflict=int(number), entity=group.entity, field=name, connection=member.stream.connection, changes=changes
        )
