"""One company's Zoho account: its users, fields and records, and what has been deleted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final, TypeAlias

from sandbox.state import Journal, Record, Table
from sandbox.vendors.zoho.fields import SE_MODULE, Catalogue, Field, catalogues
from sandbox.vendors.zoho.modules import MODULES
from sandbox.vendors.zoho.stamps import kept, record_id, shown
from sandbox.web import Json
from sandbox.world import World

RECYCLED_FOR: Final = timedelta(days=60)
TOLD_FOR: Final = timedelta(days=120)
ORG_ID: Final = "20068510377"
COMPANY: Final = "Nordlicht"
LICENCES: Final = 10
ME: Final = record_id(200001)
# Numbers of records that are made while the sandbox runs begin here, above those of every settlement.
FIRST_NEW: Final = 100_000_001

_Show: TypeAlias = Callable[[Record], Json]


@dataclass(slots=True, kw_only=True)
class Deletion:
    """A record that is gone. `record`: as it was, while the recycle bin keeps it."""

    id: str
    name: str | None
    at: datetime
    by: str
    created_by: str
    record: Record | None

    def in_bin(self, now: datetime) -> bool:
        return self.record is not None and now - self.at < RECYCLED_FOR


class Account:
    """The state behind the API.

    A record is a flat dict by the keys of fields. A lookup is kept as an id (one of any module as module and id), a
    person of the account as an id, a moment as `stamps.kept`. Names that begin with `_` are not fields: `_locked`.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.catalogues: dict[str, Catalogue] = catalogues()
        self.users = _users()
        self._users_by_id = {user["id"]: user for user in self.users}
        self.contact_roles = _contact_roles()
        orders: dict[str, Callable[[Record], object]] = {
            "id": lambda record: record["id"],
            "Created_Time": lambda record: record["Created_Time"],
            "Modified_Time": lambda record: record["Modified_Time"],
        }
        self.tables: dict[str, Table[str]] = {module: Table(orders) for module in MODULES}
        self.deleted: dict[str, dict[str, Deletion]] = {module: {} for module in MODULES}
        # (deal, contact) -> role or None; (campaign, module, member) -> status
        self.roles: dict[tuple[str, str], str | None] = {}
        self.members: dict[tuple[str, str, str], str] = {}
        self.journal = Journal("zoho")
        self.late = timedelta(0)  # how long a transaction takes until others see it
        # (module, key, folded value) -> ids, oldest first; and what a record holds of them
        self._twins: dict[tuple[str, str, Json], dict[str, None]] = {}
        self._held: dict[tuple[str, str], list[tuple[str, str, Json]]] = {}
        self._numbers = count(FIRST_NEW)
        self._case_numbers = count(1001)
        self._shows: dict[tuple[str, str], list[tuple[str, _Show]]] = {}

    # records

    def next_id(self) -> str:
        return record_id(next(self._numbers))

    def next_case_number(self) -> str:
        return str(next(self._case_numbers))

    def settle(self, now: datetime) -> None:
        """Let late transactions commit."""
        for table in self.tables.values():
            table.settle(now)

    def commit(self, module: str, record: Record, now: datetime) -> None:
        """Put a record where others see it: at once, or by and by. What identifies it is taken at once."""
        table, key = self.tables[module], record["id"]
        self._claim(module, record)
        if not self.late:
            self._put(module, record)
            return
        before = table.get(key)

        def late() -> None:
            if key not in self.deleted[module]:  # in the meantime
                self._put(module, _onto(table.get(key), before, record))

        table.put_later(now + self.late, late)

    def _put(self, module: str, record: Record) -> None:
        before = self.tables[module].get(record["id"])
        self.tables[module].put(record["id"], record)
        display = MODULES[module].display
        if before is not None and before.get(display) != record.get(display):
            self._forget_bytes(module)

    def drop(self, module: str, record: Record, *, by: str, at: datetime, permanent: bool = False) -> None:
        """Into the recycle bin, or for good."""
        self.tables[module].drop(record["id"])
        self._release(module, record["id"])
        self._forget_bytes(module)
        self.deleted[module][record["id"]] = Deletion(
            id=record["id"],
            name=None if permanent else self.name(module, record),
            at=at,
            by=by,
            created_by=record["Created_By"],
            record=None if permanent else record,
        )

    def restore(self, module: str, record: Record) -> None:
        """Out of the recycle bin, as it was."""
        del self.deleted[module][record["id"]]
        self._claim(module, record)
        self.tables[module].put(record["id"], record)
        self._forget_bytes(module)

    def _forget_bytes(self, module: str) -> None:
        """The name of a record has changed: it stands in the records of others as well."""
        for name, catalogue in self.catalogues.items():
            if any(catalogue.lookups(module)):
                self.tables[name].forget_bytes()

    def name(self, module: str, record: Record) -> str:
        return str(record.get(MODULES[module].display) or "")

    def find(self, module: str, key: str) -> Record | None:
        return self.tables[module].get(key)

    # values that identify

    def twins(self, module: str, key: str, value: Json) -> Sequence[str]:
        """Ids of the records with this value, however its letters are written, oldest first."""
        return tuple(self._twins.get((module, key, fold(value)), ()))

    def identifying(self, module: str) -> list[str]:
        """The keys of fields by which records are told apart: the module's own, and the unique ones."""
        catalogue = self.catalogues[module]
        own = [catalogue.spec.twin] if catalogue.spec.twin in catalogue.fields else []
        return [*own, *(found.key for found in catalogue.fields.values() if found.unique)]

    def _claim(self, module: str, record: Record) -> None:
        self._release(module, record["id"])
        held = [(module, key, fold(record[key])) for key in self.identifying(module) if record.get(key) is not None]
        for entry in held:
            self._twins.setdefault(entry, {})[record["id"]] = None
        self._held[module, record["id"]] = held

    def _release(self, module: str, key: str) -> None:
        for entry in self._held.pop((module, key), ()):
            self._twins[entry].pop(key, None)

    # how records are shown

    def user(self, key: str | None) -> Record | None:
        return self._users_by_id.get(key or "")

    def by(self, key: str) -> Json:
        """A person of the account, as details of a written row name them."""
        user = self._users_by_id[key]
        return {"name": user["full_name"], "id": key}

    def view(self, module: str, names: Sequence[str] | None) -> Callable[[Record], Json]:
        """What shows a record's fields of those names, or all; unknown names are left out, the id never is."""
        asked = None if names is None else ",".join(names)
        shows = self._shows.get((module, asked or ""))
        if shows is None:
            catalogue = self.catalogues[module].by_name()
            chosen = catalogue.values() if names is None else (catalogue[name] for name in names if name in catalogue)
            shows = [pair for found in chosen if found.key != "id" for pair in self.shows(found)]
            self._shows[module, asked or ""] = shows
        listed = shows
        return lambda record: {"id": record["id"], **{name: show(record) for name, show in listed}}

    def forget_views(self) -> None:
        """Fields have changed."""
        self._shows.clear()
        for table in self.tables.values():
            table.forget_bytes()

    def shows(self, found: Field) -> Iterator[tuple[str, _Show]]:
        """Under which names a field is shown, and how."""
        yield found.name, self._show(found)
        if found.key == "What_Id":  # beside it stands the module
            yield "$se_module", lambda record: (record.get("What_Id") or (None,))[0]

    def _show(self, found: Field) -> _Show:
        key = found.key
        if found.type == "datetime":
            return lambda record: None if (at := record.get(key)) is None else shown(at)
        if found.type == "ownerlookup":
            return lambda record: self._person(record.get(key))
        if key == "Parent_Id":
            return lambda record: self._parent(record.get(key))
        if found.target == SE_MODULE:
            return lambda record: self._of_any(record.get(key))
        if found.target is not None:
            target = found.target
            return lambda record: self._reference(target, record.get(key))
        return lambda record: record.get(key)

    def _person(self, key: str | None) -> Json:
        user = self._users_by_id.get(key or "")
        return user and {"name": user["full_name"], "id": user["id"], "email": user["email"]}

    def _of_any(self, at: Sequence[str] | None) -> Json:
        return None if at is None else self._reference(at[0], at[1])

    def _parent(self, at: Sequence[str] | None) -> Json:
        """What a note is about, with its module in it."""
        shown = self._of_any(at)
        if shown is None or at is None:
            return None
        return {"module": {"api_name": at[0], "id": record_id(MODULES[at[0]].number)}, **shown}

    def _reference(self, module: str, key: str | None) -> Json:
        record = None if key is None else self.tables[module].get(key)
        return None if record is None else {"name": self.name(module, record), "id": key}


def fold(value: Json) -> Json:
    return value.casefold() if isinstance(value, str) else value


def _onto(current: Record | None, before: Record | None, record: Record) -> Record:
    """What a late transaction changed (`before` to `record`), put onto the record as it stands by then."""
    if current is None or before is None or current is before:
        return record
    changed = {key: value for key, value in record.items() if value != before.get(key)}
    return {**current, **changed, "Modified_Time": max(current["Modified_Time"], record["Modified_Time"])}


def _users() -> list[Record]:
    rows = (
        ("Crosswalk", "Integration", "integration", "active", "Administrator"),
        ("Jonas", "Weber", "j.weber", "active", "Standard"),
        ("Fatima Zahra", "El Idrissi", "f.elidrissi", "active", "Standard"),
        ("পারভীন", "আক্তার", "p.akter", "active", "Standard"),
        ("Sven", "Ångström", "s.angstrom", "active", "Administrator"),
        ("Left", "The Firm", "l.firm", "inactive", "Standard"),
        ("Gone", "For Good", "g.good", "deleted", "Standard"),
    )
    me = {"name": "Crosswalk Integration", "id": ME}
    return [
        {
            "id": record_id(200001 + nth),
            "first_name": first,
            "last_name": last,
            "full_name": f"{first} {last}",
            "email": f"{local}@nordlicht.test",
            "status": status,
            "confirm": True,
            "role": {"name": "CEO" if nth == 0 else "Manager", "id": record_id(26005 + (nth > 0))},
            "profile": {"name": profile, "id": record_id(26011 if profile == "Administrator" else 26014)},
            "zuid": str(20068510380 + nth),
            "category": "regular_user",
            "type__s": "Regular User",
            "time_zone": "Europe/Berlin",
            "locale": "de_DE",
            "language": "en_US",
            "country": "DE",
            "country_locale": "de_DE",
            "date_format": "MMM d, yyyy",
            "time_format": "HH:mm",
            "number_separator": "Space",
            "decimal_separator": "Comma",
            "name_format__s": "Salutation,First Name,Last Name",
            "sort_order_preference__s": "First Name,Last Name",
            "default_tab_group": "0",
            "created_time": "2021-01-04T09:00:00+01:00",
            "created_by": me,
            "Modified_Time": "2026-11-20T08:30:00+01:00",
            "Modified_By": me,
            "Isonline": False,
            "personal_account": False,
            "offset": 3600000,
            "microsoft": False,
            "sandboxDeveloper": False,
            "alias": None,
            "city": None,
            "state": None,
            "street": None,
            "zip": None,
            "phone": None,
            "mobile": None,
            "fax": None,
            "website": None,
            "dob": None,
            "signature": None,
            "territories": [],
        }
        for nth, (first, last, local, status, profile) in enumerate(rows)
    ]


def _contact_roles() -> list[Record]:
    names = ("Developer/Evaluator", "Decision Maker", "Executive Sponsor", "Product Management", "Purchasing")
    return [{"id": record_id(26101 + nth), "name": name, "sequence_number": nth + 1} for nth, name in enumerate(names)]


def made(account: Account, module: str, values: Record, *, key: str, by: str, now: datetime) -> Record:
    """A new record of the values given; who made it and when is the system's to say."""
    at = kept(now)
    record = {
        **{
            found.key: False if found.type == "boolean" else None
            for found in account.catalogues[module].fields.values()
        },
        "Owner": by,
        **values,
        "id": key,
        "Created_By": by,
        "Modified_By": by,
        "Created_Time": at,
        "Modified_Time": at,
    }
    return followed(module, record)


def followed(module: str, record: Record) -> Record:
    """The record with the fields that follow from others."""
    if module in {"Contacts", "Leads"}:
        record["Full_Name"] = " ".join(part for part in (record["First_Name"], record["Last_Name"]) if part)
        if record["Email_Opt_Out"] != (record["Unsubscribed_Mode"] is not None):
            out = bool(record["Email_Opt_Out"])
            record["Unsubscribed_Mode"] = "Manual" if out else None
            record["Unsubscribed_Time"] = record["Modified_Time"] if out else None
    elif module == "Deals":
        amount, probability = record["Amount"], record["Probability"]
        record["Expected_Revenue"] = (
            None if amount is None or probability is None else round(amount * probability / 100, 2)
        )
    elif module == "Tasks" and (record["Closed_Time"] is not None) != (record["Status"] == "Completed"):
        record["Closed_Time"] = record["Modified_Time"] if record["Status"] == "Completed" else None
    elif module == "Calls" and record["Call_Duration"]:
        minutes, _, seconds = str(record["Call_Duration"]).partition(":")
        if minutes.isdigit() and seconds.isdigit():
            record["Call_Duration_in_seconds"] = int(minutes) * 60 + int(seconds)
    return record


def each_deletion(account: Account, module: str, now: datetime) -> Iterator[Deletion]:
    """What is still told of deletions, the newest first."""
    found = [gone for gone in account.deleted[module].values() if now - gone.at < TOLD_FOR]
    return iter(sorted(found, key=lambda gone: (gone.at, gone.id), reverse=True))
