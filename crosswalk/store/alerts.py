"""Which troubles there are, and how far each target knows of them: told once when one begins, once when it ends."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from msgspec import Struct

from crosswalk.store.codec import dump, load
from crosswalk.store.dialect import Database

BEGAN, ENDED = "began", "ended"
_SENDING: Final = "sending"
_SENDING_FOR: Final = 60_000  # milliseconds; longer than sending may take
_FIRST_PAUSE: Final = 30_000  # milliseconds after a message that did not arrive, doubled each time
_LONGEST_PAUSE: Final = 3_600_000


class Due(Struct, frozen=True, kw_only=True):
    """A message that is to go out now. `state`: began or ended."""

    target: str
    trouble: str
    state: str
    began_at: int
    tries: int
    due: int
    detail: Mapping[str, Any]


def begin(
    database: Database, connection: Any, target: str, trouble: str, detail: Mapping[str, Any], *, at: int
) -> None:
    """A trouble is there. One that is known stays as it was told; one whose end is not told yet goes on."""
    database.run(
        connection,
        "INSERT INTO alert (target, trouble, began_at, due, detail) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (target, trouble) DO UPDATE SET ended_at = NULL, tries = 0, due = excluded.due "
        "WHERE alert.ended_at IS NOT NULL",
        (target, trouble, at, at, dump(dict(detail))),
    )


def end(database: Database, connection: Any, target: str, trouble: str, *, at: int) -> None:
    """A trouble is over. Who was never told that it began is not told that it ended either."""
    database.run(connection, "DELETE FROM alert WHERE target = ? AND trouble = ? AND told IS NULL", (target, trouble))
    database.run(
        connection,
        "UPDATE alert SET ended_at = ?, tries = 0, due = ? WHERE target = ? AND trouble = ? AND ended_at IS NULL",
        (at, at, target, trouble),
    )


def due(database: Database, connection: Any, *, now: int) -> list[Due]:
    """What is to go out now; before sending, `take` it."""
    rows = database.run(
        connection,
        "SELECT target, trouble, began_at, ended_at, tries, due, detail FROM alert "
        "WHERE due <= ? AND (told IS NULL OR told <> ? OR ended_at IS NOT NULL) ORDER BY due, target, trouble",
        (now, BEGAN),
    ).fetchall()
    return [
        Due(
            target=target,
            trouble=trouble,
            state=BEGAN if ended is None else ENDED,
            began_at=began,
            tries=tries,
            due=when,
            detail=load(bytes(detail)),
        )
        for target, trouble, began, ended, tries, when, detail in rows
    ]


def take(database: Database, connection: Any, one: Due, *, now: int) -> bool:
    """Whether it is the caller's to send, for a minute. What happens to the trouble meanwhile is not lost."""
    return bool(
        database.run(
            connection,
            "UPDATE alert SET due = ?, told = coalesce(told, ?) WHERE target = ? AND trouble = ? AND due = ?",
            (now + _SENDING_FOR, _SENDING, one.target, one.trouble, one.due),
        ).rowcount
    )


def sent(database: Database, connection: Any, one: Due, *, now: int) -> None:
    key = (one.target, one.trouble)
    if one.state == BEGAN:  # its end may have come meanwhile, and is due then
        database.run(
            connection,
            "UPDATE alert SET told = ?, tries = 0, due = ? WHERE target = ? AND trouble = ?",
            (BEGAN, now, *key),
        )
        return
    database.run(connection, "DELETE FROM alert WHERE target = ? AND trouble = ? AND ended_at IS NOT NULL", key)
    # It has begun again meanwhile: that is news.
    database.run(
        connection, "UPDATE alert SET told = NULL, tries = 0, due = ? WHERE target = ? AND trouble = ?", (now, *key)
    )


def unsent(database: Database, connection: Any, one: Due, *, now: int) -> None:
    """It is tried again, later each time and at least every hour."""
    pause = min(_FIRST_PAUSE * 2 ** min(one.tries, 16), _LONGEST_PAUSE)
    key = (one.target, one.trouble)
    database.run(
        connection, "UPDATE alert SET tries = tries + 1, due = ? WHERE target = ? AND trouble = ?", (now + pause, *key)
    )
    if one.state == BEGAN:
        database.run(
            connection, "UPDATE alert SET told = NULL WHERE target = ? AND trouble = ? AND told = ?", (*key, _SENDING)
        )
        database.run(
            connection,
            "DELETE FROM alert WHERE target = ? AND trouble = ? AND told IS NULL AND ended_at IS NOT NULL",
            key,
        )


def forget(database: Database, connection: Any, *, but: Collection[tuple[str, str]]) -> None:
    """Of targets, and of kinds of troubles of a target, that the file no longer names nothing is kept."""
    for target, trouble in database.run(connection, "SELECT target, trouble FROM alert").fetchall():
        if (target, trouble.partition(":")[0]) not in but:
            database.run(connection, "DELETE FROM alert WHERE target = ? AND trouble = ?", (target, trouble))
