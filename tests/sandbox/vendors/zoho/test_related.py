from typing import Any

import pytest

from sandbox.state import Record
from sandbox.vendors.zoho.app import Zoho
from tests.sandbox.calls import Caller, Reply


def listed(client: Caller, path: str, **query: Any) -> Reply:
    return client("GET", f"/crm/v8/{path}", **{"fields": "Created_Time", "per_page": 200, **query})


def busy_contact(crm: Zoho) -> Record:
    """One with a company and a deal."""
    held = {deal["Contact_Name"] for deal in crm.account.tables["Deals"]}
    return next(one for one in crm.account.tables["Contacts"] if one["id"] in held and one["Account_Name"])


def test_what_refers_to_a_record_hangs_on_it(zoho: Caller, crm: Zoho) -> None:
    contact = busy_contact(crm)

    people = listed(zoho, f"Accounts/{contact['Account_Name']}/Contacts").data
    deals = listed(zoho, f"Contacts/{contact['id']}/Deals", fields="Deal_Name,Stage").data

    assert contact["id"] in {row["id"] for row in people}
    expected = {deal["id"] for deal in crm.account.tables["Deals"] if deal["Contact_Name"] == contact["id"]}
    assert {row["id"] for row in deals} == expected
    assert deals[0].keys() == {"id", "Deal_Name", "Stage"}


def test_notes_and_tasks_hang_on_what_they_are_about(zoho: Caller, crm: Zoho) -> None:
    note = next(iter(crm.account.tables["Notes"]))
    module, key = note["Parent_Id"]
    task = next(one for name in ("Tasks", "Events", "Calls") for one in crm.account.tables[name] if one["What_Id"])

    assert note["id"] in {row["id"] for row in listed(zoho, f"{module}/{key}/Notes").data}
    lists = [listed(zoho, f"Deals/{task['What_Id'][1]}/{name}") for name in ("Tasks", "Events", "Calls")]
    assert task["id"] in {row["id"] for reply in lists if reply.status == 200 for row in reply.data}


def test_people_have_roles_in_a_deal_and_its_contact_is_among_them(zoho: Caller, crm: Zoho) -> None:
    contact = busy_contact(crm)
    deal = next(one for one in crm.account.tables["Deals"] if one["Contact_Name"] == contact["id"])
    other = next(one["id"] for one in crm.account.tables["Contacts"] if one["id"] != contact["id"])
    role = zoho("GET", "/crm/v8/Contacts/roles").json["contact_roles"][1]
    path = f"Deals/{deal['id']}/Contact_Roles"

    put = zoho("PUT", f"/crm/v8/{path}/{other}", {"data": [{"Contact_Role": role["id"]}]})

    assert (put.status, put.data[0]["message"]) == (200, "relation added")
    rows = {row["id"]: row["Contact_Role"] for row in listed(zoho, path, fields="Last_Name").data}
    assert rows.keys() >= {contact["id"], other}
    assert rows[other] == {"name": "Decision Maker", "id": role["id"]}
    assert zoho("DELETE", f"/crm/v8/{path}", ids=other).data[0]["message"] == "relation removed"
    assert other not in {row["id"] for row in listed(zoho, path).data}
    assert [effect.stream for effect in crm.effects()] == ["Deals/Contact_Roles"] * 2


def test_a_campaign_has_members_and_a_member_campaigns(zoho: Caller, crm: Zoho) -> None:
    campaign = next(iter(crm.account.tables["Campaigns"]))["id"]
    contact = next(iter(crm.account.tables["Contacts"]))["id"]

    put = zoho("PUT", f"/crm/v8/Campaigns/{campaign}/Contacts", {"data": [{"id": contact, "Member_Status": "Sent"}]})

    assert put.status == 200
    members = {row["id"]: row["Member_Status"] for row in listed(zoho, f"Campaigns/{campaign}/Contacts").data}
    assert members[contact] == "Sent"
    rows = listed(zoho, f"Contacts/{contact}/Campaigns", fields="Campaign_Name").data
    assert campaign in {row["id"] for row in rows}
    assert zoho("DELETE", f"/crm/v8/Contacts/{contact}/Campaigns/{campaign}").status == 200
    assert contact not in {row["id"] for row in listed(zoho, f"Campaigns/{campaign}/Contacts").data}


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "Deals/{deal}/Friends?fields=id", None, "INVALID_DATA"),
        ("GET", "Deals/7/Notes?fields=id", None, "INVALID_DATA"),
        ("GET", "Nobodies/7/Notes?fields=id", None, "INVALID_MODULE"),
        ("GET", "Deals/{deal}/Contact_Roles", None, "REQUIRED_PARAM_MISSING"),
        ("PUT", "Deals/{deal}/Contact_Roles/7", {"data": [{}]}, "INVALID_DATA"),
        ("PUT", "Deals/{deal}/Contact_Roles/{contact}", {"data": [{"Contact_Role": "7"}]}, "INVALID_DATA"),
        ("PUT", "Deals/{deal}/Notes/7", {"data": [{}]}, "CANNOT_BE_UPDATED"),
    ],
)  # fmt: skip
def test_what_hangs_on_nothing_is_refused(
    zoho: Caller, crm: Zoho, method: str, path: str, body: Any, code: str
) -> None:
    deal = next(iter(crm.account.tables["Deals"]))["id"]
    contact = next(iter(crm.account.tables["Contacts"]))["id"]

    reply = zoho(method, "/crm/v8/" + path.format(deal=deal, contact=contact), body)

    told = reply.json["data"][0] if "data" in reply.json else reply.json
    assert (reply.status, told["code"]) == (400, code)
