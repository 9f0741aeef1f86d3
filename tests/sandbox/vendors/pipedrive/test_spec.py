"""Answers held against the vendor's published OpenAPI documents."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from sandbox.vendors.pipedrive.app import Pipedrive
from tests.sandbox.calls import Caller
from tests.sandbox.openapi import Spec
from tests.sandbox.vendors.reference import document

# In the documents' own examples, though not in their schemas.
SHOWN_IN_EXAMPLES = {
    "creator_user_id", "archive_time", "local_won_date", "local_lost_date", "local_close_date", "description",
    "is_archived", "address", "pagination", "pinned_to_lead_flag",
}  # fmt: skip
# Newer fields of organizations, which the documents do not have yet.
NEWER = {"website", "linkedin", "industry", "annual_revenue", "employee_count"}


@pytest.fixture(scope="module")
def v1() -> Spec:
    return Spec(document("pipedrive", "openapi-v1.yaml"))


@pytest.fixture(scope="module")
def v2() -> Spec:
    return Spec(document("pipedrive", "openapi-v2.yaml"))


def unexpected(problems: Sequence[str]) -> list[str]:
    allowed = re.compile(
        rf"\.({'|'.join(SHOWN_IN_EXAMPLES | NEWER)}|[0-9a-f]{{40}}(_\w+)?) is not described$"  # hashes: custom fields
        r"|items\[\]\.item\.value is float, not integer$"  # a deal may well be worth 4500.50
    )
    return sorted({problem for problem in problems if not allowed.search(problem)})


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/persons", "/persons?limit=500"),
        ("/persons/{id}", "/persons/101"),
        ("/organizations", "/organizations?limit=500"),
        ("/organizations/{id}", "/organizations/1"),
        ("/deals", "/deals?limit=500"),
        ("/deals/archived", "/deals/archived"),
        ("/activities", "/activities?limit=500&include_fields=attendees"),
        ("/stages", "/stages"),
        ("/stages/{id}", "/stages/1"),
        ("/pipelines", "/pipelines"),
        ("/pipelines/{id}", "/pipelines/1"),
        ("/personFields", "/personFields?limit=500"),
        ("/organizationFields", "/organizationFields?limit=500"),
        ("/dealFields", "/dealFields?limit=500"),
        ("/activityFields", "/activityFields?limit=500"),
        ("/personFields/{field_code}", "/personFields/label_ids"),
        ("/persons/search", "/persons/search?term=ma"),
        ("/organizations/search", "/organizations/search?term=nord"),
        ("/deals/search", "/deals/search?term=renewal"),
        ("/leads/search", "/leads/search?term=lead"),
        ("/itemSearch", "/itemSearch?term=nord"),
    ],
)
def test_what_v2_reads_has_the_described_form(pipedrive: Caller, v2: Spec, template: str, path: str) -> None:
    reply = pipedrive("GET", f"/api/v2{path}")

    assert reply.json["data"]
    assert unexpected(v2.problems("GET", template, reply.status, reply.json)) == []


@pytest.mark.parametrize(
    ("method", "template", "path", "body"),
    [
        ("POST", "/persons", "/persons", {"name": "X", "emails": [{"value": "x@y.test"}]}),
        ("PATCH", "/persons/{id}", "/persons/101", {"phones": []}),
        ("DELETE", "/persons/{id}", "/persons/101", None),
        ("POST", "/organizations", "/organizations", {"name": "X"}),
        ("PATCH", "/organizations/{id}", "/organizations/1", {"name": "Y"}),
        ("POST", "/deals", "/deals", {"title": "X"}),
        ("POST", "/activities", "/activities", {"subject": "X"}),
        ("POST", "/personFields", "/personFields", {"field_name": "X", "field_type": "double"}),
        ("POST", "/personFields/{field_code}/options", "/personFields/label_ids/options", [{"label": "X"}]),
    ],
)
def test_what_v2_writes_is_answered_in_the_described_form(
    pipedrive: Caller, v2: Spec, method: str, template: str, path: str, body: Any
) -> None:
    reply = pipedrive(method, f"/api/v2{path}", body)

    allowed = [p for p in v2.problems(method, template, reply.status, reply.json) if "marketing_status" not in p]
    assert unexpected(allowed) == []


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/leads", "/leads?limit=500"),
        ("/leads/archived", "/leads/archived"),
        ("/leadLabels", "/leadLabels"),
        ("/leadSources", "/leadSources"),
        ("/notes", "/notes?limit=500"),
        ("/notes/{id}", "/notes/1"),
        ("/users", "/users"),
        ("/users/me", "/users/me"),
        ("/users/{id}", "/users/12"),
        ("/currencies", "/currencies"),
        ("/activityTypes", "/activityTypes"),
        ("/personFields", "/personFields?limit=500"),
        ("/dealFields", "/dealFields?limit=500"),
        ("/userSettings", "/userSettings"),
        ("/recents", "/recents?since_timestamp=2026-11-01 00:00:00&items=note"),
    ],
)
def test_what_v1_reads_has_the_described_form(pipedrive: Caller, v1: Spec, template: str, path: str) -> None:
    reply = pipedrive("GET", f"/v1{path}")

    assert reply.json["data"]
    assert unexpected(v1.problems("GET", template, reply.status, reply.json)) == []


def test_what_v1_writes_is_answered_in_the_described_form(pipedrive: Caller, v1: Spec) -> None:
    problems: list[str] = []

    def send(method: str, template: str, path: str, body: Any = None) -> Any:
        reply = pipedrive(method, f"/v1{path}", body)
        problems.extend(v1.problems(method, template, reply.status, reply.json))
        return reply.data

    lead = send("POST", "/leads", "/leads", {"title": "X", "person_id": 101})["id"]
    send("PATCH", "/leads/{id}", f"/leads/{lead}", {"is_archived": True})
    send("DELETE", "/leads/{id}", f"/leads/{lead}")
    send("GET", "/leads/{id}", f"/leads/{lead}")
    note = send("POST", "/notes", "/notes", {"content": "X", "person_id": 101})["id"]
    send("PUT", "/notes/{id}", f"/notes/{note}", {"content": "Y"})
    send("DELETE", "/notes/{id}", f"/notes/{note}")
    send("PUT", "/persons/{id}/merge", "/persons/102/merge", {"merge_with_id": 101})
    send("GET", "/persons/{id}/changelog", "/persons/102/changelog")
    assert unexpected(problems) == []


def test_every_operation_costs_what_its_document_says(account: Pipedrive, v1: Spec, v2: Spec) -> None:
    wrong = []
    compared = 0
    for prefix, spec in (("/api/v2/", v2), ("/v1/", v1)):
        described = {(method, _shape(template)): template for method, template in spec.operations()}
        for route in account.routes()[prefix]:
            template = described.get((route.method, _shape(route.template)))
            if template is None:
                continue  # v1's twins have left their document
            compared += 1
            if spec.cost(route.method, template) != route.cost:
                wrong.append((prefix, route.method, route.template, route.cost, spec.cost(route.method, template)))

    assert wrong == []
    assert compared > 60


def test_every_operation_of_v2_is_one_that_the_vendor_has(account: Pipedrive, v2: Spec) -> None:
    described = {(method, _shape(template)) for method, template in v2.operations()}

    assert {(route.method, _shape(route.template)) for route in account.routes()["/api/v2/"]} <= described


def _shape(template: str) -> str:
    return "/".join("{}" if word.startswith("{") else word for word in template.split("/"))
