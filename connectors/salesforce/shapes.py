"""From rows of a query and lines of a Bulk file to plain values: the same ones, so that one read after the other
changes nothing. Multi-picklists are lists, fields of other records lie below their relationship (`Account.Name`), and
beside a reference that may lead to several streams stands the one it leads to (`OwnerId:stream`).

Lines are read by a function that is written out as source once a file, for the columns of its header:

    c0, c1, c2, ... = cells
    stamp = f"{c2[:-1]}+0000" if c2[-1:] == "Z" else c2
    return c0, stamp, Line(c0 or None, booleans[c1], stamp or None, cast3(c3) if c3 else None, ...)

`Line` is a structure whose members are called, as JSON, like the columns. Of 56 columns reading and encoding takes
4 µs, asked column by column into a dictionary 11. Rows are decoded into such a structure as well, by their columns, and
mended in place: 5 µs, by a dictionary 9. Nothing of a header gets into the source but numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Final

import msgspec
from msgspec import Struct

from connectors.salesforce.streams import BY_PREFIX
from connectors.sdk import Json, Values

# Between the name of a reference and what is said of it: no name of Salesforce's has it.
STREAM: Final = ":stream"
PERSON_ACCOUNTS: Final = "person_accounts"
FLAG: Final = "Account.IsPersonAccount"

# Id, stamp and values (something that encodes to their JSON) of a line of its header's width.
CellReader = Callable[[Sequence[str]], tuple[str, str, msgspec.Struct]]
# The same of a row that is JSON. Raises what decoding and odd values raise.
RowReader = Callable[[msgspec.Raw], tuple[str, str, msgspec.Struct]]

ID: Final = "Id"
STAMP: Final = "SystemModstamp"


class Column(Struct, frozen=True):
    """One column of a query. `parent`: the reference that a field of another record is reached by."""

    name: str
    type: str  # of describe
    parent: str | None = None


class Shape:
    """How the rows of one stream become plain values. `leading`: references that are told where they lead to."""

    def __init__(self, columns: Sequence[Column], leading: Sequence[str]) -> None:
        self._columns = list(columns)
        self._known = {one.name: one for one in columns}
        self._several = [one.name for one in columns if one.type == "multipicklist"]
        self._relationships = sorted({one.name.partition(".")[0] for one in columns if one.parent is not None})
        self._leading = [(name, name + STREAM) for name in leading]
        self._tells_kind = FLAG in self._known
        self._streams = dict(BY_PREFIX)

    def row(self, row: dict[str, Json]) -> Values:
        """Of a row as a query shows it; the row itself is changed. Runs for every record."""
        row.pop("attributes", None)
        for name in self._several:
            told = row.get(name)
            if type(told) is str:
                row[name] = told.split(";")
        for name in self._relationships:
            inner = row.get(name)
            if inner is not None:
                inner.pop("attributes", None)
        for name, companion in self._leading:
            key = row.get(name)
            row[companion] = None if key is None else self._streams.get(key[:3])
        if self._tells_kind and (row.get("Account") or {}).get("IsPersonAccount") is True:
            row["AccountId" + STREAM] = PERSON_ACCOUNTS
        return row

    @cached_property
    def packed(self) -> RowReader:
        """`row` of a row that is not parsed, where all in it is of the usual form; anything else raises an error."""
        return _RowSource(self._columns, self._leading, self._streams).compiled()

    def cells(self, header: Sequence[str]) -> CellReader:
        """Of lines under this header, in which no column comes twice, and none that makes a record is missing."""
        return _LineSource(header, self._known, self._leading, self._streams).compiled()


class _RowSource:
    """The source of the reader of rows that are not parsed, and its namespace."""

    def __init__(
        self, columns: Sequence[Column], leading: Sequence[tuple[str, str]], streams: Mapping[str, str]
    ) -> None:
        parts: dict[str, list[str]] = {}
        for one in columns:
            if one.parent is not None:
                relationship, _, part = one.name.partition(".")
                parts.setdefault(relationship, []).append(part)
        types: dict[str, Any] = {one.name: Any for one in columns if one.parent is None} | {ID: str, STAMP: str}
        types |= {name: _structure(dict.fromkeys(some, Any)) | None for name, some in parts.items()}
        types |= {companion: Any for _, companion in leading}
        self._at = {name: f"row.m{n}" for n, name in enumerate(types)}
        decoder = msgspec.json.Decoder(_structure(types), float_hook=Decimal)
        self._names: dict[str, Any] = {
            "decode": decoder.decode, "UNSET": msgspec.UNSET, "leads": streams.get, "persons": PERSON_ACCOUNTS,
        }  # fmt: skip
        lines = ["row = decode(raw)"]
        for one in columns:
            if one.type == "multipicklist" and one.parent is None:
                told = self._at[one.name]
                lines += [f"if type({told}) is str:", f"    {told} = {told}.split(';')"]
        for name, companion in leading:
            lines += [
                f"key = {self._at.get(name)}",
                f"{self._at[companion]} = None if key is None or key is UNSET else leads(key[:3])",
            ]
        lines += self._person(parts)
        lines.append(f"return {self._at[ID]}, {self._at[STAMP]}, row")
        self._text = "\n    ".join(["def read(raw):", *lines])

    def _person(self, parts: Mapping[str, Sequence[str]]) -> list[str]:
        """An account that is a person."""
        relationship, _, flag = FLAG.partition(".")
        companion = self._at.get("AccountId" + STREAM)
        if companion is None or flag not in parts.get(relationship, ()):
            return []
        return [
            f"account = {self._at[relationship]}",
            f"if account and account is not UNSET and account.m{parts[relationship].index(flag)} is True:",
            f"    {companion} = persons",
        ]

    def compiled(self) -> RowReader:
        read: RowReader = _compiled(self._text, self._names)
        return read


def _structure(types: Mapping[str, Any]) -> Any:  # a class, made here
    """Its members are m0, m1, ...; in JSON they have their names. Texts must be there; of the others what is missing is
    left out again."""
    members = {f"m{n}": name for n, name in enumerate(types)}
    fields: list[Any] = [
        (member, str) if types[name] is str else (member, types[name], msgspec.UNSET)
        for member, name in members.items()
    ]
    return msgspec.defstruct("Line", fields, rename=members, gc=False, kw_only=True)


def _compiled(text: str, names: dict[str, Any]) -> Any:
    """The function `read` of a source."""
    exec(compile(text, "<rows of Salesforce>", "exec"), names)
    return names["read"]


class _LineSource:
    """The source of one reader of lines, and its namespace."""

    def __init__(
        self,
        header: Sequence[str],
        known: Mapping[str, Column],
        leading: Sequence[tuple[str, str]],
        streams: Mapping[str, str],
    ) -> None:
        self._at = {name: n for n, name in enumerate(header)}
        self._known = known
        self._names: dict[str, Any] = {"booleans": _BOOLEANS, "leads": streams.get, "persons": PERSON_ACCOUNTS}
        told = [(name, self._value(name)) for name in header if "." not in name]
        told += self._relationships([name for name in header if "." in name and name in known])
        told += [(companion, self._leads_to(name)) for name, companion in leading]
        members = {f"m{n}": name for n, (name, _) in enumerate(told)}
        self._names["Line"] = msgspec.defstruct("Line", list(members), rename=members, gc=False)
        cells = "".join(f"c{n}, " for n in range(len(header)))
        values = ", ".join(value for _, value in told)
        self._text = (
            f"def read(cells):\n    ({cells}) = cells\n    stamp = {_moment(f'c{self._at[STAMP]}')}\n"
            f"    return c{self._at[ID]}, stamp, Line({values})"
        )

    def compiled(self) -> CellReader:
        read: CellReader = _compiled(self._text, self._names)
        return read

    def _named(self, held: Any) -> str:
        name = f"n{len(self._names)}"
        self._names[name] = held
        return name

    def _value(self, name: str) -> str:
        cell = f"c{self._at[name]}"
        type_ = self._known[name].type if name in self._known else ""
        if type_ == "boolean":
            return f"booleans[{cell}]"
        if type_ == "multipicklist" and "." not in name:
            return f"{cell}.split(';') if {cell} else None"
        if type_ == "datetime":
            return f"{'stamp' if name == STAMP else _moment(cell)} or None"
        if type_ in _CASTS:
            return f"{self._named(_CASTS[type_])}({cell}) if {cell} else None"
        return f"{cell} or None"

    def _relationships(self, dotted: Sequence[str]) -> list[tuple[str, str]]:
        """The fields of other records below their relationship, which is empty where its reference is."""
        parts: dict[str, list[str]] = {}
        parents: dict[str, str | None] = {}
        for name in dotted:
            relationship, _, part = name.partition(".")
            parts.setdefault(relationship, []).append(f"{self._named(part)}: {self._value(name)}")
            parents[relationship] = self._known[name].parent
        return [
            (relationship, f"{{{', '.join(some)}}} if {self._filled(parents[relationship])} else None")
            for relationship, some in parts.items()
        ]

    def _leads_to(self, name: str) -> str:
        if name not in self._at:
            return "None"
        key = f"c{self._at[name]}"
        leads = f"leads({key}[:3]) if {key} else None"
        if name == "AccountId" and FLAG in self._at and FLAG in self._known:
            parent = self._filled(self._known[FLAG].parent)
            return f"persons if {parent} and booleans[c{self._at[FLAG]}] is True else {leads}"
        return leads

    def _filled(self, name: str | None) -> str:
        return f"c{self._at[name]}" if name in self._at else "False"


class _Booleans(dict[str, Json]):
    """Of texts that come again and again; what is no boolean stays the text it is, and is not kept."""

    def __missing__(self, text: str) -> Json:
        return {"true": True, "false": False}.get(text.lower(), text)


_BOOLEANS: Final = _Booleans({"": None, "true": True, "false": False})


def _number(text: str) -> Json:
    """As JSON has it: whole numbers without a point are int, others exact."""
    try:
        return int(text) if text.lstrip("-").isdecimal() else Decimal(text)
    except (ValueError, InvalidOperation):
        return text


def _decimal(text: str) -> Json:
    """A query shows every number of a field with decimals with a point."""
    try:
        return Decimal(text if "." in text or "e" in text.lower() else f"{text}.0")
    except InvalidOperation:
        return text


def _moment(cell: str) -> str:
    """The source of a cell's moment, its zone as a query writes it."""
    return f"(f'{{{cell}[:-1]}}+0000' if {cell}[-1:] == 'Z' else {cell})"


_CASTS: Final[Mapping[str, Callable[[str], Json]]] = {
    "int": _number,
    "long": _number,
    "double": _decimal,
    "currency": _decimal,
    "percent": _decimal,
}
