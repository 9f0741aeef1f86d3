"""How numbers, times and values of customers are written for people. Text in, text out: no clock, no terminal."""

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISOLATE, _POP = "\u2068", "\u2069"
_JOINER = "\u200d"
_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
_WEB = re.compile(r"^([a-z][a-z0-9+.-]*://).+", re.IGNORECASE)
# Characters that reorder what stands around them: a value could make a line read as another.
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


# numbers and times


def number(value: float) -> str:
    """With thousands separators: 62,118. A fraction keeps its digits."""
    return f"{value:,}"


def count(amount: int, one: str, many: str | None = None) -> str:
    """`1 write`, `2 writes`, `0 writes`."""
    return f"{number(amount)} {one if amount == 1 else many or one + 's'}"


def amount(value: int, unit: str) -> str:
    """A cost in the vendor's unit, which is given in the plural: `1 call`, `2,215 tokens`."""
    return f"{number(value)} {unit.removesuffix('s') if value == 1 else unit}"


def seconds(value: float) -> str:
    """How long something took: `0.4 s`, `44 s`, `3 min 20 s`, `2 h 5 min`."""
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, rest = divmod(minutes, 60)
    return f"{hours} h" + (f" {rest} min" if rest else "")


def moment(text: str) -> datetime:
    """The instant of a `2026-11-22T16:02:00.000Z`."""
    return datetime.fromisoformat(text)


def ago(text: str, *, now: datetime, zone: tzinfo) -> str:
    """`4 s ago`, `14 min ago`, `2 h ago`; from a day on the date."""
    past = (now - moment(text)).total_seconds()
    if past >= 86_400:
        return day(text, now=now, zone=zone)
    if past < 60:
        return f"{max(0, int(past))} s ago"
    return f"{int(past // 60)} min ago" if past < 3600 else f"{int(past // 3600)} h ago"


def day(text: str, *, now: datetime, zone: tzinfo) -> str:
    """`3 Nov`; with the year where it is another one."""
    local = moment(text).astimezone(zone)
    year = "" if local.year == now.astimezone(zone).year else f" {local.year}"
    return f"{local.day} {_MONTHS[local.month - 1]}{year}"


def stamp(text: str, *, now: datetime, zone: tzinfo) -> str:
    """`23 Nov 08:58`."""
    return f"{day(text, now=now, zone=zone)} {moment(text).astimezone(zone):%H:%M}"


def clock(text: str, *, now: datetime, zone: tzinfo) -> str:
    """`09:15` today, else `22 Nov 09:15`."""
    local = moment(text).astimezone(zone)
    same = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M}" if same else stamp(text, now=now, zone=zone)


# characters


def graphemes(text: str) -> Iterator[str]:
    """What a reader takes for one character: a base with its marks, a joined emoji, a flag, an Indic conjunct."""
    cluster = ""
    for character in text:
        if cluster and _continues(cluster, character):
            cluster += character
            continue
        if cluster:
            yield cluster
        cluster = character
    if cluster:
        yield cluster


def _continues(cluster: str, character: str) -> bool:
    last = cluster[-1]
    if character == _JOINER or unicodedata.category(character) in ("Mn", "Mc", "Me"):
        return True
    if "\U0001f3fb" <= character <= "\U0001f3ff":  # skin tones
        return True
    if last == _JOINER:
        return True
    if unicodedata.combining(last) == 9 and unicodedata.category(character) == "Lo":
        return True  # a virama ties the next consonant
    if _flag(character):
        return len(cluster) == 1 and _flag(cluster)
    return "\u1160" <= character <= "\u11ff" and "\u1100" <= last <= "\u11ff"  # Hangul written in letters


def _flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def cells(text: str) -> int:
    """Columns that a terminal gives to a text, by the larger of the counts in use."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, width: int) -> str:
    """At most `width` columns, cut between graphemes, the cut shown by `…`."""
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for cluster in graphemes(text):
        wide = cells(cluster)
        if used + wide > width - 1:
            break
        kept, used = kept + cluster, used + wide
    return kept.rstrip() + "…"


def visible(text: str) -> str:
    r"""Control characters, lone surrogates and marks that reorder the line as `\x1b`, `\u202e`."""
    if text.isprintable() and text.isascii():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if short := _SHORT.get(character):
        return short
    code = ord(character)
    if code < 0x20 or 0x7F <= code <= 0x9F:
        return f"\\x{code:02x}"
    if character in _REORDERING or 0xD800 <= code <= 0xDFFF or code in (0x2028, 0x2029):
        return f"\\u{code:04x}"
    return character


def isolated(text: str) -> str:
    """A text with right-to-left letters, fenced off so that the line around it keeps its order."""
    return f"{_ISOLATE}{text}{_POP}" if leans_left(text) else text


def leans_left(text: str) -> bool:
    """Whether something in it is written from right to left."""
    return not text.isascii() and any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text)


# values of customers


def value(held: Any) -> str:
    """A value as a person reads it: texts in quotes, nothing as `empty`, lists element by element."""
    if held is None:
        return "empty"
    if isinstance(held, bool):
        return "yes" if held else "no"
    if isinstance(held, str):
        return '"' + held.replace('"', '\\"') + '"'
    if isinstance(held, int | float):
        return str(held)
    if isinstance(held, list):
        return ", ".join(value(element) for element in held) or "empty"
    if isinstance(held, dict):
        return _object(held)
    return json.dumps(held, ensure_ascii=False, default=str)


def _object(held: dict[str, Any]) -> str:
    """The words of an element in the order a person would say them; its marks (type, role) behind."""
    if set(held) == {"code", "raw"}:
        return value(held["code"])
    for main in ("address", "number", "value", "full", "amount", "id", "text", "label"):
        if isinstance(held.get(main), str | int | float) and not isinstance(held.get(main), bool):
            marks = [str(held[mark]) for mark in ("currency", "namespace", "type", "role") if held.get(mark)]
            return value(held[main]) + (f" ({', '.join(marks)})" if marks else "")
    return ", ".join(f"{name} {value(part)}" for name, part in held.items() if part is not None) or "empty"


def masked(held: Any) -> Any:
    """The shape of a value without the value: `m…@n….test`, `M… L…`, `+4…`. Numbers and yes or no stay."""
    if isinstance(held, str):
        return _masked_text(held)
    if isinstance(held, list):
        return [masked(element) for element in held]
    if isinstance(held, dict):
        return {name: part if name in ("type", "stream", "kind") else masked(part) for name, part in held.items()}
    return held


def _masked_text(text: str) -> str:
    if found := _WEB.match(text):
        return f"{found[1]}…"
    spared: list[str] = []

    def email(match: re.Match[str]) -> str:
        local, _, domain = match[0].rpartition("@")
        labels = domain.split(".")
        spared.append(f"{_first(local)}…@" + ".".join([*(f"{_first(label)}…" for label in labels[:-1]), labels[-1]]))
        return f"\x00{len(spared) - 1}\x00"

    rest = _EMAIL.sub(email, text)
    parts = re.split("\x00([0-9]+)\x00", rest)
    return "".join(spared[int(part)] if at % 2 else _masked_words(part) for at, part in enumerate(parts))


def _masked_words(text: str) -> str:
    if re.fullmatch(r"\s*\+?[\d\s()/.:TZ-]{3,}\s*", text):
        return text.strip()[:2] + "…"
    return " ".join(f"{_first(word)}…{',' if word.endswith(',') else ''}" for word in text.split(" ") if word)


def _first(text: str) -> str:
    return next(graphemes(text), "")
