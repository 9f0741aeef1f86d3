"""Bluebird's API on this machine, for tests of the connector."""

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from connectors.sdk.suite import Vendor

TOKEN = "a-token-of-bluebird"
PAGE = 10


class Bluebird(Vendor):
    """Serves while it is open. `rows`: contacts by their id."""

    lacks: ClassVar[Mapping[str, str]] = {
        "archive": "a contact of Bluebird is there or gone",
        "choose": "Bluebird has no picklists",
        "date_path": "Bluebird has no days",
        "expire_token": "a token of Bluebird does not expire",
        "garble": "Bluebird's contacts are never without a time",
        "list_path": "Bluebird has no lists",
        "lose": "what is only read is asked for again, as after any error",
        "merge": "Bluebird merges nothing",
        "undelete": "what was deleted is gone",
        "vanish": "Bluebird's fields are fixed",
    }

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._zone = UTC
        self._failures: list[list[Any]] = []  # [after, times, status, headers]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"vendor": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def secrets(self) -> Sequence[str]:
        return [TOKEN]

    def now(self) -> datetime:
        return datetime.now(UTC)

    def seed(self, stream: str, count: int, *, at: datetime, step: timedelta = timedelta(0)) -> list[str]:
        keys = [str(len(self.rows) + number) for number in range(count)]
        for number, key in enumerate(keys):
            self.rows[key] = {"id": key, "name": f"Contact {key}", "email": f"contact{key}@bluebird.test"}
            self.rows[key]["changed"] = self._told(at + step * number)
        return keys

    def text_path(self, stream: str) -> str:
        return "name"

    def put(self, stream: str, key: str, value: Any, *, at: datetime) -> None:
        self.rows[key].update(name=value or "", changed=self._told(at))

    def tell_offset(self, offset: timedelta) -> None:
        self._zone = timezone(offset)

    def _told(self, at: datetime) -> str:
        return at.astimezone(self._zone).isoformat()

    def commit_late(self, stream: str, *, at: datetime) -> str:
        return self.seed(stream, 1, at=at)[0]

    def delete(self, stream: str, key: str, *, at: datetime) -> None:
        del self.rows[key]

    def fail(self, status: int, *, after: int = 0, times: int = 1, headers: Mapping[str, str] | None = None) -> None:
        self._failures.append([after, times, status, headers or {}])

    def answer(self, path: str, query: Mapping[str, str], token: str | None) -> tuple[int, Any, Mapping[str, str]]:
        if token != TOKEN:
            return 401, {}, {}
        if path == "/me":
            return 200, {"account": 5, "company": "Nordlicht Solar AB", "user": "hub", "country": "SE"}, {}
        for failure in self._failures:
            if failure[0] > 0:
                failure[0] -= 1
            elif failure[1] > 0:
                failure[1] -= 1
                return failure[2], {}, failure[3]
        if path.startswith("/contacts/"):
            row = self.rows.get(path.removeprefix("/contacts/"))
            return (404, {}, {}) if row is None else (200, row, {})
        ordered = sorted(self.rows.values(), key=_place)
        since = datetime.fromisoformat(query.get("since", "2000-01-01T00:00:00+00:00"))
        rows = [row for row in ordered if _place(row)[0] >= since]
        if "after" in query:
            stamp, _, key = query["after"].partition("|")
            rows = [row for row in rows if _place(row) > (datetime.fromisoformat(stamp), int(key))]
        page = rows[:PAGE]
        more = len(rows) > PAGE
        return 200, {"rows": page, "after": f"{page[-1]['changed']}|{page[-1]['id']}" if more else None}, {}


def _place(row: Mapping[str, Any]) -> tuple[datetime, int]:
    return datetime.fromisoformat(row["changed"]), int(row["id"])


class _Handler(BaseHTTPRequestHandler):
    vendor: Bluebird
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        status, body, headers = self.vendor.answer(
            parts.path, dict(parse_qsl(parts.query)), self.headers.get("X-Token")
        )
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
