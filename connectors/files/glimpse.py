"""What lies in a folder of exports that nobody has described yet: which files belong together, what their columns are
and which of them tell one row from all others. Guesses, for a person to look at."""

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from connectors.files.folder import look_into, newest_first
from connectors.files.formats import UnreadableError, cell, first_rows, lines, text
from connectors.files.guess import field_types
from connectors.files.rows import DAY_FIRST
from connectors.files.settings import FilesStream
from connectors.sdk.contract import FieldType, Values

ENDINGS: Final = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".xlsx", ".xlsm")
_ROWS: Final = 20_000  # of a file, by which a key is judged
_NUMBERS: Final = re.compile(r"\d+(?:[-_. ]\d+)*")
_LONGEST_KEY: Final = 64


class Glimpse(Struct, frozen=True):
    """Files of one pattern, by the newest of them. `keys`: columns each of which tells its rows apart; `fault`: why it
    cannot be read; `named`: by a header (what JSON has in depth is reached with dots)."""

    pattern: str
    names: Sequence[str]
    columns: Sequence[str] = ()
    types: dict[str, FieldType] = {}
    texts: Mapping[str, Sequence[str]] = {}  # by column its cells
    keys: Sequence[str] = ()
    fault: str = ""
    named: bool = True

    def cells(self, column: str) -> Sequence[str]:
        return self.texts.get(column, ())

    def days_first(self, column: str) -> bool:
        """Are all its days written as 22.11.2026?"""
        told = [one for one in self.cells(column) if one]
        return bool(told) and all(map(DAY_FIRST.fullmatch, told))


def glimpses(path: Path) -> list[Glimpse]:
    """One for each pattern of files in a folder, by name. Raises SetupError as `look_into` does."""
    look_into(path)
    names = sorted(
        one.name
        for one in path.iterdir()
        if one.is_file() and one.suffix.casefold() in ENDINGS and not one.name.startswith((".", "~$", "crosswalk."))
    )
    return [_glimpse(path, pattern, some) for pattern, some in _together(names).items()]


def _together(names: Sequence[str]) -> dict[str, list[str]]:
    """Names that differ by their numbers, such as a day, are exports of the same. A pattern takes no other's files."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_NUMBERS.sub("*", name), []).append(name)
    apart: dict[str, list[str]] = {}
    for pattern, some in found.items():
        told = pattern.rpartition(".")[0].strip("*")  # without a word of its own it would take whatever comes
        if told and [name for name in names if fnmatchcase(name, pattern)] == some:
            apart[pattern] = newest_first(some)
        else:
            apart |= {name: [name] for name in some}
    return apart


def _glimpse(path: Path, pattern: str, names: list[str]) -> Glimpse:
    name = names[0]
    stream = FilesStream.model_construct(files=pattern, entity="person", key=())
    try:
        with (path / name).open("rb") as file:
            header = _header(list(first_rows(file, name, stream)))
            rows = list(_sampled(file, name, stream.model_copy(update={"key": tuple(header)})))
    except UnreadableError as exc:
        return Glimpse(pattern, names, fault=str(exc))
    except UnicodeError:
        return Glimpse(pattern, names, fault="is no text in an encoding that is known")
    except OSError as exc:
        return Glimpse(pattern, names, fault=f"cannot be opened: {exc.strerror}")
    types = field_types(rows)
    columns = list(dict.fromkeys([*header, *types]))
    texts = {column: [text(cell(row, column)) for row in rows] for column in columns}
    keys = [column for column in columns if _tells_apart(texts[column])]
    return Glimpse(pattern, names, columns, types, texts, keys, named=bool(header))


def _sampled(file: Any, name: str, stream: FilesStream) -> Iterator[Values]:
    for line in islice(lines(file, name, stream), _ROWS):
        if line.values is not None:
            yield line.values


def _header(rows: Sequence[Sequence[Any]]) -> list[str]:
    """The first row that is as full as the fullest: titles above a table stand in a cell or two."""
    filled = [[told for one in row if (told := " ".join(str(one or "").split()))] for row in rows]
    most = max(map(len, filled), default=0)
    header = next((names for names in filled if 10 * len(names) >= 8 * most), [])
    return list(dict.fromkeys(header))


def _tells_apart(cells: Sequence[str]) -> bool:
    """Whether they are all there, short, and all different."""
    return bool(cells) and all(cells) and len(set(cells)) == len(cells) and max(map(len, cells)) <= _LONGEST_KEY
