"""What a delete on one side does to the others, as `on_delete` of its stream says."""

from pathlib import Path
from typing import Any

import pytest

from crosswalk.engine.words import AskError
from tests.crosswalk.engine.test_rounds import quiet, settle_down
from tests.hub import World
from tests.memory.connector import lost

DAY = 25 * 3600
FILE = """
connections:
  alpha:
    connector: memory
    account: {alpha}
    streams:
      people: {{write: [create, update], create_from: [beta]{on_delete}}}
  beta:
    connector: memory
    account: {beta}
    streams:
      people: {{write: [update, delete]}}
merge:
  defaults: {{masters: [alpha, beta], on_conflict: [masters], on_foreign_edit: adopt}}
guards:
  create: {{at_most: 50, share: 100%}}
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
  {delete}
"""


def world_of(folder: Path, url: str, on_delete: str, *, at_most: int = 50) -> World:
    """Ada is known to alpha and beta, Bea as well; all is at rest."""
    world = World(folder, url, "")
    delete = f"delete: {{at_most: {at_most}, share: 100%}}"
    world.write(
        FILE.format(
            alpha=world.account("alpha"),
            beta=world.account("beta"),
            on_delete=f", on_delete: {on_delete}",
            delete=delete,
        )
    )
    for name in ("alpha", "beta"):
        world.remote(name).put("people", "1", name="Ada Byron", email="ada@a.test", title="Countess")
        world.remote(name).put("people", "2", name="Bea Cole", email="bea@b.test", title="Baker")
    settle_down(world)
    return world


def delete_in_alpha(world: World, key: str = "1") -> None:
    """Somebody deletes a record there, and the next run sweeps."""
    world.remote("alpha").drop("people", key)
    world.clock.forward(seconds=DAY)


def put_away(world: World) -> list[str]:
    return [key for op, _, key, _ in world.remote("beta").log if op == "archive"]


def explained(world: World, what: str) -> dict[str, Any]:
    with world.open() as hub:
        return hub.explain(what)


def test_ignore_leaves_the_others_and_makes_nobody_anew(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "ignore")
    delete_in_alpha(world)

    answer = world.sync()

    assert (put_away(world), answer["totals"]["written"], answer["exit_code"]) == ([], 0, 0)
    settle_down(world)
    assert set(world.remote("alpha").rows["people"]) == {"2"}


def test_archive_puts_the_others_away_and_tells_why(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "archive")
    delete_in_alpha(world)

    with world.open() as hub:
        plan = hub.plan()
    (action,) = plan["actions"]
    assert (action["record"], action["class"], action["op"], action["reason"]) == (
        "beta/people/1", "delete", "archive", "deleted in alpha",
    )  # fmt: skip
    answer = world.sync()

    assert (put_away(world), answer["totals"]["written"]) == (["1"], 1)
    settle_down(world)
    assert put_away(world) == ["1"]


def test_the_guard_of_deletes_lets_none_through_by_itself(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "archive", at_most=0)
    delete_in_alpha(world)

    held = world.sync()

    assert (put_away(world), held["exit_code"], held["totals"]["waiting"]) == ([], 3, 1)
    with world.open() as hub:
        plan = hub.plan()["plan"]["id"]
    with world.open() as hub:
        done = hub.apply(plan, approve=["beta/people:delete"])
    assert (put_away(world), done["exit_code"]) == (["1"], 0)
    settle_down(world)


def test_a_record_that_comes_back_before_it_was_let_through_keeps_the_others(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "archive", at_most=0)
    alpha = world.remote("alpha")
    row = dict(alpha.of("people", "1"))
    delete_in_alpha(world)
    world.sync()

    alpha.now = world.clock()
    alpha.put("people", "1", **{name: row[name] for name in ("name", "email", "title")})
    world.sync()

    assert world.sync()["totals"]["waiting"] == 0
    assert put_away(world) == []


def test_a_delete_against_an_edit_is_for_a_person(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "archive")
    world.remote("alpha").drop("people", "1")
    world.clock.forward(seconds=3600)
    world.remote("beta").put("people", "1", title="Analyst")

    answer = world.sync()  # the edit is taken, and was to be written to alpha

    assert (put_away(world), answer["exit_code"]) == ([], 3)
    with world.open() as hub:
        (conflict,) = hub.review_list()["conflicts"]
        with pytest.raises(AskError, match="no value"):
            hub.review_decide(conflict["id"], value="Analyst")
        assert (conflict["field"], conflict["why"]) == ("record", "deleted there and edited elsewhere")
        assert [(one["connection"], one["value"]) for one in conflict["sides"]] == [
            ("alpha", "deleted"),
            ("beta", "there"),
        ]
    assert quiet(world.sync())


@pytest.mark.parametrize(("take", "expected"), [("alpha", ["1"]), ("beta", []), ("keep", [])])
def test_what_a_person_says_of_a_delete_is_done(
    tmp_path: Path, database_url: str, take: str, expected: list[str]
) -> None:
    world = world_of(tmp_path, database_url, "review")
    delete_in_alpha(world)
    asked = world.sync()
    assert (asked["exit_code"], put_away(world)) == (3, [])

    with world.open() as hub:
        (conflict,) = hub.review_list()["conflicts"]
        hub.review_decide(conflict["id"], take=take)
    world.sync()

    assert put_away(world) == expected
    settle_down(world)
    with world.open() as hub:
        assert hub.review_list()["conflicts"] == []


def test_who_is_edited_after_a_person_agreed_to_a_delete_is_asked_about_again(
    tmp_path: Path, database_url: str
) -> None:
    world = world_of(tmp_path, database_url, "review")
    delete_in_alpha(world)
    world.sync()
    with world.open() as hub:
        (first,) = hub.review_list()["conflicts"]
        hub.review_decide(first["id"], take="alpha")
    world.clock.forward(seconds=5)
    world.remote("beta").put("people", "1", title="Head of Analysis")

    world.sync()

    assert put_away(world) == []
    with world.open() as hub:
        (again,) = hub.review_list()["conflicts"]
        assert again["id"] != first["id"]
        hub.review_decide(again["id"], take="alpha")
    world.clock.forward(seconds=5)
    world.sync()
    assert put_away(world) == ["1"]
    settle_down(world)


def test_a_question_goes_when_the_record_is_back(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "review")
    alpha = world.remote("alpha")
    row = dict(alpha.of("people", "1"))
    delete_in_alpha(world)
    world.sync()

    alpha.now = world.clock()
    alpha.put("people", "1", **{name: row[name] for name in ("name", "email", "title")})
    world.sync()

    with world.open() as hub:
        assert hub.review_list()["conflicts"] == []


def test_of_two_in_one_system_the_one_that_is_left_speaks_for_both(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "archive")
    world.remote("alpha").put("people", "3", name="Ada Byron", email="ada@a.test", title="Countess")
    settle_down(world)
    delete_in_alpha(world)

    world.sync()

    assert put_away(world) == []
    settle_down(world)


def test_unlink_lets_the_record_be_made_again(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "unlink")
    delete_in_alpha(world)
    world.sync()
    world.sync()

    alpha = world.remote("alpha")
    assert [row["name"] for key, row in alpha.rows["people"].items() if key != "2"] == ["Ada Byron"]
    assert put_away(world) == []
    settle_down(world)
    assert len(alpha.writes("create")) == 1
    assert len(explained(world, "beta/people/1")["records"]) == 2


def test_who_was_unlinked_is_not_back_since_somebody_edits_what_is_left(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "unlink")
    delete_in_alpha(world)
    settle_down(world)

    world.remote("beta").put("people", "1", title="Analyst")
    settle_down(world)

    assert explained(world, "alpha/people/1")["id"] != explained(world, "beta/people/1")["id"]
    with world.open() as hub:
        assert hub.review_list()["pairs"] == []


@pytest.mark.parametrize(("one", "other"), [("alpha", "beta"), ("beta", "alpha")])
def test_which_of_two_was_deleted_and_unlinked_is_told(tmp_path: Path, database_url: str, one: str, other: str) -> None:
    world = world_of(tmp_path, database_url, "unlink")
    delete_in_alpha(world)
    world.sync()

    with world.open() as hub:
        told = hub.alike(f"{one}/people/1", f"{other}/people/1")

    assert not told["same"]
    assert told["decided_by"] == "alpha/people/1 was deleted there, and unlinked"


def test_who_was_unlinked_and_is_back_is_asked_about_when_made_again(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "unlink")
    delete_in_alpha(world)
    settle_down(world)
    world.remote("beta").put("people", "1", title="Analyst", email="byron@b.test")
    settle_down(world)

    world.remote("alpha").put("people", "1", name="Ada Byron", email="ada@a.test", title="Countess")
    world.sync()

    with world.open() as hub:
        assert "came back" in [pair["rule"] for pair in hub.review_list()["pairs"]]


def test_what_the_hub_puts_away_is_no_delete_by_somebody(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "archive")
    text = (world.folder / "crosswalk.yaml").read_text()
    text = text.replace("{write: [update, delete]}", "{write: [update, delete], on_delete: review}")
    (world.folder / "crosswalk.yaml").write_text(text)
    settle_down(world)
    delete_in_alpha(world)

    world.sync()
    answer = world.sync()

    assert (put_away(world), answer["exit_code"]) == (["1"], 0)
    with world.open() as hub:
        assert hub.review_list()["conflicts"] == []


def test_an_answer_that_is_lost_puts_nobody_away_twice(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "archive")
    beta = world.remote("beta")
    delete_in_alpha(world)
    beta.after = lost
    world.sync()
    beta.after = None

    world.clock.forward(seconds=60)
    settle_down(world)

    assert put_away(world) == ["1"]


def test_check_says_where_nothing_can_follow(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "archive")
    with world.open(looked=False) as hub:
        assert "CW122" not in [one["code"] for one in hub.check()["problems"]]
    file = world.folder / "crosswalk.yaml"
    file.write_text(file.read_text().replace("[update, delete]", "[update]"))

    with world.open(looked=False) as hub:
        assert "CW122" in [one["code"] for one in hub.check()["problems"]]
