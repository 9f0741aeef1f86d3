"""Rows as records: the key, the time of the last change, and why a row is none."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from connectors.files.folder import BusyError, Open
from connectors.files.formats import Line, UnreadableError, breaks_off, cell, lines, text
from connectors.files.settings import FilesStream
from connectors.files.streams import PAGE
from connectors.sdk.contract import NOT_KEPT, Json, RemoteRecord, RowFault, Values, is_key

# 4.71E+12 was once a whole number; which one, nobody can say.
_ROUNDED: Final = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
DAY_FIRST: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,? (\d{1,2}):(\d{2})(?::(\d{2}))?)?")


class Row(Struct, frozen=True):
    """A record, or why it is none. `doubtful`: its key cannot be told, so it may be anybody's."""

    where: str
    key: str | None
    record: RemoteRecord | None
    fault: RowFault | None = None
    doubtful: bool = False


class Rows:
    """Makes rows of the lines of one stream."""

    def __init__(self, stream: FilesStream, time_zone: str, sleep: Callable[[float], None]) -> None:
        self._stream = stream
        self._zone = ZoneInfo(time_zone)
        self._sleep = sleep

    def of(self, name: str, file: Open) -> Iterator[Row]:
        """Every row of a file. Where it cannot be read, from some place on or at all, the last row says so.

        Raises BusyError where the file is written to meanwhile; that is looked at once a page, and at the end.
        """
        count = 0
        try:
            if file.settles and breaks_off(file.handle, name):
                self._sleep(file.settles)  # somebody may be copying it: half a value would be an edit
                file.check()
            for line in lines(file.handle, name, self._stream):
                yield self._row(name, line)
                count += 1
                if count % PAGE == 0:
                    file.check()
        except UnreadableError as exc:
            file.check()  # half a file may be no file
            yield _aside(name, None, str(exc), None, doubtful=True)
        except OSError as exc:
            raise BusyError(f"cannot be read: {exc.strerror}") from exc
        file.check()

    def _row(self, name: str, line: Line) -> Row:
        where = f"{name} {line.place}"
        values = line.values
        if values is None:
            return _aside(where, None, line.reason, line.raw, doubtful=True)
        if self._stream.dates is not None:
            values = {**values, **{one: _iso(values[one]) for one in self._stream.dates if one in values}}
        key, wrong = self._key(values)
        if key is None:
            # A row without a key is no record and hides none; one whose key is spoilt may be anybody's.
            return _aside(where, None, wrong, values, doubtful=wrong == _ROUNDED_KEY)
        modified = None
        if self._stream.modified is not None:
            said = cell(values, self._stream.modified)
            modified = self._moment(said)
            if modified is None and text(said):
                return _aside(where, key, f"'{self._stream.modified}' is no time that we know", values)
        return Row(where, key, RemoteRecord(key, None, modified, values))

    def key(self, values: Values) -> str | None:
        """What a row is known by; None: by nothing."""
        return self._key(values)[0]

    def _key(self, values: Values) -> tuple[str | None, str]:
        columns = self._stream.key
        parts = [text(cell(values, column)) for column in columns]
        for part in parts:
            if not part:
                return None, _NO_KEY
            if _ROUNDED.fullmatch(part):
                return None, _ROUNDED_KEY
        key = parts[0] if len(parts) == 1 else "|".join(part.replace("%", "%25").replace("|", "%7C") for part in parts)
        return (key, "") if is_key(key) else (None, NOT_KEPT)

    def _moment(self, said: Json) -> datetime | None:
        """ISO 8601, or day.month.year as spreadsheets of half of Europe write; without a zone in the operator's."""
        written = text(said)
        try:
            if match := DAY_FIRST.fullmatch(written):
                day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
                moment = datetime(year, month, day, hour, minute, second, tzinfo=self._zone)
            else:
                moment = datetime.fromisoformat(written)
                moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            return None


def _iso(said: Json) -> Json:
    """`22.11.2026 16:02` as `2026-11-22T16:02:00`; whatever is written otherwise stays as it is."""
    if not isinstance(said, str) or (match := DAY_FIRST.fullmatch(said.strip())) is None:
        return said
    day, month, year, *clock = match.groups()
    told = f"{year}-{int(month):02}-{int(day):02}"
    hour, minute, second = (int(part or 0) for part in clock)
    return told if clock[0] is None else f"{told}T{hour:02}:{minute:02}:{second:02}"


_NO_KEY: Final = "has no key"
_ROUNDED_KEY: Final = "the key was rounded by a spreadsheet, as 4.71E+12 is: export that column as text"


def _aside(where: str, key: str | None, reason: str, raw: Json, *, doubtful: bool = False) -> Row:
    return Row(where, key, None, RowFault(where, key, reason, raw), doubtful)
