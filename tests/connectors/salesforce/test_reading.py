"""Pages of Salesforce become records: none lost, whatever becomes of a cursor."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx

from connectors.salesforce.connector import SalesforceConnector
from connectors.sdk import GrantError, LaterError, Page, ShapeError, Window
from connectors.sdk.fakes import START, Bench
from tests.connectors.salesforce.api import (
    ACCOUNT,
    CONTACT,
    DATE,
    EVERYTHING,
    HEAT,
    PERSON_ACCOUNT,
    QUERY,
    ROOT,
    SEGMENTS,
    Queries,
    connect,
    contact,
    counted,
    describes,
    field,
    key,
    listed,
    refused,
    soql,
)

SINCE = datetime(2026, 11, 1, 7, 15, 2, 900_000, tzinfo=UTC)


@pytest.fixture
def salesforce() -> SalesforceConnector:
    return connect()


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


def stamp(second: int) -> str:
    return f"2026-11-01T07:15:{second:02}.000+0000"


@respx.mock
def test_changes_come_ordered_by_stamp_and_id_from_the_bound_on(salesforce: SalesforceConnector) -> None:
    describes()
    queries = Queries(lambda _: listed(contact(1), contact(2)))

    pages = list(salesforce.pull("contacts", Window("", SINCE)))

    assert keys(pages) == [key(1), key(2)]
    [text] = queries.asked
    assert text.startswith("SELECT Id,IsDeleted,CreatedDate,SystemModstamp,")
    assert text.endswith(" FROM Contact WHERE SystemModstamp >= 2026-11-01T07:15:02.900Z ORDER BY SystemModstamp, Id")
    assert queries.requests[0].headers["Sforce-Query-Options"] == "batchSize=2000"
    assert pages[-1].position is None
    assert pages[0].server_time == START


@respx.mock
def test_what_is_put_together_of_others_or_fleeting_is_not_asked_for(salesforce: SalesforceConnector) -> None:
    describes()
    queries = Queries(lambda _: listed())

    list(salesforce.pull("contacts", Window("", SINCE)))

    assert "Account.Name" in queries.asked[0]
    assert "MailingCity" in queries.asked[0]
    assert "MailingAddress" not in queries.asked[0]
    assert "LastViewedDate" not in queries.asked[0]


@respx.mock
def test_an_operator_leaves_fields_out() -> None:
    describes()
    queries = Queries(lambda _: listed())
    stream = SalesforceConnector.stream_settings.model_validate({"leave_out": ["Email"]})

    list(connect(streams={"contacts": stream}).pull("contacts", Window("", SINCE)))

    assert "Email" not in queries.asked[0].split(" FROM ")[0].replace("HasOptedOutOfEmail", "").split(",")


@respx.mock
def test_a_record_carries_plain_values(salesforce: SalesforceConnector) -> None:
    describes()
    Queries(lambda _: listed(contact(501, LastName="Zoë 👋", **{SEGMENTS: None})))

    [page] = salesforce.pull("contacts", Window("", SINCE))

    [record] = page.records
    assert (record.key, record.version) == (key(501), "2026-11-01T07:15:02.000+0000")
    assert record.modified == datetime(2026, 11, 1, 7, 15, 2, tzinfo=UTC)
    assert record.values["LastName"] == "Zoë 👋"
    assert record.values["Account"] == {"Name": "Nordwerk GmbH"}
    assert record.values[SEGMENTS] is None
    assert record.values["AccountId:stream"] == "accounts"
    assert "attributes" not in record.values


@respx.mock
def test_choices_are_a_list(salesforce: SalesforceConnector) -> None:
    describes()
    Queries(lambda _: listed(contact(1)))

    [page] = salesforce.pull("contacts", Window("", SINCE))

    assert page.records[0].values[SEGMENTS] == ["SMB", "EMEA"]


@respx.mock
def test_a_query_is_read_through_its_cursor(salesforce: SalesforceConnector) -> None:
    describes()
    Queries(lambda _: listed(contact(1), more="0r8-2000", total=3))
    rest = respx.get(f"{QUERY}/0r8-2000").mock(return_value=listed(contact(2), contact(3), total=3))

    pages = list(salesforce.pull("contacts", Window("", SINCE)))

    assert keys(pages) == [key(1), key(2), key(3)]
    assert rest.call_count == 1
    assert [page.position for page in pages] == [
        {"since": "2026-11-01T07:15:02.900Z", "after": [stamp(2), key(1)], "total": None},
        None,
    ]


@respx.mock
def test_a_lost_cursor_costs_a_query_from_the_last_record_on(salesforce: SalesforceConnector) -> None:
    describes()
    after = "((SystemModstamp = 2026-11-01T07:15:02.000Z AND Id > '003XX0000000001AAA') OR SystemModstamp > "
    queries = Queries(
        lambda text: listed(contact(2)) if after in text else listed(contact(1), more="0r8-2000", total=2)
    )
    respx.get(f"{QUERY}/0r8-2000").mock(return_value=refused(400, "INVALID_QUERY_LOCATOR"))

    pages = list(salesforce.pull("contacts", Window("", SINCE)))

    assert keys(pages) == [key(1), key(2)]
    assert len(queries.asked) == 2


@respx.mock
def test_a_cursor_that_is_lost_at_once_again_is_an_error(salesforce: SalesforceConnector) -> None:
    describes()
    unreadable = contact(1, SystemModstamp="0000-00-00T00:00:00.000+0000")
    Queries(lambda _: listed(unreadable, more="0r8-2000", total=2))
    respx.get(f"{QUERY}/0r8-2000").mock(return_value=refused(400, "INVALID_QUERY_LOCATOR"))

    with pytest.raises(ShapeError):
        list(salesforce.pull("contacts", Window("", SINCE)))


@respx.mock
def test_a_window_goes_on_behind_the_last_record(salesforce: SalesforceConnector) -> None:
    describes()
    queries = Queries(lambda _: listed(contact(2)))
    position = {"since": "2026-10-01T00:00:00.000Z", "after": [stamp(2), key(1)]}

    list(salesforce.pull("contacts", Window("", SINCE, position)))

    assert (
        "WHERE ((SystemModstamp = 2026-11-01T07:15:02.000Z AND Id > '003XX0000000001AAA') "
        "OR SystemModstamp > 2026-11-01T07:15:02.000Z) ORDER BY" in queries.asked[0]
    )


@respx.mock
def test_a_record_that_changes_while_its_query_is_read_does_not_move_the_place(salesforce: SalesforceConnector) -> None:
    """Its new stamp stands behind all the rest of the query, which would be left out after a crash."""
    describes()
    changed = contact(2, SystemModstamp="2026-11-24T08:00:05.000+0000")
    Queries(lambda _: listed(contact(1), changed, more="0r8-2000", total=3))

    first = next(iter(salesforce.pull("contacts", Window("", SINCE))))

    assert first.position == {"since": "2026-11-01T07:15:02.900Z", "after": [stamp(2), key(1)], "total": None}


@respx.mock
def test_a_list_that_turns_in_a_circle_is_an_error(salesforce: SalesforceConnector) -> None:
    describes()
    Queries(lambda _: listed(contact(1), more="0r8-2000", total=3))
    respx.get(f"{QUERY}/0r8-2000").mock(return_value=listed(contact(2), more="0r8-2000", total=3))

    with pytest.raises(ShapeError, match="circle"):
        list(salesforce.pull("contacts", Window("", SINCE)))


@respx.mock
def test_a_first_reading_is_counted_and_tells_the_count(salesforce: SalesforceConnector) -> None:
    describes()
    queries = Queries(lambda text: counted(2) if "COUNT()" in text else listed(contact(1), contact(2)))

    pages = list(salesforce.pull("contacts", EVERYTHING))

    assert queries.asked[0] == "SELECT COUNT() FROM Contact"
    assert [page.total for page in pages] == [2]
    assert " WHERE " not in queries.asked[1]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"totalSize": 1, "records": []}, id="no-word-of-the-end"),
        pytest.param({"totalSize": 1, "done": False, "records": []}, id="no-next-page"),
        pytest.param({"totalSize": 1, "done": True}, id="no-records"),
        pytest.param({"done": True, "records": []}, id="no-total"),
        pytest.param([], id="a-list"),
    ],
)
@respx.mock
def test_an_answer_without_its_end_is_no_end(salesforce: SalesforceConnector, body: Any) -> None:
    describes()
    Queries(lambda _: httpx.Response(200, json=body, headers={"Date": DATE}))

    with pytest.raises(ShapeError, match="does not know"):
        list(salesforce.pull("contacts", Window("", SINCE)))


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        pytest.param({"Id": None}, "without an Id", id="no-id"),
        pytest.param({"SystemModstamp": "0000-00-00"}, "no date-time", id="no-time"),
        pytest.param({"SystemModstamp": "2026-11-01T07:15:02"}, "no time zone", id="no-zone"),
        pytest.param({"Account": "Nordwerk"}, "does not name", id="another-form"),
    ],
)
@respx.mock
def test_a_row_that_is_no_record_costs_that_row_alone(
    salesforce: SalesforceConnector, broken: dict[str, Any], reason: str
) -> None:
    describes()
    Queries(lambda _: listed(contact(1), contact(2, **broken), contact(3)))

    [page] = salesforce.pull("contacts", Window("", SINCE))

    assert keys([page]) == [key(1), key(3)]
    assert page.records[0].values[SEGMENTS] == ["SMB", "EMEA"]
    [fault] = page.faults
    assert reason in fault.reason


@respx.mock
def test_a_field_that_is_gone_since_it_was_described_costs_one_look(salesforce: SalesforceConnector) -> None:
    lacking = tuple(one for one in CONTACT if one["name"] != "Email")
    routes = describes()

    def answer(text: str) -> httpx.Response:
        if ",Email," not in text:
            return listed(contact(1))
        routes["Contact"].mock(return_value=httpx.Response(200, json={"fields": list(lacking)}))
        return refused(400, "INVALID_FIELD", "No such column 'Email' on entity 'Contact'")

    queries = Queries(answer)

    assert keys(list(salesforce.pull("contacts", Window("", SINCE)))) == [key(1)]
    assert len(queries.asked) == 2


@respx.mock
def test_a_query_too_long_for_an_address_goes_in_a_body(salesforce: SalesforceConnector) -> None:
    many = tuple(field(f"A_field_of_a_package_with_a_long_name_{number}__c") for number in range(400))
    describes(Contact=(*CONTACT, *many))
    batch = respx.post(f"{ROOT}/composite/batch").mock(
        return_value=httpx.Response(
            200,
            json={
                "hasErrors": False,
                "results": [{"statusCode": 200, "result": {"totalSize": 1, "done": True, "records": [contact(1)]}}],
            },
            headers={"Date": DATE},
        )
    )

    assert keys(list(salesforce.pull("contacts", Window("", SINCE)))) == [key(1)]
    sent = batch.calls.last.request
    assert b'"url":"v66.0/query?q=SELECT+Id,' in sent.content


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        pytest.param(400, "MALFORMED_QUERY", ShapeError, id="our-mistake"),
        pytest.param(503, "SERVER_UNAVAILABLE", LaterError, id="down"),
        pytest.param(403, "REQUEST_LIMIT_EXCEEDED", LaterError, id="calls-used-up"),
    ],
)
@respx.mock
def test_a_refusal_within_a_body_is_one(
    salesforce: SalesforceConnector, status: int, code: str, raised: type[Exception]
) -> None:
    many = tuple(field(f"A_field_of_a_package_with_a_long_name_{number}__c") for number in range(400))
    describes(Contact=(*CONTACT, *many))
    result = [{"errorCode": code, "message": "s3cr3t"}]
    respx.post(f"{ROOT}/composite/batch").respond(
        json={"hasErrors": True, "results": [{"statusCode": status, "result": result}]}
    )

    with pytest.raises(raised) as caught:
        list(salesforce.pull("contacts", Window("", SINCE)))

    assert "s3cr3t" not in str(caught.value)


# Fields that change without a trace.


@respx.mock
def test_streams_with_formulas_have_a_second_part(salesforce: SalesforceConnector) -> None:
    describes()

    assert salesforce.parts("contacts") == ["", "calculated"]
    assert salesforce.parts("tasks") == [""]
    assert salesforce.parts("users") == [""]


@respx.mock
def test_the_second_part_waits_where_everything_has_just_been_read(salesforce: SalesforceConnector) -> None:
    describes()

    [page] = salesforce.pull("contacts", Window("calculated", None))

    assert (page.records, page.position, page.server_time, page.total) == ([], None, START, 0)


@respx.mock
def test_the_second_part_rests_until_it_is_due(salesforce: SalesforceConnector) -> None:
    describes()

    [page] = salesforce.pull("contacts", Window("calculated", START - timedelta(hours=23)))

    # Without a time the watermark stays where the last reading put it.
    assert (page.records, page.position, page.server_time) == ([], None, None)


@respx.mock
def test_the_second_part_reads_the_whole_stream_when_it_is_due(salesforce: SalesforceConnector) -> None:
    describes()
    queries = Queries(lambda text: counted(1) if "COUNT()" in text else listed(contact(1, **{HEAT: 0.75})))

    pages = list(salesforce.pull("contacts", Window("calculated", START - timedelta(hours=25))))

    assert " WHERE " not in queries.asked[-1]
    assert str(pages[-1].records[0].values[HEAT]) == "0.75"


# By key, and every key.


@respx.mock
def test_records_are_fetched_by_their_keys(salesforce: SalesforceConnector) -> None:
    describes()
    queries = Queries(lambda _: listed(contact(2)))

    assert keys(list(salesforce.fetch("contacts", [key(2), key(3)]))) == [key(2)]
    assert queries.asked[0].endswith("WHERE Id IN ('003XX0000000002AAA','003XX0000000003AAA')")


@respx.mock
def test_keys_are_counted(salesforce: SalesforceConnector) -> None:
    describes()
    Queries(lambda _: listed({"Id": key(1)}, more="0r8-2000", total=2))
    respx.get(f"{QUERY}/0r8-2000").mock(return_value=listed({"Id": key(2)}, total=2))

    assert [one for some in salesforce.keys("contacts") for one in some] == [key(1), key(2)]


@respx.mock
def test_a_list_of_keys_that_is_short_of_its_count_proves_nothing(salesforce: SalesforceConnector) -> None:
    describes()
    queries = Queries(lambda _: listed({"Id": key(1)}, total=2))

    with pytest.raises(ShapeError, match="1 of 2"):
        list(salesforce.keys("contacts"))

    assert len(queries.asked) == 4


# Person accounts.


@respx.mock
def test_contacts_that_are_accounts_are_left_to_the_accounts(salesforce: SalesforceConnector) -> None:
    describes(Contact=(*CONTACT, PERSON_ACCOUNT))
    queries = Queries(lambda _: listed())

    list(salesforce.pull("contacts", Window("", SINCE)))

    assert "WHERE IsPersonAccount = false AND SystemModstamp >= " in queries.asked[0]


@respx.mock
def test_person_accounts_that_are_not_to_be_seen_are_not_taken_for_deleted(salesforce: SalesforceConnector) -> None:
    describes()

    for ask in (
        lambda: salesforce.pull("person_accounts", EVERYTHING),
        lambda: salesforce.keys("person_accounts"),
        lambda: salesforce.fetch("person_accounts", ["001Hs0000010001IAA"]),
        lambda: salesforce.removals("person_accounts", EVERYTHING),
    ):
        with pytest.raises(GrantError, match="no person accounts: Account has no IsPersonAccount"):
            list(ask())
    assert salesforce.fields("person_accounts")


@respx.mock
def test_a_deal_tells_whether_its_account_is_a_person() -> None:
    describes(Account=(*ACCOUNT, PERSON_ACCOUNT))
    row = {
        "attributes": {}, "Id": key(1, "006"), "SystemModstamp": stamp(2), "AccountId": key(7, "001"),
        "Account": {"attributes": {}, "IsPersonAccount": True}, "RecordType": None,
    }  # fmt: skip
    queries = Queries(lambda _: listed(row, {**row, "Account": {"IsPersonAccount": False}}))

    [page] = connect().pull("opportunities", Window("", SINCE))

    assert "Account.IsPersonAccount" in queries.asked[0]
    assert "RecordType.DeveloperName" in queries.asked[0]
    assert [one.values["AccountId:stream"] for one in page.records] == ["person_accounts", "accounts"]


@respx.mock
def test_a_reference_tells_its_stream_by_its_key(salesforce: SalesforceConnector) -> None:
    describes()
    row = {
        "Id": key(1, "00T"), "SystemModstamp": stamp(2), "WhoId": key(2, "00Q"), "WhatId": key(3, "006"),
        "OwnerId": key(4, "00G"),
    }  # fmt: skip
    Queries(lambda _: listed(row, {**row, "WhoId": key(5), "WhatId": key(6, "501"), "OwnerId": None}))

    [page] = salesforce.pull("tasks", Window("", SINCE))

    told = [[one.values[f"{name}:stream"] for name in ("WhoId", "WhatId", "OwnerId")] for one in page.records]
    assert told == [["leads", "opportunities", "groups"], ["contacts", None, None]]


# Access and limits.


@respx.mock
def test_an_object_that_is_not_for_us_is_a_permission(salesforce: SalesforceConnector) -> None:
    respx.get(f"{ROOT}/sobjects/Contact/describe").mock(return_value=refused(404, "NOT_FOUND"))

    with pytest.raises(GrantError, match="may not read Contact"):
        list(salesforce.pull("contacts", EVERYTHING))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "CW303", id="of-the-day"),
        pytest.param(refused(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded."), "CW302", id="now"),
        pytest.param(refused(503, "SERVER_UNAVAILABLE"), "CW302", id="down"),
        pytest.param(httpx.Response(503, text="<html>maintenance</html>"), "CW302", id="a-web-page"),
    ],
)
@respx.mock
def test_a_limit_is_no_missing_permission(salesforce: SalesforceConnector, answer: httpx.Response, code: str) -> None:
    describes()
    Queries(lambda _: answer)

    with pytest.raises(LaterError) as caught:
        list(salesforce.pull("contacts", Window("", SINCE)))

    assert caught.value.code == code


@respx.mock
def test_what_is_left_of_the_calls_goes_to_the_budget() -> None:
    describes()
    Queries(lambda _: listed(headers={"Sforce-Limit-Info": "api-usage=10018/100000; api-bursts=1/750"}))
    bench = Bench()

    list(connect(bench).pull("contacts", Window("", SINCE)))

    assert [left for left, _ in bench.budget.reports] == [14982, 89982]


@respx.mock
def test_a_vendor_that_says_nothing_of_its_limits_is_read_too(salesforce: SalesforceConnector) -> None:
    describes()
    Queries(lambda _: httpx.Response(200, json={"totalSize": 0, "done": True, "records": []}))

    [page] = salesforce.pull("contacts", Window("", SINCE))

    assert page.server_time is None


@respx.mock
def test_a_query_says_who_asks(salesforce: SalesforceConnector) -> None:
    describes()
    queries = Queries(lambda _: listed())

    list(salesforce.pull("contacts", Window("", SINCE)))

    [request] = queries.requests
    assert request.headers["Authorization"] == "Bearer token-1"
    assert request.headers["Sforce-Call-Options"] == "client=crosswalk"
    assert "%2C" not in str(request.url)
    assert soql(request).count(" ") > 3
