"""Join answers to what was asked. An answer names its question by id alone; what a number means is in the form."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from connectors.sdk import Json

# A question as it is laid over the `field` of its answers, by id and by ref.
Questions: TypeAlias = Mapping[str, Mapping[str, Json]]

NOTHING: Final[Questions] = {}
_KEPT: Final = ("steps", "start_at_one", "labels")


def questions(form: Mapping[str, Json]) -> Questions:
    """The questions of a form, those within groups too."""
    found: dict[str, Mapping[str, Json]] = {}
    for field in _each(form.get("fields")):
        question = _question(field)
        for name in ("ref", "id"):
            if isinstance(field.get(name), str):
                found[field[name]] = question
    return found


def _each(fields: Json) -> Iterator[Mapping[str, Any]]:
    for field in fields if isinstance(fields, list) else ():
        if isinstance(field, Mapping):
            yield field
            properties = field.get("properties")
            yield from _each(properties.get("fields") if isinstance(properties, Mapping) else None)


def _question(field: Mapping[str, Json]) -> Mapping[str, Json]:
    properties = field.get("properties")
    held = properties if isinstance(properties, Mapping) else {}
    question = {name: held[name] for name in _KEPT if held.get(name) is not None}
    kind = field.get("type")
    if kind == "nps":
        question = {"steps": 11, "start_at_one": False, **question}
    elif kind == "rating":
        question = {**question, "start_at_one": True}  # of stars there is always one
    if isinstance(field.get("title"), str):
        question["title"] = field["title"]
    return question


def joined(answers: Json, asked: Questions) -> Json:
    """The answers with their questions; one whose question is gone from the form stays as it came."""
    if not isinstance(answers, list):
        return answers
    return [_joined(answer, asked) for answer in answers]


def _joined(answer: Json, asked: Questions) -> Json:
    field = answer.get("field") if isinstance(answer, Mapping) else None
    if not isinstance(field, Mapping):
        return answer
    question = asked.get(str(field.get("id"))) or asked.get(str(field.get("ref")))
    return answer if question is None else {**answer, "field": {**question, **field}}
