from typing import Any

import pytest

from sandbox.vendors.qualtrics.app import Qualtrics
from tests.sandbox.calls import Caller
from tests.sandbox.vendors.qualtrics.test_surveys import survey


@pytest.fixture
def key(brand: Qualtrics) -> str:
    return survey(brand, "relationship").id


def mailed(caller: Caller, key: str) -> list[Any]:
    found: list[Any] = caller("GET", "/API/v3/distributions", surveyId=key).json["result"]["elements"]
    return found


def history(caller: Caller, key: str, distribution: str) -> list[Any]:
    rows: list[Any] = []
    following = f"/API/v3/distributions/{distribution}/history?surveyId={key}"
    while following:
        result = caller("GET", following).json["result"]
        rows += result["elements"]
        following = (result["nextPage"] or "").removeprefix("http://vendor.test")
    return rows


def test_a_mailing_counts_what_became_of_it(qualtrics: Caller, key: str) -> None:
    for one in mailed(qualtrics, key):
        rows = history(qualtrics, key, one["id"])

        assert one["stats"]["finished"] == sum(row["status"] == "SurveyFinished" for row in rows)
        assert one["stats"]["started"] >= one["stats"]["finished"]
        assert len({row["contactLookupId"] for row in rows}) == len(rows)


def test_a_finished_one_names_its_response(qualtrics: Caller, brand: Qualtrics, key: str) -> None:
    rows = [row for one in mailed(qualtrics, key) for row in history(qualtrics, key, one["id"])]
    finished = [row for row in rows if row["status"] == "SurveyFinished"]

    assert finished
    for row in finished:
        response = brand.responses[key].table.get(row["responseId"])
        assert response is not None
        assert response["values"]["contactId"] == row["contactId"]
        assert row["sentAt"] < row["openedAt"] < row["responseStartedAt"] < row["responseCompletedAt"]


def test_a_list_of_mailings_is_of_one_survey(qualtrics: Caller, brand: Qualtrics, key: str) -> None:
    other = survey(brand, "support").id
    one = mailed(qualtrics, key)[0]["id"]

    assert qualtrics("GET", "/API/v3/distributions").status == 400
    assert one not in [row["id"] for row in mailed(qualtrics, other)]
    assert qualtrics("GET", f"/API/v3/distributions/{one}/history", surveyId=other).status == 404
    assert qualtrics("GET", f"/API/v3/distributions/{one}", surveyId=key).json["result"]["id"] == one


def test_a_contact_has_a_history_of_mails_and_of_responses(qualtrics: Caller, brand: Qualtrics, key: str) -> None:
    rows = [row for one in mailed(qualtrics, key) for row in history(qualtrics, key, one["id"])]
    finished = next(row for row in rows if row["status"] == "SurveyFinished")
    path = f"/API/v3/directories/{brand.directory.id}/contacts/{finished['contactId']}/history"

    mails = qualtrics("GET", path, type="email").json["result"]["elements"]
    answers = qualtrics("GET", path, type="response").json["result"]["elements"]

    assert finished["distributionId"] in [row["distributionId"] for row in mails]
    assert finished["responseId"] in [row["responseId"] for row in answers]
    assert qualtrics("GET", path).status == 400
