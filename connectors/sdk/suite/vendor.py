"""The vendor's side of a test, as verbs: what the suite asks of a simulation."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import ClassVar, NamedTuple, NoReturn, Protocol

import pytest
from msgspec import Struct

from connectors.sdk.contract import Connector, Json, Operation, StreamSpec, Values
from connectors.sdk.fakes import Bench


class Effect(NamedTuple):
    """A write that the vendor carried out, whether or not its answer arrived."""

    stream: str
    op: Operation
    key: str


class Vendor(Protocol):
    """A simulated vendor. Inherit from this, and give it the verbs that the vendor knows.

    What it has nothing like is named in `lacks`, each with why: a verb, or `stream/verb`. The tests that need it are
    skipped with that reason; where a verb is neither overridden nor named they fail. A verb that only some streams
    have ends, for the others, in `super()`.

    Records live in streams; `key` is what the connector calls a record. Times are the vendor's.
    """

    lacks: ClassVar[Mapping[str, str]] = {}

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

    def without(self, verb: str, stream: str = "") -> NoReturn:
        """Skip the test for the reason in `lacks`; fail where there is none."""
        why = self.lacking(verb, stream)
        if why is None:
            pytest.fail(f"{stream}: give the simulation the verb `{verb}`, or say in `lacks` why it has none")
        pytest.skip(f"{verb}: {why}")

    def lacking(self, verb: str, stream: str) -> str | None:
        """Why the vendor has nothing like this verb; None: it has."""
        return self.lacks.get(f"{stream}/{verb}") or self.lacks.get(verb)

    # what a record holds

    def text_path(self, stream: str) -> str:
        """Where a text without a form of its own stands in `RemoteRecord.values`: "name", "fields.note"."""
        self.without("text_path", stream)

    def put(self, stream: str, key: str, value: Json, *, at: datetime) -> None:
        """Change that text, as somebody at the vendor would; None empties it, as the vendor empties."""
        self.without("put", stream)

    def choose(self, stream: str, key: str, option: str, *, at: datetime) -> None:
        """Give a picklist of the record an option that its catalogue does not name."""
        self.without("choose", stream)

    def date_path(self, stream: str) -> str:
        """Where a day without a time stands: "birth_date"."""
        self.without("date_path", stream)

    def choice_path(self, stream: str) -> str:
        """Where the picklist of `choose` stands."""
        self.without("choice_path", stream)

    def list_path(self, stream: str) -> str:
        """Where something stands of which a record has several: tags, phone numbers, a picklist of many."""
        self.without("list_path", stream)

    def date(self, stream: str, key: str, day: str, *, at: datetime) -> None:
        """Give the record this day ("1931-05-04") at `date_path`."""
        self.without("date", stream)

    def fill(self, stream: str, key: str, count: int, *, at: datetime) -> None:
        """Let the list at `list_path` hold so many; 0 empties it, as the vendor empties."""
        self.without("fill", stream)

    def garble(self, stream: str, key: str, *, at: datetime) -> None:
        """Make the record one that is none: a time of "0000-00-00", an id that is missing."""
        self.without("garble", stream)

    def tell_offset(self, offset: timedelta) -> None:
        """From now on tell times with this offset from UTC: the same moments, written otherwise."""
        self.without("tell_offset")

    # what becomes of it

    def commit_late(self, stream: str, *, at: datetime) -> str:
        """A record that appears only now, under an older stamp; its key."""
        self.without("commit_late", stream)

    def delete(self, stream: str, key: str, *, at: datetime) -> None:
        self.without("delete", stream)

    def undelete(self, stream: str, key: str, *, at: datetime) -> None:
        self.without("undelete", stream)

    def archive(self, stream: str, key: str, *, at: datetime) -> None:
        self.without("archive", stream)

    def merge(self, stream: str, key: str, *, into: str, at: datetime) -> None:
        self.without("merge", stream)

    # what goes wrong; each concerns requests for records, not those for tokens or catalogues

    def fail(self, status: int, *, after: int = 0, times: int = 1, headers: Mapping[str, str] | None = None) -> None:
        """After `after` more requests the next `times` are answered with this status, and nothing is done."""
        self.without("fail")

    def lose(self, *, after: int = 0) -> None:
        """After `after` more requests the next one is carried out, and its answer never arrives."""
        self.without("lose")

    def expire_token(self, *, after: int = 0) -> None:
        """After `after` more requests the token that was given out is refused until it is renewed."""
        self.without("expire_token")

    def refuse(self, *numbers: int) -> None:
        """Of the writes that come next those (0 is the first) are refused, the others carried out."""
        self.without("refuse")

    def shuffle(self) -> None:
        """From now on answer the writes of one call in an order that is not that of the call."""
        self.without("shuffle")

    def vanish(self, stream: str) -> None:
        """Take the field of `text_path` out of the stream's catalogue: it is gone since it was discovered."""
        self.without("vanish", stream)

    # what was written

    def draft(self, stream: str, number: int) -> Values:
        """Values of a create, in the connector's own shape; another record for each number."""
        self.without("draft", stream)

    def effects(self) -> Sequence[Effect]:
        """Every write that was carried out, in order."""
        self.without("effects")


class Rig(Struct, dict=True):
    """What a test holds: the connector, the vendor it talks to, and the hub's side in memory."""

    connector: Connector
    vendor: Vendor
    bench: Bench

    def spec(self, stream: str) -> StreamSpec:
        return self.connector.streams[stream]

    def yesterday(self) -> datetime:
        """A time of the vendor's that lies behind every hold-back, whole to the second; one and the same in a test."""
        return self._yesterday

    @cached_property
    def _yesterday(self) -> datetime:
        return (self.vendor.now() - timedelta(days=1)).replace(microsecond=0)


def needs(condition: object, what: str) -> None:
    """Skip unless the declaration calls for it."""
    if not condition:
        pytest.skip(f"the stream does not declare it: {what}")
