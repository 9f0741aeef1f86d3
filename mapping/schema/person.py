"""A person: what every system knows of one human being, whether it calls them contact, lead or member."""

from typing import Final

from mapping.schema.associations import MEMBER_OF, RELATED, REPORTS_TO, WORKS_AT, owned_by
from mapping.schema.common import (
    ATTRIBUTES,
    DESCRIPTION,
    EXTERNAL_IDS,
    HUB_ID,
    LANGUAGE,
    RATING,
    SEGMENT,
    TAGS,
    TIME_ZONE,
)
from mapping.schema.consent import CONSENT
from mapping.schema.contact import ADDRESSES, EMAILS, NAME, PHONES, PRIMARY_EMAIL, PRIMARY_PHONE, URLS, VARIANTS
from mapping.schema.cx import PERSON_CX
from mapping.schema.field import Field, Kind, choice

PERSON: Final = Kind.of(
    "person",
    HUB_ID,
    NAME,
    VARIANTS,
    EMAILS,
    PRIMARY_EMAIL,
    PHONES,
    PRIMARY_PHONE,
    ADDRESSES,
    URLS,
    Field(name="job_title", type="text", clears_spread=True, pii="indirect", meaning="at the primary company"),
    Field(name="department", type="text", clears_spread=True, pii="indirect", meaning="at the primary company"),
    Field(
        name="company_name",
        type="text",
        clears_spread=True,
        pii="indirect",
        meaning="the company as text, where no company record exists (leads)",
    ),
    Field(name="industry", type="text", pii="indirect", meaning="of the company, where only the person has it"),
    Field(name="birth_date", type="partial_date", pii="sensitive", meaning="1985-03-04, --03-04 or 1985"),
    choice("gender", "female male nonbinary none", pii="sensitive", meaning="off unless a mapping asks for it"),
    LANGUAGE,
    TIME_ZONE,
    choice(
        "lifecycle_stage",
        "subscriber lead mql sql opportunity customer advocate former_customer other",
        pii="indirect",
        meaning="how far they have come with us",
    ),
    choice(
        "lead_status",
        "new open working contacted nurturing qualified unqualified junk converted other",
        pii="indirect",
        meaning="how far sales has come with them",
    ),
    Field(name="lead_source", type="text", pii="indirect", meaning="where they came from"),
    RATING,
    SEGMENT,
    DESCRIPTION,
    TAGS,
    EXTERNAL_IDS,
    Field(name="last_activity_at", type="when", merge="local", pii="indirect", meaning="as this one system counts it"),
    Field(name="lead_score", type="decimal", merge="local", pii="indirect", meaning="as this one system counts it"),
    CONSENT,
    WORKS_AT,
    REPORTS_TO,
    RELATED,
    MEMBER_OF,
    owned_by(),
    *PERSON_CX,
    ATTRIBUTES,
)
