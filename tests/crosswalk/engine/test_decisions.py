"""What people have decided, and what happens to it when the world goes on: it holds for what it was about."""

from pathlib import Path
from typing import Any

import pytest

from crosswalk.engine import review
from crosswalk.engine.spoken import AskError
from crosswalk.store import conflicts
from tests.crosswalk.engine.test_removed import delete_in_alpha, world_of
from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    """One person whom both systems know; where both are edited somebody is asked."""
    made = two(tmp_path, database_url)
    path = made.folder / "crosswalk.yaml"
    path.write_text(path.read_text().replace("on_conflict: [masters]", "on_conflict: [review]"))
    for name in ("alpha", "beta"):
        made.remote(name).put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer", phone="+49895550177")
    settle_down(made)
    return made


def titles(world: World) -> tuple[str, str]:
    alpha, beta = (world.remote(name).of("people", "1")["title"] for name in ("alpha", "beta"))
    return alpha, beta


def disagreeing(world: World) -> str:
    """Both are edited, and the two are asked about: the question's name."""
    world.remote("alpha").put("people", "1", title="COO")
    world.remote("beta").put("people", "1", title="Chef")
    world.sync()
    (one,) = asked(world)
    return str(one["id"])


def asked(world: World) -> list[dict[str, Any]]:
    with world.open() as hub:
        found: list[dict[str, Any]] = hub.review_list()["conflicts"]
        return found


def test_who_was_split_is_not_written_what_a_plan_before_that_had_of_the_other(world: World) -> None:
    world.remote("alpha").put("people", "1", title="COO")
    with world.open() as hub:
        plan = hub.plan(force=True)["plan"]["id"]
        hub.part(["beta/people/1"])

    with world.open() as hub:
        done = hub.apply(plan)

    assert done["totals"]["written"] == 0
    settle_down(world)
    assert titles(world) == ("COO", "Buyer")


def test_a_decision_goes_with_the_record_that_was_taken(world: World) -> None:
    question = disagreeing(world)
    with world.open() as hub:
        hub.review_decide(question, take="beta")
        hub.part(["beta/people/1"])

    settle_down(world)

    assert titles(world) == ("COO", "Chef")
    assert asked(world) == []


@pytest.mark.parametrize("take", ["alpha", "beta", "hub", "keep"])
def test_an_edit_after_a_decision_is_asked_about_and_not_written_over(world: World, take: str) -> None:
    question = disagreeing(world)
    with world.open() as hub:
        hub.review_decide(question, take=take)
    world.remote("alpha").put("people", "1", title="CEO")

    settle_down(world)

    (one,) = asked(world)
    assert [side["value"] for side in one["sides"]] == ["CEO", "Chef"]
    assert titles(world) == ("CEO", "Chef")
    with world.open() as hub, pytest.raises(AskError, match="what it was about has changed"):
        hub.review_decide(question, take=take)
    with world.open() as hub:
        hub.review_decide(one["id"], take="alpha")
    settle_down(world)
    assert titles(world) == ("CEO", "CEO")


def test_of_two_people_who_decide_at_once_the_second_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    question = disagreeing(world)
    looked = review._name_sides

    def meanwhile(house: Any, connection: Any, waiting: Any) -> None:
        """Another process, as one that waits for its row finds it: what it has decided is there by now."""
        looked(house, connection, waiting)
        decision = {"take": "side", "value": "COO", "record": None, "who": "anna"}
        assert conflicts.decide(house.database, connection, waiting[0].id, decision, at=house.now())

    monkeypatch.setattr(review, "_name_sides", meanwhile)

    with world.open() as hub, pytest.raises(AskError, match="decided by anna"):
        hub.review_decide(question, take="beta")


def test_who_was_put_away_and_is_erased_by_now_is_not_brought_back(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "archive")
    delete_in_alpha(world)
    run = world.sync()["run"]["id"]
    beta = world.remote("beta")
    assert beta.of("people", "1")["gone"] is True
    with world.open() as hub:
        hub.erase("beta/people/1")

    with world.open() as hub:
        told = hub.undo(run)

    assert (told["actions"], told["coverage"]["cannot"]) == ([], 1)
    (left,) = told["left"]
    assert left["reason"] == "they have been erased since: nothing of them is kept"
    assert (left["record"], left["title"], left["erasure"]) == (None, None, "E1")


def test_who_was_split_is_not_asked_about_again(world: World) -> None:
    with world.open() as hub:
        hub.part(["beta/people/1"])
    settle_down(world)  # and whoever was made for them is not, either
    with world.open() as hub:
        hub.match_anew()
    settle_down(world)

    with world.open() as hub:
        assert hub.review_list()["pairs"] == []
    assert [row["email"] for row in world.remote("alpha").rows["people"].values()] == ["ito@a.test"] * 2


def test_what_was_taken_back_is_not_shown_to_who_made_the_edit_by_way_of_a_duplicate(world: World) -> None:
    alpha = world.remote("alpha")
    alpha.put("people", "2", name="I. Sho", email="sho@b.test")  # nothing is known of a title
    alpha.put("people", "1")  # which so goes on standing for both
    settle_down(world)
    with world.open() as hub:
        hub.unite("alpha/people/2", "alpha/people/1")
    settle_down(world)
    alpha.put("people", "1", title="COO")
    run = world.sync()["run"]["id"]
    assert titles(world) == ("COO", "COO")

    with world.open() as hub:
        done = hub.apply(hub.undo(run)["plan"]["id"])
        for one in done["paused"]:
            hub.resume(one["address"])
    settle_down(world)

    assert titles(world) == ("COO", "Buyer")


@pytest.fixture
def family(tmp_path: Path, database_url: str) -> World:
    """Father and daughter, who share a phone, and whom somebody has called the same."""
    made = two(tmp_path, database_url)
    alpha, beta = made.remote("alpha"), made.remote("beta")
    alpha.put("people", "1", name="Otto Berg", phone="+49895550101", email="otto@senior.test", title="Chairman")
    beta.put("people", "9", name="Olga Berg", phone="+49895550101", email=None, title=None)
    settle_down(made)
    with made.open() as hub:
        hub.review_pair(pair_of(made), same=True)
    settle_down(made)
    assert beta.of("people", "9")["title"] == "Chairman"
    return made


def pair_of(world: World) -> str:
    with world.store() as database, database.read() as connection:
        (number,) = database.run(connection, "SELECT id FROM pair").fetchone()
    return f"M{number}"


def test_never_after_same_gives_back_what_came_of_it(family: World) -> None:
    with family.open() as hub:
        told = hub.review_pair(pair_of(family), same=False)
    settle_down(family)

    assert {(one["record"], one["field"]) for one in told["given_back"]} >= {("beta/people/9", "job_title")}
    beta = family.remote("beta").of("people", "9")
    assert (beta["name"], beta["title"], beta["email"]) == ("Olga Berg", None, None)
    alpha = family.remote("alpha").rows["people"]
    assert sorted(row["name"] for row in alpha.values()) == ["Olga Berg", "Otto Berg"]  # and she is made there
    assert [row.get("email") for row in alpha.values() if row["name"] == "Olga Berg"] == [None]
    with family.open() as hub, pytest.raises(AskError, match="decided like that"):
        hub.review_pair(pair_of(family), same=False)


def test_never_of_two_that_are_one_with_others_asks_who_goes_with_whom(family: World) -> None:
    alpha = family.remote("alpha")
    alpha.put("people", "2", name="Otto Berg", email="otto@senior.test", phone=None)
    settle_down(family)

    with (
        family.open() as hub,
        pytest.raises(AskError, match="one by now, with 1 more: which of them is somebody else") as raised,
    ):
        hub.review_pair(pair_of(family), same=False)

    assert str(raised.value.hint).startswith("crosswalk match split ")


@pytest.fixture
def joined(tmp_path: Path, database_url: str) -> World:
    """Two who were asked about, became one by an edit, and of whom somebody says only then that they are the same."""
    made = two(tmp_path, database_url)
    path = made.folder / "crosswalk.yaml"
    rules = "match: {person: {model: none, rules: [{same: [emails]}, {same: [phones, name.family], then: review}]}}"
    path.write_text(path.read_text().replace("merge:", f"{rules}\nmerge:"))
    alpha, beta = made.remote("alpha"), made.remote("beta")
    alpha.put("people", "1", name="Otto Berg", phone="+49895550101", email="otto@senior.test", title="Chairman")
    beta.put("people", "9", name="Otto Berg", phone="+49895550101", email=None, title=None)
    settle_down(made)
    pair = pair_of(made)
    beta.put("people", "9", email="otto@senior.test")
    settle_down(made)
    assert beta.of("people", "9")["title"] == "Chairman"
    made.clock.forward(seconds=3600)
    with made.open() as hub:
        hub.review_pair(pair, same=True)
    settle_down(made)
    return made


def test_what_was_written_before_somebody_said_the_same_of_who_was_one_already_is_given_back(joined: World) -> None:
    with joined.open() as hub:
        told = hub.part(["beta/people/9"])
    settle_down(joined)

    assert ("beta/people/9", "job_title") in {(one["record"], one["field"]) for one in told["given_back"]}
    assert joined.remote("beta").of("people", "9")["title"] is None


def test_who_was_one_before_somebody_said_so_is_told_as_of_then(joined: World) -> None:
    with joined.open() as hub:
        runs = [one["id"] for one in hub.runs()["runs"] if one["written"]]
        told = hub.explain("alpha/people/1", as_of=runs[0])
        now = hub.explain("alpha/people/1")

    assert {one["address"] for one in told["records"]} == {"alpha/people/1", "beta/people/9"}
    assert "same email" in [one["matched_by"] for one in told["records"]]
    assert "decided by tester" in [one["matched_by"] for one in now["records"]]


def kept(world: World) -> None:
    """What both were edited to stays in each of them."""
    question = disagreeing(world)
    with world.open() as hub:
        hub.review_decide(question, take="keep")
    settle_down(world)
    assert titles(world) == ("COO", "Chef")


def test_what_was_to_stay_in_each_stays_when_a_third_record_is_split_off(world: World) -> None:
    alpha = world.remote("alpha")
    alpha.put("people", "2", name="I. Sho", email="sho@b.test")
    alpha.put("people", "1")  # which so goes on standing for both
    settle_down(world)
    with world.open() as hub:
        hub.unite("alpha/people/2", "alpha/people/1")
    settle_down(world)
    kept(world)

    with world.open() as hub:
        hub.part(["alpha/people/2"])
    settle_down(world)

    assert asked(world) == []
    assert titles(world) == ("COO", "Chef")
    with world.open() as hub:
        (field,) = hub.explain("alpha/people/1", field="title")["fields"]
    assert (field["value"], field["rule"]) == ("Buyer", "decided by tester")
    alpha.put("people", "1", title="CEO")  # of one side alone, after that
    settle_down(world)
    assert titles(world) == ("CEO", "CEO")


@pytest.mark.parametrize("used", [True, False], ids=["used", "not-used-yet"])
def test_of_two_that_were_to_stay_as_they_are_each_is_its_own_once_they_are_parted(world: World, used: bool) -> None:
    question = disagreeing(world)
    with world.open() as hub:
        hub.review_decide(question, take="keep")
    if used:
        settle_down(world)

    with world.open() as hub:
        hub.part(["beta/people/1"])
    settle_down(world)

    with world.open() as hub:
        held = [hub.explain(f"{name}/people/1", field="title")["fields"][0]["value"] for name in ("alpha", "beta")]
    assert (held, asked(world)) == (["COO", "Chef"], [])


@pytest.mark.parametrize("stays", ["alpha/people/2", "alpha/people/1"], ids=["with-the-older", "in-the-newer"])
def test_what_was_to_stay_in_each_goes_with_them_where_they_are_parted_from_a_third(world: World, stays: str) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "2", name="I. Sho", email="sho@b.test")
    alpha.put("people", "1")
    settle_down(world)
    with world.open() as hub:
        hub.unite("alpha/people/2", "alpha/people/1")
    settle_down(world)
    question = disagreeing(world)
    with world.open() as hub:
        hub.review_decide(question, take="keep")
        leaving = ["alpha/people/2"] if stays == "alpha/people/1" else ["alpha/people/1", "beta/people/1"]
        hub.part(leaving)
    settle_down(world)

    assert asked(world) == []
    assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == ("COO", "Chef")


def test_what_was_to_stay_in_each_stays_when_they_come_to_somebody_older(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "3", name="I. Sho", email="sho@b.test", title="Clerk")
    settle_down(world)
    alpha.put("people", "3", title="Head")
    beta.put("people", "3", title="Cook")
    world.sync()
    (one,) = asked(world)
    with world.open() as hub:
        hub.review_decide(one["id"], take="keep")
    settle_down(world)

    with world.open() as hub:
        hub.unite("alpha/people/3", "alpha/people/1")
    settle_down(world)

    assert "job_title" not in {one["field"] for one in asked(world)}
    assert (alpha.of("people", "3")["title"], beta.of("people", "3")["title"]) == ("Head", "Cook")
    assert titles(world) == ("Buyer", "Buyer")
