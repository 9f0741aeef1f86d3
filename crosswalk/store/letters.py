"""Dead letters: what could not be read or written, until its inputs change or a person acts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from crosswalk.store import unsettled
from crosswalk.store.codec import dump
from crosswalk.store.connections import Connection
from crosswalk.store.dialect import Database

COLUMNS = (
    "stream", "rkey", "phase", "field", "code", "reason", "payload", "inputs", "state", "tries", "first_at", "last_at",
    "run",
)  # fmt: skip


class Letter(NamedTuple):
    """`rkey`: the record, or the place in a file. `payload`: what stood there, for `dlq show` alone."""

    stream: int
    rkey: str
    phase: str  # read, write
    field: str  # "" for the whole record
    code: str
    reason: str
    payload: bytes | None
    inputs: bytes | None


def letter_key(public: str) -> str:
    """Under which a create that was refused stands among the dead letters: it has no key of its own yet."""
    return f"new:{public}"


def of_field(stream: int, key: str, fault: Any) -> Letter:
    """Of a field that cannot be understood; `fault`: what the mapping says of it."""
    got = dump(fault.got)
    reason = f"{fault.field}: {fault.source} is no {fault.want}"
    return Letter(stream, key, "read", fault.field, "CW401", reason, got, got)


def post(database: Database, connection: Connection, letters: Sequence[Letter], *, at: int, run: int | None) -> int:
    """Open these letters, or count one more try; how many were not open before. Of two alike the last counts."""
    latest = {(one.stream, one.rkey, one.phase, one.field): one for one in letters}
    keys: dict[int, set[str]] = {}
    for one in latest.values():
        keys.setdefault(one.stream, set()).add(one.rkey)
    known = {
        (row[0], row[1], row[2], row[3]): row[4:]
        for stream, some in keys.items()
        for row in database.select(
            connection,
            "SELECT stream, rkey, phase, field, id, state, inputs FROM dead_letter WHERE stream = ? AND",
            "rkey",
            sorted(some),
            first=(stream,),
        )
    }
    again = []
    opened = 0
    for about, letter in latest.items():
        if about not in known:
            continue
        number, state, inputs = known[about]
        opened += state in ("closed", "retry")
        same = inputs is not None and letter.inputs is not None and bytes(inputs) == letter.inputs
        # What a person dropped stays dropped until its inputs change.
        now = "dropped" if state == "dropped" and same else "open"
        again.append((letter.code, letter.reason, letter.payload, letter.inputs, now, at, run, number))
    new = [(*letter, "open", 1, at, at, run) for about, letter in latest.items() if about not in known]
    database.insert(connection, "dead_letter", COLUMNS, new)
    database.run_many(
        connection,
        "UPDATE dead_letter SET code = ?, reason = ?, payload = ?, inputs = ?, state = ?, tries = tries + 1, "
        "last_at = ?, run = ? WHERE id = ?",
        again,
    )
    return opened + len(new)


def follow(database: Database, connection: Connection, streams: Sequence[int], before: str, public: str) -> None:
    """What was refused, or dropped, of creates of an entity that goes by another public id than before."""
    database.run_many(
        connection,
        "UPDATE dead_letter SET rkey = ? WHERE stream = ? AND rkey = ? AND NOT EXISTS (SELECT 1 FROM dead_letter o "
        "WHERE o.stream = dead_letter.stream AND o.rkey = ? AND o.phase = dead_letter.phase "
        "AND o.field = dead_letter.field)",
        [(letter_key(public), stream, letter_key(before), letter_key(public)) for stream in streams],
    )


def close_read(database: Database, connection: Connection, stream: int, keep: dict[str, set[str]]) -> None:
    """Close the mended letters of records that were read again. `keep`: key -> fields that are still faulty."""
    mended = [
        number
        for number, rkey, field in database.select(
            connection,
            f"SELECT id, rkey, field FROM dead_letter WHERE phase = 'read' AND {unsettled.LETTER} AND stream = ? AND",
            "rkey",
            list(keep),
            first=(stream,),
        )
        if field not in keep[rkey]
    ]
    database.change(connection, "UPDATE dead_letter SET state = 'closed' WHERE", "id", mended)


def close_places(database: Database, connection: Connection, stream: int, places: Sequence[str]) -> None:
    """Of files that are read anew, or are gone: what was set aside of them is told anew, or no longer."""
    for place in places:
        database.run(
            connection,
            "UPDATE dead_letter SET state = 'closed' WHERE stream = ? AND phase = 'read' AND state <> 'closed' "
            "AND (rkey = ? OR substr(rkey, 1, ?) = ?)",
            (stream, place, len(place) + 1, f"{place} "),
        )


def close_write(database: Database, connection: Connection, stream: int, keys: Sequence[str]) -> None:
    """What was refused of these records, or creates, has been written after all."""
    database.change(
        connection,
        "UPDATE dead_letter SET state = 'closed' WHERE phase = 'write' AND stream = ? AND",
        "rkey",
        keys,
        first=(stream,),
    )


def refused(database: Database, connection: Connection, streams: Sequence[int]) -> list[tuple[int, int, str]]:
    """Letters about writes to these streams that are open, or to be tried again: number, stream, key."""
    rows = database.select(
        connection,
        f"SELECT id, stream, rkey FROM dead_letter WHERE {unsettled.LETTER} AND phase = 'write' "
        "AND state IN ('open', 'retry') AND",
        "stream",
        streams,
    )
    return [(row[0], row[1], row[2]) for row in rows]


def close(database: Database, connection: Connection, number: int, *, note: str) -> None:
    database.run(connection, "UPDATE dead_letter SET state = 'closed', note = ? WHERE id = ?", (note, number))


def any_open(database: Database, connection: Connection, stream: int, phase: str) -> bool:
    row = database.run(
        connection,
        f"SELECT 1 FROM dead_letter WHERE stream = ? AND phase = ? AND {unsettled.LETTER} LIMIT 1",
        (stream, phase),
    ).fetchone()
    return row is not None


def unread(database: Database, connection: Connection, stream: int, keys: Sequence[str]) -> dict[str, set[str]]:
    """By key the fields that show something which cannot be understood."""
    found: dict[str, set[str]] = {}
    for rkey, field in database.select(
        connection,
        "SELECT rkey, field FROM dead_letter "
        "WHERE phase = 'read' AND state = 'open' AND field <> '' AND stream = ? AND",
        "rkey",
        keys,
        first=(stream,),
    ):
        found.setdefault(rkey, set()).add(field)
    return found


def blocking(
    database: Database, connection: Connection, stream: int, keys: Sequence[str]
) -> dict[str, dict[str, tuple[int, bytes | None]]]:
    """Letters against writing: key -> field ("" for all) -> (number, hash of the inputs; none: whatever they are).

    Those of refused writes, and those of values that could not be read: what somebody wrote there is not written over.
    """
    found: dict[str, dict[str, tuple[int, bytes | None]]] = {}
    for number, rkey, field, inputs in database.select(
        connection,
        "SELECT id, rkey, field, CASE WHEN phase = 'write' THEN inputs END FROM dead_letter "
        "WHERE ((phase = 'write' AND state IN ('open', 'dropped')) OR (phase = 'read' AND state = 'open' "
        "AND field <> '')) AND stream = ? AND",
        "rkey",
        keys,
        first=(stream,),
    ):
        found.setdefault(rkey, {})[field] = (number, None if inputs is None else bytes(inputs))
    return found
