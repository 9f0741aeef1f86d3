"""A vendor whose clock is not the hub's."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.inside import answered_by
from tests.crosswalk.changing import Changing

STREAMS: Final = {
    "salesforce": """
    streams:
      contacts: {write: [create, update, delete], create_from: [zoho], hub_id: Crosswalk_Id__c}""",
    "zoho": """
    streams:
      contacts: {write: [update], on_delete: archive}""",
}
MERGE: Final = "merge: {defaults: {masters: [salesforce, zoho], on_conflict: [masters]}}"


@pytest.mark.parametrize("minutes", [5, -5])
def test_a_delete_against_an_edit_is_for_a_person_whatever_the_vendors_clock_says(
    tmp_path: Path, database_url: str, minutes: int
) -> None:
    world = Changing(tmp_path, database_url, STREAMS, MERGE)
    world.ahead = timedelta(minutes=minutes)
    with answered_by(world.vendors.answer):
        world.sync()
        deleted = world.edit("zoho", "Contacts", None, Last_Name="Zed", First_Name="Ann", Email="zed@a.test")
        world.sync(2)
        org = world.there["salesforce"].org
        (contact,) = (one["Id"] for one in org.tables["Contact"] if one.get("LastName") == "Zed")

        world.edit("salesforce", "contacts", contact, Title="Analyst")
        world.edit("zoho", "Contacts", deleted, **{"$deleted": True})
        with world.open() as hub:
            hub.sync()
            (asked,) = hub.review_list()["conflicts"]

    assert (asked["field"], asked["why"]) == ("record", "deleted there and edited elsewhere")
    assert not org.record(contact).get("IsDeleted")
