"""An answer to a survey: an event with revisions, never merged across tools, never written by the hub."""

from typing import Final

from mapping.schema.associations import CONCERNS, one
from mapping.schema.common import CHANNEL_CODES, HUB_ID, TAGS
from mapping.schema.consent import CONSENT
from mapping.schema.field import Field, Kind, as_source, choice
from mapping.schema.survey import SURVEY_KINDS

SCORE_PARTS: Final = {
    "question": "id",
    "metric": "text",
    "value": "decimal",
    "scale_min": "decimal",
    "scale_max": "decimal",
    "direction": "choice",
    "method": "text",
    "class": "choice",
    "normalised": "decimal",
    "revision": "int",
}
SCORE_CODES: Final = {
    "direction": ("high", "low"),
    "class": ("promoter", "passive", "detractor", "satisfied", "neutral", "dissatisfied", "easy", "hard"),
}
CLAIM_PARTS: Final = {
    "refs": "pair",
    "tool_contact": "id",
    "token": "id",
    "email": "email",
    "phone": "phone",
    "full": "text",
    "given": "text",
    "family": "text",
    "company_name": "text",
}

RESPONSE: Final = Kind.of(
    "response",
    HUB_ID,
    *as_source(
        (
            Field(name="tool", type="text", required=True, pii="indirect", meaning="the connection that asked"),
            Field(name="survey_id", type="id", required=True, pii="indirect", meaning="the survey it answers"),
            Field(name="response_id", type="id", required=True, pii="indirect", meaning="its id in the tool"),
            Field(name="revision", type="int", pii="indirect", meaning="counts changes of answers and scores"),
            choice(
                "status",
                "started partial completed disqualified over_quota deleted none",
                required=True,
                meaning="how far it came; none: an invitation without answer",
            ),
            choice(
                "exclusion",
                "none test preview spam duplicate imported tool operator",
                meaning="why it is kept and not counted",
            ),
            Field(
                name="scores",
                type="score",
                shape="set",
                key=("question", "metric"),
                pii="direct",
                parts=SCORE_PARTS,
                part_codes=SCORE_CODES,
                value="value",
                selector="metric",
                meaning="values as given; a reversed scale stays reversed",
            ),
            Field(
                name="answers",
                type="answer",
                shape="set",
                key=("question", "row"),
                pii="sensitive",
                parts={"question": "id", "row": "id", "values": "json", "other_text": "text", "na": "bool"},
                value="values",
                meaning="everything that was answered",
            ),
            Field(name="comment", type="body", pii="sensitive", meaning="what was said with the primary metric"),
            Field(
                name="comments",
                type="body",
                shape="set",
                key=("question",),
                pii="sensitive",
                parts={"question": "id", "body": "body"},
                value="body",
                selector="question",
                meaning="what was said with each question",
            ),
            Field(name="started_at", type="at", meaning="when it was begun"),
            Field(name="completed_at", type="when", meaning="when it was finished; a date if the tool knows no more"),
            Field(name="recorded_at", type="at", meaning="when the tool recorded it"),
            Field(name="modified_at", type="at", meaning="when it last changed"),
            Field(name="channel", type="choice", codes=CHANNEL_CODES, meaning="by which way it came"),
            Field(name="touchpoint", type="text", meaning="the step of the journey it is about"),
            Field(name="touchpoint_at", type="when", meaning="when that happened: order, case closed"),
            Field(name="kind", type="choice", codes=SURVEY_KINDS, meaning="of its survey"),
            Field(name="language", type="lang", meaning="it was answered in"),
            Field(name="duration_s", type="int", meaning="in seconds"),
            choice(
                "identity",
                "identified pseudonymous anonymous",
                meaning="pseudonymous: a reference that we cannot resolve; anonymous: nothing was carried",
            ),
            Field(
                name="respondent",
                type="claims",
                pii="direct",
                parts=CLAIM_PARTS,
                value="email",
                meaning="who they said they were, then: evidence for matching, never an edit of the person",
            ),
            Field(
                name="context",
                type="json",
                pii="sensitive",
                parts={"*": "text"},
                meaning="embedded data, hidden fields, segments: a snapshot",
            ),
            Field(
                name="drivers",
                type="pair",
                shape="set",
                key=("key",),
                parts={"key": "text", "value": "text"},
                value="value",
                selector="key",
                meaning="reasons, as the tool says",
            ),
            Field(name="topics", type="text", shape="set", meaning="as the tool says"),
            Field(name="sentiment", type="decimal", meaning="-1 to 1, as the tool says"),
            Field(name="url", type="url", pii="indirect", meaning="where it can be looked at"),
        )
    ),
    *as_source((TAGS,)),
    CONSENT,
    one("invitation", merge="src", meaning="what it answers to"),
    one("answered_by", merge="src", meaning="the person, found from the respondent's claims"),
    CONCERNS,
)
