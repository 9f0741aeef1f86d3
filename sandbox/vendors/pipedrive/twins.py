"""What of API v1 has a twin in v2: out of support since August 2026, but it may still answer, so older clients find it.

v1 is lenient where v2 is strict: numbers in strings and 0 and 1 for booleans are taken, unknown names passed over.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from sandbox.state import Record
from sandbox.vendors.pipedrive.account import COMPANY_DOMAIN, COMPANY_ID, ME, Account
from sandbox.vendors.pipedrive.answers import RefusedError, bad_request, not_found, ok
from sandbox.vendors.pipedrive.fields import ADDRESS_PARTS, v1_time
from sandbox.vendors.pipedrive.search import Search
from sandbox.vendors.pipedrive.stamps import stamp
from sandbox.vendors.pipedrive.v1 import (
    V1,
    flat_customs,
    loose_number,
    modern_custom,
    ordered,
    paged,
    person_view,
    user_brief,
)
from sandbox.vendors.pipedrive.writes import changed, checked, fresh
from sandbox.web import Answer, Call, Json, Route, parse

PLURAL: Final = {"person": "persons", "organization": "organizations", "deal": "deals", "activity": "activities"}
_LINKED: Final = (
    ("persons", "person_id", "deal"),
    ("persons", "person_id", "activity"),
    ("organizations", "org_id", "person"),
    ("organizations", "org_id", "deal"),
    ("organizations", "org_id", "activity"),
    ("deals", "deal_id", "activity"),
)
RECENT: Final = timedelta(days=31)
_SORTS: Final = frozenset({"id", "name", "title", "add_time", "update_time", "owner_id", "due_date"})
# v1 name -> v2 name
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "person": {"email": "emails", "phone": "phones"},
    "organization": {},
    "deal": {"user_id": "owner_id"},
    "activity": {"user_id": "owner_id"},
}
_WHOLE: Final = frozenset({"owner_id", "org_id", "person_id", "deal_id", "pipeline_id", "stage_id", "visible_to"})
_TAKEN: Final[Mapping[str, frozenset[str]]] = {
    "person": frozenset(
        {"name", "owner_id", "org_id", "emails", "phones", "visible_to", "label_ids", "marketing_status"}
    ),
    "organization": frozenset({"name", "owner_id", "address", "visible_to", "label_ids"}),
    "deal": frozenset(
        {
            "title",
            "value",
            "currency",
            "owner_id",
            "person_id",
            "org_id",
            "pipeline_id",
            "stage_id",
            "status",
            "expected_close_date",
            "probability",
            "lost_reason",
            "visible_to",
            "label_ids",
        }
    ),
    "activity": frozenset(
        {
            "subject",
            "type",
            "due_date",
            "due_time",
            "duration",
            "deal_id",
            "lead_id",
            "participants",
            "org_id",
            "note",
            "done",
            "owner_id",
            "public_description",
        }
    ),
}


class Twins:
    def __init__(self, account: Account, search: Search, v1: V1) -> None:
        self._account, self._search = account, search
        self._views: Mapping[str, Callable[[Record], Json]] = {
            "person": lambda record: person_view(account, record),
            "organization": self._organization,
            "deal": self._deal,
            "activity": self._activity,
            "note": v1.note_view,
        }

    def routes(self) -> list[Route]:
        get = partial(Route, method="GET")
        routes: list[Route] = []
        for entity, plural in PLURAL.items():
            one = f"/{plural}/{{id}}"
            routes += [
                get(template=f"/{plural}", cost=20, handler=partial(self._list, entity)),
                get(template=one, cost=2, handler=partial(self._get, entity)),
                Route(method="POST", template=f"/{plural}", cost=10, handler=partial(self._create, entity)),
                Route(method="PUT", template=one, cost=10, handler=partial(self._update, entity)),
                Route(method="DELETE", template=one, cost=6, handler=partial(self._delete, entity)),
            ]
            if entity != "activity":
                routes.append(get(template=f"/{plural}/search", cost=40, handler=partial(self._search.one, entity)))
        for owner, link, entity in _LINKED:
            linked = partial(self._linked, entity, link)
            routes.append(get(template=f"/{owner}/{{id}}/{PLURAL[entity]}", cost=20, handler=linked))
        return [
            *routes,
            get(template="/pipelines", cost=10, handler=partial(_rows, self._account.pipelines, _pipeline)),
            get(template="/pipelines/{id}", cost=2, handler=partial(_one, self._account.pipelines, _pipeline)),
            get(template="/stages", cost=10, handler=partial(_rows, self._account.stages, _stage)),
            get(template="/stages/{id}", cost=2, handler=partial(_one, self._account.stages, _stage)),
            get(template="/itemSearch", cost=40, handler=self._search.items),
            get(template="/recents", cost=20, handler=self._recents),
        ]

    def _list(self, entity: str, call: Call, _at: Sequence[str]) -> Answer:
        rows = [record for record in self._account.by_name[entity].walk("id") if not record["is_deleted"]]
        if entity == "deal":
            status = call.query.get("status", "all_not_deleted")
            rows = [row for row in rows if not row["is_archived"] and status in ("all_not_deleted", row["status"])]
        if entity == "activity":
            user = call.query.get("user_id", str(ME))  # without it, one's own
            rows = [row for row in rows if user in ("0", str(row["owner_id"]))]
        return paged(call, ordered(rows, call.query.get("sort"), _SORTS), self._views[entity])

    def _linked(self, entity: str, link: str, call: Call, at: Sequence[str]) -> Answer:
        rows = self._account.by_name[entity].walk("id")
        return paged(
            call, [row for row in rows if str(row[link]) == at[0] and not row["is_deleted"]], self._views[entity]
        )

    def _existing(self, entity: str, key: str) -> Record:
        record = self._account.by_name[entity].get(int(key)) if key.isdecimal() else None
        if record is None:
            raise not_found(f"{entity.title()} not found")
        return record

    def _get(self, entity: str, _call: Call, at: Sequence[str]) -> Answer:
        return ok(self._views[entity](self._existing(entity, at[0])))

    def _create(self, entity: str, call: Call, _at: Sequence[str]) -> Answer:
        kept = self._kept(entity, call, create=True)
        key = self._account.next_id(entity)
        record = fresh(self._account, entity, kept, key=key, by=ME, now=call.now)
        self._commit(entity, record, call, kept)
        return ok(self._views[entity](record), status=201)

    def _update(self, entity: str, call: Call, at: Sequence[str]) -> Answer:
        record = self._existing(entity, at[0])
        kept = self._kept(entity, call, create=False)
        new = changed(self._account, entity, record, kept, call.now)
        self._commit(entity, new, call, kept)
        return ok(self._views[entity](new))

    def _delete(self, entity: str, call: Call, at: Sequence[str]) -> Answer:
        record = self._existing(entity, at[0])
        new = changed(self._account, entity, record, {"is_deleted": True}, call.now)
        self._commit(entity, new, call, {"is_deleted": True})
        return ok({"id": record["id"]})

    def _commit(self, entity: str, record: Record, call: Call, kept: Record) -> None:
        self._account.commit(self._account.by_name[entity], record["id"], record, call.now)
        self._account.journal.note(
            at=call.now,
            method=call.method,
            path=call.path,
            stream=PLURAL[entity],
            record=str(record["id"]),
            fields=kept,
        )

    def _kept(self, entity: str, call: Call, *, create: bool) -> Record:
        try:
            body = call.json() if "json" in call.headers.get("content-type", "") else dict(call.form())
        except ValueError:
            raise bad_request("The body must be valid JSON.") from None
        if not isinstance(body, dict):
            raise bad_request("The body must be an object.")
        needed = {"person": "name", "organization": "name", "deal": "title"}.get(entity)
        if create and needed and not body.get(needed):
            raise bad_request(f"{needed.title()} must be given.")
        modern: Record = {}
        custom: Record = {}
        fields = self._account.catalogues[entity].fields
        for name, value in body.items():
            field = fields.get(name)
            if field is not None and field.custom:
                custom[name] = modern_custom(field, value, body)
                continue
            name = _NAMES[entity].get(name, name)
            if entity == "activity" and name == "person_id":
                name, value = "participants", [{"person_id": loose_number(value), "primary": True}] if value else []
            if name in _TAKEN[entity]:
                modern[name] = _modern(name, value)
        if custom:
            modern["custom_fields"] = custom
        try:
            return checked(self._account, entity, modern, create=create)
        except RefusedError as exc:
            raise bad_request(str(_error(exc))) from exc

    # views

    def _organization(self, record: Record) -> Json:
        owner = self._account.user(record["owner_id"])
        address = record["address"] or {}
        return {
            "id": record["id"],
            "company_id": COMPANY_ID,
            "owner_id": owner and user_brief(owner),
            "name": record["name"],
            "active_flag": not record["is_deleted"],
            "picture_id": None,
            "country_code": None,
            "first_char": record["name"][:1].lower(),
            "add_time": v1_time(record["add_time"]),
            "update_time": v1_time(record["update_time"]),
            "visible_to": str(record["visible_to"]),
            "label": (record["label_ids"] or [None])[0],
            "label_ids": record["label_ids"],
            "owner_name": owner and owner["name"],
            "cc_email": f"{COMPANY_DOMAIN}@dropbox.test",
            "address": address.get("value"),
            **{f"address_{part}": address.get(part) for part in ADDRESS_PARTS if part != "value"},
            **flat_customs(self._account, "organization", record["custom_fields"]),
        }

    def _deal(self, record: Record) -> Json:
        account = self._account
        owner = account.user(record["owner_id"])
        creator = account.user(record["creator_user_id"])
        person = account.persons.get(record["person_id"]) if record["person_id"] else None
        organization = account.organizations.get(record["org_id"]) if record["org_id"] else None
        times = ("add_time", "update_time", "stage_change_time", "close_time", "won_time", "lost_time")
        return {
            "id": record["id"],
            "title": record["title"],
            "value": record["value"],
            "currency": record["currency"],
            "user_id": owner and user_brief(owner),
            "creator_user_id": creator and user_brief(creator),
            "person_id": person
            and {
                "name": person["name"],
                "email": person["emails"],
                "phone": person["phones"],
                "active_flag": True,
                "owner_id": person["owner_id"],
                "value": person["id"],
            },
            "org_id": organization
            and {
                "name": organization["name"],
                "active_flag": True,
                "value": organization["id"],
                "owner_id": organization["owner_id"],
            },
            "pipeline_id": record["pipeline_id"],
            "stage_id": record["stage_id"],
            "status": record["status"],
            "active": record["status"] == "open",
            "deleted": record["is_deleted"],
            "probability": record["probability"],
            "lost_reason": record["lost_reason"],
            "visible_to": str(record["visible_to"]),
            **{name: record[name] and v1_time(record[name]) for name in times},
            "expected_close_date": record["expected_close_date"],
            "label": (record["label_ids"] or [None])[0],
            "person_name": person and person["name"],
            "org_name": organization and organization["name"],
            "owner_name": owner and owner["name"],
            **flat_customs(account, "deal", record["custom_fields"]),
        }

    def _activity(self, record: Record) -> Json:
        account = self._account
        person = account.persons.get(record["person_id"]) if record["person_id"] else None
        marked = record["marked_as_done_time"]
        return {
            "id": record["id"],
            "company_id": COMPANY_ID,
            "user_id": record["owner_id"],
            "done": record["done"],
            "type": record["type"],
            "subject": record["subject"],
            "due_date": record["due_date"],
            "due_time": (record["due_time"] or "")[:5],
            "duration": (record["duration"] or "")[:5],
            "add_time": v1_time(record["add_time"]),
            "update_time": v1_time(record["update_time"]),
            "marked_as_done_time": marked and v1_time(marked),
            "deal_id": record["deal_id"],
            "lead_id": record["lead_id"],
            "person_id": record["person_id"],
            "org_id": record["org_id"],
            "note": record["note"],
            "active_flag": not record["is_deleted"],
            "person_name": person and person["name"],
            "participants": [
                {"person_id": entry["person_id"], "primary_flag": entry["primary"]} for entry in record["participants"]
            ],
        }

    # recents

    def _recents(self, call: Call, _at: Sequence[str]) -> Answer:
        try:
            since = datetime.fromisoformat(call.query["since_timestamp"]).replace(tzinfo=UTC)
        except (KeyError, ValueError):
            raise bad_request("since_timestamp must be given as YYYY-MM-DD HH:MM:SS.") from None
        # It reaches back about a month; older connectors have lost history by believing otherwise.
        least = stamp(max(since, call.now - RECENT))
        kinds = [kind for kind in call.query.get("items", "").split(",") if kind] or list(self._views)
        rows: Sequence[tuple[str, str, int, Record]] = sorted(
            (
                (record["update_time"], kind, record["id"], record)
                for kind in kinds
                if kind in self._views
                for record in self._account.by_name[kind]
                if record["update_time"] > least
            ),
            key=lambda row: row[:3],
        )
        shown = [{"item": kind, "id": key, "data": self._views[kind](record)} for _, kind, key, record in rows]
        return paged(call, shown)


def _rows(rows: Sequence[Record], view: Callable[[Record], Json], call: Call, _at: Sequence[str]) -> Answer:
    return paged(call, rows, view)


def _one(rows: Sequence[Record], view: Callable[[Record], Json], _call: Call, at: Sequence[str]) -> Answer:
    for row in rows:
        if str(row["id"]) == at[0]:
            return ok(view(row))
    raise not_found("Not found")


def _pipeline(row: Record) -> Json:
    return {
        "id": row["id"],
        "name": row["name"],
        "url_title": row["name"],
        "order_nr": row["order_nr"],
        "active": True,
        "deal_probability": row["is_deal_probability_enabled"],
        "add_time": v1_time(row["add_time"]),
        "update_time": v1_time(row["update_time"]),
    }


def _stage(row: Record) -> Json:
    return {
        "id": row["id"],
        "order_nr": row["order_nr"],
        "name": row["name"],
        "active_flag": True,
        "deal_probability": row["deal_probability"],
        "pipeline_id": row["pipeline_id"],
        "rotten_flag": False,
        "rotten_days": None,
        "add_time": v1_time(row["add_time"]),
        "update_time": v1_time(row["update_time"]),
    }


def _modern(name: str, value: Json) -> Json:
    """A value as v2 wants it."""
    if name in _WHOLE:
        return loose_number(value)
    if name == "value" and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    if name == "done":
        return value in (1, "1", True)
    if name == "address" and isinstance(value, str):
        return {"value": value}
    if name in {"emails", "phones"}:
        entries = value if isinstance(value, list) else [value] if value else []
        return [
            entry if isinstance(entry, dict) else {"value": entry, "primary": nth == 0, "label": "work"}
            for nth, entry in enumerate(entries)
        ]
    return value


def _error(exc: RefusedError) -> Json:
    return parse(exc.answer.body)["error"]
