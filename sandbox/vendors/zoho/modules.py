"""The modules of the account and the fields of each, as they stand before anybody changes them.

A field is a line: API name, type (a lookup names its module), longest text, flags. Flags: `*` has to be filled,
`!` only the system writes it, `+` the administrator has added it, `1` no two records may share a value,
`x` records may be addressed by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSpec:
    """`display`: the field that names a record. `twin`: by which upsert finds a record when it is told nothing."""

    number: int
    singular: str
    plural: str
    display: str
    twin: str | None
    fields: str


_SYSTEM: Final = """
id bigint !
Created_By ownerlookup !
Modified_By ownerlookup !
Created_Time datetime !
Modified_Time datetime !
Last_Activity_Time datetime !
Tag tags
"""
_CX: Final = """
CX_NPS_Score integer 2 +
CX_NPS_Class picklist +
CX_NPS_Comment textarea 2000 +
CX_NPS_Answered datetime +
CX_Response_Count integer 9 +
Crosswalk_Id text 36 +1x
"""

MODULES: Final[Mapping[str, ModuleSpec]] = {
    "Leads": ModuleSpec(
        number=2175, singular="Lead", plural="Leads", display="Full_Name", twin="Email",
        fields="""
Owner ownerlookup
Company text 200 *
First_Name text 40
Last_Name text 80 *
Full_Name text 121 !
Salutation picklist
Designation text 100
Email email 100
Secondary_Email email 100
Phone phone 30
Mobile phone 30
Website website 450
Lead_Source picklist
Lead_Status picklist
Industry picklist
Rating picklist
No_of_Employees integer 9
Annual_Revenue currency 16
Email_Opt_Out boolean
Street text 250
City text 100
State text 100
Zip_Code text 30
Country text 100
Description textarea 32000
Converted__s boolean !
Converted_Date_Time datetime !
Converted_Contact lookup:Contacts !
Converted_Account lookup:Accounts !
Converted_Deal lookup:Deals !
Unsubscribed_Mode picklist !
Unsubscribed_Time datetime !
""" + _CX + _SYSTEM,
    ),
    "Contacts": ModuleSpec(
        number=2179, singular="Contact", plural="Contacts", display="Full_Name", twin="Email",
        fields="""
Owner ownerlookup
Lead_Source picklist
First_Name text 40
Last_Name text 80 *
Full_Name text 121 !
Salutation picklist
Account_Name lookup:Accounts
Email email 100
Secondary_Email email 100
Phone phone 30
Home_Phone phone 30
Mobile phone 30
Title text 100
Department text 50
Date_of_Birth date
Reporting_To lookup:Contacts
Email_Opt_Out boolean
Mailing_Street text 250
Mailing_City text 100
Mailing_State text 100
Mailing_Zip text 30
Mailing_Country text 100
Description textarea 32000
Unsubscribed_Mode picklist !
Unsubscribed_Time datetime !
Customer_Tier picklist +
Interests multiselectpicklist +
""" + _CX + _SYSTEM,
    ),
    "Accounts": ModuleSpec(
        number=2177, singular="Account", plural="Accounts", display="Account_Name", twin="Account_Name",
        fields="""
Owner ownerlookup
Account_Name text 200 *
Phone phone 30
Website website 450
Parent_Account lookup:Accounts
Account_Number bigint 18
Account_Type picklist
Industry picklist
Ownership picklist
Rating picklist
Employees integer 9
Annual_Revenue currency 16
Billing_Street text 250
Billing_City text 100
Billing_State text 100
Billing_Code text 30
Billing_Country text 100
Shipping_Street text 250
Shipping_City text 100
Shipping_State text 100
Shipping_Code text 30
Shipping_Country text 100
Description textarea 32000
Region picklist +
CX_Account_NPS double 16 +
CX_Response_Count integer 9 +
Crosswalk_Id text 36 +1x
""" + _SYSTEM,
    ),
    "Deals": ModuleSpec(
        number=2181, singular="Deal", plural="Deals", display="Deal_Name", twin="Deal_Name",
        fields="""
Owner ownerlookup
Deal_Name text 120 *
Stage picklist *
Pipeline picklist
Amount currency 16
Expected_Revenue currency 16 !
Probability integer 9
Closing_Date date
Account_Name lookup:Accounts
Contact_Name lookup:Contacts
Type picklist
Lead_Source picklist
Next_Step text 100
Campaign_Source lookup:Campaigns
Reason_For_Loss__s picklist
Currency picklist
Exchange_Rate double 16
Description textarea 32000
Crosswalk_Id text 36 +1x
""" + _SYSTEM,
    ),
    "Tasks": ModuleSpec(
        number=2183, singular="Task", plural="Tasks", display="Subject", twin=None,
        fields="""
Owner ownerlookup
Subject text 255 *
Due_Date date
Who_Id lookup:Contacts
What_Id lookup:se_module
Status picklist
Priority picklist
Closed_Time datetime !
Description textarea 32000
""" + _SYSTEM,
    ),
    "Events": ModuleSpec(
        number=2185, singular="Meeting", plural="Meetings", display="Event_Title", twin=None,
        fields="""
Owner ownerlookup
Event_Title text 255 *
Start_DateTime datetime *
End_DateTime datetime *
All_day boolean
Venue text 255
Who_Id lookup:Contacts
What_Id lookup:se_module
Participants participants
Description textarea 32000
""" + _SYSTEM,
    ),
    "Calls": ModuleSpec(
        number=2187, singular="Call", plural="Calls", display="Subject", twin=None,
        fields="""
Owner ownerlookup
Subject text 255 *
Call_Type picklist *
Call_Start_Time datetime *
Call_Duration text 20
Call_Duration_in_seconds integer 9 !
Call_Purpose picklist
Call_Result text 255
Who_Id lookup:Contacts
What_Id lookup:se_module
Description textarea 32000
""" + _SYSTEM,
    ),
    "Campaigns": ModuleSpec(
        number=2189, singular="Campaign", plural="Campaigns", display="Campaign_Name", twin="Campaign_Name",
        fields="""
Owner ownerlookup
Campaign_Name text 200 *
Type picklist
Status picklist
Start_Date date
End_Date date
Expected_Revenue currency 16
Description textarea 32000
""" + _SYSTEM,
    ),
    "Cases": ModuleSpec(
        number=2191, singular="Case", plural="Cases", display="Subject", twin="Subject",
        fields="""
Owner ownerlookup
Case_Number autonumber !
Subject text 255 *
Status picklist *
Case_Origin picklist *
Priority picklist
Type picklist
Case_Reason picklist
Account_Name lookup:Accounts
Deal_Name lookup:Deals
Related_To lookup:Contacts
Reported_By text 120
Email email 100
Phone phone 30
Description textarea 32000
Solution textarea 32000
Crosswalk_Id text 36 +1x
""" + _SYSTEM,
    ),
    "Notes": ModuleSpec(
        number=2193, singular="Note", plural="Notes", display="Note_Title", twin=None,
        fields="""
Owner ownerlookup
Note_Title text 120
Note_Content textarea 32000 *
Parent_Id lookup:se_module *
id bigint !
Created_By ownerlookup !
Modified_By ownerlookup !
Created_Time datetime !
Modified_Time datetime !
""",
    ),
}  # fmt: skip

_SOURCES: Final = ("Advertisement", "Cold Call", "Employee Referral", "Trade Show", "Web Download", "Partner", "Chat")
_INDUSTRIES: Final = ("Energy", "Textiles", "Food", "Logistics", "Software", "Machinery", "Health", "Retail")
_RATINGS: Final = ("Acquired", "Active", "Market Failed", "Project Cancelled", "Shut Down")
_SALUTATIONS: Final = ("Mr.", "Mrs.", "Ms.", "Dr.", "Prof.")
_PRIORITIES: Final = ("High", "Highest", "Low", "Lowest", "Normal")
CLASSES: Final = ("Promoter", "Passive", "Detractor")
STAGES: Final[Sequence[tuple[str, int, str]]] = (
    ("Qualification", 10, "Open"),
    ("Needs Analysis", 20, "Open"),
    ("Proposal/Price Quote", 75, "Open"),
    ("Negotiation/Review", 90, "Open"),
    ("Closed Won", 100, "Closed Won"),
    ("Closed Lost", 0, "Closed Lost"),
)  # (name, probability, forecast type)
PIPELINES: Final = ("Standard (Standard)", "Renewals (Standard)")

# Options by (module or *, field). An option whose display differs from what the API reads and writes is a pair.
OPTIONS: Final[Mapping[tuple[str, str], Sequence[str | tuple[str, str]]]] = {
    ("*", "Lead_Source"): _SOURCES,
    ("*", "Industry"): _INDUSTRIES,
    ("*", "Rating"): _RATINGS,
    ("*", "Salutation"): _SALUTATIONS,
    ("*", "Priority"): _PRIORITIES,
    ("*", "CX_NPS_Class"): CLASSES,
    ("*", "Currency"): ("EUR", "USD", "GBP", "SEK", "JPY"),
    ("*", "Unsubscribed_Mode"): ("Consent form", "Manual", "Unsubscribe link", "Zoho campaigns"),
    ("Leads", "Lead_Status"): (
        "Attempted to Contact", "Contact in Future", "Contacted", "Junk Lead", "Lost Lead", "Not Contacted",
        "Pre-Qualified", "Not Qualified",
    ),
    ("Contacts", "Customer_Tier"): ("Gold", "Silver", "ব্রোঞ্জ"),
    ("Contacts", "Interests"): ("Solar", "Wind", "টেক্সটাইল", "Training"),
    ("Accounts", "Account_Type"): ("Analyst", "Competitor", "Customer", "Distributor", "Investor", "Partner",
                                   "Press", "Prospect", "Reseller", "Supplier", "Vendor", "Other"),
    ("Accounts", "Ownership"): ("Other", "Private", "Public", "Subsidiary", "Partnership", "Government"),
    ("Accounts", "Region"): (("Norden", "North"), ("Süden", "South"), ("বাংলাদেশ", "Bangladesh")),
    ("Deals", "Stage"): tuple(name for name, _, _ in STAGES),
    ("Deals", "Pipeline"): PIPELINES,
    ("Deals", "Type"): ("Existing Business", "New Business"),
    ("Deals", "Reason_For_Loss__s"): ("Price", "Competition", "Future Interest", "Other"),
    ("Tasks", "Status"): ("Not Started", "Deferred", "In Progress", "Completed", "Waiting for input"),
    ("Calls", "Call_Type"): ("Inbound", "Outbound", "Missed"),
    ("Calls", "Call_Purpose"): ("Prospecting", "Administrative", "Negotiation", "Demo", "Project", "Desk"),
    ("Campaigns", "Type"): ("Conference", "Webinar", "Trade Show", "Email", "Partners", "Referral Program"),
    ("Campaigns", "Status"): ("Planning", "Active", "Inactive", "Complete"),
    ("Cases", "Status"): ("New", "On Hold", "Escalated", "Closed"),
    ("Cases", "Case_Origin"): ("Email", "Phone", "Web", "X", "Facebook"),
    ("Cases", "Type"): ("Problem", "Feature Request", "Question"),
    ("Cases", "Case_Reason"): ("User did not attend any training", "Complex functionality", "New problem"),
}  # fmt: skip
