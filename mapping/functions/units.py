"""Functions of values with parts: addresses, money, consent."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from mapping.conditions import is_filled, meets
from mapping.functions.picklists import known_lists, picklist
from mapping.functions.registry import (
    NUMBERS,
    SCALARS,
    SKIP,
    ArgumentFault,
    Around,
    Made,
    Spot,
    function,
)
from mapping.functions.scalars import Offers, chosen, number_out
from mapping.language import Argument, SyntaxFault, nearest, parse_path
from mapping.normalise import Misfit, country, money, number, text
from mapping.values import ABSENT, Value

_PARTS: Final = ("lines", "locality", "region", "postal_code", "country", "formatted")
_Part = Callable[[Any], Value]


# -- addresses --------------------------------------------------------------------------------------------------


@function(
    "address",
    takes=frozenset({"row", "record", "json", "any", "text"}),
    gives="address",
    usage="address(street, city, region, code, country[, formatted])",
    most=6,
)
def _address(arguments: Sequence[Argument], around: Around) -> Made:
    if around.of_row:
        columns = [[around.spot(one) for one in _added(argument)] for argument in arguments]
        if not any(columns):
            raise ArgumentFault("it is not said where the parts stand", "name them: address(street, city, ...)")
        return _of_columns(columns)
    if around.field_type == "address" or not arguments:
        return _of_object([[_inner(one) for one in _added(argument)] for argument in arguments])
    return _of_columns([[around.within(one) for one in _added(argument)] for argument in arguments])


def _added(argument: Argument) -> list[Argument]:
    """`route+street_number` is one line of two fields, `-` a part that is not there."""
    if argument.quoted:
        return [argument]
    if argument.text == "-":
        return []
    found = []
    offset = argument.offset
    for text_ in argument.text.split("+"):
        found.append(Argument(text_.strip(), offset + len(text_) - len(text_.lstrip()), argument.quoted))
        offset += len(text_) + 1
    return found


def _inner(argument: Argument) -> tuple[str, ...]:
    """A path within the value."""
    try:
        return tuple(step.name for step in parse_path(argument.text, offset=argument.offset).steps)
    except SyntaxFault as fault:
        raise ArgumentFault(fault.text, fault.hint, argument) from None


def assembled(raws: Mapping[str, Value]) -> dict[str, Any] | None:
    """An address of its raw parts, `lines` as one text or several; None: nothing stands in any of them."""
    found: dict[str, Any] = {}
    for name in _PARTS[:-1]:
        raw = raws.get(name)
        if raw is None or not is_filled(raw):
            continue
        if name == "lines":
            parts = raw if isinstance(raw, list) else str(raw).splitlines()
            if lines := [line for part in parts if (line := text.clean(part))]:
                found["lines"] = lines
        elif name == "country":
            if code := country.normalise(raw):
                found["country"] = code
        elif told := text.clean(raw):
            found[name] = told
    if not found and (told := text.clean(raws.get("formatted"))):
        # Beside parts it only repeats them, in an order of each system's own.
        found["formatted"] = told
    return found or None


def one_line(address: Mapping[str, Any]) -> str:
    """An address as people write it on one line."""
    if told := address.get("formatted"):
        return str(told)
    town = " ".join(part for part in (address.get("postal_code"), address.get("locality")) if part)
    parts = [*(address.get("lines") or ()), town, address.get("region"), address.get("country")]
    return ", ".join(part for part in parts if part)


def _raw_parts(address: Mapping[str, Any] | None) -> dict[str, Value]:
    told = dict(address or {})
    return {
        name: ("\n".join(told["lines"]) if name == "lines" and told.get("lines") else told.get(name))
        for name in _PARTS[:-1]
    }


def _same_part(name: str, one: Value, other: Value) -> bool:
    """Do two spellings of a part say the same?"""
    if not is_filled(one) or not is_filled(other):
        return not is_filled(one) and not is_filled(other)
    try:
        return assembled({name: one}) == assembled({name: other})
    except Misfit:
        return False


def _of_columns(columns: Sequence[Sequence[Spot]]) -> Made:
    """The parts stand in fields of their own."""
    named = [(name, some) for name, some in zip(_PARTS, columns, strict=False) if some]
    spots = [spot for _, some in named for spot in some]
    joined = any(len(some) != 1 for _, some in named)

    def read_spots(raws: Sequence[Value]) -> Value:
        told = _together(raws, [len(some) for _, some in named]) if joined else raws
        found = {name: part for (name, _), part in zip(named, told, strict=True) if part is not None}
        if not found:
            return None
        parts = {name: part for name, part in found.items() if part is not ABSENT}
        if not parts:
            return ABSENT if len(found) == len(named) else None
        return assembled(parts)

    def read_in(raw: Value, row: Any) -> Value:
        return read_spots([spot.get(row) for spot in spots])

    def beside(wanted: Value, row: Any) -> list[tuple[Spot, Value]]:
        try:
            if read_in(None, row) == wanted:
                return []
        except Misfit:
            pass  # what stands there cannot be read, so it is written over
        wants = _raw_parts(wanted)
        written: list[tuple[Spot, Value]] = []
        for name, spots in named:
            want = (one_line(wanted) if wanted else None) if name == "formatted" else wants[name]
            stands = _joined([spot.get(row) for spot in spots])
            if name != "formatted" and stands is not ABSENT and _same_part(name, stands, want):
                continue
            written.append((spots[0], want))
            written.extend((spot, None) for spot in spots[1:] if is_filled(spot.get(row)))
        return written

    named_columns = [[spot.name for spot in some] for some in columns]
    return Made(
        "address",
        read_in=read_in,
        beside=beside,
        only_beside=True,
        print=named_columns,
        spots=spots,
        sees_none=True,
        read_spots=read_spots,
    )


def _together(raws: Sequence[Value], sizes: Sequence[int]) -> list[Value]:
    """Values of places, so many for each part, as one value a part."""
    left = iter(raws)
    return [_joined(list(islice(left, size))) if size != 1 else next(left) for size in sizes]


def _joined(raws: Sequence[Value]) -> Value:
    """Parts of one line: ABSENT if none was carried, None if all are empty."""
    carried = [raw for raw in raws if raw is not ABSENT]
    if not carried:
        return ABSENT
    filled = [raw for raw in carried if is_filled(raw)]
    if len(filled) < 2:
        return filled[0] if filled else None
    return " ".join(str(raw).strip() for raw in filled)


def _of_object(paths: Sequence[Sequence[tuple[str, ...]]]) -> Made:
    """The parts stand in one object; it is written whole."""
    told = zip(_PARTS, paths or [[(part,)] for part in _PARTS], strict=False)
    named = [(name, some) for name, some in told if some]

    def read(raw: Value) -> Value:
        if not isinstance(raw, dict):
            told = text.clean(raw)
            return None if told is None else {"formatted": told}
        return assembled({name: _joined([_within(raw, path) for path in some]) for name, some in named})

    def write(wanted: Value, was: Value) -> Value:
        if wanted is None or (not isinstance(was, dict | Mapping) and isinstance(was, str)):
            return None if wanted is None else one_line(wanted)
        wants = {**_raw_parts(wanted), "formatted": one_line(wanted)}
        written: dict[str, Any] = {}
        before = was if isinstance(was, dict) else {}
        for name, some in named:
            stands = _joined([_within(before, path) for path in some])
            if stands is not ABSENT and _same_part(name, stands, wants[name]):
                for path in some:
                    _set(written, path, _within(before, path))
                continue
            _set(written, some[0], wants[name])
            for path in some[1:]:
                _set(written, path, None)
        return written

    return Made("address", read=read, write=write, print=[[list(p) for p in some] for _, some in named])


def _within(raw: Value, path: tuple[str, ...]) -> Value:
    for name in path:
        if not isinstance(raw, dict) or name not in raw:
            return ABSENT
        raw = raw[name]
    return raw


def _set(written: dict[str, Any], path: tuple[str, ...], value: Value) -> None:
    for name in path[:-1]:
        written = written.setdefault(name, {})
    if value is not ABSENT:
        written[path[-1]] = value


# -- money ------------------------------------------------------------------------------------------------------


@function("money", takes=NUMBERS | {"record"}, gives="money", usage="money(currency)", most=1)
def _money(arguments: Sequence[Argument], around: Around) -> Made:
    return _amount(arguments, around, cents=False)


@function("cents", takes=NUMBERS, gives="money", usage="cents(currency)", most=1)
def _cents(arguments: Sequence[Argument], around: Around) -> Made:
    """The side counts the smallest unit of the currency."""
    return _amount(arguments, around, cents=True)


def _amount(arguments: Sequence[Argument], around: Around, *, cents: bool) -> Made:
    by, fixed, own = _currency(arguments, around)
    doubted = own and around.currency_doubted
    # The catalogue's money is one object of both; a number has its currency elsewhere.
    composite = around.field_type == "money" and by is None

    def currency_of(row: Any) -> Value:
        told = by.get(row) if by is not None else None
        return told if is_filled(told) else fixed

    def has_none(raw: Value, row: Any) -> bool:
        """Does it go by the account's?"""
        told = raw.get("currency") if isinstance(raw, dict) else by.get(row) if by is not None else None
        return not is_filled(told)

    def read_in(raw: Value, row: Any) -> Value:
        if doubted and raw not in (None, "") and has_none(raw, row):
            return ABSENT
        if isinstance(raw, dict):
            return money.normalise(raw.get("amount", raw.get("value")), raw.get("currency") or currency_of(row))
        if raw is None or raw == "":
            return None
        return (money.from_minor if cents else money.normalise)(raw, currency_of(row))

    def write(wanted: Value, was: Value) -> Value:
        if wanted is None:
            return None
        amount, currency = wanted.get("amount"), wanted.get("currency")
        told = number_out(amount)
        if isinstance(was, dict):
            return {**was, "amount" if "amount" in was else "value": told, "currency": currency}
        if composite and not isinstance(was, int | str | Decimal):
            return {"value": told, "currency": currency}
        if by is None and fixed is not None and (doubted or currency not in (None, fixed)):
            return SKIP  # this side holds amounts of one currency, and this is another
        if cents and amount is not None and currency:
            told = number_out(money.to_minor(wanted))
        return told

    def beside(wanted: Value, row: Any) -> list[tuple[Spot, Value]]:
        if by is None or wanted is None or wanted.get("currency") in (None, by.get(row)):
            return []
        return [(by, wanted["currency"])]

    return Made(
        "money", read_in=read_in, write=write, beside=None if by is None else beside,
        print=[None if by is None else by.name, fixed, cents], spots=() if by is None else (by,),
    )  # fmt: skip


def bare_amount() -> Made:
    """For what is only ever written to a side that holds no currencies: it shows the amount, and that is all it can."""

    def read(raw: Value) -> Value:
        told = number.decimal(raw)
        return None if told is None else {"amount": told}

    def write(wanted: Value, was: Value) -> Value:
        return None if wanted is None else number_out(wanted.get("amount"))

    return Made("money", read=read, write=write, name="money")


def _currency(arguments: Sequence[Argument], around: Around) -> tuple[Spot | None, str | None, bool]:
    """Where the currency stands, which one it is otherwise, and whether that is the account's."""
    if not arguments or arguments[0].text == "account":
        return None, around.currency, True
    told = arguments[0].text
    spot = around.maybe_spot(arguments[0]) if not (len(told) == 3 and told.isupper() and told.isalpha()) else None
    if spot is None and len(told) == 3 and told.isupper():
        return None, told, False
    return spot, around.currency, True


# -- consent ----------------------------------------------------------------------------------------------------


@function("optout", takes=SCALARS, gives="consent", usage="optout(value that denies)", most=1, by_option=True)
def _optout(arguments: Sequence[Argument], around: Around) -> Made:
    """A box that is ticked denies; one that is not says nothing, and is never written as anything."""
    denies = arguments[0].text if arguments else "true"

    def read(raw: Value) -> Value:
        return "denied" if meets(raw, denies) else None

    def write(wanted: Value, was: Value) -> Value:
        if wanted not in ("denied", "withdrawn"):
            return SKIP
        if (denies in ("true", "false") and not isinstance(was, str | int)) or isinstance(was, bool):
            return denies == "true"
        return number_out(denies) if isinstance(was, int) or denies.isdecimal() else denies

    return Made("consent", read=read, write=write, print=denies)


@function("consent", takes=SCALARS, gives="consent", usage="consent(list) or consent(yes, no)", most=2, by_option=True)
def _consent(arguments: Sequence[Argument], around: Around) -> Made:
    """A field that says yes or no, or one of the words of a list. Denials are written, grants never."""
    if len(arguments) == 2:
        yes, no = (argument.text for argument in arguments)
        if yes.casefold() == no.casefold():
            raise ArgumentFault(f"{no!r} would both grant and deny", "consent(word that grants, word that denies)",
                                arguments[1])  # fmt: skip
        offers = Offers(around.options)

        def read(raw: Value) -> Value:
            said = [word for word in (raw, offers.label(raw)) if is_filled(word)]
            if not said:
                return None
            for word, status in ((yes, "granted"), (no, "denied")):
                if any(meets(one, word) for one in said):
                    return status
            raise Misfit(f"{yes} or {no}")

        def write(wanted: Value, was: Value) -> Value:
            if wanted not in ("denied", "withdrawn"):
                return SKIP
            key = offers.key(no)
            return no if key is None else offers.out(key, was)

        return Made("consent", read=read, write=write, print=[yes, no, offers.told])
    told = arguments[0].text if arguments else "consent"
    found = picklist(told, around.vendor)
    if found is None:
        near = nearest(told, known_lists())
        raise ArgumentFault(
            f"there is no list {told!r}", f"did you mean {near[0]!r}?" if near else "consent(yes, no)", arguments[0],
            code="CW108",
        )  # fmt: skip
    made = chosen(found.reads, found.writes, around, print_as=[told, sorted(found.reads.items())], strict=True)

    def read_list(raw: Value) -> Value:
        status = made.read(raw) if made.read else None
        return None if status == "unknown" else status

    def write_list(wanted: Value, was: Value) -> Value:
        if wanted not in ("denied", "withdrawn") or made.write is None:
            return SKIP
        for status in ("withdrawn", "denied"):  # the first has the word that sides use
            raw = made.write(status, was)
            if raw != SKIP:
                return raw
        return SKIP

    return Made("consent", read=read_list, write=write_list, print=made.print)
