"""One line of a mapping as functions: reading a row's value, writing it back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from mapping.compile.model import MappingFault, ValueFault, Values
from mapping.compile.paths import Place, Places, UnknownPath
from mapping.compile.wire import wire
from mapping.conditions import Row, Test, compiled, parse_condition, paths_of
from mapping.functions import answers, lists
from mapping.functions.lists import each_of
from mapping.functions.picklists import folded, picklist
from mapping.functions.registry import (
    ANY,
    FUNCTIONS,
    SKIP,
    ArgumentFault,
    Function,
    Made,
    Partly,
    Write,
    taking,
    word,
)
from mapping.functions.scalars import as_is, body_of_clean, chosen, option
from mapping.functions.units import bare_amount
from mapping.language import (
    Alternative,
    Argument,
    Call,
    Constant,
    Line,
    Path,
    SyntaxFault,
    nearest,
    parse,
    parse_path,
)
from mapping.normalise import Misfit
from mapping.normalise.text import clean
from mapping.schema import Target
from mapping.values import ABSENT, Value


class Faults(Struct):
    """Every fault of one stream, in the order in which they are found."""

    found: list[MappingFault] = field(default_factory=list)

    def add(self, line: Line, code: str, text: str, hint: str, *, offset: int = 0, width: int = 1) -> None:
        self.found.append(MappingFault(code=code, text=text, hint=hint, place=line.place.after(offset), width=width))

    def at_target(self, line: Line, code: str, text: str, hint: str) -> None:
        width = max(1, len(line.target))
        self.found.append(MappingFault(code=code, text=text, hint=hint, place=line.target_place, width=width))


class LeftOut(Exception):  # noqa: N818 # no failure: this account does not have the field
    """A default line names what this account does not have."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Faulty(Exception):  # noqa: N818 # it has been told already
    """A line has a fault; it was added to the faults."""


class Stream(Struct, frozen=True):
    """What all lines of a stream are compiled among."""

    kind: str
    name: str
    vendor_label: str
    connection: str
    places: Places
    zone: str
    region: str | None
    currency: str | None
    currency_doubted: bool
    lookups: Mapping[str, Mapping[str, str]]

    @property
    def nouns(self) -> str:
        """ "Pipedrive persons"."""
        return f"{self.vendor_label} {self.name}"


class Setting(Struct):
    """What one alternative's functions are made among (`functions.registry.Around`)."""

    stream: Stream
    line: Line
    target: str
    type: str
    codes: Sequence[str]
    place: Place | None
    spots: list[Place] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.stream.kind

    @property
    def vendor(self) -> str:
        return self.stream.vendor_label.casefold()

    @property
    def zone(self) -> str:
        return self.stream.zone

    @property
    def region(self) -> str | None:
        return self.stream.region

    @property
    def currency(self) -> str | None:
        return self.stream.currency

    @property
    def currency_doubted(self) -> bool:
        return self.stream.currency_doubted

    @property
    def lookups(self) -> Mapping[str, Mapping[str, str]]:
        return self.stream.lookups

    @property
    def source(self) -> str:
        return "" if self.place is None else self.place.name

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        info = None if self.place is None or not self.place.whole else self.place.info
        return () if info is None else info.options

    @property
    def open(self) -> bool:
        return self.place is not None and self.place.info is not None and self.place.info.open

    @property
    def refers_to(self) -> str | None:
        return None if self.place is None or self.place.info is None else self.place.info.refers_to

    @property
    def of_row(self) -> bool:
        return self.place is not None and not self.place.steps

    def spot(self, argument: Argument) -> Place:
        place = self.stream.places.place(self._path(argument))
        self.spots.append(place)
        return place

    @property
    def field_type(self) -> str:
        info = None if self.place is None or not self.place.whole else self.place.info
        return "" if info is None else info.type

    def within(self, argument: Argument) -> Place:
        if self.place is None:
            return self.spot(argument)
        place = self.stream.places.within(self.place, self._path(argument))
        self.spots.append(place)
        return place

    def maybe_spot(self, argument: Argument) -> Place | None:
        try:
            return self.spot(argument)
        except UnknownPath:
            if self.line.operator:
                raise
            return None

    def test(self, argument: Argument, text: str | None = None) -> Test:
        condition = parse_condition(argument.text if text is None else text, offset=argument.offset)
        for path in paths_of(condition):
            self.stream.places.place(path)
        return compiled(condition, self._resolve)

    def make(self, argument: Argument) -> Made:
        call = parse(f"x | {argument.text}").alternatives[0].calls[0]
        known = FUNCTIONS.get(call.name)
        if known is None:
            near = nearest(call.name, FUNCTIONS)
            hint = f"did you mean {near[0]!r}?" if near else "name a function"
            raise ArgumentFault(f"there is no function {call.name!r}", hint, argument, code="CW108")
        return known.make(call.arguments, self)

    def _resolve(self, path: Path) -> tuple[Any, Mapping[str, str]]:
        place = self.stream.places.place(path)
        info = place.info if place.whole else None
        return place.get, {folded(label): key for key, label in (info.options if info else ())}

    def _path(self, argument: Argument) -> Path:
        if argument.quoted:
            return parse_path(
                '"' + argument.text.replace("\\", "\\\\").replace('"', '\\"') + '"', offset=argument.offset
            )
        return parse_path(argument.text, offset=argument.offset)


class Chain(Struct):
    """One alternative: where the value stands and what is done with it."""

    place: Place | None
    constant: str | None
    steps: list[Made]
    gives: str
    wire: Write
    spots: tuple[Place, ...]
    missing: Value = ABSENT

    @property
    def writable(self) -> bool:
        if self.place is None or not all(step.write is not None or step.beside is not None for step in self.steps):
            return False
        if self.only_beside or not self.place.steps:
            return self.only_beside and all(spot.write for spot in self.spots)
        return self.place.write

    @property
    def only_beside(self) -> bool:
        """Is nothing written at `place` itself?"""
        return any(step.only_beside for step in self.steps)

    def raw(self, row: Row) -> Value:
        return self.constant if self.place is None else self.place.get(row)

    def read(self, row: Row) -> Value:
        """Raises Misfit or Partly at the first step that cannot."""
        value = self.raw(row)
        for step in self.steps:
            if value is ABSENT:
                return ABSENT
            if value is None and not step.sees_none:
                continue
            if step.read is not None:
                value = step.read(value)
            elif step.read_in is not None:
                value = step.read_in(value, row)
        return value

    def stages(self, row: Row, faults: list[tuple[str, Value]] | None = None) -> list[Value]:
        """What stands before each step and behind the last; ABSENT from the step on that cannot."""
        value = self.raw(row)
        stages = [value]
        for step in self.steps:
            if value is ABSENT or (value is None and not step.sees_none):
                stages.append(value)
                continue
            try:
                if step.read is not None:
                    value = step.read(value)
                elif step.read_in is not None:
                    value = step.read_in(value, row)
            except Misfit as misfit:
                if faults is not None:
                    faults.append((misfit.want, stages[0] if self.place is None or self.place.steps else value_of(row)))
                value = ABSENT
            except Partly as partly:
                if faults is not None:
                    faults.extend(partly.faults)
                # A list that is empty only because nothing in it was understood says nothing.
                value = ABSENT if partly.value is None else partly.value
            stages.append(value)
        return stages

    def encode(self, value: Value, over: Values | None) -> Value:
        """The raw value that stands for this one at `place`; SKIP where this side cannot be told."""
        stages = [ABSENT] * (len(self.steps) + 1) if over is None else self.stages(over)
        for step, was in zip(reversed(self.steps), reversed(stages[:-1]), strict=True):
            if step.write is not None:
                value = step.write(value, was)
                if value is SKIP:
                    return SKIP
        return self.wire(value, stages[0])

    def beside(self, value: Value, over: Values | None) -> list[tuple[Place, Value]]:
        """Further places that a function writes."""
        found: list[tuple[Place, Value]] = []
        for step in self.steps:
            if step.beside is not None:
                found += step.beside(value, over or {})  # type: ignore[arg-type] # a Spot of ours is a Place
        return found


def value_of(row: Row) -> Value:
    """The row itself is the value of a line that begins with @: too much for a finding."""
    return None


# The sort that a chain gives -> types of a target that it fits as it stands.
_FITS: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"text", "id"}),
    "name": frozenset({"text"}),
    "id": frozenset({"id", "text"}),
    "int": frozenset({"int"}),
    "date": frozenset({"date", "when", "partial_date"}),
    "at": frozenset({"at", "when"}),
    "when": frozenset({"when"}),
    "email": frozenset({"email", "text"}),
    "url": frozenset({"url", "text"}),
    "domain": frozenset({"domain", "text"}),
    "country": frozenset({"country", "text"}),
    "lang": frozenset({"lang", "text"}),
    "tz": frozenset({"tz", "text"}),
    "json": frozenset({"json"}),
}
# Sorts of whole values that a field takes without more ado: (sort, type of the field).
_WHOLE: Final = frozenset({("emails", "email"), ("phones", "phone"), ("answers", "answer")})
# Sorts that are a bare amount, or may be one.
_AMOUNTS: Final = frozenset({"any", "text", "int", "number", "decimal"})
# What makes a target's type of a raw value, where the line does not say.
_IMPLICIT: Final[Mapping[str, str]] = {
    "text": "text", "id": "id", "int": "int", "decimal": "decimal", "percent": "share", "bool": "bool", "date": "day",
    "at": "at", "when": "when", "partial_date": "partial_date", "money": "money", "email": "email", "phone": "phone",
    "url": "url", "domain": "domain", "country": "country", "lang": "lang", "tz": "tz", "body": "body", "tags": "text",
    "json": "json", "address": "address", "ref": "ref",
}  # fmt: skip
# What a custom field is, by what its line gives.
_CUSTOM: Final[Mapping[str, str]] = {
    "int": "int", "number": "decimal", "decimal": "decimal", "percent": "percent", "bool": "bool", "date": "date",
    "datetime": "when", "at": "at", "when": "when", "partial_date": "partial_date", "money": "money", "multi": "tags",
    "list": "tags", "email": "email", "phone": "phone", "url": "url", "domain": "domain", "country": "country",
    "lang": "lang", "tz": "tz", "body": "body", "json": "json",
}  # fmt: skip


class ChainMaker:
    """Makes the chains of one line."""

    def __init__(self, stream: Stream, line: Line, faults: Faults) -> None:
        self._stream, self._line, self._faults = stream, line, faults

    def source_sort(self, alternatives: Sequence[Alternative]) -> str:
        """The type of a custom field, by what its first alternative gives."""
        first = alternatives[0]
        gives = "text" if isinstance(first.source, Constant) else self._place(first.source).sort
        for call in first.calls:
            known = FUNCTIONS.get(call.name)
            if call.name == "not" and not call.arguments:
                gives = "bool"
            elif known is not None and known.gives == "option":
                gives = "list" if gives == "multi" else "text"
            elif known is not None and known.gives != "same":
                gives = known.gives
        return _CUSTOM.get(gives, "text")

    def chain(self, alternative: Alternative, target: Target) -> Chain:
        """Raises LeftOut or Faulty."""
        place = None if isinstance(alternative.source, Constant) else self._place(alternative.source)
        called = target.field.name if target.part is None else f"{target.field.name}.{target.part}"
        setting = Setting(self._stream, self._line, called, target.value_type, target.codes, place)
        steps: list[Made] = []
        sort = "text" if place is None else place.sort
        ready = False  # in a common form; what a vendor sends is not, whatever its catalogue calls it
        first = FUNCTIONS.get(alternative.calls[0].name) if alternative.calls else None
        if setting.options and sort in ("choice", "multi") and not self._takes_options(first, target):
            steps.append(option(setting.options, takes_others=setting.open)._replace(name="option"))
            sort = "list" if sort == "multi" else "text"
            ready = True
        for call in alternative.calls:
            made, sort = self._step(call, sort, setting)
            steps.append(made)
            ready = ready if made.gives == "same" else made.gives != "any"
        if self._line.values is not None:
            made = self._values(setting)._replace(name="values")
            several = target.field.shape == "set" and target.part is None and not target.element
            steps.append(_spread(made) if several else made)
            sort = "list" if several else "choice" if target.type == "choice" else "text"
            ready = True
        sort = self._fit(steps, sort, target, setting, alternative, ready=ready)
        spots = tuple(setting.spots)
        return Chain(
            place, alternative.source.value if isinstance(alternative.source, Constant) else None, steps, sort,
            wire(place, self._stream.zone) if place is not None else as_is, spots,
        )  # fmt: skip

    def steps_only(self, place: Place | None, constant: str | None, calls: Sequence[Call]) -> Chain:
        """A chain without a target: whatever its functions give is taken. Raises LeftOut or Faulty."""
        setting = Setting(self._stream, self._line, self._line.bare, "any", (), place)
        steps: list[Made] = []
        sort = "text" if place is None else place.sort
        for call in calls:
            made, sort = self._step(call, sort, setting)
            steps.append(made)
        return Chain(place, constant, steps, sort, as_is, tuple(setting.spots))

    def _takes_options(self, first: Function | None, target: Target) -> bool:
        if self._line.values is not None and first is None:
            return True
        if first is None:
            return target.value_type in ("choice", "id") or target.type in ("ref", "consent")
        return first.by_option or first.name in ("id", "ref", "ref_by", "filled", "case", "json", "int",
                                                 "decimal", "sf_id", "if", "unless", "score")  # fmt: skip

    def _place(self, path: Path) -> Place:
        try:
            return self._stream.places.place(path)
        except UnknownPath as unknown:
            raise self._unknown(unknown, path.offset, len(path.text)) from None

    def _unknown(self, unknown: UnknownPath, offset: int, width: int) -> Exception:
        if not self._line.operator:
            return LeftOut(unknown.text)
        where = self._stream
        hint = f"crosswalk discover {where.connection}/{where.name}; a field hidden from this user looks the same"
        if unknown.several:
            text = f"{where.nouns} have several fields {unknown.text!r}"
            hint = f"use the key of the one you mean: {', '.join(unknown.several)}"
        else:
            text = f"{where.nouns} have no field {unknown.text!r}"
            if unknown.near:
                hint = f"did you mean {unknown.near[0]!r}?  {hint}"
        self._faults.add(self._line, "CW106", text, hint, offset=offset, width=width)
        return Faulty()

    def _step(self, call: Call, sort: str, setting: Setting) -> tuple[Made, str]:
        known = FUNCTIONS.get(call.name)
        if known is None:
            near = nearest(call.name, FUNCTIONS)
            hint = f"did you mean {near[0]!r}?" if near else "the functions: " + ", ".join(sorted(FUNCTIONS))
            self._faults.add(self._line, "CW108", f"there is no function {call.name!r}", hint, offset=call.offset,
                             width=len(call.name))  # fmt: skip
            raise Faulty
        self._check_sort(known, sort, call, setting)
        self._check_count(known, call)
        made = self._made(known, call, setting)
        if made.gives == "option":
            return made, "list" if sort == "multi" else "text" if sort == "choice" else "any"
        return made, sort if made.gives == "same" else made.gives

    def _check_sort(self, known: Function, sort: str, call: Call, setting: Setting) -> None:
        if sort == "any" or sort in known.takes:
            return
        source = setting.place.label if setting.place is not None else "the constant"
        wanted = "text" if "text" in known.takes else " or ".join(sorted(known.takes - {"any"}))
        fitting = taking(sort)
        self._faults.add(
            self._line, "CW109",
            f"`{self._line.text}`: {known.name} takes {wanted}, {source} is {word(sort)}",
            f"functions that take {word(sort)}: {', '.join(fitting)}" if fitting else "leave the function out",
            offset=call.offset, width=len(call.name),
        )  # fmt: skip
        raise Faulty

    def _check_count(self, known: Function, call: Call) -> None:
        count = len(call.arguments)
        if count >= known.least and (known.most is None or count <= known.most):
            return
        self._faults.add(
            self._line, "CW110", f"{known.name} has {count} argument{'' if count == 1 else 's'}",
            f"write {known.usage}", offset=call.offset, width=len(call.name),
        )  # fmt: skip
        raise Faulty

    def _made(self, known: Function, call: Call, setting: Setting) -> Made:
        try:
            return known.make(call.arguments, setting)._replace(name=known.name)
        except ArgumentFault as fault:
            argument = fault.argument
            offset, width = (call.offset, len(call.name)) if argument is None else (argument.offset, len(argument.text))
            self._faults.add(self._line, fault.code, fault.text, fault.hint, offset=offset, width=width)
        except SyntaxFault as fault:
            self._faults.add(self._line, "CW110", fault.text, fault.hint, offset=fault.offset)
        except UnknownPath as unknown:
            argument = next((one for one in call.arguments if unknown.text in one.text), None)
            offset = call.offset if argument is None else argument.offset + argument.text.index(unknown.text)
            raise self._unknown(unknown, offset, len(unknown.text)) from None
        raise Faulty

    def _values(self, setting: Setting) -> Made:
        """`values` of the long form: their words -> ours."""
        given = dict(self._line.values or {})
        offered = {folded(part) for pair in setting.options for part in pair}
        reads: dict[str, str] = {}
        writes: dict[str, list[str]] = {}
        bad = False
        for theirs, ours in given.items():
            if offered and folded(theirs) not in offered:
                bad = True
                labels = ", ".join(label for _, label in setting.options)
                source = setting.place.label if setting.place is not None else "it"
                self._faults.add(self._line, "CW115", f"{source} offers no option {theirs!r}",
                                 f"it offers: {labels}; add the value there or change `values`")  # fmt: skip
            if setting.type == "choice" and setting.codes and ours not in setting.codes:
                bad = True
                self._faults.add(self._line, "CW115", f"{setting.target} has no value {ours!r}",
                                 f"it has: {', '.join(setting.codes)}")  # fmt: skip
            reads[folded(theirs)] = ours
            writes.setdefault(ours, []).append(theirs)
        if bad:
            raise Faulty
        told = [sorted(reads.items()), self._line.unmapped]
        made = chosen(reads, writes, setting, print_as=told, strict=True)
        if self._line.unmapped == "dead_letter" or made.read is None:
            return made._replace(gives="choice")
        strict, empty = made.read, self._line.unmapped == "empty"
        keep = chosen(reads, writes, setting, print_as=told).read if setting.type == "choice" else None

        def read(raw: Value) -> Value:
            try:
                return strict(raw)
            except Misfit:
                if empty:
                    return None
                return keep(raw) if keep is not None else raw

        return made._replace(read=read, gives="choice")

    def _fit(
        self, steps: list[Made], sort: str, target: Target, setting: Setting, alternative: Alternative, *, ready: bool
    ) -> str:
        """Adds what makes the target's own form of it, where the line does not say."""
        if ready and target.part is None and (sort == target.field.type or (sort, target.field.type) in _WHOLE):
            return sort
        type_ = target.value_type
        if target.type == "consent" and target.part is None:
            return self._misfit(sort, target, setting, "say what grants and what denies: consent(yes, no), optout(yes)")
        if target.type == "score" and target.part is None:
            return self._misfit(sort, target, setting, "name metric and scale: score(nps, 0, 10)")
        if target.field.refers and target.part is None:
            if ready and sort == "ref":
                return sort
            type_ = "ref"
        if target.part is None and target.type in ("money", "address"):
            type_ = target.type
        if target.part is None and sort in ("json", "any", "record", "list") and target.type in ("question", "pair"):
            parts = ("key", "") if target.type == "question" else (*target.field.key[:1], target.field.value or "")
            read = answers.questions if target.type == "question" else lists.pairs_of(*parts)
            steps.append(Made("json", read=read, name=target.type))
            return "json"
        if ready and (type_ in _FITS.get(sort, ()) or sort == type_):
            return sort
        if type_ == "choice":
            return self._choice(steps, sort, target, setting, alternative, ready=ready)
        if type_ == "money" and target.through is not None and setting.currency is None and sort in _AMOUNTS:
            steps.append(bare_amount())
            return type_
        name = "name" if target.field.type == "name" and type_ == "text" else _IMPLICIT.get(type_)
        if name is None:
            return type_
        if ready and sort == "choice" and type_ in ("text", "id", "tags"):
            return type_
        listed = target.field.shape == "set" and target.part is None
        if listed and sort == "list" and not alternative.calls and name in ("email", "phone"):
            # The catalogue's own lists of objects; what a function made is a list of texts.
            steps.append(self._made(FUNCTIONS[f"{name}s"], Call(f"{name}s", (), 0), setting))
            return f"{name}s"
        known = FUNCTIONS[name]
        if not (sort == "any" or sort in known.takes or (listed and sort in ("list", "multi", "json"))):
            return self._misfit(sort, target, setting, f"functions that take {word(sort)}: {', '.join(taking(sort))}")
        made = self._made(known, Call(name, (), 0), setting)
        if name == "body" and steps and steps[-1].read is clean:
            made = made._replace(read=body_of_clean)
        steps.append(_spread(made) if listed and not target.field.refers else made)
        return type_

    def _misfit(self, sort: str, target: Target, setting: Setting, hint: str) -> str:
        source = setting.place.label if setting.place is not None else "the constant"
        self._faults.add(
            self._line, "CW109", f"`{self._line.text}`: {setting.target} takes {word(target.value_type)}, "
            f"{source} is {word(sort)}", hint, width=max(1, len(self._line.text or "")),
        )  # fmt: skip
        raise Faulty

    def _choice(
        self, steps: list[Made], sort: str, target: Target, setting: Setting, alternative: Alternative, *, ready: bool
    ) -> str:
        """Our own codes, and the words of the list that is called like the target."""
        if ready and sort == "choice":
            return sort
        codes = {folded(code): code for code in setting.codes}
        constant = alternative.source if isinstance(alternative.source, Constant) else None
        if constant is not None and not alternative.calls:
            if setting.codes and constant.value not in setting.codes:
                self._faults.add(self._line, "CW109", f"{setting.target} has no value {constant.value!r}",
                                 f"it has: {', '.join(setting.codes)}", offset=constant.offset,
                                 width=len(constant.value))  # fmt: skip
                raise Faulty
            return "choice"
        if sort != "any" and sort not in FUNCTIONS["map"].takes:
            return self._misfit(sort, target, setting, "use map(list), or `values` in the long form")
        names = (setting.target, f"{self._stream.kind}.{setting.target}")
        known = next((found for name in names if (found := picklist(name, setting.vendor)) is not None), None)
        reads = {**(known.reads if known else {}), **codes}
        made = chosen(reads, known.writes if known else {}, setting, print_as=sorted(reads.items()))
        steps.append(made._replace(name="choice"))
        return "choice"


def _spread(made: Made) -> Made:
    """A function of single values that takes a list as well, element by element."""
    read, write = made.read, made.write
    if read is None:
        return made

    def every(raw: Value) -> Value:
        return each_of(raw, read) if isinstance(raw, list) else read(raw)

    def back(wanted: Value, was: Value) -> Value:
        if write is None:
            return SKIP
        if isinstance(wanted, list) and isinstance(was, str):
            return write(wanted[0], was)
        if isinstance(wanted, list):
            told = was if isinstance(was, list) else []
            spelled = {str(_quiet(read, one)): one for one in told}
            return [spelled.get(str(one)) or write(one, ABSENT) for one in wanted] or None
        return write(wanted, was)

    return made._replace(read=every, write=None if write is None else back)


def _quiet(read: Any, raw: Value) -> Value:
    try:
        return read(raw)
    except Misfit:
        return ABSENT


def value_fault(field_name: str, chain: Chain, want: str, got: Value) -> ValueFault:
    return ValueFault(field_name, "the row" if chain.place is None else chain.place.label, want, got)


__all__ = ["ANY", "Chain", "ChainMaker", "Faults", "Faulty", "LeftOut", "Setting", "Stream"]
