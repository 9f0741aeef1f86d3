"""Lanes of the day's budget: who says no is heard when reading and writing have used up their share."""

from pathlib import Path

import pytest

from tests.hub import World

FILE = """
connections:
  alpha:
    connector: memory
    account: {alpha}
    streams:
      people: {{mapping: {{"consent[email.marketing]": "opt_out | optout(true)"}}}}
  beta:
    connector: memory
    account: {beta}
    streams:
      people: {{write: [update], mapping: {{"consent[email.marketing]": "news | consent(yes, no)"}}}}
merge:
  defaults: {{masters: [alpha, beta], on_conflict: [masters]}}
guards:
  update: {{at_most: 50, share: 100%}}
"""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    made = World(tmp_path, database_url, "")
    made.write(FILE.format(alpha=made.account("alpha"), beta=made.account("beta")))
    for name in ("alpha", "beta"):
        for key in ("1", "2"):
            made.remote(name).put("people", key, name=f"Ito {key}", email=f"p{key}@a.test", title="Buyer")
    made.remote("beta").allowance = 100
    for _ in range(3):
        made.sync()
    return made


def spend(world: World, lane: str) -> None:
    """Somebody reads a large account, or writes to all of it, until nothing is left of what that may take."""
    with world.open() as hub:
        budget = hub._builder.tools["beta"].budget if hub.house else None
        assert budget is not None
        while budget.take("beta", lane=lane, calls=10):
            pass


def test_an_opt_out_goes_out_when_the_day_s_budget_is_spent(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    spend(world, "write")
    alpha.put("people", "1", title="COO")
    alpha.put("people", "2", opt_out=True)

    told = world.sync()

    assert beta.of("people", "2")["news"] == "no"
    assert beta.of("people", "1")["title"] == "Buyer"  # this can wait for tomorrow
    assert [one["code"] for one in told["problems"] if one["connection"] == "beta"] == ["CW303"]
    world.clock.forward(seconds=24 * 3600)
    world.sync()
    assert beta.of("people", "1")["title"] == "COO"


def test_reading_leaves_what_writes_need(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    spend(world, "read")
    before = len(beta.log)
    alpha.put("people", "1", opt_out=True, title="COO")

    world.sync()

    assert [(one[0], sorted(one[3])) for one in beta.log[before:]] == [("update", ["news", "title"])]
