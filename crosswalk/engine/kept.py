"""What vendors keep of what is written to them: whether what is read back is it, in a form of their own.

Nobody tells it from what a person did within the seconds until it was read back, so only what vendors are known to do
counts: other capitals and blanks, a text that was cut, a number with fewer decimals, a moment without its fraction, the
signs of HTML spelt out, and signs that an encoding cannot hold dropped, shown as "?", or the text ended at them.
"""

import html
import re
from decimal import Decimal
from typing import Any, Final

_LEAST_CUT: Final = 20  # signs of a text that was cut by its vendor; a shorter beginning may be somebody's word
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d):(\d\d)(?:\.\d+)?Z")
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_BEYOND_BMP: Final = re.compile(r"[\U00010000-\U0010ffff]+")  # more than the three bytes that some encodings have
_IN_ITS_PLACE: Final = re.compile(r"[?\ufffd]+")


def is_form(shown: Any, sent: Any) -> bool:
    """Is it what was sent, as far as the vendor keeps it?"""
    if not (isinstance(shown, str) and isinstance(sent, str)):
        return bool(shown == sent)
    there, ours = _plain(shown), _plain(sent)
    return (
        there == ours
        or (len(there) >= _LEAST_CUT and ours.startswith(there))
        or _is_rounded(shown, sent)
        or _lacks_signs(shown, sent)
        or _lacks_seconds(shown, sent)
    )


def _plain(text: str) -> str:
    return " ".join(html.unescape(text).casefold().split())


def _is_rounded(shown: str, sent: str) -> bool:
    """To fewer decimals, up or down; in the common form there are no zeros at their end."""
    if not (_NUMBER.fullmatch(shown) and _NUMBER.fullmatch(sent)):
        return False
    there, ours = Decimal(shown), Decimal(sent)
    decimals, kept = (-int(one.as_tuple().exponent) for one in (ours, there))
    return kept < decimals and abs(there - ours) < Decimal(1).scaleb(-kept)


def _lacks_signs(shown: str, sent: str) -> bool:
    """Without signs that an encoding does not hold: what shows some beyond ASCII lacks those of four bytes alone."""
    lost = _BEYOND_ASCII if shown.isascii() else _BEYOND_BMP
    first = lost.search(sent)
    if first is None:
        return False
    return _plain(shown) == _plain(sent[: first.start()]) or _bare(lost, shown) == _bare(lost, sent)


def _bare(lost: re.Pattern[str], text: str) -> str:
    return "".join(_plain(_IN_ITS_PLACE.sub("", lost.sub("", text))).split())


def _lacks_seconds(shown: str, sent: str) -> bool:
    """A moment to the second, or to the minute."""
    there, ours = _MOMENT.fullmatch(shown), _MOMENT.fullmatch(sent)
    return there is not None and ours is not None and there[1] == ours[1] and there[2] in ("00", ours[2])
