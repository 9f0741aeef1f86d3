"""Salesforce's query language, as far as it is spoken here: texts in, text out."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from connectors.sdk import Json


def select(
    columns: Iterable[str],
    sobject: str,
    *,
    where: Iterable[str] = (),
    order: Iterable[str] = (),
    limit: int | None = None,
) -> str:
    """A query. Every condition of `where` must hold."""
    text = f"SELECT {','.join(columns)} FROM {sobject}"
    conditions = list(where)
    if conditions:
        text += " WHERE " + " AND ".join(conditions)
    ordered = list(order)
    if ordered:
        text += " ORDER BY " + ", ".join(ordered)
    return text if limit is None else f"{text} LIMIT {limit}"


def count(sobject: str, *, where: Iterable[str] = ()) -> str:
    """How many there are: the answer's `totalSize`, without rows."""
    return select(["COUNT()"], sobject, where=where)


def moment(at: datetime) -> str:
    """A date-time, cut to the millisecond, since a lower bound is included."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def literal(value: Json) -> str:
    """A value to compare with. Texts of dates and date-times must be given as those: they stand without quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, str):
        return quoted(value)
    return str(value)


def quoted(text: str) -> str:
    """A text between quotation marks; a backslash and the mark itself are told apart by a backslash."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + "'"


def among(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({','.join(quoted(value) for value in values)})"


def behind(stamp: str, key: str) -> str:
    """What comes after this record, ordered by stamp and id. Stamps are often equal: many records of one load."""
    at = moment(datetime.fromisoformat(stamp))
    return f"((SystemModstamp = {at} AND Id > {quoted(key)}) OR SystemModstamp > {at})"
