"""Which of many pairs of values are different for certain, told by arrays, so that only the others are compared.

Two texts that are one or two mistakes apart have nearly the same letters. What is not certain is left to
`mapping.match.compare`, so that this changes nothing but the time it takes.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = tuple[str, ...]
Places: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

_KINDS: Final = 32  # of letters; several share one, which makes texts more alike at worst
_AT_A_TIME: Final = 200_000


class Apart:
    """The different values of one field. Several texts, or other letters than a to z, are never certain."""

    def __init__(self, values: Sequence[Values]) -> None:
        self._values = values

    def certain(self, how: str, one: Places, other: Places) -> Flags:
        """By pair of places of values that are not equal: whether `COMPARISONS[how]` takes them for different."""
        told = _CERTAIN.get(how)
        if told is None:
            return np.zeros(len(one), dtype=bool)
        return told(self, one, other) & self._plain[one] & self._plain[other]

    @cached_property
    def _plain(self) -> Flags:
        return np.array([len(value) == 1 and value[0].isascii() for value in self._values], dtype=bool)

    @cached_property
    def _lengths(self) -> NDArray[np.int32]:
        return np.array([len(value[0]) for value in self._values], dtype=np.int32)

    @cached_property
    def _letters(self) -> NDArray[np.uint8]:
        """How often each kind of letter stands in a value."""
        made = np.zeros((len(self._values), _KINDS), dtype=np.uint8)
        for begin in range(0, len(self._values), _AT_A_TIME):
            texts = [value[0].encode() for value in self._values[begin : begin + _AT_A_TIME]]
            kinds = np.frombuffer(b"".join(texts), dtype=np.uint8) % _KINDS
            rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
            counts = np.bincount(rows * _KINDS + kinds, minlength=len(texts) * _KINDS)
            made[begin : begin + _AT_A_TIME] = np.minimum(counts, 255).reshape(len(texts), _KINDS)
        return made

    @cached_property
    def _locals(self) -> NDArray[np.int32]:
        """What stands before the @, as a number."""
        numbers: dict[str, int] = {}
        told = [numbers.setdefault(value[0].rpartition("@")[0], len(numbers)) for value in self._values]
        return np.array(told, dtype=np.int32)

    def mistakes(self, one: Places, other: Places, at_most: int) -> Flags:
        """Whether more than so many mistakes lie between them: each changes the counts of two kinds at most by one."""
        found = np.empty(len(one), dtype=bool)
        for begin in range(0, len(one), _AT_A_TIME):
            part = slice(begin, begin + _AT_A_TIME)
            left, right = self._letters[one[part]].astype(np.int16), self._letters[other[part]]
            found[part] = np.abs(left - right).sum(axis=1) > 2 * at_most
        return found

    def as_long(self, one: Places, other: Places) -> Flags:
        equal: Flags = self._lengths[one] == self._lengths[other]
        return equal

    def emails(self, one: Places, other: Places) -> Flags:
        apart: Flags = self._locals[one] != self._locals[other]
        return apart & self.mistakes(one, other, 1)

    def codes(self, one: Places, other: Places) -> Flags:
        return self.as_long(one, other) & self.mistakes(one, other, 1)

    def numbers(self, one: Places, other: Places) -> Flags:
        return self.as_long(one, other) & self.mistakes(one, other, 2)  # the last two digits may be any

    def days(self, one: Places, other: Places) -> Flags:
        whole: Flags = self._lengths[one] == 8
        return whole & self.as_long(one, other) & self.mistakes(one, other, 2)

    def exact(self, one: Places, _other: Places) -> Flags:
        return np.ones(len(one), dtype=bool)


_CERTAIN: Final[Mapping[str, Callable[[Apart, Places, Places], Flags]]] = {
    "email": Apart.emails,
    "phone": Apart.numbers,
    "code": Apart.codes,
    "date": Apart.days,
    "exact": Apart.exact,
}
