"""Cutting text where a reader sees a letter end, after the rules of Unicode's UAX 29 for grapheme clusters."""

import unicodedata
from typing import Final

ELLIPSIS: Final = "…"

_JOINER: Final = "\u200d"
_NON_JOINER: Final = "\u200c"
# Signs that join two consonants of an Indic script into one letter: what follows them belongs to what stands before.
_VIRAMAS: Final = frozenset("\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d")
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAGS: Final = range(0x1F1E6, 0x1F200)
_TAGS: Final = range(0xE0020, 0xE0080)


def cut(text: str, length: int) -> str:
    """At most `length` characters: a longer text loses whole letters at its end and gets an ellipsis for them."""
    if len(text) <= length:
        return text
    if length < 1:
        return ""
    end = boundary(text, length - 1)
    return text[:end].rstrip() + ELLIPSIS


def boundary(text: str, at: int) -> int:
    """The last place at or before `at` that does not lie within a letter as it is seen."""
    at = min(at, len(text))
    while 0 < at < len(text) and _joined(text, at):
        at -= 1
    return at


def _joined(text: str, at: int) -> bool:
    """Does the character at `at` belong to what stands before it?"""
    before, here = text[at - 1], text[at]
    if here < "\u0300" and before < "\u0300":
        return before == "\r" and here == "\n"
    code = ord(here)
    if here in (_JOINER, _NON_JOINER) or code in _SKIN_TONES or code in _TAGS:
        return True
    if unicodedata.category(here) in ("Mn", "Me", "Mc"):
        return True
    if before == _JOINER:
        return _is_pictograph(code) or _after_virama(text, at)
    if _after_virama(text, at):
        return True
    if code in _FLAGS and ord(before) in _FLAGS:
        return _flags_before(text, at) % 2 == 1
    return _hangul_joined(ord(before), code)


def _after_virama(text: str, at: int) -> bool:
    """A consonant behind a virama (joiners between them do not part them)."""
    if unicodedata.category(text[at]) != "Lo":
        return False
    before = at - 1
    while before > 0 and (text[before] == _JOINER or (_is_mark(text[before]) and text[before] not in _VIRAMAS)):
        before -= 1
    return text[before] in _VIRAMAS


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) == "Mn"


def _is_pictograph(code: int) -> bool:
    return 0x1F000 <= code < 0x20000 or 0x2190 <= code < 0x2C00 or code in (0xA9, 0xAE, 0x3030, 0x303D, 0x3297, 0x3299)


def _flags_before(text: str, at: int) -> int:
    count = 0
    while at > 0 and ord(text[at - 1]) in _FLAGS:
        at -= 1
        count += 1
    return count


def _hangul_joined(before: int, here: int) -> bool:
    """Jamo that stand as one syllable: lead, vowel, tail."""
    lead, vowel, tail = 0x1100 <= before < 0x1160, 0x1160 <= before < 0x11A8, 0x11A8 <= before < 0x1200
    syllable = 0xAC00 <= before < 0xD7A4
    is_vowel, is_tail = 0x1160 <= here < 0x11A8, 0x11A8 <= here < 0x1200
    if lead:
        return 0x1100 <= here < 0x11A8 or 0xAC00 <= here < 0xD7A4
    if vowel or (syllable and (before - 0xAC00) % 28 == 0):
        return is_vowel or is_tail
    return (tail or syllable) and is_tail
