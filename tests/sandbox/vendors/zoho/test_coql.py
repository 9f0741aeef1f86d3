from typing import Any

import pytest

from sandbox.vendors.zoho.app import Zoho
from sandbox.web import Call
from tests.sandbox.calls import NOW, Caller, Reply


def ask(client: Caller, query: str) -> Reply:
    return client("POST", "/crm/v8/coql", {"select_query": query})


@pytest.fixture
def three(zoho: Caller) -> dict[str, str]:
    """Names by id of three people at one company."""
    firm = zoho("POST", "/crm/v8/Accounts", {"data": [{"Account_Name": "O'Brien"}]}).data[0]["details"]["id"]
    at = {"Account_Name": {"id": firm}, "Department": "coql"}
    rows = (
        {"Last_Name": "a", "CX_NPS_Score": 9, "Title": "Boss", "CX_NPS_Answered": "2026-11-01T07:15:02+00:00", **at},
        {"Last_Name": "b", "CX_NPS_Score": 7, "Title": "Big Boss", "Email_Opt_Out": True, **at},
        {"Last_Name": "c", "Title": "Clerk", "Interests": ["Wind"], **at},
    )  # fmt: skip
    made = zoho("POST", "/crm/v8/Contacts", {"data": list(rows)}).data
    return {row["details"]["id"]: name for row, name in zip(made, "abc", strict=True)}


@pytest.mark.parametrize(
    ("where", "hits"),
    [
        ("CX_NPS_Score = 9", "a"), ("CX_NPS_Score != 9", "b c"), ("CX_NPS_Score >= 7", "a b"),
        ("CX_NPS_Score < 9", "b"),
        ("CX_NPS_Score is null", "c"), ("CX_NPS_Score is not null", "a b"), ("CX_NPS_Score in (7, 9)", "a b"),
        ("CX_NPS_Score not in (7)", "a c"), ("CX_NPS_Score between 8 and 10", "a"),
        ("CX_NPS_Score not between 8 and 10", "b c"), ("Title like '%boss'", "a b"), ("Title like 'b%'", "a b"),
        ("Title not like '%boss%'", "c"), ("Email_Opt_Out = true", "b"), ("Interests = 'Wind'", "c"),
        ("CX_NPS_Answered > '2026-11-01T08:15:01+01:00'", "a"), ("Account_Name.Account_Name = 'o''brien'", "a b c"),
        ("(CX_NPS_Score = 9 or CX_NPS_Score = 7)", "a b"),
        ("(Title = 'Boss' or (Title = 'Clerk' and CX_NPS_Score is null))", "a c"),
    ],
)  # fmt: skip
def test_a_condition_finds_what_it_says(zoho: Caller, three: dict[str, str], where: str, hits: str) -> None:
    reply = ask(zoho, f"select Last_Name from Contacts where (Department = 'coql' and {where}) order by Last_Name asc")

    assert " ".join(three[row["id"]] for row in reply.data) == hits


def test_a_lookup_is_an_id_unless_a_field_of_it_is_asked_for(zoho: Caller, three: dict[str, str]) -> None:
    columns = "Last_Name, Account_Name, Account_Name.Account_Name, Account_Name.id, Owner, CX_NPS_Answered"

    row = ask(zoho, f"select {columns} from Contacts where Last_Name = 'a' order by id desc limit 1").data[0]

    firm = row["Account_Name.id"]
    assert row == {
        "Last_Name": "a", "Account_Name": {"id": firm}, "Account_Name.Account_Name": "O'Brien", "Account_Name.id": firm,
        "Owner": {"id": row["Owner"]["id"]}, "CX_NPS_Answered": "2026-11-01T08:15:02+01:00", "id": row["id"],
    }  # fmt: skip


def test_windows_follow_each_other(zoho: Caller, crm: Zoho) -> None:
    keys: list[str] = []
    more = True
    while more:
        query = f"select id from Contacts where id is not null order by Modified_Time asc, id asc limit {len(keys)}, 30"
        reply = ask(zoho, query)
        keys += [row["id"] for row in reply.data]
        more = reply.json["info"]["more_records"]
        assert reply.json["info"]["count"] == len(reply.data) <= 30

    table = crm.account.tables["Contacts"]
    assert keys == [record["id"] for record in table.walk("Modified_Time")]
    last = ask(zoho, f"select id from Contacts where id > '{max(keys)}' limit 200 offset 0")
    assert last.status == 204
    assert ask(zoho, "select id from Contacts where id is not null").data[0]["id"] == max(keys)


def test_records_are_counted(zoho: Caller, crm: Zoho) -> None:
    reply = ask(zoho, "select COUNT(id) from Contacts where id is not null")

    assert reply.data == [{"COUNT(id)": len(crm.account.tables["Contacts"])}]


def test_converted_leads_appear_where_the_query_speaks_of_conversion(zoho: Caller, crm: Zoho) -> None:
    def number(where: str) -> int:
        return int(ask(zoho, f"select COUNT(id) from Leads where {where}").data[0]["COUNT(id)"])

    converted = sum(bool(record["Converted__s"]) for record in crm.account.tables["Leads"])
    assert number("Converted__s = true") == converted > 0
    assert number("id is not null") == len(crm.account.tables["Leads"]) - converted


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("select id from Contacts", "SYNTAX_ERROR"), ("select id from Contacts where", "SYNTAX_ERROR"),
        ("select from Contacts where id is not null", "SYNTAX_ERROR"), ("update Contacts", "SYNTAX_ERROR"),
        ("select id from Contacts where id is not null and Title = 'x' and Email is null", "SYNTAX_ERROR"),
        ("select id from Contacts where Title ~ 'x'", "SYNTAX_ERROR"),
        ("select id from Contacts where Title 'x'", "SYNTAX_ERROR"),
        ("select id from Nobodies where id is not null", "INVALID_QUERY"),
        ("select Nope from Contacts where id is not null", "INVALID_QUERY"),
        ("select id from Contacts where Title.id = 'x'", "INVALID_QUERY"),
        ("select id from Contacts where CX_NPS_Comment = 'x'", "INVALID_QUERY"),
        ("select id from Contacts where CX_NPS_Score = 'x'", "INVALID_QUERY"),
        ("select id from Contacts where Created_Time > '2026-01-01'", "INVALID_QUERY"),
        ("select id, id from Contacts where id is not null", "DUPLICATE_DATA"),
        ("select id from Contacts where id is not null limit 2001", "LIMIT_EXCEEDED"),
        ("select id from Contacts where id is not null limit 99000, 2000", "LIMIT_EXCEEDED"),
        (f"select {', '.join(f'F{n}' for n in range(51))} from Contacts where id is not null", "LIMIT_EXCEEDED"),
        (f"select id from Contacts where id in ({', '.join(map(str, range(51)))})", "LIMIT_EXCEEDED"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_is_refused(zoho: Caller, query: str, code: str) -> None:
    reply = ask(zoho, query)

    assert (reply.status, reply.json["code"]) == (400, code)


@pytest.mark.parametrize("body", [b"{", {}, {"select_query": 7}])
def test_a_body_without_a_query_is_refused(zoho: Caller, body: Any) -> None:
    assert zoho("POST", "/crm/v8/coql", body).status == 400


@pytest.mark.parametrize(("limit", "cost"), [("", 1), (" limit 200", 1), (" limit 0, 1000", 2), (" limit 2000", 3)])
def test_a_query_costs_by_how_much_it_may_bring(crm: Zoho, limit: str, cost: int) -> None:
    body = f'{{"select_query": "select id from Contacts where id is not null{limit}"}}'.encode()
    call = Call(method="POST", path="/crm/v8/coql", query={}, headers={}, body=body, now=NOW, base="")

    assert crm.unit_cost(call) == cost
