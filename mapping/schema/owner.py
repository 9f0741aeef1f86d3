"""Who looks after records in a system: a user, a queue, a team, a bot."""

from typing import Final

from mapping.schema.associations import one
from mapping.schema.common import EXTERNAL_IDS, HUB_ID
from mapping.schema.field import Field, Kind, choice

OWNER: Final = Kind.of(
    "owner",
    HUB_ID,
    choice("kind", "user queue team bot", required=True, meaning="what sort of owner"),
    Field(name="name", type="text", pii="direct", meaning="as shown"),
    Field(name="given", type="text", pii="direct", meaning="given name"),
    Field(name="family", type="text", pii="direct", meaning="family name"),
    Field(name="email", type="email", pii="direct", meaning="what joins them across systems"),
    Field(name="active", type="bool", meaning="may they still sign in?"),
    Field(name="time_zone", type="tz", merge="local", meaning="IANA name"),
    Field(name="language", type="lang", merge="local", meaning="BCP 47"),
    Field(name="role", type="text", merge="local", meaning="in that system"),
    Field(name="team", type="text", merge="local", meaning="in that system"),
    one("manager", meaning="whom they report to"),
    EXTERNAL_IDS,
)
