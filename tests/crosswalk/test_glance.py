"""What can be said of a hub without opening it, and when it has to be opened."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crosswalk.glance import NoGlanceError, open_glance
from crosswalk.store.dialect import Database
from crosswalk.store.migrations import HEAD
from crosswalk.store.reading import Reader, UnreadableError
from tests.hub import World

FILE = """
time_zone: Europe/Berlin
connections:
  alpha: {{connector: memory, account: {account}, schedule: {{every: 1h}}, streams: {{people: }}}}
"""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    world = World(tmp_path, database_url, "")
    world.write(FILE.format(account=world.account("alpha")))
    world.remote("alpha").put("people", "1", name="Mara Lindqvist", email="mara@nordlicht.test")
    return world


def config(world: World) -> Path:
    return world.folder / "crosswalk.yaml"


def has_glance(world: World) -> bool:
    try:
        with open_glance(config(world)):
            return True
    except NoGlanceError:
        return False


def test_it_says_what_the_hub_says(world: World) -> None:
    world.sync()
    with world.open() as hub:
        status, runs, one = hub.status(), hub.runs(1), hub.runs(run="R1")

    with open_glance(config(world)) as glance:
        assert glance.status() == status
        assert glance.runs(1) == runs
        assert glance.runs(run="R1") == one
        assert glance.time_zone.key == "Europe/Berlin"
    assert [one["records"] for one in status["streams"]] == [1]
    assert runs["runs"][0]["read"] == 1


def test_whoever_opens_the_hub_makes_the_next_glance_possible(world: World) -> None:
    assert not has_glance(world)

    with world.open():
        pass

    assert has_glance(world)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("1h", "2h"), id="another-schedule"),
        pytest.param(lambda text: text + "# nothing\n", id="a-comment"),
        pytest.param(lambda text: text + "connections: {}\n", id="a-key-twice"),
        pytest.param(lambda text: text + "\t- [", id="no-yaml"),
        pytest.param(lambda text: "", id="empty"),
    ],
)
def test_a_file_that_has_changed_is_read_as_a_whole(world: World, change: Callable[[str], str]) -> None:
    with world.open():
        pass

    config(world).write_text(change(config(world).read_text()))

    assert not has_glance(world)


@pytest.mark.parametrize("found", ["0", str(HEAD + 1), "9999"])
def test_a_store_of_another_schema_is_left_to_those_who_bring_it_up_or_refuse_it(world: World, found: str) -> None:
    with world.open():
        pass
    database = Database(world.url)
    with database.write() as connection:
        database.run(connection, "UPDATE alembic_version SET version_num = ?", (found,))
    database.close()

    assert not has_glance(world)


def test_a_store_that_fails_in_the_middle_is_left_to_those_who_know_its_faults(world: World) -> None:
    with world.open():
        pass
    database = Database(world.url)
    with database.write() as connection:
        database.run(connection, "ALTER TABLE dead_letter RENAME TO away")
    database.close()

    with pytest.raises(NoGlanceError), open_glance(config(world)) as glance:
        glance.status()


def test_a_look_makes_no_store(tmp_path: Path) -> None:
    (tmp_path / "crosswalk.yaml").write_text("version: 1\nconnections: {}\n")

    with pytest.raises(NoGlanceError), open_glance(tmp_path / "crosswalk.yaml"):
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["crosswalk.yaml"]


def test_the_store_may_be_named_by_a_reference(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    text = config(world).read_text().replace(f"'{world.url}'", "env:STORE_OF_THIS_TEST")
    config(world).write_text(text)
    monkeypatch.setenv("STORE_OF_THIS_TEST", world.url)
    with world.open():
        pass

    assert has_glance(world)
    monkeypatch.delenv("STORE_OF_THIS_TEST")
    assert not has_glance(world)


def test_a_reader_cannot_write(world: World) -> None:
    with world.open():
        pass
    reader = Reader(world.url)

    with pytest.raises(UnreadableError), reader.read() as connection:
        reader.run(connection, "DELETE FROM meta")

    reader.close()
    assert has_glance(world)
