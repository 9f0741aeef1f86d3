"""The streams of Qualtrics. Vendor facts: README.md."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from connectors.sdk import FieldInfo, FieldType, Json, Rule, StatusTable, StreamSpec

API: Final = "/API/v3"
SURVEYS: Final = "surveys"
RESPONSES: Final = "responses"
CONTACTS: Final = "directory_contacts"
DISTRIBUTIONS: Final = "distributions"

# Of each survey one more call, for its questions: so many to a page of ours.
SURVEYS_AT_ONCE: Final = 20
RESPONSES_PAGE: Final = 500
CONTACTS_PAGE: Final = 100
HISTORY_PAGE: Final = 100
# A search shows no more hits than these (README, Directory).
HITS: Final = 10_000

_SECOND: Final = timedelta(seconds=1)

STREAMS: Final[Mapping[str, StreamSpec]] = {
    SURVEYS: StreamSpec(
        resolution=_SECOND,
        page_size=SURVEYS_AT_ONCE,
        paging="token",
        sweep=True,
    ),
    RESPONSES: StreamSpec(
        cursor="content",  # the vendor's continuation token knows what was recorded since (README, Responses)
        resolution=timedelta(milliseconds=1),
        # Of the window by dates that takes the place of a token which is refused. Nothing says how late a response may
        # show; an hour is four times what an export has been seen to take.
        hold_back=timedelta(hours=1),
        page_size=RESPONSES_PAGE,
        paging="none",
        parts=True,  # one a survey
        sweep=True,  # an export of ids, whose file proves that it is whole (README, Responses)
    ),
    CONTACTS: StreamSpec(
        usual=False,
        writes=frozenset({"create", "update"}),
        resolution=_SECOND,
        # Of the index; how long it lags is a setting, `index_lag` (README, Directory).
        hold_back=timedelta(minutes=5),
        visibility_lag=timedelta(minutes=5),
        cap=HITS,
        page_size=CONTACTS_PAGE,
        fetch_batch=1,
        paging="token",
        missing_means="cleared",  # embedded data come whole, without what is empty (README, Directory)
        sweep=True,
        answers_with_values=False,
        fires_automation_on_create=True,
    ),
    DISTRIBUTIONS: StreamSpec(
        usual=False,
        cursor="content",  # a mailing's figures say whether anything became of it since (README, Distributions)
        resolution=_SECOND,
        page_size=HISTORY_PAGE,
        paging="token",
        parts=True,  # one a survey
    ),
}

# Stream -> scopes of a client, any one of which lets it be read.
SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    SURVEYS: ("read:surveys", "manage:surveys"),
    RESPONSES: ("read:survey_responses", "manage:survey_responses"),
    CONTACTS: ("manage:directory_contacts", "read:directory_contacts"),
    DISTRIBUTIONS: ("read:distributions", "manage:distributions"),
}


def _vendor_code(body: Json) -> str | None:
    return str(body["meta"]["error"]["errorCode"])


STATUSES: Final = StatusTable(
    vendor="Qualtrics",
    vendor_code=_vendor_code,
    rules={
        403: Rule(
            "permission",
            "your Qualtrics administrator grants it: Access API, and for the directory Manage Directory Contacts; a"
            " client needs the scope",
        ),
        413: Rule("refused", "the body is too large"),
    },
)


def _field(path: str, kind: FieldType, label: str, *, write: bool = False, length: int | None = None) -> FieldInfo:
    return FieldInfo(name=path, label=label, type=kind, path=path, write=write, max_length=length)


FIELDS: Final[Mapping[str, tuple[FieldInfo, ...]]] = {
    SURVEYS: (
        _field("id", "text", "Survey ID"),
        _field("name", "text", "Name"),
        _field("isActive", "bool", "Active"),
        _field("creationDate", "datetime", "Created"),
        _field("lastModified", "datetime", "Last modified"),
        _field("language", "text", "Language"),
        _field("questions", "json", "Questions"),
        _field("embeddedData", "json", "Embedded data"),
    ),
    RESPONSES: (
        _field("responseId", "text", "Response ID"),
        _field("surveyId", "text", "Survey ID"),
        _field("values", "json", "Values"),
        _field("values.startDate", "datetime", "Started"),
        _field("values.endDate", "datetime", "Ended"),
        _field("values.recordedDate", "datetime", "Recorded"),
        _field("values.status", "text", "Status"),
        _field("values.finished", "text", "Finished"),
        _field("values.progress", "int", "Progress"),
        _field("values.duration", "int", "Duration in seconds"),
        _field("values.distributionChannel", "text", "Distribution channel"),
        _field("values.userLanguage", "text", "User language"),
        _field("values.recipientFirstName", "text", "Recipient first name"),
        _field("values.recipientLastName", "text", "Recipient last name"),
        _field("values.recipientEmail", "text", "Recipient e-mail"),
        _field("values.externalDataReference", "text", "External data reference"),
        _field("answers", "json", "Answers"),
        _field("embeddedData", "json", "Embedded data"),
    ),
    CONTACTS: (
        _field("contactId", "text", "Contact ID"),
        _field("firstName", "text", "First name", write=True, length=1024),
        _field("lastName", "text", "Last name", write=True, length=1024),
        _field("email", "text", "E-mail", write=True, length=1024),
        _field("phone", "text", "Phone", write=True, length=1024),
        _field("extRef", "text", "External data reference", write=True, length=1024),
        _field("language", "text", "Language", write=True),
        _field("unsubscribed", "bool", "Opted out", write=True),
        _field("unsubscribeDate", "datetime", "Opted out on"),
        _field("embeddedData", "json", "Embedded data", write=True),
        _field("creationDate", "datetime", "Created"),
        _field("lastModified", "datetime", "Last modified"),
    ),
    DISTRIBUTIONS: (
        _field("id", "text", "Distribution and recipient"),
        _field("distributionId", "text", "Distribution ID"),
        _field("contactLookupId", "text", "Recipient's ID on the list"),
        _field("contactId", "text", "Contact ID"),
        _field("surveyId", "text", "Survey ID"),
        _field("status", "text", "Status"),
        _field("sentAt", "datetime", "Sent"),
        _field("openedAt", "datetime", "Opened"),
        _field("responseStartedAt", "datetime", "Started"),
        _field("responseCompletedAt", "datetime", "Completed"),
        _field("responseId", "text", "Response ID"),
        _field("surveyLink", "text", "Link"),
    ),
}


def embedded(name: str, *, write: bool) -> FieldInfo:
    """A key of the embedded data, of which there is no catalogue: what was seen, and what an operator names."""
    path = f'embeddedData."{name}"' if "." in name or '"' in name else f"embeddedData.{name}"
    return FieldInfo(
        name=path, label=name, type="text", path=path, write=write, custom=True, max_length=1024 if write else None
    )
