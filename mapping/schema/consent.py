"""What somebody allows: by channel, purpose and scope, after ISO/IEC TS 27560."""

from typing import Final

from mapping.schema.field import Field, with_other

CHANNELS: Final = ("email", "phone", "sms", "post", "messaging", "push", "any")
PURPOSES: Final = ("marketing", "survey", "service", "research", "profiling", "sale", "any")
STATUS: Final = ("granted", "pending", "denied", "withdrawn", "unknown")

CONSENT: Final = Field(
    name="consent",
    type="consent",
    shape="set",
    key=("channel", "purpose", "scope"),
    merge="strict",
    pii="sensitive",
    parts={
        "channel": "choice",
        "purpose": "choice",
        "contact_point": "text",
        "scope": "text",
        "status": "choice",
        "legal_basis": "choice",
        "captured_at": "at",
        "effective_from": "at",
        "effective_to": "at",
        "method": "choice",
        "source": "text",
        "evidence": "text",
        "notice_version": "text",
        "jurisdiction": "country",
    },
    part_codes={
        "channel": CHANNELS,
        "purpose": PURPOSES,
        "status": STATUS,
        "legal_basis": with_other("consent contract legal_obligation legitimate_interest"),
        "method": with_other("form import verbal api tool_default double_opt_in"),
    },
    value="status",
    selector="channel.purpose",
    selectors=tuple(f"{channel}.{purpose}" for channel in CHANNELS for purpose in PURPOSES),
    meaning="an opt-out box that is not ticked is unknown, never granted",
)
