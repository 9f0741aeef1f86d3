"""What stands around a value and is no part of it: blanks, and characters that nobody sees."""

from typing import Final

BLANKS: Final = (
    " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
UNSEEN: Final = "\ufeff\u200b\u2060"  # byte order mark, zero width space, word joiner
# Marks of direction: they arrange a text, and come along when a number or an address is copied out of one.
DIRECTIONS: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

_AROUND: Final = BLANKS + UNSEEN + DIRECTIONS
_WITHIN: Final = str.maketrans("", "", UNSEEN + DIRECTIONS)


def trimmed(raw: str) -> str:
    """A word, number, address or time without what stands around it."""
    return raw.strip(_AROUND)


def seen(raw: str) -> str:
    """The same, and without invisible characters inside."""
    return raw.translate(_WITHIN).strip(_AROUND)
