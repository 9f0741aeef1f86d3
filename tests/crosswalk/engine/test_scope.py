"""Records that leave the scope of `where`, and come back: neither a delete, nor a reason to make somebody anew."""

from pathlib import Path

import pytest

from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    """Ada is known to alpha and beta, and at rest; then she leaves alpha's scope with a new title."""
    world = two(tmp_path, database_url)
    file = world.folder / "crosswalk.yaml"
    text = file.read_text().replace("on_foreign_edit: review", "on_foreign_edit: adopt")
    file.write_text(text.replace("create_from: [beta]}\n  beta", "create_from: [beta], where: 'scope != out'}\n  beta"))
    for name in ("alpha", "beta"):
        world.remote(name).put("people", "1", name="Ada Byron", email="ada@a.test", title="Countess", scope="in")
    settle_down(world)
    world.remote("alpha").put("people", "1", title="Analyst", scope="out")
    return world


def test_what_leaves_the_scope_is_neither_read_nor_written_nor_made_again(world: World) -> None:
    settle_down(world)
    world.remote("beta").put("people", "1", title="Programmer", phone="+49895550101")
    settle_down(world)

    assert world.remote("beta").of("people", "1")["title"] == "Programmer"
    assert world.remote("alpha").of("people", "1")["title"] == "Analyst"
    assert "phone" not in world.remote("alpha").of("people", "1")
    assert set(world.remote("alpha").rows["people"]) == {"1"}
    with world.open() as hub:
        told = hub.explain("beta/people/1")
    assert [one["state"] for one in told["records"] if one["address"] == "alpha/people/1"] == ["hidden"]


def test_what_comes_back_into_the_scope_is_who_it_was(world: World) -> None:
    settle_down(world)
    world.remote("beta").put("people", "1", title="Programmer", email="ada@b.test")
    settle_down(world)
    world.clock.forward(seconds=400 * 24 * 3600)
    world.remote("alpha").put("people", "1", scope="in")
    settle_down(world)

    with world.open() as hub:
        told = hub.explain("beta/people/1")
    assert {one["address"] for one in told["records"]} == {"alpha/people/1", "beta/people/1"}
    assert world.remote("alpha").of("people", "1")["title"] == world.remote("beta").of("people", "1")["title"]
    assert [len(world.remote(name).rows["people"]) for name in ("alpha", "beta")] == [1, 1]
