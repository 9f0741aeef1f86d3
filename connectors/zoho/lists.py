"""Walks over Zoho's lists: what to ask, what an answer holds, where to go on.

by_change   ordered by Modified_Time, from a moment on; by its token only where many records have one stamp
by_page     numbered pages of what is read whole: users, deletions
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeVar

from connectors.sdk import Answer, Json, Position, RemoteRecord, RowFault, ShapeError
from connectors.sdk.paging import no_progress
from connectors.sdk.rows import sorted_out, unknown_form
from connectors.zoho.fields import MODIFIED

T = TypeVar("T")

_SECOND: Final = timedelta(seconds=1)
# So much of a page may come again when the next question begins at its last stamp.
_AGAIN: Final = 0.1


class Listed(NamedTuple):
    """One page of a list. `position`: where the walk goes on; None: this was the last page."""

    rows: Sequence[Json]
    position: Position | None
    server_time: datetime | None


def rows_of(answer: Answer, name: str = "data") -> list[Json]:
    """The rows of a list's answer; one without a body (204, 304) has none."""
    if answer.status in (204, 304):
        return []
    body = answer.json
    rows = body.get(name) if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise unknown_form(answer)
    return rows


def goes_on(answer: Answer) -> bool:
    return _info(answer).get("more_records") is True


def _info(answer: Answer) -> Mapping[str, Json]:
    body = answer.json if answer.status not in (204, 304) else None
    info = body.get("info") if isinstance(body, dict) else None
    return info if isinstance(info, dict) else {}


def bound(moment: datetime | None) -> str | None:
    """A moment for `If-Modified-Since`, whole seconds. A second earlier than meant: whether the header's own second is
    included is not told, and so it does not matter (README, Lists)."""
    if moment is None:
        return None
    return stamp(moment - _SECOND)


def stamp(moment: datetime) -> str:
    """A moment for a header, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


Ask = Callable[[str | None, str | None], Answer]


def by_change(ask: Ask, *, since: datetime | None, position: Position | None, where: str) -> Iterator[Listed]:
    """Everything changed at or after `since`, oldest change first. `ask(from when, token)` asks for a page.

    The next question begins at the last stamp that was read, so nothing slips through while others write, no list
    is too long, and an interrupted walk goes on whenever. Where many records share a stamp that would bring the same
    ones again and again: there the list's token is followed. One that is refused costs a look back to the last stamp.
    """
    begun, token, reached = bound(since), None, bound(since)
    if position is not None:
        begun, token, reached = position["since"], position["token"], position["reached"]
    restarted: str | None = None
    while True:
        try:
            answer = ask(begun, token)
        except ShapeError as exc:
            # It has expired, or is another user's. Refused again at the same place, something else is wrong.
            if exc.status != 400 or token is None or restarted == f"{reached}":
                raise
            restarted = f"{reached}"
            begun, token = reached, None
            continue
        rows = rows_of(answer)
        stamps = _ascending(rows)
        reached = bound(stamps[-1]) if stamps else reached
        if not goes_on(answer):
            yield Listed(rows, None, answer.server_time)
            return
        following = _info(answer).get("next_page_token")
        if stamps and reached != begun and _few_again(stamps):
            begun, token = reached, None
        elif not rows or following in (None, "", token):
            raise no_progress(where)
        else:
            token = str(following)
        yield Listed(rows, {"since": begun, "token": token, "reached": reached}, answer.server_time)


def _ascending(rows: Sequence[Json]) -> list[datetime]:
    """The stamps of a page; nothing where one is none or they do not ascend: then they are no place to go on from."""
    try:
        stamps = [datetime.fromisoformat(row[MODIFIED]) for row in rows]
        return stamps if stamps == sorted(stamps) else []
    except (KeyError, TypeError, ValueError):
        return []


def _few_again(stamps: Sequence[datetime]) -> bool:
    """Would a question from the last stamp on bring but few of these again?"""
    at = len(stamps) - 1 - int(len(stamps) * _AGAIN)
    return at > 0 and stamps[at] < stamps[-1] - _SECOND


def by_page(ask: Callable[[int], Answer], *, where: str) -> Iterator[Answer]:
    """Numbered pages to the last. One that says that it is not the last, and is empty, is an error."""
    page = 1
    while True:
        answer = ask(page)
        yield answer
        if not goes_on(answer):
            return
        if not answer.content:
            raise no_progress(where)
        page += 1


def joined(rows: Sequence[Json], more: Mapping[str, Mapping[str, Json]]) -> list[Json]:
    """Rows with the fields of further questions. What both tell is taken from the first: should the record have moved
    in between, its stamp is the older one, and the next window reads it again."""
    return [{**more.get(str(row.get("id")), {}), **row} if isinstance(row, dict) else row for row in rows]


def records(rows: Sequence[Json], *, where: str) -> tuple[list[RemoteRecord], list[RowFault]]:
    """The records of a page, and the rows that cannot be one. Runs for every record of every page."""
    read = datetime.fromisoformat
    try:
        moments = [read(row[MODIFIED]) for row in rows]
        if None not in [moment.tzinfo for moment in moments]:
            # `+ ""` refuses an id that is no text.
            made = [
                RemoteRecord(row["id"] + "", row[MODIFIED], moment.astimezone(UTC), row)
                for row, moment in zip(rows, moments, strict=True)
            ]
            if all(one.key for one in made):
                return made, []
    except (KeyError, TypeError, ValueError):
        pass
    return sorted_out(rows, record, where=where)


def record(row: Json) -> RemoteRecord | str:
    """One row as a record, or why it cannot be one."""
    if not isinstance(row, dict):
        return "a row that is no object"
    key = row.get("id")
    if not isinstance(key, str) or not key:
        return "a row without an id"
    modified = moment(row.get(MODIFIED))
    if modified is None:
        return f"{MODIFIED} is no date-time with a zone"
    return RemoteRecord(key, row[MODIFIED], modified, row)


def moment(text: Json) -> datetime | None:
    """A time as Zoho writes it, in the user's zone with its offset; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)


def in_pieces(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
