"""The merge in worlds so small that all of them is looked at: two or three sides, a few values, every order of events.

From every way in which the sides can meet, everything that can happen is let happen, again and again, until no new
state turns up. At each state hold: no edit is lost, the order of the sides makes no difference, merging again changes
nothing, and a world that is left alone comes to rest.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import permutations, product
from random import Random
from typing import Any, Final, NamedTuple

from msgspec import structs

from mapping.merge import Base, Decision, FieldPolicy, Side, merge, survive
from mapping.merge.policy import ForeignEdit, Rule, is_empty
from mapping.values import ABSENT
from tests.chaos.invariants import BrokenError

SYSTEMS: Final = ("crm", "cem", "shop")
VALUES: Final = (None, "a", "b", "ab")  # the last is too long for a side that cuts: it shows the first letter
FEWER: Final = (None, "a", "ab")
CHAINS: Final[Sequence[tuple[Rule, ...]]] = (("review",), ("masters", "review"))
MASTERS: Final[Sequence[tuple[str, ...]]] = (("crm",), ("crm", "cem"), SYSTEMS)
FOREIGN: Final[Sequence[ForeignEdit]] = ("revert", "keep", "review", "adopt")
CLEARS: Final[Sequence[tuple[str, ...]]] = ((), ("crm",), SYSTEMS)


def cut(value: Any) -> Any:
    return value[:1] if isinstance(value, str) else value


def everything(value: Any) -> Any:
    return value


class Place(NamedTuple):
    """One side. `edited`: by somebody, and nothing was decided about it yet; `sent`: golden when a write went out
    that nobody knows the end of; `due`: a write was planned; not `here`: its record is none of the entity's yet."""

    shows: Any
    base: Base | None
    readable: bool = True
    edited: bool = False
    sent: Any = ABSENT
    due: bool = False
    here: bool = True

    @property
    def observed(self) -> Any:
        return self.shows if self.readable else ABSENT


class State(NamedTuple):
    golden: Any
    places: tuple[Place, ...]

    def at(self, at: int, **more: Any) -> "State":
        place = self.places[at]._replace(**more)
        return self._replace(places=(*self.places[:at], place, *self.places[at + 1 :]))


@dataclass(frozen=True)
class Small:
    """A world: what its sides can do, and the policy of the field."""

    policy: FieldPolicy
    cuts: tuple[bool, ...]
    writable: tuple[bool, ...]
    values: tuple[Any, ...] = VALUES
    lost: bool = True  # may the answer to a write be lost?
    unreadable: bool = False  # may a side be unreadable for a while?

    def told(self, at: int, value: Any) -> Any:
        return cut(value) if self.cuts[at] else value

    def meetings(self) -> Iterator[State]:
        """All that the sides can show before they have met."""
        choices = [{self.told(at, value) for value in self.values} for at in range(len(self.cuts))]
        for shown in product(*choices):
            places = tuple(Place(value, None, edited=value is not None) for value in shown)
            yield State(ABSENT, places)
            for late in range(len(places)):
                yield State(ABSENT, places).at(late, here=False)

    # -- what happens ----------------------------------------------------------------------------------------

    def following(self, state: State) -> Iterator[State]:
        yield self.settled(state)
        for at, place in enumerate(state.places):
            if not place.here:
                yield state.at(at, here=True)
                continue
            for value in {self.told(at, value) for value in self.values} - {place.shows}:
                yield state.at(at, shows=value, edited=_is_edit(place, value))
            if self.unreadable and place.base is not None:
                yield state.at(at, readable=not place.readable)
            if place.due and not place.edited:
                yield self.written(state, at)
                if self.lost:
                    yield self.written(state, at, answered=False)

    def written(self, state: State, at: int, *, answered: bool = True) -> State:
        wanted = self.told(at, state.golden)
        if answered:
            return state.at(at, shows=wanted, base=Base(wanted, state.golden), due=False)
        return state.at(at, shows=wanted, sent=state.golden, due=False)

    def found(self, state: State) -> State:
        """What became of writes without an answer is seen before anything is merged."""
        for at, place in enumerate(state.places):
            if place.sent is not ABSENT:
                arrived = place.shows == self.told(at, place.sent)
                known = {"base": Base(place.shows, place.sent), "edited": False} if arrived else {}
                state = state.at(at, sent=ABSENT, **known)
        return state

    def side(self, state: State, at: int) -> Side:
        place = state.places[at]
        return Side(
            record=at,
            system=SYSTEMS[at],
            observed=place.observed,
            base=place.base,
            writable=self.writable[at],
            shown=cut if self.cuts[at] else everything,
        )

    def decided(self, state: State, order: Sequence[int]) -> Decision:
        """`stands` and `bases` by place, whatever the order in which the sides were handed over."""
        sides = [self.side(state, at) for at in order]
        if any(side.base is None for side in sides):
            made = survive(sides, golden=state.golden, policy=self.policy)
        else:
            made = merge(sides, golden=state.golden, policy=self.policy)
        back = [order.index(at) for at in sorted(order)]
        return structs.replace(made, stands=[made.stands[n] for n in back], bases=[made.bases[n] for n in back])

    def settled(self, state: State) -> State:
        return self._settled(state)[0]

    @cache  # noqa: B019 # as long as this world, which is not long
    def _settled(self, state: State) -> tuple[State, Decision]:
        """Merged, and everything judged that can be told from one merge."""
        state = self.found(state)
        order = [at for at, place in enumerate(state.places) if place.here]
        decision = self.decided(state, order)
        for other in list(permutations(order))[1:]:
            if (again := self.decided(state, other)) != decision:
                raise BrokenError("I10", f"{state}: {decision} is {again} in the order {other}")
        after = state._replace(golden=decision.golden)
        for at, stood, base in zip(order, decision.stands, decision.bases, strict=True):
            undecided = stood == "held" or self._undecided(state, decision, at)
            after = after.at(at, base=base, due=stood == "write", edited=state.places[at].edited and undecided)
        if not is_empty(state.golden) and is_empty(decision.golden):
            self._judge_clear(state, decision)
        if decision.golden != state.golden and not is_empty(decision.golden):
            said = [place.observed for place in state.places if place.edited]
            if decision.golden not in said:
                raise BrokenError("I3", f"{state}: golden became {decision.golden!r}, which nobody said: {decision}")
        return after, decision

    def _undecided(self, state: State, decision: Decision, at: int) -> bool:
        """Does an edit still wait? It does where it could not be read; else something was decided."""
        place = state.places[at]
        if not place.edited or not place.readable:
            return True
        known = decision.golden in (place.shows,) or self.told(at, decision.golden) == place.shows
        cleared = place.shows is None and (decision.rule == "clear" or "cleared" in decision.reason)
        left = place.base is None and not self._believed(at)  # nobody asks it at first contact
        if not (known or at in decision.losers or cleared or left):
            raise BrokenError("I3", f"{state}: what {SYSTEMS[at]} said is gone: {decision}")
        return False

    def _believed(self, at: int) -> bool:
        return self.policy.rank(SYSTEMS[at]) is not None or self.policy.on_foreign_edit == "adopt"

    def _judge_clear(self, state: State, decision: Decision) -> None:
        may = [
            at
            for at, place in enumerate(state.places)
            if place.edited and place.observed is None and SYSTEMS[at] in self.policy.allow_clear
        ]
        if not may:
            raise BrokenError("I7", f"{state}: nobody who may had cleared it: {decision}")

    # -- what must hold --------------------------------------------------------------------------------------

    def judge(self, state: State) -> None:
        """Left alone, this comes to rest, and merging twice is merging once."""
        once, decision = self._settled(state)
        twice, again = self._settled(once)
        if (twice.golden, *(place.base for place in twice.places)) != (once.golden, *(p.base for p in once.places)):
            raise BrokenError("I1", f"{state}: merged once {decision}, twice {again}")
        if [place.due for place in twice.places] != [place.due for place in once.places]:
            raise BrokenError("I1", f"{state}: merged once {decision.stands}, twice {again.stands}")
        for _ in range(3):
            state = self.settled(state)
            due = [at for at, place in enumerate(state.places) if place.due and place.readable and not place.edited]
            if not due:
                break
            for at in due:
                state = self.written(state, at)
        else:
            raise BrokenError("I1", f"{state}: still written to after three runs")
        last, decision = self._settled(state)
        if any(place.due and place.readable for place in last.places):
            raise BrokenError("I1", f"{state}: a quiet world is written to: {decision}")
        here = [at for at, place in enumerate(last.places) if place.here]
        for at, stood in zip(here, decision.stands, strict=True):
            if stood != "held" and last.places[at].readable and self.writable[at]:
                self._judge_rest(last, decision, at, last.places[at])

    def _judge_rest(self, state: State, decision: Decision, at: int, place: Place) -> None:
        if place.shows == self.told(at, state.golden) or place.shows is None or is_empty(state.golden):
            return  # a clear is kept where it was made, and nothing is emptied without evidence
        if self.policy.on_foreign_edit == "keep":
            return
        raise BrokenError("I2", f"{state}: {SYSTEMS[at]} differs and nobody is asked: {decision}")


def _is_edit(place: Place, value: Any) -> bool:
    """Not a gap at first contact, nor what was there before and came back before anybody looked."""
    if place.base is None:
        return value is not None
    return bool(value != place.base.side)


def explore(world: Small) -> Counter[str]:
    """Look at everything that can become of a world; how much was judged, by invariant. Raises BrokenError."""
    seen: set[State] = set()
    waiting = list(world.meetings())
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        world.judge(state)
        waiting += [one for one in world.following(state) if one not in seen]
    return Counter(dict.fromkeys(("I1", "I2", "I3", "I7", "I10"), len(seen)))


def drawn(seed: int) -> Small:
    """The worlds of two sides, then those of three, with a value and a fault less: in an order that mixes them."""
    pairs = in_a_mixed_order(2)
    if seed < len(pairs):
        return pairs[seed]
    threes = in_a_mixed_order(3)
    return replace(threes[(seed - len(pairs)) % len(threes)], values=FEWER, lost=False)


@cache
def in_a_mixed_order(sides: int) -> Sequence[Small]:
    found = list(worlds(sides))
    Random(sides).shuffle(found)
    return found


def worlds(sides: int) -> Iterator[Small]:
    """Every policy with every kind of sides."""
    told = product(CHAINS, MASTERS, FOREIGN, CLEARS, (False, True))
    for (chain, masters, foreign, clears, named), cuts, writable in product(
        told, product((False, True), repeat=sides), product((False, True), repeat=sides)
    ):
        if named and not any(cuts):
            continue  # only who can show a part of a value has to be named to be believed
        yield Small(
            FieldPolicy(
                masters=masters,
                on_conflict=chain,
                on_foreign_edit=foreign,
                allow_clear=clears,
                named=masters if named else (),
            ),
            cuts,
            writable,
        )
