"""Questions: on stderr, answered on stdin, and only where both are a terminal."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crosswalk.cli.screen import Line, Screen, pieces


class UnaskedError(Exception):
    """A question was due and there is nobody to answer it. `flag`: what answers it on the command line."""

    def __init__(self, question: str, flag: str) -> None:
        super().__init__(f"{question}: there is no terminal to answer; give {flag}")
        self.flag = flag


@dataclass(frozen=True)
class Asker:
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
