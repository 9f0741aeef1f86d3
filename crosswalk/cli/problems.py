"""Problems as people read them: the place, what is wrong there, and on a terminal the line of the file with a mark."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from crosswalk.cli import text
from crosswalk.cli.screen import Line, Screen, Span, Style


def shown(
    problems: Sequence[Mapping[str, Any]], screen: Screen, *, beside: Path | None = None, excerpt: bool
) -> Iterator[Line]:
    """Every problem, in the order given. `excerpt`: with the line of the file; else one line for each of a file's.

    `beside`: the folder in which a problem's `file` is looked up. Secrets that stand in the file are not shown.
    """
    for problem in problems:
        yield _headline(problem)
        if problem.get("file") and problem.get("line"):
            if excerpt:
                yield from _marked(problem, screen, beside)
        elif problem.get("hint"):
            yield from screen.prose(str(problem["hint"]), indent=4)


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
    """`crosswalk.yaml:12:22`, or the address of the record, stream or connection, or nothing."""
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


def _marked(problem: Mapping[str, Any], screen: Screen, beside: Path | None) -> Iterator[Line]:
    """The line of the file with its mark and the hint, as the settings draw it (they know what is secret in it)."""
    from crosswalk.problems import Problem
    from crosswalk.settings import render

    known = Problem.__struct_fields__
    told = Problem(**{name: held for name, held in problem.items() if name in known})
    for line in render.lines(told, _source(str(problem["file"]), beside), screen.width)[1:]:
        before, bar, mark = line.partition("| ")
        underlined = mark.lstrip().startswith("^")
        yield [before + bar, Span(mark, "yellow")] if underlined else line


def _source(file: str, beside: Path | None) -> str:
    """The text of the file; nothing where it cannot be read, or no longer."""
    path = Path(file)
    try:
        return (path if path.is_absolute() or beside is None else beside / path).read_text("utf-8", "replace")
    except OSError:
        return ""


def tally(problems: Sequence[Mapping[str, Any]]) -> str:
    """`5 errors`, `1 warning`, `2 errors, 1 warning`."""
    errors = sum(1 for problem in problems if (problem.get("severity") or "error") == "error")
    warnings = len(problems) - errors
    said = [text.count(errors, "error")] if errors or not warnings else []
    if warnings:
        said.append(text.count(warnings, "warning"))
    return ", ".join(said)
