"""A case of support."""

from typing import Final

from mapping.schema.associations import ABOUT, owned_by
from mapping.schema.common import ATTRIBUTES, CHANNEL_CODES, EXTERNAL_IDS, HUB_ID, PRIORITY_CODES, TAGS
from mapping.schema.field import Field, Kind, choice
from mapping.schema.response import SCORE_CODES, SCORE_PARTS

TICKET: Final = Kind.of(
    "ticket",
    HUB_ID,
    Field(name="number", type="id", merge="src", meaning="as people quote it"),
    Field(name="subject", type="text", merge="src", required=True, pii="sensitive", meaning="its headline"),
    Field(name="body", type="body", merge="src", pii="sensitive", meaning="what was reported"),
    choice("status", "new open pending on_hold solved closed cancelled", meaning="how far it is"),
    Field(name="state_reason", type="text", meaning="why it stands there, in the system's words"),
    Field(name="priority", type="choice", codes=PRIORITY_CODES, meaning="how urgent"),
    choice("kind", "question problem request incident other", meaning="what is wanted"),
    Field(name="channel", type="choice", codes=CHANNEL_CODES, meaning="how it came in"),
    Field(name="opened_at", type="at", merge="src", meaning="when it was opened"),
    Field(name="first_response_at", type="at", merge="src", meaning="when somebody first answered"),
    Field(name="solved_at", type="at", merge="src", meaning="when it was solved"),
    Field(name="closed_at", type="at", merge="src", meaning="when it was closed"),
    Field(
        name="csat",
        type="score",
        merge="src",
        pii="sensitive",
        parts=SCORE_PARTS,
        part_codes=SCORE_CODES,
        value="value",
        meaning="satisfaction with it, on the scale that was shown",
    ),
    Field(name="requester_email", type="email", merge="src", pii="direct", meaning="who asked"),
    TAGS,
    EXTERNAL_IDS,
    ABOUT,
    owned_by(),
    ATTRIBUTES,
)
