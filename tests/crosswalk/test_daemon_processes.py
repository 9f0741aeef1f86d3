"""Whole daemons as processes, on a simulated vendor: told to end, killed, frozen and woken, two on one store."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from crosswalk.app import open_hub
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.crosswalk.quick_daemon import LEASE_SECONDS

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 90.0  # seconds, on a machine that does much else; nothing here takes a tenth of it by itself
FILE: Final = """
version: 1
store: {{url: '{url}'}}
schedule: {{every: {every}}}
connections:
  pipedrive:
    base_url: {pipedrive}
    auth: {{flow: api_token, api_token: {pipedrive_token}}}
    streams:
      persons: {{write: [update]}}
  shop:
    connector: files
    path: ./exports
    streams:
      members:
        files: '*.csv'
        entity: person
        key: id
        mapping: {{name.full: name, "emails[work]": email}}
merge:
  defaults: {{masters: [shop, pipedrive], on_conflict: [masters]}}
guards:
  update: {{at_most: 100, share: 100%}}
"""


class Daemon:
    """One process, and what it has logged."""

    def __init__(self, house: "House") -> None:
        self.log = house.folder / f"daemon-{len(house.daemons)}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.crosswalk.quick_daemon", str(house.folder / "crosswalk.yaml")],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == event]

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def ends(self) -> int:
        return self.process.wait(PATIENCE)


class House:
    """A vendor with persons of whom a folder of exports knows the names; daemons keep the two in agreement."""

    def __init__(self, folder: Path, url: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.daemons: list[Daemon] = []
        self._url = url
        vendor = sandbox.vendor("pipedrive")
        monkeypatch.setenv("PIPEDRIVE_TOKEN", vendor.credentials["api_token"])
        self.base_url = vendor.base_url
        (folder / "exports").mkdir()

    def configure(self, every: str = "1s") -> None:
        (self.folder / "crosswalk.yaml").write_text(
            FILE.format(url=self._url, every=every, pipedrive=self.base_url, pipedrive_token="env:PIPEDRIVE_TOKEN")
        )

    def export(self, family: str) -> None:
        rows = [f"{email.partition('@')[0]},{email},{given} {family}" for email, given in PEOPLE.items()]
        path = self.folder / "exports" / "members.csv"
        path.with_suffix(".new").write_text("\n".join(["id,email,name", *rows, ""]))
        path.with_suffix(".new").replace(path)

    def daemon(self) -> Daemon:
        self.daemons.append(Daemon(self))
        return self.daemons[-1]

    def families(self) -> set[str]:
        """The family names that the vendor shows."""
        return {str(self._row(key)["name"]).rpartition(" ")[2] for key in self.keys.values()}

    def _row(self, key: str) -> dict[str, Any]:
        import urllib.request

        request = urllib.request.Request(
            f"{self.base_url}/api/v2/persons/{key}", headers={"x-api-token": os.environ["PIPEDRIVE_TOKEN"]}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            told: dict[str, Any] = json.loads(answer.read())["data"]
        return told

    def begin(self) -> None:
        """The persons are there, the first plan has been applied, and nothing is left to do."""
        self.keys = {email: self._person(email, f"{given} Unknown") for email, given in PEOPLE.items()}
        self.export("Alvarez")
        self.configure()
        with open_hub(self.folder / "crosswalk.yaml") as hub:
            hub.sync(first_too=True)
        with open_hub(self.folder / "crosswalk.yaml") as hub:
            assert hub.sync()["totals"]["written"] == 0
        assert self.families() == {"Alvarez"}
        self.sandbox.forget_log()

    def _person(self, email: str, name: str) -> str:
        emails = [{"value": email, "primary": True, "label": "work"}]
        return self.sandbox.edit("pipedrive", "persons", None, {"name": name, "emails": emails})

    def written(self) -> Counter[tuple[str, str]]:
        """How often each name was written to each person."""
        return Counter((one["record"], str(one["fields"]["name"])) for one in self.sandbox.log()["effects"])

    def slow(self, delay_ms: int) -> Fault:
        """Whoever reads persons waits for them; `fired` says that somebody does."""
        return self.sandbox.fault("slow", vendor="pipedrive", method="GET", path="persons", delay_ms=delay_ms)

    def close(self) -> None:
        for one in self.daemons:
            if one.process.poll() is None:
                one.process.kill()
                one.process.wait()


GIVEN: Final = ["Ada", "Bea", "Cem", "Dan", "Eva", "Fay", "Gus", "Hal", "Ida", "Jon", "Kay", "Leo"]
PEOPLE: Final = {f"{given.lower()}@house.test": given for given in GIVEN}


def until(what: Callable[[], bool]) -> None:
    pause = threading.Event()
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it never came to that"
        pause.wait(0.1)


@pytest.fixture
def house(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with Sandbox.start(("pipedrive",), seed=7, size=20, limits="lifted") as sandbox:
        made = House(tmp_path, database_url, sandbox, monkeypatch)
        made.begin()
        yield made
        made.close()


def test_two_daemons_one_frozen_and_woken_one_killed_write_everything_and_nothing_twice(house: House) -> None:
    first, second = house.daemon(), house.daemon()
    until(lambda: all(one.lines("run.done") for one in (first, second)))

    def round_of(family: str) -> None:
        house.export(family)
        until(lambda: house.families() == {family})

    round_of("Brown")
    # Frozen while a page of its own is on its way, for longer than its leases last.
    house.slow(400)
    began = len(first.lines("run.start"))
    until(lambda: len(first.lines("run.start")) > began)
    first.send(signal.SIGSTOP)
    round_of("Costa")
    first.send(signal.SIGCONT)
    done = len(first.lines("run.done"))
    until(lambda: len(first.lines("run.done")) > done)

    began = len(second.lines("run.start"))
    until(lambda: len(second.lines("run.start")) > began)
    second.send(signal.SIGKILL)
    second.ends()
    round_of("Dietz")
    house.sandbox.clear_faults()
    round_of("Evans")

    killed = second.lines("run.start")[-1]["run"]
    until(lambda: _state(house, killed) != "running")
    assert _state(house, killed) in ("abandoned", "done")
    twice = {one: count for one, count in house.written().items() if count > 1}
    assert twice == {}
    assert len(house.written()) == len(PEOPLE) * 4  # each name once for each person
    slots = Counter((line["connection"], line["slot"]) for one in house.daemons for line in one.lines("run.start"))
    assert [slot for slot, count in slots.items() if count > 2] == []  # by one, and by who made up for it


def _state(house: House, run: str) -> str:
    with open_hub(house.folder / "crosswalk.yaml") as hub:
        return str(hub.runs(run=run)["runs"][0]["state"])


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_told_to_end_a_daemon_finishes_its_page_leaves_its_slot_and_ends_with_0(house: House) -> None:
    slow = house.slow(1500)
    house.configure("1d")
    daemon = house.daemon()
    until(lambda: slow.fired > 0)
    until(lambda: any(line["connection"] == "shop" for line in daemon.lines("run.done")))

    daemon.send(signal.SIGTERM)

    assert daemon.ends() == 0
    (stopping,), (stopped,) = daemon.lines("daemon.stopping"), daemon.lines("daemon.stopped")
    assert (stopping["signal"], stopped["unfinished"]) == ("SIGTERM", 0)
    house.sandbox.clear_faults()
    again = house.daemon()
    until(lambda: len(again.lines("run.done")) == 1)
    (line,) = again.lines("run.start")
    assert (line["connection"], line["slot"]) == (
        "pipedrive", next(one["slot"] for one in daemon.lines("run.start") if one["connection"] == "pipedrive"),
    )  # fmt: skip


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_second_signal_ends_a_daemon_at_once(house: House) -> None:
    slow = house.slow(20_000)
    daemon = house.daemon()
    until(lambda: slow.fired > 0)
    daemon.send(signal.SIGTERM)
    until(lambda: bool(daemon.lines("daemon.stopping")))

    daemon.send(signal.SIGTERM)

    assert daemon.ends() == 130
    assert daemon.lines("daemon.stopped") == []


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_the_work_of_a_killed_daemon_is_made_up_for_and_its_run_known_to_be_over(house: House) -> None:
    slow = house.slow(1500)
    house.configure("1d")  # the next slot of its own would come tomorrow
    killed = house.daemon()
    until(lambda: slow.fired > 0)
    killed.send(signal.SIGKILL)
    killed.ends()
    house.sandbox.clear_faults()

    heir = house.daemon()
    until(lambda: any(line["connection"] == "pipedrive" for line in heir.lines("run.done")))

    (mine,) = [line for line in killed.lines("run.start") if line["connection"] == "pipedrive"]
    (theirs,) = [line for line in heir.lines("run.start") if line["connection"] == "pipedrive"]
    assert theirs["slot"] == mine["slot"]
    until(lambda: _state(house, mine["run"]) == "abandoned")
    assert LEASE_SECONDS < PATIENCE
