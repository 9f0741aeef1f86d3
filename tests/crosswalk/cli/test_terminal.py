"""A process with a terminal of its own: a question, colours, Ctrl-C; and what starting costs."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from crosswalk.app import open_hub

ROOT = Path(__file__).resolve().parents[3]
HUB = "tests.crosswalk.cli.terminal_hub"
PATIENCE = 20.0  # seconds until a test gives up; nothing here takes one


class Terminal:
    """A program that runs in a terminal of 100 columns."""

    def __init__(self, *args: str, program: Sequence[str] = ("-m", HUB), **environment: str) -> None:
        given = {name: held for name, held in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
        self.process_id, self._file = pty.fork()
        if self.process_id == 0:  # pragma: no cover (another process)
            os.chdir(ROOT)
            os.environ.clear()
            os.environ.update({**given, "TERM": "xterm", "COLUMNS": "100", **environment})
            os.execv(sys.executable, [sys.executable, *program, *args])
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


def test_ctrl_c_twice_leaves_a_call_that_nobody_answers() -> None:
    terminal = Terminal("sync", STUBBORN="worker")
    terminal.until(lambda shown: "7 read" in shown)

    terminal.type("\x03")
    terminal.until(lambda shown: "8 read" in shown)
    before = time.monotonic()
    terminal.type("\x03")

    assert terminal.end() == 130
    assert time.monotonic() - before < 15
    assert "The next run resolves what is unknown; it can begin in a minute." in terminal.shown
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")  # the cursor is there again


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


# What takes long to import, by the command that goes without it.
ENGINE = {
    "sqlalchemy", "alembic", "httpx", "openpyxl", "cryptography", "connectors", "mapping.compile", "mapping.schema",
    "mapping.normalise", "phonenumbers", "babel", "apscheduler", "rich", "pydantic", "crosswalk.settings.load",
}  # fmt: skip
STARTS = [
    pytest.param(["--help"], ENGINE | {"yaml", "mapping"}, id="help"),
    pytest.param(["explain", "CW202"], ENGINE | {"yaml", "mapping"}, id="explain-a-code"),
    pytest.param(["status"], ENGINE, id="status"),
    pytest.param(["runs"], ENGINE, id="runs"),
]


@pytest.mark.parametrize(("args", "heavy"), STARTS)
def test_starting_imports_nothing_heavy(tmp_path: Path, args: list[str], heavy: set[str]) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "crosswalk.yaml").write_text(
        "version: 1\n"
        "connections:\n"
        "  files: {path: exports, streams: {members: {files: '*.csv', entity: person, key: id}}}\n"
    )
    with open_hub(tmp_path / "crosswalk.yaml"):
        pass  # the file has been read as a whole, and the store is there
    code = (
        "import sys\n"
        "from crosswalk.cli.main import application\n"
        f"try: application({args!r})\n"
        "except SystemExit as ended: print('ENDED', ended.code or 0)\n"
        f"print('HEAVY', sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    assert done.stdout.splitlines()[-2:] == ["ENDED 0", "HEAVY []"], done.stderr
