"""The simulated vendors in the caller's own process: no sockets, no threads, and a clock that is told the time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, unquote

import httpx
import pytest

from sandbox import world as worlds
from sandbox.server import MAKERS, TOKEN_PATHS, Hub, RunningVendor, headers_of
from sandbox.web import Call, Json

_DOMAIN: Final = ".inside.test"


class Told:
    """A clock as the sandbox asks for it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.now = clock


class Inside:
    """Some vendors, fresh. What `sandbox.server.Sandbox` does over HTTP, done by a call.

    `clock` is theirs; `sleep` is called where an answer takes its time.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        seed: int = 7,
        size: int = 3,
    ) -> None:
        world = worlds.make(seed, size)
        self.hub = Hub(world, {name: MAKERS[name](world, False) for name in names})
        self.hub.clock = Told(clock)  # type: ignore[assignment] # of which only this is asked
        self._sleep = sleep
        self.unseen_until = clock()  # when all that was written is seen by everybody
        self.before: Callable[[str, Call], None] = lambda _vendor, _call: None
        self.after: Callable[[str, Call], None] = lambda _vendor, _call: None

    def vendor(self, name: str) -> RunningVendor:
        url = f"https://{name}{_DOMAIN}"
        return RunningVendor(
            name=name,
            base_url=url,
            token_url=url + TOKEN_PATHS[name],
            credentials=self.hub.vendors[name].credentials,
            faults_url="",
        )

    def fault(self, kind: str, **more: Json) -> None:
        self.hub.board.set({"kind": kind, **more})

    def edit(self, vendor: str, stream: str, key: str | None, fields: Json, *, visible_after: float = 0) -> str:
        self.unseen_until = max(self.unseen_until, self.hub.clock.now() + timedelta(seconds=visible_after))
        return self.hub.edit(vendor, stream, key, fields, visible_after)

    def answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host.removesuffix(_DOMAIN)
        if name not in self.hub.vendors:
            raise httpx.ConnectError(f"nobody is at {request.url.host}")
        hub = self.hub
        call = Call(
            method=request.method,
            path=unquote(request.url.path),
            query=dict(parse_qsl(request.url.query.decode("latin-1"), keep_blank_values=True)),
            headers={key.lower(): value for key, value in request.headers.items()},
            body=request.read(),
            now=hub.clock.now(),
            base=f"https://{request.url.host}",
        )
        self.before(name, call)
        query = request.url.query.decode("latin-1")
        strike = hub.board.strike(name, call, f"{call.path}?{query}" if query else call.path)
        if strike.delay:
            self._sleep(strike.delay)
            call.now = hub.clock.now()
        if strike.commits_late:
            self.unseen_until = max(self.unseen_until, call.now + strike.commits_late)
        answer = hub.answer(name, call, strike)
        self.after(name, call)
        if strike.loses_response:
            raise httpx.ReadError("the connection was reset")
        if strike.breaks_off:
            raise httpx.RemoteProtocolError("the body ended early")
        headers = headers_of(answer, call.now, length=len(answer.body))
        return httpx.Response(answer.status, headers=headers, stream=httpx.ByteStream(answer.body))


@contextmanager
def answered_by(answer: Callable[[httpx.Request], httpx.Response]) -> Iterator[None]:
    """Until the end of the block every request is answered by this, and none leaves the process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", lambda _transport, request: answer(request))
        yield


__all__ = ["Inside", "answered_by"]
