"""Golden fields that the hub computes: the latest scores of a person, the figures of a company.

Recomputed whole from the responses, so a deleted or excluded one empties what it gave. Relationship and transactional
answers are never in one figure, nor employees and customers; `as_of` is an argument.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from msgspec import Struct, field

from mapping.cx import Nps, canonical, ces_class, csat_class, nps_class, share
from mapping.values import Value

COUNTED_STATUS: Final = ("completed", "partial")
METRICS: Final = ("nps", "csat", "ces")

PERSON_FIELDS: Final = (
    *(f"cx.nps.{part}" for part in ("score", "class", "comment", "answered_at", "survey", "response_id")),
    *(f"cx.csat.{part}" for part in ("score", "scale", "class", "comment", "answered_at", "survey", "response_id")),
    *(
        f"cx.ces.{part}"
        for part in ("score", "scale", "direction", "class", "comment", "answered_at", "survey", "response_id")
    ),
    "cx.responses",
    "cx.last_response_at",
)
COMPANY_FIELDS: Final = (
    "cx.nps.value",
    "cx.nps.n",
    "cx.nps.margin",
    "cx.promoters",
    "cx.passives",
    "cx.detractors",
    "cx.csat.value",
    "cx.csat.n",
    "cx.ces.value",
    "cx.ces.n",
    "cx.coverage",
    "cx.at_risk",
    "cx.responses",
    "cx.last_response_at",
)


class Answered(Struct, frozen=True, kw_only=True):
    """One score of one response. `person` None: nobody known, it counts once for its company all the same."""

    record: int
    response_id: str
    survey: str
    metric: str
    score: str  # canonical decimal text
    answered_at: str  # an instant with Z, or a date
    person: int | None = None
    company: int | None = None
    kind: str = "relationship"
    comment: str | None = None
    status: str = "completed"
    exclusion: str = "none"
    scale_min: str = "0"
    scale_max: str = "10"
    direction: str = "high"
    tool: str | None = None


class Setting(Struct, frozen=True, kw_only=True):
    """How a company's figure of one metric is made."""

    window: timedelta = timedelta(days=365)
    minimum_responses: int = 1
    kind: str = "relationship"


class CxSettings(Struct, frozen=True):
    metrics: Mapping[str, Setting] = field(default_factory=dict)

    def of(self, metric: str) -> Setting:
        return self.metrics.get(metric) or Setting()


def person_cx(answers: Iterable[Answered], *, settings: CxSettings, as_of: str) -> dict[str, Value]:
    """The latest counted answer of each metric, in the common form; None where there is none (any more)."""
    counted = [one for one in answers if _counts(one) and one.answered_at <= _end(as_of, one.answered_at)]
    values: dict[str, Value] = dict.fromkeys(PERSON_FIELDS)
    for metric in METRICS:
        setting = settings.of(metric)
        mine = [one for one in counted if one.metric == metric and one.kind == setting.kind]
        if not mine:
            continue
        latest = max(mine, key=_moment)
        said = {
            "score": latest.score,
            "class": class_of(latest),
            "comment": latest.comment,
            "answered_at": latest.answered_at,
            "survey": latest.survey,
            "response_id": latest.response_id,
            "scale": f"{latest.scale_min}-{latest.scale_max}",
            "direction": latest.direction,
        }
        for part, value in said.items():
            if f"cx.{metric}.{part}" in values:
                values[f"cx.{metric}.{part}"] = value
    _count(values, counted)
    return values


def company_cx(
    answers: Iterable[Answered], *, contacts: int | None = None, settings: CxSettings, as_of: str
) -> dict[str, Value]:
    """The pooled figures of a company: of each person and survey the latest answer in the window.

    `contacts`: how many people it has, for the coverage (the share of them that answered NPS). With fewer answers
    than the setting asks for a figure stays empty; the counts are told.
    """
    counted = [one for one in answers if _counts(one) and one.answered_at <= _end(as_of, one.answered_at)]
    values: dict[str, Value] = dict.fromkeys(COMPANY_FIELDS)
    pools = {metric: _pool(counted, metric, settings.of(metric), as_of) for metric in METRICS}
    figure = Nps.of(name for one in pools["nps"] if (name := class_of(one)) is not None)
    if figure.n:
        values["cx.nps.n"] = figure.n
        values["cx.promoters"] = figure.promoters
        values["cx.passives"] = figure.passives
        values["cx.detractors"] = figure.detractors
    if figure.n >= max(1, settings.of("nps").minimum_responses):
        values["cx.nps.value"] = _text(figure.value)
        values["cx.nps.margin"] = _text(figure.margin)
        values["cx.at_risk"] = figure.at_risk
    if contacts:
        people = {one.person for one in pools["nps"] if one.person is not None}
        values["cx.coverage"] = _text(share(min(len(people), contacts), contacts))
    for metric, good in (("csat", "satisfied"), ("ces", "easy")):
        classes = [name for one in pools[metric] if (name := class_of(one)) is not None]
        if classes:
            values[f"cx.{metric}.n"] = len(classes)
        if len(classes) >= max(1, settings.of(metric).minimum_responses):
            values[f"cx.{metric}.value"] = _text(share(classes.count(good), len(classes)))
    _count(values, counted)
    return values


def class_of(answer: Answered) -> str | None:
    """promoter, passive, detractor; satisfied, neutral, dissatisfied; easy, neutral, hard; None: no valid answer."""
    try:
        score, low, high = Decimal(answer.score), Decimal(answer.scale_min), Decimal(answer.scale_max)
    except InvalidOperation:
        return None
    if answer.metric == "nps":
        return nps_class(score) if low == 0 and high == 10 and answer.direction == "high" else None
    if answer.metric == "csat":
        return csat_class(score, low, high, answer.direction)
    if answer.metric == "ces":
        return ces_class(score, low, high, answer.direction)
    return None


def _counts(answer: Answered) -> bool:
    """Partial ones that hold a score count as answered; excluded ones never do, nor does a score off its scale."""
    if answer.exclusion != "none" or answer.status not in COUNTED_STATUS:
        return False
    return answer.metric not in METRICS or class_of(answer) is not None


def _pool(answers: Sequence[Answered], metric: str, setting: Setting, as_of: str) -> list[Answered]:
    start = instant(datetime.fromisoformat(as_of) - setting.window)
    latest: dict[object, Answered] = {}
    for one in answers:
        since = start[:10] if len(one.answered_at) == 10 else start
        if one.metric != metric or one.kind != setting.kind or one.answered_at < since:
            continue
        key = ("alone", one.record) if one.person is None else (one.person, one.survey)
        known = latest.get(key)
        if known is None or _moment(one) > _moment(known):
            latest[key] = one
    return [latest[key] for key in sorted(latest, key=str)]


def _moment(answer: Answered) -> tuple[str, str, int]:
    """A date counts as the start of its day; of equal moments the response id decides, so any order tells the same."""
    when = answer.answered_at
    return (f"{when}T00:00:00.000Z" if len(when) == 10 else when, answer.response_id, answer.record)


def _count(values: dict[str, Value], counted: Sequence[Answered]) -> None:
    if counted:
        values["cx.responses"] = len({one.record for one in counted})
        values["cx.last_response_at"] = max(counted, key=_moment).answered_at


def _end(as_of: str, like: str) -> str:
    return as_of[:10] if len(like) == 10 else as_of


def instant(moment: datetime) -> str:
    """A moment in UTC in the common form, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(value: Decimal | None) -> str | None:
    return None if value is None else canonical(value)
