"""Walks over Typeform's lists.

each_form     numbered pages, newest change first; the list says how many there are
each_answer   responses, newest first, each page before the last token of the one above it
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from connectors.sdk import Answer, Json, Position, ShapeError
from connectors.sdk.rows import unknown_form

_RESCANS: Final = 3
# What stands for "not yet" in a date.
_NEVER: Final = "0001-01-01"


class Listed(NamedTuple):
    """One page. `position`: where the walk goes on; None: the list was read to its end, and nothing was missing."""

    rows: Sequence[Mapping[str, Json]]
    position: Position | None
    server_time: datetime | None
    total: int | None


def rows_of(answer: Answer) -> list[dict[str, Json]]:
    body = answer.json
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise unknown_form(answer)
    return items


def count(answer: Answer, name: str) -> int | None:
    """`total_items`, or `page_count`, which counts the pages that are left, this one among them."""
    found = answer.json.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def stamp(moment: datetime | None) -> str | None:
    """A bound as the lists take it: UTC to the second, cut, since the bound itself is included."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def at(text: Json) -> datetime | None:
    """A stamp; None where there is none yet. Raises ValueError where it is something else."""
    if text is None or (isinstance(text, str) and (not text or text.startswith(_NEVER))):
        return None
    if not isinstance(text, str):
        raise ValueError("a stamp is a text")
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def key_of(row: Mapping[str, Json]) -> str | None:
    key = row.get("response_id") or row.get("token")
    return key if isinstance(key, str) else None


def each_form(ask: Callable[[int], Answer], *, where: str) -> Iterator[Listed]:
    """Pages of forms, each at least once: numbered pages slide when a form goes away, and then are read again."""
    for _ in range(_RESCANS + 1):
        seen: set[str] = set()
        total: int | None = None
        page = 0
        while True:
            page += 1
            answer = ask(page)
            rows = rows_of(answer)
            seen.update(str(row.get("id")) for row in rows)
            total = count(answer, "total_items")
            last = not rows or page >= (count(answer, "page_count") or 0)
            whole = total is None or len(seen) >= total
            yield Listed(rows, None if last and whole else {"page": page + 1}, answer.server_time, total)
            if last:
                break
        if whole:
            return
    raise _incomplete(where, len(seen), total)


def each_answer(
    ask: Callable[[str | None], Answer],
    *,
    since: datetime | None,
    position: Position | None,
    where: str,
    ordered: bool = True,
) -> Iterator[Listed]:
    """The responses at or after `since`, newest first.

    At the end the rows are counted against the total that the first page named: a token's page that left some out
    makes the list be read again. `ordered`: by submitted_at, so that rows below `since` end the walk.
    """
    before, seen, total = None, 0, None
    if position is not None:
        before, seen, total = position["before"], position["seen"], position["total"]
    rescans = 0
    while True:
        try:
            answer = ask(before)
        except ShapeError as exc:
            # The response whose token it is was deleted meanwhile.
            if exc.status != 400 or before is None or rescans >= _RESCANS:
                raise
            rescans, before = rescans + 1, None
            continue
        rows = rows_of(answer)
        if before is None:
            seen, total = 0, count(answer, "total_items")
        seen += len(rows)
        token = rows[-1].get("token") if rows else None
        if rows and (not isinstance(token, str) or token == before):
            raise no_progress(where)
        below = False
        if ordered and rows:
            below = _descends_below(rows, since, where)
        last = below or not rows or _says_end(answer, rows)
        if not last:
            yield Listed(rows, {"before": token, "seen": seen, "total": total}, answer.server_time, total)
            before = token
            continue
        if below or total is None or seen >= total:
            yield Listed(rows, None, answer.server_time, total)
            return
        rescans += 1
        if rescans > _RESCANS:
            raise _incomplete(where, seen, total)
        yield Listed(rows, {"before": None, "seen": 0, "total": None}, answer.server_time, total)
        before = None


def _says_end(answer: Answer, rows: Sequence[Json]) -> bool:
    """Two figures must agree before a list counts as ended; else the next page, an empty one, tells."""
    pages, total = count(answer, "page_count"), count(answer, "total_items")
    return pages is not None and pages <= 1 and total is not None and total <= len(rows)


def _descends_below(rows: Sequence[Mapping[str, Json]], since: datetime | None, where: str) -> bool:
    newest, oldest = _submitted(rows[0]), _submitted(rows[-1])
    if newest is None or oldest is None:
        return False
    if newest < oldest:
        raise ShapeError(
            f"{where}: the list does not come newest first, so it cannot be read to its end",
            hint="nothing is lost: the next run goes on from the last page; if it stays, ask the vendor",
            code="CW307",
        )
    return since is not None and oldest < since.replace(microsecond=0)


def _submitted(row: Mapping[str, Json]) -> datetime | None:
    try:
        return at(row.get("submitted_at"))
    except ValueError:
        return None


def no_progress(where: str) -> ShapeError:
    return ShapeError(
        f"{where}: the list turns in a circle: a page ends with the token that it was asked for",
        hint="nothing is lost: the next run goes on from the last page; if it stays, ask the vendor",
        code="CW307",
    )


def _incomplete(where: str, seen: int, total: int | None) -> ShapeError:
    return ShapeError(
        f"{where}: {seen} of {total} came, after {_RESCANS + 1} readings",
        hint="nothing is taken for deleted, and the next run reads it again",
        code="CW307",
    )


def params(**asked: Any) -> dict[str, Any]:
    """Query parameters, those that say nothing left out."""
    return {name: value for name, value in asked.items() if value is not None}
