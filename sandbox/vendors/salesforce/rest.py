"""REST: what there is, queries, single records, and the feeds of what was changed and deleted.

Source: REST API Developer Guide (developer.salesforce.com), read 2026-11-23.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from sandbox.state import Record
from sandbox.vendors.salesforce import ids
from sandbox.vendors.salesforce.answers import (
    MEDIA_TYPE,
    RefusedError,
    empty,
    is_deleted,
    not_found,
    not_json,
    ok,
    refused,
)
from sandbox.vendors.salesforce.limits import Limits
from sandbox.vendors.salesforce.org import BIN_KEEPS, Org
from sandbox.vendors.salesforce.query import LEAST_BATCH, USUAL_BATCH, Queries
from sandbox.vendors.salesforce.schema import Field, SObject
from sandbox.vendors.salesforce.stamps import moment, stamp
from sandbox.vendors.salesforce.writes import Terms, Writer
from sandbox.web import Answer, Call, Handler, Json, Route

OLDEST: Final = 31  # still answered; what is older is retired
NEWEST: Final = 68
LONGEST_URI: Final = 16_384
_SEASONS: Final = ("Spring", "Summer", "Winter")
_UPDATED_REACHES: Final = timedelta(days=30)
_BATCH: Final = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_ETAG: Final = frozenset({"Account"})  # the only object whose rows have one


def versions() -> Json:
    """`GET /services/data`. Three releases a year; 68 was that of Winter '27."""
    told = []
    for number in range(OLDEST, NEWEST + 1):
        year, season = divmod(number - NEWEST + 2, 3)
        label = f"{_SEASONS[season]} '{26 + year + (season == 2):02d}"
        told.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return told


def version_of(call: Call) -> str:
    """`v66.0`, as it stands in the path."""
    return call.path.split("/")[3]


class Rest:
    def __init__(self, org: Org, queries: Queries, writer: Writer, limits: Limits) -> None:
        self._org, self._queries, self._writer, self._limits = org, queries, writer, limits

    def routes(self) -> Iterator[Route]:
        def route(method: str, template: str, handler: Handler) -> Route:
            return Route(method=method, template=template, cost=1, handler=handler)

        yield route("GET", "/", self._resources)
        yield route("GET", "/limits", self._told_limits)
        yield route("GET", "/limits/recordCount", self._record_count)
        yield route("GET", "/query", self._query)
        yield route("GET", "/queryAll", self._query_all)
        yield route("GET", "/query/{locator}", self._more)
        yield route("GET", "/queryAll/{locator}", self._more)
        yield route("GET", "/sobjects", self._global)
        yield route("GET", "/sobjects/{object}", self._basic)
        yield route("POST", "/sobjects/{object}", self._create)
        yield route("GET", "/sobjects/{object}/describe", self._describe)
        yield route("GET", "/sobjects/{object}/deleted", self._deleted)
        yield route("GET", "/sobjects/{object}/updated", self._updated)
        yield route("GET", "/sobjects/{object}/{id}", self._read)
        yield route("PATCH", "/sobjects/{object}/{id}", self._update)
        yield route("DELETE", "/sobjects/{object}/{id}", self._delete)
        yield route("GET", "/sobjects/{object}/{field}/{value}", self._read_by)
        yield route("PATCH", "/sobjects/{object}/{field}/{value}", self._upsert)
        yield route("DELETE", "/sobjects/{object}/{field}/{value}", self._delete_by)

    # what there is

    def _resources(self, call: Call, _at: Sequence[str]) -> Answer:
        root = f"/services/data/{version_of(call)}"
        names = ("composite", "jobs", "limits", "query", "queryAll", "sobjects")
        return ok({name: f"{root}/{name}" for name in names})

    def _told_limits(self, _call: Call, _at: Sequence[str]) -> Answer:
        return ok(self._limits.told())

    def _record_count(self, call: Call, _at: Sequence[str]) -> Answer:
        wanted = [name for name in call.query.get("sObjects", "").split(",") if name]
        told = []
        for entry in (self.object(name) for name in wanted) if wanted else self._org.objects.values():
            living = sum(not record.get("IsDeleted") for record in self._org.tables[entry.name])
            told += [{"count": living, "name": entry.name}] if living else []
        return ok({"sObjects": told})

    def _global(self, call: Call, _at: Sequence[str]) -> Answer:
        root = f"/services/data/{version_of(call)}"
        return self._fresh(
            call,
            lambda: {
                "encoding": "UTF-8",
                "maxBatchSize": 200,
                "sobjects": [entry.summary(root) for entry in self._org.objects.values()],
            },
        )

    def _basic(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self.object(at[0])
        return ok({"objectDescribe": entry.summary(f"/services/data/{version_of(call)}"), "recentItems": []})

    def _describe(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self.object(at[0])
        kinds = [record for record in self._org.tables["RecordType"] if record["SobjectType"] == entry.name]
        root = f"/services/data/{version_of(call)}"
        return self._fresh(call, lambda: entry.describe(root, kinds, self._children(entry)))

    def _children(self, entry: SObject) -> Json:
        return [
            {
                "cascadeDelete": not field.nillable and field.createable,
                "childSObject": child.name,
                "deprecatedAndHidden": False,
                "field": field.name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": field.children,
                "restrictedDelete": False,
            }
            for child in self._org.objects.values()
            for field in child.fields.values()
            if entry.name in field.refers_to
        ]

    def _fresh(self, call: Call, make: Callable[[], Json]) -> Answer:
        """What is told of the schema, or 304 where it has not changed since the moment that the client names."""
        changed = self._org.schema_changed.replace(microsecond=0)
        since = _http_date(call.headers.get("if-modified-since"))
        headers = [("Last-Modified", format_datetime(changed.astimezone(UTC), usegmt=True))]
        if since is not None and changed <= since:
            return Answer(304, b"", headers)
        answer = ok(make())
        answer.headers += headers
        return answer

    # queries

    def _query(self, call: Call, _at: Sequence[str]) -> Answer:
        return self._first_page(call, deleted=False)

    def _query_all(self, call: Call, _at: Sequence[str]) -> Answer:
        return self._first_page(call, deleted=True)

    def _first_page(self, call: Call, *, deleted: bool) -> Answer:
        statement = call.query.get("q")
        if statement is None:
            raise refused("MALFORMED_QUERY", "A query string has to be specified")
        found = _BATCH.search(call.headers.get("sforce-query-options", ""))
        batch = min(max(int(found[1]), LEAST_BATCH), USUAL_BATCH) if found else USUAL_BATCH
        body = self._queries.page(statement, version_of(call), call.now, deleted=deleted, batch=batch)
        return Answer(200, body, media_type=MEDIA_TYPE)

    def _more(self, call: Call, at: Sequence[str]) -> Answer:
        return Answer(200, self._queries.more(at[0], version_of(call), call.now), media_type=MEDIA_TYPE)

    # single records

    def object(self, name: str) -> SObject:
        found = self._org.object(name)
        if found is None:
            raise not_found()
        return found

    def record(self, entry: SObject, text: str) -> Record:
        """A record that is not deleted. Raises `RefusedError`."""
        record_id = ids.full(text)
        if record_id is None or self._org.object_of(record_id) is not entry:
            raise RefusedError(
                404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {text}"
            )
        found = self._org.tables[entry.name].get(record_id)
        if found is None:
            raise not_found()
        if found.get("IsDeleted"):
            raise is_deleted()
        return found

    def external(self, entry: SObject, name: str) -> Field:
        """The field that an upsert goes by."""
        found = entry.field(name)
        if found is None or not (found.id_lookup or found.external_id):
            raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
        return found

    def _by(self, entry: SObject, name: str, value: str, call: Call) -> Record | Answer:
        """The record that has the value, or the answer that there are several."""
        field = self.external(entry, name)
        if field.type == "id":
            return self.record(entry, value)
        hits = self._org.index(entry.name, field.key).ids(value)
        if not hits:
            raise not_found()
        if len(hits) > 1:
            root = f"/services/data/{version_of(call)}/sobjects/{entry.name}"
            return ok([f"{root}/{hit}" for hit in hits], status=300)
        return self.record(entry, hits[0])

    def _read(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self.object(at[0])
        return self._shown(call, entry, self.record(entry, at[1]))

    def _read_by(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self.object(at[0])
        found = self._by(entry, at[1], at[2], call)
        return found if isinstance(found, Answer) else self._shown(call, entry, found)

    def _shown(self, call: Call, entry: SObject, record: Record) -> Answer:
        etag = _etag(record)
        if entry.name in _ETAG and etag in call.headers.get("if-none-match", "").split(", "):
            return Answer(304, b"", [("ETag", etag)])
        since = _http_date(call.headers.get("if-modified-since"))
        if since is not None and moment(record["LastModifiedDate"]) <= since:
            return empty(304)
        wanted = [name.strip() for name in call.query.get("fields", "").split(",") if name.strip()]
        answer = ok(self.shown(entry, record, wanted, version_of(call)))
        if entry.name in _ETAG:
            answer.headers.append(("ETag", etag))
        answer.headers.append(("Last-Modified", _as_http(record["LastModifiedDate"])))
        return answer

    def shown(self, entry: SObject, record: Record, names: Sequence[str], version: str) -> Json:
        """The record as an object, of the named fields or of all. Raises `RefusedError`."""
        fields: list[Field] = []
        for name in names:
            field = entry.field(name)
            if field is None:
                raise refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {entry.name}")
            fields.append(field)
        body: Record = {
            "attributes": {
                "type": entry.name,
                "url": f"/services/data/{version}/sobjects/{entry.name}/{record['Id']}",
            }
        }
        for field in fields or entry.fields.values():
            body[field.name] = self._queries.value(field, record)
        if fields:
            body["Id"] = record["Id"]
        return body

    def _create(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self.object(at[0])
        body = json_object(call)
        record_id = self._writer.create(entry, body, self.terms(call))
        self.note(call, entry.name, record_id, body)
        answer = ok({"id": record_id, "success": True, "errors": []}, status=201)
        answer.headers.append(("Location", f"/services/data/{version_of(call)}/sobjects/{entry.name}/{record_id}"))
        return answer

    def _update(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self.object(at[0])
        record = self.record(entry, at[1])
        self._unchanged(call, entry, record)
        body = json_object(call)
        self._writer.update(entry, record, body, self.terms(call))
        self.note(call, entry.name, record["Id"], body)
        return empty()

    def _unchanged(self, call: Call, entry: SObject, record: Record) -> None:
        """Refuses a write whose condition does not hold. What the body of a 412 says is not published."""
        if entry.name in _ETAG and "if-match" in call.headers:
            held = _etag(record) in call.headers["if-match"].split(", ")
        elif "if-unmodified-since" in call.headers:
            since = _http_date(call.headers["if-unmodified-since"])
            if since is None:
                raise refused("INVALID_HTTP_HEADER", "If-Unmodified-Since is no HTTP date")
            held = moment(record["LastModifiedDate"]) <= since
        else:
            return
        if not held:
            raise RefusedError(412, "PRECONDITION_FAILED", "The record has been modified since")

    def _upsert(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self.object(at[0])
        found = self.external(entry, at[1])
        if found.type == "id":
            return self._update(call, (at[0], at[2]))
        body = json_object(call)
        try:
            record_id, created = self._writer.upsert(
                entry, found, at[2], body, self.terms(call), update_only=call.query.get("updateOnly") == "true"
            )
        except RefusedError as exc:
            several = self._by(entry, at[1], at[2], call) if exc.status == 300 else exc
            if isinstance(several, Answer):
                return several
            raise
        self.note(call, entry.name, record_id, {found.name: at[2], **body})
        answer = {"id": record_id, "success": True, "errors": [], "created": created}
        return ok(answer, status=201 if created else 200)

    def _delete(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self.object(at[0])
        record = self.record(entry, at[1])
        self._writer.delete(entry, record, self.terms(call))
        self.note(call, entry.name, record["Id"], {})
        return empty()

    def _delete_by(self, call: Call, at: Sequence[str]) -> Answer:
        found = self._by(self.object(at[0]), at[1], at[2], call)
        return found if isinstance(found, Answer) else self._delete(call, (at[0], found["Id"]))

    def terms(self, call: Call) -> Terms:
        header = call.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        return Terms(
            now=call.now, by=self._org.me, version=version_of(call), save_duplicates="allowsave=true" in header
        )

    def note(self, call: Call, name: str, record_id: str, fields: Mapping[str, Json]) -> None:
        self._org.journal.note(
            at=call.now, method=call.method, path=call.path, stream=name, record=record_id,
            fields={key: value for key, value in fields.items() if key not in ("attributes", "Id", "id")},
        )  # fmt: skip

    # feeds

    def _deleted(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self._replicated(at[0])
        start, end, covered = self._window(call, BIN_KEEPS)
        gone = sorted(
            (record["_deleted_at"], record["Id"])
            for record in self._org.tables[entry.name]
            if record.get("IsDeleted") and start <= record["_deleted_at"] < end
        )
        return ok(
            {
                "deletedRecords": [{"deletedDate": at, "id": record_id} for at, record_id in gone],
                "earliestDateAvailable": stamp(_minute(call.now - BIN_KEEPS)),
                "latestDateCovered": covered,
            }
        )

    def _updated(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self._replicated(at[0])
        start, end, covered = self._window(call, _UPDATED_REACHES)
        table = self._org.tables[entry.name]
        changed = []
        for record in table.from_value("SystemModstamp", start):
            if record["SystemModstamp"] >= end:
                break
            changed += [] if record.get("IsDeleted") else [record["Id"]]
        return ok({"ids": changed, "latestDateCovered": covered})

    def _replicated(self, name: str) -> SObject:
        entry = self.object(name)
        if not entry.replicateable:
            raise refused("INVALID_TYPE_FOR_OPERATION", f"entity type {entry.name} does not support replication")
        return entry

    def _window(self, call: Call, reaches: timedelta) -> tuple[str, str, str]:
        """(start, end, how far the answer can be relied on). Seconds do not count."""
        found = []
        for name in ("start", "end"):
            if name not in call.query:
                raise refused("MISSING_ARGUMENT", f"{name} is missing")
            try:
                found.append(_minute(moment(call.query[name])))
            except ValueError:
                raise refused("INVALID_REPLICATION_DATE", f"{name} is no date and time: {call.query[name]}") from None
        start, end = found
        if start >= end:
            raise refused("INVALID_REPLICATION_DATE", "startDate must be at least a minute before endDate")
        if start < _minute(call.now - reaches):
            raise refused("INVALID_REPLICATION_DATE", f"startDate cannot be more than {reaches.days} days ago")
        covered = min(end, _minute(self._org.oldest_pending(call.now)))
        return stamp(start), stamp(end), stamp(covered)


def json_object(call: Call) -> Record:
    try:
        body = call.json()
    except ValueError:
        raise not_json("Unexpected character in the body: no valid JSON at [line:1, column:1]") from None
    if not isinstance(body, dict):
        raise not_json("Unexpected token: a JSON object is expected at [line:1, column:1]")
    return body


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _etag(record: Record) -> str:
    return f'"{hashlib.sha256((record["Id"] + record["SystemModstamp"]).encode()).hexdigest()[:32]}"'


def _as_http(text: str) -> str:
    return format_datetime(moment(text), usegmt=True)


def _http_date(header: str | None) -> datetime | None:
    """None: there is none, or it cannot be read."""
    if header is None:
        return None
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
