"""The one real clock. Everything else is handed a clock as an argument, so that tests decide what time it is."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)
