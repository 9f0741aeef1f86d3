"""Pipedrive as the tests need it: a connector on fakes, and answers in the vendor's shape."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from connectors.pipedrive.connector import PipedriveConnector
from connectors.pipedrive.settings import PipedriveSettings
from connectors.sdk import Outcome, Window, Write
from connectors.sdk.fakes import Bench

BASE: Final = "https://pipedrive.test"
PERSONS: Final = f"{BASE}/api/v2/persons"
PERSON_FIELDS: Final = f"{BASE}/api/v2/personFields"
DATE: Final = "Mon, 23 Nov 2026 10:00:00 GMT"
EVERYTHING: Final = Window(part="", since=None)

HUB_ID: Final = "ab" * 20
SEGMENTS: Final = "cd" * 20
AMOUNT: Final = "ef" * 20


def connect(bench: Bench | None = None, **settings: Any) -> PipedriveConnector:
    written = {"base_url": BASE, "auth": {"api_token": "token-1"}, **settings}
    connector = PipedriveConnector.connect(PipedriveSettings.model_validate(written), (bench or Bench()).tools())
    assert isinstance(connector, PipedriveConnector)
    return connector


def listed(*rows: Any, cursor: str | None = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """A page of a list of the second version."""
    body = {"success": True, "data": list(rows), "additional_data": {"next_cursor": cursor}}
    return httpx.Response(200, json=body, headers={"Date": DATE, **(headers or {})})


def numbered(*rows: Any, more: bool = False) -> httpx.Response:
    """A page of a list of the first version, which says null where there is nothing."""
    pagination = {"start": 0, "limit": 500, "more_items_in_collection": more}
    body = {"success": True, "data": list(rows) or None, "additional_data": {"pagination": pagination}}
    return httpx.Response(200, json=body, headers={"Date": DATE})


def one(row: Any) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "data": row}, headers={"Date": DATE})


def refused(status: int, error: str, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"success": False, "error": error, **more}, headers={"Date": DATE})


def person(number: int, *, updated: str = "2026-11-01T07:15:02Z", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": "Mara Lind",
        "first_name": "Mara",
        "last_name": "Lind",
        "owner_id": 11,
        "org_id": 77,
        "emails": [{"value": f"p{number}@nordwerk.example", "primary": True, "label": "work"}],
        "phones": [],
        "is_deleted": False,
        "visible_to": 7,
        "label_ids": [3],
        "picture_id": None,
        "add_time": "2025-03-04T08:00:11Z",
        "update_time": updated,
        "custom_fields": {HUB_ID: None, SEGMENTS: [41, 42], AMOUNT: None},
        **more,
    }


def field(name: str, code: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "field_name": name,
        "field_code": code,
        "field_type": kind,
        "options": None,
        "subfields": None,
        "is_custom_field": len(code) == 40,
        "is_optional_response_field": False,
        "description": None,
        **more,
    }


CATALOGUE: Final = (
    field("Person name", "name", "varchar"),
    field("Electronic mail", "email", "varchar"),
    field("Label", "label_ids", "set", options=[{"id": 3, "label": "Customer"}]),
    field("Person created", "add_time", "date"),
    field("Crosswalk ID", HUB_ID, "varchar"),
    field("Segments", SEGMENTS, "set", options=[{"id": 41, "label": "SMB"}, {"id": 42, "label": "EMEA"}]),
    field("Budget", AMOUNT, "monetary"),
)


def create(*, action: str = "a1", hub_id: str | None = None, **values: Any) -> Write:
    if hub_id is not None:
        values["custom_fields"] = {**values.get("custom_fields", {}), HUB_ID: hub_id}
    return Write(action, "create", None, hub_id, values, None)


def update(key: str = "501", *, action: str = "a1", **values: Any) -> Write:
    return Write(action, "update", key, None, values, None)


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]
