"""Two simulated vendors and the hub between them: CRM context into the survey tool, answers and opt-outs back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import pytest

from crosswalk.app import open_hub
from sandbox.server import RunningVendor, Sandbox
from sandbox.web import Json
from sandbox.world import MARA, SHARMILA

TEXT = """
version: 1
store: {{url: 'sqlite:///{folder}/hub.db'}}
connections:
  pipedrive:
    base_url: {pipedrive}
    auth: {{api_token: env:PIPEDRIVE_API_TOKEN}}
    streams:
      users:
      organizations: {{mapping: {{segment: Segment, account_revenue: annual_revenue | money(EUR)}}}}
      persons:
        write: [update]
        mapping:
          cx.nps.score: NPS score
          # A field that the account has for it.
          consent[email.survey]: NPS comment | optout(no surveys)
  qualtrics:
    data_center: fra1
    base_url: {qualtrics}
    directory: {directory}
    auth: {{api_token: env:QUALTRICS_API_TOKEN}}
    streams:
      surveys:
      responses:
      directory_contacts:
        write: [update]
        mapping:
          owner.name: embeddedData.crm_owner
          company.segment: embeddedData.crm_segment
          company.name: embeddedData.crm_company
          company.account_revenue: embeddedData.crm_revenue | round(0)
merge:
  defaults: {{masters: [pipedrive, qualtrics], on_conflict: [masters], on_foreign_edit: adopt}}
guards:
  update: {{at_most: 5000, share: 100%}}
  clear: {{at_most: 5000, share: 100%}}
"""


_TWICE: Final = 25  # of the people of this world, one who stands in the CRM twice


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("pipedrive", "qualtrics"), seed=7, size=60, limits="lifted") as running:
        yield running


@pytest.fixture(scope="module")
def folder(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub that has read and written everything once."""
    made = tmp_path_factory.mktemp("hub")
    pipedrive, qualtrics = sandbox.vendor("pipedrive"), sandbox.vendor("qualtrics")
    (made / "crosswalk.yaml").write_text(
        TEXT.format(
            folder=made, pipedrive=pipedrive.base_url, qualtrics=qualtrics.base_url,
            directory=qualtrics.credentials["directory"],
        ),
        encoding="utf-8",
    )  # fmt: skip
    (made / ".env").write_text(
        f"PIPEDRIVE_API_TOKEN={pipedrive.credentials['api_token']}\n"
        f"QUALTRICS_API_TOKEN={qualtrics.credentials['api_token']}\n",
        encoding="utf-8",
    )
    assert sync(made)["problems"] == []
    return made


def sync(folder: Path) -> dict[str, Any]:
    with open_hub(folder / "crosswalk.yaml", who="tester") as hub:
        return hub.sync(first_too=True)


def asked(vendor: RunningVendor, method: str, path: str, body: Json = None) -> Json:
    """The vendor's own word, by its own door."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-API-TOKEN": vendor.credentials["api_token"], "Content-Type": "application/json"}
    with urlopen(Request(vendor.base_url + path, data, headers, method=method)) as answer:
        return json.load(answer)


class Both:
    """What the two vendors show."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._pipedrive, self._qualtrics = sandbox.vendor("pipedrive"), sandbox.vendor("qualtrics")
        rows = asked(self._pipedrive, "GET", "/api/v2/personFields?limit=500")["data"]
        self._codes = {row["field_name"]: row["field_code"] for row in rows}
        self.survey = asked(self._qualtrics, "GET", "/API/v3/surveys")["result"]["elements"][0]["id"]

    def person(self, key: str) -> Json:
        return asked(self._pipedrive, "GET", f"/api/v2/persons/{key}")["data"]

    def custom(self, key: str, label: str) -> Json:
        return self.person(key)["custom_fields"][self._codes[label]]

    def of_person(self, person: Json, what: str, field: str) -> Json:
        """A field of the owner or the organization of a person."""
        path = {"owner": f"/v1/users/{person['owner_id']}", "org": f"/api/v2/organizations/{person['org_id']}"}[what]
        return asked(self._pipedrive, "GET", path)["data"][field]

    def contact(self, crm_id: str) -> Json:
        """The contact whose embedded data name this person of the CRM."""
        told = {"filterType": "embeddedData", "embeddedDataKey": "contact_id", "comparison": "eq", "value": crm_id}
        pool = f"/API/v3/directories/{self._qualtrics.credentials['directory']}/contacts"
        (hit,) = asked(self._qualtrics, "POST", f"{pool}/search", {"filter": told})["result"]["elements"]
        return asked(self._qualtrics, "GET", f"{pool}/{hit['id']}")["result"]

    def answer(self, score: int, **embedded: str) -> None:
        values = {"QID1": score, "QID1_NPS_GROUP": 1, **embedded}
        self.sandbox.edit("qualtrics", "responses", None, {"survey": self.survey, "values": values})

    def merge(self, loser: str, survivor: str) -> None:
        asked(self._pipedrive, "PUT", f"/v1/persons/{loser}/merge", {"merge_with_id": int(survivor)})


@pytest.fixture
def both(sandbox: Sandbox) -> Both:
    return Both(sandbox)


def test_owner_and_company_of_the_crm_stand_in_the_embedded_data(folder: Path, both: Both, sandbox: Sandbox) -> None:
    mara = str(sandbox.world.crm_id(sandbox.world.people[MARA]))
    person, contact = both.person(mara), both.contact(mara)

    assert contact["embeddedData"]["crm_owner"] == both.of_person(person, "owner", "name")
    assert contact["embeddedData"]["crm_company"] == both.of_person(person, "org", "name")
    assert contact["embeddedData"]["contact_id"] == mara  # what stood there stays
    sharmila = str(sandbox.world.crm_id(sandbox.world.people[SHARMILA]))
    person, contact = both.person(sharmila), both.contact(sharmila)
    assert contact["embeddedData"]["crm_revenue"] == str(both.of_person(person, "org", "annual_revenue"))
    assert sync(folder)["totals"]["written"] == 0


def test_an_opt_out_given_in_the_survey_tool_reaches_the_crm_and_is_never_taken_back(
    folder: Path, both: Both, sandbox: Sandbox
) -> None:
    mara = str(sandbox.world.crm_id(sandbox.world.people[MARA]))
    contact = both.contact(mara)["contactId"]
    sandbox.edit("qualtrics", "directory_contacts", contact, {"unsubscribed": True})
    sync(folder)
    given = both.custom(mara, "NPS comment")

    sandbox.edit("qualtrics", "directory_contacts", contact, {"unsubscribed": False})
    sync(folder)
    sync(folder)

    assert (given, both.custom(mara, "NPS comment")) == ("no surveys", "no surveys")


def test_an_opt_out_of_the_crm_reaches_the_survey_tool(folder: Path, both: Both, sandbox: Sandbox) -> None:
    sharmila = str(sandbox.world.crm_id(sandbox.world.people[SHARMILA]))
    assert both.contact(sharmila)["directoryUnsubscribed"] is False

    sandbox.edit("pipedrive", "persons", sharmila, {"NPS comment": "no surveys"})
    sync(folder)

    assert both.contact(sharmila)["directoryUnsubscribed"] is True
    assert sync(folder)["totals"]["written"] == 0


def test_an_answer_that_names_a_person_whom_the_crm_has_merged_meets_the_one_that_is_left(
    folder: Path, both: Both, sandbox: Sandbox
) -> None:
    first, again = (str(entry.id) for entry in sandbox.world.crm if entry.person.number == _TWICE)
    both.merge(again, first)
    sync(folder)

    both.answer(1, contact_id=again)
    sync(folder)

    assert both.custom(first, "NPS score") == 1
