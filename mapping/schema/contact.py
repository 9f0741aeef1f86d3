"""How somebody is called and reached: name, e-mail, phone, address, web."""

from typing import Final

from mapping.schema.field import Field, with_other

EMAIL_TYPES: Final = ("work", "personal", "other", "billing")
PHONE_TYPES: Final = ("work", "mobile", "home", "main", "fax", "assistant", "other")
ADDRESS_TYPES: Final = ("mailing", "billing", "shipping", "home", "work", "other")
URL_KINDS: Final = ("website", "linkedin", "x", "facebook", "skype", "other")
EMAIL_STATUS: Final = with_other("ok bounced_soft bounced_hard invalid unknown")

NAME: Final = Field(
    name="name",
    type="name",
    pii="direct",
    parts={
        "full": "text",
        "given": "text",
        "additional": "text",
        "family": "text",
        "family2": "text",
        "prefix": "text",
        "suffix": "text",
        "nickname": "text",
        "order": "choice",
        "script": "text",
    },
    part_codes={"order": ("given_first", "family_first")},
    value="full",
    meaning="one decision; `full` alone is a whole name, never split for a merge. `script` is ISO 15924",
)
VARIANTS: Final = Field(
    name="name.variants",
    type="name",
    shape="set",
    key=("kind", "full"),
    merge="union",
    pii="direct",
    parts={"full": "text", "given": "text", "family": "text", "lang": "lang", "script": "text", "kind": "choice"},
    part_codes={"kind": with_other("native transliteration phonetic former")},
    value="full",
    selector="kind",
    selectors=with_other("native transliteration phonetic former"),
    meaning="the same name in another script or spelling, or a former one",
)
EMAILS: Final = Field(
    name="emails",
    type="email",
    shape="set",
    key=("address",),
    merge="union",
    pii="direct",
    parts={
        "address": "email",
        "type": "choice",
        "primary": "bool",
        "rank": "int",
        "status": "choice",
        "role": "bool",
        "free_mail": "bool",
        "shared": "bool",
        "raw": "text",
    },
    part_codes={"type": EMAIL_TYPES, "status": EMAIL_STATUS},
    value="address",
    selector="type",
    selectors=(*EMAIL_TYPES, "primary"),
    meaning="identifiers; a shared mailbox is a contact point, not an identity",
)
PRIMARY_EMAIL: Final = Field(
    name="primary_email", type="email", pii="direct", meaning="the preferred address: a decision of its own"
)
PHONES: Final = Field(
    name="phones",
    type="phone",
    shape="set",
    key=("number", "extension"),
    merge="union",
    pii="direct",
    parts={
        "number": "phone",
        "extension": "text",
        "type": "choice",
        "primary": "bool",
        "rank": "int",
        "shared": "bool",
        "raw": "text",
    },
    part_codes={"type": PHONE_TYPES},
    value="number",
    selector="type",
    selectors=(*PHONE_TYPES, "primary"),
    meaning="E.164; an extension makes the number of a switchboard personal",
)
PRIMARY_PHONE: Final = Field(
    name="primary_phone", type="phone", pii="direct", meaning="the preferred number: a decision of its own"
)
ADDRESSES: Final = Field(
    name="addresses",
    type="address",
    shape="set",
    key=("type",),
    pii="direct",
    parts={
        "type": "choice",
        "lines": "text",
        "locality": "text",
        "region": "text",
        "region_code": "text",
        "postal_code": "text",
        "country": "country",
        "formatted": "text",
    },
    part_codes={"type": ADDRESS_TYPES},
    value="formatted",
    selector="type",
    selectors=ADDRESS_TYPES,
    meaning="one of each type, each decided whole; country ISO 3166-1 alpha-2, region as written, region_code 3166-2",
)
URLS: Final = Field(
    name="urls",
    type="url",
    shape="set",
    key=("kind", "url"),
    merge="union",
    pii="direct",
    parts={"kind": "choice", "url": "url"},
    part_codes={"kind": URL_KINDS},
    value="url",
    selector="kind",
    selectors=URL_KINDS,
    meaning="pages and profiles",
)
