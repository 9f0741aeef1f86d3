"""SOQL, as far as clients of an integration need it: the text and what it says, without any schema.

    SELECT fields, parents by dots, COUNT(), aggregates, (one level of children), FIELDS(ALL)
    FROM object [WHERE ...] [GROUP BY ...] [ORDER BY ...] [LIMIT n] [OFFSET n] [FOR VIEW ...] [ALL ROWS]

Source: SOQL and SOSL Reference (developer.salesforce.com), read 2026-11-23. Not here: TYPEOF, HAVING, date functions,
WITH, USING SCOPE, distances, currency literals.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sandbox.vendors.salesforce.answers import RefusedError
from sandbox.web import Json

LONGEST: Final = 100_000
AGGREGATES: Final = frozenset({"count", "count_distinct", "min", "max", "sum", "avg"})


@dataclass(frozen=True, slots=True)
class Path:
    """`Account.Owner.Name`. `at`: where it stands in the text."""

    words: tuple[str, ...]
    at: int

    def __str__(self) -> str:
        return ".".join(self.words)


@dataclass(frozen=True, slots=True)
class Aggregate:
    function: str
    path: Path | None  # None: COUNT()
    alias: str | None


@dataclass(frozen=True, slots=True)
class Children:
    query: "Query"


@dataclass(frozen=True, slots=True)
class AllFields:
    """FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM)."""

    which: str


@dataclass(frozen=True, slots=True)
class Moment:
    """An unquoted literal: a day, a moment, or a word like TODAY or LAST_N_DAYS:30."""

    text: str


@dataclass(frozen=True, slots=True)
class Compare:
    path: Path
    operator: str  # = != < <= > >= like in not in includes excludes
    value: Json  # a literal, a tuple of them, or a Query


@dataclass(frozen=True, slots=True)
class And:
    parts: Sequence["Condition"]


@dataclass(frozen=True, slots=True)
class Or:
    parts: Sequence["Condition"]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Condition"


Condition: TypeAlias = Compare | And | Or | Not
Selected: TypeAlias = Path | Aggregate | Children | AllFields


@dataclass(frozen=True, slots=True)
class Order:
    path: Path
    descending: bool
    nulls_last: bool | None


@dataclass(frozen=True, slots=True)
class Query:
    text: str
    selected: Sequence[Selected]
    source: str
    source_at: int
    where: Condition | None
    group: Sequence[Path]
    order: Sequence[Order]
    limit: int | None
    offset: int
    all_rows: bool


def parse(text: str) -> Query:
    """Raises `RefusedError`: MALFORMED_QUERY."""
    if len(text) > LONGEST:
        raise RefusedError(400, "QUERY_TOO_COMPLICATED", f"SOQL statements cannot be longer than {LONGEST} characters")
    reader = _Reader(text)
    query = reader.query()
    if reader.kind != "end":
        raise reader.unexpected()
    return query


def pointed(text: str, at: int, message: str, code: str = "MALFORMED_QUERY") -> RefusedError:
    """A refusal that shows the place in the text."""
    start = max(0, at - 30)
    shown = text[start : at + 30].replace("\n", " ")
    row = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    mark = " " * (at - start) + "^"
    return RefusedError(400, code, f"\n{shown}\n{mark}\nERROR at Row:{row}:Column:{column}\n{message}")


_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)
    | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?::\d+)?)
    | (?P<sign><>|!=|<=|>=|[=<>(),.])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CLAUSES: Final = frozenset({"where", "order", "group", "limit", "offset", "for", "all", "with", "using", "having"})
_SAME: Final = {"<>": "!="}


class _Reader:
    """Reads one token ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = self._next = 0
        self.kind, self.token = "", ""
        self.advance()

    def advance(self) -> str:
        """The token that stood here; go on to the one behind it."""
        passed = self.token
        found = _TOKEN.match(self.text, self._next)
        if found is None:
            self.at = self._next
            raise self.malformed(f"unexpected token: '{self.text[self._next :].strip()[:1]}'")
        self.kind = found.lastgroup or "end"
        self.token = found[self.kind]
        self.at, self._next = found.start(self.kind), found.end()
        return passed

    def malformed(self, message: str) -> RefusedError:
        return pointed(self.text, self.at, message)

    def unexpected(self) -> RefusedError:
        what = "<EOF>" if self.kind == "end" else f"'{self.token}'"
        return self.malformed(f"unexpected token: {what}")

    def word(self, *words: str) -> bool:
        """Whether one of the words stands here; if so, passes it."""
        if self.kind == "name" and self.token.lower() in words:
            self.advance()
            return True
        return False

    def sign(self, sign: str) -> bool:
        if self.kind == "sign" and self.token == sign:
            self.advance()
            return True
        return False

    def need(self, *, word: str = "", sign: str = "") -> None:
        if not (self.word(word) if word else self.sign(sign)):
            raise self.malformed(f"expecting '{word or sign}', found {self.token or '<EOF>'!r}")

    def name(self) -> str:
        if self.kind != "name":
            raise self.unexpected()
        return self.advance()

    def whole(self) -> int:
        if self.kind != "number" or not self.token.isdecimal():
            raise self.unexpected()
        return int(self.advance())

    def path(self) -> Path:
        at = self.at
        words = [self.name()]
        while self.sign("."):
            words.append(self.name())
        return Path(tuple(words), at)

    def query(self) -> Query:
        begun = self.at
        self.need(word="select")
        selected = [self.selected()]
        while self.sign(","):
            selected.append(self.selected())
        self.need(word="from")
        source_at = self.at
        source = self.name()
        alias = self._alias()
        where = self.condition() if self.word("where") else None
        group: list[Path] = []
        if self.word("group"):
            self.need(word="by")
            group = [self.path()]
            while self.sign(","):
                group.append(self.path())
        order = self.order()
        limit = self.whole() if self.word("limit") else None
        offset = self.whole() if self.word("offset") else 0
        if self.word("for") and not self.word("view", "reference", "update"):
            raise self.unexpected()
        all_rows = self.word("all")
        if all_rows:
            self.need(word="rows")
        query = Query(self.text[begun:], selected, source, source_at, where, group, order, limit, offset, all_rows)
        return _unaliased(query, alias) if alias else query

    def _alias(self) -> str | None:
        self.word("as")
        if self.kind == "name" and self.token.lower() not in _CLAUSES:
            return self.advance()
        return None

    def selected(self) -> Selected:
        if self.sign("("):
            inner = self.query()
            self.need(sign=")")
            return Children(inner)
        path = self.path()
        word = str(path).lower()
        if not self.sign("("):
            return path
        if word == "fields":
            which = self.name().lower()
            self.need(sign=")")
            if which not in ("all", "standard", "custom"):
                raise self.malformed("FIELDS takes ALL, STANDARD or CUSTOM")
            return AllFields(which)
        if word not in AGGREGATES:
            raise pointed(self.text, path.at, f"unknown function: {path}")
        of = None if self.sign(")") else self.path()
        if of is not None:
            self.need(sign=")")
        alias = self.advance() if self.kind == "name" and self.token.lower() != "from" else None
        return Aggregate(word, of, alias)

    def order(self) -> list[Order]:
        orders: list[Order] = []
        if self.word("order"):
            self.need(word="by")
            while True:
                path = self.path()
                descending = self.word("desc")
                if not descending:
                    self.word("asc")
                nulls_last = None
                if self.word("nulls"):
                    nulls_last = self.word("last")
                    if not nulls_last:
                        self.need(word="first")
                orders.append(Order(path, descending, nulls_last))
                if not self.sign(","):
                    break
        return orders

    def condition(self) -> Condition:
        """AND and OR do not mix without parentheses."""
        parts = [self.negation()]
        joined = ""
        while self.kind == "name" and self.token.lower() in ("and", "or"):
            if joined and self.token.lower() != joined:
                raise self.unexpected()
            joined = self.advance().lower()
            parts.append(self.negation())
        if not joined:
            return parts[0]
        return And(parts) if joined == "and" else Or(parts)

    def negation(self) -> Condition:
        if self.word("not"):
            return Not(self.negation())
        if self.sign("("):
            inner = self.condition()
            self.need(sign=")")
            return inner
        return self.comparison()

    def comparison(self) -> Condition:
        path = self.path()
        if self.word("not"):
            self.need(word="in")
            return Compare(path, "not in", self.values())
        for word in ("in", "includes", "excludes"):
            if self.word(word):
                return Compare(path, word, self.values())
        if self.word("like"):
            return Compare(path, "like", self.literal())
        if self.kind != "sign" or self.token not in ("=", "!=", "<>", "<", "<=", ">", ">="):
            raise self.unexpected()
        operator = self.advance()
        return Compare(path, _SAME.get(operator, operator), self.literal())

    def values(self) -> Json:
        self.need(sign="(")
        if self.kind == "name" and self.token.lower() == "select":
            inner: Json = self.query()
        else:
            found = [self.literal()]
            while self.sign(","):
                found.append(self.literal())
            inner = tuple(found)
        self.need(sign=")")
        return inner

    def literal(self) -> Json:
        kind, token = self.kind, self.token
        if kind == "text":
            self.advance()
            return _ESCAPE.sub(lambda found: _escaped(found[1]), token[1:-1])
        if kind == "number":
            self.advance()
            return float(token) if not token.lstrip("+-").isdecimal() else int(token)
        if kind == "moment":
            self.advance()
            return Moment(token)
        if kind == "name":
            self.advance()
            word = token.lower()
            return {"null": None, "true": True, "false": False}.get(word, Moment(token.upper()))
        raise self.unexpected()


def _escaped(code: str) -> str:
    return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPES.get(code, code)


def _unaliased(query: Query, alias: str) -> Query:
    """The same with `c.Name` as `Name`, where c is an alias of the object."""

    def path(found: Path) -> Path:
        own = len(found.words) > 1 and found.words[0].lower() == alias.lower()
        return Path(found.words[1:], found.at) if own else found

    def select(found: Selected) -> Selected:
        if isinstance(found, Path):
            return path(found)
        if isinstance(found, Aggregate) and found.path is not None:
            return Aggregate(found.function, path(found.path), found.alias)
        return found

    def condition(found: Condition) -> Condition:
        if isinstance(found, Compare):
            return Compare(path(found.path), found.operator, found.value)
        if isinstance(found, Not):
            return Not(condition(found.part))
        return type(found)([condition(part) for part in found.parts])

    return Query(
        query.text, [select(found) for found in query.selected], query.source, query.source_at,
        None if query.where is None else condition(query.where), [path(found) for found in query.group],
        [Order(path(order.path), order.descending, order.nulls_last) for order in query.order],
        query.limit, query.offset, query.all_rows,
    )  # fmt: skip
