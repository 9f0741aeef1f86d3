"""Rounds: somebody edits the export, a daemon starts, and is killed; in the end all must be as if it never had been."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.crosswalk.quick_daemon import LEASE_SECONDS
from tests.kills.house import House, Nursery, member, opened
from tests.kills.steps import STEPS
from tests.soak.accounts import judge

LONGEST: Final = 6.0  # seconds after which a daemon is killed at any moment
PATIENCE: Final = 12.0  # seconds that one has to come to its step; where nothing is to be done there, it never does
_TOGETHER: Final = 5  # rounds between two runs of the undisturbed hub: fewer creates than a guard lets through
_MOMENTS: Final = 0.4  # of the kills come at any moment, the others at a named step
_STILL: Final = 0.6  # of the rounds in which a second daemon stands still


@dataclass
class Came:
    """What some rounds came to."""

    kills: Counter[str] = field(default_factory=Counter)  # by where the daemon was
    still: int = 0  # rounds in which a second daemon stood still
    effects: int = 0
    journal: str = ""
    faults: list[str] = field(default_factory=list)


def edits(house: House, random: Random, number: int) -> None:
    """What one round changes: two people are new, and a few have another title."""
    for new in range(2 * number, 2 * number + 2):
        house.members[f"m{new}"] = (member(new), f"Buyer {number}")
    for key in random.sample(sorted(house.members), min(3, len(house.members))):
        name, _ = house.members[key]
        house.members[key] = (name, f"Head {number}")
    house.export()


def play(
    folder: Path, *, kills: int, seed: int, store: str | None = None, told: Callable[[str], None] = lambda _said: None
) -> Came:
    """Kill a daemon so often, let the last one come to rest, and compare with a hub that nobody disturbed.

    `store`: the URL of an empty database of PostgreSQL, on which a second daemon is at work beside those that are
    killed; it stands still now and then, for longer than its leases last. None: SQLite, each daemon alone.
    """
    came = Came()
    with opened(folder / "killed", store or f"sqlite:///{folder / 'killed' / 'hub.db'}") as house:
        began = house.sandbox.log()["effects"]
        _disturb(house, came, kills=kills, seed=seed, together=store is not None, told=told)
        house.come_to_rest()
        shown = house.shown()
        effects = house.sandbox.log()["effects"]
        came.effects = len(effects) - len(began)
        found = judge(house.folder, effects, [])
        came.journal = found.words
        came.faults += found.faults
        came.faults += [f"the log tells too much: {line[:200]}" for line in house.leaks()]
    undisturbed = _undisturbed(folder, kills=kills, seed=seed)
    for name, wanted in undisturbed.items():
        if shown[name] != wanted:
            came.faults += _differences(name, shown[name], wanted)
    return came


def _disturb(house: House, came: Came, *, kills: int, seed: int, together: bool, told: Callable[[str], None]) -> None:
    random, moments = Random(f"kills/{seed}"), Random(f"moments/{seed}")
    house.export()
    house.sync()  # the first plans have been let through by a person
    nursery = Nursery()
    steps = _steps(moments)
    try:
        beside = nursery.start(house) if together else None
        for number in range(kills):
            still = beside is not None and moments.random() < _STILL
            if beside is not None and still:
                os.kill(beside, signal.SIGSTOP)
                came.still += 1
            edits(house, random, number)
            step = None if moments.random() < _MOMENTS else next(steps)
            daemon = nursery.start(house, step=step, count=moments.randrange(3))
            pause = moments.uniform(0.1, LONGEST)
            how = nursery.kill(daemon, after=pause if step is None else PATIENCE)
            if how not in ("killed", "there"):
                came.faults.append(f"daemon {number} ended by itself: {how}")
            where = step if how == "there" and step is not None else "at any moment"
            came.kills[where] += 1
            if beside is not None and still:
                time.sleep(moments.choice((0, LEASE_SECONDS)))  # what it stood still in may be somebody else's by now
                os.kill(beside, signal.SIGCONT)
            told(f"kill {number + 1} of {kills}: {where}{', the other stood still' if still else ''}")
        if beside is not None and (how := nursery.kill(beside, after=0.1)) != "killed":
            came.faults.append(f"the daemon beside them ended by itself: {how}")
    finally:
        nursery.close()


def _steps(random: Random) -> Iterator[str]:
    """Each as often as the others."""
    while True:
        yield from random.sample(list(STEPS), len(STEPS))


def _undisturbed(folder: Path, *, kills: int, seed: int) -> dict[str, list[tuple[str, ...]]]:
    """What the CRMs have where the same was exported and one run after the other came to its end."""
    random = Random(f"kills/{seed}")
    with opened(folder / "undisturbed", f"sqlite:///{folder / 'undisturbed' / 'hub.db'}") as house:
        house.export()
        house.sync()
        for number in range(kills):
            edits(house, random, number)
            if number % _TOGETHER == 0:
                house.sync()
        house.come_to_rest()
        return dict(house.shown())


def _differences(name: str, shown: Sequence[tuple[str, ...]], wanted: Sequence[tuple[str, ...]]) -> list[str]:
    have, want = Counter(shown), Counter(wanted)
    return [
        *(f"{name}: {row} is there {n} times too often" for row, n in (have - want).items()),
        *(f"{name}: {row} is missing" for row in want - have),
    ]
