"""From the text of a target to its field: `emails[work]`, `name.given`, `cx.nps.score`, `custom.tier`, `owner.name`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as entry
from difflib import get_close_matches
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Final

from mapping.schema.associations import ASSOCIATIONS
from mapping.schema.field import TYPES, Field, Kind
from mapping.schema.kinds import KINDS

# field, or field[selector], or either with .part behind it
_FORM: Final = re.compile(r"(?P<base>\w+(?:\.\w+)*)(?:\[(?P<selector>[^\[\]]+)\](?:\.(?P<part>\w+(?:\.\w+)*))?)?")
_CUSTOM: Final = re.compile(r"[a-z][a-z0-9_]*")

# A word before the dot that leads over a reference to a field of another kind -> (the reference, that kind).
_REACH: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "person": {"owner": ("owned_by", "owner"), "company": ("works_at", "company")},
    "company": {"owner": ("owned_by", "owner"), "parent": ("child_of", "company")},
    "deal": {
        "owner": ("owned_by", "owner"),
        "company": ("of_company", "company"),
        "person": ("on_deal", "person"),
    },
    "activity": {"owner": ("owned_by", "owner")},
    "ticket": {"owner": ("owned_by", "owner")},
    "campaign": {"owner": ("owned_by", "owner")},
    "purchase": {"owner": ("owned_by", "owner")},
    "response": {"invitation": ("invitation", "invitation")},
}


class UnknownField(LookupError):  # noqa: N818 # what a person wrote, in their words
    """No such kind, field, selector or part. `near` are the nearest targets, best first."""

    def __init__(self, kind: str, text: str, near: tuple[str, ...]) -> None:
        super().__init__(f"{kind} has no field {text!r}")
        self.kind, self.text, self.near = kind, text, near


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A place that a line of a mapping fills.

    `sets`     what the selector says of the element: {"type": "work"}, {"channel": "email", "purpose": "marketing"},
               {"primary": True}
    `by`       of `scores[by question_type]`: the source path that tells the selector, row by row
    `through`  the reference that leads to the field, where it is one of another kind. From a person, company or deal
               the hub looks it up and only ever writes it; a response tells of its invitation, which is kept beside it
    """

    field: Field
    selector: str | None = None
    part: str | None = None
    sets: Mapping[str, Any] = entry(default_factory=dict, hash=False)  # JSON
    by: str | None = None
    through: str | None = None

    @property
    def type(self) -> str:
        """The type of the value that belongs here: of the part, of an element, of the field."""
        if self.part is None:
            return self.field.type
        return self.field.parts.get(self.part) or self.field.parts["*"]

    @property
    def value_type(self) -> str:
        """The type of a bare value here, where what belongs here has parts: `id` for `external_ids[extref]`."""
        if self.part is not None:
            return "id" if self.type == "pair" else self.type
        return self.field.type if self.field.value is None else self.field.parts[self.field.value]

    @property
    def codes(self) -> tuple[str, ...]:
        """Of a choice: what it may be."""
        if self.part is None and self.field.value in self.field.part_codes:
            return self.field.part_codes[self.field.value or ""]
        return self.field.codes if self.part is None else self.field.part_codes.get(self.part, ())

    @property
    def element(self) -> bool:
        """Does it name one element of a set, not the set itself?"""
        return self.selector is not None


@lru_cache(maxsize=4096)
def target(kind: str, text: str, *, custom: str = "text") -> Target:
    """What a text names. `custom` is the type of a field `custom.KEY`, which every kind has for the asking.

    Raises UnknownField.
    """
    known = KINDS.get(kind) or ASSOCIATIONS.get(kind)
    if known is None:
        raise UnknownField(kind, text, tuple(get_close_matches(kind, [*KINDS, *ASSOCIATIONS], n=3)))
    if text.startswith("custom."):
        return _custom(known, text, custom)
    form = _FORM.fullmatch(text)
    if form is None:
        raise _unknown(known, text)
    base, selector, behind = form.group("base", "selector", "part")
    first, _, rest = base.partition(".")
    if base in known.fields:
        return _in_field(known, known.fields[base], text, selector=selector, part=behind)
    reach = _REACH.get(kind, {}).get(first)
    if reach is not None and rest:
        return _reached(known, text, *reach)
    if first in known.fields and rest and behind is None:
        return _in_field(known, known.fields[first], text, selector=selector, part=rest, of_part=True)
    raise _unknown(known, text)


def _in_field(
    kind: Kind, field: Field, text: str, *, selector: str | None, part: str | None, of_part: bool = False
) -> Target:
    if part is not None and not ({part, "*"} & set(field.parts)):
        raise _unknown(kind, text)
    if of_part:
        if field.shape == "set" and selector is None:
            raise _unknown(kind, text)  # a part of which element?
        if selector is not None and (part is None or field.parts.get(part) != "pair"):
            raise _unknown(kind, text)
        sets = {} if selector is None else {"namespace": selector}
        return Target(field=field, selector=selector, part=part, sets=MappingProxyType(sets))
    if selector is None:
        return Target(field=field)
    if field.selector is None:
        raise _unknown(kind, text)
    if selector.startswith("by "):
        return Target(field=field, selector=selector, part=part, by=selector[3:].strip())
    if field.selectors and selector not in field.selectors:
        raise _unknown(kind, text)
    return Target(
        field=field, selector=selector, part=part, sets=MappingProxyType(_sets(field.selector, selector, field))
    )


def _sets(parts: str, selector: str, field: Field) -> dict[str, Any]:
    if selector == "primary" and "primary" in field.parts:
        return {"primary": True}
    names_, values = parts.split("."), selector.split(".")
    return {parts: selector} if len(names_) == 1 else dict(zip(names_, values, strict=True))


def _reached(kind: Kind, text: str, reference: str, other: str) -> Target:
    inner_text = text.partition(".")[2]
    if inner_text.startswith("custom.") or inner_text.partition(".")[0] in _REACH.get(other, {}):
        raise _unknown(kind, text)  # one step, to a field that is declared
    try:
        inner = target(other, inner_text)
    except UnknownField:
        raise _unknown(kind, text) from None
    told_here = kind.name == "response"
    field = replace(
        inner.field,
        name=f"{text.partition('.')[0]}.{inner.field.name}",
        merge="src" if told_here else "derived",
        required=False,
        clears_spread=False,
    )
    return replace(inner, field=field, through=reference)


def _custom(kind: Kind, text: str, type_: str) -> Target:
    key = text.removeprefix("custom.")
    if not _CUSTOM.fullmatch(key):
        plain = re.sub(r"[^a-z0-9_]+", "_", key.casefold()).strip("_")
        raise UnknownField(kind.name, text, (f"custom.{plain}" if _CUSTOM.fullmatch(plain) else "custom.KEY",))
    if type_ not in TYPES:
        raise ValueError(f"{type_!r} is no type of a field")
    # Nobody has said how private it is, so it counts as direct.
    declared = Field(
        name=f"custom.{key}",
        type=type_,
        shape="set" if type_ == "tags" else "unit",
        parts={"amount": "decimal", "currency": "text"} if type_ == "money" else {},
        value="amount" if type_ == "money" else None,
        pii="direct",
        meaning="a field that the operator declared",
    )
    return Target(field=declared)


@cache
def names(kind: str) -> tuple[str, ...]:
    """All targets a person may write for a kind, in the order of the schema; custom fields and namespaces are open."""
    known = KINDS.get(kind) or ASSOCIATIONS.get(kind)
    if known is None:
        raise UnknownField(kind, "", tuple(get_close_matches(kind, [*KINDS, *ASSOCIATIONS], n=3)))
    told: list[str] = []
    for one in known.fields.values():
        told.append(one.name)
        told += [f"{one.name}[{selector}]" for selector in one.selectors]
        if one.shape == "unit" and not one.refers:
            told += [f"{one.name}.{part}" for part in one.parts if part != "*"]
    for word, (_, other) in _REACH.get(kind, {}).items():
        told += [f"{word}.{name}" for name in KINDS[other].fields]
    return tuple(told)


def _unknown(kind: Kind, text: str) -> UnknownField:
    known = names(kind.name)
    near = get_close_matches(text, known, n=3, cutoff=0.6)
    return UnknownField(kind.name, text, tuple(near or get_close_matches(text.partition("[")[0], known, n=3)))
