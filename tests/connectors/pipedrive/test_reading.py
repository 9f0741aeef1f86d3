"""Pages of Pipedrive become records: none lost, none doubled for long, whatever the lists do."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx
from msgspec.structs import replace

from connectors.pipedrive.connector import PipedriveConnector
from connectors.sdk import LaterError, Page, ShapeError, Window
from connectors.sdk.errors import GrantError
from connectors.sdk.fakes import Bench
from tests.connectors.pipedrive.api import (
    BASE,
    DATE,
    EVERYTHING,
    PERSONS,
    connect,
    field,
    listed,
    numbered,
    one,
    person,
    refused,
)

SINCE = datetime(2026, 11, 1, 7, 15, 2, 900_000, tzinfo=UTC)
DEALS = f"{BASE}/api/v2/deals"
LEADS = f"{BASE}/v1/leads"
NOTES = f"{BASE}/v1/notes"


@pytest.fixture
def pipedrive() -> PipedriveConnector:
    return connect()


def asked(route: respx.Route) -> list[dict[str, str]]:
    """The query of each call."""
    return [
        {name: values[-1] for name, values in parse_qs(call.request.url.query.decode()).items()} for call in route.calls
    ]


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


@respx.mock
def test_persons_come_by_cursor_from_the_bound_on(pipedrive: PipedriveConnector) -> None:
    route = respx.get(PERSONS).mock(side_effect=[listed(person(1), cursor="c2"), listed(person(2))])

    pages = list(pipedrive.pull("persons", Window(part="", since=SINCE)))

    assert keys(pages) == ["1", "2"]
    first, second = asked(route)
    # The bound is included and has whole seconds, so it is cut, never rounded up.
    assert first == {
        "limit": "500", "sort_by": "update_time", "sort_direction": "asc", "updated_since": "2026-11-01T07:15:02Z",
        "include_fields": "marketing_status",
    }  # fmt: skip
    assert second == {**first, "cursor": "c2"}


@respx.mock
def test_a_record_carries_key_stamp_and_the_row_as_it_is(pipedrive: PipedriveConnector) -> None:
    row = person(501, name="Zoë 👋", phones=[], job_title=None)
    respx.get(PERSONS).mock(return_value=listed(row))

    [page] = pipedrive.pull("persons", EVERYTHING)

    [record] = page.records
    assert (record.key, record.version) == ("501", "2026-11-01T07:15:02Z")
    assert record.modified == datetime(2026, 11, 1, 7, 15, 2, tzinfo=UTC)
    assert record.values == row
    assert page.server_time == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert page.position is None


@respx.mock
def test_a_quiet_window_costs_one_call_of_ten_tokens() -> None:
    bench = Bench()
    route = respx.get(PERSONS).mock(return_value=listed())

    [page] = connect(bench).pull("persons", Window(part="", since=SINCE))

    assert page.records == []
    assert page.position is None
    assert route.call_count == 1
    assert bench.budget.taken == {"read": 20}  # one chunk, of which ten are spent


@respx.mock
def test_an_interrupted_window_goes_on_at_its_page(pipedrive: PipedriveConnector) -> None:
    route = respx.get(PERSONS).mock(
        side_effect=[listed(person(1), cursor="c2"), listed(person(2), cursor="c3"), listed(person(3))]
    )
    window = Window(part="", since=SINCE)
    first = next(iter(pipedrive.pull("persons", window)))

    rest = list(connect().pull("persons", replace(window, position=first.position)))

    assert keys([first, *rest]) == ["1", "2", "3"]
    assert asked(route)[1]["cursor"] == "c2"


@respx.mock
def test_a_cursor_that_is_refused_costs_a_look_back_to_the_last_stamp(pipedrive: PipedriveConnector) -> None:
    tie = "2026-11-02T00:00:00Z"
    route = respx.get(PERSONS).mock(
        side_effect=[
            listed(person(1), person(2, updated=tie), cursor="dead"),
            refused(400, "Validation failed: cursor: is invalid", code="ERR_SCHEMA_VALIDATION_FAILED"),
            listed(person(2, updated=tie), person(3, updated=tie)),
        ]
    )

    pages = list(pipedrive.pull("persons", Window(part="", since=SINCE)))

    assert set(keys(pages)) == {"1", "2", "3"}
    assert asked(route)[2]["updated_since"] == tie
    assert "cursor" not in asked(route)[2]


@respx.mock
def test_a_stored_position_whose_cursor_has_died_begins_the_window_again(pipedrive: PipedriveConnector) -> None:
    dead = refused(400, "Validation failed: cursor")
    route = respx.get(PERSONS).mock(
        side_effect=lambda request: dead if "cursor" in request.url.params else listed(person(1))
    )
    position = {"cursor": "dead", "since": "2026-11-01T00:00:00Z", "reached": "2026-11-01T06:00:00Z"}

    pages = list(pipedrive.pull("persons", Window(part="", since=SINCE, position=position)))

    assert keys(pages) == ["1"]
    assert asked(route)[-1]["updated_since"] == "2026-11-01T06:00:00Z"
    assert asked(route)[-1]["include_fields"] == "marketing_status"


@respx.mock
def test_a_question_that_is_refused_without_a_cursor_is_an_error_at_once(pipedrive: PipedriveConnector) -> None:
    route = respx.get(f"{BASE}/api/v2/organizations").mock(return_value=refused(400, "Validation failed: limit"))

    with pytest.raises(ShapeError):
        list(pipedrive.pull("organizations", EVERYTHING))

    assert route.call_count == 1


@respx.mock
def test_a_list_that_turns_in_a_circle_is_an_error(pipedrive: PipedriveConnector) -> None:
    respx.get(PERSONS).mock(return_value=listed(person(1), cursor="again"))

    with pytest.raises(ShapeError, match="circle"):
        list(pipedrive.pull("persons", EVERYTHING))


@respx.mock
def test_more_equal_stamps_than_a_page_come_whole(pipedrive: PipedriveConnector) -> None:
    rows = [person(number) for number in range(1, 1252)]
    chunks = [rows[:500], rows[500:1000], rows[1000:]]
    respx.get(PERSONS).mock(
        side_effect=[listed(*chunk, cursor=None if at == 3 else f"c{at}") for at, chunk in enumerate(chunks, start=1)]
    )

    assert len(set(keys(list(pipedrive.pull("persons", EVERYTHING))))) == 1251


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param({**person(2), "id": None}, "a row without an id", id="no-id"),
        pytest.param({**person(2), "update_time": None}, "update_time is no date-time", id="no-stamp"),
        pytest.param({**person(2), "update_time": "yesterday"}, "update_time is no date-time", id="no-date"),
        pytest.param({**person(2), "update_time": "2026-11-01T07:15:02"}, "update_time has no time zone", id="no-zone"),
        pytest.param("Mara", "a row that is no object", id="no-object"),
    ],
)
@respx.mock
def test_a_row_that_cannot_be_a_record_is_set_aside_and_the_others_go_on(
    row: Any, reason: str, pipedrive: PipedriveConnector
) -> None:
    respx.get(PERSONS).mock(return_value=listed(person(1), row, person(3)))

    [page] = pipedrive.pull("persons", EVERYTHING)

    assert keys([page]) == ["1", "3"]
    [fault] = page.faults
    assert (fault.reason, fault.raw) == (reason, row)


@respx.mock
def test_a_broken_text_costs_that_text_alone(pipedrive: PipedriveConnector) -> None:
    page = listed({**person(1), "name": "Zo?"}, person(2))
    respx.get(PERSONS).mock(return_value=httpx.Response(200, content=page.content.replace(b"Zo?", b"Zo\xeb")))

    [page_read] = pipedrive.pull("persons", EVERYTHING)

    assert [record.values["name"] for record in page_read.records] == ["Zo\ufffd", "Mara Lind"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(200, json={"success": False, "data": []}), id="no-success"),
        pytest.param(httpx.Response(200, json={"success": True}), id="no-data"),
        pytest.param(httpx.Response(200, json={"success": True, "data": {"id": 1}}), id="no-list"),
        pytest.param(httpx.Response(200, json=[1]), id="no-object"),
        pytest.param(httpx.Response(200, text="<html>"), id="a-web-page"),
    ],
)
@respx.mock
def test_an_answer_in_another_form_stops_the_stream(answer: httpx.Response, pipedrive: PipedriveConnector) -> None:
    respx.get(PERSONS).mock(return_value=answer)

    with pytest.raises(ShapeError) as caught:
        list(pipedrive.pull("persons", EVERYTHING))

    assert caught.value.code == "CW307"


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        pytest.param({"Retry-After": "7"}, 7.0, 9.0, id="it-says-how-long"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}, 1.9, 4.0, id="the-window-turns"),
        pytest.param({}, 0.0, 1.0, id="it-says-nothing"),
    ],
)
@respx.mock
def test_too_fast_is_waited_for(headers: dict[str, str], least: float, most: float) -> None:
    bench = Bench()
    over = httpx.Response(
        429, json={"success": False, "error": "request over limit", "errorCode": 429}, headers=headers
    )
    respx.get(PERSONS).mock(side_effect=[over, listed(person(1))])

    pages = list(connect(bench).pull("persons", EVERYTHING))

    assert keys(pages) == ["1"]
    assert least <= sum(bench.clock.slept) <= most


@respx.mock
def test_an_empty_burst_window_is_waited_for_before_the_next_call() -> None:
    bench = Bench()
    spent = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}
    respx.get(PERSONS).mock(side_effect=[listed(person(1), cursor="c2", headers=spent), listed(person(2))])

    list(connect(bench).pull("persons", EVERYTHING))

    assert sum(bench.clock.slept) == pytest.approx(1.0)


@respx.mock
def test_the_guard_in_front_of_the_api_means_later_and_not_forbidden(pipedrive: PipedriveConnector) -> None:
    respx.get(PERSONS).mock(return_value=httpx.Response(403, text="<html>Error 1015</html>"))

    with pytest.raises(LaterError):
        list(pipedrive.pull("persons", EVERYTHING))


@respx.mock
def test_a_scope_that_was_not_granted_is_told_by_name_of_the_cure(pipedrive: PipedriveConnector) -> None:
    respx.get(DEALS).mock(return_value=refused(403, "Scope and URL mismatch", errorCode=403))

    with pytest.raises(GrantError) as caught:
        list(pipedrive.pull("deals", Window(part="live", since=None)))

    assert caught.value.code == "CW204"
    assert "scope" in caught.value.hint


@respx.mock
def test_deals_have_a_part_for_the_archived_ones_with_its_own_price() -> None:
    bench = Bench()
    pipedrive = connect(bench)
    live = respx.get(DEALS).mock(return_value=listed(_deal(1)))
    archived = respx.get(f"{DEALS}/archived").mock(return_value=listed(_deal(2, is_archived=True)))

    shown = {
        part: keys(list(pipedrive.pull("deals", Window(part=part, since=SINCE)))) for part in pipedrive.parts("deals")
    }

    assert shown == {"live": ["1"], "archived": ["2"]}
    assert (live.call_count, archived.call_count) == (1, 1)


@respx.mock
def test_deleted_deals_have_a_list_of_their_own(pipedrive: PipedriveConnector) -> None:
    route = respx.get(DEALS).mock(return_value=listed(_deal(9, is_deleted=True)))

    [removals] = pipedrive.removals("deals", Window(part="", since=SINCE))

    [removal] = removals
    assert (removal.key, removal.survivor) == ("9", None)
    assert asked(route)[0]["status"] == "deleted"
    assert list(pipedrive.removals("persons", EVERYTHING)) == []


@respx.mock
def test_an_add_ons_field_is_asked_for_until_it_is_refused(pipedrive: PipedriveConnector) -> None:
    bare = listed(person(1))
    route = respx.get(PERSONS).mock(
        side_effect=lambda request: (
            refused(400, "Validation failed: include_fields") if "include_fields" in request.url.params else bare
        )
    )

    for _ in range(2):
        assert keys(list(pipedrive.pull("persons", EVERYTHING))) == ["1"]

    assert [query.get("include_fields") for query in asked(route)] == ["marketing_status", None, None]


@respx.mock
def test_a_cursor_that_dies_is_not_taken_for_a_missing_add_on(pipedrive: PipedriveConnector) -> None:
    route = respx.get(PERSONS).mock(
        side_effect=[listed(person(1), cursor="dead"), refused(400, "Validation failed: cursor"), listed(person(2))]
    )

    list(pipedrive.pull("persons", EVERYTHING))

    assert {query.get("include_fields") for query in asked(route)} == {"marketing_status"}


@respx.mock
def test_figures_that_an_operator_asks_for_are_asked_for_and_never_dropped() -> None:
    route = respx.get(f"{BASE}/api/v2/organizations").mock(
        return_value=refused(400, "Validation failed: no such field")
    )
    own = PipedriveConnector.stream_settings.model_validate({"include_fields": ["people_count"]})

    with pytest.raises(ShapeError):
        list(connect(streams={"organizations": own}).pull("organizations", EVERYTHING))

    assert [query["include_fields"] for query in asked(route)] == ["people_count"]


# lists of the first version


@respx.mock
def test_numbered_pages_overlap_by_a_row(pipedrive: PipedriveConnector) -> None:
    route = respx.get(LEADS).mock(
        side_effect=[numbered(_lead("a"), _lead("b"), more=True), numbered(_lead("b"), _lead("c"))]
    )

    pages = list(pipedrive.pull("leads", Window(part="live", since=SINCE)))

    assert set(keys(pages)) == {"a", "b", "c"}
    assert [query["start"] for query in asked(route)] == ["0", "1"]
    assert asked(route)[0]["updated_since"] == "2026-11-01T07:15:02Z"


@respx.mock
def test_a_row_that_slipped_away_makes_the_list_be_read_again(pipedrive: PipedriveConnector) -> None:
    respx.get(LEADS).mock(
        side_effect=[
            numbered(_lead("a"), _lead("b"), more=True),
            numbered(_lead("d")),  # a went away: c stands where b stood
            numbered(_lead("b"), _lead("c"), more=True),
            numbered(_lead("c"), _lead("d")),
        ]
    )

    assert set(keys(list(pipedrive.pull("leads", Window(part="live", since=None))))) == {"a", "b", "c", "d"}


@respx.mock
def test_a_list_that_slips_every_time_is_an_error_and_not_an_end(pipedrive: PipedriveConnector) -> None:
    respx.get(LEADS).mock(
        side_effect=lambda request: (
            numbered(_lead("a"), _lead("b"), more=True) if request.url.params["start"] == "0" else numbered(_lead("z"))
        )
    )

    with pytest.raises(ShapeError, match="changed under every one"):
        list(pipedrive.pull("leads", Window(part="live", since=None)))


@respx.mock
def test_an_interrupted_numbered_list_goes_on_only_if_nothing_slipped(pipedrive: PipedriveConnector) -> None:
    route = respx.get(LEADS).mock(
        side_effect=[numbered(_lead("x"), _lead("y")), numbered(_lead("a"), _lead("c"), _lead("d"))]
    )
    position = {"start": 2, "tail": "b"}

    pages = list(pipedrive.pull("leads", Window(part="live", since=None, position=position)))

    assert keys(pages) == ["a", "c", "d"]
    assert [query["start"] for query in asked(route)] == ["1", "0"]


@respx.mock
def test_a_list_that_says_it_goes_on_and_does_not_is_an_error(pipedrive: PipedriveConnector) -> None:
    respx.get(LEADS).mock(return_value=numbered(more=True))

    with pytest.raises(ShapeError, match="goes on"):
        list(pipedrive.pull("leads", Window(part="live", since=None)))


@respx.mock
def test_archived_leads_are_read_newest_first_down_to_the_bound(pipedrive: PipedriveConnector) -> None:
    route = respx.get(f"{LEADS}/archived").mock(
        return_value=numbered(
            _lead("a", updated="2026-11-03T00:00:00.000Z"), _lead("b", updated="2026-10-01T00:00:00.000Z"), more=True
        )
    )

    pages = list(pipedrive.pull("leads", Window(part="archived", since=SINCE)))

    assert keys(pages) == ["a", "b"]
    assert pages[-1].position is None
    assert route.call_count == 1
    assert asked(route)[0]["sort"] == "update_time DESC, id ASC"
    assert "updated_since" not in asked(route)[0]


@respx.mock
def test_archived_leads_in_another_order_are_read_to_the_end(pipedrive: PipedriveConnector) -> None:
    old, new = "2026-10-01T00:00:00.000Z", "2026-11-03T00:00:00.000Z"
    respx.get(f"{LEADS}/archived").mock(
        side_effect=[
            numbered(_lead("b", updated=old), _lead("a", updated=new), _lead("c", updated=old), more=True),
            numbered(_lead("c", updated=old), _lead("d", updated=new)),
        ]
    )

    assert set(keys(list(pipedrive.pull("leads", Window(part="archived", since=SINCE))))) == {"a", "b", "c", "d"}


@respx.mock
def test_choices_of_a_lead_are_ids_as_those_of_a_deal(pipedrive: PipedriveConnector) -> None:
    single, several = "a1" * 20, "b2" * 20
    respx.get(f"{BASE}/api/v2/dealFields").mock(
        return_value=listed(
            field("Tier", single, "enum", options=[{"id": 7, "label": "gold"}]),
            field("Segments", several, "set", options=[{"id": 12, "label": "SMB"}]),
        )
    )
    respx.get(LEADS).mock(return_value=numbered(_lead("a", **{single: "7", several: "12,13"})))

    [page] = pipedrive.pull("leads", Window(part="live", since=None))

    assert page.records[0].values[single] == 7
    assert page.records[0].values[several] == [12, 13]


@respx.mock
def test_a_lead_without_custom_fields_needs_no_catalogue(pipedrive: PipedriveConnector) -> None:
    respx.get(LEADS).mock(return_value=numbered(_lead("a")))

    [page] = pipedrive.pull("leads", Window(part="live", since=None))

    assert page.records[0].modified == datetime(2026, 11, 2, 11, 30, 36, 551_000, tzinfo=UTC)


@respx.mock
def test_notes_name_their_zone_and_leave_out_what_they_embed(pipedrive: PipedriveConnector) -> None:
    note = {
        "id": 1, "content": "<p>abc</p>", "active_flag": True, "add_time": "2019-12-09 13:59:21",
        "update_time": "2019-12-09 14:26:11", "person_id": 501, "person": {"name": "Mara Lind"},
        "deal": {"title": "x"}, "organization": None, "user": {"name": "y"}, "user_id": 11,
    }  # fmt: skip
    respx.get(NOTES).mock(return_value=numbered(note))

    [page] = pipedrive.pull("notes", EVERYTHING)

    [record] = page.records
    assert record.modified == datetime(2019, 12, 9, 14, 26, 11, tzinfo=UTC)
    assert record.values["add_time"] == "2019-12-09T13:59:21Z"
    assert record.values.keys().isdisjoint({"person", "deal", "organization", "user"})


@respx.mock
def test_a_login_is_no_change_of_a_user(pipedrive: PipedriveConnector) -> None:
    user = {"id": 11, "name": "Ines", "email": "i@acme.test", "active_flag": True, "is_you": True}
    respx.get(f"{BASE}/v1/users").mock(
        side_effect=[
            one([{**user, "last_login": "2026-11-01 08:00:00", "modified": "2026-11-01 08:00:00"}]),
            one([{**user, "last_login": "2026-11-02 08:00:00", "modified": "2026-11-02 08:00:00"}]),
        ]
    )

    [first], [second] = pipedrive.pull("users", EVERYTHING), pipedrive.pull("users", EVERYTHING)

    assert first.records == second.records
    assert first.position is None


@respx.mock
def test_a_user_without_an_id_is_set_aside(pipedrive: PipedriveConnector) -> None:
    respx.get(f"{BASE}/v1/users").mock(return_value=one([{"id": 11, "name": "Ines"}, {"name": "nobody"}]))

    [page] = pipedrive.pull("users", EVERYTHING)

    assert keys([page]) == ["11"]
    assert [fault.reason for fault in page.faults] == ["a row without an id"]


# by key, and every key


@respx.mock
def test_a_few_keys_are_fetched_one_by_one_and_a_missing_one_is_left_out(pipedrive: PipedriveConnector) -> None:
    respx.get(f"{PERSONS}/501").mock(return_value=one(person(501, is_deleted=True)))
    respx.get(f"{PERSONS}/502").mock(return_value=refused(404, "Person not found"))

    pages = list(pipedrive.fetch("persons", ["501", "502"]))

    assert keys(pages) == ["501"]
    assert pages[0].records[0].values["is_deleted"] is True


@respx.mock
def test_many_keys_are_fetched_a_hundred_a_call(pipedrive: PipedriveConnector) -> None:
    route = respx.get(PERSONS).mock(
        side_effect=lambda request: listed(*[person(int(key)) for key in request.url.params["ids"].split(",")])
    )

    pages = list(pipedrive.fetch("persons", [str(number) for number in range(1, 251)]))

    assert len(keys(pages)) == 250
    assert [len(query["ids"].split(",")) for query in asked(route)] == [100, 100, 50]


@respx.mock
def test_deals_are_fetched_from_both_lists(pipedrive: PipedriveConnector) -> None:
    wanted = [str(number) for number in range(1, 8)]
    respx.get(DEALS).mock(return_value=listed(*[_deal(number) for number in range(1, 6)]))
    archived = respx.get(f"{DEALS}/archived").mock(return_value=listed(_deal(6, is_archived=True)))

    pages = list(pipedrive.fetch("deals", wanted))

    assert keys(pages) == ["1", "2", "3", "4", "5", "6"]
    assert asked(archived)[0]["ids"] == "6,7"


@respx.mock
def test_a_sweep_lists_every_live_key_of_both_lists(pipedrive: PipedriveConnector) -> None:
    respx.get(DEALS).mock(side_effect=[listed(_deal(1), _deal(3), cursor="c2"), listed(_deal(4, is_deleted=True))])
    respx.get(f"{DEALS}/archived").mock(return_value=listed(_deal(2)))

    assert [list(some) for some in pipedrive.keys("deals")] == [["1", "3"], [], ["2"]]


@respx.mock
def test_a_sweep_that_runs_backwards_raises_rather_than_ends(pipedrive: PipedriveConnector) -> None:
    respx.get(PERSONS).mock(side_effect=[listed(person(5), cursor="c2"), listed(person(4))])

    with pytest.raises(ShapeError, match="ordered by id"):
        list(pipedrive.keys("persons"))


@respx.mock
def test_a_sweep_that_breaks_off_raises_rather_than_ends(pipedrive: PipedriveConnector) -> None:
    respx.get(PERSONS).mock(
        side_effect=[listed(person(5), cursor="c2"), *[httpx.Response(502, headers={"Date": DATE})] * 4]
    )

    with pytest.raises(LaterError):
        list(pipedrive.keys("persons"))


def _deal(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "title": "Renewal", "value": 12000, "currency": "EUR", "status": "open", "is_archived": False,
        "is_deleted": False, "update_time": "2026-11-03T12:30:00Z", "custom_fields": {}, **more,
    }  # fmt: skip


def _lead(key: str, *, updated: str = "2026-11-02T11:30:36.551Z", **more: Any) -> dict[str, Any]:
    return {"id": key, "title": "Lead", "value": None, "is_archived": False, "update_time": updated, **more}
