"""`python -m sandbox`: start the simulated vendors, say where they are, and run until told to stop."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Final

from sandbox.server import MAKERS, Sandbox
from sandbox.web import dump

_LOOK_EVERY: Final = 0.1  # seconds


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--vendors", default=",".join(MAKERS), help="which, separated by commas (%(default)s)")
    parser.add_argument("--base-port", type=int, default=8700, help="first port; 0: free ones (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed, the same world (%(default)s)")
    parser.add_argument("--size", type=int, default=5000, help="customers (%(default)s)")
    parser.add_argument(
        "--limits", choices=("kept", "lifted"), default="kept", help="refuse calls over the vendors' limits"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    given = parser.parse_args(argv)
    vendors = [name for name in given.vendors.split(",") if name]
    unknown = [name for name in vendors if name not in MAKERS]
    if unknown:
        parser.error(f"no simulated vendor is called {', '.join(unknown)}; there are {', '.join(MAKERS)}")
    told = False

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal told  # no event: its lock may be held by the thread that is interrupted
        told = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        sandbox = Sandbox.start(
            vendors, base_port=given.base_port, seed=given.seed, size=given.size, limits=given.limits
        )
    except OSError as exc:
        print(f"sandbox: port {given.base_port} or one above it is taken ({exc.strerror})", file=sys.stderr)
        return 1
    with sandbox:
        if given.json:
            print(dump(sandbox.json()).decode(), flush=True)
        else:
            print("   ".join(f"{vendor.name} {vendor.base_url}" for vendor in sandbox.vendors))
            print(f"{sandbox.size:,} customers, the same for every seed {sandbox.seed}.", end="  ")
            print(f"Faults: POST {sandbox.faults_url}.  Ctrl-C stops.", flush=True)
        while not told:
            time.sleep(_LOOK_EVERY)
    return 0


if __name__ == "__main__":
    sys.exit(main())
