"""Plans and their actions: what is to be written at a vendor, until it is known what became of it.

An action is open while it is planned, held, leased, sent, unknown or later; unique indexes allow one open action per
target record and one open create per stream and entity. Closed: acked, moved (planned anew), rejected (a dead
letter), dropped (superseded by a newer plan). Proposed: of an undo; it waits for a person, and nothing waits for it.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from msgspec import Struct, field

from crosswalk.store import unsettled
from crosswalk.store.codec import dump, load
from crosswalk.store.dialect import Database

_COLUMNS: Final = (
    "id", "plan", "stream", "record", "entity", "op", "hub_id", "fields", "expects", "seen", "state", "held_by",
    "reason",
)  # fmt: skip
_READ: Final = ", ".join((*_COLUMNS, "attempts", "sent_at", "due"))


class Action(Struct):
    """One write of one target record. `fields`: per field what stood, what shall stand, what the hub holds, and why."""

    plan: int
    stream: int
    record: int | None
    entity: int
    op: str
    fields: list[dict[str, Any]]
    hub_id: str | None = None
    expects: str | None = None
    state: str = "planned"
    held_by: str | None = None
    id: int = 0
    attempts: int = 0
    sent_at: int | None = None
    due: int | None = None
    reason: str | None = None  # of one that changes no field: why; of any: what became of it
    origin: int | None = None  # of one that changes no field: the record that it follows, while it is planned
    seen: int = 0  # once it was sent: records with a higher number were not known then
    classes: set[str] = field(default_factory=set)

    def row(self) -> tuple[Any, ...]:
        return (
            self.id, self.plan, self.stream, self.record, self.entity, self.op, self.hub_id, dump(self.fields),
            self.expects, None, self.state, self.held_by, self.reason,
        )  # fmt: skip


def _action(row: Sequence[Any]) -> Action:
    return Action(
        id=row[0], plan=row[1], stream=row[2], record=row[3], entity=row[4], op=row[5], hub_id=row[6],
        fields=load(bytes(row[7])), expects=row[8], state=row[10], held_by=row[11], reason=row[12],
        attempts=row[13], sent_at=row[14], due=row[15], seen=0 if row[9] is None else int(bytes(row[9])),
    )  # fmt: skip


def add(database: Database, connection: Any, actions: Sequence[Action]) -> None:
    """Store new actions; their ids have been taken before the transaction."""
    database.insert(connection, "action", _COLUMNS, [action.row() for action in actions])


def early_creates(
    database: Database, connection: Any, streams: Sequence[int], *, but: Collection[int] = ()
) -> list[int]:
    """Entities of which a create is planned that nobody has begun. `but`: plans that somebody applies just now."""
    clause, values = _early(streams, but)
    rows = database.run(connection, f"SELECT entity FROM action WHERE op = 'create' AND {clause}", values).fetchall()
    return [row[0] for row in rows]


def drop_early(database: Database, connection: Any, streams: Sequence[int], *, but: Collection[int] = ()) -> None:
    """What older plans wanted and nobody has begun: a newer plan says it anew, or no longer."""
    clause, values = _early(streams, but)
    database.run(connection, f"UPDATE action SET state = 'dropped' WHERE {clause}", values)


def _early(streams: Sequence[int], but: Collection[int]) -> tuple[str, tuple[int, ...]]:
    marks = ", ".join("?" * len(streams)) or "NULL"
    clause = f"{unsettled.ACTION} AND state IN ('planned', 'held', 'later') AND stream IN ({marks})"
    if but:
        clause += f" AND plan NOT IN ({', '.join('?' * len(but))})"
    return clause, (*streams, *but)


def drop_of_records(database: Database, connection: Any, records: Sequence[int]) -> None:
    """What is planned for these records and nobody has begun makes room for something else."""
    rows = database.select(
        connection,
        f"SELECT id FROM action WHERE {unsettled.ACTION} AND state IN ('planned', 'held', 'later') AND",
        "record",
        records,
    )
    database.run_many(connection, "UPDATE action SET state = 'dropped' WHERE id = ?", [(row[0],) for row in list(rows)])


def drop_of_entity(database: Database, connection: Any, entity: int, records: Sequence[int]) -> None:
    """An entity is not what it was when this was planned, for these records and those that it was to be made in."""
    drop_of_records(database, connection, records)
    database.run(
        connection,
        "UPDATE action SET state = 'dropped' WHERE entity = ? AND op = 'create' "
        f"AND {unsettled.ACTION} AND state IN ('planned', 'held', 'later')",
        (entity,),
    )


def _under_way(but: Collection[int]) -> str:
    """Begun, or in a plan that somebody applies just now."""
    begun = "state IN ('leased', 'sent', 'unknown')"
    if but:
        begun = f"({begun} OR (plan IN ({', '.join('?' * len(but))}) AND state IN ('planned', 'held', 'later')))"
    return f"{unsettled.ACTION} AND {begun}"


def busy(database: Database, connection: Any, records: Sequence[int], *, but: Collection[int] = ()) -> set[int]:
    """Records with a write under way. `but`: plans that somebody applies just now."""
    return {
        row[0]
        for row in database.select(
            connection, f"SELECT record FROM action WHERE {_under_way(but)} AND", "record", records, first=tuple(but)
        )
    }


def creating(
    database: Database, connection: Any, stream: int, entities: Sequence[int], *, but: Collection[int] = ()
) -> set[int]:
    """Entities of which a create in this stream is under way. `but`: plans that somebody applies just now."""
    return {
        row[0]
        for row in database.select(
            connection,
            f"SELECT entity FROM action WHERE op = 'create' AND stream = ? AND {_under_way(but)} AND",
            "entity",
            entities,
            first=(stream, *but),
        )
    }


def hand_over(database: Database, connection: Any, stays: int, goes: int, streams: Sequence[int]) -> None:
    """Two entities are one: creates begun for the one are the other's now, those that were not begun are dropped."""
    for stream in streams:
        running = {
            row[0]: (row[1], row[2])
            for row in database.run(
                connection,
                "SELECT id, entity, state FROM action WHERE stream = ? AND entity IN (?, ?) AND op = 'create' "
                f"AND {unsettled.ACTION}",
                (stream, stays, goes),
            ).fetchall()
        }
        mine = [number for number, (entity, _) in running.items() if entity == goes]
        if not mine:
            continue
        begun = [number for number in mine if running[number][1] in ("leased", "sent", "unknown")]
        dropped = [number for number in running if running[number][1] not in ("leased", "sent", "unknown")]
        database.run_many(connection, "UPDATE action SET state = 'dropped' WHERE id = ?", [(one,) for one in dropped])
        if any(entity == stays and number not in dropped for number, (entity, _) in running.items()):
            continue  # both are under way: what comes of the second is found by its identifiers
        database.run_many(connection, "UPDATE action SET entity = ? WHERE id = ?", [(stays, one) for one in begun])
    # What came to nothing is part of who they are now, and goes with them when they are erased; never under its hub id.
    database.run(
        connection,
        "UPDATE action SET entity = ?, hub_id = NULL WHERE entity = ? AND op = 'create' "
        "AND state IN ('dropped', 'rejected', 'moved')",
        (stays, goes),
    )


def minted(database: Database, connection: Any, stream: int, entities: Sequence[int]) -> dict[int, str]:
    """Hub ids of creates that came to nothing so far: the next try goes under the same.

    One that did make a record stays with that record, also where matching has given it to another entity since, or it
    was deleted and the entity is to be made once more; whatever earlier tries went under it.
    """
    creates = list(
        database.select(
            connection,
            "SELECT entity, hub_id, state FROM action WHERE op = 'create' AND hub_id IS NOT NULL AND stream = ? AND",
            "entity",
            entities,
            "ORDER BY id",
            first=(stream,),
        )
    )
    taken = {hub_id for _, hub_id, state in creates if state == "acked"}
    open_ids = sorted({hub_id for _, hub_id, _ in creates} - taken)
    rows = database.select(
        connection, "SELECT hub_id FROM record WHERE stream = ? AND", "hub_id", open_ids, first=(stream,)
    )
    taken.update(row[0] for row in rows)
    return {entity: hub_id for entity, hub_id, _ in creates if hub_id not in taken}


def of_plan(
    database: Database, connection: Any, plan: int, *, states: Sequence[str] | None = None, stream: int | None = None
) -> list[Action]:
    only = ""
    values: list[Any] = [plan]
    if states is not None:
        only += f" AND state IN ({', '.join('?' * len(states))})"
        values += list(states)
    if stream is not None:
        only += " AND stream = ?"
        values.append(stream)
    rows = database.run(connection, f"SELECT {_READ} FROM action WHERE plan = ?{only} ORDER BY id", values).fetchall()
    return [_action(row) for row in rows]


def count(database: Database, connection: Any, plan: int, state: str) -> int:
    """How many actions of a plan are in this state."""
    found = database.run(connection, "SELECT count(*) FROM action WHERE plan = ? AND state = ?", (plan, state))
    return int(found.scalar())


def one(database: Database, connection: Any, number: int) -> Action | None:
    row = database.run(connection, f"SELECT {_READ} FROM action WHERE id = ?", (number,)).fetchone()
    return None if row is None else _action(row)


def loose(database: Database, connection: Any, stream: int) -> list[Action]:
    """Actions of this stream that somebody began and nobody ended."""
    rows = database.run(
        connection,
        f"SELECT {_READ} FROM action WHERE stream = ? AND {_under_way(())} ORDER BY id",
        (stream,),
    ).fetchall()
    return [_action(row) for row in rows]


def move(
    database: Database,
    connection: Any,
    actions: Iterable[Action],
    state: str,
    *,
    reason: str | None = None,
    due: int | None = None,
) -> None:
    numbers = [action.id for action in actions]
    database.run_many(
        connection,
        "UPDATE action SET state = ?, reason = ?, due = ? WHERE id = ?",
        [(state, reason, due, number) for number in numbers],
    )


def set_fields(database: Database, connection: Any, actions: Iterable[Action]) -> None:
    """What of planned actions is to be sent after all."""
    changed = [(dump(action.fields), action.id) for action in actions]
    database.run_many(connection, "UPDATE action SET fields = ? WHERE id = ?", changed)


def mark_sent(database: Database, connection: Any, actions: Sequence[Action], *, at: int, run: int) -> list[Action]:
    """Committed before anything leaves this machine. Those that are still to be sent: another plan or process may have
    ended some since they were read. `seen` is the last number that a record had been given by then."""
    upcoming = database.run(connection, "SELECT next FROM sequence WHERE name = 'record'").scalar() or 1
    expected = sorted((action.id, action.expects) for action in actions)
    database.run_many(
        connection,
        "UPDATE action SET expects = ? WHERE id = ? AND state = 'planned'",
        [(expects, number) for number, expects in expected],
    )
    entities = {
        row[0]: row[1]
        for row in database.select(
            connection,
            "UPDATE action SET state = 'sent', sent_at = ?, attempts = attempts + 1, run = ?, seen = ? "
            "WHERE state = 'planned' AND",
            "id",
            [number for number, _ in expected],
            "RETURNING id, entity",
            first=(at, run, str(upcoming - 1).encode()),
        )
    }
    taken = [action for action in actions if action.id in entities]
    for action in taken:
        action.entity = entities[action.id]
    return taken


def acknowledge(database: Database, connection: Any, told: Iterable[tuple[Action, int, str | None]]) -> None:
    """These have arrived: each with its record, and the version that it was left as, by which it is seen whether
    somebody has touched it since."""
    database.run_many(
        connection,
        "UPDATE action SET state = 'acked', reason = NULL, due = NULL, record = ?, expects = ? WHERE id = ?",
        [(record, version, action.id) for action, record, version in told],
    )


def release(database: Database, connection: Any, plan: int, held_by: str, *, stream: int | None = None) -> int:
    """A person lets through what waits for this reason; how many. What waits for another one too goes on waiting."""
    only, values = ("", ()) if stream is None else (" AND stream = ?", (stream,))
    rows = database.run(
        connection, f"SELECT id, held_by FROM action WHERE plan = ? AND state = 'held'{only}", (plan, *values)
    ).fetchall()
    released = []
    for number, held in rows:
        reasons = held.split(",")
        if held_by in reasons:
            rest = [one for one in reasons if one != held_by]
            released.append(("held" if rest else "planned", ",".join(rest) or None, number))
    database.run_many(connection, "UPDATE action SET state = ?, held_by = ? WHERE id = ? AND state = 'held'", released)
    return len(released)


# -- plans -----------------------------------------------------------------------------------------------------


class Plan(Struct):
    """A stored plan. `detail`: counts, guards, forecast, conflicts as they were when it was made.

    `state`: open, applied, superseded; proposed of an undo, which no newer plan supersedes.
    """

    id: int
    state: str
    created_at: int
    expires_at: int
    hash: str
    settings: str
    run: int | None
    detail: dict[str, Any]


def add_plan(database: Database, connection: Any, plan: Plan) -> None:
    database.insert(
        connection,
        "plan",
        ("id", "state", "created_at", "expires_at", "hash", "settings", "run", "detail"),
        [
            (
                plan.id, plan.state, plan.created_at, plan.expires_at, plan.hash, plan.settings, plan.run,
                dump(plan.detail),
            )
        ],
    )  # fmt: skip


def load_plan(database: Database, connection: Any, number: int) -> Plan | None:
    row = database.run(
        connection,
        "SELECT id, state, created_at, expires_at, hash, settings, run, detail FROM plan WHERE id = ?",
        (number,),
    ).fetchone()
    if row is None:
        return None
    number, state, created_at, expires_at, sign, settings, run, detail = row
    return Plan(number, state, created_at, expires_at, sign, settings, run, load(bytes(detail)))


def open_plan(database: Database, connection: Any) -> Plan | None:
    """The newest open plan; there is one at the most."""
    row = database.run(connection, f"SELECT max(id) FROM plan WHERE {unsettled.PLAN}").fetchone()
    return None if row is None or row[0] is None else load_plan(database, connection, row[0])


def begun(database: Database, connection: Any, number: int) -> bool:
    """Has anything of this plan been sent, or let through by a person?"""
    row = database.run(
        connection,
        "SELECT 1 FROM action WHERE plan = ? AND state NOT IN ('planned', 'held') "
        "UNION ALL SELECT 1 FROM approval WHERE plan = ? LIMIT 1",
        (number, number),
    ).fetchone()
    return row is not None


def close_plans(database: Database, connection: Any, *, but: Collection[int]) -> None:
    """Older open plans are superseded by these."""
    marks = ", ".join("?" * len(but))
    database.run(
        connection, f"UPDATE plan SET state = 'superseded' WHERE {unsettled.PLAN} AND id NOT IN ({marks})", tuple(but)
    )


def settle_plan(database: Database, connection: Any, number: int) -> None:
    """A plan of which nothing is left to send is applied."""
    database.run(
        connection,
        "UPDATE plan SET state = 'applied' WHERE id = ? AND NOT EXISTS (SELECT 1 FROM action WHERE plan = ? "
        "AND state IN ('planned', 'held', 'leased', 'sent', 'unknown', 'later', 'proposed'))",
        (number, number),
    )


# -- what was written --------------------------------------------------------------------------------------------

JOURNAL_COLUMNS: Final = ("run", "action", "plan", "record", "entity", "at", "op", "fields")


def journal(
    database: Database,
    connection: Any,
    written: Sequence[tuple[Action, int]],
    *,
    run: int,
    at: int,
    op: str | None = None,
) -> None:
    """One row per remote write and the record that it went to, in the transaction that takes note of its answer. `op`:
    what all of them are noted as, where that is not what was sent."""
    database.insert(
        connection,
        "journal",
        JOURNAL_COLUMNS,
        [
            (run, action.id, action.plan, record, action.entity, at, op or action.op, dump(action.fields))
            for action, record in written
        ],
    )
