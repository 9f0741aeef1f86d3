"""The histories as a state machine of Hypothesis: it chooses the steps, and shortens what breaks by itself.

`make chaos` plays the seeded histories of tests.chaos.histories, which can be counted, resumed and told by a number.
The steps, the world and what must hold are the same: a rule for each kind of step, the invariants that hold at any time
after every run, the others once it is over.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from hypothesis.strategies import booleans, integers

from tests.chaos.companies import MOVES
from tests.chaos.histories import ALWAYS, SOMETIMES, Play, Step
from tests.hub import World

_NUMBER: Final = integers(0, 99)
_SYNC: Final = Step("sync", 0, 0, 0)


class Machine(RuleBasedStateMachine):
    """One hub, two CRMs and a survey tool. Use `machine_in`, which adds a rule for each kind of step."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._play = Play(world)
        self._broken = False

    def take(self, step: Step) -> None:
        self._play.log.append(f"-- {step}")
        try:
            self._play.step(step)
        except BaseException:  # it goes on up; what is broken is not judged once more at the end
            self._broken = True
            raise

    @initialize(a=_NUMBER, b=_NUMBER, c=_NUMBER, people=integers(1, 3))
    def world(self, a: int, b: int, c: int, people: int) -> None:
        self.take(Step("world", a, b, c))
        for number in range(people):
            self.take(Step("new", a + number, b, c))
        self.take(_SYNC)

    def teardown(self) -> None:
        if not self._broken:
            self._play.finish()


def _taken(kind: str) -> Callable[..., Any]:
    def taken(self: Machine, a: int, b: int, c: int, *, then_synced: bool) -> None:
        self.take(Step(kind, a, b, c))
        if then_synced:
            self.take(_SYNC)

    taken.__name__ = kind
    return rule(a=_NUMBER, b=_NUMBER, c=_NUMBER, then_synced=booleans())(taken)


_RULES: Final[Mapping[str, Any]] = {
    kind: _taken(kind) for kind in dict.fromkeys((*ALWAYS, *SOMETIMES, *MOVES, "deletes", "erase", "keep"))
}


def machine_in(make: Callable[[], World]) -> type[Machine]:
    """A machine that Hypothesis makes anew for each example, in a world of its own."""

    def begin(self: Machine) -> None:
        Machine.__init__(self, make())

    return type("Histories", (Machine,), {"__init__": begin, **_RULES})
