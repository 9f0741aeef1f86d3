"""Answers to surveys in the shapes that tools send, and scores that stand in a field of their own."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from mapping.conditions import is_filled
from mapping.cx import canonical, ces_class, csat_class, nps_class
from mapping.functions.registry import NUMBERS, ArgumentFault, Around, Made, function
from mapping.functions.scalars import as_id, plain_json
from mapping.language import Argument, nearest
from mapping.normalise import Misfit, number, text, when
from mapping.values import Value

# Where a tool says that somebody did not answer.
_NO_ANSWER: Final = frozenset({"", "-1", "n/a", "na", "none", "null", "-", "not applicable", "no answer", "#n/a"})
# Columns that hold an answer, in exports that know nothing but columns.
_COLUMN: Final = re.compile(r"(?:Q(?:ID)?\d+|G\d+Q\d+)(?:[_.#\[\]a-z0-9]*)", re.IGNORECASE)
_OF_COLUMN: Final = re.compile(r"_(?:NPS_GROUP|DO|DO_.*|PARENT_TOPICS|TOPICS|SENTIMENT.*)$", re.IGNORECASE)


class Scale(NamedTuple):
    """A metric with its scale: both are part of what a score means."""

    metric: str
    low: str
    high: str
    direction: str = "high"
    method: str = ""


METRICS: Final[Mapping[str, Scale]] = {
    "nps": Scale("nps", "0", "10", "high", "nps"),
    "csat": Scale("csat", "1", "5", "high", "top_box"),
    "ces": Scale("ces", "1", "7", "high", "mean"),
}


class Answer(NamedTuple):
    """One answer with what is known of its question. `names`: every name that a role may call the question by."""

    question: str
    names: tuple[str, ...]
    type: str
    values: list[Value]
    raw: Value
    low: str | None = None
    high: str | None = None
    row: str | None = None
    other: str | None = None

    def common(self) -> dict[str, Value]:
        """As an element of `answers`."""
        element: dict[str, Value] = {"question": self.question, "values": self.values}
        if self.row is not None:
            element["row"] = self.row
        if self.other is not None:
            element["other_text"] = self.other
        return element


Form = Callable[[Value, frozenset[str]], list[Answer]]


def is_answer(raw: Value) -> bool:
    """Did somebody answer? -1, N/A and nothing are no answers, and no zeros."""
    if isinstance(raw, str):
        return raw.strip().casefold() not in _NO_ANSWER
    return is_filled(raw) and raw != -1


def scored(raw: Value, question: str, scale: Scale) -> dict[str, Value] | None:
    """A score as an element of `scores`; None: no answer. Raises Misfit: 8.5 on NPS is never rounded to 9."""
    if isinstance(raw, bool) or not is_answer(raw):
        if isinstance(raw, bool):
            raise Misfit("number")
        return None
    told = number.decimal(raw)
    if told is None:
        return None
    value, low, high = Decimal(told), Decimal(scale.low), Decimal(scale.high)
    whole = scale.metric == "nps"
    if not low <= value <= high or (whole and value != value.to_integral_value()):
        raise Misfit(f"{'whole number' if whole else 'number'} from {scale.low} to {scale.high}")
    element: dict[str, Value] = {
        "question": question, "metric": scale.metric, "value": told, "scale_min": scale.low, "scale_max": scale.high,
        "direction": scale.direction, "method": scale.method or "mean",
    }  # fmt: skip
    if (name := _class_of(scale, value, low, high)) is not None:
        element["class"] = name
    return element


def _class_of(scale: Scale, value: Decimal, low: Decimal, high: Decimal) -> str | None:
    if scale.metric == "nps":
        usual = low == 0 and high == 10 and scale.direction == "high"
        return nps_class(value) if usual else None
    if scale.metric == "csat":
        return csat_class(value, low, high, scale.direction)
    if scale.metric == "ces":
        return ces_class(value, low, high, scale.direction)
    return None


def scale_of(arguments: Sequence[Argument], metric: str, *, usage: str) -> Scale:
    """(min, max, direction, method) of the arguments, each left out as the metric has it."""
    known = METRICS.get(metric)
    words = [argument.text for argument in arguments]
    if not words and known is not None:
        return known
    if len(words) < 2:
        raise ArgumentFault(f"the scale of {metric} is not told", f"write {usage}", arguments[0] if arguments else None)
    bounds = []
    for argument in arguments[:2]:
        try:
            bounds.append(Decimal(argument.text))
        except ArithmeticError:
            raise ArgumentFault(f"{argument.text!r} is no number", f"write {usage}", argument) from None
    if bounds[0] >= bounds[1]:
        raise ArgumentFault(f"{words[0]} is not below {words[1]}", "the lowest answer comes first", arguments[0])
    direction = words[2] if len(words) > 2 else "high"
    if direction not in ("high", "low"):
        raise ArgumentFault(f"{direction!r} is no direction", "high or low: which end is good", arguments[2])
    method = words[3] if len(words) > 3 else known.method if known is not None else "mean"
    return Scale(metric, canonical(bounds[0]), canonical(bounds[1]), direction, method)


@function(
    "score",
    takes=NUMBERS | {"decimal", "int"},
    gives="score",
    usage="score(metric, min, max, direction, method)",
    least=1,
    most=5,
    inverse=False,
    by_option=True,
)
def _score(arguments: Sequence[Argument], around: Around) -> Made:
    """With one argument that is no metric, the metric stands in the field of that name."""
    first = arguments[0]
    usage = "score(nps, 0, 10, high, nps)"
    question = around.source
    if len(arguments) == 1 and first.text.casefold() not in METRICS:
        by = around.spot(first)

        def read_in(raw: Value, row: Any) -> Value:
            metric = text.clean(by.get(row)) if is_filled(by.get(row)) else None
            scale = METRICS.get((metric or "").casefold())
            if scale is None:
                if metric is None or not is_answer(raw):
                    return None
                raise Misfit("answer to a metric that is known: nps, csat or ces")
            return scored(raw, question, scale)

        return Made("score", read_in=read_in, print=[by.name, question], spots=(by,))
    metric = first.text.casefold()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", metric):
        near = nearest(metric, METRICS)
        raise ArgumentFault(
            f"{first.text!r} is no metric", f"did you mean {near[0]}?" if near else f"write {usage}", first
        )
    scale = scale_of(arguments[1:], metric, usage=usage)

    def read(raw: Value) -> Value:
        return scored(raw, question, scale)

    return Made("score", read=read, print=[*scale, question])


# -- the shapes of tools ----------------------------------------------------------------------------------------


def _items(raw: Value, named: frozenset[str]) -> list[Answer]:
    """A list of objects, each with its question: Typeform's answers, CustomerGauge's additional questions."""
    found = []
    for item in raw if isinstance(raw, list) else []:
        if isinstance(item, dict):
            asked = item.get("field")
            answer = _typeform(item, asked) if isinstance(asked, dict) else _item(item)
            if answer is not None:
                found.append(answer)
    return found


# Typeform's types of questions -> ours.
_TYPES: Final = {
    "nps": "nps",
    "opinion_scale": "scale",
    "rating": "rating",
    "yes_no": "bool",
    "legal": "consent",
    "multiple_choice": "single",
    "picture_choice": "single",
    "dropdown": "single",
    "ranking": "ranking",
    "matrix": "matrix_row",
    "short_text": "text",
    "long_text": "text",
    "email": "email",
    "phone_number": "phone",
    "number": "number",
    "date": "date",
    "file_upload": "file",
}
_ITEM_KEYS: Final = ("text", "email", "url", "file_url", "number", "boolean", "date", "phone_number")


def _typeform(item: Mapping[str, Any], asked: Mapping[str, Any]) -> Answer | None:
    names = tuple(str(asked[name]) for name in ("ref", "id") if asked.get(name) not in (None, ""))
    if not names:
        return None
    kind = str(asked.get("type") or "")
    type_ = "long" if kind == "long_text" else _TYPES.get(kind, kind)
    raw, values, other = _item_values(item)
    if not values and other is None:
        return None
    low, high = _steps(kind, asked)
    return Answer(names[0], names, type_, values, raw, low, high, other=other)


def _item_values(item: Mapping[str, Any]) -> tuple[Value, list[Value], str | None]:
    """What was answered: as it came, in the common form, and the text beside the choices."""
    choice, choices = item.get("choice"), item.get("choices")
    if isinstance(choice, dict):
        one = _choice(choice.get("ref") or choice.get("id"), choice.get("label"))
        # Where a choice has a value of its own it is that on which a scale stands.
        return choice.get("value", choice.get("label")), [] if one is None else [one], text.clean(choice.get("other"))
    if isinstance(choices, dict):
        codes = choices.get("refs") or choices.get("ids") or []
        labels = choices.get("labels") or []
        width = max(len(codes), len(labels))
        several = [_choice(_at(codes, n), _at(labels, n)) for n in range(width)]
        return labels, [one for one in several if one is not None], text.clean(choices.get("other"))
    for key in _ITEM_KEYS:
        if key in item:
            raw = item[key]
            return raw, [raw_value(raw, key)] if is_filled(raw) else [], None
    told = item.get(str(item.get("type")))
    return told, [plain_json(told)] if is_filled(told) else [], None


def _at(values: Sequence[Any], n: int) -> Any:
    return values[n] if n < len(values) else None


def _choice(code: Any, label: Any) -> Value:
    found = {}
    if is_filled(code):
        found["code"] = str(code)
    if told := text.clean(label):
        found["label"] = told
    return found or None


def raw_value(raw: Value, kind: str = "") -> Value:
    """One answer in the common form; a date that is none stays the text that it is."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float | Decimal):
        return number.decimal(raw)
    if isinstance(raw, str):
        if kind == "date":
            try:
                return when.when(raw, "UTC")
            except Misfit:
                return text.clean(raw)
        return text.clean(raw)
    return plain_json(raw)


def _steps(kind: str, asked: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Lowest and highest of a scale: by where it starts and how many steps it has."""
    if kind == "nps":
        return "0", "10"
    steps = asked.get("steps")
    if kind not in ("opinion_scale", "rating") or not isinstance(steps, int) or isinstance(steps, bool):
        return None, None
    low = 1 if kind == "rating" or asked.get("start_at_one") is True else 0
    return str(low), str(low + steps - 1)


def _item(item: Mapping[str, Any]) -> Answer | None:
    question = next((item[key] for key in ("question", "key", "name", "id", "code") if is_filled(item.get(key))), None)
    raw = next((item[key] for key in ("answer", "value", "text", "score") if key in item), None)
    if question is None or not is_filled(raw):
        return None
    values = [raw_value(one) for one in (raw if isinstance(raw, list) else [raw]) if is_filled(one)]
    name = str(question).strip()
    return Answer(name, (name,), str(item.get("type") or ""), values, raw)


def _columns(raw: Value, named: frozenset[str]) -> list[Answer]:
    """A row with a column per question, as exports have it: by the look of their codes, and what a role names."""
    found = []
    for name, value in raw.items() if isinstance(raw, Mapping) else ():
        is_coded = _COLUMN.fullmatch(name) is not None and not _OF_COLUMN.search(name)
        if not (name in named or is_coded) or not is_filled(value):
            continue
        kind = "nps" if f"{name}_NPS_GROUP" in raw else "text" if name.upper().endswith("_TEXT") else ""
        low, high = ("0", "10") if kind == "nps" else (None, None)
        found.append(Answer(name, (name,), kind, [raw_value(value)], value, low, high))
    return found


def questions(raw: Value) -> Value:
    """The questions of a form as elements of `questions`; those within groups name the group as their parent."""
    found: list[dict[str, Value]] = []

    def add(fields: Value, parent: str | None) -> None:
        for field in fields if isinstance(fields, list) else ():
            if not isinstance(field, dict):
                if isinstance(field, str) and (name := text.clean(field)):
                    found.append({"key": name, "position": len(found) + 1})  # nothing but its key is known
                continue
            key = next((field[name] for name in ("ref", "key", "id") if is_filled(field.get(name))), None)
            if key is None:
                continue
            found.append(_question(str(key), field, position=len(found) + 1, parent=parent))
            held = field.get("properties")
            add(held.get("fields") if isinstance(held, dict) else None, str(key))

    add(raw if isinstance(raw, list) else [{"key": key, **told} for key, told in _each_question(raw)], None)
    return found or None


def _each_question(raw: Value) -> list[tuple[str, dict[str, Any]]]:
    """Of an object of questions by their id."""
    return [(str(key), told) for key, told in raw.items() if isinstance(told, dict)] if isinstance(raw, dict) else []


def _question(key: str, field: Mapping[str, Any], *, position: int, parent: str | None) -> dict[str, Value]:
    kind = str(field.get("type") or "")
    type_ = "text" if kind == "long_text" else _TYPES.get(kind, "other")
    question: dict[str, Value] = {"key": key, "position": position, "type": type_}
    if parent is not None:
        question["parent"] = parent
    if title := text.clean(field.get("title")):
        question["text"] = {"default": title}
    properties = field.get("properties")
    held: dict[str, Any] = properties if isinstance(properties, dict) else {}
    low, high = _steps(kind, {**held, **field})
    if low is not None:
        question |= {"scale_min": low, "scale_max": high, "direction": "high"}
    choices = [_choice(one.get("ref") or one.get("id"), one.get("label")) for one in held.get("choices") or ()]
    if choices:
        question["choices"] = [one for one in choices if one is not None]
    validations = field.get("validations")
    if isinstance(validations, dict) and isinstance(validations.get("required"), bool):
        question["required"] = validations["required"]
    if type_ in METRICS:
        question["role"] = f"metric:{type_}"
    return question


def _map(raw: Value, named: frozenset[str]) -> list[Answer]:
    """An object of question -> answer."""
    found = []
    for name, value in raw.items() if isinstance(raw, Mapping) else ():
        if is_filled(value):
            values = [raw_value(one) for one in (value if isinstance(value, list) else [value]) if is_filled(one)]
            found.append(Answer(name, (name,), "", values, value))
    return found


def _pages(raw: Value, named: frozenset[str]) -> list[Answer]:
    """SurveyMonkey: pages of questions, each with its answers; a matrix has a row for each of them."""
    found = []
    for page in raw if isinstance(raw, list) else []:
        for question in page.get("questions") or () if isinstance(page, dict) else ():
            key = str(question.get("id"))
            by_row: dict[str | None, list[dict[str, Any]]] = {}
            for one in question.get("answers") or ():
                by_row.setdefault(as_id(one.get("row_id")), []).append(one)
            for row, some in by_row.items():
                answer = _of_page(key, row, some)
                if answer is not None:
                    found.append(answer)
    return found


def _of_page(key: str, row: str | None, some: Sequence[Mapping[str, Any]]) -> Answer | None:
    values: list[Value] = []
    raw: Value = None
    other = None
    for one in some:
        weight = (one.get("choice_metadata") or {}).get("weight")
        if is_filled(one.get("other_id")):
            other = text.clean(one.get("text"))
        elif is_filled(one.get("choice_id")):
            choice = _choice(one["choice_id"], one.get("simple_text") or one.get("text"))
            values.append(choice)
            raw = weight if weight is not None else raw
        elif is_filled(one.get("text")):
            values.append(text.clean(one["text"]))
            raw = one["text"]
    return Answer(key, (key,), "", values, raw, row=row, other=other) if values or other else None


FORMS: Final[Mapping[str, Form]] = {"items": _items, "columns": _columns, "map": _map, "pages": _pages}


@function("answers", gives="answers", usage="answers(items), or columns, map, pages", least=1, most=1, inverse=False)
def _answers(arguments: Sequence[Argument], around: Around) -> Made:
    form = FORMS.get(arguments[0].text)
    if form is None:
        raise ArgumentFault(
            f"{arguments[0].text!r} is no shape of answers", f"one of: {', '.join(FORMS)}", arguments[0]
        )

    def read(raw: Value) -> Value:
        return common(form(raw, frozenset()))

    return Made("answers", read=read, print=arguments[0].text)


def common(answers: Sequence[Answer]) -> Value:
    """The field `answers`: by question and row, of two with one key the first."""
    elements: dict[tuple[str, str], Value] = {}
    for answer in answers:
        elements.setdefault((answer.question, answer.row or ""), answer.common())
    return [elements[key] for key in sorted(elements)] or None


@function("context", gives="json", usage="context, context(columns), context(hidden)", most=1, inverse=False)
def _context(arguments: Sequence[Argument], around: Around) -> Made:
    """What was carried along, as texts. `columns`: of a row whatever is no answer."""
    columns = bool(arguments) and arguments[0].text == "columns"

    def read(raw: Value) -> Value:
        found = {}
        for name, value in raw.items() if isinstance(raw, Mapping) else ():
            if columns and _COLUMN.fullmatch(name):
                continue
            if is_filled(value) and not isinstance(value, dict | list):
                found[str(name)] = text.clean(value)
        return found or None

    return Made("json", read=read, print=columns)
