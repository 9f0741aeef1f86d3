"""Bulk API, the older one, as far as clients that only read need it: query jobs, their batches and CSV results.

A batch has been worked off when it is first asked after. Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API";
read 2026-11-23.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final
from xml.sax.saxutils import escape

from sandbox.state import Record
from sandbox.vendors.salesforce import ids
from sandbox.vendors.salesforce.answers import MEDIA_TYPE, RefusedError
from sandbox.vendors.salesforce.bulk import csv_of
from sandbox.vendors.salesforce.org import Org
from sandbox.vendors.salesforce.query import Queries
from sandbox.vendors.salesforce.rest import json_object
from sandbox.vendors.salesforce.stamps import csv_stamp, stamp
from sandbox.web import Answer, Call, Handler, Json, Route, dump

PATH: Final = "/services/async/"
_NAMESPACE: Final = "http://www.force.com/2009/06/asyncapi/dataload"
_NOTHING: Final = b"Records not found for this query"


@dataclass(slots=True, kw_only=True)
class _Batch:
    info: Record
    result: str
    body: bytes


@dataclass(slots=True, kw_only=True)
class _Job:
    info: Record
    batches: dict[str, _Batch] = field(default_factory=dict)


class Bulk1:
    def __init__(self, org: Org, queries: Queries) -> None:
        self._org, self._queries = org, queries
        self._jobs: dict[str, _Job] = {}
        self._numbers = count(1)

    def routes(self) -> Iterator[Route]:
        """Below `/services/async/66.0`."""

        def route(method: str, template: str, handler: Callable[[Call, Sequence[str]], Answer]) -> Route:
            return Route(method=method, template=template, cost=1, handler=_answering(handler))

        yield route("POST", "/job", self._create)
        yield route("GET", "/job/{id}", self._told)
        yield route("POST", "/job/{id}", self._close)
        yield route("POST", "/job/{id}/batch", self._add)
        yield route("GET", "/job/{id}/batch", self._batches)
        yield route("GET", "/job/{id}/batch/{batch}", self._batch)
        yield route("GET", "/job/{id}/batch/{batch}/result", self._results)
        yield route("GET", "/job/{id}/batch/{batch}/result/{result}", self._result)

    def _create(self, call: Call, _at: Sequence[str]) -> Answer:
        body = json_object(call)
        if body.get("operation") not in ("query", "queryAll") or body.get("contentType") != "CSV":
            raise _Bulk1Error("InvalidJob", "the sandbox knows query and queryAll with contentType CSV")
        if self._org.object(str(body.get("object"))) is None:
            raise _Bulk1Error("InvalidJob", f"Unable to find object: {body.get('object')}")
        at = stamp(call.now)
        info = {
            "id": self._org.new_job_id(), "operation": body["operation"], "object": body["object"],
            "createdById": self._org.me, "createdDate": at, "systemModstamp": at, "state": "Open",
            "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(call.path.split("/")[3]),
        }  # fmt: skip
        self._jobs[info["id"]] = _Job(info=info)
        return _json(201, info)

    def _job(self, text: str) -> _Job:
        job = self._jobs.get(ids.full(text) or "")
        if job is None:
            raise _Bulk1Error("InvalidJob", f"Unable to find job for id {text}")
        return job

    def _told(self, _call: Call, at: Sequence[str]) -> Answer:
        return _json(200, self._job(at[0]).info)

    def _close(self, call: Call, at: Sequence[str]) -> Answer:
        job, state = self._job(at[0]), json_object(call).get("state")
        if state not in ("Closed", "Aborted") or job.info["state"] != "Open":
            raise _Bulk1Error("InvalidJobState", f"a job in state {job.info['state']} cannot become {state}")
        job.info |= {"state": state, "systemModstamp": stamp(call.now)}
        return _json(200, job.info)

    def _add(self, call: Call, at: Sequence[str]) -> Answer:
        job = self._job(at[0])
        if job.info["state"] != "Open":
            raise _Bulk1Error("InvalidJobState", f"job {job.info['id']} is {job.info['state']}")
        told = {"state": "Completed"}
        body, rows = b"", 0
        try:
            body, rows = self._found(call, deleted=job.info["operation"] == "queryAll")
        except RefusedError as exc:
            told = {"state": "Failed", "stateMessage": f"InvalidBatch : Failed to process query: {exc}"}
        info = {
            "id": ids.mint("751", next(self._numbers)), "jobId": job.info["id"], **told,
            "createdDate": csv_stamp(stamp(call.now)), "systemModstamp": csv_stamp(stamp(call.now)),
            "numberRecordsProcessed": str(rows),
        }  # fmt: skip
        job.batches[info["id"]] = _Batch(info=info, result=ids.mint("752", next(self._numbers)), body=body)
        return _xml(201, _info({**info, "state": "Queued"}))

    def _found(self, call: Call, *, deleted: bool) -> tuple[bytes, int]:
        found = csv_of(self._queries, call.body.decode("utf-8", "replace"), call.now, deleted=deleted)
        return (found.header + found.view.rows(found.records) if found.records else _NOTHING), len(found.records)

    def _one(self, at: Sequence[str]) -> _Batch:
        batch = self._job(at[0]).batches.get(ids.full(at[1]) or "")
        if batch is None:
            raise _Bulk1Error("InvalidBatch", f"Unable to find batch for id {at[1]}")
        return batch

    def _batches(self, _call: Call, at: Sequence[str]) -> Answer:
        inner = "".join(_info(batch.info) for batch in self._job(at[0]).batches.values())
        return _xml(200, f'<batchInfoList xmlns="{_NAMESPACE}">{inner}</batchInfoList>')

    def _batch(self, _call: Call, at: Sequence[str]) -> Answer:
        return _xml(200, _info(self._one(at).info))

    def _results(self, _call: Call, at: Sequence[str]) -> Answer:
        batch = self._one(at)
        if batch.info["state"] != "Completed":
            raise _Bulk1Error("InvalidBatch", f"batch {at[1]} is {batch.info['state']}")
        return _xml(200, f'<result-list xmlns="{_NAMESPACE}"><result>{batch.result}</result></result-list>')

    def _result(self, _call: Call, at: Sequence[str]) -> Answer:
        batch = self._one(at)
        if ids.full(at[2]) != batch.result:
            raise _Bulk1Error("InvalidBatch", f"Unable to find result for id {at[2]}")
        return Answer(200, batch.body, media_type="text/csv")


class _Bulk1Error(Exception):
    """The older API has its own form of refusals."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.answer = _json(400, {"exceptionCode": code, "exceptionMessage": message})


def invalid_session() -> Answer:
    """400 here, where REST says 401."""
    return _Bulk1Error("InvalidSessionId", "Invalid session id").answer


def _answering(handler: Callable[[Call, Sequence[str]], Answer]) -> Handler:
    def answered(call: Call, at: Sequence[str]) -> Answer:
        try:
            return handler(call, at)
        except _Bulk1Error as exc:
            return exc.answer

    return answered


def _json(status: int, body: Json) -> Answer:
    return Answer(status, dump(body), media_type=MEDIA_TYPE)


def _xml(status: int, body: str) -> Answer:
    return Answer(status, f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode(), media_type="application/xml")


def _info(info: Mapping[str, str]) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in info.items())
    return f'<batchInfo xmlns="{_NAMESPACE}">{inner}</batchInfo>'
