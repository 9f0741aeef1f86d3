"""Conflicts: fields on which sides disagree, until their inputs change or a person decides."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from crosswalk.store.codec import dump, load
from crosswalk.store.connections import Connection
from crosswalk.store.dialect import Database


class Found(NamedTuple):
    """What a merge says of one field: in conflict (`detail`), or not (any more)."""

    entity: int
    field: str
    inputs: bytes
    detail: dict[str, Any] | None


def save(database: Database, connection: Connection, found: Sequence[Found], *, at: int, run: int) -> int:
    """Open, renew and close conflicts; how many are new."""
    if not found:
        return 0
    held = {
        (row[1], row[2]): (row[0], bytes(row[3]), bool(load(bytes(row[4])).get("frozen")))
        for row in database.select(
            connection,
            "SELECT id, entity, field, inputs, detail FROM conflict WHERE state = 'open' AND",
            "entity",
            list({one.entity for one in found}),
        )
    }
    new = 0
    for one in found:
        known = held.get((one.entity, one.field))
        if known is not None and known[2]:
            continue  # a person alone lets it go on
        if one.detail is None:
            if known is not None:
                database.run(connection, "UPDATE conflict SET state = 'gone' WHERE id = ?", (known[0],))
        elif known is None:
            database.insert(
                connection,
                "conflict",
                ("entity", "field", "state", "inputs", "detail", "run", "at"),
                [(one.entity, one.field, "open", one.inputs, dump(one.detail), run, at)],
            )
            new += 1
        elif known[1] != one.inputs:
            database.run(
                connection,
                "UPDATE conflict SET inputs = ?, detail = ?, at = ? WHERE id = ?",
                (one.inputs, dump(one.detail), at, known[0]),
            )
    return new


def decide(database: Database, connection: Connection, number: int, decision: dict[str, Any], *, at: int) -> bool:
    """A person's word; the next settle uses it. False: it is not open any more, another has answered it meanwhile.

    `at`: milliseconds, kept with the word.
    """
    row = database.run(
        connection,
        "UPDATE conflict SET state = 'decided', decision = ?, who = ? WHERE id = ? AND state = 'open' RETURNING id",
        (dump({**decision, "at": at}), decision["who"], number),
    ).fetchone()
    return row is not None


def decisions(database: Database, connection: Connection, entities: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Decisions of people that have not been used yet, by entity and field.

    `about`: what each record showed then; of a field that is frozen, which goes on changing meanwhile, nothing.
    """
    found: dict[int, dict[str, Any]] = {}
    for entity, field, decision, detail in database.select(
        connection,
        "SELECT entity, field, decision, detail FROM conflict WHERE state = 'decided' AND",
        "entity",
        entities,
        "ORDER BY id",
    ):
        told = load(bytes(detail))
        about = {} if told.get("frozen") else {side["record"]: side["value"] for side in told.get("sides") or ()}
        found.setdefault(entity, {})[field] = {**load(bytes(decision)), "about": about}
    return found


class Kept(NamedTuple):
    """Somebody said that each side keeps its own. `shown`: what each record showed, `value`: what the hub held."""

    shown: Mapping[int, Any]
    value: Any
    who: str


def kept(database: Database, connection: Connection, entities: Sequence[int]) -> dict[int, dict[str, Kept]]:
    """By entity and field, where the last word of a person was that each side keeps its own."""
    found: dict[int, dict[str, Kept]] = {}
    for entity, field, decision in database.select(
        connection,
        "SELECT entity, field, decision FROM conflict WHERE state = 'used' AND",
        "entity",
        entities,
        "ORDER BY id",
    ):
        told = load(bytes(decision))
        if "shown" in told:
            found.setdefault(entity, {})[field] = Kept(dict(told["shown"]), told["value"], told["who"])
        else:
            found.get(entity, {}).pop(field, None)
    return {entity: fields for entity, fields in found.items() if fields}


def hand_on(database: Database, connection: Connection, entity: int, to: int, records: Collection[int]) -> None:
    """Records leave an entity: decisions to take what one of them shows go with it, and those that keep several of
    them as they are with these."""
    going: list[int] = []
    as_well: list[int] = []
    for number, state, detail, decision in database.run(
        connection,
        "SELECT id, state, detail, decision FROM conflict WHERE entity = ? AND state IN ('decided', 'used')",
        (entity,),
    ).fetchall():
        told = load(bytes(decision))
        if told["take"] != "keep":
            if state == "decided" and told.get("record") in records:
                going.append(number)
            continue
        if state == "used":
            about = [record for record, _ in told.get("shown") or ()]
        else:
            about = [side["record"] for side in load(bytes(detail)).get("sides") or ()]
        theirs = sum(record in records for record in about)
        if theirs > 1:
            (as_well if len(about) - theirs > 1 else going).append(number)
    columns = "field, state, inputs, detail, run, at, decision, who"
    database.run_many(
        connection,
        f"INSERT INTO conflict (entity, {columns}) SELECT ?, {columns} FROM conflict WHERE id = ?",
        [(to, number) for number in as_well],
    )
    database.run_many(connection, "UPDATE conflict SET entity = ? WHERE id = ?", [(to, number) for number in going])


def use(
    database: Database, connection: Connection, entity: int, field: str, *, shown: Mapping[int, Any] | None = None
) -> None:
    """What was decided has been merged. `shown`: what each record shows, where all stay as they are; see `kept`."""
    if shown is not None:
        for number, decision in database.run(
            connection,
            "SELECT id, decision FROM conflict WHERE entity = ? AND field = ? AND state = 'decided'",
            (entity, field),
        ).fetchall():
            told = dump({**load(bytes(decision)), "shown": list(shown.items())})
            database.run(connection, "UPDATE conflict SET decision = ? WHERE id = ?", (told, number))
    _close(database, connection, entity, field, "used")


def give_up(database: Database, connection: Connection, entity: int, field: str) -> None:
    """What was decided is about values that are there no more: where there is still something to decide, it is asked
    anew."""
    _close(database, connection, entity, field, "gone")


def _close(database: Database, connection: Connection, entity: int, field: str, state: str) -> None:
    database.run(
        connection,
        "UPDATE conflict SET state = ? WHERE entity = ? AND field = ? AND state = 'decided'",
        (state, entity, field),
    )


def frozen_fields(database: Database, connection: Connection, entities: Sequence[int]) -> dict[int, set[str]]:
    """Fields that a vendor rewrites whenever they are written: neither merged nor written until somebody decides."""
    found: dict[int, set[str]] = {}
    for entity, field, detail in database.select(
        connection, "SELECT entity, field, detail FROM conflict WHERE state = 'open' AND", "entity", entities
    ):
        if load(bytes(detail)).get("frozen"):
            found.setdefault(entity, set()).add(field)
    return found


def thaw(database: Database, connection: Connection, entities: Mapping[int, Collection[int]]) -> None:
    """Ask no more of frozen fields of which a record has left its entity, or is gone: if what rewrites them goes on,
    they are frozen anew. `entities`: with the records that each has."""
    gone = [
        (number,)
        for number, entity, detail in database.select(
            connection, "SELECT id, entity, detail FROM conflict WHERE state = 'open' AND", "entity", list(entities)
        )
        if (told := load(bytes(detail))).get("frozen")
        and not {side["record"] for side in told["sides"]} <= set(entities[entity])
    ]
    database.run_many(connection, "UPDATE conflict SET state = 'gone' WHERE id = ?", gone)


def open_fields(database: Database, connection: Connection, entities: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for entity, field in database.select(
        connection, "SELECT entity, field FROM conflict WHERE state = 'open' AND", "entity", entities
    ):
        found.setdefault(entity, set()).add(field)
    return found
