"""What a column holds, from a sample of its values. Only what cannot be taken for anything else gets a type:
digits may be a postal code, and "ja" may be a name."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from connectors.sdk.contract import FieldType, Json, Values

_LONG: Final = 255
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.\d{4}|\d{1,2}/\d{1,2}/\d{4}")
_DATETIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|[+-]\d{2}:?\d{2})?"
    r"|\d{1,2}\.\d{1,2}\.\d{4},? \d{1,2}:\d{2}(:\d{2})?"
)
# With a fraction: whole numbers in a text are as likely numbers of phones, houses and customers.
_NUMBER: Final = re.compile(r"-?\d{1,3}(?:[.,' \u00a0\u202f]\d{3})*[.,]\d{1,2}|-?\d+[.,]\d{1,2}")
_SIGNS: Final = frozenset('."[{')  # of a path
_SCORE: Final = re.compile(r"0|[1-9]\d{0,2}")


def field_types(rows: Iterable[Values]) -> dict[str, FieldType]:
    """A type for every column of these rows, those of objects within a row by their path."""
    guesses: dict[str, set[FieldType]] = {}
    for values in rows:
        for column, value in _flat("", values):
            guess = _guess(value)
            kinds = guesses.setdefault(column, set())
            if guess is not None:
                kinds.add(guess)
    return {column: _common(kinds) for column, kinds in guesses.items()}


def path_of(column: str, rows: Iterable[Values] = ()) -> str:
    """Where a column stands: a dot of its own leads nowhere ("Tel. mobil"), one between objects into them."""
    steps = next((steps for row in rows if column not in row and (steps := _steps(column, row))), [column])
    return ".".join(quoted(step) if _SIGNS.intersection(step) else step for step in steps)


def quoted(name: str) -> str:
    """As the mapping language writes a name that has signs of its own."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _steps(column: str, values: Values) -> list[str]:
    if column in values:
        return [column]
    for name, inner in values.items():
        if isinstance(inner, dict) and column.startswith(f"{name}."):
            rest = _steps(column[len(name) + 1 :], inner)
            if rest:
                return [name, *rest]
    return []


def _flat(prefix: str, values: Values) -> Iterator[tuple[str, Json]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value


def _guess(value: Json) -> FieldType | None:
    match value:
        case None:
            return None
        case bool():
            return "bool"
        case int():
            return "int"
        case Decimal() | float():
            return "number"
        case str():
            return _guess_text(value.strip())
        case _:
            return "json"


def _guess_text(text: str) -> FieldType | None:
    if not text:
        return None
    if len(text) > _LONG or "\n" in text:
        return "long_text"
    if text in ("true", "false", "True", "False", "TRUE", "FALSE"):
        return "bool"
    for pattern, kind in _PATTERNS:
        if pattern.fullmatch(text):
            return kind
    return "text"


_PATTERNS: Final[tuple[tuple[re.Pattern[str], FieldType], ...]] = (
    (_SCORE, "int"),
    (_NUMBER, "number"),
    (_DATE, "date"),
    (_DATETIME, "datetime"),
)


def _common(kinds: set[FieldType]) -> FieldType:
    """The narrowest type that holds them all."""
    if len(kinds) == 1:
        return next(iter(kinds))
    if kinds == {"int", "number"}:
        return "number"
    if kinds == {"date", "datetime"}:
        return "datetime"
    if "json" in kinds:
        return "json"
    return "long_text" if "long_text" in kinds else "text"
