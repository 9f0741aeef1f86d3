"""What a record costs at each step of landing, one thread and nothing else: python -m bench.stages

    BENCH_ROUNDS=5   the best of so many rounds counts

The steps are the hub's own functions, on pages that are in memory. What a run adds to them (threads, HTTP, writing)
is what `make bench` shows. The parts of `understand` are taken page by page, where they find less in the processor's
cache than record by record, as the hub takes them: together they cost more than the whole.
"""

import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import msgspec

from bench import hub
from bench.__main__ import vendor
from bench.contacts import contact
from connectors.pipedrive import lists
from crosswalk.app import open_hub
from crosswalk.cli.session import collect_seldom
from crosswalk.store.codec import dump
from crosswalk.store.records import Landing

RECORDS: Final = 10_000
PAGE: Final = 500
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "5"))

_T = TypeVar("_T")
_ROWS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Watch:
    """Seconds by step, of one round."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def __call__(self, step: str, act: Callable[[], _T]) -> _T:
        begun = time.process_time()
        answer = act()
        self.spent[step] += time.process_time() - begun
        return answer


def measure() -> dict[str, float]:
    """Microseconds a record, by step."""
    pages = _pages()
    with tempfile.TemporaryDirectory() as folder, vendor(PAGE, PAGE) as source:
        config = hub.configure(Path(folder), port=source.port, store=f"sqlite:///{folder}/crosswalk.db")
        with open_hub(config) as opened:
            house = opened.house
            landing = house.streams["pipedrive/persons"].landing(house.database, bulk=True)
            collect_seldom()
            rounds = [_round(pages, landing) for _ in range(ROUNDS)]
    return {step: min(one[step] for one in rounds) / RECORDS * 1e6 for step in rounds[0]}


def _round(pages: list[bytes], landing: Landing) -> dict[str, float]:
    watch = Watch()
    for page in pages:
        rows = watch("page", partial(_ROWS.decode, page))
        records, _ = watch("heads", partial(lists.records, rows, where=""))
        arrived = watch("hash", partial(landing.digests, records))
        understood = watch("understand: all of the following", partial(landing.understand, arrived))
        read = watch("  read", partial(_each, _read(landing), [one.raw for one in understood.values()]))
        common = [row for row, _, _ in read]
        watch("  identifiers", partial(_each, landing.identifiers, common))
        watch("  dump of the row", partial(_each, dump, common))
    return watch.spent


def _read(landing: Landing) -> Callable[[bytes], Any]:
    """Refuses what is parsed as a whole: then it would not be the hub's way that is measured."""

    def read(raw: bytes) -> Any:
        told = landing.mapped.read_raw(raw, sound=False)
        if told is None:
            raise RuntimeError("the mapping of the bench asks for whole records")
        return told

    return read


def _each(act: Callable[[Any], _T], many: Sequence[Any]) -> list[_T]:
    return [act(one) for one in many]


def _pages() -> list[bytes]:
    random = Random(7)
    rows = [msgspec.json.encode(contact(number, random)) for number in range(1, RECORDS + 1)]
    return [b"[" + b",".join(rows[at : at + PAGE]) + b"]" for at in range(0, RECORDS, PAGE)]


if __name__ == "__main__":
    for step, spent in measure().items():
        print(f"{step:36} {spent:6.2f}")
