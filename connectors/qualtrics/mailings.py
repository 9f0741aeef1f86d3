"""Who was asked by a mailing, and what became of it."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from connectors.qualtrics.lists import at
from connectors.sdk import Json, RemoteRecord, RowFault

# A link to a survey is good for sixty days, if nobody says otherwise; after ninety nothing becomes of a mailing.
_FOLLOWED: Final = timedelta(days=90)
_TIMES: Final = ("sentAt", "openedAt", "responseStartedAt", "responseCompletedAt")
_KEPT: Final = ("distributionId", "contactLookupId", "contactId", "status", "responseId", "surveyLink", *_TIMES)


def figures(row: Mapping[str, Json]) -> str:
    """What moves when anything becomes of a mailing: when it was changed, and how many did what."""
    stats = row.get("stats")
    told = [row.get("modifiedDate"), sorted(stats.items()) if isinstance(stats, Mapping) else None]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def over(now: datetime | None) -> str | None:
    """What was sent before this is not asked after again."""
    return None if now is None else (now - _FOLLOWED).isoformat()


def is_followed(row: Mapping[str, Json], *, since: str | None) -> bool:
    """May anything have become of a mailing since it was read? Of one whose date cannot be read, yes."""
    try:
        sent = at(row.get("sendDate"))
    except ValueError:
        return True
    return since is None or sent is None or sent >= datetime.fromisoformat(since)


def records(
    rows: Sequence[Mapping[str, Json]], *, survey: str, distribution: str
) -> tuple[list[RemoteRecord], list[RowFault]]:
    """One record for each who was asked."""
    made: list[RemoteRecord] = []
    faults: list[RowFault] = []
    for row in rows:
        one = _record({"distributionId": distribution, **row}, survey)
        if isinstance(one, RemoteRecord):
            made.append(one)
        else:
            faults.append(RowFault(f"distributions/{distribution}", None, one, dict(row)))
    return made, faults


def _record(row: Mapping[str, Json], survey: str) -> RemoteRecord | str:
    lookup = row.get("contactLookupId")
    if not isinstance(lookup, str) or not lookup:
        return "a recipient without an id"
    try:
        times = [moment for name in _TIMES if (moment := at(row.get(name))) is not None]
    except ValueError:
        return "a recipient whose dates cannot be read"
    key = f"{row['distributionId']}/{lookup}"
    values = {"id": key, **{name: row.get(name) or None for name in _KEPT}}
    # It has no time of its own: the last thing that is known to have happened.
    modified = max(times, default=None)
    return RemoteRecord(key, None, modified, {**values, "surveyId": survey})
