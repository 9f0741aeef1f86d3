"""Walks over Pipedrive's lists: what to ask, what an answer holds, where to go on.

by_change   second version: ordered by update_time, each page names the cursor of the next
by_start    first version: numbered rows, which slide when one before them goes away
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from connectors.sdk import Answer, Json, Position, RawRecord, Record, RemoteRecord, RowFault, ShapeError, by_cursor
from connectors.sdk.decoding import DECODER, decoded
from connectors.sdk.rows import sorted_out, unknown_form

_RESCANS: Final = 3


class _Extra(msgspec.Struct):
    next_cursor: str | None = None


class Followed(msgspec.Struct, kw_only=True):
    """A list's answer of the second version, as far as it leads on."""

    success: bool = False
    additional_data: _Extra | None = None

    def follow(self) -> Mapping[str, Any] | None:
        """What to ask for the page after this one; None: there is none."""
        cursor = self.additional_data.next_cursor if self.additional_data is not None else None
        return {"cursor": cursor} if cursor else None


class _Rows(Followed):
    data: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


class _Row(msgspec.Struct):
    success: bool = False
    data: msgspec.Raw = msgspec.Raw(b"")


class _Head(msgspec.Struct, gc=False):
    """What there is to know of a row before its fields are wanted."""

    id: int
    update_time: str


_ROWS: Final = msgspec.json.Decoder(_Rows)
_ROW: Final = msgspec.json.Decoder(_Row)
_HEAD: Final = msgspec.json.Decoder(_Head)


class Listed(NamedTuple):
    """One page of a list. `position`: where the walk goes on; None: this was the last page.

    Rows of the second version's lists are not parsed.
    """

    rows: Sequence[Json | msgspec.Raw]
    position: Position | None
    server_time: datetime | None


def rows_of(answer: Answer) -> list[Json]:
    """The rows of a list's answer. The first version says null where there are none."""
    rows = _body(answer)["data"]
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise unknown_form(answer)
    return rows


def raw_rows(answer: Answer) -> Sequence[msgspec.Raw]:
    """The rows of a list's answer of the second version, not parsed."""
    return _page(answer).data or []


def _page(answer: Answer) -> _Rows:
    page: _Rows = answer.decode(_ROWS)
    if not page.success or page.data is msgspec.UNSET:
        raise unknown_form(answer)
    return page


def raw_one(answer: Answer) -> msgspec.Raw:
    """The one object of an answer, not parsed."""
    told: _Row = answer.decode(_ROW)
    if not told.success or bytes(told.data)[:1] != b"{":
        raise unknown_form(answer)
    return told.data


def one_of(answer: Answer) -> dict[str, Json]:
    """The one object of an answer."""
    row = _body(answer)["data"]
    if not isinstance(row, dict):
        raise unknown_form(answer)
    return row


def _body(answer: Answer) -> dict[str, Json]:
    body = answer.json
    if not isinstance(body, dict) or body.get("success") is not True or "data" not in body:
        raise unknown_form(answer)
    return body


def next_cursor(answer: Answer) -> Mapping[str, Any] | None:
    """What to ask for the page after this answer; None: there is none."""
    extra = _body(answer).get("additional_data") or {}
    cursor = extra.get("next_cursor")
    return {"cursor": cursor} if cursor else None


def goes_on(answer: Answer) -> bool:
    """Is there more of this list, of whichever version?"""
    return next_cursor(answer) is not None or _more(answer)


def stamp(moment: datetime | None) -> str | None:
    """A bound as the lists take it: whole seconds, cut, since the bound itself is included."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def by_change(
    ask: Callable[[Mapping[str, Any]], Answer], *, since: str | None, position: Position | None, where: str
) -> Iterator[Listed]:
    """Everything changed at or after `since`, oldest change first.

    A cursor that the vendor no longer takes costs a look back to the last stamp that was read: as the list is
    ordered by it and the bound includes it, nothing is lost, and rows of that second come twice.
    """
    reached = since
    first: dict[str, Any] = {"updated_since": since}
    if position is not None:
        since, reached = position["since"], position["reached"]
        first = {"updated_since": since, "cursor": position["cursor"]}
    while True:
        begun = reached
        try:
            for page, server_time in by_cursor(
                lambda params: _told(ask(params)), first, lambda told: told[0].follow(), where=where
            ):
                rows = page.data or []
                reached = _last_stamp(rows) or reached
                following = page.follow()
                yield Listed(
                    rows,
                    None if following is None else {**following, "since": since, "reached": reached},
                    server_time,
                )
            return
        except ShapeError as exc:
            moved_on = "cursor" in first or reached != begun
            if exc.status not in (400, 422) or not moved_on:
                raise
        since = reached
        first = {"updated_since": since}


def _told(answer: Answer) -> tuple[_Rows, datetime | None]:
    return _page(answer), answer.server_time


def _last_stamp(rows: Sequence[msgspec.Raw]) -> str | None:
    last = decoded(DECODER, rows[-1]) if rows else None
    found = last.get("update_time") if isinstance(last, dict) else None
    return found if isinstance(found, str) else None


def by_start(ask: Callable[[int], Answer], *, position: Position | None, where: str) -> Iterator[Listed]:
    """The rows of a numbered list, each at least once.

    Each page begins with the last row of the one before. If that row is not there, rows have slipped past while
    we read, and the list is read again from its beginning.
    """
    start, tail = (0, None) if position is None else (int(position["start"]), position["tail"])
    rescans = 0
    while True:
        offset = start if tail is None else start - 1
        answer = ask(offset)
        rows = rows_of(answer)
        keys = [str(row.get("id")) if isinstance(row, dict) else None for row in rows]
        if tail is not None and tail not in keys:
            rescans += 1
            if rescans > _RESCANS:
                raise ShapeError(
                    f"{where}: the list changed under every one of {rescans} readings",
                    hint="nothing is lost: the next run reads it again, when less is going on there",
                    code="CW307",
                )
            start, tail = 0, None
            continue
        more = _more(answer)
        if more and (not rows or keys[-1] == tail):
            raise ShapeError(
                f"{where}: the list says that it goes on, and shows no further row",
                hint="nothing is lost: the next run goes on from the last page; if it stays, ask the vendor",
                code="CW307",
            )
        start, tail = offset + len(rows), keys[-1] if keys else None
        yield Listed(rows, {"start": start, "tail": tail} if more else None, answer.server_time)
        if not more:
            return


def _more(answer: Answer) -> bool:
    extra = _body(answer).get("additional_data") or {}
    pagination = extra.get("pagination") or extra
    return pagination.get("more_items_in_collection") is True


def records(rows: Sequence[Json | msgspec.Raw], *, where: str) -> tuple[Sequence[Record], list[RowFault]]:
    """The records of a page, and the rows that cannot be one."""
    if rows and isinstance(rows[0], msgspec.Raw):
        return _as_they_come(rows, where=where)
    return sorted_out(rows, record, where=where)


def _as_they_come(rows: Sequence[msgspec.Raw], *, where: str) -> tuple[Sequence[Record], list[RowFault]]:
    """Runs for every record of every page, so only the heads are read; a row that has none is looked at by itself."""
    made: list[Record] = []
    faults: list[RowFault] = []
    head_of, read = _HEAD.decode, datetime.fromisoformat
    for row in rows:
        try:
            head = head_of(row)
            moment = read(head.update_time)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
            moment = None
        if moment is not None and moment.tzinfo is not None:
            made.append(RawRecord(str(head.id), head.update_time, moment, row))
            continue
        some, more = sorted_out([decoded(DECODER, row)], record, where=where)
        made += some
        faults += more
    return made, faults


def record(row: Json) -> RemoteRecord | str:
    """One row as a record, or why it cannot be one."""
    if not isinstance(row, dict):
        return "a row that is no object"
    key = row.get("id")
    if isinstance(key, bool) or not isinstance(key, int | str) or key == "":
        return "a row without an id"
    try:
        modified = datetime.fromisoformat(row["update_time"])
    except (KeyError, TypeError, ValueError):
        return "update_time is no date-time"
    if modified.tzinfo is None:
        return "update_time has no time zone"
    return RemoteRecord(str(key), row["update_time"], modified, row)
