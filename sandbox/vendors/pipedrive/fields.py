"""The fields of Pipedrive's objects: built-in ones and an account's own, with their types, options and values.

A custom field's key is a hash of 40 characters, another one in every account. Values: see `custom_value`.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Final

from sandbox.web import Json

ENTITIES: Final = ("person", "organization", "deal", "activity")
# Types that may be chosen for a new field.
CUSTOM_TYPES: Final = frozenset(
    [
        "varchar",
        "text",
        "double",
        "phone",
        "date",
        "daterange",
        "time",
        "timerange",
        "set",
        "enum",
        "varchar_auto",
        "address",
        "monetary",
        "org",
        "people",
        "user",
    ]
)
SEARCHABLE: Final = frozenset(["address", "varchar", "text", "varchar_auto", "double", "monetary", "phone"])
LONGEST_VARCHAR: Final = 255
ADDRESS_PARTS: Final = {
    "value": "Address value",
    "street_number": "House number",
    "route": "Street/road name",
    "subpremise": "Apartment/suite",
    "sublocality": "District",
    "locality": "City/town",
    "admin_area_level_1": "State/county",
    "admin_area_level_2": "Region",
    "country": "Country",
    "postal_code": "ZIP/Postal code",
}
_SUBFIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "address": ADDRESS_PARTS,
    "monetary": {"value": "Amount", "currency": "Currency"},
    "daterange": {"value": "Start", "until": "End"},
    "timerange": {"value": "Start", "until": "End"},
    "time": {"value": "Time", "timezone_id": "Timezone id", "timezone_name": "Timezone"},
}


class BadValueError(ValueError):
    """A value that a field does not take. The text says which and why, as a validation message does."""


@dataclass(slots=True)
class Option:
    id: int
    label: str
    color: str | None = None


@dataclass(slots=True, kw_only=True)
class Field:
    """One field. `v1_key` where API v1 calls it differently; `optional`: shown only when asked for."""

    id: int
    code: str
    name: str
    type: str
    custom: bool = False
    optional: bool = False
    mandatory: bool = False
    options: list[Option] | None = None
    v1_key: str | None = None
    added: str = "2021-02-04T13:58:03Z"

    def v2(self) -> Json:
        parts = _SUBFIELDS.get(self.type)
        return {
            "field_name": self.name,
            "field_code": self.code,
            "description": None,
            "field_type": self.type,
            "options": None if self.options is None else [_option(option) for option in self.options],
            "subfields": None
            if parts is None
            else [
                {"field_code": code, "field_name": f"{name} of {self.name}", "field_type": _part_type(self.type, code)}
                for code, name in parts.items()
            ],
            "is_custom_field": self.custom,
            "is_optional_response_field": self.optional,
        }

    def v1(self) -> Json:
        shown: dict[str, Json] = {
            "id": self.id,
            "key": self.v1_key or self.code,
            "name": self.name,
            "order_nr": self.id,
            "field_type": self.type,
            "add_time": v1_time(self.added),
            "update_time": v1_time(self.added),
            "last_updated_by_user_id": None,
            "created_by_user_id": None,
            "active_flag": True,
            "edit_flag": self.custom,
            "index_visible_flag": True,
            "details_visible_flag": True,
            "add_visible_flag": self.mandatory,
            "important_flag": False,
            "bulk_edit_allowed": True,
            "searchable_flag": self.custom and self.type in SEARCHABLE,
            "filtering_allowed": True,
            "sortable_flag": True,
            "mandatory_flag": self.mandatory,
        }
        if self.options is not None:
            shown["options"] = [{"id": option.id, "label": option.label} for option in self.options]
        return shown


def _option(option: Option) -> Json:
    return {"id": option.id, "label": option.label, "color": option.color, "update_time": None, "add_time": None}


def _part_type(whole: str, part: str) -> str:
    if part == "value":
        return {"monetary": "double", "daterange": "date", "timerange": "time", "time": "time"}.get(whole, "varchar")
    return {"daterange": "date", "timerange": "time"}.get(whole, "int" if part == "timezone_id" else "varchar")


def v1_time(stamp: str) -> str:
    """`2026-01-02T03:04:05Z` as v1 writes it."""
    return stamp[:19].replace("T", " ")


@dataclass(slots=True)
class Catalogue:
    """The fields of one entity."""

    entity: str
    fields: dict[str, Field] = field(default_factory=dict)  # by code

    def custom(self) -> Iterable[Field]:
        return (found for found in self.fields.values() if found.custom)

    def by_label(self, label: str) -> Field:
        """The custom field of that label; raises `KeyError`."""
        for found in self.custom():
            if found.name == label:
                return found
        raise KeyError(label)


_BUILT_IN: Final[Mapping[str, Sequence[tuple[str, str, str]]]] = {
    "person": (
        ("name", "Name", "varchar"),
        ("first_name", "First name", "varchar"),
        ("last_name", "Last name", "varchar"),
        ("phone", "Phone", "phone"),
        ("email", "Email", "varchar"),
        ("label_ids", "Labels", "set"),
        ("id", "ID", "int"),
        ("add_time", "Person created", "date"),
        ("update_time", "Update time", "date"),
        ("org_id", "Organization", "org"),
        ("owner_id", "Owner", "user"),
        ("visible_to", "Visible to", "visible_to"),
        ("picture_id", "Profile picture", "picture"),
        ("is_deleted", "Deleted", "boolean"),
        ("job_title", "Job title", "varchar"),
        ("birthday", "Birthday", "date"),
        ("notes", "Notes", "text"),
        ("postal_address", "Postal address", "address"),
        ("im", "Instant messenger", "varchar"),
        ("marketing_status", "Marketing status", "varchar_options"),
        ("doi_status", "Double opt-in status", "varchar_options"),
        ("open_deals_count", "Open deals", "int"),
        ("won_deals_count", "Won deals", "int"),
        ("activities_count", "Total activities", "int"),
        ("notes_count", "Notes count", "int"),
    ),
    "organization": (
        ("name", "Name", "varchar"),
        ("label_ids", "Labels", "set"),
        ("address", "Address", "address"),
        ("id", "ID", "int"),
        ("add_time", "Organization created", "date"),
        ("update_time", "Update time", "date"),
        ("owner_id", "Owner", "user"),
        ("visible_to", "Visible to", "visible_to"),
        ("is_deleted", "Deleted", "boolean"),
        ("website", "Website", "varchar"),
        ("linkedin", "LinkedIn profile", "varchar"),
        ("industry", "Industry", "enum"),
        ("annual_revenue", "Annual revenue", "double"),
        ("employee_count", "Number of employees", "int"),
        ("people_count", "People", "int"),
        ("open_deals_count", "Open deals", "int"),
    ),
    "deal": (
        ("title", "Title", "varchar"),
        ("value", "Value", "monetary"),
        ("label_ids", "Labels", "set"),
        ("id", "ID", "int"),
        ("person_id", "Contact person", "people"),
        ("org_id", "Organization", "org"),
        ("owner_id", "Owner", "user"),
        ("creator_user_id", "Creator", "user"),
        ("pipeline_id", "Pipeline", "int"),
        ("stage_id", "Stage", "stage"),
        ("status", "Status", "status"),
        ("probability", "Probability", "int"),
        ("lost_reason", "Lost reason", "varchar"),
        ("expected_close_date", "Expected close date", "date"),
        ("add_time", "Deal created", "date"),
        ("update_time", "Update time", "date"),
        ("stage_change_time", "Last stage change", "date"),
        ("close_time", "Deal closed on", "date"),
        ("won_time", "Won time", "date"),
        ("lost_time", "Lost time", "date"),
        ("visible_to", "Visible to", "visible_to"),
        ("is_archived", "Archived", "boolean"),
        ("origin", "Source origin", "varchar"),
        ("channel", "Source channel", "enum"),
        ("acv", "Annual contract value", "double"),
        ("arr", "Annual recurring revenue", "double"),
        ("mrr", "Monthly recurring revenue", "double"),
    ),
    "activity": (
        ("subject", "Subject", "varchar"),
        ("type", "Type", "varchar_options"),
        ("id", "ID", "int"),
        ("owner_id", "Assigned to user", "user"),
        ("creator_user_id", "Creator", "user"),
        ("due_date", "Due date", "date"),
        ("due_time", "Due time", "time"),
        ("duration", "Duration", "time"),
        ("done", "Done", "boolean"),
        ("marked_as_done_time", "Marked as done time", "date"),
        ("deal_id", "Deal", "deal"),
        ("lead_id", "Lead", "lead"),
        ("person_id", "Contact person", "people"),
        ("org_id", "Organization", "org"),
        ("note", "Note", "text"),
        ("location", "Location", "address"),
        ("public_description", "Public description", "text"),
        ("busy", "Free/busy", "boolean"),
        ("priority", "Priority", "enum"),
        ("add_time", "Add time", "date"),
        ("update_time", "Update time", "date"),
    ),
}
_MANDATORY: Final = {("person", "name"), ("organization", "name"), ("deal", "title")}
_OPTIONAL: Final = frozenset(
    [
        "marketing_status",
        "doi_status",
        "open_deals_count",
        "won_deals_count",
        "activities_count",
        "notes_count",
        "people_count",
    ]
)
_V1_KEYS: Final = {"label_ids": "label", "creator_user_id": "creator_user_id"}
_OPTIONS: Final[Mapping[tuple[str, str], Sequence[str]]] = {
    ("person", "label_ids"): ("Customer", "Hot lead", "Partner", "Newsletter", "Kündigung droht"),
    ("organization", "label_ids"): ("Key account", "Prospect", "Supplier"),
    ("organization", "industry"): (
        "Energy",
        "Textiles",
        "Food",
        "Logistics",
        "Software",
        "Machinery",
        "Health",
        "Retail",
    ),
    ("deal", "label_ids"): ("Renewal", "Upsell", "Urgent"),
    ("deal", "channel"): ("Web", "Trade fair", "Referral"),
    ("activity", "priority"): ("Low", "Medium", "High"),
}
# What this account's administrator has added, by entity: label, type, options.
_ADDED: Final[Mapping[str, Sequence[tuple[str, str, Sequence[str]]]]] = {
    "person": (
        ("NPS score", "double", ()),
        ("NPS class", "enum", ("Promoter", "Passive", "Detractor")),
        ("NPS comment", "text", ()),
        ("NPS date", "date", ()),
        ("Crosswalk ID", "varchar", ()),
        ("Kundenstufe", "enum", ("Gold", "Silber", "Bronze")),
        ("Geburtstag", "date", ()),
    ),
    "organization": (
        ("Account NPS", "double", ()),
        ("Segment", "enum", ("SMB", "Mid-market", "Enterprise", "Öffentlicher Dienst")),
    ),
    "deal": (
        ("Competitors", "set", ("Acme", "Globex", "Umbrella")),
        ("Renewal fee", "monetary", ()),
        ("Contract term", "daterange", ()),
    ),
    "activity": (),
}


def catalogues(seed: int, option_ids: Callable[[], int]) -> dict[str, Catalogue]:
    """The fields of a fresh account. `option_ids` hands out the ids of options, one after another."""
    field_ids = count(9001)
    made: dict[str, Catalogue] = {}
    for entity in ENTITIES:
        made[entity] = catalogue = Catalogue(entity)
        for code, name, kind in _BUILT_IN[entity]:
            options = _OPTIONS.get((entity, code), () if kind in {"enum", "set"} else None)
            catalogue.fields[code] = Field(
                id=next(field_ids),
                code=code,
                name=name,
                type=kind,
                optional=code in _OPTIONAL,
                mandatory=(entity, code) in _MANDATORY,
                v1_key=_V1_KEYS.get(code),
                options=None if options is None else [Option(option_ids(), label) for label in options],
            )
        for label, kind, labels in _ADDED[entity]:
            code = field_hash(seed, entity, label)
            catalogue.fields[code] = Field(
                id=next(field_ids),
                code=code,
                name=label,
                type=kind,
                custom=True,
                options=[Option(option_ids(), option) for option in labels] if labels else None,
            )
    return made


def field_hash(seed: int, entity: str, label: str) -> str:
    return hashlib.sha1(f"{seed}/{entity}/{label}".encode(), usedforsecurity=False).hexdigest()


def custom_value(field: Field, value: Json) -> Json:
    """A written value of a custom field as it is kept; raises `BadValueError`."""
    if value is None:
        return None
    check = _CHECKS.get(field.type)
    return value if check is None else check(field, value)


def _text(field: Field, value: Json) -> Json:
    if not isinstance(value, str):
        raise BadValueError("must be string")
    if field.type in {"varchar", "varchar_auto", "phone"} and len(value) > LONGEST_VARCHAR:
        raise BadValueError(f"must NOT have more than {LONGEST_VARCHAR} characters")
    return value or None


def number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _double(field: Field, value: Json) -> Json:
    if not number(value):
        raise BadValueError("must be number")
    return value


def _id(field: Field, value: Json) -> Json:
    if not whole(value):
        raise BadValueError("must be integer")
    return value


def is_date(value: Json) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_time(value: Json) -> bool:
    return isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", value) is not None


def _date(field: Field, value: Json) -> Json:
    if not is_date(value):
        raise BadValueError('must match format "date"')
    return value


def _enum(field: Field, value: Json) -> Json:
    if not whole(value) or value not in _ids(field):
        raise BadValueError("must be equal to one of the allowed values")
    return value


def _set(field: Field, value: Json) -> Json:
    if not isinstance(value, list):
        raise BadValueError("must be array")
    if not value:
        raise BadValueError("must NOT have fewer than 1 items")
    if not all(whole(entry) and entry in _ids(field) for entry in value):
        raise BadValueError("must be equal to one of the allowed values")
    return sorted(set(value))


def _ids(field: Field) -> set[int]:
    return {option.id for option in field.options or ()}


def _monetary(field: Field, value: Json) -> Json:
    if not isinstance(value, dict) or not number(value.get("value")) or not isinstance(value.get("currency"), str):
        raise BadValueError("must be object with value and currency")
    return {"value": value["value"], "currency": value["currency"]}


def _range(field: Field, value: Json) -> Json:
    fits = is_date if field.type == "daterange" else is_time
    if not isinstance(value, dict) or not fits(value.get("value")) or not fits(value.get("until")):
        raise BadValueError("must be object with value and until")
    return {"value": value["value"], "until": value["until"]}


def _time(field: Field, value: Json) -> Json:
    if not isinstance(value, dict) or not is_time(value.get("value")):
        raise BadValueError("must be object with value")
    return {
        "value": value["value"],
        "timezone_id": value.get("timezone_id"),
        "timezone_name": value.get("timezone_name"),
    }


def address(value: Json) -> Json:
    """A written address as it is kept: every part, those not given null."""
    if not isinstance(value, dict):
        raise BadValueError("must be object")
    for part, text in value.items():
        if part not in ADDRESS_PARTS:
            raise BadValueError(f"has no part '{part}'")
        if text is not None and not isinstance(text, str):
            raise BadValueError(f"{part} must be string")
    return {part: value.get(part) for part in ADDRESS_PARTS}


_CHECKS: Final[Mapping[str, Callable[[Field, Json], Json]]] = {
    "varchar": _text,
    "varchar_auto": _text,
    "text": _text,
    "phone": _text,
    "double": _double,
    "date": _date,
    "enum": _enum,
    "set": _set,
    "monetary": _monetary,
    "daterange": _range,
    "timerange": _range,
    "time": _time,
    "org": _id,
    "people": _id,
    "user": _id,
    "address": lambda _field, value: address(value),
}
