"""Golden records as CSV."""

import csv
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

from crosswalk.cli import text

# What a spreadsheet runs. A telephone number, or several, begins with a plus and is harmless: it has no letters.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d .,;()/+-]*\Z)")


def written(
    target: Path | None,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    masked: bool,
    verbatim: bool = False,
    stdout: TextIO,
) -> int:
    """Write the rows and say how many. The file appears whole or not at all; `target` None: to stdout.

    Values come from whoever fills in a form. One that a spreadsheet would take for a formula gets an apostrophe in
    front, unless `verbatim`.
    """
    if target is None:
        return _write(stdout, columns, rows, masked=masked, verbatim=verbatim)
    partial = target.with_name(f".{target.name}.partial")
    try:
        with os.fdopen(
            os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline=""
        ) as file:
            number = _write(file, columns, rows, masked=masked, verbatim=verbatim)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return number


def _write(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, masked: bool, verbatim: bool) -> int:
    writer = csv.writer(file)
    writer.writerow(columns)
    number = 0
    for row in rows:
        number += 1
        # The first column is the entity's address, which names nobody.
        cells = [_cell(text.masked(held) if masked and at else held) for at, held in enumerate(row)]
        writer.writerow(cells if verbatim else [_harmless(cell) for cell in cells])
    return number


def _harmless(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _cell(held: Any) -> str:
    """A value as one cell: texts as they are, elements of a list behind one another."""
    if held is None:
        return ""
    if isinstance(held, str):
        return held
    if isinstance(held, bool):
        return "true" if held else "false"
    if isinstance(held, list):
        return "; ".join(_cell(element) for element in held)
    if isinstance(held, dict):
        for main in ("address", "number", "value", "full", "amount", "code", "id"):
            if isinstance(held.get(main), str | int | float):
                return f"{held[main]} {held['currency']}" if held.get("currency") else str(held[main])
        return ", ".join(_cell(part) for part in held.values() if part is not None)
    return str(held)
