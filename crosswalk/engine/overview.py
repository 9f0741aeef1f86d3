"""Overview: how the house is, and what its runs did. Read from the store alone, and quickly: nobody is asked.

`crosswalk status` is this module and what it imports: neither the engine of the store nor connectors nor mappings.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from crosswalk.engine.spoken import AskError, held_classes, held_words, maybe_spoken, number_of, spoken
from crosswalk.settings.listed import Connected, Listed
from crosswalk.store import unsettled
from crosswalk.store.awaited import Awaited, awaited
from crosswalk.store.budget import Balance, balance
from crosswalk.store.codec import iso, load
from crosswalk.store.coverage import SWEEP
from crosswalk.store.daemons import Daemon, daemons
from crosswalk.store.halts import halt_of
from crosswalk.store.pauses import Pause, pauses
from crosswalk.store.reading import Reading
from crosswalk.store.runs import ABANDONED, is_abandoned

if TYPE_CHECKING:
    from scheduler.triggers import Trigger

# Word for word as the partial index of `action` has it, or SQLite does not use it.
# A pair that has become one by other evidence waits for nobody.
OPEN_PAIRS: Final = (
    'FROM pair p JOIN member a ON a.record = p."left" JOIN member b ON b.record = p."right" '
    "WHERE p.state = 'open' AND a.entity <> b.entity"
)


def status(database: Reading, listed: Listed, *, now: datetime) -> dict[str, Any]:
    """Every connection and stream, and who is waited for. When a connection is due is told while a daemon lives.

    A connection is overdue when the schedule is in force (there has been a daemon) and it has not succeeded for twice
    its interval. `halt`: why what is read is matched and merged no more; None: the last run came to the end of it.
    """
    halt, waited_for = halt_of(database), awaited(database)
    balances = {one.name: balance(database, one.name, now=now) for one in listed.connections}
    with database.read() as connection:
        rows = database.run(connection, "SELECT id, connection, name, swept_at, complete FROM stream").fetchall()
        known = daemons(database, connection)
        held = pauses(database, connection)
        return {
            **_daemons(known, now),
            "halt": None
            if halt is None
            else {"code": halt.code or None, "text": halt.text, "since": iso(halt.at), "run": spoken("run", halt.run)},
            "connections": _connections(database, connection, listed, balances, held, known, now=now),
            "streams": _streams(database, connection, listed, {f"{row[1]}/{row[2]}": row for row in rows}, held),
            "awaited": _awaited(database, connection, waited_for, rows),
            "waiting": waiting(database, connection, {row[0]: f"{row[1]}/{row[2]}" for row in rows}),
        }


def judged(told: Mapping[str, Any]) -> int:
    """What `status` says, as an exit code: 1 something is down, 3 somebody is waited for, else 0."""
    down = any(one["state"] in ("fail", "paused") or one.get("overdue") for one in told["connections"])
    if down or told.get("lost") is not None or told.get("halt") is not None:
        return 1
    return 3 if any(told["waiting"].values()) else 0


def _daemons(known: Sequence[Daemon], now: datetime) -> dict[str, Any]:
    """`daemon`: the one that has lived longest; `daemons`: all that live; `lost`: where none lives, who should."""
    at = int(now.timestamp() * 1000)
    living = [_daemon(one) for one in known if one.lives(at)]
    lost = known[-1] if known and not living and known[-1].ended_at is None else None
    return {
        "daemon": living[0] if living else None,
        "daemons": living,
        "lost": None if lost is None else _daemon(lost),
    }


def _daemon(one: Daemon) -> dict[str, Any]:
    return {"host": one.host, "started_at": iso(one.started_at), "heartbeat_at": iso(one.heartbeat_at)}


def trigger_of(one: Connected, time_zone: str) -> "Trigger":
    """When a connection is due."""
    from scheduler.triggers import Cron, Every  # a status without a daemon need not load them

    if one.due.cron is not None:
        return Cron(one.due.cron, zone=time_zone, name=one.name)
    return Every(timedelta(seconds=one.due.every), name=one.name)


def overdue(trigger: "Trigger", *, every: float | None, good: datetime, now: datetime) -> bool:
    """Has what was last good at `good` not succeeded for twice its interval: `every` seconds, or two slots of cron?"""
    slot = trigger.next(good)
    following = None if slot is None else trigger.next(slot)
    if following is None:
        return False
    return now > following and (every is None or now - good > timedelta(seconds=2 * every))


def _connections(
    database: Reading,
    connection: Any,
    listed: Listed,
    balances: Mapping[str, Balance | None],
    held: Mapping[str, Pause],
    known: Sequence[Daemon],
    *,
    now: datetime,
) -> list[dict[str, Any]]:
    alive = any(one.lives(int(now.timestamp() * 1000)) for one in known)
    rows = database.run(connection, "SELECT name, state, code, detail, last_good_at, since FROM connection").fetchall()
    stored = {row[0]: row for row in rows}
    tries = _tried_again(database, connection) if alive else {}
    told = []
    for one in listed.connections:
        _, state, code, detail, good, since = stored.get(one.name, (one.name, "new", None, None, None, None))
        paused, due, late = held.get(one.name), None, False
        if paused is not None:
            state, code, detail, since = "paused", paused.code or None, paused.text, paused.at
        elif known:
            trigger = trigger_of(one, listed.time_zone)
            due = trigger.next(now) if alive else None
            # Nobody could have succeeded before there was a daemon.
            begun = datetime.fromtimestamp((good or known[0].started_at) / 1000, UTC)
            every = None if one.due.cron is not None else one.due.every
            late = overdue(trigger, every=every, good=begun, now=now)
        next_at = None if due is None else int(due.timestamp() * 1000)
        again = tries.get(one.name)
        if again is not None and (next_at is None or again < next_at):
            next_at = again
        else:
            again = None
        left = balances[one.name]
        told.append(
            {
                "name": one.name,
                "connector": one.connector,
                "state": state,
                "code": code,
                "text": detail or "",
                "detail": detail or "",
                "since": iso(since),
                "who": "" if paused is None else paused.who,
                "overdue": late,
                "last_good_at": iso(good),
                "next_at": iso(next_at),
                "again_at": iso(again),  # what failed is tried before its next slot
                "budget": None
                if left is None
                else {
                    "left": left.remaining,
                    "limit": left.allowance,
                    "reserve": left.reserve,
                    "unit": one.unit,
                    "share": left.remaining / left.allowance if left.allowance else 0.0,
                    "resets_at": iso(int(left.resets_at.timestamp() * 1000)),
                },
            }
        )
    return told


def _tried_again(database: Reading, connection: Any) -> dict[str, int]:
    """When the last slot of a job that failed is tried again, by job."""
    rows = database.run(
        connection,
        "SELECT job, again_at FROM slot s WHERE again_at IS NOT NULL "
        "AND at = (SELECT max(at) FROM slot o WHERE o.job = s.job)",
    ).fetchall()
    return {row[0]: int(row[1]) for row in rows}


def _streams(
    database: Reading, connection: Any, listed: Listed, rows: Mapping[str, Sequence[Any]], held: Mapping[str, Pause]
) -> list[dict[str, Any]]:
    addresses = [f"{one.name}/{stream}" for one in listed.connections for stream in one.streams]
    ids = [rows[address][0] for address in addresses if address in rows]
    parts: dict[int, list[Any]] = {}
    sweeps: dict[int, dict[str, int]] = {}
    for row in database.select(
        connection,
        "SELECT stream, name, covered_from, covered_to, total, complete, position FROM part WHERE",
        "stream",
        ids,
    ):
        if row[1] == SWEEP:
            if row[6] is not None:
                sweeps[row[0]] = {"listed": int(row[4]), "held": int(load(bytes(row[6]))["held"])}
        elif not row[1].startswith("~"):
            parts.setdefault(row[0], []).append(row)
    counts = count_records(database, connection, ids)
    told = []
    for address in addresses:
        # One that the file has just begun to list has no row yet.
        number, _, _, swept, complete = rows.get(address, (0, "", "", None, False))
        mine, paused = parts.get(number, []), held.get(address)
        ends, totals = [row[3] for row in mine], [row[4] for row in mine]
        begins = [row[2] for row in mine]
        total = sum(totals) if totals and None not in totals else None
        count = counts.get(number, 0)
        told.append(
            {
                "stream": address,
                "records": count,
                # Known as of the part that was read last of all; without one that began late: from the beginning.
                "covered_from": iso(max(begins)) if begins and None not in begins else None,
                "covered_to": iso(min(ends)) if ends and None not in ends else None,
                # A window of changes tells how many have changed: of the whole stream that says nothing.
                "total": total if total is not None and total >= count else None,
                "parts": len(mine),
                "complete": bool(complete) and bool(mine) and all(row[5] for row in mine),
                "swept_at": iso(swept),
                # What the vendor listed when it was last asked for every record, and what of that is held.
                "swept": sweeps.get(number),
                "paused": None if paused is None else {"who": paused.who, "since": iso(paused.at)},
            }
        )
    return told


def _awaited(
    database: Reading, connection: Any, found: Mapping[str, Awaited], rows: Iterable[Any]
) -> list[dict[str, Any]]:
    """Streams without which something cannot be made, and up to when they have been read. `creates`: how many wait;
    None: all of their kind."""
    numbers = {f"{row[1]}/{row[2]}": row[0] for row in rows}
    read = dict(
        database.select(
            connection, "SELECT stream, max(covered_to) FROM part WHERE", "stream",
            [numbers[address] for address in found if address in numbers], "GROUP BY stream",
        )
    )  # fmt: skip
    return [
        {
            "stream": address,
            "creates": one.creates,
            "since": iso(one.since),
            "read_to": iso(read.get(numbers.get(address, 0))),
        }
        for address, one in sorted(found.items())
    ]


def count_records(database: Reading, connection: Any, streams: Iterable[int]) -> dict[int, int]:
    """Records held of each stream, gone ones too: counted in the index, since the table is ten times as wide."""
    found = {}
    for stream in streams:
        row = database.run(connection, "SELECT count(*) FROM record WHERE stream = ?", (stream,)).fetchone()
        found[stream] = int(row[0])
    return found


def count_conflicts(database: Reading, connection: Any) -> int:
    return _count(database, connection, "FROM conflict WHERE state = 'open'")


def count_pairs(database: Reading, connection: Any) -> int:
    return _count(database, connection, OPEN_PAIRS)


def _count(database: Reading, connection: Any, rest: str) -> int:
    return int(database.run(connection, f"SELECT count(*) {rest}").fetchone()[0])


def waiting(database: Reading, connection: Any, addresses: Mapping[int, str]) -> dict[str, Any]:
    """What only a person can move on. `approvals`: writes of a plan that are held, by class.

    `addresses`: of streams, by their number.
    """
    rows = database.run(
        connection,
        "SELECT plan, stream, op, held_by, count(*) FROM action "
        f"WHERE {unsettled.ACTION} AND state = 'held' GROUP BY plan, stream, op, held_by ORDER BY plan, stream, op",
    ).fetchall()
    approvals: dict[tuple[int, str], dict[str, Any]] = {}
    for plan, stream_id, op, held_by, count in rows:
        for klass in held_classes(op, held_by):
            one = approvals.setdefault(
                (plan, klass), {"plan": spoken("plan", plan), "class": klass, "count": 0, "streams": [], "why": []}
            )
            one["count"] += count
            one["streams"] = sorted({*one["streams"], addresses.get(stream_id, "?")})
            one["why"] = sorted({*one["why"], *held_words(held_by)})
    return {
        "approvals": list(approvals.values()),
        "conflicts": count_conflicts(database, connection),
        "pairs": count_pairs(database, connection),
        "dead_letters": _count(database, connection, f"FROM dead_letter WHERE {unsettled.LETTER} AND state = 'open'"),
    }


# -- runs ----------------------------------------------------------------------------------------------------

_RUN: Final = "SELECT id, command, trigger, state, started_at, ended_at, plan, who, counts, beat_at FROM run"


def runs(database: Reading, limit: int = 20, run: int | str | None = None, *, now: datetime) -> dict[str, Any]:
    """The last runs, newest first (`limit` 0: all), or one with what it did stream by stream."""
    at = int(now.timestamp() * 1000)
    with database.read() as connection:
        if run is None:
            rows = database.run(
                connection, f"{_RUN} ORDER BY id DESC LIMIT ?", (limit if limit > 0 else 1_000_000,)
            ).fetchall()
            total = _count(database, connection, "FROM run")
            return {"runs": [_run(row, at) for row in rows], "streams": [], "left_out": total - len(rows)}
        number = number_of("run", run)
        row = database.run(connection, f"{_RUN} WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise AskError(f"there is no run {spoken('run', number)}", hint="crosswalk runs lists the last ones")
    told = _run(row, at)
    return {"runs": [told], "streams": told["streams"], "left_out": 0}


def _run(row: Any, now: int) -> dict[str, Any]:
    number, command, trigger, state, started, ended, plan, who, stored, beat = row
    if is_abandoned(state, started, beat, now=now):
        state, ended = ABANDONED, ended or beat or started
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
        "connections": sorted({one["stream"].partition("/")[0] for one in streams} | set(counts.get("asked") or ())),
        "streams": streams,
        **{name: int(counts.get(name) or 0) for name in ("read", "changed", "written", "moved", "aside", "waiting")},
    }
