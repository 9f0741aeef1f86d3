"""The pure machine: three sides and a hub, merged and planned as the engine does it, without any input or output.

Edits are made of words that occur once, so what became of each can be told.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NamedTuple

from mapping.merge import Base, FieldPolicy, Side, merge
from mapping.merge.policy import moved
from tests.chaos.invariants import BrokenError

CUT: Final = 4
SYSTEMS: Final = ("crm", "cem", "shop")


def cut(value: Any) -> Any:
    return value[:CUT] if isinstance(value, str) else value


def everything(value: Any) -> Any:
    return value


class Setup(NamedTuple):
    """A world: which sides cut what they are told, which may be written, and the policy of the field."""

    cuts: Sequence[bool]
    writable: Sequence[bool]
    chain: tuple[Any, ...]
    masters: tuple[str, ...]
    foreign: Any
    clears: tuple[str, ...]


CHAINS: Final[Sequence[tuple[Any, ...]]] = (("review",), ("masters", "review"), ("newest", "masters", "review"))
MASTERS: Final[Sequence[tuple[str, ...]]] = (("crm",), SYSTEMS)
FOREIGN: Final = ("revert", "review", "adopt")
CLEARS: Final[Sequence[tuple[str, ...]]] = ((), ("crm",))
WHAT: Final = ("edit", "clear", "settle", "done", "rejected", "lost")


class Event(NamedTuple):
    """What happens at which side; `longer`: an edit of more than a cutting side can hold."""

    what: str
    at: int
    longer: bool


def drawn(seed: int) -> tuple[Setup, list[Event]]:
    """A world and what happens in it."""
    random = Random(f"merging/{seed}")
    setup = Setup(
        [random.random() < 0.4 for _ in SYSTEMS],
        [random.random() < 0.7 for _ in SYSTEMS],
        random.choice(CHAINS),
        random.choice(MASTERS),
        random.choice(FOREIGN),
        random.choice(CLEARS),
    )
    steps = [
        Event(random.choice(WHAT), random.randrange(3), random.random() < 0.5) for _ in range(random.randrange(2, 25))
    ]
    return setup, steps


@dataclass
class Remote:
    shows: Any
    base: Base
    cuts: bool = False
    writable: bool = True
    pending: tuple[Any, Any] | None = None  # what was sent and the golden of then, while nobody knows

    @property
    def shown(self) -> Callable[[Any], Any]:
        return cut if self.cuts else everything


@dataclass
class World:
    policy: FieldPolicy
    one_value: bool = False  # the wrong model: a base that cannot say two things
    golden: Any = "start"
    sides: list[Remote] = field(default_factory=list)
    edits: dict[int, Any] = field(default_factory=dict)  # not yet decided about, per side
    held: Counter[str] = field(default_factory=Counter)

    def edit(self, at: int, value: Any) -> None:
        side = self.sides[at]
        told = side.shown(value)
        if told != side.shows:
            side.shows = told
            self.edits[at] = told
            if told == side.base.side:
                del self.edits[at]  # back before anybody looked

    def settle(self) -> None:
        sides = []
        for at, side in enumerate(self.sides):
            if side.pending is not None and side.shows == side.pending[0]:
                side.base = self._agree(side.shows, side.pending[1])
                self.edits.pop(at, None)  # whoever said the same meanwhile said what was written
            side.pending = None
            sides.append(self.side(at))
        before = self.golden
        decision = merge(sides, golden=before, policy=self.policy)
        self.golden = decision.golden
        if self.golden != before and decision.winner not in self.edits:
            raise BrokenError("I3", f"golden became {self.golden!r}, which nobody said: {decision.reason}")
        for at, side in enumerate(self.sides):
            stood = decision.stands[at]
            if self.one_value:
                if stood == "rest":
                    side.base = self._agree(side.shows, self.golden)
            else:
                base = decision.bases[at]
                assert base is not None
                side.base = base
            if at not in self.edits or stood == "held":
                continue
            known = self.golden == side.shows or side.shown(self.golden) == side.shows
            cleared = (side.shows is None and decision.rule == "clear") or "cleared" in decision.reason
            self.held["I3"] += 1
            if not (known or at in decision.losers or cleared):
                raise BrokenError(
                    "I3", f"{SYSTEMS[at]} said {self.edits[at]!r}, golden is {self.golden!r}: {decision.reason}"
                )
            del self.edits[at]

    def side(self, at: int) -> Side:
        remote = self.sides[at]
        return Side(
            record=at,
            system=SYSTEMS[at],
            observed=remote.shows,
            base=remote.base,
            writable=remote.writable,
            shown=remote.shown,
        )

    def _agree(self, side: Any, hub: Any) -> Base:
        return Base(hub, hub) if self.one_value else Base(side, hub)

    def write(self, at: int, outcome: str) -> bool:
        """Plan and send what is due: `done`, `rejected`, or `lost` (it arrived, the answer did not)."""
        side = self.sides[at]
        if not side.writable or at in self.edits:
            return False
        wanted = side.shown(self.golden)
        if not moved(self.side(at), self.golden) or wanted == side.shows:
            return False
        if outcome == "rejected":
            return True
        if wanted is None and not self.policy.allow_clear:
            raise BrokenError("I7", f"{SYSTEMS[at]} is emptied of {side.shows!r}, and nobody may clear")
        self.held["I7"] += 1
        side.shows = wanted
        if outcome == "lost":
            side.pending = (wanted, self.golden)
        else:
            side.base = self._agree(wanted, self.golden)
        return True

    def comes_to_rest(self) -> None:
        for _ in range(3):
            self.settle()
            wrote = [self.write(at, "done") for at in range(len(self.sides))]
            if not any(wrote):
                break
        else:
            raise BrokenError("I1", "still writing after three quiet runs")
        self.settle()
        self.held["I1"] += 1
        if any(self.write(at, "done") for at in range(len(self.sides))):
            raise BrokenError("I1", "a quiet world is written to")
        for at, side in enumerate(self.sides):
            if side.writable and at not in self.edits and side.shows is not None:
                self.held["I2"] += 1
                if side.shows != side.shown(self.golden):
                    raise BrokenError("I2", f"{SYSTEMS[at]} shows {side.shows!r}, golden is {self.golden!r}")


def play(setup: Setup, events: Sequence[Event], *, one_value: bool = False) -> Counter[str]:
    """How much was judged, by invariant. Raises BrokenError."""
    policy = FieldPolicy(
        masters=setup.masters,
        on_conflict=setup.chain,
        on_foreign_edit=setup.foreign,
        allow_clear=setup.clears,
        named=setup.masters,
    )
    world = World(policy=policy, one_value=one_value)
    for n in range(3):
        shows = cut("start") if setup.cuts[n] else "start"
        base = Base("start" if one_value else shows, "start")
        world.sides.append(Remote(shows, base, cuts=setup.cuts[n], writable=setup.writable[n]))
    for count, event in enumerate(events):
        if event.what == "edit":
            world.edit(event.at, f"{count:03d}{'x' * 5 if event.longer else ''}")
        elif event.what == "clear":
            world.edit(event.at, None)
        elif event.what == "settle":
            world.settle()
        else:
            world.write(event.at, event.what)
    world.comes_to_rest()
    return world.held


__all__ = ["CHAINS", "CLEARS", "FOREIGN", "MASTERS", "SYSTEMS", "WHAT", "Event", "Setup", "drawn", "play"]
