"""`crosswalk daemon` for tests of whole processes: what takes a minute elsewhere takes seconds here.

python -m tests.crosswalk.quick_daemon FILE
"""

import sys

from crosswalk.store import daemons, dialect, runs
from scheduler import daemon, workers

LEASE_SECONDS = 3.0


def quicken() -> None:
    """Before anything else is imported that takes these by name."""
    daemons.DEAD_AFTER = int(LEASE_SECONDS * 1000)  # type: ignore[misc]  # final for everybody else
    dialect.STILL_SECONDS = LEASE_SECONDS  # type: ignore[misc]  # as above
    runs.DEAD_AFTER = int(LEASE_SECONDS * 1000)  # type: ignore[misc]  # as above
    runs.BEAT_SECONDS = daemon.BEAT_SECONDS = 0.5  # type: ignore[misc]  # as above
    workers.run_jobs.__kwdefaults__ = {**(workers.run_jobs.__kwdefaults__ or {}), "seconds": LEASE_SECONDS}


if __name__ == "__main__":
    quicken()
    from crosswalk.cli.main import application

    application(["--config", sys.argv[1], "daemon"])
