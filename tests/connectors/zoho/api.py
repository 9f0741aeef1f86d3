"""Zoho as the tests need it: a connector on fakes, and answers in the vendor's shape."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from connectors.sdk import Outcome, Window, Write
from connectors.sdk.fakes import Bench
from connectors.zoho.connector import ZohoConnector
from connectors.zoho.settings import ZohoSettings

BASE: Final = "https://zoho.test"
V8: Final = f"{BASE}/crm/v8"
CONTACTS: Final = f"{V8}/Contacts"
FIELDS: Final = f"{V8}/settings/fields"
DATE: Final = "Mon, 23 Nov 2026 10:00:00 GMT"
EVERYTHING: Final = Window(part="", since=None)


def connect(bench: Bench | None = None, **settings: Any) -> ZohoConnector:
    written = {"base_url": BASE, "data_center": "eu", "auth": {"access_token": "token-1"}, **settings}
    connector = ZohoConnector.connect(ZohoSettings.model_validate(written), (bench or Bench()).tools())
    assert isinstance(connector, ZohoConnector)
    return connector


def listed(
    *rows: Any, token: str | None = None, more: bool | None = None, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """A page of a list. `token`: of the page behind it."""
    info = {"per_page": 200, "count": len(rows), "more_records": token is not None if more is None else more}
    body = {"data": list(rows), "info": {**info, "next_page_token": token}}
    return httpx.Response(200, json=body, headers={"Date": DATE, **(headers or {})})


def nothing(status: int = 204) -> httpx.Response:
    return httpx.Response(status, headers={"Date": DATE})


def refused(status: int, code: str, **details: Any) -> httpx.Response:
    return httpx.Response(status, json=fault(code, **details), headers={"Date": DATE})


def fault(code: str, **details: Any) -> dict[str, Any]:
    return {"code": code, "details": details, "message": "said by Zoho", "status": "error"}


def success(key: str, **more: Any) -> dict[str, Any]:
    details = {"id": key, "Modified_Time": "2026-11-23T11:00:00+01:00"}
    return {"code": "SUCCESS", "details": details, "message": "record updated", "status": "success", **more}


def results(*rows: Any, status: int = 200) -> httpx.Response:
    """What became of each record of a write."""
    return httpx.Response(status, json={"data": list(rows)}, headers={"Date": DATE})


def contact(number: int, *, updated: str = "2026-11-01T08:15:02+01:00", **more: Any) -> dict[str, Any]:
    return {
        "id": str(5545974000000225000 + number),
        "First_Name": "Mara",
        "Last_Name": "Lind",
        "Email": f"p{number}@nordwerk.example",
        "Account_Name": {"name": "Nordwerk GmbH", "id": "5545974000000220001"},
        "Modified_Time": updated,
        **more,
    }


def key(number: int) -> str:
    return str(5545974000000225000 + number)


def field(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "api_name": name,
        "field_label": name.replace("_", " "),
        "data_type": kind,
        "json_type": "string",
        "length": 255,
        "custom_field": False,
        "system_mandatory": False,
        "read_only": False,
        "field_read_only": False,
        "visible": True,
        "type": "used",
        "unique": {},
        "external": None,
        "operation_type": {"web_update": True, "api_create": True, "web_create": True, "api_update": True},
        "lookup": {},
        "pick_list_values": [],
        **more,
    }


def option(value: str, *, shown: str | None = None, **more: Any) -> dict[str, Any]:
    return {"actual_value": value, "display_value": shown or value, "type": "used", **more}


CATALOGUE: Final = (
    field("id", "bigint", read_only=True),
    field("Last_Name", "text", length=80, system_mandatory=True),
    field("First_Name", "text", length=40),
    field("Email", "email", length=100),
    field("Account_Name", "lookup", lookup={"module": {"api_name": "Accounts", "id": "1"}}),
    field("Owner", "ownerlookup"),
    field("Email_Opt_Out", "boolean", json_type="boolean"),
    field("Modified_Time", "datetime", read_only=True),
    field("CX_NPS_Score", "integer", json_type="integer", custom_field=True, length=2),
    field("CX_NPS_Answered", "datetime", custom_field=True),
    field("Revenue", "currency", json_type="double"),
    field("Region", "picklist", pick_list_values=[option("Norden", shown="North"), option("-None-")]),
    field("Interests", "multiselectpicklist", json_type="jsonarray", pick_list_values=[option("Wind")]),
    field("Crosswalk_Id", "text", custom_field=True, length=36, unique={"case_sensitive": False}),
)


def catalogue(*rows: Any) -> httpx.Response:
    return httpx.Response(200, json={"fields": list(rows or CATALOGUE)}, headers={"Date": DATE})


def create(*, action: str = "a1", hub_id: str | None = None, **values: Any) -> Write:
    if hub_id is not None:
        values["Crosswalk_Id"] = hub_id
    return Write(action, "create", None, hub_id, values, None)


def update(number: int = 1, *, action: str = "a1", **values: Any) -> Write:
    return Write(action, "update", key(number), None, values, None)


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]
