"""Leave a daemon alone with people and faults, then see whether all came to rest and every write is accounted for.

    python -m tests.soak --minutes 60 [--size 300] [--seed 1] [--kills 3] [--folder DIR]
    python -m tests.soak --minutes 60 --postgresql [--freezes 3]

With `--postgresql` two daemons share a database of PostgreSQL. A freeze stops one of them for longer than its leases
last, and wakes it.

Ends with 0 only where, once people and faults are gone, nothing is left to write that no queue holds, every effect that
a client had on a vendor stands in the journal, nothing was made twice, and no edit vanished without a trace.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

from crosswalk.app import open_hub
from crosswalk.cli.demo.folder import VENDORS, write_folder
from sandbox.server import Sandbox
from tests.databases import own_server
from tests.soak.accounts import judge, keys_of, under_way
from tests.soak.edits import People

_EVERY: Final = "20s"  # how often the daemon syncs
_ROUNDS: Final = 12  # that a calm world may take to come to rest
_PAUSE: Final = 65.0  # seconds between them: longer than the hold-backs, and than an index of a vendor lags behind
_STILL: Final = 75.0  # seconds that a daemon stands still: longer than its leases last
_GUARDS: Final = "{at_most: 100000, share: 100%}"


def main() -> int:
    asked = _asked()
    folder = Path(asked.folder or tempfile.mkdtemp(prefix="crosswalk-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        store = stack.enter_context(own_server()).url if asked.postgresql else None
        sandbox = stack.enter_context(Sandbox.start(VENDORS, seed=7, size=asked.size, limits="lifted"))
        _write(folder, sandbox, store)
        _say(f"in {folder}: {', '.join(one.name for one in sandbox.vendors)}, {asked.size} customers")
        _first_load(folder)
        people = People(sandbox, keys_of(folder), seed=asked.seed)
        _let_run(folder, sandbox, people, asked)
        sandbox.clear_faults()
        rested = _come_to_rest(folder)
        found = judge(folder, sandbox.log()["effects"], people.made)
    _say(found.words)
    for fault in [*rested, *found.faults]:
        _say(f"FAULT  {fault}")
    return 1 if rested or found.faults else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--size", type=int, default=300, help="customers of the simulated world")
    parser.add_argument("--seed", type=int, default=1, help="of edits and faults")
    parser.add_argument("--postgresql", action="store_true", help="two daemons that share a database of PostgreSQL")
    parser.add_argument("--kills", type=int, default=0, help="how often a daemon is killed and started again")
    parser.add_argument("--freezes", type=int, default=0, help=f"how often one stands still for {_STILL:.0f} s")
    parser.add_argument("--folder", help="where configuration, store and log are kept")
    return parser.parse_args()


def _write(folder: Path, sandbox: Sandbox, store: str | None) -> None:
    write_folder(folder, sandbox)
    file = folder / "crosswalk.yaml"
    guards = "".join(f"  {name}: {_GUARDS}\n" for name in ("create", "update", "clear"))
    shared = f"store: {{url: '{store}'}}\n" if store else ""
    file.write_text(f"{file.read_text('utf-8')}{shared}guards:\n{guards}schedule: {{every: {_EVERY}}}\n", "utf-8")


def _first_load(folder: Path) -> None:
    began = time.monotonic()
    with open_hub(folder / "crosswalk.yaml", who="soak") as hub:
        totals = hub.sync(first_too=True)["totals"]
    _say(f"first load: {totals['read']} read, {totals['written']} written in {time.monotonic() - began:.0f} s")


def _let_run(folder: Path, sandbox: Sandbox, people: People, asked: argparse.Namespace) -> None:
    rng = random.Random(f"soak/{asked.seed}")
    began = time.monotonic()
    end = began + asked.minutes * 60
    kills = sorted(rng.uniform(began, end) for _ in range(asked.kills))
    freezes = sorted(rng.uniform(began, end) for _ in range(asked.freezes))
    told = began
    with Daemons(folder, 2 if asked.postgresql else 1) as daemons:
        while (now := time.monotonic()) < end:
            time.sleep(rng.uniform(0.5, 8))
            if rng.random() < 0.7:
                people.edit()
            if rng.random() < 0.25:
                people.disturb()
            if kills and now > kills[0]:
                kills.pop(0)
                daemons.kill(rng)
            if freezes and now > freezes[0] and daemons.freeze(rng):
                freezes.pop(0)
            daemons.look(now)
            if now - told > 300:
                told = now
                _say(f"{(told - began) / 60:.0f} min: {len(people.made)} edits")


class Daemons:
    """Daemons on one store. Raises SystemExit where one ends that nobody told to, or not with 0."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._there = [self._start() for _ in range(count)]
        self._frozen: tuple[subprocess.Popen[bytes], float] | None = None  # and when it is woken

    def _start(self) -> "subprocess.Popen[bytes]":
        program = Path(sys.executable).with_name("crosswalk")
        with (self._folder / "daemon.log").open("ab") as log:
            return subprocess.Popen([program, "daemon"], cwd=self._folder, stdout=log, stderr=log)

    def kill(self, rng: random.Random) -> None:
        """One of them, which is started again."""
        daemon = self._there.pop(rng.randrange(len(self._there)))
        if self._frozen and self._frozen[0] is daemon:
            self._frozen = None
        daemon.kill()
        daemon.wait()
        self._there.append(self._start())
        _say("a daemon was killed and started again")

    def freeze(self, rng: random.Random) -> bool:
        """Stop one of them, unless another stands still."""
        if self._frozen:
            return False
        daemon = rng.choice(self._there)
        daemon.send_signal(signal.SIGSTOP)
        self._frozen = daemon, time.monotonic() + _STILL
        _say(f"a daemon stands still for {_STILL:.0f} s")
        return True

    def look(self, now: float) -> None:
        """Wake who has stood still for long enough, and see that all are there."""
        if self._frozen and now > self._frozen[1]:
            self._frozen[0].send_signal(signal.SIGCONT)
            self._frozen = None
            _say("it was woken")
        for daemon in self._there:
            if (code := daemon.poll()) is not None:
                raise SystemExit(f"a daemon ended by itself with {code}: see {self._folder}/daemon.log")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        for daemon in self._there:
            daemon.send_signal(signal.SIGCONT)
            daemon.send_signal(signal.SIGTERM)
        codes = [daemon.wait(60) for daemon in self._there]
        _say(f"daemons ended with {', '.join(map(str, codes))}")
        if any(codes):
            raise SystemExit(1)


def _come_to_rest(folder: Path) -> list[str]:
    """Sync until a round brings nothing; what is still to be written then."""
    totals: Mapping[str, Any] = {}
    for number in range(_ROUNDS):
        time.sleep(_PAUSE if number else 5)
        with open_hub(folder / "crosswalk.yaml", who="soak") as hub:
            answer = hub.sync(first_too=True)
        totals = answer["totals"]
        errors = [one for one in answer["problems"] if one["severity"] == "error"]
        _say(f"calm round {number + 1}: {totals['changed']} changed, {totals['written']} written, {len(errors)} errors")
        quiet = not (totals["changed"] or totals["written"] or totals["moved"] or errors)
        if number > 1 and quiet and not under_way(folder):
            break
    else:
        return [f"not at rest after {_ROUNDS} calm rounds: {dict(totals)}"]
    with open_hub(folder / "crosswalk.yaml", who="soak") as hub:
        plan = hub.plan()
    return [f"still to be written: {kinds}" for kinds in [Counter(one["stream"] for one in plan["actions"])] if kinds]


def _say(words: str) -> None:
    print(time.strftime("%H:%M:%S"), words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
