"""The pairs of a judged resolution that are wrong, with both records of each under one another: for a spreadsheet."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations, islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import Struct

from mapping.match.batch import Resolution
from mapping.match.evaluate import Labels
from mapping.match.pairs import Pairs

_MOST: Final = 100_000  # pairs of one sort that are written; a group of n records has n (n - 1) / 2 of them


class Misjudged(Struct, frozen=True):
    """Two records by their places. `wrong`: what was made of them. `bits`: None where they were not compared."""

    left: int
    right: int
    wrong: str
    bits: float | None


def misjudged(found: Resolution, labels: Labels) -> list[Misjudged]:
    """Joined although they are two, then missed although they are one, of the records that have a label; what seemed
    most alike first."""
    groups = found.group.astype(np.int64)
    known = np.flatnonzero(labels >= 0)
    asked = _bits(found.review)
    bits = _bits(found.joined) | asked

    def told(left: int, right: int, wrong: str) -> Misjudged:
        return Misjudged(left, right, wrong, bits.get((left, right)))

    joined = [told(*pair, "joined") for pair in _apart(groups, labels, known)]
    missed = [told(*pair, "for review" if pair in asked else "missed") for pair in _apart(labels, groups, known)]
    return [*sorted(joined, key=_most_alike), *sorted(missed, key=_most_alike)]


def write(file: Path, pairs: Sequence[Misjudged], keys: Sequence[str], headings: Sequence[str],
          rows: Mapping[str, Sequence[str]]) -> None:  # fmt: skip
    """`keys`: rids by place. `rows`: cells by rid."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["pair", "wrong", "bits", *headings])
        for number, pair in enumerate(pairs, start=1):
            bits = "" if pair.bits is None else f"{pair.bits:.1f}"
            writer.writerows([number, pair.wrong, bits, *rows[keys[place]]] for place in (pair.left, pair.right))


def _bits(pairs: Pairs) -> dict[tuple[int, int], float]:
    return dict(zip(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), pairs.bits.tolist(), strict=True))


def _apart(together: Labels, other: Labels, known: "np.ndarray[Any, np.dtype[np.int64]]") -> Iterator[tuple[int, int]]:
    """Pairs that are together by one way of grouping and not by the other, the smaller place first."""
    order = known[np.argsort(together[known], kind="stable")]
    starts = np.flatnonzero(np.diff(together[order])) + 1
    several = (group.tolist() for group in np.split(order, starts) if len(np.unique(other[group])) > 1)
    pairs = chain.from_iterable(combinations(group, 2) for group in several)
    return islice(((left, right) for left, right in pairs if other[left] != other[right]), _MOST)


def _most_alike(pair: Misjudged) -> tuple[bool, float, int, int]:
    return pair.bits is None, -(pair.bits or 0.0), pair.left, pair.right
