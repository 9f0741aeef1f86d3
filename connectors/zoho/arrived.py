"""Did a create arrive? What to ask, and which of the records shown is it. No I/O.

A record is recognised by the hub's own id where one was sent along; else by what a person would go by: the e-mail
address, the name of a company, the name of a deal together with whose it is.
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from connectors.sdk import FieldInfo, Json, Values, Write
from connectors.zoho.streams import RESOURCES
from connectors.zoho.writes import hub_field

_EMAIL: Final = "Email"
# An equal name alone is no proof unless these agree as well, where they were sent.
_TOGETHER: Final[Mapping[str, tuple[str, ...]]] = {
    "contacts": ("Last_Name", "First_Name", "Account_Name"),
    "leads": ("Last_Name", "First_Name", "Company"),
    "accounts": ("Account_Name",),
    "deals": ("Deal_Name", "Account_Name", "Contact_Name"),
    "tasks": ("Subject", "Due_Date", "What_Id", "Who_Id"),
    "events": ("Event_Title", "Start_DateTime", "What_Id", "Who_Id"),
    "calls": ("Subject", "Call_Start_Time", "What_Id", "Who_Id"),
    "cases": ("Subject", "Related_To", "Account_Name"),
    "campaigns": ("Campaign_Name",),
}
# Within a criterion these stand for themselves only behind a backslash (README, Search).
_SPECIAL: Final = re.compile(r"([\\(),:])")


class Sought(Struct, frozen=True):
    """The record that a create was to make. `fields`: those of the stream by API name."""

    stream: str
    write: Write
    fields: Mapping[str, FieldInfo]

    @property
    def carrier(self) -> FieldInfo | None:
        return hub_field(self.write, self.fields)

    def is_it(self, shown: Values) -> bool:
        """For certain: it carries the hub's id."""
        carrier = self.carrier
        return carrier is not None and shown.get(carrier.name) == self.write.hub_id

    def is_like(self, shown: Values) -> bool:
        """To all appearances: the same address, or the same name and whose it is."""
        sent = self.write.values
        if address := _text(sent.get(_EMAIL)):
            return address == _text(shown.get(_EMAIL))
        asked = [name for name in _TOGETHER[self.stream] if sent.get(name) is not None]
        return bool(asked) and all(_same(sent[name], shown.get(name)) for name in asked)

    def question(self) -> Mapping[str, str] | None:
        """A search for it; None where the write holds nothing that can be searched."""
        sent = self.write.values
        if (carrier := self.carrier) is not None:
            return {"criteria": f"({carrier.name}:equals:{self.write.hub_id})"}
        if address := sent.get(_EMAIL):
            return {"email": str(address)}
        title = RESOURCES[self.stream].title
        # By the last name alone we would find namesakes, so a person without an address is not searched.
        if title == "Last_Name" or not isinstance(sent.get(title), str):
            return None
        return {"criteria": f"({title}:equals:{_escaped(sent[title])})"}


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _text(value: Json) -> str:
    return value.strip().casefold() if isinstance(value, str) else ""


def _same(sent: Json, shown: Json) -> bool:
    if isinstance(sent, Mapping) or isinstance(shown, Mapping):
        return _id(sent) == _id(shown)
    if isinstance(sent, str) and isinstance(shown, str):
        return sent.strip().casefold() == shown.strip().casefold()
    return bool(sent == shown)


def _id(value: Json) -> str:
    return str(value.get("id")) if isinstance(value, Mapping) else str(value)
