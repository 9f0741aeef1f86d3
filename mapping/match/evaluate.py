"""How good a resolution is, where the truth is known: pairs and groups, and each way of looking records up."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray


class Quality(Struct, frozen=True):
    """`found` said to be the same, `true` are, `right` of both."""

    found: int
    true: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


Labels = NDArray[np.int64]


def of_pairs(found: Labels, true: Labels) -> Quality:
    """Pairs of records that are in one group; labels by record."""
    both = np.unique(_dense(found) << 32 | _dense(true), return_counts=True)[1]
    return Quality(_pairs(np.bincount(_dense(found))), _pairs(np.bincount(_dense(true))), _pairs(both))


def of_groups(found: Labels, true: Labels) -> Quality:
    """Groups of two and more records that are exactly a true one."""
    ours, theirs = _dense(found), _dense(true)
    sizes, truths = np.bincount(ours), np.bincount(theirs)
    cells, counts = np.unique(ours << 32 | theirs, return_counts=True)
    exact = (counts == sizes[cells >> 32]) & (counts == truths[cells & 0xFFFFFFFF]) & (counts > 1)
    return Quality(int((sizes > 1).sum()), int((truths > 1).sum()), int(exact.sum()))


def largest(labels: Labels) -> int:
    return int(np.bincount(_dense(labels)).max()) if len(labels) else 0


def _dense(labels: Labels) -> Labels:
    dense: Labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return dense


def _pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes.astype(np.int64) * (sizes.astype(np.int64) - 1) // 2).sum())
