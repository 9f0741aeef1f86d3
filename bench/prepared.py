"""Rows that were prepared as bytes, one behind the other in a file, and what a vendor is asked and answers."""

import json
import mmap
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit


class Rows:
    """`joint` stands between two rows of a slice, and behind none."""

    def __init__(self, path: Path, rows: Iterable[bytes], *, joint: bytes = b",") -> None:
        self._joint = len(joint)
        self._ends = array("q", [0])
        with path.open("wb") as file:
            for row in rows:
                file.write(row + joint)
                self._ends.append(self._ends[-1] + len(row) + self._joint)
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def slice(self, start: int, stop: int) -> bytes:
        """Rows from one to before another, of those that there are."""
        stop = min(stop, len(self))
        if start >= stop:
            return b""
        return self._bytes[self._ends[start] : self._ends[stop] - self._joint]


class Request(NamedTuple):
    method: str
    target: str
    body: bytes = b""
    headers: Mapping[str, str] = {}  # names in small letters

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {key: values[-1] for key, values in parse_qs(urlsplit(self.target).query).items()}


class Answer(NamedTuple):
    body: bytes
    kind: str = "application/json"
    headers: Mapping[str, str] = {}


def packed(told: Any) -> bytes:
    """JSON without blanks, as vendors write it."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


class Vendor(Protocol):
    """What is served: prepared contacts, in the form of one vendor's API, and as much of it as reading them takes."""

    def contacts(self, request: Request) -> Answer | None:
        """A page of the list of contacts; None: something else is asked."""

    def empty(self) -> Answer:
        """A page where nothing changed."""

    def other(self, request: Request) -> Answer:
        """Any other answer."""
