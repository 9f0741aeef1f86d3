"""How Pipedrive writes moments, ids and names."""

import hashlib
import uuid
from datetime import UTC, datetime


def stamp(at: datetime) -> str:
    """As v2 writes a moment: `2026-01-02T03:04:05Z`."""
    return at.astimezone(UTC).isoformat()[:19] + "Z"


def lead_stamp(at: datetime) -> str:
    """As leads write a moment, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def parse_stamp(text: str) -> datetime:
    """The moment that `stamp` wrote."""
    return datetime.fromisoformat(text)


def made_uuid(*labels: object) -> str:
    """A UUID that follows from the labels."""
    return str(uuid.UUID(bytes=hashlib.md5("/".join(map(str, labels)).encode(), usedforsecurity=False).digest()))


def split_name(name: str) -> tuple[str, str | None]:
    """First and last name as Pipedrive guesses them: the first word, and what follows it."""
    first, _, last = name.strip().partition(" ")
    return first, last.strip() or None
