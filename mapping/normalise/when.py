"""Times: instants in UTC to the millisecond, dates without a zone, dates of which a part is known.

Only ISO 8601 is read, with a blank for the T if need be; other forms are read where a mapping names them (`form`),
never guessed. A local time that a clock change skips is read with the offset before the change, as if the clock
had not been moved yet (02:30 becomes 03:30); one that it repeats is the first of the two. What is finer than a
millisecond is cut off. `0000-00-00` and `0001-01-01` are how some systems write "none".
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import trimmed

_AN_INSTANT: Final = "instant"
_EITHER: Final = "date or instant"
_ISO: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<clock>\d\d:\d\d(?::\d\d)?)(?:[.,](?P<rest>\d{1,12}))?"
    r"(?: ?(?P<zone>[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?))?)?",
    re.ASCII,
)
# What stands between the digits of `2026-11-22T16:02:00+01:00`.
_AHEAD: Final = frozenset({"--T::+:", "--T::-:"})
# The forms in which others send it: with milliseconds, with the zone that it is written in.
_ZONED: Final = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d\d\d)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)", re.ASCII
)
_NONE: Final = ("0000-00-00", "0001-01-01")
_PARTIAL: Final = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d\d))?|--(?P<md>\d\d-\d\d)", re.ASCII)


def instant(raw: object, zone: str | None = None, *, form: str | None = None) -> str | None:
    """`2026-11-22T16:02:00.000Z`. A time without offset is local to `zone`, an IANA name; without one it is a misfit.

    A date is no instant.
    """
    if type(raw) is str and len(raw) == 20 and raw[19] == "Z" and raw[10] == "T" and raw[16] == ":" and raw[4] == "-":
        return _plain(raw)
    if type(raw) is str and (_is_ahead(raw) or _ZONED.fullmatch(raw)):
        return _zoned(raw, _AN_INSTANT)
    read = _read(raw, form, _AN_INSTANT)
    if read is None:
        return None
    day_, clock, rest, offset = read
    if clock is None:
        raise Misfit("instant: it has no time of day")
    return _utc(day_, clock, rest, offset, zone)


def _plain(raw: str) -> str | None:
    """The form that nearly all vendors send: only its validity is asked."""
    try:
        datetime.fromisoformat(raw)
    except ValueError:
        if raw.startswith(_NONE):
            return None
        raise Misfit(_AN_INSTANT) from None
    if raw.startswith(_NONE) or raw[7] != "-" or raw[13] != ":" or raw[11:13] == "24":
        return instant(raw + " ")
    return f"{raw[:19]}.000Z"


def _is_ahead(raw: str) -> bool:
    """The commonest of the forms of _ZONED, without asking for its digits: to the second, with an offset."""
    return len(raw) == 25 and raw[4::3] in _AHEAD


def _zoned(raw: str, wanted: str) -> str | None:
    if raw[0] == "0" and raw.startswith(_NONE):
        return None
    millis, zone = (raw[20:23], raw[23:]) if raw[19] == "." else ("000", raw[19:])
    try:
        moment = datetime.fromisoformat(raw[:19])
        if hour := _hour(raw[11:13], zone):  # the same day: only its hour is another
            return f"{raw[:11]}{hour}{raw[13:19]}.{millis}Z"
        return f"{(moment - _offset(zone)).isoformat()}.{millis}Z"
    except (OverflowError, ValueError):
        raise Misfit(wanted) from None


@lru_cache(maxsize=24 * 64)
def _hour(hour: str, zone: str) -> str:
    """This hour of a zone in UTC; "" where it is on another day, or begins within one."""
    hours, rest = divmod(_offset(zone), timedelta(hours=1))
    told = int(hour) - hours
    return "" if rest or not 0 <= told < 24 else f"{told:02}"


@lru_cache(maxsize=256)
def _offset(zone: str) -> timedelta:
    """How far a zone is ahead. Raises ValueError."""
    return datetime.fromisoformat(f"2000-01-01T00:00:00{zone}").utcoffset() or timedelta()


def day(raw: object, zone: str | None = None, *, form: str | None = None) -> str | None:
    """`2026-11-22`. Of an instant it is the day in `zone`; without one, the day as written."""
    read = _read(raw, form, "date")
    if read is None:
        return None
    day_, clock, rest, offset = read
    if clock is None or zone is None or offset is None:
        return day_
    told = _utc(day_, clock, rest, offset, None)
    return datetime.fromisoformat(told).astimezone(ZoneInfo(zone)).date().isoformat()


def when(raw: object, zone: str | None = None, *, form: str | None = None) -> str | None:
    """A date where only a date is written, else an instant; which of the two is kept."""
    if type(raw) is str and len(raw) == 20 and raw[19] == "Z" and raw[10] == "T" and raw[16] == ":" and raw[4] == "-":
        return _plain(raw)
    if type(raw) is str and (_is_ahead(raw) or _ZONED.fullmatch(raw)):
        return _zoned(raw, _EITHER)
    read = _read(raw, form, _EITHER)
    if read is None:
        return None
    day_, clock, rest, offset = read
    return day_ if clock is None else _utc(day_, clock, rest, offset, zone)


def midnight(day_: str, zone: str) -> str:
    """The instant at which a day begins in a zone: how a date is written to a side that holds only instants."""
    return _text(datetime.fromisoformat(day_).replace(tzinfo=ZoneInfo(zone)))


def epoch(raw: object, *, unit: Literal["s", "ms"] = "s") -> str | None:
    """An instant from a count since 1970, where a mapping says that it is one. Zero is the instant that it says."""
    from mapping.normalise.number import decimal

    try:
        told = decimal(raw)
    except Misfit:
        raise Misfit(_AN_INSTANT) from None
    if told is None:
        return None
    milliseconds = int(Decimal(told) * 1000) if unit == "s" else int(Decimal(told))
    try:
        return _text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds))
    except (OverflowError, ValueError):
        raise Misfit(_AN_INSTANT) from None


def partial(raw: object, *, form: str | None = None) -> str | None:
    """`1985-03-04`, `1985-03`, `1985`, or `--03-04` of a birthday whose year nobody told (RFC 9553).

    Years 0000 and 1604 are how some systems write that there is none.
    """
    if type(raw) is int and 1000 <= raw <= 9999:
        return str(raw)
    if isinstance(raw, str):
        text = trimmed(raw)
        if found := _PARTIAL.fullmatch(text):
            return _partly(text, found)
        if text[:5] in ("0000-", "1604-") and text[:10] not in _NONE:
            return _partly(text, _PARTIAL.fullmatch(f"-{text[4:10]}"))
    try:
        return day(raw, form=form)
    except Misfit:
        raise Misfit("date or part of one") from None


def _partly(text: str, found: re.Match[str] | None) -> str | None:
    if found is None:
        raise Misfit("date or part of one")
    if text.startswith("0000") and len(text) < 10:
        return None
    if md := found["md"]:
        _valid(f"2000-{md}", "date or part of one")
        return f"--{md}"
    if found["month"]:
        _valid(f"{text}-01", "date or part of one")
    return text


_Read = tuple[str, str | None, str, str | None]  # day, time of day, fraction, offset


def _read(raw: object, form: str | None, want: str) -> _Read | None:
    if raw is None or raw == [] or raw == {}:
        return None
    if not isinstance(raw, str):
        raise Misfit(want)
    text = trimmed(raw)
    if not text:
        return None
    if form is not None and (told := _in_form(text, form)) is not None:
        read: _Read = told
    else:
        found = _ISO.fullmatch(text)
        if found is None:
            raise Misfit(want)
        read = (found["day"], found["clock"], found["rest"] or "", found["zone"])
    if read[0] in _NONE:
        return None
    _valid(read[0], want)
    return read


def _valid(day_: str, want: str) -> None:
    try:
        date.fromisoformat(day_)
    except ValueError:
        raise Misfit(want) from None


def _utc(day_: str, clock: str, rest: str, offset: str | None, zone: str | None) -> str:
    if offset is None and zone is None:
        raise Misfit("instant: it has no time zone")
    if offset in ("Z", "z", "UTC", "GMT"):
        offset = "+00:00"
    if clock.startswith("24"):
        raise Misfit(_AN_INSTANT)
    seconds = clock if len(clock) == 8 else f"{clock}:00"
    try:
        moment = datetime.fromisoformat(f"{day_}T{seconds}.{rest[:3].ljust(3, '0')}{offset or ''}")
        if offset is None and zone is not None:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        return _text(moment)
    except (OverflowError, ValueError):
        raise Misfit(_AN_INSTANT) from None


def _text(moment: datetime) -> str:
    # From the parts: isoformat leaves leading zeros of early years to the platform.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


_TOKENS: Final = {
    "YYYY": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d{1,2})",
    "DD": r"(?P<day>\d{1,2})",
    "hh": r"(?P<hour>\d{1,2})",
    "mm": r"(?P<minute>\d{2})",
    "ss": r"(?P<second>\d{2})",
}


@lru_cache(maxsize=64)
def pattern(form: str) -> re.Pattern[str]:
    """The pattern of a form such as `DD.MM.YYYY` or `MM/DD/YYYY hh:mm`. Raises ValueError if it names no whole day."""
    pieces = re.split(r"(YYYY|MM|DD|hh|mm|ss)", form)
    told = [piece for piece in pieces if piece in _TOKENS]
    if not {"YYYY", "MM", "DD"} <= set(told) or len(told) != len(set(told)) or ("hh" in told) != ("mm" in told):
        raise ValueError(f"{form!r} is no form of a date: YYYY, MM, DD, and hh:mm or hh:mm:ss for a time of day")
    return re.compile("".join(_TOKENS.get(piece) or re.escape(piece) for piece in pieces), re.ASCII)


def _in_form(text: str, form: str) -> _Read | None:
    found = pattern(form).fullmatch(text)
    if found is None:
        return None
    parts = found.groupdict()
    day_ = f"{parts['year']}-{parts['month']:0>2}-{parts['day']:0>2}"
    if "hour" not in parts:
        return day_, None, "", None
    return day_, f"{parts['hour']:0>2}:{parts['minute']}:{parts.get('second') or '00'}", "", None
