"""API v2: persons, organizations, deals, activities; their fields; stages and pipelines; search."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sandbox.state import Record, Table
from sandbox.vendors.pipedrive.account import ME, Account
from sandbox.vendors.pipedrive.answers import invalid, not_found, ok
from sandbox.vendors.pipedrive.fields import CUSTOM_TYPES, Field, Option, field_hash
from sandbox.vendors.pipedrive.listing import boolean, choice, cursor, integer, page_size, place, read_page, words
from sandbox.vendors.pipedrive.search import Search
from sandbox.vendors.pipedrive.tallies import Tallies
from sandbox.vendors.pipedrive.writes import changed, checked, fresh
from sandbox.web import Answer, Call, Json, Route, dump

PLURAL: Final = {"person": "persons", "organization": "organizations", "deal": "deals", "activity": "activities"}
LABEL: Final = {"person": "Person", "organization": "Organization", "deal": "Deal", "activity": "Activity"}
_COUNTS: Final = frozenset(
    [
        "next_activity_id",
        "last_activity_id",
        "open_deals_count",
        "related_open_deals_count",
        "closed_deals_count",
        "related_closed_deals_count",
        "email_messages_count",
        "activities_count",
        "done_activities_count",
        "undone_activities_count",
        "files_count",
        "notes_count",
        "followers_count",
        "won_deals_count",
        "related_won_deals_count",
        "lost_deals_count",
        "related_lost_deals_count",
        "smart_bcc_email",
    ]
)
INCLUDED: Final[Mapping[str, frozenset[str]]] = {
    "person": _COUNTS
    | frozenset(
        [
            "participant_open_deals_count",
            "participant_closed_deals_count",
            "last_incoming_mail_time",
            "last_outgoing_mail_time",
            "marketing_status",
            "doi_status",
        ]
    ),
    "organization": _COUNTS | {"people_count"},
    "deal": frozenset(
        [
            "next_activity_id",
            "last_activity_id",
            "first_won_time",
            "products_count",
            "files_count",
            "notes_count",
            "followers_count",
            "email_messages_count",
            "activities_count",
            "done_activities_count",
            "undone_activities_count",
            "participants_count",
            "last_incoming_mail_time",
            "last_outgoing_mail_time",
            "smart_bcc_email",
            "source_lead_id",
        ]
    ),
    "activity": frozenset({"attendees"}),
}
# Those that come from other tables.
_COUNTED: Final = (_COUNTS | {"people_count", "first_won_time", "products_count", "participants_count"}).union(
    name for name in INCLUDED["person"] if name.startswith(("participant_", "last_incoming", "last_outgoing"))
)
# What the answer leaves out unless it is asked for.
_WITHHELD: Final[Mapping[str, frozenset[str]]] = {
    "person": frozenset({"marketing_status", "doi_status"}),
    "organization": frozenset(),
    "deal": frozenset(),
    "activity": frozenset({"attendees"}),
}
_FILTERS: Final[Mapping[str, Sequence[str]]] = {
    "person": ("owner_id", "org_id"),
    "organization": ("owner_id",),
    "deal": ("owner_id", "person_id", "org_id", "pipeline_id", "stage_id"),
    "activity": ("owner_id", "deal_id", "person_id", "org_id"),
}
_MOST_CUSTOM: Final = 15
_STATUSES: Final = frozenset({"open", "won", "lost", "deleted"})


class V2:
    """The handlers. `renamed`: built-in fields that somebody has renamed or removed, as (entity, field) -> new name."""

    def __init__(self, account: Account, search: Search) -> None:
        self._account, self._search = account, search
        self._tallies = Tallies(account)
        self.renamed: dict[tuple[str, str], str | None] = {}

    def routes(self) -> list[Route]:
        get = partial(Route, method="GET")
        routes = [route for entity, plural in PLURAL.items() for route in self._routes_of(entity, plural)]
        for name, rows in (("stages", self._account.stages), ("pipelines", self._account.pipelines)):
            routes += [
                get(template=f"/{name}", cost=5, handler=partial(self._small, name, rows)),
                get(template=f"/{name}/{{id}}", cost=1, handler=partial(_one_small, name, rows)),
            ]
        return [
            *routes,
            get(template="/deals/archived", cost=20, handler=partial(self._list, "deal", archived=True)),
            get(template="/itemSearch", cost=20, handler=self._search.items),
            get(template="/leads/search", cost=20, handler=partial(self._search.one, "lead")),
        ]

    def _routes_of(self, entity: str, plural: str) -> list[Route]:
        def route(
            method: str, template: str, cost: int, handler: Callable[[str, Call, Sequence[str]], Answer]
        ) -> Route:
            return Route(method=method, template=template, cost=cost, handler=partial(handler, entity))

        made = [
            route("GET", f"/{plural}", 10, self._list),
            route("POST", f"/{plural}", 5, self._create),
            route("GET", f"/{plural}/{{id}}", 1, self._get),
            route("PATCH", f"/{plural}/{{id}}", 5, self._update),
            route("DELETE", f"/{plural}/{{id}}", 3, self._delete),
            route("GET", f"/{entity}Fields", 10, self._fields),
            route("GET", f"/{entity}Fields/{{code}}", 1, self._one_field),
        ]
        if entity != "activity":  # whose fields are fixed, and which are not searched
            made += [
                route("GET", f"/{plural}/search", 20, self._search.one),
                route("POST", f"/{entity}Fields", 5, self._add_field),
                route("PATCH", f"/{entity}Fields/{{code}}", 5, self._change_field),
                route("DELETE", f"/{entity}Fields/{{code}}", 3, self._drop_field),
                route("POST", f"/{entity}Fields/{{code}}/options", 5, self._add_options),
            ]
        return made

    # lists and single records

    def _list(self, entity: str, call: Call, _at: Sequence[str], *, archived: bool = False) -> Answer:
        query = call.query
        wanted = {name: value for name in _FILTERS[entity] if (value := integer(query, name)) is not None}
        if "filter_id" in query:
            wanted = {}
        statuses = words(query, "status", _STATUSES) if entity == "deal" else []
        done = boolean(query, "done") if entity == "activity" else None
        lead_id = query.get("lead_id") if entity == "activity" else None
        deal_people = self._people_of(integer(query, "deal_id")) if entity == "person" else None
        now = call.now

        def keep(record: Record) -> bool:
            if record["is_deleted"]:
                if "deleted" not in statuses or self._account.purged(record, now):
                    return False
            elif statuses and record["status"] not in statuses:
                return False
            if entity == "deal" and record["is_archived"] != archived:
                return False
            if done is not None and record["done"] != done:
                return False
            if lead_id is not None and record["lead_id"] != lead_id:
                return False
            if deal_people is not None and record["id"] not in deal_people:
                return False
            return all(record[name] == value for name, value in wanted.items())

        orders = ("id", "update_time", "add_time", *(("due_date",) if entity == "activity" else ()))
        table = self._account.by_name[entity]
        shower = self._shower(entity, query)

        def make() -> bytes:
            page = read_page(table, query, keep, orders=orders, value_of=lambda record, field: record[field] or "")
            more = dump({"next_cursor": page.next_cursor})
            return (
                b'{"success":true,"data":['
                + b",".join(map(shower, page.records))
                + b'],"additional_data":'
                + more
                + b"}"
            )

        if "deleted" in statuses or deal_people is not None or not _COUNTED.isdisjoint(words(query, "include_fields")):
            return Answer(200, make())  # it changes with the time, or with another table
        return Answer(200, table.page(f"{archived} {sorted(query.items())}", make))

    def _people_of(self, deal_id: int | None) -> set[int] | None:
        if deal_id is None:
            return None
        deal = self._account.deals.get(deal_id)
        return {deal["person_id"]} if deal else set()

    def _get(self, entity: str, call: Call, at: Sequence[str]) -> Answer:
        record = self._existing(entity, at[0], call, deleted_too=True)
        return Answer(200, b'{"success":true,"data":' + self._shower(entity, call.query)(record) + b"}")

    def _existing(self, entity: str, key: str, call: Call, *, deleted_too: bool = False) -> Record:
        record = self._account.by_name[entity].get(int(key)) if key.isdecimal() else None
        if record is None or self._account.purged(record, call.now) or (record["is_deleted"] and not deleted_too):
            raise not_found(f"{LABEL[entity]} not found")
        return record

    def _shower(self, entity: str, query: Mapping[str, str]) -> Callable[[Record], bytes]:
        """How records look to this query, as bytes."""
        include = words(query, "include_fields", INCLUDED[entity])
        codes = words(query, "custom_fields")
        if len(codes) > _MOST_CUSTOM:
            raise invalid(f"custom_fields: must NOT have more than {_MOST_CUSTOM} items")
        option_labels, labels = boolean(query, "include_option_labels"), boolean(query, "include_labels")
        view = partial(self._view, entity, include=include, codes=codes, option_labels=option_labels, labels=labels)
        if not _COUNTED.isdisjoint(include):
            return lambda record: dump(view(record))  # counts move without the record
        prepared = self._account.by_name[entity].prepared
        name = f"{','.join(include)}/{','.join(codes)}/{option_labels}/{labels}"
        return lambda record: prepared(name, record["id"], view)

    def _view(
        self,
        entity: str,
        record: Record,
        *,
        include: Sequence[str],
        codes: Sequence[str] = (),
        option_labels: bool | None = None,
        labels: bool | None = None,
    ) -> Json:
        withheld = _WITHHELD[entity].difference(include)
        shown = {name: value for name, value in record.items() if name[0] != "_" and name not in withheld}
        catalogue = self._account.catalogues[entity]
        if "custom_fields" in shown:
            values = {code: value for code, value in shown["custom_fields"].items() if code in catalogue.fields}
            if codes:
                values = {code: value for code, value in values.items() if code in codes}
            if option_labels:
                values = {code: _with_labels(catalogue.fields[code], value) for code, value in values.items()}
            shown["custom_fields"] = values
        if labels and "label_ids" in shown:
            shown["labels"] = _with_labels(catalogue.fields["label_ids"], shown["label_ids"])
        for name in include:
            if name not in shown:
                shown[name] = self._tallies.of(entity, record["id"], name)
        if self.renamed:
            shown = {
                new: value
                for name, value in shown.items()
                if (new := self.renamed.get((entity, name), name)) is not None
            }
        return shown

    # writes

    def _hidden(self, entity: str) -> frozenset[str]:
        return frozenset(name for owner, name in self.renamed if owner == entity)

    def _create(self, entity: str, call: Call, _at: Sequence[str]) -> Answer:
        kept = checked(self._account, entity, _body(call), create=True, hidden=self._hidden(entity))
        key = self._account.next_id(entity)
        record = fresh(self._account, entity, kept, key=key, by=ME, now=call.now)
        self._commit(entity, key, record, call, kept)
        return ok(self._answered(entity, record))

    def _update(self, entity: str, call: Call, at: Sequence[str]) -> Answer:
        body = _body(call)
        undelete = entity == "deal" and isinstance(body, dict) and body.get("is_deleted") is False
        record = self._existing(entity, at[0], call, deleted_too=undelete)
        kept = checked(self._account, entity, body, create=False, hidden=self._hidden(entity))
        new = changed(self._account, entity, record, kept, call.now)
        self._commit(entity, record["id"], new, call, kept)
        return ok(self._answered(entity, new))

    def _delete(self, entity: str, call: Call, at: Sequence[str]) -> Answer:
        record = self._existing(entity, at[0], call)
        new = changed(self._account, entity, record, {"is_deleted": True}, call.now)
        self._commit(entity, record["id"], new, call, {"is_deleted": True})
        return ok({"id": record["id"]})

    def _answered(self, entity: str, record: Record) -> Json:
        return self._view(entity, record, include=["marketing_status"] if entity == "person" else [])

    def _commit(self, entity: str, key: int, record: Record, call: Call, fields: Record) -> None:
        self._account.commit(self._account.by_name[entity], key, record, call.now)
        self._account.journal.note(
            at=call.now, method=call.method, path=call.path, stream=PLURAL[entity], record=str(key), fields=fields
        )

    # fields

    def _fields(self, entity: str, call: Call, _at: Sequence[str]) -> Answer:
        found = list(self._account.catalogues[entity].fields.values())
        limit = page_size(call.query)
        start = place(call.query, "id", "asc")
        begin = int(start[0]) if start is not None else 0
        shown = [field.v2() for field in found[begin : begin + limit]]
        end = begin + limit
        following = cursor("id", end, "asc", end) if end < len(found) else None
        return ok(shown, additional_data={"next_cursor": following})

    def _one_field(self, entity: str, _call: Call, at: Sequence[str]) -> Answer:
        return ok(self._field(entity, at[0]).v2())

    def _field(self, entity: str, code: str) -> Field:
        field = self._account.catalogues[entity].fields.get(code)
        if field is None:
            raise not_found("Field not found")
        return field

    def _own_field(self, entity: str, code: str) -> Field:
        field = self._field(entity, code)
        if not field.custom:
            raise invalid("field_code: only custom fields can be changed")
        return field

    def _add_field(self, entity: str, call: Call, _at: Sequence[str]) -> Answer:
        body = _object(call)
        name, kind = body.get("field_name"), body.get("field_type")
        if not isinstance(name, str) or not name.strip() or len(name) > 255:
            raise invalid("field_name: must be string of 1 to 255 characters")
        if kind not in CUSTOM_TYPES:
            raise invalid("field_type: must be equal to one of the allowed values")
        labels = _labels(body.get("options", []), "options") if kind in {"enum", "set"} else None
        if labels is not None and not labels:
            raise invalid("options: is required")
        catalogue = self._account.catalogues[entity]
        code = field_hash(self._account.seed, entity, f"{name}#{len(catalogue.fields)}")
        field = Field(
            id=9500 + sum(len(c.fields) for c in self._account.catalogues.values()),
            code=code,
            name=name,
            type=kind,
            custom=True,
            options=None if labels is None else [Option(self._account.next_option_id(), label) for label in labels],
        )
        catalogue.fields[code] = field
        table = self._account.by_name[entity]
        for record in list(table):
            table.put(record["id"], {**record, "custom_fields": {**record["custom_fields"], code: None}})
        self._note_field(entity, call, code, {"field_name": name, "field_type": kind})
        return ok(field.v2())

    def _change_field(self, entity: str, call: Call, at: Sequence[str]) -> Answer:
        code = at[0]
        field = self._own_field(entity, code)
        name = _object(call).get("field_name", field.name)
        if not isinstance(name, str) or not name.strip():
            raise invalid("field_name: must be string")
        field.name = name
        self._note_field(entity, call, code, {"field_name": name})
        return ok(field.v2())

    def _drop_field(self, entity: str, call: Call, at: Sequence[str]) -> Answer:
        code = at[0]
        field = self._own_field(entity, code)
        del self._account.catalogues[entity].fields[code]
        self._account.by_name[entity].forget_bytes()
        self._note_field(entity, call, code, {})
        return ok({"id": field.id, "field_code": code})

    def _add_options(self, entity: str, call: Call, at: Sequence[str]) -> Answer:
        code = at[0]
        field = self._field(entity, code)
        if field.options is None:
            raise invalid("field_code: has no options")
        added = [Option(self._account.next_option_id(), label) for label in _labels(_body(call), "body")]
        field.options.extend(added)
        self._note_field(entity, call, code, {"options": [option.label for option in added]})
        return ok([{"id": option.id, "label": option.label} for option in added], additional_data=None)

    def _note_field(self, entity: str, call: Call, code: str, fields: Record) -> None:
        self._account.journal.note(
            at=call.now, method=call.method, path=call.path, stream=f"{entity}Fields", record=code, fields=fields
        )

    # stages and pipelines

    def _small(self, name: str, rows: Sequence[Record], call: Call, _at: Sequence[str]) -> Answer:
        orders = ("id", "update_time", "add_time", *(("order_nr",) if name == "stages" else ()))
        table: Table[int] = Table({order: _value(order) for order in orders})
        for row in rows:
            table.put(row["id"], row)
        wanted = integer(call.query, "pipeline_id") if name == "stages" else None
        choice(call.query, "sort_by", orders)
        page = read_page(table, call.query, lambda row: wanted is None or row["pipeline_id"] == wanted, orders=orders)
        return ok(page.records, additional_data={"next_cursor": page.next_cursor})


def _value(order: str) -> Any:
    return lambda record: record[order]


def _one_small(name: str, rows: Sequence[Record], _call: Call, at: Sequence[str]) -> Answer:
    for row in rows:
        if str(row["id"]) == at[0]:
            return ok(row)
    raise not_found(f"{name[:-1].title()} not found")


def _with_labels(field: Field, value: Json) -> Json:
    labels = {option.id: option.label for option in field.options or ()}
    if isinstance(value, list):
        return [{"id": entry, "label": labels.get(entry)} for entry in value]
    if value is not None and field.type == "enum":
        return {"id": value, "label": labels.get(value)}
    return value


def _body(call: Call) -> Json:
    try:
        return call.json()
    except ValueError:
        raise invalid("body: must be valid JSON") from None


def _object(call: Call) -> Record:
    body = _body(call)
    if not isinstance(body, dict):
        raise invalid("body: must be object")
    return body


def _labels(entries: Json, where: str) -> list[str]:
    if not isinstance(entries, list):
        raise invalid(f"{where}: must be array")
    labels = [entry.get("label") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(label, str) and 1 <= len(label) <= 255 for label in labels):
        raise invalid(f"{where}: label must be string of 1 to 255 characters")
    return [str(label) for label in labels]
