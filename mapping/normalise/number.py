"""Numbers, exact: canonical decimal text, never through a float."""

import re
from decimal import Decimal
from typing import Final, Literal

from mapping.cx import canonical
from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import trimmed

# Far more than any amount needs; what lies beyond is a slip or an attack ("1e999999999" has a gigabyte of zeros).
DIGITS: Final = 40
_TOO_LARGE: Final = 10**DIGITS

_PLAIN: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
# Nothing to be taken off but a last ".0", which some vendors write behind every whole number.
_SHORT: Final = re.compile(r"-?[1-9][0-9]*(?:\.0|\.[0-9]*[1-9])?")
_EXACT: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_BLANK_GROUPS: Final = re.compile(r"(?<=[0-9])[ \u00a0\u2009\u202f'’](?=[0-9]{3}(?![0-9]))")
_COMMA_GROUPS: Final = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[+-]?[0-9]{1,3}(?:,[0-9]{3}){2,}")
_POINT_GROUPS: Final = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[+-]?[0-9]{1,3}(?:\.[0-9]{3}){2,}")
# A single comma that cannot stand between thousands.
_COMMA: Final = re.compile(r"[+-]?(?:[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|(?:0|[0-9]{4,}),[0-9]+)")
_SIGNS: Final = str.maketrans({"−": "-", "﹣": "-", "－": "-", "＋": "+", "٫": ".", "٬": ",", "．": ".", "，": ","})


def decimal(raw: object, *, mark: Literal[".", ","] | None = None) -> str | None:
    """Canonical text: "12000", "8.5".

    Digits of any script. Groups of thousands are understood where they can be nothing else: "1,234.50", "1.234,50",
    "1 234,5". Of "1.234" the point is the decimal mark, as in JSON; "1,234" is a misfit unless `mark` tells.
    """
    if raw is None:
        return None
    if type(raw) is int and -_TOO_LARGE < raw < _TOO_LARGE:
        return str(raw)
    if type(raw) is Decimal:
        return _canonical(raw)
    if isinstance(raw, str):
        text = trimmed(raw)
        if not text:
            return None
        return _canonical(Decimal(_readable(text, mark)))
    if raw == [] or raw == {}:
        return None
    return _no_number() if isinstance(raw, bool) else plain(raw)


def plain(raw: object) -> str:
    """A number of JSON as canonical text. A float goes by its shortest spelling: 0.1 is 0.1."""
    if isinstance(raw, float):
        return _canonical(Decimal(repr(raw)))
    if isinstance(raw, int):
        return _canonical(Decimal(raw)) if -_TOO_LARGE < raw < _TOO_LARGE else _no_number()
    if isinstance(raw, Decimal):
        return _canonical(raw)
    return _no_number()


def integer(raw: object, *, mark: Literal[".", ","] | None = None) -> int | None:
    """A whole number; 12.0 is one."""
    if type(raw) is int and -_TOO_LARGE < raw < _TOO_LARGE:
        return raw
    told = _told(raw, mark, "whole number")
    if told is None:
        return None
    if "." in told:
        raise Misfit("whole number")
    return int(told)


def percent(raw: object, *, fraction: bool = False) -> str | None:
    """0 to 100, with or without the sign. `fraction`: the side sends 0 to 1."""
    if isinstance(raw, str) and trimmed(raw).endswith(("%", "٪", "％")):
        raw, fraction = trimmed(raw)[:-1], False
    told = _told(raw, None, "percentage from 0 to 100")
    if told is None:
        return None
    value = Decimal(told) * 100 if fraction else Decimal(told)
    if not 0 <= value <= 100:
        raise Misfit("percentage from 0 to 100")
    return canonical(value)


def _told(raw: object, mark: Literal[".", ","] | None, want: str) -> str | None:
    try:
        return decimal(raw, mark=mark)
    except Misfit:
        raise Misfit(want) from None


def _canonical(value: Decimal) -> str:
    text = str(value)
    if len(text) <= DIGITS and _SHORT.fullmatch(text):
        return text.removesuffix(".0")
    if not value.is_finite() or not -DIGITS <= value.adjusted() < DIGITS or len(value.as_tuple().digits) > 2 * DIGITS:
        if value.is_zero():
            return "0"
        raise Misfit("number")
    return canonical(value)


def _readable(text: str, mark: Literal[".", ","] | None) -> str:
    if mark is None and _PLAIN.fullmatch(text):
        return text
    if not text.isascii():
        text = "".join(str(int(c)) if c.isdecimal() else c for c in text.translate(_SIGNS))
    text = _BLANK_GROUPS.sub("", text)
    if mark is not None:
        other = "," if mark == "." else "."
        text = re.sub(rf"(?<=[0-9]){re.escape(other)}(?=[0-9]{{3}}(?![0-9]))", "", text).replace(mark, ".")
    elif _COMMA_GROUPS.fullmatch(text):
        text = text.replace(",", "")
    elif _POINT_GROUPS.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    elif _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not _EXACT.fullmatch(text):
        raise Misfit("number")
    return text


def _no_number() -> str:
    raise Misfit("number")
