"""Answers held against published descriptions of the API and against recorded answers of it.

Salesforce itself publishes none for the platform's REST API; those used here were put together by others, and leave
out some of what the vendor's guide has.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sandbox.vendors.salesforce.app import Salesforce
from tests.sandbox.calls import Caller, Reply
from tests.sandbox.openapi import Spec
from tests.sandbox.vendors.reference import REFERENCE, document
from tests.sandbox.vendors.salesforce.calls import DATA

# In the vendor's guide, but not in this description of Bulk API 2.0.
IN_THE_GUIDE = {
    "concurrencyMode", "contentUrl", "isPkChunkingSupported", "retries", "apexProcessingTime",
    "apiActiveProcessingTime",
}  # fmt: skip
V64 = "/data/v64.0"
ONE = f"{V64}/sobjects/{{SOBJECT_API_NAME}}"
MANY = f"{DATA}/composite/sobjects"


def spec(name: str) -> Spec:
    return Spec(document("salesforce", f"salesforce-{name}.yml"))


def unexpected(problems: Sequence[str]) -> list[str]:
    allowed = re.compile(rf"\.({'|'.join(IN_THE_GUIDE)}) is not described$")
    return sorted({problem for problem in problems if not allowed.search(problem)})


def problems(description: Spec, method: str, template: str, reply: Reply) -> list[str]:
    return unexpected(description.problems(method, template, reply.status, reply.json if reply.body else None))


@pytest.mark.parametrize(
    ("name", "template", "path"),
    [
        ("describe-api-openapi", f"{V64}/sobjects", "/sobjects"),
        ("describe-api-openapi", f"{ONE}/describe", "/sobjects/Account/describe"),
        ("describe-api-openapi", f"{ONE}/describe", "/sobjects/Contact/describe"),
        ("describe-api-openapi", f"{ONE}/describe", "/sobjects/Opportunity/describe"),
        ("limits-api-openapi", "/limits", "/limits"),
        ("sobjects-api-openapi", "/sobjects/{sobjectType}/{id}", "/sobjects/Contact/003Hs0000010001IAA"),
    ],
)
def test_what_is_read_has_the_described_form(salesforce: Caller, name: str, template: str, path: str) -> None:
    reply = salesforce("GET", f"{DATA}{path}")

    assert reply.status == 200
    assert problems(spec(name), "GET", template, reply) == []


def test_what_is_written_is_answered_in_the_described_form(salesforce: Caller) -> None:
    one, many = spec("sobjects-api-openapi"), spec("collections-api-openapi")
    contact = {"attributes": {"type": "Contact"}}
    made = salesforce("POST", f"{DATA}/sobjects/Contact", {"LastName": "X"})
    key = made.json["id"]

    found = problems(one, "POST", "/sobjects/{sobjectType}", made)
    for method, template, path, body, query in (
        ("POST", f"{V64}/composite/sobjects", MANY, {"records": [{**contact, "LastName": "A"}, contact]}, {}),
        ("PATCH", f"{V64}/composite/sobjects", MANY, {"records": [{**contact, "id": key}, contact]}, {}),
        ("PATCH", f"{V64}/composite/sobjects/{{SOBJECT_API_NAME}}/{{FIELD_NAME}}", f"{MANY}/Contact/Crosswalk_Id__c",
         {"records": [{**contact, "Crosswalk_Id__c": "h", "LastName": "A"}]}, {}),
        ("GET", f"{V64}/composite/sobjects/{{SOBJECT_API_NAME}}", f"{MANY}/Contact", None,
         {"ids": key, "fields": "Id"}),
        ("DELETE", f"{V64}/composite/sobjects", MANY, None, {"ids": key}),
    ):  # fmt: skip
        found += problems(many, method, template, salesforce(method, path, body, **query))

    assert found == []


def test_composites_answer_in_the_described_form(salesforce: Caller) -> None:
    description = spec("composite-api-openapi")
    several = {"compositeRequest": [{"method": "GET", "url": f"{DATA}/sobjects/Nope", "referenceId": "a"}]}
    batch = {"batchRequests": [{"method": "GET", "url": "v66.0/limits"}]}

    assert problems(description, "POST", "/composite", salesforce("POST", f"{DATA}/composite", several)) == []
    assert problems(description, "POST", "/composite/batch", salesforce("POST", f"{DATA}/composite/batch", batch)) == []


def test_jobs_are_told_in_the_described_form(salesforce: Caller) -> None:
    description = spec("bulk-api-2-openapi")
    csv = {**salesforce.headers, "content-type": "text/csv"}
    asked = salesforce("POST", f"{DATA}/jobs/query", {"operation": "query", "query": "SELECT Id FROM Contact"})
    sent = salesforce("POST", f"{DATA}/jobs/ingest", {"operation": "insert", "object": "Contact"})
    query, ingest = (f"{DATA}/jobs/{kind}/{reply.json['id']}" for kind, reply in (("query", asked), ("ingest", sent)))
    salesforce("PUT", f"{ingest}/batches", b"LastName\nx\n", headers=csv)

    found = problems(description, "POST", "/query", asked) + problems(description, "POST", "/ingest", sent)
    closed = salesforce("PATCH", ingest, {"state": "UploadComplete"})
    found += problems(description, "PATCH", "/ingest/{jobId}", closed)
    for _ in range(2):
        found += problems(description, "GET", "/query/{jobId}", salesforce("GET", query))
        found += problems(description, "GET", "/ingest/{jobId}", salesforce("GET", ingest))
    for kind in ("query", "ingest"):
        found += problems(description, "GET", f"/{kind}", salesforce("GET", f"{DATA}/jobs/{kind}"))

    assert found == []


def test_every_operation_of_bulk_2_is_here(org: Salesforce) -> None:
    here = {(route.method, _shape(route.template)) for route in org.routes()}

    missing = {(method, template) for method, template in spec("bulk-api-2-openapi").operations()
               if (method, _shape(f"/jobs{template}")) not in here}  # fmt: skip

    assert missing == set()


def test_tokens_have_the_described_form(org: Salesforce) -> None:
    known, stranger = org.credentials, Caller(org, {})
    app = {name: known[name] for name in ("client_id", "client_secret")}
    description = spec("tokens-api-openapi")

    granted = stranger.form(
        "/services/oauth2/token", grant_type="refresh_token", refresh_token=known["refresh_token"], **app
    )
    told = stranger.form("/services/oauth2/introspect", token=granted.json["access_token"], **app)

    assert problems(description, "POST", "/services/oauth2/token", granted) == []
    assert problems(description, "POST", "/services/oauth2/introspect", told) == []


def _shape(template: str) -> str:
    return re.sub(r"\{\w+\}", "{}", template).strip("/")


# recorded answers


def recorded(name: str) -> Iterator[Any]:
    path = REFERENCE / "recordings" / "salesforce" / name
    if not path.is_file():
        pytest.skip(f"set CROSSWALK_REFERENCE to a folder with recordings/salesforce/{name}")
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def fixture(name: str) -> Any:
    """The body that a client's tests were recorded with."""
    return next(one["res"]["body"] for one in recorded("restforce.jsonl") if one["src"].endswith(f"{name}.json"))


def lacks(answer: Any, wanted: Any, at: str = "body") -> list[str]:
    """What of a recorded answer's form ours does not have: names, and kinds of values where both have one."""
    if isinstance(wanted, dict) and isinstance(answer, dict):
        missing = [f"{at}.{name}" for name in wanted if name not in answer]
        return missing + [
            fault
            for name in wanted.keys() & answer.keys()
            for fault in lacks(answer[name], wanted[name], f"{at}.{name}")
        ]
    if isinstance(wanted, list) and isinstance(answer, list):
        return lacks(answer[0], wanted[0], f"{at}[]") if wanted and answer else []
    if wanted is None or answer is None or isinstance(answer, type(wanted)):
        return []
    numbers = isinstance(answer, (int, float)) and isinstance(wanted, (int, float))
    return [] if numbers else [f"{at} is {type(answer).__name__}, not {type(wanted).__name__}"]


@pytest.mark.parametrize(
    ("name", "method", "path", "query"),
    [
        ("describe_sobjects_success_response", "GET", "/sobjects", {}),
        ("sobject_describe_success_response", "GET", "/sobjects/Contact/describe", {}),
        ("get_deleted_success_response", "GET", "/sobjects/Contact/deleted",
         {"start": "2026-11-09T00:00:00Z", "end": "2026-11-23T12:00:00Z"}),
        ("get_updated_success_response", "GET", "/sobjects/Contact/updated",
         {"start": "2026-10-25T00:00:00Z", "end": "2026-11-23T12:00:00Z"}),
        ("query_empty_response", "GET", "/query", {"q": "SELECT Id FROM Contact WHERE Name = 'nobody'"}),
        ("query_error_response", "GET", "/query", {"q": "SELECT Nope FROM Contact"}),
        ("query_aggregate_success_response", "GET", "/query",
         {"q": "SELECT CampaignId, COUNT(Id) FROM CampaignMember GROUP BY CampaignId"}),
        ("sobject_describe_error_response", "GET", "/sobjects/Nope/describe", {}),
        ("sobject_find_error_response", "GET", "/sobjects/Contact/23foo", {}),
        ("upsert_error_response", "GET", "/sobjects/Contact/Namez/x", {}),
    ],
)  # fmt: skip
def test_an_answer_has_the_form_of_the_recorded_one(
    salesforce: Caller, name: str, method: str, path: str, query: dict[str, Any]
) -> None:
    wanted = fixture(name)

    answer = salesforce(method, f"{DATA}{path}", **query).json

    pages = "body.urls.ui"  # of the screens, which nobody calls
    assert [fault for fault in lacks(answer, wanted) if not fault.startswith(pages)] == []
    if "error" in name and name != "query_error_response":
        assert answer[0]["errorCode"] == wanted[0]["errorCode"]


def errors_within(body: Any) -> Iterator[Any]:
    for inner in body.values() if isinstance(body, dict) else body if isinstance(body, list) else ():
        yield from errors_within(inner)
    if isinstance(body, dict) and "errorCode" in body:
        yield body


def test_an_unknown_object_is_refused_in_the_recorded_words(salesforce: Caller) -> None:
    told = [error for exchange in recorded("cumulusci.jsonl") for error in errors_within(exchange["res"])]
    wanted = next(error for error in told if error["errorCode"] == "INVALID_TYPE")

    answer = salesforce("GET", f"{DATA}/query", q="select count() from XYZZY").json

    assert answer == [wanted]
