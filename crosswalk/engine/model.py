"""What the engine works on: one hub with its connections and streams, ready to run."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from msgspec import Struct

from connectors.sdk.contract import Connector, FieldInfo, StreamSpec
from crosswalk.engine.matching import IdentKinds, Rules
from crosswalk.engine.policies import Policies
from crosswalk.problems import Problem
from crosswalk.store.dialect import Database
from crosswalk.store.erasures import Gate, Suppressed
from crosswalk.store.goldens import Layout
from crosswalk.store.leases import Leases
from crosswalk.store.pauses import Pause, pause_of
from crosswalk.store.records import Landing
from mapping.compile import CompiledMapping
from mapping.derive import CxSettings
from mapping.values import Value


class Progress(Protocol):
    """Who is told how far the work is."""

    def stage(self, name: str, *, total: int | None = None) -> None: ...
    def advance(self, stream: str, *, read: int = 0, changed: int = 0, written: int = 0) -> None: ...


class Silent:
    """Nobody is told."""

    def stage(self, name: str, *, total: int | None = None) -> None:
        """Nothing to show."""

    def advance(self, stream: str, *, read: int = 0, changed: int = 0, written: int = 0) -> None:
        """Nothing to show."""


class Ceiling(Struct, frozen=True):
    """One guard: over either number the whole class waits."""

    at_most: int | None
    share: float | None  # of the stream's live records, counted from 20 up
    rule: str  # where it stands


class Patience(Struct, frozen=True):
    """Seconds to wait for what another process works on. A person is told at once, a daemon has time."""

    stream: float = 0
    settling: float = 0


ABOUT_PEOPLE: Final = ("activity", "invitation")  # kinds that may be of one person alone, and then are theirs
WITH_PEOPLE: Final = frozenset({"person", "response", *ABOUT_PEOPLE})

_LEVELS: Final = {"owner": 0, "company": 1, "person": 2}


@dataclass(slots=True)
class Stream:
    """One listed stream of a connection."""

    id: int
    connection: str
    name: str
    spec: StreamSpec
    kind: str
    mapping: CompiledMapping
    mapping_id: int
    approved: bool  # the first plan of its mapping has been applied
    layout: Layout
    place: list[int]  # per mapping field its position in the layout
    at: Mapping[str, int]  # per hub field its position in the mapping
    refs: tuple[int, ...]  # mapping fields that hold references
    writes: frozenset[str]  # of create, update, delete as the operator allows
    create_from: frozenset[str]
    hub_id: FieldInfo | None
    on_delete: str
    guards: Mapping[str, Ceiling]
    identifiers: Callable[[Sequence[Value]], Sequence[tuple[int, int]]]
    limit: Callable[[int], int]  # how many may hold an identifier of a kind
    catalogue: Sequence[FieldInfo] = ()
    complete: bool = False
    gate: Gate | None = None  # of a stream that holds people: keeps out who was erased
    straight: bool = field(init=False)  # the fields stand in the layout as they do in the mapping

    def __post_init__(self) -> None:
        self.straight = self.place == list(range(len(self.place)))

    @property
    def address(self) -> str:
        return f"{self.connection}/{self.name}"

    @property
    def level(self) -> int:
        """Parents before children: a stream's records refer to those of lower levels alone."""
        return _LEVELS.get(self.kind, len(_LEVELS))

    def landing(self, database: Database, *, bulk: bool = False) -> Landing:
        return Landing(
            database,
            self.id,
            self.mapping_id,
            self.mapping,
            self.identifiers,
            self.limit,
            bulk,
            self.gate,
            self.spec.fixed,
        )

    @property
    def unique_hub_id(self) -> bool:
        """Does the vendor itself refuse, or find again, a second record of one hub id?"""
        return self.spec.hub_id_unique and self.hub_id is not None and self.hub_id.unique

    def may_write(self, at: int) -> bool:
        """May this field of a record that is there be written?"""
        return "update" in self.writes and self.mapping.writable[at]


class Link(Struct):
    """One connection: the connector behind it."""

    name: str
    connector: Connector
    role: str
    unit: str
    time_zone: str


@dataclass
class House:
    """Everything of one hub, open. One run works in it at a time (per process)."""

    database: Database
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    links: dict[str, Link]
    streams: dict[str, Stream]
    layouts: dict[str, Layout]
    policies: Policies
    rules: Rules
    settings_print: str
    cx: CxSettings
    ident_kinds: IdentKinds
    holder: str
    leases: Leases
    file: str = "crosswalk.yaml"
    settings: Any = None  # crosswalk.settings.model.HubSettings: for what people are told of it
    progress: Progress = field(default_factory=Silent)
    stop: threading.Event = field(default_factory=threading.Event)
    calls: dict[str, int] = field(default_factory=dict)  # requests by connection, since it was opened
    changes: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # by stream: fields that are not as they were
    pauses: Mapping[str, Pause] = field(default_factory=dict)  # by address, of connections and streams
    unasked: Sequence[Problem] = ()  # of connections that could not be asked what they have, or are asked no more
    patience: Patience = field(default_factory=Patience)
    begun: Callable[[int], None] = lambda run: None  # told the number of a run before its work begins
    suppressed: Suppressed = field(init=False)  # by what people who were erased are known

    def __post_init__(self) -> None:
        self.suppressed = Suppressed(self.database, self.ident_kinds.hashed)
        for stream in self.streams.values():
            if stream.kind in WITH_PEOPLE:
                stream.gate = Gate(stream.address, self.suppressed)

    def by_id(self, number: int) -> Stream | None:
        return next((stream for stream in self.streams.values() if stream.id == number), None)

    def now(self) -> int:
        return int(self.clock().timestamp() * 1000)

    def pause_of(self, stream: Stream) -> Pause | None:
        """Why a stream is neither read nor written; None: it is."""
        return pause_of(self.pauses, stream.address)

    def of_kind(self, kind: str) -> list[Stream]:
        return [stream for stream in self.streams.values() if stream.kind == kind]

    @property
    def derives(self) -> bool:
        """Are there answers to compute figures from?"""
        return bool(self.of_kind("response"))
