"""What a survey asks, and its answers joined to it."""

from typing import Any

import pytest

from connectors.qualtrics.questions import NOTHING, columns, joined, plain


def definition(**questions: Any) -> Any:
    return {"Questions": questions}


def question(kind: str, selector: str, **more: Any) -> Any:
    return {"QuestionType": kind, "Selector": selector, "QuestionText": "<b>How</b>&nbsp;likely?", **more}


def choices(*labels: str) -> Any:
    return {str(n): {"Display": label} for n, label in enumerate(labels, start=1)}


def test_an_nps_question_is_told_by_its_selector() -> None:
    asked = columns(definition(QID7=question("MC", "NPS", Choices=choices("0"))))

    assert asked["QID7"]["type"] == "nps"
    assert asked["QID7"]["title"] == "How likely?"


def test_the_words_for_a_score_are_no_answer() -> None:
    asked = columns(definition(QID7=question("MC", "NPS")))

    (answer,) = joined({"QID7": 9, "QID7_NPS_GROUP": 3}, asked)

    assert (answer["field"]["ref"], answer["number"]) == ("QID7", 9)


def test_a_choice_is_told_by_its_recode_value() -> None:
    recodes = {"1": "5", "2": "1"}
    asked = columns(definition(QID1=question("MC", "SAVR", Choices=choices("Good", "Bad"), RecodeValues=recodes)))

    (answer,) = joined({"QID1": 5}, asked)

    assert answer["choice"] == {"ref": "5", "label": "Good", "value": 5}


def test_several_choices_and_what_was_typed_beside_one() -> None:
    told = choices("Price", "Other")
    told["2"]["TextEntry"] = "true"
    asked = columns(definition(QID1=question("MC", "MAVR", Choices=told)))

    several, typed = joined({"QID1_2_TEXT": "Colour", "QID1": ["1", "2", "9"]}, asked)

    assert several["choices"] == {"refs": ["1", "2", "9"], "labels": ["Price", "Other", "9"]}
    assert (typed["field"]["ref"], typed["text"]) == ("QID1_2_TEXT", "Colour")
    assert "id" not in typed["field"]  # or a role of QID1 would mean it too


@pytest.mark.parametrize(
    ("codes", "scale"),
    [
        pytest.param({"1": "1", "2": "2", "3": "3"}, ("opinion_scale", 3, True), id="from-one"),
        pytest.param({"1": "0", "2": "1", "3": "2"}, ("opinion_scale", 3, False), id="from-zero"),
        pytest.param({"1": "3", "2": "2", "3": "1"}, ("opinion_scale", 3, True), id="in-any-order"),
        pytest.param({"1": "1", "2": "5", "3": "9"}, ("multiple_choice", None, None), id="with-gaps"),
        pytest.param({"1": "a", "2": "b", "3": "c"}, ("multiple_choice", None, None), id="no-numbers"),
    ],
)
def test_a_matrix_is_a_scale_where_its_answers_are_numbers_without_a_gap(codes: dict[str, str], scale: Any) -> None:
    matrix = question(
        "Matrix", "Likert", Choices=choices("Speed"), Answers=choices("low", "mid", "high"), RecodeValues=codes
    )

    row = columns(definition(QID5=matrix))["QID5_1"]

    assert (row["type"], row.get("steps"), row.get("start_at_one")) == scale
    assert row["title"] == "How likely? - Speed"


def test_a_text_answers_to_its_column_and_to_its_question() -> None:
    asked = columns(definition(QID2=question("TE", "ESTB"), QID3=question("TE", "FORM", Choices=choices("Name"))))

    assert (asked["QID2_TEXT"]["id"], asked["QID2_TEXT"]["type"]) == ("QID2", "long_text")
    assert asked["QID3_1"]["type"] == "short_text"


def test_an_answer_whose_question_is_gone_stays_as_it_came() -> None:
    assert joined({"QID9": 4, "QID8_TEXT": "x", "QID8_DO_1": 2, "startDate": "y"}, NOTHING) == [
        {"field": {"ref": "QID9"}, "type": "number", "number": 4},
        {"field": {"ref": "QID8_TEXT"}, "type": "text", "text": "x"},
    ]


def test_an_empty_answer_is_none() -> None:
    asked = columns(definition(QID1=question("MC", "NPS"), QID2=question("TE", "SL")))

    assert joined({"QID1": None, "QID2_TEXT": ""}, asked) == []


@pytest.mark.parametrize("broken", [None, [], {"Questions": []}, {"Questions": {"QID1": "x"}}, {"Questions": None}])
def test_a_definition_that_says_nothing_has_no_questions(broken: Any) -> None:
    assert columns(broken) == {}


def test_a_question_without_choices_comes_with_a_list_in_their_place() -> None:
    assert columns(definition(QID1=question("MC", "SAVR", Choices=[], RecodeValues=[])))["QID1"]["choices"] == {}


def test_marks_of_the_editor_are_no_text() -> None:
    assert plain('<span style="x">How&nbsp;<br>are</span>  you?') == "How are you?"
