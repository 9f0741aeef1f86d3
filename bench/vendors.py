"""What reading Salesforce and Zoho costs, and how many calls a thousand edits take: python -m bench.vendors

Contacts are read as `python -m bench` reads Pipedrive's: prepared, the same people, 28 fields. Figures are CPU (user +
system, start-up included) of the hub's process. Edits are made at the simulated vendors, in a process of their own;
calls are those that they counted.

    BENCH_RECORDS=100000    contacts that are read
    BENCH_CUSTOMERS=40000   of the simulated world
    BENCH_EDITS=1000        contacts that people change at one of them, and the hub writes to the other
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from rich.console import Console
from rich.table import Table

from bench import hub
from bench.__main__ import RECORDS, Store, empty, house, stores, vendor
from bench.calls import least
from bench.hub import SALESFORCE_BULK, SALESFORCE_REST, ZOHO, Source
from connectors.salesforce import streams as salesforce_streams
from connectors.zoho import streams as zoho_streams

CUSTOMERS: Final = int(os.environ.get("BENCH_CUSTOMERS", "40000"))
EDITS: Final = int(os.environ.get("BENCH_EDITS", "1000"))
SOURCES: Final = ((SALESFORCE_REST, "40 / 36 + 16"), (SALESFORCE_BULK, "35"), (ZOHO, "40 / 36 + 16"))
_VENDORS: Final = ("salesforce", "zoho")
_CONTACTS: Final = {
    "salesforce": salesforce_streams.RESOURCES["contacts"].spec,
    "zoho": zoho_streams.RESOURCES["contacts"].spec,
}
_LISTS: Final = {"salesforce": "contacts", "zoho": "Contacts"}  # what the simulations call them
_PATIENCE: Final = 600.0  # seconds for the world to be made, and for an answer


@dataclass(frozen=True, slots=True)
class World:
    """The simulated vendors, from here."""

    vendors: Mapping[str, Mapping[str, Any]]
    control: str

    def forget(self) -> None:
        self._ask("DELETE", "/log")

    def calls(self, vendor: str) -> dict[str, int]:
        return {one["call"]: one["count"] for one in self._ask("GET", f"/{vendor}/log")["calls"]}

    def edit(self, vendor: str, stream: str, key: str, fields: Mapping[str, Any]) -> None:
        self._ask("POST", "/edit", {"vendor": vendor, "stream": stream, "id": key, "fields": fields})

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self.control}{path}", data=data, method=method, headers=headers)
        with urlopen(request, timeout=_PATIENCE) as answer:
            return json.loads(answer.read() or b"null")


@contextmanager
def world() -> Iterator[World]:
    words = [sys.executable, "-m", "sandbox", "--vendors", ",".join(_VENDORS), "--base-port", "0"]
    words += ["--size", str(CUSTOMERS), "--limits", "lifted", "--json"]
    with subprocess.Popen(words, cwd=hub.ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("no pipe")
            told = json.loads(process.stdout.readline())
            vendors = {one["name"]: one for one in told["vendors"]}
            control = next(iter(vendors.values()))["faults_url"].rsplit("/", 2)[0]
            yield World(vendors, control)
        finally:
            process.terminate()


_SALESFORCE: Final = """\
  salesforce:
    base_url: {url}
    token_url: {token}
    insecure: true
    currency: EUR
    bulk_from: 10000000
    auth: {{flow: client_credentials, client_id: env:SF_ID, client_secret: env:SF_SECRET}}
    streams: {{contacts: {{{write}}}}}
"""
_ZOHO: Final = """\
  zoho:
    base_url: {url}
    token_url: {token}
    insecure: true
    data_center: eu
    auth: {{flow: refresh_token, client_id: env:ZO_ID, client_secret: env:ZO_SECRET, refresh_token: env:ZO_TOKEN}}
    streams: {{contacts: {{{write}}}}}
"""


def configure(folder: Path, store: Store, there: World, parts: Sequence[str]) -> Path:
    salesforce, zoho = there.vendors["salesforce"]["credentials"], there.vendors["zoho"]["credentials"]
    secrets = {
        "SF_ID": salesforce["client_id"], "SF_SECRET": salesforce["client_secret"], "ZO_ID": zoho["client_id"],
        "ZO_SECRET": zoho["client_secret"], "ZO_TOKEN": zoho["refresh_token"],
    }  # fmt: skip
    (folder / ".env").write_text("".join(f"{name}={held}\n" for name, held in secrets.items()))
    path = folder / "crosswalk.yaml"
    path.write_text(
        f"version: 1\nphone_region: DE\nstore: {{url: '{store.url}'}}\nconnections:\n{''.join(parts)}"
        "merge:\n  defaults: {on_conflict: [masters], on_foreign_edit: adopt}\n"
        "guards:\n  create: {at_most: 1000000, share: 100%}\n  update: {at_most: 1000000, share: 100%}\n"
        "  clear: {at_most: 1000000, share: 100%}\n"
    )
    return path


def salesforce(there: World, *, write: str = "") -> str:
    vendor = there.vendors["salesforce"]
    return _SALESFORCE.format(url=vendor["base_url"], token=vendor["token_url"], write=write)


def zoho(there: World, *, write: str = "") -> str:
    vendor = there.vendors["zoho"]
    return _ZOHO.format(url=vendor["base_url"], token=vendor["token_url"], write=write)


def first_load(store: Store, source: Source, port: int) -> tuple[str, ...]:
    """CPU µs a record up to landed, of which start-up, and whole; what the server took behind the plus."""
    with house(port, store, source=source) as config:
        usage, stages = hub.sync(config, postmaster=store.postmaster)
    at = {stage.name: stage for stage in stages}
    landed, whole = at["landed"], stages[-1]
    more = ("", "") if store.postmaster is None else (f" + {_a_record(landed.server)}", f" + {_a_record(whole.server)}")
    return (
        _a_record(landed.cpu) + more[0], _a_record(at["started"].cpu), _a_record(usage.cpu) + more[1]
    )  # fmt: skip


def _a_record(seconds: float) -> str:
    return f"{seconds / RECORDS * 1e6:.1f}"


@dataclass(frozen=True, slots=True)
class Written:
    """What edits at one vendor came to at the other: records written, and calls.

    `fixed` are those of the run before, in which nobody had edited anything: what the hub itself wrote a moment ago is
    listed once more.
    """

    records: int
    calls: Mapping[str, int]
    fixed: int

    @property
    def total(self) -> int:
        return sum(self.calls.values())


def edits(store: Store, there: World, *, source: str, target: str) -> Written:
    """Contacts are edited at the source, and written to the target."""
    write = "write: [update]"
    parts = [
        salesforce(there, write=write if target == "salesforce" else ""),
        zoho(there, write=write if target == "zoho" else ""),
    ]
    with _empty_hub(store, there, parts) as config:
        for words in (["sync"], ["plan"]):
            _command(config, words)
        _command(config, ["apply", "P1", "--yes"])
        _command(config, ["sync"])
        there.forget()
        _command(config, ["sync"])
        fixed = sum(there.calls(target).values())
        for number, key in enumerate(_joined(config, source, target)[:EDITS]):
            # Another text than that of the other way round, which the target may hold already.
            there.edit(source, _LISTS[source], key, {"Department": f"Bench {target} {number}"})
        there.forget()
        written = _command(config, ["sync"])["totals"]["written"]
        return Written(written, there.calls(target), fixed)


@contextmanager
def _empty_hub(store: Store, there: World, parts: Sequence[str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-vendors-") as folder:
        empty(store)
        yield configure(Path(folder), store, there, parts)


def _command(config: Path, words: Sequence[str]) -> Any:
    usage = hub.command([*words, "--json", "--config", str(config)], cwd=config.parent)
    if usage.code not in hub.GOOD_CODES:
        raise RuntimeError(
            f"crosswalk {words[0]} ended with {usage.code}:\n{usage.output[-2000:]}{usage.errors[-2000:]}"
        )
    return json.loads(usage.output)


def _joined(config: Path, source: str, target: str) -> list[str]:
    """Keys at the source of contacts that have one at the target."""
    from crosswalk.app import open_hub

    with open_hub(config) as opened:
        database = opened.offline.database
        with database.read() as connection:
            rows = database.run(
                connection,
                "SELECT z.rkey FROM record z JOIN stream zs ON zs.id = z.stream AND zs.connection = ? "
                "JOIN member zm ON zm.record = z.id JOIN member sm ON sm.entity = zm.entity "
                "JOIN record s ON s.id = sm.record JOIN stream ss ON ss.id = s.stream "
                "AND ss.connection = ? WHERE z.state = 0 AND s.state = 0 ORDER BY z.id",
                (source, target),
            ).fetchall()
    return list(dict.fromkeys(row[0] for row in rows))


def main() -> None:
    console = Console(width=120)
    with stores() as found:
        table = Table(title=f"{RECORDS:,} contacts of 28 fields, first load; µs CPU a record")
        for heading in ("", "goal", "database", "landed", "of it start-up", "whole"):
            table.add_column(heading)
        for source, goal in SOURCES:
            with vendor(RECORDS, source.page, source.connector) as prepared:
                first_load(found[0], source, prepared.port)  # warms up: files are compiled, the server's are read
                for store in found:
                    what = f"{source.name}, pages of {source.page:,}"
                    table.add_row(what, goal, store.name, *first_load(store, source, prepared.port))
        console.print(table)
    with world() as there, stores() as found:
        for store in found:
            for edited, target in (("zoho", "salesforce"), ("salesforce", "zoho")):
                took = edits(store, there, source=edited, target=target)
                more = took.total - took.fixed
                needed = least(_CONTACTS[target], took.records)
                console.print(
                    f"{store.name}: {took.records:,} edits at {edited}, written to {target}: {took.total} calls there, "
                    f"{took.fixed} as without edits and {more} for the records ({needed} are the least)"
                )
                for call, number in sorted(took.calls.items(), key=lambda one: -one[1]):
                    console.print(f"    {number:>4}  {call}")


if __name__ == "__main__":
    main()
