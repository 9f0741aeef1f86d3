"""A campaign, list, sequence or event; and the membership of a person in one."""

from typing import Final

from mapping.schema.associations import MEMBER_OF, one, owned_by
from mapping.schema.common import ATTRIBUTES, EXTERNAL_IDS, HUB_ID
from mapping.schema.field import Field, Kind, choice

CAMPAIGN: Final = Kind.of(
    "campaign",
    HUB_ID,
    Field(name="name", type="text", required=True, meaning="what people call it"),
    choice("kind", "campaign list sequence event", meaning="what sort"),
    Field(name="channel", type="text", meaning="by which means, in the system's words"),
    choice("status", "planned active paused completed cancelled", meaning="how far it is"),
    Field(name="start", type="when", meaning="its beginning"),
    Field(name="end", type="when", meaning="its end"),
    Field(
        name="budget",
        type="money",
        parts={"amount": "decimal", "currency": "text"},
        value="amount",
        meaning="what it may cost",
    ),
    EXTERNAL_IDS,
    owned_by(),
    ATTRIBUTES,
)

MEMBERSHIP: Final = Kind.of(
    "membership",
    HUB_ID,
    MEMBER_OF,
    one("person", merge="src", required=True, meaning="who is the member"),
    choice(
        "status",
        "sent opened clicked responded registered attended bounced unsubscribed other",
        merge="src",
        pii="indirect",
        meaning="the furthest they came; unsubscribed is also a consent of that scope",
    ),
    Field(name="has_responded", type="bool", merge="src", pii="indirect", meaning="did they react?"),
    Field(name="first_at", type="when", merge="src", pii="indirect", meaning="when it began"),
    Field(name="responded_at", type="when", merge="src", pii="indirect", meaning="when they first reacted"),
    ATTRIBUTES,
)
