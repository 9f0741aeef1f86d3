"""Did a create arrive? What to ask, and which of the records shown is it. No I/O.

A record is recognised by the hub's own id where the account has a field for it; else by what a person would
go by: the e-mail address, the name of a company, the title of a deal together with whose it is.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from connectors.pipedrive.shapes import HASH
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


def by_hub_id(hub_id: str) -> Mapping[str, Any]:
    """A search for the hub's own id."""
    return _exactly(hub_id, "custom_fields")


def by_identity(resource: Resource, write: Write) -> Mapping[str, Any] | None:
    """A search for what a person would go by; None where the write holds nothing that can be searched."""
    if resource.search_by == "email":
        # By the name alone we would find namesakes, so a person without an address is not searched.
        term: Json = min(emails(write.values), default=None)
    else:
        term = write.values.get(resource.title)
    if resource.search_by is None or not isinstance(term, str) or len(term) < _SHORTEST:
        return None
    return _exactly(term, resource.search_by)


def _exactly(term: str, field: str) -> Mapping[str, Any]:
    return {"term": term, "fields": field, "exact_match": True, "limit": _SEARCHED}


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


class Sought(Struct, frozen=True):
    """The record that a create was to make. `hub_id`: the hub's own id, where it was sent along."""

    stream: str
    write: Write

    @property
    def hub_id(self) -> str | None:
        sent = self.write.hub_id
        return sent if sent is not None and sent in _customs(self.write.values) else None

    def is_it(self, shown: Values) -> bool:
        """For certain: it carries the hub's id."""
        return self.hub_id is not None and self.hub_id in _customs(shown)

    def is_like(self, shown: Values) -> bool:
        """To all appearances: the same address, or the same name and whose it is."""
        sent = self.write.values
        if self.stream == "persons" and (addresses := emails(sent)):
            return not addresses.isdisjoint(emails(shown))
        asked = [name for name in _TOGETHER[self.stream] if sent.get(name) is not None]
        return bool(asked) and all(_same(sent[name], shown.get(name)) for name in asked)


def emails(values: Values) -> set[str]:
    return {
        str(entry["value"]).strip().casefold()
        for entry in values.get("emails") or ()
        if isinstance(entry, Mapping) and entry.get("value")
    }


def _customs(values: Values) -> set[str]:
    """The texts of the custom fields. Those of leads stand at the root."""
    customs = values.get("custom_fields")
    within = customs.values() if isinstance(customs, Mapping) else ()
    at_root = (value for name, value in values.items() if HASH.fullmatch(name))
    return {value for value in (*within, *at_root) if isinstance(value, str)}


def _same(sent: Json, shown: Json) -> bool:
    if isinstance(sent, str) and isinstance(shown, str):
        return sent.strip().casefold() == shown.strip().casefold()
    return bool(whole(sent) == whole(shown))
