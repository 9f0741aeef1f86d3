"""Typeform as the tests need it: a connector on fakes, and answers in the vendor's shape."""

from typing import Any, Final

import httpx

from connectors.sdk import Window
from connectors.sdk.fakes import Bench
from connectors.typeform.connector import TypeformConnector
from connectors.typeform.settings import TypeformSettings, TypeformStream

BASE: Final = "https://typeform.test"
FORM: Final = "Fm01Ab"
FORMS: Final = f"{BASE}/forms"
ONE_FORM: Final = f"{BASE}/forms/{FORM}"
RESPONSES: Final = f"{ONE_FORM}/responses"
DATE: Final = "Mon, 23 Nov 2026 10:00:00 GMT"
EVERYTHING: Final = Window(part=FORM, since=None)


def connect(bench: Bench | None = None, *, own: dict[str, Any] | None = None, **settings: Any) -> TypeformConnector:
    """`own`: what the operator writes under the responses."""
    written: dict[str, Any] = {"base_url": BASE, "auth": {"token": "tfp_1"}, **settings}
    if own is not None:
        written["streams"] = {"responses": TypeformStream.model_validate(own)}
    return TypeformConnector.connect(TypeformSettings.model_validate(written), (bench or Bench()).tools())


def answer(body: Any, *, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body, headers={"Date": DATE})


def listed(*rows: Any, total: int | None = None, pages: int = 1) -> httpx.Response:
    """A page of a list; `total` and `pages` count what is left of it, this page among them."""
    return answer({"total_items": len(rows) if total is None else total, "page_count": pages, "items": list(rows)})


def gone(code: str = "FORM_NOT_FOUND") -> httpx.Response:
    return answer({"code": code, "description": "Non existing form with uid xxx"}, status=404)


def response(key: str, *, submitted: str = "2026-10-01T09:02:00Z", **more: Any) -> dict[str, Any]:
    return {
        "landing_id": key,
        "token": key,
        "response_id": key,
        "response_type": "completed",
        "landed_at": "2026-10-01T09:00:00Z",
        "submitted_at": submitted,
        "metadata": {
            "user_agent": "Mozilla/5.0",
            "platform": "mobile",
            "referer": "https://nordwerk.example/?mail=mara",
            "network_id": "net01",
            "browser": "touch",
        },
        "hidden": {"contact_id": "CRM-003", "email": "mara@nordwerk.example"},
        "calculated": {"score": 0},
        "tags": [],
        "answers": [{"field": {"id": "F1", "ref": "nps_q", "type": "nps"}, "type": "number", "number": 9}],
        **more,
    }


def form(key: str = FORM, *, updated: str = "2026-10-01T00:00:00Z", **more: Any) -> dict[str, Any]:
    """A form as its list shows it."""
    return {
        "id": key,
        "type": "quiz",
        "title": "NPS",
        "created_at": "2026-01-01T00:00:00Z",
        "last_updated_at": updated,
        "self": {"href": f"https://api.typeform.com/forms/{key}"},
        "settings": {"is_public": True, "notifications": {"self": {"recipients": ["ops@acme.test"]}}},
        "theme": {"href": "x"},
        "_links": {"display": f"https://form.typeform.com/to/{key}"},
        **more,
    }


def definition(key: str = FORM, **more: Any) -> dict[str, Any]:
    """A form by its id, with its questions."""
    labels = {"left": "never", "right": "at once"}
    rows = [{"id": "F4", "ref": "speed", "type": "rating", "title": "Speed", "properties": {"steps": 5}}]
    return {
        **form(key),
        "hidden": ["contact_id", "email"],
        "fields": [
            {"id": "F1", "ref": "nps_q", "title": "How likely?", "type": "nps", "properties": {"labels": labels}},
            {"id": "F2", "ref": "why", "title": "Why?", "type": "long_text"},
            {"id": "F3", "ref": "group", "title": "Service", "type": "group", "properties": {"fields": rows}},
            {
                "id": "F5",
                "ref": "effort",
                "title": "Effort",
                "type": "opinion_scale",
                "properties": {"steps": 7, "start_at_one": True},
            },
        ],
        **more,
    }
