"""Runs: what the hub did, when, for whom, and what came of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from crosswalk.store import unsettled
from crosswalk.store.codec import dump

if TYPE_CHECKING:  # `crosswalk runs` needs the limits alone, and goes without the engine
    from crosswalk.store.dialect import Database

BEAT_SECONDS: Final = 15.0
DEAD_AFTER: Final = 60_000  # milliseconds without a beat
# What a version began that knew of no beats; its processes have ended by now.
_OLD: Final = 24 * 3600 * 1000
RUNNING, ABANDONED = "running", "abandoned"
FAILED, PART = "failed", "part"  # wholly, in part


def start(
    database: "Database",
    *,
    command: str,
    trigger: str,
    who: str,
    at: int,
    plan: int | None = None,
    asked: Sequence[str] = (),
) -> int:
    """A new run; its number is what people call R143. Runs whose process is gone are ended on the way.

    `asked`: the connections that it is about, of which more is known at its end.
    """
    number = database.take_ids("run", 1)[0]
    with database.write() as connection:
        abandon(database, connection, now=at)
        database.insert(
            connection,
            "run",
            ("id", "command", "trigger", "state", "started_at", "plan", "who", "counts", "beat_at"),
            [(number, command, trigger, RUNNING, at, plan, who, dump({"asked": list(asked)}), at)],
        )
    return number


def beat(database: "Database", number: int, *, at: int) -> None:
    """The process of a run says that it lives. One that was given up too early (it had been frozen) runs again."""
    with database.write() as connection:
        database.run(
            connection,
            "UPDATE run SET beat_at = ?, state = ?, ended_at = NULL WHERE id = ? AND state IN (?, ?)",
            (at, RUNNING, number, RUNNING, ABANDONED),
        )


def abandon(database: "Database", connection: Any, *, now: int) -> None:
    """End the runs whose process no longer says that it lives: as far as anybody knows they ended at its last word."""
    database.run(
        connection,
        f"UPDATE run SET state = ?, ended_at = coalesce(beat_at, started_at) WHERE {unsettled.RUN} AND "
        "(beat_at < ? OR (beat_at IS NULL AND started_at < ?))",
        (ABANDONED, now - DEAD_AFTER, now - _OLD),
    )


def is_running(database: "Database", connection: Any, number: int) -> bool:
    """As far as anybody has written down."""
    row = database.run(connection, "SELECT state FROM run WHERE id = ?", (number,)).fetchone()
    return row is not None and row[0] == RUNNING


def is_abandoned(state: str, started_at: int, beat_at: int | None, *, now: int) -> bool:
    """Whether a run is given up, be it that nobody has written so yet."""
    if state != RUNNING:
        return state == ABANDONED
    return started_at < now - _OLD if beat_at is None else beat_at < now - DEAD_AFTER


def applied_now(database: "Database", connection: Any, *, but: int, now: int) -> tuple[int, ...]:
    """The plans that living processes send at a person's word. `but`: the run that asks."""
    rows = database.run(
        connection,
        f"SELECT plan FROM run WHERE {unsettled.RUN} AND command = 'apply' AND beat_at >= ? AND id <> ? "
        "AND plan IS NOT NULL",
        (now - DEAD_AFTER, but),
    ).fetchall()
    return tuple(row[0] for row in rows)


def end(
    database: "Database", number: int, *, state: str, at: int, counts: dict[str, Any], plan: int | None = None
) -> None:
    """`state`: done, waits (something is left to a person), failed, part (failed in part), stopped."""
    with database.write() as connection:
        database.run(
            connection,
            "UPDATE run SET state = ?, ended_at = ?, counts = ?, plan = coalesce(?, plan) WHERE id = ?",
            (state, at, dump(counts), plan, number),
        )
