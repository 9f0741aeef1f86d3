"""Queries run: from the text of one to the bytes of its pages."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, islice
from operator import itemgetter
from typing import Final

from sandbox.state import Record
from sandbox.vendors.salesforce import ids
from sandbox.vendors.salesforce.answers import refused
from sandbox.vendors.salesforce.conditions import Read, Test, bounds, compiled, only
from sandbox.vendors.salesforce.org import Org
from sandbox.vendors.salesforce.schema import Field, Lookup, SObject, email, flag, sobject, text
from sandbox.vendors.salesforce.soql import Aggregate, AllFields, Children, Order, Path, Query, Selected, parse, pointed
from sandbox.web import Json, dump

USUAL_BATCH: Final = 2000
LEAST_BATCH: Final = 200
# A query that shows two or more custom long texts comes in smaller pages.
LONG_TEXTS: Final = 2
MOST_OFFSET: Final = 2000
LOCATOR_LIVES: Final = timedelta(days=2)
_MOST_VIEWS: Final = 64
# Pages are kept until anything in the org changes; the largest have some 2 MB.
_MOST_PAGES: Final = 32
_PAGE_LIVES: Final = timedelta(hours=1)
# A query that speaks of today is another one tomorrow.
_RELATIVE: Final = re.compile(r"\b(TODAY|YESTERDAY|TOMORROW|[A-Z_]*(LAST|NEXT|THIS|DAYS)_[A-Z_]+)\b", re.IGNORECASE)
# The only question about fields that is understood.
_DEFINITIONS: Final = re.compile(
    r"SELECT QualifiedApiName, ?DurableId FROM FieldDefinition WHERE EntityDefinition\.QualifiedApiName ?= ?"
    r"'(?P<object>\w+)'"
)
_HINT: Final = (
    " If you are attempting to use a custom {0}, be sure to append the '{1}' after the {2} name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)


@dataclass(frozen=True, slots=True)
class Column:
    """One value of a record or of one of its parents, as `Account.Owner.Name` names it."""

    names: tuple[str, ...]  # as the schema spells them
    hops: tuple[str, ...]  # under which keys the ids of the parents are kept
    field: Field
    read: Read


@dataclass(slots=True, kw_only=True)
class Result:
    """The rows that a query found, as they stood then."""

    view: "View"
    records: Sequence[Record]
    total: int
    batch: int
    at: datetime


class View:
    """How a query shows a record. Keeps the bytes of each until it, or a table it looks into, has changed."""

    def __init__(
        self, org: Org, make: Callable[[Record], bytes], touched: Iterable[str], *, between: bytes = b","
    ) -> None:
        self._org, self._make, self._between = org, make, between
        self._touched = tuple(touched)
        self._versions: tuple[int, ...] = ()
        self._bytes: dict[str, tuple[Record, bytes]] = {}

    def rows(self, records: Iterable[Record]) -> bytes:
        versions = tuple(self._org.tables[name].version for name in self._touched)
        if versions != self._versions:
            self._bytes.clear()
            self._versions = versions
        return self._between.join(map(self._row, records))

    def _row(self, record: Record) -> bytes:
        kept = self._bytes.get(record["Id"])
        if kept is not None and kept[0] is record:
            return kept[1]
        made = self._make(record)
        self._bytes[record["Id"]] = (record, made)
        return made


class Queries:
    """Every query of the org, and the cursors of those that did not fit on a page."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._views: dict[tuple[str, str, str], View] = {}
        self._cursors: dict[str, Result] = {}
        self._pages: dict[tuple[str, str, int], tuple[int, datetime, bytes]] = {}
        self._locators = count(1)
        self._name_entry = _name_entry(org)

    def forget_views(self) -> None:
        self._views.clear()
        self._pages.clear()

    def page(self, statement: str, version: str, now: datetime, *, deleted: bool, batch: int = USUAL_BATCH) -> bytes:
        """The first page of a query; `deleted`: with what lies in the bin. Raises `RefusedError`."""
        if definitions := _DEFINITIONS.fullmatch(statement):
            return self._definitions(definitions["object"])
        key, state = (statement, version, batch), self._org.version
        kept = self._pages.get(key)
        if kept is not None and kept[0] == state and now - kept[1] < _PAGE_LIVES and not deleted:
            return kept[2]
        made = self._made_page(statement, version, now, deleted=deleted, batch=batch)
        if not deleted and not _RELATIVE.search(statement):
            if len(self._pages) >= _MOST_PAGES:
                self._pages.clear()
            self._pages[key] = (state, now, made)
        return made

    def _definitions(self, name: str) -> bytes:
        """The fields of an object, each with the id that it has as long as it lives."""
        entry = self._org.object(name)
        fields = () if entry is None else entry.fields.values()
        rows = [
            {
                "attributes": {"type": "FieldDefinition"},
                "QualifiedApiName": field.name,
                "DurableId": f"{name}.{self._org.field_id(name, field.key) if field.custom else field.name}",
            }
            for field in fields
        ]
        return dump({"totalSize": len(rows), "done": True, "records": rows})

    def _made_page(self, statement: str, version: str, now: datetime, *, deleted: bool, batch: int) -> bytes:
        query = parse(statement)
        entry = self.entry(query)
        if len(query.selected) == 1 and query.selected[0] == Aggregate("count", None, None):
            total = sum(1 for _ in self.found(query, entry, now, deleted=deleted))
            return dump({"totalSize": total, "done": True, "records": []})
        if query.group or any(isinstance(selected, Aggregate) for selected in query.selected):
            rows = self._aggregated(query, entry, now, deleted=deleted)
            return dump({"totalSize": len(rows), "done": True, "records": rows})
        view, long_texts = self._view(query, entry, version, now)
        records = list(self.found(query, entry, now, deleted=deleted))
        if long_texts >= LONG_TEXTS:
            batch = min(batch, LEAST_BATCH)
        return self._page(Result(view=view, records=records, total=len(records), batch=batch, at=now), 0, "", version)

    def more(self, locator: str, version: str, now: datetime) -> bytes:
        """The page that `nextRecordsUrl` names. Raises `RefusedError`."""
        name, _, place = locator.partition("-")
        result = self._cursors.get(name)
        if result is None or not place.isdecimal() or now - result.at >= LOCATOR_LIVES or int(place) >= result.total:
            raise refused("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(result, int(place), name, version)

    def _page(self, result: Result, start: int, locator: str, version: str) -> bytes:
        end = start + result.batch
        following = b""
        if end < result.total:
            if not locator:
                locator = self._opened(result)
            following = b',"nextRecordsUrl":"/services/data/%s/query/%s-%d"' % (version.encode(), locator.encode(), end)
        rows = result.view.rows(result.records[start:end])
        done = b"false" if following else b"true"
        return b'{"totalSize":%d,"done":%s%s,"records":[%s]}' % (result.total, done, following, rows)

    def _opened(self, result: Result) -> str:
        """The name of a new cursor. Those that are too old are forgotten."""
        self._cursors = {name: kept for name, kept in self._cursors.items() if result.at - kept.at < LOCATOR_LIVES}
        locator = ids.mint("0r8", next(self._locators))
        self._cursors[locator] = result
        return locator

    # what is asked for

    def entry(self, query: Query) -> SObject:
        """The object that is asked for. Raises `RefusedError`."""
        entry = self._org.object(query.source)
        if entry is None:
            message = f"sObject type '{query.source}' is not supported."
            raise pointed(
                query.text, query.source_at, message + _HINT.format("object", "__c", "entity"), "INVALID_TYPE"
            )
        return entry

    def resolve(self, query: Query, entry: SObject, path: Path) -> Column:
        """What a path means. Raises `RefusedError`."""
        words = path.words
        if len(words) > 1 and words[0].lower() == entry.name.lower() and entry.reference(words[0]) is None:
            words = words[1:]
        names: list[str] = []
        hops: list[str] = []
        here = entry
        for word in words[:-1]:
            field = here.reference(word)
            if field is None:
                message = f"Didn't understand relationship '{word}' in field path." + _HINT.format(
                    "relationship", "__r", "custom relationship"
                )
                raise pointed(query.text, path.at, message, "INVALID_FIELD")
            names.append(field.relationship or word)
            hops.append(field.key)
            here = self._org.objects[field.refers_to[0]] if len(field.refers_to) == 1 else self._name_entry
        found = here.field(words[-1])
        if found is None:
            message = f"No such column '{words[-1]}' on entity '{here.name}'." + _HINT.format(
                "field", "__c", "custom field"
            )
            raise pointed(query.text, path.at, message, "INVALID_FIELD")
        return Column((*names, found.name), tuple(hops), found, self._reader(found, hops))

    def _reader(self, field: Field, hops: Sequence[str]) -> Read:
        lookup, key, made = self._org.record, field.key, field.made
        usual = False if field.type == "boolean" else None

        def own(record: Record) -> Json:
            return made(record, lookup) if made is not None else record.get(key, usual)

        if not hops:
            return own

        def of_parent(record: Record) -> Json:
            here = _walked(self._org, record, hops)
            return None if here is None else own(here)

        return of_parent

    def value(self, field: Field, record: Record) -> Json:
        return self._reader(field, ())(record)

    def columns(self, query: Query, entry: SObject) -> list[Column]:
        """What a query of plain fields selects. Raises `RefusedError`."""
        found = []
        for selected in self._expanded(query, entry):
            if not isinstance(selected, Path):
                raise pointed(query.text, 0, "only fields can be selected here")
            found.append(self.resolve(query, entry, selected))
        return found

    def _expanded(self, query: Query, entry: SObject) -> Iterator[Selected]:
        for selected in query.selected:
            if not isinstance(selected, AllFields):
                yield selected
                continue
            if query.limit is None or query.limit > LEAST_BATCH:
                message = "The SOQL FIELDS function must have a LIMIT of at most 200"
                raise pointed(query.text, 0, message)
            for field in entry.fields.values():
                if selected.which == "all" or field.custom == (selected.which == "custom"):
                    yield Path((field.name,), 0)

    # which records

    def found(self, query: Query, entry: SObject, now: datetime, *, deleted: bool) -> Iterator[Record]:
        """The records in their order, cut to limit and offset. Raises `RefusedError`."""
        if query.offset > MOST_OFFSET:
            raise refused("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MOST_OFFSET}")
        orders = self._orders(query, entry)
        test = self._test(query, entry, now)
        deleted = deleted or query.all_rows
        names = [(".".join((*column.hops, column.field.key)), order.descending) for order, column in orders]
        walked, natural = self._candidates(query, entry, now, names, deleted=deleted)
        org = self._org
        hits: Iterator[Record] = (
            record
            for record in walked
            if (not record.get("IsDeleted") or (deleted and org.in_bin(record, now))) and (test is None or test(record))
        )
        if not natural:
            hits = iter(_sorted(list(hits), orders))
        end = None if query.limit is None else query.offset + query.limit
        return islice(hits, query.offset, end)

    def _test(self, query: Query, entry: SObject, now: datetime) -> Test | None:
        if query.where is None:
            return None

        def resolve(path: Path) -> tuple[Field, Read]:
            column = self.resolve(query, entry, path)
            return column.field, column.read

        return compiled(query.where, resolve, lambda inner: self._values(inner, now), now)

    def _values(self, query: Query, now: datetime) -> set[Json]:
        """Of a semi-join."""
        entry = self.entry(query)
        column = self.columns(query, entry)[0]
        return {column.read(record) for record in self.found(query, entry, now, deleted=False)}

    def _orders(self, query: Query, entry: SObject) -> list[tuple[Order, Column]]:
        found = []
        for order in query.order:
            column = self.resolve(query, entry, order.path)
            if not column.field.filterable:
                message = f"field '{column.field.name}' can not be sorted in a query call"
                raise pointed(query.text, order.path.at, message)
            found.append((order, column))
        return found

    def _candidates(
        self, query: Query, entry: SObject, now: datetime, orders: Sequence[tuple[str, bool]], *, deleted: bool
    ) -> tuple[Iterator[Record], bool]:
        """(records among which the hits are, whether they come in the wanted order)."""
        table = self._org.tables[entry.name]
        wanted = only(query.where, "Id")
        if wanted is not None:
            keys = dict.fromkeys(filter(None, (ids.full(value) for value in wanted)))
            return (record for key in keys if (record := table.get(key)) is not None), not orders
        for field in entry.fields.values():
            values = only(query.where, field.name) if not deleted and _is_indexed(field) else None
            if values is not None and not field.made:
                index = self._org.index(entry.name, field.key)
                given = (ids.full(value) if field.type == "reference" else value for value in values)
                keys = dict.fromkeys(key for value in given if value for key in index.ids(value))
                if None not in values and "" not in values:
                    return (record for key in keys if (record := table.get(key)) is not None), not orders
        least, most = bounds(query.where, "SystemModstamp", now)
        by_stamp = orders in ([("SystemModstamp", False)], [("SystemModstamp", False), ("Id", False)])
        if by_stamp or least is not None or most is not None:
            walked = table.walk("SystemModstamp") if least is None else table.from_value("SystemModstamp", least)
            return _until(walked, most), by_stamp or not orders
        return table.walk("Id"), orders in ([], [("Id", False)])

    # how they are shown

    def _view(self, query: Query, entry: SObject, version: str, now: datetime) -> tuple[View, int]:
        """(view, number of custom long texts in it)."""
        selected = list(self._expanded(query, entry))
        children = [one for one in selected if isinstance(one, Children)]
        paths = [one for one in selected if isinstance(one, Path)]
        columns = [self.resolve(query, entry, path) for path in paths]
        doubled = _doubled(".".join(column.names) for column in columns)
        if doubled is not None:
            raise pointed(query.text, 0, f"duplicate field selected: {doubled}")
        long_texts = sum(column.field.long and column.field.custom for column in columns)
        key = (version, entry.name, ",".join(map(str, paths)))
        if not children and key in self._views:
            return self._views[key], long_texts
        shape = _Shape(self._org, version, columns)
        if children:
            parts = [self._children(one.query, entry, version, now) for one in children]

            def make(record: Record) -> bytes:
                return dump({**shape(record), **dict(part(record) for part in parts)})

            return View(self._org, make, self._org.tables), long_texts
        if len(self._views) >= _MOST_VIEWS:
            self._views.clear()
        self._views[key] = view = View(self._org, lambda record: dump(shape(record)), self._tables_of(entry, columns))
        return view, long_texts

    def csv_view(
        self, entry: SObject, columns: Sequence[Column], dialect: tuple[str, str], line: Callable[[Record], bytes]
    ) -> View:
        """How a query job shows a record."""
        key = (*dialect, f"{entry.name}:{','.join('.'.join(column.names) for column in columns)}")
        if key not in self._views:
            if len(self._views) >= _MOST_VIEWS:
                self._views.clear()
            self._views[key] = View(self._org, line, self._tables_of(entry, columns), between=b"")
        return self._views[key]

    def _tables_of(self, entry: SObject, columns: Iterable[Column]) -> set[str]:
        return {name for column in columns for name in self._looked_into(entry, column)}

    def _looked_into(self, entry: SObject, column: Column) -> Iterator[str]:
        """The tables that a value may come from, beside that of the record."""
        if column.field.made is not None and column.field.type != "address":
            yield from ("Account", "Contact")
        here = [entry]
        for word in column.names[:-1]:
            fields = [field for one in here if (field := one.reference(word)) is not None]
            here = [self._org.objects[name] for field in fields for name in field.refers_to]
            yield from (one.name for one in here)

    def _children(
        self, query: Query, parent: SObject, version: str, now: datetime
    ) -> Callable[[Record], tuple[str, Json]]:
        """(name of the relationship, the children of a record or null)."""
        found = next(
            (
                (entry, field)
                for entry in self._org.objects.values()
                for field in entry.fields.values()
                if parent.name in field.refers_to and (field.children or "").lower() == query.source.lower()
            ),
            None,
        )
        if found is None:
            message = f"Didn't understand relationship '{query.source}' in FROM part of query call."
            raise pointed(
                query.text, query.source_at, message + _HINT.format("relationship", "__r", "custom relationship"),
                "INVALID_TYPE",
            )  # fmt: skip
        entry, field = found
        shape = _Shape(self._org, version, self.columns(query, entry))
        test = self._test(query, entry, now)
        orders = self._orders(query, entry)
        table, index = self._org.tables[entry.name], self._org.index(entry.name, field.key)
        name = field.children or query.source

        def children(record: Record) -> tuple[str, Json]:
            hits = [child for key in index.ids(record["Id"]) if (child := table.get(key)) is not None]
            hits = _sorted([child for child in hits if test is None or test(child)], orders)[: query.limit]
            return name, {"totalSize": len(hits), "done": True, "records": list(map(shape, hits))} if hits else None

        return children

    def _aggregated(self, query: Query, entry: SObject, now: datetime, *, deleted: bool) -> list[Json]:
        keys = [self.resolve(query, entry, path) for path in query.group]
        grouped: dict[tuple[Json, ...], list[Record]] = {} if keys else {(): []}
        everything = replace(query, limit=None, offset=0, order=())
        for record in self.found(everything, entry, now, deleted=deleted):
            grouped.setdefault(tuple(key.read(record) for key in keys), []).append(record)
        rows = []
        for values, records in grouped.items():
            row: Record = {"attributes": {"type": "AggregateResult"}}
            held = {key.names: value for key, value in zip(keys, values, strict=True)}
            unnamed = count()
            for selected in query.selected:
                if isinstance(selected, Path):
                    names = self.resolve(query, entry, selected).names
                    if names not in held:
                        raise pointed(query.text, selected.at, f"Field must be grouped or aggregated: {selected}")
                    row[names[-1]] = held[names]
                elif isinstance(selected, Aggregate):
                    name = selected.alias or f"expr{next(unnamed)}"
                    row[name] = self._aggregate(query, entry, selected, records)
            rows.append(row)
        return rows[: query.limit]

    def _aggregate(self, query: Query, entry: SObject, wanted: Aggregate, records: Sequence[Record]) -> Json:
        if wanted.path is None:
            return len(records)
        column = self.resolve(query, entry, wanted.path)
        values = [value for record in records if (value := column.read(record)) is not None]
        if wanted.function == "count":
            return len(values)
        if wanted.function == "count_distinct":
            return len(set(values))
        if not values:
            return None
        if wanted.function in ("min", "max"):
            return min(values) if wanted.function == "min" else max(values)
        return sum(values) / (len(values) if wanted.function == "avg" else 1)


class _Shape:
    """Makes the JSON object of a record, with its parents as objects inside it."""

    def __init__(self, org: Org, version: str, columns: Iterable[Column], hops: Sequence[str] = ()) -> None:
        self._org, self._hops = org, hops
        self._root = f"/services/data/{version}/sobjects"
        self._parts: dict[str, Callable[[Record], Json]] = {}
        inner: dict[str, list[Column]] = {}
        for column in columns:
            name, *more = column.names[len(hops) :]
            if not more:
                self._parts[name] = column.read
            else:
                inner.setdefault(name, []).append(column)
                self._parts.setdefault(name, column.read)  # keeps the place
        for name, nested in inner.items():
            self._parts[name] = _Shape(org, version, nested, nested[0].hops[: len(hops) + 1])

    def __call__(self, record: Record) -> Json:
        """`record` is the one at the root, also where a parent of it is shown."""
        here = _walked(self._org, record, self._hops)
        if here is None:
            return None
        entry = self._org.object_of(here["Id"])
        name = entry.name if entry else ""
        shown: Record = {"attributes": {"type": name, "url": f"{self._root}/{name}/{here['Id']}"}}
        for word, part in self._parts.items():
            shown[word] = part(record)
        return shown


def _walked(org: Org, record: Record, hops: Sequence[str]) -> Record | None:
    here: Record | None = record
    for hop in hops:
        here = None if here is None else org.record(here.get(hop))
    return here


def _name_entry(org: Org) -> SObject:
    """What is common to all that a field of several objects may point to."""

    def kind(record: Record, _lookup: Lookup) -> Json:
        entry = org.object_of(record["Id"])
        return entry.name if entry else None

    names = ("Name", "FirstName", "LastName", "Title", "Phone", "Username", "Alias")
    fields = [text(name, name, 255) for name in names]
    return sobject(
        "Name",
        "",
        [
            *fields,
            email("Email", "Email"),
            flag("IsActive", "Active"),
            Field(name="Type", label="Type", type="string", made=kind),
        ],
    )


def _is_indexed(field: Field) -> bool:
    return (field.id_lookup and field.type != "id") or field.type == "reference"


def _doubled(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _sorted(records: list[Record], orders: Sequence[tuple[Order, Column]]) -> list[Record]:
    """Nulls come first, whichever way, unless the query says otherwise."""
    for order, column in reversed(orders):
        read = column.read
        filled = [(_folded(value), nth) for nth, record in enumerate(records) if (value := read(record)) is not None]
        nulls = [record for record in records if read(record) is None]
        filled.sort(key=itemgetter(0), reverse=order.descending)
        ordered = [records[nth] for _, nth in filled]
        records = ordered + nulls if order.nulls_last else nulls + ordered
    return records


def _folded(value: Json) -> Json:
    return value.casefold() if isinstance(value, str) else value


def _until(records: Iterator[Record], most: str | None) -> Iterator[Record]:
    for record in records:
        if most is not None and record["SystemModstamp"] > most:
            return
        yield record
