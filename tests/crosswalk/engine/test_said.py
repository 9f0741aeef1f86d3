"""What people say of who is who does not contradict itself."""

from contextlib import closing
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.engine.review import decide_pair
from crosswalk.engine.said import say
from crosswalk.engine.words import AskError
from crosswalk.store.dialect import Database, in_memory
from crosswalk.store.migrations import migrate
from tests.crosswalk.engine.house_for_reports import World

FIELDS = ("name", "emails")


def people(database: Database, number: int) -> World:
    """So many, each with a record and an entity of its own: numbers 1 and on."""
    world = World(database)
    world.stream("salesforce/contacts", "person", FIELDS)
    for key in "abcdef"[:number]:
        world.entity("person", [world.record(f"salesforce/contacts/{key}", name={"full": key})], public=key * 5)
    return world


def said(world: World, left: int, right: int, verdict: str, *, who: str = "anna") -> None:
    with world.database.write() as connection:
        say(world.house, connection, [(left, right)], verdict, who=who)


def words(world: World) -> set[tuple[Any, ...]]:
    with world.database.read() as connection:
        rows = world.database.run(connection, 'SELECT "left", "right", verdict FROM edge').fetchall()
    return {tuple(row) for row in rows}


def test_two_who_are_the_same_through_a_third_cannot_be_two(database: Database) -> None:
    world = people(database, 3)
    world.pair(1, 2)
    said(world, 1, 2, "same")
    said(world, 2, 3, "same", who="bob")

    with pytest.raises(AskError) as refused:
        said(world, 1, 3, "never")

    assert refused.value.text == (
        "salesforce/contacts/a and salesforce/contacts/c cannot be two: "
        "bob said that salesforce/contacts/b and salesforce/contacts/c are the same, "
        "anna said that salesforce/contacts/a and salesforce/contacts/b are the same"
    )
    assert "crosswalk match split salesforce/contacts/c or crosswalk review M1 --never" in refused.value.hint
    assert words(world) == {(1, 2, "same"), (2, 3, "same")}


def test_two_whose_like_are_never_one_cannot_be_the_same(database: Database) -> None:
    world = people(database, 4)
    said(world, 1, 2, "same")
    said(world, 3, 4, "same")
    said(world, 2, 4, "never")

    with pytest.raises(AskError, match=r"a and salesforce/contacts/c cannot be the same: .* never are"):
        said(world, 1, 3, "same")

    said(world, 2, 4, "same")  # the last word on two counts
    said(world, 1, 3, "same")
    assert words(world) == {(1, 2, "same"), (3, 4, "same"), (2, 4, "same"), (1, 3, "same")}


def test_several_that_are_parted_at_once_contradict_only_who_is_not_among_them(database: Database) -> None:
    world = people(database, 4)
    for left, right in ((1, 2), (1, 3), (2, 3)):
        said(world, left, right, "same")

    with world.database.write() as connection:
        say(world.house, connection, [(1, 2), (1, 3)], "never", who="anna")

    assert words(world) == {(1, 2, "never"), (1, 3, "never"), (2, 3, "same")}


def test_of_those_that_are_alike_the_ones_that_contradict_are_left(database: Database) -> None:
    world = people(database, 5)
    for left, right in ((1, 2), (3, 4), (1, 4)):
        world.pair(left, right)
    said(world, 3, 5, "same")
    said(world, 4, 5, "same")

    told = decide_pair(world.house, "M1", same=False, who="anna", all_alike=True)

    assert (told["decided"], told["ids"], told["left"]) == (2, ["M1", "M3"], ["M2"])
    assert words(world) == {(3, 5, "same"), (4, 5, "same"), (1, 2, "never"), (1, 4, "never")}
    assert world.value("SELECT state FROM pair WHERE id = 2") == "open"


PAIRS = list(combinations(range(1, 7), 2))


@given(st.lists(st.tuples(st.sampled_from(PAIRS), st.sampled_from(["same", "never"])), max_size=25))
def test_whatever_is_said_what_is_kept_can_all_be_so(saying: list[tuple[tuple[int, int], str]]) -> None:
    with closing(in_memory()) as database:
        migrate(database)
        world = people(database, 6)
        kept: dict[tuple[int, int], str] = {}
        for pair, verdict in saying:
            other = {one: told for one, told in kept.items() if one != pair} | {pair: verdict}
            try:
                said(world, *pair, verdict)
                assert possible(other)
                kept = other
            except AskError:
                assert not possible(other)

        assert words(world) == {(*pair, verdict) for pair, verdict in kept.items()}


def possible(told: dict[tuple[int, int], str]) -> bool:
    """Is there a way to put all into groups so that every word holds?"""
    group = {record: record for record in range(1, 7)}
    for (left, right), verdict in told.items():
        if verdict == "same":
            goes, stays = group[left], group[right]
            group = {record: stays if home == goes else home for record, home in group.items()}
    return all(group[left] != group[right] for (left, right), verdict in told.items() if verdict == "never")
