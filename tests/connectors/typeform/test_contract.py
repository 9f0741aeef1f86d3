"""Typeform's connector keeps the contract, against an account that is empty at first."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from connectors.sdk.fakes import Bench
from connectors.sdk.suite import ConnectorContract, Rig
from connectors.typeform import connector as module
from connectors.typeform.connector import TypeformConnector
from connectors.typeform.settings import TypeformSettings
from connectors.typeform.streams import STREAMS
from sandbox import world
from sandbox.vendors.typeform.app import Typeform
from sandbox.vendors.typeform.forms import Form
from sandbox.vendors.typeform.responses import Responses
from sandbox.web import Call
from tests.connectors.bridge import BASE, Bridge

CHOICE = {"id": "F2", "ref": "plan", "type": "multiple_choice"}


class TypeformVendor(Bridge):
    lacks: ClassVar[Mapping[str, str]] = {
        "archive": "Typeform has no archive",
        "forms/choose": "a form has no picklist",
        "forms/date_path": "a form has no day",
        "forms/put": "a form always has a title",
        "list_path": "a question without an answer is left out, and no answer is taken back",
        "merge": "nothing is merged in Typeform",
        "responses/garble": "the simulation itself sorts by their dates",
        "tell_offset": "the API tells every time in UTC",
        "undelete": "what was deleted is gone",
        "vanish": "a response holds its answers whatever becomes of the form",
    }

    def __init__(self, bench: Bench) -> None:
        self._app = Typeform(world.make(7, 3), limits_kept=False)
        super().__init__(self._app, bench)
        self._app.forms.clear()
        self._app.responses.clear()
        self._made = 0

    def concerns_records(self, call: Call) -> bool:
        return not call.path.endswith(("/me", "/token"))

    # records

    def seed(self, stream: str, count: int, *, at: datetime, step: timedelta = timedelta(0)) -> list[str]:
        return [self._make(stream, at + number * step) for number in range(count)]

    def _make(self, stream: str, at: datetime) -> str:
        self._made += 1
        if stream == "forms":
            key = f"Fm{self._made:06}"
            self._keep_form(_definition(key, stamp(at)))
            return key
        form = next(iter(self._app.forms), None) or self._make("forms", self.now() - timedelta(days=300))
        key = f"r{self._made:020}"
        self._app.responses[form].put(_response(key, stamp(at)))
        return key

    def _keep_form(self, definition: dict[str, Any]) -> None:
        key = str(definition["id"])
        self._app.forms[key] = Form(survey="relationship", definition=definition, fields={})
        self._app.responses.setdefault(key, Responses())

    def _change(self, stream: str, key: str, at: datetime, change: Mapping[str, Any]) -> None:
        if stream == "forms":
            self._keep_form({**self._app.forms[key].definition, "last_updated_at": stamp(at), **change})
            return
        # Nothing changes a response in Typeform; here one comes to hold what a test wants to read.
        held = self._holder(key)
        record = held.table.get(key)
        assert record is not None
        held.put({**record, "submitted_at": stamp(at), **change})
        if at == self.now():
            # A response shows half an hour after it was given at the latest: let it pass.
            self._bench.clock.sleep(timedelta(minutes=30).total_seconds())

    def _holder(self, key: str) -> Responses:
        return next(held for held in self._app.responses.values() if held.table.get(key) is not None)

    def text_path(self, stream: str) -> str:
        return "title" if stream == "forms" else "hidden.note"

    def put(self, stream: str, key: str, value: Any, *, at: datetime) -> None:
        if stream == "forms" and value is None:
            super().put(stream, key, value, at=at)
        self._change(stream, key, at, {"title": value} if stream == "forms" else {"hidden": {"note": value or ""}})

    def choose(self, stream: str, key: str, option: str, *, at: datetime) -> None:
        if stream == "forms":
            super().choose(stream, key, option, at=at)
        answer = {"field": CHOICE, "type": "choice", "choice": {"label": option}}
        self._change(stream, key, at, {"answers": [answer]})

    def date_path(self, stream: str) -> str:
        if stream == "forms":
            super().date_path(stream)
        return "hidden.day"

    def date(self, stream: str, key: str, day: str, *, at: datetime) -> None:
        self._change(stream, key, at, {"hidden": {"day": day}})

    def garble(self, stream: str, key: str, *, at: datetime) -> None:
        if stream == "responses":
            super().garble(stream, key, at=at)
        self._change(stream, key, at, {"last_updated_at": "0000-00-00"})

    # what becomes of them

    def commit_late(self, stream: str, *, at: datetime) -> str:
        return self._make(stream, at)

    def delete(self, stream: str, key: str, *, at: datetime) -> None:
        if stream == "forms":
            del self._app.forms[key], self._app.responses[key]
        else:
            self._holder(key).table.drop(key)


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _definition(key: str, at: str) -> dict[str, Any]:
    return {
        "id": key,
        "type": "quiz",
        "title": f"Survey {key}",
        "created_at": "2026-01-01T00:00:00Z",
        "last_updated_at": at,
        "hidden": ["note"],
        "fields": [{"id": "F1", "ref": "nps", "type": "nps", "title": "How likely?", "properties": {"steps": 11}}],
        "settings": {"is_public": True},
        "theme": {"href": f"{BASE}/themes/1"},
        "_links": {"display": f"https://form.test/to/{key}"},
    }


def _response(key: str, at: str) -> dict[str, Any]:
    return {
        "landing_id": key,
        "token": key,
        "response_id": key,
        "response_type": "completed",
        "landed_at": at,
        "submitted_at": at,
        "metadata": {"user_agent": "x", "platform": "other", "referer": "", "network_id": "n", "browser": "default"},
        "hidden": {"note": hashlib.sha256(key.encode()).hexdigest()[:8]},
        "calculated": {"score": 0},
        "variables": [],
        "tags": [],
        "answers": [],
    }


class TestTypeform(ConnectorContract):
    streams = ("forms", "responses")

    @pytest.fixture
    def rig(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
        bench = Bench()
        # What is true of pages of ten is true of pages of a thousand, and sooner said.
        small = {name: replace(spec, page_size=10) for name, spec in STREAMS.items()}
        monkeypatch.setattr(TypeformConnector, "streams", small)
        for name in ("FORMS_PAGE", "FORMS_AT_ONCE", "RESPONSES_PAGE", "IDS"):
            monkeypatch.setattr(module, name, 10)
        vendor = TypeformVendor(bench)
        known = vendor._app.credentials
        settings = TypeformSettings.model_validate(
            {
                "base_url": BASE,
                "auth": {name: known[name] for name in ("client_id", "client_secret", "refresh_token")},
            }
        )
        with vendor.serving():
            connector = TypeformConnector.connect(settings, bench.tools())
            yield Rig(connector, vendor, bench)
            connector.close()
