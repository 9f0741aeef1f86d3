from datetime import timedelta
from typing import Any

import pytest

from sandbox import world as worlds
from sandbox.vendors.zoho.account import each_deletion
from sandbox.vendors.zoho.answers import FaultError
from sandbox.vendors.zoho.app import Zoho
from sandbox.vendors.zoho.fields import written
from sandbox.vendors.zoho.stamps import kept
from sandbox.world import MARA, World
from tests.sandbox.calls import Caller, Reply
from tests.sandbox.vendors.zoho.signing import signed_in

CONTACTS = "/crm/v8/Contacts"
FIELDS = "First_Name,Last_Name,Email,Account_Name,Modified_Time"


@pytest.fixture(scope="module")
def town() -> World:
    return worlds.make(7, 5000)


@pytest.fixture(scope="module")
def busy(town: World) -> Caller:
    """A client of an account with more records than pages by number reach."""
    return signed_in(Zoho(town, limits_kept=False))


def contacts(client: Caller, **query: Any) -> Reply:
    return client("GET", CONTACTS, **{"fields": FIELDS, **query})


def everything(client: Caller, path: str = CONTACTS, **query: Any) -> list[Any]:
    asked = {"fields": "Modified_Time", **query}
    reply = client("GET", path, **asked)
    rows = list(reply.data)
    while reply.json["info"]["more_records"]:
        reply = client("GET", path, **asked, page_token=reply.json["info"]["next_page_token"])
        rows += reply.data
    return rows


def test_a_list_needs_its_fields_and_shows_no_others(zoho: Caller) -> None:
    refused = zoho("GET", CONTACTS)
    row = contacts(zoho).data[0]

    assert (refused.status, refused.json["code"]) == (400, "REQUIRED_PARAM_MISSING")
    assert refused.json["details"] == {"param": "fields"}
    assert row.keys() == {"id", *FIELDS.split(",")}
    assert contacts(zoho, fields="Last_Name,Nope").data[0].keys() == {"id", "Last_Name"}
    assert contacts(zoho, fields=",".join(f"F{n}" for n in range(51))).json["code"] == "LIMIT_EXCEEDED"


def test_a_lookup_is_an_object_and_a_moment_has_the_offset_of_the_organisation(zoho: Caller, crm: Zoho) -> None:
    row = next(row for row in contacts(zoho, per_page=200).data if row["Account_Name"])

    firm = crm.account.find("Accounts", row["Account_Name"]["id"])
    assert firm is not None
    assert row["Account_Name"] == {"name": firm["Account_Name"], "id": firm["id"]}
    assert row["Modified_Time"][-6:] in {"+01:00", "+02:00"}


@pytest.mark.parametrize("order", ["id", "Created_Time", "Modified_Time"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_walk_by_token_shows_each_record_once_and_in_order(busy: Caller, order: str, direction: str) -> None:
    rows = everything(busy, fields="Created_Time,Modified_Time", sort_by=order, sort_order=direction)

    table = busy.vendor.account.tables["Contacts"]  # type: ignore[attr-defined]  # it is a Zoho
    stored = [table.get(row["id"]) for row in rows]
    places = [(record[order], record["id"]) for record in stored]
    assert len(rows) == len(table) > 2000
    assert places == sorted(set(places), reverse=direction == "desc")


def test_pages_by_number_end_at_two_thousand(busy: Caller) -> None:
    assert len(contacts(busy, page=10).data) == 200
    refused = contacts(busy, page=11)
    assert (refused.status, refused.json["code"]) == (400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED")
    assert refused.json["details"]["limit"] == 2000
    assert contacts(busy, page=21, per_page=100).json["code"] == "DISCRETE_PAGINATION_LIMIT_EXCEEDED"
    by_number = [row["id"] for page in (1, 2) for row in contacts(busy, page=page, per_page=50).data]
    assert by_number == [row["id"] for row in contacts(busy, per_page=100).data]


def test_the_newest_id_comes_first_unless_told_otherwise(zoho: Caller) -> None:
    ids = [row["id"] for row in contacts(zoho).data]

    assert ids == sorted(ids, reverse=True)
    assert contacts(zoho).json["info"]["sort_order"] == "desc"


def test_a_token_is_bound_to_its_parameters_and_to_a_day(zoho: Caller) -> None:
    token = contacts(zoho, per_page=20).json["info"]["next_page_token"]

    assert contacts(zoho, per_page=20, page_token=token).json["info"]["page"] == 2
    assert contacts(zoho, per_page=30, page_token=token).json["code"] == "TOKEN_BOUND_DATA_MISMATCH"
    assert contacts(zoho, per_page=20, fields="Email", page_token=token).json["code"] == "TOKEN_BOUND_DATA_MISMATCH"
    assert contacts(zoho, per_page=20, page_token=token, page=2).json["code"] == "AMBIGUITY_DURING_PROCESSING"
    assert contacts(zoho, per_page=20, page_token="x").json["code"] == "INVALID_DATA"
    assert len(token) <= 100


def test_a_token_expires_after_a_day(zoho: Caller, crm: Zoho) -> None:
    token = contacts(zoho, per_page=20).json["info"]["next_page_token"]

    later = signed_in(crm, now=zoho.now + timedelta(hours=24))

    assert contacts(later, per_page=20, page_token=token).json["code"] == "EXPIRED_VALUE"


def test_only_what_changed_since_is_listed_the_moment_itself_included(zoho: Caller, crm: Zoho) -> None:
    stamps = sorted(record["Modified_Time"] for record in crm.account.tables["Contacts"])
    middle = stamps[len(stamps) // 2]

    for order in ("id", "Modified_Time"):
        rows = everything_since(zoho, middle, sort_by=order, sort_order="asc", per_page=20)
        assert len(rows) == sum(stamp >= middle for stamp in stamps)


def everything_since(client: Caller, moment: str, **query: Any) -> list[Any]:
    since = Caller(client.vendor, {**client.headers, "if-modified-since": moment}, now=client.now)
    return everything(since, **query)


def test_nothing_new_is_304_and_nothing_at_all_204(zoho: Caller) -> None:
    header = {**zoho.headers, "if-modified-since": "2026-11-23T12:00:00+00:00"}
    unchanged = zoho("GET", CONTACTS, headers=header, fields="Email")
    empty = contacts(zoho, ids="5545974000000999999")

    assert (unchanged.status, unchanged.body) == (304, b"")
    assert (empty.status, empty.body) == (204, b"")
    assert zoho("GET", CONTACTS, headers={**header, "if-modified-since": "yesterday"}, fields="Email").status == 400
    assert zoho("GET", CONTACTS + "/deleted", headers={**header, "if-modified-since": kept(zoho.now)}).status == 304


def test_some_records_are_read_by_their_ids(zoho: Caller) -> None:
    ids = [row["id"] for row in contacts(zoho).data[:3]]

    assert [row["id"] for row in contacts(zoho, ids=",".join([*ids, "77"]), sort_order="asc").data] == sorted(ids)
    assert contacts(zoho, ids=",".join(str(n) for n in range(101))).json["code"] == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    "query",
    [{"per_page": 201}, {"per_page": 0}, {"page": "x"}, {"sort_by": "Email"}, {"sort_order": "up"}, {"cvid": 7}],
)
def test_a_parameter_that_cannot_be_is_refused(zoho: Caller, query: dict[str, Any]) -> None:
    reply = contacts(zoho, **query)

    assert (reply.status, reply.json["code"], reply.json["details"]["param"]) == (400, "INVALID_DATA", *query)


def test_a_record_by_itself_has_every_field_and_its_state(zoho: Caller, crm: Zoho) -> None:
    key = contacts(zoho).data[0]["id"]

    record = zoho("GET", f"{CONTACTS}/{key}").data[0]

    assert set(crm.account.catalogues["Contacts"].fields) < record.keys()
    assert (record["$approval_state"], record["$locked_for_me"]) == ("approved", False)
    unchanged = zoho("GET", f"{CONTACTS}/{key}", headers={**zoho.headers, "if-modified-since": kept(zoho.now)})
    assert unchanged.status == 304


def test_an_id_that_never_was_is_refused_and_one_that_was_deleted_has_no_content(zoho: Caller, crm: Zoho) -> None:
    gone = next(iter(crm.account.deleted["Contacts"]))

    assert zoho("GET", f"{CONTACTS}/{gone}").status == 204
    for never in ("5545974000000999999", "abc"):
        reply = zoho("GET", f"{CONTACTS}/{never}")
        assert (reply.status, reply.json["code"]) == (400, "INVALID_DATA")


def test_a_record_may_be_addressed_by_its_external_field(zoho: Caller) -> None:
    row = {"Last_Name": "X", "Crosswalk_Id": "cw-1"}
    made = zoho("POST", CONTACTS, {"data": [row]}).data[0]["details"]["id"]
    header = {**zoho.headers, "x-external": "Contacts.Crosswalk_Id"}

    assert zoho("GET", f"{CONTACTS}/cw-1", headers=header).data[0]["id"] == made
    assert zoho("PUT", f"{CONTACTS}/cw-1", {"data": [{"Title": "Y"}]}, headers=header).data[0]["code"] == "SUCCESS"
    assert zoho("GET", f"{CONTACTS}/cw-2", headers=header).status == 400
    assert zoho("GET", f"{CONTACTS}/x", headers={**header, "x-external": "Contacts.Email"}).status == 400


def test_converted_leads_are_listed_only_on_demand(zoho: Caller) -> None:
    def leads(converted: str | None) -> list[Any]:
        query: dict[str, Any] = {"fields": "Converted__s,Converted_Contact,Last_Name"} | (
            {"converted": converted} if converted else {}
        )
        return list(zoho("GET", "/crm/v8/Leads", **query).data)

    open_ones, converted, both = leads(None), leads("true"), leads("both")

    assert {row["Converted__s"] for row in open_ones} == {False}
    assert {row["Converted__s"] for row in converted} == {True}
    assert all(row["Converted_Contact"]["id"] for row in converted)
    assert len(both) == len(open_ones) + len(converted)


def test_deleted_records_are_told_with_how_and_when(zoho: Caller, crm: Zoho, world: World) -> None:
    rows = zoho("GET", f"{CONTACTS}/deleted").data

    assert [row["deleted_time"] for row in rows] == sorted((row["deleted_time"] for row in rows), reverse=True)
    assert {row["type"] for row in rows} == {"recycle", "permanent"}
    recycled = zoho("GET", f"{CONTACTS}/deleted", type="recycle").data
    assert [row["display_name"] is not None for row in recycled] == [True]
    assert recycled[0].keys() == {"deleted_by", "id", "display_name", "type", "created_by", "deleted_time"}
    header = {**zoho.headers, "if-modified-since": kept(world.anchor - timedelta(days=7))}
    assert [row["id"] for row in zoho("GET", f"{CONTACTS}/deleted", headers=header).data] == [recycled[0]["id"]]
    assert zoho("GET", "/crm/v8/Deals/deleted").status == 204
    page = zoho("GET", f"{CONTACTS}/deleted", per_page=2)
    assert (page.json["info"]["more_records"], len(page.data)) == (True, 2)


def test_the_recycle_bin_is_emptied_after_two_months_and_told_of_for_four(zoho: Caller, crm: Zoho) -> None:
    gone = zoho("GET", f"{CONTACTS}/deleted", type="recycle").data[0]["id"]

    def kinds(later: timedelta) -> dict[str, str]:
        at = zoho.now + later
        return {d.id: "recycle" if d.in_bin(at) else "permanent" for d in each_deletion(crm.account, "Contacts", at)}

    assert kinds(timedelta(days=50))[gone] == "recycle"
    assert kinds(timedelta(days=60))[gone] == "permanent"
    assert gone not in kinds(timedelta(days=120))


def test_records_are_counted(zoho: Caller, crm: Zoho) -> None:
    assert zoho("GET", f"{CONTACTS}/actions/count").json == {"count": len(crm.account.tables["Contacts"])}


def test_an_unknown_module_path_or_method_is_refused(zoho: Caller) -> None:
    for method, path, code in (
        ("GET", "/crm/v8/Nobodies?fields=id", "INVALID_MODULE"),
        ("GET", "/crm/v8/Contacts/1/2/3/4", "INVALID_URL_PATTERN"),
        ("GET", "/crm/v7/Contacts", "INVALID_URL_PATTERN"),
        ("POST", "/crm/v8/Contacts/deleted", "INVALID_REQUEST_METHOD"),
    ):
        assert zoho(method, path).json["code"] == code


def test_mara_is_the_person_of_the_story(zoho: Caller, crm: Zoho, world: World) -> None:
    mara = world.people[MARA]
    found = next(row for row in crm.account.tables["Contacts"] if row["Email"] == mara.work_email)

    record = zoho("GET", f"{CONTACTS}/{found['id']}").data[0]

    assert (record["First_Name"], record["Last_Name"]) == ("Mara", "Lindqvist")
    assert record["Account_Name"]["name"] == "Nordlicht Solar AB"


def test_a_renamed_company_is_shown_by_its_new_name_in_every_list(zoho: Caller) -> None:
    row = next(row for row in contacts(zoho).data if row["Account_Name"])
    firm = row["Account_Name"]["id"]

    zoho("PUT", f"/crm/v8/Accounts/{firm}", {"data": [{"Account_Name": "Neu GmbH"}]})

    assert contacts(zoho, ids=row["id"]).data[0]["Account_Name"] == {"name": "Neu GmbH", "id": firm}
    zoho("DELETE", f"/crm/v8/Accounts/{firm}")
    assert contacts(zoho, ids=row["id"]).data[0]["Account_Name"] is None


def test_every_record_is_one_that_the_account_would_take(town: World) -> None:
    crm = Zoho(town)
    faults = []
    for module, catalogue in crm.account.catalogues.items():
        for record in crm.account.tables[module]:
            for found in catalogue.fields.values():
                value = record.get(found.key)
                if found.target is None and found.type != "ownerlookup" and found.key != "id" and value is not None:
                    try:
                        written(found, value, found.name)
                    except FaultError as exc:
                        faults.append((module, found.name, value, exc.row["details"]))
                if found.mandatory and value is None:
                    faults.append((module, found.name, value, "is missing"))

    assert faults == []
