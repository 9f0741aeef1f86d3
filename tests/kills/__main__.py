"""Kill a daemon again and again, and compare what it leaves with what an undisturbed hub leaves: `make kills`.

    python -m tests.kills [--kills 200] [--postgresql] [--seed 1] [--folder DIR]

With `--postgresql` the store is a database of PostgreSQL, on which a second daemon is at work all the time; it stands
still now and then, and is woken when its leases are gone.

Ends with 0 only where both CRMs hold the same records as after an undisturbed run, nothing was made twice, every
effect that a vendor had stands in the journal, and the daemons' log says nothing personal.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.databases import own_server
from tests.kills.rounds import play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of edits and moments")
    parser.add_argument(
        "--postgresql", action="store_true", help="and with a second daemon beside those that are killed"
    )
    parser.add_argument("--folder", help="where configuration, store and log are kept")
    asked = parser.parse_args()
    folder = Path(asked.folder or tempfile.mkdtemp(prefix="crosswalk-kills-"))
    print(f"in {folder}", flush=True)
    with ExitStack() as stack:
        store = stack.enter_context(own_server()).url if asked.postgresql else None
        came = play(folder, kills=asked.kills, seed=asked.seed, store=store, told=_say)
    _say(came.journal)
    for where, number in sorted(came.kills.items()):
        _say(f"{number:>5} kills  {where}")
    if asked.postgresql:
        _say(f"{came.still:>5} times the second daemon stood still")
    for fault in came.faults:
        _say(f"FAULT  {fault}")
    return 1 if came.faults else 0


def _say(words: str) -> None:
    print(time.strftime("%H:%M:%S"), words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
