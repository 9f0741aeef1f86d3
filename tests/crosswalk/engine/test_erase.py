"""A person who was erased is nowhere: in no table, no byte of the store's file, no later run, no answer."""

from pathlib import Path
from typing import Any

import pytest

from crosswalk.engine import likeness
from crosswalk.engine.words import AskError
from tests.crosswalk.engine.test_rounds import settle_down
from tests.crosswalk.engine.test_scored import parts
from tests.databases import stored
from tests.hub import World
from tests.memory.connector import Crash

FILE = """
connections:
  alpha:
    connector: memory
    account: {alpha}
    streams: {{people: {{write: [create, update], create_from: [beta]}}}}
  beta: {{connector: memory, account: {beta}, streams: {{people: {{write: [update]}}}}}}
  tool: {{connector: survey, account: {tool}, streams: {{answers: }}}}
merge:
  defaults: {{masters: [beta, alpha], on_conflict: [masters], on_foreign_edit: adopt}}
guards:
  create: {{at_most: 50, share: 100%}}
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
"""
MARKS = ("zenobia", "quillfeather", "55501777", "archduchess")


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    return world_of(tmp_path, database_url)


def world_of(folder: Path, url: str) -> World:
    """Zenobia in both systems, moved and edited, with an answer; Ada beside her. All is at rest."""
    made = World(folder, url, "")
    made.write(FILE.format(**{name: made.account(name) for name in ("alpha", "beta", "tool")}))
    alpha, beta = made.remote("alpha"), made.remote("beta")
    beta.put("people", "1", name="Zenobia Quillfeather", email="zenobia@a.test", phone="+4989555017770", title="Clerk")
    for remote in (alpha, beta):
        remote.put("people", "2", name="Ada Byron", email="ada@a.test", title="Countess")
    nps = {"field": {"id": "q", "ref": "q", "type": "nps"}, "type": "number", "number": 9}
    made.remote("tool").put("answers", "r1", email="zenobia@a.test", survey="S1", answers=[nps])
    settle_down(made)
    beta.put("people", "1", title="Archduchess")
    settle_down(made)
    return made


def erase(world: World, what: str = "zenobia@a.test", **more: Any) -> dict[str, Any]:
    with world.open() as hub:
        return hub.erase(what, **more)


def told_of(world: World) -> set[str]:
    """The tables in which anything of her stands."""
    with world.store() as database:
        found = {table for table, text in stored(database) if any(mark in text.lower() for mark in MARKS)}
    if world.url.startswith("sqlite"):
        for file in world.folder.glob("**/*.db*"):
            found |= {file.name for mark in MARKS if mark.encode() in file.read_bytes().lower()}
    return found


@pytest.mark.parametrize("small", [200, 1])
def test_nothing_of_them_is_kept_anywhere_and_others_keep_all(
    tmp_path: Path, database_url: str, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likeness, "SMALL", small)  # a large store keeps what is compared of records
    world = world_of(tmp_path, database_url)
    assert {"body", "golden", "journal"} | ({"profile"} if small == 1 else set()) <= told_of(world)

    told = erase(world, reason="request of 3 May")

    assert told_of(world) == set()
    assert (told["erasure"], told["scrubbed"]) == ("E1", True)
    assert told["records"] == {"record": 2, "response": 1}
    assert sorted(told["still_at"])[1:] == ["beta/people/1", "tool/answers/r1"]
    with world.open() as hub:
        assert hub.explain("ada@a.test")["title"].startswith("Ada Byron")
        (listed,) = hub.erasures()["erasures"]
    assert (listed["reason"], listed["records"], listed["lifted_at"]) == ("request of 3 May", 3, None)


def test_what_is_sent_of_them_again_is_not_stored_and_written_nowhere(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    erase(world)
    shown = {key: dict(alpha.of("people", key)) for key in alpha.rows["people"]}

    beta.put("people", "1", title="Archduchess of somewhere", email="another@a.test")  # by its key
    beta.put("people", "7", name="Zenobia Quillfeather", email="Zenobia@A.test")  # by her address
    world.remote("tool").put("answers", "r2", email="zenobia@a.test", survey="S1", answers=[])
    told = world.sync()

    assert told_of(world) == set()
    assert {key: dict(alpha.of("people", key)) for key in alpha.rows["people"]} == shown
    warned = {one["stream"]: one["text"] for one in told["problems"] if one["code"] == "CW311"}
    assert warned["beta/people"].startswith("2 of beta/people are of people who were erased")
    settle_down(world)
    assert told_of(world) == set()


def test_a_sweep_and_an_audit_leave_them_where_they_are(world: World) -> None:
    world.remote("beta").put("people", "7", name="Zenobia Q", email="zenobia@a.test")
    settle_down(world)
    erase(world)
    world.clock.forward(seconds=25 * 3600)
    world.sync()

    with world.open() as hub:
        audited = hub.audit()

    assert told_of(world) == set()
    assert [one for one in audited["differences"] if one["record"].startswith("beta")] == []


def test_nobody_is_removed_at_a_vendor_and_no_one_is_made_a_second_time(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    before = sorted(alpha.rows["people"]), sorted(beta.rows["people"])
    erase(world)
    settle_down(world)

    assert (sorted(alpha.rows["people"]), sorted(beta.rows["people"])) == before
    assert len(parts(world) & {frozenset({"alpha/2", "beta/2"})}) == 1


def test_an_address_that_somebody_else_has_as_well_is_theirs(world: World) -> None:
    world.remote("beta").put("people", "3", name="Bea Cole", email="zenobia@a.test", phone="+4989555018880")
    settle_down(world)
    assert not any({"beta/1", "beta/3"} <= records for records in parts(world))

    told = erase(world, "beta/people/1")
    world.sync()

    assert told["shared"] == 1
    with world.open() as hub:
        assert hub.explain("zenobia@a.test")["title"].startswith("Bea Cole")


def test_an_address_that_somebody_comes_to_have_later_is_theirs(world: World) -> None:
    erase(world)
    world.remote("beta").put("people", "2", email="zenobia@a.test")
    world.sync()
    world.remote("alpha").put("people", "8", name="Ada Byron", email="zenobia@a.test", title="Countess")
    settle_down(world)

    with world.open() as hub:
        assert hub.explain("zenobia@a.test")["title"].startswith("Ada Byron")
    assert any({"beta/2", "alpha/8"} <= records for records in parts(world))


def test_who_was_erased_is_told_to_whoever_asks_and_comes_back_once_that_is_lifted(world: World) -> None:
    erase(world)
    with world.open() as hub:
        for what in ("zenobia@a.test", "beta/people/1"):
            with pytest.raises(AskError, match=r"was erased on .* \(E1\)"):
                hub.explain(what)
        hub.lift_erasure("E1")
        with pytest.raises(AskError, match="has been lifted already"):
            hub.lift_erasure("E1")
        with pytest.raises(AskError, match="there is no E2"):
            hub.lift_erasure("E2")
    world.clock.forward(seconds=25 * 3600)
    settle_down(world)

    with world.open() as hub:
        assert hub.explain("zenobia@a.test")["title"].startswith("Zenobia Quillfeather")
    again = erase(world)
    assert (again["erasure"], told_of(world)) == ("E2", set())


def test_only_people_are_erased_and_only_one_of_them(world: World) -> None:
    with world.open() as hub:
        with pytest.raises(AskError, match="nothing here carries"):
            hub.erase("nobody@a.test")
        with pytest.raises(AskError, match="no record beta/people/99"):
            hub.would_erase("beta/people/99")
        told = hub.would_erase("zenobia@a.test")
    assert told["title"].startswith("Zenobia Quillfeather")
    assert told["writes"] > 0
    assert "body" in told_of(world)


def test_while_something_is_being_written_to_them_they_stay(world: World) -> None:
    with world.store() as database, database.write() as connection:
        database.run(connection, "UPDATE action SET state = 'unknown' WHERE id = (SELECT max(id) FROM action)")
    with pytest.raises(AskError, match="is being written"):
        erase(world)
    assert "body" in told_of(world)


def test_an_erasure_that_dies_halfway_has_erased_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from crosswalk.store import erasures

    def die(*args: Any, **more: Any) -> Any:
        raise KeyboardInterrupt

    before = told_of(world)
    with monkeypatch.context() as broken:
        broken.setattr(erasures, "add", die)
        with pytest.raises(KeyboardInterrupt):
            erase(world)
    assert told_of(world) == before
    settle_down(world)
    assert erase(world)["erasure"] == "E1"
    assert told_of(world) == set()


SHOP = """
connections:
  shop:
    connector: files
    path: ./exports
    streams:
      members: {files: 'members.csv', entity: person, key: no, mapping: {name.full: Name, emails: Mail}}
      calls:
        files: 'calls.csv'
        entity: activity
        key: no
        mapping: {kind: '="call"', subject: Subject, 'about': 'Of | ref(members)'}
"""
MEMBERS = "no,Name,Mail\n1,Zenobia Quillfeather,zenobia@a.test\n2,Ada Byron,ada@a.test\n"


def shop_of(folder: Path, url: str, members: str, calls: str) -> World:
    (folder / "exports").mkdir()
    (folder / "exports" / "members.csv").write_text(members)
    (folder / "exports" / "calls.csv").write_text(calls)
    world = World(folder, url, SHOP)
    world.sync()
    return world


def test_what_was_said_with_them_alone_goes_too_and_what_others_share_stays(tmp_path: Path, database_url: str) -> None:
    calls = "no,Subject,Of\n1,Zenobia wants a crown,1\n2,Ada wants an engine,2\n"
    world = shop_of(tmp_path, database_url, MEMBERS, calls)
    assert "body" in told_of(world)

    told = erase(world)
    (tmp_path / "exports" / "calls.csv").write_text(calls + "3,Ada wants a second one,2\n")
    world.sync()

    assert told["records"] == {"record": 1, "activity": 1}
    assert told_of(world) == set()
    with world.open() as hub:
        listed = str([list(row) for row in hub.export("activity")["rows"]])
    assert "Ada wants an engine" in listed
    assert "Ada wants a second one" in listed


def test_rows_that_cannot_be_read_are_no_hiding_place(tmp_path: Path, database_url: str) -> None:
    world = shop_of(tmp_path, database_url, MEMBERS + ",Zenobia Q,zenobia@a.test\n", "no,Subject,Of\n")
    with world.open() as hub:
        assert len(hub.dlq_list()["dead_letters"]) == 1

    assert erase(world)["dead_letters"] == 1
    assert told_of(world) == set()
    (tmp_path / "exports" / "members.csv").write_text(MEMBERS + ",Zenobia again,zenobia@a.test\n,Bea,bea@a.test\n")
    world.sync()

    assert told_of(world) == set()
    with world.open() as hub:
        assert len(hub.dlq_list()["dead_letters"]) == 1


def test_figures_of_their_company_are_counted_without_them(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url, "")
    world.write(FILE.format(**{name: world.account(name) for name in ("alpha", "beta", "tool")}).replace(
        "streams: {people: {write: [update]}}", "streams: {people: {write: [update]}, firms: }"))  # fmt: skip
    beta = world.remote("beta")
    beta.put("firms", "f1", name="Firm 1", site="https://f1.test")
    for key, mail, score in (("1", "zenobia@a.test", 2), ("2", "ada@a.test", 9)):
        beta.put("people", key, name=f"Ann {key}", email=mail, firm="f1")
        nps = {"field": {"id": "q", "ref": "q", "type": "nps"}, "type": "number", "number": score}
        world.remote("tool").put("answers", f"r{key}", email=mail, survey="S1", answers=[nps])
    settle_down(world)

    def figures() -> dict[str, Any]:
        with world.open() as hub:
            return {one["name"]: one["value"] for one in hub.explain("beta/firms/f1")["fields"]}

    assert figures()["cx.nps.n"] == 2
    erase(world)

    assert figures()["cx.nps.n"] == 1
    assert told_of(world) == set()


def test_a_deal_of_theirs_stays_and_leads_nowhere(tmp_path: Path, database_url: str) -> None:
    """It is the company's business; whose it was is known of nobody any more."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "members.csv").write_text(MEMBERS)
    (tmp_path / "exports" / "deals.csv").write_text("no,Title,Of\n1,A crown,1\n")
    mapping = "{name: Title, on_deal: 'Of | ref(members)'}"
    deals = f"      deals: {{files: 'deals.csv', entity: deal, key: no, mapping: {mapping}}}\n"
    world = World(tmp_path, database_url, SHOP.split("      calls:")[0] + deals)
    world.sync()
    erase(world)
    (tmp_path / "exports" / "deals.csv").write_text("no,Title,Of\n1,A larger crown,1\n")
    settle_down(world)

    with world.open() as hub:
        told = {one["name"]: one["value"] for one in hub.explain("shop/deals/1")["fields"]}
    assert told["name"] == "A larger crown"
    assert told_of(world) == set()


def test_the_past_of_whom_they_were_two_with_goes_too(world: World) -> None:
    """It stays under the number of an entity that is there no more."""
    beta = world.remote("beta")
    beta.put("people", "6", name="Klaus Hahn", email="zenobia.old@c.test")
    settle_down(world)
    beta.put("people", "6", email="kh@c.test")
    settle_down(world)
    with world.open() as hub:
        hub.unite("beta/people/1", "beta/people/6")
    settle_down(world)
    assert any({"beta/1", "beta/6"} <= records for records in parts(world))

    erase(world, "beta/people/1")

    assert told_of(world) == set()


def test_what_the_hub_has_made_and_shows_by_now_what_they_had_is_let_in(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url, "")
    unique = FILE.replace("memory\n", "unique\n").replace("create_from: [beta]", "create_from: [beta], hub_id: hub")
    world.write(unique.format(**{name: world.account(name) for name in ("alpha", "beta", "tool")}))
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("people", "1", name="Zenobia Quillfeather", email="zenobia@a.test")
    settle_down(world)
    erase(world)
    beta.put("people", "2", name="Ada Byron", email="ada@a.test")

    def crash(_write: Any) -> None:
        raise Crash

    alpha.after = crash
    with pytest.raises(Crash):
        world.sync()
    alpha.after = None
    world.clock.forward(seconds=120)
    (made,) = (key for key, row in alpha.rows["people"].items() if row["name"] == "Ada Byron")
    alpha.put("people", made, email="zenobia@a.test")

    settle_down(world)

    assert len(alpha.writes("create")) == 2
    with world.open() as hub:
        ours = hub.explain(f"alpha/people/{made}")
        assert ours["entity"] == hub.explain("beta/people/2")["entity"]
    assert beta.of("people", "2")["email"] == "zenobia@a.test"
