"""One call of the command line: what was asked for everywhere, the two outputs, the hub, and how it ends.

Exit codes: 0 done · 1 failed · 2 usage or configuration, nothing was written · 3 done, something waits for a
person · 130 interrupted.
"""

import gc
import getpass
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from crosswalk import clock
from crosswalk.cli import problems as faults
from crosswalk.cli.ask import Asker, UnaskedError
from crosswalk.cli.interrupts import Interrupts
from crosswalk.cli.progress import Bars, Lines, Quiet
from crosswalk.cli.screen import Line, Screen, use_of, width_of
from crosswalk.cli.text import masked

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.glance import Glance

Answer: TypeAlias = dict[str, Any]
Render: TypeAlias = Callable[[Answer, Screen], Iterable[Line]]
Colour: TypeAlias = Literal["auto", "always", "never"]

DONE, FAILED, USAGE, WAITS, INTERRUPTED = 0, 1, 2, 3, 130
SCHEMA = 1
# Keys of answers that hold values of customers, masked where no terminal shows them (FACE: such output ends in logs).
_OF_CUSTOMERS = frozenset({"title", "before", "after", "value", "base", "previous", "payload", "values"})


class UsageError(Exception):
    """What was typed cannot be done; `hint` says what can."""

    def __init__(self, words: str, hint: str = "") -> None:
        super().__init__(words)
        self.hint = hint


class Manners(Struct, frozen=True, kw_only=True):
    """The options that every command has."""

    config: Path = Path("crosswalk.yaml")
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    colour: Colour = "auto"
    mask: bool = False
    show_values: bool = False
    yes: bool = False
    who: str = ""

    def over(self, given: "Manners", names: Iterable[str]) -> "Manners":
        """These, with what was given again behind the command."""
        return replace(self, **{name: getattr(given, name) for name in names})


@dataclass
class Session:
    """What a command talks through. `command` is its name in JSON."""

    command: str
    manners: Manners
    out: Screen = field(init=False)
    err: Screen = field(init=False)
    asker: Asker = field(init=False)
    interrupted: bool = field(default=False, init=False)
    _progress: Bars | Lines | Quiet | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        now = clock.now()
        answers_on_terminal = is_terminal(sys.stdout)
        hide = self.manners.mask or not (answers_on_terminal or self.manners.show_values)
        self.out = _screen(sys.stdout, self.manners, now=now, hide=hide)
        self.err = _screen(sys.stderr, self.manners, now=now, hide=hide)
        able = is_terminal(sys.stdin) and is_terminal(sys.stderr) and not self.manners.json
        self.asker = Asker(self.err, able=able, agreed=self.manners.yes)

    # saying

    def note(self, *lines: Line) -> None:
        """A sentence of the conversation: on stderr, and not with --quiet."""
        if not self.manners.quiet and not self.manners.json:
            self.err.write(lines)

    def show(self, answer: Answer, render: Render) -> int:
        """The answer of the command on stdout, as text or as JSON; gives its exit code."""
        code = INTERRUPTED if self.interrupted else int(answer.get("exit_code", DONE))
        answer = {**answer, "exit_code": code}
        if self.manners.json:
            self._json(answer)
        else:
            self.out.write(render(answer, self.out))
            self.report(answer)
        return code

    def _json(self, answer: Mapping[str, Any]) -> None:
        whole = {"schema": SCHEMA, "command": self.command, "exit_code": DONE, "problems": [], **answer}
        if self.out.hide:
            whole = _masked(whole)
        self.out.stream.write(json.dumps(whole, ensure_ascii=False, default=str) + "\n")
        self.out.stream.flush()

    def report(self, answer: Answer) -> None:
        """What went wrong besides, on stderr; not where the answer itself has told it, and not beside JSON."""
        rest = [] if answer.get("told") else list(answer.get("problems", ()))
        if rest and not self.manners.json:
            self.err.write(faults.shown(rest, self.err, beside=self.beside, excerpt=self.err.terminal))

    def fail(self, found: list[dict[str, Any]], code: int) -> int:
        """Problems that stop the command: on stderr, in JSON on stdout."""
        if self.manners.json:
            self._json({"exit_code": code, "problems": found})
        else:
            self.err.write(faults.shown(found, self.err, beside=self.beside, excerpt=self.err.terminal))
        return code

    @property
    def beside(self) -> Path:
        """The folder of the configuration."""
        return self.manners.config.absolute().parent

    # the hub

    @contextmanager
    def hub(self, *, works: bool = False, stoppable: bool = True) -> "Iterator[Hub]":
        """The hub of this configuration, open. `works`: it may run long, so progress is shown. `stoppable`: the first
        Ctrl-C asks for the end of a batch; without it, it interrupts."""
        from crosswalk.app import open_hub

        if works:
            collect_seldom()
        with (
            self.progress(works=works) as shown,
            open_hub(self.manners.config, progress=shown, who=self.who) as hub,
            self.stoppable(hub.stop) if stoppable else nullcontext(),
        ):
            zone = getattr(hub, "time_zone", None)
            self.at(zone if isinstance(zone, tzinfo) else UTC)
            yield hub

    def glance(self, question: Callable[["Glance | Hub"], Answer]) -> Answer:
        """What the store alone can answer: without opening the hub, which takes longer, where that is possible."""
        from crosswalk.glance import NoGlanceError, open_glance

        with suppress(NoGlanceError), open_glance(self.manners.config) as glance:
            self.at(glance.time_zone)
            return question(glance)
        with self.hub() as hub:
            return question(hub)

    def at(self, zone: tzinfo) -> None:
        """Show times in this zone from now on."""
        self.out.zone = self.err.zone = zone

    @property
    def who(self) -> str:
        return self.manners.who or _login()

    @contextmanager
    def progress(self, *, works: bool = True, transient: bool = False) -> Iterator[Bars | Lines | Quiet]:
        """Who is told how far the work is: bars on a terminal, lines elsewhere, nobody with --quiet."""
        shown: Bars | Lines | Quiet
        if self.manners.quiet or not works:
            shown = Quiet()
        elif self.err.terminal and not self.manners.json:
            shown = Bars(self.err, transient=transient)
        else:
            shown = Lines(self.err)
        with shown:
            self._progress = shown
            yield shown

    def expect(self, totals: Mapping[str, int]) -> None:
        """How many writes are due per stream: what a bar needs to know its end."""
        if isinstance(self._progress, Bars):
            self._progress.expect(totals)

    @contextmanager
    def stoppable(self, stop: Callable[[], object]) -> Iterator[None]:
        """Ctrl-C asks for the end of the batch and says so; a second one stops at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def finish() -> None:
            self.interrupted = True
            self.err.write(["Finishing the batch in flight. Ctrl-C again stops at once."])
            stop()

        def leave() -> None:
            if self._progress is not None:
                self._progress.close()  # a terminal without its cursor is no good to anybody
            self.err.write(["Stopped. The next run resolves what is unknown; it can begin in a minute."])
            os._exit(INTERRUPTED)

        with Interrupts(stop=finish, leave=leave) as interrupts:
            try:
                yield
            finally:
                self.interrupted = self.interrupted or interrupts.came > 0


def collect_seldom() -> None:
    """A run makes millions of short-lived values and hardly a cycle: looking for those took a third of its time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def run(session: Session, body: Callable[[], int | None]) -> int:
    """A command from its first word to its exit code, whatever happens in it."""
    try:
        return body() or (INTERRUPTED if session.interrupted else DONE)
    except UsageError as fault:
        return session.fail([{"severity": "error", "text": str(fault), "hint": fault.hint}], USAGE)
    except UnaskedError as fault:
        return session.fail([{"severity": "error", "text": str(fault)}], USAGE)
    except KeyboardInterrupt:
        session.err.write(["Stopped. The next run resolves what is unknown."])
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has enough. What would be flushed at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        found, code = told(error)
        if session.manners.verbose:
            session.err.write(traceback.format_exc().rstrip().splitlines())
        return session.fail(found, code)


def told(error: Exception) -> tuple[list[dict[str, Any]], int]:
    """An error as problems and an exit code.

    Errors of the configuration carry all their problems, those of the hub a code, what to do, or both; a question that
    has no answer is a matter of usage. Of anything else only the kind and the place are said: its text may hold what
    a customer wrote.
    """
    if (found := getattr(error, "problems", None)) is not None:
        from crosswalk.messages import exit_code

        return [_problem(one) for one in found], exit_code(found) or USAGE
    code, hint = getattr(error, "code", None), getattr(error, "hint", None)
    if not str(code).startswith("CW"):
        code = None  # libraries have codes of their own, and texts that show what they were given
    if isinstance(hint, str) or isinstance(code, str):
        problem = {"code": code, "severity": "error", "text": getattr(error, "text", None) or str(error), "hint": hint}
        return [{key: held for key, held in problem.items() if held}], _code_of(code)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return [{"severity": "error", "text": f"{place}{error.strerror or type(error).__name__}"}], FAILED
    words = f"a fault in crosswalk itself: {type(error).__name__}{_place(error.__traceback__)}"
    hint = "the same command with --verbose shows the whole way to it"
    return [{"severity": "error", "text": words, "hint": hint}], FAILED


def _code_of(code: str | None) -> int:
    from crosswalk.messages import MESSAGES

    if not code:
        return USAGE
    return MESSAGES[code].exit_code or FAILED if code in MESSAGES else FAILED


def _problem(one: Any) -> dict[str, Any]:
    """A problem as JSON has it, with the width of its mark, which only the terminal draws."""
    return dict(one) if isinstance(one, Mapping) else {**one.json(), "width": one.width}


def _place(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    return f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _screen(stream: TextIO, manners: Manners, *, now: datetime, hide: bool) -> Screen:
    terminal = is_terminal(stream)
    if reconfigure := getattr(stream, "reconfigure", None):
        # A terminal of another encoding shows what it cannot say as \x..., rather than end the command.
        reconfigure(errors="backslashreplace")
    return Screen(
        stream=stream, terminal=terminal, hide=hide, now=now, zone=UTC, width=width_of(terminal=terminal),
        colour=use_of(stream, colour=manners.colour, terminal=terminal),
    )  # fmt: skip


def _login() -> str:
    """Who is at the terminal: of a person who borrows the hub's user with sudo, that person."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def _masked(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {
            name: masked(part) if name in _OF_CUSTOMERS and name != "problems" else _masked(part)
            for name, part in answer.items()
        }
    return [_masked(element) for element in answer] if isinstance(answer, list) else answer
