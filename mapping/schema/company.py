"""A company, a household, or a branch of one."""

from typing import Final

from mapping.schema.associations import CHILD_OF, owned_by
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
    loose,
)
from mapping.schema.consent import CONSENT
from mapping.schema.contact import ADDRESSES, EMAILS, PHONES, PRIMARY_EMAIL, PRIMARY_PHONE, URLS
from mapping.schema.cx import COMPANY_CX
from mapping.schema.field import Field, Kind, choice

COMPANY: Final = Kind.of(
    "company",
    HUB_ID,
    Field(name="name", type="text", required=True, meaning="as it is called"),
    Field(name="legal_name", type="text", meaning="as it is registered"),
    Field(name="aliases", type="text", shape="set", merge="union", meaning="other spellings, former names"),
    Field(
        name="domains",
        type="domain",
        shape="set",
        merge="union",
        meaning="its own; free mail, hosting and social domains identify nobody",
    ),
    Field(name="website", type="url", meaning="its main page"),
    choice("kind", "organization household branch", meaning="what sort of body"),
    choice(
        "relationship",
        "prospect customer partner vendor competitor former_customer other",
        meaning="what it is to us",
    ),
    Field(name="industry", type="text", meaning="as the system names it"),
    Field(name="ownership", type="text", meaning="private, public, ..."),
    Field(name="employee_count", type="int", meaning="people who work there"),
    loose(RATING),
    Field(
        name="annual_revenue",
        type="money",
        parts={"amount": "decimal", "currency": "text"},
        value="amount",
        meaning="their turnover; what they pay us is account_revenue",
    ),
    Field(
        name="account_revenue",
        type="money",
        pii="indirect",
        parts={"amount": "decimal", "currency": "text", "period": "text"},
        value="amount",
        meaning="what they pay us: won deals, purchases, or a field that the operator names",
    ),
    Field(
        name="registrations",
        type="pair",
        shape="set",
        key=("scheme", "value"),
        merge="union",
        parts={"scheme": "text", "value": "id"},
        value="value",
        selector="scheme",
        meaning="LEI, VAT, DUNS, a national register; SIC and ticker say little",
    ),
    PHONES,
    PRIMARY_PHONE,
    ADDRESSES,
    EMAILS,
    PRIMARY_EMAIL,
    URLS,
    TAGS,
    SEGMENT,
    LANGUAGE,
    TIME_ZONE,
    EXTERNAL_IDS,
    DESCRIPTION,
    CONSENT,
    CHILD_OF,
    owned_by(),
    *COMPANY_CX,
    ATTRIBUTES,
)
