"""How the world's people got into the account, with the slips that clerks make."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sandbox.people import Company, Person, as_written, typo
from sandbox.state import Record
from sandbox.vendors.pipedrive.account import COMPANY_DOMAIN, ME, Account
from sandbox.vendors.pipedrive.fields import ADDRESS_PARTS, Catalogue
from sandbox.vendors.pipedrive.stamps import lead_stamp, made_uuid, split_name, stamp
from sandbox.web import Json
from sandbox.world import MARA, RAHIM, SHARMILA, CrmEntry, World

_NOTES: Final = (
    "<p>Spoke on the phone, wants an offer by <b>Friday</b>.</p>",
    "<div>Ruft zurück wegen der Rechnung 🧾<br/>Bitte <i>nicht</i> vor 9 Uhr anrufen.</div>",
    "<ul><li>Budget: ~40&nbsp;k€</li><li>Entscheider: Einkauf &amp; CFO</li></ul>",
    "ফোনে কথা হয়েছে, আগামী সপ্তাহে আবার।",
    '<p>見積書を送付済み。<a href="https://files.test/q/1">link</a></p>',
    "<p>العميل راضٍ جداً</p>",
    'Met at the fair. 1 < 2 &amp; "quotes" stay as they are.',
    "<p></p>",
)
_SUBJECTS: Final = (
    "Call back",
    "Angebot nachfassen",
    "QBR",
    "Vertragsverlängerung besprechen",
    "打ち合わせ",
    "Déjeuner",
    "Send contract",
)
_LOST: Final = ("Too expensive", "Went with a competitor", "Kein Budget", None)


class Settlement:
    """Moves the world's people into the account, with the slips that clerks make."""

    def __init__(self, account: Account, world: World) -> None:
        self._account, self._world, self._rng = account, world, world.draw("pipedrive")
        self._twice: dict[int, int] = {}  # company number -> id of its second record
        self._deals_of: dict[int, list[int]] = {}  # person id -> ids of deals
        self._sellers = [user["id"] for user in account.users if user["active_flag"] and user["id"] != ME]
        person, organization = account.catalogues["person"], account.catalogues["organization"]
        self._person_hash = {field.name: field.code for field in person.custom()}
        self._organization_hash = {field.name: field.code for field in organization.custom()}
        self._deal_hash = {field.name: field.code for field in account.catalogues["deal"].custom()}
        self._tier = _option_ids(person, "Kundenstufe")
        self._class = _option_ids(person, "NPS class")
        self._segment = _option_ids(organization, "Segment")
        self._competitors = _option_ids(account.catalogues["deal"], "Competitors")
        self._labels = {
            entity: [option.id for option in account.catalogues[entity].fields["label_ids"].options or ()]
            for entity in ("person", "organization", "deal")
        }
        self._industry = {option.label: option.id for option in organization.fields["industry"].options or ()}

    def settle(self) -> None:
        for number, organization_id in self._world.organizations.items():
            self._account.organizations.put(
                organization_id, self._organization(organization_id, self._world.companies[number])
            )
        self._enter_companies_twice()
        for entry in self._world.crm:
            self._account.persons.put(entry.id, self._person(entry))
        self._merge_and_delete()
        self._deals()
        self._leads()
        self._activities()
        self._notes()

    def _enter_companies_twice(self) -> None:
        """Some companies stand there once more, in another spelling, and some of their people hang on that one."""
        free = len(self._account.organizations) + 1
        for number in self._world.organizations:
            firm = self._world.companies[number]
            if number > 1 and self._rng.random() < 0.03:
                again = self._organization(free, firm)
                self._account.organizations.put(free, {**again, "name": self._rng.choice(firm.spellings()[1:])})
                self._twice[number] = free
                free += 1

    def _organization_id(self, employer: int | None, person: Person) -> int | None:
        if employer is None:
            return None
        if employer in self._twice and person.number % 3 == 0:
            return self._twice[employer]
        return self._world.organizations.get(employer)

    def _deal_with(self, person: Record) -> int | None:
        """One of the deals with a person, sometimes."""
        deals = self._deals_of.get(person["id"])
        return self._rng.choice(deals) if deals and self._rng.random() < 0.4 else None

    def _between(self, start: datetime, end: datetime) -> datetime:
        return (start + (end - start) * self._rng.random()).replace(microsecond=0)

    def _organization(self, organization_id: int, firm: Company) -> Record:
        rng, anchor = self._rng, self._world.anchor
        added = anchor - timedelta(seconds=rng.randrange(86400, 5 * 365 * 86400))
        spellings = firm.spellings()
        name = firm.legal() if rng.random() < 0.7 or firm.number == 0 else rng.choice(spellings)
        if firm.number == 1:
            name = "Padma Textiles"
        has_address = rng.random() < 0.7
        country = firm.culture.country
        line = f"{firm.street} {firm.house}, {firm.postal_code} {firm.city[0]}"
        address = {
            **dict.fromkeys(ADDRESS_PARTS),
            "value": line,
            "route": firm.street,
            "street_number": firm.house,
            "locality": firm.city[0],
            "postal_code": firm.postal_code,
            "country": country,
        }
        if has_address and rng.random() < 0.15:
            address = {**dict.fromkeys(ADDRESS_PARTS), "value": line}  # never geocoded
        revenue = firm.revenue if rng.random() < 0.5 else None
        return {
            "id": organization_id,
            "name": name,
            "owner_id": rng.choice(self._sellers),
            "add_time": stamp(added),
            "update_time": stamp(self._between(added, anchor)),
            "is_deleted": False,
            "visible_to": 3,
            "address": address if has_address else None,
            "label_ids": [rng.choice(self._labels["organization"])] if rng.random() < 0.3 else [],
            "website": f"https://www.{firm.domain}" if rng.random() < 0.6 else None,
            "linkedin": None,
            "industry": self._industry[firm.industry] if rng.random() < 0.6 else None,
            "annual_revenue": revenue,
            "employee_count": firm.employees if rng.random() < 0.5 else None,
            "custom_fields": {
                **dict.fromkeys(self._organization_hash.values()),
                self._organization_hash["Segment"]: rng.choice(self._segment) if rng.random() < 0.6 else None,
            },
        }

    def _person(self, entry: CrmEntry) -> Record:
        rng, person = self._rng, entry.person
        stale = person.former is not None and rng.random() < 0.6
        employer = person.former if stale else person.company
        firm = None if employer is None else self._world.companies[employer]
        name = self._name(person, second=entry.second)
        first, last = split_name(name)
        tier = rng.choice(self._tier) if rng.random() < 0.4 else None
        born = person.born.isoformat() if rng.random() < 0.3 else None
        old_score = rng.randrange(11) if rng.random() < 0.04 and person.number > RAHIM else None
        return {
            "id": entry.id,
            "name": name,
            "first_name": first,
            "last_name": last,
            "owner_id": rng.choice(self._sellers),
            "org_id": self._organization_id(employer, person),
            "add_time": stamp(entry.added),
            "update_time": stamp(entry.changed),
            "emails": self._emails(entry, firm, stale=stale),
            "phones": self._phones(entry),
            "is_deleted": False,
            "visible_to": 3,
            "label_ids": sorted(rng.sample(self._labels["person"], rng.choice((0, 0, 0, 1, 1, 2)))),
            "picture_id": None,
            "custom_fields": {
                **dict.fromkeys(self._person_hash.values()),
                self._person_hash["Kundenstufe"]: tier,
                self._person_hash["Geburtstag"]: born,
                self._person_hash["NPS score"]: old_score,
                self._person_hash["NPS class"]: None if old_score is None else self._class[_class_of(old_score)],
                self._person_hash["NPS date"]: None if old_score is None else "2025-03-14",
            },
            "postal_address": None,
            "notes": None,
            "im": [],
            "birthday": person.born.isoformat() if rng.random() < 0.05 else None,
            "job_title": person.title if rng.random() < 0.7 or person.number <= RAHIM else None,
            "marketing_status": self._marketing(person),
            "doi_status": "none",
        }

    def _name(self, person: Person, *, second: bool) -> str:
        rng = self._rng
        chance = rng.random()
        if person.number in (MARA, SHARMILA):
            return person.full()
        if person.number == RAHIM:
            return person.latin()
        name = person.latin() if second or chance < 0.3 else person.full()
        if 0.3 <= chance < 0.36 or (second and chance < 0.15):
            name = typo(rng, name)
        elif 0.36 <= chance < 0.38:
            name += rng.choice((" 🌞", " (HH)", " "))
        elif 0.38 <= chance < 0.41 and person.prefix:
            name = f"{person.prefix} {name}"
        return name

    def _emails(self, entry: CrmEntry, firm: Company | None, *, stale: bool) -> list[Json]:
        rng, person = self._rng, entry.person
        work = person.former_email if stale else person.work_email
        found: list[tuple[str, str]] = []
        certain = person.number <= RAHIM
        if work and not entry.second and (certain or rng.random() < 0.88):
            odd = rng.random()
            if odd < 0.02 and not certain:
                work = typo(rng, work)
            elif odd < 0.06 and not certain:
                work = work.title()
            found.append((work, "work"))
        if firm and rng.random() < 0.05 and not certain:
            found.append((f"info@{firm.domain}", "work"))
        if not certain and (entry.second or rng.random() < (0.15 if found else 0.5)):
            found.append((person.private_email, "home"))
        if entry.second and rng.random() < 0.5 and work:
            found.append((work, "work"))
        return [{"value": address, "primary": nth == 0, "label": label} for nth, (address, label) in enumerate(found)]

    def _phones(self, entry: CrmEntry) -> list[Json]:
        rng, person = self._rng, entry.person
        found: list[tuple[str, str]] = []
        if rng.random() < 0.75 or person.number <= RAHIM:
            written = rng.random() < 0.6 or person.number <= RAHIM
            found.append((person.phone if written else as_written(person.phone, rng), "mobile"))
        if rng.random() < 0.04 and person.number > RAHIM:
            # The switchboard: one number for everybody who works there.
            found.append((f"+49 89 555{(person.company or 0) % 8000 + 1000}", "work"))
        return [{"value": number, "primary": nth == 0, "label": label} for nth, (number, label) in enumerate(found)]

    def _marketing(self, person: Person) -> str:
        chance = self._rng.random()
        if person.number == self._world.fates.get("unsubscribed"):
            return "unsubscribed"
        return "subscribed" if chance < 0.3 else "unsubscribed" if chance < 0.33 else "no_consent"

    def _merge_and_delete(self) -> None:
        account, world = self._account, self._world
        by_person: dict[int, list[int]] = {}
        for entry in world.crm:
            by_person.setdefault(entry.person.number, []).append(entry.id)
        merged = by_person.get(world.fates.get("merged", -1), [])
        if len(merged) == 2:
            survivor, loser = merged
            at = world.anchor - timedelta(days=10, hours=1)
            self._gone(loser, at)
            kept = account.persons.get(survivor)
            if kept is not None:
                account.persons.put(survivor, {**kept, "update_time": stamp(at)})
            account.merged["person", loser] = survivor
        for person_id in by_person.get(world.fates.get("deleted", -1), []):
            self._gone(person_id, world.anchor - timedelta(days=5, hours=2))

    def _gone(self, person_id: int, at: datetime) -> None:
        person = self._account.persons.get(person_id)
        if person is not None:
            self._account.persons.put(
                person_id, {**person, "is_deleted": True, "update_time": stamp(at), "_deleted_at": at}
            )

    def _deals(self) -> None:
        rng, anchor, account = self._rng, self._world.anchor, self._account
        people = [record for record in account.persons if not record["is_deleted"]]
        for deal_id in range(1, max(4, len(people) * 6 // 10)):
            person = rng.choice(people)
            organization = account.organizations.get(person["org_id"]) if person["org_id"] else None
            added = anchor - timedelta(seconds=rng.randrange(7200, 1500 * 86400))
            changed = self._between(added, anchor)
            status = rng.choices(("open", "won", "lost"), (5, 3, 3))[0]
            stage = rng.choice(account.stages)
            closed = stamp(changed) if status != "open" else None
            archived = status != "open" and rng.random() < 0.15
            deleted = rng.random() < 0.02
            linked = rng.random() < 0.9
            if linked and not deleted:
                self._deals_of.setdefault(person["id"], []).append(deal_id)
            deleted_at = anchor - timedelta(seconds=rng.randrange(3600, 40 * 86400)) if deleted else None
            title = f"{(organization or person)['name']} {rng.choice(('deal', 'renewal', 'Angebot 2026'))}"
            recurring = round(rng.uniform(50, 5000), 2) if rng.random() < 0.2 else None
            account.deals.put(
                deal_id,
                {
                    "id": deal_id,
                    "title": title,
                    "creator_user_id": rng.choice(self._sellers),
                    "owner_id": person["owner_id"],
                    "value": rng.choice((0, 990, 12000, 4500.5, 250000)),
                    "currency": rng.choice(("EUR", "EUR", "EUR", "USD", "SEK", "JPY")),
                    "person_id": person["id"] if linked else None,
                    "org_id": person["org_id"],
                    "pipeline_id": stage["pipeline_id"],
                    "stage_id": stage["id"],
                    "status": status,
                    "probability": stage["deal_probability"] if status == "open" and rng.random() < 0.5 else None,
                    "lost_reason": rng.choice(_LOST) if status == "lost" else None,
                    "visible_to": 3,
                    "add_time": stamp(added),
                    "update_time": stamp(max(changed, deleted_at) if deleted_at else changed),
                    "stage_change_time": stamp(self._between(added, changed)) if rng.random() < 0.8 else None,
                    "close_time": closed,
                    "won_time": closed if status == "won" else None,
                    "lost_time": closed if status == "lost" else None,
                    "local_won_date": closed[:10] if closed and status == "won" else None,
                    "local_lost_date": closed[:10] if closed and status == "lost" else None,
                    "local_close_date": closed[:10] if closed else None,
                    "expected_close_date": str((changed + timedelta(days=60)).date()) if rng.random() < 0.6 else None,
                    "label_ids": [rng.choice(self._labels["deal"])] if rng.random() < 0.2 else [],
                    "is_archived": archived,
                    "archive_time": stamp(changed) if archived else None,
                    "is_deleted": deleted,
                    "origin": rng.choice(("ManuallyCreated", "API", "Import")),
                    "origin_id": None,
                    "channel": None,
                    "channel_id": None,
                    "source_lead_id": None,
                    "acv": recurring and round(recurring * 12, 2),
                    "arr": recurring and round(recurring * 12, 2),
                    "mrr": recurring,
                    "custom_fields": {
                        **dict.fromkeys(self._deal_hash.values()),
                        self._deal_hash["Competitors"]: sorted(rng.sample(self._competitors, 2))
                        if rng.random() < 0.1
                        else None,
                        self._deal_hash["Renewal fee"]: {"value": 120.5, "currency": "EUR"}
                        if rng.random() < 0.1
                        else None,
                        self._deal_hash["Contract term"]: {"value": "2026-01-01", "until": "2026-12-31"}
                        if rng.random() < 0.1
                        else None,
                    },
                    "_deleted_at": deleted_at,
                },
            )

    def _leads(self) -> None:
        rng, anchor, account = self._rng, self._world.anchor, self._account
        people = [record for record in account.persons if not record["is_deleted"]]
        for nth in range(max(2, len(people) // 10)):
            person = rng.choice(people)
            added = anchor - timedelta(seconds=rng.randrange(3600, 500 * 86400), milliseconds=rng.randrange(1000))
            lead_id = made_uuid(self._world.seed, "lead", nth)
            # Leads have the deals' custom fields, at their root and only where set.
            fee = {self._deal_hash["Renewal fee"]: {"value": 99.5, "currency": "EUR"}} if nth % 10 == 0 else {}
            account.leads.put(
                lead_id,
                {
                    "id": lead_id,
                    "title": f"{person['name']} lead",
                    "owner_id": person["owner_id"],
                    "creator_id": person["owner_id"],
                    "label_ids": [rng.choice(account.lead_labels)["id"]] if rng.random() < 0.5 else [],
                    "person_id": person["id"],
                    "organization_id": person["org_id"],
                    "source_name": rng.choice(("API", "Web forms", "Manually created")),
                    "origin": "API",
                    "origin_id": None,
                    "channel": None,
                    "channel_id": None,
                    "source_deal_id": None,
                    "is_archived": rng.random() < 0.1,
                    "was_seen": rng.random() < 0.8,
                    "value": {"amount": rng.choice((999, 12.5, 4000)), "currency": "EUR"}
                    if rng.random() < 0.6
                    else None,
                    "expected_close_date": "2026-12-31" if rng.random() < 0.3 else None,
                    "next_activity_id": None,
                    "add_time": lead_stamp(added),
                    "update_time": lead_stamp(self._between(added, anchor)),
                    "visible_to": "3",
                    "cc_email": f"{COMPANY_DOMAIN}+lead{nth}@dropbox.test",
                    **fee,
                },
            )

    def _activities(self) -> None:
        rng, anchor, account = self._rng, self._world.anchor, self._account
        people = [record for record in account.persons if not record["is_deleted"]]
        for activity_id in range(1, max(4, len(people) * 8 // 10)):
            person = rng.choice(people)
            added = anchor - timedelta(seconds=rng.randrange(3600, 900 * 86400))
            due = added + timedelta(days=rng.randrange(30))
            done = due < anchor and rng.random() < 0.9
            changed = self._between(added, anchor)
            timed = rng.random() < 0.6
            account.activities.put(
                activity_id,
                {
                    "id": activity_id,
                    "subject": rng.choice(_SUBJECTS),
                    "type": rng.choice(account.activity_types)["key_string"],
                    "owner_id": person["owner_id"],
                    "creator_user_id": person["owner_id"],
                    "is_deleted": False,
                    "add_time": stamp(added),
                    "update_time": stamp(changed),
                    "deal_id": self._deal_with(person),
                    "lead_id": None,
                    "person_id": person["id"],
                    "org_id": person["org_id"],
                    "project_id": None,
                    "due_date": due.date().isoformat(),
                    "due_time": f"{rng.randrange(8, 18):02d}:30:00" if timed else None,
                    "duration": "00:30:00" if timed else None,
                    "busy": timed,
                    "done": done,
                    "marked_as_done_time": stamp(changed) if done else None,
                    "location": None,
                    "participants": [{"person_id": person["id"], "primary": True}],
                    "attendees": [],
                    "conference_meeting_client": None,
                    "conference_meeting_url": None,
                    "conference_meeting_id": None,
                    "public_description": None,
                    "priority": None,
                    "note": rng.choice(_NOTES) if rng.random() < 0.3 else None,
                },
            )

    def _notes(self) -> None:
        rng, anchor, account = self._rng, self._world.anchor, self._account
        people = [record for record in account.persons if not record["is_deleted"]]
        for note_id in range(1, max(3, len(people) * 35 // 100)):
            person = rng.choice(people)
            added = anchor - timedelta(seconds=rng.randrange(3600, 900 * 86400))
            account.notes.put(
                note_id,
                {
                    "id": note_id,
                    "active_flag": True,
                    "add_time": stamp(added),
                    "content": rng.choice(_NOTES),
                    "deal_id": self._deal_with(person),
                    "lead_id": None,
                    "person_id": person["id"],
                    "org_id": person["org_id"],
                    "project_id": None,
                    "task_id": None,
                    "last_update_user_id": None,
                    "user_id": person["owner_id"],
                    "pinned_to_deal_flag": False,
                    "pinned_to_lead_flag": False,
                    "pinned_to_organization_flag": False,
                    "pinned_to_person_flag": False,
                    "pinned_to_project_flag": False,
                    "pinned_to_task_flag": False,
                    "update_time": stamp(self._between(added, anchor)),
                },
            )


def _option_ids(catalogue: Catalogue, label: str) -> Sequence[int]:
    return [option.id for option in catalogue.by_label(label).options or ()]


def _class_of(score: int) -> int:
    """Index among Promoter, Passive, Detractor."""
    return 0 if score >= 9 else 1 if score >= 7 else 2
