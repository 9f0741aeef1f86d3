"""What a field is: its type, how it merges, how private it is, what its parts are. Data, no behaviour."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from mapping.merge.policy import MergeCode

Shape: TypeAlias = Literal["unit", "set"]
# In rising order; `secret` is never logged, shown or exported.
Pii: TypeAlias = Literal["none", "indirect", "direct", "sensitive", "secret"]

# The words a `type` may be. Of a set it is the type of an element.
TYPES: Final = frozenset(
    {
        "text",
        "body",  # {text, html?, truncated?}
        "id",  # text that only names something
        "int",
        "decimal",  # canonical text
        "percent",  # canonical text, 0 to 100
        "bool",
        "date",
        "at",  # an instant
        "when",  # a date or an instant
        "partial_date",
        "money",  # {amount, currency}
        "choice",  # one of the codes
        "tags",  # one tag
        "email",
        "phone",
        "address",
        "name",
        "country",
        "lang",
        "tz",
        "domain",
        "url",
        "ref",  # {stream, id}
        "consent",
        "score",
        "stage",
        "answer",
        "question",
        "claims",
        "pair",  # two texts: {scheme, value}, {namespace, value}, {key, value}
        "unit",  # a unit that needs no word of its own
        "json",  # anything
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of one kind.

    `shape`      unit: decided whole; set: elements with a `key` of their own, decided one by one
    `key`        the parts that identify an element. Elements of a reference are keyed by the entity they lead to
    `codes`      of a choice: our closed list, `other` among them
    `parts`      part of a unit or key of an element -> its type; "*" stands for any further part
    `part_codes` of the parts that are choices
    `value`      the part that a bare value fills: "m@x.test" as an e-mail is its `address`
    `selector`   the part that `field[x]` sets; "channel.purpose" sets two
    `selectors`  what x may be; empty: anything
    `refers`     the value is a list of {stream, id}, also where only one is allowed
    """

    name: str
    type: str
    shape: Shape = "unit"
    key: tuple[str, ...] = ()
    merge: MergeCode = "crm"
    required: bool = False
    clears_spread: bool = False
    pii: Pii = "none"
    codes: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict, hash=False)
    part_codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    value: str | None = None
    selector: str | None = None
    selectors: tuple[str, ...] = ()
    refers: bool = False
    meaning: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entity, or an association that a stream of its own may carry."""

    name: str
    fields: Mapping[str, Field] = field(hash=False)

    @classmethod
    def of(cls, name: str, *fields: Field) -> "Kind":
        told = {one.name: one for one in fields}
        if len(told) != len(fields):
            raise ValueError(f"{name} names a field twice")
        return cls(name, MappingProxyType(told))


def choice(
    name: str,
    codes: str,
    *,
    meaning: str,
    merge: MergeCode = "crm",
    pii: Pii = "none",
    required: bool = False,
    clears_spread: bool = False,
) -> Field:
    """A choice of the codes, written with blanks between them; `other` always belongs to them."""
    return Field(
        name=name,
        type="choice",
        codes=with_other(codes),
        merge=merge,
        pii=pii,
        required=required,
        clears_spread=clears_spread,
        meaning=meaning,
    )


def with_other(codes: str) -> tuple[str, ...]:
    told = tuple(codes.split())
    return told if "other" in told else (*told, "other")


def as_source(fields: Iterable[Field]) -> tuple[Field, ...]:
    """The same fields where the issuing system alone decides them."""
    return tuple(replace(one, merge="src") for one in fields)
