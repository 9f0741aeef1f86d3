"""One company's Pipedrive account: its users, pipelines, fields and records."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from sandbox.state import Journal, Key, Record, Table
from sandbox.vendors.pipedrive.fields import Catalogue, catalogues
from sandbox.vendors.pipedrive.stamps import made_uuid
from sandbox.web import Json
from sandbox.world import World

PURGED_AFTER: Final = timedelta(days=30)
COMPANY_ID: Final = 7707
COMPANY_NAME: Final = "Nordlicht"
COMPANY_DOMAIN: Final = "nordlicht"
ME: Final = 11


class Account:
    """The state behind the API. Records are kept in the shape of v2 (leads and notes: v1).

    Beside what the API shows, a record holds names that begin with `_`: `_deleted_at` (of a soft delete).
    """

    def __init__(self, world: World) -> None:
        self.seed = world.seed
        self.world = world
        self._option_ids = count(31)
        self.catalogues: dict[str, Catalogue] = catalogues(world.seed, self.next_option_id)
        self.users = _users(world)
        self.pipelines = _pipelines()
        self.stages = _stages()
        self.activity_types = _activity_types()
        self.currencies = _currencies()
        self.lead_labels = _lead_labels(world)
        by_time: dict[str, Callable[[Record], object]] = {
            "id": lambda record: record["id"],
            "update_time": lambda record: record["update_time"],
            "add_time": lambda record: record["add_time"],
        }
        self.persons: Table[int] = Table(by_time)
        self.organizations: Table[int] = Table(by_time)
        self.deals: Table[int] = Table(by_time)
        self.activities: Table[int] = Table({**by_time, "due_date": lambda record: record["due_date"] or ""})
        self.notes: Table[int] = Table(by_time)
        self.leads: Table[str] = Table(by_time)
        self.by_name: dict[str, Table[int]] = {
            "person": self.persons,
            "organization": self.organizations,
            "deal": self.deals,
            "activity": self.activities,
            "note": self.notes,
        }
        self.late = timedelta(0)  # how long a transaction takes until others see it
        self.journal = Journal("pipedrive")
        self.merged: dict[tuple[str, int], int] = {}  # (entity, loser) -> survivor
        self._ids: dict[str, Iterator[int]] = {}
        self._lead_ids = count(1)

    def next_option_id(self) -> int:
        return next(self._option_ids)

    def next_id(self, entity: str) -> int:
        if entity not in self._ids:
            self._ids[entity] = count(max((record["id"] for record in self.by_name[entity]), default=0) + 1)
        return next(self._ids[entity])

    def next_lead_id(self) -> str:
        return made_uuid(self.seed, "new lead", next(self._lead_ids))

    def settle(self, now: datetime) -> None:
        """Let late transactions commit and purge what has been deleted for long enough."""
        for table in self.by_name.values():
            table.settle(now)
        self.leads.settle(now)

    def commit(self, table: Table[Key], key: Key, record: Record, now: datetime) -> None:
        """Put a record where others see it: at once, or where transactions commit late, by and by."""
        if not self.late:
            table.put(key, record)
            return
        before = table.get(key)
        table.put_later(now + self.late, lambda: table.put(key, _onto(table.get(key), before, record)))

    def user(self, user_id: Json) -> Record | None:
        return next((user for user in self.users if user["id"] == user_id), None)

    def purged(self, record: Record, now: datetime) -> bool:
        deleted_at = record.get("_deleted_at")
        return deleted_at is not None and now - deleted_at >= PURGED_AFTER


def _onto(current: Record | None, before: Record | None, record: Record) -> Record:
    """What a late transaction changed (`before` to `record`), put onto the record as it stands by then."""
    if current is None or before is None or current is before:
        return record
    merged = {**current, **{name: value for name, value in record.items() if value != before.get(name)}}
    if "custom_fields" in record:
        mine = {code: v for code, v in record["custom_fields"].items() if v != before["custom_fields"].get(code)}
        merged["custom_fields"] = {**current["custom_fields"], **mine}
    return {**merged, "update_time": max(current["update_time"], record["update_time"])}


def _users(world: World) -> list[Record]:
    names = (
        (ME, "Crosswalk Integration", "integration", True, True),
        (12, "Jonas Weber", "j.weber", True, False),
        (13, "Fatima Zahra El Idrissi", "f.elidrissi", True, False),
        (14, "পারভীন আক্তার", "p.akter", True, False),
        (15, "Sven Ångström", "s.angstrom", True, False),
        (16, "Left The Firm", "l.firm", False, False),
    )
    created = "2021-01-04 08:00:00"
    return [
        {
            "id": user_id,
            "name": name,
            "default_currency": "EUR",
            "locale": "de_DE",
            "lang": 2,
            "email": f"{local}@{COMPANY_DOMAIN}.test",
            "phone": None,
            "activated": active,
            "last_login": "2026-11-20 07:30:00",
            "created": created,
            "modified": "2026-11-20 07:30:00",
            "has_created_company": user_id == ME,
            "access": [
                {"app": app, "admin": admin, "permission_set_id": made_uuid(world.seed, app, admin)}
                for app in ("sales", "global", "account_settings")
            ],
            "active_flag": active,
            "timezone_name": "Europe/Berlin",
            "timezone_offset": "+01:00",
            "role_id": 1,
            "icon_url": None,
            "is_you": user_id == ME,
            "is_deleted": not active,
        }
        for user_id, name, local, active, admin in names
    ]


def _pipelines() -> list[Record]:
    return [
        {
            "id": nth,
            "name": name,
            "order_nr": nth,
            "is_deleted": False,
            "is_deal_probability_enabled": True,
            "add_time": "2021-01-04T08:00:00Z",
            "update_time": "2024-05-02T10:00:00Z",
        }
        for nth, name in ((1, "Neukunden"), (2, "Renewals"))
    ]


def _stages() -> list[Record]:
    rows = (
        (1, 1, "Qualified", 10),
        (2, 1, "Contact made", 25),
        (3, 1, "Demo", 40),
        (4, 1, "Proposal", 60),
        (5, 1, "Negotiation", 80),
        (6, 2, "Due", 50),
        (7, 2, "Offer sent", 70),
        (8, 2, "Commit", 90),
    )
    return [
        {
            "id": nth,
            "order_nr": nth if pipeline == 1 else nth - 5,
            "name": name,
            "is_deleted": False,
            "deal_probability": probability,
            "pipeline_id": pipeline,
            "is_deal_rot_enabled": False,
            "days_to_rotten": None,
            "add_time": "2021-01-04T08:00:00Z",
            "update_time": "2024-05-02T10:00:00Z",
        }
        for nth, pipeline, name, probability in rows
    ]


def _activity_types() -> list[Record]:
    names = (
        ("call", "Call"),
        ("meeting", "Meeting"),
        ("task", "Task"),
        ("deadline", "Deadline"),
        ("email", "Email"),
        ("lunch", "Lunch"),
    )
    return [
        {
            "id": nth,
            "order_nr": nth,
            "name": name,
            "key_string": key,
            "icon_key": key,
            "active_flag": True,
            "color": "FFFFFF",
            "is_custom_flag": False,
            "add_time": "2021-01-04 08:00:00",
            "update_time": "2021-01-04 08:00:00",
        }
        for nth, (key, name) in enumerate(names, start=1)
    ]


def _currencies() -> list[Record]:
    rows = (
        ("EUR", "Euro", 2, "€"),
        ("USD", "US Dollar", 2, "$"),
        ("GBP", "Pound Sterling", 2, "£"),
        ("SEK", "Swedish Krona", 2, "kr"),
        ("BDT", "Bangladeshi Taka", 2, "৳"),
        ("JPY", "Japanese Yen", 0, "¥"),
        ("PLN", "Polish Zloty", 2, "zł"),
        ("CHF", "Swiss Franc", 2, "CHF"),
    )
    return [
        {
            "id": nth,
            "code": code,
            "name": name,
            "decimal_points": places,
            "symbol": symbol,
            "active_flag": True,
            "is_custom_flag": False,
        }
        for nth, (code, name, places, symbol) in enumerate(rows, start=1)
    ]


def _lead_labels(world: World) -> list[Record]:
    return [
        {
            "id": made_uuid(world.seed, "lead label", name),
            "name": name,
            "color": color,
            "add_time": "2021-02-13T15:31:44.000Z",
            "update_time": "2021-02-13T15:31:44.000Z",
        }
        for name, color in (("Hot", "red"), ("Warm", "yellow"), ("Cold", "blue"))
    ]
