"""What the questions of a survey mean: which one is the NPS, which one its comment, who says who they are.

An NPS question is found by its type, and so are CSAT and CES where a tool has such types. Any other scale is a
rating, whatever its ends, until the operator says which metric it is. A text that follows a metric is its comment.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct, field

from mapping.functions.answers import METRICS, Answer, Scale, scale_of, scored
from mapping.functions.registry import ArgumentFault
from mapping.language import Argument, Path, Place, SyntaxFault, nearest, parse
from mapping.normalise import Misfit, email, name, phone, text
from mapping.values import Value

# role -> the claim of a respondent that it fills
CLAIMS: Final[Mapping[str, str]] = {
    "email": "email",
    "phone": "phone",
    "name": "full",
    "given": "given",
    "family": "family",
    "company": "company_name",
}
_COMMENT: Final = "comment"
_SCALES: Final = ("scale", "rating", "nps", "csat", "ces")


class SurveyRoles(Struct, frozen=True, kw_only=True):
    """What an operator says of one survey.

    `roles`: role -> expression, such as {"nps": "QID1", "csat": "QID2 | scale(1, 5)", "comment": "QID1_TEXT"}. A role
    is a metric (nps, csat, ces, or a name of one's own with its scale), `comment` or `METRIC_comment`, or a claim of
    the respondent (email, phone, name, given, family, company). `places`: where the expressions stand in the file.
    """

    kind: str = "relationship"
    touchpoint: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)


class RoleFault(NamedTuple):
    """A role that cannot be understood. `offset`: characters before the place in its expression."""

    role: str
    code: str
    text: str
    hint: str
    offset: int


class Found(NamedTuple):
    """What the answers of one response say. `faults`: (field, question, want, got)."""

    scores: list[dict[str, Value]]
    comment: Value
    comments: list[dict[str, Value]]
    claims: dict[str, Value]
    faults: list[tuple[str, str, str, Value]]


class Metric(NamedTuple):
    """A question that the operator called a metric. `scale` None: the question's own."""

    metric: str
    question: str
    scale: Scale | None


class Roles(Struct, frozen=True):
    """The roles of one survey, ready."""

    metrics: tuple[Metric, ...] = ()
    comments: Mapping[str, str] = field(default_factory=dict)  # metric, or "" for the primary one -> question
    claims: Mapping[str, str] = field(default_factory=dict)  # role -> question
    named: frozenset[str] = frozenset()

    def read(self, answers: Sequence[Answer], *, region: str | None = None) -> Found:
        """Scores, comments and claims of a response."""
        faults: list[tuple[str, str, str, Value]] = []
        metrics = self._metrics(answers)
        scores: dict[tuple[str, str], dict[str, Value]] = {}
        for answer, scale in metrics:
            try:
                score = scored(answer.raw, answer.question, scale)
            except Misfit as misfit:
                faults.append(("scores", answer.question, misfit.want, answer.raw))
                continue
            if score is not None:
                scores.setdefault((answer.question, scale.metric), score)
        comment, comments = self._comments(answers, metrics)
        claims = self._claims(answers, region, faults)
        return Found([scores[key] for key in sorted(scores)], comment, comments, claims, faults)

    def _metrics(self, answers: Sequence[Answer]) -> list[tuple[Answer, Scale]]:
        """The answers that are scores, the primary metric first: in the operator's order, then as they were asked."""
        found: list[tuple[Answer, Scale]] = []
        taken: set[int] = set()
        for metric in self.metrics:
            for n, answer in enumerate(answers):
                if n not in taken and metric.question in answer.names:
                    taken.add(n)
                    found.append((answer, metric.scale or _own_scale(answer, metric.metric)))
        given = {metric.metric for metric in self.metrics}
        by_type: list[tuple[Answer, Scale]] = []
        ratings: list[tuple[Answer, Scale]] = []
        for n, answer in enumerate(answers):
            if n in taken or answer.type not in _SCALES:
                continue
            if answer.type in METRICS and answer.type not in given:
                by_type.append((answer, _own_scale(answer, answer.type)))
            elif answer.low is not None and answer.high is not None:
                ratings.append((answer, Scale("rating", answer.low, answer.high, "high", "mean")))
        return [*found, *by_type, *ratings]

    def _comments(
        self, answers: Sequence[Answer], metrics: Sequence[tuple[Answer, Scale]]
    ) -> tuple[Value, list[dict[str, Value]]]:
        """The comment on the primary metric, and each comment under the question that it is about."""
        scored_at = {id(answer): scale.metric for answer, scale in metrics}
        primary = metrics[0][0].question if metrics else None
        by_role = {question: metric for metric, question in self.comments.items()}
        questions: dict[str, str] = {}
        for answer, scale in metrics:
            questions.setdefault(scale.metric, answer.question)
        found: dict[str, Value] = {}
        about: str | None = None
        for answer in answers:
            if id(answer) in scored_at:
                about = answer.question
                continue
            role = next((by_role[one] for one in answer.names if one in by_role), None)
            if role is None and (answer.type != "long" or self._is_claim(answer)):
                continue
            body = text.body(answer.raw if isinstance(answer.raw, str) else None)
            if body is None:
                continue
            if role is not None:
                subject = (primary if role == "" else questions.get(role)) or answer.question
                found[subject] = body
            elif about is not None and about not in found and not self._has_comment_role(about, metrics, primary):
                found[about] = body
            else:
                found.setdefault(answer.question, body)
        comment = next(iter(found.values()), None) if primary is None else found.get(primary)
        return comment, [{"question": question, "body": found[question]} for question in sorted(found)]

    def _has_comment_role(self, question: str, metrics: Sequence[tuple[Answer, Scale]], primary: str | None) -> bool:
        """Has the operator said which question is the comment on this one?"""
        if question == primary and "" in self.comments:
            return True
        return any(answer.question == question and scale.metric in self.comments for answer, scale in metrics)

    def _is_claim(self, answer: Answer) -> bool:
        return any(question in answer.names for question in self.claims.values())

    def _claims(
        self, answers: Sequence[Answer], region: str | None, faults: list[tuple[str, str, str, Value]]
    ) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for role, claim in CLAIMS.items():
            question = self.claims.get(role)
            for answer in answers:
                asked = question in answer.names if question is not None else answer.type == role
                if claim in found or not asked:
                    continue
                try:
                    value = _claimed(claim, answer.raw, region)
                except Misfit as misfit:
                    faults.append(("respondent", answer.question, misfit.want, answer.raw))
                    continue
                if value is not None:
                    found[claim] = value
        return found


NO_ROLES: Final = Roles()


def _claimed(claim: str, raw: Value, region: str | None) -> Value:
    if claim == "email":
        return email.normalise(raw)
    if claim == "phone":
        told = phone.normalise(raw, region=region)
        return None if told is None else told[0]
    return name.clean(raw) if claim != "company_name" else text.clean(raw)


def _own_scale(answer: Answer, metric: str) -> Scale:
    """The scale that the question was asked on; unknown, the metric's usual one."""
    usual = METRICS.get(metric) or Scale(metric, "0", "10", "high", "mean")
    if answer.low is None or answer.high is None:
        return usual
    return usual._replace(low=answer.low, high=answer.high)


def compile_roles(told: SurveyRoles) -> tuple[Roles, list[RoleFault]]:
    """The roles of one survey, and every fault in them."""
    faults: list[RoleFault] = []
    metrics: list[Metric] = []
    comments: dict[str, str] = {}
    claims: dict[str, str] = {}
    for role, expression in told.roles.items():
        try:
            question, scale = _role(role, expression)
        except SyntaxFault as fault:
            faults.append(RoleFault(role, "CW110", fault.text, fault.hint, fault.offset))
            continue
        except ArgumentFault as fault:
            offset = fault.argument.offset if fault.argument is not None else 0
            faults.append(RoleFault(role, fault.code, fault.text, fault.hint, offset))
            continue
        if role in CLAIMS:
            claims[role] = question
        elif role == _COMMENT:
            comments[""] = question
        elif role.endswith(f"_{_COMMENT}"):
            comments[role.removesuffix(f"_{_COMMENT}")] = question
        else:
            metrics.append(Metric(role, question, scale))
    named = frozenset([*(one.question for one in metrics), *comments.values(), *claims.values()])
    return Roles(tuple(metrics), comments, claims, named), faults


def _role(role: str, expression: str) -> tuple[str, Scale | None]:
    """The question that an expression names, and the scale that it tells."""
    parsed = parse(expression)
    first = parsed.alternatives[0]
    if len(parsed.alternatives) > 1 or not isinstance(first.source, Path) or not first.source.steps:
        raise SyntaxFault("a role names one question", "write the question's key: nps: QID1", 0)
    question = first.source.text if first.source.plain else ".".join(step.name for step in first.source.steps)
    is_metric = role not in CLAIMS and role != _COMMENT and not role.endswith(f"_{_COMMENT}")
    scale: Scale | None = None
    for call in first.calls:
        if call.name != "scale" or not is_metric:
            near = nearest(call.name, ("scale",)) if is_metric else []
            hint = (
                "did you mean 'scale'?" if near else "a metric may have scale(min, max); other roles have no function"
            )
            raise ArgumentFault(
                f"a question's role has no function {call.name!r}", hint, Argument(call.name, call.offset), code="CW108"
            )
        scale = scale_of(call.arguments, role, usage="scale(1, 5)")
    if is_metric and role not in METRICS and scale is None:
        known = [*METRICS, _COMMENT, *CLAIMS]
        near = nearest(role, known)
        hint = f"did you mean {near[0]!r}?  " if near else f"roles: {', '.join(known)}.  "
        raise ArgumentFault(
            f"there is no role {role!r}", f"{hint}a metric of your own says its scale: '{question} | scale(1, 5)'",
            code="CW107",
        )  # fmt: skip
    return question, scale


def standing(held: Mapping[str, Any], arrived: Mapping[str, Any], asked: Collection[str]) -> Mapping[str, Any] | None:
    """The values of a response in which answers to what its survey no longer asks are those that are held; None: they
    are as they arrived.

    Nothing tells any more on which scale such an answer was given, and some tools send it no more.
    """
    before, now = _by_ref(held), _by_ref(arrived)
    gone = before.keys() - set(asked)
    if not gone:
        return None
    told = [before[ref] if ref in gone else now[ref] for ref in before if ref in gone or ref in now]
    told += [answer for ref, answer in now.items() if ref not in before]
    return None if told == list(now.values()) else {**arrived, "answers": told}


def _by_ref(values: Mapping[str, Any]) -> dict[str, Any]:
    answers = values.get("answers")
    return {str(one["field"]["ref"]): one for one in answers} if isinstance(answers, list) else {}
