"""Fields that many kinds share."""

from dataclasses import replace
from typing import Final

from mapping.schema.field import Field, with_other

HUB_ID: Final = Field(
    name="hub_id",
    type="id",
    merge="local",
    pii="indirect",
    meaning="the record's own key, minted with a create; not the entity's id, so it survives merge and split",
)
TAGS: Final = Field(
    name="tags", type="tags", shape="set", merge="union", pii="indirect", meaning="labels that people gave it"
)
EXTERNAL_IDS: Final = Field(
    name="external_ids",
    type="pair",
    shape="set",
    key=("namespace", "value"),
    merge="union",
    pii="indirect",
    parts={"namespace": "text", "value": "id"},
    value="value",
    selector="namespace",
    meaning="customer number and other ids of the operator's world; unique within a namespace",
)
DESCRIPTION: Final = Field(name="description", type="body", pii="sensitive", meaning="free text about it")
SEGMENT: Final = Field(name="segment", type="text", pii="indirect", meaning="the operator's grouping")
LANGUAGE: Final = Field(
    name="language", type="lang", merge="newest", pii="indirect", meaning="language of contact, BCP 47"
)
TIME_ZONE: Final = Field(name="time_zone", type="tz", pii="indirect", meaning="IANA name")
RATING: Final = Field(name="rating", type="text", pii="indirect", meaning="as the system grades it")
ATTRIBUTES: Final = Field(
    name="attributes",
    type="json",
    pii="direct",
    parts={"*": "json"},
    meaning="what has no common field, by key, and was listed by the operator",
)
PRIORITY_CODES: Final = with_other("low normal high urgent")
CHANNEL_CODES: Final = with_other("email sms whatsapp link web app qr ivr phone chat social paper")


def loose(source: Field) -> Field:
    """The same field where it says nothing about a person."""
    return replace(source, pii="none")
