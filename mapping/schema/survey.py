"""A survey and its questions, as the tool has them."""

from typing import Final

from mapping.schema.common import HUB_ID
from mapping.schema.field import Field, Kind, as_source, choice, with_other

SURVEY_KINDS: Final = with_other("relationship transactional pulse employee")
QUESTION_TYPES: Final = with_other(
    "nps rating scale single multi matrix_row ranking text number bool date contact file consent statement hidden "
    "computed"
)

SURVEY: Final = Kind.of(
    "survey",
    HUB_ID,
    *as_source(
        (
            Field(name="tool", type="text", required=True, meaning="the connection that asks"),
            Field(name="survey_id", type="id", required=True, meaning="its id there"),
            Field(name="name", type="text", meaning="what people call it"),
            Field(
                name="kind",
                type="choice",
                codes=SURVEY_KINDS,
                meaning="relationship unless told otherwise; figures of two kinds never pool",
            ),
            Field(name="touchpoint", type="text", meaning="the step of the journey it asks about"),
            choice("status", "draft active paused closed archived", meaning="can it be answered?"),
            Field(name="language", type="lang", meaning="its own language"),
            Field(name="languages", type="lang", shape="set", meaning="languages it can be answered in"),
            Field(name="url", type="url", meaning="where it can be answered"),
            Field(name="version", type="text", meaning="as the tool counts"),
            Field(name="created_at", type="at", meaning="when it was made"),
            Field(name="modified_at", type="at", meaning="when it last changed"),
            Field(name="anonymous", type="bool", meaning="does it hide who answers?"),
            Field(
                name="carriers",
                type="text",
                shape="set",
                meaning="hidden fields, embedded data, variables that may hold references",
            ),
            Field(
                name="questions",
                type="question",
                shape="set",
                key=("key",),
                parts={
                    "key": "id",
                    "position": "int",
                    "parent": "id",
                    "text": "json",
                    "type": "choice",
                    "choices": "json",
                    "scale_min": "decimal",
                    "scale_max": "decimal",
                    "direction": "choice",
                    "required": "bool",
                    "active": "bool",
                    "revision": "int",
                    "role": "text",
                    "comment_of": "id",
                },
                part_codes={"type": QUESTION_TYPES, "direction": ("high", "low")},
                value="key",
                meaning="what it asks; a changed scale is a new revision of its question",
            ),
            Field(name="metric_defaults", type="json", parts={"*": "json"}, meaning="scale and method by metric"),
        )
    ),
)
