"""What scored matching compares of records, kept as it was made (table `profile`).

To read a record from what was landed takes two rows and most of what a comparison costs: its cells are decoded, brought
to the common fields and normalised. A row says what a live record shows, or is marked as outdated: whoever lands
something else marks it, in the same transaction (`store.records.outdate_profiles`), and whoever settles the record
writes it anew; until then it tells by which blocks the record is found. (On PostgreSQL one may slip in that was made a
moment before its record was landed anew; that record waits to be settled.) What was made by another mapping, by other
rules or by an older program is not used either. A row that is missing is made from what was landed.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from crosswalk.engine.model import Stream
from crosswalk.store.codec import pack, unpacking
from crosswalk.store.dialect import Database
from crosswalk.store.records import OUTDATED, SETTLE

if TYPE_CHECKING:
    from mapping.match.profile import Profile

Connection = Any

_unpack = unpacking(tuple[str, list[tuple[str, ...]]])  # birth id, and the values by field


class Known(NamedTuple):
    """A live record as it is compared. `birth`: the id that it would give an entity of its own."""

    record: int
    stream: int
    birth: str
    profile: "Profile"


class Profiles:
    """Of the records of one kind, in these streams.

    `rules`: what of the file decides how a record is compared. `hashed`: the store's keyed hash.
    """

    def __init__(
        self, database: Database, kind: str, streams: Iterable[Stream], *, rules: str, hashed: Callable[[str], int]
    ) -> None:
        from mapping.match.profile import FIELDS, FORM  # it takes long to import

        self._database, self._fields = database, FIELDS[kind]
        self._form_of = {stream.id: hashed(f"{kind}\x1f{FORM}\x1f{stream.mapping_id}\x1f{rules}") for stream in streams}
        self._stream_of = {form: stream for stream, form in self._form_of.items()}

    def read(self, connection: Connection, records: Sequence[int]) -> list[Known]:
        """Those of these records of which there is what they show."""
        found = []
        for record, form, told in self._rows(connection, records):
            stream = self._stream_of.get(form)
            if stream is not None:
                birth, profile = self._told(told)
                found.append(Known(record, stream, birth, profile))
        return found

    def before(self, connection: Connection, records: Sequence[int]) -> "dict[int, Profile]":
        """What these records of the kind were compared by last, outdated or not, as far as it is known."""
        return {record: self._told(told)[1] for record, _, told in self._rows(connection, records)}

    def _rows(self, connection: Connection, records: Sequence[int]) -> Iterable[tuple[int, int, bytes]]:
        return self._database.select(connection, "SELECT record, form, told FROM profile WHERE", "record", records)

    def _told(self, told: bytes) -> "tuple[str, Profile]":
        birth, values = _unpack(told)
        return birth, {name: some for name, some in zip(self._fields, values, strict=False) if some}

    def write(self, connection: Connection, some: Iterable[Known]) -> None:
        """Of records that are settled, in place of what they were compared by."""
        rows = [self._row(one) for one in some]
        self._database.upsert(connection, "profile", ("record",), ("record", "form", "told"), rows)

    def add(self, connection: Connection, some: Iterable[Known]) -> None:
        """Of records that were missed; what is marked as outdated stays so until its record is settled."""
        self._database.run_many(
            connection,
            "INSERT INTO profile (record, form, told) VALUES (?, ?, ?) ON CONFLICT (record) "
            f"DO UPDATE SET form = excluded.form, told = excluded.told WHERE profile.form <> {OUTDATED}",
            [self._row(one) for one in some],
        )

    def _row(self, one: Known) -> tuple[int, int, bytes]:
        values = [one.profile.get(name, ()) for name in self._fields]
        while values and not values[-1]:
            values.pop()
        return one.record, self._form_of[one.stream], pack((one.birth, values))

    def forget(self, connection: Connection) -> None:
        """All of them, whatever they were made by."""
        listed = ", ".join(str(stream) for stream in self._form_of) or "NULL"
        self._database.run(
            connection,
            "DELETE FROM profile WHERE EXISTS "
            f"(SELECT 1 FROM record r WHERE r.id = profile.record AND r.stream IN ({listed}))",
        )

    def outdate_waiting(self, connection: Connection) -> None:
        """Those of records that were landed while all were made."""
        self._database.run(
            connection,
            f"UPDATE profile SET form = {OUTDATED} WHERE record IN (SELECT id FROM todo WHERE stage = ?)",
            (SETTLE,),
        )
