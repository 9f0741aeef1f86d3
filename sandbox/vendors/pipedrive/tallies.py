"""Counts beside a record (open deals, activities, notes): computed when asked, kept until something moves."""

from collections import Counter
from typing import Final

from sandbox.vendors.pipedrive.account import COMPANY_DOMAIN, Account
from sandbox.web import Json

_LINKS: Final = {"person": "person_id", "organization": "org_id", "deal": "deal_id"}
_RENAMED: Final = {
    "related_open_deals_count": "open_deals_count",
    "related_closed_deals_count": "closed_deals_count",
    "related_won_deals_count": "won_deals_count",
    "related_lost_deals_count": "lost_deals_count",
}


class Tallies:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._versions: tuple[int, ...] = ()
        self._counts: Counter[tuple[str, int, str]] = Counter()
        self._next: dict[tuple[str, int], int] = {}
        self._last: dict[tuple[str, int], int] = {}

    def of(self, entity: str, key: int, name: str) -> Json:
        """One count (or the next or last activity's id) of one record."""
        self._refresh()
        if name == "next_activity_id":
            return self._next.get((entity, key))
        if name == "last_activity_id":
            return self._last.get((entity, key))
        if name == "smart_bcc_email":
            return f"{COMPANY_DOMAIN}+{entity}{key}@dropbox.test"
        if name.endswith("_count"):
            return self._counts[entity, key, _RENAMED.get(name, name)]
        return None

    def _refresh(self) -> None:
        account = self._account
        tables = (account.deals, account.activities, account.notes, account.persons)
        versions = tuple(table.version for table in tables)
        if versions == self._versions:
            return
        self._versions = versions
        self._counts.clear()
        self._next.clear()
        self._last.clear()
        for deal in account.deals:
            if not deal["is_deleted"]:
                self._count(deal, f"{deal['status']}_deals_count")
                if deal["status"] != "open":
                    self._count(deal, "closed_deals_count")
        for activity in account.activities.walk("due_date"):
            if activity["is_deleted"]:
                continue
            self._count(activity, "activities_count")
            self._count(activity, "done_activities_count" if activity["done"] else "undone_activities_count")
            for entity, link in _LINKS.items():
                if activity[link] is not None:
                    if activity["done"]:
                        self._last[entity, activity[link]] = activity["id"]
                    else:
                        self._next.setdefault((entity, activity[link]), activity["id"])
        for note in account.notes:
            if note["active_flag"]:
                self._count(note, "notes_count")
        for person in account.persons:
            if not person["is_deleted"] and person["org_id"] is not None:
                self._counts["organization", person["org_id"], "people_count"] += 1

    def _count(self, record: Json, name: str) -> None:
        for entity, link in _LINKS.items():
            if record.get(link) is not None:
                self._counts[entity, record[link], name] += 1
