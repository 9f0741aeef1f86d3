"""A deal that is deleted and restored: nothing but what it was joined by says what it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.inside import answered_by
from tests.crosswalk.changing import OPPORTUNITIES, Changing

STREAMS: Final = {
    "salesforce": OPPORTUNITIES,
    "pipedrive": """
    streams:
      deals: {on_delete: unlink, mapping: {stage.stage: '="Qualification"'}}""",
}
MERGE: Final = "merge: {defaults: {masters: [pipedrive, salesforce], on_conflict: [masters]}}"


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[Changing]:
    made = Changing(tmp_path, database_url, STREAMS, MERGE)
    with answered_by(made.vendors.answer):
        made.sync()
        yield made


def names(world: Changing) -> list[str]:
    opportunities = world.there["salesforce"].org.tables["Opportunity"]
    return sorted(one["Name"] for one in opportunities if "whale" in one["Name"])


def test_a_deal_that_was_unlinked_and_is_back_is_the_one_it_was(world: Changing) -> None:
    deal = world.edit("pipedrive", "deals", None, title="A whale", expected_close_date="2026-12-31")
    world.sync(2)
    world.edit("pipedrive", "deals", deal, is_deleted=True)
    world.sync(2)

    world.edit("pipedrive", "deals", deal, is_deleted=False, title="A blue whale")
    world.sync(2)

    assert names(world) == ["A blue whale"]


def test_a_deal_that_was_made_again_meanwhile_is_for_a_person(world: Changing) -> None:
    writes = STREAMS["pipedrive"].replace("{on_delete", "{write: [create], create_from: [salesforce], on_delete")
    mapped = writes.replace("mapping: {", "mapping: {name: {field: title, direction: both}, ")
    world.write({**STREAMS, "pipedrive": mapped}, MERGE)
    deal = world.edit("pipedrive", "deals", None, title="A whale", expected_close_date="2026-12-31")
    world.sync(2)
    world.edit("pipedrive", "deals", deal, is_deleted=True)
    world.sync(2)
    deals = world.there["pipedrive"].account.deals
    assert [one["is_deleted"] for one in deals if one["title"] == "A whale"] == [True, False]

    world.edit("pipedrive", "deals", deal, is_deleted=False)
    world.sync(2)

    assert names(world) == ["A whale"]
    with world.open() as hub:
        (asked,) = hub.review_list()["pairs"]
    assert asked["rule"] == "came back"
