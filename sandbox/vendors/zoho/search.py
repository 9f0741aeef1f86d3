"""Search, whose index may lag behind the records.

What matches is what the index knew; what is shown is the record as it is.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sandbox.state import Record
from sandbox.vendors.zoho.account import Account
from sandbox.vendors.zoho.answers import RefusedError, invalid_param, missing_param, refused
from sandbox.vendors.zoho.conditions import Test, UnfitError, both, column, test
from sandbox.vendors.zoho.fields import Field
from sandbox.vendors.zoho.listing import conversions, field_names, numbered
from sandbox.web import Answer, Call, Json

MOST_CRITERIA: Final = 15
_OPERATORS: Final[Mapping[str, str]] = {
    "equals": "=", "not_equal": "!=", "in": "in", "between": "between", "greater_than": ">", "greater_equal": ">=",
    "less_than": "<", "less_equal": "<=",
}  # fmt: skip
_TEXT: Final = frozenset({"text", "email", "phone", "website", "picklist", "textarea"})


class Search:
    """`lag`: how long a change takes to reach the index."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.lag = timedelta(0)
        self._now: datetime | None = None
        self._known: dict[str, dict[str, Record]] = {}
        self._waiting: deque[tuple[datetime, str, str, Record | None]] = deque()
        for module, table in account.tables.items():
            self._known[module] = {record["id"]: record for record in table}
            table.listeners.append(self._listener(module))

    def _listener(self, module: str) -> Callable[[str, Record | None], None]:
        def changed(key: str, record: Record | None) -> None:
            if self._now is None:
                self._enter(module, key, record)
            else:
                self._waiting.append((self._now + self.lag, module, key, record))

        return changed

    def tick(self, now: datetime) -> None:
        """Time goes on: what has waited long enough enters the index."""
        self._now = now
        while self._waiting and self._waiting[0][0] <= now:
            _, module, key, record = self._waiting.popleft()
            self._enter(module, key, record)

    def _enter(self, module: str, key: str, record: Record | None) -> None:
        if record is None:
            self._known[module].pop(key, None)
        else:
            self._known[module][key] = record

    def records(self, call: Call, module: str) -> Answer:
        """`GET /{module}/search`."""
        view = self._account.view(module, field_names(call.query) if call.query.get("fields") else None)
        return numbered(call, (view(record) for record in self.found(call, module)))

    def found(self, call: Call, module: str) -> Iterator[Record]:
        """The records that match, newest first; of leads, by default, those that are not converted."""
        matches = self._asked(call, module)
        wanted = conversions(call.query, module)
        hits = sorted((key for key, record in self._known[module].items() if matches(record)), reverse=True)
        for key in hits:
            record = self._account.find(module, key)
            if record is not None and bool(record.get("Converted__s")) in wanted:
                yield record

    def _asked(self, call: Call, module: str) -> Test:
        """One of criteria, email, phone and word; the first that is there counts, in this order."""
        catalogue = self._account.catalogues[module]
        query = call.query
        if query.get("criteria"):
            return Criteria(catalogue.by_name(), query["criteria"]).read()
        if query.get("email"):
            return _equal_in([f for f in catalogue.fields.values() if f.type == "email"], query["email"], str.casefold)
        if query.get("phone"):
            return _equal_in([f for f in catalogue.fields.values() if f.type == "phone"], query["phone"], _digits)
        if query.get("word"):
            if len(query["word"]) < 2:
                raise invalid_param("word", minimum_length=2)
            return _with_word([f.key for f in catalogue.fields.values() if f.type in _TEXT], query["word"])
        raise missing_param("criteria")


def _equal_in(fields: Sequence[Field], text: str, form: Callable[[str], str]) -> Test:
    keys, wanted = [found.key for found in fields], form(text.strip())
    return lambda record: bool(wanted) and any((value := record.get(key)) and form(value) == wanted for key in keys)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _with_word(keys: Sequence[str], text: str) -> Test:
    words = text.casefold().split()

    def matches(record: Record) -> bool:
        told = " ".join(value for key in keys if (value := record.get(key))).casefold()
        tokens = {*told.split(), *re.split(r"[\s@.,;/()]+", told)}
        return all(any(token.startswith(word) for token in tokens) for word in words)

    return matches


class Criteria:
    """`((Last_Name:equals:Burns)and(First_Name:starts_with:M))`. In a value `(`, `)` and `,` follow a backslash.

    As the vendor says, `equals` that does not stand alone finds a text that only begins with the words, too.
    """

    def __init__(self, fields: Mapping[str, Field], text: str) -> None:
        self._fields, self._text, self._at, self._count = fields, text.strip(), 0, 0
        self._alone = len(re.findall(r"(?<!\\)\(", self._text)) == 1

    def read(self) -> Test:
        """Raises `RefusedError`."""
        found = self._group()
        if self._at != len(self._text):
            raise _invalid("the criteria go on behind their end")
        if self._count > MOST_CRITERIA:
            raise refused(400, "LIMIT_EXCEEDED", "the criteria limit is exceeded", limit=MOST_CRITERIA)
        return found

    def _group(self) -> Test:
        if not self._text.startswith("(", self._at):
            raise _invalid("brackets are missing")
        self._at += 1
        found = self._joined() if self._text.startswith("(", self._at) else self._one()
        if not self._text.startswith(")", self._at):
            raise _invalid("brackets are not closed")
        self._at += 1
        return found

    def _joined(self) -> Test:
        found = self._group()
        while (word := re.compile(r"\s*(and|or)\s*").match(self._text, self._at)) is not None:
            self._at = word.end()
            found = both(found, self._group(), every=word[1] == "and")
        return found

    def _one(self) -> Test:
        shape = re.compile(r"([\w$]+):(\w+):((?:\\.|[^\\()])*)").match(self._text, self._at)
        if shape is None:
            raise _invalid("a criterion is field:operator:value")
        self._at = shape.end()
        self._count += 1
        name, operator, text = shape[1], shape[2], shape[3]
        found = self._fields.get(name)
        if found is None or found.type == "textarea":
            raise refused(
                400, "INVALID_QUERY", "Invalid query formed", reason="the field is not available", api_name=name
            )
        values = [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\),", text)]
        return self._test(found, operator, values)

    def _test(self, found: Field, operator: str, values: list[str]) -> Test:
        if operator == "starts_with" or (operator == "equals" and found.type == "text" and not self._alone):
            start, whole = values[0].casefold(), operator == "equals"
            return lambda record: _begins(record.get(found.key), start, whole=whole)
        if operator not in _OPERATORS or (operator == "between") != (len(values) == 2 and operator != "in"):
            raise refused(
                400, "INVALID_QUERY", "Invalid query formed", reason="the operator is invalid", operator=operator
            )
        if values == ["${EMPTY}"] and operator in {"equals", "not_equal"}:
            absent = test(column(found), "null", [])
            return absent if operator == "equals" else lambda record: not absent(record)
        try:
            return test(column(found), _OPERATORS[operator], values)
        except UnfitError:
            raise _invalid("the value does not fit the field", api_name=found.name) from None


def _invalid(reason: str, **details: Json) -> RefusedError:
    return refused(400, "INVALID_QUERY", "Invalid query formed", reason=reason, **details)


def _begins(value: str | None, start: str, *, whole: bool) -> bool:
    """`whole`: only with whole words."""
    told = (value or "").casefold()
    return told.startswith(start) and (not whole or told == start or told[len(start) : len(start) + 1] == " ")
