"""Questions: on stderr, answered on stdin, and only where both are a terminal."""

import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from crosswalk.cli.screen import Line, Piece, Screen, Span, pieces


class UnaskedError(Exception):
    """A question was due and there is nobody to answer it. `flag`: what answers it on the command line."""

    def __init__(self, question: str, flag: str) -> None:
        super().__init__(f"{question}: there is no terminal to answer; give {flag}")
        self.flag = flag


class Asker(Struct, frozen=True):
    """`able`: stdin and stderr are a terminal. `agreed`: `--yes`, which answers every yes-or-no question."""

    screen: Screen
    able: bool
    agreed: bool
    read: Callable[[], str] = lambda: sys.stdin.readline()

    def confirm(self, question: Line, *, what: str) -> bool:
        """Yes or no, no by default. `what`: the question in words, for who has no terminal."""
        if self.agreed:
            return True
        return self.ask([*pieces(question), " [y/N] "], what=what, flag="--yes").lower() in ("y", "yes")

    def ask(self, question: Line, *, what: str, flag: str) -> str:
        """One line, without the blanks around it. The end of the input is an interruption."""
        if not self.able:
            raise UnaskedError(what, flag)
        self.screen.stream.write(self.screen.line([*pieces(question)]) + " ")
        self.screen.stream.flush()
        answer = self.read()
        if not answer:
            self.screen.stream.write("\n")
            raise KeyboardInterrupt
        return answer.strip()

    def choose(self, question: Line, answers: Sequence[str], *, what: str, flag: str) -> str:
        """One of `answers`, asked again until it is."""
        while True:
            answer = self.ask(question, what=what, flag=flag).lower()
            if answer in answers:
                return answer
            self.screen.write([f"one of: {', '.join(answers)}"])

    def mark(self, question: str, options: Sequence[str], *, marked: Sequence[str] = (), flag: str) -> list[str]:
        """Some of the options: arrows move, space marks, enter goes on. In the order of the options."""
        if not self.able:
            raise UnaskedError(" ".join(question.split()), flag)
        chosen = [option in marked for option in options]
        at = 0
        with _keys() as read:
            while True:
                self.screen.stream.write("\r\x1b[K" + self.screen.line(_boxes(question, options, chosen, at)))
                self.screen.stream.flush()
                key = read()
                if key in ("\r", "\n"):
                    break
                if key in ("\x03", "\x04", ""):
                    self.screen.stream.write("\n")
                    raise KeyboardInterrupt
                if key == " ":
                    chosen[at] = not chosen[at]
                elif key in ("\x1b[C", "\x1b[B", "\t"):
                    at = (at + 1) % len(options)
                elif key in ("\x1b[D", "\x1b[A"):
                    at = (at - 1) % len(options)
        self.screen.stream.write("\n")
        return [option for option, taken in zip(options, chosen, strict=True) if taken]


def _boxes(question: str, options: Sequence[str], chosen: Sequence[bool], at: int) -> list[Piece]:
    line: list[Piece] = [f"{question}  "]
    for number, (option, taken) in enumerate(zip(options, chosen, strict=True)):
        line += [Span(f"[{'x' if taken else ' '}] {option}", "bold" if number == at else ""), "  "]
    return line


@contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """Keys as they are pressed, arrows as their whole sequence; the terminal as it was afterwards."""
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def read() -> str:
        key = os.read(terminal, 1)
        if key == b"\x1b":
            key += os.read(terminal, 2)
        return key.decode("ascii", "replace")

    try:
        tty.setcbreak(terminal)
        yield read
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def unseen() -> Iterator[Callable[[float], str | None]]:
    """Lines as they are typed or pasted, without being shown; None: none came within so many seconds. The terminal is
    as it was afterwards."""
    import termios

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    silent = termios.tcgetattr(terminal)
    silent[3] &= ~termios.ECHO

    def read(seconds: float) -> str | None:
        if not select.select([terminal], [], [], seconds)[0]:
            return None
        line = os.read(terminal, 1 << 16)
        if not line:
            raise KeyboardInterrupt  # the end of the input
        return line.decode("utf-8", "replace")

    try:
        termios.tcsetattr(terminal, termios.TCSADRAIN, silent)
        yield read
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)  # what is half typed is nobody else's
