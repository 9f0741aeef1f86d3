"""The vendor's side of a test, as verbs: what the suite asks of a simulation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, NoReturn, Protocol

import pytest

from connectors.sdk.contract import Connector, Json, Operation, StreamSpec, Values
from connectors.sdk.fakes import Bench


class Effect(NamedTuple):
    """A write that the vendor carried out, whether or not its answer arrived."""

    stream: str
    op: Operation
    key: str


class Vendor(Protocol):
    """A simulated vendor. Inherit from this: a verb that is not overridden skips the tests that need it.

    Records live in streams; `key` is what the connector calls a record. Times are the vendor's.
    """

    def now(self) -> datetime:
        """The vendor's clock."""
        ...

    def seed(self, stream: str, count: int, *, at: datetime, step: timedelta = timedelta(0)) -> list[str]:
        """Make live records that were last changed at `at`, `at + step`, ...; their keys in that order."""
        ...

    @property
    def secrets(self) -> Sequence[str]:
        """Whatever must never stand in an error: tokens, client secrets."""
        return ()

    # what a record holds

    def text_path(self, stream: str) -> str:
        """Where a text without a form of its own stands in `RemoteRecord.values`: "name", "fields.note"."""
        cannot("text_path")

    def put(self, stream: str, key: str, value: Json, *, at: datetime) -> None:
        """Change that text, as somebody at the vendor would; None empties it, as the vendor empties."""
        cannot("put")

    def choose(self, stream: str, key: str, option: str, *, at: datetime) -> None:
        """Give a picklist of the record an option that its catalogue does not name."""
        cannot("choose")

    def garble(self, stream: str, key: str, *, at: datetime) -> None:
        """Make the record one that is none: a time of "0000-00-00", an id that is missing."""
        cannot("garble")

    # what becomes of it

    def commit_late(self, stream: str, *, at: datetime) -> str:
        """A record that appears only now, under an older stamp; its key."""
        cannot("commit_late")

    def delete(self, stream: str, key: str, *, at: datetime) -> None:
        cannot("delete")

    def undelete(self, stream: str, key: str, *, at: datetime) -> None:
        cannot("undelete")

    def archive(self, stream: str, key: str, *, at: datetime) -> None:
        cannot("archive")

    def merge(self, stream: str, key: str, *, into: str, at: datetime) -> None:
        cannot("merge")

    # what goes wrong; each concerns requests for records, not those for tokens or catalogues

    def fail(self, status: int, *, after: int = 0, times: int = 1, headers: Mapping[str, str] | None = None) -> None:
        """After `after` more requests the next `times` are answered with this status, and nothing is done."""
        cannot("fail")

    def lose(self, *, after: int = 0) -> None:
        """After `after` more requests the next one is carried out, and its answer never arrives."""
        cannot("lose")

    def expire_token(self, *, after: int = 0) -> None:
        """After `after` more requests the token that was given out is refused until it is renewed."""
        cannot("expire_token")

    def refuse(self, *numbers: int) -> None:
        """Of the writes that come next those (0 is the first) are refused, the others carried out."""
        cannot("refuse")

    def vanish(self, stream: str) -> None:
        """Take the field of `text_path` out of the stream's catalogue: it is gone since it was discovered."""
        cannot("vanish")

    # what was written

    def draft(self, stream: str, number: int) -> Values:
        """Values of a create, in the connector's own shape; another record for each number."""
        cannot("draft")

    def effects(self) -> Sequence[Effect]:
        """Every write that was carried out, in order."""
        cannot("effects")


def cannot(verb: str) -> NoReturn:
    pytest.skip(f"this vendor's simulation cannot do that: give it the verb `{verb}`")


@dataclass
class Rig:
    """What a test holds: the connector, the vendor it talks to, and the hub's side in memory."""

    connector: Connector
    vendor: Vendor
    bench: Bench

    def spec(self, stream: str) -> StreamSpec:
        return self.connector.streams[stream]

    def yesterday(self) -> datetime:
        """A time of the vendor's that lies behind every hold-back, whole to the second."""
        return (self.vendor.now() - timedelta(days=1)).replace(microsecond=0)


def needs(condition: object, what: str) -> None:
    """Skip unless the declaration calls for it."""
    if not condition:
        pytest.skip(f"the stream does not declare it: {what}")
