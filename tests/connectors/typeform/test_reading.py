"""Forms and responses of Typeform become records: none lost, and none after an endless walk."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from connectors.sdk import LaterError, Page, ShapeError, Window
from connectors.sdk.errors import SetupError
from connectors.sdk.fakes import Bench
from connectors.typeform.connector import TypeformConnector
from tests.connectors.typeform.api import (
    BASE,
    EVERYTHING,
    FORM,
    FORMS,
    ONE_FORM,
    RESPONSES,
    answer,
    connect,
    definition,
    form,
    gone,
    listed,
    response,
)

SINCE = datetime(2026, 10, 1, 9, 0, 0, 500_000, tzinfo=UTC)


@pytest.fixture
def typeform() -> TypeformConnector:
    return connect(own={"parts": [FORM]})


@pytest.fixture(autouse=True)
def vendor() -> Any:
    with respx.mock(assert_all_called=False) as router:
        router.get(ONE_FORM).mock(return_value=answer(definition()))
        yield router


def asked(route: respx.Route) -> list[dict[str, str]]:
    return [
        {name: values[-1] for name, values in parse_qs(call.request.url.query.decode()).items()} for call in route.calls
    ]


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


# responses


def test_responses_come_newest_first_each_page_before_the_last_token(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    route = vendor.get(RESPONSES).mock(
        side_effect=[listed(response("t4"), response("t3"), total=4, pages=2), listed(response("t2"), response("t1"))]
    )

    pages = list(typeform.pull("responses", Window(part=FORM, since=SINCE)))

    assert keys(pages) == ["t4", "t3", "t2", "t1"]
    assert pages[-1].position is None
    # The bound is included and has whole seconds, so it is cut; the token is not combined with an order.
    assert asked(route) == [
        {"page_size": "1000", "since": "2026-10-01T09:00:00"},
        {"page_size": "1000", "since": "2026-10-01T09:00:00", "before": "t3"},
    ]


def test_a_quiet_window_costs_one_call(vendor: respx.MockRouter, typeform: TypeformConnector) -> None:
    route = vendor.get(RESPONSES).mock(return_value=listed(pages=0))

    [page] = typeform.pull("responses", Window(part=FORM, since=SINCE))

    assert (page.records, page.position) == ([], None)
    assert page.server_time == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert route.call_count == 1
    assert vendor.calls.call_count == 1


def test_figures_that_disagree_are_settled_by_the_next_page(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(RESPONSES).mock(
        side_effect=[listed(response("t2"), total=2, pages=1), listed(response("t1"), total=1, pages=3), listed()]
    )

    assert keys(list(typeform.pull("responses", EVERYTHING))) == ["t2", "t1"]


def test_an_interrupted_window_goes_on_below_its_token(vendor: respx.MockRouter) -> None:
    route = vendor.get(RESPONSES).mock(
        side_effect=[listed(response("t2"), total=2, pages=2), listed(response("t1"), total=1)]
    )
    first = next(iter(connect().pull("responses", EVERYTHING)))

    rest = list(connect().pull("responses", Window(part=FORM, since=None, position=first.position)))

    assert keys([first, *rest]) == ["t2", "t1"]
    assert asked(route)[1]["before"] == "t2"


def test_a_page_that_left_some_out_makes_the_list_be_read_again(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(RESPONSES).mock(
        side_effect=[
            listed(response("t3"), total=3, pages=3),
            listed(response("t1"), total=1),
            listed(response("t3"), response("t2"), response("t1")),
        ]
    )

    assert set(keys(list(typeform.pull("responses", EVERYTHING)))) == {"t1", "t2", "t3"}


def test_a_list_that_never_adds_up_is_an_error_with_a_count(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(RESPONSES).mock(
        side_effect=lambda request: listed() if "before" in request.url.params else listed(response("t3"), total=3)
    )

    with pytest.raises(ShapeError, match="1 of 3"):
        list(typeform.pull("responses", EVERYTHING))


def test_a_page_that_ends_with_the_token_it_was_asked_for_is_an_error(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(RESPONSES).mock(return_value=listed(response("t1"), total=9, pages=9))

    with pytest.raises(ShapeError, match="circle"):
        list(typeform.pull("responses", EVERYTHING))


def test_a_list_in_the_other_order_is_an_error(vendor: respx.MockRouter, typeform: TypeformConnector) -> None:
    rows = [response("t1", submitted="2026-10-01T09:00:00Z"), response("t2", submitted="2026-10-02T09:00:00Z")]
    vendor.get(RESPONSES).mock(return_value=listed(*rows))

    with pytest.raises(ShapeError, match="newest first"):
        list(typeform.pull("responses", EVERYTHING))


def test_a_list_that_does_not_keep_to_the_bound_is_left_there(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    rows = [response("t2"), response("t1", submitted="2026-09-01T00:00:00Z")]
    route = vendor.get(RESPONSES).mock(return_value=listed(*rows, total=5000, pages=5))

    pages = list(typeform.pull("responses", Window(part=FORM, since=SINCE)))

    assert pages[-1].position is None
    assert route.call_count == 1


def test_a_token_whose_response_was_deleted_makes_the_list_be_read_again(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(RESPONSES).mock(
        side_effect=[
            listed(response("t3"), total=2, pages=2),
            answer({"code": "VALIDATION_ERROR", "description": "before"}, status=400),
            listed(response("t2")),
        ]
    )

    assert keys(list(typeform.pull("responses", EVERYTHING))) == ["t3", "t2"]


def test_more_equal_stamps_than_a_page_come_whole(vendor: respx.MockRouter, typeform: TypeformConnector) -> None:
    rows = [response(f"t{number}") for number in range(2501, 0, -1)]
    chunks = [rows[:1000], rows[1000:2000], rows[2000:]]
    left = [2501, 1501, 501]
    vendor.get(RESPONSES).mock(
        side_effect=[
            listed(*chunk, total=some, pages=-(-some // 1000)) for chunk, some in zip(chunks, left, strict=True)
        ]
    )

    assert len(set(keys(list(typeform.pull("responses", EVERYTHING))))) == 2501


def test_an_answer_is_joined_to_its_question(vendor: respx.MockRouter, typeform: TypeformConnector) -> None:
    answers = [
        {"field": {"id": "F1", "ref": "nps_q", "type": "nps"}, "type": "number", "number": 9},
        {"field": {"id": "F4", "ref": "speed", "type": "rating"}, "type": "number", "number": 4},
        {"field": {"id": "F5", "ref": "effort", "type": "opinion_scale"}, "type": "number", "number": 2},
        {"field": {"id": "F9", "ref": "old", "type": "short_text"}, "type": "text", "text": "gone"},
    ]
    vendor.get(RESPONSES).mock(return_value=listed(response("t1", answers=answers)))

    [page] = typeform.pull("responses", EVERYTHING)

    fields = [one["field"] for one in page.records[0].values["answers"]]
    assert fields == [
        {
            "id": "F1", "ref": "nps_q", "type": "nps", "title": "How likely?", "steps": 11, "start_at_one": False,
            "labels": {"left": "never", "right": "at once"},
        },
        {"id": "F4", "ref": "speed", "type": "rating", "title": "Speed", "steps": 5, "start_at_one": True},
        {"id": "F5", "ref": "effort", "type": "opinion_scale", "title": "Effort", "steps": 7, "start_at_one": True},
        {"id": "F9", "ref": "old", "type": "short_text"},
    ]  # fmt: skip
    assert page.records[0].values["answers"][0]["number"] == 9


def test_a_forms_questions_are_read_once_a_window(vendor: respx.MockRouter, typeform: TypeformConnector) -> None:
    questions = vendor.get(ONE_FORM).mock(return_value=answer(definition()))
    vendor.get(RESPONSES).mock(side_effect=[listed(response("t2"), total=2, pages=2), listed(response("t1"))])

    list(typeform.pull("responses", EVERYTHING))

    assert questions.call_count == 1


def test_questions_of_a_form_that_is_listed_as_unchanged_are_not_read_again(vendor: respx.MockRouter) -> None:
    questions = vendor.get(ONE_FORM).mock(return_value=answer(definition()))
    vendor.get(FORMS).mock(side_effect=[listed(form()), listed(form()), listed(form(updated="2026-11-01T00:00:00Z"))])
    vendor.get(RESPONSES).mock(return_value=listed(response("t1")))
    typeform = connect()

    for _ in range(3):
        [part] = typeform.parts("responses")
        list(typeform.pull("responses", Window(part=part, since=None)))

    assert questions.call_count == 2


def test_a_response_says_of_which_form_it_is_and_keeps_no_device_that_could_be_traced(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(RESPONSES).mock(return_value=listed(response("t1")))

    [page] = typeform.pull("responses", EVERYTHING)

    [record] = page.records
    assert (record.key, record.version) == ("t1", "2026-10-01T09:02:00Z")
    assert record.modified == datetime(2026, 10, 1, 9, 2, tzinfo=UTC)
    assert record.values["form_id"] == FORM
    assert record.values["metadata"] == {"platform": "mobile", "browser": "touch"}
    assert record.values["hidden"]["contact_id"] == "CRM-003"


def test_other_kinds_are_read_only_when_asked_for_each_in_its_turn(vendor: respx.MockRouter) -> None:
    typeform = connect(own={"parts": [FORM], "response_types": ["completed", "partial"]})
    partial = response("p1", submitted="0001-01-01T00:00:00Z", response_type="partial")
    route = vendor.get(RESPONSES).mock(side_effect=[listed(response("t1")), listed(partial)])

    first, second = typeform.pull("responses", EVERYTHING)

    assert first.position == {"type": "partial", "before": None, "seen": 0, "total": None}
    assert second.position is None
    [record] = second.records
    # What was not submitted has the year 1 there; it is dated by its beginning.
    assert record.values["submitted_at"] is None
    assert record.modified == datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
    assert [query.get("response_type") for query in asked(route)] == [None, "partial"]


def test_a_window_that_was_interrupted_between_two_kinds_goes_on_with_the_second(vendor: respx.MockRouter) -> None:
    typeform = connect(own={"parts": [FORM], "response_types": ["completed", "partial"]})
    route = vendor.get(RESPONSES).mock(return_value=listed())
    position = {"type": "partial", "before": None, "seen": 0, "total": None}

    list(typeform.pull("responses", Window(part=FORM, since=None, position=position)))

    assert [query.get("response_type") for query in asked(route)] == ["partial"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param({"token": None, "response_id": None}, "a response without an id", id="no-id"),
        pytest.param({"submitted_at": "soon"}, "a response whose dates cannot be read", id="no-date"),
        pytest.param({"submitted_at": None, "landed_at": None}, "a response without a date", id="no-dates"),
    ],
)
def test_a_row_that_cannot_be_a_response_is_set_aside(
    row: dict[str, Any], reason: str, vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(RESPONSES).mock(return_value=listed({**response("t2"), **row}, response("t1")))

    [page] = typeform.pull("responses", EVERYTHING)

    assert keys([page]) == ["t1"]
    assert [fault.reason for fault in page.faults] == [reason]


@pytest.mark.parametrize("body", [{"items": None}, {"items": ["x"]}, [], {"total_items": 0}])
def test_an_answer_in_another_form_stops_the_stream(
    body: Any, vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(RESPONSES).mock(return_value=answer(body))

    with pytest.raises(ShapeError):
        list(typeform.pull("responses", EVERYTHING))


def test_a_form_of_the_file_that_does_not_exist_is_a_mistake_in_the_file(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(RESPONSES).mock(return_value=gone())
    vendor.get(ONE_FORM).mock(return_value=gone())

    with pytest.raises(SetupError, match=FORM):
        list(typeform.pull("responses", EVERYTHING))


def test_a_form_that_went_away_since_it_was_listed_is_passed_over(vendor: respx.MockRouter) -> None:
    vendor.get(RESPONSES).mock(return_value=gone())

    [page] = connect().pull("responses", EVERYTHING)

    assert (page.records, page.position) == ([], None)


def test_the_vendors_pace_is_kept_and_a_429_waited_for() -> None:
    bench = Bench()
    with respx.mock:
        over = httpx.Response(429, json={"code": "TOO_MANY"}, headers={"Retry-After": "3"})
        respx.get(RESPONSES).mock(side_effect=[over, listed(), listed(), listed()])
        typeform = connect(bench)

        for _ in range(3):
            list(typeform.pull("responses", EVERYTHING))

    assert bench.clock.slept[0] >= 3.0
    assert sum(bench.clock.slept[1:]) >= 0.4  # four calls at two a second


def test_an_answer_that_never_comes_is_tried_again_later(vendor: respx.MockRouter, typeform: TypeformConnector) -> None:
    vendor.get(RESPONSES).mock(side_effect=httpx.ReadTimeout("no answer"))

    with pytest.raises(LaterError) as caught:
        list(typeform.pull("responses", EVERYTHING))

    assert caught.value.code == "CW302"


# by key, and every key


def test_a_response_is_fetched_from_the_form_that_has_it(vendor: respx.MockRouter) -> None:
    other = f"{FORMS}/Other/responses"
    vendor.get(f"{FORMS}/Other").mock(return_value=answer(definition("Other")))
    vendor.get(FORMS).mock(return_value=listed(form("Other"), form()))
    vendor.get(other).mock(return_value=listed())
    route = vendor.get(RESPONSES).mock(return_value=listed(response("t1")))

    pages = list(connect().fetch("responses", ["t1", "t9"]))

    assert keys(pages) == ["t1"]
    assert asked(route)[0]["included_response_ids"] == "t1,t9"
    assert asked(route)[0]["response_type"] == "started,partial,completed"


def test_a_sweep_lists_the_responses_of_every_form(vendor: respx.MockRouter) -> None:
    vendor.get(FORMS).mock(return_value=listed(form(), form("Other")))
    vendor.get(RESPONSES).mock(side_effect=[listed(response("t2"), total=2, pages=2), listed(response("t1"))])
    vendor.get(f"{FORMS}/Other/responses").mock(return_value=listed(response("o1")))

    assert [key for some in connect().keys("responses") for key in some] == ["t2", "t1", "o1"]


def test_a_sweep_that_does_not_add_up_raises_rather_than_ends(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(RESPONSES).mock(
        side_effect=lambda request: listed() if "before" in request.url.params else listed(response("t3"), total=3)
    )

    with pytest.raises(ShapeError):
        list(typeform.keys("responses"))


# forms


def test_forms_that_changed_come_oldest_change_first_with_their_questions(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    rows = [
        form("C", updated="2026-11-03T00:00:00Z"),
        form("B", updated="2026-11-02T00:00:00Z"),
        form("A", updated="2026-09-01T00:00:00Z"),
    ]
    route = vendor.get(FORMS).mock(return_value=listed(*rows, total=400, pages=2))
    for key in ("B", "C"):
        vendor.get(f"{FORMS}/{key}").mock(return_value=answer(definition(key)))

    [page] = typeform.pull("forms", Window(part="", since=SINCE))

    assert keys([page]) == ["B", "C"]
    values = page.records[0].values
    assert values["hidden"] == ["contact_id", "email"]
    assert len(values["fields"]) == 4
    assert values["settings"] == {"is_public": True}
    assert route.call_count == 1  # the third is older than the window: nothing behind it can be newer


def test_a_quiet_window_of_forms_costs_one_call(vendor: respx.MockRouter, typeform: TypeformConnector) -> None:
    vendor.get(FORMS).mock(return_value=listed(form(updated="2026-09-01T00:00:00Z")))

    [page] = typeform.pull("forms", Window(part="", since=SINCE))

    assert (page.records, page.position) == ([], None)
    assert vendor.calls.call_count == 1


def test_many_forms_come_in_pages_that_can_be_gone_on_from(vendor: respx.MockRouter) -> None:
    rows = [form(f"F{number:02}", updated=f"2026-11-01T00:00:{number:02}Z") for number in range(25, 0, -1)]
    vendor.get(FORMS).mock(return_value=listed(*rows))
    vendor.get(url__regex=r".*/forms/F\d+").mock(
        side_effect=lambda request: answer(definition(request.url.path.rsplit("/", 1)[-1]))
    )
    window = Window(part="", since=None)
    first = next(iter(connect().pull("forms", window)))

    rest = list(connect().pull("forms", Window(part="", since=None, position=first.position)))

    assert keys([first, *rest]) == [f"F{number:02}" for number in range(1, 26)]
    assert len(first.records) == 20


def test_a_list_of_forms_that_is_short_of_its_own_count_is_read_again(
    vendor: respx.MockRouter, typeform: TypeformConnector
) -> None:
    vendor.get(FORMS).mock(
        side_effect=[
            listed(form("A"), total=3, pages=2),
            listed(form("C"), total=3, pages=2),
            listed(form("A"), form("B"), form("C"), total=3),
        ]
    )

    assert {key for some in typeform.keys("forms") for key in some} == {"A", "B", "C"}


def test_fields_name_the_hidden_fields_of_the_listed_forms(typeform: TypeformConnector) -> None:
    paths = {info.path for info in typeform.fields("responses")}

    assert {"hidden.contact_id", "hidden.email", "answers", "submitted_at"} <= paths


def test_forms_that_the_operator_lists_are_the_parts(vendor: respx.MockRouter, typeform: TypeformConnector) -> None:
    vendor.get(f"{BASE}/forms").mock(return_value=listed(form("A"), form("B")))

    assert list(typeform.parts("responses")) == [FORM]
    assert list(connect().parts("responses")) == ["A", "B"]
    assert list(typeform.parts("forms")) == [""]
