"""Kill a daemon again and again, and compare what it leaves with what an undisturbed hub leaves: `make kills`.

    python -m tests.kills [--kills 200] [--seed 1] [--folder DIR]

Ends with 0 only where both CRMs hold the same records as after an undisturbed run, nothing was made twice, every
effect that a vendor had stands in the journal, and the daemons' log says nothing personal.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.kills.rounds import play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of edits and moments")
    parser.add_argument("--folder", help="where configuration, store and log are kept")
    asked = parser.parse_args()
    folder = Path(asked.folder or tempfile.mkdtemp(prefix="crosswalk-kills-"))
    print(f"in {folder}", flush=True)
    came = play(folder, kills=asked.kills, seed=asked.seed, told=_say)
    _say(came.journal)
    for where, number in sorted(came.kills.items()):
        _say(f"{number:>5} kills  {where}")
    for fault in came.faults:
        _say(f"FAULT  {fault}")
    return 1 if came.faults else 0


def _say(words: str) -> None:
    print(time.strftime("%H:%M:%S"), words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
