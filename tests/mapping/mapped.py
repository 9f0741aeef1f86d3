"""Mappings for tests: lines as a file would have them, and a catalogue as a connector discovers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mapping.compile import CompiledMapping, Context, MappingError, MappingFault, compile_mapping
from mapping.language import Line, Place, overlay


@dataclass(frozen=True, kw_only=True)
class Info:
    """A field of a stream."""

    name: str
    label: str = ""
    type: str = "text"
    path: str = ""
    options: Sequence[tuple[str, str]] = ()
    open: bool = False
    read: bool = True
    write: bool = True
    required: bool = False
    unique: bool = False
    custom: bool = False
    max_length: int | None = None
    decimals: int | None = None
    refers_to: str | None = None
    paused: bool = False


def info(name: str, type_: str = "text", **told: Any) -> Info:
    return Info(name=name, type=type_, **{"label": name, "path": name, **told})


BERLIN = Context(connection="crm", label="Acme", time_zone="Europe/Berlin", region="DE", currency="EUR")


def lines(
    told: Mapping[str, str | None], *, operator: bool = True, file: str = "crosswalk.yaml", **more: Any
) -> list[Line]:
    """One line of the file each, the value at column 11."""
    return [
        Line(target, text, Place(file, n, 11), Place(file, n, 1), operator=operator, **more)
        for n, (target, text) in enumerate(told.items(), start=1)
    ]


def mapped(
    told: Mapping[str, str | None] | Sequence[Line],
    *,
    kind: str = "person",
    stream: str = "contacts",
    catalogue: Sequence[Info] | None = None,
    context: Context = BERLIN,
    defaults: Mapping[str, str | None] | None = None,
) -> CompiledMapping:
    own = lines(told) if isinstance(told, Mapping) else list(told)
    return compile_mapping(
        overlay(lines(defaults or {}, operator=False, file="mapping.yaml"), own),
        kind=kind,
        stream=stream,
        catalogue=catalogue,
        context=context,
    )


def faults_of(told: Mapping[str, str | None] | Sequence[Line], **more: Any) -> list[MappingFault]:
    """What is wrong with a mapping; nothing, if it compiles."""
    try:
        mapped(told, **more)
    except MappingError as error:
        return list(error.faults)
    return []


def read(mapping: CompiledMapping, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row by field name; a fault in it fails the test."""
    values, faults = mapping.read(row)
    assert faults == []
    return dict(zip(mapping.fields, values, strict=True))


def write(mapping: CompiledMapping, over: Mapping[str, Any] | None, /, **wanted: Any) -> dict[str, Any]:
    named = {mapping.fields.index(name): value for name, value in wanted.items()}
    return mapping.write(named, over=over)
