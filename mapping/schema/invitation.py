"""One person asked once."""

from typing import Final

from mapping.schema.associations import CONCERNS, one
from mapping.schema.common import HUB_ID
from mapping.schema.field import Field, Kind, as_source, choice

INVITATION: Final = Kind.of(
    "invitation",
    HUB_ID,
    *as_source(
        (
            Field(
                name="invitation_id",
                type="id",
                required=True,
                pii="indirect",
                meaning="tool, distribution and recipient",
            ),
            Field(name="survey_id", type="id", meaning="the survey it asks for"),
            choice("channel", "email sms whatsapp link web app qr ivr paper", meaning="by which way it went out"),
            choice(
                "status",
                "planned sent delivered opened started completed declined skipped suppressed bounced_soft bounced_hard "
                "complained failed expired",
                meaning="how far it came; only ever forward",
            ),
            Field(name="status_reason", type="text", meaning="why, in the tool's words"),
            Field(name="contact_point", type="text", pii="direct", meaning="the address or number that was used"),
            Field(name="scheduled_at", type="at", meaning="when it is to go out"),
            Field(name="sent_at", type="at", meaning="when it went out"),
            Field(name="delivered_at", type="at", meaning="when it arrived"),
            Field(name="opened_at", type="at", meaning="when it was opened"),
            Field(name="started_at", type="at", meaning="when the survey was begun"),
            Field(name="completed_at", type="at", meaning="when the survey was finished"),
            Field(name="expires_at", type="at", meaning="until when it can be answered"),
            Field(name="last_reminded_at", type="at", meaning="when the last reminder went out"),
            Field(name="reminder_count", type="int", meaning="reminders so far"),
            Field(name="link", type="url", pii="secret", meaning="the personal link: who has it can answer"),
            Field(name="touchpoint", type="text", meaning="the step of the journey it asks about"),
            Field(name="batch_id", type="id", meaning="the distribution it belongs to"),
        )
    ),
    CONCERNS,
    one("subject_ref", merge="src", meaning="the deal, ticket, purchase or activity it asks about"),
    one("person", merge="src", meaning="who was asked"),
    one("response", merge="src", meaning="the answer"),
)
