"""A vendor that answers from prepared bytes, in a process of its own: python -m bench.server --records N --page P

It speaks as much of the vendor's API as reading contacts takes. `POST /bench` sets how it behaves, `GET /bench`
tells what was asked of it.
"""

import argparse
import json
import signal
import socket
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final

from bench.pipedrive import Pipedrive
from bench.prepared import Answer, Request, Vendor
from bench.salesforce import Salesforce
from bench.zoho import Zoho

_END: Final = b"\r\n\r\n"
VENDORS: Final[Mapping[str, Callable[..., Vendor]]] = {
    "pipedrive": Pipedrive,
    "salesforce": Salesforce,
    "zoho": Zoho,
}


class Service:
    """Answers requests. `quiet`: nothing changed since; `delay`: seconds before each page of contacts."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        self._quiet = False
        self._delay = 0.0
        self._pause = threading.Event()

    def answer(self, request: Request) -> Answer:
        if request.path == "/bench":
            return self._control(request)
        with self._lock:
            self._asked[request.path] += 1
        page = self._vendor.contacts(request)
        if page is None:
            return self._vendor.other(request)
        if self._quiet:
            return self._vendor.empty()
        if self._delay:
            self._pause.wait(self._delay)
        return page

    def _control(self, request: Request) -> Answer:
        with self._lock:
            if request.method == "POST":
                wanted: dict[str, Any] = json.loads(request.body)
                self._quiet = bool(wanted.get("quiet", False))
                self._delay = float(wanted.get("delay", 0))
                self._asked.clear()
            return Answer(json.dumps({"asked": dict(self._asked)}).encode())


def serve(listener: socket.socket, service: Service) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_talk, args=(connection, service), daemon=True).start()


def _talk(connection: socket.socket, service: Service) -> None:
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
            headers = _headers(lines[1:])
            length = int(headers.get("content-length", "0"))
            while len(held) < length:
                held += connection.recv(65536)
            body, held = held[:length], held[length:]
            answer = service.answer(Request(method, target, body, headers))
            told = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
            start = (
                f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: {answer.kind}\r\n"
                f"{told}Content-Length: {len(answer.body)}\r\n\r\n"
            )
            connection.sendall(start.encode() + answer.body)


def _headers(lines: list[str]) -> dict[str, str]:
    told = (line.partition(":") for line in lines)
    return {name.lower(): value.strip() for name, _, value in told}


def _end(_number: int, _frame: Any) -> None:
    """The folder goes too when this process is told to end."""
    sys.exit(0)


def main() -> None:
    signal.signal(signal.SIGTERM, _end)
    parser = argparse.ArgumentParser()
    parser.add_argument("--vendor", choices=VENDORS, default="pipedrive")
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--page", type=int, required=True)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Files are mapped; what follows only reads them.
        service = Service(VENDORS[wanted.vendor](Path(folder), records=wanted.records, page=wanted.page))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            print(listener.getsockname()[1], flush=True)
            serve(listener, service)


if __name__ == "__main__":
    main()
