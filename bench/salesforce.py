"""Contacts as Salesforce lists them: by its REST query, and as the CSV files of a Bulk job."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

from bench.contacts import CUSTOM, MORE, contact, made
from bench.prepared import Answer, Request, Rows, packed

_ROOT: Final = "/services/data/v66.0"
_ORG: Final = "00D1t000000K1aFEAS"
_JOB: Final = "7501t00000B0benAAC"
_CSV: Final = "text/csv"
_OF_CUSTOM: Final = {label: f"Bench_{number}__c" for number, (label, _, _) in enumerate(CUSTOM, start=1)}
_TYPES: Final = {
    "Id": "id", "IsDeleted": "boolean", "MasterRecordId": "reference", "AccountId": "reference", "LastName": "string",
    "FirstName": "string", "Name": "string", "Phone": "phone", "MobilePhone": "phone", "Email": "email",
    "Title": "string", "Department": "string", "LeadSource": "picklist", "Birthdate": "date",
    "Description": "textarea", "OwnerId": "reference", "HasOptedOutOfEmail": "boolean", "CreatedDate": "datetime",
    "LastModifiedDate": "datetime", "SystemModstamp": "datetime",
    **{name: {"double": "double", "date": "date"}.get(kind, "string")
       for (_, kind, _), name in zip(CUSTOM, _OF_CUSTOM.values(), strict=True)},
}  # fmt: skip
_LEADS_TO: Final = {"MasterRecordId": "Contact", "AccountId": "Account", "OwnerId": "User"}


def row(number: int, random: Random) -> dict[str, Any]:
    """One contact, as a query shows its fields."""
    told: Any = contact(number, random)
    stamp = told["update_time"].replace("Z", ".000+0000")
    custom = {code: label for label, _, code in CUSTOM}
    return {
        "Id": _id("003", number),
        "IsDeleted": False,
        "MasterRecordId": None,
        "AccountId": None if told["org_id"] is None else _id("001", told["org_id"]),
        "LastName": told["last_name"],
        "FirstName": told["first_name"],
        "Name": told["name"],
        "Phone": told["phones"][0]["value"],
        "MobilePhone": None,
        "Email": told["emails"][0]["value"],
        "Title": told["job_title"],
        "Department": told["job_title"].split()[-1],
        "LeadSource": "Web",
        "Birthdate": told["birthday"],
        "Description": told["notes"] + MORE,
        "OwnerId": _id("005", told["owner_id"]),
        "HasOptedOutOfEmail": told["marketing_status"] == "unsubscribed",
        "CreatedDate": told["add_time"].replace("Z", ".000+0000"),
        "LastModifiedDate": stamp,
        "SystemModstamp": stamp,
        **{_OF_CUSTOM[custom[code]]: value for code, value in told["custom_fields"].items()},
    }


class Salesforce:
    """`bulk`: a count says that there are too many for its query."""

    def __init__(self, folder: Path, *, records: int, page: int) -> None:
        self._rows = Rows(folder / "rows", map(listed, made(records, row)))
        self._lines = Rows(folder / "lines", map(_line, made(records, row)), joint=b"\n")
        self._page = page

    def contacts(self, request: Request) -> Answer | None:
        rest = request.path.removeprefix(_ROOT)
        asked = request.query.get("q", "")
        if rest == "/query" and asked.startswith("SELECT Id,") and " FROM Contact" in asked:
            return self._queried(0)
        if rest.startswith("/query/"):
            return self._queried(int(rest.rpartition("-")[2]))
        if rest == f"/jobs/query/{_JOB}/results":
            return self._file(int(request.query.get("locator", "0")), int(request.query["maxRecords"]))
        return None

    def _queried(self, start: int) -> Answer:
        stop = start + self._page
        more = f',"nextRecordsUrl":"{_ROOT}/query/01g1t00000B0benAAC-{stop}"' if stop < len(self._rows) else ""
        head = f'{{"totalSize":{len(self._rows)},"done":{"false" if more else "true"}{more},"records":['
        return Answer(head.encode() + self._rows.slice(start, stop) + b"]}")

    def _file(self, start: int, size: int) -> Answer:
        """A part of the job's result, under the same header each time."""
        stop = min(start + size, len(self._rows))
        locator = str(stop) if stop < len(self._rows) else "null"
        header = ",".join(f'"{name}"' for name in _TYPES).encode()
        return Answer(
            header + b"\n" + self._lines.slice(start, stop) + b"\n",
            _CSV,
            {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(stop - start)},
        )

    def empty(self) -> Answer:
        return Answer(b'{"totalSize":0,"done":true,"records":[]}')

    def other(self, request: Request) -> Answer:
        rest, asked = request.path.removeprefix(_ROOT), request.query.get("q", "")
        if asked.startswith("SELECT COUNT()"):
            return Answer(packed({"totalSize": len(self._rows), "done": True, "records": []}))
        if asked.startswith("SELECT Id FROM Organization"):
            return Answer(packed({"totalSize": 1, "done": True, "records": [{"Id": _ORG}]}))
        match rest.strip("/").split("/"):
            case ["sobjects"]:
                return Answer(packed({"sobjects": [{"name": "Contact", "queryable": True}]}))
            case ["sobjects", "Organization", _]:
                return Answer(packed({"Id": _ORG, "Name": "Bench", "Country": "DE", "TimeZoneSidKey": "Europe/Berlin"}))
            case ["sobjects", "Contact", "describe"]:
                return Answer(packed(description()))
            case ["services", "oauth2", "userinfo"]:
                return Answer(packed({"preferred_username": "bench@acme.test"}))
            case ["jobs", "query", *_]:
                return Answer(packed({"id": _JOB, "state": "JobComplete", "numberRecordsProcessed": len(self._rows)}))
        return self.empty()


def description() -> dict[str, Any]:
    """What the vendor tells of the fields of a contact."""
    labels = {name: label for label, name in _OF_CUSTOM.items()}
    fields = [
        {
            "name": name,
            "label": labels.get(name, name),
            "type": kind,
            "custom": name in labels,
            "createable": name not in ("Id", "IsDeleted", "Name") and kind != "datetime",
            "updateable": name not in ("Id", "IsDeleted", "Name") and kind != "datetime",
            "nillable": name != "LastName",
            "length": 255,
            "referenceTo": [_LEADS_TO[name]] if name in _LEADS_TO else [],
            "relationshipName": None,
            "picklistValues": [{"value": "Web", "label": "Web", "active": True}] if kind == "picklist" else [],
        }
        for name, kind in _TYPES.items()
    ]
    return {"name": "Contact", "replicateable": True, "fields": fields}


def _id(prefix: str, number: int) -> str:
    return f"{prefix}1t{number:010}AAC"


def listed(one: Mapping[str, Any]) -> bytes:
    """A row of a query's answer."""
    attributes = {"type": "Contact", "url": f"{_ROOT}/sobjects/Contact/{one['Id']}"}
    return packed({"attributes": attributes, **one})


def _line(one: Mapping[str, Any]) -> bytes:
    """As a job writes it: all cells quoted, moments in UTC."""
    told = io.StringIO()
    csv.writer(told, quoting=csv.QUOTE_ALL, lineterminator="").writerow(
        [_cell(one[name], kind) for name, kind in _TYPES.items()]
    )
    return told.getvalue().encode()


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "boolean":
        return "true" if value else "false"
    return str(value).replace("+0000", "Z") if kind == "datetime" else str(value)
