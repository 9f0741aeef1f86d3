"""Mapping lines: a connector's `mapping.yaml`, and what the operator writes over it."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from crosswalk.settings import grammar
from crosswalk.settings.faults import Faults, Mark, Spot
from crosswalk.settings.forms import Forms
from crosswalk.settings.source import Entry, Node, Row, Scalar, Table, parse
from mapping.language import Line, Place, SyntaxFault
from mapping.language import parse as parse_expression

_ARROW: Final = "->"


class MappingFileError(ValueError):
    """A connector's own mapping.yaml is broken: a fault of the plugin, not of the operator."""


class DefaultMapping(Struct, frozen=True):
    """What a connector says of one stream: the kind of its records and the lines."""

    stream: str
    kind: str
    lines: tuple[Line, ...]


def default_mappings(text: str, *, file: str) -> Mapping[str, DefaultMapping]:
    """A connector's mapping.yaml by stream: `"persons -> person":` with a line per target below.

    Raises MappingFileError. Expressions are not looked into here: they are when the stream is compiled.
    """
    faults = Faults(file)
    root = parse(text, faults)
    if root is None and not faults.bad:
        return {}
    found: dict[str, DefaultMapping] = {}
    forms = Forms(faults)
    if not isinstance(root, Table):
        raise MappingFileError(str(faults.problems()[0]) if faults.bad else f"{file} is no mapping")
    for heading, entry in root:
        stream, arrow, kind = (part.strip() for part in heading.partition(_ARROW))
        if not (stream and arrow and kind):
            raise MappingFileError(f"{file}: '{heading}' is no heading of the form 'stream -> kind'")
        lines = mapping_lines(entry.value, forms, Spot((heading,)), operator=False)
        # A stream may feed several kinds, told apart by `where`; the first named is the one it is synced as.
        found.setdefault(stream, DefaultMapping(stream, kind, tuple(lines)))
    if faults.bad:
        raise MappingFileError("; ".join(str(problem) for problem in faults.problems()))
    return found


def mapping_lines(node: Node, forms: Forms, spot: Spot, *, operator: bool = True) -> list[Line]:
    """The lines under `mapping`, each `target: expression`, `target: {field: ..., values: ...}` or `target: null`."""
    table = forms.table(node, spot, "mapping")
    if table is None:
        return []
    lines = []
    for name, entry in table:
        line = _line(entry, forms, spot / name, operator=operator)
        if line is not None:
            lines.append(line)
    return lines


def _line(entry: Entry, forms: Forms, spot: Spot, *, operator: bool) -> Line | None:
    key, value = entry
    file = forms.faults.file
    target = key.written.strip()
    target_place = place_of(key, file)
    if isinstance(value, Scalar):
        if value.broken:
            return None
        if value.value is None:
            # `key: null` unmaps; a bare `emails:` does the same, since YAML reads it as null.
            return Line(target, None, target_place, target_place, operator=operator)
        text = value.written.strip()
        if not text:
            forms.faults.add("CW110", value.mark, f"{target} has no field", "vendor field | function, or null", at=spot)
            return None
        return Line(target, text, place_of(value, file), target_place, operator=operator)
    if isinstance(value, Row):
        forms.faults.add(
            "CW102", key.mark, f"{target} is a list", "vendor field | function; a list is read by a function", at=spot
        )
        return None
    return _long(target, value, entry, forms, spot, target_place, operator=operator)


def _long(
    target: str, table: Table, entry: Entry, forms: Forms, spot: Spot, target_place: Place, *, operator: bool
) -> Line | None:
    given = forms.keys(table, grammar.LINE, spot, mark=entry.key.mark)
    text: str | None = None
    place = target_place
    field = given.get("field")
    if field is not None:
        if isinstance(field.value, Scalar) and field.value.broken:
            return None
        text = forms.text(field.value, "field", spot / "field", expected="vendor field | function")
        if text is None or not isinstance(field.value, Scalar):
            return None
        text, place = text.strip(), place_of(field.value, forms.faults.file)
    elif not ({"values", "direction"} & given.keys()) and len(given) == len(table.entries):
        forms.faults.add(
            "CW102", entry.key.mark, f"field is missing in {target}", "field: vendor field | function", at=spot
        )
        return None
    values = _values(given["values"].value, forms, spot / "values") if "values" in given else None
    direction, unmapped = None, None
    if "direction" in given:
        direction = forms.word(given["direction"].value, "direction", spot / "direction", grammar.DIRECTIONS)
    if "unmapped" in given:
        unmapped = forms.word(given["unmapped"].value, "unmapped", spot / "unmapped", grammar.UNMAPPED)
    return Line(
        target,
        text,
        place,
        target_place,
        values=values,
        direction=direction,  # type: ignore[arg-type] # one of DIRECTIONS
        unmapped=unmapped or "dead_letter",  # type: ignore[arg-type] # one of UNMAPPED
        operator=operator,
    )


def _values(node: Node, forms: Forms, spot: Spot) -> dict[str, str] | None:
    table = forms.table(node, spot, "values")
    if table is None:
        return None
    found: dict[str, str] = {}
    for name, entry in table:
        text = forms.text(entry.value, name, spot / name, expected="our word for it")
        if text is not None:
            found[name] = text
    return found


def place_of(node: Scalar, file: str) -> Place:
    """Where the text of a scalar begins: behind its quote, where it has one."""
    return Place(file, node.mark.line, node.mark.column + (1 if node.quoted else 0))


def check_expression(text: str, place: Place, faults: Faults, spot: Spot) -> bool:
    """CW110 where a text is no expression; compiling says it too, but needs the whole stream to be sound."""
    try:
        parse_expression(text)
    except SyntaxFault as fault:
        mark = Mark(place.line, place.column + fault.offset)
        faults.add("CW110", mark, fault.text, fault.hint, at=spot)
        return False
    return True
