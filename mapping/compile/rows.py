"""The reader of whole rows, written out as source and compiled once per mapping.

Most fields are one key and one function, or a few of them put together. Called one by one they cost as much for the
calls as for the work, so the row is read by one function in which those fields stand in line:

    try:
        raw = row.m3
        if raw is None or raw is ABSENT:
            v3 = raw
        elif (kind := type(raw)) is str or kind is int:
            v3 = known3(raw, UNSEEN)
            if v3 is UNSEEN:
                v3 = made3(raw)
        else:
            v3 = other3(raw)
    except FAULTS:
        v3 = slow3(full := full or parse(text), faults)

`known3` remembers what was made of texts and numbers that come again (a country, an owner, a choice): what it answers
is shared by rows, so nobody changes a value of a row in place. Which fields' values come again the first rows show; for
the others its function is called straight. Where they showed nothing but texts, as most fields do, whatever stands
there is looked for before it is asked what it is:

        v3 = known3(row.m3, UNSEEN)
        if v3 is UNSEEN:
            v3 = made3(row.m3)

Every other field is asked through its own reader. Nothing of a mapping gets into the source but numbers: keys,
functions and readers are names of the namespace. The answers are those of the readers, field by field.

There are two such functions. `read_raw` takes a record as JSON and parses no more of it than what stands in line, into
a structure whose members are called by numbers (`row.m3`); only for a fault is it parsed whole. `read` takes a row that
was parsed (`get(key3, missing3)`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from mapping.compile.model import ValueFault, Values
from mapping.functions.registry import Partly
from mapping.normalise import Misfit
from mapping.values import ABSENT, Value

Reader = Callable[[Values, list[ValueFault]], Value]
RowReader = Callable[[Values, list[ValueFault]], list[Value]]
# The values, and whether no flag is raised; None: this mapping cannot be read so. Raises what decoding raises.
RawReader = Callable[[bytes, list[ValueFault]], tuple[list[Value], bool] | None]
Step = Callable[[Value], Value]

_TRIAL: Final = 2000  # rows that show which values come again
_REMEMBERED: Final = 1000  # values of a field
_LONGEST: Final = 64  # characters of a text that is remembered
_UNSEEN: Final = object()

PARSER: Final = msgspec.json.Decoder(float_hook=Decimal)


class Spot(NamedTuple):
    """A key, or a key within an object. `get`: where no object stands; there a key `dotted` at the top may answer."""

    keys: tuple[str, ...]
    missing: Value
    get: Callable[[Values], Value]
    dotted: str | None = None


class Simple(NamedTuple):
    """A field that is one such place and one function.

    `sees_none`: the function is asked of what is cleared as well. `fresh`: what it makes is added to, so it is made
    anew each time.
    """

    keys: tuple[str, ...]
    missing: Value
    get: Callable[[Values], Value]
    step: Step
    sees_none: bool = False
    fresh: bool = False
    dotted: str | None = None


class Several(NamedTuple):
    """One function of several places, in their order, as an address in columns is. Of places that are all cleared it
    makes nothing."""

    spots: Sequence[Spot]
    step: Callable[[Sequence[Value]], Value]


class Parts(NamedTuple):
    """A field of several simple parts. `finish` completes what was found; what it leaves empty counts as cleared.

    One without parts is ABSENT.
    """

    parts: Sequence[tuple[str, Simple]]
    finish: Callable[[dict[str, Any]], None] | None


class Slot(NamedTuple):
    """A line of a set: `elements` gives a list of them, and each gets `parts`, which are lines of their own.

    A line that takes the whole row is one function of it, which may raise what the others may.
    """

    elements: Simple | Several | Callable[[Values], Value]
    parts: Sequence[tuple[str, Simple]] = ()


class Slots(NamedTuple):
    """A set whose elements stand in several lines. `in_order`: of more than one element."""

    slots: Sequence[Slot]
    in_order: Callable[[list[Value]], list[Value]]


Inline = Simple | Parts | Slots
UNREAD: Final = Parts((), None)  # of a field that is only written
Place: TypeAlias = Spot | Simple


class _Known:
    """What was made of the values of one field. `flags`: of true and false and, where that is asked, of what is
    cleared; apart, since True equals 1. `missed`: how often a text or a number had to be made; `others`: was there
    anything else than texts and what is empty?

    The two are dictionaries and nothing more: one that makes what is missing is asked twice as slowly.
    """

    __slots__ = ("_sees_none", "_step", "flags", "missed", "others", "values")

    def __init__(self, step: Step, *, sees_none: bool = False) -> None:
        self._step, self._sees_none = step, sees_none
        self.missed = 0
        self.others = False
        self.values: dict[Any, Value] = {}
        self.flags: dict[Any, Value] = {}

    def made(self, raw: Any) -> Value:
        self.missed += 1
        self.others = self.others or type(raw) is int
        value = self._step(raw)
        if len(self.values) < _REMEMBERED and (type(raw) is int or len(raw) <= _LONGEST):
            self.values[raw] = value
        return value

    def flagged(self, raw: Any) -> Value:
        self.others = self.others or raw is not None
        value = self.flags[raw] = self._step(raw)
        return value

    def other(self, raw: Any) -> Value:
        """Of what is not remembered."""
        self.others = True
        return self._step(raw)

    def learned(self, rows: int) -> "_Known | _Texts | None":
        """What is worth asking after so many rows; None: its values do not come again."""
        if self.missed * 2 >= rows or (self.others and not self.values and not self.flags):
            return None
        if self.others or not self.values:
            return self
        empty = [ABSENT] if self._sees_none else [ABSENT, None]
        return _Texts(self._step, {**self.values, **{raw: raw for raw in empty}})


class _Texts:
    """What was made of the values of a field that showed texts and nothing else, and of what is empty.

    It is asked of whatever stands there, and has no number, which True and a decimal may equal.
    """

    __slots__ = ("_step", "values")

    def __init__(self, step: Step, values: dict[Any, Value]) -> None:
        self._step, self.values = step, values

    def made(self, raw: Any) -> Value:
        value = self._step(raw)
        if raw is None or (type(raw) is str and len(raw) <= _LONGEST and len(self.values) < _REMEMBERED):
            self.values[raw] = value
        return value


def alone_in_list(step: Step, finish: Step) -> Step:
    """`finish` of what `step` makes; of lists that hold one text or number, as most do, it remembers what it made."""
    known = _Known(lambda one: finish(step([one])))
    get, made = known.values.get, known.made

    def read(raw: Value) -> Value:
        if type(raw) is list and len(raw) == 1 and type(one := raw[0]) in (str, int):
            value = get(one, _UNSEEN)
            return made(one) if value is _UNSEEN else value
        return finish(step(raw))

    return read


class Rows:
    """Reads whole rows. `readers`: by position; `inline`: what is known of those that can stand in line.

    `flags`: places of which a row is told apart that has something there; None: they are no such places.
    """

    def __init__(
        self, readers: Sequence[Reader], inline: Sequence[Inline | None], flags: Sequence[Spot] | None = None
    ) -> None:
        self._readers, self._inline, self._flags = readers, inline, flags
        self._tried = 0
        self._known: dict[str, _Known | _Texts] = {
            at: _Known(simple.step, sees_none=simple.sees_none)
            for at, simple in _simples_of(inline)
            if not simple.fresh
        }
        # Many a mapping is compiled to be looked at, and reads no row.
        self._made: dict[type[_Parsed | _Unparsed], Any] = {}
        self.read: RowReader = partial(self._try, _Parsed)
        alone = flags is not None and not any(_asks_for_all(field) for field in inline)
        self.read_raw: RawReader = partial(self._try, _Unparsed) if alone else _cannot

    def remembers(self) -> int:
        """How many values are kept, not counting what is empty."""
        return sum(type(raw) in (str, int) for known in self._known.values() for raw in known.values)

    def _try(self, way: "type[_Parsed | _Unparsed]", row: Any, faults: list[ValueFault]) -> Any:
        self._tried += 1
        if self._tried == _TRIAL:
            self._known = dict(self._learned())
            self._made.clear()
        read = self._made.get(way) or self._begin(way, row)
        return read(row, faults)

    def _learned(self) -> Iterator[tuple[str, _Known | _Texts]]:
        for at, known in self._known.items():
            if isinstance(known, _Known) and (learned := known.learned(self._tried)) is not None:
                yield at, learned

    def _begin(self, way: "type[_Parsed | _Unparsed]", shown: Any) -> Any:
        # TypeError: a list where only texts stood cannot be looked for, so the field's own reader is asked.
        names: dict[str, Any] = {"ABSENT": ABSENT, "FAULTS": (Misfit, Partly, TypeError), "UNSEEN": _UNSEEN}
        places = [*_places_of(self._inline), *(self._flags or ())]
        try:
            row = way(places, names, shown)
        except ValueError:  # names that no member can have
            self.read_raw = _cannot
            return _cannot
        read = _Source(self._readers, self._inline, row, names, known=self._known, flags=self._flags or ()).compiled()
        self._made[way] = read
        if self._tried >= _TRIAL and way is _Parsed:
            self.read = read
        elif self._tried >= _TRIAL:
            self.read_raw = read
        return read


def _cannot(text: bytes, faults: list[ValueFault]) -> None:
    """Of rows that have to be parsed whole."""


class _Parsed:
    """Where values stand in a row that was parsed. `names`: of the namespace, to which what is needed is added;
    `shown`: a row as the others come."""

    head: Final = ("def read(row, faults):", "get = row.get")
    whole: Final = "row"
    answer: Final = "[{values}]"

    def __init__(self, places: Sequence[Place], names: dict[str, Any], shown: Values) -> None:
        self._names = names
        self._objects = _numbered(one.keys[0] for one in places if len(one.keys) == 2)
        names |= {f"outer{n}": key for key, n in self._objects.items()}

    def objects(self) -> Iterator[str]:
        for n in self._objects.values():
            yield f"object{n} = get(outer{n})"
            yield f"is_object{n} = type(object{n}) is dict"

    def value(self, at: str, place: Place) -> str:
        self._names |= {f"key{at}": place.keys[-1], f"missing{at}": place.missing}
        if len(place.keys) == 1:
            return f"get(key{at}, missing{at})"
        self._names[f"flat{at}"] = place.get
        outer = self._objects[place.keys[0]]
        return f"object{outer}.get(key{at}, missing{at}) if is_object{outer} else flat{at}(row)"


class _Unparsed:
    """Where they stand in JSON: in members of a structure. Raises ValueError where no structure can have them.

    An object is a structure of its own unless it is asked for as a whole as well. Members stand in the order of a row's
    keys: each is looked for from behind the one before, which takes up to a third off decoding.
    """

    head: Final = ("def read(text, faults):", "full = None", "row = decode(text)")
    whole: Final = "(full := full or parse(text))"
    answer: Final = "[{values}], {quiet}"

    def __init__(self, places: Sequence[Place], names: dict[str, Any], shown: bytes) -> None:
        self._names = names
        if any(one.missing is not places[0].missing for one in places):
            raise ValueError("what is missing means one thing in one place, and another in another")
        missing = places[0].missing if places else ABSENT
        row = _parsed(shown)
        nested = [one for one in places if len(one.keys) == 2]
        self._objects = _numbered(one.keys[0] for one in nested)
        whole = {one.keys[0] for one in places if len(one.keys) == 1}
        self._inner = {
            outer: _numbered(_in_order((one.keys[1] for one in nested if one.keys[0] == outer), row.get(outer)))
            for outer in self._objects
            if outer not in whole
        }
        dotted = {one.dotted for one in nested if one.dotted is not None} - whole
        self._top = _numbered(_in_order([*whole, *self._objects, *dotted], row))
        types: dict[str, Any] = dict.fromkeys(self._top, Any)
        for outer, inner in self._inner.items():
            made = _structure(dict.fromkeys(inner, Any), dict.fromkeys(inner, missing))
            types[outer] = made | None
            names[f"Object{self._objects[outer]}"] = made
        defaults = {key: ABSENT if key in dotted else missing for key in self._top}
        names |= {
            "decode": msgspec.json.Decoder(_structure(types, defaults), float_hook=Decimal).decode,
            "parse": PARSER.decode,
            "missing": missing,
        }

    def objects(self) -> Iterator[str]:
        for key, n in self._objects.items():
            yield f"object{n} = row.m{self._top[key]}"
            yield f"is_object{n} = type(object{n}) is {f'Object{n}' if key in self._inner else 'dict'}"

    def value(self, at: str, place: Place) -> str:
        if len(place.keys) == 1:
            return f"row.m{self._top[place.keys[0]]}"
        outer, key = place.keys
        n = self._objects[outer]
        flat = f"None if object{n} is None else missing"
        if place.dotted is not None:
            dotted = f"row.m{self._top[place.dotted]}"
            flat = f"{dotted} if {dotted} is not ABSENT else {flat}"
        if outer in self._inner:
            return f"object{n}.m{self._inner[outer][key]} if is_object{n} else {flat}"
        self._names[f"key{at}"] = key
        return f"object{n}.get(key{at}, missing) if is_object{n} else {flat}"


def _numbered(keys: Iterable[str]) -> dict[str, int]:
    return {key: n for n, key in enumerate(dict.fromkeys(keys))}


def _parsed(text: bytes) -> Values:
    """What a row shows; nothing, where it is none."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        row = PARSER.decode(text)
        if isinstance(row, dict):
            return row
    return {}


def _in_order(keys: Iterable[str], shown: Value) -> list[str]:
    """As they come in an object; behind them those that it does not show."""
    places = {key: n for n, key in enumerate(shown)} if isinstance(shown, dict) else {}
    return sorted(keys, key=lambda key: places.get(key, len(places)))


def _structure(types: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:  # a class, made here
    """Its members are m0, m1, ...; in JSON they have their names."""
    members = [(f"m{n}", types[name], defaults[name]) for n, name in enumerate(types)]
    return msgspec.defstruct(
        "Row", members, rename={f"m{n}": name for n, name in enumerate(types)}, gc=False, kw_only=True
    )


class _Source:
    """The source of one reader. `names`: its namespace; `known`: of the places whose values come again."""

    def __init__(
        self,
        readers: Sequence[Reader],
        inline: Sequence[Inline | None],
        row: _Parsed | _Unparsed,
        names: dict[str, Any],
        *,
        known: Mapping[str, _Known | _Texts],
        flags: Sequence[Spot],
    ) -> None:
        self._row, self._names, self._known = row, names, known
        define, *head = row.head
        self._lines = [define, *(f"    {line}" for line in (*head, *row.objects()))]
        for n, (reader, field) in enumerate(zip(readers, inline, strict=True)):
            self._names[f"slow{n}"] = reader
            if field is None:
                self._lines.append(f"    v{n} = slow{n}({row.whole}, faults)")
                continue
            self._lines.append("    try:")
            if isinstance(field, Simple):
                self._value(f"v{n}", str(n), field)
            elif isinstance(field, Parts):
                self._parts(n, field)
            else:
                self._slots(n, field)
            self._lines += ["    except FAULTS:", f"        v{n} = slow{n}({row.whole}, faults)"]
        for n, flag in enumerate(flags):
            self._lines.append(f"    f{n} = {row.value(f'_flag{n}', flag)}")
        self._lines.append(
            "    return "
            + row.answer.format(
                values=", ".join(f"v{n}" for n in range(len(readers))),
                quiet=" and ".join(f"(f{n} is None or f{n} is False or f{n} is ABSENT)" for n in range(len(flags)))
                or "True",
            )
        )

    def compiled(self) -> Any:
        exec(compile("\n".join(self._lines), "<a mapping's row>", "exec"), self._names)
        return self._names["read"]

    def _value(self, into: str, at: str, simple: Simple, *, indent: int = 8) -> None:
        known = self._known.get(at)
        nothing = "raw is ABSENT" if simple.sees_none else "raw is None or raw is ABSENT"
        raw = self._row.value(at, simple)
        lines = [f"raw = {raw}"]
        if known is None:
            self._names[f"step{at}"] = simple.step
            lines += [f"if {nothing}:", f"    {into} = raw", "else:", f"    {into} = step{at}(raw)"]
        elif isinstance(known, _Texts):
            self._names |= {f"known{at}": known.values.get, f"made{at}": known.made}
            lines = [f"{into} = known{at}({raw}, UNSEEN)", f"if {into} is UNSEEN:", f"    {into} = made{at}({raw})"]
        else:
            self._names |= {
                f"known{at}": known.values.get, f"made{at}": known.made,
                f"flags{at}": known.flags.get, f"flagged{at}": known.flagged, f"other{at}": known.other,
            }  # fmt: skip
            lines += [
                f"if {nothing}:",
                f"    {into} = raw",
                "elif (kind := type(raw)) is str or kind is int:",
                f"    {into} = known{at}(raw, UNSEEN)",
                f"    if {into} is UNSEEN:",
                f"        {into} = made{at}(raw)",
                f"elif kind is bool{' or raw is None' if simple.sees_none else ''}:",
                f"    {into} = flags{at}(raw, UNSEEN)",
                f"    if {into} is UNSEEN:",
                f"        {into} = flagged{at}(raw)",
                "else:",
                f"    {into} = other{at}(raw)",
            ]
        self._lines += [" " * indent + line for line in lines]

    def _several(self, into: str, at: str, several: Several) -> None:
        self._names[f"step{at}"] = several.step
        raws = [f"raw{n}" for n in range(len(several.spots))]
        self._lines += [
            *(
                f"        {raw} = {self._row.value(f'{at}_of_{n}', spot)}"
                for n, (raw, spot) in enumerate(zip(raws, several.spots, strict=True))
            ),
            f"        if {' is None and '.join(raws)} is None:",
            f"            {into} = None",
            "        else:",
            f"            {into} = step{at}(({', '.join(raws)},))",
        ]

    def _parts(self, n: int, field: Parts) -> None:
        self._lines += ["        found = {}", "        carried = False"]
        for part, (name, simple) in enumerate(field.parts):
            at = f"{n}_{part}"
            self._names[f"part{at}"] = name
            self._value("value", at, simple)
            self._lines += [
                "        if value is None:",
                "            carried = True",
                "        elif value is not ABSENT:",
                f"            found[part{at}] = value",
            ]
        self._lines.append("        if found:")
        if field.finish is not None:
            self._names[f"finish{n}"] = field.finish
            self._lines.append(f"            finish{n}(found)")
        self._lines += [
            f"            v{n} = found",
            "        else:",
            f"            v{n} = None if carried else ABSENT",
        ]

    def _slots(self, n: int, field: Slots) -> None:
        self._names[f"in_order{n}"] = field.in_order
        self._lines += ["        found = []", "        carried = False"]
        for number, slot in enumerate(field.slots):
            at = f"{n}_{number}"
            if isinstance(slot.elements, Simple):
                self._value("value", at, slot.elements)
            elif isinstance(slot.elements, Several):
                self._several("value", at, slot.elements)
            else:
                self._names[f"whole{at}"] = slot.elements
                self._lines.append(f"        value = whole{at}({self._row.whole})")
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


def _asks_for_all(field: Inline | None) -> bool:
    """Is it read of the whole row?"""
    if isinstance(field, Slots):
        return not all(isinstance(slot.elements, Simple | Several) for slot in field.slots)
    return field is None


def _places_of(inline: Sequence[Inline | None]) -> Iterator[Place]:
    """Every place that is looked at in line."""
    yield from (simple for _, simple in _simples_of(inline))
    for field in inline:
        for slot in field.slots if isinstance(field, Slots) else ():
            if isinstance(slot.elements, Several):
                yield from slot.elements.spots
