"""Many at once: collections of up to two hundred records, and several requests in one.

Source: REST API Developer Guide, "Composite Resources"; read 2026-11-23.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, unquote

from sandbox.state import Record
from sandbox.vendors.salesforce import ids
from sandbox.vendors.salesforce.answers import RefusedError, is_deleted, not_json, ok, refused
from sandbox.vendors.salesforce.org import Org
from sandbox.vendors.salesforce.rest import Rest, json_object, version_of
from sandbox.vendors.salesforce.schema import Field, SObject
from sandbox.vendors.salesforce.writes import Terms, Writer
from sandbox.web import Answer, Call, Handler, Json, Route, dump, parse

MOST_RECORDS: Final = 200
MOST_RETRIEVED: Final = 2000
MOST_REQUESTS: Final = 25
_REFERENCE: Final = re.compile(r"@\{([A-Za-z0-9_]+)\.([A-Za-z0-9_.\[\]]+)\}")

# Writes one record; (id, what the answer says beside, what was written).
_Write: TypeAlias = Callable[[Record, Terms], tuple[str, Record, Record]]


class Composite:
    """`door` answers one request of a call as if it had come alone."""

    def __init__(self, org: Org, writer: Writer, rest: Rest, door: Callable[[Call], Answer]) -> None:
        self._org, self._writer, self._rest, self._door = org, writer, rest, door

    def routes(self) -> Iterator[Route]:
        def route(method: str, template: str, handler: Handler) -> Route:
            return Route(method=method, template=template, cost=1, handler=handler)

        yield route("POST", "/composite/sobjects", self._create)
        yield route("PATCH", "/composite/sobjects", self._update)
        yield route("DELETE", "/composite/sobjects", self._delete)
        yield route("GET", "/composite/sobjects/{object}", self._retrieve)
        yield route("POST", "/composite/sobjects/{object}", self._retrieve)
        yield route("PATCH", "/composite/sobjects/{object}/{field}", self._upsert)
        yield route("POST", "/composite", self._composite)
        yield route("POST", "/composite/batch", self._batch)

    # collections

    def _create(self, call: Call, _at: Sequence[str]) -> Answer:
        def write(record: Record, terms: Terms) -> tuple[str, Record, Record]:
            return self._writer.create(self._entry(record), record, terms), {}, record

        records, all_or_none = _records(call)
        return self._each(call, records, write, all_or_none=all_or_none)

    def _update(self, call: Call, _at: Sequence[str]) -> Answer:
        records, all_or_none = _records(call)
        doubled = _doubled(ids.full(_own_id(record)) for record in records)

        def write(record: Record, terms: Terms) -> tuple[str, Record, Record]:
            entry = self._entry(record)
            found = self._named(entry, _own_id(record), doubled)
            body = {name: value for name, value in record.items() if name.lower() != "id"}
            self._writer.update(entry, found, body, terms)
            return found["Id"], {}, body

        return self._each(call, records, write, all_or_none=all_or_none)

    def _named(self, entry: SObject, text: Json, doubled: Sequence[Json]) -> Record:
        if text is None:
            raise refused("MISSING_ARGUMENT", "Id not specified in an update call", ())
        record_id = ids.full(text)
        if record_id is None or self._org.object_of(record_id) is not entry:
            raise refused("MALFORMED_ID", f"{entry.label} ID: id value of incorrect type: {text}", ("Id",))
        if record_id in doubled:
            raise refused("DUPLICATE_VALUE", f"Maximum 1 record of the same id: {record_id}", ("Id",))
        found = self._org.record(record_id)
        if found is None:
            raise refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ())
        if found.get("IsDeleted"):
            raise is_deleted()
        return found

    def _upsert(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self._rest.object(at[0])
        field = self._rest.external(entry, at[1])
        records, all_or_none = _records(call)
        doubled = _doubled(_key(record, field) for record in records)

        def write(record: Record, terms: Terms) -> tuple[str, Record, Record]:
            return self.upserted(entry, field, record, terms, doubled)

        return self._each(call, records, write, all_or_none=all_or_none)

    def upserted(
        self, entry: SObject, field: Field, record: Record, terms: Terms, doubled: Sequence[Json]
    ) -> tuple[str, Record, Record]:
        """One record of a batch of upserts. Raises `RefusedError`."""
        key = _key(record, field)
        if field.type == "id":
            if key is None:
                return self._writer.create(entry, record, terms), {"created": True}, record
            body = {name: value for name, value in record.items() if name.lower() != "id"}
            found = self._named(entry, key, ())
            self._writer.update(entry, found, body, terms)
            return found["Id"], {"created": False}, body
        if key is None or key == "":
            raise refused("MISSING_ARGUMENT", f"{field.name} not specified", ())
        if key in doubled:
            raise refused("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", (field.name,))
        record_id, created = self._writer.upsert(entry, field, key, record, terms)
        return record_id, {"created": created}, record

    def _delete(self, call: Call, _at: Sequence[str]) -> Answer:
        wanted = [text for text in call.query.get("ids", "").split(",") if text]
        _check_count(wanted)

        def write(record: Record, terms: Terms) -> tuple[str, Record, Record]:
            record_id = ids.full(record["id"])
            entry = self._org.object_of(record_id) if record_id else None
            if entry is None:
                raise refused("MALFORMED_ID", f"malformed id {record['id']}", ())
            found = self._named(entry, record_id, ())
            self._writer.delete(entry, found, terms)
            return found["Id"], {}, {}

        all_or_none = call.query.get("allOrNone", "false").lower() == "true"
        return self._each(call, [{"id": text} for text in wanted], write, all_or_none=all_or_none)

    def _each(self, call: Call, records: Sequence[Record], write: _Write, *, all_or_none: bool) -> Answer:
        terms = self._rest.terms(call)
        outcomes: list[Json] = []
        notes: list[tuple[str, Record]] = []

        def all_of_them() -> None:
            for record in records:
                try:
                    record_id, more, written = write(record, terms)
                except RefusedError as exc:
                    outcomes.append(exc.outcome())
                else:
                    outcomes.append({"id": record_id, "success": True, "errors": [], **more})
                    notes.append((record_id, written))
            if all_or_none and not all(outcome["success"] for outcome in outcomes):
                raise _RolledBackError

        if not all_or_none:
            all_of_them()
        else:
            try:
                with self._org.all_or_none():
                    all_of_them()
            except _RolledBackError:
                notes.clear()
                outcomes = [_rolled_back() if outcome["success"] else outcome for outcome in outcomes]
        for record_id, written in notes:
            entry = self._org.object_of(record_id)
            self._rest.note(call, entry.name if entry else "", record_id, written)
        return ok(outcomes)

    def _entry(self, record: Record) -> SObject:
        kind = (record.get("attributes") or {}).get("type")
        found = self._org.object(str(kind))
        if found is None:
            raise refused("INVALID_TYPE", f"sObject type '{kind}' is not supported.", ())
        return found

    def _retrieve(self, call: Call, at: Sequence[str]) -> Answer:
        entry = self._rest.object(at[0])
        if call.method == "POST":
            body = json_object(call)
            wanted, names = body.get("ids"), body.get("fields")
        else:
            wanted = [text for text in call.query.get("ids", "").split(",") if text]
            names = [name for name in call.query.get("fields", "").split(",") if name]
        if not isinstance(wanted, list) or not isinstance(names, list) or not wanted or not names:
            raise refused("MISSING_ARGUMENT", "ids and fields must be specified")
        if len(wanted) > MOST_RETRIEVED:
            raise refused("EXCEEDED_ID_LIMIT", f"cannot retrieve more than {MOST_RETRIEVED} records")
        shown = []
        for text in wanted:
            record_id = ids.full(text)
            if record_id is None or self._org.object_of(record_id) is not entry:
                raise refused("MALFORMED_ID", f"malformed id {text}")
            found = self._org.record(record_id)
            living = found is not None and not found.get("IsDeleted")
            shown.append(self._rest.shown(entry, found or {}, names, version_of(call)) if living else None)
        return ok(shown)

    # several requests in one

    def _batch(self, call: Call, _at: Sequence[str]) -> Answer:
        body = json_object(call)
        asked = body.get("batchRequests") or []
        _check_requests(asked)
        results: list[Record] = []
        for one in asked:
            if results and body.get("haltOnError") and results[-1]["statusCode"] >= 400:
                halted = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted"}]
                results.append({"statusCode": 412, "result": halted})
                continue
            path = f"/services/data/{str(one.get('url', '')).removeprefix('/services/data/').lstrip('/')}"
            answer = self._door(_inner(call, one.get("method", "GET"), path, one.get("richInput"), {}))
            results.append({"statusCode": answer.status, "result": _body(answer)})
        failed = any(result["statusCode"] >= 400 for result in results)
        return ok({"hasErrors": failed, "results": results})

    def _composite(self, call: Call, _at: Sequence[str]) -> Answer:
        body = json_object(call)
        asked = body.get("compositeRequest") or []
        _check_requests(asked)
        answers: dict[str, Json] = {}
        responses: list[Json] = []

        def all_of_them() -> None:
            for one in asked:
                name = str(one.get("referenceId", ""))
                try:
                    url = _filled(str(one.get("url", "")), answers)
                    content = _filled(one.get("body"), answers)
                except KeyError as exc:
                    answer = refused("PROCESSING_HALTED", f"Invalid reference specified. No value for {exc}").answer()
                else:
                    headers = {key.lower(): str(value) for key, value in (one.get("httpHeaders") or {}).items()}
                    answer = self._door(_inner(call, one.get("method", "GET"), url, content, headers))
                shown = _body(answer)
                if answer.status < 400:
                    answers[name] = shown
                responses.append(
                    {
                        "body": shown,
                        "httpHeaders": {key: value for key, value in answer.headers if key in ("Location", "ETag")},
                        "httpStatusCode": answer.status,
                        "referenceId": name,
                    }
                )
            if body.get("allOrNone") and any(one["httpStatusCode"] >= 400 for one in responses):
                raise _RolledBackError

        noted = len(self._org.journal.read())
        try:
            with self._org.all_or_none():
                all_of_them()
        except _RolledBackError:
            self._org.journal.cut(noted)
            halted = {
                "errorCode": "PROCESSING_HALTED",
                "message": "The transaction was rolled back since another operation in the same transaction failed.",
            }
            responses = [
                one
                if one["httpStatusCode"] >= 400
                else {**one, "body": [halted], "httpStatusCode": 400, "httpHeaders": {}}
                for one in responses
            ]
        return ok({"compositeResponse": responses})


class _RolledBackError(Exception):
    """One failed, so none is to happen."""


def _rolled_back() -> Json:
    message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    return RefusedError(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", message, ()).outcome()


def _records(call: Call) -> tuple[list[Record], bool]:
    """(the records of a body, whether all or none is to happen)."""
    body = json_object(call)
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise not_json("records: a list of JSON objects is expected at [line:1, column:1]")
    _check_count(records)
    return records, body.get("allOrNone") is True


def _check_count(records: Sequence[Json]) -> None:
    if len(records) > MOST_RECORDS:
        raise refused(
            "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_RECORDS} records into this call"
        )


def _check_requests(asked: Json) -> None:
    if not isinstance(asked, list) or not 0 < len(asked) <= MOST_REQUESTS:
        raise refused("LIMIT_EXCEEDED", f"1 to {MOST_REQUESTS} requests are allowed in one call")


def _own_id(record: Record) -> Json:
    return next((value for name, value in record.items() if name.lower() == "id"), None)


def _key(record: Record, field: Field) -> Json:
    return next((value for name, value in record.items() if name.lower() == field.name.lower()), None)


def _doubled(keys: "Iterator[Json]") -> list[Json]:
    return [key for key, times in Counter(keys).items() if times > 1 and key is not None]


def _inner(call: Call, method: str, url: str, content: Json, headers: Record) -> Call:
    path, _, query = url.partition("?")
    return Call(
        method=method.upper(), path=unquote(path), query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={**call.headers, **headers}, body=b"" if content is None else dump(content), now=call.now,
        base=call.base,
    )  # fmt: skip


def _body(answer: Answer) -> Json:
    return parse(answer.body) if answer.body else None


def _filled(value: Json, answers: Record) -> Json:
    """The value with `@{reference.path}` replaced by what an earlier answer says. Raises `KeyError`."""
    if isinstance(value, dict):
        return {name: _filled(inner, answers) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, answers) for inner in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda found: str(_reached(answers[found[1]], found[2])), value)


def _reached(answer: Json, path: str) -> Json:
    for step in re.findall(r"[A-Za-z0-9_]+", path):
        try:
            answer = answer[int(step)] if isinstance(answer, list) else answer[step]
        except (IndexError, ValueError, TypeError):
            raise KeyError(path) from None
    return answer
