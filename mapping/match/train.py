"""Weights of a model from the records themselves, without labels: expectation-maximisation over blocked pairs.

A level of likeness counts log2 of how often it is found among pairs of one (m) over how often among pairs that have
nothing to do with one another (u). u comes from pairs drawn by chance, m from pairs that share a block, each weighed by
how likely the whole model says that they are one, the model being the one of the round before. Only blocks that have
nothing to do with a field tell of it: who is found by their mailbox always has the same.

It stays near the model that it begins with: what few pairs tell counts for little, a weight moves no further than
`MORE` bits up and `LESS` down, and what keeps two people apart is never weakened.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log2
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from mapping.match.batch import (
    Column,
    Scoring,
    Table,
    Weighed,
    candidates,
    frequencies_of,
    resolve,
    with_identifiers,
)
from mapping.match.model import Comparison, Model
from mapping.match.pairs import LEVELS, Ints, Longs
from mapping.match.score import Counts

Progress: TypeAlias = Callable[[str], None]
Doubles: TypeAlias = NDArray[np.float64]

MORE: Final = 1.0
LESS: Final = 2.0
RECORDS: Final = 1000  # what it takes to learn anything
MATCHES: Final = 200  # pairs that are one, as the model expects them
_MOST_PAIRS: Final = 400_000
_BY_CHANCE: Final = 200_000  # pairs drawn by chance
_ROUNDS: Final = 8
_SETTLED: Final = 0.05  # bits; no weight moved more in the last round
_FEW: Final = 50.0  # pairs that tell half as much as they seem to
_RARE: Final = 20.0  # the same, of pairs by chance
# Fields that follow from one another: a block of one says nothing of the others.
_KIN: Final = (
    frozenset({"email", "handle", "domain"}),
    frozenset({"company", "domain"}),
    frozenset({"name", "domain"}),
    frozenset({"street", "postcode", "locality", "country"}),
)


class TooLittleError(ValueError):
    """Too few records, or too few pairs among them that are one. Says how many there are and how many it takes."""


class Change(Struct, frozen=True, kw_only=True):
    """What one level counted and what it counts; `pairs` of one that showed it."""

    field: str
    level: str
    before: float
    after: float
    pairs: int


class Outcome(Struct, frozen=True, kw_only=True):
    """What a model makes of the records it was trained on."""

    joined: int
    review: int
    largest: int


class Trained(Struct, frozen=True, kw_only=True):
    """`matches`: pairs that are one, as the trained model expects them, of those that were `compared`."""

    model: Model
    changes: Sequence[Change]
    records: int
    compared: int
    matches: int
    rounds: int
    before: Outcome
    after: Outcome


def train(table: Table, model: Model, *, seed: int = 0, progress: Progress | None = None) -> Trained:
    """A model with weights of these records. Raises TooLittleError.

    The same records in any order, the same model and seed give the same weights.
    """
    tell = progress or (lambda _: None)
    if len(table) < RECORDS:
        raise TooLittleError(f"there are {len(table):,} records; it takes {RECORDS:,}")
    tell(f"looking up pairs of {len(table):,} records")
    draw = np.random.default_rng(seed)
    frequencies = frequencies_of(table)
    left, right, found_by = _at_most(candidates(table, model), draw)
    tell(f"comparing {_BY_CHANCE:,} pairs drawn by chance")
    chance = _by_chance(table, model, frequencies, draw)
    current, rounds, matches = with_identifiers(table, model), 0, 0.0
    counted: dict[tuple[str, str], float] = {}
    while rounds < _ROUNDS:
        rounds += 1
        tell(f"round {rounds}: weighing {len(left):,} pairs")
        scoring = Scoring(table, current, frequencies)
        found, pairs = scoring.evidence(left, right, found_by)
        likely = 1 / (1 + np.exp2(-np.clip(pairs.bits.astype(np.float64), -60, 60)))
        matches = float(likely.sum())
        if matches < MATCHES:
            raise TooLittleError(
                f"of {len(left):,} pairs that were compared about {matches:,.0f} are one; it takes {MATCHES}"
            )
        told = _Told(model, current, found, likely, found_by, chance, table)
        fresh, pairs_of = told.weights()
        counted |= pairs_of
        moved = max(abs(fresh[key] - _bits(current, key)) for key in fresh) if fresh else 0.0
        current = _with(current, fresh)
        if moved < _SETTLED:
            break
    current = _rounded(current)
    tell("matching by the old weights")
    _, before = _outcome(table, model)
    tell("matching by the new weights")
    final, after = _outcome(table, current)
    return Trained(
        model=final,
        changes=_changes(model, final, counted),
        records=len(table),
        compared=len(left),
        matches=round(matches),
        rounds=rounds,
        before=before,
        after=after,
    )


def _outcome(table: Table, model: Model) -> tuple[Model, Outcome]:
    """What comes of it, and the model with what a batch of these records finds out besides."""
    found = resolve(table, model)
    sizes = np.bincount(found.group)
    joined = int((sizes * (sizes - 1) // 2).sum())
    learned = with_identifiers(table, model)
    learned = replace(learned, same=round(found.model.same, 1), same_system=round(found.model.same_system, 1))
    if len(np.unique(table.system)) < 2:
        learned = replace(learned, same_system=model.same_system)
    return learned, Outcome(joined=joined, review=len(found.review), largest=int(sizes.max()))


def _at_most(pairs: tuple[Ints, Ints, Longs], draw: np.random.Generator) -> tuple[Ints, Ints, Longs]:
    left, right, found_by = pairs
    if len(left) <= _MOST_PAIRS:
        return pairs
    kept = np.sort(draw.choice(len(left), _MOST_PAIRS, replace=False))
    return left[kept], right[kept], found_by[kept]


# -- pairs by chance -------------------------------------------------------------------------------------------


class _Chance(Struct, frozen=True):
    """How often each level of a field is found by chance, of pairs that both have it, and in how many of them."""

    share: Doubles
    seen: Doubles


def _by_chance(table: Table, model: Model, frequencies: Counts, draw: np.random.Generator) -> dict[str, _Chance]:
    size = len(table)
    left = draw.integers(0, size, _BY_CHANCE, dtype=np.int32)
    right = draw.integers(0, size - 1, _BY_CHANCE, dtype=np.int32)
    right += right >= left
    nothing = np.zeros(len(left), dtype=np.int64)
    found, _ = Scoring(table, model, frequencies).evidence(left, right, nothing)
    made = {}
    for name, one in found.items():
        seen = np.bincount(_levels(model.comparisons[name], one), minlength=len(LEVELS) + 1).astype(np.float64)
        known = seen[1:].sum()
        if known:
            made[name] = _Chance(seen / known, seen)
    return made


def _levels(comparison: Comparison, one: Weighed) -> NDArray[np.int8]:
    """Levels as the model has them: one that it does not name counts as different."""
    levels = one.level.copy()
    for name, number in LEVELS.items():
        if name not in comparison.levels:
            levels[levels == number] = LEVELS["different"]
    return levels


def _same_by_chance(column: Column, pairs_of_one: float) -> tuple[float, float]:
    """Of the pairs that both have a field, the share that has the same value and is not one; and how many these are."""
    counts = np.bincount(column.codes[column.codes >= 0]).astype(np.float64)
    held = counts.sum()
    equal = max(1.0, float((counts * (counts - 1)).sum() / 2) - pairs_of_one)
    return equal / max(1.0, held * (held - 1) / 2), equal


# -- weights ---------------------------------------------------------------------------------------------------


class _Told(Struct, frozen=True):
    """What pairs tell of each level in one round."""

    base: Model
    model: Model
    found: Mapping[str, Weighed]
    likely: Doubles
    found_by: Longs
    chance: Mapping[str, _Chance]
    table: Table

    def weights(self) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
        """By field and level the bits, and the pairs of one that they come from."""
        bits, counted = {}, {}
        for name, one in self.found.items():
            for level, value, pairs in self._of_field(name, one):
                bits[name, level] = value
                counted[name, level] = pairs
        return bits, counted

    def _of_field(self, name: str, one: Weighed) -> Iterator[tuple[str, float, float]]:
        comparison = self.model.comparisons[name]
        levels = _levels(comparison, one)
        elsewhere = (self.found_by & _blocks_without(self.model, name)) > 0
        known = elsewhere & (levels > 0)
        total = float(self.likely[known].sum())
        if name not in self.chance or total < MATCHES:
            return
        for level, told in comparison.levels.items():
            if level == "unrelated" or (level == "same" and name in self.model.identifiers):
                continue
            number = LEVELS[level]
            here = known & (levels == number)
            likely = self.likely[here]
            pairs = float(likely.sum())
            if pairs < 1:
                continue
            u, seen = self._u(name, level, one, levels)
            if not u:
                continue
            rest = one.bits[here].astype(np.float64) - told.bits  # rarity, as far as it counted
            m = float((likely * np.exp2(-rest)).sum()) / total
            estimate = log2(max(m, 1e-12) / u)
            weight = pairs / (pairs + _FEW) * seen / (seen + _RARE)
            yield level, self._near(name, level, weight, estimate), pairs

    def _u(self, name: str, level: str, one: Weighed, levels: NDArray[np.int8]) -> tuple[float, float]:
        column = self.table.columns[name]
        if level == "same" and all(len(values) == 1 for values in column.values):
            return _same_by_chance(column, float(self.likely[levels == LEVELS["same"]].sum()))
        chance = self.chance[name]
        return float(chance.share[LEVELS[level]]), float(chance.seen[LEVELS[level]])

    def _near(self, name: str, level: str, weight: float, estimate: float) -> float:
        """The estimate, drawn to the model that it began with."""
        before = self.base.comparisons[name].levels[level].bits
        after = before + max(-LESS, min(MORE, weight * (estimate - before)))
        return min(before, after) if (name, level) in self.base.conflicts else after


def _blocks_without(model: Model, name: str) -> np.int64:
    """The blocks, a bit each, that have nothing to do with a field."""
    kin = {name}.union(*(some for some in _KIN if name in some))
    bits = 0
    for number, fields in enumerate(model.found_by):
        if fields.isdisjoint(kin):
            bits |= 1 << number
    return np.int64(bits)


def _bits(model: Model, key: tuple[str, str]) -> float:
    return model.comparisons[key[0]].levels[key[1]].bits


def _with(model: Model, bits: Mapping[tuple[str, str], float]) -> Model:
    comparisons = dict(model.comparisons)
    for (name, level), value in bits.items():
        one = comparisons[name]
        comparisons[name] = replace(one, levels={**one.levels, level: replace(one.levels[level], bits=value)})
    return replace(model, comparisons=comparisons)


def _rounded(model: Model) -> Model:
    keys = [(name, level) for name, one in model.comparisons.items() for level in one.levels]
    return _with(model, {key: round(_bits(model, key), 1) for key in keys})


def _changes(before: Model, after: Model, counted: Mapping[tuple[str, str], float]) -> list[Change]:
    """Every level that was estimated or is another now, in the order of the model."""
    found = []
    for name, one in before.comparisons.items():
        for level, told in one.levels.items():
            bits = after.comparisons[name].levels[level].bits
            if (name, level) in counted or bits != told.bits:
                pairs = round(counted.get((name, level), 0))
                found.append(Change(field=name, level=level, before=told.bits, after=round(bits, 1), pairs=pairs))
    return found
