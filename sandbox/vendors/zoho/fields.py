"""Fields: what settings tell of them, how a record shows them, and what may be written into them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Final

from sandbox.vendors.zoho.answers import FaultError
from sandbox.vendors.zoho.modules import MODULES, OPTIONS, STAGES, ModuleSpec
from sandbox.vendors.zoho.stamps import kept, read, record_id
from sandbox.web import Json

ADDED: Final = "2024-02-04T14:58:03+01:00"
_JSON_TYPES: Final[Mapping[str, str]] = {
    "integer": "integer",
    "double": "double",
    "currency": "double",
    "boolean": "boolean",
    "lookup": "jsonobject",
    "ownerlookup": "jsonobject",
    "multiselectpicklist": "jsonarray",
    "tags": "jsonarray",
    "participants": "jsonarray",
}
# What settings call a type that has a name of its own here.
_SHOWN_TYPES: Final = {"tags": "text", "participants": "bigint"}
# What the options of a deal's stage tell beside themselves.
_FORECASTS: Final = {name: {"probability": probability, "forecast_type": kind} for name, probability, kind in STAGES}
SE_MODULE: Final = "se_module"  # a lookup of any module; beside it stands which


@dataclass(frozen=True, slots=True)
class Option:
    id: str
    display: str
    actual: str


@dataclass(slots=True, kw_only=True)
class Field:
    """`key`: the name under which records keep the value; `name`: what the API calls it now."""

    id: str
    key: str
    name: str
    label: str
    type: str
    target: str | None  # of a lookup: the module
    length: int
    mandatory: bool
    read_only: bool
    custom: bool
    unique: bool
    external: bool
    options: Sequence[Option] | None

    def json(self) -> Json:
        writable = not self.read_only
        return {
            "id": self.id,
            "api_name": self.name,
            "field_label": self.label,
            "display_label": self.label,
            "column_name": self.key.upper(),
            "data_type": _SHOWN_TYPES.get(self.type, self.type),
            "json_type": _JSON_TYPES.get(self.type, "string"),
            "length": self.length,
            "decimal_place": 2 if self.type in {"double", "currency"} else None,
            "custom_field": self.custom,
            "system_mandatory": self.mandatory,
            "read_only": self.read_only,
            "field_read_only": self.read_only,
            "virtual_field": False,
            "visible": True,
            "type": "used",
            "created_source": "default" if not self.custom else "user",
            "created_time": ADDED if self.custom else None,
            "modified_time": ADDED if self.custom else None,
            "unique": {"case_sensitive": False} if self.unique else {},
            "external": {"type": "org", "show": True} if self.external else None,
            "operation_type": {
                "web_update": writable,
                "api_create": writable,
                "web_create": writable,
                "api_update": writable,
            },
            "view_type": {"view": True, "edit": writable, "quick_create": self.mandatory, "create": writable},
            "lookup": self._lookup(),
            "multi_module_lookup": {},
            "multiselectlookup": {},
            "associated_module": None,
            "association_details": None,
            "pick_list_values": [
                {
                    "display_value": option.display,
                    "actual_value": option.actual,
                    "reference_value": option.actual,
                    "sequence_number": nth,
                    "id": option.id,
                    "colour_code": None,
                    "type": "used",
                    **(_FORECASTS.get(option.actual, {}) if self.key == "Stage" else {}),
                }
                for nth, option in enumerate(self.options or (), start=1)
            ],
            "pick_list_values_sorted_lexically": False,
            "enable_colour_code": False,
            "colour_code_enabled_by_system": False,
            "global_picklist": None,
            "formula": {},
            "rollup_summary": {},
            "auto_number": {"prefix": "", "suffix": "", "start_number": 1} if self.type == "autonumber" else {},
            "currency": {"rounding_option": "normal", "precision": 2} if self.type == "currency" else {},
            "textarea": {"type": "small"} if self.type == "textarea" else None,
            "convert_mapping": {},
            "crypt": None,
            "private": None,
            "profiles": [{"permission_type": "read_write", "name": "Administrator", "id": record_id(1)}],
            "email_parser": {"fields_update_supported": writable, "record_operations_supported": writable},
            "history_tracking": None,
            "history_tracking_enabled": False,
            "businesscard_supported": True,
            "display_field": False,
            "display_type": -1,
            "ui_type": 1,
            "webhook": True,
            "public": False,
            "separator": False,
            "range": None,
            "filterable": self.type not in {"textarea", "tags", "participants"},
            "sortable": self.type not in {"textarea", "tags", "participants", "multiselectpicklist"},
            "searchable": self.type not in {"tags", "participants"},
            "mass_update": writable and not self.unique,
            "tooltip": None,
            "quick_sequence_number": None,
            "blueprint_supported": True,
            "hipaa_compliance_enabled": False,
            "hipaa_compliance": None,
        }

    def _lookup(self) -> Json:
        if self.target is None:
            return {}
        module = MODULES.get(self.target)
        return {
            "api_name": self.key,
            "display_label": self.label,
            "id": self.id,
            "revalidate_filter_during_edit": False,
            "module": {"api_name": self.target, "crypt": False, "id": record_id(module.number) if module else "0"},
        }


@dataclass(slots=True)
class Catalogue:
    """The fields of one module, by key and in order."""

    module: str
    spec: ModuleSpec
    fields: dict[str, Field] = field(default_factory=dict)

    def by_name(self) -> dict[str, Field]:
        """By what the API calls them now."""
        return {found.name: found for found in self.fields.values()}

    def lookups(self, target: str) -> Iterable[Field]:
        return (found for found in self.fields.values() if found.target in {target, SE_MODULE})


def catalogues() -> dict[str, Catalogue]:
    """The fields of a fresh account."""
    ids = count(111001)
    made = {}
    for module, spec in MODULES.items():
        made[module] = catalogue = Catalogue(module, spec)
        for line in spec.fields.split("\n"):
            if line:
                found = _field(module, line, ids)
                catalogue.fields[found.key] = found
    return made


def _field(module: str, line: str, ids: "count[int]") -> Field:
    key, kind, *rest = line.split()
    length = int(rest.pop(0)) if rest and rest[0].isdigit() else 255
    flags = rest.pop() if rest else ""
    kind, _, target = kind.partition(":")
    number = next(ids)
    options = None
    if kind in {"picklist", "multiselectpicklist"}:
        listed = OPTIONS.get((module, key)) or OPTIONS["*", key]
        pairs = [(entry, entry) if isinstance(entry, str) else entry for entry in listed]
        options = [Option(record_id(next(ids)), display, actual) for display, actual in pairs]
    return Field(
        id=record_id(number),
        key=key,
        name=key,
        label=key.removesuffix("__s").replace("_", " "),
        type=kind,
        target=target or None,
        length=length,
        mandatory="*" in flags,
        read_only="!" in flags,
        custom="+" in flags,
        unique="1" in flags,
        external="x" in flags,
        options=options,
    )


# What is written


def written(found: Field, value: Json, path: str) -> Json:
    """A written value as it is kept; raises `FaultError`. Lookups are checked by who knows the records."""
    if value is None or value == "":
        return None
    try:
        return _CHECKS.get(found.type, _text)(found, value)
    except _WrongError as exc:
        details = {"api_name": found.name, "json_path": path, **exc.details}
        raise FaultError("INVALID_DATA", "invalid data", **details) from exc


class _WrongError(Exception):
    def __init__(self, **details: Json) -> None:
        super().__init__()
        self.details = details


def _text(found: Field, value: Json) -> Json:
    if not isinstance(value, str):
        raise _WrongError(expected_data_type=found.type)
    if len(value) > found.length:
        raise _WrongError(maximum_length=found.length)
    return value


# Letters are let in, since extensions are written with them; slashes and emoji are not.
_PHONE: Final = re.compile(r"\+?[0-9A-Za-z .,;#()\-]+")
EMAIL: Final = re.compile(r"[^\s@,;<>()\".]+(?:\.[^\s@,;<>()\".]+)*@(?:[^\s@,;<>()\".]+\.)+[^\s@,;<>()\".]{2,}")


def _shaped(pattern: re.Pattern[str]) -> Callable[[Field, Json], Json]:
    def check(found: Field, value: Json) -> Json:
        if not pattern.fullmatch(_text(found, value)):
            raise _WrongError(expected_data_type=found.type)
        return value

    return check


def _integer(found: Field, value: Json) -> Json:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _WrongError(expected_data_type="integer")
    if len(str(abs(value))) > found.length:
        raise _WrongError(maximum_length=found.length)
    return value


def _number(found: Field, value: Json) -> Json:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _WrongError(expected_data_type="double")
    return value


def _bigint(found: Field, value: Json) -> Json:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(r"-?\d{1,18}", text):
        raise _WrongError(expected_data_type="bigint")
    return text


def _boolean(found: Field, value: Json) -> Json:
    if not isinstance(value, bool):
        raise _WrongError(expected_data_type="boolean")
    return value


def _date(found: Field, value: Json) -> Json:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    raise _WrongError(expected_data_type="date")


def _datetime(found: Field, value: Json) -> Json:
    at = read(value) if isinstance(value, str) else None
    if at is None:
        raise _WrongError(expected_data_type="datetime")
    return kept(at)


def _option(found: Field, value: Json) -> Json:
    for option in found.options or ():
        if value == option.actual:
            return value
    raise _WrongError(expected_data_type="picklist")


def _options(found: Field, value: Json) -> Json:
    if not isinstance(value, list):
        raise _WrongError(expected_data_type="jsonarray")
    return [_option(found, entry) for entry in dict.fromkeys(value)] or None


def _tags(found: Field, value: Json) -> Json:
    if not isinstance(value, list) or not all(isinstance(entry, dict) and entry.get("name") for entry in value):
        raise _WrongError(expected_data_type="jsonarray")
    return [{"name": str(entry["name"]), "id": entry.get("id"), "color_code": None} for entry in value]


def _objects(found: Field, value: Json) -> Json:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise _WrongError(expected_data_type="jsonarray")
    return value


_CHECKS: Final[Mapping[str, Callable[[Field, Json], Json]]] = {
    "email": _shaped(EMAIL),
    "phone": _shaped(_PHONE),
    "integer": _integer,
    "double": _number,
    "currency": _number,
    "bigint": _bigint,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "picklist": _option,
    "multiselectpicklist": _options,
    "tags": _tags,
    "participants": _objects,
}
