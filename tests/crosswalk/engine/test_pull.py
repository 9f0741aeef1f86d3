"""Small pages that wait are landed together, as if one page had held them all."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors.sdk.contract import LONGEST_KEY, NOT_KEPT, Page, RemoteRecord, RowFault, Window
from connectors.sdk.errors import ConnectorError, GrantError, LaterError, SetupError, ShapeError
from crosswalk.engine import pull
from crosswalk.store.records import Landing
from mapping.functions.scalars import LONGEST_ID
from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World, several_at_once
from tests.memory.connector import MemoryConnector

EARLY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
BETWEEN = EARLY + timedelta(seconds=1)
LATE = EARLY + timedelta(seconds=5)
FAULT = RowFault("people", None, "a row that is no object", 1)


def page(*records: tuple[str, datetime | None], at: int | None, **more: Any) -> Page:
    made = [RemoteRecord(key, None, modified, {"id": key}) for key, modified in records]
    return Page(made, None if at is None else {"at": at}, more.pop("server_time", None), **more)


def test_two_pages_are_one_that_ends_where_the_second_does() -> None:
    one = page(("1", EARLY), at=1, server_time=EARLY, total=7, anew=["members.csv"])
    other = page(("2", LATE), at=None, server_time=LATE, total=8, last=True, faults=[FAULT])

    both = pull.as_one(one, other)

    assert both == replace(other, records=[*one.records, *other.records], server_time=EARLY, anew=["members.csv"])


@pytest.mark.parametrize(
    ("second", "joined"),
    [
        pytest.param(page(("1", LATE), at=2), True, id="seen-again-since-it-was-changed"),
        pytest.param(page(("1", EARLY), at=2), True, id="seen-again-as-it-was"),
        pytest.param(page(("1", EARLY - timedelta(seconds=1)), at=2), False, id="seen-again-as-it-had-been"),
        pytest.param(page(*((str(n), LATE) for n in range(1000)), at=2), False, id="too-many"),
        pytest.param(page(("2", LATE), at=2, anew=["members.csv"]), False, id="a-file-is-read-anew"),
    ],
)
def test_pages_that_do_not_go_together_are_landed_one_by_one(second: Page, joined: bool) -> None:
    assert (pull.as_one(page(("1", EARLY), at=1), second) is not None) is joined


READS = st.lists(st.tuples(st.sampled_from("1234"), st.sampled_from([None, EARLY, BETWEEN, LATE])), max_size=6)


@given(READS, READS)
def test_a_record_is_never_taken_back_to_an_older_read(first: list[Any], second: list[Any]) -> None:
    held = dict(first)
    older = [key for key, at in second if at is not None and held.get(key) is not None and at < held[key]]

    assert (pull.as_one(page(*first, at=1), page(*second, at=2)) is None) is bool(older)


def test_what_a_page_sets_aside_is_known_before_the_next_is_landed() -> None:
    assert pull.as_one(page(("1", EARLY), at=1, faults=[FAULT]), page(("2", LATE), at=2)) is None


def held(world: World) -> list[Any]:
    with world.store() as database, database.read() as connection:
        return [
            [tuple(row) for row in database.run(connection, statement).fetchall()]
            for statement in (
                "SELECT r.stream, r.rkey, r.version, r.modified, r.state, b.raw, b.observed "
                "FROM record r JOIN body b ON b.record = r.id ORDER BY r.stream, r.rkey",
                "SELECT stream, name, watermark, position, since, opened, largest, total, complete FROM part "
                "ORDER BY stream, name",
            )
        ]


def crowd(world: World) -> None:
    for number in range(1, 8):
        world.remote("beta").put("people", str(number), name=f"Ada {number}", email=f"ada{number}@a.test")


def test_what_waits_is_landed_at_once_and_before_an_error(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[int] = []
    land = Landing.land

    def counted(self: Landing, connection: Any, page: Any, *told: Any, **more: Any) -> Any:
        pages.append(len(page))
        return land(self, connection, page, *told, **more)

    monkeypatch.setattr(Landing, "land", counted)
    monkeypatch.setattr(pull, "prefetched", lambda pages, *_, join, **__: several_at_once(pages, join))
    world = two(tmp_path, database_url)
    crowd(world)
    there = world.remote("beta")
    there.on_page = _refuse_from(4)

    world.sync()

    # Two pages of two had come when the vendor broke off: landed at once, and the position is behind them.
    assert [count for count in pages if count] == [4]
    [broken] = [row for row in held(world)[1] if row[3] is not None]
    assert b'"at":4' in bytes(broken[3])

    there.on_page = None
    pages.clear()
    world.sync()

    assert next(count for count in pages if count) == 3
    records, parts = held(world)
    assert [row[1] for row in records if row[0] == broken[0]] == [str(number) for number in range(1, 8)]
    assert [row[3] for row in parts] == [None] * len(parts)


def _refuse_from(number: int) -> Callable[[str, int], None]:
    def on_page(stream: str, at: int) -> None:
        if stream == "people" and at >= number:
            raise LaterError("Memory is busy")

    return on_page


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(SetupError("there is no survey 'gone'"), id="deleted"),
        pytest.param(GrantError("the survey is not shared", code="CW204"), id="not-shared"),
        pytest.param(ShapeError("the export failed twice"), id="broken"),
    ],
)
def test_a_part_that_cannot_be_read_keeps_no_other_from_being_read(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, error: ConnectorError
) -> None:
    world = two(tmp_path, database_url)
    beta = world.remote("beta")
    crowd(world)
    settle_down(world)
    whole = MemoryConnector.pull

    def of_parts(self: MemoryConnector, stream: str, window: Window) -> Iterator[Page]:
        if window.part == "gone":
            raise error
        yield from whole(self, stream, window)

    def parts(self: MemoryConnector, stream: str) -> Sequence[str]:
        return ["gone", ""] if stream == "people" and self._remote is beta else [""]

    monkeypatch.setattr(MemoryConnector, "parts", parts)
    monkeypatch.setattr(MemoryConnector, "pull", of_parts)
    beta.put("people", "1", title="Engineer")
    beta.drop("people", "7")
    world.sleep(2 * 24 * 3600)
    answer = world.sync()

    told = [(one["severity"], one["stream"], one["text"]) for one in answer["problems"] if one["text"] == error.text]
    assert told == [("error", "beta/people", error.text)]
    assert (answer["exit_code"], answer["run"]["state"], answer["totals"]["written"]) == (1, "part", 1)
    assert [row[4] for row in held(world)[0] if row[1] == "7"] == [0]  # no listing was whole


@pytest.mark.parametrize("key", ["a\0b", "k" * 501], ids=["nul", "long"])
def test_a_record_whose_key_no_store_can_keep_is_set_aside_and_stops_nobody(
    tmp_path: Path, database_url: str, key: str
) -> None:
    world = two(tmp_path, database_url)
    crowd(world)
    beta = world.remote("beta")
    beta.put("people", key, name="Ito Sho", email="ito@a.test")
    beta.put("people", "9", name="Ada 9", email="ada9@a.test", firm=key)

    first = world.sync()
    world.sleep(2 * 24 * 3600)  # keys are listed, too
    beta.put("people", "1", title="Engineer")
    second = world.sync()

    assert [(one["code"], one["reason"]) for one in first["set_aside"]] == [
        ("CW402", NOT_KEPT), ("CW401", "works_at: firm is no id"),
    ]  # fmt: skip
    assert "failed" not in (first["run"]["state"], second["run"]["state"])
    assert second["totals"]["written"] == 1


def test_a_key_of_the_length_that_is_allowed_is_kept(tmp_path: Path, database_url: str) -> None:
    """In letters that take four bytes each, and waited for by others."""
    world = two(tmp_path, database_url)
    key = "🙂" * LONGEST_KEY
    world.remote("beta").put("people", "1", name="Ada 1", email="ada1@a.test", firm=key)
    world.sync()
    world.remote("beta").put("firms", key, name="Nordlicht")
    settle_down(world)

    assert LONGEST_ID == LONGEST_KEY
    assert key in {row[1] for row in held(world)[0]}
    assert world.remote("alpha").of("people", next(iter(world.remote("alpha").rows["people"])))["firm"]


def test_only_a_record_that_is_new_takes_a_number(tmp_path: Path, database_url: str) -> None:
    """A hub runs for years: numbers that nobody has are used up all the same, and what is kept by number grows."""
    world = two(tmp_path, database_url)
    crowd(world)
    settle_down(world)
    before = numbers(world)

    for number in range(1, 8):
        world.remote("beta").put("people", str(number), title="Engineer")
    world.remote("beta").put("people", "8", name="Ito Sho", email="ito@a.test")
    told = world.sync()
    settle_down(world)

    assert told["totals"]["written"] == 8  # titles, and one that alpha had not
    held_before, given_before = before
    held_now, given_now = numbers(world)
    assert held_now - held_before == given_now - given_before == 2


def numbers(world: World) -> tuple[int, int]:
    """How many records are held, and the next number of one."""
    with world.store() as database, database.read() as connection:
        count = database.run(connection, "SELECT count(*) FROM record").scalar()
        return count, database.run(connection, "SELECT next FROM sequence WHERE name = 'record'").scalar()
