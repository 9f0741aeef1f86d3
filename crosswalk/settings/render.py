"""A fault as a terminal shows it: the message, the line of the file, a caret under the place.

    crosswalk.yaml:13:23: error CW102: per_day is '40k'
        13 |     budget: {per_day: 40k, reserve: 20%}
           |                       ^^^ a whole number, such as 40000

Secrets of the line are masked, control characters shown as escapes, long lines cut around the place.
"""

import re
import unicodedata
from typing import Final, NamedTuple

from crosswalk.problems import Problem
from crosswalk.settings.hidden import MASK, is_reference, passwords, telling
from crosswalk.settings.source import lines_of

_NUMBER: Final = 6  # cells of the line number
_CUT: Final = "..."
_LEAST: Final = 40
_CARETS: Final = 24
_KEY: Final = r"""(?:"([^"]*)"|'([^']*)'|([\w.-]+))\s*:\s+"""
_QUOTED: Final = r""""[^"]*"?|'[^']*'?"""
# At the beginning of a line a value goes on to its end; within { } it ends at a comma.
_PAIRS: Final = (
    re.compile(rf"^\s*(?:- )*{_KEY}({_QUOTED}|[^\s{{\[|>#](?:[^#]|(?<!\s)#)*)"),
    re.compile(rf"[{{,]\s*{_KEY}({_QUOTED}|[^\s{{\[#,}}](?:[^#,}}]|(?<!\s)#)*)"),
)
_BLOCK_KEY: Final = re.compile(r"""^(\s*)(?:- )?["']?([\w.-]+)["']?\s*:\s*[|>][+-]?\d?\s*(?:#.*)?$""")


def lines(problem: Problem, source: str, width: int) -> list[str]:
    """The lines of one fault; the first alone is what goes where there is no terminal. `source`: the file's text."""
    head = f"{problem.place}: " if problem.place else ""
    told = [f"{head}{problem.severity} {problem.code}: {problem.text}"]
    written = lines_of(source)
    if problem.line is None or not 0 < problem.line <= len(written):
        return [*told, *([f"{' ' * (_NUMBER + 1)}| {problem.hint}"] if problem.hint else [])]
    room = max(width, _LEAST) - _NUMBER - 3
    whole = _shown(written, problem)
    carets = max(1, min(whole.end - whole.start, _CARETS))
    behind = carets + 1 + _cells(problem.hint)
    beside = bool(problem.hint) and behind <= room - len(_CUT) - 3
    shown = _cut(whole, room, behind if beside else max(carets, min(room // 3, whole.end - whole.start)))
    margin = f"{'':>{_NUMBER}} | "
    told.append(f"{problem.line:>{_NUMBER}} | {shown.text}")
    under = " " * shown.start + "^" * carets
    if beside:
        return [*told, f"{margin}{under} {problem.hint}"]
    return [*told, margin + under, *([margin + problem.hint] if problem.hint else [])]


class _Shown(NamedTuple):
    """A line as it is shown; `start` and `end` are the cells of what is meant."""

    text: str
    start: int
    end: int


def _shown(written: list[str], problem: Problem) -> _Shown:
    line = written[(problem.line or 1) - 1]
    at = max((problem.column or 1) - 1, 0)
    masked = _masked(written, problem)
    pieces: list[str] = []
    cells = start = end = 0
    index = 0
    while index < len(line):
        if index == at:
            start = cells
        span = next((span for span in masked if span[0] == index), None)
        if span is not None:
            piece, index = MASK, span[1]
            inside = span[0] <= at < span[1]
            start = cells if inside else start
            end = cells + _cells(piece) if inside else end
        else:
            piece, index = _visible(line[index]), index + 1
        pieces.append(piece)
        cells += _cells(piece)
        if at < index <= at + problem.width:
            end = max(end, cells)
    if at >= len(line):
        start, end = cells, cells + 1
    return _Shown("".join(pieces).rstrip(), start, max(end, start + 1))


def _masked(written: list[str], problem: Problem) -> list[tuple[int, int]]:
    """Spans of the line that hold a secret: by the name of their key, by what a fault says, passwords in URLs."""
    line = written[(problem.line or 1) - 1]
    at = (problem.column or 1) - 1
    spans: list[tuple[int, int]] = []
    # Only what stands in the file itself is a secret; that a name is not set is none.
    if problem.code == "CW103" and "stands in the file" in problem.text:
        spans.append((at, min(at + max(problem.width, 1), len(line))))
    for found in (found for pair in _PAIRS for found in pair.finditer(line)):
        key = found[1] or found[2] or found[3] or ""
        value = found[4].rstrip()
        if telling(key) and not is_reference(value.strip("'\"")) and value not in ("null", "~"):
            spans.append((found.start(4), found.start(4) + len(value)))
    spans += passwords(line)
    if _is_in_secret_block(written, (problem.line or 1) - 1):
        spans.append((len(line) - len(line.lstrip()), len(line)))
    merged: list[tuple[int, int]] = []
    for span in sorted(spans):
        if merged and span[0] <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], span[1]))
        elif span[0] < span[1]:
            merged.append(span)
    return merged


def _is_in_secret_block(written: list[str], number: int) -> bool:
    """Does the line belong to a block of text (`private_key: |`) that is a secret?"""
    depth = len(written[number]) - len(written[number].lstrip())
    for line in reversed(written[:number]):
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        if indent < depth:
            found = _BLOCK_KEY.match(line)
            return found is not None and telling(found[2])
    return False


def _cut(shown: _Shown, room: int, behind: int) -> _Shown:
    """At most `room` cells, `behind` of them from the place on: "  ... {touchpoint: support, mapping: {csat: ..."."""
    text, start, end = shown
    if start + behind > room:
        lead = "  " + _CUT + " "
        most = room - behind - len(lead)  # cells between what is left out and the place
        dropped, cells = 0, 0
        for index, character in enumerate(text):
            at_word = index > 0 and text[index - 1] == " " and character != " "
            if (at_word and start - cells <= most) or cells >= start:
                dropped = index
                break
            cells += _cells(character)
        text = lead + text[dropped:]
        start, end = start - cells + len(lead), end - cells + len(lead)
    if _cells(text) <= room:
        return _Shown(text, start, end)
    kept, cells = [], 0
    for character in text:
        cells += _cells(character)
        if cells > room - len(_CUT):
            break
        kept.append(character)
    return _Shown("".join(kept).rstrip() + _CUT, start, min(end, room))


def _visible(character: str) -> str:
    if character == "\t":
        return " "
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in "\u202a\u202b\u202c\u202d\u202e":
        return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
    return character


def _cells(text: str) -> int:
    """Cells of a terminal. Terminals disagree on the vowel signs of some scripts; only the caret is aligned by this."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
