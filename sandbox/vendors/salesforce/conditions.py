"""What a WHERE means for a record: compiled from the syntax and the schema into a function."""

import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from sandbox.state import Record
from sandbox.vendors.salesforce import ids
from sandbox.vendors.salesforce.answers import RefusedError, refused
from sandbox.vendors.salesforce.schema import NUMBERS, Field
from sandbox.vendors.salesforce.soql import And, Compare, Condition, Moment, Not, Or, Path, Query
from sandbox.vendors.salesforce.stamps import moment, stamp
from sandbox.web import Json

Read: TypeAlias = Callable[[Record], Json]
Test: TypeAlias = Callable[[Record], bool]
# Finds what a path means, and says what is wrong with it.
Resolve: TypeAlias = Callable[[Path], tuple[Field, Read]]
# Runs the query of a semi-join: the values it brings.
Inner: TypeAlias = Callable[[Query], Collection[Json]]

_ORDERED: Final[dict[str, Callable[[Json, Json], bool]]] = {
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


def compiled(condition: Condition, resolve: Resolve, inner: Inner, now: datetime) -> Test:
    """Raises `RefusedError`."""
    if isinstance(condition, Not):
        test = compiled(condition.part, resolve, inner, now)
        return lambda record: not test(record)
    if isinstance(condition, (And, Or)):
        tests = [compiled(part, resolve, inner, now) for part in condition.parts]
        every = all if isinstance(condition, And) else any
        return lambda record: every(test(record) for test in tests)
    field, read = resolve(condition.path)
    if not field.filterable:
        raise refused("INVALID_FIELD", f"field '{field.name}' can not be filtered in a query call")
    return _comparison(condition, field, _folding(field, read), inner, now)


def bounds(condition: Condition | None, name: str, now: datetime) -> tuple[str | None, str | None]:
    """Between which moments, both included, the field of a record must lie to have a chance; None: wherever."""
    if isinstance(condition, And):
        least, most = zip(*(bounds(part, name, now) for part in condition.parts), strict=True)
        return (
            max((text for text in least if text is not None), default=None),
            min((text for text in most if text is not None), default=None),
        )
    if isinstance(condition, Or):
        least, most = zip(*(bounds(part, name, now) for part in condition.parts), strict=True)
        return (None if None in least else min(least), None if None in most else max(most))
    if isinstance(condition, Compare) and str(condition.path).lower() == name.lower():
        return _bound(condition, now)
    return None, None


def _bound(condition: Compare, now: datetime) -> tuple[str | None, str | None]:
    if not isinstance(condition.value, Moment):
        return None, None
    start, end = _span(condition.value, now, day=False) or (_exact(condition.value, "datetime", condition.path),) * 2
    operator = condition.operator
    return (start if operator in ("=", ">", ">=") else None, end if operator in ("=", "<", "<=") else None)


def only(condition: Condition | None, name: str) -> Collection[Json] | None:
    """The values one of which the field must have, where an equality or an IN says so; None: it does not."""
    if isinstance(condition, And):
        return next((found for part in condition.parts if (found := only(part, name)) is not None), None)
    if isinstance(condition, Compare) and str(condition.path).lower() == name.lower():
        if condition.operator == "=" and isinstance(condition.value, str):
            return (condition.value,)
        if condition.operator == "in" and isinstance(condition.value, tuple):
            return condition.value
    return None


def _comparison(condition: Compare, field: Field, read: Read, inner: Inner, now: datetime) -> Test:
    operator, value = condition.operator, condition.value
    if operator == "like":
        return _like(condition, field, read)
    if operator in ("includes", "excludes"):
        if field.type != "multipicklist":
            raise _bad_operator(field, operator)
        return _includes(read, tuple(str(one).casefold() for one in value), expected=operator == "includes")
    if operator in ("in", "not in"):
        given = inner(value) if isinstance(value, Query) else [_prepared(one, field, condition.path) for one in value]
        allowed = frozenset(_fold(one, field) for one in given)
        if operator == "in":
            return lambda record: read(record) in allowed
        return lambda record: read(record) not in allowed
    span = _span(value, now, day=field.type == "date") if isinstance(value, Moment) else None
    if span is not None:
        _check_date(field)
        return _within(operator, read, *span)
    wanted = _prepared(value, field, condition.path)
    if operator == "=":
        return lambda record: bool(read(record) == wanted)
    if operator == "!=":
        return lambda record: bool(read(record) != wanted)
    if field.type == "boolean" or wanted is None:
        raise _bad_operator(field, operator)
    return _ordered(_ORDERED[operator], read, wanted)


def _ordered(compare: Callable[[Json, Json], bool], read: Read, wanted: Json) -> Test:
    def test(record: Record) -> bool:
        held = read(record)
        return held is not None and compare(held, wanted)

    return test


def _within(operator: str, read: Read, start: str, end: str) -> Test:
    """`end` is the first that no longer belongs to the span."""
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda held: start <= held < end,
        "!=": lambda held: not start <= held < end,
        "<": lambda held: held < start,
        "<=": lambda held: held < end,
        ">": lambda held: held >= end,
        ">=": lambda held: held >= start,
    }
    test = tests[operator]

    def within(record: Record) -> bool:
        held = read(record)
        return operator == "!=" if held is None else test(held)

    return within


def _like(condition: Compare, field: Field, read: Read) -> Test:
    if field.type in NUMBERS or field.type in ("boolean", "date", "datetime", "id", "reference"):
        raise _bad_operator(field, "like")
    if not isinstance(condition.value, str):
        raise _not_text(field)
    parts = (re.escape(part) for part in re.split(r"([%_])", condition.value.casefold()))
    pattern = re.compile("".join({"%": ".*", "_": "."}.get(part, part) for part in parts), re.DOTALL)
    return lambda record: pattern.fullmatch(read(record) or "") is not None


def _includes(read: Read, wanted: tuple[str, ...], *, expected: bool) -> Test:
    """`a;b` among the values: both of them."""
    sets = [frozenset(one.split(";")) for one in wanted]
    return lambda record: expected == any(one <= frozenset((read(record) or "").split(";")) for one in sets)


def _folding(field: Field, read: Read) -> Read:
    """Text is compared without regard to case; ids are not."""
    if not _is_text(field):
        return read

    def folded(record: Record) -> Json:
        held = read(record)
        return held.casefold() if isinstance(held, str) else held

    return folded


def _fold(value: Json, field: Field) -> Json:
    return value.casefold() if isinstance(value, str) and _is_text(field) else value


def _is_text(field: Field) -> bool:
    return field.type not in NUMBERS and field.type not in ("boolean", "date", "datetime", "id", "reference")


def _prepared(value: Json, field: Field, path: Path) -> Json:
    """A literal as records are compared with it; refused where it is of another type."""
    if value is None:
        return None
    if field.type == "boolean":
        if not isinstance(value, bool):
            raise _wrong_type(field, "boolean")
        return value
    if field.type in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _wrong_type(field, "double")
        return value
    if field.type in ("date", "datetime"):
        return _exact(value, field.type, path)
    if not isinstance(value, str):
        raise _not_text(field)
    if field.type in ("id", "reference"):
        found = ids.full(value)
        if found is None and value:
            raise refused("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}")
        return found
    return value.casefold() or None


def _exact(value: Json, kind: str, path: Path) -> str:
    text = value.text if isinstance(value, Moment) else ""
    try:
        if kind == "date" and len(text) == 10:
            return datetime.fromisoformat(text).date().isoformat()
        if kind == "datetime" and len(text) > 10:
            return moment(text).isoformat(timespec="milliseconds")[:23] + "+0000"
    except ValueError:
        pass
    name = "dateTime" if kind == "datetime" else "date"
    raise refused(
        "INVALID_FIELD",
        f"value of filter criterion for field '{path}' must be of type {name} and should not be enclosed in quotes",
    )


def _span(value: Moment, now: datetime, *, day: bool) -> tuple[str, str] | None:
    """From where to where a word like TODAY reaches, the end left out; None: it is no such word."""
    word, _, count = value.text.partition(":")
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    one = timedelta(days=1)
    number = int(count) if count.isdecimal() else 0
    month = today.replace(day=1)
    spans = {
        "TODAY": (today, today + one),
        "YESTERDAY": (today - one, today),
        "TOMORROW": (today + one, today + 2 * one),
        "LAST_N_DAYS": (today - number * one, today + one),
        "NEXT_N_DAYS": (today + one, today + (number + 1) * one),
        "N_DAYS_AGO": (today - number * one, today - (number - 1) * one),
        "THIS_MONTH": (month, (month + 32 * one).replace(day=1)),
        "LAST_MONTH": ((month - one).replace(day=1), month),
        "THIS_YEAR": (month.replace(month=1), month.replace(year=month.year + 1, month=1)),
        "LAST_YEAR": (month.replace(year=month.year - 1, month=1), month.replace(month=1)),
    }
    if word not in spans:
        return None
    start, end = spans[word]
    return (start.date().isoformat(), end.date().isoformat()) if day else (stamp(start), stamp(end))


def _check_date(field: Field) -> None:
    if field.type not in ("date", "datetime"):
        raise _wrong_type(field, field.type)


def _bad_operator(field: Field, operator: str) -> RefusedError:
    return refused(
        "INVALID_QUERY_FILTER_OPERATOR", f"{field.name} operator: invalid operator on {field.type} field: {operator}"
    )


def _wrong_type(field: Field, kind: str) -> RefusedError:
    return refused(
        "INVALID_FIELD",
        f"value of filter criterion for field '{field.name}' must be of type {kind} "
        "and should not be enclosed in quotes",
    )


def _not_text(field: Field) -> RefusedError:
    return refused(
        "INVALID_FIELD",
        f"value of filter criterion for field '{field.name}' must be of type string and should be enclosed in quotes",
    )
