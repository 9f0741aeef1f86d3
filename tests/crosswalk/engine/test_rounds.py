"""Whole rounds over vendors in memory: what is pulled, joined, merged, written, and that it comes to rest."""

from pathlib import Path
from typing import Any

import pytest

from connectors.sdk.contract import Outcome
from tests.hub import World
from tests.memory.connector import Crash, busy, lost

TWO = """
connections:
  alpha:
    connector: {alpha}
    account: {a}
    streams:
      firms: {{write: [create, update], create_from: [beta]}}
      people: {{write: [create, update], create_from: [beta]{hub}}}
  beta:
    connector: memory
    account: {b}
    streams:
      firms:
      people: {{write: [update]}}
merge:
  defaults: {{masters: [alpha, beta], on_conflict: [masters], on_foreign_edit: review}}
guards:
  create: {{at_most: 50, share: 100%}}
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
"""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    return two(tmp_path, database_url)


def two(folder: Path, url: str, *, alpha: str = "memory") -> World:
    world = World(folder, url, "")
    hub = ", hub_id: hub" if alpha == "unique" else ""
    world.write(TWO.format(alpha=alpha, a=world.account("alpha"), b=world.account("beta"), hub=hub))
    return world


def quiet(answer: dict[str, Any]) -> bool:
    totals = answer["totals"]
    return not (totals["changed"] or totals["written"] or totals["waiting"] or totals["moved"])


def settle_down(world: World) -> None:
    world.sync()
    world.sync()
    assert quiet(world.sync())


def test_records_of_one_person_meet_and_fill_each_other_up(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "1", name="Mara Lindqvist", email="mara@nordlicht.test", title="COO")
    beta.put("people", "9", name="Mara Lindqvist", email="Mara@Nordlicht.test", phone="+49895550177")

    first = world.sync()

    assert first["totals"]["written"] == 2
    assert alpha.of("people", "1")["phone"] == "+49895550177"
    assert beta.of("people", "9")["title"] == "COO"
    assert beta.of("people", "9")["email"] == "Mara@Nordlicht.test"
    settle_down(world)


def test_an_edit_travels_and_nothing_else_is_written(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer", phone="+49895550177")
    settle_down(world)
    before = len(beta.log)

    alpha.put("people", "1", title="Head of Purchasing")
    world.sync()

    assert beta.log[before:] == [("update", "people", "1", {"title": "Head of Purchasing"})]
    settle_down(world)


def test_two_edits_of_one_field_go_by_the_masters(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    settle_down(world)

    alpha.put("people", "1", title="COO")
    beta.put("people", "1", title="Chief Operating Officer", phone="+49895550177")
    world.sync()

    assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == ("COO", "COO")
    assert alpha.of("people", "1")["phone"] == "+49895550177"
    settle_down(world)


def test_who_is_missing_is_made_with_their_company_first(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("firms", "5", name="Padma Textiles", site="https://padma.test")
    beta.put("people", "9", name="শর্মিলা দত্ত", email="s.datta@padma.test", firm="5")

    world.sync()

    assert [one[:2] for one in alpha.log] == [("create", "firms"), ("create", "people")]
    (firm,) = alpha.rows["firms"].values()
    (person,) = alpha.rows["people"].values()
    assert (person["name"], person["firm"]) == ("শর্মিলা দত্ত", firm["id"])
    settle_down(world)
    assert len(alpha.writes("create")) == 2


def test_a_first_plan_waits_for_a_person_and_is_then_like_any_other(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "1", name="Mara Lindqvist", email="m@n.test", title="COO")
    beta.put("people", "9", name="Mara Lindqvist", email="m@n.test")

    with world.open() as hub:
        held = hub.sync()
    assert (held["exit_code"], held["totals"]["written"], held["totals"]["waiting"]) == (3, 0, 1)

    with world.open() as hub:
        plan = hub.plan()
        (action,) = plan["actions"]
        assert [(one["label"], one["before"], one["after"]) for one in action["fields"]] == [("title", None, "COO")]
        done = hub.apply(plan["plan"]["id"])
    assert (done["exit_code"], done["totals"]["written"]) == (0, 1)

    alpha.put("people", "1", title="CEO")
    with world.open() as hub:
        assert hub.sync()["totals"]["written"] == 1


@pytest.mark.parametrize(("alpha", "told"), [("greeting", [{"stream": "alpha/people", "creates": 1}]), ("memory", [])])
def test_a_plan_says_where_creates_start_automation(
    tmp_path: Path, database_url: str, alpha: str, told: list[dict[str, Any]]
) -> None:
    world = two(tmp_path, database_url, alpha=alpha)
    world.remote("beta").put("people", "9", name="Rahim Uddin", email="r.uddin@padma.test")

    with world.open() as hub:
        plan = hub.plan()

    assert plan["automation"] == told


@pytest.mark.parametrize("alpha", ["memory", "unique"])
def test_a_create_whose_answer_is_lost_is_found_and_not_made_again(
    tmp_path: Path, database_url: str, alpha: str
) -> None:
    world = two(tmp_path, database_url, alpha=alpha)
    there = world.remote("alpha")
    world.remote("beta").put("people", "9", name="Rahim Uddin", email="r.uddin@padma.test")
    there.after = lost

    world.sync()
    there.after = None
    settle_down(world)

    assert len(there.rows["people"]) == 1
    assert len(there.writes("create")) == 1


def test_a_create_that_never_arrived_is_sent_under_the_same_hub_id(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url, alpha="unique")
    there = world.remote("alpha")
    world.remote("beta").put("people", "9", name="Rahim Uddin", email="r.uddin@padma.test")
    tried: list[str | None] = []

    def vanish(write: Any) -> Outcome | None:
        tried.append(write.hub_id)
        return Outcome(write.action, "unknown") if len(tried) == 1 else None

    there.before = vanish
    world.sync()
    settle_down(world)

    assert len(there.rows["people"]) == 1
    assert len(set(tried)) == 1
    assert len(tried) == 2


def test_an_update_whose_answer_is_lost_is_found_out_by_looking(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    settle_down(world)
    alpha.put("people", "1", title="COO")
    beta.after = lost

    world.sync()
    beta.after = None
    settle_down(world)

    assert beta.of("people", "1")["title"] == "COO"
    assert len([one for one in beta.log if one[3].get("title") == "COO"]) == 1


def test_a_refused_record_is_set_aside_until_its_inputs_change(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    settle_down(world)
    alpha.put("people", "1", title="COO")
    beta.before = lambda write: Outcome(write.action, "rejected", reason="DUPLICATE_DATA")

    first = world.sync()
    calls = len(beta.writes())
    again = world.sync()
    beta.before = None
    still = world.sync()
    alpha.put("people", "1", title="CEO")
    world.sync()

    assert [one["code"] for one in first["set_aside"]] == ["CW403"]
    assert (again["totals"]["written"], still["totals"]["written"], len(beta.writes())) == (0, 0, calls + 1)
    assert beta.of("people", "1")["title"] == "CEO"


def test_what_moved_there_since_the_plan_is_planned_anew(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer", phone="+49895550177")
    settle_down(world)
    alpha.put("people", "1", title="COO")
    with world.open() as hub:
        plan = hub.plan()["plan"]["id"]
    beta.put("people", "1", title="Chief")

    with world.open() as hub:
        done = hub.apply(plan)

    assert (done["totals"]["moved"], done["totals"]["written"]) == (1, 0)
    assert beta.of("people", "1")["title"] == "Chief"
    settle_down(world)
    assert beta.of("people", "1")["title"] == "COO"  # alpha is the first master, and both edited it


def test_a_vendor_that_cannot_take_more_is_asked_again_later(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    settle_down(world)
    alpha.put("people", "1", title="COO")
    beta.before = busy

    failing = world.sync()
    beta.before = None
    settle_down(world)

    assert failing["exit_code"] == 1
    assert [one["code"] for one in failing["problems"] if one["severity"] == "error"] == ["CW302"]
    assert beta.of("people", "1")["title"] == "COO"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_a_crash_around_a_write_doubles_and_loses_nothing(
    tmp_path: Path, database_url: str, name: str, moment: str
) -> None:
    world = two(tmp_path, database_url)
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "1", name="Mara Lindqvist", email="m@n.test", title="COO")
    beta.put("people", "1", name="Mara Lindqvist", email="m@n.test")
    beta.put("people", "9", name="Rahim Uddin", email="r.uddin@padma.test")

    def crash(_write: Any) -> None:
        raise Crash

    setattr(world.remote(name), moment, crash)
    with pytest.raises(Crash):
        world.sync()
    setattr(world.remote(name), moment, None)
    world.clock.forward(seconds=120)  # the lease of the dead process runs out
    settle_down(world)

    assert beta.of("people", "1")["title"] == "COO"
    assert len(alpha.rows["people"]) == 2
    assert len(alpha.writes("create")) == 1


def test_a_crash_between_pages_goes_on_where_it_stood(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    alpha = world.remote("alpha")
    for number in range(7):
        alpha.put("people", str(number), name=f"Person {number}", email=f"p{number}@a.test")

    def crash(stream: str, at: int) -> None:
        if stream == "people" and at == 4:
            raise Crash

    alpha.on_page = crash
    with pytest.raises(Crash):
        world.sync()
    pages: list[int] = []
    alpha.on_page = lambda stream, at: pages.append(at) if stream == "people" else None
    world.clock.forward(seconds=120)
    world.sync()

    assert pages == [4, 6]
    with world.open() as hub:
        assert len(list(hub.export("person")["rows"])) == 7


def test_a_removed_record_is_not_made_again(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("people", "9", name="Rahim Uddin", email="r.uddin@padma.test")
    settle_down(world)
    (key,) = alpha.rows["people"]

    alpha.drop("people", key)
    world.clock.forward(seconds=3 * 24 * 3600)
    settle_down(world)

    assert not alpha.rows["people"]
    assert beta.of("people", "9")["name"] == "Rahim Uddin"


def test_over_its_guard_a_class_waits_as_a_whole(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    text = (tmp_path / "crosswalk.yaml").read_text().replace("create: {at_most: 50", "create: {at_most: 2")
    (tmp_path / "crosswalk.yaml").write_text(text)
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for number in range(3):
        beta.put("people", str(number), name=f"Person {number}", email=f"p{number}@a.test")

    answer = world.sync()

    assert (answer["exit_code"], len(alpha.log), answer["waits"][0]["count"]) == (3, 0, 3)
    with world.open() as hub:
        plan = hub.plan()
        assert plan["ready"] == 0
        hub.apply(plan["plan"]["id"], approve=["alpha/people:create"])
    assert len(alpha.rows["people"]) == 3
    settle_down(world)


def test_what_two_guards_hold_is_let_through_by_both(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    file = tmp_path / "crosswalk.yaml"
    text = file.read_text().replace("update: {at_most: 50", "update: {at_most: 2")
    file.write_text(
        text.replace("clear: {at_most: 50", "clear: {at_most: 0").replace("on_f", "allow_clear: [alpha], on_f")
    )
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        for number in "123":
            remote.put("people", number, name=f"Ada {number}", email=f"a{number}@a.test", phone=f"+4989555016{number}")
    settle_down(world)
    for number in "123":
        alpha.put("people", number, phone=None, title="Buyer" if number == "1" else None)

    answer = world.sync()

    assert {(one["class"], one["count"]) for one in answer["waits"]} == {("update", 3), ("clear", 3)}
    both = "--approve beta/people:clear --approve beta/people:update"
    assert all(one["approve"].endswith(both) for one in answer["waits"])
    with world.open() as hub:
        plan = hub.plan()
        (row,) = [one for one in plan["counts"] if one["stream"] == "beta/people"]
        assert row["held"] == {"clear,update": 3}
        assert hub.apply(plan["plan"]["id"], approve=["beta/people:clear"])["totals"]["written"] == 0
    with world.open() as hub:
        last = hub.plan()["plan"]["id"]
        assert hub.apply(last, approve=["beta/people:clear", "beta/people:update"])["totals"]["written"] == 3
    settle_down(world)


def test_letters_about_rows_of_a_file_close_when_it_is_mended(tmp_path: Path, database_url: str) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    world = World(
        tmp_path,
        database_url,
        "connections:\n  shop:\n    connector: files\n    path: ./exports\n    streams:\n      members:\n"
        "        files: '*.csv'\n        entity: person\n        key: no\n"
        "        mapping: {name.full: Name, 'emails[work]': Mail}\n",
    )
    file = exports / "members.csv"
    file.write_text("no,Name,Mail\n1,Mara Lindqvist,m@n.test\n,Nobody,x@y.test\n")
    broken = world.sync()
    file.write_text("no,Name,Mail\n1,Mara Lindqvist,m@n.test\n2,Ito Sho,x@y.test\n")
    mended = world.sync()

    assert ([one["record"] for one in broken["set_aside"]], mended["set_aside"]) == (["members.csv line 3"], [])
    with world.open() as hub:
        assert hub.dlq_list()["dead_letters"] == []
        assert len(list(hub.export("person")["rows"])) == 2


def test_an_amount_is_not_written_where_nobody_could_read_it_back(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    file = tmp_path / "crosswalk.yaml"
    told = "mapping: {annual_revenue: nps | money(account)}"
    text = file.read_text().replace("      firms:\n", f"      firms: {{{told}}}\n")
    text = text.replace("firms: {write: [create, update], create_from: [beta]}",
                        f"firms: {{write: [create, update], create_from: [beta], {told}}}")  # fmt: skip
    file.write_text(text)
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.currency = "EUR"
    alpha.put("firms", "1", name="Padma Textiles", site="padma.test")
    beta.put("firms", "5", name="Padma Textiles", site="padma.test", nps=9000)

    assert world.sync()["totals"]["written"] == 0
    settle_down(world)


def test_a_sweep_tells_what_is_covered(world: World) -> None:
    for number in "123":
        world.remote("alpha").put("people", number, name=f"Ada {number}", email=f"a{number}@a.test")
    settle_down(world)
    with world.open() as hub:
        before = next(one for one in hub.status()["streams"] if one["stream"] == "alpha/people")

    world.remote("alpha").drop("people", "3")
    world.clock.forward(seconds=25 * 3600)
    world.sync()
    with world.open() as hub:
        after = next(one for one in hub.status()["streams"] if one["stream"] == "alpha/people")

    assert (before["swept"], before["complete"]) == (None, True)
    assert (after["swept"], after["records"]) == ({"listed": 2, "held": 2}, 3)


def test_what_a_person_lets_through_is_sent_by_them_though_another_process_plans_meanwhile(world: World) -> None:
    """A daemon syncs all the time; the house that it has open knows nothing yet of what a person has just approved."""
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for number in range(5):
        alpha.put("people", str(number), name=f"Person {number}", email=f"p{number}@a.test", title="Buyer")
        beta.put("people", str(number), name=f"Person {number}", email=f"p{number}@a.test")
    beta.put("people", "9", name="New Person", email="new@b.test")
    others: list[dict[str, Any]] = []
    with world.open() as daemon:
        assert daemon.house.streams["beta/people"].approved is False
        with world.open() as hub:
            held = hub.sync()["waits"]
            plan = hub.plan()["plan"]["id"]

        def between(row: dict[str, Any]) -> dict[str, Any]:
            """Before the first write is on its way, while what it is written over is read again."""
            if not others:
                others.append({})
                others[0] = daemon.sync()
            return row

        alpha.on_fetch = beta.on_fetch = between
        with world.open() as hub:
            done = hub.apply(plan)

    assert sum(one["count"] for one in held) == 6
    assert (done["totals"]["written"], done["waits"]) == (6, [])
    assert (others[0]["totals"]["written"], others[0]["waits"]) == (0, [])
    assert len(alpha.log) + len(beta.log) == 6
    settle_down(world)
