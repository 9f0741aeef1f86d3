"""A house with records, entities and everything that can happen to them, row by row, for tests of reports."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from connectors.sdk.contract import Account, FieldInfo, Page, RemoteRecord, StreamSpec, Window
from connectors.sdk.errors import ConnectorError
from crosswalk.engine.matching import IdentKinds, Rules
from crosswalk.engine.model import House, Link, Stream
from crosswalk.engine.policies import Policies
from crosswalk.store.codec import dump, dump_sorted
from crosswalk.store.dialect import Database
from crosswalk.store.goldens import Golden, load_layout
from crosswalk.store.leases import Leases
from crosswalk.store.records import LIVE, RECORD_COLUMNS
from mapping.compile import CompiledMapping
from mapping.derive import CxSettings
from mapping.match.ids import ALPHABET, LENGTH
from mapping.values import ABSENT, Value
from tests.clocks import SetClock

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
SECRET = b"of this test"


def millis(day: int, hour: int, minute: int = 0, *, month: int = 11) -> int:
    return int(datetime(2026, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


class Told(NamedTuple):
    """One line of a mapping, as a compiled mapping describes it."""

    target: str
    direction: str
    vendor_fields: tuple[str, ...]
    default: bool


@dataclass
class PlainMapping:
    """A mapping that takes every field as it is. `longest`: texts are cut there; `unable`: what cannot be held."""

    kind: str
    columns: Mapping[str, str]  # hub field -> the vendor's name of it
    read_only: frozenset[str] = frozenset()
    write_only: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    longest: int | None = None
    unable: tuple[Value, ...] = ()
    once: frozenset[int] = frozenset()
    create_needs: tuple[str, ...] = ()
    has_aliases: bool = False
    becomes_others: bool = False
    fields: tuple[str, ...] = field(init=False)
    readable: tuple[bool, ...] = field(init=False)
    writable: tuple[bool, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.fields = tuple(self.columns)
        self.readable = tuple(name not in self.write_only for name in self.fields)
        self.writable = tuple(name not in self.read_only for name in self.fields)

    def shown(self, at: int, value: Value, *, over: Any) -> Value:
        if value in self.unable:
            return ABSENT
        return value[: self.longest] if isinstance(value, str) and self.longest else value

    def label(self, at: int) -> str:
        return self.columns[self.fields[at]]

    def describe(self) -> list[Told]:
        return [
            Told(
                name,
                "read" if name in self.read_only else "write" if name in self.write_only else "both",
                (self.columns[name],),
                name not in self.own,
            )
            for name in self.fields
        ]


@dataclass
class FakeConnector:
    """A system with two contacts. `refuses`: what its account raises; `trouble`: what a stream raises.

    `totals`: the parts of its streams, and how many records each says that it has.
    """

    label: str = "Acme"
    account_id: str = "acme-1"
    refuses: Exception | None = None
    trouble: dict[str, Exception] = field(default_factory=dict)
    missing: dict[str, Sequence[str]] = field(default_factory=dict)
    more_streams: tuple[str, ...] = ()
    catalogue: dict[str, Sequence[FieldInfo]] = field(default_factory=dict)
    allowance: int | None = 40_000
    left: int | None = 35_880
    pulled: list[str] = field(default_factory=list)
    name: str = "acme"
    own_streams: tuple[str, ...] = ()
    totals: dict[str, int | None] = field(default_factory=lambda: {"": 2})

    @property
    def streams(self) -> Mapping[str, StreamSpec]:
        return dict.fromkeys((*self.own_streams, *self.more_streams), StreamSpec())

    def account(self) -> Account:
        if self.refuses is not None:
            raise self.refuses
        return Account(
            id=self.account_id, name="nordlicht", identity="svc-crosswalk", country="DE", allowance=self.allowance,
            left=self.left, missing=self.missing,
        )  # fmt: skip

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        if stream in self.trouble:
            raise self.trouble[stream]
        return self.catalogue.get(stream, ())

    def parts(self, stream: str) -> Sequence[str]:
        return list(self.totals)

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        self.pulled.append(stream)
        rows = [RemoteRecord(key, None, None, {}) for key in ("1", "2")]
        total = self.totals[window.part]
        yield Page(rows, position=None if total == 2 else {"at": 2}, server_time=None, total=total)
        raise ConnectorError("nobody asked for a second page")


class World:
    """Builds rows. Numbers of records, entities and runs are given out in order, from 1."""

    def __init__(
        self, database: Database, *, masters: Sequence[str] = (), told: Mapping[str, Any] | None = None
    ) -> None:
        self.database = database
        self.clock = SetClock(NOW)
        self.connectors: dict[str, FakeConnector] = {}
        self._records = self._entities = 0
        self._keys: dict[str, int] = {}
        kinds = IdentKinds(database, SECRET)
        kinds.load()
        self.house = House(
            database=database,
            clock=self.clock,
            sleep=lambda seconds: None,
            links={},
            streams={},
            layouts={},
            policies=Policies(masters=masters, defaults={"masters": masters}, told=told or {}),
            rules=Rules({}, kinds, SECRET),
            settings_print="",
            cx=CxSettings(),
            ident_kinds=kinds,
            holder="test",
            leases=Leases(database, self.clock),
        )

    # -- what there is ---------------------------------------------------------------------------------------

    def link(self, name: str, *, role: str = "crm", **told: Any) -> FakeConnector:
        if name not in self.connectors:
            self.connectors[name] = FakeConnector(label=name.title(), name=name, account_id=f"{name}-1", **told)
            connector = cast(Any, self.connectors[name])  # a connector in all that reports ask of one
            self.house.links[name] = Link(name, connector, role, "calls", "UTC")
        return self.connectors[name]

    def stream(
        self,
        address: str,
        kind: str,
        columns: Mapping[str, str] | Sequence[str],
        *,
        refs: Sequence[str] = (),
        writes: Sequence[str] = (),
        create_from: Sequence[str] = (),
        spec: StreamSpec | None = None,
        complete: bool = True,
        **mapped: Any,
    ) -> Stream:
        system, _, name = address.partition("/")
        connector = self.link(system)
        connector.own_streams = (*connector.own_streams, name)
        told = dict(columns) if isinstance(columns, Mapping) else {one: one.title() for one in columns}
        mapping = PlainMapping(kind, told, **mapped)
        layout = load_layout(self.database, kind, mapping.fields)
        number = len(self.house.streams) + 1
        with self.database.write() as connection:
            self.database.insert(
                connection, "stream", ("id", "connection", "name", "complete"), [(number, system, name, complete)]
            )
            self.database.insert(
                connection,
                "mapping",
                ("id", "stream", "fingerprint", "kind", "fields", "prints"),
                [(number, number, b"", kind, dump(list(mapping.fields)), dump([]))],
            )
        stream = Stream(
            id=number,
            connection=system,
            name=name,
            spec=spec or StreamSpec(),
            kind=kind,
            mapping=cast(CompiledMapping, mapping),
            mapping_id=number,
            approved=True,
            layout=layout,
            place=[layout.position[one] for one in mapping.fields],
            at={one: n for n, one in enumerate(mapping.fields)},
            refs=tuple(mapping.fields.index(one) for one in refs),
            writes=frozenset(writes),
            create_from=frozenset(create_from),
            hub_id=None,
            on_delete="ignore",
            guards={},
            identifiers=self.house.rules.identifiers(kind, mapping.fields, [*self.house.links]),
            limit=self.house.rules.limit,
            complete=complete,
        )
        self.house.streams[address] = stream
        for other in self.house.of_kind(kind):
            other.layout = layout
        if kind != "response":
            self.house.layouts[kind] = layout
        return stream

    def record(
        self, address: str, *, state: int = LIVE, modified: int | None = None, raw: Any = None, **values: Value
    ) -> int:
        system, name, key = address.split("/", 2)
        stream = self.house.streams[f"{system}/{name}"]
        self._records += 1
        number = self._records
        named = {one.replace("__", "."): value for one, value in values.items()}
        row = [named.get(one, ABSENT) for one in stream.mapping.fields]
        idents = stream.identifiers(row)
        with self.database.write() as connection:
            self.database.insert(
                connection,
                "record",
                RECORD_COLUMNS,
                [(number, stream.id, key, None, modified, 1, None, stream.mapping_id, state, None)],
            )
            self.database.insert(
                connection, "body", ("record", "raw", "observed"), [(number, dump_sorted(raw or {}), dump(row))]
            )
            self.database.insert(
                connection, "ident", ("kind", "value", "record"), [(kind, value, number) for kind, value in idents]
            )
        return number

    def entity(
        self, kind: str, records: Sequence[int], *, public: str = "", run: int = 1, **golden: Value | tuple[Any, ...]
    ) -> int:
        """`golden`: field -> a value, or (value, record that it came from, why)."""
        self._entities += 1
        number = self._entities
        layout = self.house.layouts[kind]
        told = Golden.blank(len(layout.fields))
        for name, given in golden.items():
            value, winner, why = given if isinstance(given, tuple) else (given, records[0], "only value")
            position = layout.position[name.replace("__", ".")]
            told.values[position], told.winners[position], told.rules[position] = value, winner, why
        with self.database.write() as connection:
            self.database.insert(
                connection, "entity", ("id", "kind", "public"), [(number, kind, public_id(public or str(number)))]
            )
            self.database.insert(connection, "member", ("record", "entity"), [(one, number) for one in records])
            self.database.insert(
                connection, "golden", ("entity", "vals", "lineage", "run"), [(number, *told.stored(), run)]
            )
        return number

    # -- what happens ----------------------------------------------------------------------------------------

    def insert(self, table: str, **values: Any) -> int:
        """A row; the number that it got, if the table gives one."""
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        numbered = " RETURNING id" if table in _NUMBERED and "id" not in values else ""
        with self.database.write() as connection:
            row = self.database.run(
                connection, f'INSERT INTO "{table}" ({names}) VALUES ({marks}){numbered}', list(values.values())
            )
            return int(row.fetchone()[0]) if numbered else int(values.get("id", 0))

    def run(self, number: int, *, command: str = "sync", started: int | None = None, **told: Any) -> int:
        counts = told.pop("counts", {})
        started = millis(23, 8) if started is None else started
        return self.insert(
            "run", id=number, command=command, trigger=told.pop("trigger", "person"), state=told.pop("state", "done"),
            started_at=started, counts=dump(counts), **told,
        )  # fmt: skip

    def change(self, entity: int, run: int, at: int, **before: tuple[Value, int | None, str]) -> None:
        stood = {name.replace("__", "."): list(told) for name, told in before.items()}
        self.insert("golden_history", entity=entity, run=run, at=at, before=dump(stood))

    def edge(self, left: int, right: int, rule: str, at: int, *, source: str = "1:1", who: str | None = None) -> None:
        self.insert("edge", left=left, right=right, source=source, verdict="same", rule=rule, who=who, at=at)

    def written(self, record: int, entity: int, run: int, at: int, *, op: str = "update", **after: Value) -> None:
        fields = [
            {"field": name, "label": name.title(), "before": "", "after": value, "reason": "because"}
            for name, value in after.items()
        ]
        self.insert(
            "journal", run=run, action=run, plan=None, record=record, entity=entity, at=at, op=op, fields=dump(fields)
        )

    def action(self, stream: str, entity: int, record: int | None, *names: str, **told: Any) -> int:
        """An action of plan 87 that is held, unless told otherwise."""
        given = {"plan": 87, "op": "update" if record else "create", "state": "held", "held_by": "guard:update", **told}
        fields = dump([{"field": name, "before": None, "after": "x"} for name in names])
        return self.insert(
            "action", stream=self.house.streams[stream].id, entity=entity, record=record, fields=fields, **given
        )

    def letter(self, address: str, *, phase: str = "write", name: str = "", code: str = "CW403", **told: Any) -> int:
        system, stream, key = address.split("/", 2)
        given = {
            "reason": "refused, DUPLICATE_DATA", "state": "open", "tries": 1, "first_at": millis(23, 8, 3),
            "last_at": millis(23, 8, 3), **told,
        }  # fmt: skip
        return self.insert(
            "dead_letter", stream=self.house.streams[f"{system}/{stream}"].id, rkey=key, phase=phase, field=name,
            code=code, **given,
        )  # fmt: skip

    def conflict(
        self, entity: int, name: str, *sides: tuple[int, Value], why: str = "no rule decides", base: Value = None
    ) -> int:
        detail = {
            "base": base,
            "why": why,
            "sides": [
                {
                    "record": record, "connection": self._system(record), "value": value,
                    "changed_at": "2026-11-22T17:40:00.000Z",
                }
                for record, value in sides
            ],
        }  # fmt: skip
        return self.insert(
            "conflict", entity=entity, field=name, state="open", inputs=b"", detail=dump(detail), at=millis(22, 17, 45)
        )

    def _system(self, record: int) -> str:
        with self.database.read() as connection:
            row = self.database.run(
                connection,
                "SELECT s.connection FROM record r JOIN stream s ON s.id = r.stream WHERE r.id = ?",
                (record,),
            ).fetchone()
        return str(row[0])

    def pair(self, left: int, right: int, rule: str = "same phone and family") -> int:
        return self.insert("pair", left=left, right=right, rule=rule, state="open", at=millis(22, 9))

    def unrest(self, record: int, hub: Mapping[str, Any], side: Mapping[str, Any] | None = None) -> None:
        """Base of a record: `hub` as in codec.Base, [] never agreed, [value] what was agreed."""
        self.insert("base", record=record, side=dump(dict(side or {})), hub=dump(dict(hub)), raws=dump([]))

    def todo(self) -> set[tuple[int, int]]:
        with self.database.read() as connection:
            rows = self.database.run(connection, "SELECT stage, id FROM todo").fetchall()
        return {(row[0], row[1]) for row in rows}

    def value(self, question: str, *values: Any) -> Any:
        with self.database.read() as connection:
            return self.database.run(connection, question, values).scalar()


_NUMBERED = ("conflict", "pair", "dead_letter", "action", "journal")


def public_id(beginning: str) -> str:
    """A whole public id that begins like this."""
    filler = (ALPHABET * 2)[len(beginning) :]
    return (beginning + filler)[:LENGTH]


def ago(**time: float) -> int:
    return int((NOW - timedelta(**time)).timestamp() * 1000)
