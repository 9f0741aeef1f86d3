"""Which of many pairs of values are different for certain, told by arrays, so that only the others are compared.

Two texts that are one or two mistakes apart have nearly the same letters. What is not certain is left to
`mapping.match.compare`, so that this changes nothing but the time it takes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, reduce
from itertools import count
from operator import or_
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cpdist

from mapping.match.compare import is_number
from mapping.match.nicknames import is_familiar_form
from mapping.normalise.domain import is_relay

Values: TypeAlias = tuple[str, ...]
Places: TypeAlias = NDArray[np.int64] | NDArray[np.int32]
Flags: TypeAlias = NDArray[np.bool_]

_KINDS: Final = 32  # of letters; several share one, which makes texts more alike at worst
_AT_A_TIME: Final = 200_000
_WORD: Final = 4  # letters from which a mistyped name is still like the right one
_STREETS_UNLIKE: Final = 0.84  # a little less than what makes streets alike
_COMPANIES_UNLIKE: Final = 0.92
_UNLIKE: Final = 0.7  # of Jaro and Winkler: below it, names of so many letters are neither mistyped nor of one sound


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
        plain: Flags = np.fromiter(map(str.isascii, self._texts), dtype=bool)
        plain &= np.fromiter(map(len, self._values), dtype=np.int32) == 1
        return plain

    @cached_property
    def _words(self) -> Flags:
        """Values of one plain word."""
        told = [len(value) == 1 and len(value[0]) >= _WORD and value[0].isascii() and value[0].isalpha()
                for value in self._values]  # fmt: skip
        return np.array(told, dtype=bool)

    @cached_property
    def _forms(self) -> Flags:
        """Values that have familiar forms."""
        return np.array([is_familiar_form(value[0]) for value in self._values], dtype=bool)

    def names(self, one: Places, other: Places) -> Flags:
        return self.unlike(one, self, other)

    def unlike(self, one: Places, beside: "Apart", other: Places) -> Flags:
        """Names that are surely different, also of two fields: by pair a place here and a place there."""
        found: Flags = self._words[one] & beside._words[other]
        found &= ~(self._forms[one] & beside._forms[other])
        ask = np.flatnonzero(found)
        found[ask] = _unlike(self._texts, one[ask], beside._texts, other[ask], _UNLIKE)
        return found

    @cached_property
    def _texts(self) -> list[str]:
        return [value[0] for value in self._values]

    @cached_property
    def _lengths(self) -> NDArray[np.int32]:
        return np.fromiter(map(len, self._texts), dtype=np.int32)

    @cached_property
    def _letters(self) -> NDArray[np.uint8]:
        """How often each kind of letter stands in a value."""
        made = np.zeros((len(self._values), _KINDS), dtype=np.uint8)
        for begin in range(0, len(self._values), _AT_A_TIME):
            texts = list(map(str.encode, self._texts[begin : begin + _AT_A_TIME]))
            kinds = np.frombuffer(b"".join(texts), dtype=np.uint8) % _KINDS
            rows = np.repeat(np.arange(len(texts)), list(map(len, texts)))
            counts = np.bincount(rows * _KINDS + kinds, minlength=len(texts) * _KINDS)
            made[begin : begin + _AT_A_TIME] = np.minimum(counts, 255).reshape(len(texts), _KINDS)
        return made

    @cached_property
    def _locals(self) -> NDArray[np.int32]:
        """What stands before the @, as a number."""
        return _numbers(text.rpartition("@")[0] for text in self._texts)

    @cached_property
    def _relayed(self) -> Flags:
        """Addresses of which another one says nothing."""
        return np.fromiter((is_relay(text.rpartition("@")[2]) for text in self._texts), dtype=bool)

    @cached_property
    def _labels(self) -> NDArray[np.int32]:
        """What stands before the first dot, as a number."""
        return _numbers(text.partition(".")[0] for text in self._texts)

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
        near = np.flatnonzero(np.abs(self._lengths[one] - self._lengths[other]) <= 1)
        apart[near] &= self.mistakes(one[near], other[near], 1)
        return apart & ~(self._relayed[one] | self._relayed[other])

    def domains(self, one: Places, other: Places) -> Flags:
        apart: Flags = self._labels[one] != self._labels[other]
        return apart & self.mistakes(one, other, 1)

    def codes(self, one: Places, other: Places) -> Flags:
        return self.as_long(one, other) & self.mistakes(one, other, 1)

    def numbers(self, one: Places, other: Places) -> Flags:
        return self.as_long(one, other) & self.mistakes(one, other, 2)  # the last two digits may be any

    @cached_property
    def _named(self) -> list[str]:
        """Of streets: what stands beside the number."""
        return [" ".join(word for word in value[0].split() if not is_number(word)) for value in self._values]

    def streets(self, one: Places, other: Places) -> Flags:
        named = self._named
        known = np.array([bool(name) for name in named], dtype=bool)
        found: Flags = known[one] & known[other]
        return found & _unlike(named, one, named, other, _STREETS_UNLIKE)

    @cached_property
    def _bounds(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """How words of a name begin and how they end, two letters each, as signs that several share."""
        begins, ends = np.zeros(len(self._values), dtype=np.uint64), np.zeros(len(self._values), dtype=np.uint64)
        for at, value in enumerate(self._values):
            words = value[0].split()
            begins[at] = _signs(word[:2] for word in words)
            ends[at] = _signs(word[-2:] for word in words)
        return begins, ends

    def companies(self, one: Places, other: Places) -> Flags:
        """One mistake in a word leaves its begin or its end, and a mistake in a whole name that of a word."""
        begins, ends = self._bounds
        found: Flags = ((begins[one] & begins[other]) == 0) & ((ends[one] & ends[other]) == 0)
        short = np.array([" " not in text for text in self._texts], dtype=bool)
        found &= ~(short[one] | short[other])  # initials
        ask = np.flatnonzero(found)
        joined = [text.replace(" ", "") for text in self._texts]
        found[ask] = _unlike(joined, one[ask], joined, other[ask], _COMPANIES_UNLIKE)
        return found

    def days(self, one: Places, other: Places) -> Flags:
        whole: Flags = self._lengths[one] == 8
        return whole & self.as_long(one, other) & self.mistakes(one, other, 2)

    def exact(self, one: Places, _other: Places) -> Flags:
        return np.ones(len(one), dtype=bool)


def _unlike(ours: Sequence[str], one: Places, theirs: Sequence[str], other: Places, below: float) -> Flags:
    """By pair of places whether the texts are less alike than that, by Jaro and Winkler."""
    found = np.empty(len(one), dtype=bool)
    for begin in range(0, len(one), _AT_A_TIME):
        part = slice(begin, begin + _AT_A_TIME)
        left, right = [ours[at] for at in one[part].tolist()], [theirs[at] for at in other[part].tolist()]
        found[part] = cpdist(left, right, scorer=JaroWinkler.similarity, dtype=np.float32) < below
    return found


def _numbers(texts: Iterable[str]) -> NDArray[np.int32]:
    """Equal texts have the same."""
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    return np.fromiter(map(numbers.__getitem__, texts), dtype=np.int32)


def _signs(texts: Iterable[str]) -> int:
    return reduce(or_, (1 << (31 * ord(text[0]) + ord(text[-1])) % 64 for text in texts), 0)


_CERTAIN: Final[Mapping[str, Callable[[Apart, Places, Places], Flags]]] = {
    "email": Apart.emails,
    "phone": Apart.numbers,
    "code": Apart.codes,
    "date": Apart.days,
    "exact": Apart.exact,
    "given": Apart.names,
    "family": Apart.names,
    "domain": Apart.domains,
    "street": Apart.streets,
    "company": Apart.companies,
}
