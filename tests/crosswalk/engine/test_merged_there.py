"""Records that were merged in the CRM: what still names the one that is gone means the one that is left."""

from pathlib import Path
from typing import Any

import pytest

from crosswalk.engine.said import say
from tests.chaos.invariants import match_again
from tests.hub import World

TEXT = """
connections:
  crm:
    connector: merging
    account: {a}
    streams:
      people: {{write: [update], mapping: {{cx.nps.score: nps}}}}
  forms:
    connector: survey
    account: {b}
    streams: {{answers: }}
guards:
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
"""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    world = World(tmp_path, database_url, "")
    world.write(TEXT.format(a=world.account("crm"), b=world.account("forms")))
    crm = world.remote("crm")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    crm.put("people", "2", name="M. Lindqvist-Berg", email="mara@home.test")
    crm.put("people", "3", name="Ito Sho", email="ito@a.test")
    return world


def answer(world: World, key: str, score: int, **claims: Any) -> None:
    item = {"type": "number", "number": score, "field": {"id": "q1", "ref": "q1", "type": "nps", "title": "Likely?"}}
    world.remote("forms").put("answers", key, survey="S1", answers=[item], **claims)


def score(world: World, key: str) -> Any:
    return world.remote("crm").of("people", key).get("nps")


def quiet(world: World) -> bool:
    totals = world.sync()["totals"]
    return not (totals["written"] or totals["moved"] or totals["waiting"])


def test_an_answer_that_names_a_merged_record_meets_the_one_that_is_left(world: World) -> None:
    world.sync()
    world.remote("crm").merge("people", "2", into="1")
    world.sync()

    answer(world, "a1", 4, contact_id="2")
    world.sync()

    assert score(world, "1") == 4
    assert quiet(world)


def test_an_answer_goes_with_its_record_when_that_is_merged(world: World) -> None:
    answer(world, "a1", 4, contact_id="2")
    world.sync()
    assert (score(world, "1"), score(world, "2")) == (None, 4)

    world.remote("crm").merge("people", "2", into="1")
    world.sync()
    world.sync()

    assert score(world, "1") == 4
    assert quiet(world)


def test_the_newest_answer_counts_whichever_of_the_two_it_names(world: World) -> None:
    answer(world, "a1", 9, contact_id="1")
    world.sync()
    world.remote("crm").merge("people", "2", into="1")
    answer(world, "a2", 2, contact_id="2")
    world.sync()
    world.sync()

    assert score(world, "1") == 2
    assert quiet(world)


def test_merged_and_merged_again_means_the_last(world: World) -> None:
    world.sync()
    world.remote("crm").merge("people", "2", into="1")
    world.sync()
    world.remote("crm").merge("people", "1", into="3")
    world.sync()

    answer(world, "a1", 5, contact_id="2")
    world.sync()

    assert score(world, "3") == 5
    assert quiet(world)


def test_merged_and_merged_again_within_one_round_means_the_last(world: World) -> None:
    world.sync()
    world.remote("crm").merge("people", "2", into="1")
    world.remote("crm").merge("people", "1", into="3")
    answer(world, "a1", 5, contact_id="2")
    world.sync()
    world.sync()

    assert score(world, "3") == 5
    assert quiet(world)


def test_a_record_that_is_left_and_arrives_later_is_met_then(world: World) -> None:
    """The vendor tells of the merge before it shows the record that is left."""
    crm = world.remote("crm")
    world.sync()
    crm.put("people", "9", name="Mara Berg", email="berg@n.test")
    crm.hidden.add("9")
    crm.merge("people", "2", into="9")
    answer(world, "a1", 6, contact_id="2")
    world.sync()

    crm.hidden.clear()
    crm.put("people", "9", title="COO")
    world.sync()
    world.sync()

    assert score(world, "9") == 6
    assert quiet(world)


def test_since_when_a_merged_record_is_one_with_another_is_not_moved_by_an_edit(world: World) -> None:
    world.sync()
    world.remote("crm").merge("people", "2", into="1")
    world.sync()
    before = matched_at(world)
    world.clock.forward(seconds=3600)
    world.remote("crm").put("people", "1", name="Mara Berg")

    world.sync()

    assert matched_at(world) == before


def matched_at(world: World) -> list[Any]:
    with world.open() as hub:
        return [one["matched_at"] for one in hub.explain("crm/people/1")["records"]]


TWO = """
connections:
  crm: {{connector: merging, account: {a}, streams: {{people: }}}}
  other: {{connector: memory, account: {b}, streams: {{people: }}}}
match:
  person: {{rules: [{{same: [emails]}}]{model}}}
"""


@pytest.mark.parametrize("model", [", model: none", ""])
@pytest.mark.parametrize("alike_before", [True, False])
def test_what_was_merged_there_is_one_whatever_a_rule_made_one_before(
    alike_before: bool, model: str, tmp_path: Path, database_url: str
) -> None:
    """Somebody has the address of the one that is left, since then or before, and is not who the other was."""
    world = World(tmp_path, database_url, "")
    world.write(TWO.format(a=world.account("crm"), b=world.account("other"), model=model))
    crm, other = world.remote("crm"), world.remote("other")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    crm.put("people", "2", name="M. Lindqvist-Berg", email="mara@home.test")
    other.put("people", "9", name="Ito Sho", email="m@n.test" if alike_before else "ito@a.test")
    world.sync()
    never_one(world, ("crm", "2"), ("other", "9"))
    world.sync()

    crm.merge("people", "2", into="1")
    world.sync()
    other.put("people", "9", email="m@n.test")
    world.sync()

    homes = whose(world)
    assert homes["crm", "1"] == homes["crm", "2"] != homes["other", "9"]
    with world.open() as hub:
        match_again(hub.house.database)
    world.sync()
    assert whose(world) == homes


def test_a_lead_that_becomes_somebody_who_is_known_is_one_with_them(tmp_path: Path, database_url: str) -> None:
    """Nothing else differs in it, and nothing arrives."""
    world = World(tmp_path, database_url, "")
    text = TWO.replace("people: }}}}\n  other", "people: , leads: }}}}\n  other")
    world.write(text.format(a=world.account("crm"), b=world.account("other"), model=""))
    crm = world.remote("crm")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    crm.put("leads", "7", name="Ito Sho", email="ito@a.test")
    world.sync()
    assert whose(world)["crm", "1"] != whose(world)["crm", "7"]

    crm.put("leads", "7", became="1")
    world.sync()

    assert whose(world)["crm", "1"] == whose(world)["crm", "7"]


@pytest.mark.parametrize("left_out", ["people", "leads"])
def test_a_lead_is_one_with_whom_it_became_whatever_was_not_listed_then(
    left_out: str, tmp_path: Path, database_url: str
) -> None:
    world = World(tmp_path, database_url, "")
    text = TWO.format(a=world.account("crm"), b=world.account("other"), model="")
    crm = world.remote("crm")
    crm.put("people" if left_out == "people" else "leads", "8", name="Rahim Uddin", email="r@padma.test")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    crm.put("leads", "7", name="Ito Sho", email="ito@a.test")
    world.write(text.replace("{people: }", f"{{{left_out}: }}", 1))
    world.sync()

    crm.put("leads", "7", became="1")
    world.sync()
    for listed in ("leads: " if left_out == "people" else "people: ", "people: , leads: "):
        world.write(text.replace("{people: }", f"{{{listed}}}", 1))
        world.sync()

    assert whose(world)["crm", "1"] == whose(world)["crm", "7"]


def never_one(world: World, *ends: tuple[str, str]) -> None:
    """A person says so of two records, each told by system and key."""
    with world.open() as hub, hub.house.database.write() as connection:
        one, other = (
            hub.house.database.run(
                connection,
                "SELECT r.id FROM record r JOIN stream s ON s.id = r.stream WHERE s.connection = ? AND r.rkey = ?",
                end,
            ).scalar()
            for end in ends
        )
        say(hub.house, connection, [(one, other)], "never", who="anna")


def whose(world: World) -> dict[tuple[str, str], str]:
    """By system and key of a record the id of its entity."""
    with world.open() as hub, hub.house.database.read() as connection:
        rows = hub.house.database.run(
            connection,
            "SELECT s.connection, r.rkey, e.public FROM record r JOIN stream s ON s.id = r.stream "
            "JOIN member m ON m.record = r.id JOIN entity e ON e.id = m.entity",
        ).fetchall()
    return {(system, key): public for system, key, public in rows}
