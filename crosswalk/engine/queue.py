"""Dead letters as people see them: list, show, retry, drop.

A retry never sends what was refused once more: it puts the record up again, so that the next run plans it anew.
"""

from collections.abc import Sequence
from typing import Any, Final

from crosswalk.engine.lookup import record_number
from crosswalk.engine.model import House
from crosswalk.engine.words import AskError, Titles, entity_names, number_of, spoken
from crosswalk.store import unsettled
from crosswalk.store.codec import iso, load
from crosswalk.store.letters import letter_key
from crosswalk.store.records import CREATE, SETTLE, add_work

_COLUMNS: Final = (
    "d.id, d.stream, s.connection, s.name, d.rkey, d.phase, d.field, d.code, d.reason, d.state, d.tries, "
    "d.first_at, d.last_at, d.run, d.note"
)
_FROM: Final = "FROM dead_letter d JOIN stream s ON s.id = d.stream"
_SEEN: Final = f"d.{unsettled.LETTER} AND d.state IN ('open', 'retry')"


def listing(house: House, *, code: str | None = None, stream: str | None = None, limit: int = 0) -> dict[str, Any]:
    """Letters that wait for somebody, oldest first. `stream`: `connection/stream`, or a connection for all of its own.

    `left_out` says how many the `limit` kept back; 0 lists all. `reasons`: how many of each code there are by stream,
    those that were kept back too, the most first.
    """
    where, values = [_SEEN], list[Any]()
    if code is not None:
        where.append("d.code = ?")
        values.append(code.strip().upper())
    if stream is not None:
        system, slash, name = stream.strip().partition("/")
        where.append("s.connection = ?")
        values.append(system)
        if slash:
            where.append("s.name = ?")
            values.append(name)
    condition = " AND ".join(where)
    with house.database.read() as connection:
        if stream is not None and not _known(house, connection, stream.strip()):
            raise AskError(
                f"there is no stream '{stream}'", hint="one of: " + ", ".join(sorted(house.streams) or ["none"])
            )
        groups = house.database.run(
            connection,
            f"SELECT d.code, s.connection, s.name, count(*) {_FROM} WHERE {condition} "
            "GROUP BY d.code, s.connection, s.name ORDER BY count(*) DESC, d.code, s.connection, s.name",
            values,
        ).fetchall()
        rows = house.database.run(
            connection,
            f"SELECT {_COLUMNS} {_FROM} WHERE {condition} ORDER BY d.id LIMIT ?",
            [*values, limit if limit > 0 else 1_000_000],
        ).fetchall()
        return {
            "dead_letters": [_told(house, connection, row) for row in rows],
            "left_out": sum(row[3] for row in groups) - len(rows),
            "reasons": [
                {"code": code, "stream": f"{system}/{name}", "count": count} for code, system, name, count in groups
            ],
        }


def show(house: House, letter: int | str) -> dict[str, Any]:
    """One letter whole, with what stood there: the only answer that holds it."""
    number = number_of("letter", letter)
    with house.database.read() as connection:
        row = _row(house, connection, number)
        payload = house.database.run(connection, "SELECT payload FROM dead_letter WHERE id = ?", (number,)).scalar()
        told = _told(house, connection, row)
        told["raw"] = None if payload is None else load(bytes(payload))
        told["hint"] = _hint(row)
        told |= _whose(house, connection, row[1], row[4])
        return {"dead_letters": [told]}


def retry(house: House, letters: Sequence[int | str], who: str) -> dict[str, Any]:
    """Put the records of these letters up again. Letters that are closed already are told as they are.

    `again`: addresses by stream of what could not be read: only reading it once more from the vendor can mend that.
    """
    told = _decide(house, letters, state="retry", note=f"retry, {who}")
    names = [one["id"] for one in told["dead_letters"] if one["state"] != "closed"]
    told["text"] = f"{', '.join(names)}: up again, the next run plans anew." if names else "nothing was left to do."
    return told


def drop(house: House, letters: Sequence[int | str], reason: str, who: str) -> dict[str, Any]:
    """Leave it as it is: nothing tries it again until one of its inputs changes."""
    if not reason.strip():
        raise AskError("a reason belongs to it", hint="crosswalk dlq drop D9 --reason 'left to sales'")
    return _decide(house, letters, state="dropped", note=f"{reason.strip()} ({who})")


def _decide(house: House, letters: Sequence[int | str], *, state: str, note: str) -> dict[str, Any]:
    numbers = list(dict.fromkeys(number_of("letter", letter) for letter in letters))
    database = house.database
    told: list[dict[str, Any]] = []
    again: dict[str, list[str]] = {}
    with database.write(durable=True) as connection:
        for number in numbers:
            row = _row(house, connection, number)
            if row[9] != "closed":
                # What could not be read goes on blocking until it has been: what somebody wrote is not written over.
                now = "open" if state == "retry" and row[5] == "read" else state
                database.run(connection, "UPDATE dead_letter SET state = ?, note = ? WHERE id = ?", (now, note, number))
                if state == "retry":
                    _put_up(house, connection, row[1], row[4])
                    if row[5] == "read":
                        again.setdefault(f"{row[2]}/{row[3]}", []).append(row[4])
            told.append(_told(house, connection, _row(house, connection, number)))
    return {"dead_letters": told, "again": again}


def _put_up(house: House, connection: Any, stream: int, rkey: str) -> None:
    """Settling merges the record anew, and what it is still to be shown is planned from there."""
    record = record_number(house, connection, stream, rkey)
    if record is not None:
        add_work(house.database, connection, SETTLE, [record])
        return
    entity = _entity_named(house, connection, rkey)
    if entity is not None:
        add_work(house.database, connection, CREATE, [entity])


def _entity_named(house: House, connection: Any, rkey: str) -> int | None:
    """A create that was refused has no record yet: its letter names the entity."""
    if not rkey.startswith(letter_key("")):
        return None
    public = rkey.removeprefix(letter_key(""))
    row = house.database.run(
        connection,
        "SELECT id FROM entity WHERE public = ? UNION SELECT entity FROM alias WHERE public = ?",
        (public, public),
    ).fetchone()
    return None if row is None else int(row[0])


def _row(house: House, connection: Any, number: int) -> Any:
    row = house.database.run(connection, f"SELECT {_COLUMNS} {_FROM} WHERE d.id = ?", (number,)).fetchone()
    if row is None:
        raise AskError(f"there is no {spoken('letter', number)}", hint="crosswalk dlq lists what there is")
    return row


def _hint(row: Any) -> str:
    """What brings it back."""
    name, phase, state = spoken("letter", row[0]), row[5], row[9]
    if state == "retry":
        return "it is up again: the next run tries it"
    if phase == "read":
        return "correct it where it comes from: it is read again when it changes"
    return f"mend it there, then  crosswalk dlq retry {name}; it is tried again by itself once what it says changes"


def _known(house: House, connection: Any, text: str) -> bool:
    system, slash, name = text.partition("/")
    rows = house.database.run(connection, "SELECT connection, name FROM stream").fetchall()
    return any(row[0] == system and (not slash or row[1] == name) for row in rows) or (
        not slash and system in house.links
    )


def _told(house: House, connection: Any, row: Any) -> dict[str, Any]:
    number, stream, system, name, rkey, phase, field, code, reason, state, tries, first, last, run, note = row
    return {
        "id": spoken("letter", number),
        "record": _place(house, connection, stream, f"{system}/{name}", rkey, phase),
        "stream": f"{system}/{name}",
        "code": code,
        "field": field,
        "reason": reason,
        "phase": phase,
        "state": state,
        "tries": tries,
        "since": iso(first),
        "last_at": iso(last),
        "run": None if run is None else spoken("run", run),
        "note": note or "",
    }


def _place(house: House, connection: Any, stream: int, address: str, rkey: str, phase: str) -> str:
    """Its address; of a row that never was a record, the place in its file."""
    if record_number(house, connection, stream, rkey) is not None:
        return f"{address}/{rkey}"
    entity = _entity_named(house, connection, rkey)
    if entity is not None:
        return f"{address} new, {entity_names(house, connection, [entity])[entity]}"
    return rkey if phase == "read" else f"{address}/{rkey}"


def _whose(house: House, connection: Any, stream: int, rkey: str) -> dict[str, Any]:
    record = record_number(house, connection, stream, rkey)
    entity = (
        _entity_named(house, connection, rkey)
        if record is None
        else house.database.run(connection, "SELECT entity FROM member WHERE record = ?", (record,)).scalar()
    )
    if entity is None:
        return {"entity": None, "title": ""}
    title = Titles(house, connection).of([entity])[entity]
    return {"entity": entity_names(house, connection, [entity])[entity], "title": title}
