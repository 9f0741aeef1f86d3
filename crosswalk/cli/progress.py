"""How far the work is, told on stderr: bars on a terminal, one line per stream every 30 s elsewhere."""

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from crosswalk.cli import text
from crosswalk.cli.screen import Screen

if TYPE_CHECKING:  # rich costs a tenth of a second: only a terminal that sees bars pays it
    from rich.progress import Progress as RichProgress
    from rich.progress import Task, TaskID

EVERY = 30.0  # seconds between two lines of one stream


class _Quiet:
    """Tells nobody: the root of the others."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stage(self, name: str, *, total: int | None = None) -> None:
        """Nothing to show."""

    def advance(self, stream: str, *, read: int = 0, changed: int = 0, written: int = 0) -> None:
        """Nothing to show."""

    def close(self) -> None:
        """Nothing is open."""


class Quiet(_Quiet):
    """For `--quiet`."""


class _Count(Struct):
    read: int = 0
    written: int = 0
    told_at: float = 0.0


class Lines(_Quiet):
    """A line per stream, at most one every 30 s, told when the stream moves; streams report from many threads."""

    def __init__(self, screen: Screen, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen
        self._monotonic = monotonic
        self._counts: dict[str, _Count] = {}
        self._lock = threading.Lock()

    def advance(self, stream: str, *, read: int = 0, changed: int = 0, written: int = 0) -> None:
        with self._lock:
            now = self._monotonic()
            held = self._counts.setdefault(stream, _Count(told_at=now))
            held.read += read
            held.written += written
            if now - held.told_at >= EVERY and (held.read or held.written):
                held.told_at = now
                self._screen.write([f"{stream}  {_said(held)}"])


def _said(held: _Count) -> str:
    done = [f"{text.number(held.read)} read"] if held.read else []
    if held.written:
        done.append(f"{text.number(held.written)} written")
    return ", ".join(done) or "working"


class Bars(_Quiet):
    """A bar per stream and per stage, redrawn in place.

    `close` lets the terminal be written to; the bars stay as they were then, or leave no trace where `transient`. What
    is told afterwards opens new ones.
    """

    def __init__(self, screen: Screen, *, transient: bool = False) -> None:
        self._screen = screen
        self._transient = transient
        self._totals: dict[str, int] = {}
        self._lock = threading.Lock()
        self._progress: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._counts: dict[str, _Count] = {}
        self._stage: TaskID | None = None

    def expect(self, totals: Mapping[str, int]) -> None:
        """How many writes are due per stream; without it a stream's bar only runs to and fro."""
        self._totals = dict(totals)

    def stage(self, name: str, *, total: int | None = None) -> None:
        with self._lock:
            progress = self._open()
            if self._stage is not None:
                progress.remove_task(self._stage)
            self._stage = progress.add_task(name, total=total, said="")

    def advance(self, stream: str, *, read: int = 0, changed: int = 0, written: int = 0) -> None:
        with self._lock:
            progress = self._open()
            if self._stage is not None:
                progress.update(self._stage, advance=read + written)
            held = self._counts.setdefault(stream, _Count())
            held.read += read
            held.written += written
            if not (held.read or held.written):
                return  # a stage that only says it is alive
            total = self._totals.get(stream)
            if stream not in self._tasks:
                self._tasks[stream] = progress.add_task(stream, total=total, said="")
            progress.update(
                self._tasks[stream], completed=held.written if total else None, said="" if total else _said(held)
            )

    def close(self) -> None:
        with self._lock:
            if self._progress is None:
                return
            if self._stage is not None:
                self._progress.remove_task(self._stage)
            for stream, task in self._tasks.items():
                if not self._totals.get(stream):
                    self._progress.update(task, total=1, completed=1)
            self._progress.stop()
            self._progress, self._stage = None, None
            self._tasks.clear()
            self._counts.clear()

    def _open(self) -> "RichProgress":
        if self._progress is None:
            self._progress = _rich(self._screen, transient=self._transient)
            self._progress.start()
        return self._progress


def _rich(screen: Screen, *, transient: bool) -> "RichProgress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
    from rich.text import Text

    class Pace(ProgressColumn):
        """`96/210   5/s   23 s left`, or what was done where no total is known."""

        def render(self, task: "Task") -> Text:
            if task.fields["said"] or not task.total:
                return Text(str(task.fields["said"]))
            words = [f"{text.number(int(task.completed))}/{text.number(int(task.total))}"]
            if not task.finished and task.speed:
                words.append(f"{task.speed:,.0f}/s")
                if task.time_remaining is not None:
                    words.append(f"{round(task.time_remaining)} s left")
            return Text("   ".join(words))

    console = Console(
        file=screen.stream, force_terminal=True, width=screen.width, highlight=False, markup=False,
        color_system="standard" if screen.colour else None, no_color=not screen.colour,
    )  # fmt: skip
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        Pace(),
    ]
    return Progress(*columns, console=console, transient=transient, redirect_stdout=False, redirect_stderr=False)
