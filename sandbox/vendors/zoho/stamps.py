"""How Zoho writes moments and ids.

Moments are kept as text in UTC, which sorts, and shown in the zone of the organisation, which does not.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Europe/Berlin")
_FIRST_ID: Final = 5545974000000000000


def record_id(number: int) -> str:
    """The id of that number in this account; ids are as long as each other, so they sort as text."""
    return str(_FIRST_ID + number)


def kept(at: datetime) -> str:
    """A moment as records keep it: to the second, in UTC."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat()


@lru_cache(maxsize=65536)
def shown(moment: str) -> str:
    """A kept moment as the API writes it: `2026-11-01T08:15:02+01:00`."""
    return datetime.fromisoformat(moment).astimezone(ZONE).isoformat()


def read(text: str) -> datetime | None:
    """A moment that a client wrote: ISO 8601 with an offset, and with a time; None: it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None and "T" in text else None
