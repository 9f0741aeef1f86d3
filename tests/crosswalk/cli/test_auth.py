"""crosswalk auth: what a person sees, the listener that a browser comes back to, and a terminal without a browser."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest

from connectors.sdk.errors import GrantError
from crosswalk.cli.loopback import Listener, query_of
from crosswalk.engine.authorize import Question
from sandbox.server import Sandbox
from tests.crosswalk.cli.fixtures import FakeHub, Run
from tests.crosswalk.cli.test_terminal import Terminal

CODE, STATE = "c0de-s3cr3t", "st-1"
ANSWERED = {
    "connection": "pipedrive",
    "connector": "pipedrive",
    "account": "Nordlicht",
    "identity": "ops@nordlicht.test",
    "problems": [],
    "exit_code": 0,
}


def fits(answer: Mapping[str, str]) -> bool:
    return answer.get("state") == STATE


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener(0, "/callback", fits) as listening:
        yield listening


def get(listener: Listener, target: str) -> tuple[int, str, dict[str, str]]:
    """As a browser asks, whatever stands in the target."""
    connection = HTTPConnection("127.0.0.1", listener.port, timeout=10)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {name.lower(): held for name, held in answer.getheaders()}
    finally:
        connection.close()


# The listener.


def test_the_answer_is_passed_on_and_the_browser_told_so(listener: Listener, capfd: pytest.CaptureFixture[str]) -> None:
    status, page, headers = get(listener, f"/callback?code={CODE}&state={STATE}")

    assert status == 200
    assert "Crosswalk has the answer" in page
    assert listener.heard(5) == {"code": CODE, "state": STATE}
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    said = capfd.readouterr()
    assert CODE not in page + said.out + said.err


@pytest.mark.parametrize(
    ("target", "status"),
    [
        pytest.param(f"/callback?code={CODE}&state=another", 400, id="another-question"),
        pytest.param(f"/callback?code={CODE}", 400, id="no-state"),
        pytest.param("/callback", 400, id="nothing"),
        pytest.param("/favicon.ico", 404, id="what-browsers-ask-besides"),
        pytest.param(f"/other?code={CODE}&state={STATE}", 404, id="another-path"),
    ],
)
def test_anything_else_is_refused_and_the_answer_goes_on_being_waited_for(
    listener: Listener, target: str, status: int
) -> None:
    refused, _, _ = get(listener, target)
    get(listener, f"/callback?code=good&state={STATE}")

    heard = listener.heard(5)

    assert refused == status
    assert heard is not None
    assert heard["code"] == "good"


def test_a_refusal_is_shown_without_being_believed(listener: Listener) -> None:
    said = quote("<script>alert(1)</script>")

    status, page, headers = get(listener, f"/callback?error={said}&state={STATE}")

    assert status == 200
    assert "Access was not granted" in page
    assert "<script>" not in page
    assert "default-src 'none'" in headers["content-security-policy"]
    heard = listener.heard(5)
    assert heard is not None
    assert heard["error"] == "<script>alert(1)</script>"


def test_only_this_machine_is_listened_to(listener: Listener) -> None:
    assert listener._server.server_address[0] == "127.0.0.1"


def test_nothing_heard_is_none(listener: Listener) -> None:
    assert listener.heard(0) is None


@pytest.mark.parametrize(
    "pasted",
    [
        f"http://localhost:8910/callback?code={CODE}&state={STATE}\n",
        f"  https://hub.test/callback?state={STATE}&code={CODE}#  ",
        f"code={CODE}&state={STATE}",
        f"?code={CODE}&state={STATE}",
    ],
)
def test_what_is_pasted_may_be_the_address_or_its_query(pasted: str) -> None:
    assert query_of(pasted) == {"code": CODE, "state": STATE}


# What a person sees.


def question(*, first: bool = True) -> Question:
    return Question(
        connection="pipedrive",
        label="Pipedrive",
        address="https://oauth.pipedrive.test/authorize?state=st-1",
        redirect_uri="http://localhost:8910/callback",
        registration=["open the hub", "as Callback URL  http://localhost:8910/callback"],
        first=first,
        fits=fits,
    )


def asking(asked: Question, answers: list[Mapping[str, str]]) -> Callable[..., Any]:
    def authorize(_connection: str, *, ask: Any, **_more: Any) -> dict[str, Any]:
        answers.append(ask(asked))
        return ANSWERED

    return authorize


def free_port() -> int:
    with Listener(0, "/", fits) as one:
        return one.port


@pytest.mark.parametrize("first", [True, False])
def test_the_address_is_shown_and_the_first_time_how_to_have_an_app(
    crosswalk: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    port = free_port()
    answers: list[Mapping[str, str]] = []
    hub.answers["authorize"] = asking(question(first=first), answers)
    opened: list[str] = []

    def browse(address: str) -> bool:
        opened.append(address)
        httpx.get(f"http://127.0.0.1:{port}/callback", params={"code": CODE, "state": STATE})
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    monkeypatch.setenv("DISPLAY", ":0")

    result = crosswalk("auth", "pipedrive", "--port", str(port))

    assert result.code == 0
    assert answers == [{"code": CODE, "state": STATE}]
    assert opened == [question().address]
    assert question().address in result.err
    assert ("1  open the hub" in result.err) is first
    assert result.out == (
        "pipedrive       ok    Nordlicht, as ops@nordlicht.test; the grant is kept encrypted in the store\n"
        "Next:  crosswalk check pipedrive\n"
    )
    assert CODE not in result.out + result.err
    assert hub.calls[0][2]["redirect_uri"] == f"http://localhost:{port}/callback"


def test_without_an_answer_it_ends_in_time_and_says_how_else(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["authorize"] = asking(question(), [])
    port = free_port()

    result = crosswalk("auth", "pipedrive", "--no-browser", "--timeout", "1", "--port", str(port))

    assert result.code == 1
    assert "error CW205: no answer came within 1.0 s" in result.err
    assert f"ssh -L {port}:127.0.0.1:{port}" in result.err


def test_a_port_that_is_taken_is_a_matter_of_usage(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["authorize"] = asking(question(), [])
    with Listener(0, "/", fits) as other:
        result = crosswalk("auth", "pipedrive", "--no-browser", "--port", str(other.port))

    assert result.code == 2
    assert "--port" in result.err


def test_a_refusal_of_the_vendor_fails(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["authorize"] = GrantError("Pipedrive grants no access (user_denied)", hint="again", code="CW205")

    result = crosswalk("auth", "pipedrive")

    assert result.code == 1
    assert "error CW205: Pipedrive grants no access (user_denied)" in result.err


def test_another_redirect_address_must_be_one(crosswalk: Run, hub: FakeHub) -> None:
    assert crosswalk("auth", "pipedrive", "--redirect", "localhost").code == 2
    assert hub.calls == []


def test_a_file_that_lacks_the_apps_secrets_is_told_with_how_to_come_by_them(crosswalk: Run, hub: FakeHub) -> None:
    from crosswalk.problems import Problem, ProblemsError

    hub.answers["open"] = ProblemsError([Problem(code="CW103", text="PIPEDRIVE_CLIENT_ID is not set")])

    result = crosswalk("auth", "pipedrive", "--port", "1717")

    assert result.code == 2
    assert "PIPEDRIVE_CLIENT_ID is not set" in result.err
    assert "http://localhost:1717/callback" in result.err


# As a process.


FILE = """\
version: 1
connections:
  typeform:
    base_url: {base}
    token_url: {base}/oauth/token
    auth: {{client_id: env:TYPEFORM_CLIENT_ID, client_secret: env:TYPEFORM_CLIENT_SECRET}}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("typeform",), size=3, limits="lifted") as running:
        yield running


@pytest.fixture
def folder(sandbox: Sandbox, tmp_path: Path) -> Path:
    vendor = sandbox.vendor("typeform")
    (tmp_path / "crosswalk.yaml").write_text(FILE.format(base=vendor.base_url))
    names = ("client_id", "client_secret")
    (tmp_path / ".env").write_text("".join(f"TYPEFORM_{n.upper()}={vendor.credentials[n]}\n" for n in names))
    return tmp_path


def test_a_browser_grants_it_and_another_process_uses_it(folder: Path) -> None:
    reader = "import sys, httpx; httpx.get(sys.argv[1], follow_redirects=True)"
    environment = {**os.environ, "BROWSER": f"{sys.executable} -c '{reader}' %s"}

    def crosswalk(*args: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", "from crosswalk.cli.main import main; main()", *args, "--json"]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)

    granted = crosswalk("auth", "typeform", "--port", str(free_port()))
    checked = crosswalk("check")

    assert granted.returncode == 0, granted.stderr
    assert json.loads(granted.stdout)["account"] == "nordlicht"
    assert "code=" not in (granted.stdout + granted.stderr).replace("response_type=code", "")
    assert checked.returncode == 0, checked.stdout


def test_where_no_browser_is_the_address_is_pasted_and_not_shown(folder: Path) -> None:
    terminal = Terminal(
        "auth", "typeform", "--no-browser", "--port", str(free_port()), "--config", str(folder / "crosswalk.yaml"),
        program=("-c", "from crosswalk.cli.main import main; main()"),
    )  # fmt: skip
    terminal.until(lambda shown: "Waiting for the answer" in shown)
    found = re.search(r"http://127\.0\.0\.1:\d+/oauth/authorize\S+", terminal.shown)
    assert found is not None
    ended = httpx.get(found[0]).headers["location"]
    code = dict(parse_qsl(urlsplit(ended).query))["code"]

    terminal.type("https://hub.test/?code=of-another-question&state=x\n")
    terminal.until(lambda shown: "not the answer" in shown)
    terminal.type(f"{ended}\n")

    assert terminal.end() == 0
    assert "nordlicht" in terminal.shown
    assert code not in terminal.shown
    assert "of-another-question" not in terminal.shown
