"""Salesforce's connector keeps the contract, against an org that is empty at first."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import pytest
from msgspec import structs

from connectors.salesforce import bulk
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.streams import RESOURCES
from connectors.sdk import Operation, Values
from connectors.sdk.fakes import Bench
from connectors.sdk.suite import ConnectorContract, Effect, Rig
from sandbox import world
from sandbox.state import Record
from sandbox.vendors.salesforce import query, rest
from sandbox.vendors.salesforce.app import Salesforce
from sandbox.vendors.salesforce.schema import date, external_id, long_text, picklist
from sandbox.vendors.salesforce.stamps import stamp
from sandbox.web import Answer, Call
from tests.connectors.bridge import BASE, Bridge

REMARK: Final = "Remark__c"
CHOICE: Final = "Stufe__c"
MANY: Final = "Interests__c"
DAY: Final = "Born__c"
HUB_ID: Final = "Crosswalk_Id__c"
PAGE: Final = 20


class SalesforceVendor(Bridge):
    lacks: ClassVar[Mapping[str, str]] = {
        "archive": "Salesforce has no archive, only a bin",
        "groups/undelete": "there is no bin for groups",
        "merge": "only contacts, leads, accounts and cases are merged",
        "shuffle": "a collection is answered in its own order",
        "tell_offset": "the API tells every time in UTC",
        "users/delete": "users are never deleted, they are switched off",
        "users/undelete": "users are never deleted, they are switched off",
    }

    def __init__(self, bench: Bench) -> None:
        self.app = Salesforce(world.make(7, 3), limits_kept=False)
        super().__init__(self.app, bench)
        self._org = self.app.org
        self._seen = 0
        self._held: set[str] = set()  # keys that were there before anything was written
        for resource in RESOURCES.values():
            table = self._org.tables[resource.sobject]
            for record in list(table):
                table.drop(record["Id"])
            entry = self._org.objects[resource.sobject]
            own = [long_text(REMARK, "Remark"), picklist(CHOICE, "Stufe", "Gold", "Silver"), date(DAY, "Born")]
            own.append(replace(picklist(MANY, "Interests", "A", "B", "C"), type="multipicklist"))
            if resource.spec.hub_id_unique and entry.field(HUB_ID) is None:
                own.append(external_id(HUB_ID, "Crosswalk Id", 36))
            entry.restore({**entry.fields, **{field.name: replace(field, key=field.name) for field in own}})
        self.app.queries.forget_views()

    @property
    def secrets(self) -> Sequence[str]:
        # The user's name among its credentials is none.
        return [value for name, value in self.app.credentials.items() if name not in ("client_id", "username")]

    # the door

    def concerns_records(self, call: Call) -> bool:
        if call.path.startswith("/services/oauth2") or "/describe" in call.path or call.path.endswith("/sobjects"):
            return "/composite" in call.path
        return "FROM+Organization" not in call.path and "FROM Organization" not in call.query.get("q", "")

    def refusal(self, call: Call) -> Answer:
        """Of a collection each record is refused by itself."""
        raise NotImplementedError

    def _answer(self, call: Call) -> Answer:
        if not self._refused or "/composite/sobjects" not in call.path:
            return super()._answer(call)
        body = call.json()
        numbers = range(self._seen, self._seen + len(body["records"]))
        self._seen += len(body["records"])
        taken = [one for one, number in zip(body["records"], numbers, strict=True) if number not in self._refused]
        results: list[Any] = []
        if taken:
            sent = replace(call, body=json.dumps({**body, "records": taken}).encode())
            results = json.loads(self._simulated.answer(sent).body)
        merged = [
            _refusal(one) if number in self._refused else results.pop(0)
            for one, number in zip(body["records"], numbers, strict=True)
        ]
        return Answer(200, json.dumps(merged).encode())

    # records

    def seed(self, stream: str, count: int, *, at: datetime, step: timedelta = timedelta(0)) -> list[str]:
        return [self._make(stream, number, at + number * step) for number in range(count)]

    def _make(self, stream: str, number: int, at: datetime) -> str:
        sobject = RESOURCES[stream].sobject
        key = self._org.new_id(sobject)
        self._held.add(key)
        record = {
            **self._plain(stream, number), "Id": key, "IsDeleted": False, "CreatedDate": stamp(at),
            "SystemModstamp": stamp(at), "LastModifiedDate": stamp(at), "CreatedById": self._org.me,
            "LastModifiedById": self._org.me, "OwnerId": self._org.me,
        }  # fmt: skip
        if stream == "person_accounts":
            derived = {"Name": f"Mara Lind {number}", "PersonContactId": self._org.new_id("Contact")}
            record |= {**derived, "IsPersonAccount": True}
        if stream == "events":
            record |= {"DurationInMinutes": 30, "ActivityDateTime": record["StartDateTime"]}
        if stream == "groups":
            record["Type"] = "Queue"
        self._org.tables[sobject].put(key, record)
        return key

    def _change(self, stream: str, key: str, at: datetime, **fields: Any) -> None:
        table = self._org.tables[RESOURCES[stream].sobject]
        held = table.get(key)
        assert held is not None
        changed = {**held, "SystemModstamp": stamp(at), "LastModifiedDate": stamp(at), **fields}
        table.put(key, {name: value for name, value in changed.items() if value is not None})

    def text_path(self, stream: str) -> str:
        return REMARK

    def put(self, stream: str, key: str, value: Any, *, at: datetime) -> None:
        self._change(stream, key, at, **{REMARK: value})

    def choose(self, stream: str, key: str, option: str, *, at: datetime) -> None:
        self._change(stream, key, at, **{CHOICE: option})

    def choice_path(self, stream: str) -> str:
        return CHOICE

    def date_path(self, stream: str) -> str:
        return DAY

    def date(self, stream: str, key: str, day: str, *, at: datetime) -> None:
        self._change(stream, key, at, **{DAY: day})

    def list_path(self, stream: str) -> str:
        return MANY

    def fill(self, stream: str, key: str, count: int, *, at: datetime) -> None:
        self._change(stream, key, at, **{MANY: ";".join("ABC"[:count]) or None})

    def garble(self, stream: str, key: str, *, at: datetime) -> None:
        # Ordered by its stamp it comes first.
        self._change(stream, key, at, SystemModstamp="0000-00-00T00:00:00.000+0000")

    # what becomes of them

    def commit_late(self, stream: str, *, at: datetime) -> str:
        return self._make(stream, 99, at)

    def delete(self, stream: str, key: str, *, at: datetime) -> None:
        if stream == "users":
            super().delete(stream, key, at=at)
        elif stream == "groups":
            self._org.tables["Group"].drop(key)  # there is no bin for them
        else:
            self._change(stream, key, at, IsDeleted=True, _deleted_at=stamp(at))

    def undelete(self, stream: str, key: str, *, at: datetime) -> None:
        if stream in ("groups", "users"):
            super().undelete(stream, key, at=at)
        self._change(stream, key, at, IsDeleted=False, _deleted_at=None)

    def merge(self, stream: str, key: str, *, into: str, at: datetime) -> None:
        if not RESOURCES[stream].merges:
            super().merge(stream, key, into=into, at=at)
        self._change(stream, key, at, IsDeleted=True, _deleted_at=stamp(at), MasterRecordId=into)
        self._change(stream, into, at)

    def vanish(self, stream: str) -> None:
        self.app.change_schema(RESOURCES[stream].sobject, REMARK, to=None)

    # what was written

    def draft(self, stream: str, number: int) -> Values:
        values = self._plain(stream, number) | self._ends(stream, number)
        return {**values, HUB_ID: f"hub-{number}"} if RESOURCES[stream].spec.hub_id_unique else values

    def _plain(self, stream: str, number: int) -> Record:
        """What a create of a stream needs."""
        match stream:
            case "contacts" | "person_accounts":
                address = "Email" if stream == "contacts" else "PersonEmail"
                return {"LastName": f"Lind {number}", "FirstName": "Mara", address: f"p{number}@nordwerk.example"}
            case "leads":
                return {"LastName": f"Lind {number}", "Company": "Nordwerk", "Email": f"l{number}@nordwerk.example"}
            case "users":
                return {"Name": f"Mara Lind {number}", "Username": f"u{number}@nordwerk.example", "IsActive": True}
            case "accounts" | "campaigns" | "groups":
                return {"Name": f"Nordwerk {number}"}
            case "opportunities":
                return {"Name": f"Renewal {number}", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
            case "tasks":
                told = {"Subject": f"Call {number}", "ActivityDate": "2026-11-30"}
                return {**told, "Status": "Not Started", "Priority": "Normal"}
            case "events":
                times = {"StartDateTime": "2026-11-30T09:00:00.000+0000", "EndDateTime": "2026-11-30T09:30:00.000+0000"}
                return {"Subject": f"Visit {number}", "ActivityDate": "2026-11-30", **times}
            case "cases":
                return {"Subject": f"Noise {number}", "SuppliedEmail": f"p{number}@nordwerk.example"}
        parent = {"contact_roles": "OpportunityId", "campaign_members": "CampaignId"}[stream]
        return {parent: self._org.new_id(parent.removesuffix("Id")), "ContactId": self._org.new_id("Contact")}

    def _ends(self, stream: str, number: int) -> Record:
        """Two records that are there, for one that joins them."""
        if stream not in ("contact_roles", "campaign_members"):
            return {}
        parent = {"contact_roles": "opportunities", "campaign_members": "campaigns"}[stream]
        name = {"contact_roles": "OpportunityId", "campaign_members": "CampaignId"}[stream]
        return {
            name: self._make(parent, number, self.now()),
            "ContactId": self._make("contacts", number, self.now()),
        }

    def effects(self) -> Sequence[Effect]:
        known = set(self._held)
        found = []
        for one in self.app.effects():
            op: Operation = "update" if one.record in known else "create"
            known.add(one.record)
            found.append(Effect(one.stream, op, one.record))
        return found


def _refusal(record: Record) -> Record:
    message = f"Remark: {record.get(REMARK)} is not wanted"
    error = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": message, "fields": [REMARK]}
    return {"success": False, "errors": [error]}


class TestSalesforce(ConnectorContract):
    streams = tuple(RESOURCES)

    @pytest.fixture
    def rig(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
        yield from made(monkeypatch)


def made(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Iterator[Rig]:
    bench = Bench()
    # What is true of pages of twenty is true of pages of two thousand, and sooner said.
    for module in (query, rest):
        monkeypatch.setattr(module, "LEAST_BATCH", PAGE)
    for name, resource in RESOURCES.items():
        small = structs.replace(resource, spec=structs.replace(resource.spec, page_size=PAGE))
        monkeypatch.setitem(RESOURCES, name, small)
    monkeypatch.setattr(SalesforceConnector, "streams", {name: one.spec for name, one in RESOURCES.items()})
    vendor = SalesforceVendor(bench)
    known = vendor.app.credentials
    written = {
        "base_url": BASE,
        "auth": {"flow": "refresh_token"}
        | {name: known[name] for name in ("client_id", "client_secret", "refresh_token")},
        # Formulas are read anew by a rhythm of their own, which no window of the suite is to meet.
        "calculated_every_hours": 10_000,
        **settings,
    }
    with vendor.serving():
        connector = SalesforceConnector.connect(SalesforceSettings.model_validate(written), bench.tools())
        yield Rig(connector, vendor, bench)
        connector.close()


class TestSalesforceByBulk(ConnectorContract):
    """The same, with every window read by a job, and every sweep."""

    streams = ("contacts", "tasks")

    @pytest.fixture
    def rig(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
        monkeypatch.setattr(bulk, "FILE", 2 * PAGE)
        yield from made(monkeypatch, bulk_from=0)
