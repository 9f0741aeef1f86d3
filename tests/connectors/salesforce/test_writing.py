"""Writes go out in batches, each with an outcome of its own, and none twice."""

import json
from typing import Any

import httpx
import pytest
import respx

from connectors.salesforce.connector import SalesforceConnector
from connectors.sdk import GrantError, LaterError, Outcome, RecordError, SetupError, Write
from tests.connectors.salesforce.api import (
    COLLECTION,
    CONTACT,
    HUB_ID,
    ROOT,
    SCORE,
    SEGMENTS,
    Queries,
    connect,
    contact,
    create,
    describes,
    done,
    error,
    key,
    listed,
    refused,
    results,
    statuses,
    update,
)


@pytest.fixture
def salesforce() -> SalesforceConnector:
    return connect()


def send(connector: SalesforceConnector, *writes: Write, stream: str = "contacts") -> list[Outcome]:
    return list(connector.send(stream, writes))


def bodies(route: respx.Route) -> list[Any]:
    return [json.loads(call.request.content) for call in route.calls]


@respx.mock
def test_updates_go_out_together(salesforce: SalesforceConnector) -> None:
    describes()
    route = respx.patch(COLLECTION).mock(return_value=results(done(key(1)), done(key(2))))

    outcomes = send(salesforce, update(1, **{SCORE: 9}), update(2, Email=None))

    assert bodies(route) == [
        {
            "allOrNone": False,
            "records": [
                {"attributes": {"type": "Contact"}, "id": key(1), SCORE: 9},
                {"attributes": {"type": "Contact"}, "id": key(2), "Email": None},
            ],
        }
    ]
    # The answer carries no values: the hub reads the records back.
    assert outcomes == [Outcome("a1", "done", key(1)), Outcome("a2", "done", key(2))]


@respx.mock
def test_creates_go_out_by_the_hubs_id(salesforce: SalesforceConnector) -> None:
    describes()
    route = respx.patch(f"{COLLECTION}/Contact/{HUB_ID}").mock(
        return_value=results(done(key(1), created=True), done(key(2), created=False))
    )

    outcomes = send(salesforce, create(1, hub_id="H-1"), create(2, hub_id="H-2"))

    assert [record[HUB_ID] for record in bodies(route)[0]["records"]] == ["H-1", "H-2"]
    assert "id" not in bodies(route)[0]["records"][0]
    assert [(one.status, one.key) for one in outcomes] == [("done", key(1)), ("done", key(2))]


@respx.mock
def test_without_a_hub_id_they_are_plain_creates(salesforce: SalesforceConnector) -> None:
    describes()
    route = respx.post(COLLECTION).mock(return_value=results(done(key(1))))

    assert statuses(send(salesforce, create(1))) == ["done"]
    assert route.call_count == 1


@respx.mock
def test_a_hub_id_in_a_field_that_is_not_unique_is_no_key_for_an_upsert(salesforce: SalesforceConnector) -> None:
    loose = tuple({**one, "unique": False} if one["name"] == HUB_ID else one for one in CONTACT)
    describes(Contact=loose)
    route = respx.post(COLLECTION).mock(return_value=results(done(key(1))))

    send(salesforce, create(1, hub_id="H-1"))

    assert route.call_count == 1


@respx.mock
def test_kinds_of_writes_go_apart_and_two_hundred_at_a_time(salesforce: SalesforceConnector) -> None:
    describes()
    changed = respx.patch(COLLECTION).mock(
        side_effect=lambda request: results(*[done(one["id"]) for one in json.loads(request.content)["records"]])
    )
    made = respx.post(COLLECTION).mock(return_value=results(done(key(900))))

    outcomes = send(salesforce, *[update(number, FirstName="M") for number in range(1, 202)], create(300))

    assert [len(body["records"]) for body in bodies(changed)] == [200, 1]
    assert made.call_count == 1
    assert set(statuses(outcomes)) == {"done"}
    assert [one.action for one in outcomes] == [f"a{number}" for number in [*range(1, 202), 300]]


@respx.mock
def test_values_go_out_as_salesforce_takes_them(salesforce: SalesforceConnector) -> None:
    describes()
    route = respx.patch(COLLECTION).mock(return_value=results(done(key(1))))

    send(salesforce, update(1, **{SEGMENTS: ["SMB", "EMEA"], "OwnerId": "005", "OwnerId:stream": "users", "Email": ""}))

    assert bodies(route)[0]["records"][0] == {
        "attributes": {"type": "Contact"}, "id": key(1), SEGMENTS: "SMB;EMEA", "OwnerId": "005", "Email": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        pytest.param({}, {"Sforce-Auto-Assign": "FALSE", "Sforce-Mru": "updateMru=false"}, id="quietly"),
        pytest.param(
            {"duplicates": "save", "assignment_rules": True},
            {"Sforce-Duplicate-Rule-Header": "allowSave=true", "Sforce-Mru": "updateMru=false"},
            id="as-the-operator-wants",
        ),
    ],
)
@respx.mock
def test_headers_say_what_a_write_may_start(settings: dict[str, Any], sent: dict[str, str]) -> None:
    describes()
    route = respx.patch(COLLECTION).mock(return_value=results(done(key(1))))

    send(connect(**settings), update(1, FirstName="M"))

    headers = route.calls.last.request.headers
    names = ("Sforce-Auto-Assign", "Sforce-Mru", "Sforce-Duplicate-Rule-Header")
    assert {name: headers[name] for name in names if name in headers} == sent


RULE = {"duplicateResult": {"duplicateRule": "Standard_Contact_Duplicate_Rule", "matchResults": []}}


@pytest.mark.parametrize(
    ("failure", "status", "told"),
    [
        pytest.param(error("UNABLE_TO_LOCK_ROW"), "later", "UNABLE_TO_LOCK_ROW", id="a-lock"),
        pytest.param(error("ENTITY_IS_DELETED"), "moved", "ENTITY_IS_DELETED", id="gone"),
        pytest.param(
            error("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName"),
            "rejected",
            "REQUIRED_FIELD_MISSING (LastName)",
            id="a-field-is-named",
        ),
        pytest.param(
            error("DUPLICATE_VALUE", f"duplicate value found: {HUB_ID} duplicates value on record with id: 003XX"),
            "rejected",
            "DUPLICATE_VALUE (Crosswalk ID): another record",
            id="a-field-in-the-words",
        ),
        pytest.param(
            error("DUPLICATES_DETECTED", "Use one of these records?", **RULE),
            "rejected",
            "(rule Standard_Contact_Duplicate_Rule)",
            id="a-duplicate-rule",
        ),
        pytest.param(
            error("FIELD_CUSTOM_VALIDATION_EXCEPTION", "s3cr3t is no score", SCORE),
            "rejected",
            "(NPS score): a validation rule",
            id="a-validation-rule",
        ),
        pytest.param(error("SOMETHING_NEW"), "rejected", "SOMETHING_NEW", id="unheard-of"),
        pytest.param({"success": False, "errors": []}, "rejected", "no reason", id="no-reason"),
    ],
)
@respx.mock
def test_each_has_its_own_outcome(
    salesforce: SalesforceConnector, failure: dict[str, Any], status: str, told: str
) -> None:
    describes()
    respx.patch(COLLECTION).mock(return_value=results(done(key(1)), failure, done(key(3))))

    outcomes = send(salesforce, *[update(number, Email="s3cr3t@x.example") for number in (1, 2, 3)])

    assert statuses(outcomes) == ["done", status, "done"]
    assert told in outcomes[1].reason
    assert "s3cr3t" not in outcomes[1].reason


@respx.mock
def test_results_in_another_order_go_to_their_own_writes(salesforce: SalesforceConnector) -> None:
    describes()
    respx.patch(COLLECTION).mock(return_value=results(done(key(3)), error("UNABLE_TO_LOCK_ROW"), done(key(1))))

    outcomes = send(salesforce, *[update(number, FirstName="M") for number in (1, 2, 3)])

    assert [(one.action, one.status) for one in outcomes] == [("a1", "done"), ("a2", "later"), ("a3", "done")]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(200, json=[done(key(1))]), id="too-few"),
        pytest.param(httpx.Response(200, json=[{"id": key(1)}, {"id": key(2)}]), id="no-word-of-success"),
        pytest.param(httpx.Response(200, json={}), id="another-form"),
        pytest.param(httpx.Response(200, text="<html>"), id="a-web-page"),
        pytest.param(httpx.Response(502), id="a-gateway"),
        pytest.param(httpx.ReadTimeout("slow"), id="no-answer"),
    ],
)
@respx.mock
def test_what_is_not_told_is_unknown_and_not_sent_again(salesforce: SalesforceConnector, answer: Any) -> None:
    describes()
    route = respx.patch(f"{COLLECTION}/Contact/{HUB_ID}").mock(side_effect=[answer])

    assert statuses(send(salesforce, create(1, hub_id="H-1"), create(2, hub_id="H-2"))) == ["unknown", "unknown"]
    assert route.call_count == 1


@respx.mock
def test_a_create_that_is_done_without_a_key_is_unknown(salesforce: SalesforceConnector) -> None:
    describes()
    respx.post(COLLECTION).mock(return_value=results({"success": True, "errors": []}))

    assert statuses(send(salesforce, create(1))) == ["unknown"]


@respx.mock
def test_a_batch_that_is_refused_as_a_whole_is_for_the_hub_to_halve(salesforce: SalesforceConnector) -> None:
    describes()
    answer = refused(400, "INVALID_FIELD", "No such column 'Gone__c' on sobject of type Contact: s3cr3t")
    route = respx.patch(COLLECTION).mock(return_value=answer)

    with pytest.raises(RecordError, match="INVALID_FIELD") as caught:
        send(salesforce, update(1, Gone__c="x"), update(2, FirstName="M"))
    [alone] = send(salesforce, update(1, Gone__c="x"))

    assert alone.status == "rejected"
    assert "INVALID_FIELD" in alone.reason
    assert "s3cr3t" not in f"{alone.reason} {caught.value.text}"
    assert route.call_count == 2


@respx.mock
def test_once_salesforce_asks_to_wait_the_rest_is_left(salesforce: SalesforceConnector) -> None:
    describes()
    route = respx.patch(COLLECTION).mock(return_value=refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit"))
    made = respx.post(COLLECTION)

    assert statuses(send(salesforce, update(1, FirstName="M"), create(2))) == ["later", "later"]
    assert (route.call_count, made.call_count) == (1, 0)


@respx.mock
def test_access_that_is_taken_away_is_for_a_person(salesforce: SalesforceConnector) -> None:
    describes()
    respx.patch(COLLECTION).mock(return_value=refused(403, "API_DISABLED_FOR_ORG"))

    with pytest.raises(GrantError):
        send(salesforce, update(1, FirstName="M"))


@respx.mock
def test_a_stream_that_is_only_read_says_so(salesforce: SalesforceConnector) -> None:
    with pytest.raises(SetupError, match="only read"):
        send(salesforce, update(1), stream="users")


# Did it arrive?


@respx.mock
def test_a_create_is_found_by_the_hubs_id(salesforce: SalesforceConnector) -> None:
    describes()
    queries = Queries(lambda _: listed(contact(1)))

    assert [one.key for one in salesforce.find("contacts", create(1, hub_id="H-'1"))] == [key(1)]
    assert " WHERE Crosswalk_Id__c = 'H-\\'1' ORDER BY CreatedDate DESC LIMIT 200" in queries.asked[0]


@pytest.mark.parametrize(
    ("stream", "values", "condition"),
    [
        pytest.param("contacts", {"Email": "m@x.example"}, "Email = 'm@x.example'", id="an-address"),
        pytest.param(
            "contacts", {"FirstName": "Mara", "AccountId": "001"},
            "LastName = 'Lind' AND FirstName = 'Mara' AND AccountId = '001'", id="a-name",
        ),
        pytest.param("opportunities", {"Name": "Renewal"}, "Name = 'Renewal'", id="a-deal"),
        pytest.param("tasks", {"Subject": "Call", "WhoId": "003"}, "Subject = 'Call' AND WhoId = '003'", id="a-task"),
    ],
)  # fmt: skip
@respx.mock
def test_without_one_by_what_a_person_would_go_by(
    salesforce: SalesforceConnector, stream: str, values: dict[str, Any], condition: str
) -> None:
    describes()
    queries = Queries(lambda _: listed())

    salesforce.find(stream, create(1, **values))

    assert f" WHERE {condition} ORDER BY CreatedDate DESC LIMIT 200" in queries.asked[0]


@respx.mock
def test_a_create_with_nothing_to_go_by_is_not_looked_for(salesforce: SalesforceConnector) -> None:
    describes()
    queries = Queries(lambda _: listed(contact(1)))

    assert list(salesforce.find("contacts", Write("a1", "create", None, None, {SCORE: 9}, None))) == []
    assert queries.asked == []


@respx.mock
def test_a_look_that_fails_says_so(salesforce: SalesforceConnector) -> None:
    describes()
    respx.get(url__startswith=f"{ROOT}/query").mock(return_value=httpx.Response(503))

    with pytest.raises(LaterError):
        salesforce.find("contacts", create(1, hub_id="H-1"))
