"""What Salesforce's answers mean: statuses of calls, and codes of single records. Vendor facts: README.md, Errors."""

import re
from collections.abc import Mapping
from typing import Final

from connectors.sdk import Json, Rule, StatusTable

# Both limits have one code; which of them it is only the words say.
BUSY: Final = "ConcurrentRequests"
SPENT: Final = "REQUEST_LIMIT_EXCEEDED"

# A cursor that is no longer held: reading goes on from the last stamp.
LOST_CURSOR: Final = "INVALID_QUERY_LOCATOR"
# Our question names a field that is gone, or hidden from us since.
LOST_FIELD: Final = frozenset({"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE"})

# A job's result that is kept no longer, or a place in it that is no longer known.
LOST_RESULT: Final = frozenset({400, 404})

# A single record: nothing was done, and trying again may help.
LATER: Final = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "REQUEST_RUNNING_TOO_LONG",
        "SERVER_UNAVAILABLE",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "PROCESSING_HALTED",
    }
)
# A single record: it is not what it was when the write was planned.
MOVED: Final = frozenset({"ENTITY_IS_DELETED"})

_USAGE: Final = re.compile(r"api-usage=(\d+)/(\d+)")


def vendor_code(body: Json) -> str | None:
    """The code of the first error of a body: a list of them, of the token address an object."""
    first = body[0] if isinstance(body, list) else body
    code = first.get("errorCode") or first.get("exceptionCode") or first.get("error")
    if code == SPENT and str(first.get("message")).startswith(BUSY):
        return BUSY
    return code if isinstance(code, str) else None


def usage(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Calls of the last 24 hours and how many the org has, as every answer says."""
    found = _USAGE.search(headers.get("Sforce-Limit-Info") or "")
    return None if found is None else (int(found[1]), int(found[2]))


def left(headers: Mapping[str, str]) -> int | None:
    told = usage(headers)
    return None if told is None else max(0, told[1] - told[0])


STATUSES: Final = StatusTable(
    vendor="Salesforce",
    vendor_code=vendor_code,
    rules={
        (400, "QUERY_TIMEOUT"): Rule("later"),
        (400, "INVALID_SESSION_ID"): Rule("token"),
        (400, "UNABLE_TO_LOCK_ROW"): Rule("later"),
        403: Rule("permission"),
        # Of the last 24 hours, sliding: no moment is named from which there are some again.
        (403, SPENT): Rule(
            "later", "nothing: the org's calls of 24 hours are used up, and come back bit by bit", "CW303"
        ),
        (403, BUSY): Rule("retry", "nothing: too many long calls of the org run at once"),
        (403, "INVALID_SESSION_ID"): Rule("token"),
        (403, "API_DISABLED_FOR_ORG"): Rule(
            "permission", "the org's edition has no API, or the user lacks API Enabled"
        ),
        (403, "API_CURRENTLY_DISABLED"): Rule("permission", "the user lacks the permission API Enabled"),
        406: Rule("retry"),
        410: Rule("setup", "this api_version has been retired: write a newer one"),
        414: Rule("shape"),
        420: Rule("retry"),
        431: Rule("shape"),
    },
)
