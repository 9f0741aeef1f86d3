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


# -- Salesforce -------------------------------------------------------------------------------------------------

CLASSES: Final = {"Okonkwo": "Promoter", "Bergstrom": "Passive", "Vandermeer": "Detractor"}


@pytest.fixture
def classed(tmp_path: Path, database_url: str) -> Iterator[Changing]:
    """The notes of Zoho stand in a custom field of Salesforce."""
    streams = {
        "salesforce": """
    streams:
      contacts:
        write: [update]
        mapping: {description: CX_NPS_Class__c | text}""",
        "zoho": """
    streams:
      contacts: {write: [create, update], create_from: [salesforce]}""",
    }
    merge = MERGE.replace(", pipedrive", "")
    made = Changing(tmp_path, database_url, streams, merge)
    with answered_by(made.vendors.answer):
        made.sync()
        for name, word in CLASSES.items():
            told = {"FirstName": "Ann", "Email": f"{name}@a.test", "CX_NPS_Class__c": word}
            made.edit("salesforce", "contacts", None, LastName=name, **told)
        made.sync(2)
        assert noted(made) == classes(made) == CLASSES
        yield made


def noted(world: Changing) -> dict[str, Any]:
    table = world.there["zoho"].account.tables["Contacts"]
    return {one["Last_Name"]: one["Description"] for one in table if one["Last_Name"] in CLASSES}


def classes(world: Changing) -> dict[str, Any]:
    contacts = world.there["salesforce"].org.tables["Contact"]
    return {one["LastName"]: one.get("CX_NPS_Class__c") for one in contacts if one.get("LastName") in CLASSES}


def touch(world: Changing) -> None:
    for one in list(world.there["salesforce"].org.tables["Contact"]):
        if one.get("LastName") in CLASSES:
            world.edit("salesforce", "contacts", one["Id"], Department="Sales")


@pytest.mark.parametrize("hours", [0, 1, 30], ids=["at-once", "within-the-hour", "after-a-day"])
def test_a_field_of_salesforce_made_anew_is_filled_again_and_clears_nothing(classed: Changing, hours: int) -> None:
    salesforce = classed.there["salesforce"]
    if hours == 1:
        classed.sleep(4000)
        classed.sync()  # who we are there has just been asked
    salesforce.org.make_anew("Contact", "CX_NPS_Class__c", classed.clock())
    salesforce.queries.forget_views()
    classed.sleep(max(0, hours - 1) * 3600)
    touch(classed)

    classed.sync(2)

    assert noted(classed) == CLASSES
    assert classes(classed) == CLASSES


def test_a_clear_by_somebody_in_salesforce_is_one_afterwards(classed: Changing) -> None:
    salesforce = classed.there["salesforce"]
    salesforce.org.make_anew("Contact", "CX_NPS_Class__c", classed.clock())
    salesforce.queries.forget_views()
    classed.sync(2)
    one = next(one for one in salesforce.org.tables["Contact"] if one.get("LastName") == "Bergstrom")

    classed.edit("salesforce", "contacts", one["Id"], CX_NPS_Class__c=None)
    classed.sync(2)

    assert noted(classed) == {**CLASSES, "Bergstrom": None}
