"""Bulk API 2.0: queries and writes as jobs, their data as CSV.

Work is done when a job is told to begin; its state goes one step further each time that somebody looks. Source: Bulk
API 2.0 and Bulk API Developer Guide (developer.salesforce.com), read 2026-11-23.
"""

import base64
import binascii
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sandbox.state import Record
from sandbox.vendors.salesforce import ids
from sandbox.vendors.salesforce.answers import RefusedError, empty, is_deleted, not_found, ok, refused
from sandbox.vendors.salesforce.composite import Composite
from sandbox.vendors.salesforce.limits import Limits
from sandbox.vendors.salesforce.org import Org
from sandbox.vendors.salesforce.query import Column, Queries, View
from sandbox.vendors.salesforce.rest import Rest, json_object, version_of
from sandbox.vendors.salesforce.schema import SObject
from sandbox.vendors.salesforce.soql import Aggregate, AllFields, Children, parse
from sandbox.vendors.salesforce.stamps import csv_stamp, stamp
from sandbox.vendors.salesforce.writes import Terms, Writer
from sandbox.web import Answer, Call, Handler, Json, Route

USUAL_RECORDS: Final = 50_000
KEPT: Final = timedelta(days=7)
_DELIMITERS: Final = {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`"}
_ENDINGS: Final = {"LF": "\n", "CRLF": "\r\n"}
_NEXT: Final = {"UploadComplete": "InProgress", "InProgress": "JobComplete"}
_OPERATIONS: Final = ("insert", "update", "upsert", "delete", "hardDelete")
_NULL: Final = "#N/A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The rows of a query as they stood when it ran, and how they are shown."""

    object: str
    header: bytes
    view: View
    records: Sequence[Record]


@dataclass(slots=True, kw_only=True)
class Job:
    """A job of either kind."""

    id: str
    operation: str
    object: str
    by: str
    version: str
    created: datetime
    changed: datetime
    delimiter: str
    ending: str
    state: str
    error: str | None = None
    # of a query
    found: Found | None = None
    # of an ingest
    external_id: str | None = None
    upload: bytes | None = None
    columns: Sequence[str] = ()
    succeeded: list[tuple[str, bool, Sequence[str]]] = field(default_factory=list)
    failed: list[tuple[str, str, Sequence[str]]] = field(default_factory=list)
    unprocessed: list[Sequence[str]] = field(default_factory=list)

    def look(self, now: datetime) -> None:
        """Somebody asks how it goes."""
        if self.state in _NEXT:
            self.state = _NEXT[self.state]
            self.changed = now

    def told(self) -> Json:
        body: Record = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.by,
            "createdDate": stamp(self.created),
            "systemModstamp": stamp(self.changed),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version.removeprefix("v")),
            "lineEnding": self.ending,
            "columnDelimiter": self.delimiter,
        }
        return body


class Bulk:
    def __init__(
        self, org: Org, queries: Queries, writer: Writer, rest: Rest, composite: Composite, limits: Limits
    ) -> None:
        self._org, self._queries, self._writer = org, queries, writer
        self._rest, self._composite, self._limits = rest, composite, limits
        self._query_jobs: dict[str, Job] = {}
        self._ingest_jobs: dict[str, Job] = {}

    def routes(self) -> Iterator[Route]:
        def route(method: str, template: str, handler: Handler) -> Route:
            return Route(method=method, template=template, cost=1, handler=handler)

        yield route("POST", "/jobs/query", self._query)
        yield route("GET", "/jobs/query", self._queries_list)
        yield route("GET", "/jobs/query/{id}", self._query_info)
        yield route("PATCH", "/jobs/query/{id}", self._query_abort)
        yield route("DELETE", "/jobs/query/{id}", self._query_delete)
        yield route("GET", "/jobs/query/{id}/results", self._results)
        yield route("POST", "/jobs/ingest", self._ingest)
        yield route("GET", "/jobs/ingest", self._ingest_list)
        yield route("GET", "/jobs/ingest/{id}", self._ingest_info)
        yield route("PUT", "/jobs/ingest/{id}/batches", self._upload)
        yield route("PATCH", "/jobs/ingest/{id}", self._ingest_state)
        yield route("DELETE", "/jobs/ingest/{id}", self._ingest_delete)
        yield route("GET", "/jobs/ingest/{id}/successfulResults", self._successful)
        yield route("GET", "/jobs/ingest/{id}/failedResults", self._failed)
        # both spellings are in use
        yield route("GET", "/jobs/ingest/{id}/unprocessedrecords", self._unprocessed)
        yield route("GET", "/jobs/ingest/{id}/unprocessedRecords", self._unprocessed)

    def _new(self, call: Call, body: Record, *, object: str, state: str) -> Job:
        delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
        if delimiter not in _DELIMITERS or ending not in _ENDINGS or body.get("contentType", "CSV") != "CSV":
            raise refused(
                "INVALIDJOB", f"contentType CSV, columnDelimiter {', '.join(_DELIMITERS)}, lineEnding LF or CRLF"
            )
        return Job(
            id=self._org.new_job_id(), operation=str(body.get("operation")), object=object, by=self._org.me,
            version=version_of(call), created=call.now, changed=call.now, delimiter=delimiter, ending=ending,
            state=state,
        )  # fmt: skip

    def _job(self, jobs: dict[str, Job], text: str, now: datetime) -> Job:
        job = jobs.get(ids.full(text) or "")
        if job is None or now - job.created >= KEPT:
            raise not_found()
        return job

    # queries

    def _query(self, call: Call, _at: Sequence[str]) -> Answer:
        body = json_object(call)
        operation, statement = body.get("operation"), body.get("query")
        if operation not in ("query", "queryAll") or not isinstance(statement, str):
            raise refused("INVALIDJOB", "operation must be query or queryAll, and query a SOQL statement")
        job = self._new(call, body, object="", state="UploadComplete")
        job.found = csv_of(
            self._queries, statement, call.now, deleted=operation == "queryAll", delimiter=job.delimiter,
            ending=job.ending,
        )  # fmt: skip
        job.object = job.found.object
        self._query_jobs[job.id] = job
        self._limits.query_jobs += 1
        return ok(job.told())

    def _queries_list(self, _call: Call, _at: Sequence[str]) -> Answer:
        jobs = sorted(self._query_jobs.values(), key=lambda job: job.id, reverse=True)
        return ok({"done": True, "nextRecordsUrl": None, "records": [_query_told(job, short=True) for job in jobs]})

    def _query_info(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._job(self._query_jobs, at[0], call.now)
        job.look(call.now)
        return ok(_query_told(job))

    def _query_abort(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._job(self._query_jobs, at[0], call.now)
        if json_object(call).get("state") != "Aborted":
            raise refused("INVALIDJOBSTATE", "a query job can only be aborted")
        self._abort(job, call.now)
        return ok(_query_told(job))

    def _abort(self, job: Job, now: datetime) -> None:
        if job.state in ("JobComplete", "Failed", "Aborted"):
            raise refused("INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
        job.state, job.changed = "Aborted", now

    def _query_delete(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._job(self._query_jobs, at[0], call.now)
        if job.state in _NEXT:
            raise refused("INVALIDJOBSTATE", f"Job {job.id} is in state {job.state} and cannot be deleted")
        del self._query_jobs[job.id]
        return empty()

    def _results(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._job(self._query_jobs, at[0], call.now)
        found = job.found
        if job.state != "JobComplete" or found is None:
            raise refused("INVALIDJOBSTATE", f"Job {job.id} is in state {job.state}: there are no results")
        start = _place(call.query.get("locator"))
        most = call.query.get("maxRecords", str(USUAL_RECORDS))
        if not most.isdecimal() or int(most) < 1:
            raise refused("INVALID_QUERY_LOCATOR", f"maxRecords must be a number from 1: {most}")
        end = start + int(most)
        rows = found.records[start:end]
        headers = [
            ("Sforce-NumberOfRecords", str(len(rows))),
            ("Sforce-Locator", _locator(end) if end < len(found.records) else "null"),
        ]
        return Answer(200, found.header + found.view.rows(rows), headers, media_type="text/csv")

    # writes

    def _ingest(self, call: Call, _at: Sequence[str]) -> Answer:
        body = json_object(call)
        operation = body.get("operation")
        if operation not in _OPERATIONS:
            raise refused("INVALIDJOB", f"operation must be one of {', '.join(_OPERATIONS)}")
        if operation == "hardDelete":
            message = "hardDelete operation requires special user profile permission, please contact your system"
            raise refused("FEATURENOTENABLED", f"{message} administrator")
        entry = self._org.object(str(body.get("object")))
        if entry is None:
            raise refused("INVALIDENTITY", f"Unable to find object: {body.get('object')}")
        job = self._new(call, body, object=entry.name, state="Open")
        if operation == "upsert":
            name = body.get("externalIdFieldName")
            if not name:
                raise refused("INVALIDJOB", "External ID field must be specified for upsert")
            job.external_id = self._rest.external(entry, str(name)).name
        self._ingest_jobs[job.id] = job
        return ok(_ingest_told(job, short=True))

    def _ingest_list(self, _call: Call, _at: Sequence[str]) -> Answer:
        jobs = sorted(self._ingest_jobs.values(), key=lambda job: job.id, reverse=True)
        return ok({"done": True, "nextRecordsUrl": None, "records": [_ingest_told(job, short=True) for job in jobs]})

    def _ingest_info(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._job(self._ingest_jobs, at[0], call.now)
        job.look(call.now)
        return ok(_ingest_told(job))

    def _upload(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._job(self._ingest_jobs, at[0], call.now)
        if job.state != "Open" or job.upload is not None:
            message = f"Found multiple contents for job: <{job.id}>, or it is closed; PUT once on an open job"
            raise refused("INVALIDJOBSTATE", message)
        if "csv" not in call.headers.get("content-type", ""):
            raise RefusedError(415, "UNSUPPORTED_MEDIA_TYPE", "text/csv is expected")
        job.upload = call.body
        return empty(201)

    def _ingest_state(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._job(self._ingest_jobs, at[0], call.now)
        wanted = json_object(call).get("state")
        if wanted == "Aborted":
            if job.state == "Open":
                job.unprocessed = self._rows(job)
            self._abort(job, call.now)
        elif wanted == "UploadComplete" and job.state == "Open":
            job.state, job.changed = "UploadComplete", call.now
            self._run(call, job)
        else:
            raise refused("INVALIDJOBSTATE", f"Job {job.id} is in state {job.state}; it cannot become {wanted}")
        return ok(_ingest_told(job, short=True))

    def _ingest_delete(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._job(self._ingest_jobs, at[0], call.now)
        if job.state in _NEXT or job.state == "Open":
            raise refused("INVALIDJOBSTATE", f"Job {job.id} is in state {job.state} and cannot be deleted")
        del self._ingest_jobs[job.id]
        return empty()

    def _rows(self, job: Job) -> list[Sequence[str]]:
        """The lines of the upload; its header is kept with the job."""
        lines = list(csv.reader(io.StringIO((job.upload or b"").decode("utf-8", "replace"), newline=""),
                                delimiter=_DELIMITERS[job.delimiter]))  # fmt: skip
        job.columns = lines[0] if lines else ()
        return [line for line in lines[1:] if line]

    def _run(self, call: Call, job: Job) -> None:
        rows = self._rows(job)
        entry = self._org.objects[job.object]
        job.error = self._spoiled(job, entry)
        if job.error is not None:
            job.state, job.unprocessed = "Failed", rows
            return
        terms = self._rest.terms(call)
        doubled = self._doubled(job, rows)
        for row in rows:
            record = dict(zip(job.columns, row, strict=False))
            try:
                record_id, created, written = self._write(job, entry, record, terms, doubled)
            except RefusedError as exc:
                names = "".join(f"{name} " for name in exc.fields or ())
                job.failed.append((ids.full(record.get("Id")) or "", f"{exc.code}:{exc.message}:{names}--", row))
            else:
                job.succeeded.append((record_id, created, row))
                self._rest.note(call, entry.name, record_id, written)
        # Results come in another order than the lines went in.
        job.succeeded.reverse()
        job.failed.reverse()

    def _spoiled(self, job: Job, entry: SObject) -> str | None:
        """What is wrong with the upload as a whole."""
        if not job.columns:
            return "InvalidBatch : Unable to find any data"
        head = (job.upload or b"").partition(b"\n")[0]
        if head.endswith(b"\r") != (job.ending == "CRLF"):
            return f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {job.ending}"
        for name in job.columns:
            parent, _, rest = name.partition(".")
            if (entry.reference(parent) if rest else entry.field(name)) is None:
                return f"InvalidBatch : Field name not found : {name}"
        return None

    def _doubled(self, job: Job, rows: Sequence[Sequence[str]]) -> list[Json]:
        names = [name.lower() for name in job.columns]
        key = "id" if job.operation in ("update", "delete") else (job.external_id or "").lower()
        if key not in names:
            return []
        times = Counter(row[names.index(key)] for row in rows)
        return [value for value, number in times.items() if number > 1 and value]

    def _write(
        self, job: Job, entry: SObject, record: Record, terms: Terms, doubled: Sequence[Json]
    ) -> tuple[str, bool, Record]:
        """(id, whether it is new, what was written). Raises `RefusedError`."""
        body = _body(record)
        if job.operation == "insert":
            return self._writer.create(entry, body, terms), True, body
        if job.operation == "upsert":
            key = self._rest.external(entry, job.external_id or "")
            record_id, more, written = self._composite.upserted(entry, key, body, terms, doubled)
            return record_id, bool(more["created"]), written
        text = next((value for name, value in record.items() if name.lower() == "id"), "")
        found_id = ids.full(text)
        if found_id is None or self._org.object_of(found_id) is not entry:
            code = "MALFORMED_ID" if text else "MISSING_ARGUMENT"
            raise refused(code, f"Id not specified or of incorrect type: {text}", ("Id",))
        if text in doubled:
            raise refused("DUPLICATE_VALUE", f"Maximum 1 record of the same id: {text}", ("Id",))
        found = self._org.record(found_id)
        if found is None:
            raise refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ())
        if found.get("IsDeleted"):
            raise is_deleted()
        if job.operation == "delete":
            self._writer.delete(entry, found, terms)
            return found_id, False, {}
        body = {name: value for name, value in body.items() if name.lower() != "id"}
        self._writer.update(entry, found, body, terms)
        return found_id, False, body

    def _successful(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._finished(call, at[0])
        rows = [[record_id, "true" if created else "false", *row] for record_id, created, row in job.succeeded]
        return _csv(job, ("sf__Id", "sf__Created"), rows)

    def _failed(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._finished(call, at[0])
        return _csv(job, ("sf__Id", "sf__Error"), [[record_id, error, *row] for record_id, error, row in job.failed])

    def _unprocessed(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._finished(call, at[0])
        return _csv(job, (), job.unprocessed)

    def _finished(self, call: Call, text: str) -> Job:
        job = self._job(self._ingest_jobs, text, call.now)
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            raise refused("INVALIDJOBSTATE", f"Job {job.id} is in state {job.state}: there are no results")
        return job


class _Line:
    """Makes the line of a record. Every value is in quotes; what is empty is null."""

    def __init__(self, columns: Sequence[Column], delimiter: str, ending: str) -> None:
        self._columns, self._delimiter, self._ending = columns, delimiter, ending

    def header(self) -> bytes:
        return self._joined(".".join(column.names) for column in self._columns)

    def __call__(self, record: Record) -> bytes:
        return self._joined(_text(column, record) for column in self._columns)

    def _joined(self, values: Iterator[str]) -> bytes:
        quoted = (f'"{value.replace(_QUOTE, _TWO_QUOTES) if _QUOTE in value else value}"' for value in values)
        return (self._delimiter.join(quoted) + self._ending).encode()


_QUOTE: Final = '"'
_TWO_QUOTES: Final = '""'


def _text(column: Column, record: Record) -> str:
    value = column.read(record)
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    return csv_stamp(value) if column.field.type == "datetime" else str(value)


def csv_of(
    queries: Queries, statement: str, now: datetime, *, deleted: bool, delimiter: str = "COMMA", ending: str = "LF"
) -> Found:
    """What a query finds, and how it is shown as CSV. Raises `RefusedError` for what cannot be asked in bulk."""
    query = parse(statement)
    entry = queries.entry(query)
    _bulk_only(query.selected, grouped=bool(query.group), offset=query.offset)
    columns = queries.columns(query, entry)
    if any(column.field.type == "address" for column in columns):
        raise refused("API_ERROR", "Selecting compound data not supported in Bulk Query")
    line = _Line(columns, _DELIMITERS[delimiter], _ENDINGS[ending])
    view = queries.csv_view(entry, columns, (delimiter, ending), line)
    records = list(queries.found(query, entry, now, deleted=deleted))
    return Found(object=entry.name, header=line.header(), view=view, records=records)


def _bulk_only(selected: Sequence[object], *, grouped: bool, offset: int) -> None:
    """Refuses what a query job cannot do."""
    if grouped or offset or any(isinstance(one, (Aggregate, AllFields)) for one in selected):
        raise refused("API_ERROR", "GROUP BY, aggregates, OFFSET and FIELDS() are not supported in Bulk Query")
    if any(isinstance(one, Children) for one in selected):
        raise refused("API_ERROR", "Aggregate Relationships not supported in Bulk Query")


def _query_told(job: Job, *, short: bool = False) -> Json:
    body = {**job.told(), "jobType": "V2Query"}
    if short:
        return body
    done = job.state == "JobComplete"
    return {
        **body,
        "numberRecordsProcessed": len(job.found.records) if done and job.found else 0,
        "retries": 0,
        "totalProcessingTime": 100 if done else 0,
        "isPkChunkingSupported": True,
    }


def _ingest_told(job: Job, *, short: bool = False) -> Json:
    body: Record = {**job.told(), "jobType": "V2Ingest"}
    if job.external_id is not None:
        body["externalIdFieldName"] = job.external_id
    if job.state == "Open":
        body["contentUrl"] = f"services/data/{job.version}/jobs/ingest/{job.id}/batches"
    if short:
        return body
    done = job.state in ("JobComplete", "Failed", "Aborted")
    body |= {
        "numberRecordsProcessed": len(job.succeeded) + len(job.failed) if done else 0,
        "numberRecordsFailed": len(job.failed) if done else 0,
        "retries": 0,
        "totalProcessingTime": 100 if done else 0,
        "apiActiveProcessingTime": 80 if done else 0,
        "apexProcessingTime": 0,
    }
    if job.error is not None:
        body["errorMessage"] = job.error
    return body


def _body(record: Record) -> Record:
    """What a line says: nothing about what is empty, null where it says so, a parent by a column with a dot."""
    body: Record = {}
    for name, value in record.items():
        if value == "":
            continue
        parent, _, key = name.partition(".")
        body[parent if key else name] = {key: value} if key else None if value == _NULL else value
    return body


def _csv(job: Job, before: Sequence[str], rows: Sequence[Sequence[str]]) -> Answer:
    """Every value in quotes, but in the header only the names that Salesforce adds."""
    delimiter, ending = _DELIMITERS[job.delimiter], _ENDINGS[job.ending]
    head = delimiter.join([*(f'"{name}"' for name in before), *job.columns]) + ending
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(rows)
    return Answer(200, (head + out.getvalue()).encode(), media_type="text/csv")


def _locator(place: int) -> str:
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def _place(locator: str | None) -> int:
    if not locator:
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error):
        raise refused("INVALID_QUERY_LOCATOR", f"invalid query locator: {locator}") from None
