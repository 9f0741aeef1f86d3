"""COQL: `select ... from ... where ... order by ... limit ...`, for one module and what its records refer to.

Criteria are bracketed two by two, as the vendor wants it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from sandbox.state import Record
from sandbox.vendors.zoho.account import Account
from sandbox.vendors.zoho.answers import NO_CONTENT, RefusedError, refused
from sandbox.vendors.zoho.conditions import Column, Test, UnfitError, both, column, comparable, test
from sandbox.vendors.zoho.fields import SE_MODULE, Field
from sandbox.web import Answer, Call, Json, dump

USUAL: Final = 200
MOST: Final = 2_000
MOST_OFFSET: Final = 100_000
MOST_COLUMNS: Final = 50
MOST_CRITERIA: Final = 25
MOST_ORDERS: Final = 10
MOST_LISTED: Final = 50
MOST_JOINS: Final = 2
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])"
    r"|(?P<word>[A-Za-z_$][\w$]*(?:\.[\w$]+)*)|(?P<sign>!=|>=|<=|[=<>(),*]))"
)
_KEYWORDS: Final = frozenset(
    {"select", "from", "where", "order", "by", "limit", "offset", "and", "or", "not", "in", "like", "between", "is",
     "null", "asc", "desc", "as", "true", "false", "count"}
)  # fmt: skip
_LIMIT: Final = re.compile(r"\blimit\s+(\d+)(?:\s*,\s*(\d+))?", re.IGNORECASE)


class _Token(NamedTuple):
    kind: str
    value: str
    at: int


@dataclass(slots=True)
class _Query:
    module: str
    columns: list[tuple[str, Callable[[Record], Json]]]
    counted: str | None
    keep: Test
    orders: list[tuple[Callable[[Record], Json], bool]]
    offset: int
    limit: int


def credits(call: Call) -> int:
    """One up to 200 records, two up to 1,000, three up to 2,000."""
    try:
        limit = _LIMIT.search(str(call.json()["select_query"]))
    except (ValueError, KeyError, TypeError):
        limit = None
    asked = USUAL if limit is None else int(limit[2] or limit[1])
    return 1 if asked <= USUAL else 2 if asked <= 1000 else 3


class Coql:
    def __init__(self, account: Account) -> None:
        self._account = account

    def answer(self, call: Call, at: Sequence[str]) -> Answer:
        """`POST /coql`."""
        try:
            text = call.json()["select_query"]
        except (ValueError, KeyError, TypeError):
            raise refused(400, "MANDATORY_NOT_FOUND", "required field not found", api_name="select_query") from None
        if not isinstance(text, str):
            raise refused(400, "INVALID_DATA", "invalid data", expected_data_type="text", api_name="select_query")
        query = _Parser(self._account, text).read()
        records = [record for record in self._account.tables[query.module] if query.keep(record)]
        if query.counted is not None:
            info = {"count": 1, "more_records": False}
            return Answer(200, dump({"data": [{query.counted: len(records)}], "info": info}))
        records.sort(key=lambda record: record["id"], reverse=not query.orders)
        for value, descending in reversed(query.orders):
            records.sort(key=lambda record: ((found := value(record)) is not None, found), reverse=descending)
        found = list(islice(records, query.offset, query.offset + query.limit + 1))
        if not found:
            return NO_CONTENT
        listed = found[: query.limit]
        rows = [{**{name: show(record) for name, show in query.columns}, "id": record["id"]} for record in listed]
        info = {"count": len(rows), "more_records": len(found) > query.limit}
        return Answer(200, dump({"data": rows, "info": info}))


class _Parser:
    def __init__(self, account: Account, text: str) -> None:
        self._account, self._text = account, text
        self._tokens = self._split(text)
        self._at = 0
        self._criteria = 0
        self._names: set[str] = set()  # of every column that the query speaks of
        self._module = ""

    def read(self) -> _Query:
        """Raises `RefusedError`."""
        self._need("select")
        names, counted = self._selected()
        self._need("from")
        self._module = self._word()
        if self._module not in self._account.tables:
            raise refused(400, "INVALID_QUERY", "the module name given seems to be invalid", module=self._module)
        if not self._take("where"):
            raise refused(400, "SYNTAX_ERROR", "missing clause", clause="where")
        keep = self._condition()
        orders = self._orders() if self._take("order") else []
        offset, limit = self._window()
        if self._at != len(self._tokens):
            raise self._wrong()
        columns = [(name, self._shown(name)) for name in names]
        if counted is not None:
            self._column(counted[len("COUNT(") : -1])
        if self._criteria > MOST_CRITERIA:
            raise _limit("criteria", MOST_CRITERIA)
        if self._module == "Leads" and not any(name.startswith("Converted") for name in self._names):
            keep = both(keep, lambda record: not record["Converted__s"], every=True)
        return _Query(self._module, columns, counted, keep, orders, offset, limit)

    # tokens

    def _split(self, text: str) -> list[_Token]:
        tokens, at = [], 0
        text = text.rstrip().removesuffix(";")
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise refused(400, "SYNTAX_ERROR", "error occurred while parsing the query", near=text[at : at + 20])
            tokens.append(_Token(found.lastgroup, found[found.lastgroup], at))
            at = found.end()
        return tokens

    def _peek(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _Token("end", "", len(self._text))

    def _take(self, word: str) -> bool:
        token = self._peek()
        if token.kind == "text" or token.value.lower() != word:
            return False
        self._at += 1
        return True

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._wrong()

    def _wrong(self) -> RefusedError:
        near = self._text[self._peek().at :].strip()[:20]
        told = {"line": 1, "column": self._peek().at, "near": near}
        return refused(400, "SYNTAX_ERROR", "error occurred while parsing the query", **told)

    def _word(self) -> str:
        """A name; one that is a reserved word stands in quotes."""
        token = self._peek()
        if token.kind == "text":
            self._at += 1
            return token.value[1:-1]
        if token.kind != "word" or token.value.lower() in _KEYWORDS:
            raise self._wrong()
        self._at += 1
        return token.value

    def _value(self) -> Json:
        token = self._peek()
        if token.kind == "text":
            quote = token.value[0]
            value: Json = token.value[1:-1].replace(quote * 2, quote)
        elif token.kind == "number" or token.value.lower() in {"true", "false"}:
            value = token.value
        else:
            raise self._wrong()
        self._at += 1
        return value

    def _integer(self) -> int:
        token = self._peek()
        if token.kind != "number" or not token.value.isdigit():
            raise self._wrong()
        self._at += 1
        return int(token.value)

    # clauses

    def _selected(self) -> tuple[list[str], str | None]:
        if self._take("count"):
            self._need("(")
            name = self._word()
            self._need(")")
            return [], f"COUNT({name})"
        names = [self._word()]
        while self._take(","):
            names.append(self._word())
        if len(names) > MOST_COLUMNS:
            raise _limit("select fields", MOST_COLUMNS)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise refused(400, "DUPLICATE_DATA", "duplicate column", column_name=twice)
        return names, None

    def _condition(self) -> Test:
        """One criterion, or two that `and` or `or` joins."""
        found = self._criterion()
        for word in ("and", "or"):
            if self._take(word):
                return both(found, self._criterion(), every=word == "and")
        return found

    def _criterion(self) -> Test:
        if self._take("("):
            found = self._condition()
            self._need(")")
            return found
        name = self._word()
        self._criteria += 1
        at = self._column(name)
        if at.field.type == "textarea":
            raise refused(400, "INVALID_QUERY", "invalid query", column_name=name, clause="where")
        try:
            return self._compared(at)
        except UnfitError:
            raise refused(
                400, "INVALID_QUERY", "value given seems to be invalid for the column", column_name=name
            ) from None

    def _compared(self, at: Column) -> Test:
        if self._take("is"):
            turned = self._take("not")
            self._need("null")
            return _turned(test(at, "null", []), turned)
        turned = self._take("not")
        if self._take("in"):
            return _turned(test(at, "in", self._listed()), turned)
        if self._take("like"):
            return _turned(_like(at, str(self._value())), turned)
        if self._take("between"):
            low = self._value()
            self._need("and")
            return _turned(test(at, "between", [low, self._value()]), turned)
        token = self._peek()
        if turned or token.value not in {"=", "!=", ">", ">=", "<", "<="}:
            raise refused(400, "SYNTAX_ERROR", "the operator is not supported", operator=token.value)
        self._at += 1
        return test(at, token.value, [self._value()])

    def _listed(self) -> list[Json]:
        self._need("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._need(")")
        if len(values) > MOST_LISTED:
            raise _limit("in", MOST_LISTED)
        return values

    def _orders(self) -> list[tuple[Callable[[Record], Json], bool]]:
        self._need("by")
        orders = []
        while True:
            at = self._column(self._word())
            descending = self._take("desc")
            if not descending:
                self._take("asc")
            orders.append((at.value, descending))
            if not self._take(","):
                break
        if len(orders) > MOST_ORDERS:
            raise _limit("order by", MOST_ORDERS)
        return orders

    def _window(self) -> tuple[int, int]:
        """`limit 200`, `limit 0, 200` and `limit 200 offset 0`."""
        offset, limit = 0, USUAL
        if self._take("limit"):
            limit = self._integer()
            if self._take(","):
                offset, limit = limit, self._integer()
            elif self._take("offset"):
                offset = self._integer()
        if limit > MOST:
            raise _limit("limit", MOST)
        if offset + limit > MOST_OFFSET:
            raise _limit("offset", MOST_OFFSET)
        return offset, limit

    # columns

    def _column(self, name: str) -> Column:
        self._names.add(name)
        path = self._path(name)
        if len(path) == 1:
            return column(path[0])
        return Column(path[-1], lambda record: comparable(self._followed(record, path)))

    def _shown(self, name: str) -> Callable[[Record], Json]:
        """A lookup is shown as its id alone, unless a field of what it leads to is asked for."""
        self._names.add(name)
        path = self._path(name)
        last = path[-1]
        if last.type == "ownerlookup" or last.target is not None:
            return lambda record: _only_id(self._followed(record, path))
        show = dict(self._account.shows(last))[last.name]
        return lambda record: None if (end := self._end(record, path)) is None else show(end)

    def _path(self, name: str) -> list[Field]:
        module: str | None = self._module
        path: list[Field] = []
        for word in name.split("."):
            found = None if module is None else self._account.catalogues[module].by_name().get(word)
            if found is None:
                text = "column given seems to be invalid"
                raise refused(400, "INVALID_QUERY", text, column_name=name)
            path.append(found)
            module = found.target if found.target != SE_MODULE else None
        if len(path) > MOST_JOINS + 1:
            raise _limit("joins", MOST_JOINS)
        return path

    def _end(self, record: Record, path: Sequence[Field]) -> Record | None:
        """The record in which the last field of the path stands."""
        current: Record | None = record
        for found in path[:-1]:
            key = None if current is None else current.get(found.key)
            current = None if key is None else self._account.find(str(found.target), key)
        return current

    def _followed(self, record: Record, path: Sequence[Field]) -> Json:
        end = self._end(record, path)
        return None if end is None else end.get(path[-1].key)


def _only_id(value: Json) -> Json:
    key = value[1] if isinstance(value, tuple) else value
    return None if key is None else {"id": key}


def _turned(one: Test, turned: bool) -> Test:
    return (lambda record: not one(record)) if turned else one


def _like(at: Column, pattern: str) -> Test:
    """`%` stands for any letters."""
    shape = re.compile(".*".join(re.escape(part) for part in pattern.casefold().split("%")), re.DOTALL)
    return lambda record: isinstance(value := at.value(record), str) and shape.fullmatch(value) is not None


def _limit(what: str, limit: int) -> RefusedError:
    return refused(400, "LIMIT_EXCEEDED", f"the limit of {what} is exceeded", limit=limit)
