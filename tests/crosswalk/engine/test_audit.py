"""Audit: what is not as the hub believes is told with what explains it, and what had been missed is read."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sdk.contract import Outcome
from crosswalk.engine.audit import Sample
from crosswalk.engine.pull import hold_back_of
from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    made = two(tmp_path, database_url)
    for n in range(6):
        for name in ("alpha", "beta"):
            made.remote(name).put("people", str(n), name=f"Person {n}", email=f"p{n}@a.test", title="Buyer")
    settle_down(made)
    return made


def audit(world: World, *only: str, **more: Any) -> dict[str, Any]:
    with world.open() as hub:
        return hub.audit(only, **more)


def kinds(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["record"], one["field"], one["kind"]) for one in told["differences"]]


def test_a_world_as_believed_has_nothing_to_tell(world: World) -> None:
    told = audit(world)

    assert (told["compared"], told["held"], told["unlike"], told["differences"]) == (12, 12, 0, [])
    assert (told["exit_code"], told["widened"]) == (0, [])


def test_what_was_edited_since_is_expected_and_left_to_the_next_sync(world: World) -> None:
    world.remote("alpha").put("people", "2", title="COO")
    world.remote("alpha").put("people", "9", name="New Person", email="new@a.test")

    told = audit(world, "alpha")

    assert kinds(told) == [("alpha/people/2", "job_title", "edited since"), ("alpha/people/9", "", "edited since")]
    assert (told["compared"], told["unlike"], told["widened"]) == (6, 2, [])
    assert world.sync()["totals"]["changed"] >= 1


def test_a_change_inside_a_closed_window_is_read_and_widens_the_overlap(world: World) -> None:
    world.remote("alpha").of("people", "2")["title"] = "Seller"  # without a new stamp
    assert world.sync()["totals"]["changed"] == 0

    told = audit(world, "alpha")

    assert kinds(told) == [("alpha/people/2", "job_title", "changed unseen")]
    assert told["differences"][0]["action"] == f"{told['run']} reads it now"
    assert told["widened"] == [{"stream": "alpha/people", "seconds": 60.0}]
    assert "CW310" in [one["code"] for one in told["problems"]]
    assert world.sync()["totals"]["written"] == 1
    assert world.remote("beta").of("people", "2")["title"] == "Seller"
    with world.open() as hub, hub.house.database.read() as connection:
        assert hold_back_of(hub.house, connection, hub.house.streams["alpha/people"]) == timedelta(minutes=1)
        assert hold_back_of(hub.house, connection, hub.house.streams["beta/people"]) == timedelta(0)


def test_a_wider_overlap_brings_what_is_committed_late(world: World) -> None:
    alpha = world.remote("alpha")
    alpha.of("people", "2")["title"] = "Seller"
    audit(world, "alpha")
    settle_down(world)

    stamp = alpha.stamp()
    alpha.now += timedelta(seconds=30)
    world.sync()
    alpha.of("people", "3").update(title="CEO", updated=stamp)  # becomes visible only now

    assert world.sync()["totals"]["written"] == 1
    assert world.remote("beta").of("people", "3")["title"] == "CEO"


def test_a_sample_is_compared_by_key_and_is_another_one_each_time(world: World) -> None:
    world.remote("alpha").drop("people", "0")

    found = [audit(world, "alpha", number=3) for _ in range(6)]

    assert [one["compared"] for one in found] == [3] * 6
    assert {one["kind"] for told in found for one in told["differences"]} == {"gone since"}
    assert 0 < sum(len(told["differences"]) for told in found) < 6
    assert Sample(share=0.02).of(12_000) == 240
    assert Sample(share=0.02).of(3) == 1


def test_what_is_gone_and_what_was_never_seen_is_found_by_the_sweep(world: World) -> None:
    alpha = world.remote("alpha")
    alpha.drop("people", "0")
    alpha.rows["people"]["77"] = {
        "id": "77", "gone": False, "name": "Late Person", "email": "late@a.test", "updated": "2026-11-01T08:00:00Z",
    }  # fmt: skip

    told = audit(world, "alpha")

    assert sorted(kinds(told)) == [("alpha/people/0", "", "gone since"), ("alpha/people/77", "", "never seen")]
    with world.open() as hub:
        assert hub.explain("late@a.test")["records"]


def test_what_the_hub_would_have_otherwise_is_told_with_what_stands_in_between(world: World) -> None:
    beta = world.remote("beta")
    world.remote("alpha").put("people", "1", title="COO")
    beta.before = lambda write: Outcome(write.action, "rejected", reason="locked")
    world.sync()
    beta.before = None

    told = audit(world, "beta")

    assert kinds(told) == [("beta/people/1", "job_title", "dead letter")]
    assert told["differences"][0]["explanation"].startswith("D1 blocks")


def test_an_audit_writes_nothing(world: World) -> None:
    world.remote("alpha").of("people", "2")["title"] = "Seller"
    before = len(world.remote("beta").log)

    audit(world)

    assert len(world.remote("beta").log) == before
