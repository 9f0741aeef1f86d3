"""Some histories of one machine, played in a process of its own."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeAlias

from tests.chaos import exhaustive, identity, merging, vendors
from tests.chaos.histories import Step, history, play, shrink
from tests.chaos.invariants import BrokenError
from tests.chaos.orders import hold_in_any_order
from tests.chaos.stage import Disposable, Stage
from tests.chaos.undoing import undo_in
from tests.databases import Makers, NoServerError
from tests.hub import World

Machine: TypeAlias = Literal[
    "merging", "small", "engine", "power", "vendors", "undo", "identity", "orders", "postgresql"
]
TOLD: Final[dict[Machine, str]] = {
    "merging": "pure merge and plan",
    "small": "small worlds of the merge, whole",
    "engine": "whole engine, in memory",
    "power": "the power fails",
    "vendors": "real connectors and simulated vendors",
    "undo": "runs that are undone",
    "identity": "who is who",
    "orders": "orders of arrival",
    "postgresql": "whole engine, PostgreSQL",
}


@dataclass
class Share:
    """What some histories of one machine came to."""

    machine: Machine
    first: int
    count: int
    seconds: float = 0  # of the processor
    held: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    by_invariant: dict[str, int] = field(default_factory=dict)


def play_share(share: Share) -> Share:
    """Play the histories of a share, in a process of its own."""
    began = time.process_time()
    held: Counter[str] = Counter()
    with ExitStack() as stack:
        if (pure := _PURE.get(share.machine)) is not None:
            for seed in range(share.first, share.first + share.count):
                try:
                    held += pure(seed)
                except BrokenError as broken:
                    _note(share, seed, broken, "")
        else:
            stage = stack.enter_context(_stage(share.machine, stack).lit())
            for seed in range(share.first, share.first + share.count):
                held += _play_one(stage, share, seed)
    share.held, share.seconds = dict(held), time.process_time() - began
    return share


_PURE: Final[dict[Machine, Callable[[int], Counter[str]]]] = {
    "merging": lambda seed: merging.play(*merging.drawn(seed)),
    "small": lambda seed: exhaustive.explore(exhaustive.drawn(seed)),
}


def _stage(machine: Machine, stack: ExitStack) -> Stage:
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    if machine == "vendors":
        return Stage(folder, kind=vendors.VendorWorld)
    if machine != "postgresql":
        return Stage(folder)
    makers = Makers(folder)
    stack.callback(makers.close)
    return Stage(folder, partial(_on_server, makers))


def _on_server(makers: Makers) -> Disposable:
    stack = ExitStack()
    return _Kept(stack.enter_context(makers.url("postgresql")), stack)


class _Kept(Disposable):
    """A database that goes with its world."""

    def __init__(self, url: str, made: "ExitStack[bool | None]") -> None:
        super().__init__(url)
        self._made = made

    def dispose(self) -> None:
        super().dispose()
        self._made.close()


def _play_one(stage: Stage, share: Share, seed: int) -> Counter[str]:
    whole = _WHOLE.get(share.machine)
    try:
        if whole is not None:
            return whole(stage.world, seed)
        machine = MACHINES[share.machine]
        return machine.play(stage.world(), machine.history(seed)).held
    except NoServerError as error:
        raise SystemExit(f"no PostgreSQL: {error}") from error
    except Exception as broken:  # whatever ends a history is a fault of the program
        _note(share, seed, broken, "" if whole is not None else shortest(stage, MACHINES[share.machine], seed))
        return Counter()


class Played(Protocol):
    """A history that was played. `held`: how much was judged, by invariant."""

    held: Counter[str]


@dataclass(frozen=True)
class Histories:
    """What histories of one kind are made of, and what plays one in a world."""

    history: Callable[[int], list[Step]]
    play: Callable[[Any, list[Step]], Played]


MACHINES: Final[Mapping[str, Histories]] = {
    "engine": Histories(history, play),
    "power": Histories(history, partial(play, power=True)),
    "postgresql": Histories(history, play),
    "vendors": Histories(vendors.history, vendors.play),
    "identity": Histories(identity.history, identity.play),
}
# Those of which no part is a history.
_WHOLE: Final[Mapping[str, Callable[[Callable[[], World], int], Counter[str]]]] = {
    "orders": hold_in_any_order,
    "undo": lambda make, seed: undo_in(make(), seed),
}


def shortest(stage: Stage, machine: Histories, seed: int) -> str:
    """The steps of the shortest part found of a broken history, a line each."""
    steps = shrink(stage.world, machine.history(seed), play=machine.play)
    return "".join(f"\n    {step}," for step in steps)


def _note(share: Share, seed: int, broken: Exception, steps: str) -> None:
    name = broken.invariant if isinstance(broken, BrokenError) else "program"
    share.by_invariant[name] = share.by_invariant.get(name, 0) + 1
    told = str(broken) if isinstance(broken, BrokenError) else f"{type(broken).__name__}: {broken}"
    share.broken.append(f"{TOLD[share.machine]}, history {seed}: {told[:600]}{steps}")


__all__ = ["MACHINES", "TOLD", "Histories", "Machine", "Share", "play_share", "shortest"]
