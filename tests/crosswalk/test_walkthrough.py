"""The README's mistakes, made on purpose: a wrong master is taken back by undo, a wrong join by a split."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from crosswalk.cli.main import application
from sandbox.server import Sandbox

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SECTION = README[README.index("### A mistake on purpose") : README.index("## What it never does")]
JOIN = README[README.index("### Two who are not one") : README.index("### A mistake on purpose")]
_, WRONG_JOIN = re.findall(r"```\n(.*?)```", JOIN, re.DOTALL)
YAML, TRANSCRIPT = re.findall(r"```(?:yaml)?\n(.*?)```", SECTION, re.DOTALL)
STAMPS = {"LastModifiedDate", "LastModifiedById", "SystemModstamp", "update_time", "attributes"}

Say = Callable[..., str]
Rows = dict[str, dict[str, Any]]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("salesforce", "pipedrive"), seed=7, size=100, limits="lifted") as running:
        yield running


@pytest.fixture
def folder(sandbox: Sandbox, tmp_path: Path) -> Path:
    salesforce, pipedrive = sandbox.vendor("salesforce"), sandbox.vendor("pipedrive")
    text = YAML.replace("http://127.0.0.1:8702", salesforce.base_url).replace(
        "http://127.0.0.1:8700", pipedrive.base_url
    )
    (tmp_path / "crosswalk.yaml").write_text(text, "utf-8")
    secrets = {
        "SALESFORCE_CLIENT_ID": salesforce.credentials["client_id"],
        "SALESFORCE_CLIENT_SECRET": salesforce.credentials["client_secret"],
        "PIPEDRIVE_API_TOKEN": pipedrive.credentials["api_token"],
    }
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()), "utf-8")
    return tmp_path


@pytest.fixture
def say(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command as it stands in the README; what it answers. `code`: what it exits with."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")

    def run(line: str, *, code: int = 0) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            application([*line.split()[1:], "--yes", "--quiet", "--as", "anna", "--show-values"], prog_name="crosswalk")
        told = capsys.readouterr()
        assert (ended.value.code or 0) == code, told
        return told.out

    return run


def asked(address: str, headers: dict[str, str], body: dict[str, str] | None = None) -> Any:
    data = None if body is None else urlencode(body).encode()
    with urlopen(Request(address, data, headers)) as answer:
        return json.load(answer)


def both(sandbox: Sandbox) -> Rows:
    """Every contact of Salesforce and person of Pipedrive, by their own doors, without stamps of the last edit."""
    salesforce, pipedrive = sandbox.vendor("salesforce"), sandbox.vendor("pipedrive")
    login = {name: salesforce.credentials[name] for name in ("client_id", "client_secret")}
    token = asked(salesforce.token_url, {}, {"grant_type": "client_credentials", **login})["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    root = f"{salesforce.base_url}/services/data/v66.0"
    fields = [one["name"] for one in asked(f"{root}/sobjects/Contact/describe", bearer)["fields"]]
    query = urlencode({"q": f"SELECT {','.join(fields)} FROM Contact LIMIT 2000"})
    contacts = asked(f"{root}/query?{query}", bearer)["records"]
    key = {"x-api-token": pipedrive.credentials["api_token"]}
    persons = asked(f"{pipedrive.base_url}/api/v2/persons?limit=500", key)["data"]
    rows = {f"salesforce/contacts/{one['Id']}": one for one in contacts}
    rows |= {f"pipedrive/persons/{one['id']}": one for one in persons}
    return {name: {field: row[field] for field in row if field not in STAMPS} for name, row in rows.items()}


def undated(text: str) -> list[str]:
    """Without what is another one each time: days, times, seconds, calls that are left; and without blanks."""
    for pattern, instead in (
        (r"\b\d{1,2} [A-Z][a-z]{2} \d\d:\d\d", "DAY TIME"), (r"\b\d\d:\d\d\b", "TIME"), (r"\b\d+(\.\d)? s\b", "n s"),
        (r"of [\d,]+ left today", "of n left today"), (r"\bperson/[0-9a-z]{5}\b", "person/ID"),
        (r"\bM\d+\b", "Mn"),
    ):  # fmt: skip
        text = re.sub(pattern, instead, text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def played(transcript: str, sandbox: Sandbox, say: Say) -> tuple[str, list[Rows]]:
    """What its commands answer, and what both CRMs show after each."""
    told, shown = "", []
    for line, code in re.findall(r"^\$ (crosswalk .*?)(?:  +\(exit (\d)\))?$", transcript, re.MULTILINE):
        told += f"$ {line}" + f"  (exit {code})" * bool(code) + "\n" + say(line, code=int(code or 0))
        shown.append(both(sandbox))
    return told, shown


def test_the_readmes_wrong_join_is_split_and_both_crms_are_as_they_were(
    sandbox: Sandbox, say: Say, folder: Path
) -> None:
    file = folder / "crosswalk.yaml"
    file.write_text(file.read_text().replace("[pipedrive, salesforce]", "[salesforce, pipedrive]"))

    told, shown = played(WRONG_JOIN, sandbox, say)

    applied, asked_why, said, joined, split, held, given_back = shown[1:]
    assert asked_why == said == applied
    assert {name for name in applied if joined[name] != applied[name]} == {
        "salesforce/contacts/003Hs000001000tIAA", "pipedrive/persons/135",
    }  # fmt: skip
    assert split == held == joined
    assert given_back == applied
    assert undated(told) == undated(WRONG_JOIN)


def test_the_readmes_mistake_is_taken_back(sandbox: Sandbox, say: Say) -> None:
    before = both(sandbox)
    told, shown = played(TRANSCRIPT, sandbox, say)

    planned, applied, proposed, taken_back, *_, synced = shown
    changed = {name for name in before if applied[name] != before[name]}
    assert (planned, proposed) == (before, applied)
    assert len(changed) == 40
    assert taken_back == before
    assert synced == before
    assert undated(told) == undated(TRANSCRIPT)
