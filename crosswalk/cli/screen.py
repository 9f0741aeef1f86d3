"""Lines for a terminal or a pipe: colours, width, isolates, control characters.

A renderer yields lines; a line is a text, or spans of which each may have a style. What a span says is data: it
becomes harmless (control characters shown, right-to-left text fenced) only here, where the line is written, so no
renderer can forget it.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any, Literal, TextIO, TypeAlias

from msgspec import Struct

from crosswalk.cli import text

Style: TypeAlias = Literal["", "green", "yellow", "red", "warn", "dim", "bold"]

NARROWEST, WIDEST = 60, 100
_CODES = {"green": "32", "yellow": "33", "red": "31", "warn": "1;33", "dim": "2", "bold": "1"}
_OF_SIGN: dict[str, Style] = {"+": "green", "~": "yellow", "-": "red", "!": "warn"}
_OF_STATE: dict[str, Style] = {"ok": "green", "part": "yellow", "fail": "red"}


class Span(Struct, frozen=True):
    """A piece of a line. `fenced`: a value, whose right-to-left letters must not move what stands around it."""

    text: str
    style: Style = ""
    fenced: bool = False


Piece: TypeAlias = str | Span
Line: TypeAlias = str | Sequence[Piece]


def pieces(line: Line) -> Sequence[Piece]:
    return (line,) if isinstance(line, str) else line


def plain(line: Line) -> str:
    """The text of a line, without styles."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in pieces(line))


def wide(line: Line) -> int:
    """Columns a line takes once its control characters are shown."""
    return text.cells(text.visible(plain(line)))


def padded(line: Line, width: int, *, right: bool = False) -> list[Piece]:
    """A line filled with blanks to `width` columns; a wider one stays as it is."""
    fill = " " * max(0, width - wide(line))
    return [fill, *pieces(line)] if right else [*pieces(line), fill]


def cut(line: Line, width: int) -> list[Piece]:
    """A line of at most `width` columns, its styles kept."""
    if wide(line) <= width:
        return list(pieces(line))
    kept: list[Piece] = []
    room = width
    for piece in pieces(line):
        span = Span(piece) if isinstance(piece, str) else piece
        shown = text.visible(span.text)
        if text.cells(shown) >= room:
            # One column is for the sign of the cut, also where this piece alone would just fit.
            kept.append(Span(text.shorten(shown + "  ", room), span.style, span.fenced))
            break
        kept.append(Span(shown, span.style, span.fenced))
        room -= text.cells(shown)
    return kept


def sign(mark: str) -> Span:
    """`+`, `~`, `-`, `!` in the colour that repeats them."""
    return Span(mark, _OF_SIGN.get(mark, ""))


def state(word: str) -> Span:
    """`ok`, `part`, `fail` in the colour that repeats them."""
    return Span(word, _OF_STATE.get(word, ""))


def dim(words: str) -> Span:
    return Span(words, "dim")


class Screen(Struct, kw_only=True):
    """One output and what is known of it. `hide`: values of customers are masked."""

    stream: TextIO
    terminal: bool = False
    colour: bool = False
    hide: bool = False
    width: int = WIDEST
    now: datetime
    zone: tzinfo

    def write(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self.stream.write(self.line(line) + "\n")
        self.stream.flush()

    def line(self, line: Line) -> str:
        """What is sent to the output for one line."""
        return "".join(self._piece(piece) for piece in pieces(line)).rstrip(" ")

    def _piece(self, piece: Piece) -> str:
        span = Span(piece) if isinstance(piece, str) else piece
        shown = text.visible(span.text)
        if self.terminal and span.fenced:
            shown = text.isolated(shown)
        if not self.colour or not span.style or not shown:
            return shown
        return f"\x1b[{_CODES[span.style]}m{shown}\x1b[0m"

    # values and times as this output shows them

    def value(self, held: Any) -> Span:
        """A value of a customer, masked where this output hides them."""
        return Span(text.value(text.masked(held) if self.hide else held), fenced=True)

    def title(self, words: str | None) -> Span:
        """Who a record is about: names of a customer."""
        shown = words or ""
        return Span(text.masked(shown) if self.hide else shown, fenced=True)

    def ago(self, instant: str) -> str:
        return text.ago(instant, now=self.now, zone=self.zone)

    def day(self, instant: str) -> str:
        return text.day(instant, now=self.now, zone=self.zone)

    def stamp(self, instant: str) -> str:
        return text.stamp(instant, now=self.now, zone=self.zone)

    def clock(self, instant: str) -> str:
        return text.clock(instant, now=self.now, zone=self.zone)

    # layout

    def titled(self, left: Line, title: Line, *, at: int = 57) -> Iterator[Line]:
        """A line with something behind it from column `at`; on a narrow output behind two blanks, or below."""
        column = max(at if self.width >= 90 else 0, wide(left) + 2)
        if not wide(title):
            yield left
        elif column + min(wide(title), 16) > self.width:
            yield left
            yield ["    ", *cut(title, self.width - 4)]
        else:
            yield [*padded(left, column), *cut(title, self.width - column)]

    def prose(self, words: str, *, indent: int = 0, first: Line = "") -> Iterator[Line]:
        """Sentences, broken between words. `first` stands before the first line, within the indent.

        Two blanks set a command apart ("then  crosswalk check"); they are kept, and the command is not broken.
        """
        before: Line = padded(first, indent)
        room = max(20, self.width - indent)
        line = ""
        for blanks, word in _unbroken(words):
            joined = f"{line}{blanks}{word}" if line else word
            if line and text.cells(joined) > room:
                yield [*pieces(before), line]
                before, line = " " * indent, word
            else:
                line = joined
        yield [*pieces(before), line]


def _unbroken(words: str) -> Iterator[tuple[str, str]]:
    """Words with the blanks before them. A command after two blanks is one, up to two blanks, `;` or the end."""
    return ((found[1], found[2]) for found in _WORDS.finditer(words))


_WORDS = re.compile(r"(^ *| +)((?<=  )crosswalk(?: ?[^\s;]+)*;?|\S+)")


def use_of(stream: TextIO, *, colour: str, terminal: bool) -> bool:
    """Whether a stream gets colours. `colour`: auto, always, never; a set NO_COLOR makes auto never."""
    if colour != "auto":
        return colour == "always"
    return terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width_of(*, terminal: bool) -> int:
    """Columns to write for: COLUMNS, else those of the terminal, else 100; never below 60."""
    if not terminal and not os.environ.get("COLUMNS"):
        return WIDEST
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size((WIDEST, 24)).columns))
