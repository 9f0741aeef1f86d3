"""Did a create arrive? What to ask, and which of the records shown is it. No I/O.

A record is recognised by the hub's own id where the account has a field for it; else by what a person would
go by: the e-mail address, the name of a company, the title of a deal together with whose it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from connectors.pipedrive.streams import Resource
from connectors.pipedrive.writes import whole
from connectors.sdk import Answer, Json, ShapeError, Values, Write

# Of persons and organizations an equal name alone is no proof unless these agree as well, where they were sent.
_TOGETHER: Final[Mapping[str, tuple[str, ...]]] = {
    "persons": ("name", "org_id"),
    "organizations": ("name",),
    "deals": ("title", "person_id", "org_id"),
    "leads": ("title", "person_id", "organization_id"),
    "activities": ("subject", "type", "due_date", "due_time", "deal_id", "org_id"),
    "notes": ("content", "deal_id", "person_id", "org_id", "lead_id"),
}

_SEARCHED: Final = 100
# A term of one letter is taken only where it must match in full, and there it tells nothing.
_SHORTEST: Final = 2


def newest(resource: Resource) -> Mapping[str, Any]:
    """The list of the newest records, newest first."""
    if resource.walk == "offset":
        return {"limit": resource.spec.page_size, "start": 0, "sort": "add_time DESC"}
    return {"limit": resource.spec.page_size, "sort_by": "add_time", "sort_direction": "desc"}


def question(resource: Resource, write: Write) -> Mapping[str, Any] | None:
    """What to search for; None where the write holds nothing that can be searched."""
    if holds_hub_id(write.values, write.hub_id):
        term, by = write.hub_id, "custom_fields"
    elif resource.search_by == "email":
        # By the name alone we would find namesakes, so a person without an address is not searched.
        term, by = next(iter(sorted(emails(write.values))), None), "email"
    else:
        term, by = write.values.get(resource.title), resource.search_by or ""
    if not isinstance(term, str) or len(term) < _SHORTEST:
        return None
    return {"term": term, "fields": by, "exact_match": True, "limit": _SEARCHED}


def keys(answer: Answer) -> list[str]:
    """The ids that a search found."""
    try:
        return [str(found["item"]["id"]) for found in answer.json["data"]["items"]]
    except (KeyError, TypeError) as exc:
        raise ShapeError(
            f"{answer.origin}: answered in a form the connector does not know",
            hint="`crosswalk runs --report` makes a file without personal data to send in",
            code="CW307",
        ) from exc


def is_it(stream: str, shown: Values, write: Write) -> bool:
    """Is this record what the write was to make?"""
    if holds_hub_id(write.values, write.hub_id):
        return holds_hub_id(shown, write.hub_id)
    if stream == "persons" and (sent := emails(write.values)):
        return not sent.isdisjoint(emails(shown))
    asked = [name for name in _TOGETHER[stream] if write.values.get(name) is not None]
    return bool(asked) and all(_same(write.values[name], shown.get(name)) for name in asked)


def holds_hub_id(values: Values, hub_id: str | None) -> bool:
    """Does one of the custom fields hold it? Those of leads stand at the root."""
    if not hub_id:
        return False
    customs = values.get("custom_fields")
    return hub_id in _texts(customs.values() if isinstance(customs, Mapping) else ()) or hub_id in _texts(
        value for name, value in values.items() if len(name) == 40
    )


def emails(values: Values) -> set[str]:
    return {
        str(entry["value"]).strip().casefold()
        for entry in values.get("emails") or ()
        if isinstance(entry, Mapping) and entry.get("value")
    }


def _texts(values: Iterable[Json]) -> set[str]:
    return {value for value in values if isinstance(value, str)}


def _same(sent: Json, shown: Json) -> bool:
    if isinstance(sent, str) and isinstance(shown, str):
        return sent.strip().casefold() == shown.strip().casefold()
    return bool(whole(sent) == whole(shown))
