"""Salesforce as the tests need it: a connector on fakes, and answers in the vendor's shape."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import httpx
import respx

from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings
from connectors.sdk import Outcome, Window, Write
from connectors.sdk.fakes import Bench

BASE: Final = "https://acme.test"
ROOT: Final = f"{BASE}/services/data/v66.0"
QUERY: Final = f"{ROOT}/query"
JOBS: Final = f"{ROOT}/jobs/query"
COLLECTION: Final = f"{ROOT}/composite/sobjects"
DATE: Final = "Tue, 24 Nov 2026 08:00:00 GMT"
HEADERS: Final = {"Date": DATE, "Sforce-Limit-Info": "api-usage=18/15000"}
EVERYTHING: Final = Window(part="", since=None)

HUB_ID: Final = "Crosswalk_Id__c"
SCORE: Final = "CX_NPS_Score__c"
SEGMENTS: Final = "Segments__c"
HEAT: Final = "Heat__c"  # a formula


def connect(bench: Bench | None = None, **settings: Any) -> SalesforceConnector:
    written = {"base_url": BASE, "auth": {"access_token": "token-1"}, **settings}
    connector = SalesforceConnector.connect(SalesforceSettings.model_validate(written), (bench or Bench()).tools())
    assert isinstance(connector, SalesforceConnector)
    return connector


# -- describe --------------------------------------------------------------------------------------------------------


def field(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "label": name.removesuffix("__c").replace("_", " "), "type": kind,
        "length": 80 if kind in ("string", "email", "phone") else 0,
        "nillable": True, "createable": True,
        "updateable": True, "defaultedOnCreate": False, "calculated": False, "custom": name.endswith("__c"),
        "unique": False, "externalId": False, "referenceTo": [], "relationshipName": None, "picklistValues": [],
        **more,
    }  # fmt: skip


def fixed(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return field(name, kind, createable=False, updateable=False, nillable=False, **more)


def reference(name: str, *to: str, **more: Any) -> dict[str, Any]:
    own = {"length": 18, "referenceTo": list(to), "relationshipName": name.removesuffix("Id")}
    return field(name, "reference", **{**own, **more})


def options(*values: str) -> list[dict[str, Any]]:
    return [{"value": value, "label": value, "active": True, "defaultValue": False} for value in values]


SYSTEM: Final = (
    fixed("Id", "id", length=18),
    fixed("IsDeleted", "boolean"),
    fixed("CreatedDate", "datetime"),
    fixed("SystemModstamp", "datetime"),
)
CONTACT: Final = (
    *SYSTEM,
    reference("MasterRecordId", "Contact", createable=False, updateable=False),
    reference("AccountId", "Account"),
    field("LastName", nillable=False),
    field("FirstName"),
    fixed("Name", "string"),
    field("MailingCity"),
    fixed("MailingAddress", "address"),
    field("Email", "email", label="E-mail"),
    field("HasOptedOutOfEmail", "boolean", nillable=False),
    reference("OwnerId", "User", nillable=False, defaultedOnCreate=True),
    fixed("LastViewedDate", "datetime"),
    field(HUB_ID, length=36, unique=True, externalId=True, label="Crosswalk ID"),
    field(SCORE, "double", label="NPS score"),
    field(SEGMENTS, "multipicklist", picklistValues=options("SMB", "EMEA")),
    fixed(HEAT, "double", calculated=True),
)
ACCOUNT: Final = (
    *SYSTEM,
    reference("MasterRecordId", "Account", createable=False, updateable=False),
    field("Name", nillable=False, label="Account Name"),
)
OPPORTUNITY: Final = (
    *SYSTEM,
    field("Name", nillable=False),
    field("StageName", "picklist", nillable=False, picklistValues=options("Prospecting", "Closed Won")),
    field("CloseDate", "date", nillable=False),
    field("Amount", "currency"),
    reference("AccountId", "Account"),
    reference("RecordTypeId", "RecordType"),
    field(HUB_ID, unique=True, externalId=True),
)
TASK: Final = (
    *SYSTEM,
    field("Subject", "combobox"),
    reference("WhoId", "Contact", "Lead"),
    reference("WhatId", "Account", "Opportunity", "Solution"),
    reference("OwnerId", "User", "Group"),
)
USER: Final = (
    fixed("Id", "id", length=18),
    fixed("SystemModstamp", "datetime"),
    field("Name"),
    fixed("LastLoginDate", "datetime"),
    field("UserPreferencesShowCityToGuestUsers", "boolean"),
)
PERSON_ACCOUNT: Final = fixed("IsPersonAccount", "boolean")
OBJECTS: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "Contact": CONTACT,
    "Account": ACCOUNT,
    "Opportunity": OPPORTUNITY,
    "Task": TASK,
    "User": USER,
}


def described(sobject: str, *fields: dict[str, Any], **more: Any) -> httpx.Response:
    body = {"name": sobject, "replicateable": True, "fields": list(fields or OBJECTS[sobject]), **more}
    return httpx.Response(200, json=body, headers=HEADERS)


def describes(**objects: tuple[dict[str, Any], ...]) -> dict[str, respx.Route]:
    """Routes for the describe calls of all objects, some of them with other fields."""
    return {
        name: respx.get(f"{ROOT}/sobjects/{name}/describe").mock(
            side_effect=lambda _, name=name: described(name, *{**OBJECTS, **objects}[name])
        )
        for name in {**OBJECTS, **objects}
    }


# -- queries ---------------------------------------------------------------------------------------------------------


def key(number: int, prefix: str = "003") -> str:
    return f"{prefix}XX{number:010d}AAA"


def contact(number: int, **more: Any) -> dict[str, Any]:
    found = key(number)
    return {
        "attributes": {"type": "Contact", "url": f"/services/data/v66.0/sobjects/Contact/{found}"},
        "Id": found,
        "IsDeleted": False,
        "CreatedDate": "2025-03-04T08:00:11.000+0000",
        "SystemModstamp": "2026-11-01T07:15:02.000+0000",
        "MasterRecordId": None,
        "AccountId": key(7, "001"),
        "LastName": f"Lind {number}",
        "FirstName": "Mara",
        "Name": f"Mara Lind {number}",
        "MailingCity": None,
        "Email": f"p{number}@nordwerk.example",
        "HasOptedOutOfEmail": False,
        "OwnerId": key(11, "005"),
        HUB_ID: None,
        SCORE: 9.0,
        SEGMENTS: "SMB;EMEA",
        HEAT: 0.5,
        "Account": {"attributes": {"type": "Account", "url": "/services/data/..."}, "Name": "Nordwerk GmbH"},
        **more,
    }


def listed(
    *rows: Any, more: str | None = None, total: int | None = None, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """A page of a query. `more`: the last part of the next page's path."""
    body: dict[str, Any] = {"totalSize": len(rows) if total is None else total, "done": more is None}
    if more is not None:
        body["nextRecordsUrl"] = f"/services/data/v66.0/query/{more}"
    return httpx.Response(200, json={**body, "records": list(rows)}, headers={**HEADERS, **(headers or {})})


def counted(total: int) -> httpx.Response:
    return httpx.Response(200, json={"totalSize": total, "done": True, "records": []}, headers=HEADERS)


def refused(status: int, code: str, message: str = "it is refused", **more: Any) -> httpx.Response:
    return httpx.Response(status, json=[{"message": message, "errorCode": code, **more}], headers=HEADERS)


def soql(request: httpx.Request) -> str:
    """The query of a call."""
    return parse_qs(request.url.query.decode())["q"][0]


class Queries:
    """Answers queries by what is in their text; `asked` holds the texts in order."""

    def __init__(self, answer: Callable[[str], httpx.Response], *, resource: str = "query") -> None:
        self.asked: list[str] = []
        self.requests: list[httpx.Request] = []
        self._answer = answer
        respx.get(url__regex=rf"{ROOT}/{resource}\?.*").mock(side_effect=self)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        text = soql(request)
        self.requests.append(request)
        self.asked.append(text)
        return self._answer(text)


# -- writes ----------------------------------------------------------------------------------------------------------


def create(number: int = 1, *, hub_id: str | None = None, **values: Any) -> Write:
    if hub_id is not None:
        values[HUB_ID] = hub_id
    return Write(f"a{number}", "create", None, hub_id, {"LastName": "Lind", **values}, None)


def update(number: int = 1, **values: Any) -> Write:
    return Write(f"a{number}", "update", key(number), None, values, None)


def done(found: str, **more: Any) -> dict[str, Any]:
    return {"id": found, "success": True, "errors": [], **more}


def error(code: str, message: str = "it is refused", *fields: str, **more: Any) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields), **more}]}


def results(*each: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json=list(each), headers=HEADERS)


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]
