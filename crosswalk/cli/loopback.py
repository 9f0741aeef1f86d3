"""The other end of a redirect: a listener on this machine that a browser brings an answer to.

It hears on 127.0.0.1 alone and takes the one answer that fits the question. What it is told is written nowhere: the
query holds a code.
"""

import queue
import threading
from collections.abc import Callable, Mapping
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

HOST: Final = "127.0.0.1"
_SLOWEST: Final = 10.0  # seconds that a browser may take for its request


class Listener:
    """Listens from `with` to its end. Raises OSError where the port is taken."""

    def __init__(self, port: int, path: str, fits: Callable[[Mapping[str, str]], bool]) -> None:
        self._answers: queue.SimpleQueue[Mapping[str, str]] = queue.SimpleQueue()
        self._server = _Server((HOST, port), _Handler)
        self._server.path, self._server.fits, self._server.answers = path or "/", fits, self._answers
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

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
    def port(self) -> int:
        return int(self._server.server_address[1])

    def heard(self, seconds: float) -> Mapping[str, str] | None:
        """The answer, once it is there; None: not within so many seconds."""
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # browsers open connections ahead, which nobody is to wait for
    path: str
    fits: Callable[[Mapping[str, str]], bool]
    answers: "queue.SimpleQueue[Mapping[str, str]]"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no news, and a trace might show what it asked."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SLOWEST
    server_version, sys_version = "crosswalk", ""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if (parts.path or "/") != self.server.path:
            self._page(404, "Nothing is here", "Crosswalk waits for an answer at another path.")
            return
        answer = query_of(self.path)
        if not self.server.fits(answer):
            self._page(
                400, "This is not the answer", "It belongs to another question: open the address that was shown last."
            )
            return
        try:  # before the answer is passed on: who waits for it may end the process
            if "error" in answer:
                said = f"The vendor says: {answer['error'][:80]}. The terminal says more."
                self._page(200, "Access was not granted", said)
            else:
                said = "The terminal says what came of it. The window can be closed."
                self._page(200, "Crosswalk has the answer", said)
        finally:
            self.server.answers.put(answer)

    def _page(self, status: int, title: str, words: str) -> None:
        body = (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
            "<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}</style>"
            f"<h1>{escape(title)}</h1><p>{escape(words)}</p></html>"
        ).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the request line holds the code."""


def query_of(address: str) -> dict[str, str]:
    """The query of an address, or of what somebody pasted in its place; of a name that stands twice, the last."""
    parts = urlsplit(address.strip())
    return dict(parse_qsl(parts.query or ("" if parts.scheme else parts.path), keep_blank_values=True))
