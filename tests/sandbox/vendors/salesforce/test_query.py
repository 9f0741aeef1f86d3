from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from sandbox.vendors.salesforce.app import Salesforce
from sandbox.world import MARA, World
from tests.sandbox.calls import Caller
from tests.sandbox.vendors.salesforce.calls import DATA, one, refusal, rows, session

MAIL = "mara.lindqvist@nordlicht-solar.test"


def ids(found: list[Any]) -> list[str]:
    return [row["Id"] for row in found]


def test_a_person_is_found_with_her_company_and_its_owner(salesforce: Caller, world: World) -> None:
    mara = one(
        salesforce, f"SELECT Id, Name, Title, Account.Name, Account.Owner.Name FROM Contact WHERE Email = '{MAIL}'"
    )

    person = world.people[MARA]
    assert (mara["Name"], mara["Title"], mara["Account"]["Name"]) == (person.full(), person.title, "Nordlicht Solar AB")
    assert mara["attributes"] == {"type": "Contact", "url": f"{DATA}/sobjects/Contact/{mara['Id']}"}
    assert mara["Account"]["attributes"]["type"] == "Account"
    assert mara["Account"]["Owner"].keys() == {"attributes", "Name"}


def test_a_parent_that_is_not_there_is_null(salesforce: Caller) -> None:
    row = rows(salesforce, "SELECT Id, Account.Name FROM Contact WHERE AccountId = null LIMIT 1")
    if not row:
        salesforce("POST", f"{DATA}/sobjects/Contact", {"LastName": "Alone"})
        row = rows(salesforce, "SELECT Id, Account.Name FROM Contact WHERE AccountId = null LIMIT 1")

    assert row[0]["Account"] is None


@pytest.mark.parametrize("batch", [None, 200])
def test_pages_bring_every_record_once(salesforce: Caller, org: Salesforce, batch: int | None) -> None:
    for nth in range(230):
        org.edit(salesforce.now, "Contact", None, {"LastName": f"Filler {nth}"})
    headers = {**salesforce.headers, "sforce-query-options": f"batchSize={batch}"} if batch else None

    first = salesforce("GET", f"{DATA}/query", q="SELECT Id FROM Contact", headers=headers).json
    found = list(first["records"])
    page = first
    while not page["done"]:
        page = salesforce("GET", page["nextRecordsUrl"]).json
        found += page["records"]

    assert len(found) == len({row["Id"] for row in found}) == first["totalSize"] > 230
    assert len(first["records"]) == (first["totalSize"] if batch is None else 200)
    assert ("nextRecordsUrl" in first) == (batch is not None)


def test_pages_show_what_was_there_when_the_query_ran(salesforce: Caller, org: Salesforce) -> None:
    for nth in range(230):
        org.edit(salesforce.now, "Lead", None, {"LastName": f"L {nth:03}", "Company": "C"})
    headers = {**salesforce.headers, "sforce-query-options": "batchSize=200"}
    soql = "SELECT Id, LastName FROM Lead WHERE Company = 'C' ORDER BY LastName"

    first = salesforce("GET", f"{DATA}/query", q=soql, headers=headers).json
    org.edit(salesforce.now, "Lead", first["records"][0]["Id"], {"IsDeleted": True})
    second = salesforce("GET", first["nextRecordsUrl"]).json

    assert [row["LastName"] for row in second["records"]] == [f"L {nth:03}" for nth in range(200, 230)]
    salesforce.later(days=2)
    salesforce.vendor.expire_tokens()
    assert salesforce("GET", first["nextRecordsUrl"]).status == 401


def test_a_locator_that_is_none_or_too_old_is_refused(salesforce: Caller, org: Salesforce) -> None:
    for nth in range(201):
        org.edit(salesforce.now, "Lead", None, {"LastName": f"L {nth:03}", "Company": "C"})
    headers = {**salesforce.headers, "sforce-query-options": "batchSize=200"}
    url = salesforce("GET", f"{DATA}/query", q="SELECT Id FROM Lead", headers=headers).json["nextRecordsUrl"]

    assert refusal(salesforce("GET", f"{DATA}/query/0r8Hs0000000000AAA-2000")) == (400, "INVALID_QUERY_LOCATOR")
    for _ in range(49):
        salesforce.later(hours=1)
        salesforce("GET", f"{DATA}/limits")
    assert refusal(salesforce("GET", url)) == (400, "INVALID_QUERY_LOCATOR")


@pytest.mark.parametrize(
    ("where", "test"),
    [
        ("IsPersonAccount = true", lambda row: row["IsPersonAccount"]),
        ("NOT IsPersonAccount = true", lambda row: not row["IsPersonAccount"]),
        ("Title != null AND LeadSource = 'web'", lambda row: row["Title"] and row["LeadSource"] == "Web"),
        ("(Title = 'COO' OR Title = 'CEO') AND Email != null",
         lambda row: row["Title"] in ("COO", "CEO") and row["Email"]),
        ("Title IN ('coo', 'CEO')", lambda row: row["Title"] in ("COO", "CEO")),
        ("Title NOT IN ('COO')", lambda row: row["Title"] != "COO"),
        ("Title <> 'COO'", lambda row: row["Title"] != "COO"),
        ("Email LIKE '%.LINDQVIST@%'", lambda row: ".lindqvist@" in (row["Email"] or "").lower()),
        ("Email LIKE '_ara%'", lambda row: (row["Email"] or "")[1:4].lower() == "ara"),
        ("CX_NPS_Score__c >= 7 AND CX_NPS_Score__c < 9",
         lambda row: row["CX_NPS_Score__c"] is not None and 7 <= row["CX_NPS_Score__c"] < 9),
        ("Birthdate > 1970-01-01", lambda row: (row["Birthdate"] or "") > "1970-01-01"),
        ("CreatedDate >= 2025-01-01T00:00:00Z AND CreatedDate < 2026-01-01T01:00:00+01:00",
         lambda row: row["CreatedDate"].startswith("2025")),
        ("LastModifiedDate = LAST_N_DAYS:60", lambda row: row["LastModifiedDate"] >= "2026-09-24"),
        ("Account.Name LIKE '%a%'", lambda row: "a" in ((row["Account"] or {}).get("Name") or "").lower()),
        ("Account_Tier__c = 'Gold'", lambda row: row["Account_Tier__c"] == "Gold"),
        ("Id IN (SELECT ContactId FROM OpportunityContactRole)", None),
    ],
)  # fmt: skip
def test_a_condition_lets_through_what_it_says(salesforce: Caller, where: str, test: Any) -> None:
    shown = (
        "SELECT Id, Title, LeadSource, Email, IsPersonAccount, CX_NPS_Score__c, Birthdate, CreatedDate, "
        "LastModifiedDate, Account.Name, Account_Tier__c FROM Contact"
    )
    everybody = rows(salesforce, shown)
    if test is None:
        linked = {row["ContactId"] for row in rows(salesforce, "SELECT ContactId FROM OpportunityContactRole")}
        wanted = [row for row in everybody if row["Id"] in linked]
    else:
        wanted = [row for row in everybody if test(row)]

    found = rows(salesforce, f"{shown} WHERE {where}")

    assert sorted(ids(found)) == sorted(ids(wanted))
    assert found
    assert "COO'" in where or len(found) < len(everybody)


def test_a_keyset_walk_brings_everything_in_order_though_many_share_a_second(salesforce: Caller) -> None:
    whole = rows(salesforce, "SELECT Id, SystemModstamp FROM Contact ORDER BY SystemModstamp ASC, Id ASC")
    walked: list[Any] = []
    place = ("2000-01-01T00:00:00.000+0000", "000000000000000")
    while True:
        at, last = place
        at = at.replace("+0000", "Z")
        page = rows(
            salesforce,
            f"SELECT Id, SystemModstamp FROM Contact WHERE (SystemModstamp = {at} AND Id > '{last}') "
            f"OR SystemModstamp > {at} ORDER BY SystemModstamp ASC, Id ASC LIMIT 7",
        )
        if not page:
            break
        walked += page
        place = (page[-1]["SystemModstamp"], page[-1]["Id"])

    assert walked == whole
    assert len({row["SystemModstamp"] for row in whole}) < len(whole)
    assert whole == sorted(whole, key=lambda row: (row["SystemModstamp"], row["Id"]))


def test_orders_put_nulls_first_or_where_they_are_told(salesforce: Caller) -> None:
    def titles(order: str) -> list[str | None]:
        return [row["Title"] for row in rows(salesforce, f"SELECT Title FROM Contact ORDER BY Title {order}")]

    filled = sorted((title for title in titles("") if title), key=str.casefold)
    nulls: list[str | None] = [None] * titles("").count(None)
    assert nulls
    assert titles("ASC") == titles("NULLS FIRST") == nulls + filled
    assert titles("ASC NULLS LAST") == filled + nulls
    assert titles("DESC NULLS LAST")[0] == filled[-1]


def test_limit_and_offset_cut(salesforce: Caller) -> None:
    whole = ids(rows(salesforce, "SELECT Id FROM Lead ORDER BY Id"))

    assert ids(rows(salesforce, "SELECT Id FROM Lead ORDER BY Id LIMIT 3 OFFSET 2")) == whole[2:5]
    reply = salesforce("GET", f"{DATA}/query", q="SELECT Id FROM Lead ORDER BY Id LIMIT 3 OFFSET 2001")
    assert refusal(reply) == (400, "NUMBER_OUTSIDE_VALID_RANGE")


def test_counts_and_groups(salesforce: Caller) -> None:
    everybody = rows(salesforce, "SELECT LeadSource FROM Contact")

    counted = salesforce("GET", f"{DATA}/query", q="SELECT COUNT() FROM Contact").json
    grouped = rows(salesforce, "SELECT LeadSource, COUNT(Id), MAX(CreatedDate) newest FROM Contact GROUP BY LeadSource")
    total = rows(salesforce, "SELECT COUNT(Id) n, COUNT_DISTINCT(LeadSource) kinds FROM Contact")

    assert counted == {"totalSize": len(everybody), "done": True, "records": []}
    assert {row["LeadSource"]: row["expr0"] for row in grouped} == {
        source: sum(row["LeadSource"] == source for row in everybody)
        for source in {row["LeadSource"] for row in everybody}
    }
    assert all(row["attributes"] == {"type": "AggregateResult"} and row["newest"] for row in grouped)
    assert (total[0]["n"], total[0]["kinds"]) == (len(everybody), len(grouped) - 1)


def test_children_come_inside_their_parent_or_as_null(salesforce: Caller) -> None:
    found = rows(
        salesforce, "SELECT Id, (SELECT ContactId, Contact.Name FROM OpportunityContactRoles) FROM Opportunity"
    )
    roles = rows(salesforce, "SELECT OpportunityId, ContactId FROM OpportunityContactRole")

    inside = [
        (row["Id"], child["ContactId"])
        for row in found
        for child in (row["OpportunityContactRoles"] or {"records": []})["records"]
    ]
    assert sorted(inside) == sorted((role["OpportunityId"], role["ContactId"]) for role in roles)
    assert any(row["OpportunityContactRoles"] is None for row in found)
    first = next(row["OpportunityContactRoles"] for row in found if row["OpportunityContactRoles"])
    assert first["totalSize"] == len(first["records"])
    assert first["records"][0]["Contact"]["Name"]


def test_a_field_of_several_objects_shows_whose_it_is(salesforce: Caller) -> None:
    kinds = {
        (row["Owner"] or {}).get("Type") for row in rows(salesforce, "SELECT Id, Owner.Type, Owner.Name FROM Lead")
    }

    assert kinds == {"User", "Group"}
    whos = rows(salesforce, "SELECT WhoId, Who.Name, Who.Type FROM Task WHERE WhoId != null")
    assert all(row["Who"]["Type"] in ("Contact", "Lead") and row["Who"]["Name"] for row in whos)


def test_an_address_can_be_read_whole(salesforce: Caller) -> None:
    row = rows(salesforce, "SELECT BillingAddress, BillingCity FROM Account WHERE BillingCity != null LIMIT 1")[0]

    assert row["BillingAddress"]["city"] == row["BillingCity"]


def test_all_fields_want_a_limit(salesforce: Caller) -> None:
    mara = one(salesforce, f"SELECT FIELDS(ALL) FROM Contact WHERE Email = '{MAIL}' LIMIT 200")
    described = salesforce("GET", f"{DATA}/sobjects/Contact/describe").json["fields"]

    assert list(mara)[1:] == [field["name"] for field in described]
    assert refusal(salesforce("GET", f"{DATA}/query", q="SELECT FIELDS(ALL) FROM Contact")) == (400, "MALFORMED_QUERY")


def test_a_formula_follows_another_record_and_moves_no_stamp(salesforce: Caller, org: Salesforce) -> None:
    soql = f"SELECT Id, AccountId, Account_Tier__c, SystemModstamp FROM Contact WHERE Email = '{MAIL}'"
    before = one(salesforce, soql)
    tier = "Gold" if before["Account_Tier__c"] != "Gold" else "Bronze"

    org.edit(salesforce.now, "accounts", before["AccountId"], {"Tier": tier})

    assert one(salesforce, soql) == {**before, "Account_Tier__c": tier}


def test_a_query_asked_again_shows_what_has_changed(salesforce: Caller, org: Salesforce) -> None:
    soql = f"SELECT Title, Account.Name FROM Contact WHERE Email = '{MAIL}'"
    first, again = (salesforce("GET", f"{DATA}/query", q=soql).body for _ in range(2))
    account = one(salesforce, f"SELECT AccountId FROM Contact WHERE Email = '{MAIL}'")["AccountId"]

    org.edit(salesforce.now, "Account", account, {"Name": "Nordlicht AB"})

    assert first == again
    assert one(salesforce, soql)["Account"]["Name"] == "Nordlicht AB"


def test_a_query_of_today_is_another_one_tomorrow(salesforce: Caller, org: Salesforce) -> None:
    org.edit(salesforce.now, "Contact", None, {"LastName": "Fresh"})
    soql = "SELECT COUNT() FROM Contact WHERE CreatedDate = TODAY"
    today = salesforce("GET", f"{DATA}/query", q=soql).json["totalSize"]

    tomorrow = session(org, salesforce.now + timedelta(days=1))("GET", f"{DATA}/query", q=soql).json["totalSize"]

    assert (today, tomorrow) == (1, 0)


def test_two_custom_long_texts_make_small_pages(salesforce: Caller, org: Salesforce) -> None:
    for nth in range(250):
        org.edit(salesforce.now, "Account", None, {"Name": f"Firm {nth}"})

    one_text = salesforce("GET", f"{DATA}/query", q="SELECT Id, CX_NPS_Comment__c, Description FROM Account").json
    two = salesforce("GET", f"{DATA}/query", q="SELECT Id, CX_NPS_Comment__c, CX_NPS_Comment__pc FROM Account").json

    assert len(one_text["records"]) > 200
    assert len(two["records"]) == 200


@pytest.mark.parametrize(
    ("soql", "code", "says"),
    [
        ("SELECT Nope FROM Contact", "INVALID_FIELD", "No such column 'Nope' on entity 'Contact'"),
        ("SELECT Id, Nope.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Nope'"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported"),
        ("SELECT Id FROM Contact WHERE Nope = 1", "INVALID_FIELD", "Nope"),
        ("SELECT Id FROM Contact WHERE Email = 7", "INVALID_FIELD", "should be enclosed in quotes"),
        ("SELECT Id FROM Contact WHERE CX_NPS_Score__c = '7'", "INVALID_FIELD", "must be of type double"),
        ("SELECT Id FROM Contact WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD", "dateTime"),
        ("SELECT Id FROM Contact WHERE SystemModstamp > 2026-01-01", "INVALID_FIELD", "dateTime"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Contact ORDER BY Description", "MALFORMED_QUERY", "can not be sorted"),
        ("SELECT Id FROM Contact WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x"),
        ("SELECT Id FROM Contact WHERE IsDeleted > true", "INVALID_QUERY_FILTER_OPERATOR", "IsDeleted"),
        ("SELECT Id, Id FROM Contact", "MALFORMED_QUERY", "duplicate field selected: Id"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY", "unexpected token: <EOF>"),
        ("SELECT Id FROM Contact WHERE Email = 'a' AND Title = 'b' OR Title = 'c'", "MALFORMED_QUERY", "'OR'"),
        ("SELECT Id Contact", "MALFORMED_QUERY", "from"),
        ("SELECT Id FROM Contact LIMIT ten", "MALFORMED_QUERY", "'ten'"),
        ("SELECT Id FROM Contact WHERE SystemModstamp > 2026-01-01T00:00:00 00:00", "MALFORMED_QUERY", "unexpected"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(salesforce: Caller, soql: str, code: str, says: str) -> None:
    reply = salesforce("GET", f"{DATA}/query", q=soql)

    assert refusal(reply) == (400, code), reply.body
    assert says in reply.json[0]["message"]


def test_a_uri_may_only_be_so_long(salesforce: Caller) -> None:
    keys = ",".join(f"'{'x' * 15}{nth:03}'" for nth in range(900))

    assert salesforce("GET", f"{DATA}/query", q=f"SELECT Id FROM Contact WHERE Email IN ({keys})").status == 414


def test_what_a_batch_asks_stands_in_its_body_and_may_be_longer(salesforce: Caller) -> None:
    keys = ",".join(f"'{'x' * 15}{nth:03}'" for nth in range(900))
    asked = {"method": "GET", "url": f"v66.0/query?q={quote(f'SELECT Id FROM Contact WHERE Email IN ({keys})')}"}

    reply = salesforce("POST", f"{DATA}/composite/batch", {"batchRequests": [asked]})

    assert reply.json["results"][0]["statusCode"] == 200


def test_a_field_that_is_taken_away_is_unknown_until_it_comes_back(salesforce: Caller, org: Salesforce) -> None:
    soql = "SELECT Id, CX_NPS_Score__c FROM Contact LIMIT 1"
    org.change_schema("contacts", "NPS Score", to=None)

    assert refusal(salesforce("GET", f"{DATA}/query", q=soql)) == (400, "INVALID_FIELD")
    names = [field["name"] for field in salesforce("GET", f"{DATA}/sobjects/Contact/describe").json["fields"]]
    assert "CX_NPS_Score__c" not in names
    org.restore_schema()
    assert salesforce("GET", f"{DATA}/query", q=soql).status == 200


def test_a_renamed_field_keeps_its_values(salesforce: Caller, org: Salesforce) -> None:
    before = rows(salesforce, "SELECT Id, Title FROM Contact ORDER BY Id")

    org.change_schema("Contact", "Title", to="JobTitle__c")

    after = rows(salesforce, "SELECT Id, JobTitle__c FROM Contact ORDER BY Id")
    assert [row["JobTitle__c"] for row in after] == [row["Title"] for row in before]
