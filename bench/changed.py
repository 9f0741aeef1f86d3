"""What deciding a changed record costs, in a house whose people are scored, and how well its runs match.

    python -m bench.changed                 100,000 made records in three folders of CSV, on SQLite
    BENCH_RECORDS=1000000                   another number of them
    BENCH_STORE=postgresql://...            another store, which is emptied

CPU of our own process, in the transaction that settles: reading, landing and merging are left out.
"""

import csv
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from time import process_time
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench import worlds
from crosswalk.app import open_hub
from crosswalk.engine.identify import Matched, Matcher
from crosswalk.store.dialect import Database

RECORDS: Final = int(os.environ.get("BENCH_RECORDS", "100000"))
CHANGED: Final = (1, 1, 1, 100, 100)
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
        systems: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in rows:
            systems[row["source"]].append(row)
        self._files = {}
        for name, some in systems.items():
            self._files[name] = folder / name / "people.csv"
            self._files[name].parent.mkdir()
            self._write(name, some)
        streams = "".join(_STREAM.format(name=name, folder=file.parent) for name, file in self._files.items())
        self._config.write_text(
            f"version: 1\nphone_region: DE\nstore: {{url: '{self._store}'}}\nconnections:\n{streams}"
        )

    def _write(self, name: str, rows: Sequence[dict[str, str]]) -> None:
        with self._files[name].open("w", newline="") as file:
            table = csv.DictWriter(file, self._heads, restval="", extrasaction="ignore")
            table.writeheader()
            table.writerows(rows)

    def sync(self) -> dict[str, Any]:
        with open_hub(self._config) as hub:
            return hub.sync(first_too=True)

    def edit(self, count: int, random: Random) -> None:
        """New job titles for some of one system."""
        name = random.choice(sorted(self._files))
        with self._files[name].open(newline="") as file:
            rows = list(csv.DictReader(file))
        for row in random.sample(rows, count):
            row["job_title"] = f"Director of {random.randrange(10**6)}"
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


def watched() -> list[tuple[int, float]]:
    """How many records each call of the incremental matching got, and its CPU seconds; filled as it is called."""
    seen: list[tuple[int, float]] = []
    match_some = Matcher.match_some

    def timed(self: Matcher, connection: Any, records: Sequence[int]) -> Matched:
        begun = process_time()
        try:
            return match_some(self, connection, records)
        finally:
            seen.append((len(records), process_time() - begun))

    Matcher.match_some = timed  # type: ignore[method-assign] # to look on
    return seen


def figures(folder: Path) -> Iterator[tuple[str, str]]:
    house = House(folder, RECORDS, os.environ.get("BENCH_STORE", ""))
    begun = process_time()
    house.sync()
    yield "first load, CPU s", f"{process_time() - begun:.1f}"
    precision, recall, largest = house.quality()
    yield "precision, recall, F1", f"{precision:.4f}  {recall:.4f}  {2 * precision * recall / (precision + recall):.4f}"
    yield "largest entity", str(largest)
    seen, random = watched(), Random(7)
    for count in CHANGED:
        house.edit(count, random)
        seen.clear()
        house.sync()
        yield f"{count} changed, decided in CPU ms", f"{sum(spent for _, spent in seen) * 1000:.1f}"


def main() -> None:
    table = Table("what", "figure", title=f"{RECORDS:,} people, three systems")
    folder = Path(tempfile.mkdtemp(prefix="bench-changed-"))
    try:
        for what, told in figures(folder):
            table.add_row(what, told)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    Console().print(table)


if __name__ == "__main__":
    main()
