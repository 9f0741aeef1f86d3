from datetime import timedelta
from typing import Any

import pytest

from sandbox.vendors.zoho.app import Zoho
from sandbox.vendors.zoho.stamps import kept
from tests.sandbox.calls import Caller, Reply

CONTACTS = "/crm/v8/Contacts"


def insert(client: Caller, *rows: Any, path: str = CONTACTS, **more: Any) -> Reply:
    return client("POST", path, {"data": list(rows), **more})


def made(client: Caller, row: Any, path: str = CONTACTS) -> str:
    return str(insert(client, row, path=path).data[0]["details"]["id"])


def read(client: Caller, key: str, path: str = CONTACTS) -> Any:
    return client("GET", f"{path}/{key}").data[0]


def test_an_inserted_record_is_told_and_can_be_read(zoho: Caller) -> None:
    reply = insert(zoho, {"First_Name": "Ada", "Last_Name": "লাভলেস 🌞", "Email": "ada@x.test", "CX_NPS_Score": 9})

    row = reply.data[0]
    assert (reply.status, row["code"], row["message"]) == (201, "SUCCESS", "record added")
    assert row["details"].keys() == {
        "Modified_Time", "Modified_By", "Created_Time", "id", "Created_By", "$approval_state",
    }  # fmt: skip
    record = read(zoho, row["details"]["id"])
    assert (record["Full_Name"], record["CX_NPS_Score"]) == ("Ada লাভলেস 🌞", 9)
    assert (record["Owner"]["name"], record["Email_Opt_Out"]) == ("Crosswalk Integration", False)


def test_each_row_has_its_own_outcome_in_the_order_of_the_request(zoho: Caller) -> None:
    first = made(zoho, {"Last_Name": "A", "Crosswalk_Id": "cw"})

    reply = insert(
        zoho, {"First_Name": "no last name"}, {"Last_Name": "B", "Crosswalk_Id": "CW"},
        {"Last_Name": "C", "Email": "nowhere", "Crosswalk_Id": "cw"}, {"Last_Name": "D"},
    )  # fmt: skip

    assert reply.status == 207
    missing, twin, several, fine = reply.data
    assert missing["code"] == "MANDATORY_NOT_FOUND"
    assert missing["details"] == {"api_name": "Last_Name", "json_path": "$.data[0].Last_Name"}
    assert (twin["code"], twin["details"]["id"]) == ("DUPLICATE_DATA", first)
    assert twin["details"]["duplicate_record"]["id"] == first
    assert several["code"] == "MULTIPLE_OR_MULTI_ERRORS"
    assert {error["code"] for error in several["details"]["errors"]} == {"INVALID_DATA", "DUPLICATE_DATA"}
    assert fine["code"] == "SUCCESS"


def test_all_failed_is_400_and_two_of_one_call_may_not_share_a_unique_value(zoho: Caller) -> None:
    assert insert(zoho, {"First_Name": "x"}).status == 400
    rows = insert(zoho, {"Last_Name": "A", "Crosswalk_Id": "1"}, {"Last_Name": "B", "Crosswalk_Id": "1"}).data
    assert [row["code"] for row in rows] == ["SUCCESS", "DUPLICATE_DATA"]


@pytest.mark.parametrize(
    ("value", "details"),
    [
        ({"Email": "a b@x.test"}, {"expected_data_type": "email"}), ({"Email": 1}, {"expected_data_type": "email"}),
        ({"First_Name": "x" * 41}, {"maximum_length": 40}), ({"Phone": "030/123"}, {"expected_data_type": "phone"}),
        ({"CX_NPS_Score": "9"}, {"expected_data_type": "integer"}),
        ({"CX_NPS_Score": True}, {"expected_data_type": "integer"}), ({"CX_NPS_Score": 100}, {"maximum_length": 2}),
        ({"CX_NPS_Class": "Fan"}, {"expected_data_type": "picklist"}),
        ({"CX_NPS_Comment": "x" * 2001}, {"maximum_length": 2000}),
        ({"CX_NPS_Answered": "2026-11-01"}, {"expected_data_type": "datetime"}),
        ({"CX_NPS_Answered": "2026-11-01T08:00:00"}, {"expected_data_type": "datetime"}),
        ({"Date_of_Birth": "2026-02-30"}, {"expected_data_type": "date"}),
        ({"Email_Opt_Out": "true"}, {"expected_data_type": "boolean"}),
        ({"Interests": "Solar"}, {"expected_data_type": "jsonarray"}),
        ({"Interests": ["Sailing"]}, {"expected_data_type": "picklist"}),
        ({"Account_Name": "Nordlicht"}, {"expected_data_type": "jsonobject"}),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused(zoho: Caller, value: dict[str, Any], details: dict[str, Any]) -> None:
    row = insert(zoho, {"Last_Name": "X", **value}).data[0]

    name = next(iter(value))
    assert row["code"] == "INVALID_DATA"
    assert row["details"] == {"api_name": name, "json_path": f"$.data[0].{name}", **details}


def test_what_fits_is_kept(zoho: Caller) -> None:
    values = {
        "Last_Name": "X", "Customer_Tier": "ব্রোঞ্জ", "Interests": ["Wind", "টেক্সটাইল"], "Phone": "+49 (0)30 123-45 ext 7",
        "CX_NPS_Answered": "2026-11-01T07:15:02+00:00", "Email_Opt_Out": True, "Tag": [{"name": "VIP"}],
        "Owner": {"email": "j.weber@nordlicht.test"},
    }  # fmt: skip

    record = read(zoho, made(zoho, values))

    assert record["CX_NPS_Answered"] == "2026-11-01T08:15:02+01:00"
    assert (record["Customer_Tier"], record["Interests"]) == ("ব্রোঞ্জ", ["Wind", "টেক্সটাইল"])
    assert (record["Owner"]["name"], record["Tag"][0]["name"]) == ("Jonas Weber", "VIP")
    assert (record["Phone"], record["Email_Opt_Out"]) == ("+49 (0)30 123-45 ext 7", True)


def test_a_lookup_must_lead_to_a_record_and_an_owner_be_at_work(zoho: Caller, crm: Zoho) -> None:
    firm = next(iter(crm.account.tables["Accounts"]))["id"]
    left = next(user["id"] for user in crm.account.users if user["status"] == "inactive")

    rows = insert(
        zoho, {"Last_Name": "A", "Account_Name": {"id": firm}}, {"Last_Name": "B", "Account_Name": {"id": "1"}},
        {"Last_Name": "C", "Owner": {"id": left}},
    ).data  # fmt: skip

    assert [row["code"] for row in rows] == ["SUCCESS", "INVALID_DATA", "INVALID_DATA"]
    assert rows[1]["message"] == "the related id given seems to be invalid"


def test_a_lookup_of_any_module_says_which(zoho: Caller, crm: Zoho) -> None:
    deal = next(iter(crm.account.tables["Deals"]))["id"]
    task = {"Subject": "Call", "What_Id": {"id": deal}}

    assert insert(zoho, task, path="/crm/v8/Tasks").data[0]["code"] == "EXPECTED_FIELD_MISSING"
    key = made(zoho, {**task, "$se_module": "Deals"}, "/crm/v8/Tasks")
    shown = read(zoho, key, "/crm/v8/Tasks")
    assert (shown["What_Id"]["id"], shown["$se_module"]) == (deal, "Deals")
    note = {"Note_Content": "x", "Parent_Id": {"module": {"api_name": "Deals"}, "id": deal}}
    parent = read(zoho, made(zoho, note, "/crm/v8/Notes"), "/crm/v8/Notes")["Parent_Id"]
    assert (parent["id"], parent["module"]["api_name"]) == (deal, "Deals")


def test_unknown_fields_and_those_of_the_system_are_passed_over(zoho: Caller) -> None:
    row = {"Last_Name": "X", "Nope": 1, "Created_Time": "2020-01-01T00:00:00+00:00", "Full_Name": "Y"}

    reply = insert(zoho, row)

    record = read(zoho, reply.data[0]["details"]["id"])
    assert reply.status == 201
    assert (record["Full_Name"], record["Created_Time"][:4]) == ("X", "2026")


def test_an_update_changes_what_it_names_and_null_clears(zoho: Caller) -> None:
    key = made(zoho, {"First_Name": "Ada", "Last_Name": "L", "Title": "Countess", "Email": "ada@x.test"})
    zoho.later(hours=0, seconds=30)

    reply = zoho("PUT", CONTACTS, {"data": [{"id": key, "Title": None, "Email": "", "First_Name": "A."}]})

    record = read(zoho, key)
    assert (reply.status, reply.data[0]["message"]) == (200, "record updated")
    assert (record["Full_Name"], record["Title"], record["Email"]) == ("A. L", None, None)
    assert record["Modified_Time"] > record["Created_Time"]
    cleared = zoho("PUT", f"{CONTACTS}/{key}", {"data": [{"Last_Name": None}]})
    assert cleared.data[0]["code"] == "MANDATORY_NOT_FOUND"


def test_an_update_of_nobody_is_refused(zoho: Caller) -> None:
    reply = zoho("PUT", CONTACTS, {"data": [{"id": "5", "Title": "x"}, {"Title": "x"}]})

    assert reply.status == 400
    assert [row["code"] for row in reply.data] == ["INVALID_DATA", "MANDATORY_NOT_FOUND"]


def test_options_are_replaced_or_on_demand_appended(zoho: Caller) -> None:
    key = made(zoho, {"Last_Name": "X", "Interests": ["Solar"]})

    zoho("PUT", f"{CONTACTS}/{key}", {"data": [{"Interests": ["Wind"], "$append_values": {"Interests": True}}]})
    assert read(zoho, key)["Interests"] == ["Solar", "Wind"]
    zoho("PUT", f"{CONTACTS}/{key}", {"data": [{"Interests": ["Training"]}]})
    assert read(zoho, key)["Interests"] == ["Training"]


def test_an_update_on_condition_gives_way_to_a_newer_change(zoho: Caller, crm: Zoho) -> None:
    key = made(zoho, {"Last_Name": "X"})
    seen = {**zoho.headers, "if-unmodified-since": kept(zoho.now)}
    body = {"data": [{"Title": "mine"}]}

    assert zoho("PUT", f"{CONTACTS}/{key}", body, headers=seen).status == 200
    zoho.later(seconds=2)
    crm.edit(zoho.now, "Contacts", key, {"Title": "theirs"})
    late = zoho("PUT", f"{CONTACTS}/{key}", body, headers=seen)
    assert (late.status, late.data[0]["code"]) == (412, "ALREADY_MODIFIED")
    assert late.data[0]["details"]["id"] == key
    assert read(zoho, key)["Title"] == "theirs"
    other = made(zoho, {"Last_Name": "Y"})
    mixed = zoho(
        "PUT", CONTACTS, {"data": [{"id": key}, {"id": other}]}, headers={**seen, "if-unmodified-since": kept(zoho.now)}
    )
    assert mixed.status == 200


def test_upsert_finds_by_the_fields_it_is_told_in_their_order(zoho: Caller) -> None:
    by_hub = made(zoho, {"Last_Name": "A", "Crosswalk_Id": "cw-a", "Email": "a@x.test"})
    by_mail = made(zoho, {"Last_Name": "B", "Email": "b@x.test"})
    path = f"{CONTACTS}/upsert"

    def upsert(row: Any, *fields: str) -> Any:
        told = {"duplicate_check_fields": list(fields)} if fields else {}
        return zoho("POST", path, {"data": [row], **told}).data[0]

    both = {"Last_Name": "Z", "Crosswalk_Id": "CW-A", "Email": "B@x.test"}
    first = upsert({"Last_Name": "A2", "Crosswalk_Id": "cw-a"}, "Crosswalk_Id")
    assert (first["action"], first["duplicate_field"], first["details"]["id"]) == ("update", "Crosswalk_Id", by_hub)
    assert upsert({**both, "Crosswalk_Id": None}, "Email")["details"]["id"] == by_mail
    assert upsert(both, "Crosswalk_Id", "Email")["details"]["id"] == by_hub
    assert upsert({"Last_Name": "B3", "Email": "b@x.test"})["duplicate_field"] == "Email"
    new = upsert({"Last_Name": "C", "Crosswalk_Id": "cw-c"}, "Crosswalk_Id")
    assert (new["action"], new["duplicate_field"]) == ("insert", None)
    refused = zoho("POST", path, {"data": [both], "duplicate_check_fields": ["Title"]})
    assert (refused.status, refused.json["code"]) == (400, "INVALID_DATA")


def test_without_being_told_upsert_asks_the_modules_own_field_before_the_unique_ones(zoho: Caller) -> None:
    by_name = made(zoho, {"Account_Name": "Nur Hier GmbH"}, "/crm/v8/Accounts")

    row = zoho("POST", "/crm/v8/Accounts/upsert", {"data": [{"Account_Name": "nur hier gmbh"}]}).data[0]

    assert (row["details"]["id"], row["duplicate_field"]) == (by_name, "Account_Name")


def test_a_deleted_record_is_gone_and_told_of(zoho: Caller) -> None:
    key = made(zoho, {"Last_Name": "X", "Crosswalk_Id": "cw"})

    reply = zoho("DELETE", CONTACTS, ids=f"{key},77", wf_trigger="false")

    assert reply.status == 207
    assert [row["code"] for row in reply.data] == ["SUCCESS", "INVALID_DATA"]
    assert zoho("GET", f"{CONTACTS}/{key}").status == 204
    assert zoho("GET", f"{CONTACTS}/deleted").data[0]["id"] == key
    assert zoho("DELETE", f"{CONTACTS}/{key}").status == 400
    assert insert(zoho, {"Last_Name": "Y", "Crosswalk_Id": "cw"}).status == 201  # its value is free again


def test_a_locked_record_is_not_written(zoho: Caller, crm: Zoho) -> None:
    key = made(zoho, {"Last_Name": "X"})
    crm.edit(zoho.now, "Contacts", key, {"$locked": True})

    update = zoho("PUT", f"{CONTACTS}/{key}", {"data": [{"Title": "x"}]})

    assert (update.status, update.data[0]["code"]) == (400, "RECORD_LOCKED")
    assert zoho("DELETE", f"{CONTACTS}/{key}").data[0]["code"] == "RECORD_LOCKED"
    assert read(zoho, key)["$locked_for_me"] is True
    crm.edit(zoho.now, "Contacts", key, {"$locked": False})
    assert zoho("PUT", f"{CONTACTS}/{key}", {"data": [{"Title": "x"}]}).status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "INVALID_DATA"), ([], "INVALID_DATA"), ({}, "MANDATORY_NOT_FOUND"), ({"data": {}}, "INVALID_DATA"),
        ({"data": [{"Last_Name": "X"}] * 101}, "INVALID_DATA"),
    ],
)  # fmt: skip
def test_a_body_that_is_none_is_refused_as_a_whole(zoho: Caller, body: Any, code: str) -> None:
    reply = zoho("POST", CONTACTS, body)

    assert (reply.status, reply.json["code"]) == (400, code)


def test_effects_tell_what_was_written_and_what_it_set_off(zoho: Caller, crm: Zoho) -> None:
    quiet = insert(zoho, {"Last_Name": "X"}, trigger=[]).data[0]["details"]["id"]
    zoho("PUT", f"{CONTACTS}/{quiet}", {"data": [{"Title": "x"}]})
    zoho("DELETE", f"{CONTACTS}/{quiet}", wf_trigger="false")

    effects = crm.effects()

    assert [(effect.stream, effect.record) for effect in effects] == [("Contacts", quiet)] * 3
    assert effects[0].fields == {"Last_Name": "X", "$trigger": []}
    assert "workflow" in effects[1].fields["$trigger"]
    assert effects[2].fields == {"$trigger": []}


def test_an_edit_at_the_screen_is_somebody_elses_and_no_effect(zoho: Caller, crm: Zoho) -> None:
    key = crm.edit(zoho.now, "Contacts", None, {"Last Name": "Neu", "CX NPS Score": 4})

    assert (read(zoho, key)["CX_NPS_Score"], read(zoho, key)["Modified_By"]["name"]) == (4, "Jonas Weber")
    crm.edit(zoho.now, "Contacts", key, {"$deleted": True})
    assert zoho("GET", f"{CONTACTS}/{key}").status == 204
    assert crm.effects() == ()
    with pytest.raises(KeyError):
        crm.edit(zoho.now, "Nobodies", None, {})
    with pytest.raises(KeyError):
        crm.edit(zoho.now, "Contacts", "7", {})
    with pytest.raises(ValueError, match="MANDATORY_NOT_FOUND"):
        crm.edit(zoho.now, "Contacts", None, {"First_Name": "x"})


def test_a_late_record_is_seen_later_under_its_stamp_and_holds_its_unique_value_at_once(
    zoho: Caller, crm: Zoho
) -> None:
    crm.commit_late(timedelta(seconds=60))
    key = made(zoho, {"Last_Name": "Late", "Crosswalk_Id": "cw"})
    crm.commit_late(timedelta(0))
    stamp = kept(zoho.now)

    assert zoho("GET", f"{CONTACTS}/{key}").status == 400
    assert insert(zoho, {"Last_Name": "Again", "Crosswalk_Id": "cw"}).data[0]["code"] == "DUPLICATE_DATA"
    zoho.later(seconds=60)
    assert read(zoho, key)["Last_Name"] == "Late"
    late = crm.account.find("Contacts", key)
    assert late is not None
    assert late["Modified_Time"] == stamp


def test_a_late_change_brings_nothing_back_that_was_deleted_meanwhile(zoho: Caller, crm: Zoho) -> None:
    key = made(zoho, {"Last_Name": "X"})
    crm.commit_late(timedelta(seconds=60))
    zoho("PUT", f"{CONTACTS}/{key}", {"data": [{"Title": "late"}]})
    crm.commit_late(timedelta(0))

    zoho("DELETE", f"{CONTACTS}/{key}")

    zoho.later(seconds=60)
    assert zoho("GET", f"{CONTACTS}/{key}").status == 204


def test_fields_follow_from_others(zoho: Caller) -> None:
    deal = made(zoho, {"Deal_Name": "D", "Stage": "Qualification", "Amount": 1000}, "/crm/v8/Deals")
    person = made(zoho, {"Last_Name": "X"})
    task = made(zoho, {"Subject": "T", "Status": "Not Started"}, "/crm/v8/Tasks")
    zoho("PUT", f"/crm/v8/Deals/{deal}", {"data": [{"Stage": "Negotiation/Review"}]})
    zoho("PUT", f"{CONTACTS}/{person}", {"data": [{"Email_Opt_Out": True}]})
    zoho("PUT", f"/crm/v8/Tasks/{task}", {"data": [{"Status": "Completed"}]})

    shown = read(zoho, deal, "/crm/v8/Deals")
    assert (shown["Probability"], shown["Expected_Revenue"]) == (90, 900)
    out = read(zoho, person)
    assert (out["Unsubscribed_Mode"], out["Unsubscribed_Time"]) == ("Manual", out["Modified_Time"])
    assert read(zoho, task, "/crm/v8/Tasks")["Closed_Time"]
    zoho("PUT", f"{CONTACTS}/{person}", {"data": [{"Email_Opt_Out": False}]})
    assert read(zoho, person)["Unsubscribed_Mode"] is None


def test_a_renamed_field_goes_by_its_new_name_and_a_removed_one_is_passed_over(zoho: Caller, crm: Zoho) -> None:
    key = made(zoho, {"Last_Name": "X", "CX_NPS_Score": 7})
    crm.change_schema("Contacts", "CX NPS Score", to="Score")
    crm.change_schema("Contacts", "Title", to=None)

    row = zoho("GET", CONTACTS, fields="CX_NPS_Score,Score,Title", ids=key).data[0]
    assert row == {"id": key, "Score": 7}
    names = [field["api_name"] for field in zoho("GET", "/crm/v8/settings/fields", module="Contacts").json["fields"]]
    assert "Score" in names
    assert "Title" not in names
    assert zoho("PUT", f"{CONTACTS}/{key}", {"data": [{"Score": 8, "Title": "x"}]}).status == 200
    crm.restore_schema()
    assert zoho("GET", CONTACTS, fields="CX_NPS_Score,Title", ids=key).data[0] == {
        "id": key, "CX_NPS_Score": 8, "Title": None,
    }  # fmt: skip
    with pytest.raises(KeyError):
        crm.change_schema("Contacts", "Nope", to=None)
