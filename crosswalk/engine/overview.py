"""Overview: how the house is, and what its runs did. Read from the store alone, and quickly: nobody is asked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from crosswalk.engine.model import House
from crosswalk.engine.review import count_conflicts, count_pairs
from crosswalk.engine.words import AskError, held_class, held_words, maybe_spoken, number_of, spoken
from crosswalk.store import meta
from crosswalk.store.budget import Budgets
from crosswalk.store.codec import iso, load

if TYPE_CHECKING:
    from crosswalk.settings.model import HubSettings
    from scheduler.triggers import Trigger

# Where the daemon writes {"host", "started_at", "heartbeat_at"}, times in milliseconds.
DAEMON: Final = "daemon"
_DEAD_AFTER: Final = timedelta(seconds=60)
_EVERY: Final = timedelta(minutes=15)
# Word for word as the partial index of `action` has it, or SQLite does not use it.
_IS_OPEN: Final = "state IN ('planned','held','leased','sent','unknown','later')"


def status(house: House, *, exit_code: bool = False) -> dict[str, Any]:
    """Every connection and stream, and who is waited for. When a connection is due is told while a daemon lives.

    With `exit_code` the answer judges the whole house: 1 something is down, 3 somebody is waited for, else 0.
    """
    daemon = _daemon(house)
    with house.database.read() as connection:
        told: dict[str, Any] = {
            "daemon": daemon,
            "connections": _connections(house, connection, alive=daemon is not None),
            "streams": _streams(house, connection),
            "waiting": waiting(house, connection),
        }
    if exit_code:
        down = any(one["state"] in ("fail", "paused") for one in told["connections"])
        told["exit_code"] = 1 if down else 3 if any(told["waiting"].values()) else 0
    return told


def _daemon(house: House) -> dict[str, Any] | None:
    """The one that beats now; a dead one is none."""
    stored = meta.get(house.database, DAEMON)
    if stored is None:
        return None
    told = load(stored)
    if house.now() - told["heartbeat_at"] > _DEAD_AFTER.total_seconds() * 1000:
        return None
    return {
        "host": told["host"], "started_at": iso(told["started_at"]), "heartbeat_at": iso(told["heartbeat_at"]),
    }  # fmt: skip


def trigger_of(settings: "HubSettings", name: str) -> "Trigger":
    """When a connection is due: by a schedule of its own, else by that of the hub."""
    from scheduler.triggers import Cron, Every  # a status without a daemon need not load them

    told = settings.connections[name].schedule or settings.schedule
    if told.cron is not None:
        return Cron(told.cron, zone=settings.time_zone, name=name)
    return Every(told.every or settings.schedule.every or _EVERY, name=name)


def _connections(house: House, connection: Any, *, alive: bool) -> list[dict[str, Any]]:
    rows = house.database.run(
        connection, "SELECT name, state, code, detail, last_good_at, since FROM connection"
    ).fetchall()
    known = {row[0]: row for row in rows}
    budgets = Budgets(house.database, house.clock)
    told = []
    for name, link in house.links.items():
        _, state, code, detail, good, since = known.get(name, (name, "new", None, None, None, None))
        due = trigger_of(house.settings, name).next(house.clock()) if alive and house.settings is not None else None
        balance = budgets.balance(name)
        told.append(
            {
                "name": name,
                "connector": link.connector.name,
                "state": state,
                "code": code,
                "text": detail or "",
                "detail": detail or "",
                "since": iso(since),
                "last_good_at": iso(good),
                "next_at": None if due is None else iso(int(due.timestamp() * 1000)),
                "budget": None
                if balance is None
                else {
                    "left": balance.remaining,
                    "limit": balance.allowance,
                    "reserve": balance.reserve,
                    "unit": link.unit,
                    "share": balance.remaining / balance.allowance if balance.allowance else 0.0,
                    "resets_at": iso(int(balance.resets_at.timestamp() * 1000)),
                },
            }
        )
    return told


def _streams(house: House, connection: Any) -> list[dict[str, Any]]:
    database = house.database
    ids = [stream.id for stream in house.streams.values()]
    swept = dict(database.select(connection, "SELECT id, swept_at FROM stream WHERE", "id", ids))
    parts: dict[int, list[Any]] = {}
    for row in database.select(
        connection, "SELECT stream, name, covered_from, covered_to, total, complete FROM part WHERE", "stream", ids
    ):
        if not row[1].startswith("~"):
            parts.setdefault(row[0], []).append(row)
    counts = count_records(house, connection)
    told = []
    for stream in house.streams.values():
        mine = parts.get(stream.id, [])
        ends, totals = [row[3] for row in mine], [row[4] for row in mine]
        begins = [row[2] for row in mine]
        total = sum(totals) if totals and None not in totals else None
        held = counts.get(stream.id, 0)
        told.append(
            {
                "stream": stream.address,
                "records": held,
                # Known as of the part that was read last of all; without one that began late: from the beginning.
                "covered_from": iso(max(begins)) if begins and None not in begins else None,
                "covered_to": iso(min(ends)) if ends and None not in ends else None,
                # A window of changes tells how many have changed: of the whole stream that says nothing.
                "total": total if total is not None and total >= held else None,
                "parts": len(mine),
                "complete": stream.complete and bool(mine) and all(row[5] for row in mine),
                "swept_at": iso(swept.get(stream.id)),
            }
        )
    return told


def count_records(house: House, connection: Any) -> dict[int, int]:
    """Records held of each stream, gone ones too: counted in the index, since the table is ten times as wide."""
    found = {}
    for stream in house.streams.values():
        row = house.database.run(connection, "SELECT count(*) FROM record WHERE stream = ?", (stream.id,))
        found[stream.id] = int(row.scalar() or 0)
    return found


def waiting(house: House, connection: Any) -> dict[str, Any]:
    """What only a person can move on. `approvals`: writes of a plan that are held, by class."""
    rows = house.database.run(
        connection,
        "SELECT plan, stream, op, held_by, count(*) FROM action "
        f"WHERE {_IS_OPEN} AND state = 'held' GROUP BY plan, stream, op, held_by ORDER BY plan, stream, op",
    ).fetchall()
    approvals: dict[tuple[int, str], dict[str, Any]] = {}
    for plan, stream_id, op, held_by, count in rows:
        klass = held_class(op, held_by)
        one = approvals.setdefault(
            (plan, klass), {"plan": spoken("plan", plan), "class": klass, "count": 0, "streams": [], "why": []}
        )
        stream = house.by_id(stream_id)
        one["count"] += count
        one["streams"] = sorted({*one["streams"], stream.address if stream is not None else "?"})
        one["why"] = sorted({*one["why"], *held_words(held_by)})
    letters = house.database.run(connection, "SELECT count(*) FROM dead_letter WHERE state = 'open'").scalar()
    return {
        "approvals": list(approvals.values()),
        "conflicts": count_conflicts(house, connection),
        "pairs": count_pairs(house, connection),
        "dead_letters": int(letters or 0),
    }


# -- runs ----------------------------------------------------------------------------------------------------

_RUN: Final = "SELECT id, command, trigger, state, started_at, ended_at, plan, who, counts FROM run"


def runs(house: House, limit: int = 20, run: int | str | None = None) -> dict[str, Any]:
    """The last runs, newest first (`limit` 0: all), or one with what it did stream by stream."""
    with house.database.read() as connection:
        if run is None:
            rows = house.database.run(
                connection, f"{_RUN} ORDER BY id DESC LIMIT ?", (limit if limit > 0 else 1_000_000,)
            ).fetchall()
            total = int(house.database.run(connection, "SELECT count(*) FROM run").scalar() or 0)
            return {"runs": [_run(row) for row in rows], "streams": [], "left_out": total - len(rows)}
        number = number_of("run", run)
        row = house.database.run(connection, f"{_RUN} WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise AskError(f"there is no run {spoken('run', number)}", hint="crosswalk runs lists the last ones")
    told = _run(row)
    return {"runs": [told], "streams": told["streams"], "left_out": 0}


def _run(row: Any) -> dict[str, Any]:
    number, command, trigger, state, started, ended, plan, who, stored = row
    counts: Mapping[str, Any] = load(bytes(stored))
    streams = [{"stream": address, **done} for address, done in sorted((counts.get("streams") or {}).items())]
    return {
        "id": spoken("run", number),
        "trigger": trigger,
        "command": command,
        "state": state,
        "started_at": iso(started),
        "seconds": None if ended is None else (ended - started) / 1000,
        "plan": maybe_spoken("plan", plan),
        "who": who or "",
        "connections": sorted({one["stream"].partition("/")[0] for one in streams}),
        "streams": streams,
        **{name: int(counts.get(name) or 0) for name in ("read", "changed", "written", "moved", "aside", "waiting")},
    }
