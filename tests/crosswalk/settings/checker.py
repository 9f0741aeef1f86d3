"""As much of JSON Schema as an editor needs for the file: the keywords that our schema uses, and no other."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_SILENT = {"$schema", "$defs", "title", "description", "default", "then", "else", "format"}


class Complaint(NamedTuple):
    path: tuple[str | int, ...]
    text: str


def complaints(schema: Mapping[str, Any], value: Any, *, root: Mapping[str, Any] | None = None) -> list[Complaint]:
    """What an editor would mark."""
    return list(_walk(schema, value, (), schema if root is None else root))


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _walk(schema: Any, value: Any, path: tuple[str | int, ...], root: Mapping[str, Any]) -> Iterator[Complaint]:
    for keyword, said in schema.items():
        if keyword in _SILENT:
            continue
        yield from _CHECKS[keyword](said, value, path, schema, root)


def _ref(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    yield from _walk(root["$defs"][said.removeprefix("#/$defs/")], value, path, root)


def _type(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    if not any(_is(value, one) for one in ([said] if isinstance(said, str) else said)):
        yield Complaint(path, f"not {said}")


def _equal(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    if value != said:
        yield Complaint(path, f"not {said}")


def _enum(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    if value not in said:
        yield Complaint(path, f"none of {said}")


def _pattern(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    if isinstance(value, str) and not re.search(said, value):
        yield Complaint(path, f"not like {said}")


def _minimum(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    if _is(value, "number") and value < said:
        yield Complaint(path, f"less than {said}")


def _properties(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    for name, one in said.items() if isinstance(value, dict) else ():
        if name in value:
            yield from _walk(one, value[name], (*path, name), root)


def _additional(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    for name in value if isinstance(value, dict) else ():
        if name in schema.get("properties", {}):
            continue
        if said is False:
            yield Complaint((*path, name), "no such key")
        else:
            yield from _walk(said, value[name], (*path, name), root)


def _names(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    for name in value if isinstance(value, dict) else ():
        yield from _walk(said, name, (*path, name), root)


def _required(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    for name in said if isinstance(value, dict) else ():
        if name not in value:
            yield Complaint(path, f"{name} is missing")


def _items(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    for at, one in enumerate(value if isinstance(value, list) else ()):
        yield from _walk(said, one, (*path, at), root)


def _unique(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    if isinstance(value, list) and len({repr(one) for one in value}) < len(value):
        yield Complaint(path, "not unique")


def _size(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    if isinstance(value, dict | list) and len(value) < said:
        yield Complaint(path, f"fewer than {said}")


def _all(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    for one in said:
        yield from _walk(one, value, path, root)


def _any(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    if all(any(True for _ in _walk(one, value, path, root)) for one in said):
        yield Complaint(path, "none of the forms")


def _if(said: Any, value: Any, path: Any, schema: Any, root: Any) -> Iterator[Complaint]:
    holds = not any(True for _ in _walk(said, value, path, root))
    yield from _walk(schema.get("then" if holds else "else", {}), value, path, root)


_CHECKS: dict[str, Any] = {
    "$ref": _ref,
    "type": _type,
    "const": _equal,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _minimum,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "required": _required,
    "items": _items,
    "uniqueItems": _unique,
    "minItems": _size,
    "minProperties": _size,
    "allOf": _all,
    "anyOf": _any,
    "if": _if,
}
