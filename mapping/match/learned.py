"""What many records tell of themselves without labels: how sparse the same are, and which pairs are mostly of two.

Systems keep few records of one twice. So pairs of two who only look alike are of one system as often as chance has it,
and pairs of one are so seldom: how often pairs of some sort are of one system tells how many of them are wrong.
"""

from math import log2, sqrt
from typing import Any, Final, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from mapping.match.model import Model

Flags: TypeAlias = NDArray[np.bool_]
Bits: TypeAlias = NDArray[np.floating[Any]]

CERTAIN: Final = 6.0  # bits over the threshold, from which a pair tells how the records are
ENOUGH: Final = 100  # certain pairs, or identifiers, that tell something of all of them
_SOME: Final = 60  # pairs of one sort
_APART: Final = 0.1  # by how much chance has more pairs inside one system than the certain pairs, at the least
_MATCHES: Final = 1.1  # records that are one with another, by record, where the thresholds of the models hold
_RAISED: Final = 3.0  # bits that thresholds go up at most where records have few others
_WRONG: Final = 0.02  # share of pairs of one level that may be wrong
_DOUBTFUL: Final = 0.06  # share of pairs of just enough bits that may be
_MOSTLY: Final = 0.5  # share of pairs in conflict that are two, from which they are taken to be
_DOUBT: Final = 6.0  # bits that a level may lose
_WINDOW: Final = 2.0
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
