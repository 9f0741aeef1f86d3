"""What Pipedrive's statuses mean, and how its errors are told apart. Vendor facts: README.md, Errors."""

from typing import Final

from connectors.sdk import Json, Rule, StatusTable

# Pipedrive names a code in few of its errors, so these stand for what the bodies say in words.
SCOPE: Final = "scope mismatch"
DAILY: Final = "daily limit"
SAID: Final = "said by the API"

_CODES: Final = frozenset({"ERR_SCHEMA_VALIDATION_FAILED"})


def vendor_code(body: Json) -> str | None:
    """Which error a JSON body tells; a web page in its place has none, so that it can be told from the API's word."""
    error = str(body["error"]).lower()
    if "scope" in error:
        return SCOPE
    if "daily" in error or "budget" in error:
        return DAILY
    code = body.get("code")
    return code if code in _CODES else SAID


STATUSES: Final = StatusTable(
    vendor="Pipedrive",
    vendor_code=vendor_code,
    rules={
        402: Rule("setup", "the trial is over, or the plan does not include the API"),
        # The API answers in JSON. A web page comes from the guard in front of it, which blocks who hammers.
        403: Rule("later", "nothing: Pipedrive's guard blocks this machine for some minutes"),
        (403, SAID): Rule("permission", "an admin of the account allows it in the user's permission set"),
        (403, SCOPE): Rule("permission", "add the scope to the app in Pipedrive's developer hub and install it again"),
        # Nothing in the answer tells a burst from the end of the day's tokens.
        429: Rule("retry", "too many calls at once, or the account's tokens of the day are used up: tried again later"),
        (429, DAILY): Rule("budget"),
        415: Rule("shape"),
    },
)
