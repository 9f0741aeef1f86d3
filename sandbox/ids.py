"""Names that follow from what they are for, as vendors' opaque ids look."""

import hashlib
from typing import Final

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def token(length: int, *labels: object) -> str:
    """Letters and digits that follow from the labels."""
    digest = int.from_bytes(hashlib.sha256("/".join(map(str, labels)).encode()).digest())
    out = ""
    for _ in range(length):
        digest, at = divmod(digest, len(_LETTERS))
        out += _LETTERS[at]
    return out
