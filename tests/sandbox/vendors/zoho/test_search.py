from datetime import timedelta
from typing import Any

import pytest

from sandbox.vendors.zoho.app import Zoho
from sandbox.world import MARA, RAHIM, World
from tests.sandbox.calls import Caller, Reply

SEARCH = "/crm/v8/Contacts/search"


def search(client: Caller, module: str = "Contacts", **query: Any) -> Reply:
    return client("GET", f"/crm/v8/{module}/search", fields="First_Name,Last_Name,Email", **query)


def insert(client: Caller, *rows: Any, module: str = "Contacts") -> list[str]:
    reply = client("POST", f"/crm/v8/{module}", {"data": list(rows)})
    return [row["details"]["id"] for row in reply.data]


def found(reply: Reply) -> list[str]:
    return [] if reply.status == 204 else [row["id"] for row in reply.data]


def test_an_address_is_found_in_either_slot_however_it_is_written(zoho: Caller, world: World) -> None:
    mail = str(world.people[MARA].work_email)
    (second,) = insert(zoho, {"Last_Name": "X", "Secondary_Email": mail})

    hits = search(zoho, email=mail.upper())

    assert [row["Last_Name"] for row in hits.data] == ["X", "Lindqvist"]
    assert found(hits)[0] == second
    assert search(zoho, email="nobody@x.test").status == 204


def test_a_number_is_found_by_its_digits(zoho: Caller, world: World) -> None:
    phone = world.people[RAHIM].phone

    assert [row["Last_Name"] for row in search(zoho, phone=phone.replace("+", "")).data] == ["Uddin"]


def test_a_word_is_found_anywhere_in_a_record(zoho: Caller) -> None:
    (key,) = insert(zoho, {"Last_Name": "Zwetschgenröster", "Title": "Head of টেক্সটাইল"})

    assert found(search(zoho, word="zwetschgen")) == [key]
    assert found(search(zoho, word="টেক্সটাইল head")) == [key]
    assert search(zoho, word="z").status == 400


@pytest.mark.parametrize(
    ("criteria", "hits"),
    [
        ("(Title:equals:boss)", "a b"), ("(Title:not_equal:Boss)", "c"), ("(Title:starts_with:bo)", "a b"),
        ("(CX_NPS_Score:greater_equal:7)", "a b"), ("(CX_NPS_Score:less_than:7)", "c"),
        ("(CX_NPS_Score:between:7,8)", "b"), ("(Title:in:Boss,Clerk)", "a b c"),
        ("(Department:equals:${EMPTY})", "b c"),
        ("(Department:not_equal:${EMPTY})", "a"), ("(Email_Opt_Out:equals:true)", "b"),
        ("(Interests:equals:Wind)", "a"),
        ("(CX_NPS_Answered:greater_than:2026-11-01T08:15:01+01:00)", "a"), ("(Date_of_Birth:equals:1990-02-01)", "b"),
        ("((Title:equals:Boss)and(CX_NPS_Score:equals:9))", "a"),
        ("((CX_NPS_Score:equals:9)or(CX_NPS_Score:equals:2))", "a c"),
        ("(((Title:equals:Boss)and(CX_NPS_Score:equals:8))or(Title:equals:Clerk))", "b c"),
    ],
)  # fmt: skip
def test_criteria_find_what_they_say(zoho: Caller, criteria: str, hits: str) -> None:
    rows = (
        {"Last_Name": "a", "Title": "Boss", "CX_NPS_Score": 9, "Department": "IT", "Interests": ["Wind", "Solar"],
         "CX_NPS_Answered": "2026-11-01T07:15:02+00:00"},
        {"Last_Name": "b", "Title": "Boss", "CX_NPS_Score": 8, "Email_Opt_Out": True, "Date_of_Birth": "1990-02-01"},
        {"Last_Name": "c", "Title": "Clerk", "CX_NPS_Score": 2},
    )  # fmt: skip
    keys = dict(zip(insert(zoho, *rows), "abc", strict=True))

    reply = zoho("GET", SEARCH, fields="id", criteria=criteria)

    assert " ".join(sorted(keys[key] for key in found(reply) if key in keys)) == hits


def test_brackets_and_commas_in_a_value_follow_a_backslash(zoho: Caller) -> None:
    (key,) = insert(zoho, {"Account_Name": "Padma (Pvt), Ltd"}, module="Accounts")

    criteria = r"(Account_Name:equals:Padma \(Pvt\)\, Ltd)"

    assert found(zoho("GET", "/crm/v8/Accounts/search", fields="id", criteria=criteria)) == [key]


def test_equals_in_company_finds_what_begins_with_the_words(zoho: Caller) -> None:
    """As the vendor's page on searching says of several conditions."""
    insert(
        zoho,
        {"Account_Name": "Quill", "Phone": "030 1"},
        {"Account_Name": "Quill Ltd", "Phone": "030 1"},
        module="Accounts",
    )

    def number(criteria: str) -> int:
        return len(found(zoho("GET", "/crm/v8/Accounts/search", fields="id", criteria=criteria)))

    assert number("(Account_Name:equals:Quill)") == 1
    assert number("((Account_Name:equals:Quill)and(Phone:equals:030 1))") == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"criteria": "Title:equals:x"}, "INVALID_QUERY"), ({"criteria": "(Nope:equals:x)"}, "INVALID_QUERY"),
        ({"criteria": "(Title:resembles:x)"}, "INVALID_QUERY"), ({"criteria": "(Title:equals:x"}, "INVALID_QUERY"),
        ({"criteria": "(CX_NPS_Score:equals:x)"}, "INVALID_QUERY"), ({"criteria": "(Title)"}, "INVALID_QUERY"),
        ({"criteria": "(Title:equals:x))"}, "INVALID_QUERY"),
        ({"criteria": "(CX_NPS_Comment:equals:x)"}, "INVALID_QUERY"),
        ({"criteria": "(" + "or".join(["(Title:equals:x)"] * 16) + ")"}, "LIMIT_EXCEEDED"),
        ({}, "REQUIRED_PARAM_MISSING"), ({"email": "x@y.test", "page": 11}, "DISCRETE_PAGINATION_LIMIT_EXCEEDED"),
    ],
)  # fmt: skip
def test_a_search_that_cannot_be_is_refused(zoho: Caller, query: dict[str, Any], code: str) -> None:
    reply = search(zoho, **query)

    assert (reply.status, reply.json["code"]) == (400, code)


def test_converted_leads_are_found_only_on_demand(zoho: Caller, crm: Zoho) -> None:
    lead = next(record for record in crm.account.tables["Leads"] if record["Converted__s"] and record["Email"])

    assert lead["id"] not in found(search(zoho, "Leads", email=lead["Email"]))
    assert lead["id"] in found(search(zoho, "Leads", email=lead["Email"], converted="both"))


def test_the_index_learns_of_a_record_later_and_of_its_end_at_once(zoho: Caller, crm: Zoho) -> None:
    crm.lag_search(timedelta(seconds=5))
    (key,) = insert(zoho, {"Last_Name": "X", "Email": "slow@x.test"})

    assert search(zoho, email="slow@x.test").status == 204
    zoho.later(seconds=5)
    assert found(search(zoho, email="slow@x.test")) == [key]
    zoho("PUT", f"/crm/v8/Contacts/{key}", {"data": [{"Email": "new@x.test"}]})
    stale = search(zoho, email="slow@x.test").data[0]
    assert stale["Email"] == "new@x.test"  # found by what it was, shown as it is
    zoho("DELETE", f"/crm/v8/Contacts/{key}")
    assert search(zoho, email="slow@x.test").status == 204


def test_a_search_can_be_counted(zoho: Caller) -> None:
    insert(zoho, {"Last_Name": "Zq"}, {"Last_Name": "Zq"})

    assert zoho("GET", "/crm/v8/Contacts/actions/count", criteria="(Last_Name:equals:zq)").json == {"count": 2}
