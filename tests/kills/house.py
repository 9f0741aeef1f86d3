"""Two simulated CRMs that a folder of exports is written to, and what they have when all is done."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from crosswalk import clock
from crosswalk.app import open_hub
from crosswalk.store.codec import load, millis
from sandbox.server import Sandbox
from tests.crosswalk.quick_daemon import LEASE_SECONDS

FILE: Final = """\
version: 1
store: {{url: '{url}'}}
schedule: {{every: 1s}}
connections:
  salesforce:
    base_url: {salesforce}
    auth: {{flow: client_credentials, client_id: 'env:SF_ID', client_secret: 'env:SF_SECRET'}}
    streams:
      contacts: {{write: [create, update], create_from: [shop], hub_id: Crosswalk_Id__c}}
  pipedrive:
    base_url: {pipedrive}
    auth: {{flow: api_token, api_token: 'env:PIPEDRIVE_TOKEN'}}
    streams:
      persons: {{write: [create, update], create_from: [shop]}}
  shop:
    connector: files
    path: ./exports
    streams:
      members:
        files: '*.csv'
        entity: person
        key: id
        mapping: {{name.full: name, "emails[work]": email, job_title: title}}
merge:
  defaults: {{masters: [shop, salesforce, pipedrive], on_conflict: [masters]}}
guards:
  create: {{at_most: 100000, share: 100%}}
  update: {{at_most: 100000, share: 100%}}
"""
VENDORS: Final = ("salesforce", "pipedrive")
MAIL: Final = "@kills.test"
_GIVEN: Final = ("Ada", "Bea", "Cem", "Dan", "Eva", "Fay", "Gus", "Hal", "Ida", "Jon", "Kay", "Leo")
_FAMILY: Final = ("Lind", "Berg", "Sho", "Costa", "Brown", "Ito", "Moreau", "Novak", "Okafor", "Ruiz")

Members = dict[str, tuple[str, str]]  # by key: name, title


def member(number: int) -> str:
    """Everybody has a name of their own: Salesforce's duplicate rule takes people of one name for one."""
    return (
        f"{_GIVEN[number % len(_GIVEN)]} {_FAMILY[number // len(_GIVEN) % len(_FAMILY)]}{'abcdefghij'[number // 120]}"
    )


class House:
    """A hub's folder and its vendors."""

    def __init__(self, folder: Path, sandbox: Sandbox, url: str) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.members: Members = {}
        self.secrets: dict[str, str] = {}
        vendors = {vendor.name: vendor for vendor in sandbox.vendors}
        text = FILE.format(url=url, **{name: vendor.base_url for name, vendor in vendors.items()})
        (folder / "exports").mkdir()
        self.config.write_text(text, "utf-8")
        self.secrets = {
            "SF_ID": vendors["salesforce"].credentials["client_id"],
            "SF_SECRET": vendors["salesforce"].credentials["client_secret"],
            "PIPEDRIVE_TOKEN": vendors["pipedrive"].credentials["api_token"],
        }
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in self.secrets.items()))

    @property
    def config(self) -> Path:
        return self.folder / "crosswalk.yaml"

    @property
    def log(self) -> Path:
        return self.folder / "daemon.log"

    def export(self) -> None:
        rows = [f"{key},{key}{MAIL},{name},{title}" for key, (name, title) in self.members.items()]
        path = self.folder / "exports" / "members.csv"
        path.with_suffix(".new").write_text("\n".join(["id,email,name,title", *rows, ""]))
        path.with_suffix(".new").replace(path)

    def sync(self) -> dict[str, Any]:
        with open_hub(self.config, who="kills") as hub:
            told: dict[str, Any] = hub.sync(first_too=True)
        return told

    def come_to_rest(self) -> None:
        """Runs until one finds nothing to do. Raises AssertionError where none does."""
        self._outlive()
        for _ in range(12):
            told = self.sync()
            totals = told["totals"]
            failed = [one for one in told["problems"] if one["severity"] == "error"]
            assert not failed, failed
            if not (totals["changed"] or totals["written"] or totals["moved"] or self._open()):
                return
        raise AssertionError(f"still busy after 12 runs: {totals}")

    def _outlive(self) -> None:
        """Wait for the leases of the daemon that was killed last: a run that finds a stream taken leaves it alone."""
        end = time.monotonic() + 10 * LEASE_SECONDS
        while self._held():
            assert time.monotonic() < end, f"a dead daemon still holds {self._held()}"
            time.sleep(LEASE_SECONDS / 10)

    def _held(self) -> list[str]:
        with open_hub(self.config) as hub:
            database = hub.offline.database
            with database.read() as connection:
                rows = database.run(
                    connection,
                    "SELECT name FROM lease WHERE holder IS NOT NULL AND expires_at > ?",
                    (millis(clock.now()),),
                ).fetchall()
        return [name for (name,) in rows]

    def _open(self) -> int:
        with open_hub(self.config) as hub:
            database = hub.offline.database
            with database.read() as connection:
                found = database.run(
                    connection, "SELECT count(*) FROM action WHERE state IN ('planned', 'leased', 'sent', 'unknown')"
                )
                return int(found.scalar())

    def shown(self) -> Mapping[str, list[tuple[str, ...]]]:
        """E-mail, name and title of our members as each CRM has them, sorted; each as often as it is there."""
        for name in VENDORS:
            with open_hub(self.config, who="kills") as hub:
                hub.resync(name)
        found: dict[str, list[tuple[str, ...]]] = {name: [] for name in VENDORS}
        with open_hub(self.config) as hub:
            database = hub.offline.database
            with database.read() as connection:
                rows = database.run(
                    connection,
                    "SELECT s.connection, b.raw FROM body b JOIN record r ON r.id = b.record "
                    "JOIN stream s ON s.id = r.stream WHERE r.state = 0 AND s.connection <> 'shop'",
                ).fetchall()
        for name, raw in rows:
            told = _told(load(bytes(raw)))
            if told[0].endswith(MAIL):
                found[name].append(told)
        return {name: sorted(some) for name, some in found.items()}

    def leaks(self) -> list[str]:
        """Lines of the daemons' log that say a member's name or address, or a secret."""
        personal = re.compile("|".join([MAIL, *(re.escape(name) for name, _ in self.members.values())]))
        lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        return [
            line for line in lines if personal.search(line) or any(secret in line for secret in self.secrets.values())
        ]


def _told(raw: Mapping[str, Any]) -> tuple[str, str, str]:
    if "Email" in raw:
        return str(raw["Email"]), f"{raw.get('FirstName')} {raw.get('LastName')}", str(raw.get("Title"))
    emails = raw.get("emails") or [{"value": ""}]
    return str(emails[0]["value"]), str(raw.get("name")), str(raw.get("job_title"))


class Nursery:
    """The process that starts daemons and kills them: see tests.kills.nursery."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def start(self, house: House, *, step: str | None = None, count: int = 0) -> int:
        return int(self._ask(config=str(house.config), log=str(house.log), step=step, count=count))

    def kill(self, number: int, *, after: float) -> str:
        """How it ended: see tests.kills.nursery. `after` so many seconds, where it does not end itself before."""
        return str(self._ask(kill=number, after=after))

    def _ask(self, **what: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def opened(folder: Path, url: str) -> Iterator[House]:
    """A house with vendors that nobody has touched. The folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    with Sandbox.start(VENDORS, seed=7, size=20, limits="lifted") as sandbox:
        yield House(folder, sandbox, url)
