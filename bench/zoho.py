"""Contacts as Zoho CRM's v8 API lists them, by the moment of their change."""

from bisect import bisect_left
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final

from bench.contacts import CUSTOM, MORE, contact, made
from bench.prepared import Answer, Request, Rows, packed

_FIRST: Final = 5545974000000000000
_OF_CUSTOM: Final = {label: f"Bench_{number}" for number, (label, _, _) in enumerate(CUSTOM, start=1)}
_TYPES: Final = {
    "Owner": "ownerlookup", "First_Name": "text", "Last_Name": "text", "Full_Name": "text", "Account_Name": "lookup",
    "Email": "email", "Phone": "phone", "Mobile": "phone", "Title": "text", "Department": "text",
    "Date_of_Birth": "date", "Email_Opt_Out": "boolean", "Description": "textarea", "Lead_Source": "text",
    "Created_Time": "datetime", "Modified_Time": "datetime", "Last_Activity_Time": "datetime",
    "Modified_By": "ownerlookup", "Tag": "text",
    **{name: {"double": "double", "date": "date"}.get(kind, "text")
       for (_, kind, _), name in zip(CUSTOM, _OF_CUSTOM.values(), strict=True)},
}  # fmt: skip
_FORMS: Final = {"ownerlookup": "jsonobject", "lookup": "jsonobject", "boolean": "boolean", "double": "double"}
_READ_ONLY: Final = ("Full_Name", "Created_Time", "Modified_Time", "Last_Activity_Time", "Modified_By", "Tag")


def row(number: int, random: Random) -> dict[str, Any]:
    told: Any = contact(number, random)
    stamp = told["update_time"].replace("Z", "+00:00")
    owner = {"name": "Mara Lind", "id": str(_FIRST + told["owner_id"]), "email": "mara@acme.test"}
    company = told["org_id"]
    custom = {code: label for label, _, code in CUSTOM}
    return {
        "id": str(_FIRST + 1_000_000 + number),
        "Owner": owner,
        "First_Name": told["first_name"],
        "Last_Name": told["last_name"],
        "Full_Name": told["name"],
        "Account_Name": None if company is None else {"name": f"Company {company}", "id": str(_FIRST + company)},
        "Email": told["emails"][0]["value"],
        "Phone": told["phones"][0]["value"],
        "Mobile": None,
        "Title": told["job_title"],
        "Department": None,
        "Date_of_Birth": told["birthday"],
        "Email_Opt_Out": told["marketing_status"] == "unsubscribed",
        "Description": told["notes"] + MORE,
        "Lead_Source": None,
        "Created_Time": told["add_time"].replace("Z", "+00:00"),
        "Modified_Time": stamp,
        "Last_Activity_Time": stamp,
        "Modified_By": owner,
        "Tag": [],
        **{_OF_CUSTOM[custom[code]]: value for code, value in told["custom_fields"].items()},
    }


class Zoho:
    def __init__(self, folder: Path, *, records: int, page: int) -> None:
        rows = sorted(made(records, row), key=lambda one: str(one["Modified_Time"]))
        self._stamps = [datetime.fromisoformat(one["Modified_Time"]) for one in rows]
        self._rows = Rows(folder / "rows", map(packed, rows))
        self._page = page

    def contacts(self, request: Request) -> Answer | None:
        if not request.path.endswith("/Contacts"):
            return None
        since = request.headers.get("if-modified-since")
        start = bisect_left(self._stamps, datetime.fromisoformat(since)) if since else 0
        start = int(request.query.get("page_token", start))
        stop = start + self._page
        info = {
            "per_page": self._page,
            "count": min(stop, len(self._rows)) - start,
            "more_records": stop < len(self._rows),
            "next_page_token": str(stop) if stop < len(self._rows) else None,
        }
        return Answer(b'{"data":[' + self._rows.slice(start, stop) + b'],"info":' + packed(info) + b"}")

    def empty(self) -> Answer:
        return Answer(b'{"data":[],"info":{"count":0,"more_records":false}}')

    def other(self, request: Request) -> Answer:
        match request.path.rsplit("/", 1)[-1]:
            case "org":
                org = {"company_name": "Bench", "id": "1", "zgid": "2", "country_code": "DE", "iso_code": "EUR",
                       "time_zone": "Europe/Berlin"}  # fmt: skip
                return Answer(packed({"org": [org]}))
            case "users":
                user = {"id": str(_FIRST), "full_name": "Bench", "email": "bench@acme.test", "status": "active"}
                return Answer(packed({"users": [user], "info": {"count": 1, "more_records": False}}))
            case "fields":
                return Answer(packed({"fields": description()}))
        return self.empty()


def description() -> list[dict[str, Any]]:
    """What the vendor tells of the fields of a contact."""
    labels = {name: label for label, name in _OF_CUSTOM.items()}
    return [
        {
            "api_name": name,
            "field_label": labels.get(name, name),
            "data_type": kind,
            "json_type": "jsonarray" if name == "Tag" else _FORMS.get(kind, "string"),
            "length": 255,
            "custom_field": name in labels,
            "read_only": name in _READ_ONLY,
            "visible": True,
            "type": "used",
            "lookup": {"module": {"api_name": "Accounts"}} if kind == "lookup" else {},
            "pick_list_values": [],
        }
        for name, kind in _TYPES.items()
    ]
