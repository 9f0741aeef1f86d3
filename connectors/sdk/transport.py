"""The one door to the network: the only module that imports httpx.

A request takes its budget, sets the token, is sent, and its status is read through the vendor's table. What may
be repeated is repeated; a write that may have happened is never sent twice: it raises UnknownOutcomeError, and
the engine finds out. Texts of errors hold no secret, no query and no customer's value.
"""

import ipaddress
import logging
import socket
import ssl
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from time import monotonic
from types import TracebackType
from typing import Any, Final, NoReturn, Self
from urllib.parse import urlencode, urljoin, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from connectors.sdk.auth import Authorizer, Bearer, Exchange, Signature, TokenAnswer, TokenRequest
from connectors.sdk.budget import Lane, Limits, Purse
from connectors.sdk.contract import Costs, Json, Tools
from connectors.sdk.decoding import DECODER, ENCODER, decoded
from connectors.sdk.errors import (
    ConnectorError,
    GrantError,
    LaterError,
    RecordError,
    SetupError,
    ShapeError,
    UnknownOutcomeError,
)
from connectors.sdk.retry import AgainError, RetryPolicy, http_date, retry_after
from connectors.sdk.status import StatusTable

# httpx brings a command line of its own, and with it, where rich is installed, a tenth of what starting takes. Without
# it httpx is the same.
_unseen = "httpx" not in sys.modules
if _unseen:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # Python's way to say that there is no such module
import httpx  # noqa: E402

if _unseen:
    del sys.modules["httpx._main"]

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HARMLESS_TWICE: Final = _READS | {"PUT", "DELETE"}
# Seconds before each renewal: a token that is refused as soon as it was given out may be so for a moment alone.
_RENEWALS: Final = (0.0, 2.0)
_MISSING: Final = object()
_SPENT: Final = httpx.ByteStream(b"")
_WATCHED: Final = 300.0  # seconds in which so much of a body has to come
_LEAST: Final = 16 << 10
_MOST: Final = 1 << 30  # bytes of an answer that is read whole: the largest of any vendor are some ten MiB

# They log whole addresses, with whatever stands in the query.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@cache
def _trusted() -> ssl.SSLContext:
    """Whom we believe. Read once: it takes 50 ms, and every connection would pay them."""
    return httpx.create_ssl_context()


@dataclass(slots=True)
class Answer:
    """What came back. `json` is parsed once, when asked for; numbers with a fraction are Decimal."""

    status: int
    content: bytes
    headers: Mapping[str, str]
    server_time: datetime | None
    elapsed: float
    origin: str = ""  # "Pipedrive GET /api/v2/persons", for texts of errors
    written: bool = False  # it answers a write: what cannot be read has happened nevertheless
    _parsed: Any = field(default=_MISSING, repr=False)
    _stream: "httpx.Response | None" = field(default=None, repr=False)

    @property
    def json(self) -> Json:
        """The body as plain JSON; None for an empty one. Raises ShapeError where it is something else."""
        if self._parsed is _MISSING:
            self._parsed = self.decode(DECODER) if self.content else None
        return self._parsed

    def decode(self, decoder: "msgspec.json.Decoder[Any]") -> Any:
        """The body by the caller's own decoder, for pages whose shape is known: parsed once, and only what is asked."""
        try:
            return decoded(decoder, self.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            if self.written:
                raise UnknownOutcomeError(f"{self.origin}: the answer to a write cannot be read") from exc
            raise _unknown_form(self.origin, self.content) from exc

    def chunks(self) -> Iterator[bytes]:
        """The body of a streamed answer, piece by piece; it is closed at the end or when dropped."""
        if self._stream is None:
            yield self.content
            return
        try:
            yield from self._stream.iter_bytes()
        except httpx.HTTPError as exc:
            raise LaterError(
                f"{self.origin}: broke off in mid-answer",
                hint="nothing: the rest is read by the next run",
                code="CW302",
            ) from exc
        finally:
            self._stream.close()


class Transport:
    """One pooled client per connection, used by all its threads. `account` names the budget."""

    def __init__(
        self,
        base_url: str,
        auth: Authorizer,
        statuses: StatusTable,
        tools: Tools,
        account: str,
        *,
        lane: Lane = "read",
        costs: Costs | None = None,
        limits: Limits | None = None,
        timeout: float = 30.0,
        insecure: bool = False,
        headers: Mapping[str, str] | None = None,
        retries: RetryPolicy | None = None,
    ) -> None:
        self._base_url = base_url
        self._auth = auth
        self._statuses = statuses
        self._tools = tools
        self._lane = lane
        self._costs = costs or Costs()
        self._timeout = timeout
        self._insecure = insecure
        self._retries = retries or RetryPolicy()
        limits = limits or Limits()
        self._purse = Purse(account, limits, tools, vendor=statuses.vendor)
        self._room: AbstractContextManager[object] = (
            nullcontext() if limits.at_once is None else threading.BoundedSemaphore(limits.at_once)
        )
        self._exchange: Exchange = self.exchange
        self._refused_since: datetime | None = None
        self._headers = {"Accept": "application/json", "User-Agent": "crosswalk", **(headers or {})}
        self._opening = threading.Lock()
        self._opened: dict[bool, httpx.Client] = {}
        check_address(base_url, insecure=insecure)

    def _client(self, scheme: str) -> httpx.Client:
        """Made for the first request: commands that only look at the store make none. What is not encrypted has one of
        its own, which trusts nobody: whom to trust takes long to read."""
        encrypted = scheme != "http"
        with self._opening:
            if (client := self._opened.get(encrypted)) is None:
                client = self._opened[encrypted] = httpx.Client(
                    timeout=self._timeout,
                    headers=self._headers,
                    follow_redirects=False,  # a redirect would carry the token to whoever is named there
                    http2=False,
                    verify=_trusted() if encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                    limits=httpx.Limits(max_connections=16, max_keepalive_connections=8),
                )
            return client

    def close(self) -> None:
        for client in self._opened.values():
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        cost: int | None = None,
        lane: Lane | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """`request("GET", ...)`."""
        return self.request("GET", path, params=params, headers=headers, cost=cost, lane=lane, accept=accept)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        json: Json = _MISSING,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cost: int | None = None,
        lane: Lane | None = None,
        idempotent: bool | None = None,
        stream: bool = False,
        accept: Collection[int] = (),
    ) -> Answer:
        """Send, and repeat where that is safe. `path` may be a whole address of the same server, or of another
        one, which is then not sent the token.

        `idempotent`: sending it twice does what sending it once does (default: every method but POST and PATCH).
        `accept`: statuses above 299 that are answers to the caller rather than errors (404 of a look-up).
        `stream`: the body is read through `Answer.chunks`.
        """
        method = method.upper()
        if json is not _MISSING:
            content = ENCODER.encode(json)
            headers = {"Content-Type": "application/json", **(headers or {})}
        call = _Call(
            method=method,
            path=path,
            params=None if params is None else _plain(params),
            content=content,
            headers=headers or {},
            cost=self._cost(method) if cost is None else cost,
            lane=lane or ("write" if method not in _READS and self._lane == "read" else self._lane),
            idempotent=method in _HARMLESS_TWICE if idempotent is None else idempotent,
            stream=stream,
            accept=accept,
            origin=f"{self._statuses.vendor} {method} {_shown(path)}",
        )
        try:
            return self._retries.retrying(self._tools.sleep)(self._attempt, call)
        except AgainError as last:
            error = last.error
            if isinstance(error, LaterError) and last.pause is not None:
                error.earliest = self._tools.clock() + last.pause
            raise error from last.__cause__

    def _cost(self, method: str) -> int:
        if method in _READS:
            return self._costs.get
        return self._costs.create if method == "POST" else self._costs.update

    def _attempt(self, call: "_Call") -> Answer:
        signature = self._auth.signature(self._exchange)
        if _server(call.path) not in (None, _server(self._base_url), _server(signature.base_url or "")):
            check_address(call.path, insecure=self._insecure)
            return self._read(call, self._send(call, call.path, {}))
        response = self._send(call, self._address(call, signature), signature.headers)
        for pause in _RENEWALS:
            if not self._means_token(call, response):
                break
            response.close()
            self._tools.sleep(pause)
            renewed = self._auth.renewed(signature, self._exchange)
            if renewed is None or renewed.generation == signature.generation:
                raise self._refused_token()
            signature = renewed
            # A 401 was answered before anything was done: sending it again is safe for writes too.
            response = self._send(call, self._address(call, signature), signature.headers)
        if self._means_token(call, response):
            response.close()
            raise self._refused_token()
        self._refused_since = None
        return self._read(call, response)

    def _address(self, call: "_Call", signature: Signature) -> str:
        if urlsplit(call.path).netloc:
            check_address(call.path, insecure=self._insecure)
            return call.path
        base = signature.base_url or self._base_url
        if signature.base_url is not None:
            check_address(base, insecure=self._insecure)
        return urljoin(base.rstrip("/") + "/", call.path.lstrip("/"))

    def _send(self, call: "_Call", address: str, token: Mapping[str, str]) -> httpx.Response:
        self._purse.take(call.cost, lane=call.lane)
        self._tools.sent(call.cost)
        try:
            url = _url(_asking(address, call.params))
            client = self._client(url.scheme)
            request = client.build_request(call.method, url, content=call.content, headers={**call.headers, **token})
        except httpx.InvalidURL:
            raise ShapeError(f"{call.origin}: leads to an address that is none", code="CW307") from None
        except UnicodeEncodeError:
            raise _no_token(self._statuses.vendor) from None  # the error holds the token
        try:
            with self._room:
                return _received(client, request, whole=not call.stream)
        except httpx.LocalProtocolError:
            raise _no_token(self._statuses.vendor) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as exc:
            # Nothing has left this machine: safe to repeat whatever it was.
            raise self._unreachable(exc, address) from exc
        except httpx.RequestError as exc:  # a lost connection; a body that cannot be unpacked, or never ends
            if not call.idempotent:
                raise UnknownOutcomeError(
                    f"{call.origin}: sent, and no answer came",
                    hint="nothing: the hub looks whether it happened before anything is sent again",
                    code="CW302",
                ) from exc
            if isinstance(exc, _StalledError):
                raise LaterError(
                    f"{call.origin}: {exc}", hint="nothing: the next run asks again", code="CW302"
                ) from exc
            raise AgainError(self._silent(exc)) from exc

    def _means_token(self, call: "_Call", response: httpx.Response) -> bool:
        if response.status_code < 400 or response.status_code in call.accept:
            return False
        code, _ = self._body_of(response)
        return self._statuses.rule(response.status_code, code).family == "token"

    def _body_of(self, response: httpx.Response) -> tuple[str | None, Json]:
        """The vendor's code in an error's body, and the body; a body that is no JSON has none."""
        try:
            body = DECODER.decode(response.read())
        except (msgspec.DecodeError, UnicodeDecodeError, httpx.HTTPError):
            return None, None
        try:
            code = self._statuses.vendor_code(body)
        except (KeyError, TypeError, IndexError, AttributeError):
            # An error's body in a form of its own (a proxy's, a gateway's) must not hide the status.
            code = None
        return code, body

    def _read(self, call: "_Call", response: httpx.Response) -> Answer:
        headers = response.headers
        self._purse.hear(headers)
        status = response.status_code
        server_time = http_date(headers.get("Date"))
        if status >= 300 and status not in call.accept:
            try:
                self._refuse(call, response, server_time)
            finally:
                response.close()
        streamed = call.stream and status < 300
        content = b"" if streamed else response.read()
        if not streamed:
            # httpx ties a response to its stream and back, with the whole body in between: pages would stay until
            # the next search for cycles.
            response.stream = _SPENT
        return Answer(
            status=status,
            content=content,
            headers=headers,
            server_time=server_time,
            elapsed=0.0 if streamed else response.elapsed.total_seconds(),
            origin=call.origin,
            written=not call.idempotent,
            _stream=response if streamed else None,
        )

    def _refuse(self, call: "_Call", response: httpx.Response, server_time: datetime | None) -> NoReturn:
        status = response.status_code
        code, body = self._body_of(response)
        rule = self._statuses.rule(status, code)
        vendor = self._statuses.vendor
        what = f"{call.origin}: {status}" + (f", {code}" if code else "")
        pause = retry_after(response.headers.get("Retry-After"), now=server_time or self._tools.clock())
        if not call.idempotent and rule.family in ("retry", "later") and self._statuses.may_have_happened(status, code):
            raise _told(UnknownOutcomeError(f"{what}: it may have happened", code="CW302"), status, code, body)
        error: ConnectorError
        match rule.family:
            case "retry" | "later":
                error = LaterError(
                    f"{vendor} does not answer ({what})",
                    hint=rule.hint or "nothing: the next run asks again",
                    code=rule.code or "CW302",
                    earliest=None if pause is None else self._tools.clock() + pause,
                )
                if rule.family == "retry":
                    raise AgainError(_told(error, status, code, body), pause=pause, throttled=status == 429)
            case "budget":
                error = self._purse.exhausted(pause)
            case "token":
                error = self._refused_token()
            case "grant":
                error = GrantError(what, hint=rule.hint, code=rule.code or "CW201")
            case "permission":
                error = GrantError(
                    f"{vendor}: may not {call.method} {_shown(call.path)}: {status}" + (f", {code}" if code else ""),
                    hint=rule.hint or "who administers the account grants the permission",
                    code=rule.code or "CW204",
                )
            case "setup":
                error = SetupError(what, hint=rule.hint, code=rule.code)
            case "missing":
                error = RecordError(f"{what}: not there, or not for us", hint=rule.hint, code=rule.code or "CW403")
            case "refused" if call.method not in _READS:
                error = RecordError(f"{what}: refused", hint=rule.hint, code=rule.code or "CW403")
            case _:
                error = ShapeError(
                    f"{vendor} answered in a form the connector does not know ({what})",
                    hint=rule.hint or "`crosswalk runs --report` makes a file without personal data to send in",
                    code=rule.code or "CW307",
                )
        raise _told(error, status, code, body)

    def _refused_token(self) -> GrantError:
        now = self._tools.clock()
        since = self._refused_since = self._refused_since or now
        return GrantError(
            f"{self._statuses.vendor}: the token has been refused since "
            f"{since.astimezone(ZoneInfo(self._tools.time_zone)):%H:%M}",
            hint="make a new one and run `crosswalk check`; what was missed is caught up afterwards",
            code="CW202",
        )

    def _unreachable(self, exc: httpx.TransportError, address: str) -> Exception:
        if _no_such_host(exc):
            return LaterError(
                f"{urlsplit(address).hostname}: no such host",
                hint="check the address in the file, then DNS and proxy of this machine",
                code="CW301",
            )
        return AgainError(self._silent(exc))

    def _silent(self, exc: httpx.RequestError) -> LaterError:
        times = self._retries.attempts
        how = f"timed out {times} times, {self._timeout:g} s each"
        if not isinstance(exc, httpx.TimeoutException):
            how = "no connection" if isinstance(exc, httpx.ConnectError) else "the connection broke"
            how = f"{how}, {times} times"
        return LaterError(
            f"{self._statuses.vendor} does not answer ({how})",
            hint="nothing: the next run asks again; `crosswalk status` shows it",
            code="CW302",
        )

    def exchange(self, request: TokenRequest) -> TokenAnswer:
        """Post a form to a token address. It costs nothing of the budget, and no token goes along."""
        check_address(request.url, insecure=self._insecure)
        try:
            return self._retries.retrying(self._tools.sleep)(self._exchange_once, request)
        except AgainError as last:
            raise last.error from last.__cause__

    def _exchange_once(self, request: TokenRequest) -> TokenAnswer:
        try:
            client = self._client(urlsplit(request.url).scheme)
            form = client.build_request("POST", request.url, data=dict(request.form), headers=dict(request.headers))
            response = _received(client, form, whole=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as exc:
            raise self._unreachable(exc, request.url) from exc
        except httpx.LocalProtocolError:
            raise _no_token(self._statuses.vendor) from None
        except httpx.RequestError as exc:
            # A strict vendor may have rotated the token already; asking again at once tells, and loses nothing more.
            raise AgainError(self._silent(exc)) from exc
        if response.status_code in (429, 502, 503, 504):
            pause = retry_after(response.headers.get("Retry-After"), now=self._tools.clock())
            vendor = self._statuses.vendor
            raise AgainError(
                LaterError(f"{vendor} gives out no tokens now: {response.status_code}", code="CW302"), pause=pause
            )
        try:
            body = DECODER.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = None
        return TokenAnswer(response.status_code, body if isinstance(body, dict) else {})


class _StalledError(httpx.ReadTimeout):
    """A body that is not waited for: it comes too slowly, or is too long to ever end."""


class _Flowing(httpx.SyncByteStream):
    """A body that has to come on. A timeout counts from one piece to the next: a byte now and then, as a broken proxy
    sends it, would keep a call for ever.

    `most`: bytes that are too many for one answer. Raises _StalledError.
    """

    def __init__(self, body: httpx.SyncByteStream, most: int | None) -> None:
        self._body, self._most = body, most

    def __iter__(self) -> Iterator[bytes]:
        waited, came, all_of_it = 0.0, 0, 0  # what is done with a piece takes no time of the server's
        pieces = iter(self._body)
        while True:
            began = monotonic()
            piece = next(pieces, None)
            if piece is None:
                return
            waited += monotonic() - began
            came += len(piece)
            all_of_it += len(piece)
            if self._most is not None and all_of_it > self._most:
                raise _StalledError(f"answers without end: more than {self._most >> 20} MiB")
            if waited > _WATCHED:
                if came < _LEAST:
                    raise _StalledError(f"answers too slowly: {came} bytes in {waited:.0f} s")
                waited, came = 0.0, 0
            yield piece

    def close(self) -> None:
        self._body.close()


def _received(client: httpx.Client, request: httpx.Request, *, whole: bool) -> httpx.Response:
    """The answer, with its body or before it."""
    response = client.send(request, stream=True)
    if isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _Flowing(response.stream, _MOST if whole else None)
    if whole:
        try:
            response.read()
        except BaseException:  # as httpx does where it reads by itself: its connection is of no use to others
            response.close()
            raise
    return response


def exchanged(request: TokenRequest, *, vendor: str, tools: Tools, insecure: bool = False) -> TokenAnswer:
    """What a token address answers to somebody who has no connection yet."""
    nobody = Bearer("")
    with Transport(request.url, nobody, StatusTable(vendor=vendor), tools, tools.connection, insecure=insecure) as door:
        return door.exchange(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    method: str
    path: str
    params: list[tuple[str, str]] | None
    content: bytes | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    cost: int
    lane: Lane
    idempotent: bool
    stream: bool
    accept: Collection[int]
    origin: str


def _server(address: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port of a whole address; None for a path."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ("", "", None)  # an address that is none: nobody's
    if not parts.netloc:
        return None
    return parts.scheme, parts.hostname or "", port or {"https": 443, "http": 80}.get(parts.scheme)


def check_address(address: str, *, insecure: bool) -> None:
    """Raise SetupError where a token would travel in the clear, or the address is none."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname:
        if insecure or _is_loopback(parts.hostname):
            return
        raise SetupError(
            f"{parts.scheme}://{parts.hostname} is not encrypted",
            hint="write https, or `insecure: true` for a test server; http is allowed to this machine itself",
            code="CW102",
        )
    raise SetupError(
        f"'{parts.scheme}:{parts.netloc.rpartition('@')[2]}{_shown(parts.path)}' is no address",
        hint="write it as https://host/path",
        code="CW102",
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _no_such_host(exc: BaseException) -> bool:
    link: BaseException | None = exc
    seen: set[int] = set()
    while link is not None and id(link) not in seen:  # causes and contexts may form a ring
        seen.add(id(link))
        if isinstance(link, socket.gaierror):
            return link.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
        link = link.__cause__ or link.__context__
    return False


def _shown(path: str) -> str:
    """A path for people: no host, no query, and no part that may be somebody's address."""
    parts = urlsplit(path).path.split("/")
    return "/".join("..." if "@" in part or "%40" in part else part for part in parts)


def _asking(address: str, params: "Sequence[tuple[str, str]] | None") -> str:
    """An address with a query. Commas stand for themselves, as in the vendors' own examples of lists of fields."""
    if not params:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(params, safe=',')}"


@lru_cache(maxsize=16)
def _url(text: str) -> httpx.URL:
    """httpx looks at each sign of an address, and takes 0.2 ms for one that names 20 fields. Whoever pages by a header
    asks for the same one again and again."""
    return httpx.URL(text)


def _plain(
    params: Mapping[str, Any] | Sequence[tuple[str, Any]],
) -> list[tuple[str, str]]:
    """Query parameters as text; None is left out, a list repeats its name."""
    plain: list[tuple[str, str]] = []
    for name, value in params.items() if isinstance(params, Mapping) else params:
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is not None:
                plain.append((name, ("true" if one else "false") if isinstance(one, bool) else str(one)))
    return plain


def _told(error: ConnectorError, status: int, code: str | None, body: Json) -> ConnectorError:
    error.status, error.vendor_code, error.details = status, code, body
    return error


def _no_token(vendor: str) -> SetupError:
    return SetupError(
        f"{vendor}: a token or header holds a character that none can hold",
        hint="a blank, a line break or a typographic character was copied along with the secret",
        code="CW102",
    )


def _unknown_form(origin: str, content: bytes) -> ShapeError:
    looks = "a web page" if content.lstrip()[:1] == b"<" else "no JSON"
    return ShapeError(
        f"{origin}: answered in a form the connector does not know ({looks})",
        hint="`crosswalk runs --report` makes a file without personal data to send in",
        code="CW307",
    )
