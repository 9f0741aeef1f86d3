"""Rows of one file, whatever its form: CSV, JSON Lines, JSON, a workbook.

The form is told by the name, where that says nothing by the first bytes. Each row comes with its place ("line 214"),
as values by column: a column that the row does not have is absent, an empty cell is cleared.
"""

import io
import json
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count, islice, repeat
from typing import Any, BinaryIO, Final, Literal, NamedTuple, TextIO, TypeAlias
from zipfile import ZipFile

import msgspec

from connectors.files.settings import FilesStream
from connectors.sdk.contract import Json, Values
from connectors.sdk.csvio import DELIMITERS, SAMPLE, BadRow, Rows, file_encoding, guess_encoding, read_rows

Form: TypeAlias = Literal["csv", "lines", "json", "workbook"]

# Titles and dates that people put above a table.
_ABOVE_HEADER: Final = 20
# A row of JSON beyond this is no row of a table.
_LONGEST_ROW: Final = 16 * 1024 * 1024
_PIECE: Final = 256 * 1024
# What a spreadsheet shows for a cell that it could not compute: we do not know its value.
_NO_VALUE: Final = re.compile(r"#(?:N/A|NV|[A-ZÀ-Ý/0]{3,12}[!?])")
_NOT_COMPUTED: Final = "#N/A"
_AS_TEXT: Final = re.compile(r'="([^"]*)"')  # ="00123" keeps a spreadsheet from making it a number
_WRAPPINGS: Final = ("=", "'")
_DIGITS: Final = re.compile(r"(0{2,})(?:;|$)")  # the format of postal codes: at least so many
_GUARDED: Final = re.compile(r"'[=+\-@\t\r]")  # '+49... keeps it from computing
_BLANKS: Final = re.compile(r"[\s\u200b\ufeff]+")


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < 19 else Decimal(digits)  # beyond 64 bits it is a number of another kind


# NaN, which some programs write where they have no number, is none.
_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_int=_whole, parse_constant=lambda _: None)
# `warnings` has one state for all threads: of ours one at a time may change it.
_quiet = threading.Lock()


class Line(NamedTuple):
    """One row. `values` is None where it cannot be read: `reason` tells why, `raw` holds what stood there."""

    place: str
    values: Values | None
    reason: str = ""
    raw: Json = None


class UnreadableError(Exception):
    """The file as a whole cannot be read. The text holds nothing of what stands in it."""


def form_of(name: str, beginning: bytes) -> Form:
    """The form of a file by its name, else by its beginning. Raises UnreadableError for forms that are not read."""
    if beginning.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableError("is encrypted, or of the form before .xlsx: save it as .xlsx")
    if beginning.startswith(b"\x1f\x8b"):
        raise UnreadableError("is compressed: unpack it")
    ending = name.rpartition(".")[2].casefold()
    zipped = beginning.startswith(b"PK\x03\x04")
    if zipped and ending in ("xlsx", "xlsm", "csv", "tsv", "txt"):
        return "workbook"
    if zipped:
        raise UnreadableError("is an archive: unpack it")
    if ending in ("xlsx", "xlsm"):
        raise UnreadableError("is no workbook, whatever its name says")
    if ending in ("jsonl", "ndjson"):
        return "lines"
    if ending == "json":
        return "lines" if _is_lines(beginning) else "json"
    if beginning.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"SQLite format", b"PAR1", b"ORC")):
        raise UnreadableError("is no table")
    return "csv"


def _is_lines(beginning: bytes) -> bool:
    """Many tools call it .json what is one object a line."""
    text = beginning.decode(guess_encoding(beginning), "replace").lstrip()
    first, ended, rest = text.partition("\n")
    if not (ended and text.startswith("{") and rest.lstrip().startswith("{")):
        return False
    try:
        return isinstance(_DECODER.decode(first), dict)
    except ValueError:
        return False


def breaks_off(file: BinaryIO, name: str) -> bool:
    """Does it end in the middle of a line, which nothing else of such a file would tell?"""
    file.seek(0)
    try:
        whole = form_of(name, file.read(SAMPLE)) not in ("csv", "lines")
    except UnreadableError:
        return False
    file.seek(max(0, file.seek(0, io.SEEK_END) - 2))
    return not whole and not file.read().rstrip(b"\0").endswith((b"\n", b"\r"))


def lines(file: BinaryIO, name: str, stream: FilesStream) -> Iterator[Line]:
    """The rows of an open file, from its beginning. Raises UnreadableError where it is none that we can read."""
    file.seek(0)
    beginning = file.read(SAMPLE)
    if not beginning.strip():
        raise UnreadableError("is empty: not even a header")
    form = form_of(name, beginning)
    if form == "workbook":
        return _workbook(file, stream)
    encoding = stream.encoding or file_encoding(file)
    file.seek(0)
    match form:
        case "csv":
            return _csv(file, stream, encoding, beginning)
        case "lines":
            return _json_lines(file, encoding)
        case "json":
            return _json_list(file, encoding)


def columns(file: BinaryIO, name: str, stream: FilesStream) -> Sequence[str]:
    """The columns that a table's header names; () for JSON, which has none. Raises UnreadableError like `lines`."""
    headers = (Header.found(cells, stream.key) for cells in first_rows(file, name, stream))
    return next((header.names for header in headers if header is not None), ())


def first_rows(file: BinaryIO, name: str, stream: FilesStream) -> Iterator[Sequence[Any]]:
    """The rows of a table among which its header is; none of JSON, which has no header."""
    file.seek(0)
    beginning = file.read(SAMPLE)
    form = form_of(name, beginning)
    if form == "csv":
        encoding = stream.encoding or file_encoding(file)
        file.seek(0)
        delimiter = _delimiter(beginning, encoding, stream)
        rows: Iterator[Sequence[Any]] = (row.cells for row in _rows(file, encoding, delimiter))
    elif form == "workbook":
        rows = _sheet(_opened(file, computed=True), stream).iter_rows(values_only=True)
    else:
        rows = iter(())
    return islice(rows, _ABOVE_HEADER)


def text(value: Json) -> str:
    """A cell as a person would write it; "" where it holds nothing. For keys and times."""
    if value is None or isinstance(value, bool | list | dict):
        return ""
    return str(value).strip()


def cell(values: Values, column: str) -> Json:
    """The value of a column; in JSON it may stand deeper, with dots between."""
    if column in values or "." not in column:
        return values.get(column)
    found: Json = values
    for part in column.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found


# Tables: CSV and workbooks.


def _csv(file: BinaryIO, stream: FilesStream, encoding: str, beginning: bytes) -> Iterator[Line]:
    delimiter = _delimiter(beginning, encoding, stream)
    header: Header | None = None
    above = 0
    for row in _rows(file, encoding, delimiter):
        place = f"line {row.line}"
        if header is None:
            above += 1
            header = Header.found(row.cells, stream.key)
            if header is None and above >= _ABOVE_HEADER:
                break
        elif isinstance(row, BadRow):
            yield Line(place, None, row.reason, list(row.cells))
        elif any(row.cells):  # spreadsheets save rows of delimiters alone
            yield header.line(place, [_unwrapped(one) if one[:1] in _WRAPPINGS else one for one in row.cells])
    if header is None:
        raise _no_header(stream, _first_cells(beginning, encoding, delimiter))


def _rows(file: BinaryIO, encoding: str, delimiter: str | None) -> Rows:
    try:
        yield from read_rows(file, encoding=encoding, delimiter=delimiter)
    except UnicodeError as exc:
        raise UnreadableError(f"is no text in {encoding}") from exc


def _delimiter(beginning: bytes, encoding: str, stream: FilesStream) -> str | None:
    """None: as csvio guesses, or as the file itself declares. Titles above the header mislead a guess: then it is
    the delimiter under which a row has the key."""
    if stream.delimiter is not None:
        return stream.delimiter
    for delimiter in (None, *DELIMITERS):
        rows = read_rows(io.BytesIO(beginning), encoding=encoding, delimiter=delimiter)
        try:
            if any(Header.found(row.cells, stream.key) for row in islice(rows, _ABOVE_HEADER)):
                return delimiter
        except UnicodeError:
            break
    return None


def _first_cells(beginning: bytes, encoding: str, delimiter: str | None) -> Sequence[str]:
    for row in read_rows(io.BytesIO(beginning), encoding=encoding, delimiter=delimiter):
        return row.cells
    return ()


def _no_header(stream: FilesStream, first: Sequence[str]) -> UnreadableError:
    wanted = ", ".join(f"'{column}'" for column in stream.key)
    folded = {column.casefold() for column in stream.key}
    # Of the file's own words only one that we knew already: without a header they are a customer's.
    alike = next((name for name in map(_column, first) if name.casefold() in folded), None)
    hint = "" if alike is None else f"; it has '{alike}'"
    return UnreadableError(f"has no column {wanted} in its first {_ABOVE_HEADER} lines{hint}")


def _column(cell: Any) -> str:
    return _BLANKS.sub(" ", "" if cell is None else str(cell)).strip()


class Header:
    """The columns of a table."""

    def __init__(self, cells: Sequence[Any]) -> None:
        names = [_column(one) for one in cells]
        while names and not names[-1]:
            names.pop()
        self.spare = len(cells) - len(names)  # columns at the end without a name
        self.names = _told_apart(names)

    @classmethod
    def found(cls, cells: Sequence[Any], key: Sequence[str]) -> "Header | None":
        """The header, if this row is one: it has the columns of the key."""
        if not set(key) <= {_column(one) for one in cells}:
            return None
        return cls(cells)

    def line(self, place: str, cells: Sequence[Any]) -> Line:
        width = len(self.names)
        if len(cells) > width and any(one not in (None, "") for one in cells[width + self.spare :]):
            reason = f"has {len(cells)} cells, the header {width}: a delimiter in a text without quotation marks"
            return Line(place, None, reason, list(cells))
        # Shorter than the header: what is missing was not said. `zip` ends with the shorter one.
        values: dict[str, Json] = {}
        for name, one in zip(self.names, cells, strict=False):
            # The first test answers for nearly every cell of nearly every file.
            if not isinstance(one, str) or one[:1].isalnum():
                values[name] = one
            elif not one or one.isspace():
                values[name] = None
            elif one[0] != "#" or not _NO_VALUE.fullmatch(one):
                values[name] = one
        return Line(place, values)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Every column a name of its own: the second E-Mail is "E-Mail (2)", one without a name "column 5"."""
    taken = set(names)
    given: set[str] = set()
    apart: list[str] = []
    for place, name in enumerate(names, 1):
        mine, count = name or f"column {place}", 1
        while mine in given or (count > 1 and mine in taken):
            count += 1
            mine = f"{name or f'column {place}'} ({count})"
        given.add(mine)
        apart.append(mine)
    return apart


def _unwrapped(one: str) -> str:
    """A cell without what was put around it to keep spreadsheets from computing it."""
    if one[:1] == "=" and (wrapped := _AS_TEXT.fullmatch(one)):
        return wrapped[1]
    return one[1:] if one[:1] == "'" and _GUARDED.match(one) else one


def _workbook(file: BinaryIO, stream: FilesStream) -> Iterator[Line]:
    with ExitStack() as open_books:
        sheet = _sheet(open_books.enter_context(closing(_opened(file, computed=True))), stream)
        formulas: Iterator[Any] = repeat(())
        if _has_formulas(file):
            formulas = _sheet(open_books.enter_context(closing(_opened(file, computed=False))), stream).iter_rows()
        header: Header | None = None
        rows = zip(sheet.iter_rows(), formulas, strict=False)
        for number in count(1):
            try:
                row, written = next(rows)
            except StopIteration:
                break
            except Exception as exc:  # as `_opened`: a broken archive breaks anywhere, in anything
                raise UnreadableError(f"is a workbook that breaks off at row {number}") from exc
            if header is None:
                header = Header.found([one.value for one in row], stream.key)
                if header is None and number >= _ABOVE_HEADER:
                    break
                continue
            cells = [_plain(one) for one in row]
            # A workbook does not keep empty cells: here what is missing is empty.
            cells += [None] * (len(header.names) - len(cells))
            for place, formula in enumerate(written):
                if cells[place] is None and formula.data_type == "f":
                    cells[place] = _NOT_COMPUTED  # the program that wrote it left that to whoever opens it
            if any(one is not None for one in cells):
                yield header.line(f"row {number}", cells)
    if header is None:
        raise _no_header(stream, ())


def _has_formulas(file: BinaryIO) -> bool:
    with ZipFile(file) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                with archive.open(name) as sheet:
                    tail = b""
                    while piece := sheet.read(_PIECE):
                        if b"<f>" in (tail := tail + piece) or b"<f " in tail:
                            return True
                        tail = tail[-3:]
    return False


def _opened(file: BinaryIO, *, computed: bool) -> Any:
    """`Any`: openpyxl's stubs know neither its read-only books nor their cells."""
    import openpyxl  # one of the few formats that take long to import, and the rarest

    try:
        with _quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations that we do not read
            return openpyxl.load_workbook(file, read_only=True, data_only=computed, keep_links=False)
    except Exception as exc:  # a broken archive breaks openpyxl in a dozen ways, none of them its own
        raise UnreadableError("is no workbook that can be read: open it and save it again") from exc


def _sheet(book: Any, stream: FilesStream) -> Any:
    if stream.sheet is not None and stream.sheet not in book.sheetnames:
        raise UnreadableError(f"has no sheet '{stream.sheet}'; it has {', '.join(book.sheetnames)}")
    sheets = book.worksheets
    if not sheets:
        raise UnreadableError("has no sheet")
    # What is hidden is no table that anybody looks at: lists of choices, or how it was before.
    shown = next((one for one in sheets if one.sheet_state == "visible"), sheets[0])
    sheet = book[stream.sheet] if stream.sheet is not None else shown
    if not hasattr(sheet, "reset_dimensions"):
        raise UnreadableError(f"has no table in sheet '{sheet.title}'")
    sheet.reset_dimensions()  # some programs write a wrong one, and rows beyond it would be left out
    return sheet


def _plain(one: Any) -> Json:
    """A workbook's cell as plain JSON: a number as it is shown, a day where only a day is shown."""
    value = one.value
    match value:
        case None | bool():
            return value
        case str():
            return value
        case int():
            digits = _DIGITS.match(one.number_format or "")
            return value if digits is None or value < 0 else f"{value:0{len(digits[1])}}"
        case float():
            return _number(value)
        case datetime():
            shows_time = any(letter in _letters(one.number_format) for letter in "hs")
            return value.isoformat() if shows_time or value.time() != time() else value.date().isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return str(value)


def _number(value: float) -> Json:
    # A spreadsheet keeps and shows fifteen digits: 0.1 + 0.2 is 0.3 there.
    number = Decimal(format(value, ".15g"))
    return int(number) if number == number.to_integral_value() and abs(number) < 10**15 else number


def _letters(number_format: str | None) -> str:
    """A number format without its quoted texts and its [colours]."""
    return re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", number_format or "").casefold()


# JSON.


def _json_lines(file: BinaryIO, encoding: str) -> Iterator[Line]:
    source = _text(file, encoding, errors="backslashreplace")
    number = 0
    try:
        while line := source.readline(_LONGEST_ROW):
            number += 1
            if line.strip():
                yield _json_line(f"line {number}", line)
    except UnicodeError as exc:
        raise UnreadableError(f"is no text in {encoding}") from exc
    finally:
        source.detach()


def _json_line(place: str, line: str) -> Line:
    try:
        value = _DECODER.decode(line)
    except (ValueError, RecursionError):
        # Bytes that are no text became \xNN, which JSON does not know.
        return Line(place, None, "is no JSON, or no text in the file's encoding", line.strip()[:2000])
    return _object(place, value)


def _object(place: str, value: Json) -> Line:
    if not isinstance(value, dict):
        return Line(place, None, "is no object", value)
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        # "\ud83d" alone is half a letter: JSON lets it pass, no text can hold it.
        shown = json.dumps(value, default=str)
        return Line(place, None, "has half a letter in a text", shown[:2000])
    return Line(place, {name: None if one == "" else one for name, one in value.items()})


def _json_list(file: BinaryIO, encoding: str) -> Iterator[Line]:
    """Elements of a list one by one, so that memory holds one of them: the file is a list of objects, or an object
    that holds one such list."""
    source = _text(file, encoding, errors="strict")
    scanner = _Scanner(source)
    try:
        if not _enter_list(scanner):
            raise UnreadableError("is JSON, but no list of rows, nor an object that holds one")
        for number, value in enumerate(scanner.elements(), 1):
            yield _object(f"item {number}", value)
    except (ValueError, RecursionError) as exc:  # JSONDecodeError and UnicodeDecodeError among them
        raise UnreadableError("is broken JSON") from exc
    finally:
        source.detach()


def _enter_list(scanner: "_Scanner") -> bool:
    """Go to the first element of the list of rows."""
    opening = scanner.peek()
    if opening == "[":
        scanner.skip()
        return True
    if opening != "{":
        return False
    scanner.skip()
    while scanner.peek() == '"':
        scanner.value()
        if scanner.peek() != ":":
            raise ValueError("no colon behind a name")
        scanner.skip()
        if scanner.peek() == "[":
            scanner.skip()
            if scanner.peek() in ("{", "]"):
                return True
            for _ in scanner.elements():  # a list of something else
                pass
        else:
            scanner.value()
        if scanner.peek() == ",":
            scanner.skip()
    return False


class _Scanner:
    """JSON values out of a text, piece by piece."""

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self._held = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is no blank; "" at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def skip(self) -> None:
        self._at += 1

    def value(self) -> Json:
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._held, self._at)
            except ValueError:
                if len(self._held) - self._at > _LONGEST_ROW or not self._more():
                    raise
                continue
            # A number at the end of what is held may go on in the next piece.
            if end == len(self._held) and not isinstance(value, dict | list | str) and self._more():
                continue
            self._at = end
            return value

    def elements(self) -> Iterator[Json]:
        """To the end of a list whose bracket was passed. Raises ValueError where it does not end."""
        if self.peek() == "]":
            self.skip()
            return
        while True:
            yield self.value()
            following = self.peek()
            self.skip()
            if following == "]":
                return
            if following != ",":
                raise ValueError("a list that does not end")

    def _more(self) -> bool:
        piece = self._source.read(max(_PIECE, len(self._held) - self._at))
        self._held = self._held[self._at :] + piece
        self._at = 0
        return bool(piece)


def _text(file: BinaryIO, encoding: str, *, errors: str) -> io.TextIOWrapper:
    encoding = "utf-8-sig" if encoding.casefold() in ("utf-8", "utf8") else encoding
    return io.TextIOWrapper(file, encoding=encoding, errors=errors)
