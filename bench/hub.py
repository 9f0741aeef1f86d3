"""The calls into the hub: how it is configured and run, and where its stages begin and end.

    python -m bench.hub WORDS...      runs `crosswalk WORDS...`, then prints its stages as a last line of JSON

Stages are seen from outside: the functions they begin and end with are wrapped before the command line
imports them. CPU is that of the whole process so far, all threads together.
"""

import atexit
import functools
import gc
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.contacts import CUSTOM
from bench.measure import Usage, measured, server_cpu

ROOT: Final = Path(__file__).resolve().parent.parent

# 0 done, 3 done and something waits for a person: a first load may find pairs to review.
GOOD_CODES: Final = (0, 3)

_MARK: Final = "bench-stages "


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the process stood when a stage ended, counted from its start."""

    name: str
    wall: float
    cpu: float
    server: float
    peak: int


class Source(NamedTuple):
    """Contacts of one vendor, read one way."""

    name: str
    page: int
    connector: str
    stream: str
    settings: str  # TOKEN: where its file is


PIPEDRIVE: Final = Source("Pipedrive", 500, "pipedrive", "persons", "auth: {flow: api_token, api_token: 'file:TOKEN'}")
SALESFORCE_REST: Final = Source(
    "Salesforce REST", 2_000, "salesforce", "contacts",
    "auth: {flow: access_token, access_token: 'file:TOKEN'}, bulk_from: 10000000",
)  # fmt: skip
SALESFORCE_BULK: Final = SALESFORCE_REST._replace(
    name="Salesforce Bulk CSV", settings="auth: {flow: access_token, access_token: 'file:TOKEN'}, bulk_from: 0"
)
ZOHO: Final = Source(
    "Zoho", 200, "zoho", "contacts", "auth: {flow: access_token, access_token: 'file:TOKEN'}, data_center: eu"
)


def configure(folder: Path, *, port: int, store: str, scored: bool = False, source: Source = PIPEDRIVE) -> Path:
    """A hub with one connection: the contacts of the bench's vendor, read only, all of their fields mapped.

    `scored`: they are compared by the model that ships; else by exact rules alone.
    """
    (folder / "token").write_text("bench-token")
    custom = ", ".join(f"custom.bench_{n}: '{label}'" for n, (label, _, _) in enumerate(CUSTOM, start=1))
    settings = source.settings.replace("TOKEN", str(folder / "token"))
    path = folder / "crosswalk.yaml"
    path.write_text(
        "version: 1\n"
        "time_zone: Europe/Berlin\n"
        "phone_region: DE\n"
        f"store: {{url: '{store}'}}\n"
        "connections:\n"
        f"  {source.connector}: {{base_url: 'http://127.0.0.1:{port}', insecure: true, {settings}, "
        f"streams: {{{source.stream}: {{mapping: {{{custom}}}}}}}}}\n"
        f"merge: {{defaults: {{masters: [{source.connector}]}}}}\n"
        f"match: {{person: {{model: {'shipped' if scored else 'none'}}}}}\n"
    )
    return path


@functools.cache
def environment() -> Mapping[str, str]:
    """With compiled files, as an installed hub has them, whatever this machine says of them; a first run makes them."""
    folder = tempfile.mkdtemp(prefix="bench-compiled-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(ROOT)}


def sync(config: Path, *, postmaster: int | None = None) -> tuple[Usage, list[Stage]]:
    """One run of everything, in a process of its own."""
    usage = measured(
        [sys.executable, "-m", "bench.hub", "sync", "--config", str(config), "--yes", "--quiet"],
        environment={**environment(), "BENCH_POSTMASTER": "" if postmaster is None else str(postmaster)},
        cwd=config.parent,
    )
    if usage.code not in GOOD_CODES:
        raise RuntimeError(f"crosswalk sync ended with {usage.code}:\n{usage.output[-2000:]}\n{usage.errors[-4000:]}")
    lines = [line.removeprefix(_MARK) for line in usage.output.splitlines() if line.startswith(_MARK)]
    return usage, [Stage(**stage) for stage in json.loads(lines[-1])]


def command(words: Sequence[str], *, cwd: Path) -> Usage:
    """One command as it is installed."""
    return measured([str(Path(sys.executable).with_name("crosswalk")), *words], environment=environment(), cwd=cwd)


class Watch:
    """Notes where the process stands when a stage ends; the last end of a name counts."""

    def __init__(self, postmaster: int | None) -> None:
        self._postmaster = postmaster
        self._begun = self._server()
        self._opened = time.perf_counter()
        self._stages: dict[str, Stage] = {}

    def note(self, name: str) -> None:
        self._stages[name] = Stage(
            name=name,
            wall=time.perf_counter() - self._opened,
            cpu=time.process_time(),
            server=self._server() - self._begun,
            peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )

    def _server(self) -> float:
        return 0.0 if self._postmaster is None else server_cpu(self._postmaster)

    def around(self, owner: Any, function: str, *, before: str | None = None, after: str | None = None) -> None:
        original: Callable[..., Any] = getattr(owner, function)

        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if before and before not in self._stages:
                self.note(before)
            result = original(*args, **kwargs)
            if after:
                self.note(after)
            return result

        setattr(owner, function, watched)

    def told(self) -> str:
        stages = sorted(self._stages.values(), key=lambda stage: stage.cpu)
        fields = ("name", "wall", "cpu", "server", "peak")
        return _MARK + json.dumps([{field: getattr(stage, field) for field in fields} for stage in stages])


def main(words: list[str]) -> None:
    postmaster = os.environ.get("BENCH_POSTMASTER")
    watch = Watch(int(postmaster) if postmaster else None)
    gc.set_threshold(200_000, 20, 50)  # as the command line begins, whose imports are made here
    from crosswalk.engine import identify, pull, settle

    watch.around(pull, "pull_stream", before="started", after="landed")
    watch.around(identify.Matcher, "match_all", after="matched")
    watch.around(settle, "settle", after="settled")
    from crosswalk.cli.main import main as crosswalk

    sys.argv = ["crosswalk", *words]
    try:
        crosswalk()
    finally:
        watch.note("ended")
        print(watch.told())


if __name__ == "__main__":
    main(sys.argv[1:])
