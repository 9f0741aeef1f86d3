"""Golden records: their layout, their values, where each came from, what stood there before."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from msgspec import Struct, field

from crosswalk.store.codec import dump, load, load_row, mark
from crosswalk.store.connections import Connection
from crosswalk.store.dialect import Database
from mapping.values import ABSENT, Value


class Layout:
    """The order of the fields of one kind in `golden.vals`. A field is only ever added behind the last."""

    def __init__(self, kind: str, fields: Sequence[str]) -> None:
        self.kind = kind
        self.fields = list(fields)
        self.position = {name: n for n, name in enumerate(self.fields)}

    @property
    def blank(self) -> list[Value]:
        return [ABSENT] * len(self.fields)


def load_layout(database: Database, kind: str, wanted: Iterable[str]) -> Layout:
    """The layout of a kind, with fields that it did not have yet added."""
    with database.read() as connection:
        fields = _fields(database, connection, kind)
    missing = _without(wanted, fields)
    if missing:
        with database.write() as connection, database.lock(connection, 7):
            fields = _fields(database, connection, kind)
            missing = _without(missing, fields)
            rows = [(kind, len(fields) + n, name) for n, name in enumerate(missing)]
            database.insert(connection, "layout", ("kind", "position", "field"), rows)
            fields += missing
    return Layout(kind, fields)


def _without(wanted: Iterable[str], there: Iterable[str]) -> list[str]:
    known = set(there)
    return [name for name in dict.fromkeys(wanted) if name not in known]


def _fields(database: Database, connection: Connection, kind: str) -> list[str]:
    rows = database.run(connection, "SELECT field FROM layout WHERE kind = ? ORDER BY position", (kind,))
    return [row[0] for row in rows.fetchall()]


class Golden(Struct):
    """One golden record in memory. `winners[n]`: the record that field n came from; `rules[n]`: why."""

    values: list[Value]
    winners: list[int | None]
    rules: list[str]

    @classmethod
    def blank(cls, width: int) -> "Golden":
        return cls([ABSENT] * width, [None] * width, [""] * width)

    def stored(self) -> tuple[bytes, bytes]:
        return dump(trimmed(self.values)), dump_lineage(self.winners, self.rules)


def trimmed(values: list[Value]) -> list[Value]:
    """Without the absent fields at the end; a shorter row reads the same."""
    end = len(values)
    while end and values[end - 1] is ABSENT:
        end -= 1
    return values[:end]


def dump_lineage(winners: Sequence[int | None], rules: Sequence[str]) -> bytes:
    """[[records], [1 + index per field, 0: none], [rules], [index per field]]; of a lone record no indexes."""
    records: dict[int, int] = {}
    texts: dict[str, int] = {}
    by_field = [0 if winner is None else records.setdefault(winner, len(records)) + 1 for winner in winners]
    by_rule = [texts.setdefault(rule, len(texts)) for rule in rules]
    return dump([list(records), by_field, list(texts), by_rule])


def lone_lineage(record: int) -> bytes:
    """Of a record that is alone: every field from it, by one rule."""
    return b'[[%d],[],["only value"],[]]' % record


def load_golden(vals: bytes, lineage: bytes, width: int) -> Golden:
    values = load_row(vals)
    values += [ABSENT] * (width - len(values))
    records, by_field, texts, by_rule = load(lineage)
    if not by_field and records:  # one record that was alone: every field came from it
        return Golden(values, [records[0]] * width, [texts[0]] * width)
    winners = [None if n == 0 else records[n - 1] for n in by_field]
    rules = [texts[n] for n in by_rule]
    winners += [None] * (width - len(winners))
    rules += [""] * (width - len(rules))
    return Golden(values, winners, rules)


class GoldenWrites(Struct):
    """What a batch of merges wants written."""

    run: int
    at: int
    new: list[tuple[int, bytes, bytes, int]] = field(default_factory=list)
    changed: list[tuple[int, bytes, bytes, int]] = field(default_factory=list)
    history: list[tuple[int, int, int, bytes]] = field(default_factory=list)

    def add(self, entity: int, before: Golden | None, after: Golden, fields: Sequence[str]) -> list[int]:
        """Note a merged golden record; the positions of the fields whose value changed."""
        if before is None:
            self.new.append((entity, *after.stored(), self.run))
            return [n for n, value in enumerate(after.values) if value is not ABSENT]
        moved = [n for n, (was, now) in enumerate(zip(before.values, after.values, strict=True)) if was != now]
        if not moved and before.winners == after.winners and before.rules == after.rules:
            return []
        self.changed.append((entity, *after.stored(), self.run))
        if moved:
            stood: dict[str, Any] = {
                fields[n]: [mark(before.values[n]), before.winners[n], before.rules[n]] for n in moved
            }
            self.history.append((entity, self.run, self.at, dump(stood)))
        return moved

    def save(self, database: Database, connection: Connection) -> None:
        columns = ("entity", "vals", "lineage", "run")
        database.insert(connection, "golden", columns, sorted(self.new, key=itemgetter(0)))  # pages fill up in order
        database.upsert(connection, "golden", ("entity",), columns, self.changed)
        kept = {
            (row[0], row[1]): load(bytes(row[2]))
            for row in database.select(
                connection,
                "SELECT entity, run, before FROM golden_history WHERE run = ? AND",
                "entity",
                [row[0] for row in self.history],
                first=(self.run,),
            )
        }
        rows = [
            (entity, run, at, dump({**load(before), **kept[entity, run]}) if (entity, run) in kept else before)
            for entity, run, at, before in self.history
        ]
        database.upsert(connection, "golden_history", ("entity", "run"), ("entity", "run", "at", "before"), rows)


def load_goldens(database: Database, connection: Connection, entities: Sequence[int], width: int) -> dict[int, Golden]:
    return {
        row[0]: load_golden(bytes(row[1]), bytes(row[2]), width)
        for row in database.select(connection, "SELECT entity, vals, lineage FROM golden WHERE", "entity", entities)
    }
