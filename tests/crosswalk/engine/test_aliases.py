"""A record that others of its system name by another key than its own, as the contact of a person account."""

from pathlib import Path

import pytest

from tests.crosswalk.engine.test_rounds import settle_down
from tests.hub import World

FILE = """
connections:
  alpha:
    connector: memory
    account: {account}
    streams:
      people: {{mapping: {{alias: nps}}}}
      firms: {{mapping: {{alias: nps}}}}
  tool: {{connector: survey, account: {tool}, streams: {{answers: }}}}
"""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    made = World(tmp_path, database_url, "")
    made.write(FILE.format(account=made.account("alpha"), tool=made.account("tool")))
    return made


def works_at(world: World, person: str = "1") -> str | None:
    with world.open() as hub:
        fields = {one["name"]: one["value"] for one in hub.explain(f"alpha/people/{person}")["fields"]}
    return fields.get("works_at")


def test_a_reference_by_the_other_key_leads_there_whoever_comes_first(world: World) -> None:
    alpha = world.remote("alpha")
    alpha.put("firms", "f1", name="Firm 1", nps="c1")
    alpha.put("people", "1", name="Ito Sho", firm="c1")
    alpha.put("people", "2", name="Mara Lindqvist", firm="c2")
    settle_down(world)
    assert (works_at(world), works_at(world, "2")) == ("Firm 1", None)

    alpha.put("firms", "f2", name="Firm 2", nps="c2")
    settle_down(world)
    assert works_at(world, "2") == "Firm 2"


def test_a_key_that_moves_on_takes_what_comes_later_with_it(world: World) -> None:
    alpha = world.remote("alpha")
    alpha.put("firms", "f1", name="Firm 1", nps="c1")
    alpha.put("firms", "f2", name="Firm 2")
    settle_down(world)

    alpha.put("firms", "f1", nps=None)
    alpha.put("firms", "f2", nps="c1")
    world.sync()
    alpha.put("people", "1", name="Ito Sho", firm="c1")
    settle_down(world)

    assert works_at(world) == "Firm 2"


def test_a_record_of_that_very_key_goes_first(world: World) -> None:
    alpha = world.remote("alpha")
    alpha.put("firms", "f1", name="Firm 1", nps="f2")
    alpha.put("firms", "f2", name="Firm 2")
    alpha.put("people", "1", name="Ito Sho", firm="f2")
    settle_down(world)

    assert works_at(world) == "Firm 2"


@pytest.mark.parametrize("late", [False, True])
def test_an_answer_finds_who_gave_it_by_the_other_key(world: World, late: bool) -> None:
    nps = {"field": {"id": "q", "ref": "q", "type": "nps"}, "type": "number", "number": 9}
    world.remote("tool").put("answers", "r1", contact_id="c9", survey="S1", answers=[nps])
    if late:
        settle_down(world)
    world.remote("alpha").put("people", "1", name="Ito Sho", nps="c9")
    settle_down(world)

    with world.open() as hub:
        records = hub.explain("alpha/people/1")["records"]
    assert len(records) == 2


def test_a_line_that_names_further_keys_holds_for_what_was_read_before(world: World) -> None:
    file = FILE.format(account=world.account("alpha"), tool=world.account("tool"))
    world.write(file.replace("firms: {mapping: {alias: nps}}", "firms:"))
    world.remote("alpha").put("firms", "f1", name="Firm 1", nps="c1")
    world.remote("alpha").put("people", "1", name="Ito Sho", firm="c1")
    settle_down(world)
    assert works_at(world) is None

    world.write(file)
    settle_down(world)

    assert works_at(world) == "Firm 1"
