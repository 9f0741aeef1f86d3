"""A fixed share of the histories that `make chaos` plays; a broken one is told by the shortest part that still breaks.

HISTORIES=300 in the environment plays as many, HISTORIES_FROM=5000 others.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.histories import Step, history, play, shrink
from tests.chaos.invariants import INVARIANTS, BrokenError
from tests.chaos.orders import hold_in_any_order
from tests.chaos.stage import Stage
from tests.chaos.undoing import undo_in
from tests.hub import World

FIRST = int(os.environ.get("HISTORIES_FROM", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("HISTORIES", "60")))
SHARES = [range(SEEDS.start + n, SEEDS.stop, 10) for n in range(10)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path).lit() as stage:
        yield stage


@pytest.mark.parametrize("seeds", SHARES, ids=lambda seeds: f"every-tenth-from-{seeds.start}")
def test_nothing_is_lost_doubled_or_left_whatever_happens(seeds: range, stage: Stage) -> None:
    for seed in seeds:
        try:
            play(stage.world(), history(seed))
        except BrokenError as broken:
            lines = "\n".join(f"    {step}," for step in shrink(stage.world, history(seed)))
            pytest.fail(f"history {seed}: {broken}\nstill broken by\n{lines}")


def test_nor_when_the_power_fails(stage: Stage) -> None:
    """Of what SQLite has committed then, that stays which was asked to, and what came before it."""
    for seed in range(FIRST + 500, FIRST + 515):
        play(stage.world(), history(seed), power=True)


def test_the_same_number_is_the_same_history_everywhere(stage: Stage) -> None:
    """Down to the ids of entities: what hangs on their order could not be played again."""
    seeds = [21, 22, 23]

    found = [all_that_is_kept(play(stage.world(), history(seed)).world) for seed in seeds]

    assert found == [all_that_is_kept(play(stage.world(), history(seed)).world) for seed in seeds]
    assert len({public for rows in found for _, public in rows["entity"]}) > len(found[0]["entity"])  # each has its own


def all_that_is_kept(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Who is whom, what came of that at the vendors, and under which ids."""
    asked = {
        "entity": "SELECT id, public FROM entity ORDER BY id",
        "member": "SELECT record, entity FROM member ORDER BY record",
        "edge": 'SELECT "left", "right", source, verdict, score, at FROM edge ORDER BY "left", "right", source',
        "action": "SELECT id, stream, entity, record, op, hub_id, state FROM action ORDER BY id",
        "journal": "SELECT id, action, record, at, fields FROM journal ORDER BY id",
    }
    with world.store() as database, database.read() as connection:
        return {
            table: [tuple(row) for row in database.run(connection, what).fetchall()] for table, what in asked.items()
        }


def test_every_invariant_is_judged(stage: Stage) -> None:
    """A check that never meets what it looks for holds nothing."""
    held = play(stage.world(), history(0)).held
    for seed in range(1, 30):
        held += play(stage.world(), history(seed)).held
    for seed in range(5):
        held += undo_in(stage.world(), seed)
    assert sorted(held) == sorted(INVARIANTS)


@pytest.mark.parametrize("seed", [100_003, 100_019])
def test_nothing_is_lost_doubled_or_left_on_either_database(seed: int, tmp_path: Path, database_url: str) -> None:
    """In a file or on a server, with threads and all."""
    play(World(tmp_path, database_url, ""), history(seed), pages=24)


def test_entities_and_their_ids_do_not_depend_on_the_order_of_arrival(stage: Stage) -> None:
    # Of the last two a record was held by the one rule alone by which it came, another one in each order.
    for seed in (*range(8), 900050, 900059):
        hold_in_any_order(stage.world, seed)


def test_a_create_that_was_read_and_edited_before_it_was_looked_for_stands_in_the_journal(stage: Stage) -> None:
    """The shortest part of a history that broke I5: it was taken for one that had never arrived."""
    steps = (
        Step("new", 29, 94, 19), Step("new", 96, 49, 20), Step("die_after", 17, 99, 28), Step("trash", 30, 72, 93),
        Step("config", 56, 71, 46), Step("sync", 69, 82, 4), Step("edit", 93, 68, 93),
    )  # fmt: skip
    play(stage.world(), steps)


def test_what_a_dead_process_had_landed_of_a_first_load_that_another_one_settled_is_settled(stage: Stage) -> None:
    """It stood on no list of work: the person was nobody's, and was made a second time in a system that had them."""
    steps = (Step("new", 77, 5, 90), Step("page", 38, 11, 28), Step("two", 46, 83, 4), Step("away", 22, 71, 67))
    made = play(stage.world(), steps)
    assert len(made.keys("alpha")) == 1


def test_a_record_without_our_id_is_not_taken_for_what_a_lost_create_made(stage: Stage) -> None:
    """The shortest part of a history that broke I5: an undo would have put somebody's own record away."""
    steps = (
        Step("new", 30, 51, 88), Step("poor", 96, 65, 15), Step("sure", 57, 93, 1), Step("sure", 65, 65, 66),
        Step("sure", 19, 32, 82), Step("sure", 25, 91, 60), Step("new", 41, 16, 46), Step("vanish", 86, 8, 96),
        Step("sync", 45, 29, 89),
    )  # fmt: skip
    play(stage.world(), steps)


def test_who_kept_its_own_and_takes_it_away_is_at_rest(stage: Stage) -> None:
    """The shortest part of a history that broke I2: what had been kept stood on as the base, and would not have counted
    as an edit if it had been said again."""
    steps = (
        Step("config", 5, 1, 0), Step("new", 4, 27, 47), Step("new", 19, 54, 94), Step("new", 12, 78, 52),
        Step("edit", 97, 82, 99), Step("keep", 59, 90, 3), Step("both", 30, 27, 27), Step("keep", 52, 69, 79),
        Step("sync", 83, 7, 56), Step("clear", 55, 21, 89),
    )  # fmt: skip
    play(stage.world(), steps)


def test_a_record_that_comes_back_under_another_entity_owes_nothing_to_its_former_one(stage: Stage) -> None:
    """The shortest part of a history that broke I2: it was parted while it was gone, and golden stayed empty since it
    seemed to show what was agreed."""
    steps = (
        Step("world", 66, 82, 92), Step("deletes", 60, 3, 9), Step("firm_new", 2, 0, 0), Step("new", 85, 3, 8),
        Step("new", 15, 21, 21), Step("new", 16, 23, 89), Step("new", 53, 82, 87), Step("firm_left", 58, 73, 77),
        Step("scope", 70, 81, 52), Step("firm_gone", 16, 11, 15), Step("firm", 59, 79, 2), Step("firm_new", 19, 27, 37),
        Step("clear", 30, 55, 21), Step("firm_gone", 40, 15, 19), Step("sync", 3, 74, 65),
        Step("firm_back", 30, 15, 59),
    )  # fmt: skip
    play(stage.world(), steps, power=True)


def test_who_is_edited_out_of_the_scope_is_held_as_hidden_and_stays_so(stage: Stage) -> None:
    """The shortest part of a history that broke I6: whoever left the scope was looked for among the living."""
    steps = (Step("new", 57, 15, 53), Step("config", 75, 4, 13), Step("scope", 77, 7, 13))
    play(stage.world(), steps)
    for seed in range(8):
        play(stage.world(), history(seed, kinds=("new", "config", "scope", "sync", "edit")))


def test_what_a_record_that_is_gone_kept_apart_is_joined_when_it_goes(stage: Stage) -> None:
    """The shortest part of a history that broke I10: two records in one system kept an address from joining anybody."""
    steps = (
        Step("new", 17, 74, 59), Step("new", 64, 34, 9), Step("new", 18, 15, 11), Step("sync", 70, 98, 98),
        Step("trash", 88, 65, 48), Step("swap", 1, 36, 26), Step("sync", 43, 61, 72), Step("trash", 0, 45, 24),
    )  # fmt: skip
    play(stage.world(), steps)


BROKE = {
    "a stream that is listed later has nobody made in it who was there before": (
        Step("config", 89, 23, 61), Step("config", 21, 97, 50), Step("new", 51, 89, 5), Step("sync", 89, 59, 7),
    ),
    "who comes back meets what golden became from one record alone": (
        Step("new", 92, 47, 13), Step("new", 44, 90, 66), Step("new", 67, 79, 98), Step("sync", 0, 0, 0),
        Step("commit", 74, 95, 10), Step("new", 90, 42, 54), Step("both", 12, 6, 28), Step("sync", 88, 36, 93),
        Step("hint", 97, 80, 67), Step("away", 26, 2, 54),
    ),
    "a create that came to nothing stays behind when its person turns out to be another": (
        Step("new", 55, 98, 86), Step("new", 26, 83, 52), Step("new", 94, 27, 75), Step("drop", 71, 61, 81),
        Step("sync", 16, 73, 12), Step("new", 16, 26, 83), Step("mail", 18, 37, 26), Step("die_before", 56, 52, 7),
        Step("edit", 26, 21, 59), Step("sync", 40, 45, 34), Step("drop", 68, 16, 0), Step("mail", 79, 1, 4),
        Step("sync", 2, 9, 27), Step("drop", 7, 38, 49), Step("erase", 58, 82, 88),
    ),
    "a stream is not listed any more when a first load that was cut off is matched": (
        Step("new", 11, 16, 92), Step("new", 69, 96, 46), Step("new", 2, 14, 57), Step("new", 25, 50, 2),
        Step("page", 46, 29, 83), Step("sync", 77, 75, 77), Step("employ", 5, 43, 31), Step("config", 87, 94, 49),
        Step("sync", 94, 57, 32),
    ),
    "a vendor makes one of two, and a person keeps apart from one of them whom a rule has joined with the other": (
        Step("world", 51, 19, 74), Step("new", 71, 87, 32), Step("new", 74, 63, 34), Step("new", 30, 30, 72),
        Step("sync", 26, 38, 78), Step("pair", 28, 52, 51), Step("merge", 38, 81, 17),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKE)
def test_the_shortest_parts_of_histories_that_broke_once(what: str, stage: Stage) -> None:
    play(stage.world(), BROKE[what])


# All of them with a machine that dies with its process.
OF_COMPANIES = {
    "a company is unlinked and made again for who was left without it": (
        Step("world", 83, 77, 76), Step("deletes", 92, 62, 57), Step("firm_new", 2, 0, 0), Step("firm_new", 2, 0, 0),
        Step("new", 74, 60, 92), Step("firm_new", 58, 88, 15), Step("firm", 39, 39, 70), Step("firm_left", 1, 96, 46),
    ),
    "companies are one for a while": (
        Step("world", 6, 5, 92), Step("config", 7, 1, 0), Step("firm_new", 2, 0, 0), Step("firm_new", 2, 0, 0),
        Step("new", 8, 38, 47), Step("firm_sure", 20, 97, 54), Step("firm_left", 6, 95, 17),
    ),
    "what is made again had gone out unanswered before": (
        Step("deletes", 2, 19, 93), Step("firm_new", 2, 0, 0), Step("new", 53, 14, 56), Step("firm_sure", 23, 47, 45),
        Step("firm_sure", 95, 79, 47), Step("firm_gone", 24, 67, 56),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", OF_COMPANIES)
def test_the_shortest_parts_of_histories_of_companies_that_broke_once(what: str, stage: Stage) -> None:
    play(stage.world(), OF_COMPANIES[what], power=True)


def test_a_company_that_is_named_where_another_one_was_to_be_written_which_has_gone_since_is_asked_about(
    stage: Stage,
) -> None:
    """It was taken for all that the record can show of the other one, and agreed with it."""
    steps = (
        Step("deletes", 33, 91, 73), Step("config", 7, 1, 0), Step("firm_new", 2, 0, 0), Step("firm_new", 2, 0, 0),
        Step("new", 65, 18, 90), Step("new", 20, 72, 35), Step("new", 85, 22, 58), Step("firm_left", 24, 89, 21),
        Step("employ", 70, 39, 12), Step("employ", 17, 73, 29), Step("employ", 65, 12, 23), Step("sync", 83, 61, 84),
        Step("employ", 12, 27, 97), Step("new", 1, 4, 45), Step("firm_gone", 62, 38, 40), Step("firm_sure", 25, 20, 93),
        Step("employ", 99, 39, 80), Step("employ", 40, 68, 63), Step("firm_gone", 35, 36, 0),
    )  # fmt: skip
    made = play(stage.world(), steps, power=True)
    assert made.remote("alpha").of("people", "101")["firm"] == "af8"
    assert made.contested()
