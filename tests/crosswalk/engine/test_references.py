"""Companies that people are said to work for, when those are deleted, parted or made again in one of two systems."""

from pathlib import Path
from typing import Any

import pytest

from connectors.sdk.contract import Outcome, Write
from tests.crosswalk.engine.test_rounds import settle_down
from tests.hub import World

FILE = """
connections:
  alpha:
    connector: memory
    account: {alpha}
    streams:
      firms: {{write: [create, update], create_from: [beta]{on_delete}}}
      people: {{write: [update]}}
  beta:
    connector: merging
    account: {beta}
    streams:
      firms: {{{beta_firms}{on_delete}}}
      people: {{write: [update]}}
merge:
  defaults: {{masters: [alpha, beta], allow_clear: [alpha, beta], on_conflict: [masters]}}
guards:
  create: {{at_most: 50, share: 100%}}
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
"""


class Employers:
    """Ann works at Quokka, as both systems say; both have Wombat as well."""

    def __init__(self, world: World, on_delete: str) -> None:
        """`on_delete`: of companies; or that they are only read in beta."""
        self.world = world
        writes = "write: []" if on_delete == "read" else "write: [create, update], create_from: [alpha]"
        told = "" if on_delete in ("ignore", "read") else f", on_delete: {on_delete}"
        accounts = {name: world.account(name) for name in ("alpha", "beta")}
        world.write(FILE.format(**accounts, on_delete=told, beta_firms=writes))
        for name in ("alpha", "beta"):
            remote = world.remote(name)
            for key, firm in (("q", "Quokka"), ("w", "Wombat")):
                remote.put("firms", key, name=firm, site=f"https://{firm.lower()}.test")
            remote.put("people", "1", name="Ann Byron", email="ann@a.test", firm="q")
        settle_down(world)

    def shown(self, name: str) -> Any:
        """The name of the company that a system shows of Ann."""
        remote = self.world.remote(name)
        key = remote.of("people", "1")["firm"]
        return None if key is None else remote.of("firms", key)["name"]

    def say(self, name: str, firm: str | None) -> None:
        self.world.remote(name).put("people", "1", firm=firm)


@pytest.fixture
def employers(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Employers:
    return Employers(World(tmp_path, database_url, ""), getattr(request, "param", "ignore"))


unlinking = pytest.mark.parametrize("employers", ["unlink"], indirect=True)
reading = pytest.mark.parametrize("employers", ["read"], indirect=True)


@unlinking
def test_who_goes_from_a_company_that_is_gone_has_gone_though_it_is_made_again(employers: Employers) -> None:
    world = employers.world
    world.remote("alpha").put("firms", "q", gone=True)
    settle_down(world)

    employers.say("alpha", "w")
    settle_down(world)
    gone_to = employers.shown("alpha"), employers.shown("beta")
    employers.say("alpha", None)
    settle_down(world)

    assert gone_to == ("Wombat", "Wombat")
    assert (employers.shown("alpha"), employers.shown("beta")) == (None, None)


@unlinking
def test_a_company_that_is_made_again_is_shown_to_whom_its_end_had_left_without(employers: Employers) -> None:
    """Whichever of the two that it has become keeps the id: of several companies each draws its own."""
    world = employers.world
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for n in range(6):
        for remote in (alpha, beta):
            remote.put("firms", f"f{n}", name=f"Firm {n}", site=f"https://f{n}.test")
            remote.put("people", f"p{n}", name=f"Bea Cole{n}", email=f"bea{n}@a.test", firm=f"f{n}")
    settle_down(world)

    for n in range(6):
        alpha.put("firms", f"f{n}", gone=True)
        alpha.put("people", f"p{n}", firm=None)
    for _ in range(3):
        world.sync()
    settle_down(world)

    shown = [alpha.of("firms", alpha.of("people", f"p{n}")["firm"] or "q")["name"] for n in range(6)]
    assert shown == [f"Firm {n}" for n in range(6)]
    assert [beta.of("people", f"p{n}")["firm"] for n in range(6)] == [f"f{n}" for n in range(6)]


def test_companies_that_were_one_for_a_while_are_told_apart_for_who_works_there(employers: Employers) -> None:
    """They are merged in one system, to which the other one's word on the survivor is then written."""
    world = employers.world
    employers.say("alpha", "w")
    settle_down(world)

    world.remote("beta").merge("firms", "q", "w")
    for _ in range(3):
        world.sync()
    settle_down(world)

    assert employers.shown("alpha") == employers.shown("beta") == "Wombat"


@reading
def test_whose_record_of_a_company_is_gone_is_shown_another_one_of_it(employers: Employers) -> None:
    """Two that stand for one in the other system, where somebody has made them one."""
    world = employers.world
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.merge("firms", "q", "w")
    beta.put("people", "1", firm="w")
    world.sync()
    with world.open() as hub:
        (pair,) = hub.review_list()["pairs"]
        hub.review_pair(pair["id"], same=True)
    settle_down(world)

    alpha.put("firms", "q", gone=True)
    alpha.put("people", "1", firm=None)
    for _ in range(3):
        world.sync()
    settle_down(world)

    assert (alpha.of("people", "1")["firm"], beta.of("people", "1")["firm"]) == ("w", "w")


@unlinking
def test_what_is_made_again_goes_under_an_id_of_its_own_whatever_tries_it_took_before(employers: Employers) -> None:
    world = employers.world
    alpha = world.remote("alpha")
    unanswered = []

    def vanish(write: Write) -> Outcome | None:
        unanswered.append(write.hub_id)
        alpha.before = None
        return Outcome(write.action, "unknown", reason="no answer")

    alpha.before = vanish
    alpha.put("firms", "q", gone=True)
    for _ in range(4):
        world.sync()
    (made,) = [key for op, stream, key, _ in alpha.log if (op, stream) == ("create", "firms")]

    alpha.put("firms", made, gone=True)
    for _ in range(4):
        world.sync()
    settle_down(world)

    living = [row["name"] for row in alpha.rows["firms"].values() if not row["gone"]]
    assert len(unanswered) == 1
    assert sorted(living) == ["Quokka", "Wombat"]
