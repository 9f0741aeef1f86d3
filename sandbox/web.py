"""What passes between the door (HTTP) and a simulated vendor: a call and an answer, without sockets."""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias, runtime_checkable
from urllib.parse import parse_qsl

import msgspec

# A JSON value. `Any`, since a recursive alias makes every access a cast; values are checked where they are used.
Json: TypeAlias = Any
dump = msgspec.json.Encoder().encode
parse = msgspec.json.Decoder().decode


@dataclass(slots=True)
class Call:
    """One request. `query` keeps the last value of a repeated name; header names are lower-case.

    `concurrent`: how many calls of the vendor were being answered when it came, itself included.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now: datetime
    base: str  # scheme and authority under which the client reached us
    concurrent: int = 1

    def json(self) -> Json:
        """The body as JSON; raises `ValueError`."""
        try:
            return parse(self.body)
        except msgspec.DecodeError as exc:
            raise ValueError("the body is no JSON") from exc

    def form(self) -> Mapping[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def basic(self) -> tuple[str, str] | None:
        """Name and secret of HTTP Basic; None: the call brings none that can be read."""
        scheme, _, coded = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return name, secret


@dataclass(slots=True)
class Answer:
    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)
    media_type: str = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One change that a call made: for tests that ask what was written."""

    at: datetime
    vendor: str
    method: str
    path: str
    stream: str
    record: str
    fields: Mapping[str, Json]


class Vendor(Protocol):
    """A simulated vendor. Called by one thread at a time."""

    name: str

    @property
    def credentials(self) -> Mapping[str, str]:
        """What a client needs to be let in."""
        ...

    def answer(self, call: Call) -> Answer:
        """Answer one call as the vendor would. `call.path` begins at the root."""
        ...

    def unit_cost(self, call: Call) -> int:
        """What the call costs in the vendor's unit."""
        ...

    def route(self, call: Call) -> str:
        """The path with ids replaced by `{id}`: what calls are counted under."""
        ...

    def edit(self, now: datetime, stream: str, key: str | None, fields: Mapping[str, Json]) -> str:
        """Do what a person would at that vendor's own screen: change, or with no key make, a record; its key.

        Raises `KeyError` for an unknown stream or record, `ValueError` for fields it cannot have.
        """
        ...

    def expire_tokens(self) -> None:
        """From now on every access token handed out so far is refused."""
        ...

    def unauthorized(self) -> Answer:
        """How the vendor refuses a token it does not take."""
        ...

    def throttled(self, retry_after: int | None) -> Answer:
        """How the vendor refuses a call over the limit; it names the seconds to wait, or does not."""
        ...

    def forbidden(self) -> Answer:
        """How the vendor refuses what the token's user may not do."""
        ...

    def commit_late(self, delay: timedelta) -> None:
        """From now on writes become visible this much later, under the stamp of when they were made."""
        ...

    def lag_search(self, delay: timedelta) -> None:
        """From now on the search index learns of changes this much later."""
        ...

    def change_schema(self, stream: str, field: str, *, to: str | None) -> None:
        """Rename a field, or with no new name remove it. Raises `KeyError` for an unknown stream or field."""
        ...

    def restore_schema(self) -> None:
        """Take back every `change_schema`."""
        ...

    def effects(self) -> Sequence[Effect]:
        """Every change so far, oldest first."""
        ...


@runtime_checkable
class Revocable(Protocol):
    """A vendor whose users can throw an app out."""

    def revoke_grant(self) -> None:
        """From now on the app's refresh tokens are refused; a user can let it in again."""
        ...


@runtime_checkable
class LocksRows(Protocol):
    """A vendor that refuses to write a record while somebody else writes it."""

    def lock_rows(self, every: int) -> None:
        """From now on every so manieth record that a call writes is held by somebody else; 0: none."""
        ...


Handler: TypeAlias = Callable[[Call, Sequence[str]], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of a vendor. `cost` is in the vendor's unit; `handler` gets what stood in the braces."""

    method: str
    template: str
    cost: int
    handler: Handler


class Routes:
    """Which operation a method and a path mean. Literal segments go before `{...}`."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)
        self._by_shape: dict[tuple[str, int], list[tuple[Route, tuple[str, ...]]]] = {}
        for route in sorted(self._routes, key=lambda route: route.template.replace("{", "\x7f")):
            segments = tuple(route.template.strip("/").split("/"))
            self._by_shape.setdefault((route.method, len(segments)), []).append((route, segments))

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def find(self, method: str, path: str) -> tuple[Route, Sequence[str]] | None:
        segments = path.strip("/").split("/")
        for route, wanted in self._by_shape.get((method, len(segments)), ()):
            if all(want == got or want.startswith("{") for want, got in zip(wanted, segments, strict=True)):
                return route, [got for want, got in zip(wanted, segments, strict=True) if want.startswith("{")]
        return None

    def methods(self, path: str) -> Sequence[str]:
        """The methods that this path answers to; none: there is no such path."""
        return [method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if self.find(method, path)]
