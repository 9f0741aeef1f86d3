"""The default currency of an account is changed at its vendor: amounts without one of their own mean something else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chaos.inside import answered_by
from tests.crosswalk.changing import Changing

ACCOUNTS: Final = """
    currency: EUR
    streams:
      accounts: {write: [create, update], create_from: [pipedrive], hub_id: Crosswalk_Id__c}"""
ORGANIZATIONS: Final = """
    streams:
      organizations: {write: [update]}"""
MERGE: Final = "merge: {defaults: {masters: [pipedrive, salesforce], on_conflict: [masters]}}"


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[Changing]:
    made = Changing(tmp_path, database_url, {"salesforce": ACCOUNTS, "pipedrive": ORGANIZATIONS}, MERGE)
    with answered_by(made.vendors.answer):
        made.sync()
        made.edit("pipedrive", "organizations", None, name="Quokka GmbH", annual_revenue=1000)
        made.sync(2)
        assert revenue(made) == 1000
        yield made


def firm(world: Changing) -> Any:
    return next(one for one in world.there["pipedrive"].account.organizations if one["name"] == "Quokka GmbH")


def revenue(world: Changing) -> Any:
    """In Salesforce."""
    accounts = world.there["salesforce"].org.tables["Account"]
    return next(one for one in accounts if one.get("Name") == "Quokka GmbH")["AnnualRevenue"]


def held(world: Changing) -> Any:
    with world.open() as hub:
        (field,) = hub.explain(f"pipedrive/organizations/{firm(world)['id']}", field="annual_revenue")["fields"]
        return field["value"]


def change(world: Changing, currency: str) -> None:
    """Of all users, and so of us who ask: once an hour."""
    world.sleep(3700)
    for user in world.there["pipedrive"].account.users:
        user["default_currency"] = currency


def warned(ran: dict[str, Any]) -> list[str]:
    return [one["code"] for one in ran["problems"] if one["code"] == "CW312"]


def told_in_file(world: Changing, currency: str) -> None:
    streams = {"salesforce": ACCOUNTS, "pipedrive": f"\n    currency: {currency}{ORGANIZATIONS}"}
    world.write(streams, MERGE)


def test_it_is_told_and_changes_no_amount(world: Changing) -> None:
    before = held(world)
    change(world, "USD")

    ran = world.sync(2)

    assert (held(world), revenue(world), firm(world)["annual_revenue"]) == (before, 1000, 1000)
    assert warned(ran) == ["CW312"]
    with world.open() as hub:
        assert warned(hub.check(["pipedrive"])) == ["CW312"]


def test_amounts_that_are_edited_meanwhile_wait_for_a_word(world: Changing) -> None:
    change(world, "USD")
    world.sync()
    world.edit("pipedrive", "organizations", str(firm(world)["id"]), annual_revenue=1200, website="https://q.test")
    world.sync(2)
    assert revenue(world) == 1000

    told_in_file(world, "EUR")
    ran = world.sync(2)

    assert (warned(ran), revenue(world)) == ([], 1200)


def test_it_is_over_once_the_vendor_says_what_it_said(world: Changing) -> None:
    change(world, "USD")
    world.sync()
    world.edit("pipedrive", "organizations", str(firm(world)["id"]), annual_revenue=1200)
    world.sync()

    change(world, "EUR")
    ran = world.sync(2)

    assert (warned(ran), revenue(world)) == ([], 1200)


def test_what_the_file_makes_of_them_waits_in_a_plan(world: Changing) -> None:
    change(world, "USD")
    world.sync()

    told_in_file(world, "USD")
    world.sleep(1200)
    with world.open() as hub:
        ran = hub.sync()

    assert not warned(ran)
    assert (held(world), revenue(world)) == ("1000 USD", 1000)
