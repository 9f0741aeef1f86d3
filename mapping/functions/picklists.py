"""Picklist defaults: our codes and the words that vendors use for them.

A word is met without case, by an option's id or its label. Where several words read alike, the first that the side
offers is written. A code that a list does not name stands for itself; the rest reads as `other` with its word kept.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

# list -> code -> words. `vendor/list` goes before the list of everybody.
_LISTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "stage.status": {
        "open": ("open",),
        "on_hold": ("SUSPENDED", "on_hold", "On Hold"),
        "won": ("won", "Closed Won", "1.0"),
        "lost": (
            "lost",
            "Closed Lost",
            "Closed Lost to Competition",
            "Closed-Lost to Competition",
            "unqualified",
        ),
        "abandoned": ("ABANDONED",),
    },
    "activecampaign/stage.status": {"open": ("0",), "won": ("1",), "lost": ("2",)},
    "dynamics 365/stage.status": {"open": ("1",), "on_hold": ("2",), "won": ("3",), "lost": ("4", "5")},
    "stage.category": {
        "new": ("Prospecting", "incoming", "appointmentscheduled"),
        "qualified": ("Qualification", "Needs Analysis", "qualified", "qualifiedtobuy"),
        "proposal": ("Value Proposition", "Proposal/Price Quote", "quote", "presentationscheduled"),
        "negotiation": (
            "Id. Decision Makers",
            "Identify Decision Makers",
            "Perception Analysis",
            "Negotiation/Review",
            "decisionmakerboughtin",
        ),
        "committed": ("contractsent", "closure"),
        "closed": ("Closed Won", "Closed Lost", "won", "lost", "closedwon", "closedlost"),
    },
    "lead_status": {
        "new": ("Open - Not Contacted", "Not Contacted", "new"),
        "open": ("open",),
        "working": ("Working - Contacted", "Attempted to Contact", "IN_PROGRESS", "ATTEMPTED_TO_CONTACT", "Working"),
        "contacted": ("contacted", "connected"),
        "nurturing": ("Contact in Future", "BAD_TIMING", "nurturing"),
        "qualified": ("Pre-Qualified", "OPEN_DEAL", "qualified"),
        "unqualified": ("Not Qualified", "Closed - Not Converted", "unqualified"),
        "junk": ("Junk Lead", "Lost Lead", "junk"),
        "converted": ("Closed - Converted", "converted"),
    },
    "dynamics 365/lead_status": {"qualified": ("1",), "unqualified": ("2",)},
    "lifecycle_stage": {
        "mql": ("marketingqualifiedlead", "mql"),
        "sql": ("salesqualifiedlead", "sql"),
        "advocate": ("evangelist", "advocate"),
        "former_customer": ("past", "former_customer"),
    },
    "relationship": {
        "prospect": ("Prospect",),
        "customer": ("Customer", "Customer - Direct", "Customer - Channel"),
        "partner": (
            "Channel Partner / Reseller",
            "Installation Partner",
            "Technology Partner",
            "Partner",
        ),
        "vendor": ("Vendor", "Supplier", "Distributor"),
    },
    "activity.kind": {
        "email": ("email", "ListEmail"),
        "meeting": ("meeting", "lunch", "appointment", "event"),
        "task": ("task", "Cadence", "deadline"),
        "call": ("call", "phonecall"),
        "letter": ("letter",),
        "other": ("fax",),
        "sms": ("sms", "text_messages"),
        "visit": ("visit", "visits"),
        "note": ("note",),
    },
    "activity.status": {
        "planned": (
            "Not Started",
            "NOT_STARTED",
            "open",
            "false",
            "Waiting",
            "Waiting on someone else",
            "Waiting for input",
            "Deferred",
            "Scheduled",
        ),
        "in_progress": ("In Progress", "IN_PROGRESS"),
        "done": ("Completed", "true", "done"),
        "cancelled": ("Canceled", "cancelled"),
        "missed": ("missed",),
    },
    "activity.direction": {
        "inbound": ("inbound", "incoming", "missed"),
        "outbound": ("outbound", "outgoing"),
        "internal": ("internal",),
    },
    "ticket.status": {
        "new": ("new", "1"),
        "open": ("Working", "In Progress", "Researching", "Escalated", "active", "3", "open"),
        "pending": ("Waiting on contact", "Waiting", "2", "pending"),
        "on_hold": ("On Hold", "on_hold"),
        "solved": ("Resolved", "Problem solved", "Info provided", "Information provided", "solved"),
        "closed": ("closed", "4"),
        "cancelled": ("cancelled", "Canceled"),
    },
    "ticket.kind": {"problem": ("problem", "issue"), "request": ("request", "feature request")},
    "priority": {
        "urgent": ("urgent", "Highest"),
        "high": ("high", "1"),
        "normal": ("normal", "Medium", "2"),
        "low": ("low", "Lowest", "3"),
    },
    "zendesk sell/priority": {"high": ("true",), "normal": ("false",)},
    "channel": {
        "email": ("email", "e-mail"),
        "sms": ("sms",),
        "web": ("web", "site intercept", "popup", "in_app"),
        "link": ("link", "anonymous", "gl", "weblink", "default", "url"),
        "app": ("app", "mobile"),
        "qr": ("qr", "qr code"),
        "social": ("social",),
        "phone": ("phone", "ivr"),
        "chat": ("chat",),
        "paper": ("paper", "offline"),
    },
    "invitation.status": {
        "sent": ("sent", "success"),
        "opened": ("opened", "read"),
        "started": ("SurveyStarted", "SurveyPartiallyFinished", "partially_responded", "started"),
        "completed": ("completed", "SurveyFinished", "completely_responded"),
        "skipped": ("skipped", "SurveyScreenedOut", "NOT_SAMPLED"),
        "suppressed": ("blocked", "OptOut", "contact rule", "suppressed"),
        "bounced_soft": ("SoftBounce", "bounced_soft"),
        "bounced_hard": ("HardBounce", "bounced_hard"),
        "complained": ("complaint", "complained"),
        "failed": ("error", "failure", "failed"),
        "expired": ("SessionExpired", "expired"),
        "declined": ("declined", "decline"),
    },
    "response.status": {
        "completed": ("completed", "1", "true", "finished", "complete"),
        "partial": ("partial", "0", "false"),
        "over_quota": ("overquota", "over_quota"),
    },
    "exclusion": {
        "none": ("none", "0", "16", "false"),
        "preview": ("preview", "1", "17"),
        "test": ("test", "2"),
        "imported": ("imported", "4"),
        "spam": ("spam", "8", "9"),
        "tool": ("tool", "true"),
    },
    "consent": {
        "unknown": ("no_consent", "unknown"),
        "withdrawn": ("unsubscribed", "withdrawn"),
        "granted": ("subscribed", "archived", "granted"),
        "pending": ("pending",),
        "denied": ("denied",),
    },
    "activecampaign/consent": {"pending": ("0",), "granted": ("1",), "withdrawn": ("2",)},
    "email.status": {
        "bounced_hard": ("1", "HardBounce", "bounced_hard"),
        "bounced_soft": ("SoftBounce", "bounced_soft"),
        "ok": ("0", "ok"),
    },
    "survey.status": {
        "active": ("active", "true", "y"),
        "closed": ("inactive", "false", "n", "closed"),
        "draft": ("draft",),
        "paused": ("paused",),
        "archived": ("archived",),
    },
    "owner.active": {"true": ("active", "true"), "false": ("inactive", "deleted", "disabled", "false")},
    "archived": {"true": ("1", "true", "inactive"), "false": ("0", "false", "active")},
    "campaign.status": {
        "planned": ("planned", "planning"),
        "active": ("active", "In Progress"),
        "completed": ("Completed", "complete"),
        "cancelled": ("cancelled", "Canceled", "aborted"),
    },
    "membership.status": {"responded": ("responded",), "sent": ("sent",)},
    "on_deal.role": {
        "decision_maker": ("Decision Maker", "decision_maker", "Economic Decision Maker"),
        "influencer": ("influencer", "Evaluator"),
        "buyer": ("buyer", "Economic Buyer", "Business User"),
        "user": ("user", "End User"),
        "billing": ("billing", "Billing Contact"),
    },
}
# Of emails and phones: how vendors label an entry, and how we do.
EMAIL_LABELS: Final[Mapping[str, str]] = {
    "work": "work", "office": "work", "business": "work", "home": "personal", "personal": "personal",
    "private": "personal", "other": "other", "billing": "billing",
}  # fmt: skip
PHONE_LABELS: Final[Mapping[str, str]] = {
    "work": "work", "office": "work", "business": "work", "home": "home", "personal": "home", "private": "home",
    "mobile": "mobile", "cell": "mobile", "main": "main", "fax": "fax", "assistant": "assistant", "other": "other",
}  # fmt: skip
# What is written for a type of ours, the first that the side uses.
EMAIL_WORDS: Final[Mapping[str, str]] = {"work": "work", "personal": "home", "other": "other", "billing": "other"}
PHONE_WORDS: Final[Mapping[str, str]] = {
    "work": "work", "home": "home", "mobile": "mobile", "main": "work", "fax": "other", "assistant": "other",
    "other": "other",
}  # fmt: skip


class Picklist(NamedTuple):
    """`reads`: folded word -> code. `writes`: code -> words, the preferred first."""

    reads: Mapping[str, str]
    writes: Mapping[str, tuple[str, ...]]


def known_lists() -> list[str]:
    """The names of all lists, without those of one vendor."""
    return sorted(name for name in _LISTS if "/" not in name)


@cache
def picklist(name: str, vendor: str = "") -> Picklist | None:
    """The list of this name as this vendor uses it; None: there is none."""
    told = _LISTS.get(name)
    if told is None:
        return None
    own = _LISTS.get(f"{vendor}/{name}", {})
    reads = {folded(word): code for words in (told, own) for code, some in words.items() for word in some}
    writes = {code: (*own.get(code, ()), *told.get(code, ())) for code in {**told, **own}}
    return Picklist(reads, writes)


def folded(raw: object) -> str:
    """A word of a picklist for looking it up."""
    if raw is True or raw is False:
        return "true" if raw else "false"
    return str(raw).strip().casefold()
