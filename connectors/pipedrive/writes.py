"""From a write to the body that Pipedrive takes.

The second version checks strictly: a number in quotes is refused, and so is an empty list in a custom field.
"""

from collections.abc import Mapping
from typing import Final

from connectors.pipedrive.fields import CUSTOM
from connectors.sdk import FieldInfo, Json, Operation, Values
from connectors.sdk.rows import number

# Lists of the records themselves are emptied by an empty list; everything else is cleared by null.
_LISTS: Final = frozenset({"emails", "phones", "label_ids", "participants"})


def body(op: Operation, values: Values, fields: Mapping[str, FieldInfo], *, stream: str) -> dict[str, Json]:
    """What to send. `fields`: those of the stream by path."""
    sent: dict[str, Json] = {}
    for name, value in values.items():
        if name == "custom_fields" and isinstance(value, Mapping):
            sent[name] = {code: _custom(one, fields.get(CUSTOM + code)) for code, one in value.items()}
        elif name in _LISTS:
            sent[name] = _plain(value or [], fields.get(name))
        elif stream == "leads":
            sent[name] = _of_lead(name, value, fields.get(name))
        else:
            sent[name] = _plain(value, fields.get(name))
    if op in ("archive", "restore"):
        sent["is_archived"] = op == "archive"
    return sent


def _custom(value: Json, info: FieldInfo | None) -> Json:
    return None if value == [] or value == "" else _plain(value, info)


def _of_lead(name: str, value: Json, info: FieldInfo | None) -> Json:
    """The first version has habits of its own."""
    if name == "visible_to":
        return None if value is None else str(value)
    if name == "value" and isinstance(value, Mapping):
        # Amount and currency go together or not at all.
        if value.get("amount") is None:
            return None
        return {**value, "amount": number(value["amount"])}
    if info is not None and info.custom and info.type == "multi":
        return ",".join(str(one) for one in value) if value else None
    return _plain(value, info)


def _plain(value: Json, info: FieldInfo | None) -> Json:
    if value is None or info is None:
        return value
    match info.type:
        case "ref" | "int" | "choice":
            return whole(value)
        case "multi":
            return [whole(one) for one in value] if isinstance(value, list | tuple) else [whole(value)]
        case "number":
            return number(value)
        case "money" if isinstance(value, Mapping):
            return {name: number(one) if name in ("value", "amount") else one for name, one in value.items()}
    return value


def whole(value: Json) -> Json:
    """An id as the number it is; ids that are none (a lead's, a word) stay."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value
