"""The door to the network: what is sent again and what never, what an answer means, and what must not leak."""

import gzip
import logging
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from connectors.sdk import (
    ApiToken,
    Bearer,
    Burst,
    ConnectorError,
    GrantError,
    LaterError,
    Limits,
    RecordError,
    RetryPolicy,
    Rule,
    SetupError,
    ShapeError,
    Signature,
    StatusTable,
    Transport,
    UnknownOutcomeError,
    transport,
)
from connectors.sdk.auth import Exchange
from connectors.sdk.fakes import Bench, MemoryBudget
from connectors.sdk.transport import check_address

BASE = "https://api.acme.test/v1"
SECRET = "s3cr3t-t0k3n"
STATUSES = StatusTable(
    vendor="Acme",
    rules={
        (403, "quota"): Rule("budget"),
        (400, "plan"): Rule("setup", "ask for the larger plan"),
        (400, "revoked"): Rule("grant", "connect it again"),
        503: Rule("later", "a maintenance window"),
    },
    vendor_code=lambda body: body["error"]["code"],
)
Make = Callable[..., Transport]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def make(bench: Bench) -> Iterator[Make]:
    made: list[Transport] = []

    def transport(auth: Any = None, **options: Any) -> Transport:
        options = {"statuses": STATUSES, **options}
        statuses = options.pop("statuses")
        base = options.pop("base_url", BASE)
        one = Transport(base, auth or ApiToken("X-Key", SECRET), statuses, bench.tools(), "acme", **options)
        made.append(one)
        return one

    yield transport
    for one in made:
        one.close()


@pytest.fixture
def network() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def refused(code: str, status: int = 400, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "detail": "mara@acme.test is taken"}}, headers=headers)


def told(error: BaseException | None) -> str:
    """What a log could show of an error and its causes, but for lines of source."""
    chain: dict[int, BaseException] = {}
    while error is not None and id(error) not in chain:
        chain[id(error)] = error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "".join(text for one in chain.values() for text in (*traceback.format_exception_only(one), repr(one)))


# Asking and answers.


def test_an_answer_keeps_every_digit_and_the_servers_time(make: Make, network: respx.MockRouter) -> None:
    network.get(f"{BASE}/deals").respond(
        content=b'{"amount": 12.50, "id": 12345678901234567890}', headers={"Date": "Tue, 24 Nov 2026 08:00:01 GMT"}
    )

    answer = make().get("/deals")

    assert answer.json == {"amount": Decimal("12.50"), "id": 12345678901234567890}
    assert answer.server_time == datetime(2026, 11, 24, 8, 0, 1, tzinfo=UTC)


def test_whom_to_trust_is_read_for_the_first_encrypted_address(
    make: Make, network: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    trusted = transport._trusted

    def read() -> ssl.SSLContext:
        asked.append("trust")
        return trusted()

    monkeypatch.setattr(transport, "_trusted", read)
    network.get("http://127.0.0.1:9/deals").respond(json=[])
    network.get("https://files.acme.test/export").respond(content=b"a")
    caller = make(base_url="http://127.0.0.1:9")

    caller.get("/deals")
    before = list(asked)
    for _ in range(2):
        caller.get("https://files.acme.test/export")

    assert (before, asked) == ([], ["trust"])


def test_where_nothing_is_encrypted_nobody_is_trusted(make: Make) -> None:
    """Were an encrypted address asked by that client, its certificate would be refused."""
    plain = make()._client("http")

    pool = plain._transport._pool  # type: ignore[attr-defined] # httpx shows it nowhere
    assert pool._ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert pool._ssl_context.get_ca_certs() == []


def test_parameters_are_plain_and_none_is_left_out(make: Make, network: respx.MockRouter) -> None:
    route = network.get(f"{BASE}/deals").respond(json=[])

    make().get("/deals", {"ids": ["1", "2"], "open": True, "after": None, "q": "a&b"})

    assert str(route.calls.last.request.url.query, "ascii") == "ids=1&ids=2&open=true&q=a%26b"


@pytest.mark.parametrize("path", ["/persons", "/persons?since=2026"])
def test_a_query_arrives_as_it_was_meant(make: Make, network: respx.MockRouter, path: str) -> None:
    route = network.get(url__startswith=f"{BASE}/persons").respond(json={})
    meant = {"fields": "id,name", "q": "Zoë & Co. = 100% #1 +2/3?", "since": None}

    make().get(path, meant)

    url = route.calls.last.request.url
    told = dict(url.params)
    assert (told.pop("since", None), told) == ("2026" if "?" in path else None, {k: v for k, v in meant.items() if v})
    assert b"fields=id,name" in url.query  # and no more than its signs need


def test_a_body_of_numbers_is_sent_digit_by_digit(make: Make, network: respx.MockRouter) -> None:
    route = network.put(f"{BASE}/deals/1").respond(json={})

    make().request("PUT", "/deals/1", json={"amount": Decimal("0.1"), "name": "Zoë 🎈"})

    assert route.calls.last.request.content == '{"amount":0.1,"name":"Zoë 🎈"}'.encode()
    assert route.calls.last.request.headers["Content-Type"] == "application/json"


def test_an_empty_body_is_none(make: Make, network: respx.MockRouter) -> None:
    network.delete(f"{BASE}/deals/1").respond(204)

    assert make().request("DELETE", "/deals/1").json is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(b'{"a": "cut \\ud83d"}', "cut \ufffd", id="half-a-letter"),
        pytest.param(b'{"a": "cut \\ud83d\\ude00"}', "cut \U0001f600", id="a-whole-one-stays"),
        pytest.param(b'{"a": "\\ud83d, \\ud83d\\ude00, \\udc00"}', "\ufffd, \U0001f600, \ufffd", id="both"),
        pytest.param(b'{"a": "\\\\ud83d \\ud83d"}', "\\ud83d \ufffd", id="a-backslash-of-its-own"),
        pytest.param(b'{"a": "J\xfcrgen"}', "J\ufffdrgen", id="another-encoding"),
        pytest.param(b'\xef\xbb\xbf{"a": "x"}', "x", id="a-mark"),
    ],
)  # fmt: skip
def test_a_broken_text_costs_a_letter_and_not_the_page(
    make: Make, network: respx.MockRouter, body: bytes, text: str
) -> None:
    network.get(f"{BASE}/deals").respond(content=body)

    assert make().get("/deals").json == {"a": text}


@pytest.mark.parametrize("body", [b"<html>busy</html>", b'{"a": 1', b'{"a": "\\ud83d", }', b"\xff\xfe"])
def test_what_is_no_json_is_a_form_we_do_not_know(make: Make, network: respx.MockRouter, body: bytes) -> None:
    network.get(f"{BASE}/deals").respond(content=body)
    answer = make().get("/deals")

    with pytest.raises(ShapeError, match="Acme GET /deals") as caught:
        _ = answer.json

    assert caught.value.code == "CW307"


def test_an_unreadable_answer_to_a_create_may_have_happened(make: Make, network: respx.MockRouter) -> None:
    network.post(f"{BASE}/deals").respond(content=b"<html>")
    answer = make().request("POST", "/deals", json={})

    with pytest.raises(UnknownOutcomeError):
        _ = answer.json


def test_a_large_body_comes_in_pieces(make: Make, network: respx.MockRouter) -> None:
    network.get("https://files.acme.test/export").respond(stream=httpx.ByteStream(b"a" * 100_000))

    answer = make().request("GET", "https://files.acme.test/export", stream=True)

    assert answer.content == b""
    assert b"".join(answer.chunks()) == b"a" * 100_000


# What it means.


@pytest.mark.parametrize(
    ("method", "response", "family", "code"),
    [
        ("GET", refused("x", 403), GrantError, "CW204"),
        ("GET", refused("quota", 403), LaterError, "CW303"),
        ("GET", refused("x", 404), RecordError, "CW403"),
        ("GET", refused("x", 400), ShapeError, "CW307"),
        ("POST", refused("x", 400), RecordError, "CW403"),
        ("POST", refused("x", 409), RecordError, "CW403"),
        ("GET", refused("plan"), SetupError, None),
        ("GET", refused("revoked"), GrantError, "CW201"),
        ("GET", refused("x", 503), LaterError, "CW302"),
        ("GET", httpx.Response(418, text="teapot"), ShapeError, "CW307"),
        ("GET", httpx.Response(302, headers={"Location": "https://elsewhere.test/"}), ShapeError, "CW307"),
        ("GET", httpx.Response(403, text="<html>"), GrantError, "CW204"),
        ("GET", httpx.Response(403, json=["no object"]), GrantError, "CW204"),
    ],
)
def test_a_status_means_what_the_table_says(
    make: Make, network: respx.MockRouter, method: str, response: httpx.Response, family: type, code: str | None
) -> None:
    route = network.route(method=method, url=f"{BASE}/deals").mock(return_value=response)

    with pytest.raises(ConnectorError) as caught:
        make().request(method, "/deals")

    assert type(caught.value) is family
    assert caught.value.code == code
    assert caught.value.status == response.status_code
    assert route.call_count == 1
    assert "mara@acme.test" not in told(caught.value)


def test_a_status_that_the_caller_accepts_is_an_answer(make: Make, network: respx.MockRouter) -> None:
    network.get(f"{BASE}/deals/1").respond(404, json={"gone": True})

    answer = make().get("/deals/1", accept={404})

    assert (answer.status, answer.json) == (404, {"gone": True})


# Again, or never again.


@pytest.mark.parametrize("status", [429, 500, 502, 504, 408, 599])
def test_a_read_is_asked_again_and_the_budget_pays_each_time(
    make: Make, bench: Bench, network: respx.MockRouter, status: int
) -> None:
    network.get(f"{BASE}/deals").mock(side_effect=[httpx.Response(status), httpx.Response(200, json=[1])])

    assert make(limits=Limits(chunk=1)).get("/deals").json == [1]
    assert bench.budget.taken == {"read": 2}
    assert 0 < sum(bench.clock.slept) <= 1


@pytest.mark.parametrize(
    "said", [pytest.param("7", id="seconds"), pytest.param("Tue, 24 Nov 2026 08:00:07 GMT", id="date")]
)
def test_a_pause_that_is_asked_for_is_kept(make: Make, bench: Bench, network: respx.MockRouter, said: str) -> None:
    now = {"Date": "Tue, 24 Nov 2026 08:00:00 GMT"}
    busy = httpx.Response(429, headers={"Retry-After": said, **now})
    network.get(f"{BASE}/deals").mock(side_effect=[busy, httpx.Response(200, json=[])])

    make().get("/deals")

    assert 7 <= sum(bench.clock.slept) <= 8


def test_whoever_is_told_when_waits_for_its_turn_among_others(
    make: Make, bench: Bench, network: respx.MockRouter
) -> None:
    """Another process may use up the account's rate again and again."""
    busy = httpx.Response(429, headers={"Retry-After": "1"})
    network.get(f"{BASE}/deals").mock(side_effect=[*[busy] * 12, httpx.Response(200, json=[1])])

    assert make().get("/deals").json == [1]
    assert 12 <= sum(bench.clock.slept) <= 60


def test_and_not_for_ever(make: Make, bench: Bench, network: respx.MockRouter) -> None:
    network.get(f"{BASE}/deals").respond(429, headers={"Retry-After": "1"})

    with pytest.raises(LaterError):
        make().get("/deals")

    assert 50 <= sum(bench.clock.slept) <= 61


def test_a_date_is_read_by_the_vendors_clock(make: Make, bench: Bench, network: respx.MockRouter) -> None:
    """Ours may be hours off."""
    there = {"Date": "Tue, 24 Nov 2026 03:00:00 GMT", "Retry-After": "Tue, 24 Nov 2026 03:00:05 GMT"}
    network.get(f"{BASE}/deals").mock(side_effect=[httpx.Response(429, headers=there), httpx.Response(200, json=[])])

    make().get("/deals")

    assert 5 <= sum(bench.clock.slept) <= 6


def test_a_pause_longer_than_patience_is_left_to_the_engine(
    make: Make, bench: Bench, network: respx.MockRouter
) -> None:
    route = network.get(f"{BASE}/deals").respond(429, headers={"Retry-After": "600"})

    with pytest.raises(LaterError) as caught:
        make().get("/deals")

    assert route.call_count == 1
    assert bench.clock.slept == []
    assert caught.value.earliest == bench.clock.now + timedelta(seconds=600)


def test_reads_end_in_later_when_no_attempt_is_left(make: Make, network: respx.MockRouter) -> None:
    route = network.get(f"{BASE}/deals").mock(side_effect=httpx.ReadTimeout("slow"))

    with pytest.raises(LaterError, match=r"Acme does not answer \(timed out 3 times, 30 s each\)"):
        make(retries=RetryPolicy(attempts=3)).get("/deals")

    assert route.call_count == 3


@pytest.mark.parametrize(
    "lost",
    [
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.ReadError("broke"),
        httpx.WriteError("broke"),
        httpx.RemoteProtocolError("server disconnected"),
        httpx.Response(500),
        httpx.Response(502),
        httpx.Response(504),
        httpx.Response(408),
        httpx.Response(599),
        httpx.Response(200, stream=httpx.ByteStream(b"no gzip"), headers={"Content-Encoding": "gzip"}),
    ],
    ids=repr,
)
def test_a_create_without_an_answer_is_never_sent_again(make: Make, network: respx.MockRouter, lost: Any) -> None:
    route = network.post(f"{BASE}/deals").mock(side_effect=[lost, httpx.Response(201, json={"id": 1})])

    with pytest.raises(UnknownOutcomeError):
        make().request("POST", "/deals", json={"name": "x"})

    assert route.call_count == 1


@pytest.mark.parametrize(
    "nothing_happened",
    [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full"), httpx.Response(429)],
    ids=repr,
)
def test_a_create_that_never_arrived_is_sent_again(
    make: Make, network: respx.MockRouter, nothing_happened: Any
) -> None:
    route = network.post(f"{BASE}/deals").mock(side_effect=[nothing_happened, httpx.Response(201, json={"id": 1})])

    assert make().request("POST", "/deals", json={"name": "x"}).json == {"id": 1}
    assert route.call_count == 2


def test_a_create_that_is_harmless_twice_may_say_so(make: Make, network: respx.MockRouter) -> None:
    route = network.post(f"{BASE}/upsert").mock(side_effect=[httpx.ReadTimeout("slow"), httpx.Response(200, json={})])

    make().request("POST", "/upsert", json={}, idempotent=True)

    assert route.call_count == 2


def test_an_update_by_put_is_sent_again(make: Make, network: respx.MockRouter) -> None:
    route = network.put(f"{BASE}/deals/1").mock(side_effect=[httpx.ReadTimeout("slow"), httpx.Response(200, json={})])

    make().request("PUT", "/deals/1", json={})

    assert route.call_count == 2


def test_a_body_that_cannot_be_unpacked_is_read_again(make: Make, network: respx.MockRouter) -> None:
    broken = httpx.Response(200, stream=httpx.ByteStream(b"no gzip"), headers={"Content-Encoding": "gzip"})
    whole = httpx.Response(200, content=gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})
    network.get(f"{BASE}/deals").mock(side_effect=lambda request, route: [broken, whole][route.call_count])

    assert make().get("/deals").json == [1]


class Body(httpx.SyncByteStream):
    """Pieces, each of which takes so many seconds, by a clock that stands in for the machine's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pieces: int, size: int, seconds: float) -> None:
        self.now, self.sent, self.closed = 0.0, 0, False
        self._pieces, self._size, self._seconds = pieces, size, seconds
        monkeypatch.setattr(transport, "monotonic", lambda: self.now)

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self._pieces):
            self.now += self._seconds
            self.sent += 1
            yield b" " * self._size

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("method", "error"), [("GET", LaterError), ("POST", UnknownOutcomeError)], ids=["read", "create"]
)
def test_an_answer_that_drips_for_ever_is_not_waited_for(
    make: Make, network: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, method: str, error: type[ConnectorError]
) -> None:
    body = Body(monkeypatch, pieces=10_000, size=1, seconds=20)
    route = network.route(path="/v1/deals").mock(return_value=httpx.Response(200, stream=body))

    with pytest.raises(error) as raised:
        make().request(method, "deals")

    assert (route.call_count, body.closed) == (1, True)
    assert body.now < 400
    if error is LaterError:
        assert raised.value.text == "Acme GET deals: answers too slowly: 16 bytes in 320 s"


def test_a_slow_answer_that_comes_on_is_waited_for(
    make: Make, network: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.get(f"{BASE}/deals").respond(stream=Body(monkeypatch, pieces=100, size=2000, seconds=20))

    assert len(make().get("deals").content) == 200_000


def test_who_takes_long_over_a_piece_is_not_the_server(
    make: Make, network: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = Body(monkeypatch, pieces=50, size=10, seconds=1)
    network.get(f"{BASE}/file").respond(stream=body)

    came = 0
    for piece in make().request("GET", "file", stream=True).chunks():
        came += len(piece)
        body.now += 1000

    assert came == 500


def test_an_answer_without_end_is_left(make: Make, network: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_MOST", 3 << 20)
    body = Body(monkeypatch, pieces=10_000, size=1 << 20, seconds=0)
    network.get(f"{BASE}/deals").respond(stream=body)

    with pytest.raises(LaterError, match="without end: more than 3 MiB"):
        make().get("deals")

    assert body.sent == 4


def test_a_host_that_does_not_exist_is_named_at_once(make: Make, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(LaterError, match=r"api\.acme\.test: no such host") as caught:
        make().get("/deals")

    assert caught.value.code == "CW301"
    assert bench.clock.slept == []


# Tokens on the way.


class Renewing:
    """An Authorizer whose first token is refused."""

    def __init__(self, *, base_url: str | None = None, renews: bool = True) -> None:
        self.base_url = base_url
        self.renews = renews

    def signature(self, exchange: Exchange) -> Signature:
        return Signature({"Authorization": "Bearer old"}, 1, self.base_url)

    def renewed(self, refused: Signature, exchange: Exchange) -> Signature | None:
        return Signature({"Authorization": "Bearer new"}, 2, self.base_url) if self.renews else None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_token_is_renewed_once(make: Make, network: respx.MockRouter, method: str) -> None:
    route = network.route(method=method, url=f"{BASE}/deals").mock(
        side_effect=[httpx.Response(401), httpx.Response(200, json=[])]
    )

    make(Renewing()).request(method, "/deals")

    assert [call.request.headers["Authorization"] for call in route.calls] == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize("auth", [Renewing(), Renewing(renews=False), Bearer("x")], ids=["renewing", "not", "fixed"])
def test_a_token_that_stays_refused_is_for_a_person(
    make: Make, bench: Bench, network: respx.MockRouter, auth: Any
) -> None:
    network.get(f"{BASE}/deals").respond(401)
    transport = make(auth)

    with pytest.raises(GrantError, match="refused since 08:00"):
        transport.get("/deals")
    bench.clock.sleep(3600)
    with pytest.raises(GrantError, match="refused since 08:00") as caught:
        transport.get("/deals")

    assert caught.value.code == "CW202"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_with_the_token(make: Make, network: respx.MockRouter, status: int) -> None:
    elsewhere = network.get("https://elsewhere.test/deals").respond(json=[])
    network.get(f"{BASE}/deals").respond(status, headers={"Location": "https://elsewhere.test/deals"})

    with pytest.raises(ShapeError):
        make().get("/deals")

    assert elsewhere.call_count == 0


@pytest.mark.parametrize(
    ("address", "signed"),
    [
        ("https://api.acme.test/v1/next?page=2", True),
        ("https://API.acme.test:443/v1/next?page=2", True),
        ("https://eu.acme.test/v1/next?page=2", True),  # where the grant says our server is
        ("https://files.acme.test/v1/next?page=2", False),
        ("https://api.acme.test.evil.test/v1/next?page=2", False),
        ("https://api.acme.test:8443/v1/next?page=2", False),
        ("https://api.acme.test@evil.test/v1/next?page=2", False),
    ],
)
def test_a_whole_address_gets_the_token_only_at_our_servers(
    make: Make, network: respx.MockRouter, address: str, signed: bool
) -> None:
    route = network.get(path="/v1/next").respond(json=[])

    make(Renewing(base_url="https://eu.acme.test/v1")).get(address)

    sent = route.calls.last.request
    assert (sent.headers.get("Authorization") == "Bearer old") is signed


def test_the_grant_says_which_server_is_ours(make: Make, network: respx.MockRouter) -> None:
    route = network.get("https://eu.acme.test/v1/deals").respond(json=[])

    make(Renewing(base_url="https://eu.acme.test/v1")).get("/deals")

    assert route.call_count == 1


def test_a_grant_may_not_send_us_to_a_server_in_the_clear(make: Make) -> None:
    with pytest.raises(SetupError, match="not encrypted"):
        make(Renewing(base_url="http://eu.acme.test")).get("/deals")


@pytest.mark.parametrize(
    ("address", "insecure", "allowed"),
    [
        ("https://api.acme.test", False, True),
        ("http://127.0.0.1:8700", False, True),
        ("http://localhost:8700", False, True),
        ("http://[::1]:8700", False, True),
        ("http://10.0.0.5", True, True),
        ("http://10.0.0.5", False, False),
        ("http://localhost.evil.test", False, False),
        ("ftp://api.acme.test", True, False),
        ("api.acme.test", True, False),
        ("https://", True, False),
    ],
)
def test_addresses_are_encrypted_or_near(address: str, insecure: bool, allowed: bool) -> None:
    if allowed:
        check_address(address, insecure=insecure)
        return
    with pytest.raises(SetupError):
        check_address(address, insecure=insecure)


def test_a_wrong_address_is_told_without_its_password() -> None:
    with pytest.raises(SetupError) as caught:
        check_address(f"ftp://admin:{SECRET}@acme.test/x?key={SECRET}", insecure=False)

    assert SECRET not in told(caught.value)


# What must not be seen.


@pytest.mark.parametrize(
    "outcome",
    [
        *[httpx.Response(status, text=f"{SECRET} mara@acme.test") for status in (302, 400, 401, 403, 404, 429, 500)],
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.Response(200, content=b"<html>"),
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_errors_and_logs_hold_no_secret_no_query_and_no_value(
    make: Make, network: respx.MockRouter, outcome: Any, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    network.route(path__startswith="/v1/persons/").mock(side_effect=[outcome] * 9)
    transport = make()

    with pytest.raises(ConnectorError) as caught:
        _ = transport.request(
            method, "/persons/mara@acme.test", params={"api_token": SECRET, "name": "Lindqvist"}, content=b"Lindqvist"
        ).json

    for seen in (told(caught.value), caught.value.hint, caplog.text):
        assert SECRET not in seen
        assert "Lindqvist" not in seen
        assert "mara@acme.test" not in seen


@pytest.mark.parametrize("token", [f"{SECRET}\n", f"{SECRET}\u2026", f"{SECRET}\r\nX: y"], ids=["end", "dots", "break"])
def test_a_token_that_no_header_can_hold_is_a_setting_and_stays_unseen(make: Make, token: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = make(ApiToken("X-Key", token), base_url=f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(SetupError, match="a character that none can hold") as caught:
            transport.get("/deals")

    assert SECRET not in told(caught.value)


def test_what_is_called_shows_no_secret(make: Make) -> None:
    assert SECRET not in repr(make(Bearer(SECRET)))
    assert SECRET not in repr(Bearer(SECRET))
    assert SECRET not in repr(ApiToken("X-Key", SECRET))


# The budget.


def test_nothing_is_sent_when_the_day_is_used_up(make: Make, bench: Bench, network: respx.MockRouter) -> None:
    route = network.get(f"{BASE}/deals").respond(json=[])
    bench.budget = MemoryBudget(allowance=0)

    with pytest.raises(LaterError) as caught:
        make().get("/deals")

    assert caught.value.code == "CW303"
    assert route.call_count == 0


def test_each_kind_of_call_pays_from_its_lane(make: Make, bench: Bench, network: respx.MockRouter) -> None:
    network.route(url=f"{BASE}/deals").respond(json=[])
    transport = make(limits=Limits(chunk=1))

    transport.get("/deals")
    transport.request("POST", "/deals", cost=5)
    transport.request("PATCH", "/deals", lane="optout")

    assert bench.budget.taken == {"read": 1, "write": 5, "optout": 1}


def test_calls_keep_to_the_burst(make: Make, bench: Bench, network: respx.MockRouter) -> None:
    network.get(f"{BASE}/deals").respond(json=[])
    transport = make(limits=Limits(bursts=(Burst(3, 2.0),)))
    start = bench.clock.now

    for _ in range(7):
        transport.get("/deals")

    assert (bench.clock.now - start).total_seconds() == 4.0


def test_no_more_calls_are_under_way_than_the_vendor_takes(make: Make, network: respx.MockRouter) -> None:
    under_way, most, count = 0, 0, threading.Lock()
    in_pairs = threading.Barrier(2)

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        with count:
            under_way += 1
            most = max(most, under_way)
        in_pairs.wait(60)
        with count:
            under_way -= 1
        return httpx.Response(200, json=[])

    route = network.get(f"{BASE}/deals").mock(side_effect=answer)
    transport = make(limits=Limits(at_once=2))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: transport.get("/deals"), range(16)))

    assert (most, route.call_count) == (2, 16)


def test_all_connections_are_given_back(make: Make, network: respx.MockRouter) -> None:
    """More refusals of streamed calls than the pool has places: none is held by an error."""
    network.get(f"{BASE}/deals").respond(404, json={})
    transport = make()

    for _ in range(40):
        with pytest.raises(RecordError):
            transport.request("GET", "/deals", stream=True)


def test_causes_that_form_a_ring_are_followed_once(make: Make, network: respx.MockRouter) -> None:
    first, second = httpx.ConnectError("refused"), OSError("refused")
    first.__cause__, second.__cause__ = second, first
    network.get(f"{BASE}/deals").mock(side_effect=first)

    with pytest.raises(LaterError):
        make().get("/deals")
