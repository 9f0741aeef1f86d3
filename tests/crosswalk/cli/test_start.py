"""init, sandbox and demo: what somebody who begins gets."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from connectors.sdk.registry import names
from crosswalk.cli import begin
from sandbox.server import MAKERS
from tests.crosswalk.cli.fixtures import FakeHub, Run
from tests.crosswalk.cli.test_terminal import PATIENCE, ROOT, Terminal

WROTE = """\
wrote  crosswalk.yaml   2 connections, read only until you add `write`; every key explained
       crosswalk.schema.json   with it your editor completes and checks the file
       .env.example     the 2 secrets it refers to; copy to .env and fill in
       crosswalk.key    encrypts stored tokens; back it up, never commit it (added to .gitignore)
Next:  crosswalk check                               (no account at hand?  crosswalk demo)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# init


def test_init_writes_what_the_page_says(crosswalk: Run, folder: Path) -> None:
    result = crosswalk("init", "--connect", "pipedrive,typeform")

    assert result.out == WROTE
    assert result.code == 0
    assert (folder / ".gitignore").read_text().splitlines() == ["crosswalk.key", ".env", "crosswalk.db*"]
    assert (folder / "crosswalk.key").stat().st_mode & 0o777 == 0o600


def test_what_init_writes_can_be_read_as_it_stands(crosswalk: Run, folder: Path) -> None:
    from crosswalk.settings.load import load

    crosswalk("init", "--connect", "pipedrive,typeform")

    loaded = load(folder / "crosswalk.yaml", environment={"PIPEDRIVE_API_TOKEN": "x", "TYPEFORM_TOKEN": "y"})
    assert loaded.problems == []
    assert loaded.hub is not None
    assert list(loaded.hub.connections) == ["pipedrive", "typeform"]


def test_init_replaces_nothing_without_a_word(crosswalk: Run, folder: Path) -> None:
    (folder / "crosswalk.yaml").write_text("mine")

    refused = crosswalk("init", "--connect", "typeform")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert [path.name for path in folder.iterdir()] == ["crosswalk.yaml"]

    assert crosswalk("init", "--connect", "typeform", terminal=True, typed="n\n").code == 2
    assert (folder / "crosswalk.yaml").read_text() == "mine"

    assert crosswalk("init", "--connect", "typeform", "--yes").code == 0
    assert "typeform:" in (folder / "crosswalk.yaml").read_text()


def test_a_key_that_opens_a_store_is_never_replaced(crosswalk: Run, folder: Path) -> None:
    (folder / "crosswalk.key").write_text("opens a store")
    (folder / ".gitignore").write_text("*.log")

    result = crosswalk("init", "--connect", "typeform", "--yes")

    assert (folder / "crosswalk.key").read_text() == "opens a store"
    assert "kept   crosswalk.key    as it was" in result.out
    assert (folder / ".gitignore").read_text().splitlines() == ["*.log", "crosswalk.key", ".env", "crosswalk.db*"]


def test_init_maps_the_columns_of_exports(crosswalk: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crosswalk.settings.load import load

    monkeypatch.setenv("TZ", "Europe/Berlin")
    (folder / "exports").mkdir()
    (folder / "exports" / "kunden-2026.csv").write_text("Nr;Vorname;Nachname;Telefon\n7;Mara;Lind;030 1234567\n")
    (folder / "exports" / "deals.csv").write_text("id,amount\n1,300\n")

    result = crosswalk("init", "--exports", "exports")

    assert result.code == 0
    assert "kunden-*.csv     people, known by 'Nr'; 4 of 4 columns mapped" in result.out
    assert "those of DE" in result.out
    loaded = load(folder / "crosswalk.yaml", environment={})
    assert loaded.problems == []
    assert loaded.hub is not None
    assert loaded.hub.phone_region == "DE"
    assert list(loaded.hub.connections["files"].streams) == ["kunden"]


def test_init_names_the_folder_that_holds_no_exports(crosswalk: Run, folder: Path) -> None:
    (folder / "empty").mkdir()

    assert "no export lies in empty" in crosswalk("init", "--exports", "empty").err
    assert crosswalk("init", "--exports", "nowhere").code == 2
    assert [path.name for path in folder.iterdir()] == ["empty"]


def test_init_without_a_terminal_names_the_flag(crosswalk: Run, folder: Path) -> None:
    result = crosswalk("init")

    assert result.code == 2
    assert "--connect" in result.err
    assert list(folder.iterdir()) == []


def test_an_unknown_system_is_told_which_there_are(crosswalk: Run, folder: Path) -> None:
    result = crosswalk("init", "--connect", "typefrom")

    assert result.code == 2
    assert f"there are: {', '.join(names())}\n" in result.err
    assert list(folder.iterdir()) == []


def test_init_tells_json_what_it_wrote(crosswalk: Run) -> None:
    told = json.loads(crosswalk("init", "--connect", "typeform", "--json").out)

    assert told["command"] == "init"
    assert told["written"][0] == "crosswalk.yaml"


def test_init_asks_on_a_terminal(folder: Path) -> None:
    terminal = Terminal("--config", str(folder / "crosswalk.yaml"), "init", TZ="Europe/Stockholm")

    terminal.until(lambda shown: "[ ] typeform" in shown)
    systems = names()
    terminal.type("\x1b[C" * systems.index("pipedrive") + " ")  # there, and mark it
    terminal.until(lambda shown: "[x] pipedrive" in shown)
    terminal.type("\x1b[C" * (systems.index("typeform") - systems.index("pipedrive")) + " \n")
    terminal.until(lambda shown: "Whose value wins" in shown)
    terminal.type("2 1\n")
    terminal.until(lambda shown: "Time zone" in shown)
    terminal.type("Nowhere/Town\n")
    terminal.until(lambda shown: "there is no time zone" in shown)
    terminal.type("\n")

    assert terminal.end() == 0
    written = (folder / "crosswalk.yaml").read_text()
    assert "time_zone: Europe/Stockholm" in written
    assert "masters: [typeform, pipedrive]" in written


def test_this_machines_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "readlink", lambda _: "/usr/share/zoneinfo/Asia/Dhaka")
    monkeypatch.delenv("TZ", raising=False)
    assert begin.local_zone() == "Asia/Dhaka"

    monkeypatch.setattr(os, "readlink", lambda _: "/usr/share/zoneinfo/Etc/UTC")
    assert begin.local_zone() == "UTC"

    monkeypatch.setenv("TZ", "CET-1CEST")  # a rule, not a name
    assert begin.local_zone() == "UTC"


# sandbox


def spawn(*args: str, folder: Path, **options: Any) -> "subprocess.Popen[str]":
    """The real `crosswalk`, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", HEARING, *args], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, **options,
    )  # fmt: skip


# A shell that runs the tests in the background has Ctrl-C ignored, and a child keeps to that.
HEARING = """\
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from crosswalk.cli.main import main
main()
"""


@pytest.fixture
def sandbox(folder: Path) -> "Iterator[subprocess.Popen[str]]":
    process = spawn("sandbox", "--base-port", "0", "--size", "5", "--json", folder=folder)
    yield process
    process.kill()
    process.communicate()


def test_the_sandbox_says_where_it_listens_and_how_to_get_in(sandbox: "subprocess.Popen[str]") -> None:
    assert sandbox.stdout is not None
    told = json.loads(sandbox.stdout.readline())

    assert [vendor["name"] for vendor in told["vendors"]] == list(MAKERS)
    vendor = next(vendor for vendor in told["vendors"] if vendor["name"] == "typeform")
    request = Request(f"{vendor['base_url']}/me", headers={"Authorization": f"Bearer {vendor['credentials']['token']}"})
    with urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 200


def test_ctrl_c_stops_the_sandbox(sandbox: "subprocess.Popen[str]") -> None:
    assert sandbox.stdout is not None
    sandbox.stdout.readline()

    sandbox.send_signal(signal.SIGINT)

    assert sandbox.wait(PATIENCE) == 0


def test_the_sandbox_reads_like_the_page() -> None:
    from datetime import UTC, datetime
    from io import StringIO

    from crosswalk.cli.screen import Screen, plain
    from crosswalk.cli.start import listed_vendors

    names = ("salesforce", "zoho", "pipedrive")
    answer = {
        "vendors": [{"name": name, "base_url": f"http://127.0.0.1:{8700 + at}"} for at, name in enumerate(names)],
        "seed": 7,
        "size": 5000,
        "faults_url": "http://127.0.0.1:8709/faults",
    }

    lines = list(listed_vendors(answer, Screen(stream=StringIO(), now=datetime.now(UTC), zone=UTC)))

    assert [plain(line) for line in lines] == [
        "salesforce http://127.0.0.1:8700   zoho :8701   pipedrive :8702",
        "5,000 customers, the same for every seed 7.  Faults: POST :8709/faults.  Ctrl-C stops.",
    ]


# demo


def run_demo(folder: Path, *more: str) -> tuple[int, str, str]:
    process = spawn("demo", "--size", "60", *more, folder=folder)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_the_demo_ends_in_agreement_after_one_that_was_killed_too(folder: Path) -> None:
    killed = spawn("demo", "--size", "60", folder=folder)
    database = folder / "crosswalk-demo" / "crosswalk.db"
    until = time.monotonic() + PATIENCE
    while not database.exists() and killed.poll() is None and time.monotonic() < until:
        time.sleep(0.02)  # the one way to hit a process in the middle of its work
    killed.kill()
    killed.communicate()

    code, out, err = run_demo(folder)

    assert (code, "is of an earlier demo" in err) == (0, True), err
    assert "5  applied" in out
    said = " ".join(out.split())  # wherever it is wrapped
    assert "NPS score of Mara Lindqvist is: Salesforce 3 and Zoho 3 and Pipedrive 3" in said
    assert "6  again     0 changed, 0 written" in out
    for source in ("pipedrive/persons/", "shop/members/", "typeform/responses/"):
        assert source in out

    # The vendors are gone, and what was learned can still be explained.
    asked = spawn("explain", out.split("person/")[1].split()[0], "--json", folder=folder / "crosswalk-demo")
    told = json.loads(asked.communicate(timeout=60)[0])
    score = next(field for field in told["fields"] if field["name"] == "cx.nps.score")
    assert score["value"] == 3
    assert score["source"].startswith("typeform/responses/")


def test_a_demo_that_stays_can_be_worked_with_and_ends_with_ctrl_c(folder: Path) -> None:
    demo = spawn("demo", "--size", "60", "--stay", folder=folder)
    try:
        assert demo.stderr is not None
        said = ""
        while "Ctrl-C stops" not in said:
            line = demo.stderr.readline()
            assert line, said
            said += line
        synced = spawn("sync", "--json", folder=folder / "crosswalk-demo")
        told = json.loads(synced.communicate(timeout=PATIENCE)[0])
        assert told["exit_code"] == 0, told["problems"]
        assert told["totals"]["written"] == 0
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=PATIENCE)
        assert demo.returncode == 0
    finally:
        demo.kill()
        demo.communicate()


def test_the_demo_tells_json_its_steps(folder: Path) -> None:
    code, out, _ = run_demo(folder, "--json")

    told = json.loads(out)
    assert code == 0
    assert [step["name"] for step in told["steps"]] == ["started", "read", "matched", "planned", "applied", "again"]
    assert all(step["ok"] for step in told["steps"])
    assert told["steps"][4]["counts"]["nps_shown"] == {"salesforce": 3, "zoho": 3, "pipedrive": 3}
    assert {vendor["name"] for vendor in told["vendors"]} == {
        "salesforce", "zoho", "pipedrive", "qualtrics", "typeform",
    }  # fmt: skip


def test_the_demo_touches_no_folder_that_is_not_its_own(folder: Path) -> None:
    mine = folder / "crosswalk-demo" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("irreplaceable")

    code, _, err = run_demo(folder)

    assert code == 2
    assert "--folder" in err
    assert mine.read_text() == "irreplaceable"


def test_two_demos_do_not_share_a_folder(folder: Path) -> None:
    import fcntl

    marker = folder / "crosswalk-demo" / ".crosswalk-demo"
    marker.parent.mkdir()
    with marker.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, _, err = run_demo(folder)

    assert code == 2
    assert "another demo is at work" in err


def test_the_hub_is_not_opened_for_what_needs_none(crosswalk: Run, hub: FakeHub) -> None:
    crosswalk("init", "--connect", "typeform")

    assert hub.opened == {}
