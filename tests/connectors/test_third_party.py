"""A connector of another distribution: built, installed beside the hub, found, read, and held against the contract.

Everything happens in processes of their own, which see the installed wheel and not the sources beside this file.
"""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.connectors.third_party.crosswalk_bluebird.simulation import TOKEN, Bluebird

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).parent / "third_party"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin installed in it. Installing a wheel of pure Python is unpacking it."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    (wheel,) = WheelBuilder(str(PROJECT)).build(directory=str(wheels), versions=["standard"])
    with ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


@pytest.fixture
def bluebird() -> Iterator[Bluebird]:
    with Bluebird() as vendor:
        yield vendor


def run(site: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(ROOT)])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


PULL = """
import json, sys
from connectors.sdk.contract import Window
from connectors.sdk.fakes import Bench
from connectors.sdk.registry import default_mapping, installed

registry = installed()
kind = registry.connectors["bluebird"]
settings = kind.settings(base_url=sys.argv[1], token=sys.argv[2])
connector = kind.connect(settings, Bench().tools("bluebird"))
pages = list(connector.pull("contacts", Window("", None)))
print(json.dumps({
    "module": sys.modules[kind.__module__].__file__,
    "faults": [fault.reason for fault in registry.faults],
    "account": connector.account().name,
    "names": {record.key: record.values["name"] for page in pages for record in page.records},
    "ended": [page.position is None for page in pages],
    "mapping": default_mapping(kind),
    "others": sorted(registry.connectors),
}))
connector.close()
"""


def test_it_is_found_beside_the_built_in_ones_and_read_to_its_end(
    site: Path, bluebird: Bluebird, tmp_path: Path
) -> None:
    bluebird.seed("contacts", 25, at=datetime.now(UTC) - timedelta(days=1), step=timedelta(seconds=1))
    bluebird.put("contacts", "7", "Zoë 🎈", at=datetime.now(UTC) - timedelta(hours=1))

    done = run(site, "-c", PULL, bluebird.url, TOKEN, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert Path(found["module"]).is_relative_to(site)
    assert found["faults"] == []
    assert {"bluebird", "files"} <= set(found["others"])
    assert found["account"] == "Nordlicht Solar AB"
    assert found["names"] == {**{str(n): f"Contact {n}" for n in range(25)}, "7": "Zoë 🎈"}
    assert found["ended"] == [False, False, True]
    assert '"contacts -> person":' in found["mapping"]


HUB = """
version: 1
connections:
  bluebird:
    base_url: {url}
    token: env:BLUEBIRD_TOKEN
    streams: {{contacts: {{}}}}
  shop:
    connector: files
    path: .
    streams:
      members: {{files: members.csv, entity: person, key: "no", mapping: {{"emails[work]": mail, job_title: post}}}}
"""


BOTH = {"bluebird/contacts/7", "shop/members/M1"}


def crosswalk(site: Path, hub: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(site, "-c", "from crosswalk.cli.main import main; main()", *arguments, cwd=hub)


def test_a_hub_reads_it_beside_a_built_in_one_and_exports_what_both_know(
    site: Path, bluebird: Bluebird, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEBIRD_TOKEN", TOKEN)
    bluebird.seed("contacts", 12, at=datetime.now(UTC) - timedelta(days=1), step=timedelta(seconds=1))
    bluebird.put("contacts", "7", "Zoë 🎈", at=datetime.now(UTC) - timedelta(hours=1))
    (tmp_path / "members.csv").write_text("no,mail,post\nM1,CONTACT7@Bluebird.test,COO\n")
    (tmp_path / "crosswalk.yaml").write_text(HUB.format(url=bluebird.url))

    checked = crosswalk(site, tmp_path, "check")
    first = crosswalk(site, tmp_path, "sync", "--json")
    second = crosswalk(site, tmp_path, "sync", "--json")
    exported = crosswalk(site, tmp_path, "export", "person", "--to", "people.csv")

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Nordlicht Solar AB" in checked.stdout
    totals = json.loads(first.stdout)["totals"]
    assert (first.returncode, totals["read"], totals["aside"]) == (0, 13, 0), first.stdout + first.stderr
    assert json.loads(second.stdout)["totals"]["changed"] == 0
    assert exported.returncode == 0, exported.stderr
    with (tmp_path / "people.csv").open(encoding="utf-8", newline="") as file:
        people = {row["records"]: row for row in csv.DictReader(file)}
    assert len(people) == 12
    both = next(row for records, row in people.items() if set(records.split("; ")) == BOTH)
    assert (both["name"], both["emails"], both["job_title"]) == ("Zoë 🎈", "contact7@bluebird.test", "COO")
    assert TOKEN not in checked.stdout + checked.stderr + first.stdout + first.stderr


# As the README has it for authors of connectors.
(CONTRACT,) = re.findall(
    r"```python\n(.*?class TestBluebird.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
)


def suite(site: Path, folder: Path, contract: str, *options: str) -> tuple[int, str]:
    """Run a test file of the plugin's author: the exit code, and what pytest said."""
    (folder / "test_bluebird.py").write_text(contract)
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "test_bluebird.py")
    done = run(site, *arguments, *options, cwd=folder)
    return done.returncode, done.stdout + done.stderr


def test_it_passes_the_contract_that_its_author_ran_in_ten_lines(site: Path, tmp_path: Path) -> None:
    code, said = suite(site, tmp_path, CONTRACT)

    assert code == 0, said
    assert "failed" not in said
    passed = int(said.rsplit(" passed", 1)[0].rsplit(None, 1)[-1])
    assert passed > 30, said


def test_the_contract_fails_with_the_reason_when_it_is_broken(site: Path, tmp_path: Path) -> None:
    defect = "BluebirdConnector.fetch = lambda *_: iter(())\n\n\n"
    broken = CONTRACT.replace("class TestBluebird", f"{defect}class TestBluebird")

    code, said = suite(site, tmp_path, broken, "-k", "fetched")

    assert code == 1
    assert "test_records_are_fetched_by_their_keys" in said
    assert "set(found) == set(wanted)" in said


def test_nothing_but_the_suite_needs_pytest(tmp_path: Path) -> None:
    """An installation for production has none."""
    script = (
        "import sys, pkgutil, importlib, connectors\n"
        "sys.modules['pytest'] = None\n"
        "for one in pkgutil.walk_packages(connectors.__path__, 'connectors.', onerror=lambda name: None):\n"
        "    if not one.name.startswith('connectors.sdk.suite'):\n"
        "        importlib.import_module(one.name)\n"
        "print('ok')\n"
    )

    done = run(tmp_path, "-c", script, cwd=tmp_path)

    assert done.stdout.strip() == "ok", done.stderr
