"""A table of records with the truth about them, for judging a model of scored matching.

Records: `rid, source, ...`, a row each; truth: `rid, cluster`. All faults of both files come in one report.
"""

import csv
from array import array
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import chain, count, islice, repeat
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter, process_time
from typing import Any, Final, Protocol, overload

import numpy as np
from msgspec import Struct, field

from crosswalk.misjudged import misjudged, write
from crosswalk.problems import Problem, ProblemsError
from crosswalk.spark import resolve as resolve_on_spark
from mapping.match import columns as heads
from mapping.match.batch import (
    MISSING,
    Column,
    Resolution,
    Table,
    name_keys_of,
    numbered,
    resolve,
)
from mapping.match.days import order_of
from mapping.match.evaluate import Labels, Quality, largest, of_groups, of_pairs
from mapping.match.model import KINDS, Model, ModelError, read, shipped
from mapping.match.pairs import Flags, Ints, Longs, Pairs

_DELIMITERS: Final = ",;\t|"
_OLDER: Final = "cp1252"  # of what is no UTF-8
_LONGEST: Final = 2**24  # letters of a cell
_BLOCK: Final = 2**20  # bytes that are looked at together
_ROWS: Final = 4096  # that are numbered together
_TOLD: Final = 20  # faults of one file that are told
_SAMPLE: Final = 2000  # cells by which a column is judged
_REPEATED: Final = 0.01  # share of ids that two records have, from which a column of ids identifies anybody
_MANY_EACH: Final = 5  # records of one name, from which those who are named are not who the records are about
_TELLING: Final = 20  # pairs with one id whose names say whether it is one person's
_IDS: Final = ("external_ids", "registrations")
Progress = Callable[[str], None]


def _silent(_words: str) -> None:
    """Nobody is told."""


class Cells(Sequence[str]):
    """The cells of a column: each different text once, and by record which one it has."""

    __slots__ = ("codes", "texts")

    def __init__(self, texts: list[str], codes: Ints) -> None:
        self.texts, self.codes = texts, codes

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self.texts[code] for code in self.codes[at].tolist()]
        return self.texts[int(self.codes[at])]

    def often(self) -> Longs:
        """How many records have each text."""
        return np.bincount(self.codes, minlength=len(self.texts))

    def told(self) -> "Cells":
        """Without the blanks around them; what says nothing is ""."""
        return Cells(["" if heads.blank(text) else text.strip() for text in self.texts], self.codes)

    def says(self) -> Flags:
        """By record whether its cell says something, of cells as `told` makes them."""
        found: Flags = np.array([bool(text) for text in self.texts], dtype=bool)[self.codes]
        return found


class Records(Struct):
    """What was read of a file of records, column by column, in the order of the keys."""

    keys: list[str]
    headings: list[str]
    cells: list[Cells]
    systems: Cells


class Used(Struct):
    """How columns were understood."""

    kind: str
    columns: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def evaluated(
    records: Path,
    truth: Path,
    *,
    mapping: Path | None = None,
    kind: str | None = None,
    model: Path | None = None,
    spark: str | None = None,
    wrong: Path | None = None,
    progress: Progress = _silent,
) -> dict[str, Any]:
    """The figures of a model on these files. `spark`: the master of a Spark that weighs them. `wrong`: the file that
    pairs are written to that are joined although they are two, or missed although they are one. Raises ProblemsError.
    """
    began, cpu = perf_counter(), process_time()
    chosen = model_of(model) if model is not None else None
    progress(f"reading {records.name}")
    read_in = read_records(records, progress=progress)
    labels, unknown = read_truth(truth, read_in.keys, records, progress=progress)
    if unknown:
        progress(f"{truth.name}: {unknown:,} of its rids stand in no row of {records.name}; they are left out")
    told, used = tabled(read_in, mapping=mapping, kind=kind or (chosen.kind if chosen else None), file=records)
    del read_in.cells[:]
    loaded = process_time()
    chosen = chosen or shipped(used.kind)
    if spark is None:
        found = resolve(told, chosen, progress=progress)
    else:
        progress(f"starting Spark on {spark}")
        found = resolve_on_spark(spark, told, chosen, progress=progress)
    matched = process_time()
    figures = _figures(found, labels, chosen)
    if wrong is not None:
        progress(f"writing {wrong.name}")
        pairs = misjudged(found, labels)
        rids = {read_in.keys[place] for pair in pairs for place in (pair.left, pair.right)}
        write(wrong, pairs, read_in.keys, read_in.headings, cells_of(records, rids))
        figures["wrong"] = {"file": str(wrong), "pairs": len(pairs)}
    return {
        "kind": used.kind,
        "model": {"version": chosen.version, "same": chosen.same, "review": chosen.review},
        "columns": used.columns,
        "ignored": used.ignored,
        "records": len(told),
        "truth_without_record": unknown,
        **figures,
        "seconds": {
            "wall": round(perf_counter() - began, 2),
            "cpu": round(process_time() - cpu, 2),
            "reading": round(loaded - cpu, 2),
            "matching": round(matched - loaded, 2),
        },
        "peak_mib": getrusage(RUSAGE_SELF).ru_maxrss // 1024,
    }


def _figures(found: Resolution, labels: Labels, model: Model) -> dict[str, Any]:
    """Of the records whose truth is known."""
    known = labels >= 0
    ours, true = found.group.astype(np.int64)[known], labels[known]
    pairs, groups = of_pairs(ours, true), of_groups(ours, true)
    review = _known(found.review, known)
    right = int((labels[review.left] == labels[review.right]).sum())
    asked = len(review)
    return {
        "labelled": int(known.sum()),
        "pairs": _quality(pairs),
        "clusters": _quality(groups),
        "largest": largest(ours),
        "largest_true": largest(true),
        "review": {
            "pairs": asked,
            "right": right,
            "share": round(asked / max(1, asked + pairs.found), 4),
            "per_1000_records": round(asked * 1000 / max(1, len(ours)), 1),
        },
        "rules": _rules(_known(found.joined, known), review, labels, model),
        "compared": found.compared,
        "same_from_bits": round(found.model.same, 2),
        "same_system_bits": round(found.model.same_system, 2),
        "alarms": [words for _, words in found.alarmed[:_TOLD]],
        "alarms_in_all": len(found.alarmed),
    }


def _quality(one: Quality) -> dict[str, float]:
    return {
        "found": one.found,
        "true": one.true,
        "right": one.right,
        "precision": round(one.precision, 5),
        "recall": round(one.recall, 5),
        "f1": round(one.f1, 5),
    }


def _known(pairs: Pairs, known: np.ndarray[Any, np.dtype[np.bool_]]) -> Pairs:
    return pairs.where(known[pairs.left] & known[pairs.right])


def _rules(joined: Pairs, review: Pairs, labels: Labels, model: Model) -> list[dict[str, Any]]:
    """By each way of looking records up: pairs that it brought together, and how many of them are right."""
    told = []
    for at, block in enumerate(model.blocks):
        ours = joined.where((joined.found_by >> at & 1).astype(bool))
        asked = review.where((review.found_by >> at & 1).astype(bool))
        true = labels[ours.left] == labels[ours.right]
        right, alone = int(true.sum()), ours.found_by == 1 << at
        told.append(
            {
                "rule": " + ".join(block),
                "joined": len(ours),
                "right": right,
                "precision": round(right / len(ours), 5) if len(ours) else None,
                "alone": int(alone.sum()),
                "alone_right": int((alone & true).sum()),
                "review": len(asked),
            }
        )
    return told


# -- files -----------------------------------------------------------------------------------------------------


class _Faults:
    """The faults of one file; too many are counted."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.found: list[Problem] = []
        self._more = 0

    def add(self, text: str, hint: str, *, line: int | None = None, column: int | None = None) -> None:
        if len(self.found) >= _TOLD:
            self._more += 1
            return
        self.found.append(Problem(code="CW130", text=text, hint=hint, file=str(self.file), line=line, column=column))

    def stop(self) -> None:
        """Raise what was found, if anything was."""
        if self._more:
            last = self.found[-1]
            self.found[-1] = Problem(
                code="CW130", text=f"{last.text}; and {self._more} more faults", hint=last.hint, file=last.file,
                line=last.line, column=last.column,
            )  # fmt: skip
        if self.found:
            raise ProblemsError(self.found)


class _Reader(Protocol):
    """What the module `csv` reads with. `line_num`: the line on which the last row ended."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


@contextmanager
def _rows(file: Path, faults: _Faults, progress: Progress) -> Iterator[tuple[list[str], _Reader]]:
    """Headings and rows, empty ones among them."""
    try:
        encoding = _encoding(file)
        opened = file.open(newline="", encoding=encoding)
    except OSError as error:
        faults.add(f"the file cannot be read: {error.strerror}", "name a file that is there and may be read")
        faults.stop()
        raise
    if encoding == _OLDER:
        progress(f"{file.name} is no UTF-8: read as Windows-1252")
    with opened:
        try:
            first = opened.readline()
            opened.seek(0)
            csv.field_size_limit(_LONGEST)
            reader = csv.reader(opened, delimiter=_delimiter(first), strict=True)
            headings = [heading.strip() for heading in next(reader, [])]
            if not headings:
                faults.add("the file is empty", "its first line names the columns", line=1)
                faults.stop()
            yield headings, reader
        except UnicodeError:
            faults.add(f"neither UTF-8 nor {encoding}", "save the file as UTF-8")
        except csv.Error as error:
            faults.add(f"no CSV: {error}", "quote cells that hold a quote or a line break", line=reader.line_num)
    faults.stop()


def _encoding(file: Path) -> str:
    """UTF-8 where all of it is that, UTF-16 where it says so at its begin; else it is of an older Windows."""
    with file.open("rb") as opened:
        if opened.read(2) in (BOM_UTF16_LE, BOM_UTF16_BE):
            return "utf-16"
        opened.seek(0)
        decoder = getincrementaldecoder("utf-8")()
        try:
            while block := opened.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _OLDER
    return "utf-8-sig"


def _delimiter(line: str) -> str:
    """By which the headings come apart so that one of them is `rid`; else whatever of them is there most often."""
    for delimiter in _DELIMITERS:
        if "rid" in (heading.strip().strip('"').lower() for heading in line.split(delimiter)):
            return delimiter
    return max(_DELIMITERS, key=line.count)


def _blocks(reader: _Reader) -> Iterator[list[list[str]]]:
    rows = filter(None, reader)
    return iter(lambda: list(islice(rows, _ROWS)), [])


class _Numbered:
    """Cells in the making. A text is numbered when it is read, so that of equal ones only the first is kept."""

    def __init__(self) -> None:
        self.numbers: defaultdict[str, int] = defaultdict(count().__next__)
        self._codes: array[int] = array("i")

    def add(self, cells: Iterable[str]) -> None:
        self._codes.extend(map(self.numbers.__getitem__, cells))

    def codes(self) -> Ints:
        return np.array(self._codes, dtype=np.int32)

    def done(self, order: Longs) -> Cells:
        return Cells(list(self.numbers), self.codes()[order])


def read_records(file: Path, *, progress: Progress = _silent) -> Records:
    """Raises ProblemsError with the lines and columns of all faults."""
    with suppress(ProblemsError):
        if (found := _records(file, progress)) is not None:
            return found
    _tell_records(file)
    raise AssertionError("not reached")


def _records(file: Path, progress: Progress) -> Records | None:
    """None where anything is wrong; a block of rows at a time, so lines are not known."""
    with _rows(file, _Faults(file), progress) as (headings, reader):
        names = [heading.lower() for heading in headings]
        told = [name for name in names if name]
        if "rid" not in told or len(set(told)) < len(told):
            return None
        key, keys = names.index("rid"), list[str]()
        numbered = {at: _Numbered() for at in range(len(headings)) if at != key}
        for block in _blocks(reader):
            if set(map(len, block)) != {len(headings)}:
                return None
            columns = list(zip(*block, strict=True))
            keys.extend(map(str.strip, columns[key]))
            for at, one in numbered.items():
                one.add(columns[at])
    if not keys or not all(keys) or len(set(keys)) < len(keys):
        return None
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)
    keys = [keys[at] for at in order.tolist()]
    itself = np.arange(len(keys), dtype=np.int32)
    cells = [Cells(keys, itself) if at == key else numbered.pop(at).done(order) for at in range(len(headings))]
    systems = cells[names.index("source")] if "source" in names else Cells([""], np.zeros_like(itself))
    return Records(keys, headings, cells, systems)


def cells_of(file: Path, wanted: Container[str]) -> dict[str, list[str]]:
    """The cells of the records of these rids, of a file that was read before. Raises ProblemsError."""
    with _rows(file, _Faults(file), _silent) as (headings, reader):
        key = [heading.lower() for heading in headings].index("rid")
        return {rid: row for row in filter(None, reader) if (rid := row[key].strip()) in wanted}
    raise AssertionError("not reached")


def _tell_records(file: Path) -> None:
    """Read records that are faulty again, line by line, and raise what is wrong."""
    faults = _Faults(file)
    with _rows(file, faults, _silent) as (headings, reader):
        names = [heading.lower() for heading in headings]
        if "rid" not in names:
            told = ", ".join(headings[:8])
            faults.add(f"no column 'rid'; there are: {told}", "each record needs a key of its own", line=1)
            faults.stop()
        for at, name in enumerate(names):
            if name and name in names[:at]:
                faults.add(f"the column '{headings[at]}' stands twice", "give each a name", line=1, column=at + 1)
        key, size = names.index("rid"), len(headings)
        lines: dict[str, int] = {}
        for row in filter(None, reader):
            line = reader.line_num
            if len(row) != size:
                hint = "quote cells that hold the separator"
                faults.add(f"{len(row)} cells; the first line has {size}", hint, line=line, column=min(len(row), size))
            elif not (rid := row[key].strip()):
                faults.add("rid is empty", "each record needs a key of its own", line=line, column=key + 1)
            elif rid in lines:
                where = f"rid '{rid}' stands in line {lines[rid]} too"
                faults.add(where, "each record needs a key of its own", line=line, column=key + 1)
            else:
                lines[rid] = line
        if not lines and not faults.found:
            faults.add("there are no records", "a row each, below the names of the columns", line=1)


def read_truth(file: Path, keys: Sequence[str], records: Path, *, progress: Progress = _silent) -> tuple[Labels, int]:
    """By record its cluster as a number, -1 where the file does not tell it; and how many rows are of no record."""
    place = {key: at for at, key in enumerate(keys)}
    with suppress(ProblemsError):
        if (found := _truth(file, place, progress)) is not None:
            return found
    _tell_truth(file, place, records)
    raise AssertionError("not reached")


def _truth(file: Path, place: Mapping[str, int], progress: Progress) -> tuple[Labels, int] | None:
    """None where anything is wrong; a block of rows at a time, so lines are not known."""
    places, clusters = array("i"), _Numbered()
    with _rows(file, _Faults(file), progress) as (headings, reader):
        names = [heading.lower() for heading in headings]
        if not {"rid", "cluster"} <= set(names):
            return None
        key, cluster = names.index("rid"), names.index("cluster")
        for block in _blocks(reader):
            if set(map(len, block)) != {len(headings)}:
                return None
            columns = list(zip(*block, strict=True))
            places.extend(map(place.get, map(str.strip, columns[key]), repeat(-1)))
            clusters.add(map(str.strip, columns[cluster]))
    at, numbers = np.array(places, dtype=np.int64), clusters.codes()
    known = at >= 0
    if "" in clusters.numbers or not known.any() or int(np.bincount(at[known]).max()) > 1:
        return None
    labels = np.full(len(place), -1, dtype=np.int64)
    labels[at[known]] = numbers[known]
    return labels, int((~known).sum())


def _tell_truth(file: Path, place: Container[str], records: Path) -> None:
    """Read a truth that is faulty again, line by line, and raise what is wrong."""
    faults = _Faults(file)
    with _rows(file, faults, _silent) as (headings, reader):
        names = [heading.lower() for heading in headings]
        for name in ("rid", "cluster"):
            if name not in names:
                faults.add(f"no column '{name}'; there are: {', '.join(headings[:8])}", "rid,cluster", line=1)
        faults.stop()
        key, cluster = names.index("rid"), names.index("cluster")
        seen: set[str] = set()
        unknown = 0
        for row in filter(None, reader):
            line = reader.line_num
            if len(row) != len(headings):
                told = f"{len(row)} cells; the first line has {len(headings)}"
                faults.add(told, "rid,cluster", line=line, column=min(len(row), len(headings)))
            elif not row[cluster].strip():
                faults.add("cluster is empty", "the name of the group of the record", line=line, column=cluster + 1)
            elif (rid := row[key].strip()) not in place:
                unknown += 1
            elif rid in seen:
                faults.add(f"rid '{rid}' stands here twice", "one cluster a record", line=line, column=key + 1)
            else:
                seen.add(rid)
        if not seen and not faults.found:
            faults.add(f"none of its {unknown} rids stands in {records.name}", "the two files belong together", line=1)


def model_of(file: Path) -> Model:
    """A model of the operator's own, read again when the file has changed. Raises ProblemsError."""
    try:
        seen = file.stat()
    except OSError:
        return _model_as_it_is(file, 0, 0)  # says why
    return _model_as_it_is(file, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=8)
def _model_as_it_is(file: Path, _changed: int, _size: int) -> Model:
    faults = _Faults(file)
    try:
        return read(_yaml(file, faults))
    except ModelError as error:
        faults.add(str(error), "begin with a copy of the model that ships")
    faults.stop()
    raise AssertionError("not reached")


def _yaml(file: Path, faults: _Faults) -> Any:
    from yaml import MarkedYAMLError, YAMLError, safe_load

    try:
        return safe_load(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        faults.add(f"the file cannot be read: {error.strerror}", "name a file that is there and may be read")
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        faults.add(f"no YAML: {error.problem}", "column: field, a line each", line=line, column=column)
    except (YAMLError, UnicodeDecodeError):
        faults.add("no YAML", "column: field, a line each")
    faults.stop()
    raise AssertionError("not reached")


def _mapped(file: Path, headings: Sequence[str]) -> Mapping[str, str]:
    """`{column: field}`, also under `columns`."""
    faults = _Faults(file)
    told = _yaml(file, faults)
    if isinstance(told, Mapping) and isinstance(told.get("columns"), Mapping):
        told = told["columns"]
    if not isinstance(told, Mapping):
        faults.add("the file is no mapping", "column: field, a line each")
        faults.stop()
    allowed = [*heads.fields(), "ignore"]
    for heading, name in told.items():
        if str(heading) not in headings:
            faults.add(f"there is no column '{heading}'", f"there are: {', '.join(headings)}")
        if name not in allowed:
            faults.add(f"'{heading}' is '{name}'", f"one of {', '.join(allowed)}")
    faults.stop()
    return {str(heading): str(name) for heading, name in told.items()}


# -- columns ---------------------------------------------------------------------------------------------------


def tabled(records: Records, *, mapping: Path | None, kind: str | None, file: Path) -> tuple[Table, Used]:
    """Records as they are compared."""
    headings = records.headings
    told = _mapped(mapping, headings) if mapping is not None else {}
    fields = _fields(records, told)
    # Where a company stands beside a name, it is the one that the person works for.
    names = [at for wanted in ("name", "company_name") for at, name in fields.items() if name == wanted]
    sample = chain.from_iterable(records.cells[at][:_SAMPLE] for at in names[:1])
    kind = kind or heads.kind_of(fields.values(), sample, headings)
    if kind not in KINDS:
        raise ProblemsError([Problem(code="CW130", text=f"kind is '{kind}'", hint=f"one of {', '.join(KINDS)}")])
    for at in [at for at, name in fields.items() if name in _IDS and not _identifies(records.cells[at])]:
        del fields[at]
    dates = [at for at, name in fields.items() if name == "birth_date"]
    told_often = [
        zip(cells.texts, cells.often().tolist(), strict=True) for cells in (records.cells[at] for at in dates)
    ]
    order = order_of(chain.from_iterable(told_often))

    def read(wanted: Mapping[int, str]) -> dict[str, Column]:
        plan = heads.columns(kind, wanted, headings=headings, order=order)
        return _columns(plan, {at: records.cells[at].told() for at in wanted})

    if not fields:
        faults = _Faults(file)
        faults.add(f"no column is known: {', '.join(headings)}", "say with --mapping which column is what", line=1)
        faults.stop()
    systems = numbered([(text,) for text in records.systems.texts], records.systems.codes).codes
    ids = {at: name for at, name in fields.items() if name in _IDS}
    found = Table(records.keys, read({at: name for at, name in fields.items() if at not in ids}), systems)
    for at in [at for at in ids if _of_several(records.cells[at], found)]:
        del fields[at], ids[at]
    if ids:
        found = Table(records.keys, {**found.columns, **read(ids)}, systems)
    used = Used(kind, {headings[at]: name for at, name in fields.items()})
    used.ignored = [one for one in headings if one not in used.columns and one.lower() not in ("rid", "source")]
    return found, used


def _fields(records: Records, told: Mapping[str, str]) -> dict[int, str]:
    """By place of a column its field: as `told`, else by its heading where its cells are like that."""
    found = {}
    for at, name in heads.recognised(records.headings, told).items():
        if name != "ignore" and (records.headings[at] in told or heads.holds(name, records.cells[at][:_SAMPLE])):
            found[at] = name
    unknown = [
        at for at, heading in enumerate(records.headings)
        if at not in found and heading not in told and heading.lower() not in ("rid", "source")
    ]  # fmt: skip
    names = heads.NAMES.intersection(found.values())
    for at in unknown:
        heading, sample = records.headings[at], records.cells[at][:_SAMPLE]
        if heads.of_addresses(heading, sample):
            found[at] = "emails"
        elif heads.of_sites(heading, sample):
            found[at] = "website"
        elif (
            # Beside a firm it is a person ("author, affiliation"): another name of the firm says nothing new.
            names <= {"company_name"}
            and heads.of_names(heading, sample)
            and (not names or (heads.kind_of((), sample) == "person" and _are_many(sample)))
        ):
            found[at] = "name"
    return dict(sorted(found.items()))


def _are_many(sample: Sequence[str]) -> bool:
    """Whether names are of as many as records are about, and not of the few who keep them."""
    told = [cell for cell in sample if not heads.blank(cell)]
    return len(told) < _MANY_EACH * len(set(told))


def _identifies(cells: Cells) -> bool:
    """Whether a column of ids says who two records are: each system's own numbering of its rows does not."""
    often = cells.often()[[not heads.blank(text) for text in cells.texts]]
    held = int(often.sum())
    return held > 0 and 1 - len(often) / held >= _REPEATED


def _of_several(cells: Cells, named: Table) -> bool:
    """Whether ids that several have in common are mostly of several names: systems that count from 1, each its own."""
    texts, keys = name_keys_of(named)[0]
    common = (cells.often() > 1) & [not heads.blank(text) for text in cells.texts]
    held = np.flatnonzero(common[cells.codes])
    first: dict[int, str] = {}
    alike: dict[int, bool] = {}  # by id, of the first two who have it
    for cell, key in zip(cells.codes[held].tolist(), keys[held].tolist(), strict=True):
        name = texts[key]
        if not name:
            continue
        known = first.get(cell)
        if known is None:
            first[cell] = name
        else:
            alike.setdefault(cell, known in name or name in known)
    return len(alike) >= _TELLING and 2 * sum(alike.values()) < len(alike)


def _columns(plan: heads.Columns, told: Mapping[int, Cells]) -> dict[str, Column]:
    """Fields of all records. What several readers tell of a field is the first's that says something."""
    made: dict[str, Column] = {}
    for reader in plan.readers:
        for name, column in _read(reader, told).items():
            made[name] = _either(made[name], column) if name in made else column
    return {name: column for name, column in made.items() if column.values}


def _read(reader: heads.Reader, told: Mapping[int, Cells]) -> dict[str, Column]:
    """Cells that are equal are read once."""
    rows, of_row = _rows_of([told[at] for at in reader.places])
    if reader.unless:
        asked = ~np.logical_or.reduce([told[at].says() for at in reader.unless])
        of_row = np.where(asked, of_row, MISSING)
        used, of_used = np.unique(of_row[asked], return_inverse=True)
        rows, of_row[asked] = [rows[at] for at in used.tolist()], of_used
    made = zip(*map(reader.read, rows), strict=True)
    return {field: numbered(values, of_row) for field, values in zip(reader.fields, made, strict=False)}


def _either(first: Column, second: Column) -> Column:
    """What the first tells of a record; where that is nothing, what the second does."""
    others = np.where(second.codes == MISSING, MISSING, second.codes + len(first.values))
    return numbered([*first.values, *second.values], np.where(first.codes == MISSING, others, first.codes))


def _rows_of(columns: Sequence[Cells]) -> tuple[Sequence[tuple[str, ...]], Ints]:
    """The different rows of some columns, and by record which one it has."""
    if len(columns) == 1:
        return [(text,) for text in columns[0].texts], columns[0].codes
    keys = columns[0].codes.astype(np.int64)
    for one in columns[1:]:
        _, dense = np.unique(keys, return_inverse=True)
        keys = dense << 32 | one.codes
    _, first, of_row = np.unique(keys, return_index=True, return_inverse=True)
    texts = [map(column.texts.__getitem__, column.codes[first].tolist()) for column in columns]
    return list(zip(*texts, strict=True)), of_row.astype(np.int32)
