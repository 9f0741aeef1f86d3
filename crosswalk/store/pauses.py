"""Pauses: what is neither read nor written until a person says so. Connections and streams, by address.

A person pauses either of them. A connection is also paused by itself when its access is refused for good; that stands
in its own row, with the code of what was refused.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from crosswalk.store.reading import Reading

if TYPE_CHECKING:  # `crosswalk status` reads and goes without the engine
    from crosswalk.store.dialect import Database

# Access that is refused for good: asking again changes nothing, and some vendors lock out who goes on asking. And an
# account that must not be worked with under this name: the same under two, another than before, or known by another.
REVOKED: Final = ("CW201", "CW202", "CW203", "CW104", "CW207", "CW208")
# Of those: a token that is refused may be revoked, or be the trouble of a vendor that lasts an hour. A daemon looks
# whether it is let in again, ever more seldom (`scheduler.daemon.PAUSES`).
DOUBTFUL: Final = "CW202"


class Pause(Struct, frozen=True, kw_only=True):
    """`who` paused it at `at` (milliseconds); without a person `code` and `text` say what did."""

    address: str
    at: int | None
    who: str = ""
    code: str = ""
    text: str = ""


def pauses(database: Reading, connection: Any) -> dict[str, Pause]:
    """All that is paused, by address. What a person has paused stays so, whatever becomes of its token."""
    found = {
        row[0]: Pause(address=row[0], at=row[3], code=row[1] or "", text=row[2] or "")
        for row in database.run(
            connection, "SELECT name, code, detail, since FROM connection WHERE state = 'paused'"
        ).fetchall()
    }
    rows = database.run(connection, "SELECT address, who, at FROM pause ORDER BY address").fetchall()
    return found | {row[0]: Pause(address=row[0], who=row[1], at=row[2]) for row in rows}


def pause_of(known: Mapping[str, Pause], address: str) -> Pause | None:
    """What pauses a connection or a stream: its own pause, or its connection's."""
    return known.get(address) or known.get(address.partition("/")[0])


def set_pause(database: "Database", connection: Any, address: str, *, who: str, at: int) -> bool:
    """False: it is paused by a person already, and stays so with the name that it has."""
    return bool(
        database.run(
            connection,
            "INSERT INTO pause (address, who, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (address, who, at),
        ).rowcount
    )


def end_pause(database: "Database", connection: Any, address: str) -> bool:
    """A person's pause and, of a connection, one for want of access. False: it was not paused."""
    freed = database.run(connection, "DELETE FROM pause WHERE address = ?", (address,)).rowcount
    return regain(database, connection, address) or bool(freed)


def regain(database: "Database", connection: Any, name: str) -> bool:
    """Access to a connection was granted anew. False: it was not paused for want of it."""
    return bool(
        database.run(
            connection,
            "UPDATE connection SET state = 'ok', code = NULL, detail = NULL, since = NULL "
            "WHERE name = ? AND state = 'paused'",
            (name,),
        ).rowcount
    )


def reconsider(database: "Database", prints: Mapping[str, str]) -> list[str]:
    """Let connections go on whose credentials are others than those that were refused. `prints`: by connection, of all
    that it is opened with.

    Which ones are configured now is noted on the way, and that their account is to be asked anew: it may be another
    one, or speak of its money in another currency. Gives the connections that go on.
    """
    with database.read() as connection:
        rows = database.run(connection, "SELECT name, credentials FROM connection").fetchall()
    others = {name: known for name, known in rows if name in prints and known != prints[name]}
    if not others:
        return []
    with database.write() as connection:
        for name in others:
            database.run(
                connection,
                "UPDATE connection SET credentials = ?, checked_at = NULL WHERE name = ?",
                (prints[name], name),
            )
        return [name for name, known in others.items() if known is not None and regain(database, connection, name)]
