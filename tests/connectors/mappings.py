"""Compile a connector's default mapping against an account's catalogue, as the hub does, and read records by it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

from connectors.sdk import Connector, Page
from connectors.sdk.registry import default_mapping
from mapping.compile import CompiledMapping, Context, compile_mapping
from mapping.language import Line, Place
from mapping.values import ABSENT


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


class Told(NamedTuple):
    """The hub's fields that some record fills, and those that some record spoils."""

    filled: set[str]
    faulty: set[str]


def told(mapping: CompiledMapping, pages: Iterable[Page]) -> Told:
    """What records tell by a mapping; asserts that it finds the key of each."""
    filled: set[str] = set()
    faulty: set[str] = set()
    for page in pages:
        for record in page.records:
            row, faults = mapping.read(record.values)
            faulty |= {fault.field for fault in faults}
            filled |= {
                name
                for name, value in zip(mapping.fields, row, strict=True)
                if value is not ABSENT and value is not None
            }
            assert mapping.key(record.values) == record.key
    return Told(filled, faulty)


def _lines(lines: dict[str, Any], *, operator: bool) -> list[Line]:
    places = [Place("mapping.yaml", number, 1) for number in range(1, len(lines) + 1)]
    return [
        Line(target, str(text), place, place, operator=operator)
        for (target, text), place in zip(lines.items(), places, strict=True)
    ]
