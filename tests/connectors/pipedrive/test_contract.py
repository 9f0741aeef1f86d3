"""Pipedrive's connector keeps the contract, against an account that is empty at first."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import pytest
from msgspec.structs import replace

from connectors.pipedrive.connector import PipedriveConnector
from connectors.pipedrive.settings import PipedriveSettings
from connectors.pipedrive.streams import RESOURCES
from connectors.sdk import Operation, Values
from connectors.sdk.fakes import Bench
from connectors.sdk.suite import ConnectorContract, Effect, Rig
from sandbox import world
from sandbox.state import Record
from sandbox.vendors.pipedrive.account import ME
from sandbox.vendors.pipedrive.answers import invalid
from sandbox.vendors.pipedrive.app import Pipedrive
from sandbox.vendors.pipedrive.fields import Field, Option, field_hash
from sandbox.vendors.pipedrive.writes import fresh
from sandbox.web import Answer, Call
from tests.connectors.bridge import BASE, Bridge

ENTITIES: Final = {"persons": "person", "organizations": "organization", "deals": "deal", "activities": "activity"}
# A text that the account added to its fields, and a choice that it offers from the start.
REMARK: Final = {entity: field_hash(7, entity, "Remark") for entity in ("person", "organization", "deal")}
CHOICE: Final = {entity: field_hash(7, entity, "Choice") for entity in REMARK}
DAY: Final = {entity: field_hash(7, entity, "Day") for entity in REMARK}
MANY: Final = {entity: field_hash(7, entity, "Many") for entity in REMARK}
OPERATIONS: Final[dict[str, Operation]] = {
    "POST": "create", "PATCH": "update", "PUT": "update", "DELETE": "archive",
}  # fmt: skip


class PipedriveVendor(Bridge):
    lacks: ClassVar[Mapping[str, str]] = {
        "archive": "only deals and leads have an archive",
        "activities/choice_path": "the types of activities are a catalogue of their own, and read as words",
        "activities/list_path": "an activity has participants, which are records, and no list of its own",
        "leads/undelete": "a lead that was deleted is gone",
        "merge": "only persons, organizations and deals are merged",
        "notes/choice_path": "a note has no picklist",
        "notes/choose": "a note has no picklist",
        "notes/date_path": "a note has no day",
        "notes/list_path": "a note has no list",
        "shuffle": "every write is a call of its own",
        "tell_offset": "the API tells every time in UTC",
        "vanish": "activities and notes have no fields of the account's own",
    }

    def __init__(self, bench: Bench) -> None:
        self._app = Pipedrive(world.make(7, 3), limits_kept=False)
        super().__init__(self._app, bench)
        self._account = self._app.account
        for name, table in self._account.by_name.items():
            for record in list(table):
                table.drop(record["id"])
            if name in REMARK:
                options = [Option(self._account.next_option_id(), label) for label in "ABC"]
                for field in (
                    Field(id=1, code=REMARK[name], name="Remark", type="text", custom=True),
                    Field(id=4, code=CHOICE[name], name="Choice", type="enum", custom=True, options=options),
                    Field(id=2, code=DAY[name], name="Day", type="date", custom=True),
                    Field(id=3, code=MANY[name], name="Many", type="set", custom=True, options=options),
                ):
                    self._account.catalogues[name].fields[field.code] = field
        for lead in list(self._account.leads):
            self._account.leads.drop(lead["id"])

    def concerns_records(self, call: Call) -> bool:
        return not call.path.endswith(("Fields", "/me", "/token"))

    def refusal(self, call: Call) -> Answer:
        return invalid(f"name: {call.body.decode()} is not wanted").answer

    # records

    def seed(self, stream: str, count: int, *, at: datetime, step: timedelta = timedelta(0)) -> list[str]:
        return [self._make(stream, number, at + number * step) for number in range(count)]

    def _make(self, stream: str, number: int, at: datetime) -> str:
        if stream == "leads":
            key = self._account.next_lead_id()
            self._account.leads.put(key, _lead(key, number, lead_stamp(at)))
            return key
        entity = ENTITIES.get(stream, "note")
        new = self._account.next_id(entity)
        if stream == "notes":
            record = _note(new, number, stamp(at))
        else:
            record = fresh(self._account, entity, {**_plain(stream, number)}, key=new, by=ME, now=at)
        self._account.by_name[entity].put(new, record)
        return str(new)

    def _get(self, stream: str, key: str) -> Record:
        table: Any = self._account.leads if stream == "leads" else self._account.by_name[ENTITIES.get(stream, "note")]
        record: Record = table.get(key if stream == "leads" else int(key))
        return record

    def _change(self, stream: str, key: str, at: datetime, **fields: Any) -> None:
        record = {**self._get(stream, key), "update_time": lead_stamp(at) if stream == "leads" else stamp(at), **fields}
        if stream == "leads":
            self._account.leads.put(key, {name: value for name, value in record.items() if value is not MISSING})
        else:
            self._account.by_name[ENTITIES.get(stream, "note")].put(int(key), record)

    def text_path(self, stream: str) -> str:
        if stream == "leads":
            return REMARK["deal"]
        plain = {"activities": "note", "notes": "content"}
        return plain.get(stream) or f"custom_fields.{REMARK[ENTITIES[stream]]}"

    def put(self, stream: str, key: str, value: Any, *, at: datetime) -> None:
        if stream in ("activities", "notes"):
            self._change(stream, key, at, **{self.text_path(stream): value})
        else:
            self._custom(stream, key, self.text_path(stream).removeprefix("custom_fields."), value, at)

    def _custom(self, stream: str, key: str, code: str, value: Any, at: datetime) -> None:
        if stream == "leads":
            self._change(stream, key, at, **{code: MISSING if value is None else value})
        else:
            customs = {**self._get(stream, key)["custom_fields"], code: value}
            self._change(stream, key, at, custom_fields=customs)

    def choose(self, stream: str, key: str, option: str, *, at: datetime) -> None:
        if stream == "notes":
            super().choose(stream, key, option, at=at)
        elif stream == "activities":
            self._change(stream, key, at, type=option)
        else:
            self._custom(stream, key, CHOICE[_entity(stream)], option, at)

    def choice_path(self, stream: str) -> str:
        if stream in ("notes", "activities"):
            super().choice_path(stream)
        return _custom_path(stream, CHOICE[_entity(stream)])

    def date_path(self, stream: str) -> str:
        if stream == "notes":
            super().date_path(stream)
        return "due_date" if stream == "activities" else _custom_path(stream, DAY[_entity(stream)])

    def date(self, stream: str, key: str, day: str, *, at: datetime) -> None:
        if stream == "activities":
            self._change(stream, key, at, due_date=day)
        else:
            self._custom(stream, key, DAY[_entity(stream)], day, at)

    def list_path(self, stream: str) -> str:
        if stream in ("notes", "activities"):
            super().list_path(stream)
        return _custom_path(stream, MANY[_entity(stream)])

    def fill(self, stream: str, key: str, count: int, *, at: datetime) -> None:
        code = MANY[_entity(stream)]
        options = self._account.catalogues[_entity(stream)].fields[code].options or ()
        held = [option.id for option in options[:count]]
        self._custom(stream, key, code, held or None, at)

    def garble(self, stream: str, key: str, *, at: datetime) -> None:
        self._change(stream, key, at, update_time="0000-00-00T00:00:00Z")

    # what becomes of them

    def commit_late(self, stream: str, *, at: datetime) -> str:
        return self._make(stream, 99, at)

    def delete(self, stream: str, key: str, *, at: datetime) -> None:
        if stream == "leads":
            self._account.leads.drop(key)
        elif stream == "notes":
            self._change(stream, key, at, active_flag=False)
        else:
            self._change(stream, key, at, is_deleted=True, _deleted_at=at)

    def undelete(self, stream: str, key: str, *, at: datetime) -> None:
        if stream == "leads":
            super().undelete(stream, key, at=at)
        elif stream == "notes":
            self._change(stream, key, at, active_flag=True)
        else:
            self._change(stream, key, at, is_deleted=False, _deleted_at=None)

    def archive(self, stream: str, key: str, *, at: datetime) -> None:
        if stream not in ("deals", "leads"):
            super().archive(stream, key, at=at)
        self._change(stream, key, at, is_archived=True)

    def merge(self, stream: str, key: str, *, into: str, at: datetime) -> None:
        if stream not in REMARK_STREAMS:
            super().merge(stream, key, into=into, at=at)
        self.delete(stream, key, at=at)
        self._change(stream, into, at)

    def vanish(self, stream: str) -> None:
        entity = _entity(stream)
        if entity not in REMARK:
            super().vanish(stream)
        self._app.change_schema("deals" if stream == "leads" else stream, REMARK[entity], to=None)

    # what was written

    def draft(self, stream: str, number: int) -> Values:
        if stream in ("leads", "notes") and not len(self._account.organizations):
            self._make("organizations", 0, self.now())
        links = {"leads": "organization_id", "notes": "org_id"}
        link = {links[stream]: next(iter(self._account.organizations))["id"]} if stream in links else {}
        return {**_plain(stream, number), **link}

    def effects(self) -> Sequence[Effect]:
        return [Effect(one.stream, OPERATIONS[one.method], one.record) for one in self._app.effects()]


MISSING: Final = object()


def _entity(stream: str) -> str:
    """Whose fields a stream's records have: leads have those of deals."""
    return "deal" if stream == "leads" else ENTITIES.get(stream, "note")


def _custom_path(stream: str, code: str) -> str:
    return code if stream == "leads" else f"custom_fields.{code}"


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def lead_stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


REMARK_STREAMS: Final = ("persons", "organizations", "deals")


def _plain(stream: str, number: int) -> Record:
    """What a create of a stream needs."""
    match stream:
        case "persons":
            address = {"value": f"p{number}@nordwerk.example", "primary": True, "label": "work"}
            return {"name": f"Mara Lind {number}", "emails": [address]}
        case "organizations":
            return {"name": f"Nordwerk {number}"}
        case "activities":
            return {"subject": f"Call {number}", "type": "call", "due_date": "2026-11-30"}
        case "notes":
            return {"content": f"<p>Note {number}</p>"}
    return {"title": f"Renewal {number}"}


def _lead(key: str, number: int, at: str) -> Record:
    return {
        "id": key, "title": f"Renewal {number}", "owner_id": ME, "creator_id": ME, "label_ids": [], "person_id": None,
        "organization_id": 999, "source_name": "API", "origin": "API", "is_archived": False, "was_seen": False,
        "value": None, "expected_close_date": None, "next_activity_id": None, "add_time": at, "update_time": at,
        "visible_to": "3",
    }  # fmt: skip


def _note(key: int, number: int, at: str) -> Record:
    return {
        "id": key, "active_flag": True, "add_time": at, "update_time": at, "content": f"<p>Note {number}</p>",
        "deal_id": None, "lead_id": None, "person_id": None, "org_id": None, "user_id": ME,
    }  # fmt: skip


class TestPipedrive(ConnectorContract):
    streams = ("persons", "organizations", "deals", "leads", "activities", "notes")

    @pytest.fixture
    def rig(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
        bench = Bench()
        # What is true of pages of twenty is true of pages of five hundred, and sooner said.
        for name, resource in RESOURCES.items():
            small = replace(resource, spec=replace(resource.spec, page_size=20))
            monkeypatch.setitem(RESOURCES, name, small)
        streams = {name: resource.spec for name, resource in RESOURCES.items()}
        monkeypatch.setattr(PipedriveConnector, "streams", streams)
        vendor = PipedriveVendor(bench)
        known = vendor._app.credentials
        settings = PipedriveSettings.model_validate(
            {
                "base_url": BASE,
                "token_url": f"{BASE}/oauth/token",
                "auth": {name: known[name] for name in ("client_id", "client_secret", "refresh_token")},
            }
        )
        with vendor.serving():
            connector = PipedriveConnector.connect(settings, bench.tools())
            yield Rig(connector, vendor, bench)
            connector.close()

    def test_null_empties_a_field(self, rig: Rig, stream: str) -> None:
        if stream == "notes":
            pytest.skip("a note without content is none: Pipedrive refuses it, and no other text of a note is written")
        super().test_null_empties_a_field(rig, stream)
