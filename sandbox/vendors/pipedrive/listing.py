"""Lists of API v2: parameters, keyset cursors, filters. Strict: what cannot be understood is refused, never guessed."""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sandbox.state import Record, Table
from sandbox.vendors.pipedrive.answers import invalid
from sandbox.vendors.pipedrive.stamps import stamp
from sandbox.web import Json, dump, parse

MOST: Final = 500
USUAL: Final = 100
MOST_IDS: Final = 100
_BOOLEANS: Final = {"true": True, "false": False}

Keep = Callable[[Record], bool]


class Page(NamedTuple):
    records: list[Record]
    next_cursor: str | None


def integer(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise invalid(f"{name}: must be integer") from None


def boolean(query: Mapping[str, str], name: str) -> bool | None:
    text = query.get(name)
    if text is None:
        return None
    if text not in _BOOLEANS:
        raise invalid(f"{name}: must be boolean")
    return _BOOLEANS[text]


def choice(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """The first of `allowed` is the default."""
    text = query.get(name, allowed[0])
    if text not in allowed:
        raise invalid(f"{name}: must be equal to one of the allowed values")
    return text


def words(query: Mapping[str, str], name: str, allowed: frozenset[str] | None = None) -> list[str]:
    found = [word for word in query.get(name, "").split(",") if word]
    if allowed is not None and not allowed.issuperset(found):
        raise invalid(f"{name}: must be equal to one of the allowed values")
    return found


def moment(query: Mapping[str, str], name: str) -> str | None:
    """An RFC 3339 time as `stamp` writes it, rounded down to the second."""
    text = query.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f'{name}: must match format "date-time"') from None
    if at.tzinfo is None or "T" not in text.upper():
        raise invalid(f'{name}: must match format "date-time"')
    return stamp(at.astimezone(UTC))


def page_size(query: Mapping[str, str]) -> int:
    limit = integer(query, "limit")
    if limit is None:
        return USUAL
    if not 1 <= limit <= MOST:
        raise invalid(f"limit: must be between 1 and {MOST}")
    return limit


def cursor(field: str, value: Json, direction: str, key: Json) -> str:
    body = dump({"field": field, "fieldValue": value, "sortDirection": direction, "id": key})
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def place(query: Mapping[str, str], field: str, direction: str) -> tuple[Any, Any] | None:
    """Where the cursor of a query stands; refused unless it is one that this very sorting handed out."""
    text = query.get("cursor")
    if not text:
        return None
    try:
        body = parse(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        if (body["field"], body["sortDirection"]) == (field, direction):
            return body["fieldValue"], body["id"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        pass
    raise invalid("cursor: is invalid")


def read_page(
    table: Table[int],
    query: Mapping[str, str],
    keep: Keep,
    *,
    orders: tuple[str, ...] = ("id", "update_time", "add_time"),
    value_of: Callable[[Record, str], Any] = lambda record, field: record[field],
) -> Page:
    """One page of a table as the query asks: sorted, from the cursor on, between the times, and kept by `keep`."""
    field = choice(query, "sort_by", orders)
    direction = choice(query, "sort_direction", ("asc", "desc"))
    limit = page_size(query)
    since, until = moment(query, "updated_since"), moment(query, "updated_until")
    start = place(query, field, direction)
    ids = among_ids(query)
    walk: Iterator[Record]
    if ids is not None:
        some = [record for record in map(table.get, ids) if record is not None]
        some.sort(key=lambda record: (value_of(record, field), record["id"]), reverse=direction == "desc")
        walk = (record for record in some if start is None or _beyond(record, start, field, direction, value_of))
    elif start is None and since is not None and field == "update_time" and direction == "asc":
        walk = table.from_value("update_time", since)
    else:
        walk = table.walk(field, after=start, descending=direction == "desc")
    found: list[Record] = []
    for record in walk:
        if since is not None and record["update_time"] < since:
            continue
        if until is not None and record["update_time"] >= until:
            continue
        if not keep(record):
            continue
        if len(found) == limit:
            last = found[-1]
            return Page(found, cursor(field, value_of(last, field), direction, last["id"]))
        found.append(record)
    return Page(found, None)


def _beyond(
    record: Record, start: tuple[Any, Any], field: str, direction: str, value_of: Callable[[Record, str], Any]
) -> bool:
    at = (value_of(record, field), record["id"])
    return bool(at < start if direction == "desc" else at > start)


def among_ids(query: Mapping[str, str]) -> set[int] | None:
    """The ids asked for; None: all. Unknown ids are silently missing from the answer, more than 100 refused."""
    if "ids" not in query or "filter_id" in query:
        return None
    try:
        ids = {int(word) for word in query["ids"].split(",") if word}
    except ValueError:
        raise invalid("ids: must be a list of integers") from None
    if len(ids) > MOST_IDS:
        raise invalid(f"ids: must NOT have more than {MOST_IDS} items")
    return ids
