"""The responses of a form: what a list of them may be asked for, and when a response begins to show."""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.state import Record, Table
from sandbox.vendors.typeform.answers import invalid
from sandbox.web import dump

SHOWN_WITHIN: Final = timedelta(minutes=30)
MOST: Final = 1000
USUAL: Final = 25
_NEVER: Final = "0001-01-01T00:00:00Z"
_STATES: Final = frozenset({"started", "partial", "completed"})


class ResponseQuery:
    """What a list of responses is asked for; refuses what cannot be understood."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.size = whole(query, "page_size", USUAL, MOST)
        self.order, self.descending = _sorting(query)
        self.least, self.most = _bound(query, "since"), _bound(query, "until")
        self.after, self.before = query.get("after"), query.get("before")
        self.fields = names(query, "fields")
        self._states = _states(query)
        self._only, self._without = names(query, "included_response_ids"), names(query, "excluded_response_ids")
        self._answered = names(query, "answered_fields")
        self._term = query.get("query", "").casefold()

    def wants(self, record: Record) -> bool:
        if record["response_type"] not in self._states:
            return False
        if (self._only and record["response_id"] not in self._only) or record["response_id"] in self._without:
            return False
        if self._answered:
            fields = [answer["field"] for answer in record["answers"]]
            if not self._answered <= {field["id"] for field in fields} | {field["ref"] for field in fields}:
                return False
        return not self._term or self._term in dump(record["answers"]).decode().casefold()


class Responses:
    """The responses of one form, in the order in which they were processed."""

    def __init__(self) -> None:
        self.table: Table[str] = Table(
            {"submitted_at": processed, "landed_at": lambda record: record["landed_at"], "staged_at": processed}
        )
        self._fresh_until: datetime | None = None

    def put(self, record: Record) -> None:
        self.table.put(record["token"], record)
        shown_at = datetime.fromisoformat(processed(record)) + SHOWN_WITHIN + record.get("_late", timedelta(0))
        self._fresh_until = max(shown_at, self._fresh_until or shown_at)

    def between(self, query: ResponseQuery) -> list[Record]:
        """Ascending. Times are inclusive, tokens exclusive."""
        found = list(self.table.walk(query.order))
        if query.order == "landed_at":  # the bounds are on submission all the same
            least, most = query.least or "", query.most or "9999"
            return [record for record in found if least <= processed(record) <= most]
        start, end = 0, len(found)
        if query.least is not None:
            start = bisect_left(found, query.least, key=processed)
        if query.most is not None:
            end = bisect_right(found, query.most, key=processed)
        for name, key in (("after", query.after), ("before", query.before)):
            if not key:
                continue
            place = self.table.get(key)
            if place is None:
                raise invalid(name, "no such token")
            at = bisect_left(found, (processed(place), key), key=lambda record: (processed(record), record["token"]))
            start, end = (max(start, at + 1), end) if name == "after" else (start, min(end, at))
        return found[start:end]

    def all_shown(self, now: datetime) -> bool:
        return self._fresh_until is None or now >= self._fresh_until

    @staticmethod
    def shows(record: Record, now: datetime) -> bool:
        """A response shows at some moment of the half hour after it was given, each at its own."""
        share = hashlib.sha256(record["token"].encode()).digest()[0] / 256
        delay: timedelta = SHOWN_WITHIN * share + record.get("_late", timedelta(0))
        return now - datetime.fromisoformat(processed(record)) >= delay


def processed(record: Record) -> str:
    """The moment a response is filed under: submitted, or where it never was, landed."""
    submitted: str = record["submitted_at"]
    return record["landed_at"] if submitted == _NEVER else submitted


def whole(query: Mapping[str, str], name: str, default: int, most: int | None) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < 1 or (most is not None and int(text) > most):
        raise invalid(name, f"must be between 1 and {most}" if most else "must be a number from 1")
    return int(text)


def names(query: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(word for word in query.get(name, "").split(",") if word)


def _states(query: Mapping[str, str]) -> frozenset[str]:
    if "response_type" in query:
        states = names(query, "response_type")
        if not states or not states <= _STATES:
            raise invalid("response_type", "must be of started, partial, completed")
        return states
    completed = query.get("completed", "true")
    if completed not in {"true", "false"}:
        raise invalid("completed", "must be true or false")
    return frozenset({"completed"}) if completed == "true" else frozenset({"started", "partial"})


def _sorting(query: Mapping[str, str]) -> tuple[str, bool]:
    """(order, descending). Tokens bring their own order and go with no other."""
    cursors = [name for name in ("after", "before") if query.get(name)]
    if cursors and "sort" in query:
        raise invalid("sort", f"cannot be used together with {cursors[0]}")
    if len(cursors) == 2:
        raise invalid("after", "cannot be used together with before")
    if cursors:
        return "submitted_at", cursors == ["before"]
    name, _, direction = query.get("sort", "submitted_at,desc").partition(",")
    if name not in {"submitted_at", "landed_at", "staged_at"} or direction not in {"", "asc", "desc"}:
        raise invalid("sort", "must be submitted_at, landed_at or staged_at with asc or desc")
    return name, direction != "asc"


def _bound(query: Mapping[str, str], name: str) -> str | None:
    """`since` and `until`: epoch seconds, or a time that is UTC where it does not say."""
    text = query.get(name)
    if not text:
        return None
    try:
        at = datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise invalid(name, "must be epoch seconds or a time") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(UTC).isoformat()[:19] + "Z"
