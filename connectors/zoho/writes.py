"""From writes to the bodies that Zoho takes, and from its answers to what became of each. No I/O."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from connectors.sdk import FieldInfo, Json, Outcome, Values, Write
from connectors.sdk.rows import number
from connectors.zoho.fields import RELATED
from connectors.zoho.streams import RESOURCES

_DONE: Final = "SUCCESS"
_MOVED: Final = "ALREADY_MODIFIED"
_LATER: Final = frozenset({"TOO_MANY_REQUESTS", "LIMIT_EXCEEDED"})
# Zoho stumbled over the row: it may be there nevertheless.
_UNKNOWN: Final = frozenset({"INTERNAL_ERROR"})
_SEVERAL: Final = "MULTIPLE_OR_MULTI_ERRORS"

_HINTS: Final[Mapping[str, str]] = {
    "RECORD_LOCKED": "locked there by an approval or a lock rule: who may unlock it does, then it is written",
    "RECORD_IN_BLUEPRINT": "it stands in a blueprint, which lets this field change only by a transition",
    "AUTHORIZATION_FAILED": "the hub's user may not edit this record",
    "NO_PERMISSION": "the hub's user may not edit this record",
    "NOT_ALLOWED": "the hub's user may not edit this record",
    "DEPENDENT_MISMATCH": "the value does not go with that of the field it depends on",
}


def body(values: Values, fields: Mapping[str, FieldInfo]) -> dict[str, Json]:
    """What to send for one record. `fields`: those of the stream by API name."""
    return {name: _value(name, value, fields.get(name)) for name, value in values.items()}


def unknown_fields(values: Values, fields: Collection[str]) -> list[str]:
    """Zoho takes a field that it does not know without a word and without effect."""
    return sorted(name for name in values if name not in fields)


def _value(name: str, value: Json, info: FieldInfo | None) -> Json:
    if name == RELATED:
        resource = RESOURCES.get(str(value))
        return value if resource is None else resource.module
    if isinstance(value, Mapping):
        return _reference(value)
    if value is None or info is None:
        return value
    match info.type:
        case "ref":
            return _reference({"id": value})
        case "int" | "number":
            return number(value)
        case "datetime":
            return _instant(value)
        case "multi":
            return value if value else None
    return value


def _reference(value: Mapping[str, Json]) -> Json:
    """Another record by its id, which is a text of digits; without one the field is emptied."""
    key = value.get("id")
    return None if key in (None, "") else {"id": str(key)}


def _instant(value: Json) -> Json:
    """Zoho takes whole seconds and an offset in digits, no Z."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    if moment.tzinfo is None:
        return value
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def rows(told: Json, count: int, *, key: str = "data") -> list[Mapping[str, Json]] | None:
    """What became of each record of a call, in the order in which they were sent; None: the answer does not tell."""
    found = told.get(key) if isinstance(told, Mapping) else None
    if not isinstance(found, list) or len(found) != count or not all(isinstance(row, Mapping) for row in found):
        return None
    return found


def outcome(write: Write, row: Mapping[str, Json], fields: Mapping[str, FieldInfo]) -> Outcome:
    """What became of one record."""
    code, details = str(row.get("code")), _details(row)
    if code == _DONE:
        key = details.get("id") or write.key
        if not key:
            return Outcome(write.action, "unknown", reason="the answer to a create names no record")
        return Outcome(write.action, "done", str(key), details.get("Modified_Time"))
    if code == _MOVED:
        return moved(write)
    reason = _reason(row, fields)
    if code in _LATER:
        return Outcome(write.action, "later", write.key, reason=reason)
    if code in _UNKNOWN:
        return Outcome(write.action, "unknown", write.key, reason=reason)
    return Outcome(write.action, "rejected", write.key, reason=reason)


def moved(write: Write) -> Outcome:
    """Somebody edited the record since it was read: nothing was written."""
    return Outcome(write.action, "moved", write.key, reason="it was edited there in the meantime")


def edited(told: Json) -> str:
    """The id of the record whose edit refused a call; "" where the answer names none."""
    found = rows(told, 1)
    return str(_details(found[0]).get("id", "")) if found else ""


def _details(row: Mapping[str, Json]) -> Mapping[str, Json]:
    details = row.get("details")
    return details if isinstance(details, Mapping) else {}


def _reason(row: Mapping[str, Json], fields: Mapping[str, FieldInfo]) -> str:
    """Why a record was refused: codes, names and numbers. Zoho's own words may quote the record."""
    code, details = str(row.get("code")), _details(row)
    several = details.get("errors")
    if code == _SEVERAL and isinstance(several, Sequence):
        return "; ".join(_reason(one, fields) for one in several if isinstance(one, Mapping)) or code
    told = [f"refused, {code}" if code.replace("_", "").isalnum() else "refused"]
    if field := _field_of(details, fields):
        told.append(field)
    if (kind := details.get("expected_data_type")) and str(kind).isidentifier():
        told.append(f"expects {kind}")
    if isinstance(length := details.get("maximum_length"), int):
        told.append(f"at most {length} characters")
    if twin := _twin(details):
        told.append(f"record {twin} has it")
    if hint := _HINTS.get(code):
        told.append(hint)
    return ": ".join([told[0], ", ".join(told[1:])]) if told[1:] else told[0]


def _field_of(details: Mapping[str, Json], fields: Mapping[str, FieldInfo]) -> str:
    """The fields that an error names, by their labels."""
    more = details.get("expected_fields")
    named = [details, *(more if isinstance(more, list) else ())]
    names = [str(one["api_name"]) for one in named if isinstance(one, Mapping) and one.get("api_name")]
    return ", ".join(fields[name].label if name in fields else name for name in dict.fromkeys(names) if _is_name(name))


def _is_name(text: str) -> bool:
    return text.replace("$", "").isidentifier()


def _twin(details: Mapping[str, Json]) -> str:
    """The record that has the value already."""
    twin = details.get("duplicate_record")
    key = twin.get("id") if isinstance(twin, Mapping) else details.get("id")
    return str(key) if key is not None and str(key).isdecimal() else ""


def hub_field(write: Write, fields: Mapping[str, FieldInfo]) -> FieldInfo | None:
    """The field that carries the hub's own id in a create; None where it carries none."""
    if write.hub_id is None:
        return None
    names = [name for name, value in write.values.items() if value == write.hub_id and name in fields]
    unique = [name for name in names if fields[name].unique]
    found = next(iter(unique or names), None)
    return None if found is None else fields[found]
