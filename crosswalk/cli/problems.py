"""Problems as people read them: the place, what is wrong there, the line of the file with a mark under it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from crosswalk.cli import text
from crosswalk.cli.screen import Line, Screen, Span, Style, cut

_HIDDEN = "•••"
# What is never shown, whatever the problem is: the plain value behind a key that names a secret.
_SECRET = re.compile(
    r"""(?P<key>[\w-]*(?:secret|token|password|passwd|api_?key|encryption_key|private_key)[\w-]*["']?\s*:\s+)
        (?P<value>(?!env:|file:|\{|\[|null\b|~)("[^"]*"|'[^']*'|[^\s,}\]#][^,}\]]*?))(?=\s*(?:[,}\]]|\s\#|$))""",
    re.IGNORECASE | re.VERBOSE,
)


def shown(
    problems: Sequence[Mapping[str, Any]], screen: Screen, *, beside: Path | None = None, excerpt: bool
) -> Iterator[Line]:
    """Every problem, in the order given. `excerpt`: with the line of the file; else one line for each of a file's.

    `beside`: the folder in which a problem's `file` is looked up. Secrets that stand in the file are not shown.
    """
    secrets = {(p.get("file"), p.get("line"), p.get("column")): p for p in problems if p.get("code") == "CW103"}
    for problem in problems:
        yield _headline(problem)
        if excerpt or not problem.get("file"):
            yield from _explained(problem, screen, beside, list(secrets.values()))


def _headline(problem: Mapping[str, Any]) -> list[str | Span]:
    severity = str(problem.get("severity") or "error")
    style: Style = "red" if severity == "error" else "yellow"
    place = where(problem)
    return [
        f"{place}: " if place else "",
        Span(severity, style),
        f" {problem['code']}: " if problem.get("code") else ": ",
        str(problem.get("text", "")),
    ]


def where(problem: Mapping[str, Any]) -> str:
    """`crosswalk.yaml:12:22`, or the address of the stream or record, or nothing."""
    if problem.get("file"):
        parts = [problem["file"], problem.get("line"), problem.get("column")]
        return ":".join(str(part) for part in parts if part is not None)
    if problem.get("record"):
        return str(problem["record"])
    return address(problem)


def address(problem: Mapping[str, Any]) -> str:
    stream, connection = problem.get("stream"), problem.get("connection")
    if stream and connection and not str(stream).startswith(f"{connection}/"):
        return f"{connection}/{stream}"
    return str(stream or connection or "")


def _explained(
    problem: Mapping[str, Any], screen: Screen, beside: Path | None, secrets: Sequence[Mapping[str, Any]]
) -> Iterator[Line]:
    hint = str(problem.get("hint") or "")
    source = _source(problem, beside)
    if source is None:
        if hint:
            yield from screen.prose(hint, indent=4)
        return
    line, column = int(problem["line"]), int(problem.get("column") or 1)
    width = int(problem.get("width") or 1)
    source, column, width = _without_secrets(source, line, column, width, problem, secrets)
    before = f"{line:>6} | "
    blank = f"{'':>6} | "
    source, column = _moved_into_view(source, column, needed=len(before) + width + 1 + len(hint), room=screen.width)
    yield cut([before, source], screen.width)
    mark = " " * (column - 1) + "^" * width
    if len(blank) + len(mark) + 1 + len(hint) <= screen.width:
        yield [blank, Span(mark, "yellow"), f" {hint}" if hint else ""]
    else:
        yield [blank, Span(mark, "yellow")]
        yield from screen.prose(hint, indent=len(blank), first=blank)


def _source(problem: Mapping[str, Any], beside: Path | None) -> str | None:
    """The line of the file, or None: it has changed, it cannot be read, the problem names none."""
    if not problem.get("file") or not problem.get("line"):
        return None
    path = Path(problem["file"])
    try:
        lines = (path if path.is_absolute() or beside is None else beside / path).read_text("utf-8").splitlines()
        return lines[int(problem["line"]) - 1].expandtabs(1)
    except (OSError, IndexError, UnicodeDecodeError):
        return None


def _without_secrets(
    source: str,
    line: int,
    column: int,
    width: int,
    problem: Mapping[str, Any],
    secrets: Sequence[Mapping[str, Any]],
) -> tuple[str, int, int]:
    """The line with every secret in it covered, and where the mark stands now."""
    spans = [
        (int(other["column"]) - 1, int(other["column"]) - 1 + int(other.get("width") or len(source)))
        for other in secrets
        if other.get("file") == problem.get("file") and other.get("line") == line and other.get("column")
    ]
    spans += [match.span("value") for match in _SECRET.finditer(source)]
    start, end = column - 1, column - 1 + width
    for left, right in sorted(set(spans), reverse=True):
        right = min(right, len(source))
        if right <= left:
            continue
        saved = (right - left) - len(_HIDDEN)
        source = source[:left] + _HIDDEN + source[right:]
        if start >= right:
            start, end = start - saved, end - saved
        elif end > left:
            # The mark is within the secret, or over it: it stands under the cover.
            start, end = left, left + len(_HIDDEN)
    return source, start + 1, max(1, end - start)


def _moved_into_view(source: str, column: int, *, needed: int, room: int) -> tuple[str, int]:
    """A long line, its left cut at a word so that the mark and the hint behind it fit."""
    if needed + column - 1 <= room:
        return source, column
    lead = "  ... "
    starts = [match.end() for match in re.finditer(r"\s+", source) if match.end() < column]
    for start in starts:
        moved = column - start + len(lead)
        if needed + moved - 1 <= room:
            return lead + source[start:], moved
    return source, column


def tally(problems: Sequence[Mapping[str, Any]]) -> str:
    """`5 errors`, `1 warning`, `2 errors, 1 warning`."""
    errors = sum(1 for problem in problems if (problem.get("severity") or "error") == "error")
    warnings = len(problems) - errors
    said = [text.count(errors, "error")] if errors or not warnings else []
    if warnings:
        said.append(text.count(warnings, "warning"))
    return ", ".join(said)
