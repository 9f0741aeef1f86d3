"""The JSON Schema by which an editor completes and checks the file.

Connections that are named like their connector have properties of their own; for the rest an `if` on `connector`
chooses, as it does for the flows of `auth`: a plain union answers one fault with a complaint per member. There are no
null branches, and each key has its description as hover text.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.sdk.contract import Connector
from connectors.sdk.registry import Registry, installed
from crosswalk.settings import grammar
from crosswalk.settings.grammar import Key, Section
from crosswalk.settings.plugin import FILLED

Schema = dict[str, Any]

_REFERENCE: Final[Schema] = {"type": "string", "pattern": "^(env|file):.", "description": "env:NAME or file:PATH"}


def json_schema(registry: Registry | None = None) -> Schema:
    """The schema for the connectors of `registry`, all that are installed unless told."""
    known = (installed() if registry is None else registry).connectors
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Crosswalk",
        "description": "The configuration of a Crosswalk hub, version 1.",
        **_section(
            grammar.FILE,
            {
                "store": _section(grammar.STORE),
                "connections": _connections(known),
                "match": _by_kind(lambda kind: {"$ref": "#/$defs/match"}),
                "merge": _merge(),
                "cx": _named({metric: {"$ref": "#/$defs/figure"} for metric in grammar.METRICS}),
                "guards": {"$ref": "#/$defs/guards"},
                "review": _section(grammar.REVIEW),
                "schedule": {"$ref": "#/$defs/schedule"},
                "alerts": {"type": "array", "items": {"$ref": "#/$defs/alert"}},
            },
        ),
        "$defs": {
            "match": _section(grammar.MATCH, {"rules": {"type": "array", "items": _section(grammar.RULE)}}),
            "policy": _section(grammar.POLICY),
            "figure": _section(grammar.CX),
            "guards": _named(
                {name: {**_section(grammar.GUARD), "description": about} for name, about in grammar.GUARD_ABOUT.items()}
            ),
            "schedule": _section(grammar.SCHEDULE),
            "alert": _section(grammar.ALERT),
            "budget": _section(grammar.BUDGET),
            "surveys": {"type": "object", "additionalProperties": {"$ref": "#/$defs/survey"}},
            "survey": _section(grammar.SURVEY),
            "line": _line(),
            **_mappings(),
            **{f"connection.{name}": _connection(connector) for name, connector in known.items()},
        },
    }


def _section(section: Section, parts: Mapping[str, Schema] | None = None, *, more: Schema | None = None) -> Schema:
    """A mapping of known keys; `parts`: those that are sections themselves; `more`: a connector's own."""
    properties: Schema = {key.name: _key(key, (parts or {}).get(key.name)) for key in section.keys}
    required = [key.name for key in section.keys if key.required]
    told: Schema = {"type": "object", "additionalProperties": False, "properties": {**properties, **(more or {})}}
    return {**told, "required": required} if required else told


def _key(key: Key, part: Schema | None) -> Schema:
    about = key.about + (f" Default: {key.default}." if key.default else "")
    form = dict(part if part is not None else key.form or {})
    # Draft 7 reads nothing beside a $ref.
    return {"description": about, "allOf": [form]} if "$ref" in form else {"description": about, **form}


def _named(parts: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": dict(parts)}


def _kinds() -> Sequence[str]:
    from mapping.schema import KINDS

    return tuple(KINDS)


def _by_kind(part: Any) -> Schema:  # a function from the name of a kind to its schema
    return _named({kind: part(kind) for kind in _kinds()})


def _fields(kind: str, value: Schema) -> Schema:
    """Every field of a kind as a key, its meaning as hover text."""
    from mapping.schema import KINDS, names

    known = KINDS[kind].fields
    properties: Schema = {}
    for name in names(kind):
        field = known.get(name.partition("[")[0]) or known.get(name.partition(".")[0])
        properties[name] = {"description": field.meaning, **value} if field is not None and field.meaning else value
    return properties


def _merge() -> Schema:
    """Policies of fields; those of an element, `consent[email.survey]`, are let through, as are custom ones."""
    from mapping.schema import KINDS

    policy: Schema = {"$ref": "#/$defs/policy"}
    parts: Schema = {
        kind: {
            "type": "object",
            "properties": {
                name: {"description": field.meaning, "allOf": [policy]} for name, field in KINDS[kind].fields.items()
            },
            "additionalProperties": policy,
        }
        for kind in _kinds()
    }
    about = "For every field that is not named below."
    return _named({"defaults": {"description": about, "allOf": [policy]}, **parts})


def _line() -> Schema:
    """One line of a mapping: an expression, the long form, or null, which unmaps a default."""
    return {"type": ["string", "number", "null", "object"], "if": {"type": "object"}, "then": _section(grammar.LINE)}


def _mappings() -> Schema:
    """`mapping` by kind of entity. Prefixes and names of one's own are let through: `check` judges them."""
    line: Schema = {"allOf": [{"$ref": "#/$defs/line"}]}
    return {
        f"mapping.{kind}": {
            "type": "object",
            "properties": _fields(kind, line),
            "additionalProperties": {"$ref": "#/$defs/line"},
        }
        for kind in _kinds()
    }


def _connections(known: Mapping[str, type[Connector]]) -> Schema:
    forms: dict[str, Schema] = {name: {"$ref": f"#/$defs/connection.{name}"} for name in known}
    return {
        "type": "object",
        "propertyNames": {"pattern": grammar.NAME},
        "minProperties": 1,
        "properties": {
            name: {"description": f"An account of {known[name].label}.", "allOf": [form]}
            for name, form in forms.items()
        },
        "additionalProperties": {
            "type": "object",
            "required": ["connector"],
            "properties": {"connector": {**_about_connector(), "enum": list(forms)}},
            "allOf": [
                {"if": {"required": ["connector"], "properties": {"connector": {"const": name}}}, "then": form}
                for name, form in forms.items()
            ],
        },
    }


def _about_connector() -> Schema:
    return {"description": grammar.CONNECTION.key("connector").about}


def _connection(connector: type[Connector]) -> Schema:
    own, required = _model(connector.settings)
    parts: Schema = {
        "connector": {"const": connector.name},
        "budget": {"$ref": "#/$defs/budget"},
        "streams": _streams(connector),
        "schedule": {"$ref": "#/$defs/schedule"},
    }
    form = _section(grammar.CONNECTION, parts, more=own)
    return {**form, "required": required} if required else form


def _streams(connector: type[Connector]) -> Schema:
    from crosswalk.settings.load import default_kinds

    kinds = default_kinds(connector)
    own, required = _model(connector.stream_settings)

    def stream(kind: str | None) -> Schema:
        mapping: Schema = {"$ref": f"#/$defs/mapping.{kind}"} if kind in _kinds() else {"type": "object"}
        parts: Schema = {
            "mapping": mapping,
            "guards": {"$ref": "#/$defs/guards"},
            "surveys": {"$ref": "#/$defs/surveys"},
        }
        form = _section(grammar.STREAM, parts, more=own)
        # Nothing at all stands for an empty one: `users:`.
        form["type"] = ["object", "null"]
        return {**form, "required": required} if required else form

    if not kinds:
        if "entity" in own:
            own["entity"] = {**own["entity"], "enum": list(_kinds())}
        by_entity = [
            {"if": {"properties": {"entity": {"const": kind}}, "required": ["entity"]},
             "then": {"properties": {"mapping": {"$ref": f"#/$defs/mapping.{kind}"}}}}
            for kind in _kinds()
        ]  # fmt: skip
        return {"type": "object", "additionalProperties": {**stream(None), "allOf": by_entity}}
    return _named({name: {**stream(kind), "description": f"{connector.label} {name}: {kind}."} for name, kind in kinds})


# A connector's pydantic models.


def _model(model: Any) -> tuple[Schema, list[str]]:
    """Properties and required keys of a connector's own keys."""
    told = model.model_json_schema()
    definitions = told.get("$defs", {})
    properties = {
        name: _tidied(one, definitions)
        for name, one in told.get("properties", {}).items()
        if name not in FILLED and name not in grammar.CONNECTION.names
    }
    return properties, [name for name in told.get("required", ()) if name in properties]


def _tidied(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Without titles, null branches and references; secrets as references, unions of models as `if`."""
    if isinstance(schema, list):
        return [_tidied(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = definitions[str(schema["$ref"]).rpartition("/")[2]]
        return _tidied({**target, **{key: value for key, value in schema.items() if key != "$ref"}}, definitions)
    if schema.get("format") == "password":
        return {**_REFERENCE, **({"description": schema["description"]} if "description" in schema else {})}
    told = {key: value for key, value in schema.items() if key not in ("title", "discriminator", "writeOnly")}
    if told.get("default", 0) is None:
        del told["default"]
    for key in ("oneOf", "anyOf"):
        if key in told:
            members = [_tidied(one, definitions) for one in told.pop(key) if one.get("type") != "null"]
            rest = {name: _tidied(value, definitions) for name, value in told.items()}
            return {**rest, **_union(members)}
    if "properties" in told:
        told["properties"] = {name: _tidied(one, definitions) for name, one in told["properties"].items()}
        told.setdefault("type", "object")
        return told
    simple = {name: _tidied(value, definitions) for name, value in told.items()}
    if simple.get("type") in ("integer", "number", "boolean"):
        # Every setting of a connection may be a reference.
        return {
            **{name: value for name, value in simple.items() if name in ("description", "default")},
            "anyOf": [{name: value for name, value in simple.items() if name not in ("description", "default")},
                      {"type": "string", "pattern": "^(env|file):."}],
        }  # fmt: skip
    return simple


def _union(members: list[Schema]) -> Schema:
    if len(members) == 1:
        return members[0]
    tags = [_tag(member) for member in members]
    found = [tag for tag in tags if tag is not None]
    if len(found) < len(members) or len({name for name, _ in found}) != 1:
        return {"anyOf": members}
    key = found[0][0]
    words = [word for _, word in found]
    every = {name for member in members for name in member["properties"]}
    # Of all flows, so that an editor offers keys before the flow is chosen; the flow then says which of them.
    keys: Schema = {name: {} for name in sorted(every - {key})}
    return {
        "type": "object",
        "properties": keys
        | {key: {"description": "Which kind of access; left out where the other keys leave no doubt.", "enum": words}},
        "allOf": [
            {"if": {"required": [key]}, "else": {"additionalProperties": False, "properties": keys}},
            *(
                {"if": {"required": [key], "properties": {key: {"const": word}}}, "then": member}
                for word, member in zip(words, members, strict=True)
            ),
        ],
    }


def _tag(member: Schema) -> tuple[str, str] | None:
    for name, one in member.get("properties", {}).items():
        if "const" in one:
            return name, one["const"]
    return None


if __name__ == "__main__":
    import sys

    from crosswalk.settings.init import schema_text

    sys.stdout.write(schema_text())
