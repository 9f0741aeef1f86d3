"""What many records tell of themselves without labels: how sparse the same are, and which pairs are mostly of two.

Systems keep few records of one twice. So pairs of two who only look alike are of one system as often as chance has it,
and pairs of one are so seldom: how often pairs of some sort are of one system tells how many of them are wrong.
"""

from collections.abc import Mapping, Sequence
from math import log2, sqrt
from typing import Any, Final, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from mapping.match.model import DIFFERING, SYSTEM, Model
from mapping.match.pairs import LEVELS, Flags, Ints, Longs, Whole

Bits: TypeAlias = NDArray[np.floating[Any]]

CERTAIN: Final = 6.0  # bits over the threshold, from which a pair tells how the records are
ENOUGH: Final = 100  # certain pairs, or identifiers, that tell something of all of them
_WORTH: Final = 20  # certain pairs that what a model says of systems is worth
_SOME: Final = 60  # pairs of one sort
_APART: Final = 0.1  # by how much chance has more pairs inside one system than the certain pairs, at the least
_MATCHES: Final = 1.1  # records that are one with another, by record, where the thresholds of the models hold
_RAISED: Final = 3.0  # bits that thresholds go up at most where records have few others
_WRONG: Final = 0.02  # share of pairs of one level that may be wrong
_DOUBTFUL: Final = 0.06  # share of pairs of just enough bits that may be
_MOSTLY: Final = 0.5  # share of pairs in conflict that are two, from which they are taken to be
_DOUBT: Final = 6.0  # bits that a level may lose
_WINDOW: Final = 2.0
# Bits that it counts at most that one system has both: where it would be more, no two of its records are joined.
_BELIEVED: Final = -5.0
_DIFFERING: Final = -3.0  # bits that another mailbox or phone counts at the most
_STEPS: Final = 6  # bits that the threshold goes up where pairs of just enough bits are mostly two


def sparse(bits: Bits, model: Model, records: int) -> Model:
    """With higher thresholds where few records have another: as many look alike by chance, and fewer are one."""
    matches = 2 * float((1 / (1 + np.exp2(model.same - 2 - bits.astype(np.float64)))).sum()) / max(1, records)
    raised = min(_RAISED, max(0.0, -log2(max(matches, 1e-9) / _MATCHES)))
    return replace(model, same=model.same + raised, same_at_most=model.same_at_most + raised)


class Systems(Struct, frozen=True):
    """Of pairs of records: whether both are of one system; how often that is of certain pairs, and by chance."""

    inside: Flags
    certain: float
    chance: float
    count: int  # of certain pairs

    @classmethod
    def of(cls, inside: Flags, certain: Flags, chance: float) -> "Systems | None":
        """None where systems tell nothing: there is one alone, or they hold as many twice as chance would."""
        count = int(certain.sum())
        share = int(inside[certain].sum()) / count if count else 1.0
        if count < ENOUGH or chance - share < _APART:
            return None
        return cls(inside, share, chance, count)

    def among(self, certain: Flags, chance: float) -> "Systems | None":
        """For a field that not every record has: by those `certain` pairs that have it twice, and the `chance` that two
        records with it are of one system. A field of one system alone is only told twice within it: that tells nothing.
        """
        if int(certain.sum()) < ENOUGH:
            return self
        return Systems.of(self.inside, certain, chance)

    def wrong(self, some: Flags) -> tuple[float, float]:
        """How many of these pairs are two, as a share, and how far off that may be (one standard deviation)."""
        count = int(some.sum())
        if count < _SOME:
            return 0.0, 1.0
        share = int(self.inside[some].sum()) / count
        usual = max(share, self.certain, 1 / count)
        apart = self.chance - self.certain
        off = sqrt(usual * (1 - usual) * (1 / count + 1 / self.count))
        return (share - self.certain) / apart, off / apart

    def doubt(self, some: Flags) -> float:
        """Bits that pairs of one level lose, so that no more of them are wrong than may be; 0.0 where none too many."""
        wrong, off = self.wrong(some)
        if wrong - off <= _WRONG:
            return 0.0
        wrong = min(0.5, wrong)
        return -min(_DOUBT, log2(wrong / (1 - wrong)) - log2(_WRONG / (1 - _WRONG)))

    def doubtful(self, some: Flags) -> bool:
        """Whether too many of these pairs are two even so."""
        wrong, off = self.wrong(some)
        return wrong - off > _DOUBTFUL

    def mostly_two(self, some: Flags) -> bool:
        """Whether most of these pairs are two."""
        wrong, off = self.wrong(some)
        return wrong - off > _MOSTLY

    def threshold(self, bits: Bits, joinable: Flags, same: float) -> float:
        """From how many bits pairs are one: higher while those of just enough are two too often, and so are all."""
        for step in range(_STEPS):
            least = same + step
            enough = joinable & (bits >= least)
            wrong, off = self.wrong(enough)
            just, around = self.wrong(enough & (bits < least + _WINDOW))
            if wrong + off / 2 <= _WRONG / 2 or just - around <= _DOUBTFUL:
                return least
        return same + _STEPS


class Spread(Struct, frozen=True):
    """How often two records are of one system by chance: of all records, and of those that have a field.

    `systems`: how many there are.
    """

    systems: int
    chance: float
    of: Mapping[str, float]


def chance(often: Ints | Longs) -> float:
    """How often two are of one system by chance, of as many records in each system."""
    told = np.sort(often).astype(np.float64)  # so that the numbers of the systems make no difference
    return float(((told / max(1.0, float(told.sum()))) ** 2).sum())


class Learning:
    """What pairs tell of their records, step by step: each changes `model`, and what the pairs count by it."""

    def __init__(self, model: Model, records: int, spread: Spread) -> None:
        self.model, self._records, self._spread = model, records, spread

    def learn(self, pairs: Whole) -> None:
        """How sparse the same are; what it counts that one system has both; what is doubtful."""
        self._differing(pairs)
        free = ~pairs.conflict
        self.model = sparse(pairs.bits[free], self.model, self._records)
        inside, chance = pairs.inside, self._spread.chance
        certain = free & (pairs.bits >= self.model.same + CERTAIN)
        places: dict[str, Sequence[str]] = dict.fromkeys(self.model.places, ("different",))
        if self._doubt_places(pairs, inside, certain, chance, places):
            # What was certain before is not any more, and tells nothing of the others.
            certain = ~pairs.conflict & (pairs.bits >= self.model.same + CERTAIN)
        same_system = self._same_system(inside[certain], chance)
        self.model = replace(self.model, same_system=same_system)
        if same_system <= _BELIEVED:
            self.model = replace(self.model, vetoes=self.model.vetoes | {SYSTEM}, rivals=True)
        systems = Systems.of(inside, certain, chance)
        if systems is None:
            return
        self._doubt(pairs, systems, certain, {name: self._levels_of(name) for name in self.model.names} | places)
        free = ~pairs.conflict
        rivals = systems.mostly_two(pairs.conflict & (pairs.bits >= self.model.same))
        same = systems.threshold(pairs.bits, free, self.model.same)
        self.model = replace(self.model, same=same, rivals=rivals or self.model.rivals)

    def _differing(self, pairs: Whole) -> None:
        """What it counts that mailboxes, or phones, differ: by how seldom they do where the other is the same."""
        watched = self.model.watched
        if self.model.kind != "person" or not {"given", *DIFFERING} <= set(watched):
            return
        same = LEVELS["same"]
        given, email, phone = (pairs.levels[watched.index(name)] for name in ("given", "email", "phone"))
        doubts = dict(self.model.doubts)
        for name, here, other in (("email", email, phone), ("phone", phone, email)):
            told = (given == same) & (other == same) & (here > 0)
            if int(told.sum()) < ENOUGH:
                continue
            differ = here == LEVELS["different"]
            usual = self.model.comparisons[name].levels["different"].bits
            bits = max(_DIFFERING, log2(float(differ[told].mean()) + 0.01)) - usual
            if bits < 0:
                doubts[name, "different"] = doubts.get((name, "different"), 0.0) + bits
                pairs.bits[differ] += np.float32(bits)
        self.model = replace(self.model, doubts=doubts)

    def _same_system(self, certain: Flags, chance: float) -> float:
        """As seldom as one system has both is among pairs that are certain anyhow.

        Few of them are added to as many as the model's own bits are worth: by them alone no system is believed.
        """
        if self._spread.systems < 2:
            return 0.0
        inside, count = int(certain.sum()), len(certain)
        if count < ENOUGH:
            usual = chance * 2**self.model.same_system
            return max(_BELIEVED + 0.1, min(0.0, log2((inside + _WORTH * usual) / (count + _WORTH) / chance)))
        return max(_BELIEVED, min(0.0, log2((inside + 1) / (count + 1) / chance)))

    def _doubt_places(
        self, pairs: Whole, inside: Flags, certain: Flags, chance: float, places: Mapping[str, Sequence[str]]
    ) -> bool:
        """Whether companies at another place are mostly others, whatever else is the same, as those at one are not."""
        here = certain.copy()
        for name in places:
            here &= pairs.levels[self.model.watched.index(name)] != LEVELS["different"]
        systems = Systems.of(inside, here, chance) if places else None
        return systems is not None and self._doubt(pairs, systems, here, places, mostly=True)

    def _levels_of(self, name: str) -> tuple[str, ...]:
        return tuple(level for level in self.model.comparisons[name].levels if level != "same")

    def _doubt(
        self,
        pairs: Whole,
        systems: Systems,
        certain: Flags,
        levels: Mapping[str, Sequence[str]],
        *,
        mostly: bool = False,
    ) -> bool:
        """Levels whose pairs are two too often, or `mostly`; whether there is any. `levels`: of which field which."""
        doubts, vetoes = dict(self.model.doubts), set(self.model.vetoes)
        for name, some in levels.items():
            told = pairs.levels[self.model.watched.index(name)]
            joinable = ~pairs.conflict & (pairs.bits >= self.model.same)
            chance = self._spread.of.get(name, 1.0)
            by_certain = systems.among(certain & (told > 0), chance)
            for level in some:
                judges = by_certain
                if judges is None:
                    break
                if level == "placed":  # the same name but for the place is as right as the same
                    beside = systems.among(joinable & (told == LEVELS["same"]), chance)
                    judges = judges if beside is None or beside.certain <= judges.certain else beside
                at_level = told == LEVELS[level]
                if mostly and not judges.mostly_two(joinable & at_level):
                    continue
                if bits := judges.doubt(joinable & at_level):
                    doubts[name, level] = doubts.get((name, level), 0.0) + bits
                    pairs.bits[at_level] += np.float32(bits)
                    if judges.doubtful(joinable & at_level & (pairs.bits >= self.model.same)):
                        vetoes.add((name, level))
                        pairs.conflict |= at_level
        found = doubts != self.model.doubts
        self.model = replace(self.model, doubts=doubts, vetoes=frozenset(vetoes))
        return found

    def with_systems(self, pairs: Whole) -> Whole:
        """With what it counts that one system has both."""
        pairs.bits += np.where(pairs.inside, np.float32(self.model.same_system), np.float32(0))
        if SYSTEM in self.model.vetoes:
            pairs.conflict |= pairs.inside
        return pairs
