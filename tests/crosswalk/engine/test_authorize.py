"""A grant in the browser, on simulated vendors: asked for, tried, kept, used; and what becomes of the one before."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from connectors.sdk.contract import Grant
from connectors.sdk.errors import GrantError
from crosswalk.app import Hub, open_hub
from crosswalk.engine.authorize import Question
from crosswalk.engine.words import AskError
from crosswalk.store.tokens import Tokens
from sandbox.server import Sandbox

REDIRECT = "http://localhost:8910/callback"
FILE = """\
version: 1
connections:
  pipedrive:
    base_url: {pipedrive}
    token_url: {pipedrive}/oauth/token
    auth: {{flow: authorization_code, client_id: env:PIPEDRIVE_CLIENT_ID, client_secret: env:PIPEDRIVE_CLIENT_SECRET}}
    streams: {{persons: }}
  typeform:
    base_url: {typeform}
    token_url: {typeform}/oauth/token
    auth: {{token: env:TYPEFORM_TOKEN}}
    streams: {{forms: }}
"""

Open = Callable[[], Any]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("pipedrive", "typeform"), size=60, limits="lifted") as running:
        yield running


@pytest.fixture
def folder(sandbox: Sandbox, tmp_path: Path) -> Path:
    sandbox.clear_faults()
    written = FILE.format(**{vendor.name: vendor.base_url for vendor in sandbox.vendors})
    (tmp_path / "crosswalk.yaml").write_text(written)
    secrets = [
        f"{vendor.name}_{name}".upper() + f"={secret}\n"
        for vendor in sandbox.vendors
        for name, secret in vendor.credentials.items()
    ]
    (tmp_path / ".env").write_text("".join(secrets))
    return tmp_path


def in_a_browser(question: Question) -> Mapping[str, str]:
    """A user who allows it at once."""
    answer = httpx.get(question.address)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def yes(_question: str) -> bool:
    return True


def no(_question: str) -> bool:
    return False


def unasked(_question: str) -> bool:
    raise AssertionError("there is nothing to confirm")


def grant(
    hub: Hub, connection: str = "pipedrive", *, ask: Any = in_a_browser, confirm: Any = unasked
) -> dict[str, Any]:
    return hub.authorize(connection, redirect_uri=REDIRECT, ask=ask, confirm=confirm)


def held(hub: Hub, connection: str = "pipedrive") -> Grant | None:
    return hub._builder.tools[connection].tokens.read(connection)


def states(hub: Hub) -> dict[str, str]:
    return {one["name"]: one["state"] for one in hub.status()["connections"]}


def test_before_it_is_granted_check_and_plan_say_how_and_the_others_go_on(folder: Path) -> None:
    with open_hub(folder / "crosswalk.yaml") as hub:
        checked = hub.check()
    with open_hub(folder / "crosswalk.yaml") as hub:
        planned = hub.plan()
        read = [one for one in hub.status()["streams"] if one["records"]]

    for told in (checked, planned):
        (problem,) = [one for one in told["problems"] if one.get("severity") != "warning"]
        assert (told["exit_code"], problem["code"], problem["connection"]) == (1, "CW205", "pipedrive")
        assert "crosswalk auth pipedrive" in problem["hint"]
    assert [one["stream"] for one in read] == ["typeform/forms"]


def test_a_grant_is_tried_kept_encrypted_and_used_by_whoever_opens_the_store(folder: Path) -> None:
    asked: list[Question] = []

    def ask(question: Question) -> Mapping[str, str]:
        asked.append(question)
        return in_a_browser(question)

    with open_hub(folder / "crosswalk.yaml") as hub:
        told = grant(hub, ask=ask)
        kept = held(hub)

    assert (told["exit_code"], told["account"], told["problems"]) == (0, "Nordlicht", [])
    assert kept is not None
    assert kept.refresh_token is not None
    stored = b"".join(path.read_bytes() for path in folder.glob("crosswalk.db*"))
    assert kept.access_token.encode() not in stored
    assert kept.refresh_token.encode() not in stored
    assert kept.access_token not in repr(told)
    (question,) = asked
    assert question.first
    assert any(REDIRECT in step for step in question.registration)
    with open_hub(folder / "crosswalk.yaml") as hub:
        synced = hub.sync()
        assert states(hub)["pipedrive"] == "ok"
    assert synced["exit_code"] in (0, 3)  # pairs of that world may wait for a person
    assert {one["stream"]: one["read"] for one in synced["streams"]}["pipedrive/persons"] > 0


def test_who_grants_it_again_is_not_told_again_how_to_have_an_app(folder: Path) -> None:
    seen: list[bool] = []

    def ask(question: Question) -> Mapping[str, str]:
        seen.append(question.first)
        return in_a_browser(question)

    with open_hub(folder / "crosswalk.yaml") as hub:
        grant(hub, ask=ask)
        grant(hub, ask=ask)

    assert seen == [True, False]


@pytest.mark.parametrize(
    "answer", [{"error": "user_denied"}, {"code": "1.wrong", "state": "another"}, {"code": "", "state": "another"}]
)
def test_a_refusal_keeps_nothing(folder: Path, answer: dict[str, str]) -> None:
    with open_hub(folder / "crosswalk.yaml") as hub:
        with pytest.raises(GrantError) as caught:
            grant(hub, ask=lambda _: answer)

        assert caught.value.code == "CW205"
        assert held(hub) is None


def test_a_code_that_was_used_is_told_as_such_and_not_shown(folder: Path) -> None:
    def used(question: Question) -> Mapping[str, str]:
        return {**in_a_browser(question), "code": "1.used-before"}

    with open_hub(folder / "crosswalk.yaml") as hub:
        with pytest.raises(GrantError, match="the code is refused") as caught:
            grant(hub, ask=used)

        assert "used-before" not in f"{caught.value!r} {caught.value.hint} {caught.value.__cause__!r}"
        assert held(hub) is None


def another_account(hub: Hub) -> None:
    """What the store knows is of somebody else."""
    grant(hub)
    with hub._database.write() as connection:
        row = hub._database.run(connection, "SELECT account FROM connection WHERE name = 'pipedrive'").scalar()
        other = bytes(row).replace(b'"Nordlicht"', b'"Acme"')
        number = bytes(row).split(b'"id":"')[1].split(b'"')[0]
        other = other.replace(b'"id":"' + number, b'"id":"777')
        hub._database.run(connection, "UPDATE connection SET account = ? WHERE name = 'pipedrive'", (other,))


def test_the_grant_of_another_account_is_kept_only_if_somebody_says_so(folder: Path) -> None:
    with open_hub(folder / "crosswalk.yaml") as hub:
        another_account(hub)
        before = held(hub)

        with pytest.raises(GrantError, match="is not kept") as caught:
            grant(hub, confirm=no)
        refused = held(hub)
        told = grant(hub, confirm=yes)
        again = grant(hub)

    assert caught.value.code == "CW206"
    assert "Acme (777)" in caught.value.hint
    assert refused == before
    assert told["another"]
    assert not again["another"]


def test_a_grant_is_kept_although_the_account_cannot_be_asked(sandbox: Sandbox, folder: Path) -> None:
    sandbox.fault("forbidden", vendor="pipedrive", path="/users/me", count=1)

    with open_hub(folder / "crosswalk.yaml") as hub:
        told = grant(hub)
        kept = held(hub)
        checked = hub.check(["pipedrive"])

    assert (told["exit_code"], told["account"]) == (1, None)
    assert [one["severity"] for one in told["problems"]] == ["error"]
    assert kept is not None
    assert checked["exit_code"] == 0


def test_a_renewal_that_is_under_way_does_not_win_over_a_person(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[str] = []
    replace = Tokens.replace

    def overtaken(self: Tokens, connection: str, grant: Grant, *, generation: int) -> bool:
        if not lost:
            lost.append(connection)
            replace(self, connection, grant._replace(access_token="renewed"), generation=generation)
        return replace(self, connection, grant, generation=generation)

    monkeypatch.setattr(Tokens, "replace", overtaken)
    with open_hub(folder / "crosswalk.yaml") as hub:
        grant(hub)

        kept = held(hub)

    assert kept is not None
    assert kept.access_token != "renewed"
    assert kept.generation == 2


def test_new_credentials_in_the_environment_leave_an_older_grant_unused(folder: Path) -> None:
    with open_hub(folder / "crosswalk.yaml") as hub:
        grant(hub)
    env = (folder / ".env").read_text().replace("PIPEDRIVE_CLIENT_ID=", "PIPEDRIVE_CLIENT_ID=new-")
    (folder / ".env").write_text(env)

    with open_hub(folder / "crosswalk.yaml") as hub:
        told = hub.check(["pipedrive"])

    assert [one["code"] for one in told["problems"]] == ["CW205"]
    assert "another app" in told["problems"][0]["text"]


@pytest.mark.parametrize(
    ("connection", "said"),
    [("typeform", "nothing to grant in a browser"), ("salesforce", "no connection 'salesforce'")],
)
def test_where_there_is_nothing_to_grant_nobody_is_asked(folder: Path, connection: str, said: str) -> None:
    with open_hub(folder / "crosswalk.yaml") as hub, pytest.raises(AskError, match=said):
        grant(hub, connection, ask=unasked)
