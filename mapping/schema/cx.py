"""What the hub computes from responses, and nobody else decides."""

from typing import Final

from mapping.schema.field import Field, Pii, with_other


def _field(name: str, kind: str, meaning: str, *, pii: Pii, codes: str = "") -> Field:
    return Field(
        name=f"cx.{name}",
        type=kind,
        merge="derived",
        pii=pii,
        codes=with_other(codes) if codes else (),
        meaning=meaning,
    )


_CLASSES: Final = {
    "nps": "promoter passive detractor",
    "csat": "satisfied neutral dissatisfied",
    "ces": "easy neutral hard",
}


def _latest(metric: str, *parts: str) -> tuple[Field, ...]:
    label = metric.upper()
    told = {
        "score": ("decimal", f"the latest counted {label} answer, as given"),
        "scale": ("text", "lowest and highest of the scale that was shown, 1-5"),
        "direction": ("choice", "which end of the scale is good"),
        "class": ("choice", f"what the latest {label} answer counts as"),
        "comment": ("text", "what was said with it"),
        "answered_at": ("when", "when it was answered; a date where the tool knows no more"),
        "survey": ("text", "the survey it answers"),
        "response_id": ("id", "the response it stands in"),
    }
    codes = {"class": _CLASSES[metric], "direction": "high low"}
    return tuple(
        _field(f"{metric}.{part}", told[part][0], told[part][1], pii="sensitive", codes=codes.get(part, ""))
        for part in parts
    )


def _counts(pii: Pii) -> tuple[Field, ...]:
    return (
        _field("responses", "int", "how many responses were counted", pii=pii),
        _field("last_response_at", "when", "when the last of them was answered", pii=pii),
    )


PERSON_CX: Final = (
    *_latest("nps", "score", "class", "comment", "answered_at", "survey", "response_id"),
    *_latest("csat", "score", "scale", "class", "comment", "answered_at", "survey", "response_id"),
    *_latest("ces", "score", "scale", "direction", "class", "comment", "answered_at", "survey", "response_id"),
    *_counts("sensitive"),
)
COMPANY_CX: Final = (
    _field("nps.value", "decimal", "NPS of the window, -100 to 100", pii="none"),
    _field("nps.n", "int", "answers behind it", pii="none"),
    _field("nps.margin", "decimal", "half width of its 95 % interval, in points", pii="none"),
    _field("promoters", "int", "9 and 10 in the window", pii="none"),
    _field("passives", "int", "7 and 8 in the window", pii="none"),
    _field("detractors", "int", "0 to 6 in the window", pii="none"),
    _field("csat.value", "percent", "share of satisfied answers in the window", pii="none"),
    _field("csat.n", "int", "answers behind it", pii="none"),
    _field("ces.value", "percent", "share of easy answers in the window", pii="none"),
    _field("ces.n", "int", "answers behind it", pii="none"),
    _field("coverage", "percent", "share of the known people that answered NPS", pii="none"),
    _field("at_risk", "bool", "is the NPS of the window below -20?", pii="none"),
    *_counts("none"),
)
