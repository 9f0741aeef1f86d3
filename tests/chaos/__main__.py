"""Play random histories and say how much held: `make chaos`, or a part of it.

    python -m tests.chaos [--histories 10000] [--postgresql 500] [--merging 200000] [--small 2000] [--orders 500]
                          [--vendors 500] [--undo 1000] [--power 1000] [--identity 2000] [--from 0] [--workers N]
                          [--afresh]

Seeded: the same number is the same history everywhere. What was played stands in `.chaos/`; who starts it again after
an interruption goes on from there, as long as the code is the same. Ends with 1 where anything was broken.
"""

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.chaos.invariants import INVARIANTS
from tests.chaos.shares import TOLD, Machine, Share, play_share
from tests.databases import close_run, open_run

_SHARE: Final[dict[Machine, int]] = {
    "merging": 5000,
    "small": 20,
    "engine": 20,
    "power": 20,
    "vendors": 5,
    "undo": 20,
    "identity": 20,
    "orders": 10,
    "postgresql": 5,
}  # histories a task
_CODE: Final = (
    "connectors",
    "mapping",
    "scheduler",
    "crosswalk",
    "sandbox",
    "tests/chaos",
    "tests/memory",
    "tests/hub.py",
)


def main() -> int:
    asked = _asked()
    console = Console()
    folder = Path(".chaos")
    folder.mkdir(exist_ok=True)
    book = folder / f"{_print_of_code()}.jsonl"
    if asked.afresh:
        book.unlink(missing_ok=True)
    done = {(one.machine, one.first, one.count): one for one in _read(book)}
    wanted = [share for share in _shares(asked) if (share.machine, share.first, share.count) not in done]
    known = [done[key] for key in ((one.machine, one.first, one.count) for one in _shares(asked)) if key in done]
    run = open_run()
    try:
        played = _play_all(wanted, known, book, workers=asked.workers, console=console)
    finally:
        close_run(run)
    return _tell(console, played)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=10_000, help="of the whole engine, on a store in memory")
    parser.add_argument("--postgresql", type=int, help="of them again on PostgreSQL; a twentieth")
    parser.add_argument("--orders", type=int, help="worlds matched in several orders of arrival; a twentieth")
    parser.add_argument("--merging", type=int, help="of the pure machine; twenty times as many")
    parser.add_argument("--small", type=int, help="small worlds of the pure machine, each whole; a fifth as many")
    parser.add_argument("--vendors", type=int, help="over the real connectors and simulated vendors; a twentieth")
    parser.add_argument("--power", type=int, help="of them again, and with a process its machine dies; a tenth")
    parser.add_argument("--undo", type=int, help="short ones with a run that is taken back; a tenth")
    parser.add_argument("--identity", type=int, help="of who is who; a fifth as many")
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first history")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--afresh", action="store_true", help="forget what was played before")
    asked = parser.parse_args()
    for name, default in (
        ("postgresql", asked.histories // 20),
        ("orders", asked.histories // 20),
        ("vendors", asked.histories // 20),
        ("undo", asked.histories // 10),
        ("power", asked.histories // 10),
        ("small", asked.histories // 5),
        ("identity", asked.histories // 5),
        ("merging", asked.histories * 20),
    ):
        if getattr(asked, name) is None:
            setattr(asked, name, default)
    return asked


def _shares(asked: argparse.Namespace) -> Iterator[Share]:
    wanted: dict[Machine, int] = {
        "merging": asked.merging,
        "small": asked.small,
        "engine": asked.histories,
        "power": asked.power,
        "vendors": asked.vendors,
        "undo": asked.undo,
        "identity": asked.identity,
        "orders": asked.orders,
        "postgresql": asked.postgresql,
    }
    for machine, number in wanted.items():
        for first in range(asked.first, asked.first + number, _SHARE[machine]):
            yield Share(machine, first, min(_SHARE[machine], asked.first + number - first))


def _print_of_code() -> str:
    """Known again: the code that is judged, and what judges it."""
    digest = hashlib.sha256()
    for name in _CODE:
        path = Path(name)
        for file in [path] if path.is_file() else sorted([*path.rglob("*.py"), *path.rglob("*.yaml")]):
            digest.update(file.as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _read(book: Path) -> Iterator[Share]:
    if not book.exists():
        return
    for line in book.read_text("utf-8").splitlines():
        try:
            yield Share(**json.loads(line))
        except ValueError:
            continue  # it was being written when the program ended


def _play_all(wanted: list[Share], known: list[Share], book: Path, *, workers: int, console: Console) -> list[Share]:
    columns = (TextColumn("{task.description:<26}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    played = list(known)
    with (
        Progress(*columns, console=console) as progress,
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
        book.open("a", encoding="utf-8") as file,
    ):
        bars = {
            machine: progress.add_task(
                TOLD[machine],
                total=sum(one.count for one in (*wanted, *known) if one.machine == machine),
                completed=sum(one.count for one in known if one.machine == machine),
            )
            for machine in dict.fromkeys(one.machine for one in (*known, *wanted))
        }
        for future in as_completed([pool.submit(play_share, share) for share in wanted]):
            share = future.result()
            file.write(json.dumps(asdict(share)) + "\n")
            file.flush()
            played.append(share)
            progress.advance(bars[share.machine], share.count)
            for broken in share.broken:
                progress.console.print(broken, markup=False, highlight=False, soft_wrap=True)
    return played


def _tell(console: Console, played: list[Share]) -> int:
    held: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for share in played:
        held.update(share.held)
        broken.update(share.by_invariant)
    for machine, told in TOLD.items():
        mine = [share for share in played if share.machine == machine]
        count = sum(share.count for share in mine)
        if count:
            spent = 1000 * sum(share.seconds for share in mine) / count
            console.print(f"{count:>9,} histories  {told}, {spent:.3g} ms of a processor each", highlight=False)
    for name, says in INVARIANTS.items():
        console.print(
            f"{name:<4} {held[name]:>12,} judged {broken[name]:>6,} broken   {says}", highlight=False, soft_wrap=True
        )
    if broken["program"]:
        console.print(f"     {broken['program']:,} histories ended in a fault of the program", highlight=False)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
