"""A connection is one account, and one account is one connection."""

from pathlib import Path
from typing import Any

import pytest

from crosswalk import house
from crosswalk.problems import ProblemsError
from crosswalk.store import records
from crosswalk.store.dialect import Database
from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World

HOUR = 3700


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    world = two(tmp_path, database_url)
    for name in ("alpha", "beta"):
        world.remote(name).put("people", "1", name="Ada Byron", email="ada@a.test", title="Countess")
    settle_down(world)
    world.clock.forward(seconds=HOUR)
    return world


def point(world: World, name: str, account: str) -> None:
    """The credentials of a connection lead to another account."""
    file = world.folder / "crosswalk.yaml"
    file.write_text(file.read_text().replace(f"account: {world.account(name)}\n", f"account: {account}\n"))


def states(world: World) -> dict[str, tuple[str, Any]]:
    with world.open() as hub:
        return {one["name"]: (one["state"], one["code"]) for one in hub.status()["connections"]}


def live(world: World) -> int:
    with world.open() as hub:
        house = hub.offline
        with house.database.read() as connection:
            return int(house.database.run(connection, "SELECT count(*) FROM record WHERE state = 0").scalar())


def test_another_account_is_told_at_once_however_lately_the_known_one_was_asked(world: World) -> None:
    settle_down(world)  # asks it
    point(world, "beta", f"{world.folder.name}-test-org")
    world.remote("test-org").put("people", "7", name="Test Test", email="test@t.test")

    answer = world.sync()

    assert [one["code"] for one in answer["problems"] if one["severity"] == "error"] == ["CW207"]
    assert live(world) == 2

    point_back = world.folder / "crosswalk.yaml"
    point_back.write_text(point_back.read_text().replace(f"{world.folder.name}-test-org", world.account("beta")))
    settle_down(world)
    assert states(world) == {"alpha": ("ok", None), "beta": ("ok", None)}


def test_another_account_under_a_known_name_is_not_read(world: World) -> None:
    point(world, "beta", f"{world.folder.name}-test-org")
    world.remote("test-org").put("people", "7", name="Test Test", email="test@t.test")
    world.remote("alpha").put("people", "2", name="Ito Sho", email="ito@a.test")

    answer = world.sync()

    assert answer["exit_code"] == 1
    assert [one["code"] for one in answer["problems"] if one["severity"] == "error"] == ["CW207"]
    assert states(world) == {"alpha": ("ok", None), "beta": ("paused", "CW207")}
    assert live(world) == 3  # two of Ada, and Ito, whom the other connection brought
    assert not world.remote("test-org").log

    point_back = world.account("beta")
    file = world.folder / "crosswalk.yaml"
    file.write_text(file.read_text().replace(f"{world.folder.name}-test-org", point_back))
    with world.open() as hub:
        assert not [one for one in hub.check(["beta"])["problems"] if one["severity"] == "error"]
    settle_down(world)


def test_check_does_not_take_another_account_for_good(world: World) -> None:
    point(world, "beta", f"{world.folder.name}-test-org")

    with world.open() as hub:
        told = hub.check(["beta"])
        again = hub.check(["beta"])

    for answer in (told, again):
        assert "CW207" in [one["code"] for one in answer["problems"]]
    assert states(world)["beta"] == ("paused", "CW207")


def test_of_one_account_under_two_names_neither_is_worked_with(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    point(world, "beta", world.account("alpha"))
    world.remote("alpha").put("people", "1", name="Ada Byron", email="ada@a.test")

    answer = world.sync()

    assert {one["code"] for one in answer["problems"] if one["severity"] == "error"} == {"CW104"}
    assert states(world) == {"alpha": ("paused", "CW104"), "beta": ("paused", "CW104")}
    assert not world.remote("alpha").log


def test_a_stream_that_may_not_be_read_stops_no_other_of_its_connection(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    world.remote("beta").forbidden = {"firms"}
    for name in ("alpha", "beta"):
        world.remote(name).put("people", "1", name="Ada Byron", email="ada@a.test")
    world.remote("alpha").put("people", "1", title="Countess")

    answer = world.sync()

    refused = [(one["code"], one["stream"]) for one in answer["problems"] if one["severity"] == "error"]
    assert (answer["exit_code"], refused) == (1, [("CW204", "beta/firms")])
    assert world.remote("beta").of("people", "1")["title"] == "Countess"

    world.remote("beta").forbidden.clear()
    settle_down(world)


def rename(world: World, old: str, new: str) -> None:
    file = world.folder / "crosswalk.yaml"
    text = file.read_text().replace(f"\n  {old}:", f"\n  {new}:")
    file.write_text(text.replace(f", {old}]", f", {new}]").replace(f"[{old}]", f"[{new}]"))


def test_a_connection_under_a_new_name_is_not_read_before_it_is_called_as_it_was(world: World) -> None:
    rename(world, "beta", "gamma")
    world.remote("beta").put("people", "1", title="Analyst")

    answer = world.sync()
    with world.open() as hub:
        checked = hub.check(["gamma"])

    told = [one for one in answer["problems"] if one["severity"] == "error"]
    assert [(one["code"], one["connection"]) for one in told] == [("CW208", "gamma")]
    assert told[0]["text"] == "gamma is the account of beta, which the file no longer names (1 records)"
    assert "CW208" in [one["code"] for one in checked["problems"]]
    assert states(world) == {"alpha": ("ok", None), "gamma": ("paused", "CW208")}
    assert live(world) == 2
    assert world.sync()["problems"][-1]["hint"] == "call it by its old name again"

    rename(world, "gamma", "beta")
    settle_down(world)
    assert states(world) == {"alpha": ("ok", None), "beta": ("ok", None)}
    assert live(world) == 2


def test_two_names_that_both_have_records_are_not_a_new_name(world: World) -> None:
    """As a store has it that was renamed before anybody looked."""
    rename(world, "beta", "gamma")
    with world.store() as database, database.write() as connection:
        database.run(connection, "UPDATE connection SET account = NULL WHERE name = 'beta'")
    world.sync()
    with world.store() as database, database.write() as connection:
        database.run(
            connection,
            "UPDATE connection SET account = (SELECT account FROM connection WHERE name = 'gamma') WHERE name = 'beta'",
        )
    world.clock.forward(seconds=HOUR)

    assert not [one for one in world.sync()["problems"] if one["severity"] == "error"]


EXPORTS = """
connections:
  {name}:
    connector: files
    path: ./exports
    streams:
      {stream}:
        files: members*.csv
        entity: {entity}
        key: id
        mapping: {{{field}: name}}
"""


def exports(world: World, name: str, stream: str, *, entity: str = "person") -> None:
    field = {"person": "name.full", "company": "name"}[entity]
    world.write(EXPORTS.format(name=name, stream=stream, entity=entity, field=field))


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> World:
    """Two persons of a folder have been read."""
    world = World(tmp_path, database_url, "")
    exports(world, "shop", "members")
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "members.csv").write_text("id,name\n1,Ada Byron\n2,Ito Sho\n")
    world.sync()
    return world


@pytest.mark.parametrize(
    ("name", "stream", "told"),
    [
        ("shop", "customers", ("warning", "customers is new, and the file no longer names members (2 records)")),
        ("store", "members", ("error", "store is the account of shop, which the file no longer names (2 records)")),
        ("store", "suppliers", None),
    ],
    ids=["another stream", "another connection", "another use of the folder"],
)
def test_a_folder_under_a_new_name(shop: World, name: str, stream: str, told: tuple[str, str] | None) -> None:
    exports(shop, name, stream)
    with shop.open() as hub:
        checked = hub.check()
    answer = shop.sync()

    for problems in (checked["problems"], answer["problems"]):
        found = [(one["severity"], one["text"]) for one in problems if one["code"] == "CW208"]
        assert found == ([told] if told else [])
    assert live(shop) == (2 if told and told[0] == "error" else 4)
    assert not [one for one in shop.sync()["problems"] if one["severity"] == "warning"]  # it has records by now


def test_records_of_one_kind_do_not_become_another(shop: World) -> None:
    exports(shop, "shop", "members", entity="company")

    with pytest.raises(ProblemsError) as raised:
        shop.sync()
    with shop.open(looked=False) as hub:
        (told,) = hub.check()["problems"]

    assert raised.value.problems[-1].text == told["text"]
    assert told["text"] == "shop/members holds records of kind person, and is to be read as company"

    exports(shop, "shop", "firms", entity="company")  # another list, which is no new name of the first
    assert not shop.sync()["problems"]
    assert live(shop) == 4


def test_records_under_one_key_are_not_read_under_another(shop: World) -> None:
    path = shop.folder / "crosswalk.yaml"
    before = path.read_text()
    members = shop.folder / "exports" / "members.csv"
    members.write_text("id,name,code\n1,Ada Byron,a\n2,Ito Sho,b\n")
    shop.sync()
    path.write_text(before.replace("key: id", "key: code"))
    members.write_text("id,name,code\n1,Ada King,a\n2,Ito Sho,b\n")

    with pytest.raises(ProblemsError) as raised:
        shop.sync()
    with shop.open(looked=False) as hub:
        (told,) = hub.check()["problems"]

    assert raised.value.problems[-1].text == told["text"]
    assert told["text"] == "shop/members holds records under another key: each row would be a new one"
    assert told["hint"] == "write key: id, or list the rows under another name than members"
    path.write_text(before)
    assert not shop.sync()["problems"]
    assert live(shop) == 2


@pytest.mark.parametrize(("rows", "fits"), [("1,Ada Byron\n2,Ito Sho\n", True), ("a,Ada Byron\nb,Ito Sho\n", False)])
def test_the_column_of_the_key_may_be_renamed(shop: World, rows: str, fits: bool) -> None:
    path = shop.folder / "crosswalk.yaml"
    path.write_text(path.read_text().replace("key: id", "key: number"))
    (shop.folder / "exports" / "members.csv").write_text(f"number,name\n{rows}")

    if fits:
        assert not shop.sync()["problems"]
        assert live(shop) == 2
        return
    with pytest.raises(ProblemsError, match="holds records under another key"):
        shop.sync()


def test_what_records_are_known_by_is_looked_at_once_for_each_key(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def some_rows(database: Database, connection: Any, stream: int, count: int) -> list[tuple[str, dict[str, Any]]]:
        looked.append(stream)
        return records.some_rows(database, connection, stream, count)

    monkeypatch.setattr(house, "some_rows", some_rows)
    shop.sync()
    assert looked
    looked.clear()

    with shop.open() as hub:
        hub.check()
    shop.sync()
    assert not looked

    path = shop.folder / "crosswalk.yaml"
    path.write_text(path.read_text().replace("key: id", "key: [id, name]"))
    with pytest.raises(ProblemsError, match="holds records under another key"):
        shop.sync()
    with pytest.raises(ProblemsError, match="holds records under another key"):
        shop.sync()
