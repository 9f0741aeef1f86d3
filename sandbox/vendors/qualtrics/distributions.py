"""Surveys sent by mail: to whom, when, and what became of each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from sandbox.ids import token
from sandbox.state import Record
from sandbox.vendors.qualtrics.responses import Said, second
from sandbox.vendors.qualtrics.surveys import BRAND, OWNER, Survey
from sandbox.web import Json
from sandbox.world import World

# Of those who did not answer: what became of the mail, and how often.
_SILENT: Final = (("Success", 60), ("Opened", 22), ("HardBounce", 6), ("SoftBounce", 4), ("Skipped", 4), ("Failure", 4))
_STARTED: Final = frozenset({"SurveyStarted", "SurveyPartiallyFinished", "SurveyFinished", "SessionExpired"})


class Sent(NamedTuple):
    """An answer that came by a mailed link."""

    contact: Record
    said: Said
    response: Record


@dataclass(slots=True, kw_only=True)
class Distribution:
    """`history` by the recipient's id on the list."""

    id: str
    survey: str
    mailing_list: str
    at: datetime
    modified: datetime
    history: dict[str, Record] = field(default_factory=dict)

    def shown(self) -> Json:
        return {
            "id": self.id,
            "parentDistributionId": None,
            "ownerId": OWNER,
            "organizationId": BRAND,
            "requestStatus": "Done",
            "requestType": "Invite",
            "sendDate": second(self.at),
            "createdDate": second(self.at - timedelta(hours=1)),
            "modifiedDate": second(self.modified),
            "customHeaders": {},
            "headers": {
                "fromEmail": "noreply@qualtrics.test", "replyToEmail": "cx@nordlicht.test", "fromName": "Nordlicht",
            },
            "recipients": {
                "mailingListId": self.mailing_list, "contactId": None, "libraryId": OWNER, "sampleId": None,
            },
            "message": {"libraryId": OWNER, "messageId": "MS_0Qx7LmT2vBnKd8R", "messageText": None},
            "surveyLink": {
                "surveyId": self.survey,
                "expirationDate": second(self.at + timedelta(days=60)),
                "linkType": "Individual",
            },
            "embeddedData": None,
            "stats": self._stats(),
        }  # fmt: skip

    def _stats(self) -> Json:
        by = Counter(row["status"] for row in self.history.values())
        sent = sum(by.values()) - by["Blocked"] - by["Skipped"] - by["Failure"]
        return {
            "sent": sent,
            "failed": by["Failure"],
            "started": sum(by[status] for status in _STARTED),
            "bounced": by["HardBounce"] + by["SoftBounce"],
            "opened": sum(by[status] for status in (*_STARTED, "Opened")),
            "skipped": by["Skipped"],
            "finished": by["SurveyFinished"],
            "complaints": by["Complaint"],
            "blocked": by["Blocked"],
        }

    def links(self, contacts: dict[str, Record]) -> list[Json]:
        found = []
        for row in self.history.values():
            contact = contacts.get(row["contactId"])
            if contact is not None:
                found.append(
                    {
                        "contactId": row["contactId"],
                        "transactionId": None,
                        "link": row["surveyLink"],
                        "exceededContactFrequency": False,
                        "linkExpiration": second(self.at + timedelta(days=60)),
                        "status": "Email not sent yet" if row["sentAt"] is None else "Email Sent",
                        "lastName": contact["lastName"],
                        "firstName": contact["firstName"],
                        "externalDataReference": contact["extRef"],
                        "email": contact["email"],
                        "unsubscribed": contact["directoryUnsubscribed"],
                    }
                )
        return found


def distributions(
    world: World, survey: Survey, sent: Sequence[Sent], contacts: Iterable[Record], mailing_list: str
) -> list[Distribution]:
    """One mailing a quarter, to those who answered and to others who did not."""
    rng = world.draw("qualtrics", "distributions", survey.kind)
    listed = [contact for contact in contacts if mailing_list in contact["_lists"]]
    by_quarter: dict[datetime, dict[str, Sent]] = {}
    for one in sent:
        by_quarter.setdefault(_quarter(one.said.started), {})[one.contact["contactId"]] = one
    made = []
    for at, answered in sorted(by_quarter.items()):
        key = f"EMD_{token(15, world.seed, survey.id, at)}"
        distribution = Distribution(
            id=key, survey=survey.id, mailing_list=mailing_list, at=at, modified=at + timedelta(days=60)
        )
        for contact in listed:
            came = answered.get(contact["contactId"])
            asked, picked = rng.random() < 0.3, rng.choices(*zip(*_SILENT, strict=True))[0]
            if came is None and (not asked or contact["creationDate"] > at):
                continue
            lookup = contact["_lists"][mailing_list]["contactLookupId"]
            row = _row(survey, key, contact, lookup, at)
            if came is not None:
                distribution.history[lookup] = _answered(row, came, at)
            elif contact["directoryUnsubscribed"] and contact["directoryUnsubscribeDate"] < at:
                distribution.history[lookup] = {**row, "status": "Blocked", "sentAt": None}
            else:
                opened = second(at + timedelta(hours=5)) if picked == "Opened" else None
                distribution.history[lookup] = {**row, "status": picked, "openedAt": opened}
        made.append(distribution)
    return made


def _quarter(at: datetime) -> datetime:
    return datetime(at.year, (at.month - 1) // 3 * 3 + 1, 1, 9, tzinfo=UTC)


def _row(survey: Survey, distribution: str, contact: Record, lookup: str, at: datetime) -> Record:
    return {
        "contactId": contact["contactId"],
        "contactLookupId": lookup,
        "distributionId": distribution,
        "status": "Success",
        "surveyLink": f"https://nordlicht.qualtrics.test/jfe/form/{survey.id}?Q_DL={distribution}_{lookup}",
        "contactFrequencyRuleId": None,
        "responseId": None,
        "responseStartedAt": None,
        "responseCompletedAt": None,
        "sentAt": second(at),
        "openedAt": None,
        "surveySessionId": None,
    }


def _answered(row: Record, one: Sent, at: datetime) -> Record:
    started = one.said.started
    finished = one.said.state == "finished"
    state = "SurveyFinished" if finished else "SessionExpired" if one.said.state == "given up" else "SurveyStarted"
    sent = min(at, started - timedelta(hours=1))
    return {
        **row,
        "status": state,
        "responseId": one.response["responseId"] if one.said.state != "open" else None,
        "sentAt": second(sent),
        "openedAt": second(started - timedelta(minutes=1)),
        "responseStartedAt": second(started),
        "responseCompletedAt": second(started + timedelta(seconds=one.said.seconds)) if finished else None,
        "surveySessionId": f"FS_{one.response['responseId'].partition('_')[2]}",
    }
