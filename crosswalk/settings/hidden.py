"""What is never shown: secrets by the name of their key, passwords in addresses."""

import re
from typing import Final

MASK: Final = "•••"

# Names of keys whose values are masked wherever a line of the file is shown.
_TELLING: Final = re.compile(
    r"secret|token|passw|api[_-]?key|access[_-]?key|private[_-]?key|encryption[_-]?key|credential|signature",
    re.IGNORECASE,
)
_HARMLESS: Final = re.compile(r"_url$|_name$", re.IGNORECASE)
_PASSWORD: Final = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://[^/@\s:]*:)([^/@\s]+)(?=@)")


def telling(key: str) -> bool:
    """Does a key of this name hold a secret, as names go?"""
    return bool(_TELLING.search(key)) and not _HARMLESS.search(key)


def is_reference(text: str) -> bool:
    return text.startswith(("env:", "file:"))


def passwords(text: str) -> list[tuple[int, int]]:
    """Where passwords stand in the addresses of a text."""
    return [found.span(2) for found in _PASSWORD.finditer(text)]


def safe(text: str) -> str:
    """The text with the passwords of its addresses masked."""
    return _PASSWORD.sub(rf"\1{MASK}", text)
