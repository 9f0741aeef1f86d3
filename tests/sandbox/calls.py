"""Calling a simulated vendor without a socket."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sandbox.web import Call, Vendor

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]


class Caller:
    """A client of one vendor. `now` is the vendor's clock, which only the test moves."""

    def __init__(self, vendor: Vendor, headers: Mapping[str, str], *, now: datetime = NOW) -> None:
        self.vendor, self.headers, self.now = vendor, headers, now

    def __call__(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, **query: Any
    ) -> Reply:
        sent = {**(self.headers if headers is None else headers)}
        if isinstance(body, bytes):
            raw = body
        else:
            raw = b"" if body is None else json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        path, _, text = path.partition("?")
        asked = dict(parse_qsl(text, keep_blank_values=True)) | {name: str(value) for name, value in query.items()}
        answer = self.vendor.answer(
            Call(method=method, path=path, query=asked, headers=sent, body=raw, now=self.now, base="http://vendor.test")
        )
        return Reply(answer.status, answer.body, {name.lower(): value for name, value in answer.headers})

    def form(self, path: str, headers: Mapping[str, str] | None = None, /, **fields: str) -> Reply:
        sent = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        return self("POST", path, urlencode(fields).encode(), headers=sent)

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)
