"""When work is due: every so often, or by a cron line in somebody's time zone.

A trigger is a function of time alone, so every process that reads the same configuration sees the same
slots. APScheduler does the arithmetic of cron lines; its schedulers and stores are not used (several
processes on one of its stores each fire every slot).
"""

import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIELDS: Final = ("minute", "hour", "day", "month", "weekday")
_WEEKDAY = re.compile(r"^(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?$")
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_LONGEST_SHIFT: Final = timedelta(hours=2)  # of summer time


class TriggerError(ValueError):
    """A schedule that cannot be read. `hint`: what to write instead."""

    def __init__(self, text: str, *, hint: str) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


class Trigger(Protocol):
    def next(self, after: datetime) -> datetime | None:
        """The first slot later than `after`, in UTC; None: there is none."""
        ...


def offset(name: str, within: timedelta) -> timedelta:
    """A share of `within` in whole seconds, always the same for a name: streams do not all start at once."""
    seconds = int(within.total_seconds())
    if seconds < 1:
        return timedelta(0)
    return timedelta(seconds=int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) % seconds)


class Every:
    """Every `interval`, at an offset that belongs to `name`. Counted in elapsed time: summer time changes nothing."""

    def __init__(self, interval: timedelta, *, name: str) -> None:
        if interval < timedelta(seconds=1):
            raise TriggerError("the interval is shorter than a second", hint="write 15m, 1h or 1d")
        self._interval = interval
        self._start = _START + offset(name, interval)

    def next(self, after: datetime) -> datetime:
        return self._start + ((after - self._start) // self._interval + 1) * self._interval


class Cron:
    """A cron line of five fields, read in `zone`; in UTC where it goes out.

    An hour that summer time skips fires once, an hour later by the clock. An hour that comes twice fires once,
    the first time, unless the line says "every hour".
    As in cron, a day of the month and a weekday together mean either of them.
    """

    def __init__(self, line: str, *, zone: str, name: str, spread: timedelta = timedelta(0)) -> None:
        self._offset = offset(name, spread)
        self._zone = ZoneInfo(zone)
        minute, hour, day, month, weekday = _split(line)
        self._hourly = hour.startswith("*")
        common = {"minute": minute, "hour": hour, "month": month, "timezone": self._zone}
        days: list[dict[str, Any]] = [{"day": day, "day_of_week": weekday}]
        if not day.startswith("*") and weekday != "*":
            days = [{"day": day}, {"day_of_week": weekday}]
        try:
            self._parts = [CronTrigger(**common, **one) for one in days]
        except ValueError as error:
            raise TriggerError(f"'{line}' is no cron line: {error}", hint=_HINT) from error

    def next(self, after: datetime) -> datetime | None:
        slots = [slot for slot in (self._next(part, after - self._offset) for part in self._parts) if slot is not None]
        return min(slots) + self._offset if slots else None

    def _next(self, part: CronTrigger, after: datetime) -> datetime | None:
        start = after
        # Asked from within the hour after a skipped one, the trigger would not find what was moved into it.
        before = after - _LONGEST_SHIFT
        if _offset(before, self._zone) < _offset(after, self._zone):
            start = before
        while True:
            # Ticked in UTC: adding to a local time forgets which of two equal hours it is in.
            local: datetime | None = part.get_next_fire_time(None, (start + _TICK).astimezone(self._zone))
            if local is None:
                return None
            start = local.astimezone(UTC)
            if start > after and (local.fold == 0 or self._hourly):
                return start


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


_HINT: Final = (
    "five fields: minute hour day month weekday, as in '0 3 * * sun'; */15 is every 15, 1-5 a range, 1,15 a list"
)


def _split(line: str) -> tuple[str, str, str, str, str]:
    fields = line.lower().split()
    if len(fields) != len(_FIELDS):
        raise TriggerError(f"'{line}' has {len(fields)} fields, a cron line has 5", hint=_HINT)
    minute, hour, day, month, weekday = fields
    return minute, hour, day, month, _weekdays(line, weekday)


def _weekdays(line: str, field: str) -> str:
    """Names only: 0 and 7 are Sunday to cron, 0 is Monday to others. Ranges may cross the weekend."""
    if field == "*":
        return field
    days: set[int] = set()
    for item in field.split(","):
        match = _WEEKDAY.match(item)
        first = match["first"] if match else ""
        last = (match["last"] or first) if match else ""
        if first not in WEEKDAYS or last not in WEEKDAYS:
            raise TriggerError(
                f"'{line}': weekday '{item}' is not known",
                hint=f"weekdays by name ({' '.join(WEEKDAYS)}), as in mon-fri: programs number them differently",
            )
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
        days.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return ",".join(WEEKDAYS[day] for day in sorted(days))
