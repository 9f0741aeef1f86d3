"""Contacts of Bluebird. Written against the public address of the SDK alone."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Self
from urllib.parse import quote

from pydantic import SecretStr

from connectors.sdk import (
    Account,
    Answer,
    ApiToken,
    FieldInfo,
    Outcome,
    Page,
    RemoteRecord,
    Removal,
    Settings,
    SetupError,
    StatusTable,
    StreamSettings,
    StreamSpec,
    Tools,
    Transport,
    Window,
    Write,
    by_cursor,
)

PAGE = 10


class BluebirdSettings(Settings):
    token: SecretStr


class BluebirdConnector:
    name: ClassVar[str] = "bluebird"
    label: ClassVar[str] = "Bluebird"
    unit: ClassVar[str] = "calls"
    role: ClassVar[Literal["crm", "files", "cem"]] = "crm"
    settings: ClassVar[type[Settings]] = BluebirdSettings
    stream_settings: ClassVar[type[StreamSettings]] = StreamSettings
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        "contacts": StreamSpec(page_size=PAGE, hold_back=timedelta(seconds=10), sweep=True)
    }

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @classmethod
    def connect(cls, settings: BluebirdSettings, tools: Tools) -> Self:
        auth = ApiToken("X-Token", settings.token.get_secret_value())
        base_url = settings.base_url or "https://api.bluebird.test"
        statuses = StatusTable(vendor="Bluebird")
        return cls(Transport(base_url, auth, statuses, tools, tools.connection, insecure=settings.insecure))

    def account(self) -> Account:
        me = self._transport.get("/me").json
        return Account(id=str(me["account"]), name=me["company"], identity=me["user"], country=me["country"])

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        return [
            FieldInfo(name=name, label=name.title(), type="text", path=name)
            for name in ("id", "name", "email", "mobile", "company")
        ] + [FieldInfo(name="changed", label="Changed", type="datetime", path="changed")]

    def parts(self, stream: str) -> Sequence[str]:
        return [""]

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        first: dict[str, Any] = {} if window.since is None else {"since": window.since.isoformat()}
        if window.position is not None:
            first["after"] = window.position["after"]
        for answer in by_cursor(self._list, first, _following, where="Bluebird contacts"):
            yield Page([_record(row) for row in answer.json["rows"]], _following(answer), answer.server_time)

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        for key in keys:
            answer = self._transport.get(f"/contacts/{quote(key, safe='')}", accept={404})
            if answer.status != 404:
                yield Page([_record(answer.json)], None, answer.server_time)

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        for answer in by_cursor(self._list, {}, _following, where="Bluebird contacts"):
            yield [str(row["id"]) for row in answer.json["rows"]]

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        return iter(())

    def find(self, stream: str, write: Write) -> Sequence[RemoteRecord]:
        return []

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        raise SetupError("Bluebird contacts are read, not written", hint="leave out `write`")

    def close(self) -> None:
        self._transport.close()

    def _list(self, params: Mapping[str, Any]) -> Answer:
        return self._transport.get("/contacts", params)


def _following(answer: Answer) -> dict[str, Any] | None:
    after = answer.json["after"]
    return None if after is None else {"after": after}


def _record(row: Mapping[str, Any]) -> RemoteRecord:
    values = {name: None if value == "" else value for name, value in row.items()}
    return RemoteRecord(str(row["id"]), None, datetime.fromisoformat(row["changed"]), values)
