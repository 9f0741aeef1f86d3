"""Zoho's connector keeps the contract, against an organization that is empty at first."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar, Final

import pytest
from msgspec import structs

from connectors.sdk import Operation, Values
from connectors.sdk.fakes import Bench
from connectors.sdk.suite import ConnectorContract, Effect, Rig
from connectors.zoho.connector import ZohoConnector
from connectors.zoho.settings import ZohoSettings
from connectors.zoho.streams import RESOURCES, STREAMS
from sandbox import world
from sandbox.state import Record
from sandbox.vendors.zoho import stamps
from sandbox.vendors.zoho.account import ME, made
from sandbox.vendors.zoho.app import Zoho
from sandbox.vendors.zoho.stamps import kept
from sandbox.web import Answer, Call, dump
from tests.connectors.bridge import BASE, Bridge

TEXT: Final = "Description"
CHOICES: Final = {
    "contacts": "Lead_Source", "leads": "Lead_Source", "accounts": "Industry", "deals": "Stage", "tasks": "Status",
    "calls": "Call_Type", "cases": "Priority", "campaigns": "Status", "events": "Customer_Tier",
}  # fmt: skip
# Fields of contacts, which the organization has added to its other modules.
DAY: Final = "Date_of_Birth"
MANY: Final = "Interests"
ADDED: Final = (DAY, MANY, "Customer_Tier")
OPERATIONS: Final[dict[str, Operation]] = {"POST": "create", "PUT": "update", "DELETE": "archive"}


class ZohoVendor(Bridge):
    lacks: ClassVar[Mapping[str, str]] = {
        "archive": "Zoho has no archive, only a bin",
        "merge": "only contacts, leads and accounts are merged",
        "shuffle": "the rows of a call are answered in its own order",
    }

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._app = Zoho(world.make(7, 3), limits_kept=False)
        super().__init__(self._app, bench)
        self._account = self._app.account
        self._garbled: str | None = None
        for catalogue in self._account.catalogues.values():
            for name in ADDED:
                catalogue.fields.setdefault(name, replace(self._account.catalogues["Contacts"].fields[name]))
        for table in self._account.tables.values():
            for record in list(table):
                table.drop(record["id"])

    @property
    def secrets(self) -> Sequence[str]:
        return [value for name, value in self._app.credentials.items() if name != "org_id"]

    def concerns_records(self, call: Call) -> bool:
        return not call.path.endswith(("/settings/fields", "/org", "/users", "/token"))

    def _answer(self, call: Call) -> Answer:
        if self._refused and call.method in ("POST", "PUT") and self.concerns_records(call):
            return self._some_refused(call)
        answer = super()._answer(call)
        if self._garbled is None or call.method != "GET" or self._garbled.encode() not in answer.body:
            return answer
        body = json.loads(answer.body)
        for row in body["data"]:
            if row["id"] == self._garbled:
                row["Modified_Time"] = "0000-00-00T00:00:00+00:00"
        return Answer(answer.status, dump(body))

    def _some_refused(self, call: Call) -> Answer:
        """Of a call that writes many, those that are to be refused are, and the others go in."""
        body = json.loads(call.body)
        numbers = range(self._writes, self._writes + len(body["data"]))
        refused = {at for at, number in enumerate(numbers) if number in self._refused}
        self._writes += len(body["data"])
        good = [row for at, row in enumerate(body["data"]) if at not in refused]
        call.body = json.dumps({**body, "data": good}).encode()
        told = iter(json.loads(self._simulated.answer(call).body)["data"]) if good else iter(())
        rows = [_refusal(row) if at in refused else next(told) for at, row in enumerate(body["data"])]
        return Answer(207 if good else 400, dump({"data": rows}))

    # records

    def seed(self, stream: str, count: int, *, at: datetime, step: timedelta = timedelta(0)) -> list[str]:
        return [self._make(stream, number, at + number * step) for number in range(count)]

    def _make(self, stream: str, number: int, at: datetime) -> str:
        key = self._account.next_id()
        module = RESOURCES[stream].module
        values = {name: value for name, value in _plain(stream, number).items() if name != "Crosswalk_Id"}
        self._account.tables[module].put(key, made(self._account, module, values, key=key, by=ME, now=at))
        return key

    def _change(self, stream: str, key: str, at: datetime, **values: Any) -> None:
        table = self._account.tables[RESOURCES[stream].module]
        table.put(key, {**(table.get(key) or {}), "Modified_Time": kept(at), **values})

    def text_path(self, stream: str) -> str:
        return TEXT

    def put(self, stream: str, key: str, value: Any, *, at: datetime) -> None:
        self._change(stream, key, at, **{TEXT: value})

    def choose(self, stream: str, key: str, option: str, *, at: datetime) -> None:
        self._change(stream, key, at, **{CHOICES[stream]: option})

    def choice_path(self, stream: str) -> str:
        return CHOICES[stream]

    def date_path(self, stream: str) -> str:
        return DAY

    def date(self, stream: str, key: str, day: str, *, at: datetime) -> None:
        self._change(stream, key, at, **{DAY: day})

    def list_path(self, stream: str) -> str:
        return MANY

    def fill(self, stream: str, key: str, count: int, *, at: datetime) -> None:
        offered = [option.actual for option in self._account.catalogues["Contacts"].fields[MANY].options or ()]
        self._change(stream, key, at, **{MANY: offered[:count] or None})

    def tell_offset(self, offset: timedelta) -> None:
        self._monkeypatch.setattr(stamps, "ZONE", timezone(offset))
        stamps.shown.cache_clear()

    def garble(self, stream: str, key: str, *, at: datetime) -> None:
        self._garbled = key

    # what becomes of them

    def commit_late(self, stream: str, *, at: datetime) -> str:
        return self._make(stream, 99, at)

    def delete(self, stream: str, key: str, *, at: datetime) -> None:
        module = RESOURCES[stream].module
        self._account.drop(module, self._account.find(module, key) or {}, by=ME, at=at)

    def undelete(self, stream: str, key: str, *, at: datetime) -> None:
        module = RESOURCES[stream].module
        gone = self._account.deleted[module][key].record
        assert gone is not None
        self._account.restore(module, gone)
        self._change(stream, key, at)

    def merge(self, stream: str, key: str, *, into: str, at: datetime) -> None:
        if stream not in ("contacts", "leads", "accounts"):
            super().merge(stream, key, into=into, at=at)
        self.delete(stream, key, at=at)
        self._change(stream, into, at)

    def vanish(self, stream: str) -> None:
        self._app.change_schema(RESOURCES[stream].module, TEXT, to=None)

    # what was written

    def draft(self, stream: str, number: int) -> Values:
        return _plain(stream, number)

    def effects(self) -> Sequence[Effect]:
        return [Effect(STREAMS[one.stream], OPERATIONS[one.method], one.record) for one in self._app.effects()]


def _refusal(row: Mapping[str, Any]) -> Record:
    """As Zoho refuses a record, with a word of it."""
    details = {"api_name": TEXT, "json_path": "$.data[0]"}
    return {"code": "INVALID_DATA", "details": details, "message": f"invalid data: {row}", "status": "error"}


def _plain(stream: str, number: int) -> Record:
    """What a create of a stream needs, and the hub's id where its records carry one."""
    own = {"Crosswalk_Id": f"hub-{number}"} if RESOURCES[stream].spec.hub_id_unique else {}
    match stream:
        case "contacts":
            return {"Last_Name": f"Lind {number}", "First_Name": "Mara", "Email": f"p{number}@nordwerk.example", **own}
        case "leads":
            return {"Last_Name": f"Lind {number}", "Company": "Nordwerk", "Email": f"l{number}@nordwerk.example", **own}
        case "accounts":
            return {"Account_Name": f"Nordwerk {number}", **own}
        case "deals":
            return {"Deal_Name": f"Renewal {number}", "Stage": "Qualification", **own}
        case "tasks":
            return {"Subject": f"Write {number}", "Due_Date": "2026-11-30"}
        case "events":
            begin, end = "2026-11-30T09:00:00+01:00", "2026-11-30T10:00:00+01:00"
            return {"Event_Title": f"Meeting {number}", "Start_DateTime": begin, "End_DateTime": end}
        case "calls":
            begin = "2026-11-30T09:00:00+01:00"
            return {"Subject": f"Call {number}", "Call_Type": "Outbound", "Call_Start_Time": begin}
        case "cases":
            return {"Subject": f"Case {number}", "Status": "New", "Case_Origin": "Email", **own}
    return {"Campaign_Name": f"Fair {number}"}


class TestZoho(ConnectorContract):
    streams = ("contacts", "leads", "accounts", "deals", "tasks", "events", "calls", "cases", "campaigns")

    @pytest.fixture
    def rig(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
        bench = Bench()
        # What is true of pages of twenty is true of pages of two hundred, and sooner said.
        for name, resource in RESOURCES.items():
            small = structs.replace(resource, spec=structs.replace(resource.spec, page_size=20))
            monkeypatch.setitem(RESOURCES, name, small)
        vendor = ZohoVendor(bench, monkeypatch)
        known = vendor._app.credentials
        settings = ZohoSettings.model_validate(
            {
                "data_center": "eu",
                "base_url": BASE,
                "token_url": f"{BASE}/oauth/v2/token",
                "auth": {name: known[name] for name in ("client_id", "client_secret", "refresh_token")},
            }
        )
        with vendor.serving():
            connector = ZohoConnector.connect(settings, bench.tools())
            yield Rig(connector, vendor, bench)
            connector.close()
        stamps.shown.cache_clear()
