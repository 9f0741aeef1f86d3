"""Scored matching of a first load: all records of a kind at once, over arrays (`mapping.match.batch`).

What rules have put together stays together, records that certain ids tell apart stay apart, and what is doubtful goes
to review. Leaves in the store what changed records are weighed by afterwards: blocks and frequencies.
"""

from array import array
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from crosswalk.engine.entities import ALIKE_BY
from crosswalk.engine.likeness import (
    BLOCK_COLUMNS,
    Known,
    Likeness,
    bits_told,
    in_short,
    shown_by,
)
from mapping.match.groups import Pair, ordered

if TYPE_CHECKING:
    from mapping.match.batch import Resolution, Table
    from mapping.match.model import Model
    from mapping.match.pairs import Pairs
    from mapping.match.profile import Values
    from mapping.match.score import Scored as Compared

_AT_A_TIME: Final = 20_000  # blocks a transaction
Numbers: TypeAlias = "array[int]"
Scored: TypeAlias = tuple[int, int, str]  # two records, the smaller number first, and bits
Joined: TypeAlias = tuple[int, int, str, str, str]  # and a digest of what they show, and why in words


class Weighed(NamedTuple):
    """Of all records of a kind, by number. `first`: of one that is not the first of its group, who is."""

    first: Mapping[int, int]
    joined: Sequence[Joined]
    review: Sequence[Scored]
    alarms: Mapping[int, str]  # by a record of a group what looks wrong about it


def weigh_all(likeness: Likeness, *, home: Callable[[int], int], apart: Callable[[int, int], bool]) -> Weighed:
    """`home`: by record one that stands for all that rules put together with it; `apart`: are two told apart?"""
    all_of = everybody(likeness)
    told, records = all_of.table, all_of.records
    by_block = by_blocks(likeness.model)
    found = resolve_all(
        likeness,
        within_limits(told, likeness),
        together=_together(records, home),
        apart=_Apart(records, apart),
    )
    learn(likeness, all_of, found)
    return Weighed(
        {records[place]: records[group] for place, group in enumerate(found.group.tolist()) if place != group},
        [
            (*pair, shown_by(*(told.profile(at) for at in sorted(places, key=records.__getitem__))), by_block(blocks))
            for (places, pair), blocks in zip(
                _scored(found.joined, records), found.joined.found_by.tolist(), strict=True
            )
        ],
        [pair for _, pair in _scored(found.review, records)],
        {records[at]: words for at, words in found.alarmed},
    )


def resolve_all(
    likeness: Likeness, table: "Table", *, together: Collection[Pair] = (), apart: Container[Pair] = frozenset()
) -> "Resolution":
    """Who is who among all records of a kind: weighed here or, where the file says so, on Spark."""
    if likeness.spark is None:
        from mapping.match import batch

        return batch.resolve(table, likeness.model, together=together, apart=apart)
    from crosswalk import spark

    return spark.resolve(likeness.spark, table, likeness.model, together=together, apart=apart)


def by_blocks(model: "Model") -> Callable[[int], str]:
    """What two records have been found by, in words: `alike by e-mail, phone`. Of the number of `Pairs.found_by`.

    A first load notes no more than that: to weigh each pair once more for its reasons would take as long as the match.
    """
    fields = [[part.partition(".")[0] for part in block] for block in model.blocks]

    @cache
    def told(blocks: int) -> str:
        found = sorted((some for number, some in enumerate(fields) if blocks >> number & 1), key=len)
        names = list(dict.fromkeys(name for some in found for name in some))
        return f"{ALIKE_BY} {', '.join(_WORDS.get(name, name) for name in names[:_NAMED])}"

    return told


_NAMED: Final = 4
_WORDS: Final[Mapping[str, str]] = {
    "email": "e-mail", "handle": "e-mail", "given": "given name", "family": "family name", "birth": "birthday",
    "street": "street", "postcode": "postcode", "locality": "town",
}  # fmt: skip


def weigh_few(
    likeness: Likeness, known: Sequence[Known], *, home: Callable[[int], int], apart: Callable[[int, int], bool]
) -> Weighed:
    """The same of a store that is small: nothing is left there, all of it is looked at each time."""
    from mapping.match.few import meeting, resolve

    records = array("q", (one.record for one in known))
    scorer, weighed = likeness.weighing_all(known)
    found = resolve(
        scorer,
        weighed,
        [one.stream for one in known],
        meeting([scorer.keys(one) for one in weighed], likeness.model.limits["block"]),
        together=_together(records, home),
        apart=_Apart(records, apart),
    )

    def told(one: int, other: int, scored: "Compared") -> Scored:
        return _in_order(records[one], records[other], scored.bits)

    profiles = {one.record: one.profile for one in known}
    first = {records[place]: records[group[0]] for group in found.groups for place in group[1:]}
    joined = [
        (*pair, shown_by(profiles[pair[0]], profiles[pair[1]]), in_short(scored))
        for places, scored in found.joined.items()
        for pair in [told(*places, scored)]
    ]
    return Weighed(
        first,
        joined,
        [told(*places, scored) for places, scored in found.review.items()],
        {records[at]: words for at, words in found.alarmed},
    )


class _Apart:
    """Contains the pairs of places whose records are told apart."""

    def __init__(self, records: Numbers, apart: Callable[[int, int], bool]) -> None:
        self._records, self._apart = records, apart

    def __contains__(self, pair: object) -> bool:
        return isinstance(pair, tuple) and self._apart(self._records[pair[0]], self._records[pair[1]])


def _together(records: Numbers, home: Callable[[int], int]) -> list[tuple[int, int]]:
    first: dict[int, int] = {}
    return [
        (there, place)
        for place, record in enumerate(records)
        if (there := first.setdefault(home(record), place)) != place
    ]


def _scored(pairs: "Pairs", records: Numbers) -> Iterator[tuple[tuple[int, int], Scored]]:
    """By places."""
    for one, other, bits in zip(pairs.left.tolist(), pairs.right.tolist(), pairs.bits.tolist(), strict=True):
        yield (one, other), _in_order(records[one], records[other], bits)


def _in_order(one: int, other: int, bits: float) -> Scored:
    return *ordered(one, other), bits_told(bits)


def within_limits(told: "Table", likeness: Likeness) -> "Table":
    """A table without the identifiers that more hold than the file allows."""
    import numpy as np

    from mapping.match.batch import MISSING, Column, Table

    crowded = likeness.crowded((system, told.profile(at)) for at, system in enumerate(told.system.tolist()))
    columns = dict(told.columns)
    for name in likeness.limits:
        column = columns.get(name)
        if column is None:
            continue
        kept = [tuple(value for value in values if (name, value) not in crowded) for values in column.values]
        numbers: dict[Values, int] = {}
        anew = [numbers.setdefault(values, len(numbers)) if values else MISSING for values in kept]
        # Of what is missing the number is that of the last.
        columns[name] = Column(list(numbers), np.array([*anew, MISSING], dtype=np.int32)[column.codes])
    return Table(told.keys, columns, told.system)


class Everybody(NamedTuple):
    """All live records in the order of their birth ids; by place their numbers and streams."""

    table: "Table"
    records: Numbers
    streams: Numbers


def everybody(likeness: Likeness, *, only: Callable[[int], bool] | None = None) -> Everybody:
    """`only`: those of these numbers."""
    from mapping.match.batch import Tabling

    tabling, numbers, streams = Tabling(), array("q"), array("i")
    for one in likeness.everybody():
        if only is None or only(one.record):
            tabling.add(one.birth, str(one.stream), one.profile)
            numbers.append(one.record)
            streams.append(one.stream)
    told, order = tabling.done()
    places = order.tolist()
    return Everybody(told, array("q", (numbers[at] for at in places)), array("i", (streams[at] for at in places)))


def learn(likeness: Likeness, all_of: Everybody, found: "Resolution") -> None:
    """Profiles, blocks and frequencies of all records, in place of what was known. The count holds when all of it is
    there."""
    from mapping.match.score import Counts, Scorer

    database = likeness.house.database
    with database.write() as connection:
        likeness.forget(connection)
    scorer = Scorer(likeness.model, Counts(0))  # it is asked for keys alone
    values, of = array("q"), array("q")
    for some in _by_number(all_of):
        with database.write() as connection:
            likeness.profiles.write(connection, some)
        for one in some:
            hashes = likeness.hashes(scorer.keys(one.profile))
            values.extend(hashes)
            of.extend([one.record] * len(hashes))
    for rows in _blocks(likeness.number, values, of):
        with database.write() as connection:
            database.upsert(connection, "block", BLOCK_COLUMNS, BLOCK_COLUMNS, rows, replace=False)
    with database.write() as connection:
        likeness.profiles.outdate_waiting(connection)
        likeness.save(connection, found.frequencies, found.model.learned())


def _by_number(all_of: Everybody) -> Iterator[list[Known]]:
    """In the order in which they are stored."""
    import numpy as np

    order = np.argsort(np.frombuffer(all_of.records, dtype=np.int64)) if all_of.records else ()
    for start in range(0, len(order), _AT_A_TIME):
        yield [
            Known(all_of.records[at], all_of.streams[at], all_of.table.keys[at], all_of.table.profile(at))
            for at in order[start : start + _AT_A_TIME]
        ]


def _blocks(kind: int, values: Numbers, of: Numbers) -> Iterator[list[tuple[int, int, int]]]:
    """Rows by the hashes of their blocks, in the order of the table's key. `of`: the records that have them."""
    import numpy as np

    if not values:
        return
    hashes, records = np.frombuffer(values, dtype=np.int64), np.frombuffer(of, dtype=np.int64)
    order: Any = np.lexsort((records, hashes))
    for start in range(0, len(order), _AT_A_TIME):
        some = order[start : start + _AT_A_TIME]
        yield [
            (kind, value, record) for value, record in zip(hashes[some].tolist(), records[some].tolist(), strict=True)
        ]
