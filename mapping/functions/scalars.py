"""Functions of single values: text, numbers, times, places, choices."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from mapping.conditions import is_filled, meets
from mapping.cx import canonical
from mapping.functions.picklists import folded, known_lists, picklist
from mapping.functions.registry import (
    ANY,
    LISTS,
    NUMBERS,
    SCALARS,
    SKIP,
    TEXTS,
    TIMES,
    ArgumentFault,
    Around,
    Made,
    Read,
    Write,
    function,
    number_argument,
)
from mapping.language import Argument, nearest
from mapping.normalise import (
    Misfit,
    boolean,
    country,
    domain,
    email,
    language,
    name,
    number,
    phone,
    text,
    url,
    when,
    zone,
)
from mapping.normalise.graphemes import cut
from mapping.values import ABSENT, Value

_SHORT: Final = 4096  # characters of a text that need not be measured
_DIGITS_OF_AN_INTEGER: Final = 15  # what every JSON reader keeps exactly


LONGEST_ID: Final = 500  # characters: as long as the key of a record may be


def as_id(raw: Value) -> str | None:
    """An id as text; of an object its `id` or `value`. One that no record can have (`LONGEST_ID`, a NUL) is none."""
    if type(raw) is int:
        return str(raw)
    if type(raw) is str:
        if len(raw) > LONGEST_ID or "\0" in raw:
            raise Misfit("id")
        return raw.strip() or None
    if raw is None or raw == [] or raw == {}:
        return None
    if isinstance(raw, dict):
        inner = raw.get("id", raw.get("value", raw))
        if inner is not raw:
            return as_id(inner)
    if isinstance(raw, Decimal) and raw == raw.to_integral_value():
        return str(int(raw))
    raise Misfit("id")


def id_out(wanted: Value, was: Value) -> Value:
    """An id as this side spells ids: a number where it is one, unless the side is known to keep them as text."""
    if wanted is None:
        return None
    told = str(wanted)
    if isinstance(was, dict):
        return {**was, "id" if "id" in was else "value": id_out(wanted, was.get("id", was.get("value", ABSENT)))}
    if isinstance(was, str) and was.strip():
        return told
    if told.isdecimal() and told.isascii() and len(told) <= _DIGITS_OF_AN_INTEGER and str(int(told)) == told:
        return int(told)
    return told


def number_out(wanted: Value, was: Value = ABSENT) -> Value:
    """A number of JSON: an int where it is whole, else an exact Decimal."""
    if wanted is None or type(wanted) is int:
        return wanted
    try:
        value = Decimal(str(wanted))
    except InvalidOperation:
        return SKIP
    return int(value) if value == value.to_integral_value() else value


def as_is(wanted: Value, was: Value) -> Value:
    return wanted


def plain(
    *names: str, gives: str, takes: frozenset[str], read: Callable[[Any], Value], write: Write | None = as_is
) -> None:
    """Declares a function without arguments."""
    made = Made(gives, read=read, write=write)

    @function(*names, takes=takes, gives=gives, inverse=write is not None)
    def _make(arguments: Sequence[Argument], around: Around) -> Made:
        return made


@lru_cache(maxsize=1 << 14)
def _known_name(raw: str) -> Value:
    return _told_name(raw)


def _told_name(raw: Value) -> Value:
    """A filler ("-", "n/a") was never filled, so it says nothing: absent, where an empty name is cleared."""
    told = name.clean(raw)
    return ABSENT if told is None and raw is not None and name.is_filler(raw) else told


def _name(raw: Value) -> Value:
    """Names of other scripts take a while, and come again."""
    return _told_name(raw) if type(raw) is not str or raw.isascii() or len(raw) > 64 else _known_name(raw)


def _part_of_name(raw: Value) -> Value:
    """Given and family names come again and again."""
    return _known_name(raw) if type(raw) is str and len(raw) <= 64 else _told_name(raw)


@lru_cache(maxsize=1 << 15)
def _known_day(raw: str) -> str | None:
    return when.day(raw)


_OF_A_DAY: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def _written_day(raw: Value) -> str | None:
    """A date as written. There are few dates."""
    if type(raw) is not str:
        return when.day(raw)
    if len(raw) == 10:
        return _known_day(raw)
    return _known_day(raw[:10]) if _OF_A_DAY.fullmatch(raw) else when.day(raw)


@lru_cache(maxsize=1 << 15)
def _known_partial(raw: str) -> str | None:
    return when.partial(raw)


def _partial(raw: Value) -> str | None:
    return _known_partial(raw) if type(raw) is str and len(raw) <= 10 else when.partial(raw)


def _cased(change: Callable[[str], str]) -> Read:
    def read(raw: Value) -> Value:
        told = text.clean(raw)
        return None if told is None else change(told)

    return read


def _sf_id(raw: Value) -> str | None:
    """18 characters: what 15 say by their case, the last three repeat for systems that do not tell case."""
    told = as_id(raw)
    if told is None or len(told) != 15:
        return told
    if not told.isascii() or not told.isalnum():
        raise Misfit("Salesforce id")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    for start in (0, 5, 10):
        told += letters[sum(1 << n for n, character in enumerate(told[start : start + 5]) if character.isupper())]
    return told


def _body_text(raw: Value) -> Value:
    if type(raw) is str and len(raw) < _SHORT and raw.isascii() and raw.isprintable():
        told = raw.strip(" ")  # as `text.body` reads it, without its care for what cannot be here
        return {"text": told} if told else None
    return text.body(raw)


def body_of_clean(told: Value) -> Value:
    """Of what `text.clean` made: there is nothing left in it to be tidied or to be cut off."""
    return {"text": told}


def body_out(wanted: Value, was: Value) -> Value:
    return wanted.get("text") if isinstance(wanted, Mapping) else wanted


def _html_in(raw: Value) -> Value:
    """The text alone: it is what is compared, and markup around the same text is no difference. It stays in raw."""
    told = text.html(raw)
    return None if told is None else {key: part for key, part in told.items() if key != "html"}


def _html_out(wanted: Value, was: Value) -> Value:
    told = body_out(wanted, was)
    return text.as_html(told) if isinstance(told, str) else told


plain("text", takes=SCALARS | {"body"}, gives="text", read=text.clean)
plain("id", takes=SCALARS | {"record"}, gives="id", read=as_id, write=id_out)
plain("sf_id", takes=TEXTS, gives="id", read=_sf_id)
plain("trim", takes=TEXTS, gives="text", read=text.clean)
plain("lower", takes=TEXTS, gives="text", read=_cased(str.lower), write=None)
plain("upper", takes=TEXTS, gives="text", read=_cased(str.upper), write=None)
plain("int", takes=NUMBERS | {"percent", "int", "decimal"}, gives="int", read=number.integer)
plain("decimal", takes=NUMBERS, gives="decimal", read=number.decimal, write=number_out)
plain("bool", takes=TEXTS | {"bool", "number", "int"}, gives="bool", read=boolean.normalise)
plain("email", takes=TEXTS, gives="email", read=email.normalise)
plain("url", takes=TEXTS, gives="url", read=url.normalise)
plain("domain", takes=TEXTS, gives="domain", read=domain.normalise)
plain("country", takes=TEXTS, gives="country", read=country.normalise)
plain("lang", takes=TEXTS, gives="lang", read=language.normalise)
plain("tz", takes=TEXTS, gives="tz", read=zone.normalise)
plain("partial_date", takes=TIMES | {"number"}, gives="partial_date", read=_partial)
plain("body", takes=SCALARS | {"body"}, gives="body", read=_body_text, write=body_out)
plain("html", takes=TEXTS | {"body"}, gives="body", read=_html_in, write=_html_out)


@function("name", takes=TEXTS, gives="name", usage="name")
def _name_of(arguments: Sequence[Argument], around: Around) -> Made:
    part = around.target in ("name.given", "name.family", "name.additional", "name.prefix")
    return Made("name", read=_part_of_name if part else _name, write=as_is)


@function("percent", takes=NUMBERS, gives="percent", usage="percent")
def _percent(arguments: Sequence[Argument], around: Around) -> Made:
    """The side holds a fraction, 0 to 1; ours is 0 to 100."""

    def read(raw: Value) -> Value:
        return number.percent(raw, fraction=True)

    def write(wanted: Value, was: Value) -> Value:
        return None if wanted is None else number_out(canonical(Decimal(wanted) / 100))

    return Made("percent", read=read, write=write)


@function("share", takes=NUMBERS, gives="percent", usage="share")
def _share(arguments: Sequence[Argument], around: Around) -> Made:
    """The side holds 0 to 100, as we do."""
    return Made("percent", read=number.percent, write=number_out)


@function("phone", takes=TEXTS, gives="phone", usage="phone(region)", most=1)
def _phone(arguments: Sequence[Argument], around: Around) -> Made:
    region = around.region
    if arguments:
        region = arguments[0].text.upper()
        if len(region) != 2 or not region.isalpha():
            raise ArgumentFault(
                f"{arguments[0].text!r} is no region of phone numbers",
                "an ISO country, such as phone(DE)",
                arguments[0],
            )

    def read(raw: Value) -> Value:
        return phone.normalise(raw, region=region)

    return Made("phone", read=read, write=phone_out, print=region)


def phone_out(wanted: Value, was: Value) -> Value:
    """E.164, and the extension as RFC 3966 writes it."""
    if isinstance(wanted, Mapping):
        wanted = (wanted.get("number"), wanted.get("extension"))
    if not isinstance(wanted, tuple):
        return wanted
    numeral, extension = wanted
    return f"{numeral};ext={extension}" if extension else numeral


# -- times -----------------------------------------------------------------------------------------------------


def _zone(argument: Argument, around: Around) -> str:
    if argument.text == "account":
        return around.zone
    try:
        ZoneInfo(argument.text)
    except (KeyError, ValueError, OSError):
        raise ArgumentFault(
            f"{argument.text!r} is no time zone", "an IANA name such as Europe/Berlin, or account", argument
        ) from None
    return argument.text


@function("at", takes=TIMES, gives="at", usage="at(zone)", most=1)
def _at(arguments: Sequence[Argument], around: Around) -> Made:
    local = _zone(arguments[0], around) if arguments else around.zone

    def read(raw: Value) -> Value:
        return when.instant(raw, local)

    return Made("at", read=read, write=as_is, print=local)


@function("day", takes=TIMES, gives="date", usage="day(zone)", most=1)
def _day(arguments: Sequence[Argument], around: Around) -> Made:
    local = _zone(arguments[0], around) if arguments else None

    def read(raw: Value) -> Value:
        return when.day(raw, local)

    def write(wanted: Value, was: Value) -> Value:
        return day_in(wanted, local or around.zone)

    return Made("date", read=read if local else _written_day, write=write, print=local)


@function("when", takes=TIMES, gives="when", usage="when(clock[, zone])", most=2)
def _when(arguments: Sequence[Argument], around: Around) -> Made:
    local = _zone(arguments[1], around) if len(arguments) > 1 else around.zone
    if not arguments:

        def read(raw: Value) -> Value:
            return when.when(raw, local)

        return Made("when", read=read, write=as_is, print=local)
    clock = around.spot(arguments[0])

    def read_in(raw: Value, row: Any) -> Value:
        day = when.day(raw, None)
        told = text.clean(clock.get(row)) if is_filled(clock.get(row)) else None
        return day if day is None or told is None else when.instant(f"{day}T{told}", local)

    def write(wanted: Value, was: Value) -> Value:
        return day_in(wanted, local)

    def beside(wanted: Value, row: Any) -> list[tuple[Any, Value]]:
        return [(clock, clock_in(wanted, local))]

    return Made("when", read_in=read_in, write=write, beside=beside, print=[local, clock.name], spots=(clock,))


def day_in(wanted: Value, local: str) -> Value:
    """The date of an instant in a zone; a date as it is."""
    if not isinstance(wanted, str) or len(wanted) <= 10:
        return wanted
    return _local(wanted, local).date().isoformat()


def clock_in(wanted: Value, local: str) -> Value:
    if not isinstance(wanted, str) or len(wanted) <= 10:
        return None
    return f"{_local(wanted, local):%H:%M:%S}"


def _local(wanted: str, local: str) -> datetime:
    return datetime.fromisoformat(wanted).astimezone(ZoneInfo(local))


@function("seconds", takes=TEXTS | {"number", "int"}, gives="int", usage="seconds")
def _seconds(arguments: Sequence[Argument], around: Around) -> Made:
    return Made("int", read=_read_seconds, write=_write_seconds)


def _read_seconds(raw: Value) -> Value:
    """A number of seconds, HH:MM:SS or HH:MM."""
    if not isinstance(raw, str) or ":" not in raw:
        try:
            return number.integer(raw)
        except Misfit:
            raise Misfit("duration in seconds, HH:MM or HH:MM:SS") from None
    parts = raw.strip().split(":")
    if len(parts) > 3 or not all(part.isdecimal() and part.isascii() for part in parts):
        raise Misfit("duration in seconds, HH:MM or HH:MM:SS")
    hours, minutes, *rest = (int(part) for part in parts)
    return hours * 3600 + minutes * 60 + (rest[0] if rest else 0)


def _write_seconds(wanted: Value, was: Value) -> Value:
    if wanted is None or not (isinstance(was, str) and ":" in was):
        return wanted
    minutes, seconds = divmod(int(wanted), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}" + (f":{seconds:02}" if was.count(":") > 1 or seconds else "")


@function("ms", takes=NUMBERS, gives="int", usage="ms")
def _ms(arguments: Sequence[Argument], around: Around) -> Made:
    def read(raw: Value) -> Value:
        told = number.decimal(raw)
        return None if told is None else int(Decimal(told) / 1000)

    def write(wanted: Value, was: Value) -> Value:
        return None if wanted is None else int(wanted) * 1000

    return Made("int", read=read, write=write)


# -- what is special to a line ----------------------------------------------------------------------------------


@function("truncate", takes=TEXTS | {"body"}, gives="same", usage="truncate(characters)", least=1, most=1)
def _truncate(arguments: Sequence[Argument], around: Around) -> Made:
    length = number_argument(arguments, 0, low=1, what="truncate(255)")

    def read(raw: Value) -> Value:
        return raw

    def write(wanted: Value, was: Value) -> Value:
        told = body_out(wanted, was)
        return cut(told, length) if isinstance(told, str) else told

    return Made("same", read=read, write=write)


@function(
    "round", takes=NUMBERS | {"decimal", "percent", "int"}, gives="decimal", usage="round(places)", least=1, most=1
)
def _round(arguments: Sequence[Argument], around: Around) -> Made:
    """Rounded where it is written, half away from zero; what is read stays as it is."""
    step = Decimal(1).scaleb(-number_argument(arguments, 0, low=0, what="round(2)"))

    def write(wanted: Value, was: Value) -> Value:
        amount = wanted.get("amount") if isinstance(wanted, Mapping) else wanted
        return None if amount is None else number_out(Decimal(str(amount)).quantize(step, rounding=ROUND_HALF_UP))

    return Made("decimal", read=number.decimal, write=write)


@function("not", takes=ANY, gives="any", usage="not(value)", most=1)
def _not(arguments: Sequence[Argument], around: Around) -> Made:
    if not arguments:

        def turned(raw: Value) -> Value:
            told = boolean.normalise(raw)
            return None if told is None else not told

        def back(wanted: Value, was: Value) -> Value:
            return None if wanted is None else not wanted

        return Made("bool", read=turned, write=back)
    unwanted = arguments[0].text

    def read(raw: Value) -> Value:
        return None if meets(raw, unwanted) else raw

    return Made("any", read=read, write=as_is, print=unwanted)


def _conditional(holds: bool) -> Callable[[Sequence[Argument], Around], Made]:
    def make(arguments: Sequence[Argument], around: Around) -> Made:
        test = around.test(arguments[0])

        def read_in(raw: Value, row: Any) -> Value:
            return raw if test(row) is holds else None

        return Made("same", read_in=read_in, print=[holds, arguments[0].text])

    return make


function("if", takes=ANY, gives="same", usage="if(field=value)", least=1, most=1, inverse=False)(_conditional(True))
function("unless", takes=ANY, gives="same", usage="unless(field=value)", least=1, most=1, inverse=False)(
    _conditional(False)
)


@function(
    "case", takes=ANY, gives="text", usage="case(field=value: word, else: word)", least=1, most=None, inverse=False
)
def _case(arguments: Sequence[Argument], around: Around) -> Made:
    branches: list[tuple[Any, str]] = []
    for argument in arguments:
        condition, colon, given = argument.text.rpartition(":")
        if not colon or not given.strip():
            raise ArgumentFault(
                f"{argument.text!r} gives no word", "write case(field=value: word, else: word)", argument
            )
        always = condition.strip().casefold() == "else"
        branches.append((None if always else around.test(argument, condition), given.strip().strip('"')))

    def read_in(raw: Value, row: Any) -> Value:
        return next((given for test, given in branches if test is None or test(row)), None)

    return Made("text", read_in=read_in, sees_none=True, print=[one.text for one in arguments])


@function(
    "filled", takes=ANY, gives="text", usage="filled(word if filled, word if not)", least=1, most=2, inverse=False
)
def _filled(arguments: Sequence[Argument], around: Around) -> Made:
    yes, no = arguments[0].text, arguments[1].text if len(arguments) > 1 else None

    def read(raw: Value) -> Value:
        return yes if is_filled(raw) else no

    return Made("text", read=read, sees_none=True, print=[yes, no])


@function("first", takes=LISTS, gives="any", usage="first", inverse=False)
def _first(arguments: Sequence[Argument], around: Around) -> Made:
    def read(raw: Value) -> Value:
        if not isinstance(raw, list):
            return raw
        return next((one for one in raw if is_filled(one)), None)

    return Made("any", read=read)


@function("json", takes=ANY, gives="json", usage="json", inverse=False)
def _json(arguments: Sequence[Argument], around: Around) -> Made:
    return Made("json", read=_as_json)


def _as_json(raw: Value) -> Value:
    told = plain_json(raw)
    return None if told in ("", [], {}) else told


def plain_json(raw: Value) -> Value:
    """JSON whose fractions are canonical text."""
    if isinstance(raw, dict):
        return {str(key): plain_json(one) for key, one in raw.items()}
    if isinstance(raw, list | tuple):
        return [plain_json(one) for one in raw]
    if isinstance(raw, Decimal | float):
        return number.decimal(raw)
    return raw


# -- choices ----------------------------------------------------------------------------------------------------


class Offers:
    """The options of a field: (id, label). Ids and labels are met without case."""

    def __init__(self, options: Sequence[tuple[str, str]]) -> None:
        self._options = tuple(options)
        self._labels = {folded(key): label for key, label in options}
        self._ids: dict[str, str] = {}
        for key, label in options:
            self._ids.setdefault(folded(label), key)
        for key, _ in options:
            self._ids[folded(key)] = key
        # As JSON has them: a side may send a number where the catalogue tells a text.
        self.ready: dict[Value, str | None] = {key: text.clean(label) for key, label in options}
        self.ready |= {int(key): label for key, label in self.ready.items() if key.isdecimal() and str(int(key)) == key}
        self._numbers = bool(options) and all(key.isdecimal() for key, _ in options)
        self.any = bool(options)
        # Where ids are their own labels, a word that is not among them is new, but says what it means.
        self.own_words = all(key == label for key, label in options)
        self.told = [[key, label] for key, label in options]

    def label(self, raw: Value) -> str | None:
        return self._labels.get(folded(raw))

    def key(self, word: Value) -> str | None:
        key = self._ids.get(folded(word))
        if key is None and isinstance(word, bool):
            key = next((key for key, label in self._options if _says(label, word)), None)
        return key

    def out(self, key: str, was: Value) -> Value:
        """An id as JSON: a number where all ids are, unless the side is known to keep text."""
        if isinstance(was, list):
            was = was[0] if was else ABSENT
        return int(key) if self._numbers and not isinstance(was, str) else key


def _says(label: str, word: bool) -> bool:
    try:
        return boolean.normalise(label) is word
    except Misfit:
        return False


@function("option", takes=SCALARS | LISTS | {"multi"}, gives="option", usage="option", by_option=True)
def _option(arguments: Sequence[Argument], around: Around) -> Made:
    return option(around.options, takes_others=around.open)


def option(options: Sequence[tuple[str, str]], *, takes_others: bool = False) -> Made:
    """Between the ids that a side holds and the labels that its people see; of several choices each.

    `takes_others`: a word that is none of the options may be written too.
    """
    from mapping.functions.registry import Partly

    offers = Offers(options)
    ready = offers.ready

    def one(raw: Value) -> Value:
        if isinstance(raw, dict):
            raw = raw.get("id", raw.get("value"))
        label = offers.label(raw)
        if label is not None:
            return text.clean(label)
        if offers.any and not offers.own_words:
            raise Misfit("option of this field")
        return text.clean(raw)

    def read(raw: Value) -> Value:
        if raw is None or raw == "" or raw == []:
            return None
        if not isinstance(raw, list):
            return one(raw)
        if len(raw) == 1 and type(raw[0]) in (int, str) and (label := ready.get(raw[0])) is not None:
            return [label]
        labels: list[Value] = []
        faults: list[tuple[str, Value]] = []
        for part in raw:
            try:
                label = one(part)
            except Misfit as misfit:
                faults.append((misfit.want, part))
                continue
            if label is not None and label not in labels:
                labels.append(label)
        if faults:
            raise Partly(labels or None, faults)
        return labels or None

    def back(wanted: Value, was: Value) -> Value:
        key = offers.key(wanted)
        if key is None:
            return SKIP if offers.any and not takes_others else wanted
        return offers.out(key, was)

    def write(wanted: Value, was: Value) -> Value:
        if not isinstance(wanted, list):
            return None if wanted is None else back(wanted, was)
        # What is there already stays where it is; what this side does not offer is left out.
        kept = [part for part in was if _quietly(one, part) in wanted] if isinstance(was, list) else []
        held = {_quietly(one, part) for part in kept}
        more = [key for label in wanted if label not in held and (key := back(label, was)) != SKIP]
        unknown = [part for part in was if _quietly(one, part) is ABSENT] if isinstance(was, list) else []
        return [*kept, *unknown, *more] or None

    return Made("option", read=read, write=write, print=offers.told)


def _quietly(read: Read, raw: Value) -> Value:
    try:
        return read(raw)
    except Misfit:
        return ABSENT


@function("map", takes=SCALARS, gives="choice", usage="map(list)", least=1, most=1, by_option=True)
def _map(arguments: Sequence[Argument], around: Around) -> Made:
    told = arguments[0].text
    found = picklist(told, around.vendor)
    if found is None and told != around.target:
        near = nearest(told, known_lists())
        raise ArgumentFault(
            f"there is no list {told!r}",
            f"did you mean {near[0]!r}?  or give `values` in the long form"
            if near
            else "give `values` in the long form",
            arguments[0],
            code="CW108",
        )
    reads = dict(found.reads) if found else {}
    for code in around.codes:
        reads.setdefault(folded(code), code)
    return chosen(reads, found.writes if found else {}, around, print_as=[told, sorted(reads.items())])


def chosen(
    reads: Mapping[str, str],
    writes: Mapping[str, Sequence[str]],
    around: Around,
    *,
    print_as: Any,
    strict: bool = False,
) -> Made:
    """A choice by its words. `strict`: a word that is not among them is a fault, else it is `other` with its word."""
    offers = Offers(around.options)
    yes_no = set(reads.values()) <= {"true", "false"}
    # Words as they are mostly written; others take the way through folding.
    ready: dict[Value, Value] = {}

    def code_of(raw: Value) -> str | None:
        code = reads.get(folded(raw))
        if code is None and (label := offers.label(raw)) is not None:
            code = reads.get(folded(label))
        return code

    def read(raw: Value) -> Value:
        if type(raw) is str and raw in ready:
            return ready[raw]
        if raw is None or (isinstance(raw, str) and not raw.strip()) or raw == []:
            return None
        if isinstance(raw, dict):
            raw = raw.get("code", raw.get("id", raw.get("value", raw.get("label"))))
        code = code_of(raw)
        if code is not None:
            return code == "true" if yes_no else code
        if strict or yes_no or isinstance(raw, list | dict):
            raise Misfit("word of its list")
        return {"code": "other", "raw": text.clean(offers.label(raw) or raw)}

    for word in {*reads, *(word for words in writes.values() for word in words), *(key for key, _ in around.options)}:
        if (code := code_of(word)) is not None:
            ready[word] = code == "true" if yes_no else code

    def write(wanted: Value, was: Value) -> Value:
        if wanted is None:
            return None
        if yes_no:
            wanted = "true" if wanted is True else "false" if wanted is False else wanted
        if isinstance(wanted, Mapping) or wanted == "other":
            return SKIP
        words = [*writes.get(wanted, ()), *(word for word, code in reads.items() if code == wanted)]
        if offers.any:
            keys = [key for word in words if (key := offers.key(word)) is not None]
            return offers.out(keys[0], was) if keys else SKIP
        if isinstance(was, bool):
            return {"true": True, "false": False}.get(next((w for w in words if w in ("true", "false")), ""), SKIP)
        return words[0] if words else SKIP

    return Made("bool" if yes_no else "choice", read=read, write=write, print=print_as)


@function(
    "stage_status", takes=SCALARS, gives="choice", usage="stage_status(stages)", most=1, by_option=True, inverse=False
)
def _stage_status(arguments: Sequence[Argument], around: Around) -> Made:
    """open, won or lost by what the stage is defined as; where no definition is known, it says nothing."""
    table = around.lookups.get(arguments[0].text if arguments else "stages", {})

    def read(raw: Value) -> Value:
        key = as_id(raw)
        if key is None:
            return None
        if key not in table:
            raise Misfit("stage that is known")
        return table[key]

    def read_in(raw: Value, row: Any) -> Value:
        return read(raw) if table else ABSENT

    return Made("choice", read_in=read_in, print=sorted(table.items()))
