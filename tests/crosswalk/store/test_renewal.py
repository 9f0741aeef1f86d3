"""Renewing a token for all processes, on both databases, where a refresh token that was used is dead."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from connectors.sdk import GrantError, RefreshToken, TokenKeeper, Tools
from connectors.sdk.auth import TokenAnswer, TokenRequest
from connectors.sdk.contract import Grant
from connectors.sdk.fakes import MemoryBudget
from crosswalk.clock import now
from crosswalk.store.dialect import Database
from crosswalk.store.tokens import Tokens, Vault, new_key
from sandbox.server import Sandbox
from tests.clocks import SetClock

KEY = new_key()
PROCESSES, TIMES = 4, 50


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("typeform",), size=3, limits="lifted") as running:
        yield running


def renewals(sandbox: Sandbox) -> int:
    return sum(one["count"] for one in sandbox.log()["calls"] if one["call"] == "POST /oauth/token")


def test_processes_renew_once_for_all_and_use_no_refresh_token_twice(database: Database, sandbox: Sandbox) -> None:
    vendor = sandbox.vendor("typeform")
    known = vendor.credentials
    first = refresh_token(sandbox)
    sandbox.forget_log()
    arguments = [str(database.url), KEY, str(TIMES), vendor.base_url, known["client_id"], known["client_secret"], first]
    command = [sys.executable, "-m", "tests.crosswalk.store.renewing", *arguments]

    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(PROCESSES)
    ]
    ended = [process.communicate(timeout=60) for process in running]

    assert [process.returncode for process in running] == [0] * PROCESSES, [errors for _, errors in ended]
    assert [said for said, _ in ended] == [f"{TIMES}\n"] * PROCESSES
    held = Tokens(database, Vault([KEY]), now).read("typeform")
    assert held is not None
    assert held.generation == renewals(sandbox) > 1


def refresh_token(sandbox: Sandbox) -> str:
    """Of a grant that is given now: the simulator has one at a time."""
    redirect = "http://localhost/"
    vendor = sandbox.vendor("typeform")
    client = {name: vendor.credentials[name] for name in ("client_id", "client_secret")}
    asked = {"client_id": client["client_id"], "redirect_uri": redirect}
    answer = httpx.get(f"{vendor.base_url}/oauth/authorize", params=asked)
    form = {"grant_type": "authorization_code", "redirect_uri": redirect, **client}
    form["code"] = httpx.URL(answer.headers["location"]).params["code"]
    return str(httpx.post(vendor.token_url, data=form).json()["refresh_token"])


class Strict:
    """A vendor whose refresh tokens are good once."""

    def __init__(self) -> None:
        self.good, self.given = "first", 0

    def __call__(self, request: TokenRequest) -> TokenAnswer:
        if request.form["refresh_token"] != self.good:
            return TokenAnswer(400, {"error": "invalid_grant"})
        self.given += 1
        self.good = f"refresh-{self.given}"
        return TokenAnswer(200, {"access_token": f"access-{self.given}", "refresh_token": self.good})


FLOW = RefreshToken(
    vendor="Acme", token_url="https://acme.test/token", client_id="c", client_secret="s", refresh_token="first"
)


class Killed(BaseException):
    """The process ends here."""


class KilledBeforeStoring(Tokens):
    def replace(self, connection: str, grant: Grant, *, generation: int) -> bool:
        raise Killed


def test_a_process_that_is_killed_before_it_could_store_costs_the_grant_which_is_said(database: Database) -> None:
    clock = SetClock(datetime(2026, 11, 25, 8, tzinfo=UTC))
    vendor, vault = Strict(), Vault([KEY])

    def keeper(tokens: Tokens, flow: RefreshToken = FLOW) -> TokenKeeper:
        tools = Tools(
            connection="acme",
            clock=clock,
            sleep=lambda seconds: clock.forward(seconds=seconds),
            tokens=tokens,
            budget=MemoryBudget(),
        )
        return TokenKeeper(flow, tools)

    with pytest.raises(Killed):
        keeper(KilledBeforeStoring(database, vault, clock)).signature(vendor)
    began = clock()
    with pytest.raises(GrantError) as lost:
        keeper(Tokens(database, vault, clock)).signature(vendor)

    assert lost.value.code == "CW201"
    assert "paused" in lost.value.hint
    assert (clock() - began).total_seconds() >= 60  # the claim of the dead lapses first: it might have been alive
    assert vendor.given == 1

    vendor.good = "granted-anew"
    anew = RefreshToken(
        vendor="Acme", token_url="https://acme.test/token", client_id="c", client_secret="s",
        refresh_token="granted-anew",
    )  # fmt: skip
    signature = keeper(Tokens(database, vault, clock), anew).signature(vendor)

    assert signature.headers == {"Authorization": "Bearer access-2"}
