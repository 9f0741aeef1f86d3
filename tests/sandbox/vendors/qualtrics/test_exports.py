import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from sandbox import world as worlds
from sandbox.vendors.qualtrics.app import EXPORTS_PER_MINUTE, Qualtrics
from sandbox.world import World
from tests.sandbox.calls import Caller, Reply
from tests.sandbox.vendors.qualtrics.test_surveys import survey


@pytest.fixture
def path(brand: Qualtrics) -> str:
    return f"/API/v3/surveys/{survey(brand, 'relationship').id}/export-responses"


def finished(caller: Caller, path: str, **options: Any) -> Any:
    """The result of a job that has come to its end."""
    started = caller("POST", path, {"format": "ndjson", **options})
    assert started.status == 200, started.body
    while True:
        result = caller("GET", f"{path}/{started.json['result']['progressId']}").json["result"]
        if result["status"] == "complete":
            return result


def fetched(caller: Caller, path: str, **options: Any) -> Reply:
    return caller("GET", f"{path}/{finished(caller, path, **options)['fileId']}/file")


def unpacked(body: bytes) -> tuple[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        (name,) = archive.namelist()
        return name, archive.read(name)


def rows(caller: Caller, path: str, **options: Any) -> list[Any]:
    _, text = unpacked(fetched(caller, path, **options).body)
    return [json.loads(line) for line in text.splitlines()]


def test_a_job_is_in_progress_before_it_is_complete(qualtrics: Caller, path: str) -> None:
    started = qualtrics("POST", path, {"format": "json"}).json["result"]
    job = f"{path}/{started['progressId']}"

    first, second = (qualtrics("GET", job).json["result"] for _ in range(2))

    assert started["progressId"].startswith("ES_")
    assert (started["status"], first["status"], second["status"]) == ("inProgress", "inProgress", "complete")
    assert "fileId" not in first
    assert qualtrics("GET", f"{path}/{second['fileId']}/file").status == 200


def test_a_file_is_a_zip_with_one_file_named_after_the_survey(qualtrics: Caller, brand: Qualtrics) -> None:
    one = survey(brand, "support")

    reply = fetched(qualtrics, f"/API/v3/surveys/{one.id}/export-responses", format="json")

    name, text = unpacked(reply.body)
    assert name == "Support: how did we do? 🛠 _ 2026.json"
    assert len(json.loads(text)["responses"]) == len(brand.responses[one.id].table)


def test_lines_and_one_object_hold_the_same_responses(qualtrics: Caller, path: str) -> None:
    whole = json.loads(fetched(qualtrics, path, format="json", compress=False).body)

    assert whole["responses"] == rows(qualtrics, path)


def test_an_nps_question_has_a_score_and_a_group(qualtrics: Caller, path: str) -> None:
    given = [row for row in rows(qualtrics, path) if row["values"].get("QID1") == 9]

    assert {(row["values"]["QID1_NPS_GROUP"], row["labels"]["QID1_NPS_GROUP"]) for row in given} == {(3, "Promoter")}
    assert given[0]["displayedValues"]["QID1"] == list(range(11))


def test_a_csv_has_three_rows_of_headings(qualtrics: Caller, path: str) -> None:
    body = fetched(qualtrics, path, format="csv", compress=False, timeZone="Europe/Berlin").body.decode()
    tags, texts, ids, *data = csv.reader(io.StringIO(body))
    by_id = {json.loads(cell)["ImportId"]: nth for nth, cell in enumerate(ids)}

    plain = {row["responseId"]: row for row in rows(qualtrics, path)}
    assert tags[:2] == ["StartDate", "EndDate"]
    assert tags[by_id["QID2_TEXT"]] == "why"
    assert texts[by_id["QID1"]] == "How likely are you to recommend us to a colleague?"
    assert {line[by_id["_recordId"]] for line in data} == plain.keys()
    hers = data[0]
    started = plain[hers[by_id["_recordId"]]]["values"]["startDate"]
    assert hers[by_id["startDate"]] != started[:19].replace("T", " ")  # in the zone that was asked for


def test_labels_stand_for_recode_values_in_a_csv_alone(qualtrics: Caller, brand: Qualtrics) -> None:
    path = f"/API/v3/surveys/{survey(brand, 'support').id}/export-responses"
    body = fetched(qualtrics, path, format="csv", compress=False, useLabels=True).body.decode()
    tags, _, _, *data = csv.reader(io.StringIO(body))

    assert {line[tags.index("csat")] for line in data} <= {
        "", "Very satisfied", "Satisfied", "Neither", "Dissatisfied", "Very dissatisfied",
    }  # fmt: skip
    assert qualtrics("POST", path, {"format": "json", "useLabels": True}).status == 400


def test_the_start_is_included_and_the_end_is_not(qualtrics: Caller, path: str) -> None:
    whole = [row["values"]["recordedDate"] for row in rows(qualtrics, path)]
    middle = whole[len(whole) // 2]

    later = [row["values"]["recordedDate"] for row in rows(qualtrics, path, startDate=middle)]
    earlier = [row["values"]["recordedDate"] for row in rows(qualtrics, path, endDate=middle)]

    assert whole == sorted(whole)
    assert later[0] == middle
    assert earlier + later == whole


def test_a_token_goes_on_where_the_last_export_stopped(qualtrics: Caller, brand: Qualtrics, path: str) -> None:
    key = survey(brand, "relationship").id
    first = finished(qualtrics, path, allowContinuation=True)["continuationToken"]
    qualtrics.later(minutes=5)
    new = brand.edit(qualtrics.now, "responses", None, {"survey": key, "values": {"QID1": 10}})

    found = finished(qualtrics, path, continuationToken=first)
    again = finished(qualtrics, path, continuationToken=found["continuationToken"])

    def ids(result: Any) -> list[str]:
        _, text = unpacked(qualtrics("GET", f"{path}/{result['fileId']}/file").body)
        return [json.loads(line)["responseId"] for line in text.splitlines()]

    assert (ids(found), ids(again)) == ([new], [])


def test_a_token_finds_what_became_visible_late_under_an_older_stamp(
    qualtrics: Caller, brand: Qualtrics, path: str
) -> None:
    key = survey(brand, "relationship").id
    brand.commit_late(timedelta(minutes=10))
    late = brand.edit(qualtrics.now, "responses", None, {"survey": key, "values": {"QID1": 10}})
    qualtrics.later(minutes=1)
    first = finished(qualtrics, path, allowContinuation=True)["continuationToken"]
    qualtrics.later(minutes=10)

    assert [row["responseId"] for row in rows(qualtrics, path, continuationToken=first)] == [late]


@pytest.mark.parametrize("change", [{"format": "json"}, {"limit": 5}], ids=["another-format", "a-limit"])
def test_a_token_is_bound_to_its_options(qualtrics: Caller, path: str, change: dict[str, Any]) -> None:
    held = finished(qualtrics, path, allowContinuation=True)["continuationToken"]

    refused = qualtrics("POST", path, {"format": "ndjson", "continuationToken": held, **change})

    assert (refused.status, refused.json["meta"]["error"]["errorMessage"]) == (
        400,
        "Missing or invalid parameter: continuationToken",
    )


def test_a_token_that_nobody_used_for_two_weeks_is_forgotten(qualtrics: Caller, path: str) -> None:
    held = finished(qualtrics, path, allowContinuation=True)["continuationToken"]
    qualtrics.later(days=15)

    assert qualtrics("POST", path, {"format": "ndjson", "continuationToken": held}).status == 400


def test_a_job_of_last_week_is_gone(qualtrics: Caller, path: str) -> None:
    job = qualtrics("POST", path, {"format": "ndjson"}).json["result"]["progressId"]
    qualtrics.later(days=8)

    assert qualtrics("GET", f"{path}/{job}").status == 404


def test_open_sessions_come_only_when_asked_for_and_alone(qualtrics: Caller, brand: Qualtrics) -> None:
    one = next(key for key, kept in brand.responses.items() if kept.open)
    path = f"/API/v3/surveys/{one}/export-responses"

    open_ones = rows(qualtrics, path, exportResponsesInProgress=True)

    assert {row["responseId"] for row in open_ones} == brand.responses[one].open.keys()
    assert {row["values"]["finished"] for row in open_ones} == {0}
    assert not {row["responseId"] for row in rows(qualtrics, path)} & {row["responseId"] for row in open_ones}


def test_columns_are_chosen_and_an_empty_list_leaves_a_sort_out(qualtrics: Caller, path: str) -> None:
    ids = rows(qualtrics, path, questionIds=[], embeddedDataIds=[], surveyMetadataIds=["_recordId"])

    assert {tuple(row["values"]) for row in ids} == {("_recordId",)}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param({}, "format", id="no-format"),
        pytest.param({"Format": "json"}, "Format", id="names-are-case-sensitive"),
        pytest.param({"format": "pdf"}, "format", id="unknown-format"),
        pytest.param({"format": "json", "startDate": "yesterday"}, "startDate", id="no-date"),
        pytest.param({"format": "json", "startDate": "2026-01-01T00:00:00"}, "startDate", id="no-zone"),
        pytest.param({"format": "csv", "timeZone": "Mars"}, "timeZone", id="unknown-zone"),
        pytest.param({"format": "json", "limit": "5"}, "limit", id="a-number-as-text"),
        pytest.param({"format": "json", "continuationToken": "x"}, "continuationToken", id="unknown-token"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(
    qualtrics: Caller, path: str, body: dict[str, Any], named: str
) -> None:
    reply = qualtrics("POST", path, body)

    assert reply.status == 400
    assert reply.json["meta"]["error"]["errorMessage"] == f"Missing or invalid parameter: {named}"


def test_exports_have_a_limit_of_their_own(world: World) -> None:
    brand = Qualtrics(world)
    caller = Caller(brand, {"x-api-token": brand.credentials["api_token"]})
    path = f"/API/v3/surveys/{survey(brand, 'relationship').id}/export-responses"

    replies = [caller("POST", path, {"format": "json"}) for _ in range(EXPORTS_PER_MINUTE + 1)]

    assert [reply.status for reply in replies[-2:]] == [200, 429]


def test_a_response_is_read_changed_and_deleted_by_its_id(qualtrics: Caller, brand: Qualtrics, path: str) -> None:
    key = survey(brand, "relationship").id
    first = rows(qualtrics, path)[0]
    one = f"/API/v3/surveys/{key}/responses/{first['responseId']}"

    shown = qualtrics("GET", one).json["result"]
    change = {"surveyId": key, "resetRecordedDate": False, "embeddedData": {"segment": "Platinum"}}
    changed = qualtrics("PUT", f"/API/v3/responses/{first['responseId']}", change)

    assert shown == first
    assert changed.status == 200
    after = qualtrics("GET", one).json["result"]["values"]
    assert after == {**first["values"], "segment": "Platinum"}
    assert qualtrics("DELETE", one).status == 200
    assert qualtrics("GET", one).status == 404


def test_an_edit_comes_again_only_where_the_recorded_date_is_reset(
    qualtrics: Caller, brand: Qualtrics, path: str
) -> None:
    key = survey(brand, "relationship").id
    quiet, loud = (row["responseId"] for row in rows(qualtrics, path)[:2])
    token = finished(qualtrics, path, allowContinuation=True)["continuationToken"]
    qualtrics.later(minutes=1)
    updates = [
        {"responseId": quiet, "resetRecordedDate": False, "embeddedData": {"segment": "A"}},
        {"responseId": loud, "resetRecordedDate": True, "embeddedData": {"segment": "B"}},
    ]

    assert qualtrics("POST", f"/API/v3/surveys/{key}/update-responses", {"updates": updates}).status == 200

    found = rows(qualtrics, path, continuationToken=token)
    assert [(row["responseId"], row["values"]["segment"]) for row in found] == [(loud, "B")]


def test_previews_and_tests_are_marked() -> None:
    full = Qualtrics(worlds.make(7, 2000), limits_kept=False)
    seen = {row["values"]["status"] for kept in full.responses.values() for row in kept.table}

    assert {0, 1, 2, 4, 8, 16} == seen
