"""Responses: what each row says of its survey, and what its answers say by the roles of their questions."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct, field

from mapping.compile.chain import Chain
from mapping.compile.fields import LineCode
from mapping.compile.model import Context, MappingFault, ValueFault, Values
from mapping.functions.answers import FORMS, Form, common
from mapping.functions.scalars import as_id
from mapping.language import Place, parse
from mapping.normalise import Misfit
from mapping.schema import KINDS, Field
from mapping.surveys import NO_ROLES, Roles, SurveyRoles, compile_roles
from mapping.values import ABSENT, Value

# Always there; the second only where answers are read.
_OF_SURVEY: Final = ("tool", "survey_id", "response_id", "kind", "touchpoint")
_OF_ANSWERS: Final = ("answers", "scores", "comment", "comments", "respondent")
_SURVEY_KEYS: Final = ("survey_id", "form_id", "surveyId")
_DEFAULT: Final = SurveyRoles()


class Responses(Struct):
    """Completes rows of responses. `fills`: the fields that it may fill."""

    tool: str
    stream: str
    region: str | None
    surveys: dict[str, SurveyRoles]
    roles: dict[str, Roles]
    chain: Chain | None  # where the answers stand
    form: Form | None
    print: Any
    _at: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, codes: Sequence[LineCode], context: Context, *, stream: str) -> tuple["Responses", list[MappingFault]]:
        """For the lines of a stream of responses; also every fault in the roles of its surveys."""
        roles: dict[str, Roles] = {}
        faults: list[MappingFault] = []
        for survey, told in context.surveys.items():
            roles[survey], found = compile_roles(told)
            for fault in found:
                place = told.places.get(fault.role) or Place("", 1, 1)
                faults.append(
                    MappingFault(
                        code=fault.code, text=fault.text, hint=fault.hint, place=place.after(fault.offset), width=1
                    )
                )
        answers = next((code for code in codes if code.target.field.name == "answers"), None)
        chain = answers.chains[0] if answers is not None else None
        form: Form | None = None
        shape = ""
        if answers is not None:
            calls = parse(answers.line.text or "").alternatives[0].calls
            shape = calls[-1].arguments[0].text if calls and calls[-1].name == "answers" else ""
            form = FORMS.get(shape)
        surveys = [[key, one.kind, one.touchpoint, sorted(one.roles.items())] for key, one in context.surveys.items()]
        told_print = [context.tool or context.connection, context.region, shape, sorted(surveys, key=str)]
        made = cls(
            context.tool or context.connection, stream, context.region, dict(context.surveys), roles,
            chain if form is not None else None, form, told_print,
        )  # fmt: skip
        return made, faults

    @property
    def fills(self) -> tuple[str, ...]:
        return (*_OF_SURVEY, *(_OF_ANSWERS if self.form is not None else ()))

    def declared(self, kind: str, named: Sequence[str]) -> list[Field]:
        """The fields that no line names."""
        return [KINDS[kind].fields[name] for name in self.fills if name not in named]

    def place(self, fields: Sequence[str]) -> None:
        """Where the fields stand in a row."""
        self._at = {name: fields.index(name) for name in self.fills}

    def complete(self, row: list[Value], values: Values, faults: list[ValueFault], key: str | None) -> None:
        """Fill what the lines left open; what a line said stands."""
        at = self._at
        survey = row[at["survey_id"]]
        if survey is ABSENT:
            survey = row[at["survey_id"]] = self._survey(values)
        told = self.surveys.get(survey, _DEFAULT)
        for name, value in (
            ("tool", self.tool), ("response_id", key), ("kind", told.kind), ("touchpoint", told.touchpoint),
        ):  # fmt: skip
            if value is not None and row[at[name]] is ABSENT:
                row[at[name]] = value
        if self.form is not None and self.chain is not None:
            self._answer(row, values, faults, survey)

    def _survey(self, values: Values) -> str:
        """The survey whose export is read: by its usual names, else the only one there is, else the stream."""
        for name in _SURVEY_KEYS:
            try:
                if (told := as_id(values.get(name))) is not None:
                    return told
            except Misfit:
                continue
        return next(iter(self.surveys)) if len(self.surveys) == 1 else self.stream

    def _answer(self, row: list[Value], values: Values, faults: list[ValueFault], survey: str) -> None:
        if self.chain is None or self.form is None:
            return
        at = self._at
        roles = self.roles.get(survey, NO_ROLES)
        raw = self.chain.raw(values)
        if raw is ABSENT or raw is None:
            return
        answers = self.form(raw, roles.named)
        if not answers:
            return
        row[at["answers"]] = common(answers) or ABSENT
        found = roles.read(answers, region=self.region)
        faults.extend(ValueFault(*fault) for fault in found.faults)
        if found.scores:
            row[at["scores"]] = _scores(row[at["scores"]], found.scores)
        if found.comment is not None and row[at["comment"]] is ABSENT:
            row[at["comment"]] = found.comment
        if found.comments and row[at["comments"]] is ABSENT:
            row[at["comments"]] = found.comments
        if found.claims:
            # What was carried with the survey says who was asked; what was typed fills what it leaves open.
            said = row[at["respondent"]]
            row[at["respondent"]] = {**found.claims, **(said if isinstance(said, dict) else {})}


def _scores(said: Value, found: list[dict[str, Value]]) -> list[dict[str, Value]]:
    """Scores of lines and of answers together, those of lines first where both tell of one."""
    keyed = {(str(one["question"]), str(one["metric"])): one for one in found}
    for one in said if isinstance(said, list) else ():
        keyed[str(one["question"]), str(one["metric"])] = one
    return [keyed[key] for key in sorted(keyed)]
