"""Scores on their way from a survey tool into the CRM, and back out of it."""

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
    streams:
      firms: {{write: [update], mapping: {{cx.nps.value: nps}}}}
      people: {{write: [update], mapping: {{cx.nps.score: nps}}}}
  forms:
    connector: survey
    account: {b}
    streams: {{answers: }}
cx: {{nps: {{minimum_responses: 2}}}}
guards:
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
"""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    world = World(tmp_path, database_url, "")
    world.write(TEXT.format(a=world.account("crm"), b=world.account("forms")))
    return world


def answer(world: World, key: str, score: int, **claims: Any) -> None:
    item = {"type": "number", "number": score, "field": {"id": "q1", "ref": "q1", "type": "nps", "title": "Likely?"}}
    world.remote("forms").put("answers", key, survey="S1", answers=[item], **claims)


def quiet(world: World) -> bool:
    totals = world.sync()["totals"]
    return not (totals["written"] or totals["moved"] or totals["waiting"])


def test_the_latest_score_of_a_person_is_shown_in_the_crm(world: World) -> None:
    crm = world.remote("crm")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    answer(world, "a1", 9, email="M@N.test")
    world.sync()
    assert crm.of("people", "1")["nps"] == 9

    answer(world, "a2", 3, email="m@n.test")
    world.sync()

    assert crm.of("people", "1")["nps"] == 3
    assert quiet(world)


def test_a_hidden_field_with_the_id_of_the_crm_decides_over_the_address(world: World) -> None:
    crm = world.remote("crm")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    crm.put("people", "2", name="Ito Sho", email="ito@a.test")

    answer(world, "a1", 10, email="m@n.test", contact_id="2")
    world.sync()

    assert (crm.of("people", "1").get("nps"), crm.of("people", "2").get("nps")) == (None, 10)


def test_what_somebody_types_over_a_score_is_written_back(world: World) -> None:
    crm = world.remote("crm")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    answer(world, "a1", 9, email="m@n.test")
    world.sync()

    crm.put("people", "1", nps=1)
    world.sync()

    assert crm.of("people", "1")["nps"] == 9
    assert quiet(world)


def test_a_company_has_the_figure_of_its_people_once_enough_have_answered(world: World) -> None:
    crm = world.remote("crm")
    crm.put("firms", "5", name="Padma Textiles")
    for key, score in (("1", 10), ("2", 0), ("3", 9)):
        crm.put("people", key, name=f"Person {key}", email=f"p{key}@padma.test", firm="5")
        if key == "1":
            answer(world, key, score, email=f"p{key}@padma.test")
            world.sync()
            assert crm.of("firms", "5").get("nps") is None
        answer(world, key, score, email=f"p{key}@padma.test")
    world.sync()

    assert crm.of("firms", "5")["nps"] == Decimal("33.3")
    crm.put("firms", "6", name="Nordlicht Solar")
    crm.put("people", "1", firm="6")
    world.sync()
    assert crm.of("firms", "5")["nps"] == 0
    assert quiet(world)


def test_an_answer_that_came_before_its_person_meets_them_later(world: World) -> None:
    crm = world.remote("crm")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    answer(world, "a1", 7, email="ito@a.test")
    world.sync()

    crm.put("people", "2", name="Ito Sho", email="ito@a.test")
    world.sync()

    assert crm.of("people", "2")["nps"] == 7
    assert quiet(world)


def test_an_answer_whose_hidden_field_names_a_record_not_seen_yet_meets_it_later(world: World) -> None:
    crm = world.remote("crm")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    answer(world, "a1", 8, contact_id="77")
    world.sync()
    answer(world, "a2", 6, contact_id="78")
    world.sync()

    crm.put("people", "77", name="Ito Sho", email="ito@a.test")
    crm.put("people", "78", name="Nasrin Sultana", email="n@padma.test")
    world.sync()

    assert (crm.of("people", "77")["nps"], crm.of("people", "78")["nps"]) == (8, 6)
    assert quiet(world)


def test_two_records_of_one_person_share_what_each_has_answered(world: World) -> None:
    crm = world.remote("crm")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    crm.put("people", "2", name="Mara Lindqvist", email="mara@home.test", phone="+49895550177")
    answer(world, "a1", 9, email="m@n.test")
    answer(world, "a2", 2, email="mara@home.test")
    world.sync()
    assert (crm.of("people", "1")["nps"], crm.of("people", "2")["nps"]) == (9, 2)

    with world.open() as hub:
        hub.review_list()
    crm.put("people", "1", phone="+49895550177")
    world.sync()
    with world.open() as hub:
        (pair,) = hub.review_list()["pairs"]
        hub.review_pair(pair["id"], same=True)
    world.sync()

    assert quiet(world)
    shown = {crm.of("people", key)["nps"] for key in ("1", "2")}
    assert 2 in shown  # the record that stands for her shows her latest answer


def test_a_score_that_was_taken_back_is_not_told_to_stand_there(world: World) -> None:
    crm = world.remote("crm")
    crm.put("people", "1", name="Mara Lindqvist", email="m@n.test", nps=None)
    answer(world, "a1", 9, email="m@n.test")
    run = world.sync()["run"]["id"]
    assert side(world) == (9, "holds")

    with world.open() as hub:
        plan = hub.undo(run)["plan"]["id"]
    with world.open() as hub:
        hub.apply(plan)
        hub.resume("crm/people")
    assert quiet(world)

    assert crm.of("people", "1")["nps"] is None
    assert side(world) == (None, "differs")


def side(world: World) -> tuple[Any, str]:
    """What the CRM shows of Mara's score, as `explain` tells it."""
    with world.open() as hub:
        (field,) = hub.explain("crm/people/1", field="cx.nps.score")["fields"]
    (found,) = field["sides"]
    return found["value"], found["state"]
