"""The storm breaker: a stream most of whose writes are refused is stopped, says so, and waits for a person."""

from pathlib import Path

import pytest

from connectors.sdk.contract import Outcome
from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World

MANY = 30


@pytest.fixture
def stormy(tmp_path: Path, database_url: str) -> World:
    """Thirty titles edited in alpha, and beta refuses every write."""
    world = two(tmp_path, database_url)
    for n in range(MANY):
        for name in ("alpha", "beta"):
            world.remote(name).put("people", str(n), name=f"Person {n}", email=f"p{n}@a.test", title="Buyer")
    settle_down(world)
    for n in range(MANY):
        world.remote("alpha").put("people", str(n), title="COO")
    world.remote("beta").before = lambda write: Outcome(write.action, "rejected", reason="a new validation rule")
    return world


def test_it_stops_and_says_so(stormy: World) -> None:
    done = stormy.sync()

    assert done["exit_code"] == 1
    (problem,) = [one for one in done["problems"] if one["code"] == "CW405"]
    assert problem["text"] == "20 of 20 writes to beta/people were refused: stopped"
    assert (done["totals"]["aside"], done["totals"]["waiting"]) == (20, 10)
    assert {one["what"] for one in done["waits"]} == {"updates in beta/people: stopped, since most were refused"}
    assert {one["approve"] for one in done["waits"]} == {f"crosswalk apply P{done['waits'][0]['approve'][17:]}"}


def test_nothing_more_is_sent_by_itself_until_a_person_says_so(stormy: World) -> None:
    beta = stormy.remote("beta")
    stormy.sync()
    calls = len(beta.calls)
    with stormy.open() as hub:
        ran, _ = hub.unattended("alpha")
        plan = hub.plan()
    assert (ran.written, ran.aside, ran.waiting) == (0, 0, 10)
    assert plan["stopped"] == ["beta/people"]
    assert not [one for one in beta.calls[calls:] if one.startswith("update")]

    beta.before = None
    with stormy.open() as hub:
        done = hub.apply(plan["plan"]["id"])

    assert done["totals"]["written"] == 10
    with stormy.open() as hub:
        assert hub.plan()["stopped"] == []


def test_a_sync_of_a_person_goes_on_and_dropped_letters_stay_dropped(stormy: World) -> None:
    beta = stormy.remote("beta")
    stormy.sync()
    beta.before = None
    with stormy.open() as hub:
        hub.dlq_drop("D1", "left to sales")

    done = stormy.sync()

    assert (done["exit_code"], done["totals"]["written"]) == (0, 10)
    with stormy.open() as hub:
        assert len(hub.dlq_list()["dead_letters"]) == 19
        (dropped,) = hub.dlq_show("D1")["dead_letters"]
    assert (dropped["state"], dropped["note"]) == ("dropped", "left to sales (tester)")


def test_a_few_refusals_are_no_storm(stormy: World) -> None:
    stormy.remote("beta").before = lambda write: (
        Outcome(write.action, "rejected", reason="locked") if int(write.action) % 3 == 0 else None
    )

    done = stormy.sync()

    assert (done["exit_code"], done["totals"]["waiting"]) == (0, 0)
