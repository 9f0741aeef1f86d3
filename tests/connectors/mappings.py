"""Compile a connector's default mapping against an account's catalogue, as the hub does."""

from typing import Any

import yaml

from connectors.sdk import Connector
from connectors.sdk.registry import default_mapping
from mapping.compile import CompiledMapping, Context, compile_mapping
from mapping.language import Line, Place


def compiled(connector: Connector, stream: str, own: dict[str, str] | None = None) -> CompiledMapping:
    """`own`: an operator's lines over the default ones."""
    for heading, lines in yaml.safe_load(default_mapping(type(connector))).items():
        name, _, kind = heading.partition(" -> ")
        if name == stream:
            return compile_mapping(
                [*_lines(lines, operator=False), *_lines(own or {}, operator=True)],
                kind=kind,
                stream=stream,
                catalogue=connector.fields(stream),
                context=Context(
                    connection=connector.name,
                    label=connector.label,
                    time_zone="Europe/Berlin",
                    region="DE",
                    currency="EUR",
                ),
            )
    raise KeyError(stream)


def _lines(lines: dict[str, Any], *, operator: bool) -> list[Line]:
    places = [Place("mapping.yaml", number, 1) for number in range(1, len(lines) + 1)]
    return [
        Line(target, str(text), place, place, operator=operator)
        for (target, text), place in zip(lines.items(), places, strict=True)
    ]
