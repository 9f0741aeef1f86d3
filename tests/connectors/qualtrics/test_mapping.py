"""The default mapping fits what the vendor has."""

from typing import Any

import pytest
import yaml

from connectors.qualtrics.connector import QualtricsConnector
from connectors.sdk.registry import default_mapping
from mapping.compile import Context, compile_mapping
from mapping.language import Line, Place
from mapping.surveys import SurveyRoles
from mapping.values import ABSENT
from tests.connectors.mappings import compiled
from tests.connectors.qualtrics.live import pulled


def rows(live: QualtricsConnector, stream: str, own: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Every record of a stream by the names of its fields; none of them may have a fault."""
    mapping = compiled(live, stream, own)
    found = []
    for page in pulled(live, stream):
        for record in page.records:
            row, faults = mapping.read(record.values)
            assert faults == []
            assert mapping.key(record.values) == record.key
            found.append(dict(zip(mapping.fields, row, strict=True)))
    return found


def test_every_line_of_surveys_reads_something(live: QualtricsConnector) -> None:
    for row in rows(live, "surveys"):
        assert None not in row.values()
        assert ABSENT not in row.values()


def test_the_score_of_a_survey_is_found_in_its_definition(live: QualtricsConnector) -> None:
    roles = {
        question["key"]: (question["role"], question["scale_min"], question["scale_max"])
        for row in rows(live, "surveys")
        for question in row["questions"]
        if "role" in question
    }

    assert roles == {"QID1": ("metric:nps", "0", "10")}


def test_an_nps_is_a_score_with_its_comment_whatever_the_survey(live: QualtricsConnector) -> None:
    found = rows(live, "responses")
    scored = [row for row in found if "nps" in {score["metric"] for score in row["scores"] or ()}]

    assert scored
    assert {score["question"] for row in scored for score in row["scores"]} == {"QID1"}
    assert any(row["comment"] is not ABSENT for row in scored)
    assert {row["survey_id"] for row in found} == set(live.parts("responses"))


def test_what_does_not_count_is_told_and_what_was_given_up_is_partial(live: QualtricsConnector) -> None:
    found = rows(live, "responses")

    assert {"none", "preview", "test", "imported", "spam"} == {row["exclusion"] for row in found}
    assert {"completed", "partial"} == {row["status"] for row in found}
    for row in found:
        assert (row["completed_at"] is ABSENT) == (row["status"] == "partial")


def test_who_answered_is_told_by_ids_and_address(live: QualtricsConnector) -> None:
    claims = [row["respondent"] for row in rows(live, "responses") if row["respondent"] is not ABSENT]

    namespaces = {ref["namespace"] for claim in claims for ref in claim.get("refs", ())}
    assert namespaces == {"extref", "contact_id"}
    assert any(claim.get("tool_contact", "").startswith("CID_") for claim in claims)
    assert any("email" in claim for claim in claims)


def test_a_reference_may_name_a_record_of_another_connection(live: QualtricsConnector) -> None:
    found = rows(live, "responses", {"-respondent.refs[pipedrive]": "embeddedData.contact_id | id"})

    refs = [ref for row in found if row["respondent"] is not ABSENT for ref in row["respondent"].get("refs", ())]
    assert {ref["value"].isdecimal() for ref in refs if ref["namespace"] == "pipedrive"} == {True}


def test_a_scale_of_the_operators_stands_on_recode_values(live: QualtricsConnector) -> None:
    survey = next(row for row in rows(live, "surveys") if row["name"].startswith("Support"))["survey_id"]
    lines = yaml.safe_load(default_mapping(type(live)))["responses -> response"]
    place = Place("mapping.yaml", 1, 1)
    mapping = compile_mapping(
        [Line(target, str(text), place, place) for target, text in lines.items()],
        kind="response",
        stream="responses",
        catalogue=live.fields("responses"),
        context=Context(
            connection="qualtrics",
            label="Qualtrics",
            surveys={survey: SurveyRoles(touchpoint="support", roles={"csat": "QID1 | scale(1, 5)", "ces": "QID2_1"})},
        ),
    )
    seen: set[tuple[str, str]] = set()
    for page in pulled(live, "responses"):
        for record in page.records:
            if record.values["surveyId"] != survey:
                continue
            row, faults = mapping.read(record.values)
            values = dict(zip(mapping.fields, row, strict=True))
            assert faults == []
            labels = {answer["question"]: answer["values"][0] for answer in values["answers"] or ()}
            for score in values["scores"] or ():
                if score["metric"] == "csat":
                    seen.add((score["value"], labels["QID1"]["label"]))

    assert {("5", "Very satisfied"), ("1", "Very dissatisfied")} <= seen
    assert len(seen) == 5


def test_contacts_are_people_with_their_opt_outs(live: QualtricsConnector) -> None:
    found = rows(live, "directory_contacts", {"segment": "embeddedData.segment"})

    denied = [row for row in found if row["consent"]]
    assert denied
    for row in denied:
        (consent,) = row["consent"]
        assert (consent["channel"], consent["purpose"], consent["status"]) == ("email", "survey", "denied")
        assert "captured_at" in consent
    assert {row["segment"] for row in found} == {"Gold", "Silver", "Bronze", None}
    assert any(row["external_ids"] for row in found)


@pytest.mark.parametrize("status", ["completed", "bounced_hard", "suppressed", "sent"])
def test_invitations_have_their_outcome(live: QualtricsConnector, status: str) -> None:
    found = [row for row in rows(live, "distributions") if row["status"] == status]

    assert found
    if status == "completed":
        assert all(row["response"] and row["completed_at"] for row in found)


def test_context_of_the_crm_is_written_into_keys_that_nobody_holds_yet(live: QualtricsConnector) -> None:
    mapping = compiled(
        live,
        "directory_contacts",
        {"owner.name": "embeddedData.crm_owner", "company.account_revenue": "embeddedData.crm_revenue | round(0)"},
    )
    at = {name: place for place, name in enumerate(mapping.fields)}
    wanted = {
        at["owner.name"]: "Jonas Weber",
        at["company.account_revenue"]: {"amount": "1200.5", "currency": "EUR"},
    }

    written = mapping.write(wanted, over={"contactId": "CID_1", "embeddedData": {"segment": "Gold"}})

    assert written["embeddedData"].keys() == {"crm_owner", "crm_revenue"}
    assert written["embeddedData"]["crm_owner"] == "Jonas Weber"
    assert str(written["embeddedData"]["crm_revenue"]) in ("1200", "1201")
