"""What Salesforce works out itself when a record is saved."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sandbox.state import Record
from sandbox.vendors.salesforce.objects import STAGES
from sandbox.vendors.salesforce.schema import Lookup
from sandbox.vendors.salesforce.stamps import moment, stamp
from sandbox.web import Json

# Account -> Contact, of a person account: two records that share these.
PERSON: Final[Mapping[str, str]] = {
    "FirstName": "FirstName",
    "LastName": "LastName",
    "Salutation": "Salutation",
    "OwnerId": "OwnerId",
    "Phone": "Phone",
    "PersonEmail": "Email",
    "PersonTitle": "Title",
    "PersonMobilePhone": "MobilePhone",
    "PersonHomePhone": "HomePhone",
    "PersonBirthdate": "Birthdate",
    "PersonHasOptedOutOfEmail": "HasOptedOutOfEmail",
    "PersonDoNotCall": "DoNotCall",
    **{f"PersonMailing{part}": f"Mailing{part}" for part in ("Street", "City", "State", "PostalCode", "Country")},
    **{
        f"{name}__pc": f"{name}__c"
        for name in (
            "CX_NPS_Score", "CX_NPS_Class", "CX_NPS_Comment", "CX_NPS_Answered", "CX_CSAT_Score", "CX_Responses",
        )
    },
}  # fmt: skip


def derive(name: str, before: Record | None, record: Record, lookup: Lookup, now: datetime) -> Record:
    """The record with what follows from its fields. `before`: as it was, None for a new one."""
    deriving = _DERIVED.get(name)
    if deriving is None:
        return record
    made = deriving(before or {}, record, lookup, now)
    return {key: value for key, value in {**record, **made}.items() if value is not None}


def _full_name(record: Record) -> str:
    return " ".join(part for part in (record.get("FirstName"), record.get("LastName")) if part)


def _person(before: Record, record: Record, _lookup: Lookup, _now: datetime) -> Record:
    made: Record = {"Name": _full_name(record)}
    if "Email" in before and before.get("Email") != record.get("Email"):
        made |= {"EmailBouncedDate": None, "EmailBouncedReason": None}
    return made


def _contact(before: Record, record: Record, lookup: Lookup, now: datetime) -> Record:
    made = _person(before, record, lookup, now)
    bounced = made.get("EmailBouncedDate", record.get("EmailBouncedDate"))
    return {**made, "IsEmailBounced": bounced is not None}


def _account(_before: Record, record: Record, _lookup: Lookup, _now: datetime) -> Record:
    return {"Name": _full_name(record)} if record.get("IsPersonAccount") else {}


def _opportunity(before: Record, record: Record, _lookup: Lookup, _now: datetime) -> Record:
    probability, closed, won, category = STAGES.get(record["StageName"], (0, False, False, "Pipeline"))
    made: Record = {"IsClosed": closed, "IsWon": won}
    moved = before.get("StageName") != record["StageName"]
    for name, usual in (("Probability", float(probability)), ("ForecastCategoryName", category)):
        if moved and before.get(name) == record.get(name):
            made[name] = usual
    whole: Record = {**record, **made}
    made["ForecastCategory"] = str(whole.get("ForecastCategoryName")).replace(" ", "").replace("Commit", "Forecast")
    amount = record.get("Amount")
    made["ExpectedRevenue"] = None if amount is None else round(amount * whole.get("Probability", 0) / 100, 2)
    return made


def _task(before: Record, record: Record, lookup: Lookup, now: datetime) -> Record:
    closed = record["Status"] == "Completed"
    done = before.get("CompletedDateTime") if before.get("IsClosed") else stamp(now)
    return {
        "IsClosed": closed,
        "CompletedDateTime": record.get("CompletedDateTime", done) if closed else None,
        "IsHighPriority": record["Priority"] == "High",
        "AccountId": _account_of(record, lookup),
    }


def _event(_before: Record, record: Record, lookup: Lookup, _now: datetime) -> Record:
    made: Record = {"AccountId": _account_of(record, lookup)}
    start = record.get("StartDateTime") or record.get("ActivityDateTime")
    if start is not None:
        end = record.get("EndDateTime")
        minutes = record.get("DurationInMinutes", 60)
        if end is None:
            end = stamp(moment(start) + timedelta(minutes=minutes))
        made |= {
            "StartDateTime": start,
            "EndDateTime": end,
            "DurationInMinutes": int((moment(end) - moment(start)).total_seconds() // 60),
            "ActivityDateTime": None if record.get("IsAllDayEvent") else start,
            "ActivityDate": start[:10],
            "EndDate": end[:10],
        }
    return made


def _case(before: Record, record: Record, _lookup: Lookup, now: datetime) -> Record:
    closed = record.get("Status") == "Closed"
    ended = before.get("ClosedDate") if before.get("IsClosed") else record.get("ClosedDate", stamp(now))
    return {"IsClosed": closed, "ClosedDate": ended if closed else None}


def _campaign_member(before: Record, record: Record, _lookup: Lookup, now: datetime) -> Record:
    responded = record.get("Status") == "Responded"
    first = before.get("FirstRespondedDate") or record.get("FirstRespondedDate") or stamp(now)[:10]
    return {"HasResponded": responded, "FirstRespondedDate": first if responded else None}


def _account_of(record: Record, lookup: Lookup) -> Json:
    """The account that an activity hangs on: that of what it is about, else of whom it is with."""
    what, who = lookup(record.get("WhatId")), lookup(record.get("WhoId"))
    if what is not None and what["Id"].startswith("001"):
        return what["Id"]
    return next((found["AccountId"] for found in (what, who) if found is not None and "AccountId" in found), None)


_DERIVED: Final = {
    "Account": _account,
    "Contact": _contact,
    "Lead": _person,
    "Opportunity": _opportunity,
    "Task": _task,
    "Event": _event,
    "Case": _case,
    "CampaignMember": _campaign_member,
}
