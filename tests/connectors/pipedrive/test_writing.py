"""What is sent to Pipedrive, what became of it, and whether a create arrived."""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from connectors.pipedrive.connector import PipedriveConnector
from connectors.sdk import Write
from connectors.sdk.errors import GrantError
from connectors.sdk.fakes import Bench
from tests.connectors.pipedrive.api import (
    AMOUNT,
    BASE,
    CATALOGUE,
    HUB_ID,
    PERSON_FIELDS,
    PERSONS,
    SEGMENTS,
    connect,
    create,
    field,
    listed,
    one,
    person,
    refused,
    statuses,
    update,
)

DEAL_FIELDS = f"{BASE}/api/v2/dealFields"
SEARCH = f"{PERSONS}/search"


@pytest.fixture
def pipedrive() -> PipedriveConnector:
    return connect()


def sent(route: respx.Route) -> Any:
    return json.loads(route.calls.last.request.content, parse_float=Decimal)


@pytest.fixture(autouse=True)
def catalogue() -> Any:
    with respx.mock(assert_all_called=False) as router:
        router.get(PERSON_FIELDS).mock(return_value=listed(*CATALOGUE))
        router.get(DEAL_FIELDS).mock(return_value=listed(field("Segments", SEGMENTS, "set")))
        router.get(f"{BASE}/api/v2/organizationFields").mock(return_value=listed())
        yield router


def test_a_create_answers_with_the_record_as_it_stands(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    route = catalogue.post(PERSONS).mock(return_value=one(person(501, name="Mara Lind")))

    [outcome] = pipedrive.send("persons", [create(name="Mara Lind", owner_id="11")])

    assert (outcome.status, outcome.key, outcome.version) == ("done", "501", "2026-11-01T07:15:02Z")
    assert outcome.values == person(501, name="Mara Lind")
    assert sent(route) == {"name": "Mara Lind", "owner_id": 11}


def test_an_update_sends_what_it_was_given_in_the_vendors_types(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    route = catalogue.patch(f"{PERSONS}/501").mock(return_value=one(person(501)))
    values: dict[str, Any] = {
        "org_id": "77",
        "emails": None,
        "label_ids": ["3"],
        "visible_to": "7",
        "custom_fields": {HUB_ID: "123", SEGMENTS: [], AMOUNT: {"value": "10.50", "currency": "EUR"}},
    }

    [outcome] = pipedrive.send("persons", [update(**values)])

    assert outcome.status == "done"
    assert sent(route) == {
        "org_id": 77,
        "emails": [],  # a list of the record is emptied
        "label_ids": [3],
        "visible_to": 7,
        # A text stays one whatever it looks like; in a custom field null clears, and an empty list is refused.
        "custom_fields": {HUB_ID: "123", SEGMENTS: None, AMOUNT: {"value": Decimal("10.50"), "currency": "EUR"}},
    }


def test_writes_cost_what_the_version_charges(catalogue: respx.MockRouter) -> None:
    bench = Bench()
    catalogue.post(PERSONS).mock(return_value=one(person(501)))
    catalogue.put(f"{BASE}/v1/notes/1").mock(return_value=one({"id": 1, "update_time": "2026-11-01 00:00:00"}))

    list(connect(bench).send("persons", [create(name="Mara Lind")]))
    list(connect(bench).send("notes", [update("1", content="x")]))

    assert bench.budget.taken["write"] == 15


@pytest.mark.parametrize(
    ("op", "archived"), [pytest.param("archive", True, id="archive"), pytest.param("restore", False, id="restore")]
)
def test_a_deal_is_archived_and_restored_by_its_flag(
    op: Any, archived: bool, catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    deal = {"id": 9, "update_time": "2026-11-01T00:00:00Z", "is_archived": archived}
    route = catalogue.patch(f"{BASE}/api/v2/deals/9").mock(return_value=one(deal))

    [outcome] = pipedrive.send("deals", [Write("a1", op, "9", None, {}, None)])

    assert outcome.status == "done"
    assert sent(route) == {"is_archived": archived}


def test_a_lead_is_written_in_the_habits_of_the_first_version(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    lead = {"id": "l-1", "update_time": "2026-11-01T00:00:00.000Z", SEGMENTS: "12,13"}
    route = catalogue.patch(f"{BASE}/v1/leads/l-1").mock(return_value=one(lead))
    values: dict[str, Any] = {
        "value": {"amount": "999.5", "currency": "EUR"},
        "visible_to": "3",
        "person_id": "7",
        SEGMENTS: ["12", "13"],
    }

    [outcome] = pipedrive.send("leads", [update("l-1", **values)])

    assert sent(route) == {
        "value": {"amount": Decimal("999.5"), "currency": "EUR"}, "visible_to": "3", "person_id": 7, SEGMENTS: "12,13",
    }  # fmt: skip
    assert outcome.values is not None
    assert outcome.values[SEGMENTS] == [12, 13]


def test_an_amount_without_value_clears_the_money_of_a_lead(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    route = catalogue.patch(f"{BASE}/v1/leads/l-1").mock(
        return_value=one({"id": "l-1", "update_time": "2026-11-01T00:00:00.000Z"})
    )

    list(pipedrive.send("leads", [update("l-1", value={"amount": None, "currency": "EUR"})]))

    assert sent(route) == {"value": None}


def test_a_refusal_names_the_field_and_quotes_nothing(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    catalogue.patch(f"{PERSONS}/501").mock(
        return_value=refused(
            400,
            f"Validation failed: custom_fields.{SEGMENTS}: must be array, got mara@nordwerk.example",
            code="ERR_SCHEMA_VALIDATION_FAILED",
        )
    )

    [outcome] = pipedrive.send("persons", [update(name="x")])

    assert outcome.status == "rejected"
    assert "ERR_SCHEMA_VALIDATION_FAILED" in outcome.reason
    assert "(Segments)" in outcome.reason
    assert "mara@" not in outcome.reason


def test_each_write_has_its_own_outcome(catalogue: respx.MockRouter, pipedrive: PipedriveConnector) -> None:
    catalogue.patch(url__regex=r".*/persons/\d+").mock(
        side_effect=[
            one(person(1)),
            refused(404, "Person not found"),
            refused(403, "You do not have permissions to do this."),
            httpx.Response(502),
            httpx.ReadTimeout("no answer"),
            one(person(6)),
        ]
    )

    outcomes = list(pipedrive.send("persons", [update(str(n), action=f"a{n}", name="x") for n in range(1, 7)]))

    assert [outcome.action for outcome in outcomes] == [f"a{n}" for n in range(1, 7)]
    assert statuses(outcomes) == ["done", "rejected", "rejected", "unknown", "unknown", "done"]


def test_once_the_vendor_asks_us_to_wait_the_rest_is_left_for_later(catalogue: respx.MockRouter) -> None:
    route = catalogue.patch(url__regex=r".*/persons/\d+").mock(
        side_effect=[one(person(1)), *[refused(429, "request over limit")] * 4]
    )

    outcomes = list(connect().send("persons", [update(str(n), action=f"a{n}", name="x") for n in range(1, 5)]))

    assert statuses(outcomes) == ["done", "later", "later", "later"]
    assert route.call_count == 5  # the one that was refused was tried four times, the others not at all


def test_an_empty_budget_sends_nothing(catalogue: respx.MockRouter) -> None:
    bench = Bench()
    bench.budget.left = 22  # the catalogue's twenty, and less than a write
    route = catalogue.patch(f"{PERSONS}/501").mock(return_value=one(person(501)))

    assert statuses(list(connect(bench).send("persons", [update(name="x")]))) == ["later"]
    assert not route.called


def test_a_scope_that_was_not_granted_stops_them_all(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    catalogue.patch(f"{PERSONS}/501").mock(return_value=refused(403, "Scope and URL mismatch", errorCode=403))

    with pytest.raises(GrantError):
        list(pipedrive.send("persons", [update(name="x")]))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(200, text="<html>"), id="a-web-page"),
        pytest.param(httpx.Response(200, json={"success": True, "data": None}), id="no-record"),
        pytest.param(httpx.Response(200, json={"success": True, "data": {"name": "x"}}), id="no-id"),
    ],
)
def test_an_unreadable_answer_to_a_create_leaves_its_outcome_open(
    answer: httpx.Response, catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    catalogue.post(PERSONS).mock(return_value=answer)

    assert statuses(list(pipedrive.send("persons", [create(name="Mara Lind")]))) == ["unknown"]


def test_an_answer_without_a_stamp_is_done_and_read_back_by_the_hub(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    catalogue.patch(f"{PERSONS}/501").mock(return_value=one({"id": 501}))

    [outcome] = pipedrive.send("persons", [update(name="x")])

    assert (outcome.status, outcome.key, outcome.values) == ("done", "501", None)


# did it arrive?


def test_a_create_is_found_by_the_hubs_id_among_the_newest(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    ours = person(9, custom_fields={HUB_ID: "h-1"})
    newest = catalogue.get(PERSONS).mock(return_value=listed(person(10, custom_fields={HUB_ID: "h-2"}), ours))
    search = catalogue.get(SEARCH)

    found = pipedrive.find("persons", create(hub_id="h-1", name="Mara Lind"))

    assert [record.key for record in found] == ["9"]
    assert newest.calls.last.request.url.params["sort_direction"] == "desc"
    assert not search.called


def test_an_older_create_is_searched_by_the_hubs_id_exactly(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    catalogue.get(PERSONS).mock(return_value=listed(person(10), cursor="older"))
    search = catalogue.get(SEARCH).mock(return_value=_hits(9, 8))
    catalogue.get(f"{PERSONS}/9").mock(return_value=one(person(9, custom_fields={HUB_ID: "h-1"})))
    catalogue.get(f"{PERSONS}/8").mock(return_value=one(person(8, custom_fields={HUB_ID: "h-11"})))

    found = pipedrive.find("persons", create(hub_id="h-1", name="Mara Lind"))

    assert [record.key for record in found] == ["9"]
    query = search.calls.last.request.url.params
    assert (query["term"], query["fields"], query["exact_match"]) == ("h-1", "custom_fields", "true")


def test_without_a_hub_id_a_person_is_found_by_an_address(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    catalogue.get(PERSONS).mock(return_value=listed(cursor="older"))
    search = catalogue.get(SEARCH).mock(return_value=_hits(9))
    catalogue.get(f"{PERSONS}/9").mock(return_value=one(person(9)))

    found = pipedrive.find("persons", create(name="Mara Lind", emails=[{"value": "P9@Nordwerk.example"}]))

    assert [record.key for record in found] == ["9"]
    assert search.calls.last.request.url.params["fields"] == "email"


def test_a_namesake_is_no_proof(catalogue: respx.MockRouter, pipedrive: PipedriveConnector) -> None:
    catalogue.get(PERSONS).mock(return_value=listed(person(9, org_id=78), person(10, emails=[]), cursor="older"))
    search = catalogue.get(SEARCH)

    assert [r.key for r in pipedrive.find("persons", create(name="mara lind ", org_id="78"))] == ["9"]
    assert pipedrive.find("persons", create(name="Mara Lind", org_id="79")) == []
    assert not search.called


def test_a_create_that_never_arrived_is_not_found(catalogue: respx.MockRouter, pipedrive: PipedriveConnector) -> None:
    catalogue.get(PERSONS).mock(return_value=listed(person(1), cursor="older"))
    catalogue.get(SEARCH).mock(return_value=_hits())
    wanted = create(hub_id="h-1", name="Mara Lind", emails=[{"value": "new@nordwerk.example"}])

    assert pipedrive.find("persons", wanted) == []


def test_a_list_that_reaches_back_to_the_beginning_needs_no_search(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    catalogue.get(PERSONS).mock(return_value=listed(person(1)))
    search = catalogue.get(SEARCH)

    assert pipedrive.find("persons", create(hub_id="h-1", name="Ito Sho")) == []
    assert not search.called


def test_somebodys_record_with_the_same_address_is_told_beside_a_hub_id_that_nobody_carries(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    catalogue.get(PERSONS).mock(return_value=listed(person(9)))
    wanted = create(hub_id="h-1", name="Mara Lind", emails=[{"value": "p9@nordwerk.example"}])

    assert [record.key for record in pipedrive.find("persons", wanted)] == ["9"]


def test_a_deal_is_found_by_its_title_and_whose_it_is(
    catalogue: respx.MockRouter, pipedrive: PipedriveConnector
) -> None:
    deal = {"title": "Renewal", "org_id": 77, "update_time": "2026-11-01T00:00:00Z", "custom_fields": {}}
    catalogue.get(f"{BASE}/api/v2/deals").mock(return_value=listed({**deal, "id": 1}, {**deal, "id": 2, "org_id": 78}))

    found = pipedrive.find("deals", create(title="Renewal", org_id="77"))

    assert [record.key for record in found] == ["1"]


def _hits(*ids: int) -> httpx.Response:
    items = [{"result_score": 1.0, "item": {"id": number, "type": "person"}} for number in ids]
    return httpx.Response(
        200, json={"success": True, "data": {"items": items}, "additional_data": {"next_cursor": None}}
    )
