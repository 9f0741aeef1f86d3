"""Pairs of records, many at once by arrays, and what was found of them."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int32]
Longs: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float32]
Flags: TypeAlias = NDArray[np.bool_]
Levels: TypeAlias = NDArray[np.int8]

# Numbers of levels; 0: a field that one of the two lacks, or names the other way round.
LEVELS: Final[Mapping[str, int]] = {
    name: number
    for number, name in enumerate(
        ("different", "same", "typo", "transliterated", "nickname", "part", "member", "part_alike", "part_and_other",
         "initial", "initials", "close", "label", "local", "neighbour", "unrelated", "placed"),
        start=1,
    )
}  # fmt: skip


class Pairs(Struct):
    """Pairs of records by their places, left before right, with what was found of them."""

    left: Ints
    right: Ints
    bits: Floats
    conflict: Flags  # something that lets nobody join them but a person
    found_by: Longs  # blocks that hold them, a bit each

    def __len__(self) -> int:
        return len(self.left)

    def where(self, wanted: Flags | Longs) -> "Pairs":
        """Those that are wanted, by flags or by their numbers."""
        return Pairs(
            self.left[wanted], self.right[wanted], self.bits[wanted], self.conflict[wanted], self.found_by[wanted]
        )


class Whole(Pairs):
    """Pairs with their sums. `inside`: both are of one system. `levels`: of each field that the model watches."""

    inside: Flags
    levels: list[Levels]

    def where_at_least(self, bits: float) -> "Whole":
        kept = self.bits >= bits
        return Whole(
            self.left[kept], self.right[kept], self.bits[kept], self.conflict[kept], self.found_by[kept],
            self.inside[kept], [one[kept] for one in self.levels],
        )  # fmt: skip


def together(made: Sequence[Whole]) -> Whole:
    """All of these, in their order; there is one at least."""
    return Whole(
        np.concatenate([one.left for one in made]),
        np.concatenate([one.right for one in made]),
        np.concatenate([one.bits for one in made]),
        np.concatenate([one.conflict for one in made]),
        np.concatenate([one.found_by for one in made]),
        np.concatenate([one.inside for one in made]),
        [np.concatenate(levels) for levels in zip(*(one.levels for one in made), strict=True)],
    )
