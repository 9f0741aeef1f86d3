"""The XM Directory: contacts, the lists they are on, and an index that is searched and lags behind.

A contact is shown in three shapes: by its id, in lists, and as a hit of a search, each with names of its own.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sandbox.ids import token
from sandbox.state import Record, Table
from sandbox.vendors.qualtrics.answers import invalid, not_found, refused
from sandbox.vendors.qualtrics.responses import stamp
from sandbox.web import Json

MOST_HITS: Final = 10_000
LONGEST_KEY: Final = 200
LONGEST_VALUE: Final = 1024
_TEXTS: Final = ("firstName", "lastName", "email", "phone", "extRef", "language")
_KEYS: Final = frozenset({*_TEXTS, "embeddedData", "unsubscribed"})
# What a search may be asked by -> where it stands in a contact.
_FILTERS: Final = {
    "firstName": "firstName", "lastName": "lastName", "email": "email", "emailDomain": "email", "phone": "phone",
    "extRef": "extRef", "language": "language", "lastModified": "lastModified", "creationDate": "creationDate",
    "unsubscribed": "directoryUnsubscribed", "embeddedData": "embeddedData", "infoFieldState": "",
}  # fmt: skip
_DATES: Final = frozenset({"lastModified", "creationDate"})


class Directory:
    """`lag`: how long a change takes to reach the index of the search. `late`: until others see a contact at all."""

    def __init__(self, seed: int) -> None:
        self.id = f"POOL_{token(15, seed, 'directory')}"
        self._seed = seed
        self.contacts: Table[str] = Table(
            {"id": lambda record: record["contactId"], "modified": lambda record: record["lastModified"]}
        )
        self.lists: dict[str, Record] = {}
        self.late = timedelta(0)
        self.lag = timedelta(0)
        self.renamed: dict[str, str | None] = {}  # of embedded data: a key that is called otherwise now, None: is gone
        self._made = 0
        self._index: dict[str, Record] | None = None
        self._waiting: deque[tuple[datetime, str, Record | None]] = deque()
        self._now: datetime | None = None
        self.contacts.listeners.append(self._changed)

    # the index

    def _changed(self, key: str, record: Record | None) -> None:
        if self._index is not None and self._now is not None:
            self._waiting.append((self._now + self.lag, key, record))

    def tick(self, now: datetime) -> None:
        """Time goes on: what commits late is seen, and what has waited long enough enters the index."""
        self._now = now
        self.contacts.settle(now)
        if self._index is None:
            self._index = {record["contactId"]: record for record in self.contacts}
        while self._waiting and self._waiting[0][0] <= now:
            _, key, record = self._waiting.popleft()
            if record is None:
                self._index.pop(key, None)
            else:
                self._index[key] = record

    def search(self, asked: Json) -> list[Record]:
        """Contacts as the index knows them, by their id."""
        if not isinstance(asked, dict) or not isinstance(asked.get("filter"), dict):
            raise invalid("filter")
        wanted = _Wanted(asked["filter"])
        return sorted((one for one in (self._index or {}).values() if wanted(one)), key=lambda one: one["contactId"])

    # contacts

    def contact(self, key: str) -> Record:
        found = self.contacts.get(key)
        if found is None:
            raise not_found("Contact")
        return found

    def create(self, body: Json, now: datetime, *, mailing_list: str | None = None) -> Record:
        """A new contact; the directory does not look whether there is one like it."""
        self._made += 1
        fresh: Record = {
            "contactId": f"CID_{token(15, self._seed, 'new contact', self._made)}",
            **dict.fromkeys(_TEXTS),
            "embeddedData": {},
            "directoryUnsubscribed": False,
            "directoryUnsubscribeDate": None,
            "creationDate": now,
            "_lists": {},
        }
        record = self._applied(fresh, body, now)
        if mailing_list is not None:
            record["_lists"] = {mailing_list: membership(record["contactId"], mailing_list)}
        self.commit(record, now)
        return record

    def create_in(self, mailing_list: str, body: Json, now: datetime) -> Record:
        """A contact on a list: one of the same address is taken, by the directory's rule, and changed."""
        email = body.get("email") if isinstance(body, dict) else None
        same = next((one for one in self.contacts if email and one["email"] == email), None)
        if same is None:
            return self.create(body, now, mailing_list=mailing_list)
        record = self._applied(same, body, now)
        if mailing_list not in record["_lists"]:
            place = membership(record["contactId"], mailing_list)
            record["_lists"] = {**record["_lists"], mailing_list: place}
        self.commit(record, now)
        return record

    def update(self, key: str, body: Json, now: datetime) -> None:
        """What is named changes; embedded data key by key."""
        self.commit(self._applied(self.contact(key), body, now), now)

    def commit(self, record: Record, now: datetime) -> None:
        """Put a contact where others see it: at once, or where transactions commit late, by and by."""
        if not self.late:
            self.contacts.put(record["contactId"], record)
        else:
            self.contacts.put_later(now + self.late, lambda: self.contacts.put(record["contactId"], record))

    def delete(self, key: str) -> None:
        self.contact(key)
        self.contacts.drop(key)

    def _applied(self, record: Record, body: Json, now: datetime) -> Record:
        changes = _checked(body)
        made = {**record, **{name: changes[name] or None for name in _TEXTS if name in changes}, "lastModified": now}
        if "embeddedData" in changes:
            for name in changes["embeddedData"] or ():
                if self.renamed.get(name, "") is None:
                    raise refused(400, "XMD_1.2", f"embeddedData: {name} is not a field of this directory")
            embedded = {**record["embeddedData"], **_embedded(changes["embeddedData"] or {})}
            made["embeddedData"] = {name: value for name, value in embedded.items() if value is not None}
        if "unsubscribed" in changes and changes["unsubscribed"] != record["directoryUnsubscribed"]:
            made["directoryUnsubscribed"] = changes["unsubscribed"]
            made["directoryUnsubscribeDate"] = now if changes["unsubscribed"] else None
        return made

    # the shapes of a contact

    def whole(self, record: Record) -> Json:
        """By its id: times are milliseconds."""
        return {
            "contactId": record["contactId"],
            "creationDate": _millis(record["creationDate"]),
            "lastModified": _millis(record["lastModified"]),
            **{name: record[name] for name in _TEXTS},
            "emailDomain": _domain(record["email"]),
            "embeddedData": self._embedded(record),
            "directoryUnsubscribed": record["directoryUnsubscribed"],
            "directoryUnsubscribeDate": _text(record["directoryUnsubscribeDate"]),
            "stats": {},
            "skipped": None,
            "segmentMembership": {},
            "mailingListMembership": {
                key: {"name": self.lists[key]["name"], "ownerId": self.lists[key]["ownerId"], **place}
                for key, place in record["_lists"].items()
                if key in self.lists
            },
        }

    def brief(self, record: Record, *, embedded: bool) -> Json:
        """As a list has it: without times."""
        shown = {"contactId": record["contactId"], **{name: record[name] for name in _TEXTS}}
        shown["unsubscribed"] = record["directoryUnsubscribed"]
        return {**shown, "embeddedData": self._embedded(record)} if embedded else shown

    def hit(self, record: Record) -> Json:
        """As a search has it: other names, and times as texts."""
        return {
            "id": record["contactId"],
            "creationDate": _text(record["creationDate"]),
            "lastModified": _text(record["lastModified"]),
            "firstName": record["firstName"],
            "lastName": record["lastName"],
            "email": record["email"],
            "phoneNumber": record["phone"],
            "externalDataReference": record["extRef"],
            "language": record["language"],
            "unsubscribed": record["directoryUnsubscribed"],
            "unsubscribeDate": _text(record["directoryUnsubscribeDate"]),
            "stats": {},
            "embeddedData": self._embedded(record),
            "segmentMembership": {},
        }

    def _embedded(self, record: Record) -> Json:
        told = {self.renamed.get(name, name): value for name, value in record["embeddedData"].items()}
        return {name: value for name, value in told.items() if name is not None}

    def embedded_keys(self) -> Iterator[str]:
        for record in self.contacts:
            yield from record["embeddedData"]


def membership(contact: str, mailing_list: str) -> Record:
    """A contact's place on a list, which has an id of its own."""
    return {
        "contactLookupId": f"CGC_{token(15, contact, mailing_list)}", "unsubscribed": False, "unsubscribeDate": None,
    }  # fmt: skip


def _checked(body: Json) -> Mapping[str, Json]:
    if not isinstance(body, dict):
        raise invalid("body")
    for name, value in body.items():
        if name not in _KEYS:
            raise invalid(name)
        if name in _TEXTS and not (value is None or isinstance(value, str)):
            raise invalid(name)
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            raise refused(400, "XMD_1.1", f"{name} is too long")
    if "unsubscribed" in body and not isinstance(body["unsubscribed"], bool):
        raise invalid("unsubscribed")
    if body.get("email") and "@" not in body["email"]:
        raise refused(400, "QVAL_1", f"email is not valid: {body['email']}")
    return body


def _embedded(told: Json) -> Mapping[str, str | None]:
    """Embedded data are texts; null and nothing empty them."""
    if not isinstance(told, dict):
        raise invalid("embeddedData")
    found: dict[str, str | None] = {}
    for name, value in told.items():
        if not isinstance(value, str | int | float | bool | None):
            raise invalid(f"embeddedData.{name}")
        text = None if value is None or value == "" else str(value).lower() if isinstance(value, bool) else str(value)
        if len(name) > LONGEST_KEY or (text is not None and len(text) > LONGEST_VALUE):
            raise refused(400, "XMD_1.1", f"embeddedData: {name} is too long")
        found[name] = text
    return found


class _Wanted:
    """What a filter lets through. Raises what the vendor answers to one that it does not understand."""

    def __init__(self, told: Json) -> None:
        self._told = told
        self._inner: list[_Wanted] = []
        if "conjunction" in told:
            if told["conjunction"] not in ("and", "or") or not isinstance(told.get("contactFilterExpressions"), list):
                raise invalid("conjunction")
            self._inner = [_Wanted(one) for one in told["contactFilterExpressions"]]
        elif told.get("filterType") not in _FILTERS:
            raise invalid("filterType")
        elif told["filterType"] in _DATES:
            self._bound = _moment(told.get("value"))
        if not self._inner and told.get("comparison") not in {
            "eq", "neq", "lt", "lte", "gt", "gte", "contains", "empty", "notEmpty",
        }:  # fmt: skip
            raise invalid("comparison")

    def __call__(self, record: Record) -> bool:
        if self._inner:
            return (all if self._told["conjunction"] == "and" else any)(one(record) for one in self._inner)
        kind, how, wanted = str(self._told["filterType"]), str(self._told["comparison"]), self._told.get("value")
        if kind == "infoFieldState":
            filled = bool(record.get(str(self._told.get("field"))))
            return filled == (how == "notEmpty")
        held: Any = record[_FILTERS[kind]]
        if kind == "embeddedData":
            held = held.get(self._told.get("embeddedDataKey"))
        elif kind == "emailDomain":
            held = _domain(held)
        elif kind in _DATES:
            return _compared(held.replace(microsecond=0), how, self._bound)
        if isinstance(held, str) and isinstance(wanted, str):
            return _compared(held.casefold(), how, wanted.casefold())
        return how in ("eq", "neq") and bool(held == wanted) == (how == "eq")


def _compared(held: Any, how: str, wanted: Any) -> bool:
    match how:
        case "eq":
            return bool(held == wanted)
        case "neq":
            return bool(held != wanted)
        case "lt":
            return bool(held < wanted)
        case "lte":
            return bool(held <= wanted)
        case "gt":
            return bool(held > wanted)
        case "gte":
            return bool(held >= wanted)
    return bool(wanted in held)


def _moment(text: Json) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise invalid("value") from None


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _text(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def _domain(email: str | None) -> str | None:
    return None if email is None else email.rpartition("@")[2]
