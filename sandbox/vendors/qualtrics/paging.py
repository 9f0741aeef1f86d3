"""Pages of a list. What follows is named by its whole address, which a client calls as it stands."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from sandbox.vendors.qualtrics.answers import invalid, listed
from sandbox.web import Answer, Call

T = TypeVar("T")


def by_offset(call: Call, rows: Sequence[T], show: Callable[[T], bytes], size: int) -> Answer:
    """Numbered rows; they slide when something comes or goes."""
    offset = whole(call, "offset", 0, None)
    more = offset + size < len(rows)
    following = address(call, offset=str(offset + size)) if more else None
    return listed(call, [show(row) for row in rows[offset : offset + size]], following)


def by_token(
    call: Call, rows: Sequence[T], key: Callable[[T], str], show: Callable[[T], bytes], size: int, *, short_ends: bool
) -> Answer:
    """Rows in the order of their keys, each page after the last key of the one before.

    `short_ends`: only a page that is not full is known to be the last, so one that just fits is followed by nothing.
    """
    start = place(call, rows, key)
    page = rows[start : start + size]
    more = len(page) == size if short_ends else start + size < len(rows)
    following = address(call, skipToken=_write(key(page[-1]))) if more and page else None
    return listed(call, [show(row) for row in page], following)


def place(call: Call, rows: Sequence[T], key: Callable[[T], str]) -> int:
    """How many rows the token of a call leaves behind."""
    return bisect_right(rows, _read(call.query["skipToken"]), key=key) if "skipToken" in call.query else 0


def address(call: Call, **changed: str) -> str:
    return f"{call.base}{call.path}?{urlencode({**call.query, **changed})}"


def whole(call: Call, name: str, default: int, most: int | None, *, least: int = 0) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
        raise invalid(name)
    return int(text)


def _write(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _read(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text.encode()).decode()
    except (binascii.Error, ValueError):
        raise invalid("skipToken") from None
