"""From answers to scores, comments and claims, by what their questions mean."""

from typing import Any

import pytest

from mapping.compile import CompiledMapping, Context, MappingError, SurveyRoles
from mapping.language import Place
from mapping.surveys import standing
from mapping.values import ABSENT
from tests.mapping.mapped import mapped, read

LINES = {
    "key": "response_id ?? token",
    "modified": "submitted_at ?? landed_at",
    "survey_id": "form_id | id",
    "status": "response_type | map(response.status)",
    "completed_at": "submitted_at | at",
    "respondent.refs[contact_id]": "hidden.contact_id | id",
    "respondent.email": "hidden.email | email",
    "context": "hidden | json",
    "answers": "answers | answers(items)",
}


def responses(**surveys: SurveyRoles) -> CompiledMapping:
    context = Context(connection="typeform", label="Typeform", region="DE", surveys=surveys, tool="typeform")
    return mapped(LINES, kind="response", stream="responses", context=context)


def answer(ref: str, kind: str, value: Any, **asked: Any) -> dict[str, Any]:
    key = {"long_text": "text", "short_text": "text", "phone_number": "phone_number", "email": "email"}.get(
        kind, "number"
    )
    return {"field": {"id": f"id_{ref}", "ref": ref, "type": kind, **asked}, "type": key, key: value}


def response(*answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "response_id": "r1",
        "token": "t1",
        "form_id": "F1",
        "response_type": "completed",
        "submitted_at": "2026-11-22T09:02:00Z",
        "hidden": {"contact_id": "CRM-003"},
        "answers": list(answers),
        **more,
    }


NPS = answer("likely", "nps", 9, steps=11, start_at_one=False)
WHY = answer("why", "long_text", "fast 👍")


def test_an_nps_question_is_found_by_its_type_and_the_text_behind_it_is_its_comment() -> None:
    row = read(responses(), response(NPS, WHY))

    assert row["scores"] == [
        {"question": "likely", "metric": "nps", "value": "9", "scale_min": "0", "scale_max": "10", "direction": "high",
         "method": "nps", "class": "promoter"}
    ]  # fmt: skip
    assert row["comment"] == {"text": "fast 👍"}
    assert row["comments"] == [{"question": "likely", "body": {"text": "fast 👍"}}]
    assert row["answers"] == [
        {"question": "likely", "values": ["9"]},
        {"question": "why", "values": ["fast 👍"]},
    ]


def test_every_response_names_its_tool_survey_and_kind() -> None:
    plain = read(responses(), response())
    told = read(responses(F1=SurveyRoles(kind="transactional", touchpoint="onboarding")), response(NPS))

    assert {name: plain[name] for name in ("tool", "survey_id", "response_id", "kind")} == {
        "tool": "typeform", "survey_id": "F1", "response_id": "r1", "kind": "relationship",
    }  # fmt: skip
    assert plain["touchpoint"] is ABSENT
    assert (told["kind"], told["touchpoint"]) == ("transactional", "onboarding")


@pytest.mark.parametrize(
    ("kind", "steps", "from_one", "low", "high"),
    [("opinion_scale", 5, True, "1", "5"), ("opinion_scale", 11, False, "0", "10"), ("rating", 5, True, "1", "5")],
)
def test_an_unconfirmed_scale_is_a_rating_never_a_metric(
    kind: str, steps: int, from_one: bool, low: str, high: str
) -> None:
    row = read(responses(), response(answer("q", kind, 4, steps=steps, start_at_one=from_one)))

    [score] = row["scores"]
    assert (score["metric"], score["scale_min"], score["scale_max"]) == ("rating", low, high)
    assert "class" not in score


def test_the_operator_says_which_question_is_which() -> None:
    roles = SurveyRoles(
        roles={
            "csat": "happy | scale(1, 5)",
            "csat_comment": "remark",
            "comment": "why",
            "email": "mail",
            "phone": "tel",
        }
    )
    row = read(
        responses(F1=roles),
        response(
            answer("happy", "opinion_scale", 5, steps=5, start_at_one=True),
            NPS,
            answer("remark", "short_text", "good"),
            WHY,
            answer("friend", "email", "friend@x.test"),
            answer("mail", "email", "Mara@X.test"),
            answer("tel", "phone_number", "089 5550166"),
        ),
    )

    assert [(one["question"], one["metric"], one["class"]) for one in row["scores"]] == [
        ("happy", "csat", "satisfied"),
        ("likely", "nps", "promoter"),
    ]
    assert row["comment"] == {"text": "fast 👍"}
    assert row["respondent"] == {
        "refs": [{"namespace": "contact_id", "value": "CRM-003"}],
        "email": "mara@x.test",
        "phone": "+49895550166",
    }


def test_a_role_names_a_question_by_its_ref_or_its_id() -> None:
    roles = SurveyRoles(roles={"csat": "id_happy"})

    [score] = read(responses(F1=roles), response(answer("happy", "opinion_scale", 7, steps=7, start_at_one=True)))[
        "scores"
    ]

    assert (score["metric"], score["scale_max"], score["class"]) == ("csat", "7", "satisfied")


def test_where_the_operator_names_the_nps_another_one_is_a_rating() -> None:
    roles = SurveyRoles(roles={"nps": "product"})
    row = read(responses(F1=roles), response(NPS, answer("product", "nps", 3)))

    assert [(one["question"], one["metric"]) for one in row["scores"]] == [("likely", "rating"), ("product", "nps")]


def test_what_was_carried_goes_before_what_was_typed() -> None:
    row = read(responses(), response(answer("mail", "email", "typed@x.test"), hidden={"email": "sent@x.test"}))

    assert row["respondent"] == {"email": "sent@x.test"}


@pytest.mark.parametrize("raw", [8.5, 11, -2, "often"])
def test_what_is_no_answer_on_the_scale_is_a_fault_of_the_score_alone(raw: Any) -> None:
    mapping = responses()

    values, faults = mapping.read(response(answer("likely", "nps", raw), WHY))

    row = dict(zip(mapping.fields, values, strict=True))
    assert [(fault.field, fault.source) for fault in faults] == [("scores", "likely")]
    assert row["scores"] is ABSENT
    assert row["comment"] == {"text": "fast 👍"}


@pytest.mark.parametrize("raw", [None, "", -1, "-1", "N/A", "n/a"])
def test_no_answer_is_no_score_and_no_fault(raw: Any) -> None:
    row = read(responses(), response(answer("likely", "nps", raw)))

    assert row["scores"] is ABSENT


def test_zero_is_an_answer() -> None:
    [score] = read(responses(), response(answer("likely", "nps", 0)))["scores"]

    assert (score["value"], score["class"]) == ("0", "detractor")


def test_choices_keep_their_codes_and_the_text_beside_them() -> None:
    row = read(
        responses(),
        response(
            {"field": {"ref": "one", "type": "multiple_choice"}, "type": "choice",
             "choice": {"ref": "a", "label": "Apples", "other": None}},
            {"field": {"ref": "many", "type": "multiple_choice"}, "type": "choices",
             "choices": {"refs": ["a", "b"], "labels": ["Apples", "Bread"], "other": "Cheese"}},
            {"field": {"ref": "yes", "type": "yes_no"}, "type": "boolean", "boolean": False},
            {"field": {"ref": "when", "type": "date"}, "type": "date", "date": "2026-11-22"},
        ),
    )  # fmt: skip

    assert row["answers"] == [
        {"question": "many", "values": [{"code": "a", "label": "Apples"}, {"code": "b", "label": "Bread"}],
         "other_text": "Cheese"},
        {"question": "one", "values": [{"code": "a", "label": "Apples"}]},
        {"question": "when", "values": ["2026-11-22"]},
        {"question": "yes", "values": [False]},
    ]  # fmt: skip


def test_columns_of_an_export_are_answers_by_their_codes_and_by_what_a_role_names() -> None:
    roles = SurveyRoles(roles={"nps": "Weiterempfehlung", "comment": "QID1_TEXT"})
    context = Context(connection="survey", label="Files", surveys={"2026": roles})
    mapping = mapped(
        {"key": "id", "answers": "@ | answers(columns)", "respondent.email": "Mail", "context": "@ | context(columns)"},
        kind="response", stream="export", context=context,
    )  # fmt: skip

    row = read(mapping, {"id": "7", "Weiterempfehlung": "10", "QID1_TEXT": "gern", "QID2": "3", "Mail": "m@x.test"})

    assert [(one["question"], one["values"]) for one in row["answers"]] == [
        ("QID1_TEXT", ["gern"]),
        ("QID2", ["3"]),
        ("Weiterempfehlung", ["10"]),
    ]
    assert [(one["metric"], one["class"]) for one in row["scores"]] == [("nps", "promoter")]
    assert row["comment"] == {"text": "gern"}
    assert row["respondent"] == {"email": "m@x.test"}
    assert (row["survey_id"], row["response_id"]) == ("2026", "7")
    assert row["context"]["Mail"] == "m@x.test"


def test_qualtrics_marks_its_nps_question_by_the_group_beside_it() -> None:
    mapping = mapped({"key": "responseId", "answers": "values | answers(columns)"}, kind="response", stream="responses")

    row = read(mapping, {"responseId": "R1", "values": {"QID1": 3, "QID1_NPS_GROUP": 1, "QID2": 4}})

    assert [(one["question"], one["metric"]) for one in row["scores"]] == [("QID1", "nps")]


def test_pages_of_questions_keep_their_rows() -> None:
    mapping = mapped({"key": "id", "answers": "pages | answers(pages)"}, kind="response", stream="responses")
    pages = [
        {
            "questions": [
                {"id": "9", "answers": [{"row_id": "1", "choice_id": "4", "choice_metadata": {"weight": 5}},
                                        {"row_id": "2", "choice_id": "3"}]},
                {"id": "8", "answers": [{"text": "ok"}]},
            ]
        }
    ]  # fmt: skip

    row = read(mapping, {"id": "1", "pages": pages})

    assert [(one["question"], one.get("row")) for one in row["answers"]] == [("8", None), ("9", "1"), ("9", "2")]


def test_a_score_in_a_field_of_its_own_needs_no_answers() -> None:
    mapping = mapped(
        {"key": "id", "scores[nps]": "score | score(nps, 0, 10, high, nps)", "comment": "text", "-scores[csat]":
         "stars | score(csat, 1, 5)"},
        kind="response", stream="responses",
    )  # fmt: skip

    row = read(mapping, {"id": 1, "score": "7", "text": "fine", "stars": 2})

    assert [(one["question"], one["metric"], one["value"], one["class"]) for one in row["scores"]] == [
        ("score", "nps", "7", "passive"),
        ("stars", "csat", "2", "dissatisfied"),
    ]
    assert row["comment"] == {"text": "fine"}


def test_a_metric_may_stand_in_a_field_beside_its_score() -> None:
    mapping = mapped({"key": "id", "scores[by kind]": "score | score(kind)"}, kind="response", stream="responses")

    [score] = read(mapping, {"id": 1, "score": 6, "kind": "CES"})["scores"]

    assert (score["metric"], score["scale_max"], score["class"]) == ("ces", "7", "easy")


def test_every_fault_of_the_roles_is_told_where_it_stands() -> None:
    roles = {
        "nps": "a | scale(1",
        "cmment": "b",
        "happiness": "c | scale(1, 5)",
        "csat": "d | scaled(1, 5)",
        "ces": "e | scale(7, 1)",
    }
    places = {name: Place("crosswalk.yaml", n, 20) for n, name in enumerate(roles, start=1)}

    with pytest.raises(MappingError) as caught:
        responses(F1=SurveyRoles(roles=roles, places=places))

    assert [(fault.code, fault.place.line, fault.place.column) for fault in caught.value.faults] == [
        ("CW110", 1, 29),
        ("CW107", 2, 20),
        ("CW108", 4, 24),
        ("CW110", 5, 30),
    ]


def test_changed_roles_change_the_print_of_what_they_fill_and_no_other() -> None:
    before, after = responses(), responses(F1=SurveyRoles(roles={"csat": "happy"}))

    changed = {name for name, one, two in zip(before.fields, before.prints, after.prints, strict=True) if one != two}

    assert changed >= {"scores", "comment", "kind"}
    assert not changed & {"status", "completed_at", "context"}
    assert before.fingerprint != after.fingerprint


def test_an_empty_answer_is_no_answer() -> None:
    row = read(responses(), response(hidden={"contact_id": None}, submitted_at=None))

    assert [row[name] for name in ("respondent", "completed_at", "answers")] == [ABSENT, ABSENT, ABSENT]


def test_the_questions_of_a_form_are_named_with_their_scales() -> None:
    mapping = mapped(
        {"questions": "fields | json", "carriers": "hidden | json", "name": "title"}, kind="survey", stream="forms"
    )
    nps = {"id": "F1", "ref": "likely", "title": "How likely?", "type": "nps", "properties": {"steps": 11}}
    stars = {"id": "F3", "type": "rating", "properties": {"steps": 5}, "validations": {"required": True}}
    group = {"id": "F2", "type": "group", "title": "More", "properties": {"fields": [stars]}}

    row = read(mapping, {"title": "NPS", "hidden": ["contact_id", "account_id"], "fields": [nps, group]})

    assert row["carriers"] == ["account_id", "contact_id"]
    assert row["questions"] == [
        {"key": "F2", "position": 2, "type": "other", "text": {"default": "More"}},
        {"key": "F3", "position": 3, "type": "rating", "parent": "F2", "scale_min": "1", "scale_max": "5",
         "direction": "high", "required": True},
        {"key": "likely", "position": 1, "type": "nps", "text": {"default": "How likely?"}, "scale_min": "0",
         "scale_max": "10", "direction": "high", "role": "metric:nps"},
    ]  # fmt: skip


def test_a_scale_stands_on_the_value_of_what_was_picked_where_the_tool_tells_one() -> None:
    """A choice may be called by its words, and count by a number of its own."""
    picked = {
        "field": {"ref": "Q1", "type": "multiple_choice"},
        "type": "choice",
        "choice": {"ref": "5", "label": "Very satisfied", "value": 5},
    }

    row = read(responses(F1=SurveyRoles(roles={"csat": "Q1 | scale(1, 5)"})), response(picked))

    assert [(score["metric"], score["value"], score["class"]) for score in row["scores"]] == [
        ("csat", "5", "satisfied")
    ]
    assert row["answers"] == [{"question": "Q1", "values": [{"code": "5", "label": "Very satisfied"}]}]


def told(*answers: tuple[str, Any]) -> dict[str, Any]:
    return {"id": "R1", "answers": [{"field": {"ref": ref}, "number": number} for ref, number in answers]}


@pytest.mark.parametrize(
    ("held", "arrived", "stands"),
    [
        pytest.param(told(("a", 1), ("b", 2)), told(("b", 2)), told(("a", 1), ("b", 2)), id="sent-no-more"),
        pytest.param(told(("a", 1), ("b", 2)), told(("b", 3), ("a", 9)), told(("a", 1), ("b", 3)), id="read-otherwise"),
        pytest.param(told(("a", 1), ("b", 2)), told(), told(("a", 1)), id="what-is-asked-was-taken-back"),
        pytest.param(told(("a", 1)), {"id": "R1"}, told(("a", 1)), id="no-answers-at-all"),
        pytest.param(told(("b", 1)), told(("b", 2)), None, id="all-is-asked"),
        pytest.param({"id": "R1"}, told(("a", 1)), None, id="nothing-is-held"),
    ],
)
def test_answers_to_what_is_no_longer_asked_stand(held: Any, arrived: Any, stands: Any) -> None:
    assert standing(held, arrived, ["b"]) == stands
