"""How the world's people got into the org, with the slips that clerks make."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sandbox.people import Company, Person, as_written, typo
from sandbox.state import Record
from sandbox.vendors.salesforce.derived import PERSON, derive
from sandbox.vendors.salesforce.objects import (
    CASE_STATUSES,
    CLASSES,
    LEAD_STATUSES,
    PRIORITIES,
    RATINGS,
    ROLES,
    SALUTATIONS,
    SOURCES,
    STAGES,
    TASK_STATUSES,
    TIERS,
)
from sandbox.vendors.salesforce.org import DOMAIN, Org
from sandbox.vendors.salesforce.stamps import stamp
from sandbox.web import Json
from sandbox.world import MARA, RAHIM, SHARMILA, World

_INDUSTRY: Final = {
    "Energy": "Energy", "Textiles": "Apparel", "Food": "Food & Beverage", "Logistics": "Transportation",
    "Software": "Technology", "Machinery": "Machinery", "Health": "Healthcare", "Retail": "Retail",
}  # fmt: skip
_SUBJECTS: Final = ("Call", "Send Quote", "Angebot nachfassen", "Rappeler", "打ち合わせ", "Email: Vertrag", "QBR")
_NOTES: Final = (
    "Wants an offer by Friday.\nBudget: 40 k€ <approx.>", "Ruft zurück wegen der Rechnung 🧾",
    "ফোনে কথা হয়েছে, আগামী সপ্তাহে আবার।", "見積書を送付済み。", 'Met at the fair, says "maybe".',
)  # fmt: skip
_TROUBLES: Final = (
    "Late delivery", "Rechnung falsch", "Portal login fails", "Panel beschädigt", "Où est ma commande ?", "请尽快回复",
)  # fmt: skip
_CAMPAIGNS: Final = (
    ("Spring fair 2026", "Conference"), ("Newsletter Herbst", "Email"), ("Webinar: Solar & Storage", "Webinar"),
    ("Kunden werben Kunden", "Referral Program"), ("Win-back", "Email"),
)  # fmt: skip


class Settlement:
    """Moves the world's people into the org."""

    def __init__(self, org: Org, world: World) -> None:
        self._org, self._world, self._rng = org, world, world.draw("salesforce")
        self._accounts: dict[int, str] = {}  # company number -> id of its account
        self._twice: dict[int, str] = {}  # company number -> id of its second account
        self._contacts: dict[int, list[str]] = {}  # person number -> ids of contacts
        self._leads: dict[int, str] = {}
        self._sellers: list[str] = []
        self._queues: list[str] = []
        # One evening somebody loaded a file: more records share its second than fit on a small page.
        self._load = world.anchor - timedelta(days=52, hours=11, seconds=41)

    def settle(self) -> None:
        self._reference_data()
        kinds = {person.number: self._kind(person) for person in self._world.people}
        self._settle_accounts(kinds)
        for person in self._world.people:
            if kinds[person.number] == "contact":
                self._contact(person, second=False)
                if self._rng.random() < 0.03 or person.number == self._world.fates.get("merged"):
                    self._contact(person, second=True)
            elif kinds[person.number] == "lead":
                self._lead(person)
            elif kinds[person.number] == "person account":
                self._person_account(person)
        self._convert_some_leads()
        self._fates()
        self._opportunities()
        self._activities()
        self._cases()
        self._campaigns()

    def _kind(self, person: Person) -> str:
        """What the person is here; private customers are person accounts, and some nobody has heard of."""
        chance = self._rng.random()
        if person.number <= RAHIM or person.number in self._world.fates.values():
            return "contact"
        if person.company is None:
            return "person account" if chance < 0.35 else "lead" if chance < 0.55 else ""
        return "contact" if chance < 0.68 else "lead" if chance < 0.84 else ""

    def _put(self, name: str, record: Record, born: datetime, changed: datetime, by: str | None = None) -> str:
        """Keep a record as it stood when the story begins. System jobs have touched some of them later."""
        rng, entry = self._rng, self._org.objects[name]
        touched = changed + timedelta(seconds=rng.randrange(1, 900)) if rng.random() < 0.05 else changed
        author = by or rng.choice(self._sellers)
        whole: Record = {field.key: field.default for field in entry.fields.values() if field.default not in (None, "")}
        whole |= {key: value for key, value in record.items() if value is not None}
        whole.setdefault("Id", self._org.new_id(name))
        whole |= {
            "CreatedDate": stamp(born), "CreatedById": author, "LastModifiedDate": stamp(changed),
            "LastModifiedById": author, "SystemModstamp": stamp(min(touched, self._world.anchor)),
        }  # fmt: skip
        self._org.tables[name].put(whole["Id"], derive(name, None, whole, self._org.record, changed))
        return str(whole["Id"])

    def _born(self, days: int = 5 * 365) -> datetime:
        return self._world.anchor - timedelta(seconds=self._rng.randrange(3 * 86400, days * 86400))

    def _later(self, born: datetime) -> datetime:
        if self._rng.random() < 0.12 and born < self._load:
            return self._load
        return born + (self._world.anchor - born) * float(self._rng.random() ** 0.5)

    def _reference_data(self) -> None:
        org, begun = self._org, self._world.anchor - timedelta(days=6 * 365)
        self._sellers = [org.me]
        users = (
            ("Crosswalk", "Integration", "svc-crosswalk", True), ("Jonas", "Weber", "j.weber", True),
            ("Fatima Zahra", "El Idrissi", "f.elidrissi", True), ("পারভীন", "আক্তার", "p.akter", True),
            ("Sven", "Ångström", "s.angstrom", True), ("Left", "The Firm", "l.firm", False),
        )  # fmt: skip
        made: list[str] = []
        for first, last, local, active in users:
            made.append(
                self._put(
                    "User",
                    {
                        "FirstName": first, "LastName": last, "Name": f"{first} {last}",
                        "Username": f"{local}@{DOMAIN}", "Email": f"{local}@{DOMAIN}", "Alias": local[:8],
                        "IsActive": active, "ManagerId": made[1] if len(made) > 1 else None,
                    },
                    begun, begun + timedelta(days=30), by=org.me,
                )
            )  # fmt: skip
        for name in ("Inbound leads", "Support"):
            queue = {"Name": name, "DeveloperName": name.replace(" ", "_"), "Type": "Queue"}
            self._queues.append(self._put("Group", queue, begun, begun, by=org.me))
        self._sellers = made[1:5]
        for name, target, person in (
            ("Business Account", "Account", False), ("Person Account", "Account", True),
            ("New business", "Opportunity", False), ("Renewal", "Opportunity", False),
        ):  # fmt: skip
            kind = {
                "Name": name, "DeveloperName": name.replace(" ", "_"), "SobjectType": target, "IsActive": True,
                "IsPersonType": person,
            }  # fmt: skip
            self._put("RecordType", kind, begun, begun, by=org.me)
        for nth, (stage, (probability, closed, won, category)) in enumerate(STAGES.items(), start=1):
            row = {
                "MasterLabel": stage, "ApiName": stage, "IsActive": True, "SortOrder": nth, "IsClosed": closed,
                "IsWon": won, "ForecastCategoryName": category, "DefaultProbability": float(probability),
            }  # fmt: skip
            self._put("OpportunityStage", row, begun, begun, by=org.me)
        company = {
            "Id": org.id, "Name": "Nordlicht", "Country": "DE", "DefaultLocaleSidKey": "de_DE",
            "LanguageLocaleKey": "de", "TimeZoneSidKey": "Europe/Berlin", "OrganizationType": "Enterprise Edition",
            "InstanceName": "DEU1", "IsSandbox": False,
        }  # fmt: skip
        self._put("Organization", company, begun, begun, by=org.me)

    def _record_type(self, developer_name: str) -> str:
        return next(str(r["Id"]) for r in self._org.tables["RecordType"] if r["DeveloperName"] == developer_name)

    # companies and private customers

    def _settle_accounts(self, kinds: dict[int, str]) -> None:
        people = [person for person in self._world.people if kinds[person.number] == "contact"]
        employers = {number for person in people for number in (person.company, person.former) if number is not None}
        firms = [firm for firm in self._world.companies if firm.number in employers]
        for firm in firms:
            self._accounts[firm.number] = self._account(firm, None)
        for firm in firms:
            chance = self._rng.random()
            if firm.number > 1 and chance < 0.03:
                # Once more, in another spelling.
                self._twice[firm.number] = self._account(firm, self._rng.choice(firm.spellings()[1:]))
            elif firm.number > 1 and chance < 0.15:
                self._adopt(self._accounts[firm.number], self._accounts[self._rng.choice(firms).number])

    def _adopt(self, child: str, parent: str) -> None:
        """The child gets a parent, unless that would go round in a circle."""
        table = self._org.tables["Account"]
        above: str | None = parent
        while above is not None and above != child:
            found = table.get(above)
            above = found.get("ParentId") if found else None
        record = table.get(child)
        if above is None and record is not None:
            table.put(child, {**record, "ParentId": parent})

    def _account(self, firm: Company, spelling: str | None) -> str:
        rng = self._rng
        born = self._born()
        written = firm.legal() if rng.random() < 0.65 or firm.number == 0 else rng.choice(firm.spellings())
        name = "Padma Textiles" if firm.number == 1 and spelling is None else spelling or written
        located = rng.random() < 0.7
        return self._put(
            "Account",
            {
                "Name": name, "OwnerId": rng.choice(self._sellers),
                "RecordTypeId": self._record_type("Business_Account"),
                "Type": rng.choice(("Prospect", "Customer - Direct", "Customer - Direct", "Other", None)),
                "Website": rng.choice((f"https://www.{firm.domain}", firm.domain, f"http://{firm.domain}/", None)),
                "Phone": f"+49 89 555{firm.number % 8000 + 1000}" if rng.random() < 0.3 else None,
                "Industry": _INDUSTRY[firm.industry] if rng.random() < 0.6 else None,
                "NumberOfEmployees": firm.employees if rng.random() < 0.5 else None,
                "AnnualRevenue": float(firm.revenue) if rng.random() < 0.5 else None,
                "AccountNumber": f"K-{10000 + firm.number}" if rng.random() < 0.8 and spelling is None else None,
                "Rating": rng.choice((*RATINGS, None, None)), "Tier__c": rng.choice((*TIERS, None)),
                "BillingStreet": f"{firm.street} {firm.house}" if located else None,
                "BillingCity": firm.city[0] if located else None,
                "BillingPostalCode": firm.postal_code if located else None,
                "BillingCountry": firm.culture.country if located else None,
                "Description": rng.choice(_NOTES) if rng.random() < 0.1 else None,
            },
            born, self._later(born),
        )  # fmt: skip

    def _person_account(self, person: Person) -> None:
        rng = self._rng
        born = self._born()
        first, last = self._names(person, second=False)
        contact_id = self._org.new_id("Contact")
        account = {
            "FirstName": first, "LastName": last, "Name": last, "IsPersonAccount": True,
            "PersonContactId": contact_id, "RecordTypeId": self._record_type("Person_Account"),
            "OwnerId": rng.choice(self._sellers), "PersonEmail": person.private_email,
            "PersonMobilePhone": self._phone(person), "PersonBirthdate": self._birthday(person),
            "PersonHasOptedOutOfEmail": rng.random() < 0.04, "PersonDoNotCall": False,
        }  # fmt: skip
        changed = self._later(born)
        account_id = self._put("Account", account, born, changed)
        kept = self._org.tables["Account"].get(account_id) or account
        shared = {theirs: kept.get(mine) for mine, theirs in PERSON.items()}
        self._put(
            "Contact", {"Id": contact_id, "AccountId": account_id, "IsPersonAccount": True, **shared}, born, changed,
            by=str(kept["CreatedById"]),
        )  # fmt: skip
        self._contacts[person.number] = [contact_id]

    # people

    def _contact(self, person: Person, *, second: bool) -> None:
        rng = self._rng
        born = self._born()
        stale = person.former is not None and rng.random() < 0.5
        employer = person.former if stale else person.company
        first, last = self._names(person, second=second)
        known = person.number <= RAHIM
        score = rng.randrange(11) if rng.random() < 0.04 and not known else None
        bounced = rng.random() < 0.02 and not known
        located = rng.random() < 0.25
        firm = self._world.companies[employer] if employer is not None else None
        record = {
            "FirstName": first, "LastName": last, "AccountId": self._account_of(employer, person),
            "Salutation": person.prefix if person.prefix in SALUTATIONS else None,
            "Email": self._mail(person, stale=stale, second=second),
            "Title": person.title if rng.random() < 0.75 or known else None,
            "Department": rng.choice(("Sales", "Einkauf", "IT", None, None, None)),
            "MobilePhone": person.phone if known else self._phone(person),
            "Phone": f"+49 89 555{(employer or 0) % 8000 + 1000}" if rng.random() < 0.06 and not known else None,
            "LeadSource": rng.choice((*SOURCES, None, None)), "OwnerId": rng.choice(self._sellers),
            "Birthdate": self._birthday(person), "HasOptedOutOfEmail": self._opted_out(person),
            "DoNotCall": rng.random() < 0.02,
            "EmailBouncedDate": stamp(self._world.anchor - timedelta(days=70)) if bounced else None,
            "EmailBouncedReason": "550 5.1.1 user unknown" if bounced else None,
            "MailingStreet": f"{firm.street} {firm.house}" if firm and located else None,
            "MailingCity": firm.city[1] if firm and located else None,
            "MailingPostalCode": firm.postal_code if firm and located else None,
            "MailingCountry": firm.culture.country if firm and located else None,
            "Description": rng.choice(_NOTES) if rng.random() < 0.08 else None,
            "CX_NPS_Score__c": None if score is None else float(score),
            "CX_NPS_Class__c": None if score is None else CLASSES[0 if score >= 9 else 1 if score >= 7 else 2],
            "CX_NPS_Answered__c": None if score is None else "2025-03-14T10:00:00.000+0000",
        }  # fmt: skip
        self._contacts.setdefault(person.number, []).append(self._put("Contact", record, born, self._later(born)))

    def _account_of(self, employer: int | None, person: Person) -> str | None:
        if employer is None:
            return None
        return (
            self._twice.get(employer, self._accounts[employer]) if person.number % 3 == 0 else self._accounts[employer]
        )

    def _names(self, person: Person, *, second: bool) -> tuple[str | None, str]:
        """First and last name. Who has one name has it as the last, which is never empty."""
        rng = self._rng
        chance = rng.random()
        writing = 1 if second or chance < 0.35 else 0
        if person.number in (MARA, SHARMILA, RAHIM):
            writing = 1 if person.number == RAHIM else 0
        if person.family is None:
            return None, person.given[writing]
        first, last = person.given[writing], person.family[writing]
        if person.number > RAHIM and (0.35 <= chance < 0.41 or (second and chance < 0.2)):
            first, last = (typo(rng, first), last) if rng.random() < 0.5 else (first, typo(rng, last))
        elif person.number > RAHIM and 0.41 <= chance < 0.43:
            first, last = last, first  # in the wrong boxes
        elif person.number > RAHIM and 0.43 <= chance < 0.44:
            last = last.upper()
        return first, last

    def _mail(self, person: Person, *, stale: bool, second: bool) -> str | None:
        rng = self._rng
        work = person.former_email if stale else person.work_email
        if person.number <= RAHIM:
            return work
        chance = rng.random()
        if second:
            return person.private_email if chance < 0.6 else work
        if work is None or chance < 0.1:
            return person.private_email if rng.random() < 0.5 else None
        if chance < 0.12:
            return typo(rng, work)
        if chance < 0.16:
            return work.title()
        if chance < 0.19 and person.company is not None:
            return f"info@{self._world.companies[person.company].domain}"
        return work

    def _phone(self, person: Person) -> str | None:
        chance = self._rng.random()
        if chance < 0.35:
            return None
        return person.phone if chance < 0.7 else as_written(person.phone, self._rng)

    def _birthday(self, person: Person) -> str | None:
        return person.born.isoformat() if self._rng.random() < 0.25 else None

    def _opted_out(self, person: Person) -> bool:
        chance = self._rng.random()
        return person.number == self._world.fates.get("unsubscribed") or (chance < 0.03 and person.number > RAHIM)

    def _lead(self, person: Person) -> None:
        rng = self._rng
        born = self._born(700)
        first, last = self._names(person, second=False)
        firm = self._world.companies[person.company] if person.company is not None else None
        self._leads[person.number] = self._put(
            "Lead",
            {
                "FirstName": first, "LastName": last,
                "Company": rng.choice(firm.spellings()) if firm else "[not provided]",
                "Email": (person.work_email or person.private_email) if rng.random() < 0.9 else None,
                "MobilePhone": self._phone(person), "Title": person.title if rng.random() < 0.4 else None,
                "Status": rng.choice((*LEAD_STATUSES[:2], LEAD_STATUSES[0], LEAD_STATUSES[3])),
                "LeadSource": rng.choice((*SOURCES, None)), "Rating": rng.choice((*RATINGS, None)),
                "Country": person.culture.country if rng.random() < 0.5 else None,
                "OwnerId": rng.choice((*self._sellers, self._queues[0], self._queues[0])),
                "HasOptedOutOfEmail": self._opted_out(person), "DoNotCall": False,
            },
            born, self._later(born),
        )  # fmt: skip

    def _convert_some_leads(self) -> None:
        """Some contacts were leads once. The lead stays, and points to what it has become."""
        rng, table = self._rng, self._org.tables["Lead"]
        for number, contact_ids in self._contacts.items():
            contact = self._org.record(contact_ids[0])
            if contact is None or contact["IsPersonAccount"] or number <= RAHIM or rng.random() >= 0.08:
                continue
            self._lead(self._world.people[number])
            lead = table.get(self._leads.pop(number))
            if lead is None:
                continue
            day = lead["LastModifiedDate"][:10]
            became = {
                "IsConverted": True, "Status": LEAD_STATUSES[2], "ConvertedDate": day,
                "ConvertedContactId": contact["Id"], "ConvertedAccountId": contact.get("AccountId"),
            }  # fmt: skip
            table.put(lead["Id"], {**lead, **{key: value for key, value in became.items() if value is not None}})

    def _fates(self) -> None:
        anchor, table = self._world.anchor, self._org.tables["Contact"]
        merged = self._contacts.get(self._world.fates.get("merged", -1), [])
        if len(merged) == 2:
            winner, loser = merged
            at = anchor - timedelta(days=10, hours=1)
            kept = table.get(winner)
            if kept is not None:
                table.put(winner, {**kept, "LastModifiedDate": stamp(at), "SystemModstamp": stamp(at)})
            self._bury(loser, at, {"MasterRecordId": winner})
            self._contacts[self._world.fates["merged"]] = [winner]
        for contact_id in self._contacts.pop(self._world.fates.get("deleted", -1), []):
            self._bury(contact_id, anchor - timedelta(days=5, hours=2), {})

    def _bury(self, contact_id: str, at: datetime, more: Record) -> None:
        record = self._org.tables["Contact"].get(contact_id)
        if record is not None:
            gone = {
                "IsDeleted": True,
                "LastModifiedDate": stamp(at),
                "SystemModstamp": stamp(at),
                "_deleted_at": stamp(at),
            }
            self._org.tables["Contact"].put(contact_id, {**record, **gone, **more})

    # what was done with them

    def _living(self) -> Sequence[Record]:
        return [record for record in self._org.tables["Contact"] if not record["IsDeleted"]]

    def _opportunities(self) -> None:
        rng, anchor, people = self._rng, self._world.anchor, self._living()
        for _ in range(max(4, len(people) * 5 // 10)):
            person = rng.choice(people)
            account_id = person.get("AccountId")
            account = self._org.record(account_id)
            born = self._born(1500)
            stage = rng.choice(tuple(STAGES))
            close = (anchor + timedelta(days=rng.randrange(5, 200))).date()
            if STAGES[stage][1]:
                close = (born + (anchor - born) * rng.random()).date()
            changed = self._later(born)
            what = rng.choice(("renewal", "Angebot 2026", "solar roof"))
            opportunity = self._put(
                "Opportunity",
                {
                    "Name": f"{(account or person)['Name']} {what}"[:120],
                    "AccountId": account_id, "StageName": stage, "CloseDate": close.isoformat(),
                    "Amount": rng.choice((None, 990.0, 12000.0, 4500.5, 250000.0)),
                    "Type": rng.choice(("Existing Business", "New Business", None)),
                    "RecordTypeId": self._record_type(rng.choice(("New_business", "Renewal"))),
                    "LeadSource": rng.choice((*SOURCES, None, None)), "OwnerId": person["OwnerId"],
                    "NextStep": rng.choice(("Call on Monday", "Vertrag senden", None, None)),
                },
                born, changed,
            )  # fmt: skip
            if rng.random() < 0.85:
                role = {
                    "OpportunityId": opportunity, "ContactId": person["Id"], "Role": rng.choice((*ROLES, None)),
                    "IsPrimary": True,
                }  # fmt: skip
                self._put("OpportunityContactRole", role, born, changed)
            if rng.random() < 0.15:
                other = rng.choice(people)
                role = {"OpportunityId": opportunity, "ContactId": other["Id"], "Role": rng.choice(ROLES)}
                self._put("OpportunityContactRole", role, born, changed)

    def _activities(self) -> None:
        rng, anchor, people = self._rng, self._world.anchor, self._living()
        leads = list(self._leads.values())
        for nth in range(max(6, len(people) * 8 // 10)):
            person = rng.choice(people)
            who: Json = rng.choice(leads) if leads and rng.random() < 0.15 else person["Id"]
            born = self._born(900)
            due = (born + timedelta(days=rng.randrange(30))).date()
            common = {
                "Subject": rng.choice(_SUBJECTS), "WhoId": who, "OwnerId": person["OwnerId"],
                "Description": rng.choice(_NOTES) if rng.random() < 0.3 else None,
                "WhatId": person.get("AccountId") if who == person["Id"] and rng.random() < 0.5 else None,
            }  # fmt: skip
            if nth % 4 == 3:
                start = datetime.combine(due, datetime.min.time(), tzinfo=anchor.tzinfo) + timedelta(
                    hours=rng.randrange(7, 17)
                )
                whole_day = rng.random() < 0.1
                meeting = {
                    **common, "StartDateTime": stamp(start.replace(hour=0) if whole_day else start),
                    "DurationInMinutes": 1440 if whole_day else rng.choice((30, 60, 90)), "IsAllDayEvent": whole_day,
                    "Location": rng.choice(("Video", "Köln", None)),
                }  # fmt: skip
                self._put("Event", meeting, born, self._later(born))
                continue
            past = due < anchor.date()
            task = {
                **common, "ActivityDate": due.isoformat() if rng.random() < 0.9 else None,
                "Status": "Completed" if past and rng.random() < 0.85 else rng.choice(TASK_STATUSES),
                "Priority": rng.choice((*PRIORITIES, "Normal")),
                "TaskSubtype": rng.choice(("Task", "Task", "Call", "Email")),
            }  # fmt: skip
            self._put("Task", task, born, self._later(born))

    def _cases(self) -> None:
        rng, people = self._rng, self._living()
        for nth in range(1, max(4, len(people) * 25 // 100)):
            person = rng.choice(people)
            born = self._born(600)
            case = {
                "CaseNumber": f"{nth + 1025:08d}", "ContactId": person["Id"], "AccountId": person.get("AccountId"),
                "Subject": rng.choice(_TROUBLES), "Description": rng.choice(_NOTES) if rng.random() < 0.5 else None,
                "Status": rng.choice((*CASE_STATUSES, "Closed", "Closed")),
                "Priority": rng.choice(("High", "Medium", "Low")), "Origin": rng.choice(("Phone", "Email", "Web")),
                "Type": rng.choice(("Problem", "Question", None)),
                "SuppliedEmail": person.get("Email") if rng.random() < 0.4 else None,
                "OwnerId": rng.choice((*self._sellers, self._queues[1])),
            }  # fmt: skip
            self._put("Case", case, born, self._later(born))

    def _campaigns(self) -> None:
        rng, anchor, people = self._rng, self._world.anchor, self._living()
        leads = list(self._leads.values())
        made = []
        for nth, (name, kind) in enumerate(_CAMPAIGNS):
            start = anchor - timedelta(days=300 - 70 * nth)
            row = {
                "Name": name, "Type": kind, "Status": "Completed" if nth < 3 else "In Progress", "IsActive": nth >= 3,
                "StartDate": start.date().isoformat(), "EndDate": (start + timedelta(days=20)).date().isoformat(),
                "OwnerId": self._sellers[0], "BudgetedCost": 1500.0 * (nth + 1),
            }  # fmt: skip
            made.append(self._put("Campaign", row, start - timedelta(days=9), start))
        for person in people:
            if rng.random() < 0.3:
                self._member(rng.choice(made), {"ContactId": person["Id"]})
        for lead in leads:
            if rng.random() < 0.4:
                self._member(rng.choice(made), {"LeadId": lead})

    def _member(self, campaign: str, whom: Record) -> None:
        born = self._born(200)
        responded = self._rng.random() < 0.35
        answer = {"FirstRespondedDate": stamp(born)[:10]} if responded else {}
        row = {"CampaignId": campaign, **whom, "Status": "Responded" if responded else "Sent", **answer}
        self._put("CampaignMember", row, born, self._later(born))
