"""A record that its vendor makes another of: a lead becomes a contact, or a deal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from connectors.salesforce.connector import SalesforceConnector
from connectors.sdk import Page, ShapeError, Window
from crosswalk.store.codec import iso
from tests.chaos.inside import answered_by
from tests.crosswalk.changing import OPPORTUNITIES, Changing

LEADS: Final = {
    "salesforce": """
    streams:
      contacts: {write: [update]}
      leads:""",
    "pipedrive": """
    streams:
      persons: {write: [create, update], create_from: [salesforce], hub_id: Crosswalk ID}""",
}
DEALS: Final = {
    "salesforce": OPPORTUNITIES,
    "pipedrive": """
    streams:
      deals: {mapping: {stage.stage: '="Qualification"'}}
      leads: {mapping: {stage.stage: '="Qualification"'}}""",
}
MERGE: Final = "merge: {defaults: {masters: [salesforce, pipedrive], on_conflict: [newest, masters]}}"


@pytest.fixture
def made(tmp_path: Path, database_url: str, request: pytest.FixtureRequest) -> Iterator[Changing]:
    world = Changing(tmp_path, database_url, request.param, MERGE)
    with answered_by(world.vendors.answer):
        yield world


def persons(world: Changing, family: str) -> list[str]:
    return [str(one["id"]) for one in world.there["pipedrive"].account.persons if one["last_name"] == family]


def contacts(world: Changing, family: str) -> list[str]:
    return [one["Id"] for one in world.there["salesforce"].org.tables["Contact"] if one.get("LastName") == family]


def opportunities(world: Changing, name: str) -> list[str]:
    return [one["Id"] for one in world.there["salesforce"].org.tables["Opportunity"] if one["Name"] == name]


def new_lead(world: Changing) -> str:
    """Nothing but a name tells who that is."""
    told = {"LastName": "Quill", "FirstName": "Ada", "Company": "Quill Ltd", "Status": "Open - Not Contacted"}
    return world.edit("salesforce", "leads", None, **told)


def known_lead(world: Changing) -> tuple[str, str]:
    """A new lead, and the person that the hub has made of it."""
    world.sync()
    lead = new_lead(world)
    world.sync(2)
    (person,) = persons(world, "Quill")
    return lead, person


@pytest.mark.parametrize("made", [pytest.param(LEADS, id="salesforce-to-pipedrive")], indirect=True)
def test_the_contact_that_a_lead_became_is_who_the_lead_was(made: Changing) -> None:
    lead, person = known_lead(made)

    made.edit("salesforce", "leads", lead, IsConverted=True)
    made.sync(2)
    made.edit("pipedrive", "persons", person, phones=[{"value": "+4989555100", "label": "work", "primary": True}])
    made.sync(2)

    (contact,) = contacts(made, "Quill")
    assert made.there["salesforce"].org.record(contact)["Phone"] == "+4989555100"
    assert persons(made, "Quill") == [person]


@pytest.mark.parametrize("made", [pytest.param(LEADS, id="salesforce-to-pipedrive")], indirect=True)
def test_what_was_converted_before_the_first_run_is_one_from_the_beginning(made: Changing) -> None:
    lead = new_lead(made)
    made.edit("salesforce", "leads", lead, IsConverted=True)
    (contact,) = contacts(made, "Quill")
    made.edit("salesforce", "contacts", contact, LastName="Quill-Berg", FirstName="A.")

    made.sync()

    with made.open() as hub:
        one, other = (hub.explain(f"salesforce/{key}")["id"] for key in (f"leads/{lead}", f"contacts/{contact}"))
    assert one == other


@pytest.mark.parametrize("made", [pytest.param(DEALS, id="pipedrive-to-salesforce")], indirect=True)
def test_the_deal_that_came_of_a_lead_is_not_made_a_second_time(made: Changing) -> None:
    made.sync()
    lead = next(iter(made.there["pipedrive"].account.leads))["id"]
    made.edit("pipedrive", "leads", lead, title="Whale", expected_close_date="2026-12-31")
    made.sync(2)
    (opportunity,) = opportunities(made, "Whale")

    deal = made.edit("pipedrive", "leads", lead, converted=True)
    made.sync(2)
    made.edit("pipedrive", "deals", deal, title="Blue whale")
    made.sleep(25 * 3600)  # until its keys are listed the lead counts as there
    made.sync(2)

    assert opportunities(made, "Blue whale") == [opportunity]
    assert opportunities(made, "Whale") == []


@pytest.mark.parametrize("made", [pytest.param(LEADS, id="salesforce-to-pipedrive")], indirect=True)
def test_a_contact_that_is_read_and_whose_lead_is_not_yet_is_nobody_new(made: Changing) -> None:
    lead, person = known_lead(made)

    made.edit("salesforce", "leads", lead, IsConverted=True)
    (contact,) = contacts(made, "Quill")
    made.edit("salesforce", "contacts", contact, LastName="Vandermeer", FirstName="Adriana")
    made.vendors.fault("error", vendor="salesforce", status=500, when="before", path="query.*FROM.Lead", count=9)
    made.sync()
    with made.open() as hub:
        [missing] = hub.explain(f"salesforce/contacts/{contact}")["missing"]
    assert missing["reason"] == "it may have been made of one of salesforce/leads, which is to be read first"

    made.vendors.hub.board.clear()
    made.sync(2)

    assert persons(made, "Vandermeer") == [person]
    assert persons(made, "Quill") == []


@pytest.mark.parametrize("made", [pytest.param(LEADS, id="salesforce-to-pipedrive")], indirect=True)
def test_who_waits_for_leads_that_cannot_be_read_is_told(made: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    made.sync(2)
    pull = SalesforceConnector.pull

    def refusing(self: SalesforceConnector, stream: str, window: Window) -> Iterator[Page]:
        if stream == "leads":
            raise ShapeError("Salesforce shows no leads today")
        return pull(self, stream, window)

    def told() -> tuple[list[Any], list[Any]]:
        with made.open() as hub:
            return hub.status()["awaited"], hub.explain("ada@quill.test")["missing"]

    with monkeypatch.context() as closed:
        closed.setattr(SalesforceConnector, "pull", refusing)
        made.edit("salesforce", "contacts", None, LastName="Quill", FirstName="Ada", Email="ada@quill.test")
        made.sync()
        since = iso(int(made.clock().timestamp() * 1000))
        made.sync(3)
        waits, missing = told()

    assert persons(made, "Quill") == []
    assert [(one["stream"], one["creates"], one["since"]) for one in waits] == [("salesforce/leads", 1, since)]
    assert waits[0]["read_to"] < since
    assert [(one["stream"], one["since"]) for one in missing] == [("pipedrive/persons", since)]

    made.sync(2)
    assert (told(), len(persons(made, "Quill"))) == (([], []), 1)
