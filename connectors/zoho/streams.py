"""The streams of Zoho CRM, one declaration each. Vendor facts: README.md, Objects and Lists."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from connectors.sdk import Costs, StreamSpec

PAGE: Final = 200
FIELDS: Final = 50  # names that one question takes
IDS: Final = 100  # ids that one question takes
BATCH: Final = 100  # records that one write takes
ROWS_A_CREDIT: Final = 10  # of a write (README, Limits)

# The search index follows a write by seconds (README, Search); lists show it at once.
_LAG: Final = timedelta(seconds=15)
# The recycle bin keeps 60 days (README, Deletes); a day for clocks.
_REACH: Final = timedelta(days=59)


class Resource(Struct, frozen=True, kw_only=True):
    """Where a stream stands in the API. `module`: its API name there."""

    spec: StreamSpec
    module: str
    always: Mapping[str, str]  # asked with every question for records
    title: str = ""
    related: bool = False  # leads to records of several modules, named in `$se_module`


_RECORDS: Final = StreamSpec(
    writes=frozenset({"create", "update", "archive", "restore"}),
    # Times have whole seconds; that of the newest edit is shown (README, Lists).
    resolution=timedelta(seconds=1),
    # The vendor says nothing of late commits; a minute outlasts any write of its API.
    hold_back=timedelta(minutes=1),
    visibility_lag=_LAG,
    page_size=PAGE,
    paging="token",
    removals=True,
    removals_reach=_REACH,
    sweep=True,
    answers_with_values=False,
    batch=BATCH,
    costs=Costs(list=1, get=1, create=BATCH // ROWS_A_CREDIT, update=BATCH // ROWS_A_CREDIT, search=1),
)
# Modules that the hub puts a field of its own into (README, Writing).
_WITH_HUB_ID: Final = replace(_RECORDS, hub_id_unique=True)
_MORE: Final = replace(_WITH_HUB_ID, usual=False)
_OTHERS: Final = replace(_RECORDS, usual=False)

RESOURCES: Final[dict[str, Resource]] = {
    "contacts": Resource(module="Contacts", spec=_WITH_HUB_ID, always={}, title="Last_Name"),
    # Those that were converted are left out unless asked for.
    "leads": Resource(module="Leads", spec=_MORE, always={"converted": "both"}, title="Last_Name"),
    "accounts": Resource(module="Accounts", spec=_WITH_HUB_ID, always={}, title="Account_Name"),
    "deals": Resource(module="Deals", spec=_WITH_HUB_ID, always={}, title="Deal_Name"),
    "tasks": Resource(module="Tasks", spec=_OTHERS, always={}, title="Subject", related=True),
    "events": Resource(module="Events", spec=_OTHERS, always={}, title="Event_Title", related=True),
    "calls": Resource(module="Calls", spec=_OTHERS, always={}, title="Subject", related=True),
    "cases": Resource(module="Cases", spec=_MORE, always={}, title="Subject"),
    "campaigns": Resource(module="Campaigns", spec=_OTHERS, always={}, title="Campaign_Name"),
    "users": Resource(
        module="users",
        always={"type": "AllUsers"},
        # Few, and without an order that a change would move them in: read whole.
        spec=StreamSpec(cursor="full", page_size=PAGE, paging="offset"),
    ),
}
# A module's API name -> the stream that reads it.
STREAMS: Final[Mapping[str, str]] = {one.module: name for name, one in RESOURCES.items()}


def path(module: str) -> str:
    return f"/crm/v8/{module}"


FIELDS_PATH: Final = path("settings/fields")
ORG_PATH: Final = path("org")
