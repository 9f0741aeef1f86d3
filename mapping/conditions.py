"""Conditions on a record: `where status = active and not (type in (test, spam))`, `if(IsClosed=true)`.

    path = value   path != value   path < value (also <= > >=)   path in (a, b)   path is empty   path is filled
    and, or, not, parentheses

Texts are compared without case, since vendors are not sure of theirs; `true` also meets "true", "yes" and 1; numbers
are compared as numbers wherever both sides are one; a list meets what one of its elements meets. What is absent or
cleared meets only `!=` and `is empty`. A value with a blank, comma or parenthesis stands in quotes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from mapping.language import Path, SyntaxFault, parse_path
from mapping.values import ABSENT, Value

Row: TypeAlias = Mapping[str, Any]  # JSON
Getter: TypeAlias = Callable[[Row], Value]
Test: TypeAlias = Callable[[Row], bool]
Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "in", "empty", "filled"]

_OPERATORS: Final = ("!=", "<=", ">=", "==", "=", "<", ">")
_YES: Final = frozenset({"true", "yes", "1"})
_NO: Final = frozenset({"false", "no", "0"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One path against one value, or several for `in`."""

    path: Path
    operator: Operator
    values: tuple[str, ...] = ()


class Not(Struct, frozen=True):
    of: "Condition"


class All(Struct, frozen=True):
    of: tuple["Condition", ...]


class Either(Struct, frozen=True):
    of: tuple["Condition", ...]


Condition: TypeAlias = Comparison | Not | All | Either


def parse_condition(text: str, *, offset: int = 0) -> Condition:
    """What a condition says; raises SyntaxFault at its first fault. `offset` is added to every place in it."""
    return _Reader(text, offset).whole()


def paths_of(condition: Condition) -> list[Path]:
    """Every path that it looks at, in order."""
    if isinstance(condition, Comparison):
        return [condition.path]
    if isinstance(condition, Not):
        return paths_of(condition.of)
    return [path for one in condition.of for path in paths_of(one)]


def compiled(condition: Condition, resolve: Callable[[Path], tuple[Getter, Mapping[str, str]]]) -> Test:
    """A test of rows. `resolve` gives for a path its getter, and the ids of its options by their folded label."""
    if isinstance(condition, Comparison):
        get, options = resolve(condition.path)
        return _comparison(get, condition, options)
    if isinstance(condition, Not):
        inner = compiled(condition.of, resolve)
        return lambda row: not inner(row)
    tests = [compiled(one, resolve) for one in condition.of]
    if isinstance(condition, All):
        return lambda row: all(test(row) for test in tests)
    return lambda row: any(test(row) for test in tests)


def is_filled(value: Value) -> bool:
    """Is there anything? Blank texts and empty lists are nothing; zero and false are something."""
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, list | dict):
        return bool(value)
    return value is not None and value is not ABSENT


def holds(value: Value) -> bool:
    """Does a flag of a record hold? `true`, 1, a time stamp do; `false`, 0, "no", empty and absent do not."""
    if isinstance(value, str):
        return bool(value.strip()) and value.strip().casefold() not in _NO
    return bool(value)


def meets(value: Value, wanted: str) -> bool:
    """Is a raw value what somebody wrote?"""
    if isinstance(value, list):
        return any(meets(one, wanted) for one in value)
    if not is_filled(value):
        return False
    said = wanted.casefold()
    if isinstance(value, bool):
        return said in (_YES if value else _NO)
    told = str(value).strip().casefold()
    if told == said:
        return True
    if said in ("true", "false"):
        return told in (_YES if said == "true" else _NO)
    left, right = _number(told), _number(said)
    return left is not None and left == right


def _comparison(get: Getter, condition: Comparison, options: Mapping[str, str]) -> Test:
    operator = condition.operator
    if operator == "filled":
        return lambda row: is_filled(get(row))
    if operator == "empty":
        return lambda row: not is_filled(get(row))
    # A label of an option is as good as its id.
    wanted = [word for value in condition.values for word in {value, options.get(value.casefold(), value)}]
    if operator in ("=", "in"):
        return lambda row: any(meets(get(row), word) for word in wanted)
    if operator == "!=":
        return lambda row: not any(meets(get(row), word) for word in wanted)
    return lambda row: _ordered(get(row), operator, condition.values[0])


def _ordered(value: Value, operator: str, wanted: str) -> bool:
    if not is_filled(value) or isinstance(value, list | dict):
        return False
    told = str(value).strip()
    numbers = _number(told), _number(wanted)
    left: Any
    right: Any
    left, right = numbers if None not in numbers else (told.casefold(), wanted.casefold())
    return bool(
        (operator[0] == "<" and left < right) or (operator[0] == ">" and left > right)
        or (operator[1:] == "=" and left == right)
    )  # fmt: skip


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


class _Reader:
    def __init__(self, text: str, offset: int) -> None:
        self._text, self._offset = text, offset
        self._at = 0

    def whole(self) -> Condition:
        condition = self._either()
        self._blanks()
        if self._at < len(self._text):
            raise self._fault(f"{self._text[self._at]!r} is not expected here", "conditions are joined by and, or")
        return condition

    def _fault(self, text: str, hint: str, at: int | None = None) -> SyntaxFault:
        return SyntaxFault(text, hint, self._offset + (self._at if at is None else at))

    def _blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _word(self, word: str) -> bool:
        """Takes a word where it stands alone."""
        self._blanks()
        end = self._at + len(word)
        if self._text[self._at : end].casefold() != word or (self._text[end : end + 1] or " ") not in " \t\n()":
            return False
        self._at = end
        return True

    def _either(self) -> Condition:
        parts = [self._all()]
        while self._word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self) -> Condition:
        if self._word("not"):
            return Not(self._one())
        self._blanks()
        if self._text[self._at : self._at + 1] != "(":
            return self._compare()
        opened = self._at
        self._at += 1
        inner = self._either()
        self._blanks()
        if self._text[self._at : self._at + 1] != ")":
            raise self._fault("'(' is not closed", "close it, or put the name in double quotes", opened)
        self._at += 1
        return inner

    def _compare(self) -> Comparison:
        start = self._at
        end, operator, behind = self._operator(start)
        name = self._text[start:end].strip()
        if not name:
            raise self._fault("a field's name is missing", "write field = value", start)
        path = parse_path(name, offset=self._offset + start)
        self._at = behind
        if operator in ("empty", "filled"):
            return Comparison(path, operator)
        if operator == "in":
            return Comparison(path, operator, self._values())
        return Comparison(path, operator, (self._value(),))

    def _operator(self, start: int) -> tuple[int, Operator, int]:
        """Where the path ends, what stands there, and where the value begins."""
        at, quoted = start, False
        text = self._text
        while at < len(text):
            if text[at] == '"':
                quoted = not quoted
            elif text[at] == "[" and not quoted and "]" in text[at:]:
                at = text.index("]", at)
            elif not quoted:
                for sign in _OPERATORS:
                    if text.startswith(sign, at):
                        return at, ("=" if sign == "==" else sign), at + len(sign)  # type: ignore[return-value] # signs
                lowered = text[at:].casefold()
                if text[at].isspace():
                    for words, operator in ((" is empty", "empty"), (" is filled", "filled")):
                        if lowered.startswith(words):
                            return at, operator, at + len(words)  # type: ignore[return-value] # one of the two
                    if lowered.startswith((" in ", " in(")):
                        return at, "in", at + 3
            at += 1
        raise self._fault(
            f"{text[start:].strip()!r} compares nothing", "write field = value, or field is filled", start
        )

    def _values(self) -> tuple[str, ...]:
        self._blanks()
        opened = self._at
        if self._text[self._at : self._at + 1] != "(":
            raise self._fault("'in' is followed by no list", "write field in (a, b)")
        self._at += 1
        values: list[str] = []
        while True:
            values.append(self._value(ends=",)"))
            self._blanks()
            if self._at >= len(self._text):
                raise self._fault("'(' is not closed", "write field in (a, b)", opened)
            self._at += 1
            if self._text[self._at - 1] == ")":
                return tuple(values)

    def _value(self, *, ends: str = ")") -> str:
        self._blanks()
        start = self._at
        if self._text[start : start + 1] in ('"', "'"):
            end = self._text.find(self._text[start], start + 1)
            if end < 0:
                raise self._fault("a quotation mark is not closed", "a value stands between two of them", start)
            self._at = end + 1
            return self._text[start + 1 : end]
        while self._at < len(self._text) and self._text[self._at] not in ends:
            here = self._text[self._at :].casefold()
            if self._text[self._at].isspace() and here.lstrip().startswith(("and ", "or ")):
                break
            self._at += 1
        value = self._text[start : self._at].strip()
        if not value:
            raise self._fault("a value is missing", "write field = value, or field is empty", start)
        return value
