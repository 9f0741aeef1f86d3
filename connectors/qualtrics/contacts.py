"""Contacts of the directory: three shapes made one, and a search that shows no more than so many hits at once.

windows of a search   [from, to), oldest first. One that holds more hits than are shown is cut in two, in the middle of
                      the times that were seen in it; of a single second that still holds too many the whole list is
                      read instead.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from connectors.qualtrics.lists import at, second
from connectors.sdk import Json, Position, RemoteRecord

BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)  # before there were directories
_SECOND: Final = timedelta(seconds=1)
# Ours -> what lists, searches and single contacts call it.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "contactId": ("contactId", "id"),
    "firstName": ("firstName",),
    "lastName": ("lastName",),
    "email": ("email",),
    "phone": ("phone", "phoneNumber"),
    "extRef": ("extRef", "externalDataReference"),
    "language": ("language",),
    "unsubscribed": ("directoryUnsubscribed", "unsubscribed"),
}
_STAMPS: Final[Mapping[str, tuple[str, ...]]] = {
    "unsubscribeDate": ("directoryUnsubscribeDate", "unsubscribeDate"),
    "creationDate": ("creationDate",),
    "lastModified": ("lastModified",),
}


def record(row: Mapping[str, Json]) -> RemoteRecord | str:
    """A contact, from whichever of its shapes, or why it cannot be one.

    Times are cut to the second, which is all that a search goes by.
    """
    values: dict[str, Json] = {name: _first(row, names) for name, names in _NAMES.items()}
    key = values["contactId"]
    if not isinstance(key, str) or not key:
        return "a contact without an id"
    embedded = row.get("embeddedData")
    values["embeddedData"] = (
        {name: value for name, value in embedded.items() if value not in (None, "")}
        if isinstance(embedded, Mapping)
        else {}
    )
    try:
        stamps = {name: second(_first(row, names)) for name, names in _STAMPS.items()}
        modified = at(stamps["lastModified"])
    except ValueError:
        return "a contact whose dates cannot be read"
    values |= stamps
    return RemoteRecord(key, stamps["lastModified"], modified, values)


def _first(row: Mapping[str, Json], names: Sequence[str]) -> Json:
    """An empty text is nothing."""
    for name in names:
        if (value := row.get(name)) not in (None, ""):
            return value
    return None


def equals(kind: str, value: str) -> Json:
    """A search for one value."""
    return {"filter": {"filterType": kind, "comparison": "eq", "value": value}}


class Search(Struct, frozen=True):
    """Where a reading of changes stands. `windows`: those that are left, the first of them under way; `token` takes it
    on; `seen`, `low` and `high`: how many hits it has shown so far, and their times."""

    windows: tuple[tuple[datetime, datetime | None], ...]
    token: str | None = None
    seen: int = 0
    low: datetime | None = None
    high: datetime | None = None

    @classmethod
    def since(cls, moment: datetime | None) -> "Search":
        return cls(((BEGINNING if moment is None else moment.replace(microsecond=0), None),))

    @classmethod
    def at(cls, position: Position) -> "Search":
        windows = tuple((_read(start), _read(end) if end else None) for start, end in position["windows"])
        low, high = position["low"], position["high"]
        return cls(
            windows, position["token"], position["seen"], low and _read(low), high and _read(high)
        )  # fmt: skip

    def position(self) -> Position | None:
        if not self.windows:
            return None
        return {
            "windows": [[_written(start), end and _written(end)] for start, end in self.windows],
            "token": self.token,
            "seen": self.seen,
            "low": self.low and _written(self.low),
            "high": self.high and _written(self.high),
        }

    def filter(self) -> Json:
        """The first window as the vendor takes it."""
        start, end = self.windows[0]
        bounds = [_bound("gte", start), *([] if end is None else [_bound("lt", end)])]
        if len(bounds) == 1:
            return {"filter": bounds[0]}
        return {"filter": {"conjunction": "and", "contactFilterExpressions": bounds}}

    def shown(self, records: Sequence[RemoteRecord], token: str | None, *, cap: int) -> "Search":
        """Where it stands behind this page. Of as many hits as are shown at the most there may be more."""
        times = [one.modified for one in records if one.modified is not None]
        lows, highs = [*times, *([self.low] if self.low else [])], [*times, *([self.high] if self.high else [])]
        now = replace(
            self, token=token, seen=self.seen + len(records), low=min(lows, default=None), high=max(highs, default=None)
        )
        if now.seen >= cap and token is not None:
            return now.cut()
        return now if token is not None else Search(self.windows[1:])

    def cut(self) -> "Search":
        """The window in two; a single second cannot be cut and stays (see `one_second`)."""
        (start, end), rest = self.windows[0], self.windows[1:]
        low, high = max(start, self.low or start), self.high or self.low or start
        middle = low + (high - low) / 2
        middle = middle.replace(microsecond=0)
        if middle <= start:
            middle = start + _SECOND
        if end is not None and middle >= end:
            return Search(self.windows, None, -1)
        return Search(((start, middle), (middle, end), *rest))

    @property
    def one_second(self) -> bool:
        """Does the first window hold too many contacts, and can no more be cut?"""
        return self.seen < 0


def _bound(comparison: str, moment: datetime) -> Json:
    value = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return {"filterType": "lastModified", "comparison": comparison, "value": value}


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)


# -- writing -----------------------------------------------------------------------------------------------------------


def body(values: Mapping[str, Any]) -> dict[str, Json]:
    """What to send. Null takes away, in the contact itself and key by key in its embedded data."""
    sent: dict[str, Json] = {}
    for name, value in values.items():
        if name == "embeddedData":
            sent[name] = {key: None if one is None else _text(one) for key, one in (value or {}).items()}
        elif name == "unsubscribed":
            sent[name] = value
        else:
            sent[name] = None if value is None else _text(value)
    return sent


def _text(value: Json) -> str:
    """Everything is a text there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
