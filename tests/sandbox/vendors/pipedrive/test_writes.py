from typing import Any

import pytest

from sandbox import world as worlds
from sandbox.vendors.pipedrive.app import Pipedrive
from sandbox.world import MARA, World
from tests.sandbox.calls import Caller

TERM = {"value": "2026-01-01", "until": "2026-12-31"}


@pytest.fixture
def mara(pipedrive: Caller, world: World) -> str:
    """Where Mara's record stands."""
    return f"/api/v2/persons/{world.crm_id(world.people[MARA])}"


def hashes(caller: Caller, entity: str) -> dict[str, Any]:
    fields = caller("GET", f"/api/v2/{entity}Fields?limit=500").data
    return {field["field_name"]: field for field in fields if field["is_custom_field"]}


@pytest.mark.parametrize(
    ("stream", "body"),
    [
        ("persons", {"name": "Ito Sho", "emails": [{"value": "sho@kaisha.test"}]}),
        ("organizations", {"name": "株式会社テスト", "address": {"value": "Main 1", "locality": "Osaka"}}),
        ("deals", {"title": "Renewal", "value": 12000.5, "currency": "EUR"}),
        ("activities", {"subject": "Call", "type": "call", "due_date": "2026-12-01", "due_time": "09:30"}),
    ],
)
def test_a_created_record_is_answered_and_read_back_the_same(pipedrive: Caller, stream: str, body: Any) -> None:
    made = pipedrive("POST", f"/api/v2/{stream}", body)
    assert made.status == 200, made.body

    read = pipedrive("GET", f"/api/v2/{stream}/{made.data['id']}").data

    made.data.pop("marketing_status", None)
    assert {name: value for name, value in made.data.items() if name != "marketing_status"} == read
    assert read["add_time"] == read["update_time"] == "2026-11-23T12:00:00Z"


def test_nothing_keeps_a_record_from_being_made_twice(pipedrive: Caller) -> None:
    body = {"name": "Twin", "emails": [{"value": "twin@firm.test"}]}

    ids = {pipedrive("POST", "/api/v2/persons", body).data["id"] for _ in range(2)}

    assert len(ids) == 2


def test_an_update_changes_what_was_sent_and_the_stamp(pipedrive: Caller, mara: str) -> None:
    before = pipedrive("GET", mara).data
    pipedrive.later(minutes=5)

    after = pipedrive("PATCH", mara, {"visible_to": 7}).data

    after.pop("marketing_status")
    assert after == {**before, "visible_to": 7, "update_time": "2026-11-23T12:05:00Z"}


def test_lists_of_addresses_are_replaced_whole_and_have_one_primary(pipedrive: Caller, mara: str) -> None:
    sent = [{"value": "a@x.test", "label": "home"}, {"value": "b@x.test", "primary": True}]

    pipedrive("PATCH", mara, {"emails": sent})

    assert pipedrive("GET", mara).data["emails"] == [
        {"value": "a@x.test", "primary": False, "label": "home"},
        {"value": "b@x.test", "primary": True, "label": "work"},
    ]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Ito Sho", "Ito", "Sho"), ("Suharti", "Suharti", None), ("María del Carmen López", "María", "del Carmen López")],
)
def test_the_name_is_split_as_pipedrive_guesses(pipedrive: Caller, mara: str, name: str, first: str, last: str) -> None:
    shown = pipedrive("PATCH", mara, {"name": name}).data

    assert (shown["name"], shown["first_name"], shown["last_name"]) == (name, first, last)


@pytest.mark.parametrize(
    ("stream", "body", "word"),
    [
        ("persons", {}, "name"),
        ("persons", {"name": ""}, "name"),
        ("persons", {"name": "X", "first_name": "X"}, "first_name"),
        ("persons", {"name": "X", "owner_id": "12"}, "owner_id"),
        ("persons", {"name": "X", "owner_id": 999}, "owner_id"),
        ("persons", {"name": "X", "owner_id": 16}, "owner_id"),  # has left
        ("persons", {"name": "X", "org_id": 999999}, "org_id"),
        ("persons", {"name": "X", "visible_to": 2}, "visible_to"),
        ("persons", {"name": "X", "emails": "x@y.test"}, "emails"),
        ("persons", {"name": "X", "emails": [{"value": "x@y.test", "primary": 1}]}, "emails"),
        ("persons", {"name": "X", "label_ids": [999]}, "label_ids"),
        ("persons", {"name": "X", "custom_fields": {"f" * 40: 1}}, "custom_fields"),
        ("organizations", {"name": "X", "address": "Main 1"}, "address"),
        ("deals", {"value": 1}, "title"),
        ("deals", {"title": "X", "value": "12"}, "value"),
        ("deals", {"title": "X", "stage_id": 1, "pipeline_id": 2}, "stage_id"),
        ("deals", {"title": "X", "is_archived": 0}, "is_archived"),
        ("deals", {"title": "X", "expected_close_date": "31.12.2026"}, "expected_close_date"),
        ("deals", {"title": "X", "expected_close_date": "2026-02-30"}, "expected_close_date"),
        ("activities", {"subject": "X", "type": "seance"}, "type"),
        ("activities", {"subject": "X", "person_id": 101}, "person_id"),  # participants say who
        ("activities", {"subject": "X", "done": 1}, "done"),
        ("activities", {"subject": "X", "due_time": "25:00"}, "due_time"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_and_nothing_is_written(
    pipedrive: Caller, account: Pipedrive, stream: str, body: Any, word: str
) -> None:
    reply = pipedrive("POST", f"/api/v2/{stream}", body)

    assert reply.status == 400
    assert reply.json["code"] == "ERR_SCHEMA_VALIDATION_FAILED"
    assert word in reply.json["error"]
    assert account.effects() == ()


@pytest.mark.parametrize("body", [b"{", b"[]"])
def test_a_body_that_is_no_object_is_refused(pipedrive: Caller, body: bytes) -> None:
    headers = {**pipedrive.headers, "content-type": "application/json"}

    assert pipedrive("POST", "/api/v2/persons", body, headers=headers).status == 400


def test_a_body_of_another_type_is_refused(pipedrive: Caller) -> None:
    headers = {**pipedrive.headers, "content-type": "text/plain"}

    assert pipedrive("POST", "/api/v2/persons", b"{}", headers=headers).status == 415


@pytest.mark.parametrize(
    ("entity", "label", "value", "kept"),
    [
        ("person", "NPS score", 9, 9),
        ("person", "NPS score", 8.5, 8.5),
        ("person", "NPS comment", "x" * 64_000, "x" * 64_000),
        ("person", "NPS date", "2026-11-22", "2026-11-22"),
        ("person", "Crosswalk ID", "8f2kq 🌞", "8f2kq 🌞"),
        ("person", "Crosswalk ID", "", None),
        ("organization", "Account NPS", -12.5, -12.5),
        ("deal", "Renewal fee", {"value": 10.5, "currency": "EUR"}, {"value": 10.5, "currency": "EUR"}),
        ("deal", "Contract term", TERM, TERM),
    ],
)  # fmt: skip
def test_custom_values_are_kept_in_the_form_of_their_type_and_cleared_by_null(
    pipedrive: Caller, entity: str, label: str, value: Any, kept: Any
) -> None:
    code = hashes(pipedrive, entity)[label]["field_code"]
    path = {"person": "/api/v2/persons/101", "organization": "/api/v2/organizations/1", "deal": "/api/v2/deals/1"}[
        entity
    ]
    path = path if entity != "deal" else f"/api/v2/deals/{pipedrive('GET', '/api/v2/deals?limit=1').data[0]['id']}"

    assert pipedrive("PATCH", path, {"custom_fields": {code: value}}).data["custom_fields"][code] == kept
    assert pipedrive("GET", path).data["custom_fields"][code] == kept
    assert pipedrive("PATCH", path, {"custom_fields": {code: None}}).data["custom_fields"][code] is None


@pytest.mark.parametrize(
    ("entity", "label", "value"),
    [
        ("person", "NPS score", "9"),
        ("person", "NPS score", True),
        ("person", "NPS class", "Promoter"),
        ("person", "NPS class", 999),
        ("person", "NPS date", "22.11.2026"),
        ("person", "Crosswalk ID", "x" * 256),
        ("person", "Crosswalk ID", 7),
        ("deal", "Competitors", []),
        ("deal", "Competitors", 3),
        ("deal", "Competitors", [999]),
        ("deal", "Renewal fee", 10.5),
        ("deal", "Contract term", "2026-01-01"),
    ],
)
def test_custom_values_of_another_form_are_refused(pipedrive: Caller, entity: str, label: str, value: Any) -> None:
    code = hashes(pipedrive, entity)[label]["field_code"]
    stream = {"person": "persons", "deal": "deals"}[entity]
    record = pipedrive("GET", f"/api/v2/{stream}?limit=1").data[0]

    reply = pipedrive("PATCH", f"/api/v2/{stream}/{record['id']}", {"custom_fields": {code: value}})

    assert reply.status == 400
    assert code in reply.json["error"]
    assert pipedrive("GET", f"/api/v2/{stream}/{record['id']}").data == record


def test_options_are_written_by_id_alone_or_in_sets(pipedrive: Caller, mara: str) -> None:
    field = hashes(pipedrive, "person")["NPS class"]
    passive = next(option["id"] for option in field["options"] if option["label"] == "Passive")

    shown = pipedrive("PATCH", mara, {"custom_fields": {field["field_code"]: passive}}).data

    assert shown["custom_fields"][field["field_code"]] == passive


def test_custom_keys_are_hashes_of_forty_and_differ_between_accounts(pipedrive: Caller, account: Pipedrive) -> None:
    here = {label: field["field_code"] for label, field in hashes(pipedrive, "person").items()}

    assert {"NPS score", "NPS class", "NPS comment", "NPS date", "Crosswalk ID", "Kundenstufe", "Geburtstag"} == set(
        here
    )
    assert all(len(code) == 40 and int(code, 16) >= 0 for code in here.values())
    other = Pipedrive(worlds.make(8, 10))
    there = hashes(Caller(other, {"x-api-token": other.credentials["api_token"]}), "person")
    assert not {field["field_code"] for field in there.values()} & set(here.values())


def test_a_delete_is_soft_and_a_second_one_finds_nothing(pipedrive: Caller, mara: str) -> None:
    pipedrive.later(minutes=1)

    assert pipedrive("DELETE", mara).json == {"success": True, "data": {"id": int(mara.rpartition("/")[2])}}
    gone = pipedrive("GET", mara).data
    assert (gone["is_deleted"], gone["update_time"]) == (True, "2026-11-23T12:01:00Z")
    assert pipedrive("DELETE", mara).status == 404
    assert pipedrive("PATCH", mara, {"name": "X"}).json["error"] == "Person not found"


def test_a_deleted_deal_can_be_brought_back(pipedrive: Caller) -> None:
    deal = pipedrive("GET", "/api/v2/deals?limit=1").data[0]["id"]
    pipedrive("DELETE", f"/api/v2/deals/{deal}")

    assert pipedrive("PATCH", f"/api/v2/deals/{deal}", {"is_deleted": False}).data["is_deleted"] is False
    assert pipedrive("GET", f"/api/v2/deals?ids={deal}").data


def test_a_deals_status_moves_its_times(pipedrive: Caller) -> None:
    deal = pipedrive("POST", "/api/v2/deals", {"title": "X", "pipeline_id": 2}).data
    path = f"/api/v2/deals/{deal['id']}"
    assert deal["stage_id"] == 6  # the first of that pipeline
    pipedrive.later(hours=1)

    won = pipedrive("PATCH", path, {"status": "won"}).data
    pipedrive.later(hours=1)
    lost = pipedrive("PATCH", path, {"status": "lost", "lost_reason": "Price"}).data
    again = pipedrive("PATCH", path, {"status": "open", "stage_id": 1}).data

    assert (won["won_time"], won["close_time"], won["local_won_date"]) == ("2026-11-23T13:00:00Z",) * 2 + (
        "2026-11-23",
    )
    assert (lost["won_time"], lost["lost_time"], lost["lost_reason"]) == (None, "2026-11-23T14:00:00Z", "Price")
    assert (again["close_time"], again["lost_reason"], again["pipeline_id"]) == (None, None, 1)
    assert again["stage_change_time"] == "2026-11-23T14:00:00Z"


def test_an_activitys_person_is_its_primary_participant(pipedrive: Caller) -> None:
    body = {"type": "meeting", "participants": [{"person_id": 101}, {"person_id": 102, "primary": True}], "done": True}

    made = pipedrive("POST", "/api/v2/activities", body).data

    assert (made["person_id"], made["subject"]) == (102, "Meeting")
    assert made["marked_as_done_time"] == "2026-11-23T12:00:00Z"


def test_the_marketing_status_changes_once_and_then_silently_stays(pipedrive: Caller, mara: str) -> None:
    first = pipedrive("PATCH", mara, {"marketing_status": "archived"}).data["marketing_status"]
    second = pipedrive("PATCH", mara, {"marketing_status": "no_consent"}).data["marketing_status"]

    assert (first, second) == ("archived", "archived")


def test_whoever_has_no_address_cannot_have_consented(pipedrive: Caller) -> None:
    made = pipedrive("POST", "/api/v2/persons", {"name": "X", "marketing_status": "subscribed"}).data

    assert made["marketing_status"] == "no_consent"


def test_fields_can_be_added_given_options_renamed_and_removed(pipedrive: Caller, mara: str) -> None:
    body = {"field_name": "Size", "field_type": "enum", "options": [{"label": "S"}]}
    field = pipedrive("POST", "/api/v2/personFields", body).data
    path = f"/api/v2/personFields/{field['field_code']}"

    added = pipedrive("POST", f"{path}/options", [{"label": "XL"}]).data
    pipedrive("PATCH", mara, {"custom_fields": {field["field_code"]: added[0]["id"]}})
    renamed = pipedrive("PATCH", path, {"field_name": "Shirt"}).data

    assert (renamed["field_name"], [option["label"] for option in renamed["options"]]) == ("Shirt", ["S", "XL"])
    assert pipedrive("GET", mara).data["custom_fields"][field["field_code"]] == added[0]["id"]
    assert pipedrive("DELETE", path).status == 200
    assert field["field_code"] not in pipedrive("GET", mara).data["custom_fields"]
    assert pipedrive("GET", path).status == 404
    assert pipedrive("DELETE", "/api/v2/personFields/name").status == 400


def test_every_write_leaves_an_effect_and_no_read_does(pipedrive: Caller, account: Pipedrive, mara: str) -> None:
    pipedrive("GET", "/api/v2/persons")
    pipedrive("PATCH", mara, {"visible_to": 7})
    pipedrive("POST", "/api/v2/persons", {"name": "X"})

    effects = [(e.method, e.stream, dict(e.fields)) for e in account.effects()]

    assert effects == [("PATCH", "persons", {"visible_to": 7}), ("POST", "persons", {"name": "X"})]
