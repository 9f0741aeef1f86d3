# ruff: noqa: S101  - assertions are what a test is made of
"""Windows, read as the engine reads them."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct, field

from connectors.sdk.contract import Connector, Json, Page, Position, Record, RowFault, Values, Window
from connectors.sdk.suite.vendor import Rig

# Of one window. A list that does not end is an error too.
_PAGES: Final = 5_000


class Read(Struct):
    """What came of a stream."""

    records: dict[str, Record] = field(default_factory=dict)  # by key, as they came last
    faults: list[RowFault] = field(default_factory=list)
    positions: dict[str, list[Position]] = field(default_factory=dict)  # by part, behind each page but the last
    server_time: datetime | None = None  # the earliest that a window began with
    largest: datetime | None = None
    pages: int = 0

    def take(self, page: Page) -> None:
        self.pages += 1
        self.records.update((record.key, record) for record in page.records)
        self.faults.extend(page.faults)
        stamps = [record.modified for record in page.records if record.modified is not None]
        self.largest = max([*stamps, *([] if self.largest is None else [self.largest])], default=None)


def read(connector: Connector, stream: str, *, since: datetime | None = None) -> Read:
    """Every part of a stream to its end."""
    result, since = Read(), connector.streams[stream].whole(since)
    for part in connector.parts(stream):
        positions = result.positions.setdefault(part, [])
        first = True
        for page in pages(connector, stream, Window(part, since)):
            if first and page.server_time is not None:
                result.server_time = min(page.server_time, result.server_time or page.server_time)
            first = False
            result.take(page)
            if page.position is not None:
                positions.append(stored(page.position))
    return result


def pages(connector: Connector, stream: str, window: Window) -> Iterator[Page]:
    """A window's pages; asserts that the last and only the last says that it was the last."""
    content = connector.streams[stream].cursor == "content"
    ended = False
    for count, page in enumerate(connector.pull(stream, window)):
        assert count < _PAGES, f"{stream}: {_PAGES} pages, and no end"
        assert not ended, f"{stream}: a page came behind the one that said it was the last"
        ended = page.last if content else page.position is None
        yield page
    assert ended, f"{stream}: the window stopped without a page that says it was the last (position None)"


def stored(position: Position) -> Position:
    """A position as it comes back from the store."""
    back: Position = json.loads(json.dumps(position))
    assert back == position, "a position must be plain JSON: it is stored between two runs"
    return back


def at(values: Values, path: str) -> Json:
    """The value at a path; `Missing` where there is none."""
    found: Json = values
    if path in values:
        return values[path]
    for part in path.split("."):
        if not isinstance(found, dict) or part not in found:
            return Missing
        found = found[part]
    return found


class Missing:
    """Absent: neither cleared nor a value."""


def is_empty(value: Json, rig: Rig, stream: str) -> bool:
    """Is a list empty, in one of the ways that a stream may show it?"""
    return value is None or value == [] or (value is Missing and rig.spec(stream).missing_means == "cleared")


def holds(value: Json, text: str) -> bool:
    """Does this text stand anywhere in a value?"""
    if isinstance(value, dict):
        return any(holds(one, text) for one in value.values())
    if isinstance(value, list | tuple):
        return any(holds(one, text) for one in value)
    return isinstance(value, str) and text in value
