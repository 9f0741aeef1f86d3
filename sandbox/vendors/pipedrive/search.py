"""Search, with an index that may lag behind the writes."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sandbox.state import Key, Record, Table
from sandbox.vendors.pipedrive.account import Account
from sandbox.vendors.pipedrive.answers import invalid, ok
from sandbox.vendors.pipedrive.fields import SEARCHABLE
from sandbox.vendors.pipedrive.listing import boolean, cursor, integer, page_size, place, words
from sandbox.web import Answer, Call, Json

FIELDS: Final = {
    "person": frozenset({"custom_fields", "email", "notes", "phone", "name"}),
    "organization": frozenset({"address", "custom_fields", "notes", "name"}),
    "deal": frozenset({"custom_fields", "notes", "title"}),
    "lead": frozenset({"custom_fields", "notes", "title"}),
}
_ANY: Final = frozenset().union(*FIELDS.values()) | {"code", "description"}


class _Entry(NamedTuple):
    """What the index knows of a record: (field, folded value) pairs."""

    terms: tuple[tuple[str, str], ...]


class Search:
    """`lag`: how long a change takes to reach the index."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.lag = timedelta(0)
        self._now: datetime | None = None
        self._entries: dict[tuple[str, int | str], _Entry] = {}
        self._exact: dict[str, set[tuple[str, int | str]]] = {}
        self._waiting: deque[tuple[datetime, str, int | str, Record | None]] = deque()
        self._built = False
        for entity in ("person", "organization", "deal"):
            self._listen(entity, account.by_name[entity])
        self._listen("lead", account.leads)

    def _listen(self, entity: str, table: Table[Key]) -> None:
        def changed(key: Key, record: Record | None) -> None:
            if self._built and self._now is not None:
                self._waiting.append((self._now + self.lag, entity, key, record))

        table.listeners.append(changed)

    def tick(self, now: datetime) -> None:
        """Time goes on: what has waited long enough enters the index."""
        self._now = now
        while self._waiting and self._waiting[0][0] <= now:
            _, entity, key, record = self._waiting.popleft()
            self._enter(entity, key, record)

    def _build(self) -> None:
        if self._built:
            return
        self._built = True
        for entity in ("person", "organization", "deal"):
            for record in self._account.by_name[entity]:
                self._enter(entity, record["id"], record)
        for record in self._account.leads:
            self._enter("lead", record["id"], record)

    def _enter(self, entity: str, key: int | str, record: Record | None) -> None:
        old = self._entries.pop((entity, key), None)
        for _, value in old.terms if old else ():
            self._exact.get(value, set()).discard((entity, key))
        if record is None or record.get("is_deleted"):
            return
        terms = tuple((field, value.casefold()) for field, value in self._terms(entity, record) if value)
        self._entries[entity, key] = _Entry(terms)
        for _, value in terms:
            self._exact.setdefault(value, set()).add((entity, key))

    def _terms(self, entity: str, record: Record) -> Iterator[tuple[str, str]]:
        yield ("title", record["title"]) if "title" in record else ("name", record["name"])
        for entry in record.get("emails", ()):
            yield "email", entry["value"]
        for entry in record.get("phones", ()):
            yield "phone", entry["value"]
        if record.get("address"):
            yield "address", record["address"]["value"] or ""
        if record.get("notes"):
            yield "notes", record["notes"]
        catalogue = self._account.catalogues["deal" if entity == "lead" else entity]
        for code, value in record.get("custom_fields", {}).items():
            field = catalogue.fields.get(code)
            if field is not None and field.type in SEARCHABLE and value is not None:
                yield "custom_fields", str(value["value"] if isinstance(value, dict) else value)

    # the operations

    def one(self, entity: str, call: Call, _at: Sequence[str]) -> Answer:
        """`/persons/search` and its like."""
        fields = words(call.query, "fields", FIELDS[entity]) or FIELDS[entity]
        organization = integer(call.query, "organization_id")
        person = integer(call.query, "person_id")
        status = call.query.get("status")

        def keep(record: Record) -> bool:
            at = record.get("org_id", record.get("organization_id"))
            return (
                organization in (None, at)
                and person in (None, record.get("person_id"))
                and status in (None, record.get("status"))
            )

        found = (hit for hit in self._hits(call, frozenset(fields)) if hit[0] == entity and keep(hit[1]))
        return self._page(call, found)

    def items(self, call: Call, _at: Sequence[str]) -> Answer:
        """`/itemSearch`: several kinds at once."""
        kinds = words(call.query, "item_types") or list(FIELDS)
        fields = frozenset(words(call.query, "fields", _ANY)) or _ANY
        return self._page(call, (hit for hit in self._hits(call, fields) if hit[0] in kinds))

    def _hits(self, call: Call, fields: frozenset[str]) -> Iterator[tuple[str, Record, float]]:
        self._build()
        if call.path.startswith("/api/v2/"):
            exact = bool(boolean(call.query, "exact_match"))
        else:  # v1 is not strict
            exact = call.query.get("exact_match", "").lower() in {"1", "true"}
        term = call.query.get("term", "").strip().casefold()
        if len(term) < (1 if exact else 2):
            raise invalid("term: must NOT have fewer than 2 characters")
        if exact:
            keys = sorted(self._exact.get(term, ()), key=str)
            hits = [key for key in keys if any(f in fields and v == term for f, v in self._entries[key].terms)]
        else:
            hits = [
                key for key, entry in self._entries.items() if any(f in fields and term in v for f, v in entry.terms)
            ]
        for entity, key in hits:
            record = self._record(entity, key)
            if record is not None and not record.get("is_deleted"):
                yield entity, record, 1.2 if exact else 0.5

    def _record(self, entity: str, key: int | str) -> Record | None:
        if entity == "lead":
            return self._account.leads.get(str(key))
        return self._account.by_name[entity].get(int(key))

    def _page(self, call: Call, found: Iterable[tuple[str, Record, float]]) -> Answer:
        limit = page_size(call.query)
        start = place(call.query, "score", "desc")
        begin = int(start[0]) if start is not None else 0
        rows = list(found)
        shown = [
            {"result_score": score, "item": self._item(entity, record)}
            for entity, record, score in rows[begin : begin + limit]
        ]
        end = begin + limit
        following = cursor("score", end, "desc", end) if end < len(rows) else None
        return ok({"items": shown}, additional_data={"next_cursor": following})

    def _item(self, entity: str, record: Record) -> Json:
        account = self._account
        visible = int(record["visible_to"])
        item: dict[str, Json] = {"id": record["id"], "type": entity}
        custom = [value for field, value in self._terms(entity, record) if field == "custom_fields"]
        if entity == "person":
            organization = account.organizations.get(record["org_id"]) if record["org_id"] else None
            item |= {
                "name": record["name"],
                "phones": [entry["value"] for entry in record["phones"]],
                "emails": [entry["value"] for entry in record["emails"]],
                "visible_to": visible,
                "owner": {"id": record["owner_id"]},
                "organization": organization and _brief(organization),
            }
        elif entity == "organization":
            item |= {
                "name": record["name"],
                "address": record["address"] and record["address"]["value"],
                "visible_to": visible,
                "owner": {"id": record["owner_id"]},
            }
        else:
            person = account.persons.get(record["person_id"]) if record["person_id"] else None
            at = record.get("org_id", record.get("organization_id"))
            organization = account.organizations.get(at) if at else None
            money = (
                (record["value"] or {})
                if entity == "lead"
                else {"amount": record["value"], "currency": record["currency"]}
            )
            item |= {
                "title": record["title"],
                "value": money.get("amount"),
                "currency": money.get("currency"),
                "visible_to": visible,
                "owner": {"id": record["owner_id"]},
                "person": person and {"id": person["id"], "name": person["name"]},
                "organization": organization and {"id": organization["id"], "name": organization["name"]},
                "is_archived": record["is_archived"],
            }
            if entity == "deal":
                stage = next(found for found in account.stages if found["id"] == record["stage_id"])
                item |= {"status": record["status"], "stage": {"id": stage["id"], "name": stage["name"]}}
        return {**item, "custom_fields": custom, "notes": []}


def _brief(organization: Record) -> Json:
    address = organization["address"]
    return {"id": organization["id"], "name": organization["name"], "address": address and address["value"]}
