"""Tokens: what is asked for, who renews them, and in which order they are kept and used."""

import json
import threading
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from connectors.sdk import (
    ClientCredentials,
    ConnectorError,
    GrantError,
    JwtBearer,
    LaterError,
    RefreshToken,
    SetupError,
    ShapeError,
    StatusTable,
    TokenKeeper,
    Transport,
)
from connectors.sdk.auth import Exchange, TokenAnswer, TokenRequest
from connectors.sdk.contract import Grant
from connectors.sdk.fakes import START, Bench

TOKEN_URL = "https://auth.acme.test/token"
FLOW = RefreshToken(
    vendor="Acme",
    token_url=TOKEN_URL,
    client_id="client",
    client_secret="s3cr3t",
    refresh_token="first",
    scope="read write",
    kept=("api_domain",),
)


class Strict:
    """A vendor that rotates: a refresh token works once, an access token until the next one is given out."""

    def __init__(self, *, first: str = "first", expires_in: int | None = 3600) -> None:
        self.good = first
        self.count = 0
        self.expires_in = expires_in
        self.asked: list[TokenRequest] = []
        self.refused = 0
        self._lock = threading.Lock()

    def __call__(self, request: TokenRequest) -> TokenAnswer:
        with self._lock:
            self.asked.append(request)
            if request.form["refresh_token"] != self.good:
                self.refused += 1
                return TokenAnswer(400, {"error": "invalid_grant", "error_description": request.form["refresh_token"]})
            self.count += 1
            self.good = f"refresh-{self.count}"
            body: dict[str, Any] = {"access_token": f"access-{self.count}", "refresh_token": self.good}
            if self.expires_in is not None:
                body["expires_in"] = self.expires_in
            return TokenAnswer(200, body)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def keeper(bench: Bench, flow: Any = FLOW, **options: Any) -> TokenKeeper:
    return TokenKeeper(flow, bench.tools(), **options)


# What is asked for.


def test_the_first_refresh_token_is_the_operators_and_the_next_the_vendors(bench: Bench) -> None:
    vendor = Strict()
    one = keeper(bench)

    first = one.signature(vendor)
    second = one.renewed(first, vendor)

    assert [request.form["refresh_token"] for request in vendor.asked] == ["first", "refresh-1"]
    assert vendor.asked[0].form["scope"] == "read write"
    assert first.headers == {"Authorization": "Bearer access-1"}
    assert second is not None
    assert (second.headers, second.generation) == ({"Authorization": "Bearer access-2"}, 2)


def test_a_vendor_that_does_not_rotate_leaves_the_refresh_token_in_force(bench: Bench) -> None:
    asked: list[str] = []

    def exchange(request: TokenRequest) -> TokenAnswer:
        asked.append(request.form["refresh_token"])
        return TokenAnswer(200, {"access_token": f"access-{len(asked)}", "expires_in": 60})

    one = keeper(bench)
    one.renewed(one.signature(exchange), exchange)

    assert asked == ["first", "first"]


def test_new_credentials_in_the_file_beat_an_older_grant(bench: Bench) -> None:
    keeper(bench).signature(Strict())
    changed = RefreshToken(
        vendor="Acme", token_url=TOKEN_URL, client_id="client", client_secret="s3cr3t", refresh_token="another"
    )
    vendor = Strict(first="another")

    keeper(bench, changed).signature(vendor)

    assert vendor.asked[0].form["refresh_token"] == "another"


def test_a_client_may_prove_itself_in_the_header(bench: Bench) -> None:
    flow = ClientCredentials(
        vendor="Acme", token_url=TOKEN_URL, client_id="client", client_secret="s3cr3t", in_header=True
    )
    asked: list[TokenRequest] = []

    def exchange(request: TokenRequest) -> TokenAnswer:
        asked.append(request)
        return TokenAnswer(200, {"access_token": "x", "expires_in": "3600"})

    keeper(bench, flow).signature(exchange)

    assert asked[0].form == {"grant_type": "client_credentials"}
    assert b64decode(asked[0].headers["Authorization"].removeprefix("Basic ")) == b"client:s3cr3t"


def test_what_else_the_answer_says_is_kept_and_may_name_our_server(bench: Bench) -> None:
    def exchange(request: TokenRequest) -> TokenAnswer:
        return TokenAnswer(200, {"access_token": "x", "api_domain": "https://eu.acme.test", "other": 1})

    signature = keeper(bench, base_url_from="api_domain").signature(exchange)

    assert signature.base_url == "https://eu.acme.test"
    held = bench.tokens.read("acme")
    assert held is not None
    assert held.extra["api_domain"] == "https://eu.acme.test"
    assert "other" not in held.extra


@pytest.mark.parametrize(
    ("answer", "family", "text"),
    [
        (TokenAnswer(400, {"error": "invalid_grant"}), GrantError, "revoked or of another data center"),
        (TokenAnswer(200, {"error": "invalid_client"}), GrantError, "client_id or client_secret is refused"),
        (TokenAnswer(401, {}), LaterError, r"refused \(401, no reason given\)"),
        (TokenAnswer(400, {"error": "first is no token of ours"}), LaterError, r"\(400, no reason given\)"),
        (TokenAnswer(500, {"error": "x"}), LaterError, "gives out no tokens now"),
        (TokenAnswer(429, {}), LaterError, "gives out no tokens now"),
        (TokenAnswer(200, {}), ShapeError, "does not know"),
        (TokenAnswer(200, {"access_token": None}), ShapeError, "does not know"),
    ],
)
def test_a_refusal_says_who_mends_it(bench: Bench, answer: TokenAnswer, family: type, text: str) -> None:
    with pytest.raises(ConnectorError, match=text) as caught:
        keeper(bench).signature(lambda _: answer)

    assert type(caught.value) is family
    assert "first" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "todo"),
    [
        ("invalid_grant", "make a new one"),
        ("invalid_client", "correct client_id and client_secret"),
        ("invalid_client_secret", "correct client_id and client_secret"),
    ],
)
def test_a_client_that_is_refused_is_corrected_and_no_grant_made_anew(bench: Bench, error: str, todo: str) -> None:
    with pytest.raises(GrantError) as caught:
        keeper(bench).signature(lambda _: TokenAnswer(400, {"error": error}))

    assert caught.value.hint.startswith(todo)
    assert "crosswalk check" in caught.value.hint


# When it is renewed.


@pytest.mark.parametrize(
    ("expires_in", "later", "renewals"),
    [
        (3600, timedelta(minutes=58), 1),
        (3600, timedelta(minutes=59, seconds=1), 2),  # a minute before: it must not run out on the way
        (None, timedelta(days=30), 1),  # nothing is said: until it is refused
    ],
)
def test_a_token_is_renewed_before_it_runs_out(
    bench: Bench, expires_in: int | None, later: timedelta, renewals: int
) -> None:
    vendor = Strict(expires_in=expires_in)
    one = keeper(bench)
    one.signature(vendor)
    bench.clock.now += later

    one.signature(vendor)

    assert vendor.count == renewals


def test_a_process_that_starts_takes_what_another_left(bench: Bench) -> None:
    vendor = Strict()
    keeper(bench).signature(vendor)

    signature = keeper(bench).signature(vendor)

    assert (vendor.count, signature.generation) == (1, 1)


def test_a_rotated_token_is_stored_before_it_is_used(bench: Bench) -> None:
    vendor = Strict()
    one = keeper(bench)

    signature = one.signature(vendor)

    held = bench.tokens.read("acme")
    assert held is not None
    assert (held.refresh_token, held.access_token) == ("refresh-1", "access-1")
    assert signature.headers["Authorization"] == f"Bearer {held.access_token}"


def test_a_store_that_fails_keeps_the_token_from_being_used(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> bool:
        raise OSError("disk full")

    monkeypatch.setattr(bench.tokens, "replace", fail)

    with pytest.raises(OSError, match="disk full"):
        keeper(bench).signature(Strict())


# Who renews it.


def at_once(count: int, do: Callable[[int], Any]) -> list[Any]:
    """Run in so many threads that begin together."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        barrier.wait(timeout=10)
        return do(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_threads_of_one_process_renew_a_refused_token_once(bench: Bench) -> None:
    vendor = Strict()
    one = keeper(bench)
    old = one.signature(vendor)

    renewed = at_once(8, lambda _: one.renewed(old, vendor))

    assert vendor.count == 2
    assert vendor.refused == 0
    assert {signature.headers["Authorization"] for signature in renewed} == {"Bearer access-2"}


def test_processes_renew_a_refused_token_once(bench: Bench) -> None:
    """Each process has a keeper of its own; the store alone is shared."""
    vendor = Strict()
    old = keeper(bench).signature(vendor)
    keepers = [keeper(bench) for _ in range(8)]

    renewed = at_once(8, lambda number: keepers[number].renewed(old, vendor))

    assert vendor.count == 2
    assert vendor.refused == 0
    assert {signature.headers["Authorization"] for signature in renewed if signature} == {"Bearer access-2"}


def test_a_claim_of_a_process_that_died_lapses(bench: Bench) -> None:
    assert bench.tokens.claim("acme", generation=0, seconds=60)

    signature = keeper(bench).signature(Strict())

    assert signature.generation == 1
    assert bench.clock.now >= START + timedelta(seconds=60)


def test_a_claim_that_is_held_for_ever_ends_in_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.tokens, "claim", lambda *_, **__: False)

    with pytest.raises(LaterError, match="another process has been renewing the token for 90 s"):
        keeper(bench).signature(Strict())


def test_a_renewal_that_failed_is_tried_again_without_waiting_for_ones_own_claim(bench: Bench) -> None:
    one = keeper(bench)
    with pytest.raises(LaterError):
        one.signature(lambda _: TokenAnswer(503, {}))

    signature = one.signature(Strict())

    assert signature.generation == 1
    assert bench.clock.slept == []


@pytest.mark.parametrize("answer", [TokenAnswer(400, {"error": "invalid_grant"}), TokenAnswer(503, {})])
def test_after_a_renewal_that_failed_nobody_waits_for_its_claim(bench: Bench, answer: TokenAnswer) -> None:
    with pytest.raises(ConnectorError):
        keeper(bench).signature(lambda _: answer)

    signature = keeper(bench).signature(Strict())

    assert signature.generation == 1
    assert bench.clock.slept == []


def test_who_was_overtaken_takes_what_the_quicker_one_stored(bench: Bench) -> None:
    """Our claim lapsed while the vendor thought about it, and another process renewed meanwhile."""
    other = Grant("theirs", "refresh", None, 1, {"_seed": FLOW._mark})

    def slow(request: TokenRequest) -> TokenAnswer:
        bench.clock.now += timedelta(seconds=120)
        assert bench.tokens.replace("acme", other, generation=0)
        return TokenAnswer(200, {"access_token": "ours"})

    assert keeper(bench).signature(slow).headers == {"Authorization": "Bearer theirs"}


# Over HTTP.


def test_a_token_that_expires_in_mid_page_is_renewed_and_nothing_is_asked_with_the_old_one_again(bench: Bench) -> None:
    vendor = Strict()
    with respx.mock() as network:

        def give_token(request: httpx.Request) -> httpx.Response:
            form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
            answer = vendor(TokenRequest(TOKEN_URL, form, {}))
            return httpx.Response(answer.status, json=dict(answer.body))

        def give_page(request: httpx.Request) -> httpx.Response:
            good = request.headers["Authorization"] == f"Bearer access-{vendor.count}"
            if request.url.params["page"] == "2" and vendor.count == 1:
                good = False
            return httpx.Response(200, json=[request.url.params["page"]]) if good else httpx.Response(401)

        network.post(TOKEN_URL).mock(side_effect=give_token)
        pages = network.get("https://api.acme.test/list").mock(side_effect=give_page)
        tools = bench.tools()
        with Transport("https://api.acme.test", TokenKeeper(FLOW, tools), StatusTable(vendor="Acme"), tools, "a") as t:
            read = at_once(3, lambda page: t.get("/list", {"page": page + 1}).json)

    assert sorted(read) == [["1"], ["2"], ["3"]]
    assert vendor.refused == 0
    assert pages.call_count <= 6


@pytest.mark.parametrize("outcome", [httpx.Response(503), httpx.ReadTimeout("slow"), httpx.ConnectError("refused")])
def test_a_token_address_that_stumbles_is_asked_again(bench: Bench, outcome: Any) -> None:
    tools = bench.tools()
    with respx.mock() as network:
        network.post(TOKEN_URL).mock(
            side_effect=[outcome, httpx.Response(200, json={"access_token": "x", "expires_in": 60})]
        )
        route = network.get("https://api.acme.test/list").respond(json=[])
        with Transport("https://api.acme.test", TokenKeeper(FLOW, tools), StatusTable(vendor="Acme"), tools, "a") as t:
            t.get("/list")

    assert route.calls.last.request.headers["Authorization"] == "Bearer x"


@pytest.mark.parametrize(
    "outcome",
    [
        httpx.Response(400, json={"error": "invalid_grant", "error_description": "s3cr3t first"}),
        httpx.Response(503, text="s3cr3t first"),
        httpx.ReadTimeout("slow"),
        httpx.Response(200, text="s3cr3t first"),
    ],
    ids=repr,
)
def test_nothing_of_a_token_request_is_in_an_error(bench: Bench, outcome: Any) -> None:
    tools = bench.tools()
    with respx.mock() as network:
        network.post(TOKEN_URL).mock(side_effect=[outcome] * 9)
        with (
            Transport("https://api.acme.test", TokenKeeper(FLOW, tools), StatusTable(vendor="Acme"), tools, "a") as t,
            pytest.raises(ConnectorError) as caught,
        ):
            t.get("/list")

    said = f"{caught.value!r} {caught.value.hint} {caught.value.details} {caught.value.__cause__!r}"
    assert "s3cr3t" not in said
    assert "first" not in said


def test_flows_show_no_secret() -> None:
    exchange: Exchange = Strict()
    assert exchange is not None
    assert "s3cr3t" not in repr(FLOW)
    assert "first" not in repr(FLOW)


# Assertions that we sign ourselves.

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def assertions(bench: Bench, key: str = PEM) -> JwtBearer:
    return JwtBearer(
        vendor="Acme",
        token_url=TOKEN_URL,
        client_id="client",
        subject="robot@acme.test",
        audience="https://login.acme.test",
        private_key=key,
        clock=bench.clock,
    )


def unpacked(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_an_assertion_says_who_asks_for_whom_and_is_signed(bench: Bench) -> None:
    url, form, _ = assertions(bench).request(None)

    header, claims, signature = form["assertion"].split(".")
    assert (url, form["grant_type"]) == (TOKEN_URL, "urn:ietf:params:oauth:grant-type:jwt-bearer")
    assert json.loads(unpacked(header)) == {"alg": "RS256", "typ": "JWT"}
    assert json.loads(unpacked(claims)) == {
        "iss": "client",
        "sub": "robot@acme.test",
        "aud": "https://login.acme.test",
        "exp": int((START + timedelta(minutes=2)).timestamp()),
    }
    # Raises where it does not fit.
    KEY.public_key().verify(unpacked(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())


def test_each_assertion_is_made_anew(bench: Bench) -> None:
    flow = assertions(bench)
    first = flow.request(None).form["assertion"]
    bench.clock.sleep(60)

    assert flow.request(None).form["assertion"] != first


def test_another_key_beats_a_grant_of_the_old_one(bench: Bench) -> None:
    held = assertions(bench).grant(TokenAnswer(200, {"access_token": "a"}), held=None, now=START)

    assert assertions(bench).fits(held)
    assert not assertions(bench, "another").fits(held)


def test_a_private_key_that_is_none_is_for_the_operator(bench: Bench) -> None:
    with pytest.raises(SetupError, match="no RSA key") as caught:
        assertions(bench, "s3cr3t").request(None)

    assert "s3cr3t" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert PEM not in repr(assertions(bench))


def test_an_assertion_that_is_refused_is_no_refresh_token(bench: Bench) -> None:
    with pytest.raises(GrantError, match="the assertion is refused"):
        assertions(bench).grant(TokenAnswer(400, {"error": "invalid_grant"}), held=None, now=START)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"error": "invalid_grant", "error_description": "Inactive user"}, "is switched off", id="words"),
        pytest.param({"error": "no_such_app"}, "does not know the app", id="a-code"),
        pytest.param({"error": "invalid_grant", "error_description": "mara@acme.test"}, "revoked", id="not-its-words"),
    ],
)
def test_a_vendors_own_refusals_are_told_in_ours(bench: Bench, body: dict[str, str], said: str) -> None:
    flow = ClientCredentials(
        vendor="Acme", token_url=TOKEN_URL, client_id="c", client_secret="s",
        refusals={"inactive user": "the user is switched off", "no_such_app": "Acme does not know the app"},
    )  # fmt: skip

    with pytest.raises(GrantError, match=said) as caught:
        flow.grant(TokenAnswer(400, body), held=None, now=START)

    assert "mara" not in caught.value.text


def test_a_token_address_that_is_busy_is_asked_later() -> None:
    flow = ClientCredentials(vendor="Acme", token_url=TOKEN_URL, client_id="c", client_secret="s")

    with pytest.raises(LaterError):
        flow.grant(TokenAnswer(400, {"error": "rate_limit_exceeded"}), held=None, now=START)
