"""The reader of whole rows, written out as source and compiled once per mapping.

Most fields are one key and one function. Called one by one they cost as much for the calls as for the work, so the
row is read by one function in which those fields stand in line:

    raw = get(key3, missing3)
    if raw is None or raw is ABSENT:
        v3 = raw
    else:
        try:
            v3 = step3(raw)
        except FAULTS:
            v3 = slow3(row, faults)

Every other field is asked through its own reader. Nothing of a mapping gets into the source but numbers: keys,
functions and readers are names of the namespace. The answers are those of the readers, field by field.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mapping.compile.model import ValueFault, Values
from mapping.functions.registry import Partly
from mapping.normalise import Misfit
from mapping.values import ABSENT, Value

Reader = Callable[[Values, list[ValueFault]], Value]
RowReader = Callable[[Values, list[ValueFault]], list[Value]]


class Simple(NamedTuple):
    """A field that is one key, or a key within an object, and one function. `get`: where no object stands."""

    keys: tuple[str, ...]
    missing: Value
    get: Callable[[Values], Value]
    step: Callable[[Value], Value]


def row_reader(readers: Sequence[Reader], simples: Sequence[Simple | None]) -> RowReader:
    """One function for all of these fields. `simples`: by position, what is known of those that stand in line."""
    names: dict[str, Any] = {"ABSENT": ABSENT, "FAULTS": (Misfit, Partly)}
    lines = ["def read(row, faults):", "    get = row.get"]
    objects: dict[str, int] = {}
    for simple in simples:
        if simple is not None and len(simple.keys) == 2 and simple.keys[0] not in objects:
            n = objects[simple.keys[0]] = len(objects)
            names[f"outer{n}"] = simple.keys[0]
            lines += [f"    object{n} = get(outer{n})", f"    is_object{n} = type(object{n}) is dict"]
    for n, (reader, simple) in enumerate(zip(readers, simples, strict=True)):
        names[f"slow{n}"] = reader
        if simple is None:
            lines.append(f"    v{n} = slow{n}(row, faults)")
            continue
        names |= {f"key{n}": simple.keys[-1], f"missing{n}": simple.missing, f"step{n}": simple.step}
        lookup = f"get(key{n}, missing{n})"
        if len(simple.keys) == 2:
            names[f"flat{n}"] = simple.get
            outer = objects[simple.keys[0]]
            lookup = f"object{outer}.get(key{n}, missing{n}) if is_object{outer} else flat{n}(row)"
        lines += [
            f"    raw = {lookup}",
            "    if raw is None or raw is ABSENT:",
            f"        v{n} = raw",
            "    else:",
            "        try:",
            f"            v{n} = step{n}(raw)",
            "        except FAULTS:",
            f"            v{n} = slow{n}(row, faults)",
        ]
    lines.append(f"    return [{', '.join(f'v{n}' for n in range(len(readers)))}]")
    exec(compile("\n".join(lines), "<a mapping's row>", "exec"), names)
    read: RowReader = names["read"]
    return read
