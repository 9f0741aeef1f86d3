"""Users of a system who leave it, and to whom something is to belong there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox.web import Call
from tests.chaos.inside import answered_by
from tests.crosswalk.changing import Changing

STREAMS: Final = {
    "salesforce": """
    streams:
      users:
      contacts: {write: [create, update], create_from: [pipedrive], hub_id: Crosswalk_Id__c}""",
    "pipedrive": """
    streams:
      users:
      persons: {write: [update]}""",
}
MERGE: Final = "merge: {defaults: {masters: [pipedrive, salesforce], on_conflict: [masters]}}"
FATIMA: Final = 13  # in Pipedrive


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[Changing]:
    made = Changing(tmp_path, database_url, STREAMS, MERGE)
    with answered_by(made.vendors.answer):
        made.sync()
        yield made


def user(world: Changing, family: str) -> str:
    users = world.there["salesforce"].org.tables["User"]
    return next(str(one["Id"]) for one in users if one.get("LastName") == family)


def ann(world: Changing) -> Any:
    contacts = world.there["salesforce"].org.tables["Contact"]
    return next((one for one in contacts if one.get("LastName") == "Byron"), None)


def new_person(world: Changing) -> str:
    mail = [{"value": "ann@a.test", "label": "work", "primary": True}]
    return world.edit("pipedrive", "persons", None, name="Ann Byron", emails=mail, owner_id=FATIMA)


def phones(number: str) -> list[dict[str, Any]]:
    return [{"value": number, "label": "work", "primary": True}]


def test_who_has_left_owns_nothing_new_and_stops_nothing_else(world: Changing) -> None:
    fatima = user(world, "El Idrissi")
    world.edit("salesforce", "users", fatima, IsActive=False)
    person = new_person(world)
    world.sync(2)
    assert ann(world)["OwnerId"] != fatima

    world.edit("pipedrive", "persons", person, phones=phones("+4989555100"))
    world.sync()
    assert ann(world)["Phone"] == "+4989555100"
    assert world.there["pipedrive"].account.persons.get(int(person))["owner_id"] == FATIMA
    assert not world.sync()["totals"]["written"]

    world.edit("salesforce", "users", fatima, IsActive=True)
    world.sync()
    assert ann(world)["OwnerId"] == fatima


def test_who_leaves_while_something_is_on_its_way_to_them_stops_it_for_one_run(world: Changing) -> None:
    person = new_person(world)
    world.sync(2)
    fatima, jonas = user(world, "El Idrissi"), user(world, "Weber")
    assert ann(world)["OwnerId"] == fatima

    def leaves(vendor: str, call: Call) -> None:
        if vendor == "salesforce" and call.method == "PATCH":
            world.vendors.edit("salesforce", "users", jonas, {"IsActive": False})
            world.vendors.before = lambda _vendor, _call: None

    world.vendors.before = leaves
    world.edit("pipedrive", "persons", person, owner_id=12, phones=phones("+4989555100"))
    world.sync(2)

    assert (ann(world)["OwnerId"], ann(world)["Phone"]) == (fatima, "+4989555100")
    with world.open() as hub:
        assert not hub.dlq_list()["dead_letters"]
