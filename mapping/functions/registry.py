"""The functions of the mapping language by name: what each takes and gives, how it reads, and its inverse or none.

A function is declared once (`@function(...)`) and made once per line. Reading goes from the vendor's value to the
common form and raises `Misfit` where it cannot; writing goes back.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from msgspec import Struct, field

from mapping.conditions import Row, Test
from mapping.language import Argument
from mapping.values import Value

Read: TypeAlias = Callable[[Value], Value]
ReadIn: TypeAlias = Callable[[Value, Row], Value]
Write: TypeAlias = Callable[[Value, Value], Value]

# What a write answers where this side cannot be told the value; no raw value is a tuple.
SKIP: Final = ()

# The sorts of values on their way through a line: those of a catalogue, then the types of the schema.
WORDS: Final[Mapping[str, str]] = {
    "text": "a text",
    "number": "a number",
    "bool": "yes or no",
    "date": "a date",
    "datetime": "a date with a time",
    "choice": "a choice",
    "multi": "several choices",
    "money": "an amount of money",
    "list": "a list",
    "record": "an object",
    "ref": "a reference",
    "row": "the whole row",
    "int": "a whole number",
    "percent": "a percentage",
    "id": "an id",
    "at": "an instant",
    "when": "a date or an instant",
    "partial_date": "a date or part of one",
    "email": "an e-mail address",
    "emails": "a list of e-mail addresses",
    "phone": "a phone number",
    "phones": "a list of phone numbers",
    "address": "an address",
    "url": "an address of the web",
    "lang": "a language",
    "tz": "a time zone",
    "consent": "a consent",
    "answers": "answers of a survey",
    "option": "a choice",
    "any": "anything",
}
_TEXTS: Final = frozenset({"text", "id", "choice", "email", "phone", "lang", "tz", "country", "domain", "url", "name"})
_NUMBERS: Final = frozenset({"number", "int", "decimal", "percent"})
_TIMES: Final = frozenset({"date", "datetime", "at", "when", "partial_date"})
TEXTS: Final = _TEXTS | {"any"}
NUMBERS: Final = _NUMBERS | {"money", "any", "text", "choice"}
TIMES: Final = _TIMES | {"any", "text"}
SCALARS: Final = _TEXTS | _NUMBERS | _TIMES | {"any", "bool", "money", "ref"}
LISTS: Final = frozenset({"list", "multi", "any"})
ANY: Final = SCALARS | LISTS | {"record", "row", "body", "json", "address", "consent", "score"}


class ArgumentFault(Exception):  # noqa: N818 # a finding of somebody's file, not a failure of ours
    """An argument that a function cannot work with. `argument` None: the call itself."""

    def __init__(self, text: str, hint: str, argument: Argument | None = None, *, code: str = "CW110") -> None:
        super().__init__(text)
        self.text, self.hint, self.argument, self.code = text, hint, argument, code


class Spot(Protocol):
    """A place in the rows of a stream, checked against the catalogue."""

    @property
    def label(self) -> str: ...
    @property
    def name(self) -> str:
        """As a fingerprint and a message about the vendor's field name it."""
        ...

    @property
    def get(self) -> Callable[[Row], Value]: ...


class Around(Protocol):
    """What a function is made among: its line, its stream, its account."""

    @property
    def kind(self) -> str: ...
    @property
    def vendor(self) -> str:
        """The vendor's label in lower case: picklists differ by vendor."""
        ...

    @property
    def zone(self) -> str:
        """Of times without one, and of dates that stand for instants."""
        ...

    @property
    def region(self) -> str | None: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def currency_doubted(self) -> bool:
        """Are amounts that go by the account's currency left alone?"""
        ...

    @property
    def lookups(self) -> Mapping[str, Mapping[str, str]]: ...
    @property
    def source(self) -> str:
        """The vendor's name of the field that the line reads."""
        ...

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        """Of that field: (id, label)."""
        ...

    @property
    def open(self) -> bool:
        """Does that field take other words than its options?"""
        ...

    @property
    def refers_to(self) -> str | None: ...
    @property
    def target(self) -> str: ...
    @property
    def type(self) -> str:
        """Of the target's bare value."""
        ...

    @property
    def codes(self) -> Sequence[str]: ...
    @property
    def of_row(self) -> bool:
        """Does the line begin with @, so that arguments are fields of the stream?"""
        ...

    @property
    def field_type(self) -> str:
        """Of the source, in the words of a catalogue; "" where it is not told, or only a part of a field is read."""
        ...

    def spot(self, argument: Argument) -> Spot:
        """A field of the stream."""
        ...

    def within(self, argument: Argument) -> Spot:
        """A place within the source."""
        ...

    def maybe_spot(self, argument: Argument) -> Spot | None:
        """The same, None where a default names what this account does not have."""
        ...

    def test(self, argument: Argument, text: str | None = None) -> Test:
        """A condition on the row."""
        ...

    def make(self, argument: Argument) -> "Made":
        """Another function, named by an argument."""
        ...


class Made(NamedTuple):
    """A function with its arguments, ready.

    `read` takes a value that was carried (never ABSENT; None only where `sees_none`). `read_in` replaces it where the
    row is looked at, and may answer ABSENT. `write(wanted, was)` is the inverse: `was` is what stood before this
    function when the record was last seen, ABSENT if unknown; it answers SKIP where this side cannot be told. None:
    there is no inverse. `beside(wanted, row)` are further places to write. `print` is what of it changes reading.
    `read_spots` does what `read_in` does, of the values of `spots` in their order, where it looks at no others; of
    values that are all cleared it makes nothing.
    """

    gives: str
    read: Read | None = None
    read_in: ReadIn | None = None
    write: Write | None = None
    beside: Callable[[Value, Row], Sequence[tuple[Spot, Value]]] | None = None
    only_beside: bool = False  # nothing is written where the value was read
    sees_none: bool = False
    print: Any = None  # JSON
    spots: Sequence[Spot] = ()
    read_spots: Callable[[Sequence[Value]], Value] | None = None
    name: str = ""  # of the function
    leads_to: str | None = None  # of references: the stream; "any" where it stands in the row


class Partly(Exception):  # noqa: N818 # carries what could be read beside what could not
    """Of a list some elements could not be understood; the others stand."""

    def __init__(self, value: Value, faults: Sequence[tuple[str, Value]]) -> None:
        super().__init__("a part of a list")
        self.value, self.faults = value, faults


Maker: TypeAlias = Callable[[Sequence[Argument], Around], Made]


class Function(Struct, frozen=True, kw_only=True):
    """One function of the language. `usage` is how it is written; `by_option`: reads an option's id or label itself."""

    name: str
    takes: frozenset[str]
    gives: str
    usage: str
    make: Maker
    least: int = 0
    most: int | None = 0
    by_option: bool = False
    inverse: bool = True


class _Registry(Struct):
    functions: dict[str, Function] = field(default_factory=dict)


_REGISTRY: Final = _Registry()
FUNCTIONS: Final[Mapping[str, Function]] = _REGISTRY.functions


def function(
    *names: str,
    takes: frozenset[str] = ANY,
    gives: str,
    usage: str = "",
    least: int = 0,
    most: int | None = 0,
    by_option: bool = False,
    inverse: bool = True,
) -> Callable[[Maker], Maker]:
    """Declares a function under its name."""

    def declare(make: Maker) -> Maker:
        for name in names:
            if name in _REGISTRY.functions:
                raise ValueError(f"the function {name} is declared twice")
            _REGISTRY.functions[name] = Function(
                name=name, takes=takes, gives=gives, usage=usage or name, make=make, least=least, most=most,
                by_option=by_option, inverse=inverse,
            )  # fmt: skip
        return make

    return declare


def taking(sort: str) -> list[str]:
    """The names of the functions that take this sort of value, for a hint: first those that are made for it."""
    fitting = [one for one in FUNCTIONS.values() if sort in one.takes and one.takes < ANY]
    return [one.name for one in sorted(fitting, key=lambda one: (len(one.takes), one.name))][:10]


def word(sort: str) -> str:
    """A sort for people."""
    return WORDS.get(sort, f"a {sort.replace('_', ' ')}")


def number_argument(arguments: Sequence[Argument], at: int, *, low: int, what: str) -> int:
    """A whole number among the arguments."""
    argument = arguments[at]
    try:
        number = int(argument.text)
    except ValueError:
        raise ArgumentFault(f"{argument.text!r} is no whole number", f"write {what}", argument) from None
    if number < low:
        raise ArgumentFault(f"{argument.text} is too small", f"{what}: {low} or more", argument)
    return number
