"""The streams of Pipedrive, one declaration each. Vendor facts: README.md, Objects and Lists."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal

from msgspec import Struct

from connectors.sdk import Costs, StreamSpec

LIVE: Final = "live"
ARCHIVED: Final = "archived"

# Whatever a list costs, it costs it whatever its limit (README, Limits): always the largest page.
PAGE: Final = 500
# `ids=` of the second version's lists (README, Lists).
IDS: Final = 100

V2: Final = Costs(list=10, get=1, create=5, update=5, archive=3, search=20)
V1: Final = Costs(list=20, get=2, create=10, update=10, archive=6, search=40)
ARCHIVED_V2: Final = 20
ARCHIVED_V1: Final = 40
FIELDS: Final = 10
ME: Final = 2

# `update_time` has whole seconds in the second version (README, Lists).
_SECOND: Final = timedelta(seconds=1)
# The vendor says nothing of late commits; a minute outlasts any write of its API, which gives up after 30 s.
_HOLD_BACK: Final = timedelta(minutes=1)
# The search index follows a write by seconds (README, Search); lists show it at once.
_LAG: Final = timedelta(seconds=15)


class Resource(Struct, frozen=True, kw_only=True):
    """Where a stream stands in the API, and how it is spoken to there."""

    spec: StreamSpec
    path: str
    walk: Literal["cursor", "offset", "whole"]
    archived: str | None = None  # the list of those that `path` leaves out
    archived_since: bool = True  # may that list be asked for changes?
    archived_cost: int = 0
    catalogue: str | None = None
    scopes: tuple[str, ...] = ()  # any one of them lets us read
    change: Literal["PATCH", "PUT"] = "PATCH"
    search: str | None = None
    search_by: str | None = None  # "email", "name": what a record is searched by
    title: str = "name"
    include: tuple[str, ...] = ()  # fields that come only when asked for, and that the default mapping reads
    addon: tuple[str, ...] = ()  # the same, of an add-on: an account without it may refuse the question


RESOURCES: Final[Mapping[str, Resource]] = {
    "persons": Resource(
        path="/api/v2/persons",
        walk="cursor",
        catalogue="/api/v2/personFields",
        scopes=("contacts:read", "contacts:full"),
        search="/api/v2/persons/search",
        search_by="email",
        addon=("marketing_status",),
        spec=StreamSpec(
            writes=frozenset({"create", "update", "archive"}),
            resolution=_SECOND,
            hold_back=_HOLD_BACK,
            visibility_lag=_LAG,
            page_size=PAGE,
            sweep=True,  # no feed of deletions, but a list by id that ends where there are no more (README, Deletes)
            costs=V2,
        ),
    ),
    "organizations": Resource(
        path="/api/v2/organizations",
        walk="cursor",
        catalogue="/api/v2/organizationFields",
        scopes=("contacts:read", "contacts:full"),
        search="/api/v2/organizations/search",
        search_by="name",
        spec=StreamSpec(
            writes=frozenset({"create", "update", "archive"}),
            resolution=_SECOND,
            hold_back=_HOLD_BACK,
            visibility_lag=_LAG,
            page_size=PAGE,
            sweep=True,
            costs=V2,
        ),
    ),
    "deals": Resource(
        path="/api/v2/deals",
        walk="cursor",
        archived="/api/v2/deals/archived",
        archived_cost=ARCHIVED_V2,
        catalogue="/api/v2/dealFields",
        scopes=("deals:read", "deals:full"),
        search="/api/v2/deals/search",
        search_by="title",
        title="title",
        include=("source_lead_id",),
        spec=StreamSpec(
            writes=frozenset({"create", "update", "archive", "restore"}),
            resolution=_SECOND,
            hold_back=_HOLD_BACK,
            visibility_lag=_LAG,
            page_size=PAGE,
            parts=True,  # archived deals have a list of their own (README, Lists)
            removals=True,  # status=deleted
            removals_reach=timedelta(days=29),  # it shows 30 days (README, Deletes); a day for clocks
            sweep=True,
            costs=V2,
        ),
    ),
    "leads": Resource(
        path="/v1/leads",
        walk="offset",
        archived="/v1/leads/archived",
        archived_since=False,  # that list takes no updated_since (README, Lists)
        archived_cost=ARCHIVED_V1,
        catalogue="/api/v2/dealFields",  # leads have the fields of deals
        scopes=("leads:read", "leads:full"),
        search="/api/v2/leads/search",
        search_by="title",
        title="title",
        spec=StreamSpec(
            usual=False,
            writes=frozenset({"create", "update", "archive", "restore"}),
            resolution=timedelta(milliseconds=1),
            hold_back=_HOLD_BACK,
            visibility_lag=_LAG,
            page_size=PAGE,
            paging="offset",
            fetch_batch=1,
            missing_means="cleared",  # an unset custom field is left out (README, Objects)
            parts=True,
            sweep=True,
            costs=V1,
        ),
    ),
    "activities": Resource(
        path="/api/v2/activities",
        walk="cursor",
        catalogue="/api/v2/activityFields",
        scopes=("activities:read", "activities:full"),
        title="subject",
        spec=StreamSpec(
            usual=False,
            writes=frozenset({"create", "update", "archive"}),
            resolution=_SECOND,
            hold_back=_HOLD_BACK,
            visibility_lag=_LAG,
            page_size=PAGE,
            sweep=True,
            costs=V2,
        ),
    ),
    "notes": Resource(
        path="/v1/notes",
        walk="offset",
        scopes=("deals:read", "deals:full", "contacts:read", "contacts:full"),
        change="PUT",
        title="content",
        spec=StreamSpec(
            usual=False,
            writes=frozenset({"create", "update"}),
            resolution=_SECOND,
            hold_back=_HOLD_BACK,
            visibility_lag=_LAG,
            page_size=PAGE,
            paging="offset",
            fetch_batch=1,
            sweep=True,
            costs=V1,
        ),
    ),
    "users": Resource(
        path="/v1/users",
        walk="whole",
        scopes=("users:read",),
        spec=StreamSpec(
            cursor="full",  # one answer with all of them, and no way to ask for changes (README, Lists)
            resolution=_SECOND,
            page_size=PAGE,
            paging="none",
            costs=V1,
        ),
    ),
}
