"""A vendor that answers from prepared bytes, in a process of its own: python -m bench.server --records N --page P

It speaks as much of Pipedrive's API as reading persons takes. `POST /bench` sets how it behaves, `GET /bench`
tells what was asked of it.
"""

import argparse
import json
import mmap
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from bench.contacts import Pages, catalogue, write_pages

_END: Final = b"\r\n\r\n"
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


class Vendor:
    """Answers requests. `quiet`: nothing changed since; `delay`: seconds before each page of persons."""

    def __init__(self, pages: Pages) -> None:
        self._offsets = pages.offsets
        self._last = pages.last
        with pages.path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._fields = json.dumps(catalogue()).encode()
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        self._quiet = False
        self._delay = 0.0
        self._pause = threading.Event()

    def answer(self, method: str, target: str, body: bytes) -> bytes:
        split = urlsplit(target)
        if split.path == "/bench":
            return self._control(method, body)
        name = split.path.rsplit("/", 1)[-1]
        with self._lock:
            self._asked[split.path] += 1
        if "/persons/" in split.path:
            return self._person(name)
        match name:
            case "me":
                return _whole(json.dumps(_ACCOUNT).encode())
            case "personFields":
                return _page(self._fields, None)
            case "persons":
                return self._persons({key: values[-1] for key, values in parse_qs(split.query).items()})
        return _page(b"[]", None)

    def _persons(self, query: Mapping[str, str]) -> bytes:
        if self._quiet or "ids" in query:
            return _page(b"[]", None)
        if self._delay:
            self._pause.wait(self._delay)
        number = int(query.get("cursor", "0"))
        rows = self._bytes[self._offsets[number] : self._offsets[number + 1]]
        return _page(rows, None if number == self._last else str(number + 1))

    def _person(self, key: str) -> bytes:
        """One of the first page, by its id."""
        rows = json.loads(self._bytes[self._offsets[0] : self._offsets[1]])
        return _whole(json.dumps(next(row for row in rows if str(row["id"]) == key)).encode())

    def _control(self, method: str, body: bytes) -> bytes:
        with self._lock:
            if method == "POST":
                wanted: dict[str, Any] = json.loads(body)
                self._quiet = bool(wanted.get("quiet", False))
                self._delay = float(wanted.get("delay", 0))
                self._asked.clear()
            return json.dumps({"asked": dict(self._asked)}).encode()


def _whole(data: bytes) -> bytes:
    return b'{"success":true,"data":' + data + b"}"


def _page(rows: bytes, cursor: str | None) -> bytes:
    tail = b',"additional_data":{"next_cursor":' + json.dumps(cursor).encode() + b"}}"
    return b'{"success":true,"data":' + rows + tail


def serve(listener: socket.socket, vendor: Vendor) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_talk, args=(connection, vendor), daemon=True).start()


def _talk(connection: socket.socket, vendor: Vendor) -> None:
    """One connection, as many requests as the client likes."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held = b""
    with connection:
        while True:
            while _END not in held:
                more = connection.recv(65536)
                if not more:
                    return
                held += more
            head, _, held = held.partition(_END)
            lines = head.decode("latin-1").split("\r\n")
            method, target, _ = lines[0].split(" ", 2)
            length = _length(lines[1:])
            while len(held) < length:
                held += connection.recv(65536)
            body, held = held[:length], held[length:]
            answer = vendor.answer(method, target, body)
            start = (
                f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(answer)}\r\n\r\n"
            )
            connection.sendall(start.encode() + answer)


def _length(headers: list[str]) -> int:
    for header in headers:
        name, _, value = header.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--page", type=int, required=True)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        vendor = Vendor(write_pages(Path(folder) / "pages", records=wanted.records, page=wanted.page))
        # The file is mapped; what follows only reads it.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            print(listener.getsockname()[1], flush=True)
            serve(listener, vendor)


if __name__ == "__main__":
    main()
