"""Names of every script brought near one another: Latin letters, and what is left when only the sounds count."""

import re
from functools import lru_cache
from typing import Final

from anyascii import anyascii

from mapping.match.keys import fold

_SIGNS: Final = re.compile(r"[^a-z0-9 ]+")
# What one alphabet writes with two letters and another with one, and what one ear takes for the other.
_SOUNDS: Final = (
    ("sch", "s"), ("tsch", "c"), ("ch", "c"), ("sh", "s"), ("zh", "s"), ("kh", "k"), ("gh", "g"), ("ph", "f"),
    ("th", "t"), ("dh", "d"), ("bh", "b"), ("ck", "k"), ("cz", "c"), ("ts", "s"), ("tz", "s"), ("dz", "s"),
    ("x", "ks"), ("qu", "k"), ("q", "k"), ("z", "s"), ("w", "v"), ("j", "y"),
)  # fmt: skip
_HARD_C: Final = re.compile(r"c(?![eiy])")
_SOFT_C: Final = re.compile(r"c(?=[eiy])")
_MUTE: Final = str.maketrans("", "", "aeiouyh")
_DOUBLED: Final = re.compile(r"(.)\1+")


@lru_cache(maxsize=200_000)
def latin(folded: str) -> str:
    """A folded name in the letters a to z."""
    if folded.isascii():
        return folded
    return " ".join(_SIGNS.sub("", fold(anyascii(folded))).split())


@lru_cache(maxsize=200_000)
def skeleton(folded: str) -> str:
    """The consonants of a folded name as an ear would take them: `lndkvst` of Lindqvist, Lindkvist and Линдквист.

    A name that begins with a vowel keeps an `a` in its place; a name of vowels alone is that `a`.
    """
    text = latin(folded).replace(" ", "")
    if not text:
        return ""
    begins = text[0] in "aeiouy" or (text[0] == "h" and text[1:2] in "aeiouy" and not folded.isascii())
    text = _SOFT_C.sub("s", text)
    for written, heard in _SOUNDS:
        text = text.replace(written, heard)
    text = _HARD_C.sub("k", text).translate(_MUTE)
    return ("a" if begins else "") + _DOUBLED.sub(r"\1", text) or "a"


def foreign(one: str, other: str) -> bool:
    """Whether two folded names are written in different scripts, as far as Latin letters tell."""
    return one.isascii() != other.isascii() and bool(one) and bool(other)
