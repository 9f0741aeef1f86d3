"""What this org has: the standard objects that sales and service use, and the fields its administrator made.

Field names, lengths and standard values as the Object Reference for the Salesforce Platform has them
(developer.salesforce.com, read 2026-11-23); custom fields are what an administrator would add for survey scores.
"""

from collections.abc import Iterator
from typing import Final

from sandbox.state import Record
from sandbox.vendors.salesforce.schema import (
    Field,
    Lookup,
    SObject,
    address,
    currency,
    date,
    email,
    external_id,
    flag,
    kept,
    long_text,
    moment,
    needed,
    number,
    percent,
    phone,
    picklist,
    read_only,
    reference,
    sobject,
    text,
    url,
    whole,
)
from sandbox.web import Json

# name -> (probability, closed, won, forecast category)
STAGES: Final = {
    "Prospecting": (10, False, False, "Pipeline"),
    "Qualification": (10, False, False, "Pipeline"),
    "Needs Analysis": (20, False, False, "Pipeline"),
    "Value Proposition": (50, False, False, "Pipeline"),
    "Id. Decision Makers": (60, False, False, "Pipeline"),
    "Perception Analysis": (70, False, False, "Pipeline"),
    "Proposal/Price Quote": (75, False, False, "Pipeline"),
    "Negotiation/Review": (90, False, False, "Pipeline"),
    "Closed Won": (100, True, True, "Closed"),
    "Closed Lost": (0, True, False, "Omitted"),
}
LEAD_STATUSES: Final = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
TASK_STATUSES: Final = ("Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred")
CASE_STATUSES: Final = ("New", "Working", "Escalated", "Closed")
INDUSTRIES: Final = (
    "Agriculture", "Apparel", "Construction", "Energy", "Engineering", "Food & Beverage", "Healthcare", "Machinery",
    "Manufacturing", "Retail", "Shipping", "Technology", "Transportation", "Other",
)  # fmt: skip
SOURCES: Final = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
SALUTATIONS: Final = ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx.")
RATINGS: Final = ("Hot", "Warm", "Cold")
TIERS: Final = ("Gold", "Silver", "Bronze")
CLASSES: Final = ("Promoter", "Passive", "Detractor")
ROLES: Final = ("Decision Maker", "Economic Buyer", "Evaluator", "Influencer", "Business User", "Other")
PRIORITIES: Final = ("High", "Normal", "Low")


def objects() -> dict[str, SObject]:
    """Fresh, since a schema can be changed."""
    made = (
        _account(), _contact(), _lead(), _opportunity(), _contact_role(), _opportunity_stage(), _task(), _event(),
        _case(), _campaign(), _campaign_member(), _user(), _group(), _record_type(), _organization(),
    )  # fmt: skip
    return {entry.name: entry for entry in made}


def _owner(*kinds: str) -> Field:
    # Whoever creates a record owns it, unless the body says otherwise.
    return Field(
        name="OwnerId", label="Owner ID", type="reference", length=18, refers_to=kinds or ("User",),
        relationship="Owner", nillable=False, default="",
    )  # fmt: skip


def _person_name(*, last_length: int = 80) -> Iterator[Field]:
    yield needed(text("LastName", "Last Name", last_length, compound="Name"))
    yield text("FirstName", "First Name", 40, compound="Name")
    yield picklist("Salutation", "Salutation", *SALUTATIONS)
    yield read_only(needed(text("Name", "Full Name", 121, name_field=True)))


def _scores(suffix: str = "__c") -> Iterator[Field]:
    yield number(f"CX_NPS_Score{suffix}", "NPS Score", 2)
    yield picklist(f"CX_NPS_Class{suffix}", "NPS Class", *CLASSES, restricted=True)
    yield long_text(f"CX_NPS_Comment{suffix}", "NPS Comment", 32768)
    yield moment(f"CX_NPS_Answered{suffix}", "NPS Answered")
    yield number(f"CX_CSAT_Score{suffix}", "CSAT Score", 4, 1)
    yield number(f"CX_Responses{suffix}", "Survey Responses", 5)


def _hub_id() -> Field:
    return external_id("Crosswalk_Id__c", "Crosswalk Id", 36)


def _looks() -> Iterator[Field]:
    yield read_only(date("LastActivityDate", "Last Activity"))
    yield read_only(moment("LastViewedDate", "Last Viewed Date"))
    yield read_only(moment("LastReferencedDate", "Last Referenced Date"))


def _account() -> SObject:
    def fields() -> Iterator[Field]:
        yield read_only(reference("MasterRecordId", "Master Record ID", "Account", relationship="MasterRecord"))
        # For a person account it is made of first and last name.
        yield needed(text("Name", "Account Name", 255, name_field=True))
        yield text("LastName", "Last Name", 80, compound="Name")
        yield text("FirstName", "First Name", 40, compound="Name")
        yield picklist("Salutation", "Salutation", *SALUTATIONS)
        yield picklist("Type", "Account Type", "Prospect", "Customer - Direct", "Customer - Channel", "Other")
        yield reference("RecordTypeId", "Record Type ID", "RecordType", relationship="RecordType")
        yield reference("ParentId", "Parent Account ID", "Account", relationship="Parent", children="ChildAccounts")
        yield from address("Billing", "Billing")
        yield from address("Shipping", "Shipping")
        yield phone("Phone", "Account Phone")
        yield phone("Fax", "Account Fax")
        yield text("AccountNumber", "Account Number", 40)
        yield url("Website", "Website")
        yield text("Sic", "SIC Code", 20)
        yield picklist("Industry", "Industry", *INDUSTRIES)
        yield currency("AnnualRevenue", "Annual Revenue")
        yield whole("NumberOfEmployees", "Employees")
        yield picklist("Ownership", "Ownership", "Public", "Private", "Subsidiary", "Other")
        yield text("TickerSymbol", "Ticker Symbol", 20)
        yield long_text("Description", "Account Description")
        yield picklist("Rating", "Account Rating", *RATINGS)
        yield text("Site", "Account Site", 80)
        yield _owner()
        yield picklist("AccountSource", "Account Source", *SOURCES)
        yield from _looks()
        yield read_only(flag("IsPersonAccount", "Is Person Account"))
        yield read_only(reference("PersonContactId", "Contact ID", "Contact", relationship="PersonContact"))
        yield email("PersonEmail", "Email")
        yield text("PersonTitle", "Title", 80)
        yield phone("PersonMobilePhone", "Mobile")
        yield phone("PersonHomePhone", "Home Phone")
        yield date("PersonBirthdate", "Birthdate")
        yield flag("PersonHasOptedOutOfEmail", "Email Opt Out")
        yield flag("PersonDoNotCall", "Do Not Call")
        yield from address("PersonMailing", "Mailing")
        yield picklist("Tier__c", "Tier", *TIERS)
        yield from _scores()
        yield number("CX_Account_NPS__c", "Account NPS", 4, 1)
        yield flag("CX_At_Risk__c", "At Risk")
        yield _hub_id()
        yield from _scores("__pc")

    return sobject("Account", "001", fields(), mergeable=True)


def _account_tier(record: Record, lookup: Lookup) -> Json:
    account = lookup(record.get("AccountId"))
    return None if account is None else account.get("Tier__c")


def _contact() -> SObject:
    def fields() -> Iterator[Field]:
        yield read_only(reference("MasterRecordId", "Master Record ID", "Contact", relationship="MasterRecord"))
        yield reference("AccountId", "Account ID", "Account", children="Contacts")
        yield from _person_name()
        yield from address("Other", "Other")
        yield from address("Mailing", "Mailing")
        yield phone("Phone", "Business Phone")
        yield phone("Fax", "Business Fax")
        yield phone("MobilePhone", "Mobile Phone")
        yield phone("HomePhone", "Home Phone")
        yield phone("OtherPhone", "Other Phone")
        yield phone("AssistantPhone", "Asst. Phone")
        yield reference("ReportsToId", "Reports To ID", "Contact", relationship="ReportsTo")
        yield email("Email", "Email")
        yield text("Title", "Title", 128)
        yield text("Department", "Department", 80)
        yield text("AssistantName", "Assistant's Name", 40)
        yield picklist("LeadSource", "Lead Source", *SOURCES)
        yield date("Birthdate", "Birthdate")
        yield long_text("Description", "Contact Description")
        yield _owner()
        yield flag("HasOptedOutOfEmail", "Email Opt Out")
        yield flag("HasOptedOutOfFax", "Fax Opt Out")
        yield flag("DoNotCall", "Do Not Call")
        yield from _looks()
        yield text("EmailBouncedReason", "Email Bounced Reason", 255)
        yield moment("EmailBouncedDate", "Email Bounced Date")
        yield read_only(flag("IsEmailBounced", "Is Email Bounced"))
        yield read_only(flag("IsPersonAccount", "Is Person Account"))
        yield from _scores()
        yield _hub_id()
        yield read_only(
            Field(
                name="Account_Tier__c", label="Account Tier", type="string", length=1300,
                formula="TEXT(Account.Tier__c)", made=_account_tier,
            )
        )  # fmt: skip

    return sobject("Contact", "003", fields(), mergeable=True)


def _lead() -> SObject:
    def fields() -> Iterator[Field]:
        yield read_only(reference("MasterRecordId", "Master Record ID", "Lead", relationship="MasterRecord"))
        yield from _person_name()
        yield text("Title", "Title", 128)
        yield needed(text("Company", "Company", 255))
        yield from address("", "", name="Address")
        yield phone("Phone", "Phone")
        yield phone("MobilePhone", "Mobile Phone")
        yield phone("Fax", "Fax")
        yield email("Email", "Email")
        yield url("Website", "Website")
        yield long_text("Description", "Description")
        yield picklist("LeadSource", "Lead Source", *SOURCES)
        yield needed(picklist("Status", "Status", *LEAD_STATUSES, default="Open - Not Contacted"))
        yield picklist("Industry", "Industry", *INDUSTRIES)
        yield picklist("Rating", "Rating", *RATINGS)
        yield currency("AnnualRevenue", "Annual Revenue")
        yield whole("NumberOfEmployees", "Employees")
        yield _owner("Group", "User")
        yield flag("HasOptedOutOfEmail", "Email Opt Out")
        yield flag("DoNotCall", "Do Not Call")
        yield read_only(flag("IsConverted", "Converted"))
        yield read_only(date("ConvertedDate", "Converted Date"))
        for kind in ("Account", "Contact", "Opportunity"):
            yield read_only(
                reference(f"Converted{kind}Id", f"Converted {kind} ID", kind, relationship=f"Converted{kind}")
            )
        yield from _looks()
        yield text("EmailBouncedReason", "Email Bounced Reason", 255)
        yield moment("EmailBouncedDate", "Email Bounced Date")
        yield from _scores()
        yield _hub_id()

    return sobject("Lead", "00Q", fields(), mergeable=True)


def _opportunity() -> SObject:
    def fields() -> Iterator[Field]:
        yield reference("AccountId", "Account ID", "Account", children="Opportunities")
        yield reference("RecordTypeId", "Record Type ID", "RecordType", relationship="RecordType")
        yield needed(text("Name", "Name", 120, name_field=True))
        yield long_text("Description", "Description")
        yield needed(picklist("StageName", "Stage", *STAGES))
        yield currency("Amount", "Amount")
        yield percent("Probability", "Probability (%)")
        yield read_only(currency("ExpectedRevenue", "Expected Amount"))
        yield needed(date("CloseDate", "Close Date"))
        yield picklist("Type", "Opportunity Type", "Existing Business", "New Business")
        yield text("NextStep", "Next Step", 255)
        yield picklist("LeadSource", "Lead Source", *SOURCES)
        yield read_only(flag("IsClosed", "Closed"))
        yield read_only(flag("IsWon", "Won"))
        yield read_only(
            picklist("ForecastCategory", "Forecast Category", "Omitted", "Pipeline", "BestCase", "Forecast", "Closed")
        )
        yield picklist(
            "ForecastCategoryName", "Forecast Category", "Omitted", "Pipeline", "Best Case", "Commit", "Closed"
        )
        yield reference("CampaignId", "Campaign ID", "Campaign", children="Opportunities")
        yield _owner()
        yield from _looks()
        # Written with a create only; it makes a primary contact role.
        yield Field(
            name="ContactId", label="Contact ID", type="reference", length=18, refers_to=("Contact",),
            relationship="Contact", updateable=False,
        )  # fmt: skip
        yield _hub_id()

    return sobject("Opportunity", "006", fields(), plural="Opportunities")


def _contact_role() -> SObject:
    def fields() -> Iterator[Field]:
        yield needed(reference("OpportunityId", "Opportunity ID", "Opportunity", children="OpportunityContactRoles"))
        yield needed(reference("ContactId", "Contact ID", "Contact", children="OpportunityContactRoles"))
        yield picklist("Role", "Role", *ROLES)
        yield flag("IsPrimary", "Primary")

    return sobject("OpportunityContactRole", "00K", fields(), label="Opportunity Contact Role", searchable=False)


def _opportunity_stage() -> SObject:
    fields = (
        read_only(text("MasterLabel", "Master Label", 255, name_field=True)),
        read_only(text("ApiName", "API Name", 255)),
        read_only(flag("IsActive", "Is Active")),
        read_only(whole("SortOrder", "Order")),
        read_only(flag("IsClosed", "Closed")),
        read_only(flag("IsWon", "Won")),
        read_only(picklist("ForecastCategoryName", "Forecast Category Name", "Pipeline", "Closed", "Omitted")),
        read_only(percent("DefaultProbability", "Probability (%)")),
    )
    return sobject(
        "OpportunityStage", "01J", fields, label="Opportunity Stage", writeable=False, replicateable=False,
        searchable=False,
    )  # fmt: skip


def _activity() -> Iterator[Field]:
    yield reference("WhoId", "Name ID", "Contact", "Lead", relationship="Who")
    yield reference("WhatId", "Related To ID", "Account", "Opportunity", "Campaign", "Case", relationship="What")
    yield Field(name="Subject", label="Subject", type="combobox", length=255)
    yield date("ActivityDate", "Due Date Only")
    yield _owner("Group", "User")
    yield long_text("Description", "Description")
    yield read_only(reference("AccountId", "Account ID", "Account"))
    yield read_only(flag("IsArchived", "Archived"))


def _task() -> SObject:
    def fields() -> Iterator[Field]:
        yield from _activity()
        yield needed(picklist("Status", "Status", *TASK_STATUSES, default="Not Started"))
        yield needed(picklist("Priority", "Priority", *PRIORITIES, default="Normal"))
        yield read_only(flag("IsHighPriority", "High Priority"))
        yield read_only(flag("IsClosed", "Closed"))
        yield whole("CallDurationInSeconds", "Call Duration")
        yield picklist("CallType", "Call Type", "Internal", "Inbound", "Outbound")
        yield picklist("TaskSubtype", "Task Subtype", "Task", "Email", "ListEmail", "Call", "Cadence", default="Task")
        yield read_only(moment("CompletedDateTime", "Completed Date/Time"))

    return sobject("Task", "00T", fields())


def _event() -> SObject:
    def fields() -> Iterator[Field]:
        yield from _activity()
        yield text("Location", "Location", 255)
        yield flag("IsAllDayEvent", "All-Day Event")
        yield moment("ActivityDateTime", "Due Date Time")
        yield whole("DurationInMinutes", "Duration")
        yield moment("StartDateTime", "Start Date Time")
        yield moment("EndDateTime", "End Date Time")
        yield read_only(date("EndDate", "End Date"))
        yield picklist("ShowAs", "Show Time As", "Busy", "OutOfOffice", "Free", default="Busy")

    return sobject("Event", "00U", fields())


def _contact_email(record: Record, lookup: Lookup) -> Json:
    contact = lookup(record.get("ContactId"))
    return None if contact is None else contact.get("Email")


def _case() -> SObject:
    def fields() -> Iterator[Field]:
        yield read_only(reference("MasterRecordId", "Master Record ID", "Case", relationship="MasterRecord"))
        yield kept(text("CaseNumber", "Case Number", 30, name_field=True, id_lookup=True))
        yield reference("ContactId", "Contact ID", "Contact", children="Cases")
        yield reference("AccountId", "Account ID", "Account", children="Cases")
        yield reference("ParentId", "Parent Case ID", "Case", relationship="Parent", children="Cases")
        yield text("SuppliedName", "Name", 80)
        yield email("SuppliedEmail", "Email Address")
        yield text("SuppliedCompany", "Company", 80)
        yield picklist("Type", "Case Type", "Problem", "Feature Request", "Question")
        yield picklist("Status", "Status", *CASE_STATUSES, default="New")
        yield picklist(
            "Reason", "Case Reason", "Installation", "Equipment Complexity", "Performance", "Breakdown", "Other"
        )
        yield picklist("Origin", "Case Origin", "Phone", "Email", "Web")
        yield text("Subject", "Subject", 255)
        yield picklist("Priority", "Priority", "High", "Medium", "Low", default="Medium")
        yield long_text("Description", "Description")
        yield read_only(flag("IsClosed", "Closed"))
        yield read_only(moment("ClosedDate", "Closed Date"))
        yield flag("IsEscalated", "Escalated")
        yield _owner("Group", "User")
        yield read_only(Field(name="ContactEmail", label="Contact Email", type="email", length=80, made=_contact_email))
        yield from _looks()

    return sobject("Case", "500", fields(), mergeable=True)


def _campaign() -> SObject:
    def fields() -> Iterator[Field]:
        yield needed(text("Name", "Name", 80, name_field=True))
        yield reference("ParentId", "Parent Campaign ID", "Campaign", relationship="Parent")
        yield picklist("Type", "Type", "Conference", "Webinar", "Email", "Referral Program", "Other")
        yield picklist("Status", "Status", "Planned", "In Progress", "Completed", "Aborted", default="Planned")
        yield date("StartDate", "Start Date")
        yield date("EndDate", "End Date")
        yield currency("BudgetedCost", "Budgeted Cost in Campaign")
        yield flag("IsActive", "Active")
        yield long_text("Description", "Description")
        yield _owner()

    return sobject("Campaign", "701", fields())


def _campaign_member() -> SObject:
    def fields() -> Iterator[Field]:
        yield needed(reference("CampaignId", "Campaign ID", "Campaign", children="CampaignMembers"))
        yield reference("LeadId", "Lead ID", "Lead", children="CampaignMembers")
        yield reference("ContactId", "Contact ID", "Contact", children="CampaignMembers")
        yield picklist("Status", "Status", "Sent", "Responded", default="Sent")
        yield read_only(flag("HasResponded", "Responded"))
        yield read_only(date("FirstRespondedDate", "First Responded Date"))

    return sobject("CampaignMember", "00v", fields(), label="Campaign Member", searchable=False)


def _user() -> SObject:
    def fields() -> Iterator[Field]:
        yield text("Username", "Username", 80, nillable=False, unique=True, id_lookup=True)
        yield needed(text("LastName", "Last Name", 80))
        yield text("FirstName", "First Name", 40)
        yield read_only(needed(text("Name", "Full Name", 121, name_field=True)))
        yield text("Title", "Title", 80)
        yield text("Department", "Department", 80)
        yield needed(email("Email", "Email"))
        yield text("Alias", "Alias", 8)
        yield flag("IsActive", "Active", default=True)
        yield needed(
            picklist("TimeZoneSidKey", "Time Zone", "Europe/Berlin", "Asia/Dhaka", "UTC", default="Europe/Berlin")
        )
        yield picklist("LocaleSidKey", "Locale", "de_DE", "en_GB", "bn_BD", default="de_DE")
        yield picklist("LanguageLocaleKey", "Language", "de", "en_US", "bn", default="de")
        yield read_only(picklist("UserType", "User Type", "Standard", "CsnOnly", default="Standard"))
        yield reference("ManagerId", "Manager ID", "User", relationship="Manager")
        yield text("FederationIdentifier", "SAML Federation ID", 512)
        yield read_only(moment("LastLoginDate", "Last Login"))

    made = sobject("User", "005", fields(), writeable=False)
    del made.fields["IsDeleted"]  # users are only switched off
    made.restore(made.fields)
    return made


def _group() -> SObject:
    fields = (
        text("Name", "Name", 40, nillable=False, name_field=True),
        text("DeveloperName", "Developer Name", 80),
        picklist("Type", "Type", "Regular", "Queue", "Role", "Organization"),
        email("Email", "Email"),
        flag("DoesSendEmailToMembers", "Send Email to Members"),
    )
    made = sobject("Group", "00G", fields, writeable=False, searchable=False)
    del made.fields["IsDeleted"]
    made.restore(made.fields)
    return made


def _record_type() -> SObject:
    fields = (
        read_only(text("Name", "Name", 80, name_field=True)),
        read_only(text("DeveloperName", "Record Type Name", 80)),
        read_only(picklist("SobjectType", "SObject Type Name", "Account", "Opportunity")),
        read_only(flag("IsActive", "Active")),
        read_only(flag("IsPersonType", "Is Person Type")),
    )
    made = sobject("RecordType", "012", fields, label="Record Type", writeable=False, searchable=False)
    del made.fields["IsDeleted"]
    made.restore(made.fields)
    return made


def _organization() -> SObject:
    fields = (
        read_only(text("Name", "Name", 80, name_field=True)),
        read_only(text("Country", "Country", 80)),
        read_only(text("DefaultLocaleSidKey", "Locale", 40)),
        read_only(text("LanguageLocaleKey", "Language", 40)),
        read_only(text("TimeZoneSidKey", "Time Zone", 40)),
        read_only(text("OrganizationType", "Edition", 40)),
        read_only(text("InstanceName", "Instance Name", 5)),
        read_only(flag("IsSandbox", "Is Sandbox")),
    )
    made = sobject("Organization", "00D", fields, writeable=False, replicateable=False, searchable=False)
    del made.fields["IsDeleted"]
    made.restore(made.fields)
    return made
