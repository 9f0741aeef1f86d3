"""Contacts as Pipedrive's v2 API lists them."""

import json
from pathlib import Path
from typing import Final

from bench.contacts import CUSTOM, contact, made
from bench.prepared import Answer, Request, Rows, packed

_ACCOUNT: Final = {
    "id": 11,
    "name": "Bench",
    "email": "bench@acme.test",
    "active_flag": True,
    "is_admin": 1,
    "company_id": 4711,
    "company_name": "Acme",
    "company_domain": "acme-bench",
    "company_country": "DE",
    "default_currency": "EUR",
    "timezone_name": "Europe/Berlin",
    "locale": "en_US",
}


class Pipedrive:
    def __init__(self, folder: Path, *, records: int, page: int) -> None:
        self._rows = Rows(folder / "persons", map(packed, made(records, contact)))
        self._page = page

    def contacts(self, request: Request) -> Answer | None:
        if not request.path.endswith("/persons"):
            return None
        if "ids" in request.query:
            return self.empty()
        start = int(request.query.get("cursor", "0")) * self._page
        stop = start + self._page
        following = str(stop // self._page) if stop < len(self._rows) else None
        return _listed(b"[" + self._rows.slice(start, stop) + b"]", following)

    def empty(self) -> Answer:
        return _listed(b"[]", None)

    def other(self, request: Request) -> Answer:
        name = request.path.rsplit("/", 1)[-1]
        if "/persons/" in request.path:
            number = int(name)
            return _one(self._rows.slice(number - 1, number))
        match name:
            case "me":
                return _one(packed(_ACCOUNT))
            case "personFields":
                return _listed(packed(catalogue()), None)
        return self.empty()


def _one(data: bytes) -> Answer:
    return Answer(b'{"success":true,"data":' + data + b"}")


def _listed(rows: bytes, cursor: str | None) -> Answer:
    tail = b',"additional_data":{"next_cursor":' + json.dumps(cursor).encode() + b"}}"
    return Answer(b'{"success":true,"data":' + rows + tail)


def catalogue() -> list[dict[str, object]]:
    """What the vendor tells of the fields of a person."""
    plain = {
        "id": "int",
        "name": "varchar",
        "first_name": "varchar",
        "last_name": "varchar",
        "owner_id": "user",
        "org_id": "org",
        "add_time": "date",
        "update_time": "date",
        "emails": "varchar",
        "phones": "phone",
        "visible_to": "visible_to",
        "label_ids": "set",
        "picture_id": "picture",
        "job_title": "varchar",
        "birthday": "date",
        "notes": "text",
        "marketing_status": "enum",
        "postal_address": "address",
        "im": "varchar",
    }
    labels = [{"id": 3, "label": "Customer"}, {"id": 4, "label": "Prospect"}, {"id": 5, "label": "Partner"}]
    fields = [(name.replace("_", " ").capitalize(), name, kind, False) for name, kind in plain.items()]
    fields += [(label, key, kind, True) for label, kind, key in CUSTOM]
    return [
        {
            "field_name": label,
            "field_code": code,
            "field_type": kind,
            "options": labels if code == "label_ids" else None,
            "subfields": None,
            "is_custom_field": custom,
            "is_optional_response_field": False,
            "description": None,
        }
        for label, code, kind, custom in fields
    ]
