"""Comparing a record's value with one that a client wrote, as search criteria and COQL do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sandbox.state import Record
from sandbox.vendors.zoho.account import fold
from sandbox.vendors.zoho.fields import Field
from sandbox.vendors.zoho.stamps import kept, read
from sandbox.web import Json

Test: TypeAlias = Callable[[Record], bool]
_NUMBERS: Final = frozenset({"integer", "double", "currency"})
_ORDERED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">": lambda value, bound: bool(value > bound),
    ">=": lambda value, bound: bool(value >= bound),
    "<": lambda value, bound: bool(value < bound),
    "<=": lambda value, bound: bool(value <= bound),
}


class UnfitError(Exception):
    """A written value cannot be one of the field, or its type knows no such comparison."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a record, or of one that the record refers to. `value` is folded for comparing."""

    field: Field
    value: Callable[[Record], Json]


def column(found: Field) -> Column:
    return Column(found, lambda record: comparable(record.get(found.key)))


def comparable(value: Json) -> Json:
    """A kept value as it is compared: letters folded, a reference by its id, a list with each of its entries."""
    if isinstance(value, tuple):  # a reference to a record of any module
        return value[1]
    if isinstance(value, list):
        return [comparable(entry) for entry in value]
    return fold(value)


def operand(found: Field, written: Json) -> Json:
    """A written value as it is compared; raises `UnfitError`."""
    if found.type in _NUMBERS:
        return _number(written)
    if found.type == "boolean":
        if str(written).lower() not in {"true", "false"}:
            raise UnfitError
        return str(written).lower() == "true"
    if found.type == "datetime":
        at = read(str(written))
        if at is None:
            raise UnfitError
        return kept(at)
    return fold(str(written))


def _number(written: Json) -> float:
    try:
        return float(written)
    except (TypeError, ValueError):
        raise UnfitError from None


def test(at: Column, operator: str, operands: Sequence[Json]) -> Test:
    """What one comparison asks of a record. Operators: `= != > >= < <= in between null`; raises `UnfitError`."""
    values = [operand(at.field, written) for written in operands]
    if operator == "null":
        return lambda record: _absent(at.value(record))
    if operator in {"=", "!=", "in"}:
        wanted = set(values)
        if operator == "!=":
            return lambda record: not _among(at.value(record), wanted)
        return lambda record: _among(at.value(record), wanted)
    if at.field.type == "boolean" or at.field.target is not None:
        raise UnfitError
    if operator == "between":
        low, high = values
        return lambda record: (value := at.value(record)) is not None and bool(low <= value <= high)
    holds, bound = _ORDERED[operator], values[0]
    return lambda record: (value := at.value(record)) is not None and holds(value, bound)


def _absent(value: Json) -> bool:
    return value is None or value == []


def _among(value: Json, wanted: set[Json]) -> bool:
    return any(entry in wanted for entry in value) if isinstance(value, list) else value in wanted


def both(one: Test, other: Test, *, every: bool) -> Test:
    """Two tests joined by `and` or, where not `every`, by `or`."""
    if every:
        return lambda record: one(record) and other(record)
    return lambda record: one(record) or other(record)
