"""What is compared of records is kept, and is never what they do not show any more."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crosswalk.engine import likeness
from crosswalk.engine.entities import Matched
from crosswalk.engine.identify import Matcher
from crosswalk.engine.likeness import Known, likeness_of
from crosswalk.engine.profiles import Profiles
from crosswalk.engine.remembered import Remembering
from crosswalk.store.records import DELETED
from mapping.match.score import Counts, Scorer
from tests.crosswalk.engine.test_scored import NAMES, PEOPLE, THREE, bring, three
from tests.hub import World
from tests.mapping.match.people import strangers
from tests.memory.connector import Crash

Kept = dict[int, Known]


@pytest.fixture
def world(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """A store that is looked up by blocks."""
    monkeypatch.setattr(likeness, "SMALL", 3)
    world = three(tmp_path, database_url)
    bring(world, PEOPLE)
    return world


def kept(world: World) -> tuple[Kept, Kept]:
    """Of all records what is kept, and of the live ones what they show."""
    with world.open() as hub, hub.house.database.read() as connection:
        of = likeness_of(hub.house, "person")
        records = [row[0] for row in hub.house.database.select_all(connection, "SELECT id FROM record")]
        return by_record(of.profiles.read(connection, records)), by_record(of.known(connection, records))


def by_record(some: Sequence[Known]) -> Kept:
    return {one.record: one for one in some}


def crashing(_matcher: Matcher, _connection: Any, _records: Sequence[int]) -> Matched:
    raise Crash


def test_a_first_load_keeps_what_each_record_shows(world: World) -> None:
    there, shown = kept(world)

    assert len(there) == len(PEOPLE)
    assert there == shown


def test_whatever_happens_to_records_what_is_kept_is_what_they_show(world: World) -> None:
    random = Random(5)
    for _ in range(6):
        for _ in range(random.randrange(1, 6)):
            remote, key = world.remote(random.choice(NAMES)), str(random.randrange(1, 9))
            if random.random() < 0.2 and key in remote.rows["people"]:
                remote.drop("people", key)
            else:
                name = random.choice(["Rahim Uddin", "Otto Berg", "Bob Zimmermann", "Ito Sho"])
                remote.put("people", key, name=name, email=random.choice(["berg@home.test", "bob@firm.test", None]))
        world.clock.forward(seconds=25 * 3600)  # a sweep is due
        world.sync()
        there, shown = kept(world)

        assert there == shown
        assert found_by(world) == keys_of(world, shown)


def found_by(world: World) -> set[tuple[int, int]]:
    """Blocks and who is in them."""
    with world.store() as store, store.read() as connection:
        return {(row[0], row[1]) for row in store.select_all(connection, "SELECT value, record FROM block")}


def keys_of(world: World, shown: Kept) -> set[tuple[int, int]]:
    with world.open() as hub:
        of = likeness_of(hub.house, "person")
        scorer = Scorer(of.model, Counts(0))
        return {(value, one.record) for one in shown.values() for value in of.hashes(scorer.keys(one.profile))}


def test_what_has_landed_and_is_not_settled_yet_is_not_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before, _ = kept(world)
    world.remote("alpha").put("people", "2", email="anna@firm.test")
    with monkeypatch.context() as patched:
        patched.setattr(Matcher, "match_some", crashing)
        with pytest.raises(Crash):
            world.sync()

    there, shown = kept(world)

    (landed,) = before.keys() - there.keys()
    assert "anna@firm.test" in shown[landed].profile["email"]
    assert {number: shown[number] for number in there} == there


def test_what_is_not_kept_is_made_of_what_was_landed_and_then_kept(world: World) -> None:
    with world.store() as store, store.write() as connection:
        store.run(connection, "DELETE FROM profile WHERE record > 2")
    with world.open() as hub, hub.house.database.write() as connection:
        of = likeness_of(hub.house, "person")
        records = of.live(connection, at_most=100)
        assert by_record(of.kept(connection, records)) == by_record(of.known(connection, records))

    there, shown = kept(world)

    assert there == shown


def test_a_store_is_as_small_as_its_records_are_few_whatever_record_is_asked_beside(world: World) -> None:
    with world.open() as hub, hub.house.database.write() as connection:
        of = likeness_of(hub.house, "person")
        records = of.live(connection, at_most=100)
        asked = (*records, max(records) + 1000)

        many = [of.small(connection, beside=record) for record in asked]
        hub.house.database.run_many(
            connection, "UPDATE record SET state = ? WHERE id = ?", [(DELETED, record) for record in records[2:]]
        )
        few = [of.small(connection, beside=record) for record in asked]

    assert many == [None] * len(asked)
    assert few == [records[:2]] * len(asked)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("match: {person: {block: ['*@home.test']}}", id="other-rules"),
        pytest.param("", id="another-mapping"),
    ],
)
def test_what_was_made_otherwise_is_not_used(world: World, more: str) -> None:
    before, _ = kept(world)
    text = THREE.format(**dict(zip("abc", map(world.account, NAMES), strict=True)), more=more)
    if not more:
        text = text.replace("people: }", "people: {mapping: {job_title: null}} }")
    world.write(text)
    with world.open() as hub, hub.house.database.read() as connection:
        there = likeness_of(hub.house, "person").profiles.read(connection, list(before))
    assert not there

    world.remote("alpha").put("people", "2", name="Anna Maria Berg")
    world.sync()
    there_now, shown = kept(world)

    assert there_now
    assert {number: shown[number] for number in there_now} == there_now


def test_a_profile_comes_back_as_it_was(world: World) -> None:
    with world.open() as hub, hub.house.database.write() as connection:
        house = hub.house
        (alpha, *_) = house.streams.values()
        profiles = Profiles(house.database, "person", house.streams.values(), rules="", hashed=hash)
        some = [Known(100 + at, alpha.id, f"birth{at}", one) for at, one in enumerate([*strangers(20), {}])]
        profiles.write(connection, some)

        assert sorted(profiles.read(connection, range(200))) == some


def test_what_is_remembered_of_two_is_what_is_said_of_them_anew(world: World) -> None:
    with world.open() as hub, hub.house.database.read() as connection:
        of = likeness_of(hub.house, "person")
        some = of.known(connection, of.live(connection, at_most=100))
        found = of.weighing(connection)
        assert found is not None
        scorer, counted = found
        remembering = Remembering(scorer.model, counted)
        for names in ({}, {("email", "berg@home.test"): 3, ("phone", "895550177"): 2}, {("email", "bob@firm.test"): 2}):
            remembering.held_by(names)
            for _ in range(3):
                for one in some:
                    for other in some:
                        remembering.score(one.profile, other.profile)
                counted.fetch(connection)
            anew = Scorer(scorer.model, counted)

            assert all(
                remembering.score(one.profile, other.profile) == anew.score(one.profile, other.profile)
                for one in some
                for other in some
            )


def test_of_two_names_that_differ_nobody_asks_how_common_they_are(world: World) -> None:
    with world.open() as hub, hub.house.database.read() as connection:
        of = likeness_of(hub.house, "person")
        found = of.weighing(connection)
        assert found is not None
        scorer, counted = found
        remembering = Remembering(scorer.model, counted)
        one = {"given": ("rahim",), "family": ("uddin",), "email": ("rahim@bank.test",)}
        like, unlike = one | {"family": ("udin",)}, one | {"family": ("berg",)}
        all_asked: set[tuple[str, str]] = set()
        held = of.held

        def watched(connection: Any, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
            all_asked.update(asked)
            return held(connection, asked)

        of.held = watched  # type: ignore[method-assign] # to look on

        remembering.foresee([(one, like), (one, unlike)])
        counted.fetch(connection)

        assert all_asked == {
            ("given", "rahim"), ("family", "uddin"), ("family", "udin"), ("email#names", "rahim@bank.test")
        }  # fmt: skip
        for other in (like, unlike):
            remembering.score(one, other)
        assert not counted.fetch(connection)
