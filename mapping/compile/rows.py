"""The reader of whole rows, written out as source and compiled once per mapping.

Most fields are one key and one function, or a few of them put together. Called one by one they cost as much for the
calls as for the work, so the row is read by one function in which those fields stand in line:

    try:
        raw = get(key3, missing3)
        kind = type(raw)
        if kind is str or kind is int:
            v3 = known3[raw]
        elif raw is None or raw is ABSENT:
            v3 = raw
        else:
            v3 = step3(raw)
    except FAULTS:
        v3 = slow3(row, faults)

`known3` remembers what was made of texts and numbers that come again (a country, an owner, a choice): what it answers
is shared by rows, so nobody changes a value of a row in place. Which fields' values come again the first rows show; for
the others `step3` is called straight. Every other field is asked through its own reader. Nothing of a mapping gets into
the source but numbers: keys, functions and readers are names of the namespace. The answers are those of the readers,
field by field. Of 28 fields of a contact it takes 8 µs, the readers one by one 18.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from mapping.compile.model import ValueFault, Values
from mapping.functions.registry import Partly
from mapping.normalise import Misfit
from mapping.values import ABSENT, Value

Reader = Callable[[Values, list[ValueFault]], Value]
RowReader = Callable[[Values, list[ValueFault]], list[Value]]
Step = Callable[[Value], Value]

_TRIAL: Final = 2000  # rows that show which values come again
_REMEMBERED: Final = 1000  # values of a field
_LONGEST: Final = 64  # characters of a text that is remembered


class Simple(NamedTuple):
    """A field that is one key, or a key within an object, and one function. `get`: where no object stands.

    `sees_none`: the function is asked of what is cleared as well. `fresh`: what it makes is added to, so it is made
    anew each time.
    """

    keys: tuple[str, ...]
    missing: Value
    get: Callable[[Values], Value]
    step: Step
    sees_none: bool = False
    fresh: bool = False


class Parts(NamedTuple):
    """A field of several such parts. `finish` completes what was found; what it leaves empty counts as cleared."""

    parts: Sequence[tuple[str, Simple]]
    finish: Callable[[dict[str, Any]], None] | None


class Slot(NamedTuple):
    """A line of a set: `elements` gives a list of them, and each gets `parts`, which are lines of their own.

    A line that takes the whole row is one function of it, which may raise what the others may.
    """

    elements: Simple | Callable[[Values], Value]
    parts: Sequence[tuple[str, Simple]] = ()


class Slots(NamedTuple):
    """A set whose elements stand in several lines. `in_order`: of more than one element."""

    slots: Sequence[Slot]
    in_order: Callable[[list[Value]], list[Value]]


Inline = Simple | Parts | Slots


class _Known(dict[Any, Value]):
    """What was made of the values of one field. `missed`: how often it had to be made. `flags`: of true and false and,
    where that is asked, of what is cleared; apart, since True equals 1."""

    __slots__ = ("_step", "flags", "missed")

    def __init__(self, step: Step) -> None:
        self._step = step
        self.missed = 0
        self.flags = _Flags(step)

    def __missing__(self, raw: Any) -> Value:
        self.missed += 1
        value = self._step(raw)
        if len(self) < _REMEMBERED and (type(raw) is int or len(raw) <= _LONGEST):
            self[raw] = value
        return value


class _Flags(dict[Any, Value]):
    __slots__ = ("_step",)

    def __init__(self, step: Step) -> None:
        self._step = step

    def __missing__(self, raw: Any) -> Value:
        value = self[raw] = self._step(raw)
        return value


def alone_in_list(step: Step) -> Step:
    """A function of lists that remembers what it made of those that hold one text or number, as most do."""
    known = _Known(lambda one: step([one]))

    def read(raw: Value) -> Value:
        if type(raw) is list and len(raw) == 1 and type(raw[0]) in (str, int):
            return known[raw[0]]
        return step(raw)

    return read


class Rows:
    """Reads whole rows. `readers`: by position; `inline`: what is known of those that can stand in line."""

    def __init__(self, readers: Sequence[Reader], inline: Sequence[Inline | None]) -> None:
        self._readers, self._inline = readers, inline
        self._tried = 0
        self._known = {at: _Known(simple.step) for at, simple in _simples_of(inline) if not simple.fresh}
        self._first: RowReader = self._begin  # many a mapping is compiled to be looked at, and reads no row
        self.read: RowReader = self._trial

    def remembers(self) -> int:
        """How many values are kept."""
        return sum(map(len, self._known.values()))

    def _trial(self, row: Values, faults: list[ValueFault]) -> list[Value]:
        self._tried += 1
        if self._tried >= _TRIAL:
            self._known = {at: known for at, known in self._known.items() if known.missed * 2 < self._tried}
            self.read = self._first = _Source(self._readers, self._inline, known=self._known).compiled()
        return self._first(row, faults)

    def _begin(self, row: Values, faults: list[ValueFault]) -> list[Value]:
        self._first = _Source(self._readers, self._inline, known=self._known).compiled()
        return self._first(row, faults)


class _Source:
    """The source of one reader and its namespace. `known`: of the places whose values come again."""

    def __init__(
        self, readers: Sequence[Reader], inline: Sequence[Inline | None], *, known: Mapping[str, _Known]
    ) -> None:
        self._names: dict[str, Any] = {"ABSENT": ABSENT, "FAULTS": (Misfit, Partly)}
        self._lines = ["def read(row, faults):", "    get = row.get"]
        self._objects: dict[str, int] = {}
        self._known = known
        for _, simple in _simples_of(inline):
            if len(simple.keys) == 2 and simple.keys[0] not in self._objects:
                self._object(simple.keys[0])
        for n, (reader, field) in enumerate(zip(readers, inline, strict=True)):
            self._names[f"slow{n}"] = reader
            if field is None:
                self._lines.append(f"    v{n} = slow{n}(row, faults)")
                continue
            self._lines.append("    try:")
            if isinstance(field, Simple):
                self._value(f"v{n}", str(n), field)
            elif isinstance(field, Parts):
                self._parts(n, field)
            else:
                self._slots(n, field)
            self._lines += ["    except FAULTS:", f"        v{n} = slow{n}(row, faults)"]
        self._lines.append(f"    return [{', '.join(f'v{n}' for n in range(len(readers)))}]")

    def compiled(self) -> RowReader:
        exec(compile("\n".join(self._lines), "<a mapping's row>", "exec"), self._names)
        read: RowReader = self._names["read"]
        return read

    def _object(self, key: str) -> None:
        n = self._objects[key] = len(self._objects)
        self._names[f"outer{n}"] = key
        self._lines += [f"    object{n} = get(outer{n})", f"    is_object{n} = type(object{n}) is dict"]

    def _value(self, into: str, at: str, simple: Simple, *, indent: int = 8) -> None:
        self._names |= {f"key{at}": simple.keys[-1], f"missing{at}": simple.missing, f"step{at}": simple.step}
        lookup = f"get(key{at}, missing{at})"
        if len(simple.keys) == 2:
            self._names[f"flat{at}"] = simple.get
            outer = self._objects[simple.keys[0]]
            lookup = f"object{outer}.get(key{at}, missing{at}) if is_object{outer} else flat{at}(row)"
        told = "raw is ABSENT" if simple.sees_none else "raw is None or raw is ABSENT"
        lines = [f"raw = {lookup}"]
        if at in self._known:
            self._names |= {f"known{at}": self._known[at], f"flags{at}": self._known[at].flags}
            lines += [
                "kind = type(raw)",
                "if kind is str or kind is int:",
                f"    {into} = known{at}[raw]",
                f"elif {told}:",
                f"    {into} = raw",
                f"elif kind is bool{' or raw is None' if simple.sees_none else ''}:",
                f"    {into} = flags{at}[raw]",
            ]
        else:
            lines += [f"if {told}:", f"    {into} = raw"]
        lines += ["else:", f"    {into} = step{at}(raw)"]
        self._lines += [" " * indent + line for line in lines]

    def _parts(self, n: int, field: Parts) -> None:
        self._lines += ["        found = {}", "        carried = False"]
        for part, (name, simple) in enumerate(field.parts):
            at = f"{n}_{part}"
            self._names[f"part{at}"] = name
            self._value("value", at, simple)
            self._lines += [
                "        if value is not ABSENT:",
                "            carried = True",
                "            if value is not None:",
                f"                found[part{at}] = value",
            ]
        if field.finish is not None:
            self._names[f"finish{n}"] = field.finish
            self._lines += ["        if found:", f"            finish{n}(found)"]
        self._lines.append(f"        v{n} = (found or None) if carried else ABSENT")

    def _slots(self, n: int, field: Slots) -> None:
        self._names[f"in_order{n}"] = field.in_order
        self._lines += ["        found = []", "        carried = False"]
        for number, slot in enumerate(field.slots):
            at = f"{n}_{number}"
            if isinstance(slot.elements, Simple):
                self._value("value", at, slot.elements)
            else:
                self._names[f"whole{at}"] = slot.elements
                self._lines.append(f"        value = whole{at}(row)")
            self._lines += [
                "        if value is not ABSENT:",
                "            carried = True",
                "            if value is not None:",
            ]
            for part, (name, simple) in enumerate(slot.parts):
                self._names[f"part{at}_{part}"] = name
                self._value("told", f"{at}_{part}", simple, indent=16)
                self._lines += [
                    "                if told is not None and told is not ABSENT:",
                    "                    for element in value:",
                    f"                        element[part{at}_{part}] = told",
                ]
            self._lines.append("                found += value")
        self._lines += [
            "        if found:",
            f"            v{n} = found if len(found) == 1 else in_order{n}(found)",
            "        else:",
            f"            v{n} = None if carried else ABSENT",
        ]


def _simples_of(inline: Sequence[Inline | None]) -> Iterator[tuple[str, Simple]]:
    """Every part that stands in line, by its place in the source."""
    for n, field in enumerate(inline):
        if isinstance(field, Simple):
            yield str(n), field
        elif isinstance(field, Parts):
            yield from ((f"{n}_{part}", simple) for part, (_, simple) in enumerate(field.parts))
        elif field is not None:
            for at, slot in enumerate(field.slots):
                if isinstance(slot.elements, Simple):
                    yield f"{n}_{at}", slot.elements
                yield from ((f"{n}_{at}_{part}", simple) for part, (_, simple) in enumerate(slot.parts))
