"""A process with a terminal of its own: a question, colours, Ctrl-C; and what starting costs."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HUB = "tests.crosswalk.cli.terminal_hub"
PATIENCE = 20.0  # seconds until a test gives up; nothing here takes one


class Terminal:
    """A program that runs in a terminal of 100 columns."""

    def __init__(self, *args: str, **environment: str) -> None:
        given = {name: held for name, held in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
        self.process_id, self._file = pty.fork()
        if self.process_id == 0:  # pragma: no cover (another process)
            os.chdir(ROOT)
            os.environ.clear()
            os.environ.update({**given, "TERM": "xterm", "COLUMNS": "100", **environment})
            os.execv(sys.executable, [sys.executable, "-m", HUB, *args])
        self.shown = ""

    def until(self, sign: Callable[[str], bool]) -> str:
        """Read until what was shown satisfies, or the program has ended."""
        end = time.monotonic() + PATIENCE
        while not sign(self.shown) and time.monotonic() < end:
            if select.select([self._file], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._file, 65536).decode("utf-8", "replace")
                except OSError:
                    return self.shown
        return self.shown

    def type(self, keys: str) -> None:
        os.write(self._file, keys.encode())

    def end(self) -> int:
        """What it ended with."""
        self.until(lambda _: False)
        _, status = os.waitpid(self.process_id, 0)
        os.close(self._file)
        return os.waitstatus_to_exitcode(status)


def test_a_question_is_asked_and_answered_in_colour() -> None:
    terminal = Terminal("apply", "P87")

    terminal.until(lambda shown: "[y/N]" in shown)
    terminal.type("y\n")

    assert terminal.end() == 3
    assert "Write 901 records to salesforce, zoho, pipedrive, qualtrics? [y/N]" in terminal.shown
    assert "R143  done in 44 s" in terminal.shown


def test_a_terminal_sees_colours_and_values() -> None:
    terminal = Terminal("plan")

    assert terminal.end() == 3
    assert "\x1b[33m~\x1b[0m salesforce/contacts/003Ab00000Qx7Lm" in terminal.shown
    assert "Mara Lindqvist" in terminal.shown


def test_no_color_is_heeded() -> None:
    terminal = Terminal("plan", NO_COLOR="1")

    terminal.end()
    assert "\x1b[" not in terminal.shown


def test_ctrl_c_finishes_the_batch_and_says_so() -> None:
    terminal = Terminal("sync")
    terminal.until(lambda shown: "7 read" in shown)

    terminal.type("\x03")

    assert terminal.end() == 130
    assert "Finishing the batch in flight. Ctrl-C again stops at once." in terminal.shown
    assert "R150  stopped after 1.2 s; the batch in flight was finished" in terminal.shown


def test_ctrl_c_twice_stops_at_once() -> None:
    terminal = Terminal("sync", STUBBORN="1")
    terminal.until(lambda shown: "7 read" in shown)

    terminal.type("\x03")
    terminal.until(lambda shown: "stops at once" in shown)
    before = time.monotonic()
    terminal.type("\x03")

    assert terminal.end() == 130
    assert time.monotonic() - before < 4
    assert "The next run resolves what is unknown." in terminal.shown


def test_a_reader_that_has_enough_ends_it_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", HUB, "plan"],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    os.close(writing)

    assert done.stderr == ""
    assert done.returncode == 0


HEAVY = {"rich", "pydantic", "sqlalchemy", "httpx", "yaml", "mapping", "connectors", "babel"}


@pytest.mark.parametrize(
    ("args", "heavy"),
    [
        pytest.param(["--help"], HEAVY, id="help"),
        pytest.param(["status"], HEAVY - {"pydantic"}, id="status"),  # typer itself reads options with pydantic
        pytest.param(["explain", "CW202"], HEAVY - {"pydantic"}, id="explain-a-code"),
    ],
)
def test_starting_imports_nothing_heavy(args: list[str], heavy: set[str]) -> None:
    code = (
        "import sys; from tests.crosswalk.cli.fixtures import FakeHub, module_of\n"
        "sys.modules['crosswalk.app'] = module_of(FakeHub())\n"
        "loaded = set(sys.modules)\n"
        f"from crosswalk.cli.main import application\n"
        f"try: application({args!r})\n"
        "except SystemExit: pass\n"
        "print('HEAVY', sorted({name.split('.')[0] for name in set(sys.modules) - loaded}\n"
        f"      & {heavy!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)

    assert done.stdout.splitlines()[-1] == "HEAVY []"
