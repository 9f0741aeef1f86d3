"""What Zoho's statuses and codes mean. Vendor facts: README.md, Errors."""

from typing import Final

from connectors.sdk import Json, Rule, StatusTable

_EDITION: Final = "the organization's edition does not have it: take the stream out of the file"
_SCOPE: Final = "grant the scope (connectors/zoho/README.md, Access) and make a new refresh token"


def vendor_code(body: Json) -> str | None:
    """The code of an answer: at its root, or of its one row, as newer answers wrap errors like records."""
    if "code" not in body:
        [body] = body["data"]
    code = body["code"]
    return code if isinstance(code, str) else None


def code_of(body: Json) -> str | None:
    """The same of any body."""
    try:
        return vendor_code(body)
    except (KeyError, TypeError, ValueError):
        return None


STATUSES: Final = StatusTable(
    vendor="Zoho",
    vendor_code=code_of,
    rules={
        (400, "INVALID_MODULE"): Rule("permission", "the module is switched off or hidden from this user's profile"),
        (400, "NO_PERMISSION"): Rule("permission", "an administrator allows it in the profile of the hub's user"),
        (400, "FEATURE_NOT_SUPPORTED"): Rule("permission", _EDITION),
        (401, "OAUTH_SCOPE_MISMATCH"): Rule("permission", _SCOPE),
        403: Rule("permission", "an administrator allows it in the profile of the hub's user"),
        (403, "FEATURE_NOT_ENABLED"): Rule("permission", _EDITION),
        (403, "FEATURE_NOT_SUPPORTED"): Rule("permission", _EDITION),
        # One code for too many calls at once and for the end of the day's credits: waiting tells which it is.
        429: Rule("retry", "too many calls at once, or the organization's credits are used up: tried again later"),
        (404, "INVALID_URL_PATTERN"): Rule("shape"),
    },
)
