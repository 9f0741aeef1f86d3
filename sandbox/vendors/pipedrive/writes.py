"""What v2 takes in a body, and what it makes of it. Strict: no unknown names, no number in a string, no 0 for false."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from sandbox.state import Record
from sandbox.vendors.pipedrive.account import Account
from sandbox.vendors.pipedrive.answers import invalid
from sandbox.vendors.pipedrive.fields import BadValueError, address, custom_value, is_date, is_time, number, whole
from sandbox.vendors.pipedrive.stamps import parse_stamp, split_name, stamp
from sandbox.web import Json

# Checks a written value and gives it back as it is kept; raises BadValueError.
Check = Callable[[Account, Json], Json]
VISIBLE: Final = (1, 3, 5, 7)
MARKETING: Final = ("no_consent", "unsubscribed", "subscribed", "archived")


def text(_account: Account, value: Json) -> Json:
    if not isinstance(value, str):
        raise BadValueError("must be string")
    return value


def name(account: Account, value: Json) -> Json:
    if not text(account, value).strip():
        raise BadValueError("must NOT have fewer than 1 characters")
    return value


def flag(_account: Account, value: Json) -> Json:
    if not isinstance(value, bool):
        raise BadValueError("must be boolean")
    return value


def integer(_account: Account, value: Json) -> Json:
    if not whole(value):
        raise BadValueError("must be integer")
    return value


def amount(_account: Account, value: Json) -> Json:
    if not number(value):
        raise BadValueError("must be number")
    return value


def day(_account: Account, value: Json) -> Json:
    if not is_date(value):
        raise BadValueError('must match format "date"')
    return value


def clock_time(_account: Account, value: Json) -> Json:
    if not is_time(value):
        raise BadValueError('must match format "time"')
    return value if len(value) == 8 else f"{value}:00"


def duration(_account: Account, value: Json) -> Json:
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,3}:[0-5]\d(:[0-5]\d)?", value):
        raise BadValueError('must match format "time"')
    return value if value.count(":") == 2 else f"{value}:00"


def moment(_account: Account, value: Json) -> Json:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadValueError('must match format "date-time"') from None
    if at.tzinfo is None:
        raise BadValueError('must match format "date-time"')
    return stamp(at)


def visible(_account: Account, value: Json) -> Json:
    if not whole(value) or value not in VISIBLE:
        raise BadValueError("must be equal to one of the allowed values")
    return value


def one_of(*allowed: str) -> Check:
    def check(_account: Account, value: Json) -> Json:
        if value not in allowed:
            raise BadValueError("must be equal to one of the allowed values")
        return value

    return check


def user(account: Account, value: Json) -> Json:
    found = account.user(integer(account, value))
    if found is None or not found["active_flag"]:
        raise BadValueError("user not found")
    return value


def refers_to(entity: str) -> Check:
    def check(account: Account, value: Json) -> Json:
        found = account.by_name[entity].get(integer(account, value))
        if found is None or found["is_deleted"]:
            raise BadValueError(f"{entity} not found")
        return value

    return check


def lead(account: Account, value: Json) -> Json:
    if account.leads.get(text(account, value)) is None:
        raise BadValueError("lead not found")
    return value


def channels(account: Account, value: Json) -> Json:
    """A list of e-mail addresses or phone numbers; it replaces the whole list. One of them is primary."""
    if not isinstance(value, list):
        raise BadValueError("must be array")
    kept = []
    for entry in value:
        if not isinstance(entry, dict) or not entry.keys() <= {"value", "primary", "label"}:
            raise BadValueError("items must be object with value, primary and label")
        if not isinstance(entry.get("value"), str):
            raise BadValueError("value must be string")
        kept.append(
            {
                "value": entry["value"],
                "primary": flag(account, entry.get("primary", False)),
                "label": text(account, entry.get("label", "work")),
            }
        )
    primary = next((nth for nth, entry in enumerate(kept) if entry["primary"]), 0)
    for nth, entry in enumerate(kept):
        entry["primary"] = nth == primary
    return kept


def labels_of(entity: str) -> Check:
    def check(account: Account, value: Json) -> Json:
        known = {option.id for option in account.catalogues[entity].fields["label_ids"].options or ()}
        if not isinstance(value, list) or not all(whole(entry) for entry in value):
            raise BadValueError("must be array of integers")
        if not known.issuperset(value):
            raise BadValueError("must be equal to one of the allowed values")
        return sorted(set(value))

    return check


def option_of(entity: str, code: str) -> Check:
    def check(account: Account, value: Json) -> Json:
        if value not in {option.id for option in account.catalogues[entity].fields[code].options or ()}:
            raise BadValueError("must be equal to one of the allowed values")
        return value

    return check


def place(_account: Account, value: Json) -> Json:
    return address(value)


def participants(account: Account, value: Json) -> Json:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise BadValueError("must be array of objects")
    person = refers_to("person")
    kept = [
        {"person_id": person(account, entry.get("person_id")), "primary": flag(account, entry.get("primary", False))}
        for entry in value
    ]
    if kept and not any(entry["primary"] for entry in kept):
        kept[0]["primary"] = True
    return kept


def attendees(_account: Account, value: Json) -> Json:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise BadValueError("must be array of objects")
    return value


def stage(account: Account, value: Json) -> Json:
    if not any(found["id"] == value for found in account.stages):
        raise BadValueError("stage not found")
    return value


def pipeline(account: Account, value: Json) -> Json:
    if not any(found["id"] == value for found in account.pipelines):
        raise BadValueError("pipeline not found")
    return value


def currency(account: Account, value: Json) -> Json:
    if not any(found["code"] == value for found in account.currencies):
        raise BadValueError("must be equal to one of the allowed values")
    return value


def activity_type(account: Account, value: Json) -> Json:
    if not any(found["key_string"] == value for found in account.activity_types):
        raise BadValueError("must be equal to one of the allowed values")
    return value


# A name without `None` in its pair cannot be cleared.
_Rules = Mapping[str, tuple[Check, bool]]
RULES: Final[Mapping[str, _Rules]] = {
    "person": {
        "name": (name, False),
        "owner_id": (user, False),
        "org_id": (refers_to("organization"), True),
        "add_time": (moment, False),
        "update_time": (moment, False),
        "emails": (channels, False),
        "phones": (channels, False),
        "visible_to": (visible, False),
        "label_ids": (labels_of("person"), False),
        "marketing_status": (one_of(*MARKETING), False),
    },
    "organization": {
        "name": (name, False),
        "owner_id": (user, False),
        "add_time": (moment, False),
        "update_time": (moment, False),
        "visible_to": (visible, False),
        "label_ids": (labels_of("organization"), False),
        "address": (place, True),
        "website": (text, True),
        "linkedin": (text, True),
        "industry": (option_of("organization", "industry"), True),
        "annual_revenue": (amount, True),
        "employee_count": (integer, True),
    },
    "deal": {
        "title": (name, False),
        "owner_id": (user, False),
        "person_id": (refers_to("person"), True),
        "org_id": (refers_to("organization"), True),
        "pipeline_id": (pipeline, False),
        "stage_id": (stage, False),
        "value": (amount, True),
        "currency": (currency, False),
        "is_deleted": (flag, False),
        "is_archived": (flag, False),
        "archive_time": (moment, True),
        "status": (one_of("open", "won", "lost"), False),
        "probability": (amount, True),
        "lost_reason": (text, True),
        "visible_to": (visible, False),
        "close_time": (moment, True),
        "won_time": (moment, True),
        "lost_time": (moment, True),
        "expected_close_date": (day, True),
        "label_ids": (labels_of("deal"), False),
    },
    "activity": {
        "subject": (name, False),
        "type": (activity_type, False),
        "owner_id": (user, False),
        "deal_id": (refers_to("deal"), True),
        "lead_id": (lead, True),
        "org_id": (refers_to("organization"), True),
        "project_id": (integer, True),
        "due_date": (day, True),
        "due_time": (clock_time, True),
        "duration": (duration, True),
        "busy": (flag, False),
        "done": (flag, False),
        "location": (place, True),
        "participants": (participants, True),
        "attendees": (attendees, True),
        "public_description": (text, True),
        "priority": (option_of("activity", "priority"), True),
        "note": (text, True),
    },
}
_TITLE: Final = {"person": "name", "organization": "name", "deal": "title"}
_EMPTY: Final[Mapping[str, Json]] = {"participants": [], "attendees": []}


def checked(account: Account, entity: str, body: Json, *, create: bool, hidden: frozenset[str] = frozenset()) -> Record:
    """The body as it is kept, or a refusal. `hidden`: fields that somebody has just removed."""
    if not isinstance(body, dict):
        raise invalid("body: must be object")
    rules = RULES[entity]
    kept: Record = {}
    for field, value in body.items():
        if field == "custom_fields" and entity != "activity":
            kept[field] = _custom(account, entity, value)
            continue
        if field not in rules or field in hidden:
            raise invalid(f"{field}: must NOT have additional properties")
        check, clearable = rules[field]
        if value is None and clearable:
            kept[field] = _EMPTY.get(field)
            continue
        try:
            kept[field] = check(account, value)
        except BadValueError as exc:
            raise invalid(f"{field}: {exc}") from exc
    title = _TITLE.get(entity)
    if create and title and title not in kept:
        raise invalid(f"{title}: is required")
    if "stage_id" in kept and "pipeline_id" in kept and _pipeline_of(account, kept["stage_id"]) != kept["pipeline_id"]:
        raise invalid("stage_id: does not belong to the pipeline")
    return kept


def _custom(account: Account, entity: str, value: Json) -> Record:
    if not isinstance(value, dict):
        raise invalid("custom_fields: must be object")
    kept: Record = {}
    for code, written in value.items():
        field = account.catalogues[entity].fields.get(code)
        if field is None or not field.custom:
            raise invalid(f"custom_fields.{code}: must NOT have additional properties")
        try:
            kept[code] = custom_value(field, written)
        except BadValueError as exc:
            raise invalid(f"custom_fields.{code}: {exc}") from exc
    return kept


def _pipeline_of(account: Account, stage_id: Json) -> Json:
    return next(found["pipeline_id"] for found in account.stages if found["id"] == stage_id)


def fresh(account: Account, entity: str, kept: Record, *, key: int, by: int, now: datetime) -> Record:
    """A new record of what was written, with everything that Pipedrive fills in."""
    at = stamp(now)
    record: Record = {"id": key, **_BLANK[entity], "owner_id": by, "add_time": at, "update_time": at}
    if entity in {"deal", "activity"}:
        record["creator_user_id"] = by
    if entity != "activity":
        record["custom_fields"] = {field.code: None for field in account.catalogues[entity].custom()}
    if entity == "deal" and "pipeline_id" in kept and "stage_id" not in kept:
        first = min((s for s in account.stages if s["pipeline_id"] == kept["pipeline_id"]), key=lambda s: s["order_nr"])
        record["stage_id"] = first["id"]
    if entity == "activity" and "subject" not in kept:
        kind = kept.get("type", record["type"])
        record["subject"] = next(t["name"] for t in account.activity_types if t["key_string"] == kind)
    return {**changed(account, entity, record, kept, now), **_stamps(kept, at)}


def _stamps(kept: Record, at: str) -> Record:
    return {"add_time": kept.get("add_time", at), "update_time": kept.get("update_time", at)}


def changed(account: Account, entity: str, record: Record, kept: Record, now: datetime) -> Record:
    """The record after a write: only what was sent, and what follows from it."""
    at = stamp(now)
    new = {**record, **kept}
    if "custom_fields" in kept:
        new["custom_fields"] = {**record["custom_fields"], **kept["custom_fields"]}
    new["update_time"] = kept.get("update_time", at)
    if entity == "person":
        if "name" in kept:
            new["first_name"], new["last_name"] = split_name(kept["name"])
        _follow_consent(record, kept, new)
    if entity == "deal":
        _follow_deal(account, record, kept, new, at)
    if entity == "activity":
        if "done" in kept and kept["done"] != record["done"]:
            new["marked_as_done_time"] = at if kept["done"] else None
        primary = next((entry["person_id"] for entry in new["participants"] if entry["primary"]), None)
        new["person_id"] = primary
    if new.get("is_deleted") and not record.get("is_deleted"):
        new["_deleted_at"] = now
    if record.get("is_deleted") and not new.get("is_deleted"):
        new["_deleted_at"] = None
    return new


def _follow_consent(record: Record, kept: Record, new: Record) -> None:
    """The marketing status may be changed once, and only of somebody with an address; else it silently stays."""
    before = record["marketing_status"]
    if kept.get("marketing_status", before) == before:
        return
    if record.get("_consent_changed") or not any("@" in entry["value"] for entry in new["emails"]):
        new["marketing_status"] = before
    elif record["name"] is not None:
        new["_consent_changed"] = True


def _follow_deal(account: Account, record: Record, kept: Record, new: Record, at: str) -> None:
    if "stage_id" in kept:
        new["pipeline_id"] = _pipeline_of(account, kept["stage_id"])
    elif "pipeline_id" in kept and kept["pipeline_id"] != record["pipeline_id"]:
        inside = [found for found in account.stages if found["pipeline_id"] == kept["pipeline_id"]]
        new["stage_id"] = min(inside, key=lambda found: found["order_nr"])["id"]
    if new["stage_id"] != record["stage_id"]:
        new["stage_change_time"] = at
    if new["status"] != record["status"]:
        closed = None if new["status"] == "open" else at
        new["close_time"] = kept.get("close_time", closed)
        for status in ("won", "lost"):
            new[f"{status}_time"] = kept.get(f"{status}_time", closed if new["status"] == status else None)
        if new["status"] != "lost":
            new["lost_reason"] = None
    for local, source in (
        ("local_won_date", "won_time"),
        ("local_lost_date", "lost_time"),
        ("local_close_date", "close_time"),
    ):
        new[local] = new[source] and parse_stamp(new[source]).date().isoformat()
    if new["is_archived"] != record["is_archived"]:
        new["archive_time"] = kept.get("archive_time", at if new["is_archived"] else None)


_BLANK: Final[Mapping[str, Record]] = {
    "person": {
        "name": None,
        "first_name": None,
        "last_name": None,
        "owner_id": None,
        "org_id": None,
        "add_time": None,
        "update_time": None,
        "emails": [],
        "phones": [],
        "is_deleted": False,
        "visible_to": 3,
        "label_ids": [],
        "picture_id": None,
        "custom_fields": {},
        "postal_address": None,
        "notes": None,
        "im": [],
        "birthday": None,
        "job_title": None,
        "marketing_status": "no_consent",
        "doi_status": "none",
    },
    "organization": {
        "name": None,
        "owner_id": None,
        "add_time": None,
        "update_time": None,
        "is_deleted": False,
        "visible_to": 3,
        "address": None,
        "label_ids": [],
        "website": None,
        "linkedin": None,
        "industry": None,
        "annual_revenue": None,
        "employee_count": None,
        "custom_fields": {},
    },
    "deal": {
        "title": None,
        "creator_user_id": None,
        "owner_id": None,
        "value": 0,
        "currency": "EUR",
        "person_id": None,
        "org_id": None,
        "pipeline_id": 1,
        "stage_id": 1,
        "status": "open",
        "probability": None,
        "lost_reason": None,
        "visible_to": 3,
        "add_time": None,
        "update_time": None,
        "stage_change_time": None,
        "close_time": None,
        "won_time": None,
        "lost_time": None,
        "local_won_date": None,
        "local_lost_date": None,
        "local_close_date": None,
        "expected_close_date": None,
        "label_ids": [],
        "is_archived": False,
        "archive_time": None,
        "is_deleted": False,
        "origin": "API",
        "origin_id": None,
        "channel": None,
        "channel_id": None,
        "source_lead_id": None,
        "acv": None,
        "arr": None,
        "mrr": None,
        "custom_fields": {},
    },
    "activity": {
        "subject": None,
        "type": "call",
        "owner_id": None,
        "creator_user_id": None,
        "is_deleted": False,
        "add_time": None,
        "update_time": None,
        "deal_id": None,
        "lead_id": None,
        "person_id": None,
        "org_id": None,
        "project_id": None,
        "due_date": None,
        "due_time": None,
        "duration": None,
        "busy": False,
        "done": False,
        "marked_as_done_time": None,
        "location": None,
        "participants": [],
        "attendees": [],
        "conference_meeting_client": None,
        "conference_meeting_url": None,
        "conference_meeting_id": None,
        "public_description": None,
        "priority": None,
        "note": None,
    },
}
