"""The table of what the hub costs, beside what it may cost.

    BENCH_RECORDS=100000   contacts of the main runs
    BENCH_PAGE=500         contacts a page
    BENCH_ONLY=sqlite      one database alone
    FULL=1                 also 1,000,000 contacts, for their memory

Figures are printed, not tested: they depend on the machine. Warm up and close other programs first.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench import hub
from bench.hub import PIPEDRIVE, Source, Stage
from bench.measure import Usage, measured
from tests.databases import NoServerError, Server

RECORDS: Final = int(os.environ.get("BENCH_RECORDS", "100000"))
PAGE: Final = int(os.environ.get("BENCH_PAGE", "500"))
MANY: Final = 1_000_000
SLOW_PAGES: Final = 50
SLOW_SECONDS: Final = 0.25
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    what: str
    goal: str
    figures: tuple[str, ...]  # by database


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    name: str
    url: str
    postmaster: int | None


class Vendor:
    """The static server, from here."""

    def __init__(self, port: int) -> None:
        self.port = port

    def behave(self, **wanted: Any) -> None:
        self._ask("POST", json.dumps(wanted))

    def asked(self) -> dict[str, int]:
        asked: dict[str, int] = json.loads(self._ask("GET"))["asked"]
        return asked

    def _ask(self, method: str, body: str | None = None) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request(method, "/bench", body=body)
            return connection.getresponse().read()
        finally:
            connection.close()


@contextmanager
def vendor(records: int, page: int, connector: str = "pipedrive") -> Iterator[Vendor]:
    words = [sys.executable, "-m", "bench.server", "--vendor", connector]
    words += ["--records", str(records), "--page", str(page)]
    with subprocess.Popen(words, cwd=hub.ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("no pipe")
            yield Vendor(int(process.stdout.readline()))
        finally:
            process.terminate()


@contextmanager
def stores() -> Iterator[list[Store]]:
    only = os.environ.get("BENCH_ONLY")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        found = []
        if only != "postgresql":
            found.append(Store(name="SQLite", url=f"sqlite:///{folder}/crosswalk.db", postmaster=None))
        if only != "sqlite":
            server = Server()
            stack.callback(server.stop)
            try:
                server.start()
            except NoServerError as error:
                print(f"PostgreSQL is left out: {error}", file=sys.stderr)
            else:
                found.append(Store(name="PostgreSQL", url=server.url, postmaster=server.pid))
        yield found


@contextmanager
def house(port: int, store: Store, *, scored: bool = False, source: Source = PIPEDRIVE) -> Iterator[Path]:
    """The folder of a hub whose store is empty."""
    folder = Path(tempfile.mkdtemp(prefix="bench-hub-"))
    try:
        empty(store)
        yield hub.configure(folder, port=port, store=store.url, scored=scored, source=source)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def empty(store: Store) -> None:
    """Nothing is there any more where the hub looks.

    PostgreSQL's tables of before are put aside instead of dropped: ext4 without a journal looks past every file that
    was deleted in the last minutes when it makes one, and the tables of the next run took four times as long.
    """
    if store.postmaster is None:
        path = Path(store.url.removeprefix("sqlite:///"))
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return
    from sqlalchemy import create_engine

    engine = create_engine(store.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for (table,) in connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            connection.exec_driver_sql(f'ALTER TABLE "{table}" SET (autovacuum_enabled = off)')
        connection.exec_driver_sql(f"ALTER SCHEMA public RENAME TO before_{time.monotonic_ns()}")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()


# What is measured


@dataclass(slots=True, kw_only=True)
class Figures:
    """Of one store."""

    first: tuple[Usage, list[Stage]]
    again: tuple[Usage, list[Stage]]
    quiet: tuple[Usage, list[Stage]]
    calls_when_quiet: dict[str, int]
    status: Usage
    resync: Usage
    scored: tuple[Usage, list[Stage]]  # the first load of a house whose people are scored


def warm_up(store: Store) -> None:
    with vendor(PAGE, PAGE) as source, house(source.port, store) as config:
        hub.sync(config)


def runs(store: Store, source: Vendor) -> Figures:
    with house(source.port, store) as config:
        source.behave()
        first = hub.sync(config, postmaster=store.postmaster)
        again = hub.sync(config, postmaster=store.postmaster)
        source.behave(quiet=True)
        quiet = hub.sync(config, postmaster=store.postmaster)
        calls = source.asked()
        source.behave()
        status = hub.command(["status", "--config", str(config)], cwd=config.parent)
        resync = hub.command(["resync", "pipedrive/persons/1", "--config", str(config)], cwd=config.parent)
    with house(source.port, store, scored=True) as config:
        return Figures(
            first=first,
            again=again,
            quiet=quiet,
            calls_when_quiet=calls,
            status=status,
            resync=resync,
            scored=hub.sync(config, postmaster=store.postmaster),
        )


def slow(store: Store) -> tuple[float, float]:
    """Seconds for pages that each take a quarter of a second to come: of the whole run, and since the first was asked
    for."""
    with vendor(SLOW_PAGES * PAGE, PAGE) as source, house(source.port, store) as config:
        source.behave(delay=SLOW_SECONDS)
        usage, stages = hub.sync(config)
        return usage.wall, _stage(stages, "ended").wall - _stage(stages, "started").wall


def peak_of_many(store: Store) -> list[Stage]:
    with vendor(MANY, PAGE) as source, house(source.port, store) as config:
        return hub.sync(config, postmaster=store.postmaster)[1]


# How it is told


def lines(figures: list[Figures]) -> list[Line]:
    """`goal` is SQLite / PostgreSQL, what the server took behind the plus."""

    def row(what: str, goal: str, tell: Any) -> Line:
        return Line(what, goal, tuple(tell(one) for one in figures))

    def part(name: str, since: str) -> Any:
        return lambda one: _between(one.first[1], since, name)

    def upto(name: str) -> Any:
        return lambda one: _cost(_stage(one.first[1], name))

    def quiet(one: Figures) -> str:
        usage, stages = one.quiet
        return _ms(usage.cpu - _stage(stages, "started").cpu)

    return [
        row("start-up until the first page is asked for, ms", "", lambda one: _ms(_stage(one.first[1], "started").cpu)),
        row("pull + land + normalise", "40 / 36 + 16", upto("landed")),
        row("  match", "", part("matched", "landed")),
        row("  merge, lineage, derive", "", part("settled", "matched")),
        row("  plan and the rest", "", part("ended", "settled")),
        row("the whole first load", "70 / 70 + 32", upto("ended")),
        row("  match, where people are scored", "", lambda one: _between(one.scored[1], "landed", "matched")),
        row("the same again, all sent, none changed", "15 / 15 + 4", lambda one: _cost(_stage(one.again[1], "ended"))),
        row("nothing changed at the server, ms beyond start-up", "50", quiet),
        row("  calls of persons", "1", lambda one: str(_calls(one.calls_when_quiet))),
        row("peak memory, landing, MiB", "160", lambda one: _mib(_stage(one.first[1], "landed").peak)),
        row("peak memory, all, MiB", "220", lambda one: _mib(one.first[0].peak)),
        row("`status`, s CPU", "0.25", lambda one: f"{one.status.cpu:.2f}"),
        row("`resync` of one record, s CPU", "0.6", lambda one: f"{one.resync.cpu:.2f}"),
    ]


def _between(stages: list[Stage], since: str, name: str) -> str:
    return _cost(_stage(stages, name), _stage(stages, since))


def _stage(stages: list[Stage], name: str) -> Stage:
    for stage in stages:
        if stage.name == name:
            return stage
    raise RuntimeError(f"the hub never came to '{name}': {[stage.name for stage in stages]}")


def _cost(stage: Stage, since: Stage | None = None) -> str:
    """Microseconds a record, the server's behind the plus."""
    ours = stage.cpu - (since.cpu if since else 0)
    servers = stage.server - (since.server if since else 0)
    told = f"{ours / RECORDS * 1e6:.1f}"
    return told if stage.server == 0 else f"{told} + {servers / RECORDS * 1e6:.1f}"


def _calls(asked: dict[str, int]) -> int:
    return sum(count for path, count in asked.items() if path.endswith("/persons"))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def _mib(size: int) -> str:
    return f"{size / MIB:.0f}"


def micro() -> list[Line]:
    told = json.loads(measured([sys.executable, "-m", "bench.micro"], cwd=hub.ROOT).output)
    help_ = hub.command(["--help"], cwd=hub.ROOT)
    return [
        Line("merge of 3 systems x 28 fields, µs", "10", (f"{told['merge'] * 1e6:.1f}",)),
        Line("`crosswalk --help`, s CPU", "0.25", (f"{help_.cpu:.2f}",)),
    ]


def main() -> None:
    console = Console(width=110)
    with stores() as found:
        for store in found:
            warm_up(store)
        with vendor(RECORDS, PAGE) as source:
            table = lines([runs(store, source) for store in found])
        waited = [slow(store) for store in found]
        pages = f"{SLOW_PAGES} pages at {_ms(SLOW_SECONDS)} ms, wall, s"
        table.append(Line(pages, "13.8", tuple(f"{whole:.1f}" for whole, _ in waited)))
        table.append(Line("  since the first was asked for", "", tuple(f"{since:.1f}" for _, since in waited)))
        if os.environ.get("FULL") == "1":
            many = [peak_of_many(store) for store in found]
            for name, what in (("landed", "landing"), ("ended", "all")):
                peaks = tuple(_mib(_stage(stages, name).peak) for stages in many)
                table.append(Line(f"peak memory of {MANY:,} records, {what}, MiB", "within 10 %", peaks))
        table += micro()
        console.print(_told(table, found))


def _told(table: list[Line], found: list[Store]) -> Table:
    told = Table(title=f"{RECORDS:,} contacts, pages of {PAGE:,}; µs CPU a record where nothing else is said")
    told.add_column("")
    told.add_column("goal", justify="right")
    for store in found:
        told.add_column(store.name + (" + server" if store.postmaster else ""), justify="right")
    for line in table:
        told.add_row(line.what, line.goal, *line.figures)
    return told


if __name__ == "__main__":
    main()
