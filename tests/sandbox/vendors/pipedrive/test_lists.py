from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import world as worlds
from sandbox.vendors.pipedrive.app import Pipedrive
from sandbox.world import World
from tests.sandbox.calls import Caller, Reply

STREAMS = ["persons", "organizations", "deals", "activities"]


def pages(caller: Caller, path: str, **query: Any) -> Iterator[Reply]:
    cursor: str | None = ""
    while cursor is not None:
        reply = caller("GET", path, **query if not cursor else {**query, "cursor": cursor})
        assert reply.status == 200, reply.body
        yield reply
        cursor = reply.json["additional_data"]["next_cursor"]


def everything(caller: Caller, path: str, **query: Any) -> list[Any]:
    return [record for reply in pages(caller, path, **query) for record in reply.data]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("order", ["id", "update_time", "add_time"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_walk_sees_every_record_once_and_in_order(pipedrive: Caller, stream: str, order: str, direction: str) -> None:
    whole = everything(pipedrive, f"/api/v2/{stream}", limit=500)

    walked = everything(pipedrive, f"/api/v2/{stream}", limit=7, sort_by=order, sort_direction=direction)

    places = [(record[order], record["id"]) for record in walked]
    assert places == sorted(places, reverse=direction == "desc")
    assert sorted(record["id"] for record in walked) == sorted(record["id"] for record in whole)


@pytest.mark.parametrize("stream", STREAMS)
def test_since_takes_its_own_second_and_until_does_not(pipedrive: Caller, stream: str) -> None:
    stamps = sorted(record["update_time"] for record in everything(pipedrive, f"/api/v2/{stream}", limit=500))
    middle = stamps[len(stamps) // 2]

    after = everything(pipedrive, f"/api/v2/{stream}", limit=500, updated_since=middle)
    before = everything(pipedrive, f"/api/v2/{stream}", limit=500, updated_until=middle)

    assert min(record["update_time"] for record in after) == middle
    assert max(record["update_time"] for record in before) < middle
    assert len(after) + len(before) == len(stamps)


def test_since_and_a_cursor_go_together(pipedrive: Caller) -> None:
    since = "2026-01-01T00:00:00Z"
    whole = [r for r in everything(pipedrive, "/api/v2/persons", limit=500) if r["update_time"] >= since]

    walked = everything(pipedrive, "/api/v2/persons", limit=5, sort_by="update_time", updated_since=since)

    assert [r["id"] for r in walked] == [r["id"] for r in sorted(whole, key=lambda r: (r["update_time"], r["id"]))]


def test_a_record_edited_during_a_walk_by_time_comes_again(pipedrive: Caller) -> None:
    walk = pages(pipedrive, "/api/v2/persons", sort_by="update_time", limit=10)
    first = next(walk).data[0]

    pipedrive("PATCH", f"/api/v2/persons/{first['id']}", {"visible_to": 7})
    rest = [record["id"] for reply in walk for record in reply.data]

    assert rest[-1] == first["id"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=501", "limit=0", "limit=ten", "cursor=rubbish", "cursor=eyJhIjoxfQ", "sort_by=name", "sort_direction=up",
        "updated_since=yesterday", "updated_since=2026-11-01", "updated_since=2026-11-01T00:00:00", "owner_id=me",
        "include_option_labels=1", "include_fields=shoe_size", "ids=1,b",
        "ids=" + ",".join(map(str, range(101))), "custom_fields=" + ",".join("abcdefghijklmnopqr"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(pipedrive: Caller, query: str) -> None:
    reply = pipedrive("GET", f"/api/v2/persons?{query}")

    assert reply.status == 400
    assert reply.json["code"] == "ERR_SCHEMA_VALIDATION_FAILED"
    assert query.partition("=")[0] in reply.json["error"]


def test_a_cursor_goes_only_with_the_sorting_that_handed_it_out(pipedrive: Caller) -> None:
    cursor = pipedrive("GET", "/api/v2/persons?limit=2&sort_by=update_time").json["additional_data"]["next_cursor"]

    assert pipedrive("GET", f"/api/v2/persons?limit=2&sort_by=id&cursor={cursor}").status == 400


def test_the_last_page_says_so_even_where_it_is_full(pipedrive: Caller) -> None:
    count = len(everything(pipedrive, "/api/v2/organizations", limit=500))

    reply = pipedrive("GET", "/api/v2/organizations", limit=count)

    assert len(reply.data) == count
    assert reply.json["additional_data"]["next_cursor"] is None


def test_unknown_ids_are_silently_missing(pipedrive: Caller) -> None:
    assert [r["id"] for r in pipedrive("GET", "/api/v2/persons?ids=105,999999,103").data] == [103, 105]


def test_filters_narrow_and_a_saved_filter_beats_them(pipedrive: Caller) -> None:
    person = next(r for r in everything(pipedrive, "/api/v2/persons") if r["org_id"])

    found = everything(pipedrive, "/api/v2/persons", org_id=person["org_id"])

    assert person["id"] in [r["id"] for r in found]
    assert {r["org_id"] for r in found} == {person["org_id"]}
    with_filter = everything(pipedrive, "/api/v2/persons", org_id=person["org_id"], filter_id=1)
    assert len(with_filter) == len(everything(pipedrive, "/api/v2/persons"))


def test_archived_deals_stand_apart_and_deleted_ones_only_where_asked_for(pipedrive: Caller) -> None:
    usual = everything(pipedrive, "/api/v2/deals", limit=500)
    archived = everything(pipedrive, "/api/v2/deals/archived", limit=500)
    victim = usual[0]["id"]
    pipedrive("DELETE", f"/api/v2/deals/{victim}")

    deleted = everything(pipedrive, "/api/v2/deals", status="deleted", limit=500)

    assert archived
    assert {record["is_archived"] for record in archived} == {True}
    assert {record["is_archived"] for record in usual} == {False}
    assert {record["is_deleted"] for record in usual + archived} == {False}
    assert victim in {record["id"] for record in deleted}
    assert {record["is_deleted"] for record in deleted} == {True}
    assert victim not in {r["id"] for r in everything(pipedrive, "/api/v2/deals", limit=500)}


def test_a_deleted_deal_leaves_the_list_of_deleted_ones_after_thirty_days(pipedrive: Caller) -> None:
    victim = pipedrive("GET", "/api/v2/deals?limit=1").data[0]["id"]
    pipedrive("DELETE", f"/api/v2/deals/{victim}")

    pipedrive.later(days=29)
    assert victim in {r["id"] for r in everything(pipedrive, "/api/v2/deals", status="deleted")}
    pipedrive.later(days=1)
    assert victim not in {r["id"] for r in everything(pipedrive, "/api/v2/deals", status="deleted")}


def test_extra_fields_show_only_when_asked_for(pipedrive: Caller, world: World) -> None:
    unsubscribed = world.crm_id(world.people[world.fates["unsubscribed"]])
    path = f"/api/v2/persons/{unsubscribed}"

    assert "marketing_status" not in pipedrive("GET", path).data
    shown = pipedrive("GET", f"{path}?include_fields=marketing_status,open_deals_count,notes_count").data
    assert shown["marketing_status"] == "unsubscribed"
    assert isinstance(shown["open_deals_count"], int)


def test_counts_move_though_the_persons_stamp_does_not(pipedrive: Caller) -> None:
    person = pipedrive("GET", "/api/v2/persons?limit=1&include_fields=open_deals_count").data[0]

    pipedrive("POST", "/api/v2/deals", {"title": "More", "person_id": person["id"]})

    again = pipedrive("GET", f"/api/v2/persons/{person['id']}?include_fields=open_deals_count").data
    assert again["open_deals_count"] == person["open_deals_count"] + 1
    assert again["update_time"] == person["update_time"]


def test_custom_fields_can_be_picked_and_options_named(pipedrive: Caller) -> None:
    fields = {field["field_name"]: field for field in everything(pipedrive, "/api/v2/personFields")}
    tier = fields["Kundenstufe"]["field_code"]
    plain = next(r for r in everything(pipedrive, "/api/v2/persons") if r["custom_fields"][tier])

    shown = pipedrive(
        "GET", f"/api/v2/persons/{plain['id']}?custom_fields={tier}&include_option_labels=true&include_labels=true"
    ).data

    labels = {option["id"]: option["label"] for option in fields["Kundenstufe"]["options"]}
    option = plain["custom_fields"][tier]
    assert shown["custom_fields"] == {tier: {"id": option, "label": labels[option]}}
    assert [label["id"] for label in shown["labels"]] == plain["label_ids"]


@pytest.mark.parametrize("stream", ["stages", "pipelines"])
def test_stages_and_pipelines_come_whole_or_by_id(pipedrive: Caller, stream: str) -> None:
    rows = everything(pipedrive, f"/api/v2/{stream}", limit=2)

    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert pipedrive("GET", f"/api/v2/{stream}/{rows[0]['id']}").data == rows[0]
    assert pipedrive("GET", f"/api/v2/{stream}/99").status == 404


def test_stages_of_one_pipeline(pipedrive: Caller) -> None:
    assert {row["pipeline_id"] for row in everything(pipedrive, "/api/v2/stages", pipeline_id=2)} == {2}


def test_the_deleted_and_the_merged_person_are_gone_from_lists_and_still_answer(
    pipedrive: Caller, world: World
) -> None:
    listed = {record["id"] for record in everything(pipedrive, "/api/v2/persons", limit=500)}
    deleted = world.crm_id(world.people[world.fates["deleted"]])
    merged = [entry.id for entry in world.crm if entry.person.number == world.fates["merged"]]

    assert deleted not in listed
    assert pipedrive("GET", f"/api/v2/persons/{deleted}").data["is_deleted"] is True
    assert [person_id in listed for person_id in merged] == [True, False]
    pipedrive.later(days=30)
    assert pipedrive("GET", f"/api/v2/persons/{deleted}").status == 404


def test_some_companies_stand_there_twice_in_two_spellings() -> None:
    world = worlds.make(7, 1500)
    account = Pipedrive(world, limits_kept=False)
    pipedrive = Caller(account, {"x-api-token": account.credentials["api_token"]})

    organizations = everything(pipedrive, "/api/v2/organizations", limit=500)

    assert len(organizations) > len(world.organizations)
    twice = {record["id"]: record["name"] for record in organizations if record["id"] > len(world.organizations)}
    known = {name for firm in world.companies for name in firm.spellings()}
    assert set(twice.values()) <= known


def test_activities_and_notes_hang_on_deals_and_people(pipedrive: Caller) -> None:
    activities = everything(pipedrive, "/api/v2/activities", limit=500)
    deals = {deal["id"]: deal for deal in everything(pipedrive, "/api/v2/deals", limit=500)}

    linked = [activity for activity in activities if activity["deal_id"] in deals]
    assert linked
    assert all(deals[activity["deal_id"]]["person_id"] == activity["person_id"] for activity in linked)
