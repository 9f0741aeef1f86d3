"""Scored matching on Spark, where the records of a kind outgrow one machine: the groups that `batch` comes to.

    resolve(frame, model)       frame: columns `key`, `system` (texts) and `profile` (bytes, see `packed`)

Spread over the workers is what takes room and time: how common values are, who shares a block, and each comparison, by
the arrays of `batch` a part at a time. A record travels with the counts of what it may be asked for, so no worker holds
those of all. The driver learns of the pairs that are left and puts them into groups, as `batch` does and by its code.

Each worker needs this package and its extra `spark`. Wants `pyspark` 4, `pandas` and `pyarrow`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, permutations, product
from operator import itemgetter
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
from msgspec import Struct, msgpack
from msgspec.json import Decoder
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

from mapping.match.batch import (
    IDENTIFIERS,
    MANY_VALUES,
    Progress,
    Resolution,
    Scoring,
    Table,
    Tabling,
    as_held,
    resolution,
)
from mapping.match.groups import Pair
from mapping.match.learned import Learning, Spread, chance
from mapping.match.model import Model
from mapping.match.pairs import Ints, Longs, Pairs, Whole
from mapping.match.profile import COMPANY_KEYS, Profile, person_key
from mapping.match.score import HELD, OF_ONE, Counts, Weigher, aside, named, part_of, tabled

_AT_A_TIME: Final = 50_000  # pairs that a worker scores together
_RECORDS: Final = 50_000  # records that are handed over together
_OF_ONE_PART: Final = 33  # bits of a place within a part, as Spark numbers rows
_HELD: Final = "holders of "  # before the name of an identifier: how many names hold a value
_APART: Final = "\x1f"  # between the values of a key
Batches: TypeAlias = Iterator[pa.RecordBatch]
Asked: TypeAlias = tuple[str, str]  # a table of counts, and a value in it


def packed(profile: Profile) -> bytes:
    """A profile as it travels."""
    return msgpack.encode(profile)


_unpacked: Final = msgpack.Decoder(dict[str, tuple[str, ...]]).decode


def frame_of(session: SparkSession, table: Table) -> DataFrame:
    """The records of a table, as `resolve` takes them."""

    def handed_over() -> Iterator[pa.RecordBatch]:
        for start in range(0, max(1, len(table)), _RECORDS):
            places = range(start, min(start + _RECORDS, len(table)))
            yield _rows(
                _RECORD,
                [
                    [table.keys[at] for at in places],
                    [str(number) for number in table.system[start : places.stop].tolist()],
                    [packed(table.profile(at)) for at in places],
                ],
            )

    return session.createDataFrame(pa.Table.from_batches(handed_over(), _RECORD))


def resolve(
    records: DataFrame,
    model: Model,
    *,
    progress: Progress | None = None,
    together: Collection[Pair] = (),
    apart: Container[Pair] = frozenset(),
) -> Resolution:
    """Who is who among these records; keys are unique. Places are those of the keys in order, as in `batch.resolve`."""
    tell = progress or (lambda _: None)
    kept: list[DataFrame] = []

    def keep(frame: DataFrame) -> DataFrame:
        kept.append(frame.persist(StorageLevel.DISK_ONLY))
        return frame

    try:
        tell("numbering")
        records = keep(_numbered(keep(_ordered(records))))
        tell("counting")
        size, totals, spread = _told(records)
        by_names = _made(records, _HOLDER, partial(_holders, "name" in totals))
        often = keep(_often(records, by_names))
        model = as_held(model, _of_two(by_names, model, totals))
        frequencies = _counts(size, totals, often)
        tell("looking up")
        pairs = keep(_candidates(records, keep(_blocks(records, model)), model))
        compared = pairs.count()
        tell(f"scoring {compared:,} pairs")
        scorer = _Scorer(keep(_with_counts(records, often, model)), model, Counts(size, totals), spread)
        scored = scorer.score(pairs)
        tell("grouping")
        return resolution(scorer, scored, compared, frequencies, together=together, apart=apart)
    finally:
        for frame in kept:
            frame.unpersist()


# -- rows ------------------------------------------------------------------------------------------------------


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


def _rows(schema: pa.Schema, columns: Sequence[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(column, type=one.type) for column, one in zip(columns, schema, strict=True)], schema=schema
    )


def _made(frame: DataFrame, schema: pa.Schema, of: Callable[[pa.RecordBatch], Iterable[tuple[Any, ...]]]) -> DataFrame:
    """Rows of rows, made by the workers. `of` can be sent to them: a function of a module, with what it is told."""
    return frame.mapInArrow(partial(_each, schema, of), _sql(schema))


def _each(schema: pa.Schema, of: Callable[[pa.RecordBatch], Iterable[tuple[Any, ...]]], batches: Batches) -> Batches:
    for batch in batches:
        rows = list(of(batch))
        yield _rows(schema, list(zip(*rows, strict=True)) or [()] * len(schema))


_SQL: Final = {
    pa.string(): "string", pa.binary(): "binary", pa.int32(): "int", pa.int64(): "bigint", pa.float32(): "float",
    pa.bool_(): "boolean",
}  # fmt: skip


def _sql(schema: pa.Schema) -> str:
    return ", ".join(f"`{one.name}` {_SQL[one.type]}" for one in schema)


_RECORD: Final = _schema(key=pa.string(), system=pa.string(), profile=pa.binary())


def _profiles(batch: pa.RecordBatch) -> Iterator[tuple[int, Profile]]:
    """With their places."""
    return zip(batch["place"].to_pylist(), map(_unpacked, batch["profile"].to_pylist()), strict=True)


# -- places ----------------------------------------------------------------------------------------------------


def _ordered(records: DataFrame) -> DataFrame:
    """By their keys, each row with its part and its place in that."""
    at = sql.monotonically_increasing_id()
    return (
        records.select("key", "system", "profile")
        .orderBy("key")
        .select("system", "profile", sql.shiftright(at, _OF_ONE_PART).alias("part"),
                at.bitwiseAND(sql.lit((1 << _OF_ONE_PART) - 1)).alias("at"))
    )  # fmt: skip


def _numbered(ordered: DataFrame) -> DataFrame:
    """With their places among all, from 0."""
    parts = sorted(map(tuple, ordered.groupBy("part").count().collect()))
    begins = np.cumsum([0, *(count for _, count in parts)]).tolist()
    told = [(part, begin) for (part, _), begin in zip(parts, begins, strict=False)]
    begin = ordered.sparkSession.createDataFrame(told, "part bigint, begin bigint")
    return ordered.join(sql.broadcast(begin), "part").select(
        (sql.col("begin") + sql.col("at")).cast("int").alias("place"), "system", "profile"
    )


# -- counts ----------------------------------------------------------------------------------------------------

_HAS: Final = _schema(system=pa.string(), field=pa.string(), n=pa.int64())


def _has(batch: pa.RecordBatch) -> Iterator[tuple[str, str, int]]:
    """By system and field how many records have it; "" for all of them."""
    told: Counter[tuple[str, str]] = Counter()
    for system, (_, profile) in zip(batch["system"].to_pylist(), _profiles(batch), strict=True):
        told[system, ""] += 1
        told.update((system, name) for name, values in profile.items() if values)
    return ((*of, count) for of, count in told.items())


def _told(records: DataFrame) -> tuple[int, dict[str, int], Spread]:
    """How many records there are, how many by table of counts, and how they are spread over their systems."""
    held: dict[str, list[int]] = {}
    for field, count in (
        _made(records, _HAS, _has)
        .groupBy("field", "system")
        .agg(sql.sum("n").alias("n"))
        .select("field", "n")
        .collect()
    ):
        held.setdefault(field, []).append(count)
    of_all = held.pop("", [])
    totals = {told: sum(counts) for name, counts in held.items() for told, _ in tabled(name, ())}
    chances = {name: chance(np.array(counts, dtype=np.int64)) for name, counts in held.items()}
    return sum(of_all), totals, Spread(len(of_all), chance(np.array(of_all, dtype=np.int64)), chances)


_VALUE: Final = _schema(told=pa.string(), value=pa.string())
_HOLDER: Final = _schema(field=pa.string(), value=pa.string(), at=pa.int32(), key=pa.string())
_OFTEN: Final = _schema(told=pa.string(), value=pa.string(), n=pa.int64())


def _values(batch: pa.RecordBatch) -> Iterator[Asked]:
    return (
        (told, value)
        for _, profile in _profiles(batch)
        for name, values in profile.items()
        for told, parts in tabled(name, values)
        for value in parts
    )


def _holders(companies: bool, batch: pa.RecordBatch) -> Iterator[tuple[str, str, int, str]]:
    """Each identifier of each record, with each of the keys that its holder goes by; see `batch.name_keys_of`."""
    for _, profile in _profiles(batch):
        keys: Sequence[str] = (
            [key(profile[name][0]) if name in profile else "" for name, key in COMPANY_KEYS]
            if companies
            else [person_key(profile)]
        )
        for name in HELD:
            for value in profile.get(name, ()):
                for at, key in enumerate(keys):
                    yield name, value, at, key


def _names(batch: pa.RecordBatch) -> Iterator[tuple[str, str, int]]:
    """How many names hold an identifier at least, by one of the keys of those who have it."""
    for field, value, at, keys in zip(
        *(batch[one].to_pylist() for one in ("field", "value", "at", "keys")), strict=True
    ):
        told = Counter({one["key"]: one["n"] for one in keys})
        yield f"{_HELD}{field}", value, named(told, whole=at == 0)


def _often(records: DataFrame, by_names: DataFrame) -> DataFrame:
    """How often a value is there, by table of counts, and how many hold it; of what more than one has."""
    values = _made(records, _VALUE, _values).groupBy("told", "value").agg(sql.count("*").alias("n"))
    by_key = (
        by_names.groupBy("field", "value", "at", "key")
        .agg(sql.count("*").alias("n"))
        .groupBy("field", "value", "at")
        .agg(sql.collect_list(sql.struct("key", "n")).alias("keys"), sql.sum("n").alias("all"))
        .where((sql.size("keys") > 1) | (sql.col("all") >= OF_ONE))
    )
    names = _made(by_key.drop("all"), _OFTEN, _names).groupBy("told", "value").agg(sql.max("n").alias("n"))
    return values.union(names).where("n > 1")


def _of_two(by_names: DataFrame, model: Model, totals: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """As `batch.with_identifiers` finds it."""
    wanted = [name for name in IDENTIFIERS if name in totals and model.identifiers.get(name) == 1]
    if not wanted:
        return {}
    two = (
        by_names.where(sql.col("field").isin(wanted) & (sql.col("at") == 0) & (sql.length("key") > 1))
        .groupBy("field", "value")
        .agg(sql.count("*").alias("n"), sql.min("key").alias("low"), sql.max("key").alias("high"))
        .where("n = 2")
        .groupBy("field")
        .agg(sql.sum(sql.expr("int(low = high)")), sql.count("*"))
    )
    return dict.fromkeys(wanted, (0, 0)) | {field: (one, of) for field, one, of in two.collect()}


def _counts(size: int, totals: Mapping[str, int], often: DataFrame) -> Counts:
    """All of them, for whoever weighs changed records afterwards."""
    batches = often.toArrow().to_batches()
    rows = (zip(*(batch[one].to_pylist() for one in ("told", "value", "n")), strict=True) for batch in batches)
    return _counted(size, totals, chain.from_iterable(rows))


def _counted(size: int, totals: Mapping[str, int], rows: Iterable[tuple[str, str, int]]) -> Counts:
    """Of tables of counts, values in them, and how often each is there."""
    counts: dict[str, dict[str, int]] = {told: {} for told in totals}
    holders: dict[str, dict[str, int]] = {name: {} for name in HELD if name in totals}
    for told, value, n in rows:
        into, name = (holders, told.removeprefix(_HELD)) if told.startswith(_HELD) else (counts, told)
        into[name][value] = n
    return Counts(size, totals, counts, holders)


# -- blocks ----------------------------------------------------------------------------------------------------

_BLOCK: Final = _schema(place=pa.int32(), block=pa.int32(), way=pa.int32(), key=pa.string())


def _blocked(blocks: Sequence[Sequence[str]], batch: pa.RecordBatch) -> Iterator[tuple[int, int, int, str]]:
    """What a record is looked up by. `way`: the number of the combination of its values; 0: the first of each part."""
    parts = {part: part_of(part) for block in blocks for part in block}
    for place, profile in _profiles(batch):
        told = {part: list(dict.fromkeys(filter(None, read(profile))))[:MANY_VALUES] for part, read in parts.items()}
        for number, block in enumerate(blocks):
            for some in product(*(enumerate(told[part]) for part in block)):
                way = sum(at * MANY_VALUES**nth for nth, (at, _) in enumerate(some))
                yield place, number, way, _APART.join(map(itemgetter(1), some))


def _blocks(records: DataFrame, model: Model) -> DataFrame:
    return _made(records, _BLOCK, partial(_blocked, model.blocks))


def _candidates(records: DataFrame, blocks: DataFrame, model: Model) -> DataFrame:
    """Pairs of records that share a block, each once, and by which blocks; see `batch.candidates`."""
    several = [row.block for row in blocks.groupBy("block").agg(sql.max("way").alias("way")).where("way > 0").collect()]
    # Of fields with several values one record's second value may be another's first.
    across = blocks.where(sql.col("block").isin(several)).withColumn("way", sql.lit(-1))
    ways = blocks.union(across) if several else blocks
    of = ["block", "way", "key"]
    fit = ways.groupBy(of).agg(sql.count("*").alias("n")).where(sql.col("n").between(2, model.limits["block"]))
    held = ways.join(fit.drop("n"), of).groupBy(of).agg(sql.sort_array(sql.collect_list("place")).alias("places"))
    return (
        held.selectExpr(
            "block",
            "inline(flatten(transform(places, (x, i) ->"
            " transform(slice(places, i + 2, size(places)), y -> named_struct('left', x, 'right', y)))))",
        )
        .where("left < right")
        .groupBy("left", "right")
        .agg(sql.expr("bit_or(shiftleft(1L, block))").alias("found_by"))
    )


# -- scores ----------------------------------------------------------------------------------------------------


def asked_of(profile: Profile, model: Model) -> set[Asked]:
    """What a pair with this record may want counts of, as far as that is of this record."""
    found = {
        (told, value)
        for name, values in profile.items()
        if name in model.comparisons
        for told, parts in tabled(name, values)
        for value in parts
    }
    for name, other in permutations(model.swapped or (), 2):
        found.update((told, value) for told, parts in tabled(name, profile.get(other, ())) for value in parts)
    found.update((f"{_HELD}{name}", value) for name in model.identifiers for value in profile.get(name, ()))
    if "name" in profile and "placed" in model.comparisons["name"].levels:
        places = profile.get("locality", ())
        towns = [some for count in range(len(places) + 1) for some in permutations(places, count)]
        bare = {aside(name, some, numbered=one) for name in profile["name"] for some in towns for one in (False, True)}
        found.update(("name", name) for name in bare)
    return found


_ASKED: Final = _schema(place=pa.int32(), told=pa.string(), value=pa.string())


def _asked(model: Model, batch: pa.RecordBatch) -> Iterator[tuple[int, str, str]]:
    return ((place, *one) for place, profile in _profiles(batch) for one in asked_of(profile, model))


def _with_counts(records: DataFrame, often: DataFrame, model: Model) -> DataFrame:
    """Records with the counts that may be asked of them, as JSON; what is not there is held once."""
    counts = (
        _made(records, _ASKED, partial(_asked, model))
        .join(often, ["told", "value"])
        .groupBy("place")
        .agg(sql.to_json(sql.collect_list(sql.struct("told", "value", "n"))).alias("counts"))
    )
    return records.join(counts, "place", "left")


class _Often(Struct):
    told: str
    value: str
    n: int


_often_of: Final = Decoder(list[_Often]).decode
_FOUND: Final = _schema(
    left=pa.int32(), right=pa.int32(), bits=pa.float32(), conflict=pa.bool_(), found_by=pa.int64(),
    inside=pa.bool_(), levels=pa.binary(),
)  # fmt: skip


def _scored(model: Model, size: int, totals: Mapping[str, int], all_of_them: bool, batches: Batches) -> Batches:
    """Pairs with both their records into pairs with their sums."""
    for rows in _gathered(batches):
        left, right = (rows[side].to_numpy() for side in ("left", "right"))
        places, at = np.unique(np.concatenate([left, right]), return_inverse=True)
        table, frequencies = _local(rows, left, right, size, totals)
        found_by = rows["found_by"].to_numpy()
        scoring = Scoring(table, model, frequencies)
        of = at.astype(np.int32)
        for whole in scoring.each(of[: len(left)], of[len(left) :], found_by, all_of_them=all_of_them):
            levels = np.stack(whole.levels, axis=1) if whole.levels else np.zeros((len(whole), 0), dtype=np.int8)
            yield _rows(
                _FOUND,
                [places[whole.left].astype(np.int32), places[whole.right].astype(np.int32), whole.bits, whole.conflict,
                 whole.found_by, whole.inside, [one.tobytes() for one in levels]],
            )  # fmt: skip


def _gathered(batches: Batches) -> Iterator[pa.Table]:
    """So many together that what they have in common is compared once."""
    some: list[pa.RecordBatch] = []
    for batch in batches:
        some.append(batch)
        if sum(map(len, some)) >= _AT_A_TIME:
            yield pa.Table.from_batches(some)
            some = []
    if some and sum(map(len, some)):
        yield pa.Table.from_batches(some)


def _local(rows: pa.Table, left: Ints, right: Ints, size: int, totals: Mapping[str, int]) -> tuple[Table, Counts]:
    """The records of these pairs in the order of their places, and the counts that came with them."""
    found: dict[int, tuple[str, Profile]] = {}
    often: list[tuple[str, str, int]] = []
    for side, places in (("left", left), ("right", right)):
        once, first = np.unique(places, return_index=True)
        some = rows.select([f"{side}_{one}" for one in ("system", "profile", "counts")]).take(first)
        for place, system, profile, told in zip(
            once.tolist(), *(column.to_pylist() for column in some.columns), strict=True
        ):
            if place in found:
                continue
            found[place] = system, _unpacked(profile)
            often += [(one.told, one.value, one.n) for one in _often_of(told)] if told else []
    tabling = Tabling()
    for place in sorted(found):
        tabling.add(f"{place:010}", *found[place])
    return tabling.done()[0], _counted(size, totals, often)


class _Scorer:
    """Scores pairs of places by the workers, and learns of them here."""

    def __init__(self, records: DataFrame, model: Model, counted: Counts, spread: Spread) -> None:
        self.model, self._records, self._spread = model, records, spread
        self.size, self._totals = counted.records, counted.totals
        self.prior = Weigher(model, counted).prior

    def score(self, pairs: DataFrame) -> Pairs:
        """As `Scoring.score` does."""
        whole = self._each(pairs, all_of_them=False)
        learning = Learning(self.model, self.size, self._spread)
        learning.learn(whole)
        self.model = learning.model
        return learning.with_systems(whole).where_at_least(self.model.review)

    def more(self, left: Ints, right: Ints) -> Pairs:
        """As `Scoring.more` does."""
        asked = pa.table({"left": left, "right": right, "found_by": np.zeros(len(left), dtype=np.int64)})
        frame = self._records.sparkSession.createDataFrame(asked)
        whole = Learning(self.model, self.size, self._spread).with_systems(self._each(frame, all_of_them=True))
        return whole.where(np.searchsorted(_key(whole.left, whole.right), _key(left, right)))

    def _each(self, pairs: DataFrame, *, all_of_them: bool) -> Whole:
        """In the order of their places, which is that of a batch, so that sums come to the same."""
        for side in ("left", "right"):
            columns = [sql.col("place").alias(side), *(sql.col(one).alias(f"{side}_{one}") for one in _OF_A_PAIR)]
            pairs = pairs.join(self._records.select(columns), side)
        told = pairs.mapInArrow(
            partial(_scored, self.model, self.size, self._totals, all_of_them), _sql(_FOUND)
        ).toArrow()
        left, right, bits, conflict, found_by, inside = (told[one].to_numpy() for one in _FOUND.names[:-1])
        watched = len(self.model.watched)
        levels = np.frombuffer(b"".join(told["levels"].to_pylist()), dtype=np.int8).reshape(len(left), watched)
        order = np.argsort(_key(left, right))
        return Whole(
            left[order], right[order], bits[order], conflict[order], found_by[order], inside[order],
            [levels[order, at] for at in range(watched)],
        )  # fmt: skip


_OF_A_PAIR: Final = ("system", "profile", "counts")


def _key(left: Ints, right: Ints) -> Longs:
    key: Longs = left.astype(np.int64) << 32 | right
    return key
