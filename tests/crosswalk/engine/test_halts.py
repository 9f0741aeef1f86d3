"""A run that ends in the middle of settling: whoever asks how things are is told, until one comes to its end."""

from pathlib import Path
from typing import Any

import pytest

from crosswalk import spark
from crosswalk.engine import likeness
from crosswalk.problems import Problem, ProblemsError
from crosswalk.settings import rules
from crosswalk.store.codec import iso
from tests.crosswalk.engine.test_scored import three
from tests.hub import World

SPARK = "match:\n  person: {spark: 'spark://nowhere:7077'}"
REFUSED = Problem(code="CW132", text="Spark does not start on spark://nowhere:7077")


@pytest.fixture
def world(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """Of which nothing has been matched: Spark is there, and does not start."""

    def resolve(*_: object, **__: object) -> None:
        raise ProblemsError([REFUSED])

    monkeypatch.setattr(rules, "missing_for_spark", lambda: None)
    monkeypatch.setattr(spark, "resolve", resolve)
    made = three(tmp_path, database_url, SPARK)
    monkeypatch.setattr(likeness, "SMALL", 3)
    for number in range(4):  # so many that not all are looked at each time
        made.remote("alpha").put("people", str(number), name=f"Ann Byron {number}", phone=f"+4989555{number:04}")
    return made


def status(world: World) -> dict[str, Any]:
    with world.open(looked=False) as hub:
        return hub.status()


def test_what_is_not_matched_since_spark_does_not_start_is_told_until_it_is(world: World) -> None:
    assert status(world)["halt"] is None
    begun = int(world.clock().timestamp() * 1000)
    for _ in range(2):
        with pytest.raises(ProblemsError, match="CW132"):
            world.sync()
        world.sleep(600)
    halt = status(world)["halt"]

    world.write(world.folder.joinpath("crosswalk.yaml").read_text().split("\n", 2)[2].replace(SPARK, ""))
    world.sync()

    assert (halt["code"], halt["text"], halt["run"]) == (REFUSED.code, REFUSED.text, "R2")
    assert halt["since"] == iso(begun)
    assert status(world)["halt"] is None
