"""Walks over Zoho's lists: what to ask, what an answer holds, where to go on.

by_change   ordered by Modified_Time, from a moment on; by its token only where many records have one stamp
by_page     numbered pages of what is read whole: users, deletions

Rows are not parsed until somebody asks for more of them than their heads: most become records just as they came.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from connectors.sdk import Answer, Json, Position, RawRecord, Record, RemoteRecord, RowFault, ShapeError
from connectors.sdk.decoding import DECODER, decoded
from connectors.sdk.paging import no_progress
from connectors.sdk.rows import sorted_out, unknown_form
from connectors.zoho.fields import MODIFIED

T = TypeVar("T")

_SECOND: Final = timedelta(seconds=1)
# So much of a page may come again when the next question begins at its last stamp.
_AGAIN: Final = 0.1


# What begins so is the system's own (shapes): a row with one is not kept as it came.
_SYSTEM: Final = b'"$'


class _Head(msgspec.Struct, gc=False):
    """What there is to know of a row before its fields are wanted."""

    id: str
    Modified_Time: str  # the vendor's name


class _List(msgspec.Struct):
    """A list's answer, its rows not parsed."""

    data: list[msgspec.Raw]
    info: Any = None


_HEAD: Final = msgspec.json.Decoder(_Head)
_LIST: Final = msgspec.json.Decoder(_List)


class Rows:
    """The rows of an answer, in their order; one without a body (204, 304) has none."""

    def __init__(self, answer: Answer) -> None:
        told = _List([]) if answer.status in (204, 304) else answer.decode(_LIST)
        self.raws: Sequence[msgspec.Raw] = told.data
        self.info: Mapping[str, Json] = told.info if isinstance(told.info, dict) else {}
        self._heads = _heads(self.raws)
        # Asked for one sign first, which is found in a thirtieth of the time that two take.
        self._as_they_came = _SYSTEM[-1:] not in answer.content or _SYSTEM not in answer.content

    @property
    def go_on(self) -> bool:
        """Is there more of the list?"""
        return self.info.get("more_records") is True

    @property
    def ascending(self) -> Sequence[datetime]:
        """The stamps; nothing where one is none or they do not ascend: then they are no place to go on from."""
        stamps = [modified for _, _, modified in self._heads or ()]
        return stamps if stamps == sorted(stamps) else []

    def parsed(self) -> list[Json]:
        return [decoded(DECODER, raw) for raw in self.raws]

    def keys(self) -> list[str]:
        if self._heads is not None:
            return [key for key, _, _ in self._heads]
        return [str(row["id"]) for row in self.parsed() if isinstance(row, dict) and row.get("id")]

    def records(self) -> Sequence[Record] | None:
        """The rows just as they came; None where one of them cannot be a record so."""
        if self._heads is None or not self._as_they_came:
            return None
        return [RawRecord(*head, raw) for head, raw in zip(self._heads, self.raws, strict=True)]


def _heads(raws: Sequence[msgspec.Raw]) -> list[tuple[str, str, datetime]] | None:
    """Id, stamp and moment of each row; None where one has no such. Runs for every record of every page."""
    read, head_of = datetime.fromisoformat, _HEAD.decode
    found = []
    try:
        for raw in raws:
            head = head_of(raw)
            modified = read(head.Modified_Time)
            if modified.tzinfo is None or not head.id:
                return None
            found.append((head.id, head.Modified_Time, modified.astimezone(UTC)))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None
    return found


class Listed(NamedTuple):
    """One page of a list. `position`: where the walk goes on; None: this was the last page."""

    rows: Rows
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
        rows = Rows(answer)
        stamps = rows.ascending
        reached = bound(stamps[-1]) if stamps else reached
        if not rows.go_on:
            yield Listed(rows, None, answer.server_time)
            return
        following = rows.info.get("next_page_token")
        if stamps and reached != begun and _few_again(stamps):
            begun, token = reached, None
        elif not rows.raws or following in (None, "", token):
            raise no_progress(where)
        else:
            token = str(following)
        yield Listed(rows, {"since": begun, "token": token, "reached": reached}, answer.server_time)


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


def records(rows: Sequence[Json], *, where: str) -> tuple[Sequence[Record], Sequence[RowFault]]:
    """The records of rows that were parsed, and the rows that cannot be one."""
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
