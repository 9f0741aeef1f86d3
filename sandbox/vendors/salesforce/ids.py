"""Record ids: 15 characters of which the case matters, or the same with three more that say what the case was.

The first three characters say the object. Source: Salesforce, "What is the difference between 15-character and
18-character IDs" (help.salesforce.com).
"""

from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final

_DIGITS: Final = digits + ascii_uppercase + ascii_lowercase
_SUFFIXES: Final = ascii_uppercase + "012345"
_SERVER: Final = "Hs0"
# So that the first id does not look like a slip.
_FIRST: Final = 62**4


def mint(prefix: str, number: int) -> str:
    """The id of the record of that number, in 18 characters."""
    return _suffixed(f"{prefix}{_SERVER}{_base62(_FIRST + number, 9)}")


def full(text: object) -> str | None:
    """The id in 18 characters; None where it is no id. 18 characters may have lost their case, 15 may not."""
    if not isinstance(text, str) or not text.isascii() or not text.isalnum():
        return None
    if len(text) == 15:
        return _suffixed(text)
    if len(text) == 18:
        return _restored(text.upper())
    return None


def _suffixed(text: str) -> str:
    return text + "".join(
        _SUFFIXES[sum(1 << nth for nth, letter in enumerate(text[at : at + 5]) if letter.isupper())]
        for at in (0, 5, 10)
    )


def _restored(text: str) -> str | None:
    """An id all in upper case with the case that its last three characters remember."""
    marks = [_SUFFIXES.find(letter) for letter in text[15:]]
    if -1 in marks:
        return None
    body = "".join(letter if marks[nth // 5] >> nth % 5 & 1 else letter.lower() for nth, letter in enumerate(text[:15]))
    return body + text[15:]


def _base62(number: int, width: int) -> str:
    found = ""
    while number:
        number, digit = divmod(number, 62)
        found = _DIGITS[digit] + found
    return found.rjust(width, "0")
