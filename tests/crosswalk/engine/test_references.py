"""Companies that people are said to work for, when those are deleted, parted or made again in one of two systems."""

from pathlib import Path
from typing import Any

import pytest

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
      firms: {{write: [create, update], create_from: [alpha]{on_delete}}}
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
        self.world = world
        told = "" if on_delete == "ignore" else f", on_delete: {on_delete}"
        accounts = {name: world.account(name) for name in ("alpha", "beta")}
        world.write(FILE.format(**accounts, on_delete=told))
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
