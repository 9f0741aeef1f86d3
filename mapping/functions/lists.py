"""Functions of lists: addresses and numbers with their labels, tags, texts that hold several, references."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from mapping.conditions import is_filled, meets
from mapping.functions.picklists import EMAIL_LABELS, EMAIL_WORDS, PHONE_LABELS, PHONE_WORDS, folded
from mapping.functions.registry import (
    LISTS,
    SCALARS,
    TEXTS,
    ArgumentFault,
    Around,
    Made,
    Partly,
    Read,
    function,
)
from mapping.functions.scalars import as_id, id_out, phone_out
from mapping.language import Argument
from mapping.normalise import Misfit, email, phone, text
from mapping.values import ABSENT, Value

_TRUE: Final = (True, "1", "true")


class Contacts:
    """A list of objects, each with a value, perhaps a label and a mark for the preferred one: e-mails or phones."""

    def __init__(
        self,
        keys: Sequence[str],
        element: Callable[[Value], dict[str, Any] | None],
        *,
        key: tuple[str, ...],
        out: Callable[[Mapping[str, Any]], Value],
        labels: Mapping[str, str],
        words: Mapping[str, str],
    ) -> None:
        self._value = keys[0]
        self._label = keys[1] if len(keys) > 1 else None
        self._primary = keys[2] if len(keys) > 2 else None
        self._element, self._out, self._key = element, out, key
        self._labels, self._words = labels, words

    def reader(self) -> Read:
        """Reads the list. Most hold one entry, so that is the short way."""
        one, value_key, label_key, primary_key = self._one, self._value, self._label, self._primary
        element_of, labels = self._element, self._labels

        def read(raw: Value) -> Value:
            if type(raw) is list and len(raw) == 1 and type(raw[0]) is dict:
                part = raw[0]
                try:
                    element = element_of(part.get(value_key))
                except Misfit as misfit:
                    raise Partly(None, [(misfit.want, part)]) from None
                if element is None:
                    return None
                if label_key is not None and (label := part.get(label_key)):
                    element["type"] = labels.get(label) or labels.get(folded(label), "other")
                if primary_key is not None and part.get(primary_key) in _TRUE:
                    element["primary"] = True
                return [element]
            return None if raw is None or raw == [] else self._several(raw, one)

        return read

    def _several(self, raw: Value, one: Callable[[Value], dict[str, Any] | None]) -> Value:
        elements: dict[tuple[str, ...], Value] = {}
        faults: list[tuple[str, Value]] = []
        for part in raw if isinstance(raw, list) else [raw]:
            try:
                element = one(part)
            except Misfit as misfit:
                faults.append((misfit.want, part))
                continue
            if element is not None:
                elements.setdefault(self._key_of(element), element)
        found = [elements[key] for key in sorted(elements)] or None
        if faults:
            raise Partly(found, faults)
        return found

    def _key_of(self, element: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(element.get(name) or "" for name in self._key)

    def _one(self, part: Value) -> dict[str, Any] | None:
        if type(part) is not dict:
            return self._element(part)
        element = self._element(part.get(self._value))
        if element is None:
            return None
        if self._label is not None and (label := part.get(self._label)):
            element["type"] = self._labels.get(label) or self._labels.get(folded(label), "other")
        if self._primary is not None and part.get(self._primary) in _TRUE:
            element["primary"] = True
        return element

    def write(self, wanted: Value, was: Value) -> Value:
        """The whole list: what stays keeps its spelling and place, what is not ours stays, what is new comes behind."""
        there = was if isinstance(was, list) else []
        open_ = {self._key_of(element): element for element in wanted or ()}
        known = set(open_)
        written: list[tuple[Value, Mapping[str, Any] | None]] = []
        for part in there:
            try:
                element = self._one(part)
            except Misfit:
                written.append((dict(part) if isinstance(part, dict) else part, None))
                continue
            if element is None or self._key_of(element) not in known:
                continue
            told = open_.pop(self._key_of(element), None)
            written.append((self._relabelled(part, element, told), told or {}))
        for element in sorted(open_.values(), key=lambda one: (not one.get("primary"), self._key_of(one))):
            written.append((self._new(element), element))
        self._prefer(written)
        return [part for part, _ in written] or None

    def _relabelled(self, part: Value, element: Mapping[str, Any], told: Mapping[str, Any] | None) -> Value:
        if not isinstance(part, dict) or self._label is None or told is None:
            return dict(part) if isinstance(part, dict) else part
        type_ = told.get("type")
        if type_ is None or type_ == element.get("type"):
            return dict(part)
        return {**part, self._label: self._words.get(type_, "other")}

    def _new(self, element: Mapping[str, Any]) -> dict[str, Any]:
        part: dict[str, Any] = {self._value: self._out(element)}
        if self._label is not None and element.get("type"):
            part[self._label] = self._words.get(element["type"], "other")
        return part

    def _prefer(self, written: Sequence[tuple[Value, Mapping[str, Any] | None]]) -> None:
        """At most one is preferred: who is said to be, else who was before; else that is the side's to decide."""
        name = self._primary
        if name is None:
            return
        objects = [(part, told) for part, told in written if isinstance(part, dict)]
        said = [part for part, told in objects if told is not None and told.get("primary")]
        best = next((part for part in said if part.get(name)), said[0] if said else None)
        if best is None:
            best = next((part for part, _ in objects if part.get(name)), None)
        for part, _ in objects if best is not None else ():
            part[name] = part is best


@function("emails", takes=LISTS | {"text"}, gives="emails", usage="emails(value, label, primary)", most=3)
def _emails(arguments: Sequence[Argument], around: Around) -> Made:
    normalise = email.normalise

    def element(raw: Value) -> dict[str, Any] | None:
        address = normalise(raw)
        return None if address is None else {"address": address}

    keys = [argument.text for argument in arguments] or ["value", "label", "primary"]
    contacts = Contacts(
        keys, element, key=("address",), out=lambda one: one["address"], labels=EMAIL_LABELS, words=EMAIL_WORDS
    )
    return Made("emails", read=contacts.reader(), write=contacts.write, print=keys)


@function("phones", takes=LISTS | {"text"}, gives="phones", usage="phones(value, label, primary)", most=3)
def _phones(arguments: Sequence[Argument], around: Around) -> Made:
    normalise, region = phone.normalise, around.region

    def element(raw: Value) -> dict[str, Any] | None:
        told = normalise(raw, region=region)
        if told is None:
            return None
        numeral, extension = told
        return {"number": numeral} if extension is None else {"number": numeral, "extension": extension}

    keys = [argument.text for argument in arguments] or ["value", "label", "primary"]
    contacts = Contacts(
        keys, element, key=("number", "extension"), out=lambda one: phone_out(one, None), labels=PHONE_LABELS,
        words=PHONE_WORDS,
    )  # fmt: skip
    return Made("phones", read=contacts.reader(), write=contacts.write, print=[keys, region])


def each_of(raw: Value, read: Read) -> list[Value] | None:
    """Every element of a list read by itself; a single value counts as a list of it. Raises Partly."""
    if raw is None:
        return None
    found: list[Value] = []
    faults: list[tuple[str, Value]] = []
    for part in raw if isinstance(raw, list) else [raw]:
        try:
            one = read(part)
        except Misfit as misfit:
            faults.append((misfit.want, part))
            continue
        if one is not None and one not in found:
            found.append(one)
    if faults:
        raise Partly(found or None, faults)
    return found or None


def _kept(was: Value, wanted: Sequence[Value], read: Read) -> tuple[list[Value], list[Value]]:
    """Of what was there: what stays (what is wanted, and what is not ours), and what of the wanted it says."""
    stays: list[Value] = []
    said: list[Value] = []
    for part in was if isinstance(was, list) else []:
        try:
            told = read(part)
        except Misfit:
            stays.append(part)
            continue
        if told is not None and told in wanted and told not in said:
            stays.append(part)
            said.append(told)
    return stays, said


def _filled_up(was: Value, wanted: Sequence[Value], read: Read, made: Callable[[Value], Value]) -> list[Value]:
    """What stays of what was there, and what it does not say of the wanted, as it is `made`.

    In the order of the wanted where that leaves what stays in its own: what is put back stands where it stood.
    Elsewhere what is new stands behind.
    """
    stays, said = _kept(was, wanted, read)
    if len(stays) > len(said) or [one for one in wanted if one in said] != said:
        return [*stays, *(made(one) for one in wanted if one not in said)]
    kept = iter(stays)
    return [next(kept) if one in said else made(one) for one in wanted]


@function("tags", takes=LISTS | {"text"}, gives="list", usage="tags(key)", most=1)
def _tags(arguments: Sequence[Argument], around: Around) -> Made:
    """Tags as a list of texts, or of objects that hold one under a key."""
    key = arguments[0].text if arguments else None

    def one(part: Value) -> Value:
        return text.clean(part.get(key)) if key is not None and isinstance(part, dict) else text.clean(part)

    def read(raw: Value) -> Value:
        return each_of(raw, one)

    def write(wanted: Value, was: Value) -> Value:
        return _filled_up(was, wanted or (), one, lambda tag: tag if key is None else {key: tag}) or None

    return Made("list", read=read, write=write, print=key)


def _separated(cut: Callable[[str], list[str]], join: Callable[[list[str]], str], *, print_as: str) -> Made:
    def read(raw: Value) -> Value:
        if isinstance(raw, list):
            return raw or None
        told = text.clean(raw)
        return None if told is None else [part for part in (part.strip() for part in cut(told)) if part] or None

    def write(wanted: Value, was: Value) -> Value:
        return None if not wanted else join([str(part) for part in wanted])

    return Made("list", read=read, write=write, print=print_as)


@function("multi", takes=TEXTS | LISTS, gives="list", usage="multi(separator)", most=1)
def _multi(arguments: Sequence[Argument], around: Around) -> Made:
    separator = arguments[0].text if arguments else ";"
    spaced = f"{separator} " if separator == "," else separator
    return _separated(lambda told: told.split(separator), spaced.join, print_as=separator)


@function("lines", takes=TEXTS | LISTS, gives="list", usage="lines")
def _lines(arguments: Sequence[Argument], around: Around) -> Made:
    return _separated(str.splitlines, "\n".join, print_as="\n")


@function("each", takes=LISTS, gives="list", usage="each(function)", least=1, most=1)
def _each(arguments: Sequence[Argument], around: Around) -> Made:
    inner = around.make(arguments[0])
    if inner.read is None:
        raise ArgumentFault(f"{arguments[0].text} looks at the row and cannot go element by element",
                            "name a function of single values", arguments[0])  # fmt: skip
    one = inner.read

    def read(raw: Value) -> Value:
        return each_of(raw, one)

    if inner.write is None:
        return Made("list", read=read, print=[arguments[0].text, inner.print])
    back = inner.write

    def write(wanted: Value, was: Value) -> Value:
        return _filled_up(was, wanted or (), one, lambda part: back(part, ABSENT)) or None

    return Made("list", read=read, write=write, print=[arguments[0].text, inner.print])


# -- references -------------------------------------------------------------------------------------------------


# Where a target can lead to one stream only.
_STREAMS: Final[Mapping[str, str]] = {"invitation": "invitations"}


def _reference(stream: str | None, read_stream: Callable[[Any], str | None] | None = None) -> Callable[..., Value]:
    def of(raw: Value, name: str) -> Value:
        if type(raw) is int:
            return [{"stream": name, "id": str(raw)}]
        if not isinstance(raw, list):
            key = as_id(raw)
            return None if key is None else [{"stream": name, "id": key}]
        found = each_of(raw, as_id)
        return None if found is None else [{"stream": name, "id": key} for key in sorted(found)]

    if read_stream is None:
        lone = stream or "any"
        return lambda raw: of(raw, lone)

    def read_in(raw: Value, row: Any) -> Value:
        name = read_stream(row)
        return of(raw, name) if name else None

    return read_in


def ref_out(wanted: Value, was: Value) -> Value:
    """The id of an element; of several, the list of their ids as this side spells them."""
    if wanted is None:
        return None
    if isinstance(wanted, Mapping):
        return id_out(wanted["id"], was)
    if was is not ABSENT and was is not None and not isinstance(was, list):
        best = next((one for one in wanted if one.get("primary")), wanted[0])
        return id_out(best["id"], was)  # this side holds one
    spelled = was[0] if isinstance(was, list) and was else ABSENT
    return [id_out(one["id"], spelled) for one in wanted] or None


@function("ref", takes=SCALARS | LISTS | {"record"}, gives="ref", usage="ref(stream)", most=1)
def _ref(arguments: Sequence[Argument], around: Around) -> Made:
    stream = arguments[0].text if arguments else around.refers_to or _STREAMS.get(around.target)
    if stream is None:
        raise ArgumentFault("it is not known what the reference leads to", "name the stream: ref(accounts)")
    return Made("ref", read=_reference(stream), write=ref_out, print=stream, leads_to=stream)


@function("ref_by", takes=SCALARS | {"record"}, gives="ref", usage="ref_by(field)", least=1, most=1)
def _ref_by(arguments: Sequence[Argument], around: Around) -> Made:
    """The stream stands in a field of its own."""
    by = around.spot(arguments[0])

    def stream(row: Any) -> str | None:
        return as_id(by.get(row)) if is_filled(by.get(row)) else None

    def beside(wanted: Value, row: Any) -> list[tuple[Any, Value]]:
        return [(by, wanted["stream"] if isinstance(wanted, Mapping) else None)]

    return Made(
        "ref", read_in=_reference(None, stream), write=ref_out, beside=beside, print=by.name, spots=(by,),
        leads_to="any",
    )  # fmt: skip


@function("links", takes=LISTS | {"record"}, gives="ref", usage="links(id, label)", least=1, most=2, inverse=False)
def _links(arguments: Sequence[Argument], around: Around) -> Made:
    """A list of objects that name other records: where the id stands, and what marks the ones that are meant."""
    key = arguments[0].text
    mark, equals, wanted = arguments[1].text.partition("=") if len(arguments) > 1 else ("", "", "")
    stream = around.refers_to or around.source.partition(".")[0]

    def one(part: Value) -> Value:
        if not isinstance(part, dict):
            told = as_id(part)
            return None if told is None else {"stream": stream, "id": told}
        if equals and not meets(part.get(mark.strip()), wanted.strip()):
            return None
        told = as_id(part.get(key))
        if told is None:
            return None
        element = {"stream": stream, "id": told}
        if mark and not equals and part.get(mark.strip()) is True:
            element["primary"] = True  # type: ignore[assignment] # an element of JSON
        return element

    def read(raw: Value) -> Value:
        return each_of(raw, one)

    return Made("ref", read=read, print=[key, mark, wanted, stream], leads_to=stream)


def pairs_of(key: str, value: str) -> Read:
    """Pairs of an object, or of a list of objects or texts: elements of a set such as `drivers`."""

    def pair(name: Value, told: Value) -> Value:
        name = text.clean(name)
        return None if name is None else {key: name} | ({value: text.clean(told)} if is_filled(told) else {})

    def one(part: Value) -> Value:
        if not isinstance(part, dict):
            return pair(part, None)
        name = next((part[word] for word in (key, "name", "label", "id") if is_filled(part.get(word))), None)
        told = next((part[word] for word in (value, "score", "rating") if word in part), None)
        return pair(name, None if isinstance(told, dict | list) else told)

    def read(raw: Value) -> Value:
        if isinstance(raw, dict):
            found = [pair(name, None if isinstance(told, dict | list) else told) for name, told in raw.items()]
            return [element for element in found if element is not None] or None
        return each_of(raw, one)

    return read


PAIR: Final = 2


@function(
    "pairs", takes=LISTS | {"record"}, gives="json", usage="pairs(key, value)", least=PAIR, most=PAIR, inverse=False
)
def _pairs(arguments: Sequence[Argument], around: Around) -> Made:
    """A list of objects with a name and a value as one object."""
    key, value = (argument.text for argument in arguments)

    def read(raw: Value) -> Value:
        found = {}
        for part in raw if isinstance(raw, list) else [raw]:
            if isinstance(part, dict) and (name := text.clean(part.get(key))) and is_filled(part.get(value)):
                found[name] = text.clean(part.get(value))
        return found or None

    return Made("json", read=read, print=[key, value])
