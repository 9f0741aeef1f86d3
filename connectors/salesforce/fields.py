"""What describe says of an object, as the fields of a stream, and how its rows become plain values and back.

A row of a query and a line of a Bulk file become the same values, so that one read after the other changes nothing:
multi-picklists as lists, fields of other records below their relationship (`Account.Name`), and beside a reference
that may lead to several streams the one it leads to (`OwnerId:stream`). Vendor facts: README.md, Fields.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from connectors.salesforce.streams import BY_PREFIX, BY_SOBJECT, Resource
from connectors.sdk import FieldInfo, FieldType, Json, Values

# Between the name of a reference and what is said of it: no name of Salesforce's has it.
STREAM: Final = ":stream"
PERSON_ACCOUNTS: Final = "person_accounts"

_TYPES: Final[Mapping[str, FieldType]] = {
    "id": "text",
    "string": "text",
    "textarea": "text",
    "email": "text",
    "phone": "text",
    "url": "text",
    "combobox": "text",
    "encryptedstring": "text",
    "time": "text",
    "picklist": "choice",
    "multipicklist": "multi",
    "boolean": "bool",
    "int": "int",
    "long": "int",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "date": "date",
    "datetime": "datetime",
}
# Put together of other fields, or files: neither is asked for, and Bulk refuses them.
_UNASKED: Final = frozenset({"address", "location", "base64", "complexvalue", "anyType", "json"})
_LONG: Final = 255
_FLAG: Final = "Account.IsPersonAccount"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a query. `parent`: the reference that a field of another record is reached by."""

    name: str
    type: str  # of describe
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A stream's fields as they were described. `where`: what makes the stream of the object.

    `lacks`: the field that the stream hangs on, where it is not there. `is_fed`: deletions are listed. `calculated`:
    some of what is read changes without the record's stamp.
    """

    infos: Sequence[FieldInfo]
    columns: Sequence[Column]
    where: tuple[str, ...]
    lacks: str | None
    names: frozenset[str]  # of all described fields
    is_fed: bool = False
    calculated: bool = False
    shape: Callable[[dict[str, Json]], Values]
    read_cells: Callable[[Sequence[str]], "Callable[[Sequence[str]], Values]"]


def catalogue(
    described: Json,
    resource: Resource,
    *,
    person_accounts: bool,
    leave_out: Iterable[str] = (),
    related: Mapping[str, Json],
) -> Catalogue:
    """`person_accounts`: does the org have them? `related`: what describe says of the objects that `Resource.related`
    names, by relationship; one that we may not read is missing."""
    hidden = frozenset(leave_out)
    rows: list[Mapping[str, Json]] = [
        row
        for row in described["fields"]
        if row["type"] not in _UNASKED
        and row["name"] not in hidden
        and not row["name"].startswith(resource.leave_out or ("\0",))
    ]
    names = frozenset(str(row["name"]) for row in described["fields"])
    columns = [Column(str(row["name"]), str(row["type"])) for row in rows]
    infos = [_info(row) for row in rows]
    parents = {str(row["relationshipName"]): str(row["name"]) for row in rows if row.get("relationshipName")}
    further = [
        *resource.related,
        *([_FLAG] if person_accounts and "Account" in parents and "AccountId" in names else []),
    ]
    for path in dict.fromkeys(further):
        relationship, _, name = path.partition(".")
        theirs = {str(row["name"]): row for row in (related.get(relationship) or {}).get("fields", ())}
        if relationship in parents and name in theirs:
            columns.append(Column(path, str(theirs[name]["type"]), parents[relationship]))
            infos.append(_related(path, theirs[name]))
    leading = [
        row for row in rows if row["type"] == "reference" and (_leads_to(row) == "any" or row["name"] == "AccountId")
    ]
    companions = {str(row["name"]): str(row["name"]) + STREAM for row in leading}
    infos += [_companion(row) for row in leading]
    shape = _shaper(columns, companions, resource.prefix)
    where: tuple[str, ...] = ()
    lacks: str | None = None
    if resource.only is not None:
        name, condition = resource.only
        where = (f"{name} {condition}",) if name in names else ()
        lacks = name if resource.needs and not where else None
    return Catalogue(
        infos=infos,
        columns=columns,
        where=where,
        lacks=lacks,
        names=names,
        is_fed=described.get("replicateable") is True,
        calculated=any(row.get("calculated") is True for row in rows) or any(one.parent for one in columns),
        shape=shape,
        read_cells=lambda header: _cell_reader(header, columns, shape),
    )


def _info(row: Mapping[str, Json]) -> FieldInfo:
    name, kind = str(row["name"]), str(row["type"])
    type_, refers_to = _TYPES.get(kind, "json"), None
    length = row.get("length") or 0
    if kind == "reference":
        refers_to = _leads_to(row)
        type_ = "text" if refers_to is None else "ref"
    elif kind == "textarea" and length > _LONG:
        type_ = "long_text"
    may = row.get("createable") is True or row.get("updateable") is True
    required = row.get("nillable") is False and row.get("defaultedOnCreate") is not True and kind != "boolean"
    return FieldInfo(
        name=name,
        label=str(row.get("label") or name),
        type=type_,
        path=name,
        options=_options(row) if type_ in ("choice", "multi") else (),
        open=not row.get("restrictedPicklist"),
        write=may and row.get("calculated") is not True,
        required=required and row.get("createable") is True,
        unique=row.get("unique") is True and row.get("externalId") is True,
        custom=row.get("custom") is True,
        max_length=int(length) if length and type_ in ("text", "long_text") and kind != "id" else None,
        refers_to=refers_to,
    )


def _options(row: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    """(value, label), options that are no longer offered too: old records show them."""
    found: dict[str, str] = {}
    for option in row.get("picklistValues") or ():
        value = str(option["value"])
        if value not in found or option.get("active"):
            found[value] = str(option.get("label") or value)
    return tuple(found.items())


def _leads_to(row: Mapping[str, Json]) -> str | None:
    """The stream of what a reference names; "any" where it may be one of several."""
    streams = {BY_SOBJECT[name] for name in row.get("referenceTo") or () if name in BY_SOBJECT}
    if len(streams) > 1 or (streams and len(row["referenceTo"]) > 1):
        return "any"
    return next(iter(streams), None)


def _related(path: str, row: Mapping[str, Json]) -> FieldInfo:
    info = _info(row)
    relationship = path.partition(".")[0]
    return FieldInfo(
        name=path, label=f"{relationship}: {info.label}", type="text" if info.type == "ref" else info.type, path=path,
        options=info.options, max_length=None,
    )  # fmt: skip


def _companion(row: Mapping[str, Json]) -> FieldInfo:
    name = f"{row['name']}{STREAM}"
    return FieldInfo(name=name, label=f"{row.get('label') or row['name']}: stream", type="text", path=name)


# -- rows ------------------------------------------------------------------------------------------------------------


def _shaper(
    columns: Sequence[Column], companions: Mapping[str, str], prefix: str
) -> Callable[[dict[str, Json]], Values]:
    """Makes plain values of a row as a query shows it; the row itself is changed. Runs for every record."""
    several = [one.name for one in columns if one.type == "multipicklist"]
    relationships = sorted({one.name.partition(".")[0] for one in columns if one.parent is not None})
    references = list(companions.items())
    tells_kind = any(one.name == _FLAG for one in columns)
    streams = dict(BY_PREFIX)

    def shape(row: dict[str, Json]) -> Values:
        row.pop("attributes", None)
        for name in several:
            told = row.get(name)
            if type(told) is str:
                row[name] = told.split(";")
        for name in relationships:
            inner = row.get(name)
            if inner is not None:
                inner.pop("attributes", None)
        for name, companion in references:
            key = row.get(name)
            row[companion] = None if key is None else streams.get(key[:3])
        if tells_kind and (row.get("Account") or {}).get("IsPersonAccount") is True:
            row["AccountId" + STREAM] = PERSON_ACCOUNTS
        return row

    return shape


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


def _boolean(text: str) -> Json:
    return {"true": True, "false": False}.get(text.lower(), text)


def _datetime(text: str) -> Json:
    """The zone as a query writes it."""
    return f"{text[:-1]}+0000" if text.endswith("Z") else text


_OF_TEXT: Final[Mapping[str, Callable[[str], Json]]] = {
    "boolean": _boolean,
    "int": _number,
    "long": _number,
    "double": _decimal,
    "currency": _decimal,
    "percent": _decimal,
    "datetime": _datetime,
}


def _cell_reader(
    header: Sequence[str], columns: Sequence[Column], shape: Callable[[dict[str, Json]], Values]
) -> Callable[[Sequence[str]], Values]:
    """Reads the lines of a Bulk file under this header into the values that a query would have given."""
    known = {one.name: one for one in columns}
    casts = [
        (at, _OF_TEXT[known[name].type]) for at, name in enumerate(header) if _cast_of(known.get(name)) is not None
    ]
    dotted = [name for name in header if "." in name]
    nested: list[tuple[str, str, str, str | None]] = [
        (name, name.partition(".")[0], name.partition(".")[2], known[name].parent) for name in dotted if name in known
    ]

    def read(cells: Sequence[str]) -> Values:
        found: list[Json] = [cell or None for cell in cells]
        for at, cast in casts:
            if found[at] is not None:
                found[at] = cast(found[at])
        row: dict[str, Json] = dict(zip(header, found, strict=True))
        if dotted:
            told = {name: row.pop(name) for name in dotted}
            for name, relationship, part, parent in nested:
                if parent is None or row.get(parent) is None:
                    row[relationship] = None
                else:
                    row.setdefault(relationship, {})[part] = told[name]
        return shape(row)

    return read


def _cast_of(column: Column | None) -> Any:
    return None if column is None else _OF_TEXT.get(column.type)


def sent(values: Values) -> dict[str, Json]:
    """Values as Salesforce takes them: lists of choices as one text, without what only we know of a reference."""
    body: dict[str, Json] = {}
    for name, value in values.items():
        if name.endswith(STREAM):
            continue
        if isinstance(value, list | tuple):
            value = ";".join(str(one) for one in value) or None
        elif value == "":
            value = None
        body[name] = value
    return body
