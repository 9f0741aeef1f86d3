"""Streams for a folder of exports that nobody has described: what `crosswalk init --exports` writes of it. And where a
field may belong that nothing is mapped to, as `crosswalk discover` tells it.

What a column is, its heading tells, as it does where matching is judged on a table (mapping/match/columns.py), and its
cells have to agree. What is not understood stands beside it as a comment: nothing is taken for something on a chance.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct

from connectors.files.glimpse import Glimpse, glimpses
from connectors.files.guess import quoted
from mapping.match import columns as heads

_INDENT: Final = "      "
_WIDTH: Final = 100
_LOOKED_AT: Final = 500  # cells of a column
_SINGLE: Final[Mapping[str, Mapping[str, str]]] = {
    "person": {
        "name.given": "name.given",
        "name.additional": "name.additional",
        "name.family": "name.family",
        "name.suffix": "name.suffix",
        "name": "name.full",
        "job_title": "job_title",
        "company_name": "company_name",
        "birth_date": "birth_date",
        "department": "department",
        "lead_source": "lead_source",
        "description": "description",
    },
    "company": {
        "name": "name",
        "company_name": "name",
        "legal_name": "legal_name",
        "website": "website",
        "domains": "domains",
        "industry": "industry",
        "description": "description",
    },
}
_NAMES: Final = ("name.given", "name.additional", "name.family", "name.suffix", "name", "company_name", "legal_name")
_REST: Final = tuple(dict.fromkeys(field for kind in _SINGLE.values() for field in kind if field not in _NAMES))
_FURTHER: Final[Mapping[str, str]] = {
    **dict.fromkeys(("notes", "note", "description", "bemerkung", "bemerkungen", "notizen"), "description"),
    **dict.fromkeys(("department", "abteilung"), "department"),
    **dict.fromkeys(("industry", "branche"), "industry"),
    **dict.fromkeys(("lead source", "leadquelle"), "lead_source"),
    "country region": "addresses.country",
    "state region": "addresses.region",
    "state province": "addresses.region",
}
_OPTED_OUT: Final = re.compile(r".*\b(unsubscribed|opted out|opt out|optout|abgemeldet)\b.*", re.I)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_ADDRESS: Final = ("lines", "locality", "region", "postal_code", "country")
# Words of a heading that tell which of several addresses or numbers it is.
_PHONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("mobile", "cell", "cellular", "handy", "mobil", "movil", "celular", "cellulare"), "mobile"),
    **dict.fromkeys(("home", "private", "privat", "personal"), "home"),
    "fax": "fax",
    "main": "main",
}
_EMAILS: Final[Mapping[str, str]] = dict.fromkeys(("home", "private", "privat", "personal"), "personal")
_LABELS: Final = frozenset({*_PHONES, *_EMAILS, "geschaftlich", "dienstlich", "beruflich", "buro", "business", "work"})
_LABELLED: Final[Mapping[str, Mapping[str, str]]] = {"phones": _PHONES, "emails": _EMAILS}
# Of a table with such a heading each row is something that people do or buy.
_OTHERS: Final = frozenset(
    {"deal", "opportunity", "pipeline", "stage", "amount", "ticket", "invoice", "order", "quantity", "subject"}
)
_VAT: Final = frozenset({"vat", "ust", "ustid", "uid", "tva", "iva", "btw", "moms", "nif"})
_KEY_WORDS: Final = frozenset(
    {"id", "ids", "key", "no", "nr", "num", "number", "nummer", "numero", "uuid", "guid", "code", "identifier"}
)
_CHANGED: Final = frozenset({"modified", "updated", "changed", "update", "geandert", "aktualisiert", "anderung"})
_AROUND_CHANGED: Final = frozenset(
    {"last", "date", "time", "at", "on", "record", "do", "not", "modify", "zuletzt", "letzte", "am", "datum"}
)
_PLAIN: Final = re.compile(r"[^\W\d_][\w \-/]*")


class Draft(Struct, frozen=True):
    """One stream. `mapping`: hub field -> expression; `left`: columns that are not understood."""

    stream: str
    glimpse: Glimpse
    entity: str
    key: str
    mapping: Mapping[str, str]
    left: Sequence[str]
    dates: Sequence[str]
    modified: str
    taken: Sequence[tuple[str, str]]  # (field by its heading, column)

    @property
    def has_home_numbers(self) -> bool:
        """Are there telephone numbers without their country's code?"""
        columns = [column for field, column in self.taken if field == "phones"]
        return any(
            cell and not cell.lstrip("( ").startswith(("+", "00"))
            for column in columns
            for cell in self.glimpse.cells(column)
        )

    def told(self) -> dict[str, Any]:
        """For whoever reads what was found."""
        return {
            "stream": self.stream,
            "files": self.glimpse.pattern,
            "entity": self.entity,
            "key": self.key,
            "columns": len(self.glimpse.columns),
            "mapped": len(self.glimpse.columns) - len(self.left),
            "left": list(self.left),
            "fault": self.glimpse.fault,
        }

    def lines(self) -> Iterator[str]:
        """The stream as YAML."""
        if self.glimpse.fault:
            yield f"{_INDENT}# {self.glimpse.pattern} {self.glimpse.fault}"
            return
        if not self.entity:
            yield f"{_INDENT}# {self.stream}:  # what each row is has to be said: deal, ticket, purchase, response ..."
            yield f"{_INDENT}#   files: {scalar(self.glimpse.pattern)}"
            yield f"{_INDENT}#   entity:"
            yield f"{_INDENT}#   key: {scalar(self.key)}"
            yield f"{_INDENT}#   mapping: {{}}"
            yield from _listed("Its columns: ", self.left, f"{_INDENT}#   # ")
            return
        yield f"{_INDENT}{self.stream}:"
        inner = f"{_INDENT}  "
        yield f"{inner}files: {scalar(self.glimpse.pattern)}"
        yield f"{inner}entity: {self.entity}"
        if self.key:
            yield f"{inner}key: {scalar(self.key)}"
        else:
            yield f"{inner}# No column tells one row from all others. One that does, or several: [order, line]"
            yield f"{inner}# key:"
        if self.modified:
            yield f"{inner}modified: {scalar(self.modified)}"
        if self.dates:
            yield f"{inner}dates: [{', '.join(scalar(one) for one in self.dates)}]"
        if self.mapping:
            yield f"{inner}mapping:"
        for field, expression in self.mapping.items():
            yield f"{inner}  {scalar(field)}: {scalar(expression)}"
        if self.left:
            yield from _listed("Not mapped: ", self.left, f"{inner}# ")


def drafts(path: Path) -> list[Draft]:
    """One for each kind of export in a folder. Raises SetupError where it cannot be looked into."""
    taken: Counter[str] = Counter()
    return [_draft(glimpse, taken) for glimpse in glimpses(path)]


def suggested(entity: str, heading: str, taken: Collection[str]) -> str | None:
    """Where a field of any system that has this heading may belong; None: it tells nothing, or its place is taken.

    `entity`: "person" or "company", of others nothing is told; `taken`: the hub's fields that others are mapped to, as
    they are written.
    """
    if entity not in _SINGLE:
        return None
    places = dict.fromkeys(taken, "")
    for field in (heads.field_of(heading.replace(".", " ")), _further(heading)):
        # Parts of a name make the whole of it, and a list that is mapped as one has every place.
        whole = None if field is None else field.partition(".")[0]
        if field is None or any(one.partition(".")[0] == whole for one in taken):
            continue
        if (target := _target(entity, field, heading, places)) is not None:
            return target
    return None


def _draft(told: Glimpse, taken: Counter[str]) -> Draft:
    fields = _fields(told)
    entity = _kind(told, fields)
    if not entity:
        return Draft(_stream(told.pattern, taken), told, "", _key(told, fields), {}, told.columns, (), "", ())
    key, modified = _key(told, fields), _modified(told)
    mapping: dict[str, str] = {}
    used = {key, modified}
    for at, field, column in _in_order(told, fields):
        target = _target(entity, field, column, mapping)
        if target is None or (field == "birth_date" and not _is_day(told, column)):
            continue
        mapping[target] = name_of(column, told)
        used.add(told.columns[at])
    used |= _address(told, fields, mapping)
    for column in told.columns:
        if entity == "person" and told.types.get(column) == "bool" and _OPTED_OUT.fullmatch(column):
            mapping.setdefault("consent[email.marketing]", f"{name_of(column, told)} | optout(true)")
            used.add(column)
            break
    dates = [column for column in told.columns if column in used and told.days_first(column)]
    left = [column for column in told.columns if column not in used]
    by_heading = [(field, told.columns[at]) for at, field in fields.items() if told.columns[at] in used]
    return Draft(_stream(told.pattern, taken), told, entity, key, mapping, left, dates, modified, by_heading)


def _kind(told: Glimpse, fields: Mapping[int, str]) -> str:
    """A person has a name beside that of a company. "": rows of neither, or nothing names them."""
    found = set(fields.values())
    if not found & (heads.NAMES | {"emails"}):
        return ""
    of_others = any(_OTHERS.intersection(heads.words_of(column)) for column in told.columns)
    if of_others and not found & {"name.given", "name.family"}:
        return ""
    if {"name", "company_name"} <= found:
        return "person"
    names = [cell for at, field in fields.items() if field in heads.NAMES for cell in told.cells(told.columns[at])]
    return heads.kind_of(fields.values(), names, told.columns)


def _fields(told: Glimpse) -> dict[int, str]:
    """By place of a column its field, where its cells are of it."""
    found = heads.recognised([one.replace(".", " ") for one in told.columns])
    for at, column in enumerate(told.columns):
        if at not in found and (further := _further(column)) is not None:
            found[at] = further
    return {at: field for at, field in found.items() if heads.holds(field, told.cells(told.columns[at])[:_LOOKED_AT])}


def _further(column: str) -> str | None:
    """What headings tell that matching has no use for, and of what is of an address its last word."""
    words = heads.words_of(column)
    if words[:1] in (["address"], ["adresse"], ["anschrift"]):
        field = heads.field_of(words[-1])
        return field if field is not None and field.startswith("addresses.") else None
    if words[:1] == ["associated"]:
        return heads.field_of(" ".join(words[1:]))
    rest = [word for word in words if word not in _LABELS]
    field = heads.field_of(" ".join(rest)) if 0 < len(rest) < len(words) else None
    return field if field in _LABELLED else _FURTHER.get(" ".join(words))


def _in_order(told: Glimpse, fields: Mapping[int, str]) -> list[tuple[int, str, str]]:
    """As the hub's fields are listed, and among equal ones as the columns stand."""
    order = [*_NAMES, "emails", "phones", *_REST]
    return sorted(
        ((at, field, told.columns[at]) for at, field in fields.items() if field in order or field == "registrations"),
        key=lambda one: (order.index(one[1]) if one[1] in order else len(order), one[0]),
    )


def _target(entity: str, field: str, column: str, mapping: Mapping[str, str]) -> str | None:
    """Where a column goes; None: its place is taken, or there is none."""
    words = heads.words_of(column)
    if (told := _LABELLED.get(field)) is not None:
        labels = [*(told[word] for word in words if word in told), "work", "other"]
        return next((place for label in labels if (place := f"{field}[{label}]") not in mapping), None)
    if field == "registrations":
        return "registrations[vat]" if entity == "company" and _VAT.intersection(words) else None
    target = _SINGLE[entity].get(field)
    return None if target in mapping else target


def _address(told: Glimpse, fields: Mapping[int, str], mapping: dict[str, str]) -> set[str]:
    """Adds the address, of the first column of each part; the columns that it takes."""
    parts: dict[str, str] = {}
    for at, field in fields.items():
        if field.startswith("addresses."):
            parts.setdefault(field.removeprefix("addresses."), told.columns[at])
    if len({"lines", "locality", "postal_code"} & parts.keys()) < 2:
        return set()
    if "lines" not in parts or any("+" in parts[part] for part in ("lines", "number") if part in parts):
        parts.pop("number", None)
    named = {part: name_of(column, told) for part, column in parts.items()}
    if "number" in named:
        named["lines"] += "+" + named.pop("number")
    found = [named.get(part, "-") for part in _ADDRESS]
    while found[-1] == "-":
        found.pop()
    mapping["addresses[mailing]"] = f"@ | address({', '.join(found)})"
    return set(parts.values())


def _is_day(told: Glimpse, column: str) -> bool:
    """Whether it can be read: of 03/04/2026 nobody knows which is the month."""
    is_date = told.types.get(column) == "date"
    return told.days_first(column) or (is_date and not any("/" in cell for cell in told.cells(column)))


def _key(told: Glimpse, fields: Mapping[int, str]) -> str:
    """One that is called like a key before an address, that before any other; no name, number or text of a person."""

    def rank(column: str) -> int:
        field = fields.get(told.columns.index(column), heads.field_of(column))
        if all(map(_UUID.fullmatch, told.cells(column))):
            return 0
        if field == "addresses.number" and "addresses.lines" not in fields.values():
            return 1
        if field in ("rid", "external_ids", "registrations") or (
            field is None and heads.words_of(column)[-1:] == ["id"]
        ):
            return 0
        if field is None and _KEY_WORDS.intersection(heads.words_of(column)):
            return 1
        return 2 if field == "emails" else 3 if field is None and told.types.get(column) in ("int", "text") else 4

    fitting = [(rank(column), at) for at, column in enumerate(told.keys) if rank(column) < 4]
    return told.keys[min(fitting)[1]] if fitting else ""


def _modified(told: Glimpse) -> str:
    """The column that tells when a row was changed, and not what of it or by whom."""
    for column in told.columns:
        words = set(heads.words_of(column))
        if words & _CHANGED and words <= _CHANGED | _AROUND_CHANGED and told.types.get(column) == "datetime":
            return "" if any("/" in cell for cell in told.cells(column)) else column
    return ""


def _stream(pattern: str, taken: Counter[str]) -> str:
    stem = pattern.rpartition(".")[0] or pattern
    name = re.sub(r"[^a-z0-9]+", "_", stem.casefold()).strip("_") or "rows"
    taken[name] += 1
    return name if taken[name] == 1 else f"{name}_{taken[name]}"


def name_of(column: str, told: Glimpse) -> str:
    """As a path of the mapping language: in quotes where a sign of it would be read as one of the language's."""
    if _PLAIN.fullmatch(column) or (not told.named and "." in column):
        return column
    return quoted(column)


def scalar(text: str) -> str:
    """A text as YAML, in quotes where it needs them."""
    told: Any = yaml.safe_dump(text, allow_unicode=True, width=10_000, default_flow_style=True)
    return str(told).removesuffix("\n").removesuffix("\n...").strip()


def _listed(head: str, names: Sequence[str], beginning: str) -> Iterator[str]:
    line = beginning + head
    for at, name in enumerate(names):
        word = name if at == len(names) - 1 else f"{name}, "
        if len(line) + len(word) > _WIDTH and line.strip("# "):
            yield line.rstrip()
            line = beginning
        line += " ".join(word.split()) + (" " if word.endswith(" ") else "")
    yield line.rstrip()
