"""A connector's own keys: the nodes of the file against its pydantic models, and the faults back onto the nodes."""

import json
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from crosswalk.settings.faults import Faults, Mark, Spot, nearest, offer, some
from crosswalk.settings.forms import Keys, said
from crosswalk.settings.hidden import MASK
from crosswalk.settings.source import Node, Row, Scalar, Table

# What the hub fills in, not the operator.
FILLED: Final = frozenset({"streams", "parts"})

M = TypeVar("M", bound=BaseModel)


def credentials(settings: BaseModel) -> bytes:
    """What a connection is opened with, secrets in the clear: for a print alone, never to be kept or shown."""

    def plain(value: Any) -> Any:
        return str(value.get_secret_value() if isinstance(value, SecretStr | SecretBytes) else value)

    return json.dumps(settings.model_dump(exclude={"streams"}), default=plain, sort_keys=True).encode()


def keys_of(model: type[BaseModel]) -> list[str]:
    """What an operator may write for a model: required keys first, then in its order."""
    fields = [
        (name, field) for name, field in model.model_fields.items() if not (name in FILLED and _is_of_contract(field))
    ]
    return [field.alias or name for name, field in sorted(fields, key=lambda one: not one[1].is_required())]


def _is_of_contract(field: FieldInfo) -> bool:
    return not field.is_required()


def read_model(
    model: type[M],
    given: Keys,
    *,
    noun: str,
    mark: Mark,
    written: Sequence[str],
    spot: Spot,
    faults: Faults,
    folder: Path,
    failed: set[int],
    filled: Mapping[str, Any] | None = None,
) -> M | None:
    """An instance of a connector's model; None where there was a fault.

    `given`: the entries of its keys; `mark`: where a missing key is told; `written`: every key that stands there, those
    of others and misspelt ones too; `failed`: scalars that have been told.
    """
    table = Table(mark, list(given.values()))
    unsafe = [(scalar, at) for scalar, at in _secrets(model, table, spot) if scalar.shown is None]
    for scalar, at in unsafe:
        if isinstance(scalar.value, str) and id(scalar) not in failed:
            faults.add(
                "CW103", scalar.mark, "a secret stands in the file",
                "write env:NAME or file:PATH; renew it: it may be in the history", at=at,
            )  # fmt: skip
    hidden = {id(scalar) for scalar, _ in _secrets(model, table, spot, deep=True)}
    try:
        instance = model.model_validate({**_plain(table, model, folder), **(filled or {})})
    except ValidationError as error:
        silent = failed | {id(scalar) for scalar, _ in unsafe}
        told = _Told(model, table, noun, spot, faults, written=written, hidden=hidden, silent=silent)
        for one in error.errors(include_url=False, include_input=False):
            told.tell(one)
        return None
    return None if unsafe or any(id(scalar) in failed for scalar in _scalars(table)) else instance


def _plain(node: Node, annotation: Any, folder: Path) -> Any:
    """JSON of a node. Folders and files become absolute, from where the file lies."""
    if isinstance(node, Table):
        return {name: _plain(entry.value, _field(annotation, name), folder) for name, entry in node}
    if isinstance(node, Row):
        inner = next(iter(get_args(annotation)), None)
        return [_plain(item, inner, folder) for item in node.items]
    if isinstance(node.value, str) and Path in _leaves(annotation):
        return str(folder / Path(node.value).expanduser())
    return node.value


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Table):
        for _, entry in node:
            yield from _scalars(entry.value)
    elif isinstance(node, Row):
        for item in node.items:
            yield from _scalars(item)
    else:
        yield node


def _secrets(annotation: Any, node: Node, spot: Spot, *, deep: bool = False) -> Iterator[tuple[Scalar, Spot]]:
    """The scalars that a model takes as secrets. Of a union any variant that calls it a secret makes it one.

    `deep`: also text that stands in the place of a model with a secret in it (`auth: abc`).
    """
    if isinstance(node, Table):
        for name, entry in node:
            yield from _secrets(_field(annotation, name), entry.value, spot / name, deep=deep)
    elif isinstance(node, Row):
        for at, item in enumerate(node.items):
            yield from _secrets(annotation, item, spot / at, deep=deep)
    elif is_secret(annotation) or (deep and any(is_secret(f.annotation) for f in _fields(models(annotation)))):
        yield node, spot


def is_secret(annotation: Any) -> bool:
    return bool({SecretStr, SecretBytes} & set(_leaves(annotation)))


def _fields(found: list[type[BaseModel]]) -> list[FieldInfo]:
    return [field for model in found for field in model.model_fields.values()]


def models(annotation: Any) -> list[type[BaseModel]]:
    """The models that a value of this annotation may be."""
    return [leaf for leaf in _leaves(annotation) if isinstance(leaf, type) and issubclass(leaf, BaseModel)]


def _leaves(annotation: Any) -> list[Any]:
    """The plain types in an annotation, unions, lists and Annotated taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _leaves(get_args(annotation)[0])
    if origin is Literal:
        return []
    if origin is Union or isinstance(annotation, types.UnionType) or origin is not None:
        return [leaf for one in get_args(annotation) for leaf in _leaves(one)]
    if isinstance(annotation, typing.TypeAliasType) if hasattr(typing, "TypeAliasType") else False:
        return _leaves(annotation.__value__)
    return [annotation]


def _field(annotation: Any, name: str) -> Any:
    """The annotation of a key below: of a model's field, of the values of a mapping; the union of several."""
    found: list[Any] = []
    for model in models(annotation):
        for own, field in model.model_fields.items():
            if name == (field.alias or own):
                found.append(field.annotation)
    if not found and get_origin(annotation) in (dict, Mapping):
        found = [get_args(annotation)[-1]]
    if not found:
        return None
    joined = found[0]
    for one in found[1:]:
        joined = joined | one
    return joined


def tag_of(model: type[BaseModel]) -> tuple[str, tuple[str, ...]] | None:
    """The key that tells the members of a union apart, and what it says for this one: ("flow", ("api_token",))."""
    for name, field in model.model_fields.items():
        if get_origin(field.annotation) is Literal:
            return field.alias or name, tuple(str(one) for one in get_args(field.annotation))
    return None


_EXPECTED: Final[Mapping[str, str]] = {
    "int": "a whole number, such as 100",
    "float": "a number, such as 0.5",
    "decimal": "a number, such as 0.5",
    "bool": "true or false",
    "string": "text",
    "bytes": "text",
    "list": "a list, such as [a, b]",
    "tuple": "a list, such as [a, b]",
    "set": "a list, such as [a, b]",
    "frozen": "a list, such as [a, b]",
    "dict": "keys with values, such as name: value",
    "mapping": "keys with values, such as name: value",
    "model": "keys with values, such as name: value",
    "url": "an address, such as https://api.example.com",
    "path": "a path",
    "date": "a date, such as 2026-11-23",
    "datetime": "a time, such as 2026-11-23T08:00:00Z",
    "timezone": "a time with its zone",
    "time": "a duration or time, such as 15m",
}


class _Told:
    """Says pydantic's errors at the nodes that they are about, each place once."""

    def __init__(
        self,
        model: type[BaseModel],
        table: Table,
        noun: str,
        spot: Spot,
        faults: Faults,
        *,
        written: Sequence[str],
        hidden: set[int],
        silent: set[int],
    ) -> None:
        self._model, self._table, self._noun, self._spot, self._faults = model, table, noun, spot, faults
        self._written, self._hidden, self._silent = written, hidden, silent
        self._done: set[Mark] = set()

    def tell(self, error: Any) -> None:  # pydantic_core.ErrorDetails, a TypedDict of loose parts
        kind: str = error["type"]
        where = self._find(error["loc"])
        if id(where.node) in self._silent:
            return
        if any(id(scalar) in self._silent for scalar in _scalars(where.node)) and kind.startswith("value_error"):
            return
        if kind == "missing" and self._is_misspelt(where):
            return
        text, hint, mark, code = self._words(kind, error, where)
        if mark not in self._done or kind == "missing":
            self._done.add(mark)
            self._faults.add(code, mark, text, hint, at=where.spot)

    def _is_misspelt(self, where: "_Where") -> bool:
        """Is the missing key there under another name? Then that has been told."""
        allowed = [name for model in where.models for name in keys_of(model)]
        table = where.node
        written = (
            self._written if table is self._table else [name for name, _ in table] if isinstance(table, Table) else []
        )
        return any(nearest(name, allowed) == [where.rest] for name in written if name not in allowed)

    def _words(self, kind: str, error: Any, where: "_Where") -> tuple[str, str, Mark, str]:
        context: Mapping[str, Any] = error.get("ctx", {})
        if kind == "missing":
            return f"{where.rest} is missing in {where.noun}", self._missing(where), where.mark, "CW102"
        if kind == "extra_forbidden":
            allowed = [name for model in where.models for name in keys_of(model)]
            return f"{where.noun} has no key '{where.name}'", offer(where.name, allowed), where.key, "CW101"
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            return self._tag(kind, where)
        if kind in ("literal_error", "enum"):
            allowed = [
                one.strip().strip("'") for one in str(context.get("expected", "")).replace(" or ", ", ").split(",")
            ]
            return self._is(where), _one_of(where.node, allowed), where.mark, "CW102"
        if kind == "value_error":
            reason = str(context.get("error", error["msg"]))
            if isinstance(where.node, Scalar):
                return self._is(where), reason.removeprefix("expected "), where.mark, "CW102"
            return f"{where.noun}: {reason}", "", where.mark, "CW102"
        expected = _EXPECTED.get(kind.partition("_")[0])
        if expected is None or kind.split("_")[-1] not in ("type", "parsing", "size", "float"):
            message = str(error["msg"])
            expected = message.removeprefix("Input ").removeprefix("should be ").replace("Value error, ", "")
        return self._is(where), expected, where.mark, "CW102"

    def _is(self, where: "_Where") -> str:
        hidden = isinstance(where.node, Scalar) and id(where.node) in self._hidden and where.node.shown is None
        return f"{where.name} is {MASK if hidden else said(where.node)}"

    def _missing(self, where: "_Where") -> str:
        for model in where.models:
            field = next((f for n, f in model.model_fields.items() if where.rest == (f.alias or n)), None)
            if field is None:
                continue
            tag = tag_of(model)
            if tag is not None and len(where.family) > 1:
                return f"the keys of {tag[1][0]}: {', '.join(keys_of(model))}"
            if field.description:
                return field.description
            if is_secret(field.annotation):
                return f"write {where.rest}: env:NAME"
        return f"write {where.rest}: ..."

    def _tag(self, kind: str, where: "_Where") -> tuple[str, str, Mark, str]:
        tags = [found for model in where.models if (found := tag_of(model)) is not None]
        key = tags[0][0] if tags else "flow"
        allowed = [word for _, words in tags for word in words]
        entry = where.node.get(key) if isinstance(where.node, Table) else None
        if kind == "union_tag_not_found" or entry is None:
            return f"{key} is missing in {where.name}", f"one of: {', '.join(allowed)}", where.mark, "CW102"
        return f"{key} is {said(entry.value)}", _one_of(entry.value, allowed), entry.value.mark, "CW102"

    def _find(self, loc: Sequence[int | str]) -> "_Where":
        """Walk the tree along pydantic's address; what it adds of its own (the tag of a union) is dropped."""
        where = _Where(self._table, self._table.mark, self._table.mark, self._noun, "", self._spot, [self._model])
        for step in loc:
            where = where.step(step)
        return where


class _Where:
    """A node that an error is about. `key`: the mark of its key, `mark` of its value; `rest`: a key that is missing."""

    def __init__(
        self,
        node: Node,
        mark: Mark,
        key: Mark,
        noun: str,
        name: str,
        spot: Spot,
        found: list[type[BaseModel]],
        *,
        rest: str = "",
        family: list[type[BaseModel]] | None = None,
    ) -> None:
        self.node, self.mark, self.key, self.noun, self.name, self.spot = node, mark, key, noun, name, spot
        self.models, self.rest = found, rest
        self.family = family or found

    def step(self, step: int | str) -> "_Where":
        if isinstance(step, int) and isinstance(self.node, Row) and step < len(self.node.items):
            item = self.node.items[step]
            return _Where(item, item.mark, item.mark, self.noun, self.name, self.spot / step, self.models)
        if isinstance(self.node, Table) and isinstance(step, str):
            entry = self.node.get(step)
            if entry is not None:
                annotations = [_field(model, step) for model in self.models]
                inner = [one for annotation in annotations for one in models(annotation)]
                mark = entry.value.mark if isinstance(entry.value, Scalar) and entry.value.written else entry.key.mark
                noun = step if inner else self.noun
                return _Where(entry.value, mark, entry.key.mark, noun, step, self.spot / step, inner or self.models)
            chosen = [
                model for model in self.models if step in (tag_of(model) or ("", ()))[1] or model.__name__ == step
            ]
            if chosen:
                return _Where(
                    self.node, self.mark, self.key, self.noun, self.name, self.spot, chosen, family=self.models
                )
            if any(step in keys_of(model) or step in model.model_fields for model in self.models):
                return _Where(
                    self.node, self.mark, self.key, self.noun, self.name, self.spot, self.models,
                    rest=step, family=self.family,
                )  # fmt: skip
        return self


def _one_of(node: Node, allowed: list[str]) -> str:
    likely = nearest(node.written, allowed) if isinstance(node, Scalar) else []
    one = f"one of: {some(allowed, most=8)}" if len(allowed) > 1 else f"only {allowed[0]}" if allowed else ""
    return f"did you mean '{likely[0]}'?  {one}" if likely else one
