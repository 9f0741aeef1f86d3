"""CSV in both directions, row by row: what an export really looks like, and one that spreadsheets open safely.

Reading guesses encoding (UTF-8 with and without mark, UTF-16, cp1252) and delimiter from the beginning of a file,
counts lines as an editor does, and turns a row that cannot be read into a `BadRow` instead of stopping.
"""

import codecs
import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TextIO, TypeAlias

SAMPLE: Final = 64 * 1024
DELIMITERS: Final = (",", ";", "\t", "|")

# A row beyond this is a quotation mark that was never closed, not a row.
_LONGEST_FIELD: Final = 1024 * 1024
_DECLARED: Final = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)  # a spreadsheet's own first line
_SHOWN: Final = 2000  # letters of a line that cannot be split
_UNCLOSED: Final = "a quotation mark is opened here and never closed"
_ESCAPE: Final = "surrogateescape"  # marks undecodable bytes one by one, so that their row alone is set aside


class Row(NamedTuple):
    """`line` is where the row begins in the file, counted from 1."""

    line: int
    cells: list[str]


class BadRow(NamedTuple):
    """A row that cannot be read. `cells`: what stood there, as far as it can be shown."""

    line: int
    reason: str
    cells: list[str]


Rows: TypeAlias = Iterator[Row | BadRow]


def guess_encoding(sample: bytes) -> str:
    """The encoding of a file that begins with these bytes (the whole of a short file, SAMPLE of a long one)."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if sample.startswith(mark):
            return name
    return _guess_unmarked(sample)


def _guess_unmarked(sample: bytes) -> str:
    """The same from somewhere inside a file: what would be a mark at its beginning is anything there."""
    if sample and sample.count(0) * 4 > len(sample):
        # UTF-16 without its mark: in text of the West every other byte is zero; the first tells which.
        even = sample[0::2].count(0)
        return "utf-16-be" if even > sample[1::2].count(0) else "utf-16-le"
    try:
        # Not final: the sample may end inside a character.
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=False)
    except UnicodeDecodeError:
        return "utf-8" if _mostly_utf8(sample) else "cp1252"
    return "utf-8"


def _mostly_utf8(sample: bytes) -> bool:
    """A UTF-8 file with a few broken bytes is still one: its other letters beyond ASCII decode."""
    text = sample.decode("utf-8", _ESCAPE)
    broken = sum("\udc80" <= letter <= "\udcff" for letter in text)
    whole = sum(letter > "\x7f" for letter in text) - broken
    return whole > broken


def guess_delimiter(sample: str) -> str:
    """The delimiter of a text that begins like this: under it the most rows have as many cells as the first."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = [len(row) for row in islice(_split(io.StringIO(sample, newline=""), delimiter), 50) if row]
        if not widths or widths[0] < 2:
            continue
        # The sample's last row may be cut.
        whole = widths[:-1] if len(widths) > 2 else widths
        score = (Counter(whole)[widths[0]] / len(whole), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def read_rows(raw: BinaryIO, *, encoding: str | None = None, delimiter: str | None = None) -> Rows:
    """Rows of a CSV file, the header among them (the first). Blank lines are left out, and a first line `sep=;`.

    `encoding` and `delimiter` are guessed where they are None. Raises OSError as the file does.
    """
    buffered = io.BufferedReader(raw) if isinstance(raw, io.RawIOBase) else raw
    encoding = _without_mark(encoding or file_encoding(buffered))
    beginning = buffered.read(SAMPLE).decode(encoding, "replace")
    buffered.seek(0)
    declared = _DECLARED.match(beginning)
    if delimiter is None:
        delimiter = guess_delimiter(beginning) if declared is None else declared[1]
    text = io.TextIOWrapper(buffered, encoding=encoding, errors=_errors_for(encoding), newline="")
    try:
        yield from _rows(text, delimiter, skip=0 if declared is None else 1)
    finally:
        with suppress(ValueError):  # the caller has closed it
            text.detach()  # the file is the caller's to close


def file_encoding(file: BinaryIO) -> str:
    """The encoding of a file, which is read up to where it tells, and then set back to its beginning.

    A file that begins in plain ASCII tells it only at its first other letter, however far behind that stands.
    """
    file.seek(0)
    first = sample = file.read(SAMPLE)
    while sample.isascii() and 0 not in sample and (more := file.read(SAMPLE)):
        sample = more
    file.seek(0)
    start = next((at for at, byte in enumerate(sample) if byte > 127), 0) if 0 not in sample else 0
    if sample is first and start == 0:
        return guess_encoding(sample)
    return _guess_unmarked(sample[start:])


def _without_mark(encoding: str) -> str:
    """A mark at the beginning is never part of the first column's name."""
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def _errors_for(encoding: str) -> str:
    """UTF-16 has no bytes that could stand for themselves: what is broken there is replaced, and found by its mark."""
    return "replace" if codecs.lookup(encoding).name.startswith("utf-16") else _ESCAPE


def _rows(text: TextIO, delimiter: str, *, skip: int) -> Rows:
    lines = _Lines(text)
    replaced = text.errors == "replace"  # then it is the mark of replacement that tells; else that is a letter
    for _ in range(skip):
        next(lines, None)
    reader = csv.reader(lines, delimiter=delimiter, strict=False)
    while True:
        line = lines.number + 1
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            # Never exc's own words: they are csv's.
            yield BadRow(line, _words(exc), [lines.first])
            lines.retreat()
            reader = csv.reader(lines, delimiter=delimiter, strict=False)
            continue
        if lines.ended:
            # csv takes everything behind an open quotation mark for one cell, to the end of the file.
            yield BadRow(line, _UNCLOSED, [lines.first])
            lines.retreat()
            reader = csv.reader(lines, delimiter=delimiter, strict=False)
            continue
        if not cells or cells == [""]:
            continue
        if not "".join(cells).isascii() and any(_broken(cell, replaced=replaced) for cell in cells):
            yield BadRow(line, "bytes that are no text in the file's encoding", [_shown(cell) for cell in cells])
        else:
            yield Row(line, cells)


class _Lines:
    """Lines of a text, counted: csv's own counter starts anew with each reader.

    The lines of the row that is being read are kept, so that a row which swallowed others can give them back.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._row: list[str] = []
        self._again: deque[str] = deque()
        self.number = 0
        self.ended = False

    @property
    def first(self) -> str:
        """What can be shown of the row's first line."""
        return _shown(self._row[0][:_SHOWN].rstrip("\r\n")) if self._row else ""

    def begin(self) -> None:
        """A row begins with the next line."""
        self._row.clear()

    def retreat(self) -> None:
        """Hand out the lines of this row once more, but for its first."""
        self._again.extendleft(reversed(self._row[1:]))
        self.number -= len(self._row) - 1
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        # Bounded, or a file without line ends would be read whole.
        line = self._again.popleft() if self._again else self._text.readline(_LONGEST_FIELD)
        if not line:
            self.ended = True
            raise StopIteration
        self.number += 1
        self._row.append(line)
        return line.replace("\0", "")


def _split(text: TextIO, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(text, delimiter=delimiter)
    except csv.Error:
        return


def _words(exc: csv.Error) -> str:
    if "field larger" in str(exc):
        return _UNCLOSED
    return "quotation marks do not match here"


def _broken(cell: str, *, replaced: bool) -> bool:
    if replaced:
        return "\ufffd" in cell
    return any("\ud800" <= letter <= "\udfff" for letter in cell)


def _shown(cell: str) -> str:
    return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in cell)


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def export_csv(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any] | Sequence[Any]],
    *,
    delimiter: str = ",",
    mark: bool = False,
    spreadsheet_safe: bool = False,
) -> int:
    """Write rows to a CSV file in UTF-8; the number of rows. The file appears whole or not at all.

    `mark`: begin with a byte order mark, which old spreadsheets need. `spreadsheet_safe`: a text that a
    spreadsheet would take for a formula gets an apostrophe in front; reading the file back then shows it.
    """
    target = path.with_name(f".{path.name}.part")
    count = 0
    try:
        with target.open("w", encoding="utf-8-sig" if mark else "utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow([_cell(column, safe=spreadsheet_safe) for column in columns])
            for row in rows:
                values = [row.get(column) for column in columns] if isinstance(row, Mapping) else row
                if len(values) != len(columns):
                    raise ValueError(f"row {count + 1} has {len(values)} values for {len(columns)} columns")
                writer.writerow([_cell(value, safe=spreadsheet_safe) for value in values])
                count += 1
        target.replace(path)
    finally:
        target.unlink(missing_ok=True)
    return count


def _cell(value: Any, *, safe: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        return "; ".join(_cell(one, safe=False) for one in value)
    text = str(value)
    # A number may begin with a minus and is no formula.
    if safe and text.startswith(_FORMULA) and not (isinstance(value, int | float) or _is_number(text)):
        return "'" + text
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
