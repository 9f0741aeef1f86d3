"""The files that `crosswalk init` writes: a configuration that can be read as it stands, every key of it explained.

Nothing can be written anywhere yet: what a stream needs for that stands there as a comment.
"""

import json
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from connectors.sdk.contract import Connector
from connectors.sdk.contract import Settings as CommonSettings
from connectors.sdk.registry import Registry, installed
from crosswalk.settings import grammar
from crosswalk.settings.grammar import Key
from crosswalk.settings.load import default_kinds
from crosswalk.settings.plugin import FILLED, is_secret, models, tag_of
from crosswalk.settings.schema import json_schema

FILE: Final = "crosswalk.yaml"
_WIDTH: Final = 100
_UNWRITTEN: Final = ("crosswalk.key", ".env", "crosswalk.db*")
# Of the files connector no stream is known before somebody says what lies in the folder.
_EXAMPLES: Final[Mapping[str, str]] = {"files": '"*.csv"', "entity": "person", "key": "id", "path": "./exports"}


def starter(
    connections: Sequence[str],
    masters: Sequence[str] = (),
    time_zone: str = "UTC",
    *,
    phone_region: str | None = None,
    given: Mapping[str, Mapping[str, str]] | None = None,
    streams: Mapping[str, Sequence[str]] | None = None,
    registry: Registry | None = None,
) -> dict[str, str]:
    """File name -> text, for connections named like their connectors.

    `masters`: whose value wins, in rank order; `given`: connection -> key -> value of settings that are known already,
    such as the address of a simulator; `streams`: connection -> its streams as lines of YAML, where they are known.
    `.gitignore` holds lines to be added to one that exists. Raises KeyError for
    what is no connector.
    """
    known = (installed(only=connections) if registry is None else registry).connectors
    chosen = {name: known[name] for name in connections}
    secrets = _Secrets()
    body = _body(chosen, masters, time_zone, phone_region, given or {}, streams or {}, secrets)
    return {
        FILE: body,
        "crosswalk.schema.json": schema_text(registry),
        ".env.example": secrets.example(),
        "crosswalk.key": new_key() + "\n",
        ".gitignore": "".join(f"{name}\n" for name in _UNWRITTEN),
    }


def schema_text(registry: Registry | None = None) -> str:
    """`crosswalk.schema.json`."""
    return json.dumps(json_schema(registry), ensure_ascii=False, indent=1) + "\n"


def new_key() -> str:
    """A key for the store's encryption."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode("ascii")


class _Secrets:
    """The environment variables that the file refers to, in the order in which they come up."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, connection: str, key: str) -> str:
        name = f"{connection}_{key}".replace("-", "_").upper()
        self._names[name] = connection
        return name

    def example(self) -> str:
        lines = ["# Copy to .env, which stays out of version control, and fill in.", ""]
        return "\n".join([*lines, *(f"{name}=" for name in self._names), ""])


def _body(
    chosen: Mapping[str, type[Connector]],
    masters: Sequence[str],
    time_zone: str,
    phone_region: str | None,
    given: Mapping[str, Mapping[str, str]],
    streams: Mapping[str, Sequence[str]],
    secrets: _Secrets,
) -> str:
    lines = [
        "# yaml-language-server: $schema=./crosswalk.schema.json",
        "# With that line your editor completes and checks the file. A key with a # before it shows what can be set.",
        "",
        f"version: 1  # {grammar.FILE.key('version').about}",
        *_about(grammar.FILE.key("time_zone")),
        f"time_zone: {time_zone}",
        *_about(grammar.FILE.key("phone_region")),
        f"phone_region: {phone_region}" if phone_region else "# phone_region: DE",
        "",
        *_about(grammar.FILE.key("store")),
        "# store:",
        *_keys(grammar.STORE.keys, "#   "),
        "",
        *_about(grammar.FILE.key("connections")),
        "connections:",
    ]
    for name, connector in chosen.items():
        lines += _connection(name, connector, given.get(name, {}), secrets)
        lines += streams.get(name) or _streams(connector, [one for one in chosen if one != name])
    lines += [
        "",
        *_about(grammar.FILE.key("merge")),
        "merge:",
        "  defaults:",
    ]
    ranked = list(masters) or list(chosen)
    for key in grammar.POLICY.keys:
        lines += _about(key, "    ")
        lines.append(f"    masters: [{', '.join(ranked)}]" if key.name == "masters" else f"    # {_shown(key)}")
    lines += [
        "  # Of one field, under its kind:",
        "  # person:",
        "  #   job_title: {on_conflict: [newest, review]}",
        "",
        *_about(grammar.FILE.key("match")),
        "# match:",
        "#   person:",
        *_about(grammar.MATCH.key("rules"), "#     "),
        "#     rules: [{same: [external_ids]}, {same: [emails]}, {same: [name, company], then: review}]",
        *_keys([grammar.MATCH.key("limits")], "#     "),
        *_about(grammar.MATCH.key("block"), "#     "),
        '#     block: ["info@*", "+49 89 5550100"]',
        "",
        *_about(grammar.FILE.key("cx")),
        "# cx:",
        "#   nps:",
        *_keys(grammar.CX.keys, "#     "),
        "",
        *_about(grammar.FILE.key("guards")),
        "guards:",
        "  create: {at_most: 200, share: 5%}",
        "  update: {at_most: 2000, share: 20%}",
        "  clear: {at_most: 20, share: 1%}",
        "  delete: {at_most: 0}",
        "",
        *_about(grammar.FILE.key("review")),
        "# review:",
        *_about(grammar.REVIEW.key("after"), "#   "),
        "#   after: 14d",
        *_about(grammar.REVIEW.key("take"), "#   "),
        "#   take: keep",
        "",
        *_about(grammar.FILE.key("schedule")),
        "schedule:",
        *_about(grammar.SCHEDULE.key("every"), "  "),
        "  every: 15m",
        *_about(grammar.SCHEDULE.key("cron"), "  "),
        "  # cron: 0 3 * * sun",
        *_about(grammar.SCHEDULE.key("audit"), "  "),
        "  # audit: 0 3 * * sun",
        "",
        *_about(grammar.FILE.key("alerts")),
        "# alerts:",
        *_about(grammar.ALERT.key("to"), "# "),
        "#   - to: env:OPS_WEBHOOK_URL",
        *_about(grammar.ALERT.key("when"), "# "),
        "#     when: [run_failed, connection_down]",
        "",
    ]
    return "\n".join(lines)


def _connection(name: str, connector: type[Connector], given: Mapping[str, str], secrets: _Secrets) -> list[str]:
    """Down to where its streams begin."""
    lines = [f"  {name}:"]
    lines += _settings(name, connector.settings, given, secrets)
    lines += _about(grammar.CONNECTION.key("budget"), "    ")
    lines.append(f"    # budget: {{per_day: 40000, reserve: 20%}}  # in {connector.unit}")
    lines += _about(grammar.CONNECTION.key("schedule"), "    ")
    lines.append("    # schedule: {every: 1h}")
    lines += _about(grammar.CONNECTION.key("streams"), "    ")
    lines.append("    streams:")
    return lines


def _settings(
    name: str, model: type[BaseModel], given: Mapping[str, str], secrets: _Secrets, indent: str = "    "
) -> list[str]:
    """A connector's own keys: required ones to fill in, the others as comments."""
    lines: list[str] = []
    common = CommonSettings.model_fields
    for key, field in model.model_fields.items():
        if key in FILLED or (key in common and key not in given):
            continue
        written = field.alias or key
        if field.description:
            lines += _comment(field.description, indent)
        if written in given:
            lines.append(f"{indent}{written}: {given[written]}")
        elif nested := models(field.annotation):
            lines += _nested(name, written, nested, secrets, indent)
        elif is_secret(field.annotation):
            lines.append(f"{indent}{written}: env:{secrets.name(name, written)}")
        elif field.is_required() or field.examples:  # optional only where an address stands in for it
            lines.append(f"{indent}{written}: {_example(name, written, field, secrets)}")
        else:
            lines.append(f"{indent}# {written}: {_default(field)}")
    return lines


def _nested(name: str, key: str, nested: list[type[BaseModel]], secrets: _Secrets, indent: str) -> list[str]:
    """The first of several kinds of access, the others as comments behind it."""
    lines = [f"{indent}{key}:"]
    for number, model in enumerate(nested):
        names = secrets if number == 0 else _Secrets()  # of the others nothing has to be set
        tag = tag_of(model)
        own = [] if tag is None or len(nested) == 1 else [f"{tag[0]}: {tag[1][0]}"]
        for field_name, field in model.model_fields.items():
            written = field.alias or field_name
            if tag is not None and written == tag[0]:
                continue
            secret = is_secret(field.annotation) or field.is_required()
            own.append(f"{written}: env:{names.name(name, written)}" if secret else f"# {written}: {_default(field)}")
        if number:
            lines.append(f"{indent}  # or:")
        lines += [f"{indent}  {one}" if number == 0 else f"{indent}  # {one.removeprefix('# ')}" for one in own]
    return lines


def _example(name: str, key: str, field: FieldInfo, secrets: _Secrets) -> str:
    examples = field.examples or []
    if examples:
        return str(examples[0])
    words = get_args(field.annotation) if str(get_origin(field.annotation)).endswith("Literal") else ()
    if words:
        return f"{words[0]}  # or {', '.join(str(one) for one in words[1:])}" if len(words) > 1 else str(words[0])
    return _EXAMPLES[key] if key in _EXAMPLES else f"env:{secrets.name(name, key)}"


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is PydanticUndefined or value is None:
        return "..."
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list | set | frozenset):
        return f"[{', '.join(str(one) for one in value)}]"
    return str(value)


def _streams(connector: type[Connector], others: Sequence[str]) -> list[str]:
    kinds = default_kinds(connector)
    if not kinds:
        lines = ["      # A stream: some files, what their rows are, and the column that tells them apart."]
        lines.append("      rows:")
        for key, field in connector.stream_settings.model_fields.items():
            if key in FILLED:
                continue
            if field.description:
                lines += _comment(field.description, "        ")
            value = str((field.examples or [_EXAMPLES.get(key, "...")])[0])
            lines.append(f"        {key}: {value}" if field.is_required() else f"        # {key}: {_default(field)}")
        return [
            *lines,
            "        mapping:",
            "          emails[work]: email  # hub field: column | function",
            "          # phones[mobile]: '\"Tel. mobile\" | phone(DE)'",
        ]
    declared: Any = connector.streams  # a mapping, since there are kinds of it
    lines = []
    explained = False
    for name, kind in kinds:
        spec = declared.get(name) if isinstance(declared, Mapping) else None
        if spec is not None and not spec.usual:
            lines.append(f"      # {name}:  # {kind}")
            continue
        lines.append(f"      {name}:  # {kind}")
        if spec is not None and spec.writes and not explained:
            explained = True
            lines += _stream_keys(others)
        elif spec is not None and spec.parts and kind == "response":
            lines += _about(grammar.STREAM.key("surveys"), "        ")
            lines.append("        # surveys: {FORM_ID: {touchpoint: onboarding, mapping: {nps: QUESTION}}}")
    return lines


def _stream_keys(others: Sequence[str]) -> list[str]:
    """Once, under the first stream that can be written: what makes it so."""
    lines: list[str] = []
    for key in grammar.STREAM.keys:
        if key.name in _STREAM_EXAMPLES:
            lines += _about(key, "        ")
            lines.append(f"        # {_STREAM_EXAMPLES[key.name].format(other=others[0] if others else 'another')}")
    return lines


_STREAM_EXAMPLES: Final[Mapping[str, str]] = {
    "write": "write: [update]",
    "create_from": "create_from: [{other}]",
    "hub_id": "hub_id: Crosswalk ID",
    "mapping": "mapping: {{cx.nps.score: NPS score, custom.tier: Tier}}",
    "guards": "guards: {{update: {{at_most: 500}}}}",
    "where": "where: status = active",
    "on_delete": "on_delete: ignore",
    "mapping_file": "mapping_file: persons.yaml",
}


def _keys(keys: Sequence[Key], indent: str) -> list[str]:
    lines: list[str] = []
    for key in keys:
        lines += _about(key, indent)
        lines.append(f"{indent}{_shown(key)}")
    return lines


def _shown(key: Key) -> str:
    return f"{key.name}: {key.default or '...'}"


def _about(key: Key, indent: str = "") -> list[str]:
    return _comment(key.about, indent)


def _comment(text: str, indent: str) -> list[str]:
    """A text as comment lines, behind an indent that may be a comment itself."""
    beginning = indent if indent.startswith("#") else f"{indent}# "
    return [f"{beginning}{line}" if beginning.endswith("# ") else f"{beginning}# {line}"
            for line in wrap(text, _WIDTH - len(beginning))]  # fmt: skip
