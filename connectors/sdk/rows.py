"""Rows of a vendor's list as records, each row by itself: one that cannot be a record costs that row alone."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from connectors.sdk.contract import Json, RawRecord, RemoteRecord, RowFault
from connectors.sdk.decoding import ENCODER
from connectors.sdk.errors import ShapeError

if TYPE_CHECKING:
    from connectors.sdk.transport import Answer


def sorted_out(
    rows: Sequence[Json], record: Callable[[Json], RemoteRecord | str], *, where: str
) -> tuple[list[RemoteRecord], list[RowFault]]:
    """The records of a page, and the rows that cannot be one. `record` makes one, or says why not."""
    made: list[RemoteRecord] = []
    faults: list[RowFault] = []
    for row in rows:
        one = record(row)
        if isinstance(one, RemoteRecord):
            made.append(one)
        else:
            key = str(row["id"]) if isinstance(row, dict) and row.get("id") is not None else None
            faults.append(RowFault(f"{where}/{key}" if key else where, key, one, row))
    return made, faults


def packed(record: RemoteRecord) -> RawRecord:
    """The same record, its values as JSON again: a page takes a tenth of the room, and an unchanged record is known by
    these bytes. For rows of many fields that a connector brings into shape one by one."""
    return RawRecord(record.key, record.version, record.modified, ENCODER.encode(record.values))


def undated(
    rows: Sequence[Json], shape: Callable[[Mapping[str, Json]], dict[str, Json]], *, where: str
) -> tuple[list[RemoteRecord], list[RowFault]]:
    """Records of a list that is always read whole, so that their own time tells nothing."""

    def record(row: Json) -> RemoteRecord | str:
        if isinstance(row, dict) and row.get("id") not in (None, ""):
            return RemoteRecord(str(row["id"]), None, None, shape(row))
        return "a row without an id"

    return sorted_out(rows, record, where=where)


def unknown_form(answer: "Answer") -> ShapeError:
    """An answer that is JSON, and not the JSON that was asked for."""
    return ShapeError(
        f"{answer.origin}: answered in a form the connector does not know",
        hint="`crosswalk runs --report` makes a file without personal data to send in",
        code="CW307",
    )


def number(value: Json) -> Json:
    """A decimal in its canonical text as a number; anything else is left for the vendor to judge."""
    if not isinstance(value, str):
        return value
    try:
        parsed = Decimal(value)
    except InvalidOperation:
        return value
    return parsed if parsed.is_finite() else value
