"""Where faults of a file are gathered: every fault once, all of them in one report, in the order of the file."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from msgspec import Struct

from crosswalk.messages import MESSAGES
from crosswalk.problems import Problem


class Mark(NamedTuple):
    """A place in the file, 1-based; columns count characters. `width`: how many of them are meant."""

    line: int
    column: int
    width: int = 1


class Spot(Struct, frozen=True):
    """Where in the tree we are: the address, and whose settings these are."""

    path: tuple[str, ...] = ()
    connection: str | None = None
    stream: str | None = None

    def __truediv__(self, name: str | int) -> "Spot":
        return Spot((*self.path, str(name)), self.connection, self.stream)

    def of(self, *, connection: str | None = None, stream: str | None = None) -> "Spot":
        return Spot(self.path, connection or self.connection, stream or self.stream)


ROOT = Spot()


class Faults:
    """Collects the faults of one file. Another file's are collected beside (`beside`) and told with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[tuple[str | int | None, ...], Problem] = {}

    def beside(self, file: str) -> "Faults":
        other = Faults(file)
        other._found = self._found
        return other

    def add(self, code: str, mark: Mark | None, text: str, hint: str = "", *, at: Spot = ROOT) -> None:
        problem = Problem(
            code=code,
            text=text,
            hint=hint,
            severity=MESSAGES[code].severity,
            file=self.file,
            line=None if mark is None else mark.line,
            column=None if mark is None else mark.column,
            width=1 if mark is None else mark.width,
            path=".".join(at.path) or None,
            connection=at.connection,
            stream=at.stream,
        )
        self._found.setdefault((code, self.file, problem.line, problem.column, text), problem)

    @property
    def bad(self) -> bool:
        return any(one.severity == "error" for one in self._found.values())

    def problems(self) -> list[Problem]:
        """In the order of the file; those of other files come after."""
        return sorted(
            self._found.values(),
            key=lambda one: (one.file != self.file, one.file or "", one.line or 0, one.column or 0),
        )


def nearest(word: str, allowed: Iterable[str], *, most: int = 1) -> list[str]:
    """The allowed words that somebody who wrote `word` may have meant, the likeliest first."""
    words = list(allowed)
    folded = {one.casefold().replace("-", "_"): one for one in words}
    close = get_close_matches(word.casefold().replace("-", "_"), folded, n=most, cutoff=0.6)
    return [folded[one] for one in close]


def suggest(word: str, allowed: Sequence[str], *, none: str = "") -> str:
    """The likely word alone where there is one, else the allowed ones: "did you mean 'shop'?"."""
    likely = nearest(word, allowed)
    if likely:
        return f"did you mean '{likely[0]}'?"
    return f"one of: {some(allowed)}" if allowed else none


def offer(word: str, allowed: Sequence[str]) -> str:
    """The likely word and some others: "did you mean 'write'?  or: create_from, hub_id, mapping, guards, ..."."""
    likely = nearest(word, allowed)
    others = [one for one in allowed if one not in likely]
    if not likely:
        return f"one of: {some(others, most=6)}" if others else "it takes no keys"
    return f"did you mean '{likely[0]}'?" + (f"  or: {some(others)}" if others else "")


def some(words: Sequence[str], *, most: int = 4) -> str:
    return ", ".join(words[:most]) + (", ..." if len(words) > most else "")


def reason_of(error: OSError) -> str:
    """Why a file cannot be read, as it stands behind a colon."""
    return (error.strerror or type(error).__name__).lower()
