"""A simulated vendor without sockets, in the verbs of the contract suite. Each test has one of its own."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote

import httpx
import respx

from connectors.sdk.fakes import Bench
from connectors.sdk.suite import Vendor
from sandbox.web import Answer, Call

BASE: Final = "https://vendor.test"


class Simulated(Protocol):
    """What of a simulated vendor is driven here."""

    @property
    def credentials(self) -> Mapping[str, str]: ...
    def answer(self, call: Call) -> Answer: ...
    def unauthorized(self) -> Answer: ...
    def forbidden(self) -> Answer: ...
    def expire_tokens(self) -> None: ...


@dataclass
class _Trap:
    """Lets some calls through, then springs."""

    skip: int
    times: int
    spring: Callable[[Call], Answer]

    def springs(self) -> bool:
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


class LostError(Exception):
    """The answer of a call that was carried out never arrives."""


class Bridge(Vendor):
    """Answers the calls of a connector from a simulated vendor, at the bench's clock."""

    def __init__(self, simulated: Simulated, bench: Bench) -> None:
        self._simulated, self._bench = simulated, bench
        self._lock = threading.Lock()
        self._traps: list[_Trap] = []
        self._refused: set[int] = set()
        self._writes = 0

    def now(self) -> datetime:
        return self._bench.clock.now

    @property
    def secrets(self) -> Sequence[str]:
        return list(self._simulated.credentials.values())

    @contextmanager
    def serving(self) -> Iterator[None]:
        with respx.mock(assert_all_called=False) as router:
            router.route(url__startswith=BASE).mock(side_effect=self._serve)
            yield

    # what goes wrong

    def fail(self, status: int, *, after: int = 0, times: int = 1, headers: Mapping[str, str] | None = None) -> None:
        def answer(_: Call) -> Answer:
            known = {401: self._simulated.unauthorized, 403: self._simulated.forbidden}
            body = known[status]().body if status in known else b'{"success":false,"error":"it fails"}'
            return Answer(status, body, list((headers or {}).items()))

        self._traps.append(_Trap(after, times, answer))

    def lose(self, *, after: int = 0) -> None:
        def answer(call: Call) -> Answer:
            self._simulated.answer(call)
            raise LostError

        self._traps.append(_Trap(after, 1, answer))

    def expire_token(self, *, after: int = 0) -> None:
        def answer(_: Call) -> Answer:
            self._simulated.expire_tokens()
            return self._simulated.unauthorized()

        self._traps.append(_Trap(after, 1, answer))

    def refuse(self, *numbers: int) -> None:
        self._refused, self._writes = set(numbers), 0

    # the door

    def concerns_records(self, call: Call) -> bool:
        """Neither a token nor a catalogue nor the account."""
        raise NotImplementedError

    def refusal(self, call: Call) -> Answer:
        """How this vendor refuses a write, quoting what was written."""
        raise NotImplementedError

    def _serve(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            call = Call(
                method=request.method,
                path=unquote(request.url.path),
                query=dict(parse_qsl(request.url.query.decode(), keep_blank_values=True)),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=request.content,
                now=self.now(),
                base=BASE,
            )
            try:
                answer = self._answer(call)
            except LostError:
                raise httpx.ReadTimeout("no answer", request=request) from None
            headers = [("Date", format_datetime(call.now, usegmt=True)), ("Content-Type", answer.media_type)]
            return httpx.Response(answer.status, content=answer.body, headers=[*headers, *answer.headers])

    def _answer(self, call: Call) -> Answer:
        if not self.concerns_records(call):
            return self._simulated.answer(call)
        for trap in self._traps:
            if trap.springs():
                return trap.spring(call)
        if call.method in ("POST", "PATCH", "PUT"):
            self._writes += 1
            if self._writes - 1 in self._refused:
                return self.refusal(call)
        return self._simulated.answer(call)
