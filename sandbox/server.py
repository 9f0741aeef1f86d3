"""The simulated vendors over real HTTP: a port for each, and one for those who make them fail, edit and look on.

One thread runs one event loop for all of them, and a lock lets one call in at a time,
so no vendor needs locks of its own.

The control port answers, for all vendors or under `/{vendor}` for one:

    GET POST DELETE /faults   what is set and how often it fired; set one (`sandbox.faults`); clear
    GET DELETE      /log      every effect, and calls with their cost by path; forget them
    POST            /edit     {vendor, stream, id, fields, visible_after}: what a person would do at that vendor's
                              own screen; others see it so many seconds later
    GET POST        /clock    the vendors' clock; {"now": time} or {"offset_seconds": n} sets it
    GET             /         who is running
"""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias, cast
from urllib.parse import parse_qsl, unquote

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox import world as worlds
from sandbox.faults import Board, Fault, Strike
from sandbox.vendors.pipedrive.app import Pipedrive
from sandbox.vendors.qualtrics.app import Qualtrics
from sandbox.vendors.salesforce.app import Salesforce
from sandbox.vendors.typeform.app import Typeform
from sandbox.vendors.zoho.app import Zoho
from sandbox.web import Answer, Call, Json, Vendor, dump
from sandbox.world import World

HOST: Final = "127.0.0.1"
CONTROL_PORT: Final = 9  # above the base port, where there is one
TRANSPORT: Final = "sandbox.transport"
Limits = Literal["kept", "lifted"]

# ASGI, as uvicorn speaks it; untyped there too.
Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Any]
Send: TypeAlias = Callable[[Any], Any]
App: TypeAlias = Callable[[Scope, Receive, Send], Any]

MAKERS: Final[Mapping[str, Callable[[World, bool], Vendor]]] = {
    "pipedrive": lambda world, kept: Pipedrive(world, limits_kept=kept),
    "qualtrics": lambda world, kept: Qualtrics(world, limits_kept=kept),
    "salesforce": lambda world, kept: Salesforce(world, limits_kept=kept),
    "typeform": lambda world, kept: Typeform(world, limits_kept=kept),
    "zoho": lambda world, kept: Zoho(world, limits_kept=kept),
}
TOKEN_PATHS: Final = {
    "pipedrive": "/oauth/token",
    "qualtrics": "/oauth2/token",
    "salesforce": "/services/oauth2/token",
    "typeform": "/oauth/token",
    "zoho": "/oauth/v2/token",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningVendor:
    """Where a simulated vendor listens, and what lets a client in."""

    name: str
    base_url: str
    token_url: str
    credentials: Mapping[str, str]
    faults_url: str

    def json(self) -> Json:
        return {
            "name": self.name,
            "base_url": self.base_url,
            "token_url": self.token_url,
            "credentials": dict(self.credentials),
            "faults_url": self.faults_url,
        }


class Clock:
    """The vendors' clock: the real one, moved by an offset. It starts no earlier than the story."""

    def __init__(self, anchor: datetime) -> None:
        self.offset = max(timedelta(0), anchor - datetime.now(UTC))

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def set(self, now: datetime) -> None:
        self.offset = now - datetime.now(UTC)


class Hub:
    """What the ports share: vendors, faults, clock, counters. Every use is under `lock`."""

    def __init__(self, world: World, vendors: Mapping[str, Vendor]) -> None:
        self.lock = threading.Lock()
        self.world = world
        self.vendors = vendors
        self.board = Board(vendors)
        self.clock = Clock(world.anchor)
        self.calls: Counter[tuple[str, str]] = Counter()  # (vendor, "GET /api/v2/persons")
        self.costs: Counter[tuple[str, str]] = Counter()
        self._forgotten: dict[str, int] = dict.fromkeys(vendors, 0)

    def log(self, vendor: str | None = None) -> Json:
        names = [name for name in self.vendors if vendor in (None, name)]
        effects = [
            {
                "at": effect.at.isoformat(),
                "vendor": name,
                "method": effect.method,
                "path": effect.path,
                "stream": effect.stream,
                "record": effect.record,
                "fields": dict(effect.fields),
            }
            for name in names
            for effect in self.vendors[name].effects()[self._forgotten[name] :]
        ]
        calls: list[dict[str, Any]] = [
            {"vendor": name, "call": call, "count": number, "cost": self.costs[name, call]}
            for (name, call), number in sorted(self.calls.items())
            if name in names
        ]
        cost = {name: sum(row["cost"] for row in calls if row["vendor"] == name) for name in names}
        return {"effects": effects, "calls": calls, "cost": cost}

    def answer(self, name: str, call: Call, strike: Strike) -> Answer:
        """A vendor's answer to a call, which is counted, or what comes in its place."""
        vendor = self.vendors[name]
        counted = (name, f"{call.method} {vendor.route(call)}")
        self.calls[counted] += 1
        self.costs[counted] += vendor.unit_cost(call)
        return strike.answer(call)

    def forget_log(self) -> None:
        self.calls.clear()
        self.costs.clear()
        self._forgotten = {name: len(vendor.effects()) for name, vendor in self.vendors.items()}

    def edit(
        self, vendor: str, stream: str, key: str | None, fields: Mapping[str, Json], visible_after: float = 0
    ) -> str:
        simulated = self.vendors[vendor]
        simulated.commit_late(timedelta(seconds=visible_after))
        try:
            return simulated.edit(self.clock.now(), stream, key, fields)
        finally:
            simulated.commit_late(timedelta(0))


class Sandbox:
    """A running sandbox. A context manager; `close` stops it.

    The methods do what the control port does, for tests in the same process; they may be called from any thread.
    """

    def __init__(
        self,
        hub: Hub,
        thread: threading.Thread,
        servers: Sequence[uvicorn.Server],
        vendors: list[RunningVendor],
        control: str,
    ) -> None:
        self._hub, self._thread, self._servers = hub, thread, servers
        self.vendors = vendors
        self.seed, self.size = hub.world.seed, hub.world.size
        self.control_url = control
        self.faults_url = f"{control}/faults"

    @classmethod
    def start(
        cls,
        vendors: Sequence[str] = ("pipedrive", "typeform"),
        *,
        base_port: int = 0,
        seed: int = 7,
        size: int = 5000,
        anchor: datetime = worlds.ANCHOR,
        limits: Limits = "kept",
    ) -> Self:
        """Make the world and listen; returns when every port answers.

        `base_port` 0: free ports; else the vendors take it and the ones above in their order, the control port
        `base_port` + 9. `limits` "lifted": calls and costs are counted, but none is refused for them.
        Raises `OSError` where a port is taken, `KeyError` for an unknown vendor.
        """
        world = worlds.make(seed, size, anchor)
        simulated = {name: MAKERS[name](world, limits == "kept") for name in vendors}
        hub = Hub(world, simulated)
        apps: list[App] = [_Door(hub, name) for name in simulated]
        apps.append(_Control(hub))
        ports = [base_port and base_port + nth for nth in range(len(simulated))] + [
            base_port and base_port + CONTROL_PORT
        ]
        sockets = _listen(ports)
        urls = [f"http://{HOST}:{bound.getsockname()[1]}" for bound in sockets]
        servers = [_server(app) for app in apps]
        thread = _run(servers, sockets)
        control = urls[-1]
        running = [
            RunningVendor(
                name=name,
                base_url=url,
                token_url=url + TOKEN_PATHS[name],
                credentials=vendor.credentials,
                faults_url=f"{control}/{name}/faults",
            )
            for (name, vendor), url in zip(simulated.items(), urls, strict=False)
        ]
        return cls(hub, thread, servers, running, control)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for server in self._servers:
            server.should_exit = True
        self._thread.join()

    def vendor(self, name: str) -> RunningVendor:
        """Raises `KeyError` for one that does not run."""
        for running in self.vendors:
            if running.name == name:
                return running
        raise KeyError(name)

    def json(self) -> Json:
        """Who runs where, as `--json` prints it."""
        return {
            "vendors": [vendor.json() for vendor in self.vendors],
            "seed": self.seed,
            "size": self.size,
            "faults_url": self.faults_url,
        }

    @property
    def world(self) -> World:
        return self._hub.world

    def now(self) -> datetime:
        return self._hub.clock.now()

    def set_clock(self, now: datetime) -> None:
        with self._hub.lock:
            self._hub.clock.set(now)

    def fault(self, kind: str, **more: Json) -> Fault:
        """Set a fault; see `sandbox.faults`."""
        with self._hub.lock:
            return self._hub.board.set({"kind": kind, **more})

    def clear_faults(self) -> None:
        with self._hub.lock:
            self._hub.board.clear()

    def edit(
        self, vendor: str, stream: str, key: str | None, fields: Mapping[str, Json], *, visible_after: float = 0
    ) -> str:
        """Do what a person would (no key: make a record); the record's key.

        `visible_after`: seconds until others see it, under the stamp of now. Raises as `Vendor.edit`.
        """
        with self._hub.lock:
            return self._hub.edit(vendor, stream, key, fields, visible_after)

    def log(self) -> Json:
        with self._hub.lock:
            return self._hub.log()

    def forget_log(self) -> None:
        with self._hub.lock:
            self._hub.forget_log()


class _Protocol(H11Protocol):
    """Shows the connection to the application, so that it can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the parent
        super().connection_made(transport)
        inner = cast(App, self.app)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            await inner(scope, receive, send)

        self.app = app


class _Door:
    """A vendor's port."""

    def __init__(self, hub: Hub, name: str) -> None:
        self._hub, self._name = hub, name
        self._answering = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        self._answering += 1
        try:
            await self._answer(scope, receive, send, body)
        finally:
            self._answering -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        hub = self._hub
        call = _call(scope, body, hub.clock.now())
        call.concurrent = self._answering
        query = scope["query_string"].decode("latin-1")
        with hub.lock:
            strike = hub.board.strike(self._name, call, f"{call.path}?{query}" if query else call.path)
        if strike.delay:
            await asyncio.sleep(strike.delay)
            call.now = hub.clock.now()
        with hub.lock:
            answer = hub.answer(self._name, call, strike)
        if strike.loses_response:
            await _break(scope, receive)
            return
        await _send(send, answer, call.now, promise=len(answer.body) + 64 if strike.breaks_off else None)
        if strike.breaks_off:
            await _break(scope, receive)


class _Control:
    """The control port."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        call = _call(scope, body, self._hub.clock.now())
        with self._hub.lock:
            try:
                answer = self._answer(call)
            except KeyError as exc:
                answer = _json(404, {"error": f"there is no {exc}"})
            except (ValueError, TypeError) as exc:
                answer = _json(400, {"error": str(exc)})
        await _send(send, answer, call.now)

    def _answer(self, call: Call) -> Answer:
        hub = self._hub
        words = [word for word in call.path.split("/") if word]
        vendor = words.pop(0) if words and words[0] in hub.vendors else None
        vendor = call.query.get("vendor", vendor)
        what = (call.method, "/".join(words))
        if what == ("GET", ""):
            return _json(200, {"vendors": list(hub.vendors), "seed": hub.world.seed, "size": hub.world.size})
        if what == ("GET", "faults"):
            return _json(200, {"faults": hub.board.shown(vendor=vendor)})
        if what == ("POST", "faults"):
            wanted = call.json()
            several = wanted if isinstance(wanted, list) else [wanted]
            return _json(201, {"faults": [hub.board.set(one, vendor=vendor).shown() for one in several]})
        if what == ("DELETE", "faults"):
            return _json(200, {"cleared": hub.board.clear(vendor=vendor)})
        if what == ("GET", "log"):
            return _json(200, hub.log(vendor))
        if what == ("DELETE", "log"):
            hub.forget_log()
            return _json(200, {})
        if what == ("POST", "edit"):
            body = call.json()
            key = None if body.get("id") is None else str(body["id"])
            late = float(body.get("visible_after", 0))
            record = hub.edit(body.get("vendor", vendor), body["stream"], key, body["fields"], late)
            return _json(200, {"id": record})
        if what == ("POST", "clock"):
            body = call.json()
            if "now" in body:
                hub.clock.set(datetime.fromisoformat(body["now"]).astimezone(UTC))
            else:
                hub.clock.offset = timedelta(seconds=float(body["offset_seconds"]))
        if what in {("GET", "clock"), ("POST", "clock")}:
            offset = hub.clock.offset.total_seconds()
            return _json(200, {"now": hub.clock.now().isoformat(), "offset_seconds": offset})
        return _json(404, {"error": f"{call.method} {call.path}: the control port has faults, log, edit and clock"})


def _json(status: int, body: Json) -> Answer:
    return Answer(status, dump(body))


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _call(scope: Scope, body: bytes, now: datetime) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Call(
        method=scope["method"],
        path=unquote(scope["path"]),
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers=headers,
        body=body,
        now=now,
        base=f"http://{headers.get('host', HOST)}",
    )


def headers_of(answer: Answer, now: datetime, *, length: int) -> list[tuple[str, str]]:
    """The headers that an answer goes out with; `length` of the body, as it is told."""
    headers = [
        ("date", format_datetime(now, usegmt=True)),
        ("content-type", answer.media_type),
        ("content-length", str(length)),
        *answer.headers,
    ]
    if answer.status in {204, 304}:
        headers = [(name, value) for name, value in headers if not name.startswith("content-")]
    return headers


async def _send(send: Send, answer: Answer, now: datetime, *, promise: int | None = None) -> None:
    """`promise`: a length of the body that will not be kept."""
    headers = headers_of(answer, now, length=promise if promise is not None else len(answer.body))
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body, "more_body": promise is not None})


async def _break(scope: Scope, receive: Receive) -> None:
    """Break the connection under the client's feet, and wait until uvicorn has noticed."""
    transport: asyncio.Transport = scope[TRANSPORT]
    transport.close() if transport.get_write_buffer_size() else transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _listen(ports: Sequence[int]) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for port in ports:
            # By its protocol asyncio knows TCP, where it switches Nagle's delay off: 3 ms a call, not 44.
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            bound.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, port))
            listener.listen(128)
    except OSError:
        for listener in bound:
            listener.close()
        raise
    return bound


def _server(app: App) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=1,
        )
    )


def _run(servers: Sequence[uvicorn.Server], sockets: Sequence[socket.socket]) -> threading.Thread:
    """Serve in a thread of its own; back when all of them listen."""
    ready = threading.Event()

    async def serve() -> None:
        tasks = [
            asyncio.ensure_future(server.serve(sockets=[bound])) for server, bound in zip(servers, sockets, strict=True)
        ]
        while not all(server.started for server in servers):
            await asyncio.sleep(0.001)
        ready.set()
        await asyncio.gather(*tasks)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="sandbox", daemon=True)
    thread.start()
    ready.wait()
    return thread
