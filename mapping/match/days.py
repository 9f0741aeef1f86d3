"""Days as people and programs write them in tables, in the digits that are compared."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import Final

from msgspec import Struct

from mapping.match.keys import fold

_DATE: Final = re.compile(r"(\d{1,4})[-/. ]{1,2}(\d{1,2})[-/. ]{1,2}(\d{1,4})(?:[TZ+ ].*)?")
_RUN: Final = re.compile(r"(\d{2})(\d{2})(?:18|19|20)\d{2}")
_SIX: Final = re.compile(r"\d{6}")
_SIGNED: Final = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]?")
_BEHIND: Final = r"(?:st|nd|rd|th|er|º|ª|°|\.)?"  # a number that counts
_BETWEEN: Final = r"[\s,./-]*(?:(?:de|of|del|da)\b)?[\s,./-]*"
_MONTH: Final = r"([^\W\d_]{1,14})\.?"
_DAY_FIRST: Final = re.compile(
    rf"(\d{{1,2}}){_BEHIND}{_BETWEEN}{_MONTH}{_BETWEEN}(\d{{4}}|\d{{2}})(?:\s*(?:г|года?|r)\.?)?", re.IGNORECASE
)
_MONTH_FIRST: Final = re.compile(rf"{_MONTH}{_BETWEEN}(\d{{1,2}}){_BEHIND}[\s,./-]+(\d{{4}}|\d{{2}})", re.IGNORECASE)
# What the names of months begin with, in English, German, French, Spanish, Portuguese, Italian, Dutch, the languages of
# the North, Polish, Turkish and Russian; no two months begin alike.
_BEGINNINGS: Final = (
    "jan ene gen sty oca янв", "feb fev lut sub фев", "mar mrz maa mrt мар", "apr avr abr kwi nis апр",
    "may mai mei maj mag май мая", "jun juin giu cze haz июн", "jul juil lug lip tem июл", "aug aou ago sie agu авг",
    "sep set wrz eyl сен", "oct okt out ott paz eki окт", "nov lis kas ноя", "dec dez dic des gru ara дек",
)  # fmt: skip
_MONTHS: Final = {name: number for number, names in enumerate(_BEGINNINGS, 1) for name in names.split()}
_ROMAN: Final = {
    "i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10, "xi": 11, "xii": 12,
}  # fmt: skip
_CENTURIES: Final = ("18", "19", "20")
_PIVOT: Final = 30  # the last year of this century, of years of two digits
_SERIAL_ZERO: Final = date(1899, 12, 30)  # of the days that spreadsheets count
_SERIALS: Final = range(3_000, 48_000)  # 1908 to 2031


class Order(Struct, frozen=True):
    """How the parts of dates stand: 3/24/1985 begins with the month, 850324 with the year."""

    months_first: bool = False
    years_first: bool = True


def digits_of_day(cell: str, order: Order = Order()) -> str:
    """YYYYMMDD of a date in whatever form; of a part of one, its digits; "" of what is none."""
    text = cell.strip()
    if (found := _DATE.fullmatch(text)) is not None:
        one, two, three = found.groups()
        if len(one) == 4:
            return _ymd(one, two, three)
        return _ymd(three, one, two) if order.months_first else _ymd(three, two, one)
    if not text.isascii() or any(character.isalpha() for character in text):
        if (told := _in_words(text)) is not None:
            return told
        text = text.partition("T")[0]
        if any(character.isalpha() for character in text):
            return ""
    return _of_digits("".join(filter(str.isdecimal, text.removesuffix(".0"))), order, plain=text.isdecimal())


def _in_words(text: str) -> str | None:
    """12-MAR-1980, March 12, 1980, 12 de enero de 1980, 12.III.1980, 1980年3月12日."""
    if (found := _SIGNED.fullmatch(text)) is not None:
        return _ymd(*found.groups())
    if (found := _DAY_FIRST.fullmatch(text)) is not None:
        day, word, year = found.groups()
    elif (found := _MONTH_FIRST.fullmatch(text)) is not None:
        word, day, year = found.groups()
    else:
        return None
    month = _month(word)
    return _ymd(year, str(month), day) if month else None


@cache
def _month(word: str) -> int | None:
    told = fold(word)
    return _ROMAN.get(told) or _MONTHS.get(told[:4]) or _MONTHS.get(told[:3])


def _of_digits(digits: str, order: Order, *, plain: bool) -> str:
    if len(digits) == 8 and digits[4:6] in _CENTURIES:  # no month is called so
        one, two, year = digits[:2], digits[2:4], digits[4:]
        return _ymd(year, one, two) if order.months_first else _ymd(year, two, one)
    if len(digits) == 6 and plain:
        parts = (digits[:2], digits[2:4], digits[4:])
        year, month, day = parts if order.years_first else parts[::-1]
        return _ymd(year, month, day) if 1 <= int(month) <= 12 and 1 <= int(day) <= 31 else digits
    if len(digits) == 5 and plain and int(digits) in _SERIALS:
        return (_SERIAL_ZERO + timedelta(days=int(digits))).strftime("%Y%m%d")
    return digits


def _ymd(year: str, month: str, day: str) -> str:
    if len(year) == 2:
        year = ("19" if int(year) > _PIVOT else "20") + year
    if int(month) > 12 >= int(day):
        month, day = day, month
    return f"{year:0>4}{month:0>2}{day:0>2}"


def order_of(cells: Iterable[tuple[str, int]]) -> Order:
    """As those dates stand that leave no doubt; of (cell, how many records have it)."""
    days = months = ends = begins = 0
    for cell, often in cells:
        text = cell.strip()
        found = _DATE.fullmatch(text) or _RUN.fullmatch(text)
        if found is not None and len(found[1]) <= 2:
            days += often * (int(found[1]) > 12)
            months += often * (int(found[2]) > 12)
        elif found is None and _SIX.fullmatch(text):
            begins += often * (int(text[:2]) > 31)
            ends += often * (int(text[4:]) > 31)
    return Order(months > days, begins >= ends)
