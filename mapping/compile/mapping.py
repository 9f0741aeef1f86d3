"""One stream's mapping, compiled once: reading and writing of its fields, and the words that describe its records."""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from mapping.compile.chain import Chain, ChainMaker, Faults, Faulty, LeftOut, Stream
from mapping.compile.fields import FieldCode, LineCode, Plain, Reader, SetCode, Unit, spot_of
from mapping.compile.model import (
    Catalogued,
    Context,
    Described,
    Json,
    MappingError,
    MappingFault,
    State,
    ValueFault,
    Values,
)
from mapping.compile.paths import Place, Places, UnknownPath, laid
from mapping.compile.responses import Responses
from mapping.compile.rows import PARSER, UNREAD, Rows, Spot
from mapping.conditions import Test, compiled, holds, is_filled, parse_condition
from mapping.functions.picklists import folded
from mapping.functions.registry import FUNCTIONS, Partly
from mapping.functions.scalars import as_id
from mapping.language import Argument, Constant, Line, Path, SyntaxFault, arguments, parse
from mapping.language import Place as Mark
from mapping.normalise import Misfit, when
from mapping.schema import ASSOCIATIONS, KINDS, Field, Target, UnknownField, target
from mapping.values import ABSENT, Value

# Raised when normalising changes what it reads: every record is read again from raw.
READING: Final = 2

_BOTH_WAYS: Final = frozenset({"person", "company"})
# An empty answer is no answer: these kinds know no cleared.
_NO_CLEARED: Final = frozenset({"response", "invitation"})
# Which word decides what became of a record, the first that holds.
_STATES: Final[Sequence[tuple[str, State]]] = (
    ("merged_into", "merged"),
    ("deleted", "deleted"),
    ("erased", "deleted"),
    ("converted", "converted"),
    ("archived", "archived"),
)
# Functions that change nothing of what is read.
_ONLY_WRITING: Final = frozenset({"truncate"})


def _parts_that_follow(code: FieldCode) -> frozenset[str]:
    """Parts of a unit that are read and never written, beside some that are written."""
    written = {line.target.part for line in code.lines if line.writes}
    if not written or None in written:
        return frozenset()
    return frozenset(line.target.part for line in code.lines if line.sees and line.target.part) - written


class CompiledMapping:
    """How one stream is read into the common form, and written back.

    Values of hub fields go by their position in `fields`. Read the members as they are; nothing changes them.

    `kind`, `fields`, `schema`   the kind of entity, its fields by name, and by declaration
    `prints`, `fingerprint`      per field and over everything: they change just when reading changes
    `readable`   may the field be a source? What the hub computes is read too, but only to be compared
    `writable`   can it be told to this side?
    `once`       fields that are written once and never changed
    `create_needs`  what a create must have: positions, and names of vendor fields that no line fills
    `left_out`   default lines that this account has no field for
    `follows`    per field the parts that the side makes itself of what is written
    `paused`     positions of fields that the vendor no longer has as they are mapped: neither read anew nor written
    """

    def __init__(
        self,
        *,
        kind: str,
        codes: Sequence[FieldCode],
        words: "Words",
        create_needs: tuple[int | str, ...],
        left_out: tuple[Described, ...],
        responses: Responses | None,
        extra: Sequence[Field],
    ) -> None:
        self.kind = kind
        self.fields: tuple[str, ...] = tuple(code.schema.name for code in codes) + tuple(one.name for one in extra)
        self.schema: tuple[Field, ...] = tuple(code.schema for code in codes) + tuple(extra)
        self._codes = list(codes)
        self._words = words
        self._responses = responses
        self.readable: tuple[bool, ...] = tuple(code.readable for code in codes) + (True,) * len(extra)
        self.writable: tuple[bool, ...] = tuple(code.writable for code in codes) + (False,) * len(extra)
        self.once = frozenset(
            at for at, code in enumerate(codes) if any("!" in line.line.prefixes for line in code.lines)
        )
        self.create_needs = create_needs
        self.left_out = left_out
        self.paused = frozenset(at for at, code in enumerate(codes) if _paused_places(code.lines))
        self._readers: list[Reader] = [_reader_of(code) for code in codes] + [_nothing] * len(extra)
        inline = [
            None if at in self.paused else code.inline() if code.sees else UNREAD for at, code in enumerate(codes)
        ]
        self._no_cleared = kind in _NO_CLEARED
        asks = self._no_cleared or words.where is not None or "alias" in words.chains
        # What was converted is known by its state, and parsed by whoever asks what it became.
        asks = asks or "converted_from" in words.chains or (self.converts and "converted" not in words.chains)
        flags = None if asks else words.flags()
        self._rows = Rows(self._readers, inline + [UNREAD] * len(extra), flags)
        self._leaves = [
            (place.steps, place.dotted) for code in codes for line in code.lines if line.writes for place in line.places
        ]
        self._by_field = [
            [(place.steps, place.dotted) for line in code.lines if line.writes for place in line.places]
            for code in codes
        ]
        self.follows = [_parts_that_follow(code) for code in codes] + [frozenset()] * len(extra)
        self.prints: tuple[bytes, ...] = tuple(self._print(at) for at in range(len(self.fields)))
        told = [READING, kind, [p.hex() for p in self.prints], words.print]
        # Those that tell of conversions are read again once, since what a record became was not kept before.
        self.fingerprint: bytes = _digest([*told, "conversions"] if self.converts else told)

    # -- reading ---------------------------------------------------------------------------------------------------

    def read(self, values: Values) -> tuple[list[Value], list[ValueFault]]:
        """The row in the common form, by position; and what in it cannot be understood."""
        faults: list[ValueFault] = []
        row = self._rows.read(values, faults)
        if self._no_cleared:
            row = [ABSENT if value is None else value for value in row]
            if self._responses is not None:
                self._responses.complete(row, values, faults, self._words.key(values))
        return row, faults

    def read_raw(self, raw: bytes, *, sound: bool = False) -> tuple[list[Value], list[ValueFault], State] | None:
        """`read` and `state` of a record that is JSON, of which no more is parsed than the mapping asks for. `sound`:
        that it is UTF-8 throughout is known.

        None: something in it is broken, or the mapping asks for the whole of it (`where`, `alias`, places of another
        form); whoever parses it gets its values, or is told. One that is read so is within the stream's scope.
        """
        faults: list[ValueFault] = []
        try:
            if not (sound or raw.isascii()):
                raw.decode()  # texts that nobody asks for are not looked at otherwise
            told = self._rows.read_raw(raw, faults)
            if told is None:
                return None
            row, quiet = told
            return row, faults, "live" if quiet else self._words.state(PARSER.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def state(self, values: Values) -> State:
        """What became of the record at its vendor."""
        return self._words.state(values)

    def accepts(self, values: Values) -> bool:
        """Is it within the stream's `where`?"""
        return self._words.accepts(values)

    def key(self, values: Values) -> str | None:
        """The record's id, as the mapping says where it stands; of several parts joined by a slash."""
        return self._words.key(values)

    def modified(self, values: Values) -> str | None:
        return self._words.moment("modified", values)

    def created(self, values: Values) -> str | None:
        return self._words.moment("created", values)

    def survivor(self, values: Values) -> str | None:
        """The id of the record that it was merged into."""
        return self._words.one("merged_into", values)

    @property
    def converts(self) -> bool:
        """May a record tell what it was converted to, or what it came of?"""
        return not self._words.chains.keys().isdisjoint(("converted_to", "converted_from"))

    @property
    def becomes_others(self) -> bool:
        """May a record tell what it was converted to? What it became does not tell of it, then."""
        return "converted_to" in self._words.chains

    def conversions(self, values: Values) -> tuple[str, ...]:
        """Ids of the records that it was converted to, and of the one that it came of."""
        return (*self._words.several("converted_to", values), *self._words.several("converted_from", values))

    @property
    def has_aliases(self) -> bool:
        """May a record answer to further ids?"""
        return "alias" in self._words.chains

    def aliases(self, values: Values) -> tuple[str, ...]:
        """Further ids that it answers to."""
        return self._words.several("alias", values)

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, wanted: Mapping[int, Value], *, over: Values | None, create: bool = False) -> dict[str, Json]:
        """These values in the vendor's shape, nested by path; null clears.

        `over` is the record as last seen: what says the same already keeps its spelling and is left out, lists keep
        the elements that are not ours. Without it (and for a create) everything is told that is there to tell.
        """
        out: dict[str, Json] = {}
        for at, value in wanted.items():
            if value is ABSENT or not self.writable[at]:
                continue
            if create or over is None:
                self._codes[at].write(value, None, out)
            elif self._readers[at](over, []) != value:  # a difference of form alone is never written
                self._codes[at].write(value, over, out)
        return _without_nulls(out) if create else out

    def laid(self, over: Values | None, written: Values) -> dict[str, Json]:
        """The record as it will stand once this was written over it."""
        return laid(over, written, self._leaves)

    def shown(self, at: int, value: Value, *, over: Values | None) -> Value:
        """What this side can show of a value: read(write(value)) of that field, laid over the record as last seen.

        Parts that it makes itself of what is written (Pipedrive splits a name) are taken to follow the value; of a
        field that is never written nothing can come back as something else, and of one that is never read what is
        written stands there.
        """
        if value is ABSENT:
            return ABSENT
        now = ABSENT if over is None else self._readers[at](over, [])
        if now == value:
            told = now
        elif not self.writable[at]:
            told = value
        else:
            out: dict[str, Json] = {}
            self._codes[at].write(value, over, out)
            if out and not self._codes[at].sees:
                return value
            told = self._readers[at](laid(over, out, self._by_field[at]), []) if out else now
            if out and self.follows[at] and isinstance(told, dict) and isinstance(value, dict):
                own = {part: one for part, one in told.items() if part not in self.follows[at]}
                told = own | {part: one for part, one in value.items() if part in self.follows[at]}
        return ABSENT if told is None and self._no_cleared else told

    # -- for people ------------------------------------------------------------------------------------------------

    def label(self, at: int) -> str:
        """What the vendor's people call the field or fields of this one."""
        if at >= len(self._codes):
            return self.fields[at]
        labels = [label for line in self._codes[at].lines for label in line.labels]
        return ", ".join(dict.fromkeys(labels)) or self.fields[at]

    def source(self, at: int) -> Mark | None:
        """Where its line stands: the operator's first, else the default's."""
        if at >= len(self._codes):
            return None
        lines = sorted(self._codes[at].lines, key=lambda line: not line.line.operator)
        return lines[0].line.place

    def unseen(self, rows: Sequence[Values]) -> list[tuple[str, str, Mark]]:
        """Of the operator's lines those that say nothing of any of these rows, since none has such a key: the hub's
        field, what the vendor's people call theirs, and where the line stands."""
        found = []
        for line in (line for code in self._codes for line in code.lines if line.sees and line.line.operator):
            places = line.places
            if places and all(place.get(row) is ABSENT for place in places for row in rows):
                found.append((line.line.bare, ", ".join(line.labels), line.line.place))
        return found

    def is_default(self, at: int) -> bool:
        """Does no line of it come from the operator?"""
        return at >= len(self._codes) or not any(line.line.operator for line in self._codes[at].lines)

    def describe(self) -> list[Described]:
        """Every line, in order: for `discover` and for plans."""
        return [_described(line) for code in self._codes for line in code.lines] + list(self.left_out)

    def _print(self, at: int) -> bytes:
        if at >= len(self._codes):
            told: Any = self._responses.print if self._responses is not None else None
        else:
            told = [line.print for line in self._codes[at].lines if line.sees]
            if self._responses is not None and self.fields[at] in self._responses.fills:
                told = [told, self._responses.print]
        return _digest([self.fields[at], self._words.missing, self._no_cleared, told])


def _paused_places(lines: Sequence[LineCode]) -> list[Place]:
    chains = [chain for line in lines for chain in line.chains]
    return [chain.place for chain in chains if chain.place is not None and chain.place.paused]


def _reader_of(code: FieldCode) -> Reader:
    """A field of several places is read only while all of them say something: half of it would pass for an edit."""
    read, paused = code.reader(), _paused_places(code.lines)
    if not paused:
        return read

    def whole(row: Values, faults: list[ValueFault]) -> Value:
        return ABSENT if any(place.get(row) is ABSENT for place in paused) else read(row, faults)

    return whole


def _nothing(row: Values, faults: list[ValueFault]) -> Value:
    """A field that the survey fills."""
    return ABSENT


def _missing(row: Values) -> Value:
    return ABSENT


def _without_nulls(values: Mapping[str, Json]) -> dict[str, Json]:
    """A create tells nothing of what is empty."""
    told: dict[str, Json] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            if inner := _without_nulls(value):
                told[name] = inner
        elif value is not None:
            told[name] = value
    return told


def _digest(told: Any) -> bytes:
    return blake2b(json.dumps(told, sort_keys=True, ensure_ascii=False, default=str).encode(), digest_size=16).digest()


def _described(line: LineCode) -> Described:
    direction: Literal["read", "write", "both", "none"] = (
        "both" if line.reads and line.writes else "read" if line.reads else "write" if line.writes else "none"
    )
    names = tuple(dict.fromkeys(place.name for place in line.places))
    return Described(
        line.line.bare, line.line.text or "", line.target.field.name, direction, not line.line.operator,
        line.line.place, names,
    )  # fmt: skip


# -- the words that describe a record -------------------------------------------------------------------------------


class Words(Struct):
    """`key`, `modified`, `deleted`, `where` and the others, ready."""

    zone: str
    missing: bool = False
    where: Test | None = None
    chains: dict[str, list[list[Chain]]] = field(default_factory=dict)  # word -> its parts, each with alternatives
    print: Any = None
    _flags: list[tuple[Callable[[Values], Value], State]] = field(default_factory=list)

    def accepts(self, values: Values) -> bool:
        return self.where is None or self.where(values)

    def key(self, values: Values) -> str | None:
        parts = self.several("key", values)
        whole = self.chains.get("key", [])
        return "/".join(parts) if whole and len(parts) == len(whole) else None

    def one(self, word: str, values: Values) -> str | None:
        found = self.several(word, values)
        return found[0] if found else None

    def several(self, word: str, values: Values) -> tuple[str, ...]:
        found = []
        for alternatives in self.chains.get(word, ()):
            told = _as_key(_first(alternatives, values))
            if told is not None:
                found.append(told)
        return tuple(found)

    def moment(self, word: str, values: Values) -> str | None:
        for alternatives in self.chains.get(word, ()):
            raw = _first(alternatives, values)
            try:
                return when.instant(raw, self.zone)
            except Misfit:
                return None
        return None

    def settle(self) -> None:
        """Once all words are known: the flags in the order in which they decide, each as a function of the row."""
        for word, state in _STATES:
            for alternatives in self.chains.get(word, ()):
                self._flags.append((_plainly(alternatives), state))

    def flags(self) -> list[Spot] | None:
        """The places of the flags: where nothing stands in any of them the record is live. None: they are others."""
        spots = []
        for word, _ in _STATES:
            for alternatives in self.chains.get(word, ()):
                place = _plain_place(alternatives)
                spots.append(None if place is None else spot_of(place, None if self.missing else ABSENT))
        known = [spot for spot in spots if spot is not None]
        return known if len(known) == len(spots) else None

    def state(self, values: Values) -> State:
        for read, state in self._flags:
            raw = read(values)
            if raw is not None and raw is not False and raw is not ABSENT and holds(raw):
                return state
        return "live"


def _plainly(alternatives: Sequence[Chain]) -> Callable[[Values], Value]:
    """A flag that is just one field is looked up; of all others the first that is filled."""
    place = _plain_place(alternatives)
    return (lambda values: _first(alternatives, values)) if place is None else place.get


def _plain_place(alternatives: Sequence[Chain]) -> Place | None:
    return alternatives[0].place if len(alternatives) == 1 and not alternatives[0].steps else None


def _first(alternatives: Sequence[Chain], values: Values) -> Value:
    for chain in alternatives:
        try:
            told = chain.read(values)
        except (Misfit, Partly):
            continue
        if is_filled(told):
            return told
    return None


def _as_key(raw: Value) -> str | None:
    try:
        return as_id(raw)
    except Misfit:
        return None


# -- compiling ------------------------------------------------------------------------------------------------------


def compile_mapping(
    lines: Sequence[Line],
    *,
    kind: str,
    stream: str,
    catalogue: Sequence[Catalogued] | None,
    context: Context,
) -> CompiledMapping:
    """Compile the lines of one stream, defaults overlaid by the operator's (`language.overlay`).

    `catalogue` None: nothing has been discovered, so paths are taken as they are written. Raises MappingError with
    every fault of the stream. Of a default line a field that the account does not have is no fault: the line is left
    out.
    """
    return _Compiler(lines, kind, stream, catalogue, context).compile()


class _Compiler:
    def __init__(
        self,
        lines: Sequence[Line],
        kind: str,
        stream: str,
        catalogue: Sequence[Catalogued] | None,
        context: Context,
    ) -> None:
        if kind not in KINDS and kind not in ASSOCIATIONS:
            raise ValueError(f"{kind!r} is no kind of entity")
        self._lines = [line for line in lines if line.text is not None]
        self._kind, self._context, self._catalogue = kind, context, catalogue
        self._faults = Faults()
        self._left_out: list[Described] = []
        missing = any(line.bare == "missing" and (line.text or "").strip() == "cleared" for line in self._lines)
        zone = next((line.text.strip() for line in self._lines if line.bare == "zone" and line.text), "account")
        self._zone = context.time_zone if zone == "account" else zone
        self._missing = None if missing else ABSENT
        self._stream = Stream(
            kind=kind, name=stream, vendor_label=context.label, connection=context.connection,
            places=Places(catalogue, self._missing), zone=self._zone, region=context.region, currency=context.currency,
            currency_doubted=context.currency_doubted, lookups=context.lookups,
        )  # fmt: skip

    def compile(self) -> CompiledMapping:
        words = self._words()
        codes = [code for line in self._lines if not line.is_word and (code := self._line(line)) is not None]
        self._one_writer(codes)
        fields = self._fields(codes)
        responses = self._responses(codes, fields)
        extra = responses.declared(self._kind, [code.schema.name for code in fields]) if responses else []
        if self._faults.found:
            raise MappingError(sorted(self._faults.found, key=lambda fault: self._order(fault)))
        mapping_fields = [code.schema.name for code in fields] + [one.name for one in extra]
        if responses is not None:
            responses.place(mapping_fields)
        return CompiledMapping(
            kind=self._kind, codes=fields, words=words, create_needs=self._create_needs(fields),
            left_out=tuple(self._left_out), responses=responses, extra=extra,
        )  # fmt: skip

    def _order(self, fault: MappingFault) -> tuple[str, int, int]:
        return fault.place.file, fault.place.line, fault.place.column

    # lines

    def _line(self, line: Line) -> LineCode | None:
        try:
            return self._compiled(line)
        except LeftOut as left:
            self._left_out.append(
                Described(
                    line.bare,
                    line.text or "",
                    line.bare,
                    "none",
                    not line.operator,
                    line.place,
                    (),
                    held=f"{self._stream.nouns} have no field {left.what!r}",
                )
            )
        except Faulty:
            pass
        except SyntaxFault as fault:
            self._faults.add(line, "CW110", fault.text, fault.hint, offset=fault.offset)
        return None

    def _compiled(self, line: Line) -> LineCode:
        try:
            # Both a wrong target and a wrong source are told.
            found = target(self._kind, line.bare)
        except UnknownField as unknown:
            self._unknown_target(line, unknown)
            found = None
        expression = parse(line.text or "")
        maker = ChainMaker(self._stream, line, self._faults)
        if found is None:
            for alternative in expression.alternatives:
                maker.source_sort([alternative])
            raise Faulty
        if found.field.name.startswith("custom."):
            sort = maker.source_sort(expression.alternatives)
            if line.values is not None:
                sort = "text"
            found = target(self._kind, line.bare, custom=sort)
        chains: list[Chain] = []
        left: LeftOut | None = None
        for alternative in expression.alternatives:
            try:
                chains.append(maker.chain(alternative, found))
            except LeftOut as one:
                left = one
        if not chains:
            raise left or Faulty
        for chain in chains:
            chain.missing = ABSENT if chain.place is not None and chain.place.paused else self._missing
        reads, writes = self._direction(line, found, chains)
        derived = found.field.merge == "derived"
        return LineCode(
            line, found, chains, reads and not derived, writes, observes=derived and "+" not in line.prefixes,
            print=self._print(found, chains),
        )  # fmt: skip

    def _unknown_target(self, line: Line, unknown: UnknownField) -> None:
        hint = f"did you mean {unknown.near[0]!r}?" if unknown.near else "a field of your own is custom.NAME"
        if len(unknown.near) > 1:
            hint += "  or: " + ", ".join(unknown.near[1:])
        self._faults.at_target(line, "CW107", f"{self._kind} has no field {line.bare!r}", hint)

    def _direction(self, line: Line, found: Target, chains: Sequence[Chain]) -> tuple[bool, bool]:
        """Which way a line goes: as it says, else as its kind does; never against what its functions can."""
        told = line.direction
        derived = found.field.merge == "derived"
        asked = told in ("write", "both") or "+" in line.prefixes or derived
        reads = told in (None, "read", "both") and "+" not in line.prefixes
        by_kind = self._kind in _BOTH_WAYS or derived
        writes = (told in ("write", "both") or (told is None and (by_kind or "+" in line.prefixes))) and (
            "-" not in line.prefixes
        )
        if told == "read":
            writes = False
        if reads and not any(chain.place is None or chain.place.read for chain in chains):
            reads = False
        can = all(chain.writable for chain in chains) and not (found.by is not None)
        if writes and not can:
            writes = False
            if asked and line.operator and not any(chain.place is not None and chain.place.paused for chain in chains):
                self._cannot_write(line, chains)
        return reads, writes

    def _cannot_write(self, line: Line, chains: Sequence[Chain]) -> None:
        closed = next((c.place.label for c in chains if c.place is not None and not c.place.write), None)
        if closed is not None:
            text = f"{closed} cannot be written through {self._context.label}"
            hint = "map another field, or say direction: read"
        else:
            calls = [call.name for one in parse(line.text or "").alternatives for call in one.calls]
            blind = next((name for name in calls if name in FUNCTIONS and not FUNCTIONS[name].inverse), None)
            text = f"`{line.text}` cannot be written back" + (f": {blind} has no inverse" if blind else "")
            hint = "leave the function out, or say direction: read"
        self._faults.add(line, "CW116", text, hint, width=max(1, len(line.text or "")))

    def _print(self, found: Target, chains: Sequence[Chain]) -> Any:
        """All of a line that changes what it reads; nothing that changes only what is written."""
        told = []
        for chain in chains:
            place = chain.place
            where: Any = [[step.name, step.pick] for step in place.steps] if place is not None else chain.constant
            told.append([where, [[step.name, step.print] for step in chain.steps if step.name not in _ONLY_WRITING]])
        return [found.field.name, found.selector, found.part, found.field.type, told]

    def _one_writer(self, codes: Sequence[LineCode]) -> None:
        """A vendor field is written by one line: the operator's, before a default."""
        writers: dict[tuple[Any, ...], LineCode] = {}
        for code in sorted(codes, key=lambda code: not code.line.operator):
            if not code.writes:
                continue
            for chain in code.chains:
                if chain.place is None or chain.only_beside:
                    continue
                first = writers.setdefault(chain.place.steps, code)
                if first is code or (first.target.field.name == code.target.field.name and first.line is code.line):
                    continue
                code.writes = False
                if code.line.operator:
                    self._faults.add(
                        code.line, "CW117", f"{chain.place.label} is written by two lines",
                        f"{first.line.bare} writes it too: say direction: read in one of them",
                        width=max(1, len(code.line.text or "")),
                    )  # fmt: skip

    def _fields(self, codes: Sequence[LineCode]) -> list[FieldCode]:
        gathered: dict[str, list[LineCode]] = {}
        for code in codes:
            gathered.setdefault(code.target.field.name, []).append(code)
        fields: list[FieldCode] = []
        for some in gathered.values():
            if _paused_places(some):
                for code in some:
                    code.writes = False
            schema = some[0].target.field
            if schema.shape == "set" or schema.refers:
                found = SetCode(schema, some)
                for orphan in found.orphans():
                    self._orphan(orphan)
                fields.append(found)
            elif len(some) > 1 or some[0].target.part is not None:
                fields.append(Unit(schema, some))
            else:
                fields.append(Plain(schema, some))
        return fields

    def _orphan(self, code: LineCode) -> None:
        selector = f"[{code.target.selector}]" if code.target.selector else ""
        element = f"{code.target.field.name}{selector}"
        if code.line.operator:
            self._faults.at_target(
                code.line,
                "CW107",
                f"{code.line.bare} belongs to an element that no line gives",
                f"add a line {element}",
            )

    def _create_needs(self, fields: Sequence[FieldCode]) -> tuple[int | str, ...]:
        needs: list[int | str] = [
            at
            for at, code in enumerate(fields)
            if any("*" in line.line.prefixes and line.writes for line in code.lines)
        ]
        written: dict[str, int] = {}
        for at, code in enumerate(fields):
            for line in code.lines:
                if line.writes:
                    written.update({place.info.name: at for place in line.places if place.info is not None})
        for info in self._catalogue or ():
            if info.required and info.write:
                need: int | str = written.get(info.name, info.label or info.name)
                if need not in needs:
                    needs.append(need)
        return tuple(needs)

    def _responses(self, codes: Sequence[LineCode], fields: Sequence[FieldCode]) -> Responses | None:
        if self._kind != "response":
            return None
        responses, faults = Responses.of(codes, self._context, stream=self._stream.name)
        for fault in faults:
            self._faults.found.append(fault)
        return responses

    # words

    def _words(self) -> Words:
        words = Words(zone=self._zone, missing=self._missing is None)
        told: list[Any] = []
        for line in self._lines:
            if not line.is_word:
                continue
            if line.bare == "where":
                words.where = self._where(line)
                told.append(["where", (line.text or "").strip()])
            elif line.bare == "missing":
                self._missing_word(line)
                told.append(["missing", words.missing])
            elif line.bare != "zone":
                self._word(line, words)
                told.append([line.bare, (line.text or "").strip()])
        words.print = [sorted(told), self._zone]
        words.settle()
        return words

    def _missing_word(self, line: Line) -> None:
        if (line.text or "").strip() not in ("cleared", "absent"):
            self._faults.add(line, "CW102", f"missing is {line.text!r}", "cleared or absent")

    def _where(self, line: Line) -> Test | None:
        places = self._stream.places

        def resolve(path: Path) -> tuple[Callable[[Values], Value], Mapping[str, str]]:
            try:
                place: Place = places.place(path)
            except UnknownPath:
                if line.operator:
                    raise
                return _missing, {}  # some accounts do not have it, so no row of theirs has anything there
            info = place.info if place.whole else None
            return place.get, {folded(label): key for key, label in (info.options if info else ())}

        try:
            return compiled(parse_condition(line.text or ""), resolve)
        except SyntaxFault as fault:
            self._faults.add(line, "CW110", fault.text, fault.hint, offset=fault.offset)
        except UnknownPath as unknown:
            near = f"did you mean {unknown.near[0]!r}?" if unknown.near else "crosswalk discover shows the fields"
            offset = max((line.text or "").find(unknown.text), 0)
            text = f"{self._stream.nouns} have no field {unknown.text!r}"
            self._faults.add(line, "CW106", text, near, offset=offset, width=len(unknown.text))
        return None

    def _word(self, line: Line, words: Words) -> None:
        parts: list[list[Chain]] = []
        for argument in arguments(line.text or ""):
            chains = self._word_part(line, argument)
            if chains:
                parts.append(chains)
        words.chains[line.bare] = parts

    def _word_part(self, line: Line, argument: Argument) -> list[Chain]:
        """A word's expression: like a line's, without a target to fit."""
        text = f'"{argument.text}"' if argument.quoted else argument.text
        chains: list[Chain] = []
        try:
            for alternative in parse(text).alternatives:
                try:
                    chains.append(_WordMaker(self._stream, line, self._faults).plain(alternative))
                except LeftOut:
                    continue
        except Faulty:
            pass
        except SyntaxFault as fault:
            self._faults.add(line, "CW110", fault.text, fault.hint, offset=argument.offset + fault.offset)
        return chains


class _WordMaker(ChainMaker):
    """Chains of words: whatever the functions give is taken."""

    def plain(self, alternative: Any) -> Chain:
        constant = alternative.source.value if isinstance(alternative.source, Constant) else None
        place = None if constant is not None else self._place(alternative.source)
        return self.steps_only(place, constant, alternative.calls)
