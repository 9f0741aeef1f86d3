"""Writes go out in the batches that the vendor takes, and each is answered for by itself."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.sdk.contract import Outcome, Write
from crosswalk.engine.apply import apply_stream
from crosswalk.store.connections import Connection
from crosswalk.store.dialect import Database
from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World
from tests.memory.connector import lost


def newcomers(world: World, count: int) -> None:
    for number in range(1, count + 1):
        world.remote("beta").put("people", str(number), name=f"Ada {number}", email=f"ada{number}@a.test")


def names(world: World, title: str) -> list[str]:
    return sorted(row["name"] for row in world.remote("alpha").rows["people"].values() if row.get("title") == title)


def calls(world: World) -> Counter[str]:
    return Counter(world.remote("alpha").calls)


def test_creates_and_updates_share_calls_and_are_read_back_in_one(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url, alpha="unique")
    there = world.remote("alpha")
    there.answers = False
    newcomers(world, 7)

    assert world.sync()["totals"]["written"] == 7
    assert (calls(world)["create people"], calls(world)["fetch people"]) == (3, 3)
    settle_down(world)

    there.calls.clear()
    for number in range(1, 8):
        world.remote("beta").put("people", str(number), title="Engineer")
    assert world.sync()["totals"]["written"] == 7
    assert (calls(world)["update people"], calls(world)["fetch people"]) == (3, 1 + 3)  # one look, three read-backs
    assert len(names(world, "Engineer")) == 7
    settle_down(world)


def silent(folder: Path, url: str, count: int) -> World:
    """Alpha answers without values, and everybody is there; at beta all have become engineers."""
    world = two(folder, url, alpha="silent")
    file = folder / "crosswalk.yaml"
    file.write_text(file.read_text().replace("at_most: 50,", "at_most: 500,"))
    world.remote("alpha").answers = False
    newcomers(world, count)
    assert world.sync()["totals"]["written"] == count
    settle_down(world)
    world.remote("alpha").calls.clear()
    for number in range(1, count + 1):
        world.remote("beta").put("people", str(number), title="Engineer")
    return world


def test_what_comes_next_is_looked_at_in_the_call_that_reads_a_batch_back(tmp_path: Path, database_url: str) -> None:
    world = silent(tmp_path, database_url, 120)

    assert world.sync()["totals"]["written"] == 120
    # A look, then of the chunks of 50, 50 and 20: two batches each of the first two, read back one by one, with a look
    # at the next chunk in the last call of each.
    assert (calls(world)["update people"], calls(world)["fetch people"]) == (5, 1 + 5)
    assert len(names(world, "Engineer")) == 120
    settle_down(world)


@pytest.mark.parametrize("gone", [False, True], ids=["edited", "deleted"])
def test_what_somebody_does_until_that_call_is_not_written_over(tmp_path: Path, database_url: str, gone: bool) -> None:
    """Of the second chunk, once the first has been sent."""
    world = silent(tmp_path, database_url, 60)
    there = world.remote("alpha")
    last = max(there.rows["people"], key=int)

    def meddle(write: Write) -> None:
        if len(there.writes("update")) == 50:
            there.after = None
            there.drop("people", last) if gone else there.put("people", last, title="Theirs")

    there.after = meddle
    told = world.sync()

    assert told["totals"]["moved"] == 1
    assert len(there.writes("update")) == 59
    assert last not in {key for _, _, key, _ in there.writes("update")}
    if not gone:
        assert there.of("people", last)["title"] == "Theirs"


def test_what_was_looked_at_is_looked_at_again_where_its_turn_comes_later(tmp_path: Path, database_url: str) -> None:
    """A call that fails between them takes the look with it: the next run begins with one."""
    world = silent(tmp_path, database_url, 60)
    there = world.remote("alpha")

    def fail(write: Write) -> None:
        if len(there.writes("update")) == 60:
            there.before = lost

    there.after = fail
    world.sync()
    there.after = there.before = None
    settle_down(world)

    assert len(names(world, "Engineer")) == 60


def test_what_is_refused_in_a_batch_stays_alone_with_it(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url, alpha="unique")
    newcomers(world, 5)
    world.remote("alpha").before = _refuse("Ada 2")

    first = world.sync()

    assert (first["totals"]["written"], [one["code"] for one in first["set_aside"]]) == (4, ["CW403"])
    assert len(world.remote("alpha").rows["people"]) == 4


def test_one_that_spoils_its_whole_batch_is_found_and_the_others_are_written_once(
    tmp_path: Path, database_url: str
) -> None:
    world = two(tmp_path, database_url, alpha="whole")
    newcomers(world, 8)
    world.remote("alpha").before = _refuse("Ada 2", "Ada 7")

    first = world.sync()

    assert (first["totals"]["written"], first["totals"]["aside"]) == (6, 2)
    assert Counter(one[0] for one in world.remote("alpha").log) == {"create": 6}
    assert len({row["name"] for row in world.remote("alpha").rows["people"].values()}) == 6


@pytest.mark.parametrize("answers", [True, False])
def test_a_batch_whose_answer_is_lost_is_found_out_record_by_record(
    tmp_path: Path, database_url: str, answers: bool
) -> None:
    world = two(tmp_path, database_url, alpha="unique")
    there = world.remote("alpha")
    there.answers = answers
    newcomers(world, 5)
    arrived = 0

    def second(write: Write) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == 2:
            lost(write)

    there.after = second
    world.sync()
    there.after = None
    settle_down(world)

    assert len(there.rows["people"]) == 5
    assert len(there.writes("create")) == 5


def test_writes_below_one_parent_go_out_side_by_side(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url, alpha="unique")
    beta = world.remote("beta")
    for firm in ("5", "6"):
        beta.put("firms", firm, name=f"Firm {firm}", site=f"https://firm{firm}.test")
    for number in range(1, 7):
        firm = "5" if number % 2 else "6"
        beta.put("people", str(number), name=f"Ada {number}", email=f"ada{number}@a.test", firm=firm)

    world.sync()

    made = [
        values["firm"] for op, stream, _, values in world.remote("alpha").log if (op, stream) == ("create", "people")
    ]
    assert len(made) == 6
    assert made in (sorted(made), sorted(made, reverse=True))


def _refuse(*spoilt: str) -> Any:
    def before(write: Write) -> Outcome | None:
        return (
            Outcome(write.action, "rejected", reason="STRING_TOO_LONG") if write.values.get("name") in spoilt else None
        )

    return before


def test_what_many_records_showed_is_read_together(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that is asked for what it could show is read as it came: one by one that is a round trip for each."""
    world = two(tmp_path, database_url, alpha="unique")
    newcomers(world, 7)
    world.sync()
    settle_down(world)
    for number in range(1, 8):
        world.remote("beta").put("people", str(number), title="Engineer")
    one_by_one: list[str] = []
    run = Database.run

    def watched(self: Database, connection: Any, statement: str, values: Sequence[Any] = ()) -> Any:
        if "raw FROM body" in statement:
            one_by_one.append(statement)
        return run(self, connection, statement, values)

    monkeypatch.setattr(Database, "run", watched)

    assert world.sync()["totals"]["written"] == 7
    assert not one_by_one


def test_a_power_failure_leaves_no_write_that_nobody_knows_of(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite may lose what was committed last: but never that something is being sent, or a second one would follow."""
    world = two(tmp_path, database_url, alpha="unique")
    there, beta = world.remote("alpha"), world.remote("beta")
    committed: list[bool] = []
    write = Database.write

    @contextmanager
    def watched(self: Database, *, durable: bool = False) -> Iterator[Connection]:
        with write(self, durable=durable) as connection:
            yield connection
        committed.append(durable)

    monkeypatch.setattr(Database, "write", watched)
    sent: list[tuple[str, bool]] = []
    there.before = lambda each: sent.append((each.op, committed[-1]))

    newcomers(world, 2)
    world.sync()
    beta.put("people", "1", title="Engineer")
    world.sync()

    assert sorted(sent) == [("create", True), ("create", True), ("update", True)]


@pytest.mark.parametrize("answers", [True, False])
def test_a_call_of_many_writes_asks_the_store_as_often_as_one_of_few(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    """Over a network each question is a round trip: a thousand writes in a few calls would wait for them alone."""
    world = two(tmp_path, database_url, alpha="silent")
    world.remote("alpha").answers = answers
    beta = world.remote("beta")
    for firm in ("Nordlicht", "Abendrot"):
        beta.put("firms", firm, name=firm)
    settle_down(world)
    asked = Asked(monkeypatch)

    def written(numbers: range, firms: Sequence[str], **values: Any) -> int:
        """How often the store was asked to write these people."""
        for number in numbers:
            beta.put("people", str(number), firm=firms[number % 2], **{k: v.format(number) for k, v in values.items()})
        asked.count = 0
        assert world.sync()["totals"]["written"] == len(numbers)
        count = asked.count
        settle_down(world)
        return count

    few, many = range(1, 4), range(4, 29)  # one call each

    made = [written(some, ["Nordlicht", "Abendrot"], name="Ada {}", email="ada{}@a.test") for some in (few, many)]
    assert made[0] == made[1]
    moved = [written(some, ["Abendrot", "Nordlicht"], title="Engineer") for some in (few, many)]
    assert moved[0] == moved[1]


class Asked:
    """How often the store is asked while writes go out and are answered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._applying = False
        for name in ("run", "select_all", "run_many", "insert", "upsert", "write", "read"):
            self._watch(monkeypatch, Database, name)

        def applied(*told: Any, **more: Any) -> Any:
            self._applying = True
            try:
                return apply_stream(*told, **more)
            finally:
                self._applying = False

        monkeypatch.setattr("crosswalk.engine.run.apply_stream", applied)

    def _watch(self, monkeypatch: pytest.MonkeyPatch, of: type, name: str) -> None:
        ask = getattr(of, name)

        def watched(*told: Any, **more: Any) -> Any:
            self.count += self._applying
            return ask(*told, **more)

        monkeypatch.setattr(of, name, watched)
