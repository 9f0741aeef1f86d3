"""Pages of Zoho become records: none lost, none doubled for long, whatever the lists do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx

from connectors.sdk import GrantError, LaterError, Page, ShapeError, Window
from connectors.sdk.fakes import Bench
from connectors.zoho.connector import Row, ZohoConnector
from connectors.zoho.lists import bound
from connectors.zoho.settings import ZohoStream
from tests.connectors.zoho.api import (
    CONTACTS,
    DATE,
    EVERYTHING,
    FIELDS,
    V8,
    catalogue,
    connect,
    contact,
    field,
    key,
    listed,
    nothing,
    refused,
)

SINCE = datetime(2026, 11, 1, 7, 15, 2, 900_000, tzinfo=UTC)
BEGAN = datetime(2026, 11, 1, 7, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as running:
        running.get(FIELDS).mock(return_value=catalogue())
        yield running


@pytest.fixture
def zoho() -> ZohoConnector:
    return connect()


def contacts(router: respx.MockRouter, *answers: Any) -> respx.Route:
    return router.get(CONTACTS).mock(side_effect=list(answers))


def asked(route: respx.Route) -> list[tuple[str | None, str | None]]:
    """From when on and by which token each page was asked for."""
    return [
        (call.request.headers.get("if-modified-since"), call.request.url.params.get("page_token"))
        for call in route.calls
    ]


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


def spread(first: int, count: int) -> list[dict[str, Any]]:
    """Contacts that were edited a minute apart."""
    return [
        contact(number, updated=(BEGAN + timedelta(minutes=number)).isoformat())
        for number in range(first, first + count)
    ]


def tied(first: int, count: int, *, at: datetime = BEGAN) -> list[dict[str, Any]]:
    return [contact(number, updated=at.isoformat()) for number in range(first, first + count)]


# the walk


def test_the_first_page_is_asked_for_whole_and_oldest_change_first(
    router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    route = contacts(router, listed(contact(1)))

    [page] = zoho.pull("contacts", EVERYTHING)

    query = dict(route.calls.last.request.url.params)
    names = query.pop("fields").split(",")
    assert query == {"per_page": "200", "sort_by": "Modified_Time", "sort_order": "asc"}
    assert {"Modified_Time", "Email", "Account_Name", "Crosswalk_Id"} < set(names)
    assert "if-modified-since" not in route.calls.last.request.headers
    assert (page.position, page.server_time) == (None, datetime(2026, 11, 23, 10, tzinfo=UTC))


def test_a_record_carries_key_stamp_and_the_row_as_it_is(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    row = contact(1, Last_Name="Zoë 👋", Interests=None)
    contacts(router, listed(row))

    [page] = zoho.pull("contacts", EVERYTHING)

    [record] = page.records
    assert (record.key, record.version) == (key(1), "2026-11-01T08:15:02+01:00")
    assert record.modified == datetime(2026, 11, 1, 7, 15, 2, tzinfo=UTC)
    assert record.values == row


def test_a_first_reading_says_how_many_there_are(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    contacts(router, *[answer for _ in range(2) for answer in (listed(*spread(1, 20), token="t"), listed())])
    count = router.get(f"{CONTACTS}/actions/count").mock(return_value=httpx.Response(200, json={"count": 20}))

    first = list(zoho.pull("contacts", EVERYTHING))
    later = list(zoho.pull("contacts", Window(part="", since=BEGAN)))

    assert ([page.total for page in first], [page.total for page in later]) == ([20, 20], [None, None])
    assert count.call_count == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(refused(401, "OAUTH_SCOPE_MISMATCH"), id="no-scope"),
        pytest.param(refused(400, "NOT_SUPPORTED"), id="not-supported"),
        pytest.param(httpx.Response(200, json=[]), id="another-form"),
        pytest.param(nothing(), id="no-body"),
    ],
)
def test_what_cannot_be_counted_is_read_nevertheless(
    answer: httpx.Response, router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    contacts(router, listed(*spread(1, 20), token="t"), listed(*spread(21, 1)))
    router.get(f"{CONTACTS}/actions/count").mock(return_value=answer)

    pages = list(zoho.pull("contacts", EVERYTHING))

    assert (len(set(keys(pages))), {page.total for page in pages}) == (21, {None})


def test_what_is_the_systems_own_is_left_out(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    contacts(router, listed({**contact(1), "$editable": True, "$in_merge": False}))

    [page] = zoho.pull("contacts", EVERYTHING)

    assert page.records[0].values == contact(1)


@pytest.mark.parametrize("more", [{}, {"Description": "$100 a month"}], ids=["usual", "a-text-that-begins-like-one"])
def test_everything_else_stays_as_zoho_has_it(router: respx.MockRouter, zoho: ZohoConnector, more: Row) -> None:
    row = contact(1, Number=12.50, Tags=[{"name": "vip"}], Mobile=None, City="Kraków", **more)
    contacts(router, listed(row, contact(2)))

    [page] = zoho.pull("contacts", EVERYTHING)

    assert [record.values for record in page.records] == [row, contact(2)]
    assert list(page.records[0].values) == list(row)


def test_a_row_without_an_id_costs_that_row_alone(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    contacts(router, listed({**contact(1), "id": None}, contact(2), {**contact(3), "id": ""}))

    [page] = zoho.pull("contacts", EVERYTHING)

    assert (keys([page]), [fault.reason for fault in page.faults]) == ([key(2)], ["a row without an id"] * 2)


def test_the_bound_is_a_second_early_as_nobody_knows_whether_it_is_included(
    router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    route = contacts(router, nothing())

    list(zoho.pull("contacts", Window(part="", since=SINCE)))

    assert asked(route) == [("2026-11-01T07:15:01+00:00", None)]


@pytest.mark.parametrize("status", [204, 304])
def test_nothing_new_is_an_empty_page_and_one_call(status: int, router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = contacts(router, nothing(status))

    [page] = zoho.pull("contacts", Window(part="", since=SINCE))

    assert (page.records, page.position, route.call_count) == ([], None, 1)
    assert page.server_time == datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_the_next_page_begins_at_the_last_stamp_so_that_nothing_slips_through(
    router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    route = contacts(router, listed(*spread(1, 20), token="t2"), listed(*spread(20, 5)))

    pages = list(zoho.pull("contacts", Window(part="", since=BEGAN)))

    assert set(keys(pages)) == {key(number) for number in range(1, 25)}
    assert asked(route) == [("2026-11-01T06:59:59+00:00", None), ("2026-11-01T07:19:59+00:00", None)]
    assert pages[0].position == {
        "since": "2026-11-01T07:19:59+00:00", "token": None, "reached": "2026-11-01T07:19:59+00:00",
    }  # fmt: skip


def test_where_many_have_one_stamp_the_token_is_followed(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = contacts(
        router,
        listed(*tied(1, 20), token="t2"),
        listed(*tied(21, 20), token="t3"),
        listed(*spread(41, 20), token="t4"),
        listed(*spread(61, 2)),
    )

    pages = list(zoho.pull("contacts", Window(part="", since=BEGAN)))

    assert len(set(keys(pages))) == 62
    begun = "2026-11-01T06:59:59+00:00"
    # Once the stamps go on, so does the walk by them.
    assert asked(route) == [(begun, None), (begun, "t2"), (begun, "t3"), ("2026-11-01T07:59:59+00:00", None)]


def test_a_page_that_is_not_in_order_is_no_place_to_go_on_from(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = contacts(router, listed(*reversed(spread(1, 20)), token="t2"), listed(*spread(21, 2)))

    pages = list(zoho.pull("contacts", Window(part="", since=BEGAN)))

    assert len(set(keys(pages))) == 22
    assert asked(route)[1] == ("2026-11-01T06:59:59+00:00", "t2")


@pytest.mark.parametrize(
    "code", ["EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH", "PAGINATION_LIMIT_EXCEEDED", "INVALID_DATA"]
)
def test_a_token_that_is_refused_costs_a_look_back_to_the_last_stamp(
    code: str, router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    late = BEGAN + timedelta(hours=1)
    route = contacts(
        router,
        listed(*tied(1, 2), *tied(3, 20, at=late), token="t2"),
        refused(400, code, param="page_token"),
        listed(*tied(3, 25, at=late)),
    )

    pages = list(zoho.pull("contacts", Window(part="", since=BEGAN)))

    assert len(set(keys(pages))) == 27
    assert asked(route)[2] == ("2026-11-01T07:59:59+00:00", None)


def test_a_token_that_is_refused_again_at_the_same_place_is_an_error(
    router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    bad = refused(400, "EXPIRED_VALUE")
    contacts(router, *[listed(*tied(1, 20), token="t2"), bad] * 2)

    with pytest.raises(ShapeError, match="EXPIRED_VALUE"):
        list(zoho.pull("contacts", Window(part="", since=BEGAN)))


def test_an_interrupted_window_goes_on_with_its_token(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    contacts(router, listed(*tied(1, 20), token="t2"))
    window = Window(part="", since=BEGAN)
    page = next(iter(zoho.pull("contacts", window)))
    route = contacts(router, listed(*tied(21, 3)))

    rest = list(connect().pull("contacts", Window(part="", since=BEGAN, position=page.position)))

    assert keys(rest) == [key(21), key(22), key(23)]
    assert asked(route)[-1] == ("2026-11-01T06:59:59+00:00", "t2")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([listed(more=True)], id="a-page-without-rows"),
        pytest.param([listed(*tied(1, 20), more=True)], id="no-token"),
        pytest.param([listed(*tied(1, 20), token="t"), listed(*tied(21, 20), token="t")], id="the-same-token"),
    ],
)
def test_a_list_that_says_it_goes_on_and_does_not_is_an_error(
    answers: Any, router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    contacts(router, *answers)

    with pytest.raises(ShapeError, match="turns in a circle"):
        list(zoho.pull("contacts", Window(part="", since=BEGAN)))


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(contact(1, updated="0000-00-00T00:00:00+00:00"), id="no-date"),
        pytest.param(contact(1, updated="2026-11-01T08:15:02"), id="no-zone"),
        pytest.param({**contact(1), "id": None}, id="no-id"),
        pytest.param({**contact(1), "id": ""}, id="an-empty-id"),
        pytest.param("x", id="no-object"),
    ],
)
def test_a_row_that_is_no_record_costs_that_row_alone(row: Any, router: respx.MockRouter, zoho: ZohoConnector) -> None:
    contacts(router, listed(row, contact(2)))

    [page] = zoho.pull("contacts", EVERYTHING)

    assert [record.key for record in page.records] == [key(2)]
    [fault] = page.faults
    assert fault.where.startswith("contacts")
    assert "nordwerk" not in fault.reason


def test_converted_leads_are_read_too(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = router.get(f"{V8}/Leads").mock(return_value=listed(contact(1)))

    list(zoho.pull("leads", EVERYTHING))
    list(zoho.fetch("leads", [key(1)]))

    assert [call.request.url.params["converted"] for call in route.calls] == ["both", "both"]


def test_what_an_activity_is_about_reads_as_a_stream(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    rows = [contact(1, **{"$se_module": "Accounts"}), contact(2, **{"$se_module": "Quotes"})]
    router.get(f"{V8}/Tasks").mock(return_value=listed(*rows))

    [page] = zoho.pull("tasks", EVERYTHING)

    assert [record.values["$se_module"] for record in page.records] == ["accounts", "Quotes"]


def test_a_deal_says_what_its_stage_counts_as(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    stages = [{"actual_value": "Gewonnen", "display_value": "Gewonnen", "forecast_type": "Closed Won"}]
    router.get(FIELDS).mock(return_value=catalogue(field("Stage", "picklist", pick_list_values=stages)))
    router.get(f"{V8}/Deals").mock(return_value=listed(contact(1, Stage="Gewonnen"), contact(2, Stage="Neu")))

    [page] = zoho.pull("deals", EVERYTHING)

    assert [record.values["$forecast_type"] for record in page.records] == ["Closed Won", None]


# more than fifty fields


@pytest.fixture
def wide(router: respx.MockRouter) -> respx.Route:
    """A module of sixty fields; the last eleven do not fit into the first question."""
    router.get(FIELDS).mock(return_value=catalogue(*(field(f"F{number}", "text") for number in range(60))))

    def answer(request: httpx.Request) -> httpx.Response:
        names, ids = request.url.params["fields"].split(","), request.url.params.get("ids")
        rows = [contact(number) for number in range(1, 151)]
        rows = rows if ids is None else [row for row in rows if row["id"] in ids.split(",")]
        return listed(
            *({**row, **{name: f"{name} of {row['id']}" for name in names if name[0] == "F"}} for row in rows)
        )

    return router.get(CONTACTS).mock(side_effect=answer)


def test_further_fields_are_joined_by_id_a_hundred_records_a_call(wide: respx.Route, zoho: ZohoConnector) -> None:
    [page] = zoho.pull("contacts", EVERYTHING)

    values = page.records[149].values
    assert (values["F0"], values["F59"]) == (f"F0 of {key(150)}", f"F59 of {key(150)}")
    assert [len(call.request.url.params.get("ids", "").split(",")) for call in wide.calls] == [1, 100, 50]
    assert max(len(call.request.url.params["fields"].split(",")) for call in wide.calls) == 50


def test_a_fetched_record_has_all_its_fields(wide: respx.Route, zoho: ZohoConnector) -> None:
    [page] = zoho.fetch("contacts", [key(7)])

    assert (page.records[0].values["F0"], page.records[0].values["F59"]) == (f"F0 of {key(7)}", f"F59 of {key(7)}")
    assert wide.call_count == 2


def test_of_a_record_that_moved_between_two_questions_the_older_stamp_counts(router: respx.MockRouter) -> None:
    router.get(FIELDS).mock(return_value=catalogue(*(field(f"F{number}", "text") for number in range(60))))
    first = contact(1, F0="old")
    second = contact(1, updated="2026-11-23T11:00:00+01:00", F59="new")
    router.get(CONTACTS).mock(side_effect=[listed(first), listed(second)])

    [page] = connect().pull("contacts", EVERYTHING)

    # So the next window, which begins before it moved, reads it again.
    [record] = page.records
    assert (record.version, record.values["F59"]) == (first["Modified_Time"], "new")


def test_of_a_record_that_went_between_two_questions_the_rest_is_absent(router: respx.MockRouter) -> None:
    router.get(FIELDS).mock(return_value=catalogue(*(field(f"F{number}", "text") for number in range(60))))
    router.get(CONTACTS).mock(side_effect=[listed(contact(1, F0="x")), nothing()])

    [page] = connect().pull("contacts", EVERYTHING)

    assert "F59" not in page.records[0].values


def test_what_is_left_out_saves_the_second_call(wide: respx.Route) -> None:
    left_out = tuple(f"F{number}" for number in range(11))
    zoho = connect(streams={"contacts": ZohoStream(leave_out=left_out)})

    [page] = zoho.pull("contacts", EVERYTHING)

    assert wide.call_count == 1
    assert "F0" not in page.records[0].values


# by key, and what is gone


def test_records_are_fetched_a_hundred_a_call(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = contacts(router, listed(*tied(0, 100)), nothing())

    pages = list(zoho.fetch("contacts", [key(number) for number in range(101)]))

    assert len(keys(pages)) == 100
    assert [len(call.request.url.params["ids"].split(",")) for call in route.calls] == [100, 1]


def test_the_sweep_asks_for_nothing_but_ids(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    route = contacts(router, listed(*spread(1, 20), token="t2"), listed(*spread(21, 3)))

    found = {one for some in zoho.keys("contacts") for one in some}

    assert found == {key(number) for number in range(1, 24)}
    assert {call.request.url.params["fields"] for call in route.calls} == {"Modified_Time"}


def test_deletions_are_told_since_then_of_every_kind(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    gone = {"id": key(1), "type": "recycle", "deleted_time": "2026-11-22T10:31:10+01:00", "display_name": "Mara Lind"}
    purged = {"id": key(2), "type": "permanent", "deleted_time": None, "display_name": None}
    route = router.get(f"{CONTACTS}/deleted").mock(side_effect=[listed(gone, more=True), listed(purged)])

    removals = [one for some in zoho.removals("contacts", Window(part="", since=SINCE)) for one in some]

    assert removals == [
        (key(1), datetime(2026, 11, 22, 9, 31, 10, tzinfo=UTC), None),
        (key(2), None, None),
    ]
    assert [dict(call.request.url.params) for call in route.calls] == [
        {"type": "all", "page": str(page), "per_page": "200"} for page in (1, 2)
    ]
    assert route.calls.last.request.headers["if-modified-since"] == "2026-11-01T07:15:01+00:00"


@pytest.mark.parametrize("status", [204, 304])
def test_nothing_deleted_is_told_without_a_body(status: int, router: respx.MockRouter, zoho: ZohoConnector) -> None:
    router.get(f"{CONTACTS}/deleted").mock(return_value=nothing(status))

    assert list(zoho.removals("contacts", Window(part="", since=SINCE))) == [[]]


def test_users_are_read_whole_whoever_they_are(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    def user(number: int, status: str) -> dict[str, Any]:
        return {"id": str(number), "full_name": "Ana Ruiz", "status": status, "Isonline": True, "offset": 3600000}

    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        body = {"users": [user(page, "active")], "info": {"more_records": page == 1}}
        return httpx.Response(200, json=body, headers={"Date": DATE})

    route = router.get(f"{V8}/users").mock(side_effect=answer)

    first, second = zoho.pull("users", EVERYTHING)

    assert (first.position, second.position) == ({"page": 2}, None)
    # Whether somebody is at the desk is no change of the user.
    assert first.records[0].values == {"id": "1", "full_name": "Ana Ruiz", "status": "active"}
    assert route.calls.last.request.url.params["type"] == "AllUsers"


# what goes wrong


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        pytest.param(401, "OAUTH_SCOPE_MISMATCH", "scope", id="a-scope"),
        pytest.param(403, "NO_PERMISSION", "profile", id="the-profile"),
        pytest.param(403, "FEATURE_NOT_SUPPORTED", "edition", id="the-edition"),
        pytest.param(400, "INVALID_MODULE", "switched off", id="the-module"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_what_may_not_be_read_is_for_a_person(
    status: int, code: str, hint: str, wrapped: bool, router: respx.MockRouter, zoho: ZohoConnector
) -> None:
    answer = refused(status, code)
    if wrapped:  # as newer answers have it
        answer = httpx.Response(status, json={"data": [answer.json()]})
    contacts(router, answer)

    with pytest.raises(GrantError) as caught:
        list(zoho.pull("contacts", EVERYTHING))

    assert (caught.value.code, hint in caught.value.hint) == ("CW204", True)


def test_too_many_calls_are_waited_for_and_then_left_for_later(router: respx.MockRouter) -> None:
    contacts(router, *[refused(429, "TOO_MANY_REQUESTS")] * 4)

    with pytest.raises(LaterError):
        list(connect().pull("contacts", EVERYTHING))


def test_what_is_left_of_the_credits_is_passed_on(router: respx.MockRouter) -> None:
    contacts(router, listed(contact(1), headers={"X-API-CREDITS-REMAINING": "1234"}))
    bench = Bench()

    list(connect(bench).pull("contacts", EVERYTHING))

    assert bench.budget.reports == [(1234, None)]


def test_an_answer_in_another_form_is_none(router: respx.MockRouter, zoho: ZohoConnector) -> None:
    contacts(router, httpx.Response(200, json={"code": "SUCCESS"}))

    with pytest.raises(ShapeError):
        list(zoho.pull("contacts", EVERYTHING))


def test_a_bound_is_cut_to_the_second_and_in_utc() -> None:
    assert bound(SINCE) == "2026-11-01T07:15:01+00:00"
    assert bound(None) is None
