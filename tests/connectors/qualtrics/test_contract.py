"""Qualtrics' connector keeps the contract, against a brand that is empty at first."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import pytest
from msgspec.structs import replace

from connectors.qualtrics import connector as module
from connectors.qualtrics.connector import QualtricsConnector
from connectors.qualtrics.settings import QualtricsSettings
from connectors.qualtrics.streams import STREAMS
from connectors.sdk import Operation, Values
from connectors.sdk.fakes import Bench
from connectors.sdk.suite import ConnectorContract, Effect, Rig
from sandbox import world
from sandbox.vendors.qualtrics import app as simulated
from sandbox.vendors.qualtrics.answers import invalid
from sandbox.vendors.qualtrics.app import Qualtrics
from sandbox.vendors.qualtrics.distributions import Distribution
from sandbox.vendors.qualtrics.responses import Responses, record, second, stamp
from sandbox.vendors.qualtrics.surveys import Survey
from sandbox.web import Answer, Call
from tests.connectors.bridge import BASE, Bridge

OPERATIONS: Final[dict[str, Operation]] = {"POST": "create", "PUT": "update"}
# So long a survey whose numbers stand still is left alone.
QUIET: Final = timedelta(days=1)


class QualtricsVendor(Bridge):
    lacks: ClassVar[Mapping[str, str]] = {
        "archive": "nothing is put away in Qualtrics",
        "directory_contacts/choice_path": "everything in a contact is a text",
        "directory_contacts/choose": "everything in a contact is a text",
        "directory_contacts/garble": "the simulation itself compares their dates",
        "distributions/date_path": "a recipient has no day",
        "list_path": "embedded data are texts, and what was chosen of several is an answer",
        "merge": "the directory does not tell what it merged",
        "shuffle": "every write is a call of its own",
        "surveys/choose": "a survey has no picklist",
        "surveys/date_path": "a survey has no day",
        "surveys/put": "a survey always has a name",
        "tell_offset": "the API tells every time in UTC",
        "undelete": "what was deleted is gone",
        "vanish": "only the directory has fields of the brand's own",
    }

    def __init__(self, bench: Bench) -> None:
        self._app = Qualtrics(world.make(7, 3), limits_kept=False)
        super().__init__(self._app, bench)
        self._questions = next(one for one in self._app.surveys.values() if one.kind == "relationship").questions
        for held in (self._app.surveys, self._app.responses, self._app.distributions):
            held.clear()
        for contact in list(self._app.directory.contacts):
            self._app.directory.contacts.drop(contact["contactId"])
        self._made = 0

    @property
    def secrets(self) -> Sequence[str]:
        return [value for name, value in self._app.credentials.items() if name != "directory"]

    def concerns_records(self, call: Call) -> bool:
        catalogue = "survey-definitions" in call.path
        return not catalogue and not call.path.endswith(("/whoami", "/token", "/directories"))

    def refusal(self, call: Call) -> Answer:
        return invalid(f"embeddedData: {call.body.decode()} is not wanted").answer

    # records

    def seed(self, stream: str, count: int, *, at: datetime, step: timedelta = timedelta(0)) -> list[str]:
        if stream == "distributions" and count:
            self._mail(at)
        return [self._make(stream, at + number * step) for number in range(count)]

    def _make(self, stream: str, at: datetime) -> str:
        self._made += 1
        match stream:
            case "surveys":
                return self._make_survey(at)
            case "responses":
                key = f"R_{self._made:015}"
                self._app.responses[self._survey()].put(self._response(key, at), shown=at)
                return key
            case "distributions":
                lookup = f"CGC_{self._made:015}"
                mailing = list(self._app.distributions.values())[-1]
                mailing.history[lookup] = _recipient(mailing.id, lookup, second(at))
                return f"{mailing.id}/{lookup}"
        key = f"CID_{self._made:015}"
        self._app.directory.contacts.put(key, _contact(key, self._made, at))
        return key

    def _make_survey(self, at: datetime) -> str:
        key = f"SV_{self._made:015}"
        self._app.surveys[key] = Survey(
            id=key, kind="relationship", name=f"Survey {key}", active=True, created="2026-01-01T00:00:00Z",
            modified=second(at), questions=dict(self._questions), embedded=("note",),
        )  # fmt: skip
        self._app.responses[key] = Responses()
        return key

    def _survey(self) -> str:
        return next(iter(self._app.surveys), None) or self._make_survey(self.now() - timedelta(days=300))

    def _mail(self, at: datetime) -> None:
        key = f"EMD_{len(self._app.distributions):015}"
        self._app.distributions[key] = Distribution(
            id=key, survey=self._survey(), mailing_list="CG_1", at=at, modified=at
        )

    def _response(self, key: str, at: datetime, **values: Any) -> Any:
        told = {
            "startDate": second(at),
            "endDate": second(at),
            "status": 0,
            "progress": 100,
            "duration": 5,
            "finished": 1,
            "recordedDate": stamp(at),
            "_recordId": key,
            "distributionChannel": "anonymous",
            "userLanguage": "EN",
            "note": hashlib.sha256(key.encode()).hexdigest()[:8],
        }
        return record(key, self._app.surveys[self._survey()], {**told, **values})

    def text_path(self, stream: str) -> str:
        return {"surveys": "name", "distributions": "surveyLink"}.get(stream, "embeddedData.note")

    def put(self, stream: str, key: str, value: Any, *, at: datetime) -> None:
        match stream:
            case "surveys":
                if value is None:
                    super().put(stream, key, value, at=at)
                self._app.surveys[key].name, self._app.surveys[key].modified = value, second(at)
            case "responses":
                self._edit_response(key, at, note=value or "")
            case "distributions":
                self._recipient(key, at, surveyLink=value)
            case _:
                self._embed(key, at, {} if value is None else {"note": value})

    def date_path(self, stream: str) -> str:
        if stream not in ("responses", "directory_contacts"):
            super().date_path(stream)
        return "embeddedData.day"

    def date(self, stream: str, key: str, day: str, *, at: datetime) -> None:
        if stream == "responses":
            self._edit_response(key, at, day=day)
        else:
            self._embed(key, at, {"day": day})

    def _embed(self, key: str, at: datetime, data: Mapping[str, str]) -> None:
        held = self._app.directory.contact(key)
        self._app.directory.contacts.put(key, {**held, "embeddedData": data, "lastModified": at})

    def _edit_response(self, key: str, at: datetime, **values: Any) -> None:
        """Somebody edits a response, so that it counts as recorded then."""
        held = self._app.responses[self._survey()]
        held.put(self._response(key, at, **values), shown=at)
        if at == self.now():
            self._bench.clock.sleep(QUIET.total_seconds())  # the numbers stand still, so it is seen only behind that

    def _recipient(self, key: str, at: datetime, **fields: Any) -> None:
        mailing, _, lookup = key.partition("/")
        sent = self._app.distributions[mailing]
        sent.history[lookup] = {**sent.history[lookup], **fields}
        sent.modified = at

    def choose(self, stream: str, key: str, option: str, *, at: datetime) -> None:
        match stream:
            case "responses":
                self._edit_response(key, at, QID3=option)
            case "distributions":
                self._recipient(key, at, status=option)
            case _:
                super().choose(stream, key, option, at=at)

    def garble(self, stream: str, key: str, *, at: datetime) -> None:
        match stream:
            case "surveys":
                self._app.surveys[key].modified = "0000-00-00"
            case "responses":
                self._edit_response(key, at, recordedDate="0000-00-00")
            case "distributions":
                self._recipient(key, at, sentAt="0000-00-00")
            case _:
                super().garble(stream, key, at=at)

    # what becomes of them

    def commit_late(self, stream: str, *, at: datetime) -> str:
        return self._make(stream, at)

    def delete(self, stream: str, key: str, *, at: datetime) -> None:
        match stream:
            case "surveys":
                del self._app.surveys[key], self._app.responses[key]
            case "responses":
                self._app.responses[self._survey()].drop(key)
            case "distributions":
                mailing, _, lookup = key.partition("/")
                del self._app.distributions[mailing].history[lookup]
            case _:
                self._app.directory.delete(key)

    def vanish(self, stream: str) -> None:
        if stream != "directory_contacts":
            super().vanish(stream)
        self._app.change_schema(stream, "note", to=None)

    # what was written

    def draft(self, stream: str, number: int) -> Values:
        return {"firstName": f"Mara {number}", "email": f"p{number}@nordwerk.example", "extRef": f"hub-{number}"}

    def effects(self) -> Sequence[Effect]:
        return [Effect(one.stream, OPERATIONS[one.method], one.record) for one in self._app.effects()]


def _contact(key: str, number: int, at: datetime) -> dict[str, Any]:
    return {
        "contactId": key,
        "firstName": f"Mara {number}",
        "lastName": "Lind",
        "email": f"mara{number}@nordwerk.example",
        "phone": None,
        "extRef": None,
        "language": "en",
        "embeddedData": {"note": "x"},
        "directoryUnsubscribed": False,
        "directoryUnsubscribeDate": None,
        "creationDate": at,
        "lastModified": at,
        "_lists": {},
    }


def _recipient(mailing: str, lookup: str, at: str) -> dict[str, Any]:
    return {
        "contactId": "CID_1",
        "contactLookupId": lookup,
        "distributionId": mailing,
        "status": "Success",
        "surveyLink": "https://nordwerk.example/1",
        "responseId": None,
        "responseStartedAt": None,
        "responseCompletedAt": None,
        "sentAt": at,
        "openedAt": None,
    }


class TestQualtrics(ConnectorContract):
    streams = ("surveys", "responses", "directory_contacts", "distributions")

    @pytest.fixture
    def rig(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
        bench = Bench()
        # What is true of pages of ten is true of pages of a hundred, and sooner said.
        small = {name: replace(spec, page_size=10, cap=spec.cap and 40) for name, spec in STREAMS.items()}
        monkeypatch.setattr(QualtricsConnector, "streams", small)
        for name in ("SURVEYS_AT_ONCE", "RESPONSES_PAGE", "CONTACTS_PAGE"):
            monkeypatch.setattr(module, name, 10)
        monkeypatch.setattr(module, "HITS", 40)
        monkeypatch.setattr(simulated, "MOST_HITS", 40)
        monkeypatch.setattr(simulated, "HISTORY_PAGE", 10)
        monkeypatch.setattr(simulated, "SURVEYS_PAGE", 7)
        vendor = QualtricsVendor(bench)
        known = vendor._app.credentials
        settings = QualtricsSettings.model_validate(
            {
                "base_url": BASE,
                "data_center": "fra1",
                "directory": known["directory"],
                "auth": {name: known[name] for name in ("client_id", "client_secret")},
            }
        )
        with vendor.serving():
            connector = QualtricsConnector.connect(settings, bench.tools())
            yield Rig(connector, vendor, bench)
            connector.close()
