"""What deciding a changed record costs, in a house whose people are scored, and how well its runs match.

    python -m bench.changed                 100,000 made records in three folders of CSV, on SQLite
    BENCH_RECORDS=1000000                   another number of them
    BENCH_STORE=postgresql://...            another store, which is emptied
    --runs 30                               after the first load; each with one changed record, every third with 100
    --shuffles 20                           does the order of arrival matter? On SQLite

Milliseconds from the begin to the end of matching, and CPU of our own process, in the transaction that settles:
reading, landing and merging are left out. The first such run, which imports what it needs, is told by itself.

A shuffle brings the records in an order of its own, all at once or some of them later. It tells how many entities (by
id and records) are not those of one load in the order of the files: when the last run has ended, which decided by
counts that may be older, and when all was matched anew, which must be none.
"""

import argparse
import csv
import gc
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench import worlds
from crosswalk.app import open_hub
from crosswalk.engine.entities import Matched
from crosswalk.engine.identify import Matcher
from crosswalk.store import meta
from crosswalk.store.dialect import Database

RECORDS: Final = int(os.environ.get("BENCH_RECORDS", "100000"))
MANY: Final = 100
_EDITED: Final = {"job_title": "Director of {}", "phone": "+4989{}", "street": "{} Long Road"}
_STREAM: Final = """  {name}:
    connector: files
    path: {folder}
    streams:
      people:
        files: people.csv
        entity: person
        key: rid
        mapping:
          name.given: given_name
          name.family: family_name
          name.full: full_name
          emails[work]: email
          phones[work]: phone
          birth_date: date_of_birth
          "addresses[work]": "@ | address(street, city, region, postcode, country)"
          company_name: company
          job_title: job_title
"""


class House:
    """Three systems with the records of one made world."""

    def __init__(self, folder: Path, records: int, store: str) -> None:
        self._store = store or f"sqlite:///{folder}/crosswalk.db"
        self._config = folder / "crosswalk.yaml"
        made, truth = worlds.write(folder / "world", "person", records)
        with truth.open(newline="") as file:
            self._truth = {row["rid"]: row["cluster"] for row in csv.DictReader(file)}
        with made.open(newline="") as file:
            rows = list(csv.DictReader(file))
        self._heads = [*(head for head in rows[0] if head != "source"), "region", "country"]
        self.rows = rows
        self._files = {name: folder / name / "people.csv" for name in sorted({row["source"] for row in rows})}
        for path in self._files.values():
            path.parent.mkdir()
        self.bring(rows)
        streams = "".join(_STREAM.format(name=name, folder=file.parent) for name, file in self._files.items())
        self._config.write_text(
            f"version: 1\nphone_region: DE\nstore: {{url: '{self._store}'}}\nconnections:\n{streams}"
        )

    def _write(self, name: str, rows: Sequence[dict[str, str]]) -> None:
        with self._files[name].open("w", newline="") as file:
            table = csv.DictWriter(file, self._heads, restval="", extrasaction="ignore")
            table.writeheader()
            table.writerows(rows)

    def bring(self, rows: Sequence[dict[str, str]]) -> None:
        """Let these be what the systems show, in this order."""
        for name in self._files:
            self._write(name, [row for row in rows if row["source"] == name])

    def begin(self, secret: bytes) -> None:
        """A store that nothing has come to. `secret`: what ids are made with."""
        for file in self._config.parent.glob("crosswalk.db*"):
            file.unlink()
        with open_hub(self._config) as hub:
            database = hub.offline.database
            with database.write() as connection:
                meta.put(database, connection, "secret", secret)

    def match_anew(self) -> dict[str, Any]:
        with open_hub(self._config) as hub:
            return hub.match_anew("person")

    def entities(self) -> set[tuple[str, tuple[str, ...]]]:
        """By public id the records of each."""
        found: dict[str, list[str]] = defaultdict(list)
        database = Database(self._store)
        with database.read() as connection:
            for public, key in database.stream(
                connection,
                "SELECT e.public, r.rkey FROM record r JOIN member m ON m.record = r.id "
                "JOIN entity e ON e.id = m.entity",
            ):
                found[public].append(key)
        database.close()
        return {(public, tuple(sorted(keys))) for public, keys in found.items()}

    def sync(self) -> dict[str, Any]:
        with open_hub(self._config) as hub:
            return hub.sync(first_too=True)

    def edit(self, count: int, random: Random) -> None:
        """New titles, phones and streets for some of one system."""
        name = random.choice(sorted(self._files))
        with self._files[name].open(newline="") as file:
            rows = list(csv.DictReader(file))
        for row in random.sample(rows, count):
            field = random.choice(sorted(_EDITED))
            row[field] = _EDITED[field].format(random.randrange(10**6, 10**7))
        self._write(name, rows)

    def quality(self) -> tuple[float, float, int]:
        """Precision and recall of pairs, and the largest entity."""
        entities: dict[int, Counter[str]] = defaultdict(Counter)
        database = Database(self._store)
        with database.read() as connection:
            for key, entity in database.stream(
                connection, "SELECT r.rkey, m.entity FROM record r JOIN member m ON m.record = r.id"
            ):
                entities[entity][self._truth[key]] += 1
        database.close()
        joined = sum(_pairs(some.total()) for some in entities.values())
        right = sum(_pairs(count) for some in entities.values() for count in some.values())
        true = sum(_pairs(count) for count in Counter(self._truth.values()).values())
        return right / joined, right / true, max(some.total() for some in entities.values())


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def watched() -> list[tuple[float, float]]:
    """Milliseconds of each call of the incremental matching, by the clock and of CPU; filled as it is called."""
    seen: list[tuple[float, float]] = []
    match_some = Matcher.match_some

    def timed(self: Matcher, connection: Any, records: Sequence[int]) -> Matched:
        begun, worked = perf_counter(), process_time()
        try:
            return match_some(self, connection, records)
        finally:
            seen.append(((perf_counter() - begun) * 1000, (process_time() - worked) * 1000))

    Matcher.match_some = timed  # type: ignore[method-assign] # to look on
    return seen


def figures(folder: Path, runs: int) -> Iterator[tuple[str, str]]:
    house = House(folder, RECORDS, os.environ.get("BENCH_STORE", ""))
    begun = process_time()
    house.sync()
    yield "first load, CPU s", f"{process_time() - begun:.1f}"
    precision, recall, largest = house.quality()
    yield "precision, recall, F1", f"{precision:.4f}  {recall:.4f}  {2 * precision * recall / (precision + recall):.4f}"
    yield "largest entity", str(largest)
    gc.collect()
    gc.freeze()  # as the command line does
    seen, random = watched(), Random(7)

    def decided(count: int) -> tuple[float, float]:
        house.edit(count, random)
        seen.clear()
        house.sync()
        wall, cpu = (sum(some) for some in zip(*seen, strict=True))
        return wall, cpu

    yield "the first changed record, ms", _spread([decided(1)])
    for count, times in ((1, runs), (MANY, runs // 3)):
        yield f"{count} changed, ms", _spread([decided(count) for _ in range(times)])


def _spread(told: Sequence[tuple[float, float]]) -> str:
    """Median, and what nine of ten stay below, by the clock and of CPU."""
    if not told:
        return "-"
    wall, cpu = (sorted(some) for some in zip(*told, strict=True))
    return f"{_middle(wall)}; CPU {_middle(cpu)}"


def _middle(some: Sequence[float]) -> str:
    return f"{median(some):.1f} (90 %: {some[len(some) * 9 // 10]:.1f})"


def shuffles(folder: Path, count: int) -> Iterator[tuple[str, str]]:
    """What each order of arrival comes to."""
    house = House(folder, RECORDS, "")
    secret = bytes(range(32))
    house.begin(secret)
    house.sync()
    once = house.entities()
    yield "all at once, in order", f"{len(once):,} entities"
    for seed in range(count):
        random = Random(seed)
        rows = random.sample(house.rows, len(house.rows))
        cuts = sorted(random.sample(range(1, 20), random.choice((0, 1, 2, 2, 3)))) if seed else []
        house.begin(secret)
        for cut in (*cuts, 20):
            house.bring(rows[: len(rows) * cut // 20])
            house.sync()
        before = len(house.entities() ^ once)
        told = house.match_anew()
        after = len(house.entities() ^ once)
        runs = " + ".join(f"{(end - start) * 5} %" for start, end in pairwise((0, *cuts, 20)))
        yield (
            f"{runs}: entities that differ",
            f"{before:,}; {after:,} when matched anew ({told['joined']:,} joined, {told['parted']:,} parted)",
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.changed")
    parser.add_argument("--shuffles", type=int, default=0, metavar="N")
    parser.add_argument("--runs", type=int, default=30, metavar="N")
    asked = parser.parse_args()
    gc.set_threshold(200_000, 20, 50)  # as the command line begins
    title = f"{RECORDS:,} people, three systems"
    table = Table("what", "figure", title=title)
    folder = Path(tempfile.mkdtemp(prefix="bench-changed-"))
    console = Console(stderr=True)
    try:
        for what, told in shuffles(folder, asked.shuffles) if asked.shuffles else figures(folder, asked.runs):
            console.print(f"{what}  {told}", highlight=False)
            table.add_row(what, told)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    Console().print(table)


if __name__ == "__main__":
    main()
