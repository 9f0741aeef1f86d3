"""A fault told to a person: where, what was found, what to do. One form for the terminal, `--json` and the log.

Texts may hold values of the configuration, never a secret and never a customer's value.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

Severity: TypeAlias = Literal["error", "warning"]


class Problem(Struct, frozen=True, kw_only=True):
    """One fault. `line` and `column` are 1-based and count characters; `width` is how much the caret underlines.

    `path`: the address within the file ("connections.shop.path"); `record`: the id of a record in its stream.
    """

    code: str
    text: str
    hint: str = ""
    severity: Severity = "error"
    file: str | None = None
    line: int | None = None
    column: int | None = None
    width: int = 1
    path: str | None = None
    connection: str | None = None
    stream: str | None = None
    record: str | None = None

    @property
    def place(self) -> str:
        """`crosswalk.yaml:12:22`, as far as it is known; "" where the fault has no place in a file."""
        if self.file is None:
            return ""
        parts = [self.file, *(str(part) for part in (self.line, self.column) if part is not None)]
        return ":".join(parts)

    def json(self) -> dict[str, Any]:
        """For `problems[]` of `--json`; absent parts are left out."""
        shown = ("code", "severity", "text", "hint", "file", "line", "column", "path", "connection", "stream", "record")
        given = {name: getattr(self, name) for name in shown}
        told = {name: value for name, value in given.items() if value not in (None, "")}
        return {**told, "width": self.width} if self.column is not None else told

    def __str__(self) -> str:
        head = f"{self.place}: " if self.place else ""
        return f"{head}{self.severity} {self.code}: {self.text}" + (f" ({self.hint})" if self.hint else "")


class ProblemsError(Exception):
    """Faults that stop a command. Everything that was found at once, not the first of it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that stop something; warnings left out."""
    return [problem for problem in problems if problem.severity == "error"]
