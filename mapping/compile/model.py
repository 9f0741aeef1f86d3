"""What goes into a compiled mapping and what it answers with."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Struct, field

from mapping.language import Place
from mapping.surveys import SurveyRoles

Json: TypeAlias = Any
Values: TypeAlias = Mapping[str, Json]
State: TypeAlias = Literal["live", "archived", "deleted", "merged", "converted"]

SKIP: Final = ()  # what a write answers where this side cannot be told the value; no raw value is a tuple


class Catalogued(Protocol):
    """A field of a stream as its connector discovered it."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def options(self) -> Sequence[tuple[str, str]]: ...
    @property
    def open(self) -> bool: ...
    @property
    def read(self) -> bool: ...
    @property
    def write(self) -> bool: ...
    @property
    def required(self) -> bool: ...
    @property
    def unique(self) -> bool: ...
    @property
    def custom(self) -> bool: ...
    @property
    def max_length(self) -> int | None: ...
    @property
    def decimals(self) -> int | None: ...
    @property
    def refers_to(self) -> str | None: ...
    @property
    def paused(self) -> bool: ...


class Context(Struct, frozen=True, kw_only=True):
    """What a mapping needs to know of its connection.

    `label` is the vendor's name for people ("Pipedrive"). `tool` is what responses name as theirs; left out, the
    connection. `time_zone` is the account's: of times without a zone, and of dates that stand for instants. `region`
    is that of phone numbers without a country code, `currency` that of amounts without one; while nobody knows whether
    it still is (`currency_doubted`), these are neither read nor written. `lookups` are tables of a
    vendor's reference data by name, `stages`: id -> status.
    """

    connection: str
    label: str
    time_zone: str = "UTC"
    region: str | None = None
    currency: str | None = None
    currency_doubted: bool = False
    surveys: Mapping[str, SurveyRoles] = field(default_factory=dict)
    tool: str = ""
    lookups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class MappingFault(Struct, frozen=True, kw_only=True):
    """One fault of a mapping, for the person who wrote it. `width`: characters to underline from `place` on."""

    code: str
    text: str
    hint: str
    place: Place
    width: int = 1


class MappingError(Exception):
    """A mapping cannot be compiled. `faults` are all of them, in the order of the lines."""

    def __init__(self, faults: Sequence[MappingFault]) -> None:
        super().__init__("; ".join(f"{fault.code} {fault.text}" for fault in faults))
        self.faults = tuple(faults)


class ValueFault(NamedTuple):
    """A value that cannot be understood. `got` is a customer's: for the dead letter, never for a message or a log."""

    field: str
    source: str
    want: str
    got: Json


class Described(NamedTuple):
    """One line for people: which vendor field goes where, and which way. `held` names why it does nothing here."""

    target: str
    source: str
    field: str
    direction: Literal["read", "write", "both", "none"]
    default: bool
    place: Place
    vendor_fields: tuple[str, ...]
    held: str = ""
