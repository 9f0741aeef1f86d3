"""The fields of each stream, from the rows of the module's own catalogue. Vendor facts: README.md, Fields."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from connectors.sdk import FieldInfo, FieldType, Json
from connectors.zoho.streams import FIELDS, RESOURCES, STREAMS

MODIFIED: Final = "Modified_Time"
# The module that a related record is of. A system key: it stands in no catalogue.
RELATED: Final = "$se_module"
# Of deals: what the stage is defined as. Made by the connector from the options of `Stage`, so its key is like theirs.
FORECAST: Final = "$forecast_type"

_TYPES: Final[Mapping[str, FieldType]] = {
    "text": "text",
    "textarea": "long_text",
    "email": "text",
    "phone": "text",
    "website": "text",
    "autonumber": "text",
    "integer": "int",
    "bigint": "int",
    "double": "number",
    "percent": "number",
    "currency": "number",
    "rollup_summary": "number",
    "boolean": "bool",
    "date": "date",
    "datetime": "datetime",
    "picklist": "choice",
    "multiselectpicklist": "multi",
    "lookup": "ref",
    "ownerlookup": "ref",
    "userlookup": "ref",
}
_TEXTS: Final = frozenset({"text", "long_text"})
_COMPUTED: Final = frozenset({"formula", "rollup_summary", "autonumber"})
# Lists leave them out or hold no value of them.
_NOT_LISTED: Final = frozenset(
    {"subform", "fileupload", "imageupload", "profileimage", "event_reminder", "multireminder", "RRULE",
     "consent_lookup"}
)  # fmt: skip
# They change without anybody having edited the record: kept, they would make every reading look like an edit.
_FLEETING: Final = frozenset(
    {"Change_Log_Time__s", "Locked__s", "Record_Status__s", "Enrich_Status__s", "Last_Enriched_Time__s",
     "User_Modified_Time", "System_Modified_Time", "User_Related_Activity_Time", "System_Related_Activity_Time",
     "Record_Image", "Layout"}
)  # fmt: skip
_FORMULAS: Final[Mapping[str, FieldType]] = {
    "double": "number", "currency": "number", "integer": "int", "boolean": "bool", "date": "date",
    "datetime": "datetime",
}  # fmt: skip


def _field(path: str, kind: FieldType, *, label: str = "") -> FieldInfo:
    return FieldInfo(name=path, label=label or path.replace("_", " ").capitalize(), type=kind, path=path)


# Users have no catalogue that everybody may read.
USERS: Final = (
    _field("id", "text"),
    _field("full_name", "text"),
    _field("first_name", "text"),
    _field("last_name", "text"),
    _field("email", "text"),
    _field("phone", "text"),
    _field("mobile", "text"),
    _field("status", "text"),
    _field("confirm", "bool"),
    _field("role.name", "text", label="Role"),
    _field("profile.name", "text", label="Profile"),
    _field("time_zone", "text"),
    _field("locale", "text"),
    _field("language", "text"),
    _field("zuid", "text"),
)


def listed(rows: Iterable[Mapping[str, Json]], *, leave_out: Collection[str] = ()) -> list[str]:
    """The API names that are asked for, the stamp first."""
    left = {*leave_out, *_FLEETING, "id", MODIFIED}
    names = [str(row["api_name"]) for row in rows if _is_listed(row)]
    return [MODIFIED, *(name for name in dict.fromkeys(names) if name not in left)]


def _is_listed(row: Mapping[str, Json]) -> bool:
    return row.get("visible") is not False and row.get("type") != "unused" and row["data_type"] not in _NOT_LISTED


def questions(names: Sequence[str], *, related: bool) -> list[str]:
    """`fields=` of each question that it takes to read them all, each with the stamp."""
    rest = [name for name in names if name != MODIFIED]
    if related:
        rest = [RELATED, *rest]
    room = FIELDS - 1
    return [",".join([MODIFIED, *rest[at : at + room]]) for at in range(0, len(rest) or 1, room)]


def described(stream: str, rows: Sequence[Mapping[str, Json]], *, leave_out: Collection[str] = ()) -> list[FieldInfo]:
    """The fields of a stream from the rows of its module's catalogue."""
    if stream == "users":
        return list(USERS)
    asked = set(listed(rows, leave_out=leave_out))
    found = {"id": FieldInfo(name="id", label="Record Id", type="text", path="id")}
    for row in rows:
        if row["api_name"] in asked:
            found.update((info.path, info) for info in _told(row))
    if RESOURCES[stream].related:
        found[RELATED] = FieldInfo(name=RELATED, label="Related module", type="text", path=RELATED, write=True)
    if types := set(forecast_types(rows).values()):
        options = [(one, one) for one in sorted(types)]
        found[FORECAST] = FieldInfo(name=FORECAST, label="Forecast type", type="choice", path=FORECAST, options=options)
    return list(found.values())


def forecast_types(rows: Iterable[Mapping[str, Json]]) -> dict[str, str]:
    """What each stage of deals counts as: Open, Closed Won or Closed Lost. Of other modules nothing."""
    options = next((row.get("pick_list_values") or () for row in rows if row["api_name"] == "Stage"), ())
    return {
        str(option[name]): str(option["forecast_type"])
        for option in options
        for name in ("display_value", "actual_value")
        if option.get("forecast_type") and option.get(name)
    }


def _told(row: Mapping[str, Json]) -> list[FieldInfo]:
    name, label = str(row["api_name"]), str(row.get("field_label") or row.get("display_label") or row["api_name"])
    kind = _type(row)
    write = _writable(row)
    shared: dict[str, Any] = {
        "write": write,
        "required": write and row.get("system_mandatory") is True,
        "unique": bool(row.get("unique")),
        "custom": row.get("custom_field") is True,
        "mark": str(row["id"]) if row.get("id") else None,
    }
    if kind == "ref":
        # A reference is an object with the id and the name of what it leads to; its id is what counts.
        named = FieldInfo(
            name=f"{name}.name", label=f"{label} (name)", type="text", path=f"{name}.name", custom=shared["custom"]
        )
        return [
            FieldInfo(name=name, label=label, type="ref", path=f"{name}.id", refers_to=_leads_to(row), **shared),
            named,
        ]
    length, decimals = row.get("length"), row.get("decimal_place")
    return [
        FieldInfo(
            name=name,
            label=label,
            type=kind,
            path=name,
            options=_options(row) if kind in ("choice", "multi") else (),
            max_length=length if kind in _TEXTS and isinstance(length, int) and length > 0 else None,
            decimals=decimals if kind == "number" and isinstance(decimals, int) else None,
            **shared,
        )
    ]


def _type(row: Mapping[str, Json]) -> FieldType:
    kind = str(row["data_type"])
    if kind == "formula":
        return _FORMULAS.get(str((row.get("formula") or {}).get("return_type")), "text")
    if row.get("json_type") == "jsonarray" and kind != "multiselectpicklist":
        return "json"
    return _TYPES.get(kind, "json")


def _writable(row: Mapping[str, Json]) -> bool:
    if row.get("read_only") is True or row.get("field_read_only") is True or row["data_type"] in _COMPUTED:
        return False
    allowed = row.get("operation_type") or {}
    return allowed.get("api_update") is not False or allowed.get("api_create") is True


def _options(row: Mapping[str, Json]) -> list[tuple[str, str]]:
    """Each option once, under the value that records carry."""
    told = {
        str(option["actual_value"]): str(option.get("display_value") or option["actual_value"])
        for option in row.get("pick_list_values") or ()
        if option.get("actual_value") not in (None, "", "-None-")
    }
    return list(told.items())


def _leads_to(row: Mapping[str, Json]) -> str | None:
    if row["data_type"] in ("ownerlookup", "userlookup"):
        return "users"
    module = (row.get("lookup") or {}).get("module")
    name = module.get("api_name") if isinstance(module, Mapping) else module
    return "any" if name == "se_module" else STREAMS.get(str(name))
