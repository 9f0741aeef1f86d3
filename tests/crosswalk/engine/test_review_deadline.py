"""A conflict that nobody decides: it waits for ever, or until the deadline that the file sets."""

from pathlib import Path
from typing import Any

import pytest

from tests.crosswalk.engine.test_rounds import quiet
from tests.hub import World

FILE = """
connections:
  alpha: {{connector: memory, account: {a}, streams: {{people: {{write: [update]}}}}}}
  beta: {{connector: memory, account: {b}, streams: {{people: {{write: [update]}}}}}}
merge:
  defaults: {{masters: [alpha, beta], on_conflict: [review]}}
guards:
  update: {{at_most: 50, share: 100%}}
{review}
"""
DAY = 24 * 3600


def contested(folder: Path, url: str, review: str = "") -> World:
    """Two edits of one title, alpha's first; R3 opened the conflict."""
    world = World(folder, url, "")
    world.write(FILE.format(a=world.account("alpha"), b=world.account("beta"), review=review))
    for name in ("alpha", "beta"):
        world.remote(name).put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    world.sync()
    world.sync()
    world.remote("alpha").put("people", "1", title="COO")
    world.remote("beta").now = world.remote("alpha").now
    world.remote("beta").put("people", "1", title="Chief")
    assert world.sync()["exit_code"] == 3
    return world


def titles(world: World) -> tuple[Any, ...]:
    return tuple(world.remote(name).of("people", "1")["title"] for name in ("alpha", "beta"))


def later(world: World, days: int) -> None:
    """That many days on, and a run."""
    world.clock.forward(seconds=days * DAY)
    world.sync()
    world.sync()


@pytest.mark.parametrize(
    ("take", "shown", "golden"),
    [
        pytest.param("keep", ("COO", "Chief"), "Buyer", id="each-side-keeps-its-own"),
        pytest.param("hub", ("Buyer", "Buyer"), "Buyer", id="what-the-hub-holds"),
        pytest.param("masters", ("COO", "COO"), "COO", id="the-highest-master"),
        pytest.param("newest", ("Chief", "Chief"), "Chief", id="the-last-edit"),
    ],
)
def test_after_the_deadline_the_file_decides(
    tmp_path: Path, database_url: str, take: str, shown: tuple[str, str], golden: str
) -> None:
    world = contested(tmp_path, database_url, f"review: {{after: 14d, take: {take}}}")

    later(world, 13)
    before = titles(world)
    later(world, 2)

    assert before == ("COO", "Chief")
    assert titles(world) == shown
    with world.open() as hub:
        told = hub.explain("ito@a.test", field="job_title")["fields"][0]
        assert hub.review_list()["conflicts"] == []
    assert (told["value"], told["rule"]) == (golden, "decided by the file: review after 2w")
    assert quiet(world.sync())


def test_it_says_by_when_and_what_holds_then(tmp_path: Path, database_url: str) -> None:
    world = contested(tmp_path, database_url, "review: {after: 14d}")

    with world.open() as hub:
        (one,) = hub.review_list()["conflicts"]

    assert one["due"].startswith("2026-12-08T08:00")
    assert one["default"] == "keep"


def test_without_a_line_it_waits_for_ever(tmp_path: Path, database_url: str) -> None:
    world = contested(tmp_path, database_url)

    later(world, 400)

    with world.open() as hub:
        (one,) = hub.review_list()["conflicts"]
    assert (one["due"], one["default"]) == (None, None)


def test_another_edit_begins_the_wait_anew(tmp_path: Path, database_url: str) -> None:
    world = contested(tmp_path, database_url, "review: {after: 14d, take: masters}")

    later(world, 10)
    world.remote("beta").put("people", "1", title="Head")
    later(world, 10)

    assert titles(world) == ("COO", "Head")
