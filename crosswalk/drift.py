"""What has become of a vendor's fields since they were last seen, and how the mapping goes on with what is left.

A mapped field that is gone, or no longer fits its line, is paused: it stays in the catalogue as it was, is neither read
anew nor written, and its stream goes on. It is taken up again when the vendor has it as before, or the file maps
something else.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import asdict, replace

from connectors.sdk.contract import FieldInfo
from crosswalk.problems import Problem
from crosswalk.store.codec import dump, load
from mapping.compile import CompiledMapping, MappingError


class Change(Struct, frozen=True):
    """One field that is not as it was. `what`: added, removed, anew, retyped, options."""

    field: FieldInfo  # as it was; as it is where it was added
    what: str
    words: str

    def json(self) -> dict[str, str]:
        return {"field": self.field.label, "what": self.what, "text": self.words}


def changes(before: Sequence[FieldInfo], now: Sequence[FieldInfo]) -> list[Change]:
    """What is different; where a field stands, what it is called and who may write it is not told."""
    was = {one.name: one for one in before if not one.paused}
    is_ = {one.name: one for one in now}
    found = [Change(one, "removed", "is no longer there") for name, one in was.items() if name not in is_]
    found += [Change(one, "added", "is new") for name, one in is_.items() if name not in was]
    for name, old in was.items():
        new = is_.get(name)
        if new is None:
            continue
        if old.mark is not None and new.mark not in (None, old.mark):
            found.append(Change(old, "anew", "was deleted, and made anew under its name"))
        if new.type != old.type:
            found.append(Change(old, "retyped", f"was {old.type} and is {new.type} now"))
        gone = [label for number, label in old.options if number not in {one for one, _ in new.options}]
        if gone:
            found.append(Change(old, "options", f"no longer offers {', '.join(gone)}"))
    return found


def marked(before: Sequence[FieldInfo], now: Sequence[FieldInfo]) -> list[FieldInfo]:
    """Today's fields; of one that is not told from an earlier one this time, as it was told last."""
    marks = {one.name: one.mark for one in before}
    return [one if one.mark is not None else replace(one, mark=marks.get(one.name)) for one in now]


def stored(catalogue: Sequence[FieldInfo]) -> bytes:
    return dump([asdict(one) for one in catalogue])


def loaded(told: bytes) -> list[FieldInfo]:
    return [
        FieldInfo(**{**one, "options": tuple((option[0], option[1]) for option in one["options"])})
        for one in load(told)
    ]


class Kept(Struct, frozen=True):
    """A mapping that could be made of today's fields, and what of it had to be paused."""

    mapping: CompiledMapping
    catalogue: Sequence[FieldInfo]
    paused: Sequence[FieldInfo]


def keep(
    before: Sequence[FieldInfo], now: Sequence[FieldInfo], made: Callable[[Sequence[FieldInfo]], CompiledMapping]
) -> Kept:
    """Today's mapping. `made` compiles it against a catalogue.

    Raises MappingError where the file is at fault: it would not fit what the vendor had before either.
    """
    if not before or list(before) == list(now):
        return Kept(made(now), now, ())
    try:
        mapped = _mapped(made([replace(one, paused=False) for one in before]))
    except MappingError:
        mapped = frozenset()  # the file was changed meanwhile: only what is there can tell
    was = {one.name: one for one in before if one.name in mapped}
    gone = [one for name, one in was.items() if name not in {field.name for field in now}]
    labels = {field.label for field in now}
    renewed = [one for one in gone if one.label in labels]
    if renewed:
        # Another field is called so now. A line that goes by the label means that one; a line that goes by the key of
        # the old one cannot be made without it.
        try:
            return _with(now, [one for one in gone if one not in renewed], made)
        except MappingError:
            pass
    try:
        return _with(now, gone, made)
    except MappingError:
        changed = {change.field.name for change in changes(before, now) if change.what in ("retyped", "options")}
        unfit = [one for name, one in was.items() if name in changed or (one.paused and one not in gone)]
        if not unfit:
            raise
        return _with(now, [*gone, *unfit], made)


def _with(
    now: Sequence[FieldInfo], paused: Sequence[FieldInfo], made: Callable[[Sequence[FieldInfo]], CompiledMapping]
) -> Kept:
    names = {one.name for one in paused}
    stopped = [replace(one, paused=True) for one in paused]
    catalogue = [*(one for one in now if one.name not in names), *stopped]
    return Kept(made(catalogue), catalogue, stopped)


def _mapped(mapping: CompiledMapping) -> frozenset[str]:
    return frozenset(name for line in mapping.describe() for name in line.vendor_fields)


def told(address: str, label: str, paused: Sequence[FieldInfo], found: Sequence[Change] = ()) -> list[Problem]:
    """A warning for each field that is paused. `found`: what is known to have changed."""
    connection, _, stream = address.partition("/")
    words = {change.field.name: change.words for change in found}
    return [
        Problem(
            code="CW305",
            severity="warning",
            text=f"{one.label} of {label} {stream} {words.get(one.name, 'is not as it was')}",
            hint="restore it, or map another; this field is paused, the stream goes on",
            connection=connection,
            stream=address,
        )
        for one in paused
    ]
