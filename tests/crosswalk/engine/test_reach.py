"""What golden says of a person's company, shown in a tool that knows no companies."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.hub import World

TEXT = """
connections:
  crm:
    connector: memory
    account: {a}
    streams: {{firms: , people: }}
  tool:
    connector: survey
    account: {b}
    streams:
      answers:
      people:
        write: [create, update]
        create_from: [crm]
        mapping: {{{lines}}}
guards:
  create: {{at_most: 50, share: 100%}}
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
"""
LINES = "company.name: site, company.cx.nps.value: nps"


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    world = World(tmp_path, database_url, "")
    told(world, LINES)
    crm, tool = world.remote("crm"), world.remote("tool")
    crm.put("firms", "5", name="Padma Textiles")
    crm.put("firms", "6", name="Nordlicht Solar")
    for remote in (crm, tool):
        remote.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    crm.put("people", "1", firm="5")
    return world


def told(world: World, lines: str) -> None:
    world.write(TEXT.format(a=world.account("crm"), b=world.account("tool"), lines=lines))


def quiet(world: World) -> bool:
    totals = world.sync()["totals"]
    return not (totals["written"] or totals["moved"] or totals["waiting"])


def shown(world: World, key: str = "1", field: str = "site") -> Any:
    return world.remote("tool").of("people", key).get(field)


def test_the_name_of_a_persons_company_is_shown(world: World) -> None:
    world.sync()

    assert shown(world) == "Padma Textiles"
    assert quiet(world)


def test_a_company_that_is_renamed_is_shown_by_its_new_name(world: World) -> None:
    world.sync()

    world.remote("crm").put("firms", "5", name="Padma Apparel")
    world.sync()

    assert shown(world) == "Padma Apparel"
    assert quiet(world)


def test_a_person_who_moves_shows_the_new_company_and_follows_the_old_one_no_more(world: World) -> None:
    world.sync()

    world.remote("crm").put("people", "1", firm="6")
    world.sync()
    moved = shown(world)
    world.remote("crm").put("firms", "5", name="Padma Apparel")
    world.sync()

    assert (moved, shown(world)) == ("Nordlicht Solar", "Nordlicht Solar")
    assert quiet(world)


def test_what_somebody_types_over_it_is_written_back(world: World) -> None:
    world.sync()

    world.remote("tool").put("people", "1", site="Elsewhere")
    world.sync()

    assert shown(world) == "Padma Textiles"
    assert quiet(world)


def test_a_record_that_is_made_there_has_it_from_the_start(world: World) -> None:
    world.remote("crm").put("people", "2", name="Ito Sho", email="ito@n.test", firm="6")

    world.sync()

    ((_, _, key, values),) = world.remote("tool").writes("create")
    assert values["site"] == "Nordlicht Solar"
    assert shown(world, key) == "Nordlicht Solar"
    assert quiet(world)


def test_a_company_that_arrives_later_is_shown_then(world: World) -> None:
    crm = world.remote("crm")
    crm.put("people", "1", firm="7")
    world.sync()
    assert shown(world) is None

    crm.put("firms", "7", name="Late Arrivals")
    world.sync()
    world.sync()

    assert shown(world) == "Late Arrivals"
    assert quiet(world)


def test_a_line_that_is_added_later_shows_what_has_long_been_known(world: World) -> None:
    told(world, "job_title: title")
    world.sync()
    assert shown(world) is None

    told(world, LINES)
    world.sync()

    assert shown(world) == "Padma Textiles"
    world.remote("crm").put("firms", "5", name="Padma Apparel")
    world.sync()
    assert shown(world) == "Padma Apparel"
    assert quiet(world)


def test_a_figure_of_the_company_is_shown_with_each_of_its_people(world: World) -> None:
    item = {"type": "number", "number": 10, "field": {"id": "q1", "ref": "q1", "type": "nps", "title": "Likely?"}}
    world.sync()
    assert shown(world, field="nps") is None

    world.remote("tool").put("answers", "a1", survey="S1", answers=[item], email="m@n.test")
    world.sync()

    assert shown(world, field="nps") == Decimal("100")
    assert quiet(world)


def test_it_is_explained_by_the_record_that_it_comes_from(world: World) -> None:
    world.sync()

    with world.open() as hub:
        answer = hub.explain("tool/people/1", field="company.name")

    (field,) = answer["fields"]
    assert (field["value"], field["source"], field["rule"]) == ("Padma Textiles", "crm/firms/5", "of its company")


def test_two_companies_that_become_one_are_shown_as_that_one(world: World) -> None:
    crm = world.remote("crm")
    world.sync()

    crm.put("firms", "5", site="https://padma.test")
    crm.put("firms", "8", name="Padma Textiles Ltd", site="https://padma.test")
    crm.put("people", "1", firm="8")
    world.sync()
    world.sync()

    assert shown(world) in ("Padma Textiles", "Padma Textiles Ltd")
    assert quiet(world)
