"""Ids that any order of arrival gives alike."""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford: no i, l, o, u
LENGTH: Final = 13
_PAIRS: Final = [one + other for one in ALPHABET for other in ALPHABET]  # of ten bits: half as many steps


def births(secret: bytes, *, connection: str, stream: str) -> Callable[[str], str]:
    """By the key of a record of a stream the id that it would give an entity of its own.

    65 bits of a keyed hash, so it tells nothing of the key. `secret` has at most 64 bytes and is the store's, so two
    houses do not share ids.
    """
    begun = blake2b(f"{connection}\x1f{stream}\x1f".encode(), digest_size=16, key=secret, person=b"birth")
    pairs = _PAIRS

    def birth(key: str) -> str:
        one = begun.copy()
        one.update(key.encode())
        number = int.from_bytes(one.digest(), "big") >> 63
        return ALPHABET[number >> 60] + (
            pairs[number >> 50 & 1023]
            + pairs[number >> 40 & 1023]
            + pairs[number >> 30 & 1023]
            + pairs[number >> 20 & 1023]
            + pairs[number >> 10 & 1023]
            + pairs[number & 1023]
        )

    return birth


def birth_id(secret: bytes, *, connection: str, stream: str, key: str) -> str:
    """The birth id of one record."""
    return births(secret, connection=connection, stream=stream)(key)


def public_id(births: Iterable[str]) -> str:
    """Of an entity: the smallest birth id of its records."""
    return min(births)
