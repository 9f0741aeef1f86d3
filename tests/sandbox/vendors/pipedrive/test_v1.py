from typing import Any

import pytest

from sandbox.vendors.pipedrive.app import Pipedrive
from sandbox.world import World
from tests.sandbox.calls import Caller


def everything(caller: Caller, path: str, limit: int, **query: Any) -> list[Any]:
    rows: list[Any] = []
    start: int | None = 0
    while start is not None:
        reply = caller("GET", path, start=start, limit=limit, **query).json
        rows += reply["data"]
        pagination = reply["additional_data"]["pagination"]
        assert pagination["more_items_in_collection"] is ("next_start" in pagination)
        start = pagination.get("next_start")
    return rows


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])
def test_v1_stands_under_both_its_prefixes(pipedrive: Caller, prefix: str) -> None:
    me = pipedrive("GET", f"{prefix}/users/me").data

    assert (me["company_domain"], me["is_you"], me["company_country"]) == ("nordlicht", True, "DE")


@pytest.mark.parametrize(
    "stream", ["leads", "notes", "persons", "organizations", "deals", "personFields", "dealFields"]
)
def test_offsets_walk_to_the_end(pipedrive: Caller, stream: str) -> None:
    whole = everything(pipedrive, f"/v1/{stream}", 500)

    assert [row["id"] for row in everything(pipedrive, f"/v1/{stream}", 7)] == [row["id"] for row in whole]
    assert len(whole) > 7


def test_users_come_without_pages_and_one_has_left(pipedrive: Caller) -> None:
    users = pipedrive("GET", "/v1/users").data

    assert [user["active_flag"] for user in users].count(False) == 1
    assert pipedrive("GET", f"/v1/users/{users[1]['id']}").data == users[1]
    assert pipedrive("GET", "/v1/users/999").status == 404
    assert [u["id"] for u in pipedrive("GET", "/v1/users/find?term=weber").data] == [12]


@pytest.mark.parametrize(
    "path", ["activityTypes", "leadLabels", "leadSources", "currencies", "userSettings", "stages", "pipelines"]
)
def test_the_small_lists_answer(pipedrive: Caller, path: str) -> None:
    assert pipedrive("GET", f"/v1/{path}").data


def test_leads_carry_the_deals_custom_fields_at_the_root_and_only_where_set(pipedrive: Caller) -> None:
    code = next(f["key"] for f in pipedrive("GET", "/v1/dealFields?limit=500").data if f["name"] == "Renewal fee")
    leads = everything(pipedrive, "/v1/leads", 500)
    lead = next(row for row in leads if code not in row)
    path = f"/v1/leads/{lead['id']}"

    assert {(row[code], row[f"{code}_currency"]) for row in leads if code in row} == {(99.5, "EUR")}
    shown = pipedrive("PATCH", path, {code: 5, f"{code}_currency": "SEK"}).data
    assert (shown[code], shown[f"{code}_currency"]) == (5, "SEK")
    assert code not in pipedrive("PATCH", path, {code: None}).data
    assert pipedrive("PATCH", path, {code: "five"}).status == 400


def test_a_lead_needs_a_title_and_somebody(pipedrive: Caller) -> None:
    assert pipedrive("POST", "/v1/leads", {"title": "X"}).status == 400
    assert pipedrive("POST", "/v1/leads", {"person_id": 101}).status == 400
    made = pipedrive("POST", "/v1/leads", {"title": "X", "person_id": 101, "value": {"amount": 10, "currency": "EUR"}})
    assert (made.status, made.data["visible_to"]) == (201, "3")
    path = f"/v1/leads/{made.data['id']}"
    assert pipedrive("PATCH", path, {"person_id": None}).status == 400
    assert pipedrive("DELETE", path).data == {"id": made.data["id"]}
    gone = pipedrive("GET", path)
    assert (gone.status, gone.json["error"]) == (404, "requested lead not found")


def test_archived_leads_stand_apart(pipedrive: Caller) -> None:
    lead = pipedrive("GET", "/v1/leads?limit=1").data[0]["id"]
    pipedrive("PATCH", f"/v1/leads/{lead}", {"is_archived": True})

    assert lead not in [row["id"] for row in everything(pipedrive, "/v1/leads", 500)]
    assert lead in [row["id"] for row in everything(pipedrive, "/v1/leads/archived", 500)]


@pytest.mark.parametrize("stream", ["leads", "notes"])
def test_since_takes_its_own_moment(pipedrive: Caller, stream: str) -> None:
    rows = everything(pipedrive, f"/v1/{stream}", 500)
    middle = sorted(row["update_time"] for row in rows)[len(rows) // 2]
    since = middle if stream == "leads" else middle.replace(" ", "T") + "Z"

    newer = everything(pipedrive, f"/v1/{stream}", 500, updated_since=since)

    assert {row["id"] for row in newer} == {row["id"] for row in rows if row["update_time"] >= middle}


def test_rows_are_sorted_as_asked(pipedrive: Caller) -> None:
    rows = everything(pipedrive, "/v1/notes", 500, sort="update_time DESC, id ASC")

    assert [row["update_time"] for row in rows] == sorted((row["update_time"] for row in rows), reverse=True)
    assert pipedrive("GET", "/v1/notes?sort=colour ASC").status == 400


def test_a_note_is_written_shown_with_whom_it_is_about_and_deleted(pipedrive: Caller) -> None:
    assert pipedrive("POST", "/v1/notes", {"content": "alone"}).status == 400
    assert pipedrive("POST", "/v1/notes", {"person_id": 101}).status == 400
    made = pipedrive(
        "POST", "/v1/notes", {"content": "<b>Hi</b> 🌞", "person_id": 101, "pinned_to_person_flag": 1}
    ).data
    person = pipedrive("GET", "/api/v2/persons/101").data["name"]

    assert (made["content"], made["person"], made["pinned_to_person_flag"]) == ("<b>Hi</b> 🌞", {"name": person}, True)
    path = f"/v1/notes/{made['id']}"
    assert pipedrive("PUT", path, {"content": "new"}).data["content"] == "new"
    assert pipedrive("DELETE", path).json == {"success": True, "data": True}
    assert pipedrive("GET", path).data["active_flag"] is False
    assert made["id"] not in [row["id"] for row in everything(pipedrive, "/v1/notes", 500)]


def test_in_a_merge_the_named_one_survives_wins_and_gains(pipedrive: Caller, account: Pipedrive) -> None:
    fields = {f["field_name"]: f["field_code"] for f in pipedrive("GET", "/api/v2/personFields?limit=500").data}
    score, crosswalk = fields["NPS score"], fields["Crosswalk ID"]
    create = "/api/v2/persons"
    loser = pipedrive("POST", create, {
        "name": "Loser", "emails": [{"value": "l@x.test"}], "org_id": 1, "custom_fields": {score: 3, crosswalk: "L"},
    }).data["id"]  # fmt: skip
    survivor = pipedrive("POST", create, {
        "name": "Survivor", "emails": [{"value": "s@x.test"}], "custom_fields": {crosswalk: "S"},
    }).data["id"]  # fmt: skip
    deal = pipedrive("POST", "/api/v2/deals", {"title": "Theirs", "person_id": loser}).data["id"]
    note = pipedrive("POST", "/v1/notes", {"content": "x", "person_id": loser}).data["id"]

    answer = pipedrive("PUT", f"/v1/persons/{loser}/merge", {"merge_with_id": survivor}).data

    assert (answer["id"], answer["merge_what_id"], answer["name"]) == (survivor, loser, "Survivor")
    kept = pipedrive("GET", f"/api/v2/persons/{survivor}").data
    assert [mail["value"] for mail in kept["emails"]] == ["s@x.test", "l@x.test"]
    assert (kept["org_id"], kept["custom_fields"][score], kept["custom_fields"][crosswalk]) == (1, 3, "S")
    assert pipedrive("GET", f"/api/v2/persons/{loser}").data["is_deleted"] is True
    assert pipedrive("GET", f"/api/v2/deals/{deal}").data["person_id"] == survivor
    assert pipedrive("GET", f"/v1/notes/{note}").data["person_id"] == survivor
    assert pipedrive("PUT", f"/v1/persons/{loser}/merge", {"merge_with_id": survivor}).status == 404


def test_the_changelog_tells_what_was_changed(pipedrive: Caller) -> None:
    pipedrive("PATCH", "/api/v2/persons/101", {"visible_to": 7})

    rows = pipedrive("GET", "/v1/persons/101/changelog").data

    assert [(row["field_key"], row["new_value"], row["change_source"]) for row in rows] == [("visible_to", "7", "api")]


def test_recents_reach_back_a_month_and_no_further(pipedrive: Caller, world: World) -> None:
    rows = everything(pipedrive, "/v1/recents", 500, since_timestamp="2020-01-01 00:00:00")
    deleted = world.crm_id(world.people[world.fates["deleted"]])

    assert min(row["data"]["update_time"] for row in rows) > "2026-10-23 12:00:00"
    gone = [row["data"]["active_flag"] for row in rows if (row["item"], row["id"]) == ("person", deleted)]
    assert gone == [False]
    assert pipedrive("GET", "/v1/recents").status == 400


def test_older_names_and_loose_types_are_taken_by_the_twins(pipedrive: Caller) -> None:
    tier = next(f for f in pipedrive("GET", "/v1/personFields?limit=500").data if f["name"] == "Kundenstufe")
    body = {
        "name": "Old Style",
        "email": ["old@x.test"],
        "owner_id": "12",
        tier["key"]: str(tier["options"][0]["id"]),
        "shoe": 44,
    }

    made = pipedrive("POST", "/v1/persons", body)
    modern = pipedrive("GET", f"/api/v2/persons/{made.data['id']}").data

    assert made.status == 201
    assert made.data["email"] == [{"value": "old@x.test", "primary": True, "label": "work"}]
    assert made.data[tier["key"]] == str(tier["options"][0]["id"])
    assert (modern["owner_id"], modern["custom_fields"][tier["key"]]) == (12, tier["options"][0]["id"])
    assert pipedrive("POST", "/v1/persons", {}).json["error"] == "Name must be given."
