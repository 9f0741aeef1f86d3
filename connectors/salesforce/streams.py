"""The streams of Salesforce, one declaration each. Vendor facts: README.md, Objects and Lists."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from msgspec import Struct

from connectors.sdk import Costs, Operation, StreamSpec

# The part of a stream that is read whole now and then, since a formula's change leaves no stamp.
CALCULATED: Final = "calculated"

# Rows a page of a query, the most that there is (README, Lists).
PAGE: Final = 2000
# Records a call of sObject Collections (README, Writing).
# Ids in one condition: with the fields of a large org still below the 100,000 characters of a query.
IDS: Final = 800
BATCH: Final = 200

# SystemModstamp has whole seconds (README, Lists).
_SECOND: Final = timedelta(seconds=1)
# A record is stamped before it is committed, and a transaction may take minutes (README, Lists).
_HOLD_BACK: Final = timedelta(minutes=10)
# Queries see what was committed at once; a few seconds for a commit that the lost answer came before.
_LAG: Final = timedelta(seconds=10)
# It answers for 15 days (README, Deletes); a day for clocks.
_REACH: Final = timedelta(days=14)

_ONE: Final = Costs()
_WRITES: Final[frozenset[Operation]] = frozenset({"create", "update", "archive"})


class Resource(Struct, frozen=True, kw_only=True):
    """Where a stream stands in the API, and how it is spoken to there."""

    spec: StreamSpec
    sobject: str
    prefix: str  # of its ids
    only: tuple[str, str] | None = None  # a field and the condition on it that makes the stream of the object
    needs: bool = False  # without that field there is no such record in the org; else every record is one
    merges: bool = False  # a merged record names who survived it
    bulk: bool = True  # does Bulk API serve it?
    related: tuple[str, ...] = ()  # fields of other records that the default mapping reads
    leave_out: tuple[str, ...] = ()  # beginnings of names: fields that change without being news
    # What a create is found by where it carries no hub id: the first of these whose first field it carries.
    identities: tuple[tuple[str, ...], ...] = ()


def _spec(
    *,
    usual: bool = True,
    writes: frozenset[Operation] = _WRITES,
    calculated: bool = True,
    removals: bool = True,
    sweep: bool = True,
    merges: bool = False,
    hub_id: bool = True,
    parent: str | None = None,
) -> StreamSpec:
    return StreamSpec(
        usual=usual,
        writes=writes,
        resolution=_SECOND,
        hold_back=_HOLD_BACK,
        visibility_lag=_LAG,
        page_size=PAGE,
        paging="keyset",
        parts=calculated,
        removals=removals,
        removals_reach=_REACH if removals else None,
        sweep=sweep,
        merges_name_survivor=merges,
        hub_id_unique=hub_id and "create" in writes,
        answers_with_values=False,
        fetch_batch=IDS,
        batch=BATCH if writes else 1,
        batch_failure="per_record",
        # Collections take no precondition (README, Writing); a batch is read again before it is sent.
        precondition="none",
        parent=parent,
        fires_automation_on_create=bool(writes),
        costs=_ONE,
    )


_PERSON_ACCOUNT: Final = "IsPersonAccount"
_SEEN: Final = ("LastViewedDate", "LastReferencedDate", "PhotoUrl")

RESOURCES: Final[Mapping[str, Resource]] = {
    "contacts": Resource(
        sobject="Contact",
        prefix="003",
        only=(_PERSON_ACCOUNT, "= false"),
        merges=True,
        related=("Account.Name",),
        leave_out=_SEEN,
        identities=(("Email",), ("LastName", "FirstName", "AccountId")),
        spec=_spec(merges=True, parent="accounts"),
    ),
    "leads": Resource(
        sobject="Lead",
        prefix="00Q",
        merges=True,
        leave_out=_SEEN,
        identities=(("Email",), ("LastName", "FirstName", "Company")),
        spec=_spec(merges=True),
    ),
    "accounts": Resource(
        sobject="Account",
        prefix="001",
        only=(_PERSON_ACCOUNT, "= false"),
        merges=True,
        leave_out=_SEEN,
        identities=(("Name",),),
        spec=_spec(merges=True),
    ),
    # Of orgs with person accounts: people whom Salesforce keeps as account and contact in one.
    "person_accounts": Resource(
        sobject="Account",
        prefix="001",
        only=(_PERSON_ACCOUNT, "= true"),
        needs=True,
        merges=True,
        leave_out=_SEEN,
        identities=(("PersonEmail",), ("LastName", "FirstName")),
        spec=_spec(usual=False, merges=True),
    ),
    "opportunities": Resource(
        sobject="Opportunity",
        prefix="006",
        related=("RecordType.DeveloperName",),
        leave_out=_SEEN,
        identities=(("Name", "AccountId"),),
        spec=_spec(parent="accounts"),
    ),
    "contact_roles": Resource(
        sobject="OpportunityContactRole",
        prefix="00K",
        identities=(("OpportunityId", "ContactId"),),
        # One more field to make there would buy little: pairs are found by their ends.
        spec=_spec(usual=False, hub_id=False, parent="opportunities"),
    ),
    "tasks": Resource(
        sobject="Task",
        prefix="00T",
        identities=(("Subject", "WhoId", "WhatId", "ActivityDate"),),
        # Fields of activities can be no external ids (README, Writing).
        spec=_spec(usual=False, hub_id=False),
    ),
    "events": Resource(
        sobject="Event",
        prefix="00U",
        identities=(("Subject", "WhoId", "WhatId", "StartDateTime"),),
        spec=_spec(usual=False, hub_id=False),
    ),
    "cases": Resource(
        sobject="Case",
        prefix="500",
        merges=True,
        leave_out=_SEEN,
        identities=(("Subject", "ContactId", "AccountId", "SuppliedEmail"),),
        spec=_spec(usual=False, merges=True, parent="accounts"),
    ),
    "users": Resource(
        sobject="User",
        prefix="005",
        bulk=False,
        leave_out=(
            *_SEEN,
            # Signing in is no news of a user, and these change with it.
            "LastLogin", "LastPasswordChange", "NumberOfFailedLogins", "UserPreferences", "UserPermissions",
            "FullPhotoUrl", "SmallPhotoUrl", "MediumPhotoUrl", "BannerPhotoUrl", "SmallBannerPhotoUrl",
            "MediumBannerPhotoUrl", "SuAccessExpirationDate", "OfflineTrialExpirationDate",
        ),
        # Users are never deleted, they are switched off.
        spec=_spec(writes=frozenset(), calculated=False, removals=False, sweep=False),
    ),
    "groups": Resource(
        sobject="Group",
        prefix="00G",
        only=("Type", "= 'Queue'"),
        needs=True,
        bulk=False,
        spec=_spec(usual=False, writes=frozenset(), calculated=False, removals=False),
    ),
    "campaigns": Resource(
        sobject="Campaign",
        prefix="701",
        leave_out=_SEEN,
        identities=(("Name", "StartDate"),),
        spec=_spec(usual=False),
    ),
    "campaign_members": Resource(
        sobject="CampaignMember",
        prefix="00v",
        identities=(("CampaignId", "ContactId"), ("CampaignId", "LeadId")),
        spec=_spec(usual=False, hub_id=False, parent="campaigns"),
    ),
}  # fmt: skip

# Whose id it is, by its first three characters. Of an account it takes a look at its kind.
BY_PREFIX: Final[Mapping[str, str]] = {
    resource.prefix: name for name, resource in RESOURCES.items() if name != "person_accounts"
}
BY_SOBJECT: Final[Mapping[str, str]] = {
    resource.sobject: name for name, resource in RESOURCES.items() if name != "person_accounts"
}
