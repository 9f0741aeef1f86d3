"""Walks over Pipedrive's lists: what to ask, what an answer holds, where to go on.

by_change   second version: ordered by update_time, each page names the cursor of the next
by_start    first version: numbered rows, which slide when one before them goes away
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from connectors.sdk import Answer, Json, Position, RemoteRecord, RowFault, ShapeError, by_cursor
from connectors.sdk.rows import sorted_out, unknown_form

_RESCANS: Final = 3


class Listed(NamedTuple):
    """One page of a list. `position`: where the walk goes on; None: this was the last page."""

    rows: Sequence[Json]
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
            for answer in by_cursor(ask, first, next_cursor, where=where):
                rows = rows_of(answer)
                reached = _last_stamp(rows) or reached
                following = next_cursor(answer)
                yield Listed(
                    rows,
                    None if following is None else {**following, "since": since, "reached": reached},
                    answer.server_time,
                )
            return
        except ShapeError as exc:
            moved_on = "cursor" in first or reached != begun
            if exc.status not in (400, 422) or not moved_on:
                raise
        since = reached
        first = {"updated_since": since}


def _last_stamp(rows: Sequence[Json]) -> str | None:
    last = rows[-1] if rows else None
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


def records(rows: Sequence[Json], *, where: str) -> tuple[list[RemoteRecord], list[RowFault]]:
    """The records of a page, and the rows that cannot be one. Runs for every record of every page."""
    read = datetime.fromisoformat
    try:
        moments = [read(row["update_time"]) for row in rows]
        if None not in [moment.tzinfo for moment in moments]:
            # `:d` refuses an id that is null or text, which str() would take.
            made = [
                RemoteRecord(f"{row['id']:d}", row["update_time"], moment, row)
                for row, moment in zip(rows, moments, strict=True)
            ]
            return made, []
    except (KeyError, TypeError, ValueError):
        pass
    return sorted_out(rows, record, where=where)


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
