"""Holds an answer against a vendor's published OpenAPI document."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (),
}


class Spec:
    """One document. Two points are read as vendors mean them, not as JSON Schema says: null is taken everywhere,
    since `nullable` is left out where the documents' own examples show null, and of two descriptions of one plain
    property within `allOf` the later one holds.
    """

    def __init__(self, path: Path) -> None:
        self._document: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)

    def operations(self) -> set[tuple[str, str]]:
        return {
            (method.upper(), template)
            for template, operations in self._document["paths"].items()
            for method in operations
            if method != "parameters"
        }

    def cost(self, method: str, template: str) -> int | None:
        cost = self._document["paths"][template][method.lower()].get("x-token-cost")
        return None if cost is None else int(cost)

    def problems(self, method: str, template: str, status: int, body: Any) -> list[str]:
        """What in an answer's body the document does not allow."""
        responses = self._document["paths"][template][method.lower()]["responses"]
        if str(status) not in responses:
            return [f"status {status} is not described"]
        content = self._resolved(responses[str(status)]).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        return [] if schema is None else list(self._faults(schema, body, "body"))

    def _resolved(self, schema: Any) -> Any:
        while "$ref" in schema:
            if not schema["$ref"].startswith("#"):
                return {}  # another document
            found = self._document
            for word in schema["$ref"].removeprefix("#/").split("/"):
                found = found[word.replace("~1", "/")]
            schema = found
        return schema

    def _joined(self, schema: Any) -> Any:
        """The schema with its `allOf` folded in."""
        schema = self._resolved(schema)
        whole = {name: value for name, value in schema.items() if name != "allOf"}
        for part in schema.get("allOf", ()):
            part = self._joined(part)
            for name, value in part.items():
                if name == "properties":
                    whole["properties"] = self._merged(whole.get("properties", {}), value)
                elif name == "required":
                    whole["required"] = [*whole.get("required", []), *value]
                else:
                    whole.setdefault(name, value)
        return whole

    def _merged(self, first: Any, second: Any) -> Any:
        merged = dict(first)
        for name, schema in second.items():
            both = name in merged and "properties" in self._joined(merged[name])
            merged[name] = {"allOf": [merged[name], schema]} if both else schema
        return merged

    def _faults(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        schema = self._joined(schema)
        options = schema.get("oneOf") or schema.get("anyOf")
        if options:
            tried = [list(self._faults(option, value, at)) for option in options]
            yield from min(tried, key=len)
            return
        if value is None:
            return
        kind = schema.get("type")
        kinds = [kind] if isinstance(kind, str) else list(kind or ())
        if kinds and not any(_is(value, one) for one in kinds):
            yield f"{at} is {type(value).__name__}, not {' or '.join(kinds)}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{at} is {value!r}, not one of {schema['enum']}"
        if isinstance(value, dict) and "properties" in schema:
            properties = schema["properties"]
            yield from (f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value)
            for name, inner in value.items():
                if name in properties:
                    yield from self._faults(properties[name], inner, f"{at}.{name}")
                elif not schema.get("additionalProperties"):
                    yield f"{at}.{name} is not described"
        if isinstance(value, list) and "items" in schema:
            for inner in value:
                yield from self._faults(schema["items"], inner, f"{at}[]")


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
