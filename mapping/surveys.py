"""What the questions of a survey mean: which one is the NPS, which one its comment, who says who they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mapping.language import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRoles:
    """What an operator says of one survey.

    `roles`: role -> expression, such as {"nps": "QID1", "csat": "QID2 | scale(1, 5)", "comment": "QID1_TEXT"}. A role
    is a metric (nps, csat, ces, or a name of one's own with its scale), `comment`, or a claim of the respondent
    (email, phone, name, given, family, company). `places`: where the expressions stand in the operator's file.
    """

    kind: str = "relationship"
    touchpoint: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
