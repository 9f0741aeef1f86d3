"""An interaction that a CRM recorded: call, e-mail, meeting, task, note. Told by the system that has it."""

from typing import Final

from mapping.schema.associations import ABOUT, owned_by
from mapping.schema.common import ATTRIBUTES, EXTERNAL_IDS, HUB_ID, PRIORITY_CODES
from mapping.schema.field import Field, Kind, as_source, choice

ACTIVITY: Final = Kind.of(
    "activity",
    HUB_ID,
    *as_source(
        (
            choice(
                "kind",
                "call email meeting task note chat sms visit letter social other",
                required=True,
                meaning="what sort of interaction",
            ),
            Field(name="subtype", type="text", meaning="the system's own word for it"),
            Field(name="subject", type="text", pii="sensitive", meaning="its headline"),
            Field(name="body", type="body", pii="sensitive", meaning="what was written"),
            choice("direction", "inbound outbound internal", meaning="who turned to whom"),
            choice("status", "planned in_progress done cancelled missed", meaning="how far it is"),
            Field(name="outcome", type="text", meaning="what came of it, in the system's words"),
            Field(name="priority", type="choice", codes=PRIORITY_CODES, meaning="how urgent"),
            Field(name="start", type="when", meaning="its beginning; a date: all day"),
            Field(name="end", type="when", meaning="its end; a date is inclusive"),
            Field(name="due", type="when", meaning="when it is to be done; a date stays one"),
            Field(name="completed_at", type="at", meaning="when it was done"),
            Field(name="duration_s", type="int", pii="indirect", meaning="in seconds"),
            Field(name="location", type="text", pii="indirect", meaning="where"),
            Field(name="channel", type="text", pii="indirect", meaning="by which means, in the system's words"),
            Field(name="message_id", type="id", pii="indirect", meaning="of an e-mail, RFC 5322"),
            Field(name="ical_uid", type="id", pii="indirect", meaning="of a calendar entry, RFC 5545"),
            Field(name="attachment_count", type="int", meaning="files that hang on it; they are never fetched"),
        )
    ),
    EXTERNAL_IDS,
    ABOUT,
    owned_by("src"),
    ATTRIBUTES,
)
