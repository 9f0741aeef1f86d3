"""A field that somebody deletes at a vendor and makes anew: all of its values are gone, and nobody has cleared one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chaos.inside import answered_by
from tests.crosswalk.changing import Changing

STREAMS: Final = {
    "salesforce": """
    streams:
      contacts: {write: [create, update], create_from: [zoho, pipedrive], hub_id: Crosswalk_Id__c}""",
    "zoho": """
    streams:
      contacts: {write: [create, update], create_from: [salesforce], mapping: {description: CX_NPS_Comment}}""",
    "pipedrive": """
    streams:
      persons:
        write: [create, update]
        create_from: [salesforce]
        hub_id: Crosswalk ID
        mapping: {description: NPS comment | text}""",
}
MERGE: Final = """
merge:
  defaults:
    masters: [salesforce, zoho, pipedrive]
    on_conflict: [newest, masters]
    allow_clear: [salesforce, zoho, pipedrive]"""
PEOPLE: Final = ("Okonkwo", "Bergstrom", "Vandermeer")


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[Changing]:
    made = Changing(tmp_path, database_url, STREAMS, MERGE)
    with answered_by(made.vendors.answer):
        made.sync()
        for name in PEOPLE:
            told = {"FirstName": "Ann", "Email": f"{name}@a.test", "Description": f"note {name}"}
            made.edit("salesforce", "contacts", None, LastName=name, **told)
        made.sync(2)
        yield made


def notes(world: Changing) -> list[Any]:
    contacts = world.there["salesforce"].org.tables["Contact"]
    return [one.get("Description") for one in contacts if one.get("LastName") in PEOPLE]


def in_zoho(world: Changing) -> dict[str, Any]:
    table = world.there["zoho"].account.tables["Contacts"]
    return {one["id"]: one["CX_NPS_Comment"] for one in table if one["Last_Name"] in PEOPLE}


def make_anew_in_zoho(world: Changing) -> None:
    account = world.there["zoho"].account
    fields = account.catalogues["Contacts"].fields
    fields["CX_NPS_Comment"] = replace(fields["CX_NPS_Comment"], id="5545974000000999999")
    table = account.tables["Contacts"]
    for record in list(table):
        table.put(record["id"], {**record, "CX_NPS_Comment": None})
    account.forget_views()


def make_anew_in_pipedrive(world: Changing) -> None:
    """Its key is another one, its label is not."""
    account = world.there["pipedrive"].account
    catalogue = account.catalogues["person"]
    old = next(field for field in catalogue.custom() if field.name == "NPS comment")
    new = replace(old, code="f" * 40)
    catalogue.fields = {code: field for code, field in catalogue.fields.items() if field is not old} | {new.code: new}
    for record in list(account.persons):
        values = {code: value for code, value in record["custom_fields"].items() if code != old.code}
        account.persons.put(record["id"], {**record, "custom_fields": {**values, new.code: None}})
    account.persons.forget_bytes()


def test_a_field_made_anew_is_filled_again_and_clears_nothing(world: Changing) -> None:
    before, shown = notes(world), in_zoho(world)
    make_anew_in_zoho(world)
    for key in shown:
        world.edit("zoho", "Contacts", key, Department="Sales")

    world.sync(2)

    assert (notes(world), in_zoho(world)) == (before, shown)


def test_a_clear_by_somebody_is_one_afterwards(world: Changing) -> None:
    make_anew_in_zoho(world)
    world.sync(2)
    key = next(key for key, note in in_zoho(world).items() if note == "note Bergstrom")

    world.edit("zoho", "Contacts", key, CX_NPS_Comment=None)
    world.sync(2)

    assert notes(world) == ["note Okonkwo", None, "note Vandermeer"]


def test_a_field_made_anew_under_its_label_takes_the_place_of_the_old_one(world: Changing) -> None:
    before = notes(world)
    make_anew_in_pipedrive(world)
    for person in list(world.there["pipedrive"].account.persons):
        if person["last_name"] in PEOPLE:
            world.edit("pipedrive", "persons", str(person["id"]), visible_to=7)

    ran = world.sync(2)

    assert [one["code"] for one in ran["problems"]] == ["CW118"]  # of Zoho, which goes without a hub id here
    assert notes(world) == before
    persons = world.there["pipedrive"].account.persons
    assert [one["custom_fields"]["f" * 40] for one in persons if one["last_name"] in PEOPLE] == before
