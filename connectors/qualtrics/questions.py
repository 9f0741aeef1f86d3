"""What a survey asks, by its definition, and the answers of a response joined to it.

A question is known by its QID, an answer by its column: `QID1` (what was picked, as a recode value), `QID2_TEXT`,
`QID5_1` (a row of a matrix, a field of a form). `QID1_NPS_GROUP` repeats the score in words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from connectors.sdk import Json

# Column -> the question that it answers, as it is laid beside the answer.
Columns: TypeAlias = Mapping[str, Mapping[str, Json]]

NOTHING: Final[Columns] = {}
_OF_QUESTION: Final = re.compile(r"QID\d+(?:[_#.].*)?")
# Columns that hold no answer: words for a score, the order in which something was shown, what text analysis made of it.
_BESIDE: Final = re.compile(r".*_(?:NPS_GROUP|DO|DO_.*|Topics|Parent_Topics|Sentiment.*|Topic_.*)", re.IGNORECASE)
_TAGS: Final = re.compile(r"<[^>]*>")
_MANY: Final = frozenset({"MAVR", "MAHR", "MACOL", "MSB"})
_LONG: Final = frozenset({"ML", "ESTB"})
# A scale of fewer answers (yes, no) is none.
_STEPS: Final = 3


def is_answer(column: str) -> bool:
    """Does this column of a response belong to a question?"""
    return _OF_QUESTION.fullmatch(column) is not None


def columns(definition: Json) -> Columns:
    """Every column that the questions of a definition give."""
    found: dict[str, Mapping[str, Json]] = {}
    for qid, question in _each(definition):
        found.update(_columns(qid, question))
    return found


def listed(definition: Json) -> list[Json]:
    """The questions as a list: each column is one, since it is columns that are answered."""
    return [
        {name: value for name, value in field.items() if name not in ("id", "choices")}
        | ({"properties": {"choices": choices}} if (choices := list(field.get("choices", {}).values())) else {})
        for field in columns(definition).values()
    ]


def _each(definition: Json) -> Iterator[tuple[str, Mapping[str, Any]]]:
    questions = definition.get("Questions") if isinstance(definition, Mapping) else None
    for qid, question in questions.items() if isinstance(questions, Mapping) else ():
        if isinstance(question, Mapping):
            yield str(qid), question


def _columns(qid: str, question: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    kind, selector = question.get("QuestionType"), str(question.get("Selector"))
    title = plain(question.get("QuestionText"))
    rows = _texts(question.get("Choices"))
    base: dict[str, Json] = {"title": title, "validations": {"required": _forced(question)}}
    if kind == "MC":
        if selector == "NPS":
            yield qid, {**base, "ref": qid, "type": "nps", "steps": 11, "start_at_one": False}
            return
        many = selector in _MANY
        choices = _coded(question, rows)
        yield qid, {**base, "ref": qid, "type": "multiple_choice", "choices": choices, "many": many}
        for number in _with_text(question):
            other = f"{qid}_{number}_TEXT"
            yield other, {**base, "ref": other, "type": "short_text", "title": f"{title} - {rows[number]}"}
    elif kind == "TE" and selector != "FORM":
        text = f"{qid}_TEXT"
        # There is one answer to it, so the question's own name will do.
        yield text, {**base, "ref": text, "id": qid, "type": "long_text" if selector in _LONG else "short_text"}
    elif kind == "Matrix":
        scale = _scale(question, selector)
        for number, text in rows.items():
            row = f"{qid}_{number}"
            yield row, {**base, "ref": row, "title": f"{title} - {text}", **scale}
    elif kind != "DB":
        told = "short_text" if kind == "TE" else "ranking" if kind == "RO" else "number"
        for number, text in rows.items():
            row = f"{qid}_{number}"
            yield row, {**base, "ref": row, "type": told, "title": f"{title} - {text}"}


def _scale(question: Mapping[str, Any], selector: str) -> dict[str, Json]:
    """What a row of a matrix is answered on: a scale where its answers are numbers without a gap, from 0 or 1 on."""
    choices = _coded(question, _texts(question.get("Answers")))
    codes = sorted(int(code) for code in choices if code.isdecimal())
    gapless = len(codes) == len(choices) >= _STEPS and codes == list(range(codes[0], codes[0] + len(codes)))
    if selector == "Likert" and gapless and codes[0] in (0, 1):
        return {"type": "opinion_scale", "steps": len(codes), "start_at_one": codes[0] == 1}
    return {"type": "multiple_choice", "choices": choices}


def _coded(question: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Json]:
    """Choices by what they are exported as, which need not be their number."""
    recodes = question.get("RecodeValues")
    by_number = recodes if isinstance(recodes, Mapping) else {}
    coded = {}
    for number, text in texts.items():
        code = str(by_number.get(number, number))
        coded[code] = {"ref": code, "label": text}
    return coded


def _texts(told: Json) -> dict[str, str]:
    """Number -> text of choices or answers; the vendor sends a list where there are none."""
    if not isinstance(told, Mapping):
        return {}
    return {str(n): plain(one.get("Display")) for n, one in told.items() if isinstance(one, Mapping)}


def _with_text(question: Mapping[str, Any]) -> list[str]:
    """Choices beside which something may be typed."""
    choices = question.get("Choices")
    found = choices.items() if isinstance(choices, Mapping) else ()
    return [str(n) for n, one in found if isinstance(one, Mapping) and one.get("TextEntry") in ("true", True)]


def _forced(question: Mapping[str, Any]) -> bool:
    validation = question.get("Validation")
    settings = validation.get("Settings") if isinstance(validation, Mapping) else None
    return isinstance(settings, Mapping) and settings.get("ForceResponse") == "ON"


def plain(text: Json) -> str:
    """A text without the marks of the editor."""
    return " ".join(_TAGS.sub(" ", text).replace("&nbsp;", " ").split()) if isinstance(text, str) else ""


def joined(values: Mapping[str, Json], asked: Columns) -> list[Json]:
    """The answers of a response with their questions, as they are asked; what is asked no longer comes last."""
    answered = [name for name in asked if name in values]
    known = set(answered)
    gone = [name for name in values if is_answer(name) and name not in known and not _BESIDE.fullmatch(name)]
    return [
        answer for name in (*answered, *gone) if (answer := _answer(name, values[name], asked.get(name))) is not None
    ]


def _answer(column: str, raw: Json, question: Mapping[str, Json] | None) -> Json:
    if raw is None or raw == "" or raw == []:
        return None
    question = {"ref": column} if question is None else question
    field = {name: value for name, value in question.items() if name not in ("choices", "many", "validations")}
    choices: Mapping[str, Mapping[str, Json]] | None = question.get("choices")
    if choices is not None:
        if isinstance(raw, list) or question.get("many"):
            return {
                "field": field,
                "type": "choices",
                "choices": _several(raw if isinstance(raw, list) else [raw], choices),
            }
        # `value`: the recode value, on which a scale of the operator's stands.
        return {"field": field, "type": "choice", "choice": {**_picked(raw, choices), "value": raw}}
    if isinstance(raw, bool) or not isinstance(raw, str):
        return {"field": field, "type": "number", "number": raw}
    return {"field": field, "type": "text", "text": raw}


def _picked(raw: Json, choices: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    code = str(raw)
    return dict(choices.get(code) or {"ref": code})


def _several(raw: Sequence[Json], choices: Mapping[str, Mapping[str, Json]]) -> Json:
    picked = [_picked(one, choices) for one in raw]
    return {"refs": [one["ref"] for one in picked], "labels": [one.get("label", one["ref"]) for one in picked]}
