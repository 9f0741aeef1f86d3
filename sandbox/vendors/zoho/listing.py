"""Lists of records: pages by number up to 2,000 records, then by token; only what has changed since; nothing is 204."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple

from sandbox.state import Record, Table
from sandbox.vendors.zoho.account import Account
from sandbox.vendors.zoho.answers import NO_CONTENT, NOT_MODIFIED, invalid_param, missing_param, refused
from sandbox.vendors.zoho.stamps import kept, read, shown
from sandbox.web import Answer, Call, Json, dump

MOST: Final = 200
MOST_FIELDS: Final = 50
MOST_IDS: Final = 100
MOST_BY_NUMBER: Final = 2_000
MOST_BY_TOKEN: Final = 100_000
TOKEN_LIVES: Final = timedelta(hours=24)
ORDERS: Final = ("id", "Created_Time", "Modified_Time")


def integer(query: Mapping[str, str], name: str, default: int, most: int | None = None) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not text.isdigit() or int(text) < 1:
        raise invalid_param(name, expected_data_type="integer")
    if most is not None and int(text) > most:
        raise invalid_param(name, maximum_value=most)
    return int(text)


def choice(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """The first of `allowed` is the default."""
    text = query.get(name) or allowed[0]
    if text not in allowed:
        raise invalid_param(name, supported_values=list(allowed))
    return text


def field_names(query: Mapping[str, str]) -> list[str]:
    names = [name.strip() for name in query.get("fields", "").split(",") if name.strip()]
    if not names:
        raise missing_param("fields")
    if len(names) > MOST_FIELDS:
        raise refused(400, "LIMIT_EXCEEDED", "the fields limit is exceeded", param="fields", limit=MOST_FIELDS)
    return names


def since(call: Call, header: str = "if-modified-since") -> str | None:
    """The moment of a conditional header, as records keep it."""
    text = call.headers.get(header)
    if text is None:
        return None
    at = read(text.strip())
    if at is None:
        raise invalid_param("-".join(word.capitalize() for word in header.split("-")), expected_data_type="datetime")
    return kept(at)


def conversions(query: Mapping[str, str], module: str) -> frozenset[bool]:
    """Which leads are wanted: by default those that are not converted. Records of other modules never are."""
    if module != "Leads":
        return frozenset({False})
    asked = choice(query, "converted", ("false", "true", "both"))
    return frozenset({"false": {False}, "true": {True}, "both": {False, True}}[asked])


def numbered(call: Call, rows: Iterable[Json], *, key: str = "data", most: int | None = MOST_BY_NUMBER) -> Answer:
    """One page by number of what fits into memory: rows in order, those in front left out."""
    per_page = integer(call.query, "per_page", MOST, MOST)
    page = integer(call.query, "page", 1)
    if most is not None and page * per_page > most:
        raise _beyond_numbers()
    found = list(islice(rows, (page - 1) * per_page, page * per_page + 1))
    if not found:
        return NOT_MODIFIED if "if-modified-since" in call.headers else NO_CONTENT
    more = len(found) > per_page
    listed = found[:per_page]
    info = {"per_page": per_page, "count": len(listed), "page": page, "more_records": more}
    return Answer(200, dump({key: listed, "info": info}))


def _beyond_numbers() -> Exception:
    text = f"You can only get the first {MOST_BY_NUMBER} records without using page_token param"
    return refused(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", text, limit=MOST_BY_NUMBER, param="page")


@dataclass(slots=True)
class _Token:
    bound: str  # the parameters that made it
    place: tuple[Any, str]
    seen: int  # records in front of it
    page: int
    before: str | None
    expires: datetime


class _Asked(NamedTuple):
    """What a list was asked for."""

    names: list[str]
    order: str
    descending: bool
    since: str | None
    ids: list[str] | None
    converted: frozenset[bool]
    per_page: int

    def bound(self, module: str) -> str:
        return repr((module, *self[:-2], sorted(self.converted), self.per_page))


class Lists:
    """`GET /{module}`."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._tokens: dict[str, _Token] = {}

    def records(self, call: Call, module: str) -> Answer:
        asked = self._asked(call, module)
        bound = asked.bound(module)
        token = self._token(call, bound)
        page = token.page if token else integer(call.query, "page", 1)
        if token is None and page * asked.per_page > MOST_BY_NUMBER:
            raise _beyond_numbers()
        seen = token.seen if token else (page - 1) * asked.per_page
        walk = self._walk(module, asked, token.place if token else None)
        found = list(islice(walk, 0 if token else seen, (0 if token else seen) + asked.per_page + 1))
        if not found:
            return NOT_MODIFIED if asked.since is not None else NO_CONTENT
        listed = found[: asked.per_page]
        following = None
        if len(found) > asked.per_page:
            last = listed[-1]
            following = self._next(bound, (last[asked.order], last["id"]), seen + len(listed), page + 1, call)
        info = {
            "per_page": asked.per_page,
            "count": len(listed),
            "page": page,
            "sort_by": asked.order,
            "sort_order": "desc" if asked.descending else "asc",
            "call": False,
            "email": True,
            "more_records": following is not None,
            "next_page_token": following,
            "previous_page_token": token.before if token else None,
            "page_token_expiry": following and shown(kept(self._tokens[following].expires)),
        }
        return Answer(200, b'{"data":[' + self._bytes(module, asked.names, listed) + b'],"info":' + dump(info) + b"}")

    def _asked(self, call: Call, module: str) -> _Asked:
        query = call.query
        if query.get("cvid"):
            raise invalid_param("cvid")  # this account has no views of its own
        ids = [word for word in query.get("ids", "").split(",") if word] or None
        if ids and len(ids) > MOST_IDS:
            raise refused(400, "LIMIT_EXCEEDED", "the ids limit is exceeded", param="ids", limit=MOST_IDS)
        return _Asked(
            names=field_names(query),
            order=choice(query, "sort_by", ORDERS),
            descending=choice(query, "sort_order", ("desc", "asc")) == "desc",
            since=since(call),
            ids=ids,
            converted=conversions(query, module),
            per_page=integer(query, "per_page", MOST, MOST),
        )

    def _token(self, call: Call, bound: str) -> _Token | None:
        text = call.query.get("page_token")
        if not text:
            return None
        if call.query.get("page"):
            both = [{"param_name": "page"}, {"param_name": "page_token"}]
            text = "Ambiguity while processing the request"
            raise refused(400, "AMBIGUITY_DURING_PROCESSING", text, ambiguity_due_to=both)
        token = self._tokens.get(text)
        if token is None:
            raise invalid_param("page_token")
        if call.now >= token.expires:
            raise refused(400, "EXPIRED_VALUE", "The page_token is expired", param="page_token")
        if token.bound != bound:
            told = "The given parameters differ from those of the page_token"
            raise refused(400, "TOKEN_BOUND_DATA_MISMATCH", told, param="page_token")
        if token.seen >= MOST_BY_TOKEN:
            told = f"You can only get the first {MOST_BY_TOKEN} records"
            raise refused(400, "PAGINATION_LIMIT_EXCEEDED", told, limit=MOST_BY_TOKEN)
        return token

    def _next(self, bound: str, place: tuple[Any, str], seen: int, page: int, call: Call) -> str:
        """The token of the page that begins behind `place`. The same page again has the same token."""
        seed = (self._account.world.seed, bound, place, seen, page)
        name = hashlib.sha256(repr(seed).encode()).hexdigest()
        self._tokens[name] = _Token(bound, place, seen, page, call.query.get("page_token"), call.now + TOKEN_LIVES)
        return name

    def _walk(self, module: str, asked: _Asked, after: tuple[Any, str] | None) -> Iterator[Record]:
        table = self._account.tables[module]
        walk = _ordered(table, asked, after)
        keep = _keep(module, asked)
        return walk if keep is None else (record for record in walk if keep(record))

    def _bytes(self, module: str, names: list[str], listed: list[Record]) -> bytes:
        table = self._account.tables[module]
        view, name = self._account.view(module, names), ",".join(names)
        return b",".join(table.prepared(name, record["id"], view) for record in listed)


def _ordered(table: Table[str], asked: _Asked, after: tuple[Any, str] | None) -> Iterator[Record]:
    if asked.ids is not None:
        some = [record for key in dict.fromkeys(asked.ids) if (record := table.get(key)) is not None]
        some.sort(key=lambda record: (record[asked.order], record["id"]), reverse=asked.descending)
        return iter(some if after is None else [r for r in some if _beyond((r[asked.order], r["id"]), after, asked)])
    if after is None and asked.since is not None and asked.order == "Modified_Time" and not asked.descending:
        return table.from_value("Modified_Time", asked.since)
    return table.walk(asked.order, after=after, descending=asked.descending)


def _beyond(at: tuple[Any, str], after: tuple[Any, str], asked: _Asked) -> bool:
    return at < after if asked.descending else at > after


def _keep(module: str, asked: _Asked) -> Callable[[Record], bool] | None:
    tests: list[Callable[[Record], bool]] = []
    if asked.since is not None:
        moment = asked.since
        tests.append(lambda record: record["Modified_Time"] >= moment)
    if module == "Leads" and len(asked.converted) == 1:
        tests.append(lambda record: bool(record["Converted__s"]) in asked.converted)
    return (lambda record: all(test(record) for test in tests)) if tests else None
