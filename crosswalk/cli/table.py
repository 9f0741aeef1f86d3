"""Tables that fit: columns leave from the right in the order each table gives, then rows become blocks."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from crosswalk.cli.screen import Line, Piece, cut, padded, pieces, plain, wide

_FREE = 16  # columns that a last, free column keeps before another one leaves


class Column(Struct, frozen=True, kw_only=True):
    """`leaves`: 1 leaves first, then 2 ...; 0 never. `gap`: blanks before it. `least`: never narrower."""

    title: str = ""
    right: bool = False
    least: int = 0
    leaves: int = 0
    gap: int = 2


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Line]],
    *,
    width: int,
    header: bool = True,
    indent: int = 0,
    free: bool = False,
) -> Iterator[Line]:
    """Rows under their titles. `free`: the last column is free text, shortened and aligned with nothing."""
    widths = [
        max([column.least, wide(column.title) if header else 0, *(wide(row[at]) for row in rows)])
        for at, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    while _needed(columns, widths, shown, free=free, last=len(columns) - 1) + indent > width:
        leaving = [at for at in shown if columns[at].leaves]
        if not leaving:
            yield from _blocks(columns, rows, width=width, indent=indent)
            return
        shown.remove(min(leaving, key=lambda at: columns[at].leaves))
    if header:
        yield _row(columns, widths, shown, [column.title for column in columns], width=width, indent=indent)
    for row in rows:
        yield _row(columns, widths, shown, row, width=width, indent=indent)


def _needed(columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int], *, free: bool, last: int) -> int:
    total = 0
    for place, at in enumerate(shown):
        own = min(widths[at], _FREE) if free and at == last else widths[at]
        total += own + (columns[at].gap if place else 0)
    return total


def _row(
    columns: Sequence[Column],
    widths: Sequence[int],
    shown: Sequence[int],
    row: Sequence[Line],
    *,
    width: int,
    indent: int,
) -> Line:
    line: list[Piece] = [" " * indent]
    for place, at in enumerate(shown):
        if place:
            line.append(" " * columns[at].gap)
        if place == len(shown) - 1 and not columns[at].right:
            line.extend(cut(row[at], width - wide(line)))
        else:
            line.extend(padded(row[at], widths[at], right=columns[at].right))
    return line


def _blocks(columns: Sequence[Column], rows: Sequence[Sequence[Line]], *, width: int, indent: int) -> Iterator[Line]:
    """A row as `name: value` lines under its first cell."""
    names = [column.title for column in columns]
    for row in rows:
        yield cut([" " * indent, *pieces(row[0])], width)
        for name, cell in zip(names[1:], row[1:], strict=True):
            if plain(cell).strip(" -"):
                before = f"{name}: " if name else ""
                yield cut([" " * (indent + 2), before, *pieces(cell)], width)
