"""Answers recorded from real orgs are understood: what a simulation says is not all that there is."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from connectors.salesforce import lists, removals
from connectors.salesforce.auth import REFUSALS
from connectors.salesforce.fields import catalogue
from connectors.salesforce.shapes import Shape
from connectors.salesforce.statuses import vendor_code
from connectors.salesforce.streams import RESOURCES
from connectors.salesforce.writes import Batch, outcomes
from connectors.sdk import Answer, ClientCredentials, GrantError, Operation, Write
from connectors.sdk.auth import TokenAnswer
from connectors.sdk.decoding import ENCODER
from connectors.sdk.fakes import START
from tests.sandbox.vendors.reference import REFERENCE

FLOW = ClientCredentials(
    vendor="Salesforce", token_url="https://x.test", client_id="c", client_secret="s",
    kept=("instance_url", "id"), refusals=REFUSALS,
)  # fmt: skip


def recorded(name: str) -> list[dict[str, Any]]:
    """Exchanges of a file; a skip of the test where this machine does not have it."""
    path = REFERENCE / "recordings" / "salesforce" / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"set CROSSWALK_REFERENCE to a folder with recordings/salesforce/{name}.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def kept(name: str) -> Any:
    """The body of one of the answers that were kept by hand."""
    (found,) = [one["res"]["body"] for one in recorded("restforce") if one["src"].endswith(f"/{name}_response.json")]
    return found


def answered(body: Any, *, status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode(), {}, START, 0.0, "Salesforce GET /x")


def collections() -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """What was sent to sObject Collections, and the results."""
    for one in recorded("cumulusci"):
        request, body = one["req"], one["res"]["body"]
        if "/composite/sobjects" in (request["url"] or "") and isinstance(body, list) and body:
            yield request, body


def test_pages_of_queries_are_read_to_their_end() -> None:
    seen = 0
    for one in recorded("cumulusci"):
        body = one["res"]["body"]
        if (
            "/query/?q=" not in (one["req"]["url"] or "")
            or not isinstance(body, dict)
            or "/tooling/" in one["req"]["url"]
        ):
            continue
        answer = answered(body)
        assert lists.total_of(answer) == body["totalSize"]
        assert lists.following(answer) is None
        for row in lists.rows_of(answer):
            if "Id" in row:
                stamped = {**row, "SystemModstamp": "2026-11-01T07:15:02.000+0000"}
                made, faults = lists.records([msgspec.Raw(ENCODER.encode(stamped))], Shape([], []), where="x")
                assert ([record.key for record in made], faults) == ([row["Id"]], [])
                seen += 1
    assert seen > 10


def test_the_pages_of_one_query_follow_each_other() -> None:
    first = answered(kept("query_paginated_first_page"))
    last = answered(kept("query_paginated_last_page"))

    assert lists.following(first) == "/services/data/v26.0/query/01gD"
    assert lists.following(last) is None
    assert lists.rows_of(answered(kept("query_empty"))) == []


def test_results_of_collections_have_an_outcome_each() -> None:
    seen = 0
    for request, results in collections():
        op: Operation = "create" if request["method"] == "POST" or "sobjects/" in request["url"] else "update"
        keys = [one.get("id") for one in results]
        writes = [Write(str(number), op, key, None, {}, None) for number, key in enumerate(keys)]

        found = outcomes(Batch(op=op, upsert_by=None, writes=writes), results, {})

        assert found is not None
        assert [(one.status, one.key) for one in found if one.status == "done"] == [
            ("done", one["id"]) for one in results if one["success"]
        ]
        assert not [one for one in found if one.status == "unknown"]
        seen += len(found)
    assert seen > 50


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("query_error", "INVALID_FIELD"),
        ("expired_session", "INVALID_SESSION_ID"),
        ("sobject_describe_error", "NOT_FOUND"),
        ("write_error", "INVALID_FIELD"),
        ("auth_error", "invalid_grant"),
    ],
)
def test_errors_name_their_code(name: str, code: str) -> None:
    assert vendor_code(kept(name)) == code


def test_a_grant_names_the_orgs_address() -> None:
    grant = FLOW.grant(TokenAnswer(200, kept("auth_success")), held=None, now=START)

    assert grant.extra["instance_url"] == "https://na1.salesforce.com"
    assert grant.extra["id"].endswith("/005x00000012Q9P")
    assert grant.expires_at is None


def test_a_refused_grant_says_why() -> None:
    with pytest.raises(GrantError, match="expired or is revoked"):
        FLOW.grant(TokenAnswer(400, kept("refresh_error")), held=None, now=START)


def test_deletions_are_read() -> None:
    [(gone, back_to)] = removals.feed(lambda _a, _b: answered(kept("get_deleted_success")), START, START)

    assert list(gone) == ["a00D0000008pQRAIA2"]
    assert back_to is not None
    assert back_to.year == 2013


def described() -> Iterator[dict[str, Any]]:
    yield kept("sobject_describe_success")
    for one in recorded("cumulusci"):
        body = one["res"]["body"]
        for inner in body.get("compositeResponse", []) if isinstance(body, dict) else []:
            if isinstance(inner["body"], dict) and "fields" in inner["body"]:
                yield inner["body"]


def test_descriptions_become_fields() -> None:
    seen = 0
    for body in described():
        found = catalogue(body, RESOURCES["opportunities"], person_accounts=False, related={})
        assert found.infos[0].name == "Id"
        assert not [info for info in found.infos if not info.label]
        seen += 1
    assert seen > 2
