import csv
import io
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.sandbox.calls import Caller, Reply
from tests.sandbox.vendors.salesforce.calls import rows

JOB = "/services/async/61.0/job"


@pytest.fixture
def bulk(salesforce: Caller) -> Caller:
    """Shows its session in the header that the older API wants."""
    session = salesforce.headers["authorization"].removeprefix("Bearer ")
    return Caller(salesforce.vendor, {"x-sfdc-session": session}, now=salesforce.now)


def begun(bulk: Caller, operation: str = "query") -> str:
    reply = bulk("POST", JOB, {"operation": operation, "object": "Contact", "contentType": "CSV"})
    assert (reply.status, reply.json["state"]) == (201, "Open"), reply.body
    return str(reply.json["id"])


def told(reply: Reply) -> dict[str, str]:
    """The elements of an XML answer by their names."""
    return {element.tag.rpartition("}")[2]: element.text or "" for element in ElementTree.fromstring(reply.body).iter()}


def added(bulk: Caller, job: str, soql: str) -> str:
    reply = bulk("POST", f"{JOB}/{job}/batch", soql.encode(), headers={**bulk.headers, "content-type": "text/csv"})
    assert (reply.status, told(reply)["state"]) == (201, "Queued")
    return told(reply)["id"]


def read(bulk: Caller, job: str, batch: str) -> bytes:
    path = f"{JOB}/{job}/batch/{batch}"
    assert told(bulk("GET", path))["state"] == "Completed"
    return bulk("GET", f"{path}/result/{told(bulk('GET', f'{path}/result'))['result']}").body


@pytest.mark.parametrize(("operation", "deleted"), [("query", False), ("queryAll", True)])
def test_a_batch_brings_what_the_query_would(salesforce: Caller, bulk: Caller, operation: str, deleted: bool) -> None:
    soql = "SELECT Id, Name, SystemModstamp FROM Contact ORDER BY Id"
    job = begun(bulk, operation)
    batch = added(bulk, job, soql)
    closed = bulk("POST", f"{JOB}/{job}", {"state": "Closed"})

    table = list(csv.DictReader(io.StringIO(read(bulk, job, batch).decode(), newline="")))

    assert closed.json["state"] == "Closed"
    wanted = rows(salesforce, soql, deleted=deleted)
    assert [(row["Id"], row["Name"], row["SystemModstamp"].replace("Z", "+0000")) for row in table] == [
        (row["Id"], row["Name"], row["SystemModstamp"]) for row in wanted
    ]
    listed = ElementTree.fromstring(bulk("GET", f"{JOB}/{job}/batch").body)
    assert len(listed) == 1


def test_a_batch_without_rows_says_so(bulk: Caller) -> None:
    job = begun(bulk)

    assert read(bulk, job, added(bulk, job, "SELECT Id FROM Contact WHERE Name = 'nobody'")) == (
        b"Records not found for this query"
    )


def test_a_batch_that_cannot_be_asked_fails(bulk: Caller) -> None:
    job = begun(bulk)
    batch = added(bulk, job, "SELECT Nope FROM Contact")

    state = told(bulk("GET", f"{JOB}/{job}/batch/{batch}"))

    assert state["state"] == "Failed"
    assert state["stateMessage"].startswith("InvalidBatch : Failed to process query: INVALID_FIELD")
    assert refused(bulk("GET", f"{JOB}/{job}/batch/{batch}/result")) == "InvalidBatch"


def refused(reply: Reply) -> str:
    assert reply.status == 400, reply.body
    return str(reply.json["exceptionCode"])


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "", {"operation": "insert", "object": "Contact", "contentType": "CSV"}, "InvalidJob"),
        ("POST", "", {"operation": "query", "object": "Nope", "contentType": "CSV"}, "InvalidJob"),
        ("GET", "/750Hs0000zzzzzz", None, "InvalidJob"),
        ("GET", "/{job}/batch/751Hs0000zzzzzz", None, "InvalidBatch"),
        ("POST", "/{job}", {"state": "Open"}, "InvalidJobState"),
    ],
)
def test_refusals_have_their_own_form(bulk: Caller, method: str, path: str, body: Any, code: str) -> None:
    assert refused(bulk(method, JOB + path.format(job=begun(bulk)), body)) == code


def test_a_closed_job_takes_no_batch(bulk: Caller) -> None:
    job = begun(bulk)
    bulk("POST", f"{JOB}/{job}", {"state": "Closed"})

    reply = bulk("POST", f"{JOB}/{job}/batch", b"SELECT Id FROM Contact")

    assert refused(reply) == "InvalidJobState"


def test_a_dead_session_is_a_400(bulk: Caller) -> None:
    assert refused(bulk("GET", f"{JOB}/x", headers={"x-sfdc-session": "dead"})) == "InvalidSessionId"
