"""What is gone: the feed of deletions, and the bin, which tells who survived a merge. Vendor facts: README.md."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.sdk import Answer, Json, Removal, ShapeError

# Keys handed out at a time.
_SOME: Final = 2000
# Seconds of its bounds are dropped, and less than this between them is refused.
_LEAST: Final = timedelta(minutes=2)
_TOO_MANY: Final = "EXCEEDED_ID_LIMIT"

Ask = Callable[[datetime, datetime], Answer]


def feed(ask: Ask, since: datetime, until: datetime) -> Iterator[tuple[dict[str, datetime | None], datetime | None]]:
    """Deleted ids with their times, and how far back the feed reaches; an interval with too many is halved."""
    if until - since < _LEAST:
        since = until - _LEAST
    try:
        answer = ask(since, until)
    except ShapeError as exc:
        if exc.vendor_code != _TOO_MANY or until - since < 2 * _LEAST:
            raise
    else:
        yield _deleted(answer)
        return
    middle = (since + (until - since) / 2).replace(second=0, microsecond=0)
    yield from feed(ask, since, middle)
    yield from feed(ask, middle, until)


def _deleted(answer: Answer) -> tuple[dict[str, datetime | None], datetime | None]:
    body: Json = answer.json
    rows = body.get("deletedRecords") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise ShapeError(
            f"{answer.origin}: answered in a form the connector does not know",
            hint="`crosswalk runs --report` makes a file without personal data to send in",
            code="CW307",
        )
    return {str(row["id"]): at(row.get("deletedDate")) for row in rows}, at(body.get("earliestDateAvailable"))


def at(stamp: Any) -> datetime | None:
    """A time of Salesforce's; None where there is none."""
    try:
        moment = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def minutes(moment: datetime) -> str:
    """A bound of the feed."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def together(
    gone: dict[str, datetime | None], binned: dict[str, tuple[datetime | None, str | None]]
) -> Iterator[Sequence[Removal]]:
    """Each once. The bin tells a merge; the feed also what is no longer in the bin."""
    found = [Removal(key, moment, survivor) for key, (moment, survivor) in binned.items()]
    found += [Removal(key, moment, None) for key, moment in gone.items() if key not in binned]
    for start in range(0, len(found), _SOME):
        yield found[start : start + _SOME]
