"""What a connector declares and implements.

The engine asks declarations, never "is this Acme?". Everything that crosses this seam is plain JSON:
in `Values` a missing key is absent and null is cleared; a connector turns its vendor's habits into that
on reading and back on writing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import msgspec
from msgspec import Struct, field
from pydantic import BaseModel

from connectors.sdk.decoding import DECODER, decoded

# A JSON value. Numbers with a fraction are `Decimal`, never float: a score or an amount keeps every digit.
# `Any`, since a recursive alias makes every access a cast; values are checked where they are mapped.
Json: TypeAlias = Any
Values: TypeAlias = Mapping[str, Json]
Position: TypeAlias = Mapping[str, Json]
# archive: put away so that people there can bring it back, in an archive where the vendor has one, else in its bin;
# restore: brought back from there, under the same key.
Operation: TypeAlias = Literal["create", "update", "archive", "restore"]


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


LONGEST_KEY: Final = 500  # characters: both databases can keep them in an index


NOT_KEPT: Final = f"has a key that cannot be kept: longer than {LONGEST_KEY} characters, or with a NUL in it"


def is_key(text: str) -> bool:
    """Can it be the key of a record? It says something, is not longer than LONGEST_KEY, and holds no NUL."""
    return 0 < len(text) <= LONGEST_KEY and "\0" not in text


class RemoteRecord(NamedTuple):
    """One row as the vendor has it. A NamedTuple: it is made 100,000 times a minute.

    `key` is its id, see `is_key`; `version` is whatever orders two reads of the record or guards a write (etag,
    revision, stamp); `values` is the vendor's own shape, its habits turned into absent and cleared.
    """

    key: str
    version: str | None
    modified: datetime | None
    values: Values


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """A row as JSON, not parsed: just as the vendor sent it, or, as bytes, packed again once it was in shape
    (`rows.packed`): what was packed is sound.

    The hub knows an unchanged record by these bytes and never parses it: 4 µs a record instead of 10 (28 fields). So
    nothing may stand in them that changes while the record does not.
    """

    key: str
    version: str | None
    modified: datetime | None
    raw: msgspec.Raw | bytes

    @property
    def values(self) -> Values:
        """Parsed anew each time."""
        values: Values = decoded(DECODER, self.raw)
        return values

    def __repr__(self) -> str:
        """Of a RemoteRecord that says the same, for tests and debuggers."""
        return repr(RemoteRecord(self.key, self.version, self.modified, self.values))


Record: TypeAlias = RemoteRecord | RawRecord


class Removal(NamedTuple):
    """A record that the vendor says is gone. `survivor`: the record it was merged into."""

    key: str
    at: datetime | None
    survivor: str | None


class Page(Struct, frozen=True):
    """Some records of a window.

    `position` is where the window goes on (opaque to the engine, stored as JSON, handed back in
    `Window.position` after a crash); None only when the window was read to its end, with proof.
    `server_time` is the vendor's clock (Date header or API), the only clock a watermark may use.
    `last`: for streams whose cursor is "content" alone. Their last page keeps its position, which says what
    was read, and the next window is handed it; so there it is `last` that says the window was read to its end.
    `anew`: places (a file's name) that are read from their beginning as of this page, or are gone. What was set aside
    there before (`RowFault.where` is such a name, or begins with it and a blank) and does not come again is mended.
    `asked`: of responses to one survey, the refs of all that it asks by now (`answers[].field.ref` of a record).
    Answers that are held to anything else stand as they were read; None: whatever is not there was taken back.
    """

    records: Sequence[Record]
    position: Position | None
    server_time: datetime | None
    total: int | None = None
    faults: "Sequence[RowFault]" = ()
    last: bool = False
    anew: Sequence[str] = ()
    asked: Collection[str] | None = None


class RowFault(NamedTuple):
    """A row that cannot be a record at all (no key, broken CSV line): for the dead letters."""

    where: str  # "members-11.csv line 214": what a person looks for
    key: str | None
    reason: str  # never holds a value of a customer
    raw: Json  # what stood there, for `dlq show`


class Window(Struct, frozen=True):
    """What to read of one part: changed at or after `since` (None: from the beginning), to the vendor's now.

    `since` begins a unit of the stream's `resolution` (`StreamSpec.whole`).
    `position`: go on inside a window that was interrupted; everything before it has been landed.
    """

    part: str
    since: datetime | None
    position: Position | None = None


class Costs(Struct, frozen=True, kw_only=True):
    """What one call costs in the unit of the account's budget. `list` is per page."""

    list: int = 1
    get: int = 1
    create: int = 1
    update: int = 1
    archive: int = 1
    search: int = 1


class StreamSpec(Struct, frozen=True, kw_only=True):
    """One object of a vendor: what the engine must know to read and write it without losing anything."""

    usual: bool = True  # read when the operator lists no streams
    writes: frozenset[Operation] = frozenset()
    # reading
    cursor: Literal["modified", "content", "full"] = "modified"  # content: the connector itself knows what changed
    resolution: timedelta = timedelta(seconds=1)  # of the vendor's stamp
    hold_back: timedelta = timedelta(minutes=1)  # how late a commit may become visible under an older stamp
    visibility_lag: timedelta = timedelta(seconds=5)  # until search and read-back show a write
    cap: int | None = None  # results a listing stops at
    page_size: int = 100
    paging: Literal["cursor", "token", "keyset", "offset", "none"] = "cursor"
    missing_means: Literal["absent", "cleared"] = "absent"
    fetch_batch: int = 100  # records that one call of `fetch` reads; 1: a call each, at the cost of `get`
    fixed: bool = False  # of one version, a record never changes: what differs was looked up beside it, later
    parts: bool = False  # surveys, forms, archives: each with its own watermark
    # removals
    removals: bool = False  # there is a feed of deletions
    removals_reach: timedelta | None = None  # how far back it goes
    sweep: bool = False  # `keys` lists every live record, and proves that it did
    merges_name_survivor: bool = False
    # writing
    hub_id_unique: bool = False  # a unique external-id field can be the upsert key
    answers_with_values: bool = True  # a write answers with the record as it stands afterwards
    batch: int = 1  # records a call
    batch_failure: Literal["per_record", "opaque", "all_or_nothing"] = "per_record"
    precondition: Literal["etag", "version", "none"] = "none"
    parent: str | None = None  # stream of the record to group writes by, where rows lock
    fires_automation_on_create: bool = False
    costs: Costs = field(default_factory=Costs)

    def whole(self, moment: datetime | None) -> datetime | None:
        """The beginning of the unit that a stamp of this moment shows: a vendor that tells minutes dates what changed
        at 8:00:50 to 8:00, and asked for what changed since 8:00:40 it leaves that out."""
        return None if moment is None else moment - (moment - _EPOCH) % self.resolution


FieldType: TypeAlias = Literal[
    "text", "long_text", "number", "int", "bool", "date", "datetime", "choice", "multi", "money",
    "address", "emails", "phones", "ref", "json",
]  # fmt: skip


class FieldInfo(Struct, frozen=True, kw_only=True):
    """One field of a stream as discovered.

    `name` is the vendor's own (a custom field's hash), `label` what people see; a mapping may use either.
    `path` is where the value stands in `RemoteRecord.values` and in `Write.values` ("custom_fields.ab12…").
    `mark`: by what the vendor tells it from an earlier or later field of the same name; None: it does not.
    `open`: a choice that takes other words than its options too. `paused` is the hub's own mark, which a connector
    leaves alone: the field was there, is mapped, and no longer is as it was.
    """

    name: str
    label: str
    type: FieldType
    path: str
    options: Sequence[tuple[str, str]] = ()  # (id, label)
    open: bool = False
    read: bool = True
    write: bool = False
    required: bool = False  # on create
    unique: bool = False
    custom: bool = False
    max_length: int | None = None
    decimals: int | None = None  # that a number keeps; None: all
    refers_to: str | None = None  # stream
    mark: str | None = None
    paused: bool = False


class Account(Struct, frozen=True, kw_only=True):
    """Who we are at the vendor, and what we may do there.

    `currency` is that of amounts without one of their own; `currency_by_file`: the operator says so, not the vendor.
    `currency_now` is the hub's own mark, which a connector leaves alone: what the vendor has come to say since, while
    nobody has said what that makes of the amounts.
    """

    id: str  # the remote account's own id: the same account is never connected twice
    name: str
    identity: str  # the user or integration the token belongs to
    time_zone: str | None = None
    currency: str | None = None
    currency_by_file: bool = False
    currency_now: str | None = None
    country: str | None = None  # ISO 3166-1 alpha-2: region of phone numbers without one
    allowance: int | None = None  # calls (in the budget's unit) a day
    left: int | None = None
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)  # stream -> permissions by the vendor's name


class Write(NamedTuple):
    """One change of one target record. `values` in the vendor's shape, null clears."""

    action: str
    op: Operation
    key: str | None
    hub_id: str | None
    values: Values
    expects: str | None  # version the record must still have, where the stream has preconditions


class Outcome(NamedTuple):
    """What became of a write. A write without an outcome counts as unknown.

    `values`: the record as the answer shows it; None: the answer carried none. `reason` never holds a
    customer's value.
    """

    action: str
    status: Literal["done", "rejected", "later", "moved", "unknown"]
    key: str | None = None
    version: str | None = None
    values: Values | None = None
    reason: str = ""


class Grant(NamedTuple):
    """A token as it is kept (encrypted) in the store. `generation` grows with every refresh."""

    access_token: str
    refresh_token: str | None
    expires_at: datetime | None
    generation: int
    extra: Mapping[str, str] = {}  # instance url, api domain


class TokenStore(Protocol):
    """Compare-and-swap on the generation; no lock is held over HTTP."""

    def read(self, connection: str) -> Grant | None: ...
    def claim(self, connection: str, *, generation: int, seconds: float) -> bool: ...
    def release(self, connection: str, *, generation: int) -> None:
        """Give a claim back that came to nothing: another process, or a person, may try at once."""
        ...

    def replace(self, connection: str, grant: Grant, *, generation: int) -> bool: ...


class BudgetStore(Protocol):
    """The day's allowance of an account, shared by all processes."""

    def take(self, account: str, *, lane: str, calls: int) -> int:
        """Take up to `calls` units for a lane ("optout", "alert", "write", "read"); how many were granted."""
        ...

    def report(self, account: str, *, remaining: int, resets: datetime | None) -> None: ...


def _uncounted(cost: int) -> None:
    """Nobody counts."""


class Tools(Struct, frozen=True, kw_only=True):
    """What the hub hands to a connector. `settings` has been fetched already: secrets stand in it as values."""

    connection: str
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    tokens: TokenStore
    budget: BudgetStore
    time_zone: str = "UTC"
    sent: Callable[[int], None] = _uncounted  # told of every request that leaves, with its cost


class StreamSettings(BaseModel):
    """What an operator writes under a stream for the connector itself. Connectors extend it; unknown keys are errors.

    `parts`: the surveys or forms that take part, as the operator lists them; empty: all of them.
    """

    model_config = {"extra": "forbid", "hide_input_in_errors": True, "frozen": True}

    parts: tuple[str, ...] = ()


class Settings(BaseModel):
    """What an operator writes under a connection, besides `schedule` and `budget`. Connectors extend it.

    Unknown keys are errors; secrets are `pydantic.SecretStr` fields and come as env: or file: references.
    """

    model_config = {"extra": "forbid", "hide_input_in_errors": True, "frozen": True}

    base_url: str | None = None
    token_url: str | None = None
    insecure: bool = False
    # Filled by the hub: of each listed stream an instance of the connector's `stream_settings`.
    streams: Mapping[str, Any] = {}


@runtime_checkable
class Keyed(Protocol):
    """A connector whose operator says by which columns its records are known."""

    def known_by(self, stream: str) -> Sequence[str]:
        """These columns."""

    def key_of(self, stream: str, values: Values) -> str | None:
        """The key that a record of these values has by what the operator says now."""


class Connector(Protocol):
    """A plugin. Synchronous: it runs in a thread of its own per stream, so it reads like a loop.

    A class whose streams are named by the operator and are all alike may say so: `each: ClassVar[StreamSpec]`. What
    they cannot do is then told when the file is read.
    """

    name: ClassVar[str]
    label: ClassVar[str]  # "Pipedrive"
    unit: ClassVar[str]  # of the budget: "calls", "tokens", "credits"
    role: ClassVar[Literal["crm", "files", "cem"]]  # default rank of masters
    settings: ClassVar[type[Settings]]
    stream_settings: ClassVar[type[StreamSettings]]

    @classmethod
    def connect(cls, settings: Any, tools: Tools) -> "Connector":
        """A connector for one account. No request is made yet. `settings` is an instance of `cls.settings`."""
        ...

    @property
    def streams(self) -> Mapping[str, StreamSpec]: ...

    def account(self) -> Account: ...
    def fields(self, stream: str) -> Sequence[FieldInfo]: ...
    def parts(self, stream: str) -> Sequence[str]:
        """The parts of a stream (surveys, forms, archives); [""] where it has none."""
        ...

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        """The changed records of one part, each at least once, oldest change first where possible."""
        ...

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        """These records as they stand now; a key that is missing in the answer is gone or invisible."""
        ...

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        """Every live key; raises rather than ends early."""
        ...

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]: ...
    def find(self, stream: str, write: Write) -> Sequence[Record]:
        """Did that create arrive? By hub id, else strongest identifier, else the newest records."""
        ...

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]: ...
    def close(self) -> None: ...
