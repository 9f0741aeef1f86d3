"""The streams of Typeform. Vendor facts: README.md."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from connectors.sdk import FieldInfo, FieldType, Rule, StatusTable, StreamSpec

FORMS: Final = "forms"
RESPONSES: Final = "responses"

FORMS_PAGE: Final = 200
RESPONSES_PAGE: Final = 1000
# Of each form one more call, for its questions: so many to a page of ours.
FORMS_AT_ONCE: Final = 20
# `included_response_ids`; a thousand would make an address that some proxies refuse.
IDS: Final = 100

STREAMS: Final[Mapping[str, StreamSpec]] = {
    FORMS: StreamSpec(
        resolution=timedelta(seconds=1),
        page_size=FORMS_AT_ONCE,
        paging="offset",
        sweep=True,  # the list tells how many there are (README, Forms)
    ),
    RESPONSES: StreamSpec(
        resolution=timedelta(seconds=1),  # of `since` (README, Responses)
        # A response may be missing from the list for about half an hour; twice that is safe (README, Responses).
        hold_back=timedelta(hours=1),
        page_size=RESPONSES_PAGE,
        # What was answered stands. What was asked is told as it is today: a question whose scale is another one by now,
        # or that is gone, was answered on the one that it had (README, Responses).
        fixed=True,
        paging="token",
        parts=True,  # one a form
        sweep=True,  # the list tells how many there are (README, Responses)
    ),
}

STATUSES: Final = StatusTable(
    vendor="Typeform",
    vendor_code=lambda body: str(body["code"]) if body.get("code") else None,
    rules={
        402: Rule("setup", "the account's plan does not include this"),
        403: Rule("permission", "make a token with the scopes forms:read, responses:read and accounts:read"),
    },
)


def _field(path: str, kind: FieldType, label: str) -> FieldInfo:
    return FieldInfo(name=path, label=label, type=kind, path=path)


FIELDS: Final[Mapping[str, tuple[FieldInfo, ...]]] = {
    FORMS: (
        _field("id", "text", "Form ID"),
        _field("title", "text", "Title"),
        _field("type", "text", "Type"),
        _field("created_at", "datetime", "Created"),
        _field("last_updated_at", "datetime", "Last updated"),
        _field("settings", "json", "Settings"),
        _field("settings.is_public", "bool", "Public"),
        _field("fields", "json", "Questions"),
        _field("hidden", "json", "Hidden fields"),
        _field("_links", "json", "Links"),
        _field("_links.display", "text", "Address"),
    ),
    RESPONSES: (
        _field("response_id", "text", "Response ID"),
        _field("token", "text", "Token"),
        _field("form_id", "text", "Form ID"),
        _field("response_type", "text", "Response type"),
        _field("landed_at", "datetime", "Landed"),
        _field("submitted_at", "datetime", "Submitted"),
        _field("answers", "json", "Answers"),
        _field("hidden", "json", "Hidden fields"),
        _field("calculated", "json", "Calculated"),
        _field("variables", "json", "Variables"),
        _field("tags", "multi", "Tags"),
        _field("metadata", "json", "Device"),
    ),
}
