"""From a path as it is written to the place of a value in the rows of a stream, by the stream's catalogue."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct, field

from mapping.compile.model import Catalogued, Values
from mapping.language import Path, Step, SyntaxFault, nearest, parse_path
from mapping.values import ABSENT, Value

Getter = Callable[[Values], Value]

# The type of a catalogue -> the sort of value that a function takes.
SORTS: Final = {
    "text": "text",
    "long_text": "text",
    "number": "number",
    "int": "number",
    "bool": "bool",
    "date": "date",
    "datetime": "datetime",
    "choice": "choice",
    "multi": "multi",
    "money": "money",
    "address": "record",
    "emails": "list",
    "phones": "list",
    "ref": "ref",
    "json": "any",
}


class UnknownPath(LookupError):  # noqa: N818 # what a person wrote, in their words
    """The catalogue has no such field. `near`: the nearest names. `several`: names of fields with one label."""

    def __init__(self, text: str, near: Sequence[str], several: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.text, self.near, self.several = text, tuple(near), tuple(several)


class Place(Struct, frozen=True, eq=False):
    """A place in the rows of a stream. No steps: the row itself.

    `info` is the field of the catalogue that it lies in, `whole` whether it is all of that field. `dotted` is a key
    that a flat row (CSV) may have for it.
    """

    steps: tuple[Step, ...]
    label: str
    name: str
    get: Getter
    info: Catalogued | None = None
    whole: bool = True
    dotted: str | None = None
    read: bool = True
    write: bool = True

    @property
    def paused(self) -> bool:
        return self.info is not None and self.info.paused

    @property
    def sort(self) -> str:
        if not self.steps:
            return "row"
        if self.info is None or not self.whole:
            return "any"
        return SORTS.get(self.info.type, "any")

    def put(self, out: dict[str, Any], value: Value, over: Values | None) -> None:
        """Sets the value in `out`, nested by path; elements beside a picked one stay as `over` has them."""
        if self.dotted is not None and over is not None and self.dotted in over:
            out[self.dotted] = value
            return
        _put(out, self.steps, value, over)


class Places(Struct):
    """Resolves paths. `catalogue` None: nothing was discovered, so every path is taken as it is written."""

    catalogue: Sequence[Catalogued] | None
    missing: Value  # what a key that is not there means: ABSENT, or None where the stream says so
    _names: dict[str, Catalogued] = field(default_factory=dict)
    _labels: dict[str, list[Catalogued]] = field(default_factory=dict)
    _prefixes: dict[str, Catalogued] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for info in self.catalogue or ():
            self._names.setdefault(info.name, info)
            self._labels.setdefault(info.label, []).append(info)
        for info in self.catalogue or ():
            self._names.setdefault(info.path, info)
            name = info.path
            while "." in name:
                name = name.rpartition(".")[0]
                self._prefixes.setdefault(name, info)

    @property
    def known(self) -> list[str]:
        """Every name and label, for a hint."""
        return [word for info in self.catalogue or () for word in (info.label, info.name) if word]

    def place(self, path: Path) -> Place:
        """Raises UnknownPath."""
        if not path.steps:
            return Place((), "the row", "@", lambda row: row)
        if self.catalogue is None:
            return self._at(path.steps, path.text, path.text, None, whole=True, plain=path.plain)
        if path.plain and (info := self._find(path.text)) is not None:
            return self._field(info, (), path)
        first = path.steps[0]
        if (info := self._find(first.name)) is not None:
            return self._field(info, path.steps[1:], path, first)
        # Longer names of the catalogue first: what stands under "hidden.contact" lies within it.
        if all(step.pick is None for step in path.steps):
            names = [step.name for step in path.steps]
            for length in range(len(names) - 1, 1, -1):
                if (info := self._find(".".join(names[:length]))) is not None:
                    return self._field(info, path.steps[length:], path)
            if ".".join(names) in self._prefixes:
                # An object of whose parts the catalogue tells one by one.
                return self._at(path.steps, path.text, path.text, None, whole=True, plain=False)
        raise UnknownPath(path.text, nearest(path.text, self.known))

    def within(self, place: Place, path: Path) -> Place:
        """A place within another."""
        steps = (*place.steps, *path.steps)
        text = f"{place.name}.{path.text}"
        return self._at(steps, f"{place.label}.{path.text}", text, place.info, whole=False, plain=True)

    def _find(self, word: str) -> Catalogued | None:
        """By name or path, then by label, then by either without case; a label that several have is no answer."""
        if (info := self._names.get(word)) is not None:
            return info
        some = self._labels.get(word)
        if some is None:
            folded = word.casefold()
            some = [i for i in self.catalogue or () if folded in (i.label.casefold(), i.name.casefold())]
        if len(some) > 1:
            raise UnknownPath(word, (), [info.name for info in some])
        return some[0] if some else None

    def _field(self, info: Catalogued, rest: tuple[Step, ...], path: Path, first: Step | None = None) -> Place:
        steps = _steps_of(info.path)
        if first is not None and first.pick is not None:
            steps = (*steps[:-1], Step(steps[-1].name, first.pick))
        whole = not rest and (first is None or first.pick is None)
        label = info.label if whole else path.text
        return self._at((*steps, *rest), label, info.name if whole else path.text, info, whole=whole, plain=path.plain)

    def _at(
        self, steps: tuple[Step, ...], label: str, name: str, info: Catalogued | None, *, whole: bool, plain: bool
    ) -> Place:
        dotted = None
        if len(steps) > 1 and info is not None and whole and '"' not in info.path:
            dotted = info.path  # with the blanks that it may have around its dots
        elif len(steps) > 1 and (plain or info is not None):
            dotted = ".".join(step.name for step in steps)
        paused = info is not None and info.paused
        # A field that is gone says nothing, where a missing one would else be taken for a cleared one.
        missing = ABSENT if paused else self.missing
        return Place(
            steps, label, name, _getter(steps, dotted, missing), info, whole, dotted,
            read=info is None or info.read, write=info is None or (info.write and not paused),
        )  # fmt: skip


def _steps_of(path: str) -> tuple[Step, ...]:
    """A catalogue's path: names joined by dots, in the language's quotes where a name has some of its own."""
    if "." not in path and '"' not in path and "[" not in path and "{" not in path:
        return (Step(path),)
    try:
        return parse_path(path).steps
    except SyntaxFault:
        return tuple(Step(name) for name in path.split("."))


def _getter(steps: tuple[Step, ...], dotted: str | None, missing: Value) -> Getter:
    first = steps[0].name
    if len(steps) == 1 and steps[0].pick is None:

        def top(row: Values) -> Value:
            return row.get(first, missing)

        return top
    if len(steps) == 2 and all(step.pick is None for step in steps):
        second = steps[1].name

        def nested(row: Values) -> Value:
            inner = row.get(first, ABSENT)
            if type(inner) is dict:
                return inner.get(second, missing)
            return _flat(row, dotted, inner, missing)

        return nested

    def deep(row: Values) -> Value:
        value: Value = row
        for step in steps:
            if not isinstance(value, dict):
                return _flat(row, dotted, value, missing)
            value = value.get(step.name, ABSENT)
            if step.pick is not None:
                value = _picked(value, step.pick)
        return missing if value is ABSENT else value

    return deep


def _flat(row: Values, dotted: str | None, inner: Value, missing: Value) -> Value:
    """Where no object stands: a column with the whole name answers, an emptied object is empty in all its parts."""
    if dotted is not None and (told := row.get(dotted, ABSENT)) is not ABSENT:
        return told
    return None if inner is None else missing


def _picked(value: Value, pick: tuple[str, str]) -> Value:
    """The element of a list; none such in a list that was carried is an empty one."""
    if value is ABSENT or not isinstance(value, list):
        return ABSENT if value is ABSENT else None
    key, wanted = pick
    return next((one for one in value if isinstance(one, dict) and str(one.get(key)) == wanted), None)


def _put(out: dict[str, Any], steps: tuple[Step, ...], value: Value, over: Any) -> None:
    step, rest = steps[0], steps[1:]
    there = over.get(step.name) if isinstance(over, dict) else None
    if step.pick is None:
        if not rest:
            out[step.name] = value
            return
        inner = out.setdefault(step.name, {})
        _put(inner, rest, value, there)
        return
    key, wanted = step.pick
    # A list is written whole.
    if step.name not in out:
        out[step.name] = [dict(one) if isinstance(one, dict) else one for one in there or ()]
    elements = out[step.name]
    at = next((n for n, one in enumerate(elements) if isinstance(one, dict) and str(one.get(key)) == wanted), None)
    if not rest:
        if at is not None:
            elements.pop(at)
        if value is not None:
            elements.append(value)
        return
    if at is None:
        if value is None:
            return
        elements.append({key: wanted})
        at = len(elements) - 1
    if value is None and len(rest) == 1 and rest[0].pick is None:
        elements.pop(at)
        return
    _put(elements[at], rest, value, elements[at])


def laid(over: Values | None, written: Values, leaves: Sequence[tuple[tuple[Step, ...], str | None]]) -> dict[str, Any]:
    """A record as it stands once this was written over it. `leaves`: the places that a mapping writes."""
    row = dict(over or {})
    _lay(row, written, {_names(steps) for steps, _ in leaves})
    return row


def _names(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Down to the first list: that is where a value is written whole."""
    names: list[str] = []
    for step in steps:
        names.append(step.name)
        if step.pick is not None:
            break
    return tuple(names)


def _lay(row: dict[str, Any], written: Values, leaves: set[tuple[str, ...]], above: tuple[str, ...] = ()) -> None:
    for name, value in written.items():
        here = (*above, name)
        below = any(len(leaf) > len(here) and leaf[: len(here)] == here for leaf in leaves)
        if isinstance(value, dict) and below and here not in leaves:
            before = row.get(name)
            inner = dict(before) if isinstance(before, dict) else {}
            _lay(inner, value, leaves, here)
            row[name] = inner
        else:
            row[name] = value
