"""Walks over Salesforce's queries: what an answer holds, and where to go on when its cursor is lost.

A query is ordered by stamp and id and read through its cursor, which shows the rows as they were chosen when the query
was asked. The place behind each page is kept as stamp and id too: with it a new query goes on where a lost cursor, or
another process, stopped.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple, NoReturn

import msgspec

from connectors.salesforce.shapes import ID, STAMP, Shape
from connectors.salesforce.statuses import LOST_CURSOR
from connectors.sdk import Answer, Json, Position, RawRecord, Record, RemoteRecord, RowFault, ShapeError, Values
from connectors.sdk.decoding import DECODER, ENCODER, decoded
from connectors.sdk.rows import packed


class _Page(msgspec.Struct):
    """An answer of a query, its rows not parsed."""

    totalSize: int  # noqa: N815 # the vendor's name
    done: bool
    records: list[msgspec.Raw]
    nextRecordsUrl: str | None = None  # noqa: N815 # as above


_PAGE: Final = msgspec.json.Decoder(_Page)


class Place(NamedTuple):
    """A record in the order of stamps and ids."""

    stamp: str
    key: str


class Listed(NamedTuple):
    """One answer of a query. `total`: of all its answers; `place`: the rest comes behind it; `ended`: the last one."""

    rows: Sequence[msgspec.Raw]
    total: int
    place: Place | None
    ended: bool
    server_time: datetime | None


def place_of(position: Position | None) -> Place | None:
    told = None if position is None else position.get("after")
    return None if told is None else Place(str(told[0]), str(told[1]))


def rows_of(answer: Answer) -> list[Json]:
    body = answer.json
    rows = body.get("records") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise unknown_form(answer)
    return rows


def total_of(answer: Answer) -> int:
    body = answer.json
    total = body.get("totalSize") if isinstance(body, dict) else None
    if isinstance(total, bool) or not isinstance(total, int):
        raise unknown_form(answer)
    return total


def following(answer: Answer) -> str | None:
    """The path of the next page; None only where the answer says that this was the last."""
    body = answer.json
    if not isinstance(body, dict) or not isinstance(body.get("done"), bool):
        raise unknown_form(answer)
    return _leads_to(body["done"], body.get("nextRecordsUrl"), answer)


def _leads_to(done: bool, path: Json, answer: Answer) -> str | None:
    if done:
        return None
    if not isinstance(path, str) or not path.startswith("/"):
        raise unknown_form(answer)
    return path


def page_of(answer: Answer) -> tuple[Sequence[msgspec.Raw], int, str | None]:
    """The rows of an answer, not parsed, the total, and the path of the next page: `rows_of`, `total_of`, `following`
    in one. A row is parsed by itself, so that what it consists of is gone before the next one (4 µs instead of 12)."""
    page: _Page = answer.decode(_PAGE)
    return page.records, page.totalSize, _leads_to(page.done, page.nextRecordsUrl, answer)


def by_stamp(
    ask: Callable[[Place | None], Answer], go_on: Callable[[str], Answer], *, after: Place | None, where: str
) -> Iterator[Listed]:
    """The answers of a query in turn. `ask` asks it anew for what comes behind a place, `go_on` for the next page."""
    reached = after
    while True:
        begun_at = reached
        answer = ask(reached)
        begun = answer.server_time
        paths: set[str] = set()
        while True:
            rows, total, path = page_of(answer)
            reached = _furthest(rows, begun) or reached
            yield Listed(rows, total, reached, path is None, answer.server_time)
            if path is None:
                return
            if path in paths:
                raise circle(where)
            paths.add(path)
            try:
                answer = go_on(path)
            except ShapeError as exc:
                if exc.vendor_code != LOST_CURSOR or reached == begun_at:
                    raise
                break


def _furthest(rows: Sequence[msgspec.Raw], begun: datetime | None) -> Place | None:
    """The last row that stands where the query put it: one that was changed meanwhile shows its new stamp."""
    for raw in reversed(rows):
        row = decoded(DECODER, raw)
        stamp, key = row.get(STAMP), row.get("Id")
        try:
            at = datetime.fromisoformat(stamp)
        except (TypeError, ValueError):
            continue
        if isinstance(key, str) and at.tzinfo is not None and (begun is None or at < begun):
            return Place(stamp, key)
    return None


def records(rows: Iterable[msgspec.Raw], shape: Shape, *, where: str) -> tuple[list[Record], list[RowFault]]:
    """The records of a page, and the rows that cannot be one. Runs for every record of every page."""
    made: list[Record] = []
    faults: list[RowFault] = []
    read, pack = shape.packed, ENCODER.encode
    for row in rows:
        try:
            key, version, values = read(row)
            told = _place(key, version)
            if isinstance(told, datetime):
                made.append(RawRecord(key, version, told, pack(values)))
                continue
        except (msgspec.DecodeError, TypeError, AttributeError, ValueError):
            pass  # what is odd about it is found out below
        found = decoded(DECODER, row)
        one = _record(found, shape.row)
        if isinstance(one, RawRecord):
            made.append(one)
        else:
            faults.append(_fault(found, one, where))
    return made, faults


def of_cells(shape: Shape, header: Sequence[str], *, where: str) -> Callable[[Sequence[str]], Record | RowFault]:
    """What makes a record of a line under this header, or says why it cannot be one."""
    if len({*header}) < len(header) or not {ID, STAMP} <= {*header}:
        return _refuse  # which a file without lines may have
    read, width, pack = shape.cells(header), len(header), ENCODER.encode

    def record(cells: Sequence[str]) -> Record | RowFault:
        if len(cells) != width:
            return broken_line(where, cells)
        key, version, values = read(cells)
        told = _place(key, version)
        if not isinstance(told, datetime):
            return _fault(dict(zip(header, cells, strict=True)), told, where)
        return RawRecord(key, version, told, pack(values))

    return record


def _refuse(cells: Sequence[str]) -> NoReturn:
    raise ShapeError(
        "Salesforce: a file in whose header a column is missing or comes twice",
        hint="`crosswalk runs --report` makes a file without personal data to send in",
        code="CW307",
    )


def _record(row: Json, shape: Callable[[dict[str, Json]], Values]) -> RawRecord | str:
    """One row as a record, packed (`rows.packed`), or why it cannot be one."""
    if not isinstance(row, dict):
        return "a row that is no object"
    told = _place(row.get("Id"), row.get(STAMP))
    if not isinstance(told, datetime):
        return told
    try:
        return packed(RemoteRecord(row["Id"], row[STAMP], told, shape(row)))
    except (TypeError, AttributeError, ValueError):
        return "a field of a form that its description does not name"


def _place(key: Json, stamp: Json) -> datetime | str:
    """When the record was changed, or why it is none."""
    if not isinstance(key, str) or not key:
        return "a row without an Id"
    try:
        modified = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        return f"{STAMP} is no date-time"
    return f"{STAMP} has no time zone" if modified.tzinfo is None else modified


def _fault(row: Json, why: str, where: str) -> RowFault:
    key = str(row["Id"]) if isinstance(row, dict) and row.get("Id") not in (None, "") else None
    return RowFault(f"{where}/{key}" if key else where, key, why, row)


def circle(where: str) -> ShapeError:
    return ShapeError(
        f"{where}: the list turns in a circle: the vendor names a page again that was read",
        hint="nothing is lost: the next run goes on from the last page; if it stays, ask the vendor",
        code="CW307",
    )


def unknown_form(answer: Answer) -> ShapeError:
    return ShapeError(
        f"{answer.origin}: answered in a form the connector does not know",
        hint="`crosswalk runs --report` makes a file without personal data to send in",
        code="CW307",
    )


def incomplete(where: str, how: str) -> ShapeError:
    return ShapeError(
        f"{where}: the list {how}, so it cannot prove that it is complete",
        hint="nothing is taken for deleted, and the next run lists them again; if it stays, ask the vendor",
        code="CW307",
    )


def broken_line(where: str, cells: Sequence[str]) -> RowFault:
    """A line of a file with more or fewer cells than its header."""
    key = cells[0] if cells and cells[0].isalnum() else None
    return RowFault(
        f"{where}/{key}" if key else where, key, "a line with another number of cells than its header", list(cells)
    )
