"""What random histories and a reading line by line have found, each as a short story."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.files.connector import FilesConnector
from connectors.sdk.contract import Outcome, Write
from connectors.sdk.errors import ShapeError
from crosswalk.app import Hub
from crosswalk.store import outbox
from crosswalk.store.outbox import Action
from crosswalk.store.records import DELETED, LIVE
from tests.chaos.invariants import match_again, partition
from tests.crosswalk.engine.test_rounds import quiet, settle_down, two
from tests.databases import Makers
from tests.hub import World
from tests.memory.connector import CoarseConnector, Crash, Remote, lost

WHOSE = (
    "SELECT o.rkey FROM record a JOIN stream s ON s.id = a.stream JOIN member m ON m.record = a.id "
    "JOIN member p ON p.entity = m.entity JOIN record o ON o.id = p.record "
    "WHERE s.name = 'answers' AND o.id <> a.id"
)


@pytest.fixture
def url(databases: Makers) -> Iterator[str]:
    with databases.url("sqlite") as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, url: str) -> World:
    return two(tmp_path, url)


def met(world: World, **values: Any) -> tuple[Remote, Remote]:
    """One person in both systems, at rest."""
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", **{"name": "Ito Sho", "email": "ito@a.test", "title": "Buyer", **values})
    settle_down(world)
    return alpha, beta


def answer(world: World, email: str) -> None:
    """A survey tool beside the two systems, and what somebody with this address answered there."""
    tool = f"  tool: {{connector: survey, account: {world.account('tool')}, streams: {{answers: }}}}\n"
    rewrite(world, ("merge:\n", f"{tool}merge:\n"))
    nps = {"field": {"id": "q", "ref": "q", "type": "nps"}, "type": "number", "number": 9}
    world.remote("tool").put("answers", "r1", email=email, survey="S1", answers=[nps])


def one_of_two_answered(world: World) -> Remote:
    """One of two who share an address, so that it is nobody's answer. The system that both are in."""
    alpha, _ = met(world)
    alpha.put("people", "2", name="Boe Kim", email="desk9@a.test")
    alpha.put("people", "3", name="Cem Aydin", email="desk9@a.test")
    answer(world, "desk9@a.test")
    settle_down(world)
    assert asked(world, WHOSE) == []
    return alpha


def rewrite(world: World, *changes: tuple[str, str]) -> None:
    path = world.folder / "crosswalk.yaml"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def rows(hub: Hub, statement: str) -> list[tuple[Any, ...]]:
    database = hub.house.database
    with database.read() as connection:
        return [tuple(row) for row in database.run(connection, statement).fetchall()]


def asked(world: World, statement: str) -> list[tuple[Any, ...]]:
    with world.open() as hub:
        return rows(hub, statement)


def crash(*_: Any, **__: Any) -> None:
    raise Crash


# -- planning ------------------------------------------------------------------------------------------------------


def test_a_crash_before_a_plan_is_stored_forgets_no_create(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("people", "9", name="Rahim Uddin", email="r@padma.test")
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "add_plan", crash)
        with pytest.raises(Crash):
            world.sync()
    world.clock.forward(seconds=120)

    world.sync()

    assert [row["name"] for row in alpha.rows["people"].values()] == ["Rahim Uddin"]


def test_a_refusal_of_what_nobody_needs_any_more_is_closed(world: World) -> None:
    alpha, beta = met(world)
    alpha.put("people", "1", title="COO")
    beta.before = lambda write: Outcome(write.action, "rejected", reason="DUPLICATE_DATA")
    world.sync()
    beta.before = None
    with world.open() as hub:
        (letter,) = hub.dlq_list()["dead_letters"]
        hub.dlq_retry(letter["id"])
    beta.put("people", "1", title="COO")

    again = world.sync()

    assert again["totals"]["written"] == 0
    assert asked(world, "SELECT state, note FROM dead_letter") == [("closed", "nothing left to write")]


def test_a_refused_create_closes_its_letter_once_it_is_made(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("people", "9", name="Rahim Uddin", email="r@padma.test")
    alpha.before = lambda write: Outcome(write.action, "rejected", reason="limit reached")
    world.sync()
    world.sync()
    assert len([call for call in alpha.calls if call == "create people"]) == 1  # not tried again by itself
    alpha.before = None
    with world.open() as hub:
        hub.dlq_retry(hub.dlq_list()["dead_letters"][0]["id"])

    world.sync()

    assert len(alpha.rows["people"]) == 1
    assert asked(world, "SELECT state FROM dead_letter") == [("closed",)]


def test_a_create_does_not_wait_for_somebody_whom_a_person_keeps_apart(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    rewrite(world, ("merge:", "match: {person: {rules: [{same: [emails], then: review}]}}\nmerge:"))
    alpha.put("people", "1", name="Jo Berg", email="jo@a.test")
    beta.put("people", "9", name="Ann Lind", email="jo@a.test")
    world.sync()
    with world.open() as hub:
        (pair,) = hub.review_list()["pairs"]
        hub.review_pair(pair["id"], same=False)
    rewrite(world, (", then: review", ""))

    world.sync()

    assert sorted(row["name"] for row in alpha.rows["people"].values()) == ["Ann Lind", "Jo Berg"]
    settle_down(world)


def test_what_another_process_has_ended_is_not_sent(world: World) -> None:
    ended = Action(plan=1, stream=1, record=5, entity=7, op="update", fields=[], id=1, state="dropped")
    ready = replace(ended, id=2, state="planned")
    with world.open() as hub:
        database = hub.house.database
        with database.write() as connection:
            outbox.add(database, connection, [ended, ready])
            taken = outbox.mark_sent(database, connection, [ended, ready], at=0, run=1)

    assert [one.id for one in taken] == [2]


# -- what comes back, what goes --------------------------------------------------------------------------------------


def test_what_comes_back_is_shown_what_it_has_missed(world: World) -> None:
    alpha, beta = met(world)
    beta.put("people", "1", gone=True)
    world.sync()
    alpha.put("people", "1", title="COO")
    world.sync()
    beta.put("people", "1", gone=False)

    world.sync()

    assert beta.of("people", "1")["title"] == "COO"
    settle_down(world)


def test_what_is_gone_when_it_is_to_be_written_is_not_planned_for_ever(world: World) -> None:
    alpha, beta = met(world)
    alpha.put("people", "1", title="COO")
    beta.drop("people", "1")
    world.sync()

    assert quiet(world.sync())
    assert asked(world, "SELECT state FROM record WHERE rkey = '1' AND stream IN "
                 "(SELECT id FROM stream WHERE connection = 'beta')") == [(2,)]  # fmt: skip


def test_what_a_sweep_lists_again_is_read_again(world: World) -> None:
    alpha, beta = met(world)
    row = beta.rows["people"].pop("1")
    world.clock.forward(seconds=26 * 3600)
    world.sync()
    beta.rows["people"]["1"] = row  # restored there, under its old stamp
    alpha.put("people", "1", title="COO")
    world.clock.forward(seconds=26 * 3600)
    world.sync()

    assert beta.of("people", "1")["title"] == "COO"


def test_a_conflict_goes_with_the_record_that_raised_it(world: World) -> None:
    rewrite(world, ("on_conflict: [masters]", "on_conflict: [review]"))
    alpha, beta = met(world)
    alpha.put("people", "1", title="COO")
    beta.put("people", "1", title="Chief")
    world.sync()
    with world.open() as hub:
        assert len(hub.review_list()["conflicts"]) == 1
    beta.put("people", "1", gone=True)

    world.sync()

    with world.open() as hub:
        assert hub.review_list()["conflicts"] == []
        assert (
            hub.explain("person/" + rows(hub, "SELECT public FROM entity")[0][0], field="job_title")["fields"][0][
                "value"
            ]
            == "COO"
        )


def test_a_listing_that_cannot_prove_itself_removes_nothing_and_fails_nothing(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "members.csv").write_text("no,Name\n1,Mara Lindqvist\n2,Ito Sho\n")
    world = World(
        tmp_path,
        url,
        "connections:\n  shop:\n    connector: files\n    path: ./exports\n    streams:\n      members:\n"
        "        files: '*.csv'\n        entity: person\n        key: no\n        mapping: {name.full: Name}\n",
    )
    world.sync()

    def doubt(*_: Any) -> Iterator[Any]:
        raise ShapeError("shop/members: a file is being written")

    monkeypatch.setattr(FilesConnector, "keys", doubt)
    world.clock.forward(seconds=26 * 3600)
    told = world.sync()

    assert (told["exit_code"], told["run"]["state"]) == (0, "done")
    assert [(one["code"], one["severity"]) for one in told["problems"]] == [("CW307", "warning")]
    with world.open() as hub:
        assert len(list(hub.export("person")["rows"])) == 2


# -- writes whose outcome is not known ------------------------------------------------------------------------


def test_a_read_back_that_lags_is_no_edit(world: World) -> None:
    alpha, beta = met(world)
    beta.answers = False
    stood = dict(beta.of("people", "1"))

    def after(_write: Write) -> None:
        def once(_row: dict[str, Any]) -> dict[str, Any]:
            beta.on_fetch = None
            return stood

        beta.on_fetch = once

    beta.after = after
    alpha.put("people", "1", title="COO")
    world.sync()
    beta.after = None
    settle_down(world)

    assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == ("COO", "COO")
    assert len(beta.log) == 1


def test_a_reference_whose_write_got_no_answer_is_in_the_journal(world: World) -> None:
    alpha, beta = met(world)
    for remote in (alpha, beta):
        remote.put("firms", "5", name="Padma Textiles")
    rewrite(world, ("merge:", "match: {company: {rules: [{same: [name]}]}}\nmerge:"))
    settle_down(world)
    firm = next(iter(beta.rows["firms"]))
    written = len(alpha.log)
    beta.put("people", "1", firm=firm)
    alpha.after = lost
    world.sync()
    alpha.after = None
    settle_down(world)

    assert [one[3].get("firm") for one in alpha.log[written:] if one[1] == "people"] == ["5"] or alpha.log
    journaled = {row[0] for row in asked(world, "SELECT action FROM journal")}
    assert len(journaled) == len(alpha.log) + len(beta.log)


def test_a_create_that_is_known_by_nothing_but_its_name_is_not_made_twice(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("people", "9", name="Rahim Uddin")
    alpha.after = crash
    with pytest.raises(Crash):
        world.sync()
    alpha.after = None
    world.clock.forward(seconds=120)
    settle_down(world)

    assert len(alpha.rows["people"]) == 1
    assert asked(world, "SELECT count(*) FROM entity") == [(1,)]


def test_a_vendor_whose_clock_is_slow_makes_nothing_twice(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    world.clock.forward(seconds=3600)
    beta.put("people", "9", name="Rahim Uddin", email="r@padma.test")
    alpha.after = lost
    world.sync()
    alpha.after = None
    settle_down(world)

    assert len(alpha.rows["people"]) == 1


def test_a_field_that_is_unmapped_while_its_write_is_unknown_stops_nothing(world: World) -> None:
    alpha, beta = met(world)
    beta.answers = False
    alpha.put("people", "1", title="COO")
    beta.after = crash
    with pytest.raises(Crash):
        world.sync()
    beta.after = None
    world.clock.forward(seconds=120)
    rewrite(world, ("people: {write: [update]}", "people: {write: [update], mapping: {job_title: null}}"))
    settle_down(world)

    assert asked(world, "SELECT op FROM journal") == [("unsure",)]


def test_a_reference_edited_since_the_plan_is_not_written_over(world: World) -> None:
    alpha, beta = met(world)
    for key in ("5", "6", "7"):
        for remote in (alpha, beta):
            remote.put("firms", key, name=f"Firm {key}")
    rewrite(
        world,
        ("merge:", "match: {company: {rules: [{same: [name]}]}}\nmerge:"),
    )
    for remote in (alpha, beta):
        remote.put("people", "1", firm="5")
    settle_down(world)
    alpha.put("people", "1", firm="6")
    with world.open() as hub:
        plan = hub.plan()["plan"]["id"]
    beta.put("people", "1", firm="7")

    with world.open() as hub:
        hub.apply(plan)

    assert beta.of("people", "1")["firm"] == "7"


# -- references, mappings, entities that are joined ------------------------------------------------------------


def test_a_reference_is_shown_once_its_record_is_there(world: World) -> None:
    alpha, beta = met(world)
    beta.put("firms", "5", name="Padma Textiles")
    beta.put("people", "1", firm="5")
    settle_down(world)

    (firm,) = alpha.rows["firms"]
    assert alpha.of("people", "1")["firm"] == firm


@pytest.fixture
def hired(world: World) -> tuple[Remote, Remote]:
    """One person; in alpha somebody names a firm that reads do not show yet, in beta another one."""
    rewrite(world, ("merge:", "match: {company: {rules: [{same: [name]}]}}\nmerge:"))
    alpha, beta = met(world)
    for remote in (alpha, beta):
        remote.put("firms", "5", name="Padma Textiles")
    settle_down(world)
    alpha.hidden = {"f7"}
    alpha.put("firms", "f7", name="Meghna Jute")
    alpha.put("people", "1", firm="f7")
    return alpha, beta


def test_a_reference_to_what_nobody_has_read_is_weighed_once_that_has_been_read(
    world: World, hired: tuple[Remote, Remote]
) -> None:
    alpha, beta = hired
    beta.put("people", "1", firm="5")

    settle_down(world)

    assert alpha.of("people", "1")["firm"] == "f7"
    with world.open() as hub:
        (field,) = [one for one in hub.explain("alpha/people/1")["fields"] if one["name"] == "works_at"]
    assert field["value"] == "Padma Textiles"
    told = [(side["state"], side["reason"]) for side in field["sides"]]
    assert told == [("not read", "what it refers to has not been read yet"), ("holds", "")]
    alpha.hidden = set()
    alpha.put("firms", "f7", name="Meghna Jute")
    beta.put("firms", "7", name="Meghna Jute")
    settle_down(world)
    with world.open() as hub:
        (field,) = [one for one in hub.explain("alpha/people/1")["fields"] if one["name"] == "works_at"]
    assert set(field["value"].split(", ")) == {"Padma Textiles", "Meghna Jute"}  # each shows the one that it can
    assert (alpha.of("people", "1")["firm"], beta.of("people", "1")["firm"]) == ("f7", "5")


def test_a_reference_to_what_nobody_has_read_is_no_sign_that_a_write_is_not_shown_yet(
    world: World, hired: tuple[Remote, Remote]
) -> None:
    alpha, beta = hired
    alpha.answers = False
    for remote in (alpha, beta):
        remote.put("people", "2", name="Mara Lindqvist", email="mara@a.test")
    settle_down(world)
    beta.put("people", "2", firm="5")
    alpha.after = lambda write: alpha.put("people", "2", firm="f7")

    world.sync()
    alpha.after = None
    settle_down(world)

    assert asked(world, "SELECT op FROM journal") == [("update",)]
    assert alpha.of("people", "2")["firm"] == "f7"


def test_a_reference_to_what_nobody_has_read_is_not_undone(world: World, hired: tuple[Remote, Remote]) -> None:
    alpha, beta = hired
    alpha.put("people", "1", firm=None)
    beta.put("people", "1", firm="5")
    run = world.sync()["run"]["id"]
    assert alpha.of("people", "1")["firm"] == "5"
    alpha.put("people", "1", firm="f7")

    with world.open() as hub:
        told = hub.undo(run)

    assert told["plan"] is None
    assert [one["reason"] for one in told["left"]] == ["it names a record there that has not been read"]
    assert alpha.of("people", "1")["firm"] == "f7"


def test_a_field_that_is_mapped_later_is_filled(world: World) -> None:
    rewrite(world, ("people: {write: [update]}", "people: {write: [update], mapping: {job_title: null}}"))
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    beta.put("people", "1", name="Ito Sho", email="ito@a.test")
    settle_down(world)
    assert "title" not in beta.of("people", "1")
    rewrite(world, (", mapping: {job_title: null}", ""))

    settle_down(world)

    assert beta.of("people", "1")["title"] == "Buyer"


def test_a_stream_that_is_listed_again_is_shown_what_has_passed_it_by(world: World) -> None:
    alpha, beta = met(world)
    rewrite(world, ("      people: {write: [update]}\n", ""))
    world.sync()
    alpha.put("people", "1", title="COO")
    world.sync()
    path = world.folder / "crosswalk.yaml"
    path.write_text(
        path.read_text().replace("      firms:\nmerge", "      firms:\n      people: {write: [update]}\nmerge")
    )

    world.sync()

    assert beta.of("people", "1")["title"] == "COO"
    settle_down(world)


def test_conflicts_of_an_entity_that_was_joined_are_asked_once(world: World) -> None:
    rewrite(world, ("on_conflict: [masters]", "on_conflict: [review]"))
    alpha, beta = met(world)
    beta.put("people", "2", name="S. Ito", email="sho@b.test")
    settle_down(world)
    alpha.put("people", "1", title="COO")
    beta.put("people", "1", title="Chief")
    world.sync()
    with world.open() as hub:
        entity = rows(hub, "SELECT entity FROM conflict WHERE state = 'open'")
    assert len(entity) == 1

    alpha.put("people", "1", email="sho@b.test")
    world.sync()

    strays = "SELECT field FROM conflict WHERE state = 'open' AND entity NOT IN (SELECT id FROM entity)"
    assert asked(world, strays) == []


def test_two_creates_of_entities_that_become_one_stay_one(world: World) -> None:
    action = Action(plan=1, stream=1, record=None, entity=7, op="create", fields=[], hub_id="h", id=1, state="unknown")
    with world.open() as hub:
        database = hub.house.database
        with database.write() as connection:
            early = replace(action, id=2, entity=3, hub_id="i", state="planned")
            outbox.add(database, connection, [action, early])
            outbox.hand_over(database, connection, 3, 7, [1])
            found = {one.id: (one.entity, one.state) for one in outbox.of_plan(database, connection, 1)}

    assert found == {1: (3, "unknown"), 2: (3, "dropped")}


def test_what_lands_while_another_process_settles_the_first_load_is_settled_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "1", name="Ito Sho", email="ito@a.test")
    beta.put("people", "9", name="Rahim Uddin", email="r@padma.test")

    def other(stream: str, _at: int) -> None:
        beta.on_page = None
        with world.open() as hub:
            hub.sync(only=["alpha"])

    beta.on_page = other
    world.sync()
    world.sync()

    assert asked(
        world, "SELECT count(*) FROM record r LEFT JOIN member m ON m.record = r.id WHERE m.record IS NULL"
    ) == [(0,)]


def test_a_rename_is_taken_from_a_side_that_splits_names_itself(tmp_path: Path, database_url: str) -> None:
    """Its parts are read and never written, so they never showed golden, and every rename became a conflict."""
    world = World(tmp_path, database_url, "")
    world.write(
        "connections:\n  alpha:\n    connector: memory\n"
        f"    account: {world.account('alpha')}\n    streams:\n      people:\n        write: [update]\n"
        "        mapping: {name.given: {field: title, direction: read}, name.family: {field: site, direction: read},"
        " job_title: null}\n"
    )
    alpha = world.remote("alpha")
    alpha.put("people", "1", name="Mara Lindqvist", title="Mara", site="Lindqvist", email="m@n.test")
    world.sync()

    alpha.put("people", "1", name="Mara Berg", title="Mara", site="Berg")
    world.sync()

    with world.open() as hub:
        assert hub.review_list()["conflicts"] == []
        told = hub.explain("alpha/people/1")
    assert next(one["value"] for one in told["fields"] if one["name"] == "name") == "Mara Berg"


def test_the_first_master_has_its_way_in_a_field_that_nobody_can_write(tmp_path: Path, database_url: str) -> None:
    """What cannot be written was taken to agree with everything, and the next side won as the fuller one."""
    world = World(tmp_path, database_url, "")
    world.write(
        "connections:\n"
        + "".join(
            f"  {name}:\n    connector: memory\n    account: {world.account(name)}\n    streams: {{people: }}\n"
            for name in ("alpha", "beta")
        )
        + "merge:\n  defaults: {masters: [alpha, beta]}\n  person: {department: {masters: [alpha, beta]}}\n"
    )
    text = (tmp_path / "crosswalk.yaml").read_text()
    text = text.replace("streams: {people: }", 'streams: {people: {mapping: {"-department": title, job_title: null}}}')
    (tmp_path / "crosswalk.yaml").write_text(text)
    for name, title in (("alpha", "Sales"), ("beta", "Purchasing")):
        world.remote(name).put("people", "1", name="Ito Sho", email="ito@a.test", title=title)
    world.sync()

    with world.open() as hub:
        told = hub.explain("alpha/people/1")
    (department,) = (one for one in told["fields"] if one["name"] == "department")
    assert (department["value"], department["source"]) == ("Sales", "alpha/people/1")


def test_a_changed_mapping_brings_nobody_back_whom_the_vendor_no_longer_has(world: World) -> None:
    alpha, _ = met(world)
    alpha.drop("people", "1")
    world.clock.forward(seconds=25 * 3600)
    world.sync()  # sweeps

    rewrite(world, ("      people: {write: [create", "      people: {mapping: {tags: null}, write: [create"))
    world.sync()

    assert asked(world, "SELECT state FROM record WHERE rkey = '1' ORDER BY stream") == [(DELETED,), (LIVE,)]
    assert asked(world, "SELECT count(*) FROM ident i JOIN record r ON r.id = i.record WHERE r.state <> 0") == [(0,)]
    assert alpha.rows["people"] == {}


def test_a_hub_id_stays_with_the_record_that_was_made_under_it(tmp_path: Path, database_url: str) -> None:
    """An entity was parted: what it made belongs to one half, and the other half was made under the same hub id."""
    world = World(tmp_path, database_url, "")
    world.write(
        "connections:\n"
        f"  alpha: {{connector: unique, account: {world.account('alpha')}, streams: {{people: "
        "{write: [create, update], create_from: [beta], hub_id: hub}}}\n"
        f"  beta: {{connector: memory, account: {world.account('beta')}, streams: {{people: }}}}\n"
        "match: {person: {rules: [{same: [emails]}], limits: {emails: 2}, model: none}}\n"
        "guards: {create: {at_most: 50, share: 100%}, update: {at_most: 50, share: 100%}}\n"
    )
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for key in ("1", "2"):
        beta.put("people", key, name=f"Ann Person{key}", email="shared@a.test")
    world.sync()
    assert len(alpha.rows["people"]) == 1

    for key in ("3", "4"):  # now it is a shared mailbox, and joins nobody
        beta.put("people", key, name=f"Ann Person{key}", email="shared@a.test")
    settle_down(world)

    made = alpha.rows["people"].values()
    assert sorted(row["name"] for row in made) == [f"Ann Person{key}" for key in ("1", "2", "3", "4")]
    assert len({row["hub"] for row in made}) == 4


def test_a_record_is_read_again_although_its_mapping_has_changed_since(world: World) -> None:
    met(world)
    rewrite(world, ("people: {write: [update]}", "people: {write: [update], mapping: {job_title: null}}"))

    with world.open() as hub:
        told = hub.resync("beta/people/1")

    assert (told["found"], told["differences"]) == (True, [])


@pytest.mark.parametrize(("model", "pairs"), [("none", 1), ("shipped", 0)])
def test_a_mailbox_that_moved_to_somebody_else_is_asked_about_whoever_is_looked_at(
    world: World, model: str, pairs: int
) -> None:
    """Its new holder was asked about; the old holder's record in the other system, edited later, joined the two.

    Where records are scored, two names that have nothing in common are no question.
    """
    path = world.folder / "crosswalk.yaml"
    path.write_text(f"{path.read_text()}\nmatch: {{person: {{model: {model}}}}}\n")
    alpha, beta = met(world)
    alpha.put("people", "2", name="Ann Berg")
    world.sync()
    alpha.put("people", "1", email=None)
    alpha.put("people", "2", email="ito@a.test")
    world.sync()
    people = asked(world, "SELECT count(*) FROM entity WHERE kind = 'person'")

    beta.put("people", "1", phone="+49895550199")
    world.sync()

    assert people == [(2,)]
    assert asked(world, "SELECT count(*) FROM entity WHERE kind = 'person'") == people
    assert asked(world, "SELECT count(*) FROM pair WHERE state = 'open'") == [(pairs,)]


def test_what_comes_back_is_shown_what_it_missed_while_its_stream_was_not_listed(world: World) -> None:
    alpha, beta = met(world)
    beta.put("people", "1", gone=True)
    world.sync()
    line = "      people: {write: [update]}\n"
    rewrite(world, (line, ""))
    alpha.put("people", "1", title="COO")
    world.sync()
    rewrite(world, ("      firms:\nmerge", f"      firms:\n{line}merge"))
    beta.put("people", "1", gone=False)

    settle_down(world)

    assert beta.of("people", "1")["title"] == "COO"


def test_a_create_is_known_again_where_the_vendor_tells_more_than_was_sent(tmp_path: Path, database_url: str) -> None:
    """A daemon was killed behind a create; the vendor had split the name, and the create counted as never arrived."""
    world = World(tmp_path, database_url, "")
    world.write(
        "connections:\n"
        f"  alpha: {{connector: memory, account: {world.account('alpha')}, streams: {{people: "
        "{write: [create], create_from: [beta], "
        "mapping: {name.given: {field: title, direction: read}, job_title: null}}}}\n"
        f"  beta: {{connector: memory, account: {world.account('beta')}, streams: {{people: }}}}\n"
        "guards: {create: {at_most: 50, share: 100%}}\n"
    )
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("people", "1", name="Ito Sho", email="ito@a.test")

    def split_and_die(_write: Write) -> None:
        alpha.of("people", alpha.log[-1][2])["title"] = "Ito"
        raise Crash

    alpha.after = split_and_die
    with pytest.raises(Crash):
        world.sync()
    alpha.after = None
    world.clock.forward(seconds=120)
    settle_down(world)

    assert len(alpha.rows["people"]) == 1
    assert asked(world, "SELECT op FROM journal") == [("unsure",)]


def test_a_box_that_takes_denials_alone_is_heard_over_a_grant_that_it_could_not_show(world: World) -> None:
    boxes = "{mapping: {'consent[email.marketing]': opt_out | optout(true)}, write: [create"
    news = "{write: [update], mapping: {'consent[email.marketing]': 'news | consent(yes, no)'}}"
    rewrite(
        world,
        ("      people: {write: [create", f"      people: {boxes}"),
        ("people: {write: [update]}", f"people: {news}"),
    )
    alpha, beta = met(world)
    beta.put("people", "1", news="yes")
    settle_down(world)

    alpha.put("people", "1", opt_out=True)
    world.sync()

    assert beta.of("people", "1")["news"] == "no"
    settle_down(world)


def test_what_somebody_wrote_that_cannot_be_read_is_not_written_over(world: World) -> None:
    alpha, beta = met(world, phone="+49895550177")
    alpha.put("people", "1", phone="+49895550166", title="COO")
    beta.put("people", "1", phone="ask Ann first")
    world.sync()
    world.sync()
    assert (beta.of("people", "1")["phone"], beta.of("people", "1")["title"]) == ("ask Ann first", "COO")

    beta.put("people", "1", phone="+49895550155")
    settle_down(world)

    assert asked(world, "SELECT count(*) FROM dead_letter WHERE state = 'open'") == [(0,)]


def test_a_change_later_in_the_minute_of_a_stamp_is_found(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a vendor that tells minutes, read again from a moment within the one in which a record was changed."""
    spec = replace(CoarseConnector.streams["people"], hold_back=timedelta(seconds=40))
    monkeypatch.setattr(CoarseConnector, "streams", {**CoarseConnector.streams, "people": spec})
    world = two(tmp_path, url, alpha="coarse")
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.grain = timedelta(minutes=1)
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    alpha.now = alpha.now.replace(minute=9, second=50)
    world.sync()

    alpha.put("people", "1", title="Head of Buying")
    world.sync()

    assert alpha.of("people", "1")["updated"] == "2026-11-24T08:09:00Z"
    assert beta.of("people", "1")["title"] == "Head of Buying"


def test_a_duplicate_that_comes_to_represent_by_a_stamp_alone_is_written_from_then_on(world: World) -> None:
    """It was noted only when something mapped changed: until then it stood for its entity and was left as it was."""
    alpha, _ = met(world)
    alpha.put("people", "2", name="Ito Sho", email="ito@a.test")
    alpha.put("people", "1", phone="+49895550177")
    settle_down(world)
    assert alpha.of("people", "2").get("title") is None

    alpha.put("people", "2", scope="whatever: no line of the mapping reads it")
    world.sync()

    assert (alpha.of("people", "2")["title"], alpha.of("people", "2")["phone"]) == ("Buyer", "+49895550177")
    settle_down(world)


def test_what_somebody_wrote_since_the_plan_is_not_written_over_because_nobody_understands_it(world: World) -> None:
    """It was taken for what stood there when the plan was made: nothing."""
    alpha, beta = met(world)
    beta.put("people", "1", phone="+49895550177")
    with world.open() as hub:
        plan = hub.plan()["plan"]["id"]
    alpha.put("people", "1", phone="ask Ito first")

    with world.open() as hub:
        hub.apply(plan)
    settle_down(world)

    assert alpha.of("people", "1")["phone"] == "ask Ito first"


@pytest.mark.parametrize(
    ("column", "sent", "written"),
    [("phone", "+49895550177", "ask Ito first"), ("phone", "+49895550177", "+49895550188"), ("title", "CEO", "Buyer")],
)
def test_a_write_without_an_answer_that_somebody_wrote_over_may_have_arrived(
    world: World, column: str, sent: str, written: str
) -> None:
    """What cannot be understood was taken for what had stood there before: nothing. So was what was put back."""
    alpha, beta = met(world)
    beta.put("people", "1", **{column: sent})
    alpha.after = crash
    with pytest.raises(Crash):
        world.sync()
    alpha.after = None
    world.clock.forward(seconds=120)
    alpha.put("people", "1", **{column: written})
    settle_down(world)

    assert asked(world, "SELECT op FROM journal ORDER BY id")[0] == ("unsure",)


def test_what_was_still_to_be_written_goes_to_the_record_that_represents_meanwhile(world: World) -> None:
    """It stayed with the one before: nobody showed it, and a later edit there met it as if both were edited at once."""
    alpha, beta = met(world)
    alpha.put("people", "2", name="Ito Sho", email="ito@a.test")
    settle_down(world)
    alpha.put("people", "1", phone="+49895550177")  # it represents
    settle_down(world)
    beta.put("people", "1", title="Director")
    with world.open() as hub:
        hub.plan()
    assert alpha.of("people", "1")["title"] == "Buyer"

    alpha.put("people", "2", scope="it was touched last, and represents from now on")
    settle_down(world)

    assert [alpha.of("people", key).get("title") for key in "12"] == ["Buyer", "Director"]
    alpha.put("people", "1", title="Head of sales")
    settle_down(world)
    assert [alpha.of("people", "1")["title"], beta.of("people", "1")["title"]] == ["Head of sales"] * 2


def test_an_answer_that_meant_one_of_two_goes_to_the_one_who_is_left(world: World) -> None:
    alpha = one_of_two_answered(world)

    alpha.put("people", "3", email="cem@a.test")
    settle_down(world)

    assert asked(world, WHOSE) == [("2",)]


def test_an_answer_stays_with_whom_it_came_to_when_a_record_of_theirs_goes(world: World) -> None:
    """It was put up again with the others of its entity, and went to whoever had the address by then."""
    alpha, beta = met(world)
    answer(world, "ito@a.test")
    beta.put("people", "1", gone=True)
    settle_down(world)
    alpha.put("people", "1", email="sho@a.test")
    alpha.put("people", "2", name="Boe Kim", email="ito@a.test")
    settle_down(world)
    stood = asked(world, WHOSE)

    with world.store() as database:
        match_again(database)
    world.sync()

    assert stood == [("1",), ("1",)]  # in alpha, and what is gone in beta
    assert asked(world, WHOSE) == stood


def test_an_answer_goes_to_the_one_who_is_left_where_the_other_is_gone(world: World) -> None:
    alpha = one_of_two_answered(world)

    alpha.drop("people", "3")
    world.clock.forward(seconds=26 * 3600)  # a listing of all keys a day tells that it is gone
    alpha.now += timedelta(hours=26)
    settle_down(world)

    assert asked(world, WHOSE) == [("2",)]


def test_two_who_are_one_by_a_person_beside_one_who_is_never_are_left_as_they_are(tmp_path: Path, url: str) -> None:
    """What two people said of three records cannot all be so: they were joined and parted by every run."""
    world = two(tmp_path, url)
    rewrite(world, ("merge:\n", "match: {person: {rules: [{same: [emails]}]}}\nmerge:\n"))
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "1", name="Ito Sho", email="ito@a.test")
    beta.put("people", "1", name="Ito Sho", email="ito@a.test")
    alpha.put("people", "2", name="Boe Kim", email="boe@a.test")
    settle_down(world)
    numbers = dict(asked(world, "SELECT s.connection || r.rkey, r.id FROM record r JOIN stream s ON s.id = r.stream"))
    with world.store() as database, database.write() as connection:
        for other, verdict in (("alpha1", "same"), ("beta1", "never")):
            left, right = sorted((numbers[other], numbers["alpha2"]))
            database.run(
                connection,
                'INSERT INTO edge ("left", "right", source, verdict, rule, who, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
                (left, right, "person", verdict, "decided by tester", "tester", 0),
            )
    with world.store() as database:
        match_again(database)
    world.sync()
    with world.store() as database:
        stood = partition(database)
        match_again(database)
    world.sync()

    with world.store() as database:
        assert partition(database) == stood


def test_an_edit_that_equals_a_write_whose_answer_never_came_is_not_taken_back(world: World) -> None:
    """It showed what was sent, so it counted as written: an undo would have taken a person's own edit away."""
    alpha, beta = met(world)
    beta.before = crash
    alpha.put("people", "1", title="COO")
    with pytest.raises(Crash):
        world.sync()
    beta.before = None
    beta.put("people", "1", title="COO")
    world.clock.forward(seconds=120)
    settle_down(world)

    assert asked(world, "SELECT op FROM journal") == [("unsure",)]
    with world.open() as hub:
        told = hub.undo(f"R{rows(hub, 'SELECT run FROM journal')[0][0]}")
    assert told["coverage"] == {"restore": 0, "leave": 0, "cannot": 1, "share": 0.0}


def test_whoever_came_to_a_record_that_was_merged_away_stays_with_its_survivor(tmp_path: Path, url: str) -> None:
    """Records were weighed among those that are left: they were parted, joined by the merge, and parted again."""
    world = two(tmp_path, url)
    account = f"account: {world.account('beta')}"
    rewrite(
        world,
        (f"connector: memory\n    {account}", f"connector: merging\n    {account}"),
        ("merge:\n", "match: {person: {rules: [{same: [emails]}]}}\nmerge:\n"),
    )
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ito Sho", email="ito@a.test", phone="+49895550177")
        remote.put("people", "2", name="Boe Kim", email="boe@a.test")
    settle_down(world)
    beta.merge("people", "2", "1")
    settle_down(world)
    with world.store() as database:
        stood = partition(database)
        match_again(database)

    world.sync()

    assert len({entity for _, entity in stood}) == 1
    with world.store() as database:
        assert partition(database) == stood


def test_records_of_a_stream_that_is_listed_no_more_are_parted_like_any(world: World) -> None:
    alpha, _ = met(world)
    alpha.put("people", "2", name="Ito Sho", email="ito@a.test", title="Buyer")
    settle_down(world)
    rewrite(world, ("      people: {write: [update]}\n", ""))

    with world.open() as hub:
        hub.part(["alpha/people/2"])

    homes = "SELECT count(*), count(DISTINCT m.entity) FROM member m JOIN entity e ON e.id = m.entity"
    assert asked(world, homes) == [(3, 2)]


def test_a_line_that_is_only_written_is_written(world: World) -> None:
    """It is never read back, so there is nothing to compare: what was written stands there until the hub moves."""
    rewrite(
        world,
        (
            "people: {write: [update]}",
            "people: {write: [update], mapping: {job_title: {field: title, direction: write}}}",
        ),
    )
    alpha, beta = met(world)
    assert beta.of("people", "1")["title"] == "Buyer"
    before = len(beta.log)

    alpha.put("people", "1", title="COO")
    world.sync()

    assert beta.of("people", "1")["title"] == "COO"
    assert quiet(world.sync())
    assert len(beta.log) == before + 1


def test_a_mapping_that_understands_what_another_one_did_not_closes_its_letters(world: World) -> None:
    """And one that understands less opens them: of what is read again from the store as of what lands."""
    change = "people: {write: [update]}", "people: {write: [update], mapping: {'phones[work]': null}}"
    world.remote("beta").put("people", "1", name="Ito Sho", email="ito@a.test", phone="12")
    settle_down(world)
    assert waiting_letters(world) == ["phones"]

    rewrite(world, change)
    settle_down(world)
    assert waiting_letters(world) == []

    rewrite(world, change[::-1])
    settle_down(world)
    assert waiting_letters(world) == ["phones"]


def waiting_letters(world: World) -> list[str]:
    with world.open() as hub:
        return [one["field"] for one in hub.dlq_list()["dead_letters"]]


def test_a_namespace_may_be_named_like_the_parts_of_a_rule(world: World) -> None:
    """Its id was cut as "phone+family" is, which ended the run with a fault."""
    with world.open() as hub:
        identify = hub.house.rules.identifiers("person", ("external_ids",), [])
        ((number, _),) = identify([[{"namespace": "erp+phone", "value": "7"}]])

        name = hub.house.ident_kinds.name(number)
        assert name == "person/external:erp+phone"
        rule = hub.house.rules.rule(name)
    assert rule is not None
    assert rule.counted is None


def test_an_answer_of_a_tool_that_is_not_listed_any_more_makes_nobody_one_with_its_person(world: World) -> None:
    """It claims an address and does not carry it, whether its stream is listed or not."""
    alpha = world.remote("alpha")
    alpha.put("people", "7", name="Ada Byron", email="ada@a.test")
    answer(world, "else@a.test")
    rewrite(world, ("merge:\n", "match: {person: {rules: [{same: [emails]}]}}\nmerge:\n"))
    world.remote("tool").put("answers", "r1", contact_id="7")
    world.sync()
    assert ("7",) in asked(world, WHOSE)

    tool = f"  tool: {{connector: survey, account: {world.account('tool')}, streams: {{answers: }}}}\n"
    rewrite(world, (tool, ""))
    alpha.put("people", "2", name="Rahim Uddin", email="else@a.test")
    world.sync()

    with world.open() as hub:
        assert hub.explain("alpha/people/7")["id"] != hub.explain("alpha/people/2")["id"]


# -- by which id an entity goes ------------------------------------------------------------------------------------


def goes_by(world: World) -> list[tuple[str, list[str]]]:
    """Of each entity its id, and the births of its records, smallest first."""
    with world.open() as hub:
        births: dict[str, list[str]] = {}
        for public, system, stream, key in rows(
            hub,
            "SELECT e.public, s.connection, s.name, r.rkey FROM entity e JOIN member m ON m.entity = e.id "
            "JOIN record r ON r.id = m.record JOIN stream s ON s.id = r.stream",
        ):
            births.setdefault(public, []).append(hub.house.rules.births(system, stream)(key))
    return [(public, sorted(some)) for public, some in sorted(births.items())]


def test_what_was_dropped_of_a_create_stays_so_under_another_id(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    beta.put("people", "9", name="Rahim Uddin", email="r@padma.test")
    alpha.before = lambda write: Outcome(write.action, "rejected", reason="nobody of that name")
    world.sync()
    with world.open() as hub:
        (letter,) = hub.dlq_list()["dead_letters"]
        hub.dlq_drop(letter["id"], "not wanted there")
        birth = hub.house.rules.births("beta", "people")
        ((public, _),) = goes_by(world)
        smaller = next(key for key in map(str, range(10, 1000)) if birth(key) < public)
    alpha.before = None
    beta.put("people", smaller, name="Rahim Uddin", email="r@padma.test")

    world.sync()
    world.sync()

    ((now, births),) = goes_by(world)
    assert public != now == births[0]
    assert alpha.writes("create") == []


# -- who is left --------------------------------------------------------------------------------------------------


def one_rule(world: World, rule: str, **limits: int) -> None:
    """Nothing else makes two one, and nobody is made."""
    match = f"match: {{person: {{rules: [{{same: [{rule}]}}], limits: {limits}, model: none}}}}\n".replace("'", "")
    alone = ("people: {write: [create, update], create_from: [beta]}", "people: {write: [update]}")
    rewrite(world, ("merge:\n", f"{match}merge:\n"), alone)


def test_an_address_that_few_enough_are_left_with_joins_them(world: World) -> None:
    """Three contacts of one system shared it, which was one too many."""
    one_rule(world, "emails", emails=2)
    alpha, beta = world.remote("alpha"), world.remote("beta")
    for key, name in (("1", "Mara Lindqvist"), ("2", "Ito Sho"), ("3", "Rahim Uddin")):
        alpha.put("people", key, name=name, email="desk@a.test")
    beta.put("people", "9", name="Rahim Uddin", email="desk@a.test")
    world.sync()
    assert len(asked(world, "SELECT id FROM entity")) == 4

    alpha.put("people", "1", email="mara@a.test")
    alpha.put("people", "2", gone=True)
    world.sync()

    with world.open() as hub:
        assert hub.explain("alpha/people/3")["id"] == hub.explain("beta/people/9")["id"]


def test_an_address_that_few_enough_are_left_with_joins_them_when_one_is_erased(world: World) -> None:
    one_rule(world, "emails", emails=1)
    alpha = world.remote("alpha")
    alpha.put("people", "1", name="Mara Lindqvist", email="desk@a.test")
    alpha.put("people", "3", name="Rahim Uddin", email="desk@a.test")
    world.remote("beta").put("people", "9", name="Rahim Uddin", email="desk@a.test")
    world.sync()
    with world.open() as hub:
        assert hub.explain("alpha/people/3")["id"] != hub.explain("beta/people/9")["id"]
        hub.erase("alpha/people/1")

    world.sync()

    with world.open() as hub:
        assert hub.explain("alpha/people/3")["id"] == hub.explain("beta/people/9")["id"]


def test_an_answer_that_has_moved_holds_nobody_together(world: World) -> None:
    """It came to one and then to another; what made these one holds no more."""
    answer(world, "nobody@a.test")
    one_rule(world, "phones", phones=2)
    alpha = world.remote("alpha")
    alpha.put("people", "1", name="Mara Lindqvist", phone="+49895551001")
    beta = world.remote("beta")
    beta.put("people", "9", name="Ito Sho")
    for key in ("1", "9"):
        world.remote("tool").put("answers", "r1", contact_id=key)
        world.sync()
    beta.put("people", "9", phone="+49895551001")
    world.sync()
    with world.open() as hub:
        moved = rows(hub, "SELECT count(*) FROM edge WHERE source = 'claim'")
        assert hub.explain("alpha/people/1")["id"] == hub.explain("beta/people/9")["id"]

    for key in ("2", "3"):
        alpha.put("people", key, name=f"Person {key}", phone="+49895551001")
    world.sync()

    assert moved == [(2,)]
    with world.open() as hub:
        assert hub.explain("alpha/people/1")["id"] != hub.explain("beta/people/9")["id"]
