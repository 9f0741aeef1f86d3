"""Scored matching of many records at once: the same weights as `mapping.match.score`, over arrays.

Values are numbered per field, so each pair of values is compared once, however many records have it. Records are
looked up in blocks, scored, and put into groups that hold together as groups. Any order of records gives the same.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import log2
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from mapping.match.apart import Apart
from mapping.match.cluster import Forest
from mapping.match.groups import CERTAIN, Alarm, Edge, Groups, Pair, held_together, inside
from mapping.match.latin import latin
from mapping.match.learned import ENOUGH, Learning, Spread, chance
from mapping.match.model import IN_ANY_ORDER, SYSTEM, Comparison, Model
from mapping.match.pairs import LEVELS, Flags, Floats, Ints, Levels, Longs, Pairs, Whole
from mapping.match.pairs import together as put_together
from mapping.match.profile import COMPANY_KEYS, Profile, Values, called, first_letter, initial, sound
from mapping.match.score import (
    BESIDE,
    HELD,
    OF_ONE,
    PARTS,
    WHOLE,
    WITH_PARTS,
    Counts,
    Evidence,
    Weigher,
    common,
    has_number,
    limit_as_given,
    named,
    of_one_word,
    tabled,
)

MISSING: Final = -1
MANY_VALUES: Final = 3  # values of one record that it is looked up by
_MARGIN: Final = 1.0  # bits; a little less than the model says is chance
_MISTYPED: Final = 0.04  # records of one that have another initial than the others: mistyped, or another name
_ROUNDED: Final = 0.01  # bits that sums of rounded numbers may be off
_LITTLE: Final = 4.0  # bits that a field says at most, so that it is compared only where others say more
_AT_A_TIME: Final = 1_000_000  # pairs that are scored together


class Column(Struct):
    """One field of all records: its different values, and by record the number of its value; -1: missing."""

    values: list[Values]
    codes: Ints

    @property
    def single(self) -> bool:
        """No record has several."""
        return max(map(len, self.values), default=1) == 1


class Table(Struct):
    """Records in the order of their keys. `system`: by record the number of the system that has it."""

    keys: Sequence[str]
    columns: Mapping[str, Column]
    system: Ints

    def __len__(self) -> int:
        return len(self.keys)

    def profile(self, at: int) -> Profile:
        """One record as the scorer takes it."""
        return {
            name: column.values[column.codes[at]]
            for name, column in self.columns.items()
            if column.codes[at] != MISSING
        }


class Tabling:
    """A table in the making: a few bytes a record and field, and each different value once."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._systems: dict[str, int] = {}
        self._system: array[int] = array("i")
        self._numbers: dict[str, dict[Values, int]] = {}
        self._codes: dict[str, array[int]] = {}

    def add(self, key: str, system: str, profile: Profile) -> None:
        """Keys are unique."""
        place = len(self._keys)
        self._keys.append(key)
        self._system.append(self._systems.setdefault(system, len(self._systems)))
        for name, told in profile.items():
            if not told:
                continue
            codes = self._codes.get(name)
            if codes is None:
                codes, self._numbers[name] = self._codes.setdefault(name, array("i")), {}
            if len(codes) < place:
                codes.extend([MISSING] * (place - len(codes)))
            numbers = self._numbers[name]
            codes.append(numbers.setdefault(told, len(numbers)))

    def done(self) -> tuple[Table, Longs]:
        """The records in the order of their keys, and by place there which of those that were added it is."""
        size = len(self._keys)
        order = np.array(sorted(range(size), key=self._keys.__getitem__), dtype=np.int64)
        columns = {}
        for name in sorted(self._codes):
            codes, values = self._codes.pop(name), list(self._numbers.pop(name))
            codes.extend([MISSING] * (size - len(codes)))
            columns[name] = _in_order(values, np.frombuffer(codes, dtype=np.int32)[order])
        system = np.frombuffer(self._system, dtype=np.int32)[order] if size else np.zeros(0, dtype=np.int32)
        return Table([self._keys[place] for place in order.tolist()], columns, system), order


def numbered(values: Sequence[Values], codes: Ints) -> Column:
    """Of values, equal and empty ones among them, and by record in the order of the keys which of them it has."""
    numbers: dict[Values, int] = {}
    own = [numbers.setdefault(told, len(numbers)) if told else MISSING for told in values]
    return _in_order(list(numbers), np.array([*own, MISSING], dtype=np.int32)[codes])


def _in_order(values: Sequence[Values], codes: Ints) -> Column:
    """Numbers the values anew by the first record that has each, so that nothing depends on the order of arrival."""
    held = np.flatnonzero(codes != MISSING)
    first = np.full(len(values), len(codes), dtype=np.int64)
    np.minimum.at(first, codes[held], held)
    order = np.argsort(first)[: int((first < len(codes)).sum())]
    anew = np.full(len(values) + 1, MISSING, dtype=np.int32)
    anew[order] = np.arange(len(order), dtype=np.int32)
    return Column([values[number] for number in order.tolist()], anew[codes])


def table(records: Iterable[tuple[str, str, Profile]]) -> Table:
    """Of (key, system, profile); keys are unique. In the order of the keys, whatever order they come in."""
    tabling = Tabling()
    for one in records:
        tabling.add(*one)
    return tabling.done()[0]


class Resolution(Struct):
    """`group`: by record the place of the first record of its group. `review`: pairs for a person.

    `model`: the one that was asked for, with what these records say themselves: the threshold, what a shared identifier
    counts, what it counts that one system has both.
    """

    group: Ints
    joined: Pairs
    review: Pairs
    compared: int
    model: Model
    frequencies: Counts
    alarmed: list[Alarm] = field(default_factory=list)


Progress = Callable[[str], None]


def resolve(
    table: Table,
    model: Model,
    *,
    progress: Progress | None = None,
    together: Collection[Pair] = (),
    apart: Container[Pair] = frozenset(),
) -> Resolution:
    """Who is who among these records.

    `together` and `apart`: places of two records, the smaller first, that something else than their likeness decides.
    """
    tell = progress or (lambda _: None)
    tell("counting")
    frequencies = frequencies_of(table)
    model = with_identifiers(table, model)
    tell("looking up")
    left, right, found_by = candidates(table, model)
    tell(f"scoring {len(left):,} pairs")
    scoring = Scoring(table, model, frequencies)
    pairs = scoring.score(left, right, found_by)
    compared = len(left)
    del left, right, found_by
    tell("grouping")
    return resolution(scoring, pairs, compared, frequencies, together=together, apart=apart)


class PairScorer(Protocol):
    """Who has scored the pairs of some records. `model`: with what they have told of it."""

    model: Model
    prior: float
    size: int  # records

    def more(self, left: Ints, right: Ints) -> Pairs:
        """Of pairs inside a group, in their order, whatever they come to."""


def resolution(
    scored: PairScorer,
    pairs: Pairs,
    compared: int,
    frequencies: Counts,
    *,
    together: Collection[Pair] = (),
    apart: Container[Pair] = frozenset(),
) -> Resolution:
    """Of scored pairs, by their places: those that are for joining put into groups, and what is left for review."""
    model = scored.model
    model = replace(model, same=max(model.same, threshold_of(pairs, model)))
    joining = pairs.where((pairs.bits >= model.same) & ~pairs.conflict)
    groups = _grouped(model, scored, joining, together, apart)
    of = np.arange(scored.size, dtype=np.int32)
    if groups.of:
        of[list(groups.of)] = list(groups.of.values())
    review = pairs.where((of[pairs.left] != of[pairs.right]) & (pairs.bits >= model.review))
    joined = joining.where(of[joining.left] == of[joining.right])
    return Resolution(of, joined, review, compared, model, frequencies, groups.alarmed)


IDENTIFIERS: Final = ("email", "phone")  # whose worth the records tell


def with_identifiers(table: Table, model: Model) -> Model:
    """Counts a mailbox or a phone that two have for less, where two who have one mostly go by two names."""
    wanted = (name for name in IDENTIFIERS if name in table.columns and model.identifiers.get(name) == 1)
    return as_held(model, {name: _of_two(table, name) for name in wanted})


def as_held(model: Model, held: Mapping[str, tuple[int, int]]) -> Model:
    """`held`: by identifier how many of those that just two of known names have are of one name, and of how many."""
    comparisons, lent = dict(model.comparisons), set(model.lent)
    for name, (one, of) in held.items():
        comparison = comparisons[name]
        if of < ENOUGH or "same" not in comparison.levels:
            continue
        share = min(0.99, one / of + _MISTYPED)
        same = comparison.levels["same"]
        bits = max(0.0, min(same.bits, log2(share / (1 - share))))
        if bits < same.bits - _MARGIN:
            lent.add(name)
            comparisons[name] = replace(comparison, levels={**comparison.levels, "same": replace(same, bits=bits)})
    return replace(model, comparisons=comparisons, lent=frozenset(lent))


def _of_two(table: Table, name: str) -> tuple[int, int]:
    """Of the values that just two records of known names have, how many are of one name; and how many there are."""
    texts, keys = name_keys_of(table)[0]
    numbers: dict[str, int] = {}
    keys = np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int64)[keys]
    known_texts = np.array([len(text) > 1 for text in numbers])
    values, places, elements = _exploded(table.columns[name])
    known = known_texts[keys[places]]
    elements, held = elements[known], keys[places[known]]
    order = np.argsort(elements, kind="stable")
    elements, held = elements[order], held[order]
    two = np.flatnonzero(np.bincount(elements, minlength=len(values)) == 2)
    first = np.searchsorted(elements, two)
    return int((held[first] == held[first + 1]).sum()), len(two)


def threshold_of(pairs: Pairs, model: Model) -> float:
    """From how many bits two records are one, so that no more of them are wrong than may be, as their bits tell."""
    bits = np.sort(pairs.bits[~pairs.conflict & (pairs.bits >= model.same)].astype(np.float64))[::-1]
    wrong = np.cumsum(1 / (1 + np.exp2(bits)))
    few = wrong <= model.wrong * np.arange(1, len(bits) + 1)
    if not len(bits) or few[-1]:
        return model.same
    # Equal bits are for joining all or none.
    whole = np.flatnonzero(few[:-1] & (bits[:-1] > bits[1:]))
    return float(min(model.same_at_most, bits[whole[-1]])) if len(whole) else model.same_at_most


# -- frequencies -----------------------------------------------------------------------------------------------


def frequencies_of(table: Table) -> Counts:
    """How common each value is; what is held once is left out."""
    counts: dict[str, dict[str, int]] = {}
    totals: dict[str, int] = {}
    for name, column in table.columns.items():
        held = column.codes[column.codes != MISSING]
        often = np.bincount(held, minlength=len(column.values))
        if name not in WITH_PARTS and column.single:
            several = np.flatnonzero(often > 1)
            of_several = zip(several.tolist(), often[several].tolist(), strict=True)
            counts[name] = {column.values[at][0]: count for at, count in of_several}
            totals[name] = len(held)
            continue
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for values, count in zip(column.values, often.tolist(), strict=True):
            for told, parts in tabled(name, values):
                counter = found[told]
                for part in parts:
                    counter[part] += count
        for told, counter in found.items():
            counts[told] = {value: count for value, count in counter.items() if count > 1}
            totals[told] = len(held)
    return Counts(len(table), totals, counts, _holders(table))


def _holders(table: Table) -> dict[str, dict[str, int]]:
    """By identifier and value how many names hold it at least, where more than one does."""
    attributes = name_keys_of(table)
    found: dict[str, dict[str, int]] = {}
    for name in HELD:
        column = table.columns.get(name)
        if column is None:
            continue
        values, places, elements = _exploded(column)
        most = found[name] = {}
        for at, (texts, keys) in enumerate(attributes):
            told = np.unique(elements.astype(np.int64) << 32 | keys[places], return_counts=True)
            for element, count in _people(told[0], told[1], texts, whole=at == 0):
                most[values[element]] = max(count, most.get(values[element], 1))
    return found


def _exploded(column: Column) -> tuple[list[str], Ints, Ints]:
    """Single texts of a column, and (record, text) for each text of each record."""
    if column.single:
        held = np.flatnonzero(column.codes != MISSING).astype(np.int32)
        return [values[0] for values in column.values], held, column.codes[held]
    numbers: dict[str, int] = {}
    most = max((len(values) for values in column.values), default=0)
    told = np.full((len(column.values) + 1, most), MISSING, dtype=np.int32)
    for at, values in enumerate(column.values):
        for place, value in enumerate(values):
            told[at, place] = numbers.setdefault(value, len(numbers))
    places, elements = [], []
    for place in range(most):
        codes = told[column.codes, place]  # a missing value reads the last row, which is missing
        held = np.flatnonzero(codes != MISSING).astype(np.int32)
        places.append(held)
        elements.append(codes[held])
    empty = np.zeros(0, dtype=np.int32)
    return list(numbers), np.concatenate(places or [empty]), np.concatenate(elements or [empty])


def _people(pairs: Longs, often: Longs, texts: Sequence[str], *, whole: bool) -> Iterator[tuple[int, int]]:
    """Of (value, name key) and how often each: the values that more than one holds, and how many."""
    values = pairs >> 32
    several = np.r_[False, values[1:] == values[:-1]] if len(values) else np.zeros(0, dtype=bool)
    several[:-1] |= several[1:]
    several |= often >= OF_ONE
    at, keys = values[several].tolist(), (pairs[several] & 0xFFFFFFFF).tolist()
    counts = often[several].tolist()
    start = 0
    for end in range(1, len(at) + 1):
        if end < len(at) and at[end] == at[start]:
            continue
        told = Counter({texts[keys[one]]: counts[one] for one in range(start, end)})
        if (count := named(told, whole=whole)) > 1:
            yield at[start], count
        start = end


def name_keys_of(table: Table) -> list[tuple[list[str], Longs]]:
    """`profile.name_keys` of each record, each as numbers of texts; the first text is that of what is not known."""
    columns = table.columns

    def lettered(name: str, of: Callable[[str], str]) -> tuple[list[str], Longs]:
        numbers: dict[str, int] = {"": 0}
        column = columns.get(name)
        if column is None:
            return [""], np.zeros(len(table), dtype=np.int64)
        told = [numbers.setdefault(of(values[0]), len(numbers)) for values in column.values]
        return list(numbers), np.array([*told, 0], dtype=np.int64)[column.codes]

    if "name" in columns:
        return [lettered(name, key) for name, key in COMPANY_KEYS]
    (ours, given), (theirs, family) = lettered("given", initial), lettered("family", first_letter)
    both, codes = np.unique(given << 32 | family, return_inverse=True)
    texts = ["".join(sorted(ours[one >> 32] + theirs[one & 0xFFFFFFFF])) for one in both.tolist()]
    return [(texts, codes)]


# -- blocks ----------------------------------------------------------------------------------------------------


def _part_codes(column: Column, form: Callable[[str], str]) -> list[Ints]:
    """A part of a column as numbers: one array for each of the values that a record may have, -1 where none."""
    numbers: dict[str, int] = {}
    told = [[numbers.setdefault(one, len(numbers)) for one in dict.fromkeys(map(form, values)) if one][:MANY_VALUES]
            for values in column.values]  # fmt: skip
    most = max(map(len, told), default=0)
    made = np.full((len(told) + 1, max(1, most)), MISSING, dtype=np.int32)
    for at, some in enumerate(told):
        made[at, : len(some)] = some
    return [made[column.codes, place] for place in range(max(1, most))]


class _Parts:
    """Parts of blocks, made once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[str, list[Longs]] = {}

    def of(self, part: str) -> list[Longs]:
        if part not in self._known:
            self._known[part] = self._any_order() if part == IN_ANY_ORDER else self._made(part)
        return self._known[part]

    def _made(self, part: str) -> list[Longs]:
        name, _, what = part.partition(".")
        column = self._table.columns.get(name)
        if column is None:
            return []
        form = PARTS[what] if what else latin if name in ("name", "company") else str
        if form is str and column.single:
            return [column.codes.astype(np.int64)]
        return [codes.astype(np.int64) for codes in _part_codes(column, form)]

    def _any_order(self) -> list[Longs]:
        """A given and a family name by their sounds, whichever comes first."""
        columns = self._table.columns
        if "given" not in columns or "family" not in columns:
            return []
        numbers: dict[str, int] = {}

        def heard(column: Column, of: Callable[[str], str]) -> Longs:
            told = [numbers.setdefault(of(values[0]), len(numbers)) for values in column.values]
            return np.array([*told, MISSING], dtype=np.int64)[column.codes]

        given, family = heard(columns["given"], called), heard(columns["family"], sound)
        low, high = np.minimum(given, family), np.maximum(given, family)
        return [np.where(low >= 0, low << 32 | high, MISSING)]


def candidates(table: Table, model: Model) -> tuple[Ints, Ints, Longs]:
    """Pairs of records that share a block, each once, and by which blocks."""
    parts = _Parts(table)
    limit = model.limits["block"]
    size = np.int64(max(1, len(table)))
    known = np.zeros(0, dtype=np.int64)
    found_by = np.zeros(0, dtype=np.int64)
    for number, block in enumerate(model.blocks):
        found = [parts.of(part) for part in block]
        for combination in product(*found):
            made = _pairs_of(_combined(combination), limit, size)
            if len(made):
                known, found_by = _merged(known, found_by, made, np.int64(1 << number))
        if any(len(one) > 1 for one in found) and all(found):
            made = _pairs_across(found, limit, size)
            known, found_by = _merged(known, found_by, made, np.int64(1 << number))
    return (known // size).astype(np.int32), (known % size).astype(np.int32), found_by


def _combined(parts: Sequence[Longs]) -> Longs:
    """One number for the values of several parts; -1 where one is missing."""
    made, beyond = parts[0], int(parts[0].max(initial=0)) + 1
    for part in parts[1:]:
        size = int(part.max(initial=0)) + 1
        if beyond * size > np.iinfo(np.int64).max:
            _, dense = np.unique(made, return_inverse=True)  # numbered anew, so that nothing overflows
            made, beyond = np.where(made >= 0, dense.astype(np.int64), MISSING), len(made)
        made, beyond = np.where((made >= 0) & (part >= 0), made * size + part, MISSING), beyond * size
    return made


def _pairs_of(keys: Longs, limit: int, size: np.int64, records: Longs | None = None) -> Longs:
    """Pairs of records with one key, as left * size + right; of keys that no more than `limit` have."""
    held = np.flatnonzero(keys >= 0)
    order = held[np.argsort(keys[held], kind="stable")]
    told = keys[order]
    places = order if records is None else records[order]
    begins = np.flatnonzero(np.r_[True, told[1:] != told[:-1]]) if len(told) else np.zeros(0, dtype=np.int64)
    sizes = np.diff(np.r_[begins, len(told)])
    keep = np.repeat((sizes > 1) & (sizes <= limit), sizes)
    told, places = told[keep], places[keep].astype(np.int64)
    made = []
    for step in range(1, limit):
        if len(told) <= step:
            break
        equal = told[step:] == told[:-step]
        if not equal.any():
            break
        one, other = places[:-step][equal], places[step:][equal]
        apart = one != other
        made.append(np.minimum(one, other)[apart] * size + np.maximum(one, other)[apart])
    if not made:
        return np.zeros(0, dtype=np.int64)
    found = np.sort(np.concatenate(made))  # `np.unique` hashes first, which takes several times as long
    return found[np.r_[True, found[1:] != found[:-1]]]


def _pairs_across(found: Sequence[Sequence[Longs]], limit: int, size: np.int64) -> Longs:
    """Of fields with several values: one record's second value may be another's first."""
    combinations = [_combined(one) for one in product(*found)]
    count = len(combinations[0])
    keys = np.concatenate(combinations)
    records = np.tile(np.arange(count, dtype=np.int64), len(combinations))
    return _pairs_of(keys, limit, size, records)


def _merged(known: Longs, found_by: Longs, made: Longs, block: np.int64) -> tuple[Longs, Longs]:
    if not len(known):
        return made, np.full(len(made), block)
    at = np.searchsorted(known, made)
    there = np.zeros(len(made), dtype=bool)
    inside = at < len(known)
    there[inside] = known[at[inside]] == made[inside]
    found_by[at[there]] |= block
    fresh = made[~there]
    if not len(fresh):
        return known, found_by
    into = np.searchsorted(known, fresh)
    return np.insert(known, into, fresh), np.insert(found_by, into, block)


# -- scores ----------------------------------------------------------------------------------------------------


class Scoring:
    """Scores pairs of places of one table."""

    def __init__(self, table: Table, model: Model, frequencies: Counts) -> None:
        self._table, self.model = table, model
        self._frequencies = frequencies
        self._weigher = Weigher(model, frequencies)
        self._apart: dict[str, Apart] = {}
        self.prior = self._weigher.prior
        self.size = len(table)
        self._spread = spread_of(table)

    def score(self, left: Ints, right: Ints, found_by: Longs) -> Pairs:
        """Of candidates: those for joining and for review. Learns first, for `model`, what the records tell of it."""
        return self._learned(put_together(list(self.each(left, right, found_by)))).where_at_least(self.model.review)

    def more(self, left: Ints, right: Ints) -> Pairs:
        """Of pairs inside a group, whatever they come to."""
        nothing = np.zeros(len(left), dtype=np.int64)
        whole = put_together(list(self.each(left, right, nothing, all_of_them=True)))
        return Learning(self.model, self.size, self._spread).with_systems(whole)

    def _learned(self, whole: Whole) -> Whole:
        learning = Learning(self.model, self.size, self._spread)
        learning.learn(whole)
        self.model = learning.model
        return learning.with_systems(whole)

    def each(self, left: Ints, right: Ints, found_by: Longs, *, all_of_them: bool = False) -> Iterator[Whole]:
        """Sums of pairs, so many at a time, before anything is learned of them: of those that may come to a review, or
        of all of them."""
        for at in range(0, max(1, len(left)), _AT_A_TIME):
            part = slice(at, at + _AT_A_TIME)
            ours, theirs, by = left[part], right[part], found_by[part]
            if all_of_them:
                yield self._sum(self._compared(ours, theirs), ours, theirs, by)
                continue
            kept, own = self._promising(ours, theirs)
            ours, theirs = ours[kept], theirs[kept]
            yield self._sum(self._compared(ours, theirs, own), ours, theirs, by[kept]).where_at_least(self.model.review)

    def _promising(self, left: Ints, right: Ints) -> "tuple[Longs, dict[str, Weighed]]":
        """Which pairs may come to a review, by what is one's own; and what that says of them.

        All that is shared counts no more than a little, so the others are not compared in it.
        """
        own: dict[str, Weighed] = {}
        model, columns = self.model, self._table.columns
        most = np.full(len(left), model.shared_at_most + _ROUNDED, dtype=np.float32)
        most += sum(bits for bits in model.doubts.values() if bits > 0)
        for name, comparison in model.comparisons.items():
            if name not in columns or name in model.shared:
                continue
            if (limit := comparison.at_most) is not None and limit <= _LITTLE and name not in model.identifiers:
                most += np.float32(max(0.0, limit))
                continue
            codes = columns[name].codes
            one = own[name] = self._weighed(comparison, name, name, codes[left], codes[right])
            if name in model.alike:
                most += np.maximum(one.bits, np.float32(0))  # together they speak against no more than so far
            else:
                most += np.where(one.shared, np.minimum(one.bits, np.float32(0)), one.bits)
        found = most >= model.review
        if model.swapped is not None and set(model.swapped) <= columns.keys():
            ask = np.flatnonzero(~found)
            found[ask] = self._may_be_turned(model.swapped, left[ask], right[ask])
        kept = np.flatnonzero(found)
        return kept, {name: one.at(kept) for name, one in own.items()}

    def _may_be_turned(self, names: tuple[str, str], left: Ints, right: Ints) -> Flags:
        """Whether the names of two records may be the same the other way round."""
        given, family = (self._table.columns[name].codes for name in names)
        found = (given[left] >= 0) & (family[left] >= 0) & (given[right] >= 0) & (family[right] >= 0)
        first, second = map(self._apart_of, names)
        for one, other in ((left, right), (right, left)):
            ask = np.flatnonzero(found)
            found[ask] = ~first.unlike(given[one[ask]], second, family[other[ask]])
        return found

    def evidence(self, left: Ints, right: Ints, found_by: Longs) -> "tuple[Mapping[str, Weighed], Pairs]":
        """What each field says of these pairs, and all of them together."""
        found = self._compared(left, right)
        whole = self._sum(found, left, right, found_by)
        return found, self._learned(whole)

    def _sum(self, found: "Mapping[str, Weighed]", left: Ints, right: Ints, found_by: Longs) -> Whole:
        """As `score.combined` does."""
        model, size = self.model, len(left)
        own, shared = np.zeros(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
        alike: list[Floats] = []
        for name, one in found.items():
            if name in model.alike:
                alike.append(one.bits)
                continue
            in_house = one.shared & (one.bits > 0)
            if name in model.identifiers and model.alike_shared:
                alike.append(np.where(in_house, one.bits, np.float32(0)))
            else:
                shared += np.where(in_house, one.bits, np.float32(0))
            own += np.where(in_house, np.float32(0), one.bits)
        if alike:
            told = np.stack(alike)
            good = np.maximum(told, 0)
            best = good.max(axis=0)
            counted = best + np.float32(model.alike_rest) * (good.sum(axis=0) - best)
            own += np.maximum(np.minimum(told, 0).sum(axis=0), np.float32(model.alike_at_least))
            if model.alike_shared:
                shared += counted
            else:
                own += counted
        allowed = np.float32(self.prior + model.shared_at_most) - self._lent(found, size)
        beyond = np.maximum(shared - allowed, np.float32(0))
        if names := [np.maximum(found[name].bits, 0) for name in model.names if name in found]:
            told = np.sum(names, axis=0) - np.float32(self.prior + model.names_at_most)
            beyond = np.maximum(beyond, told)
        bits = own + shared - np.float32(self.prior) - beyond
        nothing, of = np.zeros(size, dtype=np.int8), self._table.system
        levels = [found[name].level if name in found else nothing for name in model.watched]
        whole = Whole(left, right, bits, self._conflicts(found, size), found_by, of[left] == of[right], levels)
        self._doubted(whole)
        return whole

    def _doubted(self, pairs: Whole) -> None:
        """As `Scorer` finds them."""
        for (name, level), bits in self.model.doubts.items():
            pairs.bits += np.where(pairs.levels[self.model.watched.index(name)] == LEVELS[level], np.float32(bits), 0)
        for name, level in self.model.vetoes - {SYSTEM}:
            pairs.conflict |= pairs.levels[self.model.watched.index(name)] == LEVELS[level]

    def _lent(self, found: Mapping[str, "Weighed"], size: int) -> Floats:
        """As `score.lent` does."""
        model = self.model
        known, own = np.zeros(size, dtype=np.float32), np.zeros(size, dtype=bool)
        if not model.lent:
            return known
        for name, one in found.items():
            if name in model.lent:
                known += np.where(one.shared, np.float32(0), np.maximum(one.bits, np.float32(0)))
            elif name not in model.shared:
                own |= one.bits > 0
        most = np.float32(self.prior + model.shared_at_most - model.shared_beside)
        return np.where(own, np.float32(0), np.minimum(known, most))

    def _conflicts(self, found: Mapping[str, "Weighed"], size: int) -> Flags:
        """As `Scorer` finds them."""
        conflict = np.zeros(size, dtype=bool)
        for (name, of), excuses in self.model.conflicts.items():
            if name not in found:
                continue
            here = found[name].level == LEVELS[of]
            for field_, level in excuses:
                if field_ in found:
                    here &= (found[field_].level != LEVELS[level]) | found[field_].shared
            conflict |= here
        return conflict

    def _compared(
        self, left: Ints, right: Ints, known: "Mapping[str, Weighed]" = MappingProxyType({})
    ) -> dict[str, "Weighed"]:
        """Every field that the records have, in the order of the model; some of them may be known."""
        columns = self._table.columns
        found = {}
        for name, comparison in self.model.comparisons.items():
            if name in known:
                found[name] = known[name]
            elif name in columns:
                codes = columns[name].codes
                found[name] = self._weighed(comparison, name, name, codes[left], codes[right])
        swapped = self.model.swapped
        if swapped is not None and swapped[0] in found and swapped[1] in found:
            self._turn(found, swapped, left, right)
            self._of_one_word(found, swapped, left, right)
        self._place(found, left, right)
        return found

    def _weighed(self, comparison: Comparison, here: str, there: str, ours: Ints, theirs: Ints) -> "Weighed":
        """Values of the columns `here` and `there` beside one another, each pair of values weighed once."""
        size = len(ours)
        made = Weighed(np.zeros(size, dtype=np.float32), np.zeros(size, dtype=bool), np.zeros(size, dtype=np.int8))
        both = np.flatnonzero((ours >= 0) & (theirs >= 0))
        if not len(both):
            return made
        one, other = ours[both], theirs[both]
        if here == there:
            one, other = np.minimum(one, other), np.maximum(one, other)
        unique, inverse = np.unique(one.astype(np.int64) << 32 | other, return_inverse=True)
        low, high = unique >> 32, unique & 0xFFFFFFFF
        like = self._as_common(comparison, low, high) if here == there else np.arange(len(unique))
        ask = np.flatnonzero(like == np.arange(len(unique)))
        told = comparison.levels["different"]
        if here == there and not told.rarity and not told.words:
            certain = self._apart_of(here).certain(comparison.how, low[ask], high[ask])
            ask = ask[~certain | (low[ask] == high[ask])]
        lefts, rights = self._table.columns[here].values, self._table.columns[there].values
        weigh = self._weigher.weigh
        found = [
            weigh(comparison, lefts[a], rights[b]) for a, b in zip(low[ask].tolist(), high[ask].tolist(), strict=True)
        ]
        bits, shared, level = self._different(comparison, len(unique))
        bits[ask] = [each.bits for each in found]
        shared[ask] = [each.shared for each in found]
        level[ask] = [LEVELS[each.level] for each in found]
        of = like[inverse]
        made.bits[both], made.shared[both], made.level[both] = bits[of], shared[of], level[of]
        return made

    def _as_common(self, comparison: Comparison, low: Longs, high: Longs) -> Longs:
        """By pair of values the first that counts the same: equal values do that are as common."""
        like, name = np.arange(len(low)), comparison.field
        if comparison.levels.get("same", comparison.levels["different"]).words:
            return like
        values = self._table.columns[name].values
        equal = np.flatnonzero(low == high)
        equal = equal[[len(values[at]) == 1 for at in low[equal].tolist()]]
        held = self._frequencies.holders if name in self.model.identifiers else self._frequencies.counts
        often = held.get(name, {})
        counts = np.array([often.get(values[at][0], 1) for at in low[equal].tolist()], dtype=np.int64)
        _, first, inverse = np.unique(counts, return_index=True, return_inverse=True)
        like[equal] = equal[first[inverse]]
        return like

    def _different(self, comparison: Comparison, size: int) -> tuple[Floats, Flags, Levels]:
        """What so many pairs of values count that are different."""
        told = comparison.levels["different"]
        bits = told.bits if told.at_most is None else min(told.bits, told.at_most)
        shared = comparison.field in self.model.shared
        return (
            np.full(size, bits, dtype=np.float32),
            np.full(size, shared),
            np.full(size, LEVELS["different"], dtype=np.int8),
        )

    def _apart_of(self, name: str) -> Apart:
        if name not in self._apart:
            self._apart[name] = Apart(self._table.columns[name].values)
        return self._apart[name]

    def _turn(self, found: Mapping[str, "Weighed"], names: tuple[str, str], left: Ints, right: Ints) -> None:
        """Names the other way round, where that fits better; as `Scorer` does."""
        model = self.model
        straight = [found[name] for name in names]
        given, family = (self._table.columns[name].codes for name in names)
        ask = np.flatnonzero(straight[0].bits + straight[1].bits < 0)
        ask = ask[self._may_be_turned(names, left[ask], right[ask])]
        ways = [
            [self._weighed(model.comparisons[name], *names, given[one[ask]], family[other[ask]]).bits for name in names]
            for one, other in ((left, right), (right, left))
        ]
        # As common as a word is as either; what is rarer counts as the family name.
        lesser = [np.minimum(*way) for way in ways]
        low, high = np.minimum(*lesser), np.maximum(*lesser)
        better = low > 0
        better &= low + high + np.float32(model.swapped_bits) > straight[0].bits[ask] + straight[1].bits[ask]
        taken = ask[better]
        for name, part, bits in zip(names, straight, (low, high), strict=True):
            part.bits[taken] = bits[better] + np.float32(model.swapped_bits / 2)
            part.shared[taken] = name in model.shared
            part.level[taken] = 0

    def _of_one_word(self, found: Mapping[str, "Weighed"], names: tuple[str, str], left: Ints, right: Ints) -> None:
        """A name of one word beside a given and a family name; as `Scorer` does."""
        given, family = (self._table.columns[name] for name in names)
        one_word = np.array([*map(of_one_word, family.values), False], dtype=bool)
        alone = one_word[family.codes] & (given.codes == MISSING)
        limit = limit_as_given(self.model.comparisons[names[1]])
        told, different = found[names[1]], LEVELS["different"]
        for one, other in ((left, right), (right, left)):
            ask = np.flatnonzero(alone[one] & (given.codes[other] != MISSING) & (told.level == different))
            if not len(ask):
                continue
            way = self._weighed(
                self.model.comparisons[names[0]], names[1], names[0], family.codes[one[ask]], given.codes[other[ask]]
            )
            better = way.bits > 0
            taken = ask[better]
            bits = way.bits[better]
            told.bits[taken] = bits if limit is None else np.minimum(bits, np.float32(limit))
            told.shared[taken] = True
            told.level[taken] = LEVELS["part"]

    def _place(self, found: Mapping[str, "Weighed"], left: Ints, right: Ints) -> None:
        """Names of companies beside the place that both are at; as `Scorer` does."""
        model, name = self.model, found.get("name")
        if name is None or model.kind != "company":
            return
        nowhere = np.zeros(len(left), dtype=bool)
        street, town, code = (
            found[one].level == LEVELS["same"] if one in found else nowhere
            for one in ("street", "locality", "postcode")
        )
        house = street | (found["street"].level == LEVELS["typo"]) if "street" in found else nowhere
        columns = self._table.columns
        names = columns["name"]
        if "placed" in model.comparisons["name"].levels:
            ask = np.flatnonzero(np.isin(name.level, [LEVELS[one] for one in BESIDE]) & (town | house))
            towns = columns["locality"].codes if "locality" in columns else np.full(self.size, MISSING, dtype=np.int32)
            known: dict[tuple[int, ...], Evidence | None] = {}
            for at, one, other, by_town, by_house in zip(
                ask.tolist(), left[ask].tolist(), right[ask].tolist(), town[ask].tolist(), house[ask].tolist(),
                strict=True,
            ):  # fmt: skip
                ours, theirs = int(names.codes[one]), int(names.codes[other])
                key = ours, theirs, int(towns[one]) if by_town else MISSING, int(towns[other]) if by_town else MISSING
                if (*key, by_house) not in known:
                    shared = common(*(columns["locality"].values[place] for place in key[2:])) if by_town else ()
                    known[*key, by_house] = self._weigher.placed(
                        names.values[ours], names.values[theirs], shared, numbered=by_house
                    )
                if (told := known[*key, by_house]) is not None:
                    name.bits[at], name.level[at] = told.bits, LEVELS[told.level]
        if model.names_at_one_address is not None and street.any():
            streets = columns["street"]
            numbered = np.array([*map(has_number, streets.values), False], dtype=bool)
            here = np.isin(name.level, [LEVELS[one] for one in WHOLE]) & street & (town | code)
            here &= numbered[streets.codes[left]] & numbered[streets.codes[right]]
            ask = np.flatnonzero(here)
            least = np.float32(self.prior + model.names_at_one_address) - found["street"].bits[ask]
            name.bits[ask] = np.maximum(name.bits[ask], least)


def spread_of(table: Table) -> Spread:
    """How the records of a table are spread over its systems."""

    def often(held: Ints) -> Ints | Longs:
        return np.bincount(held, minlength=1)

    return Spread(
        int(table.system.max(initial=-1)) + 1,
        chance(often(table.system)),
        {name: chance(often(table.system[column.codes >= 0])) for name, column in table.columns.items()},
    )


class Weighed(Struct):
    """One field of many pairs: bits, whether they count with what is shared, and the level as far as it matters."""

    bits: Floats
    shared: Flags
    level: Levels

    def at(self, places: Longs) -> "Weighed":
        return Weighed(self.bits[places], self.shared[places], self.level[places])


# -- groups ----------------------------------------------------------------------------------------------------


def _grouped(
    model: Model, scored: PairScorer, joining: Pairs, together: Collection[Pair], apart: Container[Pair]
) -> Groups:
    """Groups that hold together: within one, every record is weighed against every other."""
    told = list(zip(joining.left.tolist(), joining.right.tolist(), joining.bits.tolist(), strict=True))
    if together:
        certain = set(together)
        told = [edge for edge in told if edge[:2] not in certain] + [(*pair, CERTAIN) for pair in sorted(certain)]
    forest = Forest(scored.size)
    for one, other, _ in told:
        forest.join(one, other)
    edges: dict[int, list[Edge]] = defaultdict(list)
    for edge in told:
        edges[forest.find(edge[0])].append(edge)

    def weighed(pairs: Sequence[Pair]) -> Mapping[Pair, float]:
        if not pairs:
            return {}
        left, right = (np.array(some, dtype=np.int32) for some in zip(*pairs, strict=True))
        found = scored.more(left, right)
        return {
            pair: inside(bits, conflict=conflict, prior=scored.prior)
            for pair, bits, conflict in zip(pairs, found.bits.tolist(), found.conflict.tolist(), strict=True)
        }

    return held_together(
        edges.values(), weighed, same=model.same, limits=model.limits, apart=apart, rivals=model.rivals
    )
