"""How Salesforce writes moments."""

from datetime import UTC, date, datetime


def stamp(at: datetime) -> str:
    """As REST writes a moment: `2026-11-01T07:15:02.000+0000`, to the second. Equal widths, so they sort as text."""
    return at.astimezone(UTC).isoformat()[:19] + ".000+0000"


def csv_stamp(text: str) -> str:
    """The same as Bulk writes it: `2026-11-01T07:15:02.000Z`."""
    return text[:-5] + "Z"


def moment(text: str) -> datetime:
    """The moment that a client wrote: ISO 8601 with its zone. Raises `ValueError`."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return at.astimezone(UTC)


def day(text: str) -> str:
    """The day that a client wrote, checked. Raises `ValueError`."""
    return date.fromisoformat(text).isoformat()
