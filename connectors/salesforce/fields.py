"""What describe says of an object, as the fields of a stream, and plain values as Salesforce takes them.

Vendor facts: README.md, Fields.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from connectors.salesforce.shapes import FLAG, STREAM, Column, Shape
from connectors.salesforce.streams import BY_SOBJECT, Resource
from connectors.sdk import FieldInfo, FieldType, Json, Values

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


class Catalogue(Struct, frozen=True, kw_only=True):
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
    shape: Shape


def catalogue(
    described: Json,
    resource: Resource,
    *,
    person_accounts: bool,
    leave_out: Iterable[str] = (),
    related: Mapping[str, Json],
    marks: Mapping[str, str] = {},
) -> Catalogue:
    """`person_accounts`: does the org have them? `related`: what describe says of the objects that `Resource.related`
    names, by relationship; one that we may not read is missing. `marks`: by custom field, see `FieldInfo`."""
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
    infos = [_info(row, marks.get(str(row["name"]))) for row in rows]
    parents = {str(row["relationshipName"]): str(row["name"]) for row in rows if row.get("relationshipName")}
    further = [
        *resource.related,
        *([FLAG] if person_accounts and "Account" in parents and "AccountId" in names else []),
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
    infos += [_companion(row) for row in leading]
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
        shape=Shape(columns, [str(row["name"]) for row in leading]),
    )


def _info(row: Mapping[str, Json], mark: str | None = None) -> FieldInfo:
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
        decimals=row.get("scale") if type_ == "number" else None,
        refers_to=refers_to,
        mark=mark,
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
