"""What only API v1 has: users, leads, notes, merges, and the small lists."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sandbox.state import Record
from sandbox.vendors.pipedrive.account import COMPANY_DOMAIN, COMPANY_ID, COMPANY_NAME, ME, Account
from sandbox.vendors.pipedrive.answers import bad_request, field_gone, not_found, ok
from sandbox.vendors.pipedrive.fields import BadValueError, Field, custom_value, is_date, number, v1_time
from sandbox.vendors.pipedrive.search import Search
from sandbox.vendors.pipedrive.stamps import lead_stamp, stamp
from sandbox.web import Answer, Call, Json, Route

MOST: Final = 500
USUAL: Final = 100
MERGED: Final = {"person": "persons", "organization": "organizations", "deal": "deals"}
_NOTE_LINKS: Final = {"deal_id": "deal", "person_id": "person", "org_id": "organization"}
_NOTE_FLAGS: Final = tuple(
    f"pinned_to_{name}_flag" for name in ("deal", "lead", "organization", "person", "project", "task")
)
_LEAD_SOURCES: Final = (
    "Manually created",
    "Deal",
    "Web forms",
    "Prospector",
    "Leadbooster",
    "Live chat",
    "Import",
    "Website visitors",
    "Workflow automation",
    "API",
)


class V1:
    """The handlers."""

    def __init__(self, account: Account, search: Search) -> None:
        self._account, self._search = account, search

    def routes(self) -> list[Route]:
        get = partial(Route, method="GET")
        account = self._account
        plain: Sequence[tuple[str, int, Json]] = (
            ("/users", 20, account.users),
            ("/activityTypes", 20, account.activity_types),
            ("/leadLabels", 10, account.lead_labels),
            ("/leadSources", 2, [{"name": name} for name in _LEAD_SOURCES]),
            ("/userSettings", 2, {"list_limit": 100, "beta_app": False, "autofill_deal_expected_close_date": True}),
        )
        routes = [get(template=path, cost=cost, handler=partial(_plain, shown)) for path, cost, shown in plain]
        for entity in ("person", "organization", "deal", "activity", "lead"):
            routes.append(get(template=f"/{entity}Fields", cost=20, handler=partial(self._list_fields, entity)))
            if entity in MERGED:
                routes.append(get(template=f"/{entity}Fields/{{id}}", cost=2, handler=partial(self._one_field, entity)))
        for entity, plural in MERGED.items():
            merge, changelog = partial(self._merge, entity, plural), partial(self._changelog, entity, plural)
            routes += [
                Route(method="PUT", template=f"/{plural}/{{id}}/merge", cost=40, handler=merge),
                get(template=f"/{plural}/{{id}}/changelog", cost=20, handler=changelog),
            ]
        return [
            *routes,
            get(template="/users/me", cost=2, handler=self._me),
            get(template="/users/find", cost=40, handler=self._find_user),
            get(template="/users/{id}", cost=2, handler=self._user),
            get(template="/currencies", cost=20, handler=self._currencies),
            get(template="/leads", cost=20, handler=partial(self._leads, archived=False)),
            get(template="/leads/archived", cost=40, handler=partial(self._leads, archived=True)),
            get(template="/leads/search", cost=40, handler=partial(self._search.one, "lead")),
            get(template="/leads/{id}", cost=2, handler=self._get_lead),
            Route(method="POST", template="/leads", cost=10, handler=self._create_lead),
            Route(method="PATCH", template="/leads/{id}", cost=10, handler=self._update_lead),
            Route(method="DELETE", template="/leads/{id}", cost=6, handler=self._delete_lead),
            get(template="/notes", cost=20, handler=self._notes),
            get(template="/notes/{id}", cost=2, handler=self._get_note),
            Route(method="POST", template="/notes", cost=10, handler=self._create_note),
            Route(method="PUT", template="/notes/{id}", cost=10, handler=self._update_note),
            Route(method="DELETE", template="/notes/{id}", cost=6, handler=self._delete_note),
        ]

    # users and small lists

    def _me(self, _call: Call, _at: Sequence[str]) -> Answer:
        me = next(user for user in self._account.users if user["is_you"])
        return ok(
            {
                **me,
                "company_id": COMPANY_ID,
                "company_name": COMPANY_NAME,
                "company_domain": COMPANY_DOMAIN,
                "company_country": "DE",
                "company_industry": "Energy",
                "language": {"language_code": "de", "country_code": "DE"},
            }
        )

    def _user(self, _call: Call, at: Sequence[str]) -> Answer:
        for user in self._account.users:
            if str(user["id"]) == at[0]:
                return ok(user)
        raise not_found("User not found")

    def _find_user(self, call: Call, _at: Sequence[str]) -> Answer:
        term = call.query.get("term", "").casefold()
        names = ("email",) if call.query.get("search_by_email") in {"1", "true"} else ("name", "email")
        return ok([user for user in self._account.users if any(term in user[name].casefold() for name in names)])

    def _currencies(self, call: Call, _at: Sequence[str]) -> Answer:
        term = call.query.get("term", "").casefold()
        rows = self._account.currencies
        return ok([row for row in rows if term in row["name"].casefold() or term in row["code"].casefold()])

    def _fields(self, entity: str) -> list[Field]:
        return list(self._account.catalogues["deal" if entity == "lead" else entity].fields.values())

    def _list_fields(self, entity: str, call: Call, _at: Sequence[str]) -> Answer:
        return paged(call, [field.v1() for field in self._fields(entity)])

    def _one_field(self, entity: str, _call: Call, at: Sequence[str]) -> Answer:
        for field in self._fields(entity):
            if str(field.id) == at[0]:
                return ok(field.v1())
        raise field_gone()

    # leads

    def _leads(self, call: Call, _at: Sequence[str], *, archived: bool) -> Answer:
        query = call.query
        since = None if archived else _moment(query, "updated_since")
        links = {
            name: int(query[name])
            for name in ("owner_id", "person_id", "organization_id")
            if query.get(name, "").isdecimal()
        }
        rows = [
            lead
            for lead in self._account.leads.walk("add_time")
            if lead["is_archived"] == archived
            and (since is None or _lead_moment(lead["update_time"]) >= since)
            and all(lead[name] == value for name, value in links.items())
        ]
        allowed = frozenset(
            [
                "id",
                "title",
                "owner_id",
                "creator_id",
                "was_seen",
                "expected_close_date",
                "next_activity_id",
                "add_time",
                "update_time",
            ]
        )
        return paged(call, [self._lead_view(lead) for lead in ordered(rows, query.get("sort"), allowed)])

    def _lead_view(self, lead: Record) -> Json:
        plain = {name: value for name, value in lead.items() if name[0] != "_" and not _is_hash(name)}
        customs = {name: value for name, value in lead.items() if _is_hash(name)}
        return {**plain, **flat_customs(self._account, "deal", customs)}

    def _get_lead(self, _call: Call, at: Sequence[str]) -> Answer:
        return ok(self._lead_view(self._lead(at[0])))

    def _lead(self, key: str) -> Record:
        lead = self._account.leads.get(key)
        if lead is None:
            raise not_found("requested lead not found", "Object was not found.")
        return lead

    def _create_lead(self, call: Call, _at: Sequence[str]) -> Answer:
        kept = self._checked_lead(_object(call))
        if not kept.get("title"):
            raise bad_request("title is required")
        if kept.get("person_id") is None and kept.get("organization_id") is None:
            raise bad_request("A lead must be linked to a person or an organization.")
        lead_id = self._account.next_lead_id()
        at = lead_stamp(call.now)
        lead = {
            "id": lead_id,
            "title": None,
            "owner_id": ME,
            "creator_id": ME,
            "label_ids": [],
            "person_id": None,
            "organization_id": None,
            "source_name": "API",
            "origin": "API",
            "origin_id": None,
            "channel": None,
            "channel_id": None,
            "source_deal_id": None,
            "is_archived": False,
            "was_seen": False,
            "value": None,
            "expected_close_date": None,
            "next_activity_id": None,
            "add_time": at,
            "update_time": at,
            "visible_to": "3",
            "cc_email": f"{COMPANY_DOMAIN}+lead{lead_id[:8]}@dropbox.test",
            **_set_only(kept),
        }
        self._commit_lead(call, lead_id, lead, kept)
        return ok(self._lead_view(lead), status=201)

    def _update_lead(self, call: Call, at: Sequence[str]) -> Answer:
        key = at[0]
        lead = self._lead(key)
        kept = self._checked_lead(_object(call))
        new = {name: value for name, value in {**lead, **kept}.items() if not (_is_hash(name) and value is None)}
        if new["person_id"] is None and new["organization_id"] is None:
            raise bad_request("A lead must be linked to a person or an organization.")
        new["update_time"] = lead_stamp(call.now)
        self._commit_lead(call, key, new, kept)
        return ok(self._lead_view(new))

    def _delete_lead(self, call: Call, at: Sequence[str]) -> Answer:
        key = at[0]
        self._lead(key)
        self._account.leads.drop(key)
        self._note_effect(call, "leads", key, {})
        return ok({"id": key})

    def _commit_lead(self, call: Call, key: str, lead: Record, kept: Record) -> None:
        self._account.commit(self._account.leads, key, lead, call.now)
        self._note_effect(call, "leads", key, kept)

    def _checked_lead(self, body: Record) -> Record:
        account = self._account
        labels = {label["id"] for label in account.lead_labels}
        tests: Mapping[str, Callable[[Json], bool]] = {
            "title": lambda v: isinstance(v, str) and v.strip() != "",
            "owner_id": lambda v: account.user(v) is not None,
            "label_ids": lambda v: isinstance(v, list) and labels.issuperset(v),
            "person_id": lambda v: v is None or _lives(account.persons.get(v)),
            "organization_id": lambda v: v is None or _lives(account.organizations.get(v)),
            "is_archived": lambda v: isinstance(v, bool),
            "value": lambda v: (
                v is None or (isinstance(v, dict) and number(v.get("amount")) and isinstance(v.get("currency"), str))
            ),
            "expected_close_date": lambda v: v is None or is_date(v),
            "visible_to": lambda v: v in {"1", "3", "5", "7"},
            "was_seen": lambda v: isinstance(v, bool),
            "origin_id": lambda v: v is None or isinstance(v, str),
            "channel": lambda v: v is None or isinstance(v, int),
            "channel_id": lambda v: v is None or isinstance(v, str),
        }
        kept: Record = {}
        for name, value in body.items():
            field = account.catalogues["deal"].fields.get(name)
            if field is not None and field.custom:
                try:
                    kept[name] = custom_value(field, modern_custom(field, value, body))
                except BadValueError as exc:
                    raise bad_request(f"{name} {exc}") from exc
                continue
            if _is_hash(name[:40]) and name[40:41] == "_":
                continue  # a part of a custom value, read with it
            if name not in tests:
                raise bad_request(f"'{name}' is not allowed")
            if not tests[name](value):
                raise bad_request(f"'{name}' is invalid")
            kept[name] = value
        return kept

    # notes

    def _notes(self, call: Call, _at: Sequence[str]) -> Answer:
        query = call.query
        since = _moment(query, "updated_since")
        first, last = query.get("start_date", ""), query.get("end_date", "9999")
        links = {name: int(query[name]) for name in ("user_id", *_NOTE_LINKS) if query.get(name, "").isdecimal()}
        pinned = {name: query[name] == "1" for name in _NOTE_FLAGS if query.get(name) in {"0", "1"}}
        least = None if since is None else stamp(since)
        rows = [
            note
            for note in self._account.notes.walk("id")
            if note["active_flag"]
            and (least is None or note["update_time"] >= least)
            and first <= note["add_time"][:10] <= last
            and ("lead_id" not in query or note["lead_id"] == query["lead_id"])
            and all(note[name] == value for name, value in (links | pinned).items())
        ]
        allowed = frozenset({"id", "user_id", "deal_id", "person_id", "org_id", "content", "add_time", "update_time"})
        return paged(call, ordered(rows, query.get("sort"), allowed), self.note_view)

    def note_view(self, note: Record) -> Json:
        account = self._account
        user = account.user(note["user_id"])
        linked = {
            name: account.by_name[entity].get(note[name]) if note[name] else None
            for name, entity in _NOTE_LINKS.items()
        }
        deal, person, organization = linked["deal_id"], linked["person_id"], linked["org_id"]
        return {
            **{name: value for name, value in note.items() if name[0] != "_"},
            "add_time": v1_time(note["add_time"]),
            "update_time": v1_time(note["update_time"]),
            "deal": deal and {"title": deal["title"]},
            "person": person and {"name": person["name"]},
            "organization": organization and {"name": organization["name"]},
            "user": user and {"email": user["email"], "icon_url": None, "is_you": user["is_you"], "name": user["name"]},
        }

    def _get_note(self, call: Call, at: Sequence[str]) -> Answer:
        return ok(self.note_view(self._note(call, at[0])))

    def _note(self, call: Call, key: str) -> Record:
        note = self._account.notes.get(int(key)) if key.isdecimal() else None
        if note is None or self._account.purged(note, call.now):
            raise not_found("Note not found")
        return note

    def _create_note(self, call: Call, _at: Sequence[str]) -> Answer:
        kept = self._checked_note(_object(call))
        if not kept.get("content"):
            raise bad_request("Content must be given.")
        if not any(kept.get(name) for name in (*_NOTE_LINKS, "lead_id", "project_id", "task_id")):
            raise bad_request("One of deal_id, person_id, org_id, lead_id, project_id or task_id must be given.")
        key = self._account.next_id("note")
        at = stamp(call.now)
        note = {
            "id": key,
            "active_flag": True,
            "add_time": at,
            "content": "",
            "deal_id": None,
            "lead_id": None,
            "person_id": None,
            "org_id": None,
            "project_id": None,
            "task_id": None,
            "last_update_user_id": None,
            "user_id": ME,
            **dict.fromkeys(_NOTE_FLAGS, False),
            "update_time": at,
            **kept,
        }
        self._commit_note(call, key, note, kept)
        return ok(self.note_view(note))

    def _update_note(self, call: Call, at: Sequence[str]) -> Answer:
        note = self._note(call, at[0])
        if not note["active_flag"]:
            raise not_found("Note not found")
        kept = self._checked_note(_object(call))
        new = {**note, **kept, "update_time": stamp(call.now), "last_update_user_id": ME}
        self._commit_note(call, note["id"], new, kept)
        return ok(self.note_view(new))

    def _delete_note(self, call: Call, at: Sequence[str]) -> Answer:
        note = self._note(call, at[0])
        if not note["active_flag"]:
            raise not_found("Note not found")
        gone = {**note, "active_flag": False, "update_time": stamp(call.now), "_deleted_at": call.now}
        self._commit_note(call, note["id"], gone, {"active_flag": False})
        return ok(True)

    def _commit_note(self, call: Call, key: int, note: Record, kept: Record) -> None:
        self._account.commit(self._account.notes, key, note, call.now)
        self._note_effect(call, "notes", str(key), kept)

    def _checked_note(self, body: Record) -> Record:
        account = self._account
        kept: Record = {}
        for name, value in body.items():
            if name in _NOTE_LINKS:
                if value is not None and not _lives(account.by_name[_NOTE_LINKS[name]].get(value)):
                    raise bad_request(f"{name} is invalid")
            elif name in _NOTE_FLAGS:
                if value not in (0, 1):
                    raise bad_request(f"{name} must be 0 or 1")
                value = bool(value)
            elif name == "add_time":
                try:
                    value = stamp(datetime.fromisoformat(value).replace(tzinfo=UTC))
                except (TypeError, ValueError):
                    raise bad_request("add_time must be YYYY-MM-DD HH:MM:SS") from None
            elif name == "user_id":
                if account.user(value) is None:
                    raise bad_request("user_id is invalid")
            elif name == "lead_id":
                if value is not None and account.leads.get(value) is None:
                    raise bad_request("lead_id is invalid")
            elif name not in {"content", "project_id", "task_id"}:
                continue  # v1 passes over names that it does not know
            elif name == "content" and not isinstance(value, str):
                raise bad_request("content must be text")
            kept[name] = value
        return kept

    # merging

    def _merge(self, entity: str, plural: str, call: Call, at: Sequence[str]) -> Answer:
        key = at[0]
        table = self._account.by_name[entity]
        loser = table.get(int(key)) if key.isdecimal() else None
        with_id = _object(call).get("merge_with_id")
        survivor = table.get(with_id) if isinstance(with_id, int) else None
        if loser is None or loser["is_deleted"]:
            raise not_found(f"{entity.title()} not found")
        if survivor is None or survivor["is_deleted"] or survivor is loser:
            raise bad_request("merge_with_id is invalid")
        moved = stamp(call.now)
        joined = {
            name: loser.get(name) if value in (None, [], "") else value for name, value in survivor.items()
        }  # the survivor wins; the other fills its gaps
        if "custom_fields" in survivor:
            joined["custom_fields"] = {
                code: loser["custom_fields"].get(code) if value is None else value
                for code, value in survivor["custom_fields"].items()
            }
        for name in ("emails", "phones"):
            if name in survivor:
                joined[name] = _joined(survivor[name], loser[name])
        if "label_ids" in survivor:
            joined["label_ids"] = sorted({*survivor["label_ids"], *loser["label_ids"]})
        table.put(survivor["id"], {**joined, "update_time": moved})
        table.put(loser["id"], {**loser, "is_deleted": True, "update_time": moved, "_deleted_at": call.now})
        self._account.merged[entity, loser["id"]] = survivor["id"]
        self._repoint(entity, loser["id"], survivor["id"], moved)
        self._note_effect(call, plural, str(loser["id"]), {"merge_with_id": survivor["id"]})
        if entity != "person":
            return ok({"id": survivor["id"]})
        shown = person_view(self._account, table.get(survivor["id"]) or joined)
        return ok({**shown, "owner_id": joined["owner_id"], "org_id": joined["org_id"], "merge_what_id": loser["id"]})

    def _repoint(self, entity: str, loser: int, survivor: int, at: str) -> None:
        """What hung on the merged record hangs on the survivor."""
        link = {"person": "person_id", "organization": "org_id", "deal": "deal_id"}[entity]
        for other in ("person", "deal", "activity", "note"):
            table = self._account.by_name[other]
            for record in [found for found in table if link in found and found[link] == loser]:
                new = {**record, link: survivor, "update_time": at}
                if other == "activity" and entity == "person":
                    new["participants"] = [
                        {**entry, "person_id": survivor if entry["person_id"] == loser else entry["person_id"]}
                        for entry in record["participants"]
                    ]
                table.put(record["id"], new)
        lead_link = "organization_id" if entity == "organization" else link
        for lead in [found for found in self._account.leads if found.get(lead_link) == loser]:
            self._account.leads.put(lead["id"], {**lead, lead_link: survivor})

    def _changelog(self, entity: str, plural: str, call: Call, at: Sequence[str]) -> Answer:
        """Only what happened since the account was made: what came before has left no trace."""
        key = at[0]
        if not key.isdecimal() or self._account.by_name[entity].get(int(key)) is None:
            raise not_found(f"{entity.title()} not found")
        rows = [
            {
                "field_key": name,
                "old_value": None,
                "new_value": None if value is None else str(value),
                "actor_user_id": ME,
                "time": v1_time(stamp(effect.at)),
                "change_source": "api",
                "change_source_user_agent": None,
                "is_bulk_update_flag": False,
            }
            for effect in reversed(self._account.journal.read())
            if (effect.stream, effect.record) == (plural, key)
            for name, value in effect.fields.items()
        ]
        return ok(rows[:MOST], additional_data={"next_cursor": None})

    def _note_effect(self, call: Call, stream: str, record: str, fields: Record) -> None:
        self._account.journal.note(
            at=call.now, method=call.method, path=call.path, stream=stream, record=record, fields=fields
        )


def _plain(shown: Json, _call: Call, _at: Sequence[str]) -> Answer:
    return ok(shown)


def person_view(account: Account, record: Record) -> dict[str, Json]:
    """A person as v1 shows it: old names, embedded owner and organization, custom fields at the root."""
    owner = account.user(record["owner_id"])
    organization = account.organizations.get(record["org_id"]) if record["org_id"] else None
    return {
        "id": record["id"],
        "company_id": COMPANY_ID,
        "owner_id": owner and user_brief(owner),
        "org_id": organization
        and {
            "name": organization["name"],
            "people_count": 0,
            "owner_id": organization["owner_id"],
            "address": organization["address"] and organization["address"]["value"],
            "active_flag": True,
            "cc_email": f"{COMPANY_DOMAIN}@dropbox.test",
            "value": organization["id"],
        },
        "name": record["name"],
        "first_name": record["first_name"],
        "last_name": record["last_name"],
        "active_flag": not record["is_deleted"],
        "phone": record["phones"],
        "email": record["emails"],
        "first_char": record["name"][:1].lower(),
        "add_time": v1_time(record["add_time"]),
        "update_time": v1_time(record["update_time"]),
        "visible_to": str(record["visible_to"]),
        "picture_id": None,
        "label": (record["label_ids"] or [None])[0],
        "label_ids": record["label_ids"],
        "org_name": organization and organization["name"],
        "owner_name": owner and owner["name"],
        "cc_email": f"{COMPANY_DOMAIN}@dropbox.test",
        **flat_customs(account, "person", record["custom_fields"]),
    }


def user_brief(user: Record) -> Json:
    return {
        "id": user["id"],
        "name": user["name"],
        "email": user["email"],
        "has_pic": 0,
        "pic_hash": None,
        "active_flag": user["active_flag"],
        "value": user["id"],
    }


def flat_customs(account: Account, entity: str, values: Record) -> dict[str, Json]:
    """Custom values as v1 shows them: parts under `<hash>_<part>`, options as text."""
    flat: dict[str, Json] = {}
    for code, value in values.items():
        field = account.catalogues[entity].fields.get(code)
        if field is None:
            continue
        if isinstance(value, dict):
            flat[code] = value.get("value")
            flat |= {f"{code}_{part}": text for part, text in value.items() if part != "value"}
        elif isinstance(value, list):
            flat[code] = ",".join(map(str, value))
        else:
            flat[code] = str(value) if field.type == "enum" and value is not None else value
    return flat


def loose_number(value: Json) -> Json:
    """v1 takes numbers in strings."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def modern_custom(field: Field, value: Json, body: Record) -> Json:
    """A custom value that v1 was sent, with the parts beside it in the body, in the form of v2."""
    if value in (None, ""):
        return None
    if field.type == "enum":
        return loose_number(value)
    if field.type == "set" and isinstance(value, str):
        return [loose_number(part.strip()) for part in value.split(",")]
    if field.type == "monetary" and not isinstance(value, dict):
        return {"value": value, "currency": body.get(f"{field.code}_currency", "EUR")}
    if field.type in {"daterange", "timerange"} and isinstance(value, str):
        return {"value": value, "until": body.get(f"{field.code}_until")}
    return value


def paged(call: Call, rows: Sequence[Json], view: Callable[[Record], Json] | None = None) -> Answer:
    """Rows from `start` on, at most `limit`, with where to go on."""
    start = _whole(call.query.get("start"), 0)
    limit = min(MOST, max(1, _whole(call.query.get("limit"), USUAL)))
    shown = rows[start : start + limit]
    more = start + limit < len(rows)
    pagination: dict[str, Any] = {"start": start, "limit": limit, "more_items_in_collection": more}
    if more:
        pagination["next_start"] = start + limit
    return ok([view(row) for row in shown] if view else list(shown), additional_data={"pagination": pagination})


def ordered(rows: Iterable[Record], sort: str | None, allowed: frozenset[str]) -> list[Record]:
    """`sort=update_time ASC, id DESC`."""
    result = list(rows)
    for part in reversed((sort or "").split(",")):
        name, _, direction = part.strip().partition(" ")
        if not name:
            continue
        if name not in allowed or direction.strip().upper() not in {"", "ASC", "DESC"}:
            raise bad_request("sort is invalid")
        result.sort(key=lambda row: (row[name] is not None, row[name]), reverse=direction.strip().upper() == "DESC")
    return result


def _whole(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal():
        raise bad_request("start and limit must be numbers")
    return int(text)


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"{name} is invalid") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _lead_moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _joined(first: list[Json], second: list[Json]) -> list[Json]:
    known = {entry["value"] for entry in first}
    more = [{**entry, "primary": False} for entry in second if entry["value"] not in known]
    return [*first, *more] if first else second


def _lives(record: Record | None) -> bool:
    return record is not None and not record.get("is_deleted")


def _is_hash(name: str) -> bool:
    return len(name) == 40 and name.isalnum()


def _set_only(kept: Record) -> Record:
    return {name: value for name, value in kept.items() if not (_is_hash(name) and value is None)}


def _object(call: Call) -> Record:
    try:
        body = call.json()
    except ValueError:
        raise bad_request("The body must be valid JSON.") from None
    if not isinstance(body, dict):
        raise bad_request("The body must be an object.")
    return body
