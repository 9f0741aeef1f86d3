from sandbox.vendors.qualtrics.app import Qualtrics
from sandbox.vendors.qualtrics.surveys import Survey
from tests.sandbox.calls import Caller
from tests.sandbox.openapi import Spec
from tests.sandbox.vendors.reference import document

# The document was written down from one survey, so the names within these are that survey's; of it the envelope's
# second half is not described.
_OF_ONE_SURVEY = ("Questions", "Blocks", "SurveyOptions", "ResponseSets", "SurveyFlow", "body.meta is not")


def survey(brand: Qualtrics, kind: str) -> Survey:
    return next(one for one in brand.surveys.values() if one.kind == kind)


def test_surveys_are_listed_with_when_they_were_last_edited(qualtrics: Caller, brand: Qualtrics) -> None:
    result = qualtrics("GET", "/API/v3/surveys").json["result"]

    assert [row["id"] for row in result["elements"]] == list(brand.surveys)
    assert {tuple(row) for row in result["elements"]} == {
        ("id", "name", "ownerId", "lastModified", "creationDate", "isActive")
    }
    assert result["nextPage"] is None


def test_a_page_names_the_next_one_by_its_whole_address(qualtrics: Caller, brand: Qualtrics) -> None:
    for number in range(100):
        made = survey(brand, "study")
        brand.surveys[f"SV_{number:015}"] = Survey(
            id=f"SV_{number:015}", kind="study", name="x", active=False, created=made.created, modified=made.modified,
            questions={}, embedded=(),
        )  # fmt: skip

    first = qualtrics("GET", "/API/v3/surveys").json["result"]
    second = qualtrics("GET", first["nextPage"].removeprefix("http://vendor.test")).json["result"]

    assert (len(first["elements"]), len(second["elements"]), second["nextPage"]) == (100, 3, None)


def test_the_nps_question_is_told_by_its_selector(qualtrics: Caller, brand: Qualtrics) -> None:
    key = survey(brand, "relationship").id

    asked = qualtrics("GET", f"/API/v3/survey-definitions/{key}").json["result"]["Questions"]

    assert [qid for qid, one in asked.items() if (one["QuestionType"], one["Selector"]) == ("MC", "NPS")] == ["QID1"]
    assert list(asked["QID1"]["Choices"]) == [str(n) for n in range(11)]


def test_a_choice_is_exported_by_its_recode_value_and_not_by_its_number(qualtrics: Caller, brand: Qualtrics) -> None:
    key = survey(brand, "support").id

    editor = qualtrics("GET", f"/API/v3/survey-definitions/{key}").json["result"]["Questions"]["QID1"]
    running = qualtrics("GET", f"/API/v3/surveys/{key}").json["result"]["questions"]["QID1"]

    assert (editor["Choices"]["1"]["Display"], editor["RecodeValues"]["1"]) == ("Very satisfied", "5")
    assert running["choices"]["1"]["recode"] == "5"


def test_a_running_survey_counts_its_responses_and_shows_what_it_carries(qualtrics: Caller, brand: Qualtrics) -> None:
    one = survey(brand, "relationship")

    shown = qualtrics("GET", f"/API/v3/surveys/{one.id}").json["result"]

    counts = shown["responseCounts"]
    assert counts["auditable"] + counts["generated"] == len(brand.responses[one.id].table)
    assert shown["embeddedData"] == [{"name": name} for name in one.embedded]
    assert shown["exportColumnMap"]["why"] == {"question": "QID2", "textEntry": "why"}


def test_the_counts_follow_what_is_deleted(qualtrics: Caller, brand: Qualtrics) -> None:
    one = survey(brand, "relationship")
    before = qualtrics("GET", f"/API/v3/surveys/{one.id}").json["result"]["responseCounts"]
    gone = next(row for row in brand.responses[one.id].table if row["values"]["status"] == 0)

    assert qualtrics("DELETE", f"/API/v3/surveys/{one.id}/responses/{gone['responseId']}").status == 200

    after = qualtrics("GET", f"/API/v3/surveys/{one.id}").json["result"]["responseCounts"]
    assert (after["auditable"], after["deleted"]) == (before["auditable"] - 1, before["deleted"] + 1)


def test_a_survey_is_renamed_and_closed(qualtrics: Caller, brand: Qualtrics) -> None:
    key = survey(brand, "support").id

    assert qualtrics("PUT", f"/API/v3/surveys/{key}", {"name": "New", "isActive": False}).status == 200

    row = next(r for r in qualtrics("GET", "/API/v3/surveys").json["result"]["elements"] if r["id"] == key)
    assert (row["name"], row["isActive"], row["lastModified"]) == ("New", False, "2026-11-23T12:00:00Z")
    assert qualtrics("PUT", f"/API/v3/surveys/{key}", {"title": "New"}).status == 400


def test_an_unknown_survey_is_not_found(qualtrics: Caller) -> None:
    reply = qualtrics("GET", "/API/v3/survey-definitions/SV_nope")

    assert (reply.status, reply.json["meta"]["httpStatus"]) == (404, "404 - Not Found")


def test_the_views_are_as_the_published_document_has_them(qualtrics: Caller, brand: Qualtrics) -> None:
    spec = Spec(document("qualtrics", "qualtrics-api-openapi-3.0.json"))
    one = survey(brand, "relationship")
    definition = qualtrics("GET", f"/API/v3/survey-definitions/{one.id}").json
    sent = qualtrics("GET", "/API/v3/distributions", surveyId=one.id).json
    key = sent["result"]["elements"][0]["id"]
    links = qualtrics("GET", f"/API/v3/distributions/{key}/links", surveyId=one.id).json

    for template, body in (
        ("/survey-definitions/{Id}", definition),
        ("/distributions", sent),
        ("/distributions/{DistributionId}/links", links),
    ):
        problems = spec.problems("GET", template, 200, body)
        assert [problem for problem in problems if not any(word in problem for word in _OF_ONE_SURVEY)] == []
