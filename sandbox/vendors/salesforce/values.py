"""What a field takes, and what it keeps of it. Refusals as the API's status codes name them."""

from datetime import UTC, datetime
from typing import Final

from sandbox.state import Record
from sandbox.vendors.salesforce import ids
from sandbox.vendors.salesforce.answers import RefusedError, not_json, refused
from sandbox.vendors.salesforce.org import Org
from sandbox.vendors.salesforce.schema import NUMBERS, TEXTS, Field, SObject
from sandbox.vendors.salesforce.stamps import day, moment, stamp
from sandbox.web import Json

_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}


def checked(org: Org, entry: SObject, body: Record, *, create: bool) -> Record:
    """The values of a body by the keys they are kept under; None clears. Raises `RefusedError` at the first fault."""
    found: Record = {}
    for name, value in body.items():
        if name == "attributes":
            continue
        field = entry.field(name)
        if field is None:
            parent = entry.reference(name)
            if parent is None or not isinstance(value, dict):
                raise refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {entry.name}")
            found[parent.key] = by_external_id(org, parent, value)
            continue
        if not (field.createable if create else field.updateable):
            raise refused(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {field.name}. Please check the security settings of this field and "
                "verify that it is read/write for your profile or permission set.",
                [field.name],
            )
        found[field.key] = kept(org, field, value)
    return found


def by_external_id(org: Org, field: Field, wanted: Record) -> str:
    """The id of the parent that a nested object names by an external id."""
    keys = {name: value for name, value in wanted.items() if name not in ("attributes", "type")}
    if len(keys) != 1:
        raise refused("INVALID_FIELD", f"{field.relationship}: an external ID field and nothing else is expected")
    ((name, value),) = keys.items()
    for target in field.refers_to:
        key = org.objects[target].field(name)
        if key is None or not key.id_lookup:
            continue
        hits = org.index(target, key.key).ids(value)
        if hits:
            return hits[0]
        raise refused(
            "INVALID_FIELD",
            f"Foreign key external ID: {str(value).lower()} not found for field {name} in entity {target}",
        )
    raise refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {field.refers_to[0]}")


def kept(org: Org, field: Field, value: Json) -> Json:
    """The value as it is kept."""
    if value is None or value == "":
        if field.type == "boolean":
            return False
        return None
    if field.type == "boolean":
        return _boolean(value)
    if field.type in NUMBERS:
        return _number(field, value)
    if field.type == "date":
        return _date(value)
    if field.type == "datetime":
        return _datetime(value)
    if field.type in ("reference", "id"):
        return _reference(org, field, value)
    if field.type in TEXTS:
        return _text(field, value)
    raise not_json(f"{field.name} cannot be written")


def missing(entry: SObject, record: Record, *, without: tuple[str, ...] = ()) -> list[str]:
    return [
        field.name for field in entry.fields.values()
        if field.required and record.get(field.key) is None and field.key not in without
    ]  # fmt: skip


def required(names: list[str]) -> RefusedError:
    return refused("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", names)


def _unread(kind: str, value: Json) -> RefusedError:
    token = (
        "VALUE_STRING" if isinstance(value, str) else "VALUE_NUMBER_INT" if isinstance(value, int) else "START_OBJECT"
    )
    return not_json(
        f"Cannot deserialize instance of {kind} from {token} value {value} or request may be missing a required field"
        " at [line:1, column:2]"
    )


def _boolean(value: Json) -> bool:
    found = value if isinstance(value, bool) else _BOOLEANS.get(str(value).lower())
    if found is None:
        raise _unread("boolean", value)
    return bool(found)


def _number(field: Field, value: Json) -> int | float:
    try:
        number = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is None:
        raise _unread("int" if field.type == "int" else "double", value)
    if abs(number) >= 10 ** (field.precision - field.scale):
        raise refused(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{field.label}: value outside of valid range on numeric field: {value}",
            [field.name],
        )
    return int(number) if field.type == "int" else float(round(number, field.scale))


def _date(value: Json) -> str:
    try:
        return day(value if len(value) == 10 else moment(value).date().isoformat())
    except (TypeError, ValueError):
        raise _unread("date", value) from None


def _datetime(value: Json) -> str:
    try:
        if len(value) == 10:
            return stamp(datetime.fromisoformat(value).replace(tzinfo=UTC))
        return stamp(moment(value))
    except (TypeError, ValueError):
        raise _unread("datetime", value) from None


def _reference(org: Org, field: Field, value: Json) -> str:
    found = ids.full(value)
    if found is None:
        raise refused("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", [field.name])
    target = org.object_of(found)
    if target is None or target.name not in field.refers_to:
        raise refused(
            "FIELD_INTEGRITY_EXCEPTION" if target else "MALFORMED_ID",
            f"{field.label}: id value of incorrect type: {value}",
            [field.name],
        )
    record = org.record(found)
    if record is None:
        raise refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name])
    if record.get("IsDeleted"):
        raise refused("ENTITY_IS_DELETED", "entity is deleted", [field.name])
    return found


def _text(field: Field, given: Json) -> str | None:
    if isinstance(given, (dict, list)):
        raise _unread("string", given)
    # Blanks around a value are not kept.
    value = (str(given).lower() if isinstance(given, bool) else str(given)).strip()
    if len(value) > field.length:
        raise refused(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {value} (max length={field.length})",
            [field.name],
        )
    if value and field.type == "email" and not _is_mail(value):
        raise refused("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {value}", [field.name])
    if (
        value
        and field.restricted
        and not set(value.split(";") if field.type == "multipicklist" else [value]) <= {*field.options}
    ):
        raise refused(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label}: bad value for restricted picklist field: {value}",
            [field.name],
        )
    return value or None


def _is_mail(value: str) -> bool:
    local, at, domain = value.rpartition("@")
    return bool(at and local) and "." in domain.strip(".") and not any(c.isspace() or c in ",;<>()" for c in value)
