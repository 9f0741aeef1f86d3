"""Undo: what a run wrote is taken back where it still stands, golden with it, and stays taken back."""

from pathlib import Path
from typing import Any

import pytest

from connectors.sdk.contract import Outcome
from crosswalk.engine.words import AskError
from crosswalk.problems import ProblemsError
from tests.crosswalk.engine.test_removed import delete_in_alpha, world_of
from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World
from tests.memory.connector import Crash, lost


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    return two(tmp_path, database_url)


def undo(world: World, run: str) -> dict[str, Any]:
    with world.open() as hub:
        return hub.undo(run)


def apply(world: World, plan: str, *, resume: bool = True, **more: Any) -> dict[str, Any]:
    """Apply a plan; what that pauses goes on at once."""
    with world.open() as hub:
        done = hub.apply(plan, **more)
        for one in done["paused"]:
            if resume:
                hub.resume(one["address"])
    return done


def take_back(world: World, run: str) -> dict[str, Any]:
    return apply(world, undo(world, run)["plan"]["id"])


def explained(world: World, field: str) -> Any:
    with world.open() as hub:
        return hub.explain("ito@a.test", field=field)["fields"][0]["value"]


@pytest.fixture
def edited(world: World) -> World:
    """A person known to both, whose title was edited in alpha and written to beta by R4."""
    for name in ("alpha", "beta"):
        world.remote(name).put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer", phone="+49895550177")
    settle_down(world)
    world.remote("alpha").put("people", "1", title="COO")
    assert world.sync()["run"]["id"] == "R4"
    assert world.remote("beta").of("people", "1")["title"] == "COO"
    return world


def test_the_plan_is_shown_first_and_nothing_is_written(edited: World) -> None:
    before = len(edited.remote("beta").log)

    told = undo(edited, "R4")

    assert len(edited.remote("beta").log) == before
    assert (told["exit_code"], told["plan"]["state"]) == (3, "open")
    assert told["undoes"]["run"] == "R4"
    assert told["coverage"] == {"restore": 1, "leave": 0, "cannot": 0, "share": 1.0}
    (action,) = told["actions"]
    assert [(one["label"], one["before"], one["after"], one["reason"]) for one in action["fields"]] == [
        ("title", "COO", "Buyer", "as it stood before R4")
    ]
    assert (action["record"], action["class"], told["left"]) == ("beta/people/1", "update", [])


def test_what_was_written_goes_back_and_golden_with_it(edited: World) -> None:
    done = take_back(edited, "R4")

    assert (done["exit_code"], done["totals"]["written"], done["undoes"]) == (0, 1, "R4")
    assert edited.remote("beta").of("people", "1")["title"] == "Buyer"
    assert edited.remote("alpha").of("people", "1")["title"] == "COO"
    assert explained(edited, "title") == "Buyer"


def test_what_was_taken_back_stays_so_with_the_mapping_running(edited: World) -> None:
    take_back(edited, "R4")

    settle_down(edited)
    with edited.open() as hub:
        hub.resync("alpha/people/1")
        hub.resync("beta/people")

    assert edited.remote("beta").of("people", "1")["title"] == "Buyer"
    assert edited.remote("alpha").of("people", "1")["title"] == "COO"
    edited.remote("alpha").put("people", "1", title="CEO")
    edited.sync()
    assert edited.remote("beta").of("people", "1")["title"] == "CEO"
    settle_down(edited)


def test_an_undo_can_be_undone(edited: World) -> None:
    undone = take_back(edited, "R4")

    done = take_back(edited, undone["run"]["id"])

    assert done["totals"]["written"] == 1
    assert edited.remote("beta").of("people", "1")["title"] == "COO"
    assert explained(edited, "title") == "COO"
    settle_down(edited)
    assert edited.remote("beta").of("people", "1")["title"] == "COO"
    take_back(edited, done["run"]["id"])
    assert edited.remote("beta").of("people", "1")["title"] == "Buyer"
    settle_down(edited)


def test_the_streams_that_it_wrote_to_are_paused_until_somebody_says_so(edited: World) -> None:
    done = apply(edited, undo(edited, "R4")["plan"]["id"], resume=False)

    assert [one["address"] for one in done["paused"]] == ["beta/people"]
    with edited.open() as hub, pytest.raises(AskError, match="beta/people is paused"):
        hub.undo(done["run"]["id"])
    edited.remote("alpha").put("people", "1", title="CEO")
    edited.sync()
    assert edited.remote("beta").of("people", "1")["title"] == "Buyer"
    with edited.open() as hub:
        hub.resume("beta/people")
    edited.sync()
    assert edited.remote("beta").of("people", "1")["title"] == "CEO"


def test_a_field_that_was_edited_since_is_left_and_the_others_go_back(edited: World) -> None:
    edited.remote("alpha").put("people", "1", title="CEO", phone="+49895550199")
    run = edited.sync()["run"]["id"]
    edited.remote("beta").put("people", "1", title="Chief")

    told = undo(edited, run)
    apply(edited, told["plan"]["id"])

    assert told["coverage"] == {"restore": 0, "leave": 1, "cannot": 0, "share": 0.0}
    assert [(one["record"], one["field"], one["kind"]) for one in told["left"]] == [
        ("beta/people/1", "job_title", "leave")
    ]
    row = edited.remote("beta").of("people", "1")
    assert (row["title"], row["phone"]) == ("Chief", "+49895550177")


def test_what_is_edited_between_the_plan_and_its_application_is_left(edited: World) -> None:
    plan = undo(edited, "R4")["plan"]["id"]
    edited.remote("beta").put("people", "1", title="Chief")

    done = apply(edited, plan)

    assert (done["totals"]["written"], done["totals"]["moved"]) == (0, 1)
    assert edited.remote("beta").of("people", "1")["title"] == "Chief"
    settle_down(edited)


def test_what_a_later_run_wrote_again_is_left_to_the_undo_of_that_one(edited: World) -> None:
    edited.remote("alpha").put("people", "1", title="CEO")
    later = edited.sync()["run"]["id"]

    told = undo(edited, "R4")

    assert (told["plan"], told["exit_code"]) == (None, 0)
    assert told["left"][0]["reason"] == f"written again by {later}"
    take_back(edited, later)
    take_back(edited, "R4")
    assert edited.remote("beta").of("people", "1")["title"] == "Buyer"
    assert explained(edited, "title") == "Buyer"
    settle_down(edited)


def test_a_gap_that_was_filled_is_empty_again_and_golden_keeps_what_it_had_of_others(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    settle_down(world)
    alpha.put("people", "1", title="COO")
    settle_down(world)
    beta.put("people", "9", name="Ito Sho", email="ito@a.test", title=None)
    run = world.sync()["run"]["id"]
    assert beta.of("people", "9")["title"] == "COO"

    take_back(world, run)

    assert beta.of("people", "9")["title"] is None
    assert explained(world, "job_title") == "COO"
    settle_down(world)
    assert beta.of("people", "9")["title"] is None


def test_who_was_made_is_put_away_and_not_made_again(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("firms", "5", name="Padma Textiles", site="https://padma.test")
    beta.put("people", "9", name="Rahim Uddin", email="r.uddin@padma.test", firm="5")
    run = world.sync()["run"]["id"]

    told = undo(world, run)
    done = apply(world, told["plan"]["id"])

    assert [(one["class"], one["op"]) for one in told["actions"]] == [("delete", "archive")] * 2
    assert done["totals"]["written"] == 2
    assert [one[:2] for one in alpha.log] == [
        ("create", "firms"), ("create", "people"), ("archive", "people"), ("archive", "firms"),
    ]  # fmt: skip
    settle_down(world)
    assert len(alpha.writes("create")) == 2
    again = take_back(world, done["run"]["id"])
    assert again["totals"]["written"] == 2
    assert not any(row["gone"] for stream in alpha.rows.values() for row in stream.values())
    settle_down(world)


def test_what_followed_a_delete_elsewhere_is_brought_back_and_stays(tmp_path: Path, database_url: str) -> None:
    world = world_of(tmp_path, database_url, "archive")
    beta = world.remote("beta")
    delete_in_alpha(world)
    run = world.sync()["run"]["id"]
    assert beta.of("people", "1")["gone"] is True

    told = undo(world, run)
    done = apply(world, told["plan"]["id"])

    assert [(one["record"], one["op"]) for one in told["actions"]] == [("beta/people/1", "restore")]
    assert done["totals"]["written"] == 1
    settle_down(world)
    assert beta.of("people", "1")["gone"] is False
    assert "1" not in world.remote("alpha").rows["people"]
    take_back(world, done["run"]["id"])
    settle_down(world)
    assert beta.of("people", "1")["gone"] is True


def test_who_was_made_and_edited_since_stays(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("people", "9", name="Rahim Uddin", email="r.uddin@padma.test")
    run = world.sync()["run"]["id"]
    (key,) = alpha.rows["people"]
    alpha.put("people", key, site="https://nowhere.mapped.test")

    told = undo(world, run)

    assert told["left"] == [
        {
            "record": f"alpha/people/{key}", "title": "Rahim Uddin", "field": "", "kind": "leave",
            "reason": "edited there since it was made",
        }
    ]  # fmt: skip


def test_a_company_that_somebody_works_for_by_now_is_not_put_away(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("firms", "5", name="Padma Textiles", site="https://padma.test")
    run = world.sync()["run"]["id"]
    (firm,) = alpha.rows["firms"]
    alpha.put("people", "7", name="Somebody Else", email="else@padma.test", firm=firm)

    told = undo(world, run)

    assert [(one["kind"], one["reason"]) for one in told["left"]] == [
        ("cannot", "created in alpha; people hang on them since")
    ]


def test_another_run_in_between_leaves_the_proposal_as_it_is(edited: World) -> None:
    plan = undo(edited, "R4")["plan"]["id"]
    edited.remote("alpha").put("people", "1", phone="+49895550199")
    edited.sync()

    done = apply(edited, plan)

    assert done["totals"]["written"] == 1
    row = edited.remote("beta").of("people", "1")
    assert (row["title"], row["phone"]) == ("Buyer", "+49895550199")
    with edited.open() as hub, pytest.raises(ProblemsError):
        hub.apply(plan)


def test_people_who_turn_out_to_be_one_in_between_are_taken_back_as_one(edited: World) -> None:
    """The proposal was made for somebody who is somebody else by now."""
    alpha, beta = edited.remote("alpha"), edited.remote("beta")
    beta.put("people", "7", name="Sho Ito", email="sho@b.test", title="COO")
    edited.sync()
    plan = undo(edited, "R4")["plan"]["id"]
    for remote, key in ((alpha, "1"), (beta, "1")):
        remote.put("people", key, email="sho@b.test")
    edited.sync()

    done = apply(edited, plan)
    settle_down(edited)

    assert done["totals"]["written"] == 1
    assert beta.of("people", "1")["title"] == "Buyer"


def test_what_the_vendor_refuses_is_told_and_can_be_tried_again(edited: World) -> None:
    beta = edited.remote("beta")
    plan = undo(edited, "R4")["plan"]["id"]
    beta.before = lambda write: Outcome(write.action, "rejected", reason="locked")

    done = apply(edited, plan)
    beta.before = None
    settle_down(edited)
    again = take_back(edited, "R4")

    assert (done["totals"]["written"], done["totals"]["aside"]) == (0, 1)
    assert again["totals"]["written"] == 1
    assert beta.of("people", "1")["title"] == "Buyer"
    settle_down(edited)


def test_an_answer_that_is_lost_is_found_out_by_looking(edited: World) -> None:
    beta = edited.remote("beta")
    plan = undo(edited, "R4")["plan"]["id"]
    beta.after = lost

    apply(edited, plan)
    beta.after = None
    settle_down(edited)

    assert beta.of("people", "1")["title"] == "Buyer"
    assert explained(edited, "title") == "Buyer"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_around_the_write_leaves_nothing_half_done(edited: World, moment: str) -> None:
    beta = edited.remote("beta")
    plan = undo(edited, "R4")["plan"]["id"]

    def crash(_write: Any) -> None:
        raise Crash

    setattr(beta, moment, crash)
    with pytest.raises(Crash):
        apply(edited, plan)
    setattr(beta, moment, None)
    edited.clock.forward(seconds=120)
    settle_down(edited)
    if beta.of("people", "1")["title"] != "Buyer":
        take_back(edited, "R4")

    assert beta.of("people", "1")["title"] == "Buyer"
    assert explained(edited, "title") == "Buyer"
    settle_down(edited)


def test_a_form_that_the_vendor_gives_to_what_is_written_is_no_edit(edited: World) -> None:
    beta = edited.remote("beta")
    beta.after = lambda write: beta.of("people", "1").update(title=str(write.values["title"]).title())
    edited.remote("alpha").put("people", "1", title="head of ops")
    run = edited.sync()["run"]["id"]
    beta.after = None
    assert beta.of("people", "1")["title"] == "Head Of Ops"

    take_back(edited, run)

    assert beta.of("people", "1")["title"] == "COO"
    settle_down(edited)


def test_a_run_that_wrote_nothing_and_one_that_is_not_there(edited: World) -> None:
    with edited.open() as hub:
        with pytest.raises(AskError, match="R3 wrote nothing"):
            hub.undo("R3")
        with pytest.raises(AskError, match="there is no run R99"):
            hub.undo("R99")


def test_what_was_written_at_first_contact_goes_back_and_forth(world: World) -> None:
    """Nothing stood in golden before: it keeps what it has, and the side differs from it, agreed."""
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    beta.put("people", "1", name="Ito Sho", email="ito@a.test", title="Chief")
    run = world.sync()["run"]["id"]
    assert beta.of("people", "1")["title"] == "Buyer"

    undone = take_back(world, run)
    settle_down(world)

    assert (beta.of("people", "1")["title"], explained(world, "title")) == ("Chief", "Buyer")
    take_back(world, undone["run"]["id"])
    settle_down(world)
    assert (beta.of("people", "1")["title"], explained(world, "title")) == ("Buyer", "Buyer")


def test_what_was_taken_back_is_told_as_of_every_run(edited: World) -> None:
    run = take_back(edited, "R4")["run"]["id"]

    with edited.open() as hub:
        told = {one: hub.explain("ito@a.test", field="job_title", as_of=one) for one in ("R3", "R4", run)}
        now = hub.explain("ito@a.test", field="job_title")
        with pytest.raises(AskError, match="there is no run R99"):
            hub.explain("ito@a.test", as_of="R99")

    assert [one["fields"][0]["value"] for one in told.values()] == ["Buyer", "COO", "Buyer"]
    assert [one["as_of"] for one in told.values()] == ["R3", "R4", run]
    assert now["as_of"] is None
    assert {(one["run"], one["what"], one["before"], one["after"]) for one in now["history"]} == {
        (run, "hub", "COO", "Buyer"), (run, "write", "COO", "Buyer"),
        ("R4", "write", "Buyer", "COO"), ("R4", "hub", "Buyer", "COO"),
    }  # fmt: skip


def test_who_came_later_is_not_told_as_of_an_earlier_run(edited: World) -> None:
    edited.clock.forward(seconds=60)
    edited.remote("alpha").put("firms", "5", name="Padma", site="https://padma.test")
    edited.sync()
    edited.clock.forward(seconds=60)
    edited.remote("beta").put("people", "2", name="Ito Sho", email="ito@a.test")
    edited.sync()

    with edited.open() as hub:
        then = hub.explain("ito@a.test", as_of="R5")
        now = hub.explain("ito@a.test")

    assert {one["address"] for one in then["records"]} == {"alpha/people/1", "beta/people/1"}
    assert len(now["records"]) == 3


@pytest.mark.parametrize("command", ["undo", "resolve", "audit", "erase"])
def test_a_plan_from_before_is_not_applied_once_what_it_was_made_from_has_moved_on(edited: World, command: str) -> None:
    alpha, beta = edited.remote("alpha"), edited.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "2", name="Mara Lindqvist", email="mara@a.test", title="Clerk")
        remote.put("people", "3", name="Olga Berg", email="olga@a.test")
    settle_down(edited)
    alpha.put("people", "2", title="Head")
    with edited.open() as hub:
        plan = hub.plan()["plan"]["id"]
    alpha.put("people", "2", title="Chief")
    with pytest.MonkeyPatch.context() as patch:  # another process has read it, and came no further
        patch.setattr("crosswalk.engine.run.Runner.settle", lambda _: None)
        patch.setattr("crosswalk.engine.run.Runner.plan", lambda _, **__: None)
        edited.sync()

    with edited.open() as hub:
        if command == "undo":
            hub.undo("R4")
        elif command == "resolve":
            hub.match_anew()
        elif command == "erase":
            hub.erase("alpha/people/3")
        else:
            hub.audit()
    with edited.open() as hub, pytest.raises(ProblemsError, match="CW602") as raised:
        hub.apply(plan)

    assert "superseded by a newer plan" in str(raised.value)
    settle_down(edited)
    assert beta.of("people", "2")["title"] == "Chief"
    assert [one[3].get("title") for one in beta.log if one[2] == "2"] == ["Chief"]
