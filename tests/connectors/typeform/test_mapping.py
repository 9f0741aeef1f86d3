"""The default mapping fits the responses as they are."""

from connectors.typeform.connector import TypeformConnector
from mapping.values import ABSENT
from tests.connectors.mappings import compiled
from tests.connectors.typeform.live import pulled


def test_every_line_of_forms_reads_something(live: TypeformConnector) -> None:
    mapping = compiled(live, "forms")
    for page in pulled(live, "forms"):
        for record in page.records:
            row, faults = mapping.read(record.values)

            assert faults == []
            assert None not in row
            assert ABSENT not in row
            assert mapping.key(record.values) == record.key


def test_an_nps_is_found_by_the_type_of_its_question_whatever_the_form(live: TypeformConnector) -> None:
    mapping = compiled(live, "responses")
    metrics: set[str] = set()
    surveys: set[str] = set()
    for page in pulled(live, "responses"):
        for record in page.records:
            row, faults = mapping.read(record.values)
            values = dict(zip(mapping.fields, row, strict=True))

            assert faults == []
            assert mapping.key(record.values) == record.key
            assert values["status"] == "completed"
            surveys.add(str(values["survey_id"]))
            metrics |= {score["metric"] for score in values["scores"] or ()}

    assert "nps" in metrics
    assert surveys == set(live.parts("responses"))
