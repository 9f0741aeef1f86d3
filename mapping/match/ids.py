"""Ids that any order of arrival gives alike."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford: no i, l, o, u
LENGTH: Final = 13


def birth_id(secret: bytes, *, connection: str, stream: str, key: str) -> str:
    """The id that a record would give an entity of its own: 65 bits of a keyed hash, so it tells nothing of the key.

    `secret` has at most 64 bytes and is the store's, so two houses do not share ids.
    """
    told = "\x1f".join((connection, stream, key)).encode()
    number = int.from_bytes(blake2b(told, digest_size=16, key=secret, person=b"birth").digest(), "big") >> 63
    letters = [ALPHABET[number >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5)]
    return "".join(letters)


def public_id(births: Iterable[str]) -> str:
    """Of an entity: the smallest birth id of its records."""
    return min(births)
