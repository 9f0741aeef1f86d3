"""How records are made, changed, deleted, brought back and merged: the rules behind every door to the org."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.state import Record
from sandbox.vendors.salesforce.answers import RefusedError, is_deleted, refused
from sandbox.vendors.salesforce.derived import PERSON, derive
from sandbox.vendors.salesforce.org import Org
from sandbox.vendors.salesforce.schema import Field, SObject
from sandbox.vendors.salesforce.stamps import stamp
from sandbox.vendors.salesforce.values import checked, missing, required
from sandbox.web import Json

# What makes one record look like another: (rule, fields that are equal, whether the caller may save all the same).
DUPLICATE_RULES: Final[Mapping[str, Sequence[tuple[str, Sequence[str], bool]]]] = {
    "Contact": [("Standard_Contact_Duplicate_Rule", ("Email", "LastName"), True)],
    "Lead": [("Standard_Lead_Duplicate_Rule", ("Email", "LastName"), True)],
    "Account": [("Account_Number_Duplicate_Rule", ("AccountNumber",), False)],
}
HIGHEST_SCORE: Final = 10
# What is deleted with a record, and comes back with it: (object, which points to the record by).
_CASCADES: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "Account": [("Contact", "AccountId"), ("Opportunity", "AccountId")],
    "Opportunity": [("OpportunityContactRole", "OpportunityId")],
    "Contact": [("OpportunityContactRole", "ContactId"), ("CampaignMember", "ContactId")],
    "Lead": [("CampaignMember", "LeadId")],
    "Campaign": [("CampaignMember", "CampaignId")],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Who writes, when, and on which terms."""

    now: datetime
    by: str
    version: str = "v66.0"
    save_duplicates: bool = False


class Writer:
    def __init__(self, org: Org) -> None:
        self._org = org
        self._written = 0

    def begin(self) -> None:
        """A call begins; the locks that somebody else holds are counted from here."""
        self._written = 0

    def create(self, entry: SObject, body: Record, terms: Terms) -> str:
        """Make a record, and what is made with it; its id. Raises `RefusedError`."""
        with self._org.all_or_none():
            return self._created(entry, body, terms)

    def _created(self, entry: SObject, body: Record, terms: Terms) -> str:
        org = self._org
        self._writeable(entry)
        values = checked(org, entry, body, create=True)
        self._locked(entry, values.get("AccountId") or values.get("OpportunityId"))
        person = entry.name == "Account" and values.get("LastName") is not None
        absent = missing(entry, values, without=("Name",) if person else ())
        if absent:
            raise required(absent)
        record = self._with_defaults(entry, values, terms)
        if person:
            record["IsPersonAccount"] = True
        self._ruled(entry, values)
        self._person_rules(entry, record, values)
        self._unique(entry, record, None)
        if not terms.save_duplicates or any(not rule[2] for rule in DUPLICATE_RULES.get(entry.name, ())):
            self._duplicates(entry, record, terms)
        if person:
            record["PersonContactId"] = org.new_id("Contact")
        record = derive(entry.name, None, record, org.record, terms.now)
        org.commit(entry.name, record, terms.now)
        if person:
            self._mirror_account(record, terms)
        if entry.name == "Opportunity" and "ContactId" in record:
            self._primary_role(record, terms)
        return str(record["Id"])

    def update(self, entry: SObject, record: Record, body: Record, terms: Terms) -> None:
        """Change a record. Raises `RefusedError`."""
        org = self._org
        self._writeable(entry)
        if record.get("IsDeleted"):
            raise is_deleted()
        values = checked(org, entry, body, create=False)
        self._locked(entry, record["Id"])
        if entry.name == "Lead" and record.get("IsConverted"):
            raise refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", ())
        self._person_rules(entry, record, values)
        changed = {name: value for name, value in {**record, **values}.items() if value is not None}
        absent = missing(entry, changed, without=("Name",) if record.get("IsPersonAccount") else ())
        if absent:
            raise required(absent)
        self._ruled(entry, values)
        self._unique(entry, changed, record)
        changed = derive(entry.name, record, {**changed, **self._touched(terms)}, org.record, terms.now)
        org.commit(entry.name, changed, terms.now)
        if changed.get("IsPersonAccount"):
            (self._mirror_account if entry.name == "Account" else self._mirror_contact)(changed, terms)

    def upsert(
        self, entry: SObject, field: Field, value: Json, body: Record, terms: Terms, *, update_only: bool = False
    ) -> tuple[str, bool]:
        """(id, created). Raises `RefusedError`, with status 300 where the key is not unique."""
        hits = self._org.index(entry.name, field.key).ids(value)
        if len(hits) > 1:
            message = f"{field.name}: more than one record found for external id field: {hits}"
            raise RefusedError(300, "DUPLICATE_EXTERNAL_ID", message)
        body = {name: given for name, given in body.items() if name.lower() not in (field.name.lower(), "id")}
        if hits:
            found = self._org.tables[entry.name].get(hits[0])
            if found is not None:
                self.update(entry, found, body, terms)
            return hits[0], False
        if update_only:
            raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")
        return self.create(entry, {**body, field.name: value}, terms), True

    def delete(self, entry: SObject, record: Record, terms: Terms) -> None:
        """Into the recycle bin, with what hangs on it. Raises `RefusedError`."""
        if not entry.writeable:
            raise refused("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", ())
        if record.get("IsDeleted"):
            raise is_deleted()
        self._locked(entry, record["Id"])
        if entry.name == "Contact" and record.get("IsPersonAccount"):
            raise refused("DELETE_FAILED", "The contact of a person account is deleted with the account.", ())
        self._bury_all(entry, record, terms)

    def _bury_all(self, entry: SObject, record: Record, terms: Terms) -> None:
        self._bury(entry, record, terms)
        for child, key in _CASCADES.get(entry.name, ()):
            for child_id in self._org.index(child, key).ids(record["Id"]):
                found = self._org.tables[child].get(child_id)
                if found is not None:
                    self._bury_all(self._org.objects[child], found, terms)

    def undelete(self, entry: SObject, record: Record, terms: Terms) -> None:
        """Back from the bin, with what went into it with the record. Raises `RefusedError`."""
        if not self._org.in_bin(record, terms.now):
            raise refused("UNDELETE_FAILED", "entity is not in the recycle bin", ())
        self._unique(entry, record, None)
        gone_at = record["_deleted_at"]
        back = {name: value for name, value in record.items() if name not in ("_deleted_at", "MasterRecordId")}
        self._org.commit(entry.name, {**back, **self._touched(terms), "IsDeleted": False}, terms.now)
        for child, key in _CASCADES.get(entry.name, ()):
            with_it = [
                found
                for found in self._org.tables[child]
                if found.get(key) == record["Id"] and found.get("_deleted_at") == gone_at
            ]
            for found in with_it:
                self.undelete(self._org.objects[child], found, terms)

    def merge(self, entry: SObject, winner: Record, loser: Record, terms: Terms) -> None:
        """The loser goes into the bin with its children moved to the winner. Raises `RefusedError`."""
        if not entry.mergeable:
            raise refused("INVALID_OPERATION", f"{entry.name} cannot be merged", ())
        if winner["Id"] == loser["Id"] or winner.get("IsDeleted") or loser.get("IsDeleted"):
            raise is_deleted()
        persons = {bool(record.get("IsPersonAccount")) for record in (winner, loser)}
        if len(persons) > 1 or (entry.name == "Contact" and persons == {True}):
            raise refused("INVALID_OPERATION", "person accounts are merged with each other, and as accounts", ())
        if persons == {True}:
            contacts = [self._org.record(record["PersonContactId"]) for record in (winner, loser)]
            self._merge(self._org.objects["Contact"], *(found for found in contacts if found is not None), terms=terms)
        self._merge(entry, winner, loser, terms=terms)

    def _merge(self, entry: SObject, winner: Record, loser: Record, *, terms: Terms) -> None:
        for child, key in self._children(entry.name):
            for child_id in self._org.index(child.name, key).ids(loser["Id"]):
                found = self._org.tables[child.name].get(child_id)
                if found is not None:
                    self._org.commit(child.name, {**found, key: winner["Id"], **self._touched(terms)}, terms.now)
        self._org.commit(entry.name, {**winner, **self._touched(terms)}, terms.now)
        self._bury(entry, {**loser, "MasterRecordId": winner["Id"]}, terms)

    def convert(self, lead: Record, terms: Terms) -> Record:
        """Make contact and account of a lead, as a person at the screen would; what the lead then points to."""
        if lead.get("IsConverted") or lead.get("IsDeleted"):
            raise refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", ())
        with self._org.all_or_none():
            return self._converted(lead, terms)

    def _converted(self, lead: Record, terms: Terms) -> Record:
        org = self._org
        saving = Terms(now=terms.now, by=terms.by, save_duplicates=True)
        account = self.create(org.objects["Account"], {"Name": lead["Company"]}, saving)
        shared = ("FirstName", "LastName", "Salutation", "Title", "Email", "Phone", "MobilePhone", "HasOptedOutOfEmail")
        contact = self.create(
            org.objects["Contact"],
            {"AccountId": account, **{name: lead[name] for name in shared if name in lead}},
            saving,
        )
        made = {
            "IsConverted": True,
            "Status": "Closed - Converted",
            "ConvertedDate": stamp(terms.now)[:10],
            "ConvertedAccountId": account,
            "ConvertedContactId": contact,
        }
        org.commit("Lead", {**lead, **made, **self._touched(terms)}, terms.now)
        return made

    def _writeable(self, entry: SObject) -> None:
        if not entry.writeable:
            message = f"entity type {entry.name} does not support create"
            raise refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, ())

    def _locked(self, entry: SObject, what: Json) -> None:
        self._written += 1
        every = self._org.locked_every
        if every and self._written % every == 0:
            raise refused(
                "UNABLE_TO_LOCK_ROW",
                f"unable to obtain exclusive access to this record or 1 records: {what or entry.prefix}",
                (),
            )

    def _with_defaults(self, entry: SObject, values: Record, terms: Terms) -> Record:
        record: Record = {
            field.key: field.default for field in entry.fields.values() if field.default not in (None, "")
        }
        record |= {name: value for name, value in values.items() if value is not None}
        if entry.field("OwnerId") is not None:
            record.setdefault("OwnerId", terms.by)
        record["Id"] = self._org.new_id(entry.name)
        record |= {"CreatedDate": stamp(terms.now), "CreatedById": terms.by, **self._touched(terms)}
        if entry.name == "Case":
            record["CaseNumber"] = f"{len(self._org.tables['Case']) + 1026:08d}"
        return record

    def _touched(self, terms: Terms) -> Record:
        at = stamp(terms.now)
        return {"LastModifiedDate": at, "LastModifiedById": terms.by, "SystemModstamp": at}

    def _ruled(self, entry: SObject, values: Record) -> None:
        """What this org's validation rule and its owners ask for."""
        for name in ("CX_NPS_Score__c", "CX_NPS_Score__pc"):
            if not 0 <= (values.get(name) or 0) <= HIGHEST_SCORE:
                raise refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", "NPS must be 0-10", [name])
        owner = self._org.record(values.get("OwnerId"))
        if owner is not None and not owner.get("IsActive", True):
            message = f"operation performed with inactive user [{owner['Id'][:15]}] as owner of {entry.name.lower()}"
            raise refused("INACTIVE_OWNER_OR_USER", message, ())

    def _unique(self, entry: SObject, record: Record, before: Record | None) -> None:
        for field in entry.fields.values():
            value = record.get(field.key)
            if not field.unique or value is None or (before is not None and before.get(field.key) == value):
                continue
            others = [hit for hit in self._org.holders(entry.name, field.key, value) if hit != record["Id"]]
            if others:
                raise refused(
                    "DUPLICATE_VALUE",
                    f"duplicate value found: {field.name} duplicates value on record with id: {others[0][:15]}",
                    (),
                )

    def _duplicates(self, entry: SObject, record: Record, terms: Terms) -> None:
        for rule, names, may_save in DUPLICATE_RULES.get(entry.name, ()):
            if may_save and terms.save_duplicates:
                continue
            if any(record.get(name) is None for name in names):
                continue
            hits = set.intersection(*(set(self._org.index(entry.name, name).ids(record[name])) for name in names))
            if hits:
                raise _duplicate(entry, rule, sorted(hits), terms.version, may_save=may_save)

    def _person_rules(self, entry: SObject, record: Record, values: Record) -> None:
        """A person account has no name but that of the person, and no contact but that of the person."""
        person = record.get("IsPersonAccount")
        account = self._org.record(values.get("AccountId")) if entry.name == "Contact" and not person else None
        if account is not None and account.get("IsPersonAccount"):
            raise refused("INVALID_CROSS_REFERENCE_KEY", "a contact cannot belong to a person account", ["AccountId"])
        barred = [
            name for name in values
            if (person and name == {"Account": "Name", "Contact": "AccountId"}.get(entry.name))
            or (not person and entry.name == "Account" and name in PERSON and name not in ("OwnerId", "Phone"))
        ]  # fmt: skip
        if barred:
            raise refused(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"{entry.name}: bad field names on insert/update call: {', '.join(barred)}",
                barred,
            )

    def _mirror_account(self, account: Record, terms: Terms) -> None:
        contact_id = account["PersonContactId"]
        before = self._org.record(contact_id)
        born = {"CreatedDate": account["CreatedDate"], "CreatedById": account["CreatedById"]}
        own: Record = before or {
            "Id": contact_id, "IsDeleted": False, "AccountId": account["Id"], "IsPersonAccount": True,
            "HasOptedOutOfFax": False, **born,
        }  # fmt: skip
        shared = {theirs: account.get(mine) for mine, theirs in PERSON.items()}
        record = {name: value for name, value in {**own, **shared, **self._touched(terms)}.items() if value is not None}
        record = derive("Contact", before, record, self._org.record, terms.now)
        self._org.commit("Contact", record, terms.now)

    def _mirror_contact(self, contact: Record, terms: Terms) -> None:
        account = self._org.record(contact["AccountId"])
        if account is None:
            return
        shared = {mine: contact.get(theirs) for mine, theirs in PERSON.items()}
        record = {
            name: value for name, value in {**account, **shared, **self._touched(terms)}.items() if value is not None
        }
        self._org.commit("Account", derive("Account", account, record, self._org.record, terms.now), terms.now)

    def _primary_role(self, opportunity: Record, terms: Terms) -> None:
        role = {"OpportunityId": opportunity["Id"], "ContactId": opportunity["ContactId"], "IsPrimary": True}
        self.create(self._org.objects["OpportunityContactRole"], role, terms)

    def _bury(self, entry: SObject, record: Record, terms: Terms) -> None:
        gone = {**record, **self._touched(terms), "IsDeleted": True, "_deleted_at": stamp(terms.now)}
        self._org.commit(entry.name, gone, terms.now)

    def _children(self, name: str) -> Sequence[tuple[SObject, str]]:
        return [
            (entry, field.key)
            for entry in self._org.objects.values()
            for field in entry.fields.values()
            if name in field.refers_to and field.key not in ("MasterRecordId", "PersonContactId")
        ]


def _duplicate(entry: SObject, rule: str, hits: Sequence[str], version: str, *, may_save: bool) -> RefusedError:
    """The alert or the block of a duplicate rule, with the records that look alike."""
    message = "Use one of these records?" if may_save else "You're creating a duplicate record."
    matches = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": {"type": entry.name, "url": f"/services/data/{version}/sobjects/{entry.name}/{hit}"},
                "Id": hit,
            },
        }
        for hit in hits
    ]
    result = {
        "allowSave": may_save,
        "duplicateRule": rule,
        "duplicateRuleEntityType": entry.name,
        "errorMessage": message,
        "matchResults": [
            {
                "entityType": entry.name,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": matches,
                "rule": rule.replace("Duplicate_Rule", "Match_Rule_v1_1"),
                "size": len(matches),
                "success": True,
            }
        ],
    }
    return RefusedError(400, "DUPLICATES_DETECTED", message, None, {"duplicateResult": result})
