"""The last step of a write: a value as the JSON that a field of this type takes, cut or rounded to what it can hold."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from mapping.compile.paths import Place
from mapping.cx import canonical
from mapping.functions.registry import SKIP, Write
from mapping.functions.scalars import Offers, as_is, day_in, number_out
from mapping.normalise import when
from mapping.normalise.graphemes import cut
from mapping.values import Value


def wire(place: Place, zone: str) -> Write:
    """For a place in the rows. Without a type from the catalogue, by what stood there."""
    info = place.info if place.whole else None
    if info is None:
        return _like_before
    if info.type in ("text", "long_text"):
        return _text(info.max_length)
    if info.type == "int":
        return _whole
    if info.type == "number":
        return _number if info.decimals is None else _rounded(info.decimals)
    if info.type == "date":
        return _date(zone)
    if info.type == "datetime":
        return _datetime(zone)
    if info.type == "bool":
        return _bool
    if info.type == "choice":
        return _choice(info.options, takes_others=info.open)
    return as_is


def spelled(value: Value) -> Value:
    """Any scalar as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return canonical(Decimal(value))
    if isinstance(value, Mapping):
        return value.get("text") if "text" in value else SKIP
    if isinstance(value, list):
        return SKIP
    return value


def _like_before(value: Value, was: Value) -> Value:
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and isinstance(was, str) and was.strip():
        return spelled(value)
    if isinstance(value, str) and isinstance(was, int | Decimal) and not isinstance(was, bool):
        told = number_out(value)
        return value if told == SKIP else told
    return value


def _text(length: int | None) -> Write:
    def write(value: Value, was: Value) -> Value:
        told = spelled(value)
        return cut(told, length) if length is not None and isinstance(told, str) else told

    return write


def _number(value: Value, was: Value) -> Value:
    if isinstance(value, bool | list | dict):
        return SKIP
    told = number_out(value)
    # Some sides keep numbers as text.
    return spelled(told) if told != SKIP and isinstance(was, str) and was.strip() else told


def _rounded(decimals: int) -> Write:
    unit = Decimal(1).scaleb(-decimals)

    def write(value: Value, was: Value) -> Value:
        told = _number(value, was)
        if not isinstance(told, Decimal):
            return told
        try:
            return number_out(told.quantize(unit, ROUND_HALF_UP))
        except InvalidOperation:
            return told  # more digits than anybody counts in: the side says what is wrong with them

    return write


def _whole(value: Value, was: Value) -> Value:
    told = _number(value, was)
    return SKIP if isinstance(told, Decimal) else told


def _date(zone: str) -> Write:
    def write(value: Value, was: Value) -> Value:
        told = day_in(value, zone)
        if isinstance(told, str) and (len(told) != 10 or told.startswith("--")):
            return SKIP  # a birthday without its year is no date
        return told

    return write


def _datetime(zone: str) -> Write:
    def write(value: Value, was: Value) -> Value:
        if isinstance(value, str) and len(value) == 10:
            return when.midnight(value, zone)
        return value

    return write


def _bool(value: Value, was: Value) -> Value:
    if value is None or isinstance(value, bool):
        return value
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).casefold(), SKIP)


def _choice(options: Sequence[tuple[str, str]], *, takes_others: bool) -> Write:
    offers = Offers(options)

    def write(value: Value, was: Value) -> Value:
        if value is None or isinstance(value, list | dict):
            return value
        key = offers.key(value)
        if key is None:
            return SKIP if offers.any and not takes_others else value
        return offers.out(key, was)

    return write
