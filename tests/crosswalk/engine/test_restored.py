"""An older store against newer remotes: equal values agree, the rest waits for a person, nobody is made twice."""

import shutil
from pathlib import Path

import pytest

from tests.crosswalk.engine.test_rounds import quiet, settle_down, two
from tests.databases import Makers
from tests.hub import World


@pytest.fixture
def world(tmp_path: Path, databases: Makers) -> World:
    """On SQLite, of which a copy of the file is a backup."""
    with databases.url("sqlite") as url:
        return two(tmp_path, url, alpha="unique")


def file_of(world: World) -> Path:
    return Path(world.url.removeprefix("sqlite:///"))


def test_what_has_happened_since_the_backup_is_found_out(world: World, tmp_path: Path) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ada Byron", email="ada@a.test", title="Countess", phone="+49895550177")
    settle_down(world)
    backup = tmp_path / "backup.db"
    shutil.copy(file_of(world), backup)

    # Known to the store that is lost: an edit that went across, and a person who was made.
    alpha.put("people", "1", title="Analyst")
    beta.put("people", "2", name="Ito Sho", email="ito@a.test")
    world.sync()
    made = len(alpha.rows["people"])
    # Known to nobody: an edit after the last run, and a newcomer.
    beta.put("people", "1", phone="+49895550166")
    beta.put("people", "3", name="Rahim Uddin", email="r.uddin@padma.test")
    before = len(alpha.log), len(beta.log)

    shutil.copy(backup, file_of(world))
    with world.open() as hub:
        told = hub.restored()
    assert told["streams"] == ["alpha/firms", "alpha/people", "beta/firms", "beta/people"]
    with world.open() as hub:
        waiting = hub.sync()
        plan = hub.plan()

    assert (len(alpha.log), len(beta.log)) == before, "nothing is written before a person has seen the plan"
    assert waiting["totals"]["written"] == 0
    wanted = {(one["class"], one["title"], tuple(field["name"] for field in one["fields"])) for one in plan["actions"]}
    assert {(klass, title) for klass, title, _ in wanted} == {("update", "Ada Byron"), ("create", "Rahim Uddin")}
    assert ("update", "Ada Byron", ("phones",)) in wanted

    with world.open() as hub:
        hub.apply(plan["plan"]["id"])
    settle_down(world)
    assert len(alpha.rows["people"]) == made + 1
    assert {row["title"] for row in (alpha.of("people", "1"), beta.of("people", "1"))} == {"Analyst"}
    assert alpha.of("people", "1")["phone"] == "+49895550166"


def test_a_record_that_is_gone_since_is_not_brought_back(world: World, tmp_path: Path) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ada Byron", email="ada@a.test")
    settle_down(world)
    backup = tmp_path / "backup.db"
    shutil.copy(file_of(world), backup)
    alpha.drop("people", "1")
    world.clock.forward(seconds=3 * 24 * 3600)
    world.sync()

    shutil.copy(backup, file_of(world))
    with world.open() as hub:
        hub.restored()
    world.sync()
    world.sync()

    assert not alpha.rows["people"]
    assert quiet(world.sync())


def test_a_store_that_is_at_work_is_left_alone(world: World) -> None:
    settle_down(world)
    with world.open() as hub:
        house = hub.offline
        lease = house.leases.acquire("settle", holder="hub-2:7", seconds=60)
        assert lease is not None
        with pytest.raises(Exception, match="hub-2:7 works with this store"):
            hub.restored()
