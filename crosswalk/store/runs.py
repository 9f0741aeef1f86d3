"""Runs: what the hub did, when, for whom, and what came of it."""

from typing import Any

from crosswalk.store.codec import dump
from crosswalk.store.dialect import Database


def start(database: Database, *, command: str, trigger: str, who: str, at: int, plan: int | None = None) -> int:
    """A new run; its number is what people call R143."""
    number = database.take_ids("run", 1)[0]
    with database.write() as connection:
        database.insert(
            connection,
            "run",
            ("id", "command", "trigger", "state", "started_at", "plan", "who", "counts"),
            [(number, command, trigger, "running", at, plan, who, dump({}))],
        )
    return number


def end(
    database: Database, number: int, *, state: str, at: int, counts: dict[str, Any], plan: int | None = None
) -> None:
    """`state`: done, waits (something is left to a person), failed, stopped."""
    with database.write() as connection:
        database.run(
            connection,
            "UPDATE run SET state = ?, ended_at = ?, counts = ?, plan = coalesce(?, plan) WHERE id = ?",
            (state, at, dump(counts), plan, number),
        )
