"""Export: golden records of one kind as rows of a table, one entity each, in memory never more than a batch."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final

from crosswalk.engine.model import House
from crosswalk.engine.words import AskError, Titles, field_of, load_golden_fields
from mapping.schema import Field
from mapping.values import ABSENT, Value

_BATCH: Final = 500


def export(house: House, kind: str) -> dict[str, Any]:
    """`columns` and `rows` of every entity of a kind, in the order of their ids; what is secret is left out.

    The first column is the entity's whole id, the last the addresses of its records. `rows` is read while it is
    iterated, a batch at a time, so the house has to stay open until then.
    """
    layout = house.layouts.get(kind)
    if layout is None:
        known = sorted(house.layouts)
        near = get_close_matches(kind, known, n=1)
        raise AskError(
            f"there are no golden records of '{kind}'",
            hint=f"did you mean '{near[0]}'?" if near else "there are: " + (", ".join(known) or "none yet"),
        )
    fields = [(name, field) for name in layout.fields if _may_leave(field := field_of(kind, name))]
    return {
        "kind": kind,
        "columns": ["entity", *(name for name, _ in fields), "records"],
        "rows": _rows(house, kind, fields),
    }


def _may_leave(field: Field | None) -> bool:
    return field is None or field.pii != "secret"


def _rows(house: House, kind: str, fields: list[tuple[str, Field | None]]) -> Iterator[list[Any]]:
    database = house.database
    after = 0
    while True:
        with database.read() as connection:
            entities = database.run(
                connection,
                "SELECT id, public FROM entity WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
                (kind, after, _BATCH),
            ).fetchall()
            if not entities:
                return
            after = entities[-1][0]
            numbers = [row[0] for row in entities]
            goldens = load_golden_fields(house, connection, kind, numbers)
            records = _records(house, connection, numbers)
            titles = Titles(house, connection)
            # All references of the batch in one go; each is then told from memory.
            titles.named(
                address for golden in goldens.values() for value in golden.values() for address in _named(value)
            )
            rows = [
                [
                    f"{kind}/{public}",
                    *(titles.shown(goldens[number].get(name, ABSENT), field) for name, field in fields),
                    "; ".join(records.get(number, ())),
                ]
                for number, public in entities
                if number in goldens
            ]
        # Outside of the transaction: whoever writes the rows away may be slow.
        yield from rows


def _named(value: Value) -> Iterator[str]:
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict) and one.get("entity"):
            yield str(one["entity"])


def _records(house: House, connection: Any, entities: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for entity, system, name, rkey in house.database.select(
        connection,
        "SELECT m.entity, s.connection, s.name, r.rkey FROM member m JOIN record r ON r.id = m.record "
        "JOIN stream s ON s.id = r.stream WHERE",
        "m.entity",
        entities,
        "ORDER BY r.id",
    ):
        stream = house.streams.get(f"{system}/{name}")
        if stream is None or stream.kind != "response":
            found.setdefault(entity, []).append(f"{system}/{name}/{rkey}")
    return found
