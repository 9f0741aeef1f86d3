"""One field of the hub in one stream: its lines gathered into a value, and the value told to those lines again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from msgspec import Struct

from mapping.compile.chain import Chain
from mapping.compile.model import ValueFault, Values
from mapping.compile.paths import Place
from mapping.compile.rows import Inline, Parts, Several, Simple, Slots, Spot, alone_in_list
from mapping.compile.rows import Slot as InLine
from mapping.functions.registry import SKIP, Partly
from mapping.language import Line
from mapping.normalise import Misfit
from mapping.normalise import name as names
from mapping.schema import Field, Target
from mapping.values import ABSENT, Value

Faults = list[ValueFault]
Reader = Callable[[Values, Faults], Value]


@dataclass(slots=True, eq=False)
class LineCode:
    """A line, ready. `reads` and `writes` say what it does here; `observes`: it is read only to be compared."""

    line: Line
    target: Target
    chains: list[Chain]
    reads: bool
    writes: bool
    observes: bool = False
    print: Any = None  # JSON: all that changes what it reads
    read: Reader = field(init=False)

    def __post_init__(self) -> None:
        self.read = _reader(self.target.field.name, self.chains)

    @property
    def sees(self) -> bool:
        return self.reads or self.observes

    @property
    def places(self) -> list[Place]:
        """Every place that it writes."""
        found: list[Place] = []
        for chain in self.chains:
            if chain.place is not None and chain.place.steps and not chain.only_beside:
                found.append(chain.place)
            found.extend(chain.spots)
        return found

    @property
    def labels(self) -> list[str]:
        labels = [chain.place.label for chain in self.chains if chain.place is not None and chain.place.steps]
        if not labels:
            labels = [spot.label for chain in self.chains for spot in chain.spots]
        return list(dict.fromkeys(labels))

    def simple(self) -> Simple | None:
        """Its key and what is done with its value, if that is all."""
        chain, place = self.chains[0], self.chains[0].place
        if len(self.chains) > 1 or place is None:
            return None
        spot = spot_of(place, chain.missing)
        reads = [step.read for step in chain.steps if step.read is not None]
        if spot is None or not reads or len(reads) < len(chain.steps):
            return None
        if any(step.sees_none for step in chain.steps[1:]):
            return None
        step, sees_none = _in_turn(reads), chain.steps[0].sees_none
        return Simple(spot.keys, spot.missing, spot.get, step, sees_none=sees_none, dotted=spot.dotted)

    def whole(self) -> Several | Callable[[Values], Value] | None:
        """What it reads of the row, as one function that raises Misfit or Partly; None: it has alternatives."""
        if len(self.chains) > 1:
            return None
        (chain,) = self.chains
        if chain.place is not None and not chain.place.steps and len(chain.steps) == 1:
            (made,) = chain.steps
            spots = [spot_of(place, chain.missing) for place in chain.spots]
            known = [spot for spot in spots if spot is not None]
            if made.read_spots is not None and len(known) == len(made.spots):
                return Several(known, made.read_spots)
            if (read_in := made.read_in) is not None:
                return lambda row: read_in(row, row)
        return chain.read

    def now(self, row: Values) -> Value:
        """What it reads, faults aside."""
        return self.read(row, [])

    def carried(self, over: Values | None) -> bool:
        """Does the record as last seen tell anything of it, be it that it is empty?"""
        return over is not None and self.now(over) is not ABSENT

    def write(self, value: Value, over: Values | None, out: dict[str, Any]) -> None:
        """Tell this side a value of the line; what says the same already is left alone."""
        if not self.writes:
            return
        chain = self._answering(over)
        if value is None and len(self.chains) > 1:
            for one in self.chains:
                self._tell(one, None, over, out)
            return
        self._tell(chain, value, over, out)

    def _answering(self, over: Values | None) -> Chain:
        """Of several places the one whose value is read now, else the first."""
        if over is not None and len(self.chains) > 1:
            for chain in self.chains:
                if chain.stages(over)[-1] not in (None, ABSENT):
                    return chain
        return self.chains[0]

    def _tell(self, chain: Chain, value: Value, over: Values | None, out: dict[str, Any]) -> None:
        if chain.place is not None and not chain.only_beside:
            raw = chain.encode(value, over)
            if raw is SKIP:
                return
            was = ABSENT if over is None else chain.place.get(over)
            if over is None or not self._same(chain, raw, was, over):
                chain.place.put(out, raw, over)
        for place, raw in chain.beside(value, over):
            was = ABSENT if over is None else place.get(over)
            if over is None or (was != raw and not (raw is None and was is ABSENT)):
                place.put(out, raw, over)

    def _same(self, chain: Chain, raw: Value, was: Value, over: Values) -> bool:
        if was is ABSENT:
            return False
        if raw == was and isinstance(raw, bool) is isinstance(was, bool):
            return True
        place = chain.place
        if place is None:
            return True
        out: dict[str, Any] = {}
        place.put(out, raw, over)
        before, after = chain.stages(over)[-1], chain.stages(_laid_one(over, out, place))[-1]
        return before is not ABSENT and _agree(before, after)


def spot_of(place: Place, missing: Value) -> Spot | None:
    """A place at the top of a row, or within an object there; None of any other."""
    if not 0 < len(place.steps) < 3 or any(one.pick is not None for one in place.steps):
        return None
    return Spot(tuple(one.name for one in place.steps), missing, place.get, place.dotted)


def _in_turn(steps: Sequence[Callable[[Value], Value]]) -> Callable[[Value], Value]:
    """One function for several; what one of them leaves empty the next ones do not see."""
    first, *rest = steps
    if not rest:
        return first
    if len(rest) == 1:
        (second,) = rest

        def both(raw: Value) -> Value:
            value = first(raw)
            return value if value is None or value is ABSENT else second(value)

        return both

    def step(raw: Value) -> Value:
        value = first(raw)
        for one in rest:
            if value is None or value is ABSENT:
                return value
            value = one(value)
        return value

    return step


def _agree(one: Value, other: Value) -> bool:
    """Do two values say the same? Of a text with markup it is the text."""
    if isinstance(one, dict) and isinstance(other, dict) and "text" in one and "text" in other:
        return bool(one["text"] == other["text"])
    return bool(one == other)


def _laid_one(over: Values, out: Mapping[str, Any], place: Place) -> dict[str, Any]:
    from mapping.compile.paths import laid

    return laid(over, out, [(place.steps, place.dotted)])


def _reader(name: str, chains: Sequence[Chain]) -> Reader:
    """The fastest function for what the line does; a fault is told apart on a slower way."""

    def slow(row: Values, faults: Faults) -> Value:
        value: Value = ABSENT
        for chain in chains:
            found: list[tuple[str, Value]] = []
            told = chain.stages(row, found)[-1]
            label = "the row" if chain.place is None else chain.place.label
            faults.extend(ValueFault(name, label, want, got) for want, got in found)
            if found and told is ABSENT:
                return ABSENT
            if told is None:
                value = None
            elif told is not ABSENT:
                return told
        return value

    if len(chains) > 1:

        def first_of(row: Values, faults: Faults) -> Value:
            value: Value = ABSENT
            try:
                for chain in chains:
                    told = chain.read(row)
                    if told is None:
                        value = None
                    elif told is not ABSENT:
                        return told
            except (Misfit, Partly):
                return slow(row, faults)
            return value

        return first_of
    only = chains[0]
    if only.place is None or any(step.read is None or step.sees_none for step in only.steps):

        def general(row: Values, faults: Faults) -> Value:
            try:
                return only.read(row)
            except (Misfit, Partly):
                return slow(row, faults)

        return general
    get, steps = only.place.get, [step.read for step in only.steps if step.read is not None]
    if len(steps) == 1:
        return _single(only, steps[0], slow)

    def several(row: Values, faults: Faults) -> Value:
        value = get(row)
        try:
            for step in steps:
                if value is None or value is ABSENT:
                    return value
                value = step(value)
        except (Misfit, Partly):
            return slow(row, faults)
        return value

    return several


def _single(chain: Chain, step: Callable[[Value], Value], slow: Reader) -> Reader:
    """One place, one function: nearly every line, so a field at the top is looked up without a call."""
    place = chain.place
    if place is None:
        raise ValueError("a constant is no place")
    get = place.get
    if len(place.steps) == 1 and place.steps[0].pick is None:
        key, missing = place.steps[0].name, chain.missing

        def top(row: Values, faults: Faults) -> Value:
            raw = row.get(key, missing)
            if raw is None or raw is ABSENT:
                return raw
            try:
                return step(raw)
            except (Misfit, Partly):
                return slow(row, faults)

        return top

    def nested(row: Values, faults: Faults) -> Value:
        raw = get(row)
        if raw is None or raw is ABSENT:
            return raw
        try:
            return step(raw)
        except (Misfit, Partly):
            return slow(row, faults)

    return nested


class FieldCode:
    """A field with its lines. Subclasses say how they gather."""

    def __init__(self, schema: Field, lines: Sequence[LineCode]) -> None:
        self.schema = schema
        self.lines = list(lines)

    @property
    def readable(self) -> bool:
        """May it be a source? What the hub computes is read only to be compared."""
        return any(line.reads for line in self.lines)

    @property
    def writable(self) -> bool:
        return any(line.writes for line in self.lines)

    @property
    def sees(self) -> bool:
        return any(line.sees for line in self.lines)

    def reader(self) -> Reader:
        raise NotImplementedError

    def inline(self) -> Inline | None:
        """What there is to know of a field that can stand in line with others (`rows`); None of any other."""
        return None

    def write(self, value: Value, over: Values | None, out: dict[str, Any]) -> None:
        raise NotImplementedError


def unread(row: Values, faults: Faults) -> Value:
    """A field that is only written."""
    return ABSENT


class Plain(FieldCode):
    """One line, one value."""

    def inline(self) -> Simple | None:
        line = self.lines[0]
        bare = self.schema.value is None or not self.schema.parts
        return line.simple() if line.sees and bare else None

    def reader(self) -> Reader:
        line = self.lines[0]
        if not line.sees:
            return unread
        part = self.schema.value
        if part is None or not self.schema.parts:
            return line.read
        read = line.read

        def within(row: Values, faults: Faults) -> Value:
            value = read(row, faults)
            # A bare value is that part of the unit which says the most.
            return value if value is None or value is ABSENT or isinstance(value, dict) else {part: value}

        return within

    def write(self, value: Value, over: Values | None, out: dict[str, Any]) -> None:
        line = self.lines[0]
        part = self.schema.value
        if part is not None and isinstance(value, Mapping) and line.target.value_type == _gives(line):
            value = value.get(part)
        line.write(value, over, out)


def _gives(line: LineCode) -> str:
    return {"name": "text", "text": "text", "id": "id"}.get(line.chains[-1].gives, line.chains[-1].gives)


class Unit(FieldCode):
    """A value of parts that stand in lines of their own, decided and written whole."""

    def inline(self) -> Parts | None:
        parts = [(line.target.part, line.simple()) for line in self.lines if line.sees]
        known = [(part, simple) for part, simple in parts if part is not None and simple is not None]
        if not parts or len(known) < len(parts) or self.schema.type == "claims":
            return None
        return Parts(known, _whole_name if self.schema.type == "name" else None)

    def reader(self) -> Reader:
        parts = [(line.target.part, line.read) for line in self.lines if line.sees]
        if not parts:
            return unread
        is_name, value_part = self.schema.type == "name", self.schema.value

        def read(row: Values, faults: Faults) -> Value:
            before = len(faults)
            found: dict[str, Any] = {}
            carried = False
            for part, line in parts:
                value = line(row, faults)
                if value is ABSENT:
                    continue
                carried = True
                if value is None:
                    continue
                if part is None:
                    found.update(value if isinstance(value, dict) else {value_part or "value": value})
                else:
                    found[part] = value
            if len(faults) > before or not carried:
                return ABSENT  # one part that cannot be understood sets the whole aside
            if is_name and found:
                _whole_name(found)
            return found or None

        if self.schema.type == "claims":
            return _claims(self.lines)
        return read

    def write(self, value: Value, over: Values | None, out: dict[str, Any]) -> None:
        if value is None:
            _clear(self.lines, over, out)
            return
        if self.schema.type == "name":
            write_name(self.lines, value, over, out)
            return
        for line in self.lines:
            part = line.target.part
            if part is None:
                line.write(value, over, out)
            elif part in value:
                # What the unit does not tell of, another system's word for the same, is left as it is.
                line.write(value[part], over, out)


def _clear(lines: Sequence[LineCode], over: Values | None, out: dict[str, Any]) -> None:
    """Empty every part that is known to be there; where nothing is known of any, all of them."""
    told = any(line.carried(over) for line in lines)
    for line in [line for line in lines if not told or line.carried(over)]:
        line.write(None, over, out)


def _claims(lines: Sequence[LineCode]) -> Reader:
    """What somebody said of themselves: a fault of one claim leaves the others standing."""
    parts = [(line.target.part or "email", line.target.sets, line.read) for line in lines if line.sees]

    def read(row: Values, faults: Faults) -> Value:
        found: dict[str, Any] = {}
        carried = False
        for part, sets, line in parts:
            value = line(row, faults)
            if value is ABSENT:
                continue
            carried = True
            if value is None:
                continue
            if part == "refs":
                found.setdefault("refs", []).append({**sets, "value": value})
            elif part == "phone" and isinstance(value, tuple):
                found[part] = value[0]
            else:
                found[part] = value
        if "refs" in found:
            found["refs"].sort(key=lambda ref: (ref.get("namespace") or "", ref["value"]))
        return (found or None) if carried else ABSENT

    return read


def _whole_name(found: dict[str, Any]) -> None:
    if "full" not in found:
        composed(found)


def composed(found: dict[str, Any]) -> None:
    """The full form of a name that a side keeps in parts, in the person's own order."""
    parts = [found.get(part) for part in ("given", "additional", "family", "family2")]
    words = [word for word in parts if word]
    if not words:
        return
    joined = " ".join(words)
    order = found.get("order") or names.order(joined)
    if order == "family_first" and found.get("family"):
        given = [word for word in (found.get("given"), found.get("additional")) if word]
        family = [word for word in (found.get("family"), found.get("family2")) if word]
        # Scripts without blanks between words write none between the parts of a name.
        gap = "" if names.script(joined) in ("Hani", "Jpan", "Hira", "Kana") else " "
        joined = gap.join([*family, *given])
    found["full"] = joined


def write_name(lines: Sequence[LineCode], value: Value, over: Values | None, out: dict[str, Any]) -> None:
    """Full where there is a field for it; parts from what is told, else split; a demanded part is filled."""
    open_ = {line.target.part or "full": line for line in lines if line.writes}
    told = dict(value)
    shown = _name_now(lines, over)
    if shown is not None and all(shown.get(part) == told.get(part) for part in open_):
        return
    split = {"given", "family"} & set(open_)
    if split and not (told.get("given") or told.get("family")):
        full = told.get("full")
        if full and shown is not None and shown.get("full") == full:
            return  # it says so already, in parts of its own
        if full:
            told |= names.split(full, told.get("order") or names.order(full))
    for part, other in (("family", "given"), ("given", "family")):
        there = open_.get(part)
        if there is not None and not told.get(part) and _demanded(there):
            told[part] = told.get("full") or told.get(other)
            if told.get(other) == told[part] and part == "family":
                told[other] = None
    for part, one in open_.items():
        if told.get(part) or (part in ("given", "family") and one.carried(over)):
            one.write(told.get(part), over, out)


def _name_now(lines: Sequence[LineCode], over: Values | None) -> dict[str, Any] | None:
    """What the parts that we may write say now."""
    if over is None:
        return None
    found: dict[str, Any] = {}
    for line in lines:
        value = line.now(over) if line.writes else None
        if value is not None and value is not ABSENT:
            found[line.target.part or "full"] = value
    if not found.get("full"):
        found.pop("full", None)
        composed(found)
    return found or None


def _demanded(line: LineCode) -> bool:
    info = line.chains[0].place.info if line.chains[0].place is not None else None
    return "*" in line.line.prefixes or (info is not None and info.required)


# -- sets and references ----------------------------------------------------------------------------------------

# Types that say only how a number is used; the others (mobile, fax) say what it is.
_GENERAL: Final = frozenset({"work", "main", "other", None})
_BARRED: Final = frozenset({"fax", "assistant"})  # never where another type is expected


class Slot(Struct, eq=False):
    """A line of a set: one element, or several; with further lines for parts of that element."""

    code: LineCode
    many: bool
    parts: list[LineCode] = []

    @property
    def sets(self) -> Mapping[str, Any]:
        return self.code.target.sets

    @property
    def leads_to(self) -> str | None:
        return next((step.leads_to for chain in self.code.chains for step in chain.steps if step.leads_to), None)


class SetCode(FieldCode):
    """Elements with keys, gathered from slots and lists. A reference is one, also where only one is allowed."""

    def __init__(self, schema: Field, lines: Sequence[LineCode]) -> None:
        super().__init__(schema, lines)
        self._slots = [Slot(line, _is_many(line)) for line in lines if line.target.part is None]
        for line in lines:
            if line.target.part is not None:
                slot = next((s for s in self._slots if s.code.target.selector == line.target.selector), None)
                if slot is not None:
                    slot.parts.append(line)
        self._key: tuple[str, ...] = ("stream", "id", "role") if schema.refers else schema.key

    def orphans(self) -> list[LineCode]:
        """Lines for a part of an element that no line gives."""
        known = {id(part) for slot in self._slots for part in slot.parts}
        return [line for line in self.lines if line.target.part is not None and id(line) not in known]

    # reading

    def reader(self) -> Reader:
        slots = [slot for slot in self._slots if slot.code.sees]
        if not slots:
            return unread
        builders = [
            (slot.code.read, self._builder(slot), [(part.target.part, part.read) for part in slot.parts if part.sees])
            for slot in slots
        ]
        if len(builders) == 1 and not builders[0][2]:
            line, finish = builders[0][0], self._finisher(slots[0])
            return line if finish is None else lambda row, faults: finish(line(row, faults))

        def read(row: Values, faults: Faults) -> Value:
            before = len(faults)
            carried = False
            elements: list[Value] = []
            for line, build, parts in builders:
                value = line(row, faults)
                if value is ABSENT:
                    continue
                carried = True
                if value is None:
                    continue
                for element in build(value):
                    for part, read_part in parts:
                        told = read_part(row, faults)
                        if told is not None and told is not ABSENT:
                            element[part] = told
                    elements.append(element)
            if elements:
                return elements if len(elements) == 1 else self._in_order(elements)
            return None if carried and len(faults) == before else ABSENT

        return read

    def _in_order(self, elements: Sequence[Value]) -> list[Value]:
        """By their keys, of each the first."""
        keyed: dict[Any, Value] = {}
        for element in elements:
            keyed.setdefault(self.key_of(element), element)
        return [keyed[key] for key in sorted(keyed)]

    def inline(self) -> Inline | None:
        slots = [slot for slot in self._slots if slot.code.sees]
        if len(slots) != 1 or any(part.sees for part in slots[0].parts):
            return self._in_line(slots)
        told = slots[0].code.simple()
        if told is None:
            return self._in_line(slots)
        finish = self._finisher(slots[0])
        if finish is None:
            return told
        return told._replace(step=alone_in_list(told.step, finish))

    def _in_line(self, slots: Sequence[Slot]) -> Slots | None:
        """Several slots, or one with parts of its own."""
        found: list[InLine] = []
        for slot in slots:
            parts = [(part.target.part, part.simple()) for part in slot.parts if part.sees]
            known = [(part, simple) for part, simple in parts if part is not None and simple is not None]
            simple, whole, build = slot.code.simple(), slot.code.whole(), self._builder(slot)
            if len(known) < len(parts) or (simple is None and whole is None):
                return None
            if simple is not None:
                found.append(InLine(simple._replace(step=_built(simple.step, build), fresh=bool(known)), known))
            elif isinstance(whole, Several):
                found.append(InLine(whole._replace(step=_built(whole.step, build)), known))
            elif whole is not None:
                found.append(InLine(_built(whole, build), known))
        return Slots(found, self._in_order) if found else None

    def _finisher(self, slot: Slot) -> Callable[[Value], Value] | None:
        """The elements of what one line gives, where it is the only one; None: they stand ready."""
        if slot.many and not slot.sets and any(chain.gives in ("emails", "phones") for chain in slot.code.chains):
            return None
        build, sets, part = self._builder(slot), dict(slot.sets), self.schema.value or "value"
        if not self.schema.parts:

            def texts(value: Value) -> Value:
                if type(value) is list:
                    return value if len(value) < 2 else sorted(set(value), key=str)
                return value if value is None or value is ABSENT else [value]

            return texts

        def finish(value: Value) -> Value:
            kind = type(value)  # most lines give one text, or one element: there is no order to bring them into
            if kind is str:
                return [{part: value, **sets}]
            if kind is list and len(value) == 1 and type(value[0]) is dict:
                return [{**value[0], **sets}]
            if value is None or value is ABSENT:
                return value
            elements = build(value)
            return self._in_order(elements) if len(elements) > 1 else elements or None

        return finish

    def key_of(self, element: Value) -> Any:
        if not self._key or not isinstance(element, dict):
            return str(element)
        get = element.get
        return tuple([str(part) if (part := get(name)) is not None else "" for name in self._key])

    def _builder(self, slot: Slot) -> Callable[[Value], list[Value]]:
        """Elements of what a line reads."""
        sets, part = dict(slot.sets), self.schema.value or "value"
        if not self.schema.parts:
            return lambda value: list(value) if isinstance(value, list) else [value]
        if self.schema.type == "phone":

            def phones(value: Value) -> list[Value]:
                if type(value) is tuple and value[1] is None:
                    return [{"number": value[0], **sets}]  # as most are, without an extension
                if isinstance(value, tuple):
                    return [_phone(value, sets)]
                return [_phone(one, sets) if isinstance(one, tuple) else {**one, **sets} for one in value]

            return phones

        def build(value: Value) -> list[Value]:
            # What a function made is nobody else's: it is added to in place.
            if type(value) is list:
                for n, one in enumerate(value):
                    if type(one) is dict:
                        one.update(sets)
                    else:
                        value[n] = {part: one, **sets}
                return value
            return [{**value, **sets}] if isinstance(value, dict) else [{part: value, **sets}]

        return build

    # writing

    def write(self, value: Value, over: Values | None, out: dict[str, Any]) -> None:
        if not value and over is None:
            for line in self.lines:
                line.write(None, None, out)
            return
        wanted = {self.key_of(element): element for element in value or ()}
        singles = [slot for slot in self._slots if not slot.many and slot.code.writes]
        lists = [slot for slot in self._slots if slot.many and slot.code.writes]
        if self.schema.refers:
            self._write_references(singles, lists, value or [], over, out)
            return
        now = {id(slot): self._now(slot, over) for slot in singles}
        open_slot = any(not slot.sets for slot in lists)
        at_home = {key for key, one in wanted.items() if any(slot.sets and self._fits(slot, one) for slot in lists)}
        placed = self._place(singles, wanted, now, fill=not open_slot, at_home=at_home)
        for slot in singles:
            element = placed.get(id(slot))
            if element is None and self.schema.type == "consent":
                element = self._covering(slot, wanted.values())
            self._write_single(slot, element, now[id(slot)], over, out)
        held = {self.key_of(element) for element in placed.values()}
        for slot in lists:
            mine = self._now_many(slot, over)
            rest = [element for key, element in wanted.items() if key not in held or key in mine]
            rest = [element for element in rest if not slot.sets or self._fits(slot, element) or len(lists) == 1]
            if not rest and not slot.code.carried(over):
                continue  # what it holds is not known, or not understood
            slot.code.write([self._bare(slot, one) for one in rest] or None, over, out)

    def _now(self, slot: Slot, over: Values | None) -> Any:
        """The key of the element that stands in a slot."""
        value = ABSENT if over is None else slot.code.now(over)
        if value is None or value is ABSENT:
            return None
        return self.key_of(self._builder(slot)(value)[0])

    def _now_many(self, slot: Slot, over: Values | None) -> set[Any]:
        value = ABSENT if over is None else slot.code.now(over)
        if value is None or value is ABSENT:
            return set()
        return {self.key_of(element) for element in self._builder(slot)(value)}

    def _place(
        self,
        slots: Sequence[Slot],
        wanted: Mapping[Any, Value],
        now: Mapping[int, Any],
        *,
        fill: bool,
        at_home: set[Any],
    ) -> dict[int, Value]:
        """Which slot holds which element. What stands in one stays there: none is emptied to make room.

        `fill`: the slots are all there is. `at_home`: what a list is just for, which fills no slot of another type.
        """
        placed: dict[int, Value] = {}
        left = dict(wanted)
        for slot in slots:
            if (key := now[id(slot)]) in wanted:
                placed[id(slot)] = wanted[key]
                left.pop(key, None)
        if not fill:
            return placed
        order = list(self.schema.selectors)
        ranked = sorted(
            left.values(),
            key=lambda one: (
                not (isinstance(one, dict) and one.get("primary")),
                order.index(one["type"]) if isinstance(one, dict) and one.get("type") in order else len(order),
                (one.get("rank") or 0) if isinstance(one, dict) else 0,
                self.key_of(one),
            ),
        )
        preferred = [one for one in ranked if isinstance(one, dict) and one.get("primary")]
        self._fill(slots, preferred, placed, exact=True)
        self._fill(slots, [one for one in preferred if one not in placed.values()], placed, exact=False)
        rest = [one for one in ranked if one not in preferred]
        self._fill(slots, rest, placed, exact=True)
        free = [one for one in rest if one not in placed.values()]
        self._fill(slots, [one for one in free if self.key_of(one) not in at_home], placed, exact=False)
        first = [slot for slot in slots if slot.sets.get("primary")]
        self._fill(first, [one for one in free if one not in placed.values()], placed, exact=False)
        return placed

    def _fill(self, slots: Sequence[Slot], elements: Sequence[Value], placed: dict[int, Value], *, exact: bool) -> None:
        for element in elements:
            for slot in slots:
                if id(slot) in placed:
                    continue
                if self._fits(slot, element) if exact else self._takes(slot, element):
                    placed[id(slot)] = element
                    break

    def _fits(self, slot: Slot, element: Value) -> bool:
        """Is it just what the slot is for?"""
        if not slot.sets:
            return not isinstance(element, dict) or not self.schema.selector
        return isinstance(element, dict) and all(element.get(name) == said for name, said in slot.sets.items())

    def _takes(self, slot: Slot, element: Value) -> bool:
        """May it stand there, though the slot is called otherwise?"""
        if not isinstance(element, dict) or any(name in self.schema.key for name in slot.sets):
            return False
        if self.schema.type != "phone":
            return True
        return slot.sets.get("type") in _GENERAL and element.get("type") not in _BARRED

    def _covering(self, slot: Slot, elements: Any) -> Value:
        """A denial of any channel or purpose denies what lies under it."""
        for element in elements:
            denied = element.get("status") in ("denied", "withdrawn") and not element.get("scope")
            if denied and all(element.get(name) in (said, "any") for name, said in slot.sets.items()):
                return {**element, **slot.sets}
        return None

    def _write_single(self, slot: Slot, element: Value, now: Any, over: Values | None, out: dict[str, Any]) -> None:
        if element is None and now is None and not slot.code.carried(over):
            return  # what it holds is not known, or not understood
        slot.code.write(None if element is None else self._bare(slot, element), over, out)
        for part in slot.parts if over is not None or element is not None else ():
            if element is None:
                part.write(None, over, out)
            elif isinstance(element, dict) and part.target.part in element:
                part.write(element[part.target.part], over, out)

    def _bare(self, slot: Slot, element: Value) -> Value:
        """An element as the line's functions know it."""
        if not isinstance(element, dict):
            return element
        gives = slot.code.chains[-1].gives
        if gives in ("emails", "phones", "address", "ref", "phone") or self.schema.type == "phone":
            return element
        return element.get(self.schema.value) if self.schema.value else element

    def _write_references(
        self, singles: Sequence[Slot], lists: Sequence[Slot], elements: Sequence[Value], over: Values | None,
        out: dict[str, Any],
    ) -> None:  # fmt: skip
        left = list(elements)
        for slot in singles:
            mine = [one for one in left if slot.leads_to in ("any", one.get("stream"))]
            roles = {name: said for name, said in slot.sets.items() if name != "primary"}
            mine = [one for one in mine if all(one.get(name) == said for name, said in roles.items())]
            chosen = self._chosen(slot, mine, over)
            if chosen is not None:
                left.remove(chosen)
            elif not slot.code.carried(over):
                continue
            slot.code.write(chosen, over, out)
        for slot in lists:
            mine = [one for one in left if slot.leads_to in ("any", one.get("stream"))]
            if mine or slot.code.carried(over):
                slot.code.write(mine or None, over, out)

    def _chosen(self, slot: Slot, elements: Sequence[Value], over: Values | None) -> Value:
        """One slot gets the primary one; among several equals the one that stands there stays."""
        if not elements:
            return None
        standing = slot.code.now(over) if over is not None else None
        keys = {(one["stream"], one["id"]) for one in standing} if isinstance(standing, list) else set()
        ranked = sorted(
            elements,
            key=lambda one: (not one.get("primary"), (one["stream"], one["id"]) not in keys, one["stream"], one["id"]),
        )
        return ranked[0]


def _built(read: Callable[[Any], Value], build: Callable[[Value], list[Value]]) -> Callable[[Any], Value]:
    """The elements of what is read."""

    def elements(raw: Any) -> Value:
        value = read(raw)
        return value if value is None or value is ABSENT else build(value)

    return elements


def _phone(value: tuple[str, str | None], sets: Mapping[str, Any]) -> dict[str, Any]:
    number, extension = value
    return {"number": number, **sets} if extension is None else {"number": number, "extension": extension, **sets}


_LISTS: Final = frozenset({"emails", "phones", "list", "multi"})


def _is_many(line: LineCode) -> bool:
    """Does the line hold a list? By its functions, else by what the catalogue says of the field."""
    for chain in line.chains:
        if chain.gives in _LISTS or any(step.gives in ("emails", "phones", "list") for step in chain.steps):
            return True
        info = chain.place.info if chain.place is not None and chain.place.whole else None
        if info is not None and info.type in ("multi", "emails", "phones"):
            return True
        if (
            line.target.field.refers
            and chain.place is not None
            and any(step.gives == "ref" and step.write is None for step in chain.steps)
        ):
            return True
    shape: Literal["unit", "set"] = line.target.field.shape
    return shape == "set" and line.target.selector is None and _any(line)


def _any(line: LineCode) -> bool:
    """A set without selector from a field of unknown form: a list, as far as anybody knows."""
    return all(chain.place is not None and chain.place.info is None for chain in line.chains)
