"""The mapping language: one line of a mapping as it is written, and what it says.

    path | function(arg, ...) | ... ?? path | ...

    path        `custom_fields.tier`, `"Tel. privat"` (a name with a dot, |, " or [), `{odd.key}` (a key with dots),
                `phones[label=work].value` (an element of a list), `@` (the whole row), `="lead"` (a constant)
    a ?? b      the first that has a value; an alternative without functions takes those of the last one
    target      a field of the hub, perhaps with prefixes: `*` required on create, `!` write once, `-` read only,
                `+` write only

Nothing here knows a field of the hub, a field of a vendor or what a function does: `mapping.compile` does.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mapping.merge.policy import MergeCode

Direction: TypeAlias = Literal["read", "write", "both"]
Unmapped: TypeAlias = Literal["dead_letter", "keep", "empty"]

PREFIXES: Final = "*!-+"
# Words in the place of a target: they describe the record, not a field of its entity.
WORDS: Final = (
    "key",
    "modified",
    "created",
    "deleted",
    "archived",
    "merged_into",
    "converted",
    "converted_to",
    "converted_from",
    "erased",
    "version",
    "alias",
    "where",
    "missing",
    "zone",
)


class Place(NamedTuple):
    """Where the first character of a text stands; line and column count from 1, columns in characters."""

    file: str
    line: int
    column: int

    def after(self, characters: int) -> "Place":
        return Place(self.file, self.line, self.column + characters)


class Line(Struct, frozen=True):
    """One line of a mapping as it was written.

    `text` None with nothing else said unmaps a default; with `values` or `direction` it takes the default's text.
    `values`: their word (an option's label or id) -> ours. `unmapped`: what becomes of a word that `values` lacks.
    `operator`: written by the operator, so that a fault in it is told; of a default a field that this account does
    not have is no fault.
    """

    target: str
    text: str | None
    place: Place
    target_place: Place
    values: Mapping[str, str] | None = None
    direction: Direction | None = None
    unmapped: Unmapped = "dead_letter"
    merge: MergeCode | None = None
    operator: bool = False

    @property
    def prefixes(self) -> str:
        return split_target(self.target)[0]

    @property
    def bare(self) -> str:
        return split_target(self.target)[1]

    @property
    def is_word(self) -> bool:
        return self.bare in WORDS


def split_target(target: str) -> tuple[str, str]:
    """Prefixes and what they stand before."""
    text = target.strip()
    bare = text.lstrip(PREFIXES + " ")
    return "".join(c for c in text[: len(text) - len(bare)] if c != " "), bare


def overlay(defaults: Sequence[Line], own: Sequence[Line]) -> list[Line]:
    """The defaults with the operator's lines over them, one by one per target, prefixes left aside.

    A line of one's own wins whole. Without text it unmaps the default of its target, and where no default has just
    this target, every default line of that field (`emails: null` takes `emails[work]` away too).
    """
    merged: dict[str, Line] = {line.bare: line for line in defaults}
    for line in own:
        known = merged.get(line.bare)
        if line.text is not None:
            merged[line.bare] = line
        elif line.values is not None or line.direction is not None:
            if known is not None:
                merged[line.bare] = _refined(known, line)
        elif known is not None:
            del merged[line.bare]
        else:
            for bare in [bare for bare in merged if bare.startswith((f"{line.bare}[", f"{line.bare}."))]:
                del merged[bare]
    return list(merged.values())


def _refined(default: Line, line: Line) -> Line:
    """A default with what a long form without `field` says of it. Its prefixes stay those of the default."""
    return replace(
        default,
        operator=True,
        unmapped=line.unmapped,
        target_place=line.target_place,
        values=default.values if line.values is None else line.values,
        direction=default.direction if line.direction is None else line.direction,
        merge=default.merge if line.merge is None else line.merge,
    )


class SyntaxFault(Exception):  # noqa: N818 # a finding of somebody's file, not a failure of ours
    """A text that is no expression. `offset`: characters before the place in it that is wrong."""

    def __init__(self, text: str, hint: str, offset: int) -> None:
        super().__init__(text)
        self.text, self.hint, self.offset = text, hint, offset


class Step(Struct, frozen=True):
    """One name of a path, and what it picks of the list that stands there: an element by the value of a key."""

    name: str
    pick: tuple[str, str] | None = None


class Path(Struct, frozen=True):
    """Where a value stands. No steps: the whole row.

    `text` is the path as written. `plain`: no quotes, braces or brackets in it, so the whole of it may be a name.
    """

    steps: tuple[Step, ...]
    text: str
    offset: int
    plain: bool = True


class Constant(Struct, frozen=True):
    """A value of its own."""

    value: str
    offset: int


class Argument(Struct, frozen=True):
    """What stands between two commas; the function decides what it means. `quoted`: in double quotes, taken off."""

    text: str
    offset: int
    quoted: bool = False


class Call(Struct, frozen=True):
    """A function with its arguments."""

    name: str
    arguments: tuple[Argument, ...]
    offset: int


class Alternative(Struct, frozen=True):
    """One source with its functions."""

    source: Path | Constant
    calls: tuple[Call, ...]


class Expression(Struct, frozen=True):
    """The right side of a line: the first of the alternatives that has a value."""

    alternatives: tuple[Alternative, ...]


def parse(text: str) -> Expression:
    """What a text says; raises `SyntaxFault` at its first fault."""
    return _Reader(text).expression()


def parse_path(text: str, *, offset: int = 0) -> Path:
    """A path alone, as it stands as an argument of a function."""
    reader = _Reader(text)
    path = reader.path(moved=offset)
    reader.blanks()
    if not reader.ended:
        raise SyntaxFault(f"{reader.rest()[:1]!r} does not belong to a path", "put the name in double quotes",
                          offset + reader.at)  # fmt: skip
    return path


def parse_paths(text: str, *, offset: int = 0) -> list[Path]:
    """Paths with commas between them, of which each counts: `converted_to`, a composite `key`."""
    return [parse_path(part.text, offset=offset + part.offset) for part in arguments(text)]


def arguments(text: str) -> tuple[Argument, ...]:
    """A text cut at its commas, those in quotes, brackets and parentheses left alone."""
    return _Reader(text).listed(closing="")


class _Reader:
    """Reads one text from left to right; `at` counts the characters that were read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    @property
    def ended(self) -> bool:
        return self.at >= len(self._text)

    def rest(self) -> str:
        return self._text[self.at :]

    def blanks(self) -> None:
        while self.at < len(self._text) and self._text[self.at].isspace():
            self.at += 1

    def _sees(self, word: str) -> bool:
        return self._text.startswith(word, self.at)

    def _takes(self, word: str) -> bool:
        self.blanks()
        if self._sees(word):
            self.at += len(word)
            return True
        return False

    def expression(self) -> Expression:
        alternatives = [self._alternative()]
        while self._takes("??"):
            alternatives.append(self._alternative())
        self.blanks()
        if not self.ended:
            raise SyntaxFault(
                f"{self._text[self.at]!r} is not expected here",
                'after a function comes | or ??; a name with |, " or [ stands in double quotes',
                self.at,
            )
        shared = alternatives[-1].calls
        return Expression(tuple(one if one.calls else replace(one, calls=shared) for one in alternatives))

    def _alternative(self) -> Alternative:
        source = self._source()
        calls: list[Call] = []
        while self._takes("|"):
            calls.append(self._call())
        return Alternative(source, tuple(calls))

    def _source(self) -> Path | Constant:
        self.blanks()
        start = self.at
        if self._takes("="):
            self.blanks()
            if self._sees('"'):
                return Constant(self._quoted(), start)
            return Constant(self._bare(("|", "??")).strip(), start)
        return self.path()

    def path(self, *, moved: int = 0) -> Path:
        self.blanks()
        start = self.at
        if self._sees("@") and self._follows_row_mark():
            self.at += 1
            return Path((), "@", start + moved)
        steps: list[Step] = []
        plain = True
        while True:
            name, is_plain = self._name()
            pick = self._pick() if self._sees("[") else None
            plain = plain and is_plain and pick is None
            steps.append(Step(name, pick))
            if not self._sees("."):
                break
            self.at += 1
        return Path(tuple(steps), self._text[start : self.at].strip(), start + moved, plain)

    def _follows_row_mark(self) -> bool:
        """`@` alone is the row; `@odata.etag` is a name."""
        behind = self._text[self.at + 1 :].lstrip()
        return not behind or behind.startswith(("|", "??"))

    def _name(self) -> tuple[str, bool]:
        start = self.at
        if self._sees('"'):
            name = self._quoted()
            self._gap_behind_quotes()
            return name, False
        if self._sees("{"):
            end = self._text.find("}", self.at)
            if end < 0:
                raise SyntaxFault("'{' is not closed", "a key with dots stands as {odd.key}", start)
            self.at = end + 1
            name = self._text[start + 1 : end].strip()
            if not name:
                raise SyntaxFault("there is no key between { and }", "write {odd.key}", start)
            self._gap_behind_quotes()
            return name, False
        name = self._bare((".", "|", "[", "]", "??", '"')).strip()
        if self._sees('"'):
            raise SyntaxFault("a quotation mark within a name", "put the whole name in double quotes", self.at)
        if not name:
            found = "the end" if self.ended else repr(self._text[self.at])
            raise SyntaxFault(f"a field's name is missing before {found}", "write path | function", start)
        return name, True

    def _gap_behind_quotes(self) -> None:
        """Blanks between a closed name and what follows it belong to nothing."""
        behind = self.at
        self.blanks()
        if not self.ended and self._text[self.at] not in ".|[?":
            raise SyntaxFault(
                f"{self._text[self.at]!r} is not expected behind a quoted name", "put the whole name in quotes", self.at
            )
        if self._sees("?") and not self._sees("??"):
            raise SyntaxFault("'?' is not expected behind a quoted name", "alternatives are joined by ??", self.at)
        if self.ended:
            self.at = behind

    def _bare(self, ends: Sequence[str]) -> str:
        start, text = self.at, self._text
        self.at = min((at for end in ends if (at := text.find(end, start)) >= 0), default=len(text))
        return text[start : self.at]

    def _quoted(self) -> str:
        start = self.at
        found: list[str] = []
        self.at += 1
        while self.at < len(self._text):
            character = self._text[self.at]
            if character == "\\" and self._text[self.at + 1 : self.at + 2] in ('"', "\\"):
                found.append(self._text[self.at + 1])
                self.at += 2
            elif character == '"':
                self.at += 1
                return "".join(found)
            else:
                found.append(character)
                self.at += 1
        raise SyntaxFault("'\"' is not closed", 'a name stands between two ", the whole value then in single quotes',
                          start)  # fmt: skip

    def _pick(self) -> tuple[str, str]:
        start = self.at
        end = self._text.find("]", start)
        if end < 0:
            raise SyntaxFault("'[' is not closed", "an element of a list is picked by list[key=value]", start)
        key, equals, value = self._text[start + 1 : end].partition("=")
        if not equals or not key.strip():
            raise SyntaxFault(f"[{key}] picks nothing", "an element of a list is picked by list[key=value]", start)
        self.at = end + 1
        blank = self.at
        self.blanks()
        if self.ended or self._text[self.at] not in ".|?":
            self.at = blank
        return key.strip(), value.strip().strip('"')

    def _call(self) -> Call:
        self.blanks()
        start = self.at
        while self.at < len(self._text) and (self._text[self.at].isalnum() or self._text[self.at] == "_"):
            self.at += 1
        name = self._text[start : self.at]
        if not name:
            found = "the end" if self.ended else repr(self._text[self.at])
            raise SyntaxFault(f"a function's name is missing before {found}", "write path | function", start)
        blank = self.at
        self.blanks()
        if not self._sees("("):
            self.at = blank
            return Call(name, (), start)
        opened = self.at
        self.at += 1
        try:
            given = self.listed(closing=")")
        except _Unclosed:
            raise SyntaxFault("'(' is not closed", "quote it: in { } a comma ends a value", opened) from None
        return Call(name, given, start)

    def listed(self, *, closing: str) -> tuple[Argument, ...]:
        """Arguments up to the closing parenthesis, or to the end where there is none to come."""
        found: list[Argument] = []
        start, depth = self.at, 0
        while True:
            if self.ended:
                if closing:
                    raise _Unclosed
                self._add_argument(found, start)
                return tuple(found)
            character = self._text[self.at]
            if character == '"':
                self._quoted()
                continue
            if depth == 0 and character == closing:
                self._add_argument(found, start)
                self.at += 1
                return tuple(found)
            if depth == 0 and character == ",":
                self._add_argument(found, start, more=True)
                start = self.at + 1
            elif character in "([{":
                depth += 1
            elif character in ")]}":
                depth = max(0, depth - 1)
            self.at += 1

    def _add_argument(self, found: list[Argument], start: int, *, more: bool = False) -> None:
        """The text from `start` to here; nothing at all between two parentheses is no argument."""
        raw = self._text[start : self.at]
        text = raw.strip()
        offset = start + len(raw) - len(raw.lstrip())
        if not text:
            if more or found:
                raise SyntaxFault("an argument is missing between two commas", "remove the comma", start)
            return
        if text.startswith('"'):
            inner = _Reader(text)
            name = inner._quoted()
            if inner.ended:
                found.append(Argument(name, offset, quoted=True))
                return
        found.append(Argument(text, offset))


class _Unclosed(Exception):  # noqa: N818 # never leaves this module
    """The text ended before its closing parenthesis."""


def nearest(word: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """The known words that somebody most likely meant, the likeliest first."""
    from rapidfuzz import fuzz, process

    choices = list(dict.fromkeys(known))
    found = process.extract(word.casefold(), [choice.casefold() for choice in choices], scorer=fuzz.WRatio,
                            limit=most, score_cutoff=60)  # fmt: skip
    return [choices[at] for _, _, at in found]
