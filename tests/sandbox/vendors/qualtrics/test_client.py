"""A client that others wrote for the real API (qualtrics 0.4.2) drives the sandbox; only its address is changed.

It is no dependency of the tests, since it would bring 55 MB of pyarrow along, which what is used here does without:

    pip install --no-deps qualtrics==0.4.2 pydantic-settings python-dotenv

Not served, since nothing here needs it: imports of responses, the making and deleting of surveys, quotas.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    api = pytest.importorskip("qualtrics.api", reason="pip install --no-deps qualtrics==0.4.2 brings this test back")
    with Sandbox.start(("qualtrics",), seed=7, size=120) as running:
        vendor = running.vendor("qualtrics")
        with api.QualtricsClient(
            api_token=vendor.credentials["api_token"], base_url=f"{vendor.base_url}/API/v3"
        ) as opened:
            yield opened


def test_it_lists_surveys_and_reads_one_in_both_views(client: Any) -> None:
    surveys = list(client.iter_surveys())
    definition = client.survey_definitions.get(surveys[0].id)

    assert [one.is_active for one in surveys] == [True, True, False]
    assert client.get_survey(surveys[0].id)["name"] == definition.survey_name == surveys[0].name
    assert client.survey_definitions.get_flow(surveys[0].id)["Flow"]
    assert client.survey_definitions.get_metadata(surveys[0].id)["SurveyID"] == surveys[0].id


@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "ndjson"])
def test_it_exports_the_responses_of_a_survey(client: Any, kind: str, tmp_path: Path) -> None:
    from qualtrics.api.models import ResponseExportRequest

    key = client.list_surveys().elements[1].id
    options = ResponseExportRequest(format=kind, useLabels=False, allowContinuation=True)

    result = client.export_responses(key, tmp_path, options=options, poll_interval=0)

    with zipfile.ZipFile(result.path) as archive:
        (name,) = archive.namelist()
        assert name.endswith(f".{kind}")
        assert archive.read(name)
    assert result.continuation_token


def test_it_recognises_a_refusal(client: Any) -> None:
    from qualtrics.api.exceptions import QualtricsAPIError

    with pytest.raises(QualtricsAPIError, match="Survey not found") as caught:
        client.get_survey("SV_nope")

    assert caught.value.status_code == 404
