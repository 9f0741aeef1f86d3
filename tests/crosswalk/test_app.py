"""What the hub answers to the command line: exit codes, and what to do next."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from connectors.sdk.errors import LaterError
from crosswalk.app import open_hub
from crosswalk.problems import ProblemsError
from crosswalk.store.budget import Budgets
from tests.hub import World
from tests.memory.connector import MemoryConnector

PEOPLE = """
connections:
  alpha:
    connector: memory
    account: {a}
    streams:
      people: {{write: [create, update], create_from: [beta]}}
  beta:
    connector: memory
    account: {b}
    streams:
      people:
merge:
  defaults: {{masters: [alpha, beta], on_conflict: [masters]}}
guards:
  create: {{at_most: {creates}, share: {share}}}
"""


def people(folder: Path, *, creates: int = 50, share: str = "100%") -> World:
    world = World(folder, f"sqlite:///{folder}/hub.db", "")
    names = {"a": world.account("alpha"), "b": world.account("beta")}
    world.write(PEOPLE.format(**names, creates=creates, share=share))
    return world


def test_a_connection_that_cannot_say_what_it_has_fails_plan_and_sync_though_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = people(tmp_path)
    down = world.account("beta")
    told = MemoryConnector.account

    def account(self: MemoryConnector) -> object:
        if self._account == down:
            raise LaterError("does not answer")
        return told(self)

    monkeypatch.setattr(MemoryConnector, "account", account)
    world.remote("alpha").put("people", "1", name="Mara Lindqvist", email="mara@a.test")

    with world.open() as hub:
        plan = hub.plan()
    with world.open() as hub:
        synced = hub.sync()

    assert (plan["exit_code"], synced["exit_code"]) == (1, 1)
    assert [one["connection"] for one in synced["problems"] if one["severity"] == "error"] == ["beta"]
    with world.open() as hub:
        assert hub.explain("alpha/people/1")["entity"]


def test_a_plan_that_was_applied_in_part_names_the_one_that_holds_the_rest(tmp_path: Path) -> None:
    world = people(tmp_path, creates=2)
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "1", name="Mara Lindqvist", email="mara@a.test")
    world.sync()
    for number in range(3):
        beta.put("people", str(number), name=f"Person {number}", email=f"p{number}@a.test")
    with world.open() as hub:
        first = hub.plan()["plan"]["id"]
    with world.open() as hub:
        done = hub.apply(first)
    (waits,) = done["waits"]
    following = waits["approve"].split()[2]

    with world.open() as hub, pytest.raises(ProblemsError) as refused:
        hub.apply(first)

    (problem,) = refused.value.problems
    assert (problem.code, following != first) == ("CW602", True)
    assert following in problem.hint
    with world.open() as hub:
        hub.apply(following, approve=["alpha/people:create"])
    assert len(alpha.rows["people"]) == 4


def test_a_plan_that_a_sync_has_sent_whole_was_applied(tmp_path: Path) -> None:
    world = people(tmp_path, creates=2)
    world.remote("alpha").put("people", "1", name="Mara Lindqvist", email="mara@a.test")
    world.sync()
    world.remote("beta").put("people", "2", name="Ito Sho", email="ito@a.test")
    told = world.sync()
    assert told["totals"]["written"] == 1
    world.sync()

    with world.open() as hub, pytest.raises(ProblemsError) as refused:
        hub.apply(told["run"]["plan"])

    (problem,) = refused.value.problems
    assert (problem.code, problem.text) == ("CW602", f"{told['run']['plan']} was applied")


def test_a_guard_says_the_share_where_the_share_is_what_holds(tmp_path: Path) -> None:
    world = people(tmp_path, creates=50, share="29%")
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for number in range(100):
        alpha.put("people", f"a{number}", name=f"Known {number}", email=f"known{number}@a.test")
    world.sync()
    for number in range(30):
        beta.put("people", f"b{number}", name=f"New {number}", email=f"new{number}@b.test")

    with world.open() as hub:
        (guard,) = hub.plan()["guards"]

    assert (guard["planned"], guard["ceiling"], guard["share"], guard["records"]) == (30, 29, "29%", 100)


def test_a_guard_names_no_share_where_the_number_holds(tmp_path: Path) -> None:
    world = people(tmp_path, creates=2)
    for number in range(3):
        world.remote("beta").put("people", str(number), name=f"New {number}", email=f"new{number}@b.test")

    with world.open() as hub:
        (guard,) = hub.plan()["guards"]

    assert (guard["ceiling"], guard["share"]) == (2, None)


def test_a_record_that_is_nowhere_is_said_to_be_nowhere(tmp_path: Path) -> None:
    world = people(tmp_path)
    world.remote("alpha").put("people", "1", name="Mara Lindqvist", email="mara@a.test")
    world.sync()

    with world.open() as hub:
        nowhere, there = hub.resync("alpha/people/99"), hub.resync("alpha/people/1")

    assert (nowhere["found"], there["found"]) == (False, True)


def test_a_plan_says_which_streams_could_be_written(tmp_path: Path) -> None:
    with people(tmp_path).open() as hub:
        assert hub.plan()["writable"] == ["alpha/people"]


@pytest.mark.parametrize(
    ("wanted", "warned", "budget"),
    [
        pytest.param(None, False, (1000, 200), id="nothing-said-leaves-the-reserve-to-people"),
        pytest.param(400, False, (400, 0), id="what-the-file-allows"),
        pytest.param(5000, True, (1000, 200), id="more-than-there-is-counts-for-nothing"),
    ],
)
def test_a_budget_above_what_the_account_has_is_warned_of_and_not_kept_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: int | None, warned: bool, budget: tuple[int, int]
) -> None:
    world = people(tmp_path)
    if wanted is not None:
        path = tmp_path / "crosswalk.yaml"
        path.write_text(
            path.read_text().replace("connector: memory", f"connector: memory\n    budget: {{per_day: {wanted}}}", 1)
        )
    told = MemoryConnector.account
    monkeypatch.setattr(MemoryConnector, "account", lambda self: replace(told(self), allowance=1000))

    with world.open() as hub:
        answer = hub.check()
        balance = Budgets(hub.house.database, world.clock).balance("alpha")

    assert [one["text"] for one in answer["problems"] if one["code"] == "CW120"] == (
        ["budget.per_day is 5,000, the account has 1,000 calls a day"] if warned else []
    )
    assert balance is not None
    assert (balance.allowance, balance.reserve) == budget
    assert answer["exit_code"] == 0


def test_a_hub_trains_on_what_has_been_landed(tmp_path: Path) -> None:
    world = people(tmp_path)
    for number in range(3):
        world.remote("alpha").put("people", str(number), name=f"Person {number}", email=f"p{number}@a.test")
    world.sync()
    progress: list[str] = []

    with world.open() as hub, pytest.raises(ProblemsError) as refused:
        hub.train("person", model=None, seed=0, progress=progress.append)

    (problem,) = refused.value.problems
    assert (problem.code, "there are 3 records; it takes 1,000" in problem.text) == ("CW131", True)


def test_a_line_whose_field_no_record_has_is_told(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    rows = [f"{number},Mara {number}" for number in range(30)]
    (tmp_path / "exports" / "members-1.csv").write_text("no,name,old phone\n1,Mara,+49 30 1234567\n")
    (tmp_path / "exports" / "members-2.csv").write_text("\n".join(["no,name", *rows]) + "\n")
    (tmp_path / "crosswalk.yaml").write_text(
        f"version: 1\nstore: {{url: 'sqlite:///{tmp_path}/store.db'}}\nconnections:\n  shop:\n    connector: files\n"
        "    path: ./exports\n    streams:\n      members:\n        files: members-*.csv\n        entity: person\n"
        "        key: no\n        mapping:\n          name.full: name\n          phones[home]: old phone\n"
    )
    with open_hub(tmp_path / "crosswalk.yaml") as hub:
        before = [one for one in hub.check()["problems"] if one["code"] == "CW123"]
        hub.sync()
        told = hub.check()
    (after,) = [one for one in told["problems"] if one["code"] == "CW123"]

    assert told["exit_code"] == 0
    assert [(one["line"], one["text"]) for one in before] == [(after["line"], after["text"])]
    assert after["line"] == 14
    assert after["text"] == "phones[home]: none of 30 records has a 'old phone'"
