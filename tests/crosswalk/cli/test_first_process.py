"""The first process of a container, here of a namespace: signals that it does not listen to do not end it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

STARTING = """
import sys, time
import crosswalk.cli.main as main

def slow_start(**_):
    print("started", flush=True)
    time.sleep(60)

main.application = slow_start
main.main()
"""


def _apart() -> list[str]:
    words = ["unshare", "--pid", "--fork", "--kill-child"]
    if shutil.which("unshare") is None or subprocess.run([*words, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespace of processes can be made here: that takes root and `unshare`")
    return words


def test_a_stop_before_the_daemon_listens_ends_the_first_process() -> None:
    with subprocess.Popen([*_apart(), sys.executable, "-c", STARTING], stdout=subprocess.PIPE, text=True) as outside:
        assert outside.stdout is not None
        try:
            assert outside.stdout.readline() == "started\n"
            (first,) = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()

            os.kill(int(first), signal.SIGTERM)

            assert outside.wait(timeout=30) == 128 + signal.SIGTERM
        finally:
            outside.kill()
