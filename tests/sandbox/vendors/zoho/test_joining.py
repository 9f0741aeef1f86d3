from datetime import timedelta
from typing import Any

import pytest

from sandbox.vendors.zoho.app import Zoho
from tests.sandbox.calls import Caller, Reply


def insert(client: Caller, module: str, *rows: Any) -> list[str]:
    reply = client("POST", f"/crm/v8/{module}", {"data": list(rows)})
    return [row["details"]["id"] for row in reply.data]


def read(client: Caller, module: str, key: str) -> Any:
    return client("GET", f"/crm/v8/{module}/{key}").data[0]


def convert(client: Caller, lead: str, **row: Any) -> Reply:
    return client("POST", f"/crm/v8/Leads/{lead}/actions/convert", {"data": [row]})


LEAD = {"Last_Name": "দত্ত", "First_Name": "শর্মিলা", "Company": "Padma", "Email": "s@padma.test", "Designation": "COO"}


def test_a_converted_lead_stays_and_becomes_a_contact_a_company_and_a_deal(zoho: Caller, crm: Zoho) -> None:
    (lead,) = insert(zoho, "Leads", LEAD)

    reply = convert(zoho, lead, Deals={"Deal_Name": "First order", "Stage": "Qualification"})

    made = reply.data[0]["details"]
    assert (reply.status, reply.data[0]["message"]) == (200, "The record has been converted successfully")
    contact = read(zoho, "Contacts", made["Contacts"]["id"])
    assert (contact["Full_Name"], contact["Title"], contact["Email"]) == ("শর্মিলা দত্ত", "COO", "s@padma.test")
    assert contact["Account_Name"] == made["Accounts"] == {"name": "Padma", "id": made["Accounts"]["id"]}
    assert read(zoho, "Deals", made["Deals"]["id"])["Contact_Name"]["id"] == contact["id"]
    stayed = read(zoho, "Leads", lead)
    assert (stayed["Converted__s"], stayed["Converted_Contact"]["id"]) == (True, contact["id"])
    assert zoho("GET", "/crm/v8/Leads", fields="id", ids=lead).status == 204
    again = convert(zoho, lead)
    assert (again.status, again.json["code"]) == (400, "ID_ALREADY_CONVERTED")
    assert crm.effects()[-1].stream == "Leads"


def test_a_lead_may_go_into_what_is_there(zoho: Caller, crm: Zoho) -> None:
    (lead,) = insert(zoho, "Leads", LEAD)
    contact, firm = (next(iter(crm.account.tables[module]))["id"] for module in ("Contacts", "Accounts"))
    before = len(crm.account.tables["Contacts"])

    made = convert(zoho, lead, Contacts={"id": contact}, Accounts={"id": firm}).data[0]["details"]

    assert (made["Contacts"]["id"], made["Accounts"]["id"], made["Deals"]) == (contact, firm, None)
    assert len(crm.account.tables["Contacts"]) == before


def test_a_conversion_that_cannot_be_leaves_the_lead(zoho: Caller) -> None:
    (lead,) = insert(zoho, "Leads", LEAD)

    no_stage = convert(zoho, lead, Deals={"Deal_Name": "x"})
    nobody = convert(zoho, lead, Contacts={"id": "7"})

    assert (no_stage.status, no_stage.data[0]["code"]) == (400, "MANDATORY_NOT_FOUND")
    assert (nobody.status, nobody.data[0]["code"]) == (400, "INVALID_DATA")
    assert convert(zoho, "7").json["code"] == "INVALID_DATA"
    assert read(zoho, "Leads", lead)["Converted__s"] is False


def merge(client: Caller, master: str, *losers: Any) -> Reply:
    return client("POST", f"/crm/v8/Contacts/{master}/actions/merge", {"merge": [{"data": list(losers)}]})


def test_a_merged_record_is_gone_for_good_and_its_own_go_to_the_master(zoho: Caller) -> None:
    master, loser = insert(zoho, "Contacts", {"Last_Name": "A"}, {"Last_Name": "B", "Email": "b@x.test", "Title": "T"})
    (deal,) = insert(zoho, "Deals", {"Deal_Name": "D", "Stage": "Qualification", "Contact_Name": {"id": loser}})
    note = {"Note_Content": "x", "Parent_Id": {"module": {"api_name": "Contacts"}, "id": loser}}
    (note_key,) = insert(zoho, "Notes", note)
    zoho.later(seconds=5)

    reply = merge(zoho, master, {"id": loser, "_fields": [{"api_name": "Email"}]})

    assert (reply.status, reply.json["merge"][0]["details"]) == (200, {"id": master})
    kept = read(zoho, "Contacts", master)
    assert (kept["Last_Name"], kept["Email"], kept["Title"]) == ("A", "b@x.test", None)
    assert kept["Modified_Time"] > kept["Created_Time"]
    assert zoho("GET", f"/crm/v8/Contacts/{loser}").status == 204
    gone = zoho("GET", "/crm/v8/Contacts/deleted").data[0]
    assert (gone["id"], gone["type"], gone["display_name"]) == (loser, "permanent", None)
    assert read(zoho, "Deals", deal)["Contact_Name"]["id"] == master
    assert read(zoho, "Notes", note_key)["Parent_Id"]["id"] == master


@pytest.mark.parametrize(
    ("losers", "code"),
    [([], "MANDATORY_NOT_FOUND"), ([{"id": "7"}], "INVALID_DATA"), ([{"id": "1"}] * 3, "LIMIT_EXCEEDED")],
)
def test_a_merge_that_cannot_be_is_refused(zoho: Caller, losers: Any, code: str) -> None:
    (master,) = insert(zoho, "Contacts", {"Last_Name": "A"})

    reply = merge(zoho, master, *losers)

    assert (reply.status, reply.json["merge"][0]["code"]) == (400, code)
    assert zoho("GET", f"/crm/v8/Contacts/{master}/actions/merge", job_id="1").status == 400
    assert zoho("POST", f"/crm/v8/Deals/{master}/actions/merge", {"merge": []}).json["code"] == "INVALID_MODULE"


def test_a_person_at_the_screen_may_merge(zoho: Caller, crm: Zoho) -> None:
    master, loser = insert(zoho, "Contacts", {"Last_Name": "A"}, {"Last_Name": "B"})

    assert crm.edit(zoho.now, "Contacts", loser, {"$merged_into": master}) == master

    assert zoho("GET", f"/crm/v8/Contacts/{loser}").status == 204
    assert read(zoho, "Contacts", master)["Modified_By"]["name"] == "Jonas Weber"
    with pytest.raises(KeyError):
        crm.edit(zoho.now, "Contacts", master, {"$merged_into": "7"})


def test_a_restored_record_is_back_with_its_id_and_its_stamps(zoho: Caller, crm: Zoho) -> None:
    (key,) = insert(zoho, "Contacts", {"Last_Name": "A", "Crosswalk_Id": "cw"})
    before = read(zoho, "Contacts", key)
    zoho.later(minutes=5)
    zoho("DELETE", f"/crm/v8/Contacts/{key}")
    row = zoho("GET", f"/crm/v8/settings/recycle_bin/{key}").json["recycle_bin"][0]
    assert (row["display_name"], row["module"]["api_name"]) == ("A", "Contacts")

    restored = zoho("POST", f"/crm/v8/settings/recycle_bin/{key}/actions/restore")

    assert (restored.status, restored.json["recycle_bin"][0]["code"]) == (200, "SUCCESS")
    assert read(zoho, "Contacts", key) == before
    assert key not in {gone["id"] for gone in zoho("GET", "/crm/v8/Contacts/deleted").data}
    twin = zoho("POST", "/crm/v8/Contacts", {"data": [{"Last_Name": "B", "Crosswalk_Id": "cw"}]})
    assert twin.data[0]["code"] == "DUPLICATE_DATA"
    crm.edit(zoho.now, "Contacts", key, {"$deleted": True})
    crm.edit(zoho.now, "Contacts", key, {"$restored": True})
    assert read(zoho, "Contacts", key)["Last_Name"] == "A"


def test_the_recycle_bin_gives_nothing_back_that_was_erased_or_is_too_old(zoho: Caller, crm: Zoho) -> None:
    key, other = insert(zoho, "Contacts", {"Last_Name": "A"}, {"Last_Name": "B"})
    zoho("DELETE", "/crm/v8/Contacts", ids=f"{key},{other}")
    path = "/crm/v8/settings/recycle_bin"

    assert zoho("DELETE", f"{path}/{key}").status == 200
    assert zoho("POST", f"{path}/{key}/actions/restore").status == 400
    assert zoho("DELETE", f"{path}/{key}").status == 400
    with pytest.raises(ValueError, match="INVALID_DATA"):
        crm.edit(zoho.now + timedelta(days=60), "Contacts", other, {"$restored": True})


def test_a_purged_record_is_gone_for_good(zoho: Caller, crm: Zoho) -> None:
    (key,) = insert(zoho, "Contacts", {"Last_Name": "A"})

    crm.edit(zoho.now, "Contacts", key, {"$purged": True})

    assert zoho("GET", "/crm/v8/Contacts/deleted").data[0]["type"] == "permanent"
    assert zoho("POST", f"/crm/v8/settings/recycle_bin/{key}/actions/restore").status == 400
