"""How the world's people got into the account, with the slips that clerks make."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Final

from sandbox.people import Company, Person, as_written, typo
from sandbox.state import Record
from sandbox.vendors.zoho.account import ME, Account, Deletion, made
from sandbox.vendors.zoho.fields import EMAIL
from sandbox.vendors.zoho.modules import CLASSES, OPTIONS, PIPELINES, STAGES
from sandbox.vendors.zoho.stamps import kept, record_id
from sandbox.web import Json
from sandbox.world import MARA, RAHIM, SHARMILA, CrmEntry, World

SHARE: Final = 0.55  # of the world's people
# Where the numbers of each module's records begin, so that none depends on how many others there are.
_FIRST: Final = {
    "Contacts": 1_000_000, "Accounts": 2_000_000, "Leads": 3_000_000, "Deals": 4_000_000, "Tasks": 5_000_000,
    "Events": 6_000_000, "Calls": 7_000_000, "Cases": 8_000_000, "Campaigns": 9_000_000, "Notes": 10_000_000,
}  # fmt: skip
_SUBJECTS: Final = ("Call back", "Angebot nachfassen", "QBR", "চুক্তি নবায়ন", "打ち合わせ", "Déjeuner", "Send contract")
_CASES: Final = ("Panel is cracked", "Rechnung falsch", "ডেলিভারি দেরি", "Login does not work", "納期の確認")
_NOTES: Final = (
    "Spoke on the phone, wants an offer by Friday.",
    "Ruft zurück 🧾",
    "ফোনে কথা হয়েছে।",
    "見積書を送付済み。",
)
_CAMPAIGNS: Final = (
    ("Spring newsletter", "Email", "Complete"), ("Solar fair 2026", "Trade Show", "Active"),
    ("টেক্সটাইল ওয়েবিনার", "Webinar", "Planning"), ("Kundentag", "Conference", "Inactive"),
)  # fmt: skip
# Picklists that somebody else fills, or that would tell a story of their own.
_LEFT_ALONE: Final = frozenset({"Pipeline", "Reason_For_Loss__s", "Unsubscribed_Mode", "Currency", "Status"})
_SELDOM: Final = {
    "Website": ("https://shop.test", "www.firma.test"),
    "No_of_Employees": (3, 40, 1200),
    "Annual_Revenue": (250000, 1000000.5),
    "Street": ("Hauptstraße 1", "Mirpur Road 7"),
    "City": ("Köln", "ঢাকা"),
    "State": ("NRW",),
    "Zip_Code": ("50667", "1205"),
    "Email_Opt_Out": (True,),
    "Home_Phone": ("+49 30 5550123",),
    "Mailing_State": ("Bayern",),
    "Billing_State": ("Bayern", "Dhaka"),
    "Shipping_Street": ("Tor 3", "Lagerweg 9"),
    "Shipping_City": ("Hamburg",),
    "Shipping_State": ("HH",),
    "Shipping_Code": ("20095",),
    "Shipping_Country": ("DE",),
    "Next_Step": ("Call", "Send the offer"),
    "Exchange_Rate": (1, 1.08),
    "All_day": (True,),
    "Call_Result": ("Interested", "কেউ ধরেনি"),
    "Expected_Revenue": (5000, 12500.5),
    "Reported_By": ("Jonas", "পারভীন"),
    "Solution": ("Replaced the panel.",),
}


class Settlement:
    """Moves the world's people into the account."""

    def __init__(self, account: Account, world: World) -> None:
        self._account, self._world, self._rng = account, world, world.draw("zoho")
        self._filler = world.draw("zoho", "what is seldom filled")
        self._sellers = [user["id"] for user in account.users if user["status"] == "active" and user["id"] != ME]
        self._accounts: dict[int, str] = {}  # company number -> id
        self._elders: dict[str, list[str]] = {}  # country -> ids of the companies that stand there already
        self._twice: dict[int, str] = {}  # company number -> id of its second record
        self._contacts_of: dict[int, list[str]] = {}  # person number -> ids

    def settle(self) -> None:
        entries = self._world.entries("zoho", share=SHARE)
        self._companies(entries)
        needed = {MARA, SHARMILA, RAHIM, *self._world.fates.values()}
        for entry in entries:
            if entry.person.number not in needed and not entry.second and self._rng.random() < 0.18:
                self._lead(entry)
            else:
                self._contact(entry)
        self._superiors()
        self._merge_and_delete()
        self._campaigns()
        self._deals()
        self._activities()
        self._cases_and_notes()
        self._conversions()

    def _put(self, module: str, number: int, values: Record, *, added: datetime, changed: datetime) -> Record:
        account = self._account
        key = record_id(_FIRST[module] + number)
        values = {**self._seldom(module), **values}
        if module != "Notes" and self._filler.random() < 0.6:
            values["Last_Activity_Time"] = kept(self._between(added, self._world.anchor))
        record = made(account, module, values, key=key, by=self._rng.choice(self._sellers), now=added)
        record["Owner"] = self._rng.choice(self._sellers)
        record["Modified_By"] = self._rng.choice(self._sellers)
        record["Modified_Time"] = kept(changed)
        account.commit(module, record, added)
        return record

    def _seldom(self, module: str) -> Record:
        """What clerks fill in now and then."""
        rng = self._filler
        filled: Record = {}
        for found in self._account.catalogues[module].fields.values():
            if found.read_only or found.mandatory or found.custom or rng.random() >= 0.15:
                continue
            if found.type == "picklist" and found.options and found.key not in _LEFT_ALONE:
                filled[found.key] = rng.choice(found.options).actual
            elif found.key == "Description":
                filled[found.key] = rng.choice(_NOTES)
            elif found.type == "tags":
                filled[found.key] = [{"name": rng.choice(("VIP", "Newsletter", "বন্ধু")), "id": None, "color_code": None}]
            elif found.key in _SELDOM:
                filled[found.key] = rng.choice(_SELDOM[found.key])
        return filled

    def _between(self, start: datetime, end: datetime) -> datetime:
        return start + (end - start) * self._filler.random()

    def _moments(self, days: int) -> tuple[datetime, datetime]:
        """When a record was made and last changed, within so many days."""
        added = self._world.anchor - timedelta(seconds=self._rng.randrange(7200, days * 86400))
        return added, added + (self._world.anchor - added) * self._rng.random()

    def _option(self, module: str, field: str, chance: float = 1.0) -> str | None:
        options = OPTIONS.get((module, field)) or OPTIONS["*", field]
        if self._rng.random() >= chance:
            return None
        chosen = self._rng.choice(options)
        return chosen if isinstance(chosen, str) else chosen[1]

    # companies

    def _companies(self, entries: Iterable[CrmEntry]) -> None:
        rng, world = self._rng, self._world
        employers = {number for entry in entries for number in (entry.person.company, entry.person.former)}
        firms = [firm for firm in world.companies if firm.number in employers]
        for firm in firms:
            key = self._firm(firm.number, firm, firm.legal(), parent=self._parent(firm))
            self._accounts[firm.number] = key
            self._elders[firm.culture.country].append(key)
            if firm.number > 1 and rng.random() < 0.03:
                spelling = rng.choice(firm.spellings()[1:])
                self._twice[firm.number] = self._firm(500_000 + firm.number, firm, spelling, parent=None)

    def _parent(self, firm: Company) -> str | None:
        """Some belong to a company of their country that stands there already."""
        elder = self._elders.setdefault(firm.culture.country, [])
        return self._rng.choice(elder) if elder and self._rng.random() < 0.12 else None

    def _firm(self, number: int, firm: Company, name: str, *, parent: str | None) -> str:
        rng = self._rng
        added, changed = self._moments(5 * 365)
        if firm.number > 1 and rng.random() < 0.35:
            name = rng.choice(firm.spellings())
        if firm.number > 1 and rng.random() < 0.04:
            name = typo(rng, name)
        street = f"{firm.street} {firm.house}"
        has_address = rng.random() < 0.7
        values = {
            "Account_Name": name,
            "Phone": f"+49 89 555{firm.number % 8000 + 1000}" if rng.random() < 0.4 else None,
            "Website": f"https://www.{firm.domain}" if rng.random() < 0.6 or firm.number < 2 else None,
            "Parent_Account": parent,
            "Account_Number": str(70000 + firm.number) if rng.random() < 0.5 else None,
            "Account_Type": self._option("Accounts", "Account_Type", 0.6),
            "Industry": firm.industry if rng.random() < 0.6 else None,
            "Ownership": self._option("Accounts", "Ownership", 0.3),
            "Region": self._option("Accounts", "Region", 0.4),
            "Employees": firm.employees if rng.random() < 0.5 else None,
            "Annual_Revenue": firm.revenue if rng.random() < 0.5 else None,
            "Billing_Street": street if has_address else None,
            "Billing_City": firm.city[0] if has_address else None,
            "Billing_Code": firm.postal_code if has_address else None,
            "Billing_Country": firm.culture.country if has_address else None,
        }
        return str(self._put("Accounts", number, values, added=added, changed=changed)["id"])

    def _employer(self, person: Person, *, stale: bool) -> str | None:
        number = person.former if stale else person.company
        if number is None:
            return None
        return self._twice.get(number) if person.number % 3 == 0 and number in self._twice else self._accounts[number]

    # people

    def _contact(self, entry: CrmEntry) -> Record:
        rng, person = self._rng, entry.person
        stale = person.former is not None and rng.random() < 0.5
        out = self._world.fates.get("unsubscribed") == person.number
        score = rng.randrange(11) if rng.random() < 0.04 and person.number > RAHIM else None
        interests = rng.sample(
            [str(option) for option in OPTIONS["Contacts", "Interests"]], rng.choice((0, 0, 0, 1, 2))
        )
        has_address = rng.random() < 0.3
        firm = None if person.company is None else self._world.companies[person.company]
        values = {
            **self._who(entry, stale=stale),
            "Account_Name": self._employer(person, stale=stale),
            "Title": person.title if rng.random() < 0.7 or person.number <= RAHIM else None,
            "Department": rng.choice(("Operations", "Einkauf", "IT")) if rng.random() < 0.2 else None,
            "Date_of_Birth": person.born.isoformat() if rng.random() < 0.2 else None,
            "Lead_Source": self._option("Contacts", "Lead_Source", 0.4),
            "Customer_Tier": self._option("Contacts", "Customer_Tier", 0.4),
            "Interests": interests or None,
            "Mailing_Street": f"{firm.street} {firm.house}" if firm and has_address else None,
            "Mailing_City": firm.city[0] if firm and has_address else None,
            "Mailing_Zip": firm.postal_code if firm and has_address else None,
            "Mailing_Country": firm.culture.country if firm and has_address else None,
            "Email_Opt_Out": out or rng.random() < 0.03,
            "Unsubscribed_Mode": "Manual" if out else None,
            "Unsubscribed_Time": kept(entry.changed) if out else None,
            "CX_NPS_Score": score,
            "CX_NPS_Class": None if score is None else CLASSES[0 if score > 8 else 1 if score > 6 else 2],
            "CX_NPS_Comment": None if score is None else self._filler.choice((None, "Ganz gut", "ভালো")),
            "CX_NPS_Answered": None if score is None else "2025-03-14T09:30:00+00:00",
            "CX_Response_Count": None if score is None else 1,
            "Tag": [{"name": "Newsletter", "id": record_id(300001), "color_code": None}]
            if rng.random() < 0.1
            else None,
        }
        record = self._put("Contacts", entry.id, values, added=entry.added, changed=entry.changed)
        self._contacts_of.setdefault(person.number, []).append(record["id"])
        return record

    def _lead(self, entry: CrmEntry) -> None:
        """A third of the leads has been converted, and their contact stands beside them."""
        rng, person = self._rng, entry.person
        number = person.company
        company = "-" if number is None else rng.choice(self._world.companies[number].spellings())
        values = {
            **self._who(entry, stale=False),
            "Company": company,
            "Designation": person.title if rng.random() < 0.6 else None,
            "Lead_Source": self._option("Leads", "Lead_Source", 0.7),
            "Lead_Status": self._option("Leads", "Lead_Status", 0.8),
            "Rating": self._option("Leads", "Rating", 0.2),
            "Industry": self._world.companies[number].industry if number is not None and rng.random() < 0.4 else None,
            "Country": person.culture.country if rng.random() < 0.5 else None,
        }
        if rng.random() < 0.34:
            contact = self._contact(entry)
            values |= {
                "Converted__s": True,
                "Converted_Date_Time": kept(entry.changed),
                "Converted_Contact": contact["id"],
                "Converted_Account": contact["Account_Name"],
            }
        self._put("Leads", entry.id, values, added=entry.added, changed=entry.changed)

    def _who(self, entry: CrmEntry, *, stale: bool) -> Record:
        """Name, addresses and numbers, which contacts and leads have under the same names."""
        rng, person = self._rng, entry.person
        first, last = self._names(person, second=entry.second)
        certain = person.number <= RAHIM
        work = person.former_email if stale else person.work_email
        found = [work] if work and (certain or rng.random() < (0.4 if entry.second else 0.9)) else []
        if not certain and rng.random() < (0.15 if found else 0.6):
            found.append(person.private_email)
        odd = rng.random()
        if found and not certain and odd < 0.05:
            found[0] = mistyped(rng, found[0]) if odd < 0.02 else found[0].title()
        if person.company is not None and not certain and odd > 0.97:
            found.append(f"info@{self._world.companies[person.company].domain}")
        numbers = self._numbers(person)
        return {
            "First_Name": first,
            "Last_Name": last,
            "Salutation": "Dr." if person.prefix == "Dr." and rng.random() < 0.6 else None,
            "Email": found[0] if found else None,
            "Secondary_Email": found[1] if len(found) > 1 else None,
            "Phone": numbers[0],
            "Mobile": numbers[1],
        }

    def _numbers(self, person: Person) -> tuple[str | None, str | None]:
        """A number of the desk and the mobile one, as clerks write them; Zoho takes no slash."""
        rng = self._rng
        desk = f"+49 89 555{(person.company or 0) % 8000 + 1000}" if rng.random() < 0.05 else None
        if person.number > RAHIM and rng.random() >= 0.7:
            return desk, None
        written = person.phone if rng.random() < 0.5 else as_written(person.phone, rng).replace("/", " ")
        return (written, None) if rng.random() < 0.2 and desk is None else (desk, written)

    def _names(self, person: Person, *, second: bool) -> tuple[str | None, str]:
        """First and last name, in their own letters or in Latin ones, with a slip now and then."""
        rng = self._rng
        writing = 1 if second or person.number == RAHIM or rng.random() < 0.4 else 0
        if person.number in (MARA, SHARMILA):
            writing = 0
        first: str | None = person.given[writing]
        if person.family is None:
            return None, str(first)
        last = person.family[writing]
        chance = rng.random() if person.number > RAHIM else 1.0
        if chance < 0.05:
            last = typo(rng, last)
        elif chance < 0.07:
            first = f"{first[0]}." if first else None
        elif chance < 0.08:
            first, last = None, f"{first} {last}"
        return first, last

    def _superiors(self) -> None:
        """Some report to a colleague."""
        account, rng = self._account, self._rng
        by_firm: dict[str, list[Record]] = {}
        for contact in account.tables["Contacts"]:
            if contact["Account_Name"] is not None:
                by_firm.setdefault(contact["Account_Name"], []).append(contact)
        for colleagues in by_firm.values():
            for contact in colleagues[1:]:
                if rng.random() < 0.2:
                    account.commit("Contacts", {**contact, "Reporting_To": colleagues[0]["id"]}, self._world.anchor)

    def _merge_and_delete(self) -> None:
        account, fates, anchor = self._account, self._world.fates, self._world.anchor
        merged = self._contacts_of.get(fates.get("merged", -1), [])
        if len(merged) == 2:
            survivor, loser = merged
            at = anchor - timedelta(days=10, hours=3)
            self._gone(loser, at, permanent=True)
            kept_one = account.find("Contacts", survivor)
            if kept_one is not None:
                account.commit("Contacts", {**kept_one, "Modified_Time": kept(at)}, at)
        for key in self._contacts_of.get(fates.get("deleted", -1), []):
            self._gone(key, anchor - timedelta(days=5, hours=4), permanent=False)
        # Left over from years ago: deleted by somebody, and long out of the recycle bin.
        account.deleted["Contacts"][record_id(_FIRST["Contacts"])] = Deletion(
            id=record_id(_FIRST["Contacts"]), name=None, at=anchor - timedelta(days=90), by=self._sellers[0],
            created_by=self._sellers[0], record=None,
        )  # fmt: skip

    def _gone(self, key: str, at: datetime, *, permanent: bool) -> None:
        contact = self._account.tables["Contacts"].get(key)
        if contact is not None:
            self._account.drop("Contacts", contact, by=self._sellers[0], at=at, permanent=permanent)

    # what people do

    def _campaigns(self) -> None:
        rng, account = self._rng, self._account
        people = [("Contacts", record["id"]) for record in account.tables["Contacts"]]
        people += [("Leads", record["id"]) for record in account.tables["Leads"]]
        for number, (name, kind, status) in enumerate(_CAMPAIGNS, start=1):
            added, changed = self._moments(400)
            values = {
                "Campaign_Name": name,
                "Type": kind,
                "Status": status,
                "Start_Date": added.date().isoformat(),
                "End_Date": (added + timedelta(days=30)).date().isoformat() if number % 2 else None,
                "Expected_Revenue": 12500.5 if number % 2 else None,
                "Description": _NOTES[0] if number % 2 else None,
                "Tag": [{"name": "2026", "id": None, "color_code": None}] if number % 2 else None,
            }
            key = self._put("Campaigns", number, values, added=added, changed=changed)["id"]
            for module, member in people:
                if rng.random() < 0.08:
                    account.members[key, module, member] = rng.choice(("Planned", "Invited", "Sent", "Received"))

    def _deals(self) -> None:
        rng, account = self._rng, self._account
        people = list(account.tables["Contacts"])
        campaigns = [record["id"] for record in account.tables["Campaigns"]]
        for number in range(1, max(4, len(people) // 2)):
            contact = rng.choice(people)
            firm = account.find("Accounts", contact["Account_Name"] or "")
            added, changed = self._moments(1200)
            stage, probability, kind = rng.choice(STAGES)
            about = firm["Account_Name"] if firm else contact["Full_Name"]
            values = {
                "Deal_Name": f"{about} {rng.choice(('deal', 'renewal', 'Angebot 2026'))}"[:120],
                "Stage": stage,
                "Probability": probability,
                "Pipeline": rng.choice(PIPELINES),
                "Amount": rng.choice((None, 990, 12000, 4500.5, 250000)),
                "Currency": rng.choice(("EUR", "EUR", "EUR", "USD", "SEK", "JPY")),
                "Closing_Date": (changed + timedelta(days=rng.randrange(-20, 120))).date().isoformat(),
                "Account_Name": contact["Account_Name"],
                "Contact_Name": contact["id"] if rng.random() < 0.9 else None,
                "Campaign_Source": self._filler.choice(campaigns) if self._filler.random() < 0.1 else None,
                "Type": self._option("Deals", "Type", 0.6),
                "Lead_Source": contact["Lead_Source"],
                "Reason_For_Loss__s": self._option("Deals", "Reason_For_Loss__s", 0.7)
                if kind == "Closed Lost"
                else None,
            }
            deal = self._put("Deals", number, values, added=added, changed=changed)
            if values["Contact_Name"] is not None and rng.random() < 0.5:
                account.roles[deal["id"], contact["id"]] = rng.choice(account.contact_roles)["id"]

    def _activities(self) -> None:
        rng, account = self._rng, self._account
        people, deals = list(account.tables["Contacts"]), list(account.tables["Deals"])
        for number in range(1, max(6, len(people) // 2)):
            added, changed = self._moments(700)
            contact, deal = rng.choice(people), rng.choice(deals)
            about: Json = ("Deals", deal["id"]) if rng.random() < 0.4 else None
            common = {"Who_Id": contact["id"], "What_Id": about, "Description": rng.choice((None, *_NOTES))}
            subject, module = rng.choice(_SUBJECTS), rng.choice(("Tasks", "Events", "Calls"))
            at = changed + timedelta(hours=rng.randrange(-200, 200))
            own: Record
            if module == "Tasks":
                own = {"Subject": subject, "Due_Date": at.date().isoformat(), "Status": self._option("Tasks", "Status"),
                       "Priority": self._option("Tasks", "Priority")}  # fmt: skip
            elif module == "Events":
                end = kept(at + timedelta(hours=1))
                own = {"Event_Title": subject, "Start_DateTime": kept(at), "End_DateTime": end,
                       "Venue": rng.choice((None, "Raum 4", "ঢাকা")),
                       "Participants": self._participants(contact)}  # fmt: skip
            else:
                own = {"Subject": subject, "Call_Start_Time": kept(at), "Call_Duration": f"{rng.randrange(40):02}:05",
                       "Call_Type": self._option("Calls", "Call_Type")}  # fmt: skip
            self._put(module, number, {**common, **own}, added=added, changed=changed)

    def _participants(self, contact: Record) -> Json:
        if self._filler.random() < 0.5:
            return None
        who = {"type": "contact", "participant": contact["id"], "name": contact["Full_Name"], "Email": contact["Email"]}
        return [{**who, "invited": False, "status": "not_known"}]

    def _conversions(self) -> None:
        """Some conversions made a deal as well."""
        account = self._account
        deals = {deal["Contact_Name"]: deal["id"] for deal in account.tables["Deals"] if deal["Contact_Name"]}
        for lead in [lead for lead in account.tables["Leads"] if lead["Converted_Contact"] in deals]:
            account.commit("Leads", {**lead, "Converted_Deal": deals[lead["Converted_Contact"]]}, self._world.anchor)

    def _cases_and_notes(self) -> None:
        rng, account = self._rng, self._account
        people = list(account.tables["Contacts"])
        deals = {deal["Contact_Name"]: deal["id"] for deal in account.tables["Deals"]}
        for number in range(1, max(3, len(people) // 8)):
            added, changed = self._moments(500)
            contact = rng.choice(people)
            values = {
                "Case_Number": account.next_case_number(),
                "Subject": rng.choice(_CASES),
                "Status": self._option("Cases", "Status"),
                "Case_Origin": self._option("Cases", "Case_Origin"),
                "Priority": self._option("Cases", "Priority", 0.7),
                "Account_Name": contact["Account_Name"],
                "Related_To": contact["id"],
                "Deal_Name": deals.get(contact["id"]),
                "Email": contact["Email"],
                "Phone": contact["Phone"],
            }
            self._put("Cases", number, values, added=added, changed=changed)
        for number in range(1, max(3, len(people) // 6)):
            added, changed = self._moments(500)
            note = {"Note_Title": rng.choice((None, "Call", "Besuch")), "Note_Content": rng.choice(_NOTES)}
            parent = {"Parent_Id": ("Contacts", rng.choice(people)["id"])}
            self._put("Notes", number, {**note, **parent}, added=added, changed=changed)


def mistyped(rng: Random, address: str) -> str:
    """An address with a slip in front of the @, one that Zoho still takes for an address."""
    local, _, domain = address.partition("@")
    slip = f"{typo(rng, local)}@{domain}"
    return slip if EMAIL.fullmatch(slip) else address
