"""Records of a hub that are weighed on Spark, as the file may say: the same people, the same pairs for a person."""

from pathlib import Path
from random import Random

import pytest

from crosswalk.engine import likeness
from tests.crosswalk.engine.test_scored import NAMES, pairs, parts, three
from tests.hub import World
from tests.mapping.match.people import FAMILY, GIVEN
from tests.spark import MARKS

pytestmark = MARKS
ON_SPARK = "match:\n  person: {spark: 'local[2]'}"


def load(world: World) -> None:
    """Some in two systems under one phone, some by another name there."""
    draw = Random(3)
    for number in range(40):
        given, family, phone = draw.choice(GIVEN), draw.choice(FAMILY), f"+49895550{number:03}"
        for system in draw.sample(NAMES, draw.randint(1, 2)):
            name = f"{given if draw.random() < 0.8 else draw.choice(GIVEN)} {family}"
            world.remote(system).put("people", str(number), name=name, phone=phone)
    world.sync()


def test_a_first_load_and_a_resolution_on_spark_are_those_of_this_machine(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likeness, "SMALL", 3)
    load(world := three(tmp_path, database_url, ON_SPARK))
    there = parts(world), sorted(one["bits"] for one in pairs(world))

    world = three(tmp_path, database_url)
    with world.open() as hub:
        told = hub.match_anew("person")

    assert (told["joined"], told["parted"]) == (0, 0)
    assert (parts(world), sorted(one["bits"] for one in pairs(world))) == there
    assert any(len(records) == 2 for records in there[0])
