"""Access that is refused for good: the connection is paused and says so, the others go on, nothing is missed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from crosswalk.app import Hub, open_hub
from sandbox.server import Sandbox

FILE = """\
version: 1
connections:
  pipedrive:
    base_url: {pipedrive}
    token_url: {pipedrive}/oauth/token
    auth:
      flow: refresh_token
      client_id: env:PIPEDRIVE_CLIENT_ID
      client_secret: env:PIPEDRIVE_CLIENT_SECRET
      refresh_token: env:PIPEDRIVE_REFRESH_TOKEN
    streams:
      persons: {{write: [update], mapping: {{cx.nps.score: NPS score}}}}
      organizations:
  typeform:
    base_url: {typeform}
    token_url: {typeform}/oauth/token
    auth:
      flow: refresh_token
      client_id: env:TYPEFORM_CLIENT_ID
      client_secret: env:TYPEFORM_CLIENT_SECRET
      refresh_token: env:TYPEFORM_REFRESH_TOKEN
    streams: {{forms: , responses: }}
guards:
  update: {{at_most: 5000, share: 100%}}
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("pipedrive", "typeform"), size=60, limits="lifted") as running:
        yield running


@pytest.fixture
def folder(sandbox: Sandbox, tmp_path: Path) -> Path:
    (tmp_path / "crosswalk.yaml").write_text(FILE.format(**{one.name: one.base_url for one in sandbox.vendors}))
    secrets = {
        f"{vendor.name}_{name}".upper(): secret
        for vendor in sandbox.vendors
        for name, secret in vendor.credentials.items()
    }
    write_secrets(tmp_path, secrets)
    return tmp_path


def write_secrets(folder: Path, secrets: dict[str, str]) -> None:
    (folder / ".env").write_text("".join(f"{name}={secret}\n" for name, secret in secrets.items()))


def granted_anew(sandbox: Sandbox, folder: Path, name: str) -> None:
    """A person makes a new refresh token and writes it where the reference points."""
    vendor = sandbox.vendor(name)
    client = {key: vendor.credentials[key] for key in ("client_id", "client_secret")}
    redirect = "http://localhost/"
    asked = {"client_id": client["client_id"], "redirect_uri": redirect}
    answer = httpx.get(vendor.token_url.replace("/token", "/authorize"), params=asked)
    form = {"grant_type": "authorization_code", "redirect_uri": redirect, **client}
    form["code"] = httpx.URL(answer.headers["location"]).params["code"]
    basic = (client["client_id"], client["client_secret"])
    token = httpx.post(vendor.token_url, data=form, auth=basic).json()["refresh_token"]
    secrets = dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())
    write_secrets(folder, {**secrets, f"{name}_REFRESH_TOKEN".upper(): token})


@contextmanager
def opened(folder: Path) -> Iterator[Hub]:
    """A hub that does not wait for a vendor's burst to be over: these vendors have no limits."""
    with open_hub(folder / "crosswalk.yaml", who="tester") as hub:
        hub._builder.sleep = lambda _seconds: None
        yield hub


def sync(folder: Path) -> dict[str, Any]:
    with opened(folder) as hub:
        told: dict[str, Any] = hub.sync(first_too=True)
        return told


def standing(hub: Hub) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in hub.status()["connections"]}


def last_run(folder: Path) -> dict[str, Any]:
    with opened(folder) as hub:
        run: dict[str, Any] = hub.runs(1)["runs"][0]
        return run


def calls(sandbox: Sandbox, vendor: str) -> int:
    return sum(one["count"] for one in sandbox.log()["calls"] if one["vendor"] == vendor)


def errors(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["connection"], one["code"]) for one in told["problems"] if one["severity"] == "error"]


def revoke(sandbox: Sandbox, vendor: str, **where: Any) -> None:
    sandbox.fault("revoked_grant", vendor=vendor, count=1, **where)


def test_a_grant_that_is_revoked_in_mid_run_pauses_its_connection_and_stops_no_other(
    sandbox: Sandbox, folder: Path
) -> None:
    revoke(sandbox, "typeform", path="/responses")

    told = sync(folder)

    with opened(folder) as hub:
        known = standing(hub)
    assert told["exit_code"] == 1
    assert errors(told) == [("typeform", "CW201")]
    assert told["run"]["state"] == last_run(folder)["state"] == "part"
    assert (known["typeform"]["state"], known["typeform"]["code"]) == ("paused", "CW201")
    assert known["typeform"]["since"]
    assert (known["pipedrive"]["state"], known["pipedrive"]["code"]) == ("ok", None)
    assert {one["stream"]: one["read"] for one in told["streams"]}["pipedrive/persons"] > 0


def test_a_paused_connection_is_not_asked_again_and_goes_on_being_told(sandbox: Sandbox, folder: Path) -> None:
    revoke(sandbox, "typeform", path="/responses")
    sync(folder)
    sandbox.forget_log()

    told = sync(folder)

    assert calls(sandbox, "typeform") == 0
    assert calls(sandbox, "pipedrive") > 0
    assert told["exit_code"] == 1
    assert errors(told) == [("typeform", "CW201")]
    assert told["run"]["state"] == "part"
    (hint,) = {one["hint"] for one in told["problems"] if one["code"] == "CW201"}
    assert hint == "grant access anew, or correct its credentials, then  crosswalk check typeform"


def test_who_granted_in_a_browser_is_told_how_to_grant_anew(sandbox: Sandbox, folder: Path) -> None:
    path = folder / "crosswalk.yaml"
    before, named, typeform = path.read_text().partition("  typeform:")
    typeform = typeform.replace("flow: refresh_token", "flow: authorization_code")
    path.write_text(before + named + typeform.replace("      refresh_token: env:TYPEFORM_REFRESH_TOKEN\n", ""))
    sync(folder)
    paused = "UPDATE connection SET state = 'paused', code = 'CW201', detail = 'x', since = 1 WHERE name = 'typeform'"
    with opened(folder) as hub, hub._database.write() as connection:
        hub._database.run(connection, paused)

    (hint,) = {one["hint"] for one in sync(folder)["problems"] if one["code"] == "CW201"}

    assert hint == (
        "grant access anew (crosswalk auth typeform), or correct its credentials, then  crosswalk check typeform"
    )


def test_new_credentials_are_noticed_and_what_was_missed_is_caught_up(sandbox: Sandbox, folder: Path) -> None:
    revoke(sandbox, "typeform", path="/responses")
    sync(folder)
    granted_anew(sandbox, folder, "typeform")

    told = sync(folder)

    assert told["exit_code"] in (0, 3), told["problems"]
    assert {one["stream"]: one["read"] for one in told["streams"]}["typeform/responses"] > 0
    with opened(folder) as hub:
        assert standing(hub)["typeform"]["state"] == "ok"
    secrets = (folder / ".env").read_text()
    stored = b"".join(path.read_bytes() for path in folder.glob("crosswalk.db*"))
    for line in secrets.splitlines():
        if not line.startswith(("PIPEDRIVE_CLIENT_ID", "TYPEFORM_CLIENT_ID")):
            assert line.partition("=")[2].encode() not in stored


def test_a_check_that_succeeds_lets_it_go_on(sandbox: Sandbox, folder: Path) -> None:
    sync(folder)
    refused = "UPDATE connection SET state = 'paused', code = 'CW202', detail = 'x', since = 1 WHERE name = 'typeform'"
    with opened(folder) as hub, hub._database.write() as connection:  # for a while, and the credentials are good again
        hub._database.run(connection, refused)
    with opened(folder) as hub:
        before = standing(hub)["typeform"]["state"]
        checked = hub.check(["typeform"])

    assert before == "paused"
    assert checked["exit_code"] == 0
    assert errors(sync(folder)) == []


def test_a_check_that_is_refused_leaves_it_paused(sandbox: Sandbox, folder: Path) -> None:
    revoke(sandbox, "typeform", path="/responses")
    sync(folder)

    with opened(folder) as hub:
        since = standing(hub)["typeform"]["since"]
        checked = hub.check(["typeform"])
        known = standing(hub)["typeform"]

    assert checked["exit_code"] == 1
    assert [one["code"] for one in checked["problems"]] == ["CW201"]
    assert (known["state"], known["since"]) == ("paused", since)


def test_what_was_to_be_written_when_access_was_refused_is_written_afterwards(sandbox: Sandbox, folder: Path) -> None:
    revoke(sandbox, "pipedrive", method="PATCH", path="/persons", skip=2)
    sandbox.forget_log()

    told = sync(folder)

    patches = [one for one in sandbox.log()["effects"] if one["method"] == "PATCH"]
    with opened(folder) as hub:
        assert standing(hub)["pipedrive"]["state"] == "paused"
    assert told["exit_code"] == 1
    assert ("pipedrive", "CW201") in errors(told)
    assert len(patches) == 2
    granted_anew(sandbox, folder, "pipedrive")
    sandbox.forget_log()

    again = sync(folder)

    assert errors(again) == []
    assert again["totals"]["written"] > 0
    assert sync(folder)["totals"]["written"] == 0


def test_streams_of_a_refused_connection_do_not_ask_one_after_the_other(sandbox: Sandbox, folder: Path) -> None:
    """Every stream that would ask with a refused token is a try too many: vendors lock out who goes on."""
    sync(folder)
    sandbox.forget_log()
    revoke(sandbox, "pipedrive", method="GET", path="/(persons|organizations)")

    sync(folder)

    renewals = sum(one["count"] for one in sandbox.log()["calls"] if one["call"] == "POST /oauth/token")
    assert renewals <= 2  # the two streams that were under way


def test_nothing_of_the_tokens_is_logged(sandbox: Sandbox, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    revoke(sandbox, "typeform", path="/responses")

    told = sync(folder)

    for vendor in sandbox.vendors:
        for name, secret in vendor.credentials.items():
            assert secret not in caplog.text, name
            assert secret not in repr(told), name
