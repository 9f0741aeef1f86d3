"""What is sent to Zoho, what became of it, and whether a create arrived."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from connectors.sdk import GrantError, RecordError, SetupError, Write
from connectors.sdk.fakes import Bench
from connectors.zoho.connector import ZohoConnector
from tests.connectors.zoho.api import (
    CATALOGUE,
    CONTACTS,
    FIELDS,
    V8,
    catalogue,
    connect,
    contact,
    create,
    fault,
    field,
    key,
    listed,
    nothing,
    refused,
    results,
    statuses,
    success,
    update,
)

UPSERT = f"{CONTACTS}/upsert"


@pytest.fixture(autouse=True)
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as running:
        running.get(FIELDS).mock(return_value=catalogue())
        yield running


@pytest.fixture
def zoho() -> ZohoConnector:
    return connect()


def sent(route: respx.Route) -> Any:
    return json.loads(route.calls.last.request.content, parse_float=Decimal)


def all_done(request: httpx.Request) -> httpx.Response:
    rows = json.loads(request.content)["data"]
    return results(*(success(row.get("id") or str(number)) for number, row in enumerate(rows, start=1)))


# what is sent


def test_updates_go_in_one_call_in_zohos_types(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = router.put(CONTACTS).mock(side_effect=all_done)
    values: dict[str, Any] = {
        "Last_Name": "123",
        "Account_Name": {"id": 5545974000000220001},
        "Owner": {"id": None},
        "CX_NPS_Score": "9",
        "Revenue": "10.50",
        "CX_NPS_Answered": "2026-11-22T17:44:05.123Z",
        "Interests": [],
        "Region": None,
        "Email_Opt_Out": True,
    }

    outcomes = list(zoho.send("contacts", [update(1, **values), update(2, action="a2", First_Name="Ana")]))

    assert statuses(outcomes) == ["done", "done"]
    assert sent(route) == {
        "data": [
            {
                "id": key(1),
                # A text stays one whatever it looks like, an id too; a reference to nobody is emptied.
                "Last_Name": "123",
                "Account_Name": {"id": "5545974000000220001"},
                "Owner": None,
                "CX_NPS_Score": 9,
                "Revenue": Decimal("10.50"),
                "CX_NPS_Answered": "2026-11-22T17:44:05+00:00",
                "Interests": None,
                "Region": None,
                "Email_Opt_Out": True,
            },
            {"id": key(2), "First_Name": "Ana"},
        ],
        "trigger": [],
    }


def test_what_an_activity_is_about_is_written_as_a_module(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    router.get(FIELDS).mock(return_value=catalogue(field("What_Id", "lookup")))
    route = router.put(f"{V8}/Tasks").mock(side_effect=all_done)

    list(zoho.send("tasks", [update(1, What_Id={"id": "77"}, **{"$se_module": "accounts"})]))

    assert sent(route)["data"] == [{"id": key(1), "What_Id": {"id": "77"}, "$se_module": "Accounts"}]


def test_automation_that_the_file_allows_runs(router: respx.MockRouter) -> None:
    route = router.put(CONTACTS).mock(side_effect=all_done)

    list(connect(trigger=["workflow", "approval"]).send("contacts", [update(1, First_Name="Ana")]))

    assert sent(route)["trigger"] == ["workflow", "approval"]


def test_a_create_with_the_hubs_id_is_an_upsert_by_that_field_alone(
    router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    row = success("9", action="insert", duplicate_field=None)
    route = router.post(UPSERT).mock(return_value=results(row))

    [outcome] = zoho.send("contacts", [create(hub_id="h-1", Last_Name="Lind", Email="mara@nordwerk.example")])

    assert (outcome.status, outcome.key, outcome.version) == ("done", "9", "2026-11-23T11:00:00+01:00")
    assert outcome.values is None, "the answer carries none: the hub reads it back"
    assert sent(route)["duplicate_check_fields"] == ["Crosswalk_Id"]
    assert sent(route)["data"][0]["Crosswalk_Id"] == "h-1"


def test_a_create_without_it_is_an_insert(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = router.post(CONTACTS).mock(return_value=results(success("9"), status=201))

    assert statuses(list(zoho.send("contacts", [create(Last_Name="Lind")]))) == ["done"]
    assert "duplicate_check_fields" not in sent(route)


def test_a_hub_id_that_may_be_there_twice_finds_no_record_again(router: respx.MockRouter) -> None:
    rows = [row if row["api_name"] != "Crosswalk_Id" else {**row, "unique": {}} for row in CATALOGUE]
    router.get(FIELDS).mock(return_value=catalogue(*rows))
    route = router.post(CONTACTS).mock(return_value=results(success("9"), status=201))

    assert statuses(list(connect().send("contacts", [create(hub_id="h-1", Last_Name="Lind")]))) == ["done"]
    assert sent(route)["data"][0]["Crosswalk_Id"] == "h-1"


def test_a_hundred_records_a_call_and_a_credit_for_each_ten(router: respx.MockRouter) -> None:
    route = router.put(CONTACTS).mock(side_effect=all_done)
    bench = Bench()
    writes = [update(number, action=f"a{number}", First_Name="x") for number in range(1, 112)]

    outcomes = list(connect(bench).send("contacts", writes))

    assert [(outcome.action, outcome.key) for outcome in outcomes] == [(write.action, write.key) for write in writes]
    assert [len(json.loads(call.request.content)["data"]) for call in route.calls] == [100, 11]
    assert bench.budget.taken["write"] == 10 + 2


def test_a_field_that_zoho_would_ignore_is_refused_and_the_others_go(
    router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    route = router.put(CONTACTS).mock(side_effect=all_done)

    gone, done = zoho.send("contacts", [update(1, Gone="x"), update(2, action="a2", First_Name="x")])

    assert (gone.status, "Gone" in gone.reason, done.status) == ("rejected", True, "done")
    assert len(sent(route)["data"]) == 1


def test_the_catalogue_is_looked_at_again_every_ten_minutes(router: respx.MockRouter) -> None:
    fields = router.get(FIELDS).mock(return_value=catalogue())
    router.put(CONTACTS).mock(side_effect=all_done)
    bench = Bench()
    zoho = connect(bench)

    for minutes in (0, 9, 9):
        bench.clock.now += timedelta(minutes=minutes)
        list(zoho.send("contacts", [update(1, First_Name="x")]))

    assert fields.call_count == 2


def test_users_are_not_written(zoho: ZohoConnector) -> None:
    with pytest.raises(SetupError):
        list(zoho.send("users", [Write("a1", "update", "1", None, {}, None)]))


# what became of it


@pytest.mark.parametrize("status", [207, 200])
def test_each_record_has_its_own_outcome(status: int, router: respx.MockRouter, zoho: ZohoConnector) -> None:
    twin = {"module": {"api_name": "Contacts"}, "id": "225014", "Owner": {"name": "Ana Ruiz", "id": "1"}}
    nested = [fault("INVALID_DATA", api_name="Email", expected_data_type="email"),
              fault("DUPLICATE_DATA", api_name="Crosswalk_Id", duplicate_record={"id": "225015"})]  # fmt: skip
    rows = [
        success(key(1)),
        fault("MANDATORY_NOT_FOUND", api_name="Last_Name", json_path="$.data[1].Last_Name"),
        fault("DUPLICATE_DATA", api_name="Email", id="225014", duplicate_record=twin),
        fault("MULTIPLE_OR_MULTI_ERRORS", errors=nested),
        fault("INVALID_DATA", api_name="First_Name", maximum_length=40),
        fault("RECORD_LOCKED", id=key(6)),
        fault("NOT_ALLOWED", id=key(7)),
        fault("ALREADY_MODIFIED", id=key(8), Modified_Time="2026-11-23T11:00:00+01:00"),
        fault("TOO_MANY_REQUESTS"),
        fault("INTERNAL_ERROR"),
        fault("EXPECTED_FIELD_MISSING", expected_fields=[{"api_name": "Region"}, {"api_name": "Owner"}]),
    ]
    router.put(CONTACTS).mock(return_value=results(*rows, status=status))
    writes = [update(number, action=f"a{number}", First_Name="x") for number in range(1, len(rows) + 1)]

    outcomes = list(zoho.send("contacts", writes))

    assert [outcome.action for outcome in outcomes] == [write.action for write in writes]
    assert [(outcome.status, outcome.reason.partition(": ")[0]) for outcome in outcomes] == [
        ("done", ""),
        ("rejected", "refused, MANDATORY_NOT_FOUND"),
        ("rejected", "refused, DUPLICATE_DATA"),
        ("rejected", "refused, INVALID_DATA"),
        ("rejected", "refused, INVALID_DATA"),
        ("rejected", "refused, RECORD_LOCKED"),
        ("rejected", "refused, NOT_ALLOWED"),
        ("moved", "it was edited there in the meantime"),
        ("later", "refused, TOO_MANY_REQUESTS"),
        ("unknown", "refused, INTERNAL_ERROR"),
        ("rejected", "refused, EXPECTED_FIELD_MISSING"),
    ]
    assert [outcomes[number].reason.partition(": ")[2] for number in (1, 2, 4, 10)] == [
        "Last Name",
        "Email, record 225014 has it",
        "First Name, at most 40 characters",
        "Region, Owner",
    ]
    assert outcomes[3].reason == (
        "refused, INVALID_DATA: Email, expects email; refused, DUPLICATE_DATA: Crosswalk Id, record 225015 has it"
    )


@pytest.mark.parametrize("count", [1, 2])
def test_where_all_were_refused_each_has_its_reason(count: int, router: respx.MockRouter, zoho: ZohoConnector) -> None:
    rows = [fault("MANDATORY_NOT_FOUND", api_name="Last_Name"), fault("NO_PERMISSION", id="1")][-count:]
    router.post(CONTACTS).mock(return_value=results(*rows, status=400))

    outcomes = list(zoho.send("contacts", [create(action=f"a{n}", First_Name="x") for n in range(count)]))

    assert statuses(outcomes) == ["rejected"] * count
    assert "NO_PERMISSION" in outcomes[-1].reason


def test_a_record_of_somebody_elses_is_that_records_refusal(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    router.put(CONTACTS).mock(return_value=results(fault("NO_PERMISSION", id="1"), status=403))

    assert statuses(list(zoho.send("contacts", [update(1, First_Name="x")]))) == ["rejected"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_missing_scope_stops_them_all(wrapped: bool, router: respx.MockRouter, zoho: ZohoConnector) -> None:
    answer = refused(401, "OAUTH_SCOPE_MISMATCH")
    router.put(CONTACTS).mock(return_value=results(answer.json(), status=401) if wrapped else answer)

    with pytest.raises(GrantError):
        list(zoho.send("contacts", [update(1, First_Name="x")]))


def test_a_call_that_is_refused_as_a_whole_does_not_say_which_record_is_the_cause(
    router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    router.put(CONTACTS).mock(return_value=refused(400, "INVALID_DATA", expected_data_type="jsonarray"))

    with pytest.raises(RecordError, match="INVALID_DATA"):
        list(zoho.send("contacts", [update(n, action=f"a{n}", First_Name="x") for n in range(2)]))


def test_a_reason_quotes_nothing_that_zoho_says_of_the_record(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    row = {
        "code": "INVALID_DATA", "status": "error", "message": "mara@nordwerk.example is no date",
        "details": {"api_name": "mara@nordwerk.example", "expected_data_type": "date, got mara@nordwerk.example",
                    "duplicate_record": {"id": "mara@nordwerk.example"}},
    }  # fmt: skip
    router.put(CONTACTS).mock(return_value=results(row, status=400))

    [outcome] = zoho.send("contacts", [update(1, First_Name="x")])

    assert outcome.reason == "refused, INVALID_DATA"


def test_once_zoho_asks_us_to_wait_the_rest_is_left_for_later(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = router.put(CONTACTS).mock(side_effect=[refused(429, "TOO_MANY_REQUESTS")] * 4)
    writes = [update(number, action=f"a{number}", First_Name="x") for number in range(101)]

    outcomes = list(zoho.send("contacts", writes))

    assert set(statuses(outcomes)) == {"later"}
    assert route.call_count == 4  # the first hundred were tried four times, the last one not at all


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(502), id="a-gateway"),
        pytest.param(httpx.ReadTimeout("no answer"), id="no-answer"),
        pytest.param(httpx.Response(200, text="<html>"), id="a-web-page"),
        pytest.param(httpx.Response(200, json={"code": "SUCCESS"}), id="no-rows"),
        pytest.param(results(), id="too-few-rows"),
        pytest.param(results(success("")), id="no-id"),
    ],
)
def test_what_nobody_answered_is_unknown(answer: Any, router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = router.post(UPSERT).mock(side_effect=[answer])

    assert statuses(list(zoho.send("contacts", [create(hub_id="h-1", Last_Name="Lind")]))) == ["unknown"]
    assert route.call_count == 1


def test_a_batch_whose_answer_is_lost_leaves_the_next_ones_alone(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    router.put(CONTACTS).mock(side_effect=[httpx.ReadTimeout("no answer"), results(success(key(100)))])
    writes = [update(number, action=f"a{number}", First_Name="x") for number in range(101)]

    outcomes = list(zoho.send("contacts", writes))

    assert (statuses(outcomes)[:100], outcomes[100].status) == (["unknown"] * 100, "done")


# what somebody edits between the last reading and the write


def fetched(router: respx.MockRouter, zoho: ZohoConnector, *numbers: int) -> None:
    router.get(CONTACTS).mock(return_value=listed(*(contact(number) for number in numbers)))
    list(zoho.fetch("contacts", [key(number) for number in numbers]))


def test_an_update_says_since_when_it_must_not_have_been_edited(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = router.put(CONTACTS).mock(side_effect=all_done)
    fetched(router, zoho, 1, 2)

    list(zoho.send("contacts", [update(n, action=f"a{n}", First_Name="x") for n in (1, 2)]))

    # The time of the vendor's own clock at which they were fetched; our own write has changed them since.
    assert route.calls.last.request.headers["if-unmodified-since"] == "2026-11-23T10:00:00+00:00"
    list(zoho.send("contacts", [update(1, First_Name="y")]))
    assert "if-unmodified-since" not in route.calls.last.request.headers


@pytest.mark.parametrize("conditional", [True, False])
def test_what_was_not_fetched_or_need_not_is_written_whatever_it_is(
    conditional: bool, router: respx.MockRouter
) -> None:
    zoho = connect(conditional_updates=conditional)
    updates = router.put(CONTACTS).mock(side_effect=all_done)
    creates = router.post(CONTACTS).mock(side_effect=all_done)
    fetched(router, zoho, *((1,) if conditional else (1, 2)))

    list(zoho.send("contacts", [update(n, action=f"a{n}", First_Name="x") for n in (1, 2)]))
    list(zoho.send("contacts", [create(Last_Name="Lind")]))

    assert "if-unmodified-since" not in updates.calls.last.request.headers
    assert "if-unmodified-since" not in creates.calls.last.request.headers


def test_one_that_was_edited_is_planned_anew_and_the_others_are_written(
    router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    """As it is described: one row, of the record whose edit refused the whole call."""
    edited = [results(fault("ALREADY_MODIFIED", id=key(number)), status=412) for number in (2, 3)]
    route = router.put(CONTACTS).mock(side_effect=[*edited, results(success(key(1)), success(key(4)))])
    fetched(router, zoho, 1, 2, 3, 4)

    outcomes = list(zoho.send("contacts", [update(n, action=f"a{n}", First_Name="x") for n in (1, 2, 3, 4)]))

    assert [(one.action, one.status) for one in outcomes] == [
        ("a1", "done"),
        ("a2", "moved"),
        ("a3", "moved"),
        ("a4", "done"),
    ]
    assert [row["id"] for row in sent(route)["data"]] == [key(1), key(4)]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(results(fault("ALREADY_MODIFIED", id="of nobody here"), status=412), id="another-record"),
        pytest.param(results(fault("ALREADY_MODIFIED"), status=412), id="no-record"),
        pytest.param(httpx.Response(412), id="no-body"),
        pytest.param(results(*[fault("ALREADY_MODIFIED", id="1")] * 2, status=412), id="a-row-for-each"),
    ],
)
def test_where_it_is_not_told_which_was_edited_all_are_planned_anew(
    answer: httpx.Response, router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    route = router.put(CONTACTS).mock(return_value=answer)
    fetched(router, zoho, 1, 2)

    outcomes = list(zoho.send("contacts", [update(n, action=f"a{n}", First_Name="x") for n in (1, 2)]))

    assert (statuses(outcomes), route.call_count) == (["moved", "moved"], 1)


# did it arrive?


def test_a_create_is_found_by_the_hubs_id_among_the_newest(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    newest = router.get(CONTACTS).mock(return_value=listed(contact(2), contact(1, Crosswalk_Id="h-1"), token="t"))
    search = router.get(f"{CONTACTS}/search")

    found = zoho.find("contacts", create(hub_id="h-1", Last_Name="Lind"))

    assert [record.key for record in found] == [key(1)]
    asked = newest.calls.last.request.url.params
    assert (asked["sort_by"], asked["sort_order"], search.called) == ("Created_Time", "desc", False)


def test_an_older_create_is_searched_by_the_hubs_id_exactly(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    router.get(CONTACTS).mock(return_value=listed(contact(5, Email=None), token="t"))
    rows = [contact(1, Crosswalk_Id="h-1"), contact(2, Crosswalk_Id="h-11")]
    search = router.get(f"{CONTACTS}/search").mock(return_value=listed(*rows))

    found = zoho.find("contacts", create(hub_id="h-1", Last_Name="Lindqvist"))

    assert [record.key for record in found] == [key(1)]
    assert search.calls.last.request.url.params["criteria"] == "(Crosswalk_Id:equals:h-1)"


def test_without_a_hub_id_a_person_is_found_by_the_address(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    router.get(CONTACTS).mock(return_value=listed(contact(5), token="t"))
    search = router.get(f"{CONTACTS}/search").mock(return_value=listed(contact(1), contact(2)))

    found = zoho.find("contacts", create(Last_Name="Lind", Email="P1@Nordwerk.example"))

    assert [record.key for record in found] == [key(1)]
    assert search.calls.last.request.url.params["email"] == "P1@Nordwerk.example"


def test_a_namesake_is_no_proof(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    other = {"name": "Other", "id": "9"}
    rows = [contact(1, Email=None), contact(2, Email=None, Account_Name=other)]
    router.get(CONTACTS).mock(return_value=listed(*rows, token="t"))
    search = router.get(f"{CONTACTS}/search")
    wanted = create(First_Name="mara", Last_Name="Lind ", Account_Name={"id": 9})

    assert [record.key for record in zoho.find("contacts", wanted)] == [key(2)]
    assert zoho.find("contacts", create(Last_Name="Lindqvist")) == []
    assert not search.called


def test_a_company_is_searched_by_its_name_with_what_is_special_in_it(
    router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    router.get(f"{V8}/Accounts").mock(return_value=listed(contact(1), token="t"))
    search = router.get(f"{V8}/Accounts/search").mock(return_value=nothing())

    assert zoho.find("accounts", create(Account_Name="Nord (Werk), GmbH")) == []
    assert search.calls.last.request.url.params["criteria"] == r"(Account_Name:equals:Nord \(Werk\)\, GmbH)"


def test_a_list_that_is_all_there_is_needs_no_search(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    router.get(CONTACTS).mock(return_value=listed(contact(1)))
    search = router.get(f"{CONTACTS}/search")

    assert zoho.find("contacts", create(hub_id="h-1", Last_Name="Ito")) == []
    assert not search.called


def test_somebodys_record_with_the_same_address_is_told_beside_a_hub_id_that_nobody_carries(
    router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    router.get(CONTACTS).mock(return_value=listed(contact(1)))

    found = zoho.find("contacts", create(hub_id="h-1", Last_Name="Lind", Email="p1@nordwerk.example"))

    assert [record.key for record in found] == [key(1)]
