from datetime import timedelta
from typing import Any

import pytest

from sandbox.vendors.pipedrive.app import Pipedrive
from sandbox.world import MARA, World
from tests.sandbox.calls import Caller


def found(caller: Caller, path: str = "/api/v2/persons/search", **query: Any) -> list[Any]:
    reply = caller("GET", path, **query)
    assert reply.status == 200, reply.body
    return [hit["item"] for hit in reply.data["items"]]


def test_an_exact_search_folds_case_and_takes_whole_values_only(pipedrive: Caller, world: World) -> None:
    mara = world.crm_id(world.people[MARA])

    exact = found(pipedrive, term="MARA.Lindqvist@nordlicht-solar.test", fields="email", exact_match="true")

    assert [item["id"] for item in exact] == [mara]
    assert exact[0]["emails"] == ["mara.lindqvist@nordlicht-solar.test"]
    assert exact[0]["organization"]["name"] == "Nordlicht Solar AB"
    assert found(pipedrive, term="mara.lindqvist@nordlicht", fields="email", exact_match="true") == []
    assert mara in [item["id"] for item in found(pipedrive, term="mara.lindqvist@nordlicht", fields="email")]


def test_fields_narrow_where_is_searched(pipedrive: Caller) -> None:
    pipedrive("POST", "/api/v2/persons", {"name": "Needle"})
    pipedrive("POST", "/api/v2/persons", {"name": "Hay", "emails": [{"value": "needle@hay.test"}]})

    assert [item["name"] for item in found(pipedrive, term="needle", fields="name")] == ["Needle"]
    assert len(found(pipedrive, term="needle")) == 2


def test_custom_text_is_searched_and_options_are_not(pipedrive: Caller) -> None:
    fields = {f["field_name"]: f["field_code"] for f in pipedrive("GET", "/api/v2/personFields?limit=500").data}
    made = pipedrive(
        "POST", "/api/v2/persons", {"name": "X", "custom_fields": {fields["Crosswalk ID"]: "CW-8f2kq"}}
    ).data

    hits = found(pipedrive, term="cw-8f2kq", fields="custom_fields", exact_match="true")

    assert [(hit["id"], hit["custom_fields"]) for hit in hits] == [(made["id"], ["CW-8f2kq"])]


@pytest.mark.parametrize(
    ("term", "exact", "status"), [("a", "false", 400), ("a", "true", 200), ("", "true", 400), ("ab", "false", 200)]
)
def test_short_terms_are_refused(pipedrive: Caller, term: str, exact: str, status: int) -> None:
    assert pipedrive("GET", "/api/v2/persons/search", term=term, exact_match=exact).status == status


def test_the_index_lags_as_long_as_it_is_told_to(pipedrive: Caller, account: Pipedrive) -> None:
    account.lag_search(timedelta(seconds=5))
    made = pipedrive("POST", "/api/v2/persons", {"name": "Latecomer"}).data
    found(pipedrive, term="whoever")  # the index stands; nobody has looked for the latecomer yet
    pipedrive("PATCH", f"/api/v2/persons/{made['id']}", {"name": "Earlybird"})

    assert found(pipedrive, term="Earlybird") == []
    pipedrive.later(seconds=5)
    assert [item["id"] for item in found(pipedrive, term="Earlybird")] == [made["id"]]


def test_deleted_records_are_not_found(pipedrive: Caller, world: World) -> None:
    pipedrive("DELETE", f"/api/v2/persons/{world.crm_id(world.people[MARA])}")

    assert found(pipedrive, term="mara.lindqvist@nordlicht-solar.test", fields="email", exact_match="true") == []


def test_results_come_in_pages(pipedrive: Caller) -> None:
    for nth in range(5):
        pipedrive("POST", "/api/v2/organizations", {"name": f"Paging {nth}"})

    first = pipedrive("GET", "/api/v2/organizations/search?term=paging&limit=3").json
    cursor = first["additional_data"]["next_cursor"]
    second = pipedrive("GET", "/api/v2/organizations/search", term="paging", limit=3, cursor=cursor).json

    assert [len(page["data"]["items"]) for page in (first, second)] == [3, 2]
    assert second["additional_data"]["next_cursor"] is None


def test_one_search_over_several_kinds(pipedrive: Caller) -> None:
    items = found(pipedrive, "/api/v2/itemSearch", term="nordlicht solar", item_types="organization,deal")

    assert items
    assert {item["type"] for item in items} <= {"organization", "deal"}
    assert any(item["type"] == "organization" and item["name"] == "Nordlicht Solar AB" for item in items)


@pytest.mark.parametrize("path", ["/api/v2/leads/search", "/v1/leads/search", "/api/v2/deals/search"])
def test_leads_and_deals_are_searched_by_title(pipedrive: Caller, path: str) -> None:
    stream, version = ("leads", "v1") if "leads" in path else ("deals", "api/v2")
    record = pipedrive("GET", f"/{version}/{stream}?limit=1").data[0]

    assert record["id"] in [item["id"] for item in found(pipedrive, path, term=record["title"], exact_match="true")]
