"""CSV in both directions, row by row: what an export really looks like, and one that spreadsheets open safely.

Reading guesses encoding (UTF-8 with and without mark, UTF-16, cp1252) and delimiter from the beginning of a file,
counts lines as an editor does, and turns a row that cannot be read into a `BadRow` instead of stopping.
"""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TextIO, TypeAlias

SAMPLE: Final = 64 * 1024
DELIMITERS: Final = (",", ";", "\t", "|")

# A row beyond this is a quotation mark that was never closed, not a row.
_LONGEST_FIELD: Final = 1024 * 1024
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
    """The delimiter of a text that begins like this: the one that splits the most rows into as many cells as the first."""
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
    """Rows of a CSV file, the header among them (the first). Blank lines are left out.

    `encoding` and `delimiter` are guessed where they are None. Raises OSError as the file does.
    """
    buffered = io.BufferedReader(raw) if isinstance(raw, io.RawIOBase) else raw
    sample = buffered.read(SAMPLE)
    buffered.seek(0)
    encoding = encoding or guess_encoding(sample)
    if codecs.lookup(encoding).name == "utf-8":
        encoding = "utf-8-sig"  # a mark at the beginning is never part of the first column's name
    if delimiter is None:
        delimiter = guess_delimiter(sample.decode(encoding, "replace"))
    text = io.TextIOWrapper(buffered, encoding=encoding, errors=_errors_for(encoding), newline="")
    try:
        yield from _rows(text, delimiter)
    finally:
        text.detach()  # the file is the caller's to close


def _errors_for(encoding: str) -> str:
    """UTF-16 has no bytes that could stand for themselves: what is broken there is replaced, and found by its mark."""
    return "replace" if codecs.lookup(encoding).name.startswith("utf-16") else _ESCAPE


def _rows(text: TextIO, delimiter: str) -> Rows:
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=False)
    while True:
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            # Never exc's own words alone: they are csv's. The reader goes on behind the line that broke.
            yield BadRow(line, _words(exc), [])
            reader = csv.reader(lines, delimiter=delimiter, strict=False)
            continue
        if not cells or cells == [""]:
            continue
        if any(_broken(cell) for cell in cells):
            yield BadRow(line, "bytes that are no text in the file's encoding", [_shown(cell) for cell in cells])
        else:
            yield Row(line, cells)


class _Lines:
    """Lines of a text, counted: csv's own counter starts anew with each reader."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        # Bounded, or a file without line ends would be read whole.
        line = self._text.readline(_LONGEST_FIELD)
        if not line:
            raise StopIteration
        self.number += 1
        return line.replace("\0", "")


def _split(text: TextIO, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(text, delimiter=delimiter)
    except csv.Error:
        return


def _words(exc: csv.Error) -> str:
    if "field larger" in str(exc):
        return "a quotation mark is opened here and never closed"
    return "quotation marks do not match here"


def _broken(cell: str) -> bool:
    if cell.isascii():
        return False
    return any("\ud800" <= letter <= "\udfff" or letter == "\ufffd" for letter in cell)


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
