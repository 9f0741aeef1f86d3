"""One company's Salesforce org: its objects, their records, and how a change becomes seen."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, count
from typing import Final

from sandbox.state import Journal, Record, Table
from sandbox.vendors.salesforce import ids
from sandbox.vendors.salesforce.objects import objects
from sandbox.vendors.salesforce.schema import SObject
from sandbox.vendors.salesforce.stamps import stamp
from sandbox.web import Json
from sandbox.world import World

# How long the recycle bin keeps what was deleted.
BIN_KEEPS: Final = timedelta(days=15)
DOMAIN: Final = "nordlicht.test"


class Index:
    """Which live records hold a value. Case does not matter."""

    def __init__(self, table: Table[str], key: str) -> None:
        self._key = key
        self._ids: dict[Json, dict[str, None]] = {}
        self._held: dict[str, Json] = {}
        for record in table:
            self._learn(record["Id"], record)
        table.listeners.append(self._learn)

    def _learn(self, record_id: str, record: Record | None) -> None:
        old = self._held.pop(record_id, None)
        if old is not None:
            del self._ids[old][record_id]
        value = None if record is None or record.get("IsDeleted") else _folded(record.get(self._key))
        if value is not None:
            self._held[record_id] = value
            self._ids.setdefault(value, {})[record_id] = None

    def ids(self, value: Json) -> list[str]:
        return list(self._ids.get(_folded(value), ()))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A change that others see later. `before`: the record as it was."""

    name: str
    record: Record
    before: Record | None
    seen: datetime
    stamped: datetime


@dataclass(slots=True)
class _Transaction:
    """What was done since it began: how to take it back, and what is still to be shown."""

    undo: list[tuple[Table[str], str, Record | None]] = field(default_factory=list)
    waiting: list[_Waiting] = field(default_factory=list)


class Org:
    """The state behind the API. A record keeps only what is filled, under the keys of its fields.

    Beside what the API shows, it may hold `_deleted_at`, the stamp of a deletion.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.objects: dict[str, SObject] = objects()
        self.tables: dict[str, Table[str]] = {
            name: Table({"SystemModstamp": _modified, "Id": lambda record: record["Id"]}) for name in self.objects
        }
        self.journal = Journal("salesforce")
        self.late = timedelta(0)  # how long a transaction takes until others see it
        self.locked_every = 0  # of the records that a call writes, every so manieth is locked by somebody else
        self.schema_changed = world.anchor - timedelta(days=60)
        self._by_prefix = {entry.prefix: entry for entry in self.objects.values()}
        self._by_name = {name.lower(): entry for name, entry in self.objects.items()}
        self._numbers = {name: count(1) for name in self.objects}
        self._jobs = count(1)
        self._field_ids: dict[tuple[str, str], str] = {}
        self._field_numbers = count(1)
        self._indexes: dict[tuple[str, str], Index] = {}
        self._pending: list[_Waiting] = []
        self._open: list[_Transaction] = []
        self.id = ids.mint("00D", 7)
        self.me = ids.mint("005", 1)

    def object(self, name: str) -> SObject | None:
        return self._by_name.get(name.lower())

    def object_of(self, record_id: str) -> SObject | None:
        return self._by_prefix.get(record_id[:3])

    def field_id(self, name: str, field: str) -> str:
        """Of a custom field of an object: another one when it is made anew under its name."""
        known = self._field_ids.get((name, field))
        if known is None:
            known = self._field_ids[name, field] = ids.mint("00N", next(self._field_numbers))[:15]
        return known

    def make_anew(self, name: str, field: str, now: datetime) -> None:
        """Somebody deletes a custom field, and makes another one of its name: its values are gone, no stamp moves."""
        self._field_ids.pop((name, field), None)
        self.schema_changed = now
        table = self.tables[name]
        for record in list(table):
            table.put(record["Id"], {key: value for key, value in record.items() if key != field})

    def new_id(self, name: str) -> str:
        return ids.mint(self.objects[name].prefix, next(self._numbers[name]))

    def new_job_id(self) -> str:
        return ids.mint("750", next(self._jobs))

    def record(self, record_id: Json) -> Record | None:
        """A record of any object, deleted or not. Within a transaction, also what it has made itself."""
        if not isinstance(record_id, str):
            return None
        for transaction in self._open:
            for waiting in transaction.waiting:
                if waiting.record["Id"] == record_id:
                    return waiting.record
        entry = self.object_of(record_id)
        return None if entry is None else self.tables[entry.name].get(record_id)

    @property
    def version(self) -> int:
        """Another number whenever a record has changed."""
        return sum(table.version for table in self.tables.values())

    def index(self, name: str, key: str) -> Index:
        if (name, key) not in self._indexes:
            self._indexes[name, key] = Index(self.tables[name], key)
        return self._indexes[name, key]

    def settle(self, now: datetime) -> None:
        """Let late transactions commit."""
        for table in self.tables.values():
            table.settle(now)
        self._pending = [waiting for waiting in self._pending if waiting.seen > now]

    def oldest_pending(self, now: datetime) -> datetime:
        """No change stamped before this is still unseen."""
        return min((waiting.stamped for waiting in self._pending if waiting.seen > now), default=now)

    def in_bin(self, record: Record, now: datetime) -> bool:
        """Deleted, and not yet purged."""
        return bool(record.get("IsDeleted")) and record["_deleted_at"] > stamp(now - BIN_KEEPS)

    def commit(self, name: str, record: Record, now: datetime) -> None:
        """Put a record where others see it: at once, or where transactions commit late, by and by."""
        table, key = self.tables[name], record["Id"]
        before = table.get(key)
        if self.late:
            waiting = _Waiting(name, record, before, seen=now + self.late, stamped=now)
            if self._open:
                self._open[-1].waiting.append(waiting)
            else:
                self._wait(waiting)
            return
        if self._open:
            self._open[-1].undo.append((table, key, before))
        table.put(key, record)

    def _wait(self, waiting: _Waiting) -> None:
        table, key, before = self.tables[waiting.name], waiting.record["Id"], waiting.before
        table.put_later(waiting.seen, lambda: table.put(key, _onto(table.get(key), before, waiting.record)))
        self._pending.append(waiting)

    def holders(self, name: str, key: str, value: Json) -> list[str]:
        """Which records hold a value that only one may hold; also one that others do not see yet."""
        unseen = [
            waiting.record["Id"]
            for waiting in chain(self._pending, *(transaction.waiting for transaction in self._open))
            if waiting.name == name and _folded(waiting.record.get(key)) == _folded(value)
        ]
        return self.index(name, key).ids(value) + unseen

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """What is committed inside is taken back when an exception leaves. One may stand within another."""
        here = _Transaction()
        self._open.append(here)
        try:
            yield
        except BaseException:
            for table, key, before in reversed(here.undo):
                if before is None:
                    table.drop(key)
                else:
                    table.put(key, before)
            raise
        else:
            if len(self._open) > 1:
                self._open[-2].undo += here.undo
                self._open[-2].waiting += here.waiting
            else:
                for waiting in here.waiting:
                    self._wait(waiting)
        finally:
            self._open.pop()

    def integration_user(self) -> Record:
        """Whom the client acts as."""
        return next(user for user in self.tables["User"] if user["Id"] == self.me)

    @property
    def seller(self) -> str:
        """Somebody who works here, and is not the integration user."""
        return ids.mint("005", 2)


def _modified(record: Record) -> Json:
    return record["SystemModstamp"]


def _folded(value: Json) -> Json:
    return value.casefold() if isinstance(value, str) else value


def _onto(current: Record | None, before: Record | None, record: Record) -> Record:
    """What a late transaction changed (`before` to `record`), put onto the record as it stands by then."""
    if current is None or before is None or current is before:
        return record
    gone = before.keys() - record.keys()
    mine = {name: value for name, value in record.items() if value != before.get(name)}
    newest = max(current["SystemModstamp"], record["SystemModstamp"])
    return {**_without(current, gone), **mine, "SystemModstamp": newest}


def _without(record: Record, names: Mapping[str, Json] | set[str]) -> Record:
    return {name: value for name, value in record.items() if name not in names}
